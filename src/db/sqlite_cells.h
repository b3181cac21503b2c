/* db/sqlite_cells.h -- columns of rows packed into octets, so that they can be read after the statement has gone
 * on, and by another thread. Plain data; one thread at a time. Inside src/db only.
 *
 * A cell is its type, its length unless it is a number, and its octets; cells stand one behind the other, with no
 * mark between rows: who reads them knows what comes. What a reader takes is checked against the type and the end.
 */
#ifndef DB_SQLITE_CELLS_H
#define DB_SQLITE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum cell_type {
    CELL_INT = 1,
    CELL_BLOB,
    CELL_TEXT, /* a NUL stands behind it, which its length does not count */
};

/* Packed so far. Starts as {0}. */
struct cells {
    uint8_t *bytes;
    size_t len, cap;
};

/* Room for octets more, which are not zeroed. ERR_MEMORY: all is as before. */
MUST_USE enum err cells_reserve(struct cells *c, size_t octets);
/* ERR_MEMORY: all is as before. */
MUST_USE enum err cells_put_int(struct cells *c, int64_t v);
/* A blob or a text of len octets, less than 4 GiB; bytes may be NULL when there are none. ERR_MEMORY: as above. */
MUST_USE enum err cells_put_bytes(struct cells *c, enum cell_type type, const void *bytes, size_t len);
MUST_USE enum err cells_put_cells(struct cells *c, const struct cells *more); /* the same for all of more */
/* Put v in the place of the number that was put when len was `at`. */
void cells_set_int(struct cells *c, size_t at, int64_t v);
void cells_fini(struct cells *c); /* empty is fine; it is then as at the start */

/* What is left to be read; borrows the octets. */
struct cell_walk {
    const uint8_t *at, *end;
};

/* Take the next cell. False: it is of another type, or there is none; nothing is taken then. */
bool cell_take_int(struct cell_walk *w, int64_t *out);
bool cell_take_bytes(struct cell_walk *w, enum cell_type type, const uint8_t **bytes, size_t *len);

#endif
