#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "dns/thread_stats.h"

static struct sockaddr_in source(uint32_t addr)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(addr)}};
}

static void sources_are_none_one_or_several(void **state)
{
    struct thread_stats st;
    struct sockaddr_in a = source(0x0a000264), b = source(0x0a000265);
    struct addr first, expected;

    (void)state;
    memset(&st, 0, sizeof st);
    addr_from_sockaddr(&expected, NULL, (const struct sockaddr *)(const void *)&a);
    assert_int_equal(thread_stats_sources(&st, &first), SOURCE_NONE);
    for (unsigned i = 0; i < 3; i++) {
        a.sin_port = htons((uint16_t)i); /* ports do not matter */
        thread_stats_note_source(&st, (const struct sockaddr *)(const void *)&a);
        assert_int_equal(thread_stats_sources(&st, &first), SOURCE_ONE);
        assert_true(addr_equal(&first, &expected));
    }
    thread_stats_note_source(&st, (const struct sockaddr *)(const void *)&b);
    thread_stats_note_source(&st, (const struct sockaddr *)(const void *)&a);
    assert_int_equal(thread_stats_sources(&st, &first), SOURCE_SEVERAL);
}

static void questions_are_summed_over_types_and_transports(void **state)
{
    struct thread_stats st;

    (void)state;
    memset(&st, 0, sizeof st);
    assert_int_equal(thread_stats_questions(&st), 0);
    dns_count(&st.counters.by_type[QUERY_UDP][COUNT_TXT]);
    dns_count(&st.counters.by_type[QUERY_TCP][COUNT_TYPE_OTHER]);
    dns_count(&st.counters.dropped);
    assert_int_equal(thread_stats_questions(&st), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_none_one_or_several),
        cmocka_unit_test(questions_are_summed_over_types_and_transports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
