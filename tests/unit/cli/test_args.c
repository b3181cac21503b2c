#include "cli/args.h"

#include "base/clock.h"
#include "cli/capture.h"

static const struct command command = {.words = "thing do", .usage = "WHAT [--flag]"};
static const struct option_spec specs[] = {
    {"--flag", OPTION_FLAG}, {"--text", OPTION_TEXT}, {"--list", OPTION_LIST}, {"--since", OPTION_TEXT}};

/* Up to 8 arguments, ended by NULL. *said is what went to stderr. */
static bool parse(struct args *a, struct capture *said, size_t min, size_t max, const char *const *argv)
{
    char *copy[8];
    int argc = 0;
    bool is_right;

    for (; argv[argc] != NULL; argc++)
        copy[argc] = (char *)(uintptr_t)argv[argc];
    capture_begin(said, stderr);
    is_right = args_parse(a, &command, specs, ARRAY_LEN(specs), min, max, argc, copy);
    (void)capture_end(said);
    return is_right;
}

static void options_and_arguments_may_be_mixed(void **state)
{
    const char *const argv[] = {"one", "--text", "a b", "--flag", "two", "--list=x", NULL};
    struct capture said;
    struct args a;
    size_t len;

    (void)state;
    assert_true(parse(&a, &said, 2, 2, argv));
    assert_string_equal(said.text, "");
    assert_string_equal(a.rest[0], "one");
    assert_string_equal(a.rest[1], "two");
    assert_string_equal(args_text(&a, "--text"), "a b");
    assert_true(args_flag(&a, "--flag"));
    assert_null(args_text(&a, "--since"));
    assert_int_equal(args_list_len(&a, "--list"), 1);
    assert_memory_equal(args_list_at(&a, "--list", 0, &len), "x", 1);
    assert_int_equal(len, 1);
}

static void a_list_is_repeated_or_separated_by_commas_and_may_be_empty(void **state)
{
    const char *const argv[] = {"--list", "a,bc,,", "--list", "d", NULL};
    const char *const empty[] = {"--list", "", NULL};
    const char *const wanted[] = {"a", "bc", "d"};
    struct capture said;
    struct args a;

    (void)state;
    assert_true(parse(&a, &said, 0, 0, argv));
    assert_int_equal(args_list_len(&a, "--list"), ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        size_t len;
        const char *text = args_list_at(&a, "--list", i, &len);

        assert_int_equal(len, strlen(wanted[i]));
        assert_memory_equal(text, wanted[i], len);
    }
    assert_true(parse(&a, &said, 0, 0, empty));
    assert_non_null(args_text(&a, "--list")); /* given, and empty: "all again" */
    assert_int_equal(args_list_len(&a, "--list"), 0);
}

static void behind_two_hyphens_nothing_is_an_option(void **state)
{
    const char *const argv[] = {"a", "--", "--flag", "-x", "--", NULL};
    struct capture said;
    struct args a;

    (void)state;
    assert_true(parse(&a, &said, 0, 8, argv));
    assert_false(args_flag(&a, "--flag"));
    assert_int_equal(a.n_rest, 4);
    assert_string_equal(a.rest[1], "--flag");
    assert_string_equal(a.rest[2], "-x");
    assert_string_equal(a.rest[3], "--");
}

static void a_value_that_begins_with_one_hyphen_is_an_argument(void **state)
{
    const char *const argv[] = {"-fPqd0", NULL};
    struct capture said;
    struct args a;

    (void)state;
    assert_true(parse(&a, &said, 1, 1, argv));
    assert_string_equal(a.rest[0], "-fPqd0");
}

static void wrong_usage_is_explained_with_the_usage(void **state)
{
    static const struct {
        const char *argv[4];
        const char *says;
    } rows[] = {
        {{NULL}, "riposte thing do: an argument is missing\n"},
        {{"a", "b", NULL}, "riposte thing do: unexpected argument \"b\"\n"},
        {{"a", "--text", NULL}, "riposte thing do: --text needs a value\n"},
        {{"a", "--flag=yes", NULL}, "riposte thing do: --flag takes no value\n"},
        {{"a", "--flga", NULL}, "riposte thing do: no option --flga; did you mean --flag?\n"},
        {{"a", "--completely-else", NULL}, "riposte thing do: no option --completely-else\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char wanted[256];
        struct capture said;
        struct args a;

        assert_false(parse(&a, &said, 1, 1, rows[i].argv));
        (void)snprintf(wanted, sizeof(wanted), "%susage: riposte thing do WHAT [--flag]\n", rows[i].says);
        assert_string_equal(said.text, wanted);
    }
}

static void more_values_than_there_is_room_for_are_refused(void **state)
{
    char many[2 * (ARGS_VALUES_MAX + 1) + 1] = "";
    struct capture said;
    struct args a;

    (void)state;
    for (size_t i = 0; i <= ARGS_VALUES_MAX; i++)
        memcpy(many + 2 * i, "x,", 3);
    assert_false(parse(&a, &said, 0, 0, (const char *const[]){"--list", many, NULL}));
    assert_non_null(strstr(said.text, "more than 128 values"));
    many[2 * ARGS_VALUES_MAX] = '\0';
    assert_true(parse(&a, &said, 0, 0, (const char *const[]){"--list", many, NULL}));
    assert_int_equal(args_list_len(&a, "--list"), ARGS_VALUES_MAX);
}

static void a_time_is_a_distance_or_a_date(void **state)
{
    static const struct {
        const char *text;
        int64_t at;
    } dates[] = {{"2027-01-31", 1801353600},
                 {"1970-01-02", 86400},
                 {"2028-02-29", 1835395200},
                 {"2027-01-31T12:30:05Z", 1801398605}};
    struct capture said;
    struct args a;
    int64_t at, now;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        assert_true(parse(&a, &said, 0, 0, (const char *const[]){"--since", dates[i].text, NULL}));
        assert_true(args_time(&a, "--since", 1, &at));
        assert_int_equal(at, dates[i].at);
    }
    assert_true(parse(&a, &said, 0, 0, (const char *const[]){"--since", "90m", NULL}));
    now = clock_real_s(&clock_system);
    assert_true(args_time(&a, "--since", 1, &at));
    assert_in_range((uintmax_t)(at - now), 5400, 5402);
    assert_true(args_time(&a, "--since", -1, &at));
    assert_in_range((uintmax_t)(now - at), 5398, 5400);
}

static void what_is_no_time_is_explained(void **state)
{
    static const char *const texts[] = {"",
                                        "5",
                                        "yesterday",
                                        "2027-02-30",
                                        "2027-13-01",
                                        "2027-02-29",
                                        "2027-01-31T",
                                        "2027-01-31T25:00:00Z",
                                        "2027-01-31 12:00"};
    struct capture said;
    struct args a;
    int64_t at = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        bool is_time;

        assert_true(parse(&a, &said, 0, 0, (const char *const[]){"--since", texts[i], NULL}));
        capture_begin(&said, stderr);
        is_time = args_time(&a, "--since", 1, &at);
        assert_non_null(strstr(capture_end(&said), "a time is 90d, 24h, 30m or 45s, or a date such as 2027-01-31"));
        assert_false(is_time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_may_be_mixed),
        cmocka_unit_test(a_list_is_repeated_or_separated_by_commas_and_may_be_empty),
        cmocka_unit_test(behind_two_hyphens_nothing_is_an_option),
        cmocka_unit_test(a_value_that_begins_with_one_hyphen_is_an_argument),
        cmocka_unit_test(wrong_usage_is_explained_with_the_usage),
        cmocka_unit_test(more_values_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_time_is_a_distance_or_a_date),
        cmocka_unit_test(what_is_no_time_is_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
