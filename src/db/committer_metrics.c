/* What the committer shows to other threads: a copy, renewed after each batch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "db/committer_internal.h"

void shared_update(struct committer *c)
{
    struct state_counts counts = state_counts(c->state);
    struct table_counts table = table_counts(c->table);
    uint64_t seq = state_seq(c->state);

    (void)pthread_mutex_lock(&c->shared_lock);
    c->shared.counts = counts;
    c->shared.table = table;
    c->shared.seq = seq;
    (void)pthread_mutex_unlock(&c->shared_lock);
}

void shared_problem(struct committer *c, const char *problem)
{
    (void)pthread_mutex_lock(&c->shared_lock);
    c->shared.store_ok = problem == NULL;
    (void)snprintf(c->shared.problem, sizeof c->shared.problem, "%s", problem != NULL ? problem : "");
    (void)pthread_mutex_unlock(&c->shared_lock);
}

static struct committer_shared shared_copy(struct committer *c)
{
    struct committer_shared copy;

    (void)pthread_mutex_lock(&c->shared_lock);
    copy = c->shared;
    (void)pthread_mutex_unlock(&c->shared_lock);
    return copy;
}

void committer_status(void *self, struct sink_status *out)
{
    struct committer *c = self;
    struct committer_shared s = shared_copy(c);

    *out = (struct sink_status){
        .ready = s.ready,
        .store_ok = s.store_ok,
        .store_octets = atomic_load(&c->store_octets),
        .free_octets = atomic_load(&c->free_octets),
        .registration_paused = atomic_load(&c->no_space),
        .last_backup_s = atomic_load(&c->backup_s),
        .seq = s.seq,
    };
    memcpy(out->store_problem, s.problem, sizeof out->store_problem);
    (void)snprintf(out->store_path, sizeof out->store_path, "%s", c->o.path != NULL ? c->o.path : "");
}

static const uint64_t commit_bounds_us[] = {100,   250,   500,    1000,   2500,    5000,    10000,
                                            25000, 50000, 100000, 250000, 1000000, 5000000, 10000000};
static const uint64_t batch_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

void metrics_init(struct committer *c)
{
    metrics_histogram_init(&c->commit_us, commit_bounds_us, ARRAY_LEN(commit_bounds_us));
    metrics_histogram_init(&c->fold_us, commit_bounds_us, ARRAY_LEN(commit_bounds_us));
    metrics_histogram_init(&c->checkpoint_us, commit_bounds_us, ARRAY_LEN(commit_bounds_us));
    metrics_histogram_init(&c->batch_size, batch_bounds, ARRAY_LEN(batch_bounds));
}

static void put_changes(const struct committer *c, struct text *out)
{
    static const char *const outcomes[] = {
        [OUTCOME_DONE] = "done", [OUTCOME_REFUSED] = "refused", [OUTCOME_UNKNOWN] = "unknown"};
    char labels[128];

    metrics_head(out, "riposte_changes_total", METRIC_COUNTER, "Requests for changes, by what became of them.");
    for (int door = 0; door < DOOR_COUNT; door++) {
        for (int kind = 0; kind < REQUEST_KINDS; kind++) {
            for (size_t o = 0; o < ARRAY_LEN(outcomes); o++) {
                uint64_t n = atomic_load_explicit(&c->changes[door][kind][o], memory_order_relaxed);
                if (n == 0)
                    continue;
                (void)snprintf(labels, sizeof labels, "door=\"%s\",kind=\"%s\",outcome=\"%s\"",
                               door_word((enum door)door), request_kind_word((enum request_kind)kind), outcomes[o]);
                metrics_sample_u64(out, "riposte_changes_total", labels, n);
            }
        }
    }
}

struct gauge {
    const char *name, *help;
    uint64_t value;
};

static void put_gauges(struct text *out, const struct gauge *gauges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        metrics_head(out, gauges[i].name, METRIC_GAUGE, gauges[i].help);
        metrics_sample_u64(out, gauges[i].name, "", gauges[i].value);
    }
}

static void put_state(const struct committer_shared *s, struct text *out)
{
    const struct gauge gauges[] = {
        {"riposte_accounts", "Accounts that are not deleted.", s->counts.accounts},
        {"riposte_names", "Challenge names that are not retired.", s->counts.names},
        {"riposte_names_unclaimed", "Names of accounts made without a token.", s->counts.names_unclaimed},
        {"riposte_tombstones", "Retired names.", s->counts.tombstones},
        {"riposte_values", "Distinct values at all names.", s->counts.values},
        {"riposte_claims", "Claims on values.", s->counts.claims},
        {"riposte_claims_pinned", "Claims that never expire and are never evicted.", s->counts.pinned},
        {"riposte_credentials", "Credentials that are not revoked.", s->counts.credentials},
        {"riposte_secrets_bcrypt",
         "Secrets from acme-dns that were not used yet, so that they are still slow to check.",
         s->counts.secrets_bcrypt},
        {"riposte_tokens", "Registration tokens that are not revoked.", s->counts.tokens},
        {"riposte_table_nodes", "Owner names that DNS answers for.", s->table.nodes},
        {"riposte_table_octets", "Memory of the table that DNS answers from.", s->table.bytes},
        {"riposte_journal_seq", "Position of the newest change.", s->seq},
        {"riposte_store_ok", "1 when the last commit worked.", s->store_ok ? 1 : 0},
    };

    put_gauges(out, gauges, ARRAY_LEN(gauges));
}

static void put_store(struct committer *c, struct text *out)
{
    const struct gauge gauges[] = {
        {"riposte_store_octets", "Size of the store with its log.", atomic_load(&c->store_octets)},
        {"riposte_store_log_octets", "What the store's log has that its database does not have yet.",
         atomic_load_explicit(&c->log_octets, memory_order_relaxed)},
        {"riposte_store_unfolded", "Changes from the first one on that the store's tables may not have yet.",
         atomic_load_explicit(&c->unfolded, memory_order_relaxed)},
        {"riposte_free_octets", "Free space on the disk of the store.", atomic_load(&c->free_octets)},
        {"riposte_registration_paused", "1 while free space is below limits.free-space.",
         atomic_load(&c->no_space) ? 1 : 0},
        {"riposte_last_backup_seconds", "Unix time of the last backup; 0: never.",
         (uint64_t)atomic_load(&c->backup_s)},
    };

    put_gauges(out, gauges, ARRAY_LEN(gauges));
}

static void put_checks(const struct committer *c, struct text *out)
{
    metrics_head(out, "riposte_secret_checks_total", METRIC_COUNTER,
                 "Slow comparisons of secrets with what was imported from acme-dns.");
    metrics_sample_u64(out, "riposte_secret_checks_total", "result=\"right\"",
                       atomic_load_explicit(&c->checks.done[1], memory_order_relaxed));
    metrics_sample_u64(out, "riposte_secret_checks_total", "result=\"wrong\"",
                       atomic_load_explicit(&c->checks.done[0], memory_order_relaxed));
}

static size_t queue_length(struct committer *c)
{
    size_t n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->queue.n + c->n_running + c->checks.n;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

static void collect(void *self, struct text *out)
{
    struct committer *c = self;
    struct committer_shared s = shared_copy(c);
    const struct gauge queue = {"riposte_queue_length", "Requests that wait for the committer or are under way.",
                                queue_length(c)};

    metrics_histogram_put(out, "riposte_commit_seconds", "How long commits take.", &c->commit_us, 1000000);
    metrics_histogram_put(out, "riposte_commit_batch_size", "Requests that one commit answers.", &c->batch_size, 1);
    metrics_histogram_put(
        out, "riposte_fold_seconds",
        "How long it takes to bring the store's tables up to its journal, after some hundred changes.", &c->fold_us,
        1000000);
    metrics_histogram_put(out, "riposte_checkpoint_seconds",
                          "How long checkpoints of the store's log take, beside the commits.", &c->checkpoint_us,
                          1000000);
    metrics_head(out, "riposte_checkpoint_failures_total", METRIC_COUNTER,
                 "Checkpoints that failed: the store's log grows until one works.");
    metrics_sample_u64(out, "riposte_checkpoint_failures_total", "",
                       atomic_load_explicit(&c->checkpoints_failed, memory_order_relaxed));
    put_gauges(out, &queue, 1);
    put_changes(c, out);
    put_checks(c, out);
    metrics_head(
        out, "riposte_values_evicted_young_total", METRIC_COUNTER,
        "Values evicted while younger than values.grace: certificates may fail; raise values.max-response.");
    metrics_sample_u64(out, "riposte_values_evicted_young_total", "",
                       atomic_load_explicit(&c->evicted_young, memory_order_relaxed));
    put_state(&s, out);
    put_store(c, out);
}

struct metrics_source committer_metrics(struct committer *c)
{
    return (struct metrics_source){.collect = collect, .self = c};
}
