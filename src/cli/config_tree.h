/* cli/config_tree.h -- a YAML file as a tree in which every node knows its place; made by libyaml, bounded in size
 * and depth.
 *
 * This is the pass that knows lines and columns; what the keys mean is no business of it. One owner thread. */
#ifndef CLI_CONFIG_TREE_H
#define CLI_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "cli/config_errors.h"

#define CONFIG_FILE_MAX      ((size_t)1 << 20)
#define CONFIG_DEPTH_MAX     12 /* the deepest key that we have lies at 6 */
#define CONFIG_PATH_TEXT_MAX 256

enum config_node_kind { CONFIG_NODE_TEXT, CONFIG_NODE_MAP, CONFIG_NODE_LIST };

struct config_node {
    enum config_node_kind kind;
    unsigned line, column; /* of the value, from 1 */
    const char *key;       /* of a member of a mapping, NUL-terminated; else NULL */
    unsigned key_line, key_column;
    const char *text; /* CONFIG_NODE_TEXT: len octets and a NUL */
    size_t len;
    bool is_plain; /* not quoted: an empty one says nothing at all */
    /* Something was said about this node already: nothing more is said about it or what lies below, and its value
     * is not used. */
    bool is_broken;
    bool is_dropped; /* not part of the configuration: an unknown key, or one that is there a second time */
    struct config_node *first_child, *last_child, *next;
};

/* Parse len octets. *out is the root mapping, NULL when there is none to work with; everything in it lives in
 * arena, as do the errors. What YAML itself refuses, aliases, anchors, tags, a second document and a wrong root
 * become errors. ERR_MEMORY. */
MUST_USE enum err config_tree_parse(struct config_node **out, struct arena *arena, const char *bytes, size_t len,
                                    struct config_errors *errors);

/* The same for another file than the configuration: its first key, and what the smallest one
 * has. */
MUST_USE enum err config_tree_parse_for(struct config_node **out, struct arena *arena, const char *bytes,
                                        size_t len, struct config_errors *errors, const char *first_key,
                                        const char *smallest);

/* Compose a path such as "zones[0].origin". */
void config_path(char out[CONFIG_PATH_TEXT_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The node at a path such as "zones[0].name-servers[1].name", or the nearest one above it that the file has; NULL
 * when the file does not have even the first key. *is_exact may be NULL. */
const struct config_node *config_tree_find(const struct config_node *root, const char *path, bool *is_exact);
/* True when the file says something at path: an empty value (`key:`) does not count. */
bool config_tree_has(const struct config_node *root, const char *path);

/* Say "PATH: …" at the place of path; silent when the node there, or one above it, is broken. A text is broken
 * afterwards. */
void config_tree_complain(struct config_node *root, struct config_errors *errors, const char *path, const char *fmt,
                          ...) PRINTF_LIKE(4, 5);

#endif
