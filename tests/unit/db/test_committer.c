/* The committer over a healthy store: what its header and core/change_sink.h promise. */
#include "db/committer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "base/crypto.h"
#include "base/log.h"
#include "db/committer_internal.h"
#include "db/harness.h"
#include "db/sqlite_conn.h"

#define W0 "w0.auth.example.org"

static void a_start_stores_the_zones_and_publishes_them(void **state)
{
    struct harness *h = *state;
    struct name apex = parse_name("auth.example.org");
    const struct table_zone *zone;
    struct sink_status s;

    assert_null(table_slot_read(&h->slot));
    harness_start(h);
    zone = table_find_zone(table_slot_read(&h->slot), &apex);
    assert_non_null(zone);
    assert_true(table_zone_serial(zone) > TIME_0);
    s = status_of(h);
    assert_true(s.ready);
    assert_true(s.store_ok);
    assert_string_equal(s.store_problem, "");
    assert_string_equal(s.store_path, h->path);
    assert_int_equal(s.seq, 1);
    assert_true(s.store_octets > 0);
    assert_true(s.free_octets > 0);
    harness_stop(h);
    assert_null(table_slot_read(&h->slot));
    harness_start(h); /* nothing to change: no entry */
    assert_int_equal(status_of(h).seq, 1);
}

static void when_the_answer_comes_dns_has_it_and_it_is_durable(void **state)
{
    struct harness *h = *state;
    struct result res;
    uint32_t serial;

    harness_start(h);
    make_names(h, 1);
    for (unsigned i = 1; i <= 3; i++) {
        struct waiting w = {.owner = W0, .txt_count = i};
        submit(h, add_request(W0, i), &w);
        wait_for(&w);
        assert_done(w.result);
        assert_true(w.had_state);
        assert_true(w.dns_has_it);
        assert_true(w.result.is_change);
        assert_int_equal(w.result.added, 1);
        assert_int_equal(w.result.seq, 3 + i);
        assert_true(w.result.serial != 0);
        serial = w.result.serial;
    }
    res = run(h, add_request(W0, 3)); /* a renewal: DNS shows nothing of it */
    assert_done(res);
    assert_int_equal(res.renewed, 1);
    assert_int_equal(res.serial, serial);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(dns_txt_count(h, W0), 3);
    assert_int_equal(status_of(h).seq, 7);
}

static void a_refusal_changes_nothing_and_is_kept(void **state)
{
    struct harness *h = *state;
    struct refusal_record rec[4];
    struct result res;
    struct request *r;

    harness_start(h);
    make_names(h, 1);
    res = run(h, add_request("nobody.auth.example.org", 1));
    assert_int_equal(res.outcome, OUTCOME_REFUSED);
    r = add_request(W0, 1);
    r->caller.auth = AUTH_SECRET;
    r->caller.door = DOOR_ACMEDNS;
    memset(r->caller.credential.b, 7, sizeof r->caller.credential.b);
    res = run(h, r);
    assert_int_equal(res.refusal, REFUSAL_UNAUTHENTICATED);
    assert_int_equal(status_of(h).seq, 3);
    assert_int_equal(refusals_read(h->refusals, 0, rec, 4), 2);
    assert_int_equal(rec[0].reason, REFUSAL_UNAUTHENTICATED);
    assert_int_equal(rec[0].door, DOOR_ACMEDNS);
    assert_string_equal(rec[0].who, "07070707-0707-0707-0707-070707070707");
    assert_string_equal(rec[0].name, W0);
    assert_string_equal(rec[0].request_id, "7Q2K-0M1D");
    assert_string_equal(rec[1].who, "administrator");
    assert_string_equal(rec[1].name, "nobody.auth.example.org");
    assert_true(rec[1].detail[0] != '\0');
}

static void find_credential_id(struct seen_state *s, const struct state *state)
{
    s->uuid = state_credential(state, s->id)->uuid;
}

static struct request *secret_add(struct harness *h, const struct result *made, unsigned n)
{
    struct seen_state s = {.look = find_credential_id, .id = made->credential};
    struct request *r = add_request(W0, n);

    look_at(h, &s);
    r->caller.auth = AUTH_SECRET;
    r->caller.door = DOOR_V1;
    r->caller.client = parse_addr("192.0.2.33");
    r->caller.credential = s.uuid;
    memcpy(r->caller.secret, made->secret, sizeof made->secret);
    return r;
}

static void a_revocation_stops_the_very_next_change_of_the_same_batch(void **state)
{
    struct harness *h = *state;
    struct waiting first = {0}, revoked = {0}, second = {0}, blocker = {0};
    struct request *r, *add1, *add2;
    struct refusal_record rec;
    struct result made;

    harness_start(h);
    make_names(h, 1);
    made = make_credential(h, W0, "web1");
    assert_done(made);
    add1 = secret_add(h, &made, 1);
    add2 = secret_add(h, &made, 2);
    r = local_request(REQUEST_CREDENTIAL_REVOKE);
    r->u.credential.credential = (struct credential_ref){.text = "web1", .name = owner_ref(W0)};
    atomic_store(&h->vfs.hang, 1); /* so that the three become one batch */
    submit(h, add_request(W0, 99), &blocker);
    pause_ms(30);
    submit(h, add1, &first);
    submit(h, r, &revoked);
    submit(h, add2, &second);
    atomic_store(&h->vfs.hang, 0);
    wait_for(&first);
    wait_for(&revoked);
    wait_for(&second);
    wait_for(&blocker);
    assert_done(first.result);
    assert_done(revoked.result);
    assert_int_equal(second.result.outcome, OUTCOME_REFUSED);
    assert_int_equal(second.result.refusal, REFUSAL_REVOKED);
    assert_true(second.result.authenticated);
    assert_int_equal(refusals_read(h->refusals, 0, &rec, 1), 1);
    assert_string_equal(rec.who, "web1");
    assert_string_equal(run(h, secret_add(h, &made, 3)).detail, second.result.detail);
}

static void while_the_disk_is_slow_many_share_few_commits(void **state)
{
    enum { CLIENTS = 64 };
    struct harness *h = *state;
    static struct waiting w[CLIENTS];
    int before;
    uint64_t seq;

    harness_start(h);
    make_names(h, 1);
    memset(w, 0, sizeof w);
    seq = status_of(h).seq;
    atomic_store(&h->vfs.sync_us, 5000);
    before = atomic_load(&h->vfs.syncs);
    for (unsigned i = 0; i < CLIENTS; i++)
        submit(h, add_request(W0, i), &w[i]);
    for (unsigned i = 0; i < CLIENTS; i++) {
        wait_for(&w[i]);
        assert_done(w[i].result);
    }
    assert_true(atomic_load(&h->vfs.syncs) - before <= 5);
    assert_int_equal(status_of(h).seq, seq + CLIENTS);
    atomic_store(&h->vfs.sync_us, 0);
    assert_int_equal(dns_txt_count(h, W0), CLIENTS);
}

static void additions_of_one_batch_see_each_other(void **state)
{
    enum { CLIENTS = 80 }; /* 64 values are the budget */
    struct harness *h = *state;
    static struct waiting w[CLIENTS];
    unsigned evicted = 0;

    harness_start(h);
    make_names(h, 1);
    memset(w, 0, sizeof w);
    for (unsigned i = 0; i < CLIENTS; i++)
        submit(h, add_request(W0, i), &w[i]);
    for (unsigned i = 0; i < CLIENTS; i++) {
        wait_for(&w[i]);
        assert_done(w[i].result);
        evicted += w[i].result.evicted_young;
    }
    assert_int_equal(evicted, CLIENTS - 64);
    assert_int_equal(dns_txt_count(h, W0), 64);
}

/* ---- time ---- */

static void wait_for_values(struct harness *h, uint64_t n)
{
    for (int i = 0; i < 2000 && values_in_state(h) != n; i++)
        pause_ms(1);
    assert_int_equal(values_in_state(h), n);
}

static void values_expire_by_themselves_and_leave_dns(void **state)
{
    struct harness *h = *state;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    test_clock_advance_s(&h->fake, 24 * 3600);
    assert_done(run(h, add_request(W0, 2)));
    test_clock_advance_s(&h->fake, 48 * 3600 - 1);
    wait_for_values(h, 2);
    test_clock_advance_s(&h->fake, 1);
    wait_for_values(h, 1);
    test_clock_advance_s(&h->fake, 24 * 3600);
    wait_for_values(h, 0);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(dns_txt_count(h, W0), 0);
}

static void after_a_jump_of_the_clock_nothing_expires_for_an_hour(void **state)
{
    struct harness *h = *state;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    (void)atomic_fetch_add(&h->fake.real_us, (int64_t)100 * 3600 * 1000000); /* only this one */
    wait_for_values(h, 1);
    test_clock_advance_s(&h->fake, 3599);
    wait_for_values(h, 1);
    pause_ms(20);
    assert_int_equal(values_in_state(h), 1);
    test_clock_advance_s(&h->fake, 1);
    wait_for_values(h, 0);
}

static bool keep_times(void *arg, const struct entry *e)
{
    int64_t *last = arg;

    assert_true(e->time_s >= *last);
    *last = e->time_s;
    return true;
}

static void journal_time_never_goes_back(void **state)
{
    struct harness *h = *state;
    int64_t last = 0;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_done(run(h, add_request(W0, i)));
        (void)atomic_fetch_sub(&h->fake.real_us, (int64_t)3600 * 1000000);
    }
    harness_stop(h);
    harness_start(h);
    assert_done(run(h, add_request(W0, 9)));
    assert_int_equal(h->sink.journal(h->sink.self, &(struct journal_filter){0}, keep_times, &last), ERR_OK);
    assert_int_equal(last, TIME_0);
}

static bool count_entries(void *arg, const struct entry *e)
{
    assert_int_equal(e->seq, ++*(uint64_t *)arg);
    return true;
}

static uint64_t journal_entries(struct harness *h)
{
    uint64_t n = 0;

    assert_int_equal(h->sink.journal(h->sink.self, &(struct journal_filter){0}, count_entries, &n), ERR_OK);
    return n;
}

static void expire_credential(struct harness *h, const char *label, int64_t expires_s)
{
    struct request *r = local_request(REQUEST_CREDENTIAL_SET);

    r->u.credential.credential = (struct credential_ref){.text = label, .name = owner_ref(W0)};
    r->u.credential.has_expires = true;
    r->u.credential.expires_s = expires_s;
    assert_done(run(h, r));
}

#define DAYS_S(n) ((int64_t)(n)*24 * 3600)

static void move_real_clock(struct harness *h, int64_t s)
{
    (void)atomic_fetch_add(&h->fake.real_us, s * 1000000);
}

static void values_outlive_a_clock_that_was_far_ahead_for_a_while(void **state)
{
    struct harness *h = *state;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    move_real_clock(h, DAYS_S(400));
    assert_done(run(h, add_request(W0, 2)));
    move_real_clock(h, -DAYS_S(400));
    test_clock_advance_s(&h->fake, 2 * 3600);
    assert_done(run(h, add_request(W0, 3)));
    assert_int_equal(values_in_state(h), 3);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(values_in_state(h), 3);
    test_clock_advance_s(&h->fake, DAYS_S(3)); /* their lifetime; of the second it counts from then */
    wait_for_values(h, 1);
    test_clock_advance_s(&h->fake, DAYS_S(400));
    wait_for_values(h, 0);
}

static void credentials_outlive_a_clock_that_was_far_ahead_for_a_while(void **state)
{
    struct harness *h = *state;
    struct result before, after;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    before = make_credential(h, W0, "before");
    assert_done(before);
    expire_credential(h, "before", TIME_0 + DAYS_S(30));
    move_real_clock(h, DAYS_S(400));
    after = make_credential(h, W0, "after");
    assert_done(after);
    move_real_clock(h, -DAYS_S(400));
    assert_done(run(h, secret_add(h, &before, 1)));
    assert_done(run(h, secret_add(h, &after, 2)));
    test_clock_advance_s(&h->fake, DAYS_S(30));
    assert_int_equal(run(h, secret_add(h, &before, 3)).refusal, REFUSAL_EXPIRED);
}

static void after_a_start_with_a_surprising_clock_nothing_expires_for_an_hour(void **state)
{
    static const int64_t jumps[] = {DAYS_S(4), -DAYS_S(400)};
    struct harness *h = *state;

    harness_use_fake_clock(h);
    h->options.journal_keep_s = 3600;
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
        harness_stop(h);
        move_real_clock(h, jumps[i]);
        harness_start(h);
        pause_ms(20);
        assert_int_equal(values_in_state(h), 1);
        harness_stop(h);
        move_real_clock(h, -jumps[i]);
        harness_start(h);
    }
    assert_int_equal(journal_entries(h), status_of(h).seq);
    harness_stop(h);
    move_real_clock(h, DAYS_S(4));
    harness_start(h);
    test_clock_advance_s(&h->fake, 3600);
    wait_for_values(h, 0);
}

static unsigned evicts_old(struct harness *h, unsigned first)
{
    struct result res = run(h, add_request(W0, first));

    assert_done(res);
    assert_int_equal(res.evicted, 1);
    return res.evicted - res.evicted_young;
}

static void values_count_as_old_after_the_grace_also_across_a_restart(void **state)
{
    struct harness *h = *state;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    for (unsigned i = 0; i < 64; i++)
        assert_done(run(h, add_request(W0, i)));
    test_clock_advance_s(&h->fake, 3500);
    assert_int_equal(evicts_old(h, 100), 0);
    test_clock_advance_s(&h->fake, 400);
    assert_int_equal(evicts_old(h, 101), 1);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(evicts_old(h, 102), 1);
    harness_stop(h);
    (void)atomic_fetch_add(&h->fake.real_us, (int64_t)-7200 * 1000000);
    harness_start(h);
    assert_int_equal(evicts_old(h, 103), 1); /* its place in the journal, not the clock's word */
}

/* ---- settings ---- */

static struct request *configure_request(const struct settings *settings)
{
    struct request *r = local_request(REQUEST_CONFIGURE);

    r->caller.auth = AUTH_SERVER;
    r->caller.door = DOOR_SERVER;
    r->u.configure = settings;
    return r;
}

static void a_reload_is_one_change_and_takes_effect_for_what_follows(void **state)
{
    struct harness *h = *state;
    struct settings next = h->settings;
    struct zone_spec zones[2] = {h->zone, h->zone};
    struct waiting configured = {0}, after = {0};
    struct record ns = h->ns;
    struct request *r;

    harness_start(h);
    make_names(h, 1);
    zones[1].apex = parse_name("second.example.org");
    ns.owner = zones[1].apex;
    zones[1].records = &ns;
    next.zones = zones;
    next.n_zones = 2;
    next.values.accept = ACCEPT_TEXT;
    r = add_request(W0, 1);
    ((struct value_text *)(uintptr_t)r->u.values.values)->len = 5; /* not a challenge */
    submit(h, configure_request(&next), &configured);
    submit(h, r, &after);
    wait_for(&configured);
    wait_for(&after);
    assert_done(configured.result);
    assert_done(after.result);
    assert_non_null(table_find_zone(table_slot_read(&h->slot), &zones[1].apex));
    harness_stop(h); /* next goes with this frame */
}

static void a_reload_that_is_refused_leaves_the_settings(void **state)
{
    struct harness *h = *state;
    struct settings next = h->settings;
    struct zone_spec zone = h->zone;
    struct record records[2] = {h->ns, h->ns};
    struct result res;
    struct request *r;

    harness_start(h);
    make_names(h, 1);
    records[1].owner = parse_name(W0); /* where a live name is */
    zone.records = records;
    zone.n_records = 2;
    next.zones = &zone;
    next.values.accept = ACCEPT_TEXT;
    res = run(h, configure_request(&next));
    assert_int_equal(res.outcome, OUTCOME_REFUSED);
    assert_non_null(strstr(res.detail, W0));
    r = add_request(W0, 1);
    ((struct value_text *)(uintptr_t)r->u.values.values)->len = 5;
    assert_int_equal(run(h, r).refusal, REFUSAL_NOT_A_CHALLENGE_VALUE);
}

static void assert_start_fails(struct harness *h, const struct settings *settings, enum err expected,
                               const char *sentence)
{
    struct committer *c = (struct committer *)(uintptr_t)1;
    struct text why;

    text_init(&why, 1000);
    assert_int_equal(committer_start(&c, &h->options, settings, &why), expected);
    assert_null(c);
    if (strstr(why.bytes, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.bytes, sentence);
    text_fini(&why);
}

static void a_start_against_the_store_says_why(void **state)
{
    struct harness *h = *state;
    struct settings next = h->settings;
    struct zone_spec zone = h->zone;
    struct record records[2] = {h->ns, h->ns};
    struct table_slot slot = {0};

    harness_start(h);
    make_names(h, 1);
    h->options.slot = &slot;
    assert_start_fails(h, &h->settings, ERR_BUSY, "another riposte process");
    h->options.slot = &h->slot;
    harness_stop(h);
    records[1].owner = parse_name(W0);
    zone.records = records;
    zone.n_records = 2;
    next.zones = &zone;
    assert_start_fails(h, &next, ERR_RANGE, W0);
    assert_null(table_slot_read(&h->slot));
    harness_start(h);
}

/* ---- the rest of the sink ---- */

static void the_sink_reads_the_journal_and_makes_backups(void **state)
{
    struct harness *h = *state;
    struct text why;
    char path[128];
    uint64_t entries = 0, names = 0, n = 0;
    int64_t backup_s;

    harness_start(h);
    make_names(h, 2);
    assert_int_equal(status_of(h).last_backup_s, 0);
    assert_int_equal(h->sink.journal(h->sink.self, &(struct journal_filter){0}, count_entries, &n), ERR_OK);
    assert_int_equal(n, 4);
    text_init(&why, 1000);
    assert_int_equal(h->sink.backup(h->sink.self, temp_path(&h->dir, path, "copy.db"), &entries, &names, &why),
                     ERR_OK);
    assert_int_equal(entries, 4);
    assert_int_equal(names, 2);
    backup_s = status_of(h).last_backup_s;
    assert_true(backup_s > TIME_0);
    assert_int_equal(h->sink.backup(h->sink.self, path, &entries, &names, &why), ERR_EXISTS);
    assert_true(why.len > 0);
    text_fini(&why);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(status_of(h).last_backup_s, backup_s); /* kept, though nothing else was committed */
}

static void see_last_use(struct seen_state *s, const struct state *state)
{
    s->number = (uint64_t)credential_last_used_s(state_credential(state, s->id));
}

static void the_last_use_of_a_credential_outlives_a_restart(void **state)
{
    struct harness *h = *state;
    struct seen_state before = {.look = see_last_use, .id = 1}, after = before;
    struct result made;

    harness_use_fake_clock(h);
    harness_start(h);
    make_names(h, 1);
    made = make_credential(h, W0, "web1");
    for (unsigned i = 0; i < 5; i++) {
        assert_done(run(h, secret_add(h, &made, i)));
        test_clock_advance_s(&h->fake, 7);
    }
    look_at(h, &before);
    assert_int_equal(before.number, TIME_0 + 28);
    harness_stop(h);
    harness_start(h);
    look_at(h, &after);
    assert_int_equal(after.number, before.number);
}

static void below_the_floor_of_free_space_nobody_registers_but_values_work(void **state)
{
    struct harness *h = *state;
    struct request *r;

    harness_start(h);
    make_names(h, 1);
    harness_stop(h);
    h->settings.limits.free_space = UINT64_MAX;
    harness_start(h);
    assert_true(status_of(h).registration_paused);
    r = request_new(REQUEST_REGISTER, DOOR_ACMEDNS);
    r->u.registration.allowfrom = "";
    r->caller.client = parse_addr("192.0.2.1");
    assert_int_equal(run(h, r).outcome, OUTCOME_REFUSED);
    assert_done(run(h, add_request(W0, 1)));
}

static bool count_entry(void *arg, const struct entry *e)
{
    (void)e;
    ++*(unsigned *)arg;
    return true;
}

static unsigned entries_of(struct harness *h)
{
    struct journal_filter all = {0};
    unsigned n = 0;

    assert_int_equal(h->sink.journal(h->sink.self, &all, count_entry, &n), ERR_OK);
    return n;
}

/* Also what the tables do not have yet: they get it first. */
static void the_journal_is_pruned_by_age(void **state)
{
    struct harness *h = *state;

    harness_use_fake_clock(h);
    h->options.journal_keep_s = 86400;
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 0)));
    assert_int_equal(entries_of(h), 4);
    test_clock_advance_s(&h->fake, 2 * 86400);
    assert_done(run(h, add_request(W0, 1)));
    for (int i = 0; i < 2000 && entries_of(h) > 1; i++) {
        (void)values_in_state(h); /* another turn */
        pause_ms(1);
    }
    assert_int_equal(entries_of(h), 1);
    harness_stop(h);
    harness_start(h);
    assert_int_equal(dns_txt_count(h, W0), 2);
}

static off_t size_of(const char *path, const char *suffix)
{
    char name[160];
    struct stat sb;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &sb) == 0 ? sb.st_size : 0;
}

static void a_long_log_is_moved_into_the_database_beside_the_commits(void **state)
{
    struct harness *h = *state;
    off_t before;
    unsigned n = 0;
    unsigned same = 0;

    harness_start(h);
    make_names(h, 1);
    before = size_of(h->path, "");
    while (size_of(h->path, "") == before && n < 20000)
        assert_done(run(h, add_request(W0, n++)));
    assert_true(size_of(h->path, "") > before);
    /* Then the log begins anew: commits write over its beginning, and the file stays as long as it is. */
    for (unsigned i = 0; i < 200 && same < 5; i++) {
        off_t log = size_of(h->path, "-wal");
        assert_done(run(h, add_request(W0, i)));
        same = size_of(h->path, "-wal") == log ? same + 1 : 0;
        pause_ms(20);
    }
    assert_int_equal(same, 5);
}

static void what_is_queued_at_the_stop_is_finished(void **state)
{
    enum { MANY = 200 };
    struct harness *h = *state;
    static struct waiting w[MANY];

    memset(w, 0, sizeof w);
    harness_start(h);
    make_names(h, 10);
    for (unsigned i = 0; i < MANY; i++) {
        char owner[64];
        struct request *r;
        (void)snprintf(owner, sizeof owner, "w%u.auth.example.org", i % 10);
        r = add_request(W0, i);
        r->u.values.name.text = arena_copy(&r->arena, owner, strlen(owner));
        submit(h, r, &w[i]);
    }
    harness_stop(h);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(atomic_load(&w[i].calls), 1);
        assert_done(w[i].result);
    }
    harness_start(h);
    assert_int_equal(values_in_state(h), MANY);
}

static int64_t folded_to(const struct harness *h)
{
    sqlite3 *db;
    int64_t seq;
    int rc;

    assert_int_equal(conn_open(&db, h->path, CONN_READ, &rc), ERR_OK);
    assert_int_equal(conn_number(db, "SELECT seq FROM meta", -1, &seq), ERR_OK);
    conn_close(&db);
    return seq;
}

static bool has_metric(const struct harness *h, const char *line)
{
    struct metrics_source m = committer_metrics(h->c);
    struct text t;
    bool found;

    text_init(&t, 1 << 20);
    m.collect(m.self, &t);
    found = strstr(t.bytes, line) != NULL;
    text_fini(&t);
    return found;
}

/* A clock that the committer looks at between taking what is queued and deciding it, and that hands in another
 * request then. */
struct meddling {
    struct harness *h;
    atomic_bool armed;
    struct request *more;
    struct waiting *waiting;
};

static int64_t meddling_mono_us(void *self)
{
    struct meddling *m = self;

    if (atomic_load(&m->armed) && pthread_equal(pthread_self(), m->h->c->thread) && m->h->c->n_running > 0) {
        atomic_store(&m->armed, false);
        submit(m->h, m->more, m->waiting);
    }
    return clock_mono_us(&clock_system);
}

static int64_t meddling_real_us(void *self)
{
    (void)self;
    return clock_real_us(&clock_system);
}

static void who_comes_while_a_batch_is_decided_belongs_to_it(void **state)
{
    struct harness *h = *state;
    struct waiting first = {0}, second = {0};
    struct meddling m = {.h = h, .waiting = &second};

    h->clock = (struct clock){.real_us = meddling_real_us, .mono_us = meddling_mono_us, .self = &m};
    harness_start(h);
    make_names(h, 1);
    assert_true(has_metric(h, "riposte_commit_seconds_count 3\n")); /* the zone, the account, the name */
    m.more = add_request(W0, 2);
    atomic_store(&m.armed, true);
    submit(h, add_request(W0, 1), &first);
    wait_for(&first);
    wait_for(&second);
    assert_int_equal(second.result.seq, first.result.seq + 1);
    assert_true(has_metric(h, "riposte_commit_seconds_count 4\n"));
    harness_stop(h);
}

static void who_comes_behind_new_settings_waits_for_them(void **state)
{
    struct harness *h = *state;
    struct settings narrow = h->settings;
    struct waiting first = {0}, second = {0};
    struct meddling m = {.h = h, .waiting = &second};
    struct request *r = local_request(REQUEST_CONFIGURE);

    narrow.values.budget = 100; /* of one value */
    h->clock = (struct clock){.real_us = meddling_real_us, .mono_us = meddling_mono_us, .self = &m};
    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    m.more = add_request(W0, 2);
    atomic_store(&m.armed, true);
    r->caller.auth = AUTH_SERVER;
    r->u.configure = &narrow;
    submit(h, r, &first);
    wait_for(&first);
    wait_for(&second);
    assert_done(first.result);
    assert_int_equal(second.result.evicted, 1);
    harness_stop(h);
}

static void after_some_hundred_changes_and_in_quiet_the_tables_follow_the_journal(void **state)
{
    struct harness *h = *state;
    unsigned i = 0;

    harness_use_fake_clock(h); /* which stands still: no moment is quiet */
    harness_start(h);
    make_names(h, 1);
    for (; i < 40; i++)
        assert_done(run(h, add_request(W0, i)));
    assert_int_equal(folded_to(h), 0);
    for (; i < 600; i++)
        assert_done(run(h, add_request(W0, i)));
    assert_true(values_in_state(h) > 0); /* answered by the committer's thread behind whatever it was doing */
    assert_int_equal(folded_to(h), 0);
    assert_true(has_metric(h, "riposte_fold_seconds_count 0\n"));
    assert_false(has_metric(h, "riposte_store_unfolded 0\n"));
    test_clock_advance_s(&h->fake, 1);
    for (unsigned looks = 0; looks < 1000 && folded_to(h) == 0; looks++)
        assert_true(values_in_state(h) > 0); /* makes it look at the clock */
    assert_in_range(folded_to(h), 600, 700); /* one name is one row */
    assert_false(has_metric(h, "riposte_fold_seconds_count 0\n"));
    for (; i < 603; i++)
        assert_done(run(h, add_request(W0, i)));
    harness_stop(h); /* which brings them up to the end */
    assert_int_equal(folded_to(h), 606);
}

static void metrics_tell_what_happened(void **state)
{
    static const char *const expected[] = {
        "riposte_names 1\n",
        "riposte_values 2\n",
        "riposte_store_ok 1\n",
        "riposte_commit_seconds_count ",
        "riposte_commit_batch_size_bucket{le=\"1\"} ",
        "riposte_fold_seconds_count 0\n",
        "riposte_checkpoint_seconds_count ",
        "riposte_checkpoint_failures_total 0\n",
        "riposte_store_log_octets ",
        "riposte_store_unfolded ",
        "riposte_queue_length 0\n",
        "riposte_journal_seq 5\n",
        "riposte_changes_total{door=\"admin\",kind=\"value-add\",outcome=\"done\"} 2\n",
        "riposte_changes_total{door=\"admin\",kind=\"value-add\",outcome=\"refused\"} 1\n",
        "riposte_values_evicted_young_total 0\n",
        "riposte_accounts 1\n",
        "riposte_credentials 0\n",
        "riposte_claims 2\n",
        "riposte_store_octets ",
        "riposte_free_octets ",
    };
    struct harness *h = *state;
    struct metrics_source m;
    struct text t;

    harness_start(h);
    make_names(h, 1);
    assert_done(run(h, add_request(W0, 1)));
    assert_done(run(h, add_request(W0, 2)));
    assert_int_equal(run(h, add_request("x.auth.example.org", 2)).outcome, OUTCOME_REFUSED);
    (void)values_in_state(h); /* the batch has ended */
    m = committer_metrics(h->c);
    text_init(&t, 1 << 20);
    m.collect(m.self, &t);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        if (strstr(t.bytes, expected[i]) == NULL)
            fail_msg("%s is not in\n%s", expected[i], t.bytes);
    }
    text_fini(&t);
}

/* ---- many threads ---- */

#define CLIENT_CHANGES 40

struct client {
    struct harness *h;
    pthread_t thread;
    unsigned number;
    int pause_ms; /* between an answer and the next request */
    unsigned done;
};

static void *be_client(void *arg)
{
    struct client *cl = arg;

    for (unsigned i = 0; i < CLIENT_CHANGES; i++) {
        struct waiting w = {0};
        char owner[64];
        struct request *r = add_request(W0, cl->number * 1000 + i);
        (void)snprintf(owner, sizeof owner, "w%u.auth.example.org", cl->number % 4);
        r->u.values.name.text = arena_copy(&r->arena, owner, strlen(owner));
        w.h = cl->h;
        if (cl->h->sink.submit(cl->h->sink.self, r, note_answer, &w) != ERR_OK)
            return NULL;
        while (!atomic_load(&w.answered))
            fail_sleep(100);
        pause_ms(cl->pause_ms);
        cl->done += w.result.outcome == OUTCOME_DONE ? 1 : 0;
        (void)status_of(cl->h);
    }
    return NULL;
}

/* Several clients at once, until all of them are done. */
static void be_clients(struct harness *h, int each_pauses_ms)
{
    enum { CLIENTS = 8 };
    struct client clients[CLIENTS] = {0};

    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].h = h;
        clients[i].number = i;
        clients[i].pause_ms = each_pauses_ms;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, be_client, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].done, CLIENT_CHANGES);
    }
}

static void those_whom_one_commit_answered_share_the_next_one(void **state)
{
    struct harness *h = *state;
    int before;

    harness_start(h);
    make_names(h, 4);
    atomic_store(&h->vfs.sync_us, 20000);
    before = atomic_load(&h->vfs.syncs);
    be_clients(h, 5);
    /* In two cohorts it would be twice as many. */
    assert_in_range(atomic_load(&h->vfs.syncs) - before, CLIENT_CHANGES, CLIENT_CHANGES * 3 / 2);
    atomic_store(&h->vfs.sync_us, 0);
}

static void many_clients_at_once_all_get_their_answer(void **state)
{
    struct harness *h = *state;
    struct state *loaded;
    struct store *st;

    harness_start(h);
    make_names(h, 4);
    be_clients(h, 0);
    harness_stop(h);
    st = open_store(h->path, STORE_READ);
    loaded = load_state(st);
    assert_int_equal(state_counts(loaded).values, 4 * 64);
    state_free(loaded);
    st->ops->close(st);
}

int main(void)
{
#define WITH_HARNESS(test) cmocka_unit_test_setup_teardown(test, harness_set_up, harness_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HARNESS(a_start_stores_the_zones_and_publishes_them),
        WITH_HARNESS(when_the_answer_comes_dns_has_it_and_it_is_durable),
        WITH_HARNESS(a_refusal_changes_nothing_and_is_kept),
        WITH_HARNESS(a_revocation_stops_the_very_next_change_of_the_same_batch),
        WITH_HARNESS(while_the_disk_is_slow_many_share_few_commits),
        WITH_HARNESS(additions_of_one_batch_see_each_other),
        WITH_HARNESS(values_expire_by_themselves_and_leave_dns),
        WITH_HARNESS(after_a_jump_of_the_clock_nothing_expires_for_an_hour),
        WITH_HARNESS(journal_time_never_goes_back),
        WITH_HARNESS(values_outlive_a_clock_that_was_far_ahead_for_a_while),
        WITH_HARNESS(credentials_outlive_a_clock_that_was_far_ahead_for_a_while),
        WITH_HARNESS(after_a_start_with_a_surprising_clock_nothing_expires_for_an_hour),
        WITH_HARNESS(values_count_as_old_after_the_grace_also_across_a_restart),
        WITH_HARNESS(a_reload_is_one_change_and_takes_effect_for_what_follows),
        WITH_HARNESS(a_reload_that_is_refused_leaves_the_settings),
        WITH_HARNESS(a_start_against_the_store_says_why),
        WITH_HARNESS(the_sink_reads_the_journal_and_makes_backups),
        WITH_HARNESS(the_last_use_of_a_credential_outlives_a_restart),
        WITH_HARNESS(below_the_floor_of_free_space_nobody_registers_but_values_work),
        WITH_HARNESS(the_journal_is_pruned_by_age),
        WITH_HARNESS(a_long_log_is_moved_into_the_database_beside_the_commits),
        WITH_HARNESS(what_is_queued_at_the_stop_is_finished),
        WITH_HARNESS(metrics_tell_what_happened),
        WITH_HARNESS(who_comes_while_a_batch_is_decided_belongs_to_it),
        WITH_HARNESS(who_comes_behind_new_settings_waits_for_them),
        WITH_HARNESS(after_some_hundred_changes_and_in_quiet_the_tables_follow_the_journal),
        WITH_HARNESS(those_whom_one_commit_answered_share_the_next_one),
        WITH_HARNESS(many_clients_at_once_all_get_their_answer),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
