#include "base/bcrypt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "base/crypto.h"

#define SALT "abcdefghijklmnopqrstuu"
#define HASH "ghE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"

static void a_secret_is_right_for_its_hash_only(void **state)
{
    static const struct {
        const char *secret, *hash;
        bool is_right;
    } rows[] = {
        {"password", "$2a$04$" SALT HASH, true},
        {"password", "$2b$04$" SALT HASH, true}, /* the same but for the name, for ASCII */
        {"password", "$2y$04$" SALT HASH, true},
        {"passwore", "$2a$04$" SALT HASH, false},
        {"", "$2a$04$" SALT HASH, false},
        {"password", "$2a$05$" SALT HASH, false},
        /* A pair that was made by Go's golang.org/x/crypto/bcrypt, as acme-dns makes them. */
        {"allmine", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga", true},
        {"allmin", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_right = !rows[i].is_right;
        assert_true(bcrypt_is_hash(rows[i].hash, strlen(rows[i].hash)));
        assert_int_equal(bcrypt_check(rows[i].secret, rows[i].hash, &is_right), ERR_OK);
        assert_int_equal(is_right, rows[i].is_right);
    }
}

static void what_is_no_hash_is_told_before_anything_is_computed(void **state)
{
    static const char *const bad[] = {
        "",
        "$2a$04$",
        "$1$abcdefgh$ijklmnopqrstuvwxyz",
        "$2$04$" SALT HASH ".",
        "$2x$04$" SALT HASH,
        "$2a$03$" SALT HASH,
        "$2a$15$" SALT HASH,
        "$2a$99$" SALT HASH,
        "$2a$4$." SALT HASH,
        "$2a$0a$" SALT HASH,
        "$2a$04." SALT HASH,
        "$2a$04$" SALT "ghE8Ev8uGFaUgY2cNEySvxngrb/Jzd",
        "$2a$04$" SALT HASH "x",
        "$2a$04$" SALT "ghE8Ev8uGFaUgY2cNEySvxngrb/Jzd-",
        "$2a$04$" SALT "ghE8Ev8uGFaUgY2cNEySvxngrb/Jzd\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bcrypt_is_hash(bad[i], strlen(bad[i])));
    assert_true(bcrypt_is_hash("$2a$14$" SALT HASH, BCRYPT_TEXT_LEN));
    assert_false(bcrypt_is_hash("$2\0$04$" SALT HASH, BCRYPT_TEXT_LEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_right_for_its_hash_only),
        cmocka_unit_test(what_is_no_hash_is_told_before_anything_is_computed),
    };

    return crypto_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
