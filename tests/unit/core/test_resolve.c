/* Finding, for those who only look, what people mean. */
#include "core/resolve.h"
#include "decide_fixture.h"

static const struct viewer everything = {.sees_all = true};

static struct world *world_with_names(void)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    static const char *const domains[] = {"shop.example.com"};

    (void)make_account(w, "team");
    (void)make_name(w, "team", "plain");
    r.u.name.account = "team";
    r.u.name.label = "shop";
    r.u.name.n_domains_add = 1;
    r.u.name.domains_add = domains;
    assert_done(w, &r);
    return w;
}

static const struct name_entry *find(const struct world *w, const char *text, struct result *why)
{
    struct name_ref ref = ref_of(NAME_REF_ANY, text);

    return state_resolve_name(w->s, &everything, &ref, why);
}

static void a_name_is_found_by_owner_label_or_domain(void **state)
{
    static const char *const texts[] = {
        "shop.auth.example.org", "SHOP.auth.example.org.", "shop",
        "shop.example.com",      "*.shop.example.com",     "_acme-challenge.shop.example.com"};
    struct world *w = world_with_names();
    struct result why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct name_entry *n = find(w, texts[i], &why);
        assert_non_null(n);
        assert_int_equal(name_id(n), 2);
    }
    world_free(w);
}

static void what_is_not_there_is_explained(void **state)
{
    static const char *const texts[] = {"", "nothing", "nothing.auth.example.org", "auth.example.org", "a b"};
    struct world *w = world_with_names();
    struct result why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_null(find(w, texts[i], &why));
        assert_int_equal(why.outcome, OUTCOME_REFUSED);
        assert_int_equal(why.refusal, REFUSAL_NOT_FOUND);
        assert_true(why.detail[0] != '\0');
    }
    world_free(w);
}

static void a_retired_name_is_found_by_its_whole_name_only(void **state)
{
    struct world *w = world_with_names();
    struct request r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);
    const struct name_entry *n;
    struct result why;

    (void)state;
    r.u.name.name = ref_of(NAME_REF_ANY, "shop");
    assert_done(w, &r);
    n = find(w, "Shop.auth.example.org", &why);
    assert_non_null(n);
    assert_int_not_equal(name_retired_s(n), 0);
    assert_null(find(w, "shop", &why));
    assert_null(find(w, "shop.example.com", &why));
    world_free(w);
}

static void a_credential_is_found_by_id_or_label_at_a_name(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "plain", "web1");
    struct credential_ref ref = {.text = h.uuid_text};
    struct result why;

    (void)state;
    assert_int_equal(state_resolve_credential(w->s, &everything, &ref, &why)->id, h.id);
    ref.text = "web1";
    assert_null(state_resolve_credential(w->s, &everything, &ref, &why));
    assert_int_equal(why.refusal, REFUSAL_NOT_FOUND);
    ref.name = ref_of(NAME_REF_ANY, "plain");
    assert_int_equal(state_resolve_credential(w->s, &everything, &ref, &why)->id, h.id);
    ref.name = ref_of(NAME_REF_ANY, "shop");
    assert_null(state_resolve_credential(w->s, &everything, &ref, &why));
    assert_int_equal(why.refusal, REFUSAL_NOT_FOUND);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_by_owner_label_or_domain),
        cmocka_unit_test(what_is_not_there_is_explained),
        cmocka_unit_test(a_retired_name_is_found_by_its_whole_name_only),
        cmocka_unit_test(a_credential_is_found_by_id_or_label_at_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
