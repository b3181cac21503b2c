/* core/table.h -- what DNS answers from: owner names and their ready-made answers, published under liburcu (QSBR).
 *
 * Readers are DNS threads inside a read section (registered with the QSBR flavour, online); they take no lock,
 * allocate nothing and never wait. There is one writer, the committer's thread; it prepares nodes aside, where
 * memory may run out, and then publishes them, which cannot fail. What was replaced is freed after a grace period,
 * by table_reclaim().
 *
 * A node is one block and immutable once published: a new state of a name is a new node. A name that has nothing
 * but names below it (an empty non-terminal) is a node without RRsets, kept and counted by the table itself. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/siphash.h"
#include "core/name.h"
#include "core/rr.h"

struct slab;
struct table;
struct node;       /* read with the functions below */
struct table_zone; /* a zone as readers see it */

/* ---- building (any thread; nothing is visible yet) ---- */

enum node_flag {
    NODE_APEX = 1,      /* of its zone: SOA is answered from the zone */
    NODE_CHALLENGE = 2, /* a challenge name: gets the zone's challenge CAA, is traced */
    NODE_PINNED = 4,    /* holds pinned values only (metrics and trace) */
};

struct node_spec {
    const struct name *owner;
    uint32_t zone;  /* id of the zone, as in table_zone_spec */
    unsigned flags; /* enum node_flag */
    const struct rrset *sets;
    size_t n_sets;
    /* Addresses to go into the additional section with the NS RRset (RFC 1034 section 4.2.1); may be empty. */
    const struct record *additional;
    size_t n_additional;
};

/* Make a node with its answers on the wire: per RRset the records, owners as pointers to the question (0xC00C), no
 * compression inside RDATA. Gives *out. ERR_MEMORY; ERR_RANGE: an RRset over 65535 octets. */
MUST_USE enum err node_new(struct node **out, const struct node_spec *spec);
void node_free(struct node *n); /* one that was never staged; NULL is fine */

struct table_zone_spec {
    uint32_t id; /* dense, small, never reused */
    const struct name *apex;
    const struct soa *soa;
    uint32_t serial;
    struct rrset challenge_caa; /* n 0: none; else given at every NODE_CHALLENGE node */
};

/* ---- writing: committer's thread ---- */

MUST_USE enum err table_new(struct table **out,
                            const struct siphash_key *name_key); /* copies the key; ERR_MEMORY */
void table_free(struct table *t);                                /* when no reader is left */

/* A set of replacements, prepared aside; one a table at a time. The calls below may come in any order, but the zone
 * of each node must be in the table or in the batch when it is published. ERR_MEMORY; ERR_RANGE: an owner that is
 * not at or below the apex of its zone, or records over 65535 octets; ERR_FULL: some hundred million names. After
 * an error b can only be freed. */
struct table_batch;
MUST_USE enum err table_batch_new(struct table_batch **out, struct table *t);
/* Put or replace the node of its owner; takes n in any case. At most one put or remove per owner in a batch. */
MUST_USE enum err table_batch_put(struct table_batch *b, struct node *n);
/* Take an owner away; a name with others below it becomes an empty non-terminal. Nothing happens when there is
 * none. */
MUST_USE enum err table_batch_remove(struct table_batch *b, const struct name *owner);
MUST_USE enum err table_batch_put_zone(struct table_batch *b, const struct table_zone_spec *zone);
/* Its nodes are to be removed as well, in this batch or before: they are not looked for, and stay in memory if
 * forgotten. */
MUST_USE enum err table_batch_remove_zone(struct table_batch *b, uint32_t zone);
/* Make all of it visible, nodes first, then zones (so that a serial never names data that is not there), and free
 * b. Cannot fail: memory was set aside above. When it returns, every reader that starts a read section sees it. */
void table_batch_publish(struct table_batch *b);
void table_batch_free(struct table_batch *b); /* give it up unpublished; NULL is fine */
/* Free what earlier batches replaced; waits for a grace period when there is anything. Never call it before a
 * reply. */
void table_reclaim(struct table *t);
/* Enough has gathered for the waiting to be worth it, or it must not stay longer. */
bool table_reclaim_is_due(const struct table *t);

/* ---- where readers find the table ---- */

/* The writer may replace the whole table (after an error of the store); readers load it once a batch. */
struct table_slot {
    struct table *current; /* rcu_dereference / rcu_assign_pointer; NULL while loading */
    /* Of every table that is published here, and of the trace: one hash of a name serves both, and goes on doing so
     * when the table is replaced. Set by table_slot_init(), then const. */
    struct siphash_key name_key;
};
MUST_USE enum err table_slot_init(struct table_slot *slot); /* with a random key and no table; ERR_CRYPTO */
/* Publish t (NULL is allowed) and give the one that was there before; waits for a grace period, so that it can be
 * freed. */
struct table *table_slot_swap(struct table_slot *slot, struct table *t);

/* Where rows of challenge names are made; the table's, of the writer's thread. */
struct slab *table_slab(const struct table *t);

struct table_counts {
    uint64_t nodes, zones, bytes; /* live nodes with empty non-terminals; bytes of nodes and slots */
};
struct table_counts table_counts(const struct table *t); /* writer's thread */

/* ---- reading: DNS threads, inside a read section. See core/answer_set.h for what a node holds. ---- */

const struct table *table_slot_read(const struct table_slot *slot); /* NULL while loading */
uint64_t table_hash(const struct table *t, const struct name *folded);
/* For many look-ups at once: fetch the slots of all, then the nodes of all, then find. Gives the slot, for the
 * second step, in the same read section. */
const void *table_prefetch(const struct table *t, uint64_t hash);
void table_prefetch_node(const void *slot);
/* The node of a folded name, and its zone; both NULL when there is none. */
struct table_found {
    const struct node *node;
    const struct table_zone *zone;
};
struct table_found table_look_up(const struct table *t, const struct name *folded, uint64_t hash);
/* The node alone. */
const struct node *table_find(const struct table *t, const struct name *folded, uint64_t hash);
/* The zone of longest match, or NULL when the name is in none of ours. */
const struct table_zone *table_find_zone(const struct table *t, const struct name *folded);
const struct table_zone *table_node_zone(const struct table *t, const struct node *n);

#endif
