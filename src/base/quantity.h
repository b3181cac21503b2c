/* base/quantity.h -- numbers, times, sizes and rates as people write them. Strict: the whole text or ERR_SYNTAX;
 * what is well formed but does not fit is ERR_RANGE. Plain data, any thread. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* "0", "17": decimal digits without sign, blanks or leading zeros. */
MUST_USE enum err quantity_parse_uint(uint64_t *out, const char *text, size_t len, uint64_t max);
/* "500ms", "10s", "5m", "24h", "30d". The unit is required; one number and one unit. */
MUST_USE enum err quantity_parse_duration_ms(int64_t *out, const char *text, size_t len);
/* "4096", "4KiB", "64MiB", "1GiB"; a bare number is octets. */
MUST_USE enum err quantity_parse_size(uint64_t *out, const char *text, size_t len);
/* "10/s", "10/m", "10/h"; 0/s is off. As an amount and the interval it is for. */
struct rate {
    uint32_t amount;
    uint32_t per_s; /* 1, 60 or 3600 */
};
MUST_USE enum err quantity_parse_rate(struct rate *out, const char *text, size_t len);

#define QUANTITY_TEXT_MAX 32
/* The shortest text that parses back: 90000 -> "90s", 3600000 -> "1h". Returns out. */
const char *quantity_format_duration_ms(int64_t ms, char out[QUANTITY_TEXT_MAX]);
/* For people: "40 KiB", "21 GiB". */
const char *quantity_format_size(uint64_t octets, char out[QUANTITY_TEXT_MAX]);

#endif
