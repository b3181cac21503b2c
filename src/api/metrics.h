/* api/metrics.h -- what the HTTP server counts, and GET /metrics. Counting: any thread, relaxed atomics. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "api/router.h"
#include "base/text.h"

#define METRICS_CODES 24

struct http_counters {
    _Atomic uint64_t requests[GROUP_COUNT][METRICS_CODES]; /* by what answered and status */
    _Atomic uint64_t ambiguous;                            /* refused by http_headers */
    _Atomic uint64_t given_up;                             /* waited for a change when the server stopped */
};

void http_count(struct http_counters *c, enum route_group group, unsigned status);
void http_counters_put(const struct http_counters *c, struct text *out);

extern const struct route_table metrics_routes;

#endif
