#include "base/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct rate one_a_second = {1, 1};

/* How many tokens are there at this moment. */
static unsigned take_all(struct bucket *b, struct rate rate, uint32_t burst, int64_t mono_ms)
{
    unsigned n = 0;

    while (bucket_take(b, rate, burst, mono_ms, NULL))
        n++;
    return n;
}

static void a_bucket_starts_full_and_fills_again_to_its_burst(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, 5, 1000);
    assert_int_equal(take_all(&b, one_a_second, 5, 1000), 5);
    assert_int_equal(take_all(&b, one_a_second, 5, 1999), 0);
    assert_int_equal(take_all(&b, one_a_second, 5, 2000), 1);
    assert_int_equal(take_all(&b, one_a_second, 5, 5000), 3);
    assert_int_equal(take_all(&b, one_a_second, 5, 1000000), 5);
}

static void a_refusal_says_when_there_is_a_token(void **state)
{
    static const struct {
        struct rate rate;
        int64_t after_ms;
        uint32_t retry_s;
    } rows[] = {
        {{1, 1}, 0, 1},      {{1, 1}, 999, 1},     {{10, 1}, 0, 1}, {{1, 60}, 0, 60},     {{1, 60}, 1000, 59},
        {{1, 60}, 1001, 59}, {{1, 3600}, 0, 3600}, {{7, 60}, 0, 9}, {{10, 3600}, 0, 360}, {{1, 3600}, 3599999, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bucket b;
        uint32_t retry_s = 4711;
        bucket_init(&b, 1, 0);
        assert_true(bucket_take(&b, rows[i].rate, 1, 0, &retry_s));
        assert_int_equal(retry_s, 4711); /* untouched */
        assert_false(bucket_take(&b, rows[i].rate, 1, rows[i].after_ms, &retry_s));
        assert_int_equal(retry_s, rows[i].retry_s);
        assert_true(bucket_take(&b, rows[i].rate, 1, rows[i].after_ms + (int64_t)retry_s * 1000, &retry_s));
    }
}

static void the_rate_is_exact_however_often_one_asks(void **state)
{
    static const struct rate rates[] = {{1, 1}, {7, 60}, {59, 60}, {119, 60}, {1, 3600}, {3599, 3600}, {100, 1}};
    static const int64_t steps_ms[] = {1, 2, 7, 9, 10};
    const int64_t hours_ms = 2 * 3600 * 1000;

    (void)state;
    for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
        for (size_t s = 0; s < ARRAY_LEN(steps_ms); s++) {
            struct bucket b;
            int64_t taken = 0;
            int64_t expected = hours_ms / 1000 * rates[r].amount / rates[r].per_s;
            bucket_init(&b, 1, 0);
            assert_true(bucket_take(&b, rates[r], 1, 0, NULL));
            for (int64_t now_ms = steps_ms[s]; now_ms <= hours_ms; now_ms += steps_ms[s])
                taken += bucket_take(&b, rates[r], 1, now_ms, NULL);
            assert_true(taken <= expected);
            /* a burst of one loses what comes while it is full: at most one step a token */
            assert_true(taken * (hours_ms + expected * steps_ms[s]) >= (expected - 1) * hours_ms);
        }
    }
}

static void a_rate_of_zero_never_refuses(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, 1, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(bucket_take(&b, (struct rate){0, 1}, 1, 0, NULL));
    assert_true(bucket_take(&b, (struct rate){0, 0}, 0, 0, NULL));
}

static void a_burst_of_zero_is_one(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, 0, 0);
    assert_int_equal(take_all(&b, one_a_second, 0, 0), 1);
    assert_int_equal(take_all(&b, one_a_second, 0, 5000), 1);
}

static void changed_limits_count_from_the_next_token(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, 100, 0);
    assert_int_equal(take_all(&b, one_a_second, 3, 0), 3); /* a smaller burst */
    assert_false(bucket_take(&b, (struct rate){1, 3600}, 3, 999, NULL));
    assert_int_equal(take_all(&b, one_a_second, 10, 10999), 10); /* a larger one, and another interval */
}

static void extremes_do_not_overflow(void **state)
{
    const struct rate fastest = {UINT32_MAX, 1};
    const struct rate slowest = {1, 3600};
    struct bucket b;
    uint32_t retry_s;

    (void)state;
    bucket_init(&b, UINT32_MAX, 0);
    assert_true(bucket_take(&b, fastest, UINT32_MAX, INT64_MAX, NULL));
    assert_true(b.level_milli == (int64_t)(UINT32_MAX - 1) * 1000);
    assert_true(bucket_take(&b, slowest, UINT32_MAX, INT64_MAX, NULL));
    bucket_init(&b, 1, INT64_MIN);
    assert_true(bucket_take(&b, slowest, 1, INT64_MAX, NULL));
    assert_false(bucket_take(&b, slowest, 1, INT64_MAX, &retry_s));
    assert_false(bucket_take(&b, slowest, 1, 0, NULL)); /* a clock that goes back gives nothing */
    assert_int_equal(retry_s, 3600);
}

static struct addr prefix(uint8_t n)
{
    return (struct addr){ADDR_V4, {192, 0, 2, n}};
}

static bool take_of(struct bucket_table *t, uint8_t n, int64_t mono_ms)
{
    struct addr p = prefix(n);

    return bucket_table_take(t, &p, one_a_second, 1, mono_ms, NULL);
}

static void a_table_keeps_a_bucket_for_each_prefix(void **state)
{
    struct bucket_table *t = NULL;
    struct addr v6 = {ADDR_V6, {192, 0, 2, 1}}; /* the same bytes, another family */
    uint32_t retry_s = 0;

    (void)state;
    assert_int_equal(bucket_table_new(&t, 100), ERR_OK);
    for (uint8_t n = 0; n < 99; n++)
        assert_true(take_of(t, n, 0));
    for (uint8_t n = 0; n < 99; n++)
        assert_false(take_of(t, n, 0));
    assert_true(bucket_table_take(t, &v6, one_a_second, 1, 0, &retry_s));
    assert_false(bucket_table_take(t, &v6, one_a_second, 1, 0, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_false(take_of(t, 1, 999));
    assert_true(take_of(t, 1, 1000));
    bucket_table_free(t);
}

static void a_full_table_gives_up_what_was_used_longest_ago(void **state)
{
    struct bucket_table *t = NULL;

    (void)state;
    assert_int_equal(bucket_table_new(&t, 3), ERR_OK);
    assert_true(take_of(t, 1, 0));
    assert_true(take_of(t, 2, 0));
    assert_true(take_of(t, 3, 0));
    assert_false(take_of(t, 1, 0)); /* a refusal is a use too */
    assert_true(take_of(t, 4, 0));  /* 2 goes */
    assert_false(take_of(t, 1, 0));
    assert_false(take_of(t, 3, 0));
    assert_false(take_of(t, 4, 0));
    assert_true(take_of(t, 2, 0)); /* back with a new bucket; 1 goes */
    assert_false(take_of(t, 3, 0));
    assert_false(take_of(t, 4, 0));
    assert_true(take_of(t, 1, 0));
    bucket_table_free(t);
}

static void a_table_of_one_works_and_one_of_none_is_refused(void **state)
{
    struct bucket_table *t = NULL;

    (void)state;
    assert_int_equal(bucket_table_new(&t, 0), ERR_RANGE);
    assert_int_equal(bucket_table_new(&t, SIZE_MAX), ERR_RANGE);
    assert_null(t);
    assert_int_equal(bucket_table_new(&t, 1), ERR_OK);
    assert_true(take_of(t, 1, 0));
    assert_false(take_of(t, 1, 0));
    assert_true(take_of(t, 2, 0));
    assert_true(take_of(t, 1, 0));
    bucket_table_free(t);
    bucket_table_free(NULL);
}

/* Against a plain array with the same rule. */
static void a_small_table_follows_a_simple_model(void **state)
{
    enum { CAP = 7 };
    struct {
        uint8_t n;
        int64_t taken_ms, used;
    } model[CAP] = {0};
    struct bucket_table *t = NULL;
    size_t held = 0;
    uint32_t random = 1;

    (void)state;
    assert_int_equal(bucket_table_new(&t, CAP), ERR_OK);
    for (int64_t now_ms = 0; now_ms < 50000; now_ms += 10) {
        random = random * 1664525 + 1013904223;
        uint8_t n = (uint8_t)(random >> 24) % 12;
        size_t i = 0;
        size_t oldest = 0;
        bool pass;
        for (i = 0; i < held && model[i].n != n; i++)
            if (model[i].used < model[oldest].used)
                oldest = i;
        pass = i == held || now_ms - model[i].taken_ms >= 1000;
        if (i == held && held == CAP)
            i = oldest;
        else if (i == held)
            held++;
        model[i].n = n;
        model[i].used = now_ms;
        if (pass)
            model[i].taken_ms = now_ms;
        assert_int_equal(take_of(t, n, now_ms), pass);
    }
    bucket_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_starts_full_and_fills_again_to_its_burst),
        cmocka_unit_test(a_refusal_says_when_there_is_a_token),
        cmocka_unit_test(the_rate_is_exact_however_often_one_asks),
        cmocka_unit_test(a_rate_of_zero_never_refuses),
        cmocka_unit_test(a_burst_of_zero_is_one),
        cmocka_unit_test(changed_limits_count_from_the_next_token),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(a_table_keeps_a_bucket_for_each_prefix),
        cmocka_unit_test(a_full_table_gives_up_what_was_used_longest_ago),
        cmocka_unit_test(a_table_of_one_works_and_one_of_none_is_refused),
        cmocka_unit_test(a_small_table_follows_a_simple_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
