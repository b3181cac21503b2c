#include "core/decide_fixture.h"

static enum refusal register_as(struct world *w, enum auth_kind auth, const char *token)
{
    struct request r = request_of(w, REQUEST_REGISTER, auth);

    if (token != NULL)
        memcpy(r.caller.secret, token, strlen(token) + 1);
    return ask(w, &r);
}

static void make_token(struct world *w, struct request_token token, char text[TOKEN_TEXT_LEN + 1])
{
    struct request r = request_of(w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);

    r.u.token = token;
    assert_done(w, &r);
    assert_int_equal(strlen(w->res.secret), TOKEN_TEXT_LEN);
    assert_memory_equal(w->res.secret, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
    memcpy(text, w->res.secret, TOKEN_TEXT_LEN + 1);
}

static void registration_makes_account_name_credential_and_secret(void **state)
{
    struct net nets[] = {net_of("192.0.2.0/24")};
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);
    const struct credential *cred;
    const struct name_entry *n;
    const struct account *a;
    struct holder h;
    struct name owner;
    char text[NAME_TEXT_MAX];
    struct uuid uuid;

    (void)state;
    r.u.registration =
        (struct request_register){.n_networks = 1, .networks = nets, .allowfrom = "[\"192.0.2.0/24\"]"};
    assert_done(w, &r);
    h = holder_of_result(w);
    a = state_account(w->s, w->res.account);
    assert_memory_equal(a->name, "acct-", 5);
    assert_int_equal(strlen(a->name), 13);
    assert_true(a->unclaimed);
    assert_int_equal(state_counts(w->s).names_unclaimed, 1);
    n = state_name(w->s, w->res.name);
    assert_int_equal(name_account(n), a->id);
    name_owner(w->s, n, &owner);
    (void)name_format(&owner, text);
    assert_int_equal(uuid_parse(&uuid, text, UUID_TEXT_LEN), ERR_OK);
    assert_string_equal(text + UUID_TEXT_LEN, ".auth.example.org");
    assert_false(uuid_equal(&uuid, &h.uuid)); /* a second, independent one */
    cred = state_credential(w->s, h.id);
    assert_int_equal(credential_actions(cred), ACTION_ADD | ACTION_REMOVE | ACTION_READ);
    assert_int_equal(credential_kinds(cred), VALUE_KIND_CHALLENGE);
    assert_int_equal(credential_n_networks(cred), 1);
    assert_string_equal(credential_allowfrom(cred), "[\"192.0.2.0/24\"]");
    assert_int_equal(credential_n_names(cred), 1);
    assert_int_equal(w->e.account, a->id);
    text[UUID_TEXT_LEN] = '\0';
    assert_int_equal(add(w, &h, text, challenge_of("a", 1).text), REFUSAL_NONE);
    world_free(w);
}

static void who_may_register_is_as_configured(void **state)
{
    static const struct {
        enum registration_allow allow;
        const char *client;
        bool unknown;
        enum auth_kind auth;
        bool token;
        enum refusal refusal;
    } rows[] = {
        {REGISTRATION_NONE, "192.0.2.77", false, AUTH_NONE, false, REFUSAL_REGISTRATION_CLOSED},
        {REGISTRATION_NONE, "192.0.2.77", false, AUTH_TOKEN, true, REFUSAL_REGISTRATION_CLOSED},
        {REGISTRATION_NONE, "192.0.2.77", false, AUTH_LOCAL, false, REFUSAL_NONE},
        {REGISTRATION_TOKEN, "192.0.2.77", false, AUTH_NONE, false, REFUSAL_REGISTRATION_CLOSED},
        {REGISTRATION_TOKEN, "192.0.2.77", false, AUTH_TOKEN, true, REFUSAL_NONE},
        {REGISTRATION_TOKEN, "192.0.2.77", false, AUTH_TOKEN, false, REFUSAL_UNAUTHENTICATED},
        {REGISTRATION_NETWORKS, "198.51.100.7", false, AUTH_NONE, false, REFUSAL_NONE},
        {REGISTRATION_NETWORKS, "192.0.2.77", false, AUTH_NONE, false, REFUSAL_NETWORK},
        {REGISTRATION_NETWORKS, "198.51.100.7", true, AUTH_NONE, false, REFUSAL_NETWORK},
        {REGISTRATION_NETWORKS, "192.0.2.77", false, AUTH_TOKEN, true, REFUSAL_NONE},
        {REGISTRATION_ANYONE, "192.0.2.77", false, AUTH_NONE, false, REFUSAL_NONE},
        {REGISTRATION_ANYONE, "192.0.2.77", true, AUTH_NONE, false, REFUSAL_NONE},
        {REGISTRATION_ANYONE, "192.0.2.77", false, AUTH_TOKEN, true, REFUSAL_NONE},
        {REGISTRATION_ANYONE, "192.0.2.77", false, AUTH_TOKEN, false, REFUSAL_UNAUTHENTICATED},
    };
    struct net net = net_of("198.51.100.0/24");
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra"}, token);
    w->settings.registration.networks = &net;
    w->settings.registration.n_networks = 1;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->settings.registration.allow = rows[i].allow;
        w->client = addr_of(rows[i].client);
        w->client_unknown = rows[i].unknown;
        assert_int_equal(register_as(w, rows[i].auth, rows[i].token ? token : "rpt_nobody"), rows[i].refusal);
        if (rows[i].refusal == REFUSAL_NONE && rows[i].token)
            assert_int_equal(w->res.account, account_of_name(w, "infra"));
    }
    world_free(w);
}

static void a_token_adds_to_its_account_and_is_counted(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    uint32_t id;

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra", .count = 2}, token);
    id = w->res.token;
    w->settings.registration.rate.amount = 1;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
        assert_int_equal(effects_of(w, EFFECT_TOKEN_USED), 1);
        assert_int_equal(effects_of(w, EFFECT_ACCOUNT_MADE), 0);
        assert_int_equal(w->res.token, id);
        assert_int_equal(state_token(w->s, id)->used, i + 1);
    }
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_QUOTA);
    assert_true(w->res.authenticated);
    assert_int_equal(state_account(w->s, w->res.account)->names, 2);
    assert_int_equal(state_counts(w->s).names_unclaimed, 0);
    world_free(w);
}

static void a_token_that_cannot_be_used_says_why(void **state)
{
    struct net net = net_of("198.51.100.0/24");
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    struct request r = request_of(w, REQUEST_TOKEN_REVOKE, AUTH_LOCAL);

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra", .expires_s = NOW + 60}, token);
    later(w, 60);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_EXPIRED);
    make_token(w, (struct request_token){.account = "infra", .n_networks = 1, .networks = &net}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NETWORK);
    assert_true(w->res.authenticated);
    w->client = addr_of("198.51.100.3");
    w->client_unknown = true;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NETWORK);
    w->client_unknown = false;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    r.u.token.id = w->res.token;
    assert_done(w, &r);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_REVOKED);
    assert_done(w, &r); /* again is fine */
    assert_false(w->res.is_change);
    r.u.token.id = 77;
    assert_refused(w, &r, REFUSAL_NOT_FOUND);
    make_token(w, (struct request_token){.account = "infra"}, token);
    r = request_of(w, REQUEST_ACCOUNT_SET, AUTH_LOCAL);
    r.u.account = (struct request_account){.name = "infra", .has_disabled = true, .disabled = true};
    assert_done(w, &r);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_DISABLED);
    world_free(w);
}

static void tokens_are_made_for_accounts_that_are_there(void **state)
{
    static const struct {
        const char *account, *labels;
        int64_t expires_s;
        size_t n_networks;
        enum refusal refusal;
    } rows[] = {
        {"infra", NULL, 0, 0, REFUSAL_NONE},          {"infra", "shop-*", NOW + 1, 0, REFUSAL_NONE},
        {"nobody", NULL, 0, 0, REFUSAL_NOT_FOUND},    {NULL, NULL, 0, 0, REFUSAL_MALFORMED},
        {"infra", "shop %", 0, 0, REFUSAL_BAD_LABEL}, {"infra", NULL, NOW, 0, REFUSAL_MALFORMED},
        {"infra", NULL, 0, 1000, REFUSAL_TOO_LARGE},
    };
    struct world *w = world_new();

    (void)state;
    (void)make_account(w, "infra");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = request_of(w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);
        r.u.token = (struct request_token){.account = rows[i].account,
                                           .labels = rows[i].labels,
                                           .expires_s = rows[i].expires_s,
                                           .n_networks = rows[i].n_networks};
        assert_refused(w, &r, rows[i].refusal);
    }
    world_free(w);
}

static void registrations_have_a_rate_by_prefix(void **state)
{
    struct world *w = world_new();
    unsigned done = 0;

    (void)state;
    while (done < 1000 && register_as(w, AUTH_NONE, NULL) == REFUSAL_NONE)
        done++;
    assert_int_equal(done, REGISTRATION_BURST);
    assert_int_equal(w->res.refusal, REFUSAL_RATE);
    assert_int_equal(w->res.retry_s, 6);
    w->client = addr_of("192.0.2.78");
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_NONE);
    w->client = addr_of("192.0.2.77");
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_RATE);
    assert_int_equal(register_as(w, AUTH_LOCAL, NULL), REFUSAL_NONE);
    later(w, 6);
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_NONE);
    world_free(w);
}

static void limits_and_a_full_disk_stop_registration(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra"}, token);
    w->settings.limits.names_unclaimed = 1;
    w->settings.limits.names = 1;
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_NONE);
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_QUOTA);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_QUOTA);
    w->settings.limits.names_unclaimed = 10;
    w->settings.limits.names = 10;
    w->d.no_space = true;
    assert_int_equal(register_as(w, AUTH_NONE, NULL), REFUSAL_FULL);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_FULL);
    w->d.no_space = false;
    r.u.registration.n_networks = 1000;
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    world_free(w);
}

/* ---- when randomness fails ---- */

static enum err no_random(void *out, size_t len)
{
    memset(out, 0, len);
    return ERR_CRYPTO;
}

static enum err same_random(void *out, size_t len)
{
    memset(out, 7, len);
    return ERR_OK;
}

static void without_randomness_there_is_an_error_and_no_secret(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);

    (void)state;
    w->d.random = no_random;
    assert_int_equal(try_decide(w, &r), ERR_CRYPTO);
    assert_string_equal(w->res.secret, "");
    world_free(w);
}

static void a_generator_that_repeats_itself_is_an_error(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);

    (void)state;
    w->d.random = same_random;
    assert_done(w, &r);
    assert_int_equal(try_decide(w, &r), ERR_CRYPTO);
    world_free(w);
}

static const struct name_entry *name_at(const struct world *w, const char *owner)
{
    struct name n;

    assert_int_equal(name_parse(&n, owner, strlen(owner)), ERR_OK);
    return state_name_by_owner(w->s, &n);
}

static void assert_owner_begins(const struct world *w, const char *begin)
{
    const struct name_entry *n = state_name(w->s, w->res.name);
    char text[NAME_TEXT_MAX];
    struct name owner;

    name_owner(w->s, n, &owner);
    (void)name_format(&owner, text);
    assert_memory_equal(text, begin, strlen(begin));
    assert_string_equal(text + strlen(text) - strlen(".auth.example.org"), ".auth.example.org");
}

static unsigned label_count(const struct world *w, uint32_t name)
{
    const struct name_entry *n = state_name(w->s, name);
    struct name owner;

    name_owner(w->s, n, &owner);
    return name_labels(&owner);
}

static void a_tokens_pattern_decides_about_labels(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    uint32_t first;

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra", .labels = "web-*"}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_owner_begins(w, "web-");
    first = w->res.name;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_int_not_equal(w->res.name, first);
    make_token(w, (struct request_token){.account = "infra", .labels = "?.Team1"}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_int_equal(label_count(w, w->res.name), name_labels(&w->zones[0].apex) + 2);
    world_free(w);
}

static void a_pattern_without_free_labels_refuses_and_counts_nothing(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    uint32_t id;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "others");
    make_token(w, (struct request_token){.account = "infra", .labels = "only"}, token);
    id = w->res.token;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_owner_begins(w, "only.");
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_LABEL_TAKEN);
    assert_int_equal(state_token(w->s, id)->used, 1);
    (void)make_name(w, "others", "deep.below");
    make_token(w, (struct request_token){.account = "infra", .labels = "below"}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_LABEL_TAKEN); /* above a name of others */
    world_free(w);
}

static void a_pattern_does_not_bring_back_a_retired_name(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];
    struct request r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra", .labels = "only"}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    r.u.name.name = ref_of(NAME_REF_ANY, "only");
    assert_done(w, &r);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_LABEL_TAKEN);
    world_free(w);
}

static unsigned questions; /* to the generator */

static enum err counting_random(void *out, size_t len)
{
    questions++;
    return crypto_random(out, len);
}

/* A look at all names takes long, and nobody else's change goes on meanwhile. */
static void a_pattern_whose_labels_are_above_those_of_others_is_given_up_soon(void **state)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "others");
    for (size_t i = 0; i + 1 < sizeof letters; i++) {
        char label[] = "deep.host?";
        label[9] = letters[i];
        (void)make_name(w, "others", label);
    }
    make_token(w, (struct request_token){.account = "infra", .labels = "host?"}, token);
    questions = 0;
    w->d.random = counting_random;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_LABEL_TAKEN);
    assert_in_range(questions, 1, 8);
    world_free(w);
}

/* At first what makes an "e". */
static enum err e_then_random(void *out, size_t len)
{
    if (questions++ > 0)
        return crypto_random(out, len);
    memset(out, 4, len);
    return ERR_OK;
}

static void only_an_administrator_chooses_a_label_that_authorities_ask_for(void **state)
{
    struct world *w = world_new();
    char token[TOKEN_TEXT_LEN + 1];

    (void)state;
    (void)make_account(w, "infra");
    make_token(w, (struct request_token){.account = "infra", .labels = "_acme-challeng?"}, token);
    questions = 0;
    w->d.random = e_then_random;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_owner_begins(w, "_acme-challeng");
    assert_null(name_at(w, "_acme-challenge.auth.example.org"));
    make_token(w, (struct request_token){.account = "infra", .labels = "?._validation-p?rsist"}, token);
    questions = 0;
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_null(name_at(w, "e._validation-persist.auth.example.org"));
    make_token(w, (struct request_token){.account = "infra", .labels = "_ACME-challenge.h?"}, token);
    assert_int_equal(register_as(w, AUTH_TOKEN, token), REFUSAL_NONE);
    assert_owner_begins(w, "_acme-challenge.h");
    world_free(w);
}

static void what_is_no_pattern_is_refused_when_the_token_is_made(void **state)
{
    static const char *const bad[] = {"a b", "********", "*.*.*.*.*", "a..b"};
    struct world *w = world_new();

    (void)state;
    (void)make_account(w, "infra");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct request r = request_of(w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);
        r.u.token = (struct request_token){.account = "infra", .labels = bad[i]};
        assert_refused(w, &r, REFUSAL_BAD_LABEL);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tokens_pattern_decides_about_labels),
        cmocka_unit_test(a_pattern_without_free_labels_refuses_and_counts_nothing),
        cmocka_unit_test(a_pattern_does_not_bring_back_a_retired_name),
        cmocka_unit_test(a_pattern_whose_labels_are_above_those_of_others_is_given_up_soon),
        cmocka_unit_test(only_an_administrator_chooses_a_label_that_authorities_ask_for),
        cmocka_unit_test(what_is_no_pattern_is_refused_when_the_token_is_made),
        cmocka_unit_test(registration_makes_account_name_credential_and_secret),
        cmocka_unit_test(who_may_register_is_as_configured),
        cmocka_unit_test(a_token_adds_to_its_account_and_is_counted),
        cmocka_unit_test(a_token_that_cannot_be_used_says_why),
        cmocka_unit_test(tokens_are_made_for_accounts_that_are_there),
        cmocka_unit_test(registrations_have_a_rate_by_prefix),
        cmocka_unit_test(limits_and_a_full_disk_stop_registration),
        cmocka_unit_test(without_randomness_there_is_an_error_and_no_secret),
        cmocka_unit_test(a_generator_that_repeats_itself_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
