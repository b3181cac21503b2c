#include "core/keyring.h"

#include "core/decide_fixture.h"
#include "core/quiet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <urcu-qsbr.h>

#define MANY 300

static const struct seal_key seal = {{9}};

struct ring {
    struct world *w;
    struct keyring *k;
};

static void open_ring(struct ring *r)
{
    r->w = world_new();
    r->w->d.seal = &seal;
    r->w->settings.limits.changes = (struct rate){0};
    assert_int_equal(keyring_new(&r->k), ERR_OK);
    make_account(r->w, "infra");
    make_name(r->w, "infra", "web");
}

static void close_ring(struct ring *r)
{
    keyring_free(r->k);
    world_free(r->w);
}

/* What the committer does with each batch. */
static void publish_last(struct ring *r)
{
    const struct entry *entries[] = {&r->w->e};

    assert_int_equal(keyring_stage(r->k, &seal, r->w->s, entries, 1), ERR_OK);
    keyring_publish(r->k);
    keyring_reclaim(r->k);
}

static struct uuid make_credential(struct ring *r, bool tsig)
{
    struct name_ref ref = ref_of(NAME_REF_ANY, "web");
    struct request q = credential_request(r->w, NULL, &ref);

    q.u.credential.tsig = tsig;
    assert_done(r->w, &q);
    assert_int_equal(strlen(r->w->res.secret), tsig ? TSIG_KEY_TEXT_LEN : SECRET_TEXT_LEN);
    publish_last(r);
    return state_credential(r->w->s, r->w->res.credential)->uuid;
}

static void change(struct ring *r, enum request_kind kind, const struct uuid *u, int64_t overlap_s)
{
    struct request q = request_of(r->w, kind, AUTH_LOCAL);
    char text[UUID_TEXT_LEN + 1];

    q.u.credential.credential.text = uuid_format(u, text);
    q.u.credential.overlap_s = overlap_s;
    q.u.credential.tsig = true;
    assert_done(r->w, &q);
    publish_last(r);
}

static void credentials_with_tsig_keys_are_found_and_others_are_not(void **state)
{
    struct ring r;
    struct uuid with, without;
    const struct keyring_entry *e;

    (void)state;
    open_ring(&r);
    with = make_credential(&r, true);
    without = make_credential(&r, false);
    e = keyring_find(r.k, &with);
    assert_non_null(e);
    assert_int_equal(e->n, 1);
    assert_true(uuid_equal(&e->credential, &with));
    assert_true(keyring_key_is_live(&e->keys[0], NOW));
    assert_null(keyring_find(r.k, &without));
    close_ring(&r);
}

static void rotation_keeps_the_old_key_for_the_overlap_and_drops_it_without(void **state)
{
    struct ring r;
    struct uuid u;
    const struct keyring_entry *e;
    uint32_t first, second;

    (void)state;
    open_ring(&r);
    u = make_credential(&r, true);
    first = keyring_find(r.k, &u)->keys[0].secret;
    change(&r, REQUEST_CREDENTIAL_ROTATE, &u, HOUR);
    e = keyring_find(r.k, &u);
    assert_int_equal(e->n, 2);
    assert_int_equal(e->keys[0].secret, first);
    assert_true(keyring_key_is_live(&e->keys[0], NOW + HOUR - 1));
    assert_false(keyring_key_is_live(&e->keys[0], NOW + HOUR));
    assert_true(keyring_key_is_live(&e->keys[1], NOW + HOUR));
    assert_memory_not_equal(e->keys[0].bytes, e->keys[1].bytes, TSIG_KEY_LEN);
    second = e->keys[1].secret;
    change(&r, REQUEST_CREDENTIAL_ROTATE, &u, 0);
    e = keyring_find(r.k, &u);
    assert_int_equal(e->n, 1);
    assert_int_not_equal(e->keys[0].secret, second);
    change(&r, REQUEST_CREDENTIAL_REVOKE, &u, 0);
    assert_int_equal(keyring_find(r.k, &u)->n, 1); /* its holder is told the reason, signed */
    close_ring(&r);
}

static void loading_gives_the_same_as_what_was_published_step_by_step(void **state)
{
    struct uuid made[MANY];
    struct keyring *loaded;
    struct ring r;
    size_t unreadable = 1;

    (void)state;
    open_ring(&r);
    for (size_t i = 0; i < MANY; i++)
        made[i] = make_credential(&r, i % 3 != 0);
    assert_int_equal(keyring_new(&loaded), ERR_OK);
    assert_int_equal(keyring_stage_all(loaded, &seal, r.w->s, &unreadable), ERR_OK);
    assert_null(keyring_find(loaded, &made[1]));
    keyring_publish(loaded);
    keyring_reclaim(loaded);
    assert_int_equal(unreadable, 0);
    for (size_t i = 0; i < MANY; i++) {
        const struct keyring_entry *a = keyring_find(r.k, &made[i]), *b = keyring_find(loaded, &made[i]);

        assert_int_equal(a == NULL, i % 3 == 0);
        assert_int_equal(b == NULL, i % 3 == 0);
        if (a != NULL)
            assert_memory_equal(&a->keys[0], &b->keys[0], sizeof a->keys[0]);
    }
    /* Loading again, as after a failure of the store, replaces all of it. */
    assert_int_equal(keyring_stage_all(loaded, &seal, r.w->s, &unreadable), ERR_OK);
    keyring_unstage(loaded);
    assert_non_null(keyring_find(loaded, &made[1]));
    assert_int_equal(keyring_stage_all(loaded, NULL, r.w->s, &unreadable), ERR_OK);
    keyring_publish(loaded);
    keyring_reclaim(loaded);
    assert_int_equal(unreadable, MANY - MANY / 3);
    assert_int_equal(keyring_find(loaded, &made[1])->n, 0);
    keyring_free(loaded);
    close_ring(&r);
}

static void without_a_sealing_key_no_tsig_key_is_made(void **state)
{
    struct name_ref ref = ref_of(NAME_REF_ANY, "web");
    struct request q;
    struct ring r;

    (void)state;
    open_ring(&r);
    r.w->d.seal = NULL;
    q = credential_request(r.w, NULL, &ref);
    q.u.credential.tsig = true;
    assert_refused(r.w, &q, REFUSAL_CONFLICT);
    close_ring(&r);
}

/* ---- readers beside the writer ---- */

struct race {
    const struct keyring *k;
    struct uuid steady;
    atomic_bool stop;
    atomic_ulong missed, found;
};

static void *read_on(void *arg)
{
    struct race *race = arg;

    rcu_register_thread();
    while (!atomic_load(&race->stop)) {
        const struct keyring_entry *e = keyring_find(race->k, &race->steady);

        if (e == NULL || e->n == 0 || !uuid_equal(&e->credential, &race->steady) || e->keys[0].secret == 0)
            atomic_fetch_add(&race->missed, 1);
        atomic_fetch_add(&race->found, 1);
        become_quiet();
    }
    rcu_unregister_thread();
    return NULL;
}

static void a_reader_always_finds_a_key_that_is_there(void **state)
{
    struct race race = {.stop = false};
    pthread_t reader;
    struct ring r;

    (void)state;
    open_ring(&r);
    race.k = r.k;
    race.steady = make_credential(&r, true);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &race), 0);
    for (size_t i = 0; i < MANY; i++) { /* the array grows several times */
        (void)make_credential(&r, true);
        change(&r, REQUEST_CREDENTIAL_ROTATE, &race.steady, i % 2 == 0 ? HOUR : 0);
    }
    while (atomic_load(&race.found) == 0)
        ;
    atomic_store(&race.stop, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(atomic_load(&race.missed), 0);
    close_ring(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_with_tsig_keys_are_found_and_others_are_not),
        cmocka_unit_test(rotation_keeps_the_old_key_for_the_overlap_and_drops_it_without),
        cmocka_unit_test(loading_gives_the_same_as_what_was_published_step_by_step),
        cmocka_unit_test(without_a_sealing_key_no_tsig_key_is_made),
        cmocka_unit_test(a_reader_always_finds_a_key_that_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
