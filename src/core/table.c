/* The hash table of nodes: see core/table_internal.h for its design. */
#include "core/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "base/crypto.h"
#include "base/slab.h"
#include "core/octets.h"
#include "core/table_internal.h"

/* A lone change leaves two or three blocks, and waiting would cost it as much as deciding it. */
#define RECLAIM_DUE 64

/* ---- the table as a whole ---- */

enum err table_new(struct table **out, const struct siphash_key *name_key)
{
    struct table *t = aligned_alloc(_Alignof(struct table), sizeof *t);
    struct zone_index *zones = zone_index_new(0, 0);

    struct slab *slab = NULL;

    if (t == NULL || zones == NULL || slab_new(&slab) != ERR_OK) {
        free(zones);
        free(t);
        return ERR_MEMORY;
    }
    memset(t, 0, sizeof *t);
    t->slab = slab;
    name_hash_key_init(&t->key, name_key);
    for (size_t i = 0; i < TABLE_SEGMENTS; i++)
        atomic_init(&t->segments[i], segment_pack(t->no_slots, SEGMENT_CAP_UNIT));
    atomic_init(&t->zones, zones);
    t->counts.bytes = sizeof *t;
    *out = t;
    return ERR_OK;
}

void table_free_node(struct table *t, struct node *n)
{
    if (n != NULL && n->id != 0)
        slab_give(t->slab, n, node_size(n));
    else
        free(n);
}

/* Rows go with the slab. */
static void free_segment(const struct table *t, struct segment s)
{
    for (size_t i = 0; i < s.cap; i++) {
        uint64_t slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);
        if (slot != SLOT_EMPTY && slot != SLOT_DELETED && slot_node(slot)->id == 0)
            free(slot_node(slot));
    }
    if (s.slots != t->no_slots)
        free(s.slots);
}

void table_free(struct table *t)
{
    struct zone_index *x;

    if (t == NULL)
        return;
    assert(t->open == NULL);
    for (struct table_batch *b = t->garbage, *next; b != NULL; b = next) {
        next = b->next;
        (void)table_batch_forget_zones(b, atomic_load_explicit(&t->zones, memory_order_relaxed));
        table_batch_reclaim(b);
    }
    for (size_t i = 0; i < TABLE_SEGMENTS; i++)
        free_segment(t, segment_of(t, i));
    x = atomic_load_explicit(&t->zones, memory_order_relaxed);
    for (uint32_t id = 0; id < x->n_ids; id++)
        free(zone_index_get(x, id));
    free(x);
    slab_free(t->slab);
    free(t);
}

struct slab *table_slab(const struct table *t)
{
    return t->slab;
}

bool table_reclaim_is_due(const struct table *t)
{
    return t->n_garbage >= RECLAIM_DUE || t->removes_zone;
}

void table_reclaim(struct table *t)
{
    struct zone_index *x = atomic_load_explicit(&t->zones, memory_order_relaxed);
    bool zones_gone = false;

    if (t->garbage == NULL)
        return;
    synchronize_rcu();
    /* Now no reader holds a node of a removed zone, and none can find one: the zones are not asked for any more,
     * except by a look-up that meets a node which was left behind, and it checks for NULL. */
    for (const struct table_batch *b = t->garbage; b != NULL; b = b->next)
        zones_gone |= table_batch_forget_zones(b, x);
    if (zones_gone)
        synchronize_rcu();
    while (t->garbage != NULL) {
        struct table_batch *b = t->garbage;
        t->garbage = b->next;
        table_batch_reclaim(b);
    }
    t->n_garbage = 0;
    t->removes_zone = false;
}

struct table_counts table_counts(const struct table *t)
{
    return t->counts;
}

enum err table_slot_init(struct table_slot *slot)
{
    slot->current = NULL;
    return crypto_random(&slot->name_key, sizeof slot->name_key);
}

struct table *table_slot_swap(struct table_slot *slot, struct table *t)
{
    struct table *before = __atomic_exchange_n(&slot->current, t, __ATOMIC_ACQ_REL);

    synchronize_rcu();
    return before;
}

const struct table *table_slot_read(const struct table_slot *slot)
{
    return __atomic_load_n(&slot->current, __ATOMIC_ACQUIRE);
}

/* ---- names of nodes ---- */

/* Where two names that are followed by zeros, to the end of the last step at least, differ. */
static inline octets16 padded_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
    octets16 differ = octets_load(a) ^ octets_load(b);

    for (size_t i = OCTETS_STEP; i < len; i += OCTETS_STEP)
        differ |= octets_load(a + i) ^ octets_load(b + i);
    return differ;
}

/* Where octets that are followed by others differ: the last step overlaps the one before it, so that nothing behind
 * is read, except by the only step of what is shorter. */
static inline octets16 octets_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
    octets16 differ;

    if (len < OCTETS_STEP)
        return octets_first(octets_load(a) ^ octets_load(b), len);
    differ = octets_load(a + len - OCTETS_STEP) ^ octets_load(b + len - OCTETS_STEP);
    for (size_t i = 0; i + OCTETS_STEP < len; i += OCTETS_STEP)
        differ |= octets_load(a + i) ^ octets_load(b + i);
    return differ;
}

static inline bool is_named(const struct node *n, const struct table_zone *z, const struct name *folded)
{
    size_t below = n->name_len;
    octets16 differ;

    if (folded->len != below + z->apex.len)
        return false;
    differ = padded_differ(folded->b + below, z->apex.b, z->apex.len);
    return !octets_any(differ | octets_differ(folded->b, node_name(n), below));
}

bool node_is_named(const struct node *n, const struct table_zone *z, const struct name *folded)
{
    return is_named(n, z, folded);
}

/* ---- readers ---- */

uint64_t table_hash(const struct table *t, const struct name *folded)
{
    return name_hash(&t->key, folded->b, folded->len);
}

const void *table_prefetch(const struct table *t, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    const struct hash_slot *slot = &s.slots[segment_start(s, tag_of(hash))];

    __builtin_prefetch(slot);
    return slot;
}

void table_prefetch_node(const void *slot)
{
    const struct hash_slot *first = slot;
    uintptr_t node = (uintptr_t)slot_node(atomic_load_explicit(&first->word, memory_order_relaxed));

    /* Usually the first slot is the right one; fetching a wrong address, or none, does no harm. */
    __builtin_prefetch((const void *)node);
    __builtin_prefetch((const void *)(node + 64));
    __builtin_prefetch((const void *)(node + 128));
    __builtin_prefetch((const void *)(node + 176)); /* two values of an ordinary name end in the fourth line */
}

struct table_found table_look_up(const struct table *t, const struct name *folded, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    uint64_t tag = tag_of(hash);

    for (size_t i = segment_start(s, tag);; i = segment_next(s, i)) {
        uint64_t slot = atomic_load_explicit(&s.slots[i].word, memory_order_acquire);

        if (slot == SLOT_EMPTY)
            return (struct table_found){NULL, NULL};
        if ((slot & TAG_MASK) == tag && slot != SLOT_DELETED) {
            /* Names are compared by means of the zone; one that is not yet, or no longer, there has no nodes. */
            const struct node *n = slot_node(slot);
            const struct table_zone *z = table_node_zone(t, n);

            if (z != NULL && is_named(n, z, folded))
                return (struct table_found){n, z};
        }
    }
}

const struct node *table_find(const struct table *t, const struct name *folded, uint64_t hash)
{
    return table_look_up(t, folded, hash).node;
}

/* ---- the writer ---- */

size_t segment_limit(size_t cap)
{
    return cap / 3 * 2;
}

size_t segment_cap_for(size_t n)
{
    size_t cap = n + n / 2 + n / 8 + SEGMENT_CAP_UNIT; /* a twelfth more than would be full */

    return cap / SEGMENT_CAP_UNIT * SEGMENT_CAP_UNIT;
}

struct hash_slot *segment_new(size_t cap, uint64_t *word)
{
    size_t size = cap * sizeof(struct hash_slot);
    void *slots;

    assert(cap > 0 && cap % SEGMENT_CAP_UNIT == 0 && cap <= SEGMENT_CAP_MAX);
    slots = aligned_alloc(SEGMENT_ALIGN, size);
    if (slots == NULL)
        return NULL;
    memset(slots, 0, size);
    *word = segment_pack(slots, cap);
    return slots;
}

static uint64_t slot_pack(const struct node *n, uint64_t tag)
{
    uintptr_t at = (uintptr_t)n;

    assert(at >> ADDRESS_BITS == 0 && at % 8 == 0 && at > 8);
    return (uint64_t)at >> 3 << TAG_BITS | tag;
}

struct hash_slot *table_regrow(struct table *t, size_t segment, uint64_t word)
{
    struct segment old = segment_of(t, segment), new = segment_unpack(word);
    bool had_slots = old.slots != t->no_slots;

    for (size_t i = 0; i < old.cap; i++) {
        uint64_t slot = atomic_load_explicit(&old.slots[i].word, memory_order_relaxed);
        size_t to;

        if (slot == SLOT_EMPTY || slot == SLOT_DELETED)
            continue;
        to = segment_start(new, slot & TAG_MASK);
        while (atomic_load_explicit(&new.slots[to].word, memory_order_relaxed) != SLOT_EMPTY)
            to = segment_next(new, to);
        atomic_store_explicit(&new.slots[to].word, slot, memory_order_relaxed);
    }
    t->fill[segment].used = t->fill[segment].live;
    atomic_store_explicit(&t->segments[segment], word, memory_order_release);
    t->counts.bytes += new.cap * sizeof(struct hash_slot);
    if (!had_slots)
        return NULL;
    t->counts.bytes -= old.cap * sizeof(struct hash_slot);
    return old.slots;
}

/* The slot that holds n, which is in the segment. */
static size_t slot_of(struct segment s, const struct node *n, uint64_t hash)
{
    uint64_t want = slot_pack(n, tag_of(hash));
    size_t i = segment_start(s, tag_of(hash));

    while (atomic_load_explicit(&s.slots[i].word, memory_order_relaxed) != want)
        i = segment_next(s, i);
    return i;
}

void table_insert(struct table *t, struct node *n, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    struct segment_fill *fill = &t->fill[hash % TABLE_SEGMENTS];
    size_t i = segment_start(s, tag_of(hash));
    uint64_t slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);

    while (slot != SLOT_EMPTY && slot != SLOT_DELETED) {
        i = segment_next(s, i);
        slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);
    }
    fill->used += slot == SLOT_EMPTY;
    fill->live++;
    assert(fill->used < s.cap); /* an empty slot ends every search */
    t->counts.nodes++;
    t->counts.bytes += node_footprint(n);
    atomic_store_explicit(&s.slots[i].word, slot_pack(n, tag_of(hash)), memory_order_release);
}

void table_replace(struct table *t, const struct node *old, struct node *n, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    size_t i = slot_of(s, old, hash);

    t->counts.bytes += node_footprint(n);
    t->counts.bytes -= node_footprint(old);
    atomic_store_explicit(&s.slots[i].word, slot_pack(n, tag_of(hash)), memory_order_release);
}

void table_erase(struct table *t, const struct node *n, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    struct segment_fill *fill = &t->fill[hash % TABLE_SEGMENTS];
    size_t i = slot_of(s, n, hash);

    t->counts.nodes--;
    t->counts.bytes -= node_footprint(n);
    fill->live--;
    atomic_store_explicit(&s.slots[i].word, SLOT_DELETED, memory_order_release);
    if (atomic_load_explicit(&s.slots[segment_next(s, i)].word, memory_order_relaxed) != SLOT_EMPTY)
        return;
    while (atomic_load_explicit(&s.slots[i].word, memory_order_relaxed) == SLOT_DELETED) {
        atomic_store_explicit(&s.slots[i].word, SLOT_EMPTY, memory_order_release);
        fill->used--;
        i = i > 0 ? i - 1 : s.cap - 1;
    }
}

/* Slots for n more entries than there are. */
static enum err fill_reserve(struct table *t, size_t segment, size_t n)
{
    struct segment now = segment_of(t, segment);
    size_t cap = segment_cap_for(t->fill[segment].live + n);
    uint64_t word = 0;

    if (now.slots != t->no_slots && t->fill[segment].used + n <= segment_limit(now.cap))
        return ERR_OK;
    if (cap > SEGMENT_CAP_MAX)
        return ERR_FULL;
    if (segment_new(cap, &word) == NULL)
        return ERR_MEMORY;
    free(table_regrow(t, segment, word));
    return ERR_OK;
}

enum err table_reserve(struct table *t, uint64_t nodes)
{
    size_t each = (size_t)(nodes / TABLE_SEGMENTS);
    enum err e = ERR_OK;

    for (size_t segment = 0; e == ERR_OK && each > 0 && segment < TABLE_SEGMENTS; segment++)
        e = fill_reserve(t, segment, each);
    return e;
}

enum err table_fill(struct table *t, struct node *row, uint64_t hash)
{
    enum err e = fill_reserve(t, hash % TABLE_SEGMENTS, 1);

    if (e != ERR_OK)
        return e;
    row->row_flags |= ROW_IN_TABLE;
    table_insert(t, row, hash);
    return ERR_OK;
}
