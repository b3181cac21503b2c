/* Credentials: made, set, given a new secret, revoked. */
#include <inttypes.h>
#include <string.h>

#include "core/authorize.h"
#include "core/decide_internal.h"
#include "core/label.h"

#define SECRETS_MAX   8 /* live ones of one credential */
#define OVERLAP_MAX_S ((int64_t)10 * 365 * 24 * 3600)
#define ACTIONS_ALL   (unsigned)(ACTION_ADD | ACTION_REMOVE | ACTION_READ | ACTION_MANAGE | ACTION_ADMINISTER)
#define KINDS_ALL     (unsigned)(VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED)

/* The names of a scope. */
struct scope {
    size_t n;
    uint32_t *names;
    uint32_t account;
};

static bool scope_has(const struct scope *scope, uint32_t name)
{
    for (size_t i = 0; i < scope->n; i++)
        if (scope->names[i] == name)
            return true;
    return false;
}

/* Find all names of the request; they belong to one account. May refuse. */
static MUST_USE enum err read_scope(struct deciding *c, struct scope *scope)
{
    const struct request_credential *req = &c->r->u.credential;

    *scope = (struct scope){0};
    if (req->n_names == 0) {
        hint(c, "say which with --name");
        return refuse(c, REFUSAL_MALFORMED, "a credential is for at least one name");
    }
    if (req->n_names > NAMES_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "%zu names; a credential is for at most %d", req->n_names, NAMES_MAX);
    scope->names = arena_alloc(&c->e->arena, req->n_names * sizeof *scope->names);
    if (scope->names == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n_names; i++) {
        struct name_entry *n;
        enum err e = find_name_in_scope(c, &req->names[i], &n);
        if (e != ERR_OK || is_refused(c))
            return e;
        if (scope->n > 0 && name_account(n) != scope->account) {
            hint(c, "make one credential for the names of each account");
            return refuse(
                c, REFUSAL_CONFLICT, "%s belongs to account %s, and %s to %s; a credential is for one account",
                show_name(c->s, n).text, show_account(c->s, name_account(n)).text,
                show_name(c->s, state_name(c->s, scope->names[0])).text, show_account(c->s, scope->account).text);
        }
        scope->account = name_account(n);
        if (!scope_has(scope, name_id(n)))
            scope->names[scope->n++] = name_id(n);
    }
    return ERR_OK;
}

/* A name of the scope that is to leave it: also one that was removed, which goes by its whole name only. May
 * refuse. */
static MUST_USE enum err take_from_scope(struct deciding *c, struct scope *scope, const struct name_ref *ref)
{
    const struct name_entry *n = NULL;
    struct name_entry *found = NULL;
    struct name owner;
    enum err e = ERR_OK;
    size_t kept = 0;

    if (name_parse(&owner, ref->text, ref->len) == ERR_OK)
        n = state_name_by_owner(c->s, &owner);
    if (n == NULL) {
        e = find_name(c, ref, &found);
        n = found;
    }
    if (e != ERR_OK || is_refused(c))
        return e;
    for (size_t i = 0; i < scope->n; i++)
        if (scope->names[i] != name_id(n))
            scope->names[kept++] = scope->names[i];
    scope->n = kept;
    return ERR_OK;
}

static MUST_USE enum err put_into_scope(struct deciding *c, struct scope *scope, const struct name_ref *ref)
{
    struct name_entry *n;
    enum err e = find_name(c, ref, &n);

    if (e != ERR_OK || is_refused(c))
        return e;
    if (name_account(n) != scope->account) {
        hint(c, "make one credential for the names of each account");
        return refuse(c, REFUSAL_CONFLICT, "%s belongs to account %s; the credential is of account %s",
                      show_name(c->s, n).text, show_account(c->s, name_account(n)).text,
                      show_account(c->s, scope->account).text);
    }
    if (!scope_has(scope, name_id(n)))
        scope->names[scope->n++] = name_id(n);
    return ERR_OK;
}

/* The scope of cred with what comes and without what leaves. May refuse. */
static MUST_USE enum err change_scope(struct deciding *c, const struct credential *cred, struct scope *scope)
{
    const struct request_credential *req = &c->r->u.credential;
    enum err e = ERR_OK;

    *scope = (struct scope){.n = credential_n_names(cred), .account = cred->account};
    if (req->n_names > NAMES_MAX || req->n_names_remove > NAMES_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "more than %d names at once", NAMES_MAX);
    scope->names = arena_alloc(&c->e->arena, (credential_n_names(cred) + req->n_names + 1) * sizeof *scope->names);
    if (scope->names == NULL)
        return ERR_MEMORY;
    memcpy(scope->names, credential_names(cred), credential_n_names(cred) * sizeof *scope->names);
    for (size_t i = 0; i < req->n_names_remove && e == ERR_OK && !is_refused(c); i++)
        e = take_from_scope(c, scope, &req->names_remove[i]);
    for (size_t i = 0; i < req->n_names && e == ERR_OK && !is_refused(c); i++)
        e = put_into_scope(c, scope, &req->names[i]);
    if (e != ERR_OK || is_refused(c))
        return e;
    if (scope->n > NAMES_MAX)
        return refuse(c, REFUSAL_QUOTA, "%zu names; a credential is for at most %d", scope->n, NAMES_MAX);
    if (scope->n == 0) {
        hint(c, "riposte credential revoke %s", show_uuid(&cred->uuid).text);
        return refuse(c, REFUSAL_MALFORMED, "no name would be left for %s", show_credential(cred).text);
    }
    return ERR_OK;
}

/* The names must be of the account that the request says. May refuse. */
static MUST_USE enum err check_account(struct deciding *c, const struct scope *scope)
{
    const char *wanted = c->r->u.credential.account;
    struct account *a;
    enum err e;

    if (wanted == NULL)
        return ERR_OK;
    e = find_account(c, wanted, &a);
    if (e != ERR_OK || is_refused(c) || a->id == scope->account)
        return e;
    return refuse(c, REFUSAL_CONFLICT, "%s belongs to account %s, not to %s",
                  show_name(c->s, state_name(c->s, scope->names[0])).text, show_account(c->s, scope->account).text,
                  a->name);
}

bool credential_label_is_acceptable(struct deciding *c, const char *label)
{
    if (label_is_credential_label(label, strlen(label)))
        return true;
    hint(c, "1 to %d letters, digits, dots, hyphens and underscores, such as web1", LABEL_MAX - 1);
    (void)refuse(c, REFUSAL_BAD_LABEL, "\"%s\" cannot be the label of a credential",
                 show_printable(label, strlen(label)).text);
    return false;
}

/* Whether a credential may have this label at these names, where it must be the only live one; self: the credential
 * that is set, 0 for a new one. False: refused. */
static bool label_is_free(struct deciding *c, const char *label, const uint32_t *names, size_t n, uint32_t self)
{
    if (label == NULL || label[0] == '\0')
        return true;
    if (!credential_label_is_acceptable(c, label))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct credential *other = find_labelled(c->s, label, names[i]);
        if (other == NULL || other->id == self)
            continue;
        hint(c, "choose another label, or revoke that one: riposte credential revoke %s",
             show_uuid(&other->uuid).text);
        (void)refuse(c, REFUSAL_CONFLICT, "%s has a live credential \"%s\" already",
                     show_name(c->s, state_name(c->s, names[i])).text, label);
        return false;
    }
    return true;
}

bool powers_are_acceptable(struct deciding *c, const struct request_credential *req)
{
    if (req->has_actions && (req->actions == 0 || (req->actions & ~ACTIONS_ALL) != 0)) {
        hint(c, "actions are add, remove, read, manage and administer");
        (void)refuse(c, REFUSAL_MALFORMED, "a credential needs at least one action, and known ones only");
    } else if ((req->kinds & ~KINDS_ALL) != 0) {
        (void)refuse(c, REFUSAL_MALFORMED, "kinds of values are challenge and pinned");
    } else if (req->has_actions && (req->actions & ACTION_ADMINISTER) != 0 && !caller_is_local(c)) {
        hint(c, "use riposte on the server");
        (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "administer is granted through the admin socket only");
    }
    return !is_refused(c);
}

bool key_can_be_sealed(struct deciding *c, bool is_wanted)
{
    if (!is_wanted || c->d->seal != NULL)
        return true;
    (void)refuse(c, REFUSAL_CONFLICT, "this server has no key (store.key) to seal TSIG keys with");
    return false;
}

/* The secret that the request asks for. */
static MUST_USE enum err emit_new(struct deciding *c, uint32_t credential)
{
    return c->r->u.credential.tsig ? emit_new_tsig_key(c, credential) : emit_new_secret(c, credential);
}

enum err decide_credential_create(struct deciding *c)
{
    const struct request_credential *req = &c->r->u.credential;
    struct effect_credential *row = arena_alloc(&c->e->arena, sizeof *row);
    struct scope scope;
    enum err e;

    if (row == NULL)
        return ERR_MEMORY;
    if (!key_can_be_sealed(c, req->tsig) || !powers_are_acceptable(c, req) ||
        !networks_are_acceptable(c, req->n_networks) ||
        !expiry_is_acceptable(c, req->has_expires ? req->expires_s : 0))
        return ERR_OK;
    e = read_scope(c, &scope);
    if (e == ERR_OK && !is_refused(c))
        e = check_account(c, &scope);
    if (e != ERR_OK || is_refused(c) || !label_is_free(c, req->label, scope.names, scope.n, 0))
        return e;
    *row = (struct effect_credential){
        .id = state_last_credential(c->s) + 1,
        .account = scope.account,
        .actions = req->has_actions ? req->actions : ACTIONS_DEFAULT,
        .kinds = req->kinds != 0 ? req->kinds : VALUE_KIND_CHALLENGE,
        .n_networks = req->n_networks,
        .networks = req->networks,
        .allowfrom = "",
        .created_s = c->d->now_s,
        .expires_s = req->has_expires ? req->expires_s : 0,
        .n_names = scope.n,
        .names = scope.names,
    };
    if (!row_is_within_caller(c, row))
        return ERR_OK;
    c->res->credential = row->id;
    c->res->account = row->account;
    c->res->name = scope.names[0];
    e = fresh_uuid(c, &row->uuid);
    if (e == ERR_OK)
        e = copy_text(c, &row->label, req->label);
    if (e == ERR_OK)
        e = copy_nets(c, &row->networks, row->networks, row->n_networks);
    if (e == ERR_OK)
        e = emit_credential(c, EFFECT_CREDENTIAL_MADE, row);
    return e == ERR_OK ? emit_new(c, row->id) : e;
}

/* A credential that can still be changed. May refuse. */
static MUST_USE enum err find_live_credential(struct deciding *c, const struct credential **out)
{
    enum err e = find_credential(c, &c->r->u.credential.credential, out);

    if (e != ERR_OK || is_refused(c))
        return e;
    if (credential_revoked_s(*out) != 0) {
        hint(c, "make a new one: riposte credential create --name NAME");
        return refuse(c, REFUSAL_REVOKED, "%s was revoked on %s", show_credential(*out).text,
                      show_time(credential_revoked_s(*out)).text);
    }
    return ERR_OK;
}

bool credential_has_nets(const struct credential *cred, const struct net *nets, size_t n)
{
    const struct net *has = credential_networks(cred);
    bool same = credential_n_networks(cred) == n && !credential_networks_invalid(cred);

    for (size_t i = 0; same && i < n; i++)
        same = addr_equal(&has[i].addr, &nets[i].addr) && has[i].prefix_len == nets[i].prefix_len;
    return same;
}

enum err credential_change_row(struct deciding *c, const struct request_credential *req,
                               struct effect_credential *row, const struct credential *cred, bool *changed)
{
    bool has_nets;
    enum err e = ERR_OK;

    if (req->has_actions && req->actions != row->actions) {
        row->actions = req->actions;
        *changed = true;
    }
    if (req->kinds != 0 && req->kinds != row->kinds) {
        row->kinds = req->kinds;
        *changed = true;
    }
    if (req->has_expires && req->expires_s != row->expires_s) {
        row->expires_s = req->expires_s;
        *changed = true;
    }
    has_nets = cred != NULL ? credential_has_nets(cred, req->networks, req->n_networks) : req->n_networks == 0;
    if (req->has_networks && !has_nets) {
        row->n_networks = req->n_networks;
        row->networks_invalid = false;
        row->allowfrom = ""; /* the client's own list holds no longer */
        e = copy_nets(c, &row->networks, req->networks, req->n_networks);
        *changed = true;
    }
    if (e == ERR_OK && req->label != NULL && strcmp(req->label, row->label) != 0) {
        e = copy_text(c, &row->label, req->label);
        *changed = true;
    }
    return e;
}

/* The names that the request asks for must stay in the credential's account; false: refused. */
static bool scope_is_acceptable(struct deciding *c, const struct credential *cred, const struct scope *scope)
{
    if (scope->account == cred->account)
        return true;
    (void)refuse(c, REFUSAL_CONFLICT, "%s is of account %s, and %s belongs to %s", show_credential(cred).text,
                 show_account(c->s, cred->account).text, show_name(c->s, state_name(c->s, scope->names[0])).text,
                 show_account(c->s, scope->account).text);
    return false;
}

static bool has_same_names(const struct effect_credential *row, const struct scope *scope)
{
    return row->n_names == scope->n && memcmp(row->names, scope->names, scope->n * sizeof *scope->names) == 0;
}

enum err decide_credential_set(struct deciding *c)
{
    const struct request_credential *req = &c->r->u.credential;
    struct effect_credential *row;
    const struct credential *cred;
    struct scope scope = {0};
    bool changed = false;
    enum err e = find_live_credential(c, &cred);

    if (e != ERR_OK || is_refused(c))
        return e;
    c->res->credential = cred->id;
    c->res->account = cred->account;
    if (!powers_are_acceptable(c, req) || (req->has_networks && !networks_are_acceptable(c, req->n_networks)) ||
        (req->has_expires && !expiry_is_acceptable(c, req->expires_s)))
        return ERR_OK;
    if (req->has_names)
        e = read_scope(c, &scope);
    else if (req->n_names > 0 || req->n_names_remove > 0)
        e = change_scope(c, cred, &scope);
    if (e != ERR_OK || is_refused(c) || (scope.n > 0 && !scope_is_acceptable(c, cred, &scope)))
        return e;
    row = row_of_credential(c, cred);
    if (row == NULL)
        return ERR_MEMORY;
    if (scope.n > 0 && !has_same_names(row, &scope)) {
        row->n_names = scope.n;
        row->names = scope.names;
        changed = true;
    }
    if (!label_is_free(c, req->label != NULL ? req->label : row->label, row->names, row->n_names, cred->id))
        return ERR_OK;
    e = credential_change_row(c, req, row, cred, &changed);
    return e == ERR_OK && changed ? emit_credential(c, EFFECT_CREDENTIAL_SET, row) : e;
}

/* End a secret at a time; at once when that is now. */
static MUST_USE enum err emit_secret_end(struct deciding *c, uint32_t credential, const struct secret *secret,
                                         int64_t ends_s)
{
    struct effect f = {.kind = ends_s <= c->d->now_s ? EFFECT_SECRET_ENDED : EFFECT_SECRET_SET};
    const uint8_t *data = (const uint8_t *)arena_copy(&c->e->arena, secret->data, secret->len);

    if (data == NULL)
        return ERR_MEMORY;
    f.u.secret = (struct effect_secret){
        .id = secret->id,
        .credential = credential,
        .kind = secret->kind,
        .len = secret->len,
        .data = data,
        .starts_s = secret->starts_s,
        .ends_s = ends_s,
    };
    return emit(c, &f);
}

/* What a new secret replaces: TSIG keys are one kind, all that a bearer can show is the other. */
enum secret_use { SECRET_FOR_BEARER, SECRET_FOR_TSIG };

static enum secret_use use_of(const struct secret *secret)
{
    return secret->kind == SECRET_TSIG ? SECRET_FOR_TSIG : SECRET_FOR_BEARER;
}

static bool has_ended(const struct secret *secret, int64_t now_s)
{
    return secret->ends_s != 0 && secret->ends_s <= now_s;
}

/* The next secret for a use that is to end at ends_s, or any that has ended. False: none is left. */
static bool next_to_end(const struct deciding *c, uint32_t credential, enum secret_use use, int64_t ends_s,
                        struct secret *out)
{
    const struct credential *cred = state_credential(c->s, credential);

    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        *out = credential_secret(c->s, cred, i);
        if (has_ended(out, c->d->now_s) || (use_of(out) == use && (out->ends_s == 0 || out->ends_s > ends_s)))
            return true;
    }
    return false;
}

enum err decide_credential_rotate(struct deciding *c)
{
    const struct request_credential *req = &c->r->u.credential;
    enum secret_use use = req->tsig ? SECRET_FOR_TSIG : SECRET_FOR_BEARER;
    int64_t ends_s = c->d->now_s + req->overlap_s;
    struct secret secret;
    const struct credential *cred;
    uint32_t id;
    enum err e;

    if (req->overlap_s < 0 || req->overlap_s > OVERLAP_MAX_S)
        return refuse(c, REFUSAL_MALFORMED, "an overlap of %" PRId64 " s is not possible", req->overlap_s);
    if (!key_can_be_sealed(c, req->tsig))
        return ERR_OK;
    e = find_live_credential(c, &cred);
    if (e != ERR_OK || is_refused(c))
        return e;
    id = cred->id;
    c->res->credential = id;
    c->res->account = cred->account;
    if (credential_n_secrets(cred) >= SECRETS_MAX && req->overlap_s > 0) {
        hint(c, "rotate it without --overlap, which ends all older ones");
        return refuse(c, REFUSAL_QUOTA, "%s has %u secrets already", show_credential(cred).text,
                      credential_n_secrets(cred));
    }
    while (e == ERR_OK && next_to_end(c, id, use, ends_s, &secret))
        e = emit_secret_end(c, id, &secret, has_ended(&secret, c->d->now_s) ? secret.ends_s : ends_s);
    return e == ERR_OK ? emit_new(c, id) : e;
}

/* Whether the caller may end claims at a name, whoever's they are. */
static bool reaches_claims_at(const struct deciding *c, uint32_t name)
{
    if (caller_administers(c))
        return true;
    return has_in_scope(c->credential, name) && name_within(c->s, c->credential, name) != NULL;
}

enum err decide_credential_revoke(struct deciding *c)
{
    struct claim_filter its = {.pinned_too = true};
    const struct credential *cred;
    uint32_t id;
    enum err e = find_credential(c, &c->r->u.credential.credential, &cred);

    if (e != ERR_OK || is_refused(c) || !credential_is_within_caller(c, cred))
        return e;
    id = cred->id;
    c->res->credential = id;
    c->res->account = cred->account;
    if (credential_revoked_s(cred) == 0)
        e = emit_revocation(c, cred);
    /* Also at names that have left its scope. */
    for (uint32_t name = 1; c->r->u.credential.with_values && name <= state_last_name(c->s) && e == ERR_OK;
         name++) {
        its.of = state_credential(c->s, id);
        if (state_name(c->s, name) != NULL && reaches_claims_at(c, name))
            e = emit_claims_removed(c, name, &its);
    }
    return e;
}
