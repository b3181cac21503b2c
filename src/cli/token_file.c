#include "cli/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"

#define FORBIDDEN (S_IWGRP | S_IROTH | S_IWOTH)

/* What was read, with a NUL behind it. */
struct content {
    char bytes[TOKEN_FILE_MAX + 2]; /* one more than fits shows that there is more */
    size_t len;
};

static bool is_safe(int fd, const char *path, struct text *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        text_printf(why, "cannot look at the token file %s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
        text_printf(why, "the token file %s is no file", path);
        return false;
    }
    if ((st.st_mode & FORBIDDEN) == 0)
        return true;
    text_printf(why,
                "others may %s the token file %s, which holds a secret: chmod 600 %s, and if it was so for long, "
                "riposte credential rotate",
                (st.st_mode & S_IROTH) != 0 ? "read" : "write", path, path);
    return false;
}

static bool read_all(struct content *c, int fd)
{
    ssize_t n = 1;

    c->len = 0;
    while (n > 0 && c->len < sizeof c->bytes - 1) {
        n = read(fd, c->bytes + c->len, sizeof c->bytes - 1 - c->len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            c->len += (size_t)n;
    }
    c->bytes[c->len] = '\0';
    return n >= 0;
}

static void trim(struct content *c)
{
    size_t begin = strspn(c->bytes, " \t\r\n");

    while (c->len > begin && strchr(" \t\r\n", c->bytes[c->len - 1]) != NULL)
        c->len--;
    memmove(c->bytes, c->bytes + begin, c->len - begin);
    c->len -= begin;
    c->bytes[c->len] = '\0';
}

/* One that can stand in a header: printable, no blank. */
static bool copy(char *out, size_t cap, const char *text, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
        out[i] = text[i];
    }
    out[len] = '\0';
    return true;
}

static bool parse_line(struct token_file *out, const struct content *c)
{
    const char *dot = memchr(c->bytes, '.', c->len);

    return dot != NULL && copy(out->id, sizeof out->id, c->bytes, (size_t)(dot - c->bytes)) &&
           copy(out->secret, sizeof out->secret, dot + 1, c->len - (size_t)(dot - c->bytes) - 1);
}

static bool take_members(struct token_file *out, const json_t *object, const char *id, const char *secret)
{
    const json_t *i = json_object_get(object, id), *s = json_object_get(object, secret);

    return json_is_string(i) && json_is_string(s) &&
           copy(out->id, sizeof out->id, json_string_value(i), json_string_length(i)) &&
           copy(out->secret, sizeof out->secret, json_string_value(s), json_string_length(s));
}

/* Wipe the texts of an object before it is freed. */
static void wipe_json(json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (json_is_string(value))
            crypto_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_decref(object);
}

static bool parse_json(struct token_file *out, const struct content *c)
{
    json_t *object = json_loadb(c->bytes, c->len, JSON_REJECT_DUPLICATES, NULL);
    bool good =
        take_members(out, object, "credential", "secret") || take_members(out, object, "username", "password");

    wipe_json(object);
    return good;
}

static enum err read_open(struct token_file *out, int fd, const char *path, struct text *why)
{
    struct content c;
    enum err e = ERR_SYNTAX;

    if (!is_safe(fd, path, why))
        return ERR_SYNTAX;
    if (!read_all(&c, fd)) {
        text_printf(why, "cannot read the token file %s: %s", path, strerror(errno));
        e = ERR_IO;
    } else if (c.len > TOKEN_FILE_MAX) {
        text_printf(why, "the token file %s is larger than %d octets", path, TOKEN_FILE_MAX);
    } else {
        trim(&c);
        if (c.bytes[0] == '{' ? parse_json(out, &c) : parse_line(out, &c))
            e = ERR_OK;
        else
            text_printf(
                why, "the token file %s holds neither ID.SECRET nor what riposte credential create --json prints",
                path);
    }
    crypto_wipe(&c, sizeof c);
    return e;
}

enum err token_file_load(struct token_file *out, const char *path, struct text *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum err e;

    memset(out, 0, sizeof *out);
    if (fd < 0) {
        text_printf(why, "cannot open the token file %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    e = read_open(out, fd, path, why);
    (void)close(fd); /* only read */
    if (e != ERR_OK)
        token_file_wipe(out);
    return e;
}

void token_file_wipe(struct token_file *t)
{
    crypto_wipe(t, sizeof *t);
}
