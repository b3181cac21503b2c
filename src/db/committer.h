/* db/committer.h -- the one thread that changes anything. It takes whatever is queued, decides each request on the
 * state plus this batch, makes the batch durable in one transaction, publishes it to the DNS threads, and then
 * answers.
 *
 * A lone change never waits; after a batch of several the next one waits until as many have come back, at most for
 * as long as the sync took more than the rest of the batch, so that clients do not split into two cohorts. After an
 * error of the store it loads what is there, publishes that, and only then goes on. */
#ifndef DB_COMMITTER_H
#define DB_COMMITTER_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/seal.h"
#include "core/change_sink.h"
#include "core/keyring.h"
#include "core/refusals.h"
#include "core/settings.h"
#include "core/table.h"
#include "db/store.h"

struct committer;

struct committer_options {
    /* How to open the store, at start and after an error. Gives the store. */
    MUST_USE enum err (*open)(void *arg, struct store **out, struct text *why);
    void *open_arg;
    const char *path; /* of the store, for sink_status; kept until committer_stop() */
    const struct clock *clock;
    struct table_slot *slot;     /* where DNS threads look; set at the end of the load */
    const struct seal_key *seal; /* of TSIG keys; NULL: none can be made or opened */
    struct keyring *keys;        /* where DNS threads find them opened; NULL: nobody looks */
    struct refusals *refusals;   /* decided refusals are kept there */
    int64_t commit_timeout_ms;   /* api.commit-timeout */
    int64_t journal_keep_s;      /* store.journal; 0: for ever */
};

/* Open and load the store (with progress in the log when it is long), bring the stored zones in line with settings
 * as one change, publish the table, start the threads. settings are kept until replaced by REQUEST_CONFIGURE. On
 * error *why is for people, and nothing runs. */
MUST_USE enum err committer_start(struct committer **out, const struct committer_options *o,
                                  const struct settings *settings, struct text *why);
struct change_sink committer_sink(struct committer *c);
struct metrics_source committer_metrics(struct committer *c);
/* New values for what may change on reload. Any thread. */
void committer_retune(struct committer *c, int64_t commit_timeout_ms, int64_t journal_keep_s);
/* Refuse new requests (ERR_CLOSED), finish what is queued, answer it, close the store, free. Before it: DNS threads
 * have stopped reading the table, which is freed too, and no journal() or backup() of the sink is under way. After
 * it nothing of c may be used. */
void committer_stop(struct committer *c);

#endif
