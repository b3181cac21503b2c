#include "core/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide_internal.h"
#include "core/label.h"
#include "core/value_set.h"

#define MAKING_ATTEMPTS 100
#define IMPORT_NOTE     "imported from acme-dns"

/* ---- where to ---- */

/* Names that a new one directly below the apex could stand above: usually none, and looking for them once is
 * enough. */
static MUST_USE enum err find_deep(struct import_target *t, const struct state *s)
{
    unsigned labels = name_labels(&state_zone(s, t->zone)->spec.apex) + 1;
    uint32_t *deep = NULL;
    size_t n = 0;

    for (int pass = 0; pass < 2; pass++) {
        n = 0;
        for (uint32_t id = 1; id <= state_last_name(s); id++) {
            const struct name_entry *name = state_name(s, id);
            struct name owner;
            if (name == NULL || name_zone(name) != t->zone)
                continue;
            name_owner(s, name, &owner);
            if (name_labels(&owner) <= labels)
                continue;
            if (deep != NULL)
                deep[n] = id;
            n++;
        }
        if (n == 0 || deep != NULL)
            break;
        deep = calloc(n, sizeof *deep);
        if (deep == NULL)
            return ERR_MEMORY;
    }
    t->deep = deep;
    t->n_deep = n;
    return ERR_OK;
}

static const struct zone_state *look_up_zone(const struct decide *d, const char *apex)
{
    const struct zone_state *zone = NULL;
    struct name parsed;

    if (apex == NULL) {
        zone = state_zone_by_apex(d->state, &d->settings->zones[0].apex);
    } else if (name_parse(&parsed, apex, strlen(apex)) == ERR_OK) {
        name_fold(&parsed);
        zone = state_zone_by_apex(d->state, &parsed);
    }
    return zone != NULL && !zone->removed ? zone : NULL;
}

enum err import_target_init(struct import_target *out, const struct decide *d, const char *zone,
                            const char *account, char why[RESULT_DETAIL_MAX], bool *ok)
{
    const struct zone_state *found = look_up_zone(d, zone);

    *out = (struct import_target){0};
    *ok = false;
    if (found == NULL) {
        (void)snprintf(why, RESULT_DETAIL_MAX, "the configuration has no zone \"%.200s\"",
                       zone != NULL ? zone : "");
        return ERR_OK;
    }
    if (account != NULL && !label_is_account_name(account, strlen(account))) {
        (void)snprintf(
            why, RESULT_DETAIL_MAX,
            "\"%.100s\" cannot be the name of an account: 1 to 63 of a-z 0-9 . _ -, and a letter or digit "
            "first",
            account);
        return ERR_OK;
    }
    out->zone = found->id;
    (void)snprintf(out->account, sizeof out->account, "%s", account != NULL ? account : "");
    *ok = true;
    return find_deep(out, d->state);
}

void import_target_fini(struct import_target *t)
{
    free(t->deep);
    *t = (struct import_target){0};
}

void import_entry_begin(struct entry *e, const struct decide *d)
{
    e->seq = d->seq;
    e->time_s = d->now_s;
    e->account = ACCOUNT_ADMIN;
    e->credential = CREDENTIAL_ADMIN;
    e->door = DOOR_ADMIN;
    e->client = (struct addr){.family = ADDR_LOCAL};
}

/* ---- what may refuse ---- */

/* The names that stand in the way of a new one directly below the apex; NULL: none. */
static const struct name_entry *who_is_there(const struct deciding *c, const struct import_target *t,
                                             const struct name *owner)
{
    const struct name_entry *n = state_name_by_owner(c->s, owner);

    for (size_t i = 0; n == NULL && i < t->n_deep; i++) {
        const struct name_entry *deep = state_name(c->s, t->deep[i]);
        struct name wire;
        name_owner(c->s, deep, &wire);
        if (name_is_below(&wire, owner))
            n = deep;
    }
    return n;
}

static enum err check(struct deciding *c, const struct import_target *t, const struct import_account *a,
                      struct name *owner)
{
    const struct name *apex = &state_zone(c->s, t->zone)->spec.apex;
    const struct name_entry *there;
    char folded[LABELS_TEXT_MAX];

    if (uuid_is_nil(&a->uuid))
        return refuse(c, REFUSAL_MALFORMED, "the user name is the nil UUID");
    if (label_parse(folded, a->label.text, a->label.len) != ERR_OK ||
        memchr(a->label.text, '.', a->label.len) != NULL)
        return refuse(c, REFUSAL_BAD_LABEL,
                      "\"%s\" cannot be a label: 1 to 63 letters, digits, hyphens and underscores",
                      show_printable(a->label.text, a->label.len).text);
    if (name_prepend(owner, a->label.text, a->label.len, apex) != ERR_OK)
        return refuse(c, REFUSAL_BAD_LABEL, "\"%s\" in front of %s makes the name too long", folded,
                      show_wire(apex).text);
    there = who_is_there(c, t, owner);
    if (there != NULL && name_retired_s(there) != 0)
        return refuse(c, REFUSAL_LABEL_RETIRED, "%s was removed here on %s, and CNAMEs may still point at it",
                      show_name(c->s, there).text, show_time(name_retired_s(there)).text);
    if (there != NULL)
        return refuse(c, REFUSAL_LABEL_TAKEN, "%s belongs to account %s here already", show_name(c->s, there).text,
                      show_account(c->s, name_account(there)).text);
    if (state_static_conflicts(c->s, owner))
        return refuse(c, REFUSAL_CONFLICT, "%s is, or is above or below, a static record of the zone",
                      show_wire(owner).text);
    return ERR_OK;
}

/* ---- what cannot ---- */

static bool account_name_is_free(const struct state *s, const char *name)
{
    const struct account *a = state_account_by_name(s, name, strlen(name));

    return a == NULL || a->deleted_s != 0;
}

/* The name of the account to be made: as asked for, else the label, else a generated one. */
static MUST_USE enum err choose_account_name(struct deciding *c, const struct import_target *t,
                                             const struct import_account *a, const char **out)
{
    char name[LABELS_TEXT_MAX];
    char made[ACCOUNT_GENERATED_LEN + 1];
    enum err e = ERR_OK;

    if (t->account[0] != '\0')
        return copy_text(c, out, t->account);
    if (label_parse(name, a->label.text, a->label.len) == ERR_OK && label_is_account_name(name, strlen(name)) &&
        account_name_is_free(c->s, name))
        return copy_text(c, out, name);
    for (int i = 0; i < MAKING_ATTEMPTS; i++) {
        e = label_generate_account(made, c->d->random);
        if (e != ERR_OK)
            return e;
        if (account_name_is_free(c->s, made))
            return copy_text(c, out, made);
    }
    return ERR_CRYPTO; /* 2^39 names do not repeat: this is no generator */
}

/* An account as an administrator makes it: it does not count as registered by somebody without a token. */
static MUST_USE enum err find_or_make_account(struct deciding *c, const struct import_target *t,
                                              const struct import_account *a, uint32_t *id)
{
    struct effect_account row = {.id = state_last_account(c->s) + 1, .note = IMPORT_NOTE, .created_s = c->d->now_s};
    enum err e;

    if (t->account[0] != '\0' && !account_name_is_free(c->s, t->account)) {
        *id = state_account_by_name(c->s, t->account, strlen(t->account))->id;
        return ERR_OK;
    }
    *id = row.id;
    e = choose_account_name(c, t, a, &row.name);
    return e == ERR_OK ? emit_account(c, EFFECT_ACCOUNT_MADE, &row) : e;
}

static MUST_USE enum err make_name(struct deciding *c, const struct import_target *t, const struct name *owner,
                                   uint32_t account, uint32_t *id)
{
    struct effect_name *row = arena_alloc(&c->e->arena, sizeof *row);

    if (row == NULL)
        return ERR_MEMORY;
    *row = (struct effect_name){
        .id = state_last_name(c->s) + 1,
        .account = account,
        .zone = t->zone,
        .owner = *owner,
        .created_s = c->d->now_s,
    };
    *id = row->id;
    return emit_name(c, EFFECT_NAME_MADE, row);
}

static MUST_USE enum err make_credential(struct deciding *c, const struct import_account *a, uint32_t account,
                                         uint32_t name, uint32_t *id)
{
    struct effect_credential *row = arena_alloc(&c->e->arena, sizeof *row);
    uint32_t *names = arena_alloc(&c->e->arena, sizeof *names);
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    enum err e;

    if (row == NULL || names == NULL)
        return ERR_MEMORY;
    names[0] = name;
    *row = (struct effect_credential){
        .id = state_last_credential(c->s) + 1,
        .uuid = a->uuid,
        .account = account,
        .label = "",
        .actions = ACTION_ADD | ACTION_REMOVE | ACTION_READ,
        .kinds = VALUE_KIND_CHALLENGE,
        .n_networks = a->n_networks,
        .networks_invalid = a->networks_invalid,
        .created_s = c->d->now_s,
        .n_names = 1,
        .names = names,
    };
    *id = row->id;
    f.u.secret = (struct effect_secret){
        .id = state_last_secret(c->s) + 1,
        .credential = row->id,
        .kind = SECRET_BCRYPT,
        .len = (uint16_t)a->hash.len,
        .data = (const uint8_t *)arena_copy(&c->e->arena, a->hash.text, a->hash.len),
        .starts_s = c->d->now_s,
    };
    e = f.u.secret.data != NULL ? copy_nets(c, &row->networks, a->networks, a->n_networks) : ERR_MEMORY;
    if (e == ERR_OK)
        e = copy_text(c, &row->allowfrom, a->allowfrom);
    if (e == ERR_OK)
        e = emit_credential(c, EFFECT_CREDENTIAL_MADE, row);
    return e == ERR_OK ? emit(c, &f) : e;
}

static bool value_is_acceptable(const struct deciding *c, const struct import_text *v)
{
    size_t octets = value_octets(v->len + (v->len + 254) / 255);

    return value_is_challenge(v->text, v->len) ||
           (c->d->settings->values.accept == ACCEPT_TEXT && v->len > 0 && octets <= c->d->settings->values.budget);
}

/* Add one value, if there is room for it and it is not there. */
static MUST_USE enum err take_value(struct deciding *c, const struct import_text *v, uint32_t name,
                                    uint32_t credential, struct import_result *res)
{
    const struct value_settings *set = &c->d->settings->values;
    const struct value_set *vs = name_values(c->s, state_name(c->s, name));
    uint8_t *bytes = arena_alloc(&c->e->arena, v->len + v->len / 255 + 1);
    struct effect f = {.kind = EFFECT_CLAIM_ADDED};
    struct rdata rdata = {.bytes = bytes};

    if (bytes == NULL)
        return ERR_MEMORY;
    rdata.len = (uint16_t)value_encode_text(bytes, v->text, v->len);
    if (value_set_find(vs, rdata.bytes, rdata.len) != NULL) {
        res->values_doubled++;
        return ERR_OK;
    }
    f.u.claim = (struct effect_claim){
        .name = name,
        .credential = credential,
        .slot = value_set_free_slot(vs),
        .order = c->d->seq << CLAIM_ORDER_SHIFT | c->e->n_effects,
        .added_s = c->d->now_s,
        .expires_s = set->lifetime_s > 0 ? c->d->now_s + set->lifetime_s : 0,
        .network = {.family = ADDR_LOCAL},
        .door = DOOR_ACMEDNS,
        .rdata = rdata,
    };
    res->values_taken++;
    return emit(c, &f);
}

/* The newest ones that fit into an answer together, oldest first. */
static MUST_USE enum err take_values(struct deciding *c, const struct import_account *a, uint32_t name,
                                     uint32_t credential, struct import_result *res)
{
    size_t octets = 0;
    size_t first = a->n_values;
    enum err e = ERR_OK;

    while (first > 0) {
        const struct import_text *v = &a->values[first - 1];
        size_t more = value_is_acceptable(c, v) ? value_octets(v->len + (v->len + 254) / 255) : 0;
        if (octets + more > c->d->settings->values.budget)
            break;
        octets += more;
        first--;
    }
    res->values_refused = (unsigned)first;
    for (size_t i = first; i < a->n_values && e == ERR_OK; i++) {
        if (value_is_acceptable(c, &a->values[i]))
            e = take_value(c, &a->values[i], name, credential, res);
        else
            res->values_refused++;
    }
    return e;
}

enum err import_account(struct decide *d, const struct import_target *t, const struct import_account *a,
                        struct entry *e, struct import_result *res)
{
    struct request none = {.kind = REQUEST_REGISTER};
    struct result refusal = {.outcome = OUTCOME_DONE};
    struct deciding c = {.d = d, .s = d->state, .r = &none, .e = e, .res = &refusal};
    uint32_t account = 0, name = 0, credential = 0;
    struct name owner;
    enum err err;

    *res = (struct import_result){.outcome = IMPORT_DONE};
    if (state_credential_by_uuid(c.s, &a->uuid) != NULL) {
        res->outcome = IMPORT_PRESENT;
        return ERR_OK;
    }
    err = check(&c, t, a, &owner);
    if (err == ERR_OK && is_refused(&c)) {
        res->outcome = IMPORT_REFUSED;
        memcpy(res->detail, refusal.detail, sizeof res->detail);
        return ERR_OK;
    }
    if (err == ERR_OK)
        err = find_or_make_account(&c, t, a, &account);
    if (err == ERR_OK)
        err = make_name(&c, t, &owner, account, &name);
    if (err == ERR_OK)
        err = make_credential(&c, a, account, name, &credential);
    return err == ERR_OK ? take_values(&c, a, name, credential, res) : err;
}
