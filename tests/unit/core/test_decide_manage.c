/* `manage` hands out and takes back what it has itself, inside its scope, and nothing more. */
#include "decide_fixture.h"

struct people {
    struct world *w;
    struct holder manager; /* of one and two */
    uint32_t one, two, foreign;
};

static struct people people_new(void)
{
    struct people p = {.w = world_new()};
    struct name_ref names[2] = {ref_of(NAME_REF_ANY, "one"), ref_of(NAME_REF_ANY, "two")};
    struct request r;

    (void)make_account(p.w, "team");
    (void)make_account(p.w, "others");
    p.one = make_name(p.w, "team", "one");
    p.two = make_name(p.w, "team", "two");
    p.foreign = make_name(p.w, "others", "foreign");
    r = credential_request(p.w, "manager", names);
    r.u.credential.n_names = 2;
    r.u.credential.has_actions = true;
    r.u.credential.actions = ACTION_ADD | ACTION_MANAGE;
    assert_done(p.w, &r);
    p.manager = holder_of_result(p.w);
    return p;
}

/* One that the manager makes. */
static struct request by_manager(const struct people *p, const struct name_ref *name, unsigned actions)
{
    struct request r = request_by(p->w, REQUEST_CREDENTIAL_CREATE, &p->manager);

    r.u.credential.n_names = 1;
    r.u.credential.names = name;
    r.u.credential.has_actions = actions != 0;
    r.u.credential.actions = actions;
    return r;
}

static struct request revoking(const struct people *p, const struct holder *h)
{
    struct request r = request_by(p->w, REQUEST_CREDENTIAL_REVOKE, &p->manager);

    r.u.credential.credential.text = h->uuid_text;
    return r;
}

static void names_are_those_of_its_scope(void **state)
{
    static const struct {
        const char *name;
        enum refusal why;
    } rows[] = {
        {"one", REFUSAL_NONE},
        {"two.auth.example.org", REFUSAL_NONE},
        {"foreign", REFUSAL_NAME_NOT_IN_SCOPE},
        {"foreign.auth.example.org", REFUSAL_NAME_NOT_IN_SCOPE},
        {"nothing", REFUSAL_NAME_NOT_IN_SCOPE}, /* the same as for what is somebody else's */
    };
    struct people p = people_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct name_ref name = ref_of(NAME_REF_ANY, rows[i].name);
        struct request r = by_manager(&p, &name, ACTION_ADD);
        assert_refused(p.w, &r, rows[i].why);
    }
    world_free(p.w);
}

static void actions_and_kinds_are_its_own(void **state)
{
    static const struct {
        unsigned actions, kinds;
        enum refusal why;
    } rows[] = {
        {ACTION_ADD, 0, REFUSAL_NONE},
        {ACTION_MANAGE, 0, REFUSAL_NONE},
        {ACTION_ADD | ACTION_MANAGE, VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED,
         REFUSAL_NONE}, /* who manages may pin */
        {ACTION_REMOVE, 0, REFUSAL_ACTION_NOT_IN_SCOPE},
        {ACTION_ADD | ACTION_READ, 0, REFUSAL_ACTION_NOT_IN_SCOPE},
        {ACTION_ADMINISTER, 0, REFUSAL_ACTION_NOT_IN_SCOPE},
        {0, 0, REFUSAL_ACTION_NOT_IN_SCOPE}, /* add, remove, read */
    };
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    struct people p = people_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = by_manager(&p, &one, rows[i].actions);
        r.u.credential.kinds = rows[i].kinds;
        assert_refused(p.w, &r, rows[i].why);
    }
    empower(p.w, &p.manager, ACTION_ADD | ACTION_MANAGE, VALUE_KIND_PINNED);
    struct request r = by_manager(&p, &one, ACTION_ADD);
    assert_refused(p.w, &r, REFUSAL_KIND_NOT_IN_SCOPE); /* challenge values are not its own */
    world_free(p.w);
}

static void networks_are_within_its_own(void **state)
{
    static const struct {
        const char *nets[2];
        bool given;
        enum refusal why;
    } rows[] = {
        {{NULL}, false, REFUSAL_NONE},
        {{"192.0.2.0/24"}, true, REFUSAL_NONE},
        {{"192.0.2.77/32", "2001:db8:1::/48"}, true, REFUSAL_NONE},
        {{NULL}, true, REFUSAL_NETWORK},
        {{"192.0.0.0/16"}, true, REFUSAL_NETWORK},
        {{"192.0.2.77/32", "198.51.100.0/24"}, true, REFUSAL_NETWORK},
        {{"::/0"}, true, REFUSAL_NETWORK},
        {{"0.0.0.0/0"}, true, REFUSAL_NETWORK},
    };
    const struct net own[2] = {net_of("192.0.2.0/24"), net_of("2001:db8::/32")};
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    struct people p = people_new();
    struct request set = request_of(p.w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    (void)state;
    set.u.credential.credential.text = p.manager.uuid_text;
    set.u.credential.has_networks = true;
    set.u.credential.networks = own;
    set.u.credential.n_networks = 2;
    assert_done(p.w, &set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = by_manager(&p, &one, ACTION_ADD);
        struct net nets[2];
        size_t n = 0;
        while (n < 2 && rows[i].nets[n] != NULL) {
            nets[n] = net_of(rows[i].nets[n]);
            n++;
        }
        r.u.credential.has_networks = rows[i].given;
        r.u.credential.networks = nets;
        r.u.credential.n_networks = n;
        assert_refused(p.w, &r, rows[i].why);
        if (rows[i].why == REFUSAL_NONE)
            assert_int_equal(credential_n_networks(state_credential(p.w->s, p.w->res.credential)),
                             rows[i].given ? n : 2);
    }
    world_free(p.w);
}

static void what_it_makes_does_not_outlive_it(void **state)
{
    static const struct {
        bool given;
        int64_t expires_s;
        enum refusal why;
        int64_t is;
    } rows[] = {
        {false, 0, REFUSAL_NONE, NOW + 100},    {true, NOW + 100, REFUSAL_NONE, NOW + 100},
        {true, NOW + 1, REFUSAL_NONE, NOW + 1}, {true, NOW + 101, REFUSAL_EXPIRED, 0},
        {true, 0, REFUSAL_EXPIRED, 0},
    };
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    struct people p = people_new();
    struct request set = request_of(p.w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    (void)state;
    set.u.credential.credential.text = p.manager.uuid_text;
    set.u.credential.has_expires = true;
    set.u.credential.expires_s = NOW + 100;
    assert_done(p.w, &set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = by_manager(&p, &one, ACTION_ADD);
        r.u.credential.has_expires = rows[i].given;
        r.u.credential.expires_s = rows[i].expires_s;
        assert_refused(p.w, &r, rows[i].why);
        if (rows[i].why == REFUSAL_NONE)
            assert_int_equal(credential_expires_s(state_credential(p.w->s, p.w->res.credential)), rows[i].is);
    }
    world_free(p.w);
}

static void without_manage_nothing_is_made_or_revoked(void **state)
{
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    struct people p = people_new();
    struct holder h = make_holder(p.w, "one", "web1");
    struct request r = by_manager(&p, &one, ACTION_ADD);

    (void)state;
    empower(p.w, &p.manager, ACTION_ADD | ACTION_REMOVE | ACTION_READ, VALUE_KIND_CHALLENGE);
    assert_refused(p.w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    r = revoking(&p, &h);
    assert_refused(p.w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    world_free(p.w);
}

static void it_revokes_what_may_do_nothing_more_than_it(void **state)
{
    struct name_ref both[2] = {ref_of(NAME_REF_ANY, "two"), ref_of(NAME_REF_ANY, "third")};
    struct people p = people_new();
    struct holder weak = make_holder(p.w, "one", "weak"), strong = make_holder(p.w, "one", "strong");
    struct holder wide, foreign = make_holder(p.w, "foreign", "web1");
    struct request r;

    (void)state;
    (void)make_name(p.w, "team", "third");
    r = credential_request(p.w, "wide", both);
    r.u.credential.n_names = 2;
    r.u.credential.has_actions = true;
    r.u.credential.actions = ACTION_ADD;
    assert_done(p.w, &r);
    wide = holder_of_result(p.w);
    empower(p.w, &weak, ACTION_ADD, VALUE_KIND_CHALLENGE);
    r = revoking(&p, &weak);
    assert_done(p.w, &r);
    assert_done(p.w, &r); /* and once more */
    r = revoking(&p, &strong);
    assert_refused(p.w, &r, REFUSAL_ACTION_NOT_IN_SCOPE); /* it has remove */
    r = revoking(&p, &wide);
    assert_refused(p.w, &r, REFUSAL_NAME_NOT_IN_SCOPE);
    assert_null(strstr(p.w->res.detail, "third")); /* which one it is, is not its business */
    r = revoking(&p, &foreign);
    assert_refused(p.w, &r, REFUSAL_NOT_FOUND);
    r = request_of(p.w, REQUEST_NAME_DELETE, AUTH_LOCAL);
    r.u.name.name = both[1];
    assert_done(p.w, &r);
    r = revoking(&p, &wide); /* nobody may act on the other name any more */
    assert_done(p.w, &r);
    r = revoking(&p, &p.manager); /* itself */
    assert_done(p.w, &r);
    r = by_manager(&p, &both[0], ACTION_ADD);
    assert_refused(p.w, &r, REFUSAL_REVOKED);
    world_free(p.w);
}

static void mine_are_ones_own_with_manage_too(void **state)
{
    struct challenge a = challenge_of("a", 1), b = challenge_of("b", 1);
    struct people p = people_new();
    struct holder web = make_holder(p.w, "one", "web1");
    struct request r = values_request(request_by(p.w, REQUEST_VALUE_REMOVE, &p.manager), "one", NULL, 0);

    (void)state;
    assert_int_equal(add(p.w, &p.manager, "one", a.text), REFUSAL_NONE);
    assert_int_equal(add(p.w, &web, "one", a.text), REFUSAL_NONE);
    assert_int_equal(add(p.w, &web, "one", b.text), REFUSAL_NONE);
    r.u.values.all = true;
    r.u.values.mine = true;
    assert_done(p.w, &r);
    assert_int_equal(p.w->res.removed, 1);
    assert_int_equal(effects_of(p.w, EFFECT_CLAIM_REMOVED), 1);
    assert_int_equal(values_at(p.w, p.one), 2);
    r.u.values.mine = false;
    assert_done(p.w, &r);
    assert_int_equal(values_at(p.w, p.one), 0);
    world_free(p.w);
}

static void who_manages_and_adds_may_pin(void **state)
{
    struct people p = people_new();
    struct value_text v = {.text = "some text", .len = 9, .lifetime_s = -1, .pinned = true};
    struct request r = values_request(request_by(p.w, REQUEST_VALUE_ADD, &p.manager), "one", &v, 1);

    (void)state;
    assert_done(p.w, &r);
    assert_int_equal(remove_value(p.w, &p.manager, "one", "some text"), REFUSAL_NONE);
    empower(p.w, &p.manager, ACTION_ADD, VALUE_KIND_CHALLENGE);
    assert_refused(p.w, &r, REFUSAL_KIND_NOT_IN_SCOPE);
    world_free(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_its_scope),
        cmocka_unit_test(actions_and_kinds_are_its_own),
        cmocka_unit_test(networks_are_within_its_own),
        cmocka_unit_test(what_it_makes_does_not_outlive_it),
        cmocka_unit_test(without_manage_nothing_is_made_or_revoked),
        cmocka_unit_test(it_revokes_what_may_do_nothing_more_than_it),
        cmocka_unit_test(mine_are_ones_own_with_manage_too),
        cmocka_unit_test(who_manages_and_adds_may_pin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
