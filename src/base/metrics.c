#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

static const char *const kind_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

void metrics_head(struct text *out, const char *name, enum metric_kind kind, const char *help)
{
    text_printf(out, "# HELP %s ", name);
    for (; *help != '\0'; help++) {
        if (*help == '\\')
            text_put(out, "\\\\");
        else if (*help == '\n')
            text_put(out, "\\n");
        else
            text_put_char(out, *help);
    }
    text_printf(out, "\n# TYPE %s %s\n", name, kind_names[kind]);
}

static void put_series(struct text *out, const char *name, const char *labels)
{
    text_put(out, name);
    if (labels[0] != '\0')
        text_printf(out, "{%s}", labels);
    text_put_char(out, ' ');
}

void metrics_sample_u64(struct text *out, const char *name, const char *labels, uint64_t value)
{
    put_series(out, name, labels);
    text_printf(out, "%" PRIu64 "\n", value);
}

void metrics_sample_f64(struct text *out, const char *name, const char *labels, double value)
{
    put_series(out, name, labels);
    if (isnan(value))
        text_put(out, "NaN\n");
    else if (isinf(value))
        text_put(out, value > 0 ? "+Inf\n" : "-Inf\n");
    else
        text_printf(out, "%.15g\n", value);
}

void metrics_histogram_init(struct metrics_histogram *h, const uint64_t *bounds, size_t n)
{
    assert(n <= METRICS_BUCKETS);
    *h = (struct metrics_histogram){.bounds = bounds, .n = n};
}

/* One writer, so that no read-modify-write is needed; readers see whole numbers. */
static void add_relaxed(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}

void metrics_histogram_add(struct metrics_histogram *h, uint64_t value)
{
    size_t i = 0;

    while (i < h->n && value > h->bounds[i])
        i++;
    add_relaxed(&h->counts[i], 1);
    add_relaxed(&h->sum, value);
}

void metrics_histogram_put(struct text *out, const char *name, const char *help, const struct metrics_histogram *h,
                           double scale)
{
    uint64_t sum = __atomic_load_n(&h->sum, __ATOMIC_RELAXED);
    uint64_t count = 0;

    metrics_head(out, name, METRIC_HISTOGRAM, help);
    for (size_t i = 0; i < h->n; i++) {
        count += __atomic_load_n(&h->counts[i], __ATOMIC_RELAXED);
        text_printf(out, "%s_bucket{le=\"%.15g\"} %" PRIu64 "\n", name, (double)h->bounds[i] / scale, count);
    }
    count += __atomic_load_n(&h->counts[h->n], __ATOMIC_RELAXED);
    text_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    text_printf(out, "%s_sum %.15g\n%s_count %" PRIu64 "\n", name, (double)sum / scale, name, count);
}
