/* The tree against the schema: what is there must be of the right kind and there once. What is not becomes an error
 * and is replaced by nothing of the right kind, so that libcyaml can read all the rest. Then ${NAME} in texts. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/config_raw.h"
#include "cli/config_schema.h"

#define KEYS_MAX          16                 /* of one mapping; the largest has 11 */
#define ENVIRONMENT_MAX   ((size_t)64 << 10) /* one text with what the environment put in */
#define VARIABLE_NAME_MAX 128

struct shape {
    struct config_node *root;
    struct arena *arena;
    struct config_errors *errors;
    enum err err;
};

/* Say it once, and turn the node into nothing of the wanted kind. */
static void neutralize(struct config_node *node, enum config_node_kind kind)
{
    node->kind = kind;
    node->text = "";
    node->len = 0;
    node->is_plain = false;
    node->is_broken = true;
    node->first_child = NULL;
    node->last_child = NULL;
}

static bool says_nothing(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_TEXT && node->is_plain && node->len == 0;
}

/* ---- the environment ---- */

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* RFC 3629 section 4. */
static bool is_utf8(const char *text)
{
    const unsigned char *u = (const unsigned char *)text;

    while (*u != '\0') {
        unsigned more = *u >= 0xf0 ? 3 : *u >= 0xe0 ? 2 : *u >= 0xc0 ? 1 : 0;
        uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
        uint32_t code = *u & (0x3fu >> more);

        if ((more == 0 && *u >= 0x80) || *u >= 0xf8)
            return false;
        for (unsigned i = 1; i <= more; i++) {
            if ((u[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (u[i] & 0x3fu);
        }
        if (more > 0 && (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
            return false;
        u += 1 + more;
    }
    return true;
}

/* What stands for "${NAME}" or "${NAME:-text}"; expression is what lies between the braces. */
static bool put_variable(struct shape *s, const char *path, const char *expression, size_t len, struct text *out)
{
    char name[VARIABLE_NAME_MAX];
    char quoted[CONFIG_QUOTED_MAX];
    size_t name_len = 0;
    bool has_text;
    const char *value;

    while (name_len < len && is_name_char(expression[name_len]))
        name_len++;
    has_text = len - name_len >= 2 && memcmp(expression + name_len, ":-", 2) == 0;
    if (name_len == 0 || name_len >= sizeof(name) || (name_len < len && !has_text)) {
        config_tree_complain(s->root, s->errors, path,
                             "%s between ${ and }: only ${NAME} and ${NAME:-text} are known",
                             config_quoted(expression, len, quoted));
        return false;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)name_len, expression);
    value = getenv(name);
    if (value == NULL && !has_text) {
        config_tree_complain(s->root, s->errors, path,
                             "${%s} is not set; set it in the environment, or write ${%s:-text}", name, name);
        return false;
    }
    if (value != NULL && !is_utf8(value)) {
        config_tree_complain(s->root, s->errors, path, "${%s} is not UTF-8 text", name);
        return false;
    }
    /* As in a shell, an empty variable counts as not set where there is a text for that. */
    if (has_text && (value == NULL || value[0] == '\0'))
        text_put_bytes(out, expression + name_len + 2, len - name_len - 2);
    else
        text_put(out, value);
    return true;
}

static bool put_dollar(struct shape *s, const char *path, const char **p, const char *end, struct text *out)
{
    const char *rest = *p + 1;
    const char *close;

    if (rest < end && *rest == '$') {
        text_put_char(out, '$');
        *p = rest + 1;
        return true;
    }
    if (rest == end || *rest != '{') {
        config_tree_complain(s->root, s->errors, path, "a dollar is written $$, and a variable ${NAME}");
        return false;
    }
    close = memchr(rest, '}', (size_t)(end - rest));
    if (close == NULL) {
        config_tree_complain(s->root, s->errors, path, "the ${ has no }");
        return false;
    }
    *p = close + 1;
    return put_variable(s, path, rest + 1, (size_t)(close - rest - 1), out);
}

static void replace_variables(struct shape *s, struct config_node *node, const char *path)
{
    const char *p = node->text;
    const char *end = p + node->len;
    struct text out;
    bool is_good = true;

    if (memchr(p, '$', node->len) == NULL)
        return;
    text_init(&out, ENVIRONMENT_MAX);
    while (is_good && p < end) {
        if (*p == '$')
            is_good = put_dollar(s, path, &p, end, &out);
        else
            text_put_char(&out, *p++);
    }
    if (!is_good) {
        neutralize(node, CONFIG_NODE_TEXT);
    } else if (out.err == ERR_FULL) {
        config_tree_complain(s->root, s->errors, path, "longer than %zu octets with its variables",
                             ENVIRONMENT_MAX);
        neutralize(node, CONFIG_NODE_TEXT);
    } else {
        node->text = out.err == ERR_OK ? arena_copy(s->arena, out.bytes, out.len) : NULL;
        node->len = out.len;
        node->is_plain = false; /* an empty variable is an empty text */
        if (node->text == NULL) {
            neutralize(node, CONFIG_NODE_TEXT);
            s->err = ERR_MEMORY;
        }
    }
    text_fini(&out);
}

/* ---- kinds ---- */

static void check_text(struct shape *s, struct config_node *node, const char *path)
{
    if (node->kind != CONFIG_NODE_TEXT) {
        config_tree_complain(s->root, s->errors, path, "one text is wanted, not a %s%s",
                             node->kind == CONFIG_NODE_MAP ? "mapping" : "list",
                             node->kind == CONFIG_NODE_MAP ? "; a text with \": \" in it is quoted" : "");
        neutralize(node, CONFIG_NODE_TEXT);
    } else if (says_nothing(node)) {
        config_tree_complain(s->root, s->errors, path,
                             "there is no value; write one, or leave the line out for the default");
        node->is_broken = true;
    } else if (memchr(node->text, '\0', node->len) != NULL) {
        config_tree_complain(s->root, s->errors, path, "there is a NUL octet in this text");
        neutralize(node, CONFIG_NODE_TEXT);
    } else {
        replace_variables(s, node, path);
    }
}

static void check_node(struct shape *s, struct config_node *node, const cyaml_schema_value_t *schema,
                       const char *path);

static void check_list(struct shape *s, struct config_node *node, const cyaml_schema_value_t *entry,
                       const char *path)
{
    char quoted[CONFIG_QUOTED_MAX];
    char below[CONFIG_PATH_TEXT_MAX];
    size_t i = 0;

    if (says_nothing(node)) {
        node->is_dropped = true; /* `records:` and nothing: as if it were not there */
        return;
    }
    if (node->kind != CONFIG_NODE_LIST) {
        if (node->kind == CONFIG_NODE_TEXT && entry->type == CYAML_STRING)
            config_tree_complain(s->root, s->errors, path, "a list is wanted: [%s]",
                                 config_quoted(node->text, node->len, quoted));
        else
            config_tree_complain(s->root, s->errors, path, "a list is wanted, each entry begun with \"- \"");
        neutralize(node, CONFIG_NODE_LIST);
        return;
    }
    for (struct config_node *c = node->first_child; c != NULL; c = c->next) {
        config_path(below, "%s[%zu]", path, i++);
        check_node(s, c, entry, below);
    }
}

static void complain_unknown(struct shape *s, const struct config_node *key, const cyaml_schema_field_t *fields,
                             const char *path)
{
    const char *candidates[KEYS_MAX];
    char quoted[CONFIG_QUOTED_MAX];
    char plain[CONFIG_PATH_TEXT_MAX]; /* without indices */
    char full[CONFIG_PATH_TEXT_MAX];
    const char *nearest, *note;
    size_t n = 0;
    char *end = plain;

    config_path(full, "%s%s%.60s", path, path[0] != '\0' ? "." : "", key->key);
    for (const char *p = full; *p != '\0'; p += *p == '[' ? 1 + strspn(p + 1, "0123456789") : 1)
        *end++ = *p;
    *end = '\0';
    for (; n < KEYS_MAX && fields[n].key != NULL; n++)
        candidates[n] = fields[n].key;
    nearest = text_nearest(key->key, candidates, n);
    note = config_later_key(plain);
    config_errors_add(s->errors, key->key_line, key->key_column, "%s%sunknown key %s%s%s%s%s%s", path,
                      path[0] != '\0' ? ": " : "", config_quoted(key->key, strlen(key->key), quoted),
                      note != NULL ? "; " : "", note != NULL ? note : "",
                      note == NULL && nearest != NULL ? "; did you mean \"" : "",
                      note == NULL && nearest != NULL ? nearest : "", note == NULL && nearest != NULL ? "\"?" : "");
}

static void check_members(struct shape *s, struct config_node *node, const cyaml_schema_field_t *fields,
                          const char *path)
{
    const struct config_node *seen[KEYS_MAX] = {NULL}; /* as the fields are ordered */
    char below[CONFIG_PATH_TEXT_MAX];

    for (struct config_node *c = node->first_child; c != NULL; c = c->next) {
        size_t f = 0;

        while (fields[f].key != NULL && strcmp(fields[f].key, c->key) != 0)
            f++;
        assert(f < KEYS_MAX);
        if (fields[f].key == NULL) {
            complain_unknown(s, c, fields, path);
            c->is_dropped = true;
        } else if (seen[f] != NULL) {
            config_errors_add(s->errors, c->key_line, c->key_column,
                              "%s%s\"%s\" is here a second time, first in line %u", path,
                              path[0] != '\0' ? ": " : "", c->key, seen[f]->key_line);
            c->is_dropped = true;
        } else {
            seen[f] = c;
            config_path(below, "%s%s%s", path, path[0] != '\0' ? "." : "", c->key);
            check_node(s, c, &fields[f].value, below);
        }
    }
}

static void check_map(struct shape *s, struct config_node *node, const cyaml_schema_field_t *fields,
                      const char *path)
{
    if (says_nothing(node)) {
        if (node->key != NULL)
            node->is_dropped = true; /* `dns:` with everything below it commented out */
        else
            node->kind = CONFIG_NODE_MAP; /* `-` alone: what is missing in it is said later */
        return;
    }
    if (node->kind != CONFIG_NODE_MAP) {
        config_tree_complain(s->root, s->errors, path, "keys are wanted here, such as \"%s: ...\"", fields[0].key);
        neutralize(node, CONFIG_NODE_MAP);
        return;
    }
    check_members(s, node, fields, path);
}

static void check_node(struct shape *s, struct config_node *node, const cyaml_schema_value_t *schema,
                       const char *path)
{
    if (schema->type == CYAML_MAPPING)
        check_map(s, node, schema->mapping.fields, path);
    else if (schema->type == CYAML_SEQUENCE)
        check_list(s, node, schema->sequence.entry, path);
    else
        check_text(s, node, path);
}

enum err config_shape_check(struct config_node *root, struct arena *arena, struct config_errors *errors)
{
    struct shape s = {root, arena, errors, ERR_OK};

    check_members(&s, root, config_raw_schema.mapping.fields, "");
    return s.err != ERR_OK ? s.err : errors->err;
}
