#include "base/base64.h"

#define NO_DIGIT 64u

static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : NO_DIGIT;
}

/* The length without padding, which fills up to a multiple of four. */
static size_t strip_padding(const char *text, size_t len)
{
    if (len == 0 || len % 4 != 0 || text[len - 1] != '=')
        return len;
    return text[len - 2] == '=' ? len - 2 : len - 1;
}

enum err base64_decode(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len)
{
    uint32_t bits = 0;
    unsigned held = 0; /* bits that were read and not yet written: 0, 2, 4 or 6 before a digit */

    *out_len = 0;
    len = strip_padding(text, len);
    if (len % 4 == 1)
        return ERR_SYNTAX;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = digit_of(text[i]);
        if (digit == NO_DIGIT)
            return ERR_SYNTAX;
        bits = (bits << 6 | digit) & 0xfff;
        held += 6;
        if (held < 8)
            continue;
        if (*out_len == cap)
            return ERR_FULL;
        held -= 8;
        out[(*out_len)++] = (uint8_t)(bits >> held);
    }
    return (bits & ((1u << held) - 1)) == 0 ? ERR_OK : ERR_SYNTAX;
}
