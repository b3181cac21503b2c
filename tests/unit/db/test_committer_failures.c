/* The committer when the disk fails, hangs or is full, and when the process is killed: each request ends in one of
 * three ways, and nothing that was acknowledged is missing afterwards. */
#include "db/committer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/log.h"
#include "db/harness.h"

#define W0 "w0.auth.example.org"

static void wait_until_well(struct harness *h)
{
    for (int i = 0; i < 5000 && !status_of(h).store_ok; i++)
        pause_ms(1);
    assert_true(status_of(h).store_ok);
    assert_string_equal(status_of(h).store_problem, "");
}

/* What DNS, the state and a check of the store say about the values of W0. */
static void assert_consistent(struct harness *h, uint64_t least, uint64_t most)
{
    struct text report;
    uint64_t n = values_in_state(h);

    assert_in_range(n, least, most);
    text_init(&report, 1 << 16);
    if (store_check_sqlite(h->path, &report) != ERR_OK)
        fail_msg("%s", report.bytes);
    text_fini(&report);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(values_in_state(h), n);
    assert_int_equal(dns_txt_count(h, W0), n);
}

static void a_full_disk_that_gets_room_in_time_costs_nobody_anything(void **state)
{
    struct harness *h = *state;
    struct waiting w = {.owner = W0, .txt_count = 2};

    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    vfs_fail_arm(&h->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    submit(h, add_request(W0, 2), &w);
    for (int i = 0; i < 5000 && status_of(h).store_ok; i++)
        pause_ms(1);
    assert_false(status_of(h).store_ok);
    assert_non_null(strstr(status_of(h).store_problem, "full"));
    assert_int_equal(values_in_state(h), 1); /* the state is the store's again, and can be looked at */
    assert_false(atomic_load(&w.answered));
    vfs_fail_disarm(&h->vfs);
    wait_for(&w);
    assert_done(w.result);
    assert_true(w.dns_has_it);
    wait_until_well(h);
    assert_consistent(h, 2, 2);
}

static void a_change_that_waited_too_long_for_a_full_disk_is_refused_and_never_applied(void **state)
{
    struct harness *h = *state;
    struct refusal_record rec;
    struct result res;

    h->options.commit_timeout_ms = 150;
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    vfs_fail_arm(&h->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    res = run(h, add_request(W0, 2));
    assert_int_equal(res.outcome, OUTCOME_REFUSED);
    assert_int_equal(res.refusal, REFUSAL_STORE_UNAVAILABLE);
    assert_true(res.retry_s > 0);
    assert_int_equal(refusals_read(h->refusals, 0, &rec, 1), 1);
    assert_int_equal(rec.reason, REFUSAL_STORE_UNAVAILABLE);
    vfs_fail_disarm(&h->vfs);
    wait_until_well(h);
    assert_done(run(h, add_request(W0, 3)));
    assert_consistent(h, 2, 2);
}

static void while_the_disk_hangs_deadlines_are_kept_and_queued_changes_never_applied(void **state)
{
    struct harness *h = *state;
    struct waiting running = {0}, queued = {0}, early = {0};
    struct request *r;

    h->options.commit_timeout_ms = 200;
    harness_start(h);
    make_names(h, 1);
    atomic_store(&h->vfs.hang, 1);
    submit(h, add_request(W0, 1), &running);
    pause_ms(50);
    submit(h, add_request(W0, 2), &queued);
    r = add_request(W0, 3);
    r->deadline_mono_ms = clock_mono_ms(&h->clock) + 1; /* its own, before that of the others */
    submit(h, r, &early);
    wait_for(&early);
    assert_int_equal(early.result.refusal, REFUSAL_STORE_UNAVAILABLE);
    assert_false(atomic_load(&running.answered));
    wait_for(&running);
    wait_for(&queued);
    assert_int_equal(running.result.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(running.result.refusal, REFUSAL_OUTCOME_UNKNOWN);
    assert_false(running.had_state); /* it came from the watchdog */
    assert_int_equal(queued.result.outcome, OUTCOME_REFUSED);
    assert_int_equal(queued.result.refusal, REFUSAL_STORE_UNAVAILABLE);
    atomic_store(&h->vfs.hang, 0);
    h->options.commit_timeout_ms = 10000;
    committer_retune(h->c, 10000, 0);
    assert_done(run(h, add_request(W0, 4)));
    assert_int_equal(atomic_load(&running.calls), 1);
    assert_int_equal(atomic_load(&queued.calls), 1);
    assert_consistent(h, 2, 2); /* 1, which was under way, and 4 */
}

static void a_commit_whose_sync_fails_is_unknown_and_the_next_one_works(void **state)
{
    struct harness *h = *state;
    struct waiting w[3] = {0};
    struct result res;

    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    vfs_fail_arm(&h->vfs, 1, VFS_SYNC, SQLITE_IOERR_FSYNC, 0);
    res = run(h, add_request(W0, 2));
    assert_int_equal(res.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(res.refusal, REFUSAL_OUTCOME_UNKNOWN);
    for (unsigned i = 0; i < 3; i++)
        submit(h, add_request(W0, 10 + i), &w[i]);
    for (unsigned i = 0; i < 3; i++) {
        wait_for(&w[i]);
        assert_done(w[i].result);
    }
    wait_until_well(h);
    assert_consistent(h, 4, 5);
}

static void a_start_on_a_full_disk_serves_what_is_there(void **state)
{
    struct harness *h = *state;

    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    harness_stop(h);
    vfs_fail_arm(&h->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    harness_start(h);
    assert_int_equal(dns_txt_count(h, W0), 1);
    vfs_fail_disarm(&h->vfs);
    assert_done(run(h, add_request(W0, 2)));
    assert_consistent(h, 2, 2);
}

static void a_stop_while_the_disk_fails_answers_everybody(void **state)
{
    enum { MANY = 20 };
    struct harness *h = *state;
    struct waiting w[MANY] = {0};

    harness_start(h);
    make_names(h, 1);
    vfs_fail_arm(&h->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    for (unsigned i = 0; i < MANY; i++)
        submit(h, add_request(W0, i), &w[i]);
    harness_stop(h);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(atomic_load(&w[i].calls), 1);
        assert_int_equal(w[i].result.refusal, REFUSAL_STORE_UNAVAILABLE);
    }
    vfs_fail_disarm(&h->vfs);
    harness_start(h);
    assert_int_equal(values_in_state(h), 0);
}

/* One failure at every place, under requests: what was told is what is there. */
static void fail_somewhere(struct harness *h, int n, int ops, int rc)
{
    enum { MANY = 12 };
    struct waiting w[MANY] = {0};
    uint64_t before = values_in_state(h);
    uint64_t done = 0, unknown = 0;

    vfs_fail_arm(&h->vfs, n, ops, rc, 0);
    for (unsigned i = 0; i < MANY; i++) {
        submit(h, add_request(W0, (unsigned)n * 100 + i), &w[i]);
        if (i % 3 == 0)
            wait_for(&w[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        wait_for(&w[i]);
        done += w[i].result.outcome == OUTCOME_DONE ? 1 : 0;
        unknown += w[i].result.outcome == OUTCOME_UNKNOWN ? 1 : 0;
        assert_int_not_equal(w[i].result.outcome, OUTCOME_REFUSED); /* it was for a moment only */
    }
    vfs_fail_disarm(&h->vfs);
    wait_until_well(h);
    assert_in_range(values_in_state(h), before + done, before + done + unknown);
}

static void wherever_the_disk_fails_once_what_was_told_is_there(void **state)
{
    static const struct {
        int ops, rc;
    } rows[] = {{VFS_WRITE, SQLITE_IOERR_WRITE}, {VFS_SYNC, SQLITE_IOERR_FSYNC}, {VFS_WRITE, SQLITE_FULL}};
    struct harness *h = *state;

    h->settings.values.budget = 60000;
    harness_start(h);
    make_names(h, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int n = 1; n <= 40; n += n < 10 ? 1 : 7) {
            struct request *r = local_request(REQUEST_VALUE_REMOVE);
            fail_somewhere(h, n, rows[i].ops, rows[i].rc);
            r->u.values = (struct request_values){.name = owner_ref(W0), .all = true};
            assert_done(run(h, r));
        }
    }
    assert_done(run(h, add_request(W0, 1)));
    assert_consistent(h, 1, 1);
}

/* ---- kill -9 ---- */

static void tell_parent(void *arg, const struct result *res, const struct state *state)
{
    uint8_t octet = 1;

    (void)state;
    if (res->outcome != OUTCOME_DONE || write(*(int *)arg, &octet, 1) != 1)
        _exit(1);
}

#define KILL_VALUES 900 /* all fit into the budget of the test */

/* In the child: start, make sure that there is a name, and add without end, the n-th time the value n %
 * KILL_VALUES; one octet for each that was acknowledged, which is in the same order. */
static void child_serves(struct harness *h, int fd, unsigned first)
{
    struct text why;

    text_init(&why, 1000);
    if (committer_start(&h->c, &h->options, &h->settings, &why) != ERR_OK)
        _exit(1);
    h->sink = committer_sink(h->c);
    if (first == 0)
        make_names(h, 1);
    for (unsigned i = first;; i++) {
        while (h->sink.submit(h->sink.self, add_request(W0, i % KILL_VALUES), tell_parent, &fd) != ERR_OK)
            pause_ms(1);
        if (i % 7 == 0)
            pause_ms(1);
    }
}

struct acknowledged {
    struct seen_state seen;
    bool value[KILL_VALUES];
    unsigned n;
};

static void find_acknowledged(struct seen_state *s, const struct state *state)
{
    struct acknowledged *a = (struct acknowledged *)s;
    const struct name_entry *n = state_name(state, 1);

    for (unsigned i = 0; i < KILL_VALUES; i++) {
        char text[VALUE_LEN + 1];
        uint8_t rdata[VALUE_LEN + 2];
        (void)snprintf(text, sizeof text, "%043u", i);
        if (a->value[i] &&
            value_set_find(name_values(state, n), rdata, value_encode_text(rdata, text, VALUE_LEN)) == NULL)
            s->number++; /* missing */
    }
}

static void kill_one(struct harness *h, struct acknowledged *a, unsigned first, unsigned after)
{
    int fds[2];
    int status;
    uint8_t octet;
    pid_t pid;
    unsigned n = first;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_serves(h, fds[1], first);
    (void)close(fds[1]);
    while (n < first + after && read(fds[0], &octet, 1) == 1)
        a->value[n++ % KILL_VALUES] = true;
    assert_int_equal(n, first + after);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &octet, 1) == 1)
        a->value[n++ % KILL_VALUES] = true;
    (void)close(fds[0]);
    a->n += n - first;
}

static void what_was_acknowledged_before_a_kill_is_served_after_it(void **state)
{
    struct harness *h = *state;
    static struct acknowledged a;
    unsigned seed = 4711;

    memset(&a, 0, sizeof a);
    a.seen.look = find_acknowledged;
    h->settings.values.budget = 60000;
    for (unsigned round = 0; round < 8; round++) {
        kill_one(h, &a, round * 120, 5 + (unsigned)rand_r(&seed) % 60);
        harness_start(h);
        atomic_store(&a.seen.seen, false);
        look_at(h, &a.seen);
        assert_int_equal(a.seen.number, 0);
        assert_int_equal(dns_txt_count(h, W0), values_in_state(h));
        harness_stop(h);
    }
    print_message("%u acknowledged\n", a.n);
}

int main(void)
{
#define WITH_HARNESS(test) cmocka_unit_test_setup_teardown(test, harness_set_up, harness_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HARNESS(a_full_disk_that_gets_room_in_time_costs_nobody_anything),
        WITH_HARNESS(a_change_that_waited_too_long_for_a_full_disk_is_refused_and_never_applied),
        WITH_HARNESS(while_the_disk_hangs_deadlines_are_kept_and_queued_changes_never_applied),
        WITH_HARNESS(a_commit_whose_sync_fails_is_unknown_and_the_next_one_works),
        WITH_HARNESS(a_start_on_a_full_disk_serves_what_is_there),
        WITH_HARNESS(a_stop_while_the_disk_fails_answers_everybody),
        WITH_HARNESS(wherever_the_disk_fails_once_what_was_told_is_there),
        WITH_HARNESS(what_was_acknowledged_before_a_kill_is_served_after_it),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
