#include "base/quantity.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
};

static const struct unit rate_units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && is_digit(text[n]))
        n++;
    return n;
}

enum err quantity_parse_uint(uint64_t *out, const char *text, size_t len, uint64_t max)
{
    uint64_t v = 0;

    if (len == 0 || count_digits(text, len) != len || (len > 1 && text[0] == '0'))
        return ERR_SYNTAX;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) || __builtin_add_overflow(v, digit, &v))
            return ERR_RANGE;
    }
    if (v > max)
        return ERR_RANGE;
    *out = v;
    return ERR_OK;
}

/* A number of at most max and one of the n units behind it, whose factor becomes *factor. */
static enum err parse_with_unit(uint64_t *out, uint64_t *factor, const char *text, size_t len,
                                const struct unit *units, size_t n)
{
    size_t digits = count_digits(text, len);

    for (size_t i = 0; i < n; i++) {
        size_t unit_len = strlen(units[i].name);
        if (unit_len != len - digits || memcmp(units[i].name, text + digits, unit_len) != 0)
            continue;
        *factor = units[i].factor;
        return quantity_parse_uint(out, text, digits, UINT64_MAX);
    }
    return ERR_SYNTAX;
}

enum err quantity_parse_duration_ms(int64_t *out, const char *text, size_t len)
{
    uint64_t number;
    uint64_t factor;
    enum err e = parse_with_unit(&number, &factor, text, len, duration_units, ARRAY_LEN(duration_units));

    if (e != ERR_OK)
        return e;
    if (number > (uint64_t)INT64_MAX / factor)
        return ERR_RANGE;
    *out = (int64_t)(number * factor);
    return ERR_OK;
}

enum err quantity_parse_size(uint64_t *out, const char *text, size_t len)
{
    uint64_t number;
    uint64_t factor;
    enum err e = parse_with_unit(&number, &factor, text, len, size_units, ARRAY_LEN(size_units));

    if (e != ERR_OK)
        return e;
    if (number > UINT64_MAX / factor)
        return ERR_RANGE;
    *out = number * factor;
    return ERR_OK;
}

enum err quantity_parse_rate(struct rate *out, const char *text, size_t len)
{
    uint64_t number;
    uint64_t per_s;
    enum err e = parse_with_unit(&number, &per_s, text, len, rate_units, ARRAY_LEN(rate_units));

    if (e != ERR_OK)
        return e;
    if (number > UINT32_MAX)
        return ERR_RANGE;
    *out = (struct rate){.amount = (uint32_t)number, .per_s = (uint32_t)per_s};
    return ERR_OK;
}

const char *quantity_format_duration_ms(int64_t ms, char out[QUANTITY_TEXT_MAX])
{
    const struct unit *best = &duration_units[ms == 0 ? 1 : 0]; /* nothing is "0s" */

    for (size_t i = 1; i < ARRAY_LEN(duration_units) && ms != 0; i++)
        if (ms % (int64_t)duration_units[i].factor == 0)
            best = &duration_units[i]; /* the larger the unit, the shorter the number */
    (void)snprintf(out, QUANTITY_TEXT_MAX, "%" PRId64 "%s", ms / (int64_t)best->factor, best->name);
    return out;
}

const char *quantity_format_size(uint64_t octets, char out[QUANTITY_TEXT_MAX])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned i = 0;
    uint64_t tenths = octets < 1024 ? octets * 10 : 0;

    /* Rounded to a tenth below ten and to a whole above; 1023.6 KiB is better said as 1 MiB. */
    while (octets >= 1024 && i + 1 < ARRAY_LEN(names) && (i == 0 || tenths >= 10235)) {
        unsigned shift = 10 * ++i;
        uint64_t rest = octets & ((UINT64_C(1) << shift) - 1);
        tenths = (octets >> shift) * 10 + ((rest * 10 + (UINT64_C(1) << (shift - 1))) >> shift);
    }
    if (tenths < 100 && tenths % 10 != 0)
        (void)snprintf(out, QUANTITY_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, names[i]);
    else
        (void)snprintf(out, QUANTITY_TEXT_MAX, "%" PRIu64 " %s", (tenths + 5) / 10, names[i]);
    return out;
}
