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

/* Header and OPT around the records that are there. RA, AD and Z are clear. */
static void finish(uint8_t *msg, size_t opt_at, const struct query *q, const struct answer_ready *ready,
                   enum dns_rcode rcode, uint16_t udp_size)
{
    unsigned flags = HEADER_QR | HEADER_AA | (wire_load_u16(msg + 2) & (HEADER_RD | HEADER_CD)) | rcode;

    wire_store_u64(msg + 2,
                   (uint64_t)flags << 48 | UINT64_C(1) << 32 | (uint64_t)ready->answers << 16 | ready->authorities);
    wire_store_u16(msg + 10, q->edns);
    if (q->edns)
        edns_put_plain(msg + opt_at, udp_size, rcode, q->dnssec_ok);
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
            return 0;
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
