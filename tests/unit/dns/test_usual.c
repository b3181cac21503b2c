#include "dns/usual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dns/world.h"

/* The short way is held against the long one: whatever is asked, both say the same, count the same and trace the
 * same. */
static struct world world;

#define ROOM (DNS_MESSAGE_MAX + NAME_PAD)

struct said {
    uint8_t msg[ROOM];
    size_t len;
    struct dns_counters counters;
    struct trace_record rec;
    size_t n_recs;
};

static int open_world(void **state)
{
    (void)state;
    world_open(&world);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

enum way { WAY_AS_PARSED, WAY_LONG };

static void say(struct said *out, const struct ask *ask, const struct answer_peer *peer, enum way way)
{
    struct trace *trace = NULL;
    struct query q;
    size_t cap = peer->transport == QUERY_UDP ? DNS_UDP_READ_MAX : DNS_MESSAGE_MAX;

    memset(out, 0, sizeof *out);
    WORLD_CHECK(trace_new(&trace, 1, 1, &world_key) == ERR_OK);
    world.answerer.trace = trace_ring(trace, 0);
    world.answerer.counters = &out->counters;
    out->len = ask_put(out->msg, ask);
    query_parse(&q, out->msg, out->len, peer->transport);
    if (q.verdict == QUERY_LOOKUP)
        q.hash = table_hash(world.table, &q.name);
    if (way == WAY_LONG)
        q.usual = false;
    out->len = answer_compose(&world.answerer, &q, peer, out->msg, cap);
    out->n_recs = trace_read(trace, 0, 0, &out->rec, 1);
    trace_free(trace);
}

static void assert_both_ways_say_the_same(const struct ask *ask, const struct answer_peer *peer)
{
    static struct said a, b;

    say(&a, ask, peer, WAY_AS_PARSED);
    say(&b, ask, peer, WAY_LONG);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.msg, b.msg, a.len);
    assert_memory_equal(&a.counters, &b.counters, sizeof a.counters);
    assert_int_equal(a.n_recs, b.n_recs);
    assert_memory_equal(&a.rec, &b.rec, sizeof a.rec);
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LONGEST  LABEL_63 "." LABEL_63 "." LABEL_63 ".abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWX"

static const char *const owners[] = {
    WORLD_ZONE,
    "AUTH.example.Org",
    WORLD_UUID "." WORLD_ZONE,
    "8E5700EA-a4bf-41c7-8a77-e990661DCC6A." WORLD_ZONE,
    WORLD_FULL "." WORLD_ZONE,
    "8e5700ea-a4bf-41c7-8a77-e99066000007." WORLD_ZONE, /* 7 values, the most that plain DNS takes */
    "8e5700ea-a4bf-41c7-8a77-e99066000008." WORLD_ZONE,
    "8e5700ea-a4bf-41c7-8a77-e99066000020." WORLD_ZONE, /* the most that 1232 octets take */
    "8e5700ea-a4bf-41c7-8a77-e99066000021." WORLD_ZONE,
    "8e5700ea-a4bf-41c7-8a77-e99066001169." WORLD_ZONE, /* more than TCP takes */
    "8e5700ea-a4bf-41c7-8a77-e99066001170." WORLD_ZONE,
    "idle." WORLD_ZONE,
    "empty." WORLD_ZONE,
    "leaf.empty." WORLD_ZONE,
    "nothing." WORLD_ZONE,
    "a.b.nothing." WORLD_ZONE,
    "ns1." WORLD_ZONE,
    "one." WORLD_ZONE,
    "two." WORLD_ZONE,
    "to-nothing." WORLD_ZONE,
    "to-outside." WORLD_ZONE,
    "self." WORLD_ZONE,
    "second.test",
    "host.second.test",
    "nothing.second.test",
    "example.org",
    "www.example.com",
    LONGEST, /* REFUSED with its reason fits all the same */
    ".",
};

static const uint16_t types[] = {RR_TXT, RR_CAA, RR_A,  RR_AAAA, RR_NS,  RR_SOA,  RR_MX,
                                 RR_ANY, RR_DS,  65535, 0,       RR_OPT, RR_CNAME};

static const struct edns_case {
    bool edns;
    uint16_t size;
    uint32_t flags;
    const char *options;
    size_t options_len;
} edns_cases[] = {
    {.edns = false},
    {.edns = true, .size = 1232},
    {.edns = true, .size = 512},
    {.edns = true, .size = 100},
    {.edns = true, .size = 65535},
    {.edns = true, .size = 1232, .flags = 0x8000},    /* DO */
    {.edns = true, .size = 1232, .flags = 0x10000},   /* version 1 */
    {.edns = true, .size = 1232, .flags = 0x4001},    /* Z */
    {.edns = true, .size = 1232, .flags = 0x5000000}, /* an extended RCODE, which means nothing */
    {.edns = true, .size = 1232, .options = "\0\3\0", .options_len = 4},              /* NSID */
    {.edns = true, .size = 1232, .options = "\0\12\0\10abcdefgh", .options_len = 12}, /* a client cookie */
};

static void each(const struct answer_peer *peer, uint16_t flags, uint16_t qclass)
{
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        for (size_t j = 0; j < ARRAY_LEN(types); j++)
            for (size_t k = 0; k < ARRAY_LEN(edns_cases); k++) {
                const struct edns_case *e = &edns_cases[k];
                const struct ask ask = {.name = owners[i],
                                        .qtype = types[j],
                                        .qclass = qclass,
                                        .flags = flags,
                                        .edns = e->edns,
                                        .size = e->size,
                                        .opt_flags = e->flags,
                                        .options = e->options,
                                        .options_len = e->options_len};

                assert_both_ways_say_the_same(&ask, peer);
            }
}

static struct answer_peer peer_at(const void *from, enum query_transport transport)
{
    return (struct answer_peer){.from = from, .transport = transport, .listener = 5};
}

static void both_ways_say_the_same_over_udp(void **state)
{
    const struct answer_peer peer = peer_at(&world.client, QUERY_UDP);

    (void)state;
    each(&peer, 0, CLASS_IN);
    each(&peer, 0x0110, CLASS_IN); /* RD and CD */
    each(&peer, 0x07ff, CLASS_IN); /* AA, TC, RA, Z, AD and an RCODE too, which are nobody's to say in a query */
    each(&peer, 0, CLASS_ANY);
    each(&peer, 0, CLASS_CH);
}

static void both_ways_say_the_same_over_tcp(void **state)
{
    const struct answer_peer peer = peer_at(&world.client, QUERY_TCP);

    (void)state;
    each(&peer, 0, CLASS_IN);
}

static void both_ways_say_the_same_to_ipv6(void **state)
{
    static const uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x35};
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 53};
    struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_port = htons(5300)};
    const struct answer_peer peer = peer_at(&from, QUERY_UDP);
    static struct said said;
    const struct ask ask = {.name = WORLD_UUID "." WORLD_ZONE, .qtype = RR_TXT};

    (void)state;
    memcpy(&from.sin6_addr, address, sizeof address);
    each(&peer, 0, CLASS_IN);
    say(&said, &ask, &peer, WAY_AS_PARSED);
    assert_memory_equal(said.rec.client, address, sizeof address);
    assert_int_equal(said.rec.port, 5300);
    assert_int_equal(said.rec.flags & TRACE_V6, TRACE_V6);

    memcpy(&from.sin6_addr, mapped, sizeof mapped);
    say(&said, &ask, &peer, WAY_AS_PARSED);
    assert_memory_equal(said.rec.client, mapped + 12, 4);
    assert_int_equal(said.rec.client[4], 0);
    assert_int_equal(said.rec.flags & TRACE_V6, 0);
}

static void names_outside_of_all_zones_are_refused_the_short_way(void **state)
{
    static const uint8_t why[] = {0, EDNS_OPTION_EDE, 0, 2, 0, EDE_NOT_AUTHORITATIVE};
    const struct answer_peer peer = peer_at(&world.client, QUERY_UDP);
    const struct ask ask = {.name = LONGEST, .qtype = RR_TXT, .edns = true, .opt_flags = 0x8000};
    static struct said said;
    size_t len = DNS_HEADER_LEN + NAME_MAX_LEN + QUESTION_TAIL + EDNS_FIXED_LEN + sizeof why;

    (void)state;
    say(&said, &ask, &peer, WAY_AS_PARSED);
    assert_int_equal(said.len, len);
    assert_int_equal(said.msg[3] & HEADER_RCODE, RCODE_REFUSED);
    assert_memory_equal(said.msg + len - sizeof why, why, sizeof why);
    assert_int_equal(said.counters.by_rcode[QUERY_UDP][RCODE_REFUSED], 1);
    assert_int_equal(said.n_recs, 0);
}

/* Where reading the question stops being short: it decides what is fast, not what is right. */
static void what_validators_ask_is_usual(void **state)
{
    static const struct {
        struct ask ask;
        bool usual;
    } rows[] = {
        {{.name = "a.example", .qtype = RR_TXT}, true},
        {{.name = "a.example", .qtype = RR_TXT, .edns = true, .opt_flags = 0x8000}, true},
        {{.name = "a.example", .qtype = RR_CAA, .edns = true}, true},
        {{.name = "a.example", .qtype = RR_A, .edns = true, .options = "\0\12\0\10abcdefgh", .options_len = 12},
         true},
        {{.name = "a.example", .qtype = RR_A, .edns = true, .options = "\0\3\0", .options_len = 4}, false},
        {{.name = "a.example", .qtype = RR_ANY}, false},
        {{.name = "a.example", .qtype = RR_AXFR}, false},
        {{.name = "a.example", .qtype = RR_IXFR}, false},
        {{.name = "a.example", .qtype = RR_TXT, .qclass = CLASS_ANY}, false},
        {{.name = "a.example", .qtype = RR_TXT, .qclass = CLASS_CH}, false},
        {{.name = "a.example", .qtype = RR_TXT, .edns = true, .opt_flags = 0x10000}, false},
        {{.name = "a.example", .qtype = RR_TXT, .flags = 0x2800}, false}, /* an UPDATE */
    };
    uint8_t msg[DNS_UDP_PLAIN_MAX + NAME_PAD] = {0};
    struct query q;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        query_parse(&q, msg, ask_put(msg, &rows[i].ask), QUERY_UDP);
        assert_int_equal(q.usual, rows[i].usual);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_say_the_same_over_udp),
        cmocka_unit_test(both_ways_say_the_same_over_tcp),
        cmocka_unit_test(both_ways_say_the_same_to_ipv6),
        cmocka_unit_test(names_outside_of_all_zones_are_refused_the_short_way),
        cmocka_unit_test(what_validators_ask_is_usual),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
