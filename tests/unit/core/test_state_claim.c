#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scarce_memory.h"
#include "core/rows.h"
#include "core/state.h"
#include "core/table.h"
#include "core/value_set.h"

#define OK(expression) assert_int_equal(expression, ERR_OK)

/* ---- claims ---- */

#define VALUES 70

/* Fold a claim of value number i, whose octets stay. */
static enum err fold_numbered(struct state *s, enum effect_kind kind, uint32_t name, uint32_t i, uint64_t order)
{
    static uint8_t rdatas[VALUES + 1][8];
    char text[8];
    struct effect f = {.kind = kind, .u.claim = claim_row(name, 1, i, order)};

    (void)snprintf(text, sizeof text, "v%02u", (unsigned)i);
    f.u.claim.expires_s = 1000 + (int64_t)order;
    f.u.claim.rdata.len = (uint16_t)value_encode_text(rdatas[i], text, strlen(text));
    f.u.claim.rdata.bytes = rdatas[i];
    return state_fold(s, order, &f);
}

/* Names 1 and 2, the first with the values 0 to n - 1, as after loading. */
static struct state *state_with(uint32_t n)
{
    struct state *s = small_state();

    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "b.auth.example.org")));
    for (uint32_t i = 0; i < n; i++)
        OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, i, 1 + i));
    OK(state_fill(s));
    state_set_position(s, n, 100);
    OK(fold_serial(s, 1, 1000));
    return s;
}

static void publish(struct state *s)
{
    struct table_batch *b;

    OK(table_batch_new(&b, state_table(s)));
    OK(state_stage(s, b));
    table_batch_publish(b);
    table_reclaim(state_table(s));
}

/* The name has the values from first to last, oldest first, in its row and when they are decoded. */
static void assert_values(struct state *s, uint32_t name, uint32_t first, uint32_t last)
{
    const struct value_set *vs;

    (void)name_values(s, state_name(s, 3 - name)); /* so that they are */
    vs = name_values(s, state_name(s, name));
    assert_int_equal(name_n_values(state_name(s, name)), last + 1 - first);
    assert_int_equal(vs->n, last + 1 - first);
    assert_int_equal(vs->n_claims, vs->n);
    for (uint32_t i = 0; i < vs->n; i++) {
        char text[8], got[8];

        (void)snprintf(text, sizeof text, "v%02u", (unsigned)(first + i));
        assert_int_equal(value_decode_text(got, vs->values[i].rdata, vs->values[i].rdlen), strlen(text));
        assert_memory_equal(got, text, strlen(text));
        assert_int_equal(vs->values[i].claims[0].slot, first + i);
        assert_int_equal(vs->values[i].claims[0].order, 1 + first + i);
    }
}

static void assert_counted(const struct state *s, uint64_t values)
{
    assert_int_equal(state_counts(s).values, values);
    assert_int_equal(state_counts(s).claims, values);
    assert_int_equal(state_counts(s).pinned, 0);
}

static void what_is_collected_is_seen_in_the_values_and_makes_one_row_at_the_end(void **state)
{
    struct state *s = state_with(64);
    struct name_entry *before = state_name(s, 1);

    (void)state;
    OK(state_begin_claims(s, 1));
    assert_true(state_collects(s, 1));
    OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 64, 65));
    assert_int_equal(name_values(s, state_name(s, 1))->n, 65);
    OK(fold_numbered(s, EFFECT_CLAIM_EVICTED, 1, 0, 65));
    assert_int_equal(name_values(s, state_name(s, 1))->n, 64);
    assert_int_equal(name_values(s, state_name(s, 2))->n, 0); /* looking elsewhere does no harm */
    assert_int_equal(name_values(s, state_name(s, 1))->n, 64);
    assert_ptr_equal(state_name(s, 1), before);
    assert_false(state_zone_needs_serial(s, 1));
    OK(state_end_claims(s));
    assert_false(state_collects(s, 1));
    assert_ptr_not_equal(state_name(s, 1), before);
    assert_true(state_zone_needs_serial(s, 1));
    assert_values(s, 1, 1, 64);
    assert_counted(s, 64);
    assert_int_equal(state_next_expiry(s), 1002); /* the first one is gone */
    assert_int_equal(name_values(s, before)->n, 64);
    publish(s);
    assert_values(s, 1, 1, 64);
    state_free(s);
}

/* Nobody looks at another name in between, so that its values are never decoded. */
static void one_change_after_the_other_adds_up(void **state)
{
    struct state *s = state_with(2);

    (void)state;
    for (uint32_t i = 2; i < VALUES; i++) {
        OK(state_begin_claims(s, 1));
        OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, i, 1 + i));
        if (i >= 20)
            OK(fold_numbered(s, EFFECT_CLAIM_EVICTED, 1, i - 20, 1 + i));
        OK(state_end_claims(s));
        if (i % 7 == 0)
            publish(s);
    }
    assert_values(s, 1, VALUES - 20, VALUES - 1);
    assert_counted(s, 20);
    state_free(s);
}

static void what_dns_shows_is_another_when_any_effect_made_it_so(void **state)
{
    static const enum effect_kind kinds[] = {EFFECT_CLAIM_ADDED, EFFECT_CLAIM_RENEWED};

    (void)state;
    for (size_t i = 0; i < 2; i++) { /* the renewal alone does not */
        struct state *s = state_with(3);

        OK(state_begin_claims(s, 1));
        if (kinds[i] == EFFECT_CLAIM_ADDED)
            OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 3, 4));
        OK(fold_numbered(s, EFFECT_CLAIM_RENEWED, 1, 2, 5));
        OK(state_end_claims(s));
        assert_int_equal(state_zone_needs_serial(s, 1), kinds[i] == EFFECT_CLAIM_ADDED);
        state_free(s);
    }
}

static void nothing_collected_is_no_new_row(void **state)
{
    struct state *s = state_with(2);
    struct name_entry *before = state_name(s, 1);

    (void)state;
    OK(state_end_claims(s)); /* without a beginning */
    OK(state_begin_claims(s, 1));
    OK(state_begin_claims(s, 1));
    OK(state_end_claims(s));
    assert_ptr_equal(state_name(s, 1), before);
    assert_int_equal(state_begin_claims(s, 3), ERR_CORRUPT);
    assert_false(state_collects(s, 3));
    state_free(s);
}

static void another_name_or_another_effect_is_the_end(void **state)
{
    struct state *s = state_with(2);

    (void)state;
    OK(state_begin_claims(s, 1));
    OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 2, 3));
    OK(state_begin_claims(s, 2));
    assert_values(s, 1, 0, 2);
    OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 2, 0, 1));
    OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 3, 4)); /* alone */
    assert_false(state_collects(s, 2));
    assert_values(s, 2, 0, 0);
    assert_values(s, 1, 0, 3);
    OK(state_begin_claims(s, 1));
    OK(fold_numbered(s, EFFECT_CLAIM_REMOVED, 1, 0, 6));
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "other")));
    assert_false(state_collects(s, 1));
    assert_values(s, 1, 1, 3);
    assert_counted(s, 4);
    state_free(s);
}

static void an_effect_that_does_not_fit_leaves_the_name_as_it_was(void **state)
{
    static const struct {
        enum effect_kind kind;
        uint32_t slot;
    } rows[] = {
        {EFFECT_CLAIM_ADDED, 1},   /* the slot is taken */
        {EFFECT_CLAIM_RENEWED, 9}, /* it is not there */
        {EFFECT_CLAIM_EVICTED, 9},
        {EFFECT_CLAIM_EVICTED, 0}, /* it has just gone */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct state *s = state_with(3);
        struct name_entry *before = state_name(s, 1);

        OK(state_begin_claims(s, 1));
        OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 3, 4));
        OK(fold_numbered(s, EFFECT_CLAIM_EVICTED, 1, 0, 5));
        assert_int_equal(fold_numbered(s, rows[i].kind, 1, rows[i].slot, 6), ERR_CORRUPT);
        assert_false(state_collects(s, 1));
        OK(state_end_claims(s));
        assert_ptr_equal(state_name(s, 1), before);
        assert_values(s, 1, 0, 2);
        assert_counted(s, 3);
        assert_false(state_zone_needs_serial(s, 1));
        OK(fold_numbered(s, EFFECT_CLAIM_ADDED, 1, 3, 4)); /* and it goes on */
        assert_values(s, 1, 0, 3);
        state_free(s);
    }
}

static void what_is_dropped_has_not_been(void **state)
{
    struct state *s = state_with(3);

    (void)state;
    OK(state_begin_claims(s, 1));
    OK(fold_numbered(s, EFFECT_CLAIM_REMOVED, 1, 1, 4));
    state_drop_claims(s);
    state_drop_claims(s);
    assert_values(s, 1, 0, 2);
    assert_counted(s, 3);
    publish(s);
    assert_values(s, 1, 0, 2);
    state_free(s);
}

/* Add VALUES of them at once, while each allocation fails in turn. */
static void without_memory_the_name_is_as_it_was(void **state)
{
    enum err e = ERR_MEMORY;

    (void)state;
    for (size_t n = 0; e != ERR_OK; n++) {
        struct state *s = state_with(2);
        struct name_entry *before = state_name(s, 1);

        assert_in_range(n, 0, 100);
        scarce_memory((long)n);
        e = state_begin_claims(s, 1);
        for (uint32_t i = 2; e == ERR_OK && i < VALUES; i++)
            e = fold_numbered(s, EFFECT_CLAIM_ADDED, 1, i, 1 + i);
        if (e == ERR_OK)
            e = state_end_claims(s);
        (void)scarce_end();
        if (e != ERR_OK) {
            assert_int_equal(e, ERR_MEMORY);
            assert_false(state_collects(s, 1));
            assert_ptr_equal(state_name(s, 1), before);
        }
        assert_values(s, 1, 0, e == ERR_OK ? VALUES - 1 : 1);
        assert_counted(s, e == ERR_OK ? VALUES : 2);
        state_free(s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_collected_is_seen_in_the_values_and_makes_one_row_at_the_end),
        cmocka_unit_test(one_change_after_the_other_adds_up),
        cmocka_unit_test(what_dns_shows_is_another_when_any_effect_made_it_so),
        cmocka_unit_test(nothing_collected_is_no_new_row),
        cmocka_unit_test(another_name_or_another_effect_is_the_end),
        cmocka_unit_test(an_effect_that_does_not_fit_leaves_the_name_as_it_was),
        cmocka_unit_test(what_is_dropped_has_not_been),
        cmocka_unit_test(without_memory_the_name_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
