#include "base/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/crypto.h"

static int init(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

/* RFC 4231 section 4.3 for SHA-2, RFC 2202 test case 2 for the others: key "Jefe". */
static void the_vectors_of_the_rfcs(void **state)
{
    static const struct {
        enum hmac_algorithm algorithm;
        const char *hex;
    } rows[] = {
        {HMAC_SHA224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
        {HMAC_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {HMAC_SHA384,
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
        {HMAC_SHA512,
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
         "caeab1a34d4a6b4b636e070a38bce737"},
        {HMAC_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {HMAC_MD5, "750c783e6ab0b503eaa86e310a5db738"},
    };
    const struct hmac_part parts[] = {{"what do ya want ", 16}, {"", 0}, {"for nothing?", 12}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t mac[HMAC_LEN_MAX];
        char hex[HMAC_LEN_MAX * 2 + 1] = "";

        assert_int_equal(hmac_compute(mac, rows[i].algorithm, (const uint8_t *)"Jefe", 4, parts, ARRAY_LEN(parts)),
                         ERR_OK);
        assert_int_equal(hmac_len(rows[i].algorithm) * 2, strlen(rows[i].hex));
        for (size_t j = 0; j < hmac_len(rows[i].algorithm); j++)
            (void)snprintf(hex + j * 2, 3, "%02x", (unsigned)mac[j]);
        assert_string_equal(hex, rows[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_vectors_of_the_rfcs)};

    return cmocka_run_group_tests(tests, init, NULL);
}
