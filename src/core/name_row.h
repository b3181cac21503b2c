/* core/name_row.h -- the row of a challenge name: what the state knows of it, and what DNS answers at its own
 * place, in one block; for state*.c, publish.c and the table's files only. Committer's thread.
 *
 * Most names are idle, and there may be millions. So a row is a node of the table (core/table_internal.h) with what
 * is left to say behind the records, each part only where there is something, in numbers of variable length:
 *
 *   node      id, account, zone, second of creation, the labels below the apex, the TXT records, newest first
 *   tail      with ROW_TAIL: its octets as a number; then
 *     case    with ROW_CASE: the labels as they were registered
 *     extra   with ROW_EXTRA: when it was made and retired, and its domains as texts with their NUL
 *     claims  with values: the name's place in the index of expiries, 32 bits; then of each record its claims
 *
 * A row of a name of 37 octets without values takes 61 octets; two values of one claim each add about 165. Rows do
 * not change, but for the marks and the place: a change of the name makes another one. */
#ifndef CORE_NAME_ROW_H
#define CORE_NAME_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/slab.h"
#include "core/state.h"
#include "core/table_internal.h"

/* Flags of rows, besides ROW_IN_TABLE. */
#define ROW_SUBTREE 0x02
#define ROW_TAIL    0x04
#define ROW_EXTRA   0x08
#define ROW_CASE    0x10 /* its labels were registered with capitals */
#define ROW_STAGED  0x20 /* in the batch that is being staged */

struct row_spec {
    uint32_t id, account;
    uint32_t zone; /* the table's number for it */
    uint32_t expiry_place;
    uint32_t ttl_s; /* of the records */
    int64_t created_s, retired_s;
    bool subtree;
    uint16_t n_domains;
    uint32_t domains_len;  /* octets of all of them */
    const char *domains;   /* texts with their NUL, one behind the other */
    const uint8_t *labels; /* of the owner below the apex, folded */
    const uint8_t *cased;  /* the same as registered */
    size_t labels_len;
    struct value_set *values; /* making a row notes in it where they stand, see row_link() */
};

/* Room to put a row together in, kept from one to the next; zeroed is empty. */
struct row_room {
    uint8_t *octets;
    size_t cap;
};
void row_room_fini(struct row_room *room);

/* A row in the slab. ERR_MEMORY; ERR_RANGE: the records are over 65535 octets. */
MUST_USE enum err row_new(struct node **out, struct slab *slab, struct row_room *room, const struct row_spec *spec);
/* All but the values and the TTL; what it points to is the row's. */
void row_read(const struct node *row, struct row_spec *out);
/* The values, whose rdata is the row's, into room of vs that is large enough (value_set_reserve()). */
void row_values(const struct node *row, struct value_set *vs);
/* The row was made of vs and nothing has changed in it since: it has the row's rdata from now on. */
void row_link(const struct node *row, struct value_set *vs);
const uint8_t *row_cased_labels(const struct node *row);     /* as registered, name_len octets */
size_t row_size(const struct node *row);                     /* octets of the block */
uint32_t row_expiry_place(const struct node *row);           /* 0 when it has no values */
void row_set_expiry_place(struct node *row, uint32_t place); /* of one that has values */

/* True when there is nothing between the name and the apex. */
static inline bool row_is_single_label(const struct node *row)
{
    return row->name_len == 1u + node_name(row)[0];
}

static inline struct node *row_of(const struct name_entry *n)
{
    return (struct node *)(uintptr_t)n; /* the same object, under the name it has outside */
}

static inline struct name_entry *entry_of(const struct node *row)
{
    return (struct name_entry *)(uintptr_t)row;
}

/* The table numbers zones and aliases together. */
static inline uint32_t table_id_of_zone(uint32_t zone)
{
    return 2 * zone;
}

static inline uint32_t table_id_of_alias(uint32_t alias)
{
    return 2 * alias + 1;
}

static inline uint32_t zone_of_table_id(uint32_t id)
{
    return id / 2;
}

#endif
