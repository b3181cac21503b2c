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

/* ---- rows of a slab by id ---- */

_Static_assert(CHUNK_ROWS % 64 == 0, "marks are kept by 64");

struct ref_chunk {
    uint32_t refs[CHUNK_ROWS];
    uint64_t marks[CHUNK_ROWS / 64];
};

uint32_t refs_get(const struct refs *a, uint32_t id)
{
    if (id == 0 || id > a->last)
        return 0;
    id--;
    return a->chunks[id / CHUNK_ROWS].at->refs[id % CHUNK_ROWS];
}

void refs_set(struct refs *a, uint32_t id, uint32_t ref)
{
    id--;
    a->chunks[id / CHUNK_ROWS].at->refs[id % CHUNK_ROWS] = ref;
}

enum err refs_append(struct refs *a, uint32_t ref)
{
    size_t chunk = a->last / CHUNK_ROWS;

    if (a->last == UINT32_MAX)
        return ERR_MEMORY;
    if (chunk == a->n_chunks) {
        struct ref_place *grown = reallocarray(a->chunks, chunk + 1, sizeof *grown);

        if (grown == NULL)
            return ERR_MEMORY;
        a->chunks = grown;
        grown[chunk] = (struct ref_place){.at = calloc(1, sizeof(struct ref_chunk))};
        if (grown[chunk].at == NULL)
            return ERR_MEMORY;
        a->n_chunks++;
    }
    a->last++;
    refs_set(a, a->last, ref);
    return ERR_OK;
}

void refs_mark(struct refs *a, uint32_t id)
{
    struct ref_place *place = &a->chunks[(id - 1) / CHUNK_ROWS];
    uint64_t *word = &place->at->marks[(id - 1) % CHUNK_ROWS / 64];
    uint64_t bit = UINT64_C(1) << ((id - 1) % 64);

    place->n_marks += (*word & bit) == 0;
    *word |= bit;
}

bool refs_is_marked(const struct refs *a, uint32_t id)
{
    id--;
    return (a->chunks[id / CHUNK_ROWS].at->marks[id % CHUNK_ROWS / 64] >> (id % 64) & 1) != 0;
}

void refs_unmark(struct refs *a, uint32_t id)
{
    struct ref_place *place = &a->chunks[(id - 1) / CHUNK_ROWS];
    uint64_t *word = &place->at->marks[(id - 1) % CHUNK_ROWS / 64];
    uint64_t bit = UINT64_C(1) << ((id - 1) % 64);

    place->n_marks -= (*word & bit) != 0;
    *word &= ~bit;
}

/* The first marked one of the chunk from its row `from` on; CHUNK_ROWS: none. */
static size_t next_mark(const struct ref_chunk *c, size_t from)
{
    for (size_t w = from / 64; w < CHUNK_ROWS / 64; w++) {
        uint64_t bits = c->marks[w];

        if (w == from / 64)
            bits &= UINT64_MAX << (from % 64);
        if (bits != 0)
            return w * 64 + (size_t)__builtin_ctzll(bits);
    }
    return CHUNK_ROWS;
}

uint32_t refs_next_marked(const struct refs *a, uint32_t after)
{
    size_t row = after % CHUNK_ROWS; /* of the id `after` + 1 */

    for (size_t i = after / CHUNK_ROWS; i < a->n_chunks; i++, row = 0) {
        size_t found = a->chunks[i].n_marks > 0 ? next_mark(a->chunks[i].at, row) : CHUNK_ROWS;

        if (found < CHUNK_ROWS)
            return (uint32_t)(i * CHUNK_ROWS + found + 1);
    }
    return 0;
}

void refs_fini(struct refs *a)
{
    for (size_t i = 0; i < a->n_chunks; i++)
        free(a->chunks[i].at);
    free(a->chunks);
    *a = (struct refs){0};
}

/* ---- ids by hash ----
 *
 * Open addressing with linear probing. The hash's highest bits choose the segment, its low 32 are the tag: where a
 * pair's probing begins, and kept with it, so that a segment grows without looking at what the ids stand for. Tags
 * are mapped to places in their order, whatever the number of slots: so segments grow by an eighth, not to double,
 * and what grows is copied from front to back. */

#define SEGMENT_CAP_MIN 8u

static size_t segment_number(uint64_t hash)
{
    return (size_t)(hash >> 58); /* log2(INDEX_SEGMENTS) bits */
}

static uint64_t slot_of(uint64_t hash, uint32_t id)
{
    return hash << 32 | id;
}

static size_t home_of(uint64_t slot, uint32_t cap)
{
    return (size_t)((slot >> 32) * cap >> 32);
}

static size_t behind(size_t at, uint32_t cap)
{
    return at + 1 < cap ? at + 1 : 0;
}

/* How far `at` is behind `from`. */
static size_t distance(size_t from, size_t at, uint32_t cap)
{
    return at >= from ? at - from : at + cap - from;
}

static void segment_insert(uint64_t *slots, uint32_t cap, uint64_t slot)
{
    size_t at = home_of(slot, cap);

    while (slots[at] != 0)
        at = behind(at, cap);
    slots[at] = slot;
}

static enum err segment_grow(struct index_segment *g, uint32_t cap)
{
    uint64_t *slots;

    if (cap <= g->cap)
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
    for (size_t at = home_of(slot, g->cap); g->slots[at] != 0; at = behind(at, g->cap))
        if (g->slots[at] == slot)
            return at;
    return g->cap;
}

enum err index_put(struct index *x, uint64_t hash, uint32_t id)
{
    struct index_segment *g = &x->segments[segment_number(hash)];
    uint64_t slot = slot_of(hash, id);

    assert(id != 0);
    if (segment_find(g, slot) != g->cap)
        return ERR_OK;
    if (g->n >= g->cap - g->cap / 5 && /* full to four fifths */
        segment_grow(g, g->cap + g->cap / 8 + SEGMENT_CAP_MIN) != ERR_OK)
        return ERR_MEMORY;
    segment_insert(g->slots, g->cap, slot);
    g->n++;
    return ERR_OK;
}

enum err index_reserve(struct index *x, uint32_t n)
{
    uint32_t each = n / INDEX_SEGMENTS + n / INDEX_SEGMENTS / 32; /* hashes do not spread quite evenly */
    uint32_t cap = each + each / 4 + SEGMENT_CAP_MIN;
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < INDEX_SEGMENTS; i++)
        if (x->segments[i].cap < cap)
            e = segment_grow(&x->segments[i], cap);
    return e;
}

void index_remove(struct index *x, uint64_t hash, uint32_t id)
{
    struct index_segment *g = &x->segments[segment_number(hash)];
    size_t hole = segment_find(g, slot_of(hash, id));

    if (hole == g->cap)
        return;
    /* Those that follow move up into the hole, unless that would put them before the place where their probing
     * begins. */
    for (size_t at = behind(hole, g->cap); g->slots[at] != 0; at = behind(at, g->cap)) {
        size_t home = home_of(g->slots[at], g->cap);

        if (distance(home, at, g->cap) >= distance(hole, at, g->cap)) {
            g->slots[hole] = g->slots[at];
            hole = at;
        }
    }
    g->slots[hole] = 0;
    g->n--;
}

struct index_walk index_walk(const struct index *x, uint64_t hash)
{
    const struct index_segment *g = &x->segments[segment_number(hash)];

    return (struct index_walk){
        .segment = g,
        .tag = (uint32_t)hash,
        .at = home_of(slot_of(hash, 0), g->cap),
    };
}

uint32_t index_next(struct index_walk *w)
{
    const struct index_segment *g = w->segment;

    while (g->cap > 0 && g->slots[w->at] != 0) { /* ends: a segment is never full */
        uint64_t slot = g->slots[w->at];

        w->at = behind(w->at, g->cap);
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
