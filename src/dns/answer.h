/* dns/answer.h -- compose the answer to a query, in the buffer that the query came in. DNS threads, inside a read
 * section; no lock, no allocation, no system call. */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/table.h"
#include "core/trace.h"
#include "dns/counters.h"
#include "dns/query.h"
#include "dns/tuning.h"

/* What answers depend on besides the table; one a DNS thread. */
struct answerer {
    const struct table *table; /* read once a batch; NULL: still loading, SERVFAIL */
    uint16_t udp_size;
    const char *identity; /* "" for none; at most DNS_IDENTITY_MAX */
    size_t identity_len;
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
};

/* Overwrite msg, which holds the query that q was parsed from, with the response; returns its length, at most cap
 * and at most what the client takes, or 0: send nothing. cap is at least DNS_UDP_PLAIN_MAX (UDP) or DNS_MESSAGE_MAX
 * (TCP), and msg has NAME_PAD octets of room behind cap. Counts and traces. */
size_t answer_compose(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                      size_t cap);

/* The response of len octets that answer_compose() has put into msg is too large for the way back: make it the
 * truncated one, header, question and OPT record (RFC 6891 section 7). Returns its length, or 0 when that is not
 * less. UDP only. */
size_t answer_truncate(struct answerer *a, const struct query *q, uint8_t *msg, size_t len);

#endif
