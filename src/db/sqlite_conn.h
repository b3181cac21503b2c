/* db/sqlite_conn.h -- what every use of SQLite here shares: hardened connections, prepared statements that are
 * bound in order and checked once, and the one place where SQLite's result codes become an enum err. Inside src/db
 * only.
 *
 * A connection and its statements are used by one thread at a time (SQLITE_OPEN_NOMUTEX). */
#ifndef DB_SQLITE_CONN_H
#define DB_SQLITE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "core/name.h"
#include "db/sqlite_cells.h"

#define SQLITE_BUSY_MS 5000 /* somebody's shell may hold a lock for a moment */

/* SQLITE_OK, _ROW and _DONE are ERR_OK. */
enum err sqlite_err(int rc);

enum conn_mode {
    CONN_WRITE,   /* the committer's: WAL, synchronous FULL, no automatic checkpoints */
    CONN_READ,    /* never writes */
    CONN_SCRATCH, /* an unnamed temporary database, or a copy that nobody else knows: nothing needs to last */
};

/* Open with defensive settings. ERR_BUSY, ERR_IO, ERR_CORRUPT, ERR_MEMORY; *db is then NULL, and *rc has SQLite's
 * code. */
MUST_USE enum err conn_open(sqlite3 **db, const char *path, enum conn_mode mode, int *rc);
void conn_close(sqlite3 **db); /* NULL is fine; sets it to NULL */

/* Run a statement of ours that needs no values. */
MUST_USE enum err conn_exec(sqlite3 *db, const char *sql);
/* The first column of the first row, as a number; fallback when there is no row. */
MUST_USE enum err conn_number(sqlite3 *db, const char *sql, int64_t fallback, int64_t *out);
MUST_USE enum err conn_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* Read position and time of the end of the journal. */
MUST_USE enum err conn_position(sqlite3 *db, uint64_t *seq, int64_t *time_s);

/* One use of a prepared statement: values in the order of their question marks; the first error is remembered. What
 * is bound must live until the statement has run. */
struct stmt_use {
    sqlite3_stmt *st;
    int at;
    int rc;
};

struct stmt_use stmt_begin(sqlite3_stmt *st);
void stmt_int(struct stmt_use *u, int64_t v);
void stmt_blob(struct stmt_use *u, const void *bytes, size_t len); /* empty is an empty blob, never NULL */
void stmt_text(struct stmt_use *u, const char *text);
void stmt_name(struct stmt_use *u, const struct name *n);
void stmt_addr(struct stmt_use *u, const struct addr *a); /* 0, 1, 4 or 16 octets: none, local, IPv4, IPv6 */
/* Networks as text, with blanks between them. ERR_MEMORY is remembered as SQLITE_NOMEM. */
void stmt_nets(struct stmt_use *u, const struct net *nets, size_t n);
/* Run a statement that gives no rows, and make it ready for its next use. */
MUST_USE enum err stmt_run(struct stmt_use *u);
/* The same, and exactly one row must have been concerned, else ERR_CORRUPT. */
MUST_USE enum err stmt_run_one(struct stmt_use *u);

/* A row of a query: columns are taken in order, numbers are checked against the range of their type; the first
 * thing that does not fit is remembered in err. What is given is valid until the next step. */
struct row {
    sqlite3_stmt *st;
    int at;
    enum err err;
    struct cell_walk cells; /* without a statement: what is left of a packed row (db/sqlite_ahead.h) */
};

/* Step to the next row of a statement. False: no more rows, or r->err is set. */
bool row_next(struct row *r);
int64_t row_int(struct row *r);
int64_t row_int_to(struct row *r, int64_t max); /* 0..max */
uint32_t row_u32(struct row *r);
bool row_bool(struct row *r);
const uint8_t *row_blob(struct row *r, size_t *len);
const char *row_text(struct row *r); /* NUL-terminated, without a NUL inside */
void row_name(struct row *r, struct name *out);
void row_addr(struct row *r, struct addr *out);
/* Networks of stmt_nets() into *nets (cap of *cap, grown as needed; the caller frees it in the end). */
size_t row_nets(struct row *r, struct net **nets, size_t *cap);

/* Grow *array (of *cap elements of size) to hold at least n. ERR_MEMORY. */
MUST_USE enum err array_reserve(void **array, size_t *cap, size_t n, size_t size);

#endif
