#include "api/json_scan.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/octets.h"

#define REPLACEMENT 0xfffdU /* U+FFFD */

struct scanner {
    const char *p, *end;
    size_t depth;
    bool is_object[JSON_SCAN_DEPTH_MAX]; /* of the first `depth` levels */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Each skip function returns where the thing ends, or NULL when it is not one. p is before end. */

static const char *skip_escape(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p != 'u')
        return strchr("\"\\/bfnrt", *p) != NULL && *p != '\0' ? p + 1 : NULL;
    if (end - p < 5)
        return NULL;
    for (int i = 1; i <= 4; i++)
        if (hex_digit(p[i]) < 0)
            return NULL;
    return p + 5;
}

/* Behind the bytes of a string that stand for themselves, whatever their character. */
static const char *skip_plain(const char *p, const char *end)
{
    for (; end - p >= OCTETS_STEP; p += OCTETS_STEP) {
        octets16 v = octets_load((const uint8_t *)p);
        if (octets_any((octets16)(v < ' ') | (octets16)(v == '"') | (octets16)(v == '\\')))
            break;
    }
    while (p < end && (uint8_t)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Behind those that are ASCII, too. */
static const char *skip_ascii(const char *p, const char *end)
{
    for (; end - p >= OCTETS_STEP; p += OCTETS_STEP) {
        octets16 v = octets_load((const uint8_t *)p);
        if (octets_any((octets16)(v >= 0x80) | (octets16)(v == '\\')))
            break;
    }
    while (p < end && *p != '\\' && (uint8_t)*p < 0x80)
        p++;
    return p;
}

static const char *skip_string(const char *p, const char *end)
{
    for (p = skip_plain(p + 1, end); p < end && *p == '\\'; p = skip_plain(p, end)) {
        p = skip_escape(p + 1, end);
        if (p == NULL)
            return NULL;
    }
    return p < end && *p == '"' ? p + 1 : NULL;
}

static const char *skip_digits(const char *p, const char *end)
{
    const char *start = p;

    while (p < end && is_digit(*p))
        p++;
    return p > start ? p : NULL;
}

static const char *skip_number(const char *p, const char *end)
{
    if (*p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else
        p = skip_digits(p, end);
    if (p != NULL && p < end && *p == '.')
        p = skip_digits(p + 1, end);
    if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = skip_digits(p, end);
    }
    return p;
}

static const char *skip_word(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

/* A value that holds no others. */
static const char *skip_scalar(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return skip_string(p, end);
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    case 'n':
        return skip_word(p, end, "null");
    default:
        return skip_number(p, end);
    }
}

static bool push(struct scanner *s, bool object)
{
    if (s->depth == JSON_SCAN_DEPTH_MAX)
        return false;
    s->is_object[s->depth++] = object;
    return true;
}

/* Go to where a skip function came; false, and stay: it came to nothing. */
static bool advance(struct scanner *s, const char *to)
{
    if (to != NULL)
        s->p = to;
    return to != NULL;
}

/* The key of a member and its colon. */
static bool skip_key(struct scanner *s)
{
    s->p = skip_space(s->p, s->end);
    if (s->p == s->end || *s->p != '"' || !advance(s, skip_string(s->p, s->end)))
        return false;
    s->p = skip_space(s->p, s->end);
    if (s->p == s->end || *s->p != ':')
        return false;
    s->p++;
    return true;
}

/* At a value: go behind it, or into it. False: no JSON. *inside: the next thing is a value again. */
static bool begin_value(struct scanner *s, bool *inside)
{
    bool object;

    *inside = false;
    s->p = skip_space(s->p, s->end);
    if (s->p == s->end)
        return false;
    if (*s->p != '{' && *s->p != '[')
        return advance(s, skip_scalar(s->p, s->end));
    object = *s->p == '{';
    if (!push(s, object))
        return false;
    s->p = skip_space(s->p + 1, s->end);
    if (s->p < s->end && *s->p == (object ? '}' : ']')) {
        s->p++;
        s->depth--;
        return true;
    }
    *inside = true;
    return !object || skip_key(s);
}

/* Behind a value: leave what ends here, until there is another value or the outermost has ended. */
static bool end_value(struct scanner *s, bool *more)
{
    *more = false;
    while (s->depth > 0) {
        bool object = s->is_object[s->depth - 1];
        s->p = skip_space(s->p, s->end);
        if (s->p == s->end)
            return false;
        if (*s->p == ',') {
            s->p++;
            *more = true;
            return !object || skip_key(s);
        }
        if (*s->p != (object ? '}' : ']'))
            return false;
        s->p++;
        s->depth--;
    }
    return true;
}

static enum json_scan_kind kind_of(char first)
{
    switch (first) {
    case '{':
        return JSON_SCAN_OBJECT;
    case '[':
        return JSON_SCAN_ARRAY;
    case '"':
        return JSON_SCAN_STRING;
    case 't':
    case 'f':
        return JSON_SCAN_BOOL;
    case 'n':
        return JSON_SCAN_NULL;
    default:
        return JSON_SCAN_NUMBER;
    }
}

const char *json_scan_kind_word(enum json_scan_kind k)
{
    static const char *const words[] = {
        [JSON_SCAN_OBJECT] = "an object", [JSON_SCAN_ARRAY] = "a list",       [JSON_SCAN_STRING] = "a string",
        [JSON_SCAN_NUMBER] = "a number",  [JSON_SCAN_BOOL] = "true or false", [JSON_SCAN_NULL] = "null",
    };

    return words[k];
}

enum err json_scan(struct json_scan_value *out, size_t *rest, const char *text, size_t len)
{
    struct scanner s;
    const char *start;
    bool more;

    s.end = text + len;
    s.depth = 0;
    start = skip_space(text, s.end);
    s.p = start;
    do {
        if (!begin_value(&s, &more) || (!more && !end_value(&s, &more))) {
            *rest = (size_t)(s.end - s.p);
            return ERR_SYNTAX;
        }
    } while (more);
    *out = (struct json_scan_value){kind_of(*start), start, (size_t)(s.p - start)};
    *rest = (size_t)(s.end - s.p);
    return ERR_OK;
}

bool json_scan_is_blank(const char *text, size_t len)
{
    return skip_space(text, text + len) == text + len;
}

struct json_scan_iter json_scan_enter(const struct json_scan_value *container)
{
    assert(container->kind == JSON_SCAN_OBJECT || container->kind == JSON_SCAN_ARRAY);
    return (struct json_scan_iter){container->text + 1, container->text + container->len};
}

/* Take the value at p of a text that is known to be well formed. */
static void take(struct json_scan_value *out, struct json_scan_iter *it)
{
    enum json_scan_kind kind;
    size_t rest = 0;
    const char *behind;
    enum err e;

    it->p = skip_space(it->p, it->end);
    kind = kind_of(*it->p);
    if (kind != JSON_SCAN_OBJECT && kind != JSON_SCAN_ARRAY) {
        behind = skip_scalar(it->p, it->end);
        assert(behind != NULL);
        *out = (struct json_scan_value){kind, it->p, (size_t)(behind - it->p)};
        it->p = behind;
        return;
    }
    e = json_scan(out, &rest, it->p, (size_t)(it->end - it->p));
    assert(e == ERR_OK);
    (void)e;
    it->p = it->end - rest;
}

bool json_scan_next(struct json_scan_iter *it, struct json_scan_value *key, struct json_scan_value *value)
{
    bool object;

    it->p = skip_space(it->p, it->end);
    if (it->p < it->end && *it->p == ',')
        it->p = skip_space(it->p + 1, it->end);
    if (it->p >= it->end || *it->p == '}' || *it->p == ']')
        return false;
    object = it->end[-1] == '}';
    if (object) {
        take(key, it);
        it->p = skip_space(it->p, it->end) + 1; /* the colon */
    }
    take(value, it);
    return true;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(uint8_t)(0xc0 | c >> 6);
        out[1] = (char)(uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(uint8_t)(0xe0 | c >> 12);
        out[1] = (char)(uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(uint8_t)(0xf0 | c >> 18);
    out[1] = (char)(uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

static uint32_t hex4(const char *p)
{
    uint32_t c = 0;

    for (int i = 0; i < 4; i++)
        c = c << 4 | (uint32_t)hex_digit(p[i]);
    return c;
}

/* \uXXXX at p (behind the u), with its second half when it is the first of a pair. Returns where it ends. */
static const char *decode_unicode(uint32_t *c, const char *p, const char *end)
{
    uint32_t low;

    *c = hex4(p);
    p += 4;
    if (*c < 0xd800 || *c > 0xdfff)
        return p;
    if (*c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        low = hex4(p + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *c = 0x10000 + ((*c - 0xd800) << 10 | (low - 0xdc00));
            return p + 6;
        }
    }
    *c = REPLACEMENT;
    return p;
}

/* How many bytes at p are one character of UTF-8 (RFC 3629 section 4); 0: none. */
static size_t utf8_len(const char *p, const char *end)
{
    uint8_t first = (uint8_t)p[0];
    uint8_t low = 0x80, high = 0xbf;
    size_t len;

    if (first < 0x80)
        return 1;
    len = first >= 0xc2 && first <= 0xdf   ? 2
          : first >= 0xe0 && first <= 0xef ? 3
          : first >= 0xf0 && first <= 0xf4 ? 4
                                           : 0;
    if (len == 0 || (size_t)(end - p) < len)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    if ((uint8_t)p[1] < low || (uint8_t)p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (((uint8_t)p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static char decode_short_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* the quotation mark and both strokes */
    }
}

size_t json_scan_decode(char *out, const struct json_scan_value *value)
{
    const char *p = value->text + 1;
    const char *end = value->text + value->len - 1;
    size_t n = (size_t)(skip_ascii(p, end) - p); /* mostly that is all of it */
    size_t len;
    uint32_t c;

    assert(value->kind == JSON_SCAN_STRING);
    memcpy(out, p, n);
    p += n;
    while (p < end) {
        if (*p == '\\' && p[1] == 'u') {
            p = decode_unicode(&c, p + 2, end);
            n += put_utf8(out + n, c);
        } else if (*p == '\\') {
            out[n++] = decode_short_escape(p[1]);
            p += 2;
        } else {
            len = utf8_len(p, end);
            if (len == 0) {
                n += put_utf8(out + n, REPLACEMENT);
                p++;
            } else {
                memcpy(out + n, p, len);
                n += len;
                p += len;
            }
        }
    }
    return n;
}
