/* Reading what was answered: every response is walked octet by octet with our own reader, which must end exactly
 * where the message ends, and decoded by ldns as a second opinion. */
#ifndef TESTS_DNS_TOLD_H
#define TESTS_DNS_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ldns/ldns.h>

#include "base/wire.h"
#include "dns/edns.h"
#include "dns/world.h"

#define TOLD_AA 0x0400
#define TOLD_TC 0x0200
#define TOLD_RD 0x0100
#define TOLD_RA 0x0080
#define TOLD_Z  0x0040
#define TOLD_AD 0x0020
#define TOLD_CD 0x0010

struct told {
    size_t len; /* 0: silence */
    uint8_t msg[DNS_MESSAGE_MAX + NAME_PAD];
    uint16_t flags;
    unsigned rcode;                                        /* with the extended bits */
    unsigned questions, answers, authorities, additionals; /* without OPT */
    bool edns;
    uint16_t udp_size;
    uint32_t opt_flags; /* the TTL field of OPT */
    uint16_t ede;
    unsigned options; /* how many */
    uint8_t nsid[EDNS_NSID_MAX];
    size_t nsid_len;
};

static inline void told_options(struct told *t, const uint8_t *bytes, size_t len)
{
    struct wire_reader r;

    wire_reader_init(&r, bytes, len);
    while (wire_left(&r) > 0) {
        uint16_t code = wire_get_u16(&r);
        uint16_t option_len = wire_get_u16(&r);
        const uint8_t *at = wire_get_bytes(&r, option_len);

        assert_int_equal(r.err, ERR_OK);
        t->options++;
        if (code == EDNS_OPTION_EDE) {
            assert_int_equal(option_len, 2);
            t->ede = (uint16_t)(at[0] << 8 | at[1]);
        } else {
            assert_int_equal(code, EDNS_OPTION_NSID); /* no other is ever sent, echoed ones least of all */
            memcpy(t->nsid, at, option_len);
            t->nsid_len = option_len;
        }
    }
}

static inline void told_record(struct told *t, struct wire_reader *r, bool *opt)
{
    struct name owner;

    assert_int_equal(name_decode(r, &owner), ERR_OK);
    uint16_t type = wire_get_u16(r);
    uint16_t class = wire_get_u16(r);
    uint32_t ttl = wire_get_u32(r);
    uint16_t rdlen = wire_get_u16(r);
    const uint8_t *rdata = wire_get_bytes(r, rdlen);

    assert_int_equal(r->err, ERR_OK);
    *opt = type == RR_OPT;
    if (!*opt)
        return;
    assert_false(t->edns);
    assert_int_equal(owner.len, 1);
    t->edns = true;
    t->udp_size = class;
    t->opt_flags = ttl;
    t->rcode |= ttl >> 24 << 4;
    told_options(t, rdata, rdlen);
}

/* Walk the response in t->msg. */
static inline void told_walk(struct told *t)
{
    struct wire_reader r;
    unsigned records;

    wire_reader_init(&r, t->msg, t->len);
    (void)wire_get_u16(&r);
    t->flags = wire_get_u16(&r);
    t->rcode = t->flags & 0xf;
    t->questions = wire_get_u16(&r);
    t->answers = wire_get_u16(&r);
    t->authorities = wire_get_u16(&r);
    t->additionals = wire_get_u16(&r);
    t->ede = EDE_NONE;
    t->edns = false;
    t->options = 0;
    t->nsid_len = 0;
    for (unsigned i = 0; i < t->questions; i++) {
        struct name name;

        assert_int_equal(name_decode(&r, &name), ERR_OK);
        (void)wire_get_u32(&r);
    }
    records = t->answers + t->authorities + t->additionals;
    for (unsigned i = 0; i < records; i++) {
        bool opt;

        told_record(t, &r, &opt);
        if (opt) {
            assert_true(i >= t->answers + t->authorities);
            t->additionals--;
            records = i + 1; /* ours is the last one */
        }
    }
    assert_int_equal(r.err, ERR_OK);
    assert_int_equal(wire_left(&r), 0);
}

/* The second opinion; frees nothing of t. Only for messages with a question: ldns wants one. */
static inline ldns_pkt *told_ldns(const struct told *t)
{
    ldns_pkt *pkt = NULL;

    assert_int_equal(ldns_wire2pkt(&pkt, t->msg, t->len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_qdcount(pkt), t->questions);
    assert_int_equal(ldns_pkt_ancount(pkt), t->answers);
    assert_int_equal(ldns_pkt_nscount(pkt), t->authorities);
    assert_int_equal(ldns_pkt_edns(pkt), t->edns);
    assert_int_equal(ldns_pkt_aa(pkt), (t->flags & TOLD_AA) != 0);
    assert_int_equal(ldns_pkt_tc(pkt), (t->flags & TOLD_TC) != 0);
    return pkt;
}

/* What holds of every response to the query: RFC 1035 section 4.1.1, and the design's DNS rules. */
static inline void told_check(const struct told *t, const uint8_t *query, size_t query_len,
                              enum query_transport transport, size_t limit)
{
    unsigned asked = (unsigned)query[2] << 8 | query[3];
    struct query q;
    uint8_t *copy = calloc(1, query_len + NAME_PAD);

    assert_non_null(copy);
    memcpy(copy, query, query_len);
    query_parse(&q, copy, query_len, transport);
    free(copy);

    assert_true(t->len >= DNS_HEADER_LEN && t->len <= limit);
    assert_memory_equal(t->msg, query, 2);
    assert_int_equal(t->flags & 0x8000, 0x8000);
    assert_int_equal(t->flags & 0x7800, asked & 0x7800);
    assert_int_equal(t->flags & (TOLD_RA | TOLD_Z | TOLD_AD), 0);
    if ((asked & 0x7800) != 0 && (asked & 0x7800) != OPCODE_UPDATE << 11) {
        assert_int_equal(t->flags & 0x07ff, RCODE_NOTIMP);
        assert_int_equal(t->len, DNS_HEADER_LEN);
        assert_int_equal(t->questions + t->answers + t->authorities + t->additionals, 0);
        return;
    }
    assert_int_equal(t->flags & (TOLD_RD | TOLD_CD), (asked & 0x7800) == 0 ? asked & (TOLD_RD | TOLD_CD) : 0);
    assert_int_equal(t->questions, q.has_question);
    assert_memory_equal(t->msg + DNS_HEADER_LEN, query + DNS_HEADER_LEN, q.question_len);
    assert_int_equal(t->edns, q.edns);
    if (t->edns) {
        assert_int_equal(t->opt_flags & 0x00ffffff, q.dnssec_ok ? 0x8000 : 0); /* version 0, no flag but DO */
    } else {
        assert_int_equal(t->options, 0);
    }
    if ((t->flags & TOLD_AA) != 0) {
        assert_true(t->rcode == RCODE_NOERROR || t->rcode == RCODE_NXDOMAIN);
        assert_int_equal(q.qclass, CLASS_IN);
    }
    if (t->rcode != RCODE_NOERROR && t->rcode != RCODE_NXDOMAIN)
        assert_int_equal(t->answers + t->authorities + t->additionals - (q.tsig_at != 0 && t->additionals == 1), 0);
    if ((t->flags & TOLD_TC) != 0) {
        assert_int_equal(transport, QUERY_UDP);
        assert_int_equal(t->answers + t->authorities + t->additionals, 0);
    }
}

/* Ask with octets that are already there, and check what always holds. t may not hold the query. */
static inline void told_raw(struct told *t, struct world *w, const uint8_t *query, size_t len,
                            enum query_transport transport)
{
    size_t limit = DNS_MESSAGE_MAX;

    memcpy(t->msg, query, len);
    t->len = world_ask(w, t->msg, len, transport);
    if (t->len == 0)
        return;
    told_walk(t);
    if (transport == QUERY_UDP)
        limit = t->edns ? w->answerer.says.udp_size : DNS_UDP_PLAIN_MAX;
    told_check(t, query, len, transport, limit);
}

static inline void told(struct told *t, struct world *w, const struct ask *ask, enum query_transport transport)
{
    uint8_t query[1024];

    told_raw(t, w, query, ask_put(query, ask), transport);
    assert_true(t->len > 0);
}

#endif
