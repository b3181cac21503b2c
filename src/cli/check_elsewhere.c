/* Through resolvers that look from elsewhere, as an authority's does: that they get an answer, and what they say of
 * DNSSEC. All of it is what those resolvers say (AD, and SERVFAIL that goes away with CD); nothing is validated
 * here. */
#include <string.h>

#include "cli/check_internal.h"

#define LIST_MAX 512

struct elsewhere {
    struct check *c;
    const struct lookup_server *resolver;
    char at[LOOKUP_SERVER_TEXT_MAX];
    bool validates;
};

/* Ask the one resolver. NULL: no answer. */
static struct lookup_reply *ask(struct elsewhere *e, const struct name *name, uint16_t type, unsigned flags,
                                enum lookup_result *result)
{
    const struct lookup_question q = {.name = *name, .type = type, .way = LOOKUP_AUTO, .flags = LOOKUP_RD | flags};
    struct lookup_reply *reply = NULL;

    *result = lookup_ask(&e->c->lookup, e->resolver, &q, &reply);
    return reply;
}

static bool is_authenticated(struct elsewhere *e, const struct name *name, uint16_t type)
{
    enum lookup_result result;
    struct lookup_reply *r = ask(e, name, type, LOOKUP_AD, &result);
    bool ad = r != NULL && r->ad && (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN);

    lookup_reply_free(r);
    return ad;
}

/* SERVFAIL: is it because what there is does not validate? */
static void report_failure(struct elsewhere *e, const struct name *name, uint16_t type, uint16_t rcode)
{
    enum lookup_result result;
    struct lookup_reply *r = ask(e, name, type, LOOKUP_CD, &result);
    bool without = r != NULL && (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN);
    char text[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX], rcode_text[LOOKUP_RCODE_TEXT_MAX];

    (void)name_format(name, text);
    (void)rr_type_format(type, type_text);
    lookup_reply_free(r);
    if (rcode == RCODE_SERVFAIL && without) {
        finding_fail(e->c->findings, "dnssec",
                     "DNSSEC is broken for %s %s: the resolver %s says SERVFAIL, and answers when it is told not "
                     "to validate",
                     text, type_text, e->at);
        finding_fix(
            e->c->findings,
            "every public authority validates: mend the signatures or the DS record (https://dnsviz.net shows the "
            "chain), or remove the DS record");
        finding_see(e->c->findings, "dig @%s %s %s; dig +cd @%s %s %s", e->at, text, type_text, e->at, text,
                    type_text);
        return;
    }
    finding_fail(e->c->findings, "resolver", "the resolver %s says %s for %s %s", e->at,
                 lookup_rcode_format(rcode, rcode_text), text, type_text);
    finding_fix(e->c->findings, "an authority's resolver will most likely get no further");
    finding_see(e->c->findings, "dig @%s %s %s", e->at, text, type_text);
}

/* False: the resolver does not answer at all. */
static bool try_one(struct elsewhere *e, const struct name *name, uint16_t type, bool *is_fine)
{
    enum lookup_result result;
    struct lookup_reply *r = ask(e, name, type, LOOKUP_AD, &result);

    if (r == NULL) {
        if (result == LOOKUP_NO_ROUTE || result == LOOKUP_OUT_OF_TIME)
            finding_note(e->c->findings, "resolver", "the resolver %s %s", e->at, lookup_result_text(result));
        else
            finding_note(e->c->findings, "resolver",
                         "the resolver %s (check.resolvers) %s: nothing was looked at through it", e->at,
                         lookup_result_text(result));
        return false;
    }
    if (r->rcode != RCODE_NOERROR && r->rcode != RCODE_NXDOMAIN) {
        report_failure(e, name, type, r->rcode);
        *is_fine = false;
    }
    lookup_reply_free(r);
    return true;
}

/* What a validating resolver says of the domain's zone, and of the delegation of ours. */
static void report_signatures(struct elsewhere *e, const struct name *domain, const struct check_chain *chain)
{
    struct name apex, own;
    char why[CHECK_WHY_MAX], domain_text[NAME_TEXT_MAX], own_text[NAME_TEXT_MAX];
    const char *delegation;

    if (lookup_find_apex(&e->c->lookup, domain, &apex, why, sizeof(why)) != LOOKUP_ANSWERED)
        return;
    if (chain->target.len == 0 ||
        lookup_find_apex(&e->c->lookup, &chain->target, &own, why, sizeof(why)) != LOOKUP_ANSWERED) {
        finding_ok(e->c->findings, "dnssec", "DNSSEC: %s %s, says the resolver %s", name_format(&apex, domain_text),
                   is_authenticated(e, &apex, RR_SOA) ? "is signed, the chain is valid" : "is not signed", e->at);
        return;
    }
    if (is_authenticated(e, &own, RR_SOA))
        delegation = "is signed, the chain is valid";
    else if (is_authenticated(e, &own, RR_DS))
        delegation = "is not signed, and its delegation is proven insecure, which is fine";
    else
        delegation = "is not signed, and neither is what is above it";
    finding_ok(e->c->findings, "dnssec", "DNSSEC: %s %s; %s %s (says the resolver %s)",
               name_format(&apex, domain_text),
               is_authenticated(e, &apex, RR_SOA) ? "is signed, the chain is valid" : "is not signed",
               name_format(&own, own_text), delegation, e->at);
}

static void through(struct elsewhere *e, const struct name *domain, const struct check_chain *chain,
                    bool *has_validator)
{
    struct name root;
    bool is_fine = true;

    name_set(&root, (const uint8_t *)"", 1);
    check_progress(e->c, "through the resolver %s", e->at);
    if (!try_one(e, &chain->name, RR_TXT, &is_fine) || !try_one(e, domain, RR_CAA, &is_fine))
        return;
    e->validates = is_authenticated(e, &root, RR_SOA);
    if (is_fine)
        finding_ok(e->c->findings, "resolver", "the resolver %s%s gets answers for TXT and CAA", e->at,
                   e->validates ? ", which validates," : "");
    if (is_fine && e->validates && !*has_validator)
        report_signatures(e, domain, chain);
    *has_validator = *has_validator || e->validates;
}

void check_elsewhere(struct check *c, const char *domain, const struct check_chain *chain)
{
    struct name name;
    bool has_validator = false;

    if (name_parse(&name, domain, strlen(domain)) != ERR_OK)
        return;
    for (size_t i = 0; c->has_resolvers && i < c->lookup.n_resolvers; i++) {
        struct elsewhere e = {.c = c, .resolver = &c->lookup.resolvers[i]};

        (void)lookup_server_format(e.resolver, e.at);
        through(&e, &name, chain, &has_validator);
    }
    if (!c->has_resolvers)
        finding_note(c->findings, "dnssec",
                     "DNSSEC was not checked, and nothing was asked through resolvers elsewhere: name some that "
                     "validate in check.resolvers, such as 9.9.9.9 and 1.1.1.1");
    else if (!has_validator)
        finding_note(c->findings, "dnssec",
                     "DNSSEC was not checked: none of check.resolvers says that it validates (AD for the root)");
}
