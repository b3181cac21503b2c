/* The read road without sockets: parse, hash, find, compose, count and trace, in batches as dns/udp.c has them,
 * over names with two values each, 10,000 unless a third word says how many. It is for counting instructions, which
 * are exact where times are not (scripts/test budget does, and holds them against budget.txt):
 *
 *   valgrind --tool=callgrind --toggle-collect='answer_all*' --callgrind-out-file=FILE answer_bench mix 50000
 *
 * and divide what callgrind "Collected" by the number of queries. Kinds are those of the table below; names come in
 * mixed case, with EDNS. Without valgrind it says how long a query took. */
#include <inttypes.h>
#include <time.h>

#include "base/quantity.h"
#include "dns/world.h"

#define BENCH_ZONE      "acme.example.org"
#define BENCH_ZONE_ID   3
#define OTHER_ZONE      "acme.example.net" /* not ours */
#define BENCH_NAMES     10000
#define BENCH_BATCH     32
#define BENCH_TRACE     65536
#define BENCH_QUERY_MAX 128   /* room for one query */
#define BENCH_QUERIES   4096  /* different ones */
#define BENCH_SPREAD    65536 /* the same, when there are more names than BENCH_NAMES */
#define BENCH_MOST      100000000
#define KIND_STEPS      10

#define ALL(type)                                                                                                  \
    {                                                                                                              \
        type, type, type, type, type, type, type, type, type, type                                                 \
    }

/* What every ten queries ask for. */
struct kind {
    const char *word;
    uint16_t qtypes[KIND_STEPS];
    unsigned present; /* so many of the ten, the first ones, ask for names that exist */
    const char *zone; /* that the names are in */
    uint16_t flags;   /* of the header */
    uint32_t opt_flags;
    bool cookie; /* there is one of a client, as many resolvers send */
};

static const struct kind kinds[] = {
    {.word = "mix",
     .qtypes = {RR_TXT, RR_TXT, RR_TXT, RR_TXT, RR_TXT, RR_TXT, RR_TXT, RR_CAA, RR_A, RR_TXT},
     .present = 9,
     .zone = BENCH_ZONE},
    {.word = "txt", .qtypes = ALL(RR_TXT), .present = 10, .zone = BENCH_ZONE},
    {.word = "txt-cookie", .qtypes = ALL(RR_TXT), .present = 10, .zone = BENCH_ZONE, .cookie = true},
    {.word = "caa-nodata", .qtypes = ALL(RR_CAA), .present = 10, .zone = BENCH_ZONE},
    {.word = "a-nodata", .qtypes = ALL(RR_A), .present = 10, .zone = BENCH_ZONE},
    {.word = "nodata",
     .qtypes = {RR_CAA, RR_A, RR_CAA, RR_A, RR_CAA, RR_A, RR_CAA, RR_A, RR_CAA, RR_A},
     .present = 10,
     .zone = BENCH_ZONE},
    {.word = "any", .qtypes = ALL(RR_ANY), .present = 10, .zone = BENCH_ZONE},
    {.word = "nxdomain", .qtypes = ALL(RR_TXT), .zone = BENCH_ZONE},
    {.word = "refused", .qtypes = ALL(RR_TXT), .zone = OTHER_ZONE},
    {.word = "any-refused", .qtypes = ALL(RR_ANY), .zone = OTHER_ZONE},
    {.word = "formerr", .qtypes = ALL(RR_OPT), .zone = OTHER_ZONE},                       /* nobody asks for that */
    {.word = "notimp", .qtypes = ALL(RR_TXT), .zone = OTHER_ZONE, .flags = 0x1000},       /* opcode STATUS */
    {.word = "badvers", .qtypes = ALL(RR_TXT), .zone = OTHER_ZONE, .opt_flags = 0x10000}, /* EDNS version 1 */
};

struct place {
    _Alignas(64) uint8_t msg[DNS_UDP_READ_MAX + NAME_PAD];
    size_t len; /* of the query, then of the response */
    struct query query;
};

struct bench_query {
    uint8_t msg[BENCH_QUERY_MAX];
    size_t len;
};

struct bench {
    struct world world;
    struct place places[BENCH_BATCH];
    struct bench_query queries[BENCH_SPREAD];
    unsigned n_queries;
    unsigned n_names;
    uint64_t octets; /* of responses */
};

/* In the form of a UUID; the same on every machine, so that counts can be compared. Those from n_names on do not
 * exist. */
static const char *bench_owner(char out[WORLD_OWNER_MAX], unsigned i, const char *zone)
{
    uint32_t a = (i + 1) * 2654435761u, b = (i + 7) * 2246822519u;

    snprintf(out, WORLD_OWNER_MAX, "%08x-%04x-4%03x-a%03x-%08x%04x.%s", a, b >> 16, b & 0xfff, a & 0xfff, b,
             i & 0xffff, zone);
    return out;
}

static void bench_fill(struct world *w, unsigned names)
{
    uint8_t room[2][WORLD_VALUE_LEN + 1];
    struct rdata rdatas[2];
    const struct rrset set = {.type = RR_TXT, .n = ARRAY_LEN(rdatas), .rdatas = rdatas};
    char owner[WORLD_OWNER_MAX];

    WORLD_CHECK(table_batch_new(&w->batch, w->table) == ERR_OK);
    world_put_zone(w, BENCH_ZONE_ID, BENCH_ZONE, 0);
    for (unsigned i = 0; i < names; i++) {
        for (unsigned j = 0; j < ARRAY_LEN(rdatas); j++)
            rdatas[j] = world_value(room[j], 2 * i + j);
        world_put(w, bench_owner(owner, i, BENCH_ZONE), BENCH_ZONE_ID, NODE_CHALLENGE, &set, 1);
    }
    table_batch_publish(w->batch);
    w->batch = NULL;
}

/* Every second letter in upper case, as resolvers that look for forgeries have about half of them. */
static void mix_case(char *name)
{
    for (size_t i = 0; name[i] != '\0'; i += 2)
        if (name[i] >= 'a' && name[i] <= 'z')
            name[i] = (char)(name[i] - 'a' + 'A');
}

static void bench_ask(struct bench *b, const struct kind *kind)
{
    static const uint8_t cookie[] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}; /* RFC 7873 section 4 */

    b->n_queries = b->n_names > BENCH_NAMES ? BENCH_SPREAD : BENCH_QUERIES;
    for (unsigned i = 0; i < b->n_queries; i++) {
        unsigned step = i % KIND_STEPS, name = (unsigned)((uint64_t)i * 7919 % b->n_names);
        char owner[WORLD_OWNER_MAX];
        struct ask ask = {.name = owner,
                          .qtype = kind->qtypes[step],
                          .flags = kind->flags,
                          .edns = true,
                          .size = 1232,
                          .opt_flags = kind->opt_flags,
                          .options = cookie,
                          .options_len = kind->cookie ? sizeof cookie : 0};

        (void)bench_owner(owner, step < kind->present ? name : b->n_names + name, kind->zone);
        mix_case(owner);
        WORLD_CHECK(strlen(owner) + 48 < BENCH_QUERY_MAX);
        b->queries[i].len = ask_put(b->queries[i].msg, &ask);
    }
}

/* What is counted: the three phases of a batch. */
__attribute__((noinline)) static void answer_all(struct bench *b, unsigned n)
{
    struct answerer *a = &b->world.answerer;

    for (unsigned i = 0; i < n; i++) {
        struct place *p = &b->places[i];

        query_parse(&p->query, p->msg, p->len, QUERY_UDP);
        if (p->query.verdict == QUERY_LOOKUP) {
            p->query.hash = table_hash(a->table, &p->query.name);
            p->query.slot = table_prefetch(a->table, p->query.hash);
        }
    }
    for (unsigned i = 0; i < n; i++)
        if (b->places[i].query.slot != NULL)
            table_prefetch_node(b->places[i].query.slot);
    for (unsigned i = 0; i < n; i++) {
        struct place *p = &b->places[i];
        const struct answer_peer peer = {.from = (const struct sockaddr *)(const void *)&b->world.client,
                                         .transport = QUERY_UDP};

        p->len = answer_compose(a, &p->query, &peer, p->msg, DNS_UDP_READ_MAX);
    }
}

static void bench_run(struct bench *b, size_t queries)
{
    for (size_t done = 0; done < queries;) {
        unsigned n = queries - done < BENCH_BATCH ? (unsigned)(queries - done) : BENCH_BATCH;

        for (unsigned i = 0; i < n; i++) {
            const struct bench_query *q = &b->queries[(done + i) % b->n_queries];

            memcpy(b->places[i].msg, q->msg, q->len);
            b->places[i].len = q->len;
        }
        answer_all(b, n);
        for (unsigned i = 0; i < n; i++)
            b->octets += b->places[i].len;
        done += n;
    }
}

static double seconds(void)
{
    struct timespec t;

    WORLD_CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bench_say(const struct bench *b, const struct kind *kind, size_t queries, double took_s)
{
    const uint64_t *rcodes = b->world.counters.by_rcode[QUERY_UDP];

    uint64_t answered = 0;

    printf("%s queries=%zu", kind->word, queries);
    for (unsigned i = 0; i < COUNT_RCODES; i++) {
        answered += rcodes[i];
        if (rcodes[i] > 0)
            printf(" rcode%u=%" PRIu64, i, rcodes[i]);
    }
    printf(" octets=%" PRIu64 " ns=%.0f\n", b->octets, took_s * 1e9 / (double)queries);
    WORLD_CHECK(answered == queries);
}

static const struct kind *find_kind(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    return NULL;
}

/* A number from 1 to BENCH_MOST; 0: it is none. */
static uint64_t number_of(const char *text)
{
    uint64_t n = 0;

    return quantity_parse_uint(&n, text, strlen(text), BENCH_MOST) == ERR_OK ? n : 0;
}

int main(int argc, char **argv)
{
    const struct kind *kind = argc >= 3 ? find_kind(argv[1]) : NULL;
    uint64_t queries = argc >= 3 ? number_of(argv[2]) : 0, names = argc >= 4 ? number_of(argv[3]) : BENCH_NAMES;
    struct trace *trace = NULL;
    struct bench *b = NULL;
    double began_s;

    if (kind == NULL || queries == 0 || names == 0) {
        fprintf(stderr, "usage: answer_bench KIND QUERIES [NAMES]; KIND is one of");
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            fprintf(stderr, " %s", kinds[i].word);
        fputc('\n', stderr);
        return 2;
    }
    b = aligned_alloc(_Alignof(struct bench), sizeof *b);
    WORLD_CHECK(b != NULL);
    memset(b, 0, sizeof *b);
    b->n_names = (unsigned)names;
    world_open(&b->world);
    bench_fill(&b->world, b->n_names);
    bench_ask(b, kind);
    WORLD_CHECK(trace_new(&trace, BENCH_TRACE, 1, &world_key) == ERR_OK);
    b->world.answerer.trace = trace_ring(trace, 0);
    began_s = seconds();
    bench_run(b, queries);
    bench_say(b, kind, queries, seconds() - began_s);
    trace_free(trace);
    world_close(&b->world);
    free(b);
    return 0;
}
