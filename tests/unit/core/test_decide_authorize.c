#include "core/decide_fixture.h"

/* What is wrong in each row of the table below; the first that is wrong, in the order of the enum, is the reason.
 */
enum wrong {
    NOTHING = 0,
    SECRET = 1,
    REVOKED = 2,
    DISABLED = 4,
    EXPIRED = 8,
    NETWORK = 16,
    NAME = 32,
    ACTION = 64,
    KIND = 128,
    SYNTAX = 256,
};

static void set_credential(struct world *w, const struct holder *h, struct request_credential set)
{
    struct request r = request_of(w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    r.u.credential = set;
    r.u.credential.credential.text = h->uuid_text;
    assert_done(w, &r);
}

static void revoke(struct world *w, const struct holder *h)
{
    struct request r = request_of(w, REQUEST_CREDENTIAL_REVOKE, AUTH_LOCAL);

    r.u.credential.credential.text = h->uuid_text;
    assert_done(w, &r);
}

static void disable(struct world *w, const char *account)
{
    struct request r = request_of(w, REQUEST_ACCOUNT_SET, AUTH_LOCAL);

    r.u.account = (struct request_account){.name = account, .has_disabled = true, .disabled = true};
    assert_done(w, &r);
}

/* Make the world wrong and ask for an addition; returns the reason of the refusal. */
static enum refusal ask_with(unsigned wrong)
{
    static const char pinned_text[] = "pinned";
    struct world *w = world_new();
    struct net net = net_of("198.51.100.0/24");
    struct value_text v = text_of("9dUeLq0xKQwztdi5R1EbC7Zx1oaa2M9dUeLq0xKQwzt");
    struct holder h;
    struct request r;
    enum refusal refusal;
    bool authenticated = (wrong & SECRET) == 0;

    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "infra", "two");
    h = make_holder(w, "one", "web2");
    if (wrong & EXPIRED)
        set_credential(w, &h, (struct request_credential){.has_expires = true, .expires_s = NOW + 5});
    if (wrong & NETWORK)
        set_credential(w, &h, (struct request_credential){.has_networks = true, .n_networks = 1, .networks = &net});
    if (wrong & ACTION)
        set_credential(w, &h,
                       (struct request_credential){.has_actions = true, .actions = ACTION_REMOVE | ACTION_READ});
    if (wrong & REVOKED)
        revoke(w, &h);
    if (wrong & DISABLED)
        disable(w, "infra");
    later(w, 5);
    if (wrong & SECRET)
        h.secret[0] = h.secret[0] == 'a' ? 'b' : 'a';
    if (wrong & SYNTAX)
        v.len--;
    if (wrong & KIND)
        v = (struct value_text){
            .text = pinned_text, .len = wrong & SYNTAX ? 0 : 6, .lifetime_s = -1, .pinned = true};
    r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), wrong & NAME ? "two" : "one", &v, 1);
    refusal = ask(w, &r);
    assert_int_equal(w->res.authenticated, authenticated);
    assert_int_equal(w->res.credential, h.id);
    world_free(w);
    return refusal;
}

static void the_first_thing_that_is_wrong_is_the_reason(void **state)
{
    static const struct {
        enum wrong wrong;
        enum refusal refusal;
    } rows[] = {
        {SECRET, REFUSAL_UNAUTHENTICATED},
        {REVOKED, REFUSAL_REVOKED},
        {DISABLED, REFUSAL_DISABLED},
        {EXPIRED, REFUSAL_EXPIRED},
        {NETWORK, REFUSAL_NETWORK},
        {NAME, REFUSAL_NAME_NOT_IN_SCOPE},
        {ACTION, REFUSAL_ACTION_NOT_IN_SCOPE},
        {KIND, REFUSAL_KIND_NOT_IN_SCOPE},
        {SYNTAX, REFUSAL_NOT_A_CHALLENGE_VALUE},
    };
    unsigned also = 0;

    (void)state;
    assert_int_equal(ask_with(NOTHING), REFUSAL_NONE);
    for (size_t i = ARRAY_LEN(rows); i > 0; i--) {
        assert_int_equal(ask_with(rows[i - 1].wrong), rows[i - 1].refusal);
        also |= rows[i - 1].wrong; /* with everything that comes later in the order */
        assert_int_equal(ask_with(also), rows[i - 1].refusal);
    }
}

/* ---- secrets ---- */

static void an_unknown_credential_is_unauthenticated_and_named_for_the_operator(void **state)
{
    struct world *w = world_new();
    struct holder h = {.uuid_text = "1b9c0000-0000-4000-8000-000000000001", .secret = "x"};

    (void)state;
    assert_int_equal(uuid_parse(&h.uuid, h.uuid_text, UUID_TEXT_LEN), ERR_OK);
    assert_int_equal(add(w, &h, "one", "x"), REFUSAL_UNAUTHENTICATED);
    assert_false(w->res.authenticated);
    assert_string_equal(w->res.detail, "there is no credential 1b9c0000-0000-4000-8000-000000000001");
    assert_int_equal(w->res.credential, 0);
    memset(&h.uuid, 0, sizeof h.uuid); /* the nil UUID is nobody's, not the administrator's */
    assert_int_equal(add(w, &h, "one", "x"), REFUSAL_UNAUTHENTICATED);
    world_free(w);
}

static void a_stored_hash_offered_as_secret_is_recognized(void **state)
{
    struct world *w = world_new();
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web9");
    memcpy(h.secret, "$2a$10$abcdefghijklmnopqrstuvwxyz0123456", SECRET_TEXT_LEN + 1);
    assert_int_equal(add(w, &h, "one", "x"), REFUSAL_UNAUTHENTICATED);
    assert_non_null(strstr(w->res.detail, "stored hash"));
    assert_null(strstr(w->res.detail, "abcdef"));
    memcpy(h.secret, "short", sizeof "short");
    assert_int_equal(add(w, &h, "one", "x"), REFUSAL_UNAUTHENTICATED);
    assert_string_equal(w->res.detail, "wrong secret for web9: it has 5 characters, and should have 40");
    world_free(w);
}

/* Fold a secret of any kind, as an import would. */
static void give_secret(struct world *w, const struct holder *h, uint8_t kind, const void *data, uint16_t len,
                        int64_t starts_s, int64_t ends_s)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};

    f.u.secret = (struct effect_secret){.id = state_last_secret(w->s) + 1,
                                        .credential = h->id,
                                        .kind = kind,
                                        .len = len,
                                        .data = data,
                                        .starts_s = starts_s,
                                        .ends_s = ends_s};
    assert_int_equal(state_fold(w->s, w->seq, &f), ERR_OK);
    assert_int_equal(state_fold(w->replica, w->seq, &f), ERR_OK);
}

static void only_live_sha256_secrets_prove_a_credential(void **state)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn";
    uint8_t hash[SHA256_LEN];
    struct world *w = world_new();
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web9");
    assert_int_equal(crypto_sha256(hash, text, SECRET_TEXT_LEN), ERR_OK);
    memcpy(h.secret, text, sizeof text);
    give_secret(w, &h, SECRET_BCRYPT, text, SECRET_TEXT_LEN, 0, 0);
    give_secret(w, &h, SECRET_TSIG, hash, SHA256_LEN, 0, 0);
    give_secret(w, &h, SECRET_SHA256, hash, SHA256_LEN, NOW + 10, NOW + 20);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_UNAUTHENTICATED);
    later(w, 10);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    later(w, 10);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_UNAUTHENTICATED);
    world_free(w);
}

static void wrong_secrets_are_limited_and_right_ones_never_are(void **state)
{
    struct world *w = world_new();
    struct holder h, wrong;
    enum refusal refusal = REFUSAL_NONE;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web9");
    wrong = h;
    wrong.secret[5] = wrong.secret[5] == 'a' ? 'b' : 'a';
    for (unsigned i = 0; i < 2000 && refusal != REFUSAL_RATE; i++) {
        refusal = add(w, &wrong, "one", "x");
        assert_true(refusal == REFUSAL_UNAUTHENTICATED || refusal == REFUSAL_RATE);
    }
    assert_int_equal(refusal, REFUSAL_RATE);
    assert_int_equal(w->res.retry_s, 1);
    assert_false(w->res.authenticated);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    w->client = addr_of("192.0.2.78"); /* somebody else still gets the plain answer */
    assert_int_equal(add(w, &wrong, "one", "x"), REFUSAL_UNAUTHENTICATED);
    world_free(w);
}

/* ---- networks ---- */

static void networks_are_compared_and_explained(void **state)
{
    static const struct {
        const char *client; /* NULL: none */
        bool unknown;
        enum refusal refusal;
        const char *detail, *hint;
    } rows[] = {
        {"198.51.100.8", false, REFUSAL_NONE, "", ""},
        {"2001:db8::7", false, REFUSAL_NONE, "", ""},
        {"192.0.2.77", false, REFUSAL_NETWORK,
         "your address 192.0.2.77 is not in its networks 198.51.100.0/24,2001:db8::/32",
         " --networks 198.51.100.0/24,2001:db8::/32,192.0.2.77/32"},
        {"2001:db9::7", false, REFUSAL_NETWORK, "your address 2001:db9::7 is not in", "2001:db9::7/128"},
        {NULL, true, REFUSAL_NETWORK, "your address is not known: X-Forwarded-For does not tell it", ""},
        {"198.51.100.8", true, REFUSAL_NONE, "", ""}, /* the peer's own address counts */
        {"127.0.0.1", true, REFUSAL_NETWORK, "through 127.0.0.1, which is not in api.trusted-proxies",
         "trusted-proxies"},
    };
    struct net nets[] = {net_of("198.51.100.0/24"), net_of("2001:db8::/32")};
    struct world *w = world_new();
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web2");
    set_credential(w, &h, (struct request_credential){.has_networks = true, .n_networks = 2, .networks = nets});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->client = rows[i].client != NULL ? addr_of(rows[i].client) : (struct addr){0};
        w->client_unknown = rows[i].unknown;
        assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), rows[i].refusal);
        assert_non_null(strstr(w->res.detail, rows[i].detail));
        assert_non_null(strstr(w->res.hint, rows[i].hint));
    }
    world_free(w);
}

static void networks_that_cannot_be_read_deny_everywhere(void **state)
{
    struct world *w = world_new();
    struct effect_credential row = {.uuid = {{7}}, .label = "old", .actions = 7, .kinds = 1, .n_names = 1};
    struct effect f = {.kind = EFFECT_CREDENTIAL_MADE};
    struct holder h = {.id = 1};
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn";
    uint8_t hash[SHA256_LEN];
    uint32_t name;

    (void)state;
    row.account = make_account(w, "infra");
    name = make_name(w, "infra", "one");
    row.id = 1;
    row.names = &name;
    row.networks_invalid = true;
    f.u.credential = &row;
    assert_int_equal(state_fold(w->s, w->seq, &f), ERR_OK);
    assert_int_equal(state_fold(w->replica, w->seq, &f), ERR_OK);
    assert_int_equal(crypto_sha256(hash, text, SECRET_TEXT_LEN), ERR_OK);
    give_secret(w, &h, SECRET_SHA256, hash, SHA256_LEN, 0, 0);
    h.uuid = row.uuid;
    memcpy(h.secret, text, sizeof text);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NETWORK);
    assert_true(w->res.authenticated);
    world_free(w);
}

/* ---- scope ---- */

static void a_subdomain_is_compared_byte_for_byte(void **state)
{
    static const struct {
        const char *text;
        enum refusal refusal;
    } rows[] = {
        {"one", REFUSAL_NONE},
        {"ONE", REFUSAL_NAME_NOT_IN_SCOPE},
        {"one.auth.example.org", REFUSAL_NAME_NOT_IN_SCOPE},
        {"shop.example.com", REFUSAL_NAME_NOT_IN_SCOPE},
        {"on", REFUSAL_NAME_NOT_IN_SCOPE},
        {"", REFUSAL_NAME_NOT_IN_SCOPE},
        {"a.b", REFUSAL_NONE},
        {"b", REFUSAL_NAME_NOT_IN_SCOPE},
    };
    struct name_ref names[] = {ref_of(NAME_REF_ANY, "one"), ref_of(NAME_REF_ANY, "a.b")};
    struct challenge ch = challenge_of("a", 1);
    struct value_text v = text_of(ch.text);
    struct world *w = world_new();
    struct request r;
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "infra", "a.b");
    r = credential_request(w, "web", names);
    r.u.credential.n_names = 2;
    assert_done(w, &r);
    h = holder_of_result(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "", &v, 1);
        r.u.values.name = ref_of(NAME_REF_SUBDOMAIN, rows[i].text);
        assert_refused(w, &r, rows[i].refusal);
    }
    world_free(w);
}

static void a_name_is_found_by_owner_label_or_domain(void **state)
{
    static const struct {
        enum name_ref_kind kind;
        const char *text;
        bool found;
    } rows[] = {
        {NAME_REF_ANY, "one", true},
        {NAME_REF_ANY, "ONE", true},
        {NAME_REF_ANY, "one.auth.example.org", true},
        {NAME_REF_ANY, "One.Auth.Example.org.", true},
        {NAME_REF_ANY, "shop.example.com", true},
        {NAME_REF_ANY, "*.shop.example.com", true},
        {NAME_REF_ANY, "_acme-challenge.Shop.example.com.", true},
        {NAME_REF_ANY, "www.shop.example.com", false},
        {NAME_REF_ANY, "auth.example.org", false},
        {NAME_REF_ANY, "@", false},
        {NAME_REF_ANY, "", false},
        {NAME_REF_ANY, "..", false},
        {NAME_REF_OWNER, "one.auth.example.org", true},
        {NAME_REF_OWNER, "ONE.auth.example.org.", true},
        {NAME_REF_OWNER, "one", false},
        {NAME_REF_OWNER, "shop.example.com", false},
        {NAME_REF_FQDN, "one.auth.example.org", true},
        {NAME_REF_FQDN, "ONE.auth.example.org.", true},
        {NAME_REF_FQDN, "_acme-challenge.shop.example.com", true},
        {NAME_REF_FQDN, "_ACME-Challenge.Shop.example.com.", true},
        {NAME_REF_FQDN, "shop.example.com", false}, /* the record is not there */
        {NAME_REF_FQDN, "*.shop.example.com", false},
        {NAME_REF_FQDN, "_acme-challenge.*.shop.example.com", false},
        {NAME_REF_FQDN, "_acme-challenge._acme-challenge.shop.example.com", false},
        {NAME_REF_FQDN, "_acme-challenge.www.shop.example.com", false},
        {NAME_REF_FQDN, "_acme-challenge.", false},
        {NAME_REF_FQDN, "one", false},
        {NAME_REF_FQDN, "", false},
    };
    static const char *const domains[] = {"shop.example.com"};
    struct challenge ch = challenge_of("a", 1);
    struct value_text v = text_of(ch.text);
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    r.u.name =
        (struct request_name){.account = "infra", .label = "one", .n_domains_add = 1, .domains_add = domains};
    assert_done(w, &r);
    h = make_holder(w, "one", "web");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "", &v, 1);
        r.u.values.name = ref_of(rows[i].kind, rows[i].text);
        assert_refused(w, &r, rows[i].found ? REFUSAL_NONE : REFUSAL_NAME_NOT_IN_SCOPE);
        r = values_request(request_of(w, REQUEST_VALUE_ADD, AUTH_LOCAL), "", &v, 1);
        r.u.values.name = ref_of(rows[i].kind, rows[i].text);
        assert_refused(w, &r, rows[i].found ? REFUSAL_NONE : REFUSAL_NOT_FOUND);
    }
    world_free(w);
}

static void out_of_scope_says_what_is_in_scope_and_what_was_asked(void **state)
{
    struct world *w = world_new();
    struct holder h;
    char command[128];

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web2");
    assert_int_equal(add(w, &h, "two.auth.example.org", "x"), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_string_equal(w->res.detail,
                        "web2 may change one.auth.example.org; the request is for two.auth.example.org");
    (void)snprintf(command, sizeof command, "riposte credential set %s --names +two.auth.example.org", h.uuid_text);
    assert_string_equal(w->res.hint, command);
    assert_int_equal(add(w, &h, "\x1b[31m\xff", "x"),
                     REFUSAL_NAME_NOT_IN_SCOPE); /* nothing that a terminal obeys */
    assert_non_null(strstr(w->res.detail, "for ?[31m?"));
    world_free(w);
}

static void out_of_scope_of_a_domain_says_how_a_name_gets_it(void **state)
{
    static const char *const domains[] = {"there.example.com"};
    static const struct {
        const char *text, *hint; /* %s: the credential */
    } rows[] = {
        {"_acme-challenge.New.example.com.", "riposte name set one.auth.example.org --domain +new.example.com"},
        {"_acme-challenge.foreign.example.com", /* as if it were nobody's */
         "riposte name set one.auth.example.org --domain +foreign.example.com"},
        {"_acme-challenge.there.example.com",
         "riposte credential set %s --names +_acme-challenge.there.example.com"},
    };
    static const char *const foreign[] = {"foreign.example.com"};
    struct challenge ch = challenge_of("a", 1);
    struct value_text v = text_of(ch.text);
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "others");
    (void)make_name(w, "infra", "one");
    r.u.name =
        (struct request_name){.account = "infra", .label = "two", .n_domains_add = 1, .domains_add = domains};
    assert_done(w, &r);
    r.u.name =
        (struct request_name){.account = "others", .label = "three", .n_domains_add = 1, .domains_add = foreign};
    assert_done(w, &r);
    h = make_holder(w, "one", "web2");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *at = strstr(rows[i].hint, "%s");
        size_t before = at != NULL ? (size_t)(at - rows[i].hint) : strlen(rows[i].hint);
        char hint[256];
        (void)snprintf(hint, sizeof hint, "%.*s%s%s", (int)before, rows[i].hint, at != NULL ? h.uuid_text : "",
                       at != NULL ? at + 2 : "");
        r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), "", &v, 1);
        r.u.values.name = ref_of(NAME_REF_FQDN, rows[i].text);
        assert_refused(w, &r, REFUSAL_NAME_NOT_IN_SCOPE);
        assert_string_equal(w->res.hint, hint);
    }
    world_free(w);
}

static void a_name_that_moved_to_another_account_has_left_the_scope(void **state)
{
    struct world *w = world_new();
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "shop");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web2");
    r.u.name = (struct request_name){.name = ref_of(NAME_REF_ANY, "one"), .account = "shop"};
    assert_done(w, &r);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_string_equal(w->res.detail, "web2 may change no name any more; the request is for one");
    r.u.name.account = "infra";
    assert_done(w, &r);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    world_free(w);
}

static void a_grant_keeps_a_name_of_another_account_in_scope(void **state)
{
    struct world *w = world_new();
    struct effect f = {.kind = EFFECT_GRANT_MADE};
    struct effect moved = {.kind = EFFECT_NAME_SET};
    struct effect_name row = {.created_s = NOW};
    struct holder h;

    (void)state;
    f.u.grant.account = make_account(w, "infra");
    row.account = make_account(w, "shop");
    f.u.grant.name = row.id = make_name(w, "infra", "one");
    h = make_holder(w, "one", "web2");
    row.zone = name_zone(state_name(w->s, row.id));
    row.owner = name_of("one.auth.example.org");
    moved.u.name = &row;
    for (int i = 0; i < 2; i++) {
        struct state *s = i == 0 ? w->s : w->replica;
        assert_int_equal(state_fold(s, w->seq, &moved), ERR_OK);
    }
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(state_fold(i == 0 ? w->s : w->replica, w->seq, &f), ERR_OK);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    world_free(w);
}

/* ---- who may ask for what at all ---- */

static void kinds_of_requests_are_for_those_who_may(void **state)
{
    static const struct {
        enum auth_kind auth;
        enum request_kind from, to;
        enum refusal refusal;
    } rows[] = {
        {AUTH_NONE, REQUEST_VALUE_ADD, REQUEST_VALUE_REMOVE, REFUSAL_UNAUTHENTICATED},
        {AUTH_NONE, REQUEST_ACCOUNT_CREATE, REQUEST_EXPIRE, REFUSAL_UNAUTHENTICATED},
        {AUTH_TOKEN, REQUEST_VALUE_ADD, REQUEST_VALUE_REMOVE, REFUSAL_ACTION_NOT_IN_SCOPE},
        {AUTH_TOKEN, REQUEST_ACCOUNT_CREATE, REQUEST_EXPIRE, REFUSAL_ACTION_NOT_IN_SCOPE},
        {AUTH_SECRET, REQUEST_REGISTER, REQUEST_EXPIRE, REFUSAL_ACTION_NOT_IN_SCOPE},
    };
    struct world *w = world_new();
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    h = make_holder(w, "one", "web2");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (enum request_kind kind = rows[i].from; kind <= rows[i].to; kind++) {
            struct request r = request_of(w, kind, rows[i].auth);
            if (rows[i].auth == AUTH_SECRET)
                r = request_by(w, kind, &h);
            assert_refused(w, &r, rows[i].refusal);
        }
    }
    world_free(w);
}

static void administer_does_what_an_administrator_does_but_for_the_servers_own(void **state)
{
    struct world *w = world_new();
    struct request r;
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "shop");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "shop", "two");
    h = make_holder(w, "one", "root");
    empower(w, &h, ACTION_ADMINISTER, VALUE_KIND_CHALLENGE);
    assert_int_equal(add(w, &h, "two", challenge_of("a", 1).text), REFUSAL_NONE);
    r = request_by(w, REQUEST_ACCOUNT_CREATE, &h);
    r.u.account.name = "third";
    assert_done(w, &r);
    assert_int_equal(w->e.credential, h.id);
    assert_int_equal(w->e.account, account_of_name(w, "infra"));
    r = request_by(w, REQUEST_EXPIRE, &h);
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    world_free(w);
}

static void the_entry_names_who_did_it(void **state)
{
    struct world *w = world_new();
    const struct credential *cred;
    struct holder h;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "one");
    assert_int_equal(w->e.account, ACCOUNT_ADMIN);
    assert_int_equal(w->e.door, DOOR_ADMIN);
    h = make_holder(w, "one", "web2");
    cred = state_credential(w->s, h.id);
    assert_false(state_is_observed(w->s, cred->id));
    later(w, 7);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    assert_int_equal(w->e.time_s, NOW + 7);
    assert_int_equal(w->e.account, cred->account);
    assert_int_equal(w->e.credential, h.id);
    assert_int_equal(w->e.door, DOOR_ACMEDNS);
    assert_true(addr_equal(&w->e.client, &w->client));
    assert_string_equal(w->e.request_id, "7Q2K-0M1D");
    assert_int_equal(w->res.seq, w->seq);
    assert_true(state_is_observed(w->s, cred->id));
    cred = state_credential(w->s, h.id);
    assert_int_equal(credential_last_used_s(cred), NOW + 7);
    assert_int_equal(credential_last_use(cred).door, DOOR_ACMEDNS);
    world_free(w);
}

static void an_account_has_a_rate_of_changes_and_the_administrator_none(void **state)
{
    struct world *w = world_new();
    struct holder h, other;
    unsigned done = 0;

    (void)state;
    (void)make_account(w, "infra");
    (void)make_account(w, "shop");
    (void)make_name(w, "infra", "one");
    (void)make_name(w, "shop", "two");
    h = make_holder(w, "one", "web2");
    other = make_holder(w, "two", "web2");
    while (done < 2000 && add(w, &h, "one", challenge_of("a", 1).text) == REFUSAL_NONE)
        done++;
    assert_int_equal(done, CHANGES_BURST);
    assert_int_equal(w->res.refusal, REFUSAL_RATE);
    assert_true(w->res.authenticated);
    assert_int_equal(w->res.retry_s, 1);
    assert_int_equal(add(w, &other, "two", challenge_of("a", 1).text), REFUSAL_NONE);
    later(w, 1);
    assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    w->settings.limits.changes.amount = 0; /* off */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(add(w, &h, "one", challenge_of("a", 1).text), REFUSAL_NONE);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_thing_that_is_wrong_is_the_reason),
        cmocka_unit_test(an_unknown_credential_is_unauthenticated_and_named_for_the_operator),
        cmocka_unit_test(a_stored_hash_offered_as_secret_is_recognized),
        cmocka_unit_test(only_live_sha256_secrets_prove_a_credential),
        cmocka_unit_test(wrong_secrets_are_limited_and_right_ones_never_are),
        cmocka_unit_test(networks_are_compared_and_explained),
        cmocka_unit_test(networks_that_cannot_be_read_deny_everywhere),
        cmocka_unit_test(a_subdomain_is_compared_byte_for_byte),
        cmocka_unit_test(a_name_is_found_by_owner_label_or_domain),
        cmocka_unit_test(out_of_scope_says_what_is_in_scope_and_what_was_asked),
        cmocka_unit_test(out_of_scope_of_a_domain_says_how_a_name_gets_it),
        cmocka_unit_test(a_name_that_moved_to_another_account_has_left_the_scope),
        cmocka_unit_test(a_grant_keeps_a_name_of_another_account_in_scope),
        cmocka_unit_test(kinds_of_requests_are_for_those_who_may),
        cmocka_unit_test(administer_does_what_an_administrator_does_but_for_the_servers_own),
        cmocka_unit_test(the_entry_names_who_did_it),
        cmocka_unit_test(an_account_has_a_rate_of_changes_and_the_administrator_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
