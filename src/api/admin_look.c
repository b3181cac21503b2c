/* Looking at the state, by those who may. From a thread that may wait, who waits too long leaves, and the look
 * finds nobody any more. */
#include <pthread.h>
#include <stdlib.h>

#include "api/admin_internal.h"
#include "base/wait.h"

static struct viewer viewer_for(const struct http_request *rq, const struct result *result,
                                const struct state *state)
{
    if (http_is_local(rq))
        return (struct viewer){.sees_all = true};
    return viewer_of(state, result->credential);
}

/* Without being authorized: only the admin socket gets this far with a NULL. */
static bool is_unasked(const struct http_request *rq, const struct result *result)
{
    return result == NULL && !http_is_local(rq);
}

bool admin_viewer(struct viewer *v, struct http_request *rq, const struct result *result, const struct state *state)
{
    if (is_unasked(rq, result) || (result != NULL && admin_refuse_result(rq, result)) ||
        admin_refuse_stateless(rq, state))
        return false;
    *v = viewer_for(rq, result, state);
    return true;
}

void admin_inspect(struct http_request *rq, enum look what, http_look *look, http_answer *answer)
{
    struct request *r;

    if (http_is_local(rq)) { /* works whatever the disk does */
        http_inspect(rq, look, answer);
        return;
    }
    r = admin_request(rq, REQUEST_LOOK);
    if (r == NULL)
        return;
    r->u.look = what;
    http_submit(rq, r, look, answer);
}

/* What is to be done once it is known that the caller may. */
struct errand {
    void (*work)(struct http_request *rq);
};

static void look_whether_allowed(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state))
        return; /* that was the reply; else the answer goes on */
}

static void go_on(struct http_request *rq, const struct result *unused)
{
    const struct errand *errand = http_user(rq);

    (void)unused;
    http_set_user(rq, NULL);
    http_offload(rq, errand->work);
}

void admin_offload(struct http_request *rq, enum look what, void (*work)(struct http_request *rq))
{
    struct errand *errand;

    if (http_is_local(rq)) {
        http_offload(rq, work);
        return;
    }
    errand = arena_alloc(http_arena(rq), sizeof *errand);
    if (errand == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return;
    }
    errand->work = work;
    http_set_user(rq, errand);
    admin_inspect(rq, what, look_whether_allowed, go_on);
}

/* ---- from a thread that may wait ---- */

struct visit {
    pthread_mutex_t lock; /* held over the look, which is short: so it has ended when its caller goes on */
    pthread_cond_t changed;
    struct http_request *rq;
    admin_look *look;
    void *arg;
    struct result refused; /* outcome OUTCOME_DONE: it was not */
    bool is_stateless;
    bool is_over;  /* the look was called, or refused */
    bool is_alone; /* the other side has left: free it */
};

static void visit_free(struct visit *v)
{
    (void)pthread_cond_destroy(&v->changed);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

/* NULL: no memory. */
static struct visit *visit_new(struct http_request *rq, admin_look *look, void *arg)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL || wait_cond_init(&v->changed) != ERR_OK) {
        free(v);
        return NULL;
    }
    v->rq = rq;
    v->look = look;
    v->arg = arg;
    (void)pthread_mutex_init(&v->lock, NULL); /* plain ones cannot fail */
    return v;
}

/* Leave; the last one frees. The caller holds the lock. */
static void visit_leave(struct visit *v)
{
    bool is_last = v->is_alone;

    v->is_alone = true;
    (void)pthread_mutex_unlock(&v->lock);
    if (is_last)
        visit_free(v);
}

static void on_done(void *arg, const struct result *result, const struct state *state)
{
    struct visit *v = arg;

    (void)pthread_mutex_lock(&v->lock);
    if (!v->is_alone && result != NULL && result->outcome != OUTCOME_DONE) {
        v->refused = *result;
    } else if (!v->is_alone && state == NULL) {
        v->is_stateless = true;
    } else if (!v->is_alone) {
        struct viewer viewer = viewer_for(v->rq, result, state);
        v->look(v->arg, &viewer, state);
    }
    v->is_over = true;
    (void)pthread_cond_signal(&v->changed);
    visit_leave(v);
}

static void on_look(void *arg, const struct state *state)
{
    on_done(arg, NULL, state);
}

/* False: it will not be called, and the reply is set. */
static bool ask(struct http_request *rq, enum look what, struct visit *v)
{
    const struct change_sink *sink = &http_services(rq)->sink;
    struct request *r;
    enum err e;

    if (http_is_local(rq)) {
        e = sink->inspect(sink->self, on_look, v);
    } else {
        r = admin_request(rq, REQUEST_LOOK);
        if (r == NULL)
            return false;
        r->u.look = what;
        e = sink->submit(sink->self, r, on_done, v);
        if (e != ERR_OK)
            request_free(r);
    }
    if (e != ERR_OK)
        (void)admin_refuse_stateless(rq, NULL);
    return e == ERR_OK;
}

bool admin_look_now(struct http_request *rq, enum look what, admin_look *look, void *arg)
{
    const struct timespec end = wait_end_ms(ADMIN_LOOK_WAIT_MS);
    struct visit *v = visit_new(rq, look, arg);
    bool was_called;

    if (v == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return false;
    }
    if (!ask(rq, what, v)) {
        visit_free(v);
        return false;
    }
    (void)pthread_mutex_lock(&v->lock);
    while (!v->is_over && pthread_cond_timedwait(&v->changed, &v->lock, &end) == 0)
        ;
    was_called = v->is_over && !v->is_stateless && v->refused.outcome == OUTCOME_DONE;
    if (v->refused.outcome != OUTCOME_DONE)
        admin_reply_refused(rq, &v->refused);
    else if (!was_called)
        (void)admin_refuse_stateless(rq, NULL);
    visit_leave(v);
    return was_called;
}
