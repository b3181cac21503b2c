/* One batch: decide each request on the state plus what the batch has done so far, make it durable, publish,
 * answer.
 *
 * Also refusals are told only after the commit: they may rest on changes of the same batch. */
#include <assert.h>
#include <stdlib.h>

#include "base/crypto.h"

#include "db/committer_internal.h"

#define OBSERVATIONS_A_BATCH 256
#define OBSERVE_INTERVAL_MS  ((int64_t)60 * MS_PER_S)
#define EXPIRE_RETRY_MS      ((int64_t)MS_PER_S)
#define PRUNE_INTERVAL_MS    ((int64_t)3600 * MS_PER_S)
#define PRUNE_PAUSE_MS       ((int64_t)60 * MS_PER_S) /* between portions: each looks at all names */
#define FAILURES_MAX         3

/* ---- observations ---- */

/* CREDENTIAL_ADMIN: none that is observed. */
static uint32_t credential_of(const struct committer *c, const struct request *r)
{
    const struct credential *cred = r->caller.auth == AUTH_SECRET || r->caller.auth == AUTH_TSIG
                                        ? state_credential_by_uuid(c->state, &r->caller.credential)
                                        : NULL;

    return cred != NULL ? cred->id : CREDENTIAL_ADMIN;
}

/* Without memory the use of a credential is not noted: nothing depends on it. */
static void note_observed(struct committer *c, uint32_t credential)
{
    if (c->n_observed == c->cap_observed) {
        size_t cap = c->cap_observed > 0 ? c->cap_observed * 2 : 64;
        uint32_t *grown = reallocarray(c->observed, cap, sizeof *grown);
        if (grown == NULL) {
            state_observation_stored(c->state, credential);
            return;
        }
        c->observed = grown;
        c->cap_observed = cap;
    }
    c->observed[c->n_observed++] = credential;
}

/* The newest ones, into out; they stay noted until forget_observed(). */
static size_t gather_observed(const struct committer *c, struct observation out[OBSERVATIONS_A_BATCH])
{
    size_t n = c->n_observed < OBSERVATIONS_A_BATCH ? c->n_observed : OBSERVATIONS_A_BATCH;

    for (size_t i = 0; i < n; i++) {
        const struct credential *cred = state_credential(c->state, c->observed[c->n_observed - 1 - i]);
        struct credential_use use;
        assert(cred != NULL); /* credentials are never removed */
        use = credential_last_use(cred);
        out[i] = (struct observation){
            .credential = cred->id, .last_used_s = use.at_s, .from = use.from, .door = use.door};
    }
    return n;
}

static void forget_observed(struct committer *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        state_observation_stored(c->state, c->observed[--c->n_observed]);
}

/* ---- deciding ---- */

static MUST_USE enum err decide_one(struct committer *c, struct decide *d, const struct request *r,
                                    struct result *res)
{
    struct entry *e = &c->entries[c->n_effective];
    uint32_t cred = credential_of(c, r);
    bool was_observed = cred != CREDENTIAL_ADMIN && state_is_observed(c->state, cred);
    bool was_used = credential_last_used_s(state_credential(c->state, cred)) != 0;
    bool is_observed;
    enum err err;

    entry_init(e);
    d->seq = c->stored_seq + c->n_effective + 1;
    err = decide(d, r, e, res);
    is_observed = err == ERR_OK && cred != CREDENTIAL_ADMIN && state_is_observed(c->state, cred);
    if (is_observed && !was_observed)
        note_observed(c, cred);
    if (is_observed && !was_used)
        c->observed_next_ms = 0; /* with this commit: pruning goes by whether it was ever used */
    if (err == ERR_OK && e->n_effects > 0)
        c->effective[c->n_effective++] = e;
    else
        entry_fini(e);
    return err;
}

static void free_entries(struct committer *c)
{
    for (size_t i = 0; i < c->n_effective; i++)
        entry_fini(&c->entries[i]); /* effective[i] is &entries[i] */
    c->n_effective = 0;
}

bool expiry_is_due(const struct committer *c, struct instant now)
{
    int64_t next_s = state_next_expiry(c->state);

    return next_s != 0 && next_s <= now.real_s && now.mono_ms >= c->time.expiry_pause_ms;
}

static MUST_USE enum err decide_expiry(struct committer *c, struct decide *d, struct instant now)
{
    enum err e;

    if (!expiry_is_due(c, now))
        return ERR_OK;
    e = decide_one(c, d, c->expire, &c->results[BATCH_MAX]);
    if (e == ERR_OK && c->n_effective == 0)
        c->time.expiry_pause_ms = now.mono_ms + EXPIRE_RETRY_MS; /* never spin */
    return e;
}

bool pruning_is_due(const struct committer *c, struct instant now)
{
    return c->settings->registration.prune_unused_s > 0 && now.mono_ms >= c->names_prune_next_ms &&
           now.mono_ms >= c->time.expiry_pause_ms;
}

static MUST_USE enum err decide_pruning(struct committer *c, struct decide *d, struct instant now)
{
    size_t before = c->n_effective;
    enum err e;

    c->names_pruned = 0;
    if (!pruning_is_due(c, now))
        return ERR_OK;
    e = decide_one(c, d, c->prune, &c->results[BATCH_MAX + 1]);
    if (e == ERR_OK && c->n_effective > before)
        c->names_pruned = c->effective[before]->n_effects;
    c->names_prune_next_ms =
        now.mono_ms + (c->names_pruned >= PRUNE_NAMES_MAX ? PRUNE_PAUSE_MS : PRUNE_INTERVAL_MS);
    return e;
}

/* Somebody's decision ended in an error of ours. What has failed several times by itself is given up. */
static void blame(struct committer *c, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++)
        c->running[i]->failures++;
    c->batch_max = 1;
}

/* Who came while the batch was decided belongs to it: that costs nobody a wait, and the sync is for more. Those
 * behind new settings are decided by these. */
static void take_more(struct committer *c)
{
    if (c->running[c->n_running - 1]->request->kind != REQUEST_CONFIGURE)
        queue_take(c, c->batch_max);
}

static MUST_USE enum err decide_all(struct committer *c, struct instant now)
{
    struct decide d = {
        .state = c->state,
        .settings = c->settings,
        .now_s = now.real_s,
        .journal_s = now.journal_s,
        .mono_ms = now.mono_ms,
        .old_before = ages_old_before(&c->ages, now.mono_ms, c->settings->values.grace_s),
        .no_space = atomic_load(&c->no_space),
        .registrations = c->registrations,
        .failures = c->failures,
        .random = crypto_random,
        .seal = c->o.seal,
        .eviction_log = &c->eviction_log,
    };
    enum err e = decide_expiry(c, &d, now);

    if (e == ERR_OK)
        e = decide_pruning(c, &d, now);
    for (size_t i = 0; e == ERR_OK && i < c->n_running;) {
        struct item *it = c->running[i];
        d.check = NULL;
        if (it->failures >= FAILURES_MAX)
            answer_unavailable(&c->results[i], "the server failed in deciding this request");
        else
            e = decide_one(c, &d, it->request, &c->results[i]);
        if (e != ERR_OK)
            blame(c, i, 1);
        else if (d.check != NULL && checks_park(c, i, d.check))
            continue; /* the next one has moved into its place */
        else if (d.check != NULL)
            answer_unavailable(&c->results[i], "the server is stopping");
        i++;
        if (i == c->n_running)
            take_more(c);
    }
    if (e == ERR_OK && c->n_effective > 0)
        e = decide_serials(&d, &c->entries[c->n_effective - 1]);
    return e;
}

/* ---- committing ---- */

static enum err apply_timed(struct committer *c, const struct store_batch *b)
{
    int64_t before_us = clock_mono_us(c->o.clock);
    enum err e = c->store->ops->apply(c->store, c->stored_seq, b);
    int64_t after_us = clock_mono_us(c->o.clock);
    int64_t wait_us;

    if (e != ERR_OK)
        return e;
    metrics_histogram_add(&c->commit_us, (uint64_t)(after_us - before_us));
    metrics_histogram_add(&c->batch_size, c->n_running > 0 ? c->n_running : 1);
    wait_us = gather_us(c->n_running, after_us - c->began_us, c->store->ops->sync_us(c->store));
    c->gather_until_us = wait_us > 0 ? after_us + wait_us : 0;
    return ERR_OK;
}

/* Write entries and, when it is time, observations. */
static MUST_USE enum err write_batch(struct committer *c, int64_t mono_ms)
{
    struct observation seen[OBSERVATIONS_A_BATCH];
    struct store_batch b = {.entries = c->effective, .n = c->n_effective, .observations = seen};
    int64_t backup_s = atomic_load(&c->backup_s);
    enum err e;

    if (mono_ms >= c->observed_next_ms)
        b.n_observations = gather_observed(c, seen);
    if (backup_s != atomic_load(&c->stored_backup_s))
        b.last_backup_s = backup_s;
    e = apply_timed(c, &b);
    if (e != ERR_OK)
        return e;
    forget_observed(c, b.n_observations);
    if (b.n_observations > 0 && c->n_observed == 0)
        c->observed_next_ms = mono_ms + OBSERVE_INTERVAL_MS;
    if (b.last_backup_s != 0)
        atomic_store(&c->stored_backup_s, b.last_backup_s);
    return ERR_OK;
}

void batch_write_observations(struct committer *c)
{
    c->observed_next_ms = 0;
    while (c->is_well && (c->n_observed > 0 || atomic_load(&c->backup_s) != atomic_load(&c->stored_backup_s))) {
        size_t before = c->n_observed;
        if (write_batch(c, 0) != ERR_OK || (c->n_observed == before && before > 0))
            return; /* the program is ending; they are observations, not changes */
    }
}

/* Everything that can run out of memory comes before the commit; what comes after it cannot fail. */
static MUST_USE enum err commit_and_publish(struct committer *c, struct instant now)
{
    const struct entry *last = c->effective[c->n_effective - 1];
    struct table_batch *staged = NULL;
    enum err e = table_batch_new(&staged, c->table);

    if (e == ERR_OK)
        e = state_stage(c->state, staged);
    if (e == ERR_OK && c->o.keys != NULL)
        e = keyring_stage(c->o.keys, c->o.seal, c->state, c->effective, c->n_effective);
    if (e == ERR_OK) {
        e = write_batch(c, now.mono_ms);
        if (e == ERR_CORRUPT)
            blame(c, 0, c->n_running);
    }
    if (e != ERR_OK) {
        table_batch_free(staged);
        if (c->o.keys != NULL)
            keyring_unstage(c->o.keys);
        return e;
    }
    table_batch_publish(staged);
    if (c->o.keys != NULL)
        keyring_publish(c->o.keys);
    c->stored_seq = last->seq;
    state_set_position(c->state, last->seq, last->time_s);
    ages_note(&c->ages, now.mono_ms, last->seq);
    return ERR_OK;
}

static void adopt_settings(struct committer *c)
{
    const struct item *last = c->n_running > 0 ? c->running[c->n_running - 1] : NULL;

    if (last == NULL || last->request->kind != REQUEST_CONFIGURE ||
        c->results[c->n_running - 1].outcome != OUTCOME_DONE)
        return;
    c->settings = last->request->u.configure;
    atomic_store(&c->free_space_min, c->settings->limits.free_space);
}

void batch_run(struct committer *c, struct instant now)
{
    const char *doing = "deciding";
    enum err e;

    c->began_us = clock_mono_us(c->o.clock);
    e = decide_all(c, now);
    if (e == ERR_OK && c->n_effective > 0) {
        doing = "committing";
        e = commit_and_publish(c, now);
    }
    if (e != ERR_OK) {
        free_entries(c);
        store_failed(c, e, doing);
        return;
    }
    if (c->names_pruned > 0)
        log_event(LOG_INFO, "names-pruned", log_int("count", (int64_t)c->names_pruned),
                  log_str("reason", "registered and never used (registration.prune-unused)"));
    adopt_settings(c);
    shared_update(c);  /* before the answers: who asks after his answer finds it counted */
    answer_running(c); /* results point at the entries */
    free_entries(c);
    state_forget_rows(c->state);
    if (table_reclaim_is_due(c->table))
        table_reclaim(c->table);
    if (c->o.keys != NULL)
        keyring_reclaim(c->o.keys);
    c->batch_max = c->batch_max < BATCH_MAX / 2 ? c->batch_max * 2 : BATCH_MAX;
}
