#include "core/resolve.h"

#include <string.h>

#include "core/decide_internal.h"

/* Finding is a part of deciding that changes nothing; it can end in a refusal, and not in an error. */
static struct deciding looking(const struct state *s, const struct viewer *v, struct result *why)
{
    static const struct request of_all = {.kind = REQUEST_LOOK, .caller = {.auth = AUTH_LOCAL}};
    static const struct request of_holder = {.kind = REQUEST_LOOK, .caller = {.auth = AUTH_SECRET}};

    *why = (struct result){.authenticated = v->credential != NULL};
    return (struct deciding){.s = (struct state *)(uintptr_t)s,
                             .r = v->sees_all ? &of_all : &of_holder,
                             .res = why,
                             .credential = v->credential};
}

static void no_memory(struct deciding *c, enum err e)
{
    if (e != ERR_OK && !is_refused(c))
        (void)refuse(c, REFUSAL_FULL, "the server cannot look at the moment");
}

/* What is outside of the scope is not there for who looks. */
static void hide(struct deciding *c, const struct name_ref *ref)
{
    if (c->res->refusal != REFUSAL_NAME_NOT_IN_SCOPE)
        return;
    *c->res = (struct result){.authenticated = true};
    hint(c, "GET /v1/self shows what is in the scope");
    (void)refuse(c, REFUSAL_NOT_FOUND, "there is no name \"%s\" in the scope of %s",
                 show_printable(ref->text, ref->len).text, show_credential(c->credential).text);
}

const struct name_entry *state_resolve_name(const struct state *s, const struct viewer *v,
                                            const struct name_ref *ref, struct result *why)
{
    struct deciding c = looking(s, v, why);
    struct name_entry *n;
    struct name owner;

    no_memory(&c, find_name_in_scope(&c, ref, &n));
    hide(&c, ref);
    if (n == NULL && v->sees_all && why->refusal == REFUSAL_NOT_FOUND &&
        name_parse(&owner, ref->text, ref->len) == ERR_OK)
        n = state_name_by_owner(s, &owner);
    return n;
}

const struct credential *state_resolve_credential(const struct state *s, const struct viewer *v,
                                                  const struct credential_ref *ref, struct result *why)
{
    struct deciding c = looking(s, v, why);
    const struct credential *cred;

    no_memory(&c, find_credential(&c, ref, &cred));
    hide(&c, &ref->name);
    return cred;
}

const struct account *state_resolve_account(const struct state *s, const struct viewer *v, const char *name)
{
    const struct account *a = state_account_by_name(s, name, strlen(name));

    return a != NULL && viewer_sees_account(v, a) ? a : NULL;
}
