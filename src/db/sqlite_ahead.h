/* db/sqlite_ahead.h -- rows of several queries, one query after the other, each row with the rows of other tables
 * that belong to it, read ahead by a thread of its own: SQLite steps while the caller makes something of the rows
 * before. Inside src/db only.
 *
 * From the first ahead_next() until ahead_free() the connection belongs to the reading: nobody else may use it. So
 * all is read in the transaction that the caller has begun on it, as one consistent view. The rest is for one
 * thread, the caller's. Rows come packed, in batches of some tens of KiB, of which there are a few: the reading
 * waits when all are full. A row and its lists are never divided; a batch grows for a large one, up to
 * AHEAD_ROW_MAX.
 *
 * What fits into one batch is read by the caller, with no thread; so is everything when none can be made. */
#ifndef DB_SQLITE_AHEAD_H
#define DB_SQLITE_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/sqlite_conn.h"

#define AHEAD_LISTS    2
#define AHEAD_ROW_MAX  ((size_t)64 << 20) /* octets of one row with its lists, packed */
#define AHEAD_SAID_MAX 256

/* A query of them: each row is its number, and its columns, packed, which are numbers, blobs or texts; a NULL is
 * damage. All three are string literals. */
#define AHEAD_SELECT(number, columns, rest) "SELECT " number ", " AHEAD_PACK "(" columns ") " rest
#define AHEAD_PACK                          "riposte_pack" /* the SQL function that packs */

struct ahead_query {
    const char *sql; /* of AHEAD_SELECT; ordered by its number, the row's id */
    /* The same for the rows that belong to those; their number is the id of whose they are. NULL: no list. A row
     * that belongs to nobody is damage. */
    const char *lists[AHEAD_LISTS];
};

/* The i-th query, which lives as long as the reading; NULL: there are no more. Called by either thread. */
typedef const struct ahead_query *ahead_query_at(size_t i);

struct ahead;

/* Begin to read; db has the function AHEAD_PACK until ahead_free(). ERR_MEMORY, ERR_BUSY; *out is then NULL. */
MUST_USE enum err ahead_new(struct ahead **out, sqlite3 *db, ahead_query_at *query_at);
/* The next row: *query is whose, and r takes its columns in their order; behind them, for each list of the query, a
 * number and as many rows. What r gives is valid until the next call. r starts as {0}.
 * False: there are no more, or r->err is set: ERR_CORRUPT, ERR_IO, ERR_MEMORY, ERR_BUSY; *query is then where. Rows
 * before that one have all been given. */
bool ahead_next(struct ahead *a, struct row *r, size_t *query);
/* What SQLite said about the error that ahead_next() has left in its row; "" for none. Valid until ahead_free(). */
const char *ahead_said(const struct ahead *a);
/* End the reading, also in the middle, wait for its thread, and give the connection back with no statement of ours
 * left. NULL is fine; sets it to NULL. */
void ahead_free(struct ahead **a);

#endif
