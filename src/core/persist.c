#include "core/persist.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "base/text.h"
#include "core/persist_hash.h"
#include "core/persist_parts.h"

static const char parameter_accepted[] =
    "tag=value; a semicolon stands between parameters, not behind the last one";
static const char record_accepted[] =
    "ISSUER; accounturi=URI, then if wanted ; policy=wildcard and ; persistUntil=SECONDS, each once";
static const char until_accepted[] = "seconds since 1970 (UTC) in decimal digits";
static const char value_accepted[] = "printable ASCII characters without blanks and semicolons";

static struct persist_part part_of(const char *name, const char *bytes, size_t len)
{
    return (struct persist_part){.name = name, .bytes = bytes, .len = len};
}

static enum err check_issuer(struct persist_part part, struct text_fault *fault)
{
    part.max = PERSIST_ISSUER_LEN_MAX;
    return persist_check_domain(part, fault);
}

static enum err check_account_uri(struct persist_part part, struct text_fault *fault)
{
    part.max = PERSIST_URI_LEN_MAX;
    return persist_check_uri(part, fault);
}

static enum err check_until(int64_t until_s, struct text_fault *fault)
{
    if (until_s == PERSIST_NO_END || (until_s >= 0 && until_s <= PERSIST_UNTIL_MAX_S))
        return ERR_OK;
    *fault = (struct text_fault){
        .part = "persistUntil",
        .what = until_s < 0 ? "a time before 1970" : "a time after the year 9999 (milliseconds?)",
        .accepted = until_accepted,
    };
    return ERR_RANGE;
}

enum err persist_build(char out[PERSIST_TEXT_MAX], size_t *len, const struct persist *p, struct text_fault *fault)
{
    char until[sizeof "; persistUntil=" + 20] = "";
    int written;
    enum err e = check_issuer(part_of("issuer", p->issuer, p->issuer_len), fault);

    assert(p->policy == PERSIST_POLICY_NONE || p->policy == PERSIST_POLICY_WILDCARD);
    if (e == ERR_OK)
        e = check_account_uri(part_of("accounturi", p->account_uri, p->account_uri_len), fault);
    if (e == ERR_OK)
        e = check_until(p->until_s, fault);
    if (e != ERR_OK)
        return e;
    if (p->until_s != PERSIST_NO_END)
        (void)snprintf(until, sizeof until, "; persistUntil=%" PRId64, p->until_s);
    written = snprintf(out, PERSIST_TEXT_MAX, "%.*s; accounturi=%.*s%s%s", (int)p->issuer_len, p->issuer,
                       (int)p->account_uri_len, p->account_uri,
                       p->policy == PERSIST_POLICY_WILDCARD ? "; policy=wildcard" : "", until);
    assert(written > 0 && written < PERSIST_TEXT_MAX); /* the parts' bounds add up to less */
    *len = (size_t)written;
    return ERR_OK;
}

/* What is being taken apart. */
struct reader {
    const char *text;
    size_t len;
    struct persist *out;
    struct text_fault *fault;
    struct persist_part tags[PERSIST_PARAMETERS_MAX];
    size_t tags_len;
};

static enum err fail(struct reader *r, const char *what, const char *accepted, size_t offset)
{
    *r->fault = (struct text_fault){.part = "record", .what = what, .accepted = accepted, .offset = offset};
    return ERR_SYNTAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t'; /* WSP, RFC 5234 appendix B.1 */
}

/* [start, end) of the text without blanks around it. */
static struct persist_part trim(const struct reader *r, const char *name, size_t start, size_t end)
{
    while (start < end && is_blank(r->text[start]))
        start++;
    while (end > start && is_blank(r->text[end - 1]))
        end--;
    return (struct persist_part){.name = name, .bytes = r->text + start, .len = end - start, .at = start};
}

static size_t find(const struct reader *r, char c, size_t start, size_t end)
{
    const char *at = memchr(r->text + start, c, end - start);

    return at != NULL ? (size_t)(at - r->text) : end;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool tag_is(const struct persist_part *tag, const char *name)
{
    return text_equal_nocase(tag->bytes, tag->len, name, strlen(name));
}

/* RFC 8659 section 4.2: letters and digits with hyphens between them. Remembers the tag. */
static enum err check_tag(struct reader *r, const struct persist_part *tag)
{
    static const char accepted[] = "tag=value, the tag in letters, digits and inner hyphens";

    if (tag->len == 0)
        return fail(r, "no tag before =", accepted, tag->at);
    for (size_t i = 0; i < tag->len; i++) {
        bool inner = i > 0 && i + 1 < tag->len;
        if (!is_letter_or_digit(tag->bytes[i]) && !(inner && tag->bytes[i] == '-'))
            return fail(r, "a character that no tag has there", accepted, tag->at + i);
    }
    for (size_t i = 0; i < r->tags_len; i++)
        if (text_equal_nocase(r->tags[i].bytes, r->tags[i].len, tag->bytes, tag->len))
            return fail(r, "a tag for the second time", record_accepted, tag->at);
    if (r->tags_len == PERSIST_PARAMETERS_MAX) {
        (void)fail(r, "too many parameters", "at most 16 parameters", tag->at);
        return ERR_RANGE;
    }
    r->tags[r->tags_len++] = *tag;
    return ERR_OK;
}

static enum err read_until(struct reader *r, struct persist_part value)
{
    uint64_t until_s = 0;
    enum err e;

    while (value.len > 1 && value.bytes[0] == '0') { /* CAs read 007 as 7 */
        value.bytes++;
        value.len--;
        value.at++;
    }
    e = quantity_parse_uint(&until_s, value.bytes, value.len, INT64_MAX);
    if (e != ERR_OK) {
        (void)fail(r, e == ERR_RANGE ? "too large a number" : "no decimal number", until_accepted, value.at);
        r->fault->part = "persistUntil";
        return e;
    }
    r->out->until_s = (int64_t)until_s;
    return ERR_OK;
}

static enum err read_value(struct reader *r, const struct persist_part *tag, struct persist_part value)
{
    enum err e;

    if (tag_is(tag, "accounturi")) {
        value.name = "accounturi";
        r->out->account_uri = value.bytes;
        r->out->account_uri_len = value.len;
        return check_account_uri(value, r->fault);
    }
    value.accepted = value_accepted;
    e = persist_check_value(value, r->fault);
    if (e != ERR_OK)
        return e;
    if (tag_is(tag, "persistUntil"))
        return read_until(r, value);
    if (tag_is(tag, "policy")) /* the value's case does not count either: -02 section 4.1, item 4 */
        r->out->policy = tag_is(&value, "wildcard") ? PERSIST_POLICY_WILDCARD : PERSIST_POLICY_UNKNOWN;
    return ERR_OK;
}

/* The parameter between start, behind a semicolon, and end. */
static enum err read_parameter(struct reader *r, size_t start, size_t end)
{
    struct persist_part whole = trim(r, "parameter", start, end);
    struct persist_part tag;
    size_t equals = find(r, '=', start, end);
    enum err e;

    if (whole.len == 0)
        return fail(r, end == r->len ? "a semicolon at the end" : "an empty parameter", parameter_accepted,
                    start - 1);
    if (equals == end)
        return fail(r, "a parameter without =", parameter_accepted, whole.at);
    tag = trim(r, "tag", start, equals);
    e = check_tag(r, &tag);
    if (e != ERR_OK)
        return e;
    return read_value(r, &tag, trim(r, "value", equals + 1, end));
}

static enum err read_record(struct reader *r)
{
    size_t end = find(r, ';', 0, r->len);
    struct persist_part issuer = trim(r, "issuer", 0, end);
    enum err e = check_issuer(issuer, r->fault);

    r->out->issuer = issuer.bytes;
    r->out->issuer_len = issuer.len;
    while (e == ERR_OK && end < r->len) {
        size_t start = end + 1;
        end = find(r, ';', start, r->len);
        e = read_parameter(r, start, end);
    }
    if (e != ERR_OK)
        return e;
    if (r->out->account_uri == NULL)
        return fail(r, "accounturi missing", record_accepted, r->len);
    return ERR_OK;
}

enum err persist_parse(struct persist *out, const char *text, size_t len, struct text_fault *fault)
{
    struct reader r = {.text = len > 0 ? text : "", .len = len, .out = out, .fault = fault};
    enum err e;

    *out = (struct persist){.policy = PERSIST_POLICY_NONE, .until_s = PERSIST_NO_END};
    if (len > PERSIST_LEN_MAX) {
        (void)fail(&r, "too long", "at most 2048 characters", PERSIST_LEN_MAX);
        return ERR_RANGE;
    }
    e = read_record(&r);
    if (e != ERR_OK)
        return e;
    out->form =
        persist_hash_is_uri(out->account_uri, out->account_uri_len) ? PERSIST_FORM_HASHED : PERSIST_FORM_OPEN;
    return ERR_OK;
}

enum persist_term persist_term(const struct persist *p, int64_t now_s, int64_t within_s)
{
    assert(within_s >= 0);
    if (p->until_s == PERSIST_NO_END)
        return PERSIST_TERM_STANDS;
    if (now_s >= p->until_s)
        return PERSIST_TERM_ENDED;
    return now_s >= p->until_s - within_s ? PERSIST_TERM_ENDS_SOON : PERSIST_TERM_STANDS;
}
