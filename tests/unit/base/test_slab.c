#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

#define MANY 3000u

static struct slab *new_slab(void)
{
    struct slab *s = NULL;

    assert_int_equal(slab_new(&s), ERR_OK);
    assert_int_equal(slab_octets(s), 0);
    return s;
}

struct held {
    uint8_t *at;
    size_t size;
    uint8_t mark;
};

static size_t some_size(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    switch (*seed >> 60) {
    case 0:
        return 1 + (*seed >> 40) % (1u << 19);
    case 1:
        return 1 + (*seed >> 40) % 5000;
    default:
        return 1 + (*seed >> 40) % 300;
    }
}

static void check_and_give(struct slab *s, struct held *h)
{
    for (size_t i = 0; i < h->size; i++)
        if (h->at[i] != h->mark)
            fail_msg("octet %zu of a block of %zu was written by another", i, h->size);
    slab_give(s, h->at, h->size);
    h->at = NULL;
}

static void blocks_are_aligned_and_never_overlap(void **state)
{
    struct slab *s = new_slab();
    struct held *held = calloc(MANY, sizeof *held);
    uint64_t seed = 7;

    (void)state;
    assert_non_null(held);
    for (unsigned step = 0; step < 10 * MANY; step++) {
        struct held *h = &held[(seed >> 33) % MANY];

        if (h->at != NULL)
            check_and_give(s, h);
        h->size = some_size(&seed);
        h->mark = (uint8_t)step;
        h->at = slab_take(s, h->size);
        assert_non_null(h->at);
        assert_int_equal((uintptr_t)h->at % 8, 0);
        memset(h->at, h->mark, h->size);
    }
    for (unsigned i = 0; i < MANY; i++)
        if (held[i].at != NULL)
            check_and_give(s, &held[i]);
    assert_int_equal(slab_octets(s), 0);
    slab_free(s);
    free(held);
}

static void a_reference_names_its_block_and_is_never_0(void **state)
{
    struct slab *s = new_slab();
    void *blocks[MANY];
    uint32_t refs[MANY];
    uint64_t seed = 3;

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        blocks[i] = slab_take(s, some_size(&seed) % 2000 + 1);
        assert_non_null(blocks[i]);
        refs[i] = slab_ref(blocks[i]);
        assert_int_not_equal(refs[i], 0);
    }
    for (unsigned i = 0; i < MANY; i++)
        assert_ptr_equal(slab_at(s, refs[i]), blocks[i]);
    slab_free(s);
}

static void small_blocks_take_no_more_than_the_next_multiple_of_8(void **state)
{
    static const struct {
        size_t size, takes;
    } rows[] = {{1, 8}, {8, 8}, {9, 16}, {61, 64}, {64, 64}, {65, 72}, {1017, 1024}, {1024, 1024}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slab *s = new_slab();
        const uint8_t *a = slab_take(s, rows[i].size);
        const uint8_t *b = slab_take(s, rows[i].size);

        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(slab_octets(s), 2 * rows[i].takes);
        assert_int_equal(b - a, rows[i].takes);
        slab_free(s);
    }
}

static void larger_blocks_lose_at_most_an_eighth(void **state)
{
    (void)state;
    for (size_t size = 1025; size < (1u << 19); size += 997) {
        struct slab *s = new_slab();

        assert_non_null(slab_take(s, size));
        assert_in_range(slab_octets(s), size, size + size / 8 + 8);
        slab_free(s);
    }
}

static void what_was_given_back_is_taken_again(void **state)
{
    struct slab *s = new_slab();
    void *first = slab_take(s, 200);
    void *second = slab_take(s, 200);

    (void)state;
    slab_give(s, first, 200);
    assert_ptr_equal(slab_take(s, 193), first); /* the same class */
    assert_ptr_not_equal(second, first);
    slab_give(s, NULL, 5);
    slab_free(s);
}

/* A server whose names all get shorter must not need a second time the memory. */
static void spare_blocks_are_cut_up_before_a_new_region_is_taken(void **state)
{
    struct slab *s = new_slab();
    void *large[2000];
    uint32_t last = 0;

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        large[i] = slab_take(s, 1000);
        assert_non_null(large[i]);
    }
    for (unsigned i = 0; i < 2000; i++)
        slab_give(s, large[i], 1000);
    for (unsigned i = 0; i < 30000; i++) {
        void *small = slab_take(s, 64);

        assert_non_null(small);
        last = slab_ref(small) > last ? slab_ref(small) : last;
    }
    assert_in_range(last, 1, (1u << 18) - 1); /* all in the first region */
    slab_free(s);
}

static void blocks_larger_than_a_region_have_several(void **state)
{
    struct slab *s = new_slab();
    uint32_t first_ref = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) { /* far more than there would be numbers for, were none used again */
        size_t size = ((size_t)5 << 20) + i;
        uint8_t *block = slab_take(s, size);
        uint8_t *small = slab_take(s, 10);

        assert_non_null(block);
        assert_non_null(small);
        block[0] = 1;
        block[size - 1] = 2;
        assert_ptr_equal(slab_at(s, slab_ref(block)), block);
        if (first_ref == 0)
            first_ref = slab_ref(block);
        assert_int_equal(slab_ref(block), first_ref);
        slab_give(s, block, size);
    }
    assert_non_null(slab_take(s, (size_t)4 << 20)); /* left to slab_free() */
    slab_free(s);
}

static void more_than_references_can_name_is_refused(void **state)
{
    struct slab *s = new_slab();

    (void)state;
    assert_null(slab_take(s, (size_t)1 << 36));
    assert_null(slab_take(s, SIZE_MAX));
    assert_non_null(slab_take(s, 8));
    slab_free(s);
    slab_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_never_overlap),
        cmocka_unit_test(a_reference_names_its_block_and_is_never_0),
        cmocka_unit_test(small_blocks_take_no_more_than_the_next_multiple_of_8),
        cmocka_unit_test(larger_blocks_lose_at_most_an_eighth),
        cmocka_unit_test(what_was_given_back_is_taken_again),
        cmocka_unit_test(spare_blocks_are_cut_up_before_a_new_region_is_taken),
        cmocka_unit_test(blocks_larger_than_a_region_have_several),
        cmocka_unit_test(more_than_references_can_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
