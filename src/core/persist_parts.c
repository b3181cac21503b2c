#include "core/persist_parts.h"

#include <stdbool.h>

#include "core/name.h"

static const char domain_accepted[] = "a domain name in lower case without final dot, such as letsencrypt.org, in "
                                      "at most 253 letters, digits and hyphens; "
                                      "other scripts as A-labels (xn--...)";
static const char uri_accepted[] =
    "an absolute URI such as https://ca.example/acct/123, in printable ASCII without "
    "blanks and semicolons, at most 1024 characters";

static enum err fail(const struct persist_part *p, struct text_fault *fault, const char *what, size_t offset)
{
    *fault = (struct text_fault){.part = p->name, .what = what, .accepted = p->accepted, .offset = p->at + offset};
    return ERR_SYNTAX;
}

static enum err fail_long(const struct persist_part *p, struct text_fault *fault, const char *what, size_t offset)
{
    (void)fail(p, fault, what, offset);
    return ERR_RANGE;
}

/* The label of p from start to end. */
static enum err check_label(const struct persist_part *p, struct text_fault *fault, size_t start, size_t end)
{
    if (end == start && end == p->len && start > 0)
        return fail(p, fault, "a final dot", start - 1);
    if (end == start)
        return fail(p, fault, "an empty label", start);
    if (p->bytes[start] == '-')
        return fail(p, fault, "a hyphen at the start of a label", start);
    if (p->bytes[end - 1] == '-')
        return fail(p, fault, "a hyphen at the end of a label", end - 1);
    if (end - start > NAME_LABEL_MAX)
        return fail_long(p, fault, "a label over 63 characters", start + NAME_LABEL_MAX);
    return ERR_OK;
}

static enum err check_domain_character(const struct persist_part *p, struct text_fault *fault, size_t i)
{
    unsigned char c = (unsigned char)p->bytes[i];

    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')
        return ERR_OK;
    if (c >= 'A' && c <= 'Z')
        return fail(p, fault, "an upper-case letter", i);
    if (c > 0x7e)
        return fail(p, fault, "a character that is not ASCII", i);
    return fail(p, fault, "a character that is no letter, digit or hyphen", i);
}

enum err persist_check_domain(struct persist_part p, struct text_fault *fault)
{
    size_t start = 0;
    enum err e;

    if (p.accepted == NULL)
        p.accepted = domain_accepted;
    if (p.len == 0)
        return fail(&p, fault, "nothing", 0);
    for (size_t i = 0; i < p.len; i++) {
        if (i == p.max)
            return fail_long(&p, fault, "too long", i);
        if (p.bytes[i] == '.') {
            e = check_label(&p, fault, start, i);
            start = i + 1;
        } else {
            e = check_domain_character(&p, fault, i);
        }
        if (e != ERR_OK)
            return e;
    }
    return check_label(&p, fault, start, p.len);
}

enum err persist_check_value(struct persist_part p, struct text_fault *fault)
{
    for (size_t i = 0; i < p.len; i++) {
        unsigned char c = (unsigned char)p.bytes[i];
        if (c == ';')
            return fail(&p, fault, "a semicolon, which ends a value,", i);
        if (c == ' ' || c == '\t')
            return fail(&p, fault, "a blank", i);
        if (c < 0x21 || c > 0x7e)
            return fail(&p, fault, "an octet that is not printable ASCII", i);
    }
    return ERR_OK;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_scheme_character(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

enum err persist_check_uri(struct persist_part p, struct text_fault *fault)
{
    size_t scheme = 0;
    enum err e;

    if (p.accepted == NULL)
        p.accepted = uri_accepted;
    if (p.len == 0)
        return fail(&p, fault, "nothing", 0);
    if (p.len > p.max)
        return fail_long(&p, fault, "too long", p.max);
    e = persist_check_value(p, fault);
    if (e != ERR_OK)
        return e;
    while (scheme < p.len && is_scheme_character(p.bytes[scheme]))
        scheme++;
    if (!is_letter(p.bytes[0]) || scheme == p.len || p.bytes[scheme] != ':')
        return fail(&p, fault, "no scheme such as https:", 0);
    if (scheme + 1 == p.len)
        return fail(&p, fault, "nothing behind the scheme", p.len);
    return ERR_OK;
}
