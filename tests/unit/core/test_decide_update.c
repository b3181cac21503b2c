#include "core/decide_fixture.h"

#include <time.h>

#include "base/attr.h"

static const struct seal_key seal = {{5}};

#define FULL(label) label ".auth.example.org"

/* A world with an account, two names and a holder of a TSIG key for the first of them. */
struct field {
    struct world *w;
    uint32_t web, other;
    struct holder holder;
    uint32_t secret;
};

static uint32_t newest_secret(const struct world *w, uint32_t credential)
{
    const struct credential *cred = state_credential(w->s, credential);

    return credential_secret(w->s, cred, credential_n_secrets(cred) - 1U).id;
}

static struct holder make_tsig_holder(struct world *w, const char *name, const char *label)
{
    struct name_ref ref = ref_of(NAME_REF_ANY, name);
    struct request r = credential_request(w, label, &ref);
    struct holder h = {0};

    r.u.credential.tsig = true;
    assert_done(w, &r);
    h.id = w->res.credential;
    h.uuid = state_credential(w->s, h.id)->uuid;
    (void)uuid_format(&h.uuid, h.uuid_text);
    return h;
}

static int open_field(void **state)
{
    struct field *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->w = world_new();
    f->w->d.seal = &seal;
    make_account(f->w, "infra");
    f->web = make_name(f->w, "infra", "web");
    f->other = make_name(f->w, "infra", "other");
    f->holder = make_tsig_holder(f->w, "web", "web1");
    f->secret = newest_secret(f->w, f->holder.id);
    *state = f;
    return 0;
}

static int close_field(void **state)
{
    struct field *f = *state;

    world_free(f->w);
    free(f);
    return 0;
}

static struct request update_by(const struct field *f, const struct update_op *ops, size_t n)
{
    struct request r = request_of(f->w, REQUEST_UPDATE, AUTH_TSIG);

    r.caller.door = DOOR_UPDATE;
    r.caller.credential = f->holder.uuid;
    r.caller.tsig_secret = f->secret;
    r.u.update = (struct request_update){.n_ops = n, .ops = ops};
    return r;
}

static struct update_op op(enum update_op_kind kind, const struct name *owner, const char *text)
{
    return (struct update_op){.kind = kind, .owner = owner, .value = text_of(text)};
}

static enum refusal update(struct field *f, const struct update_op *ops, size_t n)
{
    struct request r = update_by(f, ops, n);

    return ask(f->w, &r);
}

static void operations_are_done_in_their_order_as_one_change(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge one = challenge_of("a", 1), two = challenge_of("a", 2);
    struct update_op ops[] = {op(UPDATE_ADD, &web, one.text), op(UPDATE_REMOVE, &web, one.text),
                              op(UPDATE_ADD, &web, two.text), op(UPDATE_REMOVE_SET, &web, ""),
                              op(UPDATE_ADD, &web, one.text)};
    uint64_t seq = f->w->seq;

    assert_int_equal(update(f, ops, ARRAY_LEN(ops)), REFUSAL_NONE);
    assert_int_equal(f->w->seq, seq + 1);
    assert_int_equal(f->w->e.door, DOOR_UPDATE);
    assert_int_equal(f->w->e.credential, f->holder.id);
    assert_int_equal(f->w->res.name, f->web);
    assert_true(is_served(f->w, f->web, one.text));
    assert_int_equal(values_at(f->w, f->web), 1);
    assert_int_equal(update(f, NULL, 0), REFUSAL_NONE);
    assert_false(f->w->res.is_change);
}

static void one_operation_that_is_refused_refuses_all(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web")), other = name_of(FULL("other")), nobody = name_of(FULL("nobody"));
    struct challenge one = challenge_of("a", 1);
    const struct {
        struct update_op second;
        enum refusal why;
    } rows[] = {
        {op(UPDATE_ADD, &other, one.text), REFUSAL_NAME_NOT_IN_SCOPE},
        {op(UPDATE_ADD, &nobody, one.text), REFUSAL_NAME_NOT_IN_SCOPE},
        {op(UPDATE_REMOVE_SET, &other, ""), REFUSAL_NAME_NOT_IN_SCOPE},
        {op(UPDATE_ADD, &web, "no challenge"), REFUSAL_NOT_A_CHALLENGE_VALUE},
        {op(UPDATE_REMOVE, &web, ""), REFUSAL_MALFORMED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct update_op ops[] = {op(UPDATE_ADD, &web, one.text), rows[i].second};

        assert_int_equal(update(f, ops, ARRAY_LEN(ops)), rows[i].why);
        assert_true(f->w->res.authenticated);
        assert_int_equal(values_at(f->w, f->web), 0);
    }
}

static void more_than_a_name_holds_is_refused_for_each_name(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge texts[65];
    struct update_op ops[65];

    for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
        texts[i] = challenge_of("v", i);
        ops[i] = op(UPDATE_ADD, &web, texts[i].text);
    }
    assert_int_equal(update(f, ops, 65), REFUSAL_TOO_LARGE);
    assert_int_equal(update(f, ops, 64), REFUSAL_NONE);
    assert_int_equal(values_at(f->w, f->web), 64);
}

static void a_removed_set_is_what_this_credential_added_from_this_network_or_long_ago(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct holder friend = make_holder(f->w, "web", "web2");
    struct challenge old = challenge_of("old", 1), here = challenge_of("here", 1), there = challenge_of("there", 1),
                     theirs = challenge_of("theirs", 1);
    struct update_op add_old = op(UPDATE_ADD, &web, old.text), add_here = op(UPDATE_ADD, &web, here.text),
                     add_there = op(UPDATE_ADD, &web, there.text), remove_set = op(UPDATE_REMOVE_SET, &web, "");

    f->w->client = addr_of("2001:db8:0:1::1");
    assert_int_equal(update(f, &add_old, 1), REFUSAL_NONE);
    age_all(f->w);
    assert_int_equal(update(f, &add_there, 1), REFUSAL_NONE);
    assert_int_equal(add(f->w, &friend, "web", theirs.text), REFUSAL_NONE);
    f->w->client = addr_of("2001:db8:0:2::1");
    assert_int_equal(update(f, &add_here, 1), REFUSAL_NONE);
    f->w->client = addr_of("2001:db8:0:2::99"); /* of the same /64 */
    assert_int_equal(update(f, &remove_set, 1), REFUSAL_NONE);
    assert_int_equal(f->w->res.removed, 2);
    assert_false(is_served(f->w, f->web, old.text));
    assert_false(is_served(f->w, f->web, here.text));
    assert_true(is_served(f->w, f->web, there.text));
    assert_true(is_served(f->w, f->web, theirs.text));
    assert_int_equal(update(f, &remove_set, 1), REFUSAL_NONE);
    assert_false(f->w->res.is_change);
}

static void pinned_values_stay_when_a_set_is_removed(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge pin = challenge_of("pin", 1);
    struct update_op remove_set = op(UPDATE_REMOVE_SET, &web, ""), exactly = op(UPDATE_REMOVE, &web, pin.text);
    struct update_op again = op(UPDATE_ADD, &web, pin.text);
    struct request r = request_of(f->w, REQUEST_VALUE_ADD, AUTH_TSIG);
    struct value_text v = text_of(pin.text);

    empower(f->w, &f->holder, ACTION_ADD | ACTION_REMOVE, VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED);
    v.pinned = true;
    r.caller.credential = f->holder.uuid;
    r.caller.tsig_secret = f->secret;
    r = values_request(r, "web", &v, 1);
    assert_done(f->w, &r);
    assert_int_equal(update(f, &again, 1), REFUSAL_NONE);
    assert_int_equal(update(f, &remove_set, 1), REFUSAL_NONE);
    assert_true(is_served(f->w, f->web, pin.text));
    assert_int_equal(update(f, &exactly, 1), REFUSAL_NONE);
    assert_false(is_served(f->w, f->web, pin.text));
}

static void an_exact_removal_ends_ones_own_claim_only(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct holder friend = make_holder(f->w, "web", "web2");
    struct challenge theirs = challenge_of("theirs", 1), shared = challenge_of("shared", 1);
    struct update_op remove_theirs = op(UPDATE_REMOVE, &web, theirs.text);
    struct update_op add_shared = op(UPDATE_ADD, &web, shared.text),
                     remove_shared = op(UPDATE_REMOVE, &web, shared.text);

    assert_int_equal(add(f->w, &friend, "web", theirs.text), REFUSAL_NONE);
    assert_int_equal(update(f, &remove_theirs, 1), REFUSAL_NOT_YOUR_VALUE);
    assert_int_equal(add(f->w, &friend, "web", shared.text), REFUSAL_NONE);
    assert_int_equal(update(f, &add_shared, 1), REFUSAL_NONE);
    assert_int_equal(update(f, &remove_shared, 1), REFUSAL_NONE);
    assert_true(is_served(f->w, f->web, shared.text));
    empower(f->w, &f->holder, ACTION_MANAGE, 0);
    assert_int_equal(update(f, &remove_theirs, 1), REFUSAL_NONE);
    assert_false(is_served(f->w, f->web, theirs.text));
}

static void actions_are_asked_for(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge one = challenge_of("a", 1);
    struct update_op add_one = op(UPDATE_ADD, &web, one.text), remove_one = op(UPDATE_REMOVE, &web, one.text),
                     remove_set = op(UPDATE_REMOVE_SET, &web, "");

    empower(f->w, &f->holder, ACTION_ADD, 0);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_NONE);
    assert_int_equal(update(f, &remove_one, 1), REFUSAL_ACTION_NOT_IN_SCOPE);
    assert_int_equal(update(f, &remove_set, 1), REFUSAL_ACTION_NOT_IN_SCOPE);
    empower(f->w, &f->holder, ACTION_REMOVE, 0);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_ACTION_NOT_IN_SCOPE);
    assert_int_equal(update(f, &remove_set, 1), REFUSAL_NONE);
    empower(f->w, &f->holder, ACTION_ADD, VALUE_KIND_PINNED);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_KIND_NOT_IN_SCOPE);
}

static void a_key_counts_only_while_it_is_the_credentials(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge one = challenge_of("a", 1);
    struct update_op add_one = op(UPDATE_ADD, &web, one.text);
    struct request rotate = request_of(f->w, REQUEST_CREDENTIAL_ROTATE, AUTH_LOCAL);
    struct request revoke = request_of(f->w, REQUEST_CREDENTIAL_REVOKE, AUTH_LOCAL);
    struct holder bearer = make_holder(f->w, "web", "web2");
    struct request r = update_by(f, &add_one, 1);

    r.caller.tsig_secret = newest_secret(f->w, bearer.id);
    assert_refused(f->w, &r, REFUSAL_UNAUTHENTICATED);
    r.caller.credential = bearer.uuid; /* its own secret, but no TSIG key */
    assert_refused(f->w, &r, REFUSAL_UNAUTHENTICATED);
    rotate.u.credential.credential.text = f->holder.uuid_text;
    rotate.u.credential.tsig = true;
    assert_done(f->w, &rotate);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_UNAUTHENTICATED);
    assert_false(f->w->res.authenticated);
    f->secret = newest_secret(f->w, f->holder.id);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_NONE);
    revoke.u.credential.credential.text = f->holder.uuid_text;
    assert_done(f->w, &revoke);
    assert_int_equal(update(f, &add_one, 1), REFUSAL_REVOKED);
    assert_true(f->w->res.authenticated);
}

static void a_bearer_secret_makes_no_update_without_a_credential(void **state)
{
    struct field *f = *state;
    struct request r = request_of(f->w, REQUEST_UPDATE, AUTH_LOCAL);

    assert_refused(f->w, &r, REFUSAL_UNAUTHENTICATED);
}

static void conditions_are_looked_at_first_and_say_which_one_failed(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web")), other = name_of(FULL("other")), nobody = name_of(FULL("nobody")),
                apex = name_of("auth.example.org"), outside = name_of("example.com");
    struct challenge one = challenge_of("a", 1), two = challenge_of("a", 2);
    struct update_op add_one = op(UPDATE_ADD, &web, one.text), add_two = op(UPDATE_ADD, &web, two.text);
    uint8_t rdata[64];
    struct rdata have = {.bytes = rdata};
    const struct {
        struct update_condition condition;
        bool holds;
    } rows[] = {
        {{CONDITION_NAME_IN_USE, 0, &web, {0}}, true},      {{CONDITION_NAME_IN_USE, 0, &apex, {0}}, true},
        {{CONDITION_NAME_IN_USE, 0, &other, {0}}, false},   {{CONDITION_NAME_IN_USE, 0, &nobody, {0}}, false},
        {{CONDITION_NAME_IN_USE, 0, &outside, {0}}, false}, {{CONDITION_NAME_NOT_IN_USE, 0, &other, {0}}, true},
        {{CONDITION_NAME_NOT_IN_USE, 0, &web, {0}}, false}, {{CONDITION_SET_EXISTS, RR_TXT, &web, {0}}, true},
        {{CONDITION_SET_EXISTS, RR_A, &web, {0}}, false},   {{CONDITION_SET_EXISTS, RR_SOA, &apex, {0}}, true},
        {{CONDITION_SET_ABSENT, RR_TXT, &web, {0}}, false}, {{CONDITION_SET_ABSENT, RR_TXT, &other, {0}}, true},
    };
    struct request r;

    assert_int_equal(update(f, &add_one, 1), REFUSAL_NONE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = update_by(f, NULL, 0);
        r.u.update.n_conditions = 1;
        r.u.update.conditions = &rows[i].condition;
        assert_int_equal(ask(f->w, &r), rows[i].holds ? REFUSAL_NONE : REFUSAL_CONFLICT);
        assert_int_equal(f->w->res.condition_failed, !rows[i].holds);
        if (!rows[i].holds)
            assert_int_equal(f->w->res.condition, rows[i].condition.kind);
    }
    have.len = (uint16_t)value_encode_text(rdata, one.text, strlen(one.text));
    r = update_by(f, &add_two, 1);
    r.u.update.n_conditions = 2;
    r.u.update.conditions = (const struct update_condition[]){{CONDITION_RECORD_EXISTS, RR_TXT, &web, have},
                                                              {CONDITION_RECORD_EXISTS, RR_TXT, &web, have}};
    assert_done(f->w, &r); /* the same one twice is one */
    assert_refused(f->w, &r, REFUSAL_CONFLICT);
    assert_int_equal(f->w->res.condition, CONDITION_RECORD_EXISTS);
    assert_int_equal(values_at(f->w, f->web), 2);
}

/* Everybody's changes wait meanwhile. */
static void a_request_full_of_conditions_is_decided_soon(void **state)
{
    enum { VALUES = 60 };
    static struct challenge texts[VALUES];
    static uint8_t bytes[VALUES][64];
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct update_op ops[VALUES];
    struct update_condition conditions[UPDATE_CONDITIONS_MAX];
    struct request r;
    clock_t begun;

    for (unsigned i = 0; i < VALUES; i++) {
        texts[i] = challenge_of("many", i);
        ops[i] = (struct update_op){.kind = UPDATE_ADD, .owner = &web, .value = text_of(texts[i].text)};
    }
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct rdata rdata = {.bytes = bytes[i % VALUES]};

        rdata.len =
            (uint16_t)value_encode_text(bytes[i % VALUES], texts[i % VALUES].text, strlen(texts[i % VALUES].text));
        conditions[i] = (struct update_condition){CONDITION_RECORD_EXISTS, RR_TXT, &web, rdata};
    }
    assert_int_equal(update(f, ops, VALUES), REFUSAL_NONE);
    assert_int_equal(values_at(f->w, f->web), VALUES);
    r = update_by(f, NULL, 0);
    r.u.update.conditions = conditions;
    r.u.update.n_conditions = ARRAY_LEN(conditions);
    begun = clock();
    assert_done(f->w, &r);
    assert_true(clock() - begun < CLOCKS_PER_SEC / 40); /* it takes 1 ms; counting anew for each, 60 */
    r.u.update.n_conditions = VALUES - 1;
    assert_refused(f->w, &r, REFUSAL_CONFLICT);
}

static void the_answer_with_caa_counts_as_records(void **state)
{
    struct field *f = *state;
    struct name other = name_of(FULL("other"));
    const struct update_condition in_use = {CONDITION_NAME_IN_USE, 0, &other, {0}};
    struct request r;

    f->w->zones[0].challenge_caa = CHALLENGE_CAA_DENY;
    assert_int_equal(configure(f->w, &f->w->settings), REFUSAL_NONE);
    r = update_by(f, NULL, 0);
    r.u.update.n_conditions = 1;
    r.u.update.conditions = &in_use;
    assert_done(f->w, &r);
}

static void updates_count_against_the_accounts_rate(void **state)
{
    struct field *f = *state;
    struct name web = name_of(FULL("web"));
    struct challenge one = challenge_of("a", 1);
    struct update_op ops[] = {op(UPDATE_ADD, &web, one.text), op(UPDATE_REMOVE, &web, one.text)};
    enum refusal why = REFUSAL_NONE;
    unsigned done = 0;

    while (done < 2 * CHANGES_BURST && (why = update(f, ops, ARRAY_LEN(ops))) == REFUSAL_NONE)
        done++;
    assert_int_equal(why, REFUSAL_RATE);
    assert_true(done <= CHANGES_BURST);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_field, close_field)
    const struct CMUnitTest tests[] = {
        TEST(operations_are_done_in_their_order_as_one_change),
        TEST(one_operation_that_is_refused_refuses_all),
        TEST(more_than_a_name_holds_is_refused_for_each_name),
        TEST(a_removed_set_is_what_this_credential_added_from_this_network_or_long_ago),
        TEST(pinned_values_stay_when_a_set_is_removed),
        TEST(an_exact_removal_ends_ones_own_claim_only),
        TEST(actions_are_asked_for),
        TEST(a_key_counts_only_while_it_is_the_credentials),
        TEST(a_bearer_secret_makes_no_update_without_a_credential),
        TEST(conditions_are_looked_at_first_and_say_which_one_failed),
        TEST(a_request_full_of_conditions_is_decided_soon),
        TEST(the_answer_with_caa_counts_as_records),
        TEST(updates_count_against_the_accounts_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
