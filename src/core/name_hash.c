#include "core/name_hash.h"

_Static_assert((NAME_MAX_LEN + 1) % NAME_HASH_BLOCK == 0, "the longest name fills the last block");

static uint64_t derive(const struct siphash_key *seed, uint64_t number)
{
    uint64_t le = htole64(number);

    return siphash24(seed, (const uint8_t *)&le, sizeof le);
}

static name_hash_wide derive_wide(const struct siphash_key *seed, uint64_t number)
{
    return (name_hash_wide)derive(seed, number) << 64 | derive(seed, number + 1);
}

void name_hash_key_init(struct name_hash_key *key, const struct siphash_key *seed)
{
    for (size_t i = 0; i < NAME_HASH_WORDS; i++)
        key->words[i] = derive(seed, i);
    key->lo = derive_wide(seed, NAME_HASH_WORDS);
    key->hi = derive_wide(seed, NAME_HASH_WORDS + 2);
    key->plus = derive_wide(seed, NAME_HASH_WORDS + 4);
}
