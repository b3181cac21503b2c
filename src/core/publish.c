/* Staging: nodes and zones for what DNS shows and what has changed of it.
 *
 * Zones come first. For each whose static part changed, the owners that it will have are worked out and their nodes
 * made; only when those of all zones are known, owners that vanished are taken away, unless something else stands
 * there now. Names come last; where a static owner stands, it stays (they exclude each other, so this does not
 * happen by itself). In that way an owner is put or removed once in a batch.
 *
 * An alias that is served is a zone of the table, with nodes of its own for its name and for the names below that.
 * A name is staged with its places at all aliases, those that have ended too: there it is taken away. */
#include "core/publish_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/value_set.h"

/* ---- aliases ---- */

/* True when an alias comes or goes of a name above n, which is live. */
static bool moves(const struct state *s, const struct name_entry *n)
{
    const struct name *apex = &state_zone(s, name_zone(n))->spec.apex;
    struct name above;

    if (name_retired_s(n) != 0 ||
        row_is_single_label(row_of(n))) /* nearly all: nothing is above them but the apex */
        return false;
    name_folded_owner(s, n, &above);
    for (name_strip(&above, &above, 1); name_is_below(&above, apex); name_strip(&above, &above, 1)) {
        const struct name_entry *up = state_name_by_owner(s, &above);
        const struct alias_row *row;

        if (up == NULL)
            continue;
        for (struct index_walk w = aliases_of(s, name_id(up)); (row = aliases_next(s, &w, name_id(up))) != NULL;)
            if (alias_is_mounted(s, row) != row->staged)
                return true;
    }
    return false;
}

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
    for (uint32_t id = 1; any && id <= s->names.last; id++)
        if (!refs_is_marked(&s->names, id) && moves(s, state_name(s, id)))
            state_mark_dirty(s, state_name(s, id));
}

static enum err stage_aliases(struct state *s, struct table_batch *b)
{
    enum err e = ERR_OK;

    mark_names_of_moved(s);
    for (uint32_t id = s->dirty_aliases; e == ERR_OK && id != 0; id = alias_row(s, id)->next_dirty) {
        struct alias_row *row = alias_row(s, id);

        if (alias_is_mounted(s, row)) {
            e = put_zone(state_zone(s, name_zone(state_name(s, row->a.name))), &row->a.fqdn, table_id_of_alias(id),
                         row->a.serial, b);
        } else if (row->staged) {
            e = table_batch_remove_zone(b, table_id_of_alias(id));
        }
    }
    return e;
}

/* ---- names ---- */

/* Room for the values of one name at a time, and the name servers of the last zone that was asked for. */
struct name_room {
    struct rdata *rdatas;
    size_t cap;
    uint32_t zone; /* whose name servers; 0: none yet */
    struct rdata *ns_rdatas;
    struct record *additional;
    struct rrset ns;
    size_t n_additional;
};

static void name_room_fini(struct name_room *w)
{
    free(w->rdatas);
    free(w->ns_rdatas);
    free(w->additional);
}

/* An alias has the name servers of its name's zone. */
static enum err list_name_servers(struct name_room *w, const struct zone_state *z)
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

static enum err list_rdatas(struct name_room *w, const struct value_set *vs)
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

/* Put a node of the name's values at its place at an alias. */
static enum err stage_values(struct name_room *w, const struct state *s, const struct name_entry *n,
                             const struct name *owner, const struct alias_row *alias, struct table_batch *b)
{
    const struct zone_row *zone = state_zone_row(s, name_zone(n));
    const struct value_set *vs = name_values(s, n);
    bool pinned = value_set_all_pinned(vs);
    enum err e = list_rdatas(w, vs);
    struct rrset sets[2] = {{
        .type = RR_TXT,
        .ttl_s = pinned ? zone->z.spec.pinned_ttl_s : zone->z.spec.value_ttl_s,
        .n = vs->n,
        .rdatas = w->rdatas,
    }};
    struct node_spec spec = {
        .owner = owner,
        .zone = table_id_of_alias(alias->a.id),
        .flags = pinned ? NODE_CHALLENGE | NODE_PINNED : NODE_CHALLENGE,
        .sets = sets,
        .n_sets = vs->n > 0 ? 1 : 0,
    };
    struct node *node = NULL;

    if (e == ERR_OK && owner->len == alias->a.fqdn.len) {
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

/* The table is about to give back the row that is in it: so the name gets another one, and is found outside it. */
static enum err leave_table(struct state *s, uint32_t id, const struct name *owner)
{
    const struct name_entry *n = state_name(s, id);
    enum err e = index_put(&s->by_owner, table_hash(s->table, owner), id);

    return e == ERR_OK && (row_of(n)->row_flags & ROW_IN_TABLE) != 0 ? state_remake_row(s, n) : e;
}

/* The name's own place. */
static enum err stage_own(struct state *s, uint32_t id, const struct name *owner, struct table_batch *b)
{
    const struct name_entry *n = state_name(s, id);
    const struct zone_state *own = state_zone(s, name_zone(n));
    /* Another zone, or an alias, can be there only when the name's own is not. */
    bool is_static = is_static_owner(s, own->removed ? state_zone_of(s, owner) : own, owner);
    enum err e;

    if (!is_static && name_entry_is_served(s, n)) {
        row_of(n)->row_flags |= ROW_STAGED;
        return table_batch_put_row(b, row_of(n));
    }
    e = leave_table(s, id, owner);
    return e != ERR_OK || is_static || is_alias_owner(s, owner) ? e : table_batch_remove(b, owner);
}

/* The name's place at an alias of it, or of the name `top` above it. */
static enum err stage_at_alias(const struct state *s, struct name_room *w, const struct name_entry *n,
                               const struct name *owner, const struct name *top, const struct alias_row *alias,
                               struct table_batch *b)
{
    const struct name_entry *other;
    struct name at;

    if (!owner_moved(owner, top, &alias->a.fqdn, &at)) /* too long to be asked for */
        return ERR_OK;
    other = state_name_by_owner(s, &at);
    if (other != NULL && name_entry_is_served(s, other)) /* a name's own place goes before */
        return ERR_OK;
    if (alias_is_mounted(s, alias) && name_entry_is_served(s, n))
        return stage_values(w, s, n, &at, alias, b);
    if (!alias->staged || is_static_owner(s, state_zone_of(s, &at), &at) || is_alias_owner(s, &at))
        return ERR_OK;
    return table_batch_remove(b, &at);
}

static enum err stage_name(struct state *s, struct name_room *w, uint32_t id, struct table_batch *b)
{
    const struct name *apex = &state_zone(s, name_zone(state_name(s, id)))->spec.apex;
    struct name owner, above;
    const struct alias_row *alias;
    enum err e;

    name_folded_owner(s, state_name(s, id), &owner);
    e = stage_own(s, id, &owner, b);
    if (s->n_aliases == 0)
        return e;
    for (above = owner; e == ERR_OK && name_is_below(&above, apex); name_strip(&above, &above, 1)) {
        const struct name_entry *top = state_name_by_owner(s, &above);

        if (top == NULL)
            continue;
        for (struct index_walk walk = aliases_of(s, name_id(top));
             e == ERR_OK && (alias = aliases_next(s, &walk, name_id(top))) != NULL;)
            e = stage_at_alias(s, w, state_name(s, id), &owner, &above, alias, b);
    }
    return e;
}

static enum err stage_names(struct state *s, struct table_batch *b)
{
    struct name_room w = {0};
    enum err e = ERR_OK;

    for (uint32_t id = refs_next_marked(&s->names, 0); e == ERR_OK && id != 0; id = refs_next_marked(&s->names, id))
        e = stage_name(s, &w, id, b);
    name_room_fini(&w);
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

static void clear_zone_marks(struct state *s)
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
}

/* Names that are being put into the table are found there. */
static void clear_name_marks(struct state *s)
{
    for (uint32_t id; (id = refs_next_marked(&s->names, 0)) != 0;) {
        struct node *row = row_of(state_name(s, id));
        struct name owner;

        refs_unmark(&s->names, id);
        if ((row->row_flags & ROW_STAGED) == 0)
            continue;
        row->row_flags &= (uint8_t)~ROW_STAGED;
        name_folded_owner(s, entry_of(row), &owner);
        index_remove(&s->by_owner, table_hash(s->table, &owner), id);
    }
}

/* What comes after the zones. */
static enum err stage_rest(struct state *s, struct table_batch *b)
{
    enum err e = stage_aliases(s, b);

    if (e == ERR_OK)
        e = stage_names(s, b);
    if (e != ERR_OK)
        return e;
    clear_zone_marks(s);
    aliases_clear_marks(s);
    clear_name_marks(s);
    state_forget_outdated(s);
    return ERR_OK;
}

enum err state_stage(struct state *s, struct table_batch *b)
{
    enum err e = stage_zones(s, b);

    if (e == ERR_OK)
        e = stage_rest(s, b);
    if (e != ERR_OK)
        forget_next(s);
    return e;
}

/* ---- all at once ---- */

typedef enum err stage_part(struct state *s, struct table_batch *b);

static enum err publish_part(struct state *s, stage_part *stage)
{
    struct table_batch *b = NULL;
    enum err e = table_batch_new(&b, s->table);

    if (e == ERR_OK)
        e = stage(s, b);
    if (e == ERR_OK)
        table_batch_publish(b);
    else
        table_batch_free(b);
    return e;
}

/* A name on its way into the table. */
struct filling {
    struct name_entry *n;
    struct name owner;
    uint64_t hash;
};

/* Nearly all names are the only node at their owner, with nothing above them: these need no batch. Those with
 * aliases keep their mark, for the aliases. */
static bool is_plain(const struct state *s, const struct filling *f)
{
    return row_is_single_label(row_of(f->n)) && name_entry_is_served(s, f->n) &&
           !is_static_owner(s, state_zone(s, name_zone(f->n)), &f->owner) && state_alias_over(s, &f->owner) == NULL;
}

static enum err fill_name(struct state *s, const struct filling *f)
{
    struct index_walk w = aliases_of(s, name_id(f->n));
    enum err e;

    if (state_find_name(s, &f->owner, f->hash) != NULL)
        return ERR_CORRUPT;
    if (!is_plain(s, f))
        return index_put(&s->by_owner, f->hash, name_id(f->n));
    e = table_fill(s->table, row_of(f->n), f->hash);
    if (s->n_aliases == 0 || aliases_next(s, &w, name_id(f->n)) == NULL)
        refs_unmark(&s->names, name_id(f->n));
    return e;
}

#define FILL_AHEAD 32 /* names whose slots are fetched at a time */

static enum err fill_names(struct state *s)
{
    struct filling ahead[FILL_AHEAD];
    enum err e = table_reserve(s->table, s->names.last);

    index_fini(&s->by_owner); /* what is to be in it is put again */
    for (uint32_t id = 1, n; e == ERR_OK && id <= s->names.last; id += n) {
        for (n = 0; n < FILL_AHEAD && id + n <= s->names.last; n++) {
            struct filling *f = &ahead[n];

            f->n = state_name(s, id + n);
            name_folded_owner(s, f->n, &f->owner);
            f->hash = table_hash(s->table, &f->owner);
            (void)table_prefetch(s->table, f->hash);
        }
        for (uint32_t i = 0; e == ERR_OK && i < n; i++)
            e = fill_name(s, &ahead[i]);
    }
    return e;
}

enum err state_fill(struct state *s)
{
    enum err e = publish_part(s, stage_zones);

    if (e == ERR_OK)
        e = fill_names(s);
    return e == ERR_OK ? publish_part(s, stage_rest) : e;
}
