#include <stdlib.h>

#include "db/committer_internal.h"

void item_free(struct item *it)
{
    if (it == NULL)
        return;
    request_free(it->request);
    free(it);
}

/* Holding lock. */
static void wake_committer(struct committer *c)
{
    if (c->queue.awaited != 0)
        (void)pthread_cond_signal(&c->wake);
    c->queue.awaited = 0;
}

/* Holding lock. */
static void wake_watchdog_for(struct committer *c, int64_t deadline_ms)
{
    if (deadline_ms >= c->watchdog_at_ms)
        return;
    c->watchdog_at_ms = deadline_ms;
    (void)pthread_cond_signal(&c->watchdog_wake);
}

void queue_return(struct committer *c, struct item *it)
{
    struct queue *q = &c->queue;

    it->state = ITEM_QUEUED;
    it->next = NULL;
    if (q->last != NULL)
        q->last->next = it;
    else
        q->first = it;
    q->last = it;
    q->n++;
    if (q->n >= q->awaited)
        wake_committer(c);
}

static enum err put_item(struct committer *c, struct item *it)
{
    if (c->queue.closing)
        return ERR_CLOSED;
    if (c->queue.n >= QUEUE_MAX)
        return ERR_FULL;
    wake_watchdog_for(c, it->deadline_ms);
    queue_return(c, it);
    return ERR_OK;
}

enum err queue_submit(struct committer *c, struct request *r, change_done *done, void *arg)
{
    struct item *it = calloc(1, sizeof *it);
    enum err e;

    if (it == NULL)
        return ERR_FULL;
    it->done = done;
    it->arg = arg;
    it->deadline_ms = r->deadline_mono_ms != 0 ? r->deadline_mono_ms
                                               : clock_mono_ms(c->o.clock) + atomic_load(&c->commit_timeout_ms);
    it->request = r;
    (void)pthread_mutex_lock(&c->lock); /* plain mutexes fail for misuse only */
    e = put_item(c, it);
    (void)pthread_mutex_unlock(&c->lock);
    if (e != ERR_OK)
        free(it);
    return e;
}

static enum err put_look(struct committer *c, struct inspection *look)
{
    struct queue *q = &c->queue;

    if (q->closing)
        return ERR_CLOSED;
    if (q->n_looks >= QUEUE_MAX)
        return ERR_FULL;
    if (q->last_look != NULL)
        q->last_look->next = look;
    else
        q->first_look = look;
    q->last_look = look;
    q->n_looks++;
    wake_committer(c);
    return ERR_OK;
}

enum err queue_inspect(struct committer *c, void (*look)(void *arg, const struct state *state), void *arg)
{
    struct inspection *one = calloc(1, sizeof *one);
    enum err e;

    if (one == NULL)
        return ERR_FULL;
    one->look = look;
    one->arg = arg;
    (void)pthread_mutex_lock(&c->lock);
    e = put_look(c, one);
    (void)pthread_mutex_unlock(&c->lock);
    if (e != ERR_OK)
        free(one);
    return e;
}

void queue_take(struct committer *c, size_t most)
{
    struct queue *q = &c->queue;
    bool goes_on = true;

    (void)pthread_mutex_lock(&c->lock);
    while (goes_on && q->first != NULL && c->n_running < most) {
        struct item *it = q->first;
        q->first = it->next;
        if (q->first == NULL)
            q->last = NULL;
        it->next = NULL;
        it->state = ITEM_RUNNING;
        q->n--;
        c->running[c->n_running++] = it;
        goes_on = it->request->kind != REQUEST_CONFIGURE; /* those after it are decided by the new settings */
    }
    (void)pthread_mutex_unlock(&c->lock);
}

void queue_put_back(struct committer *c)
{
    struct queue *q = &c->queue;
    struct item *answered = NULL;

    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = c->n_running; i > 0; i--) {
        struct item *it = c->running[i - 1];
        if (it->state == ITEM_ANSWERED) {
            it->next = answered;
            answered = it;
            continue;
        }
        it->state = ITEM_QUEUED;
        it->next = q->first;
        q->first = it;
        if (q->last == NULL)
            q->last = it;
        q->n++;
    }
    c->n_running = 0;
    (void)pthread_mutex_unlock(&c->lock);
    while (answered != NULL) {
        struct item *next = answered->next;
        item_free(answered);
        answered = next;
    }
}

size_t queue_end_running(struct committer *c, bool answer_it[BATCH_MAX])
{
    size_t n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->n_running;
    c->gather_n = c->queue.n + n;
    for (size_t i = 0; i < n; i++)
        answer_it[i] = c->running[i]->state == ITEM_RUNNING;
    c->n_running = 0;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}
