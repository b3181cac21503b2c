/* dns/counters.h -- what one DNS thread counts. Written by it alone, read by any thread with relaxed loads; one
 * cache-line aligned block a thread. */
#ifndef DNS_COUNTERS_H
#define DNS_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "dns/query.h"

enum counter_type {
    COUNT_TYPE_OTHER,
    COUNT_TXT,
    COUNT_CAA,
    COUNT_A,
    COUNT_AAAA,
    COUNT_NS,
    COUNT_SOA,
    COUNT_CNAME,
    COUNT_DS,
    COUNT_DNSKEY,
    COUNT_ANY,
    COUNT_TYPES
};
#define COUNT_RCODES 17 /* 0..15 and BADVERS */

struct dns_counters {
    _Alignas(64) uint64_t by_type[2][COUNT_TYPES]; /* [enum query_transport] */
    uint64_t by_rcode[2][COUNT_RCODES];
    uint64_t truncated;
    uint64_t dropped; /* answered with silence */
    uint64_t send_failed;
    uint64_t tsig_right, tsig_badsig, tsig_badkey, tsig_badtime, tsig_badtrunc; /* signed messages */
    uint64_t tcp_connections, tcp_refused, tcp_timeouts; /* accepted; over a limit; idle or slow ones closed */
    uint64_t tcp_open;                                   /* gauge */
};

/* One more: the owner thread is the only writer, so a load and a store are enough, and readers never see half a
 * number. */
static inline void dns_count(uint64_t *counter)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline uint64_t dns_counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* One question answered: qtype 0 when there was none that could be read; rcode with its extended bits. */
void dns_count_reply(struct dns_counters *c, enum query_transport transport, uint16_t qtype, unsigned rcode);

/* Add up n blocks and write riposte_dns_…. */
void dns_counters_put(struct text *out, const struct dns_counters *const *blocks, size_t n);

#endif
