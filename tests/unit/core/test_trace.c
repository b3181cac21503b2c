#include "core/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/table.h"
#include "core/trace_ring.h"

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static struct trace_record record(uint64_t hash, int64_t time_us)
{
    return (struct trace_record){.time_us = time_us, .name_hash = hash, .qtype = 16, .count = 2};
}

static void add(struct trace_ring *r, uint64_t hash, int64_t time_us)
{
    struct trace_record rec = record(hash, time_us);

    trace_add(r, &rec);
}

static void without_records_it_is_off_and_takes_everything(void **state)
{
    struct trace *t = NULL;
    struct trace_record out;

    (void)state;
    assert_int_equal(trace_new(&t, 0, 2, &key), ERR_OK);
    assert_null(trace_ring(t, 0));
    assert_null(trace_ring(t, 1));
    add(NULL, 1, 1);
    assert_int_equal(trace_read(t, 0, 0, &out, 1), 0);
    trace_free(t);
    trace_free(NULL);
}

static void assert_same(const struct trace_record *a, const struct trace_record *b)
{
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->name_hash, b->name_hash);
    assert_memory_equal(a->client, b->client, sizeof a->client);
    assert_int_equal(a->serial, b->serial);
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->qtype, b->qtype);
    assert_int_equal(a->edns_size, b->edns_size);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->rcode, b->rcode);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->listener, b->listener);
}

static void what_is_added_comes_back_whole(void **state)
{
    static const struct trace_record in[] = {
        {.time_us = INT64_C(1700000000000000),
         .name_hash = 5,
         .client = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
         .serial = 4000000000u,
         .port = 65535,
         .qtype = 257,
         .edns_size = 1232,
         .count = 64,
         .rcode = 3,
         .flags = TRACE_TCP | TRACE_DO,
         .listener = 9},
        {.time_us = INT64_C(1700000000000001), .name_hash = UINT64_MAX},
        {.time_us = INT64_C(1700000000000002), .serial = UINT32_MAX, .qtype = UINT16_MAX},
        {.time_us = INT64_C(1700000000000003), .port = UINT16_MAX, .count = UINT16_MAX, .flags = UINT8_MAX},
        {.time_us = INT64_C(1700000000000004), .edns_size = UINT16_MAX, .rcode = UINT8_MAX, .listener = UINT8_MAX},
        {.time_us = INT64_MAX, .client = {[0] = 0xff, [7] = 0xff, [15] = 0xff}},
    };
    struct trace_record out[ARRAY_LEN(in) + 1];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, ARRAY_LEN(in), 1, &key), ERR_OK);
    assert_int_equal(trace_read(t, 0, INT64_MIN, out, ARRAY_LEN(out)), 0);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        trace_add(trace_ring(t, 0), &in[i]);
    assert_int_equal(trace_read(t, 0, INT64_MIN, out, ARRAY_LEN(out)), ARRAY_LEN(in));
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        assert_same(&out[i], &in[i]);
    trace_free(t);
}

static void records_of_all_rings_are_chosen_by_name_and_time_oldest_first(void **state)
{
    struct trace_record out[16];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 12, 3, &key), ERR_OK);
    for (int64_t i = 0; i < 12; i++)
        add(trace_ring(t, (size_t)(i % 3)), i % 2 == 0 ? 10 : 11, 100 + i);
    assert_int_equal(trace_read(t, 0, 0, out, 16), 12);
    for (int64_t i = 0; i < 12; i++)
        assert_int_equal(out[i].time_us, 100 + i);
    assert_int_equal(trace_read(t, 10, 104, out, 16), 4);
    for (int64_t i = 0; i < 4; i++)
        assert_int_equal(out[i].time_us, 104 + 2 * i);
    assert_int_equal(trace_read(t, 12, 0, out, 16), 0);
    assert_int_equal(trace_read(t, 0, 112, out, 16), 0);
    assert_int_equal(trace_read(t, 0, 0, out, 0), 0);
    trace_free(t);
}

static void with_too_little_room_the_newest_are_given(void **state)
{
    struct trace_record out[5];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 64, 2, &key), ERR_OK);
    for (int64_t i = 0; i < 64; i++)
        add(trace_ring(t, (size_t)(i / 32)), 1, (i * 37) % 64); /* in no order */
    for (size_t cap = 1; cap <= 5; cap++) {
        assert_int_equal(trace_read(t, 1, 0, out, cap), cap);
        for (size_t i = 0; i < cap; i++)
            assert_int_equal(out[i].time_us, 64 - cap + i);
    }
    trace_free(t);
}

static void a_full_ring_forgets_its_oldest(void **state)
{
    struct trace_record out[16];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 5, 2, &key), ERR_OK); /* three each */
    for (int64_t i = 0; i < 10; i++)
        add(trace_ring(t, 0), 1, i);
    assert_int_equal(trace_read(t, 0, 0, out, 16), 3);
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(out[i].time_us, 7 + i);
    trace_free(t);
}

static void records_of_one_moment_keep_their_order(void **state)
{
    struct trace_record out[8];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 8, 1, &key), ERR_OK);
    for (uint64_t i = 0; i < 11; i++)
        add(trace_ring(t, 0), 100 + i, 5);
    assert_int_equal(trace_read(t, 0, 0, out, 8), 8);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(out[i].name_hash, 103 + i);
    trace_free(t);
}

static void a_name_has_the_hash_that_a_table_with_the_same_key_gives_it(void **state)
{
    const struct siphash_key other_key = {1, 2};
    struct table *table = NULL;
    struct name a, b;
    struct trace *t = NULL, *other = NULL;

    (void)state;
    assert_int_equal(name_parse(&a, "a.example.org", 13), ERR_OK);
    assert_int_equal(name_parse(&b, "b.example.org", 13), ERR_OK);
    assert_int_equal(trace_new(&t, 8, 2, &key), ERR_OK);
    assert_int_equal(trace_new(&other, 8, 2, &other_key), ERR_OK);
    assert_int_equal(table_new(&table, &key), ERR_OK);
    assert_true(trace_name_hash(t, &a) == trace_hash(table_hash(table, &a)));
    assert_true(trace_name_hash(t, &a) != trace_name_hash(t, &b));
    assert_true(trace_name_hash(t, &a) != trace_name_hash(other, &a));
    table_free(table);
    trace_free(t);
    trace_free(other);
}

static void no_name_has_the_hash_that_stands_for_all(void **state)
{
    (void)state;
    assert_true(trace_hash(0) != 0);
    assert_true(trace_hash(7) == 7);
}

struct race {
    struct trace *t;
    atomic_bool stop;
};

/* Records whose parts all say the same, so that a mixed one shows. */
static void *write_records(void *arg)
{
    struct race *race = arg;

    for (uint64_t i = 1; !atomic_load(&race->stop); i++) {
        struct trace_record rec = record(i, (int64_t)i);
        rec.serial = (uint32_t)i;
        memcpy(rec.client, &i, sizeof i);
        trace_add(trace_ring(race->t, 0), &rec);
    }
    return NULL;
}

static void a_reader_never_sees_half_a_record(void **state)
{
    struct trace_record out[4];
    struct race race = {0};
    pthread_t writer;
    unsigned long seen = 0, mixed = 0;

    (void)state;
    assert_int_equal(trace_new(&race.t, 4, 1, &key), ERR_OK);
    assert_int_equal(pthread_create(&writer, NULL, write_records, &race), 0);
    for (unsigned long i = 0; i < 200000 || seen < 1000; i++) {
        size_t n = trace_read(race.t, 0, 0, out, 4);
        for (size_t j = 0; j < n; j++) {
            uint64_t client;
            memcpy(&client, out[j].client, sizeof client);
            mixed += out[j].name_hash != client || out[j].name_hash != (uint64_t)out[j].time_us ||
                     out[j].serial != (uint32_t)client;
        }
        seen += n;
    }
    atomic_store(&race.stop, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(mixed, 0);
    trace_free(race.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_records_it_is_off_and_takes_everything),
        cmocka_unit_test(what_is_added_comes_back_whole),
        cmocka_unit_test(records_of_all_rings_are_chosen_by_name_and_time_oldest_first),
        cmocka_unit_test(with_too_little_room_the_newest_are_given),
        cmocka_unit_test(a_full_ring_forgets_its_oldest),
        cmocka_unit_test(records_of_one_moment_keep_their_order),
        cmocka_unit_test(a_name_has_the_hash_that_a_table_with_the_same_key_gives_it),
        cmocka_unit_test(no_name_has_the_hash_that_stands_for_all),
        cmocka_unit_test(a_reader_never_sees_half_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
