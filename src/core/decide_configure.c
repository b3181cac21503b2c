/* Bringing the stored zones in line with the configuration, as one change like any other. */
#include <string.h>

#include "core/decide_internal.h"

static bool is_same_wire(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static bool is_same_soa(const struct soa *a, const struct soa *b)
{
    return is_same_wire(&a->mname, &b->mname) && is_same_wire(&a->rname, &b->rname) &&
           a->refresh_s == b->refresh_s && a->retry_s == b->retry_s && a->expire_s == b->expire_s &&
           a->minimum_s == b->minimum_s && a->ttl_s == b->ttl_s;
}

static bool is_same_record(const struct record *a, const struct record *b)
{
    return name_equal(&a->owner, &b->owner) && a->type == b->type && a->ttl_s == b->ttl_s &&
           a->rdata.len == b->rdata.len && memcmp(a->rdata.bytes, b->rdata.bytes, a->rdata.len) == 0;
}

/* As sets: both are without duplicates, and mostly in the same order. */
static bool has_record(const struct zone_spec *z, const struct record *record, size_t likely)
{
    if (likely < z->n_records && is_same_record(&z->records[likely], record))
        return true;
    for (size_t i = 0; i < z->n_records; i++)
        if (is_same_record(&z->records[i], record))
            return true;
    return false;
}

static bool is_same_spec(const struct zone_spec *a, const struct zone_spec *b)
{
    if (!name_equal(&a->apex, &b->apex) || !is_same_soa(&a->soa, &b->soa) || a->n_records != b->n_records ||
        a->challenge_caa != b->challenge_caa || a->value_ttl_s != b->value_ttl_s ||
        a->pinned_ttl_s != b->pinned_ttl_s)
        return false;
    for (size_t i = 0; i < a->n_records; i++)
        if (!has_record(b, &a->records[i], i))
            return false;
    return true;
}

/* The zone of the settings with an apex; NULL: none. */
static const struct zone_spec *configured(const struct settings *set, const struct name *apex)
{
    for (size_t i = 0; i < set->n_zones; i++)
        if (name_equal(&set->zones[i].apex, apex))
            return &set->zones[i];
    return NULL;
}

/* What is stored and served of a zone of the settings; NULL: nothing. */
static const struct zone_state *stored(const struct deciding *c, const struct zone_spec *spec)
{
    const struct zone_state *zone = state_zone_by_apex(c->s, &spec->apex);

    return zone != NULL && !zone->removed ? zone : NULL;
}

static const struct record *conflict_with(const struct zone_spec *spec, const struct name *owner)
{
    for (size_t i = 0; i < spec->n_records; i++) {
        const struct name *at = &spec->records[i].owner;
        if (!name_equal(at, &spec->apex) && (name_is_at_or_below(owner, at) || name_is_below(at, owner)))
            return &spec->records[i];
    }
    return NULL;
}

/* Static records and names exclude each other: whether the zone as configured would stand on a live name; false:
 * refused. */
static bool names_stay_clear(struct deciding *c, const struct zone_spec *spec)
{
    for (uint32_t id = 1; id <= state_last_name(c->s); id++) {
        const struct name_entry *n = state_name(c->s, id);
        const struct record *record;
        struct name owner;
        if (n == NULL || name_retired_s(n) != 0)
            continue;
        name_owner(c->s, n, &owner);
        if (!name_is_below(&owner, &spec->apex))
            continue;
        record = conflict_with(spec, &owner);
        if (record == NULL)
            continue;
        hint(c, "take the record out of the zone's records, or remove the name: riposte name delete %s",
             show_wire(&owner).text);
        (void)refuse(c, REFUSAL_CONFLICT, "the static record %s stands in the way of the name %s of account %s",
                     show_wire(&record->owner).text, show_wire(&owner).text,
                     show_account(c->s, name_account(n)).text);
        return false;
    }
    return true;
}

/* A copy of the zone in the entry's arena; NULL: out of memory. */
static struct effect_zone *row_of_spec(struct deciding *c, uint32_t id, const struct zone_spec *spec)
{
    struct effect_zone *row = arena_alloc(&c->e->arena, sizeof *row);
    struct record *records = arena_alloc(&c->e->arena, (spec->n_records + 1) * sizeof *records);

    if (row == NULL || records == NULL)
        return NULL;
    row->id = id;
    row->spec = *spec;
    row->spec.records = records;
    for (size_t i = 0; i < spec->n_records; i++) {
        records[i] = spec->records[i];
        records[i].rdata.bytes =
            (const uint8_t *)arena_copy(&c->e->arena, spec->records[i].rdata.bytes, spec->records[i].rdata.len);
        if (records[i].rdata.bytes == NULL)
            return NULL;
    }
    return row;
}

static MUST_USE enum err emit_zone(struct deciding *c, const struct zone_spec *spec)
{
    const struct zone_state *zone = state_zone_by_apex(c->s, &spec->apex); /* a removed one comes back */
    struct effect_zone *row = row_of_spec(c, zone != NULL ? zone->id : state_last_zone(c->s) + 1, spec);

    if (row == NULL)
        return ERR_MEMORY;
    return emit(c, &(struct effect){.kind = EFFECT_ZONE_SET, .u.zone = row});
}

static MUST_USE enum err emit_zone_removed(struct deciding *c, const struct zone_state *zone)
{
    struct effect_zone *row = row_of_spec(c, zone->id, &zone->spec);

    if (row == NULL)
        return ERR_MEMORY;
    return emit(c, &(struct effect){.kind = EFFECT_ZONE_REMOVED, .u.zone = row});
}

enum err decide_configure(struct deciding *c)
{
    const struct settings *set = c->r->u.configure;
    uint32_t last = state_last_zone(c->s);
    enum err e = ERR_OK;

    for (size_t i = 0; i < set->n_zones; i++) {
        const struct zone_state *zone = stored(c, &set->zones[i]);
        if ((zone == NULL || !is_same_spec(&zone->spec, &set->zones[i])) && !names_stay_clear(c, &set->zones[i]))
            return ERR_OK;
    }
    if (!aliases_stay_clear(c, set))
        return ERR_OK;
    for (uint32_t id = 1; id <= last && e == ERR_OK; id++) {
        const struct zone_state *zone = state_zone(c->s, id);
        if (zone != NULL && !zone->removed && configured(set, &zone->spec.apex) == NULL)
            e = emit_zone_removed(c, zone);
    }
    for (size_t i = 0; i < set->n_zones && e == ERR_OK; i++) {
        const struct zone_state *zone = stored(c, &set->zones[i]);
        if (zone == NULL || !is_same_spec(&zone->spec, &set->zones[i]))
            e = emit_zone(c, &set->zones[i]);
    }
    return e;
}
