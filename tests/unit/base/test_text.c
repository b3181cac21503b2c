#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* An allocation that cannot succeed is to give NULL instead of ending the test. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return __asan_default_options();
}

static void an_empty_text_is_an_empty_string_without_memory(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 100);
    assert_string_equal(t.bytes, "");
    assert_int_equal(t.len, 0);
    text_put(&t, "");
    text_put_bytes(&t, NULL, 0);
    text_printf(&t, "%s", "");
    assert_int_equal(t.cap, 0);
    text_fini(&t);
    text_fini(&t); /* as after text_init */
}

static void puts_append_and_keep_the_nul(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 1000);
    text_put(&t, "ab");
    text_put_char(&t, 'c');
    text_put_bytes(&t, "d\0e", 3);
    text_printf(&t, "%d-%s", -7, "x");
    assert_int_equal(t.len, 10);
    assert_memory_equal(t.bytes, "abcd\0e-7-x", 11);
    assert_int_equal(t.err, ERR_OK);
    text_fini(&t);
    assert_string_equal(t.bytes, "");
    assert_int_equal(t.len, 0);
}

static void a_long_text_grows(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 100000);
    for (int i = 0; i < 10000; i++)
        text_printf(&t, "%04d,", i);
    assert_int_equal(t.err, ERR_OK);
    assert_int_equal(t.len, 50000);
    assert_int_equal(strlen(t.bytes), 50000);
    assert_memory_equal(t.bytes + 49990, "9998,9999,", 10);
    text_fini(&t);
}

static void the_ceiling_can_be_reached_but_not_passed(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 5);
    text_put(&t, "12345");
    assert_int_equal(t.err, ERR_OK);
    text_put(&t, "");
    assert_int_equal(t.err, ERR_OK);
    text_put_char(&t, '6');
    assert_int_equal(t.err, ERR_FULL);
    assert_string_equal(t.bytes, "12345"); /* what was there is still there */
    assert_true(t.cap <= 6);
    text_fini(&t);

    text_init(&t, 5);
    text_put(&t, "123");
    text_printf(&t, "%d", 456);
    assert_int_equal(t.err, ERR_FULL);
    assert_string_equal(t.bytes, "123"); /* a piece goes in whole or not at all */
    text_put(&t, "4");
    assert_string_equal(t.bytes, "123"); /* and after an error none does */
    text_fini(&t);
    assert_int_equal(t.err, ERR_OK);

    text_init(&t, 0);
    text_put(&t, "");
    assert_int_equal(t.err, ERR_OK);
    text_put(&t, "x");
    assert_int_equal(t.err, ERR_FULL);
    text_fini(&t);
}

static void a_failed_allocation_is_remembered(void **state)
{
    struct text t;
    volatile size_t huge = SIZE_MAX / 4;

    (void)state;
    text_init(&t, SIZE_MAX);
    text_put(&t, "abc");
    text_put_bytes(&t, "x", huge); /* not read: there is no room to copy it to */
    assert_int_equal(t.err, ERR_MEMORY);
    assert_string_equal(t.bytes, "abc");
    assert_null(text_give(&t));
    assert_int_equal(t.err, ERR_MEMORY); /* still there for whoever got the NULL */
    assert_string_equal(t.bytes, "");
    text_fini(&t);
}

static void giving_leaves_an_empty_text_that_can_be_used_again(void **state)
{
    struct text t;
    char *given;

    (void)state;
    text_init(&t, 10);
    text_put(&t, "one");
    given = text_give(&t);
    assert_string_equal(given, "one");
    free(given);
    assert_int_equal(t.len, 0);
    given = text_give(&t); /* an empty one is a string of the caller's too */
    assert_string_equal(given, "");
    free(given);
    text_put(&t, "two");
    assert_string_equal(t.bytes, "two");
    text_put(&t, "too much of it");
    assert_null(text_give(&t));
    text_fini(&t);
}

static void equality_without_case_is_ascii_only(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"", "", true},        {"abc", "ABC", true},         {"aBc-9", "AbC-9", true},
        {"abc", "abd", false}, {"abc", "ab", false},         {"@", "`", false},
        {"[", "{", false},     {"k", "\xe2\x84\xaa", false}, {"\xc3\xa4", "\xc3\x84", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(text_equal_nocase(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b)),
                         rows[i].equal);
}

static void the_nearest_candidate_is_within_two_edits_and_half_the_word(void **state)
{
    static const char *const candidates[] = {"listen", "lifetime", "level", "zones", "on"};
    static const struct {
        const char *word;
        const char *nearest;
    } rows[] = {
        {"listen", "listen"},
        {"lsten", "listen"},
        {"listten", "listen"},
        {"lvl", NULL}, /* 2 of 3 is no less than half */
        {"zoens", "zones"},
        {"zone", "zones"},
        {"levle", "level"},
        {"lifetimes", "lifetime"},
        {"liefteim", NULL},
        {"xxxxx", NULL},
        {"", NULL},
        {"in", NULL},
        {"ons", "on"},
    };
    char longest[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *nearest = text_nearest(rows[i].word, candidates, ARRAY_LEN(candidates));
        if (rows[i].nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, rows[i].nearest);
    }
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_null(text_nearest(longest, candidates, ARRAY_LEN(candidates)));
    assert_null(text_nearest("listen", NULL, 0));
    const char *const equals[] = {longest, "ab13", "ab14"}; /* the first; what is far too long is passed over */
    assert_ptr_equal(text_nearest("ab12", equals, ARRAY_LEN(equals)), equals[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_is_an_empty_string_without_memory),
        cmocka_unit_test(puts_append_and_keep_the_nul),
        cmocka_unit_test(a_long_text_grows),
        cmocka_unit_test(the_ceiling_can_be_reached_but_not_passed),
        cmocka_unit_test(a_failed_allocation_is_remembered),
        cmocka_unit_test(giving_leaves_an_empty_text_that_can_be_used_again),
        cmocka_unit_test(equality_without_case_is_ascii_only),
        cmocka_unit_test(the_nearest_candidate_is_within_two_edits_and_half_the_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
