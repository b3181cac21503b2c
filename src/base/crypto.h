/* base/crypto.h -- randomness, digests and comparison in constant time, on OpenSSL 3 with algorithms fetched once.
 * Any thread after crypto_init(); digests use a context of the calling thread. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define SHA256_LEN 32

/* Once, at start, before threads: fetch what is used, so that a missing provider is found now. ERR_CRYPTO. */
MUST_USE enum err crypto_init(void);
/* len bytes from the system's generator. ERR_CRYPTO: out is then all zero and must not be used. */
MUST_USE enum err crypto_random(void *out, size_t len);
MUST_USE enum err crypto_sha256(uint8_t out[SHA256_LEN], const void *bytes, size_t len);
/* In time that depends on len only. */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Overwrite secrets where they die; never optimized away. */
void crypto_wipe(void *bytes, size_t len);

#endif
