/* api/admin_internal.h -- what the files of /v1 share; for admin*.c only.
 *
 * One code for the admin socket and for /v1 on other addresses; what differs is who asks. On the admin socket that
 * is somebody who may do everything. Elsewhere it is a credential, which the committer authorizes: for a change as
 * for any, for a look with a REQUEST_LOOK; and what a look shows is decided by a viewer (core/viewer.h).
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
#include "core/viewer.h"

/* ---- changes ---- */

/* Read what a change is about: the body b, and the path. What goes into r is copied into r->arena. */
typedef void admin_fill(struct http_request *rq, struct request *r, const struct body *b);

/* Members of a credential that say what it may do: label, names, actions, kinds, networks, expires. */
void admin_read_rights(struct request_credential *c, const struct body *b);

/* What a handler of a change consists of. */
struct admin_change {
    enum request_kind kind;
    const char *const *members; /* of the body */
    size_t n_members;
    admin_fill *fill;
    http_look *look;
};
/* An empty request with its caller. NULL: the caller names no credential, or no memory, and the reply is set. */
MUST_USE struct request *admin_request(struct http_request *rq, enum request_kind kind);
/* Make the request, fill it, submit it. */
void admin_submit(struct http_request *rq, const struct admin_change *how);

/* A parameter of the path, a text without NUL, in the arena; NULL: a problem. */
const char *admin_param(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem);
struct name_ref admin_param_name(struct http_request *rq, struct arena *arena, struct problem *problem);
/* The name that the path means, for a look; NULL: the reply is set. result and state may be NULL. */
const struct name_entry *admin_find_name(struct http_request *rq, const struct result *result,
                                         const struct state *state);
/* A query argument, copied into the arena; NULL: not there. */
const char *admin_query(struct http_request *rq, const char *name, struct arena *arena, struct problem *problem);

/* ---- looks ---- */

/* http_inspect() for whoever may look at that. look begins with admin_viewer(); answer (may be NULL) is called when
 * look has not replied. */
void admin_inspect(struct http_request *rq, enum look what, http_look *look, http_answer *answer);
/* For whom the look is. False: it is refused, or there is no state, and the reply is set. */
MUST_USE bool admin_viewer(struct viewer *v, struct http_request *rq, const struct result *result,
                           const struct state *state);

/* http_offload() for whoever may look at that: a thread is not for everybody. */
void admin_offload(struct http_request *rq, enum look what, void (*work)(struct http_request *rq));

#define ADMIN_LOOK_WAIT_MS 3000
typedef void admin_look(void *arg, const struct viewer *viewer, const struct state *state);
/* The same from a thread of http_offload(): call look on the committer's thread and wait for it. False: it was not
 * called and never will be, because the caller is refused, or the committer is busy with a disk that hangs, or is
 * stopping; then the reply is set. */
MUST_USE bool admin_look_now(struct http_request *rq, enum look what, admin_look *look, void *arg);

/* Whoever names no credential at all needs to hear of nothing else. True: the reply is set. */
bool admin_refuse_nobody(struct http_request *rq);

/* ---- replies; false: the caller goes on ---- */

bool admin_refuse_problem(struct http_request *rq, const struct problem *problem);
/* A result that is not done: as http_reply_refused(), but what is wrong with a secret is for the operator only. */
void admin_reply_refused(struct http_request *rq, const struct result *result);
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
/* With those names of its scope that the viewer sees. */
json_t *admin_json_credential(const struct state *s, const struct viewer *v, const struct credential *c);
json_t *admin_json_scope(const struct state *s, const struct viewer *v, const struct credential *c);
/* The text of character-strings. */
json_t *admin_json_value(const uint8_t *rdata, size_t rdlen);
/* Add to list what of n's dns-persist-01 records no authority takes at now_s any more, or not for long; nothing
 * when the list has LAPSING_MAX already. False: no memory. */
#define LAPSING_MAX 20
MUST_USE bool admin_note_lapsing(json_t *list, const struct state *s, const struct name_entry *n, int64_t now_s);
/* Set item's "credential" and "label": who made an entry of the journal. False: no memory. */
MUST_USE bool admin_put_maker(json_t *item, const struct state *s, uint32_t credential, enum door door);

/* ---- effects, as the journal has them ---- */

/* The ids of the names that an effect is on; *n 0: it is on none. Valid as long as the effect. */
const uint32_t *admin_effect_names(const struct effect *f, size_t *n);
bool admin_effect_is_on(const struct effect *f, uint32_t name);
/* {"what", "value"?}; NULL: no memory. */
json_t *admin_json_effect(const struct effect *f);

/* ---- handlers ---- */

route_handler admin_self, admin_server_show, admin_reload, admin_backup, admin_refusals, admin_journal;
route_handler admin_account_list, admin_account_show, admin_account_put, admin_account_patch, admin_account_delete;
route_handler admin_name_list, admin_name_create, admin_name_show, admin_name_patch, admin_name_delete;
route_handler admin_value_list, admin_value_add, admin_value_remove, admin_value_put, admin_value_delete,
    admin_trace;
route_handler admin_credential_list, admin_credential_create, admin_credential_show, admin_credential_patch,
    admin_credential_delete, admin_credential_rotate;
route_handler admin_token_list, admin_token_create, admin_token_show, admin_token_delete;
route_handler admin_apply;
route_handler admin_check;
route_handler admin_openapi, admin_problem;

#endif
