/* db/store.h -- what is kept on disk: the journal, and the state that it folds to. Nothing outside src/db knows
 * SQL.
 *
 * A store is used by one thread (the committer's) except where a function says otherwise. A second implementation
 * fits behind struct store_ops without touching the rest; src/db/sqlite*.c is the first. */
#ifndef DB_STORE_H
#define DB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/change_sink.h"
#include "core/effect.h"
#include "core/state.h"

struct store;

/* Observations are written along with another batch: a credential's last use. */
struct observation {
    uint32_t credential;
    int64_t last_used_s;
    struct addr from;
    uint8_t door;
};

struct store_batch {
    const struct entry *const *entries; /* n of them, positions after+1 … after+n */
    size_t n;
    const struct observation *observations;
    size_t n_observations;
    int64_t last_backup_s; /* 0: as stored */
};

struct store_progress {
    void (*report)(void *arg, const char *what, uint64_t done, uint64_t of);
    void *arg;
};

struct store_ops {
    /* Fold everything that is stored into s (empty), in one consistent view; sets its position. ERR_CORRUPT,
     * ERR_IO, ERR_MEMORY; *why then says what and where. */
    MUST_USE enum err (*load)(struct store *st, struct state *s, const struct store_progress *p, struct text *why);
    /* Make a batch durable, all or nothing, if the journal still ends at `after`. Blocks for one fsync.
     * ERR_STALE: it ends elsewhere, nothing was written. ERR_BUSY, ERR_IO, ERR_FULL (disk), ERR_CORRUPT: nothing
     * was written. ERR_UNKNOWN: the commit itself failed; it may be there or not: close, open, load. */
    MUST_USE enum err (*apply)(struct store *st, uint64_t after, const struct store_batch *b);
    /* Bring the state tables nearer to the journal, by some hundred rows, which takes a millisecond or two: apply()
     * leaves claims and serials to this, so that many changes of a row are one write. After load(); s is the state
     * at the end of the journal. Nothing depends on when, or whether, it is called: what is in the journal only is
     * there for load() too. Blocks for no sync. ERR_BUSY, ERR_FULL, ERR_MEMORY: later; ERR_STALE: s is of another
     * position; ERR_UNKNOWN, ERR_IO, ERR_CORRUPT: as in apply(). */
    MUST_USE enum err (*fold)(struct store *st, const struct state *s);
    /* Changes in the journal from the first one on that the tables may not have, since load(); 0: none. */
    uint64_t (*unfolded)(const struct store *st);
    /* How long the COMMIT of the last apply() took: that is what waits for the disk. */
    int64_t (*sync_us)(const struct store *st);
    /* See change_sink.journal; own connection, any thread. */
    MUST_USE enum err (*journal)(struct store *st, const struct journal_filter *f, journal_visit *visit, void *arg);
    /* See change_sink.backup; own connection, any thread. */
    MUST_USE enum err (*backup)(struct store *st, const char *path, uint64_t *entries, uint64_t *names,
                                struct text *why);
    /* Delete journal entries older than before_s that the tables have, at most `most`. *pruned: how many. */
    MUST_USE enum err (*prune)(struct store *st, int64_t before_s, uint64_t most, uint64_t *pruned);
    /* Give the write-ahead log room, so that the syncs of commits are quicker: for a server, before the first
     * apply(). It works without; takes some milliseconds. */
    void (*make_room)(struct store *st);
    /* Move what is in the write-ahead log into the database; own connection, any thread. */
    MUST_USE enum err (*checkpoint)(struct store *st);
    uint64_t (*log_octets)(struct store *st); /* what checkpoint() would move, about; any thread */
    void (*size)(struct store *st, uint64_t *octets, uint64_t *free_octets,
                 int64_t *last_backup_s); /* any thread */
    /* Let go of the file and of the lock, so that it can be opened anew: load, apply, fold and prune must not be
     * called again. What other threads do on connections of their own goes on; close() is due when they have left.
     */
    void (*shut)(struct store *st);
    void (*close)(struct store *st); /* shuts and frees */
};

struct store {
    const struct store_ops *ops;
};

enum store_open_mode {
    STORE_SERVE /* create when missing, migrate, lock */,
    STORE_READ /* never write, no lock */
};

/* Open the SQLite file at path. On error *why has the thing, the reason and the way out, as sentences for people.
 * ERR_BUSY: another server has it; ERR_VERSION: written by a newer program; ERR_CORRUPT; ERR_IO. */
MUST_USE enum err store_open_sqlite(struct store **out, const char *path, enum store_open_mode mode,
                                    struct text *why);

/* riposte check store: integrity, foreign keys, and that the state tables are what the journal folds to (as far as
 * the journal reaches back). Findings, one a line, into report. ERR_CORRUPT: something is wrong; ERR_IO,
 * ERR_VERSION: could not look. */
MUST_USE enum err store_check_sqlite(const char *path, struct text *report);

#endif
