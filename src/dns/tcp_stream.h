/* dns/tcp_stream.h -- one TCP connection as a stream of DNS messages: framing (RFC 1035 section 4.2.2), pipelining
 * (RFC 7766 section 6.2.1.1), answers and backpressure. Knows no events and no time: tcp.c calls it when the socket
 * is ready and does what it asks for. Owned by one TCP thread; inside a read section.
 *
 * What bounds memory: an idle connection holds no buffer. Received octets are kept only while a message is
 * incomplete or its answer has to wait; nothing is read while output is waiting. */
#ifndef DNS_TCP_STREAM_H
#define DNS_TCP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"
#include "dns/answer.h"
#include "dns/query.h"
#include "dns/update.h"

#define TCP_READ_MAX  (16 * 1024) /* octets of one read, and so of the queries that are answered in one go */
#define TCP_FLUSH_AT  (32 * 1024) /* answers are sent when there are more octets than that; else once a read */
#define TCP_FRAME_LEN 2

/* What the connections of a thread share while one of them is served. */
struct tcp_desk {
    struct answerer answerer;
    uint64_t *questions;      /* a counter for each listener */
    struct update_mail *mail; /* by which replies to UPDATEs come; NULL: there are none */
    struct query query;
    uint8_t in[TCP_READ_MAX];
    uint8_t out[TCP_FLUSH_AT + TCP_FRAME_LEN + DNS_MESSAGE_MAX + NAME_PAD];
    size_t out_len; /* 0 between calls */
};

struct tcp_octets {
    uint8_t *bytes;
    size_t len, cap;
};

struct tcp_stream {
    int fd; /* non-blocking */
    struct sockaddr_storage from;
    uint8_t listener;
    bool ending;            /* nothing more is read: the peer has said so, or sends what is no DNS message */
    struct tcp_octets in;   /* not answered yet */
    struct tcp_octets out;  /* not sent yet */
    size_t out_sent;        /* octets of out that are */
    uint64_t queries;       /* whole ones so far */
    struct update *waiting; /* UPDATEs whose replies are to come, by next_of_conn */
};

enum tcp_wish {
    TCP_WANTS_READ,
    TCP_WANTS_WRITE,
    TCP_WANTS_MAIL, /* nothing from the socket: replies that are to come */
    TCP_WANTS_CLOSE
};

void tcp_stream_init(struct tcp_stream *s, int fd, uint8_t listener, const struct sockaddr_storage *from);
void tcp_stream_fini(struct tcp_stream *s); /* closes */
/* The socket is readable: one read, and answers to all that is whole. */
enum tcp_wish tcp_stream_read(struct tcp_stream *s, struct tcp_desk *desk);
/* The socket is writable: send what waits, then answer what was received meanwhile. */
enum tcp_wish tcp_stream_write(struct tcp_stream *s, struct tcp_desk *desk);
/* The reply to an UPDATE has come, for the stream at u->conn: send it. Takes u. */
enum tcp_wish tcp_stream_deliver(struct tcp_stream *s, struct tcp_desk *desk, struct update *u);
/* True between messages: nothing is lost when it is closed now. */
bool tcp_stream_is_idle(const struct tcp_stream *s);

#endif
