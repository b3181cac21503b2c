/* A disk whose sync takes SLOW_SYNC_US microseconds longer: to be preloaded into the process that is to have it.
 * Reads the environment each time, which costs nothing next to a sync, so that it needs no state. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S  1000000
#define NS_PER_US 1000
#define BASE_TEN  10

static void wait_a_little(void)
{
    const char *text = getenv("SLOW_SYNC_US"); /* NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile */
    long us = text != NULL ? strtol(text, NULL, BASE_TEN) : 0;
    struct timespec rest = {.tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * NS_PER_US};

    if (us > 0)
        (void)nanosleep(&rest, NULL); /* a signal makes one sync quicker */
}

int fsync(int fd)
{
    wait_a_little();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_a_little();
    return (int)syscall(SYS_fdatasync, fd);
}
