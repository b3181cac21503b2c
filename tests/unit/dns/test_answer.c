/* What is answered to every kind of question, over UDP and TCP, with EDNS and without. */
#include "dns/answer.h"

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

/* ---- questions by name, type and class ---- */

enum { SOA = 1, AA = 1 };

static const struct answer_row {
    const char *name;
    uint16_t qtype, qclass; /* 0: IN */
    enum dns_rcode rcode;
    bool aa;
    unsigned answers, authorities, additionals;
    uint16_t ede; /* 0: none */
} answer_rows[] = {
    {WORLD_UUID "." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {"8E5700EA-A4BF-41c7-8a77-e990661dcc6a.AuTh.ExAmPlE.oRg", RR_TXT, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_NS, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_SOA, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_CNAME, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, 666, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, 0, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_MAILA, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_MAILB, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_TKEY, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_RRSIG, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_CAA, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {WORLD_UUID "." WORLD_ZONE, RR_ANY, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {"idle." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"empty." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"empty." WORLD_ZONE, RR_ANY, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"leaf.empty." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"nothing." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
    {"nothing." WORLD_ZONE, RR_ANY, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
    {"below." WORLD_UUID "." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
    {"a\\.b." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
    {"\\000\\255." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
    {WORLD_ZONE, RR_SOA, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {WORLD_ZONE, RR_NS, 0, RCODE_NOERROR, AA, 2, 0, 2, 0},
    {WORLD_ZONE, RR_CAA, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {WORLD_ZONE, RR_ANY, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_ZONE, RR_DS, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {WORLD_ZONE, RR_DNSKEY, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"ns1." WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"ns1." WORLD_ZONE, RR_AAAA, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"ns1." WORLD_ZONE, RR_ANY, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"ns1." WORLD_ZONE, RR_CAA, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"second.test", RR_SOA, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"second.test", RR_TXT, 0, RCODE_NOERROR, AA, 0, SOA, 0, 0},
    {"host.second.test", RR_A, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    /* not ours */
    {".", RR_NS, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"org", RR_NS, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"example.org", RR_SOA, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"xauth.example.org", RR_TXT, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"www.example.com", RR_A, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"www.example.com", RR_ANY, CLASS_ANY, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    /* types that are never asked for, transfers */
    {WORLD_ZONE, RR_OPT, 0, RCODE_FORMERR, false, 0, 0, 0, 0},
    {WORLD_ZONE, RR_TSIG, 0, RCODE_FORMERR, false, 0, 0, 0, 0},
    {WORLD_ZONE, RR_NXNAME, 0, RCODE_FORMERR, false, 0, 0, 0, EDE_INVALID_QUERY_TYPE},
    {WORLD_ZONE, RR_IXFR, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_PROHIBITED},
    {WORLD_UUID "." WORLD_ZONE, RR_IXFR, 0, RCODE_NOTAUTH, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"example.com", RR_IXFR, 0, RCODE_NOTAUTH, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    /* classes */
    {WORLD_UUID "." WORLD_ZONE, RR_TXT, CLASS_ANY, RCODE_NOERROR, false, 2, 0, 0, 0},
    {"nothing." WORLD_ZONE, RR_TXT, CLASS_ANY, RCODE_NXDOMAIN, false, 0, SOA, 0, 0},
    {WORLD_ZONE, RR_SOA, CLASS_HS, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_SUPPORTED},
    {WORLD_ZONE, RR_SOA, CLASS_NONE, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_SUPPORTED},
    {WORLD_ZONE, RR_SOA, 9999, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_SUPPORTED},
    {WORLD_ZONE, RR_SOA, CLASS_CH, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"version.bind", RR_TXT, CLASS_CH, RCODE_REFUSED, false, 0, 0, 0, EDE_PROHIBITED},
    {"VERSION.server", RR_TXT, CLASS_CH, RCODE_REFUSED, false, 0, 0, 0, EDE_PROHIBITED},
    {"id.server", RR_TXT, CLASS_CH, RCODE_NOERROR, false, 1, 0, 0, 0},
    {"Hostname.Bind", RR_TXT, CLASS_CH, RCODE_NOERROR, false, 1, 0, 0, 0},
    {"hostname.bind", RR_ANY, CLASS_CH, RCODE_NOERROR, false, 1, 0, 0, 0},
    {"hostname.bind", RR_A, CLASS_CH, RCODE_REFUSED, false, 0, 0, 0, EDE_PROHIBITED},
    {"authors.bind", RR_TXT, CLASS_CH, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    {"version.bind", RR_TXT, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_NOT_AUTHORITATIVE},
    /* aliases */
    {"one." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 3, 0, 0, 0},
    {"one." WORLD_ZONE, RR_CNAME, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"one." WORLD_ZONE, RR_ANY, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"one." WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 1, SOA, 0, 0},
    {"one." WORLD_ZONE, RR_TXT, CLASS_ANY, RCODE_NOERROR, false, 3, 0, 0, 0},
    {"two." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 4, 0, 0, 0},
    {"two." WORLD_ZONE, RR_CAA, 0, RCODE_NOERROR, AA, 3, 0, 0, 0},
    {"to-idle." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 1, SOA, 0, 0},
    {"to-nothing." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 1, SOA, 0, 0},
    {"to-outside." WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"to-second." WORLD_ZONE, RR_A, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {"to-second." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 1, SOA, 0, 0},
    {"to-second-nothing." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 1, SOA, 0, 0},
    {"to-apex." WORLD_ZONE, RR_NS, 0, RCODE_NOERROR, AA, 3, 0, 0, 0},
    {"to-apex." WORLD_ZONE, RR_SOA, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {"self." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 1, 0, 0, 0},
    {"loop-a." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 2, 0, 0, 0},
    {"chain-5." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 8, 0, 0, 0}, /* seven CNAMEs and the value */
    {"chain-4." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 8, 0, 0, 0}, /* eight CNAMEs: the resolver goes on */
    {"chain-0." WORLD_ZONE, RR_TXT, 0, RCODE_NOERROR, AA, 8, 0, 0, 0},
    {"below.one." WORLD_ZONE, RR_TXT, 0, RCODE_NXDOMAIN, AA, 0, SOA, 0, 0},
};

static void check_row(const struct answer_row *row, enum query_transport transport, bool edns)
{
    const struct ask ask = {.name = row->name, .qtype = row->qtype, .qclass = row->qclass, .edns = edns};
    uint16_t ede = edns && row->ede != 0 ? row->ede : EDE_NONE;

    told(&t, &world, &ask, transport);
    if (t.rcode != row->rcode || ((t.flags & TOLD_AA) != 0) != row->aa || (t.flags & TOLD_TC) != 0 ||
        t.answers != row->answers || t.authorities != row->authorities || t.additionals != row->additionals ||
        t.ede != ede)
        fail_msg(
            "%s type %u class %u %s%s: rcode %u, flags %04x, %u answers, %u authorities, %u additionals, EDE %u",
            row->name, row->qtype, row->qclass, transport == QUERY_UDP ? "UDP" : "TCP", edns ? " EDNS" : "",
            t.rcode, t.flags, t.answers, t.authorities, t.additionals, t.ede);
    ldns_pkt_free(told_ldns(&t));
}

static void every_question_gets_its_answer_on_every_road(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++) {
        for (int edns = 0; edns < 2; edns++) {
            check_row(&answer_rows[i], QUERY_UDP, edns != 0);
            check_row(&answer_rows[i], QUERY_TCP, edns != 0);
        }
    }
}

static void axfr_is_an_error_over_udp_and_refused_over_tcp(void **state)
{
    static const struct answer_row udp = {WORLD_ZONE, RR_AXFR, 0, RCODE_FORMERR, false, 0, 0, 0, 0};
    static const struct answer_row ours = {WORLD_ZONE, RR_AXFR, 0, RCODE_REFUSED, false, 0, 0, 0, EDE_PROHIBITED};
    static const struct answer_row inside = {"ns1." WORLD_ZONE,    RR_AXFR, 0, RCODE_NOTAUTH, false, 0, 0, 0,
                                             EDE_NOT_AUTHORITATIVE};
    static const struct answer_row foreign = {"example.com",        RR_AXFR, 0, RCODE_NOTAUTH, false, 0, 0, 0,
                                              EDE_NOT_AUTHORITATIVE};

    (void)state;
    check_row(&udp, QUERY_UDP, true);
    check_row(&ours, QUERY_TCP, true);
    check_row(&inside, QUERY_TCP, true);
    check_row(&foreign, QUERY_TCP, true);
}

/* ---- the records themselves, as ldns reads them ---- */

#define ONE_VALUE(i) "\"AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-a000" #i "\"\n"
#define TARGET       WORLD_UUID "." WORLD_ZONE "."
#define NEGATIVE(apex, ttl)                                                                                        \
    apex ".\t" ttl "\tIN\tSOA\tns1." WORLD_ZONE ". hostmaster.example.net. 2026112100 14400 3600 604800 300\n"

static const struct text_row {
    const char *name;
    uint16_t qtype, qclass;
    const char *answer, *authority, *additional;
} text_rows[] = {
    {WORLD_UUID ".AUTH.example.ORG", RR_TXT, CLASS_IN,
     WORLD_UUID ".AUTH.example.ORG.\t0\tIN\tTXT\t" ONE_VALUE(0) WORLD_UUID
     ".AUTH.example.ORG.\t0\tIN\tTXT\t" ONE_VALUE(1),
     "", ""},
    {"idle." WORLD_ZONE, RR_TXT, CLASS_IN, "", NEGATIVE(WORLD_ZONE, "0"), ""},
    {"Nothing.Auth.example.org", RR_TXT, CLASS_IN, "", NEGATIVE("Auth.example.org", "0"), ""},
    {"nothing.second.test", RR_TXT, CLASS_IN, "", NEGATIVE("second.test", "30"), ""},
    {WORLD_ZONE, RR_SOA, CLASS_IN, NEGATIVE(WORLD_ZONE, "0"), "", ""},
    {"second.test", RR_SOA, CLASS_IN, NEGATIVE("second.test", "30"), "", ""},
    {WORLD_ZONE, RR_NS, CLASS_IN,
     WORLD_ZONE ".\t3600\tIN\tNS\tns1." WORLD_ZONE ".\n" WORLD_ZONE ".\t3600\tIN\tNS\tns2." WORLD_ZONE ".\n", "",
     "ns1." WORLD_ZONE ".\t3600\tIN\tA\t203.0.113.10\nns2." WORLD_ZONE ".\t3600\tIN\tA\t203.0.113.11\n"},
    {"id.server", RR_TXT, CLASS_CH, "id.server.\t0\tCH\tTXT\t\"" WORLD_IDENTITY "\"\n", "", ""},
    {"to-outside." WORLD_ZONE, RR_TXT, CLASS_IN, "to-outside." WORLD_ZONE ".\t300\tIN\tCNAME\twww.example.com.\n",
     "", ""},
    {"two." WORLD_ZONE, RR_TXT, CLASS_IN,
     "two." WORLD_ZONE ".\t300\tIN\tCNAME\tOne." WORLD_ZONE ".\nOne." WORLD_ZONE ".\t300\tIN\tCNAME\t" TARGET
     "\n" TARGET "\t0\tIN\tTXT\t" ONE_VALUE(0) TARGET "\t0\tIN\tTXT\t" ONE_VALUE(1),
     "", ""},
    {"to-second-nothing." WORLD_ZONE, RR_TXT, CLASS_IN,
     "to-second-nothing." WORLD_ZONE ".\t300\tIN\tCNAME\tnothing.second.test.\n", NEGATIVE("second.test", "30"),
     ""},
    {"to-second." WORLD_ZONE, RR_MX, CLASS_IN, "to-second." WORLD_ZONE ".\t300\tIN\tCNAME\thost.second.test.\n",
     NEGATIVE("second.test", "30"), ""},
    {"to-apex." WORLD_ZONE, RR_A, CLASS_IN, "to-apex." WORLD_ZONE ".\t300\tIN\tCNAME\t" WORLD_ZONE ".\n",
     NEGATIVE(WORLD_ZONE, "0"), ""},
};

static void check_section(const ldns_rr_list *list, const char *expected)
{
    char *text;

    if (ldns_rr_list_rr_count(list) == 0) {
        assert_string_equal("", expected);
        return;
    }
    text = ldns_rr_list2str(list);
    assert_string_equal(text, expected);
    free(text);
}

static void records_read_the_same_in_another_decoder(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(text_rows); i++) {
        const struct text_row *row = &text_rows[i];
        const struct ask ask = {.name = row->name, .qtype = row->qtype, .qclass = row->qclass, .edns = true};
        ldns_pkt *pkt;

        told(&t, &world, &ask, QUERY_UDP);
        pkt = told_ldns(&t);
        check_section(ldns_pkt_answer(pkt), row->answer);
        check_section(ldns_pkt_authority(pkt), row->authority);
        check_section(ldns_pkt_additional(pkt), row->additional);
        ldns_pkt_free(pkt);
    }
}

/* ---- EDNS ---- */

static void the_opt_record_announces_our_size_whatever_the_client_said(void **state)
{
    static const uint16_t sizes[] = {1, 512, 1232, 4096, 65535};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct ask ask = {.name = WORLD_ZONE, .qtype = RR_SOA, .edns = true, .size = sizes[i]};

        told(&t, &world, &ask, QUERY_UDP);
        assert_int_equal(t.udp_size, 1232);
        assert_int_equal(t.opt_flags, 0);
    }
}

static void another_version_is_badvers_without_records(void **state)
{
    static const uint8_t versions[] = {1, 2, 100, 255};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        const struct ask ask = {
            .name = WORLD_ZONE, .qtype = RR_SOA, .edns = true, .opt_flags = (uint32_t)versions[i] << 16 | 0x8000};

        told(&t, &world, &ask, QUERY_UDP);
        assert_int_equal(t.rcode, RCODE_BADVERS);
        assert_int_equal(t.flags & 0xf, 0);
        assert_int_equal(t.opt_flags, 0x01008000); /* extended RCODE 1, version 0, DO */
        assert_int_equal(t.questions, 1);
        assert_int_equal(t.answers + t.authorities + t.additionals, 0);
    }
}

static void only_do_comes_back_of_the_edns_flags(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= UINT16_MAX; flags += 0x0101) {
        const struct ask ask = {.name = WORLD_ZONE, .qtype = RR_SOA, .edns = true, .opt_flags = flags};

        told(&t, &world, &ask, QUERY_UDP);
        assert_int_equal(t.rcode, RCODE_NOERROR);
        assert_int_equal(t.opt_flags, flags & 0x8000);
    }
}

static void options_are_not_echoed(void **state)
{
    /* ECS, EXPIRE, COOKIE, keepalive, padding and an unknown one */
    static const uint8_t options[] = {0, 8, 0, 4, 0, 1,  0, 0, 0, 9,  0, 0, 0, 10, 0, 8,   1, 2, 3, 4,
                                      5, 6, 7, 8, 0, 11, 0, 0, 0, 12, 0, 2, 0, 0,  0, 100, 0, 1, 7};
    const struct ask ask = {
        .name = WORLD_ZONE, .qtype = RR_SOA, .edns = true, .options = options, .options_len = sizeof options};

    (void)state;
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.rcode, RCODE_NOERROR);
    assert_int_equal(t.answers, 1);
    assert_int_equal(t.options, 0);
}

static void nsid_is_sent_when_asked_for_and_set(void **state)
{
    static const uint8_t option[] = {0, 3, 0, 0};
    const struct ask with = {.name = "nothing." WORLD_ZONE,
                             .qtype = RR_TXT,
                             .edns = true,
                             .options = option,
                             .options_len = sizeof option};
    const struct ask without = {.name = WORLD_ZONE, .qtype = RR_SOA, .edns = true};

    (void)state;
    told(&t, &world, &with, QUERY_UDP);
    assert_int_equal(t.nsid_len, strlen(WORLD_IDENTITY));
    assert_memory_equal(t.nsid, WORLD_IDENTITY, t.nsid_len);
    told(&t, &world, &without, QUERY_UDP);
    assert_int_equal(t.options, 0);
    world.answerer.says.identity_len = 0;
    told(&t, &world, &with, QUERY_UDP);
    assert_int_equal(t.options, 0);
    world.answerer.says.identity_len = strlen(WORLD_IDENTITY);
}

static void without_identity_id_server_is_refused(void **state)
{
    const struct ask ask = {.name = "id.server", .qtype = RR_TXT, .qclass = CLASS_CH, .edns = true};

    (void)state;
    world.answerer.says.identity_len = 0;
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.rcode, RCODE_REFUSED);
    assert_int_equal(t.ede, EDE_PROHIBITED);
    world.answerer.says.identity_len = strlen(WORLD_IDENTITY);
}

static void the_longest_error_fits_in_512_octets(void **state)
{
    static const char identity[EDNS_NSID_MAX + 1] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    static const uint8_t option[] = {0, 3, 0, 0};
    char name[NAME_MAX_LEN + 1] = "";
    const struct ask ask = {
        .name = name, .qtype = RR_TXT, .edns = true, .size = 512, .options = option, .options_len = sizeof option};

    (void)state;
    for (size_t i = 0; i < 253; i++)
        name[i] = i % 2 == 0 ? 'a' : '.';
    world.answerer.says.identity = identity;
    world.answerer.says.identity_len = EDNS_NSID_MAX;
    told(&t, &world, &ask, QUERY_UDP);
    assert_int_equal(t.rcode, RCODE_REFUSED);
    assert_int_equal(t.nsid_len, EDNS_NSID_MAX);
    assert_int_equal(t.ede, EDE_NOT_AUTHORITATIVE);
    assert_int_equal(t.len, 12 + 255 + 4 + 11 + 4 + 64 + 6);
    world.answerer.says.identity = WORLD_IDENTITY;
    world.answerer.says.identity_len = strlen(WORLD_IDENTITY);
}

/* ---- while loading ---- */

static void without_a_table_nothing_is_denied(void **state)
{
    static const uint16_t types[] = {RR_TXT, RR_ANY, RR_IXFR};
    const struct table *table = world.answerer.table;

    (void)state;
    world.answerer.table = NULL;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const struct ask ask = {.name = "www.example.com", .qtype = types[i], .edns = true};

        told(&t, &world, &ask, QUERY_UDP);
        assert_int_equal(t.rcode, RCODE_SERVFAIL);
        assert_int_equal(t.ede, EDE_NOT_READY);
    }
    world.answerer.table = table;
}

/* ---- all of everything ---- */

static void every_opcode_but_query_and_update_is_notimp_with_all_flags_clear(void **state)
{
    uint8_t query[1024];

    (void)state;
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        const struct ask ask = {
            .name = WORLD_ZONE, .qtype = RR_SOA, .flags = (uint16_t)(opcode << 11 | 0x07ff), .edns = true};
        size_t len = ask_put(query, &ask);

        if (opcode == OPCODE_UPDATE)
            continue;
        told_raw(&t, &world, query, len, QUERY_UDP);
        assert_int_equal(t.rcode, opcode == 0 ? RCODE_NOERROR : RCODE_NOTIMP);
        told_raw(&t, &world, query, opcode == 0 ? len : DNS_HEADER_LEN, QUERY_TCP);
        assert_int_equal(t.rcode, opcode == 0 ? RCODE_NOERROR : RCODE_NOTIMP);
    }
}

static void every_header_is_answered_or_dropped_by_rule(void **state)
{
    uint8_t query[1024];
    uint64_t dropped = world.counters.dropped;

    (void)state;
    for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
        const struct ask ask = {.name = WORLD_ZONE, .qtype = RR_SOA, .flags = (uint16_t)flags};

        told_raw(&t, &world, query, ask_put(query, &ask), QUERY_UDP);
        assert_int_equal(t.len == 0, (flags & 0x8000) != 0);
    }
    assert_int_equal(world.counters.dropped - dropped, 0x8000);
}

static void every_type_in_every_class_gets_a_sound_answer(void **state)
{
    static const uint16_t classes[] = {CLASS_IN, CLASS_CH, CLASS_HS, CLASS_NONE, CLASS_ANY, 0xffff};
    static const char *const names[] = {WORLD_UUID "." WORLD_ZONE, WORLD_ZONE, "one." WORLD_ZONE,
                                        "nothing." WORLD_ZONE, "example.com"};

    (void)state;
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
            const struct ask ask = {.name = names[(type + c) % ARRAY_LEN(names)],
                                    .qtype = (uint16_t)type,
                                    .qclass = classes[c],
                                    .edns = type % 2 == 0};

            told(&t, &world, &ask, type % 3 == 0 ? QUERY_TCP : QUERY_UDP);
        }
    }
}

static void every_cut_and_every_change_of_one_octet_gets_a_sound_answer(void **state)
{
    static const uint8_t options[] = {0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    const struct ask ask = {.name = "two." WORLD_ZONE,
                            .qtype = RR_TXT,
                            .edns = true,
                            .options = options,
                            .options_len = sizeof options};
    uint8_t query[1024] = {0};
    size_t len = ask_put(query, &ask);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        told_raw(&t, &world, query, cut, QUERY_UDP);
        assert_int_equal(t.len == 0, cut < DNS_HEADER_LEN);
        if (t.len > 0)
            assert_int_equal(t.rcode, RCODE_FORMERR);
    }
    for (size_t at = 0; at < len; at++) {
        uint8_t was = query[at];

        for (unsigned v = 0; v <= UINT8_MAX; v++) {
            query[at] = (uint8_t)v;
            told_raw(&t, &world, query, len, v % 2 == 0 ? QUERY_UDP : QUERY_TCP);
        }
        query[at] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_gets_its_answer_on_every_road),
        cmocka_unit_test(axfr_is_an_error_over_udp_and_refused_over_tcp),
        cmocka_unit_test(records_read_the_same_in_another_decoder),
        cmocka_unit_test(the_opt_record_announces_our_size_whatever_the_client_said),
        cmocka_unit_test(another_version_is_badvers_without_records),
        cmocka_unit_test(only_do_comes_back_of_the_edns_flags),
        cmocka_unit_test(options_are_not_echoed),
        cmocka_unit_test(nsid_is_sent_when_asked_for_and_set),
        cmocka_unit_test(without_identity_id_server_is_refused),
        cmocka_unit_test(the_longest_error_fits_in_512_octets),
        cmocka_unit_test(without_a_table_nothing_is_denied),
        cmocka_unit_test(every_opcode_but_query_and_update_is_notimp_with_all_flags_clear),
        cmocka_unit_test(every_header_is_answered_or_dropped_by_rule),
        cmocka_unit_test(every_type_in_every_class_gets_a_sound_answer),
        cmocka_unit_test(every_cut_and_every_change_of_one_octet_gets_a_sound_answer),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
