/* How a blocked worker is woken. Its thread sits in recvmmsg; nothing that is said to the socket is right
 * everywhere: shutdown() of an unconnected UDP socket works by accident and would reach the service manager's copy
 * of a passed socket, a datagram to oneself goes to whichever worker SO_REUSEPORT picks and may be filtered, a
 * receive timeout would wake an idle server for nothing. So it is a signal whose handler does nothing and lacks
 * SA_RESTART: recvmmsg ends with EINTR. One that comes just before the thread blocks is lost, therefore it is
 * repeated until the thread has ended. SIGURG, because its default is to be ignored: a stray one never harms. */
#include "dns/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu-qsbr.h>

#include "dns/answer.h"
#include "dns/query.h"
#include "dns/thread.h"

#define UDP_BATCH      32
#define WAKE_SIGNAL    SIGURG
#define WAKE_REPEAT_NS 1000000
#define CONTROL_MAX    UPDATE_CONTROL_MAX
#define SEND_WAIT_MS   20 /* for room in a full send queue */
#define ERROR_PAUSE_MS 10
#define DRAIN_BATCHES  256 /* more than a socket's buffer holds; a flood must not keep the worker from ending */

enum receive_mode { RECEIVE_WAIT, RECEIVE_AT_ONCE };

/* One place of a batch. The query is answered in its own buffer; parsing and composing may run over its end. */
struct place {
    _Alignas(64) uint8_t msg[DNS_UDP_READ_MAX + NAME_PAD];
    struct sockaddr_storage from;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX];
    struct iovec room; /* of a query: all of msg; of a reply: what of msg is sent */
    struct query query;
};

struct udp_worker {
    struct udp_worker_spec spec;
    struct answerer answerer;
    pthread_t thread;
    atomic_bool stop;
    atomic_bool ended;
    /* Each leads to a place, to any one: what came by a header is answered by the same. */
    struct mmsghdr batch[UDP_BATCH];
    struct place places[UDP_BATCH];
};

static void on_wake(int signal_number)
{
    (void)signal_number; /* that it interrupts the system call is all */
}

enum err udp_workers_init(void)
{
    struct sigaction action = {.sa_handler = on_wake};

    return sigaction(WAKE_SIGNAL, &action, NULL) == 0 ? ERR_OK : ERR_IO;
}

/* Once, for all that does not change from batch to batch. */
static void headers_init(struct udp_worker *w)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct place *p = &w->places[i];

        p->room = (struct iovec){.iov_base = p->msg, .iov_len = DNS_UDP_READ_MAX};
        w->batch[i].msg_hdr = (struct msghdr){.msg_name = &p->from, .msg_iov = &p->room, .msg_iovlen = 1};
    }
}

static inline struct place *place_of(const struct mmsghdr *header)
{
    return (struct place *)(void *)((char *)header->msg_hdr.msg_iov - offsetof(struct place, room));
}

/* Make the first n headers ready to receive again: lengths have been written into them. */
static void headers_reset(struct udp_worker *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        w->batch[i].msg_hdr.msg_namelen = sizeof w->places[i].from;
        w->batch[i].msg_hdr.msg_iov->iov_len = DNS_UDP_READ_MAX;
    }
    if (w->spec.source != UDP_SOURCE_ASKED)
        return;
    for (unsigned i = 0; i < n; i++) {
        w->batch[i].msg_hdr.msg_control = place_of(&w->batch[i])->control;
        w->batch[i].msg_hdr.msg_controllen = sizeof w->places[i].control;
    }
}

/* The received control block goes back with the reply: its address is then the source. The interface is left to the
 * routing table (the way back may be another one), except for addresses that mean something on one link only. */
static void control_turn_round(struct msghdr *hdr)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            info.ipi_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        }
    }
}

/* ---- a batch, in three phases ---- */

/* Parse all; find out where in the table each is to be looked for, and fetch that memory while the others are
 * parsed. */
static void parse_all(struct udp_worker *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct place *p = place_of(&w->batch[i]);
        struct query *q = &p->query;

        query_parse(q, p->msg, w->batch[i].msg_len, QUERY_UDP);
        if ((w->batch[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 && q->verdict != QUERY_DROP)
            query_spoil(q);
        if (q->verdict == QUERY_LOOKUP && w->answerer.table != NULL) {
            q->hash = table_hash(w->answerer.table, &q->name);
            q->slot = table_prefetch(w->answerer.table, q->hash);
        }
    }
}

/* By now the slots have arrived: fetch the nodes that they point at. */
static void prefetch_all(struct udp_worker *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const void *slot = place_of(&w->batch[i])->query.slot;

        if (slot != NULL)
            table_prefetch_node(slot);
    }
}

/* Where an UPDATE came from. */
struct udp_origin {
    const struct udp_worker *w;
    const struct msghdr *in;
};

static void route_back(void *arg, struct update *u)
{
    const struct udp_origin *o = arg;
    const struct msghdr *in = o->in;

    u->fd = o->w->spec.fd; /* open until the door has been closed */
    memcpy(&u->to, in->msg_name, sizeof u->to);
    u->to_len = in->msg_namelen;
    if (o->w->spec.source == UDP_SOURCE_ASKED && in->msg_controllen <= sizeof u->control) {
        struct msghdr hdr = {.msg_control = u->control, .msg_controllen = in->msg_controllen};

        memcpy(u->control, in->msg_control, in->msg_controllen);
        u->control_len = in->msg_controllen;
        control_turn_round(&hdr);
    }
}

static void headers_swap(struct mmsghdr *a, struct mmsghdr *b)
{
    struct mmsghdr a_was = *a;

    *a = *b;
    *b = a_was;
}

/* Compose all; returns how many replies there are. Their headers then stand in front of those of the others. */
static unsigned compose_all(struct udp_worker *w, unsigned n)
{
    struct udp_origin origin = {.w = w};
    struct answer_peer peer = {
        .transport = QUERY_UDP, .listener = w->spec.listener, .route = route_back, .route_arg = &origin};
    unsigned n_out = 0;

    for (unsigned i = 0; i < n; i++) {
        struct mmsghdr *header = &w->batch[i];
        struct place *p = place_of(header);
        size_t len;

        origin.in = &header->msg_hdr;
        peer.from = (const struct sockaddr *)&p->from;
        len = answer_compose(&w->answerer, &p->query, &peer, p->msg, DNS_UDP_READ_MAX);
        if (len == 0)
            continue;
        p->room.iov_len = len;
        if (w->spec.source == UDP_SOURCE_ASKED)
            control_turn_round(&header->msg_hdr);
        if (n_out < i)
            headers_swap(&w->batch[n_out], header);
        n_out++;
    }
    return n_out;
}

/* The reply is larger than the interface takes in one piece, and DF is set: ask for TCP instead of saying nothing.
 * False when that was tried already. */
static bool cut_reply(struct udp_worker *w, struct place *p)
{
    size_t len = answer_truncate(&w->answerer, &p->query, p->msg, p->room.iov_len);

    if (len == 0)
        return false;
    p->room.iov_len = len;
    return true;
}

/* A send queue that is full drains in microseconds unless something is wrong; the reader is offline meanwhile. */
static void wait_for_room(struct udp_worker *w)
{
    struct pollfd room = {.fd = w->spec.fd, .events = POLLOUT};

    rcu_thread_offline();
    (void)poll(&room, 1, SEND_WAIT_MS); /* whatever it says, the next send decides */
    rcu_thread_online();
    answerer_refresh(&w->answerer, w->spec.slot, w->spec.tuning); /* cut_reply() needs settings that live */
}

/* Send n replies. sendmmsg stops in front of the one that fails and tells why at the next call. A reply that cannot
 * be sent is counted and left out; a queue that stays full costs the rest of the batch, so that the worker never
 * hangs. */
static void send_all(struct udp_worker *w, unsigned n)
{
    bool waited = false;
    unsigned done = 0;

    while (done < n) {
        int sent = sendmmsg(w->spec.fd, w->batch + done, n - done, MSG_DONTWAIT);

        if (sent > 0) {
            done += (unsigned)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EMSGSIZE && cut_reply(w, place_of(&w->batch[done])))
            continue;
        if (sent < 0 && errno == EAGAIN && !waited) {
            waited = true;
            wait_for_room(w);
            continue;
        }
        if (sent < 0 && errno == EAGAIN) {
            for (; done < n; done++)
                dns_count(&w->spec.stats->counters.send_failed);
            return;
        }
        dns_count(&w->spec.stats->counters.send_failed);
        done++;
    }
}

static void answer_batch(struct udp_worker *w, unsigned n)
{
    answerer_refresh(&w->answerer, w->spec.slot, w->spec.tuning);
    parse_all(w, n);
    prefetch_all(w, n);
    thread_stats_note_source(w->spec.stats, w->batch[0].msg_hdr.msg_name);
    send_all(w, compose_all(w, n));
    headers_reset(w, n);
}

/* ---- the thread ---- */

/* recvmmsg failed. A passed socket may have been made non-blocking by whoever shares it; other errors (memory) are
 * met with a short pause. Offline. */
static void wait_after_error(int fd, int errnum)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    if (errnum == EAGAIN)
        (void)poll(&readable, 1, -1); /* EINTR: the caller looks whether it is to stop */
    else if (errnum != EINTR)
        (void)poll(NULL, 0, ERROR_PAUSE_MS);
}

/* Receive up to a batch; 0 when there is nothing (at once) or the wait was interrupted. */
static unsigned receive(struct udp_worker *w, enum receive_mode mode)
{
    int n;

    if (mode == RECEIVE_AT_ONCE) {
        rcu_quiescent_state(); /* going offline is one, too */
        n = recvmmsg(w->spec.fd, w->batch, UDP_BATCH, MSG_DONTWAIT, NULL);
        return n > 0 ? (unsigned)n : 0;
    }
    rcu_thread_offline(); /* a reader that blocks while online would stall every publication */
    n = recvmmsg(w->spec.fd, w->batch, UDP_BATCH, MSG_WAITFORONE, NULL);
    if (n < 0)
        wait_after_error(w->spec.fd, errno);
    rcu_thread_online();
    return n > 0 ? (unsigned)n : 0;
}

static void wake_signal_unblock(void)
{
    sigset_t wake;

    /* None of the three can fail with a valid signal; and then the worker would only end with its next question. */
    (void)sigemptyset(&wake);
    (void)sigaddset(&wake, WAKE_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
}

static void *worker_main(void *arg)
{
    struct udp_worker *w = arg;
    unsigned n = 0;

    wake_signal_unblock();
    rcu_register_thread();
    headers_init(w);
    headers_reset(w, UDP_BATCH);
    while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        /* After a full batch there is more, most likely: look without the cost of going offline. */
        n = n == UDP_BATCH ? receive(w, RECEIVE_AT_ONCE) : 0;
        if (n == 0)
            n = receive(w, RECEIVE_WAIT);
        if (n > 0)
            answer_batch(w, n);
    }
    for (unsigned batches = 0; batches < DRAIN_BATCHES && (n = receive(w, RECEIVE_AT_ONCE)) > 0; batches++)
        answer_batch(w, n);
    rcu_unregister_thread();
    atomic_store_explicit(&w->ended, true, memory_order_relaxed);
    return NULL;
}

enum err udp_worker_start(struct udp_worker **out, const struct udp_worker_spec *spec)
{
    struct udp_worker *w = aligned_alloc(_Alignof(struct udp_worker), sizeof *w);
    enum err e;

    *out = NULL;
    if (w == NULL)
        return ERR_MEMORY;
    memset(w, 0, sizeof *w);
    w->spec = *spec;
    w->answerer.keys = spec->keys;
    w->answerer.updates = spec->updates;
    w->answerer.trace = spec->trace;
    w->answerer.counters = &spec->stats->counters;
    atomic_init(&w->stop, false);
    atomic_init(&w->ended, false);
    e = dns_thread_start(&w->thread, "dns-udp", worker_main, w);
    if (e != ERR_OK) {
        free(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

void udp_worker_ask_stop(struct udp_worker *w)
{
    atomic_store_explicit(&w->stop, true, memory_order_relaxed);
    (void)pthread_kill(w->thread, WAKE_SIGNAL); /* repeated by udp_worker_free() */
}

void udp_worker_free(struct udp_worker *w)
{
    if (w == NULL)
        return;
    udp_worker_ask_stop(w);
    while (!atomic_load_explicit(&w->ended, memory_order_relaxed)) {
        (void)pthread_kill(w->thread, WAKE_SIGNAL); /* its handler is in place, and the thread is not joined yet */
        (void)nanosleep(&(struct timespec){.tv_nsec = WAKE_REPEAT_NS}, NULL);
    }
    (void)pthread_join(w->thread, NULL); /* ours, joinable, joined once */
    free(w);
}
