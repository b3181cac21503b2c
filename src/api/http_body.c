/* The body of a request: what of it is kept, and how much may come. One that is too large is read on for a while,
 * and is answered at its end: see http.c. */
#include "api/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http_body_begin(struct http_request *rq)
{
    rq->body = rq->body_inline;
    rq->body_cap = sizeof rq->body_inline;
    rq->body_max = rq->conn->listener->is_admin ? HTTP_ADMIN_BODY : rq->tuning->max_body;
    if (rq->match.outcome == ROUTE_FOUND && rq->match.route->max_body > 0)
        rq->body_max = rq->match.route->max_body;
}

static bool body_reserve(struct http_request *rq, size_t len)
{
    size_t cap = rq->body_cap;
    char *grown;

    if (len <= cap)
        return true;
    while (cap < len)
        cap *= 2;
    grown = realloc(rq->body == rq->body_inline ? NULL : rq->body, cap);
    if (grown == NULL)
        return false;
    if (rq->body == rq->body_inline)
        memcpy(grown, rq->body_inline, rq->body_len);
    rq->body = grown;
    rq->body_cap = cap;
    return true;
}

/* Whether a body may grow to len octets. Beyond api.max-body there is room for few at a time, since nobody has
 * shown yet who it is. */
static bool body_has_room(struct http_request *rq, size_t len)
{
    struct http_host *h = rq->host;

    if (rq->is_large || rq->conn->listener->is_admin || len <= rq->tuning->max_body)
        return true;
    pthread_mutex_lock(&h->lock);
    rq->is_large = h->large_bodies < HTTP_LARGE_MAX;
    h->large_bodies += rq->is_large ? 1u : 0u;
    pthread_mutex_unlock(&h->lock);
    rq->too_many_large = !rq->is_large;
    return rq->is_large;
}

enum MHD_Result http_body_take(struct http_request *rq, const char *bytes, size_t len)
{
    if (rq->too_large || len > rq->body_max - rq->body_len || !body_has_room(rq, rq->body_len + len)) {
        rq->too_large = true;
        rq->drained += len;
        return rq->drained <= HTTP_DRAIN_MAX ? MHD_YES : MHD_NO;
    }
    if (!body_reserve(rq, rq->body_len + len))
        return MHD_NO;
    memcpy(rq->body + rq->body_len, bytes, len);
    rq->body_len += len;
    return MHD_YES;
}

void http_body_end(struct http_request *rq)
{
    if (!rq->is_large)
        return;
    pthread_mutex_lock(&rq->host->lock);
    rq->host->large_bodies--;
    pthread_mutex_unlock(&rq->host->lock);
    rq->is_large = false;
}

void http_body_free(struct http_request *rq)
{
    if (rq->body != rq->body_inline)
        free(rq->body);
    rq->body = NULL;
}

/* ---- saying that it is too large ---- */

static bool is_v1(const struct http_request *rq)
{
    return rq->match.outcome == ROUTE_FOUND && rq->match.route->group == GROUP_ADMIN && !http_is_local(rq);
}

void http_reply_too_large(struct http_request *rq)
{
    char detail[96];

    (void)snprintf(detail, sizeof detail, "a body of more than %zu octets", rq->body_max);
    if (rq->conn->listener->is_admin) {
        http_reply_problem(rq, REFUSAL_TOO_LARGE, detail, NULL);
        return;
    }
    if (rq->match.outcome == ROUTE_FOUND && rq->match.route->group == GROUP_HTTPREQ) {
        http_record_refusal(rq, DOOR_HTTPREQ, REFUSAL_TOO_LARGE, NULL, NULL, detail);
        http_reply_problem(rq, REFUSAL_TOO_LARGE, detail, NULL);
        return;
    }
    if (is_v1(rq)) {
        http_record_refusal(rq, DOOR_V1, REFUSAL_TOO_LARGE, NULL, NULL, detail);
        http_reply_problem(rq, REFUSAL_TOO_LARGE, detail, NULL);
        return;
    }
    http_record_refusal(rq, DOOR_ACMEDNS, REFUSAL_TOO_LARGE, NULL, NULL, detail);
    http_reply_literal(rq, 413, HTTP_TYPE_JSON, "{\"error\": \"request_too_large\"}");
}
