/* The SQLite store without failures: what is applied is there after reopening, positions, locks, versions. */
#include "db/store.h"

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

#define DUMP_MAX ((size_t)1 << 20)

static void assert_same_state(const struct state *a, const struct state *b, enum dump_what what)
{
    struct text x, y;

    text_init(&x, DUMP_MAX);
    text_init(&y, DUMP_MAX);
    dump_state(&x, a, what);
    dump_state(&y, b, what);
    assert_int_equal(x.err, ERR_OK);
    assert_string_equal(x.bytes, y.bytes);
    text_fini(&x);
    text_fini(&y);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void write_scenario(const char *path)
{
    struct store *st = open_store(path, STORE_SERVE);

    for (uint64_t seq = 1; seq <= SCENARIO_LEN; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_int_equal(fold_all(st), ERR_OK);
    st->ops->close(st);
}

static void after_every_change_a_reopened_store_loads_what_folding_gives(void **state)
{
    struct fixture *f = *state;
    struct state *folded = NULL;

    assert_int_equal(state_new(&folded, NULL), ERR_OK);
    for (uint64_t seq = 1; seq <= SCENARIO_LEN; seq++) {
        struct store *st = open_store(f->path, STORE_SERVE);
        struct entry e;
        struct state *loaded;
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
        st->ops->close(st);
        scenario_entry(&e, seq);
        fold_entry(folded, &e);
        entry_fini(&e);
        st = open_store(f->path, STORE_READ);
        loaded = load_state(st);
        assert_same_state(folded, loaded, DUMP_WITH_OBSERVATIONS);
        state_free(loaded);
        st->ops->close(st);
    }
    state_free(folded);
}

static void a_batch_of_many_entries_is_one_step(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct entry entries[SCENARIO_LEN];
    const struct entry *list[SCENARIO_LEN];
    struct store_batch b = {.entries = list, .n = SCENARIO_LEN};
    struct state *loaded;
    struct state *folded = NULL;

    assert_int_equal(state_new(&folded, NULL), ERR_OK);
    for (uint64_t i = 0; i < SCENARIO_LEN; i++) {
        scenario_entry(&entries[i], i + 1);
        fold_entry(folded, &entries[i]);
        list[i] = &entries[i];
    }
    assert_int_equal(st->ops->apply(st, 0, &b), ERR_OK);
    loaded = load_state(st);
    assert_same_state(folded, loaded, DUMP_STATE);
    assert_int_equal(state_seq(loaded), SCENARIO_LEN);
    for (size_t i = 0; i < SCENARIO_LEN; i++)
        entry_fini(&entries[i]);
    state_free(loaded);
    state_free(folded);
    st->ops->close(st);
}

static void a_batch_that_follows_another_end_is_stale_and_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct store_batch none = {0};
    struct state *s;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(apply_scenario(st, 1), ERR_STALE);
    assert_int_equal(apply_scenario(st, 3), ERR_STALE);
    assert_int_equal(st->ops->apply(st, 0, &none), ERR_STALE);
    assert_int_equal(st->ops->apply(st, 1, &none), ERR_OK);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    s = load_state(st);
    assert_int_equal(state_seq(s), 2);
    assert_int_equal(state_last_account(s), 2);
    state_free(s);
    st->ops->close(st);
}

static void an_effect_that_does_not_fit_leaves_nothing_of_its_batch(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct entry e;
    const struct entry *list = &e;
    struct store_batch b = {.entries = &list, .n = 1};
    struct state *s;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    entry_init(&e);
    e.time_s = TIME_0 + 20;
    add_account(&e, EFFECT_ACCOUNT_MADE, 1, "infra", 0);
    add_secret(&e, EFFECT_SECRET_ENDED, 7, 7, 0); /* never added */
    assert_int_equal(st->ops->apply(st, 1, &b), ERR_CORRUPT);
    entry_fini(&e);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    s = load_state(st);
    assert_int_equal(state_seq(s), 2);
    state_free(s);
    st->ops->close(st);
}

static void observations_come_back_and_are_no_part_of_the_journal(void **state)
{
    struct fixture *f = *state;
    struct store *st;
    struct observation seen[] = {
        {.credential = 1, .last_used_s = TIME_0 + 5, .from = parse_addr("192.0.2.77"), .door = DOOR_V1},
        {.credential = 2, .last_used_s = TIME_0 + 6, .from = parse_addr("2001:db8::77"), .door = DOOR_UPDATE},
        {.credential = 1, .last_used_s = TIME_0 + 7, .from = {.family = ADDR_LOCAL}, .door = DOOR_ADMIN}};
    struct store_batch b = {.observations = seen, .n_observations = ARRAY_LEN(seen), .last_backup_s = TIME_0 + 9};
    struct state *s;
    uint64_t octets, free_octets;
    int64_t last_backup_s;

    write_scenario(f->path);
    st = open_store(f->path, STORE_SERVE);
    assert_int_equal(st->ops->apply(st, SCENARIO_LEN, &b), ERR_OK);
    st->ops->close(st);
    st = open_store(f->path, STORE_SERVE);
    s = load_state(st);
    assert_int_equal(state_seq(s), SCENARIO_LEN);
    assert_int_equal(credential_last_used_s(state_credential(s, 1)), TIME_0 + 7);
    assert_int_equal(credential_last_use(state_credential(s, 1)).from.family, ADDR_LOCAL);
    assert_int_equal(credential_last_used_s(state_credential(s, 2)), TIME_0 + 6);
    assert_int_equal(credential_last_use(state_credential(s, 2)).door, DOOR_UPDATE);
    st->ops->size(st, &octets, &free_octets, &last_backup_s);
    assert_int_equal(last_backup_s, TIME_0 + 9);
    assert_true(octets > 4096);
    assert_true(free_octets > 0);
    state_free(s);
    st->ops->close(st);
}

static void the_file_is_private(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct stat sb;
    char path[160];

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(stat(f->path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof path, "%s-wal", f->path);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof path, "%s-lock", f->path);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    st->ops->close(st);
}

/* ---- opening ---- */

static void assert_open_fails(const char *path, enum store_open_mode mode, enum err expected, const char *sentence)
{
    struct store *st = (struct store *)(uintptr_t)1;
    struct text why;

    text_init(&why, 1000);
    assert_int_equal(store_open_sqlite(&st, path, mode, &why), expected);
    assert_null(st);
    if (strstr(why.bytes, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.bytes, sentence);
    text_fini(&why);
}

static void a_second_server_is_refused_while_readers_are_not(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct store *reader;
    struct state *s;

    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_open_fails(f->path, STORE_SERVE, ERR_BUSY, "another riposte process");
    reader = open_store(f->path, STORE_READ);
    s = load_state(reader);
    assert_int_equal(state_seq(s), 1);
    state_free(s);
    reader->ops->close(reader);
    assert_int_equal(apply_scenario(st, 2), ERR_OK);
    st->ops->close(st);
    st = open_store(f->path, STORE_SERVE);
    st->ops->close(st);
}

static void a_store_that_was_shut_can_be_opened_anew_before_it_is_closed(void **state)
{
    struct fixture *f = *state;
    struct store *old = open_store(f->path, STORE_SERVE);
    struct store *new;

    assert_int_equal(apply_scenario(old, 1), ERR_OK);
    old->ops->shut(old);
    new = open_store(f->path, STORE_SERVE);
    assert_int_equal(apply_scenario(new, 2), ERR_OK);
    assert_int_equal(old->ops->checkpoint(old), ERR_OK); /* of somebody who came late: nothing happens */
    old->ops->close(old);
    assert_int_equal(apply_scenario(new, 3), ERR_OK);
    new->ops->close(new);
}

static void a_newer_version_is_refused_with_the_way_out(void **state)
{
    struct fixture *f = *state;
    char copy[160];
    FILE *file;

    write_scenario(f->path);
    run_sql(f->path, "PRAGMA user_version = 5; UPDATE meta SET program = '1.1.0'");
    assert_open_fails(f->path, STORE_SERVE, ERR_VERSION,
                      "riposte.db has version 5, this program knows up to 1. Use 1.1.0 or later");
    (void)snprintf(copy, sizeof copy, "%s.v1", f->path);
    file = fopen(copy, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_open_fails(f->path, STORE_READ, ERR_VERSION,
                      "riposte.db has version 5, this program knows up to 1. Use 1.1.0 or later, or go back with: "
                      "riposte restore --exactly riposte.db.v1");
}

static void what_is_no_store_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char path[128];
    FILE *file;

    run_sql(f->path, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    assert_open_fails(f->path, STORE_SERVE, ERR_CORRUPT, "not a store of riposte");
    file = fopen(temp_path(&f->dir, path, "text"), "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        (void)fputs("this is not a database, but a long text\n", file);
    (void)fclose(file);
    assert_open_fails(path, STORE_SERVE, ERR_CORRUPT, "not a store of riposte");
    assert_open_fails(temp_path(&f->dir, path, "missing"), STORE_READ, ERR_IO, "No such file");
    assert_open_fails("/nonexistent-directory/x.db", STORE_SERVE, ERR_IO, "directory");
    assert_open_fails(f->dir.path, STORE_SERVE, ERR_IO, "not a regular file");
    assert_open_fails("", STORE_SERVE, ERR_IO, "cannot be the path");
    assert_int_equal(symlink(f->path, temp_path(&f->dir, path, "link")), 0);
    assert_open_fails(path, STORE_SERVE, ERR_IO, "not a regular file");
}

static void a_migration_keeps_a_copy_of_the_version_before(void **state)
{
    static const char *const more[] = {"CREATE TABLE more (x INTEGER) STRICT"};
    static const char *const wrong[] = {"CREATE TABLE other (x INTEGER) STRICT",
                                        "CREATE TABLE more (x INTEGER) STRICT"};
    struct fixture *f = *state;
    struct migration steps[3] = {store_migrations.steps[0],
                                 {.sql = more, .n = 1, .since = "0.2.0"},
                                 {.sql = wrong, .n = 2, .since = "0.3.0"}};
    struct migrations two = {.steps = steps, .n = 2};
    struct migrations three = {.steps = steps, .n = 3};
    char copy[160];
    struct text why;
    struct store *st;
    sqlite3 *db;
    int64_t version = 0;
    int rc;

    write_scenario(f->path);
    text_init(&why, 1000);
    assert_int_equal(conn_open(&db, f->path, CONN_WRITE, &rc), ERR_OK);
    assert_int_equal(schema_look(db, f->path, &two, &version, &why), ERR_OK);
    assert_int_equal(version, 1);
    assert_int_equal(schema_migrate(db, f->path, &two, version, &why), ERR_OK);
    assert_int_equal(schema_look(db, f->path, &two, &version, &why), ERR_OK);
    assert_int_equal(version, 2);
    /* A step that fails leaves the version before it. */
    assert_int_not_equal(schema_migrate(db, f->path, &three, version, &why), ERR_OK);
    assert_non_null(strstr(why.bytes, "more already exists"));
    assert_int_equal(schema_look(db, f->path, &three, &version, &why), ERR_OK);
    assert_int_equal(version, 2);
    conn_close(&db);
    text_fini(&why);
    assert_open_fails(f->path, STORE_SERVE, ERR_VERSION,
                      "Use 0.2.0 or later, or go back with: riposte restore --exactly riposte.db.v1");
    (void)snprintf(copy, sizeof copy, "%s.v1", f->path);
    st = open_store(copy, STORE_SERVE);
    assert_int_equal(st->ops->apply(st, SCENARIO_LEN, &(struct store_batch){0}), ERR_OK);
    st->ops->close(st);
}

/* ---- journal ---- */

struct seen {
    uint64_t seqs[64];
    size_t n, most;
};

static bool note(void *arg, const struct entry *e)
{
    struct seen *s = arg;
    struct entry expected;

    scenario_entry(&expected, e->seq);
    assert_int_equal(e->time_s, expected.time_s);
    assert_int_equal(e->credential, expected.credential);
    assert_int_equal(e->door, expected.door);
    assert_true(addr_equal(&e->client, &expected.client));
    assert_string_equal(e->request_id, expected.request_id);
    assert_int_equal(e->n_effects, expected.n_effects);
    for (size_t i = 0; i < e->n_effects; i++)
        assert_int_equal(e->effects[i].kind, expected.effects[i].kind);
    entry_fini(&expected);
    s->seqs[s->n++] = e->seq;
    return s->n < s->most;
}

static void the_journal_is_read_in_order_and_by_filter(void **state)
{
    static const struct {
        struct journal_filter filter;
        size_t most;
        const char *expected;
    } rows[] = {
        {{0}, 64, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 "},
        {{.after_seq = 11}, 64, "12 13 14 "},
        {{.after_seq = 14}, 64, ""},
        {{.after_seq = UINT64_MAX}, 64, ""},
        {{0}, 3, "1 2 3 "},
        {{.since_s = TIME_0 + 115}, 64, "12 13 14 "},
        {{.since_s = TIME_0 + 120}, 64, "12 13 14 "},
        {{.since_s = TIME_0 + 10}, 2, "1 2 "},
        {{.since_s = TIME_0 + 1000}, 64, ""},
        {{.max_scan = 2}, 64, "13 14 "},
        {{.max_scan = 2, .after_seq = 13}, 64, "14 "},
        {{.max_scan = 1000}, 1, "1 "},
        {{.name = 2}, 64, "3 4 6 11 "},
        {{.name = 4}, 64, "9 10 "},
        {{.account = 3}, 64, "10 11 "},
        {{.account = 1, .after_seq = 12}, 64, "13 14 "},
        {{.credential = 2}, 64, "5 11 12 "}, /* what it did, and what was done to it */
        {{.request_id = "7Q2K-0009"}, 64, "9 "},
        {{.request_id = "nobody"}, 64, ""},
    };
    struct fixture *f = *state;
    struct store *st;

    write_scenario(f->path);
    st = open_store(f->path, STORE_SERVE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct seen seen = {.most = rows[i].most};
        struct text t;
        text_init(&t, 1000);
        assert_int_equal(st->ops->journal(st, &rows[i].filter, note, &seen), ERR_OK);
        for (size_t k = 0; k < seen.n; k++)
            text_printf(&t, "%u ", (unsigned)seen.seqs[k]);
        assert_string_equal(t.bytes, rows[i].expected);
        text_fini(&t);
    }
    st->ops->close(st);
}

static void reading_the_journal_stops_where_it_may_and_says_where(void **state)
{
    static const struct {
        struct journal_filter filter;
        size_t most;
        const char *expected;
        uint64_t reached;
    } rows[] = {
        {{0}, 64, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 ", 14},
        {{.max_visits = 3}, 64, "1 2 3 ", 3},
        {{.max_visits = 14}, 64, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 ", 14},
        {{.max_visits = 3, .after_seq = 12}, 64, "13 14 ", 14},
        {{.max_visits = 4, .name = 2}, 64, "3 4 ", 4}, /* what does not pass is looked at, too */
        {{.max_visits = 2, .name = 4}, 64, "", 2},
        {{.max_visits = 2, .since_s = TIME_0 + 115}, 64, "12 13 ", 13},
        {{0}, 2, "1 2 ", 2},
        {{.name = 2}, 2, "3 4 ", 4},
        {{.after_seq = 14}, 64, "", 14},
    };
    struct fixture *f = *state;
    struct store *st;

    write_scenario(f->path);
    st = open_store(f->path, STORE_SERVE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_filter filter = rows[i].filter;
        struct seen seen = {.most = rows[i].most};
        uint64_t reached = 99;
        struct text t;
        filter.reached = &reached;
        text_init(&t, 1000);
        assert_int_equal(st->ops->journal(st, &filter, note, &seen), ERR_OK);
        for (size_t k = 0; k < seen.n; k++)
            text_printf(&t, "%u ", (unsigned)seen.seqs[k]);
        assert_string_equal(t.bytes, rows[i].expected);
        assert_int_equal(reached, rows[i].reached);
        text_fini(&t);
    }
    st->ops->close(st);
}

static bool count_entry(void *arg, const struct entry *e)
{
    (void)e;
    ++*(unsigned *)arg;
    return true;
}

static void a_long_journal_is_read_in_portions(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    enum { MANY = 1234 };
    static struct entry entries[MANY];
    static const struct entry *list[MANY];
    struct store_batch b = {.entries = list, .n = MANY};
    unsigned n = 0;

    for (size_t i = 0; i < MANY; i++) {
        entry_init(&entries[i]);
        entries[i].time_s = TIME_0;
        list[i] = &entries[i];
    }
    assert_int_equal(st->ops->apply(st, 0, &b), ERR_OK);
    assert_int_equal(st->ops->journal(st, &(struct journal_filter){0}, count_entry, &n), ERR_OK);
    assert_int_equal(n, MANY);
    st->ops->close(st);
}

static void pruning_removes_old_entries_and_never_state(void **state)
{
    struct fixture *f = *state;
    struct store *st;
    struct state *before, *after;
    struct seen seen = {.most = 64};
    uint64_t pruned = 99;

    write_scenario(f->path);
    st = open_store(f->path, STORE_SERVE);
    before = load_state(st);
    assert_int_equal(st->ops->prune(st, TIME_0, 100, &pruned), ERR_OK);
    assert_int_equal(pruned, 0);
    assert_int_equal(st->ops->prune(st, TIME_0 + 60, 3, &pruned), ERR_OK); /* 1 to 5 are older */
    assert_int_equal(pruned, 3);
    assert_int_equal(st->ops->prune(st, TIME_0 + 60, 3, &pruned), ERR_OK);
    assert_int_equal(pruned, 2);
    assert_int_equal(st->ops->prune(st, TIME_0 + 60, 3, &pruned), ERR_OK);
    assert_int_equal(pruned, 0);
    assert_int_equal(st->ops->journal(st, &(struct journal_filter){0}, note, &seen), ERR_OK);
    assert_int_equal(seen.n, SCENARIO_LEN - 5);
    assert_int_equal(seen.seqs[0], 6);
    assert_int_equal(st->ops->prune(st, INT64_MAX, 100, &pruned), ERR_OK); /* all: the position stays */
    assert_int_equal(pruned, SCENARIO_LEN - 5);
    assert_int_equal(st->ops->prune(st, INT64_MAX, 100, &pruned), ERR_OK);
    after = load_state(st);
    assert_same_state(before, after, DUMP_STATE);
    assert_int_equal(apply_scenario(st, 1), ERR_STALE);
    state_free(before);
    state_free(after);
    st->ops->close(st);
}

/* ---- others ---- */

static void a_shell_that_holds_the_write_lock_is_busy_not_fatal(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    sqlite3 *shell;

    assert_int_equal(sqlite3_open(f->path, &shell), SQLITE_OK);
    assert_int_equal(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(((struct sqlite_store *)st)->db, 1), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 1), ERR_BUSY);
    assert_int_equal(sqlite3_exec(shell, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(apply_scenario(st, 1), ERR_OK);
    assert_int_equal(sqlite3_close(shell), SQLITE_OK);
    st->ops->close(st);
}

/* ---- damage ---- */

static void assert_load_is_corrupt(const char *path)
{
    struct store *st = open_store(path, STORE_READ);
    struct state *s = NULL;
    struct text why;

    text_init(&why, 1000);
    assert_int_equal(state_new(&s, NULL), ERR_OK);
    assert_int_equal(st->ops->load(st, s, NULL, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.bytes, "damaged"));
    text_fini(&why);
    state_free(s);
    st->ops->close(st);
}

static void rows_that_do_not_fit_are_corrupt_not_trusted(void **state)
{
    static const char *const damages[] = {
        "UPDATE names SET owner = x'0377656204617574680765' WHERE id = 1", /* ends inside a label */
        "UPDATE names SET owner = x'' WHERE id = 1",
        "UPDATE names SET account = 77 WHERE id = 1",
        "UPDATE claims SET held = CAST(substr(held, 1, 42) || x'07' || substr(held, 44) AS BLOB)", /* its network */
        "UPDATE claims SET held = CAST(substr(held, 1, 10) || x'00990000' || substr(held, 15) AS BLOB)",
        "UPDATE claims SET held = CAST(substr(held, 1, 47) || x'63' || substr(held, 49) AS BLOB)", /* the door */
        "UPDATE claims SET held = CAST(x'00000002' || substr(held, 5) AS BLOB)",
        "UPDATE claims SET name = 99 WHERE name = 2",
        "UPDATE credentials SET networks = '192.0.2.0/240' WHERE id = 1",
        "DELETE FROM accounts WHERE id = 2",
        "DELETE FROM credentials WHERE id = 2",
        "INSERT INTO name_domains VALUES (99, 0, 'a.example')",
        "INSERT INTO zone_records VALUES (99, 0, x'00', 1, 1, x'')",
        "DELETE FROM meta",
        "INSERT INTO observations VALUES (99, 1, x'', 1)",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        char path[128];
        char name[32];
        (void)snprintf(name, sizeof name, "damaged-%zu.db", i);
        write_scenario(temp_path(&f->dir, path, name));
        run_sql(path, damages[i]);
        assert_load_is_corrupt(path);
    }
}

struct progress_seen {
    unsigned calls;
    uint64_t done, of;
};

static void see_progress(void *arg, const char *what, uint64_t done, uint64_t of)
{
    struct progress_seen *p = arg;

    (void)what;
    p->calls++;
    p->done = done;
    p->of = of;
}

static void a_long_load_reports_its_progress(void **state)
{
    struct fixture *f = *state;
    struct store *st;
    struct progress_seen seen = {0};
    struct store_progress p = {.report = see_progress, .arg = &seen};
    struct state *s = NULL;
    struct text why;

    write_scenario(f->path);
    run_sql(f->path, "WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 100100)"
                     " INSERT INTO accounts SELECT i, 'a' || i, '', 0, 0, 0, 0, 0 FROM n");
    st = open_store(f->path, STORE_READ);
    text_init(&why, 1000);
    assert_int_equal(state_new(&s, NULL), ERR_OK);
    assert_int_equal(st->ops->load(st, s, &p, &why), ERR_OK);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.done, 100000);
    assert_int_equal(seen.of, 100100);
    text_fini(&why);
    state_free(s);
    st->ops->close(st);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(after_every_change_a_reopened_store_loads_what_folding_gives),
        WITH_DIR(a_batch_of_many_entries_is_one_step),
        WITH_DIR(a_batch_that_follows_another_end_is_stale_and_writes_nothing),
        WITH_DIR(an_effect_that_does_not_fit_leaves_nothing_of_its_batch),
        WITH_DIR(observations_come_back_and_are_no_part_of_the_journal),
        WITH_DIR(the_file_is_private),
        WITH_DIR(a_second_server_is_refused_while_readers_are_not),
        WITH_DIR(a_store_that_was_shut_can_be_opened_anew_before_it_is_closed),
        WITH_DIR(a_newer_version_is_refused_with_the_way_out),
        WITH_DIR(what_is_no_store_is_refused_and_left_alone),
        WITH_DIR(a_migration_keeps_a_copy_of_the_version_before),
        WITH_DIR(the_journal_is_read_in_order_and_by_filter),
        WITH_DIR(reading_the_journal_stops_where_it_may_and_says_where),
        WITH_DIR(a_long_journal_is_read_in_portions),
        WITH_DIR(pruning_removes_old_entries_and_never_state),
        WITH_DIR(a_shell_that_holds_the_write_lock_is_busy_not_fatal),
        WITH_DIR(rows_that_do_not_fit_are_corrupt_not_trusted),
        WITH_DIR(a_long_load_reports_its_progress),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
