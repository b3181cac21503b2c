/* What a registration costs in memory: the state (account, name, credential with its secret, two values) and the
 * table that DNS answers from, in octets that malloc() has given out and in resident memory.
 *
 *   state_bench [registrations]
 *
 * Each registration has an account of its own, as with registration: anyone. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/uuid.h"
#include "core/state.h"
#include "core/table.h"
#include "core/value_set.h"

#define BENCH_ZONE   "auth.example.org"
#define BENCH_COUNT  1000000
#define BENCH_TIME_S 1750000000
#define BENCH_VALUES 2
#define LABEL_OCTETS 36 /* a UUID, as acme-dns has it */

static void must(enum err e)
{
    if (e == ERR_OK)
        return;
    (void)fprintf(stderr, "state_bench: %s\n", err_text(e));
    exit(1);
}

static struct name name_of(const char *text)
{
    struct name n;

    must(name_parse(&n, text, strlen(text)));
    return n;
}

static size_t resident_octets(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL || fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    if (f != NULL)
        (void)fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

struct mark {
    size_t given, resident;
    int64_t us;
};

static struct mark look(void)
{
    struct mallinfo2 m = mallinfo2();

    return (struct mark){
        .given = m.uordblks + m.hblkhd, .resident = resident_octets(), .us = clock_mono_us(&clock_system)};
}

static void tell(const char *what, struct mark before, uint32_t n)
{
    struct mark now = look();

    printf("%-32s %8.1f %8.1f %8.2f\n", what, ((double)now.given - (double)before.given) / n,
           ((double)now.resident - (double)before.resident) / n, (double)(now.us - before.us) / 1e6);
}

static void fold(struct state *s, const struct effect *f)
{
    must(state_fold(s, 1, f));
}

static void make_zone(struct state *s)
{
    struct effect_zone zone = {.id = 1};

    zone.spec.apex = name_of(BENCH_ZONE);
    zone.spec.soa.mname = name_of("ns1." BENCH_ZONE);
    zone.spec.soa.rname = name_of("hostmaster." BENCH_ZONE);
    fold(s, &(struct effect){.kind = EFFECT_ZONE_SET, .u.zone = &zone});
}

static void make_account(struct state *s, uint32_t id)
{
    char text[ACCOUNT_NAME_MAX];

    (void)snprintf(text, sizeof text, "reg-%08" PRIx32, id);
    fold(s, &(struct effect){
                .kind = EFFECT_ACCOUNT_MADE,
                .u.account = {.id = id, .name = text, .note = "", .created_s = BENCH_TIME_S, .unclaimed = true}});
}

static void make_name(struct state *s, uint32_t id)
{
    char text[NAME_TEXT_MAX];
    struct effect_name row = {.id = id, .account = id, .zone = 1, .created_s = BENCH_TIME_S};

    (void)snprintf(text, sizeof text, "%0*" PRIx32 "." BENCH_ZONE, LABEL_OCTETS, id);
    row.owner = name_of(text);
    fold(s, &(struct effect){.kind = EFFECT_NAME_MADE, .u.name = &row});
}

static void make_credential(struct state *s, uint32_t id)
{
    uint8_t hash[SHA256_LEN];
    struct effect_credential row = {
        .id = id,
        .account = id,
        .label = "",
        .allowfrom = "",
        .actions = ACTION_ADD | ACTION_REMOVE | ACTION_READ,
        .kinds = VALUE_KIND_CHALLENGE,
        .created_s = BENCH_TIME_S,
        .n_names = 1,
        .names = &id,
    };
    struct effect secret = {.kind = EFFECT_SECRET_ADDED,
                            .u.secret = {.id = id,
                                         .credential = id,
                                         .kind = SECRET_SHA256,
                                         .len = sizeof hash,
                                         .data = hash,
                                         .starts_s = BENCH_TIME_S}};

    must(crypto_random(hash, sizeof hash));
    must(crypto_random(row.uuid.b, sizeof row.uuid.b));
    fold(s, &(struct effect){.kind = EFFECT_CREDENTIAL_MADE, .u.credential = &row});
    fold(s, &secret);
    state_forget_rows(s);
}

static void add_value(struct state *s, uint32_t id, uint32_t slot)
{
    char text[VALUE_CHALLENGE_LEN + 1];
    uint8_t rdata[VALUE_CHALLENGE_LEN + 2];
    struct effect f = {.kind = EFFECT_CLAIM_ADDED,
                       .u.claim = {.name = id,
                                   .credential = id,
                                   .slot = slot,
                                   .order = (uint64_t)id << CLAIM_ORDER_SHIFT | slot,
                                   .added_s = BENCH_TIME_S,
                                   .expires_s = BENCH_TIME_S + 3600 + id,
                                   .network = {.family = ADDR_V4}}};

    (void)snprintf(text, sizeof text, "%043" PRIu32, id * BENCH_VALUES + slot);
    f.u.claim.rdata.len = (uint16_t)value_encode_text(rdata, text, VALUE_CHALLENGE_LEN);
    f.u.claim.rdata.bytes = rdata;
    fold(s, &f);
}

static void publish(struct state *s)
{
    struct table_batch *b;

    must(table_batch_new(&b, state_table(s)));
    must(state_stage(s, b));
    table_batch_publish(b);
    table_reclaim(state_table(s));
}

static void measure(uint32_t n)
{
    struct state *s;
    struct mark begin = look();
    struct mark before;

    must(state_new(&s, NULL));
    make_zone(s);
    printf("%-32s %8s %8s %8s\n", "octets for each of them", "malloc", "resident", "seconds");
    before = look();
    for (uint32_t id = 1; id <= n; id++)
        make_account(s, id);
    tell("an account", before, n);
    before = look();
    for (uint32_t id = 1; id <= n; id++)
        make_name(s, id);
    tell("a name", before, n);
    before = look();
    must(state_fill(s));
    (void)malloc_trim(0);
    tell("its place in the table", before, n);
    state_set_position(s, 1, BENCH_TIME_S);
    before = look();
    for (uint32_t id = 1; id <= n; id++)
        make_credential(s, id);
    tell("a credential with a secret", before, n);
    before = look();
    for (uint32_t slot = 0; slot < BENCH_VALUES; slot++)
        for (uint32_t id = 1; id <= n; id++)
            add_value(s, id, slot);
    tell("two values", before, n);
    before = look();
    publish(s);
    tell("the same in the table", before, n);
    tell("all", begin, n);
    state_free(s);
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : BENCH_COUNT;

    if (n == 0 || n > BENCH_COUNT * 10) {
        (void)fprintf(stderr, "usage: state_bench [registrations]\n");
        return 2;
    }
    must(crypto_init());
    measure((uint32_t)n);
    return 0;
}
