#include "cli/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"

#define DIGITS    ((size_t)2 * SEAL_KEY_LEN)
#define FILE_LEN  (DIGITS + 1) /* with the line feed */
#define FILE_MODE 0600
#define OTHERS    077
#define PATH_MAX_ ((size_t)4096)

/* ---- reading ---- */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

static bool parse(struct seal_key *out, const char *text, size_t len)
{
    if (len != DIGITS && !(len == FILE_LEN && text[DIGITS] == '\n'))
        return false;
    for (size_t i = 0; i < SEAL_KEY_LEN; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum err read_open(struct seal_key *out, int fd, const char *path, struct text *why)
{
    char text[FILE_LEN + 1]; /* one more shows that there is more */
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;
    bool good;

    if (fstat(fd, &st) != 0) {
        text_printf(why, "cannot look at %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & OTHERS) != 0) {
        text_printf(why, "%s must be a file that its owner alone may read: chmod 600 %s", path, path);
        return ERR_SYNTAX;
    }
    while (len < sizeof text && n > 0) {
        n = read(fd, text + len, sizeof text - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    if (n < 0)
        text_printf(why, "cannot read %s: %s", path, strerror(errno));
    good = n >= 0 && parse(out, text, len);
    crypto_wipe(text, sizeof text);
    if (good)
        return ERR_OK;
    if (n >= 0)
        text_printf(why, "%s does not hold a key (64 hexadecimal digits); put the right file back", path);
    return n < 0 ? ERR_IO : ERR_SYNTAX;
}

/* ERR_NOT_FOUND: there is no file. */
static enum err read_key(struct seal_key *out, const char *path, struct text *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum err e;

    if (fd < 0 && errno == ENOENT)
        return ERR_NOT_FOUND;
    if (fd < 0) {
        text_printf(why, "cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    e = read_open(out, fd, path, why);
    (void)close(fd); /* only read */
    return e;
}

/* ---- making ---- */

static bool sync_folder(const char *path)
{
    char folder[PATH_MAX_];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL && slash != path ? (size_t)(slash - path) : 1;
    bool synced;
    int fd;

    (void)snprintf(folder, sizeof folder, "%.*s", (int)len, slash != NULL ? path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd); /* only synced */
    return synced;
}

static bool write_new(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    bool written;

    if (fd < 0)
        return false;
    written = fchmod(fd, FILE_MODE) == 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && written;
}

/* Make the file whole or not at all: it is written beside its place and then linked there. */
static enum err make_file(const char *path, struct text *why)
{
    char aside[PATH_MAX_ + 8], text[FILE_LEN + 1];
    uint8_t key[SEAL_KEY_LEN];
    bool made;

    if (crypto_random(key, sizeof key) != ERR_OK) {
        text_put(why, "no random numbers for a key");
        return ERR_CRYPTO;
    }
    for (size_t i = 0; i < sizeof key; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)key[i]);
    text[DIGITS] = '\n';
    (void)snprintf(aside, sizeof aside, "%s.new", path);
    made = write_new(aside, text, FILE_LEN) && (link(aside, path) == 0 || errno == EEXIST);
    if (!made)
        text_printf(why, "cannot make %s: %s", path, strerror(errno));
    (void)unlink(aside); /* of no use any more, and harmless */
    if (made && !sync_folder(path)) {
        text_printf(why, "cannot make %s safe on the disk: %s", path, strerror(errno));
        made = false;
    }
    crypto_wipe(key, sizeof key);
    crypto_wipe(text, sizeof text);
    return made ? ERR_OK : ERR_IO;
}

enum err key_file_load(struct seal_key *out, const char *path, struct text *why)
{
    enum err e = read_key(out, path, why);

    if (e != ERR_NOT_FOUND)
        return e;
    e = make_file(path, why);
    if (e != ERR_OK)
        return e;
    log_event(LOG_INFO, "key-made", log_str("file", path),
              log_str("help", "it opens the TSIG keys in the database: keep a copy apart from the backups"));
    e = read_key(out, path, why);
    if (e == ERR_NOT_FOUND) {
        text_printf(why, "%s has vanished again", path);
        e = ERR_IO;
    }
    return e;
}

enum err key_file_path(struct text *out, const char *said, const char *store_path)
{
    const char *slash = strrchr(store_path, '/');

    if (said[0] != '\0' || slash == NULL)
        text_put(out, said[0] != '\0' ? said : "key");
    else
        text_printf(out, "%.*s/key", (int)(slash - store_path), store_path);
    return out->err;
}
