/* Each record is a sequence lock of its own: the owner makes the stamp odd, writes the words, and makes it the next
 * even number. Words are stored with release and loaded with acquire order: a reader that sees a new word also
 * sees, at its second look, that the stamp has moved on. On x86-64 all of these are plain moves. */
#include "core/trace.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/siphash.h"

#define RECORD_WORDS (sizeof(struct trace_record) / sizeof(uint64_t))
#define CACHE_LINE   64

_Static_assert(sizeof(struct trace_record) == 64, "one cache line");
_Static_assert(offsetof(struct trace_record, stamp) == 0, "the stamp is word 0");

struct slot {
    _Atomic uint64_t words[RECORD_WORDS]; /* a struct trace_record */
};

struct trace_ring {
    _Alignas(CACHE_LINE) struct slot *slots;
    size_t n_slots;
    size_t next;    /* owner's: the slot to be written */
    uint64_t stamp; /* owner's: of the newest record, even */
    struct siphash_key key;
};

struct trace {
    struct siphash_key key;
    size_t n_rings;
    struct trace_ring *rings;
    struct slot *slots; /* of all rings */
};

enum err trace_new(struct trace **out, size_t records, size_t rings)
{
    struct trace *t = calloc(1, sizeof *t);
    size_t each;
    enum err e;

    if (t == NULL)
        return ERR_MEMORY;
    e = crypto_random(&t->key, sizeof t->key);
    if (e == ERR_OK && records > 0 && rings > 0) {
        each = (records + rings - 1) / rings;
        t->rings = aligned_alloc(CACHE_LINE, rings * sizeof *t->rings);
        t->slots = aligned_alloc(CACHE_LINE, rings * each * sizeof *t->slots);
        e = t->rings != NULL && t->slots != NULL ? ERR_OK : ERR_MEMORY;
        for (size_t i = 0; e == ERR_OK && i < rings; i++)
            t->rings[i] = (struct trace_ring){.slots = t->slots + i * each, .n_slots = each, .key = t->key};
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

/* 0 stands for all names. */
static uint64_t hash_name(const struct siphash_key *key, const struct name *folded)
{
    uint64_t hash = siphash13(key, folded->b, folded->len);

    return hash != 0 ? hash : 1;
}

uint64_t trace_name_hash(const struct trace *t, const struct name *folded)
{
    return hash_name(&t->key, folded);
}

uint64_t trace_ring_name_hash(const struct trace_ring *r, const struct name *folded)
{
    return hash_name(&r->key, folded);
}

void trace_add(struct trace_ring *r, const struct trace_record *rec)
{
    uint64_t words[RECORD_WORDS];
    struct slot *s;

    if (r == NULL)
        return;
    s = &r->slots[r->next];
    r->next = r->next + 1 < r->n_slots ? r->next + 1 : 0;
    memcpy(words, rec, sizeof words);
    atomic_store_explicit(&s->words[0], r->stamp + 1, memory_order_relaxed);
    for (size_t i = 1; i < RECORD_WORDS; i++)
        atomic_store_explicit(&s->words[i], words[i], memory_order_release);
    r->stamp += 2;
    atomic_store_explicit(&s->words[0], r->stamp, memory_order_release);
}

/* Copy a record; false when there is none yet, or it changed meanwhile. */
static bool slot_read(const struct slot *s, struct trace_record *out)
{
    uint64_t words[RECORD_WORDS] = {0};

    for (size_t i = 0; i < RECORD_WORDS; i++)
        words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
    if (words[0] == 0 || words[0] % 2 != 0 || words[0] != atomic_load_explicit(&s->words[0], memory_order_relaxed))
        return false;
    memcpy(out, words, sizeof *out);
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
