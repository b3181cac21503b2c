/* api/http.h -- what a handler can know of a request, and how it answers.
 *
 * A handler is called on a thread of the HTTP server when the whole request has come in. It does one of four
 * things:
 *   - answers at once, with one of the http_reply_…() functions;
 *   - leaves a change with the committer: http_submit();
 *   - looks at the state: http_inspect();
 *   - does something that blocks on a thread of its own: http_offload().
 * The last three suspend the connection; the server's threads serve others meanwhile. When what was asked for has
 * happened, `look` is called on the committer's thread, where the state may be read and nothing may block, and then
 * `answer` on a thread of the HTTP server. Either may be NULL; one of them must reply. The handler returns right
 * after the call.
 *
 * Everything belongs to one thread at a time: functions on a request are called by whoever is just working on it.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "api/router.h"
#include "api/server.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/text.h"
#include "core/change.h"
#include "core/change_sink.h"
#include "core/refusal.h"
#include "core/refusals.h"
#include "core/state.h"
#include "core/trace.h"

struct http_request;

/* What the server was started with. */
struct api_services {
    struct change_sink sink;
    struct refusals *refusals;
    struct trace *trace;        /* may be NULL */
    struct api_control control; /* functions may be NULL in tests */
    struct api_server *server;
};
const struct api_services *http_services(const struct http_request *rq);

/* A body that only few routes take (struct route, max_body). */
#define HTTP_LARGE_BODY ((size_t)1 << 20)

/* ---- the request ---- */

const char *http_method(const struct http_request *rq);
const char *http_path(const struct http_request *rq); /* as sent, without the query */
const char *http_request_id(const struct http_request *rq);
/* The admin socket: whoever could open it may do everything. */
bool http_is_local(const struct http_request *rq);
/* The client behind trusted proxies; ADDR_NONE when that cannot be known, ADDR_LOCAL on unix sockets. */
const struct addr *http_client(const struct http_request *rq);
/* Peer of a unix socket; (uid_t)-1 elsewhere. */
uid_t http_peer_uid(const struct http_request *rq);
const char *http_base_url(const struct http_request *rq); /* api.base-url, or made from the first address */
enum registration_allow http_registration(const struct http_request *rq);
size_t http_values_budget(const struct http_request *rq); /* octets */
/* The first header of that name, blanks at both ends removed, not NUL-terminated; NULL: none. */
const char *http_header(const struct http_request *rq, const char *name, size_t *len);
/* A parameter of the route's pattern, decoded, NUL-terminated (it may hold a NUL itself: len counts); NULL: the
 * pattern has none of that name, or no memory. */
const char *http_param(struct http_request *rq, const char *name, size_t *len);
/* The first query argument of that name, decoded, NUL-terminated; NULL: none. "" for one without '='. */
const char *http_query(struct http_request *rq, const char *name);
const char *http_body(const struct http_request *rq, size_t *len);
/* Parse the body. Gives a value (json_decref() it); NULL: it could not be read (also: doubled members, nesting
 * deeper than HTTP_JSON_DEPTH_MAX), and the reply, 400 as a problem, is set already. */
#define HTTP_JSON_DEPTH_MAX 32
MUST_USE json_t *http_body_json(struct http_request *rq);
/* Memory until the request's end. */
struct arena *http_arena(struct http_request *rq);
/* A pointer that the handler keeps for look and answer; NULL at first. */
void http_set_user(struct http_request *rq, void *user);
void *http_user(const struct http_request *rq);

/* ---- waiting ---- */

/* A new request for a change with its caller filled in: door, client, request id; AUTH_LOCAL on the admin socket,
 * else AUTH_NONE. NULL: no memory, and the reply (503) is set. */
MUST_USE struct request *http_change(struct http_request *rq, enum request_kind kind, enum door door);

/* result is NULL after http_inspect(); state is NULL when the request ran into its deadline. */
typedef void http_look(struct http_request *rq, const struct result *result, const struct state *state);
typedef void http_answer(struct http_request *rq, const struct result *result);

/* Takes r in any case. When the queue is full or closed, look is skipped and answer (or, without one, the usual
 * refusal) gets a result that says so; such a refusal is recorded. */
void http_submit(struct http_request *rq, struct request *r, http_look *look, http_answer *answer);
void http_inspect(struct http_request *rq, http_look *look, http_answer *answer);
/* Call work on a thread of its own, where it may block and must reply; at most HTTP_OFFLOAD_MAX at a time, half of
 * them for others than the admin socket, then 503. */
#define HTTP_OFFLOAD_MAX 8
void http_offload(struct http_request *rq, void (*work)(struct http_request *rq));
/* In work, as its last act and in place of a reply: call work again when the journal has grown beyond seq, at the
 * latest at until_ms by the monotonic clock, or when the server is about to stop. Until then nothing is held but
 * the connection; from then on all such requests have one thread together. ERR_CLOSED: the wait is over. ERR_FULL:
 * as many as HTTP_PARKED_MAX wait already. After an error: reply. */
#define HTTP_PARKED_MAX 256
MUST_USE enum err http_park(struct http_request *rq, uint64_t seq, int64_t until_ms);

/* ---- the reply: the last call counts ---- */

#define HTTP_TYPE_JSON    "application/json"
#define HTTP_TYPE_PROBLEM "application/problem+json" /* RFC 9457 */
#define HTTP_TYPE_TEXT    "text/plain; charset=utf-8"

/* body must live until the request's end: static, or in http_arena(). type NULL: none. */
void http_reply(struct http_request *rq, unsigned status, const char *type, const char *body, size_t len);
/* body is static. */
void http_reply_literal(struct http_request *rq, unsigned status, const char *type, const char *body);
/* Takes t's bytes; t is then empty. After an error of t: 503. */
void http_reply_text(struct http_request *rq, unsigned status, const char *type, struct text *t);
/* Takes body (NULL, as after a failed allocation: 503). It is written as text later, on a thread of the HTTP
 * server. */
void http_reply_json(struct http_request *rq, unsigned status, json_t *body);
/* Takes fd, a regular file of size octets, which are sent from its beginning. */
void http_reply_file(struct http_request *rq, unsigned status, const char *type, int fd, uint64_t size);
/* {"type","title","status","detail","instance","hint"}; detail and hint are copied, may be NULL or "". */
void http_reply_problem(struct http_request *rq, enum refusal reason, const char *detail, const char *hint);
/* A result that is not done, as a problem, with Retry-After and Riposte-Refused. */
void http_reply_refused(struct http_request *rq, const struct result *result);
/* A problem that no refusal is behind, such as 405: its type is about:blank (RFC 9457 section 4.2.1). */
void http_reply_plain_problem(struct http_request *rq, unsigned status, const char *title, const char *detail);
/* Only what /v1 says: 204 and the like. */
void http_reply_empty(struct http_request *rq, unsigned status);
/* Add to the reply that is set. name is static, value is copied; at most HTTP_REPLY_HEADERS_MAX. */
#define HTTP_REPLY_HEADERS_MAX 8
void http_reply_header(struct http_request *rq, const char *name, const char *value);
/* Retry-After, from the result or a few seconds; and Riposte-Refused, when the secret was right. */
void http_reply_retry_after(struct http_request *rq, uint32_t retry_s);
void http_reply_reason(struct http_request *rq, const struct result *result);
/* Riposte-Evicted: young, when the change took a young value away: somebody's certificate is about to fail. */
void http_reply_eviction(struct http_request *rq, const struct result *result);
/* The status of a refusal in /v1 and on the admin socket: 422 for what can be read but is wrong in itself, 403 for
 * what would be right but is not allowed to this caller now; a quota is such a bound, so 403 too. */
unsigned http_status_of(enum refusal reason);

/* Record a refusal that is decided in the door; what the committer refuses it records itself. who and name may be
 * NULL. */
void http_record_refusal(struct http_request *rq, enum door door, enum refusal reason, const char *who,
                         const char *name, const char *detail);
/* The same to who has proved to have the credential. Where the state may be read. */
void http_record_refusal_of(struct http_request *rq, enum door door, enum refusal reason,
                            const struct credential *credential, const char *detail);

#endif
