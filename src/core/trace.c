#include "core/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/name_hash.h"
#include "core/trace_ring.h"

struct trace {
    struct name_hash_key key;
    size_t n_rings;
    struct trace_ring *rings;
    struct trace_slot *slots; /* of all rings */
};

enum err trace_new(struct trace **out, size_t records, size_t rings, const struct siphash_key *name_key)
{
    struct trace *t = calloc(1, sizeof *t);
    size_t each;
    enum err e = ERR_OK;

    if (t == NULL)
        return ERR_MEMORY;
    name_hash_key_init(&t->key, name_key);
    if (records > 0 && rings > 0) {
        each = (records + rings - 1) / rings;
        t->rings = aligned_alloc(TRACE_LINE, rings * sizeof *t->rings);
        t->slots = aligned_alloc(TRACE_LINE, rings * each * sizeof *t->slots);
        e = t->rings != NULL && t->slots != NULL ? ERR_OK : ERR_MEMORY;
        for (size_t i = 0; e == ERR_OK && i < rings; i++)
            t->rings[i] = (struct trace_ring){.slots = t->slots + i * each, .n_slots = each};
        if (e == ERR_OK)
            memset((void *)t->slots, 0, rings * each * sizeof *t->slots);
        t->n_rings = rings;
    }
    if (e != ERR_OK) {
        trace_free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void trace_free(struct trace *t)
{
    if (t == NULL)
        return;
    free(t->rings);
    free(t->slots);
    free(t);
}

struct trace_ring *trace_ring(struct trace *t, size_t i)
{
    if (t == NULL || t->rings == NULL)
        return NULL;
    assert(i < t->n_rings);
    return &t->rings[i];
}

uint64_t trace_name_hash(const struct trace *t, const struct name *folded)
{
    return trace_hash(name_hash(&t->key, folded->b, folded->len));
}

static void unpack(struct trace_record *rec, const uint64_t words[TRACE_WORDS])
{
    uint64_t question = words[TRACE_WORD_QUESTION], answer = words[TRACE_WORD_ANSWER];

    *rec = (struct trace_record){.stamp = words[TRACE_WORD_STAMP],
                                 .time_us = (int64_t)words[TRACE_WORD_TIME],
                                 .name_hash = words[TRACE_WORD_HASH],
                                 .serial = (uint32_t)question,
                                 .port = (uint16_t)(question >> 32),
                                 .qtype = (uint16_t)(question >> 48),
                                 .edns_size = (uint16_t)answer,
                                 .count = (uint16_t)(answer >> 16),
                                 .rcode = (uint8_t)(answer >> 32),
                                 .flags = (uint8_t)(answer >> 40),
                                 .listener = (uint8_t)(answer >> 48)};
    memcpy(rec->client, &words[TRACE_WORD_CLIENT], sizeof rec->client);
}

/* Copy a record; false when there is none yet, or it changed meanwhile. */
static bool slot_read(const struct trace_slot *s, struct trace_record *out)
{
    uint64_t words[TRACE_WORDS] = {0}, stamp;

    for (size_t i = 0; i < TRACE_WORDS; i++)
        words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
    stamp = words[TRACE_WORD_STAMP];
    if (stamp == 0 || stamp % 2 != 0 ||
        stamp != atomic_load_explicit(&s->words[TRACE_WORD_STAMP], memory_order_relaxed))
        return false;
    unpack(out, words);
    return true;
}

/* ---- the newest records, in a heap whose root is the oldest of them ---- */

static int compare_age(const void *a, const void *b)
{
    const struct trace_record *ra = a, *rb = b;

    if (ra->time_us != rb->time_us)
        return ra->time_us < rb->time_us ? -1 : 1;
    return (ra->stamp > rb->stamp) - (ra->stamp < rb->stamp);
}

/* Put rec where the root was. */
static void heap_replace_root(struct trace_record *heap, size_t n, const struct trace_record *rec)
{
    size_t at = 0;

    for (size_t child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && compare_age(&heap[child + 1], &heap[child]) < 0)
            child++;
        if (compare_age(rec, &heap[child]) <= 0)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = *rec;
}

static void heap_push(struct trace_record *heap, size_t n, const struct trace_record *rec)
{
    size_t at = n;

    for (; at > 0 && compare_age(rec, &heap[(at - 1) / 2]) < 0; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *rec;
}

static size_t read_ring(const struct trace_ring *r, uint64_t name_hash, int64_t since_us, struct trace_record *out,
                        size_t n, size_t cap)
{
    for (size_t i = 0; i < r->n_slots; i++) {
        struct trace_record rec;

        if (!slot_read(&r->slots[i], &rec) || rec.time_us < since_us)
            continue;
        if (name_hash != 0 && rec.name_hash != name_hash)
            continue;
        if (n < cap)
            heap_push(out, n++, &rec);
        else if (compare_age(&rec, &out[0]) > 0)
            heap_replace_root(out, n, &rec);
    }
    return n;
}

size_t trace_read(const struct trace *t, uint64_t name_hash, int64_t since_us, struct trace_record *out, size_t cap)
{
    size_t n = 0;

    if (t == NULL || cap == 0)
        return 0;
    for (size_t i = 0; i < t->n_rings; i++)
        n = read_ring(&t->rings[i], name_hash, since_us, out, n, cap);
    if (n > 0)
        qsort(out, n, sizeof out[0], compare_age);
    return n;
}
