#include "core/label.h"

#include <stdint.h>
#include <string.h>

#include "base/uuid.h"
#include "core/effect.h"

#define ACCOUNT_PREFIX "acct-"

static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";

#define ALPHABET_LEN (sizeof alphabet - 1)
/* Random bytes from here on would make the first characters of the alphabet more frequent. */
#define BYTE_LIMIT   (256 / ALPHABET_LEN * ALPHABET_LEN)

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Labels in lower case, those of wildcards counted as characters of them. */
static enum err parse_labels(char out[LABELS_TEXT_MAX], const char *text, size_t len, const char *wildcards)
{
    unsigned labels = 1;
    size_t label_len = 0;

    if (len >= LABELS_TEXT_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < len; i++) {
        char c = fold(text[i]);
        if (c == '.') {
            if (label_len == 0)
                return ERR_SYNTAX;
            labels++;
            label_len = 0;
        } else if (is_lower_or_digit(c) || c == '-' || c == '_' || (c != '\0' && strchr(wildcards, c) != NULL)) {
            label_len++;
        } else {
            return ERR_SYNTAX;
        }
        if (labels > LABELS_MAX || label_len > NAME_LABEL_MAX)
            return ERR_RANGE;
        out[i] = c;
    }
    out[len] = '\0';
    return label_len > 0 ? ERR_OK : ERR_SYNTAX;
}

enum err label_parse(char out[LABELS_TEXT_MAX], const char *text, size_t len)
{
    return parse_labels(out, text, len, "");
}

/* The pattern in lower case, with as many '?' in the place of each '*' as characters are generated for it. */
static enum err parse_pattern(char out[LABELS_TEXT_MAX], const char *text, size_t len)
{
    char wide[LABELS_TEXT_MAX];
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        size_t times = text[i] == '*' ? LABEL_STAR_LEN : 1;
        if (n + times >= sizeof wide)
            return ERR_RANGE;
        memset(wide + n, text[i] == '*' ? '?' : text[i], times);
        n += times;
    }
    return parse_labels(out, wide, n, "?");
}

bool label_is_pattern(const char *text, size_t len)
{
    char folded[LABELS_TEXT_MAX];

    return len == 0 || parse_pattern(folded, text, len) == ERR_OK;
}

/* len characters of the alphabet, each as likely as the other, and a NUL. */
static enum err generate(char *out, size_t len, secret_random *random)
{
    size_t n = 0;

    out[0] = '\0';
    while (n < len) {
        uint8_t bytes[16];
        enum err e = random(bytes, sizeof bytes);
        if (e != ERR_OK)
            return e;
        for (size_t i = 0; i < sizeof bytes && n < len; i++)
            if (bytes[i] < BYTE_LIMIT)
                out[n++] = alphabet[bytes[i] % ALPHABET_LEN];
    }
    out[len] = '\0';
    return ERR_OK;
}

enum err label_generate(char out[LABEL_GENERATED_LEN + 1], secret_random *random)
{
    return generate(out, LABEL_GENERATED_LEN, random);
}

enum err label_generate_like(char out[LABELS_TEXT_MAX], const char *pattern, secret_random *random)
{
    enum err e = parse_pattern(out, pattern, strlen(pattern)) == ERR_OK ? ERR_OK : ERR_SYNTAX;

    for (char *c = e == ERR_OK ? out : NULL; c != NULL && *c != '\0' && e == ERR_OK; c++) {
        char made[2];
        if (*c != '?')
            continue;
        e = generate(made, 1, random);
        *c = made[0];
    }
    return e;
}

enum err label_generate_account(char out[ACCOUNT_GENERATED_LEN + 1], secret_random *random)
{
    size_t prefix_len = sizeof ACCOUNT_PREFIX - 1;

    memcpy(out, ACCOUNT_PREFIX, sizeof ACCOUNT_PREFIX);
    return generate(out + prefix_len, ACCOUNT_GENERATED_LEN - prefix_len, random);
}

bool label_is_account_name(const char *text, size_t len)
{
    if (len == 0 || len >= ACCOUNT_NAME_MAX || !is_lower_or_digit(text[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_lower_or_digit(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
            return false;
    return true;
}

bool label_is_credential_label(const char *text, size_t len)
{
    struct uuid ignored;

    if (len == 0 || len >= LABEL_MAX || uuid_parse(&ignored, text, len) == ERR_OK)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = fold(text[i]);
        if (!is_lower_or_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}
