/* Whom a check asks for somebody who is no administrator. */
#include "cli/check_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crypto.h"

static struct name name_of(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

/* As an AAAA or A record gives it: an IPv4-mapped address stays what it is. */
static struct addr address_of(const char *text)
{
    static const char mapped[] = "::ffff:";
    struct addr out;

    if (strncmp(text, mapped, sizeof mapped - 1) != 0) {
        assert_int_equal(addr_parse(&out, text, strlen(text)), ERR_OK);
        return out;
    }
    assert_int_equal(addr_parse(&out, text + sizeof mapped - 1, strlen(text) - sizeof mapped + 1), ERR_OK);
    memmove(out.b + 12, out.b, 4);
    memset(out.b, 0, 10);
    memset(out.b + 10, 0xff, 2);
    out.family = ADDR_V6;
    return out;
}

/* How often one was asked who may be asked or not. */
static unsigned questions_to(const char *address, bool is_discreet, const struct check_here *here)
{
    struct lookup_server resolver = {.addr = address_of("127.0.0.1"), .port = 1};
    struct lookup_zone zone = {.apex = name_of("example.net"), .n_names = 1, .n_servers = 1};
    struct name name = name_of("_acme-challenge.example.net");
    struct check_answers answers;
    struct findings findings;
    struct check c;
    unsigned asked;

    findings_init(&findings);
    assert_int_equal(check_init(&c, &resolver, 1, here, &findings), ERR_OK);
    c.is_discreet = is_discreet;
    c.lookup.timeout_ms = 1; /* this is not about answers, and nobody is there */
    zone.names[0] = name_of("ns.example.net");
    zone.servers[0].at = (struct lookup_server){.addr = address_of(address), .port = 1};
    check_ask_all(&c, "cname", &zone, &name, RR_TXT, LOOKUP_UDP, 1, &answers);
    asked = (unsigned)c.lookup.asked;
    if (asked == 0)
        assert_int_equal(answers.items[0].result, LOOKUP_NO_ROUTE);
    check_answers_fini(&answers);
    check_fini(&c);
    findings_fini(&findings);
    return asked;
}

static const char *const inside[] = {
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2002:a00:1::1",
    "2001:0:a00:1::1",
};

static void for_others_than_administrators_only_the_world_is_asked(void **state)
{
    static const char *const world[] = {"192.0.2.1", "2001:db8::1"};
    const struct check_here here = {.is_known = true};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        print_message("%s\n", inside[i]);
        assert_int_equal(questions_to(inside[i], true, &here), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(world); i++)
        assert_int_equal(questions_to(world[i], true, &here), 1);
}

static void for_administrators_all_are_asked(void **state)
{
    const struct check_here here = {.is_known = true};

    (void)state;
    assert_int_equal(questions_to("127.0.0.1", false, &here), 1);
    assert_int_equal(questions_to("::ffff:127.0.0.1", false, &here), 1);
}

static void the_servers_of_our_own_zones_may_be_private(void **state)
{
    struct check_own_zone own = {.n_servers = 1};
    const struct check_here here = {.is_known = true, .n_zones = 1, .zones = &own};

    (void)state;
    own.servers[0].n_addrs = 1;
    own.servers[0].addrs[0] = address_of("10.0.0.1");
    assert_int_equal(questions_to("10.0.0.2", true, &here), 0);
    own.servers[0].addrs[0] = address_of("127.0.0.1");
    assert_int_equal(questions_to("127.0.0.1", true, &here), 1);
}

static int prepare(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_others_than_administrators_only_the_world_is_asked),
        cmocka_unit_test(for_administrators_all_are_asked),
        cmocka_unit_test(the_servers_of_our_own_zones_may_be_private),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
