/* acme-dns's AllowFrom: a JSON array of texts (RFC 8259), each a network as Go's net.ParseCIDR takes it, perhaps in
 * brackets. */
#include <stdio.h>
#include <string.h>

#include "db/import_acmedns_internal.h"

#define ENTRY_MAX 256 /* of one network's text; longer ones are no networks */

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    skip_blanks(s);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash; what is not ASCII becomes '?', which is in no network. False: no escape. */
static bool take_escape(struct scan *s, char *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int code = 0;

    if (s->at == s->end)
        return false;
    if (*s->at != 'u') {
        found = *s->at != '\0' ? strchr(from, *s->at) : NULL;
        if (found == NULL)
            return false;
        s->at++;
        *out = to[found - from];
        return true;
    }
    s->at++;
    for (int i = 0; i < 4; i++) {
        int digit = s->at < s->end ? hex_value(*s->at) : -1;
        if (digit < 0)
            return false;
        code = code * 16 + digit;
        s->at++;
    }
    *out = code > 0 && code < 128 ? (char)code : '?';
    return true;
}

/* A text; more than fits is dropped, and *len then says so by being cap. False: none. */
static bool take_text(struct scan *s, char *out, size_t cap, size_t *len)
{
    *len = 0;
    if (!take(s, '"'))
        return false;
    while (s->at < s->end && *s->at != '"') {
        char c = *s->at++;
        if ((unsigned char)c < ' ' || (c == '\\' && !take_escape(s, &c)))
            return false;
        if (*len < cap)
            out[(*len)++] = c;
    }
    return take(s, '"');
}

/* As acme-dns does before it looks at an entry. */
static size_t strip_brackets(char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] != '[' && text[i] != ']')
            text[n++] = text[i];
    return n;
}

static void note_bad(struct allowfrom *out, const char *text, size_t len)
{
    struct addr addr;
    char shown[ADDR_TEXT_MAX];

    if (out->n_bad++ > 0)
        return;
    (void)snprintf(out->bad, sizeof out->bad, "%.*s", (int)(len < sizeof out->bad ? len : sizeof out->bad - 1),
                   text);
    for (char *c = out->bad; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (addr_parse(&addr, text, len) == ERR_OK)
        (void)snprintf(out->suggestion, sizeof out->suggestion, "%s/%d", addr_format(&addr, shown),
                       addr.family == ADDR_V4 ? 32 : 128);
}

static void add_entry(struct allowfrom *out, char *text, size_t len)
{
    struct net net;

    len = strip_brackets(text, len);
    if (len == ENTRY_MAX || out->n_networks == IMPORT_NETWORKS_MAX || net_parse(&net, text, len) != ERR_OK)
        note_bad(out, text, len);
    else
        out->networks[out->n_networks++] = net;
}

/* The entries of an array whose bracket has been taken. False: it is none. */
static bool take_entries(struct scan *s, struct allowfrom *out)
{
    char text[ENTRY_MAX];
    size_t len;

    if (take(s, ']'))
        return true;
    do {
        /* null for a text is an empty text in Go. */
        if (take_word(s, "null"))
            len = 0;
        else if (!take_text(s, text, sizeof text, &len))
            return false;
        add_entry(out, text, len);
    } while (take(s, ','));
    return take(s, ']');
}

void allowfrom_parse(struct allowfrom *out, const struct import_text *text)
{
    struct scan s = {text->text, text->text != NULL ? text->text + text->len : NULL};
    bool is_list;

    *out = (struct allowfrom){.kind = ALLOWFROM_GARBAGE};
    if (text->text == NULL)
        return;
    is_list =
        take_word(&s, "null") || (take(&s, '[') && take_entries(&s, out)); /* null for a list is an empty one */
    skip_blanks(&s);
    if (!is_list || s.at != s.end)
        *out = (struct allowfrom){.kind = ALLOWFROM_GARBAGE};
    else if (out->n_networks > 0)
        out->kind = ALLOWFROM_LIST;
    else
        out->kind = out->n_bad > 0 ? ALLOWFROM_NONE : ALLOWFROM_OPEN;
}
