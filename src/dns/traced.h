/* dns/traced.h -- what the trace keeps of a question and its answer. DNS threads; private to src/dns.
 *
 * Code in a header, because it is done for nearly every question, and half of the work of calling it would be to
 * carry what it wants to know. */
#ifndef DNS_TRACED_H
#define DNS_TRACED_H

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "core/trace_ring.h"
#include "dns/answer.h"

/* What was told. */
struct traced {
    uint64_t name_hash; /* table_hash() of the name that it is about: the last one of a chain */
    uint32_t serial;    /* of its zone */
    uint16_t answers;   /* records in the answer section */
    uint8_t rcode;
    bool truncated;
};

/* Who asked; as addr_from_sockaddr() has it. */
struct asker {
    uint64_t head, tail; /* the 16 octets of struct addr, as two words */
    bool is_v6;
};

static inline struct asker asker_of(const struct sockaddr *from)
{
    const struct sockaddr_in *v4 = (const void *)from;
    const struct sockaddr_in6 *v6 = (const void *)from;
    struct asker who = {.is_v6 = true};

    if (from->sa_family == AF_INET)
        return (struct asker){.head = htole64((uint64_t)le32toh(v4->sin_addr.s_addr))};
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return (struct asker){.head = htole64((uint64_t)le32toh(v6->sin6_addr.s6_addr32[3]))};
    memcpy(&who.head, v6->sin6_addr.s6_addr, sizeof who.head);
    memcpy(&who.tail, v6->sin6_addr.s6_addr + sizeof who.head, sizeof who.tail);
    return who;
}

static inline unsigned traced_flags(const struct query *q, enum query_transport transport, struct traced told)
{
    unsigned flags = transport == QUERY_TCP ? TRACE_TCP : 0;

    flags |= q->edns ? TRACE_EDNS : 0;
    flags |= q->mixed_case ? TRACE_MIXED_CASE : 0;
    flags |= q->dnssec_ok ? TRACE_DO : 0;
    flags |= told.truncated ? TRACE_TRUNCATED : 0;
    flags |= told.rcode == RCODE_NXDOMAIN ? TRACE_NXDOMAIN : 0;
    return flags;
}

/* Put a record into the trace of a, if it has one. */
static ALWAYS_INLINE void traced_put(struct answerer *a, const struct query *q, const struct answer_peer *peer,
                                     struct traced told)
{
    struct asker who = asker_of(peer->from);
    unsigned flags = traced_flags(q, peer->transport, told) | (who.is_v6 ? TRACE_V6 : 0);
    struct trace_record rec = {.time_us = a->now_us,
                               .name_hash = trace_hash(told.name_hash),
                               .serial = told.serial,
                               .port = ntohs(((const struct sockaddr_in *)(const void *)peer->from)->sin_port),
                               .qtype = q->qtype,
                               .edns_size = q->edns ? q->edns_size : 0,
                               .count = told.answers,
                               .rcode = told.rcode,
                               .flags = (uint8_t)flags,
                               .listener = peer->listener};

    memcpy(rec.client, &who.head, sizeof who.head);
    memcpy(rec.client + sizeof who.head, &who.tail, sizeof who.tail);
    trace_add(a->trace, &rec);
}

#endif
