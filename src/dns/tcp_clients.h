/* dns/tcp_clients.h -- how many connections each client network (/32, /56) has open. Owned by one TCP thread. */
#ifndef DNS_TCP_CLIENTS_H
#define DNS_TCP_CLIENTS_H

#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"

struct tcp_client {
    struct tcp_client *next; /* in its chain */
    struct addr network;
    uint32_t open;
};

struct tcp_clients;

/* ERR_MEMORY; ERR_CRYPTO: no randomness for the hash key. */
MUST_USE enum err tcp_clients_new(struct tcp_clients **out);
void tcp_clients_free(struct tcp_clients *t);
/* Count one more connection from peer and give its client in *out, which stays valid until tcp_clients_leave().
 * ERR_FULL: it has `most` already. ERR_MEMORY. Nothing is counted after an error. */
MUST_USE enum err tcp_clients_enter(struct tcp_client **out, struct tcp_clients *t, const struct addr *peer,
                                    uint32_t most);
/* Count one less. NULL is fine. */
void tcp_clients_leave(struct tcp_clients *t, struct tcp_client *client);

#endif
