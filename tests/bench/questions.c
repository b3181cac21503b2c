#include "questions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "measure.h"
#include "message.h"

#define TYPE_A      1
#define TYPE_SOA    6
#define TYPE_TXT    16
#define TYPE_OPT    41
#define TYPE_CAA    257
#define CLASS_IN    1
#define NAME_ROOM   (BENCH_LABEL_LEN + sizeof "." BENCH_ZONE)
#define ABSENT_FROM (UINT64_C(1) << 40) /* numbers of names that no zone has */
#define RCODE_NAME  3                   /* NXDOMAIN */
#define FLAG_QR     0x80
#define FLAG_AA     0x04
#define FLAG_TC     0x02
#define POINTER     0xc0
#define RECORD_LEN  10 /* type, class, TTL and RDLENGTH behind the owner, RFC 1035 section 4.1.3 */
#define TENTHS      10
#define SEED        UINT64_C(20240229)

void bench_label(char out[BENCH_LABEL_LEN + 1], uint64_t i)
{
    uint64_t a = mix64(2 * i), b = mix64(2 * i + 1);

    (void)snprintf(out, BENCH_LABEL_LEN + 1, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
                   b & UINT64_C(0xffffffffffff));
}

void bench_value(char out[BENCH_VALUE_LEN + 1], uint64_t i)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t state = mix64(i ^ SEED), bits = 0;

    for (unsigned k = 0; k < BENCH_VALUE_LEN; k++) {
        if (k % TENTHS == 0)
            bits = random_next(&state);
        out[k] = alphabet[bits & (sizeof alphabet - 2)];
        bits >>= 6;
    }
    out[BENCH_VALUE_LEN] = '\0';
}

static size_t put_question(uint8_t *out, size_t cap, const char *name, unsigned type, unsigned id)
{
    struct message w = {.out = out, .cap = cap};

    put_u16(&w, id);
    put_u16(&w, 0); /* a plain query */
    put_u16(&w, 1);
    put_u16(&w, 0);
    put_u16(&w, 0);
    put_u16(&w, 1);
    put_name(&w, name);
    put_u16(&w, type);
    put_u16(&w, CLASS_IN);
    put_u8(&w, 0); /* OPT, RFC 6891 section 6.1.2: the root, size, nothing else */
    put_u16(&w, TYPE_OPT);
    put_u16(&w, QUESTION_EDNS);
    put_u16(&w, 0);
    put_u16(&w, 0);
    put_u16(&w, 0);
    return w.len;
}

size_t question_put(uint8_t *out, size_t cap, const char *name, uint16_t id)
{
    return put_question(out, cap, name, TYPE_TXT, id);
}

static enum question_kind pick_kind(uint64_t r)
{
    static const enum question_kind tenths[TENTHS] = {QUESTION_TXT, QUESTION_TXT,   QUESTION_TXT, QUESTION_TXT,
                                                      QUESTION_TXT, QUESTION_TXT,   QUESTION_TXT, QUESTION_CAA,
                                                      QUESTION_A,   QUESTION_ABSENT};
    return tenths[r % TENTHS];
}

static void question_make(struct question *q, uint64_t *state, uint64_t names)
{
    static const unsigned types[] = {
        [QUESTION_TXT] = TYPE_TXT, [QUESTION_CAA] = TYPE_CAA, [QUESTION_A] = TYPE_A, [QUESTION_ABSENT] = TYPE_TXT};
    enum question_kind kind = pick_kind(random_next(state));
    uint64_t i = random_next(state) % names;
    uint64_t upper = random_next(state);
    char name[NAME_ROOM];

    bench_label(name, kind == QUESTION_ABSENT ? ABSENT_FROM + i : i);
    memcpy(name + BENCH_LABEL_LEN, "." BENCH_ZONE, sizeof "." BENCH_ZONE);
    for (size_t k = 0; name[k] != '\0'; k++)
        if (name[k] >= 'a' && name[k] <= 'z' && (upper >> k % 64 & 1) != 0)
            name[k] = (char)(name[k] - 'a' + 'A');
    q->kind = (uint8_t)kind;
    q->len = (uint8_t)put_question(q->msg, sizeof q->msg, name, types[kind], 0);
}

void questions_make(struct questions *q, size_t n, uint64_t names)
{
    uint64_t state = SEED;

    q->all = calloc(n, sizeof *q->all);
    if (q->all == NULL)
        die("no memory for %zu questions", n);
    q->n = n;
    for (size_t i = 0; i < n; i++)
        question_make(&q->all[i], &state, names);
}

void questions_free(struct questions *q)
{
    free(q->all);
    *q = (struct questions){0};
}

/* ---- answers ---- */

static unsigned get_u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

unsigned answer_rcode(const uint8_t *msg)
{
    return msg[3] & 0x0f;
}

void rcodes_print(FILE *out, const uint64_t rcodes[RCODE_COUNT])
{
    const char *comma = "";

    (void)fputs("\"rcodes\": {", out);
    for (unsigned i = 0; i < RCODE_COUNT; i++) {
        if (rcodes[i] == 0)
            continue;
        (void)fprintf(out, "%s\"%u\": %" PRIu64, comma, i, rcodes[i]);
        comma = ", ";
    }
    (void)fputc('}', out);
}

/* Behind the owner at `at`, or 0. */
static size_t skip_owner(const uint8_t *msg, size_t len, size_t at)
{
    while (at < len && msg[at] != 0 && (msg[at] & POINTER) != POINTER)
        at += (size_t)msg[at] + 1;
    if (at >= len)
        return 0;
    at += msg[at] == 0 ? 1 : 2;
    return at <= len ? at : 0;
}

/* The octet of a name at *at, pointers followed; they only go backwards, so this ends. NULL: the name is none. */
static const uint8_t *name_octet(const uint8_t *msg, size_t len, size_t *at)
{
    while (*at + 1 < len && (msg[*at] & POINTER) == POINTER) {
        size_t to = (size_t)(msg[*at] & ~POINTER) << 8 | msg[*at + 1];

        if (to >= *at)
            return NULL;
        *at = to;
    }
    return *at < len ? &msg[*at] : NULL;
}

/* Whether the name at `at` is that of the question, in whatever case: servers may give it as the zone has it. */
static int is_name_asked(const struct question *q, const uint8_t *msg, size_t len, size_t at)
{
    size_t asked = DNS_HEADER_LEN;

    while (q->msg[asked] != 0) {
        const uint8_t *label = name_octet(msg, len, &at);

        if (label == NULL || label[0] != q->msg[asked] || at + label[0] >= len ||
            strncasecmp((const char *)label + 1, (const char *)q->msg + asked + 1, label[0]) != 0)
            return 0;
        at += (size_t)label[0] + 1;
        asked += (size_t)label[0] + 1;
    }
    return 1;
}

/* Records of the answer are TXT at the name asked for, that of the authority section is the SOA. */
static const char *records_fault(const struct question *q, const uint8_t *msg, size_t len, size_t at)
{
    unsigned answers = get_u16(msg + 6);
    unsigned want = answers > 0 ? TYPE_TXT : TYPE_SOA;
    unsigned n = answers > 0 ? answers : 1;

    for (unsigned i = 0; i < n; i++) {
        size_t behind = skip_owner(msg, len, at);

        if (behind == 0 || behind + RECORD_LEN > len)
            return "a record ends behind the message";
        if (get_u16(msg + behind) != want)
            return answers > 0 ? "a record of the answer is no TXT" : "the authority section has no SOA first";
        if (answers > 0 && !is_name_asked(q, msg, len, at))
            return "a record of the answer has another owner";
        at = behind + RECORD_LEN + get_u16(msg + behind + RECORD_LEN - 2);
        if (at > len)
            return "the data of a record end behind the message";
    }
    return q->kind == QUESTION_TXT || answers == 0 ? NULL : "records where there are none";
}

const char *answer_fault(const struct question *q, const uint8_t *msg, size_t len, enum checked how)
{
    const size_t asked = (size_t)q->len - DNS_HEADER_LEN - 11; /* the OPT record takes 11 octets */
    unsigned rcode = q->kind == QUESTION_ABSENT ? RCODE_NAME : 0;
    unsigned answers = q->kind == QUESTION_TXT ? BENCH_VALUES : 0;

    if (len < DNS_HEADER_LEN + asked)
        return "it is too short";
    if ((msg[2] & FLAG_QR) == 0)
        return "QR is not set";
    if (answer_rcode(msg) != rcode)
        return "another rcode";
    if ((msg[2] & FLAG_AA) == 0)
        return "AA is not set";
    if ((msg[2] & FLAG_TC) != 0)
        return "TC is set";
    if (get_u16(msg + 6) != answers)
        return "another number of answers";
    if (answers == 0 && get_u16(msg + 8) == 0)
        return "no SOA";
    if (how == CHECK_COUNTS)
        return NULL;
    if (get_u16(msg + 4) != 1 || memcmp(msg + DNS_HEADER_LEN, q->msg + DNS_HEADER_LEN, asked) != 0)
        return "another question";
    return records_fault(q, msg, len, DNS_HEADER_LEN + asked);
}
