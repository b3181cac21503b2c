/* A small table with one of everything that DNS shows, and what is needed to ask it questions. Used by the tests
 * and fuzz targets of the DNS codec; any failure to set it up ends the program. */
#ifndef TESTS_DNS_WORLD_H
#define TESTS_DNS_WORLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "base/attr.h"
#include "core/table.h"
#include "core/trace.h"
#include "dns/answer.h"
#include "dns/query.h"

#define WORLD_UUID       "8e5700ea-a4bf-41c7-8a77-e990661dcc6a"
#define WORLD_FULL       "8e5700ea-a4bf-41c7-8a77-e99066000064" /* 64 values, the default budget */
#define WORLD_ZONE       "auth.example.org"
#define WORLD_SERIAL     2026112100u
#define WORLD_VALUE_LEN  43
#define WORLD_OWNER_MAX  128
#define WORLD_TRACE_SIZE 64
#define WORLD_IDENTITY   "node1.example"

#define WORLD_CHECK(expr)                                                                                          \
    ((expr) ? (void)0 : (fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #expr), abort()))

/* Of the hashes of names, in the table and in the trace. */
static const struct siphash_key world_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct world {
    struct table *table;
    struct table_batch *batch; /* while it is filled */
    struct trace *trace;
    struct dns_counters counters;
    struct answerer answerer;
    struct sockaddr_in client;
};

static inline struct name world_name(const char *text)
{
    struct name n;

    WORLD_CHECK(name_parse(&n, text, strlen(text)) == ERR_OK);
    return n;
}

/* The RDATA of TXT value number i: 43 characters that differ at their end. */
static inline struct rdata world_value(uint8_t room[WORLD_VALUE_LEN + 1], unsigned i)
{
    char text[WORLD_VALUE_LEN + 1];

    snprintf(text, sizeof text, "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-a%04u", i % 10000);
    room[0] = WORLD_VALUE_LEN;
    memcpy(room + 1, text, WORLD_VALUE_LEN);
    return (struct rdata){.bytes = room, .len = WORLD_VALUE_LEN + 1};
}

static inline void world_put(struct world *w, const char *owner, uint32_t zone, unsigned flags,
                             const struct rrset *sets, size_t n_sets)
{
    struct name name = world_name(owner);
    struct node_spec spec = {.owner = &name, .zone = zone, .flags = flags, .sets = sets, .n_sets = n_sets};
    struct node *node = NULL;

    name_fold(&name);
    WORLD_CHECK(node_new(&node, &spec) == ERR_OK);
    WORLD_CHECK(table_batch_put(w->batch, node) == ERR_OK);
}

/* A challenge name in zone 1 with n values. */
static inline void world_put_values(struct world *w, const char *owner, unsigned n)
{
    uint8_t(*room)[WORLD_VALUE_LEN + 1] = calloc(n + 1, sizeof *room);
    struct rdata *rdatas = calloc(n + 1, sizeof *rdatas);
    struct rrset set = {.type = RR_TXT, .ttl_s = 0, .n = n, .rdatas = rdatas};

    WORLD_CHECK(room != NULL && rdatas != NULL);
    for (unsigned i = 0; i < n; i++)
        rdatas[i] = world_value(room[i], i);
    world_put(w, owner, 1, NODE_CHALLENGE, &set, n > 0 ? 1 : 0);
    free(rdatas);
    free(room);
}

static inline void world_put_cname(struct world *w, const char *owner, const char *target)
{
    struct name name = world_name(target);
    struct rdata rdata = {.bytes = name.b, .len = name.len};
    struct rrset set = {.type = RR_CNAME, .ttl_s = 300, .n = 1, .rdatas = &rdata};

    world_put(w, owner, 1, 0, &set, 1);
}

static inline void world_put_address(struct world *w, const char *owner, uint32_t zone)
{
    static const uint8_t a[4] = {203, 0, 113, 10};
    static const uint8_t aaaa[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10};
    const struct rdata rdatas[] = {{a, sizeof a}, {aaaa, sizeof aaaa}};
    const struct rrset sets[] = {{.type = RR_A, .ttl_s = 3600, .n = 1, .rdatas = &rdatas[0]},
                                 {.type = RR_AAAA, .ttl_s = 3600, .n = 1, .rdatas = &rdatas[1]}};

    world_put(w, owner, zone, 0, sets, ARRAY_LEN(sets));
}

/* The apex of zone 1: NS with addresses, CAA, TXT. SOA comes from the zone. */
static inline void world_put_apex(struct world *w)
{
    static const uint8_t a[2][4] = {{203, 0, 113, 10}, {203, 0, 113, 11}};
    static const uint8_t caa[] = {0, 5, 'i', 's', 's', 'u', 'e', 'c', 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e'};
    static const uint8_t spf[] = "\x0bv=spf1 -all";
    struct name owner = world_name(WORLD_ZONE), ns1 = world_name("ns1." WORLD_ZONE),
                ns2 = world_name("ns2." WORLD_ZONE);
    const struct rdata ns[] = {{ns1.b, ns1.len}, {ns2.b, ns2.len}};
    const struct rdata caas[] = {{caa, sizeof caa}}, txts[] = {{spf, sizeof spf - 1}};
    const struct rrset sets[] = {{.type = RR_NS, .ttl_s = 3600, .n = 2, .rdatas = ns},
                                 {.type = RR_CAA, .ttl_s = 3600, .n = 1, .rdatas = caas},
                                 {.type = RR_TXT, .ttl_s = 3600, .n = 1, .rdatas = txts}};
    const struct record additional[] = {{.owner = ns1, .type = RR_A, .ttl_s = 3600, .rdata = {a[0], sizeof a[0]}},
                                        {.owner = ns2, .type = RR_A, .ttl_s = 3600, .rdata = {a[1], sizeof a[1]}}};
    const struct node_spec spec = {.owner = &owner,
                                   .zone = 1,
                                   .flags = NODE_APEX,
                                   .sets = sets,
                                   .n_sets = ARRAY_LEN(sets),
                                   .additional = additional,
                                   .n_additional = ARRAY_LEN(additional)};
    struct node *node = NULL;

    WORLD_CHECK(node_new(&node, &spec) == ERR_OK);
    WORLD_CHECK(table_batch_put(w->batch, node) == ERR_OK);
}

static inline void world_put_zone(struct world *w, uint32_t id, const char *apex, uint32_t soa_ttl_s)
{
    static const uint8_t deny[] = {0, 5, 'i', 's', 's', 'u', 'e', ';'};
    static const struct rdata denies[] = {{deny, sizeof deny}};
    struct name name = world_name(apex);
    struct soa soa = {.mname = world_name("ns1." WORLD_ZONE),
                      .rname = world_name("hostmaster.example.net"),
                      .refresh_s = 14400,
                      .retry_s = 3600,
                      .expire_s = 604800,
                      .minimum_s = 300,
                      .ttl_s = soa_ttl_s};
    struct table_zone_spec spec = {.id = id, .apex = &name, .soa = &soa, .serial = WORLD_SERIAL};

    if (id == 1)
        spec.challenge_caa = (struct rrset){.type = RR_CAA, .ttl_s = 60, .n = 1, .rdatas = denies};
    WORLD_CHECK(table_batch_put_zone(w->batch, &spec) == ERR_OK);
}

/* The challenge name that holds n values; as long as the usual UUID, so that the arithmetic of answers' sizes
 * holds. */
static inline const char *world_values_owner(char out[WORLD_OWNER_MAX], unsigned n)
{
    snprintf(out, WORLD_OWNER_MAX, "8e5700ea-a4bf-41c7-8a77-e9906600%04u." WORLD_ZONE, n % 10000);
    return out;
}

static inline void world_put_names(struct world *w)
{
    static const unsigned sizes[] = {1, 2, 7, 8, 20, 21, 64, 1168, 1169, 1170};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char owner[WORLD_OWNER_MAX];

        world_put_values(w, world_values_owner(owner, sizes[i]), sizes[i]);
    }
    world_put_values(w, WORLD_UUID "." WORLD_ZONE, 2);
    world_put_values(w, "idle." WORLD_ZONE, 0);
    world_put_values(w, "leaf.empty." WORLD_ZONE, 1); /* empty.auth.example.org is an empty non-terminal */
    world_put_address(w, "ns1." WORLD_ZONE, 1);
    world_put_address(w, "ns2." WORLD_ZONE, 1);
    world_put_cname(w, "one." WORLD_ZONE, WORLD_UUID "." WORLD_ZONE);
    world_put_cname(w, "two." WORLD_ZONE, "One." WORLD_ZONE);
    world_put_cname(w, "to-idle." WORLD_ZONE, "idle." WORLD_ZONE);
    world_put_cname(w, "to-nothing." WORLD_ZONE, "nothing." WORLD_ZONE);
    world_put_cname(w, "to-outside." WORLD_ZONE, "www.example.com");
    world_put_cname(w, "to-second." WORLD_ZONE, "host.second.test");
    world_put_cname(w, "to-second-nothing." WORLD_ZONE, "nothing.second.test");
    world_put_cname(w, "to-apex." WORLD_ZONE, WORLD_ZONE);
    world_put_cname(w, "to-full." WORLD_ZONE, WORLD_FULL "." WORLD_ZONE);
    world_put_cname(w, "self." WORLD_ZONE, "self." WORLD_ZONE);
    world_put_cname(w, "loop-a." WORLD_ZONE, "loop-b." WORLD_ZONE);
    world_put_cname(w, "loop-b." WORLD_ZONE, "loop-a." WORLD_ZONE);
    for (unsigned i = 0; i < 12; i++) {
        char owner[64], target[64];

        snprintf(owner, sizeof owner, "chain-%u." WORLD_ZONE, i);
        snprintf(target, sizeof target, "chain-%u." WORLD_ZONE, i + 1);
        world_put_cname(w, owner, target);
    }
    world_put_values(w, "chain-12." WORLD_ZONE, 1);
    world_put_address(w, "host.second.test", 2);
}

static inline void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    rcu_register_thread();
    WORLD_CHECK(table_new(&w->table, &world_key) == ERR_OK);
    WORLD_CHECK(table_batch_new(&w->batch, w->table) == ERR_OK);
    world_put_zone(w, 1, WORLD_ZONE, 0);
    world_put_zone(w, 2, "second.test", 30);
    world_put_apex(w);
    world_put(w, "second.test", 2, NODE_APEX, NULL, 0);
    world_put_names(w);
    table_batch_publish(w->batch);
    w->batch = NULL;
    WORLD_CHECK(trace_new(&w->trace, WORLD_TRACE_SIZE, 1, &world_key) == ERR_OK);
    w->client = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(5353), .sin_addr = {.s_addr = htonl(0xc0000235)}}; /* 192.0.2.53 */
    w->answerer = (struct answerer){
        .table = w->table,
        .says = {.udp_size = 1232, .identity = WORLD_IDENTITY, .identity_len = strlen(WORLD_IDENTITY)},
        .trace = trace_ring(w->trace, 0),
        .counters = &w->counters,
        .now_us = 1700000000000000};
}

static inline void world_close(struct world *w)
{
    trace_free(w->trace);
    table_free(w->table);
    rcu_unregister_thread();
}

/* Answer the query of len octets at msg, which is overwritten and has room for DNS_MESSAGE_MAX + NAME_PAD. */
static inline size_t world_ask(struct world *w, uint8_t *msg, size_t len, enum query_transport transport)
{
    const struct answer_peer peer = {
        .from = (const struct sockaddr *)(const void *)&w->client, .transport = transport, .listener = 3};
    size_t cap = transport == QUERY_UDP ? DNS_UDP_READ_MAX : DNS_MESSAGE_MAX;
    struct query q;

    query_parse(&q, msg, len, transport);
    if (q.verdict == QUERY_LOOKUP && w->answerer.table != NULL)
        q.hash = table_hash(w->answerer.table, &q.name);
    return answer_compose(&w->answerer, &q, &peer, msg, cap);
}

/* A query as most clients send it, with what a test wants otherwise. */
struct ask {
    const char *name;
    uint16_t qtype, qclass; /* qclass 0: IN */
    uint16_t flags;         /* second and third octet of the header, as a number */
    bool edns;
    uint16_t size; /* announced; 0: 1232 */
    uint32_t opt_flags;
    const void *options;
    size_t options_len;
};

static inline void world_u16(uint8_t **at, unsigned v)
{
    (*at)[0] = (uint8_t)(v >> 8);
    (*at)[1] = (uint8_t)v;
    *at += 2;
}

/* Write the query; returns its length. */
static inline size_t ask_put(uint8_t *msg, const struct ask *ask)
{
    struct name name = world_name(ask->name);
    uint8_t *at = msg;

    world_u16(&at, 0x1234);
    world_u16(&at, ask->flags);
    world_u16(&at, 1);
    world_u16(&at, 0);
    world_u16(&at, 0);
    world_u16(&at, ask->edns ? 1 : 0);
    memcpy(at, name.b, name.len);
    at += name.len;
    world_u16(&at, ask->qtype);
    world_u16(&at, ask->qclass != 0 ? ask->qclass : CLASS_IN);
    if (ask->edns) {
        *at++ = 0;
        world_u16(&at, RR_OPT);
        world_u16(&at, ask->size != 0 ? ask->size : 1232);
        world_u16(&at, ask->opt_flags >> 16);
        world_u16(&at, ask->opt_flags & 0xffff);
        world_u16(&at, (unsigned)ask->options_len);
        if (ask->options_len > 0)
            memcpy(at, ask->options, ask->options_len);
        at += ask->options_len;
    }
    return (size_t)(at - msg);
}

#endif
