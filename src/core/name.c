/* Octets behind a name's end are always 0, so work in steps of 16 octets needs no tail: NAME_PAD leaves room for
 * the last step, zeros fold to zeros, and two names of one length that differ in no step are equal. */
#include "core/name.h"

#include <assert.h>
#include <string.h>

#include "core/octets.h"

#define LABEL_KIND_MASK 0xc0 /* RFC 1035 section 4.1.4 */
#define LABEL_POINTER   0xc0
#define POINTER_MASK    0x3fff

static uint8_t fold8(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static void set_len(struct name *n, size_t len)
{
    memset(n->b + len, 0, sizeof n->b - len);
    n->len = (uint8_t)len;
}

void name_set(struct name *out, const uint8_t *wire, size_t len)
{
    assert(len >= 1 && len <= NAME_MAX_LEN);
    memmove(out->b, wire, len);
    set_len(out, len);
}

/* ---- presentation form ---- */

/* A name being built label by label. */
struct builder {
    struct name *out;
    size_t len;   /* octets so far, with the length octet of the open label */
    size_t label; /* where that length octet stands */
};

static enum err builder_put(struct builder *b, uint8_t c)
{
    /* One octet more must still leave room for the root label. */
    if (b->len - b->label > NAME_LABEL_MAX || b->len >= NAME_MAX_LEN - 1)
        return ERR_RANGE;
    b->out->b[b->len++] = c;
    return ERR_OK;
}

static enum err builder_end_label(struct builder *b)
{
    size_t label_len = b->len - b->label - 1;

    if (label_len == 0)
        return ERR_SYNTAX;
    b->out->b[b->label] = (uint8_t)label_len;
    b->label = b->len++;
    return ERR_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The octet behind a backslash at text[*pos]; *pos moves to the last character of the escape. */
static enum err read_escape(const char *text, size_t len, size_t *pos, uint8_t *out)
{
    const char *at = text + *pos + 1;
    size_t left = len - *pos - 1;
    unsigned v;

    if (left == 0)
        return ERR_SYNTAX;
    if (!is_digit(at[0])) {
        *out = (uint8_t)at[0];
        *pos += 1;
        return ERR_OK;
    }
    if (left < 3 || !is_digit(at[1]) || !is_digit(at[2]))
        return ERR_SYNTAX;
    v = (unsigned)(at[0] - '0') * 100 + (unsigned)(at[1] - '0') * 10 + (unsigned)(at[2] - '0');
    if (v > UINT8_MAX)
        return ERR_SYNTAX;
    *out = (uint8_t)v;
    *pos += 3;
    return ERR_OK;
}

/* One character of a label, or an escape. */
static enum err read_octet(struct builder *b, const char *text, size_t len, size_t *pos)
{
    uint8_t c = (uint8_t)text[*pos];

    if (c == '\\') {
        enum err e = read_escape(text, len, pos, &c);
        if (e != ERR_OK)
            return e;
    } else if (c <= ' ' || c >= 0x7f) {
        return ERR_SYNTAX;
    }
    return builder_put(b, c);
}

/* Labels of text into *out; *absolute tells whether it ended in a dot. The root label is not yet there: *len is
 * where. */
static enum err parse_labels(struct name *out, const char *text, size_t text_len, size_t *len, bool *absolute)
{
    struct builder b = {.out = out, .len = 1, .label = 0};
    enum err e = ERR_OK;

    *absolute = false;
    if (text_len == 0)
        return ERR_SYNTAX;
    if (text_len == 1 && text[0] == '.') {
        *absolute = true;
        *len = 0;
        return ERR_OK;
    }
    for (size_t i = 0; e == ERR_OK && i < text_len; i++) {
        *absolute = text[i] == '.';
        e = *absolute ? builder_end_label(&b) : read_octet(&b, text, text_len, &i);
    }
    if (e == ERR_OK && !*absolute)
        e = builder_end_label(&b);
    *len = b.label;
    return e;
}

enum err name_parse(struct name *out, const char *text, size_t len)
{
    size_t end = 0;
    bool absolute;
    enum err e = parse_labels(out, text, len, &end, &absolute);

    if (e != ERR_OK)
        return e;
    out->b[end] = 0;
    set_len(out, end + 1);
    return ERR_OK;
}

enum err name_parse_relative(struct name *out, const char *text, size_t len, const struct name *origin)
{
    struct name parsed;
    size_t end = 0;
    bool absolute;
    enum err e;

    if (len == 1 && text[0] == '@') {
        *out = *origin;
        return ERR_OK;
    }
    e = parse_labels(&parsed, text, len, &end, &absolute);
    if (e != ERR_OK)
        return e;
    if (absolute) {
        parsed.b[end] = 0;
        end++;
    } else {
        if (end + origin->len > NAME_MAX_LEN)
            return ERR_RANGE;
        memcpy(parsed.b + end, origin->b, origin->len);
        end += origin->len;
    }
    name_set(out, parsed.b, end);
    return ERR_OK;
}

/* Characters that mean something else in a master file, RFC 1035 section 5.1. */
static bool is_special(uint8_t c)
{
    return c == '.' || c == '\\' || c == '"' || c == '(' || c == ')' || c == ';' || c == '@' || c == '$';
}

static char *format_octet(char *at, uint8_t c)
{
    if (c <= ' ' || c >= 0x7f) {
        *at++ = '\\';
        *at++ = (char)('0' + c / 100);
        *at++ = (char)('0' + c / 10 % 10);
        *at++ = (char)('0' + c % 10);
        return at;
    }
    if (is_special(c))
        *at++ = '\\';
    *at++ = (char)c;
    return at;
}

const char *name_format(const struct name *n, char out[NAME_TEXT_MAX])
{
    char *at = out;

    for (size_t pos = 0; pos < n->len && n->b[pos] != 0; pos += 1u + n->b[pos]) {
        if (pos > 0)
            *at++ = '.';
        for (size_t i = 1; i <= n->b[pos]; i++)
            at = format_octet(at, n->b[pos + i]);
    }
    if (n->len == 1)
        *at++ = '.';
    *at = '\0';
    return out;
}

/* ---- wire ---- */

/* The label whose length octet has been read, from in to the end of out. */
static enum err decode_label(struct wire_reader *in, struct name *out, size_t *len, uint8_t label_len)
{
    const uint8_t *label;

    if (*len + 1 + label_len > NAME_MAX_LEN - (label_len != 0 ? 1u : 0u))
        return ERR_SYNTAX;
    label = wire_get_bytes(in, label_len);
    if (label == NULL)
        return in->err;
    out->b[*len] = label_len;
    memcpy(out->b + *len + 1, label, label_len);
    *len += 1u + label_len;
    return ERR_OK;
}

/* Labels into *out and *len. *run_start, where the labels being read began, only ever decreases from pointer to
 * pointer: that ends every loop, and a name that was written before the pointer to it satisfies it. */
static enum err decode_labels(struct wire_reader *r, struct name *out, size_t *len)
{
    struct wire_reader in = *r;
    size_t run_start = r->pos;
    bool jumped = false;

    for (;;) {
        uint8_t kind = wire_get_u8(&in);
        enum err e;

        if (in.err == ERR_OK && (kind & LABEL_KIND_MASK) == LABEL_POINTER) {
            size_t target = ((size_t)kind << 8 | wire_get_u8(&in)) & POINTER_MASK;
            if (in.err != ERR_OK)
                return in.err;
            if (target >= run_start)
                return ERR_SYNTAX;
            if (!jumped)
                r->pos = in.pos;
            jumped = true;
            run_start = target;
            in.pos = target;
            continue;
        }
        if (in.err != ERR_OK)
            return in.err;
        if ((kind & LABEL_KIND_MASK) != 0)
            return ERR_SYNTAX;
        e = decode_label(&in, out, len, kind);
        if (e != ERR_OK)
            return e;
        if (kind == 0)
            break;
    }
    if (!jumped)
        r->pos = in.pos;
    return ERR_OK;
}

enum err name_decode(struct wire_reader *r, struct name *out)
{
    size_t len = 0;
    enum err e;

    if (r->err != ERR_OK)
        return r->err;
    e = decode_labels(r, out, &len);
    if (e != ERR_OK) {
        wire_fail(r, e);
        return e;
    }
    set_len(out, len);
    return ERR_OK;
}

/* ---- comparison and surgery ---- */

void name_fold(struct name *n)
{
    size_t len = n->len;

    for (size_t i = 0; i < len; i += OCTETS_STEP)
        octets_store(n->b + i, octets_fold(octets_load(n->b + i)));
}

bool name_equal(const struct name *a, const struct name *b)
{
    octets16 differ = {0};

    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i += OCTETS_STEP)
        differ |= octets_fold(octets_load(a->b + i)) ^ octets_fold(octets_load(b->b + i));
    return !octets_any(differ);
}

unsigned name_labels(const struct name *n)
{
    unsigned labels = 0;

    for (size_t pos = 0; pos < n->len && n->b[pos] != 0; pos += 1u + n->b[pos])
        labels++;
    return labels;
}

static bool octets_equal_nocase(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fold8(a[i]) != fold8(b[i]))
            return false;
    return true;
}

bool name_is_at_or_below(const struct name *n, const struct name *apex)
{
    size_t pos = 0;

    if (n->len < apex->len)
        return false;
    while (pos + apex->len < n->len)
        pos += 1u + n->b[pos];
    return pos + apex->len == n->len && octets_equal_nocase(n->b + pos, apex->b, apex->len);
}

bool name_is_below(const struct name *n, const struct name *apex)
{
    return n->len > apex->len && name_is_at_or_below(n, apex);
}

void name_strip(struct name *out, const struct name *n, unsigned labels)
{
    size_t pos = 0;

    while (labels > 0 && n->b[pos] != 0) {
        pos += 1u + n->b[pos];
        labels--;
    }
    name_set(out, n->b + pos, n->len - pos);
}

enum err name_prepend(struct name *out, const void *label, size_t label_len, const struct name *parent)
{
    struct name made;

    if (label_len == 0 || label_len > NAME_LABEL_MAX || 1 + label_len + parent->len > NAME_MAX_LEN)
        return ERR_RANGE;
    made.b[0] = (uint8_t)label_len;
    memcpy(made.b + 1, label, label_len);
    memcpy(made.b + 1 + label_len, parent->b, parent->len);
    name_set(out, made.b, 1 + label_len + parent->len);
    return ERR_OK;
}

const uint8_t *name_first_label(const struct name *n, size_t *len)
{
    *len = n->b[0];
    return n->b + 1;
}
