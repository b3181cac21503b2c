/* JSON of the admin socket: what is written, what is taken, and where pages end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "api/admin_json.h"

/* ---- writing ---- */

static void assert_dump(json_t *value, const char *expected)
{
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    assert_non_null(dumped);
    assert_string_equal(dumped, expected);
    free(dumped);
    json_decref(value);
}

static void times_are_rfc3339_and_0_is_null(void **state)
{
    (void)state;
    assert_dump(json_time(0), "null");
    assert_dump(json_time(1795229921), "\"2026-11-21T02:58:41Z\"");
    assert_dump(json_time_us(1795229921000120), "\"2026-11-21T02:58:41.000120Z\"");
    assert_dump(json_time_us(0), "\"1970-01-01T00:00:00.000000Z\"");
    assert_dump(json_time_us(-1), "\"1969-12-31T23:59:59.999999Z\"");
}

static void bytes_that_are_no_text_are_escaped_as_dns_does(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *json;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\""},
        {"back\\slash", 10, "\"back\\\\slash\""},
        {"tab\there", 8, "\"tab\\there\""},
        {"\xff", 1, "\"\\\\255\""},
        {"a\\b\xff\n~", 6, "\"a\\\\092b\\\\255\\\\010~\""},
        {"nul\0", 4, "\"nul\\\\000\""},
        {"\xc3", 1, "\"\\\\195\""}, /* cut off */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_dump(json_bytes(rows[i].bytes, rows[i].len), rows[i].json);
}

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

static void the_network_of_a_claim_is_an_address_or_a_64(void **state)
{
    struct addr v4 = addr_of("192.0.2.7"), v6 = addr_of("2001:db8:1:2::"), local = {.family = ADDR_LOCAL};

    (void)state;
    assert_dump(json_client_network(&v4), "\"192.0.2.7\"");
    assert_dump(json_client_network(&v6), "\"2001:db8:1:2::/64\"");
    assert_dump(json_client_network(&local), "\"local\"");
}

static void actions_and_kinds_are_words_in_order(void **state)
{
    (void)state;
    assert_dump(json_actions(0), "[]");
    assert_dump(json_actions(ACTION_ADMINISTER | ACTION_ADD), "[\"add\",\"administer\"]");
    assert_dump(json_actions(ACTION_REMOVE | ACTION_READ | ACTION_MANAGE), "[\"remove\",\"read\",\"manage\"]");
    assert_dump(json_kinds(VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED), "[\"challenge\",\"pinned\"]");
}

static void putting_nothing_says_that_memory_was_out(void **state)
{
    json_t *object = json_object();

    (void)state;
    assert_false(json_put(object, "a", NULL));
    assert_true(json_put(object, "a", json_null()));
    json_decref(object);
}

/* ---- reading ---- */

struct reading {
    json_t *json;
    struct arena arena;
    struct problem problem;
    struct body body;
};

static const char *const known[] = {"text", "flag", "number", "time", "list", "nets", "for", "within"};

static void begin(struct reading *r, const char *json)
{
    memset(r, 0, sizeof *r);
    arena_init(&r->arena, (size_t)1 << 20);
    if (json != NULL) {
        r->json = json_loads(json, JSON_DECODE_ANY, NULL);
        assert_non_null(r->json);
    }
    body_init(&r->body, r->json, &r->arena, &r->problem, known, ARRAY_LEN(known));
}

static void end(struct reading *r, enum refusal expected)
{
    assert_string_equal(refusal_word(r->problem.reason), refusal_word(expected));
    assert_int_equal(r->problem.detail[0] != '\0', expected != REFUSAL_NONE);
    json_decref(r->json);
    arena_fini(&r->arena);
}

static void an_empty_body_has_no_members(void **state)
{
    struct reading r;
    size_t n;

    (void)state;
    begin(&r, NULL);
    assert_null(body_text(&r.body, "text"));
    assert_true(body_flag(&r.body, "flag", true));
    assert_int_equal(body_u32(&r.body, "number", 1), 0);
    assert_int_equal(body_time(&r.body, "time"), 0);
    assert_int_equal(body_duration_s(&r.body, "for", -1), -1);
    assert_null(body_texts(&r.body, "list", &n));
    assert_int_equal(n, 0);
    assert_false(body_has(&r.body, "text"));
    end(&r, REFUSAL_NONE);
}

static void members_are_read_and_outlive_the_json(void **state)
{
    struct reading r;
    const char *text;
    const struct net *nets;
    const char *const *list;
    size_t n;

    (void)state;
    begin(&r, "{\"text\":\"a\",\"flag\":true,\"number\":4294967295,\"time\":\"2026-11-21T02:58:41Z\","
              "\"list\":[\"x\",\"\"],\"nets\":[\"192.0.2.0/24\",\"2001:db8::/32\"],\"for\":\"90s\"}");
    text = body_text(&r.body, "text");
    list = body_texts(&r.body, "list", &n);
    assert_int_equal(n, 2);
    assert_true(body_flag(&r.body, "flag", false));
    assert_int_equal(body_u32(&r.body, "number", 1), UINT32_MAX);
    assert_int_equal(body_time(&r.body, "time"), 1795229921);
    assert_int_equal(body_duration_s(&r.body, "for", 0), 90);
    nets = body_nets(&r.body, "nets", &n);
    assert_int_equal(n, 2);
    assert_int_equal(nets[1].prefix_len, 32);
    json_decref(r.json);
    r.json = NULL;
    assert_string_equal(text, "a");
    assert_string_equal(list[0], "x");
    assert_string_equal(list[1], "");
    end(&r, REFUSAL_NONE);
}

static void null_is_as_if_it_were_not_there(void **state)
{
    struct reading r;
    size_t n;

    (void)state;
    begin(&r, "{\"text\":null,\"time\":null,\"number\":null,\"list\":[],\"nets\":null}");
    assert_null(body_text(&r.body, "text"));
    assert_true(body_has(&r.body, "text"));
    assert_int_equal(body_time(&r.body, "time"), 0);
    assert_int_equal(body_u32(&r.body, "number", 5), 0);
    assert_non_null(body_texts(&r.body, "list", &n)); /* an empty list is a list */
    assert_int_equal(n, 0);
    assert_null(body_nets(&r.body, "nets", &n));
    end(&r, REFUSAL_NONE);
}

static void an_unknown_member_is_named_with_the_nearest_known_one(void **state)
{
    struct reading r;

    (void)state;
    begin(&r, "{\"numbr\":1}");
    assert_non_null(strstr(r.problem.detail, "\"numbr\""));
    assert_string_equal(r.problem.hint, "did you mean \"number\"?");
    assert_int_equal(body_u32(&r.body, "number", 0), 0);
    end(&r, REFUSAL_UNKNOWN_FIELD);
    begin(&r, "{\"nothing-like-it\":1}");
    assert_string_equal(r.problem.hint, "");
    end(&r, REFUSAL_UNKNOWN_FIELD);
}

static void inner_objects_are_as_strict(void **state)
{
    static const char *const inner_known[] = {"add"};
    struct reading r;
    struct body inner;
    size_t n;

    (void)state;
    begin(&r, "{\"within\":{\"add\":[\"x\"]}}");
    assert_true(body_object(&r.body, &inner, "within", inner_known, ARRAY_LEN(inner_known)));
    assert_string_equal(body_texts(&inner, "add", &n)[0], "x");
    end(&r, REFUSAL_NONE);
    begin(&r, "{\"within\":{\"ad\":[]}}");
    assert_false(body_object(&r.body, &inner, "within", inner_known, ARRAY_LEN(inner_known)));
    assert_non_null(strstr(r.problem.detail, "within.ad"));
    end(&r, REFUSAL_UNKNOWN_FIELD);
    begin(&r, "{\"within\":[]}");
    assert_false(body_object(&r.body, &inner, "within", inner_known, ARRAY_LEN(inner_known)));
    end(&r, REFUSAL_MALFORMED);
    begin(&r, "{}");
    assert_false(body_object(&r.body, &inner, "within", inner_known, ARRAY_LEN(inner_known)));
    end(&r, REFUSAL_NONE);
}

static void read_all(const struct body *b)
{
    size_t n;

    (void)body_text(b, "text");
    (void)body_flag(b, "flag", false);
    (void)body_u32(b, "number", 1);
    (void)body_time(b, "time");
    (void)body_texts(b, "list", &n);
    (void)body_nets(b, "nets", &n);
    (void)body_duration_s(b, "for", 0);
}

static void what_is_of_another_form_is_refused(void **state)
{
    static const struct {
        const char *json;
        enum refusal expected;
    } rows[] = {
        {"[]", REFUSAL_MALFORMED},
        {"\"text\"", REFUSAL_MALFORMED},
        {"{\"text\":1}", REFUSAL_MALFORMED},
        {"{\"flag\":\"true\"}", REFUSAL_MALFORMED},
        {"{\"flag\":1}", REFUSAL_MALFORMED},
        {"{\"number\":\"1\"}", REFUSAL_MALFORMED},
        {"{\"number\":0}", REFUSAL_MALFORMED}, /* below its minimum */
        {"{\"number\":-1}", REFUSAL_MALFORMED},
        {"{\"number\":1.5}", REFUSAL_MALFORMED},
        {"{\"number\":4294967296}", REFUSAL_MALFORMED},
        {"{\"time\":1795229921}", REFUSAL_MALFORMED},
        {"{\"time\":\"tomorrow\"}", REFUSAL_MALFORMED},
        {"{\"list\":\"x\"}", REFUSAL_MALFORMED},
        {"{\"list\":[1]}", REFUSAL_MALFORMED},
        {"{\"list\":[null]}", REFUSAL_MALFORMED},
        {"{\"nets\":[\"192.0.2.1\"]}", REFUSAL_BAD_NETWORK},
        {"{\"nets\":[\"\"]}", REFUSAL_BAD_NETWORK},
        {"{\"for\":\"24\"}", REFUSAL_MALFORMED},
        {"{\"for\":24}", REFUSAL_MALFORMED},
        {"{\"text\":1,\"nets\":[\"x\"]}", REFUSAL_MALFORMED}, /* the first one counts */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;
        begin(&r, rows[i].json);
        read_all(&r.body);
        end(&r, rows[i].expected);
    }
}

static void a_needed_member_must_be_there(void **state)
{
    struct reading r;

    (void)state;
    begin(&r, "{}");
    assert_null(body_needed(&r.body, "text"));
    assert_string_equal(r.problem.detail, "text is needed");
    end(&r, REFUSAL_MALFORMED);
}

static void words_become_bits(void **state)
{
    struct reading r;

    (void)state;
    begin(&r, "{\"list\":[\"read\",\"add\",\"add\"]}");
    assert_int_equal(body_actions(&r.body, "list"), ACTION_ADD | ACTION_READ);
    end(&r, REFUSAL_NONE);
    begin(&r, "{\"list\":[\"pinned\"]}");
    assert_int_equal(body_kinds(&r.body, "list"), VALUE_KIND_PINNED);
    end(&r, REFUSAL_NONE);
    begin(&r, "{\"list\":[\"fly\"]}");
    (void)body_actions(&r.body, "list");
    assert_string_equal(r.problem.detail, "list: \"fly\" is not one of add, remove, read, manage, administer");
    end(&r, REFUSAL_MALFORMED);
    begin(&r, "{\"list\":[\"Pinned\"]}");
    (void)body_kinds(&r.body, "list");
    assert_string_equal(r.problem.detail, "list: \"Pinned\" is not one of challenge, pinned");
    end(&r, REFUSAL_MALFORMED);
}

static void a_duration_is_rounded_up_to_seconds(void **state)
{
    struct reading r;

    (void)state;
    begin(&r, "{\"for\":\"1ms\"}");
    assert_int_equal(body_duration_s(&r.body, "for", 0), 1);
    end(&r, REFUSAL_NONE);
    begin(&r, "{\"for\":\"0s\"}");
    assert_int_equal(body_duration_s(&r.body, "for", 7), 0);
    end(&r, REFUSAL_NONE);
}

static void a_very_long_text_is_cut_in_what_is_said(void **state)
{
    char json[2048];
    struct reading r;

    (void)state;
    memset(json, 'x', sizeof json);
    memcpy(json, "{\"", 2);
    memcpy(json + sizeof json - 5, "\":1}", 5);
    begin(&r, json);
    assert_true(strlen(r.problem.detail) < 200);
    end(&r, REFUSAL_UNKNOWN_FIELD);
}

/* ---- times ---- */

static void rfc3339_times_are_parsed(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        int64_t s;
    } rows[] = {
        {"2026-11-21T02:58:41Z", ERR_OK, 1795229921},
        {"2026-11-21t02:58:41z", ERR_OK, 1795229921},
        {"2026-11-21 02:58:41Z", ERR_OK, 1795229921},
        {"2026-11-21T02:58:41.999999Z", ERR_OK, 1795229921},
        {"2026-11-21T03:58:41+01:00", ERR_OK, 1795229921},
        {"2026-11-20T21:28:41.5-05:30", ERR_OK, 1795229921},
        {"2028-02-29T00:00:00Z", ERR_OK, 1835395200},
        {"2016-12-31T23:59:60Z", ERR_OK, 1483228800}, /* a leap second */
        {"2027-02-29T00:00:00Z", ERR_RANGE, 0},
        {"2026-13-01T00:00:00Z", ERR_RANGE, 0},
        {"2026-00-01T00:00:00Z", ERR_RANGE, 0},
        {"2026-01-00T00:00:00Z", ERR_RANGE, 0},
        {"2026-01-01T24:00:00Z", ERR_RANGE, 0},
        {"2026-01-01T00:60:00Z", ERR_RANGE, 0},
        {"2026-01-01T00:00:61Z", ERR_RANGE, 0},
        {"2026-01-01T00:00:00+24:00", ERR_RANGE, 0},
        {"1970-01-01T00:00:00Z", ERR_RANGE, 0},
        {"1969-12-31T23:59:59Z", ERR_RANGE, 0},
        {"", ERR_SYNTAX, 0},
        {"2026-11-21", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41.Z", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41.5", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41Zx", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41+1:00", ERR_SYNTAX, 0},
        {"2026-11-21T02:58:41+01:0x", ERR_SYNTAX, 0},
        {"2026/11/21T02:58:41Z", ERR_SYNTAX, 0},
        {"+026-11-21T02:58:41Z", ERR_SYNTAX, 0},
        {"1795229921", ERR_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t s = 0;
        assert_int_equal(time_parse_rfc3339(&s, rows[i].text, strlen(rows[i].text)), rows[i].e);
        if (rows[i].e == ERR_OK)
            assert_int_equal(s, rows[i].s);
    }
}

/* ---- queries ---- */

static void query_arguments_are_read_strictly(void **state)
{
    struct problem problem = {.reason = REFUSAL_NONE};

    (void)state;
    assert_false(query_flag("all", NULL, &problem));
    assert_false(query_flag("all", "0", &problem));
    assert_false(query_flag("all", "false", &problem));
    assert_true(query_flag("all", "", &problem));
    assert_true(query_flag("all", "1", &problem));
    assert_true(query_flag("all", "true", &problem));
    assert_int_equal(query_number("idle", NULL, 7, 100, &problem), 7);
    assert_int_equal(query_number("idle", "100", 7, 100, &problem), 100);
    assert_int_equal(query_time("since", NULL, 3, &problem), 3);
    assert_int_equal(query_time("since", "2026-11-21T02:58:41Z", 3, &problem), 1795229921);
    assert_false(problem_is(&problem));
    (void)query_number("idle", "101", 7, 100, &problem);
    assert_int_equal(problem.reason, REFUSAL_MALFORMED);
    problem = (struct problem){.reason = REFUSAL_NONE};
    (void)query_flag("all", "maybe", &problem);
    assert_int_equal(problem.reason, REFUSAL_MALFORMED);
    problem = (struct problem){.reason = REFUSAL_NONE};
    (void)query_time("since", "1h", 0, &problem);
    assert_int_equal(problem.reason, REFUSAL_MALFORMED);
}

/* ---- pages ---- */

static json_t *make_page(const char *limit, const char *after, uint32_t last)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct page page;

    page_init(&page, limit, after, &problem);
    assert_false(problem_is(&problem));
    for (uint32_t id; (id = page_next(&page, last)) != 0;)
        page_add(&page, json_integer((json_int_t)id), 1);
    return page_give(&page);
}

static void a_page_says_where_the_next_begins(void **state)
{
    (void)state;
    assert_dump(make_page("3", NULL, 5), "{\"items\":[1,2,3],\"next\":\"3\"}");
    assert_dump(make_page("3", "3", 5), "{\"items\":[4,5]}");
    assert_dump(make_page("5", NULL, 5), "{\"items\":[1,2,3,4,5]}");
    assert_dump(make_page("1", "5", 5), "{\"items\":[]}");
    assert_dump(make_page(NULL, NULL, 0), "{\"items\":[]}");
    assert_dump(make_page("3", "4294967295", 5), "{\"items\":[]}");
}

static void a_page_is_bounded_whatever_is_asked_for(void **state)
{
    json_t *page = make_page(NULL, NULL, 5000);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(page, "items")), PAGE_DEFAULT);
    json_decref(page);
    page = make_page("4000000000", NULL, 5000);
    assert_int_equal(json_array_size(json_object_get(page, "items")), PAGE_MAX);
    json_decref(page);
}

static void a_page_ends_when_enough_was_looked_at(void **state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct page page;
    uint32_t n = 0;

    (void)state;
    page_init(&page, NULL, NULL, &problem);
    while (page_next(&page, UINT32_MAX) != 0)
        n++;
    assert_int_equal(n, PAGE_VISITS_MAX);
    assert_dump(page_give(&page), "{\"items\":[],\"next\":\"100000\"}");
    page_init(&page, "1000", NULL, &problem);
    while (page_next(&page, UINT32_MAX) != 0)
        page_add(&page, json_true(), PAGE_PARTS_MAX / 2);
    assert_dump(page_give(&page), "{\"items\":[true,true],\"next\":\"2\"}");
}

static void a_page_over_chosen_ids_goes_on_behind_the_last(void **state)
{
    static const uint32_t ids[] = {3, 70, 900};
    struct problem problem = {.reason = REFUSAL_NONE};
    struct page page;

    (void)state;
    page_init(&page, "2", NULL, &problem);
    for (size_t i = 0; i < ARRAY_LEN(ids) && page_jump(&page, ids[i]); i++)
        page_add(&page, json_integer((json_int_t)ids[i]), 1);
    assert_dump(page_give(&page), "{\"items\":[3,70],\"next\":\"70\"}");
}

static void a_page_without_memory_gives_nothing(void **state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct page page;

    (void)state;
    page_init(&page, NULL, NULL, &problem);
    assert_int_equal(page_next(&page, 9), 1);
    page_add(&page, NULL, 1);
    assert_int_equal(page_next(&page, 9), 0);
    assert_null(page_give(&page));
}

static void pages_that_cannot_be_are_refused(void **state)
{
    static const char *const limits[] = {"0", "-1", "x", "", "4294967296"};
    struct page page;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct problem problem = {.reason = REFUSAL_NONE};
        page_init(&page, limits[i], NULL, &problem);
        assert_int_equal(problem.reason, REFUSAL_MALFORMED);
        page_fini(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_rfc3339_and_0_is_null),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped_as_dns_does),
        cmocka_unit_test(the_network_of_a_claim_is_an_address_or_a_64),
        cmocka_unit_test(actions_and_kinds_are_words_in_order),
        cmocka_unit_test(putting_nothing_says_that_memory_was_out),
        cmocka_unit_test(an_empty_body_has_no_members),
        cmocka_unit_test(members_are_read_and_outlive_the_json),
        cmocka_unit_test(null_is_as_if_it_were_not_there),
        cmocka_unit_test(an_unknown_member_is_named_with_the_nearest_known_one),
        cmocka_unit_test(inner_objects_are_as_strict),
        cmocka_unit_test(what_is_of_another_form_is_refused),
        cmocka_unit_test(a_needed_member_must_be_there),
        cmocka_unit_test(words_become_bits),
        cmocka_unit_test(a_duration_is_rounded_up_to_seconds),
        cmocka_unit_test(a_very_long_text_is_cut_in_what_is_said),
        cmocka_unit_test(rfc3339_times_are_parsed),
        cmocka_unit_test(query_arguments_are_read_strictly),
        cmocka_unit_test(a_page_says_where_the_next_begins),
        cmocka_unit_test(a_page_is_bounded_whatever_is_asked_for),
        cmocka_unit_test(a_page_ends_when_enough_was_looked_at),
        cmocka_unit_test(a_page_over_chosen_ids_goes_on_behind_the_last),
        cmocka_unit_test(a_page_without_memory_gives_nothing),
        cmocka_unit_test(pages_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
