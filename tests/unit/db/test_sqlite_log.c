/* The store's write-ahead log: it is moved beside the writer, and has room from the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "db/scenario.h"
#include "db/sound.h"
#include "db/sqlite_store.h"
#include "db/store_file.h"

#define ROOM ((off_t)8 << 20)

static void a_checkpoint_empties_the_log_beside_the_writer(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    char log[160];
    struct stat sb;

    (void)snprintf(log, sizeof log, "%s-wal", f->path);
    assert_int_equal(st->ops->log_octets(st), 0);
    for (uint64_t seq = 1; seq <= 7; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_true(st->ops->log_octets(st) >= 7 * 4096);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    assert_int_equal(st->ops->log_octets(st), 0);
    assert_int_equal(apply_scenario(st, 8), ERR_OK);
    assert_true(st->ops->log_octets(st) < 30 * 4096); /* begun anew */
    st->ops->close(st);
    assert_int_equal(stat(log, &sb), -1);
}

static void what_a_reader_keeps_a_checkpoint_from_moving_still_counts(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    sqlite3 *reader;
    uint64_t before, octets;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    before = st->ops->log_octets(st);
    assert_int_equal(sqlite3_open_v2(f->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL), SQLITE_OK);
    for (uint64_t seq = 2; seq <= 4; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    octets = st->ops->log_octets(st);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    assert_int_equal(st->ops->log_octets(st), octets - before);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    assert_int_equal(st->ops->log_octets(st), 0);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    st->ops->close(st);
}

static int pages_of_the_log(struct store *st)
{
    return atomic_load(&((struct sqlite_store *)st)->log_pages);
}

/* As somebody who commits while a checkpoint is under way. */
static void commit_beside(const struct fixture *f, const char *sql)
{
    sqlite3 *shell;

    assert_int_equal(sqlite3_open(f->path, &shell), SQLITE_OK);
    assert_int_equal(sqlite3_exec(shell, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(shell), SQLITE_OK);
}

static void the_next_commit_moves_what_little_a_checkpoint_has_left_and_the_log_begins_anew(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    int before;

    for (uint64_t seq = 1; seq <= 7; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    before = pages_of_the_log(st);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    commit_beside(f, "UPDATE meta SET last_backup_s = 7");
    assert_int_equal(apply_scenario(st, 8), ERR_OK);
    assert_true(pages_of_the_log(st) < before);
    assert_int_equal(apply_scenario(st, 9), ERR_OK);
    st->ops->close(st);
    assert_int_equal(assert_is_sound(f->path), 9);
}

static void where_a_checkpoint_has_left_much_the_next_commit_moves_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    sqlite3 *reader;
    int before;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(sqlite3_open_v2(f->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL), SQLITE_OK);
    commit_beside(f, "CREATE TABLE much (it BLOB); INSERT INTO much VALUES (zeroblob(2000000)); DROP TABLE much");
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    before = pages_of_the_log(st);
    assert_true(before > 400);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 3), ERR_OK);
    assert_true(pages_of_the_log(st) > before);
    st->ops->close(st);
}

static void after_a_reader_kept_the_log_nothing_is_committed_until_it_leaves(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    sqlite3 *reader;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(sqlite3_open_v2(f->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    ((struct sqlite_store *)st)->log_is_clean = false; /* as after an open that could not empty it */
    assert_int_equal(sqlite3_busy_timeout(((struct sqlite_store *)st)->db, 1), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 3), ERR_BUSY);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 3), ERR_OK);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    st->ops->close(st);
}

/* -1: there is none. */
static off_t log_size(const struct fixture *f)
{
    char log[160];
    struct stat sb;

    (void)snprintf(log, sizeof log, "%s-wal", f->path);
    return stat(log, &sb) == 0 ? sb.st_size : -1;
}

/* A store with room, and the scenario behind it. */
static struct store *begin_with_room(const struct fixture *f)
{
    struct store *st = open_store(f->path, STORE_SERVE);

    st->ops->make_room(st);
    return st;
}

static void apply_all(struct store *st)
{
    for (uint64_t seq = 1; seq <= SCENARIO_LEN; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
}

static void copy_octets(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char some[4096];
    size_t n;

    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(some, 1, sizeof some, in)) > 0)
        assert_int_equal(fwrite(some, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(in), 0);
}

/* As a machine that lost its power would leave it. */
static uint64_t entries_of_a_copy(const struct fixture *f)
{
    char copy[128], from[160], to[160];

    temp_path(&f->dir, copy, "copy.db");
    copy_octets(f->path, copy);
    (void)snprintf(from, sizeof from, "%s-wal", f->path);
    (void)snprintf(to, sizeof to, "%s-wal", copy);
    copy_octets(from, to);
    return assert_is_sound(copy);
}

static void commits_do_not_make_a_log_longer_that_has_room(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin_with_room(f);
    struct store *reader;

    assert_int_equal(log_size(f), ROOM);
    assert_int_equal(st->ops->log_octets(st), 0);
    assert_int_equal(entries_of_a_copy(f), 0);
    apply_all(st);
    assert_int_equal(log_size(f), ROOM);
    reader = open_store(f->path, STORE_READ);
    reader->ops->close(reader);
    assert_int_equal(entries_of_a_copy(f), SCENARIO_LEN);
    assert_int_equal(st->ops->checkpoint(st), ERR_OK);
    assert_int_equal(log_size(f), ROOM);
    st->ops->close(st);
    assert_int_equal(log_size(f), -1);
}

static void room_is_made_in_an_empty_log_only(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    off_t before;

    apply_all(st);
    before = log_size(f);
    assert_in_range(before, 1, ROOM - 1);
    st->ops->make_room(st);
    assert_int_equal(log_size(f), before);
    assert_int_equal(entries_of_a_copy(f), SCENARIO_LEN);
    st->ops->close(st);
}

static void room_is_not_made_while_somebody_may_write(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    sqlite3 *shell;

    assert_int_equal(sqlite3_open(f->path, &shell), SQLITE_OK);
    assert_int_equal(sqlite3_exec(shell, "BEGIN IMMEDIATE; UPDATE meta SET last_backup_s = 7", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(((struct sqlite_store *)st)->db, 1), SQLITE_OK);
    st->ops->make_room(st);
    assert_int_equal(log_size(f), 0);
    assert_int_equal(sqlite3_exec(shell, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(shell), SQLITE_OK);
    apply_all(st);
    assert_int_equal(entries_of_a_copy(f), SCENARIO_LEN);
    st->ops->close(st);
}

static void a_disk_without_room_for_it_is_left_alone(void **state)
{
    struct fixture *f = *state;

    for (int n = 1; n < 3000; n += 700) {
        struct store *st;

        remove_files(f->path);
        st = open_store(f->path, STORE_SERVE);
        vfs_fail_arm(&f->vfs, n, VFS_WRITE | VFS_SYNC, SQLITE_FULL, 1);
        st->ops->make_room(st);
        vfs_fail_disarm(&f->vfs);
        assert_int_equal(log_size(f), n < 2048 ? 0 : ROOM);
        apply_all(st);
        assert_int_equal(entries_of_a_copy(f), SCENARIO_LEN);
        st->ops->close(st);
    }
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_checkpoint_empties_the_log_beside_the_writer),
        WITH_DIR(what_a_reader_keeps_a_checkpoint_from_moving_still_counts),
        WITH_DIR(the_next_commit_moves_what_little_a_checkpoint_has_left_and_the_log_begins_anew),
        WITH_DIR(where_a_checkpoint_has_left_much_the_next_commit_moves_nothing),
        WITH_DIR(after_a_reader_kept_the_log_nothing_is_committed_until_it_leaves),
        WITH_DIR(commits_do_not_make_a_log_longer_that_has_room),
        WITH_DIR(room_is_made_in_an_empty_log_only),
        WITH_DIR(room_is_not_made_while_somebody_may_write),
        WITH_DIR(a_disk_without_room_for_it_is_left_alone),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
