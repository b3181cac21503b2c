/* The committer's helpers: the watchdog, who keeps deadlines when the committer hangs, and the keeper. */
#include <stdlib.h>

#include "base/crypto.h"
#include "base/log.h"
#include "db/committer_internal.h"

#define OVERDUE_AT_ONCE    64
#define KEEPER_INTERVAL_MS ((int64_t)60 * MS_PER_S)
#define KEEPER_PAUSE_MS    ((int64_t)50) /* between checkpoints: many small ones hold nobody up for long */

/* ---- watchdog ---- */

struct harvest {
    struct overdue overdue[OVERDUE_AT_ONCE];
    size_t n;
    struct item *dead; /* those that were queued or parked */
    int64_t next_ms;
};

/* Holding lock. True: it is overdue, and was taken down. */
static bool harvest_item(struct harvest *h, const struct item *it, int64_t now_ms)
{
    if (it->deadline_ms > now_ms || h->n == OVERDUE_AT_ONCE) {
        if (it->deadline_ms < h->next_ms)
            h->next_ms = it->deadline_ms;
        return false;
    }
    h->overdue[h->n++] = (struct overdue){.done = it->done,
                                          .arg = it->arg,
                                          .caller = it->request->caller,
                                          .kind = it->request->kind,
                                          .state = it->state};
    return true;
}

/* Holding lock. */
static void harvest_list(struct harvest *h, struct item **first, struct item **last, size_t *n, int64_t now_ms)
{
    struct item **at = first;

    *last = NULL;
    while (*at != NULL) {
        struct item *it = *at;
        if (!harvest_item(h, it, now_ms)) {
            *last = it;
            at = &it->next;
            continue;
        }
        *at = it->next; /* never to be applied */
        it->next = h->dead;
        h->dead = it;
        --*n;
    }
}

/* Holding lock. What is running is only marked: the committer may be reading it. */
static void harvest_running(struct harvest *h, struct committer *c, int64_t now_ms)
{
    for (size_t i = 0; i < c->n_running; i++) {
        struct item *it = c->running[i];
        if (it->state == ITEM_RUNNING && harvest_item(h, it, now_ms))
            it->state = ITEM_ANSWERED;
    }
}

static void answer_harvest(struct committer *c, struct harvest *h)
{
    for (size_t i = 0; i < h->n; i++) {
        answer_overdue(c, &h->overdue[i]);
        crypto_wipe(h->overdue[i].caller.secret, sizeof h->overdue[i].caller.secret);
    }
    while (h->dead != NULL) {
        struct item *next = h->dead->next;
        item_free(h->dead);
        h->dead = next;
    }
}

void *watchdog_main(void *arg)
{
    struct committer *c = arg;

    (void)pthread_mutex_lock(&c->lock);
    while (!c->watchdog_stop) {
        struct harvest h = {.next_ms = NEVER_MS};
        int64_t now_ms = clock_mono_ms(c->o.clock);
        harvest_list(&h, &c->queue.first, &c->queue.last, &c->queue.n, now_ms);
        harvest_list(&h, &c->checks.first, &c->checks.last, &c->checks.n, now_ms);
        harvest_running(&h, c, now_ms);
        c->watchdog_at_ms = h.next_ms;
        if (h.n > 0) {
            (void)pthread_mutex_unlock(&c->lock);
            answer_harvest(c, &h);
            (void)pthread_mutex_lock(&c->lock);
        } else {
            committer_wait(c, &c->watchdog_wake, h.next_ms == NEVER_MS ? NEVER_MS : h.next_ms - now_ms);
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- keeper ---- */

void keeper_look_at_space(struct committer *c)
{
    struct store_ref *ref = store_acquire(c);
    uint64_t octets = 0;
    uint64_t free_octets = 0;
    uint64_t least = atomic_load(&c->free_space_min);
    int64_t backup_s = 0;
    bool was_short = atomic_load(&c->no_space);

    if (ref == NULL)
        return;
    ref->store->ops->size(ref->store, &octets, &free_octets, &backup_s);
    store_release(c, ref);
    atomic_store(&c->store_octets, octets);
    atomic_store(&c->free_octets, free_octets);
    atomic_store(&c->no_space, free_octets < least);
    if (free_octets < least && !was_short)
        log_event(LOG_WARN, "space-low", log_int("free", (int64_t)free_octets), log_int("limit", (int64_t)least),
                  log_str("effect", "no registrations and no new names until there is more"));
    else if (free_octets >= least && was_short)
        log_event(LOG_INFO, "space-enough", log_int("free", (int64_t)free_octets));
}

static void make_checkpoint(struct committer *c)
{
    struct store_ref *ref = store_acquire(c);
    int64_t before_us = clock_mono_us(c->o.clock);
    bool is_made = ref != NULL && ref->store->ops->log_octets(ref->store) > 0;
    enum err e = ERR_OK;

    if (is_made)
        e = ref->store->ops->checkpoint(ref->store);
    store_release(c, ref);
    if (is_made && e == ERR_OK)
        metrics_histogram_add(&c->checkpoint_us, (uint64_t)(clock_mono_us(c->o.clock) - before_us));
    if (e == ERR_OK || e == ERR_BUSY)
        return;
    (void)atomic_fetch_add_explicit(&c->checkpoints_failed, 1, memory_order_relaxed);
    log_event(LOG_WARN, "checkpoint-failed", log_err("reason", e),
              log_str("effect", "the write-ahead log grows until it works"));
}

/* When the keeper has something to do next. Holding lock. */
static int64_t keeper_next_ms(const struct committer *c, int64_t last_ms, int64_t space_ms)
{
    return c->checkpoint_due && last_ms + KEEPER_PAUSE_MS < space_ms ? last_ms + KEEPER_PAUSE_MS : space_ms;
}

void *keeper_main(void *arg)
{
    struct committer *c = arg;
    int64_t last_ms = clock_mono_ms(c->o.clock);
    int64_t space_ms = last_ms + KEEPER_INTERVAL_MS;

    (void)pthread_mutex_lock(&c->lock);
    while (!c->keeper_stop) {
        int64_t now_ms = clock_mono_ms(c->o.clock);
        int64_t next_ms = keeper_next_ms(c, last_ms, space_ms);
        if (now_ms < next_ms) {
            committer_wait(c, &c->keeper_wake, next_ms - now_ms);
            continue;
        }
        c->checkpoint_due = false;
        last_ms = now_ms;
        (void)pthread_mutex_unlock(&c->lock);
        make_checkpoint(c);
        if (now_ms >= space_ms) {
            keeper_look_at_space(c);
            space_ms = now_ms + KEEPER_INTERVAL_MS;
        }
        (void)pthread_mutex_lock(&c->lock);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}
