#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void numbers_are_digits_alone(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        enum err e;
        uint64_t value;
    } rows[] = {
        {"0", 0, ERR_OK, 0},
        {"17", 17, ERR_OK, 17},
        {"18", 17, ERR_RANGE, 0},
        {"1", 0, ERR_RANGE, 0},
        {"18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, ERR_RANGE, 0},
        {"18446744073709551620", UINT64_MAX, ERR_RANGE, 0},
        {"99999999999999999999999999", UINT64_MAX, ERR_RANGE, 0},
        {"", 9, ERR_SYNTAX, 0},
        {"00", 9, ERR_SYNTAX, 0},
        {"01", 9, ERR_SYNTAX, 0},
        {"+1", 9, ERR_SYNTAX, 0},
        {"-1", 9, ERR_SYNTAX, 0},
        {" 1", 9, ERR_SYNTAX, 0},
        {"1 ", 9, ERR_SYNTAX, 0},
        {"0x1", 9, ERR_SYNTAX, 0},
        {"1e3", 9999, ERR_SYNTAX, 0},
        {"1.0", 9, ERR_SYNTAX, 0},
        {"99999999999999999999999x", 9, ERR_SYNTAX, 0}, /* malformed before too large */
        {"\xd9\xa1", 9, ERR_SYNTAX, 0},                 /* an Arabic one */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 4711;
        assert_int_equal(quantity_parse_uint(&v, rows[i].text, strlen(rows[i].text), rows[i].max), rows[i].e);
        assert_true(v == (rows[i].e == ERR_OK ? rows[i].value : 4711));
    }
    uint64_t v;
    assert_int_equal(quantity_parse_uint(&v, "1\0", 2, 9), ERR_SYNTAX);
    assert_int_equal(quantity_parse_uint(&v, "123", 2, 99), ERR_OK); /* no NUL needed */
    assert_true(v == 12);
}

static void durations_need_one_number_and_one_unit(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        int64_t ms;
    } rows[] = {
        {"500ms", ERR_OK, 500},
        {"10s", ERR_OK, 10000},
        {"5m", ERR_OK, 300000},
        {"24h", ERR_OK, 86400000},
        {"30d", ERR_OK, INT64_C(2592000000)},
        {"0s", ERR_OK, 0},
        {"9223372036854775807ms", ERR_OK, INT64_MAX},
        {"9223372036854775808ms", ERR_RANGE, 0},
        {"106751991167d", ERR_OK, INT64_C(106751991167) * 86400000},
        {"106751991168d", ERR_RANGE, 0},
        {"99999999999999999999999d", ERR_RANGE, 0},
        {"0", ERR_SYNTAX, 0},
        {"10", ERR_SYNTAX, 0},
        {"s", ERR_SYNTAX, 0},
        {"", ERR_SYNTAX, 0},
        {"10 s", ERR_SYNTAX, 0},
        {"10S", ERR_SYNTAX, 0},
        {"1h30m", ERR_SYNTAX, 0},
        {"1.5h", ERR_SYNTAX, 0},
        {"-1s", ERR_SYNTAX, 0},
        {"010s", ERR_SYNTAX, 0},
        {"10sec", ERR_SYNTAX, 0},
        {"1w", ERR_SYNTAX, 0},
        {"10s ", ERR_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -4711;
        assert_int_equal(quantity_parse_duration_ms(&ms, rows[i].text, strlen(rows[i].text)), rows[i].e);
        assert_true(ms == (rows[i].e == ERR_OK ? rows[i].ms : -4711));
    }
}

static void sizes_are_octets_or_binary_multiples(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        uint64_t octets;
    } rows[] = {
        {"4096", ERR_OK, 4096},
        {"0", ERR_OK, 0},
        {"4KiB", ERR_OK, 4096},
        {"64MiB", ERR_OK, UINT64_C(64) << 20},
        {"1GiB", ERR_OK, UINT64_C(1) << 30},
        {"17179869183GiB", ERR_OK, UINT64_C(17179869183) << 30},
        {"17179869184GiB", ERR_RANGE, 0},
        {"18446744073709551616", ERR_RANGE, 0},
        {"", ERR_SYNTAX, 0},
        {"KiB", ERR_SYNTAX, 0},
        {"4kB", ERR_SYNTAX, 0},
        {"4KB", ERR_SYNTAX, 0},
        {"4K", ERR_SYNTAX, 0},
        {"4 KiB", ERR_SYNTAX, 0},
        {"04KiB", ERR_SYNTAX, 0},
        {"4kib", ERR_SYNTAX, 0},
        {"4KiB/s", ERR_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t octets = 4711;
        assert_int_equal(quantity_parse_size(&octets, rows[i].text, strlen(rows[i].text)), rows[i].e);
        assert_true(octets == (rows[i].e == ERR_OK ? rows[i].octets : 4711));
    }
}

static void rates_are_an_amount_and_an_interval(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        struct rate rate;
    } rows[] = {
        {"10/s", ERR_OK, {10, 1}},
        {"10/m", ERR_OK, {10, 60}},
        {"10/h", ERR_OK, {10, 3600}},
        {"0/s", ERR_OK, {0, 1}},
        {"4294967295/s", ERR_OK, {UINT32_MAX, 1}},
        {"4294967296/s", ERR_RANGE, {0, 0}},
        {"10", ERR_SYNTAX, {0, 0}},
        {"10/d", ERR_SYNTAX, {0, 0}},
        {"/s", ERR_SYNTAX, {0, 0}},
        {"10/", ERR_SYNTAX, {0, 0}},
        {"10/ s", ERR_SYNTAX, {0, 0}},
        {"1.5/s", ERR_SYNTAX, {0, 0}},
        {"", ERR_SYNTAX, {0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rate r = {0, 0};
        assert_int_equal(quantity_parse_rate(&r, rows[i].text, strlen(rows[i].text)), rows[i].e);
        assert_int_equal(r.amount, rows[i].rate.amount);
        assert_int_equal(r.per_s, rows[i].rate.per_s);
    }
}

static void a_formatted_duration_is_the_shortest_that_parses_back(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {1, "1ms"},
        {999, "999ms"},
        {1000, "1s"},
        {1500, "1500ms"},
        {90000, "90s"},
        {60000, "1m"},
        {3600000, "1h"},
        {5400000, "90m"},
        {86400000, "1d"},
        {90000000, "25h"},
        {INT64_C(259200000), "3d"},
        {INT64_MAX, "9223372036854775807ms"},
    };
    char text[QUANTITY_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms;
        assert_string_equal(quantity_format_duration_ms(rows[i].ms, text), rows[i].text);
        assert_int_equal(quantity_parse_duration_ms(&ms, text, strlen(text)), ERR_OK);
        assert_true(ms == rows[i].ms);
    }
    assert_string_equal(quantity_format_duration_ms(-90000, text), "-90s");
    assert_string_equal(quantity_format_duration_ms(INT64_MIN, text), "-9223372036854775808ms");
}

static void sizes_are_formatted_for_people(void **state)
{
    static const struct {
        uint64_t octets;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {1, "1 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {40960, "40 KiB"},
        {41472, "41 KiB"},  /* 40.5 */
        {1048575, "1 MiB"}, /* never "1024 KiB" */
        {UINT64_C(21) << 30, "21 GiB"},
        {(UINT64_C(1) << 40) - 1, "1 TiB"},
        {UINT64_C(5) << 50, "5 PiB"},
        {UINT64_MAX, "16 EiB"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[QUANTITY_TEXT_MAX];
        assert_string_equal(quantity_format_size(rows[i].octets, text), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_alone),
        cmocka_unit_test(durations_need_one_number_and_one_unit),
        cmocka_unit_test(sizes_are_octets_or_binary_multiples),
        cmocka_unit_test(rates_are_an_amount_and_an_interval),
        cmocka_unit_test(a_formatted_duration_is_the_shortest_that_parses_back),
        cmocka_unit_test(sizes_are_formatted_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
