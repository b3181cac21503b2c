/* base/hmac.h -- keyed hashes (RFC 2104) on OpenSSL 3, fetched once by crypto_init(). Any thread after it. */
#ifndef BASE_HMAC_H
#define BASE_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum hmac_algorithm { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, HMAC_SHA224, HMAC_SHA1, HMAC_MD5, HMAC_ALGORITHMS };

#define HMAC_LEN_MAX 64

/* Octets of a whole MAC. */
size_t hmac_len(enum hmac_algorithm algorithm);

struct hmac_part {
    const void *bytes; /* borrowed */
    size_t len;
};

/* Once, from crypto_init(). ERR_CRYPTO: SHA-256, SHA-384 or SHA-512 is missing. The older ones may be missing, as
 * under FIPS rules; then hmac_compute() fails. */
MUST_USE enum err hmac_init(void);
/* The MAC of the parts one behind the other: hmac_len() octets. Allocates; does not block. ERR_CRYPTO. */
MUST_USE enum err hmac_compute(uint8_t out[HMAC_LEN_MAX], enum hmac_algorithm algorithm, const uint8_t *key,
                               size_t key_len, const struct hmac_part *parts, size_t n);

#endif
