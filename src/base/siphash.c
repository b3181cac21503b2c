/* The tail is read with one load that overlaps the last whole word, instead of byte by byte: names are short, so
 * the tail is a good part of the work. */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

#include "base/attr.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static ALWAYS_INLINE uint64_t load_le64(const uint8_t *b)
{
    uint64_t v;

    memcpy(&v, b, sizeof v);
    return le64toh(v);
}

static ALWAYS_INLINE uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static ALWAYS_INLINE void mix(struct state *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

/* The last len % 8 bytes as the low bytes of a little-endian word, and the length modulo 256 as its highest. */
static ALWAYS_INLINE uint64_t last_word(const uint8_t *bytes, size_t len)
{
    size_t left = len % 8;
    uint64_t tail = 0;

    if (left > 0 && len >= 8)
        tail = load_le64(bytes + len - 8) >> (64 - 8 * left);
    else
        for (size_t i = left; i-- > 0;)
            tail = tail << 8 | bytes[i];
    return tail | (uint64_t)len << 56;
}

static ALWAYS_INLINE uint64_t siphash(const struct siphash_key *key, const uint8_t *bytes, size_t len,
                                      unsigned rounds, unsigned final_rounds)
{
    struct state s = {
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
    uint64_t last = last_word(bytes, len);

    for (size_t i = 0; i < len / 8; i++) {
        uint64_t word = load_le64(bytes + i * 8);
        s.v3 ^= word;
        mix(&s, rounds);
        s.v0 ^= word;
    }
    s.v3 ^= last;
    mix(&s, rounds);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    mix(&s, final_rounds);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash13(const struct siphash_key *key, const uint8_t *bytes, size_t len)
{
    return siphash(key, bytes, len, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const uint8_t *bytes, size_t len)
{
    return siphash(key, bytes, len, 2, 4);
}
