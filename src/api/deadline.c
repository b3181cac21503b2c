#include "api/deadline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/wait.h"

#define LOOK_INTERVAL_MS 250

struct deadlines {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* there is something to watch, or the end has come */
    pthread_t thread;
    const struct clock *clock;
    struct deadline *first;
    bool stop;
    bool given_up;
    _Atomic uint64_t passed;
};

/* Wait for one look's interval; the caller holds the lock. */
static void wait_for_next_look(struct deadlines *ds)
{
    const struct timespec end = wait_end_ms(LOOK_INTERVAL_MS);

    while (!ds->stop && pthread_cond_timedwait(&ds->wake, &ds->lock, &end) != ETIMEDOUT)
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

enum err deadlines_new(struct deadlines **out, const struct clock *clock)
{
    struct deadlines *ds = calloc(1, sizeof *ds);

    if (ds == NULL)
        return ERR_MEMORY;
    ds->clock = clock;
    if (wait_cond_init(&ds->wake) != ERR_OK) {
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

static void end_turn_of_client(struct deadline *d)
{
    int client = TURN_CLIENT;

    if (atomic_compare_exchange_strong(&d->turn, &client, TURN_OVER))
        (void)shutdown(d->fd, SHUT_RDWR); /* fails when the peer was faster: fine */
}

void deadlines_add(struct deadlines *ds, struct deadline *d, int fd, int64_t at_mono_ms)
{
    atomic_init(&d->at_mono_ms, at_mono_ms);
    atomic_init(&d->turn, TURN_CLIENT);
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
    if (ds->given_up)
        end_turn_of_client(d);
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

bool deadline_take_turn(struct deadline *d)
{
    int client = TURN_CLIENT;

    return atomic_compare_exchange_strong(&d->turn, &client, TURN_SERVER) || client == TURN_SERVER;
}

void deadline_give_turn(struct deadline *d)
{
    int server = TURN_SERVER;

    (void)atomic_compare_exchange_strong(&d->turn, &server, TURN_CLIENT); /* what is over stays so */
}

/* The lock keeps the sockets open meanwhile, as in look(). */
void deadlines_give_up(struct deadlines *ds)
{
    pthread_mutex_lock(&ds->lock);
    ds->given_up = true;
    for (struct deadline *d = ds->first; d != NULL; d = d->next)
        end_turn_of_client(d);
    pthread_mutex_unlock(&ds->lock);
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
