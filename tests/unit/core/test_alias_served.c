/* What the table answers at aliases: the state stages into a real table, and each answer is held against the state.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "core/answer_set.h"
#include "core/table.h"

#define OK(e)   assert_int_equal((e), ERR_OK)
#define NAME_1  "a.auth.example.org"
#define ALIAS   "_acme-challenge.example.com"
#define ADDRESS "\xc0\x00\x02\x01"

struct served {
    struct state *s;
    struct table *t;
};

static void publish(struct served *v)
{
    struct table_batch *b;

    OK(table_batch_new(&b, v->t));
    OK(state_stage(v->s, b));
    table_batch_publish(b);
    table_reclaim(v->t);
}

/* A zone with two name servers, the name a.auth.example.org, and _x.a below it. */
static struct served served_new(void)
{
    struct name apex = name_from("auth.example.org"), ns1 = name_from("ns1.auth.example.org");
    struct name ns2 = name_from("ns.example.net");
    struct record records[] = {
        {.owner = apex, .type = RR_NS, .ttl_s = 3600, .rdata = {.bytes = ns1.b, .len = ns1.len}},
        {.owner = apex, .type = RR_NS, .ttl_s = 3600, .rdata = {.bytes = ns2.b, .len = ns2.len}},
        {.owner = ns1, .type = RR_A, .ttl_s = 60, .rdata = {.bytes = (const uint8_t *)ADDRESS, .len = 4}},
    };
    struct effect_zone zone = zone_row_of(1, "auth.example.org");
    struct served v = {.s = small_state()};

    zone.spec.records = records;
    zone.spec.n_records = ARRAY_LEN(records);
    OK(fold_zone(v.s, EFFECT_ZONE_SET, zone));
    OK(fold_name(v.s, EFFECT_NAME_MADE, name_row(2, 1, 1, "_x.A.auth.example.org")));
    OK(fold_serial(v.s, 1, 7));
    v.t = state_table(v.s);
    publish(&v);
    return v;
}

static void served_free(struct served *v)
{
    state_free(v->s);
}

static void make(struct served *v, uint32_t id, uint32_t name, const char *fqdn)
{
    struct effect_alias row = {.id = id, .name = name, .fqdn = name_from(fqdn), .served = true};
    struct effect serial = {.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = id, .serial = 100 + id}};

    OK(fold_alias(v->s, EFFECT_ALIAS_MADE, row));
    OK(state_fold(v->s, 0, &serial));
}

static void end(struct served *v, uint32_t id)
{
    struct effect_alias row = {.id = id, .name = state_alias(v->s, id)->name, .fqdn = state_alias(v->s, id)->fqdn};

    OK(fold_alias(v->s, EFFECT_ALIAS_ENDED, row));
}

static const struct node *find(const struct served *v, const char *owner)
{
    struct name n = name_from(owner);

    name_fold(&n);
    return table_find(v->t, &n, table_hash(v->t, &n));
}

/* "TXT a b" and so on: what is at the owner; "-" none, "." nothing of that type. */
static const char *answer(const struct served *v, const char *owner, uint16_t type, char out[256])
{
    const struct node *n = find(v, owner);
    struct answer_set set;
    size_t at = 0;

    out[0] = '\0';
    if (n == NULL)
        return "-";
    if (!node_find_set(v->t, n, type, &set))
        return ".";
    for (size_t i = 0; i < set.count; i++) {
        uint16_t rdlen = (uint16_t)(set.records[at + 10] << 8 | set.records[at + 11]);
        const uint8_t *rdata = set.records + at + 12;
        char text[NAME_TEXT_MAX] = "";
        struct name name;

        assert_int_equal(set.records[at] << 8 | set.records[at + 1], 0xc00c);
        if (type == RR_NS) {
            name_set(&name, rdata, rdlen);
            (void)name_format(&name, text);
        } else if (type == RR_TXT) {
            (void)snprintf(text, sizeof text, "%.*s", rdata[0], (const char *)rdata + 1);
        }
        (void)snprintf(out + strlen(out), 256 - strlen(out), "%s%s", i > 0 ? " " : "", text);
        at += 12u + rdlen;
    }
    assert_int_equal(at, set.len);
    if (set.additional_count > 0)
        (void)snprintf(out + strlen(out), 256 - strlen(out), " +%u", set.additional_count);
    return out;
}

static const char *zone_at(const struct served *v, const char *owner, char out[256])
{
    struct name n = name_from(owner);
    const struct table_zone *z = table_find_zone(v->t, &n);
    struct zone_negative negative;

    if (z == NULL)
        return "-";
    table_zone_negative(z, &negative);
    (void)snprintf(out, 256, "%u octets, serial %u", negative.apex_len, table_zone_serial(z));
    return out;
}

static void an_alias_is_a_zone_with_the_names_values_and_name_servers(void **state)
{
    struct served v = served_new();
    char out[256];

    (void)state;
    OK(fold_value(v.s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "old"));
    OK(fold_value(v.s, EFFECT_CLAIM_ADDED, claim_row(2, 1, 0, 11), "below"));
    make(&v, 1, 1, "_ACME-challenge.example.com");
    publish(&v);
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), "old");
    assert_string_equal(answer(&v, ALIAS, RR_NS, out), "ns1.auth.example.org ns.example.net +1");
    assert_string_equal(answer(&v, ALIAS, RR_SOA, out), "");
    assert_string_equal(answer(&v, ALIAS, RR_MX, out), ".");
    assert_string_equal(answer(&v, "_x." ALIAS, RR_TXT, out), "below");
    assert_string_equal(answer(&v, "_x." ALIAS, RR_SOA, out), ".");
    assert_string_equal(answer(&v, "_y." ALIAS, RR_TXT, out), "-");
    assert_string_equal(zone_at(&v, "_y." ALIAS, out), "29 octets, serial 101");
    assert_string_equal(zone_at(&v, "example.com", out), "-");
    assert_string_equal(zone_at(&v, NAME_1, out), "18 octets, serial 7");
    assert_int_equal(node_flags(find(&v, ALIAS)), NODE_APEX | NODE_CHALLENGE);
    OK(fold_value(v.s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 12), "new"));
    publish(&v);
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), "new old");
    assert_string_equal(answer(&v, NAME_1, RR_TXT, out), "new old");
    served_free(&v);
}

static void deep_names_below_make_empty_non_terminals_there_too(void **state)
{
    struct served v = served_new();
    char out[256];

    (void)state;
    make(&v, 1, 1, ALIAS);
    publish(&v);
    OK(fold_name(v.s, EFFECT_NAME_MADE, name_row(3, 1, 1, "d.e.a.auth.example.org")));
    publish(&v);
    assert_string_equal(answer(&v, "d.e." ALIAS, RR_TXT, out), ".");
    assert_string_equal(answer(&v, "e." ALIAS, RR_TXT, out), ".");
    assert_string_equal(answer(&v, "f." ALIAS, RR_TXT, out), "-");
    end(&v, 1);
    publish(&v);
    assert_string_equal(answer(&v, "d.e." ALIAS, RR_TXT, out), "-");
    assert_string_equal(answer(&v, "e." ALIAS, RR_TXT, out), "-");
    assert_string_equal(zone_at(&v, "e." ALIAS, out), "-");
    assert_string_equal(answer(&v, "e.a.auth.example.org", RR_TXT, out), ".");
    served_free(&v);
}

static void what_is_not_served_is_not_in_the_table(void **state)
{
    struct effect_alias row = {.id = 1, .name = 1, .fqdn = name_from(ALIAS), .served = false};
    struct served v = served_new();
    char out[256];

    (void)state;
    OK(fold_alias(v.s, EFFECT_ALIAS_MADE, row));
    publish(&v);
    assert_string_equal(zone_at(&v, ALIAS, out), "-");
    assert_int_equal(state_alias_needing_serial(v.s, 0), 0);
    served_free(&v);
}

static void a_zone_that_goes_takes_aliases_along_and_brings_them_back(void **state)
{
    struct served v = served_new();
    uint64_t nodes;
    char out[256];

    (void)state;
    make(&v, 1, 1, ALIAS);
    publish(&v);
    nodes = table_counts(v.t).nodes;
    OK(fold_zone(v.s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    assert_int_equal(state_alias_needing_serial(v.s, 0), 0);
    publish(&v);
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), "-");
    assert_string_equal(zone_at(&v, "_x." ALIAS, out), "-");
    assert_int_equal(table_counts(v.t).nodes, 0);
    OK(fold_zone(v.s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")));
    assert_int_equal(state_alias_needing_serial(v.s, 0), 1);
    assert_int_equal(state_alias_needing_serial(v.s, 1), 0);
    publish(&v);
    assert_string_equal(answer(&v, "_x." ALIAS, RR_TXT, out), ".");
    assert_string_equal(answer(&v, ALIAS, RR_NS, out), "."); /* the zone has no name servers any more */
    assert_int_equal(table_counts(v.t).nodes, nodes - 1);    /* and not the address of one */
    served_free(&v);
}

static void another_name_may_take_the_place_in_one_batch(void **state)
{
    struct served v = served_new();
    char out[256];

    (void)state;
    OK(fold_name(v.s, EFFECT_NAME_MADE, name_row(3, 1, 1, "b.auth.example.org")));
    OK(fold_name(v.s, EFFECT_NAME_MADE, name_row(4, 1, 1, "_x.b.auth.example.org")));
    OK(fold_value(v.s, EFFECT_CLAIM_ADDED, claim_row(3, 1, 0, 10), "b"));
    make(&v, 1, 1, ALIAS);
    publish(&v);
    end(&v, 1);
    make(&v, 2, 3, ALIAS);
    publish(&v);
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), "b");
    assert_string_equal(answer(&v, "_x." ALIAS, RR_TXT, out), ".");
    assert_string_equal(zone_at(&v, ALIAS, out), "29 octets, serial 102");
    end(&v, 2);
    make(&v, 3, 1, "_x." ALIAS); /* one label further down */
    publish(&v);
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), "-");
    assert_string_equal(answer(&v, "_x." ALIAS, RR_TXT, out), ".");
    assert_string_equal(answer(&v, "_x._x." ALIAS, RR_TXT, out), ".");
    end(&v, 3);
    publish(&v);
    assert_string_equal(zone_at(&v, "_x." ALIAS, out), "-");
    served_free(&v);
}

static void a_zone_may_take_the_place_of_an_alias_in_one_batch(void **state)
{
    struct name owner = name_from("_x." ALIAS);
    struct record record = {
        .owner = owner, .type = RR_A, .ttl_s = 60, .rdata = {.bytes = (const uint8_t *)ADDRESS, .len = 4}};
    struct effect_zone zone = zone_row_of(2, "example.com");
    struct served v = served_new();
    char out[256];

    (void)state;
    make(&v, 1, 1, ALIAS);
    publish(&v);
    end(&v, 1);
    zone.spec.records = &record;
    zone.spec.n_records = 1;
    OK(fold_zone(v.s, EFFECT_ZONE_SET, zone));
    publish(&v);
    assert_string_equal(answer(&v, "_x." ALIAS, RR_A, out), "");
    assert_string_equal(answer(&v, ALIAS, RR_TXT, out), ".");
    assert_string_equal(zone_at(&v, ALIAS, out), "13 octets, serial 0");
    OK(fold_zone(v.s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 2}));
    make(&v, 2, 1, ALIAS);
    publish(&v);
    assert_string_equal(answer(&v, "_x." ALIAS, RR_A, out), ".");
    assert_string_equal(answer(&v, ALIAS, RR_NS, out), "ns1.auth.example.org ns.example.net +1");
    served_free(&v);
}

/* The table's room for zones grew with every batch that brought two, whatever had gone before. */
static void aliases_that_come_and_go_for_long_take_no_more_room(void **state)
{
    struct served v = served_new();

    (void)state;
    for (uint32_t id = 1; id < 200; id += 2) {
        make(&v, id, 1, ALIAS);
        make(&v, id + 1, 1, "_b.example.net");
        publish(&v);
        end(&v, id);
        end(&v, id + 1);
        publish(&v);
    }
    assert_int_equal(table_counts(v.t).zones, 1);
    served_free(&v);
}

static void the_places_of_a_name_are_those_that_dns_shows(void **state)
{
    struct effect_alias unserved = {.id = 3, .name = 1, .fqdn = name_from("_c.example.net")};
    struct name expected = name_from("_x." ALIAS), places[4];
    struct served v = served_new();

    (void)state;
    assert_int_equal(state_alias_places(v.s, state_name(v.s, 1), places, 4), 0);
    make(&v, 1, 1, ALIAS);
    make(&v, 2, 2, "_b.example.net");
    OK(fold_alias(v.s, EFFECT_ALIAS_MADE, unserved));
    assert_int_equal(state_alias_places(v.s, state_name(v.s, 1), places, 4), 1);
    assert_int_equal(state_alias_places(v.s, state_name(v.s, 2), places, 4), 2);
    assert_true(name_equal(&places[1], &expected));
    assert_int_equal(state_alias_places(v.s, state_name(v.s, 2), places, 1), 1);
    OK(fold_zone(v.s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    assert_int_equal(state_alias_places(v.s, state_name(v.s, 2), places, 4), 0);
    served_free(&v);
}

/* ---- whatever comes ---- */

#define NAMES  8
#define FQDNS  4
#define ROUNDS 3000

static const char *const owners[NAMES] = {
    "a.auth.example.org", "_x.a.auth.example.org", "_y._x.a.auth.example.org", "_z._y._x.a.auth.example.org",
    "b.auth.example.org", "_x.b.auth.example.org", "d.e.b.auth.example.org",   "c.auth.example.org",
};
static const char *const fqdns[FQDNS] = {ALIAS, "_acme-challenge.example.net", "_a.b.example.com", "_q.com"};
static const char *const prefixes[] = {"", "_x.", "_y._x.", "_z._y._x.", "_y.", "e.", "d.e.", "d.", "none."};

static uint32_t next_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

/* True when the text is a name that is served, or is above one, below `top`. */
static bool exists(const struct served *v, const struct name *owner, const struct name *top)
{
    for (uint32_t id = 1; id <= state_last_name(v->s); id++) {
        const struct name_entry *n = state_name(v->s, id);
        struct name own;

        name_owner(v->s, n, &own);
        if (name_retired_s(n) == 0 && !state_zone(v->s, name_zone(n))->removed &&
            name_is_at_or_below(&own, owner) && name_is_at_or_below(owner, top))
            return true;
    }
    return false;
}

static void check_one(const struct served *v, const char *fqdn, const char *prefix)
{
    char text[NAME_TEXT_MAX], out[256], expected[256] = ".";
    struct name owner, target, top;
    const struct alias *alias;
    const struct name_entry *n, *of;

    (void)snprintf(text, sizeof text, "%s%s", prefix, fqdn);
    owner = name_from(text);
    alias = state_alias_over(v->s, &owner);
    if (alias == NULL || state_zone(v->s, 1)->removed) {
        assert_string_equal(answer(v, text, RR_TXT, out), "-");
        assert_string_equal(zone_at(v, text, out), "-");
        return;
    }
    of = state_name(v->s, alias->name);
    name_owner(v->s, of, &top);
    if (name_retired_s(of) != 0) {
        assert_false(state_alias_target(v->s, &owner, &target));
        assert_string_equal(answer(v, text, RR_TXT, out), "-");
        return;
    }
    assert_true(state_alias_target(v->s, &owner, &target));
    n = state_name_by_owner(v->s, &target);
    if (!exists(v, &target, &top))
        (void)snprintf(expected, sizeof expected, "-");
    else if (n != NULL && name_retired_s(n) == 0 && name_n_values(n) > 0)
        (void)snprintf(expected, sizeof expected, "%.*s", name_values(v->s, n)->values[0].rdata[0],
                       (const char *)name_values(v->s, n)->values[0].rdata + 1);
    assert_string_equal(answer(v, text, RR_TXT, out), expected);
    assert_string_not_equal(zone_at(v, text, out), "-");
}

static void change_something(struct served *v, uint32_t *seed, uint32_t *next_alias, uint32_t used[FQDNS])
{
    uint32_t id = 1 + next_random(seed, NAMES), at = next_random(seed, FQDNS);
    const struct name_entry *n = state_name(v->s, id);
    struct effect_name row = name_row(id, 1, 1, owners[id - 1]);
    char text[16];

    switch (next_random(seed, 6)) {
    case 0:
    case 1:
        if (used[at] != 0) {
            end(v, used[at]);
            used[at] = 0;
        } else if (name_retired_s(n) == 0) {
            used[at] = (*next_alias)++;
            make(v, used[at], id, fqdns[at]);
        }
        break;
    case 2:
        row.retired_s = name_retired_s(n) == 0 ? 5 : 0;
        OK(fold_name(v->s, row.retired_s != 0 ? EFFECT_NAME_RETIRED : EFFECT_NAME_REVIVED, row));
        break;
    case 3:
        if (next_random(seed, 8) != 0)
            break;
        if (state_zone(v->s, 1)->removed)
            OK(fold_zone(v->s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")));
        else
            OK(fold_zone(v->s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
        break;
    default:
        (void)snprintf(text, sizeof text, "v%u", next_random(seed, 1000));
        if (name_n_values(n) > 0) {
            struct effect f = {.kind = EFFECT_CLAIM_REMOVED, .u.claim = claim_row(id, 1, 0, 10)};

            OK(state_fold(v->s, 0, &f));
        } else {
            OK(fold_value(v->s, EFFECT_CLAIM_ADDED, claim_row(id, 1, 0, 10), text));
        }
    }
}

static void any_changes_in_any_batches_leave_the_table_as_the_state_is(void **state)
{
    struct served v = {.s = small_state()};
    uint32_t seed = 7, next_alias = 1, used[FQDNS] = {0};

    (void)state;
    for (uint32_t id = 2; id <= NAMES; id++)
        OK(fold_name(v.s, EFFECT_NAME_MADE, name_row(id, 1, 1, owners[id - 1])));
    v.t = state_table(v.s);
    publish(&v);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t n = 1 + next_random(&seed, 6); n > 0; n--)
            change_something(&v, &seed, &next_alias, used);
        publish(&v);
        for (size_t i = 0; i < FQDNS; i++)
            for (size_t k = 0; k < ARRAY_LEN(prefixes); k++)
                check_one(&v, fqdns[i], prefixes[k]);
    }
    for (size_t i = 0; i < FQDNS; i++)
        if (used[i] != 0)
            end(&v, used[i]);
    if (!state_zone(v.s, 1)->removed)
        OK(fold_zone(v.s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    publish(&v);
    assert_int_equal(table_counts(v.t).nodes, 0);
    assert_int_equal(table_counts(v.t).zones, 0);
    served_free(&v);
}

static int prepare(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alias_is_a_zone_with_the_names_values_and_name_servers),
        cmocka_unit_test(deep_names_below_make_empty_non_terminals_there_too),
        cmocka_unit_test(what_is_not_served_is_not_in_the_table),
        cmocka_unit_test(a_zone_that_goes_takes_aliases_along_and_brings_them_back),
        cmocka_unit_test(another_name_may_take_the_place_in_one_batch),
        cmocka_unit_test(a_zone_may_take_the_place_of_an_alias_in_one_batch),
        cmocka_unit_test(aliases_that_come_and_go_for_long_take_no_more_room),
        cmocka_unit_test(the_places_of_a_name_are_those_that_dns_shows),
        cmocka_unit_test(any_changes_in_any_batches_leave_the_table_as_the_state_is),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
