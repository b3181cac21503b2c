/* core/secret.h -- secrets that the server makes and shows once, and what is kept of them. Plain data, any thread.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "core/change.h"

/* Where random bytes come from: crypto_random(), or a test's. */
typedef enum err secret_random(void *out, size_t len);

/* 240 random bits as base64url (RFC 4648 section 5), NUL-terminated. ERR_CRYPTO: text is then "". */
MUST_USE enum err secret_make(char text[SECRET_TEXT_LEN + 1], secret_random *random);
/* The same behind TOKEN_PREFIX. ERR_CRYPTO: text is then "". */
MUST_USE enum err token_make(char text[TOKEN_TEXT_LEN + 1], secret_random *random);
/* What is kept of a NUL-terminated secret or token, for SECRET_SHA256: a fast hash is right for 240 random bits.
 * ERR_CRYPTO. */
MUST_USE enum err secret_hash(uint8_t out[SHA256_LEN], const char *text);

#endif
