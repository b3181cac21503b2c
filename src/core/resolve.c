#include "core/resolve.h"

#include "core/decide_internal.h"

/* Finding is a part of deciding that changes nothing; it can end in a refusal, and not in an error. */
static struct deciding looking(const struct state *s, struct result *why)
{
    *why = (struct result){0};
    return (struct deciding){.s = (struct state *)(uintptr_t)s, .res = why};
}

static void no_memory(struct deciding *c, enum err e)
{
    if (e != ERR_OK && !is_refused(c))
        (void)refuse(c, REFUSAL_FULL, "the server cannot look at the moment");
}

const struct name_entry *state_resolve_name(const struct state *s, const struct name_ref *ref, struct result *why)
{
    struct deciding c = looking(s, why);
    struct name_entry *n;
    struct name owner;

    no_memory(&c, find_name(&c, ref, &n));
    if (n == NULL && why->refusal == REFUSAL_NOT_FOUND && name_parse(&owner, ref->text, ref->len) == ERR_OK)
        n = state_name_by_owner(s, &owner);
    return n;
}

const struct credential *state_resolve_credential(const struct state *s, const struct credential_ref *ref,
                                                  struct result *why)
{
    struct deciding c = looking(s, why);
    struct credential *cred;

    no_memory(&c, find_credential(&c, ref, &cred));
    return cred;
}
