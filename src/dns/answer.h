/* dns/answer.h -- compose the answer to a query, in the buffer that the query came in. DNS threads, inside a read
 * section; no lock, no allocation, no system call. */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/keyring.h"
#include "core/table.h"
#include "core/trace.h"
#include "dns/counters.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "dns/server.h"
#include "dns/tsig.h"
#include "dns/tuning.h"
#include "dns/update.h"

/* What answers depend on besides the table; one a DNS thread. */
struct answerer {
    const struct table *table;   /* read once a batch; NULL: still loading, SERVFAIL */
    const struct keyring *keys;  /* of signed messages; NULL: there are none */
    struct update_door *updates; /* NULL: UPDATE is REFUSED */
    enum tsig_legacy tsig_legacy;
    struct reply_settings says;    /* of itself */
    struct trace_ring *trace;      /* NULL: off */
    struct dns_counters *counters; /* of this thread */
    int64_t now_us;                /* real time, read once a batch; for the trace */
};

/* Read table, settings and time anew: at the beginning of a read section. What is read is valid until its end. */
void answerer_refresh(struct answerer *a, const struct table_slot *slot, const struct dns_tuning_slot *tuning);

struct answer_peer {
    const struct sockaddr *from; /* borrowed */
    enum query_transport transport;
    uint8_t listener;
    /* Where the reply to an UPDATE goes when it comes later, as in struct update_message; NULL: UPDATE is REFUSED.
     */
    void (*route)(void *arg, struct update *u);
    void (*unroute)(void *arg, struct update *u);
    void *route_arg;
};

#define ANSWER_CAP_MIN 1024 /* a reply without records but with the longest signature fits */

/* Overwrite msg, which holds the query that q was parsed from, with the response; returns its length, at most cap
 * and at most what the client takes, or 0: send nothing, or not yet (an UPDATE that was taken). cap is at least
 * ANSWER_CAP_MIN (UDP) or DNS_MESSAGE_MAX (TCP), and msg has NAME_PAD octets of room behind cap. Counts and traces.
 *
 * A signed message is verified and answered signed, whatever the answer (RFC 8945 section 5.3); that, and UPDATE,
 * leaves the fast path: it allocates, and may take the locks of the door and of the sink. */
size_t answer_compose(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                      size_t cap);

/* The response of len octets that answer_compose() has put into msg is too large for the way back: make it the
 * truncated one, header, question and OPT record (RFC 6891 section 7). Returns its length, or 0 when that is not
 * less. UDP only. */
size_t answer_truncate(struct answerer *a, const struct query *q, uint8_t *msg, size_t len);

#endif
