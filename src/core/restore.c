/* What a backup differs in from the present state: matching the rows of both, and telling. */
#include "core/restore.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "core/decide_internal.h"
#include "core/restore_internal.h"
#include "core/tsig_key.h"
#include "core/value_set.h"

/* ---- the same in the other state; NULL or 0: not there ---- */

static bool is_same_account(const struct account *a, const struct account *b)
{
    return a != NULL && a->created_s == b->created_s && strcmp(a->name, b->name) == 0;
}

/* A name may be that of several accounts one after the other. Stores that come from one another have the same ids,
 * so that also a deleted one is found; otherwise the one that has the name. */
const struct account *restore_account_in(const struct state *s, const struct account *a)
{
    const struct account *there = state_account(s, a->id);

    if (is_same_account(there, a))
        return there;
    there = state_account_by_name(s, a->name, strlen(a->name));
    return is_same_account(there, a) ? there : NULL;
}

const struct name_entry *restore_name_in(const struct state *s, const struct state *of, const struct name_entry *n)
{
    struct name owner;

    name_owner(of, n, &owner);
    return state_name_by_owner(s, &owner);
}

const struct alias *restore_alias_in(const struct state *s, const struct state *of, const struct alias *a)
{
    const struct alias *there = state_alias_at(s, &a->fqdn);

    return there != NULL && restore_name_in(s, of, state_name(of, a->name)) == state_name(s, there->name) ? there
                                                                                                          : NULL;
}

bool restore_secret_in(const struct state *s, const struct credential *cred, const struct secret *secret,
                       struct secret *out)
{
    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        *out = credential_secret(s, cred, i);
        if (out->kind == secret->kind && out->len == secret->len &&
            memcmp(out->data, secret->data, secret->len) == 0)
            return true;
    }
    return false;
}

bool restore_secret_ends_later(const struct secret *backup, const struct secret *present)
{
    return present->ends_s != 0 && (backup->ends_s == 0 || backup->ends_s > present->ends_s);
}

/* ---- rights ---- */

static bool is_within(const struct net *net, const struct credential *cred)
{
    for (size_t i = 0; i < credential_n_networks(cred); i++)
        if (net->prefix_len >= credential_networks(cred)[i].prefix_len &&
            net_contains(&credential_networks(cred)[i], &net->addr))
            return true;
    return false;
}

static bool has_wider_networks(const struct credential *b, const struct credential *p)
{
    if (credential_networks_invalid(b) || credential_networks_invalid(p))
        return !credential_networks_invalid(b); /* denied everywhere */
    if (credential_n_networks(p) > 0 && credential_n_networks(b) == 0)
        return true;
    for (size_t i = 0; credential_n_networks(p) > 0 && i < credential_n_networks(b); i++)
        if (!is_within(&credential_networks(b)[i], p))
            return true;
    return false;
}

/* The ids of the backup's names that the credential also has at present, or that nobody at present knows. Returns
 * how many; out: room for all, or NULL. */
static size_t common_names(const struct state *backup, const struct credential *b, const struct state *present,
                           const struct credential *p, uint32_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < credential_n_names(b); i++) {
        const struct name_entry *there =
            restore_name_in(present, backup, state_name(backup, credential_names(b)[i]));
        if (there != NULL && !has_in_scope(p, name_id(there)))
            continue;
        if (out != NULL)
            out[n] = credential_names(b)[i];
        n++;
    }
    return n;
}

bool restore_narrow(const struct state *backup, const struct credential *b, const struct state *present,
                    const struct credential *p, struct effect_credential *row)
{
    bool other_networks = has_wider_networks(b, p);
    bool ends_later = credential_expires_s(p) != 0 &&
                      (credential_expires_s(b) == 0 || credential_expires_s(b) > credential_expires_s(p));
    bool is_wider = other_networks || ends_later || (credential_actions(b) & ~credential_actions(p)) != 0 ||
                    (credential_kinds(b) & ~credential_kinds(p)) != 0 ||
                    common_names(backup, b, present, p, NULL) < credential_n_names(b);

    if (!is_wider || row == NULL)
        return is_wider;
    row->actions &= credential_actions(p);
    row->kinds &= credential_kinds(p);
    row->n_names = common_names(backup, b, present, p, (uint32_t *)(uintptr_t)row->names); /* the row's own */
    if (ends_later)
        row->expires_s = credential_expires_s(p);
    if (other_networks) {
        row->n_networks = credential_n_networks(p);
        row->networks = credential_networks(p);
        row->networks_invalid = credential_networks_invalid(p);
        row->allowfrom = credential_allowfrom(p);
    }
    return true;
}

bool restore_is_pinned_in(const struct state *s, const struct name_entry *n, const struct value *v)
{
    const struct value *there = value_set_find(name_values(s, n), v->rdata, v->rdlen);

    return there != NULL && value_is_pinned(there);
}

/* ---- telling ---- */

struct telling {
    const struct state *present, *backup;
    restore_visit *visit;
    void *arg;
};

static void tell(const struct telling *t, enum restore_fate fate, enum restore_kind kind, const char *what)
{
    struct restore_finding f = {.fate = fate, .kind = kind};

    (void)snprintf(f.what, sizeof f.what, "%s", what);
    t->visit(t->arg, &f);
}

static void tell_credential(const struct telling *t, enum restore_fate fate, enum restore_kind kind,
                            const struct credential *cred)
{
    char uuid[UUID_TEXT_LEN + 1], what[RESTORE_WHAT_MAX];

    (void)uuid_format(&cred->uuid, uuid);
    if (credential_label(cred)[0] != '\0')
        (void)snprintf(what, sizeof what, "%s (%.8s)",
                       show_printable(credential_label(cred), strlen(credential_label(cred))).text, uuid);
    else
        (void)snprintf(what, sizeof what, "%s", uuid);
    tell(t, fate, kind, what);
}

static void tell_token(const struct telling *t, enum restore_fate fate, const struct state *s,
                       const struct token *token)
{
    char what[RESTORE_WHAT_MAX];

    (void)snprintf(what, sizeof what, "%u of %s", (unsigned)token->id, show_account(s, token->account).text);
    tell(t, fate, RESTORE_TOKEN, what);
}

/* The text of a pinned value, as much of it as fits, and the name that has it. */
static void tell_pinned(const struct telling *t, enum restore_fate fate, const struct state *s,
                        const struct name_entry *n, const struct value *v)
{
    char what[RESTORE_WHAT_MAX], text[UINT16_MAX];
    size_t len = value_decode_text(text, v->rdata, v->rdlen);

    (void)snprintf(what, sizeof what, "\"%.100s\" at %s", show_printable(text, len).text, show_name(s, n).text);
    tell(t, fate, RESTORE_PINNED, what);
}

/* ---- comparing ---- */

static void compare_accounts(const struct telling *t)
{
    for (uint32_t id = 1; id <= state_last_account(t->backup); id++) {
        const struct account *b = state_account(t->backup, id);
        const struct account *p = b->deleted_s == 0 ? restore_account_in(t->present, b) : NULL;
        if (p != NULL && (p->deleted_s != 0 || (p->disabled && !b->disabled)))
            tell(t, RESTORE_REVIVED, RESTORE_ACCOUNT, b->name);
    }
    for (uint32_t id = 1; id <= state_last_account(t->present); id++) {
        const struct account *p = state_account(t->present, id);
        if (p->deleted_s == 0 && restore_account_in(t->backup, p) == NULL)
            tell(t, RESTORE_LOST, RESTORE_ACCOUNT, p->name);
    }
}

static void compare_pinned(const struct telling *t, const struct name_entry *b, const struct name_entry *p)
{
    const struct value_set *vs = name_values(t->backup, b);

    for (size_t i = 0; i < vs->n; i++)
        if (value_is_pinned(&vs->values[i]) && !restore_is_pinned_in(t->present, p, &vs->values[i]))
            tell_pinned(t, RESTORE_REVIVED, t->backup, b, &vs->values[i]);
    vs = name_values(t->present, p);
    for (size_t i = 0; i < vs->n; i++)
        if (value_is_pinned(&vs->values[i]) && !restore_is_pinned_in(t->backup, b, &vs->values[i]))
            tell_pinned(t, RESTORE_LOST, t->present, p, &vs->values[i]);
}

static void compare_names(const struct telling *t)
{
    for (uint32_t id = 1; id <= state_last_name(t->backup); id++) {
        const struct name_entry *b = state_name(t->backup, id);
        const struct name_entry *p = name_retired_s(b) == 0 ? restore_name_in(t->present, t->backup, b) : NULL;
        if (p != NULL && name_retired_s(p) != 0)
            tell(t, RESTORE_REVIVED, RESTORE_NAME, show_name(t->backup, b).text);
        else if (p != NULL)
            compare_pinned(t, b, p);
        if (p != NULL && name_retired_s(p) == 0 && name_has_subtree(b) && !name_has_subtree(p))
            tell(t, RESTORE_REVIVED, RESTORE_RIGHTS, show_name(t->backup, b).text);
    }
    for (uint32_t id = 1; id <= state_last_name(t->present); id++) {
        const struct name_entry *p = state_name(t->present, id);
        const struct name_entry *b = name_retired_s(p) == 0 ? restore_name_in(t->backup, t->present, p) : p;
        if (name_retired_s(p) == 0 && (b == NULL || name_retired_s(b) != 0))
            tell(t, RESTORE_LOST, RESTORE_NAME, show_name(t->present, p).text);
    }
}

static bool has_newer_secret(const struct telling *t, const struct credential *b, const struct credential *p)
{
    for (size_t i = 0; i < credential_n_secrets(p); i++) {
        const struct secret secret = credential_secret(t->present, p, i);
        struct secret there;

        if (!restore_secret_in(t->backup, b, &secret, &there))
            return true;
    }
    return false;
}

static bool has_older_secret(const struct telling *t, const struct credential *b, const struct credential *p)
{
    for (size_t i = 0; i < credential_n_secrets(b); i++) {
        const struct secret secret = credential_secret(t->backup, b, i);
        struct secret there;

        if (!restore_secret_in(t->present, p, &secret, &there) || restore_secret_ends_later(&secret, &there))
            return true;
    }
    return false;
}

/* A slow hash that became a fast one of the same secret is no new secret, but nobody can see that from hashes: it
 * would be told as one lost and one revived. Restoring it back is harmless, and so is telling. */
static void compare_credentials(const struct telling *t)
{
    for (uint32_t id = 1; id <= state_last_credential(t->backup); id++) {
        const struct credential *b = state_credential(t->backup, id);
        const struct credential *p =
            credential_revoked_s(b) == 0 ? state_credential_by_uuid(t->present, &b->uuid) : NULL;
        if (p != NULL && credential_revoked_s(p) != 0)
            tell_credential(t, RESTORE_REVIVED, RESTORE_CREDENTIAL, b);
        else if (p != NULL && has_older_secret(t, b, p))
            tell_credential(t, RESTORE_REVIVED, RESTORE_SECRET, b);
        if (p != NULL && credential_revoked_s(p) == 0 && has_newer_secret(t, b, p))
            tell_credential(t, RESTORE_LOST, RESTORE_SECRET, p);
        if (p != NULL && credential_revoked_s(p) == 0 && restore_narrow(t->backup, b, t->present, p, NULL))
            tell_credential(t, RESTORE_REVIVED, RESTORE_RIGHTS, b);
    }
    for (uint32_t id = 1; id <= state_last_credential(t->present); id++) {
        const struct credential *p = state_credential(t->present, id);
        if (credential_revoked_s(p) == 0 && state_credential_by_uuid(t->backup, &p->uuid) == NULL)
            tell_credential(t, RESTORE_LOST, RESTORE_CREDENTIAL, p);
    }
}

static void compare_tokens(const struct telling *t)
{
    for (uint32_t id = 1; id <= state_last_token(t->backup); id++) {
        const struct token *b = state_token(t->backup, id);
        const struct token *p = b->revoked_s == 0 ? state_token_by_hash(t->present, b->sha256) : NULL;
        if (p != NULL && (p->revoked_s != 0 || p->used > b->used))
            tell_token(t, RESTORE_REVIVED, t->backup, b);
    }
    for (uint32_t id = 1; id <= state_last_token(t->present); id++) {
        const struct token *p = state_token(t->present, id);
        if (p->revoked_s == 0 && state_token_by_hash(t->backup, p->sha256) == NULL)
            tell_token(t, RESTORE_LOST, t->present, p);
    }
}

static void compare_aliases(const struct telling *t)
{
    for (uint32_t id = 1; id <= state_last_alias(t->backup); id++) {
        const struct alias *b = state_alias(t->backup, id);
        if (b != NULL && restore_name_in(t->present, t->backup, state_name(t->backup, b->name)) != NULL &&
            restore_alias_in(t->present, t->backup, b) == NULL)
            tell(t, RESTORE_REVIVED, RESTORE_ALIAS, show_wire(&b->fqdn).text);
    }
    for (uint32_t id = 1; id <= state_last_alias(t->present); id++) {
        const struct alias *p = state_alias(t->present, id);
        if (p != NULL && restore_alias_in(t->backup, t->present, p) == NULL)
            tell(t, RESTORE_LOST, RESTORE_ALIAS, show_wire(&p->fqdn).text);
    }
}

void restore_compare(const struct state *present, const struct state *backup, restore_visit *visit, void *arg)
{
    const struct telling t = {.present = present, .backup = backup, .visit = visit, .arg = arg};

    compare_names(&t);
    compare_credentials(&t);
    compare_tokens(&t);
    compare_aliases(&t);
    compare_accounts(&t);
}

size_t restore_unreadable_keys(const struct state *s, const struct seal_key *seal)
{
    size_t unreadable = 0;
    uint8_t key[TSIG_KEY_LEN];

    for (uint32_t id = 1; id <= state_last_credential(s); id++) {
        const struct credential *cred = state_credential(s, id);
        for (size_t i = 0; i < credential_n_secrets(cred) && credential_revoked_s(cred) == 0; i++) {
            const struct secret secret = credential_secret(s, cred, i);
            if (secret.kind == SECRET_TSIG &&
                (seal == NULL || tsig_key_open(key, seal, &cred->uuid, secret.data, secret.len) != ERR_OK))
                unreadable++;
        }
    }
    crypto_wipe(key, sizeof key);
    return unreadable;
}
