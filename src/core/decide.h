/* core/decide.h -- authorize a request and compute its effects. Pure logic on the state; committer's thread. */
#ifndef CORE_DECIDE_H
#define CORE_DECIDE_H

#include "base/attr.h"
#include "base/bucket.h"
#include "base/err.h"
#include "base/log.h"
#include "base/seal.h"
#include "core/change.h"
#include "core/settings.h"
#include "core/state.h"

/* Everything that a decision depends on besides the request. */
struct decide {
    struct state *state;
    const struct settings *settings;
    int64_t now_s;                      /* the clock's word: goes back when the clock was wrong */
    int64_t journal_s;                  /* of the entry: never goes back */
    int64_t mono_ms;                    /* for rates */
    uint64_t seq;                       /* position that the entry will get */
    uint64_t old_before;                /* claims of a smaller order are older than values.grace */
    bool no_space;                      /* free space is below the limit: no registrations, no new names */
    struct bucket_table *registrations; /* by client prefix */
    struct bucket_table *failures;      /* failing authentications by client prefix */
    MUST_USE enum err (*random)(void *out, size_t len);
    const struct seal_key *seal;    /* seals TSIG keys; NULL: none can be made */
    struct log_limit *eviction_log; /* of the warnings about young values; NULL: all of them */
    /* Set by decide(): nothing was decided, because the caller's secret has first to be compared with this hash,
     * which takes long. Whoever decides does that, puts what came out into the request's proof, and decides again.
     * Valid until the next decision; NULL: it was decided. */
    const struct secret *check;
    struct secret slow; /* what check points at; its data are of the state */
};

/* Authorize r, check its conditions, and on success append its effects to e and fold them into the state (all of
 * them). *res says what happened; e->n_effects 0 with OUTCOME_DONE: nothing to change. A refusal changes nothing,
 * with one exception: a secret that was proved the slow way is replaced by its fast hash whatever comes of the
 * request. ERR_MEMORY, ERR_CRYPTO, ERR_CORRUPT: the state may be changed in part; it must be loaded anew, the
 * request may be decided again after that. */
MUST_USE enum err decide(struct decide *d, const struct request *r, struct entry *e, struct result *res);

/* Once a batch, after its last decision: one serial step for each zone whose served data changed: max(previous + 1,
 * Unix seconds), at most 2^30 above the previous (RFC 1982). Appended to the last entry of the batch and folded.
 * Sets the serial that results report: state_zone(…)->serial. ERR_MEMORY as above. */
MUST_USE enum err decide_serials(struct decide *d, struct entry *last);

/* The serial after previous: the time where possible, always ahead of previous by RFC 1982, never 0 ("none yet").
 */
uint32_t decide_next_serial(uint32_t previous, int64_t now_s);

#endif
