/* core/name.h -- domain names in uncompressed wire form (RFC 1035 section 3.1). Plain data, any thread, no
 * allocation. */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/wire.h"

#define NAME_MAX_LEN   255 /* octets with the root label, RFC 1035 section 2.3.4 */
#define NAME_LABEL_MAX 63
#define NAME_PAD       17   /* so that 16 bytes may be read from any position, and the structure is 272 + 1 */
#define NAME_TEXT_MAX  1010 /* every octet as \DDD, dots, NUL */

struct name {
    uint8_t b[NAME_MAX_LEN + NAME_PAD]; /* 16 octets after len are 0, at least */
    uint8_t len;                        /* 1..255 with the root label; 0: not set */
};

/* Presentation form (RFC 1035 section 5.1, with \X and \DDD), with or without the final dot: always taken as
 * absolute. The case is kept. ERR_SYNTAX: empty, empty label, bad escape, a space, control character or octet over
 * 126 that is not escaped; ERR_RANGE: label over 63, name over 255 octets. */
MUST_USE enum err name_parse(struct name *out, const char *text, size_t len);
/* The same, but a text without final dot is below origin, and "@" is origin. */
MUST_USE enum err name_parse_relative(struct name *out, const char *text, size_t len, const struct name *origin);
/* Lower case is not forced; no final dot except for the root, which is ".". NUL-terminated. Returns out. */
const char *name_format(const struct name *n, char out[NAME_TEXT_MAX]);

/* Decode the domain name at r, following compression pointers (RFC 1035 sections 3.1, 4.1.4), the case kept.
 * ERR_SYNTAX: reserved label type, a pointer that does not go backwards, or over 255 octets. ERR_SHORT: the message
 * ends inside the name. After an error *out is unspecified, r has failed. After success r stands behind the name in
 * the message, not behind the pointer's target. */
MUST_USE enum err name_decode(struct wire_reader *r, struct name *out);
/* Copy len octets of a name that is already known to be well formed and uncompressed. */
void name_set(struct name *out, const uint8_t *wire, size_t len);

/* ASCII upper case to lower case, RFC 4343 section 3; other octets stay. */
void name_fold(struct name *n);
bool name_equal(const struct name *a, const struct name *b); /* without regard to ASCII case */
unsigned name_labels(const struct name *n);                  /* without the root label */
bool name_is_at_or_below(const struct name *n, const struct name *apex);
bool name_is_below(const struct name *n, const struct name *apex);
/* The name without its first `labels` labels; the root when there are not more. */
void name_strip(struct name *out, const struct name *n, unsigned labels);
/* label (1..63 octets, any) in front of parent. ERR_RANGE: the result is over 255 octets, or label over 63 or
 * empty. */
MUST_USE enum err name_prepend(struct name *out, const void *label, size_t label_len, const struct name *parent);
/* The first label; *len is its length (0 for the root). Points into n. */
const uint8_t *name_first_label(const struct name *n, size_t *len);

#endif
