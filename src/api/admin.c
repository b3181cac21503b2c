#include "api/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "core/resolve.h"

#define LOCATION_MAX 2048

const struct route admin_routes[] = {
    {"GET", "/v1/server", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_server_show},
    {"POST", "/v1/reload", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_reload},
    {"POST", "/v1/backup", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_backup},
    {"GET", "/v1/refusals", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_refusals},

    {"GET", "/v1/accounts", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_account_list},
    {"GET", "/v1/accounts/{account}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_account_show},
    {"PUT", "/v1/accounts/{account}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_account_put},
    {"PATCH", "/v1/accounts/{account}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_account_patch},
    {"DELETE", "/v1/accounts/{account}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_account_delete},

    {"GET", "/v1/names", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_name_list},
    {"POST", "/v1/names", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_name_create},
    {"GET", "/v1/names/{name}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_name_show},
    {"PATCH", "/v1/names/{name}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_name_patch},
    {"DELETE", "/v1/names/{name}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_name_delete},
    {"GET", "/v1/names/{name}/values", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_value_list},
    {"POST", "/v1/names/{name}/values", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_value_add},
    {"DELETE", "/v1/names/{name}/values", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_value_remove},
    {"GET", "/v1/names/{name}/trace", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_trace},

    {"GET", "/v1/credentials", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_list},
    {"POST", "/v1/credentials", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_create},
    {"GET", "/v1/credentials/{credential}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_show},
    {"PATCH", "/v1/credentials/{credential}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_patch},
    {"DELETE", "/v1/credentials/{credential}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_delete},
    {"POST", "/v1/credentials/{credential}/rotate", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_credential_rotate},

    {"GET", "/v1/tokens", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_token_list},
    {"POST", "/v1/tokens", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_token_create},
    {"GET", "/v1/tokens/{token}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_token_show},
    {"DELETE", "/v1/tokens/{token}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, admin_token_delete},
};

const size_t admin_routes_count = ARRAY_LEN(admin_routes);

/* ---- replies ---- */

bool admin_refuse_problem(struct http_request *rq, const struct problem *problem)
{
    if (!problem_is(problem))
        return false;
    if (strcmp(http_method(rq), "GET") != 0) /* what was only asked for is no refused change */
        http_record_refusal(rq, DOOR_ADMIN, problem->reason, "administrator", NULL, problem->detail);
    http_reply_problem(rq, problem->reason, problem->detail, problem->hint);
    return true;
}

bool admin_refuse_result(struct http_request *rq, const struct result *result)
{
    if (result->outcome == OUTCOME_DONE)
        return false;
    http_reply_refused(rq, result);
    return true;
}

bool admin_refuse_stateless(struct http_request *rq, const struct state *state)
{
    if (state != NULL)
        return false;
    http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, "the store is being loaded, or hangs", "riposte status");
    return true;
}

bool admin_refuse_undone(struct http_request *rq, const struct result *result, const struct state *state)
{
    return admin_refuse_result(rq, result) || admin_refuse_stateless(rq, state);
}

void admin_refuse_missing(struct http_request *rq, const char *detail, const char *hint)
{
    http_reply_problem(rq, REFUSAL_NOT_FOUND, detail, hint);
}

void admin_reply_created(struct http_request *rq, json_t *body, const char *path, const char *id)
{
    char location[LOCATION_MAX];
    int len = snprintf(location, sizeof location, "%s%s", path, id);

    http_reply_json(rq, 201, body);
    if (body != NULL && len > 0 && (size_t)len < sizeof location)
        http_reply_header(rq, "Location", location);
}

/* ---- what comes with a request ---- */

static const char *copy_text(struct arena *arena, const char *text, size_t len, const char *name,
                             struct problem *problem)
{
    const char *copy = arena_copy(arena, text, len);

    if (copy == NULL)
        problem_say(problem, REFUSAL_FULL, "out of memory");
    else if (memchr(text, '\0', len) != NULL)
        problem_say(problem, REFUSAL_MALFORMED, "%s: a NUL cannot be in it", name);
    else
        return copy;
    return NULL;
}

const char *admin_param(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem)
{
    size_t len;
    const char *text = http_param(rq, name, &len);

    if (text != NULL)
        return copy_text(arena, text, len, name, problem);
    problem_say(problem, REFUSAL_FULL, "out of memory");
    return NULL;
}

struct name_ref admin_param_name(struct http_request *rq, struct arena *arena, struct problem *problem)
{
    const char *text = admin_param(rq, "name", arena, problem);

    return (struct name_ref){NAME_REF_ANY, text != NULL ? text : "", text != NULL ? strlen(text) : 0};
}

const struct name_entry *admin_find_name(struct http_request *rq, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct name_ref ref = admin_param_name(rq, http_arena(rq), &problem);
    const struct name_entry *n;
    struct result why;

    if (admin_refuse_problem(rq, &problem) || admin_refuse_stateless(rq, state))
        return NULL;
    n = state_resolve_name(state, &ref, &why);
    if (n == NULL)
        http_reply_refused(rq, &why);
    return n;
}

const char *admin_query(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem)
{
    const char *text = http_query(rq, name);

    return text != NULL ? copy_text(arena, text, strlen(text), name, problem) : NULL;
}

/* ---- changes ---- */

/* Parse the body, which may be empty; false: the reply is set. */
static bool parse_body(struct http_request *rq, json_t **json)
{
    size_t len;

    (void)http_body(rq, &len);
    *json = len > 0 ? http_body_json(rq) : NULL;
    return len == 0 || *json != NULL;
}

void admin_submit(struct http_request *rq, const struct admin_change *how)
{
    struct request *r = http_change(rq, how->kind, DOOR_ADMIN);
    struct problem problem = {.reason = REFUSAL_NONE};
    struct body body;
    json_t *json;

    if (r == NULL)
        return;
    if (!parse_body(rq, &json)) {
        request_free(r);
        return;
    }
    body_init(&body, json, &r->arena, &problem, how->members, how->n_members);
    how->fill(rq, r, &body);
    json_decref(json);
    if (admin_refuse_problem(rq, &problem))
        request_free(r);
    else
        http_submit(rq, r, how->look, NULL);
}
