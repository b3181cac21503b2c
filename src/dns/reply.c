#include "dns/reply.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "core/rr.h"

/* Third and fourth octet of the header: RFC 1035 section 4.1.1, RFC 4035 section 3.1.6 for CD. */
#define FLAG_QR     0x80
#define FLAG_OPCODE 0x78
#define FLAG_AA     0x04
#define FLAG_TC     0x02
#define FLAG_RD     0x01
#define FLAG_CD     0x10

/* The largest reply without records fits everywhere, so that an error or a truncated answer can always be said. */
_Static_assert(DNS_HEADER_LEN + NAME_MAX_LEN + QUESTION_TAIL + EDNS_TAIL_MAX <= DNS_UDP_PLAIN_MAX,
               "room for errors");

static void store_u16(uint8_t *at, size_t v)
{
    uint16_t be = htobe16((uint16_t)v);

    memcpy(at, &be, sizeof be);
}

static void store_u32(uint8_t *at, uint32_t v)
{
    uint32_t be = htobe32(v);

    memcpy(at, &be, sizeof be);
}

static size_t load_u16(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof v);
    return be16toh(v);
}

static void drop_records(struct reply *r)
{
    r->len = DNS_HEADER_LEN + (size_t)r->q->question_len;
    r->answers = r->authorities = r->additionals = 0;
}

void reply_begin(struct reply *r, const struct query *q, enum query_transport transport,
                 const struct reply_settings *settings, uint8_t *msg, size_t cap)
{
    size_t limit = DNS_MESSAGE_MAX;

    assert(cap >= DNS_UDP_PLAIN_MAX && settings->identity_len <= EDNS_NSID_MAX);
    r->q = q;
    r->msg = msg;
    r->transport = transport;
    r->authoritative = r->truncated = false;
    r->edns = (struct edns_reply){.udp_size = settings->udp_size,
                                  .rcode = RCODE_NOERROR,
                                  .dnssec_ok = q->dnssec_ok,
                                  .nsid = q->nsid && settings->identity_len > 0 ? settings->identity : NULL,
                                  .nsid_len = settings->identity_len,
                                  .ede = EDE_NONE};
    drop_records(r);

    if (transport == QUERY_UDP) {
        limit = q->edns_size; /* 512 without EDNS */
        if (limit > settings->udp_size)
            limit = settings->udp_size;
        if (limit < DNS_UDP_PLAIN_MAX)
            limit = DNS_UDP_PLAIN_MAX;
    }
    r->limit = limit < cap ? limit : cap;
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
        store_u16(r->msg + at, QNAME_POINTER | owner_at);
        at += RR_FIXED + load_u16(r->msg + at + RR_FIXED - 2);
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
    store_u16(at, QNAME_POINTER | (name_end - negative.apex_len));
    store_u16(at + 2, RR_SOA);
    store_u16(at + 4, CLASS_IN);
    store_u32(at + 6, negative.ttl_s);
    store_u16(at + 10, negative.soa_rdata_len);
    memcpy(at + RR_FIXED, negative.soa_rdata, negative.soa_rdata_len);
    r->len += RR_FIXED + (size_t)negative.soa_rdata_len;
    r->authorities = 1;
}

/* Without a question there is nothing that flags could be about: a NOTIMP answers the header alone, and copies
 * nothing but ID and opcode (RFC 8906 section 3.1.4). In an UPDATE they are reserved (RFC 2136 section 2.2). */
static void header_put(struct reply *r)
{
    uint8_t *h = r->msg;
    bool is_query = (h[2] & FLAG_OPCODE) == OPCODE_QUERY;
    uint8_t kept = is_query ? (uint8_t)(h[2] & FLAG_RD) : 0;
    uint8_t cd = is_query ? (uint8_t)(h[3] & FLAG_CD) : 0;

    h[2] = (uint8_t)(FLAG_QR | (h[2] & FLAG_OPCODE) | kept | (r->authoritative ? FLAG_AA : 0) |
                     (r->truncated ? FLAG_TC : 0));
    h[3] = (uint8_t)(cd | (r->edns.rcode & 0xf));
    store_u16(h + 4, r->q->has_question ? 1 : 0);
    store_u16(h + 6, r->answers);
    store_u16(h + 8, r->authorities);
    store_u16(h + 10, (size_t)r->additionals + (r->q->edns ? 1 : 0));
}

void reply_resume(struct reply *r)
{
    r->edns.rcode = r->msg[3] & 0xf; /* those of more bits have no records to lose */
    r->authoritative = (r->msg[2] & FLAG_AA) != 0;
}

size_t reply_finish(struct reply *r)
{
    assert(r->len <= r->room && r->room <= r->limit);
    header_put(r);
    if (!r->q->edns)
        return r->len;
    if (edns_len(&r->edns) > r->limit - r->len)
        r->edns.ede = EDE_NONE; /* a help, never worth a truncation */
    r->len += edns_put(r->msg + r->len, &r->edns);
    assert(r->len <= r->limit);
    return r->len;
}
