#include "dns/server.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "dns/bind.h"
#include "dns/counters.h"
#include "dns/tcp.h"
#include "dns/thread_stats.h"
#include "dns/tuning.h"
#include "dns/udp.h"
#include "dns/update.h"

#define WORKERS_MAX    16
#define QUESTIONS_MANY 100 /* before it is said that all come from one address */

struct dns_server {
    struct bound bound;
    struct dns_tuning_slot tuning;
    struct udp_worker **workers; /* one for each UDP socket of bound, NULL until started */
    size_t n_workers;
    size_t *worker_listener;     /* index in bound.at, for each worker */
    struct tcp_thread *tcp;      /* NULL until started */
    struct thread_stats *stats;  /* of the workers, then of the TCP thread */
    uint64_t *tcp_questions;     /* for each address */
    struct update_door *updates; /* NULL: there is none */
};

static unsigned workers_wanted(unsigned configured)
{
    cpu_set_t cpus;
    int cores = 1;

    if (configured != 0)
        return configured;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        cores = CPU_COUNT(&cpus);
    if (cores < 1)
        return 1;
    return cores < WORKERS_MAX ? (unsigned)cores : WORKERS_MAX;
}

size_t dns_server_threads(const struct dns_server *s)
{
    return s->n_workers + 1;
}

/* Set aside what the threads will need, as soon as it is known how many there are. */
static enum err server_prepare(struct dns_server *s)
{
    const struct bound *b = &s->bound;
    size_t threads;

    s->worker_listener = calloc(b->n_sockets + 1, sizeof *s->worker_listener);
    if (s->worker_listener == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->n_sockets; i++)
        if (b->sockets[i].proto == IP_PROTO_UDP)
            s->worker_listener[s->n_workers++] = b->sockets[i].listener;
    threads = dns_server_threads(s);
    s->workers = calloc(threads, sizeof(struct udp_worker *));
    s->stats = aligned_alloc(_Alignof(struct thread_stats), threads * sizeof *s->stats);
    s->tcp_questions = calloc(b->n_at + 1, sizeof *s->tcp_questions);
    if (s->stats != NULL)
        memset(s->stats, 0, threads * sizeof *s->stats);
    return s->workers != NULL && s->stats != NULL && s->tcp_questions != NULL ? ERR_OK : ERR_MEMORY;
}

enum err dns_server_bind(struct dns_server **out, const struct dns_settings *settings,
                         const struct dns_passed *passed, struct text *why)
{
    struct dns_server *s = calloc(1, sizeof *s);
    enum err e;

    *out = NULL;
    if (s == NULL) {
        text_put(why, "no memory for the DNS server\n");
        return ERR_MEMORY;
    }
    dns_tuning_init(&s->tuning, settings);
    if (passed != NULL && passed->n > 0)
        e = bind_adopt(&s->bound, settings, passed, why);
    else
        e = bind_all(&s->bound, settings, workers_wanted(settings->workers), why);
    if (e == ERR_OK) {
        e = server_prepare(s);
        if (e != ERR_OK)
            text_put(why, "no memory for the DNS threads\n");
    }
    if (e != ERR_OK) {
        dns_server_stop(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

static enum err start_workers(struct dns_server *s, const struct dns_backing *backing)
{
    const struct bound *b = &s->bound;
    size_t w = 0;
    enum err e = udp_workers_init();

    for (size_t i = 0; e == ERR_OK && i < b->n_sockets; i++) {
        size_t listener = b->sockets[i].listener;
        struct udp_worker_spec spec = {
            .fd = b->sockets[i].fd,
            .source = endpoint_is_wildcard(&b->at[listener]) ? UDP_SOURCE_ASKED : UDP_SOURCE_BOUND,
            .listener = (uint8_t)listener,
            .slot = backing->slot,
            .tuning = &s->tuning,
            .keys = backing->keys,
            .updates = s->updates,
        };

        if (b->sockets[i].proto != IP_PROTO_UDP)
            continue;
        spec.trace = backing->trace != NULL ? trace_ring(backing->trace, w) : NULL;
        spec.stats = &s->stats[w];
        e = udp_worker_start(&s->workers[w++], &spec);
    }
    return e;
}

/* End all threads that were started. What was taken is answered before, while its sockets and threads are there. */
static void stop_threads(struct dns_server *s)
{
    if (s->updates != NULL)
        update_door_close(s->updates);
    for (size_t i = 0; s->workers != NULL && i < s->n_workers; i++)
        if (s->workers[i] != NULL)
            udp_worker_ask_stop(s->workers[i]); /* all first, so that they end at the same time */
    tcp_thread_stop(s->tcp);
    s->tcp = NULL;
    for (size_t i = 0; s->workers != NULL && i < s->n_workers; i++) {
        udp_worker_free(s->workers[i]);
        s->workers[i] = NULL;
    }
    update_door_free(s->updates);
    s->updates = NULL;
}

enum err dns_server_start(struct dns_server *s, const struct dns_backing *backing)
{
    struct tcp_spec spec = {
        .bound = &s->bound,
        .slot = backing->slot,
        .tuning = &s->tuning,
        .keys = backing->keys,
        .trace = backing->trace != NULL ? trace_ring(backing->trace, s->n_workers) : NULL,
        .stats = &s->stats[s->n_workers],
        .questions = s->tcp_questions,
    };
    enum err e;

    assert(s->tcp == NULL);
    e = backing->sink != NULL ? update_door_new(&s->updates, backing->sink) : ERR_OK;
    spec.updates = s->updates;
    if (e == ERR_OK)
        e = start_workers(s, backing);
    if (e == ERR_OK)
        e = tcp_thread_start(&s->tcp, &spec);
    if (e != ERR_OK)
        stop_threads(s);
    return e;
}

void dns_server_retune(struct dns_server *s, const struct dns_settings *settings)
{
    dns_tuning_replace(&s->tuning, settings);
    if (s->tcp != NULL)
        tcp_thread_retune(s->tcp);
}

static void collect(void *self, struct text *out)
{
    const struct dns_server *s = self;
    size_t n = dns_server_threads(s);
    const struct dns_counters **blocks = calloc(n, sizeof(struct dns_counters *));

    if (blocks == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        blocks[i] = &s->stats[i].counters;
    dns_counters_put(out, blocks, n);
    free(blocks);
    if (s->updates != NULL)
        update_door_metrics(s->updates, out);
}

struct metrics_source dns_server_metrics(struct dns_server *s)
{
    return (struct metrics_source){.collect = collect, .self = s};
}

size_t dns_server_listeners(const struct dns_server *s, struct dns_listener_status *out, size_t cap)
{
    size_t n = s->bound.n_at < cap ? s->bound.n_at : cap;

    for (size_t i = 0; i < n; i++) {
        out[i] = (struct dns_listener_status){
            .at = s->bound.at[i],
            .udp = true, /* bound as a whole or not at all */
            .tcp = true,
            .activated = s->bound.activated,
            .questions = dns_counted(&s->tcp_questions[i]),
        };
    }
    for (size_t w = 0; w < s->n_workers; w++) {
        if (s->worker_listener[w] >= n)
            continue;
        out[s->worker_listener[w]].workers++;
        out[s->worker_listener[w]].questions += thread_stats_questions(&s->stats[w]);
    }
    return n;
}

/* Loopback is left out: a resolver or a proxy on this machine is no translation. */
bool dns_server_sources_hidden(const struct dns_server *s, struct addr *from)
{
    struct addr only = {.family = ADDR_NONE};
    uint64_t questions = 0;

    for (size_t i = 0; i < dns_server_threads(s); i++) {
        struct addr first;
        enum source_seen seen = thread_stats_sources(&s->stats[i], &first);

        if (seen == SOURCE_SEVERAL)
            return false;
        if (seen == SOURCE_NONE)
            continue;
        if (only.family != ADDR_NONE && !addr_equal(&only, &first))
            return false;
        only = first;
        questions += thread_stats_questions(&s->stats[i]);
    }
    if (questions < QUESTIONS_MANY || !addr_is_private(&only) || addr_is_loopback(&only))
        return false;
    *from = only;
    return true;
}

void dns_server_stop(struct dns_server *s)
{
    if (s == NULL)
        return;
    stop_threads(s);
    bind_close(&s->bound);
    free(s->workers);
    free(s->worker_listener);
    free(s->stats);
    free(s->tcp_questions);
    free(s);
}
