/* What a CAA set permits: RFC 8659 section 4 for the grammar, RFC 8657 for the parameters; strict as Boulder is. */
#include <string.h>

#include "base/text.h"
#include "cli/check_internal.h"

#define CRITICAL_MASK 0x81 /* 128; 1 by an old reading of the RFC, which Boulder keeps to */

struct property {
    uint8_t flags;
    const char *tag, *value;
    size_t tag_len, value_len;
};

/* What an issue or issuewild property says. */
struct permission {
    const char *issuer;
    size_t issuer_len;
    bool is_broken;
    unsigned n_accounts, n_methods;
    const char *account, *methods;
    size_t account_len, methods_len;
};

static bool read_property(struct property *p, const struct rdata *r)
{
    if (r->len < 2 || r->bytes[1] == 0 || (size_t)2 + r->bytes[1] > r->len)
        return false;
    p->flags = r->bytes[0];
    p->tag = (const char *)r->bytes + 2;
    p->tag_len = r->bytes[1];
    p->value = p->tag + p->tag_len;
    p->value_len = r->len - 2u - p->tag_len;
    return true;
}

static bool is_tag(const struct property *p, const char *tag)
{
    return text_equal_nocase(p->tag, p->tag_len, tag, strlen(tag));
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
        (*len)--;
}

static void read_parameter(struct permission *out, const char *text, size_t len)
{
    const char *equals, *value;
    size_t tag_len, value_len;

    trim(&text, &len);
    if (len == 0)
        return;
    equals = memchr(text, '=', len);
    if (equals == NULL || equals == text) {
        out->is_broken = true;
        return;
    }
    tag_len = (size_t)(equals - text);
    value = equals + 1;
    value_len = len - tag_len - 1;
    trim(&text, &tag_len);
    trim(&value, &value_len);
    if (text_equal_nocase(text, tag_len, "accounturi", strlen("accounturi"))) {
        out->n_accounts++;
        out->account = value;
        out->account_len = value_len;
    } else if (text_equal_nocase(text, tag_len, "validationmethods", strlen("validationmethods"))) {
        out->n_methods++;
        out->methods = value;
        out->methods_len = value_len;
    }
}

/* "issuer; tag=value; tag=value". */
static void read_permission(struct permission *out, const struct property *p)
{
    const char *at = p->value;
    size_t left = p->value_len;
    bool is_first = true;

    memset(out, 0, sizeof(*out));
    while (left > 0) {
        const char *end = memchr(at, ';', left);
        size_t len = end != NULL ? (size_t)(end - at) : left;

        if (is_first) {
            out->issuer = at;
            out->issuer_len = len;
            trim(&out->issuer, &out->issuer_len);
        } else {
            read_parameter(out, at, len);
        }
        is_first = false;
        at += len + (end != NULL);
        left -= len + (end != NULL);
    }
    out->is_broken = out->is_broken || out->n_accounts > 1 || out->n_methods > 1;
}

static bool allows_dns(const struct permission *p)
{
    const char *at = p->methods;
    size_t left = p->methods_len;

    if (p->n_methods == 0)
        return true;
    while (left > 0) {
        const char *end = memchr(at, ',', left);
        size_t len = end != NULL ? (size_t)(end - at) : left;
        const char *method = at;
        size_t method_len = len;

        trim(&method, &method_len);
        if (text_equal_nocase(method, method_len, "dns-01", strlen("dns-01")))
            return true;
        at += len + (end != NULL);
        left -= len + (end != NULL);
    }
    return false;
}

static void put_record(struct caa_judgement *out, const struct property *p)
{
    (void)snprintf(out->record, sizeof(out->record), "%u %.*s \"%.*s\"", (unsigned)p->flags, (int)p->tag_len,
                   p->tag, (int)(p->value_len > 200 ? 200 : p->value_len), p->value);
}

static bool is_known_tag(const struct property *p)
{
    return is_tag(p, "issue") || is_tag(p, "issuewild") || is_tag(p, "iodef") || is_tag(p, "issuemail") ||
           is_tag(p, "issuevmc") || is_tag(p, "contactemail") || is_tag(p, "contactphone");
}

/* A record that no authority knows, but must; RFC 8659 section 4.1. */
static bool find_critical(struct caa_judgement *out, const struct rdata *rdatas, size_t n)
{
    struct property p;

    for (size_t i = 0; i < n; i++) {
        if (!read_property(&p, &rdatas[i]) || (p.flags & CRITICAL_MASK) == 0 || is_known_tag(&p))
            continue;
        out->verdict = CAA_CRITICAL;
        put_record(out, &p);
        return true;
    }
    return false;
}

static bool has_tag(const struct rdata *rdatas, size_t n, const char *tag)
{
    struct property p;

    for (size_t i = 0; i < n; i++) {
        if (read_property(&p, &rdatas[i]) && is_tag(&p, tag))
            return true;
    }
    return false;
}

static enum caa_verdict judge_one(const struct property *p, const struct authority_names *ca,
                                  struct permission *perm)
{
    read_permission(perm, p);
    if (!authority_has(ca, perm->issuer != NULL ? perm->issuer : "", perm->issuer_len))
        return CAA_FORBIDDEN;
    if (perm->is_broken)
        return CAA_BROKEN;
    return allows_dns(perm) ? CAA_PERMITTED : CAA_METHOD;
}

void caa_judge(struct caa_judgement *out, const struct rdata *rdatas, size_t n, const struct authority_names *ca,
               enum check_wildcard wildcard)
{
    /* For wildcards, issuewild takes the place of issue when there is one; RFC 8659 section 4.3. */
    const char *tag = wildcard == CHECK_WILDCARD && has_tag(rdatas, n, "issuewild") ? "issuewild" : "issue";
    struct property p;

    memset(out, 0, sizeof(*out));
    out->verdict = has_tag(rdatas, n, tag) ? CAA_FORBIDDEN : CAA_PERMITTED;
    if (find_critical(out, rdatas, n))
        return;
    for (size_t i = 0; i < n; i++) {
        struct permission perm;
        enum caa_verdict verdict;

        if (!read_property(&p, &rdatas[i]) || !is_tag(&p, tag))
            continue;
        verdict = judge_one(&p, ca, &perm);
        if (out->record[0] == '\0' || verdict != CAA_FORBIDDEN)
            put_record(out, &p);
        if (verdict != CAA_FORBIDDEN)
            out->verdict = verdict;
        if (verdict != CAA_PERMITTED)
            continue;
        (void)snprintf(out->account, sizeof(out->account), "%.*s",
                       (int)(perm.account_len > 280 ? 280 : perm.account_len),
                       perm.account != NULL ? perm.account : "");
        return;
    }
}
