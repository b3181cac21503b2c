/* Loading a store of more than all batches hold: the same state with a thread that reads ahead and without, and
 * whatever fails in the middle is said, with where, and ends the thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "db/scarce.h"
#include "db/scenario.h"
#include "db/sqlite_store.h"
#include "db/state_dump.h"
#include "db/store_file.h"

#define DUMP_MAX ((size_t)64 << 20)
#define MANY     "8000" /* names, with a value and a credential each */

static int set_up(void **state)
{
    atomic_store(&threads.made, 0);
    atomic_store(&threads.has_none, 0);
    return store_file_set_up(state);
}

/* held(name, credential): one claim, with 43 digits. */
static void make_held(sqlite3_context *context, int n, sqlite3_value **args)
{
    uint32_t name = (uint32_t)sqlite3_value_int(args[0]);
    uint8_t *bytes;
    char text[44];
    struct entry e;
    size_t len;

    assert_int_equal(n, 2);
    (void)snprintf(text, sizeof text, "%043u", name);
    entry_init(&e);
    add_claim(&e, EFFECT_CLAIM_ADDED, name, 0, (uint32_t)sqlite3_value_int(args[1]), text);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    sqlite3_result_blob(context, bytes, (int)len, free);
    entry_fini(&e);
}

static void run_sql(const char *path, const char *sql)
{
    char *said = NULL;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "held", 2, SQLITE_UTF8, NULL, make_held, NULL, NULL), SQLITE_OK);
    (void)sqlite3_exec(db, sql, NULL, NULL, &said);
    if (said != NULL)
        print_message("%s: %s\n", sql, said);
    assert_null(said);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The scenario, and behind its rows as many names as `up_to` says, below auth.example.org. */
static void write_store(const char *path, const char *up_to)
{
    struct store *st = open_store(path, STORE_SERVE);
    char sql[2000];

    for (uint64_t seq = 1; seq <= SCENARIO_LEN; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_int_equal(fold_all(st), ERR_OK);
    st->ops->close(st);
    (void)snprintf(
        sql, sizeof sql,
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS"
        " (SELECT 1 + (SELECT max(id) FROM names) UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
        " SELECT i, i - (SELECT max(id) FROM names) + (SELECT max(id) FROM credentials) AS c FROM n;"
        "BEGIN;"
        "INSERT INTO names SELECT i, 1, 1, x, x, 1, 0, 0 FROM"
        " (SELECT i, CAST(char(8) || printf('n%%07d', i) || char(4) || 'auth' || char(7) || 'example'"
        "  || char(3) || 'org' || x'00' AS BLOB) AS x FROM n);"
        "INSERT INTO name_domains SELECT i, 0, 'd' || i || '.example' FROM n WHERE i %% 3 = 0;"
        "INSERT INTO credentials SELECT c, CAST(printf('%%016d', c) AS BLOB), 1, 'web' || c, 1, 1, '',"
        " '', 0, 1, 0, 0 FROM n;"
        "INSERT INTO credential_names SELECT c, 0, i FROM n;"
        "INSERT INTO secrets SELECT (SELECT max(id) FROM secrets) + i, c, 1, randomblob(32), 1, 0, 0 FROM n;"
        "INSERT INTO claims SELECT i, 1, held(i, c) FROM n;"
        "INSERT INTO observations SELECT c, 5, x'c0000201', 1 FROM n WHERE i %% 2 = 0; COMMIT",
        up_to);
    run_sql(path, sql);
}

/* Load it; *dump (may be NULL) gets the state. Returns how it ended, with the sentence in *why. */
static enum err load(const char *path, struct text *dump, struct text *why)
{
    struct store *st = open_store(path, STORE_READ);
    struct state *s = NULL;
    enum err e;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    e = st->ops->load(st, s, NULL, why);
    assert_null(sqlite3_next_stmt(((struct sqlite_store *)st)->db, NULL)); /* read only: it has none of its own */
    if (e == ERR_OK && dump != NULL)
        dump_state(dump, s, DUMP_WITH_OBSERVATIONS);
    state_free(s);
    st->ops->close(st);
    return e;
}

static void assert_load_fails(const char *path, enum err e, const char *sentence)
{
    struct text why;
    enum err got;

    text_init(&why, 1000);
    text_put(&why, "said: ");
    got = load(path, NULL, &why);
    if (got != e || strstr(why.bytes, sentence) == NULL)
        print_message("%s, not %s\n", why.bytes, sentence);
    assert_int_equal(got, e);
    assert_non_null(strstr(why.bytes, sentence));
    text_fini(&why);
}

static void a_large_store_is_the_same_with_and_without_a_thread(void **state)
{
    struct fixture *f = *state;
    struct text with, without, why;

    write_store(f->path, MANY);
    text_init(&with, DUMP_MAX);
    text_init(&without, DUMP_MAX);
    text_init(&why, 1000);
    assert_int_equal(load(f->path, &with, &why), ERR_OK);
    assert_int_equal(threads.made, 1);
    atomic_store(&threads.has_none, 1);
    assert_int_equal(load(f->path, &without, &why), ERR_OK);
    assert_int_equal(with.err, ERR_OK);
    assert_non_null(strstr(with.bytes, "d7998.example"));
    assert_true(with.len > (size_t)1 << 20);
    assert_int_equal(with.len, without.len);
    assert_memory_equal(with.bytes, without.bytes, with.len);
    text_fini(&why);
    text_fini(&without);
    text_fini(&with);
}

static void a_small_store_is_loaded_without_a_thread(void **state)
{
    struct fixture *f = *state;
    struct text why;

    write_store(f->path, "20");
    text_init(&why, 1000);
    assert_int_equal(load(f->path, NULL, &why), ERR_OK);
    assert_int_equal(threads.made, 0);
    text_fini(&why);
}

/* More than a batch, and more than the 64 KiB that names take: as domains, which are a list. */
static void a_name_larger_than_a_batch_is_loaded(void **state)
{
    struct fixture *f = *state;
    struct text dump, why;

    write_store(f->path, MANY);
    run_sql(f->path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                     " INSERT INTO name_domains SELECT 4001, i, 'large' || i || '.example' FROM n");
    text_init(&dump, DUMP_MAX);
    text_init(&why, 1000);
    assert_int_equal(load(f->path, &dump, &why), ERR_OK);
    assert_non_null(strstr(dump.bytes, "large20000.example"));
    text_fini(&why);
    text_fini(&dump);
}

static void damage_in_the_middle_is_said_with_its_place(void **state)
{
    static const struct {
        const char *sql, *sentence;
    } damages[] = {
        {"UPDATE names SET owner = x'0377656204617574680765' WHERE id = 5000",
         "table names is damaged near row 5000"},
        {"UPDATE names SET subtree = 2 WHERE id = 5000", "table names is damaged near row 5000"},
        {"UPDATE names SET account = -1 WHERE id = 5000", "table names is damaged near row 5000"},
        {"DELETE FROM names WHERE id = 5000", "table names is damaged near row 4999"},
        {"UPDATE claims SET held = held(5001, 1) WHERE name = 5000", "table names is damaged near row 5000"},
        {"UPDATE claims SET held = held(5000, 4000000) WHERE name = 5000", "table names is damaged near row 5000"},
        {"UPDATE claims SET held = CAST(x'000000010002' || substr(held, 7) AS BLOB) WHERE name = 5000",
         "table names is damaged near row 5000"}, /* what renews one */
        {"UPDATE claims SET held = substr(held, 1, 60) WHERE name = 5000", "table names is damaged near row 5000"},
        {"UPDATE claims SET held = zeroblob(65536) WHERE name = 5000", "table names is damaged near row 5000"},
        {"UPDATE claims SET name = 9001 WHERE name = 5000", "table names is damaged near row"},
        {"INSERT INTO name_domains VALUES (8001, 0, 'a')", "table names is damaged near row 8000"},
        {"UPDATE name_domains SET domain = CAST(x'610062' AS TEXT) WHERE name = 5001",
         "names is damaged near row 5001"},
        {"UPDATE credentials SET networks = '192.0.2.0/33' WHERE id = 5000",
         "credentials is damaged near row 5000"},
        {"UPDATE credential_names SET name = 9000 WHERE credential = 5000", "credentials is damaged near row 5000"},
        {"UPDATE observations SET door = 99", "table credentials is damaged near row"},
        {"CREATE TABLE twice AS SELECT * FROM observations; INSERT INTO twice SELECT * FROM observations;"
         " DROP TABLE observations; ALTER TABLE twice RENAME TO observations",
         "table credentials is damaged near row"},
        {"UPDATE secrets SET data = zeroblob(70000) WHERE credential = 5000", "table secrets is damaged near row"},
        {"UPDATE secrets SET kind = 256 WHERE credential = 5000", "table secrets is damaged near row"},
        {"INSERT INTO grants VALUES (5000, 77)", "table grants is damaged near row"},
    };
    struct fixture *f = *state;
    char copy[128], sql[300];

    write_store(f->path, MANY);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        (void)snprintf(sql, sizeof sql, "VACUUM INTO '%s'", temp_path(&f->dir, copy, "copy.db"));
        run_sql(f->path, sql);
        run_sql(copy, damages[i].sql);
        assert_load_fails(copy, ERR_CORRUPT, damages[i].sentence);
        assert_int_equal(remove(copy), 0);
    }
}

/* Overwrite pages in the middle of the file. */
static void a_page_of_rubbish_is_damage(void **state)
{
    struct fixture *f = *state;
    uint8_t rubbish[4096];
    long size;
    FILE *file;

    write_store(f->path, MANY);
    memset(rubbish, 0xfe, sizeof rubbish);
    file = fopen(f->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    for (long at = size / 3 / 4096 * 4096; at < size / 2; at += 4096) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(rubbish, sizeof rubbish, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
    assert_load_fails(f->path, ERR_CORRUPT, "is damaged near row");
}

static void a_disk_that_fails_in_the_middle_is_said_in_sqlites_words(void **state)
{
    struct fixture *f = *state;
    int met = 0;

    write_store(f->path, MANY);
    for (int n = 1; n < 2000; n += 1 + n / 2) {
        struct store *st = open_store(f->path, STORE_READ);
        struct state *s = NULL;
        struct text why;

        text_init(&why, 1000);
        assert_int_equal(state_new(&s, NULL), ERR_OK);
        vfs_fail_arm(&f->vfs, n, VFS_READ, SQLITE_IOERR_READ, 0);
        if (st->ops->load(st, s, NULL, &why) != ERR_OK) {
            met++;
            assert_int_equal(atomic_load(&f->vfs.failed), 1);
            assert_non_null(strstr(why.bytes, "disk I/O error"));
        }
        vfs_fail_disarm(&f->vfs);
        text_fini(&why);
        state_free(s);
        st->ops->close(st);
    }
    assert_true(met >= 5);
}

/* Load with n allocations. True: they were enough. */
static bool load_with(const char *path, long n)
{
    struct store *st = open_store(path, STORE_READ);
    struct state *s = NULL;
    struct text why;
    long failed;
    enum err e;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    text_init(&why, 1000);
    text_printf(&why, "%300s", ""); /* so that there is room to say why: the next doubles it */
    text_put(&why, " ");
    scarce_memory(n);
    e = st->ops->load(st, s, NULL, &why);
    failed = scarce_end();
    assert_int_equal(e, failed > 0 ? ERR_MEMORY : ERR_OK);
    assert_true(failed == 0 || strstr(why.bytes, "memory") != NULL);
    text_fini(&why);
    state_free(s);
    st->ops->close(st);
    return failed == 0;
}

static void wherever_memory_runs_out_the_load_ends_with_that(void **state)
{
    struct fixture *f = *state;
    int tries = 0;

    write_store(f->path, MANY);
    for (long n = 0; !load_with(f->path, n); n += 1 + n / 8)
        tries++;
    assert_true(tries > 20);
}

static void sqlites_own_memory_that_runs_out_is_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct store *st;
    struct state *s = NULL;
    struct text why;
    enum err e;

    write_store(f->path, MANY);
    run_sql(f->path, "UPDATE claims SET held = zeroblob(20000000) WHERE name = 5000");
    st = open_store(f->path, STORE_READ);
    text_init(&why, 1000);
    assert_int_equal(state_new(&s, NULL), ERR_OK);
    (void)sqlite3_hard_heap_limit64(15000000);
    e = st->ops->load(st, s, NULL, &why);
    (void)sqlite3_hard_heap_limit64(0);
    assert_int_equal(e, ERR_MEMORY);
    assert_non_null(strstr(why.bytes, "table names: out of memory"));
    text_fini(&why);
    state_free(s);
    st->ops->close(st);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_large_store_is_the_same_with_and_without_a_thread),
        WITH_DIR(a_small_store_is_loaded_without_a_thread),
        WITH_DIR(a_name_larger_than_a_batch_is_loaded),
        WITH_DIR(damage_in_the_middle_is_said_with_its_place),
        WITH_DIR(a_page_of_rubbish_is_damage),
        WITH_DIR(a_disk_that_fails_in_the_middle_is_said_in_sqlites_words),
        WITH_DIR(wherever_memory_runs_out_the_load_ends_with_that),
        WITH_DIR(sqlites_own_memory_that_runs_out_is_out_of_memory),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
