#include "base/uuid.h"

#include <string.h>

#include "base/text.h"

#define HEX_LEN    32
#define BRACED_LEN (UUID_TEXT_LEN + 2)

static const char urn_prefix[] = "urn:uuid:";
#define URN_PREFIX_LEN (sizeof urn_prefix - 1)

static bool is_hyphen_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err uuid_parse(struct uuid *out, const char *text, size_t len)
{
    struct uuid u = {{0}};
    size_t nibbles = 0;

    if (len == BRACED_LEN) {
        text++; /* Go does not look at the two characters around it */
        len = UUID_TEXT_LEN;
    } else if (len == URN_PREFIX_LEN + UUID_TEXT_LEN) {
        if (!text_equal_nocase(text, URN_PREFIX_LEN, urn_prefix, URN_PREFIX_LEN)) /* RFC 8141 section 2 */
            return ERR_SYNTAX;
        text += URN_PREFIX_LEN;
        len = UUID_TEXT_LEN;
    }
    if (len != UUID_TEXT_LEN && len != HEX_LEN)
        return ERR_SYNTAX;
    for (size_t i = 0; i < len; i++) {
        int v = hex_value(text[i]);
        if (len == UUID_TEXT_LEN && is_hyphen_place(i)) {
            if (text[i] != '-')
                return ERR_SYNTAX;
            continue;
        }
        if (v < 0)
            return ERR_SYNTAX;
        u.b[nibbles / 2] = (uint8_t)(u.b[nibbles / 2] << 4 | v);
        nibbles++;
    }
    *out = u;
    return ERR_OK;
}

const char *uuid_format(const struct uuid *u, char out[UUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t nibbles = 0;

    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        if (is_hyphen_place(i)) {
            out[i] = '-';
            continue;
        }
        out[i] = digits[nibbles % 2 == 0 ? u->b[nibbles / 2] >> 4 : u->b[nibbles / 2] & 0x0f];
        nibbles++;
    }
    out[UUID_TEXT_LEN] = '\0';
    return out;
}

struct uuid uuid_v4(const uint8_t random[16])
{
    struct uuid u;

    memcpy(u.b, random, sizeof u.b);
    u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40); /* version, RFC 9562 section 5.4 */
    u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80); /* variant, RFC 9562 section 4.1 */
    return u;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool uuid_is_nil(const struct uuid *u)
{
    static const struct uuid nil = {{0}};

    return uuid_equal(u, &nil);
}
