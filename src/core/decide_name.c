/* Names: made (or brought back), set, removed. */
#include <inttypes.h>
#include <string.h>

#include "core/authorize.h"
#include "core/decide_internal.h"
#include "core/domain.h"
#include "core/label.h"

#define GENERATE_ATTEMPTS 100

/* Normalised domains in the entry's arena. */
struct domain_list {
    size_t n, cap;
    const char **items;
};

static bool is_listed(const struct domain_list *list, const char *domain)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], domain) == 0)
            return true;
    return false;
}

bool read_domain(struct deciding *c, char out[DOMAIN_TEXT_MAX], const char *text)
{
    if (domain_normalise(out, text, strlen(text)) == ERR_OK)
        return true;
    hint(c, "a domain is written shop.example.com, *.example.com, or as A-labels (xn--...)");
    (void)refuse(c, REFUSAL_MALFORMED, "\"%s\" is not a domain that a certificate can be for",
                 show_printable(text, strlen(text)).text);
    return false;
}

/* The domains of `have`, less those to remove, plus those to add. May refuse. */
static MUST_USE enum err change_domains(struct deciding *c, struct domain_list *list, const struct name_entry *have)
{
    const struct request_name *req = &c->r->u.name;
    size_t before = have != NULL ? name_n_domains(have) : 0;
    struct domain_list removed = {0};
    char domain[DOMAIN_TEXT_MAX];
    enum err e = ERR_OK;

    *list = (struct domain_list){0};
    if (req->n_domains_add > DOMAINS_MAX || req->n_domains_remove > DOMAINS_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "more than %d domains at once", DOMAINS_MAX);
    list->items = arena_alloc(&c->e->arena, (before + req->n_domains_add + 1) * sizeof *list->items);
    removed.items = arena_alloc(&c->e->arena, (req->n_domains_remove + 1) * sizeof *removed.items);
    if (list->items == NULL || removed.items == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n_domains_remove && e == ERR_OK; i++) {
        if (!read_domain(c, domain, req->domains_remove[i]))
            return ERR_OK;
        e = copy_text(c, &removed.items[removed.n++], domain);
    }
    for (size_t i = 0; i < before && e == ERR_OK; i++)
        if (!is_listed(&removed, name_domain(have, i)))
            e = copy_text(c, &list->items[list->n++], name_domain(have, i));
    for (size_t i = 0; i < req->n_domains_add && e == ERR_OK; i++) {
        if (!read_domain(c, domain, req->domains_add[i]))
            return ERR_OK;
        if (!is_listed(list, domain))
            e = copy_text(c, &list->items[list->n++], domain);
    }
    if (e == ERR_OK && list->n > DOMAINS_MAX)
        return refuse(c, REFUSAL_QUOTA, "%zu domains at one name; at most %d are possible", list->n, DOMAINS_MAX);
    return e;
}

void refuse_standing(struct deciding *c, const struct name *owner, enum owner_standing standing,
                     const struct name_entry *by)
{
    struct shown wanted = show_wire(owner);

    switch (standing) {
    case OWNER_FREE:
        break;
    case OWNER_STATIC:
        hint(c, "choose another label, or take the record out of the zone's records");
        (void)refuse(c, REFUSAL_CONFLICT, "%s is, or is above or below, a static record of its zone", wanted.text);
        break;
    case OWNER_TAKEN:
        hint(c, "choose another label; a name belongs to one account, with everything below it");
        (void)refuse(c, REFUSAL_LABEL_TAKEN, "%s is not free: %s belongs to account %s", wanted.text,
                     show_name(c->s, by).text, show_account(c->s, name_account(by)).text);
        break;
    case OWNER_RETIRED:
        hint(c, "CNAMEs may still point at it; when that is known to be right: riposte name create --label ... "
                "--revive");
        (void)refuse(c, REFUSAL_LABEL_RETIRED, "%s is not free: %s of account %s was removed on %s", wanted.text,
                     show_name(c->s, by).text, show_account(c->s, name_account(by)).text,
                     show_time(name_retired_s(by)).text);
        break;
    }
}

bool read_owner(struct deciding *c, struct name *out, const char *label, const struct name *apex)
{
    char folded[LABELS_TEXT_MAX];

    if (label_parse(folded, label, strlen(label)) == ERR_OK &&
        name_parse_relative(out, folded, strlen(folded), apex) == ERR_OK)
        return true;
    hint(c, "one to %d labels of 1 to 63 letters, digits, hyphens and underscores, with dots between them",
         LABELS_MAX);
    (void)refuse(c, REFUSAL_BAD_LABEL, "\"%s\" cannot be the label of a name below %s",
                 show_printable(label, strlen(label)).text, show_wire(apex).text);
    return false;
}

/* An owner that nobody has, with a generated label. May refuse. */
static MUST_USE enum err generate_owner(struct deciding *c, struct name *out, const struct name *apex,
                                        uint32_t account)
{
    const struct name_entry *by;

    for (int i = 0; i < GENERATE_ATTEMPTS; i++) {
        char label[LABEL_GENERATED_LEN + 1];
        enum err e = label_generate(label, c->d->random);
        if (e != ERR_OK)
            return e;
        if (name_prepend(out, label, LABEL_GENERATED_LEN, apex) != ERR_OK)
            return refuse(c, REFUSAL_BAD_LABEL, "a label in front of %s makes the name too long",
                          show_wire(apex).text);
        if (owner_standing(c->s, out, account, &by) == OWNER_FREE)
            return ERR_OK;
    }
    hint(c, "choose one with --label");
    return refuse(c, REFUSAL_FULL, "no free label was found below %s", show_wire(apex).text);
}

/* The owner that the request asks for; *revived: its tombstone, or NULL. May refuse. */
static MUST_USE enum err choose_owner(struct deciding *c, struct name *out, const struct zone_state *zone,
                                      uint32_t account, const struct name_entry **revived)
{
    const struct request_name *req = &c->r->u.name;
    const struct name_entry *by;
    enum owner_standing standing;

    *revived = NULL;
    if (req->label == NULL)
        return generate_owner(c, out, &zone->spec.apex, account);
    if (!read_owner(c, out, req->label, &zone->spec.apex))
        return ERR_OK;
    standing = owner_standing(c->s, out, account, &by);
    if (standing == OWNER_RETIRED && req->revive && caller_is_local(c))
        standing = OWNER_FREE;
    refuse_standing(c, out, standing, by);
    if (standing == OWNER_FREE)
        *revived = state_name_by_owner(c->s, out);
    return ERR_OK;
}

/* Take a name out of the scope of all credentials of other accounts than its new one. */
static MUST_USE enum err end_scopes(struct deciding *c, uint32_t name, uint32_t account)
{
    for (uint32_t id = 1; id <= state_last_credential(c->s); id++) {
        const struct credential *cred = state_credential(c->s, id);
        struct effect_credential *row;
        uint32_t *names;
        size_t kept = 0;
        enum err e;
        for (size_t i = 0; cred != NULL && i < credential_n_names(cred); i++)
            kept += credential_names(cred)[i] != name ? 1u : 0u;
        if (cred == NULL || cred->account == account || kept == credential_n_names(cred))
            continue;
        row = row_of_credential(c, cred);
        names = arena_alloc(&c->e->arena, (kept + 1) * sizeof *names);
        if (row == NULL || names == NULL)
            return ERR_MEMORY;
        row->n_names = 0;
        for (size_t i = 0; i < credential_n_names(cred); i++)
            if (credential_names(cred)[i] != name)
                names[row->n_names++] = credential_names(cred)[i];
        row->names = names;
        e = emit_credential(c, EFFECT_CREDENTIAL_SET, row);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

enum err decide_name_create(struct deciding *c)
{
    const struct request_name *req = &c->r->u.name;
    struct effect_name *row = arena_alloc(&c->e->arena, sizeof *row);
    const struct name_entry *revived = NULL;
    struct domain_list domains = {0};
    struct zone_state *zone = NULL;
    struct account *a;
    enum err e;

    if (row == NULL)
        return ERR_MEMORY;
    e = find_account(c, req->account, &a);
    if (e == ERR_OK && !is_refused(c))
        e = find_zone(c, req->zone, &zone);
    if (e != ERR_OK || is_refused(c) || !space_is_left(c) || !account_has_room(c, a))
        return e;
    e = change_domains(c, &domains, NULL);
    if (e == ERR_OK && !is_refused(c))
        e = choose_owner(c, &row->owner, zone, a->id, &revived);
    if (e != ERR_OK || is_refused(c))
        return e;
    row->id = revived != NULL ? name_id(revived) : state_last_name(c->s) + 1;
    row->account = a->id;
    row->zone = zone->id;
    row->created_s = revived != NULL ? name_created_s(revived) : c->d->now_s;
    row->subtree = req->has_subtree && req->subtree;
    row->n_domains = domains.n;
    row->domains = domains.items;
    c->res->account = row->account;
    c->res->name = row->id;
    e = revived != NULL ? aliases_emit_ended(c, row->id) : ERR_OK; /* what it may still have had when it went */
    if (e == ERR_OK)
        e = emit_name(c, revived != NULL ? EFFECT_NAME_REVIVED : EFFECT_NAME_MADE, row);
    if (e == ERR_OK && revived != NULL)
        e = end_scopes(c, row->id, row->account);
    c->res->serial = state_zone(c->s, row->zone)->serial;
    return e;
}

/* True when n is in the same zone as owner and below it. */
static bool stands_below(const struct state *s, const struct name_entry *n, const struct name *owner)
{
    struct name own;

    name_owner(s, n, &own);
    return name_is_below(&own, owner);
}

/* A name moves with everything below it, and not away from what is above it; false: refused. */
static bool is_movable(struct deciding *c, const struct name_entry *n)
{
    const struct zone_state *zone = state_zone(c->s, name_zone(n));
    struct name above;

    name_owner(c->s, n, &above);
    for (name_strip(&above, &above, 1); name_is_below(&above, &zone->spec.apex); name_strip(&above, &above, 1)) {
        const struct name_entry *up = state_name_by_owner(c->s, &above);
        if (up == NULL || name_retired_s(up) != 0)
            continue;
        hint(c, "move %s, and everything below it goes along", show_name(c->s, up).text);
        (void)refuse(c, REFUSAL_CONFLICT, "%s is below %s, which belongs to account %s with everything below it",
                     show_name(c->s, n).text, show_name(c->s, up).text, show_account(c->s, name_account(up)).text);
        return false;
    }
    return true;
}

static MUST_USE enum err move_one(struct deciding *c, uint32_t name, uint32_t account)
{
    struct effect_name *row = row_of_name(c, state_name(c->s, name));
    enum err e;

    if (row == NULL)
        return ERR_MEMORY;
    row->account = account;
    e = emit_name(c, EFFECT_NAME_SET, row);
    return e == ERR_OK ? end_scopes(c, name, account) : e;
}

/* Move a name and everything below it. */
static MUST_USE enum err move(struct deciding *c, uint32_t name, uint32_t account)
{
    const struct name_entry *top = state_name(c->s, name);
    struct name owner;
    enum err e = move_one(c, name, account);

    name_owner(c->s, top, &owner);
    for (uint32_t id = 1; id <= state_last_name(c->s) && e == ERR_OK; id++) {
        const struct name_entry *n = state_name(c->s, id);
        if (n != NULL && name_account(n) != account && stands_below(c->s, n, &owner))
            e = move_one(c, id, account);
    }
    return e;
}

static bool has_same_domains(const struct name_entry *n, const struct domain_list *list)
{
    bool same = name_n_domains(n) == list->n;

    for (size_t i = 0; same && i < list->n; i++)
        same = strcmp(name_domain(n, i), list->items[i]) == 0;
    return same;
}

/* The new owner of a request, or the old one. *out is NULL when refused. */
static MUST_USE enum err find_new_account(struct deciding *c, const struct name_entry *n, struct account **out)
{
    const char *wanted = c->r->u.name.account;
    enum err e;

    *out = state_account(c->s, name_account(n));
    if (wanted == NULL)
        return ERR_OK;
    e = find_account(c, wanted, out);
    if (e != ERR_OK || is_refused(c) || (*out)->id == name_account(n))
        return e;
    if (is_movable(c, n))
        (void)account_has_room(c, *out);
    return ERR_OK;
}

enum err decide_name_set(struct deciding *c)
{
    const struct request_name *req = &c->r->u.name;
    struct domain_list domains = {0};
    struct alias_changes aliases;
    struct account *a = NULL;
    struct effect_name *row;
    struct name_entry *n;
    bool subtree;
    uint32_t name;
    enum err e = find_name(c, &req->name, &n);

    if (e == ERR_OK && !is_refused(c))
        e = find_new_account(c, n, &a);
    if (e == ERR_OK && !is_refused(c))
        e = change_domains(c, &domains, n);
    if (e == ERR_OK && !is_refused(c))
        e = aliases_read(c, &aliases, n);
    if (e != ERR_OK || is_refused(c))
        return e;
    name = name_id(n);
    subtree = req->has_subtree ? req->subtree : name_has_subtree(n);
    c->res->name = name;
    c->res->account = a != NULL ? a->id : name_account(n);
    if (!has_same_domains(n, &domains) || subtree != name_has_subtree(n)) {
        row = row_of_name(c, n);
        if (row == NULL)
            return ERR_MEMORY;
        row->subtree = subtree;
        row->n_domains = domains.n;
        row->domains = domains.items;
        e = emit_name(c, EFFECT_NAME_SET, row);
    }
    if (e == ERR_OK && c->res->account != name_account(state_name(c->s, name)))
        e = move(c, name, c->res->account);
    if (e == ERR_OK)
        e = aliases_emit(c, &aliases, name);
    return e;
}

enum err emit_retirement(struct deciding *c, uint32_t name)
{
    static const struct claim_filter everything = {.of = NULL, .pinned_too = true};
    enum err e = emit_claims_removed(c, name, &everything);
    struct effect_name *row;

    if (e == ERR_OK)
        e = aliases_emit_ended(c, name);
    if (e != ERR_OK)
        return e;
    row = row_of_name(c, state_name(c->s, name));
    if (row == NULL)
        return ERR_MEMORY;
    row->retired_s = c->d->now_s;
    return emit_name(c, EFFECT_NAME_RETIRED, row);
}

enum err decide_name_delete(struct deciding *c)
{
    const struct request_name *req = &c->r->u.name;
    struct name_entry *n;
    enum err e = find_name(c, &req->name, &n);

    if (e != ERR_OK || is_refused(c))
        return e;
    c->res->name = name_id(n);
    c->res->account = name_account(n);
    if (name_n_values(n) > 0 && !req->force) {
        hint(c, "wait until they have expired, or: riposte name delete %s --force", show_name(c->s, n).text);
        return refuse(c, REFUSAL_NAME_IN_USE, "%s has %u live value%s", show_name(c->s, n).text, name_n_values(n),
                      name_n_values(n) == 1 ? "" : "s");
    }
    e = emit_retirement(c, name_id(n));
    if (e == ERR_OK)
        c->res->serial = state_zone(c->s, name_zone(state_name(c->s, c->res->name)))->serial;
    return e;
}
