/* From _acme-challenge.DOMAIN along its CNAMEs to the name where the value must be, as every authoritative server
 * on the way tells it. */
#include <stdlib.h>
#include <string.h>

#include "cli/check_internal.h"

#define HOPS_MAX   10 /* Unbound, which Let's Encrypt uses, follows 11 (max-query-restarts) */
#define TXT_SHOWN  60
#define DETAIL_MAX 400

enum hop_kind { HOP_CNAME, HOP_TXT, HOP_EMPTY, HOP_NXDOMAIN, HOP_REFERRAL, HOP_LAME, HOP_ERROR };

/* What one server says of a name. */
struct hop_view {
    enum hop_kind kind;
    const struct lookup_record *record; /* of CNAME, TXT and referral (an NS) */
    uint16_t rcode;
};

static struct hop_view view_of(const struct lookup_reply *r, const struct name *name)
{
    struct hop_view v = {.kind = HOP_EMPTY, .rcode = r->rcode};
    size_t at = 0;

    if (r->rcode != RCODE_NOERROR && r->rcode != RCODE_NXDOMAIN) {
        v.kind = HOP_ERROR;
        return v;
    }
    if (!r->aa) {
        v.record = lookup_next(r, LOOKUP_AUTHORITY, NULL, RR_NS, &at);
        v.kind = v.record != NULL && name_is_at_or_below(name, &v.record->owner) ? HOP_REFERRAL : HOP_LAME;
        return v;
    }
    v.record = lookup_next(r, LOOKUP_ANSWER, name, RR_CNAME, &at);
    if (v.record != NULL) {
        v.kind = HOP_CNAME;
        return v;
    }
    at = 0;
    v.record = lookup_next(r, LOOKUP_ANSWER, name, RR_TXT, &at);
    if (v.record != NULL)
        v.kind = HOP_TXT;
    else if (r->rcode == RCODE_NXDOMAIN)
        v.kind = HOP_NXDOMAIN;
    return v;
}

static bool views_agree(const struct hop_view *a, const struct hop_view *b)
{
    if (a->kind != b->kind || a->rcode != b->rcode)
        return false;
    return a->kind != HOP_CNAME || name_equal(&a->record->target, &b->record->target);
}

/* "CNAME x, TTL 300", "TXT \"old\", TTL 3600", "no such name (NXDOMAIN)". Returns out. */
static const char *describe(const struct hop_view *v, char out[DETAIL_MAX])
{
    char name[NAME_TEXT_MAX], rcode[LOOKUP_RCODE_TEXT_MAX], txt[TXT_SHOWN * 5];
    size_t len = 0;

    switch (v->kind) {
    case HOP_CNAME:
        (void)snprintf(out, DETAIL_MAX, "CNAME %.300s, TTL %u", name_format(&v->record->target, name),
                       (unsigned)v->record->ttl_s);
        break;
    case HOP_TXT:
        if (!lookup_txt(v->record, txt, sizeof(txt), &len))
            len = 0;
        (void)snprintf(out, DETAIL_MAX, "TXT \"%.*s\"%s, TTL %u", (int)(len > TXT_SHOWN ? TXT_SHOWN : len), txt,
                       len > TXT_SHOWN ? "..." : "", (unsigned)v->record->ttl_s);
        break;
    case HOP_EMPTY:
        (void)snprintf(out, DETAIL_MAX, "nothing (NODATA)");
        break;
    case HOP_NXDOMAIN:
        (void)snprintf(out, DETAIL_MAX, "no such name (NXDOMAIN)");
        break;
    case HOP_REFERRAL:
        (void)snprintf(out, DETAIL_MAX, "a referral to %.300s", name_format(&v->record->target, name));
        break;
    case HOP_LAME:
        (void)snprintf(out, DETAIL_MAX, "an answer that is not authoritative (no AA)");
        break;
    case HOP_ERROR:
        (void)snprintf(out, DETAIL_MAX, "%s", lookup_rcode_format(v->rcode, rcode));
        break;
    }
    return out;
}

/* ---- one step ---- */

struct step {
    struct check *c;
    const char *domain;
    const struct check_fact *declared;
    struct check_chain *chain;
    const struct lookup_zone *zone;
    struct check_answers answers;
    struct hop_view views[LOOKUP_SERVERS_MAX]; /* by place in answers; of those that answered */
    size_t best;                               /* place of the view that counts */
    size_t n_agree;
};

/* What speaks for a view when as many servers have another one. */
static unsigned merit(const struct step *s, const struct hop_view *v)
{
    if (v->kind != HOP_CNAME)
        return 0;
    return s->declared->knowledge == CHECK_FOUND && name_equal(&v->record->target, &s->declared->name) ? 2 : 1;
}

/* The view that most servers have. False: none has answered. */
static bool find_best(struct step *s)
{
    bool found = false;

    s->n_agree = 0;
    for (size_t i = 0; i < s->answers.n; i++) {
        size_t n = 0;

        if (s->answers.items[i].reply == NULL)
            continue;
        for (size_t k = 0; k < s->answers.n; k++)
            n += s->answers.items[k].reply != NULL && views_agree(&s->views[i], &s->views[k]);
        if (!found || n > s->n_agree ||
            (n == s->n_agree && merit(s, &s->views[i]) > merit(s, &s->views[s->best]))) {
            s->best = i;
            s->n_agree = n;
        }
        found = true;
    }
    return found;
}

static void report_differences(struct step *s, const struct name *name)
{
    char server[CHECK_SERVER_MAX], one[DETAIL_MAX], others[DETAIL_MAX], text[NAME_TEXT_MAX];

    for (size_t i = 0; i < s->answers.n; i++) {
        const struct check_answer *a = &s->answers.items[i];

        if (a->reply == NULL || views_agree(&s->views[i], &s->views[s->best]))
            continue;
        finding_fail(s->c->findings, "cname", "%s differs for %s: %s; the other%s: %s",
                     check_server_text(a->at, a->server, server), name_format(name, text),
                     describe(&s->views[i], one), s->n_agree > 1 ? "s say" : " says",
                     describe(&s->views[s->best], others));
        finding_fix(s->c->findings,
                    "each server of the zone has to say the same: look whether the zone's transfer to this "
                    "one works, and wait until it is up to date");
        check_see(s->c, a->at, name, RR_TXT, LOOKUP_AUTO);
    }
}

/* What the record must be: "add _acme-challenge.D. IN CNAME x". */
static void put_wanted(struct step *s, const char *before, const struct name *name)
{
    char text[NAME_TEXT_MAX], target[NAME_TEXT_MAX];

    if (s->declared->knowledge == CHECK_FOUND)
        finding_fix(s->c->findings, "%sadd at the provider of %s:  %s. IN CNAME %s.", before, s->domain,
                    name_format(name, text), name_format(&s->declared->name, target));
    else
        finding_fix(
            s->c->findings,
            "%sadd the CNAME at the provider of %s; riposte name create --domain %s says where it has to point",
            before, s->domain, s->domain);
}

/* The name where there is no CNAME. */
static void report_no_cname(struct step *s, const struct name *name)
{
    const struct hop_view *v = &s->views[s->best];
    const struct check_answer *a = &s->answers.items[s->best];
    char text[NAME_TEXT_MAX], server[CHECK_SERVER_MAX], detail[DETAIL_MAX];

    finding_fail(s->c->findings, "cname", "%s has no CNAME: %s answers %s", name_format(name, text),
                 check_server_text(a->at, a->server, server), describe(v, detail));
    if (v->kind == HOP_TXT)
        put_wanted(
            s,
            "a TXT record stands where the CNAME must be; some providers hide it in their panel. Remove it, then ",
            name);
    else if (v->kind == HOP_REFERRAL)
        finding_fix(s->c->findings,
                    "the name is delegated to servers that do not answer for it: mend them, or put a CNAME in "
                    "the place of the NS records");
    else if (v->kind == HOP_LAME || v->kind == HOP_ERROR)
        finding_fix(s->c->findings,
                    "the server is named in the NS records, but does not answer for the zone: mend it, or take "
                    "it out of the NS records");
    else
        put_wanted(s, "", name);
    check_see(s->c, a->at, name, RR_TXT, LOOKUP_AUTO);
}

/* The CNAMEs end at a name that is not of this server, or of which that cannot be told. */
static void report_end(struct step *s)
{
    const struct check_answer *a = &s->answers.items[s->best];
    const struct name *end = &s->chain->target;
    char text[NAME_TEXT_MAX], server[CHECK_SERVER_MAX], detail[DETAIL_MAX];

    (void)describe(&s->views[s->best], detail);
    if (!s->c->here->is_known && s->declared->knowledge != CHECK_FOUND) {
        finding_note(s->c->findings, "cname",
                     "%s: whether that is the right name cannot be told from here; %s answers %s",
                     name_format(end, text), check_server_text(a->at, a->server, server), detail);
        return;
    }
    finding_fail(s->c->findings, "cname", "the CNAME ends at %s, which is no name of this server: %s answers %s",
                 name_format(end, text), check_server_text(a->at, a->server, server), detail);
    put_wanted(s, "in its place ", &s->chain->name);
    check_see(s->c, a->at, end, RR_TXT, LOOKUP_AUTO);
}

/* ---- the chain ---- */

static bool is_alias(const struct check_fact *declared, const struct name *name)
{
    for (size_t i = 0; i < declared->n_aliases; i++) {
        if (name_is_at_or_below(name, &declared->aliases[i]))
            return true;
    }
    return false;
}

/* Is this where the chain ends: in a zone of this server, or at an alias? */
static bool ends_here(const struct check *c, const struct check_fact *declared, const struct name *name)
{
    return check_here_zone(c->here, name) != NULL || is_alias(declared, name) ||
           (declared->knowledge == CHECK_FOUND && name_equal(name, &declared->name));
}

/* Ask all servers about the name. True: *next is where its CNAME points. */
static bool take_step(struct step *s, const struct name *name, struct name *next)
{
    char why[CHECK_WHY_MAX], text[NAME_TEXT_MAX];
    bool has_next = false;

    s->zone = check_zone_of(s->c, name, why);
    if (s->zone == NULL) {
        finding_fail(s->c->findings, "cname", "the servers of %s cannot be found: %s", name_format(name, text),
                     why);
        finding_fix(s->c->findings,
                    "an authority will not find them either, unless it is the resolver of this machine that is "
                    "at fault: name others in check.resolvers");
        return false;
    }
    check_ask_all(s->c, "cname", s->zone, name, RR_TXT, LOOKUP_AUTO, LOOKUP_SERVERS_MAX, &s->answers);
    for (size_t i = 0; i < s->answers.n; i++) {
        if (s->answers.items[i].reply != NULL)
            s->views[i] = view_of(s->answers.items[i].reply, name);
    }
    if (find_best(s)) {
        report_differences(s, name);
        has_next = s->views[s->best].kind == HOP_CNAME;
        if (has_next)
            *next = s->views[s->best].record->target;
        else if (s->chain->hops > 0)
            report_end(s);
        else
            report_no_cname(s, name);
    } else if (s->c->n_unreachable > 0) {
        finding_fail(s->c->findings, "cname", "no server of %s could be asked from this machine",
                     name_format(name, text));
    }
    return has_next;
}

struct trail {
    struct name seen[HOPS_MAX + 1];
    unsigned n;
};

static bool was_seen(const struct trail *t, const struct name *name)
{
    for (unsigned i = 0; i < t->n; i++) {
        if (name_equal(&t->seen[i], name))
            return true;
    }
    return false;
}

/* The good news: "_acme-challenge.D -> CNAME x, one hop, TTL 300, same at 4 of 4 servers". */
static void report_hop(struct step *s, const struct name *name, unsigned hop)
{
    char text[NAME_TEXT_MAX], detail[DETAIL_MAX];

    finding_ok(s->c->findings, "cname", "%s -> %s, %s, same at %zu of %zu server address%s",
               name_format(name, text), describe(&s->views[s->best], detail), hop == 1 ? "one hop" : "one hop more",
               s->n_agree, s->zone->n_servers, s->zone->n_servers == 1 ? "" : "es");
}

/* One hop from out->target. False: the chain ends here, one way or the other. */
static bool hop(struct step *s, struct check_chain *out, struct trail *trail)
{
    struct name next = {.len = 0};
    char text[NAME_TEXT_MAX];
    bool goes_on = take_step(s, &out->target, &next);

    if (goes_on) {
        out->hops++;
        report_hop(s, &out->target, out->hops);
        trail->seen[trail->n++] = out->target;
    }
    check_answers_fini(&s->answers);
    if (!goes_on) {
        if (out->hops == 0 || s->c->here->is_known || s->declared->knowledge == CHECK_FOUND)
            out->target.len = 0; /* else it is the end, for all that can be told */
        return false;
    }
    out->target = next;
    if (was_seen(trail, &next)) {
        finding_fail(s->c->findings, "cname", "the CNAMEs lead in a circle, back to %s", name_format(&next, text));
        finding_fix(s->c->findings, "_acme-challenge.%s has to lead to a name of this server, best directly",
                    s->domain);
        out->target.len = 0;
        return false;
    }
    if (out->hops == HOPS_MAX) {
        finding_fail(s->c->findings, "cname",
                     "there are more than %d CNAMEs one after the other; resolvers give up", HOPS_MAX);
        finding_fix(s->c->findings, "let _acme-challenge.%s lead to a name of this server directly", s->domain);
        out->target.len = 0;
        return false;
    }
    return true;
}

/* Without a configuration at hand, a name that the server knows is one of its own. */
static bool is_known_there(struct check *c, const struct name *name)
{
    struct check_fact fact = {.knowledge = CHECK_UNKNOWN};
    char text[NAME_TEXT_MAX];

    if (c->here->is_known || c->source.look == NULL)
        return false;
    c->source.look(c->source.self, name_format(name, text), &fact);
    return fact.knowledge == CHECK_FOUND;
}

void check_follow(struct check *c, const char *domain, const struct check_fact *declared, struct check_chain *out)
{
    struct step *s = calloc(1, sizeof(*s));
    struct trail *trail = calloc(1, sizeof(*trail));

    out->target = out->name;
    out->hops = 0;
    out->is_here = ends_here(c, declared, &out->name);
    if (s == NULL || trail == NULL) {
        c->findings->err = ERR_MEMORY;
        out->target.len = 0;
    } else {
        *s = (struct step){.c = c, .domain = domain, .declared = declared, .chain = out};
        while (!out->is_here && hop(s, out, trail))
            out->is_here = ends_here(c, declared, &out->target) || is_known_there(c, &out->target);
    }
    if (out->is_here && out->hops > 1)
        finding_note(c->findings, "cname", "%u CNAMEs one after the other; one is best, since each can fail",
                     out->hops);
    free(s);
    free(trail);
}
