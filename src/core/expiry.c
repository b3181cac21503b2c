/* When claims expire: a heap of names by the earliest expiry of each. A name holds few claims, so that looking
 * through them is cheaper than an entry for every claim; and since each name knows its place, nothing in the heap
 * is ever stale. */
#include "core/state_internal.h"

#include <stdlib.h>

/* The earliest expiry of a name's claims, 0: none expires. */
static int64_t earliest_of(const struct value_set *vs)
{
    int64_t earliest = 0;

    for (size_t k = 0; k < vs->n_claims; k++) {
        int64_t expires_s = vs->claims[k].expires_s;

        if (expires_s != 0 && (earliest == 0 || expires_s < earliest))
            earliest = expires_s;
    }
    return earliest;
}

static void put_at(struct state *s, size_t i, struct expiry_entry entry)
{
    s->expiry.heap[i] = entry;
    row_set_expiry_place(row_of(state_name(s, entry.name)), (uint32_t)i + 1);
}

static void sift_up(struct state *s, size_t i, struct expiry_entry entry)
{
    const struct expiry *x = &s->expiry;

    for (; i > 0; i = (i - 1) / 2) {
        struct expiry_entry parent = x->heap[(i - 1) / 2];

        if (parent.expires_s <= entry.expires_s)
            break;
        put_at(s, i, parent);
    }
    put_at(s, i, entry);
}

static void sift_down(struct state *s, size_t i, struct expiry_entry entry)
{
    const struct expiry *x = &s->expiry;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= x->n)
            break;
        if (child + 1 < x->n && x->heap[child + 1].expires_s < x->heap[child].expires_s)
            child++;
        if (entry.expires_s <= x->heap[child].expires_s)
            break;
        put_at(s, i, x->heap[child]);
        i = child;
    }
    put_at(s, i, entry);
}

/* The place i is to hold entry, whatever was there. */
static void settle(struct state *s, size_t i, struct expiry_entry entry)
{
    if (i > 0 && entry.expires_s < s->expiry.heap[(i - 1) / 2].expires_s)
        sift_up(s, i, entry);
    else
        sift_down(s, i, entry);
}

static void take_out(struct state *s, size_t i)
{
    struct expiry_entry last = s->expiry.heap[--s->expiry.n];

    if (i < s->expiry.n)
        settle(s, i, last);
}

/* By an eighth: there may be millions. */
static enum err grow(struct expiry *x)
{
    size_t cap = x->cap + x->cap / 8 + 64;
    struct expiry_entry *grown = reallocarray(x->heap, cap, sizeof *grown);

    if (grown == NULL)
        return ERR_MEMORY;
    x->heap = grown;
    x->cap = cap;
    return ERR_OK;
}

enum err expiry_update(struct state *s, struct node *row, const struct value_set *vs, uint32_t place)
{
    int64_t earliest_s = earliest_of(vs);
    struct expiry_entry entry = {
        .expires_s = earliest_s < UINT32_MAX ? (uint32_t)earliest_s : UINT32_MAX,
        .name = row->id,
    };

    if (earliest_s == 0) {
        if (place != 0)
            take_out(s, place - 1);
        if (vs->n > 0)
            row_set_expiry_place(row, 0);
        return ERR_OK;
    }
    if (place != 0) {
        settle(s, place - 1, entry);
        return ERR_OK;
    }
    if (s->expiry.n == s->expiry.cap && grow(&s->expiry) != ERR_OK)
        return ERR_MEMORY;
    s->expiry.n++;
    sift_up(s, s->expiry.n - 1, entry);
    return ERR_OK;
}

void expiry_fini(struct expiry *x)
{
    free(x->heap);
    *x = (struct expiry){0};
}

int64_t state_next_expiry(const struct state *s)
{
    return s->expiry.n > 0 ? s->expiry.heap[0].expires_s : 0;
}

struct expired {
    const struct state *s;
    int64_t now_s;
    struct claim_ref *out;
    size_t n, cap;
};

static void list_name(struct expired *x, uint32_t name)
{
    const struct value_set *vs = name_values(x->s, state_name(x->s, name));

    for (size_t i = 0; i < vs->n; i++) {
        const struct value *v = &vs->values[i];

        for (size_t k = 0; k < v->n_claims && x->n < x->cap; k++)
            if (v->claims[k].expires_s != 0 && v->claims[k].expires_s <= x->now_s)
                x->out[x->n++] = (struct claim_ref){.name = name, .slot = v->claims[k].slot};
    }
}

/* Only below what has expired can there be more that has: the depth is that of the heap, at most 32. */
static void list_from(struct expired *x, size_t i)
{
    const struct expiry *heap = &x->s->expiry;

    if (i >= heap->n || x->n == x->cap || heap->heap[i].expires_s > x->now_s)
        return;
    list_name(x, heap->heap[i].name);
    list_from(x, 2 * i + 1);
    list_from(x, 2 * i + 2);
}

size_t state_expired(const struct state *s, int64_t now_s, struct claim_ref *out, size_t cap)
{
    struct expired x = {.s = s, .now_s = now_s, .out = out, .cap = cap};

    list_from(&x, 0);
    return x.n;
}
