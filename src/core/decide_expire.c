/* Expiry, as ordinary changes: some claims at a time, so that no entry grows without bound. */
#include "core/decide_internal.h"
#include "core/value_set.h"

/* Whoever's change is in the same commit waits for it too: so that is a millisecond's work. */
#define EXPIRE_MAX 64

enum err decide_expire(struct deciding *c)
{
    struct claim_ref refs[EXPIRE_MAX];
    size_t n = state_expired(c->s, c->d->now_s, refs, EXPIRE_MAX);

    for (size_t i = 0; i < n; i++) {
        enum err e = state_begin_claims(c->s, refs[i].name); /* those of a name come side by side */
        struct value *on = NULL;
        const struct claim *claim;
        struct rdata rdata;
        if (e != ERR_OK)
            return e;
        claim = value_set_claim(name_values(c->s, state_name(c->s, refs[i].name)), refs[i].slot, &on);
        if (claim == NULL)
            return ERR_CORRUPT;
        e = copy_rdata(c, &rdata, on);
        if (e == ERR_OK)
            e = emit_claim_end(c, EFFECT_CLAIM_EXPIRED, refs[i].name, claim, &rdata);
        if (e != ERR_OK)
            return e;
        c->res->removed++;
    }
    return ERR_OK;
}
