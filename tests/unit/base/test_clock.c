#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/attr.h"

static void a_fake_clock_stands_still_until_told(void **state)
{
    struct clock_fake f = {.real_us = 1700000000999999, .mono_us = 5000999};
    struct clock c = clock_fake_of(&f);

    (void)state;
    assert_true(clock_real_us(&c) == 1700000000999999);
    assert_true(clock_real_s(&c) == 1700000000);
    assert_true(clock_mono_us(&c) == 5000999);
    assert_true(clock_mono_ms(&c) == 5000);
    clock_fake_advance_s(&f, 2);
    assert_true(clock_real_s(&c) == 1700000002);
    assert_true(clock_mono_ms(&c) == 7000);
    f.real_us -= 3600 * (int64_t)1000000; /* a jump of the real one alone */
    assert_true(clock_real_s(&c) == 1699996402);
    assert_true(clock_mono_ms(&c) == 7000);
}

static void instants_before_1970_round_down_too(void **state)
{
    struct clock_fake f = {.real_us = -1, .mono_us = -1};
    struct clock c = clock_fake_of(&f);

    (void)state;
    assert_true(clock_real_s(&c) == -1);
    assert_true(clock_mono_ms(&c) == -1);
    f.real_us = -1000000;
    assert_true(clock_real_s(&c) == -1);
}

static void the_system_clock_tells_the_time_and_never_goes_back(void **state)
{
    int64_t before_s = time(NULL);
    int64_t real_s = clock_real_s(&clock_system);
    int64_t mono_us = clock_mono_us(&clock_system);

    (void)state;
    assert_in_range(real_s, before_s > 0 ? before_s - 1 : 0, before_s + 10); /* time() is coarse */
    assert_true(mono_us > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = clock_mono_us(&clock_system);
        assert_true(now_us >= mono_us);
        mono_us = now_us;
    }
}

static void rfc3339_is_utc_with_four_digits_of_year(void **state)
{
    static const struct {
        int64_t real_s;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {1795229921, "2026-11-21T02:58:41Z"},
        {1709164800, "2024-02-29T00:00:00Z"},
        {4294967296, "2106-02-07T06:28:16Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {253402300800, "9999-12-31T23:59:59Z"}, /* what cannot be said is the nearest that can */
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {-62167219200, "0000-01-01T00:00:00Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[CLOCK_TEXT_MAX];
        assert_string_equal(clock_format_rfc3339(rows[i].real_s, text), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fake_clock_stands_still_until_told),
        cmocka_unit_test(instants_before_1970_round_down_too),
        cmocka_unit_test(the_system_clock_tells_the_time_and_never_goes_back),
        cmocka_unit_test(rfc3339_is_utc_with_four_digits_of_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
