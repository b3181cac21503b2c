/* Finding what a request means: names by owner, label or domain, accounts, credentials, zones; and whether a new
 * name would stand in somebody's way. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "core/authorize.h"
#include "core/decide_internal.h"
#include "core/domain.h"
#include "core/viewer.h"

/* What a reference may mean; tried in this order until one of them finds something. */
enum meaning { MEANING_OWNER, MEANING_LABEL, MEANING_DOMAIN, MEANINGS };

/* The text of a reference, read once. */
struct meant {
    const struct name_ref *ref;
    struct name owner; /* at an alias, what that stands for; len 0: no domain name */
    char domain[DOMAIN_TEXT_MAX];
    size_t domain_len; /* 0: no domain */
};

/* A program names the owner of a record: that of a domain's challenge is one label below the domain. */
static bool is_challenge_owner(const struct name_ref *ref)
{
    static const char label[] = "_acme-challenge.";
    const size_t len = sizeof label - 1;

    return ref->len > len && text_equal_nocase(ref->text, len, label, len);
}

/* Whether a kind of reference can have that meaning at all. */
static bool may_mean(enum name_ref_kind kind, enum meaning meaning)
{
    static const bool meanings[][MEANINGS] = {
        [NAME_REF_OWNER] = {[MEANING_OWNER] = true},
        [NAME_REF_SUBDOMAIN] = {[MEANING_LABEL] = true},
        [NAME_REF_FQDN] = {[MEANING_OWNER] = true, [MEANING_DOMAIN] = true},
        [NAME_REF_ANY] = {[MEANING_OWNER] = true, [MEANING_LABEL] = true, [MEANING_DOMAIN] = true},
    };

    return meanings[kind][meaning];
}

static void meant_init(struct meant *m, const struct state *s, const struct name_ref *ref)
{
    struct name target;

    m->ref = ref;
    if (!may_mean(ref->kind, MEANING_OWNER) || name_parse(&m->owner, ref->text, ref->len) != ERR_OK)
        m->owner.len = 0;
    if (m->owner.len > 0 && state_alias_target(s, &m->owner, &target))
        m->owner = target;
    m->domain_len = 0;
    if (!may_mean(ref->kind, MEANING_DOMAIN) || (ref->kind == NAME_REF_FQDN && !is_challenge_owner(ref)))
        return;
    if (domain_normalise(m->domain, ref->text, ref->len) == ERR_OK)
        m->domain_len = strlen(m->domain);
}

bool name_is_live(const struct state *s, const struct name_entry *n)
{
    const struct zone_state *zone = state_zone(s, name_zone(n));

    return name_retired_s(n) == 0 && zone != NULL && !zone->removed;
}

/* The owner without its zone, labels with dots between them. Returns the length. */
static size_t relative_text(const struct state *s, const struct name_entry *n, char out[NAME_MAX_LEN])
{
    struct name owner;
    size_t end, len = 0;

    name_owner(s, n, &owner);
    end = (size_t)owner.len - state_zone(s, name_zone(n))->spec.apex.len;
    for (size_t i = 0; i < end; i += 1u + owner.b[i]) {
        if (len > 0)
            out[len++] = '.';
        memcpy(out + len, owner.b + i + 1, owner.b[i]);
        len += owner.b[i];
    }
    return len;
}

/* acme-dns: byte for byte. */
static bool is_subdomain(const struct state *s, const struct name_entry *n, const struct name_ref *ref)
{
    char text[NAME_MAX_LEN];
    size_t len = relative_text(s, n, text);

    return len == ref->len && memcmp(text, ref->text, len) == 0;
}

static bool has_domain(const struct name_entry *n, const struct meant *m)
{
    for (size_t i = 0; m->domain_len > 0 && i < name_n_domains(n); i++)
        if (strcmp(name_domain(n, i), m->domain) == 0)
            return true;
    return false;
}

static bool is_meant(const struct state *s, const struct name_entry *n, const struct meant *m, enum meaning meaning)
{
    struct name owner;
    char text[NAME_MAX_LEN];
    size_t len;

    if (!may_mean(m->ref->kind, meaning))
        return false;
    if (m->ref->kind == NAME_REF_SUBDOMAIN)
        return is_subdomain(s, n, m->ref);
    switch (meaning) {
    case MEANING_OWNER:
        name_owner(s, n, &owner);
        return m->owner.len > 0 && name_equal(&m->owner, &owner);
    case MEANING_LABEL:
        len = relative_text(s, n, text);
        return text_equal_nocase(text, len, m->ref->text, m->ref->len);
    case MEANING_DOMAIN:
    case MEANINGS:
        break;
    }
    return has_domain(n, m);
}

/* What was found so far: the first one, and how many. */
struct found {
    struct name_entry *name, *second;
    size_t n;
};

static void found_add(struct found *f, struct name_entry *n)
{
    if (f->name == n || f->second == n)
        return;
    if (f->n == 0)
        f->name = n;
    else if (f->n == 1)
        f->second = n;
    f->n++;
}

static enum err refuse_ambiguous(struct deciding *c, const struct name_ref *ref, const struct found *f)
{
    hint(c, "say which one by its whole name: %s", show_name(c->s, f->name).text);
    return refuse(c, REFUSAL_CONFLICT, "\"%s\" means %zu names, such as %s and %s",
                  show_printable(ref->text, ref->len).text, f->n, show_name(c->s, f->name).text,
                  show_name(c->s, f->second).text);
}

static void search_by_label(const struct state *s, const struct meant *m, struct found *f)
{
    for (uint32_t id = 1; id <= state_last_zone(s); id++) {
        const struct zone_state *zone = state_zone(s, id);
        struct name owner;
        if (zone == NULL || zone->removed ||
            name_parse_relative(&owner, m->ref->text, m->ref->len, &zone->spec.apex) != ERR_OK)
            continue;
        struct name_entry *n = state_name_by_owner(s, &owner);
        if (n != NULL && is_meant(s, n, m, MEANING_LABEL))
            found_add(f, n);
    }
}

static void search_by_domain(const struct state *s, const struct meant *m, struct found *f)
{
    uint32_t ids[2];
    size_t n = state_names_by_domain(s, m->domain, m->domain_len, ids, ARRAY_LEN(ids));

    for (size_t i = 0; i < n && i < ARRAY_LEN(ids); i++)
        found_add(f, state_name(s, ids[i]));
    f->n = n;
}

static void search(const struct state *s, const struct meant *m, enum meaning meaning, struct found *f)
{
    struct name_entry *n;

    switch (meaning) {
    case MEANING_OWNER:
        n = m->owner.len > 0 ? state_name_by_owner(s, &m->owner) : NULL;
        if (n != NULL)
            found_add(f, n);
        break;
    case MEANING_LABEL:
        if (may_mean(m->ref->kind, MEANING_LABEL))
            search_by_label(s, m, f);
        break;
    case MEANING_DOMAIN:
        if (m->domain_len > 0)
            search_by_domain(s, m, f);
        break;
    case MEANINGS:
        break;
    }
}

enum err find_name(struct deciding *c, const struct name_ref *ref, struct name_entry **out)
{
    struct found f = {0};
    struct meant m;

    *out = NULL;
    meant_init(&m, c->s, ref);
    for (enum meaning meaning = MEANING_OWNER; meaning < MEANINGS && f.n == 0; meaning++)
        search(c->s, &m, meaning, &f);
    if (f.n > 1)
        return refuse_ambiguous(c, ref, &f);
    if (f.n == 0) {
        hint(c, "riposte name list shows all names");
        return refuse(c, REFUSAL_NOT_FOUND, "there is no name \"%s\"", show_printable(ref->text, ref->len).text);
    }
    if (name_retired_s(f.name) != 0) {
        hint(c, "riposte name create with --label and --revive brings it back");
        return refuse(c, REFUSAL_NOT_FOUND, "the name %s was removed on %s", show_name(c->s, f.name).text,
                      show_time(name_retired_s(f.name)).text);
    }
    if (!name_is_live(c->s, f.name)) {
        hint(c, "put its zone back into zones, and reload");
        return refuse(c, REFUSAL_NOT_FOUND, "the zone of %s is not configured any more",
                      show_name(c->s, f.name).text);
    }
    *out = f.name;
    return ERR_OK;
}

struct name_entry *name_within(const struct state *s, const struct credential *cred, uint32_t id)
{
    struct name_entry *n = state_name(s, id);

    if (n == NULL || !name_is_live(s, n))
        return NULL;
    return name_account(n) == cred->account || state_is_granted(s, id, cred->account) ? n : NULL;
}

bool name_in_subtree(const struct state *s, const struct credential *cred, const struct name_entry *n)
{
    const struct zone_state *zone = state_zone(s, name_zone(n));
    struct name above;

    name_owner(s, n, &above);
    for (name_strip(&above, &above, 1); name_is_below(&above, &zone->spec.apex); name_strip(&above, &above, 1)) {
        const struct name_entry *up = state_name_by_owner(s, &above);

        if (up != NULL && name_has_subtree(up) && name_account(up) == name_account(n) &&
            has_in_scope(cred, name_id(up)) && name_within(s, cred, name_id(up)) != NULL)
            return true;
    }
    return false;
}

/* The text of a reference without final dots, which would end the sentence. */
static struct shown show_ref(const struct name_ref *ref)
{
    size_t len = ref->len;

    while (len > 0 && ref->text[len - 1] == '.')
        len--;
    return show_printable(ref->text, len);
}

/* Whether a name of the caller's account has the domain. What others have is nothing that it may learn. */
static bool account_has_domain(const struct deciding *c, const struct meant *m)
{
    uint32_t ids[16];
    size_t n = state_names_by_domain(c->s, m->domain, m->domain_len, ids, ARRAY_LEN(ids));

    for (size_t i = 0; i < n && i < ARRAY_LEN(ids); i++)
        if (name_account(state_name(c->s, ids[i])) == c->credential->account)
            return true;
    return false;
}

/* What brings the name that was asked for into the scope: for a domain that no name has, the name that is meant has
 * to say that it is for it; only names that are there can be added. */
static void hint_scope(struct deciding *c, const struct meant *m, const struct name_entry *only)
{
    const struct credential *cred = c->credential;

    if (m->ref->kind == NAME_REF_FQDN && m->domain_len > 0 && !account_has_domain(c, m))
        hint(c, "riposte name set %s --domain +%s", only != NULL ? show_name(c->s, only).text : "NAME", m->domain);
    else
        hint(c, "riposte credential set %s --names +%.100s", show_uuid(&cred->uuid).text, show_ref(m->ref).text);
}

static enum err refuse_out_of_scope(struct deciding *c, const struct meant *m)
{
    const struct credential *cred = c->credential;
    const struct name_entry *first = NULL;
    struct shown asked = show_ref(m->ref);
    size_t more = 0;

    for (size_t i = 0; i < credential_n_names(cred); i++) {
        const struct name_entry *n = name_within(c->s, cred, credential_names(cred)[i]);
        if (n == NULL)
            continue;
        if (first == NULL)
            first = n;
        else
            more++;
    }
    hint_scope(c, m, more == 0 ? first : NULL);
    if (first == NULL)
        return refuse(c, REFUSAL_NAME_NOT_IN_SCOPE, "%s may change no name any more; the request is for %s",
                      show_credential(cred).text, asked.text);
    if (more == 0)
        return refuse(c, REFUSAL_NAME_NOT_IN_SCOPE, "%s may change %s; the request is for %s",
                      show_credential(cred).text, show_name(c->s, first).text, asked.text);
    return refuse(c, REFUSAL_NAME_NOT_IN_SCOPE, "%s may change %s and %zu more; the request is for %s",
                  show_credential(cred).text, show_name(c->s, first).text, more, asked.text);
}

/* The name with the owner that is meant, when it is below one that the credential lists with all that is below it.
 * NULL: none. */
static struct name_entry *find_in_subtree(const struct deciding *c, const struct meant *m)
{
    struct name_entry *n = m->owner.len > 0 ? state_name_by_owner(c->s, &m->owner) : NULL;

    return n != NULL && name_is_live(c->s, n) && name_in_subtree(c->s, c->credential, n) ? n : NULL;
}

enum err find_name_in_scope(struct deciding *c, const struct name_ref *ref, struct name_entry **out)
{
    const struct credential *cred = c->credential;
    struct name_entry *n_below;
    struct found f = {0};
    struct meant m;

    if (caller_administers(c))
        return find_name(c, ref, out);
    *out = NULL;
    meant_init(&m, c->s, ref);
    for (enum meaning meaning = MEANING_OWNER; meaning < MEANINGS && f.n == 0; meaning++) {
        for (size_t i = 0; i < credential_n_names(cred); i++) {
            struct name_entry *n = name_within(c->s, cred, credential_names(cred)[i]);
            if (n != NULL && is_meant(c->s, n, &m, meaning))
                found_add(&f, n);
        }
        n_below = meaning == MEANING_OWNER && f.n == 0 ? find_in_subtree(c, &m) : NULL;
        if (n_below != NULL)
            found_add(&f, n_below);
    }
    if (f.n > 1)
        return refuse_ambiguous(c, ref, &f);
    if (f.n == 0)
        return refuse_out_of_scope(c, &m);
    *out = f.name;
    return ERR_OK;
}

enum err find_account(struct deciding *c, const char *name, struct account **out)
{
    struct account *a = name != NULL ? state_account_by_name(c->s, name, strlen(name)) : NULL;

    *out = NULL;
    if (name == NULL) {
        hint(c, "say which account; riposte account list shows them");
        return refuse(c, REFUSAL_MALFORMED, "the request names no account");
    }
    if (a == NULL) {
        hint(c, "riposte account list shows all accounts; riposte account create makes one");
        return refuse(c, REFUSAL_NOT_FOUND, "there is no account \"%s\"", show_printable(name, strlen(name)).text);
    }
    if (a->deleted_s != 0)
        return refuse(c, REFUSAL_NOT_FOUND, "account %s was deleted on %s", a->name, show_time(a->deleted_s).text);
    *out = a;
    return ERR_OK;
}

bool has_in_scope(const struct credential *cred, uint32_t name)
{
    for (size_t i = 0; i < credential_n_names(cred); i++)
        if (credential_names(cred)[i] == name)
            return true;
    return false;
}

bool is_caller(const struct deciding *c, const struct credential *cred)
{
    return c->credential != NULL && c->credential->id == cred->id;
}

const struct credential *find_labelled(const struct state *s, const char *label, uint32_t name)
{
    for (uint32_t id = 1; id <= state_last_credential(s); id++) {
        const struct credential *cred = state_credential(s, id);
        if (cred != NULL && credential_revoked_s(cred) == 0 && strcmp(credential_label(cred), label) == 0 &&
            has_in_scope(cred, name))
            return cred;
    }
    return NULL;
}

/* The caller's viewer: the rule of who sees what is core/viewer.h's. */
static bool caller_sees(const struct deciding *c, const struct credential *cred)
{
    const struct viewer v = {.sees_all = caller_administers(c), .credential = c->credential};

    return viewer_sees_credential(&v, c->s, cred);
}

enum err find_credential(struct deciding *c, const struct credential_ref *ref, const struct credential **out)
{
    struct name_entry *n;
    struct uuid uuid;
    enum err e;

    *out = NULL;
    if (ref->text == NULL)
        return refuse(c, REFUSAL_MALFORMED, "the request names no credential");
    if (uuid_parse(&uuid, ref->text, strlen(ref->text)) == ERR_OK) {
        *out = state_credential_by_uuid(c->s, &uuid);
        if (*out == NULL || !caller_sees(c, *out)) {
            *out = NULL;
            hint(c, "riposte credential list shows all credentials");
            return refuse(c, REFUSAL_NOT_FOUND, "there is no credential %s", show_uuid(&uuid).text);
        }
        return ERR_OK;
    }
    if (ref->name.text == NULL) {
        hint(c, "name it by its id, or add --name with the name that it is for");
        return refuse(c, REFUSAL_NOT_FOUND, "\"%s\" is a label, and the request does not say at which name",
                      show_printable(ref->text, strlen(ref->text)).text);
    }
    e = find_name_in_scope(c, &ref->name, &n);
    if (e != ERR_OK || is_refused(c))
        return e;
    *out = find_labelled(c->s, ref->text, name_id(n));
    if (*out == NULL || !caller_sees(c, *out)) {
        *out = NULL;
        hint(c, "riposte credential list --name %s", show_name(c->s, n).text);
        return refuse(c, REFUSAL_NOT_FOUND, "no credential of %s has the label \"%s\"", show_name(c->s, n).text,
                      show_printable(ref->text, strlen(ref->text)).text);
    }
    return ERR_OK;
}

enum err find_zone(struct deciding *c, const char *apex, struct zone_state **out)
{
    const struct settings *settings = c->d->settings;
    struct name parsed;

    *out = NULL;
    if (apex != NULL && name_parse(&parsed, apex, strlen(apex)) == ERR_OK) {
        name_fold(&parsed);
        *out = state_zone_by_apex(c->s, &parsed);
    } else if (apex == NULL && settings->n_zones > 0) {
        *out = state_zone_by_apex(c->s, &settings->zones[0].apex);
    }
    if (*out == NULL || (*out)->removed) {
        *out = NULL;
        hint(c, "riposte status lists the zones");
        return refuse(c, REFUSAL_NOT_FOUND, "there is no zone \"%s\"",
                      apex != NULL ? show_printable(apex, strlen(apex)).text : "of the configuration");
    }
    return ERR_OK;
}

/* Keep the worse of two standings. */
static void stand(enum owner_standing *standing, const struct name_entry **by, const struct name_entry *n)
{
    enum owner_standing of_n = name_retired_s(n) == 0 ? OWNER_TAKEN : OWNER_RETIRED;

    if (*standing == OWNER_TAKEN || *standing == of_n)
        return;
    *standing = of_n;
    *by = n;
}

/* The standing by the owner itself and by what is above it. */
static enum owner_standing stand_upwards(const struct state *s, const struct name *owner, uint32_t account,
                                         const struct name_entry **by)
{
    const struct zone_state *zone = state_zone_of(s, owner);
    enum owner_standing standing = OWNER_FREE;
    const struct name_entry *n = state_name_by_owner(s, owner);
    struct name above;

    *by = NULL;
    if (n != NULL)
        stand(&standing, by, n);
    for (name_strip(&above, owner, 1); zone != NULL && name_is_below(&above, &zone->spec.apex);
         name_strip(&above, &above, 1)) {
        n = state_name_by_owner(s, &above);
        if (n != NULL && name_account(n) != account)
            stand(&standing, by, n);
    }
    return standing;
}

/* Static records count for more than a tombstone. */
static enum owner_standing stand_beside_static(const struct state *s, const struct name *owner,
                                               enum owner_standing standing, const struct name_entry **by)
{
    if (standing == OWNER_TAKEN || !state_static_conflicts(s, owner))
        return standing;
    *by = NULL;
    return OWNER_STATIC;
}

enum owner_standing owner_standing_upwards(const struct state *s, const struct name *owner, uint32_t account,
                                           const struct name_entry **by)
{
    return stand_beside_static(s, owner, stand_upwards(s, owner, account, by), by);
}

enum owner_standing owner_standing(const struct state *s, const struct name *owner, uint32_t account,
                                   const struct name_entry **by)
{
    enum owner_standing standing = stand_upwards(s, owner, account, by);

    for (uint32_t id = 1; id <= state_last_name(s); id++) {
        const struct name_entry *n = state_name(s, id);
        struct name other;

        if (n == NULL || name_account(n) == account)
            continue;
        name_owner(s, n, &other);
        if (name_is_below(&other, owner))
            stand(&standing, by, n);
    }
    return stand_beside_static(s, owner, standing, by);
}
