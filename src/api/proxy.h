/* api/proxy.h -- who the client is when proxies stand in between: X-Forwarded-For, read from the right.
 *
 * Every proxy appends the address that it saw. Only what a trusted proxy has appended is known to be true, so the
 * client is the right-most address that is not a trusted proxy itself; what stands left of it was sent by the
 * client. */
#ifndef API_PROXY_H
#define API_PROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"

struct proxy_client {
    struct addr addr; /* ADDR_NONE: cannot be known */
    bool unknown;     /* X-Forwarded-For came through a peer that is not trusted, or cannot be read */
};

/* One header line's value. */
struct forwarded {
    const char *text;
    size_t len;
};

/* True for peers whose X-Forwarded-For counts: those in nets, and peers of unix sockets, whose file mode has
 * decided who may connect (no network could name them). */
bool proxy_is_trusted(const struct addr *peer, const struct net *nets, size_t n_nets);
/* lines: in the order in which they came. */
struct proxy_client proxy_client(const struct addr *peer, const struct forwarded *lines, size_t n_lines,
                                 const struct net *nets, size_t n_nets);

/* The warning about a proxy that was forgotten: a loopback or private peer that sends X-Forwarded-For without being
 * trusted. Said once an hour and peer, with the number of requests so far; at most PROXY_WARNINGS_MAX peers. Any
 * thread. */
#define PROXY_WARNINGS_MAX 16

struct proxy_warning {
    struct addr peer;
    uint64_t requests; /* since the last time that it was said */
    int64_t next_mono_ms;
};

struct proxy_warnings {
    pthread_mutex_t lock;
    size_t n;
    struct proxy_warning peers[PROXY_WARNINGS_MAX];
};

MUST_USE enum err proxy_warnings_init(struct proxy_warnings *w);
void proxy_warnings_fini(struct proxy_warnings *w);
/* Note one such request; true: say it now, *requests is the number. */
bool proxy_warnings_note(struct proxy_warnings *w, const struct addr *peer, int64_t mono_ms, uint64_t *requests);
/* Note one such request and log the warning when it is time. Peers that are neither loopback nor private do
 * nothing: anybody on the internet may send that header. */
void proxy_warn(struct proxy_warnings *w, const struct addr *peer, int64_t mono_ms);

#endif
