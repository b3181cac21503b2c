/* db/sqlite_store.h -- the inside of the SQLite store: its object, its schema, and the parts that sqlite_*.c are
 * made of. Inside src/db only; who uses the store includes db/store.h. */
#ifndef DB_SQLITE_STORE_H
#define DB_SQLITE_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "db/sqlite_conn.h"
#include "db/sqlite_waiting.h"
#include "db/store.h"

#define STORE_APPLICATION_ID 0x52505354 /* "RPST", in the file's header: what file(1) and we recognize it by */
#define STORE_PATH_MAX       4096

/* The statements of apply(), prepared once a connection. */
enum apply_stmt {
    STMT_BEGIN,
    STMT_POSITION,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_JOURNAL,
    STMT_META,
    STMT_BACKUP,
    STMT_OBSERVE,
    STMT_CLAIMS_PUT,
    STMT_CLAIMS_END,
    STMT_NAME_PUT,
    STMT_NAME_DOMAINS_CLEAR,
    STMT_NAME_DOMAIN_PUT,
    STMT_ACCOUNT_PUT,
    STMT_CREDENTIAL_PUT,
    STMT_CREDENTIAL_NAMES_CLEAR,
    STMT_CREDENTIAL_NAME_PUT,
    STMT_SECRET_PUT,
    STMT_SECRET_END,
    STMT_GRANT_PUT,
    STMT_GRANT_END,
    STMT_TOKEN_PUT,
    STMT_ALIAS_PUT,
    STMT_ALIAS_SERIAL,
    STMT_ALIAS_END,
    STMT_ZONE_PUT,
    STMT_ZONE_REMOVE,
    STMT_ZONE_SERIAL,
    STMT_ZONE_RECORDS_CLEAR,
    STMT_ZONE_RECORD_PUT,
    STMT_COUNT
};

struct apply_stmts {
    sqlite3 *db; /* borrowed */
    sqlite3_stmt *st[STMT_COUNT];
};

MUST_USE enum err apply_stmts_init(struct apply_stmts *s, sqlite3 *db); /* after an error fini is still due */
void apply_stmts_fini(struct apply_stmts *s);
/* Write one effect into the state tables; inside a transaction. None of a claim: see sqlite_claims.c. */
MUST_USE enum err effect_write(struct apply_stmts *s, const struct effect *f);

struct sqlite_store {
    struct store store;        /* what callers see; first */
    char path[STORE_PATH_MAX]; /* of the file, with no link in its directory part */
    enum store_open_mode mode;
    int lock_fd; /* -1: none */
    /* The connection of the thread that owns the store. */
    sqlite3 *db;
    struct apply_stmts apply;
    bool log_is_clean;      /* nothing is in the write-ahead log that may not be on disk: see sqlite.c */
    bool has_failed;        /* so that nothing more is written to such a log */
    int64_t sync_us;        /* the last COMMIT took so long */
    struct waiting waiting; /* rows to be folded: since load(), which says what was left to fold */
    bool is_loaded;
    /* The connection that checkpoint() uses, opened by its first call. */
    pthread_mutex_t checkpoint_lock;
    sqlite3 *checkpoint_db;
    bool shut; /* guarded by checkpoint_lock */
    /* For any thread. */
    _Atomic int log_pages, moved_pages; /* in the log, and of these in the database too */
    _Atomic bool is_nearly_moved;       /* so many that the next commit is to move the last */
    _Atomic int64_t last_backup_s;
};

/* ---- sqlite_file.c ---- */

/* The path with a directory part that has no links. ERR_IO with a sentence. */
MUST_USE enum err store_path_resolve(char out[STORE_PATH_MAX], const char *path, struct text *why);
/* See that there is a regular file, for STORE_SERVE by making an empty one with mode 0600. ERR_IO with a sentence.
 */
MUST_USE enum err store_file_make(const char *path, enum store_open_mode mode, struct text *why);

/* Take the lock of whoever serves path: an flock on path + "-lock", which goes away with the process. ERR_BUSY,
 * ERR_IO, with a sentence in *why. */
MUST_USE enum err store_lock_acquire(int *fd, const char *path, struct text *why);
void store_lock_release(int *fd); /* -1 is fine */
/* Flush the directory that holds path, so that a new name in it lasts. ERR_IO, with errno. */
MUST_USE enum err sync_directory_of(const char *path);

/* ---- sqlite_schema.c ---- */

struct migration {
    const char *const *sql;
    size_t n;
    const char *since; /* the first program version that reads the result; for the sentence of an older program */
};

struct migrations {
    const struct migration *steps; /* steps[i] makes version i + 1 */
    size_t n;
};

extern const struct migrations store_migrations;

/* Look at application id and version. *version: 0 for an empty file. ERR_VERSION, ERR_CORRUPT with a sentence in
 * *why. */
MUST_USE enum err schema_look(sqlite3 *db, const char *path, const struct migrations *m, int64_t *version,
                              struct text *why);
/* Bring the schema to the newest version, one transaction a step; before the first step of a store that holds
 * something its file is copied to path.vN. */
MUST_USE enum err schema_migrate(sqlite3 *db, const char *path, const struct migrations *m, int64_t version,
                                 struct text *why);

/* ---- sqlite_log.c ---- */

/* Move the log into the database and cut it to nothing. ERR_BUSY: somebody reads from it. */
MUST_USE enum err log_empty(struct sqlite_store *s);
int log_note_pages(void *arg, sqlite3 *db, const char *schema, int pages); /* for sqlite3_wal_hook */
void log_make_room(struct store *st);                                      /* these three: see struct store_ops */
MUST_USE enum err log_checkpoint(struct store *st);
uint64_t log_octets(struct store *st);
/* Before a commit: move what a checkpoint has left, if that is little, so that the log begins anew. */
void log_move_last(struct sqlite_store *s);

/* ---- sqlite_claims.c ---- */

/* Add to held the effects that would add the claims of a name, of the oldest value first. They point into the
 * state. ERR_MEMORY. */
MUST_USE enum err claims_of(const struct state *s, uint32_t name, struct entry *held);
/* Write the row of a name as the state has it; inside a transaction. *n: so many claims. */
MUST_USE enum err claims_write(struct apply_stmts *a, const struct state *s, uint32_t name, size_t *n);
/* Read what a row holds, from its format on. Errors as of effects_decode(). */
MUST_USE enum err claims_read(struct row *r, uint32_t name, struct entry *held);
void claims_sort(struct entry *held); /* by slot */

/* ---- sqlite_fold.c ---- */

/* Inside a transaction: write some hundred of the rows that wait, as the state has them, which is that at the end
 * of the journal, and note how far the tables are then. *n: so many, from the first on. */
MUST_USE enum err fold_portion(struct apply_stmts *a, const struct state *s, const struct waiting *w, size_t *n);

/* ---- sqlite_load.c, sqlite_apply.c, sqlite_journal.c, sqlite_backup.c, sqlite_check.c ---- */

MUST_USE enum err sqlite_load(struct store *st, struct state *s, const struct store_progress *p, struct text *why);
/* The same on a connection that is inside a transaction; waiting (NULL: nobody folds) is to have what the tables do
 * not have yet. */
MUST_USE enum err sqlite_load_from(sqlite3 *db, struct state *s, struct waiting *waiting,
                                   const struct store_progress *p, struct text *why);
MUST_USE enum err sqlite_apply(struct store *st, uint64_t after, const struct store_batch *b);
MUST_USE enum err sqlite_fold(struct store *st, const struct state *s);
/* How far the tables are, and where the journal ends. */
MUST_USE enum err apply_position(struct apply_stmts *a, uint64_t *folded, uint64_t *end);
MUST_USE enum err sqlite_prune(struct store *st, int64_t before_s, uint64_t most, uint64_t *pruned);
MUST_USE enum err sqlite_journal(struct store *st, const struct journal_filter *f, journal_visit *visit, void *arg);
/* Read one entry of SELECT JOURNAL_COLUMNS; e is initialized by the caller, who finishes it too. */
#define JOURNAL_COLUMNS "seq, time_s, account, credential, door, client, request_id, format, effects"
MUST_USE enum err journal_row(struct row *r, struct entry *e);
MUST_USE enum err sqlite_backup(struct store *st, const char *path, uint64_t *entries, uint64_t *names,
                                struct text *why);
enum copy_mode { COPY_REFUSE /* ERR_EXISTS when there is a file */, COPY_REPLACE };
/* Copy the database at `from` (as it is at one moment, also while it is written) into a single file `to`, and flush
 * it: `to` appears whole or not at all. On error *why has a sentence. */
MUST_USE enum err sqlite_copy_file(const char *from, const char *to, enum copy_mode mode, struct text *why);
/* Flush a file to its disk. ERR_IO, with errno. */
MUST_USE enum err store_file_flush(const char *path);
/* Findings, one a line, into report. ERR_CORRUPT: there are some; else what kept us from looking. */
MUST_USE enum err sqlite_check_db(sqlite3 *db, struct text *report);

#endif
