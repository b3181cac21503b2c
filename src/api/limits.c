/* Clients are chained in a table of fixed size. Their prefixes are chosen by strangers, so the hash is keyed. */
#include "api/limits.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/siphash.h"

#define CLIENT_BITS_V4 32
#define CLIENT_BITS_V6 56
#define CLIENT_SHARE   4 /* one client gets at most a quarter */

struct client {
    struct addr prefix;
    uint32_t open;
    struct client *next;
};

struct limits {
    pthread_mutex_t lock;
    struct siphash_key key;
    uint32_t total, per_client;
    struct limit_counts counts;
    size_t n_slots; /* a power of two */
    struct client *slots[];
};

enum err limits_new(struct limits **out, uint32_t total)
{
    size_t n_slots = 16;
    struct limits *l;

    assert(total >= 1);
    while (n_slots < total && n_slots < (size_t)1 << 20)
        n_slots *= 2;
    l = calloc(1, sizeof *l + n_slots * sizeof(struct client *));
    if (l == NULL)
        return ERR_MEMORY;
    l->n_slots = n_slots;
    l->total = total;
    l->per_client = total / CLIENT_SHARE > 0 ? total / CLIENT_SHARE : 1;
    if (crypto_random(&l->key, sizeof l->key) != ERR_OK) {
        free(l);
        return ERR_CRYPTO;
    }
    if (pthread_mutex_init(&l->lock, NULL) != 0) {
        free(l);
        return ERR_MEMORY;
    }
    *out = l;
    return ERR_OK;
}

void limits_free(struct limits *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n_slots; i++) {
        while (l->slots[i] != NULL) {
            struct client *c = l->slots[i];
            l->slots[i] = c->next;
            free(c);
        }
    }
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Where the pointer to the client's entry is, or where it would go. */
static struct client **find(struct limits *l, const struct addr *prefix)
{
    uint64_t hash = siphash13(&l->key, (const uint8_t *)prefix, sizeof *prefix);
    struct client **at = &l->slots[hash & (l->n_slots - 1)];

    while (*at != NULL && !addr_equal(&(*at)->prefix, prefix))
        at = &(*at)->next;
    return at;
}

enum limit_hit limits_refuse(struct limits *l, const struct addr *client, enum limit_class class)
{
    struct addr prefix = addr_prefix(client, CLIENT_BITS_V4, CLIENT_BITS_V6);
    enum limit_hit hit = LIMIT_NONE;
    struct client *c;

    pthread_mutex_lock(&l->lock);
    c = *find(l, &prefix);
    if (l->counts.open >= l->total) {
        hit = LIMIT_TOTAL;
        l->counts.refused_total++;
    } else if (class == LIMIT_CLASS_CLIENT && c != NULL && c->open >= l->per_client) {
        hit = LIMIT_CLIENT;
        l->counts.refused_client++;
    }
    pthread_mutex_unlock(&l->lock);
    return hit;
}

void limits_opened(struct limits *l, const struct addr *client, enum limit_class class)
{
    struct addr prefix = addr_prefix(client, CLIENT_BITS_V4, CLIENT_BITS_V6);
    struct client **at;

    pthread_mutex_lock(&l->lock);
    l->counts.open++;
    l->counts.accepted++;
    if (class == LIMIT_CLASS_CLIENT) {
        at = find(l, &prefix);
        if (*at == NULL) {
            *at = calloc(1, sizeof **at);
            if (*at != NULL)
                (*at)->prefix = prefix;
        }
        if (*at != NULL) /* without memory the client is counted in the total only */
            (*at)->open++;
    }
    pthread_mutex_unlock(&l->lock);
}

void limits_closed(struct limits *l, const struct addr *client, enum limit_class class)
{
    struct addr prefix = addr_prefix(client, CLIENT_BITS_V4, CLIENT_BITS_V6);
    struct client **at;
    struct client *gone;

    pthread_mutex_lock(&l->lock);
    assert(l->counts.open > 0);
    l->counts.open--;
    if (class == LIMIT_CLASS_CLIENT) {
        at = find(l, &prefix);
        if (*at != NULL && --(*at)->open == 0) {
            gone = *at;
            *at = gone->next;
            free(gone);
        }
    }
    pthread_mutex_unlock(&l->lock);
}

struct limit_counts limits_counts(struct limits *l)
{
    struct limit_counts counts;

    pthread_mutex_lock(&l->lock);
    counts = l->counts;
    pthread_mutex_unlock(&l->lock);
    return counts;
}
