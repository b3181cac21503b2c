#include "dns/query.h"

#include "base/attr.h"
#include "base/wire.h"
#include "core/octets.h"
#include "core/rr.h"
#include "dns/edns.h"

/* Octets 2 to 9 of the header as one big-endian number: flags, QDCOUNT, ANCOUNT, NSCOUNT (RFC 1035 section 4.1.1).
 * Nearly every query is of the ordinary shape: QR 0, opcode QUERY, one question, no answer, no authority. The other
 * flags are looked at by nobody but the copy of RD and CD in the reply. */
#define SHAPE_QR       UINT64_C(0x8000000000000000)
#define SHAPE_OPCODE   UINT64_C(0x7800000000000000)
#define SHAPE_COUNTS   UINT64_C(0x0000ffffffffffff)
#define SHAPE_ORDINARY UINT64_C(0x0000000100000000)

_Static_assert(sizeof(((struct name *)0)->b) % OCTETS_STEP == 0, "a name is a whole number of steps");
_Static_assert(sizeof(((struct name *)0)->b) >= NAME_MAX_LEN + OCTETS_STEP, "with one of zeros behind");
_Static_assert(NAME_PAD >= OCTETS_STEP, "a step may be read from any octet of a message");

static void query_fail(struct query *q, enum dns_rcode rcode, uint16_t ede)
{
    q->verdict = QUERY_ERROR;
    q->rcode = (uint16_t)rcode;
    q->ede = ede;
}

/* Copy the len octets of a well-formed name to q, folded and followed by zeros. wire may be read up to 15 octets
 * past the name: what is there is masked out. */
static ALWAYS_INLINE void name_take(struct query *q, const uint8_t *wire, size_t len)
{
    size_t last = (len - 1) / OCTETS_STEP * OCTETS_STEP;
    octets16 capitals = {0}, v;

    for (size_t at = 0; at < last; at += OCTETS_STEP) {
        v = octets_load(wire + at);
        capitals |= octets_capitals(v);
        octets_store(q->name.b + at, octets_fold(v));
    }
    v = octets_first(octets_load(wire + last), len - last);
    capitals |= octets_capitals(v);
    octets_store(q->name.b + last, octets_fold(v));
    octets_store(q->name.b + last + OCTETS_STEP, (octets16){0});
    q->name.len = (uint8_t)len;
    q->mixed_case = octets_any(capitals);
}

/* Octets of the name that begins at msg[pos], with its root label; 0 when it is not a plain name inside len octets:
 * RFC 1035 section 3.1. A pointer in a question could only lead forward, to itself or into the header, and label
 * types 01 and 10 are gone (RFC 6891 section 5), so every length octet over 63 is an error. */
static ALWAYS_INLINE size_t name_measure(const uint8_t *msg, size_t len, size_t pos)
{
    size_t end = len - pos > NAME_MAX_LEN ? pos + NAME_MAX_LEN : len;
    size_t at = pos;

    while (at < end && (uint8_t)(msg[at] - 1) < NAME_LABEL_MAX) /* neither the root nor too long */
        at += (size_t)msg[at] + 1;
    return at < end && msg[at] == 0 ? at + 1 - pos : 0;
}

/* Read the one question. Returns where it ends, or 0. */
static ALWAYS_INLINE size_t question_read(struct query *q, const uint8_t *msg, size_t len)
{
    size_t name_len = name_measure(msg, len, DNS_HEADER_LEN);
    size_t at = DNS_HEADER_LEN + name_len;
    uint32_t tail;

    if (name_len == 0 || len - at < QUESTION_TAIL)
        return 0;
    name_take(q, msg + DNS_HEADER_LEN, name_len);
    tail = wire_load_u32(msg + at);
    q->qtype = (uint16_t)(tail >> 16);
    q->qclass = (uint16_t)tail;
    q->question_len = (uint16_t)(name_len + QUESTION_TAIL);
    q->has_question = true;
    return at + QUESTION_TAIL;
}

/* Step over a name without following a pointer: what it says does not matter, only where it ends. *root: it is the
 * root, written out. */
static void owner_skip(struct wire_reader *r, bool *root)
{
    uint8_t label = wire_get_u8(r);

    *root = r->err == ERR_OK && label == 0;
    while (r->err == ERR_OK && label != 0) {
        if (label >= 0xc0) {
            (void)wire_get_u8(r);
            return;
        }
        if (label > NAME_LABEL_MAX)
            wire_fail(r, ERR_SYNTAX);
        (void)wire_get_bytes(r, label);
        label = wire_get_u8(r);
    }
}

enum section { SECTION_ANSWER, SECTION_ADDITIONAL };

/* Step over count records; r counts from the beginning of the message. In the additional section the OPT record is
 * read (RFC 6891 section 6.1.1: at most one, at any place, owned by the root), and the TSIG record is noted (RFC
 * 8945 section 5.1: at most one, the very last); all others are ignored. False: not well formed. */
static bool records_read(struct query *q, struct wire_reader *r, unsigned count, enum section section)
{
    bool sound = true;

    for (; count > 0 && r->err == ERR_OK; count--) {
        size_t at = r->pos;
        struct edns_opt opt;
        bool root;

        owner_skip(r, &root);
        uint16_t type = wire_get_u16(r);
        opt.size = wire_get_u16(r);
        opt.flags = wire_get_u32(r);
        opt.options_len = wire_get_u16(r);
        opt.options = wire_get_bytes(r, opt.options_len);
        if (r->err == ERR_OK && type == RR_TSIG) {
            sound = sound && section == SECTION_ADDITIONAL && count == 1;
            q->tsig_at = (uint16_t)at;
            q->tsig_len = (uint16_t)(r->pos - at);
        }
        if (r->err != ERR_OK || section != SECTION_ADDITIONAL || type != RR_OPT)
            continue;
        if (!root || q->edns)
            sound = false;
        if (!q->edns && !edns_read(q, &opt))
            sound = false;
    }
    return sound && r->err == ERR_OK;
}

/* True when behind the question of an ordinary query there is the usual rest: one OPT record without options, which
 * is then noted, or nothing at all. */
static inline bool is_rest_plain(struct query *q, const uint8_t *msg, size_t len, size_t pos)
{
    unsigned count = wire_load_u16(msg + 10);

    if (count == 0)
        return true; /* octets behind the message are nobody's business */
    return count == 1 && len - pos >= EDNS_FIXED_LEN && edns_read_plain(q, msg + pos);
}

/* Read a message of any counts to its end. False: not well formed. */
static bool sections_read(struct query *q, const uint8_t *msg, size_t len)
{
    unsigned questions = wire_load_u16(msg + 4), answers = wire_load_u16(msg + 6),
             authorities = wire_load_u16(msg + 8);
    size_t pos = DNS_HEADER_LEN;
    struct wire_reader r;
    bool root;

    if (questions == 1) {
        pos = question_read(q, msg, len);
        if (pos == 0)
            return false;
    }
    wire_reader_init(&r, msg, len);
    r.pos = pos;
    for (unsigned left = questions == 1 ? 0 : questions; left > 0 && r.err == ERR_OK; left--) {
        owner_skip(&r, &root);
        (void)wire_get_u32(&r);
    }
    if (!records_read(q, &r, answers + authorities, SECTION_ANSWER))
        return false;
    return records_read(q, &r, wire_load_u16(msg + 10), SECTION_ADDITIONAL);
}

/* What other counts than the ordinary ones a query may have: IXFR has the client's SOA in the authority section
 * (RFC 1995 section 3); all else is FORMERR, RFC 9619 section 4 for QDCOUNT. */
static bool odd_counts_are_right(const struct query *q, const uint8_t *msg)
{
    return q->has_question && wire_load_u16(msg + 6) == 0 && wire_load_u16(msg + 8) == 1 && q->qtype == RR_IXFR;
}

/* Types below OPT, which are plain data, and CAA: what validators and resolvers ask for. */
static inline bool is_usual(const struct query *q)
{
    return q->qclass == CLASS_IN && (q->qtype < RR_OPT || q->qtype == RR_CAA);
}

/* The message is well formed: what kind of question is it? */
APART static void query_judge(struct query *q, enum query_transport transport)
{
    if (q->edns && q->edns_version != EDNS_VERSION)
        query_fail(q, RCODE_BADVERS, EDE_NONE); /* RFC 6891 section 6.1.3 */
    else if (q->qtype == RR_OPT || q->qtype == RR_TSIG)
        query_fail(q, RCODE_FORMERR, EDE_NONE); /* never asked for: RFC 6895 section 3.1 */
    else if (q->qtype == RR_NXNAME)
        query_fail(q, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE); /* RFC 9824 section 3.5 */
    else if (q->qclass == CLASS_CH)
        q->verdict = QUERY_CHAOS;
    else if (q->qclass != CLASS_IN && q->qclass != CLASS_ANY)
        query_fail(q, RCODE_REFUSED, EDE_NOT_SUPPORTED);
    else if (q->qtype == RR_AXFR && transport == QUERY_UDP)
        query_fail(q, RCODE_FORMERR, EDE_NONE); /* RFC 5936 section 4.2 leaves it undefined */
    else
        q->verdict = QUERY_LOOKUP;
}

/* The same when nothing but the question may be unusual. */
static inline void plain_judge(struct query *q, enum query_transport transport)
{
    if (is_usual(q)) {
        q->verdict = QUERY_LOOKUP;
        q->usual = true;
    } else {
        query_judge(q, transport);
    }
}

/* RFC 2136 sections 2.3 and 3.1.1: one zone, as the SOA record of its apex. */
static void update_judge(struct query *q)
{
    if (q->edns && q->edns_version != EDNS_VERSION)
        query_fail(q, RCODE_BADVERS, EDE_NONE);
    else if (!q->has_question || q->qtype != RR_SOA)
        query_fail(q, RCODE_FORMERR, EDE_NONE);
    else
        q->verdict = QUERY_UPDATE;
}

void query_spoil(struct query *q)
{
    query_fail(q, RCODE_FORMERR, EDE_NONE);
    q->usual = false;
    q->tsig_at = q->tsig_len = 0; /* what it seems to be signed with says nothing either */
}

/* Everything that is no ordinary query: a response, another opcode, or other counts. */
COLD static void odd_parse(struct query *q, const uint8_t *msg, size_t len, enum query_transport transport)
{
    unsigned opcode = msg[2] >> 3 & 0xf;

    if ((wire_load_u64(msg + 2) & SHAPE_QR) != 0)
        return; /* answering an answer could go on for ever */
    if (opcode != OPCODE_QUERY && opcode != OPCODE_UPDATE)
        query_fail(q, RCODE_NOTIMP, EDE_NONE);
    else if (!sections_read(q, msg, len))
        query_spoil(q);
    else if (opcode == OPCODE_UPDATE)
        update_judge(q);
    else if (!odd_counts_are_right(q, msg))
        query_fail(q, RCODE_FORMERR, EDE_NONE);
    else
        query_judge(q, transport);
}

/* An ordinary query whose question has been read and ends at pos, with any additional section. */
APART static void rest_parse(struct query *q, const uint8_t *msg, size_t len, size_t pos,
                             enum query_transport transport)
{
    unsigned count = wire_load_u16(msg + 10);
    struct wire_reader r;

    if (count == 1 && edns_read_quiet(q, msg + pos, len - pos)) {
        plain_judge(q, transport);
        return;
    }
    wire_reader_init(&r, msg, len);
    r.pos = pos;
    if (!records_read(q, &r, count, SECTION_ADDITIONAL)) {
        query_spoil(q);
        return;
    }
    query_judge(q, transport);
    q->usual = q->verdict == QUERY_LOOKUP && is_usual(q) && !q->nsid && q->tsig_at == 0;
}

/* Whatever is not usual is the last thing that is called, so that registers need not be saved for it. */
APART void query_parse(struct query *q, const uint8_t *msg, size_t len, enum query_transport transport)
{
    size_t pos;

    q->verdict = QUERY_DROP;
    q->rcode = RCODE_NOERROR;
    q->ede = EDE_NONE;
    q->has_question = q->mixed_case = q->edns = q->dnssec_ok = q->nsid = q->usual = false;
    q->edns_version = EDNS_VERSION;
    q->edns_size = DNS_UDP_PLAIN_MAX;
    q->qtype = q->qclass = q->question_len = 0;
    q->tsig_at = q->tsig_len = 0;
    q->slot = NULL;
    q->name.len = 0;

    if (len < DNS_HEADER_LEN)
        return;
    if ((wire_load_u64(msg + 2) & (SHAPE_QR | SHAPE_OPCODE | SHAPE_COUNTS)) != SHAPE_ORDINARY) {
        odd_parse(q, msg, len, transport);
        return;
    }
    pos = question_read(q, msg, len);
    if (pos == 0) {
        query_spoil(q);
    } else if (!is_rest_plain(q, msg, len, pos)) {
        rest_parse(q, msg, len, pos, transport);
    } else {
        plain_judge(q, transport);
    }
}
