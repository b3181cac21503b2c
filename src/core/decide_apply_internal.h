/* core/decide_apply_internal.h -- what the files of a REQUEST_APPLY's decision share; nobody else includes it.
 * Committer's thread.
 *
 * Like every decision it has two halves. The first reads the whole request against the state and writes the plan,
 * and for each step of it a deed; it may refuse at any row. The second does the deeds, and cannot refuse. What
 * later rows depend on (a name in an account that is to be made) is looked up in what is planned, not in the state.
 */
#ifndef CORE_DECIDE_APPLY_INTERNAL_H
#define CORE_DECIDE_APPLY_INTERNAL_H

#include "core/apply.h"
#include "core/decide_internal.h"

struct planned_name {
    size_t account, index; /* in the request */
    const struct request_name *req;
    struct name owner; /* folded */
    const struct zone_state *zone;
    const char *text;               /* the owner, as people read it */
    struct name_entry *there;       /* NULL: it is to be made */
    const struct name_entry *below; /* somebody else's, in the way of one that is to be made; NULL: none */
    uint32_t id;
};

struct planned_account {
    const struct apply_account *req;
    struct account *there; /* NULL: it is to be made */
    uint32_t id;
    struct planned_name *names; /* as many as in req */
    size_t made, gone;          /* of its names */
};

/* What an account of the request has already; with prune, what is not declared goes. */
struct present_credential {
    size_t account; /* in the request */
    const struct credential *credential;
    const char *label; /* its */
    bool is_declared;
};

struct present_name {
    size_t account;
    struct name_entry *name;
};

/* What carries out one step. */
struct deed {
    struct apply_step *step;
    struct effect effect;                        /* of what is made or changed: its row */
    uint32_t id;                                 /* of what is retired or revoked */
    const struct request_credential *credential; /* gets a secret */
    struct deed *next;
};

struct applying {
    struct deciding *c;
    const struct request_apply *req;
    struct apply_plan *plan;
    struct planned_account *accounts;
    struct planned_account **accounts_by_id; /* those that are there, ascending */
    size_t n_accounts_there;
    struct planned_name *names; /* of all accounts, in the order of the request */
    struct planned_name **names_by_owner;
    size_t n_names;
    struct present_credential *credentials; /* by account and label */
    size_t n_credentials;
    struct present_name *present_names; /* with prune: by account and id */
    size_t n_present_names;
    size_t next_present_name, next_present_credential; /* to be pruned: accounts are planned in their order */
    uint32_t last_account, last_name, last_credential; /* the ids given out so far */
    struct deed *first, *last;
    size_t room;    /* octets of the entry that doing it may take, beside what is taken already */
    char where[96]; /* the row that is being looked at, as a path into the request */
};

/* All may refuse, and leave a->where at the row that is refused. */

/* Read accounts and names, and look at everything that they could be or stand beside: decide_apply_read.c. */
MUST_USE enum err apply_read(struct applying *a);
/* Plan one account with all that belongs to it: decide_apply_plan.c. */
MUST_USE enum err apply_plan_account(struct applying *a, struct planned_account *account);
/* Its credentials: decide_apply_credential.c. */
MUST_USE enum err apply_plan_credentials(struct applying *a, const struct planned_account *account);

void apply_at(struct applying *a, const char *format, ...) PRINTF_LIKE(2, 3);
/* The place of an account or a name in the request. */
size_t apply_index(const struct applying *a, const struct planned_account *account);
/* NULL: nobody plans it. */
struct planned_name *apply_find_name(const struct applying *a, const struct name *owner);
/* Memory of the entry, zeroed. NULL: out of memory. */
void *apply_alloc(struct applying *a, size_t n, size_t size);

/* A step at the end of the plan, and the deed that carries it out. */
MUST_USE enum err apply_add_step(struct applying *a, enum apply_action action, enum apply_thing thing,
                                 const struct planned_account *account, struct deed **out);
/* A member that is new, or becomes another. */
MUST_USE enum err apply_say(struct applying *a, struct deed *deed, const char *member, const char *from,
                            const char *to);

#define APPLY_LIST_MAX 600

/* A list as it is shown: what does not fit is counted. Zeroed at first. */
struct apply_list {
    char text[APPLY_LIST_MAX];
    size_t len, n, left_out;
};
void apply_list_add(struct apply_list *l, const char *item);
const char *apply_list_end(struct apply_list *l, const char *none); /* none: of an empty one */

#endif
