/* One question to one server. A socket for each try, so that the port is another one each time; the id and the case
 * of the question's letters (0x20) are random, too. */
#include "cli/lookup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/wire.h"

#define RESOLV_CONF      "/etc/resolv.conf"
#define RESOLV_CONF_MAX  65536
#define QUESTION_LEN_MAX (12 + NAME_MAX_LEN + 4 + 11)
#define MESSAGE_LEN_MAX  65535
#define TCP_PREFIX_LEN   2
#define UDP_TRIES        2
#define POLL_SLICE_MS    200 /* how late a stop flag may be seen */
#define SILENT_TIMES     2
#define RCODE_FORMERR    1
#define RCODE_SERVFAIL   2
#define RCODE_NOTIMP     4
#define RCODE_REFUSED    5
#define OPT_DO           0x8000u
#define FLAG_RD          0x0100u
#define FLAG_CD          0x0010u
#define FLAG_AD          0x0020u

/* ---- servers ---- */

const char *lookup_server_format(const struct lookup_server *s, char out[LOOKUP_SERVER_TEXT_MAX])
{
    char addr[ADDR_TEXT_MAX];

    (void)addr_format(&s->addr, addr);
    if (s->port == LOOKUP_PORT)
        (void)snprintf(out, LOOKUP_SERVER_TEXT_MAX, "%s", addr);
    else
        (void)snprintf(out, LOOKUP_SERVER_TEXT_MAX, s->addr.family == ADDR_V6 ? "[%s]:%u" : "%s:%u", addr,
                       (unsigned)s->port);
    return out;
}

enum err lookup_server_parse(struct lookup_server *out, const char *text, size_t len)
{
    struct endpoint at;
    enum err e;

    out->port = LOOKUP_PORT;
    if (addr_parse(&out->addr, text, len) == ERR_OK)
        return ERR_OK;
    e = endpoint_parse(&at, text, len);
    if (e != ERR_OK)
        return e;
    if (at.kind != ENDPOINT_IP || at.port == 0)
        return ERR_SYNTAX;
    out->addr = at.addr;
    out->port = at.port;
    return ERR_OK;
}

/* One line of resolv.conf(5); len without the line's end. */
static bool read_resolver_line(const char *line, size_t len, struct lookup_server *out)
{
    static const char keyword[] = "nameserver";
    const size_t keyword_len = sizeof(keyword) - 1;
    size_t at = 0, end;

    if (len <= keyword_len || memcmp(line, keyword, keyword_len) != 0)
        return false;
    for (at = keyword_len; at < len && (line[at] == ' ' || line[at] == '\t'); at++)
        ;
    for (end = at; end < len && line[end] != ' ' && line[end] != '\t' && line[end] != '\r'; end++)
        ;
    out->port = LOOKUP_PORT;
    return at > keyword_len && addr_parse(&out->addr, line + at, end - at) == ERR_OK;
}

size_t lookup_system_resolvers(const char *path, struct lookup_server *out, size_t cap)
{
    char *file = malloc(RESOLV_CONF_MAX);
    FILE *in = fopen(path, "re");
    size_t n = 0, len = 0;

    if (file != NULL && in != NULL)
        len = fread(file, 1, RESOLV_CONF_MAX, in);
    for (size_t at = 0; at < len && n < cap;) {
        const char *end = memchr(file + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - file) - at : len - at;

        n += read_resolver_line(file + at, line_len, &out[n]);
        at += line_len + 1;
    }
    if (in != NULL)
        (void)fclose(in);
    free(file);
    return n;
}

enum err lookup_init(struct lookup *l, const struct lookup_server *resolvers, size_t n)
{
    memset(l, 0, sizeof(*l));
    l->timeout_ms = LOOKUP_TIMEOUT_MS;
    if (n > LOOKUP_RESOLVERS_MAX)
        n = LOOKUP_RESOLVERS_MAX;
    for (size_t i = 0; i < n; i++)
        l->resolvers[i] = resolvers[i];
    l->n_resolvers = n > 0 ? n : lookup_system_resolvers(RESOLV_CONF, l->resolvers, LOOKUP_RESOLVERS_MAX);
    return l->n_resolvers > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* ---- who was silent ---- */

static struct lookup_silent *find_silent(struct lookup *l, const struct lookup_server *server, uint16_t type,
                                         enum lookup_way way)
{
    for (size_t i = 0; i < l->n_silent; i++) {
        struct lookup_silent *s = &l->silent[i];

        if (s->type == type && s->way == way && s->server.port == server->port &&
            addr_equal(&s->server.addr, &server->addr))
            return s;
    }
    return NULL;
}

static void note_silence(struct lookup *l, const struct lookup_server *server, uint16_t type, enum lookup_way way,
                         enum lookup_result result)
{
    struct lookup_silent *s = find_silent(l, server, type, way);

    if (result != LOOKUP_TIMED_OUT) {
        if (s != NULL)
            s->times = 0;
        return;
    }
    if (s == NULL && l->n_silent < ARRAY_LEN(l->silent)) {
        s = &l->silent[l->n_silent++];
        *s = (struct lookup_silent){.server = *server, .type = type, .way = (uint8_t)way};
    }
    if (s != NULL && s->times < SILENT_TIMES)
        s->times++;
}

void lookup_forget(struct lookup *l)
{
    l->n_silent = 0;
}

/* ---- the question ---- */

struct asking {
    struct lookup *l;
    const struct lookup_server *server;
    struct lookup_question q; /* its name in the case that is sent */
    bool edns;
    uint16_t id;
    uint8_t question[TCP_PREFIX_LEN + QUESTION_LEN_MAX]; /* with the length in front */
    size_t question_len;
    int64_t until_ms;
    bool is_last_time; /* until_ms is the end of everything */
    struct lookup_reply *reply;
};

/* Letters of random case: a server must send them back as they are, and who guesses must guess them, too. */
static void mix_case(struct name *n, const uint8_t bits[(NAME_MAX_LEN + 7) / 8])
{
    for (size_t pos = 0; pos < n->len && n->b[pos] != 0; pos += 1u + n->b[pos]) {
        for (size_t i = pos + 1; i <= pos + n->b[pos]; i++) {
            uint8_t lower = n->b[i] | 0x20;

            if (lower >= 'a' && lower <= 'z')
                n->b[i] = (bits[i / 8] >> (i % 8) & 1) != 0 ? lower : (uint8_t)(lower & ~0x20u);
        }
    }
}

static bool compose(struct asking *a)
{
    uint8_t bits[(NAME_MAX_LEN + 7) / 8];
    struct wire_writer w;
    unsigned flags = ((a->q.flags & LOOKUP_RD) != 0 ? FLAG_RD : 0u) |
                     ((a->q.flags & LOOKUP_CD) != 0 ? FLAG_CD : 0u) |
                     ((a->q.flags & LOOKUP_AD) != 0 ? FLAG_AD : 0u);

    if (crypto_random(&a->id, sizeof(a->id)) != ERR_OK || crypto_random(bits, sizeof(bits)) != ERR_OK)
        return false;
    mix_case(&a->q.name, bits);
    wire_writer_init(&w, a->question, sizeof(a->question));
    wire_put_u16(&w, 0); /* the length, for TCP */
    wire_put_u16(&w, a->id);
    wire_put_u16(&w, (uint16_t)flags);
    wire_put_u16(&w, 1);
    wire_put_u16(&w, 0);
    wire_put_u16(&w, 0);
    wire_put_u16(&w, a->edns ? 1 : 0);
    wire_put_bytes(&w, a->q.name.b, a->q.name.len);
    wire_put_u16(&w, a->q.type);
    wire_put_u16(&w, CLASS_IN);
    if (a->edns) { /* RFC 6891 section 6.1.2 */
        wire_put_u8(&w, 0);
        wire_put_u16(&w, RR_OPT);
        wire_put_u16(&w, LOOKUP_UDP_SIZE);
        wire_put_u32(&w, (a->q.flags & LOOKUP_DO) != 0 ? OPT_DO : 0);
        wire_put_u16(&w, 0);
    }
    a->question_len = w.len - TCP_PREFIX_LEN;
    wire_patch_u16(&w, 0, (uint16_t)a->question_len);
    return w.err == ERR_OK;
}

/* ---- sockets ---- */

static bool is_stopped(const struct lookup *l)
{
    return l->stop != NULL && atomic_load_explicit(l->stop, memory_order_relaxed);
}

/* Wait until the socket is ready, the time is over, or all is stopped. */
static enum lookup_result wait_ready(const struct asking *a, int fd, short events)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left = a->until_ms - clock_mono_ms(&clock_system);
        int rc;

        if (is_stopped(a->l) || (left <= 0 && a->is_last_time))
            return LOOKUP_OUT_OF_TIME;
        if (left <= 0)
            return LOOKUP_TIMED_OUT;
        rc = poll(&p, 1, left > POLL_SLICE_MS ? POLL_SLICE_MS : (int)left);
        if (rc > 0)
            return LOOKUP_ANSWERED;
        if (rc < 0 && errno != EINTR)
            return LOOKUP_FAILED;
    }
}

/* What errno says of the way there, and of the other side. */
static enum lookup_result result_of_errno(int error)
{
    switch (error) {
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EPERM:
    case EACCES:
        return LOOKUP_NO_ROUTE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return LOOKUP_FAILED;
    case ETIMEDOUT:
        return LOOKUP_TIMED_OUT;
    default:
        return LOOKUP_CLOSED;
    }
}

/* A connected socket (of TCP: connecting), or -1 and why. */
static int open_socket(const struct asking *a, int type, enum lookup_result *why)
{
    struct endpoint at = {.kind = ENDPOINT_IP, .addr = a->server->addr, .port = a->server->port};
    struct sockaddr_storage sa;
    socklen_t sa_len = endpoint_to_sockaddr(&at, &sa);
    int fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        *why = result_of_errno(errno);
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&sa, sa_len) != 0 && errno != EINPROGRESS) {
        *why = result_of_errno(errno);
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Read until the answer comes; what is not it (a late one, a forged one) is passed over. */
static enum lookup_result receive_udp(struct asking *a, int fd, uint8_t *buffer)
{
    bool got_nonsense = false;

    for (;;) {
        enum lookup_result r = wait_ready(a, fd, POLLIN);
        ssize_t len;

        if (r == LOOKUP_TIMED_OUT && got_nonsense)
            return LOOKUP_MALFORMED;
        if (r != LOOKUP_ANSWERED)
            return r;
        len = recv(fd, buffer, MESSAGE_LEN_MAX, 0);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (len < 0)
            return result_of_errno(errno);
        r = lookup_parse(&a->reply, buffer, (size_t)len, a->id, &a->q);
        if (r != LOOKUP_MALFORMED)
            return r;
        got_nonsense = true;
    }
}

static enum lookup_result try_udp(struct asking *a, uint8_t *buffer)
{
    enum lookup_result r = LOOKUP_FAILED;
    int fd = open_socket(a, SOCK_DGRAM, &r);

    if (fd < 0)
        return r;
    if (send(fd, a->question + TCP_PREFIX_LEN, a->question_len, MSG_NOSIGNAL) < 0)
        r = result_of_errno(errno);
    else
        r = receive_udp(a, fd, buffer);
    (void)close(fd);
    return r;
}

/* All len octets, in or out. */
static enum lookup_result move_tcp(const struct asking *a, int fd, uint8_t *bytes, size_t len, short direction)
{
    size_t done = 0;

    while (done < len) {
        enum lookup_result r = wait_ready(a, fd, direction);
        ssize_t n;

        if (r != LOOKUP_ANSWERED)
            return r;
        n = direction == POLLOUT ? send(fd, bytes + done, len - done, MSG_NOSIGNAL)
                                 : recv(fd, bytes + done, len - done, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return result_of_errno(errno);
        if (n == 0)
            return LOOKUP_CLOSED;
        done += (size_t)n;
    }
    return LOOKUP_ANSWERED;
}

static enum lookup_result try_tcp(struct asking *a, uint8_t *buffer)
{
    enum lookup_result r = LOOKUP_FAILED;
    int fd = open_socket(a, SOCK_STREAM, &r);
    size_t len = 0;

    if (fd < 0)
        return r;
    r = move_tcp(a, fd, a->question, TCP_PREFIX_LEN + a->question_len, POLLOUT);
    if (r == LOOKUP_ANSWERED)
        r = move_tcp(a, fd, buffer, TCP_PREFIX_LEN, POLLIN);
    if (r == LOOKUP_ANSWERED) {
        len = (size_t)buffer[0] << 8 | buffer[1];
        r = move_tcp(a, fd, buffer, len, POLLIN);
    }
    if (r == LOOKUP_ANSWERED)
        r = lookup_parse(&a->reply, buffer, len, a->id, &a->q);
    if (r == LOOKUP_ANSWERED)
        a->reply->over_tcp = true;
    (void)close(fd);
    return r;
}

/* Give the next try its share of the time. */
static void set_time(struct asking *a, uint32_t share_ms)
{
    a->until_ms = clock_mono_ms(&clock_system) + share_ms;
    a->is_last_time = a->l->deadline_ms != 0 && a->l->deadline_ms < a->until_ms;
    if (a->is_last_time)
        a->until_ms = a->l->deadline_ms;
}

static enum lookup_result ask_way(struct asking *a, enum lookup_way way, uint8_t *buffer)
{
    unsigned tries = way == LOOKUP_TCP ? 1 : UDP_TRIES;
    bool is_resolver = (a->q.flags & LOOKUP_RD) != 0; /* its silence may be that of others */
    struct lookup_silent *silent = is_resolver ? NULL : find_silent(a->l, a->server, a->q.type, way);
    enum lookup_result r = LOOKUP_TIMED_OUT;

    if (silent != NULL && silent->times >= SILENT_TIMES)
        return LOOKUP_TIMED_OUT;
    for (unsigned i = 0; i < tries && (r == LOOKUP_TIMED_OUT || r == LOOKUP_MALFORMED); i++) {
        if (!compose(a))
            return LOOKUP_FAILED;
        set_time(a, a->l->timeout_ms / tries);
        r = way == LOOKUP_TCP ? try_tcp(a, buffer) : try_udp(a, buffer);
    }
    if (!is_resolver)
        note_silence(a->l, a->server, a->q.type, way, r);
    return r;
}

static enum lookup_result ask(struct asking *a, uint8_t *buffer)
{
    enum lookup_result r = ask_way(a, a->q.way == LOOKUP_TCP ? LOOKUP_TCP : LOOKUP_UDP, buffer);

    if (r == LOOKUP_ANSWERED && a->edns && a->reply->n == 0 &&
        (a->reply->rcode == RCODE_FORMERR || a->reply->rcode == RCODE_NOTIMP)) {
        lookup_reply_free(a->reply);
        a->reply = NULL;
        a->edns = false; /* RFC 6891 section 6.2.2 */
        r = ask_way(a, a->q.way == LOOKUP_TCP ? LOOKUP_TCP : LOOKUP_UDP, buffer);
    }
    if (r == LOOKUP_ANSWERED && a->reply->tc && a->q.way == LOOKUP_AUTO) {
        lookup_reply_free(a->reply);
        a->reply = NULL;
        r = ask_way(a, LOOKUP_TCP, buffer);
    }
    return r;
}

enum lookup_result lookup_ask(struct lookup *l, const struct lookup_server *server, const struct lookup_question *q,
                              struct lookup_reply **out)
{
    struct asking a = {.l = l, .server = server, .q = *q, .edns = true};
    int64_t began_ms = clock_mono_ms(&clock_system);
    uint8_t *buffer;
    enum lookup_result r;

    *out = NULL;
    if (is_stopped(l) || (l->deadline_ms != 0 && began_ms >= l->deadline_ms))
        return LOOKUP_OUT_OF_TIME;
    if (server->addr.family != ADDR_V4 && server->addr.family != ADDR_V6)
        return LOOKUP_NO_ROUTE;
    buffer = malloc(MESSAGE_LEN_MAX);
    if (buffer == NULL)
        return LOOKUP_FAILED;
    l->asked++;
    r = ask(&a, buffer);
    free(buffer);
    if (a.reply != NULL)
        a.reply->took_ms = (uint32_t)(clock_mono_ms(&clock_system) - began_ms);
    *out = a.reply;
    return r;
}

enum lookup_result lookup_resolve(struct lookup *l, const struct name *name, uint16_t type, unsigned flags,
                                  struct lookup_reply **out)
{
    const struct lookup_question q = {.name = *name, .type = type, .way = LOOKUP_AUTO, .flags = flags | LOOKUP_RD};
    enum lookup_result result = LOOKUP_NO_ROUTE;

    *out = NULL;
    for (size_t i = 0; i < l->n_resolvers; i++) {
        struct lookup_reply *reply = NULL;
        enum lookup_result r = lookup_ask(l, &l->resolvers[i], &q, &reply);

        if (r == LOOKUP_ANSWERED || *out == NULL) {
            lookup_reply_free(*out);
            *out = reply;
            result = r;
        }
        if (r == LOOKUP_OUT_OF_TIME ||
            (reply != NULL && reply->rcode != RCODE_SERVFAIL && reply->rcode != RCODE_REFUSED))
            break;
    }
    return result;
}
