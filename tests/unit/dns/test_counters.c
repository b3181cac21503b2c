#include "dns/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "core/rr.h"

#define TEXT_MAX 65536

static void replies_are_counted_by_transport_type_and_rcode(void **state)
{
    static const struct {
        uint16_t qtype;
        enum counter_type type;
    } rows[] = {
        {RR_TXT, COUNT_TXT},
        {RR_CAA, COUNT_CAA},
        {RR_A, COUNT_A},
        {RR_AAAA, COUNT_AAAA},
        {RR_NS, COUNT_NS},
        {RR_SOA, COUNT_SOA},
        {RR_CNAME, COUNT_CNAME},
        {RR_DS, COUNT_DS},
        {RR_DNSKEY, COUNT_DNSKEY},
        {RR_ANY, COUNT_ANY},
        {RR_MX, COUNT_TYPE_OTHER},
        {0, COUNT_TYPE_OTHER},
        {UINT16_MAX, COUNT_TYPE_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dns_counters c = {0};

        dns_count_reply(&c, QUERY_TCP, rows[i].qtype, RCODE_BADVERS);
        assert_int_equal(c.by_type[QUERY_TCP][rows[i].type], 1);
        assert_int_equal(c.by_rcode[QUERY_TCP][RCODE_BADVERS], 1);
        assert_int_equal(c.by_rcode[QUERY_UDP][RCODE_BADVERS], 0);
    }
}

static void the_text_holds_the_sums_of_all_blocks(void **state)
{
    static const char *const lines[] = {
        "riposte_dns_queries_total{transport=\"udp\",type=\"TXT\"} 3\n",
        "riposte_dns_queries_total{transport=\"tcp\",type=\"other\"} 1\n",
        "riposte_dns_queries_total{transport=\"tcp\",type=\"TXT\"} 0\n",
        "riposte_dns_responses_total{transport=\"udp\",rcode=\"NXDOMAIN\"} 2\n",
        "riposte_dns_responses_total{transport=\"udp\",rcode=\"NOERROR\"} 1\n",
        "riposte_dns_responses_total{transport=\"tcp\",rcode=\"BADVERS\"} 1\n",
        "riposte_dns_truncated_total 11\n",
        "riposte_dns_dropped_total 22\n",
        "riposte_dns_send_failed_total 33\n",
        "riposte_dns_tcp_connections_total 44\n",
        "riposte_dns_tcp_refused_total 55\n",
        "riposte_dns_tcp_timeouts_total 66\n",
        "riposte_dns_tcp_open 77\n",
        "# TYPE riposte_dns_tcp_open gauge\n",
        "# TYPE riposte_dns_queries_total counter\n",
    };
    struct dns_counters a = {.truncated = 10,
                             .dropped = 20,
                             .send_failed = 30,
                             .tcp_connections = 40,
                             .tcp_refused = 50,
                             .tcp_timeouts = 60,
                             .tcp_open = 70};
    struct dns_counters b = {.truncated = 1,
                             .dropped = 2,
                             .send_failed = 3,
                             .tcp_connections = 4,
                             .tcp_refused = 5,
                             .tcp_timeouts = 6,
                             .tcp_open = 7};
    const struct dns_counters *blocks[] = {&a, &b};
    struct text out;

    (void)state;
    dns_count_reply(&a, QUERY_UDP, RR_TXT, RCODE_NOERROR);
    dns_count_reply(&a, QUERY_UDP, RR_TXT, RCODE_NXDOMAIN);
    dns_count_reply(&b, QUERY_UDP, RR_TXT, RCODE_NXDOMAIN);
    dns_count_reply(&b, QUERY_TCP, RR_MX, RCODE_BADVERS);
    text_init(&out, TEXT_MAX);
    dns_counters_put(&out, blocks, ARRAY_LEN(blocks));
    assert_int_equal(out.err, ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (strstr(out.bytes, lines[i]) == NULL)
            fail_msg("missing: %s in\n%s", lines[i], out.bytes);
    text_fini(&out);
}

static void no_blocks_give_zeros(void **state)
{
    struct text out;

    (void)state;
    text_init(&out, TEXT_MAX);
    dns_counters_put(&out, NULL, 0);
    assert_int_equal(out.err, ERR_OK);
    assert_non_null(strstr(out.bytes, "riposte_dns_truncated_total 0\n"));
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_counted_by_transport_type_and_rcode),
        cmocka_unit_test(the_text_holds_the_sums_of_all_blocks),
        cmocka_unit_test(no_blocks_give_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
