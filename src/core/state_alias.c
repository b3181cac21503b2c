/* The aliases of the state: found by id, by their own name, and by the name that they stand for.
 *
 * What the table shows of an alias that has ended has to be taken away, so its row stays until state_stage() has
 * done that; only staging finds it. */
#include "core/state_internal.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 16

/* ---- looking ---- */

/* Where the first alias with an id of at least this is, or would be. */
static size_t place_of(const struct state *s, uint32_t id)
{
    size_t low = 0, high = s->n_aliases;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->aliases[middle]->a.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct alias_row *alias_row(const struct state *s, uint32_t id)
{
    size_t at = place_of(s, id);

    return at < s->n_aliases && s->aliases[at]->a.id == id ? s->aliases[at] : NULL;
}

const struct alias *state_alias(const struct state *s, uint32_t id)
{
    const struct alias_row *row = alias_row(s, id);

    return row != NULL && !row->ended ? &row->a : NULL;
}

uint32_t state_last_alias(const struct state *s)
{
    return s->last_alias;
}

static const struct alias *alias_by_wire(const struct state *s, const uint8_t *wire, size_t len)
{
    struct index_walk w = index_walk(&s->by_alias, hash_bytes(s, wire, len));

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        const struct alias_row *row = alias_row(s, id);

        if (row->a.fqdn.len == len && memcmp(row->a.fqdn.b, wire, len) == 0)
            return &row->a;
    }
    return NULL;
}

const struct alias *state_alias_at(const struct state *s, const struct name *fqdn)
{
    struct name folded = *fqdn;

    name_fold(&folded);
    return alias_by_wire(s, folded.b, folded.len);
}

const struct alias *state_alias_over(const struct state *s, const struct name *owner)
{
    const struct alias *found = NULL;
    struct name folded = *owner;

    if (s->n_aliases == 0)
        return NULL;
    name_fold(&folded);
    for (size_t at = 0; at < folded.len && found == NULL; at += 1 + (size_t)folded.b[at])
        found = alias_by_wire(s, folded.b + at, folded.len - at);
    return found;
}

bool owner_moved(const struct name *owner, const struct name *from, const struct name *to, struct name *out)
{
    uint8_t wire[2 * NAME_MAX_LEN];
    size_t prefix = (size_t)owner->len - from->len;

    if (prefix + to->len > NAME_MAX_LEN)
        return false;
    memcpy(wire, owner->b, prefix);
    memcpy(wire + prefix, to->b, to->len);
    name_set(out, wire, prefix + to->len);
    return true;
}

bool state_alias_target(const struct state *s, const struct name *owner, struct name *out)
{
    const struct alias *alias = state_alias_over(s, owner);
    const struct name_entry *n = alias != NULL ? state_name(s, alias->name) : NULL;
    struct name to;

    if (n == NULL || !name_entry_is_served(s, n) || (!alias->served && alias->fqdn.len != owner->len))
        return false;
    name_folded_owner(s, n, &to);
    return owner_moved(owner, &alias->fqdn, &to, out);
}

struct index_walk aliases_of(const struct state *s, uint32_t name)
{
    return index_walk(&s->by_alias_name, hash_bytes(s, &name, sizeof name));
}

struct alias_row *aliases_next(const struct state *s, struct index_walk *walk, uint32_t name)
{
    for (uint32_t id = index_next(walk); id != 0; id = index_next(walk)) {
        struct alias_row *row = alias_row(s, id);

        if (row->a.name == name)
            return row;
    }
    return NULL;
}

size_t state_aliases_of(const struct state *s, uint32_t name, uint32_t *ids, size_t cap)
{
    struct index_walk w = aliases_of(s, name);
    const struct alias_row *row;
    size_t n = 0;

    while ((row = aliases_next(s, &w, name)) != NULL) {
        if (row->ended)
            continue;
        if (n < cap)
            ids[n] = row->a.id;
        n++;
    }
    return n;
}

size_t state_alias_places(const struct state *s, const struct name_entry *n, struct name *out, size_t cap)
{
    const struct zone_state *z = state_zone(s, name_zone(n));
    struct name owner, above;
    size_t places = 0;

    if (s->n_aliases == 0)
        return 0;
    name_folded_owner(s, n, &owner);
    for (above = owner; name_is_below(&above, &z->spec.apex); name_strip(&above, &above, 1)) {
        const struct name_entry *up = state_name_by_owner(s, &above);
        const struct alias_row *row;

        if (up == NULL)
            continue;
        for (struct index_walk w = aliases_of(s, name_id(up));
             places < cap && (row = aliases_next(s, &w, name_id(up))) != NULL;)
            if (alias_is_mounted(s, row) && owner_moved(&owner, &above, &row->a.fqdn, &out[places]))
                places++;
    }
    return places;
}

bool alias_is_mounted(const struct state *s, const struct alias_row *row)
{
    return !row->ended && row->a.served && name_entry_is_served(s, state_name(s, row->a.name));
}

uint32_t state_alias_needing_serial(const struct state *s, uint32_t after)
{
    uint32_t id = after == 0 ? s->dirty_aliases : alias_row(s, after)->next_dirty;

    while (id != 0) {
        const struct alias_row *row = alias_row(s, id);

        if (row->served_changed && alias_is_mounted(s, row))
            return id;
        id = row->next_dirty;
    }
    return 0;
}

/* ---- marks ---- */

static void mark_dirty(struct state *s, struct alias_row *row)
{
    if (row->dirty)
        return;
    row->dirty = true;
    row->next_dirty = s->dirty_aliases;
    s->dirty_aliases = row->a.id;
}

static void mark_served(struct state *s, struct alias_row *row)
{
    if (row->ended || !row->a.served)
        return;
    row->served_changed = true;
    mark_dirty(s, row);
}

void aliases_mark_served(struct state *s, const struct name_entry *n)
{
    const struct zone_state *z = state_zone(s, name_zone(n));
    const struct name_entry *up;
    struct alias_row *row;
    struct name above;

    if (s->n_aliases == 0)
        return;
    name_folded_owner(s, n, &above);
    for (; name_is_below(&above, &z->spec.apex); name_strip(&above, &above, 1)) {
        up = state_name_by_owner(s, &above);
        if (up == NULL)
            continue;
        for (struct index_walk w = aliases_of(s, name_id(up)); (row = aliases_next(s, &w, name_id(up))) != NULL;)
            mark_served(s, row);
    }
}

void aliases_mark_zone(struct state *s, uint32_t zone)
{
    for (size_t i = 0; i < s->n_aliases; i++) {
        struct name_entry *n = state_name(s, s->aliases[i]->a.name);

        if (name_zone(n) != zone)
            continue;
        mark_served(s, s->aliases[i]);
        state_mark_dirty(s, n); /* its name servers are those of the zone */
    }
}

static void alias_free(struct state *s, struct alias_row *row)
{
    size_t at = place_of(s, row->a.id);

    index_remove(&s->by_alias_name, hash_bytes(s, &row->a.name, sizeof row->a.name), row->a.id);
    s->n_aliases--;
    memmove(&s->aliases[at], &s->aliases[at + 1], (s->n_aliases - at) * sizeof(struct alias_row *));
    free(row);
}

void aliases_clear_marks(struct state *s)
{
    while (s->dirty_aliases != 0) {
        struct alias_row *row = alias_row(s, s->dirty_aliases);

        s->dirty_aliases = row->next_dirty;
        row->next_dirty = 0;
        row->dirty = false;
        row->staged = alias_is_mounted(s, row);
        if (row->ended)
            alias_free(s, row);
    }
}

void aliases_fini(struct state *s)
{
    for (size_t i = 0; i < s->n_aliases; i++)
        free(s->aliases[i]);
    free((void *)s->aliases);
    index_fini(&s->by_alias);
    index_fini(&s->by_alias_name);
}

/* ---- folding ---- */

static enum err append(struct state *s, struct alias_row *row)
{
    size_t cap = s->cap_aliases > 0 ? s->cap_aliases * 2 : FIRST_ROWS;
    struct alias_row **grown;

    if (s->n_aliases == s->cap_aliases) {
        grown = (struct alias_row **)reallocarray((void *)s->aliases, cap, sizeof *grown);
        if (grown == NULL)
            return ERR_MEMORY;
        s->aliases = grown;
        s->cap_aliases = cap;
    }
    s->aliases[s->n_aliases++] = row;
    return ERR_OK;
}

enum err fold_alias_made(struct state *s, const struct effect *f)
{
    const struct effect_alias *made = f->u.alias;
    struct alias_row *row;
    enum err e;

    /* With holes when loading, as with secrets. */
    if (made->id <= s->last_alias || state_name(s, made->name) == NULL || made->fqdn.len == 0 ||
        state_alias_at(s, &made->fqdn) != NULL)
        return ERR_CORRUPT;
    row = calloc(1, sizeof *row);
    if (row == NULL)
        return ERR_MEMORY;
    row->a = (struct alias){.id = made->id, .name = made->name, .fqdn = made->fqdn, .served = made->served};
    name_fold(&row->a.fqdn);
    e = append(s, row);
    if (e != ERR_OK) {
        free(row);
        return e;
    }
    s->last_alias = made->id;
    mark_served(s, row);
    e = index_put(&s->by_alias, hash_bytes(s, row->a.fqdn.b, row->a.fqdn.len), row->a.id);
    if (e != ERR_OK)
        return e;
    return index_put(&s->by_alias_name, hash_bytes(s, &row->a.name, sizeof row->a.name), row->a.id);
}

enum err fold_alias_ended(struct state *s, const struct effect *f)
{
    struct alias_row *row = alias_row(s, f->u.alias->id);

    if (row == NULL || row->ended)
        return ERR_CORRUPT;
    index_remove(&s->by_alias, hash_bytes(s, row->a.fqdn.b, row->a.fqdn.len), row->a.id);
    row->ended = true;
    mark_dirty(s, row);
    return ERR_OK;
}

enum err fold_alias_serial(struct state *s, const struct effect *f)
{
    struct alias_row *row = alias_row(s, f->u.serial.zone);

    if (row == NULL || row->ended)
        return ERR_CORRUPT;
    row->a.serial = f->u.serial.serial;
    row->served_changed = false;
    mark_dirty(s, row);
    return ERR_OK;
}
