#include "dns/answer.h"

#include <string.h>

#include "base/clock.h"
#include "core/answer_set.h"
#include "core/rr.h"
#include "dns/chaos.h"
#include "dns/chase.h"
#include "dns/reply.h"

_Static_assert(DNS_IDENTITY_MAX <= EDNS_NSID_MAX, "every identity fits");

void answerer_refresh(struct answerer *a, const struct table_slot *slot, const struct dns_tuning_slot *tuning)
{
    const struct dns_tuning *t = dns_tuning_read(tuning);

    a->table = table_slot_read(slot);
    a->udp_size = t->udp_size;
    a->identity = t->identity;
    a->identity_len = t->identity_len;
    a->now_us = clock_real_us(&clock_system);
}

/* Everything that composing one answer works with. */
struct composition {
    struct answerer *a;
    const struct answer_peer *peer;
    struct reply r;
};

/* Remember what was told about a challenge name, or about one of our names that does not exist. */
static void trace_put(const struct composition *c, uint64_t name_hash, const struct table_zone *zone)
{
    const struct reply *r = &c->r;
    struct trace_record rec = {.time_us = c->a->now_us,
                               .name_hash = trace_hash(name_hash),
                               .serial = table_zone_serial(zone),
                               .qtype = r->q->qtype,
                               .edns_size = r->q->edns ? r->q->edns_size : 0,
                               .count = r->answers,
                               .rcode = (uint8_t)r->edns.rcode,
                               .listener = c->peer->listener};
    struct addr client;
    unsigned flags = 0;

    addr_from_sockaddr(&client, &rec.port, c->peer->from);
    memcpy(rec.client, client.b, sizeof rec.client);
    flags |= c->peer->transport == QUERY_TCP ? TRACE_TCP : 0;
    flags |= r->q->edns ? TRACE_EDNS : 0;
    flags |= r->q->mixed_case ? TRACE_MIXED_CASE : 0;
    flags |= r->truncated ? TRACE_TRUNCATED : 0;
    flags |= r->edns.rcode == RCODE_NXDOMAIN ? TRACE_NXDOMAIN : 0;
    flags |= client.family == ADDR_V6 ? TRACE_V6 : 0;
    flags |= r->q->dnssec_ok ? TRACE_DO : 0;
    rec.flags = (uint8_t)flags;
    trace_add(c->a->trace, &rec);
}

static void trace_node(const struct composition *c, uint64_t name_hash, const struct node *node,
                       const struct table_zone *zone)
{
    if (c->a->trace == NULL || zone == NULL)
        return;
    if (node == NULL || (node_flags(node) & NODE_CHALLENGE) != 0)
        trace_put(c, name_hash, zone);
}

/* There is no node of the question's name. */
static void answer_absent(struct composition *c)
{
    struct reply *r = &c->r;
    const struct table_zone *zone = table_find_zone(c->a->table, &r->q->name);

    if (zone == NULL) {
        reply_fail(r, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
        return;
    }
    r->authoritative = r->q->qclass == CLASS_IN;
    r->edns.rcode = RCODE_NXDOMAIN;
    reply_put_negative(r, zone, DNS_HEADER_LEN + (size_t)r->q->name.len);
    trace_node(c, r->q->hash, NULL, zone);
}

/* Zone transfers are for zones, and ours are not for everyone: RFC 5936 section 2.2.1. */
static void answer_transfer(struct reply *r, const struct node *node)
{
    if (node != NULL && (node_flags(node) & NODE_APEX) != 0)
        reply_fail(r, RCODE_REFUSED, EDE_PROHIBITED);
    else
        reply_fail(r, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE);
}

/* The name exists but has nothing of the type. */
static void answer_other(struct composition *c, const struct node *node, const struct table_zone *zone)
{
    struct reply *r = &c->r;
    struct chase_end end;
    struct answer_set set;

    if (r->q->qtype != RR_ANY && node_find_set(c->a->table, node, RR_CNAME, &set)) {
        chase_put(r, c->a->table, node, &end);
        trace_node(c, end.hash, end.node, end.zone);
        return;
    }
    reply_put_negative(r, zone, DNS_HEADER_LEN + (size_t)r->q->name.len);
    trace_node(c, r->q->hash, node, zone);
}

static void answer_lookup(struct composition *c)
{
    const struct table *t = c->a->table;
    struct reply *r = &c->r;
    const struct query *q = r->q;
    const struct table_zone *zone;
    const struct node *node;
    struct answer_set set;
    bool found;

    if (t == NULL) {
        reply_fail(r, RCODE_SERVFAIL, EDE_NOT_READY);
        return;
    }
    node = table_find(t, &q->name, q->hash);
    if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
        answer_transfer(r, node);
        return;
    }
    zone = node != NULL ? table_node_zone(t, node) : NULL;
    if (zone == NULL) {
        answer_absent(c);
        return;
    }
    r->authoritative = q->qclass == CLASS_IN; /* of class ANY nobody is an authority: RFC 1035 section 6.2 */
    found = q->qtype == RR_ANY ? node_any_set(t, node, &set) : node_find_set(t, node, q->qtype, &set);
    if (!found) {
        answer_other(c, node, zone);
        return;
    }
    (void)reply_put_set(r, &set);
    trace_node(c, q->hash, node, zone);
}

static struct reply_settings settings_of(const struct answerer *a)
{
    return (struct reply_settings){
        .udp_size = a->udp_size, .identity = a->identity, .identity_len = a->identity_len};
}

size_t answer_compose(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                      size_t cap)
{
    const struct reply_settings settings = settings_of(a);
    struct composition c;

    if (q->verdict == QUERY_DROP) {
        dns_count(&a->counters->dropped);
        return 0;
    }
    c.a = a;
    c.peer = peer;
    reply_begin(&c.r, q, peer->transport, &settings, msg, cap);
    switch (q->verdict) {
    case QUERY_LOOKUP:
        answer_lookup(&c);
        break;
    case QUERY_CHAOS:
        chaos_answer(&c.r, a->identity, a->identity_len);
        break;
    case QUERY_ERROR:
    case QUERY_DROP:
        reply_fail(&c.r, (enum dns_rcode)q->rcode, q->ede);
        break;
    }
    dns_count_reply(a->counters, peer->transport, q->qtype, c.r.edns.rcode);
    if (c.r.truncated)
        dns_count(&a->counters->truncated);
    return reply_finish(&c.r);
}

size_t answer_truncate(struct answerer *a, const struct query *q, uint8_t *msg, size_t len)
{
    const struct reply_settings settings = settings_of(a);
    struct reply r;
    size_t cut_len;

    reply_begin(&r, q, QUERY_UDP, &settings, msg, DNS_UDP_PLAIN_MAX);
    reply_resume(&r);
    reply_overflow(&r);
    cut_len = reply_finish(&r);
    if (cut_len >= len)
        return 0;
    dns_count(&a->counters->truncated);
    return cut_len;
}
