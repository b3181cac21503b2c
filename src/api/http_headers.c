#include "api/http_headers.h"

#include <string.h>

#include "base/attr.h"
#include "base/quantity.h"
#include "base/text.h"
#include "core/octets.h"

enum known {
    KNOWN_CONTENT_LENGTH,
    KNOWN_TRANSFER_ENCODING,
    KNOWN_HOST,
    KNOWN_API_USER,
    KNOWN_API_KEY,
    KNOWN_AUTHORIZATION,
    KNOWN_ORIGIN,
    KNOWN_CORS_METHOD,
    KNOWN_CORS_HEADERS,
};

static const struct {
    const char *name;
    size_t len;
    size_t offset;       /* of the field in struct http_headers */
    const char *doubled; /* what to say; NULL: doubled ones are no harm, the first counts */
} rows[] = {
#define ROW(name, field, doubled)                                                                                  \
    {                                                                                                              \
        name, sizeof(name) - 1, offsetof(struct http_headers, field), doubled                                      \
    }
    [KNOWN_CONTENT_LENGTH] = ROW("Content-Length", content_length, "more than one Content-Length"),
    [KNOWN_TRANSFER_ENCODING] = ROW("Transfer-Encoding", transfer_encoding, "more than one Transfer-Encoding"),
    [KNOWN_HOST] = ROW("Host", host, "more than one Host"),
    [KNOWN_API_USER] = ROW("X-Api-User", api_user, "more than one X-Api-User"),
    [KNOWN_API_KEY] = ROW("X-Api-Key", api_key, "more than one X-Api-Key"),
    [KNOWN_AUTHORIZATION] = ROW("Authorization", authorization, "more than one Authorization"),
    [KNOWN_ORIGIN] = ROW("Origin", origin, NULL),
    [KNOWN_CORS_METHOD] = ROW("Access-Control-Request-Method", cors_method, NULL),
    [KNOWN_CORS_HEADERS] = ROW("Access-Control-Request-Headers", cors_headers, NULL),
#undef ROW
};

static const char forwarded_name[] = "X-Forwarded-For";

#define HTTP_HEADER_LINE_MAX 65536 /* more than a connection's memory holds */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return false;
    }
}

/* RFC 9110 section 5.6.2. A blank before the colon is what matters most: the library takes "Content-Length :" for a
 * header of another name, also when it is strict, so that the body would be read as the next request. */
static bool is_token(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_token_char(name[i]))
            return false;
    return len > 0;
}

/* RFC 9110 section 5.5: visible characters, blank, tab, and bytes from 0x80 on. */
static bool is_allowed(const char *value, size_t len)
{
    size_t i = 0;

    for (; len - i >= OCTETS_STEP; i += OCTETS_STEP) {
        octets16 v = octets_load((const uint8_t *)value + i);
        if (octets_any((octets16)(v < ' ') | (octets16)(v == 0x7f)))
            break; /* perhaps a tab */
    }
    for (; i < len; i++) {
        uint8_t c = (uint8_t)value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void set_problem(struct http_headers *h, const char *problem)
{
    if (h->problem == NULL)
        h->problem = problem;
}

static void take_forwarded(struct http_headers *h, const char *value, size_t len)
{
    if (h->n_forwarded == FORWARDED_MAX) {
        memmove(&h->forwarded[0], &h->forwarded[1], (FORWARDED_MAX - 1) * sizeof h->forwarded[0]);
        h->n_forwarded--;
    }
    h->forwarded[h->n_forwarded++] = (struct forwarded){value, len};
}

void http_headers_take(struct http_headers *h, const char *name, size_t name_len, const char *value,
                       size_t value_len)
{
    if (!is_token(name, name_len))
        set_problem(h, "a header name with a character that no name has");
    if (!is_allowed(value, value_len))
        set_problem(h, "a header value holds control characters");
    while (value_len > 0 && is_blank(value[0])) {
        value++;
        value_len--;
    }
    while (value_len > 0 && is_blank(value[value_len - 1]))
        value_len--;
    if (text_equal_nocase(name, name_len, forwarded_name, sizeof forwarded_name - 1)) {
        take_forwarded(h, value, value_len);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct header_text *field = (struct header_text *)(void *)((char *)h + rows[i].offset);
        if (name_len != rows[i].len || !text_equal_nocase(name, name_len, rows[i].name, rows[i].len))
            continue;
        if (field->text == NULL)
            *field = (struct header_text){value, value_len};
        else if (rows[i].doubled != NULL)
            set_problem(h, rows[i].doubled);
        return;
    }
}

void http_headers_finish(struct http_headers *h, const char *version)
{
    static const char chunked[] = "chunked";

    if (h->host.text == NULL && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        set_problem(h, "no Host"); /* RFC 9112 section 3.2 */
    if (h->transfer_encoding.text == NULL)
        return;
    if (h->content_length.text != NULL)
        set_problem(h, "both Transfer-Encoding and Content-Length");
    if (!text_equal_nocase(h->transfer_encoding.text, h->transfer_encoding.len, chunked, sizeof chunked - 1))
        set_problem(h, "a Transfer-Encoding other than chunked");
}

/* What take() gets. */
struct reading {
    struct http_headers *headers;
    const char *end; /* of the value before; NULL: none yet */
};

/* name NUL blanks value, as the line was read: the NUL was the colon. */
static bool lies_in_one_line(const char *name, size_t name_len, const char *value)
{
    uintptr_t gap = (uintptr_t)value - (uintptr_t)name; /* wraps when value comes first */

    if (gap <= name_len || gap > HTTP_HEADER_LINE_MAX || name[name_len] != '\0')
        return false;
    for (const char *p = name + name_len + 1; p < value; p++)
        if (!is_blank(*p))
            return false;
    return true;
}

/* Whether only n line ends, which are NULs now, are between both: CR and LF each, or LF alone. */
static bool are_line_ends(const char *from, const char *to, size_t n)
{
    uintptr_t gap = (uintptr_t)to - (uintptr_t)from;

    if (gap < n || gap > 2 * n)
        return false;
    for (const char *p = from; p < to; p++)
        if (*p != '\0')
            return false;
    return true;
}

static void check_place(struct reading *r, const char *name, size_t name_len, const char *value, size_t value_len)
{
    if (!lies_in_one_line(name, name_len, value) || (r->end != NULL && !are_line_ends(r->end, name, 1)))
        set_problem(r->headers, "a header goes on in the next line, or holds a NUL");
    r->end = value + value_len;
}

/* Behind the last header there is the end of its line, and an empty line. */
static void check_end(struct reading *r, struct MHD_Connection *c, const char *method)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (r->end != NULL && (info == NULL || !are_line_ends(r->end, method + info->header_size, 2)))
        set_problem(r->headers, "a header holds a NUL, or has no name");
}

static enum MHD_Result take(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
                            size_t value_len)
{
    struct reading *r = cls;

    (void)kind;
    check_place(r, key, key_len, value, value_len);
    http_headers_take(r->headers, key, key_len, value, value_len);
    return MHD_YES;
}

void http_headers_read(struct http_headers *out, struct MHD_Connection *c, const char *method, const char *version)
{
    struct reading r = {out, NULL};

    *out = (struct http_headers){0};
    (void)MHD_get_connection_values_n(c, MHD_HEADER_KIND, take, &r);
    check_end(&r, c, method);
    http_headers_finish(out, version);
}

void request_line_read(struct request_line *l, const char *target)
{
    l->has_blanks = false;
    for (; *target != '\0'; target++)
        l->has_blanks = l->has_blanks || (uint8_t)*target <= ' ' || *target == 0x7f;
    l->end = target;
}

const char *request_line_problem(const struct request_line *l, const char *method, const char *version)
{
    if (!is_token(method, strlen(method)))
        return "a method with a character that no method has";
    if (l->has_blanks)
        return "a target with blanks or control characters";
    if ((uintptr_t)version != (uintptr_t)l->end + 1) /* the NUL between them was a blank */
        return "a target that holds a NUL";
    return NULL;
}

uint64_t http_headers_body_len(const struct http_headers *h)
{
    const char *text = h->content_length.text;
    size_t text_len = h->content_length.len;
    uint64_t len;

    if (text == NULL)
        return 0;
    for (; text_len > 1 && text[0] == '0'; text_len--) /* "002" is a number here: RFC 9110 section 8.6 */
        text++;
    /* libmicrohttpd has refused what is no number */
    return quantity_parse_uint(&len, text, text_len, UINT64_MAX - 1) == ERR_OK ? len : UINT64_MAX;
}
