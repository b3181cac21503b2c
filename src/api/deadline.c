#include "api/deadline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_INTERVAL_MS 250
#define NS_PER_MS        1000000
#define MS_PER_S         1000

struct deadlines {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* there is something to watch, or the end has come */
    pthread_t thread;
    const struct clock *clock;
    struct deadline *first;
    bool stop;
    _Atomic uint64_t passed;
};

/* Wait for one look's interval; the caller holds the lock. */
static void wait_for_next_look(struct deadlines *ds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)LOOK_INTERVAL_MS * NS_PER_MS;
    if (until.tv_nsec >= (long)MS_PER_S * NS_PER_MS) {
        until.tv_nsec -= (long)MS_PER_S * NS_PER_MS;
        until.tv_sec++;
    }
    while (!ds->stop && pthread_cond_timedwait(&ds->wake, &ds->lock, &until) != ETIMEDOUT)
        continue;
}

/* The caller holds the lock, so that no socket is closed, and its number used again, meanwhile. */
static void look(struct deadlines *ds, int64_t mono_ms)
{
    for (struct deadline *d = ds->first; d != NULL; d = d->next) {
        if (d->passed || atomic_load_explicit(&d->at_mono_ms, memory_order_relaxed) > mono_ms)
            continue;
        d->passed = true;
        (void)shutdown(d->fd, SHUT_RDWR); /* fails when the peer was faster: fine */
        atomic_fetch_add_explicit(&ds->passed, 1, memory_order_relaxed);
    }
}

static void *run(void *arg)
{
    struct deadlines *ds = arg;

    pthread_mutex_lock(&ds->lock);
    while (!ds->stop) {
        if (ds->first == NULL) {
            pthread_cond_wait(&ds->wake, &ds->lock);
            continue;
        }
        wait_for_next_look(ds);
        look(ds, clock_mono_ms(ds->clock));
    }
    pthread_mutex_unlock(&ds->lock);
    return NULL;
}

static enum err init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    enum err e = ERR_OK;

    if (pthread_condattr_init(&attr) != 0)
        return ERR_MEMORY;
    if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 || pthread_cond_init(cond, &attr) != 0)
        e = ERR_MEMORY;
    (void)pthread_condattr_destroy(&attr);
    return e;
}

enum err deadlines_new(struct deadlines **out, const struct clock *clock)
{
    struct deadlines *ds = calloc(1, sizeof *ds);

    if (ds == NULL)
        return ERR_MEMORY;
    ds->clock = clock;
    if (init_cond(&ds->wake) != ERR_OK) {
        free(ds);
        return ERR_MEMORY;
    }
    if (pthread_mutex_init(&ds->lock, NULL) != 0)
        goto no_lock;
    if (pthread_create(&ds->thread, NULL, run, ds) != 0)
        goto no_thread;
    *out = ds;
    return ERR_OK;

no_thread:
    (void)pthread_mutex_destroy(&ds->lock);
no_lock:
    (void)pthread_cond_destroy(&ds->wake);
    free(ds);
    return ERR_MEMORY;
}

void deadlines_free(struct deadlines *ds)
{
    if (ds == NULL)
        return;
    pthread_mutex_lock(&ds->lock);
    ds->stop = true;
    pthread_cond_signal(&ds->wake);
    pthread_mutex_unlock(&ds->lock);
    (void)pthread_join(ds->thread, NULL);
    (void)pthread_mutex_destroy(&ds->lock);
    (void)pthread_cond_destroy(&ds->wake);
    free(ds);
}

void deadlines_add(struct deadlines *ds, struct deadline *d, int fd, int64_t at_mono_ms)
{
    atomic_init(&d->at_mono_ms, at_mono_ms);
    d->fd = fd;
    d->passed = false;
    d->prev = NULL;
    pthread_mutex_lock(&ds->lock);
    d->next = ds->first;
    if (ds->first != NULL)
        ds->first->prev = d;
    else
        pthread_cond_signal(&ds->wake);
    ds->first = d;
    pthread_mutex_unlock(&ds->lock);
}

void deadlines_remove(struct deadlines *ds, struct deadline *d)
{
    pthread_mutex_lock(&ds->lock);
    if (d->prev != NULL)
        d->prev->next = d->next;
    else
        ds->first = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
    pthread_mutex_unlock(&ds->lock);
    d->prev = NULL;
    d->next = NULL;
}

void deadline_set(struct deadline *d, int64_t at_mono_ms)
{
    atomic_store_explicit(&d->at_mono_ms, at_mono_ms, memory_order_relaxed);
}

void deadline_shorten(struct deadline *d, int64_t at_mono_ms)
{
    if (at_mono_ms < atomic_load_explicit(&d->at_mono_ms, memory_order_relaxed))
        deadline_set(d, at_mono_ms);
}

void deadlines_check(struct deadlines *ds, int64_t mono_ms)
{
    pthread_mutex_lock(&ds->lock);
    look(ds, mono_ms);
    pthread_mutex_unlock(&ds->lock);
}

uint64_t deadlines_passed(const struct deadlines *ds)
{
    return atomic_load_explicit(&ds->passed, memory_order_relaxed);
}
