/* Publishing a batch. Nothing here can fail. The order:
 *
 *   1  zones that are new get known by id, so that their nodes can be found; nobody looks into them yet
 *   2  larger arrays for segments that need them
 *   3  nodes that are put; then empty non-terminals that are still missing; then every new node is counted at the
 *      one above it. Only after that is anything taken away: so an existing name never disappears in between, and
 *      what table_batch.c found to exist is still there when it is needed
 *   4  removals, with the empty non-terminals that have nothing below any more
 *   5  zones: their serials, and the set of them */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/table_internal.h"

static void put_retired(struct table_batch *b, struct retired retired)
{
    if (retired.block == NULL)
        return;
    assert(b->n_retired < b->retired_need);
    b->retired[b->n_retired++] = retired;
}

static void retire(struct table_batch *b, void *block)
{
    put_retired(b, (struct retired){.block = block});
}

static void retire_node(struct table_batch *b, struct node *n)
{
    put_retired(b, (struct retired){.block = n, .is_node = true});
}

/* ---- zones ---- */

/* Copy the zones of from, those that can be found and those that only nodes name. */
static void index_copy(struct zone_index *to, const struct table *t, const struct zone_index *from)
{
    for (uint32_t id = 0; id < from->n_ids; id++) {
        struct table_zone *z = zone_index_get(from, id);
        if (z != NULL && !z->removed)
            zone_index_add(to, t, z);
        atomic_store_explicit(&to->by_id[id].zone, z, memory_order_relaxed);
    }
}

static void index_publish(struct table_batch *b, struct zone_index *x)
{
    retire(b, atomic_exchange_explicit(&b->t->zones, x, memory_order_acq_rel));
    b->t->counts.zones = x->n_zones;
}

static void introduce_zones(struct table_batch *b)
{
    struct zone_index *x = b->index[0];

    if (x == NULL)
        return;
    index_copy(x, b->t, atomic_load_explicit(&b->t->zones, memory_order_relaxed));
    for (size_t i = 0; i < b->n_zones; i++)
        if (zone_index_get(x, b->zones[i].id) == NULL)
            atomic_store_explicit(&x->by_id[b->zones[i].id].zone, b->zones[i].zone, memory_order_relaxed);
    index_publish(b, x);
    b->index[0] = NULL;
}

/* No zone comes or goes: each is replaced in its place. */
static void replace_zones(struct table_batch *b)
{
    const struct zone_index *x = atomic_load_explicit(&b->t->zones, memory_order_relaxed);

    for (size_t i = 0; i < b->n_zones; i++)
        retire(b, atomic_exchange_explicit(&x->by_id[b->zones[i].id].zone, b->zones[i].zone, memory_order_acq_rel));
}

static void publish_zones(struct table_batch *b)
{
    struct zone_index *last = b->index[1], *known;

    if (last == NULL) {
        replace_zones(b);
        return;
    }
    known = atomic_load_explicit(&b->t->zones, memory_order_relaxed);
    for (size_t i = 0; i < b->n_zones; i++) {
        struct zone_change *c = &b->zones[i];
        struct table_zone *before = zone_index_get(known, c->id);
        if (c->zone == NULL && before != NULL)
            before->removed = true;
        if (c->zone != before)
            retire(b, before);
        atomic_store_explicit(&last->by_id[c->id].zone, c->zone, memory_order_relaxed);
    }
    for (uint32_t id = 0; id < known->n_ids; id++) {
        struct table_zone *z = zone_index_get(last, id);
        if (z == NULL)
            z = zone_index_get(known, id);
        if (z != NULL && !z->removed)
            zone_index_add(last, b->t, z);
        atomic_store_explicit(&last->by_id[id].zone, z, memory_order_relaxed);
    }
    index_publish(b, last);
    b->index[1] = NULL;
}

/* ---- names ---- */

/* The node one label above n, when that is below the apex and exists. */
static struct node *node_above(const struct table_batch *b, const struct node *n, uint64_t *hash)
{
    const struct table_zone *z = table_node_zone(b->t, n);
    struct name owner;

    if (z == NULL || n->name_len == 0 || n->name_len == 1u + node_name(n)[0])
        return NULL;
    node_owner(n, z, &owner);
    name_strip(&owner, &owner, 1);
    *hash = table_hash(b->t, &owner);
    return (struct node *)(uintptr_t)table_find(b->t, &owner, *hash); /* below is the writer's */
}

static void count_above(const struct table_batch *b, const struct node *n)
{
    uint64_t hash;
    struct node *above = node_above(b, n, &hash);

    if (above != NULL)
        above->below++;
}

/* n is gone: so are the empty non-terminals above it that have nothing else below. */
static void uncount_above(struct table_batch *b, const struct node *n)
{
    uint64_t hash = 0;

    for (;;) {
        struct node *above = node_above(b, n, &hash);
        if (above == NULL)
            return;
        assert(above->below > 0);
        above->below--;
        if (above->below > 0 || (above->flags & NODE_EMPTY) == 0)
            return;
        table_erase(b->t, above, hash);
        retire_node(b, above);
        n = above;
    }
}

static void grow_segments(struct table_batch *b)
{
    for (unsigned i = 0; i < TABLE_SEGMENTS; i++) {
        if (b->grown[i] == 0)
            continue;
        retire(b, table_regrow(b->t, i, b->grown[i]));
        b->grown[i] = 0;
    }
}

/* Put a step's node where its old one is, or into a free slot. */
static void place(struct table_batch *b, struct batch_step *s)
{
    if (s->node->id != 0)
        s->node->row_flags |= ROW_IN_TABLE;
    if (s->old == NULL) {
        table_insert(b->t, s->node, s->hash);
        return;
    }
    s->node->below = s->old->below;
    table_replace(b->t, s->old, s->node, s->hash);
    retire_node(b, s->old);
}

/* The node is not needed when the owner has got one by another step. */
static void publish_empty(struct table_batch *b, struct batch_step *s)
{
    struct name owner;

    node_owner(s->node, table_node_zone(b->t, s->node), &owner);
    if (table_find(b->t, &owner, s->hash) == s->old) {
        place(b, s);
        return;
    }
    free(s->node);
    s->node = NULL;
}

static void publish_remove(struct table_batch *b, struct batch_step *s)
{
    struct name owner;

    node_owner(s->node, table_node_zone(b->t, s->node), &owner);
    if (table_find(b->t, &owner, s->hash) != s->old) { /* an empty non-terminal of another zone is there already */
        free(s->node);
        return;
    }
    if (s->old->below > 0) {
        place(b, s);
        return;
    }
    free(s->node);
    table_erase(b->t, s->old, s->hash);
    uncount_above(b, s->old);
    retire_node(b, s->old);
}

static bool changes_zone(const struct batch_step *s)
{
    return s->old != NULL && s->old->zone != s->node->zone;
}

static void publish_names(struct table_batch *b)
{
    struct batch_step *end = b->n_steps > 0 ? b->steps + b->n_steps : b->steps;

    for (struct batch_step *s = b->steps; s < end; s++)
        if (s->kind == BATCH_PUT)
            place(b, s);
    for (struct batch_step *s = b->steps; s < end; s++)
        if (s->kind == BATCH_EMPTY)
            publish_empty(b, s);
    for (struct batch_step *s = b->steps; s < end; s++)
        if (s->kind != BATCH_REMOVE && s->node != NULL && (s->old == NULL || changes_zone(s)))
            count_above(b, s->node);
    for (struct batch_step *s = b->steps; s < end; s++)
        if (s->kind != BATCH_REMOVE && s->node != NULL && changes_zone(s))
            uncount_above(b, s->old);
    for (struct batch_step *s = b->steps; s < end; s++)
        if (s->kind == BATCH_REMOVE)
            publish_remove(b, s);
}

static bool removes_zone(const struct table_batch *b)
{
    for (size_t i = 0; i < b->n_zones; i++)
        if (b->zones[i].zone == NULL)
            return true;
    return false;
}

void table_batch_publish(struct table_batch *b)
{
    struct table *t = b->t;

    assert(b->n_waiting == 0); /* every node's zone is known */
    introduce_zones(b);
    grow_segments(b);
    publish_names(b);
    publish_zones(b);
    t->open = NULL;
    batch_fini_work(b);
    if (b->n_retired == 0) {
        table_batch_reclaim(b);
        return;
    }
    b->next = t->garbage;
    t->garbage = b;
    t->n_garbage += b->n_retired;
    t->removes_zone = t->removes_zone || removes_zone(b);
}
