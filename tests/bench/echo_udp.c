/* A server that sends every datagram back as it came, with the calls that Riposte's UDP workers make: recvmmsg of
 * up to 32 with MSG_WAITFORONE, one sendmmsg. What it costs is what the kernel costs.
 *
 *   echo_udp PORT [probe]      probe: IP_PMTUDISC_PROBE as Riposte sets it; without it the socket is as it comes
 *
 * Ends by a signal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "measure.h"

#define ECHO_BATCH 32
#define ECHO_ROOM  4096

struct echo {
    int fd;
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

static void echo_open(struct echo *e, uint16_t port, int probe)
{
    struct sockaddr_in addr = loopback(port);
    int mode = IP_PMTUDISC_PROBE;

    e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (e->fd < 0)
        die_errno("socket");
    if (probe && setsockopt(e->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode) != 0)
        die_errno("IP_MTU_DISCOVER");
    if (bind(e->fd, (const struct sockaddr *)&addr, sizeof addr) != 0)
        die_errno("bind");
}

static _Noreturn void echo_run(struct echo *e)
{
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
}

int main(int argc, char **argv)
{
    struct echo *e = calloc(1, sizeof *e);
    int probe = argc == 3 && strcmp(argv[2], "probe") == 0;

    if (argc != 2 && !probe)
        die("usage: echo_udp PORT [probe]");
    if (e == NULL)
        die("no memory");
    echo_open(e, (uint16_t)option_number("PORT", argv[1], 1, UINT16_MAX), probe);
    echo_run(e);
}
