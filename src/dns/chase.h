/* dns/chase.h -- following a CNAME through our zones (RFC 1034 section 3.6.2), off the fast path. DNS threads,
 * inside a read section; no allocation. */
#ifndef DNS_CHASE_H
#define DNS_CHASE_H

#include "core/table.h"
#include "dns/reply.h"

#define CHASE_STEPS 8 /* names looked at, the first included; a resolver goes on from where we stop */

/* Where a chain ended. */
struct chase_end {
    struct name name;              /* folded */
    uint64_t hash;                 /* of the name, by table_hash() */
    const struct node *node;       /* NULL: there is no such name, or it is none of ours */
    const struct table_zone *zone; /* NULL: none of ours */
};

/* Put the CNAME at node, the question's own, and what its chain leads to: each further CNAME, then the RRset of the
 * question's type or the negative answer of the last zone, with the RCODE of the last name (RFC 2308 section 2.1,
 * RFC 6604 section 3). The chain ends early, with NOERROR, at a target outside our zones, in a loop and after
 * CHASE_STEPS. */
void chase_put(struct reply *r, const struct table *t, const struct node *node, struct chase_end *end);

#endif
