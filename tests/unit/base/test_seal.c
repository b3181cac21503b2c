#include "base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crypto.h"

#define SECRET "sixteen octets.."
#define LEN    16

static const struct seal_key key = {{1, 2, 3}}, other = {{1, 2, 4}};

static int init(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static void what_is_sealed_can_be_opened_and_does_not_show(void **state)
{
    uint8_t sealed[LEN + SEAL_OVERHEAD], again[LEN + SEAL_OVERHEAD], plain[LEN];

    (void)state;
    assert_int_equal(seal_close(sealed, &key, "x", 1, SECRET, LEN), ERR_OK);
    assert_int_equal(seal_open(plain, &key, "x", 1, sealed, sizeof sealed), ERR_OK);
    assert_memory_equal(plain, SECRET, LEN);
    assert_null(memmem(sealed, sizeof sealed, SECRET, 4));
    assert_int_equal(seal_close(again, &key, "x", 1, SECRET, LEN), ERR_OK);
    assert_memory_not_equal(sealed, again, sizeof sealed); /* a nonce is never used twice */
    assert_int_equal(seal_close(sealed, &key, "x", 1, "", 0), ERR_OK);
    assert_int_equal(seal_open(plain, &key, "x", 1, sealed, SEAL_OVERHEAD), ERR_OK);
}

static void nothing_else_opens_it(void **state)
{
    static const uint8_t zeros[LEN] = {0};
    uint8_t sealed[LEN + SEAL_OVERHEAD], plain[LEN];

    (void)state;
    assert_int_equal(seal_close(sealed, &key, "x", 1, SECRET, LEN), ERR_OK);
    assert_int_equal(seal_open(plain, &other, "x", 1, sealed, sizeof sealed), ERR_CORRUPT);
    assert_memory_equal(plain, zeros, LEN);
    assert_int_equal(seal_open(plain, &key, "y", 1, sealed, sizeof sealed), ERR_CORRUPT);
    assert_int_equal(seal_open(plain, &key, "x", 0, sealed, sizeof sealed), ERR_CORRUPT);
    for (size_t cut = 0; cut < sizeof sealed; cut++)
        assert_int_equal(seal_open(plain, &key, "x", 1, sealed, cut), ERR_CORRUPT);
    for (size_t at = 0; at < sizeof sealed; at++) {
        sealed[at] ^= 1;
        assert_int_equal(seal_open(plain, &key, "x", 1, sealed, sizeof sealed),
                         at == 0 ? ERR_VERSION : ERR_CORRUPT);
        sealed[at] ^= 1;
    }
    assert_int_equal(seal_open(plain, &key, "x", 1, sealed, sizeof sealed), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_can_be_opened_and_does_not_show),
        cmocka_unit_test(nothing_else_opens_it),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
