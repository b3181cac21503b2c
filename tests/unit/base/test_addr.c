#include "base/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct addr addr(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

static struct net net(const char *text)
{
    struct net n;

    assert_int_equal(net_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static struct endpoint endpoint(const char *text)
{
    struct endpoint e;

    assert_int_equal(endpoint_parse(&e, text, strlen(text)), ERR_OK);
    return e;
}

static void addresses_parse_and_format(void **state)
{
    static const struct {
        const char *text;
        enum addr_family family;
        const char *canonical;
    } rows[] = {
        {"192.0.2.1", ADDR_V4, "192.0.2.1"},
        {"0.0.0.0", ADDR_V4, "0.0.0.0"},
        {"255.255.255.255", ADDR_V4, "255.255.255.255"},
        {"2001:DB8:0:0:0:0:0:1", ADDR_V6, "2001:db8::1"},
        {"::", ADDR_V6, "::"},
        {"::1", ADDR_V6, "::1"},
        {"::ffff:192.0.2.1", ADDR_V4, "192.0.2.1"},
        {"::ffff:c000:201", ADDR_V4, "192.0.2.1"},
        {"0:0:0:0:0:ffff:192.0.2.1", ADDR_V4, "192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", ADDR_V6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[ADDR_TEXT_MAX];
        struct addr a = addr(rows[i].text);
        assert_int_equal(a.family, rows[i].family);
        assert_string_equal(addr_format(&a, text), rows[i].canonical);
    }
}

static void what_is_not_exactly_an_address_is_a_syntax_error(void **state)
{
    static const char *const rows[] = {
        "",
        " 192.0.2.1",
        "192.0.2.1 ",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1.",
        "0xc0.0.2.1",
        "[::1]",
        "fe80::1%eth0",
        "::1%1",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "g::",
        "localhost",
        "192.0.2.1/32",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr a;
        assert_int_equal(addr_parse(&a, rows[i], strlen(rows[i])), ERR_SYNTAX);
    }
    struct addr a;
    assert_int_equal(addr_parse(&a, "192.0.2.1\0", 10), ERR_SYNTAX);
    assert_int_equal(addr_parse(&a, "192.0.2.123", 9), ERR_OK); /* no NUL needed: .1 */
    assert_true(addr_equal(&a, &(struct addr){ADDR_V4, {192, 0, 2, 1}}));
}

static void no_address_and_a_local_one_have_texts(void **state)
{
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_string_equal(addr_format(&(struct addr){.family = ADDR_NONE}, text), "-");
    assert_string_equal(addr_format(&(struct addr){.family = ADDR_LOCAL}, text), "local");
    assert_string_equal(addr_format(&(struct addr){.family = 77}, text), "-");
}

static void a_sockaddr_gives_address_and_port(void **state)
{
    struct sockaddr_storage sa;
    struct endpoint e = endpoint("[2001:db8::1]:5353");
    struct addr expected = addr("2001:db8::1");
    struct addr a;
    uint16_t port = 1;

    (void)state;
    assert_int_equal(endpoint_to_sockaddr(&e, &sa), sizeof(struct sockaddr_in6));
    addr_from_sockaddr(&a, &port, (const struct sockaddr *)&sa);
    assert_true(addr_equal(&a, &expected));
    assert_int_equal(port, 5353);

    e = endpoint("192.0.2.1:53");
    expected = addr("192.0.2.1");
    assert_int_equal(endpoint_to_sockaddr(&e, &sa), sizeof(struct sockaddr_in));
    addr_from_sockaddr(&a, NULL, (const struct sockaddr *)&sa); /* the port may be of no interest */
    assert_true(addr_equal(&a, &expected));

    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
    addr_from_sockaddr(&a, &port, (const struct sockaddr *)&mapped);
    assert_true(addr_equal(&a, &expected));
    assert_int_equal(port, 7);

    e = endpoint("unix:/run/x");
    assert_int_equal(endpoint_to_sockaddr(&e, &sa), offsetof(struct sockaddr_un, sun_path) + 7);
    assert_string_equal(((const struct sockaddr_un *)(const void *)&sa)->sun_path, "/run/x");
    addr_from_sockaddr(&a, &port, (const struct sockaddr *)&sa);
    assert_int_equal(a.family, ADDR_LOCAL);
    assert_int_equal(port, 0);

    sa.ss_family = AF_NETLINK;
    addr_from_sockaddr(&a, &port, (const struct sockaddr *)&sa);
    assert_int_equal(a.family, ADDR_NONE);
}

static void a_prefix_clears_the_bits_behind_it(void **state)
{
    static const struct {
        const char *addr;
        unsigned v4, v6;
        const char *prefix;
    } rows[] = {
        {"192.0.2.255", 32, 64, "192.0.2.255"},
        {"192.0.2.255", 24, 64, "192.0.2.0"},
        {"192.0.2.255", 25, 64, "192.0.2.128"},
        {"192.0.2.255", 31, 64, "192.0.2.254"},
        {"192.0.2.255", 1, 64, "128.0.0.0"},
        {"192.0.2.255", 0, 64, "0.0.0.0"},
        {"192.0.2.255", 99, 64, "192.0.2.255"},
        {"2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::"},
        {"2001:db8:1:2:3:4:5:6", 32, 63, "2001:db8:1:2::"},
        {"2001:db8:1:3:3:4:5:6", 32, 63, "2001:db8:1:2::"},
        {"2001:db8:1:2:3:4:5:6", 32, 0, "::"},
        {"2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6"},
        {"2001:db8:1:2:3:4:5:6", 32, 999, "2001:db8:1:2:3:4:5:6"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[ADDR_TEXT_MAX];
        struct addr a = addr(rows[i].addr);
        struct addr p = addr_prefix(&a, rows[i].v4, rows[i].v6);
        assert_string_equal(addr_format(&p, text), rows[i].prefix);
    }
    struct addr local = {.family = ADDR_LOCAL};
    struct addr p = addr_prefix(&local, 24, 64);
    assert_true(addr_equal(&p, &local));
}

static void loopback_and_private_addresses_are_known(void **state)
{
    static const struct {
        const char *addr;
        bool loopback, private;
    } rows[] = {
        {"127.0.0.1", true, true},
        {"127.255.255.255", true, true},
        {"126.255.255.255", false, false},
        {"128.0.0.0", false, false},
        {"::1", true, true},
        {"::2", false, false},
        {"::ffff:127.0.0.1", true, true},
        {"10.0.0.0", false, true},
        {"11.0.0.0", false, false},
        {"172.15.255.255", false, false},
        {"172.16.0.0", false, true},
        {"172.31.255.255", false, true},
        {"172.32.0.0", false, false},
        {"192.168.1.1", false, true},
        {"192.169.0.0", false, false},
        {"100.63.255.255", false, false},
        {"100.64.0.0", false, true},
        {"100.127.255.255", false, true},
        {"100.128.0.0", false, false},
        {"169.254.9.9", false, true},
        {"192.0.2.1", false, false},
        {"fc00::", false, true},
        {"fdff::1", false, true},
        {"fe00::", false, false},
        {"fe80::1", false, true},
        {"febf::1", false, true},
        {"fec0::", false, false},
        {"2001:db8::1", false, false},
        {"0.0.0.0", false, false},
        {"::", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr a = addr(rows[i].addr);
        assert_int_equal(addr_is_loopback(&a), rows[i].loopback);
        assert_int_equal(addr_is_private(&a), rows[i].private);
    }
    assert_true(addr_is_loopback(&(struct addr){.family = ADDR_LOCAL}));
    assert_true(addr_is_private(&(struct addr){.family = ADDR_LOCAL}));
    assert_false(addr_is_loopback(&(struct addr){.family = ADDR_NONE}));
    assert_false(addr_is_private(&(struct addr){.family = ADDR_NONE}));
}

static void networks_parse_as_written(void **state)
{
    static const struct {
        const char *text;
        const char *canonical;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.77/24", "192.0.2.77/24"}, /* host bits are allowed and kept */
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.1/32", "192.0.2.1/32"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"::/0", "::/0"},
        {"::1/128", "::1/128"},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"::ffff:0:0/95", "::ffff:0.0.0.0/95"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[NET_TEXT_MAX];
        struct net n = net(rows[i].text);
        assert_string_equal(net_format(&n, text), rows[i].canonical);
    }
}

static void what_is_not_exactly_a_network_is_a_syntax_error(void **state)
{
    static const char *const rows[] = {
        "",
        "/",
        "/24",
        "192.0.2.0",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.0/024",
        "192.0.2.0/ 24",
        "192.0.2.0/24 ",
        " 192.0.2.0/24",
        "192.0.2.0/+24",
        "192.0.2.0/-1",
        "192.0.2.0/255.255.255.0",
        "192.0.2.0/24/24",
        "::/129",
        "::1/0128",
        "fe80::1%eth0/64",
        "[::1]/128",
        "192.0.02.0/24",
        "192.0.2.0/x",
        "192.0.2.0/18446744073709551640",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net n;
        assert_int_equal(net_parse(&n, rows[i], strlen(rows[i])), ERR_SYNTAX);
    }
}

static void a_network_contains_its_addresses_and_no_others(void **state)
{
    static const struct {
        const char *net;
        const char *addr;
        bool contains;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.77/24", "192.0.2.1", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/23", "192.0.3.0", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "192.0.2.1", false},
        {"::/0", "2001:db8::1", true},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1/128", "::1", true},
        {"::1/128", "::", false},
        {"192.0.2.0/24", "::ffff:192.0.2.9", true},
        {"::ffff:192.0.2.0/120", "192.0.2.9", true},
        {"::ffff:0:0/95", "192.0.2.9", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net n = net(rows[i].net);
        struct addr a = addr(rows[i].addr);
        assert_int_equal(net_contains(&n, &a), rows[i].contains);
    }
    struct net all = net("0.0.0.0/0");
    assert_false(net_contains(&all, &(struct addr){.family = ADDR_NONE}));
    assert_false(net_contains(&all, &(struct addr){.family = ADDR_LOCAL}));
    assert_false(net_contains(&(struct net){{ADDR_LOCAL, {0}}, 0}, &(struct addr){.family = ADDR_LOCAL}));
}

static void any_of_several_networks_is_enough(void **state)
{
    struct net nets[] = {net("192.0.2.0/24"), net("2001:db8::/32")};
    struct addr in = addr("2001:db8::9");
    struct addr out = addr("198.51.100.1");

    (void)state;
    assert_true(net_any_contains(nets, 2, &in));
    assert_false(net_any_contains(nets, 1, &in));
    assert_false(net_any_contains(nets, 2, &out));
    assert_false(net_any_contains(NULL, 0, &in));
}

static void endpoints_parse_and_format(void **state)
{
    static const struct {
        const char *text;
        const char *canonical;
        bool wildcard;
    } rows[] = {
        {"192.0.2.1:53", "192.0.2.1:53", false},
        {"0.0.0.0:0", "0.0.0.0:0", true},
        {"[::]:65535", "[::]:65535", true},
        {"[2001:DB8::1]:53", "[2001:db8::1]:53", false},
        {"[::ffff:192.0.2.1]:53", "192.0.2.1:53", false},
        {"unix:/run/riposte/api.sock", "unix:/run/riposte/api.sock", false},
        {"unix:/run/a:53", "unix:/run/a:53", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[ENDPOINT_TEXT_MAX];
        struct endpoint e = endpoint(rows[i].text);
        struct endpoint again;
        assert_string_equal(endpoint_format(&e, text), rows[i].canonical);
        assert_int_equal(endpoint_is_wildcard(&e), rows[i].wildcard);
        again = endpoint(text);
        assert_true(endpoint_equal(&e, &again));
    }
}

static void malformed_endpoints_are_refused_with_the_right_error(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } rows[] = {
        {"", ERR_SYNTAX},
        {"53", ERR_SYNTAX},
        {":53", ERR_SYNTAX},
        {"192.0.2.1", ERR_SYNTAX},
        {"192.0.2.1:", ERR_SYNTAX},
        {"192.0.2.1:053", ERR_SYNTAX},
        {"192.0.2.1:+53", ERR_SYNTAX},
        {"192.0.2.1:53 ", ERR_SYNTAX},
        {"192.0.2.1:65536", ERR_RANGE},
        {"192.0.2.1:99999999999999999999999", ERR_RANGE},
        {"localhost:53", ERR_SYNTAX},
        {"2001:db8::1:53", ERR_SYNTAX}, /* is it a port? */
        {"[2001:db8::1]", ERR_SYNTAX},
        {"[2001:db8::1]53", ERR_SYNTAX},
        {"[192.0.2.1]:53", ERR_SYNTAX},
        {"[]:53", ERR_SYNTAX},
        {"[:53", ERR_SYNTAX},
        {"[fe80::1%eth0]:53", ERR_SYNTAX},
        {"unix:", ERR_SYNTAX},
        {"unix:run/x", ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint e;
        assert_int_equal(endpoint_parse(&e, rows[i].text, strlen(rows[i].text)), rows[i].e);
    }
    struct endpoint e;
    assert_int_equal(endpoint_parse(&e, "unix:/a\0b", 9), ERR_SYNTAX);
}

static void a_socket_path_may_fill_the_address_but_not_pass_it(void **state)
{
    char text[5 + ENDPOINT_PATH_MAX];
    char formatted[ENDPOINT_TEXT_MAX];
    struct sockaddr_storage sa;
    struct endpoint e;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "unix:/", 6);
    assert_int_equal(endpoint_parse(&e, text, sizeof text), ERR_RANGE);
    assert_int_equal(endpoint_parse(&e, text, sizeof text - 1), ERR_OK);
    assert_int_equal(strlen(e.path), ENDPOINT_PATH_MAX - 1);
    assert_int_equal(strlen(endpoint_format(&e, formatted)), sizeof text - 1);
    assert_int_equal(endpoint_to_sockaddr(&e, &sa), sizeof(struct sockaddr_un));
}

static void endpoints_are_equal_when_they_bind_the_same_place(void **state)
{
    static const char *const rows[] = {"192.0.2.1:53", "192.0.2.1:54", "192.0.2.2:53",
                                       "[::]:53",      "unix:/a",      "unix:/b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            struct endpoint a = endpoint(rows[i]);
            struct endpoint b = endpoint(rows[j]);
            assert_int_equal(endpoint_equal(&a, &b), i == j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_parse_and_format),
        cmocka_unit_test(what_is_not_exactly_an_address_is_a_syntax_error),
        cmocka_unit_test(no_address_and_a_local_one_have_texts),
        cmocka_unit_test(a_sockaddr_gives_address_and_port),
        cmocka_unit_test(a_prefix_clears_the_bits_behind_it),
        cmocka_unit_test(loopback_and_private_addresses_are_known),
        cmocka_unit_test(networks_parse_as_written),
        cmocka_unit_test(what_is_not_exactly_a_network_is_a_syntax_error),
        cmocka_unit_test(a_network_contains_its_addresses_and_no_others),
        cmocka_unit_test(any_of_several_networks_is_enough),
        cmocka_unit_test(endpoints_parse_and_format),
        cmocka_unit_test(malformed_endpoints_are_refused_with_the_right_error),
        cmocka_unit_test(a_socket_path_may_fill_the_address_but_not_pass_it),
        cmocka_unit_test(endpoints_are_equal_when_they_bind_the_same_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
