/* Loading the store at start, and again after it has failed.
 *
 * After a failure the state may be ahead of the store, so it is thrown away and loaded anew, published, and only
 * then, when also a trial commit has worked, changes are taken again. Until then they stay queued, up to their
 * deadlines. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/committer_internal.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000
#define WHY_MAX          1000

/* ---- the store as others use it ---- */

struct store_ref *store_acquire(struct committer *c)
{
    struct store_ref *ref;

    (void)pthread_mutex_lock(&c->store_lock);
    ref = c->ref;
    if (ref != NULL)
        ref->users++;
    (void)pthread_mutex_unlock(&c->store_lock);
    return ref;
}

static void close_ref(struct store_ref *ref)
{
    ref->store->ops->close(ref->store);
    free(ref);
}

void store_release(struct committer *c, struct store_ref *ref)
{
    bool last;

    if (ref == NULL)
        return;
    (void)pthread_mutex_lock(&c->store_lock);
    last = --ref->users == 0 && ref->given_up;
    (void)pthread_mutex_unlock(&c->store_lock);
    if (last)
        close_ref(ref);
}

void store_give_up(struct committer *c)
{
    struct store_ref *ref = c->ref; /* set by this thread only */
    bool last;

    if (ref == NULL)
        return;
    (void)pthread_mutex_lock(&c->store_lock);
    c->ref = NULL;
    ref->users++; /* ours, while it is being shut */
    (void)pthread_mutex_unlock(&c->store_lock);
    c->store = NULL;
    ref->store->ops->shut(ref->store);
    (void)pthread_mutex_lock(&c->store_lock);
    ref->given_up = true;
    last = --ref->users == 0;
    (void)pthread_mutex_unlock(&c->store_lock);
    if (last)
        close_ref(ref);
}

static MUST_USE enum err open_store(struct committer *c, struct text *why)
{
    struct store_ref *ref = calloc(1, sizeof *ref);
    enum err e;

    if (ref == NULL) {
        text_put(why, err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    e = c->o.open(c->o.open_arg, &ref->store, why);
    if (e != ERR_OK) {
        free(ref);
        return e;
    }
    c->store = ref->store;
    (void)pthread_mutex_lock(&c->store_lock);
    c->ref = ref;
    (void)pthread_mutex_unlock(&c->store_lock);
    return ERR_OK;
}

/* ---- loading ---- */

static void report_progress(void *arg, const char *what, uint64_t done, uint64_t of)
{
    (void)arg;
    log_event(LOG_INFO, "loading", log_str("table", what), log_int("done", (int64_t)done),
              log_int("of", (int64_t)of));
}

static void drop_state(struct committer *c)
{
    state_free(c->state);
    c->state = NULL;
    c->n_observed = 0; /* they were in it */
}

static MUST_USE enum err load_state(struct committer *c, struct text *why)
{
    struct store_progress progress = {.report = report_progress};
    struct state *fresh = NULL;
    enum err e = state_new(&fresh, &c->o.slot->name_key);

    if (e == ERR_OK)
        e = c->store->ops->load(c->store, fresh, &progress, why);
    else
        text_put(why, err_text(e));
    if (e != ERR_OK) {
        state_free(fresh);
        return e;
    }
    drop_state(c);
    (void)malloc_trim(0); /* what loading needed for a while is not needed again */
    c->state = fresh;
    c->stored_seq = state_seq(fresh);
    return ERR_OK;
}

enum err load_all(struct committer *c, struct text *why)
{
    int64_t before_us = clock_mono_us(&clock_system);
    struct state_counts counts;
    enum err e = open_store(c, why);

    if (e == ERR_OK)
        e = load_state(c, why);
    if (e != ERR_OK) {
        store_give_up(c);
        return e;
    }
    counts = state_counts(c->state);
    log_event(LOG_INFO, "store-loaded", log_int("names", (int64_t)counts.names),
              log_int("values", (int64_t)counts.values), log_int("credentials", (int64_t)counts.credentials),
              log_int("change", (int64_t)state_seq(c->state)),
              log_ms("ms", clock_mono_us(&clock_system) - before_us));
    return ERR_OK;
}

enum err publish_keys(struct committer *c)
{
    size_t unreadable = 0;
    enum err e;

    if (c->o.keys == NULL)
        return ERR_OK;
    e = keyring_stage_all(c->o.keys, c->o.seal, c->state, &unreadable);
    if (e != ERR_OK)
        return e;
    keyring_publish(c->o.keys);
    keyring_reclaim(c->o.keys);
    if (unreadable > 0)
        log_event(LOG_ERROR, "tsig-keys-unreadable", log_int("keys", (int64_t)unreadable),
                  log_str("help",
                          "they were sealed with another store.key: put that file back and restart, or give "
                          "their holders new ones with riposte credential rotate --tsig"));
    return ERR_OK;
}

/* ---- failing ---- */

static void back_off(struct committer *c)
{
    c->retry_ms = clock_mono_ms(c->o.clock) + c->backoff_ms;
    c->backoff_ms = c->backoff_ms < BACKOFF_MAX_MS / 2 ? c->backoff_ms * 2 : BACKOFF_MAX_MS;
}

/* Log the first of a row of failures, and what differs from the one before. */
static void say_failed(struct committer *c, const char *problem)
{
    bool is_new;

    (void)pthread_mutex_lock(&c->shared_lock);
    is_new = c->shared.store_ok || strncmp(c->shared.problem, problem, sizeof c->shared.problem - 1) != 0;
    (void)pthread_mutex_unlock(&c->shared_lock);
    shared_problem(c, problem);
    if (is_new)
        log_event(LOG_ERROR, "store-failed", log_str("reason", problem),
                  log_str("effect", "changes wait and are then refused; DNS goes on from memory"));
}

void store_failed(struct committer *c, enum err e, const char *doing)
{
    char problem[sizeof c->shared.problem];

    (void)snprintf(problem, sizeof problem, "%s failed: %s%s", doing, e == ERR_FULL ? "the disk is full: " : "",
                   err_text(e));
    c->is_well = false;
    c->state_is_clean = false;
    c->backoff_ms = BACKOFF_FIRST_MS;
    c->retry_ms = 0; /* the state is to be loaded at once, whether the store can be written or not */
    if (e == ERR_UNKNOWN)
        c->is_unknown = true;
    else
        queue_put_back(c);
    say_failed(c, problem);
}

/* ---- recovering ---- */

static MUST_USE enum err load_and_show(struct committer *c, struct text *why)
{
    enum err e;

    store_give_up(c);
    e = load_all(c, why);
    if (e != ERR_OK)
        return e;
    e = publish_keys(c);
    if (e != ERR_OK) {
        text_put(why, err_text(e));
        return e;
    }
    c->table = state_give_table(c->state);
    table_free(table_slot_swap(c->o.slot, c->table)); /* after a grace period: nobody reads the old one */
    c->state_is_clean = true;
    return ERR_OK;
}

/* They may be there or not; the state that was just loaded knows, but whoever asked was not promised anything. */
static void answer_the_unknown(struct committer *c)
{
    if (!c->is_unknown)
        return;
    for (size_t i = 0; i < c->n_running; i++)
        answer_unknown(&c->results[i]);
    c->is_unknown = false;
    answer_running(c);
}

/* A commit of nothing: can the store be written at all? */
static MUST_USE enum err try_to_write(struct committer *c, struct text *why)
{
    enum err e = c->store->ops->apply(c->store, c->stored_seq, &(struct store_batch){0});

    if (e == ERR_OK)
        return ERR_OK;
    text_printf(why, "the store cannot be written: %s%s", e == ERR_FULL ? "the disk is full: " : "", err_text(e));
    if (e != ERR_FULL && e != ERR_BUSY)
        c->state_is_clean = false; /* open it anew the next time */
    return e;
}

void store_recover(struct committer *c, int64_t mono_ms)
{
    struct text why;
    enum err e = ERR_OK;

    if (mono_ms < c->retry_ms)
        return;
    text_init(&why, WHY_MAX);
    if (!c->state_is_clean)
        e = load_and_show(c, &why);
    if (c->state_is_clean)
        answer_the_unknown(c);
    if (e == ERR_OK)
        e = try_to_write(c, &why);
    if (e != ERR_OK) {
        back_off(c);
        say_failed(c, why.bytes);
    } else {
        c->is_well = true;
        ages_note(&c->ages, mono_ms, state_seq(c->state));
        shared_problem(c, NULL);
        shared_update(c);
        log_event(LOG_INFO, "store-recovered", log_int("change", (int64_t)state_seq(c->state)));
    }
    text_fini(&why);
}
