/* Readers of a test that end a read section, in a way that the thread sanitizer understands. For one file of a
 * program. */
#ifndef TEST_CORE_QUIET_H
#define TEST_CORE_QUIET_H

#include <stdatomic.h>
#include <string.h>
#include <urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

#ifdef THREAD_SANITIZER
#include <dlfcn.h>

/* liburcu is not instrumented, so the sanitizer does not know that a grace period orders what readers did before
 * what the writer does next. Say so: readers release this at their quiescent states, and the end of a grace period
 * acquires it. */
static atomic_ulong quiet;

void urcu_qsbr_synchronize_rcu(void);

void urcu_qsbr_synchronize_rcu(void)
{
    void (*real)(void);
    void *symbol = dlsym(RTLD_NEXT, "urcu_qsbr_synchronize_rcu");

    memcpy(&real, &symbol, sizeof real);
    real();
    (void)atomic_load_explicit(&quiet, memory_order_acquire);
}

static void become_quiet(void)
{
    atomic_fetch_add_explicit(&quiet, 1, memory_order_release);
    rcu_quiescent_state();
}
#else
static void become_quiet(void)
{
    rcu_quiescent_state();
}
#endif

#endif
