/* The rows that wait to be folded: each once, in the order of their first changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "db/sqlite_waiting.h"

/* Entries with one change of a name's claims each, at positions from 1 on. */
static void note_claim(struct waiting *w, uint32_t name, uint64_t seq)
{
    struct effect f = {.kind = EFFECT_CLAIM_EXPIRED, .u.claim.name = name};
    const struct entry e = {.effects = &f, .n_effects = 1};
    const struct entry *list = &e;

    assert_int_equal(waiting_reserve(w, &list, 1), ERR_OK);
    waiting_note(w, &e, seq);
}

static void a_row_waits_once_and_with_its_first_change(void **state)
{
    struct waiting w = {0};

    (void)state;
    note_claim(&w, 7, 1);
    note_claim(&w, 8, 2);
    note_claim(&w, 7, 3);
    assert_int_equal(w.n, 2);
    assert_int_equal(waiting_at(&w, 0)->id, 7);
    assert_int_equal(waiting_at(&w, 0)->seq, 1);
    assert_int_equal(waiting_at(&w, 1)->seq, 2);
    assert_int_equal(waiting_changes(&w), 3);
    waiting_drop(&w, 1);
    assert_int_equal(waiting_changes(&w), 2); /* from position 2 on */
    note_claim(&w, 7, 4);
    assert_int_equal(w.n, 2);
    assert_int_equal(waiting_at(&w, 1)->seq, 4);
    waiting_drop(&w, 2);
    assert_int_equal(waiting_changes(&w), 0);
    waiting_fini(&w);
}

static void sorts_have_ids_of_their_own(void **state)
{
    struct effect effects[] = {
        {.kind = EFFECT_ZONE_SERIAL, .u.serial = {.zone = 1, .serial = 5}},
        {.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = 1, .serial = 6}},
        {.kind = EFFECT_CLAIM_RENEWED, .u.claim.name = 1},
        {.kind = EFFECT_CLAIM_REMOVED, .u.claim.name = 1},
        {.kind = EFFECT_GRANT_MADE, .u.grant.name = 1}, /* which does not wait */
    };
    const struct entry e = {.effects = effects, .n_effects = 5};
    const struct entry *list = &e;
    struct waiting w = {0};

    (void)state;
    assert_int_equal(waiting_reserve(&w, &list, 1), ERR_OK);
    waiting_note(&w, &e, 9);
    assert_int_equal(w.n, 3);
    assert_int_equal(waiting_at(&w, 0)->sort, WAITING_ZONE_SERIAL);
    assert_int_equal(waiting_at(&w, 1)->sort, WAITING_ALIAS_SERIAL);
    assert_int_equal(waiting_at(&w, 2)->sort, WAITING_CLAIMS);
    assert_int_equal(waiting_changes(&w), 2); /* of claims */
    assert_int_equal(waiting_sort_of(&effects[4]), WAITING_SORTS);
    waiting_fini(&w);
}

static void an_entry_of_which_nothing_waits_counts(void **state)
{
    struct effect f = {.kind = EFFECT_GRANT_MADE, .u.grant.name = 1};
    const struct entry e = {.effects = &f, .n_effects = 1};
    const struct entry *list = &e;
    struct waiting w = {0};

    (void)state;
    assert_int_equal(waiting_reserve(&w, &list, 1), ERR_OK);
    waiting_note(&w, &e, 1);
    assert_int_equal(w.n, 0);
    assert_int_equal(waiting_changes(&w), 1);
    waiting_drop(&w, 0);
    assert_int_equal(waiting_changes(&w), 0);
    waiting_fini(&w);
}

static void a_batch_gets_its_room_at_once(void **state)
{
    struct effect effects[300];
    struct entry entries[300];
    const struct entry *list[300];
    struct waiting w = {0};

    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        effects[i] = (struct effect){.kind = EFFECT_CLAIM_ADDED, .u.claim.name = 10 * i};
        entries[i] = (struct entry){.effects = &effects[i], .n_effects = 1};
        list[i] = &entries[i];
    }
    assert_int_equal(waiting_reserve(&w, list, 300), ERR_OK);
    for (uint32_t i = 0; i < 300; i++)
        waiting_note(&w, &entries[i], 1 + i);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(waiting_at(&w, i)->id, 10 * i);
    waiting_fini(&w);
}

/* Rows come and go around the ring, which grows in between. */
static void the_order_holds_around_the_ring(void **state)
{
    struct waiting w = {0};
    uint32_t first = 1, next = 1;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 3 + round / 20; i++, next++)
            note_claim(&w, next, next);
        for (size_t i = 0; i < w.n; i++)
            assert_int_equal(waiting_at(&w, i)->id, first + i);
        waiting_drop(&w, 3);
        first += 3;
        assert_int_equal(waiting_changes(&w), next - first);
    }
    assert_true(w.n > 500);
    waiting_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_waits_once_and_with_its_first_change),
        cmocka_unit_test(sorts_have_ids_of_their_own),
        cmocka_unit_test(an_entry_of_which_nothing_waits_counts),
        cmocka_unit_test(a_batch_gets_its_room_at_once),
        cmocka_unit_test(the_order_holds_around_the_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
