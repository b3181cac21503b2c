/* When claims expire: a heap of names by the earliest expiry of each. A name holds few claims, so that looking
 * through them is cheaper than an entry for every claim; and since each name knows its place, nothing in the heap
 * is ever stale. */
#include "core/state_internal.h"

#include <stdlib.h>

/* The earliest expiry of a name's claims, 0: none expires. */
static int64_t earliest_of(const struct value_set *vs)
{
    int64_t earliest = 0;

    for (size_t i = 0; i < vs->n; i++) {
        const struct value *v = &vs->values[i];

        for (size_t k = 0; k < v->n_claims; k++) {
            int64_t expires_s = v->claims[k].expires_s;

            if (expires_s != 0 && (earliest == 0 || expires_s < earliest))
                earliest = expires_s;
        }
    }
    return earliest;
}

static void put_at(struct expiry *x, size_t i, struct expiry_entry entry)
{
    x->heap[i] = entry;
    entry.name->expiry_place = (uint32_t)i + 1;
}

static void sift_up(struct expiry *x, size_t i, struct expiry_entry entry)
{
    for (; i > 0; i = (i - 1) / 2) {
        struct expiry_entry parent = x->heap[(i - 1) / 2];

        if (parent.expires_s <= entry.expires_s)
            break;
        put_at(x, i, parent);
    }
    put_at(x, i, entry);
}

static void sift_down(struct expiry *x, size_t i, struct expiry_entry entry)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= x->n)
            break;
        if (child + 1 < x->n && x->heap[child + 1].expires_s < x->heap[child].expires_s)
            child++;
        if (entry.expires_s <= x->heap[child].expires_s)
            break;
        put_at(x, i, x->heap[child]);
        i = child;
    }
    put_at(x, i, entry);
}

/* The place i is to hold entry, whatever was there. */
static void settle(struct expiry *x, size_t i, struct expiry_entry entry)
{
    if (i > 0 && entry.expires_s < x->heap[(i - 1) / 2].expires_s)
        sift_up(x, i, entry);
    else
        sift_down(x, i, entry);
}

static void take_out(struct expiry *x, struct name_entry *n)
{
    size_t i = n->expiry_place - 1;
    struct expiry_entry last = x->heap[--x->n];

    n->expiry_place = 0;
    if (last.name != n)
        settle(x, i, last);
}

static enum err grow(struct expiry *x)
{
    size_t cap = x->cap > 0 ? x->cap * 2 : 64;
    struct expiry_entry *grown = reallocarray(x->heap, cap, sizeof *grown);

    if (grown == NULL)
        return ERR_MEMORY;
    x->heap = grown;
    x->cap = cap;
    return ERR_OK;
}

enum err expiry_update(struct expiry *x, struct name_entry *n)
{
    struct expiry_entry entry = {.expires_s = earliest_of(&n->values), .name = n};

    if (entry.expires_s == 0) {
        if (n->expiry_place != 0)
            take_out(x, n);
        return ERR_OK;
    }
    if (n->expiry_place != 0) {
        settle(x, n->expiry_place - 1, entry);
        return ERR_OK;
    }
    if (x->n == x->cap && grow(x) != ERR_OK)
        return ERR_MEMORY;
    x->n++;
    sift_up(x, x->n - 1, entry);
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
    int64_t now_s;
    struct claim_ref *out;
    size_t n, cap;
};

static void list_name(struct expired *x, const struct name_entry *name)
{
    for (size_t i = 0; i < name->values.n; i++) {
        const struct value *v = &name->values.values[i];

        for (size_t k = 0; k < v->n_claims && x->n < x->cap; k++)
            if (v->claims[k].expires_s != 0 && v->claims[k].expires_s <= x->now_s)
                x->out[x->n++] = (struct claim_ref){.name = name->id, .slot = v->claims[k].slot};
    }
}

/* Only below what has expired can there be more that has: the depth is that of the heap, at most 32. */
static void list_from(struct expired *x, const struct expiry *heap, size_t i)
{
    if (i >= heap->n || x->n == x->cap || heap->heap[i].expires_s > x->now_s)
        return;
    list_name(x, heap->heap[i].name);
    list_from(x, heap, 2 * i + 1);
    list_from(x, heap, 2 * i + 2);
}

size_t state_expired(const struct state *s, int64_t now_s, struct claim_ref *out, size_t cap)
{
    struct expired x = {.now_s = now_s, .out = out, .cap = cap};

    list_from(&x, &s->expiry, 0);
    return x.n;
}
