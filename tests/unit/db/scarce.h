/* Threads that cannot be made, besides memory that runs out: for tests that are linked with --wrap for
 * pthread_create too (tests/unit/CMakeLists.txt). */
#ifndef TESTS_DB_SCARCE_H
#define TESTS_DB_SCARCE_H

#include <errno.h>
#include <pthread.h>

#include "base/scarce_memory.h"

static struct {
    atomic_int has_none;
    atomic_int made;
} threads;

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    if (atomic_load(&threads.has_none))
        return EAGAIN;
    atomic_fetch_add(&threads.made, 1);
    return __real_pthread_create(out, attr, run, arg);
}

#endif
