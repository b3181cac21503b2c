/* The action `manage` stays inside the scope of the credential that has it: what it hands out and what it takes
 * back may do nothing that it may not do itself, from nowhere else and for no longer. So a leaked one cannot be
 * made to last, and nobody gets around the limits that an administrator has set. */
#include <inttypes.h>

#include "core/authorize.h"
#include "core/decide_internal.h"

/* What one credential has, or is to have. */
struct powers {
    unsigned actions, kinds;
    size_t n_names;
    const uint32_t *names;
};

/* True when every address of a is in b. */
static bool net_is_within(const struct net *a, const struct net *b)
{
    return a->prefix_len >= b->prefix_len && net_contains(b, &a->addr);
}

static bool net_is_within_any(const struct net *a, const struct net *nets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (net_is_within(a, &nets[i]))
            return true;
    return false;
}

static void refuse_action(struct deciding *c, unsigned beyond)
{
    static const char *const words[] = {"add", "remove", "read", "manage", "administer"};
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(words) && (beyond & 1u << i) == 0)
        i++;
    hint(c, "only actions that a credential has itself are within its reach; an administrator can do it");
    (void)refuse(c, REFUSAL_ACTION_NOT_IN_SCOPE, "%s does not have the action %s itself",
                 show_credential(c->credential).text, words[i]);
}

static bool powers_are_within_caller(struct deciding *c, const struct powers *p)
{
    const struct credential *own = c->credential;

    for (size_t i = 0; i < p->n_names; i++) {
        const struct name_entry *n = state_name(c->s, p->names[i]);
        if (n == NULL || !name_is_live(c->s, n)) /* nobody may act on it */
            continue;
        if (has_in_scope(own, name_id(n)) && name_within(c->s, own, name_id(n)) != NULL)
            continue;
        hint(c, "an administrator can do it");
        (void)refuse(c, REFUSAL_NAME_NOT_IN_SCOPE, "it is also for a name that is not in the scope of %s",
                     show_credential(own).text);
        return false;
    }
    if ((p->actions & ~credential_actions(own)) != 0) {
        refuse_action(c, p->actions & ~credential_actions(own));
        return false;
    }
    return (p->kinds & VALUE_KIND_CHALLENGE) == 0 || caller_may_use(c, VALUE_KIND_CHALLENGE);
}

static bool networks_are_within_caller(struct deciding *c, struct effect_credential *row)
{
    const struct credential *own = c->credential;

    if (credential_n_networks(own) == 0)
        return true;
    if (!c->r->u.credential.has_networks) {
        row->networks = credential_networks(own);
        row->n_networks = credential_n_networks(own);
        return true;
    }
    hint(c, "leave networks out for those of %s", show_credential(own).text);
    if (row->n_networks == 0) {
        (void)refuse(c, REFUSAL_NETWORK, "%s may be used from %s only, and so may what it makes",
                     show_credential(own).text,
                     show_nets(credential_networks(own), credential_n_networks(own)).text);
        return false;
    }
    for (size_t i = 0; i < row->n_networks; i++) {
        if (net_is_within_any(&row->networks[i], credential_networks(own), credential_n_networks(own)))
            continue;
        (void)refuse(
            c, REFUSAL_NETWORK, "%s is not within the networks %s of %s", show_nets(&row->networks[i], 1).text,
            show_nets(credential_networks(own), credential_n_networks(own)).text, show_credential(own).text);
        return false;
    }
    hint(c, "%s", "");
    return true;
}

static bool end_is_within_caller(struct deciding *c, struct effect_credential *row)
{
    const struct credential *own = c->credential;

    if (credential_expires_s(own) == 0)
        return true;
    if (!c->r->u.credential.has_expires) {
        row->expires_s = credential_expires_s(own);
        return true;
    }
    if (row->expires_s != 0 && row->expires_s <= credential_expires_s(own))
        return true;
    hint(c, "leave expires out for the same end");
    (void)refuse(c, REFUSAL_EXPIRED, "%s ends on %s, and what it makes does not outlive it",
                 show_credential(own).text, show_time(credential_expires_s(own)).text);
    return false;
}

bool row_is_within_caller(struct deciding *c, struct effect_credential *row)
{
    const struct powers p = {row->actions, row->kinds, row->n_names, row->names};

    if (caller_administers(c))
        return true;
    if (row->account != c->credential->account) { /* of a name that was granted only */
        (void)refuse(c, REFUSAL_NAME_NOT_IN_SCOPE, "a name of account %s is not %s's to give",
                     show_account(c->s, row->account).text, show_credential(c->credential).text);
        return false;
    }
    return powers_are_within_caller(c, &p) && networks_are_within_caller(c, row) && end_is_within_caller(c, row);
}

bool credential_is_within_caller(struct deciding *c, const struct credential *cred)
{
    const struct powers p = {credential_actions(cred), credential_kinds(cred), credential_n_names(cred),
                             credential_names(cred)};

    return caller_administers(c) || is_caller(c, cred) || powers_are_within_caller(c, &p);
}
