/* Declared accounts become what is: see decide_apply_internal.h for how. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "core/decide_apply_internal.h"

#define LIST_TAIL_MAX 32 /* " and 5000 more" */
/* Of the entry's arena: what an entry may take before anything is done, so that nothing fails in the middle. */
#define ROOM_MAX      (ENTRY_ARENA_MAX / 4 * 3)

/* ---- what the planning uses ---- */

void apply_at(struct applying *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(a->where, sizeof a->where, format, args);
    va_end(args);
}

size_t apply_index(const struct applying *a, const struct planned_account *account)
{
    return (size_t)(account - a->accounts);
}

void *apply_alloc(struct applying *a, size_t n, size_t size)
{
    return arena_alloc(&a->c->e->arena, (n + 1) * size);
}

enum err apply_add_step(struct applying *a, enum apply_action action, enum apply_thing thing,
                        const struct planned_account *account, struct deed **out)
{
    struct deed *deed = apply_alloc(a, 1, sizeof *deed);

    *out = deed;
    if (deed == NULL)
        return ERR_MEMORY;
    deed->step = apply_plan_add(a->plan, action, thing);
    if (deed->step == NULL)
        return ERR_MEMORY;
    deed->step->account = account->req->account.name; /* of the request, which outlives the plan */
    if (a->last != NULL)
        a->last->next = deed;
    else
        a->first = deed;
    a->last = deed;
    return ERR_OK;
}

enum err apply_say(struct applying *a, struct deed *deed, const char *member, const char *from, const char *to)
{
    return apply_step_change(a->plan, deed->step, member, deed->step->action == APPLY_CREATE ? NULL : from, to);
}

void apply_list_add(struct apply_list *l, const char *item)
{
    size_t len = strlen(item);

    if (l->left_out > 0 || l->len + len + LIST_TAIL_MAX + 2 > sizeof l->text)
        l->left_out++;
    else
        l->len += (size_t)snprintf(l->text + l->len, sizeof l->text - l->len, "%s%s", l->n > 0 ? ", " : "", item);
    l->n++;
}

const char *apply_list_end(struct apply_list *l, const char *none)
{
    if (l->n == 0)
        return none;
    if (l->left_out > 0)
        (void)snprintf(l->text + l->len, sizeof l->text - l->len, " and %zu more", l->left_out);
    return l->text;
}

/* ---- planning ---- */

static MUST_USE enum err plan(struct applying *a)
{
    enum err e = apply_read(a);

    for (size_t i = 0; i < a->req->n_accounts && e == ERR_OK && !is_refused(a->c); i++)
        e = apply_plan_account(a, &a->accounts[i]);
    if (e == ERR_OK && !is_refused(a->c) && a->c->e->arena.total + a->room > ROOM_MAX)
        e = ERR_MEMORY;
    if (e != ERR_MEMORY)
        return e;
    /* Nothing has been done yet, so this is no failure of the server. */
    apply_at(a, "accounts");
    hint(a->c, "split the file: accounts that are not listed stay as they are");
    return is_refused(a->c) ? ERR_OK : refuse(a->c, REFUSAL_TOO_LARGE, "this is too much to be done at once");
}

/* Say in the refusal which row it is about. */
static void put_where(struct applying *a)
{
    char detail[RESULT_DETAIL_MAX];
    int room = (int)(sizeof detail - 1 - strlen(a->where) - strlen(": "));

    memcpy(detail, a->c->res->detail, sizeof detail);
    (void)snprintf(a->c->res->detail, sizeof a->c->res->detail, "%s: %.*s", a->where, room, detail);
}

/* What was looked at before must be what would be done now. */
static bool is_expected(struct applying *a)
{
    if (a->req->expected == NULL || strcmp(a->req->expected, a->plan->id) == 0)
        return true;
    hint(a->c, "look at the plan again");
    (void)refuse(a->c, REFUSAL_CONFLICT,
                 "the plan has become another since it was looked at: accounts were changed");
    return false;
}

/* ---- doing ---- */

static MUST_USE enum err do_secret(struct applying *a, struct deed *deed)
{
    struct result *res = a->c->res;
    uint32_t id = deed->effect.u.credential->id;
    enum err e = deed->credential->tsig ? emit_new_tsig_key(a->c, id) : emit_new_secret(a->c, id);

    if (e == ERR_OK)
        memcpy(deed->step->secret, res->secret, sizeof deed->step->secret);
    deed->step->is_tsig = deed->credential->tsig;
    crypto_wipe(res->secret, sizeof res->secret);
    return e;
}

static MUST_USE enum err do_one(struct applying *a, struct deed *deed)
{
    enum err e = ERR_OK;

    switch (deed->step->action) {
    case APPLY_RETIRE:
        return emit_retirement(a->c, deed->id);
    case APPLY_REVOKE:
        return emit_revocation(a->c, state_credential(a->c->s, deed->id));
    case APPLY_CREATE:
        if (deed->credential != NULL)
            e = fresh_uuid(a->c, &deed->effect.u.credential->uuid);
        break;
    case APPLY_CHANGE:
        break;
    }
    if (e == ERR_OK)
        e = emit(a->c, &deed->effect);
    if (e != ERR_OK || deed->credential == NULL)
        return e;
    deed->step->uuid = deed->effect.u.credential->uuid;
    return do_secret(a, deed);
}

enum err decide_apply(struct deciding *c)
{
    struct applying a = {
        .c = c,
        .req = &c->r->u.apply,
        .plan = c->r->u.apply.plan,
        .last_account = state_last_account(c->s),
        .last_name = state_last_name(c->s),
        .last_credential = state_last_credential(c->s),
        .where = "accounts",
    };
    enum err e;

    assert(a.plan != NULL);
    apply_plan_reset(a.plan); /* it may be decided again */
    e = plan(&a);
    if (e == ERR_OK && is_refused(c))
        put_where(&a);
    if (e == ERR_OK && !is_refused(c))
        e = apply_plan_seal(a.plan);
    if (e != ERR_OK || is_refused(c) || !is_expected(&a))
        return e;
    c->res->plan = a.plan;
    for (struct deed *deed = a.first; deed != NULL && e == ERR_OK && a.req->mode == APPLY_FOR_GOOD;
         deed = deed->next)
        e = do_one(&a, deed);
    return e;
}
