/* Names. A name's row is made anew at each change; the old one is kept until the next staging, since whoever asked
 * for the change may still be looking at it, or until the table has given it back, if it is in there. Claims are
 * folded in state_claim.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/state_internal.h"

enum err state_names_init(struct state *s)
{
    s->naming = calloc(1, sizeof *s->naming);
    if (s->naming == NULL)
        return ERR_MEMORY;
    s->naming->values = &s->naming->sets[0];
    return ERR_OK;
}

/* The rows go with the table's slab. */
void state_names_fini(struct state *s)
{
    refs_fini(&s->names);
    if (s->naming == NULL)
        return;
    value_set_fini(&s->naming->sets[0]);
    value_set_fini(&s->naming->sets[1]);
    row_room_fini(&s->naming->row);
    free((void *)s->naming->outdated);
    free(s->naming);
}

/* ---- looking ---- */

struct name_entry *state_name(const struct state *s, uint32_t id)
{
    uint32_t ref = refs_get(&s->names, id);

    return ref != 0 ? slab_at(table_slab(s->table), ref) : NULL;
}

static void join_owner(const struct state *s, const struct node *row, const uint8_t *labels, struct name *out)
{
    const struct name *apex = &state_zone(s, zone_of_table_id(row->zone))->spec.apex;
    uint8_t wire[2 * NAME_MAX_LEN];

    memcpy(wire, labels, row->name_len);
    memcpy(wire + row->name_len, apex->b, apex->len);
    name_set(out, wire, (size_t)row->name_len + apex->len);
}

void name_owner(const struct state *s, const struct name_entry *n, struct name *out)
{
    join_owner(s, row_of(n), row_cased_labels(row_of(n)), out);
}

void name_folded_owner(const struct state *s, const struct name_entry *n, struct name *out)
{
    join_owner(s, row_of(n), node_name(row_of(n)), out);
}

static bool has_owner(const struct state *s, const struct node *row, const struct name *folded)
{
    const struct name *apex = &state_zone(s, name_zone(entry_of(row)))->spec.apex;

    return folded->len == row->name_len + apex->len && memcmp(folded->b, node_name(row), row->name_len) == 0 &&
           memcmp(folded->b + row->name_len, apex->b, apex->len) == 0;
}

static struct name_entry *find_outside_table(const struct state *s, const struct name *folded, uint64_t hash)
{
    struct index_walk w = index_walk(&s->by_owner, hash);

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        struct name_entry *n = state_name(s, id);

        if (has_owner(s, row_of(n), folded))
            return n;
    }
    return NULL;
}

struct name_entry *state_find_name(const struct state *s, const struct name *folded, uint64_t hash)
{
    const struct node *node = table_find(s->table, folded, hash);

    /* The table has its row as it was published, if it is a name's at all. */
    return node != NULL && node->id != 0 ? state_name(s, node->id) : find_outside_table(s, folded, hash);
}

struct name_entry *state_name_by_owner(const struct state *s, const struct name *owner)
{
    struct name folded = *owner;

    name_fold(&folded);
    return state_find_name(s, &folded, table_hash(s->table, &folded));
}

/* A change looks at a name several times: its values are decoded once. */
static struct value_set *values_of(const struct state *s, const struct node *row)
{
    struct name_work *w = s->naming;

    if (w->valued != row)
        row_values(row, w->values);
    w->valued = row;
    return w->values;
}

struct value_set *state_take_values(const struct state *s, const struct name_entry *n)
{
    struct value_set *vs = values_of(s, row_of(n));

    s->naming->valued = NULL;
    return vs;
}

/* For a name that is about to be made. */
static struct value_set *take_no_values(const struct state *s)
{
    value_set_clear(s->naming->values);
    s->naming->valued = NULL;
    return s->naming->values;
}

const struct value_set *name_values(const struct state *s, const struct name_entry *n)
{
    return n == s->naming->collected.row ? s->naming->collected.values : values_of(s, row_of(n));
}

static bool lists_domain(const struct name_entry *n, const char *domain, size_t len)
{
    for (size_t i = 0; i < name_n_domains(n); i++)
        if (text_equal_nocase(name_domain(n, i), strlen(name_domain(n, i)), domain, len))
            return true;
    return false;
}

size_t state_names_by_domain(const struct state *s, const char *domain, size_t len, uint32_t *ids, size_t cap)
{
    struct index_walk w = index_walk(&s->by_domain, hash_text(s, domain, len));
    size_t n = 0;

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        const struct name_entry *name = state_name(s, id);

        if (name_retired_s(name) != 0 || !lists_domain(name, domain, len))
            continue;
        if (n < cap)
            ids[n] = id;
        n++;
    }
    return n;
}

/* ---- marks ---- */

void state_mark_dirty(struct state *s, const struct name_entry *n)
{
    refs_mark(&s->names, name_id(n));
}

void state_mark_served(struct state *s, const struct name_entry *n)
{
    struct zone_state *z = state_zone(s, name_zone(n));

    if (z->removed)
        return;
    z->served_changed = true;
    state_mark_dirty(s, n);
    aliases_mark_served(s, n);
}

/* ---- rows ---- */

static enum err reserve_outdated(struct name_work *w)
{
    size_t cap = w->cap_outdated > 0 ? w->cap_outdated * 2 : 64;
    struct node **grown;

    if (w->n_outdated < w->cap_outdated)
        return ERR_OK;
    grown = (struct node **)reallocarray((void *)w->outdated, cap, sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    w->outdated = grown;
    w->cap_outdated = cap;
    return ERR_OK;
}

static void give_row(const struct state *s, struct node *row)
{
    assert(s->naming->valued != row);
    slab_give(table_slab(s->table), row, row_size(row));
}

void state_forget_outdated(struct state *s)
{
    s->naming->valued = NULL; /* it may have been an outdated one, of which the table has some, too */
    while (s->naming->n_outdated > 0)
        give_row(s, s->naming->outdated[--s->naming->n_outdated]);
}

/* While loading nobody looks at rows from before. */
static void outdate(struct state *s, struct node *row)
{
    if ((row->row_flags & ROW_IN_TABLE) != 0) {
        refs_mark(&s->names,
                  row->id); /* it is the table's; to be replaced there too, so that there are not two for long */
        return;
    }
    if (s->positioned)
        s->naming->outdated[s->naming->n_outdated++] = row;
    else
        give_row(s, row);
}

static uint32_t ttl_of(const struct state *s, const struct row_spec *spec)
{
    const struct zone_spec *zone = &state_zone(s, zone_of_table_id(spec->zone))->spec;

    return value_set_all_pinned(spec->values) ? zone->pinned_ttl_s : zone->value_ttl_s;
}

/* A row as specified; looking at it, and at others while it is being changed, will not need memory. */
static enum err make_row(struct state *s, struct row_spec *spec, struct node **out)
{
    enum err e = value_set_reserve(&s->naming->sets[0], spec->values->n, spec->values->n_claims);

    if (e == ERR_OK)
        e = value_set_reserve(&s->naming->sets[1], spec->values->n, spec->values->n_claims);
    spec->ttl_s = ttl_of(s, spec);
    return e == ERR_OK ? row_new(out, table_slab(s->table), &s->naming->row, spec) : e;
}

enum err state_put_row(struct state *s, struct row_spec *spec)
{
    struct node *old = row_of(state_name(s, spec->id));
    uint32_t place = row_expiry_place(old);
    struct node *row = NULL;
    enum err e = reserve_outdated(s->naming);

    assert(spec->values == s->naming->values);
    spec->expiry_place = place;
    if (e == ERR_OK)
        e = make_row(s, spec, &row);
    if (e != ERR_OK)
        return e;
    refs_set(&s->names, spec->id, slab_ref(row));
    row_link(row, s->naming->values);
    s->naming->valued = row;
    e = expiry_update(s, row, spec->values, place);
    outdate(s, old);
    return e;
}

/* What the name's row is made of, to be changed. */
static void read_row(struct state *s, const struct name_entry *n, struct row_spec *spec)
{
    row_read(row_of(n), spec);
    spec->values = state_take_values(s, n);
}

enum err state_remake_row(struct state *s, const struct name_entry *n)
{
    struct row_spec spec;

    read_row(s, n, &spec);
    return state_put_row(s, &spec);
}

/* ---- folding names ---- */

static void count_name(struct state *s, const struct name_entry *n, int by)
{
    struct account *a = state_account(s, name_account(n));

    if (name_retired_s(n) != 0) {
        s->counts.tombstones += (uint64_t)by;
        return;
    }
    s->counts.names += (uint64_t)by;
    a->names += (uint32_t)by;
    if (a->unclaimed)
        s->counts.names_unclaimed += (uint64_t)by;
}

/* The domains of f side by side; free() them. NULL: out of memory, or there are too many. */
static char *join_domains(const struct effect_name *f, uint32_t *len)
{
    size_t octets = 0;
    char *domains, *at;

    for (size_t i = 0; i < f->n_domains; i++)
        octets += strlen(f->domains[i]) + 1;
    domains = octets <= UINT32_MAX ? malloc(octets + 1) : NULL;
    if (domains == NULL)
        return NULL;
    at = domains;
    for (size_t i = 0; i < f->n_domains; i++) {
        size_t size = strlen(f->domains[i]) + 1;

        memcpy(at, f->domains[i], size);
        at += size;
    }
    *len = (uint32_t)octets;
    return domains;
}

static enum err index_domains(struct state *s, const struct name_entry *n)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < name_n_domains(n); i++)
        e = index_put(&s->by_domain, hash_text(s, name_domain(n, i), strlen(name_domain(n, i))), name_id(n));
    return e;
}

static void unindex_domains(struct state *s, const struct name_entry *n)
{
    for (size_t i = 0; i < name_n_domains(n); i++)
        index_remove(&s->by_domain, hash_text(s, name_domain(n, i), strlen(name_domain(n, i))), name_id(n));
}

static bool name_row_is_sound(const struct state *s, const struct effect_name *f)
{
    const struct zone_state *z = state_zone(s, f->zone);

    return z != NULL && state_account(s, f->account) != NULL && f->owner.len > 0 && f->n_domains <= UINT16_MAX &&
           name_is_below(&f->owner, &z->spec.apex);
}

/* What f says; the labels are folded's. */
static struct row_spec spec_of(const struct state *s, const struct effect_name *f, const struct name *folded,
                               const char *domains, uint32_t domains_len)
{
    return (struct row_spec){
        .id = f->id,
        .account = f->account,
        .zone = table_id_of_zone(f->zone),
        .created_s = f->created_s,
        .retired_s = f->retired_s,
        .subtree = f->subtree,
        .n_domains = (uint16_t)f->n_domains,
        .domains = domains,
        .domains_len = domains_len,
        .labels = folded->b,
        .cased = f->owner.b,
        .labels_len = (size_t)folded->len - state_zone(s, f->zone)->spec.apex.len,
    };
}

/* The name's first row. */
static enum err add_row(struct state *s, struct row_spec *spec)
{
    struct node *row = NULL;
    enum err e = make_row(s, spec, &row);

    if (e != ERR_OK)
        return e;
    e = refs_append(&s->names, slab_ref(row));
    if (e != ERR_OK) {
        give_row(s, row);
        return e;
    }
    return ERR_OK;
}

static void count_values(struct state *s, const struct value_set *vs)
{
    s->counts.values += vs->n;
    s->counts.claims += vs->n_claims;
    s->counts.pinned += value_set_pinned_values(vs);
}

/* Make the name with the values that were taken. */
static enum err make_name(struct state *s, const struct effect_name *made, const struct name *folded)
{
    struct value_set *vs = s->naming->values;
    const struct name_entry *n;
    uint32_t domains_len = 0;
    struct row_spec spec;
    char *domains;
    enum err e;

    if (made->id == 0 || made->id != s->names.last + 1 || !name_row_is_sound(s, made))
        return ERR_CORRUPT;
    domains = join_domains(made, &domains_len);
    if (domains == NULL)
        return ERR_MEMORY;
    spec = spec_of(s, made, folded, domains, domains_len);
    spec.values = vs;
    e = add_row(s, &spec);
    free(domains);
    if (e != ERR_OK)
        return e;
    n = state_name(s, made->id);
    count_name(s, n, 1);
    count_values(s, vs);
    if (made->retired_s == 0)
        state_mark_served(s, n);
    e = expiry_update(s, row_of(n), vs, 0);
    return e == ERR_OK ? index_domains(s, n) : e;
}

enum err fold_name_made(struct state *s, const struct effect *f)
{
    struct name folded = f->u.name->owner;
    uint64_t hash;
    enum err e;

    name_fold(&folded);
    hash = table_hash(s->table, &folded);
    if (state_find_name(s, &folded, hash) != NULL)
        return ERR_CORRUPT;
    (void)take_no_values(s);
    e = make_name(s, f->u.name, &folded);
    return e == ERR_OK ? index_put(&s->by_owner, hash, f->u.name->id) : e;
}

enum err state_load_name(struct state *s, const struct effect_name *made, const struct effect_claim *claims,
                         size_t n_claims)
{
    struct value_set *vs = take_no_values(s);
    struct name folded = made->owner;
    enum err e = ERR_OK;

    name_fold(&folded);
    for (size_t i = 0; e == ERR_OK && i < n_claims; i++) {
        bool changed;

        e = value_set_claim(vs, claims[i].slot, NULL) == NULL ? value_set_add(vs, &claims[i], &changed)
                                                              : ERR_CORRUPT;
    }
    return e == ERR_OK ? make_name(s, made, &folded) : e;
}

enum err fold_name_set(struct state *s, const struct effect *f)
{
    const struct effect_name *set = f->u.name;
    const struct name_entry *n = state_name(s, set->id);
    struct name folded = set->owner;
    uint32_t domains_len = 0;
    struct row_spec spec;
    char *domains;
    bool was_live;
    enum err e;

    name_fold(&folded);
    if (n == NULL || !name_row_is_sound(s, set) || set->zone != name_zone(n) || !has_owner(s, row_of(n), &folded) ||
        set->created_s != name_created_s(n)) /* credentials were made with it */
        return ERR_CORRUPT;
    domains = join_domains(set, &domains_len);
    if (domains == NULL)
        return ERR_MEMORY;
    was_live = name_retired_s(n) == 0;
    count_name(s, n, -1);
    unindex_domains(s, n);
    spec = spec_of(s, set, &folded, domains, domains_len);
    spec.values = state_take_values(s, n);
    e = state_put_row(s, &spec);
    free(domains);
    if (e != ERR_OK)
        return e;
    n = state_name(s, set->id);
    count_name(s, n, 1);
    if (was_live != (set->retired_s == 0))
        state_mark_served(s, n);
    return index_domains(s, n);
}
