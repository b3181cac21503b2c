/* dns/update.h -- the door for DNS UPDATE (RFC 2136): signed messages become requests for the committer, and when
 * they are decided the reply goes back the way the message came. Private to src/dns.
 *
 * DNS threads take messages in, off the fast path; the committer's thread (or its watchdog) composes, signs and
 * sends the replies, over UDP itself, over TCP through the mail of the thread that owns the connection. One lock,
 * held over a few loads and stores; none while anything is sent, submitted or awaited.
 *
 * A message that comes again, octet for octet (a client that got no reply over UDP, or somebody who recorded it),
 * is not applied again: for as long as its signature is fresh the door remembers it with its outcome, and answers
 * that (RFC 8945 section 5.2.3 suggests to refuse what is older than the newest message of the key; with several
 * hosts on one key, whose clocks differ by a second, that would refuse honest updates). */
#ifndef DNS_UPDATE_H
#define DNS_UPDATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/change_sink.h"
#include "core/table.h"
#include "dns/edns.h"
#include "dns/query.h"
#include "dns/tsig.h"

#define UPDATE_CONTROL_MAX 64 /* one in_pktinfo or in6_pktinfo with its header */
#define UPDATE_REPLY_MAX   (DNS_HEADER_LEN + NAME_MAX_LEN + QUESTION_TAIL + EDNS_TAIL_MAX + TSIG_SIGNED_MAX)

struct update_door;

/* Replies for the connections of one thread, which is woken through an eventfd. */
struct update_mail {
    pthread_mutex_t lock;
    struct update *first, *last; /* guarded by lock */
    int wake_fd;                 /* the thread's */
};

/* One message under way. Made by a DNS thread; then the committer's; then, over TCP, the connection's thread's. */
struct update {
    struct update *next; /* in the mail */
    struct update_door *door;
    struct query query;
    struct tsig tsig;
    uint16_t udp_size;
    enum query_transport transport;
    /* The way back over UDP. */
    int fd;
    struct sockaddr_storage to;
    socklen_t to_len;
    _Alignas(size_t) uint8_t control[UPDATE_CONTROL_MAX];
    size_t control_len;
    /* The way back over TCP: both the owner thread's alone, but for the pointer to the mail. */
    struct update_mail *mail; /* NULL: UDP */
    void *conn;               /* NULL: closed meanwhile */
    struct update *next_of_conn;
    size_t len; /* of msg */
    uint8_t msg[UPDATE_REPLY_MAX];
};

MUST_USE enum err update_mail_init(struct update_mail *m, int wake_fd);
void update_mail_fini(struct update_mail *m);           /* frees what was not fetched */
struct update *update_mail_take(struct update_mail *m); /* gives the list by next; NULL: none */
void update_free(struct update *u);                     /* wipes; NULL is fine */

MUST_USE enum err update_door_new(struct update_door **out,
                                  const struct change_sink *sink); /* copies; ERR_MEMORY */
/* Take no more, and wait until all that was taken has been answered: as long as the sink takes for that at most.
 * Any thread but those of the sink. */
void update_door_close(struct update_door *d);
void update_door_free(struct update_door *d); /* closed before; NULL is fine */
void update_door_metrics(struct update_door *d, struct text *out);

/* What a DNS thread knows of a message. */
struct update_message {
    const struct query *query;
    const struct tsig *tsig; /* for update_take(): verified, error 0, signed */
    const uint8_t *msg;      /* up to the TSIG record, at query->tsig_at */
    const struct sockaddr *from;
    enum query_transport transport;
    uint16_t udp_size;
    int64_t now_s;
    /* Set the way back of u; called once, before u can be answered. unroute (NULL: nothing to do): it will not be.
     */
    void (*route)(void *arg, struct update *u);
    void (*unroute)(void *arg, struct update *u);
    void *route_arg;
};

enum update_fate { UPDATE_ANSWER_NOW, UPDATE_ANSWER_LATER, UPDATE_SILENCE /* one like it is under way */ };

/* Decode the message and hand it to the sink; its zone has been found to be ours. *rcode: with UPDATE_ANSWER_NOW.
 * Over TCP a repetition of what is under way is SERVFAIL. DNS thread; allocates, does not block. */
enum update_fate update_take(struct update_door *d, const struct update_message *m, enum dns_rcode *rcode);
/* Have the sink record that the signature of a message (m->tsig, whose error is set) was refused; only a few a
 * second, so that nobody can keep the sink busy. DNS thread; allocates, does not block. d NULL is fine. */
void update_report(struct update_door *d, const struct update_message *m);
/* Count an UPDATE that was answered without the door. Any thread; d NULL is fine. */
void update_count(struct update_door *d, enum dns_rcode rcode);

/* Read the prerequisites and the updates of a message into r (RFC 2136 sections 3.2.5 and 3.4.1.3); for
 * update_take() and its tests. RCODE_NOERROR: r is whole. Other rcodes: FORMERR, NOTZONE, REFUSED (what this server
 * never does: another type than TXT), SERVFAIL (no memory). */
MUST_USE enum dns_rcode update_decode(struct request *r, const struct query *q, const uint8_t *msg, size_t len);

#endif
