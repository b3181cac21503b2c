#include "core/domain.h"

#include <stdbool.h>

#include "base/text.h"
#include "core/name.h"

static bool has_prefix(const char *text, size_t len, const char *prefix, size_t prefix_len)
{
    return len >= prefix_len && text_equal_nocase(text, prefix_len, prefix, prefix_len);
}

static bool is_label_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* text is one label in lower case. */
static enum err check_label(const char *text, size_t len)
{
    if (len == 0 || text[0] == '-' || text[len - 1] == '-')
        return ERR_SYNTAX;
    return len <= NAME_LABEL_MAX ? ERR_OK : ERR_RANGE;
}

enum err domain_normalise(char out[DOMAIN_TEXT_MAX], const char *text, size_t len)
{
    static const char wildcard[] = "*.";
    static const char challenge[] = "_acme-challenge.";
    size_t label_start = 0;
    enum err e;

    if (has_prefix(text, len, wildcard, sizeof wildcard - 1)) {
        text += sizeof wildcard - 1;
        len -= sizeof wildcard - 1;
    } else if (has_prefix(text, len, challenge, sizeof challenge - 1)) {
        text += sizeof challenge - 1;
        len -= sizeof challenge - 1;
    }
    if (len > 0 && text[len - 1] == '.')
        len--;
    if (len > DOMAIN_LEN_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
        out[i] = c;
        if (c == '.') {
            e = check_label(out + label_start, i - label_start);
            if (e != ERR_OK)
                return e;
            label_start = i + 1;
        } else if (!is_label_character(c)) {
            return ERR_SYNTAX;
        }
    }
    out[len] = '\0';
    return check_label(out + label_start, len - label_start);
}
