/* Looking at the state from a thread that may wait. Who waits too long leaves, and the look finds nobody any more.
 */
#include <pthread.h>
#include <stdlib.h>

#include "api/admin_internal.h"
#include "base/wait.h"

struct visit {
    pthread_mutex_t lock; /* held over the look, which is short: so it has ended when its caller goes on */
    pthread_cond_t changed;
    admin_look *look;
    void *arg;
    bool is_over;  /* the look was called */
    bool is_alone; /* the other side has left: free it */
};

static void visit_free(struct visit *v)
{
    (void)pthread_cond_destroy(&v->changed);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

/* NULL: no memory. */
static struct visit *visit_new(admin_look *look, void *arg)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL || wait_cond_init(&v->changed) != ERR_OK) {
        free(v);
        return NULL;
    }
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

static void on_look(void *arg, const struct state *state)
{
    struct visit *v = arg;

    (void)pthread_mutex_lock(&v->lock);
    if (!v->is_alone)
        v->look(v->arg, state);
    v->is_over = true;
    (void)pthread_cond_signal(&v->changed);
    visit_leave(v);
}

bool admin_look_now(struct http_request *rq, admin_look *look, void *arg)
{
    const struct change_sink *sink = &http_services(rq)->sink;
    const struct timespec end = wait_end_ms(ADMIN_LOOK_WAIT_MS);
    struct visit *v = visit_new(look, arg);
    bool is_over;

    if (v == NULL)
        return false;
    if (sink->inspect(sink->self, on_look, v) != ERR_OK) {
        visit_free(v);
        return false;
    }
    (void)pthread_mutex_lock(&v->lock);
    while (!v->is_over && pthread_cond_timedwait(&v->changed, &v->lock, &end) == 0)
        ;
    is_over = v->is_over;
    visit_leave(v);
    return is_over;
}
