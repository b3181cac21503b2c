/* core/table_internal.h -- the table's own structures, for node.c and the table*.c files only.
 *
 * Hash table. The low 8 bits of a name's hash choose one of 256 segments, its high 20 bits are the tag. A segment
 * is an array of 64-bit slots, open addressing with linear probing from the position that the tag's high bits say,
 * so that it can be copied into a larger one without touching a node. A slot holds the tag and the node's address
 * (44 bits: it is a multiple of 16 and below 2^48); it is one word, so a reader sees an entry whole or not at all.
 *
 *   insert   writes the first empty or deleted slot on the path
 *   replace  overwrites the entry's slot: the name is never absent
 *   remove   leaves a mark (SLOT_DELETED) that readers walk over; entries never move inside an array, so no reader
 *            misses one that stays. Marks before an empty slot end no path and become empty.
 *   grow     fills a new array aside and publishes it: array address and size are one word of the segment
 *
 * A mark can be reused by another name: readers compare names, not only tags.
 *
 * Nodes name their zone by id and hold only the labels below its apex; the rest is compared with the zone's. */
#ifndef CORE_TABLE_INTERNAL_H
#define CORE_TABLE_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/answer_set.h"
#include "core/name.h"
#include "core/name_hash.h"
#include "core/table.h"

_Static_assert(sizeof(void *) == 8, "addresses are packed into 64-bit slots");
_Static_assert(_Alignof(max_align_t) >= 16, "malloc gives multiples of 16");

/* ---- nodes (node.c) ---- */

/* One RRset of a node. */
struct node_set {
    uint32_t len; /* octets of the records */
    uint16_t type;
    uint16_t count;
    uint16_t additional_len;
    uint16_t additional_count;
};

/* The block goes on with the owner's name_len octets, then per set its records and additional records; with all of
 * them, or without, by 16 octets at least. */
struct node {
    uint32_t below; /* existing nodes one label below this one; the writer's alone, the only part that changes */
    uint32_t zone;
    uint8_t n_sets;
    uint8_t name_len; /* staged: the whole owner, folded; in the table: the labels below the apex */
    uint8_t flags;    /* enum node_flag, NODE_EMPTY */
    uint8_t unused;
    struct node_set sets[];
};

#define NODE_EMPTY 0x80 /* an empty non-terminal, made by the table */

static inline const uint8_t *node_name(const struct node *n)
{
    return (const uint8_t *)&n->sets[n->n_sets];
}

size_t node_size(const struct node *n);      /* octets of the block */
size_t node_footprint(const struct node *n); /* what malloc takes for it */
/* Copies of a staged node, or of an empty one, with the first name_len octets of its owner. NULL: out of memory. */
struct node *node_new_trimmed(const struct node *staged, size_t name_len);
struct node *node_new_empty(const struct name *owner, size_t name_len, uint32_t zone);
/* One record for the wire: owner pointer to the question, type, class IN, TTL, RDLENGTH, RDATA. Returns the octet
 * behind. */
uint8_t *record_put(uint8_t *at, uint16_t type, uint32_t ttl_s, const struct rdata *rdata);
#define RECORD_HEADER_LEN 12 /* the above without RDATA */

/* ---- zones (table_zone.c) ---- */

struct table_zone {
    uint32_t id;
    uint32_t serial;
    uint32_t negative_ttl_s;
    uint32_t soa_len; /* octets of the SOA record */
    uint32_t caa_len; /* octets of the challenge CAA records, behind the SOA record */
    uint16_t caa_count;
    bool removed; /* the writer's alone: not to be found any more, but still named by nodes */
    struct name apex;
    uint8_t records[];
};

struct zone_ref {
    _Atomic(struct table_zone *) zone;
};

/* All zones, as readers find them. A slot of by_id is replaced when its zone changes; the rest when a zone comes or
 * goes. */
struct zone_index {
    uint32_t n_ids;   /* by_id has so many */
    uint32_t n_zones; /* without removed ones */
    uint32_t hash_mask;
    uint64_t lens[4];       /* bit n: there is an apex of n octets; up to 255 */
    uint32_t *hash;         /* id + 1, or 0; open addressing by table_hash() of the apex */
    struct zone_ref *by_id; /* NULL: none; a removed zone stays until no reader holds a node of it */
};

MUST_USE enum err table_zone_new(struct table_zone **out,
                                 const struct table_zone_spec *spec); /* ERR_MEMORY, ERR_RANGE */
/* Room for ids below n_ids and for n_zones zones; no zone in it. NULL: out of memory. free() it. */
struct zone_index *zone_index_new(uint32_t n_ids, uint32_t n_zones);
/* Make z findable. Writer, before the index is published. */
void zone_index_add(struct zone_index *x, const struct table *t, struct table_zone *z);
struct table_zone *zone_index_get(const struct zone_index *x, uint32_t id); /* NULL: none */

/* ---- segments (table.c) ---- */

#define TABLE_SEGMENTS    256
#define TAG_BITS          20
#define TAG_MASK          ((UINT64_C(1) << TAG_BITS) - 1)
#define SLOT_EMPTY        UINT64_C(0)
#define SLOT_DELETED      (UINT64_C(1) << TAG_BITS) /* the address 16, which is no node's */
#define SEGMENT_BITS_NONE 1 /* of a segment without slots; a search finds one of two that are always empty */
#define SEGMENT_BITS_MIN  3
#define SEGMENT_BITS_MAX  TAG_BITS
#define SEGMENT_ALIGN     64 /* a cache line; also makes room for the size in the low bits of the address */

struct hash_slot {
    _Atomic uint64_t word; /* SLOT_EMPTY, SLOT_DELETED, or address and tag */
};

/* What only the writer knows about a segment. */
struct segment_fill {
    uint32_t used; /* slots that are not empty */
    uint32_t live; /* of those, not deleted */
};

struct table {
    _Atomic uintptr_t segments[TABLE_SEGMENTS]; /* address of the slots | 64 - log2 of their number */
    _Atomic(struct zone_index *) zones;         /* never NULL */
    struct name_hash_key key;
    struct segment_fill fill[TABLE_SEGMENTS];
    struct table_counts counts;
    struct table_batch *open;    /* the one that is being prepared */
    struct table_batch *garbage; /* published ones, with what they replaced; newest first */
    _Alignas(
        SEGMENT_ALIGN) struct hash_slot no_slots[1 << SEGMENT_BITS_NONE]; /* where segments without slots point */
};

struct segment {
    struct hash_slot *slots;
    unsigned shift; /* of a hash, to the position where its search begins */
};

static inline uintptr_t segment_pack(const struct hash_slot *slots, unsigned bits)
{
    return (uintptr_t)slots | (64 - bits);
}

static inline struct segment segment_unpack(uintptr_t word)
{
    return (struct segment){.slots = (struct hash_slot *)(word & ~(uintptr_t)(SEGMENT_ALIGN - 1)),
                            .shift = (unsigned)(word & (SEGMENT_ALIGN - 1))};
}

static inline struct segment segment_of(const struct table *t, uint64_t hash)
{
    return segment_unpack(atomic_load_explicit(&t->segments[hash % TABLE_SEGMENTS], memory_order_acquire));
}

static inline unsigned segment_bits(struct segment s)
{
    return 64 - s.shift;
}

static inline size_t segment_mask(struct segment s)
{
    return SIZE_MAX >> s.shift;
}

static inline size_t segment_start(struct segment s, uint64_t hash)
{
    return (size_t)(hash >> s.shift);
}

static inline uint64_t tag_of(uint64_t hash)
{
    return hash >> (64 - TAG_BITS);
}

static inline struct node *slot_node(uint64_t slot)
{
    return (struct node *)(uintptr_t)(slot >> TAG_BITS << 4);
}

/* NULL: out of memory. *word is set to what goes into table.segments; free() the slots. */
MUST_USE struct hash_slot *segment_new(unsigned bits, uintptr_t *word);
/* Copy all entries of the segment into the empty slots of word, publish it, and return the array that it replaced
 * (NULL: there was none), which readers may still be looking at. */
struct hash_slot *table_regrow(struct table *t, unsigned segment, uintptr_t word);

/* True when the name of n, which is of zone z, is *folded. */
bool node_is_named(const struct node *n, const struct table_zone *z, const struct name *folded);
/* Writer, for nodes whose slots have been reserved. old and n are of the same name. */
void table_insert(struct table *t, struct node *n, uint64_t hash);
void table_replace(struct table *t, const struct node *old, struct node *n, uint64_t hash);
void table_erase(struct table *t, const struct node *n, uint64_t hash);

/* The name of a node in the table; its zone is there. */
void node_owner(const struct node *n, const struct table_zone *z, struct name *out);

/* ---- batches (table_batch.c prepares, table_publish.c publishes) ---- */

enum batch_step_kind {
    BATCH_PUT,    /* node is the new one */
    BATCH_EMPTY,  /* node is an empty non-terminal, needed unless the owner gets a node otherwise */
    BATCH_REMOVE, /* node is an empty non-terminal, needed if there are names below */
};

struct batch_step {
    struct node *node; /* owned until published */
    struct node *old;  /* the owner's node in the table when the batch was prepared, or NULL */
    uint64_t hash;     /* of the owner */
    enum batch_step_kind kind;
};

struct zone_change {
    uint32_t id;
    struct table_zone *zone; /* owned until published; NULL: remove it */
};

struct table_batch {
    struct table *t;
    struct batch_step *steps;
    size_t n_steps, steps_cap;
    uint32_t *empties; /* open addressing by hash: index + 1 of BATCH_EMPTY steps, or 0 */
    size_t n_empties, empties_cap;
    struct node **waiting; /* staged, of zones that are not known yet */
    size_t n_waiting, waiting_cap;
    struct zone_change *zones;
    size_t n_zones, zones_cap;
    struct zone_index *index[2];     /* for the zones that come or go: see table_publish.c; NULL: none do */
    uint32_t index_ids, index_zones; /* room in both */
    uint32_t need[TABLE_SEGMENTS];   /* slots that may be taken */
    uintptr_t grown[TABLE_SEGMENTS]; /* new arrays, or 0 */
    void **retired;                  /* to be given to free() after a grace period */
    size_t n_retired, retired_cap;
    size_t retired_need;      /* never more than retired_cap */
    struct table_batch *next; /* in table.garbage */
};

void batch_fini_work(struct table_batch *b); /* free all but retired and zones, which are kept until reclaimed */
void table_batch_reclaim(struct table_batch *b); /* free b and what it replaced */
/* Take removed zones out of the index's by_id; true when there was one. */
bool table_batch_forget_zones(const struct table_batch *b, struct zone_index *x);

#endif
