/* base/wait.h -- condition variables whose waits end by a clock that never jumps. Any thread. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"
#include "base/err.h"

/* A condition variable for ends that wait_end_ms() makes. ERR_MEMORY: nothing was made. */
MUST_USE enum err wait_cond_init(pthread_cond_t *cond);
/* The moment from_now_ms (0 and more) from now, for pthread_cond_timedwait(). */
struct timespec wait_end_ms(int64_t from_now_ms);

#endif
