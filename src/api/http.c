/* The road of a request: libmicrohttpd calls http_on_request() when the header is there, with every piece of the
 * body, at its end, and after each resumption. Errors that allow it are answered at the end of the body only: a
 * server that closes a socket with unread bytes resets the connection, and the client never sees the reply. */
#include "api/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cors.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/wait.h"

#define MS_PER_S 1000

static struct http_connection *connection_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* ---- the host ---- */

/* Each step undoes those before it when it fails. */
enum err http_host_init(struct http_host *h, const struct api_settings *settings, const struct clock *clock)
{
    struct tuning *tuning;
    enum err e = tuning_new(&tuning, settings);

    memset(h, 0, sizeof *h);
    h->clock = clock;
    if (e != ERR_OK)
        return e;
    e = tuning_slot_init(&h->tuning, tuning);
    if (e != ERR_OK) {
        tuning_release(tuning);
        return e;
    }
    e = request_ids_init(&h->ids);
    if (e == ERR_OK)
        e = limits_new(&h->limits, settings->connections);
    if (e != ERR_OK)
        goto no_limits;
    e = proxy_warnings_init(&h->proxy_warnings);
    if (e != ERR_OK)
        goto no_warnings;
    e = wait_cond_init(&h->changed);
    if (e != ERR_OK)
        goto no_cond;
    e = wait_cond_init(&h->park_changed);
    if (e != ERR_OK)
        goto no_park_cond;
    if (pthread_mutex_init(&h->lock, NULL) == 0)
        return ERR_OK;
    e = ERR_MEMORY;
    (void)pthread_cond_destroy(&h->park_changed);
no_park_cond:
    (void)pthread_cond_destroy(&h->changed);
no_cond:
    proxy_warnings_fini(&h->proxy_warnings);
no_warnings:
    limits_free(h->limits);
no_limits:
    tuning_slot_fini(&h->tuning);
    return e;
}

void http_host_fini(struct http_host *h)
{
    deadlines_free(h->deadlines);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_cond_destroy(&h->park_changed);
    proxy_warnings_fini(&h->proxy_warnings);
    limits_free(h->limits);
    tuning_slot_fini(&h->tuning);
}

bool http_host_wait_idle(struct http_host *h, int64_t wait_ms)
{
    const struct timespec end = wait_end_ms(wait_ms);
    bool idle;

    pthread_mutex_lock(&h->lock);
    while (atomic_load(&h->active) > 0 && pthread_cond_timedwait(&h->changed, &h->lock, &end) == 0)
        continue;
    idle = atomic_load(&h->active) == 0;
    pthread_mutex_unlock(&h->lock);
    return idle;
}

/* ---- connections ---- */

static enum limit_class classify(struct http_listener *l, const struct addr *peer)
{
    struct tuning *t = tuning_acquire(&l->host->tuning);
    bool trusted = l->is_unix || proxy_is_trusted(peer, t->trusted_proxies, t->n_trusted_proxies);

    tuning_release(t);
    return trusted ? LIMIT_CLASS_PROXY : LIMIT_CLASS_CLIENT;
}

enum MHD_Result http_on_accept(void *cls, const struct sockaddr *sa, socklen_t len)
{
    struct http_listener *l = cls;
    struct addr peer;

    (void)len;
    if (l->is_admin)
        return MHD_YES;
    addr_from_sockaddr(&peer, NULL, sa);
    return limits_refuse(l->host->limits, &peer, classify(l, &peer)) == LIMIT_NONE ? MHD_YES : MHD_NO;
}

/* The file's mode has let the peer in: with a group, that is enough. */
static void check_peer(struct http_connection *conn, int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    conn->peer_uid = (uid_t)-1;
    if (!conn->listener->is_unix)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        conn->peer_uid = cred.uid;
    if (conn->listener->is_admin && !conn->listener->group_may)
        conn->refused = conn->peer_uid != 0 && conn->peer_uid != geteuid();
}

static int64_t request_timeout(struct http_host *h)
{
    struct tuning *t = tuning_acquire(&h->tuning);
    int64_t ms = t->request_timeout_ms;

    tuning_release(t);
    return ms;
}

/* Without memory the connection stays without context, and its first request ends it. */
static void connection_open(struct http_listener *l, struct MHD_Connection *c, void **context)
{
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *sa = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct http_connection *conn = calloc(1, sizeof *conn);

    *context = conn;
    if (conn == NULL)
        return;
    conn->listener = l;
    if (l->is_unix)
        conn->peer.family = ADDR_LOCAL;
    else
        addr_from_sockaddr(&conn->peer, NULL, sa->client_addr);
    check_peer(conn, fd->connect_fd);
    if (!l->is_admin) {
        conn->class = classify(l, &conn->peer);
        conn->counted = true;
        limits_opened(l->host->limits, &conn->peer, conn->class);
    }
    deadlines_add(l->host->deadlines, &conn->deadline, fd->connect_fd,
                  clock_mono_ms(l->host->clock) + request_timeout(l->host));
}

static void connection_close(struct http_connection *conn)
{
    struct http_host *h = conn->listener->host;

    deadlines_remove(h->deadlines, &conn->deadline);
    if (conn->counted)
        limits_closed(h->limits, &conn->peer, conn->class);
    tls_pair_release(conn->pair);
    tuning_release(conn->tuning);
    free(conn->spare);
    free(conn);
}

void http_on_connection(void *cls, struct MHD_Connection *c, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(cls, c, context);
    } else if (*context != NULL) {
        connection_close(*context);
        *context = NULL;
    }
}

/* libmicrohttpd has set the session's pointer to its connection. Called several times in one handshake. */
int http_on_handshake(gnutls_session_t session, const gnutls_datum_t *rdns, int n_rdns,
                      const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
                      unsigned int *chain_len, gnutls_privkey_t *key)
{
    struct http_connection *conn = connection_of(gnutls_session_get_ptr(session));

    (void)rdns, (void)n_rdns, (void)algorithms, (void)n_algorithms;
    if (conn == NULL)
        return -1;
    if (conn->pair == NULL)
        conn->pair = tls_store_acquire(conn->listener->tls);
    if (conn->pair == NULL)
        return -1;
    *chain = tls_pair_chain(conn->pair, chain_len);
    *key = tls_pair_key(conn->pair);
    return 0;
}

/* The request line is there. From here on the request has its own time, whatever was left of the idle time before
 * it. */
void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
    struct http_listener *l = cls;
    struct http_connection *conn = connection_of(c);
    const char *query = strchr(uri, '?');

    if (conn == NULL)
        return NULL;
    tuning_release(conn->tuning); /* of a request that ended before its header did */
    conn->tuning = tuning_acquire(&l->host->tuning);
    deadline_shorten(&conn->deadline, clock_mono_ms(l->host->clock) + conn->tuning->request_timeout_ms);
    request_line_read(&conn->line, uri);
    conn->query[0] = '\0';
    if (query != NULL && strlen(query) < sizeof conn->query)
        memcpy(conn->query, query, strlen(query) + 1);
    return NULL;
}

/* ---- the beginning of a request ---- */

static void identify_client(struct http_request *rq)
{
    const struct http_connection *conn = rq->conn;
    const struct tuning *t = rq->tuning;

    rq->client = proxy_client(&conn->peer, rq->headers.forwarded, rq->headers.n_forwarded, t->trusted_proxies,
                              t->n_trusted_proxies);
    if (rq->headers.n_forwarded > 0 && !proxy_is_trusted(&conn->peer, t->trusted_proxies, t->n_trusted_proxies))
        proxy_warn(&rq->host->proxy_warnings, &conn->peer, clock_mono_ms(rq->host->clock));
}

/* Decide at once what no body can change. */
static void check_header(struct http_request *rq, const char *version)
{
    uint64_t announced = http_headers_body_len(&rq->headers);
    const char *problem = request_line_problem(&rq->conn->line, rq->method, version);

    if (problem == NULL)
        problem = rq->headers.problem;
    if (problem != NULL) {
        struct text why;
        text_init(&why, 256);
        text_printf(&why, "400 Bad Request: %s\n", problem);
        http_reply_text(rq, 400, HTTP_TYPE_TEXT, &why);
        rq->reply.close = true;
        atomic_fetch_add_explicit(&rq->host->counters.ambiguous, 1, memory_order_relaxed);
        return;
    }
    rq->too_large = announced > rq->body_max;
    if (announced > HTTP_DRAIN_MAX && rq->too_large) {
        http_reply_too_large(rq);
        rq->reply.close = true;
    }
}

/* A connection has one request at a time, so the next one has the memory of the last. It is freed with the
 * connection, or by a change that outlasted its request. */
static struct http_request *request_memory(struct http_connection *conn)
{
    struct http_request *spare = conn->spare;

    conn->spare = NULL;
    return spare != NULL ? spare : malloc(sizeof *spare);
}

static void request_end(struct http_request *rq)
{
    struct http_connection *conn = rq->conn;
    struct http_host *h = rq->host;

    if (http_request_release(rq))
        conn->spare = rq;
    if (atomic_fetch_sub(&h->active, 1) > 1)
        return;
    pthread_mutex_lock(&h->lock);
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

static struct http_request *request_begin(struct http_listener *l, struct MHD_Connection *c, const char *url,
                                          const char *method, const char *version)
{
    struct http_connection *conn = connection_of(c);
    struct http_request *rq = conn != NULL ? request_memory(conn) : NULL;
    struct http_host *h = l->host;
    unsigned flags;

    if (rq == NULL)
        return NULL;
    memset(rq, 0, offsetof(struct http_request, result));
    rq->host = h;
    rq->conn = conn;
    rq->mhd = c;
    rq->method = method;
    rq->path = url;
    rq->began_us = clock_mono_us(h->clock);
    rq->tuning = conn->tuning;
    conn->tuning = NULL;
    atomic_init(&rq->users, 1);
    atomic_init(&rq->phase, HTTP_READING);
    arena_init_with(&rq->arena, HTTP_ARENA_MAX, rq->arena_first, sizeof rq->arena_first);
    text_init(&rq->reply.text, 0);
    request_ids_take(&h->ids, rq->id);
    http_headers_read(&rq->headers, c, method, version);
    identify_client(rq);
    flags = rq->tuning->registration != REGISTRATION_NONE ? ROUTE_REGISTRATION : 0;
    route_find(&rq->match, h->tables, h->n_tables, l->serves, flags, method, url);
    http_body_begin(rq);
    /* Where chunks and trailers end, programs see differently (a bare LF, a line that begins with a colon): what
     * one of them takes for a part of this body must not be another one's next request. */
    rq->reply.close = rq->headers.transfer_encoding.text != NULL;
    atomic_fetch_add(&h->active, 1);
    check_header(rq, version);
    return rq;
}

/* ---- answers that need no handler; as acme-dns gives them ---- */

/* Below /v1 everything that is wrong is a problem document. */
static bool is_below_v1(const struct http_request *rq)
{
    const char *path = rq->path + strspn(rq->path, "/");

    return (rq->conn->listener->serves & SERVES_V1) != 0 && strncmp(path, "v1/", 3) == 0;
}

/* Whoever looks for why a client was told so finds it. */
static void record_closed_registration(struct http_request *rq)
{
    struct http_host *h = rq->host;
    struct route_match open;

    if (rq->tuning->registration != REGISTRATION_NONE)
        return;
    route_find(&open, h->tables, h->n_tables, rq->conn->listener->serves, ROUTE_REGISTRATION, rq->method, rq->path);
    if (open.outcome == ROUTE_FOUND && open.route->group == GROUP_REGISTER)
        http_record_refusal(rq, DOOR_ACMEDNS, REFUSAL_REGISTRATION_CLOSED, NULL, NULL,
                            "registration is closed (registration.allow is none); riposte name create makes names");
}

static void reply_not_found(struct http_request *rq)
{
    record_closed_registration(rq);
    if (is_below_v1(rq)) {
        http_reply_problem(rq, REFUSAL_NOT_FOUND, "there is no such path", "GET /v1/openapi.yaml lists all paths");
        return;
    }
    http_reply_literal(rq, 404, HTTP_TYPE_TEXT, "404 page not found\n");
    http_reply_header(rq, "X-Content-Type-Options", "nosniff");
}

static void reply_not_allowed(struct http_request *rq)
{
    if (is_below_v1(rq))
        http_reply_plain_problem(rq, 405, "Method Not Allowed", "this path has other methods: see Allow");
    else
        http_reply_literal(rq, 405, HTTP_TYPE_TEXT, "Method Not Allowed\n");
    http_reply_header(rq, "Allow", rq->match.allow);
    http_reply_header(rq, "X-Content-Type-Options", "nosniff");
}

/* The path is the client's: it must not become markup. */
static void put_html(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("&<>\"'", *text) != NULL)
            text_printf(out, "&#%d;", *text);
        else
            text_put_char(out, *text);
    }
}

static void reply_redirect(struct http_request *rq)
{
    char location[1024 + HTTP_QUERY_MAX];
    bool get = strcmp(rq->method, "GET") == 0;
    struct text body;

    if (!route_format_location(&rq->match, location, sizeof location - HTTP_QUERY_MAX)) {
        reply_not_found(rq);
        return;
    }
    (void)snprintf(location + strlen(location), HTTP_QUERY_MAX, "%s", rq->conn->query);
    if (get) {
        text_init(&body, 8 * sizeof location);
        text_put(&body, "<a href=\"");
        put_html(&body, location);
        text_put(&body, "\">Moved Permanently</a>.\n\n");
        http_reply_text(rq, 301, "text/html; charset=utf-8", &body);
    } else {
        http_reply_empty(rq, 307);
    }
    http_reply_header(rq, "Location", location);
}

static void reply_options(struct http_request *rq)
{
    http_reply_empty(rq, 200);
    http_reply_header(rq, "Allow", rq->match.allow);
}

static bool is_preflight(const struct http_request *rq)
{
    return strcmp(rq->method, "OPTIONS") == 0 && rq->headers.cors_method.len > 0;
}

static void handle(struct http_request *rq)
{
    if (rq->conn->refused) {
        http_reply_problem(rq, REFUSAL_UNAUTHENTICATED,
                           "only root, the server's own user and members of admin.group may use the admin socket",
                           NULL);
        return;
    }
    if (is_preflight(rq)) { /* headers are added where the reply is sent */
        http_reply_empty(rq, 204);
        return;
    }
    if (rq->too_many_large) {
        http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE,
                           "too many large requests are coming in; it was not applied",
                           "try again in a moment, or use the admin socket");
        http_reply_retry_after(rq, 1);
        return;
    }
    if (rq->too_large) {
        http_reply_too_large(rq);
        return;
    }
    switch (rq->match.outcome) {
    case ROUTE_FOUND:
        rq->match.route->handle(rq);
        break;
    case ROUTE_REDIRECT:
        reply_redirect(rq);
        break;
    case ROUTE_OPTIONS:
        reply_options(rq);
        break;
    case ROUTE_NOT_ALLOWED:
        reply_not_allowed(rq);
        break;
    case ROUTE_NOT_FOUND:
        if (strcmp(rq->method, "OPTIONS") == 0 && strcmp(rq->path, "*") == 0)
            http_reply_empty(rq, 200); /* the server as a whole: RFC 9110 section 9.3.7 */
        else
            reply_not_found(rq);
        break;
    }
}

/* ---- libmicrohttpd's callbacks ---- */

/* What was waited for has happened. */
static void resumed(struct http_request *rq)
{
    http_answer *answer = rq->answer;

    http_resume_others(rq);
    rq->suspended = false;
    rq->answer = NULL;
    if (rq->reply.status == 0 && answer != NULL)
        answer(rq, rq->has_result ? &rq->result : NULL);
    else if (rq->reply.status == 0 && rq->has_result && rq->result.outcome != OUTCOME_DONE)
        http_reply_refused(rq, &rq->result);
}

static enum MHD_Result proceed(struct http_request *rq)
{
    if (rq->suspended) {
        if (atomic_load_explicit(&rq->phase, memory_order_acquire) != HTTP_READY)
            return MHD_YES; /* still waiting */
        resumed(rq);
    } else {
        if (!deadline_take_turn(&rq->conn->deadline))
            return MHD_NO;
        deadline_set(&rq->conn->deadline, DEADLINE_NONE); /* the client has done its part in time */
        handle(rq);
    }
    if (rq->suspended)
        return MHD_YES;
    if (rq->reply.status == 0)
        http_reply_literal(rq, 500, HTTP_TYPE_TEXT, "500 no reply was made\n");
    return http_reply_send(rq);
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_len, void **context)
{
    struct http_request *rq = *context;
    enum MHD_Result more;

    if (rq == NULL) {
        rq = request_begin(cls, c, url, method, version);
        *context = rq;
        if (rq == NULL)
            return MHD_NO;
        if (rq->reply.status == 0)
            return MHD_YES;
        return deadline_take_turn(&rq->conn->deadline) ? http_reply_send(rq) : MHD_NO;
    }
    if (*upload_len > 0) {
        more = http_body_take(rq, upload, *upload_len);
        *upload_len = 0;
        return more;
    }
    return rq->queued ? MHD_YES : proceed(rq);
}

void http_on_completed(void *cls, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode code)
{
    struct http_request *rq = *context;
    struct http_host *h;

    (void)cls, (void)c;
    *context = NULL;
    if (rq == NULL)
        return;
    h = rq->host;
    if (log_is_on(LOG_DEBUG)) /* the row's pattern, for the path may hold a token */
        log_event(LOG_DEBUG, "http-request", log_str("request", rq->id), log_addr("from", &rq->client.addr),
                  log_str("method", rq->method),
                  log_str("route", rq->match.route != NULL ? rq->match.route->pattern : NULL),
                  log_int("status", (int64_t)rq->reply.status),
                  log_ms("ms", clock_mono_us(h->clock) - rq->began_us), log_int("end", (int64_t)code));
    deadline_set(&rq->conn->deadline,
                 clock_mono_ms(h->clock) + (int64_t)HTTP_IDLE_S * MS_PER_S + rq->tuning->request_timeout_ms);
    deadline_give_turn(&rq->conn->deadline);
    http_resume_others(rq); /* when its client left meanwhile, it was never asked for the reply */
    http_body_end(rq);
    request_end(rq);
}
