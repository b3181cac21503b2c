#include "cli/admin_follow.h"

#include "cli/capture.h"

static json_t *parse(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);

    assert_non_null(j);
    return j;
}

static void what_was_seen_is_not_new(void **state)
{
    static const struct {
        const char *items, *seen, *fresh;
    } rows[] = {
        {"[]", "[]", "[]"},
        {"[{\"a\":1}]", "[]", "[{\"a\":1}]"},
        {"[{\"a\":1},{\"a\":2}]", "[{\"a\":1}]", "[{\"a\":2}]"},
        {"[{\"a\":1},{\"a\":2}]", "[{\"a\":2},{\"a\":1}]", "[]"},
        {"[{\"a\":1,\"b\":[1]}]", "[{\"b\":[1],\"a\":1},{\"a\":1}]", "[]"},
        {"[{\"a\":3},{\"a\":1}]", "[{\"a\":2}]", "[{\"a\":3},{\"a\":1}]"}, /* in their order */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *items = parse(rows[i].items), *seen = parse(rows[i].seen), *wanted = parse(rows[i].fresh);
        json_t *fresh = follow_new_items(items, seen);

        assert_true(json_equal(fresh, wanted));
        json_decref(fresh);
        json_decref(items);
        json_decref(seen);
        json_decref(wanted);
    }
}

static void before_anything_was_seen_all_is_new(void **state)
{
    json_t *items = parse("[1,2]");
    json_t *fresh = follow_new_items(items, NULL);

    (void)state;
    assert_true(json_equal(items, fresh));
    json_decref(fresh);
    json_decref(items);
}

/* A server whose list has one more item each second, and which is gone after the third call. */
struct server {
    int calls;
    int64_t asked[4];
};

static int get(void *arg, int64_t since_s, json_t **items)
{
    struct server *s = arg;

    s->asked[s->calls++] = since_s;
    if (s->calls == 4)
        return EXIT_STATUS_UNREACHABLE;
    *items = parse("[{\"time\":\"2026-11-14T02:58:41.120Z\",\"n\":\"one\"}]");
    if (s->calls > 1)
        (void)json_array_insert_new(*items, 0, parse("{\"time\":\"2026-11-14T02:58:49Z\",\"n\":\"two\"}"));
    return EXIT_STATUS_DONE;
}

static void put(struct show_table *t, const json_t *item)
{
    show_cell(t, show_text(item, "n"));
}

static void each_item_is_shown_once_oldest_first_until_there_is_trouble(void **state)
{
    static const char *const headings[] = {"N", NULL};
    const struct cli as_text = {.config_path = ""}, as_json = {.config_path = "", .json = true};
    int64_t first = show_parse_time("2026-11-14T02:58:41Z"), second = show_parse_time("2026-11-14T02:58:49Z");
    struct server s = {0};
    struct follow f = {
        .cli = &as_text, .get = get, .put = put, .arg = &s, .headings = headings, .newest_first = true};
    struct capture said;
    int result;

    (void)state;
    capture_begin(&said, stdout);
    result = admin_follow(&f, 1000);
    assert_string_equal(capture_end(&said), "N\none\ntwo\n");
    assert_int_equal(result, EXIT_STATUS_UNREACHABLE);
    assert_int_equal(s.asked[0], 1000);
    assert_true(s.asked[1] < first && s.asked[1] > first - 10); /* overlaps */
    assert_true(s.asked[2] < second && s.asked[2] > second - 10);
    s = (struct server){0};
    f.cli = &as_json;
    capture_begin(&said, stdout);
    result = admin_follow(&f, 1000);
    assert_string_equal(capture_end(&said), "{\"time\":\"2026-11-14T02:58:41.120Z\",\"n\":\"one\"}\n"
                                            "{\"time\":\"2026-11-14T02:58:49Z\",\"n\":\"two\"}\n");
    assert_int_equal(result, EXIT_STATUS_UNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_is_not_new),
        cmocka_unit_test(before_anything_was_seen_all_is_new),
        cmocka_unit_test(each_item_is_shown_once_oldest_first_until_there_is_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
