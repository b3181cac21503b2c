/* base/siphash.h -- SipHash-1-3 and SipHash-2-4 with a 128-bit key (Aumasson and Bernstein). Hash tables whose keys
 * are chosen by strangers use 1-3. Any thread, no allocation. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash13(const struct siphash_key *key, const uint8_t *bytes, size_t len);
uint64_t siphash24(const struct siphash_key *key, const uint8_t *bytes, size_t len);

#endif
