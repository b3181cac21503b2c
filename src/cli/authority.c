#include "cli/authority.h"

#include <string.h>

#include "base/text.h"
#include "core/name.h"

#define WORDS_MAX 3

/* As the authorities' practice statements name them. */
static const struct {
    const char *words[WORDS_MAX];
    const char *names[AUTHORITY_NAMES_MAX];
} authorities[] = {
    {{"letsencrypt", "lets-encrypt", "le"}, {"letsencrypt.org"}},
    {{"zerossl", "sectigo", NULL},
     {"sectigo.com", "trust-provider.com", "usertrust.com", "comodoca.com", "comodo.com"}},
    {{"google", "gts", NULL}, {"pki.goog"}},
    {{"ssl.com", "sslcom", NULL}, {"ssl.com"}},
    {{"digicert", NULL, NULL},
     {"digicert.com", "digicert.ne.jp", "symantec.com", "thawte.com", "geotrust.com", "rapidssl.com"}},
    {{"amazon", NULL, NULL}, {"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"}},
    {{"globalsign", NULL, NULL}, {"globalsign.com"}},
    {{"buypass", NULL, NULL}, {"buypass.com", "buypass.no"}},
    {{"actalis", NULL, NULL}, {"actalis.it"}},
    {{"certum", NULL, NULL}, {"certum.pl", "certum.eu"}},
    {{"harica", NULL, NULL}, {"harica.gr"}},
};

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && text_equal_nocase(a, strlen(a), b, strlen(b));
}

/* The word of an authority, or one of its CAA names. */
static bool is_meant(size_t i, const char *text)
{
    bool found = false;

    for (size_t k = 0; k < WORDS_MAX; k++)
        found = found || is_same(authorities[i].words[k], text);
    for (size_t k = 0; k < AUTHORITY_NAMES_MAX; k++)
        found = found || is_same(authorities[i].names[k], text);
    return found;
}

static enum err take_unknown(struct authority_names *out, const char *text)
{
    struct name name;

    if (name_parse(&name, text, strlen(text)) != ERR_OK || name_labels(&name) < 2)
        return ERR_SYNTAX;
    *out = (struct authority_names){.n = 1, .names = {text}};
    return ERR_OK;
}

enum err authority_find(struct authority_names *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(authorities); i++) {
        if (!is_meant(i, text))
            continue;
        memset(out, 0, sizeof(*out));
        while (out->n < AUTHORITY_NAMES_MAX && authorities[i].names[out->n] != NULL) {
            out->names[out->n] = authorities[i].names[out->n];
            out->n++;
        }
        return ERR_OK;
    }
    return take_unknown(out, text);
}

bool authority_has(const struct authority_names *a, const char *name, size_t len)
{
    for (size_t i = 0; i < a->n; i++) {
        if (text_equal_nocase(a->names[i], strlen(a->names[i]), name, len))
            return true;
    }
    return false;
}
