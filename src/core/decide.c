/* One request, one decision: who is asking, may it do this at all, and then the function of its kind. */
#include "core/decide.h"

#include <assert.h>
#include <string.h>

#include "core/authorize.h"
#include "core/decide_internal.h"

/* Who may make a request of a kind at all; what more it takes is said by the function of the kind. */
enum admission {
    FOR_HOLDERS,        /* credentials, by their scope; administrators */
    FOR_REGISTRATION,   /* everybody: the settings decide */
    FOR_MANAGERS,       /* credentials with `manage`, inside their scope; administrators */
    FOR_ADMINISTRATORS, /* the admin socket; credentials with `administer` */
    FOR_SELF,           /* that, or the credential that it is about */
    FOR_THE_SERVER,     /* the program itself */
};

static const struct {
    enum err (*decide)(struct deciding *c);
    enum admission admission;
} kinds[REQUEST_KINDS] = {
    [REQUEST_VALUE_ADD] = {decide_value_add, FOR_HOLDERS},
    [REQUEST_VALUE_REMOVE] = {decide_value_remove, FOR_HOLDERS},
    [REQUEST_UPDATE] = {decide_update, FOR_HOLDERS},
    [REQUEST_REGISTER] = {decide_register, FOR_REGISTRATION},
    [REQUEST_ACCOUNT_CREATE] = {decide_account_create, FOR_ADMINISTRATORS},
    [REQUEST_ACCOUNT_SET] = {decide_account_set, FOR_ADMINISTRATORS},
    [REQUEST_ACCOUNT_DELETE] = {decide_account_delete, FOR_ADMINISTRATORS},
    [REQUEST_NAME_CREATE] = {decide_name_create, FOR_ADMINISTRATORS},
    [REQUEST_NAME_SET] = {decide_name_set, FOR_ADMINISTRATORS},
    [REQUEST_NAME_DELETE] = {decide_name_delete, FOR_ADMINISTRATORS},
    [REQUEST_CREDENTIAL_CREATE] = {decide_credential_create, FOR_MANAGERS},
    [REQUEST_CREDENTIAL_SET] = {decide_credential_set, FOR_ADMINISTRATORS},
    [REQUEST_CREDENTIAL_ROTATE] = {decide_credential_rotate, FOR_SELF},
    [REQUEST_CREDENTIAL_REVOKE] = {decide_credential_revoke, FOR_MANAGERS},
    [REQUEST_TOKEN_CREATE] = {decide_token_create, FOR_ADMINISTRATORS},
    [REQUEST_TOKEN_REVOKE] = {decide_token_revoke, FOR_ADMINISTRATORS},
    [REQUEST_APPLY] = {decide_apply, FOR_ADMINISTRATORS},
    [REQUEST_CONFIGURE] = {decide_configure, FOR_THE_SERVER},
    [REQUEST_EXPIRE] = {decide_expire, FOR_THE_SERVER},
    [REQUEST_PRUNE] = {decide_prune, FOR_THE_SERVER},
    [REQUEST_LOOK] = {decide_look, FOR_HOLDERS},
};

/* True when the request is about the caller's own credential. */
static bool is_about_itself(const struct deciding *c)
{
    const char *text = c->r->u.credential.credential.text;
    struct uuid uuid;

    return c->credential != NULL && text != NULL && uuid_parse(&uuid, text, strlen(text)) == ERR_OK &&
           uuid_equal(&uuid, &c->credential->uuid);
}

/* Whether the caller gets as far as the function of the kind; false: refused. */
static bool is_admitted(struct deciding *c, enum admission admission)
{
    enum auth_kind auth = c->r->caller.auth;

    if (admission == FOR_REGISTRATION && auth != AUTH_SECRET && auth != AUTH_TSIG)
        return true;
    if (auth == AUTH_NONE) {
        (void)refuse(c, REFUSAL_UNAUTHENTICATED, "the request names no credential");
        return false;
    }
    if (admission == FOR_HOLDERS && auth != AUTH_TOKEN)
        return true;
    if (admission == FOR_THE_SERVER && !caller_is_local(c)) {
        (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "only the server itself does this");
        return false;
    }
    if (caller_is_local(c) || (admission == FOR_SELF && is_about_itself(c)))
        return change_is_within_rate(c);
    if (auth == AUTH_TOKEN) {
        (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "a registration token can register, and nothing else");
        return false;
    }
    return caller_may(c, admission == FOR_MANAGERS ? ACTION_MANAGE : ACTION_ADMINISTER) && change_is_within_rate(c);
}

/* Who asks about itself is told what would refuse a change; that it was told is no refusal. */
static bool is_told_of_itself(const struct deciding *c)
{
    const struct result *res = c->res;

    return c->r->kind == REQUEST_LOOK && c->r->u.look == LOOK_AT_SELF && res->authenticated &&
           (res->refusal == REFUSAL_NETWORK || res->refusal == REFUSAL_EXPIRED);
}

static void entry_from_caller(struct entry *e, const struct decide *d, const struct caller *caller)
{
    e->seq = d->seq;
    e->time_s = d->journal_s;
    e->account = ACCOUNT_ADMIN;
    e->credential = CREDENTIAL_ADMIN;
    e->door = caller->door;
    e->client = caller->client;
    memcpy(e->request_id, caller->request_id, sizeof e->request_id);
    e->request_id[sizeof e->request_id - 1] = '\0';
}

static void observe_use(struct deciding *c)
{
    const struct credential_use use = {
        .at_s = c->d->now_s, .from = c->r->caller.client, .door = (uint8_t)c->r->caller.door};

    if (state_observe(c->s, c->credential->id, &use) != ERR_OK)
        return; /* without memory it is not noted: nothing depends on it */
}

/* What it did to the claims of a name ends with it. */
static MUST_USE enum err do_kind(struct deciding *c)
{
    enum err e = kinds[c->r->kind].decide(c);

    if (e == ERR_OK)
        return state_end_claims(c->s);
    state_drop_claims(c->s);
    return e;
}

enum err decide(struct decide *d, const struct request *r, struct entry *e, struct result *res)
{
    struct deciding c = {.d = d, .s = d->state, .r = r, .e = e, .res = res};
    enum err err = ERR_OK;

    assert((unsigned)r->kind < REQUEST_KINDS);
    memset(res, 0, sizeof *res); /* OUTCOME_DONE */
    d->check = NULL;
    entry_from_caller(e, d, &r->caller);
    if (r->caller.auth == AUTH_SECRET)
        err = authorize_credential(&c);
    else if (r->caller.auth == AUTH_TSIG)
        authorize_tsig(&c);
    if (err != ERR_OK || d->check != NULL)
        return err;
    if (!is_refused(&c) && is_admitted(&c, kinds[r->kind].admission))
        err = do_kind(&c);
    if (err != ERR_OK)
        return err;
    if (is_told_of_itself(&c)) {
        res->outcome = OUTCOME_DONE;
        return replace_proved(&c);
    }
    if (is_refused(&c)) {
        assert(e->n_effects == 0);
        memset(res->secret, 0, sizeof res->secret);
        return replace_proved(&c);
    }
    res->hint[0] = '\0';
    res->retry_s = 0;
    res->is_change = e->n_effects > 0;
    res->seq = res->is_change ? d->seq : 0;
    res->entry = res->is_change ? e : NULL;
    if (c.credential != NULL)
        observe_use(&c);
    return replace_proved(&c);
}

#define SERIAL_STEP_MAX (1u << 30) /* well inside what RFC 1982 can order */

uint32_t decide_next_serial(uint32_t previous, int64_t now_s)
{
    uint32_t now = now_s > 0 ? (uint32_t)now_s : 0;
    uint32_t next = previous + 1;

    if (now > next && (next != 0 || previous == 0))
        next = now;
    if (previous != 0 && next - previous > SERIAL_STEP_MAX)
        next = previous + SERIAL_STEP_MAX;
    return next != 0 ? next : 1;
}

/* Aliases that are served are zones of their own. */
static MUST_USE enum err alias_serials(struct decide *d, struct entry *last)
{
    uint32_t id = 0;

    while ((id = state_alias_needing_serial(d->state, id)) != 0) {
        const struct alias *alias = state_alias(d->state, id);
        struct effect f = {.kind = EFFECT_ALIAS_SERIAL};
        enum err e;

        f.u.serial = (struct effect_serial){.zone = id, .serial = decide_next_serial(alias->serial, d->now_s)};
        e = entry_add(last, &f);
        if (e == ERR_OK)
            e = state_fold(d->state, last->seq, &f);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

enum err decide_serials(struct decide *d, struct entry *last)
{
    for (uint32_t id = 1; id <= state_last_zone(d->state); id++) {
        const struct zone_state *zone = state_zone(d->state, id);
        struct effect f = {.kind = EFFECT_ZONE_SERIAL};
        enum err e;
        if (zone == NULL || zone->removed || !state_zone_needs_serial(d->state, id))
            continue;
        f.u.serial = (struct effect_serial){.zone = id, .serial = decide_next_serial(zone->serial, d->now_s)};
        e = entry_add(last, &f);
        if (e == ERR_OK)
            e = state_fold(d->state, last->seq, &f);
        if (e != ERR_OK)
            return e;
    }
    return alias_serials(d, last);
}
