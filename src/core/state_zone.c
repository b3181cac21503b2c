/* The zones of the state: their static parts, and what of them excludes names. */
#include "core/state_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

struct zone_row *state_zone_row(const struct state *s, uint32_t id)
{
    return ids_get(&s->zones, id);
}

struct zone_state *state_zone(const struct state *s, uint32_t id)
{
    struct zone_row *row = state_zone_row(s, id);

    return row != NULL ? &row->z : NULL;
}

/* By the octets of a folded name. */
static struct zone_state *zone_by_wire(const struct state *s, const uint8_t *wire, size_t len)
{
    struct index_walk w = index_walk(&s->by_apex, hash_bytes(s, wire, len));

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        struct zone_state *z = state_zone(s, id);

        if (z->spec.apex.len == len && memcmp(z->spec.apex.b, wire, len) == 0)
            return z;
    }
    return NULL;
}

struct zone_state *state_zone_by_apex(const struct state *s, const struct name *apex)
{
    struct name folded = *apex;

    name_fold(&folded);
    return zone_by_wire(s, folded.b, folded.len);
}

struct zone_state *state_zone_of(const struct state *s, const struct name *owner)
{
    struct name folded = *owner;

    name_fold(&folded);
    for (size_t at = 0; at < folded.len; at += 1 + (size_t)folded.b[at]) { /* ends behind the root label */
        struct zone_state *z = zone_by_wire(s, folded.b + at, folded.len - at);

        if (z != NULL && !z->removed)
            return z;
    }
    return NULL;
}

bool state_static_conflicts(const struct state *s, const struct name *owner)
{
    const struct zone_state *z = state_zone_of(s, owner);

    if (z == NULL)
        return false;
    if (name_equal(owner, &z->spec.apex))
        return true;
    for (size_t i = 0; i < z->spec.n_records; i++) {
        const struct name *at = &z->spec.records[i].owner;

        if (!name_equal(at, &z->spec.apex) && (name_is_at_or_below(owner, at) || name_is_below(at, owner)))
            return true;
    }
    return false;
}

bool name_entry_is_served(const struct state *s, const struct name_entry *n)
{
    return name_retired_s(n) == 0 && !state_zone(s, name_zone(n))->removed;
}

bool state_zone_needs_serial(const struct state *s, uint32_t zone)
{
    const struct zone_state *z = state_zone(s, zone);

    return z != NULL && !z->removed && z->served_changed;
}

/* ---- rows ---- */

void zone_row_free(void *row)
{
    struct zone_row *z = row;

    free(z->block);
    free(z->owners.names);
    free(z->next.names);
    free(z);
}

/* Put a copy of spec, in one block, in the place of what row has. */
static enum err copy_spec(struct zone_row *row, const struct zone_spec *spec)
{
    size_t octets = 0;
    struct record *records;
    uint8_t *rdata;

    for (size_t i = 0; i < spec->n_records; i++)
        octets += spec->records[i].rdata.len;
    records = malloc(spec->n_records * sizeof *records + octets + 1); /* never 0 */
    if (records == NULL)
        return ERR_MEMORY;
    rdata = (uint8_t *)(records + spec->n_records);
    for (size_t i = 0; i < spec->n_records; i++) {
        records[i] = spec->records[i];
        name_fold(&records[i].owner);
        records[i].rdata.bytes = rdata;
        if (records[i].rdata.len > 0)
            memcpy(rdata, spec->records[i].rdata.bytes, records[i].rdata.len);
        rdata += records[i].rdata.len;
    }
    free(row->block);
    row->block = records;
    row->z.spec = *spec;
    row->z.spec.records = records;
    name_fold(&row->z.spec.apex);
    return ERR_OK;
}

static enum err zone_make(struct state *s, const struct effect_zone *f)
{
    struct zone_row *row;
    enum err e;

    if (f->id == 0 || f->id != s->zones.last + 1 || f->spec.apex.len == 0 ||
        state_zone_by_apex(s, &f->spec.apex) != NULL)
        return ERR_CORRUPT;
    row = calloc(1, sizeof *row);
    if (row == NULL)
        return ERR_MEMORY;
    row->z.id = f->id;
    e = copy_spec(row, &f->spec);
    if (e == ERR_OK)
        e = ids_append(&s->zones, row);
    if (e != ERR_OK) {
        zone_row_free(row);
        return e;
    }
    return index_put(&s->by_apex, hash_owner(s, &f->spec.apex), f->id);
}

static void mark_names(struct state *s, uint32_t zone)
{
    for (uint32_t id = 1; id <= s->names.last; id++) {
        const struct name_entry *n = state_name(s, id);

        if (name_zone(n) == zone && name_retired_s(n) == 0)
            state_mark_dirty(s, n);
    }
}

/* The TTL of the zone's values is another one. */
static enum err remake_names(struct state *s, uint32_t zone)
{
    enum err e = ERR_OK;

    for (uint32_t id = 1; e == ERR_OK && id <= s->names.last; id++) {
        const struct name_entry *n = state_name(s, id);

        if (name_zone(n) != zone || name_n_values(n) == 0)
            continue;
        if (name_retired_s(n) == 0)
            state_mark_dirty(s, n);
        e = state_remake_row(s, n);
    }
    return e;
}

static enum err zone_replace(struct state *s, struct zone_row *row, const struct effect_zone *f)
{
    bool was_removed = row->z.removed;
    bool ttl_changed =
        row->z.spec.value_ttl_s != f->spec.value_ttl_s || row->z.spec.pinned_ttl_s != f->spec.pinned_ttl_s;
    enum err e;

    if (!name_equal(&row->z.spec.apex, &f->spec.apex))
        return ERR_CORRUPT;
    e = copy_spec(row, &f->spec);
    if (e != ERR_OK)
        return e;
    row->z.removed = false;
    if (was_removed)
        mark_names(s, f->id);
    return ttl_changed ? remake_names(s, f->id) : ERR_OK;
}

enum err fold_zone_set(struct state *s, const struct effect *f)
{
    struct zone_row *row = state_zone_row(s, f->u.zone->id);
    enum err e = row != NULL ? zone_replace(s, row, f->u.zone) : zone_make(s, f->u.zone);

    if (e != ERR_OK)
        return e;
    row = state_zone_row(s, f->u.zone->id);
    row->z.dirty = true;
    row->z.served_changed = true;
    row->static_dirty = true;
    aliases_mark_zone(s, row->z.id);
    return ERR_OK;
}

enum err fold_zone_removed(struct state *s, const struct effect *f)
{
    struct zone_row *row = state_zone_row(s, f->u.zone->id);

    if (row == NULL)
        return ERR_CORRUPT;
    row->z.removed = true;
    row->z.dirty = true;
    row->z.served_changed = false; /* nobody is left to be told a serial */
    row->static_dirty = true;
    mark_names(s, row->z.id);
    aliases_mark_zone(s, row->z.id);
    return ERR_OK;
}

enum err fold_zone_serial(struct state *s, const struct effect *f)
{
    struct zone_state *z = state_zone(s, f->u.serial.zone);

    if (z == NULL)
        return ERR_CORRUPT;
    z->serial = f->u.serial.serial;
    z->served_changed = false;
    z->dirty = true;
    return ERR_OK;
}
