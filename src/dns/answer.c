#include "dns/answer.h"

#include <string.h>

#include "base/clock.h"
#include "core/answer_set.h"
#include "core/rr.h"
#include "dns/chaos.h"
#include "dns/chase.h"
#include "dns/reply.h"
#include "dns/traced.h"
#include "dns/usual.h"

_Static_assert(DNS_IDENTITY_MAX <= EDNS_NSID_MAX, "every identity fits");

#define US_PER_S 1000000

void answerer_refresh(struct answerer *a, const struct table_slot *slot, const struct dns_tuning_slot *tuning)
{
    const struct dns_tuning *t = dns_tuning_read(tuning);

    a->table = table_slot_read(slot);
    a->tsig_legacy = t->tsig_legacy;
    a->says =
        (struct reply_settings){.udp_size = t->udp_size, .identity = t->identity, .identity_len = t->identity_len};
    a->now_us = clock_real_us(&clock_system);
}

/* Everything that composing one answer works with. */
struct composition {
    struct answerer *a;
    const struct answer_peer *peer;
    struct reply r;
};

/* Challenge names are traced, and what does not exist in our zones. */
static void trace_node(const struct composition *c, uint64_t name_hash, const struct node *node,
                       const struct table_zone *zone)
{
    const struct reply *r = &c->r;

    if (zone == NULL || (node != NULL && (node_flags(node) & NODE_CHALLENGE) == 0))
        return;
    traced_put(c->a, r->q, c->peer,
               (struct traced){.name_hash = name_hash,
                               .serial = table_zone_serial(zone),
                               .answers = r->answers,
                               .rcode = (uint8_t)r->edns.rcode,
                               .truncated = r->truncated});
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

static void compose(struct composition *c)
{
    const struct query *q = c->r.q;

    switch (q->verdict) {
    case QUERY_LOOKUP:
        answer_lookup(c);
        break;
    case QUERY_CHAOS:
        chaos_answer(&c->r, c->a->says.identity, c->a->says.identity_len);
        break;
    case QUERY_ERROR:
    case QUERY_DROP:
    case QUERY_UPDATE:
        reply_fail(&c->r, (enum dns_rcode)q->rcode, q->ede);
        break;
    }
}

static void count(struct composition *c)
{
    struct answerer *a = c->a;

    dns_count_reply(a->counters, c->peer->transport, c->r.q->qtype, c->r.edns.rcode);
    if (c->r.truncated)
        dns_count(&a->counters->truncated);
}

static void begin(struct composition *c, struct answerer *a, const struct query *q, const struct answer_peer *peer,
                  uint8_t *msg, size_t cap)
{
    c->a = a;
    c->peer = peer;
    reply_begin(&c->r, q, peer->transport, &a->says, msg, cap);
}

/* ---- what is off the fast path: signed messages, UPDATE ---- */

/* True when the question is exactly one of our zones. */
static bool is_our_zone(const struct answerer *a, const struct query *q)
{
    const struct table_zone *zone = table_find_zone(a->table, &q->name);
    struct zone_negative z;

    if (zone == NULL || q->qclass != CLASS_IN)
        return false;
    table_zone_negative(zone, &z);
    return z.apex_len == q->name.len;
}

/* An UPDATE, in the order of RFC 2136 section 3: the zone, then who asks. t NULL: not signed. False: nothing is
 * sent now. */
static bool update_answer(struct composition *c, const struct tsig *t)
{
    const struct query *q = c->r.q;
    struct answerer *a = c->a;
    enum update_fate fate = UPDATE_ANSWER_NOW;
    enum dns_rcode rcode = RCODE_REFUSED;

    if (a->table == NULL) {
        rcode = RCODE_SERVFAIL;
    } else if (!is_our_zone(a, q)) {
        rcode = RCODE_NOTAUTH;
    } else if (t != NULL && a->updates != NULL && c->peer->route != NULL) {
        const struct update_message m = {
            .query = q,
            .tsig = t,
            .msg = c->r.msg,
            .from = c->peer->from,
            .transport = c->peer->transport,
            .udp_size = a->says.udp_size,
            .now_s = a->now_us / US_PER_S,
            .route = c->peer->route,
            .unroute = c->peer->unroute,
            .route_arg = c->peer->route_arg,
        };

        fate = update_take(a->updates, &m, &rcode);
    }
    if (fate != UPDATE_ANSWER_NOW)
        return false;
    update_count(a->updates, rcode);
    if (rcode != RCODE_NOERROR)
        reply_fail(&c->r, rcode, EDE_NONE);
    return true;
}

static void count_tsig(struct dns_counters *counters, enum tsig_error error)
{
    switch (error) {
    case TSIG_NOERROR:
        dns_count(&counters->tsig_right);
        break;
    case TSIG_BADSIG:
        dns_count(&counters->tsig_badsig);
        break;
    case TSIG_BADKEY:
        dns_count(&counters->tsig_badkey);
        break;
    case TSIG_BADTIME:
        dns_count(&counters->tsig_badtime);
        break;
    case TSIG_BADTRUNC:
        dns_count(&counters->tsig_badtrunc);
        break;
    }
}

/* RFC 8945 section 5.2; the client is told by the record. */
static void signature_refused(struct composition *c, const struct tsig *t)
{
    const struct update_message m = {
        .query = c->r.q,
        .tsig = t,
        .msg = c->r.msg,
        .from = c->peer->from,
        .transport = c->peer->transport,
        .now_s = c->a->now_us / US_PER_S,
    };

    reply_fail(&c->r, RCODE_NOTAUTH, EDE_NONE);
    update_report(c->a->updates, &m);
}

/* A message with a TSIG record that is well formed. */
static size_t answer_signed(struct composition *c, const struct tsig *t)
{
    const struct query *q = c->r.q;
    int64_t now_s = c->a->now_us / US_PER_S;
    bool fits = reply_set_aside(&c->r, tsig_reply_len(t));

    count_tsig(c->a->counters, t->error);
    if (t->error != TSIG_NOERROR)
        signature_refused(c, t);
    else if (q->verdict != QUERY_UPDATE)
        compose(c);
    else if (!update_answer(c, t))
        return 0;
    if (q->verdict != QUERY_UPDATE)
        count(c);
    else if (t->error != TSIG_NOERROR)
        update_count(c->a->updates, RCODE_NOTAUTH);
    if (!fits && !t->is_signed) /* somebody's idea of a key name, as long as can be */
        return reply_finish(&c->r);
    return tsig_sign(t, c->r.msg, reply_finish(&c->r), now_s);
}

static size_t answer_odd(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                         size_t cap)
{
    const struct tsig_check how = {.keys = a->keys, .legacy = a->tsig_legacy, .now_s = a->now_us / US_PER_S};
    struct composition c;
    struct tsig t;
    size_t len = 0;

    if (q->tsig_at == 0) {
        begin(&c, a, q, peer, msg, cap);
        return update_answer(&c, NULL) ? reply_finish(&c.r) : 0;
    }
    if (tsig_check(&t, msg, q->tsig_at, q->tsig_len, &how)) {
        begin(&c, a, q, peer, msg, cap);
        len = answer_signed(&c, &t);
    } else {
        begin(&c, a, q, peer, msg, cap);
        reply_fail(&c.r, RCODE_FORMERR, EDE_NONE);
        count(&c);
        len = reply_finish(&c.r);
    }
    tsig_wipe(&t);
    return len;
}

/* Everything but what usual_answer() answers. */
APART static size_t answer_any(struct answerer *a, const struct query *q, const struct answer_peer *peer,
                               uint8_t *msg, size_t cap)
{
    struct composition c;

    if (q->verdict == QUERY_DROP) {
        dns_count(&a->counters->dropped);
        return 0;
    }
    if (q->tsig_at != 0 || q->verdict == QUERY_UPDATE)
        return answer_odd(a, q, peer, msg, cap);
    begin(&c, a, q, peer, msg, cap);
    compose(&c);
    count(&c);
    return reply_finish(&c.r);
}

size_t answer_compose(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                      size_t cap)
{
    size_t len = q->usual && a->table != NULL ? usual_answer(a, q, peer, msg, cap) : 0;

    return len > 0 ? len : answer_any(a, q, peer, msg, cap);
}

size_t answer_truncate(struct answerer *a, const struct query *q, uint8_t *msg, size_t len)
{
    struct reply r;
    size_t cut_len;

    reply_begin(&r, q, QUERY_UDP, &a->says, msg, DNS_UDP_PLAIN_MAX);
    reply_resume(&r);
    reply_overflow(&r);
    cut_len = reply_finish(&r);
    if (cut_len >= len)
        return 0;
    dns_count(&a->counters->truncated);
    return cut_len;
}
