/* Preparing a batch: everything that may fail happens here, before anything is visible. For each step the batch
 * finds out what it may need at worst (a slot, empty non-terminals, room to remember what it replaces) and sets it
 * aside; publication then takes what it does need. The table does not change while a batch is open, so what is
 * found here still holds there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/table_internal.h"

/* Room for n elements of size octets in *array. */
static enum err reserve(void **array, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap < 8 ? 8 : *cap;
    void *grown;

    if (n <= *cap)
        return ERR_OK;
    while (want < n)
        want *= 2;
    grown = realloc(*array, want * size);
    if (grown == NULL)
        return ERR_MEMORY;
    *array = grown;
    *cap = want;
    return ERR_OK;
}

enum err table_batch_new(struct table_batch **out, struct table *t)
{
    struct table_batch *b;

    assert(t->open == NULL);
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return ERR_MEMORY;
    b->t = t;
    t->open = b;
    *out = b;
    return ERR_OK;
}

/* ---- setting aside ---- */

static enum err reserve_retired(struct table_batch *b, size_t n)
{
    void *array = b->retired;
    enum err e = reserve(&array, &b->retired_cap, b->retired_need + n, sizeof b->retired[0]);

    b->retired = array;
    if (e == ERR_OK)
        b->retired_need += n;
    return e;
}

static enum err reserve_steps(struct table_batch *b, size_t n)
{
    void *array = b->steps;
    enum err e = reserve(&array, &b->steps_cap, b->n_steps + n, sizeof b->steps[0]);

    b->steps = array;
    return e;
}

/* One slot more in the segment of hash. */
static enum err reserve_slot(struct table_batch *b, uint64_t hash)
{
    size_t segment = hash % TABLE_SEGMENTS;
    const struct segment_fill *fill = &b->t->fill[segment];
    bool has_grown = b->grown[segment] != 0;
    struct segment now = has_grown ? segment_unpack(b->grown[segment]) : segment_of(b->t, hash);
    size_t need = b->need[segment] + (size_t)1;
    size_t occupied = has_grown ? fill->live : fill->used; /* marks are left behind when growing */
    uint64_t word = 0;
    size_t cap;
    enum err e = ERR_OK;

    b->need[segment] = (uint32_t)need;
    if (now.slots != b->t->no_slots && occupied + need <= segment_limit(now.cap))
        return ERR_OK;
    cap = segment_cap_for(fill->live + need); /* when there were many marks, perhaps not larger, or even smaller */
    if (cap > SEGMENT_CAP_MAX)
        return ERR_FULL;
    if (!has_grown)
        e = reserve_retired(b, 1);
    if (e != ERR_OK)
        return e;
    if (segment_new(cap, &word) == NULL)
        return ERR_MEMORY;
    if (has_grown)
        free(now.slots);
    b->grown[segment] = word;
    return ERR_OK;
}

/* ---- empty non-terminals ---- */

static bool is_same_empty(const struct batch_step *step, uint64_t hash, const struct name *folded,
                          const struct table_zone *z)
{
    return step->hash == hash && step->node->zone == z->id && node_is_named(step->node, z, folded);
}

static bool has_empty(const struct table_batch *b, const struct name *folded, uint64_t hash,
                      const struct table_zone *z)
{
    size_t mask = b->empties_cap - 1;

    if (b->empties_cap == 0)
        return false;
    for (size_t i = hash & mask; b->empties[i] != 0; i = (i + 1) & mask)
        if (is_same_empty(&b->steps[b->empties[i] - 1], hash, folded, z))
            return true;
    return false;
}

static void empties_put(uint32_t *empties, size_t cap, uint64_t hash, uint32_t entry)
{
    size_t i = hash & (cap - 1);

    while (empties[i] != 0)
        i = (i + 1) & (cap - 1);
    empties[i] = entry;
}

static enum err reserve_empty(struct table_batch *b)
{
    size_t cap = b->empties_cap == 0 ? 16 : b->empties_cap * 2;
    uint32_t *empties;

    if (b->n_empties + 1 <= b->empties_cap / 2)
        return ERR_OK;
    empties = calloc(cap, sizeof empties[0]);
    if (empties == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->empties_cap; i++)
        if (b->empties[i] != 0)
            empties_put(empties, cap, b->steps[b->empties[i] - 1].hash, b->empties[i]);
    free(b->empties);
    b->empties = empties;
    b->empties_cap = cap;
    return ERR_OK;
}

/* The writer may change what readers may not. */
static struct node *lookup(const struct table_batch *b, const struct name *folded, uint64_t hash)
{
    return (struct node *)(uintptr_t)table_find(b->t, folded, hash);
}

/* What n's end may take out of the table: itself and the empty non-terminals above it. */
static size_t retired_at_most(const struct node *n)
{
    size_t labels = 0;

    for (size_t pos = 0; pos < n->name_len; pos += 1u + node_name(n)[pos])
        labels++;
    return 1 + labels;
}

/* old: NULL, or the node of another zone that is in the new one's place. */
static enum err stage_empty(struct table_batch *b, const struct name *owner, uint64_t hash, struct node *old,
                            const struct table_zone *z)
{
    enum err e = reserve_steps(b, 1);
    struct node *n;

    if (e == ERR_OK)
        e = reserve_empty(b);
    if (e == ERR_OK)
        e = old == NULL ? reserve_slot(b, hash) : reserve_retired(b, retired_at_most(old));
    if (e != ERR_OK)
        return e;
    n = node_new_empty(owner, (size_t)owner->len - z->apex.len, z->id);
    if (n == NULL)
        return ERR_MEMORY;
    b->steps[b->n_steps++] = (struct batch_step){.kind = BATCH_EMPTY, .node = n, .old = old, .hash = hash};
    empties_put(b->empties, b->empties_cap, hash, (uint32_t)b->n_steps);
    b->n_empties++;
    return ERR_OK;
}

/* Those of the names between owner and the apex that do not exist in the zone. Above one that does, all do. */
static enum err stage_missing_ancestors(struct table_batch *b, const struct name *owner, const struct table_zone *z)
{
    struct name above;
    enum err e = ERR_OK;

    for (name_strip(&above, owner, 1); e == ERR_OK && above.len > z->apex.len; name_strip(&above, &above, 1)) {
        uint64_t hash = table_hash(b->t, &above);
        struct node *old = lookup(b, &above, hash);
        /* That zone is about to go: one has no other inside. */
        bool is_of_other = old != NULL && old->zone != z->id;
        if ((old != NULL && !is_of_other) || has_empty(b, &above, hash, z))
            break;
        e = stage_empty(b, &above, hash, old, z);
    }
    return e;
}

/* ---- names ---- */

static void free_unless_row(struct node *n)
{
    if (n->id == 0)
        free(n);
}

/* Takes n, which is as it will be in the table, in any case. */
static enum err stage_node(struct table_batch *b, struct node *n, const struct name *owner,
                           const struct table_zone *z)
{
    struct batch_step step = {.kind = BATCH_PUT, .node = n, .hash = table_hash(b->t, owner)};
    enum err e;

    step.old = lookup(b, owner, step.hash);
    if (step.old == n) /* a row that is there already */
        return ERR_OK;
    e = step.old == NULL ? reserve_slot(b, step.hash) : reserve_retired(b, retired_at_most(step.old));
    if (e == ERR_OK && (step.old == NULL || step.old->zone != z->id) && owner->len > z->apex.len)
        e = stage_missing_ancestors(b, owner, z);
    if (e == ERR_OK)
        e = reserve_steps(b, 1);
    if (e == ERR_OK)
        b->steps[b->n_steps++] = step;
    else
        free_unless_row(n);
    return e;
}

static enum err stage_put(struct table_batch *b, const struct node *staged, const struct table_zone *z)
{
    struct name owner;
    struct node *n;

    name_set(&owner, node_name(staged), staged->name_len);
    if (!name_is_at_or_below(&owner, &z->apex))
        return ERR_RANGE;
    n = node_new_trimmed(staged, (size_t)owner.len - z->apex.len);
    return n != NULL ? stage_node(b, n, &owner, z) : ERR_MEMORY;
}

/* The zone that nodes with this id will be in. NULL: not known (yet). */
static const struct table_zone *zone_after(const struct table_batch *b, uint32_t id)
{
    const struct table_zone *z = zone_index_get(atomic_load_explicit(&b->t->zones, memory_order_relaxed), id);

    for (size_t i = b->n_zones; z == NULL && i-- > 0;)
        if (b->zones[i].id == id)
            z = b->zones[i].zone;
    return z;
}

enum err table_batch_put(struct table_batch *b, struct node *n)
{
    const struct table_zone *z = zone_after(b, n->zone);
    void *array = b->waiting;
    enum err e;

    if (z == NULL) {
        e = reserve(&array, &b->waiting_cap, b->n_waiting + 1, sizeof b->waiting[0]);
        b->waiting = array;
        if (e == ERR_OK)
            b->waiting[b->n_waiting++] = n;
        else
            free(n);
        return e;
    }
    e = stage_put(b, n, z);
    free(n);
    return e;
}

enum err table_batch_put_row(struct table_batch *b, struct node *row)
{
    const struct table_zone *z = zone_after(b, row->zone);
    struct name owner;

    assert(z != NULL && row->id != 0);
    node_owner(row, z, &owner);
    return stage_node(b, row, &owner, z);
}

enum err table_batch_remove(struct table_batch *b, const struct name *owner)
{
    struct batch_step step = {.kind = BATCH_REMOVE};
    struct name folded = *owner;
    enum err e;

    name_fold(&folded);
    step.hash = table_hash(b->t, &folded);
    step.old = lookup(b, &folded, step.hash);
    if (step.old == NULL || (step.old->flags & NODE_EMPTY) != 0)
        return ERR_OK;
    e = reserve_retired(b, retired_at_most(step.old));
    if (e == ERR_OK)
        e = reserve_steps(b, 1);
    if (e != ERR_OK)
        return e;
    step.node = node_new_empty(&folded, step.old->name_len, step.old->zone);
    if (step.node == NULL)
        return ERR_MEMORY;
    b->steps[b->n_steps++] = step;
    return ERR_OK;
}

/* ---- zones ---- */

/* Two new indexes with room for one zone more and for id. */
static enum err reserve_index(struct table_batch *b, uint32_t id)
{
    const struct zone_index *x = atomic_load_explicit(&b->t->zones, memory_order_relaxed);
    uint32_t ids = x->n_ids > id ? x->n_ids : id + 1, zones = x->n_zones + (uint32_t)b->n_zones + 1;
    struct zone_index *made[2];
    enum err e;

    if (b->index[0] != NULL && ids <= b->index_ids && zones <= b->index_zones)
        return ERR_OK;
    e = b->index[0] == NULL ? reserve_retired(b, 2) : ERR_OK;
    if (e != ERR_OK)
        return e;
    if (b->index[0] != NULL) { /* not the first: there may be many */
        if (ids <= b->index_ids)
            ids = b->index_ids; /* the room stays for ever: none more than is needed */
        else if (ids < 2 * b->index_ids)
            ids = 2 * b->index_ids;
        zones *= 2;
    }
    made[0] = zone_index_new(ids, zones);
    made[1] = zone_index_new(ids, zones);
    if (made[0] == NULL || made[1] == NULL) {
        free(made[0]);
        free(made[1]);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < 2; i++) {
        free(b->index[i]);
        b->index[i] = made[i];
    }
    b->index_ids = ids;
    b->index_zones = zones;
    return ERR_OK;
}

/* Takes z (NULL: remove) and puts it in the place of an earlier change to the zone, if there is one. */
static enum err stage_zone(struct table_batch *b, uint32_t id, struct table_zone *z)
{
    void *array = b->zones;
    enum err e;

    for (size_t i = 0; i < b->n_zones; i++)
        if (b->zones[i].id == id) {
            free(b->zones[i].zone);
            b->zones[i].zone = z;
            return ERR_OK;
        }
    e = reserve(&array, &b->zones_cap, b->n_zones + 1, sizeof b->zones[0]);
    b->zones = array;
    if (e == ERR_OK)
        e = reserve_retired(b, 1);
    if (e != ERR_OK) {
        free(z);
        return e;
    }
    b->zones[b->n_zones++] = (struct zone_change){.id = id, .zone = z};
    return ERR_OK;
}

/* Stage the nodes that have been waiting for the zone. */
static enum err stage_waiting(struct table_batch *b, const struct table_zone *z)
{
    size_t kept = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; i < b->n_waiting; i++) {
        struct node *n = b->waiting[i];
        if (e != ERR_OK || n->zone != z->id) {
            b->waiting[kept++] = n;
            continue;
        }
        e = stage_put(b, n, z);
        free(n);
    }
    b->n_waiting = kept;
    return e;
}

enum err table_batch_put_zone(struct table_batch *b, const struct table_zone_spec *zone)
{
    const struct table_zone *before =
        zone_index_get(atomic_load_explicit(&b->t->zones, memory_order_relaxed), zone->id);
    struct table_zone *z = NULL;
    enum err e = table_zone_new(&z, zone);

    if (e != ERR_OK)
        return e;
    assert(before == NULL || (!before->removed && name_equal(&before->apex, &z->apex)));
    if (before == NULL)
        e = reserve_index(b, zone->id);
    if (e != ERR_OK) {
        free(z);
        return e;
    }
    e = stage_zone(b, zone->id, z);
    return e == ERR_OK ? stage_waiting(b, z) : e;
}

enum err table_batch_remove_zone(struct table_batch *b, uint32_t zone)
{
    const struct table_zone *z = zone_index_get(atomic_load_explicit(&b->t->zones, memory_order_relaxed), zone);
    enum err e;

    if (z == NULL || z->removed)
        return ERR_OK;
    e = reserve_index(b, zone);
    return e == ERR_OK ? stage_zone(b, zone, NULL) : e;
}

/* ---- ends ---- */

void batch_fini_work(struct table_batch *b)
{
    for (size_t i = 0; i < b->n_waiting; i++)
        free(b->waiting[i]);
    for (size_t i = 0; i < TABLE_SEGMENTS; i++)
        if (b->grown[i] != 0)
            free(segment_unpack(b->grown[i]).slots);
    free(b->index[0]);
    free(b->index[1]);
    free(b->waiting);
    free(b->empties);
    free(b->steps);
}

void table_batch_free(struct table_batch *b)
{
    if (b == NULL)
        return;
    b->t->open = NULL;
    for (size_t i = 0; i < b->n_steps; i++)
        free_unless_row(b->steps[i].node);
    for (size_t i = 0; i < b->n_zones; i++)
        free(b->zones[i].zone);
    batch_fini_work(b);
    free(b->zones);
    free(b->retired);
    free(b);
}

void table_batch_reclaim(struct table_batch *b)
{
    for (size_t i = 0; i < b->n_retired; i++)
        if (b->retired[i].is_node)
            table_free_node(b->t, b->retired[i].block);
        else
            free(b->retired[i].block);
    free(b->zones);
    free(b->retired);
    free(b);
}

bool table_batch_forget_zones(const struct table_batch *b, struct zone_index *x)
{
    bool any = false;

    for (size_t i = 0; i < b->n_zones; i++)
        if (b->zones[i].zone == NULL && zone_index_get(x, b->zones[i].id) != NULL) {
            atomic_store_explicit(&x->by_id[b->zones[i].id].zone, NULL, memory_order_release);
            any = true;
        }
    return any;
}
