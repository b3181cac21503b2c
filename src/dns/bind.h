/* dns/bind.h -- the listening sockets of the DNS server: bound here, or adopted from a service manager (adopt.c).
 * Start-up only, with privileges; one thread. */
#ifndef DNS_BIND_H
#define DNS_BIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/holder.h"
#include "base/text.h"
#include "dns/server.h"

#define LISTENERS_MAX 255 /* answer_peer and the trace count them in one octet */

struct dns_socket {
    int fd;
    enum ip_proto proto;
    size_t listener; /* index of its address in listen */
};

struct bound {
    struct endpoint *at; /* as in settings->listen, with the port that was really bound */
    size_t n_at;
    struct dns_socket *sockets; /* UDP: blocking; TCP: listening, non-blocking */
    size_t n_sockets;
    bool activated;
};

/* Bind every address of settings->listen: one TCP socket and `workers` UDP sockets each. What cannot be bound is
 * appended to *why, all of it, as in dns_server_bind(). After an error nothing is open and *out is empty. */
MUST_USE enum err bind_all(struct bound *out, const struct dns_settings *settings, unsigned workers,
                           struct text *why);

/* Take over sockets that are bound already. They must be UDP and listening TCP sockets of exactly the addresses in
 * settings->listen; several UDP sockets of one address are fine. Takes the descriptors: they are closed on error
 * too. ERR_NOT_FOUND: an address without socket or a socket without address, each a line of *why with what to add.
 */
MUST_USE enum err bind_adopt(struct bound *out, const struct dns_settings *settings,
                             const struct dns_passed *passed, struct text *why);
void bind_close(struct bound *b); /* closes and frees; an empty one is fine */

/* Shared by the two: room for the addresses and n_sockets sockets. ERR_MEMORY; ERR_RANGE: over LISTENERS_MAX
 * addresses. */
MUST_USE enum err bind_init(struct bound *b, const struct dns_settings *settings, size_t n_sockets,
                            struct text *why);
/* Options that a UDP socket has whoever bound it: DF, and the address asked on wildcard ones. 0, or -1 with errno.
 */
MUST_USE int bind_udp_options(int fd, const struct endpoint *at);
/* Options that a listening TCP socket has whoever bound it, most of them for what is accepted. Best effort. */
void bind_tcp_options(int fd);

#endif
