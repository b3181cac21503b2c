#include "cli/client_storage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/fd.h"
#include "core/domain.h"

#define FILE_MODE   0600
#define FOLDER_MODE 0755
#define OTHERS      077
#define POLL_MS     50
#define MEMBER_MAX  255  /* octets of a user, password or label */
#define URL_MAX     2048 /* octets */
#define NETWORK_MAX 64   /* octets of one network */

struct client_storage {
    char *path; /* of the file itself, not of a link to it */
    json_t *map;
    int lock_fd; /* -1: only reading */
    int new_fd;  /* the file that will take the place of the old one; -1: none */
    char *new_path;
    bool is_there, is_open_to_others;
    uid_t uid;
    gid_t gid;
};

/* ---- what may stand in the file ---- */

/* How deep the objects and arrays of a text lie in each other, whatever it is. */
static size_t nesting_of(const char *bytes, size_t len)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (in_string && bytes[i] == '\\') {
            i++; /* whatever it is, it ends nothing */
        } else if (in_string) {
            in_string = bytes[i] != '"';
        } else if (bytes[i] == '"') {
            in_string = true;
        } else if (bytes[i] == '{' || bytes[i] == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if ((bytes[i] == '}' || bytes[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

/* What goes into headers and messages as it is: ASCII without blanks. */
static bool is_plain_text(const char *text, size_t max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
            return false;
    }
    return len > 0 && len <= max;
}

static bool is_networks(const json_t *networks)
{
    size_t i;
    json_t *one;

    if (networks == NULL || json_is_null(networks))
        return true;
    if (!json_is_array(networks))
        return false;
    json_array_foreach(networks, i, one)
    {
        if (!json_is_string(one) || json_string_length(one) > NETWORK_MAX)
            return false;
    }
    return true;
}

/* NULL, or which member of an account is not as it must be. */
static const char *fault_of(const json_t *account)
{
    static const char *const needed[] = {"fulldomain", "subdomain", "username", "password"};
    const json_t *url = json_object_get(account, "server_url");
    const char *text;
    struct name name;

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        text = json_string_value(json_object_get(account, needed[i]));
        if (text == NULL || !is_plain_text(text, MEMBER_MAX))
            return needed[i];
    }
    text = json_string_value(json_object_get(account, "fulldomain"));
    if (name_parse(&name, text, strlen(text)) != ERR_OK)
        return "fulldomain";
    text = json_string_value(json_object_get(account, "username"));
    if (strchr(text, ':') != NULL) /* RFC 7617 section 2 */
        return "username";
    if (url != NULL && !json_is_null(url) &&
        (!json_is_string(url) || (json_string_length(url) > 0 && !is_plain_text(json_string_value(url), URL_MAX))))
        return "server_url";
    return is_networks(json_object_get(account, "allowfrom")) ? NULL : "allowfrom";
}

/* A domain for a message: what people can read of it. */
static void put_key(struct text *why, const char *key)
{
    text_put_char(why, '"');
    for (size_t i = 0; i < DOMAIN_LEN_MAX && key[i] != '\0'; i++)
        text_put_char(why, (unsigned char)key[i] < ' ' || key[i] == 0x7f ? '?' : key[i]);
    text_put_char(why, '"');
}

static enum err check_account(const char *domain, const json_t *account, struct text *why)
{
    const char *fault;

    if (!json_is_object(account)) {
        put_key(why, domain);
        text_put(why, " is not an account: it must be an object with fulldomain, subdomain, username and password");
        return ERR_SYNTAX;
    }
    fault = fault_of(account);
    if (fault == NULL)
        return ERR_OK;
    put_key(why, domain);
    text_printf(why, ": its member \"%s\" is missing, or not what it should be", fault);
    return ERR_SYNTAX;
}

enum err client_storage_parse(json_t **out, const char *bytes, size_t len, struct text *why)
{
    json_error_t error;
    const char *domain;
    json_t *map, *account;
    enum err e = ERR_OK;

    *out = NULL;
    if (len > CLIENT_STORAGE_MAX || nesting_of(bytes, len) > CLIENT_STORAGE_NESTING_MAX) {
        text_printf(why, "it is too large, or nested too deeply, for a map of accounts");
        return ERR_SYNTAX;
    }
    /* Doubled members would be lost when the file is written again. */
    map = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (map == NULL) {
        text_printf(why, "line %d, column %d: %s", error.line, error.column,
                    json_error_code(&error) == json_error_out_of_memory ? "no memory" : "this is no JSON");
        if (json_error_code(&error) == json_error_duplicate_key)
            text_put(why, " with each member once");
        return json_error_code(&error) == json_error_out_of_memory ? ERR_MEMORY : ERR_SYNTAX;
    }
    if (!json_is_object(map)) {
        text_put(why, "it is not a map of domains to accounts");
        e = ERR_SYNTAX;
    }
    json_object_foreach(map, domain, account)
    {
        if (e == ERR_OK)
            e = check_account(domain, account, why);
    }
    if (e == ERR_OK)
        *out = map;
    else
        json_decref(map);
    return e;
}

/* ---- reading ---- */

static enum err read_open(struct client_storage *s, int fd, struct text *why)
{
    struct stat st;
    char *bytes = malloc(CLIENT_STORAGE_MAX + 1); /* one more shows that there is more */
    size_t len = 0;
    ssize_t n = 1;
    enum err e = ERR_OK;

    if (bytes == NULL)
        return ERR_MEMORY;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        text_printf(why, "%s is not a file", s->path);
        free(bytes);
        return ERR_IO;
    }
    s->is_open_to_others = (st.st_mode & OTHERS) != 0;
    s->uid = st.st_uid;
    s->gid = st.st_gid;
    while (len <= CLIENT_STORAGE_MAX && n > 0) {
        n = read(fd, bytes + len, CLIENT_STORAGE_MAX + 1 - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    if (n < 0) {
        text_printf(why, "cannot read %s: %s", s->path, strerror(errno));
        e = ERR_IO;
    } else if (len == 0) { /* made beforehand, to set its mode: nothing is in it */
        s->map = json_object();
        e = s->map != NULL ? ERR_OK : ERR_MEMORY;
    } else {
        text_printf(why, "%s: ", s->path);
        e = client_storage_parse(&s->map, bytes, len, why);
    }
    crypto_wipe(bytes, len);
    free(bytes);
    return e;
}

/* Fill s->map. ERR_NOT_FOUND: there is no file. */
static enum err read_map(struct client_storage *s, struct text *why)
{
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum err e;

    s->is_there = fd >= 0 || errno != ENOENT;
    if (fd < 0) {
        text_printf(why, "cannot open %s: %s", s->path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    e = read_open(s, fd, why);
    (void)close(fd);
    if (e == ERR_OK)
        text_fini(why); /* the sentence that was begun */
    return e;
}

/* A storage that has nothing yet. The path is that of the file itself: renaming would replace a link to it. */
static struct client_storage *make_storage(const char *path)
{
    struct client_storage *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->lock_fd = -1;
    s->new_fd = -1;
    s->path = realpath(path, NULL);
    if (s->path == NULL)
        s->path = strdup(path);
    if (s->path != NULL)
        return s;
    free(s);
    return NULL;
}

enum err client_storage_open(struct client_storage **out, const char *path, struct text *why)
{
    struct client_storage *s = make_storage(path);
    enum err e = s != NULL ? read_map(s, why) : ERR_MEMORY;

    *out = NULL;
    if (e == ERR_OK)
        *out = s;
    else
        client_storage_close(s);
    return e;
}

/* ---- changing ---- */

static enum err make_folder(const struct client_storage *s, struct text *why)
{
    char *folder = strdup(s->path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    enum err e = folder != NULL ? ERR_OK : ERR_MEMORY;

    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
            text_printf(why, "cannot make the folder %s: %s", folder, strerror(errno));
            e = ERR_IO;
        }
    }
    free(folder);
    return e;
}

static enum err take_lock(struct client_storage *s, struct text *why)
{
    static const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t until = clock_mono_ms(&clock_system) + CLIENT_STORAGE_LOCK_MS;
    char *path = NULL;
    enum err e = ERR_OK;

    if (asprintf(&path, "%s.lock", s->path) < 0)
        return ERR_MEMORY;
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    while (s->lock_fd >= 0 && e == ERR_OK && flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            e = ERR_IO;
        else if (clock_mono_ms(&clock_system) >= until)
            e = ERR_BUSY;
        else
            (void)nanosleep(&pause, NULL);
    }
    if (e == ERR_BUSY)
        text_printf(why, "another run holds %s since %d s; try again when it is done", path,
                    CLIENT_STORAGE_LOCK_MS / 1000);
    else if (s->lock_fd < 0 || e != ERR_OK)
        text_printf(why, "cannot lock %s: %s%s", path, strerror(errno),
                    errno == EACCES ? "; run this as root, or name another place with --storage" : "");
    free(path);
    return s->lock_fd < 0 ? ERR_IO : e;
}

/* The new file, before there is anything to put into it: what cannot be stored is better not asked for. */
static enum err make_new_file(struct client_storage *s, struct text *why)
{
    if (asprintf(&s->new_path, "%s.XXXXXX", s->path) < 0) {
        s->new_path = NULL;
        return ERR_MEMORY;
    }
    s->new_fd = mkostemp(s->new_path, O_CLOEXEC); /* mode 0600 */
    if (s->new_fd >= 0)
        return ERR_OK;
    text_printf(why, "cannot make a file beside %s: %s", s->path, strerror(errno));
    return ERR_IO;
}

enum err client_storage_edit(struct client_storage **out, const char *path, struct text *why)
{
    struct client_storage *s = make_storage(path);
    enum err e = s != NULL ? make_folder(s, why) : ERR_MEMORY;

    *out = NULL;
    if (e == ERR_OK)
        e = take_lock(s, why);
    if (e == ERR_OK)
        e = read_map(s, why);
    if (e == ERR_NOT_FOUND) {
        s->map = json_object();
        e = s->map != NULL ? ERR_OK : ERR_MEMORY;
    }
    if (e == ERR_OK)
        e = make_new_file(s, why);
    if (e == ERR_OK)
        *out = s;
    else
        client_storage_close(s);
    return e;
}

static bool sync_folder(const char *path)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    bool done = false;
    int fd;

    if (folder == NULL)
        return false;
    if (slash != NULL)
        slash[slash == folder] = '\0';
    fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        done = fsync(fd) == 0;
        (void)close(fd);
    }
    free(folder);
    return done;
}

/* Write the map into the new file and let it take the place of the old one. */
static enum err replace_file(struct client_storage *s, struct text *why)
{
    char *bytes = json_dumps(s->map, JSON_INDENT(2));
    bool done;

    if (bytes == NULL)
        return ERR_MEMORY;
    /* Who owned it goes on reading it; that root alone may give files away is no error. */
    done = !s->is_there || fchown(s->new_fd, s->uid, s->gid) == 0 || errno == EPERM;
    done = done && fd_write_all(s->new_fd, bytes, strlen(bytes)) && fd_write_all(s->new_fd, "\n", 1) &&
           fsync(s->new_fd) == 0 && rename(s->new_path, s->path) == 0;
    if (done) {
        free(s->new_path);
        s->new_path = NULL;
        done = sync_folder(s->path);
    }
    if (!done)
        text_printf(why, "cannot write %s: %s", s->path, strerror(errno));
    crypto_wipe(bytes, strlen(bytes));
    free(bytes);
    return done ? ERR_OK : ERR_IO;
}

/* The secrets in memory, not only the pointers to them. */
static void wipe_secrets(json_t *map)
{
    const char *domain;
    json_t *account;

    json_object_foreach(map, domain, account)
    {
        const json_t *password = json_object_get(account, "password");

        if (json_is_string(password)) /* jansson has no way to write into a text of its own */
            crypto_wipe((void *)(uintptr_t)json_string_value(password), json_string_length(password));
    }
}

/* The file as it is by now. */
static enum err read_again(struct client_storage *s, struct text *why)
{
    json_t *before = s->map;
    enum err e;

    s->map = NULL;
    e = read_map(s, why);
    if (e == ERR_NOT_FOUND) {
        s->map = json_object();
        e = s->map != NULL ? ERR_OK : ERR_MEMORY;
    }
    if (e != ERR_OK) {
        s->map = before;
        return e;
    }
    wipe_secrets(before);
    json_decref(before);
    return ERR_OK;
}

enum err client_storage_put(struct client_storage *s, const char *domain, json_t *account, struct text *why)
{
    struct client_account there;
    enum err e = check_account(domain, account, why);

    assert(s->lock_fd >= 0);
    if (e == ERR_OK && s->new_path == NULL)
        e = ERR_CLOSED; /* a second time */
    if (e == ERR_OK)
        e = read_again(s, why);
    if (e == ERR_OK && client_storage_find(s, domain, &there)) {
        text_printf(why, "%s has an account for %s by now, which another program has put there", s->path, domain);
        e = ERR_EXISTS;
    }
    if (e != ERR_OK) {
        json_decref(account);
        return e;
    }
    if (json_object_set_new(s->map, domain, account) != 0)
        return ERR_MEMORY;
    return replace_file(s, why);
}

void client_storage_close(struct client_storage *s)
{
    if (s == NULL)
        return;
    if (s->map != NULL)
        wipe_secrets(s->map);
    json_decref(s->map);
    if (s->new_path != NULL)
        (void)unlink(s->new_path);
    free(s->new_path);
    if (s->new_fd >= 0)
        (void)close(s->new_fd);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd); /* and so the lock */
    free(s->path);
    free(s);
}

/* ---- looking ---- */

size_t client_storage_count(const struct client_storage *s)
{
    return json_object_size(s->map);
}

static const char *member(const json_t *account, const char *name)
{
    const char *text = json_string_value(json_object_get(account, name));

    return text != NULL ? text : "";
}

static void fill(struct client_account *out, const char *domain, const json_t *account)
{
    *out = (struct client_account){.domain = domain,
                                   .fulldomain = member(account, "fulldomain"),
                                   .subdomain = member(account, "subdomain"),
                                   .username = member(account, "username"),
                                   .password = member(account, "password"),
                                   .server_url = member(account, "server_url"),
                                   .json = account};
}

void client_storage_at(const struct client_storage *s, size_t i, struct client_account *out)
{
    const char *domain;
    json_t *account;

    json_object_foreach(s->map, domain, account)
    {
        if (i-- == 0) {
            fill(out, domain, account);
            return;
        }
    }
    assert(false);
}

bool client_storage_find(const struct client_storage *s, const char *domain, struct client_account *out)
{
    const json_t *account = json_object_get(s->map, domain);
    char normal[DOMAIN_TEXT_MAX];
    const char *key;
    json_t *one;

    if (account != NULL) {
        fill(out, domain, account);
        return true;
    }
    json_object_foreach(s->map, key, one)
    {
        if (domain_normalise(normal, key, strlen(key)) == ERR_OK && strcmp(normal, domain) == 0) {
            fill(out, key, one);
            return true;
        }
    }
    return false;
}

bool client_storage_find_nearest(const struct client_storage *s, const char *domain, struct client_account *out)
{
    while (domain != NULL && !client_storage_find(s, domain, out)) {
        domain = strchr(domain, '.');
        if (domain != NULL)
            domain++;
    }
    return domain != NULL;
}

bool client_storage_find_target(const struct client_storage *s, const struct name *name, struct client_account *out)
{
    const char *key;
    json_t *account;
    struct name target;

    json_object_foreach(s->map, key, account)
    {
        const char *text = member(account, "fulldomain");

        if (name_parse(&target, text, strlen(text)) == ERR_OK && name_equal(&target, name)) {
            fill(out, key, account);
            return true;
        }
    }
    return false;
}

bool client_storage_is_open_to_others(const struct client_storage *s)
{
    return s->is_there && s->is_open_to_others;
}

const char *client_storage_path(const struct client_storage *s)
{
    return s->path;
}
