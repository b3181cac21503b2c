/* The files of a restore: the backup's octets into a new file, its journal's new beginning, and the step in which
 * one file takes the place of the other. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "db/sqlite_restore.h"

#define COPY_OCTETS ((size_t)256 << 10)
#define FILE_MODE   0600

static const char *const companions[] = {"-wal", "-shm", "-journal", "-lock"};

static void beside(char out[RESTORE_PATH_MAX], const char *path, const char *suffix)
{
    (void)snprintf(out, RESTORE_PATH_MAX, "%s%s", path, suffix); /* paths are below STORE_PATH_MAX */
}

void restore_unlink(const char *path)
{
    char name[RESTORE_PATH_MAX];

    (void)unlink(path); /* what is not there need not go; what cannot go is overwritten the next time */
    for (size_t i = 0; i < ARRAY_LEN(companions); i++) {
        beside(name, path, companions[i]);
        (void)unlink(name);
    }
    for (size_t v = 1; v < store_migrations.n; v++) {
        (void)snprintf(name, sizeof name, "%s.v%zu", path, v); /* kept before a migration */
        (void)unlink(name);
    }
}

/* ---- the octets ---- */

static enum err say_failed(const char *what, const char *path, struct text *why)
{
    int cause = errno;

    text_printf(why, "cannot %s %s: %s", what, path, strerror(cause));
    return cause == ENOSPC || cause == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err copy_octets(int from, const char *from_path, int to, const char *to_path, struct text *why)
{
    char *bytes = malloc(COPY_OCTETS);
    off_t at = 0;
    enum err e = ERR_OK;

    if (bytes == NULL) {
        text_put(why, "out of memory");
        return ERR_MEMORY;
    }
    while (e == ERR_OK) {
        ssize_t n = pread(from, bytes, COPY_OCTETS, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            break;
        if (n < 0)
            e = say_failed("read", from_path, why);
        else if (!fd_write_all(to, bytes, (size_t)n))
            e = say_failed("write", to_path, why);
        at += n;
    }
    free(bytes);
    return e;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

enum err restore_copy(int from, const char *from_path, const char *to, struct text *why)
{
    struct stat before, after;
    enum err e = ERR_OK;
    int fd;

    restore_unlink(to);
    if (fstat(from, &before) != 0)
        return say_failed("look at", from_path, why);
    fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return say_failed("make", to, why);
    e = copy_octets(from, from_path, fd, to, why);
    if (e == ERR_OK && fsync(fd) != 0)
        e = say_failed("flush", to, why);
    if (close(fd) != 0 && e == ERR_OK)
        e = say_failed("write", to, why);
    if (e == ERR_OK && fstat(from, &after) != 0)
        e = say_failed("look at", from_path, why);
    if (e == ERR_OK && (before.st_size != after.st_size || !is_same_time(&before.st_mtim, &after.st_mtim))) {
        text_printf(why, "%s was written while it was read: it is no backup, but somebody's database", from_path);
        e = ERR_BUSY;
    }
    return e;
}

/* ---- the journal's new beginning ---- */

enum err restore_restart(sqlite3 *db, uint64_t seq, int64_t time_s)
{
    sqlite3_stmt *st;
    enum err e = conn_prepare(db, "UPDATE meta SET store_id = randomblob(16), seq = ?, time_s = ?", &st);

    if (e == ERR_OK) {
        struct stmt_use u = stmt_begin(st);
        stmt_int(&u, (int64_t)seq);
        stmt_int(&u, time_s);
        e = stmt_run_one(&u);
    }
    (void)sqlite3_finalize(st); /* stmt_run_one() has told */
    return e;
}

/* ---- taking the place ---- */

/* Nothing may be left of the write-ahead log of a store that gives up its name: SQLite would play it into the file
 * that has the name then. A log that cannot be moved into its database stays with it. */
static void settle_log(const char *path)
{
    sqlite3 *db;
    int rc;

    if (conn_open(&db, path, CONN_WRITE, &rc) != ERR_OK)
        return;
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL); /* the file shows it */
    conn_close(&db); /* the last connection removes an empty log */
}

static enum err move_companion(const char *path, const char *kept, const char *suffix, struct text *why)
{
    char from[RESTORE_PATH_MAX], to[RESTORE_PATH_MAX];
    struct stat sb;

    beside(from, path, suffix);
    beside(to, kept, suffix);
    if (lstat(from, &sb) != 0)
        return errno == ENOENT ? ERR_OK : say_failed("look at", from, why);
    if (sb.st_size == 0)
        return unlink(from) == 0 ? ERR_OK : say_failed("remove", from, why);
    return rename(from, to) == 0 ? ERR_OK : say_failed("move away", from, why);
}

/* Also when there is no store: what lies beside the name would be taken for the new one's. */
static enum err put_aside(const char *path, const char *kept, struct text *why)
{
    char shared[RESTORE_PATH_MAX];
    struct stat sb;
    enum err e;

    if (lstat(path, &sb) == 0) {
        settle_log(path);
        if (link(path, kept) != 0)
            return say_failed("keep the present store as", kept, why);
    }
    e = move_companion(path, kept, "-wal", why);
    if (e == ERR_OK)
        e = move_companion(path, kept, "-journal", why);
    beside(shared, path, "-shm");
    if (e == ERR_OK && unlink(shared) != 0 && errno != ENOENT)
        e = say_failed("remove", shared, why);
    return e;
}

static bool has_log(const char *path)
{
    char log[RESTORE_PATH_MAX];
    struct stat sb;

    beside(log, path, "-wal");
    return lstat(log, &sb) == 0 && sb.st_size > 0;
}

enum err restore_swap(const char *made, const char *path, const char *kept, struct text *why)
{
    enum err e;

    if (has_log(made)) {
        text_printf(why, "the log of %s could not be moved into it", made);
        return ERR_IO;
    }
    if (store_file_flush(made) != ERR_OK)
        return say_failed("flush", made, why);
    e = put_aside(path, kept, why);
    if (e == ERR_OK && sync_directory_of(path) != ERR_OK)
        e = say_failed("flush the directory of", path, why);
    if (e != ERR_OK)
        return e;
    if (rename(made, path) != 0)
        return say_failed("give the restored store its name", path, why);
    if (sync_directory_of(path) == ERR_OK)
        return ERR_OK;
    (void)say_failed("flush the directory of", path, why);
    return ERR_UNKNOWN;
}
