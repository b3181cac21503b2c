/* Copies of a store: of one moment, whole or not at all, and for a backup looked through before it gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite_store.h"

#define BUSY_TRIES     100
#define BUSY_WAIT_MS   50
#define PARTIAL_SUFFIX ".XXXXXX" /* of mkstemp() */
#define REPORT_OCTETS  ((size_t)64 << 10)

static enum err copy_pages(sqlite3 *to, sqlite3 *from)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc = SQLITE_BUSY;

    if (b == NULL)
        return sqlite_err(sqlite3_errcode(to));
    /* All pages in one step, which is one read transaction: changes that are made meanwhile stay outside of it. */
    for (int i = 0; i < BUSY_TRIES && (rc == SQLITE_BUSY || rc == SQLITE_LOCKED); i++) {
        if (i > 0)
            (void)sqlite3_sleep(BUSY_WAIT_MS); /* gives the milliseconds slept */
        rc = sqlite3_backup_step(b, -1);
    }
    (void)sqlite3_backup_finish(b); /* says again what the last step said */
    return rc == SQLITE_DONE ? ERR_OK : rc == SQLITE_OK ? ERR_IO : sqlite_err(rc);
}

/* Copy into the file that is at `to`, and make it one that stands alone, without a log beside it. */
static enum err copy_database(const char *from, const char *to, struct text *why)
{
    sqlite3 *in = NULL;
    sqlite3 *out = NULL;
    int rc;
    enum err e = conn_open(&in, from, CONN_READ, &rc);

    if (e == ERR_OK)
        e = conn_open(&out, to, CONN_SCRATCH, &rc);
    if (e == ERR_OK)
        e = copy_pages(out, in);
    if (e == ERR_OK)
        e = conn_exec(out, "PRAGMA journal_mode=DELETE");
    if (e != ERR_OK)
        text_printf(why, "cannot copy %s: %s", from, out != NULL ? sqlite3_errmsg(out) : sqlite3_errstr(rc));
    conn_close(&in);
    conn_close(&out);
    return e;
}

enum err store_file_flush(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int rc;

    if (fd < 0)
        return ERR_IO;
    rc = fsync(fd);
    if (close(fd) != 0)
        rc = -1;
    return rc == 0 ? ERR_OK : ERR_IO;
}

/* Give the finished file its name. Some file systems know no renaming that refuses; a second link does the same. */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return link(from, to) == 0 ? unlink(from) : -1;
}

static enum err say_exists(const char *to, struct text *why)
{
    text_printf(why, "%s exists already; a copy never replaces a file", to);
    return ERR_EXISTS;
}

static enum err name_copy(const char *partial, const char *to, enum copy_mode mode, struct text *why)
{
    int rc;

    if (store_file_flush(partial) != ERR_OK) {
        text_printf(why, "cannot flush %s to its disk: %s", partial, strerror(errno));
        return ERR_IO;
    }
    rc = mode == COPY_REPLACE ? rename(partial, to) : rename_new(partial, to);
    if (rc != 0 && errno == EEXIST)
        return say_exists(to, why);
    if (rc != 0 || sync_directory_of(to) != ERR_OK) {
        text_printf(why, "cannot give %s its name: %s", to, strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

/* An empty private file beside `to`. */
static enum err make_partial(char out[STORE_PATH_MAX + sizeof PARTIAL_SUFFIX], const char *to, struct text *why)
{
    int fd;

    (void)snprintf(out, STORE_PATH_MAX + sizeof PARTIAL_SUFFIX, "%s" PARTIAL_SUFFIX,
                   to); /* to is below the maximum */
    fd = mkostemp(out, O_CLOEXEC);
    if (fd < 0) {
        text_printf(why, "cannot write beside %s: %s", to, strerror(errno));
        out[0] = '\0';
        return ERR_IO;
    }
    (void)close(fd); /* nothing was written */
    return ERR_OK;
}

typedef enum err look_at_copy(const char *path, void *arg, struct text *why);

static enum err copy_file(const char *from, const char *path, enum copy_mode mode, look_at_copy *look, void *arg,
                          struct text *why)
{
    char to[STORE_PATH_MAX];
    char partial[STORE_PATH_MAX + sizeof PARTIAL_SUFFIX] = "";
    struct stat sb;
    enum err e = store_path_resolve(to, path, why);

    if (e != ERR_OK)
        return e;
    if (mode == COPY_REFUSE && lstat(to, &sb) == 0)
        return say_exists(to, why);
    e = make_partial(partial, to, why);
    if (e == ERR_OK)
        e = copy_database(from, partial, why);
    if (e == ERR_OK && look != NULL)
        e = look(partial, arg, why);
    if (e == ERR_OK)
        e = name_copy(partial, to, mode, why);
    if (e != ERR_OK && partial[0] != '\0')
        (void)unlink(partial); /* the first error is the one to tell */
    return e;
}

enum err sqlite_copy_file(const char *from, const char *to, enum copy_mode mode, struct text *why)
{
    return copy_file(from, to, mode, NULL, NULL, why);
}

struct counts {
    uint64_t *entries, *names;
};

static enum err count_copy(sqlite3 *db, const struct counts *counts)
{
    int64_t entries = 0;
    int64_t names = 0;
    enum err e = conn_number(db, "SELECT count(*) FROM journal", 0, &entries);

    if (e == ERR_OK)
        e = conn_number(db, "SELECT count(*) FROM names WHERE retired_s = 0", 0, &names);
    *counts->entries = (uint64_t)entries;
    *counts->names = (uint64_t)names;
    return e;
}

/* What riposte check store does, on the copy. */
static enum err verify_copy(const char *path, void *arg, struct text *why)
{
    struct text report;
    sqlite3 *db;
    int rc;
    enum err e = conn_open(&db, path, CONN_READ, &rc);

    text_init(&report, REPORT_OCTETS);
    if (e == ERR_OK)
        e = sqlite_check_db(db, &report);
    if (e == ERR_OK)
        e = count_copy(db, arg);
    if (e != ERR_OK)
        text_printf(why, "the copy is not sound, so it was not kept: %s",
                    report.len > 0 ? report.bytes : sqlite3_errstr(rc));
    conn_close(&db);
    text_fini(&report);
    return e;
}

enum err sqlite_backup(struct store *st, const char *path, uint64_t *entries, uint64_t *names, struct text *why)
{
    const struct sqlite_store *s = (const struct sqlite_store *)st;
    struct counts counts = {.entries = entries, .names = names};

    *entries = 0;
    *names = 0;
    return copy_file(s->path, path, COPY_REFUSE, verify_copy, &counts, why);
}
