/* Asks a DNS server over TCP and says in one line of JSON what came of it.
 *
 * Kept-open connections have a fixed number of questions outstanding each; what one read brought is answered with
 * one write of as many new questions. With --once each connection asks one question and is then reset: thousands of
 * them a second would otherwise use up the ports of this machine (TIME_WAIT). */
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"
#include "options.h"
#include "questions.h"

#define WINDOW_MOST      64
#define CONNECTIONS_MOST 1000
#define IN_ROOM          (64 * 1024) /* several answers; none of ours is longer than 4 KiB */
#define LENGTH_LEN       2           /* before each message, RFC 1035 section 4.2.2 */
#define EVENTS           64
#define WAIT_MS          100
#define SAMPLE_EVERY     16

struct options {
    uint16_t port;
    bool once;
    double seconds, warm_s;
    uint64_t names, questions;
    unsigned connections, window;
    struct processes watched;
};

struct asked {
    uint64_t at_ns;
    uint32_t question;
    bool waiting;
};

struct connection {
    int fd;
    bool connecting;                 /* what is to be sent waits for the connection */
    struct asked asked[WINDOW_MOST]; /* its place is the id */
    size_t in_len, out_len;
    uint8_t in[IN_ROOM];
    uint8_t out[WINDOW_MOST * (LENGTH_LEN + QUESTION_ROOM)];
};

struct counts {
    uint64_t answered, wrong, sampled, broken;
    uint64_t rcodes[RCODE_COUNT];
    struct histogram latency;
};

struct load {
    struct options options;
    struct questions questions;
    size_t next;
    int epoll;
    struct connection *connections;
    struct counts counts;
};

static void ask(struct load *l, struct connection *c, unsigned id)
{
    uint8_t *out = c->out + c->out_len;
    const struct question *q = &l->questions.all[l->next];

    c->asked[id] = (struct asked){.at_ns = now_ns(), .question = (uint32_t)l->next, .waiting = true};
    l->next = l->next + 1 < l->questions.n ? l->next + 1 : 0;
    out[0] = 0;
    out[1] = q->len;
    memcpy(out + LENGTH_LEN, q->msg, q->len);
    out[LENGTH_LEN] = 0;
    out[LENGTH_LEN + 1] = (uint8_t)id;
    c->out_len += (size_t)q->len + LENGTH_LEN;
}

static void watch(const struct load *l, struct connection *c, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};

    if (epoll_ctl(l->epoll, how, c->fd, &event) != 0)
        die_errno("epoll_ctl");
}

/* Questions are few and short: they always fit into the socket's buffer, as soon as it is connected. */
static void send_out(const struct load *l, struct connection *c)
{
    ssize_t n = c->out_len > 0 ? send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

    if (n < 0 && errno == EAGAIN && !c->connecting) { /* its queue of new connections is full */
        c->connecting = true;
        watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    if (n < 0 && errno == EAGAIN)
        return;
    if (n != (ssize_t)c->out_len && errno != ECONNRESET && errno != EPIPE) /* those show when reading */
        die_errno("send");
    c->out_len = 0;
}

static void connection_open(struct load *l, struct connection *c)
{
    struct sockaddr_in addr = loopback(l->options.port);
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die_errno("socket");
    if (connect(c->fd, (const struct sockaddr *)&addr, sizeof addr) != 0 && errno != EINPROGRESS)
        die_errno("connect");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die_errno("TCP_NODELAY");
    watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
    c->connecting = false;
    c->in_len = 0;
    c->out_len = 0;
    for (unsigned i = 0; i < (l->options.once ? 1 : l->options.window); i++)
        ask(l, c, i);
    send_out(l, c);
}

static void connection_close(const struct connection *c)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0)
        die_errno("SO_LINGER");
    (void)close(c->fd); /* nothing is left to send */
}

static void take(struct load *l, struct connection *c, const uint8_t *msg, size_t len)
{
    enum checked how = l->counts.answered % SAMPLE_EVERY == 0 ? CHECK_ALL : CHECK_COUNTS;
    unsigned id = len >= DNS_HEADER_LEN ? (unsigned)msg[0] << 8 | msg[1] : WINDOW_MOST;
    const char *fault;

    if (id >= WINDOW_MOST || !c->asked[id].waiting) {
        l->counts.wrong++;
        return;
    }
    c->asked[id].waiting = false;
    fault = answer_fault(&l->questions.all[c->asked[id].question], msg, len, how);
    if (fault != NULL && l->counts.wrong++ == 0)
        (void)fprintf(stderr, "load_tcp: a wrong answer from port %u: %s\n", l->options.port, fault);
    l->counts.sampled += how == CHECK_ALL;
    l->counts.answered++;
    l->counts.rcodes[answer_rcode(msg)]++;
    histogram_add(&l->counts.latency, now_ns() - c->asked[id].at_ns);
    if (!l->options.once)
        ask(l, c, id);
}

/* Take all whole messages; returns how many. */
static unsigned take_all(struct load *l, struct connection *c)
{
    size_t at = 0;
    unsigned n = 0;

    while (c->in_len - at >= LENGTH_LEN) {
        size_t len = (size_t)c->in[at] << 8 | c->in[at + 1];

        if (c->in_len - at - LENGTH_LEN < len)
            break;
        take(l, c, c->in + at + LENGTH_LEN, len);
        at += LENGTH_LEN + len;
        n++;
    }
    memmove(c->in, c->in + at, c->in_len - at);
    c->in_len -= at;
    return n;
}

static void reopen(struct load *l, struct connection *c)
{
    connection_close(c);
    memset(c->asked, 0, sizeof c->asked);
    connection_open(l, c);
}

/* A server may close a connection after so many questions or so much time; then the questions on it are lost and
 * asked on a new one. */
static void serve(struct load *l, struct connection *c)
{
    ssize_t n;

    if (c->connecting) {
        c->connecting = false;
        watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
        send_out(l, c);
    }
    n = recv(c->fd, c->in + c->in_len, IN_ROOM - c->in_len, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        l->counts.broken++;
        reopen(l, c);
        return;
    }
    c->in_len += (size_t)n;
    if (take_all(l, c) > 0 && l->options.once)
        reopen(l, c);
    else
        send_out(l, c);
}

static void run_until(struct load *l, uint64_t end_ns)
{
    struct epoll_event events[EVENTS];

    while (now_ns() < end_ns) {
        int n = epoll_wait(l->epoll, events, EVENTS, WAIT_MS);

        if (n < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < n; i++)
            serve(l, events[i].data.ptr);
    }
}

static void print(const struct counts *c, const struct cpu_reading *from, const struct cpu_reading *to)
{
    (void)printf("{");
    cpu_print(stdout, from, to);
    (void)printf("\"answered\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"sampled\": %" PRIu64 ", \"broken\": %" PRIu64
                 ", ",
                 c->answered, c->wrong, c->sampled, c->broken);
    rcodes_print(stdout, c->rcodes);
    (void)printf(", ");
    latency_print(stdout, &c->latency);
    (void)printf("}\n");
}

static void measure(struct load *l)
{
    struct cpu_reading from, to;

    run_until(l, now_ns() + (uint64_t)(l->options.warm_s * NS_PER_S));
    memset(&l->counts, 0, sizeof l->counts);
    cpu_read(&from, &l->options.watched);
    run_until(l, from.at_ns + (uint64_t)(l->options.seconds * NS_PER_S));
    cpu_read(&to, &l->options.watched);
    print(&l->counts, &from, &to);
}

static void read_options(struct options *o, int argc, char **argv)
{
    const struct option_row rows[] = {
        OPTION_ROW_PORT(&o->port),
        {"--names", "N", OPTION_NUMBER, &o->names, 1, NAMES_MOST, OPTION_MAY},
        OPTION_ROW_SECONDS(&o->seconds),
        OPTION_ROW_WARM(&o->warm_s),
        {"--connections", "N", OPTION_COUNT, &o->connections, 1, CONNECTIONS_MOST, OPTION_MAY},
        {"--window", "N", OPTION_COUNT, &o->window, 1, WINDOW_MOST, OPTION_MAY},
        {"--once", NULL, OPTION_FLAG, &o->once, 0, 0, OPTION_MAY},
        {"--questions", "N", OPTION_NUMBER, &o->questions, 1, QUESTIONS_MOST, OPTION_MAY},
        OPTION_ROW_PIDS(&o->watched),
    };

    options_read(rows, sizeof rows / sizeof rows[0], argc, argv);
}

static void load_open(struct load *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->connections = calloc(l->options.connections, sizeof *l->connections);
    if (l->epoll < 0 || l->connections == NULL)
        die_errno("epoll_create1, or memory");
    questions_make(&l->questions, l->options.questions, l->options.names);
    for (unsigned i = 0; i < l->options.connections; i++)
        connection_open(l, &l->connections[i]);
}

static void load_close(struct load *l)
{
    for (unsigned i = 0; i < l->options.connections; i++)
        connection_close(&l->connections[i]);
    (void)close(l->epoll);
    free(l->connections);
    questions_free(&l->questions);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);

    if (l == NULL)
        die("no memory");
    l->options = (struct options){
        .seconds = 1.0, .warm_s = 0.2, .names = 10000, .questions = 100000, .connections = 20, .window = 8};
    read_options(&l->options, argc, argv);
    load_open(l);
    measure(l);
    load_close(l);
    free(l);
    return 0;
}
