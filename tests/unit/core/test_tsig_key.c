#include "core/tsig_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct seal_key seal = {{7}};
static const struct uuid credential = {{1}}, another = {{2}};

static int init(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static enum err ones(void *out, size_t len)
{
    memset(out, 0xff, len);
    return ERR_OK;
}

static enum err fails(void *out, size_t len)
{
    memset(out, 0, len);
    return ERR_CRYPTO;
}

static void a_key_is_shown_as_base64_and_opened_for_its_credential_alone(void **state)
{
    static const struct seal_key wrong = {{8}};
    char text[TSIG_KEY_TEXT_LEN + 1];
    uint8_t sealed[TSIG_SEALED_LEN], key[TSIG_KEY_LEN], expected[TSIG_KEY_LEN];

    (void)state;
    memset(expected, 0xff, sizeof expected);
    assert_int_equal(tsig_key_make(text, sealed, &seal, &credential, ones), ERR_OK);
    assert_string_equal(text, "//////////////////////////////////////////8=");
    assert_int_equal(tsig_key_open(key, &seal, &credential, sealed, sizeof sealed), ERR_OK);
    assert_memory_equal(key, expected, sizeof key);
    assert_int_equal(tsig_key_open(key, &seal, &another, sealed, sizeof sealed), ERR_CORRUPT);
    assert_int_equal(tsig_key_open(key, &wrong, &credential, sealed, sizeof sealed), ERR_CORRUPT);
    assert_int_equal(tsig_key_open(key, &seal, &credential, sealed, sizeof sealed - 1), ERR_CORRUPT);
}

static void without_randomness_there_is_no_key(void **state)
{
    char text[TSIG_KEY_TEXT_LEN + 1] = "x";
    uint8_t sealed[TSIG_SEALED_LEN];

    (void)state;
    assert_int_equal(tsig_key_make(text, sealed, &seal, &credential, fails), ERR_CRYPTO);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_shown_as_base64_and_opened_for_its_credential_alone),
        cmocka_unit_test(without_randomness_there_is_no_key),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
