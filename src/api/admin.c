#include "api/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "api/credential.h"
#include "core/resolve.h"

#define LOCATION_MAX 2048

/* What the server's own machine may do only. */
#define HERE  SERVES_ADMIN
#define V1    (SERVES_ADMIN | SERVES_V1)
#define GROUP GROUP_ADMIN, 0, 0
/* A file with many accounts; everything else fits into api.max-body. */
#define LARGE GROUP_ADMIN, 0, HTTP_LARGE_BODY

const struct route admin_routes[] = {
    {"POST", "/v1/reload", HERE, GROUP, admin_reload},
    {"POST", "/v1/backup", HERE, GROUP, admin_backup},

    {"GET", "/v1/self", V1, GROUP, admin_self},
    {"GET", "/v1/server", V1, GROUP, admin_server_show},
    {"GET", "/v1/refusals", V1, GROUP, admin_refusals},
    {"GET", "/v1/journal", V1, GROUP, admin_journal},

    {"GET", "/v1/accounts", V1, GROUP, admin_account_list},
    {"GET", "/v1/accounts/{account}", V1, GROUP, admin_account_show},
    {"PUT", "/v1/accounts/{account}", V1, GROUP, admin_account_put},
    {"PATCH", "/v1/accounts/{account}", V1, GROUP, admin_account_patch},
    {"DELETE", "/v1/accounts/{account}", V1, GROUP, admin_account_delete},

    {"GET", "/v1/names", V1, GROUP, admin_name_list},
    {"POST", "/v1/names", V1, GROUP, admin_name_create},
    {"GET", "/v1/names/{name}", V1, GROUP, admin_name_show},
    {"PATCH", "/v1/names/{name}", V1, GROUP, admin_name_patch},
    {"DELETE", "/v1/names/{name}", V1, GROUP, admin_name_delete},
    {"GET", "/v1/names/{name}/values", V1, GROUP, admin_value_list},
    {"POST", "/v1/names/{name}/values", V1, GROUP, admin_value_add},
    {"DELETE", "/v1/names/{name}/values", V1, GROUP, admin_value_remove},
    {"PUT", "/v1/names/{name}/values/{text}", V1, GROUP, admin_value_put},
    {"DELETE", "/v1/names/{name}/values/{text}", V1, GROUP, admin_value_delete},
    {"GET", "/v1/names/{name}/trace", V1, GROUP, admin_trace},

    {"GET", "/v1/credentials", V1, GROUP, admin_credential_list},
    {"POST", "/v1/credentials", V1, GROUP, admin_credential_create},
    {"GET", "/v1/credentials/{credential}", V1, GROUP, admin_credential_show},
    {"PATCH", "/v1/credentials/{credential}", V1, GROUP, admin_credential_patch},
    {"DELETE", "/v1/credentials/{credential}", V1, GROUP, admin_credential_delete},
    {"POST", "/v1/credentials/{credential}/rotate", V1, GROUP, admin_credential_rotate},

    {"GET", "/v1/tokens", V1, GROUP, admin_token_list},
    {"POST", "/v1/tokens", V1, GROUP, admin_token_create},
    {"GET", "/v1/tokens/{token}", V1, GROUP, admin_token_show},
    {"DELETE", "/v1/tokens/{token}", V1, GROUP, admin_token_delete},

    {"POST", "/v1/apply", V1, LARGE, admin_apply},
    {"POST", "/v1/checks", V1, GROUP, admin_check},

    {"GET", "/v1/openapi.yaml", V1, GROUP, admin_openapi},
    {"GET", "/problems/{code}", V1, GROUP, admin_problem},
};

const size_t admin_routes_count = ARRAY_LEN(admin_routes);

/* ---- who asks ---- */

static enum door door_of(const struct http_request *rq)
{
    return http_is_local(rq) ? DOOR_ADMIN : DOOR_V1;
}

/* RFC 9110 section 11.6.1: what would be taken. */
static void put_challenges(struct http_request *rq)
{
    http_reply_header(rq, "WWW-Authenticate", "Bearer realm=\"riposte\"");
    http_reply_header(rq, "WWW-Authenticate", "Basic realm=\"riposte\", charset=\"UTF-8\"");
}

static void reply_unauthenticated(struct http_request *rq)
{
    http_reply_problem(
        rq, REFUSAL_UNAUTHENTICATED, "there is no such credential, or this is not its secret",
        "Authorization: Bearer ID.SECRET, or basic authentication with ID and SECRET of a credential");
    put_challenges(rq);
}

struct request *admin_request(struct http_request *rq, enum request_kind kind)
{
    struct request *r = http_change(rq, kind, door_of(rq));

    if (r == NULL || http_is_local(rq) || credential_take_bearer(rq, &r->caller))
        return r;
    request_free(r);
    reply_unauthenticated(rq);
    return NULL;
}

bool admin_refuse_nobody(struct http_request *rq)
{
    struct request *r = admin_request(rq, REQUEST_LOOK);
    bool is_refused = r == NULL;

    request_free(r);
    return is_refused;
}

/* ---- replies ---- */

bool admin_refuse_problem(struct http_request *rq, const struct problem *problem)
{
    if (!problem_is(problem))
        return false;
    if (http_is_local(rq) && strcmp(http_method(rq), "GET") != 0) /* what was only asked for is no refused change */
        http_record_refusal(rq, DOOR_ADMIN, problem->reason, "administrator", NULL, problem->detail);
    http_reply_problem(rq, problem->reason, problem->detail, problem->hint);
    return true;
}

void admin_reply_refused(struct http_request *rq, const struct result *result)
{
    if (result->refusal == REFUSAL_UNAUTHENTICATED && !http_is_local(rq))
        reply_unauthenticated(rq);
    else
        http_reply_refused(rq, result);
}

bool admin_refuse_result(struct http_request *rq, const struct result *result)
{
    if (result->outcome == OUTCOME_DONE)
        return false;
    admin_reply_refused(rq, result);
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

const struct name_entry *admin_find_name(struct http_request *rq, const struct result *result,
                                         const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct name_ref ref = admin_param_name(rq, http_arena(rq), &problem);
    const struct name_entry *n;
    struct result why;
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state) || admin_refuse_problem(rq, &problem))
        return NULL;
    n = state_resolve_name(state, &v, &ref, &why);
    if (n == NULL)
        admin_reply_refused(rq, &why);
    return n;
}

const char *admin_query(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem)
{
    const char *text = http_query(rq, name);

    return text != NULL ? copy_text(arena, text, strlen(text), name, problem) : NULL;
}

/* ---- changes ---- */

/* Read the body, which may be empty, and the path. False: a problem. */
static bool read_change(struct http_request *rq, struct request *r, const struct admin_change *how,
                        struct problem *problem)
{
    struct body body;
    json_t *json;
    size_t len;

    (void)http_body(rq, &len);
    json = len > 0 ? http_body_json(rq) : NULL;
    if (len > 0 && json == NULL) {
        problem_say(problem, REFUSAL_MALFORMED, "the body cannot be read as JSON"); /* the reply says more */
        return false;
    }
    body_init(&body, json, &r->arena, problem, how->members, how->n_members);
    how->fill(rq, r, &body);
    json_decref(json);
    return !admin_refuse_problem(rq, problem);
}

/* The reply is set; it is sent to those only who have a credential that they may use. */
static void look_at_unreadable(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct problem *problem = http_user(rq);
    struct viewer v;

    if (admin_viewer(&v, rq, result, state))
        http_record_refusal_of(rq, DOOR_V1, problem->reason, v.credential, problem->detail);
}

static void refuse_unreadable(struct http_request *rq, const struct problem *problem)
{
    struct problem *kept = arena_alloc(http_arena(rq), sizeof *kept);

    if (http_is_local(rq) || kept == NULL)
        return;
    *kept = *problem;
    http_set_user(rq, kept);
    admin_inspect(rq, LOOK_AT_OWN, look_at_unreadable, NULL);
}

void admin_submit(struct http_request *rq, const struct admin_change *how)
{
    struct request *r = admin_request(rq, how->kind);
    struct problem problem = {.reason = REFUSAL_NONE};

    if (r == NULL)
        return;
    if (read_change(rq, r, how, &problem)) {
        http_submit(rq, r, how->look, NULL);
        return;
    }
    request_free(r);
    refuse_unreadable(rq, &problem);
}
