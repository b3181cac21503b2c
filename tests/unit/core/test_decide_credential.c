#include "core/decide_fixture.h"

static struct request about(const struct world *w, enum request_kind kind, const struct holder *h)
{
    struct request r = request_of(w, kind, AUTH_LOCAL);

    r.u.credential.credential.text = h->uuid_text;
    return r;
}

/* Accounts infra (names one and two) and shop (name three). */
static struct world *world_with_names(void)
{
    struct world *w = world_new();

    (void)make_account(w, "infra");
    (void)make_account(w, "shop");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "infra", "two");
    (void)make_name(w, "shop", "three");
    return w;
}

/* ---- making ---- */

static void a_credential_is_for_names_of_one_account(void **state)
{
    struct name_ref refs[] = {ref_of(NAME_REF_ANY, "one"), ref_of(NAME_REF_ANY, "two"), ref_of(NAME_REF_ANY, "one"),
                              ref_of(NAME_REF_ANY, "three"), ref_of(NAME_REF_ANY, "four")};
    struct world *w = world_with_names();
    struct request r = credential_request(w, "web1", refs);
    const struct credential *cred;

    (void)state;
    r.u.credential.n_names = 3;
    assert_done(w, &r);
    cred = state_credential(w->s, w->res.credential);
    assert_int_equal(credential_n_names(cred), 2); /* one twice is one */
    assert_int_equal(cred->account, account_of_name(w, "infra"));
    assert_int_equal(credential_actions(cred), ACTION_ADD | ACTION_REMOVE | ACTION_READ);
    assert_int_equal(credential_kinds(cred), VALUE_KIND_CHALLENGE);
    r.u.credential.n_names = 4;
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r.u.credential.n_names = 1;
    r.u.credential.names = &refs[4];
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.credential.n_names = 0;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.n_names = 100000;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    world_free(w);
}

static void labels_are_checked_and_one_of_a_kind_at_a_name(void **state)
{
    static const struct {
        const char *label, *name;
        enum refusal refusal;
    } rows[] = {
        {"web1", "one", REFUSAL_NONE},
        {"web1", "one", REFUSAL_CONFLICT},
        {"web1", "two", REFUSAL_NONE},
        {"Web1", "one", REFUSAL_NONE},
        {NULL, "one", REFUSAL_NONE},
        {NULL, "one", REFUSAL_NONE}, /* without a label there is nothing to mix up */
        {"", "one", REFUSAL_NONE},
        {"web 1", "one", REFUSAL_BAD_LABEL},
        {"web\n", "one", REFUSAL_BAD_LABEL},
        {"1b9c0000-0000-4000-8000-000000000001", "one", REFUSAL_BAD_LABEL}, /* would be taken for an id */
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "one", REFUSAL_BAD_LABEL},
    };
    struct world *w = world_with_names();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct name_ref ref = ref_of(NAME_REF_ANY, rows[i].name);
        struct request r = credential_request(w, rows[i].label, &ref);
        assert_refused(w, &r, rows[i].refusal);
    }
    world_free(w);
}

static void powers_are_checked_and_administer_is_given_locally_only(void **state)
{
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    struct world *w = world_with_names();
    struct holder root = make_holder(w, "two", "root");
    struct request r = credential_request(w, "web1", &one);

    (void)state;
    r.u.credential.has_actions = true;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.actions = 64;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.actions = ACTION_ADMINISTER;
    r.u.credential.kinds = 8;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.kinds = 0;
    assert_done(w, &r);
    empower(w, &root, ACTION_ADMINISTER, 0);
    r.caller = request_by(w, r.kind, &root).caller;
    r.u.credential.label = "web2";
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    r.u.credential.actions = ACTION_MANAGE;
    r.u.credential.has_expires = true;
    r.u.credential.expires_s = NOW;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.expires_s = NOW + 1;
    assert_done(w, &r);
    world_free(w);
}

static void a_credential_is_found_by_id_or_by_label_at_a_name(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1");
    struct request r = about(w, REQUEST_CREDENTIAL_SET, &h);

    (void)state;
    assert_done(w, &r);
    assert_int_equal(w->res.credential, h.id);
    r.u.credential.credential.text = "web1";
    assert_refused(w, &r, REFUSAL_NOT_FOUND); /* a label alone says too little */
    r.u.credential.credential.name = ref_of(NAME_REF_ANY, "one");
    assert_done(w, &r);
    assert_int_equal(w->res.credential, h.id);
    r.u.credential.credential.name = ref_of(NAME_REF_ANY, "two");
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.credential.credential.name = ref_of(NAME_REF_ANY, "nine");
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.credential.credential.text = "1b9c0000-0000-4000-8000-000000000001";
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.credential.credential.text = NULL;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    world_free(w);
}

/* ---- setting ---- */

static void what_is_not_mentioned_stays(void **state)
{
    struct net net = net_of("198.51.100.0/24");
    struct name_ref names[] = {ref_of(NAME_REF_ANY, "one"), ref_of(NAME_REF_ANY, "two")};
    struct name_ref foreign = ref_of(NAME_REF_ANY, "three");
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1"), other = make_holder(w, "two", "web2");
    struct request r = about(w, REQUEST_CREDENTIAL_SET, &h);
    const struct credential *cred;

    (void)state;
    assert_done(w, &r);
    assert_false(w->res.is_change);
    r.u.credential.has_networks = true;
    r.u.credential.n_networks = 1;
    r.u.credential.networks = &net;
    assert_done(w, &r);
    assert_true(w->res.is_change);
    assert_done(w, &r);
    assert_false(w->res.is_change);
    r = about(w, REQUEST_CREDENTIAL_SET, &h);
    r.u.credential.has_names = true;
    r.u.credential.n_names = 2;
    r.u.credential.names = names;
    r.u.credential.label = "web9";
    assert_done(w, &r);
    cred = state_credential(w->s, h.id);
    assert_int_equal(credential_n_names(cred), 2);
    assert_int_equal(credential_n_networks(cred), 1);
    assert_string_equal(credential_label(cred), "web9");
    assert_int_equal(credential_actions(cred), ACTION_ADD | ACTION_REMOVE | ACTION_READ);
    r.u.credential.label = "web2"; /* is at two already */
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r.u.credential.label = NULL;
    r.u.credential.n_names = 1;
    r.u.credential.names = &foreign;
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r = about(w, REQUEST_CREDENTIAL_SET, &other);
    r.u.credential.has_networks = true;
    r.u.credential.n_networks = 1000;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    world_free(w);
}

/* ---- secrets ---- */

static void rotation_with_overlap_lets_both_secrets_work_until_it_ends(void **state)
{
    struct world *w = world_with_names();
    struct holder old = make_holder(w, "one", "web1"), new, newest;
    struct request r = about(w, REQUEST_CREDENTIAL_ROTATE, &old);

    (void)state;
    r.u.credential.overlap_s = DAY;
    assert_done(w, &r);
    new = holder_of_result(w);
    assert_string_not_equal(old.secret, new.secret);
    later(w, DAY - 1);
    assert_int_equal(add(w, &old, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    assert_int_equal(add(w, &new, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    later(w, 1);
    assert_int_equal(add(w, &old, "one", challenge_of("a", 1).text), REFUSAL_UNAUTHENTICATED);
    assert_int_equal(add(w, &new, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    r.u.credential.overlap_s = 0; /* also drops what has ended */
    assert_done(w, &r);
    newest = holder_of_result(w);
    assert_int_equal(credential_n_secrets(state_credential(w->s, old.id)), 1);
    assert_int_equal(add(w, &new, "one", challenge_of("a", 1).text), REFUSAL_UNAUTHENTICATED);
    assert_int_equal(add(w, &newest, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    r.u.credential.overlap_s = -1;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.credential.overlap_s = INT64_MAX / 2;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    world_free(w);
}

static void rotation_never_makes_an_old_secret_live_longer(void **state)
{
    struct world *w = world_with_names();
    struct holder old = make_holder(w, "one", "web1");
    struct request r = about(w, REQUEST_CREDENTIAL_ROTATE, &old);

    (void)state;
    r.u.credential.overlap_s = HOUR;
    assert_done(w, &r);
    r.u.credential.overlap_s = DAY;
    assert_done(w, &r);
    later(w, HOUR);
    assert_int_equal(add(w, &old, "one", challenge_of("a", 1).text), REFUSAL_UNAUTHENTICATED);
    world_free(w);
}

static void secrets_are_bounded(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1");
    struct request r = about(w, REQUEST_CREDENTIAL_ROTATE, &h);

    (void)state;
    r.u.credential.overlap_s = DAY;
    for (int i = 0; i < 7; i++)
        assert_done(w, &r);
    assert_refused(w, &r, REFUSAL_QUOTA);
    r.u.credential.overlap_s = 0;
    assert_done(w, &r);
    assert_int_equal(credential_n_secrets(state_credential(w->s, h.id)), 1);
    world_free(w);
}

static void a_holder_rotates_itself_and_nobody_else(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1"), other = make_holder(w, "one", "web2");
    struct request r = request_by(w, REQUEST_CREDENTIAL_ROTATE, &h);

    (void)state;
    r.u.credential.credential.text = other.uuid_text;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    r.u.credential.credential.text = "web1";
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    r.u.credential.credential.text = h.uuid_text;
    assert_done(w, &r);
    assert_int_equal(ask(w, &r), REFUSAL_UNAUTHENTICATED); /* its old secret is gone */
    world_free(w);
}

/* ---- revoking ---- */

static void a_revocation_stops_the_very_next_change_and_says_so(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1");
    struct request r = about(w, REQUEST_CREDENTIAL_REVOKE, &h);
    struct request other;

    (void)state;
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    assert_done(w, &r);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 2).text), REFUSAL_REVOKED);
    assert_true(w->res.authenticated);
    assert_true(is_served(w, h.name, challenge_of("a", 1).text));
    assert_done(w, &r); /* again is fine */
    assert_false(w->res.is_change);
    other = about(w, REQUEST_CREDENTIAL_SET, &h);
    assert_refused(w, &other, REFUSAL_REVOKED);
    other.kind = REQUEST_CREDENTIAL_ROTATE;
    assert_refused(w, &other, REFUSAL_REVOKED);
    (void)make_holder(w, "one", "web1"); /* the label is free again */
    world_free(w);
}

static void with_values_ends_its_claims_wherever_they_are(void **state)
{
    struct name_ref two = ref_of(NAME_REF_ANY, "two");
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "one", "web1"), other = make_holder(w, "one", "web2");
    struct request r = about(w, REQUEST_CREDENTIAL_SET, &h);

    (void)state;
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 2).text), REFUSAL_NONE);
    assert_int_equal(add(w, &other, "one", challenge_of("a", 2).text), REFUSAL_NONE);
    r.u.credential.has_names = true; /* one leaves its scope */
    r.u.credential.n_names = 1;
    r.u.credential.names = &two;
    assert_done(w, &r);
    r = about(w, REQUEST_CREDENTIAL_REVOKE, &h);
    r.u.credential.with_values = true;
    assert_done(w, &r);
    assert_int_equal(w->res.removed, 2);
    assert_false(is_served(w, h.name, challenge_of("a", 1).text));
    assert_true(is_served(w, h.name, challenge_of("a", 2).text)); /* web2 holds it too */
    world_free(w);
}

/* ---- memory ---- */

static void running_out_of_memory_at_any_step_is_an_error(void **state)
{
    struct name_ref one = ref_of(NAME_REF_ANY, "one");
    size_t max = 0;
    enum err e = ERR_MEMORY;

    (void)state;
    for (; e != ERR_OK && max < 100000; max += 16) {
        struct world *w = world_with_names();
        struct request r = credential_request(w, "web1", &one);
        entry_fini(&w->e);
        w->e.arena.max = max;
        w->d.seq = w->seq + 1;
        e = decide(&w->d, &r, &w->e, &w->res);
        assert_true(e == ERR_OK || e == ERR_MEMORY);
        entry_fini(&w->e);
        state_free(w->replica); /* it does not know of this */
        state_free(w->s);
        bucket_table_free(w->d.registrations);
        bucket_table_free(w->d.failures);
        free(w);
    }
    assert_int_equal(e, ERR_OK);
    assert_true(max > 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_for_names_of_one_account),
        cmocka_unit_test(labels_are_checked_and_one_of_a_kind_at_a_name),
        cmocka_unit_test(powers_are_checked_and_administer_is_given_locally_only),
        cmocka_unit_test(a_credential_is_found_by_id_or_by_label_at_a_name),
        cmocka_unit_test(what_is_not_mentioned_stays),
        cmocka_unit_test(rotation_with_overlap_lets_both_secrets_work_until_it_ends),
        cmocka_unit_test(rotation_never_makes_an_old_secret_live_longer),
        cmocka_unit_test(secrets_are_bounded),
        cmocka_unit_test(a_holder_rotates_itself_and_nobody_else),
        cmocka_unit_test(a_revocation_stops_the_very_next_change_and_says_so),
        cmocka_unit_test(with_values_ends_its_claims_wherever_they_are),
        cmocka_unit_test(running_out_of_memory_at_any_step_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
