/* Requests that wait are suspended in libmicrohttpd and linked in the host's list. Whoever takes a request out of
 * HTTP_WAITING, by compare and swap, has it: the change that is done, the thread of http_offload(), or the server
 * that stops and will wait no longer. At the end it is unlinked first, since once resumed it may wait, and be
 * linked, again; until it is resumed it is counted instead. So when the list is empty and nothing is counted,
 * nothing is suspended.
 *
 * To resume a connection wakes the thread of its server, and the committer finishes many requests at once. So they
 * become a stack, one a listener, and only the lowest is resumed by who finished it. When its thread comes to it,
 * it takes the whole stack and resumes the others: whatever was finished until then costs one wake-up. */
#include "api/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

bool http_request_release(struct http_request *rq)
{
    if (atomic_fetch_sub_explicit(&rq->users, 1, memory_order_acq_rel) != 1)
        return false;
    crypto_wipe(rq->result.secret, sizeof rq->result.secret);
    http_reply_free(&rq->reply);
    http_body_free(rq);
    arena_fini(&rq->arena);
    tuning_release(rq->tuning);
    return true;
}

/* What was waited for comes too late: the request has been given up, and perhaps has ended. */
static void release_late(struct http_request *rq)
{
    if (http_request_release(rq))
        free(rq);
}

/* Suspend. False: the server has stopped waiting; the request is suspended, but in no list. */
static bool wait_begin(struct http_request *rq)
{
    struct http_host *h = rq->host;
    bool linked;

    rq->suspended = true;
    rq->has_result = false;
    rq->is_lowest = false;
    MHD_suspend_connection(rq->mhd);
    pthread_mutex_lock(&h->lock);
    linked = !h->stopped;
    if (linked) {
        atomic_fetch_add_explicit(&rq->users, 1, memory_order_relaxed);
        atomic_store_explicit(&rq->phase, HTTP_WAITING, memory_order_release);
        rq->prev = NULL;
        rq->next = h->waiting;
        if (h->waiting != NULL)
            h->waiting->prev = rq;
        h->waiting = rq;
    }
    pthread_mutex_unlock(&h->lock);
    return linked;
}

static bool take_over(struct http_request *rq)
{
    int waiting = HTTP_WAITING;

    return atomic_compare_exchange_strong_explicit(&rq->phase, &waiting, HTTP_LOOKING, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void resume(struct http_request *rq)
{
    atomic_store_explicit(&rq->phase, HTTP_READY, memory_order_release);
    MHD_resume_connection(rq->mhd);
}

/* The caller holds the lock. */
static void unlink_waiting(struct http_request *rq)
{
    struct http_host *h = rq->host;

    if (rq->prev != NULL)
        rq->prev->next = rq->next;
    else
        h->waiting = rq->next;
    if (rq->next != NULL)
        rq->next->prev = rq->prev;
    if (rq->is_offloaded)
        h->offloads--;
    rq->is_offloaded = false;
}

static void resuming_end(struct http_host *h)
{
    pthread_mutex_lock(&h->lock);
    h->resuming--;
    if (h->waiting == NULL && h->resuming == 0)
        pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

/* Unlink and resume; the caller has taken it over. */
static void leave_waiting(struct http_request *rq)
{
    struct http_host *h = rq->host;

    pthread_mutex_lock(&h->lock);
    unlink_waiting(rq);
    h->resuming++;
    pthread_mutex_unlock(&h->lock);
    resume(rq);
    resuming_end(h);
}

static void wake_server(struct http_host *h, struct MHD_Connection *lowest)
{
    pthread_mutex_lock(&h->lock);
    h->resuming++;
    pthread_mutex_unlock(&h->lock);
    MHD_resume_connection(lowest);
    resuming_end(h);
}

/* What was waited for has happened; the caller has taken the request over. Afterwards neither it nor the host may
 * be touched. */
static void wait_end(struct http_request *rq)
{
    struct http_listener *l = rq->conn->listener;
    struct http_host *h = rq->host;
    struct MHD_Connection *mhd = rq->mhd;
    struct http_request *below = atomic_load_explicit(&l->done, memory_order_relaxed);

    /* Never the last one: libmicrohttpd has it until it has been resumed. */
    (void)atomic_fetch_sub_explicit(&rq->users, 1, memory_order_acq_rel);
    atomic_store_explicit(&rq->phase, HTTP_READY, memory_order_release);
    do {
        rq->below = below;
        rq->is_lowest = below == NULL;
    } while (
        !atomic_compare_exchange_weak_explicit(&l->done, &below, rq, memory_order_release, memory_order_relaxed));
    if (below == NULL)
        wake_server(h, mhd); /* until then the request is there: nobody else resumes the lowest */
}

/* Of the stack only the lowest is in its own hands; the others may end as soon as they are resumed. */
void http_resume_others(struct http_request *rq)
{
    struct http_host *h = rq->host;
    struct http_request *top, *next;

    if (!rq->is_lowest)
        return;
    rq->is_lowest = false;
    top = atomic_exchange_explicit(&rq->conn->listener->done, NULL, memory_order_acquire);
    pthread_mutex_lock(&h->lock);
    for (struct http_request *done = top; done != NULL; done = done->below)
        unlink_waiting(done);
    h->resuming++;
    pthread_mutex_unlock(&h->lock);
    for (struct http_request *done = top; done != rq; done = next) {
        next = done->below;
        MHD_resume_connection(done->mhd);
    }
    resuming_end(h);
}

static void set_result(struct http_request *rq, enum outcome outcome, enum refusal reason, const char *detail)
{
    rq->result = (struct result){.outcome = outcome, .refusal = reason};
    (void)snprintf(rq->result.detail, sizeof rq->result.detail, "%s", detail);
    rq->has_result = true;
}

/* There is nothing to look at: what answer would say of it must not be said. */
static void set_no_look(struct http_request *rq, enum refusal reason, const char *detail)
{
    rq->answer = NULL;
    http_reply_problem(rq, reason, detail, NULL);
}

/* Waiting could not begin, or what is waited for could not be asked for. */
static void wait_cancel(struct http_request *rq, bool linked, void (*explain)(struct http_request *rq))
{
    if (!linked) {
        explain(rq);
        resume(rq);
    } else if (take_over(rq)) {
        explain(rq);
        wait_end(rq);
    } else {
        release_late(rq);
    }
}

/* ---- changes ---- */

struct request *http_change(struct http_request *rq, enum request_kind kind, enum door door)
{
    struct request *r = request_new(kind, door);

    if (r == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return NULL;
    }
    r->caller.auth = rq->conn->listener->is_admin ? AUTH_LOCAL : AUTH_NONE;
    r->caller.client = rq->client.addr;
    r->caller.client_unknown = rq->client.unknown;
    memcpy(r->caller.request_id, rq->id, sizeof rq->id);
    return r;
}

/* Without what stands behind the ends of the two texts, which are empty in most. */
static void copy_result(struct result *to, const struct result *from)
{
    const size_t texts = offsetof(struct result, detail);
    const size_t after = offsetof(struct result, retry_s);

    memcpy(to, from, texts);
    memcpy(to->detail, from->detail, strnlen(from->detail, sizeof from->detail - 1) + 1);
    memcpy(to->hint, from->hint, strnlen(from->hint, sizeof from->hint - 1) + 1);
    memcpy((char *)to + after, (const char *)from + after, sizeof *to - after);
}

static void on_done(void *arg, const struct result *result, const struct state *state)
{
    struct http_request *rq = arg;

    if (!take_over(rq)) {
        release_late(rq);
        return;
    }
    copy_result(&rq->result, result);
    rq->has_result = true;
    if (rq->look != NULL)
        rq->look(rq, &rq->result, state);
    rq->result.entry = NULL; /* the committer's, until here */
    rq->result.plan = NULL;
    wait_end(rq);
}

static void explain_not_taken(struct http_request *rq)
{
    static const char detail[] = "the server has too many changes in its queue, or is stopping";

    set_result(rq, OUTCOME_REFUSED, REFUSAL_STORE_UNAVAILABLE, detail);
}

void http_submit(struct http_request *rq, struct request *r, http_look *look, http_answer *answer)
{
    const struct change_sink *sink = &rq->host->services.sink;
    enum door door = r->caller.door;
    bool linked;

    rq->look = look;
    rq->answer = answer;
    rq->is_change = r->kind != REQUEST_LOOK;
    linked = wait_begin(rq);
    if (linked && sink->submit(sink->self, r, on_done, rq) == ERR_OK)
        return;
    request_free(r);
    http_record_refusal(rq, door, REFUSAL_STORE_UNAVAILABLE, NULL, NULL, "not taken: queue full, or stopping");
    wait_cancel(rq, linked, explain_not_taken);
}

static void on_look(void *arg, const struct state *state)
{
    struct http_request *rq = arg;

    if (!take_over(rq)) {
        release_late(rq);
        return;
    }
    if (rq->look != NULL)
        rq->look(rq, NULL, state);
    wait_end(rq);
}

static void explain_no_look(struct http_request *rq)
{
    set_no_look(rq, REFUSAL_STORE_UNAVAILABLE, "the server has too much in its queue, or is stopping");
}

void http_inspect(struct http_request *rq, http_look *look, http_answer *answer)
{
    const struct change_sink *sink = &rq->host->services.sink;
    bool linked;

    rq->look = look;
    rq->answer = answer;
    rq->is_change = false;
    linked = wait_begin(rq);
    if (!linked || sink->inspect(sink->self, on_look, rq) != ERR_OK)
        wait_cancel(rq, linked, explain_no_look);
}

/* ---- work that waits for the journal ----
 *
 * The journal's position is looked at now and then, while somebody waits: a look costs nothing, and no busy server
 * is slowed down by waking its watchers at every change. One thread serves them all, one after the other. */

#define PARK_LOOK_MS 500

/* Take those out that need not wait any more; the caller holds the lock. */
static struct http_request *take_ready(struct http_host *h, uint64_t seq, int64_t now_ms, bool all)
{
    struct http_request *ready = NULL;
    struct http_request **at = &h->parked;

    while (*at != NULL) {
        struct http_request *rq = *at;
        if (!all && seq <= rq->park_seq && now_ms < rq->park_until_ms) {
            at = &rq->next_parked;
            continue;
        }
        *at = rq->next_parked;
        rq->next_parked = ready;
        ready = rq;
        h->n_parked--;
    }
    return ready;
}

static void park(struct http_request *rq)
{
    struct http_host *h = rq->host;

    pthread_mutex_lock(&h->lock);
    rq->is_parking = false;
    if (rq->is_offloaded)
        h->offloads--;
    rq->is_offloaded = false;
    rq->next_parked = h->parked;
    h->parked = rq;
    pthread_cond_signal(&h->park_changed);
    pthread_mutex_unlock(&h->lock);
}

static void work_again(struct http_request *ready)
{
    while (ready != NULL) {
        struct http_request *rq = ready;
        ready = rq->next_parked;
        rq->work(rq);
        if (rq->is_parking)
            park(rq);
        else
            wait_end(rq);
    }
}

/* The caller holds the lock. */
static void wait_to_look(struct http_host *h)
{
    struct timespec until;

    if (h->parked == NULL) {
        (void)pthread_cond_wait(&h->park_changed, &h->lock); /* fails for misuse only */
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PARK_LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!h->stopped && pthread_cond_timedwait(&h->park_changed, &h->lock, &until) == 0)
        continue; /* another one has come: it has just looked by itself */
}

static void *run_parker(void *arg)
{
    struct http_host *h = arg;
    const struct change_sink *sink = &h->services.sink;

    pthread_mutex_lock(&h->lock);
    while (!h->stopped || h->n_parked > 0) { /* one that is only about to be parked counts already */
        bool all = h->stopped || atomic_load_explicit(&h->stopping, memory_order_relaxed);
        struct http_request *ready;
        struct sink_status st;
        if (!all || h->parked == NULL)
            wait_to_look(h);
        pthread_mutex_unlock(&h->lock);
        sink->status(sink->self, &st);
        pthread_mutex_lock(&h->lock);
        all = h->stopped || atomic_load_explicit(&h->stopping, memory_order_relaxed);
        ready = take_ready(h, st.seq, clock_mono_ms(h->clock), all);
        pthread_mutex_unlock(&h->lock);
        work_again(ready);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

enum err http_park(struct http_request *rq, uint64_t seq, int64_t until_ms)
{
    struct http_host *h = rq->host;
    bool room;

    if (atomic_load_explicit(&h->stopping, memory_order_relaxed) || clock_mono_ms(h->clock) >= until_ms)
        return ERR_CLOSED;
    pthread_mutex_lock(&h->lock);
    if (!h->stopped && !h->has_parker)
        h->has_parker = pthread_create(&h->parker, NULL, run_parker, h) == 0;
    room = !h->stopped && h->has_parker && h->n_parked < HTTP_PARKED_MAX;
    if (room)
        h->n_parked++;
    pthread_mutex_unlock(&h->lock);
    rq->is_parking = room;
    rq->park_seq = seq;
    rq->park_until_ms = until_ms;
    return room ? ERR_OK : ERR_FULL;
}

/* ---- work that blocks ---- */

static void *run_work(void *arg)
{
    struct http_request *rq = arg;

    rq->work(rq);
    if (rq->is_parking)
        park(rq);
    else
        wait_end(rq);
    return NULL;
}

static bool offload_begin(struct http_host *h, bool is_local)
{
    size_t most = is_local ? HTTP_OFFLOAD_MAX : HTTP_OFFLOAD_MAX / 2;
    bool room;

    pthread_mutex_lock(&h->lock);
    room = !h->stopped && h->offloads < most;
    if (room)
        h->offloads++;
    pthread_mutex_unlock(&h->lock);
    return room;
}

void http_offload(struct http_request *rq, void (*work)(struct http_request *rq))
{
    pthread_attr_t attr;
    pthread_t thread;
    bool linked, started;

    rq->look = NULL;
    rq->answer = NULL;
    if (!offload_begin(rq->host, http_is_local(rq))) {
        http_reply_problem(rq, REFUSAL_FULL, "too much of this is going on already", NULL);
        return;
    }
    rq->is_offloaded = true;
    rq->work = work;
    linked = wait_begin(rq);
    if (!linked) {
        pthread_mutex_lock(&rq->host->lock);
        rq->host->offloads--;
        pthread_mutex_unlock(&rq->host->lock);
        explain_no_look(rq);
        resume(rq);
        return;
    }
    (void)take_over(rq); /* nobody else takes an offloaded one */
    started = pthread_attr_init(&attr) == 0;
    if (started) {
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        started = pthread_create(&thread, &attr, run_work, rq) == 0;
        (void)pthread_attr_destroy(&attr);
    }
    if (!started) {
        explain_no_look(rq);
        wait_end(rq);
    }
}

/* ---- the end ---- */

/* The first that nobody else has taken over; the caller holds the lock. */
static struct http_request *take_over_any(struct http_host *h)
{
    struct http_request *rq = h->waiting;

    while (rq != NULL && (rq->is_offloaded || !take_over(rq)))
        rq = rq->next;
    return rq;
}

static void give_up(struct http_request *rq)
{
    static const char detail[] = "the server stopped before the change was committed";

    if (rq->is_change)
        set_result(rq, OUTCOME_UNKNOWN, REFUSAL_OUTCOME_UNKNOWN, detail);
    else
        explain_no_look(rq);
    atomic_fetch_add_explicit(&rq->host->counters.given_up, 1, memory_order_relaxed);
    leave_waiting(rq); /* its last user is the callback that still comes */
}

void http_give_up_waiting(struct http_host *h)
{
    struct http_request *rq;

    pthread_mutex_lock(&h->lock);
    h->stopped = true;
    pthread_cond_signal(&h->park_changed);
    while ((rq = take_over_any(h)) != NULL) {
        pthread_mutex_unlock(&h->lock);
        give_up(rq);
        pthread_mutex_lock(&h->lock);
    }
    while (h->waiting != NULL || h->resuming > 0)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    if (h->has_parker)
        (void)pthread_join(h->parker, NULL); /* fails for misuse only */
    h->has_parker = false;
}
