/* cli/admin_follow.h -- --follow for lists that the server cannot wait with (refusals, trace): asked for again and
 * again, and only what is new is shown. One thread. */
#ifndef CLI_ADMIN_FOLLOW_H
#define CLI_ADMIN_FOLLOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "cli/admin.h"
#include "cli/show.h"

struct follow {
    const struct cli *cli;
    /* Gives all items that are not older than since_s as an array; or an exit_status that has been explained. Each
     * item has a "time". */
    int (*get)(void *arg, int64_t since_s, json_t **items);
    /* Add a row for the item. */
    void (*put)(struct show_table *t, const json_t *item);
    void *arg;
    const char *const *headings;
    bool newest_first; /* as get gives them; shown are the oldest first */
};

/* Show what there is since since_s and then what comes, until there is trouble or the program is ended. */
MUST_USE int admin_follow(const struct follow *f, int64_t since_s);

/* Those of items that are not among seen (NULL: none was seen); both are borrowed. For admin_follow() and tests. */
MUST_USE json_t *follow_new_items(const json_t *items, const json_t *seen);

#endif
