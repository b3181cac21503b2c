#include "dns/usual.h"

#include <string.h>

#include "base/wire.h"
#include "core/answer_set.h"
#include "core/rr.h"
#include "dns/edns.h"
#include "dns/reply.h"
#include "dns/traced.h"

/* The SOA stands behind the question as if it were an answer: give it the zone's name, the last labels of the
 * question's, as owner, and the TTL of negative answers (RFC 2308 section 3). */
static void make_negative(uint8_t *soa, const struct query *q, const struct table_zone *zone)
{
    struct zone_negative negative;

    table_zone_negative(zone, &negative);
    wire_store_u16(soa, (uint16_t)(QNAME_POINTER | (DNS_HEADER_LEN + q->name.len - negative.apex_len)));
    wire_store_u32(soa + 6, negative.ttl_s);
}

/* `flags` are AA and the RCODE; RA, AD and Z are clear. */
static inline void put_header(uint8_t *msg, const struct query *q, unsigned flags, unsigned answers,
                              unsigned authorities)
{
    flags |= HEADER_QR | (wire_load_u16(msg + 2) & (HEADER_RD | HEADER_CD));
    wire_store_u64(msg + 2, (uint64_t)flags << 48 | UINT64_C(1) << 32 | (uint64_t)answers << 16 | authorities);
    wire_store_u16(msg + 10, q->edns);
}

/* Header and OPT around the records that are there. */
static void finish(uint8_t *msg, size_t opt_at, const struct query *q, const struct answer_ready *ready,
                   enum dns_rcode rcode, uint16_t udp_size)
{
    put_header(msg, q, HEADER_AA | rcode, ready->answers, ready->authorities);
    if (q->edns)
        edns_put_plain(msg + opt_at, udp_size, rcode, q->dnssec_ok);
}

/* A name outside of all zones: whoever floods a server mostly asks for such. It always fits (dns/reply.c), and the
 * trace is about our names only. */
static size_t refuse(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg)
{
    size_t len = DNS_HEADER_LEN + (size_t)q->question_len;

    put_header(msg, q, RCODE_REFUSED, 0, 0);
    dns_count_reply(a->counters, peer->transport, q->qtype, RCODE_REFUSED);
    if (!q->edns)
        return len;
    edns_put_ede(msg + len, a->says.udp_size, RCODE_REFUSED, q->dnssec_ok, EDE_NOT_AUTHORITATIVE);
    return len + EDNS_FIXED_LEN + EDNS_EDE_LEN;
}

APART size_t usual_answer(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                          size_t cap)
{
    struct table_found found = table_look_up(a->table, &q->name, q->hash);
    const struct table_zone *zone = found.zone;
    enum dns_rcode rcode = RCODE_NOERROR;
    struct answer_ready ready;
    size_t at = DNS_HEADER_LEN + (size_t)q->question_len, opt_at, len;

    if (found.node != NULL) {
        ready = node_ready(found.node, zone, q->qtype);
    } else {
        zone = table_find_zone(a->table, &q->name);
        if (zone == NULL)
            return refuse(a, q, peer, msg);
        ready = zone_ready_negative(zone);
        rcode = RCODE_NXDOMAIN;
    }
    opt_at = at + ready.len;
    len = opt_at + (q->edns ? EDNS_FIXED_LEN : 0);
    if (ready.records == NULL || len > reply_limit(q, peer->transport, &a->says, cap))
        return 0;
    memcpy(msg + at, ready.records, ready.len);
    if (ready.authorities > 0)
        make_negative(msg + at, q, zone);
    finish(msg, opt_at, q, &ready, rcode, a->says.udp_size);
    dns_count_reply(a->counters, peer->transport, q->qtype, rcode);
    if (found.node == NULL || (node_flags(found.node) & NODE_CHALLENGE) != 0)
        traced_put(a, q, peer,
                   (struct traced){.name_hash = q->hash,
                                   .serial = table_zone_serial(zone),
                                   .answers = (uint16_t)ready.answers,
                                   .rcode = (uint8_t)rcode});
    return len;
}
