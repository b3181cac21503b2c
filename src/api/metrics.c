#include "api/metrics.h"

#include <stdio.h>

#include "api/http.h"
#include "base/attr.h"
#include "base/metrics.h"

#define METRICS_TEXT_MAX ((size_t)16 << 20)

/* The statuses that the server gives; the last place counts all others. */
static const unsigned codes[] = {200, 201, 204, 301, 307, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503};

static const char *const group_words[GROUP_COUNT] = {
    [GROUP_OTHER] = "other",     [GROUP_REGISTER] = "register", [GROUP_UPDATE] = "update",
    [GROUP_DELETE] = "delete",   [GROUP_HTTPREQ] = "httpreq",   [GROUP_HEALTH] = "health",
    [GROUP_METRICS] = "metrics", [GROUP_ADMIN] = "admin",       [GROUP_V1] = "v1",
};

void http_count(struct http_counters *c, enum route_group group, unsigned status)
{
    size_t i = 0;

    while (i < ARRAY_LEN(codes) && codes[i] != status)
        i++;
    atomic_fetch_add_explicit(&c->requests[group][i], 1, memory_order_relaxed);
}

void http_counters_put(const struct http_counters *c, struct text *out)
{
    static const char requests[] = "riposte_http_requests_total";
    _Static_assert(ARRAY_LEN(codes) < METRICS_CODES, "no place for other codes");

    metrics_head(out, requests, METRIC_COUNTER, "HTTP requests answered, by what answered them and status.");
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        for (size_t i = 0; i <= ARRAY_LEN(codes); i++) {
            uint64_t n = atomic_load_explicit(&c->requests[g][i], memory_order_relaxed);
            char labels[64];
            char code[16] = "other";
            if (n == 0)
                continue;
            if (i < ARRAY_LEN(codes))
                (void)snprintf(code, sizeof code, "%u", codes[i]);
            (void)snprintf(labels, sizeof labels, "route=\"%s\",code=\"%s\"", group_words[g], code);
            metrics_sample_u64(out, requests, labels, n);
        }
    }
    metrics_head(out, "riposte_http_ambiguous_total", METRIC_COUNTER,
                 "HTTP requests refused because programs could read them differently.");
    metrics_sample_u64(out, "riposte_http_ambiguous_total", "",
                       atomic_load_explicit(&c->ambiguous, memory_order_relaxed));
    metrics_head(out, "riposte_http_given_up_total", METRIC_COUNTER,
                 "HTTP requests whose change was still under way when the server stopped.");
    metrics_sample_u64(out, "riposte_http_given_up_total", "",
                       atomic_load_explicit(&c->given_up, memory_order_relaxed));
}

static void handle_metrics(struct http_request *rq)
{
    const struct api_services *sv = http_services(rq);
    struct text out;

    text_init(&out, METRICS_TEXT_MAX);
    if (sv->control.metrics != NULL)
        sv->control.metrics(sv->control.self, &out);
    http_reply_text(rq, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

static const struct route rows[] = {
    {"GET", "/metrics", SERVES_METRICS, GROUP_METRICS, 0, 0, handle_metrics},
};

const struct route_table metrics_routes = {rows, ARRAY_LEN(rows)};
