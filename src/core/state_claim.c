/* Claims: folding them. A change of claims makes the name's row anew, which costs as much as the name has values,
 * and one request often ends a claim and adds another. So they are collected in a set of values until the end; an
 * effect that comes alone has its own beginning and end. Looking at other names in between is done with another
 * set. */
#include <assert.h>

#include "core/state_internal.h"

bool state_collects(const struct state *s, uint32_t name)
{
    return s->naming->collected.row != NULL && s->naming->collected.name == name;
}

enum err state_begin_claims(struct state *s, uint32_t name)
{
    struct name_work *w = s->naming;
    const struct name_entry *n = state_name(s, name);
    struct value_set *vs;
    enum err e;

    if (state_collects(s, name))
        return ERR_OK;
    e = state_end_claims(s);
    if (e != ERR_OK)
        return e;
    if (n == NULL)
        return ERR_CORRUPT;
    vs = state_take_values(s, n);
    w->collected = (struct collected){
        .values = vs,
        .row = n,
        .name = name,
        .n_before = vs->n,
        .claims_before = vs->n_claims,
        .pinned_before = value_set_pinned_values(vs),
    };
    w->values = vs == &w->sets[0] ? &w->sets[1] : &w->sets[0];
    return ERR_OK;
}

/* Bring up to date what depends on the values: counts, and what DNS shows, which is another when the distinct
 * values are, or when the TTL is (of all values pinned, or not). */
static void account_for(struct state *s, const struct collected *of, const struct name_entry *n)
{
    size_t pinned = value_set_pinned_values(of->values);
    bool ttl_changed = (of->pinned_before == of->n_before) != (pinned == of->values->n);

    s->counts.claims += (uint64_t)of->values->n_claims - of->claims_before;
    s->counts.values += (uint64_t)of->values->n - of->n_before;
    s->counts.pinned += (uint64_t)pinned - of->pinned_before;
    if (name_retired_s(n) == 0 && (of->distinct_changed || ttl_changed))
        state_mark_served(s, n);
}

void state_drop_claims(struct state *s)
{
    s->naming->collected = (struct collected){.row = NULL};
}

enum err state_end_claims(struct state *s)
{
    struct name_work *w = s->naming;
    const struct collected ending = w->collected;
    struct row_spec spec;
    enum err e;

    if (ending.row == NULL)
        return ERR_OK;
    state_drop_claims(s);
    if (!ending.changed)
        return ERR_OK;
    w->values = ending.values;
    w->valued = NULL;
    row_read(row_of(ending.row), &spec);
    spec.values = ending.values;
    e = state_put_row(s, &spec);
    if (e == ERR_OK)
        account_for(s, &ending, state_name(s, ending.name));
    return e;
}

typedef enum err change_values(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed);

static enum err fold_claim(struct state *s, const struct effect_claim *c, change_values *change)
{
    struct collected *into = &s->naming->collected;
    bool is_alone = !state_collects(s, c->name);
    enum err e = is_alone ? state_begin_claims(s, c->name) : ERR_OK;
    bool distinct_changed = false;

    if (e == ERR_OK)
        e = change(into->values, c, &distinct_changed);
    if (e != ERR_OK)
        return e; /* state_fold() drops what was collected */
    into->changed = true;
    into->distinct_changed = into->distinct_changed || distinct_changed;
    return is_alone ? state_end_claims(s) : ERR_OK;
}

static enum err add_claim(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed)
{
    return value_set_claim(vs, c->slot, NULL) == NULL ? value_set_add(vs, c, distinct_changed) : ERR_CORRUPT;
}

static enum err renew_claim(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed)
{
    return value_set_claim(vs, c->slot, NULL) != NULL ? value_set_add(vs, c, distinct_changed) : ERR_CORRUPT;
}

static enum err end_claim(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed)
{
    return value_set_end(vs, c->slot, distinct_changed);
}

enum err fold_claim_added(struct state *s, const struct effect *f)
{
    return state_credential(s, f->u.claim.credential) != NULL ? fold_claim(s, &f->u.claim, add_claim) : ERR_CORRUPT;
}

enum err fold_claim_renewed(struct state *s, const struct effect *f)
{
    return fold_claim(s, &f->u.claim, renew_claim);
}

enum err fold_claim_ended(struct state *s, const struct effect *f)
{
    return fold_claim(s, &f->u.claim, end_claim);
}
