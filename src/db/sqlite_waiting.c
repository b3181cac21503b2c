#include "db/sqlite_waiting.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite_conn.h"

#define BITS      8u
#define ROWS_MIN  64
#define MARKS_MIN 64

enum waiting_sort waiting_sort_of(const struct effect *f)
{
    if (effect_is_of_claim(f->kind))
        return WAITING_CLAIMS;
    if (f->kind == EFFECT_ZONE_SERIAL)
        return WAITING_ZONE_SERIAL;
    return f->kind == EFFECT_ALIAS_SERIAL ? WAITING_ALIAS_SERIAL : WAITING_SORTS;
}

static uint32_t id_of(const struct effect *f)
{
    return effect_is_of_claim(f->kind) ? f->u.claim.name : f->u.serial.zone;
}

/* In the ring, whose size is a power of two. */
static size_t place(const struct waiting *w, size_t i)
{
    return (w->first + i) & (w->cap - 1);
}

/* Into a ring of twice the room. */
static enum err grow_rows(struct waiting *w)
{
    size_t cap = w->cap > 0 ? w->cap * 2 : ROWS_MIN;
    struct waiting_row *rows = reallocarray(NULL, cap, sizeof *rows);

    if (rows == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < w->n; i++)
        rows[i] = *waiting_at(w, i);
    free(w->rows);
    w->rows = rows;
    w->cap = cap;
    w->first = 0;
    return ERR_OK;
}

static enum err reserve_mark(struct waiting *w, enum waiting_sort sort, uint32_t id)
{
    size_t before = w->n_marks[sort];
    size_t n = before > 0 ? before : MARKS_MIN;
    uint8_t *marks;

    if (id / BITS < before)
        return ERR_OK;
    while (n <= id / BITS)
        n *= 2;
    marks = realloc(w->marks[sort], n);
    if (marks == NULL)
        return ERR_MEMORY;
    memset(marks + before, 0, n - before);
    w->marks[sort] = marks;
    w->n_marks[sort] = n;
    return ERR_OK;
}

static enum err reserve_marks(struct waiting *w, const struct entry *e)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < e->n_effects; i++) {
        enum waiting_sort sort = waiting_sort_of(&e->effects[i]);

        if (sort != WAITING_SORTS)
            err = reserve_mark(w, sort, id_of(&e->effects[i]));
    }
    return err;
}

enum err waiting_reserve(struct waiting *w, const struct entry *const *entries, size_t n)
{
    enum err e = ERR_OK;
    size_t effects = 0;

    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        effects += entries[i]->n_effects;
        e = reserve_marks(w, entries[i]);
    }
    while (e == ERR_OK && w->cap - w->n < effects)
        e = grow_rows(w);
    return e;
}

static bool is_marked(const struct waiting *w, enum waiting_sort sort, uint32_t id)
{
    return (w->marks[sort][id / BITS] >> id % BITS & 1) != 0;
}

static void flip_mark(struct waiting *w, enum waiting_sort sort, uint32_t id)
{
    w->marks[sort][id / BITS] ^= (uint8_t)(1u << id % BITS);
}

/* Serials do not count: all of them are few rows. But every entry does, since each is read by the next start. */
static uint64_t count(const struct entry *e)
{
    uint64_t n = 0;

    for (size_t i = 0; i < e->n_effects; i++)
        n += effect_is_of_claim(e->effects[i].kind);
    return n > 0 ? n : 1;
}

void waiting_note(struct waiting *w, const struct entry *e, uint64_t seq)
{
    for (size_t i = 0; i < e->n_effects; i++) {
        enum waiting_sort sort = waiting_sort_of(&e->effects[i]);
        uint32_t id = sort != WAITING_SORTS ? id_of(&e->effects[i]) : 0;

        if (sort == WAITING_SORTS || is_marked(w, sort, id))
            continue;
        flip_mark(w, sort, id);
        w->rows[place(w, w->n++)] = (struct waiting_row){.sort = sort, .id = id, .seq = seq, .before = w->counted};
    }
    w->counted += count(e);
}

const struct waiting_row *waiting_at(const struct waiting *w, size_t i)
{
    return &w->rows[place(w, i)];
}

void waiting_drop(struct waiting *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct waiting_row *row = waiting_at(w, i);

        flip_mark(w, row->sort, row->id);
    }
    w->first = place(w, n);
    w->n -= n;
    w->folded = w->n > 0 ? waiting_at(w, 0)->before : w->counted;
}

uint64_t waiting_changes(const struct waiting *w)
{
    return w->counted - w->folded;
}

void waiting_fini(struct waiting *w)
{
    free(w->rows);
    for (size_t i = 0; i < WAITING_SORTS; i++)
        free(w->marks[i]);
    *w = (struct waiting){0};
}
