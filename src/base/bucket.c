/* The table is a fixed array of entries, linked twice: into the chain of their hash slot, and into one list by last
 * use. Prefixes are chosen by strangers, so the hash is keyed. */
#include "base/bucket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/siphash.h"

#define MILLI    1000
#define MS_PER_S 1000
#define NO_ENTRY UINT32_MAX

/* A burst of 0 would never let anything pass, although the rate says otherwise. */
static int64_t full_milli(uint32_t burst)
{
    return (int64_t)(burst > 0 ? burst : 1) * MILLI;
}

void bucket_init(struct bucket *b, uint32_t burst, int64_t mono_ms)
{
    *b = (struct bucket){.level_milli = full_milli(burst), .last_mono_ms = mono_ms};
}

/* amount / per_s tokens a second are as many thousandths a millisecond. What the division leaves is kept, so that
 * asking often costs nothing. */
static void refill(struct bucket *b, struct rate rate, uint32_t burst, int64_t mono_ms)
{
    int64_t full = full_milli(burst);
    uint64_t elapsed_ms = mono_ms > b->last_mono_ms ? (uint64_t)mono_ms - (uint64_t)b->last_mono_ms : 0;
    uint64_t missing = b->level_milli < full ? (uint64_t)(full - b->level_milli) : 0;
    uint64_t gained;

    if (b->rest >= rate.per_s)
        b->rest = 0; /* the rate was changed */
    if (missing == 0 || elapsed_ms > missing * rate.per_s / rate.amount) {
        b->level_milli = full;
        b->rest = 0;
    } else {
        /* elapsed_ms * amount <= missing * per_s: far below 2^64 */
        gained = elapsed_ms * rate.amount + b->rest;
        b->level_milli += (int64_t)(gained / rate.per_s);
        b->rest = (uint32_t)(gained % rate.per_s);
        if (b->level_milli > full)
            b->level_milli = full;
    }
    if (mono_ms > b->last_mono_ms)
        b->last_mono_ms = mono_ms;
}

bool bucket_take(struct bucket *b, struct rate rate, uint32_t burst, int64_t mono_ms, uint32_t *retry_s)
{
    uint64_t missing;
    uint64_t wait_ms;

    if (rate.amount == 0)
        return true;
    assert(rate.per_s > 0);
    refill(b, rate, burst, mono_ms);
    if (b->level_milli >= MILLI) {
        b->level_milli -= MILLI;
        return true;
    }
    if (retry_s != NULL) {
        missing = (uint64_t)(MILLI - b->level_milli) * rate.per_s - b->rest;
        wait_ms = (missing + rate.amount - 1) / rate.amount;
        *retry_s = (uint32_t)((wait_ms + MS_PER_S - 1) / MS_PER_S);
    }
    return false;
}

struct entry {
    struct addr prefix;
    struct bucket bucket;
    uint32_t chain;        /* next in the slot */
    uint32_t older, newer; /* by last use */
};

struct bucket_table {
    struct siphash_key key;
    uint32_t cap;
    uint32_t used;
    uint32_t slot_mask;
    uint32_t oldest, newest;
    uint32_t *slots; /* slot_mask + 1 heads of chains */
    struct entry *entries;
};

enum err bucket_table_new(struct bucket_table **out, size_t cap)
{
    struct bucket_table *t;
    size_t slots = 1;
    enum err e;

    if (cap == 0 || cap > UINT32_MAX / 2)
        return ERR_RANGE;
    while (slots < cap)
        slots *= 2;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_MEMORY;
    t->slots = calloc(slots, sizeof *t->slots);
    t->entries = calloc(cap, sizeof *t->entries);
    e = t->slots != NULL && t->entries != NULL ? crypto_random(&t->key, sizeof t->key) : ERR_MEMORY;
    if (e != ERR_OK) {
        bucket_table_free(t);
        return e;
    }
    memset(t->slots, 0xff, slots * sizeof *t->slots); /* NO_ENTRY */
    t->cap = (uint32_t)cap;
    t->slot_mask = (uint32_t)(slots - 1);
    t->oldest = t->newest = NO_ENTRY;
    *out = t;
    return ERR_OK;
}

void bucket_table_free(struct bucket_table *t)
{
    if (t == NULL)
        return;
    free(t->slots);
    free(t->entries);
    free(t);
}

static uint32_t *slot_of(struct bucket_table *t, const struct addr *prefix)
{
    static_assert(sizeof *prefix == 17, "no padding: the whole struct is hashed");

    return &t->slots[siphash13(&t->key, (const uint8_t *)prefix, sizeof *prefix) & t->slot_mask];
}

static uint32_t find(struct bucket_table *t, const struct addr *prefix)
{
    uint32_t i = *slot_of(t, prefix);

    while (i != NO_ENTRY && !addr_equal(&t->entries[i].prefix, prefix))
        i = t->entries[i].chain;
    return i;
}

static void list_remove(struct bucket_table *t, uint32_t i)
{
    const struct entry *e = &t->entries[i];

    *(e->older != NO_ENTRY ? &t->entries[e->older].newer : &t->oldest) = e->newer;
    *(e->newer != NO_ENTRY ? &t->entries[e->newer].older : &t->newest) = e->older;
}

static void list_add_newest(struct bucket_table *t, uint32_t i)
{
    t->entries[i].older = t->newest;
    t->entries[i].newer = NO_ENTRY;
    *(t->newest != NO_ENTRY ? &t->entries[t->newest].newer : &t->oldest) = i;
    t->newest = i;
}

/* Take the entry that was used longest ago out of the table. */
static uint32_t give_up_oldest(struct bucket_table *t)
{
    uint32_t i = t->oldest;
    uint32_t *link = slot_of(t, &t->entries[i].prefix);

    while (*link != i)
        link = &t->entries[*link].chain;
    *link = t->entries[i].chain;
    list_remove(t, i);
    return i;
}

bool bucket_table_take(struct bucket_table *t, const struct addr *prefix, struct rate rate, uint32_t burst,
                       int64_t mono_ms, uint32_t *retry_s)
{
    uint32_t i = find(t, prefix);

    if (i != NO_ENTRY) {
        list_remove(t, i);
    } else {
        uint32_t *slot = slot_of(t, prefix);
        i = t->used < t->cap ? t->used++ : give_up_oldest(t);
        t->entries[i].prefix = *prefix;
        t->entries[i].chain = *slot;
        bucket_init(&t->entries[i].bucket, burst, mono_ms);
        *slot = i;
    }
    list_add_newest(t, i);
    return bucket_take(&t->entries[i].bucket, rate, burst, mono_ms, retry_s);
}
