/* What changes over time: claims and their expiry, zones and what needs a serial. */
#include "core/rows.h"

#include <stdio.h>

#include "base/siphash.h"

#define OK(e)      assert_int_equal((e), ERR_OK)
#define CORRUPT(e) assert_int_equal((e), ERR_CORRUPT)

/* ---- claims ---- */

static void claims_are_counted_and_values_with_them(void **state)
{
    struct state *s = small_state();
    struct effect_claim pinned = claim_row(1, CREDENTIAL_ADMIN, 2, 12);

    (void)state;
    pinned.pinned = true;
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(2, 1)));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "a"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 2, 1, 11), "a"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, pinned, "b"));
    assert_int_equal(state_counts(s).claims, 3);
    assert_int_equal(state_counts(s).values, 2);
    assert_int_equal(state_counts(s).pinned, 1);
    OK(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 13), "a"));
    assert_int_equal(state_counts(s).claims, 3);
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 0, 13), "a"));
    assert_int_equal(state_counts(s).values, 2);
    OK(fold_value(s, EFFECT_CLAIM_EVICTED, claim_row(1, 2, 1, 13), "a"));
    OK(fold_value(s, EFFECT_CLAIM_EXPIRED, pinned, "b"));
    assert_int_equal(state_counts(s).claims, 0);
    assert_int_equal(state_counts(s).values, 0);
    assert_int_equal(state_counts(s).pinned, 0);
    state_free(s);
}

static void claims_that_do_not_fit_are_corrupt(void **state)
{
    struct state *s = small_state();

    (void)state;
    CORRUPT(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(2, 1, 0, 10), "a")); /* no such name */
    CORRUPT(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 2, 0, 10), "a")); /* no such credential */
    CORRUPT(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 10), "a"));
    CORRUPT(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 0, 10), "a"));
    CORRUPT(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(2, 1, 0, 10), "a"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "a"));
    CORRUPT(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 11), "a"));
    CORRUPT(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 11), "b"));
    assert_int_equal(state_counts(s).claims, 1);
    state_free(s);
}

/* ---- zones and what changes their serials ---- */

static void zones_are_found_by_apex_and_by_what_is_in_them(void **state)
{
    struct state *s = small_state();
    struct name apex = name_from("AUTH.example.org");
    struct name deep = name_from("x.y.Auth.example.org");
    struct name outside = name_from("oauth.example.org");

    (void)state;
    assert_int_equal(state_zone_by_apex(s, &apex)->id, 1);
    assert_int_equal(state_zone_of(s, &deep)->id, 1);
    assert_int_equal(state_zone_of(s, &apex)->id, 1);
    assert_null(state_zone_of(s, &outside));
    assert_null(state_zone_by_apex(s, &deep));
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    assert_null(state_zone_of(s, &deep));
    assert_true(state_zone_by_apex(s, &apex)->removed);
    CORRUPT(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(2, "auth.example.org"))); /* it has an id */
    CORRUPT(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(1, "b.example.org")));
    CORRUPT(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(3, "b.example.org")));
    CORRUPT(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(0, "b.example.org")));
    CORRUPT(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 2}));
    CORRUPT(fold_serial(s, 2, 1));
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")));
    assert_false(state_zone_by_apex(s, &apex)->removed);
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(2, "b.example.org")));
    assert_int_equal(state_last_zone(s), 2);
    state_free(s);
}

static void a_zone_keeps_its_own_copy_of_its_records(void **state)
{
    struct state *s = small_state();
    uint8_t rdata[] = {192, 0, 2, 1};
    struct record record = {.owner = name_from("NS1.auth.example.org"), .type = RR_A, .ttl_s = 60};
    struct effect_zone row = zone_row_of(1, "AUTH.example.org");
    const struct zone_spec *spec = &state_zone(s, 1)->spec;

    (void)state;
    record.rdata = (struct rdata){.bytes = rdata, .len = sizeof rdata};
    row.spec.records = &record;
    row.spec.n_records = 1;
    OK(fold_zone(s, EFFECT_ZONE_SET, row));
    memset(rdata, 0, sizeof rdata);
    record.type = 0;
    assert_int_equal(spec->n_records, 1);
    assert_int_equal(spec->records[0].type, RR_A);
    assert_int_equal(spec->records[0].rdata.bytes[0], 192);
    assert_int_equal(spec->records[0].owner.b[1], 'n');
    assert_int_equal(spec->apex.b[1], 'a');
    state_free(s);
}

/* True when the zone was changed since the last call. */
static bool took_serial(struct state *s)
{
    bool needed = state_zone_needs_serial(s, 1);

    OK(fold_serial(s, 1, state_zone(s, 1)->serial + 1));
    assert_false(state_zone_needs_serial(s, 1));
    return needed;
}

static void only_what_dns_shows_needs_a_serial(void **state)
{
    struct state *s = small_state();
    struct effect_name row = name_row(1, 1, 1, "a.auth.example.org");
    struct effect_claim pinned = claim_row(1, CREDENTIAL_ADMIN, 2, 30);

    (void)state;
    pinned.pinned = true;
    assert_true(took_serial(s)); /* zone and name were made */
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(2, 1)));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(1, SECRET_SHA256, "x")));
    OK(fold_account(s, EFFECT_ACCOUNT_SET, account_row(1, "team")));
    row.subtree = true;
    OK(fold_name(s, EFFECT_NAME_SET, row));
    assert_false(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "a"));
    assert_true(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 11), "a"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 2, 1, 12), "a"));
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 0, 12), "a"));
    assert_false(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, pinned, "a")); /* now all are pinned: another TTL */
    assert_true(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, pinned, "a"));
    assert_true(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_EVICTED, claim_row(1, 2, 1, 12), "a"));
    assert_true(took_serial(s));
    row.retired_s = 40;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    assert_true(took_serial(s));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 50), "a")); /* at a tombstone nobody sees it */
    assert_false(took_serial(s));
    row.retired_s = 0;
    OK(fold_name(s, EFFECT_NAME_REVIVED, row));
    assert_true(took_serial(s));
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")));
    assert_true(took_serial(s));
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 2, 1, 60), "b"));
    assert_false(state_zone_needs_serial(s, 1));
    assert_false(state_zone_needs_serial(s, 2));
    state_free(s);
}

static void what_was_loaded_needs_no_new_serial(void **state)
{
    struct state *s = small_state();

    (void)state;
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(2, "b.example.org"))); /* without a serial yet */
    OK(fold_serial(s, 1, 77));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "a"));
    assert_true(state_zone_needs_serial(s, 1));
    state_set_position(s, 9, 1000);
    assert_false(state_zone_needs_serial(s, 1));
    assert_true(state_zone_needs_serial(s, 2));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 11), "b"));
    state_set_position(s, 10, 1001);
    assert_true(state_zone_needs_serial(s, 1));
    state_free(s);
}

static void names_and_static_records_exclude_each_other(void **state)
{
    static const struct {
        const char *owner;
        bool conflicts;
    } rows[] = {
        {"auth.example.org", true},
        {"AUTH.example.org", true},
        {"ns1.auth.example.org", true},
        {"x.NS1.auth.example.org", true},
        {"deep.auth.example.org", true},
        {"mid.deep.auth.example.org", true},
        {"other.deep.auth.example.org", false},
        {"a.auth.example.org", false},
        {"1.auth.example.org", false},
        {"ns1.example.net", false},
        {"example.org", false},
    };
    static const uint8_t address[] = {192, 0, 2, 1};
    static const char *const owners[] = {"auth.example.org", "ns1.auth.example.org",
                                         "www.mid.deep.auth.example.org"};
    struct record records[ARRAY_LEN(owners)];
    struct state *s = small_state();
    struct effect_zone row = zone_row_of(1, "auth.example.org");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        records[i] = (struct record){
            .owner = name_from(owners[i]), .type = RR_A, .rdata = {.bytes = address, .len = sizeof address}};
    row.spec.records = records;
    row.spec.n_records = ARRAY_LEN(owners);
    OK(fold_zone(s, EFFECT_ZONE_SET, row));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct name owner = name_from(rows[i].owner);

        if (state_static_conflicts(s, &owner) != rows[i].conflicts)
            fail_msg("%s", rows[i].owner);
    }
    state_free(s);
}

/* ---- expiry ---- */

static void expiry_is_that_of_the_earliest_claim(void **state)
{
    struct state *s = small_state();
    struct effect_claim early = claim_row(1, 1, 0, 10);
    struct effect_claim late = claim_row(1, 1, 1, 11);
    struct claim_ref refs[4];

    (void)state;
    early.expires_s = 100;
    late.expires_s = 200;
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 2, 9), "never"));
    assert_int_equal(state_next_expiry(s), 0);
    OK(fold_value(s, EFFECT_CLAIM_ADDED, late, "late"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, early, "early"));
    assert_int_equal(state_next_expiry(s), 100);
    assert_int_equal(state_expired(s, 99, refs, 4), 0);
    assert_int_equal(state_expired(s, 100, refs, 4), 1);
    assert_int_equal(refs[0].name, 1);
    assert_int_equal(refs[0].slot, 0);
    assert_int_equal(state_expired(s, 200, refs, 4), 2);
    assert_int_equal(state_expired(s, 200, refs, 1), 1);
    assert_int_equal(state_expired(s, 200, refs, 0), 0);
    early.expires_s = 300;
    OK(fold_value(s, EFFECT_CLAIM_RENEWED, early, "early"));
    assert_int_equal(state_next_expiry(s), 200);
    OK(fold_value(s, EFFECT_CLAIM_EXPIRED, late, "late"));
    assert_int_equal(state_next_expiry(s), 300);
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, early, "early"));
    assert_int_equal(state_next_expiry(s), 0);
    assert_int_equal(state_expired(s, INT64_MAX, refs, 4), 0);
    state_free(s);
}

#define MANY       300u
#define MANY_SLOTS 3u

/* What the index should say, worked out from a plain array. */
static void assert_expiries(const struct state *s, const int64_t expires[MANY][MANY_SLOTS], int64_t now_s)
{
    static struct claim_ref refs[MANY * MANY_SLOTS];
    bool seen[MANY][MANY_SLOTS] = {{false}};
    int64_t earliest = 0;
    size_t expired = 0;
    size_t n = state_expired(s, now_s, refs, ARRAY_LEN(refs));

    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < MANY_SLOTS; k++) {
            if (expires[i][k] == 0)
                continue;
            expired += expires[i][k] <= now_s ? 1 : 0;
            if (earliest == 0 || expires[i][k] < earliest)
                earliest = expires[i][k];
        }
    assert_int_equal(state_next_expiry(s), earliest);
    assert_int_equal(n, expired);
    for (size_t i = 0; i < n; i++) {
        bool *mark = &seen[refs[i].name - 1][refs[i].slot];

        assert_false(*mark);
        *mark = true;
        assert_in_range(expires[refs[i].name - 1][refs[i].slot], 1, now_s);
    }
}

static void expiries_of_many_names_are_those_of_a_naive_model(void **state)
{
    static const char *const texts[MANY_SLOTS] = {"a", "b", "c"};
    static int64_t expires[MANY][MANY_SLOTS];
    static bool there[MANY][MANY_SLOTS];
    struct siphash_key key = {20261121, 0};
    struct state *s = small_state();

    (void)state;
    memset(expires, 0, sizeof expires);
    memset(there, 0, sizeof there);
    for (uint32_t id = 2; id <= MANY; id++) {
        char owner[40];

        (void)snprintf(owner, sizeof owner, "n%u.auth.example.org", (unsigned)id);
        OK(fold_name(s, EFFECT_NAME_MADE, name_row(id, 1, 1, owner)));
    }
    for (uint64_t i = 1; i < 6000; i++) {
        uint64_t r = siphash13(&key, (const uint8_t *)&i, sizeof i);
        uint32_t name = (uint32_t)(r % MANY);
        uint32_t slot = (uint32_t)(r >> 16) % MANY_SLOTS;
        struct effect_claim row = claim_row(name + 1, 1, slot, i);
        int64_t at = (r >> 24) % 8 == 0 ? 0 : (int64_t)(1 + (r >> 32) % 1000);

        if (there[name][slot] && (r >> 28) % 3 == 0) {
            OK(fold_value(s, EFFECT_CLAIM_EXPIRED, row, texts[slot]));
            there[name][slot] = false;
            at = 0;
        } else {
            row.expires_s = at;
            OK(fold_value(s, there[name][slot] ? EFFECT_CLAIM_RENEWED : EFFECT_CLAIM_ADDED, row, texts[slot]));
            there[name][slot] = true;
        }
        expires[name][slot] = at;
        if (i % 50 == 0)
            assert_expiries(s, expires, (int64_t)(r >> 40) % 1100);
    }
    state_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_counted_and_values_with_them),
        cmocka_unit_test(claims_that_do_not_fit_are_corrupt),
        cmocka_unit_test(zones_are_found_by_apex_and_by_what_is_in_them),
        cmocka_unit_test(a_zone_keeps_its_own_copy_of_its_records),
        cmocka_unit_test(only_what_dns_shows_needs_a_serial),
        cmocka_unit_test(what_was_loaded_needs_no_new_serial),
        cmocka_unit_test(names_and_static_records_exclude_each_other),
        cmocka_unit_test(expiry_is_that_of_the_earliest_claim),
        cmocka_unit_test(expiries_of_many_names_are_those_of_a_naive_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
