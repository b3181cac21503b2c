/* dns/thread.h -- start a thread that no signal disturbs. */
#ifndef DNS_THREAD_H
#define DNS_THREAD_H

#include <pthread.h>

#include "base/attr.h"
#include "base/err.h"

/* Start run(arg) in a thread with a name of at most 15 characters. All signals are blocked in it but those that an
 * error of its own raises. ERR_IO: the system gives no more threads. */
MUST_USE enum err dns_thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg);

#endif
