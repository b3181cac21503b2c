#include "dns/thread.h"

#include <signal.h>
#include <stddef.h>

enum err dns_thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg)
{
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigset_t before;
    int rc;

    if (sigfillset(&blocked) != 0)
        return ERR_IO;
    for (size_t i = 0; i < ARRAY_LEN(own_faults); i++)
        if (sigdelset(&blocked, own_faults[i]) != 0)
            return ERR_IO;
    if (pthread_sigmask(SIG_SETMASK, &blocked, &before) != 0)
        return ERR_IO;
    rc = pthread_create(out, NULL, run, arg);
    if (rc == 0)
        (void)pthread_setname_np(*out, name);          /* for people who look at threads */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* it was valid before */
    return rc == 0 ? ERR_OK : ERR_IO;
}
