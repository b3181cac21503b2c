/* Starting and stopping the committer, its thread, and the sink that doors see. */
#include "db/committer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "db/committer_internal.h"

#define LIMITED_CLIENTS      16384                      /* networks whose rates are remembered */
#define WAIT_MAX_MS          ((int64_t)3600 * MS_PER_S) /* looking at the clock once an hour shows that it did not jump */
#define LOG_OCTETS_MAX       ((uint64_t)4 << 20) /* some milliseconds of writing, for which a commit may have to wait */
#define FOLD_RETRY_MS        ((int64_t)MS_PER_S)
#define PRUNE_INTERVAL_MS    ((int64_t)3600 * MS_PER_S)
#define PRUNE_PAUSE_MS       ((int64_t)MS_PER_S) /* between portions */
#define PRUNE_PORTION        500
#define NAMES_PRUNE_START_MS ((int64_t)2 * MS_PER_S)
#define NS_PER_S             1000000000
#define US_PER_S             1000000

/* Holding lock. us is above 0. */
static void wait_us(struct committer *c, pthread_cond_t *cond, int64_t us)
{
    struct timespec until;
    int rc;

    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* always there */
    until.tv_sec += us / US_PER_S;
    until.tv_nsec += us % US_PER_S * 1000;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_nsec -= NS_PER_S;
        until.tv_sec++;
    }
    rc = pthread_cond_timedwait(cond, &c->lock, &until);
    assert(rc == 0 || rc == ETIMEDOUT);
    (void)rc;
}

void committer_wait(struct committer *c, pthread_cond_t *cond, int64_t ms)
{
    if (ms == NEVER_MS)
        (void)pthread_cond_wait(cond, &c->lock); /* fails for misuse only */
    else if (ms > 0)
        wait_us(c, cond, (ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS) * US_PER_MS);
}

struct item *committer_own_item(enum request_kind kind)
{
    struct item *it = calloc(1, sizeof *it);

    if (it == NULL)
        return NULL;
    it->request = request_new(kind, DOOR_SERVER);
    if (it->request == NULL) {
        free(it);
        return NULL;
    }
    it->request->caller.auth = AUTH_SERVER;
    it->deadline_ms = NEVER_MS;
    return it;
}

/* ---- the thread ---- */

static void run_looks(struct committer *c)
{
    struct inspection *look;

    (void)pthread_mutex_lock(&c->lock);
    look = c->queue.first_look;
    c->queue.first_look = c->queue.last_look = NULL;
    c->queue.n_looks = 0;
    (void)pthread_mutex_unlock(&c->lock);
    while (look != NULL) {
        struct inspection *next = look->next;
        /* While the store cannot even be read, this is the state as last decided: better than no answer. */
        look->look(look->arg, c->state);
        free(look);
        look = next;
    }
}

static int64_t until_folding(const struct committer *c, struct instant now)
{
    return fold_due_ms(c->store->ops->unfolded(c->store), c->changed_ms) - now.mono_ms;
}

/* Milliseconds until the committer has something to do by itself. */
static int64_t until_next_duty(const struct committer *c, struct instant now)
{
    int64_t next_s = state_next_expiry(c->state);
    int64_t names_ms =
        (c->names_prune_next_ms > c->time.expiry_pause_ms ? c->names_prune_next_ms : c->time.expiry_pause_ms) -
        now.mono_ms;
    int64_t ms = WAIT_MAX_MS;

    if (!c->is_well)
        return c->retry_ms - now.mono_ms;
    if (next_s != 0 && now.mono_ms < c->time.expiry_pause_ms)
        ms = c->time.expiry_pause_ms - now.mono_ms;
    else if (next_s != 0 && next_s - now.real_s < WAIT_MAX_MS / MS_PER_S)
        ms = (next_s - now.real_s) * MS_PER_S;
    if (atomic_load(&c->journal_keep_s) > 0 && c->prune_next_ms - now.mono_ms < ms)
        ms = c->prune_next_ms - now.mono_ms;
    if (c->settings->registration.prune_unused_s > 0 && names_ms < ms)
        ms = names_ms;
    if (until_folding(c, now) < ms)
        ms = until_folding(c, now);
    return ms;
}

static bool has_work(const struct committer *c)
{
    return (c->is_well && c->queue.first != NULL) || c->queue.first_look != NULL || c->queue.closing;
}

static void wait_for_work(struct committer *c, struct instant now)
{
    int64_t ms = until_next_duty(c, now);

    (void)pthread_mutex_lock(&c->lock);
    if (!has_work(c) && ms > 0) {
        c->queue.awaited = 1;
        committer_wait(c, &c->wake, ms);
        c->queue.awaited = 0;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

/* After a batch of several: give those who were answered the time to come again. */
static void gather(struct committer *c)
{
    int64_t left_us = c->gather_until_us - clock_mono_us(c->o.clock);

    if (c->gather_until_us == 0)
        return;
    c->gather_until_us = 0;
    (void)pthread_mutex_lock(&c->lock);
    if (left_us > 0 && c->queue.n < c->gather_n && !c->queue.closing) {
        c->queue.awaited = c->gather_n;
        wait_us(c, &c->wake, left_us);
        c->queue.awaited = 0;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

static void fold(struct committer *c, struct instant now)
{
    int64_t before_us = clock_mono_us(c->o.clock);
    enum err e = c->store->ops->fold(c->store, c->state);

    metrics_histogram_add(&c->fold_us, (uint64_t)(clock_mono_us(c->o.clock) - before_us));
    if (e == ERR_BUSY || e == ERR_FULL || e == ERR_MEMORY)
        c->changed_ms = now.mono_ms + FOLD_RETRY_MS; /* the next batch tells whoever it concerns */
    else if (e != ERR_OK)
        store_failed(c, e, "bringing the tables up to the journal");
}

static void prune(struct committer *c, struct instant now)
{
    int64_t keep_s = atomic_load(&c->journal_keep_s);
    uint64_t pruned = 0;
    enum err e;

    if (keep_s <= 0 || now.mono_ms < c->prune_next_ms)
        return;
    if (now.mono_ms < c->time.expiry_pause_ms) {
        c->prune_next_ms = c->time.expiry_pause_ms;
        return;
    }
    fold(c, now); /* what the tables do not have stays in the journal */
    if (!c->is_well)
        return;
    e = c->store->ops->prune(c->store, now.real_s - keep_s, PRUNE_PORTION, &pruned);
    c->prune_next_ms = now.mono_ms + (pruned == PRUNE_PORTION ? PRUNE_PAUSE_MS : PRUNE_INTERVAL_MS);
    if (e == ERR_UNKNOWN)
        store_failed(c, e, "pruning the journal");
    else if (e != ERR_OK)
        log_event(LOG_WARN, "prune-failed", log_err("reason", e), log_str("effect", "the journal stays longer"));
}

static void look_at_store(struct committer *c)
{
    uint64_t octets = c->store != NULL ? c->store->ops->log_octets(c->store) : 0;
    uint64_t unfolded = c->store != NULL ? c->store->ops->unfolded(c->store) : 0;

    atomic_store_explicit(&c->unfolded, unfolded, memory_order_relaxed);
    atomic_store_explicit(&c->log_octets, octets, memory_order_relaxed);
    if (octets <= LOG_OCTETS_MAX)
        return;
    (void)pthread_mutex_lock(&c->lock);
    if (!c->checkpoint_due)
        (void)pthread_cond_signal(&c->keeper_wake);
    c->checkpoint_due = true;
    (void)pthread_mutex_unlock(&c->lock);
}

static bool is_at_its_end(struct committer *c)
{
    bool end;

    (void)pthread_mutex_lock(&c->lock);
    end = c->queue.closing && c->queue.first == NULL && c->queue.first_look == NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return end;
}

static bool is_closing(struct committer *c)
{
    bool closing;

    (void)pthread_mutex_lock(&c->lock);
    closing = c->queue.closing;
    (void)pthread_mutex_unlock(&c->lock);
    return closing;
}

/* One turn while the store is well. */
static void work(struct committer *c)
{
    struct instant now;

    gather(c);
    queue_take(c, c->batch_max);
    now = time_look(c);
    if (c->n_running > 0 || expiry_is_due(c, now) || pruning_is_due(c, now)) {
        batch_run(c, now);
        c->changed_ms = now.mono_ms;
    }
    if (c->is_well && until_folding(c, now) <= 0)
        fold(c, now);
    if (c->is_well)
        prune(c, now);
    look_at_store(c);
}

/* For a short next start; it does not need it. */
static void fold_all(struct committer *c)
{
    while (c->is_well && c->store->ops->unfolded(c->store) > 0) {
        if (c->store->ops->fold(c->store, c->state) != ERR_OK)
            return;
    }
}

static void finish(struct committer *c)
{
    if (c->is_unknown) {
        for (size_t i = 0; i < c->n_running; i++)
            answer_unknown(&c->results[i]);
        c->is_unknown = false;
        answer_running(c);
    }
    answer_all_queued_unavailable(c);
    checks_answer_all_unavailable(c);
    batch_write_observations(c);
    fold_all(c);
}

static void *committer_main(void *arg)
{
    struct committer *c = arg;

    c->store->ops->make_room(c->store);
    while (!is_at_its_end(c)) {
        struct instant now = time_look(c);
        run_looks(c);
        if (c->is_well) {
            work(c);
        } else {
            if (is_closing(c))
                c->retry_ms = 0; /* once more, and then it is over */
            store_recover(c, now.mono_ms);
            if (!c->is_well && is_closing(c))
                break;
        }
        now = time_look(c);
        wait_for_work(c, now);
    }
    run_looks(c);
    finish(c);
    return NULL;
}

/* ---- the sink ---- */

static enum err sink_submit(void *self, struct request *r, change_done *done, void *arg)
{
    return queue_submit(self, r, done, arg);
}

static enum err sink_inspect(void *self, void (*look)(void *arg, const struct state *state), void *arg)
{
    return queue_inspect(self, look, arg);
}

static enum err sink_journal(void *self, const struct journal_filter *f, journal_visit *visit, void *arg)
{
    struct store_ref *ref = store_acquire(self);
    enum err e = ref != NULL ? ref->store->ops->journal(ref->store, f, visit, arg) : ERR_IO;

    store_release(self, ref);
    return e;
}

static enum err sink_backup(void *self, const char *path, uint64_t *entries, uint64_t *names, struct text *why)
{
    struct committer *c = self;
    struct store_ref *ref = store_acquire(c);
    enum err e = ERR_IO;

    *entries = 0;
    *names = 0;
    if (ref != NULL)
        e = ref->store->ops->backup(ref->store, path, entries, names, why);
    else
        text_put(why, "the store has failed and could not be opened again");
    store_release(c, ref);
    if (e == ERR_OK)
        atomic_store(&c->backup_s, clock_real_s(c->o.clock)); /* written with the next commit */
    return e;
}

struct change_sink committer_sink(struct committer *c)
{
    return (struct change_sink){
        .submit = sink_submit,
        .inspect = sink_inspect,
        .journal = sink_journal,
        .backup = sink_backup,
        .status = committer_status,
        .self = c,
    };
}

/* ---- starting and stopping ---- */

static enum err init_locks(struct committer *c)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc != 0)
        return ERR_MEMORY;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc |= pthread_cond_init(&c->wake, &attr);
    rc |= pthread_cond_init(&c->watchdog_wake, &attr);
    rc |= pthread_cond_init(&c->keeper_wake, &attr);
    rc |= pthread_cond_init(&c->checks.wake, &attr);
    rc |= pthread_mutex_init(&c->lock, NULL);
    rc |= pthread_mutex_init(&c->store_lock, NULL);
    rc |= pthread_mutex_init(&c->shared_lock, NULL);
    (void)pthread_condattr_destroy(&attr);
    return rc == 0 ? ERR_OK : ERR_MEMORY;
}

static struct request *own_request(enum request_kind kind)
{
    struct item *own = committer_own_item(kind);
    struct request *r = own != NULL ? own->request : NULL;

    free(own);
    return r;
}

static enum err init(struct committer *c, const struct committer_options *o, const struct settings *settings)
{
    enum err e = init_locks(c);

    c->o = *o;
    c->settings = settings;
    c->batch_max = BATCH_MAX;
    c->watchdog_at_ms = NEVER_MS;
    atomic_store(&c->commit_timeout_ms, o->commit_timeout_ms);
    atomic_store(&c->journal_keep_s, o->journal_keep_s);
    atomic_store(&c->free_space_min, settings->limits.free_space);
    metrics_init(c);
    c->expire = own_request(REQUEST_EXPIRE);
    c->prune = own_request(REQUEST_PRUNE);
    if (c->expire == NULL || c->prune == NULL)
        return ERR_MEMORY;
    if (e == ERR_OK)
        e = bucket_table_new(&c->registrations, LIMITED_CLIENTS);
    if (e == ERR_OK)
        e = bucket_table_new(&c->failures, LIMITED_CLIENTS);
    if (e == ERR_OK)
        e = checks_init(c);
    return e;
}

struct configured {
    enum outcome outcome;
    struct text *why;
};

static void note_configured(void *arg, const struct result *res, const struct state *state)
{
    struct configured *out = arg;

    (void)state;
    out->outcome = res->outcome;
    if (res->outcome != OUTCOME_DONE)
        text_printf(out->why, "%s%s%s", res->detail, res->hint[0] != '\0' ? "; " : "", res->hint);
}

/* Bring the stored zones in line with the settings, as one change like any other. */
static enum err configure(struct committer *c, struct instant now, struct text *why)
{
    struct configured out = {.outcome = OUTCOME_UNKNOWN, .why = why};
    struct item *it = committer_own_item(REQUEST_CONFIGURE);

    if (it == NULL) {
        text_put(why, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    it->request->u.configure = c->settings;
    it->done = note_configured;
    it->arg = &out;
    it->state = ITEM_RUNNING;
    c->running[c->n_running++] = it;
    batch_run(c, now);
    if (c->is_well)
        return out.outcome == OUTCOME_DONE ? ERR_OK : ERR_RANGE;
    text_printf(why, "the zones of the configuration could not be stored: %s", c->shared.problem);
    c->is_unknown = false;
    queue_put_back(c); /* nothing runs: committer_free() has it from there */
    return ERR_IO;
}

static enum err start_threads(struct committer *c, struct text *why)
{
    static void *(*const mains[])(void *) = {committer_main, watchdog_main, keeper_main, checker_main};
    static const char *const names[] = {"committer", "watchdog", "keeper", "checker"};
    pthread_t *const threads[] = {&c->thread, &c->watchdog, &c->keeper, &c->checker};

    for (size_t i = 0; i < ARRAY_LEN(mains); i++) {
        int rc = pthread_create(threads[i], NULL, mains[i], c);
        if (rc != 0) {
            text_printf(why, "cannot start a thread: %s", strerror(rc));
            return ERR_MEMORY;
        }
        (void)pthread_setname_np(*threads[i], names[i]); /* for people who look at threads */
        c->n_threads++;
    }
    return ERR_OK;
}

static enum err bring_up(struct committer *c, struct text *why)
{
    int64_t backup_s = 0;
    uint64_t ignored;
    struct instant now;
    enum err e = load_all(c, why);

    if (e != ERR_OK)
        return e;
    c->is_well = true;
    c->state_is_clean = true;
    c->shared.store_ok = true;
    c->store->ops->size(c->store, &ignored, &ignored, &backup_s);
    atomic_store(&c->backup_s, backup_s);
    atomic_store(&c->stored_backup_s, backup_s);
    keeper_look_at_space(c);
    now = time_look(c);
    ages_seed(&c->ages, c->state, now, c->settings->values.grace_s);
    c->names_prune_next_ms = now.mono_ms + NAMES_PRUNE_START_MS;
    e = publish_keys(c);
    if (e != ERR_OK) {
        text_put(why, err_text(e));
        return e;
    }
    c->table = state_give_table(c->state);
    e = configure(c, now, why);
    if (e == ERR_OK)
        (void)table_slot_swap(c->o.slot, c->table); /* there was none */
    return e;
}

static void stop_threads(struct committer *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->queue.closing = true;
    (void)pthread_cond_broadcast(&c->wake);
    (void)pthread_cond_broadcast(&c->checks.wake);
    (void)pthread_mutex_unlock(&c->lock);
    if (c->n_threads > 0)
        (void)pthread_join(c->thread, NULL); /* fails for misuse only */
    (void)pthread_mutex_lock(&c->lock);
    c->watchdog_stop = true;
    c->keeper_stop = true;
    (void)pthread_cond_broadcast(&c->watchdog_wake);
    (void)pthread_cond_broadcast(&c->keeper_wake);
    (void)pthread_mutex_unlock(&c->lock);
    if (c->n_threads > 1)
        (void)pthread_join(c->watchdog, NULL);
    if (c->n_threads > 2)
        (void)pthread_join(c->keeper, NULL);
    if (c->n_threads > 3)
        (void)pthread_join(c->checker, NULL);
}

static void free_all(struct committer *c)
{
    while (c->queue.first != NULL) {
        struct item *next = c->queue.first->next;
        item_free(c->queue.first);
        c->queue.first = next;
    }
    (void)table_slot_swap(c->o.slot, NULL); /* it was c->table, or none */
    store_give_up(c);
    state_free(c->state);
    table_free(c->table); /* NULL as long as it is the state's */
    bucket_table_free(c->registrations);
    bucket_table_free(c->failures);
    request_free(c->expire);
    request_free(c->prune);
    free(c->observed);
    (void)pthread_cond_destroy(&c->wake);
    (void)pthread_cond_destroy(&c->watchdog_wake);
    (void)pthread_cond_destroy(&c->keeper_wake);
    (void)pthread_cond_destroy(&c->checks.wake);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_mutex_destroy(&c->store_lock);
    (void)pthread_mutex_destroy(&c->shared_lock);
    free(c);
}

enum err committer_start(struct committer **out, const struct committer_options *o, const struct settings *settings,
                         struct text *why)
{
    struct committer *c = calloc(1, sizeof *c);
    enum err e;

    *out = NULL;
    if (c == NULL) {
        text_put(why, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    e = init(c, o, settings);
    if (e != ERR_OK)
        text_put(why, err_text(e));
    if (e == ERR_OK)
        e = bring_up(c, why);
    if (e == ERR_OK) {
        c->shared.ready = true;
        shared_update(c);
        e = start_threads(c, why);
    }
    if (e != ERR_OK) {
        stop_threads(c);
        free_all(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void committer_retune(struct committer *c, int64_t commit_timeout_ms, int64_t journal_keep_s)
{
    atomic_store(&c->commit_timeout_ms, commit_timeout_ms);
    atomic_store(&c->journal_keep_s, journal_keep_s);
}

void committer_stop(struct committer *c)
{
    stop_threads(c);
    free_all(c);
}
