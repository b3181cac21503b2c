#include "dns/tcp_clients.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/siphash.h"

#define CHAINS  1024 /* a power of two; a client has as many as it likes only with as many addresses */
#define BITS_V4 32
#define BITS_V6 56 /* what one customer gets, RFC 6177 section 2 */

struct tcp_clients {
    struct siphash_key key; /* addresses are chosen by strangers */
    struct tcp_client *chains[CHAINS];
};

enum err tcp_clients_new(struct tcp_clients **out)
{
    struct tcp_clients *t = calloc(1, sizeof *t);
    enum err e;

    *out = NULL;
    if (t == NULL)
        return ERR_MEMORY;
    e = crypto_random(&t->key, sizeof t->key);
    if (e != ERR_OK) {
        free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void tcp_clients_free(struct tcp_clients *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < CHAINS; i++) {
        while (t->chains[i] != NULL) {
            struct tcp_client *c = t->chains[i];

            t->chains[i] = c->next;
            free(c);
        }
    }
    free(t);
}

static struct tcp_client **chain_of(struct tcp_clients *t, const struct addr *network)
{
    return &t->chains[siphash13(&t->key, network->b, sizeof network->b) % CHAINS];
}

enum err tcp_clients_enter(struct tcp_client **out, struct tcp_clients *t, const struct addr *peer, uint32_t most)
{
    struct addr network = addr_prefix(peer, BITS_V4, BITS_V6);
    struct tcp_client **chain = chain_of(t, &network);
    struct tcp_client *c = *chain;

    *out = NULL;
    while (c != NULL && !addr_equal(&c->network, &network))
        c = c->next;
    if (c != NULL && c->open >= most)
        return ERR_FULL;
    if (c == NULL) {
        c = calloc(1, sizeof *c);
        if (c == NULL)
            return ERR_MEMORY;
        c->network = network;
        c->next = *chain;
        *chain = c;
    }
    c->open++;
    *out = c;
    return ERR_OK;
}

void tcp_clients_leave(struct tcp_clients *t, struct tcp_client *client)
{
    struct tcp_client **link;

    if (client == NULL || --client->open > 0)
        return;
    for (link = chain_of(t, &client->network); *link != client; link = &(*link)->next)
        ;
    *link = client->next;
    free(client);
}
