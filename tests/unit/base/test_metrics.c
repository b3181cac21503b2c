#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static void a_head_has_help_and_type(void **state)
{
    static const struct {
        enum metric_kind kind;
        const char *help, *expected;
    } rows[] = {
        {METRIC_COUNTER, "Queries.", "# HELP r_x Queries.\n# TYPE r_x counter\n"},
        {METRIC_GAUGE, "", "# HELP r_x \n# TYPE r_x gauge\n"},
        {METRIC_HISTOGRAM, "a\\b\nc \"d\"", "# HELP r_x a\\\\b\\nc \"d\"\n# TYPE r_x histogram\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text t;
        text_init(&t, 1000);
        metrics_head(&t, "r_x", rows[i].kind, rows[i].help);
        assert_string_equal(t.bytes, rows[i].expected);
        text_fini(&t);
    }
}

static void samples_have_labels_only_where_there_are_some(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 1000);
    metrics_sample_u64(&t, "r_q", "", 0);
    metrics_sample_u64(&t, "r_q", "transport=\"udp\",type=\"TXT\"", UINT64_MAX);
    assert_string_equal(t.bytes, "r_q 0\nr_q{transport=\"udp\",type=\"TXT\"} 18446744073709551615\n");
    text_fini(&t);
}

static void fractions_and_what_is_no_number_are_as_prometheus_reads_them(void **state)
{
    static const struct {
        double value;
        const char *expected;
    } rows[] = {
        {0, "r 0\n"},     {0.1, "r 0.1\n"},       {-2.5, "r -2.5\n"},      {1e20, "r 1e+20\n"},
        {NAN, "r NaN\n"}, {INFINITY, "r +Inf\n"}, {-INFINITY, "r -Inf\n"}, {1795229921.25, "r 1795229921.25\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text t;
        text_init(&t, 1000);
        metrics_sample_f64(&t, "r", "", rows[i].value);
        assert_string_equal(t.bytes, rows[i].expected);
        text_fini(&t);
    }
}

static void a_histogram_is_cumulative_with_inclusive_bounds(void **state)
{
    static const uint64_t bounds_us[] = {500, 1000, 100000};
    static const uint64_t values_us[] = {0, 500, 501, 1000, 100000, 100001, 5000000};
    struct metrics_histogram h;
    struct text t;

    (void)state;
    metrics_histogram_init(&h, bounds_us, ARRAY_LEN(bounds_us));
    for (size_t i = 0; i < ARRAY_LEN(values_us); i++)
        metrics_histogram_add(&h, values_us[i]);
    text_init(&t, 1000);
    metrics_histogram_put(&t, "r_commit_seconds", "Commits.", &h, 1e6);
    assert_string_equal(t.bytes, "# HELP r_commit_seconds Commits.\n"
                                 "# TYPE r_commit_seconds histogram\n"
                                 "r_commit_seconds_bucket{le=\"0.0005\"} 2\n"
                                 "r_commit_seconds_bucket{le=\"0.001\"} 4\n"
                                 "r_commit_seconds_bucket{le=\"0.1\"} 5\n"
                                 "r_commit_seconds_bucket{le=\"+Inf\"} 7\n"
                                 "r_commit_seconds_sum 5.202002\n"
                                 "r_commit_seconds_count 7\n");
    text_fini(&t);
}

static void an_empty_histogram_has_every_bucket(void **state)
{
    static const uint64_t bounds[METRICS_BUCKETS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct metrics_histogram h;
    struct text t;

    (void)state;
    metrics_histogram_init(&h, bounds, METRICS_BUCKETS);
    text_init(&t, 10000);
    metrics_histogram_put(&t, "r_b", "Batch.", &h, 1);
    assert_non_null(strstr(t.bytes, "r_b_bucket{le=\"1\"} 0\n"));
    assert_non_null(
        strstr(t.bytes, "r_b_bucket{le=\"16\"} 0\nr_b_bucket{le=\"+Inf\"} 0\nr_b_sum 0\nr_b_count 0\n"));
    text_fini(&t);

    metrics_histogram_init(&h, NULL, 0);
    metrics_histogram_add(&h, 9);
    text_init(&t, 10000);
    metrics_histogram_put(&t, "r_b", "Batch.", &h, 1);
    assert_non_null(strstr(t.bytes, "histogram\nr_b_bucket{le=\"+Inf\"} 1\nr_b_sum 9\nr_b_count 1\n"));
    text_fini(&t);
}

static void a_full_text_keeps_its_error(void **state)
{
    struct text t;

    (void)state;
    text_init(&t, 10);
    metrics_head(&t, "r_x", METRIC_GAUGE, "too long for it");
    metrics_sample_u64(&t, "r", "", 1);
    assert_int_equal(t.err, ERR_FULL);
    assert_true(t.len <= 10);
    text_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_has_help_and_type),
        cmocka_unit_test(samples_have_labels_only_where_there_are_some),
        cmocka_unit_test(fractions_and_what_is_no_number_are_as_prometheus_reads_them),
        cmocka_unit_test(a_histogram_is_cumulative_with_inclusive_bounds),
        cmocka_unit_test(an_empty_histogram_has_every_bucket),
        cmocka_unit_test(a_full_text_keeps_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
