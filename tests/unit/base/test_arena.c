#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* An allocation that cannot succeed is to give NULL instead of ending the test. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return __asan_default_options();
}

static void everything_given_is_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 7, 8, 16, 17, 1000, 3999, 4000, 4001, 100000, 1, 3};
    struct arena a;
    unsigned char *given[200];

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        size_t size = sizes[i % ARRAY_LEN(sizes)];
        given[i] = arena_alloc(&a, size);
        assert_non_null(given[i]);
        assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
        for (size_t b = 0; b < size; b++)
            assert_int_equal(given[i][b], 0);
        memset(given[i], (int)(i + 1), size);
    }
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        for (size_t b = 0; b < sizes[i % ARRAY_LEN(sizes)]; b++)
            assert_int_equal(given[i][b], i + 1);
    arena_fini(&a);
}

static void what_was_lent_is_used_first_and_zeroed(void **state)
{
    alignas(max_align_t) unsigned char lent[64];
    struct arena a;
    unsigned char *given;

    (void)state;
    memset(lent, 0xff, sizeof lent);
    arena_init_with(&a, 1000, lent, sizeof lent);
    given = arena_alloc(&a, 40);
    assert_ptr_equal(given, lent);
    for (size_t b = 0; b < 40; b++)
        assert_int_equal(given[b], 0);
    given = arena_alloc(&a, 100); /* more than is left of it */
    assert_non_null(given);
    assert_true(given < lent || given >= lent + sizeof lent);
    assert_int_equal(given[0] | given[99], 0);
    assert_null(arena_alloc(&a, 1000 - 140 + 1));
    assert_int_equal(a.total, 140);
    arena_fini(&a);
    given = arena_alloc(&a, 1); /* as after arena_init */
    assert_true(given < lent || given >= lent + sizeof lent);
    arena_fini(&a);
}

static void the_ceiling_can_be_reached_but_not_passed(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 10);
    assert_null(arena_alloc(&a, 11));
    assert_non_null(arena_alloc(&a, 6));
    assert_null(arena_alloc(&a, 5));
    assert_non_null(arena_alloc(&a, 4));
    assert_int_equal(a.total, 10);
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, 0));
    arena_fini(&a);
    assert_int_equal(a.total, 0);
    assert_non_null(arena_alloc(&a, 10)); /* as after arena_init */
    arena_fini(&a);
}

static void sizes_that_no_memory_has_give_null(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 64, SIZE_MAX / 2};
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_null(arena_alloc(&a, sizes[i]));
    assert_null(arena_copy(&a, "", SIZE_MAX));
    assert_int_equal(a.total, 0);
    assert_non_null(arena_alloc(&a, 1));
    arena_fini(&a);
}

static void copies_end_in_a_nul(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 100);
    assert_string_equal(arena_copy(&a, "abcdef", 3), "abc");
    assert_memory_equal(arena_copy(&a, "a\0b", 3), "a\0b", 4);
    assert_string_equal(arena_copy(&a, NULL, 0), "");
    assert_null(arena_copy(&a, "", 100));
    arena_fini(&a);
}

static void nothing_gives_pointers_of_its_own(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 100);
    assert_ptr_not_equal(arena_alloc(&a, 0), arena_alloc(&a, 0));
    arena_fini(&a);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_given_is_zeroed_aligned_and_apart),
        cmocka_unit_test(what_was_lent_is_used_first_and_zeroed),
        cmocka_unit_test(the_ceiling_can_be_reached_but_not_passed),
        cmocka_unit_test(sizes_that_no_memory_has_give_null),
        cmocka_unit_test(copies_end_in_a_nul),
        cmocka_unit_test(nothing_gives_pointers_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
