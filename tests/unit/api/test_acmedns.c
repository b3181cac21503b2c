#include "api_fixture.h"

/* Admin rows are another file's; this door works without. */
const struct route admin_routes[1];
const size_t admin_routes_count;

#define VALUE "ztdi0123456789012345678901234567890123-_5R1"

static void assert_common_headers(const struct reply *r)
{
    const char *id;

    assert_string_equal(reply_header(r, "Vary"), "Origin");
    id = reply_header(r, "Riposte-Request");
    assert_non_null(id);
    assert_int_equal(strlen(id), REQUEST_ID_LEN);
    assert_int_equal(id[4], '-');
}

static void assert_json(const struct reply *r, int status, const char *body)
{
    assert_int_equal(r->status, status);
    assert_string_equal(r->body, body);
    assert_string_equal(reply_header(r, "Content-Type"), "application/json");
    assert_common_headers(r);
}

/* ---- register ---- */

static void register_replies_on_one_line_with_members_in_order(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a;
    struct reply *r = exchange(f, "POST", "/register", "", "{\"allowfrom\":[\"[2001:db8::1]/32\",\"10.1.2.3/8\"]}");
    char want[1024];

    (void)state;
    assert_int_equal(r->status, 201);
    assert_string_equal(reply_header(r, "Content-Type"), "application/json");
    assert_common_headers(r);
    json_member(r->body, "username", a.username, sizeof a.username);
    json_member(r->body, "password", a.password, sizeof a.password);
    json_member(r->body, "subdomain", a.subdomain, sizeof a.subdomain);
    (void)snprintf(
        want, sizeof want,
        "{\"username\":\"%s\",\"password\":\"%s\",\"fulldomain\":\"%s.auth.example.org\",\"subdomain\":\"%s\","
        "\"allowfrom\":[\"2001:db8::1/32\",\"10.1.2.3/8\"]}",
        a.username, a.password, a.subdomain, a.subdomain);
    assert_string_equal(r->body, want);
    assert_int_equal(strlen(a.username), 36);
    assert_int_equal(strlen(a.password), 40);
    assert_int_equal(strlen(a.subdomain), 36);
    assert_string_not_equal(a.username, a.subdomain);
    fixture_free(f);
}

static const struct {
    const char *body; /* NULL: no body and no Content-Length */
    int status;
    const char *reply; /* NULL: a registration */
} registrations[] = {
    {NULL, 201, NULL},
    {"", 201, NULL},
    {"null", 201, NULL},
    {"null\n", 201, NULL},
    {"{}", 201, NULL},
    {"{\"unknown\":[1,{\"x\":null}]}", 201, NULL},
    {"{\"allowfrom\":null}", 201, NULL},
    {"{\"allowfrom\":[]}", 201, NULL},
    {"{\"AllowFrom\":[\"192.0.2.0/24\"]}", 201, NULL},
    {"{\"username\":null,\"password\":null}", 201, NULL},
    {"{\"username\":\"8e57f2b0-1111-4222-8333-444455556666\",\"subdomain\":\"mine\",\"password\":\"x\"}", 201,
     NULL},
    {" \n", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"[]", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"allowfrom\":[", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{} x", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"allowfrom\":\"1.2.3.4/32\"}", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"username\":\"not-a-uuid\"}", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"subdomain\":5}", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"txt\":1}", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"txt\":1,\"txt\":\"x\"}", 400, "{\"error\": \"malformed_json_payload\"}"},
    {"{\"allowfrom\":[\"1.2.3.4\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\"\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[null]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\"10.0.0.01/8\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\"fe80::1%eth0/64\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\"10.0.0.0/33\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\" 10.0.0.0/8\"]}", 400, "{\"error\": \"invalid_allowfrom_cidr\"}"},
    {"{\"allowfrom\":[\"bad\"],\"allowfrom\":[\"10.0.0.0/8\"]}", 201, NULL},
};

static void register_takes_the_bodies_that_acme_dns_takes(void **state)
{
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(registrations); i++) {
        struct reply *r = exchange(f, "POST", "/register", "", registrations[i].body);
        if (r->status != registrations[i].status)
            fail_msg("body %s: status %d", registrations[i].body, r->status);
        if (registrations[i].reply != NULL)
            assert_json(r, registrations[i].status, registrations[i].reply);
        else
            assert_true(strncmp(r->body, "{\"username\":\"", 13) == 0);
    }
    fixture_free(f);
}

static void register_is_not_there_when_registration_is_none(void **state)
{
    struct fixture *f = fixture_new();
    struct reply *r;

    (void)state;
    f->settings.registration = REGISTRATION_NONE;
    fixture_start(f);
    r = exchange(f, "POST", "/register", "", "{}");
    assert_int_equal(r->status, 404);
    assert_string_equal(r->body, "404 page not found\n");
    assert_int_equal(exchange(f, "GET", "/register", "", NULL)->status, 404);
    assert_int_equal(exchange(f, "POST", "/r/rpt_x/register", "", NULL)->status, 404);
    fixture_free(f);
}

static void register_passes_the_token_of_its_path(void **state)
{
    struct fixture *f = fixture_new();
    struct reply *r;
    char path[128];
    struct request req;

    (void)state;
    f->settings.registration = REGISTRATION_TOKEN;
    f->w->settings.registration.allow = REGISTRATION_TOKEN;
    (void)make_account(f->w, "team");
    req = request_of(f->w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);
    req.u.token.account = "team";
    assert_done(f->w, &req);
    (void)snprintf(path, sizeof path, "/r/%s/register", f->w->res.secret);
    fixture_start(f);
    assert_int_equal(exchange(f, "POST", path, "", "null\n")->status, 201);
    assert_json(exchange(f, "POST", "/register", "", "{}"), 403, "{\"error\": \"registration_token_required\"}");
    path[20] = path[20] == 'x' ? 'y' : 'x';
    assert_json(exchange(f, "POST", path, "", "{}"), 401, "{\"error\": \"invalid_registration_token\"}");
    r = exchange(f, "POST", "/r/rpt_short/register", "", "{}");
    assert_json(r, 401, "{\"error\": \"invalid_registration_token\"}");
    assert_int_equal(refusals_of(f, REFUSAL_UNAUTHENTICATED),
                     1); /* the door's own; the others are the committer's */
    fixture_free(f);
}

static const struct {
    enum refusal reason;
    int status;
    const char *reply;
    bool retry;
} refused_registrations[] = {
    {REFUSAL_NETWORK, 403, "{\"error\": \"registering_from_ip_not_allowed\"}", false},
    {REFUSAL_REVOKED, 401, "{\"error\": \"invalid_registration_token\"}", false},
    {REFUSAL_EXPIRED, 403, "{\"error\": \"registration_token_expired\"}", false},
    {REFUSAL_QUOTA, 403, "{\"error\": \"quota_exceeded\"}", false},
    {REFUSAL_RATE, 429, "{\"error\": \"rate_limit_exceeded\"}", true},
    {REFUSAL_FULL, 503, "{\"error\": \"registration_paused\"}", true},
    {REFUSAL_STORE_UNAVAILABLE, 503, "{\"error\": \"db_error\"}", true},
    {REFUSAL_OUTCOME_UNKNOWN, 503, "{\"error\": \"db_error\"}", true},
    {REFUSAL_CONFLICT, 403, "{\"error\": \"forbidden\"}", false},
};

static void refused_registrations_say_why(void **state)
{
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused_registrations); i++) {
        struct reply *r;
        fixture_force(f, OUTCOME_REFUSED, refused_registrations[i].reason, true);
        r = exchange(f, "POST", "/register", "", "{}");
        assert_json(r, refused_registrations[i].status, refused_registrations[i].reply);
        assert_string_equal(reply_header(r, "Riposte-Refused"), refusal_word(refused_registrations[i].reason));
        assert_int_equal(reply_header(r, "Retry-After") != NULL, refused_registrations[i].retry);
    }
    fixture_free(f);
}

/* ---- update ---- */

static void update_echoes_the_value(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);
    char body[256];
    static const char *const paths[] = {"/update", "//update", "///update", "/r/anything-at-all/update",
                                        "//r/x/update"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%s\"}", a.subdomain, VALUE);
        assert_json(post_update(f, paths[i], a.username, a.password, body), 200, "{\"txt\": \"" VALUE "\"}");
    }
    fixture_free(f);
}

/* %s is the subdomain. */
static const struct {
    const char *body;
    int status;
    const char *reply;
} updates[] = {
    {"{\"SubDomain\":\"%s\",\"Txt\":\"" VALUE "\"}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"subdomain\":\"%s\", \"txt\": \"" VALUE "\"}trailing", 200, "{\"txt\": \"" VALUE "\"}"},
    {"  \n{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"}{", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"txt\":\"no\",\"subdomain\":\"no\",\"TXT\":\"no\",\"subDomain\":\"%s\",\"txt\":\"" VALUE "\"}", 200,
     "{\"txt\": \"" VALUE "\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\",\"txt\":null}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"sub\\u0064omain\":\"%s\",\"txt\":\"" VALUE "\"}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\",\"allowfrom\":5,\"password\":[1]}", 200,
     "{\"txt\": \"" VALUE "\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\",\"username\":\"bad\"}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"username\":7,\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"username\":\"bad\",\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"}", 401, "{\"error\": \"forbidden\"}"},
    {"{\"subdomain\":\"%s\"}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":7}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"short\"}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "x\"}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"=tdi0123456789012345678901234567890123-_5R1\"}", 400,
     "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%sx\",\"txt\":\"" VALUE "\"}", 401, "{\"error\": \"forbidden\"}"},
    {"{\"txt\":\"" VALUE "\"}", 401, "{\"error\": \"forbidden\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"", 401, "{\"error\": \"forbidden\"}"},
    {"[]", 401, "{\"error\": \"forbidden\"}"},
    {"null", 401, "{\"error\": \"forbidden\"}"},
    {"", 401, "{\"error\": \"forbidden\"}"},
};

static void update_reads_the_bodies_as_acme_dns_reads_them(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);
    char body[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        const char *at = strstr(updates[i].body, "%s");
        size_t before = at != NULL ? (size_t)(at - updates[i].body) : strlen(updates[i].body);
        (void)snprintf(body, sizeof body, "%.*s%s%s", (int)before, updates[i].body, at != NULL ? a.subdomain : "",
                       at != NULL ? at + 2 : "");
        assert_json(post_update(f, "/update", a.username, a.password, body), updates[i].status, updates[i].reply);
    }
    fixture_free(f);
}

static void update_names_the_true_reason_when_the_secret_was_right(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, "{\"allowfrom\":[\"192.0.2.0/24\"]}");
    struct account_text b = register_account(f, NULL);
    char body[256];
    struct reply *r;

    (void)state;
    (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%s\"}", a.subdomain, VALUE);
    r = post_update(f, "/update", a.username, a.password, body);
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(reply_header(r, "Riposte-Refused"), "network");
    r = post_update(f, "/update", b.username, b.password, body);
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(reply_header(r, "Riposte-Refused"), "name-not-in-scope");
    r = post_update(f, "/update", b.username, b.password, "{");
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(reply_header(r, "Riposte-Refused"), "malformed");
    r = post_update(f, "/update", b.username, a.password, body);
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_null(reply_header(r, "Riposte-Refused"));
    fixture_free(f);
}

static void update_takes_a_user_in_four_spellings(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);
    char body[256], user[64], bare[40];
    size_t n = 0;

    (void)state;
    (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%s\"}", a.subdomain, VALUE);
    for (const char *c = a.username; *c != '\0'; c++)
        if (*c != '-')
            bare[n++] = (char)(*c >= 'a' && *c <= 'f' ? *c - 'a' + 'A' : *c);
    bare[n] = '\0';
    assert_int_equal(post_update(f, "/update", bare, a.password, body)->status, 200);
    (void)snprintf(user, sizeof user, "urn:uuid:%s", a.username);
    assert_int_equal(post_update(f, "/update", user, a.password, body)->status, 200);
    (void)snprintf(user, sizeof user, "{%s}", a.username);
    assert_int_equal(post_update(f, "/update", user, a.password, body)->status, 200);
    (void)snprintf(user, sizeof user, "%.35s", a.username);
    assert_int_equal(post_update(f, "/update", user, a.password, body)->status, 401);
    fixture_free(f);
}

static void a_key_of_a_wrong_shape_is_recorded_with_what_it_is(void **state)
{
    static const struct {
        const char *key, *detail;
    } rows[] = {
        {"$2a$10$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzab",
         "61 characters, starts \"$2a$\": this is the stored hash, not the password"},
        {"short", "5 characters instead of 40"},
        {"8e57f2b0-1111-4222-8333-444455556666",
         "the key is a UUID: this is the username or the subdomain, not the password"},
        {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "a character that no password has"},
    };
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_json(post_update(f, "/update", "8e57f2b0-1111-4222-8333-444455556666", rows[i].key, "{}"), 401,
                    "{\"error\": \"forbidden\"}");
        assert_string_equal(last_detail(f), rows[i].detail);
    }
    assert_int_equal(refusals_of(f, REFUSAL_UNAUTHENTICATED), ARRAY_LEN(rows));
    assert_json(post_update(f, "/update", "joe", "x", "{}"), 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(last_detail(f), "X-Api-User is no UUID: 3 characters");
    assert_json(exchange(f, "POST", "/update", "", "{}"), 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(last_detail(f), "no X-Api-User");
    assert_int_equal(f->submitted, 0);
    fixture_free(f);
}

/* ---- delete ---- */

/* %s is the subdomain; nothing but ends of reading differs from /update. */
static const struct {
    const char *body;
    int status;
    const char *reply;
} deletions[] = {
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"}", 200, "{\"txt\": \"" VALUE "\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":\"" VALUE "\"}", 200, "{\"txt\": \"" VALUE "\"}"}, /* gone */
    {"{\"SubDomain\":\"%s\",\"Txt\":\"never there\"}x", 200, "{\"txt\": \"never there\"}"},
    {"{\"subdomain\":\"%s\"}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%s\",\"txt\":7}", 400, "{\"error\": \"bad_txt\"}"},
    {"{\"subdomain\":\"%sx\",\"txt\":\"" VALUE "\"}", 401, "{\"error\": \"forbidden\"}"},
    {"{\"txt\":\"" VALUE "\"}", 401, "{\"error\": \"forbidden\"}"},
    {"", 401, "{\"error\": \"forbidden\"}"},
};

static size_t values_there(const struct fixture *f, const struct account_text *a)
{
    struct name owner;

    assert_int_equal(name_parse(&owner, a->fulldomain, strlen(a->fulldomain)), ERR_OK);
    return name_n_values(state_name_by_owner(f->w->s, &owner));
}

static void delete_ends_the_claim_and_echoes_the_value(void **state)
{
    static const char *const paths[] = {"/delete", "//delete", "/r/anything-at-all/delete"};
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);
    char body[512];

    (void)state;
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%s\"}", a.subdomain, VALUE);
        assert_int_equal(post_update(f, "/update", a.username, a.password, body)->status, 200);
        assert_int_equal(values_there(f, &a), 1);
        for (size_t i = 0; i < ARRAY_LEN(deletions); i++) {
            const char *at = strstr(deletions[i].body, "%s");
            size_t before = at != NULL ? (size_t)(at - deletions[i].body) : strlen(deletions[i].body);
            (void)snprintf(body, sizeof body, "%.*s%s%s", (int)before, deletions[i].body,
                           at != NULL ? a.subdomain : "", at != NULL ? at + 2 : "");
            assert_json(post_update(f, paths[p], a.username, a.password, body), deletions[i].status,
                        deletions[i].reply);
            assert_int_equal(values_there(f, &a), 0);
        }
    }
    fixture_free(f);
}

static void delete_leaves_what_others_hold(void **state)
{
    struct fixture *f = fixture_new();
    struct holder one, two;
    char body[256];
    struct reply *r;

    (void)state;
    (void)make_account(f->w, "team");
    (void)make_name(f->w, "team", "shop");
    one = make_holder(f->w, "shop", "web1");
    two = make_holder(f->w, "shop", "web2");
    fixture_start(f);
    (void)snprintf(body, sizeof body, "{\"subdomain\":\"shop\",\"txt\":\"%s\"}", VALUE);
    assert_int_equal(post_update(f, "/update", one.uuid_text, one.secret, body)->status, 200);
    r = post_update(f, "/delete", two.uuid_text, two.secret, body);
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_string_equal(reply_header(r, "Riposte-Refused"), "not-your-value");
    r = post_update(f, "/delete", two.uuid_text, one.secret, body);
    assert_json(r, 401, "{\"error\": \"forbidden\"}");
    assert_null(reply_header(r, "Riposte-Refused"));
    assert_json(post_update(f, "/delete", one.uuid_text, one.secret, body), 200, "{\"txt\": \"" VALUE "\"}");
    fixture_free(f);
}

static const struct {
    enum outcome outcome;
    enum refusal reason;
    bool authenticated;
    int status;
    const char *reply;
} refused_updates[] = {
    {OUTCOME_REFUSED, REFUSAL_STORE_UNAVAILABLE, true, 503, "{\"error\": \"db_error\"}"},
    {OUTCOME_UNKNOWN, REFUSAL_OUTCOME_UNKNOWN, true, 503, "{\"error\": \"db_error\"}"},
    {OUTCOME_REFUSED, REFUSAL_STARTING, false, 503, "{\"error\": \"db_error\"}"},
    {OUTCOME_REFUSED, REFUSAL_RATE, true, 429, "{\"error\": \"rate_limit_exceeded\"}"},
    {OUTCOME_REFUSED, REFUSAL_RATE, false, 401, "{\"error\": \"forbidden\"}"},
    {OUTCOME_REFUSED, REFUSAL_BAD_LABEL, true, 400, "{\"error\": \"bad_subdomain\"}"},
    {OUTCOME_REFUSED, REFUSAL_VALUE_TOO_LONG, true, 400, "{\"error\": \"bad_txt\"}"},
    {OUTCOME_REFUSED, REFUSAL_EXPIRED, true, 401, "{\"error\": \"forbidden\"}"},
    {OUTCOME_REFUSED, REFUSAL_REVOKED, true, 401, "{\"error\": \"forbidden\"}"},
    {OUTCOME_REFUSED, REFUSAL_DISABLED, true, 401, "{\"error\": \"forbidden\"}"},
};

static void refusals_of_updates_have_the_words_of_acme_dns(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused_updates); i++) {
        struct reply *r;
        fixture_force(f, refused_updates[i].outcome, refused_updates[i].reason, refused_updates[i].authenticated);
        r = post_update(f, "/update", a.username, a.password, "{}");
        assert_json(r, refused_updates[i].status, refused_updates[i].reply);
        assert_int_equal(reply_header(r, "Retry-After") != NULL, r->status == 503 || r->status == 429);
        assert_int_equal(reply_header(r, "Riposte-Refused") != NULL, refused_updates[i].authenticated);
    }
    fixture_free(f);
}

static void a_sink_that_takes_nothing_is_a_db_error(void **state)
{
    struct fixture *f = fixture_started();
    struct account_text a = register_account(f, NULL);

    (void)state;
    fixture_refuse_to_take(f, ERR_FULL);
    assert_json(post_update(f, "/update", a.username, a.password, "{}"), 503, "{\"error\": \"db_error\"}");
    assert_json(exchange(f, "POST", "/register", "", "{}"), 503, "{\"error\": \"db_error\"}");
    assert_int_equal(refusals_of(f, REFUSAL_STORE_UNAVAILABLE), 2);
    fixture_free(f);
}

static void a_value_of_any_text_is_echoed_as_json(void **state)
{
    struct fixture *f = fixture_new();
    struct account_text a;
    char body[256];

    (void)state;
    f->w->settings.values.accept = ACCEPT_TEXT;
    fixture_start(f);
    a = register_account(f, NULL);
    (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"a \\\"b\\\" \\\\ \\u0007\"}", a.subdomain);
    assert_json(post_update(f, "/update", a.username, a.password, body), 200,
                "{\"txt\": \"a \\\"b\\\" \\\\ \\u0007\"}");
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_replies_on_one_line_with_members_in_order),
        cmocka_unit_test(register_takes_the_bodies_that_acme_dns_takes),
        cmocka_unit_test(register_is_not_there_when_registration_is_none),
        cmocka_unit_test(register_passes_the_token_of_its_path),
        cmocka_unit_test(refused_registrations_say_why),
        cmocka_unit_test(update_echoes_the_value),
        cmocka_unit_test(update_reads_the_bodies_as_acme_dns_reads_them),
        cmocka_unit_test(update_names_the_true_reason_when_the_secret_was_right),
        cmocka_unit_test(update_takes_a_user_in_four_spellings),
        cmocka_unit_test(a_key_of_a_wrong_shape_is_recorded_with_what_it_is),
        cmocka_unit_test(delete_ends_the_claim_and_echoes_the_value),
        cmocka_unit_test(delete_leaves_what_others_hold),
        cmocka_unit_test(refusals_of_updates_have_the_words_of_acme_dns),
        cmocka_unit_test(a_sink_that_takes_nothing_is_a_db_error),
        cmocka_unit_test(a_value_of_any_text_is_echoed_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
