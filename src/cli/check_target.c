/* What there is at the name where the CNAMEs end, and that every server address says the same of it, over UDP and
 * TCP. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check_internal.h"

#define RECORDS_MAX LOOKUP_RECORDS_MAX
#define SETTLED_S   5 /* an authority has had this long to ask */
#define ROUNDS      2 /* a value that comes or goes meanwhile must not look like a difference */
#define AGE_MAX     32

/* ---- the state ---- */

static const char *age_text(int64_t then_s, char out[AGE_MAX])
{
    long long s = (long long)(clock_real_s(&clock_system) - then_s);

    if (s < 0)
        s = 0;
    if (s < 120)
        (void)snprintf(out, AGE_MAX, "%lld s", s);
    else if (s < 7200)
        (void)snprintf(out, AGE_MAX, "%lld min", s / 60);
    else
        (void)snprintf(out, AGE_MAX, "%lld h", s / 3600);
    return out;
}

static void report_values(struct check *c, const char *target, const struct check_fact *fact)
{
    char age[AGE_MAX];

    if (fact->n_values == 0) {
        finding_ok(c->findings, "target", "%s is served here; no value at present, as always between two renewals",
                   target);
        return;
    }
    finding_ok(c->findings, "target", "%s is served here; %zu live value%s, the newest %s old%s%s", target,
               fact->n_values, fact->n_values == 1 ? "" : "s", age_text(fact->newest_s, age),
               fact->newest_by[0] != '\0' ? ", added by " : "", fact->newest_by);
    if (!fact->is_traced || clock_real_s(&clock_system) - fact->newest_s < SETTLED_S)
        return;
    if (fact->questions > 0) {
        finding_ok(c->findings, "trace", "TXT was asked %llu time%s since then: riposte trace %s",
                   (unsigned long long)fact->questions, fact->questions == 1 ? "" : "s", target);
        return;
    }
    finding_note(c->findings, "trace", "nobody asked at all since the newest value came");
    finding_fix(
        c->findings,
        "if an authority refused meanwhile, it never got here: then it is the delegation, the glue, a firewall or "
        "CAA, never the value");
    finding_see(c->findings, "riposte trace %s", target);
}

static void report_state(struct check *c, const struct check_chain *chain, const struct check_fact *fact)
{
    char target[NAME_TEXT_MAX];

    (void)name_format(&chain->target, target);
    switch (fact->knowledge) {
    case CHECK_FOUND:
        report_values(c, target, fact);
        break;
    case CHECK_MISSING:
        finding_fail(c->findings, "target",
                     "%s lies in a zone of this server, but there is no such name: never made, or retired", target);
        finding_fix(c->findings, "riposte name list shows those that there are; riposte name create makes one");
        break;
    case CHECK_UNKNOWN:
        finding_note(c->findings, "target", "%s: the server could not be asked what it holds there", target);
        break;
    }
}

/* What is known of the target; when the domain is declared at another name, that is the mistake. */
static struct check_fact fact_of(struct check *c, const char *domain, const struct check_chain *chain,
                                 const struct check_fact *declared)
{
    struct check_fact fact = {.knowledge = CHECK_UNKNOWN};
    char target[NAME_TEXT_MAX], wanted[NAME_TEXT_MAX];

    if (declared->knowledge == CHECK_FOUND) {
        bool is_alias = false;

        for (size_t i = 0; i < declared->n_aliases; i++)
            is_alias = is_alias || name_equal(&declared->aliases[i], &chain->target);
        if (is_alias || name_equal(&declared->name, &chain->target))
            return *declared;
        finding_fail(c->findings, "target", "_acme-challenge.%s leads to %s, but the name for this domain is %s",
                     domain, name_format(&chain->target, target), name_format(&declared->name, wanted));
        finding_fix(c->findings, "point the CNAME at %s, or tell the server: riposte name set %s --domain +%s",
                    wanted, target, domain);
    }
    if (c->source.look != NULL)
        c->source.look(c->source.self, name_format(&chain->target, target), &fact);
    return fact;
}

/* ---- the same everywhere ---- */

struct same {
    struct check *c;
    const struct check_chain *chain;
    const struct lookup_zone *zone;
    struct check_answers udp, tcp;
    const struct check_answer *reference;
    bool is_last_round;
    bool is_fine;
};

static size_t count_txt(const struct lookup_reply *r, const struct name *name)
{
    size_t at = 0, n = 0;

    while (lookup_next(r, LOOKUP_ANSWER, name, RR_TXT, &at) != NULL)
        n++;
    return n;
}

static bool has_txt(const struct lookup_reply *r, const struct name *name, const struct lookup_record *one)
{
    const struct lookup_record *rec;
    size_t at = 0;

    while ((rec = lookup_next(r, LOOKUP_ANSWER, name, RR_TXT, &at)) != NULL) {
        if (rec->rdata_len == one->rdata_len && memcmp(rec->rdata, one->rdata, one->rdata_len) == 0)
            return true;
    }
    return false;
}

static bool sets_are_same(const struct lookup_reply *a, const struct lookup_reply *b, const struct name *name)
{
    const struct lookup_record *rec;
    size_t at = 0;

    if (a->rcode != b->rcode || count_txt(a, name) != count_txt(b, name))
        return false;
    while ((rec = lookup_next(a, LOOKUP_ANSWER, name, RR_TXT, &at)) != NULL) {
        if (!has_txt(b, name, rec))
            return false;
    }
    return true;
}

static void report_bad(struct same *s, const struct check_answer *a, enum lookup_way way)
{
    char server[CHECK_SERVER_MAX], rcode[LOOKUP_RCODE_TEXT_MAX], name[NAME_TEXT_MAX];

    finding_fail(s->c->findings, "servers", "%s over %s answers %s for %s%s",
                 check_server_text(a->at, a->server, server), way == LOOKUP_TCP ? "TCP" : "UDP",
                 lookup_rcode_format(a->reply->rcode, rcode), name_format(&s->chain->target, name),
                 a->reply->aa ? "" : ", and not as the authority (no AA)");
    finding_fix(s->c->findings,
                "is that address this server's? riposte check zone compares the delegation with the configuration");
    check_see(s->c, a->at, &s->chain->target, RR_TXT, way);
}

/* One answer against the reference. */
static void compare(struct same *s, const struct check_answer *a, enum lookup_way way)
{
    char server[CHECK_SERVER_MAX], first[CHECK_SERVER_MAX];
    const struct lookup_reply *r = a->reply;

    if (r == NULL) {
        s->is_fine = s->is_fine && a->result == LOOKUP_NO_ROUTE;
        return;
    }
    if (!r->aa || (r->rcode != RCODE_NOERROR && r->rcode != RCODE_NXDOMAIN)) {
        if (s->is_last_round)
            report_bad(s, a, way);
        s->is_fine = false;
        return;
    }
    if (s->reference == NULL && !r->tc)
        s->reference = a;
    if (s->reference == NULL || r->tc || sets_are_same(r, s->reference->reply, &s->chain->target))
        return;
    s->is_fine = false;
    if (!s->is_last_round)
        return;
    finding_fail(s->c->findings, "servers", "%s over %s answers %zu values, %s answers %zu: not the same ones",
                 check_server_text(a->at, a->server, server), way == LOOKUP_TCP ? "TCP" : "UDP",
                 count_txt(r, &s->chain->target), check_server_text(s->reference->at, s->reference->server, first),
                 count_txt(s->reference->reply, &s->chain->target));
    finding_fix(s->c->findings,
                "an authority asks from several places and needs the same from each server: take the one that is "
                "behind, or not this server at all, out of the NS records");
    check_see(s->c, a->at, &s->chain->target, RR_TXT, way);
}

/* What the world is told against what there is. */
static void compare_with_state(struct same *s, const struct check_fact *fact)
{
    char server[CHECK_SERVER_MAX], target[NAME_TEXT_MAX];
    size_t n;

    if (s->reference == NULL || fact->knowledge != CHECK_FOUND)
        return;
    n = count_txt(s->reference->reply, &s->chain->target);
    if (n == fact->n_values && s->reference->reply->rcode == RCODE_NOERROR)
        return;
    s->is_fine = false;
    if (!s->is_last_round)
        return;
    finding_fail(s->c->findings, "servers", "%s answers %s for %s, but this server holds %zu value%s there",
                 check_server_text(s->reference->at, s->reference->server, server),
                 s->reference->reply->rcode == RCODE_NXDOMAIN ? "that there is no such name" : "with other values",
                 name_format(&s->chain->target, target), fact->n_values, fact->n_values == 1 ? "" : "s");
    finding_fix(s->c->findings, "the delegation leads to another machine than this one: riposte check zone");
    check_see(s->c, s->reference->at, &s->chain->target, RR_TXT, LOOKUP_TCP);
}

static void compare_round(struct same *s, const struct check_fact *fact)
{
    check_ask_all(s->c, "servers", s->zone, &s->chain->target, RR_TXT, LOOKUP_UDP, LOOKUP_SERVERS_MAX, &s->udp);
    check_ask_all(s->c, "servers", s->zone, &s->chain->target, RR_TXT, LOOKUP_TCP, LOOKUP_SERVERS_MAX, &s->tcp);
    s->reference = NULL;
    s->is_fine = true;
    for (size_t i = 0; i < s->tcp.n; i++)
        compare(s, &s->tcp.items[i], LOOKUP_TCP);
    for (size_t i = 0; i < s->udp.n; i++)
        compare(s, &s->udp.items[i], LOOKUP_UDP);
    compare_with_state(s, fact);
}

static void report_same(const struct same *s)
{
    size_t n = s->udp.n_answered < s->tcp.n_answered ? s->udp.n_answered : s->tcp.n_answered;

    if (s->is_fine && n > 0)
        finding_ok(s->c->findings, "servers",
                   "every name server address answers the same over UDP and TCP (%zu address%s)", n,
                   n == 1 ? "" : "es");
    else if (s->is_fine)
        finding_fail(s->c->findings, "servers", "no name server address could be asked from this machine");
    for (size_t i = 0; i < s->udp.n; i++) {
        const struct check_answer *a = &s->udp.items[i];
        char server[CHECK_SERVER_MAX];

        if (a->reply != NULL && !a->reply->case_kept)
            finding_note(s->c->findings, "servers",
                         "%s does not keep the case of the question (0x20); resolvers of authorities then ask "
                         "again and compare",
                         check_server_text(a->at, a->server, server));
    }
}

/* What the configuration has belongs to it as well: it is in the glue, be it in the zone itself or not. */
static void add_own(struct lookup_zone *zone, const struct check_own_zone *own)
{
    for (size_t i = 0; i < own->n_servers; i++) {
        size_t place = 0;

        while (place < zone->n_names && !name_equal(&zone->names[place], &own->servers[i].name))
            place++;
        if (place == LOOKUP_NAMES_MAX)
            continue;
        if (place == zone->n_names)
            zone->names[zone->n_names++] = own->servers[i].name;
        for (size_t k = 0; k < own->servers[i].n_addrs; k++)
            lookup_add_server(zone, place, &own->servers[i].addrs[k]);
    }
}

/* The servers to compare, as the world finds them, and our own ones. False: there are none. */
static bool find_servers(struct check *c, const struct check_chain *chain, const struct check_own_zone *own,
                         struct lookup_zone *out)
{
    char why[CHECK_WHY_MAX], text[NAME_TEXT_MAX];
    const struct lookup_zone *found =
        own != NULL ? check_servers(c, &own->apex, why) : check_zone_of(c, &chain->target, why);

    memset(out, 0, sizeof(*out));
    if (found != NULL) {
        *out = *found;
    } else {
        finding_fail(c->findings, "servers", "the servers for %s cannot be found: %s",
                     name_format(own != NULL ? &own->apex : &chain->target, text), why);
        finding_fix(c->findings, "the delegation of the zone is not right: riposte check zone");
    }
    if (own != NULL)
        add_own(out, own);
    return out->n_servers > 0;
}

static void check_same(struct check *c, const struct check_chain *chain, struct check_fact *fact)
{
    const struct check_own_zone *own = check_here_zone(c->here, &chain->target);
    struct same s = {.c = c, .chain = chain};
    char text[NAME_TEXT_MAX];
    struct lookup_zone zone;

    if (!find_servers(c, chain, own, &zone))
        return;
    s.zone = &zone;
    for (unsigned round = 1; round <= ROUNDS && !s.is_fine; round++) {
        check_answers_fini(&s.udp);
        check_answers_fini(&s.tcp);
        s.is_last_round = round == ROUNDS;
        if (round > 1 && fact->knowledge == CHECK_FOUND)
            c->source.look(c->source.self, name_format(&fact->name, text), fact);
        compare_round(&s, fact);
    }
    report_same(&s);
    check_answers_fini(&s.udp);
    check_answers_fini(&s.tcp);
}

void check_target(struct check *c, const char *domain, const struct check_chain *chain,
                  const struct check_fact *declared)
{
    struct check_fact fact = fact_of(c, domain, chain, declared);

    if (chain->is_here || fact.knowledge == CHECK_FOUND)
        report_state(c, chain, &fact);
    check_same(c, chain, &fact);
}
