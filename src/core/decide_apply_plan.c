/* What has to be done with one account of a REQUEST_APPLY and its names: the differences between what is there and
 * what is asked for, as steps of the plan with the rows that carry them out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide_apply_internal.h"

/* ---- the account ---- */

static const char *yes_or_no(bool flag)
{
    return flag ? "yes" : "no";
}

struct limit_text {
    char text[16];
};

static struct limit_text show_limit(uint32_t names_max)
{
    struct limit_text t = {.text = "default"};

    if (names_max != 0)
        (void)snprintf(t.text, sizeof t.text, "%" PRIu32, names_max);
    return t;
}

static MUST_USE enum err say_account(struct applying *a, struct deed *deed, const struct request_account *req,
                                     const struct account *there)
{
    struct account nothing = {0};
    const struct account *was = there != NULL ? there : &nothing;
    const char *note = was->note != NULL ? was->note : "";
    const char *wanted = req->note != NULL ? req->note : "";
    enum err e = ERR_OK;

    if (req->has_note && strcmp(note, wanted) != 0)
        e = apply_say(a, deed, "note", note, wanted);
    if (e == ERR_OK && req->has_disabled && was->disabled != req->disabled)
        e = apply_say(a, deed, "disabled", yes_or_no(was->disabled), yes_or_no(req->disabled));
    if (e == ERR_OK && req->has_names_max && was->names_max != req->names_max)
        e = apply_say(a, deed, "limits.names", show_limit(was->names_max).text, show_limit(req->names_max).text);
    return e;
}

static MUST_USE enum err plan_account_itself(struct applying *a, const struct planned_account *account)
{
    const struct request_account *req = &account->req->account;
    struct effect_account made = {.id = account->id, .note = "", .created_s = a->c->d->now_s};
    struct effect_account *row = &made;
    struct deed *deed;
    enum err e;

    if (!note_is_acceptable(a->c, req->has_note ? req->note : NULL))
        return ERR_OK;
    if (account->there != NULL && account_is_same(account->there, req)) {
        a->plan->unchanged++;
        return ERR_OK;
    }
    e = apply_add_step(a, account->there != NULL ? APPLY_CHANGE : APPLY_CREATE, APPLY_ACCOUNT, account, &deed);
    if (e == ERR_OK && account->there != NULL)
        row = row_of_account(a->c, account->there);
    else if (e == ERR_OK)
        e = copy_text(a->c, &made.name, req->name);
    if (e != ERR_OK || row == NULL)
        return ERR_MEMORY;
    e = account_change_row(a->c, req, row);
    deed->effect = (struct effect){.kind = account->there != NULL ? EFFECT_ACCOUNT_SET : EFFECT_ACCOUNT_MADE,
                                   .u.account = *row};
    return e == ERR_OK ? say_account(a, deed, req, account->there) : e;
}

/* ---- names ---- */

static bool has_domain(const char *const *domains, size_t n, const char *domain)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(domains[i], domain) == 0)
            return true;
    return false;
}

/* The domains of the request as they are kept, in the plan's memory; may refuse. */
static MUST_USE enum err read_domains(struct applying *a, const struct planned_name *n, const char ***out,
                                      size_t *n_out)
{
    char domain[DOMAIN_TEXT_MAX];

    *n_out = 0;
    if (n->req->n_domains_add > DOMAINS_MAX)
        return refuse(a->c, REFUSAL_TOO_LARGE, "%zu domains; at most %d are possible at one name",
                      n->req->n_domains_add, DOMAINS_MAX);
    *out = arena_alloc(&a->plan->arena, (n->req->n_domains_add + 1) * sizeof **out);
    if (*out == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n->req->n_domains_add; i++) {
        if (!read_domain(a->c, domain, n->req->domains_add[i]))
            return ERR_OK;
        if (has_domain(*out, *n_out, domain))
            continue;
        (*out)[*n_out] = arena_copy(&a->plan->arena, domain, strlen(domain));
        if ((*out)[(*n_out)++] == NULL)
            return ERR_MEMORY;
    }
    return ERR_OK;
}

static MUST_USE enum err say_domains(struct applying *a, struct deed *deed, const struct effect_name *was,
                                     const char *const *domains, size_t n)
{
    struct apply_list from = {0}, to = {0};
    const char **come = arena_alloc(&a->plan->arena, (n + 1) * sizeof *come);

    if (come == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < was->n_domains; i++)
        apply_list_add(&from, was->domains[i]);
    for (size_t i = 0; i < n; i++) {
        apply_list_add(&to, domains[i]);
        if (!has_domain(was->domains, was->n_domains, domains[i]))
            come[deed->step->n_domains++] = domains[i];
    }
    deed->step->domains = come;
    return apply_say(a, deed, "domains", apply_list_end(&from, "none"), apply_list_end(&to, "none"));
}

/* Domains for the entry: what was read for the plan is gone with the plan. */
static MUST_USE enum err put_domains(struct applying *a, struct effect_name *row, const char *const *domains,
                                     size_t n)
{
    const char **copies = apply_alloc(a, n, sizeof *copies);
    enum err e = copies != NULL ? ERR_OK : ERR_MEMORY;

    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = copy_text(a->c, &copies[i], domains[i]);
    row->n_domains = n;
    row->domains = copies;
    return e;
}

static bool has_same_domains(const struct name_entry *there, const char *const *domains, size_t n)
{
    size_t have = there != NULL ? name_n_domains(there) : 0;
    bool same = have == n;

    for (size_t i = 0; same && i < have; i++)
        same = has_domain(domains, n, name_domain(there, i));
    return same;
}

/* A name that is to be made stands in nobody's way; false: refused. */
static bool owner_is_free(struct applying *a, const struct planned_name *n)
{
    const struct name_entry *by;
    enum owner_standing standing = owner_standing_upwards(a->c->s, &n->owner, a->accounts[n->account].id, &by);

    if (n->below != NULL && standing != OWNER_TAKEN && (standing == OWNER_FREE || name_retired_s(n->below) == 0)) {
        standing = name_retired_s(n->below) == 0 ? OWNER_TAKEN : OWNER_RETIRED;
        by = n->below;
    }
    refuse_standing(a->c, &n->owner, standing, by);
    return standing == OWNER_FREE;
}

/* The row of a name as it is, or as nothing has been said of it. */
static struct effect_name *row_of_planned(struct applying *a, const struct planned_name *n)
{
    struct effect_name *row = n->there != NULL ? row_of_name(a->c, n->there) : apply_alloc(a, 1, sizeof *row);

    if (row == NULL || n->there != NULL)
        return row;
    row->id = n->id;
    row->account = a->accounts[n->account].id;
    row->zone = n->zone->id;
    row->owner = n->owner;
    row->created_s = a->c->d->now_s;
    return row;
}

static MUST_USE enum err plan_name(struct applying *a, const struct planned_account *account,
                                   const struct planned_name *n)
{
    bool is_new = n->there == NULL, has_other_domains, has_other_subtree;
    bool subtree = n->there != NULL && name_has_subtree(n->there);
    struct effect_name *row;
    const char **domains = NULL;
    size_t n_domains = 0;
    struct deed *deed;
    enum err e;

    if (is_new && (!space_is_left(a->c) || !owner_is_free(a, n)))
        return ERR_OK;
    e = read_domains(a, n, &domains, &n_domains);
    if (e != ERR_OK || is_refused(a->c))
        return e;
    has_other_domains = n->req->has_domains && !has_same_domains(n->there, domains, n_domains);
    has_other_subtree = n->req->has_subtree && n->req->subtree != subtree;
    if (!is_new && !has_other_domains && !has_other_subtree) {
        a->plan->unchanged++;
        return ERR_OK;
    }
    row = row_of_planned(a, n);
    e = row != NULL ? apply_add_step(a, is_new ? APPLY_CREATE : APPLY_CHANGE, APPLY_NAME, account, &deed)
                    : ERR_MEMORY;
    if (e != ERR_OK)
        return e;
    deed->step->name = n->text;
    deed->effect = (struct effect){.kind = is_new ? EFFECT_NAME_MADE : EFFECT_NAME_SET, .u.name = row};
    if (has_other_domains)
        e = say_domains(a, deed, row, domains, n_domains);
    if (e == ERR_OK && has_other_domains)
        e = put_domains(a, row, domains, n_domains);
    if (e == ERR_OK && has_other_subtree)
        e = apply_say(a, deed, "subtree", yes_or_no(subtree), yes_or_no(n->req->subtree));
    if (has_other_subtree)
        row->subtree = n->req->subtree;
    return e;
}

/* ---- what is not declared ---- */

static MUST_USE enum err prune_name(struct applying *a, struct planned_account *account, const struct name_entry *n)
{
    char text[NAME_TEXT_MAX];
    struct name owner;
    struct deed *deed;
    enum err e;

    if (name_n_values(n) > 0 && !a->req->force) {
        hint(a->c, "wait until they have expired, leave the name in the file, or add --force (?force=1)");
        return refuse(a->c, REFUSAL_NAME_IN_USE, "%s is not in the file and has %u live value%s",
                      show_name(a->c->s, n).text, name_n_values(n), name_n_values(n) == 1 ? "" : "s");
    }
    e = apply_add_step(a, APPLY_RETIRE, APPLY_NAME, account, &deed);
    if (e != ERR_OK)
        return e;
    account->gone++;
    deed->id = name_id(n);
    deed->step->values = name_n_values(n);
    name_owner(a->c->s, n, &owner);
    (void)name_format(&owner, text);
    deed->step->name = arena_copy(&a->plan->arena, text, strlen(text));
    a->room += sizeof(struct effect_name) + (size_t)name_octets(n) * 2 + name_n_values(n) * sizeof(struct rdata);
    a->room += state_aliases_of(a->c->s, name_id(n), NULL, 0) * sizeof(struct effect_alias);
    for (size_t i = 0; i < name_n_domains(n); i++)
        a->room += sizeof(char *) + strlen(name_domain(n, i)) + 1;
    return deed->step->name != NULL ? ERR_OK : ERR_MEMORY;
}

static MUST_USE enum err prune_credential(struct applying *a, const struct planned_account *account,
                                          const struct credential *cred)
{
    struct deed *deed;
    enum err e;

    if (is_caller(a->c, cred)) {
        hint(a->c, "declare it, or use riposte on the server");
        return refuse(a->c, REFUSAL_CONFLICT, "%s is not in the file, and it is who asks",
                      show_credential(cred).text);
    }
    e = apply_add_step(a, APPLY_REVOKE, APPLY_CREDENTIAL, account, &deed);
    if (e != ERR_OK)
        return e;
    deed->id = cred->id;
    deed->step->uuid = cred->uuid;
    deed->step->label = arena_copy(&a->plan->arena, credential_label(cred), strlen(credential_label(cred)));
    a->room += sizeof(struct effect_credential) + credential_n_names(cred) * sizeof *credential_names(cred) +
               credential_n_networks(cred) * sizeof *credential_networks(cred) + strlen(credential_label(cred)) +
               strlen(credential_allowfrom(cred)) + 2;
    return deed->step->label != NULL ? ERR_OK : ERR_MEMORY;
}

static bool is_declared(const struct applying *a, const struct name_entry *n)
{
    struct name owner;

    name_owner(a->c->s, n, &owner);
    name_fold(&owner);
    return apply_find_name(a, &owner) != NULL;
}

static MUST_USE enum err prune_names(struct applying *a, struct planned_account *account)
{
    size_t index = apply_index(a, account);
    enum err e = ERR_OK;

    apply_at(a, "accounts[%zu]", index);
    for (size_t *i = &a->next_present_name; *i < a->n_present_names && a->present_names[*i].account == index;
         (*i)++) {
        if (e == ERR_OK && !is_refused(a->c) && !is_declared(a, a->present_names[*i].name))
            e = prune_name(a, account, a->present_names[*i].name);
    }
    return e;
}

static MUST_USE enum err prune_credentials(struct applying *a, const struct planned_account *account)
{
    size_t index = apply_index(a, account);
    enum err e = ERR_OK;

    apply_at(a, "accounts[%zu]", index);
    for (size_t *i = &a->next_present_credential; *i < a->n_credentials && a->credentials[*i].account <= index;
         (*i)++) {
        if (e == ERR_OK && !is_refused(a->c) && !a->credentials[*i].is_declared)
            e = prune_credential(a, account, a->credentials[*i].credential);
    }
    return e;
}

/* ---- all of it ---- */

/* Whether the account may have as many names as it is to have; false: refused. */
static bool has_quota(struct applying *a, const struct planned_account *account)
{
    const struct request_account *req = &account->req->account;
    uint32_t names_max = account->there != NULL ? account->there->names_max : 0;
    size_t names = (account->there != NULL ? account->there->names : 0) + account->made - account->gone;

    if (account->made == 0) /* it may have more than the limit by now: nobody takes them away */
        return true;
    apply_at(a, "accounts[%zu].names", apply_index(a, account));
    return names_are_within_quota(a->c, req->name, names, req->has_names_max ? req->names_max : names_max);
}

enum err apply_plan_account(struct applying *a, struct planned_account *account)
{
    size_t index = apply_index(a, account);
    enum err e;

    apply_at(a, "accounts[%zu]", index);
    e = plan_account_itself(a, account);
    if (e == ERR_OK && !is_refused(a->c) && a->req->prune)
        e = prune_names(a, account);
    if (e != ERR_OK || is_refused(a->c) || !has_quota(a, account))
        return e;
    for (size_t i = 0; i < account->req->n_names && e == ERR_OK && !is_refused(a->c); i++) {
        apply_at(a, "accounts[%zu].names[%zu]", index, i);
        e = plan_name(a, account, &account->names[i]);
    }
    if (e == ERR_OK && !is_refused(a->c))
        e = apply_plan_credentials(a, account);
    if (e == ERR_OK && !is_refused(a->c) && a->req->prune)
        e = prune_credentials(a, account);
    return e;
}
