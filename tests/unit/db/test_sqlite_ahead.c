/* Rows that are read ahead: each comes once, whole, in its order, with its lists, whatever thread reads it; what
 * keeps from reading on comes behind all rows before; and the connection is free again at any end. */
#include "db/sqlite_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/scarce.h"

#define OK(e) assert_int_equal((e), ERR_OK)

#define MANY "60000" /* rows: more than all batches hold */

static const struct ahead_query queries[] = {
    {AHEAD_SELECT("id", "id, label, octets", "FROM things ORDER BY id"),
     {AHEAD_SELECT("thing", "octets", "FROM parts ORDER BY thing, place"),
      AHEAD_SELECT("thing", "thing, note", "FROM notes ORDER BY thing")}},
    {AHEAD_SELECT("id", "id", "FROM others ORDER BY id"), {NULL}},
};

static const struct ahead_query *query_at(size_t i)
{
    return i < ARRAY_LEN(queries) ? &queries[i] : NULL;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *said = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        print_message("%s: %s\n", sql, said);
    assert_null(said);
}

static int set_up(void **state)
{
    sqlite3 *db = NULL;

    assert_int_equal(
        sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
        SQLITE_OK);
    run_sql(db,
            "CREATE TABLE things (id INTEGER PRIMARY KEY, label, octets);"
            "CREATE TABLE parts (thing INTEGER, place INTEGER, octets, PRIMARY KEY (thing, place)) WITHOUT ROWID;"
            "CREATE TABLE notes (thing INTEGER PRIMARY KEY, note TEXT NOT NULL);"
            "CREATE TABLE others (id INTEGER PRIMARY KEY)");
    atomic_store(&threads.made, 0);
    atomic_store(&threads.has_none, 0);
    *state = db;
    return 0;
}

/* Nothing of the reading may be left. */
static int tear_down(void **state)
{
    sqlite3 *db = *state;

    assert_null(sqlite3_next_stmt(db, NULL));
    assert_int_equal(sqlite3_exec(db, "SELECT " AHEAD_PACK "(1)", NULL, NULL, NULL), SQLITE_ERROR);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return 0;
}

/* n things; every third has parts, as many as its id says modulo 4; every fifth has a note. */
static void fill(sqlite3 *db, const char *n)
{
    char sql[1000];

    (void)snprintf(sql, sizeof sql,
                   "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
                   " INSERT INTO things SELECT i, 'thing ' || i, CAST(printf('%%.20c', 'x') AS BLOB) FROM n;"
                   "INSERT INTO parts SELECT id, value, CAST(id || '/' || value AS BLOB) FROM things"
                   " JOIN (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3) ON value <= id %% 4 WHERE id %% 3 = 0;"
                   "INSERT INTO notes SELECT id, 'note ' || id FROM things WHERE id %% 5 = 0;"
                   "INSERT INTO others VALUES (-3), (8); COMMIT",
                   n);
    run_sql(db, sql);
}

static void expect_octets(struct row *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void expect_octets(struct row *r, const char *fmt, ...)
{
    const uint8_t *bytes;
    char want[100];
    va_list args;
    size_t len;

    va_start(args, fmt);
    (void)vsnprintf(want, sizeof want, fmt, args);
    va_end(args);
    bytes = row_blob(r, &len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(bytes, want, len);
}

/* The thing of fill() with this id. */
static void expect_thing(struct row *r, int64_t id)
{
    int64_t parts = id % 3 == 0 ? id % 4 : 0;
    char text[40];

    assert_int_equal(row_int(r), id);
    (void)snprintf(text, sizeof text, "thing %d", (int)id);
    assert_string_equal(row_text(r), text);
    expect_octets(r, "xxxxxxxxxxxxxxxxxxxx");
    assert_int_equal(row_int(r), parts);
    for (int i = 1; i <= parts; i++)
        expect_octets(r, "%d/%d", (int)id, i);
    assert_int_equal(row_int(r), id % 5 == 0);
    if (id % 5 == 0) {
        assert_int_equal(row_int(r), id);
        (void)snprintf(text, sizeof text, "note %d", (int)id);
        assert_string_equal(row_text(r), text);
    }
    OK(r->err);
    assert_ptr_equal(r->cells.at, r->cells.end);
}

/* All that fill() has made, and the end, which stays. */
static void expect_all(sqlite3 *db, const char *n)
{
    static const int64_t others[] = {-3, 8};
    struct ahead *a = NULL;
    struct row r = {0};
    size_t query = 99;

    OK(ahead_new(&a, db, query_at));
    for (int64_t id = 1; id <= strtol(n, NULL, 10); id++) {
        assert_true(ahead_next(a, &r, &query));
        assert_int_equal(query, 0);
        expect_thing(&r, id);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_true(ahead_next(a, &r, &query));
        assert_int_equal(query, 1);
        assert_int_equal(row_int(&r), others[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_false(ahead_next(a, &r, &query));
        OK(r.err);
    }
    assert_string_equal(ahead_said(a), "");
    ahead_free(&a);
    assert_null(a);
}

static void what_fits_into_one_batch_is_read_without_a_thread(void **state)
{
    fill(*state, "100");
    expect_all(*state, "100");
    assert_int_equal(threads.made, 0);
}

static void nothing_at_all_is_no_row(void **state)
{
    struct ahead *a = NULL;
    struct row r = {0};
    size_t query = 99;

    ahead_free(&a); /* is fine */
    OK(ahead_new(&a, *state, query_at));
    assert_false(ahead_next(a, &r, &query));
    OK(r.err);
    ahead_free(&a);
    OK(ahead_new(&a, *state, query_at));
    ahead_free(&a); /* also before the first row */
}

static void more_rows_than_all_batches_hold_come_through_one_thread(void **state)
{
    fill(*state, MANY);
    expect_all(*state, MANY);
    assert_int_equal(threads.made, 1);
    expect_all(*state, MANY); /* and once more on the same connection */
}

static void the_same_rows_come_when_there_can_be_no_thread(void **state)
{
    fill(*state, MANY);
    atomic_store(&threads.has_none, 1);
    expect_all(*state, MANY);
    assert_int_equal(threads.made, 0);
}

/* Before, between and behind many small ones: by its own columns, and by its list. */
static void a_row_larger_than_a_batch_comes_whole(void **state)
{
    static const int64_t ids[] = {1, 30000, 60000};
    struct ahead *a = NULL;
    struct row r = {0};
    size_t query, len;
    int64_t id = 0;
    size_t large = 0;

    fill(*state, MANY);
    run_sql(*state, "UPDATE things SET octets = zeroblob(5000000) WHERE id IN (1, 30000, 60000);"
                    "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 100009)"
                    " INSERT INTO parts SELECT 30000, i, CAST('30000/' || i AS BLOB) FROM n");
    OK(ahead_new(&a, *state, query_at));
    while (ahead_next(a, &r, &query) && query == 0) {
        if (++id != ids[large]) {
            expect_thing(&r, id);
            continue;
        }
        large += large + 1 < ARRAY_LEN(ids);
        assert_int_equal(row_int(&r), id);
        (void)row_text(&r);
        (void)row_blob(&r, &len);
        assert_int_equal(len, 5000000);
        if (id == 30000) {
            assert_int_equal(row_int(&r), 100000);
            for (int i = 10; i < 100010; i++)
                expect_octets(&r, "30000/%d", i);
            assert_int_equal(row_int(&r), 1);
            assert_int_equal(row_int(&r), 30000);
            assert_string_equal(row_text(&r), "note 30000");
        }
        OK(r.err);
    }
    assert_int_equal(id, 60000);
    ahead_free(&a);
}

/* Read to the end. Returns how many things came; they are those of fill(). */
static int64_t read_things(sqlite3 *db, enum err e, const char *said, size_t where)
{
    struct ahead *a = NULL;
    struct row r = {0};
    int64_t n = 0;
    size_t query = 99;

    OK(ahead_new(&a, db, query_at));
    while (ahead_next(a, &r, &query))
        if (query == 0)
            expect_thing(&r, ++n);
    assert_int_equal(r.err, e);
    assert_int_equal(query, where);
    if (said != NULL)
        assert_non_null(strstr(ahead_said(a), said));
    assert_false(ahead_next(a, &r, &query)); /* it stays */
    assert_int_equal(r.err, e);
    ahead_free(&a);
    return n;
}

static const struct damage {
    const char *sql;
    enum err e;
    int64_t rows; /* that come before it */
} damages[] = {
    {"INSERT INTO parts VALUES (-1, 1, x'')", ERR_CORRUPT, 0},
    {"INSERT INTO parts VALUES (0, 1, x'')", ERR_CORRUPT, 0},
    {"INSERT INTO parts VALUES (70000, 1, x'')", ERR_CORRUPT, 60000},
    {"INSERT INTO notes VALUES (70000, '')", ERR_CORRUPT, 60000},
    {"INSERT INTO notes VALUES (9223372036854775807, '')", ERR_CORRUPT, 60000},
    {"INSERT INTO parts VALUES (30003, 0, NULL)", ERR_CORRUPT, 29996}, /* met when the list before it ends */
    {"DELETE FROM things WHERE id = 59999; DELETE FROM things WHERE id = 60000", ERR_CORRUPT, 59998},
    {"UPDATE things SET label = NULL WHERE id = 30001", ERR_CORRUPT, 30000},
    {"UPDATE things SET label = 1.5 WHERE id = 30001", ERR_CORRUPT, 30000},
};

static void damage_comes_behind_all_rows_before_it(void **state)
{
    sqlite3 *db = *state;

    fill(db, MANY);
    for (size_t i = 0; i < 2 * ARRAY_LEN(damages); i++) {
        const struct damage *d = &damages[i / 2];
        atomic_store(&threads.has_none, i % 2 == 1);
        run_sql(db, "SAVEPOINT whole");
        run_sql(db, d->sql);
        assert_int_equal(read_things(db, d->e, NULL, 0), d->rows);
        run_sql(db, "ROLLBACK TO whole; RELEASE whole");
    }
}

static void a_table_that_is_not_there_is_said_in_sqlites_words(void **state)
{
    sqlite3 *db = *state;

    fill(db, MANY);
    run_sql(db, "DROP TABLE others");
    assert_int_equal(read_things(db, ERR_IO, "no such table: others", 1), 60000);
    run_sql(db, "DROP TABLE notes");
    assert_int_equal(read_things(db, ERR_IO, "no such table: notes", 0), 0);
}

static void a_column_of_another_type_than_is_asked_for_is_corrupt(void **state)
{
    struct ahead *a = NULL;
    struct row r = {0};
    struct row number, end;
    size_t query, len;

    run_sql(*state, "INSERT INTO things VALUES (1, 2, 3)");
    OK(ahead_new(&a, *state, query_at));
    assert_true(ahead_next(a, &r, &query));
    (void)row_int(&r);
    number = r;
    assert_string_equal(row_text(&number), "");
    assert_int_equal(number.err, ERR_CORRUPT);
    number = r;
    assert_null(row_blob(&number, &len));
    assert_int_equal(len, 0);
    assert_int_equal(number.err, ERR_CORRUPT);
    end = r;
    for (int i = 0; i < 4; i++)
        (void)row_int(&end);
    OK(end.err);
    (void)row_int(&end);
    assert_int_equal(end.err, ERR_CORRUPT);
    ahead_free(&a);
}

static void a_row_with_lists_over_the_limit_is_out_of_memory(void **state)
{
    fill(*state, "10");
    run_sql(*state, "INSERT INTO parts VALUES (10, 1, zeroblob(30000000)), (10, 2, zeroblob(30000000)),"
                    " (10, 3, zeroblob(30000000))");
    assert_int_equal(read_things(*state, ERR_MEMORY, NULL, 0), 9);
}

static void reading_can_end_anywhere(void **state)
{
    static const int64_t ends[] = {1, 2, 700, 1500, 20000, 59999, 60000};
    sqlite3 *db = *state;

    fill(db, MANY);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct ahead *a = NULL;
        struct row r = {0};
        size_t query;

        OK(ahead_new(&a, db, query_at));
        for (int64_t id = 1; id <= ends[i]; id++) {
            assert_true(ahead_next(a, &r, &query));
            expect_thing(&r, id);
        }
        ahead_free(&a);
        run_sql(db, "UPDATE others SET id = id"); /* the connection is ours again, with nothing open */
        assert_null(sqlite3_next_stmt(db, NULL));
    }
}

/* One try with n allocations. True: they were enough. */
static bool read_with(sqlite3 *db, long n)
{
    struct ahead *a = NULL;
    struct row r = {0};
    size_t query, rows = 0;
    long failed;
    enum err e;

    scarce_memory(n);
    e = ahead_new(&a, db, query_at);
    while (e == ERR_OK && ahead_next(a, &r, &query))
        rows++;
    failed = scarce_end();
    if (e == ERR_OK)
        e = r.err;
    assert_int_equal(e, failed > 0 ? ERR_MEMORY : ERR_OK);
    assert_true(failed > 0 || rows == 60002);
    ahead_free(&a);
    return failed == 0;
}

static void wherever_memory_runs_out_reading_ends_with_that(void **state)
{
    long n = 0;

    fill(*state, MANY);
    run_sql(*state, "UPDATE things SET octets = zeroblob(1000000) WHERE id IN (3, 30000)");
    while (!read_with(*state, n))
        n++;
    assert_true(n > 20); /* a batch each, at least */
}

int main(void)
{
#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DB(nothing_at_all_is_no_row),
        WITH_DB(what_fits_into_one_batch_is_read_without_a_thread),
        WITH_DB(more_rows_than_all_batches_hold_come_through_one_thread),
        WITH_DB(the_same_rows_come_when_there_can_be_no_thread),
        WITH_DB(a_row_larger_than_a_batch_comes_whole),
        WITH_DB(damage_comes_behind_all_rows_before_it),
        WITH_DB(a_table_that_is_not_there_is_said_in_sqlites_words),
        WITH_DB(a_column_of_another_type_than_is_asked_for_is_corrupt),
        WITH_DB(a_row_with_lists_over_the_limit_is_out_of_memory),
        WITH_DB(reading_can_end_anywhere),
        WITH_DB(wherever_memory_runs_out_reading_ends_with_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
