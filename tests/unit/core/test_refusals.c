#include "core/refusals.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static struct refusals *new_ring(void)
{
    struct refusals *rs;

    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(refusals_new(&rs), ERR_OK);
    return rs;
}

static struct refusal_record record_at(int64_t time_us)
{
    struct refusal_record r = {.time_us = time_us, .door = DOOR_ACMEDNS, .reason = REFUSAL_NETWORK};

    (void)snprintf(r.who, sizeof r.who, "web%lld", (long long)time_us);
    (void)snprintf(r.detail, sizeof r.detail, "detail of %lld", (long long)time_us);
    return r;
}

static void records_are_read_newest_first_and_not_older_than_asked(void **state)
{
    struct refusals *rs = new_ring();
    struct refusal_record out[10];

    (void)state;
    assert_int_equal(refusals_read(rs, 0, out, 10), 0);
    for (int64_t i = 1; i <= 5; i++) {
        struct refusal_record r = record_at(i);
        refusals_add(rs, &r);
    }
    assert_int_equal(refusals_read(rs, 0, out, 10), 5);
    assert_string_equal(out[0].who, "web5");
    assert_string_equal(out[4].detail, "detail of 1");
    assert_int_equal(refusals_read(rs, 4, out, 10), 2);
    assert_int_equal(out[1].time_us, 4);
    assert_int_equal(refusals_read(rs, 0, out, 3), 3);
    assert_int_equal(out[2].time_us, 3);
    assert_int_equal(refusals_read(rs, 6, out, 10), 0);
    refusals_free(rs);
}

static void the_last_4096_are_kept(void **state)
{
    struct refusals *rs = new_ring();
    struct refusal_record *out = calloc(REFUSALS_MAX + 1, sizeof *out);

    (void)state;
    for (int64_t i = 1; i <= REFUSALS_MAX + 100; i++) {
        struct refusal_record r = record_at(i);
        refusals_add(rs, &r);
    }
    assert_int_equal(refusals_read(rs, 0, out, REFUSALS_MAX + 1), REFUSALS_MAX);
    assert_int_equal(out[0].time_us, REFUSALS_MAX + 100);
    assert_int_equal(out[REFUSALS_MAX - 1].time_us, 101);
    free(out);
    refusals_free(rs);
}

static void what_is_not_printable_is_replaced_and_everything_is_terminated(void **state)
{
    struct refusals *rs = new_ring();
    struct refusal_record r = record_at(1), out;

    (void)state;
    memcpy(r.name, "a\x1b[31m\xc3\xbc\n", sizeof "a\x1b[31m\xc3\xbc\n");
    memset(r.detail, 'd', sizeof r.detail); /* no NUL */
    memset(r.request_id, 'r', sizeof r.request_id);
    refusals_add(rs, &r);
    assert_int_equal(refusals_read(rs, 0, &out, 1), 1);
    assert_string_equal(out.name, "a?[31m???");
    assert_int_equal(strlen(out.detail), sizeof out.detail - 1);
    assert_int_equal(strlen(out.request_id), REQUEST_ID_LEN);
    refusals_free(rs);
}

static void each_is_counted_by_reason_and_door(void **state)
{
    struct refusals *rs = new_ring();
    struct metrics_source source = refusals_metrics(rs);
    struct refusal_record r = record_at(1);
    struct text text;

    (void)state;
    refusals_add(rs, &r);
    refusals_add(rs, &r);
    r.door = DOOR_V1;
    r.reason = REFUSAL_RATE;
    refusals_add(rs, &r);
    text_init(&text, 65536);
    source.collect(source.self, &text);
    assert_non_null(strstr(text.bytes, "# TYPE riposte_refusals_total counter\n"));
    assert_non_null(strstr(text.bytes, "riposte_refusals_total{reason=\"network\",door=\"acme-dns\"} 2\n"));
    assert_non_null(strstr(text.bytes, "riposte_refusals_total{reason=\"rate\",door=\"v1\"} 1\n"));
    text_fini(&text);
    refusals_free(rs);
}

/* ---- several threads ---- */

#define WRITERS 4
#define ROUNDS  5000

struct hammering {
    struct refusals *rs;
    atomic_int writing;
};

static void *write_records(void *arg)
{
    struct hammering *h = arg;

    for (int64_t i = 1; i <= ROUNDS; i++) {
        struct refusal_record r = record_at(i);
        refusals_add(h->rs, &r);
    }
    atomic_fetch_sub(&h->writing, 1);
    return NULL;
}

/* True when all parts of a record are of one time. */
static bool is_whole(const struct refusal_record *r)
{
    struct refusal_record same = record_at(r->time_us);

    return r->time_us >= 1 && r->time_us <= ROUNDS && strcmp(r->who, same.who) == 0 &&
           strcmp(r->detail, same.detail) == 0 && r->reason == same.reason;
}

static void readers_never_see_half_a_record(void **state)
{
    struct hammering h = {.rs = new_ring(), .writing = WRITERS};
    struct refusal_record *out = calloc(REFUSALS_MAX, sizeof *out);
    pthread_t threads[WRITERS];
    size_t broken = 0, n = 0;

    (void)state;
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_records, &h), 0);
    do {
        n = refusals_read(h.rs, 0, out, REFUSALS_MAX);
        for (size_t i = 0; i < n; i++)
            broken += is_whole(&out[i]) ? 0u : 1u;
    } while (atomic_load(&h.writing) > 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(broken, 0);
    n = refusals_read(h.rs, 0, out, REFUSALS_MAX);
    assert_true(n > REFUSALS_MAX - 100); /* but for writers that were overtaken by a whole round */
    free(out);
    refusals_free(h.rs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_newest_first_and_not_older_than_asked),
        cmocka_unit_test(the_last_4096_are_kept),
        cmocka_unit_test(what_is_not_printable_is_replaced_and_everything_is_terminated),
        cmocka_unit_test(each_is_counted_by_reason_and_door),
        cmocka_unit_test(readers_never_see_half_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
