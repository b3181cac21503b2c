#include "dns/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dns/world.h"

#define MSG_MAX 1024

/* Parse from an allocation of just the promised size, so that a sanitizer sees any read behind it. */
static void parse(struct query *q, const uint8_t *msg, size_t len, enum query_transport transport)
{
    uint8_t *copy = malloc(len + NAME_PAD);

    assert_non_null(copy);
    memcpy(copy, msg, len);
    memset(copy + len, 0x5a, NAME_PAD);
    query_parse(q, copy, len, transport);
    free(copy);
}

static size_t good(uint8_t *msg)
{
    static const uint8_t options[] = {0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    const struct ask ask = {.name = "_Acme-Challenge." WORLD_ZONE,
                            .qtype = RR_TXT,
                            .flags = 0x0110,
                            .edns = true,
                            .size = 4096,
                            .opt_flags = 0x8000,
                            .options = options,
                            .options_len = sizeof options};

    return ask_put(msg, &ask);
}

static void a_whole_query_is_read_into_its_parts(void **state)
{
    struct name expected = world_name("_acme-challenge." WORLD_ZONE);
    uint8_t msg[MSG_MAX];
    size_t len = good(msg);
    struct query q;

    (void)state;
    parse(&q, msg, len, QUERY_UDP);
    assert_int_equal(q.verdict, QUERY_LOOKUP);
    assert_true(q.has_question && q.edns && q.dnssec_ok && q.nsid && q.mixed_case);
    assert_int_equal(q.qtype, RR_TXT);
    assert_int_equal(q.qclass, CLASS_IN);
    assert_int_equal(q.edns_size, 4096);
    assert_int_equal(q.edns_version, 0);
    assert_int_equal(q.question_len, expected.len + 4);
    assert_int_equal(q.name.len, expected.len);
    assert_memory_equal(q.name.b, expected.b, expected.len + 16u); /* zeros behind */
    assert_int_equal(q.ede, EDE_NONE);
}

static void a_query_without_edns_takes_512_octets(void **state)
{
    const struct ask ask = {.name = "a." WORLD_ZONE, .qtype = RR_TXT};
    uint8_t msg[MSG_MAX];
    struct query q;

    (void)state;
    parse(&q, msg, ask_put(msg, &ask), QUERY_UDP);
    assert_int_equal(q.verdict, QUERY_LOOKUP);
    assert_false(q.edns || q.dnssec_ok || q.nsid || q.mixed_case);
    assert_int_equal(q.edns_size, 512);
}

static void names_of_every_length_are_folded_and_padded_with_zeros(void **state)
{
    static const uint8_t tail[] = {0, 0, 16, 0, 1};

    (void)state;
    for (size_t name_len = 1; name_len <= NAME_MAX_LEN + 4; name_len++) {
        uint8_t msg[MSG_MAX] = {[5] = 1};
        struct query q;
        size_t at = DNS_HEADER_LEN, left = name_len - 1;

        if (name_len == 2)
            continue; /* a label takes two octets at least */
        while (left > 0) {
            size_t label = left > 64 ? 63 : left - 1;

            if (left - label - 1 == 1)
                label--;
            msg[at++] = (uint8_t)label;
            for (size_t i = 0; i < label; i++)
                msg[at++] = (uint8_t)('A' + i % 26);
            left -= label + 1;
        }
        memcpy(msg + at, tail, sizeof tail);
        parse(&q, msg, at + sizeof tail, QUERY_UDP);
        if (name_len > NAME_MAX_LEN) {
            assert_int_equal(q.verdict, QUERY_ERROR);
            assert_int_equal(q.rcode, RCODE_FORMERR);
            assert_false(q.has_question);
            continue;
        }
        assert_int_equal(q.verdict, QUERY_LOOKUP);
        assert_int_equal(q.name.len, name_len);
        assert_int_equal(q.mixed_case, name_len > 1);
        for (size_t i = 0; i < name_len + 16; i++) {
            uint8_t c = i < name_len ? msg[DNS_HEADER_LEN + i] : 0;

            assert_int_equal(q.name.b[i], c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
}

static void only_ascii_letters_are_folded(void **state)
{
    (void)state;
    for (unsigned c = 0; c <= UINT8_MAX; c++) {
        const uint8_t msg[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (uint8_t)c, 0, 0, 16, 0, 1};
        bool upper = c >= 'A' && c <= 'Z';
        struct query q;

        parse(&q, msg, sizeof msg, QUERY_UDP);
        assert_int_equal(q.verdict, QUERY_LOOKUP);
        assert_int_equal(q.name.b[1], upper ? c + 32 : c);
        assert_int_equal(q.mixed_case, upper);
    }
}

/* Messages written out: octets 2 and on of the header, then the rest. */
#define QUESTION   "\001a\000\000\020\000\001"
#define OPT(rdlen) "\000\000\051\004\320\000\000\000\000\000" rdlen

#define RECORD "\300\014\000\020\000\001\000\000\000\000\000\001\000"
#define TSIG   "\000\000\372\000\377\000\000\000\000\000\001\000"

static const struct message_row {
    const char *about;
    const char *bytes;
    size_t len;
    enum query_verdict verdict;
    enum dns_rcode rcode;
    bool question, edns;
} message_rows[] = {
#define ROW(about, text, verdict, rcode, question, edns)                                                           \
    {                                                                                                              \
        about, text, sizeof(text) - 1, verdict, rcode, question, edns                                              \
    }
    ROW("nothing", "", QUERY_DROP, 0, false, false),
    ROW("eleven octets", "id\0\0\0\1\0\0\0\0\0", QUERY_DROP, 0, false, false),
    ROW("a response", "id\200\0\0\1\0\0\0\0\0\0" QUESTION, QUERY_DROP, 0, false, false),
    ROW("a response of opcode 15", "id\370\0\0\0\0\0\0\0\0\0", QUERY_DROP, 0, false, false),
    ROW("opcode IQUERY", "id\010\0\0\0\0\0\0\0\0\0", QUERY_ERROR, RCODE_NOTIMP, false, false),
    ROW("opcode NOTIFY with a question", "id\040\0\0\1\0\0\0\0\0\0" QUESTION, QUERY_ERROR, RCODE_NOTIMP, false,
        false),
    ROW("opcode UPDATE of a zone", "id\050\0\0\1\0\0\0\0\0\0\001a\000\000\006\000\001", QUERY_UPDATE, 0, true,
        false),
    ROW("opcode UPDATE with every section",
        "id\050\0\0\1\0\1\0\1\0\1\001a\000\000\006\000\001" RECORD RECORD OPT("\0\0"), QUERY_UPDATE, 0, true, true),
    ROW("opcode UPDATE, no SOA", "id\050\0\0\1\0\0\0\0\0\0" QUESTION, QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("opcode UPDATE without a zone", "id\050\0\0\0\0\0\0\0\0\0", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("opcode UPDATE, cut", "id\050\0\0\1\0\1\0\1\0\0\001a\000\000\006\000\001" RECORD, QUERY_ERROR,
        RCODE_FORMERR, true, false),
    ROW("opcode UPDATE of another EDNS version",
        "id\050\0\0\1\0\0\0\0\0\1\001a\000\000\006\000\001\000\000\051\004\320\000\001\000\000\000\000",
        QUERY_ERROR, RCODE_BADVERS, true, true),
    ROW("a TSIG record", "id\0\0\0\1\0\0\0\0\0\1" QUESTION TSIG, QUERY_LOOKUP, 0, true, false),
    ROW("a TSIG record behind OPT", "id\0\0\0\1\0\0\0\0\0\2" QUESTION OPT("\0\0") TSIG, QUERY_LOOKUP, 0, true,
        true),
    ROW("a TSIG record in front of OPT", "id\0\0\0\1\0\0\0\0\0\2" QUESTION TSIG OPT("\0\0"), QUERY_ERROR,
        RCODE_FORMERR, true, true),
    ROW("two TSIG records", "id\0\0\0\1\0\0\0\0\0\2" QUESTION TSIG TSIG, QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("a TSIG record in the answer section", "id\0\0\0\1\0\1\0\0\0\0" QUESTION TSIG, QUERY_ERROR, RCODE_FORMERR,
        true, false),
    ROW("opcode 15 with every flag", "id\177\377\0\0\0\0\0\0\0\0", QUERY_ERROR, RCODE_NOTIMP, false, false),
    ROW("an RCODE in the query", "id\0\017\0\1\0\0\0\0\0\0" QUESTION, QUERY_LOOKUP, 0, true, false),
    ROW("header only", "id\0\0\0\0\0\0\0\0\0\0", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("no question, OPT", "id\0\0\0\0\0\0\0\0\0\1" OPT("\0"), QUERY_ERROR, RCODE_FORMERR, false, true),
    ROW("two questions", "id\0\0\0\2\0\0\0\0\0\0" QUESTION QUESTION, QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("two questions, OPT", "id\0\0\0\2\0\0\0\0\0\1" QUESTION QUESTION OPT("\0"), QUERY_ERROR, RCODE_FORMERR,
        false, true),
    ROW("65535 questions", "id\0\0\377\377\0\0\0\0\0\0" QUESTION QUESTION, QUERY_ERROR, RCODE_FORMERR, false,
        false),
    ROW("an answer", "id\0\0\0\1\0\1\0\0\0\0" QUESTION "\0\0\1\0\1\0\0\0\0\0\0", QUERY_ERROR, RCODE_FORMERR, true,
        false),
    ROW("an authority", "id\0\0\0\1\0\0\0\1\0\0" QUESTION "\0\0\1\0\1\0\0\0\0\0\0", QUERY_ERROR, RCODE_FORMERR,
        true, false),
    ROW("an authority and OPT", "id\0\0\0\1\0\0\0\1\0\1" QUESTION "\0\0\1\0\1\0\0\0\0\0\0" OPT("\0"), QUERY_ERROR,
        RCODE_FORMERR, true, true),
    ROW("IXFR with its SOA", "id\0\0\0\1\0\0\0\1\0\0\001a\0\0\373\0\1\300\014\0\6\0\1\0\0\0\0\0\1x", QUERY_LOOKUP,
        0, true, false),
    ROW("IXFR with two authorities",
        "id\0\0\0\1\0\0\0\2\0\0\001a\0\0\373\0\1\300\014\0\6\0\1\0\0\0\0\0\1x\300\014\0\6\0\1\0\0\0\0\0\1x",
        QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("the name ends in the middle", "id\0\0\0\1\0\0\0\0\0\0\005abc", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("no root label", "id\0\0\0\1\0\0\0\0\0\0\001a", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("no type", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("half a class", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("a pointer to itself", "id\0\0\0\1\0\0\0\0\0\0\300\014\0\020\0\1", QUERY_ERROR, RCODE_FORMERR, false,
        false),
    ROW("a pointer into the header", "id\0\0\0\1\0\0\0\0\0\0\001a\300\0\0\020\0\1", QUERY_ERROR, RCODE_FORMERR,
        false, false),
    ROW("label type 01", "id\0\0\0\1\0\0\0\0\0\0\101a\0\0\020\0\1", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("label type 10", "id\0\0\0\1\0\0\0\0\0\0\201a\0\0\020\0\1", QUERY_ERROR, RCODE_FORMERR, false, false),
    ROW("octets behind the message", "id\0\0\0\1\0\0\0\0\0\0" QUESTION "garbage", QUERY_LOOKUP, 0, true, false),
    ROW("octets behind OPT", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\0") "garbage", QUERY_LOOKUP, 0, true, true),
    ROW("OPT", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\0"), QUERY_LOOKUP, 0, true, true),
    ROW("OPT that is not there", "id\0\0\0\1\0\0\0\0\0\1" QUESTION, QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("two OPT", "id\0\0\0\1\0\0\0\0\0\2" QUESTION OPT("\0") OPT("\0"), QUERY_ERROR, RCODE_FORMERR, true, true),
    ROW("OPT behind another record", "id\0\0\0\1\0\0\0\0\0\2" QUESTION "\1x\300\014\0\1\0\1\0\0\0\0\0\0" OPT("\0"),
        QUERY_LOOKUP, 0, true, true),
    ROW("OPT before another record", "id\0\0\0\1\0\0\0\0\0\2" QUESTION OPT("\0") "\1x\0\0\1\0\1\0\0\0\0\0\0",
        QUERY_LOOKUP, 0, true, true),
    ROW("one record less than counted", "id\0\0\0\1\0\0\0\0\0\2" QUESTION OPT("\0"), QUERY_ERROR, RCODE_FORMERR,
        true, true),
    ROW("an additional record cut off", "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\0\0\1\0\1\0\0\0\0\0\5ab", QUERY_ERROR,
        RCODE_FORMERR, true, false),
    ROW("an additional record's name with label type 01",
        "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\101a\0\0\1\0\1\0\0\0\0\0\0", QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("OPT owned by a name", "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\1x" OPT("\0"), QUERY_ERROR, RCODE_FORMERR, true,
        true),
    ROW("OPT owned by a pointer", "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\300\016\0\051\4\320\0\0\0\0\0\0", QUERY_ERROR,
        RCODE_FORMERR, true, true),
    ROW("OPT longer than the message", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\1"), QUERY_ERROR, RCODE_FORMERR,
        true, false),
    ROW("an option", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\5") "\0\144\0\1x", QUERY_LOOKUP, 0, true, true),
    ROW("an empty option", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\4") "\0\144\0\0", QUERY_LOOKUP, 0, true, true),
    ROW("an option longer than OPT", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\5") "\0\144\0\2xy", QUERY_ERROR,
        RCODE_FORMERR, true, true),
    ROW("one octet left in OPT", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\1") "x", QUERY_ERROR, RCODE_FORMERR, true,
        true),
    ROW("three octets left in OPT", "id\0\0\0\1\0\0\0\0\0\1" QUESTION OPT("\7") "\0\144\0\0xyz", QUERY_ERROR,
        RCODE_FORMERR, true, true),
    ROW("EDNS version 1", "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\0\0\051\4\320\0\1\0\0\0\0", QUERY_ERROR,
        RCODE_BADVERS, true, true),
    ROW("EDNS version 100 with options of its own",
        "id\0\0\0\1\0\0\0\0\0\1" QUESTION "\0\0\051\4\320\0\144\0\0\0\3xyz", QUERY_ERROR, RCODE_BADVERS, true,
        true),
    ROW("class CH", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0\3", QUERY_CHAOS, 0, true, false),
    ROW("class ANY", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0\377", QUERY_LOOKUP, 0, true, false),
    ROW("class HS", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0\4", QUERY_ERROR, RCODE_REFUSED, true, false),
    ROW("class NONE", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0\376", QUERY_ERROR, RCODE_REFUSED, true, false),
    ROW("class 0", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\020\0\0", QUERY_ERROR, RCODE_REFUSED, true, false),
    ROW("type OPT", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\051\0\1", QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("type TSIG", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\372\0\1", QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("type NXNAME", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\200\0\1", QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("type AXFR over UDP", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\374\0\1", QUERY_ERROR, RCODE_FORMERR, true, false),
    ROW("type 0", "id\0\0\0\1\0\0\0\0\0\0\001a\0\0\0\0\1", QUERY_LOOKUP, 0, true, false),
#undef ROW
};

static void every_form_of_message_gets_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(message_rows); i++) {
        const struct message_row *row = &message_rows[i];
        struct query q;

        parse(&q, (const uint8_t *)row->bytes, row->len, QUERY_UDP);
        if (q.verdict != row->verdict || q.rcode != row->rcode || q.has_question != row->question ||
            q.edns != row->edns)
            fail_msg("%s: verdict %d, rcode %d, question %d, edns %d", row->about, (int)q.verdict, q.rcode,
                     q.has_question, q.edns);
        assert_int_equal(q.question_len, row->question ? sizeof QUESTION - 1 : 0);
    }
}

static void errors_carry_the_extended_code_that_helps(void **state)
{
    static const struct {
        uint16_t qtype, qclass;
        uint16_t ede;
    } rows[] = {
        {RR_TXT, CLASS_HS, EDE_NOT_SUPPORTED},
        {RR_NXNAME, CLASS_IN, EDE_INVALID_QUERY_TYPE},
        {RR_OPT, CLASS_IN, EDE_NONE},
        {RR_TXT, CLASS_IN, EDE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ask ask = {.name = "a", .qtype = rows[i].qtype, .qclass = rows[i].qclass, .edns = true};
        uint8_t msg[MSG_MAX];
        struct query q;

        parse(&q, msg, ask_put(msg, &ask), QUERY_UDP);
        assert_int_equal(q.ede, rows[i].ede);
    }
}

static void axfr_over_tcp_is_an_ordinary_question(void **state)
{
    const struct ask ask = {.name = WORLD_ZONE, .qtype = RR_AXFR};
    uint8_t msg[MSG_MAX];
    struct query q;

    (void)state;
    parse(&q, msg, ask_put(msg, &ask), QUERY_TCP);
    assert_int_equal(q.verdict, QUERY_LOOKUP);
}

static void an_announced_size_below_512_counts_as_512(void **state)
{
    static const uint16_t sizes[][2] = {{1, 512}, {511, 512}, {512, 512}, {513, 513}, {65535, 65535}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct ask ask = {.name = "a", .qtype = RR_TXT, .edns = true, .size = sizes[i][0]};
        uint8_t msg[MSG_MAX];
        struct query q;

        parse(&q, msg, ask_put(msg, &ask), QUERY_UDP);
        assert_int_equal(q.edns_size, sizes[i][1]);
    }
}

/* The OPT record that stands alone is read by itself, the one with another record beside it with the others. */
static void options_are_read_the_same_wherever_the_record_stands(void **state)
{
    static const uint8_t letters[] = {0, 0, 0, 1, 2, EDNS_OPTION_NSID, 10};
    static const uint8_t other[] = {0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0};
    uint8_t options[14];
    uint64_t dice = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct ask ask = {.name = "a", .qtype = RR_TXT, .edns = true, .options = options};
        uint8_t alone[MSG_MAX], beside[MSG_MAX];
        struct query a, b;
        size_t len;

        ask.options_len = i % sizeof options;
        for (size_t k = 0; k < ask.options_len; k++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
            options[k] = letters[(dice >> 33) % sizeof letters];
        }
        len = ask_put(alone, &ask);
        memcpy(beside, alone, len);
        memcpy(beside + len, other, sizeof other);
        beside[11] = 2;
        parse(&a, alone, len, QUERY_UDP);
        parse(&b, beside, len + sizeof other, QUERY_UDP);
        assert_int_equal(a.verdict, b.verdict);
        assert_int_equal(a.rcode, b.rcode);
        assert_true(a.nsid == b.nsid && a.usual == b.usual && a.edns && b.edns);
        assert_int_equal(a.edns_size, b.edns_size);
    }
}

static void header_flags_do_not_change_the_verdict(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
        const struct ask ask = {.name = "a", .qtype = RR_TXT, .flags = (uint16_t)flags};
        enum query_verdict expected = QUERY_LOOKUP;
        enum dns_rcode rcode;
        uint8_t msg[MSG_MAX];
        struct query q;

        if ((flags & 0x8000) != 0)
            expected = QUERY_DROP;
        else if ((flags & 0x7800) != 0)
            expected = QUERY_ERROR;
        rcode = (flags & 0x7800) == OPCODE_UPDATE << 11 ? RCODE_FORMERR : RCODE_NOTIMP; /* TXT is no zone */
        query_parse(&q, msg, ask_put(msg, &ask), QUERY_UDP);
        assert_int_equal(q.verdict, expected);
        assert_int_equal(q.rcode, expected == QUERY_ERROR ? rcode : RCODE_NOERROR);
    }
}

/* What must hold of any parsed message, whatever was in it. */
static void check_sound(const struct query *q, size_t len)
{
    assert_true(len < DNS_HEADER_LEN || q->question_len <= len - DNS_HEADER_LEN);
    assert_true(q->edns_size >= DNS_UDP_PLAIN_MAX);
    if (q->verdict == QUERY_LOOKUP || q->verdict == QUERY_CHAOS) {
        assert_true(q->has_question);
        assert_int_equal(q->name.len + 4, q->question_len);
        assert_int_equal(q->name.b[q->name.len - 1], 0);
    }
}

static void every_cut_of_a_good_query_is_dropped_or_an_error(void **state)
{
    uint8_t msg[MSG_MAX];
    size_t whole = good(msg);

    (void)state;
    for (size_t len = 0; len < whole; len++) {
        struct query q;

        parse(&q, msg, len, QUERY_UDP);
        check_sound(&q, len);
        assert_int_equal(q.verdict, len < DNS_HEADER_LEN ? QUERY_DROP : QUERY_ERROR);
        assert_int_equal(q.rcode, len < DNS_HEADER_LEN ? RCODE_NOERROR : RCODE_FORMERR);
    }
}

static void every_change_of_one_octet_is_survived(void **state)
{
    uint8_t msg[MSG_MAX];
    size_t len = good(msg);

    (void)state;
    for (size_t at = 0; at < len; at++) {
        uint8_t was = msg[at];

        for (unsigned v = 0; v <= UINT8_MAX; v++) {
            struct query q;

            msg[at] = (uint8_t)v;
            parse(&q, msg, len, v % 2 == 0 ? QUERY_UDP : QUERY_TCP);
            check_sound(&q, len);
        }
        msg[at] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_query_is_read_into_its_parts),
        cmocka_unit_test(a_query_without_edns_takes_512_octets),
        cmocka_unit_test(names_of_every_length_are_folded_and_padded_with_zeros),
        cmocka_unit_test(only_ascii_letters_are_folded),
        cmocka_unit_test(every_form_of_message_gets_its_verdict),
        cmocka_unit_test(errors_carry_the_extended_code_that_helps),
        cmocka_unit_test(axfr_over_tcp_is_an_ordinary_question),
        cmocka_unit_test(an_announced_size_below_512_counts_as_512),
        cmocka_unit_test(options_are_read_the_same_wherever_the_record_stands),
        cmocka_unit_test(header_flags_do_not_change_the_verdict),
        cmocka_unit_test(every_cut_of_a_good_query_is_dropped_or_an_error),
        cmocka_unit_test(every_change_of_one_octet_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
