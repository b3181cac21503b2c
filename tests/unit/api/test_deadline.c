#include "api/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The clock stands still, so the thread of the object finds nothing to do. */
static struct clock_fake fake;

struct pair {
    struct deadline d;
    int ours, theirs;
};

static void pair_open(struct pair *p, struct deadlines *ds, int64_t at_ms)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    p->ours = fds[0];
    p->theirs = fds[1];
    deadlines_add(ds, &p->d, p->ours, at_ms);
}

static bool is_ended(const struct pair *p)
{
    char byte;

    return recv(p->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

static void pair_close(struct pair *p, struct deadlines *ds)
{
    deadlines_remove(ds, &p->d);
    (void)close(p->ours);
    (void)close(p->theirs);
}

static void connections_are_ended_at_their_deadline_and_not_before(void **state)
{
    struct clock clock = clock_fake_of(&fake);
    struct deadlines *ds;
    struct pair a, b, c;

    (void)state;
    assert_int_equal(deadlines_new(&ds, &clock), ERR_OK);
    pair_open(&a, ds, 100);
    pair_open(&b, ds, 200);
    pair_open(&c, ds, DEADLINE_NONE);
    deadlines_check(ds, 99);
    assert_false(is_ended(&a));
    deadlines_check(ds, 100);
    assert_true(is_ended(&a));
    assert_false(is_ended(&b));
    deadlines_check(ds, 101);
    assert_int_equal(deadlines_passed(ds), 1); /* once each */
    deadline_set(&b.d, 300);
    deadlines_check(ds, 299);
    assert_false(is_ended(&b));
    deadline_shorten(&b.d, 400);
    deadline_shorten(&b.d, 250);
    deadlines_check(ds, 299);
    assert_true(is_ended(&b));
    deadlines_check(ds, INT64_MAX - 1);
    assert_false(is_ended(&c));
    pair_close(&b, ds); /* from the middle, the end and the start */
    pair_close(&a, ds);
    pair_close(&c, ds);
    deadlines_free(ds);
}

static void a_deadline_that_was_removed_does_nothing(void **state)
{
    struct clock clock = clock_fake_of(&fake);
    struct deadlines *ds;
    struct pair a;

    (void)state;
    assert_int_equal(deadlines_new(&ds, &clock), ERR_OK);
    pair_open(&a, ds, 100);
    deadlines_remove(ds, &a.d);
    deadlines_check(ds, 1000);
    assert_false(is_ended(&a));
    (void)close(a.ours);
    (void)close(a.theirs);
    deadlines_free(ds);
    deadlines_free(NULL);
}

static void the_thread_ends_connections_by_itself(void **state)
{
    struct deadlines *ds;
    struct pair a;
    struct pollfd p;

    (void)state;
    assert_int_equal(deadlines_new(&ds, &clock_system), ERR_OK);
    pair_open(&a, ds, clock_mono_ms(&clock_system) + 50);
    p = (struct pollfd){.fd = a.theirs, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_true(is_ended(&a));
    pair_close(&a, ds);
    deadlines_free(ds);
}

static void giving_up_ends_connections_that_wait_for_their_client(void **state)
{
    struct clock clock = clock_fake_of(&fake);
    struct deadlines *ds;
    struct pair silent, asked, answered, late;

    (void)state;
    assert_int_equal(deadlines_new(&ds, &clock), ERR_OK);
    pair_open(&silent, ds, 100);
    pair_open(&asked, ds, 100);
    pair_open(&answered, ds, 100);
    assert_true(deadline_take_turn(&asked.d));
    assert_true(deadline_take_turn(&asked.d)); /* has it already */
    assert_true(deadline_take_turn(&answered.d));
    deadline_give_turn(&answered.d);
    deadlines_give_up(ds);
    assert_true(is_ended(&silent));
    assert_true(is_ended(&answered));
    assert_false(is_ended(&asked));
    assert_false(deadline_take_turn(&silent.d));
    deadline_give_turn(&silent.d);
    assert_false(deadline_take_turn(&silent.d)); /* over is over */
    pair_open(&late, ds, 100);
    assert_true(is_ended(&late));
    assert_false(deadline_take_turn(&late.d));
    assert_int_equal(deadlines_passed(ds), 0);
    pair_close(&silent, ds);
    pair_close(&asked, ds);
    pair_close(&answered, ds);
    pair_close(&late, ds);
    deadlines_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_ended_at_their_deadline_and_not_before),
        cmocka_unit_test(a_deadline_that_was_removed_does_nothing),
        cmocka_unit_test(the_thread_ends_connections_by_itself),
        cmocka_unit_test(giving_up_ends_connections_that_wait_for_their_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
