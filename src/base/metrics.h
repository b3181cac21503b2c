/* base/metrics.h -- Prometheus text (exposition format 0.0.4). A module that counts implements one collect
 * function; serve lists them; /metrics calls them in turn. Counters live with their owners: per thread, without
 * shared cache lines where it matters, read with relaxed atomics. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics_source {
    void (*collect)(void *self, struct text *out); /* any thread, never blocks for long */
    void *self;
};

/* Write "# HELP" and "# TYPE"; once a name, before its samples. */
void metrics_head(struct text *out, const char *name, enum metric_kind kind, const char *help);
/* One sample; labels is "" or `transport="udp",type="TXT"`. */
void metrics_sample_u64(struct text *out, const char *name, const char *labels, uint64_t value);
void metrics_sample_f64(struct text *out, const char *name, const char *labels, double value);

/* A histogram of microseconds or counts with fixed bounds, written by one thread and read by any. */
#define METRICS_BUCKETS 16
struct metrics_histogram {
    const uint64_t *bounds; /* ascending, n of them, at most METRICS_BUCKETS; static storage */
    size_t n;
    uint64_t counts[METRICS_BUCKETS + 1];
    uint64_t sum;
};
void metrics_histogram_init(struct metrics_histogram *h, const uint64_t *bounds, size_t n);
void metrics_histogram_add(struct metrics_histogram *h, uint64_t value); /* owner thread only */
/* As NAME_bucket{le=…}, NAME_sum and NAME_count; scale divides bounds and sum (1000000: from us to seconds). */
void metrics_histogram_put(struct text *out, const char *name, const char *help, const struct metrics_histogram *h,
                           double scale);

#endif
