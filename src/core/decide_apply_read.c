/* The first look at a REQUEST_APPLY: which accounts and names it means, and what the state has of them. */
#include <stdlib.h>
#include <string.h>

#include "core/decide_apply_internal.h"
#include "core/label.h"

/* ---- accounts ---- */

static int compare_account_names(const void *x, const void *y)
{
    const struct planned_account *const *a = x, *const *b = y;
    int order = strcmp((*a)->req->account.name, (*b)->req->account.name);

    return order != 0 ? order : (*a < *b ? -1 : *a > *b);
}

static int compare_account_ids(const void *x, const void *y)
{
    const struct planned_account *const *a = x, *const *b = y;

    return (*a)->id < (*b)->id ? -1 : (*a)->id > (*b)->id;
}

/* An account is there once in a request. */
static enum err check_doubled_accounts(struct applying *a, struct planned_account **sorted)
{
    for (size_t i = 0; i < a->req->n_accounts; i++)
        sorted[i] = &a->accounts[i];
    qsort(sorted, a->req->n_accounts, sizeof *sorted, compare_account_names);
    for (size_t i = 1; i < a->req->n_accounts; i++) {
        if (strcmp(sorted[i - 1]->req->account.name, sorted[i]->req->account.name) != 0)
            continue;
        apply_at(a, "accounts[%zu].account", apply_index(a, sorted[i]));
        return refuse(a->c, REFUSAL_CONFLICT, "account %s is in accounts[%zu] already",
                      sorted[i]->req->account.name, apply_index(a, sorted[i - 1]));
    }
    return ERR_OK;
}

static MUST_USE enum err read_accounts(struct applying *a)
{
    size_t n = a->req->n_accounts;

    a->accounts = apply_alloc(a, n, sizeof *a->accounts);
    a->accounts_by_id = apply_alloc(a, n, sizeof(struct planned_account *));
    if (a->accounts == NULL || a->accounts_by_id == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct planned_account *account = &a->accounts[i];
        account->req = &a->req->accounts[i];
        apply_at(a, "accounts[%zu].account", i);
        if (!account_name_is_acceptable(a->c, account->req->account.name))
            return ERR_OK;
        account->there =
            state_account_by_name(a->c->s, account->req->account.name, strlen(account->req->account.name));
        if (account->there != NULL && account->there->deleted_s != 0)
            account->there = NULL;
    }
    (void)check_doubled_accounts(a, a->accounts_by_id);
    for (size_t i = 0; i < n; i++) {
        struct planned_account *account = &a->accounts[i];
        account->id = account->there != NULL ? account->there->id : ++a->last_account;
        if (account->there != NULL)
            a->accounts_by_id[a->n_accounts_there++] = account;
    }
    qsort(a->accounts_by_id, a->n_accounts_there, sizeof(struct planned_account *), compare_account_ids);
    return ERR_OK;
}

/* The account of the request with an id of the state; NULL: it is not in it. */
static const struct planned_account *find_account_by_id(const struct applying *a, uint32_t id)
{
    struct planned_account key = {.id = id};
    struct planned_account *wanted = &key;
    struct planned_account **found =
        bsearch(&wanted, a->accounts_by_id, a->n_accounts_there, sizeof wanted, compare_account_ids);

    return found != NULL ? *found : NULL;
}

/* ---- names ---- */

static int compare_owners(const struct name *x, const struct name *y)
{
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->b, y->b, x->len);
}

static int compare_names(const void *x, const void *y)
{
    const struct planned_name *const *a = x, *const *b = y;
    int order = compare_owners(&(*a)->owner, &(*b)->owner);

    return order != 0 ? order : (*a < *b ? -1 : *a > *b);
}

static int compare_owner_to_name(const void *key, const void *element)
{
    const struct planned_name *const *n = element;

    return compare_owners(key, &(*n)->owner);
}

struct planned_name *apply_find_name(const struct applying *a, const struct name *owner)
{
    struct planned_name **found =
        bsearch(owner, a->names_by_owner, a->n_names, sizeof(struct planned_name *), compare_owner_to_name);

    return found != NULL ? *found : NULL;
}

/* The zone and the labels below it that a whole name means; false: refused. */
static bool split_whole_name(struct applying *a, struct planned_name *n, char label[NAME_TEXT_MAX])
{
    const struct name_ref *ref = &n->req->name;
    struct name owner, relative;
    uint8_t wire[NAME_MAX_LEN + 1] = {0};
    size_t len;

    if (name_parse(&owner, ref->text, ref->len) == ERR_OK) {
        name_fold(&owner);
        n->zone = state_zone_of(a->c->s, &owner);
    }
    if (n->zone == NULL || owner.len == n->zone->spec.apex.len) {
        hint(a->c, "riposte status lists the zones; \"label\" says only what is in front of the zone");
        (void)refuse(a->c, REFUSAL_NOT_FOUND, "\"%s\" is not below a zone of this server",
                     show_printable(ref->text, ref->len).text);
        return false;
    }
    len = owner.len - n->zone->spec.apex.len;
    memcpy(wire, owner.b, len); /* the root label behind it is there already */
    name_set(&relative, wire, len + 1);
    (void)name_format(&relative, label);
    return true;
}

static MUST_USE enum err read_name(struct applying *a, struct planned_name *n)
{
    const char *label = n->req->label;
    char text[NAME_TEXT_MAX];
    struct zone_state *zone;
    enum err e;

    if ((label == NULL) == (n->req->name.text == NULL)) {
        hint(a->c, "label: shop, or name: shop.ZONE");
        return refuse(a->c, REFUSAL_MALFORMED, "either a label or a whole name is needed");
    }
    if (label == NULL && n->req->zone != NULL)
        return refuse(a->c, REFUSAL_MALFORMED, "a whole name says its zone itself");
    if (label == NULL) {
        if (!split_whole_name(a, n, text))
            return ERR_OK;
        label = text;
    } else {
        e = find_zone(a->c, n->req->zone, &zone);
        if (e != ERR_OK || is_refused(a->c))
            return e;
        n->zone = zone;
    }
    if (!read_owner(a->c, &n->owner, label, &n->zone->spec.apex))
        return ERR_OK;
    name_fold(&n->owner);
    n->text = name_format(&n->owner, text);
    n->text = arena_copy(&a->plan->arena, text, strlen(text));
    return n->text != NULL ? ERR_OK : ERR_MEMORY;
}

/* Each name once; and no name above or below one of another account. */
static enum err check_names_among_themselves(struct applying *a)
{
    for (size_t i = 1; i < a->n_names; i++) {
        const struct planned_name *n = a->names_by_owner[i], *before = a->names_by_owner[i - 1];
        if (compare_owners(&n->owner, &before->owner) != 0)
            continue;
        apply_at(a, "accounts[%zu].names[%zu]", n->account, n->index);
        return refuse(a->c, REFUSAL_CONFLICT, "%s is in accounts[%zu].names[%zu] already", n->text, before->account,
                      before->index);
    }
    for (size_t i = 0; i < a->n_names; i++) {
        const struct planned_name *n = &a->names[i];
        struct name above;
        for (name_strip(&above, &n->owner, 1); name_is_below(&above, &n->zone->spec.apex);
             name_strip(&above, &above, 1)) {
            const struct planned_name *up = apply_find_name(a, &above);
            if (up == NULL || up->account == n->account)
                continue;
            apply_at(a, "accounts[%zu].names[%zu]", n->account, n->index);
            hint(a->c, "choose another label; a name belongs to one account, with everything below it");
            return refuse(a->c, REFUSAL_LABEL_TAKEN, "%s is below %s of account %s", n->text, up->text,
                          a->accounts[up->account].req->account.name);
        }
    }
    return ERR_OK;
}

static MUST_USE enum err read_names(struct applying *a)
{
    size_t at = 0;

    a->names = apply_alloc(a, a->n_names, sizeof *a->names);
    a->names_by_owner = apply_alloc(a, a->n_names, sizeof(struct planned_name *));
    if (a->names == NULL || a->names_by_owner == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < a->req->n_accounts; i++) {
        struct planned_account *account = &a->accounts[i];
        account->names = &a->names[at];
        for (size_t k = 0; k < account->req->n_names; k++) {
            struct planned_name *n = &a->names[at];
            enum err e;
            *n = (struct planned_name){.account = i, .index = k, .req = &account->req->names[k]};
            apply_at(a, "accounts[%zu].names[%zu]", i, k);
            e = read_name(a, n);
            if (e != ERR_OK || is_refused(a->c))
                return e;
            a->names_by_owner[at++] = n;
        }
    }
    qsort(a->names_by_owner, a->n_names, sizeof(struct planned_name *), compare_names);
    return check_names_among_themselves(a);
}

/* Whether names are there; those that are not get their ids. */
static void look_up_names(struct applying *a)
{
    for (size_t i = 0; i < a->n_names; i++) {
        struct planned_name *n = &a->names[i];
        struct planned_account *account = &a->accounts[n->account];
        n->there = state_name_by_owner(a->c->s, &n->owner);
        if (n->there != NULL && (name_retired_s(n->there) != 0 || name_account(n->there) != account->id))
            n->there = NULL; /* not its own: its standing refuses it */
        n->id = n->there != NULL ? name_id(n->there) : ++a->last_name;
        account->made += n->there == NULL ? 1u : 0u;
    }
}

/* ---- the state's names and credentials, each looked at once ---- */

/* A name of the state stands below planned ones: then those cannot be made for another account. */
static void stand_in_the_way(struct applying *a, const struct name_entry *n, const struct zone_state *zone)
{
    struct name above;

    name_owner(a->c->s, n, &above);
    for (name_strip(&above, &above, 1); name_is_below(&above, &zone->spec.apex); name_strip(&above, &above, 1)) {
        struct planned_name *planned = apply_find_name(a, &above);
        if (planned != NULL && planned->there == NULL && a->accounts[planned->account].id != name_account(n) &&
            (planned->below == NULL || name_retired_s(planned->below) != 0))
            planned->below = n;
    }
}

static int compare_present_names(const void *x, const void *y)
{
    const struct present_name *a = x, *b = y;

    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    return name_id(a->name) < name_id(b->name) ? -1 : name_id(a->name) > name_id(b->name);
}

/* How many names the accounts of the request have now. */
static size_t count_present_names(const struct applying *a)
{
    size_t n = 0;

    for (size_t i = 0; a->req->prune && i < a->n_accounts_there; i++)
        n += a->accounts_by_id[i]->there->names;
    return n;
}

static MUST_USE enum err survey_names(struct applying *a)
{
    size_t room = count_present_names(a);

    a->present_names = apply_alloc(a, room, sizeof *a->present_names);
    if (a->present_names == NULL)
        return ERR_MEMORY;
    for (uint32_t id = 1; id <= state_last_name(a->c->s); id++) {
        struct name_entry *n = state_name(a->c->s, id);
        const struct zone_state *zone = n != NULL ? state_zone(a->c->s, name_zone(n)) : NULL;
        const struct planned_account *account;
        if (zone == NULL || zone->removed)
            continue;
        stand_in_the_way(a, n, zone);
        account = a->req->prune && name_retired_s(n) == 0 ? find_account_by_id(a, name_account(n)) : NULL;
        if (account != NULL && a->n_present_names < room)
            a->present_names[a->n_present_names++] =
                (struct present_name){.account = apply_index(a, account), .name = n};
    }
    qsort(a->present_names, a->n_present_names, sizeof *a->present_names, compare_present_names);
    return ERR_OK;
}

static int compare_present_credentials(const void *x, const void *y)
{
    const struct present_credential *a = x, *b = y;
    int order;

    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    order = strcmp(a->label, b->label);
    if (order != 0)
        return order;
    return a->credential->id < b->credential->id ? -1 : a->credential->id > b->credential->id;
}

/* The live credentials of the request's accounts: counted first, then kept. */
static MUST_USE enum err survey_credentials(struct applying *a)
{
    for (int pass = 0; pass < 2; pass++) {
        a->n_credentials = 0;
        for (uint32_t id = 1; id <= state_last_credential(a->c->s); id++) {
            const struct credential *cred = state_credential(a->c->s, id);
            const struct planned_account *account =
                cred != NULL && credential_revoked_s(cred) == 0 ? find_account_by_id(a, cred->account) : NULL;
            if (account == NULL)
                continue;
            if (pass > 0)
                a->credentials[a->n_credentials] = (struct present_credential){
                    .account = apply_index(a, account), .credential = cred, .label = credential_label(cred)};
            a->n_credentials++;
        }
        if (pass == 0)
            a->credentials = apply_alloc(a, a->n_credentials, sizeof *a->credentials);
        if (a->credentials == NULL)
            return ERR_MEMORY;
    }
    qsort(a->credentials, a->n_credentials, sizeof *a->credentials, compare_present_credentials);
    return ERR_OK;
}

/* ---- all ---- */

static bool counts_are_acceptable(struct applying *a)
{
    size_t credentials = 0;

    a->n_names = 0;
    for (size_t i = 0; i < a->req->n_accounts; i++) {
        a->n_names += a->req->accounts[i].n_names;
        credentials += a->req->accounts[i].n_credentials;
    }
    if (a->req->n_accounts <= APPLY_ACCOUNTS_MAX && a->n_names <= APPLY_NAMES_MAX &&
        credentials <= APPLY_CREDENTIALS_MAX)
        return true;
    hint(a->c, "split the file: accounts that are not listed stay as they are");
    (void)refuse(a->c, REFUSAL_TOO_LARGE,
                 "%zu accounts, %zu names, %zu credentials; at most %d, %d and %d are possible at once",
                 a->req->n_accounts, a->n_names, credentials, APPLY_ACCOUNTS_MAX, APPLY_NAMES_MAX,
                 APPLY_CREDENTIALS_MAX);
    return false;
}

enum err apply_read(struct applying *a)
{
    enum err e;

    if (!counts_are_acceptable(a))
        return ERR_OK;
    e = read_accounts(a);
    if (e == ERR_OK && !is_refused(a->c))
        e = read_names(a);
    if (e != ERR_OK || is_refused(a->c))
        return e;
    look_up_names(a);
    e = survey_names(a);
    return e == ERR_OK ? survey_credentials(a) : e;
}
