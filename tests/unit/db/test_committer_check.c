/* Secrets with a slow hash, through the committer: parked, compared on a thread of their own, decided again. */
#include "db/committer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <crypt.h>

#include "base/bcrypt.h"
#include "base/crypto.h"
#include "base/log.h"
#include "db/harness.h"
#include "db/import_acmedns.h"

#define CREDENTIALS 4
#define COST        "$2a$06$" /* some milliseconds */

struct client {
    struct uuid uuid;
    char secret[SECRET_TEXT_LEN + 1];
    char owner[64];
};

static struct client client_of(unsigned n)
{
    struct client c = {0};
    char text[UUID_TEXT_LEN + 1];

    (void)snprintf(text, sizeof text, "00000000-0000-4000-8000-%012u", n);
    assert_int_equal(uuid_parse(&c.uuid, text, UUID_TEXT_LEN), ERR_OK);
    (void)snprintf(c.secret, sizeof c.secret, "%040u", n);
    (void)snprintf(c.owner, sizeof c.owner, "sub%u.auth.example.org", n);
    return c;
}

/* A store with credentials as an import leaves them. */
static void import_clients(struct harness *h, const char *cost)
{
    struct import_acmedns_options o = {.store_path = h->path, .settings = &h->settings, .clock = &h->clock};
    struct import_acmedns_report report = {0};
    struct acmedns_source *src;
    struct crypt_data *crypt = calloc(1, sizeof *crypt);
    struct text why;
    char path[128], sql[1000], salt[64];
    sqlite3 *db;

    assert_non_null(crypt);
    assert_int_equal(sqlite3_open(temp_path(&h->dir, path, "acme-dns.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "CREATE TABLE records (Username, Password, Subdomain, AllowFrom)", NULL, NULL, NULL),
        SQLITE_OK);
    (void)snprintf(salt, sizeof salt, "%sabcdefghijklmnopqrstuu", cost);
    for (unsigned i = 0; i < CREDENTIALS; i++) {
        struct client c = client_of(i);
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO records VALUES ('00000000-0000-4000-8000-%012u', '%s', 'sub%u', '[]')", i,
                       crypt_r(c.secret, salt, crypt), i);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    (void)sqlite3_close(db);
    free(crypt);
    text_init(&why, 1000);
    text_init(&report.notes, 1000);
    assert_int_equal(acmedns_source_open(&src, path, path, &why), ERR_OK);
    assert_int_equal(import_acmedns(src, &o, &report, &why), ERR_OK);
    assert_int_equal(report.imported, CREDENTIALS);
    acmedns_source_free(src);
    text_fini(&why);
    text_fini(&report.notes);
}

static struct request *update(const struct client *c, unsigned value, const char *from)
{
    struct request *r = add_request(c->owner, value);

    r->u.values.name.text = arena_copy(&r->arena, c->owner, strlen(c->owner));
    assert_non_null(r->u.values.name.text);
    r->caller.door = DOOR_ACMEDNS;
    r->caller.auth = AUTH_SECRET;
    r->caller.credential = c->uuid;
    memcpy(r->caller.secret, c->secret, sizeof c->secret);
    r->caller.client = parse_addr(from);
    return r;
}

static void count_slow(struct seen_state *s, const struct state *state)
{
    s->number = state_counts(state).secrets_bcrypt;
}

static uint64_t slow_secrets(struct harness *h)
{
    struct seen_state s = {.look = count_slow};

    look_at(h, &s);
    return s.number;
}

static unsigned checks_done(struct harness *h, const char *result)
{
    struct metrics_source m = committer_metrics(h->c);
    struct text out;
    char wanted[100];
    const char *found;
    unsigned n = 0;

    text_init(&out, 1 << 20);
    m.collect(m.self, &out);
    (void)snprintf(wanted, sizeof wanted, "riposte_secret_checks_total{result=\"%s\"} ", result);
    found = strstr(out.bytes, wanted);
    assert_non_null(found);
    assert_int_equal(sscanf(found + strlen(wanted), "%u", &n), 1);
    text_fini(&out);
    return n;
}

static void a_right_secret_works_and_is_fast_from_then_on(void **state)
{
    struct harness *h = *state;
    struct client c = client_of(1);
    struct result res;

    import_clients(h, COST);
    harness_start(h);
    assert_int_equal(slow_secrets(h), CREDENTIALS);
    res = run(h, update(&c, 1, "192.0.2.1"));
    assert_done(res);
    assert_int_equal(res.added, 1);
    assert_int_equal(slow_secrets(h), CREDENTIALS - 1);
    assert_done(run(h, update(&c, 2, "192.0.2.1")));
    assert_int_equal(checks_done(h, "right"), 1);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(slow_secrets(h), CREDENTIALS - 1);
    assert_done(run(h, update(&c, 3, "192.0.2.1")));
    assert_int_equal(checks_done(h, "right"), 0);
    assert_int_equal(checks_done(h, "wrong"), 0);
}

static void a_wrong_secret_is_refused_and_the_right_one_still_works(void **state)
{
    struct harness *h = *state;
    struct client c = client_of(2);
    struct client wrong = c;
    struct result res;

    wrong.secret[0] = 'x';
    import_clients(h, COST);
    harness_start(h);
    res = run(h, update(&wrong, 1, "192.0.2.1"));
    assert_int_equal(res.outcome, OUTCOME_REFUSED);
    assert_int_equal(res.refusal, REFUSAL_UNAUTHENTICATED);
    assert_false(res.authenticated);
    assert_int_equal(checks_done(h, "wrong"), 1);
    assert_done(run(h, update(&c, 1, "192.0.2.1")));
    assert_int_equal(run(h, update(&wrong, 2, "192.0.2.1")).refusal, REFUSAL_UNAUTHENTICATED);
    assert_int_equal(checks_done(h, "wrong"), 1); /* there is nothing slow left to compare with */
}

static void who_is_not_known_costs_nothing(void **state)
{
    struct harness *h = *state;
    struct client c = client_of(99);

    import_clients(h, COST);
    harness_start(h);
    assert_int_equal(run(h, update(&c, 1, "192.0.2.1")).refusal, REFUSAL_UNAUTHENTICATED);
    assert_int_equal(checks_done(h, "wrong"), 0);
}

static void requests_of_one_secret_share_one_computation(void **state)
{
    enum { N = 50 };
    struct harness *h = *state;
    struct client c = client_of(0);
    struct waiting *w = calloc(N, sizeof *w);

    assert_non_null(w);
    import_clients(h, "$2a$09$");
    harness_start(h);
    for (unsigned i = 0; i < N; i++)
        submit(h, update(&c, i, "192.0.2.1"), &w[i]);
    for (unsigned i = 0; i < N; i++) {
        wait_for(&w[i]);
        assert_done(w[i].result);
    }
    assert_true(checks_done(h, "right") <= 2); /* the second: what came while the first was under way */
    assert_int_equal(values_in_state(h), N);
    free(w);
}

static void changes_of_others_do_not_wait_for_a_check(void **state)
{
    struct harness *h = *state;
    struct client slow = client_of(0);
    struct waiting w = {0};

    import_clients(h, "$2a$12$"); /* a quarter of a second, more here */
    harness_start(h);
    make_names(h, 1);
    submit(h, update(&slow, 1, "192.0.2.1"), &w);
    for (unsigned i = 0; i < 5; i++)
        assert_done(run(h, add_request("w0.auth.example.org", i)));
    assert_false(atomic_load(&w.answered));
    wait_for(&w);
    assert_done(w.result);
}

/* Who guesses secrets of a credential from elsewhere keeps neither its holder nor others out. */
static void guessing_does_not_keep_right_secrets_out(void **state)
{
    enum { GUESSES = 1500 };
    struct harness *h = *state;
    struct client c = client_of(0);
    struct client neighbour = client_of(1);
    struct waiting *w = calloc(GUESSES, sizeof *w);
    unsigned refused = 0;

    assert_non_null(w);
    h->options.commit_timeout_ms = 4000;
    import_clients(h, COST);
    harness_start(h);
    for (unsigned i = 0; i < GUESSES; i++) {
        struct client guess = c;
        (void)snprintf(guess.secret, sizeof guess.secret, "x%039u", i);
        submit(h, update(&guess, 1, "198.51.100.66"), &w[i]);
    }
    assert_done(run(h, update(&c, 1, "192.0.2.1")));
    assert_done(run(h, update(&neighbour, 1, "198.51.100.66")));
    for (unsigned i = 0; i < GUESSES; i++) {
        wait_for(&w[i]);
        assert_int_not_equal(w[i].result.outcome, OUTCOME_DONE);
        refused += w[i].result.refusal == REFUSAL_RATE ? 1u : 0u;
    }
    assert_true(refused > 0);                   /* there is room for some only */
    assert_true(checks_done(h, "wrong") < 100); /* a few a second */
    free(w);
}

static void who_waits_too_long_is_told_and_nothing_happens_later(void **state)
{
    struct harness *h = *state;
    struct client others[CREDENTIALS] = {client_of(0), client_of(1), client_of(2), client_of(3)};
    struct waiting w[CREDENTIALS] = {0};
    struct request *r;
    unsigned late = 0;

    import_clients(h, "$2a$13$");
    harness_start(h);
    for (unsigned i = 0; i < CREDENTIALS; i++) {
        r = update(&others[i], 1, "192.0.2.1");
        r->deadline_mono_ms = clock_mono_ms(&h->clock) + 100;
        submit(h, r, &w[i]);
    }
    for (unsigned i = 0; i < CREDENTIALS; i++) {
        wait_for(&w[i]);
        late += w[i].result.refusal == REFUSAL_STORE_UNAVAILABLE ? 1u : 0u;
        assert_int_not_equal(w[i].result.outcome, OUTCOME_DONE);
    }
    assert_int_equal(late, CREDENTIALS);
    assert_non_null(strstr(w[0].result.detail, "could not be compared in time"));
    assert_int_equal(values_in_state(h), 0);
}

static void a_stop_answers_who_is_parked(void **state)
{
    struct harness *h = *state;
    struct client clients[CREDENTIALS] = {client_of(0), client_of(1), client_of(2), client_of(3)};
    struct waiting w[CREDENTIALS] = {0};

    import_clients(h, "$2a$12$");
    harness_start(h);
    for (unsigned i = 0; i < CREDENTIALS; i++)
        submit(h, update(&clients[i], 1, "192.0.2.1"), &w[i]);
    pause_ms(20);
    harness_stop(h);
    for (unsigned i = 0; i < CREDENTIALS; i++) {
        assert_int_equal(atomic_load(&w[i].calls), 1);
        if (w[i].result.outcome != OUTCOME_DONE)
            assert_int_equal(w[i].result.refusal, REFUSAL_STORE_UNAVAILABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_right_secret_works_and_is_fast_from_then_on, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_secret_is_refused_and_the_right_one_still_works, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_known_costs_nothing, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(requests_of_one_secret_share_one_computation, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(changes_of_others_do_not_wait_for_a_check, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(guessing_does_not_keep_right_secrets_out, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(who_waits_too_long_is_told_and_nothing_happens_later, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(a_stop_answers_who_is_parked, harness_set_up, harness_tear_down),
    };

    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    return crypto_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
