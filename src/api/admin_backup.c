/* POST /v1/backup: a verified copy of the store, written beside it, sent, and gone with its descriptor. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/admin.h"
#include "api/admin_internal.h"
#include "base/crypto.h"
#include "base/log.h"

#define REPORT_MAX     ((size_t)4 << 10)
#define PATH_TEXT_MAX  1024
#define COUNT_TEXT_MAX 24
#define RANDOM_LEN     8
#define COPY_PREFIX    ".riposte-backup-"
#define TYPE_FILE      "application/octet-stream"

/* Of a path's folder, with the slash at its end; 0: the current one. */
static int folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? (int)(slash - path + 1) : 0;
}

/* A name beside the store that nobody has: the copy is as large as the store, and the store's file system has been
 * given the room. False: no random octets, or the path is too long. */
static bool name_copy(char out[PATH_TEXT_MAX], const char *store)
{
    uint64_t random = 0;
    int len;

    _Static_assert(sizeof random == RANDOM_LEN, "octets in the name");
    if (crypto_random(&random, sizeof random) != ERR_OK)
        return false;
    len = snprintf(out, PATH_TEXT_MAX, "%.*s" COPY_PREFIX "%016" PRIx64, folder_len(store), store, random);
    return len > 0 && len < PATH_TEXT_MAX;
}

static void reply_copy(struct http_request *rq, int fd, uint64_t entries, uint64_t names)
{
    char count[COUNT_TEXT_MAX];
    struct stat sb;

    if (fstat(fd, &sb) != 0) {
        (void)close(fd); /* was only read */
        http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, "the copy cannot be read", NULL);
        return;
    }
    http_reply_file(rq, 200, TYPE_FILE, fd, (uint64_t)sb.st_size);
    (void)snprintf(count, sizeof count, "%" PRIu64, entries);
    http_reply_header(rq, "Riposte-Changes", count);
    (void)snprintf(count, sizeof count, "%" PRIu64, names);
    http_reply_header(rq, "Riposte-Names", count);
}

static void backup(struct http_request *rq)
{
    const struct change_sink *sink = &http_services(rq)->sink;
    uint64_t entries = 0, names = 0;
    char path[PATH_TEXT_MAX];
    struct sink_status st;
    struct text why;
    int fd = -1;

    sink->status(sink->self, &st);
    text_init(&why, REPORT_MAX);
    if (!name_copy(path, st.store_path)) {
        text_put(&why, "no name can be made for the copy");
    } else if (sink->backup(sink->self, path, &entries, &names, &why) == ERR_OK) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            text_printf(&why, "the copy cannot be read: %s", strerror(errno));
        (void)unlink(path); /* the descriptor is enough */
    }
    if (fd >= 0)
        reply_copy(rq, fd, entries, names);
    else
        http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, why.bytes, NULL);
    text_fini(&why);
}

void admin_backup(struct http_request *rq)
{
    http_offload(rq, backup);
}

/* ---- what a server that did not end well has left ---- */

static void remove_copy(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0)
        log_event(LOG_INFO, "backup-leftover-removed", log_str("file", name));
    else
        log_event(LOG_WARN, "backup-leftover-stays", log_str("file", name), log_errno("reason", errno));
}

void admin_backup_sweep(const char *store_path)
{
    char folder[PATH_TEXT_MAX];
    int len = folder_len(store_path);
    const struct dirent *entry;
    DIR *dir;

    if (store_path[0] == '\0' || len >= PATH_TEXT_MAX)
        return; /* name_copy() made nothing there */
    (void)snprintf(folder, sizeof folder, "%.*s", len > 0 ? len : 1, len > 0 ? store_path : ".");
    dir = opendir(folder);
    if (dir == NULL)
        return; /* whoever needs the folder says so */
    while ((entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, COPY_PREFIX, strlen(COPY_PREFIX)) == 0)
            remove_copy(dirfd(dir), entry->d_name);
    (void)closedir(dir); /* was only read */
}
