/* Aliases: domain names outside of our zones that stand for a name of ours.
 *
 * Each that is served is a zone of its own, so none may lie at, above or below another or a configured zone: then
 * an owner would be in two. The first label begins with "_", so that nobody's hosts come to lie in an alias by
 * mistake. An alias whose name DNS does not answer for any more (its zone is gone) stands in nobody's way. */
#include <string.h>

#include "core/decide_internal.h"

/* ---- reading ---- */

/* Letters, digits, hyphens and underscores. */
static bool is_plain(const struct name *fqdn)
{
    for (size_t at = 0; fqdn->b[at] != 0; at += 1u + fqdn->b[at]) {
        for (size_t i = at + 1; i <= at + fqdn->b[at]; i++) {
            uint8_t c = fqdn->b[i];

            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
                return false;
        }
    }
    return true;
}

/* Folded. False: refused. */
static bool read_fqdn(struct deciding *c, struct name *out, const char *text)
{
    size_t len;

    if (name_parse(out, text, strlen(text)) == ERR_OK) {
        name_fold(out);
        if (is_plain(out) && name_labels(out) >= 2 && name_first_label(out, &len)[0] == '_')
            return true;
    }
    hint(c, "an alias is a name whose first label begins with \"_\", such as _acme-challenge.shop.example.com");
    (void)refuse(c, REFUSAL_MALFORMED, "\"%s\" cannot be an alias", show_printable(text, strlen(text)).text);
    return false;
}

/* ---- who stands in the way ---- */

/* How a lies to b; NULL: neither at, nor above, nor below. */
static const char *relation(const struct name *a, const struct name *b)
{
    if (name_equal(a, b))
        return "at";
    if (name_is_below(a, b))
        return "below";
    return name_is_below(b, a) ? "above" : NULL;
}

/* False: refused. */
static bool zones_stay_clear(struct deciding *c, const struct name *fqdn)
{
    for (uint32_t id = 1; id <= state_last_zone(c->s); id++) {
        const struct zone_state *zone = state_zone(c->s, id);
        const char *how = zone != NULL && !zone->removed ? relation(fqdn, &zone->spec.apex) : NULL;

        if (how == NULL)
            continue;
        hint(c, "an alias lies outside of the zones; in them there are names: riposte name create --label ...");
        (void)refuse(c, REFUSAL_CONFLICT, "%s cannot be an alias: it is %s the zone %s", show_wire(fqdn).text, how,
                     show_wire(&zone->spec.apex).text);
        return false;
    }
    return true;
}

static bool is_in(const uint32_t *ids, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* What a request does to the aliases of a name, as far as it has been read. */
struct reading {
    const struct name_entry *name;
    struct alias_changes *out;
    size_t remaining; /* of the name's aliases, without those to be ended */
};

static MUST_USE enum err end_one(struct deciding *c, struct alias_changes *out, uint32_t id)
{
    uint32_t *grown;

    if (is_in(out->ended, out->n_ended, id))
        return ERR_OK;
    if (out->n_ended == out->cap_ended) {
        size_t cap = out->cap_ended > 0 ? out->cap_ended * 2 : 16;

        grown = arena_alloc(&c->e->arena, cap * sizeof *grown);
        if (grown == NULL)
            return ERR_MEMORY;
        if (out->n_ended > 0)
            memcpy(grown, out->ended, out->n_ended * sizeof *grown);
        out->ended = grown;
        out->cap_ended = cap;
    }
    out->ended[out->n_ended++] = id;
    return ERR_OK;
}

static void refuse_alias(struct deciding *c, const struct name *fqdn, const struct alias *by, const char *how)
{
    const struct name_entry *n = state_name(c->s, by->name);

    if (name_equal(fqdn, &by->fqdn)) {
        hint(c, "riposte name set %s --alias -%s", show_name(c->s, n).text, show_wire(fqdn).text);
        (void)refuse(c, REFUSAL_CONFLICT, "%s is an alias of %s of account %s already", show_wire(fqdn).text,
                     show_name(c->s, n).text, show_account(c->s, name_account(n)).text);
        return;
    }
    hint(c, "names below a name are served below its aliases too: riposte name create --label LABEL.NAME");
    (void)refuse(c, REFUSAL_CONFLICT, "%s is %s %s, an alias of %s of account %s", show_wire(fqdn).text, how,
                 show_wire(&by->fqdn).text, show_name(c->s, n).text, show_account(c->s, name_account(n)).text);
}

/* Aliases at, above or below fqdn, which is to be added. *is_there: it is an alias of the name already. May refuse.
 */
static MUST_USE enum err check_others(struct deciding *c, struct reading *rd, const struct name *fqdn,
                                      bool *is_there)
{
    enum err e = ERR_OK;

    *is_there = false;
    for (uint32_t id = 1; id <= state_last_alias(c->s) && e == ERR_OK && !is_refused(c); id++) {
        const struct alias *other = state_alias(c->s, id);
        const char *how = other != NULL ? relation(fqdn, &other->fqdn) : NULL;

        if (how == NULL || is_in(rd->out->ended, rd->out->n_ended, id))
            continue;
        if (other->name == name_id(rd->name) && name_equal(fqdn, &other->fqdn))
            *is_there = true;
        else if (name_is_live(c->s, state_name(c->s, other->name)))
            refuse_alias(c, fqdn, other, how);
        else
            e = end_one(c, rd->out, id);
    }
    return e;
}

/* The same among those that the request adds. */
static bool is_added(struct deciding *c, const struct alias_changes *out, const struct name *fqdn)
{
    for (size_t i = 0; i < out->n_made; i++) {
        const char *how = relation(fqdn, &out->made[i]);

        if (how == NULL)
            continue;
        if (!name_equal(fqdn, &out->made[i]))
            (void)refuse(c, REFUSAL_CONFLICT, "%s is %s %s, which the request adds too", show_wire(fqdn).text, how,
                         show_wire(&out->made[i]).text);
        return true;
    }
    return false;
}

/* ---- the request ---- */

static MUST_USE enum err read_removed(struct deciding *c, struct reading *rd)
{
    const struct request_name *req = &c->r->u.name;
    enum err e = ERR_OK;

    for (size_t i = 0; i < req->n_aliases_remove && e == ERR_OK; i++) {
        const struct alias *alias;
        struct name fqdn;

        if (!read_fqdn(c, &fqdn, req->aliases_remove[i]))
            return ERR_OK;
        alias = state_alias_at(c->s, &fqdn);
        if (alias != NULL && alias->name == name_id(rd->name))
            e = end_one(c, rd->out, alias->id);
    }
    return e;
}

static MUST_USE enum err read_added(struct deciding *c, struct reading *rd)
{
    const struct request_name *req = &c->r->u.name;
    struct alias_changes *out = rd->out;

    out->made = arena_alloc(&c->e->arena, (req->n_aliases_add + 1) * sizeof *out->made);
    if (out->made == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n_aliases_add; i++) {
        struct name fqdn;
        bool is_there;
        enum err e;

        if (!read_fqdn(c, &fqdn, req->aliases_add[i]) || !zones_stay_clear(c, &fqdn))
            return ERR_OK;
        e = check_others(c, rd, &fqdn, &is_there);
        if (e != ERR_OK || is_refused(c))
            return e;
        if (!is_there && !is_added(c, out, &fqdn))
            out->made[out->n_made++] = fqdn;
        if (is_refused(c))
            return ERR_OK;
    }
    return ERR_OK;
}

enum err aliases_read(struct deciding *c, struct alias_changes *out, const struct name_entry *n)
{
    const struct request_name *req = &c->r->u.name;
    struct reading rd = {.name = n, .out = out};
    enum err e;

    *out = (struct alias_changes){0};
    if (req->n_aliases_add == 0 && req->n_aliases_remove == 0)
        return ERR_OK;
    if (req->n_aliases_add > ALIASES_MAX || req->n_aliases_remove > ALIASES_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "more than %d aliases at once", ALIASES_MAX);
    e = read_removed(c, &rd);
    rd.remaining = state_aliases_of(c->s, name_id(n), NULL, 0) - out->n_ended;
    if (e == ERR_OK && !is_refused(c))
        e = read_added(c, &rd);
    if (e == ERR_OK && !is_refused(c) && rd.remaining + out->n_made > ALIASES_MAX) {
        hint(c, "make another name for some of them");
        return refuse(c, REFUSAL_QUOTA, "%zu aliases of %s; at most %d are possible", rd.remaining + out->n_made,
                      show_name(c->s, n).text, ALIASES_MAX);
    }
    return e;
}

/* ---- doing it ---- */

static MUST_USE enum err emit_alias(struct deciding *c, enum effect_kind kind, const struct effect_alias *alias)
{
    struct effect_alias *row = arena_alloc(&c->e->arena, sizeof *row);

    if (row == NULL)
        return ERR_MEMORY;
    *row = *alias;
    return emit(c, &(struct effect){.kind = kind, .u.alias = row});
}

static MUST_USE enum err emit_end(struct deciding *c, uint32_t id)
{
    const struct alias *a = state_alias(c->s, id);
    struct effect_alias row = {.id = a->id, .name = a->name, .fqdn = a->fqdn, .served = a->served};

    return emit_alias(c, EFFECT_ALIAS_ENDED, &row);
}

enum err aliases_emit(struct deciding *c, const struct alias_changes *changes, uint32_t name)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < changes->n_ended && e == ERR_OK; i++)
        e = emit_end(c, changes->ended[i]);
    for (size_t i = 0; i < changes->n_made && e == ERR_OK; i++) {
        struct effect_alias row = {
            .id = state_last_alias(c->s) + 1, .name = name, .fqdn = changes->made[i], .served = true};

        e = emit_alias(c, EFFECT_ALIAS_MADE, &row);
    }
    return e;
}

enum err aliases_emit_ended(struct deciding *c, uint32_t name)
{
    uint32_t ids[ALIASES_MAX];
    enum err e = ERR_OK;

    for (size_t n = ALIASES_MAX; n == ALIASES_MAX && e == ERR_OK;) {
        n = state_aliases_of(c->s, name, ids, ALIASES_MAX);
        n = n < ALIASES_MAX ? n : ALIASES_MAX;
        for (size_t i = 0; i < n && e == ERR_OK; i++)
            e = emit_end(c, ids[i]);
    }
    return e;
}

/* ---- the configuration ---- */

/* Whether DNS will answer for the name with these zones. */
static bool will_be_live(const struct deciding *c, const struct name_entry *n, const struct settings *set)
{
    const struct zone_state *zone = state_zone(c->s, name_zone(n));

    for (size_t i = 0; i < set->n_zones; i++)
        if (name_retired_s(n) == 0 && name_equal(&set->zones[i].apex, &zone->spec.apex))
            return true;
    return false;
}

bool aliases_stay_clear(struct deciding *c, const struct settings *set)
{
    for (uint32_t id = 1; id <= state_last_alias(c->s); id++) {
        const struct alias *a = state_alias(c->s, id);
        const struct name_entry *n = a != NULL ? state_name(c->s, a->name) : NULL;

        if (n == NULL || !will_be_live(c, n, set))
            continue;
        for (size_t i = 0; i < set->n_zones; i++) {
            const char *how = relation(&set->zones[i].apex, &a->fqdn);

            if (how == NULL)
                continue;
            hint(c, "take the zone out of zones, or end the alias: riposte name set %s --alias -%s",
                 show_name(c->s, n).text, show_wire(&a->fqdn).text);
            (void)refuse(c, REFUSAL_CONFLICT, "the zone %s is %s %s, an alias of %s of account %s",
                         show_wire(&set->zones[i].apex).text, how, show_wire(&a->fqdn).text,
                         show_name(c->s, n).text, show_account(c->s, name_account(n)).text);
            return false;
        }
    }
    return true;
}
