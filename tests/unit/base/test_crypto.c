#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void hex(const uint8_t digest[SHA256_LEN], char out[SHA256_LEN * 2 + 1])
{
    for (size_t i = 0; i < SHA256_LEN; i++)
        (void)snprintf(out + i * 2, 3, "%02x", digest[i]);
}

static int init(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static void initializing_again_is_harmless(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    assert_int_equal(crypto_init(), ERR_OK);
}

static void sha256_gives_the_vectors_of_fips_180(void **state)
{
    static const struct {
        const char *bytes;
        const char *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t digest[SHA256_LEN];
        char text[SHA256_LEN * 2 + 1];
        assert_int_equal(crypto_sha256(digest, rows[i].bytes, strlen(rows[i].bytes)), ERR_OK);
        hex(digest, text);
        assert_string_equal(text, rows[i].digest);
    }
    uint8_t digest[SHA256_LEN];
    assert_int_equal(crypto_sha256(digest, NULL, 0), ERR_OK);
}

static void *hash_many(void *seed)
{
    uint8_t first[SHA256_LEN];
    uint8_t again[SHA256_LEN];
    enum err e = crypto_sha256(first, seed, 1);

    for (int i = 0; e == ERR_OK && i < 500; i++) {
        e = crypto_sha256(again, seed, 1);
        if (e == ERR_OK && !crypto_equal(first, again, sizeof first))
            e = ERR_CORRUPT;
    }
    return e == ERR_OK ? seed : NULL;
}

static void every_thread_hashes_on_its_own(void **state)
{
    static char seeds[] = "abcdefgh";
    pthread_t threads[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_many, &seeds[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

static void random_bytes_fill_exactly_what_was_asked_for(void **state)
{
    uint8_t a[66];
    uint8_t b[64];
    uint8_t zero[64] = {0};

    (void)state;
    memset(a, 0xee, sizeof a);
    assert_int_equal(crypto_random(a + 1, 64), ERR_OK);
    assert_int_equal(a[0], 0xee);
    assert_int_equal(a[65], 0xee);
    assert_int_equal(crypto_random(b, sizeof b), ERR_OK);
    assert_memory_not_equal(a + 1, b, sizeof b);
    assert_memory_not_equal(b, zero, sizeof b);
    assert_int_equal(crypto_random(NULL, 0), ERR_OK);
}

static void equality_looks_at_every_byte(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    (void)state;
    assert_true(crypto_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        assert_false(crypto_equal(a, b, sizeof a));
        assert_true(crypto_equal(a, b, i));
        b[i] = 0;
    }
}

static void wiping_overwrites_all_of_it_and_nothing_else(void **state)
{
    uint8_t a[34];

    (void)state;
    memset(a, 0xee, sizeof a);
    crypto_wipe(a + 1, 32);
    assert_int_equal(a[0], 0xee);
    assert_int_equal(a[33], 0xee);
    for (size_t i = 1; i <= 32; i++)
        assert_int_not_equal(a[i], 0xee);
    crypto_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initializing_again_is_harmless),
        cmocka_unit_test(sha256_gives_the_vectors_of_fips_180),
        cmocka_unit_test(every_thread_hashes_on_its_own),
        cmocka_unit_test(random_bytes_fill_exactly_what_was_asked_for),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(wiping_overwrites_all_of_it_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
