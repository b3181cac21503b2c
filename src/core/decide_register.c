/* Registration: a name, a credential for it, and without a token an account of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/authorize.h"
#include "core/decide_internal.h"
#include "core/label.h"

#define LIMIT_BITS_V4   32
#define LIMIT_BITS_V6   56
#define ALLOWFROM_MAX   ((size_t)64 * NETWORKS_MAX)
#define MAKING_ATTEMPTS 200
#define SURVEYS_MAX     3 /* of all names, for one registration: everybody else's changes wait meanwhile */

/* Whether somebody without a token may register; false: refused. */
static bool registration_is_open(struct deciding *c)
{
    const struct registration_settings *set = &c->d->settings->registration;
    const struct caller *caller = &c->r->caller;

    if (caller_administers(c))
        return true;
    if (set->allow == REGISTRATION_TOKEN) {
        hint(c,
             "use a base URL with a token, https://.../r/TOKEN; an administrator makes one: riposte token create");
        (void)refuse(c, REFUSAL_REGISTRATION_CLOSED, "registration needs a token (registration.allow is token)");
    } else if (set->allow == REGISTRATION_NETWORKS) {
        hint(c, caller->client_unknown ? "put the proxy's address into api.trusted-proxies, and reload"
                                       : "an administrator can add it to registration.networks");
        if (client_is_known(c))
            (void)client_is_in(c, "registration.networks", set->networks, set->n_networks);
    }
    return !is_refused(c);
}

/* Whether one more account without a token is within the limits; false: refused. */
static bool unclaimed_is_within_limits(struct deciding *c)
{
    const struct settings *set = c->d->settings;
    struct addr prefix = addr_prefix(&c->r->caller.client, LIMIT_BITS_V4, LIMIT_BITS_V6);

    if (state_counts(c->s).names_unclaimed >= set->limits.names_unclaimed) {
        hint(c, "riposte name list --idle 90d shows what is not used; limits.names-unclaimed is the bound");
        (void)refuse(c, REFUSAL_QUOTA, "%" PRIu32 " %s registered without a token, as many as may be",
                     set->limits.names_unclaimed, set->limits.names_unclaimed == 1 ? "name was" : "names were");
        return false;
    }
    if (caller_administers(c) || bucket_table_take(c->d->registrations, &prefix, set->registration.rate,
                                                   REGISTRATION_BURST, c->d->mono_ms, &c->res->retry_s))
        return true;
    hint(c, "try again in %" PRIu32 " s; a token has its own count instead", c->res->retry_s);
    (void)refuse(c, REFUSAL_RATE, "more than %" PRIu32 " registrations in %" PRIu32 " s from %s",
                 set->registration.rate.amount, set->registration.rate.per_s, show_addr(&prefix).text);
    return false;
}

/* Everything that may refuse. *token is NULL for somebody without one. */
static MUST_USE enum err check(struct deciding *c, struct token **token)
{
    const struct request_register *req = &c->r->u.registration;
    enum err e = ERR_OK;

    *token = NULL;
    if (c->d->settings->registration.allow == REGISTRATION_NONE && !caller_administers(c)) {
        hint(c, "an administrator makes names: riposte name create --account ACCOUNT; or sets registration.allow");
        return refuse(c, REFUSAL_REGISTRATION_CLOSED, "registration is closed (registration.allow is none)");
    }
    if (c->r->caller.auth == AUTH_TOKEN)
        e = authorize_token(c, token);
    else
        (void)registration_is_open(c);
    if (e != ERR_OK || is_refused(c))
        return e;
    if (req->allowfrom != NULL && strlen(req->allowfrom) > ALLOWFROM_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "allowfrom has more than %zu octets", ALLOWFROM_MAX);
    if (!networks_are_acceptable(c, req->n_networks) || !space_is_left(c))
        return ERR_OK;
    if (*token != NULL)
        (void)account_has_room(c, state_account(c->s, (*token)->account));
    else
        (void)unclaimed_is_within_limits(c);
    return ERR_OK;
}

/* An account for one who came without a token. */
static MUST_USE enum err make_account(struct deciding *c, uint32_t *id)
{
    struct effect_account row = {
        .id = state_last_account(c->s) + 1, .note = "", .created_s = c->d->now_s, .unclaimed = true};
    char name[ACCOUNT_GENERATED_LEN + 1];
    enum err e = ERR_OK;
    int attempts = 0;

    do {
        if (attempts++ == MAKING_ATTEMPTS)
            return ERR_CRYPTO; /* 2^39 names do not repeat: this is no generator */
        e = label_generate_account(name, c->d->random);
    } while (e == ERR_OK && state_account_by_name(c->s, name, strlen(name)) != NULL);
    if (e == ERR_OK)
        e = copy_text(c, &row.name, name);
    if (e == ERR_OK)
        e = emit_account(c, EFFECT_ACCOUNT_MADE, &row);
    *id = row.id;
    return e;
}

/* An owner whose label is a random UUID of its own, as acme-dns has it. May refuse. */
static MUST_USE enum err generate_owner(struct deciding *c, struct name *out, const struct name *apex)
{
    char label[UUID_TEXT_LEN + 1];
    uint8_t random[16];
    struct uuid uuid;
    int attempts = 0;
    enum err e;

    if (apex->len + UUID_TEXT_LEN + 1 > NAME_MAX_LEN)
        return refuse(c, REFUSAL_BAD_LABEL, "a random label in front of %s makes the name too long",
                      show_wire(apex).text);
    do {
        if (attempts++ == MAKING_ATTEMPTS)
            return ERR_CRYPTO;
        e = c->d->random(random, sizeof random);
        if (e != ERR_OK)
            return e;
        uuid = uuid_v4(random);
        e = name_prepend(out, uuid_format(&uuid, label), UUID_TEXT_LEN, apex);
        if (e != ERR_OK)
            return e;
    } while (state_name_by_owner(c->s, out) != NULL);
    return ERR_OK;
}

static bool has_label(const char *labels, const char *label)
{
    size_t len = strlen(label);

    for (const char *at = labels; at != NULL; at = strchr(at, '.')) {
        at += *at == '.' ? 1 : 0;
        if (text_equal_nocase(at, strcspn(at, "."), label, len))
            return true;
    }
    return false;
}

/* Who has a name with such a label gets certificates for what it is below. An administrator may choose one, by
 * writing it into a pattern; chance may not, of a pattern such as _acme-challeng?. */
static bool is_by_chance(const char *labels, const char *pattern)
{
    static const char *const chosen[] = {"_acme-challenge", "_validation-persist"};

    for (size_t i = 0; i < ARRAY_LEN(chosen); i++)
        if (has_label(labels, chosen[i]) && !has_label(pattern, chosen[i]))
            return true;
    return false;
}

/* An owner that nobody has, with labels of the token's pattern. May refuse: a pattern may have few. */
static MUST_USE enum err generate_owner_like(struct deciding *c, struct name *out, const struct name *apex,
                                             const struct token *t)
{
    const struct name_entry *by;
    char labels[LABELS_TEXT_MAX];

    for (int i = 0, surveys = 0; i < MAKING_ATTEMPTS && surveys < SURVEYS_MAX; i++) {
        enum err e = label_generate_like(labels, t->labels, c->d->random);
        if (e == ERR_SYNTAX || (e == ERR_OK && name_parse_relative(out, labels, strlen(labels), apex) != ERR_OK)) {
            hint(c, "riposte token create --account %s --labels PATTERN", show_account(c->s, t->account).text);
            return refuse(c, REFUSAL_BAD_LABEL, "the pattern %s of token %" PRIu32 " makes no name below %s",
                          show_printable(t->labels, strlen(t->labels)).text, t->id, show_wire(apex).text);
        }
        if (e != ERR_OK)
            return e;
        if (is_by_chance(labels, t->labels) || owner_standing_upwards(c->s, out, t->account, &by) != OWNER_FREE)
            continue;
        surveys++;
        if (owner_standing(c->s, out, t->account, &by) == OWNER_FREE)
            return ERR_OK;
    }
    hint(c, "a pattern with a * has more labels: riposte token create --account %s --labels PATTERN",
         show_account(c->s, t->account).text);
    return refuse(c, REFUSAL_LABEL_TAKEN, "no label was found free that is like the pattern %s of token %" PRIu32,
                  show_printable(t->labels, strlen(t->labels)).text, t->id);
}

static MUST_USE enum err make_name(struct deciding *c, struct effect_name *row, const struct zone_state *zone,
                                   uint32_t account)
{
    row->id = state_last_name(c->s) + 1;
    row->account = account;
    row->zone = zone->id;
    row->created_s = c->d->now_s;
    c->res->name = row->id;
    return emit_name(c, EFFECT_NAME_MADE, row);
}

static MUST_USE enum err make_credential(struct deciding *c, uint32_t account)
{
    const struct request_register *req = &c->r->u.registration;
    struct effect_credential *row = arena_alloc(&c->e->arena, sizeof *row);
    uint32_t *names = arena_alloc(&c->e->arena, sizeof *names);
    enum err e;

    if (row == NULL || names == NULL)
        return ERR_MEMORY;
    names[0] = c->res->name;
    *row = (struct effect_credential){
        .id = state_last_credential(c->s) + 1,
        .account = account,
        .label = "",
        .actions = ACTION_ADD | ACTION_REMOVE | ACTION_READ,
        .kinds = VALUE_KIND_CHALLENGE,
        .n_networks = req->n_networks,
        .created_s = c->d->now_s,
        .n_names = 1,
        .names = names,
    };
    e = fresh_uuid(c, &row->uuid);
    if (e == ERR_OK)
        e = copy_nets(c, &row->networks, req->networks, req->n_networks);
    if (e == ERR_OK)
        e = copy_text(c, &row->allowfrom, req->allowfrom);
    if (e == ERR_OK)
        e = emit_credential(c, EFFECT_CREDENTIAL_MADE, row);
    if (e == ERR_OK)
        e = emit_new_secret(c, row->id);
    c->res->credential = row->id;
    return e;
}

static MUST_USE enum err count_use(struct deciding *c, uint32_t token)
{
    struct effect_token *row = row_of_token(c, state_token(c->s, token));

    if (row == NULL)
        return ERR_MEMORY;
    row->used++;
    return emit_token(c, EFFECT_TOKEN_USED, row);
}

enum err decide_register(struct deciding *c)
{
    struct effect_name *row = arena_alloc(&c->e->arena, sizeof *row);
    struct zone_state *zone = NULL;
    struct token *token = NULL;
    uint32_t account = 0;
    uint32_t token_id;
    enum err e = row != NULL ? check(c, &token) : ERR_MEMORY;

    if (e == ERR_OK && !is_refused(c))
        e = find_zone(c, NULL, &zone);
    if (e != ERR_OK || is_refused(c))
        return e;
    if (token != NULL && token->labels[0] != '\0')
        e = generate_owner_like(c, &row->owner, &zone->spec.apex, token);
    else
        e = generate_owner(c, &row->owner, &zone->spec.apex);
    if (e != ERR_OK || is_refused(c))
        return e;
    token_id = token != NULL ? token->id : 0;
    if (token != NULL)
        account = token->account;
    else
        e = make_account(c, &account);
    if (e == ERR_OK)
        e = make_name(c, row, zone, account);
    if (e == ERR_OK)
        e = make_credential(c, account);
    if (e == ERR_OK && token_id != 0)
        e = count_use(c, token_id);
    c->res->account = account;
    c->e->account = account;
    if (e == ERR_OK)
        c->res->serial = zone->serial;
    return e;
}
