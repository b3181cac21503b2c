/* Copies and checks of a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "db/scenario.h"
#include "db/sqlite_store.h"
#include "db/state_dump.h"
#include "db/store_file.h"

static int set_up(void **state)
{
    const struct fixture *f;
    struct store *st;

    (void)store_file_set_up(state);
    f = *state;
    st = open_store(f->path, STORE_SERVE);
    for (uint64_t seq = 1; seq <= SCENARIO_LEN; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_int_equal(fold_all(st), ERR_OK);
    st->ops->close(st);
    return 0;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_backup_of_a_served_store_is_the_same_state_in_one_private_file(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct store *copy;
    struct state *a, *b;
    struct text x, y, why;
    struct stat sb;
    char path[128], beside[160];
    uint64_t entries = 0, names = 0;

    assert_int_equal(st->ops->apply(st, SCENARIO_LEN, &(struct store_batch){.last_backup_s = TIME_0}), ERR_OK);
    text_init(&why, 1000);
    assert_int_equal(st->ops->backup(st, temp_path(&f->dir, path, "copy.db"), &entries, &names, &why), ERR_OK);
    assert_int_equal(entries, SCENARIO_LEN);
    assert_int_equal(names, 3); /* one of four is a tombstone */
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    (void)snprintf(beside, sizeof beside, "%s-wal", path);
    assert_int_equal(stat(beside, &sb), -1);
    copy = open_store(path, STORE_READ);
    a = load_state(st);
    b = load_state(copy);
    text_init(&x, 1 << 20);
    text_init(&y, 1 << 20);
    dump_state(&x, a, DUMP_WITH_OBSERVATIONS);
    dump_state(&y, b, DUMP_WITH_OBSERVATIONS);
    assert_string_equal(x.bytes, y.bytes);
    text_fini(&x);
    text_fini(&y);
    state_free(a);
    state_free(b);
    copy->ops->close(copy);
    /* Never over a file that is there. */
    assert_int_equal(st->ops->backup(st, path, &entries, &names, &why), ERR_EXISTS);
    assert_non_null(strstr(why.bytes, "exists already"));
    text_fini(&why);
    assert_int_equal(st->ops->backup(st, "/nonexistent-directory/copy.db", &entries, &names, &why), ERR_IO);
    text_fini(&why);
    st->ops->close(st);
}

static void a_damaged_store_gives_no_backup_and_leaves_no_file(void **state)
{
    struct fixture *f = *state;
    struct store *st;
    struct text why;
    struct stat sb;
    char path[128];
    uint64_t entries = 0, names = 0;

    run_sql(f->path, "UPDATE claims SET held = CAST(substr(held, 1, length(held) - 1) || 'x' AS BLOB)");
    st = open_store(f->path, STORE_READ);
    text_init(&why, 1000);
    assert_int_equal(st->ops->backup(st, temp_path(&f->dir, path, "copy.db"), &entries, &names, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.bytes, "not kept"));
    assert_int_equal(stat(path, &sb), -1);
    text_fini(&why);
    st->ops->close(st); /* the removal of the directory sees that nothing else is left */
}

static void a_sound_store_has_no_findings_also_while_it_is_served(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct text report;
    uint64_t pruned;

    text_init(&report, 1 << 16);
    assert_int_equal(store_check_sqlite(f->path, &report), ERR_OK);
    assert_int_equal(st->ops->prune(st, TIME_0 + 60, 100, &pruned), ERR_OK);
    assert_true(pruned > 0);
    assert_int_equal(store_check_sqlite(f->path, &report), ERR_OK);
    assert_int_equal(report.len, 0);
    st->ops->close(st);
    assert_int_equal(store_check_sqlite("/nonexistent", &report), ERR_IO);
    assert_true(report.len > 0);
    text_fini(&report);
}

static void what_is_wrong_is_found_and_named(void **state)
{
    static const struct {
        const char *sql, *finding;
    } rows[] = {
        {"UPDATE claims SET held = CAST(substr(held, 1, length(held) - 1) || 'x' AS BLOB) WHERE name = 1",
         "fold: claims: row 1/2 is not as the journal says"},
        {"DELETE FROM claims WHERE name = 2", "fold: claims: row 2/0 of the journal is missing"},
        {"UPDATE claims SET held = CAST(substr(held, 1, 17) || x'09' || substr(held, 19) AS BLOB) WHERE name = 2",
         "fold: claims: row 2/9 is not in the journal"},
        {"UPDATE claims SET held = CAST(substr(held, 1, 17) || x'09' || substr(held, 19) AS BLOB) WHERE name = 2",
         "fold: claims: row 2/0 of the journal is missing"},
        {"INSERT INTO grants VALUES (2, 1)", "fold: grants: row 2/1 is not in the journal"},
        {"UPDATE zones SET serial = serial + 1 WHERE id = 1",
         "fold: zones: the serial of row 1 is not as the journal says"},
        {"UPDATE aliases SET serial = 7 WHERE id = 1",
         "fold: aliases: the serial of row 1 is not as the journal says"},
        {"UPDATE zones SET ttl_s = 77 WHERE id = 1", "fold: zones: row 1 is not as the journal says"},
        {"UPDATE secrets SET ended = 0 WHERE id = 3", "fold: secrets: row 3 is not as the journal says"},
        {"UPDATE accounts SET name = 'x' WHERE id = 0", "fold: accounts: row 0 is not as the journal says"},
        {"UPDATE names SET account = 77 WHERE id = 1", "references: row 1 of names refers to a row of accounts"},
        {"UPDATE names SET account = 77 WHERE id = 1", "state: the table names is damaged"},
        {"DELETE FROM journal WHERE seq = 5", "journal: after change 4 comes 6"},
        {"DELETE FROM journal WHERE seq = 14", "journal: it ends at change 13, but should end at 14"},
        {"UPDATE journal SET time_s = 5 WHERE seq = 9", "journal: change 9 is older than the one before it"},
        {"UPDATE journal SET effects = x'00' WHERE seq = 9", "journal: change 9 cannot be read"},
        {"UPDATE journal SET format = 77 WHERE seq = 9",
         "journal: change 9 cannot be read: stored data is of an unknown version"},
        {"UPDATE journal SET effects = (SELECT effects FROM journal WHERE seq = 8) WHERE seq = 7",
         "journal: change 8: its effect 1 (value-removed) does not fit"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text report, why;
        char path[128], name[32];
        text_init(&report, 1 << 16);
        text_init(&why, 1000);
        (void)snprintf(name, sizeof name, "wrong-%zu.db", i);
        temp_path(&f->dir, path, name);
        assert_int_equal(sqlite_copy_file(f->path, path, COPY_REFUSE, &why), ERR_OK);
        run_sql(path, rows[i].sql);
        assert_int_equal(store_check_sqlite(path, &report), ERR_CORRUPT);
        if (strstr(report.bytes, rows[i].finding) == NULL)
            fail_msg("\"%s\" is not in:\n%s", rows[i].finding, report.bytes);
        text_fini(&report);
        text_fini(&why);
    }
}

static void overwritten_pages_are_found(void **state)
{
    struct fixture *f = *state;
    struct text report;
    struct stat sb;
    unsigned found = 0;
    char page[4096];

    memset(page, 0xa5, sizeof page);
    assert_int_equal(stat(f->path, &sb), 0);
    for (off_t at = 4096; at < sb.st_size; at += 4096) {
        struct text why;
        char path[128], name[32];
        FILE *file;
        enum err e;
        text_init(&why, 1000);
        text_init(&report, 1 << 16);
        (void)snprintf(name, sizeof name, "page-%ld.db", (long)at);
        assert_int_equal(sqlite_copy_file(f->path, temp_path(&f->dir, path, name), COPY_REFUSE, &why), ERR_OK);
        file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(page, sizeof page, 1, file), 1);
        assert_int_equal(fclose(file), 0);
        e = store_check_sqlite(path, &report);
        assert_int_equal(e, ERR_CORRUPT);
        assert_true(report.len > 0);
        found++;
        text_fini(&report);
        text_fini(&why);
    }
    assert_true(found > 10);
}

static void a_copy_that_may_replace_does(void **state)
{
    struct fixture *f = *state;
    struct text why;
    char path[128];
    struct store *st;

    text_init(&why, 1000);
    assert_int_equal(sqlite_copy_file(f->path, temp_path(&f->dir, path, "a"), COPY_REFUSE, &why), ERR_OK);
    assert_int_equal(sqlite_copy_file(f->path, path, COPY_REFUSE, &why), ERR_EXISTS);
    st = open_store(f->path, STORE_SERVE);
    assert_int_equal(st->ops->apply(st, SCENARIO_LEN, &(struct store_batch){.last_backup_s = TIME_0}), ERR_OK);
    text_fini(&why);
    assert_int_equal(sqlite_copy_file(f->path, path, COPY_REPLACE, &why), ERR_OK);
    st->ops->close(st);
    run_sql(path, "SELECT 1 / (last_backup_s = 1750000000) FROM meta");
    text_fini(&why);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_backup_of_a_served_store_is_the_same_state_in_one_private_file),
        WITH_STORE(a_damaged_store_gives_no_backup_and_leaves_no_file),
        WITH_STORE(a_sound_store_has_no_findings_also_while_it_is_served),
        WITH_STORE(what_is_wrong_is_found_and_named),
        WITH_STORE(overwritten_pages_are_found),
        WITH_STORE(a_copy_that_may_replace_does),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
