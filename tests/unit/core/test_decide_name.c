#include "core/decide_fixture.h"

static struct request create(const struct world *w, const char *account, const char *label)
{
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);

    r.u.name.account = account;
    r.u.name.label = label;
    return r;
}

static struct request delete_request(const struct world *w, const char *name)
{
    struct request r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);

    r.u.name.name = ref_of(NAME_REF_ANY, name);
    return r;
}

static struct request set(const struct world *w, const char *name)
{
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);

    r.u.name.name = ref_of(NAME_REF_ANY, name);
    return r;
}

/* ---- making ---- */

static void labels_are_checked_and_lower_cased(void **state)
{
    static const char long_label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 64 */
    static const struct {
        const char *label;
        enum refusal refusal;
    } rows[] = {
        {"shop", REFUSAL_NONE},
        {"SHOP2", REFUSAL_NONE},
        {"_acme-challenge.shop3", REFUSAL_NONE},
        {"a.b.c.d", REFUSAL_NONE},
        {"1", REFUSAL_NONE},
        {long_label + 1, REFUSAL_NONE},
        {long_label, REFUSAL_BAD_LABEL},
        {"a.b.c.d.e", REFUSAL_BAD_LABEL},
        {"", REFUSAL_BAD_LABEL},
        {".", REFUSAL_BAD_LABEL},
        {"a..b", REFUSAL_BAD_LABEL},
        {"a.", REFUSAL_BAD_LABEL},
        {"a b", REFUSAL_BAD_LABEL},
        {"*", REFUSAL_BAD_LABEL},
        {"a\\b", REFUSAL_BAD_LABEL},
        {"b\xc3\xbc", REFUSAL_BAD_LABEL},
        {"@", REFUSAL_BAD_LABEL},
    };
    struct name owner = name_of("shop2.auth.example.org");
    struct world *w = world_new();

    (void)state;
    (void)make_account(w, "infra");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = create(w, "infra", rows[i].label);
        assert_refused(w, &r, rows[i].refusal);
    }
    name_owner(w->s, state_name_by_owner(w->s, &owner), &owner);
    assert_memory_equal(owner.b, "\5shop2\4auth", 11);
    world_free(w);
}

static void a_name_needs_account_zone_quota_and_space(void **state)
{
    struct world *w = world_new();
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    r = create(w, "nobody", "a");
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r = create(w, NULL, "a");
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r = create(w, "infra", "a");
    r.u.name.zone = "other.example.org";
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.name.zone = "Auth.Example.Org.";
    assert_done(w, &r);
    w->settings.limits.names = 1;
    r = create(w, "infra", "b");
    assert_refused(w, &r, REFUSAL_QUOTA);
    assert_string_equal(w->res.detail, "account infra has 1 name, and may have 1");
    r = request_of(w, REQUEST_ACCOUNT_SET, AUTH_LOCAL);
    r.u.account = (struct request_account){.name = "infra", .has_names_max = true, .names_max = 2};
    assert_done(w, &r);
    w->d.no_space = true;
    r = create(w, "infra", "b");
    assert_refused(w, &r, REFUSAL_FULL);
    w->d.no_space = false;
    assert_done(w, &r);
    world_free(w);
}

static void a_generated_label_has_six_clear_characters_and_is_free(void **state)
{
    struct world *w = world_new();
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    for (int i = 0; i < 50; i++) {
        struct name owner;
        r = create(w, "infra", NULL);
        assert_done(w, &r);
        name_owner(w->s, state_name(w->s, w->res.name), &owner);
        assert_int_equal(owner.b[0], 6);
        for (int k = 1; k <= 6; k++)
            assert_non_null(strchr("abcdefghjkmnpqrstuvwxyz23456789", owner.b[k]));
    }
    world_free(w);
}

static enum err same_random(void *out, size_t len)
{
    memset(out, 0, len);
    return ERR_OK;
}

static void a_generated_label_is_never_a_tombstone(void **state)
{
    struct world *w = world_new();
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "aaaaaa");
    r = delete_request(w, "aaaaaa");
    assert_done(w, &r);
    w->d.random = same_random; /* always aaaaaa */
    r = create(w, "infra", NULL);
    assert_refused(w, &r, REFUSAL_FULL);
    world_free(w);
}

static void a_name_belongs_to_one_account_with_everything_below_it(void **state)
{
    static const struct {
        const char *account, *label;
        enum refusal refusal;
    } rows[] = {
        {"infra", "shop", REFUSAL_NONE},
        {"other", "shop", REFUSAL_LABEL_TAKEN},
        {"infra", "Shop", REFUSAL_LABEL_TAKEN},
        {"other", "a.shop", REFUSAL_LABEL_TAKEN},
        {"other", "a.b.shop", REFUSAL_LABEL_TAKEN},
        {"infra", "a.b.shop", REFUSAL_NONE},
        {"other", "shop2", REFUSAL_NONE},
        {"other", "ashop", REFUSAL_NONE},
        {"infra", "x.y", REFUSAL_NONE},
        {"other", "y", REFUSAL_LABEL_TAKEN}, /* x.y is below it */
        {"infra", "y", REFUSAL_NONE},
        {"other", "www", REFUSAL_CONFLICT}, /* a static record */
        {"other", "a.www", REFUSAL_CONFLICT},
        {"other", "mail", REFUSAL_CONFLICT}, /* above one */
    };
    static const uint8_t address[4] = {192, 0, 2, 1};
    struct record records[] = {
        {.owner = name_of("www.auth.example.org"), .type = RR_A, .rdata = {address, 4}},
        {.owner = name_of("a.mail.auth.example.org"), .type = RR_A, .rdata = {address, 4}},
    };
    struct world *w = world_new();

    (void)state;
    w->zones[0].records = records;
    w->zones[0].n_records = 2;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    (void)make_account(w, "infra");
    (void)make_account(w, "other");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = create(w, rows[i].account, rows[i].label);
        assert_refused(w, &r, rows[i].refusal);
    }
    world_free(w);
}

/* ---- tombstones ---- */

static void a_removed_name_is_given_again_only_knowingly(void **state)
{
    static const char *const others[] = {"shop", "a.shop"};
    struct world *w = world_new();
    struct holder h;
    struct request r;
    uint32_t name;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "other");
    name = make_name(w, "infra", "shop");
    h = make_holder(w, "shop", "web1");
    r = delete_request(w, "shop");
    assert_done(w, &r);
    assert_int_equal(state_counts(w->s).tombstones, 1);
    assert_int_equal(add(w, &h, "shop", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_refused(w, &r, REFUSAL_NOT_FOUND); /* it is no name any more */
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        r = create(w, "other", others[i]);
        assert_refused(w, &r, REFUSAL_LABEL_RETIRED);
    }
    r = create(w, "infra", "shop");
    assert_refused(w, &r, REFUSAL_LABEL_RETIRED);
    later(w, DAY);
    r = create(w, "other", "shop");
    r.u.name.revive = true;
    assert_done(w, &r);
    assert_int_equal(w->res.name, name);
    assert_int_equal(effects_of(w, EFFECT_NAME_REVIVED), 1);
    assert_int_equal(name_account(state_name(w->s, name)), account_of_name(w, "other"));
    assert_int_equal(name_created_s(state_name(w->s, name)), NOW);
    assert_int_equal(state_counts(w->s).tombstones, 0);
    /* the former owner's credential does not come back with it */
    assert_int_equal(credential_n_names(state_credential(w->s, h.id)), 0);
    assert_int_equal(add(w, &h, "shop", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    world_free(w);
}

static void only_the_admin_socket_revives(void **state)
{
    struct world *w = world_new();
    struct holder h;
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "infra", "shop");
    h = make_holder(w, "one", "root");
    empower(w, &h, ACTION_ADMINISTER, VALUE_KIND_CHALLENGE);
    r = delete_request(w, "shop");
    assert_done(w, &r);
    r = request_by(w, REQUEST_NAME_CREATE, &h);
    r.u.name = (struct request_name){.account = "infra", .label = "shop", .revive = true};
    assert_refused(w, &r, REFUSAL_LABEL_RETIRED);
    world_free(w);
}

static void a_name_with_live_values_is_removed_only_by_force(void **state)
{
    struct world *w = world_new();
    struct holder h;
    struct request r;
    uint32_t name;

    (void)state;
    (void)make_account(w, "infra");
    name = make_name(w, "infra", "shop");
    h = make_holder(w, "shop", "web1");
    assert_int_equal(add(w, &h, "shop", challenge_of("a", 1).text), REFUSAL_NONE);
    r = delete_request(w, "shop");
    assert_refused(w, &r, REFUSAL_NAME_IN_USE);
    r.u.name.force = true;
    assert_done(w, &r);
    assert_int_equal(w->res.removed, 1);
    assert_int_equal(values_at(w, name), 0);
    assert_int_equal(name_retired_s(state_name(w->s, name)), NOW);
    world_free(w);
}

/* ---- setting ---- */

static void domains_are_normalised_added_and_removed(void **state)
{
    static const char *const some[] = {"*.Shop.example.com.", "shop.example.com", "www.example.com"};
    static const char *const bad[] = {"fine.example.com", "not a domain"};
    struct world *w = world_new();
    struct request r;
    uint32_t name;

    (void)state;
    (void)make_account(w, "infra");
    name = make_name(w, "infra", "shop");
    r = set(w, "shop");
    r.u.name.n_domains_add = 3;
    r.u.name.domains_add = some;
    assert_done(w, &r);
    assert_int_equal(name_n_domains(state_name(w->s, name)), 2);
    assert_string_equal(name_domain(state_name(w->s, name), 0), "shop.example.com");
    assert_string_equal(name_domain(state_name(w->s, name), 1), "www.example.com");
    assert_done(w, &r);
    assert_false(w->res.is_change);
    r.u.name.domains_add = bad;
    r.u.name.n_domains_add = 2;
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r = set(w, "www.example.com");
    r.u.name.n_domains_remove = 1;
    r.u.name.domains_remove = some;
    assert_done(w, &r);
    assert_int_equal(name_n_domains(state_name(w->s, name)), 1);
    r = set(w, "shop.example.com");
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r = set(w, "shop");
    r.u.name.has_subtree = r.u.name.subtree = true;
    assert_done(w, &r);
    assert_true(name_has_subtree(state_name(w->s, name)));
    r.u.name.n_domains_add = 100000;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    world_free(w);
}

static void a_domain_at_two_names_names_neither(void **state)
{
    static const char *const domain[] = {"shop.example.com"};
    struct world *w = world_new();
    struct request r;

    (void)state;
    (void)make_account(w, "infra");
    for (int i = 0; i < 2; i++) {
        r = create(w, "infra", i == 0 ? "one" : "two");
        r.u.name.n_domains_add = 1;
        r.u.name.domains_add = domain;
        assert_done(w, &r);
    }
    r = delete_request(w, "shop.example.com");
    assert_refused(w, &r, REFUSAL_CONFLICT);
    assert_non_null(strstr(w->res.detail, "one.auth.example.org"));
    assert_non_null(strstr(w->res.detail, "two.auth.example.org"));
    world_free(w);
}

static void a_name_moves_with_everything_below_it(void **state)
{
    struct world *w = world_new();
    struct request r;
    uint32_t top, below, beside;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "other");
    top = make_name(w, "infra", "shop");
    below = make_name(w, "infra", "a.shop");
    beside = make_name(w, "infra", "shop2");
    r = set(w, "a.shop");
    r.u.name.account = "other";
    assert_refused(w, &r, REFUSAL_CONFLICT); /* shop, above it, would stay */
    r = set(w, "shop");
    r.u.name.account = "nobody";
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    r.u.name.account = "infra";
    assert_done(w, &r);
    assert_false(w->res.is_change);
    r.u.name.account = "other";
    assert_done(w, &r);
    assert_int_equal(name_account(state_name(w->s, top)), account_of_name(w, "other"));
    assert_int_equal(name_account(state_name(w->s, below)), account_of_name(w, "other"));
    assert_int_equal(name_account(state_name(w->s, beside)), account_of_name(w, "infra"));
    world_free(w);
}

/* ---- accounts ---- */

static void account_names_are_checked(void **state)
{
    static const struct {
        const char *name;
        enum refusal refusal;
    } rows[] = {
        {"infra", REFUSAL_NONE},
        {"infra", REFUSAL_CONFLICT},
        {"9-a_b.c", REFUSAL_NONE},
        {"", REFUSAL_MALFORMED},
        {NULL, REFUSAL_MALFORMED},
        {"Infra", REFUSAL_MALFORMED},
        {"-a", REFUSAL_MALFORMED},
        {"a b", REFUSAL_MALFORMED},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", REFUSAL_MALFORMED}, /* 64 */
    };
    struct world *w = world_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = request_of(w, REQUEST_ACCOUNT_CREATE, AUTH_LOCAL);
        r.u.account.name = rows[i].name;
        assert_refused(w, &r, rows[i].refusal);
    }
    world_free(w);
}

static void accounts_are_set_and_notes_are_plain_text(void **state)
{
    static char note[NOTE_MAX + 1];
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_ACCOUNT_SET, AUTH_LOCAL);
    uint32_t id = make_account(w, "infra");

    (void)state;
    r.u.account = (struct request_account){.name = "infra", .has_note = true, .note = "the team"};
    assert_done(w, &r);
    assert_string_equal(state_account(w->s, id)->note, "the team");
    assert_done(w, &r);
    assert_false(w->res.is_change);
    memset(note, 'n', NOTE_MAX);
    r.u.account.note = note;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    r.u.account.note = "\x1b[31m";
    assert_refused(w, &r, REFUSAL_MALFORMED);
    r.u.account.name = "nobody";
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    world_free(w);
}

static void an_account_is_deleted_when_it_has_no_names_and_takes_its_credentials_along(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_ACCOUNT_DELETE, AUTH_LOCAL);
    struct holder h;
    uint32_t id = make_account(w, "infra");

    (void)state;
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web1");
    r.u.account.name = "infra";
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r = delete_request(w, "one");
    assert_done(w, &r);
    r = request_of(w, REQUEST_ACCOUNT_DELETE, AUTH_LOCAL);
    r.u.account.name = "infra";
    assert_done(w, &r);
    assert_int_equal(state_account(w->s, id)->deleted_s, NOW);
    assert_int_equal(credential_revoked_s(state_credential(w->s, h.id)), NOW);
    assert_int_equal(add(w, &h, "one", "x"), REFUSAL_REVOKED);
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    assert_int_not_equal(make_account(w, "infra"), id); /* the name is free, for another account */
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_checked_and_lower_cased),
        cmocka_unit_test(a_name_needs_account_zone_quota_and_space),
        cmocka_unit_test(a_generated_label_has_six_clear_characters_and_is_free),
        cmocka_unit_test(a_generated_label_is_never_a_tombstone),
        cmocka_unit_test(a_name_belongs_to_one_account_with_everything_below_it),
        cmocka_unit_test(a_removed_name_is_given_again_only_knowingly),
        cmocka_unit_test(only_the_admin_socket_revives),
        cmocka_unit_test(a_name_with_live_values_is_removed_only_by_force),
        cmocka_unit_test(domains_are_normalised_added_and_removed),
        cmocka_unit_test(a_domain_at_two_names_names_neither),
        cmocka_unit_test(a_name_moves_with_everything_below_it),
        cmocka_unit_test(account_names_are_checked),
        cmocka_unit_test(accounts_are_set_and_notes_are_plain_text),
        cmocka_unit_test(an_account_is_deleted_when_it_has_no_names_and_takes_its_credentials_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
