#include "core/authorize.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64url.h"
#include "base/bcrypt.h"
#include "base/crypto.h"
#include "core/secret.h"

/* The client networks that limits are for. */
#define LIMIT_BITS_V4 32
#define LIMIT_BITS_V6 56

/* What has begun stays begun, also when it was made by a clock that was ahead. */
static bool is_live_secret(const struct secret *secret, const struct decide *d)
{
    return secret->starts_s <= d->journal_s && (secret->ends_s == 0 || secret->ends_s > d->now_s);
}

/* Compare with every live SHA-256 secret, without an early end: how many and which match does not show in the time.
 */
static bool has_secret(const struct credential *cred, const uint8_t hash[SHA256_LEN], const struct decide *d)
{
    unsigned matches = 0;

    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        const struct secret secret = credential_secret(d->state, cred, i);
        if (secret.kind == SECRET_SHA256 && secret.len == SHA256_LEN && is_live_secret(&secret, d))
            matches += crypto_equal(secret.data, hash, SHA256_LEN) ? 1u : 0u;
    }
    return matches > 0;
}

/* The live slow secret, when what the caller offers can be it at all. False: none. */
static bool slow_secret(struct secret *out, const struct credential *cred, const char *offered,
                        const struct decide *d)
{
    if (strlen(offered) != SECRET_TEXT_LEN || !base64url_is_text(offered, SECRET_TEXT_LEN))
        return false;
    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        *out = credential_secret(d->state, cred, i);
        if (out->kind == SECRET_BCRYPT && is_live_secret(out, d) &&
            bcrypt_is_hash((const char *)out->data, out->len))
            return true;
    }
    return false;
}

/* Whether the caller has the slow secret of its credential. When that is not known yet, d->check says so. */
static bool has_slow_secret(struct deciding *c, const struct credential *cred)
{
    const struct proof *proof = &c->r->proof;
    struct secret slow;

    if (!slow_secret(&slow, cred, c->r->caller.secret, c->d))
        return false;
    if (!proof->is_made || proof->len != slow.len || memcmp(proof->hash, slow.data, slow.len) != 0) {
        c->d->slow = slow;
        c->d->check = &c->d->slow;
        return false;
    }
    if (proof->is_right)
        c->proved = slow.id;
    return proof->is_right;
}

/* Count a failing authentication; false: refused, because there were too many. */
static bool failure_is_within_rate(struct deciding *c)
{
    static const struct rate rate = {.amount = FAILURES_AMOUNT, .per_s = 1};
    struct addr prefix = addr_prefix(&c->r->caller.client, LIMIT_BITS_V4, LIMIT_BITS_V6);

    if (bucket_table_take(c->d->failures, &prefix, rate, FAILURES_BURST, c->d->mono_ms, &c->res->retry_s))
        return true;
    (void)refuse(c, REFUSAL_RATE, "too many failing authentications from %s", show_addr(&prefix).text);
    return false;
}

/* Refuse a wrong secret. The detail is for the operator: doors do not show it. */
static void refuse_secret(struct deciding *c, const struct credential *cred)
{
    const char *secret = c->r->caller.secret;
    struct shown who = show_credential(cred);

    if (!failure_is_within_rate(c))
        return;
    if (strncmp(secret, "$2", 2) == 0)
        (void)refuse(c, REFUSAL_UNAUTHENTICATED,
                     "wrong secret for %s: it starts with \"$2\": this is a stored hash, not the secret", who.text);
    else if (strlen(secret) != SECRET_TEXT_LEN)
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "wrong secret for %s: it has %zu characters, and should have %d",
                     who.text, strlen(secret), SECRET_TEXT_LEN);
    else
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "wrong secret for %s", who.text);
}

bool client_is_known(struct deciding *c)
{
    const struct caller *caller = &c->r->caller;

    if (caller->client.family == ADDR_NONE)
        (void)refuse(c, REFUSAL_NETWORK, "your address is not known: X-Forwarded-For does not tell it");
    else if (caller->client_unknown)
        (void)refuse(c, REFUSAL_NETWORK,
                     "your address is not known: the request came with X-Forwarded-For through %s, which is not in "
                     "api.trusted-proxies",
                     show_addr(&caller->client).text);
    return !is_refused(c);
}

bool client_is_in(struct deciding *c, const char *whose, const struct net *nets, size_t n)
{
    const struct addr *client = &c->r->caller.client;

    if (net_any_contains(nets, n, client))
        return true;
    if (client_is_known(c))
        (void)refuse(c, REFUSAL_NETWORK, "your address %s is not in %s %s", show_addr(client).text, whose,
                     show_nets(nets, n).text);
    return false;
}

/* The networks of the caller's credential; false: refused. */
static bool client_is_allowed(struct deciding *c)
{
    const struct credential *cred = c->credential;
    const struct addr *client = &c->r->caller.client;

    if (credential_networks_invalid(cred)) {
        hint(c, "riposte credential set %s --networks NET,...", show_uuid(&cred->uuid).text);
        (void)refuse(c, REFUSAL_NETWORK, "the stored networks of %s cannot be read, so it is denied everywhere",
                     show_credential(cred).text);
        return false;
    }
    if (credential_n_networks(cred) == 0)
        return true;
    if (c->r->caller.client_unknown)
        hint(c, "put the proxy's address into api.trusted-proxies, and reload");
    else if (client->family == ADDR_V4 || client->family == ADDR_V6)
        hint(c, "riposte credential set %s --networks %s,%s/%d", show_uuid(&cred->uuid).text,
             show_nets(credential_networks(cred), credential_n_networks(cred)).text, show_addr(client).text,
             client->family == ADDR_V4 ? 32 : 128);
    else
        hint(c, "riposte credential set %s --networks NET,...", show_uuid(&cred->uuid).text);
    return client_is_in(c, "its networks", credential_networks(cred), credential_n_networks(cred));
}

/* What stops a credential that has been proved; false: refused. */
static bool credential_is_usable(struct deciding *c)
{
    const struct credential *cred = c->credential;
    const struct account *a = state_account(c->s, cred->account);

    if (credential_revoked_s(cred) != 0) {
        hint(c, "a new one is made with: riposte credential create --name NAME");
        (void)refuse(c, REFUSAL_REVOKED, "%s was revoked on %s", show_credential(cred).text,
                     show_time(credential_revoked_s(cred)).text);
        return false;
    }
    if (a == NULL || a->disabled || a->deleted_s != 0) {
        hint(c, "riposte account enable %s", show_account(c->s, cred->account).text);
        (void)refuse(c, REFUSAL_DISABLED, "account %s of %s is disabled", show_account(c->s, cred->account).text,
                     show_credential(cred).text);
        return false;
    }
    if (credential_expires_s(cred) != 0 && credential_expires_s(cred) <= c->d->now_s) {
        hint(c, "riposte credential set %s --expires 90d", show_uuid(&cred->uuid).text);
        (void)refuse(c, REFUSAL_EXPIRED, "%s expired on %s", show_credential(cred).text,
                     show_time(credential_expires_s(cred)).text);
        return false;
    }
    return client_is_allowed(c);
}

enum err authorize_credential(struct deciding *c)
{
    static const uint8_t nobody[SHA256_LEN] = {0};
    const struct caller *caller = &c->r->caller;
    const struct credential *cred = state_credential_by_uuid(c->s, &caller->credential);
    uint8_t hash[SHA256_LEN];
    enum err e = secret_hash(hash, caller->secret);

    if (e != ERR_OK)
        return e;
    if (cred == NULL) {
        (void)crypto_equal(nobody, hash, sizeof hash); /* as long as a wrong secret takes */
        if (failure_is_within_rate(c))
            (void)refuse(c, REFUSAL_UNAUTHENTICATED, "there is no credential %s",
                         show_uuid(&caller->credential).text);
        return ERR_OK;
    }
    c->res->credential = cred->id;
    c->res->account = cred->account;
    if (!has_secret(cred, hash, c->d) && !has_slow_secret(c, cred)) {
        if (c->d->check == NULL)
            refuse_secret(c, cred);
        return ERR_OK;
    }
    c->res->authenticated = true;
    c->credential = cred;
    c->e->credential = cred->id;
    c->e->account = cred->account;
    (void)credential_is_usable(c);
    return ERR_OK;
}

static bool has_tsig_key(const struct credential *cred, uint32_t id, const struct decide *d)
{
    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        const struct secret secret = credential_secret(d->state, cred, i);

        if (secret.id == id && secret.kind == SECRET_TSIG)
            return is_live_secret(&secret, d);
    }
    return false;
}

void authorize_tsig(struct deciding *c)
{
    const struct caller *caller = &c->r->caller;
    const struct credential *cred = state_credential_by_uuid(c->s, &caller->credential);

    if (cred != NULL) {
        c->res->credential = cred->id;
        c->res->account = cred->account;
    }
    if (caller->tsig_problem != NULL) {
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "%s", caller->tsig_problem);
        return;
    }
    if (cred == NULL) { /* a door saw a key of it: credentials stay for ever, so this is another state by now */
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "there is no credential %s", show_uuid(&caller->credential).text);
        return;
    }
    if (!has_tsig_key(cred, caller->tsig_secret, c->d)) {
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "the TSIG key of %s was replaced", show_credential(cred).text);
        return;
    }
    c->res->authenticated = true;
    c->credential = cred;
    c->e->credential = cred->id;
    c->e->account = cred->account;
    (void)credential_is_usable(c);
}

/* What stops a token that is known; false: refused. */
static bool token_is_usable(struct deciding *c, const struct token *t)
{
    const struct account *a = state_account(c->s, t->account);

    hint(c, "riposte token create --account %s", show_account(c->s, t->account).text);
    if (t->revoked_s != 0)
        (void)refuse(c, REFUSAL_REVOKED, "token %" PRIu32 " was revoked on %s", t->id,
                     show_time(t->revoked_s).text);
    else if (a == NULL || a->disabled || a->deleted_s != 0)
        (void)refuse(c, REFUSAL_DISABLED, "account %s of token %" PRIu32 " is disabled",
                     show_account(c->s, t->account).text, t->id);
    else if (t->expires_s != 0 && t->expires_s <= c->d->now_s)
        (void)refuse(c, REFUSAL_EXPIRED, "token %" PRIu32 " expired on %s", t->id, show_time(t->expires_s).text);
    else if (t->count_max != 0 && t->used >= t->count_max)
        (void)refuse(c, REFUSAL_QUOTA, "token %" PRIu32 " has been used %" PRIu32 " times, as often as it may",
                     t->id, t->used);
    if (is_refused(c))
        return false;
    if (t->n_networks > 0 && (!client_is_known(c) || !client_is_in(c, "its networks", t->networks, t->n_networks)))
        return false;
    hint(c, "%s", "");
    return true;
}

enum err authorize_token(struct deciding *c, struct token **out)
{
    const char *text = c->r->caller.secret;
    uint8_t hash[SHA256_LEN];
    enum err e = secret_hash(hash, text);

    *out = NULL;
    if (e != ERR_OK)
        return e;
    *out = state_token_by_hash(c->s,
                               hash); /* found by the hash of a secret: the time tells nothing about the secret */
    if (*out == NULL) {
        if (failure_is_within_rate(c))
            (void)refuse(c, REFUSAL_UNAUTHENTICATED, "there is no such registration token");
        return ERR_OK;
    }
    c->res->authenticated = true;
    c->res->token = (*out)->id;
    c->res->account = (*out)->account;
    if (!token_is_usable(c, *out))
        *out = NULL;
    return ERR_OK;
}

bool caller_is_local(const struct deciding *c)
{
    return c->r->caller.auth == AUTH_LOCAL || c->r->caller.auth == AUTH_SERVER;
}

bool caller_administers(const struct deciding *c)
{
    return caller_is_local(c) ||
           (c->credential != NULL && (credential_actions(c->credential) & ACTION_ADMINISTER) != 0);
}

bool caller_manages(const struct deciding *c)
{
    return caller_administers(c) ||
           (c->credential != NULL && (credential_actions(c->credential) & ACTION_MANAGE) != 0);
}

bool caller_may(struct deciding *c, enum action action)
{
    static const struct {
        enum action action;
        const char *word;
    } words[] = {
        {ACTION_ADD, "add"},       {ACTION_REMOVE, "remove"},         {ACTION_READ, "read"},
        {ACTION_MANAGE, "manage"}, {ACTION_ADMINISTER, "administer"},
    };
    const char *word = "";

    if (caller_administers(c) || (c->credential != NULL && (credential_actions(c->credential) & action) != 0))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].action == action)
            word = words[i].word;
    if (c->credential == NULL) {
        (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "this needs the action %s, which a registration does not have",
                     word);
        return false;
    }
    if (action == ACTION_ADMINISTER)
        hint(c, "an administrator can do it with riposte on the server");
    else
        hint(c, "riposte credential set %s --actions ...,%s", show_uuid(&c->credential->uuid).text, word);
    (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "%s does not have the action %s",
                 show_credential(c->credential).text, word);
    return false;
}

bool caller_may_use(struct deciding *c, enum value_kind kind)
{
    if (caller_administers(c) || (c->credential != NULL && (credential_kinds(c->credential) & kind) != 0))
        return true;
    if (kind == VALUE_KIND_PINNED && caller_manages(c)) /* who may end what is pinned may pin */
        return true;
    hint(c, "an administrator can do it: riposte value pin NAME TEXT");
    (void)refuse(c, REFUSAL_KIND_NOT_IN_SCOPE, "%s may not change %s values",
                 c->credential != NULL ? show_credential(c->credential).text : "a registration",
                 kind == VALUE_KIND_PINNED ? "pinned" : "challenge");
    return false;
}

bool change_is_within_rate(struct deciding *c)
{
    const struct rate rate = c->d->settings->limits.changes;
    struct account *a = c->credential != NULL ? state_account(c->s, c->credential->account) : NULL;

    if (a == NULL)
        return true;
    if (!a->changes_known) {
        bucket_init(&a->changes, CHANGES_BURST, c->d->mono_ms);
        a->changes_known = true;
    }
    if (bucket_take(&a->changes, rate, CHANGES_BURST, c->d->mono_ms, &c->res->retry_s))
        return true;
    hint(c, "try again in %" PRIu32 " s, or raise limits.changes", c->res->retry_s);
    (void)refuse(c, REFUSAL_RATE, "account %s makes more than %" PRIu32 " changes in %" PRIu32 " s", a->name,
                 rate.amount, rate.per_s);
    return false;
}
