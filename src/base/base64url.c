#include "base/base64url.h"

static bool is_alphabet(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool base64url_is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alphabet(text[i]))
            return false;
    return true;
}

size_t base64url_encode(char *out, const uint8_t *bytes, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t out_len = 0;
    uint32_t bits = 0;
    unsigned held = 0; /* bits that were read and not yet written: 0, 2 or 4 before a byte */

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            out[out_len++] = alphabet[bits >> (held - 6) & 0x3f];
    }
    if (held > 0)
        out[out_len++] = alphabet[bits << (6 - held) & 0x3f];
    out[out_len] = '\0';
    return out_len;
}
