/* cli/serve.h -- the server's objects and how they are connected. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "api/server.h"
#include "base/err.h"
#include "base/seal.h"
#include "base/text.h"
#include "cli/config.h"
#include "core/keyring.h"
#include "core/refusals.h"
#include "core/table.h"
#include "core/trace.h"
#include "db/committer.h"
#include "dns/server.h"

/* Everything that runs. Made and torn down by serve.c on the main thread; serve_describe.c only looks. */
struct serving {
    const char *config_path;
    struct config *config;   /* in force; changed under reload_lock */
    struct config *previous; /* before the last reload: requests in flight may still look at it */
    struct config *started;  /* at the start, for what only a restart changes: the store, the addresses */
    pthread_mutex_t reload_lock;
    struct table_slot slot;
    struct seal_key seal; /* of the TSIG keys in the store; wiped at the end */
    struct keyring *keys; /* those keys, opened */
    struct refusals *refusals;
    struct trace *trace;
    struct dns_server *dns;
    struct api_server *api;
    struct committer *committer;
    atomic_bool is_stopping;
    atomic_int checks; /* under way, for serve_check() */
    int64_t started_real_s;
    int64_t started_mono_ms;
};

/* serve_reload.c: read the configuration again and apply all of it or nothing; any thread, blocks. *report has the
 * errors, or notes such as which keys need a restart. */
MUST_USE enum err serve_reload(struct serving *s, struct text *report);

/* serve_check.c: the check of a domain for POST /v1/checks, as api/server.h says; any thread, blocks. */
MUST_USE enum err serve_check(struct serving *s, const struct api_check *what, struct text *json);

/* serve_describe.c: what /v1/server and /metrics show; any thread. */
MUST_USE enum err serve_describe(struct serving *s, struct text *json);
void serve_metrics(struct serving *s, struct text *out);

#endif
