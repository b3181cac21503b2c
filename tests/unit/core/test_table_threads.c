/* Readers beside a writer that inserts, replaces, removes and grows. A reader must find what is never removed, with
 * an answer that is whole, and must find a change that was published before it began. */
#include "core/table.h"

#include "core/quiet.h"
#include "core/table_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <urcu-qsbr.h>

#define READERS   2
#define STEADY    300 /* names that are never removed, but replaced */
#define VALUES    8   /* records in each of their answers, all alike */
#define RUN_MS    1000
#define VALUE_LEN 12

struct race {
    struct table_slot slot;
    struct name steady[STEADY];
    _Atomic uint32_t published; /* round of the newest value of steady[0] */
    atomic_bool stop;
    atomic_ulong lookups, missing, mixed, stale;
};

/* True when all records hold one value; *round is the one it tells. */
static bool is_whole(const struct answer_set *set, uint32_t *round)
{
    char text[VALUE_LEN + 1] = {0};

    if (set->count != VALUES || set->len != VALUES * (12 + VALUE_LEN))
        return false;
    for (size_t i = 1; i < VALUES; i++)
        if (memcmp(set->records, set->records + i * (12 + VALUE_LEN), 12 + VALUE_LEN) != 0)
            return false;
    memcpy(text, set->records + 12, VALUE_LEN);
    *round = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

static void look_up(struct race *race, size_t i)
{
    uint32_t least = atomic_load(&race->published), round = 0;
    const struct table *t = table_slot_read(&race->slot);
    const struct node *n = find_name(t, &race->steady[i]);
    struct answer_set set;

    if (n == NULL || table_node_zone(t, n) == NULL || table_find_zone(t, &race->steady[i]) == NULL) {
        atomic_fetch_add(&race->missing, 1);
        return;
    }
    if (!node_find_set(t, n, RR_TXT, &set) || !is_whole(&set, &round))
        atomic_fetch_add(&race->mixed, 1);
    else if (i == 0 && round < least)
        atomic_fetch_add(&race->stale, 1);
}

static void *read_names(void *arg)
{
    struct race *race = arg;
    struct name above = name_of("ent.z.example");
    unsigned long lookups = 0;

    rcu_register_thread();
    while (!atomic_load(&race->stop)) {
        for (size_t i = 0; i < STEADY; i++)
            look_up(race, i);
        if (find_name(table_slot_read(&race->slot), &above) == NULL)
            atomic_fetch_add(&race->missing, 1);
        lookups += STEADY;
        become_quiet();
        if (lookups % (100 * STEADY) == 0) { /* as a worker that blocks */
            rcu_thread_offline();
            rcu_thread_online();
        }
    }
    atomic_fetch_add(&race->lookups, lookups);
    become_quiet();
    rcu_unregister_thread();
    return NULL;
}

static struct node *steady_node(const struct name *owner, uint32_t round)
{
    char text[16];
    struct rdata rdata = {.bytes = (const uint8_t *)text, .len = VALUE_LEN};
    struct rdata rdatas[VALUES];
    struct rrset set = {RR_TXT, 0, VALUES, rdatas};
    struct node_spec spec = {.owner = owner, .zone = 1, .sets = &set, .n_sets = 1};
    struct node *n = NULL;

    (void)snprintf(text, sizeof text, "%012u", round);
    for (size_t i = 0; i < VALUES; i++)
        rdatas[i] = rdata;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    return n;
}

static void put_steady(struct race *race, struct table_batch *b, uint32_t round)
{
    for (size_t i = 0; i < STEADY; i++)
        if (i == 0 || round == 0 || random() % 8 == 0)
            assert_int_equal(table_batch_put(b, steady_node(&race->steady[i], round)), ERR_OK);
}

/* Passing names: some rounds only add, others remove what was added, so that segments grow and fill with marks. */
static void churn(struct table_batch *b, uint32_t round)
{
    uint32_t phase = round % 64;

    for (uint32_t i = 0; i < 40; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "p%u.e%u%s.z.example", (phase < 32 ? phase : 63 - phase) * 40 + i, i % 5,
                       i % 2 == 0 ? ".ent" : "");
        if (phase < 32)
            put(b, 1, text, "v");
        else
            take(b, text);
    }
}

static bool is_over(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000 >= RUN_MS;
}

static uint32_t write_names(struct race *race, struct table *t)
{
    struct timespec start;
    uint32_t round = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    while (!is_over(&start)) {
        struct table_batch *b = new_batch(t);
        round++;
        put_steady(race, b, round);
        churn(b, round);
        put_zone(b, 1, "z.example", round);
        if (round % 16 == 0)
            put_zone(b, 2 + round / 16, "other.example", 1);
        if (round % 16 == 8 && round > 16)
            assert_int_equal(table_batch_remove_zone(b, 2 + round / 16), ERR_OK);
        table_batch_publish(b);
        atomic_store(&race->published, round);
        if (round % 5 == 0)
            table_reclaim(t);
    }
    return round;
}

static void readers_find_whole_and_current_answers_while_the_table_changes(void **state)
{
    static struct race race;
    pthread_t readers[READERS];
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);
    uint32_t rounds;

    (void)state;
    srandom(13);
    for (unsigned i = 0; i < STEADY; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "s%u%s.z.example", i, i % 4 == 1 ? ".ent" : "");
        race.steady[i] = name_of(text);
    }
    put_steady(&race, b, 0);
    put_zone(b, 1, "z.example", 1);
    table_batch_publish(b);
    assert_null(table_slot_swap(&race.slot, t));
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_names, &race), 0);
    rounds = write_names(&race, t);
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    print_message("%u rounds, %lu look-ups\n", rounds, atomic_load(&race.lookups));
    assert_int_equal(atomic_load(&race.missing), 0);
    assert_int_equal(atomic_load(&race.mixed), 0);
    assert_int_equal(atomic_load(&race.stale), 0);
    assert_true(rounds > 10 && atomic_load(&race.lookups) > 1000);
    assert_ptr_equal(table_slot_swap(&race.slot, NULL), t);
    table_free(t);
}

static void a_swapped_out_table_can_be_freed_while_readers_go_on(void **state)
{
    static struct race race;
    pthread_t readers[READERS];
    struct table *t = NULL;

    (void)state;
    for (unsigned i = 0; i < STEADY; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "s%u.ent.z.example", i);
        race.steady[i] = name_of(text);
    }
    for (uint32_t round = 0; round < 100; round++) {
        struct table_batch *b;
        t = new_table();
        b = new_batch(t);
        put_zone(b, 1, "z.example", round);
        for (size_t i = 0; i < STEADY; i++)
            assert_int_equal(table_batch_put(b, steady_node(&race.steady[i], round)), ERR_OK);
        table_batch_publish(b);
        table_free(table_slot_swap(&race.slot, t));
        atomic_store(&race.published, round);
        for (size_t i = 0; i < READERS && round == 0; i++)
            assert_int_equal(pthread_create(&readers[i], NULL, read_names, &race), 0);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&race.missing), 0);
    assert_int_equal(atomic_load(&race.mixed), 0);
    assert_int_equal(atomic_load(&race.stale), 0);
    table_free(table_slot_swap(&race.slot, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_find_whole_and_current_answers_while_the_table_changes),
        cmocka_unit_test(a_swapped_out_table_can_be_freed_while_readers_go_on),
    };

    return cmocka_run_group_tests(tests, prepare_crypto, NULL);
}
