/* One zone of this server as the world finds it: what the parent says, what each own address answers, and what
 * comes through a resolver. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "cli/check_internal.h"

#define NODATA_TYPE            RR_HINFO /* hardly a zone has one at its apex */
#define PROBE_LABEL            "riposte-check-"
#define PROBE_RANDOM           8
#define TARGETS_MAX            LOOKUP_SERVERS_MAX
#define SYSTEM_RESOLVERS_ASKED 1

/* One address that the zone is served at. */
struct place {
    struct lookup_server at;
    const struct name *server;
};

struct zone_check {
    struct check *c;
    const struct check_own_zone *own;
    char apex[NAME_TEXT_MAX];
    const struct lookup_zone *parent;
    struct check_answers answers;
    size_t n_places;
    struct place places[TARGETS_MAX];
    struct name probe; /* a name that is not there */
};

/* ---- the parent ---- */

/* The parent's NS records of the zone, from the answer or the referral. */
static const struct lookup_record *next_ns(const struct zone_check *z, const struct lookup_reply *r, size_t *at)
{
    for (;;) {
        const struct lookup_record *rec = *at < r->n ? &r->record[(*at)++] : NULL;

        if (rec == NULL ||
            (rec->type == RR_NS && rec->section != LOOKUP_ADDITIONAL && name_equal(&rec->owner, &z->own->apex)))
            return rec;
    }
}

static const struct lookup_record *find_ns(const struct zone_check *z, const struct lookup_reply *r,
                                           const struct name *server)
{
    const struct lookup_record *rec;
    size_t at = 0;

    while ((rec = next_ns(z, r, &at)) != NULL) {
        if (name_equal(&rec->target, server))
            return rec;
    }
    return NULL;
}

static const struct check_own_server *find_own(const struct check_own_zone *own, const struct name *server)
{
    for (size_t i = 0; i < own->n_servers; i++) {
        if (name_equal(&own->servers[i].name, server))
            return &own->servers[i];
    }
    return NULL;
}

/* Finding something at one of the parent's servers stands for all of them; at how many is said. */
static size_t count_without(const struct zone_check *z, const struct name *server)
{
    size_t n = 0;

    for (size_t i = 0; i < z->answers.n; i++) {
        const struct lookup_reply *r = z->answers.items[i].reply;

        n += r != NULL && find_ns(z, r, server) == NULL;
    }
    return n;
}

static const struct check_answer *first_without(const struct zone_check *z, const struct name *server)
{
    for (size_t i = 0; i < z->answers.n; i++) {
        const struct lookup_reply *r = z->answers.items[i].reply;

        if (r != NULL && find_ns(z, r, server) == NULL)
            return &z->answers.items[i];
    }
    return NULL;
}

/* False: the parent has no delegation at all at one of its servers, which has been reported. */
static bool is_delegated(struct zone_check *z)
{
    char server[CHECK_SERVER_MAX], rcode[LOOKUP_RCODE_TEXT_MAX], parent[NAME_TEXT_MAX], ns[NAME_TEXT_MAX];

    for (size_t i = 0; i < z->answers.n; i++) {
        const struct check_answer *a = &z->answers.items[i];
        size_t at = 0;

        if (a->reply == NULL || next_ns(z, a->reply, &at) != NULL)
            continue;
        finding_fail(z->c->findings, "delegation", "parent %s: %s has no NS records for %s (%s)",
                     name_format(&z->parent->apex, parent), check_server_text(a->at, a->server, server), z->apex,
                     lookup_rcode_format(a->reply->rcode, rcode));
        finding_fix(z->c->findings, "add at %s's provider:  %s. IN NS %s.", parent, z->apex,
                    z->own->n_servers > 0 ? name_format(&z->own->servers[0].name, ns) : "...");
        check_see(z->c, a->at, &z->own->apex, RR_NS, LOOKUP_AUTO);
        return false;
    }
    return true;
}

/* Names that the configuration has and the parent does not. */
static bool report_missing_names(struct zone_check *z)
{
    char text[NAME_TEXT_MAX], parent[NAME_TEXT_MAX];
    bool is_fine = true;

    for (size_t i = 0; i < z->own->n_servers; i++) {
        const struct name *server = &z->own->servers[i].name;
        const struct check_answer *a = first_without(z, server);

        if (a == NULL)
            continue;
        is_fine = false;
        finding_fail(z->c->findings, "delegation", "parent %s: no NS %s at %zu of its %zu servers",
                     name_format(&z->parent->apex, parent), name_format(server, text), count_without(z, server),
                     z->answers.n_answered);
        finding_fix(z->c->findings, "add at %s's provider:  %s. IN NS %s.", parent, z->apex, text);
        check_see(z->c, a->at, &z->own->apex, RR_NS, LOOKUP_AUTO);
    }
    return is_fine;
}

/* Names that one of the parent's servers has and the configuration does not; those of the servers before it were
 * reported. */
static bool report_foreign_names(struct zone_check *z, size_t place)
{
    const struct check_answer *a = &z->answers.items[place];
    const struct lookup_record *rec;
    char text[NAME_TEXT_MAX], parent[NAME_TEXT_MAX];
    size_t at = 0;
    bool is_fine = true;

    while ((rec = next_ns(z, a->reply, &at)) != NULL) {
        bool was_reported = false;

        for (size_t i = 0; i < place; i++)
            was_reported = was_reported || (z->answers.items[i].reply != NULL &&
                                            find_ns(z, z->answers.items[i].reply, &rec->target) != NULL);
        if (find_own(z->own, &rec->target) != NULL)
            continue;
        is_fine = false;
        if (was_reported)
            continue;
        finding_fail(z->c->findings, "delegation", "parent %s: NS %s, which is not in the configuration",
                     name_format(&z->parent->apex, parent), name_format(&rec->target, text));
        finding_fix(z->c->findings,
                    "remove it at %s's provider, or name it under zones[].name-servers when it does serve the zone",
                    parent);
        check_see(z->c, a->at, &z->own->apex, RR_NS, LOOKUP_AUTO);
    }
    return is_fine;
}

static void report_delegation(struct zone_check *z)
{
    const struct lookup_record *rec = NULL;
    char list[DOMAIN_TEXT_MAX * 2] = "", parent[NAME_TEXT_MAX], text[NAME_TEXT_MAX], where[48];
    size_t len = 0;

    for (size_t i = 0; i < z->own->n_servers && len < sizeof(list); i++) {
        int n = snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "",
                         name_format(&z->own->servers[i].name, text));

        len += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < z->answers.n && rec == NULL; i++) {
        size_t at = 0;

        if (z->answers.items[i].reply != NULL)
            rec = next_ns(z, z->answers.items[i].reply, &at);
    }
    if (z->answers.n_answered == 1)
        (void)snprintf(where, sizeof(where), "its one server");
    else
        (void)snprintf(where, sizeof(where), "all %zu of its servers", z->answers.n_answered);
    finding_ok(z->c->findings, "delegation", "parent %s: NS %s at %s, TTL %u",
               name_format(&z->parent->apex, parent), list, where, rec != NULL ? (unsigned)rec->ttl_s : 0);
}

/* ---- glue ---- */

static bool is_own_address(const struct check_own_server *s, const struct addr *a)
{
    for (size_t i = 0; i < s->n_addrs; i++) {
        if (addr_equal(&s->addrs[i], a))
            return true;
    }
    return false;
}

static bool gives_address(const struct lookup_reply *r, const struct check_own_server *s, const struct addr *wanted)
{
    for (size_t i = 0; i < r->n; i++) {
        struct addr addr;

        if (name_equal(&r->record[i].owner, &s->name) && lookup_address(&r->record[i], &addr) == ERR_OK &&
            addr_equal(&addr, wanted))
            return true;
    }
    return false;
}

static bool gives_any(const struct lookup_reply *r, const struct check_own_server *s)
{
    for (size_t i = 0; i < r->n; i++) {
        struct addr addr;

        if (name_equal(&r->record[i].owner, &s->name) && lookup_address(&r->record[i], &addr) == ERR_OK)
            return true;
    }
    return false;
}

static const char *type_of(const struct addr *a)
{
    return a->family == ADDR_V4 ? "A" : "AAAA";
}

/* An address that the parent gives and that is not this server's. */
static void report_wrong_glue(struct zone_check *z, const struct check_answer *a, const struct check_own_server *s,
                              const struct addr *wrong)
{
    char name[NAME_TEXT_MAX], addr[ADDR_TEXT_MAX], own[ADDR_TEXT_MAX], parent[NAME_TEXT_MAX];

    finding_fail(z->c->findings, "glue", "glue: the parent gives %s %s %s; this server is %s",
                 name_format(&s->name, name), type_of(wrong), addr_format(wrong, addr),
                 s->n_addrs > 0 ? addr_format(&s->addrs[0], own) : "without an address in the configuration");
    finding_fix(z->c->findings,
                "authorities will ask a machine that is not this one: change the %s record of %s at %s's provider",
                type_of(wrong), name, name_format(&z->parent->apex, parent));
    check_see(z->c, a->at, &z->own->apex, RR_NS, LOOKUP_AUTO);
}

static void report_missing_glue(struct zone_check *z, const struct check_answer *a,
                                const struct check_own_server *s, const struct addr *wanted)
{
    char name[NAME_TEXT_MAX], addr[ADDR_TEXT_MAX], parent[NAME_TEXT_MAX], server[CHECK_SERVER_MAX];

    finding_fail(z->c->findings, "glue", "glue: %s does not give %s %s %s",
                 check_server_text(a->at, a->server, server), name_format(&s->name, name), type_of(wanted),
                 addr_format(wanted, addr));
    finding_fix(z->c->findings, "add at %s's provider:  %s. IN %s %s", name_format(&z->parent->apex, parent), name,
                type_of(wanted), addr);
    check_see(z->c, a->at, &z->own->apex, RR_NS, LOOKUP_AUTO);
}

/* The glue that one of the parent's servers gives for one name server. False: something was reported. */
static bool check_glue_of(struct zone_check *z, const struct check_answer *a, const struct check_own_server *s)
{
    size_t failures = z->c->findings->failures;

    for (size_t i = 0; i < a->reply->n; i++) {
        struct addr addr;

        if (name_equal(&a->reply->record[i].owner, &s->name) &&
            lookup_address(&a->reply->record[i], &addr) == ERR_OK && !is_own_address(s, &addr))
            report_wrong_glue(z, a, s, &addr);
    }
    for (size_t i = 0; i < s->n_addrs; i++) {
        bool is_replaced =
            failures != z->c->findings->failures && gives_any(a->reply, s); /* the wrong one was reported */

        if (!is_replaced && !gives_address(a->reply, s, &s->addrs[i]))
            report_missing_glue(z, a, s, &s->addrs[i]);
    }
    return failures == z->c->findings->failures;
}

static void check_glue(struct zone_check *z)
{
    size_t n = 0;

    for (size_t k = 0; k < z->own->n_servers; k++) {
        const struct check_own_server *s = &z->own->servers[k];
        bool is_fine = true;

        for (size_t i = 0; i < z->answers.n && is_fine; i++) {
            const struct check_answer *a = &z->answers.items[i];

            if (s->is_inside && a->reply != NULL && find_ns(z, a->reply, &s->name) != NULL)
                is_fine = check_glue_of(z, a, s);
        }
        n += s->is_inside && is_fine && first_without(z, &s->name) == NULL;
    }
    if (n > 0)
        finding_ok(z->c->findings, "glue",
                   "glue: the addresses of %zu name server%s at the parent are those of the configuration", n,
                   n == 1 ? "" : "s");
}

static void check_parent(struct zone_check *z)
{
    char why[CHECK_WHY_MAX];
    struct name above;
    bool is_fine;

    name_strip(&above, &z->own->apex, 1);
    z->parent = check_zone_of(z->c, &above, why);
    if (z->parent == NULL) {
        finding_fail(z->c->findings, "delegation", "the parent zone of %s cannot be found: %s", z->apex, why);
        finding_fix(z->c->findings, "does the zone above it exist, and does this machine's resolver work? Others "
                                    "are named in check.resolvers");
        return;
    }
    check_ask_all(z->c, "delegation", z->parent, &z->own->apex, RR_NS, LOOKUP_AUTO, LOOKUP_SERVERS_MAX,
                  &z->answers);
    if (z->answers.n_answered == 0) {
        char parent[NAME_TEXT_MAX];

        finding_fail(z->c->findings, "delegation", "parent %s: none of its servers answers",
                     name_format(&z->parent->apex, parent));
    } else if (is_delegated(z)) {
        is_fine = report_missing_names(z);
        for (size_t i = 0; i < z->answers.n; i++) {
            if (z->answers.items[i].reply != NULL)
                is_fine = report_foreign_names(z, i) && is_fine;
        }
        if (is_fine)
            report_delegation(z);
        check_glue(z);
    }
    check_answers_fini(&z->answers);
}

/* ---- own addresses ---- */

static void add_place(struct zone_check *z, const struct addr *a, const struct name *server)
{
    for (size_t i = 0; i < z->n_places; i++) {
        if (addr_equal(&z->places[i].at.addr, a))
            return;
    }
    if (z->n_places < TARGETS_MAX)
        z->places[z->n_places++] = (struct place){{*a, LOOKUP_PORT}, server};
}

static void find_places(struct zone_check *z)
{
    for (size_t i = 0; i < z->own->n_servers; i++) {
        const struct check_own_server *s = &z->own->servers[i];
        struct addr addrs[CHECK_ADDRESSES_MAX];
        char name[NAME_TEXT_MAX];
        enum lookup_result result;
        size_t n = 0;

        for (size_t k = 0; k < s->n_addrs; k++)
            add_place(z, &s->addrs[k], &s->name);
        if (s->is_inside)
            continue;
        result = lookup_host(&z->c->lookup, &s->name, addrs, CHECK_ADDRESSES_MAX, &n);
        for (size_t k = 0; k < n; k++)
            add_place(z, &addrs[k], &s->name);
        if (n == 0 && result != LOOKUP_ANSWERED) {
            finding_fail(z->c->findings, "delegation",
                         "the addresses of the name server %s cannot be found: the resolver %s",
                         name_format(&s->name, name), lookup_result_text(result));
        } else if (n == 0) {
            finding_fail(z->c->findings, "delegation", "the name server %s has no address",
                         name_format(&s->name, name));
            finding_fix(z->c->findings, "add its A or AAAA record where its zone is served");
        }
    }
}

static void report_no_answer(struct zone_check *z, const struct place *p, enum lookup_way way,
                             enum lookup_result result)
{
    char at[LOOKUP_SERVER_TEXT_MAX];

    (void)lookup_server_format(&p->at, at);
    if (result == LOOKUP_NO_ROUTE) {
        check_report_silence(z->c, "servers", &p->at, p->server, way, result, &z->own->apex, RR_SOA);
        return;
    }
    finding_fail(z->c->findings, "servers", "%s %s: %s", at, way == LOOKUP_TCP ? "TCP" : "UDP",
                 lookup_result_text(result));
    if (way == LOOKUP_TCP)
        finding_fix(z->c->findings, "answers over 512 or 1232 octets need TCP (from the 8th or 21st value on). "
                                    "Open TCP port 53, not only UDP");
    else
        finding_fix(z->c->findings, "open UDP port 53. When this machine cannot reach its own public address (a "
                                    "translation in front of it), "
                                    "ask from another one");
    check_see(z->c, &p->at, &z->own->apex, RR_SOA, way);
}

static const struct lookup_record *soa_of(const struct lookup_reply *r, enum lookup_section section,
                                          const struct name *apex)
{
    size_t at = 0;

    return lookup_next(r, section, apex, RR_SOA, &at);
}

/* The serial went on while we asked: what is between before and after is right. RFC 1982 is not needed for a few
 * seconds. */
static bool is_serial_here(struct zone_check *z, uint32_t before, uint32_t serial)
{
    uint32_t after = before;
    const struct check_source *source = &z->c->source;

    if (serial == before)
        return true;
    return source->serial(source->self, &z->own->apex, &after) && serial - before <= after - before;
}

static void check_soa(struct zone_check *z, const struct place *p, enum lookup_way way)
{
    const struct lookup_question q = {.name = z->own->apex, .type = RR_SOA, .way = way};
    const struct check_source *source = &z->c->source;
    struct lookup_reply *r = NULL;
    const struct lookup_record *soa;
    uint32_t here = 0;
    bool knows = source->serial != NULL && source->serial(source->self, &z->own->apex, &here);
    enum lookup_result result = lookup_ask(&z->c->lookup, &p->at, &q, &r);
    const char *word = way == LOOKUP_TCP ? "TCP" : "UDP";
    char at[LOOKUP_SERVER_TEXT_MAX], rcode[LOOKUP_RCODE_TEXT_MAX];

    (void)lookup_server_format(&p->at, at);
    if (r == NULL) {
        report_no_answer(z, p, way, result);
        return;
    }
    soa = soa_of(r, LOOKUP_ANSWER, &z->own->apex);
    if (soa == NULL || !r->aa) {
        finding_fail(z->c->findings, "servers", "%s %s: %s%s%s", at, word, lookup_rcode_format(r->rcode, rcode),
                     soa == NULL ? ", no SOA" : "", r->aa ? "" : ", and not as the authority (no AA)");
        finding_fix(z->c->findings, "is it this server that listens there? riposte status shows where it does");
        check_see(z->c, &p->at, &z->own->apex, RR_SOA, way);
    } else if (knows && !is_serial_here(z, here, soa->serial)) {
        finding_fail(z->c->findings, "servers", "%s %s: SOA serial %u, but this server has %u", at, word,
                     (unsigned)soa->serial, (unsigned)here);
        finding_fix(z->c->findings, "another server answers at that address, or an old one");
        check_see(z->c, &p->at, &z->own->apex, RR_SOA, way);
    } else {
        finding_ok(z->c->findings, "servers", "%s %s: AA, SOA serial %u%s", at, word, (unsigned)soa->serial,
                   knows ? ", same as here" : "");
    }
    lookup_reply_free(r);
}

/* An answer that there is nothing: its RCODE, and the SOA, without which resolvers take it for broken (RFC 2308
 * section 2). */
static void check_nothing(struct zone_check *z, const struct place *p, const struct name *name, uint16_t type,
                          uint16_t rcode, bool *is_fine)
{
    const struct lookup_question q = {.name = *name, .type = type, .way = LOOKUP_AUTO};
    struct lookup_reply *r = NULL;
    char at[LOOKUP_SERVER_TEXT_MAX], got[LOOKUP_RCODE_TEXT_MAX], wanted[LOOKUP_RCODE_TEXT_MAX];
    size_t pos = 0;

    if (lookup_ask(&z->c->lookup, &p->at, &q, &r) != LOOKUP_ANSWERED) {
        *is_fine = false; /* reported with the SOA */
        return;
    }
    if (r->rcode == rcode && r->aa &&
        (soa_of(r, LOOKUP_AUTHORITY, &z->own->apex) != NULL ||
         lookup_next(r, LOOKUP_ANSWER, NULL, RR_ANY, &pos) != NULL)) {
        lookup_reply_free(r);
        return;
    }
    *is_fine = false;
    finding_fail(z->c->findings, "servers", "%s: %s with the SOA is wanted for %s; it says %s%s",
                 lookup_server_format(&p->at, at), lookup_rcode_format(rcode, wanted),
                 rcode == RCODE_NXDOMAIN ? "a name that is not there" : "a type that is not there",
                 lookup_rcode_format(r->rcode, got),
                 soa_of(r, LOOKUP_AUTHORITY, &z->own->apex) == NULL ? " without it" : "");
    check_see(z->c, &p->at, name, type, LOOKUP_AUTO);
    lookup_reply_free(r);
}

static void check_places(struct zone_check *z)
{
    bool is_fine = true;
    char at[LOOKUP_SERVER_TEXT_MAX];

    for (size_t i = 0; i < z->n_places; i++) {
        const struct place *p = &z->places[i];

        check_progress(z->c, "%s, address %zu of %zu", z->apex, i + 1, z->n_places);
        check_soa(z, p, LOOKUP_UDP);
        check_soa(z, p, LOOKUP_TCP);
        check_nothing(z, p, &z->own->apex, NODATA_TYPE, RCODE_NOERROR, &is_fine);
        check_nothing(z, p, &z->probe, RR_TXT, RCODE_NXDOMAIN, &is_fine);
        if (addr_is_private(&p->at.addr))
            finding_note(z->c->findings, "servers", "%s is no public address: no authority on the internet asks it",
                         lookup_server_format(&p->at, at));
    }
    if (is_fine && z->n_places > 0)
        finding_ok(z->c->findings, "servers", "NODATA and NXDOMAIN carry the SOA");
}

/* ---- through resolvers ---- */

/* False: not as it should be, which has been reported. */
static bool ask_resolver(struct zone_check *z, const struct lookup_server *resolver, const struct name *name,
                         uint16_t type)
{
    const struct lookup_question q = {.name = *name, .type = type, .way = LOOKUP_AUTO, .flags = LOOKUP_RD};
    struct lookup_reply *r = NULL;
    enum lookup_result result = lookup_ask(&z->c->lookup, resolver, &q, &r);
    char at[LOOKUP_SERVER_TEXT_MAX], rcode[LOOKUP_RCODE_TEXT_MAX], text[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    bool is_good = r != NULL && (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN);

    (void)lookup_server_format(resolver, at);
    (void)name_format(name, text);
    (void)rr_type_format(type, type_text);
    if (r == NULL) {
        finding_note(z->c->findings, "resolver", "the resolver %s %s: nothing was looked at through it", at,
                     lookup_result_text(result));
    } else if (!is_good) {
        finding_fail(z->c->findings, "resolver", "the resolver %s says %s for %s %s", at,
                     lookup_rcode_format(r->rcode, rcode), text, type_text);
        finding_fix(z->c->findings, "an authority's resolver will most likely get no further; when all else here "
                                    "is right, look at DNSSEC: a DS "
                                    "record at the parent must not be there, since the zone is not signed");
        finding_see(z->c->findings, "dig @%s %s %s", at, text, type_text);
    } else if (soa_of(r, LOOKUP_AUTHORITY, &z->own->apex) == NULL && type == RR_TXT) {
        finding_note(z->c->findings, "resolver", "the resolver %s passes NXDOMAIN on without the SOA, as some do",
                     at);
        is_good = false;
    }
    lookup_reply_free(r);
    return is_good;
}

static void check_resolvers(struct zone_check *z)
{
    size_t n = z->c->has_resolvers ? z->c->lookup.n_resolvers : SYSTEM_RESOLVERS_ASKED;
    char at[LOOKUP_SERVER_TEXT_MAX];

    for (size_t i = 0; i < n && i < z->c->lookup.n_resolvers; i++) {
        const struct lookup_server *resolver = &z->c->lookup.resolvers[i];

        check_progress(z->c, "through the resolver %s", lookup_server_format(resolver, at));
        if (ask_resolver(z, resolver, &z->own->apex, NODATA_TYPE) && ask_resolver(z, resolver, &z->probe, RR_TXT))
            finding_ok(z->c->findings, "resolver", "NODATA and NXDOMAIN carry the SOA through the resolver %s", at);
    }
}

/* ---- the whole ---- */

static bool make_probe(struct zone_check *z)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[PROBE_RANDOM];
    char label[sizeof(PROBE_LABEL) + 2 * PROBE_RANDOM] = PROBE_LABEL;
    size_t len = strlen(PROBE_LABEL);

    if (crypto_random(random, sizeof(random)) != ERR_OK)
        return false;
    for (size_t i = 0; i < sizeof(random); i++) {
        label[len++] = digits[random[i] >> 4];
        label[len++] = digits[random[i] & 15];
    }
    return name_prepend(&z->probe, label, len, &z->own->apex) == ERR_OK;
}

void check_zone(struct check *c, const struct check_own_zone *zone)
{
    struct zone_check *z = calloc(1, sizeof(*z));

    if (z == NULL) {
        c->findings->err = ERR_MEMORY;
        return;
    }
    *z = (struct zone_check){.c = c, .own = zone};
    (void)name_format(&zone->apex, z->apex);
    if (make_probe(z)) {
        check_parent(z);
        find_places(z);
        check_places(z);
        check_resolvers(z);
        if (zone->n_servers < 2 || z->n_places < 2)
            finding_note(
                c->findings, "servers",
                "one name server only: while it is down, no certificate can be had; a second one is recommended");
        check_report_unreachable(c);
        finding_note(c->findings, "reach",
                     "asked from this machine: a firewall in front of it can look different from outside");
    } else {
        finding_fail(c->findings, "servers", "%s: there is no randomness, or no room for a label below it",
                     z->apex);
    }
    free(z);
}
