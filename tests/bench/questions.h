/* tests/bench/questions.h -- the questions that are asked of every server, and whether an answer is right.
 *
 * The names are those that tests/bench/fill.py puts into a store or a zone: number i is a label in the form of a
 * UUID below BENCH_ZONE, made from i alone. Of the questions 70 % are TXT, 10 % CAA and 10 % A at names that exist,
 * and 10 % TXT at names that do not; upper and lower case are mixed; EDNS announces 1232 octets. Read-only once
 * made. */
#ifndef BENCH_QUESTIONS_H
#define BENCH_QUESTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_ZONE      "acme.example.org"
#define BENCH_LABEL_LEN 36
#define BENCH_VALUES    2  /* at each name */
#define BENCH_VALUE_LEN 43 /* base64url of a SHA-256, RFC 8555 section 8.4 */
#define QUESTION_ROOM   94
#define QUESTION_EDNS   1232
#define DNS_ID_LEN      2
#define DNS_HEADER_LEN  12
#define RCODE_COUNT     16
#define NAMES_MOST      100000000 /* that can be asked for, and questions about them */
#define QUESTIONS_MOST  10000000

enum question_kind { QUESTION_TXT, QUESTION_CAA, QUESTION_A, QUESTION_ABSENT };

struct question {
    uint8_t kind; /* enum question_kind */
    uint8_t len;
    uint8_t msg[QUESTION_ROOM]; /* the id is 0 */
};

struct questions {
    struct question *all;
    size_t n;
};

/* The label of name i, NUL-terminated. */
void bench_label(char out[BENCH_LABEL_LEN + 1], uint64_t i);
/* A value that no other number gives: base64url, NUL-terminated. */
void bench_value(char out[BENCH_VALUE_LEN + 1], uint64_t i);
/* One question for TXT of a name in presentation format without final dot, with an id and EDNS; returns its length.
 * die()s when the name is none. */
size_t question_put(uint8_t *out, size_t cap, const char *name, uint16_t id);

/* n questions about the first `names` names, the same each time. Gives q; die()s without memory. */
void questions_make(struct questions *q, size_t n, uint64_t names);
void questions_free(struct questions *q);

enum checked { CHECK_COUNTS, CHECK_ALL };

/* What is wrong with the answer to a question, NULL: nothing. Counts: it is an answer, with AA and the rcode and
 * number of records that belong to the kind. All: also the question byte for byte and the records' types. The id is
 * the caller's business. */
const char *answer_fault(const struct question *q, const uint8_t *msg, size_t len, enum checked how);
unsigned answer_rcode(const uint8_t *msg); /* of at least DNS_HEADER_LEN octets */
/* As a member of a JSON object, without a comma at the end: those that there were. */
void rcodes_print(FILE *out, const uint64_t rcodes[RCODE_COUNT]);

#endif
