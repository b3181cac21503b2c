/* The store's write-ahead log: emptying it, its room, moving it into the database.
 *
 * After a failure: when an fsync has failed, the kernel may hold pages of the log as clean that are not on disk.
 * Commits appended to such a log would be acknowledged and, after a power cut, unreadable, because each frame's
 * checksum continues the one before. So a store that was just opened commits nothing before what it found in the
 * log has been moved into the database and flushed there, and the log is empty (log_is_clean).
 *
 * Its room: a sync of a file that has grown writes its size and the place of its new blocks too, which takes as
 * long again. So for whoever serves the empty log is written full of zeros, which are no frames to whoever reads
 * it, and it is begun anew before it is much longer than that.
 *
 * Beginning anew: SQLite does it at the first commit that finds everything moved. Under a steady load a checkpoint
 * beside the commits never quite gets there, and the log would only grow. So when little is left, the next commit
 * moves that first. */
#include "db/sqlite_store.h"

#define PAGE_OCTETS 4096
#define ROOM_OCTETS ((sqlite3_int64)8 << 20)
#define LAST_PAGES  256 /* so few are left to the next commit: about a millisecond of its time */

static int log_pages(struct sqlite_store *s)
{
    return atomic_load_explicit(&s->log_pages, memory_order_relaxed);
}

/* Runs inside each commit, in the thread of the store's owner. */
int log_note_pages(void *arg, sqlite3 *db, const char *schema, int pages)
{
    struct sqlite_store *s = arg;

    (void)db;
    (void)schema;
    atomic_store_explicit(&s->log_pages, pages, memory_order_relaxed);
    return SQLITE_OK;
}

/* Move the log into the database and cut it to nothing. */
enum err log_empty(struct sqlite_store *s)
{
    enum err e = sqlite_err(sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));

    if (e == ERR_OK) {
        s->log_is_clean = true;
        atomic_store_explicit(&s->log_pages, 0, memory_order_relaxed);
        atomic_store_explicit(&s->moved_pages, 0, memory_order_relaxed);
    }
    return e;
}

/* A page at a time: the kernel keeps what one write brings as one piece, and later writes all of a piece of which
 * an octet has changed. */
static enum err write_zeros(sqlite3_file *log)
{
    static const uint8_t zeros[PAGE_OCTETS];
    enum err e = ERR_OK;

    for (sqlite3_int64 at = 0; e == ERR_OK && at < ROOM_OCTETS; at += PAGE_OCTETS)
        e = sqlite_err(log->pMethods->xWrite(log, zeros, PAGE_OCTETS, at));
    return e == ERR_OK ? sqlite_err(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL)) : e;
}

/* The caller has the write lock. */
static void fill_log(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    sqlite3_int64 octets = 0;

    if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log) != SQLITE_OK || log == NULL ||
        log->pMethods == NULL || log->pMethods->xFileSize(log, &octets) != SQLITE_OK || octets > 0)
        return;
    if (write_zeros(log) != ERR_OK)
        (void)log->pMethods->xTruncate(log, 0); /* of a full disk nothing is taken; what stays does no harm */
}

/* Inside a transaction, so that nobody commits into what is being filled: a shell may. */
void log_make_room(struct store *st)
{
    struct sqlite_store *s = (struct sqlite_store *)st;

    if (!s->log_is_clean || conn_exec(s->db, "BEGIN IMMEDIATE") != ERR_OK)
        return;
    fill_log(s->db);
    if (conn_exec(s->db, "ROLLBACK") != ERR_OK)
        s->has_failed = true; /* the next BEGIN fails too, which is when it is told */
}

enum err log_checkpoint(struct store *st)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    int pages = 0;
    int moved = 0;
    int rc = SQLITE_OK;
    enum err e = ERR_OK;

    (void)pthread_mutex_lock(&s->checkpoint_lock); /* a plain mutex: fails for misuse only */
    if (s->checkpoint_db == NULL && !s->shut)
        e = conn_open(&s->checkpoint_db, s->path, CONN_WRITE, &rc);
    if (e == ERR_OK && s->checkpoint_db != NULL)
        rc = sqlite3_wal_checkpoint_v2(s->checkpoint_db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    (void)pthread_mutex_unlock(&s->checkpoint_lock);
    if (rc == SQLITE_OK) {
        atomic_store_explicit(&s->moved_pages, moved, memory_order_relaxed);
        atomic_store_explicit(&s->is_nearly_moved, moved > 0 && log_pages(s) - moved <= LAST_PAGES,
                              memory_order_relaxed);
    }
    return sqlite_err(rc);
}

void log_move_last(struct sqlite_store *s)
{
    int pages = 0;
    int moved = 0;

    if (!atomic_exchange_explicit(&s->is_nearly_moved, false, memory_order_relaxed))
        return;
    /* Should it fail, the next checkpoint does too, and says so. */
    if (sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved) == SQLITE_OK)
        atomic_store_explicit(&s->moved_pages, moved, memory_order_relaxed);
}

/* A log that is shorter than what was moved out of it has begun anew since then. */
uint64_t log_octets(struct store *st)
{
    int pages = log_pages((struct sqlite_store *)st);
    int moved = atomic_load_explicit(&((struct sqlite_store *)st)->moved_pages, memory_order_relaxed);

    return (uint64_t)(pages >= moved ? pages - moved : pages) * PAGE_OCTETS;
}
