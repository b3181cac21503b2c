/* base/base64url.h -- the URL-safe alphabet without padding (RFC 4648 section 5). Any thread. */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when every byte is of the alphabet A-Z a-z 0-9 - _; true for len 0. */
bool base64url_is_text(const char *text, size_t len);
/* Encode len bytes without padding; out has room for (len * 4 + 2) / 3 characters and a NUL, which is written.
 * Returns the length without the NUL. */
size_t base64url_encode(char *out, const uint8_t *bytes, size_t len);

#endif
