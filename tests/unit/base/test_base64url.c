#include "base/base64url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"

static void encoding_gives_the_vectors_of_rfc_4648_without_padding(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "-_8"},
        {"\xff\xff\xff", "____"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].bytes);
        char out[16];
        memset(out, 'x', sizeof out);
        assert_int_equal(base64url_encode(out, (const uint8_t *)rows[i].bytes, len), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
        assert_int_equal(strlen(out), (len * 4 + 2) / 3);
        assert_int_equal(out[strlen(out) + 1], 'x'); /* nothing behind the NUL */
    }
}

static void a_digest_becomes_43_characters(void **state)
{
    uint8_t digest[32] = {0};
    char out[44];

    (void)state;
    assert_int_equal(base64url_encode(out, digest, sizeof digest), 43);
    assert_true(base64url_is_text(out, 43));
}

static void exactly_64_bytes_are_of_the_alphabet(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = 0;

    (void)state;
    for (int c = -128; c < 128; c++) {
        char text = (char)c;
        bool is_text = base64url_is_text(&text, 1);
        n += is_text;
        assert_int_equal(is_text, memchr(alphabet, text, sizeof alphabet - 1) != NULL);
    }
    assert_int_equal(n, 64);
}

static void one_foreign_byte_anywhere_is_found(void **state)
{
    char text[8];

    (void)state;
    assert_true(base64url_is_text(NULL, 0));
    for (size_t i = 0; i < sizeof text; i++) {
        memset(text, 'A', sizeof text);
        assert_true(base64url_is_text(text, sizeof text));
        text[i] = '=';
        assert_false(base64url_is_text(text, sizeof text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_gives_the_vectors_of_rfc_4648_without_padding),
        cmocka_unit_test(a_digest_becomes_43_characters),
        cmocka_unit_test(exactly_64_bytes_are_of_the_alphabet),
        cmocka_unit_test(one_foreign_byte_anywhere_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
