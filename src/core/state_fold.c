/* Folding: the table of effects, and accounts, names and claims. */
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

/* ---- names ---- */

static void count_name(struct state *s, const struct name_entry *n, int by)
{
    struct account *a = state_account(s, n->account);

    if (n->retired_s != 0) {
        s->counts.tombstones += (uint64_t)by;
        return;
    }
    s->counts.names += (uint64_t)by;
    a->names += (uint32_t)by;
    if (a->unclaimed)
        s->counts.names_unclaimed += (uint64_t)by;
}

/* Put a copy of the row's domains, in one block, in the place of what n has, and into the index. */
static enum err set_domains(struct state *s, struct name_entry *n, const struct effect_name *row)
{
    size_t octets = 0;
    char **domains = NULL;
    char *at;

    for (size_t i = 0; i < n->n_domains; i++)
        index_remove(&s->by_domain, hash_text(s, n->domains[i], strlen(n->domains[i])), n->id);
    free(n->domains);
    n->domains = NULL;
    n->n_domains = 0;
    if (row->n_domains == 0)
        return ERR_OK;
    if (row->n_domains > UINT16_MAX)
        return ERR_CORRUPT;
    for (size_t i = 0; i < row->n_domains; i++)
        octets += strlen(row->domains[i]) + 1;
    domains = malloc(row->n_domains * sizeof *domains + octets);
    if (domains == NULL)
        return ERR_MEMORY;
    at = (char *)(domains + row->n_domains);
    n->domains = domains;
    for (size_t i = 0; i < row->n_domains; i++) {
        size_t len = strlen(row->domains[i]);

        memcpy(at, row->domains[i], len + 1);
        domains[i] = at;
        n->n_domains++;
        if (index_put(&s->by_domain, hash_text(s, at, len), n->id) != ERR_OK)
            return ERR_MEMORY;
        at += len + 1;
    }
    return ERR_OK;
}

static bool name_row_is_sound(const struct state *s, const struct effect_name *row)
{
    const struct zone_state *z = state_zone(s, row->zone);

    return z != NULL && state_account(s, row->account) != NULL && row->owner.len > 0 &&
           name_is_below(&row->owner, &z->spec.apex);
}

static enum err set_name(struct state *s, struct name_entry *n, const struct effect_name *row)
{
    n->account = row->account;
    n->created_s = row->created_s;
    n->retired_s = row->retired_s;
    n->subtree = row->subtree;
    memcpy(n->owner, row->owner.b, n->owner_len); /* the same but for case */
    return set_domains(s, n, row);
}

enum err fold_name_made(struct state *s, const struct effect *f)
{
    const struct effect_name *row = f->u.name;
    struct name_entry *n;
    enum err e;

    if (row->id == 0 || row->id != s->names.last + 1 || !name_row_is_sound(s, row) ||
        state_name_by_owner(s, &row->owner) != NULL)
        return ERR_CORRUPT;
    n = calloc(1, offsetof(struct name_entry, owner) + row->owner.len);
    if (n == NULL)
        return ERR_MEMORY;
    n->id = row->id;
    n->zone = row->zone;
    n->owner_len = row->owner.len;
    e = ids_append(&s->names, n);
    if (e != ERR_OK) {
        free(n);
        return e;
    }
    e = set_name(s, n, row);
    if (e == ERR_OK)
        e = index_put(&s->by_owner, hash_owner(s, &row->owner), n->id);
    if (e != ERR_OK)
        return e;
    count_name(s, n, 1);
    if (n->retired_s == 0)
        state_mark_served(s, n);
    return ERR_OK;
}

static bool has_owner(const struct name_entry *n, const struct name *owner)
{
    struct name own;

    name_set(&own, n->owner, n->owner_len);
    return name_equal(&own, owner);
}

enum err fold_name_set(struct state *s, const struct effect *f)
{
    const struct effect_name *row = f->u.name;
    struct name_entry *n = state_name(s, row->id);
    bool was_live;
    enum err e;

    if (n == NULL || !name_row_is_sound(s, row) || row->zone != n->zone || !has_owner(n, &row->owner))
        return ERR_CORRUPT;
    was_live = n->retired_s == 0;
    count_name(s, n, -1);
    e = set_name(s, n, row);
    if (e != ERR_OK)
        return e;
    count_name(s, n, 1);
    if (was_live != (n->retired_s == 0))
        state_mark_served(s, n);
    return ERR_OK;
}

/* ---- claims ---- */

static size_t pinned_values(const struct value_set *vs)
{
    size_t n = 0;

    for (size_t i = 0; i < vs->n; i++)
        if (value_is_pinned(&vs->values[i]))
            n++;
    return n;
}

typedef enum err change_values(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed);

/* Let change do its work on the name's values and bring up to date what depends on them: counts, the expiry, and
 * what DNS shows, which is another when the distinct values are, or when the TTL is (of all values pinned, or not).
 */
static enum err fold_claim(struct state *s, const struct effect_claim *c, change_values *change, int claims_by)
{
    struct name_entry *n = state_name(s, c->name);
    size_t values, pinned;
    bool distinct_changed, was_all_pinned;
    enum err e;

    if (n == NULL)
        return ERR_CORRUPT;
    values = n->values.n;
    pinned = pinned_values(&n->values);
    was_all_pinned = pinned == values;
    e = change(&n->values, c, &distinct_changed);
    if (e != ERR_OK)
        return e;
    s->counts.claims += (uint64_t)claims_by;
    s->counts.values += n->values.n - values;
    s->counts.pinned -= pinned;
    pinned = pinned_values(&n->values);
    s->counts.pinned += pinned;
    if (n->retired_s == 0 && (distinct_changed || was_all_pinned != (pinned == n->values.n)))
        state_mark_served(s, n);
    return expiry_update(&s->expiry, n);
}

static enum err end_claim(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed)
{
    return value_set_end(vs, c->slot, distinct_changed);
}

static bool has_claim(const struct state *s, const struct effect_claim *c)
{
    const struct name_entry *n = state_name(s, c->name);

    return n != NULL && value_set_claim(&n->values, c->slot, NULL) != NULL;
}

static enum err fold_claim_added(struct state *s, const struct effect *f)
{
    if (state_credential(s, f->u.claim.credential) == NULL || has_claim(s, &f->u.claim))
        return ERR_CORRUPT;
    return fold_claim(s, &f->u.claim, value_set_add, 1);
}

static enum err fold_claim_renewed(struct state *s, const struct effect *f)
{
    return has_claim(s, &f->u.claim) ? fold_claim(s, &f->u.claim, value_set_add, 0) : ERR_CORRUPT;
}

static enum err fold_claim_ended(struct state *s, const struct effect *f)
{
    return fold_claim(s, &f->u.claim, end_claim, -1);
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

    if (f->kind >= ARRAY_LEN(folds) || folds[f->kind] == NULL)
        return ERR_CORRUPT;
    if (seq > s->seq)
        s->seq = seq;
    return folds[f->kind](s, f);
}
