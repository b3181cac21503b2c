/* Effects of the journal, as the trace of a name and the journal show them. */
#include "api/admin_internal.h"
#include "core/door.h"

const uint32_t *admin_effect_names(const struct effect *f, size_t *n)
{
    *n = 1;
    if (effect_is_of_claim(f->kind))
        return &f->u.claim.name;
    if (f->kind >= EFFECT_NAME_MADE && f->kind <= EFFECT_NAME_REVIVED)
        return &f->u.name->id;
    if (f->kind >= EFFECT_CREDENTIAL_MADE && f->kind <= EFFECT_CREDENTIAL_REVOKED) {
        *n = f->u.credential->n_names;
        return f->u.credential->names;
    }
    if (f->kind == EFFECT_GRANT_MADE || f->kind == EFFECT_GRANT_ENDED)
        return &f->u.grant.name;
    if (f->kind == EFFECT_ALIAS_MADE || f->kind == EFFECT_ALIAS_ENDED)
        return &f->u.alias->name;
    *n = 0;
    return NULL;
}

bool admin_effect_is_on(const struct effect *f, uint32_t name)
{
    size_t n;
    const uint32_t *names = admin_effect_names(f, &n);

    for (size_t i = 0; i < n; i++)
        if (names[i] == name)
            return true;
    return false;
}

json_t *admin_json_effect(const struct effect *f)
{
    json_t *object = json_object();
    bool is_whole = json_put(object, "what", json_string(effect_word(f->kind)));

    if (is_whole && effect_is_of_claim(f->kind))
        is_whole = json_put(object, "value", admin_json_value(f->u.claim.rdata.bytes, f->u.claim.rdata.len));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* What is made without a credential: by an administrator, the server itself, or a registration. */
bool admin_put_maker(json_t *item, const struct state *s, uint32_t credential, enum door door)
{
    const char *who = door == DOOR_ADMIN ? "administrator" : door == DOOR_SERVER ? "server" : "registration";

    if (credential != CREDENTIAL_ADMIN)
        return json_put_credential(item, s, credential);
    return json_put(item, "credential", json_null()) && json_put(item, "label", json_string(who));
}
