/* Opening and closing the SQLite store. */
#include "db/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "db/sqlite_store.h"

static struct sqlite_store *self(struct store *st)
{
    return (struct sqlite_store *)st; /* its first member */
}

static enum err apply_with_clean_log(struct store *st, uint64_t after, const struct store_batch *b)
{
    struct sqlite_store *s = self(st);
    enum err e = ERR_OK;

    if (!s->log_is_clean)
        e = log_empty(s);
    return e == ERR_OK ? sqlite_apply(st, after, b) : e;
}

static enum err fold_with_clean_log(struct store *st, const struct state *state)
{
    struct sqlite_store *s = self(st);
    enum err e = ERR_OK;

    if (!s->log_is_clean)
        e = log_empty(s);
    return e == ERR_OK ? sqlite_fold(st, state) : e;
}

static uint64_t store_unfolded(const struct store *st)
{
    return waiting_changes(&((const struct sqlite_store *)st)->waiting);
}

static int64_t store_sync_us(const struct store *st)
{
    return ((const struct sqlite_store *)st)->sync_us;
}

static enum err prune_with_clean_log(struct store *st, int64_t before_s, uint64_t most, uint64_t *pruned)
{
    struct sqlite_store *s = self(st);
    enum err e = ERR_OK;

    *pruned = 0;
    if (!s->log_is_clean)
        e = log_empty(s);
    return e == ERR_OK ? sqlite_prune(st, before_s, most, pruned) : e;
}

static uint64_t file_octets(const char *path)
{
    struct stat sb;

    return stat(path, &sb) == 0 && sb.st_size > 0 ? (uint64_t)sb.st_size : 0;
}

static void store_size(struct store *st, uint64_t *octets, uint64_t *free_octets, int64_t *last_backup_s)
{
    struct sqlite_store *s = self(st);
    char log[STORE_PATH_MAX + 8];
    struct statvfs fs;

    (void)snprintf(log, sizeof log, "%s-wal", s->path);
    *octets = file_octets(s->path) + file_octets(log);
    *free_octets = statvfs(s->path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
    *last_backup_s = atomic_load_explicit(&s->last_backup_s, memory_order_relaxed);
}

static void store_shut(struct store *st)
{
    struct sqlite_store *s = self(st);

    (void)pthread_mutex_lock(&s->checkpoint_lock);
    s->shut = true;
    conn_close(&s->checkpoint_db);
    (void)pthread_mutex_unlock(&s->checkpoint_lock);
    apply_stmts_fini(&s->apply);
    /* To leave one file behind. When it does not work the log stays, and the next open reads it. */
    if (s->db != NULL && s->mode == STORE_SERVE)
        (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    conn_close(&s->db);
    store_lock_release(&s->lock_fd);
    waiting_fini(&s->waiting);
}

static void store_close(struct store *st)
{
    struct sqlite_store *s = self(st);

    store_shut(st);
    (void)pthread_mutex_destroy(&s->checkpoint_lock);
    free(s);
}

static const struct store_ops sqlite_ops = {
    .load = sqlite_load,
    .apply = apply_with_clean_log,
    .fold = fold_with_clean_log,
    .unfolded = store_unfolded,
    .sync_us = store_sync_us,
    .journal = sqlite_journal,
    .backup = sqlite_backup,
    .prune = prune_with_clean_log,
    .make_room = log_make_room,
    .checkpoint = log_checkpoint,
    .log_octets = log_octets,
    .size = store_size,
    .shut = store_shut,
    .close = store_close,
};

static enum err open_database(struct sqlite_store *s, struct text *why)
{
    int64_t version = 0;
    int rc;
    enum err e = conn_open(&s->db, s->path, s->mode == STORE_SERVE ? CONN_WRITE : CONN_READ, &rc);

    if (e != ERR_OK) {
        text_printf(why, "cannot open %s: %s", s->path, sqlite3_errstr(rc));
        if (e == ERR_CORRUPT)
            text_put(why, ". It is damaged or not a store of riposte; restore a backup, or name another file");
        return e;
    }
    e = schema_look(s->db, s->path, &store_migrations, &version, why);
    if (e == ERR_OK && version == 0 && s->mode == STORE_READ) {
        text_printf(why, "%s is empty: no server has made a store there yet", s->path);
        return ERR_CORRUPT;
    }
    if (e == ERR_OK && version < (int64_t)store_migrations.n && s->mode == STORE_READ) {
        text_printf(why, "%s has an older version; start riposte serve once to bring it up to date", s->path);
        return ERR_VERSION;
    }
    return e == ERR_OK && s->mode == STORE_SERVE ? schema_migrate(s->db, s->path, &store_migrations, version, why)
                                                 : e;
}

/* The log mode is kept in the file; setting it again changes nothing. */
static enum err use_log(struct sqlite_store *s, struct text *why)
{
    struct row r = {0};
    enum err e = conn_prepare(s->db, "PRAGMA journal_mode=WAL", &r.st);
    bool is_log = e == ERR_OK && row_next(&r) && strcmp(row_text(&r), "wal") == 0;

    (void)sqlite3_finalize(r.st); /* r.err has it */
    if (e == ERR_OK)
        e = r.err;
    if (e == ERR_OK && !is_log)
        e = ERR_IO;
    if (e != ERR_OK)
        text_printf(why,
                    "cannot use a write-ahead log for %s: %s (a store belongs on a local disk that can be written)",
                    s->path, sqlite3_errmsg(s->db));
    return e;
}

static enum err prepare(struct sqlite_store *s, struct text *why)
{
    int64_t last_backup_s = 0;
    enum err e = conn_number(s->db, "SELECT last_backup_s FROM meta", 0, &last_backup_s);

    atomic_store_explicit(&s->last_backup_s, last_backup_s, memory_order_relaxed);
    if (e == ERR_OK && s->mode == STORE_SERVE)
        e = apply_stmts_init(&s->apply, s->db);
    if (e != ERR_OK)
        text_printf(why, "cannot read %s: %s", s->path, sqlite3_errmsg(s->db));
    return e;
}

static enum err open_parts(struct sqlite_store *s, const char *path, struct text *why)
{
    enum err e = store_path_resolve(s->path, path, why);

    if (e == ERR_OK)
        e = store_file_make(s->path, s->mode, why);
    if (e == ERR_OK && s->mode == STORE_SERVE)
        e = store_lock_acquire(&s->lock_fd, s->path, why);
    if (e == ERR_OK)
        e = open_database(s, why);
    if (e == ERR_OK && s->mode == STORE_SERVE)
        e = use_log(s, why);
    if (e == ERR_OK)
        e = prepare(s, why);
    if (e != ERR_OK || s->mode != STORE_SERVE)
        return e;
    (void)sqlite3_wal_hook(s->db, log_note_pages, s); /* gives the old argument */
    if (log_empty(s) != ERR_OK)
        s->log_is_clean =
            false; /* a full disk or a long reader: reading works, and the first apply() tries again */
    return ERR_OK;
}

enum err store_open_sqlite(struct store **out, const char *path, enum store_open_mode mode, struct text *why)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    enum err e;

    *out = NULL;
    if (s == NULL) {
        text_put(why, "out of memory");
        return ERR_MEMORY;
    }
    s->store.ops = &sqlite_ops;
    s->mode = mode;
    s->lock_fd = -1;
    if (pthread_mutex_init(&s->checkpoint_lock, NULL) != 0) {
        free(s);
        text_put(why, "out of memory");
        return ERR_MEMORY;
    }
    e = open_parts(s, path, why);
    if (e == ERR_OK)
        *out = &s->store;
    else
        store_close(&s->store);
    return e;
}
