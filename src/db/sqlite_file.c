/* Files of the SQLite store: where it is, that it is private, and who serves it.
 *
 * One server a store. SQLite's own locks come and go with transactions, so that backup, check and a shell can work
 * beside a server; the lock here says who serves. It lies on a file of its own because closing any descriptor of
 * the database would drop the POSIX locks that SQLite has on it. That file stays: removing it would let two servers
 * lock two files. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite_store.h"

#define LOCK_SUFFIX "-lock"

/* The directory part without links, so that two names of one store are one lock, and O_NOFOLLOW guards the file
 * itself. */
enum err store_path_resolve(char out[STORE_PATH_MAX], const char *path, struct text *why)
{
    char first[PATH_MAX];
    char second[PATH_MAX];
    char directory[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof first || path[len - 1] == '/') {
        text_printf(why, "\"%s\" cannot be the path of a store", path);
        return ERR_IO;
    }
    memcpy(first, path, len + 1);
    memcpy(second, path, len + 1);
    if (realpath(dirname(first), directory) == NULL) {
        text_printf(why, "cannot use %s: its directory: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (snprintf(out, STORE_PATH_MAX, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, basename(second)) >=
        STORE_PATH_MAX - 32) { /* room for the suffixes of the files beside it */
        text_printf(why, "the path %s is too long", path);
        return ERR_IO;
    }
    return ERR_OK;
}

/* Make the file, so that it is never readable for others; SQLite gives the log the same mode. A file that is there
 * is only looked at: opening and closing it could drop locks that SQLite holds on it in this process. */
enum err store_file_make(const char *path, enum store_open_mode mode, struct text *why)
{
    struct stat sb;
    int fd;

    if (lstat(path, &sb) == 0) {
        if (S_ISREG(sb.st_mode))
            return ERR_OK;
        text_printf(why, "%s is not a regular file", path);
        return ERR_IO;
    }
    if (errno != ENOENT || mode != STORE_SERVE) {
        text_printf(why, "cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        text_printf(why, "cannot create %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    (void)close(fd); /* nothing was written */
    return ERR_OK;
}

enum err store_lock_acquire(int *fd, const char *path, struct text *why)
{
    char name[STORE_PATH_MAX + sizeof LOCK_SUFFIX];

    (void)snprintf(name, sizeof name, "%s" LOCK_SUFFIX, path); /* fits: paths are below STORE_PATH_MAX */
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0) {
        text_printf(why, "cannot open the lock file %s: %s", name, strerror(errno));
        return ERR_IO;
    }
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        int cause = errno;

        if (cause == EINTR)
            continue;
        store_lock_release(fd);
        if (cause == EWOULDBLOCK) {
            text_printf(why, "%s is in use: another riposte process serves it or works on it. Stop that one first",
                        path);
            return ERR_BUSY;
        }
        text_printf(why, "cannot lock %s: %s (a store belongs on a local disk)", name, strerror(cause));
        return ERR_IO;
    }
    return ERR_OK;
}

void store_lock_release(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was written to it */
    *fd = -1;
}

enum err sync_directory_of(const char *path)
{
    char copy[PATH_MAX];
    int fd;
    int rc;

    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ERR_IO;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    rc = fsync(fd);
    (void)close(fd); /* nothing was written through it */
    return rc == 0 ? ERR_OK : ERR_IO;
}
