/* What was taken away since a backup stays away: as effects on the state of the backup, row by row. */
#include <string.h>

#include "core/decide_internal.h"
#include "core/restore.h"
#include "core/restore_internal.h"
#include "core/value_set.h"

struct keeping {
    struct deciding c; /* first: what emit() takes */
    const struct state *present;
};

/* ---- names ---- */

/* The account of the restored state that a name of the present one belongs to; the administrator when there is none
 * such: then only he can give the name away. */
static uint32_t account_for(const struct keeping *k, const struct name_entry *present)
{
    const struct account *there = restore_account_in(k->c.s, state_account(k->present, name_account(present)));

    return there != NULL && there->deleted_s == 0 ? there->id : ACCOUNT_ADMIN;
}

static MUST_USE enum err retire(struct keeping *k, uint32_t id, int64_t retired_s)
{
    static const struct claim_filter everything = {.of = NULL, .pinned_too = true};
    struct effect_name *row;
    enum err e = emit_claims_removed(&k->c, id, &everything);

    if (e != ERR_OK)
        return e;
    row = row_of_name(&k->c, state_name(k->c.s, id));
    if (row == NULL)
        return ERR_MEMORY;
    row->retired_s = retired_s;
    return emit_name(&k->c, EFFECT_NAME_RETIRED, row);
}

/* Whose it is by now, and no more for those below it than by now. */
static MUST_USE enum err set_name(struct keeping *k, uint32_t id, uint32_t account, bool subtree)
{
    struct effect_name *row = row_of_name(&k->c, state_name(k->c.s, id));

    if (row == NULL)
        return ERR_MEMORY;
    row->account = account;
    row->subtree = subtree;
    return emit_name(&k->c, EFFECT_NAME_SET, row);
}

/* A pinned value authorizes somebody's account at an authority for as long as it is there. */
static MUST_USE enum err end_pinned(struct keeping *k, uint32_t id, const struct name_entry *p)
{
    static const struct claim_filter everything = {.of = NULL, .pinned_too = true};
    struct deciding *c = &k->c;
    const struct value_set *vs = name_values(c->s, state_name(c->s, id));
    struct rdata *ending;
    size_t n = 0;
    enum err e = ERR_OK;

    if (vs->n == 0)
        return ERR_OK;
    ending = arena_alloc(&c->e->arena, vs->n * sizeof *ending);
    if (ending == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < vs->n && e == ERR_OK; i++)
        if (value_is_pinned(&vs->values[i]) && !restore_is_pinned_in(k->present, p, &vs->values[i]))
            e = copy_rdata(c, &ending[n++], &vs->values[i]);
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = emit_value_end(c, EFFECT_CLAIM_REMOVED, id, &ending[i], &everything);
    return e;
}

static MUST_USE enum err keep_name(struct keeping *k, uint32_t id)
{
    const struct name_entry *b = state_name(k->c.s, id);
    const struct name_entry *p = name_retired_s(b) == 0 ? restore_name_in(k->present, k->c.s, b) : NULL;
    uint32_t account;
    bool subtree;
    enum err e;

    if (p == NULL)
        return ERR_OK;
    account = account_for(k, p);
    if (name_retired_s(p) != 0)
        return retire(k, id, name_retired_s(p));
    if (account == ACCOUNT_ADMIN)
        return retire(k, id, k->c.d->now_s); /* its new owner is not there, and its old one has lost it */
    subtree = name_has_subtree(b) && name_has_subtree(p);
    e = end_pinned(k, id, p);
    return e == ERR_OK && (account != name_account(b) || subtree != name_has_subtree(b))
               ? set_name(k, id, account, subtree)
               : e;
}

/* A name that only the present state has becomes a tombstone. */
static MUST_USE enum err keep_tombstone(struct keeping *k, uint32_t id)
{
    const struct name_entry *p = state_name(k->present, id);
    const struct zone_state *zone = state_zone_by_apex(k->c.s, &state_zone(k->present, name_zone(p))->spec.apex);
    struct effect_name *row;

    if (zone == NULL || restore_name_in(k->c.s, k->present, p) != NULL)
        return ERR_OK;
    row = arena_alloc(&k->c.e->arena, sizeof *row);
    if (row == NULL)
        return ERR_MEMORY;
    *row = (struct effect_name){
        .id = state_last_name(k->c.s) + 1,
        .account = account_for(k, p),
        .zone = zone->id,
        .created_s = name_created_s(p),
        .retired_s = name_retired_s(p) != 0 ? name_retired_s(p) : k->c.d->now_s,
    };
    name_owner(k->present, p, &row->owner);
    return emit_name(&k->c, EFFECT_NAME_MADE, row);
}

/* An alias whose name nobody at present knows was never taken away. */
static MUST_USE enum err keep_alias(struct keeping *k, uint32_t id)
{
    const struct alias *b = state_alias(k->c.s, id);
    struct effect f = {.kind = EFFECT_ALIAS_ENDED};

    if (b == NULL || restore_name_in(k->present, k->c.s, state_name(k->c.s, b->name)) == NULL ||
        restore_alias_in(k->present, k->c.s, b) != NULL)
        return ERR_OK;
    f.u.alias = arena_alloc(&k->c.e->arena, sizeof *f.u.alias);
    if (f.u.alias == NULL)
        return ERR_MEMORY;
    *f.u.alias = (struct effect_alias){.id = id, .name = b->name, .fqdn = b->fqdn, .served = b->served};
    return emit(&k->c, &f);
}

/* ---- credentials and tokens ---- */

static MUST_USE enum err copy_secret(struct keeping *k, struct effect *f, enum effect_kind kind,
                                     const struct secret *from, uint32_t id, uint32_t credential)
{
    f->kind = kind;
    f->u.secret = (struct effect_secret){
        .id = id,
        .credential = credential,
        .kind = from->kind,
        .len = from->len,
        .data = (const uint8_t *)arena_copy(&k->c.e->arena, from->data, from->len),
        .starts_s = from->starts_s,
        .ends_s = from->ends_s,
    };
    return f->u.secret.data != NULL ? ERR_OK : ERR_MEMORY;
}

/* The secrets as they are at present: the old ones may have leaked, and the holder has the new ones. All are looked
 * at before the first effect, since folding makes the row anew. */
static MUST_USE enum err keep_secrets(struct keeping *k, const struct credential *b, const struct credential *p)
{
    struct effect *effects =
        arena_alloc(&k->c.e->arena, (credential_n_secrets(b) + credential_n_secrets(p) + 1U) * sizeof *effects);
    uint32_t next = state_last_secret(k->c.s) + 1;
    size_t n = 0;
    enum err e = effects != NULL ? ERR_OK : ERR_MEMORY;

    for (size_t i = 0; i < credential_n_secrets(b) && e == ERR_OK; i++) {
        const struct secret secret = credential_secret(k->c.s, b, i);
        struct secret there;
        if (!restore_secret_in(k->present, p, &secret, &there))
            e = copy_secret(k, &effects[n++], EFFECT_SECRET_ENDED, &secret, secret.id, b->id);
        else if (there.ends_s != secret.ends_s || there.starts_s != secret.starts_s)
            e = copy_secret(k, &effects[n++], EFFECT_SECRET_SET, &there, secret.id, b->id);
    }
    for (size_t i = 0; i < credential_n_secrets(p) && e == ERR_OK; i++) {
        const struct secret secret = credential_secret(k->present, p, i);
        struct secret there;
        if (!restore_secret_in(k->c.s, b, &secret, &there))
            e = copy_secret(k, &effects[n++], EFFECT_SECRET_ADDED, &secret, next++, b->id);
    }
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = emit(&k->c, &effects[i]);
    return e;
}

/* What was taken from its rights may have been taken from a thief. */
static MUST_USE enum err keep_rights(struct keeping *k, const struct credential *b, const struct credential *p)
{
    struct effect_credential *row;

    if (!restore_narrow(k->c.s, b, k->present, p, NULL))
        return ERR_OK;
    row = row_of_credential(&k->c, b);
    if (row == NULL)
        return ERR_MEMORY;
    (void)restore_narrow(k->c.s, b, k->present, p, row);
    return emit_credential(&k->c, EFFECT_CREDENTIAL_SET, row);
}

static MUST_USE enum err keep_credential(struct keeping *k, uint32_t id)
{
    const struct credential *b = state_credential(k->c.s, id);
    const struct credential *p =
        credential_revoked_s(b) == 0 ? state_credential_by_uuid(k->present, &b->uuid) : NULL;
    struct effect_credential *row;
    enum err e;

    if (p == NULL)
        return ERR_OK;
    if (credential_revoked_s(p) == 0) {
        e = keep_secrets(k, b, p);
        return e == ERR_OK ? keep_rights(k, b, p) : e;
    }
    row = row_of_credential(&k->c, b);
    if (row == NULL)
        return ERR_MEMORY;
    row->revoked_s = credential_revoked_s(p);
    return emit_credential(&k->c, EFFECT_CREDENTIAL_REVOKED, row);
}

static MUST_USE enum err keep_token(struct keeping *k, uint32_t id)
{
    const struct token *b = state_token(k->c.s, id);
    const struct token *p = b->revoked_s == 0 ? state_token_by_hash(k->present, b->sha256) : NULL;
    struct effect_token *row;

    if (p == NULL || (p->revoked_s == 0 && p->used <= b->used))
        return ERR_OK;
    row = row_of_token(&k->c, b);
    if (row == NULL)
        return ERR_MEMORY;
    row->revoked_s = p->revoked_s;
    row->used = p->used > b->used ? p->used : b->used;
    return emit_token(&k->c, p->revoked_s != 0 ? EFFECT_TOKEN_REVOKED : EFFECT_TOKEN_USED, row);
}

/* ---- accounts ---- */

static MUST_USE enum err keep_account(struct keeping *k, uint32_t id)
{
    const struct account *b = state_account(k->c.s, id);
    const struct account *p = b->deleted_s == 0 ? restore_account_in(k->present, b) : NULL;
    struct effect_account *row;

    if (p == NULL || (p->deleted_s == 0 && (!p->disabled || b->disabled)))
        return ERR_OK;
    row = row_of_account(&k->c, b);
    if (row == NULL)
        return ERR_MEMORY;
    row->disabled = row->disabled || p->disabled;
    /* One that has names again here, because they are in the backup and were never at present, cannot be deleted.
     */
    if (p->deleted_s != 0 && b->names > 0)
        row->disabled = true;
    else
        row->deleted_s = p->deleted_s;
    return emit_account(&k->c, row->deleted_s != 0 ? EFFECT_ACCOUNT_DELETED : EFFECT_ACCOUNT_SET, row);
}

/* ---- all ---- */

static const struct phase {
    enum { OF_BACKUP, OF_PRESENT } rows;
    uint32_t (*last)(const struct state *s);
    enum err (*keep)(struct keeping *k, uint32_t id);
} phases[] = {
    {OF_BACKUP, state_last_alias, keep_alias},     {OF_BACKUP, state_last_name, keep_name},
    {OF_PRESENT, state_last_name, keep_tombstone}, {OF_BACKUP, state_last_credential, keep_credential},
    {OF_BACKUP, state_last_token, keep_token},     {OF_BACKUP, state_last_account, keep_account},
};

enum err restore_keep(struct restore_keeping *k, struct decide *d, const struct state *present, size_t most,
                      struct entry *e)
{
    struct request none = {.kind = REQUEST_CONFIGURE};
    struct result unused = {.outcome = OUTCOME_DONE};
    struct keeping keeping = {.c = {.d = d, .s = d->state, .r = &none, .e = e, .res = &unused}, .present = present};
    enum err err = ERR_OK;

    while (err == ERR_OK && k->phase < ARRAY_LEN(phases) && e->n_effects < most) {
        const struct phase *phase = &phases[k->phase];
        if (!k->has_begun) {
            k->has_begun = true;
            k->id = 0;
            k->last = phase->last(phase->rows == OF_BACKUP ? d->state : present);
        }
        if (k->id < k->last) {
            err = phase->keep(&keeping, ++k->id);
            state_forget_rows(d->state);
            continue;
        }
        k->phase++;
        k->has_begun = false;
    }
    k->is_done = k->phase == ARRAY_LEN(phases);
    return err;
}

enum err restore_mark(struct decide *d, struct entry *e, const struct effect_restored *mark)
{
    const struct effect f = {.kind = EFFECT_RESTORED, .u.restored = *mark};
    enum err err = entry_add(e, &f);

    return err == ERR_OK ? state_fold(d->state, d->seq, &f) : err;
}

/* ---- zones ---- */

static MUST_USE enum err add_effect(struct decide *d, struct entry *e, const struct effect *f)
{
    enum err err = entry_add(e, f);

    return err == ERR_OK ? state_fold(d->state, e->seq, f) : err;
}

enum err restore_zones(struct decide *d, const struct state *present, struct entry *e)
{
    enum err err = ERR_OK;

    for (uint32_t id = 1; id <= state_last_zone(present) && err == ERR_OK; id++) {
        const struct zone_state *zone = state_zone(present, id);
        struct effect f = {.kind = EFFECT_ZONE_SET};
        if (state_zone_by_apex(d->state, &zone->spec.apex) != NULL)
            continue;
        f.u.zone = arena_alloc(&e->arena, sizeof *f.u.zone);
        if (f.u.zone == NULL)
            return ERR_MEMORY;
        *f.u.zone = (struct effect_zone){.id = state_last_zone(d->state) + 1, .spec = zone->spec};
        err = add_effect(d, e, &f);
        f.kind = EFFECT_ZONE_REMOVED;
        if (err == ERR_OK && zone->removed)
            err = add_effect(d, e, &f);
    }
    return err;
}

/* By RFC 1982 section 3.2; 0 is none yet. */
static bool is_ahead(uint32_t a, uint32_t b)
{
    return b == 0 || (a != 0 && (int32_t)(a - b) > 0);
}

/* A served alias is a zone of its own. */
static MUST_USE enum err restore_alias_serials(struct decide *d, const struct state *present, struct entry *last)
{
    enum err err = ERR_OK;

    for (uint32_t id = 1; id <= state_last_alias(d->state) && err == ERR_OK; id++) {
        const struct alias *a = state_alias(d->state, id);
        const struct alias *p = a != NULL && present != NULL ? state_alias_at(present, &a->fqdn) : NULL;
        struct effect f = {.kind = EFFECT_ALIAS_SERIAL};
        if (a == NULL || !a->served)
            continue;
        f.u.serial.zone = id;
        f.u.serial.serial =
            decide_next_serial(p != NULL && is_ahead(p->serial, a->serial) ? p->serial : a->serial, d->now_s);
        err = add_effect(d, last, &f);
    }
    return err;
}

enum err restore_serials(struct decide *d, const struct state *present, struct entry *last)
{
    enum err err = restore_alias_serials(d, present, last);

    for (uint32_t id = 1; id <= state_last_zone(d->state) && err == ERR_OK; id++) {
        const struct zone_state *zone = state_zone(d->state, id);
        const struct zone_state *p = present != NULL ? state_zone_by_apex(present, &zone->spec.apex) : NULL;
        struct effect f = {.kind = EFFECT_ZONE_SERIAL};
        uint32_t from = p != NULL && is_ahead(p->serial, zone->serial) ? p->serial : zone->serial;
        f.u.serial = (struct effect_serial){.zone = id, .serial = decide_next_serial(from, d->now_s)};
        err = add_effect(d, last, &f);
    }
    return err;
}
