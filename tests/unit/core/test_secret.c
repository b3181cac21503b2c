#include "core/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base64url.h"

static enum err failing(void *out, size_t len)
{
    memset(out, 0, len);
    return ERR_CRYPTO;
}

static int set_up(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static void a_secret_has_forty_characters_and_is_another_each_time(void **state)
{
    char a[SECRET_TEXT_LEN + 1], b[SECRET_TEXT_LEN + 1];

    (void)state;
    assert_int_equal(secret_make(a, crypto_random), ERR_OK);
    assert_int_equal(secret_make(b, crypto_random), ERR_OK);
    assert_int_equal(strlen(a), SECRET_TEXT_LEN);
    assert_true(base64url_is_text(a, SECRET_TEXT_LEN));
    assert_string_not_equal(a, b);
}

static void a_token_is_a_prefix_and_a_secret(void **state)
{
    char text[TOKEN_TEXT_LEN + 1];

    (void)state;
    assert_int_equal(token_make(text, crypto_random), ERR_OK);
    assert_int_equal(strlen(text), TOKEN_TEXT_LEN);
    assert_memory_equal(text, "rpt_", 4);
}

static void without_randomness_there_is_none(void **state)
{
    char text[TOKEN_TEXT_LEN + 1] = "before";

    (void)state;
    assert_int_equal(secret_make(text, failing), ERR_CRYPTO);
    assert_string_equal(text, "");
    assert_int_equal(token_make(text, failing), ERR_CRYPTO);
    assert_string_equal(text, "");
}

static void the_hash_is_sha256_of_the_text(void **state)
{
    static const uint8_t of_abc[SHA256_LEN] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                               0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                               0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t out[SHA256_LEN];

    (void)state;
    assert_int_equal(secret_hash(out, "abc"), ERR_OK);
    assert_memory_equal(out, of_abc, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_has_forty_characters_and_is_another_each_time),
        cmocka_unit_test(a_token_is_a_prefix_and_a_secret),
        cmocka_unit_test(without_randomness_there_is_none),
        cmocka_unit_test(the_hash_is_sha256_of_the_text),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
