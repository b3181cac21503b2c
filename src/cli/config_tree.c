/* One pass over libyaml's events. Aliases are refused outright: nothing in this file needs them, and they are how a
 * small file becomes a large one ("billion laughs"). The depth is bounded before libyaml or we recurse. */
#include "cli/config_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/quantity.h"

struct builder {
    struct arena *arena;
    struct config_errors *errors;
    struct config_node *root;
    struct config_node *open[CONFIG_DEPTH_MAX]; /* mappings and lists that are not closed yet */
    size_t depth;
    /* The key that waits for its value, in the innermost mapping. */
    const char *key;
    unsigned key_line, key_column;
    size_t skip;     /* depth of a node that is left out: a mapping or a list in the place of a key */
    bool skip_value; /* the value that belongs to such a key */
    unsigned documents;
    const char *first_key, *smallest; /* what the smallest file has, for who gave none */
    bool stop;                        /* nothing more can be understood */
};

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static unsigned column_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->column + 1;
}

/* ---- what YAML refuses, and what people usually meant ---- */

/* True when the line has an IPv6 address outside of quotes, which YAML takes for lists and mappings. */
static bool has_bare_address(const char *line, size_t len)
{
    char quote = '\0';

    for (size_t i = 0; i + 1 < len; i++) {
        if (quote != '\0') {
            quote = line[i] == quote ? '\0' : quote;
        } else if (line[i] == '"' || line[i] == '\'') {
            quote = line[i];
        } else if ((line[i] == ':' && line[i + 1] == ':') || (line[i] == ']' && line[i + 1] == ':')) {
            return true;
        }
    }
    return false;
}

static const char *syntax_hint(const char *bytes, size_t len, const yaml_mark_t *mark, const char *problem)
{
    size_t start = mark->index < len ? mark->index : len;
    size_t end = start;
    char at = start < len ? bytes[start] : '\0';

    while (start > 0 && bytes[start - 1] != '\n')
        start--;
    while (end < len && bytes[end] != '\n')
        end++;
    if (has_bare_address(bytes + start, end - start))
        return "; addresses are always quoted: \"[::1]:53\"";
    if (at == '\t')
        return "; YAML is indented with blanks, never with tabs";
    if (at == '@' || at == '%' || at == '`')
        return "; a text that begins like this is quoted: \"@ 300 IN A 203.0.113.10\"";
    if (memmem(bytes + start, end - start, "${", 2) != NULL)
        return "; quote it: \"${NAME}\"";
    if (strncmp(problem, "mapping values", 14) == 0)
        return "; a text with \": \" in it is quoted, and keys of one mapping stand in one column";
    if (strncmp(problem, "did not find expected key", 25) == 0 ||
        strncmp(problem, "did not find expected '-'", 25) == 0)
        return "; keys of one mapping, and the \"-\" of one list, stand in one column";
    return "";
}

static void complain_syntax(struct builder *b, const yaml_parser_t *parser, const char *bytes, size_t len)
{
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    yaml_mark_t mark = parser->problem_mark;

    if (parser->error == YAML_READER_ERROR) { /* has an offset only */
        mark = (yaml_mark_t){0};
        for (size_t i = 0; i < parser->problem_offset && i < len; i++) {
            mark.column = bytes[i] == '\n' ? 0 : mark.column + 1;
            mark.line += bytes[i] == '\n';
        }
        mark.index = parser->problem_offset;
    }
    /* An unfinished quote is noticed only at the end of the file; where it began is what helps. */
    if (parser->context != NULL && strstr(parser->context, "quoted scalar") != NULL)
        config_errors_add(b->errors, line_of(&parser->context_mark), column_of(&parser->context_mark),
                          "YAML: this quote is never closed");
    else
        config_errors_add(b->errors, line_of(&mark), column_of(&mark), "YAML: %s%s", problem,
                          syntax_hint(bytes, len, &mark, problem));
}

/* ---- building ---- */

static enum err append(struct builder *b, enum config_node_kind kind, const yaml_mark_t *mark,
                       struct config_node **out)
{
    struct config_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    struct config_node *node = arena_alloc(b->arena, sizeof(*node));

    *out = node;
    if (node == NULL)
        return ERR_MEMORY;
    *node = (struct config_node){.kind = kind, .line = line_of(mark), .column = column_of(mark), .text = ""};
    node->key = b->key;
    node->key_line = b->key_line;
    node->key_column = b->key_column;
    b->key = NULL;
    if (parent == NULL)
        b->root = node;
    else if (parent->last_child == NULL)
        parent->first_child = node;
    else
        parent->last_child->next = node;
    if (parent != NULL)
        parent->last_child = node;
    return ERR_OK;
}

/* True when the next event must be a key. */
static bool wants_key(const struct builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == CONFIG_NODE_MAP && b->key == NULL && !b->skip_value;
}

static void refuse_properties(struct builder *b, const yaml_mark_t *mark, const void *anchor, const void *tag)
{
    if (anchor != NULL)
        config_errors_add(b->errors, line_of(mark), column_of(mark),
                          "anchors (&name) are not used in this file; a text that begins with & is quoted");
    if (tag != NULL)
        config_errors_add(b->errors, line_of(mark), column_of(mark),
                          "tags (!name) are not used in this file; a text that begins with ! is quoted");
}

static enum err take_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct config_node *node;
    char *copy;

    refuse_properties(b, &event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    if (b->skip > 0)
        return ERR_OK;
    if (b->skip_value) {
        b->skip_value = false;
        return ERR_OK;
    }
    copy = arena_copy(b->arena, text, len);
    if (copy == NULL)
        return ERR_MEMORY;
    if (wants_key(b)) {
        b->key = copy;
        b->key_line = line_of(&event->start_mark);
        b->key_column = column_of(&event->start_mark);
        return ERR_OK;
    }
    if (append(b, CONFIG_NODE_TEXT, &event->start_mark, &node) != ERR_OK)
        return ERR_MEMORY;
    node->text = copy;
    node->len = len;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return ERR_OK;
}

static enum err take_start(struct builder *b, const yaml_event_t *event, enum config_node_kind kind)
{
    bool is_map = kind == CONFIG_NODE_MAP;
    struct config_node *node;

    refuse_properties(b, &event->start_mark,
                      is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                      is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    if (b->depth + b->skip >= CONFIG_DEPTH_MAX) {
        config_errors_add(b->errors, line_of(&event->start_mark), column_of(&event->start_mark),
                          "nested deeper than %d levels", CONFIG_DEPTH_MAX);
        b->stop = true;
        return ERR_OK;
    }
    if (b->skip > 0) {
        b->skip++;
        return ERR_OK;
    }
    if (b->skip_value) {
        b->skip_value = false;
        b->skip = 1;
        return ERR_OK;
    }
    if (wants_key(b)) {
        config_errors_add(b->errors, line_of(&event->start_mark), column_of(&event->start_mark),
                          "a %s stands where a key is wanted; is a quote missing? Addresses are always quoted: "
                          "\"[::1]:53\"",
                          is_map ? "mapping" : "list");
        b->open[b->depth - 1]->is_broken = b->depth > 1; /* whatever follows from this need not be said too */
        b->skip_value = true;                            /* once the key itself has been skipped */
        b->skip = 1;
        return ERR_OK;
    }
    if (append(b, kind, &event->start_mark, &node) != ERR_OK)
        return ERR_MEMORY;
    b->open[b->depth++] = node;
    return ERR_OK;
}

static void take_end(struct builder *b)
{
    if (b->skip > 0)
        b->skip--;
    else
        b->depth--;
}

static void take_alias(struct builder *b, const yaml_event_t *event)
{
    config_errors_add(b->errors, line_of(&event->start_mark), column_of(&event->start_mark),
                      "aliases (*name) are not used in this file; a text that begins with * is quoted");
    if (b->skip > 0)
        return;
    if (b->skip_value)
        b->skip_value = false;
    else if (wants_key(b))
        b->skip_value = true;
    else
        b->key = NULL;
}

static enum err take_event(struct builder *b, const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event);
    case YAML_MAPPING_START_EVENT:
        return take_start(b, event, CONFIG_NODE_MAP);
    case YAML_SEQUENCE_START_EVENT:
        return take_start(b, event, CONFIG_NODE_LIST);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        take_end(b);
        return ERR_OK;
    case YAML_ALIAS_EVENT:
        take_alias(b, event);
        return ERR_OK;
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++ > 0) {
            config_errors_add(b->errors, line_of(&event->start_mark), column_of(&event->start_mark),
                              "a second document begins here (---); there is one only");
            b->stop = true;
        }
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static void check_root(struct builder *b)
{
    if (b->root == NULL || (b->root->kind == CONFIG_NODE_TEXT && b->root->len == 0)) {
        if (b->errors->n == 0)
            config_errors_add(b->errors, 1, 1, "the file is empty; %s", b->smallest);
        b->root = NULL;
    } else if (b->root->kind != CONFIG_NODE_MAP) {
        config_errors_add(b->errors, b->root->line, b->root->column, "keys are wanted here, such as \"%s:\"; %s",
                          b->first_key, b->smallest);
        b->root = NULL;
    }
}

enum err config_tree_parse(struct config_node **out, struct arena *arena, const char *bytes, size_t len,
                           struct config_errors *errors)
{
    return config_tree_parse_for(out, arena, bytes, len, errors, "zones",
                                 "the smallest file has zones with one origin, contact and name server");
}

enum err config_tree_parse_for(struct config_node **out, struct arena *arena, const char *bytes, size_t len,
                               struct config_errors *errors, const char *first_key, const char *smallest)
{
    struct builder b = {.arena = arena, .errors = errors, .first_key = first_key, .smallest = smallest};
    yaml_parser_t parser;
    bool is_at_end = false;
    enum err e = ERR_OK;

    *out = NULL;
    if (len > CONFIG_FILE_MAX) {
        config_errors_add(errors, 0, 0, "the file is larger than %zu octets", CONFIG_FILE_MAX);
        return ERR_OK;
    }
    if (yaml_parser_initialize(&parser) == 0)
        return ERR_MEMORY;
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    while (e == ERR_OK && !b.stop && !is_at_end) {
        yaml_event_t event;

        if (yaml_parser_parse(&parser, &event) == 0) {
            if (parser.error == YAML_MEMORY_ERROR)
                e = ERR_MEMORY;
            else
                complain_syntax(&b, &parser, bytes, len);
            b.stop = true;
            b.root = NULL; /* what follows is unknown: half a file would only look like missing keys */
            break;
        }
        e = take_event(&b, &event);
        is_at_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (e == ERR_OK && is_at_end)
        check_root(&b);
    *out = b.stop ? NULL : b.root;
    return e != ERR_OK ? e : errors->err;
}

/* ---- looking things up ---- */

void config_path(char out[CONFIG_PATH_TEXT_MAX], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(out, CONFIG_PATH_TEXT_MAX, fmt, args);
    va_end(args);
}

static struct config_node *child_by_key(const struct config_node *node, const char *key, size_t len)
{
    if (node->kind != CONFIG_NODE_MAP)
        return NULL;
    for (struct config_node *c = node->first_child; c != NULL; c = c->next) {
        if (!c->is_dropped && c->key != NULL && strlen(c->key) == len && memcmp(c->key, key, len) == 0)
            return c;
    }
    return NULL;
}

static struct config_node *child_by_index(const struct config_node *node, const char *digits, size_t len)
{
    uint64_t index = 0;
    struct config_node *c;

    if (node->kind != CONFIG_NODE_LIST || quantity_parse_uint(&index, digits, len, CONFIG_FILE_MAX) != ERR_OK)
        return NULL;
    for (c = node->first_child; c != NULL && index > 0; c = c->next)
        index--;
    return c;
}

/* One step down; *path is moved behind what was taken. */
static struct config_node *step(const struct config_node *node, const char **path)
{
    const char *p = *path;
    size_t len;

    if (*p == '[') {
        len = strcspn(p, "]");
        *path = p + len + (p[len] == ']');
        return child_by_index(node, p + 1, len - 1);
    }
    p += *p == '.';
    len = strcspn(p, ".[");
    *path = p + len;
    return child_by_key(node, p, len);
}

/* The nodes from below the root down to path, as far as the file has them. */
static size_t trail(const struct config_node *root, const char *path, struct config_node *out[CONFIG_DEPTH_MAX],
                    bool *is_exact)
{
    const struct config_node *node = root;
    size_t n = 0;

    *is_exact = false;
    while (*path != '\0' && node != NULL && n < CONFIG_DEPTH_MAX) {
        struct config_node *below = step(node, &path);

        if (below == NULL)
            return n;
        out[n++] = below;
        node = below;
    }
    *is_exact = *path == '\0' && n > 0;
    return n;
}

const struct config_node *config_tree_find(const struct config_node *root, const char *path, bool *is_exact)
{
    struct config_node *nodes[CONFIG_DEPTH_MAX];
    bool exact = false;
    size_t n = root != NULL ? trail(root, path, nodes, &exact) : 0;

    if (is_exact != NULL)
        *is_exact = exact;
    return n > 0 ? nodes[n - 1] : NULL;
}

bool config_tree_has(const struct config_node *root, const char *path)
{
    bool is_exact;
    const struct config_node *node = config_tree_find(root, path, &is_exact);

    return is_exact && !(node->kind == CONFIG_NODE_TEXT && node->is_plain && node->len == 0);
}

void config_tree_complain(struct config_node *root, struct config_errors *errors, const char *path, const char *fmt,
                          ...)
{
    struct config_node *nodes[CONFIG_DEPTH_MAX];
    bool is_exact;
    size_t n = trail(root, path, nodes, &is_exact);
    char text[1024];
    va_list args;

    for (size_t i = 0; i < n; i++) {
        if (nodes[i]->is_broken)
            return;
    }
    if (is_exact && nodes[n - 1]->kind == CONFIG_NODE_TEXT)
        nodes[n - 1]->is_broken = true; /* of a mapping or a list there may be more to say */
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n > 0)
        config_errors_add(errors, nodes[n - 1]->line, nodes[n - 1]->column, "%s: %s", path, text);
    else
        config_errors_add(errors, root->line, root->column, "%s: %s", path, text);
}
