/* Asks a DNS server over UDP and says in one line of JSON what came of it.
 *
 * Without --rate a fixed number of questions is outstanding on each socket, and each answer brings the next
 * question: the most that the server can do. With --rate questions leave at fixed times whatever the answers do,
 * and a latency counts from the time at which its question should have left. Sockets are asked in turn without
 * waiting, so the server never pays for waking this program. What a batch brought is answered with one sendmmsg. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "measure.h"
#include "options.h"
#include "questions.h"

#define WINDOW_MOST   64 /* a slot's number and its generation share the 16 bits of the id */
#define SLOT_BITS     6
#define SOCKETS_MOST  256
#define RATE_MOST     10000000
#define ANSWER_ROOM   2048
#define LOST_NS       (500u * NS_PER_MS) /* no answer after this: asked again, and counted */
#define LOOK_EVERY_NS (50u * NS_PER_MS)  /* for lost ones */
#define DRAIN_NS      (200u * NS_PER_MS)
#define SAMPLE_EVERY  16 /* of so many answers one is looked through */
#define SOCKET_BUFFER (1 << 20)
#define LATE_NS       (5u * NS_PER_MS)

struct options {
    uint16_t port;
    bool echo; /* the server sends questions back */
    double seconds, warm_s;
    uint64_t rate, names, questions;
    unsigned sockets, window;
    struct processes watched;
};

struct slot {
    uint64_t due_ns;
    uint32_t question;
    uint16_t id;
    bool waiting;
};

struct client {
    int fd;
    unsigned n_free;
    uint8_t free[WINDOW_MOST]; /* slots without a question */
    struct slot slots[WINDOW_MOST];
    unsigned n_out; /* questions that wait to be sent */
    struct mmsghdr out[WINDOW_MOST];
    struct iovec out_iov[WINDOW_MOST];
    uint8_t out_rooms[WINDOW_MOST][QUESTION_ROOM];
};

struct counts {
    uint64_t asked, answered, lost, wrong, stray, sampled;
    uint64_t rcodes[RCODE_COUNT];
    struct histogram latency;
};

struct load {
    struct options options;
    struct questions questions;
    size_t next;     /* question */
    uint64_t due_ns; /* when the next question leaves; with --rate */
    struct counts counts;
    struct client *clients;
    struct mmsghdr in[WINDOW_MOST];
    struct iovec in_iov[WINDOW_MOST];
    uint8_t in_rooms[WINDOW_MOST][ANSWER_ROOM];
};

/* ---- asking ---- */

static void ask(struct load *l, struct client *c, uint64_t due_ns)
{
    unsigned number = c->free[--c->n_free];
    struct slot *s = &c->slots[number];
    uint8_t *room = c->out_rooms[c->n_out];
    const struct question *q;

    s->question = (uint32_t)l->next;
    l->next = l->next + 1 < l->questions.n ? l->next + 1 : 0;
    s->id = (uint16_t)((s->id + (1u << SLOT_BITS)) & ~((1u << SLOT_BITS) - 1)) | (uint16_t)number;
    s->due_ns = due_ns;
    s->waiting = true;
    q = &l->questions.all[s->question];
    memcpy(room, q->msg, q->len);
    room[0] = (uint8_t)(s->id >> 8);
    room[1] = (uint8_t)(s->id & 0xff);
    c->out_iov[c->n_out++].iov_len = q->len;
}

static void send_all(struct load *l, struct client *c)
{
    unsigned done = 0;

    while (done < c->n_out) {
        int n = sendmmsg(c->fd, c->out + done, c->n_out - done, 0);

        if (n < 0 && errno != EINTR)
            die_errno("sendmmsg");
        done += n > 0 ? (unsigned)n : 0;
    }
    l->counts.asked += done;
    c->n_out = 0;
}

static void slot_end(struct client *c, struct slot *s)
{
    s->waiting = false;
    c->free[c->n_free++] = (uint8_t)(s - c->slots);
}

/* ---- answers ---- */

static const char *fault_of(const struct load *l, const struct question *q, const uint8_t *msg, size_t len)
{
    if (l->options.echo) /* its first octets, the id, are not in the question */
        return len == q->len && memcmp(msg + DNS_ID_LEN, q->msg + DNS_ID_LEN, len - DNS_ID_LEN) == 0
                   ? NULL
                   : "it is not the question";
    return answer_fault(q, msg, len, l->counts.answered % SAMPLE_EVERY == 0 ? CHECK_ALL : CHECK_COUNTS);
}

static void take(struct load *l, struct client *c, const uint8_t *msg, size_t len, uint64_t at_ns)
{
    const char *fault;
    struct slot *s;
    unsigned id;

    if (len < DNS_HEADER_LEN) {
        l->counts.wrong++;
        return;
    }
    id = (unsigned)msg[0] << 8 | msg[1];
    s = &c->slots[id & ((1u << SLOT_BITS) - 1)];
    if (!s->waiting || s->id != id) {
        l->counts.stray++;
        return;
    }
    fault = fault_of(l, &l->questions.all[s->question], msg, len);
    if (fault != NULL && l->counts.wrong++ == 0)
        (void)fprintf(stderr, "load_udp: a wrong answer from port %u: %s\n", l->options.port, fault);
    l->counts.sampled += l->counts.answered % SAMPLE_EVERY == 0;
    l->counts.answered++;
    l->counts.rcodes[answer_rcode(msg)]++;
    histogram_add(&l->counts.latency, at_ns > s->due_ns ? at_ns - s->due_ns : 0);
    slot_end(c, s);
}

/* Take what has come to one socket; returns how much. */
static unsigned receive(struct load *l, struct client *c)
{
    int n = recvmmsg(c->fd, l->in, WINDOW_MOST, MSG_DONTWAIT, NULL);
    uint64_t at_ns;

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        die_errno("recvmmsg (is there a server?)");
    if (n <= 0)
        return 0;
    at_ns = now_ns();
    for (int i = 0; i < n; i++)
        take(l, c, l->in_rooms[i], l->in[i].msg_len, at_ns);
    return (unsigned)n;
}

/* With a window: as many questions as there were answers. */
static void refill(struct load *l, struct client *c)
{
    uint64_t at_ns = now_ns();

    while (c->n_free > WINDOW_MOST - l->options.window)
        ask(l, c, at_ns);
    send_all(l, c);
}

/* With a rate: what is due by now, spread over the sockets. A question that no slot is free for stays due. */
static void ask_due(struct load *l)
{
    static const unsigned burst = 8;
    uint64_t at_ns = now_ns(), step_ns = NS_PER_S / l->options.rate;
    unsigned turn = (unsigned)(l->next % l->options.sockets);

    for (unsigned tried = 0; tried < l->options.sockets && l->due_ns <= at_ns; tried++) {
        struct client *c = &l->clients[(turn + tried) % l->options.sockets];

        for (unsigned i = 0; i < burst && c->n_free > 0 && l->due_ns <= at_ns; i++) {
            ask(l, c, l->due_ns);
            l->due_ns += step_ns;
        }
        send_all(l, c);
    }
}

static void find_lost(struct load *l, uint64_t at_ns)
{
    for (unsigned i = 0; i < l->options.sockets; i++) {
        struct client *c = &l->clients[i];

        for (unsigned k = 0; k < WINDOW_MOST; k++) {
            struct slot *s = &c->slots[k];

            if (!s->waiting || s->due_ns + LOST_NS > at_ns)
                continue;
            l->counts.lost++;
            slot_end(c, s);
        }
        if (l->options.rate == 0)
            refill(l, c);
    }
}

enum phase { PHASE_ASK, PHASE_DRAIN };

static void run_until(struct load *l, uint64_t end_ns, enum phase phase)
{
    uint64_t look_ns = now_ns() + LOOK_EVERY_NS, at_ns;

    while ((at_ns = now_ns()) < end_ns) {
        for (unsigned i = 0; i < l->options.sockets; i++) {
            if (phase == PHASE_ASK && l->options.rate > 0)
                ask_due(l);
            if (receive(l, &l->clients[i]) > 0 && phase == PHASE_ASK && l->options.rate == 0)
                refill(l, &l->clients[i]);
        }
        if (at_ns >= look_ns && phase == PHASE_ASK) {
            find_lost(l, at_ns);
            look_ns = at_ns + LOOK_EVERY_NS;
        }
    }
}

/* ---- beginning and end ---- */

static void client_open(struct client *c, uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int room = SOCKET_BUFFER;

    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die_errno("socket");
    if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0)
        die_errno("SO_RCVBUF");
    if (connect(c->fd, (const struct sockaddr *)&addr, sizeof addr) != 0)
        die_errno("connect");
    for (unsigned i = 0; i < WINDOW_MOST; i++) {
        c->free[c->n_free++] = (uint8_t)i;
        c->out_iov[i].iov_base = c->out_rooms[i];
        c->out[i].msg_hdr = (struct msghdr){.msg_iov = &c->out_iov[i], .msg_iovlen = 1};
    }
}

static void load_open(struct load *l)
{
    l->clients = calloc(l->options.sockets, sizeof *l->clients);
    if (l->clients == NULL)
        die("no memory");
    questions_make(&l->questions, l->options.questions, l->options.names);
    for (unsigned i = 0; i < l->options.sockets; i++)
        client_open(&l->clients[i], l->options.port);
    for (unsigned i = 0; i < WINDOW_MOST; i++) {
        l->in_iov[i] = (struct iovec){.iov_base = l->in_rooms[i], .iov_len = ANSWER_ROOM};
        l->in[i].msg_hdr = (struct msghdr){.msg_iov = &l->in_iov[i], .msg_iovlen = 1};
    }
}

static void load_close(struct load *l)
{
    for (unsigned i = 0; i < l->options.sockets; i++)
        (void)close(l->clients[i].fd); /* nothing is left to send */
    questions_free(&l->questions);
    free(l->clients);
}

static void print(const struct counts *c, const struct cpu_reading *from, const struct cpu_reading *to)
{
    (void)printf("{");
    cpu_print(stdout, from, to);
    (void)printf("\"asked\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"wrong\": %" PRIu64
                 ", \"stray\": %" PRIu64 ", \"sampled\": %" PRIu64 ", ",
                 c->asked, c->answered, c->lost, c->wrong, c->stray, c->sampled);
    rcodes_print(stdout, c->rcodes);
    (void)printf(", ");
    latency_print(stdout, &c->latency);
    (void)printf(", \"late\": %.6f}\n", histogram_above(&c->latency, LATE_NS));
}

/* What happens while nothing is measured any more belongs to no count. */
static void measure(struct load *l)
{
    uint64_t ns = (uint64_t)(l->options.seconds * NS_PER_S), begin_ns = now_ns();
    struct cpu_reading from, to;
    struct counts *counts;

    l->due_ns = begin_ns;
    if (l->options.rate == 0)
        for (unsigned i = 0; i < l->options.sockets; i++)
            refill(l, &l->clients[i]);
    run_until(l, begin_ns + (uint64_t)(l->options.warm_s * NS_PER_S), PHASE_ASK);
    l->counts = (struct counts){0};
    cpu_read(&from, &l->options.watched);
    run_until(l, from.at_ns + ns, PHASE_ASK);
    cpu_read(&to, &l->options.watched);
    counts = malloc(sizeof *counts);
    if (counts == NULL)
        die("no memory");
    *counts = l->counts;
    run_until(l, now_ns() + DRAIN_NS, PHASE_DRAIN);
    counts->wrong = l->counts.wrong; /* a wrong answer is one whenever it comes */
    print(counts, &from, &to);
    free(counts);
}

static void read_options(struct options *o, int argc, char **argv)
{
    const struct option_row rows[] = {
        OPTION_ROW_PORT(&o->port),
        {"--names", "N", OPTION_NUMBER, &o->names, 1, NAMES_MOST, OPTION_MAY},
        OPTION_ROW_SECONDS(&o->seconds),
        OPTION_ROW_WARM(&o->warm_s),
        {"--rate", "N", OPTION_NUMBER, &o->rate, 1, RATE_MOST, OPTION_MAY},
        {"--sockets", "N", OPTION_COUNT, &o->sockets, 1, SOCKETS_MOST, OPTION_MAY},
        {"--window", "N", OPTION_COUNT, &o->window, 1, WINDOW_MOST, OPTION_MAY},
        {"--questions", "N", OPTION_NUMBER, &o->questions, 1, QUESTIONS_MOST, OPTION_MAY},
        OPTION_ROW_PIDS(&o->watched),
        {"--echo", NULL, OPTION_FLAG, &o->echo, 0, 0, OPTION_MAY},
    };

    options_read(rows, sizeof rows / sizeof rows[0], argc, argv);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);

    if (l == NULL)
        die("no memory");
    l->options = (struct options){
        .seconds = 1.0, .warm_s = 0.2, .names = 10000, .questions = 100000, .sockets = 8, .window = 16};
    read_options(&l->options, argc, argv);
    load_open(l);
    measure(l);
    load_close(l);
    free(l);
    return 0;
}
