#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct uuid sample = {
    {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x4c, 0xde, 0x8f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd}};

static void the_four_spellings_and_either_case_are_taken(void **state)
{
    static const char *const rows[] = {
        "01234567-89ab-4cde-8f01-23456789abcd",
        "01234567-89AB-4CDE-8F01-23456789ABCD",
        "0123456789ab4cde8f0123456789abcd",
        "0123456789AB4CDE8F0123456789abcd",
        "urn:uuid:01234567-89ab-4cde-8f01-23456789abcd",
        "URN:UUID:01234567-89ab-4cde-8f01-23456789abcd",
        "{01234567-89ab-4cde-8f01-23456789abcd}",
        "x01234567-89ab-4cde-8f01-23456789abcdy", /* braces are not looked at */
        "\"01234567-89ab-4cde-8f01-23456789abcd\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uuid u = {{0}};
        assert_int_equal(uuid_parse(&u, rows[i], strlen(rows[i])), ERR_OK);
        assert_true(uuid_equal(&u, &sample));
    }
}

static void anything_else_is_a_syntax_error_and_leaves_the_result(void **state)
{
    static const char *const rows[] = {
        "",
        "not-a-uuid",
        "01234567-89ab-4cde-8f01-23456789abc",   /* 35 */
        "01234567-89ab-4cde-8f01-23456789abcde", /* 37 */
        "01234567-89ab-4cde-8f01-23456789abcg",  /* no hex digit */
        "01234567089ab-4cde-8f01-23456789abcd",  /* no hyphen where one belongs */
        "0123456-789ab-4cde-8f01-23456789abcd",  /* a hyphen elsewhere */
        "0123456789ab4cde8f0123456789abc",       /* 31 */
        "0123456789ab4cde8f0123456789abcx",
        "0123456789ab4cde8f0123456789abcd0",  /* 33 */
        "{0123456789ab4cde8f0123456789abcd}", /* 34 */
        "urn:uuie:01234567-89ab-4cde-8f01-23456789abcd",
        "urn:uuid:0123456789ab4cde8f0123456789abcd",
        "{urn:uuid:01234567-89ab-4cde-8f01-23456789abcd}",
        " 01234567-89ab-4cde-8f01-23456789abcd",
        "--------------------------------",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uuid u = sample;
        assert_int_equal(uuid_parse(&u, rows[i], strlen(rows[i])), ERR_SYNTAX);
        assert_true(uuid_equal(&u, &sample));
    }
}

static void text_needs_no_nul(void **state)
{
    static const char text[] = "0123456789ab4cde8f0123456789abcdff";
    struct uuid u;

    (void)state;
    assert_int_equal(uuid_parse(&u, text, 32), ERR_OK);
    assert_true(uuid_equal(&u, &sample));
}

static void a_nul_byte_is_no_hex_digit(void **state)
{
    struct uuid u;

    (void)state;
    assert_int_equal(uuid_parse(&u, "0123456789ab4cde8f0123456789abc\0", 32), ERR_SYNTAX);
}

static void formatting_is_lower_case_with_hyphens_and_parses_back(void **state)
{
    char text[UUID_TEXT_LEN + 1];
    struct uuid u;

    (void)state;
    assert_ptr_equal(uuid_format(&sample, text), text);
    assert_string_equal(text, "01234567-89ab-4cde-8f01-23456789abcd");
    assert_int_equal(uuid_parse(&u, text, UUID_TEXT_LEN), ERR_OK);
    assert_true(uuid_equal(&u, &sample));
}

static void version_4_keeps_122_bits_and_sets_version_and_variant(void **state)
{
    uint8_t random[16];
    char text[UUID_TEXT_LEN + 1];
    struct uuid u;

    (void)state;
    memset(random, 0xff, sizeof random);
    u = uuid_v4(random);
    assert_string_equal(uuid_format(&u, text), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    memset(random, 0, sizeof random);
    u = uuid_v4(random);
    assert_string_equal(uuid_format(&u, text), "00000000-0000-4000-8000-000000000000");
}

static void only_all_zero_is_nil(void **state)
{
    struct uuid u = {{0}};

    (void)state;
    assert_true(uuid_is_nil(&u));
    u.b[15] = 1;
    assert_false(uuid_is_nil(&u));
    assert_false(uuid_equal(&u, &sample));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_spellings_and_either_case_are_taken),
        cmocka_unit_test(anything_else_is_a_syntax_error_and_leaves_the_result),
        cmocka_unit_test(text_needs_no_nul),
        cmocka_unit_test(a_nul_byte_is_no_hex_digit),
        cmocka_unit_test(formatting_is_lower_case_with_hyphens_and_parses_back),
        cmocka_unit_test(version_4_keeps_122_bits_and_sets_version_and_variant),
        cmocka_unit_test(only_all_zero_is_nil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
