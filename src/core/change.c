#include "core/change.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "core/apply.h"

static const char *const kind_words[REQUEST_KINDS] = {
    [REQUEST_VALUE_ADD] = "value-add",
    [REQUEST_VALUE_REMOVE] = "value-remove",
    [REQUEST_UPDATE] = "update",
    [REQUEST_REGISTER] = "register",
    [REQUEST_ACCOUNT_CREATE] = "account-create",
    [REQUEST_ACCOUNT_SET] = "account-set",
    [REQUEST_ACCOUNT_DELETE] = "account-delete",
    [REQUEST_NAME_CREATE] = "name-create",
    [REQUEST_NAME_SET] = "name-set",
    [REQUEST_NAME_DELETE] = "name-delete",
    [REQUEST_CREDENTIAL_CREATE] = "credential-create",
    [REQUEST_CREDENTIAL_SET] = "credential-set",
    [REQUEST_CREDENTIAL_ROTATE] = "credential-rotate",
    [REQUEST_CREDENTIAL_REVOKE] = "credential-revoke",
    [REQUEST_TOKEN_CREATE] = "token-create",
    [REQUEST_TOKEN_REVOKE] = "token-revoke",
    [REQUEST_APPLY] = "apply",
    [REQUEST_CONFIGURE] = "configure",
    [REQUEST_EXPIRE] = "expire",
    [REQUEST_PRUNE] = "prune",
    [REQUEST_LOOK] = "look",
};

struct request *request_new(enum request_kind kind, enum door door)
{
    struct request *r = malloc(sizeof(*r));

    if (r == NULL)
        return NULL;
    memset(r, 0, offsetof(struct request, first)); /* the arena zeroes what it gives of the rest */
    r->kind = kind;
    r->caller.door = door;
    arena_init_with(&r->arena, REQUEST_ARENA_MAX, r->first, sizeof(r->first));
    return r;
}

enum err request_set_value(struct request *r, const struct name_ref *name, const char *text, size_t len)
{
    struct value_text *value = arena_alloc(&r->arena, sizeof(*value));

    if (value == NULL)
        return ERR_MEMORY;
    *value = (struct value_text){.text = text, .len = len, .lifetime_s = -1};
    r->u.values = (struct request_values){.name = *name, .n = 1, .values = value};
    return ERR_OK;
}

void request_free(struct request *r)
{
    if (r == NULL)
        return;
    if (r->kind == REQUEST_APPLY)
        apply_plan_free(r->u.apply.plan);
    crypto_wipe(r->caller.secret, sizeof(r->caller.secret));
    arena_fini(&r->arena);
    free(r);
}

const char *request_kind_word(enum request_kind k)
{
    return (unsigned)k < ARRAY_LEN(kind_words) ? kind_words[k] : "unknown";
}
