#include "core/viewer.h"

#include "core/decide_internal.h"

struct viewer viewer_of(const struct state *s, uint32_t credential)
{
    const struct credential *cred = credential != CREDENTIAL_ADMIN ? state_credential(s, credential) : NULL;

    return (struct viewer){.sees_all = cred != NULL && (credential_actions(cred) & ACTION_ADMINISTER) != 0,
                           .credential = cred};
}

bool viewer_sees_name(const struct viewer *v, const struct state *s, const struct name_entry *n)
{
    if (v->sees_all)
        return true;
    if (v->credential == NULL)
        return false;
    if (has_in_scope(v->credential, name_id(n)))
        return name_within(s, v->credential, name_id(n)) != NULL;
    return name_is_live(s, n) && name_in_subtree(s, v->credential, n);
}

bool viewer_sees_credential(const struct viewer *v, const struct state *s, const struct credential *c)
{
    const struct credential *own = v->credential;

    if (v->sees_all || (own != NULL && own->id == c->id))
        return true;
    if (own == NULL || (credential_actions(own) & ACTION_MANAGE) == 0)
        return false;
    for (size_t i = 0; i < credential_n_names(own); i++)
        if (has_in_scope(c, credential_names(own)[i]) && name_within(s, own, credential_names(own)[i]) != NULL)
            return true;
    return false;
}

bool viewer_sees_account(const struct viewer *v, const struct account *a)
{
    return v->sees_all || (v->credential != NULL && v->credential->account == a->id);
}
