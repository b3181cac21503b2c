/* base/uuid.h -- UUIDs (RFC 9562), the ids of credentials. Plain data, any thread. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define UUID_TEXT_LEN 36 /* without NUL */

struct uuid {
    uint8_t b[16];
};

/* The four spellings of Go's uuid package, hex digits of either case: 36 characters with hyphens; 32 hex digits;
 * "urn:uuid:" and 36; any 38 characters whose inner 36 are a UUID. ERR_SYNTAX. */
MUST_USE enum err uuid_parse(struct uuid *out, const char *text, size_t len);
/* Lower case with hyphens, NUL-terminated; returns out. */
const char *uuid_format(const struct uuid *u, char out[UUID_TEXT_LEN + 1]);
/* Make a version 4 UUID of 16 random bytes. */
struct uuid uuid_v4(const uint8_t random[16]);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *u);

#endif
