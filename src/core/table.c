/* The hash table of nodes: see core/table_internal.h for its design. */
#include "core/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "base/crypto.h"
#include "core/octets.h"
#include "core/table_internal.h"

/* ---- the table as a whole ---- */

enum err table_new(struct table **out, const struct siphash_key *name_key)
{
    struct table *t = aligned_alloc(_Alignof(struct table), sizeof *t);
    struct zone_index *zones = zone_index_new(0, 0);

    if (t == NULL || zones == NULL) {
        free(zones);
        free(t);
        return ERR_MEMORY;
    }
    memset(t, 0, sizeof *t);
    name_hash_key_init(&t->key, name_key);
    for (size_t i = 0; i < TABLE_SEGMENTS; i++)
        atomic_init(&t->segments[i], segment_pack(t->no_slots, SEGMENT_BITS_NONE));
    atomic_init(&t->zones, zones);
    t->counts.bytes = sizeof *t;
    *out = t;
    return ERR_OK;
}

static void free_segment(struct segment s)
{
    for (size_t i = 0; i <= segment_mask(s); i++) {
        uint64_t slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);
        if (slot != SLOT_EMPTY && slot != SLOT_DELETED)
            free(slot_node(slot));
    }
    if (segment_bits(s) >= SEGMENT_BITS_MIN)
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
        free_segment(segment_of(t, i));
    x = atomic_load_explicit(&t->zones, memory_order_relaxed);
    for (uint32_t id = 0; id < x->n_ids; id++)
        free(zone_index_get(x, id));
    free(x);
    free(t);
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
    const struct hash_slot *slot = &s.slots[segment_start(s, hash)];

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
}

struct table_found table_look_up(const struct table *t, const struct name *folded, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    uint64_t tag = tag_of(hash);
    size_t mask = segment_mask(s);

    for (size_t i = segment_start(s, hash);; i = (i + 1) & mask) {
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

struct hash_slot *segment_new(unsigned bits, uintptr_t *word)
{
    size_t size = sizeof(uint64_t) << bits;
    void *slots;

    assert(bits >= SEGMENT_BITS_MIN && bits <= SEGMENT_BITS_MAX);
    slots = aligned_alloc(SEGMENT_ALIGN, size);
    if (slots == NULL)
        return NULL;
    memset(slots, 0, size);
    *word = segment_pack(slots, bits);
    return slots;
}

static uint64_t slot_pack(const struct node *n, uint64_t tag)
{
    uintptr_t at = (uintptr_t)n;

    assert(at >> 48 == 0 && at % 16 == 0 && at > 16);
    return (uint64_t)at >> 4 << TAG_BITS | tag;
}

struct hash_slot *table_regrow(struct table *t, unsigned segment, uintptr_t word)
{
    struct segment old = segment_of(t, segment), new = segment_unpack(word);
    size_t mask = segment_mask(new);

    for (size_t i = 0; i <= segment_mask(old); i++) {
        uint64_t slot = atomic_load_explicit(&old.slots[i].word, memory_order_relaxed);
        size_t to;

        if (slot == SLOT_EMPTY || slot == SLOT_DELETED)
            continue;
        to = segment_start(new, slot << (64 - TAG_BITS));
        while (atomic_load_explicit(&new.slots[to].word, memory_order_relaxed) != SLOT_EMPTY)
            to = (to + 1) & mask;
        atomic_store_explicit(&new.slots[to].word, slot, memory_order_relaxed);
    }
    t->fill[segment].used = t->fill[segment].live;
    atomic_store_explicit(&t->segments[segment], word, memory_order_release);
    t->counts.bytes += sizeof(uint64_t) << segment_bits(new);
    if (segment_bits(old) < SEGMENT_BITS_MIN)
        return NULL;
    t->counts.bytes -= sizeof(uint64_t) << segment_bits(old);
    return old.slots;
}

/* The slot that holds n, which is in the segment. */
static size_t slot_of(struct segment s, const struct node *n, uint64_t hash)
{
    uint64_t want = slot_pack(n, tag_of(hash));
    size_t i = segment_start(s, hash);

    while (atomic_load_explicit(&s.slots[i].word, memory_order_relaxed) != want)
        i = (i + 1) & segment_mask(s);
    return i;
}

void table_insert(struct table *t, struct node *n, uint64_t hash)
{
    struct segment s = segment_of(t, hash);
    struct segment_fill *fill = &t->fill[hash % TABLE_SEGMENTS];
    size_t i = segment_start(s, hash);
    uint64_t slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);

    while (slot != SLOT_EMPTY && slot != SLOT_DELETED) {
        i = (i + 1) & segment_mask(s);
        slot = atomic_load_explicit(&s.slots[i].word, memory_order_relaxed);
    }
    fill->used += slot == SLOT_EMPTY;
    fill->live++;
    assert(fill->used <= segment_mask(s)); /* an empty slot ends every search */
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
    size_t mask = segment_mask(s), i = slot_of(s, n, hash);

    t->counts.nodes--;
    t->counts.bytes -= node_footprint(n);
    fill->live--;
    atomic_store_explicit(&s.slots[i].word, SLOT_DELETED, memory_order_release);
    if (atomic_load_explicit(&s.slots[(i + 1) & mask].word, memory_order_relaxed) != SLOT_EMPTY)
        return;
    while (atomic_load_explicit(&s.slots[i].word, memory_order_relaxed) == SLOT_DELETED) {
        atomic_store_explicit(&s.slots[i].word, SLOT_EMPTY, memory_order_release);
        fill->used--;
        i = (i - 1) & mask;
    }
}
