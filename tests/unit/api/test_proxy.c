#include "api/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"

static struct addr addr_of(const char *text)
{
    struct addr a = {0};

    if (strcmp(text, "local") == 0)
        a.family = ADDR_LOCAL;
    else
        assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

/* Trusted: 10.0.0.0/8 and ::1/128. */
static const struct {
    const char *peer;
    const char *lines[3];
    const char *client; /* "-": not known */
    bool unknown;
} rows[] = {
    {"192.0.2.1", {NULL}, "192.0.2.1", false},
    {"192.0.2.1", {"198.51.100.7"}, "192.0.2.1", true},
    {"10.0.0.1", {NULL}, "10.0.0.1", false},
    {"10.0.0.1", {"198.51.100.7"}, "198.51.100.7", false},
    {"10.0.0.1", {"203.0.113.1, 198.51.100.7"}, "198.51.100.7", false},
    {"10.0.0.1", {"203.0.113.1,198.51.100.7 , 10.2.3.4"}, "198.51.100.7", false},
    {"10.0.0.1", {"203.0.113.1", "198.51.100.7"}, "198.51.100.7", false},
    {"10.0.0.1", {"203.0.113.1", "10.1.1.1", "10.2.2.2"}, "203.0.113.1", false},
    {"10.0.0.1", {"10.9.9.9, 10.1.1.1"}, "10.9.9.9", false},
    {"10.0.0.1", {"garbage, 198.51.100.7"}, "198.51.100.7", false},
    {"10.0.0.1", {"198.51.100.7, garbage"}, "-", true},
    {"10.0.0.1", {"198.51.100.7, garbage, 10.1.1.1"}, "-", true},
    {"10.0.0.1", {""}, "-", true},
    {"10.0.0.1", {"198.51.100.7,"}, "-", true},
    {"10.0.0.1", {"198.51.100.7:4711"}, "198.51.100.7", false},
    {"10.0.0.1", {"2001:db8::7"}, "2001:db8::7", false},
    {"10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7", false},
    {"10.0.0.1", {"[2001:db8::7]:4711"}, "2001:db8::7", false},
    {"10.0.0.1", {"::ffff:198.51.100.7"}, "198.51.100.7", false},
    {"10.0.0.1", {"[2001:db8::7"}, "-", true},
    {"::1", {"198.51.100.7"}, "198.51.100.7", false},
    {"local", {"198.51.100.7"}, "198.51.100.7", false},
    {"local", {NULL}, "local", false},
};

static void the_client_is_the_right_most_address_that_is_no_trusted_proxy(void **state)
{
    struct net nets[2];

    (void)state;
    assert_int_equal(net_parse(&nets[0], "10.0.0.0/8", 10), ERR_OK);
    assert_int_equal(net_parse(&nets[1], "::1/128", 7), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr peer = addr_of(rows[i].peer);
        struct forwarded lines[3];
        struct proxy_client client;
        char text[ADDR_TEXT_MAX];
        size_t n = 0;
        for (; n < 3 && rows[i].lines[n] != NULL; n++)
            lines[n] = (struct forwarded){rows[i].lines[n], strlen(rows[i].lines[n])};
        client = proxy_client(&peer, lines, n, nets, 2);
        if (strcmp(addr_format(&client.addr, text), rows[i].client) != 0 || client.unknown != rows[i].unknown)
            fail_msg("row %zu: %s", i, text);
    }
}

#define HOUR_MS (3600 * 1000)

static void a_forgotten_proxy_is_warned_about_once_an_hour_with_the_count(void **state)
{
    struct addr a = addr_of("127.0.0.1"), b = addr_of("10.0.0.9");
    struct proxy_warnings w;
    uint64_t n = 0;

    (void)state;
    assert_int_equal(proxy_warnings_init(&w), ERR_OK);
    assert_true(proxy_warnings_note(&w, &a, 1000, &n));
    assert_int_equal(n, 1);
    for (int i = 0; i < 213; i++)
        assert_false(proxy_warnings_note(&w, &a, 1000 + i, &n));
    assert_true(proxy_warnings_note(&w, &b, 2000, &n));
    assert_int_equal(n, 1);
    assert_false(proxy_warnings_note(&w, &a, 999 + HOUR_MS, &n));
    assert_true(proxy_warnings_note(&w, &a, 1000 + HOUR_MS, &n));
    assert_int_equal(n, 215);
    proxy_warnings_fini(&w);
}

static void no_more_peers_are_kept_than_there_is_room_for(void **state)
{
    struct proxy_warnings w;
    uint64_t n = 0;

    (void)state;
    assert_int_equal(proxy_warnings_init(&w), ERR_OK);
    for (unsigned i = 0; i < 300; i++) {
        struct addr a = {.family = ADDR_V4, .b = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(proxy_warnings_note(&w, &a, 5, &n), i < PROXY_WARNINGS_MAX);
    }
    proxy_warnings_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_right_most_address_that_is_no_trusted_proxy),
        cmocka_unit_test(a_forgotten_proxy_is_warned_about_once_an_hour_with_the_count),
        cmocka_unit_test(no_more_peers_are_kept_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
