/* What has to be done with the credentials of one account of a REQUEST_APPLY. */
#include <stdlib.h>
#include <string.h>

#include "core/decide_apply_internal.h"

static int compare_label(const void *key, const void *element)
{
    const struct present_credential *k = key, *e = element;

    if (k->account != e->account)
        return k->account < e->account ? -1 : 1;
    return strcmp(k->label, e->label);
}

/* The live credential of the account with this label. *out NULL: there is none, or (refused) several. */
static enum err find_present(struct applying *a, size_t account, const char *label, struct present_credential **out)
{
    struct present_credential key = {.account = account, .label = label};
    struct present_credential *found = bsearch(&key, a->credentials, a->n_credentials, sizeof key, compare_label);
    const struct present_credential *end = a->credentials + a->n_credentials;

    *out = found;
    if (found == NULL)
        return ERR_OK;
    if ((found > a->credentials && compare_label(&key, found - 1) == 0) ||
        (found + 1 < end && compare_label(&key, found + 1) == 0)) {
        *out = NULL;
        hint(a->c, "give one of them another label: riposte credential set %s --label TEXT",
             show_uuid(&found->credential->uuid).text);
        return refuse(a->c, REFUSAL_CONFLICT, "account %s has several live credentials with the label \"%s\"",
                      a->accounts[account].req->account.name, label);
    }
    found->is_declared = true;
    return ERR_OK;
}

/* A name of this account that the request declares. *out NULL: refused. */
static enum err find_declared_name(struct applying *a, const struct planned_account *account,
                                   const struct name_ref *ref, const struct planned_name **out)
{
    const struct planned_name *found = NULL, *second = NULL, *n;
    struct name owner;

    *out = NULL;
    for (uint32_t id = 1; id <= state_last_zone(a->c->s); id++) {
        const struct zone_state *zone = state_zone(a->c->s, id);
        if (zone == NULL || zone->removed ||
            name_parse_relative(&owner, ref->text, ref->len, &zone->spec.apex) != ERR_OK)
            continue;
        name_fold(&owner);
        n = apply_find_name(a, &owner);
        if (n == NULL || &a->accounts[n->account] != account || n == found)
            continue;
        second = found;
        found = n;
    }
    if (found == NULL && name_parse(&owner, ref->text, ref->len) == ERR_OK) {
        name_fold(&owner);
        n = apply_find_name(a, &owner);
        found = n != NULL && &a->accounts[n->account] == account ? n : NULL;
    }
    if (second != NULL) {
        hint(a->c, "say which one by its whole name: %s", found->text);
        return refuse(a->c, REFUSAL_CONFLICT, "\"%s\" means %s and %s", show_printable(ref->text, ref->len).text,
                      second->text, found->text);
    }
    if (found == NULL) {
        hint(a->c,
             "a credential is for names that stand in the same account of the same file, by label or in full");
        return refuse(a->c, REFUSAL_NOT_FOUND, "the account declares no name \"%s\"",
                      show_printable(ref->text, ref->len).text);
    }
    *out = found;
    return ERR_OK;
}

/* The names that a credential is to be for. */
struct wanted_scope {
    size_t n;
    uint32_t *ids; /* NULL: it stays as it is */
    const struct planned_name **names;
};

static void scope_add(struct wanted_scope *scope, const struct planned_name *name)
{
    for (size_t i = 0; i < scope->n; i++)
        if (scope->ids[i] == name->id)
            return;
    scope->names[scope->n] = name;
    scope->ids[scope->n++] = name->id;
}

/* May refuse. */
static MUST_USE enum err read_scope(struct applying *a, const struct planned_account *account,
                                    const struct request_credential *req, bool is_new, struct wanted_scope *scope)
{
    size_t wanted = req->has_names ? req->n_names : account->req->n_names;

    *scope = (struct wanted_scope){0};
    if (!req->has_names && !is_new)
        return ERR_OK;
    if (wanted == 0 || (!req->has_names && wanted > 1)) {
        hint(a->c, "names: [LABEL, ...]; when it is left out, the account's only name is meant");
        return refuse(a->c, REFUSAL_MALFORMED, "for which of the account's %zu names it is has to be said",
                      account->req->n_names);
    }
    if (wanted > NAMES_MAX)
        return refuse(a->c, REFUSAL_TOO_LARGE, "%zu names; a credential is for at most %d", wanted, NAMES_MAX);
    scope->ids = apply_alloc(a, wanted, sizeof *scope->ids);
    scope->names = apply_alloc(a, wanted, sizeof(struct planned_name *));
    if (scope->ids == NULL || scope->names == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < wanted; i++) {
        const struct planned_name *name = &account->names[0];
        enum err e = req->has_names ? find_declared_name(a, account, &req->names[i], &name) : ERR_OK;
        if (e != ERR_OK || is_refused(a->c))
            return e;
        scope_add(scope, name);
    }
    return ERR_OK;
}

static bool is_same_scope(const struct credential *cred, const struct wanted_scope *scope)
{
    bool same = credential_n_names(cred) == scope->n;

    for (size_t i = 0; same && i < scope->n; i++)
        same = has_in_scope(cred, scope->ids[i]);
    return same;
}

static MUST_USE enum err say_scope(struct applying *a, struct deed *deed, const struct credential *cred,
                                   const struct wanted_scope *scope)
{
    struct apply_list from = {0}, to = {0};
    char text[NAME_TEXT_MAX];

    for (size_t i = 0; cred != NULL && i < credential_n_names(cred); i++) {
        const struct name_entry *n = state_name(a->c->s, credential_names(cred)[i]);
        struct name owner;
        name_owner(a->c->s, n, &owner);
        apply_list_add(&from, name_format(&owner, text));
    }
    for (size_t i = 0; i < scope->n; i++)
        apply_list_add(&to, scope->names[i]->text);
    return apply_say(a, deed, "names", apply_list_end(&from, "none"), apply_list_end(&to, "none"));
}

static const char *words_of(struct apply_list *l, unsigned bits, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((bits & 1u << i) != 0)
            apply_list_add(l, words[i]);
    return apply_list_end(l, "none");
}

static const char *nets_of(struct apply_list *l, const struct net *nets, size_t n, bool is_invalid)
{
    char text[NET_TEXT_MAX];

    for (size_t i = 0; i < n; i++)
        apply_list_add(l, net_format(&nets[i], text));
    return apply_list_end(l, is_invalid ? "none that can be read" : "any");
}

static struct shown show_end(int64_t expires_s)
{
    return expires_s != 0 ? show_time(expires_s) : show_printable("never", strlen("never"));
}

/* Everything in which the row differs from what was; of a new one, everything. */
static MUST_USE enum err say_rights(struct applying *a, struct deed *deed, const struct effect_credential *was,
                                    const struct effect_credential *row, bool other_nets)
{
    static const char *const actions[] = {"add", "remove", "read", "manage", "administer"};
    static const char *const kinds[] = {"challenge", "pinned"};
    bool is_new = deed->step->action == APPLY_CREATE;
    struct apply_list from = {0}, to = {0};
    enum err e = ERR_OK;

    if (is_new || was->actions != row->actions)
        e = apply_say(a, deed, "actions", words_of(&from, was->actions, actions, ARRAY_LEN(actions)),
                      words_of(&to, row->actions, actions, ARRAY_LEN(actions)));
    if (e == ERR_OK && was->kinds != row->kinds) {
        from = to = (struct apply_list){0};
        e = apply_say(a, deed, "kinds", words_of(&from, was->kinds, kinds, ARRAY_LEN(kinds)),
                      words_of(&to, row->kinds, kinds, ARRAY_LEN(kinds)));
    }
    if (e == ERR_OK && (is_new || other_nets)) {
        from = to = (struct apply_list){0};
        e = apply_say(a, deed, "networks", nets_of(&from, was->networks, was->n_networks, was->networks_invalid),
                      nets_of(&to, row->networks, row->n_networks, false));
    }
    if (e == ERR_OK && was->expires_s != row->expires_s)
        e = apply_say(a, deed, "expires", show_end(was->expires_s).text, show_end(row->expires_s).text);
    return e;
}

/* What the request asks for beyond what is there: only that can be refused. */
static struct request_credential only_differences(const struct request_credential *req,
                                                  const struct credential *cred)
{
    struct request_credential want = *req;

    want.label = NULL;
    if (cred == NULL)
        return want;
    want.has_actions = req->has_actions && req->actions != credential_actions(cred);
    want.has_expires = req->has_expires && req->expires_s != credential_expires_s(cred);
    want.has_networks = req->has_networks && !credential_has_nets(cred, req->networks, req->n_networks);
    want.kinds = req->kinds == credential_kinds(cred) ? 0 : req->kinds;
    want.tsig = false; /* of how a secret is made, and it has one */
    return want;
}

static bool rights_are_acceptable(struct applying *a, const struct request_credential *want)
{
    return powers_are_acceptable(a->c, want) &&
           (!want->has_networks || networks_are_acceptable(a->c, want->n_networks)) &&
           expiry_is_acceptable(a->c, want->has_expires ? want->expires_s : 0) &&
           key_can_be_sealed(a->c, want->tsig);
}

/* A row as nothing has been said of it. */
static struct effect_credential *new_row(struct applying *a, const struct planned_account *account,
                                         const char *label)
{
    struct effect_credential *row = apply_alloc(a, 1, sizeof *row);

    if (row == NULL)
        return NULL;
    *row = (struct effect_credential){
        .account = account->id,
        .actions = ACTIONS_DEFAULT,
        .kinds = VALUE_KIND_CHALLENGE,
        .allowfrom = "",
        .created_s = a->c->d->now_s,
    };
    return copy_text(a->c, &row->label, label) == ERR_OK ? row : NULL;
}

/* What is to be done with a credential. */
struct credential_plan {
    const struct request_credential *req;
    struct request_credential want; /* of it, what differs from what is there */
    const struct credential *cred;  /* NULL: it is to be made */
    struct wanted_scope scope;      /* ids NULL: it stays */
};

static MUST_USE enum err say_credential(struct applying *a, struct deed *deed, const struct credential_plan *p,
                                        const struct effect_credential *was)
{
    enum err e = p->scope.ids != NULL ? say_scope(a, deed, p->cred, &p->scope) : ERR_OK;

    if (e == ERR_OK)
        e = say_rights(a, deed, was, deed->effect.u.credential, p->want.has_networks);
    return e == ERR_OK && p->want.tsig ? apply_say(a, deed, "tsig", "no", "yes") : e;
}

static MUST_USE enum err plan_difference(struct applying *a, const struct planned_account *account,
                                         const struct credential_plan *p)
{
    const struct credential *cred = p->cred;
    struct effect_credential *row =
        cred != NULL ? row_of_credential(a->c, cred) : new_row(a, account, p->req->label);
    struct effect_credential was;
    bool changed = false;
    struct deed *deed;
    enum err e;

    if (row == NULL)
        return ERR_MEMORY;
    was = *row;
    e = credential_change_row(a->c, &p->want, row, cred, &changed);
    if (e == ERR_OK)
        e = apply_add_step(a, cred != NULL ? APPLY_CHANGE : APPLY_CREATE, APPLY_CREDENTIAL, account, &deed);
    if (e != ERR_OK)
        return e;
    if (p->scope.ids != NULL) {
        row->names = p->scope.ids;
        row->n_names = p->scope.n;
        deed->step->name = p->scope.names[0]->text;
    }
    deed->step->label = p->req->label;
    deed->effect.kind = cred != NULL ? EFFECT_CREDENTIAL_SET : EFFECT_CREDENTIAL_MADE;
    deed->effect.u.credential = row;
    if (cred != NULL) {
        deed->step->uuid = cred->uuid;
    } else {
        row->id = ++a->last_credential;
        deed->credential = p->req;
    }
    return say_credential(a, deed, p, &was);
}

/* Whether nothing of it is another; then its scope need not be written either. */
static bool is_as_wanted(struct credential_plan *p)
{
    if (p->cred != NULL && p->scope.ids != NULL && is_same_scope(p->cred, &p->scope))
        p->scope.ids = NULL;
    return p->cred != NULL && p->scope.ids == NULL && !p->want.has_actions && !p->want.has_networks &&
           !p->want.has_expires && p->want.kinds == 0;
}

static MUST_USE enum err plan_credential(struct applying *a, const struct planned_account *account,
                                         const struct request_credential *req)
{
    struct credential_plan p = {.req = req};
    struct present_credential *present;
    enum err e;

    if (req->label == NULL || req->label[0] == '\0') {
        hint(a->c, "label: web1; it is how the credential is known when the file is applied again");
        return refuse(a->c, REFUSAL_MALFORMED, "a label is needed");
    }
    if (!credential_label_is_acceptable(a->c, req->label))
        return ERR_OK;
    e = find_present(a, apply_index(a, account), req->label, &present);
    if (e != ERR_OK || is_refused(a->c))
        return e;
    p.cred = present != NULL ? present->credential : NULL;
    p.want = only_differences(req, p.cred);
    if (!rights_are_acceptable(a, &p.want))
        return ERR_OK;
    e = read_scope(a, account, req, p.cred == NULL, &p.scope);
    if (e != ERR_OK || is_refused(a->c))
        return e;
    if (!is_as_wanted(&p))
        return plan_difference(a, account, &p);
    a->plan->unchanged++;
    return ERR_OK;
}

static int compare_requests(const void *x, const void *y)
{
    const struct request_credential *const *a = x, *const *b = y;

    return strcmp((*a)->label != NULL ? (*a)->label : "", (*b)->label != NULL ? (*b)->label : "");
}

/* A label is there once; of those that are there already find_present() sees it. */
static MUST_USE enum err check_doubled_labels(struct applying *a, const struct planned_account *account)
{
    size_t n = account->req->n_credentials;
    const struct request_credential **sorted = apply_alloc(a, n, sizeof(struct request_credential *));

    if (sorted == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &account->req->credentials[i];
    qsort(sorted, n, sizeof(struct request_credential *), compare_requests);
    for (size_t i = 1; i < n; i++) {
        if (sorted[i]->label == NULL || compare_requests(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        apply_at(a, "accounts[%zu].credentials[%zu].label", apply_index(a, account),
                 (size_t)((sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1]) - account->req->credentials));
        return refuse(a->c, REFUSAL_CONFLICT, "the label \"%s\" is there twice; it is unique in an account",
                      show_printable(sorted[i]->label, strlen(sorted[i]->label)).text);
    }
    return ERR_OK;
}

enum err apply_plan_credentials(struct applying *a, const struct planned_account *account)
{
    size_t index = apply_index(a, account);
    enum err e = check_doubled_labels(a, account);

    for (size_t i = 0; i < account->req->n_credentials && e == ERR_OK && !is_refused(a->c); i++) {
        apply_at(a, "accounts[%zu].credentials[%zu]", index, i);
        e = plan_credential(a, account, &account->req->credentials[i]);
    }
    return e;
}
