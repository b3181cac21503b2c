/* What the file says about zones, made into records, and everything that can be wrong about them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_impl.h"
#include "cli/config_record.h"

#define WHY_MAX   700
#define ZONES_MAX 1000

/* Right for everyone, so there are no keys for them. RIPE-203 would say a day; Zonemaster wants refresh >= 4 h,
 * retry >= 1 h and less than refresh, expire >= 7 d and more than refresh. Only secondaries use them. */
#define SOA_REFRESH_S 14400
#define SOA_RETRY_S   3600
#define SOA_EXPIRE_S  1209600

#define RRSET_OCTETS_MAX 60000 /* of one answer, of which a DNS message has at most 65535 */

#define CDS        59
#define CDNSKEY    60
#define NSEC3PARAM 51
#define SIG        24
#define KEY        25
#define NXT        30

struct zone_maker {
    struct config_impl *c;
    struct config_zone *zone;
    size_t index; /* of the zone */
    struct config_record *records;
    size_t n, cap;
};

static void format_name(const struct name *n, char out[NAME_TEXT_MAX])
{
    (void)name_format(n, out);
}

static void complain(const struct zone_maker *m, const char *path, const char *what, const char *why)
{
    char quoted[CONFIG_QUOTED_MAX];

    config_tree_complain(m->c->root, &m->c->errors, path, "%s: %s", config_quoted(what, strlen(what), quoted), why);
}

/* A fresh record with its place in the file; it counts only after m->n++. NULL: ERR_MEMORY. */
static struct config_record *next_record(struct zone_maker *m, const char *path)
{
    struct config_record *r = &m->records[m->n];

    assert(m->n < m->cap);
    *r = (struct config_record){.order = m->n};
    r->record.ttl_s = CONFIG_RECORD_TTL_DEFAULT_S;
    r->path = arena_copy(&m->c->arena, path, strlen(path));
    return r->path != NULL ? r : NULL;
}

/* ---- what is made from name-servers and caa ---- */

static enum err add_server(struct zone_maker *m, size_t s)
{
    const struct config_name_server *server = &m->zone->servers[s];
    char path[CONFIG_PATH_TEXT_MAX];
    struct config_record *r;
    enum err e = ERR_OK;

    if (server->name.len == 0)
        return ERR_OK;
    config_path(path, "zones[%zu].name-servers[%zu].name", m->index, s);
    r = next_record(m, path);
    if (r == NULL || config_record_set_name(r, &m->c->arena, RR_NS, &server->name) != ERR_OK)
        return ERR_MEMORY;
    r->record.owner = m->zone->origin;
    m->n++;
    if (server->n_addresses > 0 && !name_is_at_or_below(&server->name, &m->zone->origin)) {
        char name[NAME_TEXT_MAX];

        config_path(path, "zones[%zu].name-servers[%zu].addresses", m->index, s);
        format_name(&server->name, name);
        complain(m, path, name, "is outside of this zone and has its addresses elsewhere; leave them out here");
        return ERR_OK;
    }
    for (size_t i = 0; i < server->n_addresses && e == ERR_OK; i++) {
        const struct addr *a = &server->addresses[i];

        if (a->family == ADDR_NONE)
            continue; /* could not be read: said already */
        config_path(path, "zones[%zu].name-servers[%zu].addresses[%zu]", m->index, s, i);
        r = next_record(m, path);
        if (r == NULL)
            return ERR_MEMORY;
        r->record.owner = server->name;
        name_fold(&r->record.owner);
        e = config_record_set_address(r, &m->c->arena, a->family == ADDR_V4 ? RR_A : RR_AAAA, a->b,
                                      a->family == ADDR_V4 ? 4 : 16);
        m->n += e == ERR_OK;
    }
    return e;
}

static enum err add_caa(struct zone_maker *m, size_t i)
{
    const char *line = m->zone->caa[i];
    char path[CONFIG_PATH_TEXT_MAX];
    struct config_record *r;
    struct text why;
    enum err e;

    if (line == NULL)
        return ERR_OK;
    config_path(path, "zones[%zu].caa[%zu]", m->index, i);
    r = next_record(m, path);
    if (r == NULL)
        return ERR_MEMORY;
    text_init(&why, WHY_MAX);
    r->record.owner = m->zone->origin;
    e = config_record_parse_data(r, &m->c->arena, RR_CAA, line, &m->zone->origin, &why);
    if (e == ERR_SYNTAX)
        complain(m, path, line, why.bytes);
    m->n += e == ERR_OK;
    text_fini(&why);
    return e == ERR_SYNTAX ? ERR_OK : e;
}

/* ---- static records ---- */

static const char *refuse_type(const struct zone_maker *m, const struct record *r)
{
    bool is_apex = name_equal(&r->owner, &m->zone->origin);

    switch ((int)r->type) {
    case RR_SOA:
        return "the SOA record is made from origin, contact and name-servers";
    case RR_NS:
        return is_apex ? "the zone's own NS records are made from name-servers"
                       : "delegations below the zone are not served";
    case RR_DNAME:
        return "DNAME is not served";
    case RR_DS:
    case RR_RRSIG:
    case RR_NSEC:
    case RR_DNSKEY:
    case RR_NSEC3:
    case NSEC3PARAM:
    case CDS:
    case CDNSKEY:
    case SIG:
    case KEY:
    case NXT:
        return "records of DNSSEC are not served: this version does not sign";
    default:
        break;
    }
    /* RFC 6895 section 3.1: 128 to 255 are for queries, and OPT is no record of a zone. */
    if (r->type == RR_OPT || (r->type >= RR_NXNAME && r->type <= RR_ANY))
        return "this type exists in questions and protocol only, not in zones";
    return NULL;
}

static const char *refuse_record(const struct zone_maker *m, const struct record *r)
{
    size_t len;
    const uint8_t *label = name_first_label(&r->owner, &len);

    if (!name_is_at_or_below(&r->owner, &m->zone->origin))
        return "the owner is outside of the zone; a name with a final dot is taken as it stands";
    if (len == 1 && label[0] == '*')
        return "wildcards are not served";
    return refuse_type(m, r);
}

static enum err add_static(struct zone_maker *m, size_t i)
{
    const char *line = m->zone->records[i];
    char path[CONFIG_PATH_TEXT_MAX];
    struct config_record *r;
    struct text why;
    enum err e;

    if (line == NULL)
        return ERR_OK;
    config_path(path, "zones[%zu].records[%zu]", m->index, i);
    r = next_record(m, path);
    if (r == NULL)
        return ERR_MEMORY;
    text_init(&why, WHY_MAX);
    e = config_record_parse(r, &m->c->arena, line, &m->zone->origin, &why);
    /* Of a wrong record of a wrong type the type is what matters. */
    if (r->record.type != 0 && refuse_record(m, &r->record) != NULL) {
        complain(m, path, line, refuse_record(m, &r->record));
        e = e == ERR_MEMORY ? e : ERR_SYNTAX;
    } else if (e == ERR_SYNTAX) {
        complain(m, path, line, why.bytes);
    }
    m->n += e == ERR_OK;
    text_fini(&why);
    return e == ERR_SYNTAX ? ERR_OK : e;
}

/* ---- records beside each other ---- */

static bool same_set(const struct config_record *a, const struct config_record *b)
{
    return a->record.type == b->record.type && name_equal(&a->record.owner, &b->record.owner);
}

/* r against the one before it in canonical order. */
static void check_neighbours(const struct zone_maker *m, const struct config_record *before,
                             const struct config_record *r)
{
    char why[CONFIG_PATH_TEXT_MAX + 128];
    char name[NAME_TEXT_MAX];
    const struct config_record *later = r->order > before->order ? r : before;
    const struct config_record *earlier = r->order > before->order ? before : r;

    if (!same_set(before, r))
        return;
    format_name(&r->record.owner, name);
    if (before->canonical.len == r->canonical.len &&
        memcmp(before->canonical.bytes, r->canonical.bytes, r->canonical.len) == 0) {
        (void)snprintf(why, sizeof(why), "this record is there already, from %s", earlier->path);
        complain(m, later->path, name, why);
    } else if (before->record.ttl_s != r->record.ttl_s) { /* RFC 2181 section 5.2 */
        (void)snprintf(why, sizeof(why), "the TTL is %u here and %u in %s; records of one name and type share it",
                       later->record.ttl_s, earlier->record.ttl_s, earlier->path);
        complain(m, later->path, name, why);
    }
}

static void check_cname(const struct zone_maker *m, const struct config_record *cname, size_t n_at_owner)
{
    char name[NAME_TEXT_MAX];

    format_name(&cname->record.owner, name);
    if (name_equal(&cname->record.owner, &m->zone->origin))
        complain(m, cname->path, name, "a CNAME cannot stand at the origin, which has SOA and NS records");
    else if (n_at_owner > 1) /* RFC 1034 section 3.6.2 */
        complain(m, cname->path, name, "a CNAME stands alone, but there are other records of this name");
}

static void check_set_size(const struct zone_maker *m, size_t first, size_t end)
{
    char name[NAME_TEXT_MAX];
    size_t octets = 0;

    for (size_t i = first; i < end; i++)
        octets += 12u + m->records[i].record.rdata.len;
    if (octets <= RRSET_OCTETS_MAX)
        return;
    format_name(&m->records[first].record.owner, name);
    complain(m, m->records[first].path, name, "the records of this name and type do not fit into one answer");
}

static void check_together(const struct zone_maker *m)
{
    size_t owner = 0, set = 0; /* where the present name and the present RRset begin */

    for (size_t i = 0; i < m->n; i++) {
        bool ends_set = i + 1 == m->n || !same_set(&m->records[i], &m->records[i + 1]);
        bool ends_owner =
            i + 1 == m->n || !name_equal(&m->records[i].record.owner, &m->records[i + 1].record.owner);

        if (i > set)
            check_neighbours(m, &m->records[i - 1], &m->records[i]);
        if (ends_set) {
            check_set_size(m, set, i + 1);
            set = i + 1;
        }
        if (!ends_owner)
            continue;
        for (size_t k = owner; k <= i; k++) {
            if (m->records[k].record.type == RR_CNAME)
                check_cname(m, &m->records[k], i + 1 - owner);
        }
        owner = i + 1;
    }
}

/* ---- zones ---- */

static int compare_records(const void *a, const void *b)
{
    return config_record_compare(a, b);
}

static enum err add_all(struct zone_maker *m)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < m->zone->n_servers && e == ERR_OK; i++)
        e = add_server(m, i);
    for (size_t i = 0; i < m->zone->n_caa && e == ERR_OK; i++)
        e = add_caa(m, i);
    for (size_t i = 0; i < m->zone->n_records && e == ERR_OK; i++)
        e = add_static(m, i);
    return e;
}

static enum err make_zone(struct zone_maker *m, struct zone_spec *out)
{
    const struct config_zone *z = m->zone;
    struct record *records;
    enum err e;

    m->cap = z->n_servers + z->n_caa + z->n_records + 1;
    for (size_t i = 0; i < z->n_servers; i++)
        m->cap += z->servers[i].n_addresses;
    m->records = arena_alloc(&m->c->arena, m->cap * sizeof(*m->records));
    if (m->records == NULL)
        return ERR_MEMORY;
    e = add_all(m);
    if (e != ERR_OK)
        return e;
    qsort(m->records, m->n, sizeof(*m->records), compare_records);
    check_together(m);
    records = arena_alloc(&m->c->arena, m->cap * sizeof(*records));
    if (records == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < m->n; i++)
        records[i] = m->records[i].record;
    out->apex = z->origin;
    out->records = records;
    out->n_records = m->n;
    out->challenge_caa = z->challenge_caa;
    out->value_ttl_s = m->c->value_ttl_s;
    out->pinned_ttl_s = m->c->pinned_ttl_s;
    out->soa = (struct soa){.rname = z->rname,
                            .refresh_s = SOA_REFRESH_S,
                            .retry_s = SOA_RETRY_S,
                            .expire_s = SOA_EXPIRE_S,
                            .minimum_s = z->soa_minimum_s,
                            .ttl_s = z->negative_ttl_s};
    if (z->n_servers > 0)
        out->soa.mname = z->servers[0].name;
    return ERR_OK;
}

/* Two zones: not the same, and none inside the other. */
static void check_nesting(struct config_impl *c)
{
    char path[CONFIG_PATH_TEXT_MAX], inner[NAME_TEXT_MAX], outer[NAME_TEXT_MAX];

    for (size_t i = 0; i < c->n_zones; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct name *a = &c->zones[i].origin;
            const struct name *b = &c->zones[k].origin;

            if (a->len == 0 || b->len == 0)
                continue;
            config_path(path, "zones[%zu].origin", i);
            format_name(a, inner);
            format_name(b, outer);
            if (name_equal(a, b))
                config_tree_complain(c->root, &c->errors, path, "\"%s\": zones[%zu] has the same origin", inner, k);
            else if (name_is_below(a, b) || name_is_below(b, a))
                config_tree_complain(
                    c->root, &c->errors, path,
                    "\"%s\" lies %s zones[%zu], \"%s\": zones cannot be inside one another; names of "
                    "several labels can",
                    inner, name_is_below(a, b) ? "inside of" : "around", k, outer);
        }
    }
}

enum host_state { HOST_ELSEWHERE, HOST_HAS_ADDRESS, HOST_IS_ALIAS, HOST_HAS_NONE };

/* What our own zones say about a host. */
static enum host_state host_state(const struct config_impl *c, const struct zone_spec *specs,
                                  const struct name *host)
{
    enum host_state state = HOST_ELSEWHERE;

    for (size_t z = 0; z < c->n_zones; z++) {
        if (c->zones[z].origin.len == 0 || !name_is_at_or_below(host, &c->zones[z].origin))
            continue;
        state = HOST_HAS_NONE;
        for (size_t i = 0; i < specs[z].n_records; i++) {
            const struct record *r = &specs[z].records[i];

            if (!name_equal(&r->owner, host))
                continue;
            if (r->type == RR_CNAME)
                return HOST_IS_ALIAS;
            if (r->type == RR_A || r->type == RR_AAAA)
                state = HOST_HAS_ADDRESS;
        }
        return state;
    }
    return state;
}

static void check_servers(struct config_impl *c, const struct zone_spec *specs, size_t z)
{
    char path[CONFIG_PATH_TEXT_MAX], name[NAME_TEXT_MAX];

    config_path(path, "zones[%zu].name-servers", z);
    if (c->zones[z].n_servers == 0)
        config_tree_complain(
            c->root, &c->errors, path, "%s",
            config_tree_has(c->root, path)
                ? "at least one name server is needed"
                : "missing; at least one name server is needed, each with a name and its addresses");
    for (size_t s = 0; s < c->zones[z].n_servers; s++) {
        const struct config_name_server *server = &c->zones[z].servers[s];
        enum host_state state;

        if (server->name.len == 0)
            continue;
        config_path(path, "zones[%zu].name-servers[%zu].name", z, s);
        format_name(&server->name, name);
        state = host_state(c, specs, &server->name);
        if (state == HOST_IS_ALIAS) /* RFC 2181 section 10.3 */
            config_tree_complain(c->root, &c->errors, path,
                                 "\"%s\" is a CNAME; the name of a name server must have addresses itself", name);
        else if (state == HOST_HAS_NONE && server->n_addresses == 0)
            config_tree_complain(
                c->root, &c->errors, path,
                "\"%s\" is inside of a zone of this server and has no addresses; write them beside it: "
                "addresses: [\"203.0.113.10\"]",
                name);
    }
}

enum err config_zones_make(struct config_impl *c)
{
    struct zone_spec *specs = arena_alloc(&c->arena, (c->n_zones + 1) * sizeof(*specs));
    enum err e = ERR_OK;

    if (specs == NULL)
        return ERR_MEMORY;
    if (c->n_zones == 0)
        config_tree_complain(c->root, &c->errors, "zones", "%s",
                             config_tree_has(c->root, "zones")
                                 ? "at least one zone is needed"
                                 : "missing; at least one zone is needed, with origin, "
                                   "contact and name-servers");
    if (c->n_zones > ZONES_MAX) {
        config_tree_complain(c->root, &c->errors, "zones", "more than %d zones", ZONES_MAX);
        return c->errors.err;
    }
    check_nesting(c);
    for (size_t i = 0; i < c->n_zones && e == ERR_OK; i++) {
        struct zone_maker m = {.c = c, .zone = &c->zones[i], .index = i};

        if (m.zone->origin.len > 0)
            e = make_zone(&m, &specs[i]);
    }
    for (size_t i = 0; i < c->n_zones && e == ERR_OK; i++)
        check_servers(c, specs, i);
    c->config.settings.zones = specs;
    c->config.settings.n_zones = c->n_zones;
    return e != ERR_OK ? e : c->errors.err;
}
