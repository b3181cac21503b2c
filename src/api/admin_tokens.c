/* /v1/tokens */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/admin_internal.h"

#define TOKEN_PARTS 10

static const char *const members[] = {"account", "count", "expires", "networks", "labels"};

static json_t *json_of(const struct state *s, const struct token *t)
{
    json_t *object = json_object();
    const char *labels = t->labels != NULL ? t->labels : "";

    if (json_put(object, "token", json_integer((json_int_t)t->id)) &&
        json_put(object, "account", json_account(s, t->account)) &&
        json_put(object, "count", t->count_max > 0 ? json_integer((json_int_t)t->count_max) : json_null()) &&
        json_put(object, "used", json_integer((json_int_t)t->used)) &&
        json_put(object, "expires", json_time(t->expires_s)) &&
        json_put(object, "networks", json_nets(t->networks, t->n_networks)) &&
        json_put(object, "labels", json_bytes(labels, strlen(labels))) &&
        json_put(object, "created", json_time(t->created_s)) &&
        json_put(object, "revoked", json_time(t->revoked_s)))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

static void look_at_list(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct viewer v; /* whoever may look at tokens sees all */
    struct page page;

    page_init(&page, http_query(rq, "limit"), http_query(rq, "after"), &problem);
    if (!admin_viewer(&v, rq, result, state) || admin_refuse_problem(rq, &problem)) {
        page_fini(&page);
        return;
    }
    for (uint32_t id; (id = page_next(&page, state_last_token(state))) != 0;) {
        const struct token *t = state_token(state, id);
        if (t != NULL)
            page_add(&page, json_of(state, t), TOKEN_PARTS + t->n_networks);
    }
    http_reply_json(rq, 200, page_give(&page));
}

void admin_token_list(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_at_list, NULL);
}

/* The id in the path. */
static uint32_t read_id(struct http_request *rq, struct arena *arena, struct problem *problem)
{
    const char *text = admin_param(rq, "token", arena, problem);

    if (text != NULL && strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0) {
        problem_say(problem, REFUSAL_MALFORMED,
                    "a token is named by its number, not by its secret; riposte token list");
        return 0;
    }
    return (uint32_t)query_number("token", text, 0, UINT32_MAX, problem);
}

static void look_at_one(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    uint32_t id = read_id(rq, http_arena(rq), &problem);
    const struct token *t;
    char detail[48];
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state) || admin_refuse_problem(rq, &problem))
        return;
    t = state_token(state, id);
    if (t != NULL) {
        http_reply_json(rq, 200, json_of(state, t));
        return;
    }
    (void)snprintf(detail, sizeof detail, "there is no token %" PRIu32, id);
    admin_refuse_missing(rq, detail, "riposte token list shows all tokens");
}

void admin_token_show(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_at_one, NULL);
}

/* ---- changes ---- */

static void fill(struct http_request *rq, struct request *r, const struct body *b)
{
    struct request_token *token = &r->u.token;

    (void)rq;
    token->account = body_needed(b, "account");
    token->count = body_u32(b, "count", 1);
    token->expires_s = body_time(b, "expires");
    token->networks = body_nets(b, "networks", &token->n_networks);
    token->labels = body_text(b, "labels");
}

static void look_at_made(struct http_request *rq, const struct result *result, const struct state *state)
{
    char id[16];
    json_t *object;

    if (admin_refuse_undone(rq, result, state))
        return;
    object = json_of(state, state_token(state, result->token));
    if (object != NULL && !json_put(object, "secret", json_string(result->secret))) {
        json_decref(object);
        object = NULL;
    }
    (void)snprintf(id, sizeof id, "%" PRIu32, result->token);
    admin_reply_created(rq, object, "/v1/tokens/", id);
}

static void fill_id(struct http_request *rq, struct request *r, const struct body *b)
{
    r->u.token.id = read_id(rq, &r->arena, b->problem);
}

static void look_at_revoked(struct http_request *rq, const struct result *result, const struct state *state)
{
    (void)state;
    if (!admin_refuse_result(rq, result))
        http_reply_empty(rq, 204);
}

void admin_token_create(struct http_request *rq)
{
    static const struct admin_change create = {REQUEST_TOKEN_CREATE, members, ARRAY_LEN(members), fill,
                                               look_at_made};

    admin_submit(rq, &create);
}

void admin_token_delete(struct http_request *rq)
{
    static const struct admin_change revoke = {REQUEST_TOKEN_REVOKE, NULL, 0, fill_id, look_at_revoked};

    admin_submit(rq, &revoke);
}
