/* What the disk and SQLite allow by themselves, to hold the server's updates against; one line of JSON.
 *
 *   disk_control sqlite FOLDER SECONDS GROUP ROWS   one UPDATE by text key each, GROUP of them a commit, in no
 * order over ROWS rows; WAL, synchronous FULL, as the server has it disk_control turn FOLDER SECONDS GROUP ROWS the
 * same in the order in which the rows lie: neighbours share their pages, which no clients do disk_control sync
 * FOLDER SECONDS BYTES PAUSE    append BYTES and fdatasync; then PAUSE ms of nothing, so that the disk and the
 * cores are as idle as they are for a lone update
 *
 * Makes a file of its own in FOLDER and removes it. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "options.h"
#include "questions.h"

#define SYNC_MOST (1 << 20)

/* `from` was read when it began. */
static void print(uint64_t updates, const struct histogram *h, const struct cpu_reading *from)
{
    const struct processes nobody = {0};
    struct cpu_reading to;

    cpu_read(&to, &nobody);
    (void)printf("{");
    cpu_print(stdout, from, &to);
    (void)printf("\"done\": %" PRIu64 ", \"commits\": %" PRIu64 ", ", updates, h->n);
    latency_print(stdout, h);
    (void)printf("}\n");
}

/* ---- SQLite ---- */

static void must(sqlite3 *db, int rc, const char *what)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        die("%s: %s", what, sqlite3_errmsg(db));
}

static void run(sqlite3 *db, const char *sql)
{
    must(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;

    must(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL), sql);
    return st;
}

/* key and value as text; both statements have them in this order. */
static void run_row(sqlite3 *db, sqlite3_stmt *st, const char *value, const char *key)
{
    must(db, sqlite3_bind_text(st, 1, value, -1, SQLITE_TRANSIENT), "bind");
    must(db, sqlite3_bind_text(st, 2, key, -1, SQLITE_TRANSIENT), "bind");
    must(db, sqlite3_step(st), "step");
    must(db, sqlite3_reset(st), "reset");
}

static sqlite3 *database_open(const char *path, uint64_t rows)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert;
    char key[BENCH_LABEL_LEN + 1], value[BENCH_VALUE_LEN + 1];

    must(db, sqlite3_open(path, &db), path);
    run(db, "PRAGMA journal_mode=WAL");
    run(db, "PRAGMA synchronous=FULL");
    run(db, "CREATE TABLE txt (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
    run(db, "BEGIN");
    insert = prepare(db, "INSERT INTO txt (value, name) VALUES (?, ?)");
    for (uint64_t i = 0; i < rows; i++) {
        bench_label(key, i);
        bench_value(value, i);
        run_row(db, insert, value, key);
    }
    must(db, sqlite3_finalize(insert), "finalize");
    run(db, "COMMIT");
    return db;
}

enum row_order { ROWS_MIXED, ROWS_IN_TURN };

struct sqlite_case {
    uint64_t group, rows;
    enum row_order order;
};

static void update_group(sqlite3 *db, sqlite3_stmt *update, const struct sqlite_case *c, uint64_t first)
{
    char key[BENCH_LABEL_LEN + 1], value[BENCH_VALUE_LEN + 1];

    for (uint64_t i = first; i < first + c->group; i++) {
        bench_label(key, (c->order == ROWS_MIXED ? mix64(i) : i) % c->rows);
        bench_value(value, c->rows + i);
        run_row(db, update, value, key);
    }
}

static void measure_sqlite(const char *path, double seconds, const struct sqlite_case *c)
{
    sqlite3 *db = database_open(path, c->rows);
    sqlite3_stmt *update = prepare(db, "UPDATE txt SET value = ? WHERE name = ?");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    uint64_t end_ns, done = 0, commit_ns;
    const struct processes nobody = {0};
    struct cpu_reading from;
    struct histogram *h = calloc(1, sizeof *h);

    if (h == NULL)
        die("no memory");
    cpu_read(&from, &nobody);
    end_ns = from.at_ns + (uint64_t)(seconds * NS_PER_S);
    while ((commit_ns = now_ns()) < end_ns) {
        must(db, sqlite3_step(begin), "BEGIN");
        must(db, sqlite3_reset(begin), "BEGIN");
        update_group(db, update, c, done);
        done += c->group;
        must(db, sqlite3_step(commit), "COMMIT");
        must(db, sqlite3_reset(commit), "COMMIT");
        histogram_add(h, now_ns() - commit_ns);
    }
    print(done, h, &from);
    must(db, sqlite3_finalize(update), "finalize");
    must(db, sqlite3_finalize(begin), "finalize");
    must(db, sqlite3_finalize(commit), "finalize");
    must(db, sqlite3_close(db), "close");
    free(h);
}

/* ---- the disk alone ---- */

static void measure_sync(const char *path, double seconds, uint64_t bytes, uint64_t pause_ms)
{
    const struct timespec pause = {.tv_nsec = (long)(pause_ms * NS_PER_MS)};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct processes nobody = {0};
    struct cpu_reading from;
    uint64_t end_ns, at_ns;
    struct histogram *h = calloc(1, sizeof *h);
    char *block = malloc(bytes);

    if (fd < 0 || block == NULL || h == NULL)
        die_errno(path);
    memset(block, 'x', bytes);
    cpu_read(&from, &nobody);
    end_ns = from.at_ns + (uint64_t)(seconds * NS_PER_S);
    while ((at_ns = now_ns()) < end_ns) {
        if (write(fd, block, bytes) != (ssize_t)bytes || fdatasync(fd) != 0)
            die_errno(path);
        histogram_add(h, now_ns() - at_ns);
        (void)nanosleep(&pause, NULL); /* about so long */
    }
    print(h->n, h, &from);
    (void)close(fd); /* synced */
    free(block);
    free(h);
}

static void forget(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char room[PATH_MAX + 8];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(room, sizeof room, "%s%s", path, ends[i]);
        (void)unlink(room); /* most are not there */
    }
}

int main(int argc, char **argv)
{
    struct sqlite_case c = {.order = argc > 1 && strcmp(argv[1], "turn") == 0 ? ROWS_IN_TURN : ROWS_MIXED};
    int is_sync = argc > 1 && strcmp(argv[1], "sync") == 0;
    char path[PATH_MAX];
    double seconds;

    if (argc != 6 || (!is_sync && strcmp(argv[1], "sqlite") != 0 && c.order == ROWS_MIXED))
        die("usage: disk_control sqlite|turn FOLDER SECONDS GROUP ROWS | sync FOLDER SECONDS BYTES PAUSE");
    (void)snprintf(path, sizeof path, "%s/disk_control.%d", argv[2], (int)getpid());
    seconds = option_seconds("SECONDS", argv[3]);
    if (is_sync) {
        measure_sync(path, seconds, option_number("BYTES", argv[4], 1, SYNC_MOST),
                     option_number("PAUSE", argv[5], 0, 999));
    } else {
        c.group = option_number("GROUP", argv[4], 1, 100000);
        c.rows = option_number("ROWS", argv[5], 1, 10000000);
        measure_sqlite(path, seconds, &c);
    }
    forget(path);
    return 0;
}
