/* db/sqlite_restore.h -- the files of a restore. Inside src/db only, by restore.c. */
#ifndef DB_SQLITE_RESTORE_H
#define DB_SQLITE_RESTORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "db/sqlite_store.h"

#define RESTORE_PATH_MAX (STORE_PATH_MAX + 64)

/* Copy the octets of the open file into a new one that is private, and flush it; what a restore left there before
 * is removed. ERR_BUSY: it was written meanwhile; ERR_FULL, ERR_IO, ERR_MEMORY; *why has a sentence. */
MUST_USE enum err restore_copy(int from, const char *from_path, const char *to, struct text *why);
/* Remove a store that a restore made, with all that lies beside it. */
void restore_unlink(const char *path);
/* Another store from here on, whose journal ends at seq. */
MUST_USE enum err restore_restart(sqlite3 *db, uint64_t seq, int64_t time_s);
/* Put made, which is closed, in the place of path, and keep what is there, if anything, as `kept`, both whole: at
 * every moment there is one of them at path. ERR_IO, ERR_FULL: path has not changed. ERR_UNKNOWN: it
 * may have the old one again after a power cut. */
MUST_USE enum err restore_swap(const char *made, const char *path, const char *kept, struct text *why);

#endif
