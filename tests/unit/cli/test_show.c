#include "cli/show.h"

#include "base/attr.h"
#include "base/clock.h"
#include "cli/capture.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    static const char *const headings[] = {"A", "LONGER", "LAST", NULL};
    struct show_table t;
    struct capture said;

    (void)state;
    show_table_init(&t, headings);
    show_cell(&t, "wide cell");
    show_cell_int(&t, -7);
    show_cell(&t, "x");
    show_cell(&t, "ztdi…5R1E"); /* a character of three octets takes one column */
    show_cell_format(&t, "%s/%d", "a", 1);
    show_cell(&t, "");
    capture_begin(&said, stdout);
    show_table_end(&t, "none");
    assert_string_equal(capture_end(&said), "A          LONGER  LAST\n"
                                            "wide cell  -7      x\n"
                                            "ztdi…5R1E  a/1     -\n");
}

static void a_table_that_goes_on_has_its_headings_once_and_columns_that_only_grow(void **state)
{
    static const char *const headings[] = {"A", "B", NULL};
    struct show_table t;
    struct capture said;

    (void)state;
    show_table_init(&t, headings);
    capture_begin(&said, stdout);
    show_table_flush(&t); /* nothing to show yet */
    show_cell(&t, "wide cell");
    show_cell(&t, "1");
    show_table_flush(&t);
    show_table_flush(&t);
    show_cell(&t, "x");
    show_cell(&t, "2");
    show_table_flush(&t);
    show_cell(&t, "the widest cell");
    show_cell(&t, "3");
    show_table_end(&t, "none");
    assert_string_equal(capture_end(&said), "A          B\nwide cell  1\nx          2\nthe widest cell  3\n");
}

static void a_line_of_json_is_whole(void **state)
{
    json_t *object = json_pack("{s:[i,s]}", "a", 1, "b\nc");
    struct capture said;

    (void)state;
    capture_begin(&said, stdout);
    show_json_line(object);
    assert_string_equal(capture_end(&said), "{\"a\":[1,\"b\\nc\"]}\n");
    json_decref(object);
}

static void a_table_without_rows_says_so(void **state)
{
    static const char *const headings[] = {"A", "B", NULL};
    struct show_table t;
    struct capture said;

    (void)state;
    show_table_init(&t, headings);
    capture_begin(&said, stdout);
    show_table_end(&t, "nothing there");
    assert_string_equal(capture_end(&said), "nothing there\n");
    show_table_init(&t, headings);
    capture_begin(&said, stdout);
    show_table_end(&t, NULL);
    assert_string_equal(capture_end(&said), "");
}

static void a_table_of_many_rows_keeps_long_cells_whole_and_control_characters_out(void **state)
{
    static const char *const headings[] = {"A", NULL};
    char lengthy[600];
    struct show_table t;
    struct capture said;

    (void)state;
    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    show_table_init(&t, headings);
    for (int i = 0; i < 70; i++) /* past the first allocation */
        show_cell_int(&t, i);
    show_cell(&t, lengthy);
    show_cell(&t, "a\x1b[31mb\x7f\n");
    capture_begin(&said, stdout);
    show_table_end(&t, "none");
    (void)capture_end(&said);
    assert_non_null(strstr(said.text, lengthy));
    assert_non_null(strstr(said.text, "\n69\n"));
    assert_non_null(strstr(said.text, "\na?[31mb??\n"));
}

static void joined_texts_end_with_an_ellipsis_when_they_do_not_fit(void **state)
{
    static const struct {
        size_t cap;
        const char *text;
    } rows[] = {
        {64, "one three five"}, {15, "one three five"}, {14, "one three …"}, {13, "one …"}, {8, "one …"}, {4, "…"},
    };
    json_t *array = json_pack("[s, s, s]", "one", "three", "five");
    char out[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(show_joined(array, out, rows[i].cap), rows[i].text);
    json_decref(array);
    assert_string_equal(show_joined(NULL, out, sizeof(out)), "-");
    array = json_pack("[i]", 1);
    assert_string_equal(show_joined(array, out, sizeof(out)), "?");
    json_decref(array);
}

static void members_that_are_not_there_are_empty(void **state)
{
    json_t *object = json_pack("{s:s, s:i}", "text", "t", "number", 7);

    (void)state;
    assert_string_equal(show_text(object, "text"), "t");
    assert_string_equal(show_text(object, "number"), "");
    assert_string_equal(show_text(NULL, "text"), "");
    assert_int_equal(show_int(object, "number"), 7);
    assert_int_equal(show_int(object, "text"), 0);
    json_decref(object);
}

static void ages_are_told_in_a_unit_that_fits(void **state)
{
    static const struct {
        int64_t ago_s;
        const char *text;
    } rows[] = {
        {0, "0 s ago"},       {119, "119 s ago"},   {121, "2 min ago"},  {7190, "119 min ago"},
        {7260, "2 h ago"},    {258000, "71 h ago"}, {262800, "3 d ago"}, {90 * 86400, "90 d ago"},
        {-3590, "in 59 min"}, {-259190, "in 71 h"},
    };
    char at[CLOCK_TEXT_MAX], out[SHOW_AGE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        clock_format_rfc3339(clock_real_s(&clock_system) - rows[i].ago_s, at);
        assert_string_equal(show_age(at, out), rows[i].text);
    }
    assert_string_equal(show_age("", out), "-");
    assert_string_equal(show_age(NULL, out), "-");
    assert_string_equal(show_age("yesterday", out), "-");
}

static void a_moment_is_shown_with_its_date_and_no_more_than_milliseconds(void **state)
{
    static const struct {
        const char *time, *text;
    } rows[] = {
        {"2026-11-14T02:58:41Z", "2026-11-14 02:58:41"},
        {"2026-11-14T02:58:41.120436Z", "2026-11-14 02:58:41.120"},
        {"2026-11-14T02:58:41.120Z", "2026-11-14 02:58:41.120"},
        {"", "-"},
        {"2026-11-14", "-"},
    };
    char out[SHOW_WHEN_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(show_when(rows[i].time, out), rows[i].text);
}

static void long_values_are_shortened_in_the_middle(void **state)
{
    char out[SHOW_VALUE_MAX];

    (void)state;
    assert_string_equal(show_value("", out), "");
    assert_string_equal(show_value("123456789012", out), "123456789012");
    assert_string_equal(show_value("4fPqd0HooTxsa-fuxfVD9SD-Q4TXHwEQp0O9yTf7LJE", out), "4fPq…7LJE");
}

static void a_credential_without_a_label_is_called_by_the_beginning_of_its_id(void **state)
{
    json_t *c = json_pack("{s:s, s:s}", "label", "", "credential", "ab3c9763-d131-4b29-99ed-f398cc5eb212");
    char out[SHOW_LABEL_MAX];

    (void)state;
    assert_string_equal(show_label(c, out), "ab3c9763");
    (void)json_object_set_new(c, "label", json_string("web1"));
    assert_string_equal(show_label(c, out), "web1");
    json_decref(c);
}

static void networks_that_cannot_be_read_are_not_shown_as_any(void **state)
{
    json_t *c = json_pack("{s:[]}", "networks");
    char out[SHOW_LIST_MAX];

    (void)state;
    assert_string_equal(show_networks(c, out), "any");
    (void)json_object_set_new(c, "networks-invalid", json_true());
    assert_string_equal(show_networks(c, out), "cannot be read: denied");
    json_decref(c);
    c = json_pack("{s:[s, s]}", "networks", "192.0.2.0/24", "2001:db8::/32");
    assert_string_equal(show_networks(c, out), "192.0.2.0/24 2001:db8::/32");
    json_decref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(a_table_that_goes_on_has_its_headings_once_and_columns_that_only_grow),
        cmocka_unit_test(a_line_of_json_is_whole),
        cmocka_unit_test(a_table_without_rows_says_so),
        cmocka_unit_test(a_table_of_many_rows_keeps_long_cells_whole_and_control_characters_out),
        cmocka_unit_test(joined_texts_end_with_an_ellipsis_when_they_do_not_fit),
        cmocka_unit_test(members_that_are_not_there_are_empty),
        cmocka_unit_test(ages_are_told_in_a_unit_that_fits),
        cmocka_unit_test(a_moment_is_shown_with_its_date_and_no_more_than_milliseconds),
        cmocka_unit_test(long_values_are_shortened_in_the_middle),
        cmocka_unit_test(a_credential_without_a_label_is_called_by_the_beginning_of_its_id),
        cmocka_unit_test(networks_that_cannot_be_read_are_not_shown_as_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
