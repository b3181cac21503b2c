#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/state_internal.h"

#define MANY 30000u

static uint64_t hash_of(uint32_t id)
{
    uint64_t h = id;

    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
}

static bool index_has(const struct index *x, uint64_t hash, uint32_t id)
{
    struct index_walk w = index_walk(x, hash);

    for (uint32_t found = index_next(&w); found != 0; found = index_next(&w))
        if (found == id)
            return true;
    return false;
}

static void pairs_are_found_as_the_index_grows_and_after_others_went(void **state)
{
    struct index x = {0};

    (void)state;
    assert_false(index_has(&x, 1, 1));
    index_remove(&x, 1, 1);
    for (uint32_t id = 1; id <= MANY; id++) {
        assert_int_equal(index_put(&x, hash_of(id), id), ERR_OK);
        assert_int_equal(index_put(&x, hash_of(id), id), ERR_OK); /* nothing happens */
    }
    for (uint32_t id = 1; id <= MANY; id += 3)
        index_remove(&x, hash_of(id), id);
    for (uint32_t id = 1; id <= MANY; id++)
        assert_int_equal(index_has(&x, hash_of(id), id), id % 3 != 1);
    index_fini(&x);
}

/* Also at the end of a segment, where probing goes on at its beginning. */
static void ids_of_one_hash_are_all_found(void **state)
{
    static const uint64_t hashes[] = {0, UINT64_MAX, UINT64_C(0x12345678ffffffff)};

    (void)state;
    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        struct index x = {0};

        for (uint32_t id = 1; id <= 100; id++)
            assert_int_equal(index_put(&x, hashes[h], id), ERR_OK);
        for (uint32_t id = 2; id <= 100; id += 2)
            index_remove(&x, hashes[h], id);
        for (uint32_t id = 1; id <= 100; id++)
            assert_int_equal(index_has(&x, hashes[h], id), id % 2);
        index_fini(&x);
    }
}

static size_t slots_of(const struct index *x)
{
    size_t slots = 0;

    for (size_t i = 0; i < INDEX_SEGMENTS; i++)
        slots += x->segments[i].cap;
    return slots;
}

static void an_index_is_never_half_empty(void **state)
{
    struct index x = {0};

    (void)state;
    for (uint32_t id = 1; id <= MANY; id++)
        assert_int_equal(index_put(&x, hash_of(id), id), ERR_OK);
    assert_in_range(slots_of(&x), MANY * 5 / 4, MANY * 3 / 2);
    index_fini(&x);
}

static void room_that_was_reserved_is_enough_and_not_much_more(void **state)
{
    struct index x = {0};
    size_t slots;

    (void)state;
    for (uint32_t id = 1; id <= 10; id++)
        assert_int_equal(index_put(&x, hash_of(id), id), ERR_OK);
    assert_int_equal(index_reserve(&x, MANY), ERR_OK);
    slots = slots_of(&x);
    assert_in_range(slots, MANY * 5 / 4, MANY * 3 / 2);
    assert_int_equal(index_reserve(&x, 100), ERR_OK); /* there is more already */
    for (uint32_t id = 1; id <= MANY; id++)
        assert_int_equal(index_put(&x, hash_of(id), id), ERR_OK);
    assert_in_range(slots_of(&x), slots, slots + slots / 16); /* hardly any segment has grown */
    for (uint32_t id = 1; id <= MANY; id++)
        assert_true(index_has(&x, hash_of(id), id));
    index_fini(&x);
}

static void references_are_kept_by_id(void **state)
{
    struct refs a = {0};

    (void)state;
    assert_int_equal(refs_get(&a, 0), 0);
    assert_int_equal(refs_get(&a, 1), 0);
    for (uint32_t id = 1; id <= MANY; id++)
        assert_int_equal(refs_append(&a, id * 7), ERR_OK);
    refs_set(&a, 5000, 3);
    for (uint32_t id = 1; id <= MANY; id++)
        assert_int_equal(refs_get(&a, id), id == 5000 ? 3 : id * 7);
    assert_int_equal(refs_get(&a, MANY + 1), 0);
    assert_int_equal(a.last, MANY);
    refs_fini(&a);
}

static void marked_ones_are_found_in_their_order(void **state)
{
    static const uint32_t marked[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 12288, 12289, MANY};
    struct refs a = {0};
    uint32_t id = 0;

    (void)state;
    assert_int_equal(refs_next_marked(&a, 0), 0);
    for (uint32_t i = 1; i <= MANY; i++)
        assert_int_equal(refs_append(&a, i), ERR_OK);
    assert_int_equal(refs_next_marked(&a, 0), 0);
    for (size_t i = sizeof marked / sizeof marked[0]; i-- > 0;) {
        refs_mark(&a, marked[i]);
        refs_mark(&a, marked[i]); /* twice is once */
    }
    for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++) {
        assert_true(refs_is_marked(&a, marked[i]));
        id = refs_next_marked(&a, id);
        assert_int_equal(id, marked[i]);
    }
    assert_int_equal(refs_next_marked(&a, id), 0);
    assert_false(refs_is_marked(&a, 3));
    for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++) {
        refs_unmark(&a, marked[i]);
        refs_unmark(&a, marked[i]);
    }
    assert_int_equal(refs_next_marked(&a, 0), 0);
    refs_fini(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_found_as_the_index_grows_and_after_others_went),
        cmocka_unit_test(ids_of_one_hash_are_all_found),
        cmocka_unit_test(an_index_is_never_half_empty),
        cmocka_unit_test(room_that_was_reserved_is_enough_and_not_much_more),
        cmocka_unit_test(references_are_kept_by_id),
        cmocka_unit_test(marked_ones_are_found_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
