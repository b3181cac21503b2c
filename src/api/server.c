#include "api/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/acmedns.h"
#include "api/admin.h"
#include "api/health.h"
#include "api/http_internal.h"
#include "api/httpreq.h"
#include "api/listener.h"
#include "api/metrics.h"
#include "base/log.h"
#include "base/wait.h"

#define CHECK_INTERVAL_MS 10000 /* of certificate files */
#define LAST_REPLIES_MS   500   /* for what had to be given up at the end */

struct api_server {
    struct http_host host;
    struct listener *listeners; /* those of api.listen, then the admin socket */
    size_t n_listeners;
    size_t n_api;
    unsigned connections;

    pthread_mutex_t check_lock;
    pthread_cond_t check_end;
    pthread_t checker;
    bool checking;
    bool end;
};

/* ---- binding ---- */

static const struct api_listen *find_listen(const struct api_settings *s, const struct endpoint *at)
{
    for (size_t i = 0; i < s->n_listen; i++)
        if (endpoint_equal(&s->listen[i].at, at))
            return &s->listen[i];
    return NULL;
}

static void put_passed(struct text *why, const struct api_passed *passed)
{
    char at[ENDPOINT_TEXT_MAX];
    struct endpoint got;

    for (size_t i = 0; i < passed->n; i++)
        if (listener_endpoint_of(passed->fds[i], &got) == ERR_OK)
            text_printf(why, "%s%s", i > 0 ? ", " : "", endpoint_format(&got, at));
}

/* Use the passed socket of exactly this address. */
static enum err adopt_one(struct listener *l, const struct endpoint *want, const struct api_passed *passed,
                          struct text *why)
{
    char at[ENDPOINT_TEXT_MAX];
    struct endpoint got;

    for (size_t i = 0; i < passed->n; i++) {
        if (listener_endpoint_of(passed->fds[i], &got) == ERR_OK && endpoint_equal(&got, want)) {
            listener_adopt(l, passed->fds[i], want);
            return ERR_OK;
        }
    }
    endpoint_format(want, at);
    text_printf(why, "api.listen names %s, systemd passed ", at);
    put_passed(why, passed);
    text_printf(why, " only: add ListenStream=%s to riposte-api.socket, or remove the line\n",
                want->kind == ENDPOINT_UNIX ? want->path : at);
    return ERR_NOT_FOUND;
}

/* Every passed socket must be asked for. */
static enum err check_passed(const struct api_settings *s, const struct api_passed *passed, struct text *why)
{
    char at[ENDPOINT_TEXT_MAX];
    struct endpoint got;
    enum err e = ERR_OK;

    for (size_t i = 0; i < passed->n; i++) {
        if (listener_endpoint_of(passed->fds[i], &got) != ERR_OK) {
            text_printf(why, "systemd passed a socket (%d) that is no listening stream socket\n", passed->fds[i]);
            e = ERR_SYNTAX;
        } else if (find_listen(s, &got) == NULL) {
            endpoint_format(&got, at);
            text_printf(why,
                        "systemd passed %s, which api.listen does not name: add it there, or remove "
                        "ListenStream=%s from riposte-api.socket\n",
                        at, got.kind == ENDPOINT_UNIX ? got.path : at);
            e = ERR_NOT_FOUND;
        }
    }
    return e;
}

static enum err bind_listen(struct api_server *s, struct listener *l, const struct api_listen *want,
                            const struct api_passed *passed, struct text *why)
{
    enum err e = ERR_OK;

    l->http.serves = want->serves;
    l->http.is_unix = want->at.kind == ENDPOINT_UNIX;
    l->tls = want->tls;
    if (want->tls == API_TLS_FILES)
        e = tls_store_new(&l->http.tls, want->certificate, want->key, s->host.clock);
    if (e != ERR_OK)
        return e;
    return passed->n > 0 ? adopt_one(l, &want->at, passed, why) : listener_bind(l, &want->at, why);
}

/* Bind all, so that all problems are told at once. */
static enum err bind_all(struct api_server *s, const struct api_settings *set, const struct api_passed *passed,
                         struct text *why)
{
    enum err e = check_passed(set, passed, why);
    struct listener *l;
    enum err one;

    for (size_t i = 0; i < set->n_listen; i++) {
        one = bind_listen(s, &s->listeners[i], &set->listen[i], passed, why);
        e = e == ERR_OK ? one : e;
    }
    if (set->admin_socket != NULL) {
        l = &s->listeners[set->n_listen];
        l->http.serves = SERVES_ADMIN | SERVES_HEALTH | SERVES_METRICS;
        l->http.is_unix = true;
        l->http.is_admin = true;
        l->tls = API_TLS_NONE;
        one = listener_bind_admin(l, set->admin_socket, set->admin_group, why);
        e = e == ERR_OK ? one : e;
    }
    return e;
}

static void server_free(struct api_server *s)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        listener_close(&s->listeners[i]);
        tls_store_free(s->listeners[i].http.tls);
    }
    http_host_fini(&s->host);
    (void)pthread_cond_destroy(&s->check_end);
    (void)pthread_mutex_destroy(&s->check_lock);
    free(s->listeners);
    free(s);
}

static enum err init_check(struct api_server *s)
{
    enum err e = wait_cond_init(&s->check_end);

    if (e == ERR_OK && pthread_mutex_init(&s->check_lock, NULL) != 0) {
        (void)pthread_cond_destroy(&s->check_end);
        e = ERR_MEMORY;
    }
    return e;
}

/* Everything but the sockets. */
static enum err server_new(struct api_server **out, const struct api_settings *set)
{
    struct api_server *s = calloc(1, sizeof *s);
    enum err e = ERR_MEMORY;

    if (s == NULL)
        return ERR_MEMORY;
    s->connections = set->connections;
    s->n_api = set->n_listen;
    s->n_listeners = set->n_listen + (set->admin_socket != NULL ? 1 : 0);
    s->listeners = calloc(s->n_listeners + 1, sizeof *s->listeners);
    if (s->listeners != NULL)
        e = init_check(s);
    if (e == ERR_OK) {
        e = http_host_init(&s->host, set, &clock_system);
        if (e == ERR_OK) {
            for (size_t i = 0; i < s->n_listeners; i++) {
                s->listeners[i].http.host = &s->host;
                s->listeners[i].fd = -1;
            }
            *out = s;
            return ERR_OK;
        }
        (void)pthread_cond_destroy(&s->check_end);
        (void)pthread_mutex_destroy(&s->check_lock);
    }
    free(s->listeners);
    free(s);
    return e;
}

enum err api_server_bind(struct api_server **out, const struct api_settings *settings,
                         const struct api_passed *passed, struct text *why)
{
    static const struct api_passed none = {NULL, 0};
    struct api_server *s;
    enum err e = server_new(&s, settings);

    *out = NULL;
    if (e != ERR_OK)
        return e;
    e = bind_all(s, settings, passed != NULL ? passed : &none, why);
    if (e != ERR_OK) {
        server_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

/* ---- certificates ---- */

/* An address opens when its certificate has come; until then it says why it is closed. */
static void check_listener(struct api_server *s, struct listener *l)
{
    char at[ENDPOINT_TEXT_MAX];
    struct tls_status status;
    struct text why;

    if (l->http.tls == NULL)
        return;
    (void)tls_store_check(l->http.tls);
    tls_store_status(l->http.tls, &status);
    if (!status.present || atomic_load_explicit(&l->open, memory_order_acquire))
        return;
    text_init(&why, 512);
    if (listener_open(l, s->connections, &why) == ERR_OK)
        log_event(LOG_INFO, "api-address-open", log_str("address", endpoint_format(&l->at, at)));
    else
        log_event(LOG_ERROR, "api-address-not-open", log_str("reason", why.bytes));
    text_fini(&why);
}

/* False: the server ends. */
static bool wait_for_next_check(struct api_server *s)
{
    const struct timespec until = wait_end_ms(CHECK_INTERVAL_MS);
    int rc = 0;
    bool end;

    pthread_mutex_lock(&s->check_lock);
    while (!s->end && rc == 0)
        rc = pthread_cond_timedwait(&s->check_end, &s->check_lock, &until);
    end = s->end;
    pthread_mutex_unlock(&s->check_lock);
    return !end;
}

static void *run_checks(void *arg)
{
    struct api_server *s = arg;

    while (wait_for_next_check(s))
        for (size_t i = 0; i < s->n_api; i++)
            check_listener(s, &s->listeners[i]);
    return NULL;
}

static void end_checks(struct api_server *s)
{
    if (!s->checking)
        return;
    pthread_mutex_lock(&s->check_lock);
    s->end = true;
    pthread_cond_signal(&s->check_end);
    pthread_mutex_unlock(&s->check_lock);
    (void)pthread_join(s->checker, NULL);
    s->checking = false;
}

/* ---- starting ---- */

/* Read the certificate. What is not there yet is no error: check_listener() finds it later. */
static enum err load_certificate(struct listener *l, struct text *why)
{
    char at[ENDPOINT_TEXT_MAX];
    struct text problem;
    enum err e;

    if (l->http.tls == NULL)
        return ERR_OK;
    text_init(&problem, 1024);
    e = tls_store_load(l->http.tls, &problem);
    endpoint_format(&l->at, at);
    if (e == ERR_NOT_FOUND)
        log_event(LOG_WARN, "api-address-closed", log_str("address", at), log_str("reason", problem.bytes));
    else if (e != ERR_OK)
        text_printf(why, "api.listen %s: %s\n", at, problem.len > 0 ? problem.bytes : err_text(e));
    text_fini(&problem);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool has_certificate(const struct listener *l)
{
    struct tls_status status;

    if (l->http.tls == NULL)
        return true; /* needs none */
    tls_store_status(l->http.tls, &status);
    return status.present;
}

/* All certificates first: a server that will not start must not have answered anybody. */
static enum err open_all(struct api_server *s, struct text *why)
{
    enum err e = ERR_OK;
    enum err one;

    for (size_t i = 0; i < s->n_listeners; i++) {
        one = load_certificate(&s->listeners[i], why);
        e = e == ERR_OK ? one : e;
    }
    for (size_t i = 0; e == ERR_OK && i < s->n_listeners; i++)
        if (has_certificate(&s->listeners[i]))
            e = listener_open(&s->listeners[i], s->connections, why);
    return e;
}

static bool has_tls(const struct api_server *s)
{
    for (size_t i = 0; i < s->n_api; i++)
        if (s->listeners[i].http.tls != NULL)
            return true;
    return false;
}

enum err api_server_start(struct api_server *s, const struct change_sink *sink, struct refusals *refusals,
                          struct trace *trace, const struct api_control *control, struct text *why)
{
    struct http_host *h = &s->host;
    const struct route_table tables[] = {
        acmedns_routes, httpreq_routes, health_routes, metrics_routes, {admin_routes, admin_routes_count}};
    struct sink_status st;
    enum err e = deadlines_new(&h->deadlines, h->clock);

    _Static_assert(ARRAY_LEN(tables) <= HTTP_TABLES_MAX, "one more place for a table");
    if (e != ERR_OK)
        return e;
    h->services = (struct api_services){
        .sink = *sink, .refusals = refusals, .trace = trace, .control = *control, .server = s};
    memcpy(h->tables, tables, sizeof tables);
    h->n_tables = ARRAY_LEN(tables);
    sink->status(sink->self, &st);
    admin_backup_sweep(st.store_path);
    e = open_all(s, why);
    if (e == ERR_OK && has_tls(s)) {
        s->checking = pthread_create(&s->checker, NULL, run_checks, s) == 0;
        if (!s->checking)
            e = ERR_MEMORY;
    }
    return e;
}

void api_server_retune(struct api_server *s, const struct api_settings *settings)
{
    struct tuning *next;
    enum err e = tuning_new(&next, settings);

    if (e == ERR_OK)
        tuning_replace(&s->host.tuning, next);
    else
        log_event(LOG_ERROR, "api-settings-kept", log_err("reason", e));
}

/* ---- describing ---- */

static void describe(const struct listener *l, struct api_listener_status *out)
{
    struct tls_status tls;

    *out = (struct api_listener_status){
        .at = l->at,
        .tls = l->http.tls != NULL,
        .open = atomic_load_explicit(&l->open, memory_order_acquire),
        .serves = l->http.serves,
    };
    if (l->http.tls == NULL)
        return;
    tls_store_status(l->http.tls, &tls);
    out->certificate_expires_s = tls.expires_s;
    memcpy(out->problem, tls.problem, sizeof out->problem);
    _Static_assert(sizeof tls.problem == sizeof out->problem, "copied as a whole");
}

size_t api_server_listeners(const struct api_server *s, struct api_listener_status *out, size_t cap)
{
    size_t n = 0;

    for (; n < s->n_listeners && n < cap; n++)
        describe(&s->listeners[n], &out[n]);
    return n;
}

static void put_listeners(const struct api_server *s, struct text *out)
{
    static const char expires[] = "riposte_tls_certificate_expires_seconds";
    char at[ENDPOINT_TEXT_MAX];
    char labels[ENDPOINT_TEXT_MAX + 16];
    struct api_listener_status st;

    metrics_head(out, "riposte_api_listener_open", METRIC_GAUGE,
                 "1 when the address of the API accepts connections.");
    for (size_t i = 0; i < s->n_api; i++) {
        describe(&s->listeners[i], &st);
        (void)snprintf(labels, sizeof labels, "address=\"%s\"", endpoint_format(&st.at, at));
        metrics_sample_u64(out, "riposte_api_listener_open", labels, st.open ? 1 : 0);
    }
    if (!has_tls(s))
        return;
    metrics_head(out, expires, METRIC_GAUGE,
                 "When the API's certificate expires, in Unix seconds; 0: there is none.");
    for (size_t i = 0; i < s->n_api; i++) {
        describe(&s->listeners[i], &st);
        (void)snprintf(labels, sizeof labels, "address=\"%s\"", endpoint_format(&st.at, at));
        if (st.tls)
            metrics_sample_u64(out, expires, labels,
                               st.certificate_expires_s > 0 ? (uint64_t)st.certificate_expires_s : 0);
    }
}

static void collect(void *self, struct text *out)
{
    static const char refused[] = "riposte_http_connections_refused_total";
    static const char ended[] = "riposte_http_deadlines_passed_total";
    struct api_server *s = self;
    struct limit_counts counts = limits_counts(s->host.limits);

    http_counters_put(&s->host.counters, out);
    metrics_head(out, "riposte_http_connections", METRIC_GAUGE, "Open connections to the API.");
    metrics_sample_u64(out, "riposte_http_connections", "", counts.open);
    metrics_head(out, "riposte_http_connections_accepted_total", METRIC_COUNTER, "Connections to the API so far.");
    metrics_sample_u64(out, "riposte_http_connections_accepted_total", "", counts.accepted);
    metrics_head(out, refused, METRIC_COUNTER, "Connections refused at the limit of all, or of one client.");
    metrics_sample_u64(out, refused, "limit=\"total\"", counts.refused_total);
    metrics_sample_u64(out, refused, "limit=\"client\"", counts.refused_client);
    metrics_head(out, ended, METRIC_COUNTER,
                 "Connections ended because a request took longer than api.request-timeout.");
    metrics_sample_u64(out, ended, "", s->host.deadlines != NULL ? deadlines_passed(s->host.deadlines) : 0);
    put_listeners(s, out);
}

struct metrics_source api_server_metrics(struct api_server *s)
{
    return (struct metrics_source){.collect = collect, .self = s};
}

/* ---- stopping ---- */

void api_server_stop(struct api_server *s, int64_t wait_ms)
{
    if (s == NULL)
        return;
    end_checks(s);
    atomic_store_explicit(&s->host.stopping, true, memory_order_relaxed);
    for (size_t i = 0; i < s->n_listeners; i++)
        listener_quiesce(&s->listeners[i]);
    if (s->host.deadlines != NULL)
        deadlines_give_up(s->host.deadlines);
    (void)http_host_wait_idle(&s->host, wait_ms);
    http_give_up_waiting(&s->host);
    (void)http_host_wait_idle(&s->host, LAST_REPLIES_MS);
    server_free(s);
}
