/* From a file to a config: tree (places), shape (keys), libcyaml (texts), rows (values), zones, checks. Each step
 * goes on with what the one before could make sense of, so that all errors are seen at once; a config is given only
 * when there are none. */
#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/config_impl.h"

#define ARENA_MAX ((size_t)512 << 20) /* a file of the largest size, full of the shortest records */

/* ---- reading ---- */

static enum err read_all(int fd, char *bytes, size_t cap, size_t *len)
{
    *len = 0;
    while (*len < cap) {
        ssize_t n = read(fd, bytes + *len, cap - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return ERR_OK;
}

/* One octet more than the largest file is read, so that a larger one is seen to be larger. */
static enum err read_file(const char *path, char **bytes, size_t *len, struct text *report)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    enum err e = ERR_IO;

    *bytes = NULL;
    errno = fd >= 0 ? 0 : errno;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        errno = EISDIR;
    if (fd >= 0 && errno == 0) {
        *bytes = malloc(CONFIG_FILE_MAX + 1);
        e = *bytes != NULL ? read_all(fd, *bytes, CONFIG_FILE_MAX + 1, len) : ERR_MEMORY;
    }
    if (e == ERR_IO)
        text_printf(report, "%s: cannot be read: %s%s\n", path, strerror(errno),
                    errno == ENOENT ? "; riposte init ORIGIN --address A makes one" : "");
    if (fd >= 0)
        (void)close(fd);
    return e;
}

/* ---- decoding ---- */

static enum err decode_zone(struct config_impl *c, size_t i, const struct raw_zone *raw)
{
    struct config_zone *zone = &c->zones[i];
    char prefix[CONFIG_PATH_TEXT_MAX];
    enum err e;

    config_path(prefix, "zones[%zu]", i);
    e = config_decode_group(c, CONFIG_GROUP_ZONE, prefix, raw, zone);
    if (e != ERR_OK)
        return e;
    zone->n_servers = raw->name_servers_count;
    zone->servers = arena_alloc(&c->arena, (zone->n_servers + 1) * sizeof(*zone->servers));
    if (zone->servers == NULL)
        return ERR_MEMORY;
    for (size_t s = 0; s < zone->n_servers && e == ERR_OK; s++) {
        config_path(prefix, "zones[%zu].name-servers[%zu]", i, s);
        e = config_decode_group(c, CONFIG_GROUP_NAME_SERVER, prefix, &raw->name_servers[s], &zone->servers[s]);
    }
    return e;
}

static enum err decode_zones(struct config_impl *c, const struct raw_config *raw)
{
    enum err e = ERR_OK;

    c->n_zones = raw->zones_count;
    c->zones = arena_alloc(&c->arena, (c->n_zones + 1) * sizeof(*c->zones));
    if (c->zones == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < c->n_zones && e == ERR_OK; i++)
        e = decode_zone(c, i, &raw->zones[i]);
    return e;
}

/* Nothing said about api.listen is one address of loopback; [] is none. */
static enum err decode_listen(struct config_impl *c, const struct raw_config *raw)
{
    const char *example = config_row_find("api.listen[].address")->example;
    char *address = arena_copy(&c->arena, example, strlen(example));
    const struct raw_listen one = {.address = address};
    const struct raw_listen *listen = raw->api.listen;
    char prefix[CONFIG_PATH_TEXT_MAX];
    enum err e = ERR_OK;

    c->n_listen = raw->api.listen_count;
    if (!config_tree_has(c->root, "api.listen")) {
        listen = &one;
        c->n_listen = 1;
    }
    c->listen = arena_alloc(&c->arena, (c->n_listen + 1) * sizeof(*c->listen));
    if (c->listen == NULL || address == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < c->n_listen && e == ERR_OK; i++) {
        config_path(prefix, "api.listen[%zu]", i);
        e = config_decode_group(c, CONFIG_GROUP_LISTEN, prefix, &listen[i], &c->listen[i]);
    }
    return e;
}

static enum err decode_all(struct config_impl *c)
{
    struct raw_config *raw = NULL;
    enum err e = config_raw_load(&raw, c->root);

    if (e == ERR_OK)
        e = config_decode_group(c, CONFIG_GROUP_FILE, "", raw, c);
    if (e == ERR_OK)
        e = decode_zones(c, raw);
    if (e == ERR_OK)
        e = decode_listen(c, raw);
    config_raw_free(raw);
    if (e == ERR_OK)
        e = config_zones_make(c);
    if (e == ERR_OK)
        e = config_finish(c);
    return e;
}

static enum err make(struct config_impl *c, const char *name, const char *bytes, size_t len)
{
    enum err e;

    arena_init(&c->arena, ARENA_MAX);
    config_errors_init(&c->errors, &c->arena);
    c->config.impl = c;
    c->config.path = arena_copy(&c->arena, name, strlen(name));
    if (c->config.path == NULL)
        return ERR_MEMORY;
    e = config_tree_parse(&c->root, &c->arena, bytes, len, &c->errors);
    if (e == ERR_OK && c->root != NULL)
        e = config_shape_check(c->root, &c->arena, &c->errors);
    if (e == ERR_OK && c->root != NULL)
        e = decode_all(c);
    return e;
}

enum err config_parse(struct config **out, const char *name, const char *bytes, size_t len, struct text *report,
                      unsigned *n_errors)
{
    struct config_impl *c = calloc(1, sizeof(*c));
    enum err e;

    *out = NULL;
    *n_errors = 0;
    if (c == NULL)
        return ERR_MEMORY;
    e = make(c, name, bytes, len);
    if (e == ERR_OK && c->errors.n > 0) {
        config_errors_report(&c->errors, name, report);
        *n_errors = c->errors.n;
        e = ERR_SYNTAX;
    } else if (e != ERR_OK) {
        text_printf(report, "%s: cannot be read: %s\n", name, err_text(e));
    }
    if (e != ERR_OK) {
        config_free(&c->config);
        return e;
    }
    *out = &c->config;
    return ERR_OK;
}

enum err config_load(struct config **out, const char *path, struct text *report, unsigned *n_errors)
{
    char *bytes = NULL;
    size_t len = 0;
    enum err e;

    *out = NULL;
    *n_errors = 0;
    e = read_file(path, &bytes, &len, report);
    if (e == ERR_OK)
        e = config_parse(out, path, bytes, len, report, n_errors);
    free(bytes);
    return e;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    arena_fini(&c->impl->arena);
    free(c->impl);
}

void config_where(const struct config *c, const char *key, unsigned *line, unsigned *column)
{
    const struct config_node *node = config_tree_find(c->impl->root, key, NULL);

    *line = node != NULL ? node->line : 0;
    *column = node != NULL ? node->column : 0;
}

/* ---- reload ---- */

static bool listens_differ(const struct config_impl *a, const struct config_impl *b)
{
    struct text found;
    bool differ = a->n_listen != b->n_listen;

    text_init(&found, CONFIG_PATH_TEXT_MAX * 16);
    for (size_t i = 0; i < a->n_listen && !differ; i++) {
        config_group_differences(CONFIG_GROUP_LISTEN, &a->listen[i], &b->listen[i], true, &found);
        differ = found.len > 0 || found.err != ERR_OK;
    }
    text_fini(&found);
    return differ;
}

void config_restart_differences(const struct config *running, const struct config *next, struct text *out)
{
    config_group_differences(CONFIG_GROUP_FILE, running->impl, next->impl, true, out);
    if (listens_differ(running->impl, next->impl))
        text_printf(out, "%sapi.listen", out->len > 0 ? ", " : "");
}
