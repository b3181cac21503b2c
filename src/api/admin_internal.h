/* api/admin_internal.h -- what the files of the admin socket's API share; for admin*.c only.
 *
 * A change is read from its body into a request on a thread of the HTTP server, and what came of it is looked at by
 * the committer, where the state has it already. Reading happens in a look alone. */
#ifndef API_ADMIN_INTERNAL_H
#define API_ADMIN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "api/admin_json.h"
#include "api/http.h"
#include "api/router.h"
#include "core/state.h"

/* ---- changes ---- */

/* Read what a change is about: the body b, and the path. What goes into r is copied into r->arena. */
typedef void admin_fill(struct http_request *rq, struct request *r, const struct body *b);

/* What a handler of a change consists of. */
struct admin_change {
    enum request_kind kind;
    const char *const *members; /* of the body */
    size_t n_members;
    admin_fill *fill;
    http_look *look;
};
/* Make the request, fill it, submit it. */
void admin_submit(struct http_request *rq, const struct admin_change *how);

/* A parameter of the path, a text without NUL, in the arena; NULL: a problem. */
const char *admin_param(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem);
struct name_ref admin_param_name(struct http_request *rq, struct arena *arena, struct problem *problem);
/* The name that the path means; NULL: the reply is set. state may be NULL. */
const struct name_entry *admin_find_name(struct http_request *rq, const struct state *state);
/* A query argument, copied into the arena; NULL: not there. */
const char *admin_query(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem);

/* ---- replies; false: the caller goes on ---- */

bool admin_refuse_problem(struct http_request *rq, const struct problem *problem);
bool admin_refuse_result(struct http_request *rq, const struct result *result); /* not done */
bool admin_refuse_stateless(struct http_request *rq, const struct state *state);
/* What every look after a change begins with: both of the above. */
bool admin_refuse_undone(struct http_request *rq, const struct result *result, const struct state *state);
/* There is no such account, credential, …: detail says which. */
void admin_refuse_missing(struct http_request *rq, const char *detail, const char *hint);
/* 201 with Location: path and then id, which need no escapes. Takes body. */
void admin_reply_created(struct http_request *rq, json_t *body, const char *path, const char *id);

/* ---- things as they are shown; NULL: no memory ---- */

json_t *admin_json_name(struct http_request *rq, const struct state *s, const struct name_entry *n);
json_t *admin_json_credential(const struct state *s, const struct credential *c);

/* ---- looking from a thread of http_offload() ---- */

#define ADMIN_LOOK_WAIT_MS 3000
typedef void admin_look(void *arg, const struct state *state);
/* Call look on the committer's thread and wait for it. False: it was not called and never will be, the committer is
 * busy with a disk that hangs, or is stopping. state may be NULL. */
MUST_USE bool admin_look_now(struct http_request *rq, admin_look *look, void *arg);

/* ---- handlers ---- */

route_handler admin_server_show, admin_reload, admin_backup, admin_refusals;
route_handler admin_account_list, admin_account_show, admin_account_put, admin_account_patch, admin_account_delete;
route_handler admin_name_list, admin_name_create, admin_name_show, admin_name_patch, admin_name_delete;
route_handler admin_value_list, admin_value_add, admin_value_remove, admin_trace;
route_handler admin_credential_list, admin_credential_create, admin_credential_show, admin_credential_patch,
    admin_credential_delete, admin_credential_rotate;
route_handler admin_token_list, admin_token_create, admin_token_show, admin_token_delete;

#endif
