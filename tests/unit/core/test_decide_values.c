#include "core/decide_fixture.h"

/* An account with one name, and as many holders of it as wanted. */
static uint32_t name_with_holders(struct world *w, struct holder *holders, size_t n)
{
    uint32_t name;

    (void)make_account(w, "infra");
    name = make_name(w, "infra", "one");
    for (size_t i = 0; i < n; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "web%zu", i);
        holders[i] = make_holder(w, "one", label);
    }
    return name;
}

/* ---- adding ---- */

static void an_added_value_is_claimed_with_time_place_and_network(void **state)
{
    struct challenge ch = challenge_of("a", 1);
    struct world *w = world_new();
    const struct claim *claim;
    const struct value *v;
    struct addr network = addr_of("2001:db8:1:2::");
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);

    (void)state;
    w->client = addr_of("2001:db8:1:2:3:4:5:6");
    assert_int_equal(add(w, &h, "one", ch.text), REFUSAL_NONE);
    assert_int_equal(w->res.added, 1);
    assert_int_equal(w->res.name, name);
    v = value_at(w, name, ch.text);
    assert_non_null(v);
    assert_int_equal(v->n_claims, 1);
    claim = &v->claims[0];
    assert_int_equal(claim->credential, h.id);
    assert_int_equal(claim->slot, 0);
    assert_int_equal(claim->order, w->seq << CLAIM_ORDER_SHIFT);
    assert_int_equal(claim->added_s, NOW);
    assert_int_equal(claim->expires_s, NOW + 72 * HOUR);
    assert_int_equal(claim->door, DOOR_ACMEDNS);
    assert_true(addr_equal(&claim->network, &network));
    world_free(w);
}

static void adding_it_again_renews_the_own_claim_in_its_slot(void **state)
{
    struct challenge a = challenge_of("a", 1), b = challenge_of("b", 1);
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);
    uint32_t serial;

    (void)state;
    assert_int_equal(add(w, &h, "one", a.text), REFUSAL_NONE);
    assert_int_equal(add(w, &h, "one", b.text), REFUSAL_NONE);
    serial = state_zone(w->s, 1)->serial;
    later(w, 100);
    assert_int_equal(add(w, &h, "one", a.text), REFUSAL_NONE);
    assert_int_equal(w->res.added, 0);
    assert_int_equal(w->res.renewed, 1);
    assert_int_equal(values_at(w, name), 2);
    assert_int_equal(effects_of(w, EFFECT_CLAIM_RENEWED), 1);
    assert_int_equal(value_at(w, name, a.text)->claims[0].slot, 0);
    assert_int_equal(value_at(w, name, a.text)->claims[0].added_s, NOW + 100);
    assert_int_equal(value_at(w, name, a.text)->claims[0].expires_s, NOW + 100 + 72 * HOUR);
    assert_int_equal(value_at(w, name, a.text)->claims[0].order, w->seq << CLAIM_ORDER_SHIFT);
    assert_int_equal(state_zone(w->s, 1)->serial, serial); /* DNS does not show it */
    world_free(w);
}

static void two_holders_of_one_value_have_a_claim_each(void **state)
{
    struct challenge ch = challenge_of("a", 1);
    struct world *w = world_new();
    struct holder h[2];
    uint32_t name = name_with_holders(w, h, 2);

    (void)state;
    assert_int_equal(add(w, &h[0], "one", ch.text), REFUSAL_NONE);
    assert_int_equal(add(w, &h[1], "one", ch.text), REFUSAL_NONE);
    assert_int_equal(w->res.added, 1);
    assert_int_equal(values_at(w, name), 1);
    assert_int_equal(value_at(w, name, ch.text)->n_claims, 2);
    assert_int_equal(remove_value(w, &h[0], "one", ch.text), REFUSAL_NONE);
    assert_true(is_served(w, name, ch.text));
    assert_int_equal(remove_value(w, &h[0], "one", ch.text), REFUSAL_NOT_YOUR_VALUE);
    assert_int_equal(remove_value(w, &h[1], "one", ch.text), REFUSAL_NONE);
    assert_false(is_served(w, name, ch.text));
    world_free(w);
}

static void lifetimes_are_as_asked_or_configured(void **state)
{
    static const struct {
        int64_t configured_s, asked_s;
        int64_t expires_s;
        enum refusal refusal;
    } rows[] = {
        {72 * HOUR, -1, NOW + 72 * HOUR, REFUSAL_NONE}, {0, -1, 0, REFUSAL_NONE},
        {72 * HOUR, 60, NOW + 60, REFUSAL_NONE},        {72 * HOUR, 0, 0, REFUSAL_NONE},
        {72 * HOUR, -2, 0, REFUSAL_MALFORMED},          {72 * HOUR, INT64_MAX, 0, REFUSAL_MALFORMED},
    };
    struct challenge ch = challenge_of("a", 1);
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value_text v = text_of(ch.text);
        struct request r;
        v.lifetime_s = rows[i].asked_s;
        w->settings.values.lifetime_s = rows[i].configured_s;
        r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "one", &v, 1);
        assert_refused(w, &r, rows[i].refusal);
        if (rows[i].refusal == REFUSAL_NONE)
            assert_int_equal(value_at(w, name, ch.text)->claims[0].expires_s, rows[i].expires_s);
    }
    world_free(w);
}

static void values_of_a_request_are_added_all_or_none(void **state)
{
    struct challenge a = challenge_of("a", 1), b = challenge_of("b", 1);
    struct value_text values[] = {text_of(a.text), text_of(b.text), text_of("no-challenge"), text_of(a.text)};
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);
    struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "one", values, 3);

    (void)state;
    assert_refused(w, &r, REFUSAL_NOT_A_CHALLENGE_VALUE);
    assert_int_equal(values_at(w, name), 0);
    values[2] = text_of(b.text); /* the same twice is one */
    r.u.values.n = 4;
    assert_done(w, &r);
    assert_int_equal(w->res.added, 2);
    assert_int_equal(values_at(w, name), 2);
    assert_int_equal(w->e.effects[0].u.claim.order + 1, w->e.effects[1].u.claim.order);
    r.u.values.n = 0;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.values.n = 100000;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    world_free(w);
}

static void a_body_that_could_not_be_read_is_refused_before_the_name_but_after_the_secret(void **state)
{
    struct challenge a = challenge_of("a", 1);
    struct value_text value = text_of(a.text);
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);
    struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "nowhere", &value, 1);

    (void)state;
    r.u.values.malformed = "the body is empty";
    assert_refused(w, &r, REFUSAL_MALFORMED);
    assert_string_equal(w->res.detail, "the body is empty");
    assert_true(w->res.authenticated);
    r.caller.secret[0] ^= 1;
    assert_refused(w, &r, REFUSAL_UNAUTHENTICATED);
    assert_int_equal(values_at(w, name), 0);
    world_free(w);
}

static void texts_are_as_configured_and_fit_the_budget(void **state)
{
    static char text[66000];
    static const struct {
        enum accept_values accept;
        size_t budget, len;
        enum refusal refusal;
    } rows[] = {
        {ACCEPT_CHALLENGE, 3584, 42, REFUSAL_NOT_A_CHALLENGE_VALUE},
        {ACCEPT_CHALLENGE, 3584, 44, REFUSAL_NOT_A_CHALLENGE_VALUE},
        {ACCEPT_CHALLENGE, 3584, 43, REFUSAL_NONE},
        {ACCEPT_TEXT, 3584, 0, REFUSAL_MALFORMED},
        {ACCEPT_TEXT, 3584, 1, REFUSAL_NONE},
        {ACCEPT_TEXT, 3584, 3557, REFUSAL_NONE}, /* 12 + 14 length octets + 3557 = 3583 */
        {ACCEPT_TEXT, 3584, 3558, REFUSAL_NONE},
        {ACCEPT_TEXT, 3584, 3559, REFUSAL_VALUE_TOO_LONG},
        {ACCEPT_TEXT, 63488, 63228, REFUSAL_NONE}, /* the largest of all */
        {ACCEPT_TEXT, 63488, 63229, REFUSAL_VALUE_TOO_LONG},
        {ACCEPT_TEXT, 63488, sizeof text, REFUSAL_VALUE_TOO_LONG},
    };
    struct world *w = world_new();
    struct holder h;

    (void)state;
    (void)name_with_holders(w, &h, 1);
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value_text v = {.text = text, .len = rows[i].len, .lifetime_s = -1};
        struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "one", &v, 1);
        w->settings.values.accept = rows[i].accept;
        w->settings.values.budget = rows[i].budget;
        assert_refused(w, &r, rows[i].refusal);
        if (rows[i].refusal == REFUSAL_NONE) {
            r.kind = REQUEST_VALUE_REMOVE;
            assert_done(w, &r);
            assert_int_equal(w->res.removed, 1);
        }
    }
    world_free(w);
}

static void more_than_a_name_holds_is_not_taken_in_one_request(void **state)
{
    struct challenge ch[65];
    struct value_text values[65];
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);
    struct request r;

    (void)state;
    for (unsigned i = 0; i < 65; i++) {
        ch[i] = challenge_of("a", i);
        values[i] = text_of(ch[i].text);
    }
    r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "one", values, 65);
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    r.u.values.n = 64;
    assert_done(w, &r);
    assert_int_equal(values_at(w, name), 64);
    assert_int_equal(w->res.evicted, 0);
    world_free(w);
}

/* ---- pinned values ---- */

static void pin(struct request *r, const struct world *w, struct value_text *v, const char *text)
{
    *v = text_of(text);
    v->pinned = true;
    *r = values_request(request_of(w, REQUEST_VALUE_ADD, AUTH_LOCAL), "one", v, 1);
}

static void pinned_values_are_any_text_never_expire_and_are_never_evicted(void **state)
{
    struct world *w = world_new();
    struct value_text v;
    struct request r;
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);

    (void)state;
    pin(&r, w, &v, "letsencrypt.org; accounturi=https://ca.example/1");
    assert_done(w, &r);
    assert_int_equal(value_at(w, name, v.text)->claims[0].expires_s, 0);
    assert_int_equal(value_at(w, name, v.text)->claims[0].credential, CREDENTIAL_ADMIN);
    age_all(w);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(add(w, &h, "one", challenge_of("a", i).text), REFUSAL_NONE);
    assert_true(is_served(w, name, v.text));
    v.pinned = false; /* an ordinary addition does not unpin */
    w->settings.values.accept = ACCEPT_TEXT;
    assert_done(w, &r);
    assert_true(value_is_pinned(value_at(w, name, v.text)));
    assert_int_equal(value_at(w, name, v.text)->claims[0].expires_s, 0);
    world_free(w);
}

static void pinned_values_take_at_most_half_of_the_budget(void **state)
{
    static char text[2000];
    struct world *w = world_new();
    struct value_text v;
    struct request r;
    struct holder h;

    (void)state;
    (void)name_with_holders(w, &h, 1);
    memset(text, 'p', sizeof text);
    pin(&r, w, &v, "x");
    v.text = text;
    v.len = 1773; /* 12 + 7 + 1773 = 1792, half of 3584 */
    assert_done(w, &r);
    v.text = "y";
    v.len = 1;
    assert_refused(w, &r, REFUSAL_QUOTA);
    v.text = text; /* what is pinned already takes nothing more */
    v.len = 1773;
    assert_done(w, &r);
    r.kind = REQUEST_VALUE_REMOVE;
    assert_done(w, &r);
    r.kind = REQUEST_VALUE_ADD;
    v.len = 1774;
    assert_refused(w, &r, REFUSAL_VALUE_TOO_LONG);
    world_free(w);
}

static void pinning_needs_the_kind(void **state)
{
    struct world *w = world_new();
    struct value_text v = text_of("text");
    struct request r;
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);

    (void)state;
    v.pinned = true;
    r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "one", &v, 1);
    assert_refused(w, &r, REFUSAL_KIND_NOT_IN_SCOPE);
    empower(w, &h, ACTION_ADD | ACTION_REMOVE, VALUE_KIND_PINNED);
    assert_done(w, &r);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_KIND_NOT_IN_SCOPE);
    empower(w, &h, ACTION_ADD | ACTION_REMOVE, VALUE_KIND_CHALLENGE);
    r.kind = REQUEST_VALUE_REMOVE;
    assert_refused(w, &r, REFUSAL_KIND_NOT_IN_SCOPE);
    r.u.values.all = true; /* what is out of reach stays */
    r.u.values.n = 0;
    assert_done(w, &r);
    assert_true(is_served(w, name, "text"));
    world_free(w);
}

/* ---- removing ---- */

static void removing_ends_own_claims_and_is_idempotent(void **state)
{
    struct challenge a = challenge_of("a", 1);
    struct world *w = world_new();
    struct holder h[2];
    uint32_t name = name_with_holders(w, h, 2);

    (void)state;
    assert_int_equal(add(w, &h[0], "one", a.text), REFUSAL_NONE);
    assert_int_equal(remove_value(w, &h[1], "one", a.text), REFUSAL_NOT_YOUR_VALUE);
    assert_string_equal(w->res.detail, "that value was added by web0 (infra), not by web1");
    assert_int_equal(remove_value(w, &h[0], "one", a.text), REFUSAL_NONE);
    assert_int_equal(w->res.removed, 1);
    assert_false(is_served(w, name, a.text));
    assert_int_equal(remove_value(w, &h[0], "one", a.text), REFUSAL_NONE);
    assert_int_equal(w->res.removed, 0);
    assert_false(w->res.is_change);
    assert_int_equal(remove_value(w, &h[1], "one", "whatever"), REFUSAL_NONE);
    assert_int_equal(remove_value(w, &h[1], "one", ""), REFUSAL_MALFORMED);
    world_free(w);
}

static void a_refused_removal_removes_nothing(void **state)
{
    struct challenge a = challenge_of("a", 1), b = challenge_of("b", 1);
    struct value_text values[] = {text_of(a.text), text_of(b.text)};
    struct world *w = world_new();
    struct holder h[2];
    uint32_t name = name_with_holders(w, h, 2);
    struct request r;

    (void)state;
    assert_int_equal(add(w, &h[0], "one", a.text), REFUSAL_NONE);
    assert_int_equal(add(w, &h[1], "one", b.text), REFUSAL_NONE);
    r = values_request(request_by(w, REQUEST_VALUE_REMOVE, &h[0]), "one", values, 2);
    assert_refused(w, &r, REFUSAL_NOT_YOUR_VALUE);
    assert_int_equal(values_at(w, name), 2);
    r.u.values.n = 0;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    world_free(w);
}

static void all_means_own_ones_or_everybodys_with_manage(void **state)
{
    static const struct {
        enum auth_kind auth;
        unsigned actions;
        size_t left;
        unsigned removed;
    } rows[] = {
        {AUTH_SECRET, ACTION_REMOVE, 1, 2},
        {AUTH_SECRET, ACTION_MANAGE, 0, 3},
        {AUTH_LOCAL, 0, 0, 3},
    };
    struct challenge a = challenge_of("a", 1), b = challenge_of("b", 1), both = challenge_of("both", 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new();
        struct holder h[2];
        uint32_t name = name_with_holders(w, h, 2);
        struct request r;
        assert_int_equal(add(w, &h[0], "one", a.text), REFUSAL_NONE);
        assert_int_equal(add(w, &h[0], "one", both.text), REFUSAL_NONE);
        assert_int_equal(add(w, &h[1], "one", both.text), REFUSAL_NONE);
        assert_int_equal(add(w, &h[1], "one", b.text), REFUSAL_NONE);
        if (rows[i].auth == AUTH_SECRET)
            empower(w, &h[0], rows[i].actions, VALUE_KIND_CHALLENGE);
        r = rows[i].auth == AUTH_SECRET ? request_by(w, REQUEST_VALUE_REMOVE, &h[0])
                                        : request_of(w, REQUEST_VALUE_REMOVE, AUTH_LOCAL);
        r = values_request(r, "one", NULL, 0);
        r.u.values.all = true;
        assert_done(w, &r);
        assert_int_equal(w->res.removed, rows[i].removed);
        /* web0 with `remove` leaves b and web1's claim on both */
        assert_int_equal(values_at(w, name), rows[i].left > 0 ? rows[i].left + 1 : 0);
        world_free(w);
    }
}

static void manage_and_the_administrator_end_all_claims_of_a_value(void **state)
{
    struct challenge a = challenge_of("a", 1);
    struct value_text v = text_of(a.text);
    struct world *w = world_new();
    struct holder h[3];
    uint32_t name = name_with_holders(w, h, 3);
    struct request r = values_request(request_of(w, REQUEST_VALUE_REMOVE, AUTH_LOCAL), "one", &v, 1);

    (void)state;
    empower(w, &h[2], ACTION_MANAGE, VALUE_KIND_CHALLENGE);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(add(w, &h[0], "one", a.text), REFUSAL_NONE);
        assert_int_equal(add(w, &h[1], "one", a.text), REFUSAL_NONE);
        if (round == 0)
            assert_int_equal(remove_value(w, &h[2], "one", a.text), REFUSAL_NONE);
        else
            assert_done(w, &r);
        assert_int_equal(effects_of(w, EFFECT_CLAIM_REMOVED), 2);
        assert_int_equal(w->res.removed, 1);
        assert_false(is_served(w, name, a.text));
    }
    assert_int_equal(add(w, &h[2], "one", a.text), REFUSAL_ACTION_NOT_IN_SCOPE); /* managing is not adding */
    world_free(w);
}

/* ---- eviction ---- */

static void twenty_new_values_replace_the_stale_ones_of_31_others(void **state)
{
    struct world *w = world_new();
    struct holder *h = calloc(32, sizeof *h);
    uint32_t name = name_with_holders(w, h, 32);

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(add(w, &h[i % 31], "one", challenge_of("stale", i).text), REFUSAL_NONE);
    later(w, 2 * HOUR);
    age_all(w);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(add(w, &h[31], "one", challenge_of("new", i).text), REFUSAL_NONE);
        assert_int_equal(w->res.evicted, 1);
        assert_int_equal(w->res.evicted_young, 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        assert_true(is_served(w, name, challenge_of("new", i).text));
        assert_false(is_served(w, name, challenge_of("stale", i).text));
    }
    assert_true(is_served(w, name, challenge_of("stale", 20).text));
    assert_int_equal(values_at(w, name), 64);
    free(h);
    world_free(w);
}

static void of_40_hosts_behind_one_credential_the_noisy_one_loses(void **state)
{
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);
    unsigned young = 0;

    (void)state;
    for (unsigned host = 0; host < 40; host++) {
        w->client = addr_of("198.51.100.0");
        w->client.b[3] = (uint8_t)host;
        assert_int_equal(add(w, &h, "one", challenge_of("quiet", host).text), REFUSAL_NONE);
    }
    w->client = addr_of("203.0.113.99");
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(add(w, &h, "one", challenge_of("noisy", i).text), REFUSAL_NONE);
        assert_true(is_served(w, name, challenge_of("noisy", i).text)); /* what is added is never the victim */
        young += w->res.evicted_young;
    }
    for (unsigned host = 0; host < 40; host++)
        assert_true(is_served(w, name, challenge_of("quiet", host).text));
    assert_int_equal(values_at(w, name), 64);
    assert_int_equal(young, 200 - 24);
    world_free(w);
}

static void eight_credentials_with_apex_and_wildcard_have_room_round_after_round(void **state)
{
    struct world *w = world_new();
    struct holder h[8];
    uint32_t name = name_with_holders(w, h, 8);

    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 16; i++) {
            assert_int_equal(add(w, &h[i % 8], "one", challenge_of("v", round * 16 + i).text), REFUSAL_NONE);
            assert_int_equal(w->res.evicted, 0);
        }
    }
    assert_int_equal(values_at(w, name), 64);
    for (unsigned i = 0; i < 16; i++) /* a fifth round within the hour: the first one's go, not this one's */
        assert_int_equal(add(w, &h[i % 8], "one", challenge_of("v", 64 + i).text), REFUSAL_NONE);
    for (unsigned i = 16; i < 80; i++)
        assert_true(is_served(w, name, challenge_of("v", i).text));
    world_free(w);
}

static void all_values_of_a_request_are_served_when_it_is_done(void **state)
{
    enum { OTHERS = 63 }; /* each with one young value: whoever adds two is the largest holder */
    struct challenge apex = challenge_of("apex", 1), wildcard = challenge_of("wildcard", 1);
    struct value_text values[] = {text_of(apex.text), text_of(wildcard.text)};
    struct world *w = world_new();
    struct holder *h = calloc(OTHERS + 1, sizeof *h);
    uint32_t name = name_with_holders(w, h, OTHERS + 1);
    struct request r;

    (void)state;
    for (unsigned i = 0; i < OTHERS; i++)
        assert_int_equal(add(w, &h[i], "one", challenge_of("other", i).text), REFUSAL_NONE);
    r = values_request(request_by(w, REQUEST_VALUE_ADD, &h[OTHERS]), "one", values, 2);
    assert_done(w, &r);
    assert_int_equal(w->res.evicted_young, 1);
    assert_true(is_served(w, name, apex.text));
    assert_true(is_served(w, name, wildcard.text));
    assert_int_equal(values_at(w, name), 64);
    free(h);
    world_free(w);
}

/* Twenty holders add one to four values at a time from changing networks, new ones and some that are there, and now
 * and then all that is there becomes old. */
static void what_a_request_added_is_served_whatever_happened_before(void **state)
{
    enum { HOLDERS = 20, ROUNDS = 1500, AT_ONCE = 4 };
    struct world *w = world_new();
    struct holder *h = calloc(HOLDERS, sizeof *h);
    uint32_t name = name_with_holders(w, h, HOLDERS);
    unsigned seed = 20261122;
    unsigned young = 0;

    (void)state;
    w->settings.limits.changes = (struct rate){0, 1}; /* no limit */
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct challenge texts[AT_ONCE];
        struct value_text values[AT_ONCE];
        unsigned n = 1 + (unsigned)rand_r(&seed) % AT_ONCE;
        struct request r;

        if (rand_r(&seed) % 50 == 0)
            age_all(w);
        for (unsigned i = 0; i < n; i++) {
            texts[i] = challenge_of("v", (round * AT_ONCE + i) / (1 + (unsigned)rand_r(&seed) % 2));
            values[i] = text_of(texts[i].text);
        }
        w->client = addr_of("198.51.100.0");
        w->client.b[3] = (uint8_t)(rand_r(&seed) % 3);
        r = values_request(request_by(w, REQUEST_VALUE_ADD, &h[(unsigned)rand_r(&seed) % HOLDERS]), "one", values,
                           n);
        assert_done(w, &r);
        young += w->res.evicted_young;
        for (unsigned i = 0; i < n; i++)
            assert_true(is_served(w, name, texts[i].text));
        assert_in_range(values_at(w, name), 1, 64);
    }
    assert_true(young > 100);
    free(h);
    world_free(w);
}

static void evicting_a_value_ends_the_claims_of_all_its_holders(void **state)
{
    struct world *w = world_new();
    struct holder h[2];
    uint32_t name = name_with_holders(w, h, 2);
    struct challenge shared = challenge_of("shared", 1);

    (void)state;
    assert_int_equal(add(w, &h[0], "one", shared.text), REFUSAL_NONE);
    assert_int_equal(add(w, &h[1], "one", shared.text), REFUSAL_NONE);
    age_all(w);
    for (unsigned i = 0; i < 63; i++)
        assert_int_equal(add(w, &h[0], "one", challenge_of("a", i).text), REFUSAL_NONE);
    assert_true(is_served(w, name, shared.text));
    assert_int_equal(add(w, &h[0], "one", challenge_of("a", 63).text), REFUSAL_NONE);
    assert_int_equal(w->res.evicted, 1);
    assert_int_equal(effects_of(w, EFFECT_CLAIM_EVICTED), 2);
    assert_false(is_served(w, name, shared.text));
    world_free(w);
}

static void a_smaller_budget_evicts_with_the_next_addition(void **state)
{
    struct world *w = world_new();
    struct holder h;
    uint32_t name = name_with_holders(w, &h, 1);

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(add(w, &h, "one", challenge_of("a", i).text), REFUSAL_NONE);
    w->settings.values.budget = 512;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(values_at(w, name), 64);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 64).text), REFUSAL_NONE);
    assert_int_equal(values_at(w, name), 9); /* of 56 octets each */
    assert_int_equal(w->res.evicted, 56);
    assert_true(is_served(w, name, challenge_of("a", 64).text));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_added_value_is_claimed_with_time_place_and_network),
        cmocka_unit_test(adding_it_again_renews_the_own_claim_in_its_slot),
        cmocka_unit_test(two_holders_of_one_value_have_a_claim_each),
        cmocka_unit_test(lifetimes_are_as_asked_or_configured),
        cmocka_unit_test(values_of_a_request_are_added_all_or_none),
        cmocka_unit_test(a_body_that_could_not_be_read_is_refused_before_the_name_but_after_the_secret),
        cmocka_unit_test(texts_are_as_configured_and_fit_the_budget),
        cmocka_unit_test(more_than_a_name_holds_is_not_taken_in_one_request),
        cmocka_unit_test(pinned_values_are_any_text_never_expire_and_are_never_evicted),
        cmocka_unit_test(pinned_values_take_at_most_half_of_the_budget),
        cmocka_unit_test(pinning_needs_the_kind),
        cmocka_unit_test(removing_ends_own_claims_and_is_idempotent),
        cmocka_unit_test(a_refused_removal_removes_nothing),
        cmocka_unit_test(all_means_own_ones_or_everybodys_with_manage),
        cmocka_unit_test(manage_and_the_administrator_end_all_claims_of_a_value),
        cmocka_unit_test(twenty_new_values_replace_the_stale_ones_of_31_others),
        cmocka_unit_test(of_40_hosts_behind_one_credential_the_noisy_one_loses),
        cmocka_unit_test(eight_credentials_with_apex_and_wildcard_have_room_round_after_round),
        cmocka_unit_test(all_values_of_a_request_are_served_when_it_is_done),
        cmocka_unit_test(what_a_request_added_is_served_whatever_happened_before),
        cmocka_unit_test(evicting_a_value_ends_the_claims_of_all_its_holders),
        cmocka_unit_test(a_smaller_budget_evicts_with_the_next_addition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
