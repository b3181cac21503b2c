/* core/name_hash.h -- the keyed hash of names: of the table's slots, of zones, of the trace. Plain data, any
 * thread.
 *
 * Names are chosen by strangers, so nobody without the key may be able to find names that collide. The hash is two
 * universal ones with a secret key, the second over what the first gives:
 *
 *   NH, over the octets      sum of (a + k) * (b + k') over pairs of 64-bit words, modulo 2^128; k, k' of 64 bits
 *                            (Black, Halevi, Krawczyk, Krovetz and Rogaway, "UMAC", CRYPTO 1999, section 4)
 *   multilinear, over that   m + (lo + k) * (hi + k'), modulo 2^128, the upper half of it; m, k, k' of 128 bits
 *                            (Lemire and Kaser, "Strongly universal string hashing is fast", 2014, section 3)
 *
 * Two different names, whichever, have the same NH under at most one key in 2^63: if they are of the same number of
 * blocks, by the theorem; if not, because the last block of the longer one is a product of two keys that are in
 * nothing else, and no number is the product of more than 2^65 of the 2^128 pairs. (Padding makes no two names
 * equal: the root label ends a name wherever it stands.) Where NH differs, the two hashes are uniform and
 * independent of each other. So any bits of the hash, such as those that choose a slot, are the same for two names
 * as rarely as if they had been drawn by lot.
 *
 * That holds for names that are chosen without knowledge of the hashes, and nobody is ever shown one: not in an
 * answer, not by the API, not with the trace. What is left to a stranger is the time that answers take. But
 * questions only read slots; those who may fill them, by making names, are known and limited in number; and what
 * they could hope for is a path that is longer by nanoseconds a slot. SipHash needs none of this argument and costs
 * three times as much (docs/design.md, "The table"). */
#ifndef CORE_NAME_HASH_H
#define CORE_NAME_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/siphash.h"
#include "core/name.h"

#define NAME_HASH_BLOCK 16 /* octets that are multiplied at a time */
#define NAME_HASH_WORDS ((NAME_MAX_LEN + 1) / sizeof(uint64_t))

__extension__ typedef unsigned __int128 name_hash_wide;

struct name_hash_key {
    uint64_t lo[2], hi[2]; /* of the second step, of 128 bits as well: the lower half, the upper one */
    name_hash_wide plus;
    uint64_t words[NAME_HASH_WORDS];
};

/* The key for a seed: the numbers that SipHash-2-4 gives under it. */
void name_hash_key_init(struct name_hash_key *key, const struct siphash_key *seed);

static inline uint64_t name_hash_word(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

/* The second step, by halves: of the product of two wide numbers only what is below 2^128 counts. */
static inline uint64_t name_hash_finish(const struct name_hash_key *key, name_hash_wide sum)
{
    uint64_t a, b;
    uint64_t a_high = key->lo[1] + __builtin_add_overflow(key->lo[0], (uint64_t)sum, &a);
    uint64_t b_high = key->hi[1] + __builtin_add_overflow(key->hi[0], (uint64_t)(sum >> 64), &b);

    return (uint64_t)((key->plus + (name_hash_wide)a * b) >> 64) + a * b_high + a_high * b;
}

/* The hash of the name of len octets at wire, folded. Up to 15 octets behind it are read and must be 0, as they are
 * behind the octets of a struct name. */
static inline uint64_t name_hash(const struct name_hash_key *key, const uint8_t *wire, size_t len)
{
    const uint64_t *k = key->words;
    size_t words = (len + 7) / 8;
    name_hash_wide sum = 0;

    for (size_t i = 0; i < words; i += 2)
        sum +=
            (name_hash_wide)(name_hash_word(wire + 8 * i) + k[i]) * (name_hash_word(wire + 8 * i + 8) + k[i + 1]);
    return name_hash_finish(key, sum);
}

#endif
