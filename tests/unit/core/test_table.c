#include "core/table.h"

#include "core/table_fixture.h"

#include <stdio.h>

/* A table with zone 1, auth.example.org, serial 5. */
static struct table *table_with_zone(void)
{
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);

    put_zone(b, 1, "Auth.example.org", 5);
    table_batch_publish(b);
    return t;
}

static void assert_bytes(const uint8_t *got, size_t got_len, const char *want, size_t want_len)
{
    assert_int_equal(got_len, want_len);
    assert_memory_equal(got, want, want_len);
}

static void an_empty_table_has_no_name_and_no_zone(void **state)
{
    struct table *t = new_table();
    struct name n = name_of("a.example.org");
    struct table_counts c = table_counts(t);

    (void)state;
    assert_null(find(t, "a.example.org"));
    assert_null(find(t, "."));
    assert_null(table_find_zone(t, &n));
    assert_int_equal(c.nodes, 0);
    assert_int_equal(c.zones, 0);
    table_reclaim(t);
    table_free(t);
    table_free(NULL);
    table_batch_free(NULL);
    node_free(NULL);
}

static void a_node_gives_each_rrset_ready_for_the_wire(void **state)
{
    static const char txt[] = "\xc0\x0c\0\x10\0\1\0\1\x51\x80\0\3\2ab"
                              "\xc0\x0c\0\x10\0\1\0\1\x51\x80\0\2\1c";
    static const char a[] = "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1";
    const struct rdata txts[] = {{(const uint8_t *)"\2ab", 3}, {(const uint8_t *)"\1c", 2}};
    const struct rdata address = {(const uint8_t *)"\x7f\0\0\1", 4};
    const struct rrset sets[] = {{RR_TXT, 86400, 2, txts}, {RR_MX, 1, 0, NULL}, {RR_A, 0, 1, &address}};
    struct name owner = name_of("X.auth.example.org");
    struct node_spec spec = {.owner = &owner, .zone = 1, .flags = NODE_PINNED, .sets = sets, .n_sets = 3};
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct answer_set set;
    const struct node *found;
    struct node *n = NULL;

    (void)state;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    assert_int_equal(table_batch_put(b, n), ERR_OK);
    table_batch_publish(b);
    found = find(t, "x.Auth.example.org");
    assert_non_null(found);
    assert_int_equal(node_flags(found), NODE_PINNED);
    assert_int_equal(table_zone_id(table_node_zone(t, found)), 1);
    assert_true(node_find_set(t, found, RR_TXT, &set));
    assert_int_equal(set.type, RR_TXT);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.additional_count, 0);
    assert_int_equal(set.additional_len, 0);
    assert_bytes(set.records, set.len, txt, sizeof txt - 1);
    assert_true(node_find_set(t, found, RR_A, &set));
    assert_int_equal(set.count, 1);
    assert_bytes(set.records, set.len, a, sizeof a - 1);
    assert_false(node_find_set(t, found, RR_MX, &set)); /* a set without records is none */
    assert_false(node_find_set(t, found, RR_AAAA, &set));
    assert_false(node_find_set(t, found, RR_SOA, &set));
    assert_false(node_find_set(t, found, RR_CAA, &set));
    table_free(t);
}

static void addresses_go_with_the_ns_rrset_only(void **state)
{
    static const char ns[] = "\xc0\x0c\0\2\0\1\0\0\0\x3c\0\5\3ns1\0";
    static const char glue[] = "\3ns1\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
                               "\3ns2\0\0\1\0\1\0\0\0\2\0\4\5\6\7\x08";
    const struct rdata target = {(const uint8_t *)"\3ns1\0", 5}, mx = {(const uint8_t *)"\0\1\0", 3};
    const struct rrset sets[] = {{RR_MX, 60, 1, &mx}, {RR_NS, 60, 1, &target}, {RR_TXT, 60, 1, &mx}};
    const struct record additional[] = {
        {.owner = name_of("ns1"), .type = RR_A, .ttl_s = 1, .rdata = {(const uint8_t *)"\1\2\3\4", 4}},
        {.owner = name_of("ns2"), .type = RR_A, .ttl_s = 2, .rdata = {(const uint8_t *)"\5\6\7\x08", 4}}};
    struct name owner = name_of("auth.example.org");
    struct node_spec spec = {.owner = &owner,
                             .zone = 1,
                             .flags = NODE_APEX,
                             .sets = sets,
                             .n_sets = 3,
                             .additional = additional,
                             .n_additional = 2};
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct answer_set set;
    struct node *n = NULL;

    (void)state;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    assert_int_equal(table_batch_put(b, n), ERR_OK);
    table_batch_publish(b);
    assert_true(node_find_set(t, find(t, "auth.example.org"), RR_NS, &set));
    assert_bytes(set.records, set.len, ns, sizeof ns - 1);
    assert_int_equal(set.additional_count, 2);
    assert_bytes(set.additional, set.additional_len, glue, sizeof glue - 1);
    assert_true(node_find_set(t, find(t, "auth.example.org"), RR_MX, &set));
    assert_int_equal(set.additional_count, 0);
    assert_true(node_find_set(t, find(t, "auth.example.org"), RR_TXT, &set)); /* the one behind is found too */
    assert_int_equal(set.additional_count, 0);
    assert_bytes(set.records + 12, set.len - 12, "\0\1\0", 3);
    table_free(t);
}

static void an_rrset_of_65535_octets_is_the_largest(void **state)
{
    static uint8_t bytes[65535];
    struct name owner = name_of("x.auth.example.org");
    struct rdata rdatas[2] = {{bytes, 65535 - 24 - 1}, {bytes, 1}};
    struct rrset set = {RR_TXT, 0, 2, rdatas};
    struct record glue = {.owner = name_of("n"), .type = RR_A, .rdata = {bytes, 65535 - 13}};
    struct node_spec spec = {.owner = &owner, .zone = 1, .sets = &set, .n_sets = 1};
    struct node *n = NULL;

    (void)state;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    node_free(n);
    rdatas[1].len = 2;
    assert_int_equal(node_new(&n, &spec), ERR_RANGE);
    set = (struct rrset){RR_NS, 0, 1, &rdatas[1]};
    spec.additional = &glue;
    spec.n_additional = 1;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    node_free(n);
    glue.rdata.len++;
    assert_int_equal(node_new(&n, &spec), ERR_RANGE);
}

static void the_apex_gives_the_soa_of_the_zone_with_its_current_serial(void **state)
{
    static const char want[] = "\xc0\x0c\0\6\0\1\0\0\0\0\0\x38"
                               "\3ns1\7example\3net\0\5admin\7example\3net\0"
                               "\0\0\0\5\0\0\0\1\0\0\0\2\0\0\0\3\0\0\1\x2c";
    struct name apex = name_of("auth.example.org");
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct zone_negative negative;
    struct answer_set set;

    (void)state;
    assert_int_equal(table_batch_put(b, txt_node(1, &apex, NODE_APEX, NULL)), ERR_OK);
    table_batch_publish(b);
    assert_true(node_find_set(t, find(t, "auth.example.org"), RR_SOA, &set));
    assert_int_equal(set.count, 1);
    assert_int_equal(set.type, RR_SOA);
    assert_bytes(set.records, set.len, want, sizeof want - 1);
    table_zone_negative(table_find_zone(t, &apex), &negative);
    assert_int_equal(negative.ttl_s, 0); /* min(SOA TTL, MINIMUM) */
    assert_int_equal(negative.apex_len, 18);
    assert_bytes(negative.soa_rdata, negative.soa_rdata_len, want + 12, sizeof want - 1 - 12);

    b = new_batch(t);
    put_zone(b, 1, "auth.example.org", 6);
    table_batch_publish(b);
    assert_int_equal(table_zone_serial(table_find_zone(t, &apex)), 6);
    assert_true(node_find_set(t, find(t, "auth.example.org"), RR_SOA, &set));
    assert_int_equal(set.records[set.len - 17], 6);
    assert_int_equal(table_counts(t).zones, 1);
    table_reclaim(t);
    table_free(t);
}

static void challenge_names_get_the_zones_caa_unless_they_have_their_own(void **state)
{
    const struct rdata own = {(const uint8_t *)"own", 3};
    const struct rrset set_caa = {RR_CAA, 0, 1, &own};
    struct name plain = name_of("p.auth.example.org"), challenge = name_of("c.auth.example.org");
    struct name pinned = name_of("o.auth.example.org");
    struct node_spec spec = {.owner = &pinned, .zone = 1, .flags = NODE_CHALLENGE, .sets = &set_caa, .n_sets = 1};
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);
    struct node *n = NULL;
    struct answer_set set;

    (void)state;
    assert_int_equal(try_put_zone(b, 1, "auth.example.org", 5, "deny"), ERR_OK);
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    assert_int_equal(table_batch_put(b, n), ERR_OK);
    assert_int_equal(table_batch_put(b, txt_node(1, &plain, 0, "x")), ERR_OK);
    assert_int_equal(table_batch_put(b, txt_node(1, &challenge, NODE_CHALLENGE, NULL)), ERR_OK);
    table_batch_publish(b);
    assert_false(node_find_set(t, find(t, "p.auth.example.org"), RR_CAA, &set));
    assert_true(node_find_set(t, find(t, "c.auth.example.org"), RR_CAA, &set));
    assert_int_equal(set.count, 1);
    assert_bytes(set.records, set.len, "\xc0\x0c\1\1\0\1\0\0\0\7\0\4deny", 16);
    assert_true(node_any_set(t, find(t, "c.auth.example.org"), &set));
    assert_int_equal(set.type, RR_CAA);
    assert_true(node_find_set(t, find(t, "o.auth.example.org"), RR_CAA, &set));
    assert_bytes(set.records + 12, set.len - 12, "own", 3);

    b = new_batch(t);
    put_zone(b, 1, "auth.example.org", 6); /* without it */
    table_batch_publish(b);
    assert_false(node_find_set(t, find(t, "c.auth.example.org"), RR_CAA, &set));
    assert_false(node_any_set(t, find(t, "c.auth.example.org"), &set));
    assert_true(node_find_set(t, find(t, "o.auth.example.org"), RR_CAA, &set));
    table_free(t);
}

static void any_is_txt_first_then_the_first_there_is(void **state)
{
    const struct rdata rdata = {(const uint8_t *)"r", 1};
    const struct rrset sets[] = {{RR_A, 0, 1, &rdata}, {RR_TXT, 0, 1, &rdata}};
    struct name both = name_of("b.auth.example.org"), one = name_of("a.auth.example.org");
    struct name apex = name_of("auth.example.org");
    struct node_spec spec = {.owner = &both, .zone = 1, .sets = sets, .n_sets = 2};
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct answer_set set;
    struct node *n = NULL;

    (void)state;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    assert_int_equal(table_batch_put(b, n), ERR_OK);
    spec.owner = &one;
    spec.n_sets = 1;
    assert_int_equal(node_new(&n, &spec), ERR_OK);
    assert_int_equal(table_batch_put(b, n), ERR_OK);
    put(b, 1, "deep.none.auth.example.org", "x");
    assert_int_equal(table_batch_put(b, txt_node(1, &apex, NODE_APEX, NULL)), ERR_OK);
    table_batch_publish(b);
    assert_true(node_any_set(t, find(t, "b.auth.example.org"), &set));
    assert_int_equal(set.type, RR_TXT);
    assert_true(node_any_set(t, find(t, "a.auth.example.org"), &set));
    assert_int_equal(set.type, RR_A);
    assert_true(node_any_set(t, find(t, "auth.example.org"), &set));
    assert_int_equal(set.type, RR_SOA);
    assert_false(node_any_set(t, find(t, "none.auth.example.org"), &set));
    table_free(t);
}

static void the_zone_of_longest_match_is_found_at_label_boundaries(void **state)
{
    static const struct {
        const char *name;
        int zone; /* -1: none */
    } cases[] = {
        {"example.org", 0},
        {"a.example.org", 0},
        {"badexample.org", -1},
        {"org", -1},
        {".", -1},
        {"sub.example.org", 2},
        {"x.y.sub.example.org", 2},
        {"xsub.example.org", 0},
        {"a.b.c.d.example.net", 7},
        {"b.c.d.example.net", -1},
        {"x.a.b.c.d.example.net", 7},
        {"sub.example.org.example.com", -1},
    };
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);
    struct name n;

    (void)state;
    put_zone(b, 0, "example.org", 1);
    put_zone(b, 2, "sub.example.org", 1);
    put_zone(b, 7, "a.b.c.d.example.net", 1);
    table_batch_publish(b);
    assert_int_equal(table_counts(t).zones, 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct table_zone *z;
        n = name_of(cases[i].name);
        z = table_find_zone(t, &n);
        assert_int_equal(z != NULL ? (int)table_zone_id(z) : -1, cases[i].zone);
    }

    b = new_batch(t);
    assert_int_equal(table_batch_remove_zone(b, 2), ERR_OK);
    assert_int_equal(table_batch_remove_zone(b, 3), ERR_OK); /* never was: nothing happens */
    assert_int_equal(table_batch_remove_zone(b, 99), ERR_OK);
    put_zone(b, 8, ".", 1);
    table_batch_publish(b);
    assert_int_equal(table_counts(t).zones, 3);
    n = name_of("x.sub.example.org");
    assert_int_equal(table_zone_id(table_find_zone(t, &n)), 0);
    n = name_of("org");
    assert_int_equal(table_zone_id(table_find_zone(t, &n)), 8);
    table_reclaim(t);
    n = name_of(".");
    assert_int_equal(table_zone_id(table_find_zone(t, &n)), 8);
    table_free(t);
}

static void many_zones_in_one_batch_are_all_found(void **state)
{
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);
    char text[64];

    (void)state;
    for (uint32_t i = 1; i <= 500; i++) {
        (void)snprintf(text, sizeof text, "z%u.example%s", i, i % 2 == 0 ? ".org" : "");
        put_zone(b, i, text, i);
        (void)snprintf(text, sizeof text, "name.z%u.example%s", i, i % 2 == 0 ? ".org" : "");
        put(b, i, text, "v");
    }
    table_batch_publish(b);
    assert_int_equal(table_counts(t).zones, 500);
    assert_int_equal(table_counts(t).nodes, 500);
    for (uint32_t i = 1; i <= 500; i++) {
        struct name n;
        (void)snprintf(text, sizeof text, "name.z%u.example%s", i, i % 2 == 0 ? ".org" : "");
        n = name_of(text);
        assert_int_equal(table_zone_serial(table_find_zone(t, &n)), i);
        assert_txt(t, text, "v");
    }
    table_free(t);
}

static void a_batch_is_invisible_until_published_and_nothing_when_given_up(void **state)
{
    struct table *t = table_with_zone();
    struct table_counts before = table_counts(t), after;
    struct table_batch *b = new_batch(t);

    (void)state;
    put(b, 1, "x.y.auth.example.org", "v");
    put_zone(b, 2, "other.example.org", 1);
    put(b, 3, "waits.for.a.zone", "v");
    assert_null(find(t, "x.y.auth.example.org"));
    table_batch_free(b);
    after = table_counts(t);
    assert_memory_equal(&after, &before, sizeof after);
    assert_null(find(t, "x.y.auth.example.org"));

    b = new_batch(t);
    table_batch_publish(b); /* an empty one */
    b = new_batch(t);
    put(b, 1, "x.y.auth.example.org", "v");
    table_batch_publish(b);
    assert_txt(t, "x.y.auth.example.org", "v");
    b = new_batch(t);
    take(b, "X.y.auth.example.org");
    assert_txt(t, "x.y.auth.example.org", "v");
    table_batch_free(b);
    assert_txt(t, "x.y.auth.example.org", "v");
    table_free(t);
}

static void nodes_may_come_before_their_zone(void **state)
{
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);

    (void)state;
    put(b, 2, "a.b.two.example", "1");
    put(b, 1, "a.b.c.one.example", "2");
    put_zone(b, 1, "one.example", 1);
    put(b, 2, "two.example", "3");
    put_zone(b, 2, "two.example", 1);
    put(b, 1, "c.one.example", "4");
    table_batch_publish(b);
    assert_txt(t, "a.b.two.example", "1");
    assert_txt(t, "b.two.example", NULL);
    assert_txt(t, "two.example", "3");
    assert_txt(t, "a.b.c.one.example", "2");
    assert_txt(t, "b.c.one.example", NULL);
    assert_txt(t, "c.one.example", "4");
    assert_null(find(t, "one.example"));
    assert_int_equal(table_counts(t).nodes, 6);
    table_free(t);
}

static void an_owner_outside_of_its_zone_is_refused(void **state)
{
    static const char *const owners[] = {"example.org", "xauth.example.org", "a.example.com", "."};
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct name n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        n = name_of(owners[i]);
        assert_int_equal(table_batch_put(b, txt_node(1, &n, 0, "v")), ERR_RANGE);
    }
    assert_int_equal(table_batch_put(b, txt_node(2, &n, 0, "v")), ERR_OK);
    assert_int_equal(try_put_zone(b, 2, "org", 1, NULL), ERR_RANGE); /* found out when the zone comes */
    table_batch_free(b);
    table_free(t);
}

static void a_removed_zone_takes_its_names_along_in_one_batch(void **state)
{
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    struct table_counts before = table_counts(t);
    struct name n = name_of("x.auth.example.org");

    (void)state;
    put(b, 1, "x.auth.example.org", "v");
    put(b, 1, "a.b.auth.example.org", "v");
    table_batch_publish(b);
    b = new_batch(t);
    assert_int_equal(table_batch_remove_zone(b, 1), ERR_OK);
    take(b, "x.auth.example.org");
    take(b, "a.b.auth.example.org");
    table_batch_publish(b);
    assert_null(find(t, "x.auth.example.org"));
    assert_null(find(t, "b.auth.example.org"));
    assert_null(table_find_zone(t, &n));
    assert_int_equal(table_counts(t).nodes, before.nodes);
    assert_int_equal(table_counts(t).zones, 0);
    table_reclaim(t);
    assert_null(table_find_zone(t, &n));
    table_free(t);
}

static void what_was_replaced_gathers_until_waiting_for_readers_is_worth_it(void **state)
{
    struct table *t = table_with_zone();
    struct table_batch *b;
    unsigned n = 0;

    (void)state;
    assert_false(table_reclaim_is_due(t));
    for (; !table_reclaim_is_due(t); n++) {
        b = new_batch(t);
        put(b, 1, "x.auth.example.org", "v");
        table_batch_publish(b);
    }
    assert_in_range(n, 20, 70);
    table_reclaim(t);
    assert_false(table_reclaim_is_due(t));
    assert_txt(t, "x.auth.example.org", "v");
    b = new_batch(t);
    assert_int_equal(table_batch_remove_zone(b, 1), ERR_OK);
    take(b, "x.auth.example.org");
    table_batch_publish(b);
    assert_true(table_reclaim_is_due(t)); /* before its number is of another zone */
    table_free(t);
}

static void names_can_pass_from_a_zone_to_another_with_the_same_or_a_lower_apex(void **state)
{
    static const char *const apexes[] = {"auth.example.org", "b.auth.example.org"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(apexes); i++) {
        struct table *t = table_with_zone();
        struct table_batch *b = new_batch(t);
        put(b, 1, "x.a.b.auth.example.org", "old");
        table_batch_publish(b);
        assert_int_equal(table_counts(t).nodes, 3);
        b = new_batch(t);
        put(b, 2, "x.a.b.auth.example.org", "new");
        assert_int_equal(table_batch_remove_zone(b, 1), ERR_OK);
        put_zone(b, 2, apexes[i], 1);
        table_batch_publish(b);
        assert_txt(t, "x.a.b.auth.example.org", "new");
        assert_int_equal(table_zone_id(table_node_zone(t, find(t, "x.a.b.auth.example.org"))), 2);
        table_reclaim(t);
        assert_txt(t, "x.a.b.auth.example.org", "new");
        assert_txt(t, "a.b.auth.example.org", NULL);
        assert_int_equal(table_counts(t).nodes, i == 0 ? 3 : 2);
        b = new_batch(t);
        take(b, "x.a.b.auth.example.org");
        table_batch_publish(b);
        assert_int_equal(table_counts(t).nodes, 0);
        table_free(t);
    }
}

static void names_differ_wherever_they_differ(void **state)
{
    static const char *const owners[] = {"a",
                                         "b",
                                         "aa",
                                         "abcdefghijklmnop",
                                         "abcdefghijklmnoq",
                                         "bbcdefghijklmnop",
                                         "6f1d0b9e-5f0c-4c43-9f56-0d3f1f6f2a10",
                                         "6f1d0b9e-5f0c-4c43-9f56-0d3f1f6f2a11",
                                         "7f1d0b9e-5f0c-4c43-9f56-0d3f1f6f2a10",
                                         "_acme-challenge.6f1d0b9e"};
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        (void)snprintf(text, sizeof text, "%s.auth.example.org", owners[i]);
        put(b, 1, text, owners[i]);
    }
    table_batch_publish(b);
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        (void)snprintf(text, sizeof text, "%s.auth.example.org", owners[i]);
        assert_txt(t, text, owners[i]);
        (void)snprintf(text, sizeof text, "%s.auth.example.com", owners[i]);
        assert_null(find(t, text));
    }
    table_free(t);
}

static void a_slot_gives_the_table_that_was_swapped_in(void **state)
{
    struct table_slot slot = {0};
    struct table *a = new_table(), *b = new_table();

    (void)state;
    assert_null(table_slot_read(&slot));
    assert_null(table_slot_swap(&slot, a));
    assert_ptr_equal(table_slot_read(&slot), a);
    assert_ptr_equal(table_slot_swap(&slot, b), a);
    assert_ptr_equal(table_slot_swap(&slot, NULL), b);
    assert_null(table_slot_read(&slot));
    table_free(a);
    table_free(b);
}

static void hashes_depend_on_the_key_alone(void **state)
{
    const struct siphash_key other_key = {1, 2};
    struct table *a = new_table(), *same = new_table(), *b = NULL;
    struct name n = name_of("x.example.org");

    (void)state;
    assert_int_equal(table_new(&b, &other_key), ERR_OK);
    assert_true(table_hash(a, &n) == table_hash(same, &n));
    assert_true(table_hash(a, &n) != table_hash(b, &n));
    table_free(same);
    table_free(a);
    table_free(b);
}

static void a_slot_begins_with_a_key_of_its_own_and_without_a_table(void **state)
{
    struct table_slot a, b;

    (void)state;
    assert_int_equal(table_slot_init(&a), ERR_OK);
    assert_int_equal(table_slot_init(&b), ERR_OK);
    assert_null(table_slot_read(&a));
    assert_memory_not_equal(&a.name_key, &b.name_key, sizeof a.name_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_no_name_and_no_zone),
        cmocka_unit_test(a_node_gives_each_rrset_ready_for_the_wire),
        cmocka_unit_test(addresses_go_with_the_ns_rrset_only),
        cmocka_unit_test(an_rrset_of_65535_octets_is_the_largest),
        cmocka_unit_test(the_apex_gives_the_soa_of_the_zone_with_its_current_serial),
        cmocka_unit_test(challenge_names_get_the_zones_caa_unless_they_have_their_own),
        cmocka_unit_test(any_is_txt_first_then_the_first_there_is),
        cmocka_unit_test(the_zone_of_longest_match_is_found_at_label_boundaries),
        cmocka_unit_test(many_zones_in_one_batch_are_all_found),
        cmocka_unit_test(a_batch_is_invisible_until_published_and_nothing_when_given_up),
        cmocka_unit_test(nodes_may_come_before_their_zone),
        cmocka_unit_test(an_owner_outside_of_its_zone_is_refused),
        cmocka_unit_test(a_removed_zone_takes_its_names_along_in_one_batch),
        cmocka_unit_test(what_was_replaced_gathers_until_waiting_for_readers_is_worth_it),
        cmocka_unit_test(names_can_pass_from_a_zone_to_another_with_the_same_or_a_lower_apex),
        cmocka_unit_test(names_differ_wherever_they_differ),
        cmocka_unit_test(a_slot_gives_the_table_that_was_swapped_in),
        cmocka_unit_test(hashes_depend_on_the_key_alone),
        cmocka_unit_test(a_slot_begins_with_a_key_of_its_own_and_without_a_table),
    };

    return cmocka_run_group_tests(tests, prepare_crypto, NULL);
}
