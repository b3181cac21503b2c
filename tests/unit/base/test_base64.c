#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void decoding_takes_the_vectors_of_rfc_4648_with_and_without_padding(void **state)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zg", "f"},
        {"Zm8=", "fo"},
        {"Zm8", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYg", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmE", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"+/8=", "\xfb\xff"},
        {"////", "\xff\xff\xff"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t out[8];
        size_t len = 99;
        memset(out, 'x', sizeof out);
        assert_int_equal(base64_decode(out, &len, 6, rows[i].text, strlen(rows[i].text)), ERR_OK);
        assert_int_equal(len, strlen(rows[i].bytes));
        assert_memory_equal(out, rows[i].bytes, len);
        assert_int_equal(out[len], 'x'); /* nothing behind the last byte */
    }
}

static void what_is_no_base64_is_an_error(void **state)
{
    static const char *const texts[] = {"A",    "AAAAA",    "=",     "==",   "A=",   "A==",   "A===",
                                        "====", "Zg=",      "Zg===", "Z=g=", "=Zg=", "Zm8==", "Zm-_",
                                        "Z g=", "Zg==Zg==", "Zh==",  "Zm9=", "Zh",   "Zm9",   "Zg==\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint8_t out[8];
        size_t len;
        if (base64_decode(out, &len, sizeof out, texts[i], strlen(texts[i])) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void a_nul_is_a_character_like_any_other(void **state)
{
    uint8_t out[8];
    size_t len;

    (void)state;
    assert_int_equal(base64_decode(out, &len, sizeof out, "AA\0=", 4), ERR_SYNTAX);
    assert_int_equal(base64_decode(out, &len, sizeof out, "AAAA", 4), ERR_OK);
    assert_memory_equal(out, "\0\0\0", 3);
}

static void more_than_there_is_room_for_is_an_error(void **state)
{
    uint8_t out[4] = {0, 0, 0, 'x'};
    size_t len;

    (void)state;
    assert_int_equal(base64_decode(out, &len, 3, "Zm9v", 4), ERR_OK);
    assert_int_equal(base64_decode(out, &len, 3, "Zm9vYg==", 8), ERR_FULL);
    assert_int_equal(base64_decode(out, &len, 0, "Zg==", 4), ERR_FULL);
    assert_int_equal(out[3], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_takes_the_vectors_of_rfc_4648_with_and_without_padding),
        cmocka_unit_test(what_is_no_base64_is_an_error),
        cmocka_unit_test(a_nul_is_a_character_like_any_other),
        cmocka_unit_test(more_than_there_is_room_for_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
