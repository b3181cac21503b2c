/* Who answers for a name: the zone's apex, its name servers and their addresses, through a resolver. What the
 * servers themselves say is for the caller to ask. */
#include "cli/lookup.h"

#include <stdio.h>
#include <string.h>

#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3
#define SILENT_MAX     2 /* labels at which a resolver may be silent: it waits for a zone that is */

/* "the NS records of example.org: SERVFAIL from the resolver 9.9.9.9". */
static void explain(const struct lookup *l, char *why, size_t why_cap, uint16_t type, const struct name *name,
                    enum lookup_result r, const struct lookup_reply *reply)
{
    char type_text[RR_TYPE_TEXT_MAX], name_text[NAME_TEXT_MAX], at[LOOKUP_SERVER_TEXT_MAX],
        rcode[LOOKUP_RCODE_TEXT_MAX];

    (void)rr_type_format(type, type_text);
    (void)name_format(name, name_text);
    if (l->n_resolvers == 0)
        (void)snprintf(why, why_cap, "there is no resolver: /etc/resolv.conf names none that can be used");
    else if (r != LOOKUP_ANSWERED)
        (void)snprintf(why, why_cap, "%s of %s: the resolver %s %s", type_text, name_text,
                       lookup_server_format(&l->resolvers[l->n_resolvers - 1], at), lookup_result_text(r));
    else if (reply->rcode != RCODE_NOERROR)
        (void)snprintf(why, why_cap, "%s of %s: the resolver says %s", type_text, name_text,
                       lookup_rcode_format(reply->rcode, rcode));
    else
        (void)snprintf(why, why_cap, "%s of %s: there is none", type_text, name_text);
}

/* The apex that an answer to a question for SOA shows; false: it shows none. */
static bool apex_in(const struct lookup_reply *reply, const struct name *name, struct name *apex)
{
    const struct lookup_record *soa;
    size_t at = 0;

    soa = lookup_next(reply, LOOKUP_ANSWER, name, RR_SOA, &at);
    if (soa != NULL) {
        *apex = *name;
        return true;
    }
    at = 0;
    if (lookup_next(reply, LOOKUP_ANSWER, NULL, RR_ANY, &at) != NULL)
        return false; /* a CNAME: the SOA behind it is that of the target */
    at = 0;
    soa = lookup_next(reply, LOOKUP_AUTHORITY, NULL, RR_SOA, &at);
    if (soa == NULL || !name_is_at_or_below(name, &soa->owner))
        return false;
    *apex = soa->owner;
    return true;
}

enum lookup_result lookup_find_apex(struct lookup *l, const struct name *name, struct name *apex, char *why,
                                    size_t why_cap)
{
    struct name n = *name;
    unsigned silent = 0;
    bool said = false;

    why[0] = '\0';
    while (n.len > 1) {
        struct lookup_reply *reply = NULL;
        enum lookup_result r = lookup_resolve(l, &n, RR_SOA, LOOKUP_CD, &reply);
        bool found = r == LOOKUP_ANSWERED && (reply->rcode == RCODE_NOERROR || reply->rcode == RCODE_NXDOMAIN) &&
                     apex_in(reply, &n, apex);

        if (!found && !said) { /* the first trouble is the one that matters */
            explain(l, why, why_cap, RR_SOA, &n, r, reply);
            said = true;
        }
        lookup_reply_free(reply);
        silent += r == LOOKUP_TIMED_OUT;
        if (found || (r != LOOKUP_ANSWERED && r != LOOKUP_TIMED_OUT) || silent > SILENT_MAX)
            return r;
        name_strip(&n, &n, 1);
    }
    return LOOKUP_FAILED;
}

enum lookup_result lookup_host(struct lookup *l, const struct name *host, struct addr *out, size_t cap, size_t *n)
{
    static const uint16_t types[] = {RR_A, RR_AAAA};
    enum lookup_result result = LOOKUP_FAILED;

    *n = 0;
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        struct lookup_reply *reply = NULL;
        enum lookup_result r = lookup_resolve(l, host, types[t], LOOKUP_CD, &reply);
        const struct lookup_record *rec;
        size_t at = 0;

        if (r == LOOKUP_ANSWERED)
            result = LOOKUP_ANSWERED;
        else if (result != LOOKUP_ANSWERED)
            result = r;
        while (reply != NULL && *n < cap && (rec = lookup_next(reply, LOOKUP_ANSWER, NULL, types[t], &at)) != NULL)
            *n += lookup_address(rec, &out[*n]) == ERR_OK;
        lookup_reply_free(reply);
        if (r == LOOKUP_OUT_OF_TIME)
            return r;
    }
    return result;
}

void lookup_add_server(struct lookup_zone *z, size_t name, const struct addr *addr)
{
    z->has_address[name] = true;
    for (size_t i = 0; i < z->n_servers; i++) {
        if (addr_equal(&z->servers[i].at.addr, addr))
            return;
    }
    if (z->n_servers == LOOKUP_SERVERS_MAX)
        return;
    z->servers[z->n_servers].at = (struct lookup_server){*addr, LOOKUP_PORT};
    z->servers[z->n_servers++].name = name;
}

enum lookup_result lookup_find_servers(struct lookup *l, const struct name *apex, struct lookup_zone *out,
                                       char *why, size_t why_cap)
{
    struct lookup_reply *reply = NULL;
    const struct lookup_record *rec;
    enum lookup_result r;
    size_t at = 0;

    memset(out, 0, sizeof(*out));
    why[0] = '\0';
    out->apex = *apex;
    r = lookup_resolve(l, apex, RR_NS, LOOKUP_CD, &reply);
    while (reply != NULL && out->n_names < LOOKUP_NAMES_MAX &&
           (rec = lookup_next(reply, LOOKUP_ANSWER, apex, RR_NS, &at)) != NULL)
        out->names[out->n_names++] = rec->target;
    if (out->n_names == 0) {
        explain(l, why, why_cap, RR_NS, apex, r, reply);
        lookup_reply_free(reply);
        return r != LOOKUP_ANSWERED ? r : LOOKUP_FAILED;
    }
    lookup_reply_free(reply);
    for (size_t i = 0; i < out->n_names; i++) {
        struct addr addrs[LOOKUP_SERVERS_MAX];
        size_t n = 0;

        r = lookup_host(l, &out->names[i], addrs, ARRAY_LEN(addrs), &n);
        for (size_t k = 0; k < n; k++)
            lookup_add_server(out, i, &addrs[k]);
        if (r == LOOKUP_OUT_OF_TIME)
            break;
    }
    if (out->n_servers > 0)
        return LOOKUP_ANSWERED;
    if (r != LOOKUP_OUT_OF_TIME) {
        char name[NAME_TEXT_MAX];

        (void)snprintf(why, why_cap, "no name server of %s has an address", name_format(apex, name));
        return LOOKUP_FAILED;
    }
    return r;
}

enum lookup_result lookup_find_zone(struct lookup *l, const struct name *name, struct lookup_zone *out, char *why,
                                    size_t why_cap)
{
    struct name apex;
    enum lookup_result r = lookup_find_apex(l, name, &apex, why, why_cap);

    if (r == LOOKUP_ANSWERED)
        return lookup_find_servers(l, &apex, out, why, why_cap);
    memset(out, 0, sizeof(*out));
    return r;
}
