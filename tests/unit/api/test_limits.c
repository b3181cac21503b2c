#include "api/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crypto.h"

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

static void open_some(struct limits *l, const char *client, enum limit_class class, int n)
{
    struct addr a = addr_of(client);

    for (int i = 0; i < n; i++) {
        assert_int_equal(limits_refuse(l, &a, class), LIMIT_NONE);
        limits_opened(l, &a, class);
    }
}

static void one_client_is_refused_at_a_quarter(void **state)
{
    struct addr a = addr_of("192.0.2.1");
    struct limits *l;

    (void)state;
    assert_int_equal(limits_new(&l, 40), ERR_OK);
    open_some(l, "192.0.2.1", LIMIT_CLASS_CLIENT, 10);
    assert_int_equal(limits_refuse(l, &a, LIMIT_CLASS_CLIENT), LIMIT_CLIENT);
    open_some(l, "192.0.2.2", LIMIT_CLASS_CLIENT, 10); /* a /32 is a client */
    limits_closed(l, &a, LIMIT_CLASS_CLIENT);
    assert_int_equal(limits_refuse(l, &a, LIMIT_CLASS_CLIENT), LIMIT_NONE);
    assert_int_equal(limits_counts(l).refused_client, 1);
    limits_free(l);
}

static void an_ipv6_client_is_a_56(void **state)
{
    struct addr other = addr_of("2001:db8:0:1ff::1");
    struct addr next = addr_of("2001:db8:0:200::1");
    struct limits *l;

    (void)state;
    assert_int_equal(limits_new(&l, 40), ERR_OK);
    open_some(l, "2001:db8:0:100::1", LIMIT_CLASS_CLIENT, 10);
    assert_int_equal(limits_refuse(l, &other, LIMIT_CLASS_CLIENT), LIMIT_CLIENT);
    assert_int_equal(limits_refuse(l, &next, LIMIT_CLASS_CLIENT), LIMIT_NONE);
    limits_free(l);
}

static void a_proxy_may_use_all_but_no_more(void **state)
{
    struct addr a = addr_of("127.0.0.1");
    struct limits *l;

    (void)state;
    assert_int_equal(limits_new(&l, 40), ERR_OK);
    open_some(l, "127.0.0.1", LIMIT_CLASS_PROXY, 40);
    assert_int_equal(limits_refuse(l, &a, LIMIT_CLASS_PROXY), LIMIT_TOTAL);
    for (int i = 0; i < 40; i++)
        limits_closed(l, &a, LIMIT_CLASS_PROXY);
    assert_int_equal(limits_counts(l).open, 0);
    assert_int_equal(limits_counts(l).accepted, 40);
    assert_int_equal(limits_counts(l).refused_total, 1);
    limits_free(l);
}

static void the_smallest_limit_lets_one_in(void **state)
{
    struct limits *l;

    (void)state;
    assert_int_equal(limits_new(&l, 1), ERR_OK);
    open_some(l, "192.0.2.1", LIMIT_CLASS_CLIENT, 1);
    limits_free(l);
    limits_free(NULL);
}

static int set_up(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_is_refused_at_a_quarter),
        cmocka_unit_test(an_ipv6_client_is_a_56),
        cmocka_unit_test(a_proxy_may_use_all_but_no_more),
        cmocka_unit_test(the_smallest_limit_lets_one_in),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
