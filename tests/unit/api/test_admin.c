/* The admin socket's API when the committer does not answer, has no room, or does not know; what it does when all
 * is well is in tests/functional/test_admin.py. */
#include "api_fixture.h"

static struct fixture *with_admin_socket(void)
{
    struct fixture *f = fixture_new();

    f->settings.admin_socket = f->path;
    f->settings.base_url = "https://acme.example.org";
    f->settings.values_budget = 3584;
    (void)snprintf(f->status.store_path, sizeof f->status.store_path, "/nowhere/riposte.db");
    fixture_start(f);
    return f;
}

static int send_admin(const struct fixture *f, const char *method, const char *path, const char *body)
{
    char text[4096];
    int fd = client_connect_unix(f->path);
    int len = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                       method, path, strlen(body), body);

    assert_true(fd >= 0);
    assert_true(len > 0 && (size_t)len < sizeof text);
    client_send(fd, text, (size_t)len);
    return fd;
}

static struct reply *ask_admin(const struct fixture *f, const char *method, const char *path, const char *body)
{
    static struct reply r;
    int fd = send_admin(f, method, path, body);

    client_read(fd, &r);
    (void)close(fd);
    return &r;
}

static void assert_problem(const struct reply *r, int status, const char *word)
{
    char type[64];

    (void)snprintf(type, sizeof type, "\"/problems/%s\"", word);
    assert_int_equal(r->status, status);
    assert_string_equal(reply_header(r, "Content-Type"), "application/problem+json");
    assert_non_null(strstr(r->body, type));
}

/* Every row that only reads the state. */
static const char *const readings[] = {
    "/v1/accounts",         "/v1/accounts/team",    "/v1/names",           "/v1/names?idle=1",
    "/v1/names/web",        "/v1/names/web/values", "/v1/names/web/trace", "/v1/credentials",
    "/v1/credentials/web1", "/v1/tokens",           "/v1/tokens/1",        "/v1/refusals",
};

/* Every row that makes a change. */
static const struct {
    const char *method, *path, *body;
} changes[] = {
    {"PATCH", "/v1/accounts/team", "{}"},
    {"DELETE", "/v1/accounts/team", ""},
    {"POST", "/v1/names", "{\"account\":\"team\"}"},
    {"PATCH", "/v1/names/web", "{}"},
    {"DELETE", "/v1/names/web", ""},
    {"POST", "/v1/names/web/values", "{\"values\":[{\"value\":\"x\"}]}"},
    {"DELETE", "/v1/names/web/values?all=1", ""},
    {"POST", "/v1/credentials", "{\"names\":[\"web\"]}"},
    {"PATCH", "/v1/credentials/web1?name=web", "{}"},
    {"DELETE", "/v1/credentials/web1?name=web", ""},
    {"POST", "/v1/credentials/web1/rotate?name=web", ""},
    {"POST", "/v1/tokens", "{\"account\":\"team\"}"},
    {"DELETE", "/v1/tokens/1", ""},
};

static void what_is_not_taken_is_answered_503_and_to_be_tried_again(void **state)
{
    struct fixture *f = with_admin_socket();

    (void)state;
    fixture_refuse_to_take(f, ERR_FULL);
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        struct reply *r = ask_admin(f, "GET", readings[i], "");
        assert_problem(r, 503, "store-unavailable");
        assert_non_null(reply_header(r, "Retry-After"));
    }
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct reply *r = ask_admin(f, changes[i].method, changes[i].path, changes[i].body);
        assert_problem(r, 503, "store-unavailable");
        assert_non_null(reply_header(r, "Retry-After"));
    }
    assert_problem(ask_admin(f, "PUT", "/v1/accounts/team", "{}"), 503, "store-unavailable");
    fixture_free(f);
}

static void an_unknown_outcome_is_told_as_such(void **state)
{
    struct fixture *f = with_admin_socket();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        fixture_force(f, OUTCOME_UNKNOWN, REFUSAL_OUTCOME_UNKNOWN, true);
        assert_problem(ask_admin(f, changes[i].method, changes[i].path, changes[i].body), 503, "outcome-unknown");
    }
    fixture_free(f);
}

static void nothing_is_submitted_for_what_cannot_be_read(void **state)
{
    struct fixture *f = with_admin_socket();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        assert_problem(ask_admin(f, changes[i].method, changes[i].path, "{\"nonsense\":1}"), 422, "unknown-field");
        assert_problem(ask_admin(f, changes[i].method, changes[i].path, "{"), 400, "malformed");
        assert_problem(ask_admin(f, changes[i].method, changes[i].path, "[]"), 400, "malformed");
    }
    assert_int_equal(f->submitted, 0);
    fixture_free(f);
}

static void the_server_is_described_while_the_committer_hangs(void **state)
{
    struct fixture *f = with_admin_socket();
    struct reply *r;

    (void)state;
    fixture_hold(f, true);
    r = ask_admin(f, "GET", "/v1/server", "");
    assert_int_equal(r->status, 200);
    assert_non_null(strstr(r->body, "\"zones\":[],\"counts\":null"));
    assert_non_null(strstr(r->body, "\"base-url\":\"https://acme.example.org\""));
    fixture_hold(f, false); /* the look comes after all, and finds nobody */
    r = ask_admin(f, "GET", "/v1/server", "");
    assert_non_null(strstr(r->body, "\"origin\":\"auth.example.org\""));
    fixture_free(f);
}

static void a_server_that_stops_waits_for_no_committer(void **state)
{
    struct fixture *f = with_admin_socket();
    int change, look;

    (void)state;
    fixture_hold(f, true);
    change = send_admin(f, "POST", "/v1/names", "{\"account\":\"team\"}");
    fixture_wait_submitted(f, 1);
    look = send_admin(f, "GET", "/v1/names", "");
    fixture_free(f); /* what is freed twice or never shows in the sanitizer */
    (void)close(change);
    (void)close(look);
}

static void what_is_not_there_cannot_be_reloaded(void **state)
{
    struct fixture *f = with_admin_socket();

    (void)state;
    assert_problem(ask_admin(f, "POST", "/v1/reload", ""), 404, "not-found");
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_taken_is_answered_503_and_to_be_tried_again),
        cmocka_unit_test(an_unknown_outcome_is_told_as_such),
        cmocka_unit_test(nothing_is_submitted_for_what_cannot_be_read),
        cmocka_unit_test(the_server_is_described_while_the_committer_hangs),
        cmocka_unit_test(a_server_that_stops_waits_for_no_committer),
        cmocka_unit_test(what_is_not_there_cannot_be_reloaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
