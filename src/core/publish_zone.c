/* Staging the zones: their static parts, and the zones themselves. */
#include "core/publish_internal.h"

#include <stdlib.h>
#include <string.h>

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

bool is_static_owner(const struct state *s, const struct zone_state *z, const struct name *folded)
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

size_t additional_of(struct record *out, const struct zone_spec *spec, const struct rrset *ns)
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
    struct node_spec spec = {
        .owner = owner, .zone = table_id_of_zone(z->id), .sets = w->sets, .additional = w->additional};
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

/* Put the nodes of the zone's static part and note their owners in row->next. A name that is in the table at one of
 * them gives way. */
static enum err stage_owners(struct state *s, struct zone_row *row, struct static_work *w, struct table_batch *b)
{
    const struct zone_spec *spec = &row->z.spec;
    bool apex_done = false;
    size_t until;

    row->next.names = calloc(w->n + 1, sizeof *row->next.names);
    if (row->next.names == NULL)
        return ERR_MEMORY;
    for (size_t from = 0; from < w->n || !apex_done; from = until) {
        const struct name *owner = from < w->n ? &w->sorted[from]->owner : &spec->apex;
        const struct name_entry *n = state_name_by_owner(s, owner);
        enum err e;

        if (n != NULL)
            state_mark_dirty(s, n);
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

static enum err stage_static(struct state *s, struct zone_row *row, struct table_batch *b)
{
    struct static_work w;
    enum err e;

    if (row->z.removed)
        return ERR_OK; /* it will have no owners */
    e = work_init(&w, &row->z.spec);
    if (e == ERR_OK)
        e = stage_owners(s, row, &w, b);
    work_fini(&w);
    return e;
}

bool is_alias_owner(const struct state *s, const struct name *owner)
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
        const struct name_entry *n;
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

enum err put_zone(const struct zone_state *z, const struct name *apex, uint32_t table_id, uint32_t serial,
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
        return row->staged ? table_batch_remove_zone(b, table_id_of_zone(z->id)) : ERR_OK;
    return put_zone(z, &z->spec.apex, table_id_of_zone(z->id), z->serial, b);
}

enum err stage_zones(struct state *s, struct table_batch *b)
{
    enum err e = ERR_OK;

    for (uint32_t id = 1; e == ERR_OK && id <= s->zones.last; id++) {
        struct zone_row *row = state_zone_row(s, id);

        if (row->static_dirty)
            e = stage_static(s, row, b);
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
