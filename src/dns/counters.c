#include "dns/counters.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "core/rr.h"

#define TRANSPORTS 2
#define LABELS_MAX 64

static const char *const transport_words[TRANSPORTS] = {[QUERY_UDP] = "udp", [QUERY_TCP] = "tcp"};

static const char *const type_words[COUNT_TYPES] = {
    [COUNT_TXT] = "TXT",
    [COUNT_CAA] = "CAA",
    [COUNT_A] = "A",
    [COUNT_AAAA] = "AAAA",
    [COUNT_NS] = "NS",
    [COUNT_SOA] = "SOA",
    [COUNT_CNAME] = "CNAME",
    [COUNT_DS] = "DS",
    [COUNT_DNSKEY] = "DNSKEY",
    [COUNT_ANY] = "ANY",
    [COUNT_TYPE_OTHER] = "other",
};

/* Those that the server sends; the others' counters stay 0 and are not shown. */
static const struct rcode_word {
    enum dns_rcode rcode;
    const char *word;
} rcode_words[] = {
    {RCODE_NOERROR, "NOERROR"},   {RCODE_FORMERR, "FORMERR"}, {RCODE_SERVFAIL, "SERVFAIL"},
    {RCODE_NXDOMAIN, "NXDOMAIN"}, {RCODE_NOTIMP, "NOTIMP"},   {RCODE_REFUSED, "REFUSED"},
    {RCODE_NOTAUTH, "NOTAUTH"},   {RCODE_BADVERS, "BADVERS"},
};

/* All others are COUNT_TYPE_OTHER. */
static const uint8_t type_counters[] = {
    [RR_TXT] = COUNT_TXT,       [RR_CAA] = COUNT_CAA, [RR_A] = COUNT_A,         [RR_AAAA] = COUNT_AAAA,
    [RR_NS] = COUNT_NS,         [RR_SOA] = COUNT_SOA, [RR_CNAME] = COUNT_CNAME, [RR_DS] = COUNT_DS,
    [RR_DNSKEY] = COUNT_DNSKEY, [RR_ANY] = COUNT_ANY,
};

void dns_count_reply(struct dns_counters *c, enum query_transport transport, uint16_t qtype, unsigned rcode)
{
    dns_count(&c->by_type[transport][qtype < ARRAY_LEN(type_counters) ? type_counters[qtype] : COUNT_TYPE_OTHER]);
    if (rcode < COUNT_RCODES)
        dns_count(&c->by_rcode[transport][rcode]);
}

/* The sum over all blocks of the counter that lies at the offset. */
static uint64_t sum_at(const struct dns_counters *const *blocks, size_t n, size_t offset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += dns_counted((const uint64_t *)(const void *)((const char *)blocks[i] + offset));
    return sum;
}

static void queries_put(struct text *out, const struct dns_counters *const *blocks, size_t n)
{
    static const char name[] = "riposte_dns_queries_total";
    char labels[LABELS_MAX];

    metrics_head(out, name, METRIC_COUNTER, "DNS queries answered, by transport and type asked for.");
    for (size_t transport = 0; transport < TRANSPORTS; transport++) {
        for (size_t type = 0; type < COUNT_TYPES; type++) {
            snprintf(labels, sizeof labels, "transport=\"%s\",type=\"%s\"", transport_words[transport],
                     type_words[type]);
            metrics_sample_u64(out, name, labels,
                               sum_at(blocks, n,
                                      offsetof(struct dns_counters, by_type) +
                                          (transport * COUNT_TYPES + type) * sizeof(uint64_t)));
        }
    }
}

static void responses_put(struct text *out, const struct dns_counters *const *blocks, size_t n)
{
    static const char name[] = "riposte_dns_responses_total";
    char labels[LABELS_MAX];

    metrics_head(out, name, METRIC_COUNTER, "DNS responses, by transport and response code.");
    for (size_t transport = 0; transport < TRANSPORTS; transport++) {
        for (size_t i = 0; i < ARRAY_LEN(rcode_words); i++) {
            size_t at = transport * COUNT_RCODES + (size_t)rcode_words[i].rcode;

            snprintf(labels, sizeof labels, "transport=\"%s\",rcode=\"%s\"", transport_words[transport],
                     rcode_words[i].word);
            metrics_sample_u64(out, name, labels,
                               sum_at(blocks, n, offsetof(struct dns_counters, by_rcode) + at * sizeof(uint64_t)));
        }
    }
}

static void tsig_put(struct text *out, const struct dns_counters *const *blocks, size_t n)
{
    static const char name[] = "riposte_dns_tsig_total";
    static const struct {
        const char *labels;
        size_t offset;
    } results[] = {
        {"result=\"right\"", offsetof(struct dns_counters, tsig_right)},
        {"result=\"BADSIG\"", offsetof(struct dns_counters, tsig_badsig)},
        {"result=\"BADKEY\"", offsetof(struct dns_counters, tsig_badkey)},
        {"result=\"BADTIME\"", offsetof(struct dns_counters, tsig_badtime)},
        {"result=\"BADTRUNC\"", offsetof(struct dns_counters, tsig_badtrunc)},
    };

    metrics_head(out, name, METRIC_COUNTER,
                 "DNS messages with a transaction signature, by what it was found to be.");
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        metrics_sample_u64(out, name, results[i].labels, sum_at(blocks, n, results[i].offset));
}

static const struct plain_metric {
    const char *name;
    const char *help;
    enum metric_kind kind;
    size_t offset;
} plain_metrics[] = {
    {"riposte_dns_truncated_total", "DNS responses over UDP that did not fit and went out with TC=1.",
     METRIC_COUNTER, offsetof(struct dns_counters, truncated)},
    {"riposte_dns_dropped_total", "DNS messages that got no response: no header, or responses themselves.",
     METRIC_COUNTER, offsetof(struct dns_counters, dropped)},
    {"riposte_dns_send_failed_total", "DNS responses that the kernel refused to send.", METRIC_COUNTER,
     offsetof(struct dns_counters, send_failed)},
    {"riposte_dns_tcp_connections_total", "DNS connections accepted.", METRIC_COUNTER,
     offsetof(struct dns_counters, tcp_connections)},
    {"riposte_dns_tcp_refused_total", "DNS connections closed at once because of a limit.", METRIC_COUNTER,
     offsetof(struct dns_counters, tcp_refused)},
    {"riposte_dns_tcp_timeouts_total", "DNS connections closed because they were idle or too slow.", METRIC_COUNTER,
     offsetof(struct dns_counters, tcp_timeouts)},
    {"riposte_dns_tcp_open", "DNS connections open now.", METRIC_GAUGE, offsetof(struct dns_counters, tcp_open)},
};

void dns_counters_put(struct text *out, const struct dns_counters *const *blocks, size_t n)
{
    queries_put(out, blocks, n);
    responses_put(out, blocks, n);
    tsig_put(out, blocks, n);
    for (size_t i = 0; i < ARRAY_LEN(plain_metrics); i++) {
        const struct plain_metric *m = &plain_metrics[i];

        metrics_head(out, m->name, m->kind, m->help);
        metrics_sample_u64(out, m->name, "", sum_at(blocks, n, m->offset));
    }
}
