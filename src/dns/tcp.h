/* dns/tcp.h -- the TCP thread: accepts on all addresses, and serves all connections with one event loop.
 *
 * Limits, each counted in dns_counters:
 * - In total dns.tcp-connections. One more: the connection that has been idle longest (between messages, nothing
 * waiting) is closed in its favour (tcp_timeouts); when none is idle the new one is refused (tcp_refused).
 * - A quarter of that, at least one, for a client network (/32, /56). One more is refused.
 * - Idle time: dns.tcp-idle since the last whole query, or since the last octet of its answer was taken. Octets of
 * an incomplete query do not count, nor does an answer that is taken in drops: it is the deadline for both. From
 * half of the connections on it shrinks, down to an eighth when all are in use (RFC 7766 section 6.2.3).
 * - Without file descriptors left: the waiting connection is accepted with a spare one and closed at once, and none
 *   is accepted for a moment.
 * A client that says nothing after connecting is the kernel's for about a second (TCP_DEFER_ACCEPT, bind.c), and
 * counts only then. */
#ifndef DNS_TCP_H
#define DNS_TCP_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/table.h"
#include "core/trace.h"
#include "dns/bind.h"
#include "dns/thread_stats.h"
#include "dns/tuning.h"
#include "dns/update.h"

/* All pointers outlive the thread. */
struct tcp_spec {
    const struct bound *bound; /* its TCP sockets; they stay the caller's */
    const struct table_slot *slot;
    const struct dns_tuning_slot *tuning;
    const struct keyring *keys;  /* NULL: there are none */
    struct update_door *updates; /* NULL: there is none */
    struct trace_ring *trace;    /* NULL: off */
    struct thread_stats *stats;
    uint64_t *questions; /* a counter for each address of bound */
};

struct tcp_thread;

/* Start the thread, named dns-tcp. ERR_MEMORY, ERR_CRYPTO; ERR_IO: no more threads or descriptors. */
MUST_USE enum err tcp_thread_start(struct tcp_thread **out, const struct tcp_spec *spec);
/* The tuning has been replaced: look at the deadlines again. Any thread. */
void tcp_thread_retune(struct tcp_thread *t);
/* Answer what has been received, at most for about a second, close all connections, end and free. NULL is fine. */
void tcp_thread_stop(struct tcp_thread *t);

#endif
