/* dns/udp.h -- a UDP worker: one thread that answers what comes through one socket, in batches, and blocks in
 * recvmmsg when nothing comes. No loop library around it: that alone would cost 5 % (docs/design.md, "Hot path").
 */
#ifndef DNS_UDP_H
#define DNS_UDP_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/table.h"
#include "core/trace.h"
#include "dns/thread_stats.h"
#include "dns/tuning.h"
#include "dns/update.h"

enum udp_source {
    UDP_SOURCE_BOUND, /* replies leave from the address that the socket is bound to */
    UDP_SOURCE_ASKED, /* wildcard socket: from the address that the question came to, by IP_PKTINFO */
};

/* All pointers outlive the worker. */
struct udp_worker_spec {
    int fd; /* bound, blocking, with bind_udp_options(); stays the caller's */
    enum udp_source source;
    uint8_t listener;
    const struct table_slot *slot;
    const struct dns_tuning_slot *tuning;
    const struct keyring *keys;  /* NULL: there are none */
    struct update_door *updates; /* NULL: there is none */
    struct trace_ring *trace;    /* NULL: off */
    struct thread_stats *stats;
};

struct udp_worker;

/* Once before the first worker: the signal that wakes a blocked worker gets a handler that does nothing. ERR_IO. */
MUST_USE enum err udp_workers_init(void);
/* Start the thread, named dns-udp. ERR_MEMORY; ERR_IO: the system gives no more threads. */
MUST_USE enum err udp_worker_start(struct udp_worker **out, const struct udp_worker_spec *spec);
/* Ask it to answer what its socket has received and to end; does not wait. */
void udp_worker_ask_stop(struct udp_worker *w);
/* Wait for its end, at most about a second after udp_worker_ask_stop(), and free. NULL is fine. */
void udp_worker_free(struct udp_worker *w);

#endif
