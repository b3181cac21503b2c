/* Deciding for credentials whose secret was imported with a slow hash. No hash is computed here: whoever decides
 * does that, and tells. */
#include "core/decide.h"

#include "base/bcrypt.h"
#include "core/decide_fixture.h"

#define HASH   "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"
#define OTHER  "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcgb"
#define SECRET "abcdefghijklmnopqrstuvwxyzabcdefghijklmn"

struct slow {
    struct world *w;
    struct holder h;
    char value[VALUE_CHALLENGE_LEN + 1];
    struct value_text text;
    struct request r; /* to add the value, by the holder of SECRET */
    uint32_t secret;  /* id of the slow one */
};

static void fold_both(struct world *w, const struct effect *f)
{
    assert_int_equal(state_fold(w->s, w->seq, f), ERR_OK);
    assert_int_equal(state_fold(w->replica, w->seq, f), ERR_OK);
}

/* A credential that has the slow secret and no other. */
static void set_up(struct slow *s)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    const struct credential *cred;

    *s = (struct slow){.w = world_new()};
    (void)make_account(s->w, "infra");
    (void)make_name(s->w, "infra", "one");
    s->h = make_holder(s->w, "one", "web9");
    s->secret = state_last_secret(s->w->s) + 1;
    f.u.secret = (struct effect_secret){.id = s->secret,
                                        .credential = s->h.id,
                                        .kind = SECRET_BCRYPT,
                                        .len = BCRYPT_TEXT_LEN,
                                        .data = (const uint8_t *)HASH,
                                        .starts_s = NOW};
    fold_both(s->w, &f);
    cred = state_credential(s->w->s, s->h.id);
    f.kind = EFFECT_SECRET_ENDED;
    f.u.secret.id = credential_secret(s->w->s, cred, 0).id;
    f.u.secret.len = 0;
    fold_both(s->w, &f);
    assert_int_equal(state_counts(s->w->s).secrets_bcrypt, 1);
    memcpy(s->h.secret, SECRET, sizeof SECRET);
    memcpy(s->value, challenge_of("a", 1).text, sizeof s->value);
    s->text = text_of(s->value);
    s->r = values_request(request_by(s->w, REQUEST_VALUE_ADD, &s->h), "one", &s->text, 1);
}

static struct proof proof_of(const char *hash, bool is_right)
{
    struct proof p = {.is_made = true, .is_right = is_right, .len = BCRYPT_TEXT_LEN};

    memcpy(p.hash, hash, BCRYPT_TEXT_LEN);
    return p;
}

static enum err decide_plainly(struct slow *s, const struct request *r)
{
    entry_fini(&s->w->e);
    s->w->d.seq = s->w->seq + 1;
    return decide(&s->w->d, r, &s->w->e, &s->w->res);
}

static bool asks_for_a_check(struct slow *s, const struct request *r)
{
    assert_int_equal(decide_plainly(s, r), ERR_OK);
    if (s->w->d.check != NULL)
        assert_int_equal(s->w->e.n_effects, 0);
    return s->w->d.check != NULL;
}

static void nothing_is_decided_before_the_secret_was_compared(void **state)
{
    struct slow s;

    (void)state;
    set_up(&s);
    assert_true(asks_for_a_check(&s, &s.r));
    assert_int_equal(s.w->d.check->id, s.secret);
    assert_memory_equal(s.w->d.check->data, HASH, BCRYPT_TEXT_LEN);
    assert_false(s.w->res.authenticated);
    assert_int_equal(state_counts(s.w->s).values, 0);
    world_free(s.w);
}

static void a_right_secret_is_replaced_by_its_fast_hash_with_the_first_change(void **state)
{
    const struct credential *cred;
    uint8_t hash[SHA256_LEN];
    struct slow s;

    (void)state;
    set_up(&s);
    s.r.proof = proof_of(HASH, true);
    assert_done(s.w, &s.r);
    assert_int_equal(s.w->res.added, 1);
    assert_int_equal(effects_of(s.w, EFFECT_SECRET_ENDED), 1);
    assert_int_equal(effects_of(s.w, EFFECT_SECRET_ADDED), 1);
    cred = state_credential(s.w->s, s.h.id);
    assert_int_equal(credential_n_secrets(cred), 1);
    assert_int_equal(credential_secret(s.w->s, cred, 0).kind, SECRET_SHA256);
    assert_int_equal(credential_secret(s.w->s, cred, 0).starts_s, NOW);
    assert_int_equal(crypto_sha256(hash, SECRET, SECRET_TEXT_LEN), ERR_OK);
    assert_memory_equal(credential_secret(s.w->s, cred, 0).data, hash, SHA256_LEN);
    assert_int_equal(state_counts(s.w->s).secrets_bcrypt, 0);
    assert_true(state_is_observed(s.w->s, cred->id));
    s.r.proof = (struct proof){0}; /* from now on nothing is asked */
    assert_done(s.w, &s.r);
    assert_null(s.w->d.check);
    assert_int_equal(s.w->res.renewed, 1);
    world_free(s.w);
}

static void it_is_replaced_also_when_the_request_is_refused(void **state)
{
    struct slow s;

    (void)state;
    set_up(&s);
    s.r.proof = proof_of(HASH, true);
    s.text = text_of("no challenge");
    assert_int_equal(decide_plainly(&s, &s.r), ERR_OK);
    assert_int_equal(s.w->res.refusal, REFUSAL_NOT_A_CHALLENGE_VALUE);
    assert_true(s.w->res.authenticated);
    assert_false(s.w->res.is_change);
    assert_int_equal(s.w->e.n_effects, 2);
    assert_int_equal(s.w->e.credential, s.h.id);
    s.w->seq++;
    replay(s.w, &s.w->e);
    assert_int_equal(state_counts(s.w->s).secrets_bcrypt, 0);
    assert_int_equal(state_counts(s.w->s).values, 0);
    world_free(s.w);
}

static void a_wrong_secret_is_refused_and_nothing_else_happens(void **state)
{
    struct slow s;

    (void)state;
    set_up(&s);
    s.r.proof = proof_of(HASH, false);
    assert_refused(s.w, &s.r, REFUSAL_UNAUTHENTICATED);
    assert_string_equal(s.w->res.detail, "wrong secret for web9");
    assert_int_equal(state_counts(s.w->s).secrets_bcrypt, 1);
    world_free(s.w);
}

static void a_proof_says_nothing_about_another_hash(void **state)
{
    struct slow s;

    (void)state;
    set_up(&s);
    s.r.proof = proof_of(OTHER, true);
    assert_true(asks_for_a_check(&s, &s.r));
    s.r.proof = proof_of(OTHER, false);
    assert_true(asks_for_a_check(&s, &s.r));
    world_free(s.w);
}

static void what_cannot_be_the_secret_costs_no_check(void **state)
{
    static const char *const secrets[] = {"", "short", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUi",
                                          "abcdefghijklmnopqrstuvwxyzabcdefghijklm", /* 39 */
                                          "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"};
    struct slow s;

    (void)state;
    set_up(&s);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        memcpy(s.r.caller.secret, secrets[i], strlen(secrets[i]) + 1);
        assert_refused(s.w, &s.r, REFUSAL_UNAUTHENTICATED);
        assert_null(s.w->d.check);
    }
    s.r.caller.credential.b[0] ^= 1; /* nobody's */
    assert_refused(s.w, &s.r, REFUSAL_UNAUTHENTICATED);
    assert_null(s.w->d.check);
    world_free(s.w);
}

static void a_rotation_by_its_holder_ends_the_slow_secret(void **state)
{
    struct slow s;
    struct request r;

    (void)state;
    set_up(&s);
    r = request_by(s.w, REQUEST_CREDENTIAL_ROTATE, &s.h);
    r.u.credential.credential.text = s.h.uuid_text;
    r.proof = proof_of(HASH, true);
    assert_done(s.w, &r);
    assert_int_equal(credential_n_secrets(state_credential(s.w->s, s.h.id)), 1);
    assert_int_equal(state_counts(s.w->s).secrets_bcrypt, 0);
    assert_int_equal(effects_of(s.w, EFFECT_SECRET_ADDED), 1);
    assert_int_equal(strlen(s.w->res.secret), SECRET_TEXT_LEN);
    world_free(s.w);
}

static void with_an_overlap_it_lives_as_long_as_that_and_fast(void **state)
{
    const struct credential *cred;
    struct slow s;
    struct request r;

    (void)state;
    set_up(&s);
    r = request_by(s.w, REQUEST_CREDENTIAL_ROTATE, &s.h);
    r.u.credential.credential.text = s.h.uuid_text;
    r.u.credential.overlap_s = HOUR;
    r.proof = proof_of(HASH, true);
    assert_done(s.w, &r);
    cred = state_credential(s.w->s, s.h.id);
    assert_int_equal(credential_n_secrets(cred), 2);
    assert_int_equal(credential_secret(s.w->s, cred, 1).ends_s, NOW + HOUR);
    assert_done(s.w, &s.r);
    assert_null(s.w->d.check);
    later(s.w, HOUR);
    assert_refused(s.w, &s.r, REFUSAL_UNAUTHENTICATED);
    world_free(s.w);
}

static void the_secrets_of_revoked_credentials_are_not_counted(void **state)
{
    struct slow s;
    struct request r;

    (void)state;
    set_up(&s);
    r = request_of(s.w, REQUEST_CREDENTIAL_REVOKE, AUTH_LOCAL);
    r.u.credential.credential.text = s.h.uuid_text;
    assert_done(s.w, &r);
    assert_int_equal(state_counts(s.w->s).secrets_bcrypt, 0);
    world_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_decided_before_the_secret_was_compared),
        cmocka_unit_test(a_right_secret_is_replaced_by_its_fast_hash_with_the_first_change),
        cmocka_unit_test(it_is_replaced_also_when_the_request_is_refused),
        cmocka_unit_test(a_wrong_secret_is_refused_and_nothing_else_happens),
        cmocka_unit_test(a_proof_says_nothing_about_another_hash),
        cmocka_unit_test(what_cannot_be_the_secret_costs_no_check),
        cmocka_unit_test(a_rotation_by_its_holder_ends_the_slow_secret),
        cmocka_unit_test(with_an_overlap_it_lives_as_long_as_that_and_fast),
        cmocka_unit_test(the_secrets_of_revoked_credentials_are_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
