/* core/answer_set.h -- what a DNS worker finds at a node: precompiled RRsets. Readers, inside a read section. */
#ifndef CORE_ANSWER_SET_H
#define CORE_ANSWER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/name.h"
#include "core/table.h"

/* One RRset as it follows the question: owners are pointers to it. Points into the node or zone. */
struct answer_set {
    const uint8_t *records;
    uint32_t len; /* octets of records */
    uint16_t count;
    uint16_t type;
    const uint8_t *additional; /* records with full owner names, may be empty */
    uint16_t additional_len;
    uint16_t additional_count;
};

/* The RRset of a type. At an apex also SOA, at a challenge name also the zone's challenge CAA. */
bool node_find_set(const struct table *t, const struct node *n, uint16_t type, struct answer_set *out);
/* The RRset for QTYPE ANY: TXT when there is one, else the first, else false (RFC 8482 section 4.1). */
bool node_any_set(const struct table *t, const struct node *n, struct answer_set *out);
unsigned node_flags(const struct node *n);

/* Records that answer a usual question whole, to be copied behind it. */
struct answer_ready {
    const uint8_t *records; /* NULL: it is not that simple, see node_find_set() */
    size_t len;
    unsigned answers;     /* records of the answer section; */
    unsigned authorities; /* or 1: the zone's SOA, whose owner and TTL are still to be set, see zone_negative */
};
/* What the node n of zone z has of a type: its records; the SOA when there are none. Not ready where a CNAME is to
 * be followed or where there are additional records. */
struct answer_ready node_ready(const struct node *n, const struct table_zone *z, uint16_t type);
/* The SOA, for a name that does not exist. */
struct answer_ready zone_ready_negative(const struct table_zone *z);

/* Of the zone: the SOA RDATA with a current serial, for negative answers, and the negative TTL min(SOA TTL,
 * MINIMUM), RFC 2308 section 3. */
struct zone_negative {
    const uint8_t *soa_rdata;
    uint16_t soa_rdata_len;
    uint32_t ttl_s;
    uint16_t apex_len; /* octets of the apex's wire form: where the SOA's owner pointer goes */
};
void table_zone_negative(const struct table_zone *z, struct zone_negative *out);
uint32_t table_zone_serial(const struct table_zone *z);
uint32_t table_zone_id(const struct table_zone *z);

#endif
