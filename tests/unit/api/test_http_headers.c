#include "api/http_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/attr.h"

struct line {
    const char *name, *value;
};

static struct http_headers read_lines(const struct line *lines, size_t n)
{
    struct http_headers h = {0};

    for (size_t i = 0; i < n && lines[i].name != NULL; i++)
        http_headers_take(&h, lines[i].name, strlen(lines[i].name), lines[i].value, strlen(lines[i].value));
    http_headers_finish(&h, "HTTP/1.0");
    return h;
}

static const struct {
    struct line lines[3];
    const char *problem;
} rows[] = {
    {{{"Host", "x"}, {"Content-Length", "2"}}, NULL},
    {{{"Transfer-Encoding", "Chunked"}}, NULL},
    {{{"Accept", "a"}, {"Accept", "b"}}, NULL},
    {{{"Origin", "a"}, {"Origin", "b"}}, NULL},
    {{{"X", "\t caf\xc3\xa9 "}}, NULL},
    {{{"content-length", "2"}, {"transfer-encoding", "chunked"}}, "both Transfer-Encoding and Content-Length"},
    {{{"CONTENT-LENGTH", "2"}, {"Content-Length", "3"}}, "more than one Content-Length"},
    {{{"Host", "x"}, {"host", "x"}}, "more than one Host"},
    {{{"X-Api-User", "x"}, {"x-api-user", "y"}}, "more than one X-Api-User"},
    {{{"X-Api-Key", "x"}, {"x-api-key", "y"}}, "more than one X-Api-Key"},
    {{{"Authorization", "x"}, {"authorization", "y"}}, "more than one Authorization"},
    {{{"Transfer-Encoding", "gzip, chunked"}}, "a Transfer-Encoding other than chunked"},
    {{{"Transfer-Encoding", "identity"}}, "a Transfer-Encoding other than chunked"},
    {{{"X", "a\rb"}}, "a header value holds control characters"},
    {{{"X", "a\x7f"}}, "a header value holds control characters"},
    {{{"Content-Length ", "2"}}, "a header name with a character that no name has"},
    {{{"X\tY", "2"}}, "a header name with a character that no name has"},
    {{{"", "2"}}, "a header name with a character that no name has"},
};

static void ambiguous_headers_are_a_problem(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_headers h = read_lines(rows[i].lines, 3);
        if ((h.problem == NULL) != (rows[i].problem == NULL) ||
            (h.problem != NULL && strcmp(h.problem, rows[i].problem) != 0))
            fail_msg("row %zu: %s", i, h.problem != NULL ? h.problem : "no problem");
    }
}

/* Values are gone through several bytes at a time, names are not. */
static void every_byte_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t place = 0; place < 40; place++) {
            bool in_value = (c >= ' ' && c != 0x7f) || c == '\t';
            bool in_name = c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", (int)c) == NULL;
            struct http_headers h = {0};
            char text[40];
            memset(text, 'a', sizeof text);
            text[place] = (char)c;
            http_headers_take(&h, "X", 1, text, sizeof text);
            assert_int_equal(h.problem == NULL, in_value);
            h = (struct http_headers){0};
            http_headers_take(&h, text, sizeof text, "x", 1);
            assert_int_equal(h.problem == NULL, in_name);
        }
    }
}

static void values_are_found_without_blanks_around(void **state)
{
    const struct line lines[] = {{"x-api-user", " \tjoe "}, {"X-API-KEY", ""}, {NULL, NULL}};
    struct http_headers h = read_lines(lines, 3);

    (void)state;
    assert_int_equal(h.api_user.len, 3);
    assert_memory_equal(h.api_user.text, "joe", 3);
    assert_non_null(h.api_key.text);
    assert_int_equal(h.api_key.len, 0);
    assert_null(h.origin.text);
}

static void the_right_most_forwarded_lines_are_kept(void **state)
{
    struct http_headers h = {0};
    char value[2] = "a";

    (void)state;
    for (char c = 'a'; c < 'a' + FORWARDED_MAX + 3; c++) {
        static char kept[FORWARDED_MAX + 3][2];
        value[0] = c;
        memcpy(kept[c - 'a'], value, 2);
        http_headers_take(&h, "x-forwarded-for", 15, kept[c - 'a'], 1);
    }
    http_headers_finish(&h, "HTTP/1.0");
    assert_null(h.problem);
    assert_int_equal(h.n_forwarded, FORWARDED_MAX);
    assert_int_equal(h.forwarded[0].text[0], 'd');
    assert_int_equal(h.forwarded[FORWARDED_MAX - 1].text[0], 'a' + FORWARDED_MAX + 2);
}

static void the_announced_length_is_read(void **state)
{
    const struct line none[] = {{NULL, NULL}};
    const struct line some[] = {{"Content-Length", "4097"}, {NULL, NULL}};
    const struct line huge[] = {{"Content-Length", "99999999999999999999999"}, {NULL, NULL}};
    const struct line padded[] = {{"Content-Length", "0000000000000000000000012"}, {NULL, NULL}};
    const struct line zeros[] = {{"Content-Length", "000"}, {NULL, NULL}};
    struct http_headers h = read_lines(none, 1);

    (void)state;
    assert_true(http_headers_body_len(&h) == 0);
    h = read_lines(some, 2);
    assert_true(http_headers_body_len(&h) == 4097);
    h = read_lines(huge, 2);
    assert_true(http_headers_body_len(&h) == UINT64_MAX);
    h = read_lines(padded, 2);
    assert_true(http_headers_body_len(&h) == 12);
    h = read_lines(zeros, 2);
    assert_true(http_headers_body_len(&h) == 0);
}

static void only_the_oldest_version_may_do_without_host(void **state)
{
    struct http_headers h = {0};

    (void)state;
    http_headers_finish(&h, "HTTP/1.0");
    assert_null(h.problem);
    http_headers_finish(&h, "HTTP/1.1");
    assert_string_equal(h.problem, "no Host");
}

static void a_request_line_is_one_method_one_target_and_one_version(void **state)
{
    /* As the library leaves a line: the blanks between its parts are NULs. */
    static const struct {
        const char *method, *rest;
        size_t target_len; /* where the version begins, less one */
        const char *problem;
    } lines[] = {
        {"POST", "/update?a=b&%00\0HTTP/1.1", 15, NULL},
        {"M-SEARCH", "*\0HTTP/1.1", 1, NULL},
        {"GET", "/caf\xc3\xa9\0HTTP/1.1", 6, NULL},
        {"{}POST", "/update\0HTTP/1.1", 7, "a method with a character that no method has"},
        {"", "/update\0HTTP/1.1", 7, "a method with a character that no method has"},
        {"GET", "/update \0HTTP/1.1", 8, "a target with blanks or control characters"},
        {"GET", "/a b\0HTTP/1.1", 4, "a target with blanks or control characters"},
        {"GET", "/a\x7f\0HTTP/1.1", 3, "a target with blanks or control characters"},
        {"GET", "/update\0/x\0HTTP/1.1", 10, "a target that holds a NUL"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct request_line l;
        const char *problem;
        request_line_read(&l, lines[i].rest);
        problem = request_line_problem(&l, lines[i].method, lines[i].rest + lines[i].target_len + 1);
        if ((problem == NULL) != (lines[i].problem == NULL) ||
            (problem != NULL && strcmp(problem, lines[i].problem) != 0))
            fail_msg("line %zu: %s", i, problem != NULL ? problem : "no problem");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_headers_are_a_problem),
        cmocka_unit_test(every_byte_is_seen_wherever_it_stands),
        cmocka_unit_test(values_are_found_without_blanks_around),
        cmocka_unit_test(the_right_most_forwarded_lines_are_kept),
        cmocka_unit_test(the_announced_length_is_read),
        cmocka_unit_test(only_the_oldest_version_may_do_without_host),
        cmocka_unit_test(a_request_line_is_one_method_one_target_and_one_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
