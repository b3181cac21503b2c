/* Registration tokens: made, revoked. */
#include <inttypes.h>
#include <string.h>

#include "core/decide_internal.h"
#include "core/label.h"
#include "core/secret.h"

enum err decide_token_create(struct deciding *c)
{
    const struct request_token *req = &c->r->u.token;
    struct effect_token *row = arena_alloc(&c->e->arena, sizeof *row);
    struct account *a;
    enum err e;

    if (row == NULL)
        return ERR_MEMORY;
    e = find_account(c, req->account, &a);
    if (e != ERR_OK || is_refused(c) || !networks_are_acceptable(c, req->n_networks) ||
        !expiry_is_acceptable(c, req->expires_s))
        return e;
    if (req->labels != NULL && !label_is_pattern(req->labels, strlen(req->labels))) {
        hint(c, "labels such as shop-*: * is %d generated characters, ? is one", LABEL_STAR_LEN);
        return refuse(c, REFUSAL_BAD_LABEL, "\"%s\" is not a pattern of labels",
                      show_printable(req->labels, strlen(req->labels)).text);
    }
    row->id = state_last_token(c->s) + 1;
    row->account = a->id;
    row->created_s = c->d->now_s;
    row->expires_s = req->expires_s;
    row->count_max = req->count;
    row->n_networks = req->n_networks;
    c->res->token = row->id;
    c->res->account = row->account;
    e = token_make(c->res->secret, c->d->random);
    if (e == ERR_OK)
        e = secret_hash(row->sha256, c->res->secret);
    if (e == ERR_OK)
        e = copy_nets(c, &row->networks, req->networks, req->n_networks);
    if (e == ERR_OK)
        e = copy_text(c, &row->labels, req->labels);
    return e == ERR_OK ? emit_token(c, EFFECT_TOKEN_MADE, row) : e;
}

enum err decide_token_revoke(struct deciding *c)
{
    const struct token *t = state_token(c->s, c->r->u.token.id);

    if (t == NULL) {
        hint(c, "riposte token list shows all tokens");
        return refuse(c, REFUSAL_NOT_FOUND, "there is no token %" PRIu32, c->r->u.token.id);
    }
    c->res->token = t->id;
    c->res->account = t->account;
    return t->revoked_s == 0 ? emit_token_revocation(c, t) : ERR_OK;
}
