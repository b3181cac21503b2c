#include "core/name_hash.h"

_Static_assert((NAME_MAX_LEN + 1) % NAME_HASH_BLOCK == 0, "the longest name fills the last block");

static uint64_t derive(const struct siphash_key *seed, uint64_t number)
{
    uint64_t le = htole64(number);

    return siphash24(seed, (const uint8_t *)&le, sizeof le);
}

void name_hash_key_init(struct name_hash_key *key, const struct siphash_key *seed)
{
    uint64_t number = 0;

    key->plus = 0;
    for (size_t i = 0; i < NAME_HASH_WORDS; i++)
        key->words[i] = derive(seed, number++);
    for (size_t i = 0; i < 2; i++) {
        key->lo[i] = derive(seed, number++);
        key->hi[i] = derive(seed, number++);
        key->plus = key->plus << 64 | derive(seed, number++);
    }
}
