#include "api/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cors.h"
#include "base/crypto.h"

#define RETRY_AFTER_S 5 /* when nothing better is known */

void http_reply_free(struct http_reply *r)
{
    if (r->text.len > 0)
        crypto_wipe(r->text.bytes, r->text.len); /* a secret may have been in it, shown for the only time */
    text_fini(&r->text);
    json_decref(r->json);
    r->json = NULL;
    if (r->is_file)
        (void)close(r->fd); /* was only read */
    r->is_file = false;
}

/* ---- setting it ---- */

static void begin(struct http_request *rq, unsigned status, const char *type)
{
    http_reply_free(&rq->reply);
    rq->reply.status = status;
    rq->reply.type = type;
    rq->reply.body = "";
    rq->reply.len = 0;
    rq->reply.n_headers = 0;
}

void http_reply(struct http_request *rq, unsigned status, const char *type, const char *body, size_t len)
{
    begin(rq, status, type);
    rq->reply.body = body;
    rq->reply.len = len;
}

void http_reply_literal(struct http_request *rq, unsigned status, const char *type, const char *body)
{
    http_reply(rq, status, type, body, strlen(body));
}

void http_reply_empty(struct http_request *rq, unsigned status)
{
    begin(rq, status, NULL);
}

static void reply_no_memory(struct http_request *rq)
{
    http_reply_literal(rq, 503, HTTP_TYPE_TEXT, "503 out of memory\n");
}

void http_reply_text(struct http_request *rq, unsigned status, const char *type, struct text *t)
{
    if (t->err != ERR_OK) {
        text_fini(t);
        reply_no_memory(rq);
        return;
    }
    begin(rq, status, type);
    rq->reply.text = *t;
    rq->reply.body = t->bytes;
    rq->reply.len = t->len;
    text_init(t, t->max);
}

void http_reply_json(struct http_request *rq, unsigned status, json_t *body)
{
    if (body == NULL) {
        reply_no_memory(rq);
        return;
    }
    begin(rq, status, HTTP_TYPE_JSON);
    rq->reply.json = body;
}

void http_reply_file(struct http_request *rq, unsigned status, const char *type, int fd, uint64_t size)
{
    begin(rq, status, type);
    rq->reply.is_file = true;
    rq->reply.fd = fd;
    rq->reply.len = size;
}

void http_reply_header(struct http_request *rq, const char *name, const char *value)
{
    struct http_reply *r = &rq->reply;
    const char *copy = arena_copy(&rq->arena, value, strlen(value));

    if (copy == NULL || r->n_headers == HTTP_REPLY_HEADERS_MAX)
        return; /* a reply without it is better than none */
    r->headers[r->n_headers].name = name;
    r->headers[r->n_headers].value = copy;
    r->n_headers++;
}

unsigned http_status_of(enum refusal reason)
{
    static const unsigned short statuses[REFUSAL_COUNT] = {
        [REFUSAL_NONE] = 500,
        [REFUSAL_MALFORMED] = 400,
        [REFUSAL_UNKNOWN_FIELD] = 422,
        [REFUSAL_NOT_A_CHALLENGE_VALUE] = 422,
        [REFUSAL_VALUE_TOO_LONG] = 422,
        [REFUSAL_BAD_LABEL] = 422,
        [REFUSAL_LABEL_TAKEN] = 409,
        [REFUSAL_LABEL_RETIRED] = 409,
        [REFUSAL_BAD_NETWORK] = 422,
        [REFUSAL_UNAUTHENTICATED] = 401,
        [REFUSAL_NETWORK] = 403,
        [REFUSAL_EXPIRED] = 403,
        [REFUSAL_DISABLED] = 403,
        [REFUSAL_REVOKED] = 403,
        [REFUSAL_NAME_NOT_IN_SCOPE] = 403,
        [REFUSAL_ACTION_NOT_IN_SCOPE] = 403,
        [REFUSAL_KIND_NOT_IN_SCOPE] = 403,
        [REFUSAL_NOT_YOUR_VALUE] = 403,
        [REFUSAL_NOT_FOUND] = 404,
        [REFUSAL_CONFLICT] = 409,
        [REFUSAL_NAME_IN_USE] = 409,
        [REFUSAL_QUOTA] = 403,
        [REFUSAL_RATE] = 429,
        [REFUSAL_TOO_LARGE] = 413,
        [REFUSAL_REGISTRATION_CLOSED] = 403,
        [REFUSAL_STORE_UNAVAILABLE] = 503,
        [REFUSAL_OUTCOME_UNKNOWN] = 503,
        [REFUSAL_FULL] = 503,
        [REFUSAL_STARTING] = 503,
    };

    return (unsigned)reason < REFUSAL_COUNT ? statuses[reason] : 500;
}

static void set_string(json_t *object, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)json_object_set_new(object, key, json_string(value)); /* without memory: one member less */
}

/* The members in the order in which people read them. */
static void reply_problem(struct http_request *rq, unsigned status, const char *type, const char *title,
                          const char *detail, const char *hint)
{
    json_t *problem = json_object();

    if (problem != NULL) {
        set_string(problem, "type", type);
        set_string(problem, "title", title);
        (void)json_object_set_new(problem, "status", json_integer((json_int_t)status));
        set_string(problem, "detail", detail);
        set_string(problem, "instance", rq->id);
        set_string(problem, "hint", hint);
    }
    http_reply_json(rq, status, problem);
    if (problem != NULL)
        rq->reply.type = HTTP_TYPE_PROBLEM;
}

void http_reply_problem(struct http_request *rq, enum refusal reason, const char *detail, const char *hint)
{
    unsigned status = http_status_of(reason);
    char type[64];

    (void)snprintf(type, sizeof type, "/problems/%s", refusal_word(reason));
    reply_problem(rq, status, type, refusal_title(reason), detail, hint);
    if (status == 503)
        http_reply_retry_after(rq, 0);
}

void http_reply_plain_problem(struct http_request *rq, unsigned status, const char *title, const char *detail)
{
    reply_problem(rq, status, "about:blank", title, detail, NULL);
}

void http_reply_retry_after(struct http_request *rq, uint32_t retry_s)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof seconds, "%u", retry_s > 0 ? (unsigned)retry_s : RETRY_AFTER_S);
    http_reply_header(rq, "Retry-After", seconds);
}

void http_reply_reason(struct http_request *rq, const struct result *result)
{
    if (result->authenticated)
        http_reply_header(rq, "Riposte-Refused", refusal_word(result->refusal));
}

void http_reply_eviction(struct http_request *rq, const struct result *result)
{
    if (result->evicted_young > 0)
        http_reply_header(rq, "Riposte-Evicted", "young");
}

/* When to come again, in two spellings; the second is draft-ietf-httpapi-ratelimit-headers. The secret was right:
 * then it is the account's changes that are too many, else the client's failing authentications. */
static void reply_rate(struct http_request *rq, const struct result *result)
{
    char rate[48];

    http_reply_retry_after(rq, result->retry_s);
    (void)snprintf(rate, sizeof rate, "\"%s\";r=0;t=%u", result->authenticated ? "changes" : "failures",
                   result->retry_s > 0 ? (unsigned)result->retry_s : RETRY_AFTER_S);
    http_reply_header(rq, "RateLimit", rate);
}

void http_reply_refused(struct http_request *rq, const struct result *result)
{
    http_reply_problem(rq, result->refusal, result->detail, result->hint);
    if (rq->reply.status == 429)
        reply_rate(rq, result);
    http_reply_reason(rq, result);
}

/* ---- sending it ---- */

/* Write the JSON body as text, now that it can take its time. */
static void flatten_json(struct http_request *rq)
{
    struct http_reply *r = &rq->reply;
    char *dumped = json_dumps(r->json, JSON_COMPACT);

    json_decref(r->json);
    r->json = NULL;
    if (dumped == NULL) {
        reply_no_memory(rq);
        return;
    }
    text_init(&r->text, strlen(dumped));
    text_put(&r->text, dumped);
    crypto_wipe(dumped, strlen(dumped));
    free(dumped);
    if (r->text.err != ERR_OK) {
        reply_no_memory(rq);
        return;
    }
    r->body = r->text.bytes;
    r->len = r->text.len;
}

static void put(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value); /* fails without memory only: the reply goes without it */
}

static struct cors_text cors_text(const struct header_text *h)
{
    return (struct cors_text){h->text, h->len};
}

static void put_copy(struct http_request *rq, struct MHD_Response *response, const char *name,
                     const struct cors_text *value)
{
    const char *copy = arena_copy(&rq->arena, value->text, value->len);

    if (copy != NULL)
        put(response, name, copy);
}

static void put_cors_origin(struct http_request *rq, struct MHD_Response *response, enum cors_answer answer,
                            const struct cors_text *origin)
{
    if (answer == CORS_ALL)
        put(response, "Access-Control-Allow-Origin", "*");
    else if (answer == CORS_ORIGIN)
        put_copy(rq, response, "Access-Control-Allow-Origin", origin);
}

static void put_preflight(struct http_request *rq, struct MHD_Response *response, const struct cors_rules *rules)
{
    struct cors_question q = {cors_text(&rq->headers.origin), cors_text(&rq->headers.cors_method),
                              cors_text(&rq->headers.cors_headers)};
    enum cors_answer answer = cors_preflight(rules, &q);

    put(response, "Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    put_cors_origin(rq, response, answer, &q.origin);
    if (answer == CORS_NONE)
        return;
    put_copy(rq, response, "Access-Control-Allow-Methods", &q.method);
    if (q.headers.len > 0)
        put_copy(rq, response, "Access-Control-Allow-Headers", &q.headers);
}

static void put_cors(struct http_request *rq, struct MHD_Response *response)
{
    struct cors_rules rules = {rq->tuning->cors_origins, rq->tuning->n_cors_origins};
    struct cors_question q = {.origin = cors_text(&rq->headers.origin), .method = {rq->method, strlen(rq->method)}};

    if (strcmp(rq->method, "OPTIONS") == 0 && rq->headers.cors_method.len > 0) {
        put_preflight(rq, response, &rules);
        return;
    }
    put(response, "Vary", "Origin");
    put_cors_origin(rq, response, cors_actual(&rules, &q), &q.origin);
}

static enum route_group group_of(const struct http_request *rq)
{
    enum route_group group = rq->match.outcome == ROUTE_FOUND ? rq->match.route->group : GROUP_OTHER;

    return group == GROUP_ADMIN && !http_is_local(rq) ? GROUP_V1 : group;
}

/* NULL: no memory. */
static struct MHD_Response *make_response(struct http_reply *r)
{
    struct MHD_Response *response;

    if (!r->is_file) /* The body is the request's, which outlives the sending. The library only reads it. */
        return MHD_create_response_from_buffer(r->len, (void *)(uintptr_t)r->body, MHD_RESPMEM_PERSISTENT);
    response = MHD_create_response_from_fd64(r->len, r->fd);
    r->is_file = response == NULL; /* the library closes it */
    return response;
}

/* Until when a reply must have been read. A file may be of any size: the library's limit on silence is enough
 * there. */
static int64_t reply_deadline(const struct http_request *rq, bool is_file)
{
    return is_file ? DEADLINE_NONE : clock_mono_ms(rq->host->clock) + rq->tuning->request_timeout_ms;
}

enum MHD_Result http_reply_send(struct http_request *rq)
{
    struct http_reply *r = &rq->reply;
    const bool is_file = r->is_file;
    struct MHD_Response *response;
    enum MHD_Result sent;

    if (r->json != NULL)
        flatten_json(rq);
    response = make_response(r);
    if (response == NULL)
        return MHD_NO;
    if (r->type != NULL)
        put(response, "Content-Type", r->type);
    put_cors(rq, response);
    put(response, "Riposte-Request", rq->id);
    if (group_of(rq) == GROUP_V1) /* what is somebody's, and secrets that are shown once */
        put(response, "Cache-Control", "no-store");
    for (size_t i = 0; i < r->n_headers; i++)
        put(response, r->headers[i].name, r->headers[i].value);
    if (r->close || atomic_load_explicit(&rq->host->stopping, memory_order_relaxed))
        put(response, "Connection", "close");
    deadline_set(&rq->conn->deadline, reply_deadline(rq, is_file));
    sent = MHD_queue_response(rq->mhd, r->status, response);
    MHD_destroy_response(response);
    rq->queued = true;
    http_count(&rq->host->counters, group_of(rq), r->status);
    return sent;
}
