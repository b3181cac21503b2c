/* Staging: nodes and zones for what DNS shows and what has changed of it.
 *
 * Zones come first. For each whose static part changed, the owners that it will have are worked out and their nodes
 * made; only when those of all zones are known, owners that vanished are taken away, unless something else stands
 * there now. Names come last; where a static owner stands, it stays (they exclude each other, so this does not
 * happen by itself). In that way an owner is put or removed once in a batch.
 *
 * An alias that is served is a zone of the table, with nodes of its own for its name and for the names below that.
 * A name is staged with its places at all aliases, those that have ended too: there it is taken away. */
#include "core/state_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/value_set.h"

/* TTL of the CAA records at challenge names. They change by configuration only, so that a TTL buys nothing but
 * fewer questions; five minutes is what checkers take for a reasonable least, and the longest that a CA goes on
 * seeing them after the switch was turned off. It is not value_ttl_s, which is 0 for a reason that does not concern
 * CAA. */
#define CHALLENGE_CAA_TTL_S 300

/* ---- owners of static records ---- */

/* Any total order will do. */
static int name_order(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->b, y->b, x->len);
}

static bool owners_have(const struct owners *o, const struct name *folded)
{
    return o->n > 0 && bsearch(folded, o->names, o->n, sizeof *o->names, name_order) != NULL;
}

/* True when a static node stands at the owner, once the batch is published. */
static bool is_static_owner(const struct state *s, const struct zone_state *z, const struct name *folded)
{
    const struct zone_row *row;

    if (z == NULL)
        return false;
    row = state_zone_row(s, z->id);
    return owners_have(row->static_dirty ? &row->next : &row->owners, folded);
}

/* By owner, by type, and as configured. */
static int record_order(const void *a, const void *b)
{
    const struct record *x = *(const struct record *const *)a;
    const struct record *y = *(const struct record *const *)b;
    int by_owner = name_order(&x->owner, &y->owner);

    if (by_owner != 0)
        return by_owner;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x < y ? -1 : x > y; /* of one array */
}

/* ---- nodes of static records ---- */

/* Room for the work on one zone, each array for as many as there are records. */
struct static_work {
    const struct record **sorted;
    struct rrset *sets;
    struct rdata *rdatas;
    struct record *additional;
    size_t n;
};

static void work_fini(struct static_work *w)
{
    free(w->sorted);
    free(w->sets);
    free(w->rdatas);
    free(w->additional);
}

static enum err work_init(struct static_work *w, const struct zone_spec *spec)
{
    size_t room = spec->n_records + 1; /* never 0 */

    *w = (struct static_work){
        .sorted = calloc(room, sizeof *w->sorted),
        .sets = calloc(room, sizeof *w->sets),
        .rdatas = calloc(room, sizeof *w->rdatas),
        .additional = calloc(room, sizeof *w->additional),
        .n = spec->n_records,
    };
    if (w->sorted == NULL || w->sets == NULL || w->rdatas == NULL || w->additional == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < w->n; i++)
        w->sorted[i] = &spec->records[i];
    qsort(w->sorted, w->n, sizeof *w->sorted, record_order);
    return ERR_OK;
}

/* The addresses that the zone has for the targets of NS records: resolvers need them to come here at all (RFC 1034
 * section 4.2.1). Returns how many are in out, which has room for all records; a server is listed once, so that
 * there are no more. */
static size_t additional_of(struct record *out, const struct zone_spec *spec, const struct rrset *ns)
{
    size_t n = 0;

    for (size_t i = 0; i < ns->n; i++) {
        struct wire_reader r;
        struct name target;

        wire_reader_init(&r, ns->rdatas[i].bytes, ns->rdatas[i].len);
        if (name_decode(&r, &target) != ERR_OK)
            continue;
        for (size_t k = 0; k < spec->n_records && n < spec->n_records; k++) {
            const struct record *record = &spec->records[k];

            if ((record->type == RR_A || record->type == RR_AAAA) && name_equal(&record->owner, &target))
                out[n++] = *record;
        }
    }
    return n;
}

/* Put the node of the owner of w->sorted[from … until-1]; without any, an apex that has nothing but its SOA. */
static enum err stage_owner(struct static_work *w, const struct zone_row *row, const struct name *owner,
                            size_t from, size_t until, struct table_batch *b)
{
    const struct zone_state *z = &row->z;
    struct node_spec spec = {.owner = owner, .zone = row->table_id, .sets = w->sets, .additional = w->additional};
    struct node *node = NULL;
    enum err e;

    if (name_equal(owner, &z->spec.apex))
        spec.flags = NODE_APEX;
    for (size_t i = from; i < until; i++) {
        const struct record *record = w->sorted[i];
        struct rrset *set = &w->sets[spec.n_sets];

        if (i == from || record->type != w->sorted[i - 1]->type) {
            *set = (struct rrset){.type = record->type, .ttl_s = record->ttl_s, .rdatas = &w->rdatas[i]};
            spec.n_sets++;
        } else {
            set = &w->sets[spec.n_sets - 1];
        }
        w->rdatas[i] = record->rdata;
        set->n++;
    }
    for (size_t i = 0; i < spec.n_sets; i++)
        if (w->sets[i].type == RR_NS)
            spec.n_additional = additional_of(w->additional, &z->spec, &w->sets[i]);
    e = node_new(&node, &spec);
    return e == ERR_OK ? table_batch_put(b, node) : e;
}

/* Put the nodes of the zone's static part and note their owners in row->next. */
static enum err stage_owners(struct zone_row *row, struct static_work *w, struct table_batch *b)
{
    const struct zone_spec *spec = &row->z.spec;
    bool apex_done = false;
    size_t until;

    row->next.names = calloc(w->n + 1, sizeof *row->next.names);
    if (row->next.names == NULL)
        return ERR_MEMORY;
    for (size_t from = 0; from < w->n || !apex_done; from = until) {
        const struct name *owner = from < w->n ? &w->sorted[from]->owner : &spec->apex;
        enum err e;

        for (until = from; until < w->n && name_order(&w->sorted[until]->owner, owner) == 0; until++)
            continue;
        apex_done = apex_done || name_equal(owner, &spec->apex);
        row->next.names[row->next.n++] = *owner;
        e = stage_owner(w, row, owner, from, until, b);
        if (e != ERR_OK)
            return e;
    }
    qsort(row->next.names, row->next.n, sizeof *row->next.names,
          name_order); /* an apex without records came last */
    return ERR_OK;
}

static enum err stage_static(struct zone_row *row, struct table_batch *b)
{
    struct static_work w;
    enum err e;

    if (row->z.removed)
        return ERR_OK; /* it will have no owners */
    e = work_init(&w, &row->z.spec);
    if (e == ERR_OK)
        e = stage_owners(row, &w, b);
    work_fini(&w);
    return e;
}

/* True when the place of a name at an alias is there, once the batch is published. */
static bool is_alias_owner(const struct state *s, const struct name *owner)
{
    const struct alias *alias = state_alias_over(s, owner);
    const struct name_entry *n;
    struct name target;

    if (alias == NULL || !alias_is_mounted(s, alias_row(s, alias->id)) || !state_alias_target(s, owner, &target))
        return false;
    n = state_name_by_owner(s, &target);
    return n != NULL && name_entry_is_served(s, n);
}

/* Take away what was there and will not be, unless another zone, a name, or an alias will be there instead. */
static enum err stage_vanished(struct state *s, struct zone_row *row, struct table_batch *b)
{
    for (size_t i = 0; i < row->owners.n; i++) {
        const struct name *owner = &row->owners.names[i];
        struct name_entry *n;
        enum err e;

        if (is_static_owner(s, state_zone_of(s, owner), owner) || is_alias_owner(s, owner))
            continue;
        n = state_name_by_owner(s, owner);
        if (n != NULL) {
            state_mark_dirty(s, n); /* it is put or removed in its turn */
            continue;
        }
        e = table_batch_remove(b, owner);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

/* ---- zones ---- */

/* RFC 8659 section 4.2: nobody may issue; section 4.3: no wildcards either. */
static const uint8_t caa_issue[] = {0, 5, 'i', 's', 's', 'u', 'e', ';'};
static const uint8_t caa_issuewild[] = {0, 9, 'i', 's', 's', 'u', 'e', 'w', 'i', 'l', 'd', ';'};
static const struct rdata caa_deny[] = {
    {.bytes = caa_issue, .len = sizeof caa_issue},
    {.bytes = caa_issuewild, .len = sizeof caa_issuewild},
};

/* The zone itself, or an alias of one of its names, with what they have in common. */
static enum err put_zone(const struct zone_state *z, const struct name *apex, uint32_t table_id, uint32_t serial,
                         struct table_batch *b)
{
    struct table_zone_spec spec = {.id = table_id, .apex = apex, .soa = &z->spec.soa, .serial = serial};

    if (z->spec.challenge_caa == CHALLENGE_CAA_DENY)
        spec.challenge_caa = (struct rrset){
            .type = RR_CAA, .ttl_s = CHALLENGE_CAA_TTL_S, .n = ARRAY_LEN(caa_deny), .rdatas = caa_deny};
    return table_batch_put_zone(b, &spec);
}

static enum err stage_zone(const struct zone_row *row, struct table_batch *b)
{
    const struct zone_state *z = &row->z;

    if (z->removed)
        return row->staged ? table_batch_remove_zone(b, row->table_id) : ERR_OK;
    return put_zone(z, &z->spec.apex, row->table_id, z->serial, b);
}

static enum err stage_zones(struct state *s, struct table_batch *b)
{
    enum err e = ERR_OK;

    for (uint32_t id = 1; e == ERR_OK && id <= s->zones.last; id++) {
        struct zone_row *row = state_zone_row(s, id);

        if (row->table_id == 0)
            row->table_id = ++s->last_table_id;
        if (row->static_dirty)
            e = stage_static(row, b);
        if (e == ERR_OK && row->z.dirty)
            e = stage_zone(row, b);
    }
    for (uint32_t id = 1; e == ERR_OK && id <= s->zones.last; id++) {
        struct zone_row *row = state_zone_row(s, id);

        if (row->static_dirty)
            e = stage_vanished(s, row, b);
    }
    return e;
}

/* ---- aliases ---- */

/* One that comes or goes takes the places of the names below its own with it: these are to be staged too. */
static void mark_names_of_moved(struct state *s)
{
    bool any = false;

    for (uint32_t id = s->dirty_aliases; id != 0; id = alias_row(s, id)->next_dirty) {
        const struct alias_row *row = alias_row(s, id);

        if (alias_is_mounted(s, row) == row->staged)
            continue;
        state_mark_dirty(s, state_name(s, row->a.name));
        any = true;
    }
    for (uint32_t id = 1; any && id <= s->names.last; id++) {
        struct name_entry *n = state_name(s, id);
        const struct zone_state *z = state_zone(s, n->zone);
        struct name above;

        /* Nearly all have one label below the apex, and so nothing above them. */
        if (n->dirty || n->retired_s != 0 || n->owner_len == 1u + n->owner[0] + z->spec.apex.len)
            continue;
        name_set(&above, n->owner, n->owner_len);
        for (name_strip(&above, &above, 1); !n->dirty && name_is_below(&above, &z->spec.apex);
             name_strip(&above, &above, 1)) {
            const struct name_entry *up = state_name_by_owner(s, &above);
            const struct alias_row *row;

            if (up == NULL)
                continue;
            for (struct index_walk w = aliases_of(s, up->id); (row = aliases_next(s, &w, up->id)) != NULL;)
                if (alias_is_mounted(s, row) != row->staged)
                    state_mark_dirty(s, n);
        }
    }
}

static enum err stage_aliases(struct state *s, struct table_batch *b)
{
    enum err e = ERR_OK;

    mark_names_of_moved(s);
    for (uint32_t id = s->dirty_aliases; e == ERR_OK && id != 0; id = alias_row(s, id)->next_dirty) {
        struct alias_row *row = alias_row(s, id);

        if (alias_is_mounted(s, row)) {
            if (row->table_id == 0)
                row->table_id = ++s->last_table_id;
            e = put_zone(state_zone(s, state_name(s, row->a.name)->zone), &row->a.fqdn, row->table_id,
                         row->a.serial, b);
        } else if (row->staged) {
            e = table_batch_remove_zone(b, row->table_id);
        }
    }
    return e;
}

/* ---- names ---- */

/* The values of one name at a time, and the name servers of the last zone that was asked for. */
struct name_work {
    struct rdata *rdatas;
    size_t cap;
    uint32_t zone; /* whose name servers; 0: none yet */
    struct rdata *ns_rdatas;
    struct record *additional;
    struct rrset ns;
    size_t n_additional;
};

static void name_work_fini(struct name_work *w)
{
    free(w->rdatas);
    free(w->ns_rdatas);
    free(w->additional);
}

/* An alias has the name servers of its name's zone. */
static enum err list_name_servers(struct name_work *w, const struct zone_state *z)
{
    const struct zone_spec *spec = &z->spec;

    if (w->zone == z->id)
        return ERR_OK;
    free(w->ns_rdatas);
    free(w->additional);
    w->zone = z->id;
    w->ns_rdatas = calloc(spec->n_records + 1, sizeof *w->ns_rdatas);
    w->additional = calloc(spec->n_records + 1, sizeof *w->additional);
    if (w->ns_rdatas == NULL || w->additional == NULL)
        return ERR_MEMORY;
    w->ns = (struct rrset){.type = RR_NS, .rdatas = w->ns_rdatas};
    for (size_t i = 0; i < spec->n_records; i++) {
        const struct record *r = &spec->records[i];

        if (r->type != RR_NS || !name_equal(&r->owner, &spec->apex))
            continue;
        w->ns.ttl_s = r->ttl_s;
        w->ns_rdatas[w->ns.n++] = r->rdata;
    }
    w->n_additional = additional_of(w->additional, spec, &w->ns);
    return ERR_OK;
}

static enum err list_rdatas(struct name_work *w, const struct value_set *vs)
{
    if (vs->n > w->cap) {
        struct rdata *grown = reallocarray(w->rdatas, vs->n, sizeof *grown);

        if (grown == NULL)
            return ERR_MEMORY;
        w->rdatas = grown;
        w->cap = vs->n;
    }
    for (size_t i = 0; i < vs->n; i++) { /* newest first */
        const struct value *v = &vs->values[vs->n - 1 - i];

        w->rdatas[i] = (struct rdata){.bytes = v->rdata, .len = v->rdlen};
    }
    return ERR_OK;
}

static bool all_pinned(const struct value_set *vs)
{
    for (size_t i = 0; i < vs->n; i++)
        if (!value_is_pinned(&vs->values[i]))
            return false;
    return vs->n > 0;
}

/* Put the node of the name's values at an owner. alias NULL: its own; else its place at the alias. */
static enum err stage_values(struct name_work *w, const struct state *s, const struct name_entry *n,
                             const struct name *owner, const struct alias_row *alias, struct table_batch *b)
{
    const struct zone_row *zone = state_zone_row(s, n->zone);
    bool pinned = all_pinned(&n->values);
    enum err e = list_rdatas(w, &n->values);
    struct rrset sets[2] = {{
        .type = RR_TXT,
        .ttl_s = pinned ? zone->z.spec.pinned_ttl_s : zone->z.spec.value_ttl_s,
        .n = n->values.n,
        .rdatas = w->rdatas,
    }};
    struct node_spec spec = {
        .owner = owner,
        .zone = alias != NULL ? alias->table_id : zone->table_id,
        .flags = pinned ? NODE_CHALLENGE | NODE_PINNED : NODE_CHALLENGE,
        .sets = sets,
        .n_sets = n->values.n > 0 ? 1 : 0, /* without values it exists all the same: NODATA, not NXDOMAIN */
    };
    struct node *node = NULL;

    if (e == ERR_OK && alias != NULL && owner->len == alias->a.fqdn.len) {
        e = list_name_servers(w, &zone->z);
        spec.flags |= NODE_APEX;
        sets[spec.n_sets++] = w->ns;
        spec.additional = w->additional;
        spec.n_additional = w->n_additional;
    }
    if (e == ERR_OK)
        e = node_new(&node, &spec);
    return e == ERR_OK ? table_batch_put(b, node) : e;
}

/* The name's own place. */
static enum err stage_own(const struct state *s, struct name_work *w, const struct name_entry *n,
                          const struct name *owner, struct table_batch *b)
{
    const struct zone_state *own = state_zone(s, n->zone);

    /* Another zone, or an alias, can be there only when the name's own is not. */
    if (is_static_owner(s, own->removed ? state_zone_of(s, owner) : own, owner))
        return ERR_OK;
    if (name_entry_is_served(s, n))
        return stage_values(w, s, n, owner, NULL, b);
    return is_alias_owner(s, owner) ? ERR_OK : table_batch_remove(b, owner);
}

/* The name's place at an alias of it, or of the name `top` above it. */
static enum err stage_at_alias(const struct state *s, struct name_work *w, const struct name_entry *n,
                               const struct name *owner, const struct name *top, const struct alias_row *alias,
                               struct table_batch *b)
{
    const struct name_entry *other;
    struct name at;

    if (!owner_moved(owner, top, &alias->a.fqdn, &at)) /* too long to be asked for */
        return ERR_OK;
    if (alias_is_mounted(s, alias) && name_entry_is_served(s, n))
        return stage_values(w, s, n, &at, alias, b);
    if (!alias->staged || is_static_owner(s, state_zone_of(s, &at), &at) || is_alias_owner(s, &at))
        return ERR_OK;
    other = state_name_by_owner(s, &at);
    return other != NULL && name_entry_is_served(s, other) ? ERR_OK : table_batch_remove(b, &at);
}

static enum err stage_name(const struct state *s, struct name_work *w, const struct name_entry *n,
                           struct table_batch *b)
{
    const struct name *apex = &state_zone(s, n->zone)->spec.apex;
    struct name owner = {.len = 0}, above;
    const struct alias_row *alias;
    enum err e;

    name_set(&owner, n->owner, n->owner_len);
    name_fold(&owner);
    e = stage_own(s, w, n, &owner, b);
    if (s->n_aliases == 0)
        return e;
    for (above = owner; e == ERR_OK && name_is_below(&above, apex); name_strip(&above, &above, 1)) {
        const struct name_entry *top = state_name_by_owner(s, &above);

        if (top == NULL)
            continue;
        for (struct index_walk walk = aliases_of(s, top->id);
             e == ERR_OK && (alias = aliases_next(s, &walk, top->id)) != NULL;)
            e = stage_at_alias(s, w, n, &owner, &above, alias, b);
    }
    return e;
}

static enum err stage_names(const struct state *s, struct table_batch *b)
{
    struct name_work w = {0};
    enum err e = ERR_OK;

    for (uint32_t id = s->dirty; e == ERR_OK && id != 0; id = state_name(s, id)->next_dirty)
        e = stage_name(s, &w, state_name(s, id), b);
    name_work_fini(&w);
    return e;
}

/* ---- all ---- */

static void forget_next(struct state *s)
{
    for (uint32_t id = 1; id <= s->zones.last; id++) {
        struct zone_row *row = state_zone_row(s, id);

        free(row->next.names);
        row->next = (struct owners){0};
    }
}

static void clear_marks(struct state *s)
{
    for (uint32_t id = 1; id <= s->zones.last; id++) {
        struct zone_row *row = state_zone_row(s, id);

        if (row->static_dirty) {
            free(row->owners.names);
            row->owners = row->next;
            row->next = (struct owners){0};
        }
        if (row->z.dirty)
            row->staged = !row->z.removed;
        row->static_dirty = false;
        row->z.dirty = false;
    }
    aliases_clear_marks(s);
    while (s->dirty != 0) {
        struct name_entry *n = state_name(s, s->dirty);

        s->dirty = n->next_dirty;
        n->next_dirty = 0;
        n->dirty = false;
    }
}

enum err state_stage(struct state *s, struct table_batch *b)
{
    enum err e = stage_zones(s, b);

    if (e == ERR_OK)
        e = stage_aliases(s, b);
    if (e == ERR_OK)
        e = stage_names(s, b);
    if (e == ERR_OK)
        clear_marks(s);
    else
        forget_next(s);
    return e;
}
