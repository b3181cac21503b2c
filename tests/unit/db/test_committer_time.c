/* The age of positions in the journal, by marks of the monotonic clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "db/committer_internal.h"
#include "db/scenario.h"

#define GRACE_S 3600
#define MINUTE  ((int64_t)60 * MS_PER_S)
#define HOUR    ((int64_t)3600 * MS_PER_S)

/* The newest position that counts as old; 0: none. */
static uint64_t old_seq(struct ages *a, int64_t mono_ms, int64_t grace_s)
{
    uint64_t before = ages_old_before(a, mono_ms, grace_s);

    assert_int_equal(before & ((1u << CLAIM_ORDER_SHIFT) - 1), 0);
    return before == 0 ? 0 : (before >> CLAIM_ORDER_SHIFT) - 1;
}

static void a_position_is_old_a_grace_after_it_was_reached(void **state)
{
    struct ages a = {0};

    (void)state;
    ages_note(&a, 0, 5);
    assert_int_equal(old_seq(&a, 1, GRACE_S), 0);
    ages_note(&a, 10 * MINUTE, 9);
    assert_int_equal(old_seq(&a, 20 * MINUTE, GRACE_S), 0);
    assert_int_equal(old_seq(&a, HOUR - 1, GRACE_S), 0);
    assert_int_equal(old_seq(&a, HOUR, GRACE_S), 5);
    assert_int_equal(old_seq(&a, HOUR + 10 * MINUTE - 1, GRACE_S), 5);
    assert_int_equal(old_seq(&a, HOUR + 10 * MINUTE, GRACE_S), 9);
}

static void after_a_long_silence_the_last_position_is_old(void **state)
{
    struct ages a = {0};

    (void)state;
    ages_note(&a, 0, 5);
    assert_int_equal(old_seq(&a, 1, GRACE_S), 0);
    ages_note(&a, MS_PER_S, 6); /* within the minute of the mark before */
    assert_int_equal(old_seq(&a, 2 * MS_PER_S, GRACE_S), 0);
    ages_note(&a, 2 * MS_PER_S, 7);
    assert_int_equal(old_seq(&a, 5 * HOUR, GRACE_S), 7);
}

static void a_steady_stream_is_never_old_too_early_and_at_most_two_minutes_late(void **state)
{
    struct ages a = {0};

    (void)state;
    for (int64_t s = 1; s <= 4 * 3600; s++) { /* position s at second s */
        uint64_t old = old_seq(&a, s * MS_PER_S, GRACE_S);
        if (s > GRACE_S + 120) {
            assert_true((int64_t)old <= s - GRACE_S);
            assert_true((int64_t)old >= s - GRACE_S - 120);
        } else {
            assert_true((int64_t)old <= (s > GRACE_S ? s - GRACE_S : 0));
        }
        ages_note(&a, s * MS_PER_S, (uint64_t)s);
        assert_true(a.n < MARKS_MAX);
    }
}

static void a_long_grace_needs_no_more_marks(void **state)
{
    struct ages a = {0};
    const int64_t week_s = 7 * 86400;

    (void)state;
    for (int64_t m = 1; m <= 3 * 7 * 1440; m++) { /* position m at minute m, three weeks */
        (void)old_seq(&a, m * MINUTE, week_s);
        ages_note(&a, m * MINUTE, (uint64_t)m);
        assert_true(a.n < MARKS_MAX);
    }
    assert_true(old_seq(&a, (int64_t)21 * 86400 * MS_PER_S, week_s) > 13 * 1440);
}

static void a_change_of_the_grace_counts_at_once(void **state)
{
    struct ages a = {0};

    (void)state;
    ages_note(&a, 0, 5);
    (void)old_seq(&a, MINUTE, GRACE_S);
    ages_note(&a, 10 * MINUTE, 9);
    assert_int_equal(old_seq(&a, 30 * MINUTE, GRACE_S), 0);
    assert_int_equal(old_seq(&a, 30 * MINUTE, 600), 9);
    assert_int_equal(old_seq(&a, 30 * MINUTE, 0), 9);
}

static void a_start_learns_the_ages_from_the_claims(void **state)
{
    struct ages a;
    struct state *s = NULL;
    struct instant now = {.mono_ms = 50 * MS_PER_S}; /* the machine was just started */

    (void)state;
    assert_int_equal(state_new(&s, NULL), ERR_OK);
    for (uint64_t seq = 1; seq <= 6; seq++) { /* claims at position 6, second 60 */
        struct entry e;
        scenario_entry(&e, seq);
        fold_entry(s, &e);
        entry_fini(&e);
    }
    now.real_s = TIME_0 + 60 + GRACE_S - 200;
    ages_seed(&a, s, now, GRACE_S);
    assert_int_equal(old_seq(&a, now.mono_ms, GRACE_S), 0);
    assert_int_equal(old_seq(&a, now.mono_ms + 400 * MS_PER_S, GRACE_S), 6);
    now.real_s = TIME_0 + 60 + GRACE_S + 200;
    ages_seed(&a, s, now, GRACE_S);
    assert_int_equal(old_seq(&a, now.mono_ms, GRACE_S), 6);
    now.real_s = TIME_0 - 100000; /* a clock that has gone back makes nothing old */
    ages_seed(&a, s, now, GRACE_S);
    assert_int_equal(old_seq(&a, now.mono_ms, GRACE_S), 0);
    state_free(s);
}

static void a_batch_waits_for_those_who_were_answered_as_long_as_a_sync_outweighs_the_work(void **state)
{
    static const struct {
        size_t n;
        int64_t batch_us, sync_us, wait_us;
    } rows[] = {
        {1, 5300, 5000, 0}, /* a lone change waits for nobody */
        {0, 5300, 5000, 0}, /* nor does what the server does by itself */
        {2, 5100, 5000, 4700},     {64, 6000, 5000, 2000}, {8, 700, 600, 300},
        {64, 700, 300, 0},         /* a quick disk: while some are committed, others are answered and come back */
        {64, 8000, 6000, 0},       /* as much work as a slow one takes */
        {64, 0, 2000, 2000},       /* a clock that stands still */
        {64, 90000, 80000, 20000}, /* a disk that hangs: not for long */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(gather_us(rows[i].n, rows[i].batch_us, rows[i].sync_us), rows[i].wait_us);
}

static void folding_waits_for_quiet_unless_too_much_has_gathered(void **state)
{
    (void)state;
    assert_int_equal(fold_due_ms(0, 1000), NEVER_MS);
    assert_int_equal(fold_due_ms(511, 1000), NEVER_MS);
    assert_in_range(fold_due_ms(512, 1000), 1010, 1200);
    assert_in_range(fold_due_ms(100000, 1000), 1010, 1200);
    assert_int_equal(fold_due_ms(200000, 1000), 1000); /* after each batch */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_old_a_grace_after_it_was_reached),
        cmocka_unit_test(after_a_long_silence_the_last_position_is_old),
        cmocka_unit_test(a_steady_stream_is_never_old_too_early_and_at_most_two_minutes_late),
        cmocka_unit_test(a_long_grace_needs_no_more_marks),
        cmocka_unit_test(a_change_of_the_grace_counts_at_once),
        cmocka_unit_test(a_start_learns_the_ages_from_the_claims),
        cmocka_unit_test(folding_waits_for_quiet_unless_too_much_has_gathered),
        cmocka_unit_test(a_batch_waits_for_those_who_were_answered_as_long_as_a_sync_outweighs_the_work),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
