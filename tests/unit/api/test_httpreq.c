#include "api_fixture.h"

#include "core/domain.h"

/* Admin rows are another file's; this door works without. */
const struct route admin_routes[1];
const size_t admin_routes_count;

#define VALUE "ztdi0123456789012345678901234567890123-_5R1"

/* RFC 8555 section 8.4 on a key authorization of the RFC's form; the digest is of `openssl dgst -sha256`. */
#define KEY_AUTH        "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define KEY_AUTH_DIGEST "lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM"

static struct fixture *httpreq_new(void)
{
    struct fixture *f = fixture_new();

    f->listen[0].serves |= SERVES_HTTPREQ;
    return f;
}

/* A credential for the name LABEL.auth.example.org, which is made with the domain (NULL: none) when it is not
 * there. Before the server starts: afterwards the state is another thread's. */
static struct account_text holder_at(struct fixture *f, const char *label, const char *domain)
{
    struct world *w = f->w;
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    struct account_text a;
    struct name owner;
    struct holder h;
    char web[16];

    (void)snprintf(a.subdomain, sizeof a.subdomain, "%s", label);
    (void)snprintf(a.fulldomain, sizeof a.fulldomain, "%s.auth.example.org", label);
    assert_int_equal(name_parse(&owner, a.fulldomain, strlen(a.fulldomain)), ERR_OK);
    if (state_account_by_name(w->s, "team", 4) == NULL)
        (void)make_account(w, "team");
    if (state_name_by_owner(w->s, &owner) == NULL) {
        r.u.name = (struct request_name){
            .account = "team", .label = label, .n_domains_add = domain != NULL ? 1 : 0, .domains_add = &domain};
        assert_done(w, &r);
    }
    (void)snprintf(web, sizeof web, "web%u", state_last_credential(w->s)); /* labels at a name differ */
    h = make_holder(w, a.fulldomain, web);
    (void)snprintf(a.username, sizeof a.username, "%s", h.uuid_text);
    (void)snprintf(a.password, sizeof a.password, "%s", h.secret);
    return a;
}

static struct fixture *httpreq_started(struct account_text *a)
{
    struct fixture *f = httpreq_new();

    *a = holder_at(f, "one", "shop.example.com");
    fixture_start(f);
    return f;
}

static void encode_basic(char *out, const char *plain, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)(uint8_t)plain[i] << 16;
        if (i + 1 < len)
            bits |= (uint32_t)(uint8_t)plain[i + 1] << 8;
        if (i + 2 < len)
            bits |= (uint8_t)plain[i + 2];
        out[n++] = alphabet[bits >> 18];
        out[n++] = alphabet[bits >> 12 & 63];
        out[n++] = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? alphabet[bits & 63] : '=';
    }
    out[n] = '\0';
}

static struct reply *post_plain(const struct fixture *f, const char *path, const char *plain, const char *body)
{
    char encoded[1024], headers[1200];

    encode_basic(encoded, plain, strlen(plain));
    (void)snprintf(headers, sizeof headers, "Authorization: Basic %s\r\nContent-Type: application/json\r\n",
                   encoded);
    return exchange(f, "POST", path, headers, body);
}

static struct reply *post(const struct fixture *f, const char *path, const struct account_text *a, const char *body)
{
    char plain[128];

    (void)snprintf(plain, sizeof plain, "%s:%s", a->username, a->password);
    return post_plain(f, path, plain, body);
}

static void assert_problem(const struct reply *r, int status, const char *word)
{
    char type[64];

    assert_int_equal(r->status, status);
    assert_string_equal(reply_header(r, "Content-Type"), "application/problem+json");
    (void)snprintf(type, sizeof type, "\"type\":\"/problems/%s\"", word);
    if (strstr(r->body, type) == NULL)
        fail_msg("not %s: %s", word, r->body);
    assert_null(strstr(r->body, "\"" VALUE "\"")); /* acme.sh would take it for success */
}

static void assert_echo(const struct reply *r, const char *body)
{
    if (r->status != 200)
        fail_msg("status %d: %s", r->status, r->body);
    assert_string_equal(r->body, body);
    assert_string_equal(reply_header(r, "Content-Type"), "application/json");
    assert_string_equal(reply_header(r, "Vary"), "Origin");
    assert_non_null(reply_header(r, "Riposte-Request"));
}

static size_t values_of(const struct fixture *f, const char *fulldomain)
{
    struct name owner;

    assert_int_equal(name_parse(&owner, fulldomain, strlen(fulldomain)), ERR_OK);
    return name_n_values(state_name_by_owner(f->w->s, &owner));
}

/* ---- what is asked for ---- */

static void present_adds_the_value_and_cleanup_removes_it(void **state)
{
    static const char *const below[] = {"", "/", "/r/anything-at-all"};
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char path[64], body[512], echo[512];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"" VALUE "\"}", a.fulldomain);
    (void)snprintf(echo, sizeof echo, "{\"fqdn\":\"%s.\",\"value\":\"" VALUE "\"}", a.fulldomain);
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        (void)snprintf(path, sizeof path, "%s/present", below[i]);
        assert_echo(post(f, path, &a, body), echo);
        assert_int_equal(values_of(f, a.fulldomain), 1);
        (void)snprintf(path, sizeof path, "%s/cleanup", below[i]);
        assert_echo(post(f, path, &a, body), echo);
        assert_int_equal(values_of(f, a.fulldomain), 0);
        assert_echo(post(f, path, &a, body), echo); /* it is gone: what was wanted is so */
    }
    fixture_free(f);
}

static void raw_mode_makes_the_digest_and_finds_the_name_by_its_domain(void **state)
{
    static const char *const domains[] = {"shop.example.com", "Shop.Example.com.", "*.shop.example.com"};
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char body[512], echo[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        (void)snprintf(body, sizeof body, "{\"domain\":\"%s\",\"token\":\"t\",\"keyAuth\":\"" KEY_AUTH "\"}",
                       domains[i]);
        (void)snprintf(echo, sizeof echo, "{\"domain\":\"%s\",\"value\":\"" KEY_AUTH_DIGEST "\"}", domains[i]);
        assert_echo(post(f, "/present", &a, body), echo);
        assert_int_equal(values_of(f, a.fulldomain), 1);
        assert_echo(post(f, "/cleanup", &a, body), echo);
        assert_int_equal(values_of(f, a.fulldomain), 0);
    }
    fixture_free(f);
}

/* %s is the name; false: not in scope. */
static const struct {
    const char *fqdn;
    bool found;
} fqdns[] = {
    {"%s.", true},
    {"%s", true},
    {"_acme-challenge.shop.example.com.", true},
    {"_ACME-challenge.shop.example.COM", true},
    {"shop.example.com.", false}, /* the challenge is not published there */
    {"_acme-challenge.www.shop.example.com.", false},
    {"_acme-challenge.%s.", false},
    {"_acme-challenge.", false},
    {"*.shop.example.com", false},
    {"auth.example.org.", false},
    {".", false},
    {"", false},
    {"a..b", false},
};

static void a_name_is_an_owner_or_the_challenge_of_a_domain(void **state)
{
    struct account_text a;
    struct fixture *f = httpreq_started(&a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fqdns); i++) {
        const char *at = strstr(fqdns[i].fqdn, "%s");
        size_t before = at != NULL ? (size_t)(at - fqdns[i].fqdn) : strlen(fqdns[i].fqdn);
        char body[512];
        struct reply *r;
        (void)snprintf(body, sizeof body, "{\"fqdn\":\"%.*s%s%s\",\"value\":\"" VALUE "\"}", (int)before,
                       fqdns[i].fqdn, at != NULL ? a.fulldomain : "", at != NULL ? at + 2 : "");
        r = post(f, "/present", &a, body);
        if (r->status != (fqdns[i].found ? 200 : 403))
            fail_msg("\"%s\": %d %s", fqdns[i].fqdn, r->status, r->body);
        if (!fqdns[i].found) {
            assert_problem(r, 403, "name-not-in-scope");
            assert_string_equal(reply_header(r, "Riposte-Refused"), "name-not-in-scope");
        }
    }
    fixture_free(f);
}

static void other_members_of_the_body_do_not_matter(void **state)
{
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char body[512];

    (void)state;
    (void)snprintf(body, sizeof body,
                   "{\"ttl\":120,\"fqdn\":\"%s.\",\"domain\":null,\"x\":{\"y\":[1]},\"value\":\"" VALUE "\"}",
                   a.fulldomain);
    assert_int_equal(post(f, "/present", &a, body)->status, 200);
    fixture_free(f);
}

static void a_body_that_cannot_be_read_is_explained_and_recorded(void **state)
{
    static const struct {
        const char *body, *detail;
    } rows[] = {
        {"", "is not JSON"},
        {"{", "is not JSON"},
        {"{\"fqdn\":\"a\",\"fqdn\":\"b\",\"value\":\"" VALUE "\"}", "is not JSON"},
        {"{\"fqdn\":\"a\\u0000b\",\"value\":\"" VALUE "\"}", "is not JSON"},
        {"[]", "\"fqdn\" and \"value\""},
        {"null", "is not JSON"},
        {"\"x\"", "is not JSON"},
        {"{}", "\"fqdn\" and \"value\""},
        {"{\"fqdn\":\"a.\"}", "\"fqdn\" and \"value\""},
        {"{\"value\":\"" VALUE "\"}", "\"fqdn\" and \"value\""},
        {"{\"FQDN\":\"a.\",\"VALUE\":\"" VALUE "\"}", "\"fqdn\" and \"value\""},
        {"{\"fqdn\":1,\"value\":\"" VALUE "\"}", "\"fqdn\" and \"value\""},
        {"{\"fqdn\":\"a.\",\"value\":null}", "\"fqdn\" and \"value\""},
        {"{\"domain\":\"shop.example.com\"}", "\"domain\" and \"keyAuth\""},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":[]}", "\"domain\" and \"keyAuth\""},
        {"{\"domain\":\"a b\",\"keyAuth\":\"" KEY_AUTH "\"}", "\"domain\" is no domain name"},
        {"{\"domain\":\"\",\"keyAuth\":\"" KEY_AUTH "\"}", "\"domain\" is no domain name"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\"\"}", "TOKEN.THUMBPRINT"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\"" VALUE "\"}", "TOKEN.THUMBPRINT"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\".x\"}", "TOKEN.THUMBPRINT"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\"x.\"}", "TOKEN.THUMBPRINT"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\"x.y.z\"}", "TOKEN.THUMBPRINT"},
        {"{\"domain\":\"shop.example.com\",\"keyAuth\":\"x y.z\"}", "TOKEN.THUMBPRINT"},
    };
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    size_t before = f->submitted;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply *r = post(f, "/present", &a, rows[i].body);
        if (r->status != 400 || strstr(last_detail(f), rows[i].detail) == NULL)
            fail_msg("%s: %d, recorded: %s", rows[i].body, r->status, last_detail(f));
        assert_problem(r, 400, "malformed");
    }
    assert_int_equal(refusals_of(f, REFUSAL_MALFORMED), ARRAY_LEN(rows));
    assert_int_equal(f->submitted, before);
    fixture_free(f);
}

static void a_longest_domain_fits(void **state)
{
    struct fixture *f = httpreq_new();
    char domain[DOMAIN_LEN_MAX + 2], body[1024];
    struct account_text a;

    (void)state;
    for (size_t i = 0; i < DOMAIN_LEN_MAX; i++)
        domain[i] = i % 60 == 59 ? '.' : 'a';
    domain[DOMAIN_LEN_MAX] = '\0';
    a = holder_at(f, "one", domain);
    fixture_start(f);
    (void)snprintf(body, sizeof body, "{\"domain\":\"%s\",\"keyAuth\":\"" KEY_AUTH "\"}", domain);
    assert_int_equal(post(f, "/present", &a, body)->status, 200);
    domain[0] = 'b';
    (void)snprintf(body, sizeof body, "{\"domain\":\"%s\",\"keyAuth\":\"" KEY_AUTH "\"}", domain);
    assert_problem(post(f, "/present", &a, body), 403, "name-not-in-scope");
    domain[DOMAIN_LEN_MAX] = 'a';
    domain[DOMAIN_LEN_MAX + 1] = '\0';
    (void)snprintf(body, sizeof body, "{\"domain\":\"%s\",\"keyAuth\":\"" KEY_AUTH "\"}", domain);
    assert_problem(post(f, "/present", &a, body), 400, "malformed");
    fixture_free(f);
}

/* ---- who asks ---- */

static void who_has_not_proved_a_credential_is_told_only_that(void **state)
{
    static const char id[] = "8e57f2b0-1111-4222-8333-444455556666";
    static const struct {
        const char *headers, *detail; /* detail: what the operator sees */
    } rows[] = {
        {"", "no Authorization"},
        {"Authorization: Bearer x\r\n", "not of the scheme Basic"},
        {"Authorization: Basic\r\n", "not of the scheme Basic"},
        {"Authorization: Basicx\r\n", "not of the scheme Basic"},
        {"Authorization: Basic ###\r\n", "no base64"},
        {"Authorization: Basic am9l\r\n", "no colon"},                                      /* joe */
        {"Authorization: Basic am9lOgpw\r\n", "control characters"},                        /* joe:\np */
        {"Authorization: basic am9lOnNlY3JldA==\r\n", "the user is no UUID: 3 characters"}, /* joe:secret */
        {"X-Api-User: 8e57f2b0-1111-4222-8333-444455556666\r\nX-Api-Key: x\r\n", "no Authorization"},
    };
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    size_t before = f->submitted;
    char plain[512], first[1024];
    struct reply *r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = exchange(f, "POST", "/present", rows[i].headers, "{}");
        assert_problem(r, 401, "unauthenticated");
        assert_string_equal(reply_header(r, "WWW-Authenticate"), "Basic realm=\"riposte\"");
        assert_null(reply_header(r, "Riposte-Refused"));
        if (strstr(last_detail(f), rows[i].detail) == NULL)
            fail_msg("%s: recorded: %s", rows[i].headers, last_detail(f));
    }
    (void)snprintf(plain, sizeof plain, "%s:%s", id, "short");
    assert_problem(post_plain(f, "/present", plain, "{}"), 401, "unauthenticated");
    assert_string_equal(last_detail(f), "5 characters instead of 40");
    memset(plain, 'x', 300);
    plain[300] = '\0';
    assert_problem(post_plain(f, "/present", plain, "{}"), 401, "unauthenticated");
    assert_non_null(strstr(last_detail(f), "more octets"));
    assert_int_equal(refusals_of(f, REFUSAL_UNAUTHENTICATED), ARRAY_LEN(rows) + 2);
    assert_int_equal(f->submitted, before);

    /* A credential that is not there, and a wrong secret of one that is: but for the request's id the same. */
    (void)snprintf(plain, sizeof plain, "%s:%s", id, a.password);
    r = post_plain(f, "/present", plain, "{\"fqdn\":\"a.\",\"value\":\"" VALUE "\"}");
    assert_problem(r, 401, "unauthenticated");
    (void)snprintf(first, sizeof first, "%.*s", (int)(strstr(r->body, "\"instance\"") - r->body), r->body);
    a.password[0] = a.password[0] == 'x' ? 'y' : 'x';
    r = post(f, "/present", &a, "{\"fqdn\":\"a.\",\"value\":\"" VALUE "\"}");
    assert_problem(r, 401, "unauthenticated");
    assert_memory_equal(r->body, first, strlen(first));
    assert_string_equal(reply_header(r, "WWW-Authenticate"), "Basic realm=\"riposte\"");
    assert_null(reply_header(r, "Riposte-Refused"));
    fixture_free(f);
}

static void basic_authentication_may_come_without_padding_and_in_other_spellings(void **state)
{
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char plain[128], encoded[256], headers[512], body[512];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"" VALUE "\"}", a.fulldomain);
    (void)snprintf(plain, sizeof plain, "urn:uuid:%s:%s", a.username, a.password);
    assert_int_equal(post_plain(f, "/present", plain, body)->status, 401); /* the user ends at the first colon */
    (void)snprintf(plain, sizeof plain, "{%s}:%s", a.username, a.password);
    assert_int_equal(post_plain(f, "/present", plain, body)->status, 200);
    (void)snprintf(plain, sizeof plain, "%s:%s", a.username, a.password);
    encode_basic(encoded, plain, strlen(plain));
    assert_int_equal(strlen(plain) % 3, 2);
    encoded[strlen(encoded) - 1] = '\0';
    (void)snprintf(headers, sizeof headers, "authorization: BASIC   %s\r\n", encoded);
    assert_int_equal(exchange(f, "POST", "/present", headers, body)->status, 200);
    fixture_free(f);
}

static void a_refusal_says_what_to_do_about_it(void **state)
{
    struct account_text b;
    struct fixture *f = httpreq_started(&b);
    struct account_text a = register_account(f, "{\"allowfrom\":[\"192.0.2.0/24\"]}");
    char body[512], hint[512];
    struct reply *r;

    (void)state;
    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"" VALUE "\"}", a.fulldomain);
    r = post(f, "/present", &a, body);
    assert_problem(r, 403, "network");
    assert_non_null(strstr(r->body, "your address 127.0.0.1 is not in its networks 192.0.2.0/24"));
    assert_string_equal(reply_header(r, "Riposte-Refused"), "network");

    r = post(f, "/present", &b, "{\"fqdn\":\"_acme-challenge.new.example.com.\",\"value\":\"" VALUE "\"}");
    assert_problem(r, 403, "name-not-in-scope");
    (void)snprintf(hint, sizeof hint, "\"hint\":\"riposte name set %s --domain +new.example.com\"", b.fulldomain);
    assert_non_null(strstr(r->body, hint));

    r = post(f, "/present", &b, body); /* another's name */
    assert_problem(r, 403, "name-not-in-scope");
    (void)snprintf(hint, sizeof hint, "\"hint\":\"riposte credential set %s --names +%s\"", b.username,
                   a.fulldomain);
    assert_non_null(strstr(r->body, hint));

    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"%.42s\"}", b.fulldomain, VALUE);
    assert_problem(post(f, "/present", &b, body), 422, "not-a-challenge-value");
    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"\"}", b.fulldomain);
    assert_problem(post(f, "/present", &b, body), 422, "not-a-challenge-value");
    assert_problem(post(f, "/cleanup", &b, body), 400, "malformed");
    fixture_free(f);
}

static void another_credentials_value_stays(void **state)
{
    struct fixture *f = httpreq_new();
    struct account_text a = holder_at(f, "one", NULL);
    struct account_text b = holder_at(f, "one", NULL);
    char body[512];
    struct reply *r;

    (void)state;
    fixture_start(f);
    (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"" VALUE "\"}", a.fulldomain);
    assert_int_equal(post(f, "/present", &a, body)->status, 200);
    r = post(f, "/cleanup", &b, body);
    assert_problem(r, 403, "not-your-value");
    assert_string_equal(reply_header(r, "Riposte-Refused"), "not-your-value");
    assert_int_equal(values_of(f, a.fulldomain), 1);

    /* Both hold it: the second stays until its holder is done too. */
    assert_int_equal(post(f, "/present", &b, body)->status, 200);
    assert_int_equal(post(f, "/cleanup", &a, body)->status, 200);
    assert_int_equal(values_of(f, a.fulldomain), 1);
    assert_int_equal(post(f, "/cleanup", &b, body)->status, 200);
    assert_int_equal(values_of(f, a.fulldomain), 0);
    fixture_free(f);
}

static void a_domain_of_two_names_in_scope_is_ambiguous(void **state)
{
    struct fixture *f = httpreq_new();
    struct account_text one = holder_at(f, "one", "shop.example.com");
    struct account_text both = holder_at(f, "two", "shop.example.com");
    struct name_ref also = ref_of(NAME_REF_ANY, "one");
    struct request r = request_of(f->w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    (void)state;
    r.u.credential.credential.text = both.username;
    r.u.credential.n_names = 1;
    r.u.credential.names = &also;
    assert_done(f->w, &r);
    fixture_start(f);
    assert_problem(
        post(f, "/present", &both, "{\"fqdn\":\"_acme-challenge.shop.example.com\",\"value\":\"" VALUE "\"}"), 409,
        "conflict");
    assert_int_equal(
        post(f, "/present", &both, "{\"fqdn\":\"two.auth.example.org.\",\"value\":\"" VALUE "\"}")->status, 200);
    assert_int_equal(values_of(f, one.fulldomain), 0);
    assert_int_equal(values_of(f, both.fulldomain), 1);
    fixture_free(f);
}

/* ---- the server ---- */

static void trouble_of_the_server_asks_to_come_back(void **state)
{
    static const struct {
        enum outcome outcome;
        enum refusal reason;
        bool authenticated;
        int status;
    } rows[] = {
        {OUTCOME_REFUSED, REFUSAL_STORE_UNAVAILABLE, true, 503},
        {OUTCOME_UNKNOWN, REFUSAL_OUTCOME_UNKNOWN, true, 503},
        {OUTCOME_REFUSED, REFUSAL_STARTING, false, 503},
        {OUTCOME_REFUSED, REFUSAL_RATE, true, 429},
        {OUTCOME_REFUSED, REFUSAL_RATE, false, 429},
    };
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    struct reply *r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture_force(f, rows[i].outcome, rows[i].reason, rows[i].authenticated);
        r = post(f, "/present", &a, "{\"fqdn\":\"a.\",\"value\":\"" VALUE "\"}");
        assert_problem(r, rows[i].status, refusal_word(rows[i].reason));
        assert_non_null(reply_header(r, "Retry-After"));
        assert_int_equal(reply_header(r, "Riposte-Refused") != NULL, rows[i].authenticated);
    }
    fixture_refuse_to_take(f, ERR_FULL);
    assert_problem(post(f, "/present", &a, "{\"fqdn\":\"a.\",\"value\":\"" VALUE "\"}"), 503, "store-unavailable");
    fixture_free(f);
}

static void a_young_value_that_was_evicted_is_told(void **state)
{
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char body[512];

    (void)state;
    for (unsigned i = 0; i < 65; i++) {
        struct reply *r;
        (void)snprintf(body, sizeof body, "{\"fqdn\":\"%s.\",\"value\":\"%.40s%03u\"}", a.fulldomain, VALUE, i);
        r = post(f, "/present", &a, body);
        assert_int_equal(r->status, 200);
        assert_int_equal(reply_header(r, "Riposte-Evicted") != NULL, i == 64);
    }
    fixture_free(f);
}

static void a_body_that_is_too_large_is_a_problem(void **state)
{
    struct account_text a;
    struct fixture *f = httpreq_started(&a);
    char body[5000];

    (void)state;
    memset(body, ' ', sizeof body);
    body[sizeof body - 1] = '\0';
    assert_problem(post(f, "/present", &a, body), 413, "too-large");
    assert_int_equal(refusals_of(f, REFUSAL_TOO_LARGE), 1);
    fixture_free(f);
}

static void the_door_is_there_only_where_it_is_served(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);

    (void)state;
    assert_int_equal(post(f, "/present", &a, "{}")->status, 404);
    assert_int_equal(post(f, "/cleanup", &a, "{}")->status, 404);
    fixture_free(f);
}

static void other_methods_and_paths_are_answered_as_everywhere(void **state)
{
    struct fixture *f = httpreq_new();
    static const char *const all[] = {"*"};
    struct reply *r;

    (void)state;
    f->settings.cors_origins = all;
    f->settings.n_cors_origins = 1;
    fixture_start(f);
    r = exchange(f, "GET", "/present", "", NULL);
    assert_int_equal(r->status, 405);
    assert_string_equal(reply_header(r, "Allow"), "OPTIONS, POST");
    r = exchange(f, "POST", "/Present/", "", "{}");
    assert_int_equal(r->status, 307);
    assert_string_equal(reply_header(r, "Location"), "/present");
    r = exchange(f, "OPTIONS", "/cleanup", "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\n",
                 NULL);
    assert_int_equal(r->status, 204);
    assert_string_equal(reply_header(r, "Access-Control-Allow-Origin"), "*");
    r = exchange(f, "OPTIONS", "/cleanup",
                 "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\n"
                 "Access-Control-Request-Headers: authorization\r\n",
                 NULL);
    assert_null(reply_header(r, "Access-Control-Allow-Headers")); /* no page of another origin may authenticate */
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(present_adds_the_value_and_cleanup_removes_it),
        cmocka_unit_test(raw_mode_makes_the_digest_and_finds_the_name_by_its_domain),
        cmocka_unit_test(a_name_is_an_owner_or_the_challenge_of_a_domain),
        cmocka_unit_test(other_members_of_the_body_do_not_matter),
        cmocka_unit_test(a_body_that_cannot_be_read_is_explained_and_recorded),
        cmocka_unit_test(a_longest_domain_fits),
        cmocka_unit_test(who_has_not_proved_a_credential_is_told_only_that),
        cmocka_unit_test(basic_authentication_may_come_without_padding_and_in_other_spellings),
        cmocka_unit_test(a_refusal_says_what_to_do_about_it),
        cmocka_unit_test(another_credentials_value_stays),
        cmocka_unit_test(a_domain_of_two_names_in_scope_is_ambiguous),
        cmocka_unit_test(trouble_of_the_server_asks_to_come_back),
        cmocka_unit_test(a_young_value_that_was_evicted_is_told),
        cmocka_unit_test(a_body_that_is_too_large_is_a_problem),
        cmocka_unit_test(the_door_is_there_only_where_it_is_served),
        cmocka_unit_test(other_methods_and_paths_are_answered_as_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
