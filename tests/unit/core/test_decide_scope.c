/* The scope of a credential as it is made and changed. */
#include "decide_fixture.h"

static void assert_scope(const struct world *w, const struct holder *h, const uint32_t *names, size_t n)
{
    const struct credential *cred = state_credential(w->s, h->id);

    assert_int_equal(credential_n_names(cred), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(credential_names(cred)[i], names[i]);
}

static struct request change_of(const struct world *w, const struct holder *h)
{
    struct request r = request_of(w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    r.u.credential.credential.text = h->uuid_text;
    return r;
}

static void names_come_into_a_scope_and_leave_it(void **state)
{
    struct world *w = world_new();
    uint32_t a, b, c;
    struct holder h;
    struct name_ref come[2] = {ref_of(NAME_REF_ANY, "b"), ref_of(NAME_REF_ANY, "c.auth.example.org")};
    struct name_ref go[1] = {ref_of(NAME_REF_ANY, "a")};
    struct request r;

    (void)state;
    (void)make_account(w, "team");
    a = make_name(w, "team", "a");
    b = make_name(w, "team", "b");
    c = make_name(w, "team", "c");
    h = make_holder(w, "a", "web");
    assert_scope(w, &h, (uint32_t[]){a}, 1);
    r = change_of(w, &h);
    r.u.credential.n_names = 2;
    r.u.credential.names = come;
    assert_done(w, &r);
    assert_scope(w, &h, (uint32_t[]){a, b, c}, 3);
    assert_done(w, &r); /* again: nothing to change */
    assert_false(w->res.is_change);
    r = change_of(w, &h);
    r.u.credential.n_names_remove = 1;
    r.u.credential.names_remove = go;
    assert_done(w, &r);
    assert_scope(w, &h, (uint32_t[]){b, c}, 2);
    assert_done(w, &r); /* it is not in it any more */
    assert_false(w->res.is_change);
    world_free(w);
}

static void a_change_of_scope_can_be_refused(void **state)
{
    struct world *w = world_new();
    struct name_ref mine = ref_of(NAME_REF_ANY, "mine"), foreign = ref_of(NAME_REF_ANY, "foreign"),
                    none = ref_of(NAME_REF_ANY, "none");
    struct holder h;
    struct request r;

    (void)state;
    (void)make_account(w, "team");
    (void)make_account(w, "others");
    (void)make_name(w, "team", "mine");
    (void)make_name(w, "others", "foreign");
    h = make_holder(w, "mine", "web");
    r = change_of(w, &h);
    r.u.credential.n_names_remove = 1;
    r.u.credential.names_remove = &mine;
    assert_refused(w, &r, REFUSAL_MALFORMED); /* nothing would be left */
    r = change_of(w, &h);
    r.u.credential.n_names = 1;
    r.u.credential.names = &foreign;
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r.u.credential.names = &none;
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    assert_int_equal(credential_n_names(state_credential(w->s, h.id)), 1);
    world_free(w);
}

static void a_retired_name_leaves_a_scope_by_its_whole_name(void **state)
{
    struct world *w = world_new();
    struct name_ref old = ref_of(NAME_REF_ANY, "old.auth.example.org"), kept = ref_of(NAME_REF_ANY, "kept");
    uint32_t id;
    struct holder h;
    struct request r;

    (void)state;
    (void)make_account(w, "team");
    (void)make_name(w, "team", "old");
    id = make_name(w, "team", "kept");
    h = make_holder(w, "old", "web");
    r = change_of(w, &h);
    r.u.credential.n_names = 1;
    r.u.credential.names = &kept;
    assert_done(w, &r);
    r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);
    r.u.name.name = old;
    assert_done(w, &r);
    r = change_of(w, &h);
    r.u.credential.n_names_remove = 1;
    r.u.credential.names_remove = &old;
    assert_done(w, &r);
    assert_scope(w, &h, (uint32_t[]){id}, 1);
    world_free(w);
}

static void a_new_credential_can_say_whose_it_is(void **state)
{
    struct world *w = world_new();
    struct name_ref mine = ref_of(NAME_REF_ANY, "mine");
    struct request r = credential_request(w, "web", &mine);

    (void)state;
    (void)make_account(w, "team");
    (void)make_account(w, "others");
    (void)make_name(w, "team", "mine");
    r.u.credential.account = "others";
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r.u.credential.account = "nobody";
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.credential.account = "team";
    assert_done(w, &r);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_into_a_scope_and_leave_it),
        cmocka_unit_test(a_change_of_scope_can_be_refused),
        cmocka_unit_test(a_retired_name_leaves_a_scope_by_its_whole_name),
        cmocka_unit_test(a_new_credential_can_say_whose_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
