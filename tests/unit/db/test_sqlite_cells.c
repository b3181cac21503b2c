/* Packed columns: what is put is taken, and nothing else is. */
#include "db/sqlite_cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cell_walk walk_of(const struct cells *c)
{
    return (struct cell_walk){.at = c->bytes, .end = c->bytes + c->len};
}

static void put_samples(struct cells *c)
{
    assert_int_equal(cells_put_int(c, INT64_MIN), ERR_OK);
    assert_int_equal(cells_put_bytes(c, CELL_BLOB, "\0b", 2), ERR_OK);
    assert_int_equal(cells_put_bytes(c, CELL_TEXT, "text", 4), ERR_OK);
    assert_int_equal(cells_put_bytes(c, CELL_BLOB, NULL, 0), ERR_OK);
    assert_int_equal(cells_put_bytes(c, CELL_TEXT, "", 0), ERR_OK);
    assert_int_equal(cells_put_int(c, INT64_MAX), ERR_OK);
}

static void take_bytes(struct cell_walk *w, enum cell_type type, const void *bytes, size_t len)
{
    const uint8_t *got = NULL;
    size_t got_len = 99;

    assert_true(cell_take_bytes(w, type, &got, &got_len));
    assert_int_equal(got_len, len);
    assert_memory_equal(got, bytes, len);
    if (type == CELL_TEXT)
        assert_int_equal(got[len], 0);
}

static void take_samples(struct cell_walk *w)
{
    int64_t v = 0;

    assert_true(cell_take_int(w, &v));
    assert_true(v == INT64_MIN);
    take_bytes(w, CELL_BLOB, "\0b", 2);
    take_bytes(w, CELL_TEXT, "text", 4);
    take_bytes(w, CELL_BLOB, "", 0);
    take_bytes(w, CELL_TEXT, "", 0);
    assert_true(cell_take_int(w, &v));
    assert_true(v == INT64_MAX);
}

static void what_is_put_is_taken_in_its_order(void **state)
{
    struct cells c = {0};
    struct cells twice = {0};
    struct cell_walk w;

    (void)state;
    put_samples(&c);
    assert_int_equal(cells_put_cells(&twice, &(struct cells){0}), ERR_OK);
    assert_int_equal(cells_put_cells(&twice, &c), ERR_OK);
    assert_int_equal(cells_put_cells(&twice, &c), ERR_OK);
    w = walk_of(&twice);
    take_samples(&w);
    take_samples(&w);
    assert_ptr_equal(w.at, w.end);
    cells_fini(&twice);
    cells_fini(&c);
    cells_fini(&c);
}

static void a_cell_of_another_type_is_not_taken(void **state)
{
    struct cells c = {0};
    const uint8_t *bytes;
    struct cell_walk w;
    int64_t v;
    size_t len;

    (void)state;
    put_samples(&c);
    w = walk_of(&c);
    assert_false(cell_take_bytes(&w, CELL_BLOB, &bytes, &len));
    assert_true(cell_take_int(&w, &v));
    assert_false(cell_take_int(&w, &v));
    assert_false(cell_take_bytes(&w, CELL_TEXT, &bytes, &len));
    assert_true(cell_take_bytes(&w, CELL_BLOB, &bytes, &len));
    assert_false(cell_take_bytes(&w, CELL_BLOB, &bytes, &len));
    cells_fini(&c);
}

static void a_cell_that_is_cut_short_anywhere_is_not_taken(void **state)
{
    struct cells number = {0};
    struct cells text = {0};
    const uint8_t *bytes;
    size_t len;
    int64_t v;

    (void)state;
    assert_int_equal(cells_put_int(&number, 7), ERR_OK);
    assert_int_equal(cells_put_bytes(&text, CELL_TEXT, "text", 4), ERR_OK);
    for (size_t i = 0; i < number.len; i++)
        assert_false(cell_take_int(&(struct cell_walk){.at = number.bytes, .end = number.bytes + i}, &v));
    for (size_t i = 0; i < text.len; i++)
        assert_false(
            cell_take_bytes(&(struct cell_walk){.at = text.bytes, .end = text.bytes + i}, CELL_TEXT, &bytes, &len));
    assert_false(cell_take_int(&(struct cell_walk){0}, &v));
    cells_fini(&text);
    cells_fini(&number);
}

static void a_number_can_be_set_later(void **state)
{
    struct cells c = {0};
    struct cell_walk w;
    int64_t v = 0;
    size_t at;

    (void)state;
    put_samples(&c);
    at = c.len;
    assert_int_equal(cells_put_int(&c, 0), ERR_OK);
    assert_int_equal(cells_put_int(&c, 8), ERR_OK);
    cells_set_int(&c, at, -9);
    w = walk_of(&c);
    take_samples(&w);
    assert_true(cell_take_int(&w, &v));
    assert_true(v == -9);
    assert_true(cell_take_int(&w, &v));
    assert_true(v == 8);
    cells_fini(&c);
}

static void more_room_than_there_can_be_is_out_of_memory(void **state)
{
    struct cells c = {0};
    struct cell_walk w;

    (void)state;
    put_samples(&c);
    assert_int_equal(cells_reserve(&c, SIZE_MAX - 1), ERR_MEMORY);
    w = walk_of(&c);
    take_samples(&w);
    cells_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken_in_its_order),
        cmocka_unit_test(a_cell_of_another_type_is_not_taken),
        cmocka_unit_test(a_cell_that_is_cut_short_anywhere_is_not_taken),
        cmocka_unit_test(a_number_can_be_set_later),
        cmocka_unit_test(more_room_than_there_can_be_is_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
