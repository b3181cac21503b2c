/* How a decision changes the state: effects with everything they need, appended and folded at once. */
#include <string.h>

#include "base/crypto.h"
#include "core/decide_internal.h"
#include "core/secret.h"
#include "core/tsig_key.h"
#include "core/value_set.h"

#define UUID_ATTEMPTS 8

enum err emit(struct deciding *c, const struct effect *f)
{
    enum err e = entry_add(c->e, f);

    if (e == ERR_OK)
        e = state_fold(c->s, c->d->seq, f);
    return e;
}

enum err copy_text(struct deciding *c, const char **out, const char *text)
{
    *out = text == NULL ? "" : arena_copy(&c->e->arena, text, strlen(text));
    return *out != NULL ? ERR_OK : ERR_MEMORY;
}

enum err copy_nets(struct deciding *c, const struct net **out, const struct net *nets, size_t n)
{
    struct net *copy = NULL;

    if (n > 0) {
        copy = arena_alloc(&c->e->arena, n * sizeof *copy);
        if (copy == NULL)
            return ERR_MEMORY;
        memcpy(copy, nets, n * sizeof *copy);
    }
    *out = copy;
    return ERR_OK;
}

struct effect_account *row_of_account(struct deciding *c, const struct account *a)
{
    struct effect_account *row = arena_alloc(&c->e->arena, sizeof *row);

    if (row == NULL)
        return NULL;
    *row = (struct effect_account){
        .id = a->id,
        .created_s = a->created_s,
        .deleted_s = a->deleted_s,
        .names_max = a->names_max,
        .disabled = a->disabled,
        .unclaimed = a->unclaimed,
    };
    if (copy_text(c, &row->name, a->name) != ERR_OK || copy_text(c, &row->note, a->note) != ERR_OK)
        return NULL;
    return row;
}

struct effect_name *row_of_name(struct deciding *c, const struct name_entry *n)
{
    struct effect_name *row = arena_alloc(&c->e->arena, sizeof *row);
    const char **domains = NULL;

    if (row == NULL)
        return NULL;
    *row = (struct effect_name){
        .id = name_id(n),
        .account = name_account(n),
        .zone = name_zone(n),
        .created_s = name_created_s(n),
        .retired_s = name_retired_s(n),
        .subtree = name_has_subtree(n),
        .n_domains = name_n_domains(n),
    };
    name_owner(c->s, n, &row->owner);
    if (name_n_domains(n) > 0) {
        domains = arena_alloc(&c->e->arena, name_n_domains(n) * sizeof *domains);
        if (domains == NULL)
            return NULL;
    }
    for (size_t i = 0; i < name_n_domains(n); i++)
        if (copy_text(c, &domains[i], name_domain(n, i)) != ERR_OK)
            return NULL;
    row->domains = domains;
    return row;
}

struct effect_credential *row_of_credential(struct deciding *c, const struct credential *cred)
{
    struct effect_credential *row = arena_alloc(&c->e->arena, sizeof *row);
    uint32_t *names = NULL;

    if (row == NULL)
        return NULL;
    *row = (struct effect_credential){
        .id = cred->id,
        .uuid = cred->uuid,
        .account = cred->account,
        .actions = credential_actions(cred),
        .kinds = credential_kinds(cred),
        .n_networks = credential_n_networks(cred),
        .networks_invalid = credential_networks_invalid(cred),
        .created_s = credential_created_s(c->s, cred),
        .expires_s = credential_expires_s(cred),
        .revoked_s = credential_revoked_s(cred),
        .n_names = credential_n_names(cred),
    };
    if (credential_n_names(cred) > 0) {
        names = arena_alloc(&c->e->arena, credential_n_names(cred) * sizeof *names);
        if (names == NULL)
            return NULL;
        memcpy(names, credential_names(cred), credential_n_names(cred) * sizeof *names);
    }
    row->names = names;
    if (copy_nets(c, &row->networks, credential_networks(cred), credential_n_networks(cred)) != ERR_OK ||
        copy_text(c, &row->label, credential_label(cred)) != ERR_OK ||
        copy_text(c, &row->allowfrom, credential_allowfrom(cred)) != ERR_OK)
        return NULL;
    return row;
}

struct effect_token *row_of_token(struct deciding *c, const struct token *t)
{
    struct effect_token *row = arena_alloc(&c->e->arena, sizeof *row);

    if (row == NULL)
        return NULL;
    *row = (struct effect_token){
        .id = t->id,
        .account = t->account,
        .created_s = t->created_s,
        .expires_s = t->expires_s,
        .revoked_s = t->revoked_s,
        .count_max = t->count_max,
        .used = t->used,
        .n_networks = t->n_networks,
    };
    memcpy(row->sha256, t->sha256, sizeof row->sha256);
    if (copy_nets(c, &row->networks, t->networks, t->n_networks) != ERR_OK ||
        copy_text(c, &row->labels, t->labels) != ERR_OK)
        return NULL;
    return row;
}

enum err emit_account(struct deciding *c, enum effect_kind kind, const struct effect_account *row)
{
    return emit(c, &(struct effect){.kind = kind, .u.account = *row});
}

enum err emit_name(struct deciding *c, enum effect_kind kind, struct effect_name *row)
{
    return emit(c, &(struct effect){.kind = kind, .u.name = row});
}

enum err emit_credential(struct deciding *c, enum effect_kind kind, struct effect_credential *row)
{
    return emit(c, &(struct effect){.kind = kind, .u.credential = row});
}

enum err emit_token(struct deciding *c, enum effect_kind kind, struct effect_token *row)
{
    return emit(c, &(struct effect){.kind = kind, .u.token = row});
}

enum err copy_rdata(struct deciding *c, struct rdata *out, const struct value *v)
{
    out->len = v->rdlen;
    out->bytes = (const uint8_t *)arena_copy(&c->e->arena, v->rdata, v->rdlen);
    return out->bytes != NULL ? ERR_OK : ERR_MEMORY;
}

enum err emit_claim_end(struct deciding *c, enum effect_kind kind, uint32_t name, const struct claim *claim,
                        const struct rdata *rdata)
{
    struct effect f = {.kind = kind};

    f.u.claim = (struct effect_claim){
        .name = name,
        .credential = claim->credential,
        .slot = claim->slot,
        .order = claim->order,
        .added_s = claim->added_s,
        .expires_s = claim->expires_s,
        .network = claim->network,
        .door = claim->door,
        .pinned = claim->pinned,
        .rdata = *rdata,
    };
    return emit(c, &f);
}

static const struct claim *claim_within(const struct value *v, const struct claim_filter *which)
{
    for (size_t i = 0; i < v->n_claims; i++) {
        const struct claim *claim = &v->claims[i];
        if (which->of != NULL && claim->credential != which->of->id)
            continue;
        if (which->network != NULL && claim->order >= which->old_before &&
            !addr_equal(&claim->network, which->network))
            continue;
        if (!claim->pinned || which->pinned_too)
            return claim;
    }
    return NULL;
}

enum err emit_value_end(struct deciding *c, enum effect_kind kind, uint32_t name, const struct rdata *rdata,
                        const struct claim_filter *which)
{
    for (;;) {
        /* Each fold may move values and claims. */
        const struct value *v = value_set_find(name_values(c->s, state_name(c->s, name)), rdata->bytes, rdata->len);
        const struct claim *claim = v != NULL ? claim_within(v, which) : NULL;
        enum err e;
        if (claim == NULL)
            return ERR_OK;
        e = emit_claim_end(c, kind, name, claim, rdata);
        if (e != ERR_OK)
            return e;
    }
}

static MUST_USE enum err remove_claims(struct deciding *c, uint32_t name, const struct claim_filter *which)
{
    const struct value_set *vs = name_values(c->s, state_name(c->s, name));
    struct rdata *ending;
    size_t n = 0;

    if (vs->n == 0)
        return ERR_OK;
    ending = arena_alloc(&c->e->arena, vs->n * sizeof *ending);
    if (ending == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < vs->n; i++)
        if (claim_within(&vs->values[i], which) != NULL && copy_rdata(c, &ending[n++], &vs->values[i]) != ERR_OK)
            return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        enum err e = emit_value_end(c, EFFECT_CLAIM_REMOVED, name, &ending[i], which);
        if (e != ERR_OK)
            return e;
        c->res->removed++;
    }
    return ERR_OK;
}

enum err emit_claims_removed(struct deciding *c, uint32_t name, const struct claim_filter *which)
{
    bool is_alone = !state_collects(c->s, name);
    enum err e = state_begin_claims(c->s, name);

    if (e == ERR_OK)
        e = remove_claims(c, name, which);
    return e == ERR_OK && is_alone ? state_end_claims(c->s) : e;
}

enum err emit_revocation(struct deciding *c, const struct credential *cred)
{
    struct effect_credential *row = row_of_credential(c, cred);

    if (row == NULL)
        return ERR_MEMORY;
    row->revoked_s = c->d->now_s;
    return emit_credential(c, EFFECT_CREDENTIAL_REVOKED, row);
}

enum err emit_token_revocation(struct deciding *c, const struct token *t)
{
    struct effect_token *row = row_of_token(c, t);

    if (row == NULL)
        return ERR_MEMORY;
    row->revoked_s = c->d->now_s;
    return emit_token(c, EFFECT_TOKEN_REVOKED, row);
}

enum err emit_new_secret(struct deciding *c, uint32_t credential)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    uint8_t *hash = arena_alloc(&c->e->arena, SHA256_LEN);
    enum err e = hash != NULL ? secret_make(c->res->secret, c->d->random) : ERR_MEMORY;

    if (e == ERR_OK)
        e = secret_hash(hash, c->res->secret);
    if (e != ERR_OK)
        return e;
    f.u.secret = (struct effect_secret){
        .id = state_last_secret(c->s) + 1,
        .credential = credential,
        .kind = SECRET_SHA256,
        .len = SHA256_LEN,
        .data = hash,
        .starts_s = c->d->now_s,
    };
    return emit(c, &f);
}

enum err emit_new_tsig_key(struct deciding *c, uint32_t credential)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    uint8_t *sealed = arena_alloc(&c->e->arena, TSIG_SEALED_LEN);
    enum err e = ERR_MEMORY;

    if (sealed != NULL)
        e = tsig_key_make(c->res->secret, sealed, c->d->seal, &state_credential(c->s, credential)->uuid,
                          c->d->random);
    if (e != ERR_OK)
        return e;
    f.u.secret = (struct effect_secret){
        .id = state_last_secret(c->s) + 1,
        .credential = credential,
        .kind = SECRET_TSIG,
        .len = TSIG_SEALED_LEN,
        .data = sealed,
        .starts_s = c->d->now_s,
    };
    return emit(c, &f);
}

/* The credential's secret with an id. False: it has ended. */
static bool secret_with_id(struct secret *out, const struct state *s, const struct credential *cred, uint32_t id)
{
    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        *out = credential_secret(s, cred, i);
        if (out->id == id)
            return true;
    }
    return false;
}

enum err replace_proved(struct deciding *c)
{
    uint32_t me = c->credential != NULL ? c->credential->id : CREDENTIAL_ADMIN;
    struct secret slow;
    struct effect ended = {.kind = EFFECT_SECRET_ENDED};
    struct effect added = {.kind = EFFECT_SECRET_ADDED};
    uint8_t *hash;
    enum err e;

    if (c->proved == 0 || !secret_with_id(&slow, c->s, state_credential(c->s, me), c->proved))
        return ERR_OK;
    hash = arena_alloc(&c->e->arena, SHA256_LEN);
    if (hash == NULL)
        return ERR_MEMORY;
    ended.u.secret = (struct effect_secret){
        .id = slow.id,
        .credential = me,
        .kind = slow.kind,
        .len = slow.len,
        .data = (const uint8_t *)arena_copy(&c->e->arena, slow.data, slow.len),
        .starts_s = slow.starts_s,
        .ends_s = slow.ends_s,
    };
    added.u.secret = (struct effect_secret){
        .id = state_last_secret(c->s) + 1,
        .credential = me,
        .kind = SECRET_SHA256,
        .len = SHA256_LEN,
        .data = hash,
        .starts_s = slow.starts_s,
        .ends_s = slow.ends_s,
    };
    e = ended.u.secret.data != NULL ? secret_hash(hash, c->r->caller.secret) : ERR_MEMORY;
    if (e == ERR_OK)
        e = emit(c, &ended);
    return e == ERR_OK ? emit(c, &added) : e;
}

enum err fresh_uuid(struct deciding *c, struct uuid *out)
{
    for (int i = 0; i < UUID_ATTEMPTS; i++) {
        uint8_t random[16];
        enum err e = c->d->random(random, sizeof random);
        if (e != ERR_OK)
            return e;
        *out = uuid_v4(random);
        if (state_credential_by_uuid(c->s, out) == NULL)
            return ERR_OK;
    }
    return ERR_CRYPTO; /* 122 random bits do not repeat: this is no generator */
}
