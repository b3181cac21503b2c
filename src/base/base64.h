/* base/base64.h -- base64 with the standard alphabet (RFC 4648 section 4), as HTTP headers have it. Any thread. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* Decode len characters into at most cap bytes at out; *out_len is how many they are. The padding may be missing,
 * which is how one client sends its credentials; a wrong one is an error, and so are bits that are left over and
 * not 0.
 * ERR_SYNTAX: another character, or a length that no encoding has. ERR_FULL: more than cap. After an error the
 * contents of out and *out_len are unspecified. */
MUST_USE enum err base64_decode(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len);

#endif
