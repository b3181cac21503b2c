/* core/trace.h -- the last questions about challenge names and what was told: 64 octets each, a ring for each DNS
 * thread.
 *
 * The owner thread writes without lock or atomic read-modify-write; any thread reads, and skips a record that
 * changes under its eyes. Kept: questions for existing challenge names and names below a zone that do not exist (so
 * that "asked for, but never made" can be seen); static names and the apex are not. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/siphash.h"
#include "core/name.h"

enum trace_flag {
    TRACE_TCP = 1,
    TRACE_EDNS = 2,
    TRACE_MIXED_CASE = 4, /* 0x20 seen */
    TRACE_TRUNCATED = 8,
    TRACE_NXDOMAIN = 16, /* else, with count 0: NODATA */
    TRACE_V6 = 32,
    TRACE_DO = 64,
};

struct trace_record {
    uint64_t stamp; /* order in its ring; trace_add() does not look at it */
    int64_t time_us;
    uint64_t name_hash; /* trace_hash() of the folded question name */
    uint8_t client[16];
    uint32_t serial;
    uint16_t port;
    uint16_t qtype;
    uint16_t edns_size;
    uint16_t count; /* records in the answer section */
    uint8_t rcode;
    uint8_t flags;    /* enum trace_flag */
    uint8_t listener; /* index of the address that was asked, as configured */
};

struct trace_ring; /* written by trace_add() of core/trace_ring.h */
struct trace;      /* all rings */

/* records: in all rings together, rounded up to a multiple of their number; 0: off. Copies the key, which is that
 * of the table's names. ERR_MEMORY. */
MUST_USE enum err trace_new(struct trace **out, size_t records, size_t rings, const struct siphash_key *name_key);
void trace_free(struct trace *t);
struct trace_ring *trace_ring(struct trace *t, size_t i); /* NULL when off */
/* The name_hash of records about a name, made of its table_hash(): never 0, which stands for all names. */
static inline uint64_t trace_hash(uint64_t table_hash)
{
    return table_hash | 1;
}
/* The same for those who have no table at hand. */
uint64_t trace_name_hash(const struct trace *t, const struct name *folded);
/* Copy the newest records, up to cap, about a name (hash 0: all), not older than since_us; oldest first. Any
 * thread. */
size_t trace_read(const struct trace *t, uint64_t name_hash, int64_t since_us, struct trace_record *out,
                  size_t cap);

#endif
