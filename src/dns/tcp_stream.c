#include "dns/tcp_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OCTETS_FIRST_CAP 256
#define OCTETS_MAX       (TCP_FRAME_LEN + DNS_MESSAGE_MAX + TCP_READ_MAX) /* an incomplete message, and one read more */

/* ---- octets that are kept between calls ---- */

static void octets_clear(struct tcp_octets *o)
{
    free(o->bytes);
    *o = (struct tcp_octets){0};
}

/* Append; ERR_MEMORY. */
static enum err octets_append(struct tcp_octets *o, const uint8_t *bytes, size_t len)
{
    size_t cap = o->cap > 0 ? o->cap : OCTETS_FIRST_CAP;
    uint8_t *grown;

    if (o->len + len > o->cap) {
        while (cap < o->len + len)
            cap *= 2;
        grown = realloc(o->bytes, cap);
        if (grown == NULL)
            return ERR_MEMORY;
        o->bytes = grown;
        o->cap = cap;
    }
    memcpy(o->bytes + o->len, bytes, len);
    o->len += len;
    return ERR_OK;
}

/* Drop the first len octets; gives the memory back with the last one. */
static void octets_drop(struct tcp_octets *o, size_t len)
{
    if (len == o->len) {
        octets_clear(o);
        return;
    }
    if (len > 0)
        memmove(o->bytes, o->bytes + len, o->len - len);
    o->len -= len;
}

/* ---- the stream ---- */

void tcp_stream_init(struct tcp_stream *s, int fd, uint8_t listener, const struct sockaddr_storage *from)
{
    *s = (struct tcp_stream){.fd = fd, .listener = listener, .from = *from};
}

void tcp_stream_fini(struct tcp_stream *s)
{
    octets_clear(&s->in);
    octets_clear(&s->out);
    for (; s->waiting != NULL; s->waiting = s->waiting->next_of_conn)
        s->waiting->conn = NULL; /* whoever delivers it finds nobody */
    if (s->fd >= 0)
        (void)close(s->fd); /* nothing to be done about what the peer does not take */
    s->fd = -1;
}

bool tcp_stream_is_idle(const struct tcp_stream *s)
{
    return s->in.len == 0 && s->out.len == 0 && s->waiting == NULL;
}

static bool is_blocked(const struct tcp_stream *s)
{
    return s->out.len > 0;
}

/* Send as much as the kernel takes. Returns octets sent, or -1 when the connection is dead. */
static ssize_t send_some(int fd, const uint8_t *bytes, size_t len)
{
    size_t sent = 0;

    while (sent < len) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)sent;
}

/* Send the answers on the desk, in one write when the kernel takes them; the rest stays with the stream.
 * ERR_CLOSED, ERR_MEMORY: the connection cannot go on. */
static enum err flush(struct tcp_stream *s, struct tcp_desk *desk)
{
    ssize_t sent = send_some(s->fd, desk->out, desk->out_len);
    size_t len = desk->out_len;

    desk->out_len = 0;
    if (sent < 0)
        return ERR_CLOSED;
    if ((size_t)sent == len)
        return ERR_OK;
    return octets_append(&s->out, desk->out + sent, len - (size_t)sent);
}

/* Where an UPDATE came from. */
struct tcp_origin {
    struct tcp_stream *s;
    struct tcp_desk *desk;
};

static void route_back(void *arg, struct update *u)
{
    const struct tcp_origin *o = arg;

    u->mail = o->desk->mail;
    u->conn = o->s;
    u->next_of_conn = o->s->waiting;
    o->s->waiting = u;
}

static void forget(struct tcp_stream *s, const struct update *u)
{
    struct update **at = &s->waiting;

    while (*at != u)
        at = &(*at)->next_of_conn;
    *at = u->next_of_conn;
}

static void unroute(void *arg, struct update *u)
{
    const struct tcp_origin *o = arg;

    forget(o->s, u);
}

/* Put the length in front of a reply on the desk. */
static void frame_put(struct tcp_desk *desk, size_t reply_len)
{
    desk->out[desk->out_len] = (uint8_t)(reply_len >> 8);
    desk->out[desk->out_len + 1] = (uint8_t)reply_len;
    desk->out_len += TCP_FRAME_LEN + reply_len;
}

/* Answer one message, behind the answers that are on the desk already. */
static void answer_one(struct tcp_stream *s, struct tcp_desk *desk, const uint8_t *msg, size_t len)
{
    struct tcp_origin origin = {.s = s, .desk = desk};
    struct answer_peer peer = {.from = (const struct sockaddr *)&s->from,
                               .transport = QUERY_TCP,
                               .listener = s->listener,
                               .route = desk->mail != NULL ? route_back : NULL,
                               .unroute = unroute,
                               .route_arg = &origin};
    struct answerer *a = &desk->answerer;
    struct query *q = &desk->query;
    uint8_t *reply = desk->out + desk->out_len + TCP_FRAME_LEN;
    size_t reply_len;

    memcpy(reply, msg, len); /* composed in place; what follows in the input must stay */
    query_parse(q, reply, len, QUERY_TCP);
    if (q->verdict == QUERY_LOOKUP && a->table != NULL)
        q->hash = table_hash(a->table, &q->name);
    reply_len = answer_compose(a, q, &peer, reply, DNS_MESSAGE_MAX);
    s->queries++;
    if (reply_len == 0)
        return;
    dns_count(&desk->questions[s->listener]);
    frame_put(desk, reply_len);
}

/* Answer the whole messages in bytes until output has to wait; *used says how many octets are done with. */
static enum err answer_whole(struct tcp_stream *s, struct tcp_desk *desk, const uint8_t *bytes, size_t len,
                             size_t *used)
{
    size_t at = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && !is_blocked(s) && len - at >= TCP_FRAME_LEN) {
        size_t msg_len = (size_t)bytes[at] << 8 | bytes[at + 1];

        if (msg_len < DNS_HEADER_LEN) { /* no DNS message, so what follows cannot be trusted to be one */
            s->ending = true;
            at = len;
            break;
        }
        if (len - at - TCP_FRAME_LEN < msg_len)
            break;
        answer_one(s, desk, bytes + at + TCP_FRAME_LEN, msg_len);
        at += TCP_FRAME_LEN + msg_len;
        if (desk->out_len > TCP_FLUSH_AT)
            e = flush(s, desk);
    }
    *used = at;
    if (e == ERR_OK && desk->out_len > 0)
        e = flush(s, desk);
    return e;
}

/* What to wait for after e, the result of answering. */
static enum tcp_wish wish(const struct tcp_stream *s, enum err e)
{
    if (e != ERR_OK)
        return TCP_WANTS_CLOSE;
    if (is_blocked(s))
        return TCP_WANTS_WRITE;
    if (s->ending)
        return s->waiting != NULL ? TCP_WANTS_MAIL : TCP_WANTS_CLOSE;
    return TCP_WANTS_READ;
}

/* Answer what is kept in s->in. */
static enum err answer_kept(struct tcp_stream *s, struct tcp_desk *desk)
{
    size_t used = 0;
    enum err e = answer_whole(s, desk, s->in.bytes, s->in.len, &used);

    if (used > 0)
        octets_drop(&s->in, used);
    return e;
}

static enum err take(struct tcp_stream *s, struct tcp_desk *desk, size_t len)
{
    size_t used = 0;
    enum err e;

    if (s->in.len > 0) {
        if (s->in.len + len > OCTETS_MAX)
            return ERR_FULL; /* cannot be: nothing is read while a whole message is kept */
        e = octets_append(&s->in, desk->in, len);
        return e == ERR_OK ? answer_kept(s, desk) : e;
    }
    e = answer_whole(s, desk, desk->in, len, &used);
    if (e == ERR_OK && used < len)
        e = octets_append(&s->in, desk->in + used, len - used);
    return e;
}

/* What has come is acknowledged with its answer (bind.c), and of an incomplete message there is none yet. Some
 * clients send the length alone, and Nagle's algorithm keeps the rest until that is acknowledged. */
static void acknowledge(const struct tcp_stream *s)
{
    const int now = 1;

    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now); /* else the kernel does it 40 ms later */
}

enum tcp_wish tcp_stream_read(struct tcp_stream *s, struct tcp_desk *desk)
{
    ssize_t n = recv(s->fd, desk->in, sizeof desk->in, MSG_DONTWAIT);
    uint64_t before = s->queries;
    enum err e;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? TCP_WANTS_READ : TCP_WANTS_CLOSE;
    if (n == 0) { /* half-closed by the peer: what was whole has been answered */
        s->ending = true;
        return wish(s, ERR_OK);
    }
    e = take(s, desk, (size_t)n);
    if (s->in.len > 0 && s->queries == before)
        acknowledge(s);
    return wish(s, e);
}

enum tcp_wish tcp_stream_write(struct tcp_stream *s, struct tcp_desk *desk)
{
    ssize_t n = send_some(s->fd, s->out.bytes + s->out_sent, s->out.len - s->out_sent);

    if (n < 0)
        return TCP_WANTS_CLOSE;
    s->out_sent += (size_t)n;
    if (s->out_sent < s->out.len)
        return TCP_WANTS_WRITE;
    octets_clear(&s->out);
    s->out_sent = 0;
    return wish(s, answer_kept(s, desk));
}

enum tcp_wish tcp_stream_deliver(struct tcp_stream *s, struct tcp_desk *desk, struct update *u)
{
    size_t len = u->len;
    enum err e = ERR_OK;

    forget(s, u);
    memcpy(desk->out + TCP_FRAME_LEN, u->msg, len);
    update_free(u);
    if (len == 0)
        return wish(s, ERR_OK);
    dns_count(&desk->questions[s->listener]);
    frame_put(desk, len);
    if (!is_blocked(s)) {
        e = flush(s, desk);
    } else {
        e = octets_append(&s->out, desk->out, desk->out_len);
        desk->out_len = 0;
    }
    return wish(s, e);
}
