#include "dns/reply.h"

#include <assert.h>
#include <string.h>

#include "base/wire.h"
#include "core/rr.h"

/* The largest reply without records fits everywhere, so that an error or a truncated answer can always be said. */
_Static_assert(DNS_HEADER_LEN + NAME_MAX_LEN + QUESTION_TAIL + EDNS_TAIL_MAX <= DNS_UDP_PLAIN_MAX,
               "room for errors");

static void drop_records(struct reply *r)
{
    r->len = DNS_HEADER_LEN + (size_t)r->q->question_len;
    r->answers = r->authorities = r->additionals = 0;
}

size_t reply_limit(const struct query *q, enum query_transport transport, const struct reply_settings *settings,
                   size_t cap)
{
    size_t limit = DNS_MESSAGE_MAX;

    if (transport == QUERY_UDP) {
        limit = q->edns_size; /* at least 512, like what is configured */
        if (limit > settings->udp_size)
            limit = settings->udp_size;
    }
    return limit < cap ? limit : cap;
}

void reply_begin(struct reply *r, const struct query *q, enum query_transport transport,
                 const struct reply_settings *settings, uint8_t *msg, size_t cap)
{
    assert(cap >= DNS_UDP_PLAIN_MAX && settings->identity_len <= EDNS_NSID_MAX);
    r->q = q;
    r->msg = msg;
    r->transport = transport;
    r->authoritative = r->truncated = false;
    r->edns = (struct edns_reply){.udp_size = settings->udp_size,
                                  .rcode = RCODE_NOERROR,
                                  .ede = EDE_NONE,
                                  .dnssec_ok = q->dnssec_ok,
                                  .nsid = settings->identity,
                                  .nsid_len = q->nsid ? settings->identity_len : 0};
    drop_records(r);
    r->limit = reply_limit(q, transport, settings, cap);
    r->room = r->limit - (q->edns ? edns_len(&r->edns) : 0);
}

bool reply_set_aside(struct reply *r, size_t len)
{
    size_t least = r->len + (r->q->edns ? (size_t)EDNS_TAIL_MAX : 0) + len;
    bool fits = least <= r->limit;

    if (!fits)
        r->limit = least;
    r->limit -= len;
    r->room = r->limit - (r->q->edns ? edns_len(&r->edns) : 0);
    return fits;
}

void reply_overflow(struct reply *r)
{
    if (r->transport == QUERY_TCP) {
        reply_fail(r, RCODE_SERVFAIL, EDE_NONE);
        return;
    }
    drop_records(r);
    r->truncated = true;
}

void reply_fail(struct reply *r, enum dns_rcode rcode, uint16_t ede)
{
    drop_records(r);
    r->authoritative = false;
    r->edns.rcode = (uint16_t)rcode;
    r->edns.ede = ede;
}

bool reply_put_set(struct reply *r, const struct answer_set *set)
{
    if (set->len > r->room - r->len) {
        reply_overflow(r);
        return false;
    }
    memcpy(r->msg + r->len, set->records, set->len);
    r->len += set->len;
    r->answers = (uint16_t)(r->answers + set->count);
    if (set->additional_len > 0 && set->additional_len <= r->room - r->len) {
        memcpy(r->msg + r->len, set->additional, set->additional_len);
        r->len += set->additional_len;
        r->additionals = set->additional_count;
    }
    return true;
}

bool reply_put_set_at(struct reply *r, const struct answer_set *set, size_t owner_at)
{
    struct answer_set records = *set;
    size_t at = r->len;

    assert(owner_at <= POINTER_MAX);
    records.additional_len = 0;
    if (!reply_put_set(r, &records))
        return false;
    while (at + RR_FIXED <= r->len) {
        wire_store_u16(r->msg + at, (uint16_t)(QNAME_POINTER | owner_at));
        at += RR_FIXED + wire_load_u16(r->msg + at + RR_FIXED - 2);
    }
    assert(at == r->len);
    return true;
}

void reply_put_negative(struct reply *r, const struct table_zone *zone, size_t name_end)
{
    struct zone_negative negative;
    uint8_t *at = r->msg + r->len;

    table_zone_negative(zone, &negative);
    assert(name_end >= DNS_HEADER_LEN + (size_t)negative.apex_len && name_end <= POINTER_MAX);
    if (RR_FIXED + (size_t)negative.soa_rdata_len > r->room - r->len) {
        reply_overflow(r);
        return;
    }
    wire_store_u16(at, (uint16_t)(QNAME_POINTER | (name_end - negative.apex_len)));
    wire_store_u16(at + 2, RR_SOA);
    wire_store_u16(at + 4, CLASS_IN);
    wire_store_u32(at + 6, negative.ttl_s);
    wire_store_u16(at + 10, negative.soa_rdata_len);
    memcpy(at + RR_FIXED, negative.soa_rdata, negative.soa_rdata_len);
    r->len += RR_FIXED + (size_t)negative.soa_rdata_len;
    r->authorities = 1;
}

/* Without a question there is nothing that flags could be about: a NOTIMP answers the header alone, and copies
 * nothing but ID and opcode (RFC 8906 section 3.1.4). In an UPDATE they are reserved (RFC 2136 section 2.2). */
static void header_put(struct reply *r)
{
    uint8_t *h = r->msg;
    unsigned asked = wire_load_u16(h + 2);
    unsigned kept = (asked & HEADER_OPCODE) == OPCODE_QUERY ? HEADER_RD | HEADER_CD : HEADER_OPCODE;
    unsigned flags = HEADER_QR | (asked & kept) | (r->edns.rcode & HEADER_RCODE);

    flags |= r->authoritative ? HEADER_AA : 0;
    flags |= r->truncated ? HEADER_TC : 0;
    /* Octets 2 to 9: flags, QDCOUNT, ANCOUNT, NSCOUNT. */
    wire_store_u64(h + 2, (uint64_t)flags << 48 | (uint64_t)r->q->has_question << 32 | (uint64_t)r->answers << 16 |
                              r->authorities);
    wire_store_u16(h + 10, (uint16_t)(r->additionals + r->q->edns));
}

void reply_resume(struct reply *r)
{
    unsigned flags = wire_load_u16(r->msg + 2);

    r->edns.rcode = flags & HEADER_RCODE; /* those of more bits have no records to lose */
    r->authoritative = (flags & HEADER_AA) != 0;
}

size_t reply_finish(struct reply *r)
{
    assert(r->len <= r->room && r->room <= r->limit);
    header_put(r);
    if (!r->q->edns)
        return r->len;
    if (r->edns.ede != EDE_NONE && edns_len(&r->edns) > r->limit - r->len)
        r->edns.ede = EDE_NONE; /* a help, never worth a truncation */
    r->len += edns_put(r->msg + r->len, &r->edns);
    assert(r->len <= r->limit);
    return r->len;
}
