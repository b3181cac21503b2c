#include "core/decide_fixture.h"

static const uint8_t address[4] = {192, 0, 2, 1};

static struct record record_at(const char *owner)
{
    return (struct record){.owner = name_of(owner), .type = RR_A, .ttl_s = 300, .rdata = {address, sizeof address}};
}

/* ---- zones ---- */

static void zones_are_set_as_configured_and_then_left_alone(void **state)
{
    struct record records[] = {record_at("auth.example.org"), record_at("www.auth.example.org")};
    struct record swapped[] = {records[1], records[0]};
    struct world *w = world_new();
    const struct zone_state *zone = state_zone(w->s, 1);

    (void)state;
    assert_int_equal(state_last_zone(w->s), 1);
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_false(w->res.is_change);
    w->zones[0].records = records;
    w->zones[0].n_records = 2;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(effects_of(w, EFFECT_ZONE_SET), 1);
    assert_int_equal(zone->spec.n_records, 2);
    assert_memory_equal(zone->spec.records[0].rdata.bytes, address, sizeof address);
    w->zones[0].records = swapped; /* the order says nothing */
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_false(w->res.is_change);
    world_free(w);
}

static void whatever_differs_is_a_change(void **state)
{
    struct record records[] = {record_at("www.auth.example.org")};
    struct world *w = world_new();
    struct zone_spec *z = &w->zones[0];

    (void)state;
    z->records = records;
    z->n_records = 1;
    for (int i = 0; i < 12; i++) {
        switch (i) {
        case 0:
            break;
        case 1:
            records[0].ttl_s++;
            break;
        case 2:
            records[0].type = RR_TXT;
            break;
        case 3:
            records[0].rdata.len--;
            break;
        case 4:
            records[0].owner = name_of("web.auth.example.org");
            break;
        case 5:
            z->soa.refresh_s++;
            break;
        case 6:
            z->soa.mname = name_of("ns2.example.net");
            break;
        case 7:
            z->soa.ttl_s++;
            break;
        case 8:
            z->challenge_caa = CHALLENGE_CAA_DENY;
            break;
        case 9:
            z->value_ttl_s++;
            break;
        case 10:
            z->pinned_ttl_s++;
            break;
        default:
            z->n_records = 0;
            break;
        }
        assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
        assert_true(w->res.is_change);
        assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
        assert_false(w->res.is_change);
    }
    world_free(w);
}

static void a_zone_that_is_gone_is_removed_and_comes_back_with_its_names(void **state)
{
    struct world *w = world_new();
    struct settings second = w->settings;
    struct holder h;
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web1");
    w->zones[1] = zone_of("other.example.org");
    second.zones = &w->zones[1];
    assert_int_equal(configure(w, &second), REFUSAL_NONE);
    assert_int_equal(effects_of(w, EFFECT_ZONE_REMOVED), 1);
    assert_int_equal(effects_of(w, EFFECT_ZONE_SET), 1);
    assert_true(state_zone(w->s, 1)->removed);
    assert_false(state_zone(w->s, 2)->removed);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);
    r.u.name.name = ref_of(NAME_REF_ANY, "one.auth.example.org");
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    assert_non_null(strstr(w->res.detail, "not configured any more"));
    w->settings.n_zones = 2; /* both */
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(state_last_zone(w->s), 2);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    world_free(w);
}

static void a_static_record_in_the_place_of_a_name_is_refused_with_both(void **state)
{
    static const char *const owners[] = {"shop.auth.example.org", "a.shop.auth.example.org",
                                         "x.b.c.auth.example.org", "c.auth.example.org"};
    struct record fine[] = {record_at("auth.example.org"), record_at("shop2.auth.example.org")};
    struct world *w = world_new();

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "shop");
    (void)make_name(w, "infra", "b.c");
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        struct record record = record_at(owners[i]);
        w->zones[0].records = &record;
        w->zones[0].n_records = 1;
        assert_int_equal(configure(w, &w->settings), REFUSAL_CONFLICT);
        assert_non_null(strstr(w->res.detail, owners[i]));
        assert_non_null(strstr(w->res.detail, i < 2 ? "the name shop.auth." : "the name b.c.auth."));
    }
    w->zones[0].records = fine;
    w->zones[0].n_records = 2;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    world_free(w);
}

static void registration_goes_to_the_first_zone_of_the_settings(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);

    (void)state;
    w->zones[1] = w->zones[0];
    w->zones[0] = zone_of("new.example.org");
    w->settings.n_zones = 2;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_done(w, &r);
    assert_int_equal(name_zone(state_name(w->s, w->res.name)), 2);
    world_free(w);
}

/* ---- expiry ---- */

static void claims_expire_when_their_time_has_come_and_a_thousand_at_once(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_EXPIRE, AUTH_SERVER);
    struct value_text values[60];
    struct challenge ch[60];
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    for (unsigned i = 0; i < 60; i++) {
        ch[i] = challenge_of("a", i);
        values[i] = text_of(ch[i].text);
    }
    for (unsigned i = 0; i < 20; i++) {
        char label[16];
        struct request adding;
        (void)snprintf(label, sizeof label, "n%u", i);
        (void)make_name(w, "infra", label);
        adding = values_request(request_of(w, REQUEST_VALUE_ADD, AUTH_LOCAL), label, values, 60);
        assert_done(w, &adding);
    }
    h = make_holder(w, "n0", "web1");
    assert_int_equal(add(w, &h, "n0", ch[0].text), REFUSAL_NONE);
    later(w, 72 * HOUR - 1);
    assert_done(w, &r);
    assert_false(w->res.is_change);
    assert_int_equal(add(w, &h, "n0", ch[0].text), REFUSAL_NONE); /* renewed just in time */
    later(w, 1);
    assert_done(w, &r);
    for (size_t left = 1200, n; left > 0; left -= n) { /* a portion each, so that no commit is long */
        n = effects_of(w, EFFECT_CLAIM_EXPIRED);
        assert_int_equal(n, left < 64 ? left : 64);
        assert_done(w, &r);
    }
    assert_false(w->res.is_change);
    assert_int_equal(state_counts(w->s).claims, 1);
    assert_true(is_served(w, 1, ch[0].text));
    world_free(w);
}

/* ---- serials ---- */

static uint32_t serial(const struct world *w)
{
    return state_zone(w->s, 1)->serial;
}

/* One change that DNS shows. */
static void change(struct world *w)
{
    char label[16];

    (void)snprintf(label, sizeof label, "n%llu", (unsigned long long)w->seq);
    (void)make_name(w, "infra", label);
}

static void a_serial_is_the_time_or_one_more(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(serial(w), NOW);
    (void)make_account(w, "infra"); /* DNS cannot show it */
    assert_int_equal(serial(w), NOW);
    change(w);
    change(w);
    assert_int_equal(serial(w), (uint32_t)NOW + 2); /* within a second */
    later(w, 100);
    change(w);
    assert_int_equal(serial(w), (uint32_t)NOW + 100);
    later(w, -5000); /* a clock that went back */
    change(w);
    assert_int_equal(serial(w), (uint32_t)NOW + 101);
    world_free(w);
}

/* Pretend that the zone has a serial. */
static void set_serial(struct world *w, uint32_t to)
{
    struct effect f = {.kind = EFFECT_ZONE_SERIAL};

    f.u.serial = (struct effect_serial){.zone = 1, .serial = to};
    assert_int_equal(state_fold(w->s, w->seq, &f), ERR_OK);
    assert_int_equal(state_fold(w->replica, w->seq, &f), ERR_OK);
}

static void a_serial_never_jumps_further_than_rfc_1982_can_order(void **state)
{
    static const struct {
        uint32_t before;
        int64_t now_s;
        uint32_t after;
    } rows[] = {
        {1, NOW, 1 + (1u << 30)},
        {NOW - (1 << 30), NOW, NOW},
        {NOW - (1 << 30) - 1, NOW, NOW - 1},
        {0xfffffffe, NOW, 0xffffffff},
        {0xffffffff, NOW, 1}, /* 0 would be "none yet" */
        {5, -7, 6},
    };
    struct world *w = world_new();

    (void)state;
    (void)make_account(w, "infra");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set_serial(w, rows[i].before);
        w->d.now_s = rows[i].now_s;
        change(w);
        assert_int_equal(serial(w), rows[i].after);
    }
    world_free(w);
}

static void one_batch_is_one_step_of_each_zone_that_changed(void **state)
{
    struct world *w = world_new();
    struct entry entries[3];
    struct result res;
    struct request r;
    uint32_t before, other;

    (void)state;
    w->zones[1] = zone_of("other.example.org");
    w->settings.n_zones = 2;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    (void)make_account(w, "infra");
    before = serial(w);
    other = state_zone(w->s, 2)->serial;
    r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    r.u.name.account = "infra";
    for (unsigned i = 0; i < 3; i++) {
        entry_init(&entries[i]);
        w->d.seq = ++w->seq;
        assert_int_equal(decide(&w->d, &r, &entries[i], &res), ERR_OK);
        assert_int_equal(res.outcome, OUTCOME_DONE);
    }
    assert_int_equal(decide_serials(&w->d, &entries[2]), ERR_OK);
    assert_int_equal(serial(w), before + 1);
    assert_int_equal(state_zone(w->s, 2)->serial, other);
    assert_int_equal(entries[2].n_effects, 2);
    assert_int_equal(entries[2].effects[1].kind, EFFECT_ZONE_SERIAL);
    assert_int_equal(decide_serials(&w->d, &entries[2]), ERR_OK); /* nothing is left to do */
    assert_int_equal(entries[2].n_effects, 2);
    for (unsigned i = 0; i < 3; i++) {
        replay(w, &entries[i]);
        entry_fini(&entries[i]);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_set_as_configured_and_then_left_alone),
        cmocka_unit_test(whatever_differs_is_a_change),
        cmocka_unit_test(a_zone_that_is_gone_is_removed_and_comes_back_with_its_names),
        cmocka_unit_test(a_static_record_in_the_place_of_a_name_is_refused_with_both),
        cmocka_unit_test(registration_goes_to_the_first_zone_of_the_settings),
        cmocka_unit_test(claims_expire_when_their_time_has_come_and_a_thousand_at_once),
        cmocka_unit_test(a_serial_is_the_time_or_one_more),
        cmocka_unit_test(a_serial_never_jumps_further_than_rfc_1982_can_order),
        cmocka_unit_test(one_batch_is_one_step_of_each_zone_that_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
