#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const uint8_t bytes[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void numbers_are_read_big_endian(void **state)
{
    struct wire_reader r;

    (void)state;
    wire_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(wire_left(&r), 15);
    assert_int_equal(wire_get_u8(&r), 0x01);
    assert_int_equal(wire_get_u16(&r), 0x0203);
    assert_int_equal(wire_get_u32(&r), 0x04050607);
    assert_true(wire_get_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(wire_left(&r), 0);
    assert_int_equal(r.err, ERR_OK);
}

static void a_reader_fails_one_byte_short_of_every_width(void **state)
{
    static const size_t widths[] = {1, 2, 4, 8};
    struct wire_reader r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        uint64_t got = 1;
        wire_reader_init(&r, bytes, widths[i] - 1);
        switch (widths[i]) {
        case 1:
            got = wire_get_u8(&r);
            break;
        case 2:
            got = wire_get_u16(&r);
            break;
        case 4:
            got = wire_get_u32(&r);
            break;
        default:
            got = wire_get_u64(&r);
            break;
        }
        assert_true(got == 0);
        assert_int_equal(r.err, ERR_SHORT);
        assert_int_equal(wire_left(&r), 0);
    }
}

static void a_failed_reader_stays_failed_and_gives_nothing(void **state)
{
    struct wire_reader r;

    (void)state;
    wire_reader_init(&r, bytes, 3);
    assert_int_equal(wire_get_u32(&r), 0);
    assert_int_equal(r.err, ERR_SHORT);
    assert_int_equal(wire_get_u8(&r), 0); /* although a byte is left */
    assert_int_equal(wire_get_u16(&r), 0);
    assert_true(wire_get_u64(&r) == 0);
    assert_null(wire_get_bytes(&r, 0));
    wire_fail(&r, ERR_SYNTAX);
    assert_int_equal(r.err, ERR_SHORT); /* the first one is kept */
}

static void a_caller_can_fail_a_reader(void **state)
{
    struct wire_reader r;

    (void)state;
    wire_reader_init(&r, bytes, sizeof bytes);
    wire_fail(&r, ERR_SYNTAX);
    assert_int_equal(r.err, ERR_SYNTAX);
    assert_int_equal(wire_left(&r), 0);
    assert_null(wire_get_bytes(&r, 1));
    assert_int_equal(r.err, ERR_SYNTAX);
}

static void bytes_are_given_in_place_and_bounded(void **state)
{
    struct wire_reader r;

    (void)state;
    wire_reader_init(&r, bytes, sizeof bytes);
    assert_ptr_equal(wire_get_bytes(&r, 5), bytes);
    assert_ptr_equal(wire_get_bytes(&r, 10), bytes + 5);
    assert_non_null(wire_get_bytes(&r, 0));
    assert_null(wire_get_bytes(&r, 1));
    assert_int_equal(r.err, ERR_SHORT);
    wire_reader_init(&r, bytes, sizeof bytes);
    (void)wire_get_u8(&r);
    assert_null(wire_get_bytes(&r, SIZE_MAX)); /* no overflow */
}

static void an_empty_message_may_have_no_address(void **state)
{
    struct wire_reader r;
    struct wire_writer w;

    (void)state;
    wire_reader_init(&r, NULL, 0);
    assert_int_equal(wire_left(&r), 0);
    assert_non_null(wire_get_bytes(&r, 0));
    assert_int_equal(r.err, ERR_OK);
    wire_writer_init(&w, NULL, 0);
    wire_put_bytes(&w, NULL, 0);
    assert_int_equal(w.err, ERR_OK);
    wire_put_u8(&w, 1);
    assert_int_equal(w.err, ERR_FULL);
}

static void what_is_written_reads_back(void **state)
{
    uint8_t out[18];
    struct wire_writer w;
    struct wire_reader r;

    (void)state;
    wire_writer_init(&w, out, sizeof out);
    wire_put_u8(&w, 0xfe);
    wire_put_u16(&w, 0xfedc);
    wire_put_u32(&w, 0xfedcba98);
    wire_put_u64(&w, UINT64_C(0xfedcba9876543210));
    wire_put_bytes(&w, "abc", 3);
    assert_int_equal(w.err, ERR_OK);
    assert_int_equal(w.len, sizeof out); /* exactly full is not an error */
    assert_int_equal(out[1], 0xfe);
    assert_int_equal(out[2], 0xdc);
    wire_reader_init(&r, out, w.len);
    assert_int_equal(wire_get_u8(&r), 0xfe);
    assert_int_equal(wire_get_u16(&r), 0xfedc);
    assert_true(wire_get_u32(&r) == 0xfedcba98);
    assert_true(wire_get_u64(&r) == UINT64_C(0xfedcba9876543210));
    assert_memory_equal(wire_get_bytes(&r, 3), "abc", 3);
}

static void put_record(struct wire_writer *w)
{
    wire_put_u16(w, 0x1122);
    wire_put_u8(w, 0x33);
    wire_put_u64(w, 0);
    wire_put_bytes(w, "xyz", 3);
    wire_put_u32(w, 0x44);
}

#define RECORD_LEN 18

static void a_writer_of_any_capacity_writes_all_or_nothing(void **state)
{
    (void)state;
    for (size_t cap = 2; cap <= RECORD_LEN + 4; cap++) {
        uint8_t out[RECORD_LEN + 4];
        struct wire_writer w;
        struct wire_mark before;
        enum err e;
        memset(out, 0xee, sizeof out);
        wire_writer_init(&w, out, cap);
        wire_put_u16(&w, 7);
        before = wire_mark(&w);
        put_record(&w);
        e = wire_keep_or_rewind(&w, before);
        assert_int_equal(e, cap >= RECORD_LEN + 2 ? ERR_OK : ERR_FULL);
        assert_int_equal(w.len, cap >= RECORD_LEN + 2 ? RECORD_LEN + 2 : 2);
        assert_int_equal(w.err, ERR_OK);
        for (size_t i = cap; i < sizeof out; i++)
            assert_int_equal(out[i], 0xee); /* nothing behind the end */
    }
}

static void after_an_error_nothing_more_is_written(void **state)
{
    uint8_t out[4] = {9, 9, 9, 9};
    struct wire_writer w;

    (void)state;
    wire_writer_init(&w, out, sizeof out);
    wire_put_u16(&w, 1);
    wire_put_u32(&w, 1);
    wire_put_u8(&w, 1); /* would fit */
    wire_patch_u16(&w, 0, 0x7777);
    assert_int_equal(w.err, ERR_FULL);
    assert_int_equal(w.len, 2);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[2], 9);
}

static void rewinding_restores_an_error_from_before_the_mark(void **state)
{
    uint8_t out[1];
    struct wire_writer w;
    struct wire_mark before;

    (void)state;
    wire_writer_init(&w, out, sizeof out);
    wire_put_u16(&w, 1);
    before = wire_mark(&w);
    wire_put_u8(&w, 1);
    assert_int_equal(wire_keep_or_rewind(&w, before), ERR_FULL);
    assert_int_equal(w.err, ERR_FULL);
    assert_int_equal(w.len, 0);
}

static void patching_stays_inside_what_was_written(void **state)
{
    static const struct {
        size_t pos;
        uint8_t after[4];
    } rows[] = {
        {0, {0xab, 0xcd, 0, 0}}, {1, {0, 0xab, 0xcd, 0}},  {2, {0, 0, 0, 0}}, /* half of it would be past the end */
        {3, {0, 0, 0, 0}},       {SIZE_MAX, {0, 0, 0, 0}}, {SIZE_MAX - 1, {0, 0, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t out[4] = {0};
        struct wire_writer w;
        wire_writer_init(&w, out, sizeof out);
        wire_put_bytes(&w, out, 3);
        wire_patch_u16(&w, rows[i].pos, 0xabcd);
        assert_memory_equal(out, rows[i].after, sizeof out);
        assert_int_equal(w.err, ERR_OK);
        assert_int_equal(w.len, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_big_endian),
        cmocka_unit_test(a_reader_fails_one_byte_short_of_every_width),
        cmocka_unit_test(a_failed_reader_stays_failed_and_gives_nothing),
        cmocka_unit_test(a_caller_can_fail_a_reader),
        cmocka_unit_test(bytes_are_given_in_place_and_bounded),
        cmocka_unit_test(an_empty_message_may_have_no_address),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_writer_of_any_capacity_writes_all_or_nothing),
        cmocka_unit_test(after_an_error_nothing_more_is_written),
        cmocka_unit_test(rewinding_restores_an_error_from_before_the_mark),
        cmocka_unit_test(patching_stays_inside_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
