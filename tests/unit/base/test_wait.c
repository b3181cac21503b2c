#include "base/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

static int64_t now_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ends_are_so_far_away_and_well_formed(void **state)
{
    static const int64_t waits[] = {0, 1, 999, 1000, 1001, 86400000};

    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        int64_t before = now_ms();
        struct timespec end = wait_end_ms(waits[i]);
        int64_t at = (int64_t)end.tv_sec * 1000 + end.tv_nsec / 1000000;
        assert_true(end.tv_nsec >= 0 && end.tv_nsec < 1000000000);
        assert_true(at >= before + waits[i] && at <= now_ms() + waits[i]);
    }
}

static void a_wait_ends_by_the_clock_of_its_end(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct timespec end;
    pthread_cond_t cond;
    int64_t before = now_ms();
    int rc = 0;

    (void)state;
    assert_int_equal(wait_cond_init(&cond), ERR_OK);
    end = wait_end_ms(20);
    pthread_mutex_lock(&lock);
    while (rc == 0)
        rc = pthread_cond_timedwait(&cond, &lock, &end);
    pthread_mutex_unlock(&lock);
    assert_int_equal(rc, ETIMEDOUT);
    assert_true(now_ms() - before >= 20);
    pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_so_far_away_and_well_formed),
        cmocka_unit_test(a_wait_ends_by_the_clock_of_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
