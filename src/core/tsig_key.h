/* core/tsig_key.h -- the TSIG keys of credentials: made here, shown once, kept sealed for SECRET_TSIG, opened for
 * the DNS threads. A bearer secret is never one: the server has to know this kind. Plain data, any thread. */
#ifndef CORE_TSIG_KEY_H
#define CORE_TSIG_KEY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/seal.h"
#include "base/uuid.h"
#include "core/secret.h"

#define TSIG_KEY_LEN      32 /* 256 bits */
#define TSIG_KEY_TEXT_LEN 44 /* base64 with padding (RFC 4648 section 4), as every client stores it */
#define TSIG_SEALED_LEN   (TSIG_KEY_LEN + SEAL_OVERHEAD)

/* Make a key for the credential: its text, NUL-terminated, and the sealed form. ERR_CRYPTO: text is then "". */
MUST_USE enum err tsig_key_make(char text[TSIG_KEY_TEXT_LEN + 1], uint8_t sealed[TSIG_SEALED_LEN],
                                const struct seal_key *seal, const struct uuid *credential, secret_random *random);
/* Open what was made for that credential. ERR_CORRUPT: sealed with another key, or for another credential, or
 * damaged; ERR_VERSION; ERR_CRYPTO. */
MUST_USE enum err tsig_key_open(uint8_t key[TSIG_KEY_LEN], const struct seal_key *seal,
                                const struct uuid *credential, const uint8_t *sealed, size_t len);

#endif
