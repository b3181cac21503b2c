/* Values: adding with eviction, and removing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/authorize.h"
#include "core/decide_values.h"
#include "core/value_set.h"

#define VALUES_MAX     4096            /* of one request; a place in an order has 16 bits */
#define VALUE_TEXT_MAX ((size_t)65000) /* as character-strings still below 65536 octets */
#define LIFETIME_MAX_S ((int64_t)10 * 365 * 24 * 3600)
#define CLAIM_BITS_V4  32
#define CLAIM_BITS_V6  64

#define EVICTION_LOG_INTERVAL_MS 1000

static size_t budget(const struct deciding *c)
{
    return c->d->settings->values.budget;
}

/* Whether the text may be a value at all; false: refused. */
static bool text_is_acceptable(struct deciding *c, const struct value_text *v)
{
    if (c->d->settings->values.accept == ACCEPT_CHALLENGE && !v->pinned && !value_is_challenge(v->text, v->len)) {
        hint(c, "a challenge value is the %d base64url characters that the client computes (RFC 8555 section 8.4)",
             VALUE_CHALLENGE_LEN);
        (void)refuse(c, REFUSAL_NOT_A_CHALLENGE_VALUE, "\"%.60s\" (%zu octets) is not %d characters of base64url",
                     show_printable(v->text, v->len).text, v->len, VALUE_CHALLENGE_LEN);
    } else if (v->len == 0) {
        (void)refuse(c, REFUSAL_MALFORMED, "a value is empty");
    } else if (v->lifetime_s < -1 || v->lifetime_s > LIFETIME_MAX_S) {
        (void)refuse(c, REFUSAL_MALFORMED, "a lifetime of %" PRId64 " s is not possible", v->lifetime_s);
    } else if (v->len > VALUE_TEXT_MAX || value_octets(v->len + (v->len + 254) / 255) > budget(c)) {
        hint(c, "values.max-response bounds it");
        (void)refuse(c, REFUSAL_VALUE_TOO_LONG, "\"%.60s\" has %zu octets, more than the %zu that a name holds",
                     show_printable(v->text, v->len).text, v->len, budget(c));
    }
    return !is_refused(c);
}

static int64_t expiry_of(const struct deciding *c, const struct value_text *v)
{
    int64_t lifetime_s = v->lifetime_s >= 0 ? v->lifetime_s : c->d->settings->values.lifetime_s;

    return v->pinned || lifetime_s == 0 ? 0 : c->d->now_s + lifetime_s;
}

static MUST_USE enum err encode(struct deciding *c, struct rdata *out, const struct value_text *v)
{
    uint8_t *bytes = arena_alloc(&c->e->arena, v->len + v->len / 255 + 1);

    if (bytes == NULL)
        return ERR_MEMORY;
    out->len = (uint16_t)value_encode_text(bytes, v->text, v->len);
    out->bytes = bytes;
    return ERR_OK;
}

enum err wanted_read(struct deciding *c, struct wanted *out, const struct value_text *v)
{
    if (!text_is_acceptable(c, v))
        return ERR_OK;
    *out = (struct wanted){.expires_s = expiry_of(c, v), .pinned = v->pinned};
    return encode(c, &out->rdata, v);
}

void wanted_put(struct wanted_values *all, const struct wanted *w)
{
    for (size_t i = 0; i < all->n; i++) {
        struct wanted *have = &all->values[i];
        if (have->rdata.len == w->rdata.len && memcmp(have->rdata.bytes, w->rdata.bytes, w->rdata.len) == 0) {
            have->pinned = have->pinned || w->pinned;
            have->expires_s = have->pinned ? 0 : w->expires_s;
            return;
        }
    }
    all->values[all->n++] = *w;
}

/* Read all values of an addition. May refuse. */
static MUST_USE enum err read_values(struct deciding *c, struct wanted_values *all)
{
    const struct request_values *req = &c->r->u.values;

    all->n = 0;
    all->values = arena_alloc(&c->e->arena, req->n * sizeof *all->values);
    if (all->values == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n; i++) {
        struct wanted w;
        enum err e = wanted_read(c, &w, &req->values[i]);
        if (e != ERR_OK || is_refused(c))
            return e;
        wanted_put(all, &w);
    }
    return ERR_OK;
}

bool wanted_fit(struct deciding *c, const struct name_entry *n, const struct wanted_values *all)
{
    const struct value_set *vs = name_values(c->s, n);
    size_t pinned = value_set_pinned_octets(vs);
    size_t pinned_before = pinned;
    size_t others = 0;

    for (size_t i = 0; i < all->n; i++) {
        const struct wanted *w = &all->values[i];
        const struct value *v = pinned_before > 0 ? value_set_find(vs, w->rdata.bytes, w->rdata.len) : NULL;
        if (v != NULL && value_is_pinned(v))
            continue;
        if (w->pinned)
            pinned += value_octets(w->rdata.len);
        else
            others += value_octets(w->rdata.len);
    }
    if (pinned > pinned_before && pinned > budget(c) / 2) {
        hint(c, "riposte value unpin %s TEXT, or raise values.max-response", show_name(c->s, n).text);
        (void)refuse(c, all->n == 1 && pinned_before == 0 ? REFUSAL_VALUE_TOO_LONG : REFUSAL_QUOTA,
                     "%s would have %zu octets of pinned values, and half of its %zu may be pinned",
                     show_name(c->s, n).text, pinned, budget(c));
        return false;
    }
    if (others > 0 && pinned + others > budget(c)) {
        hint(c, "send fewer values at once, or raise values.max-response");
        (void)refuse(c, all->n == 1 ? REFUSAL_VALUE_TOO_LONG : REFUSAL_TOO_LARGE,
                     "the request has %zu octets of values; %s has room for %zu, of which %zu are pinned", others,
                     show_name(c->s, n).text, budget(c), pinned);
        return false;
    }
    return true;
}

enum err wanted_add(struct deciding *c, uint32_t name, const struct wanted *w, size_t place)
{
    const struct value_set *vs = name_values(c->s, state_name(c->s, name));
    const struct value *v = value_set_find(vs, w->rdata.bytes, w->rdata.len);
    uint32_t me = c->credential != NULL ? c->credential->id : CREDENTIAL_ADMIN;
    const struct claim *mine = v != NULL ? value_claim_of(v, me) : NULL;
    struct effect f = {.kind = mine != NULL ? EFFECT_CLAIM_RENEWED : EFFECT_CLAIM_ADDED};
    bool pinned = w->pinned || (mine != NULL && mine->pinned); /* a pinned claim ends by removal only */

    f.u.claim = (struct effect_claim){
        .name = name,
        .credential = me,
        .slot = mine != NULL ? mine->slot : value_set_free_slot(vs),
        .order = c->d->seq << CLAIM_ORDER_SHIFT | place,
        .added_s = c->d->now_s,
        .expires_s = pinned ? 0 : w->expires_s,
        .network = addr_prefix(&c->r->caller.client, CLAIM_BITS_V4, CLAIM_BITS_V6),
        .door = (uint8_t)c->r->caller.door,
        .pinned = pinned,
        .rdata = w->rdata,
    };
    if (mine != NULL)
        c->res->renewed++;
    else
        c->res->added++;
    return emit(c, &f);
}

static uint32_t account_of(const void *arg, uint32_t credential)
{
    const struct credential *cred = state_credential(arg, credential);

    return cred != NULL ? cred->account : ACCOUNT_ADMIN;
}

/* "web2 (infra)" of a claim's credential. */
static struct shown show_holder(const struct state *s, uint32_t credential)
{
    const struct credential *cred = state_credential(s, credential);
    char text[LABEL_MAX + ACCOUNT_NAME_MAX + UUID_TEXT_LEN];
    int len;

    if (cred == NULL || credential == CREDENTIAL_ADMIN)
        return show_account(s, ACCOUNT_ADMIN);
    len = snprintf(text, sizeof text, "%.63s (%.63s)", show_credential(cred).text,
                   show_account(s, cred->account).text);
    return show_printable(text, len > 0 ? (size_t)len : 0);
}

/* A certificate is about to fail because the budget is too small: somebody should know. */
static void warn_of_young_eviction(const struct deciding *c, const struct name_entry *n, const struct value *victim)
{
    uint32_t me = c->credential != NULL ? c->credential->id : CREDENTIAL_ADMIN;
    uint32_t holder = value_newest_claim(victim)->credential;

    uint64_t held_back = 0;

    if (c->d->eviction_log != NULL &&
        !log_limit_pass(c->d->eviction_log, c->d->mono_ms, EVICTION_LOG_INTERVAL_MS, &held_back))
        return;
    log_event(LOG_WARN, "young-value-evicted", log_str("name", show_name(c->s, n).text),
              log_str("held_by", show_holder(c->s, holder).text), log_str("added_by", show_holder(c->s, me).text),
              log_int("values", (int64_t)name_values(c->s, n)->n), log_int("budget", (int64_t)budget(c)),
              log_int("held_back", (int64_t)held_back),
              log_str("help", "raise values.max-response, or give these hosts names of their own"));
}

enum err values_evict(struct deciding *c, uint32_t name)
{
    static const struct claim_filter everybody = {.of = NULL, .pinned_too = false};

    for (;;) {
        const struct name_entry *n = state_name(c->s, name);
        struct eviction_rules rules = {
            .budget = budget(c),
            .old_before = c->d->old_before,
            .added_from = c->d->seq << CLAIM_ORDER_SHIFT,
            .account_of = account_of,
            .arg = c->s,
        };
        bool young = false;
        const struct value *victim = value_set_victim(name_values(c->s, n), &rules, &young);
        struct rdata rdata;
        enum err e;
        if (victim == NULL)
            return ERR_OK;
        if (young)
            warn_of_young_eviction(c, n, victim);
        c->res->evicted++;
        c->res->evicted_young += young ? 1u : 0u;
        e = copy_rdata(c, &rdata, victim);
        if (e == ERR_OK)
            e = emit_value_end(c, EFFECT_CLAIM_EVICTED, name, &rdata, &everybody);
        if (e != ERR_OK)
            return e;
    }
}

/* What both directions ask first. May refuse. */
static MUST_USE enum err find_values_name(struct deciding *c, enum action action, struct name_entry **out)
{
    const struct request_values *req = &c->r->u.values;
    enum err e;

    *out = NULL;
    if (req->malformed != NULL)
        return refuse(c, REFUSAL_MALFORMED, "%s", req->malformed);
    if (req->n > VALUES_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "%zu values in one request; at most %d are possible", req->n,
                      VALUES_MAX);
    e = find_name_in_scope(c, &req->name, out);
    if (e != ERR_OK || is_refused(c))
        return e;
    c->res->name = name_id((*out));
    if (action != ACTION_REMOVE || !caller_manages(c))
        (void)caller_may(c, action);
    return ERR_OK;
}

static void report_serial(struct deciding *c, const struct name_entry *n)
{
    c->res->serial = state_zone(c->s, name_zone(n))->serial;
}

enum err decide_value_add(struct deciding *c)
{
    const struct request_values *req = &c->r->u.values;
    struct wanted_values all;
    struct name_entry *n;
    uint32_t name;
    enum err e = find_values_name(c, ACTION_ADD, &n);

    if (e != ERR_OK || is_refused(c))
        return e;
    if (req->n == 0)
        return refuse(c, REFUSAL_MALFORMED, "the request has no value");
    for (size_t i = 0; i < req->n; i++)
        if (!caller_may_use(c, req->values[i].pinned ? VALUE_KIND_PINNED : VALUE_KIND_CHALLENGE))
            return ERR_OK;
    e = read_values(c, &all);
    if (e != ERR_OK || is_refused(c) || !wanted_fit(c, n, &all) || !change_is_within_rate(c))
        return e;
    name = name_id(n);
    e = state_begin_claims(c->s, name);
    for (size_t i = 0; i < all.n && e == ERR_OK; i++)
        e = wanted_add(c, name, &all.values[i], i);
    if (e == ERR_OK)
        e = values_evict(c, name);
    if (e == ERR_OK)
        report_serial(c, state_name(c->s, name));
    return e;
}

/* Which claims of a value the caller may end. */
static struct claim_filter own_reach(const struct deciding *c)
{
    const struct credential *own = c->credential != NULL ? c->credential : state_credential(c->s, CREDENTIAL_ADMIN);

    return (struct claim_filter){
        .of = caller_manages(c) && !c->r->u.values.mine ? NULL : own,
        .pinned_too = caller_manages(c) || (credential_kinds(own) & VALUE_KIND_PINNED) != 0,
    };
}

enum err removal_read(struct deciding *c, struct rdata *out, const struct value_text *v)
{
    if (v->len == 0)
        return refuse(c, REFUSAL_MALFORMED, "a value is empty");
    if (v->len > VALUE_TEXT_MAX)
        return refuse(c, REFUSAL_VALUE_TOO_LONG, "a value of %zu octets is not possible", v->len);
    return encode(c, out, v);
}

bool value_is_removable(struct deciding *c, const struct value *v, const struct claim_filter *reach)
{
    size_t within = 0, pinned = 0;

    for (size_t i = 0; i < v->n_claims; i++) {
        if (reach->of != NULL && v->claims[i].credential != reach->of->id)
            continue;
        within++;
        pinned += v->claims[i].pinned ? 1u : 0u;
    }
    if (within == 0) {
        hint(c, "%s can remove it, or a credential with the action manage",
             show_holder(c->s, value_newest_claim(v)->credential).text);
        (void)refuse(c, REFUSAL_NOT_YOUR_VALUE, "that value was added by %s, not by %s",
                     show_holder(c->s, value_newest_claim(v)->credential).text,
                     show_credential(c->credential).text);
        return false;
    }
    return pinned == 0 || reach->pinned_too || caller_may_use(c, VALUE_KIND_PINNED);
}

/* Read the values of a removal, and whether each may go. *all: those that are there. May refuse. */
static MUST_USE enum err read_removals(struct deciding *c, const struct name_entry *n,
                                       const struct claim_filter *reach, struct wanted_values *all)
{
    const struct request_values *req = &c->r->u.values;

    all->n = 0;
    all->values = arena_alloc(&c->e->arena, req->n * sizeof *all->values);
    if (all->values == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n; i++) {
        struct wanted w = {0};
        const struct value *v;
        enum err e = removal_read(c, &w.rdata, &req->values[i]);
        if (e != ERR_OK || is_refused(c))
            return e;
        v = value_set_find(name_values(c->s, n), w.rdata.bytes, w.rdata.len);
        if (v == NULL)
            continue;
        if (!value_is_removable(c, v, reach))
            return ERR_OK;
        wanted_put(all, &w);
    }
    return ERR_OK;
}

enum err decide_value_remove(struct deciding *c)
{
    const struct request_values *req = &c->r->u.values;
    struct wanted_values all = {0};
    struct claim_filter reach;
    struct name_entry *n;
    uint32_t name;
    enum err e = find_values_name(c, ACTION_REMOVE, &n);

    if (e != ERR_OK || is_refused(c))
        return e;
    if (req->n == 0 && !req->all)
        return refuse(c, REFUSAL_MALFORMED, "the request has no value");
    reach = own_reach(c);
    if (!req->all)
        e = read_removals(c, n, &reach, &all);
    if (e != ERR_OK || is_refused(c) || !change_is_within_rate(c))
        return e;
    name = name_id(n);
    e = state_begin_claims(c->s, name);
    if (req->all && e == ERR_OK)
        e = emit_claims_removed(c, name, &reach);
    for (size_t i = 0; i < all.n && e == ERR_OK; i++) {
        e = emit_value_end(c, EFFECT_CLAIM_REMOVED, name, &all.values[i].rdata, &reach);
        c->res->removed++;
    }
    if (e == ERR_OK)
        report_serial(c, state_name(c->s, name));
    return e;
}
