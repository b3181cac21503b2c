/* Folding: the table of effects, and accounts. */
#include "core/state_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/value_set.h"

/* ---- accounts ---- */

static void count_account(struct state *s, const struct account *a, int by)
{
    if (a->deleted_s == 0)
        s->counts.accounts += (uint64_t)by;
    if (a->unclaimed)
        s->counts.names_unclaimed += (uint64_t)by * a->names;
}

/* Make the account known by its name, which then no other living one may have. A deleted one leaves its name to who
 * comes after it. */
static enum err index_account(struct state *s, const struct account *a)
{
    uint64_t hash = hash_bytes(s, a->name, strlen(a->name));
    const struct account *holder = state_account_by_name(s, a->name, strlen(a->name));

    if (holder != NULL && holder != a) {
        if (a->deleted_s != 0)
            return ERR_OK;
        if (holder->deleted_s == 0)
            return ERR_CORRUPT;
        index_remove(&s->by_account_name, hash, holder->id);
    }
    return index_put(&s->by_account_name, hash, a->id);
}

/* Put the row's content in the place of what a has; its name is for ever. */
static enum err set_account(struct state *s, struct account *a, const struct effect_account *row)
{
    bool has_note = row->note != NULL && row->note[0] != '\0';
    char *note = has_note ? strdup(row->note) : NULL;

    if (has_note && note == NULL)
        return ERR_MEMORY;
    free(a->note);
    a->note = note;
    a->created_s = row->created_s;
    a->deleted_s = row->deleted_s;
    a->names_max = row->names_max;
    a->disabled = row->disabled;
    a->unclaimed = row->unclaimed;
    return index_account(s, a);
}

enum err fold_account_made(struct state *s, const struct effect *f)
{
    const struct effect_account *row = &f->u.account;
    size_t len = row->name != NULL ? strlen(row->name) : 0;
    struct account *a;
    enum err e;

    if (row->id == 0 || row->id != s->accounts.last + 1 || len == 0 || len >= ACCOUNT_NAME_MAX)
        return ERR_CORRUPT;
    a = calloc(1, offsetof(struct account, name) + len + 1);
    if (a == NULL)
        return ERR_MEMORY;
    a->id = row->id;
    memcpy(a->name, row->name, len + 1);
    e = ids_append(&s->accounts, a);
    if (e != ERR_OK) {
        free(a);
        return e;
    }
    e = set_account(s, a, row);
    if (e == ERR_OK)
        count_account(s, a, 1);
    return e;
}

enum err fold_account_set(struct state *s, const struct effect *f)
{
    const struct effect_account *row = &f->u.account;
    struct account *a = ids_get(&s->accounts, row->id);
    enum err e;

    if (a == NULL || row->name == NULL || strcmp(a->name, row->name) != 0)
        return ERR_CORRUPT;
    count_account(s, a, -1);
    e = set_account(s, a, row);
    if (e == ERR_OK)
        count_account(s, a, 1);
    return e;
}

/* ---- all ---- */

static enum err fold_nothing(struct state *s, const struct effect *f)
{
    (void)s;
    (void)f;
    return ERR_OK;
}

enum err state_fold(struct state *s, uint64_t seq, const struct effect *f)
{
    static fold_row *const folds[] = {
        [EFFECT_CLAIM_ADDED] = fold_claim_added,
        [EFFECT_CLAIM_RENEWED] = fold_claim_renewed,
        [EFFECT_CLAIM_REMOVED] = fold_claim_ended,
        [EFFECT_CLAIM_EVICTED] = fold_claim_ended,
        [EFFECT_CLAIM_EXPIRED] = fold_claim_ended,
        [EFFECT_NAME_MADE] = fold_name_made,
        [EFFECT_NAME_SET] = fold_name_set,
        [EFFECT_NAME_RETIRED] = fold_name_set,
        [EFFECT_NAME_REVIVED] = fold_name_set,
        [EFFECT_ACCOUNT_MADE] = fold_account_made,
        [EFFECT_ACCOUNT_SET] = fold_account_set,
        [EFFECT_ACCOUNT_DELETED] = fold_account_set,
        [EFFECT_CREDENTIAL_MADE] = fold_credential_made,
        [EFFECT_CREDENTIAL_SET] = fold_credential_set,
        [EFFECT_CREDENTIAL_REVOKED] = fold_credential_set,
        [EFFECT_SECRET_ADDED] = fold_secret_added,
        [EFFECT_SECRET_SET] = fold_secret_set,
        [EFFECT_SECRET_ENDED] = fold_secret_ended,
        [EFFECT_GRANT_MADE] = fold_grant_made,
        [EFFECT_GRANT_ENDED] = fold_grant_ended,
        [EFFECT_TOKEN_MADE] = fold_token_made,
        [EFFECT_TOKEN_USED] = fold_token_set,
        [EFFECT_TOKEN_REVOKED] = fold_token_set,
        [EFFECT_ALIAS_MADE] = fold_alias_made,
        [EFFECT_ALIAS_ENDED] = fold_alias_ended,
        [EFFECT_ALIAS_SERIAL] = fold_alias_serial,
        [EFFECT_ZONE_SET] = fold_zone_set,
        [EFFECT_ZONE_REMOVED] = fold_zone_removed,
        [EFFECT_ZONE_SERIAL] = fold_zone_serial,
        [EFFECT_RESTORED] = fold_nothing,
    };

    enum err e = ERR_OK;

    if (f->kind >= ARRAY_LEN(folds) || folds[f->kind] == NULL)
        return ERR_CORRUPT;
    if (!effect_is_of_claim(f->kind) || !state_collects(s, f->u.claim.name))
        e = state_end_claims(s);
    if (e != ERR_OK)
        return e;
    if (seq > s->seq)
        s->seq = seq;
    e = folds[f->kind](s, f);
    if (e != ERR_OK)
        state_drop_claims(s);
    return e;
}
