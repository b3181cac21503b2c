#include "base/wait.h"

#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

enum err wait_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    enum err e = ERR_OK;

    if (pthread_condattr_init(&attr) != 0)
        return ERR_MEMORY;
    if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 || pthread_cond_init(cond, &attr) != 0)
        e = ERR_MEMORY;
    (void)pthread_condattr_destroy(&attr);
    return e;
}

struct timespec wait_end_ms(int64_t from_now_ms)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_MONOTONIC, &end); /* cannot fail with this clock */
    end.tv_sec += from_now_ms / MS_PER_S;
    end.tv_nsec += (long)(from_now_ms % MS_PER_S) * NS_PER_MS;
    if (end.tv_nsec >= NS_PER_S) {
        end.tv_nsec -= NS_PER_S;
        end.tv_sec++;
    }
    return end;
}
