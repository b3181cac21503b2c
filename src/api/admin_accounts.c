/* /v1/accounts */
#include <stdio.h>
#include <string.h>

#include "api/admin_internal.h"

#define ACCOUNT_PARTS 8
#define SHOWN_MAX     80

static const char *const members[] = {"note", "disabled", "limits"};
static const char *const limits[] = {"names"};

static json_t *json_limits(const struct account *a)
{
    json_t *object = json_object();

    if (json_put(object, "names", a->names_max > 0 ? json_integer((json_int_t)a->names_max) : json_null()))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_of(const struct account *a)
{
    json_t *object = json_object();
    const char *note = a->note != NULL ? a->note : "";

    if (json_put(object, "account", json_string(a->name)) &&
        json_put(object, "note", json_bytes(note, strlen(note))) &&
        json_put(object, "disabled", json_boolean(a->disabled)) && json_put(object, "limits", json_limits(a)) &&
        json_put(object, "names", json_integer((json_int_t)a->names)) &&
        json_put(object, "created", json_time(a->created_s)) &&
        json_put(object, "unclaimed", json_boolean(a->unclaimed)) &&
        json_put(object, "deleted", json_time(a->deleted_s)))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

static void look_at_list(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    bool deleted = query_flag("deleted", http_query(rq, "deleted"), &problem);
    struct viewer v; /* whoever may look at accounts sees all */
    struct page page;

    page_init(&page, http_query(rq, "limit"), http_query(rq, "after"), &problem);
    if (!admin_viewer(&v, rq, result, state) || admin_refuse_problem(rq, &problem)) {
        page_fini(&page);
        return;
    }
    for (uint32_t id; (id = page_next(&page, state_last_account(state))) != 0;) {
        const struct account *a = state_account(state, id);
        if (a != NULL && (deleted || a->deleted_s == 0))
            page_add(&page, json_of(a), ACCOUNT_PARTS);
    }
    http_reply_json(rq, 200, page_give(&page));
}

void admin_account_list(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_at_list, NULL);
}

/* The account of the path; NULL: there is none, or a problem. */
static const struct account *find(struct http_request *rq, const struct state *state, struct problem *problem)
{
    const char *name = admin_param(rq, "account", http_arena(rq), problem);

    return name != NULL ? state_account_by_name(state, name, strlen(name)) : NULL;
}

static void look_at_one(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    const struct account *a;
    char detail[SHOWN_MAX + 32];
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state))
        return;
    a = find(rq, state, &problem);
    if (admin_refuse_problem(rq, &problem))
        return;
    if (a != NULL) {
        http_reply_json(rq, 200, json_of(a));
        return;
    }
    (void)snprintf(detail, sizeof detail, "there is no account \"%.*s\"", SHOWN_MAX,
                   admin_param(rq, "account", http_arena(rq), &problem));
    admin_refuse_missing(rq, detail, "riposte account list shows all accounts; riposte account create makes one");
}

void admin_account_show(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_at_one, NULL);
}

/* ---- changes ---- */

static void fill(struct http_request *rq, struct request *r, const struct body *b)
{
    struct request_account *account = &r->u.account;
    struct body limit;

    account->name = admin_param(rq, "account", &r->arena, b->problem);
    account->has_note = body_has(b, "note");
    account->note = body_text(b, "note");
    account->has_disabled = body_has(b, "disabled");
    account->disabled = body_flag(b, "disabled", false);
    if (!body_object(b, &limit, "limits", limits, ARRAY_LEN(limits)))
        return;
    account->has_names_max = body_has(&limit, "names");
    account->names_max = body_u32(&limit, "names", 1);
}

static void look_at_done(struct http_request *rq, const struct result *result, const struct state *state)
{
    if (!admin_refuse_undone(rq, result, state))
        http_reply_json(rq, 200, json_of(state_account(state, result->account)));
}

static void look_at_made(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct account *a;

    if (admin_refuse_undone(rq, result, state))
        return;
    a = state_account(state, result->account);
    admin_reply_created(rq, json_of(a), "/v1/accounts/", a->name);
}

static void look_at_gone(struct http_request *rq, const struct result *result, const struct state *state)
{
    (void)state;
    if (!admin_refuse_result(rq, result))
        http_reply_empty(rq, 204);
}

static const struct admin_change create = {REQUEST_ACCOUNT_CREATE, members, ARRAY_LEN(members), fill, look_at_made};
static const struct admin_change set = {REQUEST_ACCOUNT_SET, members, ARRAY_LEN(members), fill, look_at_done};
static const struct admin_change delete = {REQUEST_ACCOUNT_DELETE, NULL, 0, fill, look_at_gone};

void admin_account_patch(struct http_request *rq)
{
    admin_submit(rq, &set);
}

void admin_account_delete(struct http_request *rq)
{
    admin_submit(rq, &delete);
}

/* PUT makes or sets. Which of them it is, is seen a moment before; whoever else makes the same account in between
 * gets 201, and this one 409. */
static void look_whether_there(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    const struct account *a;
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state))
        return;
    a = find(rq, state, &problem);
    if (admin_refuse_problem(rq, &problem))
        return;
    http_set_user(rq, (void *)(uintptr_t)(a != NULL && a->deleted_s == 0 ? &set : &create));
}

static void put_account(struct http_request *rq, const struct result *unused)
{
    (void)unused;
    admin_submit(rq, http_user(rq));
}

void admin_account_put(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_whether_there, put_account);
}
