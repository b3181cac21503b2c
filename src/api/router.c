#include "api/router.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct segment {
    const char *text;
    size_t len;
};

struct path {
    size_t n;
    bool too_long; /* more segments than any row has */
    struct segment segments[ROUTE_SEGMENTS_MAX];
};

enum spelling { SPELLING_EXACT, SPELLING_FOLDED };

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

size_t route_percent_decode(char *text, size_t len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%' && len - i > 2 && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            c = (char)(uint8_t)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        }
        text[out++] = c;
    }
    return out;
}

static bool segment_is(const struct segment *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->text, text, s->len) == 0;
}

/* "http://host/path", as proxies may ask (RFC 9112 section 3.2.2), is the path. NULL: this is none. */
static const char *skip_authority(const char *path)
{
    const char *authority;

    if (path[0] == '/')
        return path;
    authority = strstr(path, "://");
    if (authority == NULL)
        return NULL;
    path = strchr(authority + 3, '/');
    return path != NULL ? path : "/";
}

/* Split what follows the slashes at the start. Every '/' begins a segment, which may be empty. */
static void path_split(struct path *p, const char *text)
{
    p->n = 0;
    p->too_long = false;
    while (*text == '/')
        text++;
    for (;;) {
        size_t len = strcspn(text, "/");
        if (p->n == ROUTE_SEGMENTS_MAX) {
            p->too_long = true;
            return;
        }
        p->segments[p->n++] = (struct segment){text, len};
        if (text[len] == '\0')
            return;
        text += len + 1;
    }
}

/* Without empty segments, "." and "..": what a redirect would lead to. */
static void path_clean(struct path *out, const struct path *p)
{
    out->n = 0;
    out->too_long = p->too_long;
    for (size_t i = 0; i < p->n; i++) {
        const struct segment *s = &p->segments[i];
        if (s->len == 0 || segment_is(s, "."))
            continue;
        if (segment_is(s, "..")) {
            if (out->n > 0)
                out->n--;
            continue;
        }
        out->segments[out->n++] = *s;
    }
}

static bool literal_matches(const struct segment *s, const char *literal, size_t len, enum spelling spelling)
{
    char decoded[64];
    size_t decoded_len = s->len;

    if (decoded_len > sizeof decoded)
        return false;
    memcpy(decoded, s->text, decoded_len);
    decoded_len = route_percent_decode(decoded, decoded_len);
    if (spelling == SPELLING_FOLDED)
        return text_equal_nocase(decoded, decoded_len, literal, len);
    return decoded_len == len && memcmp(decoded, literal, len) == 0;
}

/* Match the segments of a row's pattern; fills params of m. */
static bool pattern_matches(struct route_match *m, const char *pattern, const struct path *p,
                            enum spelling spelling)
{
    size_t i = 0;

    m->n_params = 0;
    for (pattern++;; pattern++, i++) {
        size_t len = strcspn(pattern, "/");
        if (i == p->n)
            return false;
        if (pattern[0] == '{') {
            if (p->segments[i].len == 0 || m->n_params == ROUTE_PARAMS_MAX)
                return false;
            m->params[m->n_params++] =
                (struct route_param){pattern + 1, len - 2, p->segments[i].text, p->segments[i].len};
        } else if (!literal_matches(&p->segments[i], pattern, len, spelling)) {
            return false;
        }
        pattern += len;
        if (*pattern == '\0')
            return i + 1 == p->n;
    }
}

/* In the order of an Allow header. */
static const char *const methods[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};

static unsigned method_bit(const char *method)
{
    for (unsigned i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(methods[i], method) == 0)
            return 1U << i;
    return 0;
}

static void format_allow(char allow[ROUTE_ALLOW_MAX], unsigned bits)
{
    size_t len = 0;

    for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
        if ((bits & 1U << i) == 0)
            continue;
        len += (size_t)snprintf(allow + len, ROUTE_ALLOW_MAX - len, "%s%s", len > 0 ? ", " : "", methods[i]);
        assert(len < ROUTE_ALLOW_MAX); /* all of them together fit */
    }
}

static bool row_is_there(const struct route *row, unsigned serves, unsigned flags)
{
    return (row->serves & serves) != 0 && (row->flags & ~flags) == 0;
}

/* Where the search goes: all rows that are there. */
struct search {
    const struct route_table *tables;
    size_t n_tables;
    unsigned serves, flags;
};

static bool find_row(struct route_match *m, const struct search *s, const char *method, const struct path *p,
                     enum spelling spelling)
{
    for (size_t t = 0; t < s->n_tables; t++) {
        for (size_t i = 0; i < s->tables[t].n; i++) {
            const struct route *row = &s->tables[t].rows[i];
            if (strcmp(row->method, method) == 0 && row_is_there(row, s->serves, s->flags) &&
                pattern_matches(m, row->pattern, p, spelling)) {
                m->route = row;
                return true;
            }
        }
    }
    return false;
}

static void find_allowed(struct route_match *m, const struct search *s, const struct path *p)
{
    struct route_match ignored;
    unsigned bits = 0;

    for (size_t t = 0; t < s->n_tables; t++) {
        for (size_t i = 0; i < s->tables[t].n; i++) {
            const struct route *row = &s->tables[t].rows[i];
            if (row_is_there(row, s->serves, s->flags) &&
                pattern_matches(&ignored, row->pattern, p, SPELLING_EXACT))
                bits |= method_bit(row->method);
        }
    }
    if (bits != 0)
        format_allow(m->allow, bits | method_bit("OPTIONS"));
}

void route_find(struct route_match *out, const struct route_table *tables, size_t n_tables, unsigned serves,
                unsigned flags, const char *method, const char *path)
{
    const struct search s = {tables, n_tables, serves, flags};
    struct path asked, clean;

    out->route = NULL;
    out->n_params = 0;
    out->allow[0] = '\0';
    out->outcome = ROUTE_NOT_FOUND;
    path = skip_authority(path);
    if (path == NULL)
        return;
    path_split(&asked, path);
    if (!asked.too_long) {
        if (find_row(out, &s, method, &asked, SPELLING_EXACT)) {
            out->outcome = ROUTE_FOUND;
            return;
        }
        path_clean(&clean, &asked);
        if (find_row(out, &s, method, &clean, SPELLING_FOLDED)) {
            out->outcome = ROUTE_REDIRECT;
            return;
        }
        find_allowed(out, &s, &asked);
    }
    out->n_params = 0;
    if (out->allow[0] != '\0')
        out->outcome = strcmp(method, "OPTIONS") == 0 ? ROUTE_OPTIONS : ROUTE_NOT_ALLOWED;
}

bool route_format_location(const struct route_match *m, char *out, size_t cap)
{
    const char *pattern = m->route->pattern;
    size_t param = 0;
    struct text t;
    bool fits;

    text_init(&t, cap - 1);
    while (*pattern != '\0') {
        if (*pattern == '{') {
            text_put_bytes(&t, m->params[param].raw, m->params[param].raw_len);
            param++;
            pattern = strchr(pattern, '}') + 1;
        } else {
            text_put_char(&t, *pattern++);
        }
    }
    fits = t.err == ERR_OK;
    if (fits)
        memcpy(out, t.bytes, t.len + 1);
    text_fini(&t);
    return fits;
}
