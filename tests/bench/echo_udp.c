/* A server that sends every datagram back as it came, with the calls that Riposte's UDP workers make: recvmmsg of
 * up to 32 with MSG_WAITFORONE, one sendmmsg. What it costs is what the kernel costs.
 *
 *   echo_udp --port N [--workers N] [--probe]      workers: threads with a socket each, as Riposte has them;
 *                                                  probe: IP_PMTUDISC_PROBE as Riposte sets it
 *
 * Ends by a signal. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "measure.h"
#include "options.h"

#define ECHO_BATCH   32
#define ECHO_ROOM    4096
#define WORKERS_MOST 64

struct options {
    uint16_t port;
    unsigned workers;
    bool probe;
};

struct echo {
    _Alignas(64) int fd;
    struct mmsghdr messages[ECHO_BATCH];
    struct iovec iov[ECHO_BATCH];
    struct sockaddr_storage from[ECHO_BATCH];
    uint8_t rooms[ECHO_BATCH][ECHO_ROOM];
};

static void echo_reset(struct echo *e, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        e->iov[i] = (struct iovec){.iov_base = e->rooms[i], .iov_len = ECHO_ROOM};
        e->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &e->from[i], .msg_namelen = sizeof e->from[i], .msg_iov = &e->iov[i], .msg_iovlen = 1};
    }
}

static void echo_open(struct echo *e, const struct options *o)
{
    struct sockaddr_in addr = loopback(o->port);
    int mode = IP_PMTUDISC_PROBE, on = 1;

    e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (e->fd < 0)
        die_errno("socket");
    if (o->probe && setsockopt(e->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode) != 0)
        die_errno("IP_MTU_DISCOVER");
    if (o->workers > 1 && setsockopt(e->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        die_errno("SO_REUSEPORT");
    if (bind(e->fd, (const struct sockaddr *)&addr, sizeof addr) != 0)
        die_errno("bind");
}

static void *echo_run(void *arg)
{
    struct echo *e = arg;
    int n = ECHO_BATCH;

    for (;;) {
        echo_reset(e, (unsigned)n);
        n = recvmmsg(e->fd, e->messages, ECHO_BATCH, MSG_WAITFORONE, NULL);
        if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
            die_errno("recvmmsg");
        n = n < 0 ? 0 : n;
        for (int i = 0; i < n; i++)
            e->iov[i].iov_len = e->messages[i].msg_len;
        for (int done = 0; done < n;) {
            int sent = sendmmsg(e->fd, e->messages + done, (unsigned)(n - done), 0);

            done += sent > 0 ? sent : 1; /* whoever does not take his answer goes without */
        }
    }
    return NULL;
}

static void read_options(struct options *o, int argc, char **argv)
{
    const struct option_row rows[] = {
        OPTION_ROW_PORT(&o->port),
        {"--workers", "N", OPTION_COUNT, &o->workers, 1, WORKERS_MOST, OPTION_MAY},
        {"--probe", NULL, OPTION_FLAG, &o->probe, 0, 0, OPTION_MAY},
    };

    options_read(rows, sizeof rows / sizeof rows[0], argc, argv);
}

int main(int argc, char **argv)
{
    struct options o = {.workers = 1};
    struct echo *all;

    read_options(&o, argc, argv);
    all = aligned_alloc(_Alignof(struct echo), o.workers * sizeof *all);
    if (all == NULL)
        die("no memory");
    for (unsigned i = 0; i < o.workers; i++)
        echo_open(&all[i], &o); /* all, before the first one answers */
    for (unsigned i = 1; i < o.workers; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, echo_run, &all[i]) != 0)
            die("no more threads");
    }
    (void)echo_run(&all[0]); /* does not return */
    return 0;
}
