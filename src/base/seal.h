/* base/seal.h -- keep a secret readable for who has the key, and tamper-evident: AES-256-GCM (NIST SP 800-38D) with
 * a random nonce for each sealing. A key may seal some 2^32 times. Any thread after crypto_init(). */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define SEAL_KEY_LEN   32
#define SEAL_NONCE_LEN 12
#define SEAL_TAG_LEN   16
#define SEAL_OVERHEAD  (1 + SEAL_NONCE_LEN + SEAL_TAG_LEN) /* format, nonce, tag */

struct seal_key {
    uint8_t bytes[SEAL_KEY_LEN];
};

/* Seal len octets for the context: what is opened with another context (another owner, another use) fails. out has
 * room for len + SEAL_OVERHEAD octets. ERR_CRYPTO. */
MUST_USE enum err seal_close(uint8_t *out, const struct seal_key *key, const void *context, size_t context_len,
                             const void *plain, size_t len);
/* The other way; out has room for sealed_len - SEAL_OVERHEAD octets. ERR_CORRUPT: another key or context, or
 * damaged; out is then all zero. ERR_VERSION: a format that this program does not know. ERR_CRYPTO. */
MUST_USE enum err seal_open(uint8_t *out, const struct seal_key *key, const void *context, size_t context_len,
                            const uint8_t *sealed, size_t sealed_len);

#endif
