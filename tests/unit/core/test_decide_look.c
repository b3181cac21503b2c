/* Looking: who may look at what, and what it is told. */
#include "core/viewer.h"
#include "decide_fixture.h"

static struct request look_by(const struct world *w, const struct holder *h, enum look what)
{
    struct request r = request_by(w, REQUEST_LOOK, h);

    r.caller.door = DOOR_V1;
    r.u.look = what;
    return r;
}

static struct holder holder_of_one(struct world *w)
{
    (void)make_account(w, "team");
    (void)make_name(w, "team", "one");
    return make_holder(w, "one", "web1");
}

static void each_look_takes_its_action(void **state)
{
    static const struct {
        enum look what;
        unsigned actions; /* each of them alone is enough; 0: none is needed */
    } rows[] = {
        {LOOK_AT_SELF, 0},
        {LOOK_AT_OWN, 0},
        {LOOK_AT_NAMES, ACTION_READ | ACTION_MANAGE | ACTION_ADMINISTER},
        {LOOK_AT_SERVER, ACTION_ADMINISTER},
    };
    struct world *w = world_new();
    struct holder h = holder_of_one(w);

    (void)state;
    for (unsigned action = ACTION_ADD; action <= ACTION_ADMINISTER; action <<= 1) {
        empower(w, &h, action, VALUE_KIND_CHALLENGE);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct request r = look_by(w, &h, rows[i].what);
            if (rows[i].actions == 0 || (rows[i].actions & action) != 0)
                assert_done(w, &r);
            else
                assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
            assert_true(w->res.authenticated);
            assert_int_equal(w->res.credential, h.id);
        }
    }
    world_free(w);
}

static void a_look_changes_nothing_and_is_a_use(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);
    struct request r = look_by(w, &h, LOOK_AT_NAMES);
    const struct credential *cred;

    (void)state;
    later(w, 5);
    assert_done(w, &r);
    assert_false(w->res.is_change);
    assert_null(w->res.entry);
    assert_int_equal(w->res.seq, 0);
    cred = state_credential(w->s, h.id);
    assert_int_equal(credential_last_used_s(cred), NOW + 5);
    assert_int_equal(credential_last_use(cred).door, DOOR_V1);
    world_free(w);
}

static void looking_is_not_counted_as_changing(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);
    struct request r = look_by(w, &h, LOOK_AT_NAMES);

    (void)state;
    for (int i = 0; i < CHANGES_BURST + 10; i++)
        assert_done(w, &r);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    world_free(w);
}

static void who_may_not_be_here_looks_at_nothing(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);
    struct request r = request_of(w, REQUEST_LOOK, AUTH_NONE);

    (void)state;
    for (int what = LOOK_AT_SELF; what <= LOOK_AT_SERVER; what++) {
        r = request_of(w, REQUEST_LOOK, AUTH_NONE);
        r.u.look = (enum look)what;
        assert_refused(w, &r, REFUSAL_UNAUTHENTICATED);
        r = look_by(w, &h, (enum look)what);
        r.caller.secret[0] = (char)(r.caller.secret[0] == 'A' ? 'B' : 'A');
        assert_refused(w, &r, REFUSAL_UNAUTHENTICATED);
        assert_false(w->res.authenticated);
    }
    world_free(w);
}

static void failing_looks_are_limited_like_failing_changes(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);
    struct request right = look_by(w, &h, LOOK_AT_SELF), wrong = right;
    int refused = 0;

    (void)state;
    wrong.caller.secret[0] = (char)(wrong.caller.secret[0] == 'A' ? 'B' : 'A');
    while (ask(w, &wrong) == REFUSAL_UNAUTHENTICATED)
        refused++;
    assert_int_equal(refused, 1000);
    assert_int_equal(w->res.refusal, REFUSAL_RATE);
    assert_true(w->res.retry_s > 0);
    assert_done(w, &right);
    world_free(w);
}

static void a_registration_token_looks_at_nothing(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);

    (void)state;
    (void)make_account(w, "team");
    r.u.token.account = "team";
    assert_done(w, &r);
    r = request_of(w, REQUEST_LOOK, AUTH_TOKEN);
    memcpy(r.caller.secret, w->res.secret, sizeof r.caller.secret);
    r.u.look = LOOK_AT_SELF;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    world_free(w);
}

/* What stands in the way of a credential, and whether its holder is told when it asks about itself. */
static void who_asks_about_itself_is_told_what_would_refuse_it(void **state)
{
    static const struct net elsewhere = {.addr = {.family = ADDR_V4, .b = {198, 51, 100, 0}}, .prefix_len = 24};
    static const struct {
        bool networks, expired, disabled, revoked;
        enum refusal why;
        bool is_told;
    } rows[] = {
        {.networks = true, .why = REFUSAL_NETWORK, .is_told = true},
        {.expired = true, .why = REFUSAL_EXPIRED, .is_told = true},
        {.networks = true, .expired = true, .why = REFUSAL_EXPIRED, .is_told = true},
        {.disabled = true, .why = REFUSAL_DISABLED},
        {.revoked = true, .why = REFUSAL_REVOKED},
        {.networks = true, .revoked = true, .why = REFUSAL_REVOKED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new();
        struct holder h = holder_of_one(w);
        struct request set = request_of(w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL), r;
        struct result res;
        set.u.credential.credential.text = h.uuid_text;
        set.u.credential.has_networks = rows[i].networks;
        set.u.credential.n_networks = rows[i].networks ? 1 : 0;
        set.u.credential.networks = &elsewhere;
        set.u.credential.has_expires = rows[i].expired;
        set.u.credential.expires_s = NOW + 10;
        assert_done(w, &set);
        if (rows[i].disabled) {
            r = request_of(w, REQUEST_ACCOUNT_SET, AUTH_LOCAL);
            r.u.account = (struct request_account){.name = "team", .has_disabled = true, .disabled = true};
            assert_done(w, &r);
        }
        if (rows[i].revoked) {
            r = request_of(w, REQUEST_CREDENTIAL_REVOKE, AUTH_LOCAL);
            r.u.credential.credential.text = h.uuid_text;
            assert_done(w, &r);
        }
        later(w, 10);
        r = look_by(w, &h, LOOK_AT_OWN);
        assert_refused(w, &r, rows[i].why);
        r = look_by(w, &h, LOOK_AT_SELF);
        entry_fini(&w->e);
        assert_int_equal(decide(&w->d, &r, &w->e, &res), ERR_OK);
        assert_int_equal(res.outcome, rows[i].is_told ? OUTCOME_DONE : OUTCOME_REFUSED);
        assert_int_equal(res.refusal, rows[i].why);
        assert_true(res.detail[0] != '\0');
        assert_int_equal(res.credential, h.id);
        assert_int_equal(credential_last_used_s(state_credential(w->s, h.id)), 0); /* to be told is no use */
        world_free(w);
    }
}

/* ---- what is seen ---- */

static void a_viewer_sees_its_scope(void **state)
{
    struct world *w = world_new();
    struct holder h[4];
    uint32_t one, two, other;
    struct viewer v;

    (void)state;
    (void)make_account(w, "team");
    (void)make_account(w, "others");
    one = make_name(w, "team", "one");
    two = make_name(w, "team", "two");
    other = make_name(w, "others", "three");
    h[0] = make_holder(w, "one", "web1");
    h[1] = make_holder(w, "one", "web2");
    h[2] = make_holder(w, "two", "web3");
    h[3] = make_holder(w, "three", "web4");
    v = viewer_of(w->s, h[0].id);
    assert_false(v.sees_all);
    assert_true(viewer_sees_name(&v, w->s, state_name(w->s, one)));
    assert_false(viewer_sees_name(&v, w->s, state_name(w->s, two)));
    assert_false(viewer_sees_name(&v, w->s, state_name(w->s, other)));
    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        assert_int_equal(viewer_sees_credential(&v, w->s, state_credential(w->s, h[i].id)), i == 0);
    assert_true(viewer_sees_account(&v, state_account(w->s, account_of_name(w, "team"))));
    assert_false(viewer_sees_account(&v, state_account(w->s, account_of_name(w, "others"))));
    empower(w, &h[0], ACTION_MANAGE, VALUE_KIND_CHALLENGE);
    v = viewer_of(w->s, h[0].id);
    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        assert_int_equal(viewer_sees_credential(&v, w->s, state_credential(w->s, h[i].id)), i <= 1);
    empower(w, &h[0], ACTION_ADMINISTER, VALUE_KIND_CHALLENGE);
    v = viewer_of(w->s, h[0].id);
    assert_true(v.sees_all);
    world_free(w);
}

static void a_retired_name_is_seen_no_more(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);
    struct request r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);
    struct viewer v;

    (void)state;
    r.u.name.name = ref_of(NAME_REF_ANY, "one");
    assert_done(w, &r);
    v = viewer_of(w->s, h.id);
    assert_false(viewer_sees_name(&v, w->s, state_name(w->s, h.name)));
    world_free(w);
}

static void nobody_is_a_viewer_who_sees_nothing(void **state)
{
    struct world *w = world_new();
    struct holder h = holder_of_one(w);

    (void)state;
    for (uint32_t id = 0; id < 100; id += 99) {
        struct viewer v = viewer_of(w->s, id);
        assert_false(v.sees_all);
        assert_false(viewer_sees_name(&v, w->s, state_name(w->s, h.name)));
        assert_false(viewer_sees_credential(&v, w->s, state_credential(w->s, h.id)));
        assert_false(viewer_sees_account(&v, state_account(w->s, account_of_name(w, "team"))));
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_look_takes_its_action),
        cmocka_unit_test(a_look_changes_nothing_and_is_a_use),
        cmocka_unit_test(looking_is_not_counted_as_changing),
        cmocka_unit_test(who_may_not_be_here_looks_at_nothing),
        cmocka_unit_test(failing_looks_are_limited_like_failing_changes),
        cmocka_unit_test(a_registration_token_looks_at_nothing),
        cmocka_unit_test(who_asks_about_itself_is_told_what_would_refuse_it),
        cmocka_unit_test(a_viewer_sees_its_scope),
        cmocka_unit_test(a_retired_name_is_seen_no_more),
        cmocka_unit_test(nobody_is_a_viewer_who_sees_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
