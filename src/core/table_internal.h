/* core/table_internal.h -- the table's own structures, for node.c and the table*.c files only.
 *
 * Hash table. The low 8 bits of a name's hash choose one of 256 segments, its high 19 bits are the tag. A segment
 * is an array of 64-bit slots, open addressing with linear probing from the position that the tag is mapped to, in
 * the order of tags, so that it can be copied into a larger one without touching a node, and from front to back. It
 * has any number of slots and grows by a twelfth: a table that doubles is half empty on average. A slot holds the
 * tag and the node's address (45 bits: it is a multiple of 8 and below 2^48); it is one word, so a reader sees an
 * entry whole or not at all.
 *
 *   insert   writes the first empty or deleted slot on the path
 *   replace  overwrites the entry's slot: the name is never absent
 *   remove   leaves a mark (SLOT_DELETED) that readers walk over; entries never move inside an array, so no reader
 *            misses one that stays. Marks before an empty slot end no path and become empty.
 *   grow     fills a new array aside and publishes it: array address and size are one word of the segment
 *
 * A mark can be reused by another name: readers compare names, not only tags.
 *
 * Nodes name their zone by id and hold only the labels below its apex; the rest is compared with the zone's.
 *
 * The node of a challenge name at its own place is also its row in the state (core/name_row.h): one block, in the
 * table's slab, which both lead to. The table owns those rows that are in it; the state the others. */
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
};

/* The block goes on with the owner's name_len octets, then the records of each set; with all of them, or without,
 * by 16 octets at least. A set of NS records is the last one, and with NODE_ADDITIONAL two 16-bit numbers follow,
 * the octets and the count of additional records, and these. */
struct node {
    uint32_t below; /* existing nodes one label below this one; the writer's alone, the only part that changes */
    uint32_t zone;
    uint32_t id; /* of the challenge name whose row this is, 0: of none. This and the next two are the state's */
    uint32_t account;
    uint32_t created_s;
    uint8_t n_sets;
    uint8_t name_len;  /* staged: the whole owner, folded; in the table, and of rows: the labels below the apex */
    uint8_t flags;     /* enum node_flag, NODE_EMPTY, NODE_ADDITIONAL */
    uint8_t row_flags; /* see core/name_row.h */
    struct node_set sets[];
};

#define NODE_EMPTY      0x80 /* an empty non-terminal, made by the table */
#define NODE_ADDITIONAL 0x40 /* there are additional records */

#define ROW_IN_TABLE 0x01 /* the table leads to it, and frees it */

static inline const uint8_t *node_name(const struct node *n)
{
    return (const uint8_t *)&n->sets[n->n_sets];
}

/* Octets from the node's name on: of the name and of all records; at least a step, so that a name can be compared
 * in one. */
size_t node_rest(size_t name_len, size_t data_len);
size_t node_data_len(const struct node *n);  /* octets of all records */
size_t node_size(const struct node *n);      /* octets of the block */
size_t node_footprint(const struct node *n); /* what it takes from the slab, or from malloc */
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

#define TABLE_SEGMENTS   256
#define TAG_BITS         19
#define TAG_MASK         ((UINT64_C(1) << TAG_BITS) - 1)
#define SLOT_EMPTY       UINT64_C(0)
#define SLOT_DELETED     (UINT64_C(1) << TAG_BITS) /* the address 8, which is no node's */
#define SEGMENT_CAP_UNIT 16 /* numbers of slots are multiples; up to 2^20 of them, for 178 million nodes in all */
#define SEGMENT_CAP_MAX  ((size_t)UINT16_MAX * SEGMENT_CAP_UNIT)
#define SEGMENT_ALIGN    64
#define ADDRESS_BITS     48

struct hash_slot {
    _Atomic uint64_t word; /* SLOT_EMPTY, SLOT_DELETED, or address and tag */
};

/* What only the writer knows about a segment. */
struct segment_fill {
    uint32_t used; /* slots that are not empty */
    uint32_t live; /* of those, not deleted */
};

struct table {
    _Atomic uint64_t segments[TABLE_SEGMENTS]; /* address of the slots, and above it their number in units */
    _Atomic(struct zone_index *) zones;        /* never NULL */
    struct name_hash_key key;
    struct slab *slab; /* of rows */
    struct segment_fill fill[TABLE_SEGMENTS];
    struct table_counts counts;
    struct table_batch *open;    /* the one that is being prepared */
    struct table_batch *garbage; /* published ones, with what they replaced; newest first */
    size_t n_garbage;            /* blocks of memory that they replaced */
    bool removes_zone;           /* one of them does: its id may be wanted again */
    /* Where segments without slots point: always empty. */
    _Alignas(SEGMENT_ALIGN) struct hash_slot no_slots[SEGMENT_CAP_UNIT];
};

struct segment {
    struct hash_slot *slots;
    size_t cap;
};

static inline uint64_t segment_pack(const struct hash_slot *slots, size_t cap)
{
    return (uint64_t)(uintptr_t)slots | (uint64_t)(cap / SEGMENT_CAP_UNIT) << ADDRESS_BITS;
}

static inline struct segment segment_unpack(uint64_t word)
{
    return (struct segment){
        .slots = (struct hash_slot *)(uintptr_t)(word & ((UINT64_C(1) << ADDRESS_BITS) - 1)),
        .cap = (size_t)(word >> ADDRESS_BITS) * SEGMENT_CAP_UNIT,
    };
}

static inline struct segment segment_of(const struct table *t, uint64_t hash)
{
    return segment_unpack(atomic_load_explicit(&t->segments[hash % TABLE_SEGMENTS], memory_order_acquire));
}

/* Where the search for a tag begins. */
static inline size_t segment_start(struct segment s, uint64_t tag)
{
    return (size_t)(tag * s.cap >> TAG_BITS);
}

static inline size_t segment_next(struct segment s, size_t i)
{
    return i + 1 < s.cap ? i + 1 : 0;
}

static inline uint64_t tag_of(uint64_t hash)
{
    return hash >> (64 - TAG_BITS);
}

static inline struct node *slot_node(uint64_t slot)
{
    return (struct node *)(uintptr_t)(slot >> TAG_BITS << 3);
}

/* How many of them may be taken before a search for what is not there takes too long: two thirds. */
size_t segment_limit(size_t cap);
/* The number of slots for n entries, and for some more. */
size_t segment_cap_for(size_t n);
/* NULL: out of memory. *word is set to what goes into table.segments; free() the slots. */
MUST_USE struct hash_slot *segment_new(size_t cap, uint64_t *word);
/* Copy all entries of the segment into the empty slots of word, publish it, and return the array that it replaced
 * (NULL: there was none), which readers may still be looking at. */
struct hash_slot *table_regrow(struct table *t, size_t segment, uint64_t word);

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
    struct node *node; /* owned until published, unless it is a row */
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
    uint64_t grown[TABLE_SEGMENTS];  /* new arrays, or 0 */
    struct retired {
        void *block;
        bool is_node; /* else to be given to free() */
    } * retired;      /* to be freed after a grace period */
    size_t n_retired, retired_cap;
    size_t retired_need;      /* never more than retired_cap */
    struct table_batch *next; /* in table.garbage */
};

/* Put a row that has its final place in the table into the batch, whose zones have been put before. It stays the
 * state's until it is published. Nothing happens when it is there already. ERR_MEMORY, ERR_FULL. */
MUST_USE enum err table_batch_put_row(struct table_batch *b, struct node *row);
/* Put a row of an owner that the table does not have, one label below its apex, while there is no reader yet:
 * without a batch. ERR_MEMORY, ERR_FULL. */
MUST_USE enum err table_fill(struct table *t, struct node *row, uint64_t hash);
/* Slots for so many nodes in all, so that they need not be moved as they grow in number. The same errors; while
 * there is no reader. */
MUST_USE enum err table_reserve(struct table *t, uint64_t nodes);

void batch_fini_work(struct table_batch *b); /* free all but retired and zones, which are kept until reclaimed */
void table_batch_reclaim(struct table_batch *b);       /* free b and what it replaced */
void table_free_node(struct table *t, struct node *n); /* NULL is fine */
/* Take removed zones out of the index's by_id; true when there was one. */
bool table_batch_forget_zones(const struct table_batch *b, struct zone_index *x);

#endif
