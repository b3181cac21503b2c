/* dns/server.h -- the DNS listeners: UDP workers (threads that block in recvmmsg) and TCP (libevent threads).
 *
 * Binding and starting are apart: sockets are bound first, with privileges; threads start when the table is loaded.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/text.h"
#include "core/change_sink.h"
#include "core/keyring.h"
#include "core/table.h"
#include "core/trace.h"
#include "dns/tsig.h"

#define DNS_IDENTITY_MAX 64

struct dns_settings {
    const struct endpoint *listen;
    size_t n_listen;
    unsigned workers; /* 0: one a core, at most 16 */
    /* What follows may change on reload: */
    uint16_t udp_size;               /* 512 to 4096 */
    char identity[DNS_IDENTITY_MAX]; /* for NSID and id.server; "" for none */
    uint32_t tcp_connections;
    int64_t tcp_idle_ms;
    enum tsig_legacy tsig_legacy;
};

/* What lies behind the listeners; all of it outlives the server. */
struct dns_backing {
    const struct table_slot *slot;
    struct trace *trace;            /* NULL: off */
    const struct keyring *keys;     /* of signed messages; NULL: there are none */
    const struct change_sink *sink; /* takes updates; copied; NULL: UPDATE is REFUSED */
};

struct dns_server;

/* Sockets that a service manager has bound already (socket activation). */
struct dns_passed {
    const int *fds;
    size_t n;
};

/* Bind all of settings->listen, UDP and TCP (a UDP socket per worker, SO_REUSEPORT; IP_FREEBIND for explicit
 * addresses), or adopt the passed sockets, which must be of exactly these addresses (one UDP worker per passed UDP
 * socket; takes the descriptors, on error too). passed may be NULL; with n 0 the addresses are bound. On error
 * every line of *why is one problem, "cannot bind UDP 0.0.0.0:53: address already in use", followed by indented
 * lines with who holds it and the way out; nothing is left open. ERR_IO, ERR_EXISTS (in use), ERR_MEMORY,
 * ERR_NOT_FOUND (passed sockets and addresses differ), ERR_RANGE (over 255 addresses). */
MUST_USE enum err dns_server_bind(struct dns_server **out, const struct dns_settings *settings,
                                  const struct dns_passed *passed, struct text *why);
/* How many rings trace_new() must have: one a UDP worker and one a TCP thread. */
size_t dns_server_threads(const struct dns_server *s);
/* Start the threads. What backing points at lives until dns_server_stop() has returned. Sets a handler for SIGURG,
 * which wakes blocked workers at stop. ERR_IO, ERR_MEMORY, ERR_CRYPTO: no thread runs, questions wait in the
 * sockets.
 */
MUST_USE enum err dns_server_start(struct dns_server *s, const struct dns_backing *backing);
/* Take the values that may change on reload; DNS threads see them within a second. One thread; waits for a grace
 * period. */
void dns_server_retune(struct dns_server *s, const struct dns_settings *settings);
struct metrics_source dns_server_metrics(struct dns_server *s);
/* One line a listener for `riposte status`: "0.0.0.0:53 udp+tcp ok", workers, questions so far; JSON is made
 * elsewhere. */
struct dns_listener_status {
    struct endpoint at; /* with the port that was really bound */
    bool udp, tcp, activated;
    unsigned workers;
    uint64_t questions;
};
/* In the order of settings->listen; returns how many were written, at most cap. Any thread. */
size_t dns_server_listeners(const struct dns_server *s, struct dns_listener_status *out, size_t cap);
/* True when many questions came and all from one private address, not a loopback one: the sources are hidden by a
 * translation. */
bool dns_server_sources_hidden(const struct dns_server *s, struct addr *from);
/* Stop threads, close sockets, free. Updates that were taken are answered first, as long as the sink takes;
 * questions that were received are answered; a TCP client has a second to take its answers. NULL is fine. */
void dns_server_stop(struct dns_server *s);

#endif
