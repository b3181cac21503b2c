#include "core/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

struct apply_plan *apply_plan_new(void)
{
    struct apply_plan *p = calloc(1, sizeof *p);

    if (p != NULL)
        arena_init(&p->arena, APPLY_ARENA_MAX);
    return p;
}

void apply_plan_reset(struct apply_plan *p)
{
    for (struct apply_step *step = p->first; step != NULL; step = step->next)
        crypto_wipe(step->secret, sizeof step->secret);
    arena_fini(&p->arena);
    p->first = p->last = NULL;
    p->n = p->unchanged = 0;
    p->id[0] = '\0';
}

void apply_plan_free(struct apply_plan *p)
{
    if (p == NULL)
        return;
    apply_plan_reset(p);
    free(p);
}

struct apply_step *apply_plan_add(struct apply_plan *p, enum apply_action action, enum apply_thing thing)
{
    struct apply_step *step = arena_alloc(&p->arena, sizeof *step);

    if (step == NULL)
        return NULL;
    step->action = action;
    step->thing = thing;
    if (p->last != NULL)
        p->last->next = step;
    else
        p->first = step;
    p->last = step;
    p->n++;
    return step;
}

enum err apply_step_change(struct apply_plan *p, struct apply_step *step, const char *member, const char *from,
                           const char *to)
{
    struct apply_change *change = arena_alloc(&p->arena, sizeof *change);

    if (change == NULL)
        return ERR_MEMORY;
    change->member = arena_copy(&p->arena, member, strlen(member));
    change->from = from != NULL ? arena_copy(&p->arena, from, strlen(from)) : NULL;
    change->to = arena_copy(&p->arena, to, strlen(to));
    if (change->member == NULL || (from != NULL && change->from == NULL) || change->to == NULL)
        return ERR_MEMORY;
    if (step->last != NULL)
        step->last->next = change;
    else
        step->first = change;
    step->last = change;
    return ERR_OK;
}

/* ---- the id: a chain of digests, so that nothing has to be put together in memory ---- */

struct chain {
    struct {
        uint8_t before[SHA256_LEN];
        uint8_t text[SHA256_LEN];
    } link;
    enum err err;
};

static void chain_text(struct chain *chain, const char *text)
{
    uint8_t next[SHA256_LEN];

    if (chain->err == ERR_OK)
        chain->err = crypto_sha256(chain->link.text, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 0);
    if (chain->err == ERR_OK)
        chain->err = crypto_sha256(next, &chain->link, sizeof chain->link);
    if (chain->err == ERR_OK)
        memcpy(chain->link.before, next, sizeof next);
}

enum err apply_plan_seal(struct apply_plan *p)
{
    struct chain chain = {.err = ERR_OK};

    for (const struct apply_step *step = p->first; step != NULL; step = step->next) {
        chain_text(&chain, apply_action_word(step->action));
        chain_text(&chain, apply_thing_word(step->thing));
        chain_text(&chain, step->account);
        chain_text(&chain, step->name);
        chain_text(&chain, step->label);
        for (const struct apply_change *change = step->first; change != NULL; change = change->next) {
            chain_text(&chain, change->member);
            chain_text(&chain, change->from);
            chain_text(&chain, change->to);
        }
        for (size_t i = 0; i < step->n_domains; i++)
            chain_text(&chain, step->domains[i]);
        chain_text(&chain, NULL);
    }
    for (size_t i = 0; i < APPLY_ID_LEN / 2; i++)
        (void)snprintf(p->id + 2 * i, 3, "%02x", chain.link.before[i]);
    return chain.err;
}

const char *apply_action_word(enum apply_action a)
{
    static const char *const words[] = {
        [APPLY_CREATE] = "create", [APPLY_CHANGE] = "change", [APPLY_RETIRE] = "retire", [APPLY_REVOKE] = "revoke"};

    return words[a];
}

const char *apply_thing_word(enum apply_thing t)
{
    static const char *const words[] = {
        [APPLY_ACCOUNT] = "account", [APPLY_NAME] = "name", [APPLY_CREDENTIAL] = "credential"};

    return words[t];
}
