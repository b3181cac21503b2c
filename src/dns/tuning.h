/* dns/tuning.h -- the settings of the DNS listeners that may change on reload, published under liburcu. DNS threads
 * read them inside a read section, once a batch or callback; one other thread replaces them. No allocation: of the
 * two places one is published and the other free. */
#ifndef DNS_TUNING_H
#define DNS_TUNING_H

#include <stddef.h>
#include <stdint.h>

#include "dns/server.h"

struct dns_tuning {
    uint16_t udp_size;
    char identity[DNS_IDENTITY_MAX];
    size_t identity_len;
    uint32_t tcp_connections;
    int64_t tcp_idle_ms;
    enum tsig_legacy tsig_legacy;
};

struct dns_tuning_slot {
    struct dns_tuning *current; /* one of places */
    struct dns_tuning places[2];
};

/* Before any reader exists. Copies. */
void dns_tuning_init(struct dns_tuning_slot *slot, const struct dns_settings *settings);
/* Publish new values; waits for a grace period, so that the place of the old ones is free again. One thread. */
void dns_tuning_replace(struct dns_tuning_slot *slot, const struct dns_settings *settings);
/* Valid until the end of the read section. */
const struct dns_tuning *dns_tuning_read(const struct dns_tuning_slot *slot);

#endif
