#include "dns/bind.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bind_why.h"

#define TCP_BACKLOG       1024
#define FREE_PORT_TRIES   64
#define UDP_RECEIVE_BYTES (1024 * 1024) /* for bursts; the kernel gives at most net.core.rmem_max */
#define TCP_SEND_BYTES    (128 * 1024)  /* so that a peer that does not read cannot hold megabytes in the kernel */
#define TCP_DEFER_S       1             /* the least: the first retransmission of SYN-ACK */

enum port_sharing { PORT_ALONE, PORT_SHARED };

static const struct bind_key listen_key = {.path = "dns.listen", .before = "", .after = ""};

enum err bind_init(struct bound *b, const struct dns_settings *settings, size_t n_sockets, struct text *why)
{
    *b = (struct bound){.n_at = settings->n_listen};
    if (settings->n_listen > LISTENERS_MAX) {
        text_printf(why, "%zu addresses in dns.listen; at most %d are possible\n", settings->n_listen,
                    LISTENERS_MAX);
        return ERR_RANGE;
    }
    b->at = calloc(settings->n_listen + 1, sizeof *b->at);
    b->sockets = calloc(n_sockets + 1, sizeof *b->sockets);
    if (b->at == NULL || b->sockets == NULL) {
        text_put(why, "no memory for the listening sockets\n");
        bind_close(b);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < settings->n_listen; i++) {
        assert(settings->listen[i].kind == ENDPOINT_IP);
        b->at[i] = settings->listen[i];
    }
    return ERR_OK;
}

void bind_close(struct bound *b)
{
    for (size_t i = 0; i < b->n_sockets; i++)
        (void)close(b->sockets[i].fd); /* nothing is lost: what was received has been read */
    free(b->sockets);
    free(b->at);
    *b = (struct bound){0};
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

int bind_udp_options(int fd, const struct endpoint *at)
{
    bool v6 = at->addr.family == ADDR_V6;

    /* DF, and no ICMP message may lower the size (RFC 9715 section 3.1); also spares the kernel the choice of an IP
     * ID. Best effort: without it answers are as right. The IPv4 one counts on an IPv6 socket that takes IPv4 too.
     */
    (void)set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    if (v6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BYTES);
    if (!endpoint_is_wildcard(at))
        return 0;
    return v6 ? set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

void bind_tcp_options(int fd)
{
    /* Inherited by accepted connections. */
    (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, TCP_SEND_BYTES);
    (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    /* So is this, when it is said to a socket that listens: the first question is acknowledged by its answer and
     * not by a segment of its own before; tcp_stream.c says when it cannot be. */
    (void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
    /* A connection is to be accepted with its first question, in one wake-up, or after that time without. */
    (void)set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, TCP_DEFER_S);
}

/* A bound socket, or -1 with errno. */
static int open_bound(enum ip_proto proto, const struct endpoint *at, enum port_sharing sharing)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(at, &sa);
    bool v6 = at->addr.family == ADDR_V6;
    int type = proto == IP_PROTO_UDP ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK;
    int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : 0;

    if (rc == 0 && v6)
        rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    /* An address that comes up later (DHCP, VRRP) can be bound now; where it is not possible, bind says so. */
    if (rc == 0 && !endpoint_is_wildcard(at))
        (void)(v6 ? set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) : set_int(fd, IPPROTO_IP, IP_FREEBIND, 1));
    if (rc == 0 && proto == IP_PROTO_TCP)
        rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* connections in TIME_WAIT do not stop a restart */
    if (rc == 0 && sharing == PORT_SHARED)
        rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0)
        rc = bind(fd, (const struct sockaddr *)&sa, len);
    if (rc != 0 && fd >= 0) {
        int saved = errno;

        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void keep(struct bound *b, int fd, enum ip_proto proto, size_t listener)
{
    b->sockets[b->n_sockets++] = (struct dns_socket){.fd = fd, .proto = proto, .listener = listener};
}

/* Learn which port the kernel chose. 0, or -1 with errno. */
static int learn_port(int fd, struct endpoint *at)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    struct addr addr;

    if (at->port != 0)
        return 0;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return -1;
    addr_from_sockaddr(&addr, &at->port, (const struct sockaddr *)&sa);
    return 0;
}

/* 0, or errno. The socket is kept as soon as it is bound, so that bind_close() finds it. */
static int bind_tcp(struct bound *b, size_t i)
{
    int fd = open_bound(IP_PROTO_TCP, &b->at[i], PORT_ALONE);

    if (fd < 0)
        return errno;
    keep(b, fd, IP_PROTO_TCP, i);
    if (listen(fd, TCP_BACKLOG) != 0 || learn_port(fd, &b->at[i]) != 0)
        return errno;
    bind_tcp_options(fd);
    return 0;
}

/* 0, or errno. */
static int bind_udp(struct bound *b, size_t i, unsigned workers)
{
    /* First alone: SO_REUSEPORT would also share the port with another server of this user, and half of the
     * questions would go there. */
    int fd = open_bound(IP_PROTO_UDP, &b->at[i], PORT_ALONE);

    if (fd < 0)
        return errno;
    if (learn_port(fd, &b->at[i]) != 0) {
        int saved = errno;

        (void)close(fd);
        return saved;
    }
    (void)close(fd); /* a probe: nothing was received through it */
    for (unsigned w = 0; w < workers; w++) {
        fd = open_bound(IP_PROTO_UDP, &b->at[i], PORT_SHARED);
        if (fd < 0)
            return errno;
        keep(b, fd, IP_PROTO_UDP, i);
        if (bind_udp_options(fd, &b->at[i]) != 0)
            return errno;
    }
    return 0;
}

struct failure {
    int udp, tcp; /* errno, or 0 */
};

/* TCP first: of two servers that start at once only one gets it. With port 0 the kernel chooses a port that is free
 * for TCP, which may be taken for UDP: then again. */
static struct failure bind_listener(struct bound *b, size_t i, unsigned workers)
{
    struct endpoint want = b->at[i];
    size_t before = b->n_sockets;
    struct failure f = {0, 0};

    for (int tries = 0; tries < FREE_PORT_TRIES; tries++) {
        b->at[i] = want;
        f.tcp = bind_tcp(b, i);
        f.udp = bind_udp(b, i, workers);
        if (want.port != 0 || f.udp != EADDRINUSE)
            break;
        while (b->n_sockets > before)
            (void)close(b->sockets[--b->n_sockets].fd);
    }
    return f;
}

static enum err errno_err(int errnum)
{
    if (errnum == EADDRINUSE)
        return ERR_EXISTS;
    return errnum == ENOMEM || errnum == ENOBUFS ? ERR_MEMORY : ERR_IO;
}

enum err bind_all(struct bound *out, const struct dns_settings *settings, unsigned workers, struct text *why)
{
    enum err result = bind_init(out, settings, settings->n_listen * (workers + 1), why);

    if (result != ERR_OK)
        return result;
    for (size_t i = 0; i < out->n_at; i++) {
        struct failure f = bind_listener(out, i, workers);

        if (f.udp != 0)
            bind_why(why, &listen_key, IP_PROTO_UDP, &out->at[i], f.udp);
        if (f.tcp != 0 && f.tcp != f.udp) /* the same reason twice helps nobody */
            bind_why(why, &listen_key, IP_PROTO_TCP, &out->at[i], f.tcp);
        if (result == ERR_OK && f.udp != 0)
            result = errno_err(f.udp);
        if (result == ERR_OK && f.tcp != 0)
            result = errno_err(f.tcp);
    }
    if (result != ERR_OK)
        bind_close(out);
    return result;
}
