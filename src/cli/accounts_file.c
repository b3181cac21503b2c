/* Every member is a row that says what kind of value it has; a walk over the tree checks and converts at once.
 * YAML's own idea of types is not used: `label: 12` and `label: no` are texts, and `disabled: perhaps` is an error.
 */
#include "cli/accounts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "cli/config_errors.h"
#include "cli/config_tree.h"
#include "cli/show.h"

#define ARENA_MAX   ((size_t)256 << 20) /* a node for every two octets of the largest file */
#define MEMBERS_MAX 8
#define PATH_MAX_   96
#define DATE_LEN    10 /* 2027-01-31 */
#define TIME_LEN    20 /* 2027-01-31T12:00:00Z */

enum member_kind {
    MEMBER_TEXT,
    MEMBER_FLAG,
    MEMBER_LIMIT, /* a number, or "default" */
    MEMBER_TIME,  /* a date or a time, or "never" */
    MEMBER_TEXTS,
    MEMBER_NETWORKS,
    MEMBER_WORDS, /* texts of a few */
    MEMBER_MAP,
    MEMBER_MAPS,
};

struct member {
    const char *key;
    enum member_kind kind;
    const void *more; /* MAP, MAPS: rows of struct member; WORDS: texts; both end with NULL */
    bool is_needed;
};

#define END_OF_MEMBERS                                                                                             \
    {                                                                                                              \
        NULL, MEMBER_TEXT, NULL, false                                                                             \
    }

static const char *const actions[] = {"add", "remove", "read", "manage", "administer", NULL};
static const char *const kinds[] = {"challenge", "pinned", NULL};

static const struct member limit_members[] = {{"names", MEMBER_LIMIT, NULL, false}, END_OF_MEMBERS};
static const struct member name_members[] = {
    {"label", MEMBER_TEXT, NULL, false},   {"name", MEMBER_TEXT, NULL, false},
    {"zone", MEMBER_TEXT, NULL, false},    {"domains", MEMBER_TEXTS, NULL, false},
    {"subtree", MEMBER_FLAG, NULL, false}, END_OF_MEMBERS};
static const struct member credential_members[] = {
    {"label", MEMBER_TEXT, NULL, true},         {"names", MEMBER_TEXTS, NULL, false},
    {"actions", MEMBER_WORDS, actions, false},  {"kinds", MEMBER_WORDS, kinds, false},
    {"networks", MEMBER_NETWORKS, NULL, false}, {"expires", MEMBER_TIME, NULL, false},
    {"tsig", MEMBER_FLAG, NULL, false},         END_OF_MEMBERS};
static const struct member account_members[] = {{"account", MEMBER_TEXT, NULL, true},
                                                {"note", MEMBER_TEXT, NULL, false},
                                                {"disabled", MEMBER_FLAG, NULL, false},
                                                {"limits", MEMBER_MAP, limit_members, false},
                                                {"names", MEMBER_MAPS, name_members, false},
                                                {"credentials", MEMBER_MAPS, credential_members, false},
                                                END_OF_MEMBERS};
static const struct member file_members[] = {{"accounts", MEMBER_MAPS, account_members, true}, END_OF_MEMBERS};

struct accounts_file {
    struct arena arena;
    struct config_errors errors;
    const char *name;
    struct config_node *root;
    json_t *body;
};

/* ---- scalars ---- */

static void complain(struct accounts_file *f, const struct config_node *node, const char *path, const char *what)
{
    char quoted[CONFIG_QUOTED_MAX];

    if (node->kind == CONFIG_NODE_TEXT)
        config_errors_add(&f->errors, node->line, node->column, "%s: %s is not %s", path,
                          config_quoted(node->text, node->len, quoted), what);
    else
        config_errors_add(&f->errors, node->line, node->column, "%s: %s is wanted here, not a %s", path, what,
                          node->kind == CONFIG_NODE_MAP ? "mapping" : "list");
}

/* `key:` with nothing behind it: nobody can know what is meant. */
static bool is_empty(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_TEXT && node->is_plain && node->len == 0;
}

static bool is_text(const struct config_node *node, const char *text)
{
    return node->kind == CONFIG_NODE_TEXT && node->len == strlen(text) && memcmp(node->text, text, node->len) == 0;
}

static json_t *read_text(struct accounts_file *f, const struct config_node *node, const char *path)
{
    json_t *text = NULL;

    if (node->kind != CONFIG_NODE_TEXT)
        complain(f, node, path, "a text");
    else if (memchr(node->text, '\0', node->len) != NULL)
        config_errors_add(&f->errors, node->line, node->column, "%s: a NUL cannot be in it", path);
    else if ((text = json_stringn(node->text, node->len)) == NULL)
        f->errors.err = ERR_MEMORY; /* YAML has seen to it that it is UTF-8 */
    return text;
}

static json_t *read_flag(struct accounts_file *f, const struct config_node *node, const char *path)
{
    if (is_text(node, "yes") || is_text(node, "true"))
        return json_true();
    if (is_text(node, "no") || is_text(node, "false"))
        return json_false();
    complain(f, node, path, "yes or no");
    return NULL;
}

static json_t *read_limit(struct accounts_file *f, const struct config_node *node, const char *path)
{
    uint64_t n;

    if (is_text(node, "default"))
        return json_null();
    if (node->kind == CONFIG_NODE_TEXT && quantity_parse_uint(&n, node->text, node->len, UINT32_MAX) == ERR_OK &&
        n > 0)
        return json_integer((json_int_t)n);
    complain(f, node, path, "a number from 1 on, or default");
    return NULL;
}

/* Times that count from now ("90d") would say something else each time that the file is applied. */
static json_t *read_time(struct accounts_file *f, const struct config_node *node, const char *path)
{
    char text[CLOCK_TEXT_MAX] = "", again[CLOCK_TEXT_MAX];
    int64_t at;

    if (is_text(node, "never"))
        return json_null();
    if (node->kind == CONFIG_NODE_TEXT && (node->len == DATE_LEN || node->len == TIME_LEN))
        (void)snprintf(text, sizeof text, "%s%s", node->text, node->len == DATE_LEN ? "T00:00:00Z" : "");
    at = show_parse_time(text);
    /* What reads back as another was no such day. */
    if (at > 0 && strcmp(clock_format_rfc3339(at, again), text) == 0)
        return json_string(text);
    complain(f, node, path, "a date such as 2027-01-31, a time such as 2027-01-31T12:00:00Z, or never");
    return NULL;
}

static json_t *read_network(struct accounts_file *f, const struct config_node *node, const char *path)
{
    struct net net;

    if (node->kind == CONFIG_NODE_TEXT && net_parse(&net, node->text, node->len) == ERR_OK)
        return json_stringn(node->text, node->len);
    complain(f, node, path, "a network: 192.0.2.0/24 or 2001:db8::/32, one address is ADDRESS/32 or ADDRESS/128");
    return NULL;
}

static json_t *read_word(struct accounts_file *f, const struct config_node *node, const char *path,
                         const char *const *words)
{
    struct text all;
    size_t n = 0;

    for (; words[n] != NULL; n++)
        if (is_text(node, words[n]))
            return json_string(words[n]);
    text_init(&all, 256);
    for (size_t i = 0; i < n; i++)
        text_printf(&all, "%s%s", i > 0 ? ", " : "one of ", words[i]);
    complain(f, node, path, all.bytes);
    text_fini(&all);
    return NULL;
}

/* ---- lists and mappings ---- */

/* One element of a list of scalars; NULL: an error was said. */
static json_t *read_element(struct accounts_file *f, const struct member *m, const struct config_node *node,
                            const char *path)
{
    if (is_empty(node)) {
        config_errors_add(&f->errors, node->line, node->column, "%s: says nothing", path);
        return NULL;
    }
    if (m->kind == MEMBER_NETWORKS)
        return read_network(f, node, path);
    if (m->kind == MEMBER_WORDS)
        return read_word(f, node, path, m->more);
    return read_text(f, node, path);
}

static json_t *read_map(struct accounts_file *f, const struct member *members, const struct config_node *node,
                        const char *path);

static json_t *read_list(struct accounts_file *f, const struct member *m, const struct config_node *node,
                         const char *path)
{
    json_t *list;
    size_t i = 0;

    if (node->kind != CONFIG_NODE_LIST) {
        config_errors_add(&f->errors, node->line, node->column, "%s: a list is wanted here%s", path,
                          m->kind == MEMBER_MAPS ? ": each element begins with \"- \"" : ", such as [one, two]");
        return NULL;
    }
    list = json_array();
    for (const struct config_node *c = node->first_child; c != NULL; c = c->next, i++) {
        char below[PATH_MAX_];
        json_t *element;
        (void)snprintf(below, sizeof below, "%s[%zu]", path, i);
        element = m->kind == MEMBER_MAPS ? read_map(f, m->more, c, below) : read_element(f, m, c, below);
        if (element != NULL && json_array_append_new(list, element) != 0)
            f->errors.err = ERR_MEMORY;
    }
    return list;
}

static json_t *read_value(struct accounts_file *f, const struct member *m, const struct config_node *node,
                          const char *path)
{
    if (is_empty(node)) {
        config_errors_add(&f->errors, node->line, node->column, "%s: says nothing; leave the key out, or say it",
                          path);
        return NULL;
    }
    switch (m->kind) {
    case MEMBER_TEXT:
        return read_text(f, node, path);
    case MEMBER_FLAG:
        return read_flag(f, node, path);
    case MEMBER_LIMIT:
        return read_limit(f, node, path);
    case MEMBER_TIME:
        return read_time(f, node, path);
    case MEMBER_TEXTS:
    case MEMBER_NETWORKS:
    case MEMBER_WORDS:
    case MEMBER_MAPS:
        return read_list(f, m, node, path);
    case MEMBER_MAP:
        break;
    }
    return read_map(f, m->more, node, path);
}

static const struct member *find_member(const struct member *members, const char *key)
{
    while (members->key != NULL && strcmp(members->key, key) != 0)
        members++;
    return members->key != NULL ? members : NULL;
}

static void complain_unknown(struct accounts_file *f, const struct member *members, const struct config_node *node,
                             const char *path)
{
    const char *keys[MEMBERS_MAX];
    char quoted[CONFIG_QUOTED_MAX];
    const char *nearest;
    size_t n = 0;

    for (; n < MEMBERS_MAX && members[n].key != NULL; n++)
        keys[n] = members[n].key;
    nearest = text_nearest(node->key, keys, n);
    config_errors_add(&f->errors, node->key_line, node->key_column, "%s%sunknown key %s%s%s%s", path,
                      path[0] != '\0' ? ": " : "", config_quoted(node->key, strlen(node->key), quoted),
                      nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                      nearest != NULL ? "\"?" : "");
}

static void complain_missing(struct accounts_file *f, const struct member *members, const json_t *object,
                             const struct config_node *node, const char *path)
{
    for (const struct member *m = members; m->key != NULL; m++) {
        bool is_there = json_object_get(object, m->key) != NULL;
        for (const struct config_node *c = node->first_child; c != NULL && !is_there; c = c->next)
            is_there = strcmp(c->key, m->key) == 0; /* and wrong, which has been said */
        if (m->is_needed && !is_there)
            config_errors_add(&f->errors, node->line, node->column, "%s%s\"%s\" is missing", path,
                              path[0] != '\0' ? ": " : "", m->key);
    }
}

static json_t *read_map(struct accounts_file *f, const struct member *members, const struct config_node *node,
                        const char *path)
{
    json_t *object;

    if (node->kind != CONFIG_NODE_MAP) {
        config_errors_add(&f->errors, node->line, node->column, "%s: keys are wanted here, such as \"%s:\"", path,
                          members[0].key);
        return NULL;
    }
    object = json_object();
    for (const struct config_node *c = node->first_child; c != NULL; c = c->next) {
        const struct member *m = find_member(members, c->key);
        char below[PATH_MAX_];
        json_t *value;
        if (m == NULL) {
            complain_unknown(f, members, c, path);
            continue;
        }
        (void)snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", m->key);
        if (json_object_get(object, m->key) != NULL) {
            config_errors_add(&f->errors, c->key_line, c->key_column, "%s: this key is here a second time", below);
            continue;
        }
        value = read_value(f, m, c, below);
        if (value != NULL && json_object_set_new(object, m->key, value) != 0)
            f->errors.err = ERR_MEMORY;
    }
    complain_missing(f, members, object, node, path);
    return object;
}

/* ---- the file ---- */

enum err accounts_file_parse(struct accounts_file **out, const char *name, const char *bytes, size_t len,
                             struct text *report)
{
    struct accounts_file *f = calloc(1, sizeof *f);
    enum err e;

    *out = NULL;
    if (f == NULL)
        return ERR_MEMORY;
    arena_init(&f->arena, ARENA_MAX);
    config_errors_init(&f->errors, &f->arena);
    f->name = arena_copy(&f->arena, name, strlen(name));
    e = f->name != NULL ? config_tree_parse_for(&f->root, &f->arena, bytes, len, &f->errors, "accounts",
                                                "the smallest file is \"accounts: []\"")
                        : ERR_MEMORY;
    if (e == ERR_OK && f->root != NULL) {
        f->body = read_map(f, file_members, f->root, "");
        e = f->body != NULL ? f->errors.err : ERR_MEMORY;
    }
    if (e == ERR_OK && f->errors.n == 0) {
        *out = f;
        return ERR_OK;
    }
    if (e == ERR_OK)
        config_errors_report(&f->errors, name, report);
    accounts_file_free(f);
    return e;
}

/* All of a file, if it is not too large. */
static MUST_USE enum err read_all(int fd, struct text *bytes)
{
    char part[8192];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        text_put_bytes(bytes, part, (size_t)n);
        if (bytes->err != ERR_OK)
            return bytes->err == ERR_FULL ? ERR_FULL : ERR_MEMORY;
    }
    return ERR_OK;
}

enum err accounts_file_load(struct accounts_file **out, const char *path, struct text *report)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct text bytes;
    enum err e = ERR_IO;

    *out = NULL;
    text_init(&bytes, ACCOUNTS_FILE_MAX);
    if (fd >= 0)
        e = read_all(fd, &bytes);
    if (e == ERR_IO)
        text_printf(report, "%s: %s\n", path, strerror(errno));
    else if (e == ERR_FULL)
        text_printf(report, "%s: the file is larger than %zu octets; split it: accounts that are not listed stay\n",
                    path, ACCOUNTS_FILE_MAX);
    if (e == ERR_FULL)
        e = ERR_IO;
    if (fd >= 0 && !is_stdin)
        (void)close(fd);
    if (e == ERR_OK)
        e = accounts_file_parse(out, is_stdin ? "stdin" : path, bytes.bytes, bytes.len, report);
    text_fini(&bytes);
    return e;
}

void accounts_file_free(struct accounts_file *f)
{
    if (f == NULL)
        return;
    json_decref(f->body);
    arena_fini(&f->arena);
    free(f);
}

json_t *accounts_file_body(const struct accounts_file *f)
{
    return json_incref(f->body);
}

bool accounts_file_place(const struct accounts_file *f, const char *detail, char out[ACCOUNTS_PLACE_MAX])
{
    static const char first[] = "accounts";
    const struct config_node *node;
    char path[CONFIG_PATH_TEXT_MAX];
    size_t len = strcspn(detail, ": ");

    if (strncmp(detail, first, strlen(first)) != 0 || detail[len] != ':' || len >= sizeof path)
        return false;
    (void)snprintf(path, sizeof path, "%.*s", (int)len, detail);
    node = config_tree_find(f->root, path, NULL);
    if (node == NULL)
        return false;
    (void)snprintf(out, ACCOUNTS_PLACE_MAX, "%.280s:%u:%u", f->name, node->line, node->column);
    return true;
}
