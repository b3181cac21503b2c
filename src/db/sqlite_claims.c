/* The claims of a name: one row, which holds the effects that would add them, as the journal encodes effects. So
 * many changes of one name are one write, and a name without claims has no row. */
#include <stdlib.h>

#include "db/sqlite_store.h"

/* ---- from the state ---- */

static enum err take_value(struct entry *held, uint32_t name, const struct value *v)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < v->n_claims; i++) {
        const struct claim *c = &v->claims[i];
        struct effect f = {.kind = EFFECT_CLAIM_ADDED,
                           .u.claim = {.name = name,
                                       .credential = c->credential,
                                       .slot = c->slot,
                                       .order = c->order,
                                       .added_s = c->added_s,
                                       .expires_s = c->expires_s,
                                       .network = c->network,
                                       .door = c->door,
                                       .pinned = c->pinned,
                                       .rdata = {.bytes = v->rdata, .len = v->rdlen}}};

        e = entry_add(held, &f);
    }
    return e;
}

enum err claims_of(const struct state *s, uint32_t name, struct entry *held)
{
    const struct value_set *vs = name_values(s, state_name(s, name));
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < vs->n; i++)
        e = take_value(held, name, &vs->values[i]);
    return e;
}

/* ---- into their row ---- */

static enum err put_row(struct apply_stmts *a, uint32_t name, const struct entry *held)
{
    struct stmt_use u = stmt_begin(a->st[STMT_CLAIMS_PUT]);
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err e = effects_encode(held, &bytes, &len);

    if (e != ERR_OK)
        return e;
    stmt_int(&u, name);
    stmt_int(&u, EFFECT_FORMAT);
    stmt_blob(&u, bytes, len);
    e = stmt_run(&u);
    free(bytes);
    return e;
}

static enum err end_row(struct apply_stmts *a, uint32_t name)
{
    struct stmt_use u = stmt_begin(a->st[STMT_CLAIMS_END]);

    stmt_int(&u, name);
    return stmt_run(&u); /* the name may have had none */
}

enum err claims_write(struct apply_stmts *a, const struct state *s, uint32_t name, size_t *n)
{
    struct entry held;
    enum err e;

    entry_init(&held);
    e = claims_of(s, name, &held);
    if (e == ERR_OK)
        e = held.n_effects > 0 ? put_row(a, name, &held) : end_row(a, name);
    *n = held.n_effects;
    entry_fini(&held);
    return e;
}

/* ---- out of their row ---- */

static int compare_slots(const void *a, const void *b)
{
    const struct effect *x = a;
    const struct effect *y = b;

    return x->u.claim.slot < y->u.claim.slot ? -1 : x->u.claim.slot > y->u.claim.slot ? 1 : 0;
}

void claims_sort(struct entry *held)
{
    if (held->n_effects > 1)
        qsort(held->effects, held->n_effects, sizeof *held->effects, compare_slots);
}

enum err claims_read(struct row *r, uint32_t name, struct entry *held)
{
    uint32_t format = row_u32(r);
    size_t len;
    const uint8_t *bytes = row_blob(r, &len);
    enum err e = r->err == ERR_OK ? effects_decode(held, format, bytes, len) : r->err;

    for (size_t i = 0; e == ERR_OK && i < held->n_effects; i++) {
        const struct effect *f = &held->effects[i];

        if (f->kind != EFFECT_CLAIM_ADDED || f->u.claim.name != name)
            e = ERR_CORRUPT;
    }
    return e;
}
