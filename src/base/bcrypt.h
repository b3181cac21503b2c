/* base/bcrypt.h -- the slow password hash that acme-dns keeps of its secrets. Any thread; what computes takes tens
 * of milliseconds and more. */
#ifndef BASE_BCRYPT_H
#define BASE_BCRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define BCRYPT_TEXT_LEN 60 /* "$2a$10$", 22 characters of salt, 31 of hash */
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_MAX 14 /* each step doubles the time: about a second */

/* Whether a text is what bcrypt_check() takes: $2a$, $2b$ or $2y$, a cost within the bounds, salt and hash. */
bool bcrypt_is_hash(const char *text, size_t len);
/* Compute; *is_right: secret (NUL-terminated) is what hash was made of. hash is what bcrypt_is_hash() says yes to.
 * ERR_CRYPTO: the system's library does not know this hash; ERR_MEMORY. */
MUST_USE enum err bcrypt_check(const char *secret, const char *hash, bool *is_right);

#endif
