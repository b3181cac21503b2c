#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define LEN_MAX 300

/* Bytes 0, 1, 2, ... as in the reference vectors. */
static void count_up(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)i;
}

static void siphash24_gives_the_reference_vectors(void **state)
{
    static const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    static const uint64_t expected[] = {
        /* by length, the first sixteen; that of 15 bytes is the paper's example */
        UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
        UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
        UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
        UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
        UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
        UINT64_C(0xa129ca6149be45e5),
    };
    uint8_t bytes[64];

    (void)state;
    count_up(bytes, sizeof bytes);
    for (size_t len = 0; len < ARRAY_LEN(expected); len++)
        assert_true(siphash24(&key, bytes, len) == expected[len]);
    assert_true(siphash24(&key, bytes, 63) == UINT64_C(0x958a324ceb064572));
}

/* What CPython 3.11, whose hash() of bytes is SipHash-1-3, gives with PYTHONHASHSEED=0 and =42. */
static void siphash13_gives_known_vectors(void **state)
{
    static const struct siphash_key zero = {0, 0};
    static const struct siphash_key key42 = {UINT64_C(0xdc504fd368cd90af), UINT64_C(0xb920bb9ffe99e9c1)};
    static const struct {
        size_t len;
        uint64_t zero, key42;
    } rows[] = {
        {15, UINT64_C(0xf30eb725bb91c9ea), UINT64_C(0x94ace24d68c18cf8)},
        {48, UINT64_C(0xfe1f2445ba50237f), UINT64_C(0x567c448c8884a52b)},
        {63, UINT64_C(0x385d3e39e5f37359), UINT64_C(0x06e24d6f0d014c37)},
    };
    uint8_t bytes[64];

    (void)state;
    count_up(bytes, sizeof bytes);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(siphash13(&zero, bytes, rows[i].len) == rows[i].zero);
        assert_true(siphash13(&key42, bytes, rows[i].len) == rows[i].key42);
    }
    assert_true(siphash13(&zero, (const uint8_t *)"a", 1) == UINT64_C(0x407448d2b89b1813));
    assert_true(siphash13(&zero, (const uint8_t *)"riposte", 7) == UINT64_C(0x69051449db93b162));
    assert_true(siphash13(&zero, (const uint8_t *)"abcdefgh", 8) == UINT64_C(0x3f7b849c0b8e35ea));
}

static uint64_t openssl_siphash(EVP_MAC *mac, const uint8_t key[16], unsigned rounds, unsigned final_rounds,
                                const uint8_t *bytes, size_t len)
{
    size_t size = 8;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &rounds),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &final_rounds),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    uint8_t out[8];
    uint64_t hash = 0;

    assert_non_null(context);
    assert_int_equal(EVP_MAC_init(context, key, 16, params), 1);
    assert_int_equal(EVP_MAC_update(context, bytes, len), 1);
    assert_int_equal(EVP_MAC_final(context, out, &size, sizeof out), 1);
    EVP_MAC_CTX_free(context);
    for (size_t i = sizeof out; i-- > 0;)
        hash = hash << 8 | out[i];
    return hash;
}

static uint64_t little_endian(const uint8_t *b)
{
    uint64_t v = 0;

    for (size_t i = 8; i-- > 0;)
        v = v << 8 | b[i];
    return v;
}

static void both_agree_with_another_implementation_at_every_length(void **state)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    uint8_t raw[LEN_MAX + 16];
    uint64_t random = 88172645463325252u;

    (void)state;
    assert_non_null(mac);
    for (size_t i = 0; i < sizeof raw; i++) {
        random ^= random << 13; /* xorshift: any bytes will do, the same in every run */
        random ^= random >> 7;
        random ^= random << 17;
        raw[i] = (uint8_t)random;
    }
    for (size_t len = 0; len <= LEN_MAX; len++) {
        const uint8_t *raw_key = raw + LEN_MAX;
        struct siphash_key key = {little_endian(raw_key), little_endian(raw_key + 8)};
        uint8_t *exact = malloc(len + 1); /* a read past the end is seen by the address sanitizer */
        uint8_t *bytes;
        assert_non_null(exact);
        bytes = exact + 1; /* unaligned */
        memcpy(bytes, raw, len);
        assert_true(siphash13(&key, bytes, len) == openssl_siphash(mac, raw_key, 1, 3, bytes, len));
        assert_true(siphash24(&key, bytes, len) == openssl_siphash(mac, raw_key, 2, 4, bytes, len));
        free(exact);
    }
    EVP_MAC_free(mac);
}

static void no_bytes_may_have_no_address(void **state)
{
    static const struct siphash_key key = {1, 2};

    (void)state;
    assert_true(siphash13(&key, NULL, 0) == siphash13(&key, (const uint8_t *)"", 0));
    assert_true(siphash13(&key, NULL, 0) != siphash24(&key, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash24_gives_the_reference_vectors),
        cmocka_unit_test(siphash13_gives_known_vectors),
        cmocka_unit_test(both_agree_with_another_implementation_at_every_length),
        cmocka_unit_test(no_bytes_may_have_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
