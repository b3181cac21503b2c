/* /v1 with credentials when the committer does not answer, has no room, or the server stops; and how the caller is
 * read from a request. What it does when all is well is in tests/functional/test_v1.py. */
#include "api_fixture.h"

#include "api/problems.h"

struct somebody {
    char authorization[160]; /* a header line */
    char name[256];
};

static struct fixture *with_v1(struct somebody *who)
{
    struct fixture *f = fixture_new();
    struct account_text a;

    f->listen[0].serves |= SERVES_V1;
    f->settings.values_budget = 3584;
    fixture_start(f);
    a = register_account(f, "{}");
    (void)snprintf(who->authorization, sizeof who->authorization, "Authorization: Bearer %s.%s\r\n", a.username,
                   a.password);
    (void)snprintf(who->name, sizeof who->name, "%s", a.fulldomain);
    return f;
}

static void assert_problem(const struct reply *r, int status, const char *word)
{
    char type[64];

    (void)snprintf(type, sizeof type, "\"/problems/%s\"", word);
    if (r->status != status)
        fail_msg("status %d instead of %d: %s", r->status, status, r->body != NULL ? r->body : "");
    assert_string_equal(reply_header(r, "Content-Type"), "application/problem+json");
    assert_non_null(strstr(r->body, type));
}

static const char *const readings[] = {
    "/v1/self",        "/v1/names",    "/v1/names?idle=1",  "/v1/names/web",       "/v1/names/web/values",
    "/v1/credentials", "/v1/tokens",   "/v1/refusals",      "/v1/names/web/trace", "/v1/credentials/x",
    "/v1/server",      "/v1/accounts", "/v1/accounts/team", "/v1/journal?wait=1s",
};

static void what_is_not_taken_is_answered_503_and_to_be_tried_again(void **state)
{
    struct somebody who;
    struct fixture *f = with_v1(&who);

    (void)state;
    fixture_refuse_to_take(f, ERR_FULL);
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        struct reply *r = exchange(f, "GET", readings[i], who.authorization, NULL);
        assert_problem(r, 503, "store-unavailable");
        assert_non_null(reply_header(r, "Retry-After"));
    }
    assert_problem(exchange(f, "PUT", "/v1/names/web/values/x", who.authorization, ""), 503, "store-unavailable");
    fixture_free(f);
}

static void a_look_that_is_refused_shows_nothing(void **state)
{
    struct somebody who;
    struct fixture *f = with_v1(&who);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        struct reply *r;
        fixture_force(f, OUTCOME_REFUSED, REFUSAL_NETWORK, true);
        r = exchange(f, "GET", readings[i], who.authorization, NULL);
        assert_problem(r, 403, "network");
        assert_string_equal(reply_header(r, "Riposte-Refused"), "network");
        fixture_force(f, OUTCOME_REFUSED, REFUSAL_UNAUTHENTICATED, false);
        r = exchange(f, "GET", readings[i], who.authorization, NULL);
        assert_problem(r, 401, "unauthenticated");
        assert_non_null(reply_header(r, "WWW-Authenticate"));
        assert_null(reply_header(r, "Riposte-Refused"));
    }
    fixture_free(f);
}

static void a_caller_is_read_from_bearer_and_from_basic(void **state)
{
    static const struct {
        const char *header;
        const char *detail; /* on record */
    } rows[] = {
        {"", "no Authorization: this door wants basic authentication"},
        {"Authorization: Bearer\r\n", "Authorization is not of the scheme Basic"},
        {"Authorization: Digest x\r\n", "Authorization is not of the scheme Basic"},
        {"Authorization: Bearer abc\r\n", "the bearer token has no dot between id and secret"},
        {"Authorization: Bearer abc.def\r\n", "the id is no UUID: 3 characters"},
        {"Authorization: bearer 11111111-2222-4333-8444-555555555555.abc\r\n", "3 characters instead of 40"},
        {"Authorization: Bearer .\r\n", "the id is no UUID: 0 characters"},
        {"Authorization: Basic !\r\n", "Authorization is no base64"},
    };
    struct somebody who;
    struct fixture *f = with_v1(&who);
    size_t submitted = f->submitted;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_problem(exchange(f, "GET", "/v1/self", rows[i].header, NULL), 401, "unauthenticated");
        assert_string_equal(last_detail(f), rows[i].detail);
    }
    assert_int_equal(f->submitted, submitted);
    assert_int_equal(exchange(f, "GET", "/v1/self", who.authorization, NULL)->status, 200);
    fixture_free(f);
}

static void a_request_that_cannot_be_read_is_explained_to_holders_only(void **state)
{
    struct somebody who;
    struct fixture *f = with_v1(&who);
    char wrong[160];

    (void)state;
    memcpy(wrong, who.authorization, sizeof wrong);
    wrong[strlen(wrong) - 3] = wrong[strlen(wrong) - 3] == 'A' ? 'B' : 'A';
    assert_problem(exchange(f, "POST", "/v1/tokens", wrong, "{"), 401, "unauthenticated");
    assert_problem(exchange(f, "POST", "/v1/tokens", who.authorization, "{"), 400, "malformed");
    assert_int_equal(refusals_of(f, REFUSAL_MALFORMED), 1);
    assert_problem(exchange(f, "POST", "/v1/tokens", who.authorization, "{\"nonsense\":1}"), 422, "unknown-field");
    assert_int_equal(refusals_of(f, REFUSAL_UNKNOWN_FIELD), 1);
    fixture_free(f);
}

static int send_get(const struct fixture *f, const char *path, const struct somebody *who)
{
    char text[512];
    int fd = client_connect(fixture_port(f, 0));
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, who->authorization);

    assert_true(fd >= 0);
    assert_true(len > 0 && (size_t)len < sizeof text);
    client_send(fd, text, (size_t)len);
    return fd;
}

static void grow(struct fixture *f, uint64_t seq)
{
    pthread_mutex_lock(&f->lock);
    f->status.seq = seq;
    pthread_mutex_unlock(&f->lock);
}

static void who_waits_for_the_journal_is_answered_at_the_end_of_the_wait(void **state)
{
    struct somebody who;
    struct fixture *f = with_v1(&who);
    static struct reply r;
    int fd = send_get(f, "/v1/journal?wait=1s", &who);

    (void)state;
    grow(f, 7); /* nothing in it is for this one */
    client_read(fd, &r);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "{\"items\":[],\"position\":7}");
    (void)close(fd);
    fixture_free(f);
}

/* Reading blocks, so few do it at a time. */
static void who_finds_every_place_for_reading_taken_is_to_try_again(void **state)
{
    enum { PLACES = HTTP_OFFLOAD_MAX / 2 };
    struct somebody who;
    struct fixture *f = with_v1(&who);
    static struct reply r;
    struct reply *refused;
    int fds[PLACES];

    (void)state;
    fixture_hold_journal(f, true);
    for (size_t i = 0; i < PLACES; i++) {
        fds[i] = send_get(f, "/v1/journal", &who);
        fixture_wait_count(f, &f->in_journal, i + 1);
    }
    refused = exchange(f, "GET", "/v1/journal", who.authorization, NULL);
    assert_problem(refused, 503, "full");
    assert_non_null(reply_header(refused, "Retry-After"));
    fixture_hold_journal(f, false);
    for (size_t i = 0; i < PLACES; i++) {
        client_read(fds[i], &r);
        assert_int_equal(r.status, 200);
        (void)close(fds[i]);
    }
    assert_int_equal(exchange(f, "GET", "/v1/journal", who.authorization, NULL)->status, 200);
    fixture_free(f);
}

/* Asked again for as long as the ones before are still on their way to where they wait, as any client is told to:
 * until then each has one of the few places. On return it has had its first look, and waits now or soon. */
static int send_wait(struct fixture *f, const struct somebody *who)
{
    static struct reply r;
    const int64_t until = clock_mono_ms(&clock_system) + PATIENCE_S * INT64_C(1000);

    for (;;) {
        size_t before = fixture_submitted(f);
        int fd = send_get(f, "/v1/journal?wait=60s", who);
        struct pollfd reply = {.fd = fd, .events = POLLIN};
        while (poll(&reply, 1, 1) == 0) {
            if (fixture_submitted(f) == before + 2) /* may it look, and its first look */
                return fd;
            assert_true(clock_mono_ms(&clock_system) < until);
        }
        client_read(fd, &r);
        assert_problem(&r, 503, "full");
        (void)close(fd);
    }
}

static void a_server_that_stops_answers_those_who_wait(void **state)
{
    enum { MANY = 20 };
    struct somebody who;
    struct fixture *f = with_v1(&who);
    static struct reply r;
    int fds[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        fds[i] = send_wait(f, &who);
    fixture_free(f); /* what is freed twice or never shows in the sanitizer */
    for (size_t i = 0; i < MANY; i++) {
        client_read(fds[i], &r);
        if (r.status != 200 && r.status != 503)
            fail_msg("request %zu: status %d", i, r.status);
        (void)close(fds[i]);
    }
}

static void a_server_that_stops_waits_for_no_committer(void **state)
{
    struct somebody who;
    struct fixture *f = with_v1(&who);
    size_t before = f->submitted;
    int look, journal;

    (void)state;
    fixture_hold(f, true);
    look = send_get(f, "/v1/names", &who);
    journal = send_get(f, "/v1/journal?wait=60s", &who);
    fixture_wait_submitted(f, before + 2);
    fixture_free(f);
    (void)close(look);
    (void)close(journal);
}

static void every_refusal_is_explained(void **state)
{
    (void)state;
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        const char *text = problem_explain((enum refusal)i);
        assert_non_null(text);
        assert_true(strlen(text) > 10 && text[strlen(text) - 1] == '\n');
    }
    assert_string_equal(problem_explain(REFUSAL_COUNT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_taken_is_answered_503_and_to_be_tried_again),
        cmocka_unit_test(a_look_that_is_refused_shows_nothing),
        cmocka_unit_test(a_caller_is_read_from_bearer_and_from_basic),
        cmocka_unit_test(a_request_that_cannot_be_read_is_explained_to_holders_only),
        cmocka_unit_test(who_waits_for_the_journal_is_answered_at_the_end_of_the_wait),
        cmocka_unit_test(who_finds_every_place_for_reading_taken_is_to_try_again),
        cmocka_unit_test(a_server_that_stops_answers_those_who_wait),
        cmocka_unit_test(a_server_that_stops_waits_for_no_committer),
        cmocka_unit_test(every_refusal_is_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
