/* Accounts: made, set, deleted. */
#include <inttypes.h>
#include <string.h>

#include "core/decide_internal.h"
#include "core/label.h"

bool account_name_is_acceptable(struct deciding *c, const char *name)
{
    if (name != NULL && label_is_account_name(name, strlen(name)))
        return true;
    hint(c, "an account is named by 1 to 63 of a-z 0-9 . _ -, and begins with a letter or digit");
    (void)refuse(c, REFUSAL_MALFORMED, "\"%s\" cannot be the name of an account",
                 name != NULL ? show_printable(name, strlen(name)).text : "");
    return false;
}

enum err decide_account_create(struct deciding *c)
{
    const struct request_account *req = &c->r->u.account;
    struct effect_account row = {.id = state_last_account(c->s) + 1, .note = "", .created_s = c->d->now_s};
    const struct account *there;
    enum err e;

    if (!account_name_is_acceptable(c, req->name))
        return ERR_OK;
    there = state_account_by_name(c->s, req->name, strlen(req->name));
    if (there != NULL && there->deleted_s == 0) {
        hint(c, "riposte account show %s", there->name);
        return refuse(c, REFUSAL_CONFLICT, "there is an account %s already", there->name);
    }
    if (!note_is_acceptable(c, req->has_note ? req->note : NULL))
        return ERR_OK;
    c->res->account = row.id;
    e = copy_text(c, &row.name, req->name);
    if (e == ERR_OK)
        e = account_change_row(c, req, &row);
    return e == ERR_OK ? emit_account(c, EFFECT_ACCOUNT_MADE, &row) : e;
}

bool account_is_same(const struct account *a, const struct request_account *req)
{
    const char *note = req->note != NULL ? req->note : "";

    return (!req->has_note || strcmp(a->note != NULL ? a->note : "", note) == 0) &&
           (!req->has_disabled || a->disabled == req->disabled) &&
           (!req->has_names_max || a->names_max == req->names_max);
}

enum err account_change_row(struct deciding *c, const struct request_account *req, struct effect_account *row)
{
    if (req->has_disabled)
        row->disabled = req->disabled;
    if (req->has_names_max)
        row->names_max = req->names_max;
    return req->has_note ? copy_text(c, &row->note, req->note) : ERR_OK;
}

enum err decide_account_set(struct deciding *c)
{
    const struct request_account *req = &c->r->u.account;
    struct effect_account *row;
    struct account *a;
    enum err e = find_account(c, req->name, &a);

    if (e != ERR_OK || is_refused(c) || !note_is_acceptable(c, req->has_note ? req->note : NULL))
        return e;
    c->res->account = a->id;
    if (account_is_same(a, req))
        return ERR_OK;
    row = row_of_account(c, a);
    if (row == NULL)
        return ERR_MEMORY;
    e = account_change_row(c, req, row);
    return e == ERR_OK ? emit_account(c, EFFECT_ACCOUNT_SET, row) : e;
}

/* Nothing of a deleted account may go on working. */
static MUST_USE enum err revoke_all_of(struct deciding *c, uint32_t account)
{
    enum err e = ERR_OK;

    for (uint32_t id = 1; id <= state_last_credential(c->s) && e == ERR_OK; id++) {
        const struct credential *cred = state_credential(c->s, id);
        if (cred != NULL && cred->account == account && credential_revoked_s(cred) == 0)
            e = emit_revocation(c, cred);
    }
    for (uint32_t id = 1; id <= state_last_token(c->s) && e == ERR_OK; id++) {
        const struct token *t = state_token(c->s, id);
        if (t != NULL && t->account == account && t->revoked_s == 0)
            e = emit_token_revocation(c, t);
    }
    return e;
}

enum err decide_account_delete(struct deciding *c)
{
    struct effect_account *row;
    struct account *a;
    enum err e = find_account(c, c->r->u.account.name, &a);

    if (e != ERR_OK || is_refused(c))
        return e;
    c->res->account = a->id;
    if (a->names > 0) {
        hint(c, "riposte name list --account %s, then riposte name delete", a->name);
        return refuse(c, REFUSAL_CONFLICT, "account %s still has %" PRIu32 " name%s", a->name, a->names,
                      a->names == 1 ? "" : "s");
    }
    e = revoke_all_of(c, a->id);
    if (e != ERR_OK)
        return e;
    row = row_of_account(c, state_account(c->s, c->res->account));
    if (row == NULL)
        return ERR_MEMORY;
    row->deleted_s = c->d->now_s;
    return emit_account(c, EFFECT_ACCOUNT_DELETED, row);
}
