/* A server with a fault: it answers an update some time before DNS workers see it. It is the control of the test
 * that looks for stale answers, which must find them here. Linked with --wrap over the functions of core/table.h:
 * publishing is left to a thread that sleeps first; whatever else touches the table waits for it. What is loaded is
 * published at once, since nobody reads it yet. All calls come from the committer's thread, or from before and
 * after it. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "core/state.h"
#include "core/table.h"

#define LATE_NS 2000000

/* File-scope data that changes, because a wrapped function has no argument of ours. */
static struct late {
    bool loading, waiting;
    pthread_t thread;
} late;

enum err __real_table_batch_new(struct table_batch **out, struct table *t);
void __real_table_batch_publish(struct table_batch *b);
void __real_table_reclaim(struct table *t);
enum err __real_state_fill(struct state *s);
enum err __wrap_state_fill(struct state *s);
enum err __wrap_table_batch_new(struct table_batch **out, struct table *t);
void __wrap_table_batch_publish(struct table_batch *b);
void __wrap_table_reclaim(struct table *t);

static void *publish(void *arg)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LATE_NS}, NULL);
    __real_table_batch_publish(arg);
    return NULL;
}

static void wait_for_it(void)
{
    if (late.waiting && pthread_join(late.thread, NULL) != 0)
        abort();
    late.waiting = false;
}

enum err __wrap_table_batch_new(struct table_batch **out, struct table *t)
{
    wait_for_it();
    return __real_table_batch_new(out, t);
}

enum err __wrap_state_fill(struct state *s)
{
    enum err e;

    wait_for_it();
    late.loading = true;
    e = __real_state_fill(s);
    late.loading = false;
    return e;
}

void __wrap_table_batch_publish(struct table_batch *b)
{
    wait_for_it();
    if (late.loading) {
        __real_table_batch_publish(b);
        return;
    }
    if (pthread_create(&late.thread, NULL, publish, b) != 0)
        abort();
    late.waiting = true;
}

void __wrap_table_reclaim(struct table *t)
{
    wait_for_it();
    __real_table_reclaim(t);
}
