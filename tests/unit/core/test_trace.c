#include "core/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/crypto.h"

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
    assert_int_equal(trace_new(&t, 0, 2), ERR_OK);
    assert_null(trace_ring(t, 0));
    assert_null(trace_ring(t, 1));
    add(NULL, 1, 1);
    assert_int_equal(trace_read(t, 0, 0, &out, 1), 0);
    trace_free(t);
    trace_free(NULL);
}

static void what_is_added_comes_back_whole(void **state)
{
    struct trace_record in = {.stamp = 77,
                              .time_us = INT64_C(1700000000000000),
                              .name_hash = 5,
                              .client = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                              .serial = 4000000000u,
                              .port = 65535,
                              .qtype = 257,
                              .edns_size = 1232,
                              .count = 64,
                              .rcode = 3,
                              .flags = TRACE_TCP | TRACE_DO,
                              .listener = 9};
    struct trace_record out[2];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 4, 1), ERR_OK);
    assert_int_equal(trace_read(t, 0, INT64_MIN, out, 2), 0);
    trace_add(trace_ring(t, 0), &in);
    assert_int_equal(trace_read(t, 0, INT64_MIN, out, 2), 1);
    in.stamp = out[0].stamp;
    assert_int_equal(in.stamp % 2, 0);
    assert_memory_equal(&out[0], &in, sizeof in);
    trace_free(t);
}

static void records_of_all_rings_are_chosen_by_name_and_time_oldest_first(void **state)
{
    struct trace_record out[16];
    struct trace *t = NULL;

    (void)state;
    assert_int_equal(trace_new(&t, 12, 3), ERR_OK);
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
    assert_int_equal(trace_new(&t, 64, 2), ERR_OK);
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
    assert_int_equal(trace_new(&t, 5, 2), ERR_OK); /* three each */
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
    assert_int_equal(trace_new(&t, 8, 1), ERR_OK);
    for (uint64_t i = 0; i < 11; i++)
        add(trace_ring(t, 0), 100 + i, 5);
    assert_int_equal(trace_read(t, 0, 0, out, 8), 8);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(out[i].name_hash, 103 + i);
    trace_free(t);
}

static void a_name_has_one_hash_in_all_rings_and_another_in_another_run(void **state)
{
    struct name a, b;
    struct trace *t = NULL, *other = NULL;

    (void)state;
    assert_int_equal(name_parse(&a, "a.example.org", 13), ERR_OK);
    assert_int_equal(name_parse(&b, "b.example.org", 13), ERR_OK);
    assert_int_equal(trace_new(&t, 8, 2), ERR_OK);
    assert_int_equal(trace_new(&other, 8, 2), ERR_OK);
    assert_true(trace_name_hash(t, &a) != 0);
    assert_true(trace_name_hash(t, &a) == trace_ring_name_hash(trace_ring(t, 1), &a));
    assert_true(trace_name_hash(t, &a) != trace_name_hash(t, &b));
    assert_true(trace_name_hash(t, &a) != trace_name_hash(other, &a));
    trace_free(t);
    trace_free(other);
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
    assert_int_equal(trace_new(&race.t, 4, 1), ERR_OK);
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

static int prepare(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
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
        cmocka_unit_test(a_name_has_one_hash_in_all_rings_and_another_in_another_run),
        cmocka_unit_test(a_reader_never_sees_half_a_record),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
