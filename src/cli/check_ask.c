/* Asking all servers of a zone, and what is the same for every such question. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_internal.h"

#define PROGRESS_MAX 200

/* ---- here ---- */

static void add_address(struct check_own_server *s, const struct record *r)
{
    struct addr addr = {.family = r->type == RR_A ? ADDR_V4 : ADDR_V6};
    size_t len = r->type == RR_A ? 4 : 16;

    if ((r->type != RR_A && r->type != RR_AAAA) || r->rdata.len != len || s->n_addrs == CHECK_ADDRESSES_MAX ||
        !name_equal(&r->owner, &s->name))
        return;
    memcpy(addr.b, r->rdata.bytes, len);
    s->addrs[s->n_addrs++] = addr;
}

static void take_zone(struct check_own_zone *out, const struct zone_spec *spec)
{
    out->apex = spec->apex;
    for (size_t i = 0; i < spec->n_records; i++) {
        const struct record *r = &spec->records[i];
        struct check_own_server *s = &out->servers[out->n_servers];

        if (r->type != RR_NS || !name_equal(&r->owner, &spec->apex) || out->n_servers == LOOKUP_NAMES_MAX)
            continue;
        name_set(&s->name, r->rdata.bytes, r->rdata.len);
        s->is_inside = name_is_at_or_below(&s->name, &spec->apex);
        for (size_t k = 0; k < spec->n_records; k++)
            add_address(s, &spec->records[k]);
        out->n_servers++;
    }
}

enum err check_here_init(struct check_here *h, const struct settings *settings)
{
    *h = (struct check_here){.zones = calloc(settings->n_zones + 1, sizeof(*h->zones))};
    if (h->zones == NULL)
        return ERR_MEMORY;
    h->is_known = true;
    h->n_zones = settings->n_zones;
    for (size_t i = 0; i < settings->n_zones; i++)
        take_zone(&h->zones[i], &settings->zones[i]);
    return ERR_OK;
}

void check_here_fini(struct check_here *h)
{
    free(h->zones);
    *h = (struct check_here){.is_known = false};
}

const struct check_own_zone *check_here_zone(const struct check_here *h, const struct name *name)
{
    const struct check_own_zone *best = NULL;

    for (size_t i = 0; i < h->n_zones; i++) {
        if (name_is_at_or_below(name, &h->zones[i].apex) && (best == NULL || h->zones[i].apex.len > best->apex.len))
            best = &h->zones[i];
    }
    return best;
}

/* ---- a check ---- */

enum err check_init(struct check *c, const struct lookup_server *resolvers, size_t n, const struct check_here *here,
                    struct findings *findings)
{
    memset(c, 0, sizeof(*c));
    c->here = here;
    c->findings = findings;
    c->has_resolvers = n > 0;
    c->cached = calloc(CHECK_ZONES_CACHED, sizeof(*c->cached));
    if (c->cached == NULL)
        return ERR_MEMORY;
    return lookup_init(&c->lookup, resolvers, n);
}

void check_fini(struct check *c)
{
    free(c->cached);
    c->cached = NULL;
}

void check_again(struct check *c)
{
    c->n_cached = 0;
    c->n_told = 0;
    c->n_unreachable = 0;
    lookup_forget(&c->lookup);
}

void check_progress(struct check *c, const char *format, ...)
{
    char text[PROGRESS_MAX];
    va_list ap;

    if (c->progress == NULL)
        return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    c->progress(c->progress_arg, text);
}

/* ---- zones ---- */

const struct lookup_zone *check_servers(struct check *c, const struct name *apex, char *why)
{
    struct check_cached *cached = NULL;
    size_t place;

    for (size_t i = 0; i < c->n_cached && i < CHECK_ZONES_CACHED && cached == NULL; i++) {
        if (name_equal(&c->cached[i].zone.apex, apex))
            cached = &c->cached[i];
    }
    if (cached == NULL) {
        place = c->n_cached++ % CHECK_ZONES_CACHED;
        cached = &c->cached[place];
        cached->result = lookup_find_servers(&c->lookup, apex, &cached->zone, cached->why, sizeof(cached->why));
    }
    if (cached->result == LOOKUP_ANSWERED)
        return &cached->zone;
    (void)snprintf(why, CHECK_WHY_MAX, "%s",
                   cached->why[0] != '\0' ? cached->why : lookup_result_text(cached->result));
    return NULL;
}

const struct lookup_zone *check_zone_of(struct check *c, const struct name *name, char *why)
{
    struct name apex;
    enum lookup_result r = lookup_find_apex(&c->lookup, name, &apex, why, CHECK_WHY_MAX);

    if (r == LOOKUP_ANSWERED)
        return check_servers(c, &apex, why);
    if (why[0] == '\0')
        (void)snprintf(why, CHECK_WHY_MAX, "%s", lookup_result_text(r));
    return NULL;
}

/* ---- servers ---- */

const char *check_server_text(const struct lookup_server *at, const struct name *server, char out[CHECK_SERVER_MAX])
{
    char name[NAME_TEXT_MAX], addr[LOOKUP_SERVER_TEXT_MAX];

    (void)snprintf(out, CHECK_SERVER_MAX, "%s (%s)", name_format(server, name), lookup_server_format(at, addr));
    return out;
}

void check_see(struct check *c, const struct lookup_server *at, const struct name *name, uint16_t type,
               enum lookup_way way)
{
    char addr[ADDR_TEXT_MAX], text[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX], port[16] = "";

    if (at->port != LOOKUP_PORT)
        (void)snprintf(port, sizeof(port), "-p %u ", (unsigned)at->port);
    finding_see(c->findings, "dig %s+norec %s@%s %s %s", way == LOOKUP_TCP ? "+tcp " : "", port,
                addr_format(&at->addr, addr), name_format(name, text), rr_type_format(type, type_text));
}

static bool tell(struct check *c, const struct addr *addr, enum lookup_way way)
{
    for (size_t i = 0; i < c->n_told; i++) {
        if (c->told[i].way == way && addr_equal(&c->told[i].addr, addr))
            return false;
    }
    if (c->n_told < CHECK_TOLD_MAX)
        c->told[c->n_told++] = (struct check_told){*addr, (uint8_t)way};
    return true;
}

static void note_unreachable(struct check *c, const struct addr *addr)
{
    for (size_t i = 0; i < c->n_unreachable; i++) {
        if (addr_equal(&c->unreachable[i], addr))
            return;
    }
    if (c->n_unreachable < CHECK_TOLD_MAX)
        c->unreachable[c->n_unreachable++] = *addr;
}

void check_report_silence(struct check *c, const char *about, const struct lookup_server *at,
                          const struct name *server, enum lookup_way way, enum lookup_result result,
                          const struct name *name, uint16_t type)
{
    char text[CHECK_SERVER_MAX];

    if (result == LOOKUP_NO_ROUTE)
        note_unreachable(c, &at->addr);
    if (result == LOOKUP_NO_ROUTE || result == LOOKUP_ANSWERED || !tell(c, &at->addr, way))
        return;
    finding_fail(c->findings, about, "%s%s %s", check_server_text(at, server, text),
                 way == LOOKUP_TCP   ? " over TCP"
                 : way == LOOKUP_UDP ? " over UDP"
                                     : "",
                 lookup_result_text(result));
    if (result == LOOKUP_OUT_OF_TIME)
        return;
    finding_fix(c->findings,
                "an authority asks from several places, and each may meet this server: it has to answer, "
                "over UDP and TCP, or to be taken out of the NS records");
    check_see(c, at, name, type, way);
}

void check_report_unreachable(struct check *c)
{
    char list[512] = "";
    size_t len = 0;

    if (c->n_unreachable == 0)
        return;
    for (size_t i = 0; i < c->n_unreachable && len < sizeof(list); i++) {
        char addr[ADDR_TEXT_MAX];
        int n = snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "",
                         addr_format(&c->unreachable[i], addr));

        len += n > 0 ? (size_t)n : 0;
    }
    finding_note(c->findings, "reach", "not asked, since %s: %s",
                 c->is_discreet
                     ? "this machine has no way there, or only administrators may have private addresses asked"
                     : "this machine has no way there",
                 list);
    c->n_unreachable = 0;
}

/* Whether an address is one that the world could reach. Others have no name server for an authority, but lead into
 * this machine (0.0.0.0 and :: are it, for connect()), its networks, or through a translator to an IPv4 address
 * that is not looked at. */
static bool is_of_the_world(const struct addr *addr)
{
    static const struct net unicast = {{ADDR_V6, {0x20}}, 3}; /* RFC 4291 section 2.4, as assigned */
    static const struct net nowhere[] = {
        {{ADDR_V4, {0}}, 8},                 /* RFC 1122 section 3.2.1.3 */
        {{ADDR_V4, {192, 0, 0}}, 24},        /* RFC 6890 section 2.2.2 */
        {{ADDR_V4, {198, 18}}, 15},          /* RFC 2544, benchmarks */
        {{ADDR_V4, {224}}, 3},               /* RFC 1112 section 4: multicast, reserved, broadcast */
        {{ADDR_V6, {0x20, 0x01, 0, 0}}, 32}, /* RFC 4380 section 2.6: Teredo */
        {{ADDR_V6, {0x20, 0x02}}, 16},       /* RFC 3056 section 2: 6to4 */
    };

    if (addr_is_private(addr) || net_any_contains(nowhere, ARRAY_LEN(nowhere), addr))
        return false;
    return addr->family == ADDR_V4 || net_contains(&unicast, addr); /* none that is IPv4-mapped (::ffff:10.0.0.1) */
}

/* Somebody who may declare domains could let them lead to servers inside of the networks that this machine is in.
 */
static bool may_ask(const struct check *c, const struct addr *addr)
{
    if (!c->is_discreet || is_of_the_world(addr))
        return true;
    for (size_t z = 0; z < c->here->n_zones; z++) {
        for (size_t i = 0; i < c->here->zones[z].n_servers; i++) {
            const struct check_own_server *s = &c->here->zones[z].servers[i];

            for (size_t k = 0; k < s->n_addrs; k++) {
                if (addr_equal(&s->addrs[k], addr))
                    return true;
            }
        }
    }
    return false;
}

void check_ask_all(struct check *c, const char *about, const struct lookup_zone *zone, const struct name *name,
                   uint16_t type, enum lookup_way way, size_t enough, struct check_answers *out)
{
    const struct lookup_question q = {.name = *name, .type = type, .way = way};
    char text[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < zone->n_servers && out->n_answered < enough; i++) {
        struct check_answer *a = &out->items[out->n++];

        check_progress(c, "%s %s, server %zu of %zu", name_format(name, text), rr_type_format(type, type_text),
                       i + 1, zone->n_servers);
        a->at = &zone->servers[i].at;
        a->server = &zone->names[zone->servers[i].name];
        a->result = may_ask(c, &a->at->addr) ? lookup_ask(&c->lookup, a->at, &q, &a->reply) : LOOKUP_NO_ROUTE;
        out->n_answered += a->result == LOOKUP_ANSWERED;
        check_report_silence(c, about, a->at, a->server, way, a->result, name, type);
    }
}

void check_answers_fini(struct check_answers *a)
{
    for (size_t i = 0; i < a->n; i++)
        lookup_reply_free(a->items[i].reply);
    a->n = 0;
}
