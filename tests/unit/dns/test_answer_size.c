/* How much fits, what happens to the rest, and what is counted and traced on the way. */
#include "dns/answer.h"

#include "dns/reply.h"
#include "dns/told.h"

static struct world world;
static struct told t; /* too large for a stack */

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

static const struct size_row {
    unsigned values;
    enum query_transport transport;
    bool edns;
    uint16_t size; /* announced */
    bool truncated;
    size_t len; /* of the response; 0: not looked at */
} size_rows[] = {
    {7, QUERY_UDP, false, 0, false, 12 + 55 + 4 + 7 * 56},
    {8, QUERY_UDP, false, 0, true, 12 + 55 + 4},
    {7, QUERY_UDP, true, 512, false, 12 + 55 + 4 + 7 * 56 + 11},
    {8, QUERY_UDP, true, 512, true, 12 + 55 + 4 + 11},
    {8, QUERY_UDP, true, 100, true, 12 + 55 + 4 + 11}, /* less than 512 counts as 512 */
    {7, QUERY_UDP, true, 100, false, 0},
    {20, QUERY_UDP, true, 1232, false, 12 + 55 + 4 + 20 * 56 + 11},
    {20, QUERY_UDP, true, 1202, false, 12 + 55 + 4 + 20 * 56 + 11}, /* just enough */
    {20, QUERY_UDP, true, 1201, true, 12 + 55 + 4 + 11},
    {21, QUERY_UDP, true, 1232, true, 12 + 55 + 4 + 11},
    {21, QUERY_UDP, true, 4096, true, 12 + 55 + 4 + 11}, /* our own limit counts too */
    {64, QUERY_UDP, true, 65535, true, 12 + 55 + 4 + 11},
    {20, QUERY_UDP, false, 0, true, 12 + 55 + 4},
    {8, QUERY_TCP, false, 0, false, 12 + 55 + 4 + 8 * 56},
    {64, QUERY_TCP, true, 512, false, 12 + 55 + 4 + 64 * 56 + 11}, /* the announced size is of UDP */
    {1168, QUERY_TCP, true, 1232, false, 12 + 55 + 4 + 1168 * 56 + 11},
    {1169, QUERY_TCP, false, 0, false, 65535},
};

static void values_fit_to_the_last_octet_and_not_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(size_rows); i++) {
        const struct size_row *row = &size_rows[i];
        char owner[WORLD_OWNER_MAX];
        const struct ask ask = {
            .name = world_values_owner(owner, row->values), .qtype = RR_TXT, .edns = row->edns, .size = row->size};

        told(&t, &world, &ask, row->transport);
        assert_int_equal(t.rcode, RCODE_NOERROR);
        assert_int_equal(t.flags & TOLD_AA, TOLD_AA);
        if (((t.flags & TOLD_TC) != 0) != row->truncated || t.answers != (row->truncated ? 0 : row->values) ||
            (row->len != 0 && t.len != row->len))
            fail_msg("%u values, size %u: %zu octets, %u answers, flags %04x", row->values, row->size, t.len,
                     t.answers, t.flags);
        ldns_pkt_free(told_ldns(&t));
    }
}

static void what_no_message_can_hold_is_servfail_over_tcp(void **state)
{
    static const struct {
        unsigned values;
        bool edns;
    } rows[] = {{1169, true}, {1170, false}, {1170, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char owner[WORLD_OWNER_MAX];
        const struct ask ask = {
            .name = world_values_owner(owner, rows[i].values), .qtype = RR_TXT, .edns = rows[i].edns};

        told(&t, &world, &ask, QUERY_TCP);
        assert_int_equal(t.rcode, RCODE_SERVFAIL);
        assert_int_equal(t.flags & (TOLD_TC | TOLD_AA), 0);
    }
}

static void nsid_is_part_of_what_must_fit(void **state)
{
    static const uint8_t option[] = {0, 3, 0, 0};
    char owner[WORLD_OWNER_MAX];
    size_t nsid = 4 + strlen(WORLD_IDENTITY);
    struct ask ask = {.name = world_values_owner(owner, 20),
                      .qtype = RR_TXT,
                      .edns = true,
                      .options = option,
                      .options_len = sizeof option};

    (void)state;
    ask.size = (uint16_t)(12 + 55 + 4 + 20 * 56 + 11 + nsid);
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.answers, 20);
    assert_int_equal(t.len, ask.size);
    ask.size--;
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.flags & TOLD_TC, TOLD_TC);
    assert_int_equal(t.nsid_len, strlen(WORLD_IDENTITY));
}

static void a_chain_that_does_not_fit_is_truncated_as_a_whole(void **state)
{
    const struct ask ask = {.name = "to-full." WORLD_ZONE, .qtype = RR_TXT, .edns = true};

    (void)state;
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.flags & (TOLD_TC | TOLD_AA), TOLD_TC | TOLD_AA);
    told(&t, &world, &ask, QUERY_TCP);
    assert_int_equal(t.answers, 65);
    ldns_pkt_free(told_ldns(&t));
}

static void additional_records_are_left_out_silently(void **state)
{
    static const struct reply_settings settings = {.udp_size = 1232, .identity = ""};
    static const uint8_t octets[DNS_UDP_PLAIN_MAX];
    const struct ask ask = {.name = WORLD_ZONE, .qtype = RR_NS};

    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        struct answer_set set = {.records = octets,
                                 .count = 2,
                                 .type = RR_NS,
                                 .additional = octets,
                                 .additional_len = 76,
                                 .additional_count = 2};
        struct query q;
        struct reply r;
        size_t len = ask_put(t.msg, &ask);

        query_parse(&q, t.msg, len, QUERY_UDP);
        reply_begin(&r, &q, QUERY_UDP, &settings, t.msg, DNS_UDP_READ_MAX);
        set.len = (uint32_t)(DNS_UDP_PLAIN_MAX - len - set.additional_len + over);
        assert_true(reply_put_set(&r, &set));
        assert_false(r.truncated);
        assert_int_equal(r.additionals, over == 0 ? 2 : 0);
        assert_int_equal(reply_finish(&r), over == 0 ? DNS_UDP_PLAIN_MAX : len + set.len);
    }
}

/* ---- counters ---- */

static void answers_are_counted(void **state)
{
    const struct ask good = {.name = WORLD_UUID "." WORLD_ZONE, .qtype = RR_TXT};
    const struct ask bad = {.name = "nothing." WORLD_ZONE, .qtype = RR_CAA};
    const struct ask version = {.name = WORLD_ZONE, .qtype = RR_MX, .edns = true, .opt_flags = 1 << 16};
    const struct ask large = {.name = WORLD_FULL "." WORLD_ZONE, .qtype = RR_TXT};
    uint8_t response[DNS_HEADER_LEN] = {0, 0, 0x80};

    (void)state;
    memset(&world.counters, 0, sizeof world.counters);
    told(&t, &world, &good, QUERY_UDP);
    told(&t, &world, &bad, QUERY_TCP);
    told(&t, &world, &version, QUERY_TCP);
    told(&t, &world, &large, QUERY_UDP);
    told_raw(&t, &world, response, sizeof response, QUERY_UDP);
    assert_int_equal(t.len, 0);
    assert_int_equal(world.counters.by_type[QUERY_UDP][COUNT_TXT], 2);
    assert_int_equal(world.counters.by_type[QUERY_TCP][COUNT_CAA], 1);
    assert_int_equal(world.counters.by_type[QUERY_TCP][COUNT_TYPE_OTHER], 1);
    assert_int_equal(world.counters.by_rcode[QUERY_UDP][RCODE_NOERROR], 2);
    assert_int_equal(world.counters.by_rcode[QUERY_TCP][RCODE_NXDOMAIN], 1);
    assert_int_equal(world.counters.by_rcode[QUERY_TCP][RCODE_BADVERS], 1);
    assert_int_equal(world.counters.truncated, 1);
    assert_int_equal(world.counters.dropped, 1);
}

/* ---- a way back that is narrower still ---- */

/* Ask, and have the response truncated after it was composed. False: there was nothing to leave out. */
static bool told_truncated(const struct ask *ask)
{
    uint8_t query[1024];
    size_t len = ask_put(query, ask);
    struct query q;

    told_raw(&t, &world, query, len, QUERY_UDP);
    query_parse(&q, query, len, QUERY_UDP);
    len = answer_truncate(&world.answerer, &q, t.msg, t.len);
    if (len == 0)
        return false;
    t.len = len;
    told_walk(&t);
    return true;
}

static void a_response_is_truncated_afterwards_with_rcode_flags_and_options_kept(void **state)
{
    static const uint8_t nsid[] = {0, EDNS_OPTION_NSID, 0, 0};
    static const struct truncated_row {
        struct ask ask;
        unsigned rcode;
        size_t nsid_len;
    } rows[] = {
        {{.name = WORLD_UUID "." WORLD_ZONE, .qtype = RR_TXT}, RCODE_NOERROR, 0},
        {{.name = WORLD_UUID "." WORLD_ZONE, .qtype = RR_TXT, .edns = true, .flags = 0x0110}, RCODE_NOERROR, 0},
        {{.name = "nothing." WORLD_ZONE,
          .qtype = RR_TXT,
          .edns = true,
          .opt_flags = 0x8000,
          .options = nsid,
          .options_len = sizeof nsid},
         RCODE_NXDOMAIN,
         sizeof WORLD_IDENTITY - 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ask *ask = &rows[i].ask;
        uint64_t before = world.counters.truncated;

        assert_true(told_truncated(ask));
        assert_int_equal(t.rcode, rows[i].rcode);
        assert_int_equal(t.flags, 0x8000 | TOLD_AA | TOLD_TC | ask->flags | rows[i].rcode);
        assert_int_equal(t.questions, 1);
        assert_int_equal(t.answers + t.authorities + t.additionals, 0);
        assert_int_equal(t.edns, ask->edns);
        if (ask->edns)
            assert_int_equal(t.opt_flags, ask->opt_flags);
        assert_int_equal(t.nsid_len, rows[i].nsid_len);
        assert_int_equal(world.counters.truncated, before + 1);
    }
}

static void a_response_without_records_cannot_be_truncated(void **state)
{
    const struct ask ask = {.name = "www.example.com", .qtype = RR_TXT};
    uint64_t before = world.counters.truncated;

    (void)state;
    assert_false(told_truncated(&ask));
    assert_int_equal(world.counters.truncated, before);
}

/* ---- the trace ---- */

/* Ask, and return the one record that was added about the name; false: there was none. */
static bool traced(const struct ask *ask, enum query_transport transport, const char *about,
                   struct trace_record *rec)
{
    struct trace_record all[WORLD_TRACE_SIZE];
    struct name name = world_name(about);
    uint64_t hash;
    size_t n;

    name_fold(&name);
    hash = trace_name_hash(world.trace, &name);
    world.answerer.now_us += 1000;
    told(&t, &world, ask, transport);
    n = trace_read(world.trace, hash, world.answerer.now_us, all, ARRAY_LEN(all));
    assert_true(n <= 1);
    if (n == 1)
        *rec = all[0];
    return n == 1;
}

static void a_question_for_a_challenge_name_leaves_a_record(void **state)
{
    static const uint8_t client[16] = {192, 0, 2, 53};
    const struct ask ask = {.name = "8E5700ea-a4bf-41c7-8a77-e990661dcc6a." WORLD_ZONE,
                            .qtype = RR_TXT,
                            .edns = true,
                            .size = 4096,
                            .opt_flags = 0x8000};
    struct trace_record rec;

    (void)state;
    assert_true(traced(&ask, QUERY_TCP, WORLD_UUID "." WORLD_ZONE, &rec));
    assert_int_equal(rec.time_us, world.answerer.now_us);
    assert_memory_equal(rec.client, client, sizeof client);
    assert_int_equal(rec.port, 5353);
    assert_int_equal(rec.serial, WORLD_SERIAL);
    assert_int_equal(rec.qtype, RR_TXT);
    assert_int_equal(rec.edns_size, 4096);
    assert_int_equal(rec.count, 2);
    assert_int_equal(rec.rcode, RCODE_NOERROR);
    assert_int_equal(rec.flags, TRACE_TCP | TRACE_EDNS | TRACE_MIXED_CASE | TRACE_DO);
    assert_int_equal(rec.listener, 3);
}

static const struct trace_row {
    const char *name;
    uint16_t qtype;
    const char *about; /* NULL: nothing is kept */
    unsigned count;
    enum dns_rcode rcode;
    unsigned flags;
} trace_rows[] = {
    {WORLD_UUID "." WORLD_ZONE, RR_A, WORLD_UUID "." WORLD_ZONE, 0, RCODE_NOERROR, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_CAA, WORLD_UUID "." WORLD_ZONE, 1, RCODE_NOERROR, 0},
    {"idle." WORLD_ZONE, RR_TXT, "idle." WORLD_ZONE, 0, RCODE_NOERROR, 0},
    {"nothing." WORLD_ZONE, RR_TXT, "nothing." WORLD_ZONE, 0, RCODE_NXDOMAIN, TRACE_NXDOMAIN},
    {WORLD_FULL "." WORLD_ZONE, RR_TXT, WORLD_FULL "." WORLD_ZONE, 0, RCODE_NOERROR, TRACE_TRUNCATED},
    {"one." WORLD_ZONE, RR_TXT, WORLD_UUID "." WORLD_ZONE, 3, RCODE_NOERROR, 0}, /* the chain's last name */
    {"to-nothing." WORLD_ZONE, RR_TXT, "nothing." WORLD_ZONE, 1, RCODE_NXDOMAIN, TRACE_NXDOMAIN},
    {WORLD_ZONE, RR_SOA, NULL, 0, 0, 0},
    {"ns1." WORLD_ZONE, RR_A, NULL, 0, 0, 0},
    {"empty." WORLD_ZONE, RR_TXT, NULL, 0, 0, 0},
    {"to-outside." WORLD_ZONE, RR_TXT, NULL, 0, 0, 0},
    {"www.example.com", RR_TXT, NULL, 0, 0, 0},
};

static void challenge_names_and_missing_names_are_traced_and_others_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trace_rows); i++) {
        const struct trace_row *row = &trace_rows[i];
        const struct ask ask = {.name = row->name, .qtype = row->qtype};
        struct trace_record rec;
        bool kept = traced(&ask, QUERY_UDP, row->about != NULL ? row->about : row->name, &rec);

        if (kept != (row->about != NULL))
            fail_msg("%s type %u: %s", row->name, row->qtype, kept ? "traced" : "not traced");
        if (!kept)
            continue;
        assert_int_equal(rec.count, row->count);
        assert_int_equal(rec.rcode, row->rcode);
        assert_int_equal(rec.flags, row->flags);
        assert_int_equal(rec.edns_size, 0);
    }
}

static void without_a_ring_nothing_is_traced(void **state)
{
    const struct ask ask = {.name = WORLD_UUID "." WORLD_ZONE, .qtype = RR_TXT};
    struct trace_ring *ring = world.answerer.trace;
    struct trace_record rec;

    (void)state;
    world.answerer.trace = NULL;
    assert_false(traced(&ask, QUERY_UDP, WORLD_UUID "." WORLD_ZONE, &rec));
    assert_int_equal(t.answers, 2);
    world.answerer.trace = ring;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fit_to_the_last_octet_and_not_beyond),
        cmocka_unit_test(what_no_message_can_hold_is_servfail_over_tcp),
        cmocka_unit_test(nsid_is_part_of_what_must_fit),
        cmocka_unit_test(a_chain_that_does_not_fit_is_truncated_as_a_whole),
        cmocka_unit_test(additional_records_are_left_out_silently),
        cmocka_unit_test(a_response_is_truncated_afterwards_with_rcode_flags_and_options_kept),
        cmocka_unit_test(a_response_without_records_cannot_be_truncated),
        cmocka_unit_test(answers_are_counted),
        cmocka_unit_test(a_question_for_a_challenge_name_leaves_a_record),
        cmocka_unit_test(challenge_names_and_missing_names_are_traced_and_others_not),
        cmocka_unit_test(without_a_ring_nothing_is_traced),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
