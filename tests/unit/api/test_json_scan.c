#include "api/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static const struct {
    const char *text;
    enum json_scan_kind kind;
    size_t rest; /* SIZE_MAX: no JSON */
} rows[] = {
    {"{}", JSON_SCAN_OBJECT, 0},
    {" \t\r\n[] x", JSON_SCAN_ARRAY, 2},
    {"null\n", JSON_SCAN_NULL, 1},
    {"truefalse", JSON_SCAN_BOOL, 5},
    {"\"a\\u00e9\\n\\\"\"", JSON_SCAN_STRING, 0},
    {"-0.5e+10,", JSON_SCAN_NUMBER, 1},
    {"01", JSON_SCAN_NUMBER, 1},
    {"{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"}\"}", JSON_SCAN_OBJECT, 0},
    {"\"\xff\"", JSON_SCAN_STRING, 0},
    {"", 0, SIZE_MAX},
    {"  ", 0, SIZE_MAX},
    {"{", 0, SIZE_MAX},
    {"{\"a\"}", 0, SIZE_MAX},
    {"{\"a\":1,}", 0, SIZE_MAX},
    {"{a:1}", 0, SIZE_MAX},
    {"{\"a\":1 \"b\":2}", 0, SIZE_MAX},
    {"[1,]", 0, SIZE_MAX},
    {"[1}", 0, SIZE_MAX},
    {"]", 0, SIZE_MAX},
    {"\"abc", 0, SIZE_MAX},
    {"\"a\nb\"", 0, SIZE_MAX},
    {"\"\\x\"", 0, SIZE_MAX},
    {"\"\\u12g4\"", 0, SIZE_MAX},
    {"\"\\", 0, SIZE_MAX},
    {"nul", 0, SIZE_MAX},
    {"-", 0, SIZE_MAX},
    {"1.", 0, SIZE_MAX},
    {"1e", 0, SIZE_MAX},
    {".5", 0, SIZE_MAX},
    {"+1", 0, SIZE_MAX},
};

static void values_are_recognised_and_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_scan_value v;
        size_t len = strlen(rows[i].text);
        size_t rest = 0;
        char *exact = malloc(len + 1); /* so that a step beyond the end is seen */
        enum err e;
        assert_non_null(exact);
        memcpy(exact, rows[i].text, len);
        exact = realloc(exact, len > 0 ? len : 1);
        e = json_scan(&v, &rest, exact, len);
        if (e != (rows[i].rest == SIZE_MAX ? ERR_SYNTAX : ERR_OK))
            fail_msg("%s: %s", rows[i].text, err_text(e));
        if (e == ERR_OK) {
            assert_int_equal(v.kind, rows[i].kind);
            assert_int_equal(rest, rows[i].rest);
        }
        free(exact);
    }
}

static void every_truncation_of_an_object_is_no_json(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e1,\"x\\u00ff\",{\"b\":null}],\"c\":true}";
    struct json_scan_value v;
    size_t rest;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(json_scan(&v, &rest, text, len), ERR_SYNTAX);
    assert_int_equal(json_scan(&v, &rest, text, sizeof text - 1), ERR_OK);
}

static void an_error_says_where_it_is(void **state)
{
    static const struct {
        const char *text;
        size_t rest;
    } errors[] = {
        {"", 0},
        {" \n", 0},
        {"{\"a\":1", 0},
        {"[1,", 0},
        {"x", 1},
        {" x", 1},
        {"{a:1}", 4},
        {"{\"a\" 1}", 2},
        {"{\"a\":1 \"b\"", 3},
        {"[1,]", 1},
        {"[nul]", 4},
        {"{\"a\":\"", 1},
        {"{\"a\":\"\\q\"}", 5},
        {"[1 2]", 2},
        {"{\"a\":1]", 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct json_scan_value v;
        size_t rest = SIZE_MAX;
        assert_int_equal(json_scan(&v, &rest, errors[i].text, strlen(errors[i].text)), ERR_SYNTAX);
        if (rest != errors[i].rest)
            fail_msg("%s: %zu", errors[i].text, rest);
    }
}

static void nesting_is_bounded(void **state)
{
    size_t deep = JSON_SCAN_DEPTH_MAX;
    char *text = malloc(2 * deep + 2);
    struct json_scan_value v;
    size_t rest;

    (void)state;
    assert_non_null(text);
    memset(text, '[', deep);
    memset(text + deep, ']', deep);
    assert_int_equal(json_scan(&v, &rest, text, 2 * deep), ERR_OK);
    memset(text, '[', deep + 1);
    memset(text + deep + 1, ']', deep + 1);
    assert_int_equal(json_scan(&v, &rest, text, 2 * deep + 2), ERR_SYNTAX);
    free(text);
}

static void members_and_elements_come_in_order_and_doubled(void **state)
{
    static const char text[] = "{ \"a\" : 1 , \"b\":[2,\"x\"] ,\"a\":{} }";
    static const char *const keys[] = {"\"a\"", "\"b\"", "\"a\""};
    static const char *const values[] = {"1", "[2,\"x\"]", "{}"};
    struct json_scan_value v, key, value, array = {0};
    struct json_scan_iter it;
    size_t rest, n = 0;

    (void)state;
    assert_int_equal(json_scan(&v, &rest, text, sizeof text - 1), ERR_OK);
    it = json_scan_enter(&v);
    while (json_scan_next(&it, &key, &value)) {
        assert_memory_equal(key.text, keys[n], key.len);
        assert_int_equal(value.len, strlen(values[n]));
        assert_memory_equal(value.text, values[n], value.len);
        if (value.kind == JSON_SCAN_ARRAY)
            array = value;
        n++;
    }
    assert_int_equal(n, 3);
    it = json_scan_enter(&array);
    assert_true(json_scan_next(&it, &key, &value));
    assert_int_equal(value.kind, JSON_SCAN_NUMBER);
    assert_true(json_scan_next(&it, &key, &value));
    assert_int_equal(value.kind, JSON_SCAN_STRING);
    assert_false(json_scan_next(&it, &key, &value));
}

static const struct {
    const char *text, *decoded;
} strings[] = {
    {"\"\"", ""},
    {"\"plain\"", "plain"},
    {"\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"", "\b\f\n\r\t\"\\/"},
    {"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
    {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
    {"\"\\ude00\"", "\xef\xbf\xbd"},
    {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                           "A"},
    {"\"\xc3\xa9\"", "\xc3\xa9"},
    {"\"\xff\"", "\xef\xbf\xbd"},
    {"\"\xc3\"", "\xef\xbf\xbd"},
    {"\"\xc0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80"},
    {"\"\xf4\x90\x80\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

static void strings_are_decoded_as_go_decodes_them(void **state)
{
    char out[JSON_SCAN_DECODED_MAX(64)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        struct json_scan_value v;
        size_t rest, len;
        assert_int_equal(json_scan(&v, &rest, strings[i].text, strlen(strings[i].text)), ERR_OK);
        len = json_scan_decode(out, &v);
        assert_int_equal(len, strlen(strings[i].decoded));
        assert_memory_equal(out, strings[i].decoded, len);
    }
}

/* Strings are gone through several bytes at a time: what is special must be seen in each place. */
static void every_byte_is_seen_wherever_it_stands(void **state)
{
    enum { LEN = 40 };
    char out[JSON_SCAN_DECODED_MAX(LEN + 2)];

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t place = 0; place < LEN; place++) {
            bool is_plain = c >= ' ' && c != '"' && c != '\\';
            char text[LEN + 2];
            struct json_scan_value v;
            size_t rest, len;
            enum err e;
            memset(text, 'a', sizeof text);
            text[0] = text[LEN + 1] = '"';
            text[1 + place] = (char)c;
            e = json_scan(&v, &rest, text, sizeof text);
            if (c == '"') {
                assert_int_equal(e, ERR_OK);
                assert_int_equal(v.len, place + 2);
                continue;
            }
            assert_int_equal(e, is_plain ? ERR_OK : ERR_SYNTAX);
            if (!is_plain)
                continue;
            assert_int_equal(v.len, sizeof text);
            len = json_scan_decode(out, &v);
            assert_int_equal(len, c < 0x80 ? LEN : LEN + 2);
            assert_memory_equal(out, text + 1, place);
            assert_memory_equal(out + place, c < 0x80 ? text + 1 + place : "\xef\xbf\xbd", c < 0x80 ? 1 : 3);
            assert_memory_equal(out + len - (LEN - 1 - place), text + 2 + place, LEN - 1 - place);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_recognised_and_measured),
        cmocka_unit_test(every_truncation_of_an_object_is_no_json),
        cmocka_unit_test(an_error_says_where_it_is),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(members_and_elements_come_in_order_and_doubled),
        cmocka_unit_test(strings_are_decoded_as_go_decodes_them),
        cmocka_unit_test(every_byte_is_seen_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
