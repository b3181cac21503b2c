/* The SQLite store when the disk fails: at every write, sync and truncation of a short life the outcome is one of
 * three, and what is found afterwards is all that was acknowledged, nothing that was refused, and perhaps what was
 * unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "db/scenario.h"
#include "db/sound.h"
#include "db/sqlite_store.h"
#include "db/store_file.h"

struct life {
    uint64_t acknowledged;
    bool unknown; /* the entry after it */
};

/* Open and apply the scenario until something fails. */
static struct life live(const struct fixture *f)
{
    struct life l = {0};
    struct store *st = NULL;
    enum err e = try_open(&st, f->path);

    if (e != ERR_OK) {
        assert_true(e == ERR_IO || e == ERR_FULL || e == ERR_CORRUPT);
        return l;
    }
    while (e == ERR_OK && l.acknowledged < SCENARIO_LEN) {
        e = apply_scenario(st, l.acknowledged + 1);
        if (e == ERR_OK)
            l.acknowledged++;
        if (e == ERR_OK && l.acknowledged % 5 == 0)
            (void)!st->ops->checkpoint(st); /* its failure is no one's loss */
        if (e == ERR_OK && l.acknowledged % 3 == 0)
            (void)!fold_all(st); /* likewise */
    }
    if (e != ERR_OK) {
        assert_true(e == ERR_IO || e == ERR_FULL || e == ERR_UNKNOWN);
        l.unknown = e == ERR_UNKNOWN;
    }
    st->ops->close(st);
    return l;
}

static void fail_everywhere(struct fixture *f, int ops, int rc, int lasting, int step)
{
    bool failed = true;
    unsigned unknown = 0, refused = 0;

    for (int n = 1; failed; n += step) {
        struct life l;
        uint64_t end;
        remove_files(f->path);
        vfs_fail_arm(&f->vfs, n, ops, rc, lasting);
        l = live(f);
        failed = atomic_load(&f->vfs.failed) > 0;
        vfs_fail_disarm(&f->vfs);
        end = assert_is_sound(f->path);
        assert_in_range(end, l.acknowledged, l.acknowledged + (l.unknown ? 1 : 0));
        unknown += l.unknown ? 1 : 0;
        refused += !l.unknown && l.acknowledged < SCENARIO_LEN ? 1 : 0;
        assert_true(n < 2000);
    }
    print_message("unknown %u, refused %u\n", unknown, refused);
    assert_true(unknown + refused > 0);
    if (rc == SQLITE_FULL)
        assert_int_equal(unknown, 0); /* a full disk is never a riddle */
}

static void a_write_that_fails_loses_nothing_acknowledged(void **state)
{
    fail_everywhere(*state, VFS_WRITE, SQLITE_IOERR_WRITE, 0, 1);
}

static void a_disk_that_fails_from_some_write_on_loses_nothing_acknowledged(void **state)
{
    fail_everywhere(*state, VFS_WRITE | VFS_SYNC | VFS_TRUNCATE, SQLITE_IOERR_WRITE, 1, 3);
}

static void a_full_disk_refuses_and_loses_nothing_acknowledged(void **state)
{
    fail_everywhere(*state, VFS_WRITE, SQLITE_FULL, 1, 2);
}

static void a_sync_that_fails_loses_nothing_acknowledged(void **state)
{
    fail_everywhere(*state, VFS_SYNC, SQLITE_IOERR_FSYNC, 0, 1);
}

static void a_commit_whose_sync_fails_is_unknown_and_the_store_goes_on_after_reopening(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct state *s;
    uint64_t end;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    vfs_fail_arm(&f->vfs, 1, VFS_SYNC, SQLITE_IOERR_FSYNC, 0);
    assert_int_equal(apply_scenario(st, 3), ERR_UNKNOWN);
    st->ops->close(st);
    st = open_store(f->path, STORE_SERVE);
    s = load_state(st);
    end = state_seq(s);
    assert_in_range(end, 2, 3);
    state_free(s);
    assert_int_equal(apply_scenario(st, end + 1), ERR_OK);
    st->ops->close(st);
    assert_int_equal(assert_is_sound(f->path), end + 1);
}

static void after_a_full_disk_the_same_store_goes_on_when_there_is_room(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    vfs_fail_arm(&f->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(apply_scenario(st, 2), ERR_FULL);
    vfs_fail_disarm(&f->vfs);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    st->ops->close(st);
    assert_int_equal(assert_is_sound(f->path), 2);
}

static void a_store_opened_on_a_full_disk_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct state *s;

    for (uint64_t seq = 1; seq <= 7; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    vfs_fail_arm(&f->vfs, 1, VFS_WRITE, SQLITE_FULL, 1);
    st->ops->close(st); /* the log cannot be moved, and stays */
    st = open_store(f->path, STORE_SERVE);
    s = load_state(st);
    assert_int_equal(state_seq(s), 7);
    state_free(s);
    assert_int_equal(apply_scenario(st, 8), ERR_FULL);
    vfs_fail_disarm(&f->vfs);
    assert_int_equal(apply_scenario(st, 8), ERR_OK);
    st->ops->close(st);
}

/* ---- kill -9 ---- */

/* In the child: apply the scenario, and tell each acknowledgement. */
static void child_lives(const char *path, int fd)
{
    struct store *st = NULL;
    uint64_t end = 0;

    if (try_open(&st, path) != ERR_OK)
        _exit(1);
    while (apply_scenario(st, end + 1) == ERR_STALE)
        end++;
    end++;
    for (uint64_t seq = end + 1; seq <= SCENARIO_LEN; seq++) {
        uint8_t octet = (uint8_t)(seq - 1);
        if (write(fd, &octet, 1) != 1 || apply_scenario(st, seq) != ERR_OK)
            _exit(1);
    }
    for (;;)
        (void)pause();
}

static void what_was_acknowledged_before_a_kill_is_there(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 12345;

    for (int round = 0; round < 25; round++) {
        int fds[2];
        pid_t pid;
        uint8_t last = 0;
        uint8_t octet;
        int status;
        if (round % 5 == 0)
            remove_files(f->path);
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child_lives(f->path, fds[1]);
        (void)close(fds[1]);
        fail_sleep((int)((unsigned)rand_r(&seed) % 30000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while (read(fds[0], &octet, 1) == 1)
            last = octet;
        (void)close(fds[0]);
        assert_true(assert_is_sound(f->path) >= last);
    }
}

int main(void)
{
#define WITH_VFS(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_VFS(a_write_that_fails_loses_nothing_acknowledged),
        WITH_VFS(a_disk_that_fails_from_some_write_on_loses_nothing_acknowledged),
        WITH_VFS(a_full_disk_refuses_and_loses_nothing_acknowledged),
        WITH_VFS(a_sync_that_fails_loses_nothing_acknowledged),
        WITH_VFS(a_commit_whose_sync_fails_is_unknown_and_the_store_goes_on_after_reopening),
        WITH_VFS(after_a_full_disk_the_same_store_goes_on_when_there_is_room),
        WITH_VFS(a_store_opened_on_a_full_disk_can_be_read),
        WITH_VFS(what_was_acknowledged_before_a_kill_is_there),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
