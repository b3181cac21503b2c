#include "core/state_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows by id ---- */

#define CHUNK_ROWS 4096u

void *ids_get(const struct ids *a, uint32_t id)
{
    if (id == 0 || id > a->last)
        return NULL;
    id--;
    return a->chunks[id / CHUNK_ROWS][id % CHUNK_ROWS];
}

enum err ids_append(struct ids *a, void *row)
{
    size_t chunk = a->last / CHUNK_ROWS;

    if (a->last == UINT32_MAX)
        return ERR_MEMORY;
    if (chunk == a->n_chunks) {
        void ***grown = reallocarray(a->chunks, chunk + 1, sizeof *grown);

        if (grown == NULL)
            return ERR_MEMORY;
        a->chunks = grown;
        grown[chunk] = calloc(CHUNK_ROWS, sizeof **grown);
        if (grown[chunk] == NULL)
            return ERR_MEMORY;
        a->n_chunks++;
    }
    a->chunks[chunk][a->last % CHUNK_ROWS] = row;
    a->last++;
    return ERR_OK;
}

void ids_fini(struct ids *a, void (*free_row)(void *row))
{
    for (uint32_t i = 0; i < a->last; i++)
        free_row(a->chunks[i / CHUNK_ROWS][i % CHUNK_ROWS]);
    for (size_t i = 0; i < a->n_chunks; i++)
        free(a->chunks[i]);
    free(a->chunks);
    *a = (struct ids){0};
}

/* ---- ids by hash ----
 *
 * Open addressing with linear probing. The hash's highest bits choose the segment, its low 32 are the tag: where a
 * pair's probing begins, and kept with it, so that a segment grows without looking at what the ids stand for. */

#define SEGMENT_CAP_MIN 8u

static size_t segment_of(uint64_t hash)
{
    return (size_t)(hash >> 58); /* log2(INDEX_SEGMENTS) bits */
}

static uint64_t slot_of(uint64_t hash, uint32_t id)
{
    return hash << 32 | id;
}

static size_t home_of(uint64_t slot, uint32_t cap)
{
    return (size_t)(slot >> 32) & (cap - 1);
}

static void segment_insert(uint64_t *slots, uint32_t cap, uint64_t slot)
{
    size_t at = home_of(slot, cap);

    while (slots[at] != 0)
        at = (at + 1) & (cap - 1);
    slots[at] = slot;
}

static enum err segment_grow(struct index_segment *g)
{
    uint32_t cap = g->cap > 0 ? g->cap * 2 : SEGMENT_CAP_MIN;
    uint64_t *slots;

    if (cap < g->cap)
        return ERR_MEMORY;
    slots = calloc(cap, sizeof *slots);
    if (slots == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < g->cap; i++)
        if (g->slots[i] != 0)
            segment_insert(slots, cap, g->slots[i]);
    free(g->slots);
    g->slots = slots;
    g->cap = cap;
    return ERR_OK;
}

/* Where the pair is; g->cap: nowhere. */
static size_t segment_find(const struct index_segment *g, uint64_t slot)
{
    if (g->cap == 0)
        return 0;
    for (size_t at = home_of(slot, g->cap); g->slots[at] != 0; at = (at + 1) & (g->cap - 1))
        if (g->slots[at] == slot)
            return at;
    return g->cap;
}

enum err index_put(struct index *x, uint64_t hash, uint32_t id)
{
    struct index_segment *g = &x->segments[segment_of(hash)];
    uint64_t slot = slot_of(hash, id);

    assert(id != 0);
    if (segment_find(g, slot) != g->cap)
        return ERR_OK;
    if (g->n >= g->cap / 4 * 3 && segment_grow(g) != ERR_OK)
        return ERR_MEMORY;
    segment_insert(g->slots, g->cap, slot);
    g->n++;
    return ERR_OK;
}

void index_remove(struct index *x, uint64_t hash, uint32_t id)
{
    struct index_segment *g = &x->segments[segment_of(hash)];
    size_t hole = segment_find(g, slot_of(hash, id));

    if (hole == g->cap)
        return;
    /* Those that follow move up into the hole, unless that would put them before the place where their probing
     * begins. */
    for (size_t at = (hole + 1) & (g->cap - 1); g->slots[at] != 0; at = (at + 1) & (g->cap - 1)) {
        size_t home = home_of(g->slots[at], g->cap);

        if (((at - home) & (g->cap - 1)) >= ((at - hole) & (g->cap - 1))) {
            g->slots[hole] = g->slots[at];
            hole = at;
        }
    }
    g->slots[hole] = 0;
    g->n--;
}

struct index_walk index_walk(const struct index *x, uint64_t hash)
{
    const struct index_segment *g = &x->segments[segment_of(hash)];

    return (struct index_walk){
        .segment = g,
        .tag = (uint32_t)hash,
        .at = g->cap > 0 ? home_of(slot_of(hash, 0), g->cap) : 0,
    };
}

uint32_t index_next(struct index_walk *w)
{
    const struct index_segment *g = w->segment;

    while (g->cap > 0 && g->slots[w->at] != 0) { /* ends: a segment is never full */
        uint64_t slot = g->slots[w->at];

        w->at = (w->at + 1) & (g->cap - 1);
        if (slot >> 32 == w->tag)
            return (uint32_t)slot;
    }
    return 0;
}

void index_fini(struct index *x)
{
    for (size_t i = 0; i < INDEX_SEGMENTS; i++)
        free(x->segments[i].slots);
    *x = (struct index){0};
}
