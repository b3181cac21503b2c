/* core/apply.h -- the plan of a REQUEST_APPLY: what has to be done so that accounts, names and credentials are as
 * the request says. The decision makes it, and carries out nothing but its steps: what is shown is what is done.
 *
 * The plan belongs to the request, since there may be no journal entry to keep it. Written by the committer's
 * thread, read during the done callback. */
#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/uuid.h"
#include "core/change.h"

enum apply_action { APPLY_CREATE, APPLY_CHANGE, APPLY_RETIRE, APPLY_REVOKE };
enum apply_thing { APPLY_ACCOUNT, APPLY_NAME, APPLY_CREDENTIAL };

/* A member that changes, as people read it; a list that is long is cut. */
struct apply_change {
    const char *member;
    const char *from; /* NULL: the thing is new */
    const char *to;
    struct apply_change *next;
};

/* Something that is done to one thing. */
struct apply_step {
    enum apply_action action;
    enum apply_thing thing;
    const char *account; /* of the thing, or itself */
    const char *name;    /* APPLY_NAME: the owner, without final dot; APPLY_CREDENTIAL: the first of its names */
    const char *label;   /* APPLY_CREDENTIAL */
    struct uuid uuid;    /* APPLY_CREDENTIAL; nil before it is made */
    struct apply_change *first, *last;
    size_t n_domains; /* APPLY_NAME: those that come, so that CNAMEs are to be made for them */
    const char *const *domains;
    unsigned values;                 /* APPLY_RETIRE: live ones that end */
    char secret[TOKEN_TEXT_LEN + 1]; /* of a credential that was made, else ""; shown once */
    bool is_tsig;                    /* the secret is a TSIG key */
    struct apply_step *next;
};

#define APPLY_ID_LEN 16

struct apply_plan {
    struct arena arena;
    struct apply_step *first, *last;
    size_t n;
    size_t unchanged;          /* things that are as they are to be */
    char id[APPLY_ID_LEN + 1]; /* the same for the same steps, but for ids and secrets */
};

#define APPLY_ARENA_MAX ((size_t)32 << 20)

/* NULL: out of memory. */
MUST_USE struct apply_plan *apply_plan_new(void);
void apply_plan_free(struct apply_plan *p);  /* wipes the secrets; NULL is fine */
void apply_plan_reset(struct apply_plan *p); /* the same, but it stays, empty */

/* Gives a step at the end of the plan. NULL: out of memory, as below. */
MUST_USE struct apply_step *apply_plan_add(struct apply_plan *p, enum apply_action action, enum apply_thing thing);
/* Copies the texts. ERR_MEMORY. */
MUST_USE enum err apply_step_change(struct apply_plan *p, struct apply_step *step, const char *member,
                                    const char *from, const char *to);
/* Fill in the id. ERR_CRYPTO. */
MUST_USE enum err apply_plan_seal(struct apply_plan *p);

const char *apply_action_word(enum apply_action a); /* "create", … */
const char *apply_thing_word(enum apply_thing t);   /* "account", … */

#endif
