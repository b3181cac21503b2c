/* Sends updates to POST /update, as acme-dns's clients do, over connections that are kept alive, and says in one
 * line of JSON what came of it. Each client has one update on its way and never two.
 *
 * The accounts are the lines of a file, "user key subdomain"; client k of n takes lines k, k + n, k + 2 n … in
 * turn, so a file of one line is all clients to one name, and one of n lines a name for each.
 *
 * With --rate updates leave at fixed times instead of one after the other. With --ask each client asks the DNS
 * server for its value the moment its update is acknowledged, and an answer without it counts as stale. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"
#include "options.h"
#include "questions.h"

#define CLIENTS_MOST   1000
#define COUNT_MOST     1000000000
#define RATE_MOST      1000000
#define REPLY_ROOM     4096
#define REQUEST_ROOM   1024
#define ANSWER_ROOM    4096
#define NAME_ROOM      320
#define EVENTS         128
#define STATUS_OK      200
#define STATUS_AT      9 /* "HTTP/1.1 200" */
#define ASK_AGAIN_NS   NS_PER_S
#define WAIT_NS        (10u * NS_PER_MS)
#define ACCOUNT_FIELDS 3
#define TC_FLAG        0x02

struct options {
    uint16_t port, ask_port;
    const char *accounts, *zone;
    double seconds, warm_s;
    uint64_t count, rate, seed;
    unsigned clients;
    struct processes watched;
};

/* The request is made once, so that little of the machine goes into asking: only the value in it changes. */
struct account {
    char *subdomain; /* in the file's bytes */
    char *request;
    size_t len, value_at;
};

enum client_state { CLIENT_IDLE, CLIENT_UPDATING, CLIENT_ASKING };

struct client {
    int fd, dns;
    enum client_state state;
    size_t account;
    uint64_t sent_ns;
    uint16_t id; /* of the question */
    size_t len;  /* of the reply so far */
    char reply[REPLY_ROOM + 1];
    char value[BENCH_VALUE_LEN + 1];
};

struct counts {
    uint64_t done, refused, unechoed, broken, asked, stale, truncated, lost;
    unsigned first_refusal;
    struct histogram latency, ask_latency;
};

struct load {
    struct options options;
    char *bytes; /* of the accounts' file */
    struct account *accounts;
    size_t n_accounts;
    uint64_t n_values, n_sent, due_ns;
    unsigned n_busy; /* clients that are not idle */
    int epoll;
    struct client *clients;
    struct counts counts;
};

/* ---- accounts ---- */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *bytes;
    long len;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0)
        die_errno(path);
    bytes = malloc((size_t)len + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)len, f) != (size_t)len)
        die("cannot read %s", path);
    bytes[len] = '\0';
    (void)fclose(f); /* only read */
    return bytes;
}

static void account_init(struct account *a, char *fields[ACCOUNT_FIELDS])
{
    static const char value[BENCH_VALUE_LEN + 1] = "0000000000000000000000000000000000000000000";
    char body[REQUEST_ROOM / 2];
    int len = snprintf(body, sizeof body, "{\"subdomain\": \"%s\", \"txt\": \"%s\"}", fields[2], value);

    if (len < 0 || (size_t)len >= sizeof body)
        die("the subdomain %s is too long", fields[2]);
    len = asprintf(&a->request,
                   "POST /update HTTP/1.1\r\nHost: localhost\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                   fields[0], fields[1], len, body);
    if (len < 0)
        die_errno("memory for the requests");
    a->subdomain = fields[2];
    a->len = (size_t)len;
    a->value_at = a->len - BENCH_VALUE_LEN - (sizeof "\"}" - 1);
}

static void accounts_read(struct load *l)
{
    char *rest, *line, *fields[ACCOUNT_FIELDS];

    l->bytes = read_file(l->options.accounts);
    for (char *p = l->bytes; *p != '\0'; p++)
        l->n_accounts += *p == '\n';
    l->accounts = calloc(l->n_accounts, sizeof *l->accounts);
    if (l->accounts == NULL || l->n_accounts == 0)
        die("%s has no lines, or there is no memory for them", l->options.accounts);
    line = strtok_r(l->bytes, "\n", &rest);
    for (size_t i = 0; i < l->n_accounts; i++, line = strtok_r(NULL, "\n", &rest)) {
        char *in_line = NULL;

        for (unsigned k = 0; k < ACCOUNT_FIELDS; k++) {
            fields[k] = line != NULL ? strtok_r(k == 0 ? line : NULL, " ", &in_line) : NULL;
            if (fields[k] == NULL)
                die("line %zu of %s is not \"user key subdomain\"", i + 1, l->options.accounts);
        }
        account_init(&l->accounts[i], fields);
    }
}

/* ---- updates ---- */

static void client_connect(struct load *l, struct client *c)
{
    struct sockaddr_in addr = loopback(l->options.port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&addr, sizeof addr) != 0)
        die_errno("connecting to the API");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die_errno("TCP_NODELAY");
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die_errno("epoll_ctl");
    c->len = 0;
}

static void client_update(struct load *l, struct client *c, uint64_t at_ns)
{
    const struct account *a = &l->accounts[c->account];

    bench_value(c->value, l->options.seed + l->n_values++);
    memcpy(a->request + a->value_at, c->value, BENCH_VALUE_LEN);
    c->sent_ns = at_ns;
    c->state = CLIENT_UPDATING;
    c->len = 0;
    l->n_sent++;
    l->n_busy++;
    if (send(c->fd, a->request, a->len, MSG_NOSIGNAL) != (ssize_t)a->len && errno != ECONNRESET && errno != EPIPE)
        die_errno("send"); /* those two show when reading */
}

static void client_next(struct load *l, struct client *c, uint64_t at_ns)
{
    l->n_busy -= c->state != CLIENT_IDLE;
    c->state = CLIENT_IDLE;
    c->account += l->options.clients;
    if (c->account >= l->n_accounts)
        c->account %= l->options.clients < l->n_accounts ? l->options.clients : l->n_accounts;
    if (l->options.rate == 0 && (l->options.count == 0 || l->n_sent < l->options.count))
        client_update(l, c, at_ns);
}

/* ---- questions ---- */

static void client_ask(struct load *l, struct client *c)
{
    char name[NAME_ROOM];
    uint8_t msg[NAME_ROOM + DNS_HEADER_LEN];
    size_t len;
    int n = snprintf(name, sizeof name, "%s.%s", l->accounts[c->account].subdomain, l->options.zone);

    if (n < 0 || (size_t)n >= sizeof name)
        die("the subdomain %s is too long", l->accounts[c->account].subdomain);
    len = question_put(msg, sizeof msg, name, ++c->id);
    if (send(c->dns, msg, len, 0) != (ssize_t)len)
        die_errno("asking (is there a DNS server?)");
    c->sent_ns = now_ns();
    c->state = CLIENT_ASKING;
}

static void client_answer(struct load *l, struct client *c)
{
    uint8_t msg[ANSWER_ROOM];
    ssize_t n = recv(c->dns, msg, sizeof msg, MSG_DONTWAIT);

    if (n < DNS_HEADER_LEN || c->state != CLIENT_ASKING || ((unsigned)msg[0] << 8 | msg[1]) != c->id)
        return;
    l->counts.asked++;
    histogram_add(&l->counts.ask_latency, now_ns() - c->sent_ns);
    if ((msg[2] & TC_FLAG) != 0)
        l->counts.truncated++;
    else if (memmem(msg, (size_t)n, c->value, BENCH_VALUE_LEN) == NULL)
        l->counts.stale++;
    client_next(l, c, now_ns());
}

/* ---- replies ---- */

/* The length of a whole reply, 0: more is to come. *body: where its body begins. */
static size_t reply_length(const char *reply, size_t len, const char **body)
{
    static const char field[] = "Content-Length:";
    const char *end = memmem(reply, len, "\r\n\r\n", 4), *line = reply;
    size_t body_len;

    if (end == NULL)
        return 0;
    *body = end + 4;
    while (line < end && strncasecmp(line, field, sizeof field - 1) != 0) {
        line = memchr(line, '\n', (size_t)(*body - line)); /* there is that of the empty line */
        line++;
    }
    if (line >= end)
        die("a reply without Content-Length: %.*s", (int)(*body - reply), reply);
    body_len = strtoul(line + sizeof field - 1, NULL, 10);
    if (body_len > REPLY_ROOM)
        die("a reply of %zu octets", body_len);
    return (size_t)(reply + len - *body) >= body_len ? (size_t)(*body - reply) + body_len : 0;
}

static void client_replied(struct load *l, struct client *c, const char *body)
{
    unsigned status = (unsigned)strtoul(c->reply + STATUS_AT, NULL, 10);
    uint64_t at_ns = now_ns();

    if (status != STATUS_OK) {
        if (l->counts.refused++ == 0) {
            l->counts.first_refusal = status;
            (void)fprintf(stderr, "load_http: refused: %s\n", c->reply);
        }
        client_next(l, c, at_ns);
        return;
    }
    l->counts.done++;
    l->counts.unechoed += strstr(body, c->value) == NULL;
    histogram_add(&l->counts.latency, at_ns - c->sent_ns);
    if (l->options.ask_port != 0)
        client_ask(l, c);
    else
        client_next(l, c, at_ns);
}

static void client_read(struct load *l, struct client *c)
{
    ssize_t n = recv(c->fd, c->reply + c->len, REPLY_ROOM - c->len, MSG_DONTWAIT);
    const char *body;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* closed by the server: what was on its way counts as broken */
        l->counts.broken += c->state == CLIENT_UPDATING;
        (void)close(c->fd);
        client_connect(l, c);
        client_next(l, c, now_ns());
        return;
    }
    c->len += (size_t)n;
    c->reply[c->len] = '\0';
    if (c->state == CLIENT_UPDATING && reply_length(c->reply, c->len, &body) > 0)
        client_replied(l, c, body);
}

/* ---- the run ---- */

static void send_due(struct load *l)
{
    uint64_t at_ns = now_ns();

    for (unsigned i = 0; i < l->options.clients && l->due_ns <= at_ns; i++) {
        if (l->clients[i].state != CLIENT_IDLE)
            continue;
        client_update(l, &l->clients[i], l->due_ns);
        l->due_ns += NS_PER_S / l->options.rate;
    }
}

/* A question or its answer may get lost like any datagram. */
static void find_lost(struct load *l)
{
    uint64_t at_ns = now_ns();

    for (unsigned i = 0; i < l->options.clients; i++) {
        struct client *c = &l->clients[i];

        if (c->state != CLIENT_ASKING || at_ns - c->sent_ns < ASK_AGAIN_NS)
            continue;
        l->counts.lost++;
        client_ask(l, c);
    }
}

static bool is_over(const struct load *l, uint64_t end_ns)
{
    if (l->options.count > 0)
        return l->counts.done + l->counts.refused + l->counts.broken >= l->options.count &&
               (l->options.ask_port == 0 || l->counts.asked >= l->counts.done);
    return now_ns() >= end_ns;
}

/* Until the next update is due, to the nanosecond: milliseconds would be seen in the latencies. While no client is
 * free to send it there is nothing to do, and turning around would take a core from the server. */
static struct timespec wait_time(const struct load *l)
{
    uint64_t at_ns = now_ns(), ns = WAIT_NS;

    if (l->options.rate > 0 && l->n_busy < l->options.clients)
        ns = l->due_ns > at_ns ? l->due_ns - at_ns : 0;
    return (struct timespec){.tv_nsec = (long)(ns < WAIT_NS ? ns : WAIT_NS)};
}

static void run_until(struct load *l, uint64_t end_ns)
{
    struct epoll_event events[EVENTS];

    while (!is_over(l, end_ns)) {
        struct timespec wait = wait_time(l);
        int n = epoll_pwait2(l->epoll, events, EVENTS, &wait, NULL);

        if (n < 0 && errno != EINTR)
            die_errno("epoll_pwait2");
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;

            if (c->state == CLIENT_ASKING)
                client_answer(l, c);
            else
                client_read(l, c);
        }
        if (l->options.rate > 0)
            send_due(l);
        if (l->options.ask_port != 0 && n == 0)
            find_lost(l);
    }
}

static void load_open(struct load *l)
{
    struct sockaddr_in dns = loopback(l->options.ask_port);

    accounts_read(l);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->clients = calloc(l->options.clients, sizeof *l->clients);
    if (l->epoll < 0 || l->clients == NULL)
        die_errno("epoll_create1, or memory");
    for (unsigned i = 0; i < l->options.clients; i++) {
        struct client *c = &l->clients[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

        c->account = i % l->n_accounts;
        client_connect(l, c);
        if (l->options.ask_port == 0)
            continue;
        c->dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (c->dns < 0 || connect(c->dns, (const struct sockaddr *)&dns, sizeof dns) != 0 ||
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->dns, &event) != 0)
            die_errno("a socket for questions");
    }
}

static void load_close(struct load *l)
{
    for (unsigned i = 0; i < l->options.clients; i++) {
        (void)close(l->clients[i].fd);
        if (l->options.ask_port != 0)
            (void)close(l->clients[i].dns);
    }
    (void)close(l->epoll);
    for (size_t i = 0; i < l->n_accounts; i++)
        free(l->accounts[i].request);
    free(l->clients);
    free(l->accounts);
    free(l->bytes);
}

static void print(const struct counts *c, const struct cpu_reading *from, const struct cpu_reading *to)
{
    (void)printf("{");
    cpu_print(stdout, from, to);
    (void)printf("\"done\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"first_refusal\": %u, \"unechoed\": %" PRIu64
                 ", \"broken\": %" PRIu64 ", \"asked\": %" PRIu64 ", \"stale\": %" PRIu64
                 ", \"truncated\": %" PRIu64 ", \"lost\": %" PRIu64 ", ",
                 c->done, c->refused, c->first_refusal, c->unechoed, c->broken, c->asked, c->stale, c->truncated,
                 c->lost);
    latency_print(stdout, &c->latency);
    (void)printf(", \"ask_p50_us\": %.1f}\n", histogram_us(&c->ask_latency, 0.5));
}

/* Real clients are elsewhere: they do not push the server off its core whenever it has sent one of them a reply. */
static void give_way(void)
{
    const struct sched_param none = {0};

    if (sched_setscheduler(0, SCHED_BATCH, &none) != 0)
        die_errno("SCHED_BATCH");
}

static void measure(struct load *l)
{
    struct cpu_reading from, to;

    l->due_ns = now_ns();
    if (l->options.rate == 0 && l->options.ask_port == 0)
        give_way(); /* where latency is what is looked at, it does not wait */
    if (l->options.rate == 0)
        for (unsigned i = 0; i < l->options.clients; i++)
            client_update(l, &l->clients[i], now_ns());
    if (l->options.count == 0) {
        run_until(l, now_ns() + (uint64_t)(l->options.warm_s * NS_PER_S));
        memset(&l->counts, 0, sizeof l->counts);
    }
    cpu_read(&from, &l->options.watched);
    run_until(l, from.at_ns + (uint64_t)(l->options.seconds * NS_PER_S));
    cpu_read(&to, &l->options.watched);
    print(&l->counts, &from, &to);
}

static void read_options(struct options *o, int argc, char **argv)
{
    const struct option_row rows[] = {
        OPTION_ROW_PORT(&o->port),
        {"--accounts", "FILE", OPTION_TEXT, &o->accounts, 0, 0, OPTION_MUST},
        {"--clients", "N", OPTION_COUNT, &o->clients, 1, CLIENTS_MOST, OPTION_MAY},
        OPTION_ROW_SECONDS(&o->seconds),
        OPTION_ROW_WARM(&o->warm_s),
        {"--count", "UPDATES", OPTION_NUMBER, &o->count, 1, COUNT_MOST, OPTION_MAY},
        {"--rate", "N", OPTION_NUMBER, &o->rate, 1, RATE_MOST, OPTION_MAY},
        {"--ask", "DNS-PORT", OPTION_PORT, &o->ask_port, 1, UINT16_MAX, OPTION_MAY},
        {"--seed", "N", OPTION_NUMBER, &o->seed, 0, UINT64_MAX / 2, OPTION_MAY},
        OPTION_ROW_PIDS(&o->watched),
    };

    options_read(rows, sizeof rows / sizeof rows[0], argc, argv);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);

    if (l == NULL)
        die("no memory");
    l->options = (struct options){.zone = BENCH_ZONE, .seconds = 1.0, .warm_s = 0.2, .clients = 1};
    l->options.seed = now_ns(); /* values that no earlier run has sent */
    read_options(&l->options, argc, argv);
    load_open(l);
    measure(l);
    load_close(l);
    free(l);
    return 0;
}
