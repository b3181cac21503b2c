#include "core/name_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/attr.h"

static const struct siphash_key seed = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static struct name name_of(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    name_fold(&n);
    return n;
}

static uint64_t hash_of(const struct siphash_key *s, const char *text)
{
    struct name n = name_of(text);
    struct name_hash_key key;

    name_hash_key_init(&key, s);
    return name_hash(&key, n.b, n.len);
}

/* The same, octet by octet and straight from the header's formula, so that neither the reading of words nor the
 * width of the products can be wrong unseen. 128-bit numbers as two halves, without the compiler's type. */
struct wide {
    uint64_t lo, hi;
};

static struct wide wide_add(struct wide a, struct wide b)
{
    struct wide sum = {.lo = a.lo + b.lo, .hi = a.hi + b.hi};

    sum.hi += sum.lo < a.lo;
    return sum;
}

/* By adding and doubling. */
static struct wide wide_multiply(struct wide a, struct wide b)
{
    struct wide product = {0, 0};

    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t half = bit < 64 ? b.lo : b.hi;

        if ((half >> bit % 64 & 1) != 0)
            product = wide_add(product, a);
        a = wide_add(a, a);
    }
    return product;
}

static uint64_t word_of(const uint8_t *octets, size_t len, size_t word)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8 && word * 8 + i < len; i++)
        v |= (uint64_t)octets[word * 8 + i] << 8 * i;
    return v;
}

static struct wide halves(name_hash_wide v)
{
    return (struct wide){.lo = (uint64_t)v, .hi = (uint64_t)(v >> 64)};
}

static uint64_t slow_hash(const struct name_hash_key *key, const uint8_t *octets, size_t len)
{
    struct wide sum = {0, 0};

    for (size_t word = 0; word * 8 < len; word += 2) {
        struct wide a = {word_of(octets, len, word) + key->words[word], 0};
        struct wide b = {word_of(octets, len, word + 1) + key->words[word + 1], 0};

        sum = wide_add(sum, wide_multiply(a, b));
    }
    sum = wide_multiply(wide_add((struct wide){key->lo[0], key->lo[1]}, (struct wide){sum.lo, 0}),
                        wide_add((struct wide){key->hi[0], key->hi[1]}, (struct wide){sum.hi, 0}));
    return wide_add(sum, halves(key->plus)).hi;
}

/* ---- tests ---- */

static void the_hash_is_the_formula_of_its_header_for_every_length(void **state)
{
    struct name_hash_key key;
    struct name n;
    uint8_t octets[NAME_MAX_LEN];

    (void)state;
    name_hash_key_init(&key, &seed);
    for (size_t len = 1; len <= NAME_MAX_LEN; len++) {
        for (size_t i = 0; i < len; i++)
            octets[i] = (uint8_t)(i * 37 + len + 1);
        name_set(&n, octets, len);
        assert_true(name_hash(&key, n.b, n.len) == slow_hash(&key, octets, len));
    }
}

static void a_suffix_hashes_like_the_same_name_alone(void **state)
{
    struct name n = name_of("8e5700ea-a4bf-41c7-8a77-e990661dcc6a.auth.example.org");
    struct name_hash_key key;

    (void)state;
    name_hash_key_init(&key, &seed);
    assert_true(name_hash(&key, n.b + 37, n.len - 37u) == hash_of(&seed, "auth.example.org"));
}

static void the_hash_depends_on_every_octet_of_the_name(void **state)
{
    struct name_hash_key key;
    struct name n;
    uint8_t octets[NAME_MAX_LEN];

    (void)state;
    name_hash_key_init(&key, &seed);
    memset(octets, 'x', sizeof octets);
    for (size_t i = 0; i < sizeof octets; i++) {
        uint64_t before;

        name_set(&n, octets, sizeof octets);
        before = name_hash(&key, n.b, n.len);
        for (unsigned bit = 0; bit < 8; bit++) {
            n.b[i] ^= (uint8_t)(1u << bit);
            assert_true(name_hash(&key, n.b, n.len) != before);
            n.b[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static void the_hash_depends_on_both_halves_of_the_seed(void **state)
{
    const struct siphash_key other[] = {{seed.k0 ^ 1, seed.k1}, {seed.k0, seed.k1 ^ 1}};
    uint64_t hash = hash_of(&seed, "a.example");

    (void)state;
    assert_true(hash == hash_of(&seed, "a.example"));
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_true(hash != hash_of(&other[i], "a.example"));
}

/* Names in a row, as people number their hosts: 65536 of them over the 28 bits that choose segment and tag. Names
 * drawn by lot would share all of these about 8 times. */
static void numbered_names_spread_over_the_bits_that_the_table_uses(void **state)
{
    static uint32_t seen[1 << 16];
    static uint8_t segments[256], starts[256];
    struct name_hash_key key;
    unsigned same = 0;

    (void)state;
    name_hash_key_init(&key, &seed);
    for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
        char text[] = "web00000.auth.example.org";
        struct name n;

        for (unsigned digit = 0, rest = i; digit < 5; digit++, rest /= 10)
            text[7 - digit] = (char)('0' + rest % 10);
        n = name_of(text);
        uint64_t hash = name_hash(&key, n.b, n.len);
        seen[i] = (uint32_t)(hash >> 44 << 8 | (hash & 0xff));
        segments[hash & 0xff] = 1;
        starts[hash >> 56] = 1;
    }
    for (unsigned i = 0; i < 256; i++)
        assert_true(segments[i] == 1 && starts[i] == 1);
    for (unsigned i = 1; i < 2048; i++)
        for (unsigned j = 0; j < ARRAY_LEN(seen); j++)
            same += j != i && seen[i] == seen[j];
    assert_in_range(same, 0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_the_formula_of_its_header_for_every_length),
        cmocka_unit_test(a_suffix_hashes_like_the_same_name_alone),
        cmocka_unit_test(the_hash_depends_on_every_octet_of_the_name),
        cmocka_unit_test(the_hash_depends_on_both_halves_of_the_seed),
        cmocka_unit_test(numbered_names_spread_over_the_bits_that_the_table_uses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
