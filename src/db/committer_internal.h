/* db/committer_internal.h -- the inside of the committer; for committer*.c only.
 *
 * Four threads. The committer's own decides, commits, publishes and answers. The watchdog answers in its place
 * when a deadline passes while the committer hangs in the disk. The keeper does what may wait for the disk and
 * concerns nobody's change: checkpoints, and looking at the free space. The checker computes slow hashes of
 * secrets.
 *
 * Locks: `lock` guards the queue and what is under way, `shared_lock` what other threads may look at, `store_lock`
 * which store others may use. None is held while another is taken, nor over a callback, a system call on a file or
 * a log line. */
#ifndef DB_COMMITTER_INTERNAL_H
#define DB_COMMITTER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "base/siphash.h"
#include "core/decide.h"
#include "db/committer.h"

#define QUEUE_MAX 65536
#define BATCH_MAX 512
#define OWN_MAX   2 /* more entries in a batch: expiry, pruning */
#define NEVER_MS  INT64_MAX
#define MS_PER_S  1000
#define US_PER_MS 1000

/* ---- requests under way (committer_queue.c) ---- */

enum item_state { ITEM_QUEUED, ITEM_RUNNING, ITEM_CHECKING, ITEM_ANSWERED };

struct item {
    struct item *next;
    struct request *request;
    change_done *done; /* NULL: nobody waits (the program's own) */
    void *arg;
    int64_t deadline_ms;   /* by the monotonic clock; NEVER_MS: none */
    enum item_state state; /* guarded by lock */
    unsigned failures;     /* decisions that ended in an error of ours */
    unsigned suspect;      /* ITEM_CHECKING: place of its client and credential in checks.failures */
};

struct inspection {
    struct inspection *next;
    void (*look)(void *arg, const struct state *state);
    void *arg;
};

struct queue { /* guarded by lock */
    struct item *first, *last;
    size_t n;
    struct inspection *first_look, *last_look;
    size_t n_looks;
    bool closing;
    size_t awaited; /* the committer sleeps until so many are queued, or something else comes; 0: it does not */
};

struct committer;

void item_free(struct item *it); /* with its request; NULL is fine */
MUST_USE enum err queue_submit(struct committer *c, struct request *r, change_done *done, void *arg);
MUST_USE enum err queue_inspect(struct committer *c, void (*look)(void *arg, const struct state *state), void *arg);
/* Move up to most queued items into c->running, in order; one that configures is the last. */
void queue_take(struct committer *c, size_t most);
/* Put what is running back to where it came from; what the watchdog has answered is freed. */
void queue_put_back(struct committer *c);
/* Nothing is running any more, so that the watchdog keeps away: the first n items of c->running are the caller's,
 * who answers those for which answer_it[i] says so, and frees them all. Returns n. */
size_t queue_end_running(struct committer *c, bool answer_it[BATCH_MAX]);

/* Queue again, at the end, one that was parked: there is always room for it. Holding lock. */
void queue_return(struct committer *c, struct item *it);

/* ---- slow checks of secrets (committer_check.c) ---- */

#define PARKED_MAX 1024
#define SUSPECTS   1024

struct checks {                /* guarded by lock, but for done */
    struct item *first, *last; /* parked, in the order in which they came */
    size_t n;
    pthread_cond_t wake;
    struct siphash_key key;
    uint16_t failures[SUSPECTS]; /* lately, by client network and credential; who shares a place shares the count */
    int64_t suspects_ms;         /* who has failures is not checked before */
    int64_t forget_ms;
    _Atomic uint64_t done[2]; /* wrong, right */
};

MUST_USE enum err checks_init(struct committer *c);
/* Park the item at place i of c->running, which closes the gap: its secret is to be compared with `check`. False:
 * it stays where it is, because the committer is stopping or the watchdog has answered it. Committer's thread. */
bool checks_park(struct committer *c, size_t i, const struct secret *check);
/* At the end: nothing is parked any more, nor will be. Committer's thread. */
void checks_answer_all_unavailable(struct committer *c);
void *checker_main(void *arg);

/* ---- time (committer_time.c), committer's thread ---- */

#define MARKS_MAX       256
#define EXPIRY_PAUSE_MS ((int64_t)3600 * MS_PER_S) /* after a jump of the clock */

/* At mono_ms the journal ended with seq. */
struct age_mark {
    int64_t mono_ms;
    uint64_t seq;
};

/* How long ago a position of the journal was: some hundred marks for a grace, oldest first. */
struct ages {
    struct age_mark marks[MARKS_MAX];
    size_t n;
    struct age_mark last; /* of the last commit */
};

struct instant {
    int64_t mono_ms;
    int64_t real_s;    /* the clock's word; goes back only when it was wrong by more than a day */
    int64_t journal_s; /* never goes back */
};

struct time_keeper {
    bool known;
    int64_t offset_us;       /* of the real clock to the monotonic one, when last looked at */
    int64_t expiry_pause_ms; /* nothing expires before */
};

struct instant time_look(struct committer *c);
/* How long the next batch may wait for those whom this one answered: of n changes, done in batch_us, of which its
 * sync took sync_us. */
int64_t gather_us(size_t n, int64_t batch_us, int64_t sync_us);
/* From when on the next portion of so many changes is to be folded, the last batch having begun at changed_ms.
 * NEVER_MS: there is none. */
int64_t fold_due_ms(uint64_t unfolded, int64_t changed_ms);
/* Begin with what the claims of the state say about the age of positions. */
void ages_seed(struct ages *a, const struct state *s, struct instant now, int64_t grace_s);
/* The journal ends with seq now. */
void ages_note(struct ages *a, int64_t mono_ms, uint64_t seq);
/* Claims of a smaller order are older than grace_s. Takes a mark when one is due. */
uint64_t ages_old_before(struct ages *a, int64_t mono_ms, int64_t grace_s);

/* ---- the store as others may use it (committer_recover.c) ---- */

/* Shut by the committer, closed by who leaves last. */
struct store_ref {
    struct store *store;
    unsigned users; /* guarded by store_lock */
    bool given_up;
};

struct store_ref *store_acquire(struct committer *c);           /* NULL: there is none at the moment */
void store_release(struct committer *c, struct store_ref *ref); /* NULL is fine */

/* ---- the committer ---- */

struct committer_shared { /* guarded by shared_lock */
    bool ready, store_ok;
    char problem[160];
    struct state_counts counts;
    struct table_counts table;
    uint64_t seq;
};

/* What a request is about, for the watchdog, which must not touch it: the committer may be reading or freeing it.
 */
struct overdue {
    change_done *done;
    void *arg;
    struct caller caller;
    enum request_kind kind;
    enum item_state state;
};

struct committer {
    struct committer_options o;
    pthread_t thread, watchdog, keeper, checker;
    unsigned n_threads; /* started: in this order */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue queue;
    struct checks checks;
    struct item *running[BATCH_MAX]; /* changed by the committer under lock */
    size_t n_running;
    pthread_cond_t watchdog_wake;
    int64_t watchdog_at_ms;
    bool watchdog_stop;
    pthread_cond_t keeper_wake;
    bool keeper_stop, checkpoint_due;

    pthread_mutex_t store_lock;
    struct store_ref *ref;

    pthread_mutex_t shared_lock;
    struct committer_shared shared;
    _Atomic int64_t commit_timeout_ms, journal_keep_s;
    _Atomic int64_t backup_s, stored_backup_s; /* of the last backup: made, and as the store has it */
    _Atomic uint64_t free_space_min, free_octets, store_octets;
    _Atomic bool no_space;
    _Atomic uint64_t evicted_young;
    _Atomic uint64_t changes[DOOR_COUNT][REQUEST_KINDS][OUTCOME_UNKNOWN + 1];
    struct metrics_histogram commit_us, batch_size, fold_us; /* the committer's thread adds */
    struct metrics_histogram checkpoint_us;                  /* the keeper's */
    _Atomic uint64_t checkpoints_failed, log_octets, unfolded;

    /* The rest is the committer's thread's alone. */
    struct store *store; /* of ref; NULL: not open */
    struct state *state;
    uint64_t stored_seq; /* where the journal ends in the store; the state may be ahead */
    struct table *table;
    const struct settings *settings;
    struct bucket_table *registrations, *failures;
    struct log_limit eviction_log;
    struct time_keeper time;
    struct ages ages;
    struct entry entries[BATCH_MAX + OWN_MAX];
    const struct entry *effective[BATCH_MAX + OWN_MAX]; /* those with effects */
    size_t n_effective;
    struct result results[BATCH_MAX + OWN_MAX];
    struct request *expire;  /* the program's own, used again and again */
    struct request *prune;   /* likewise */
    size_t batch_max;        /* 1 after a decision failed, to find out whose it was */
    int64_t began_us;        /* the batch at hand */
    int64_t gather_until_us; /* the next batch may wait so long for others; 0: it does not */
    size_t gather_n;         /* as many in the queue: all that the last batch answered are back */
    /* Observations that the store does not have. */
    uint32_t *observed;
    size_t n_observed, cap_observed;
    int64_t observed_next_ms;
    int64_t prune_next_ms;
    int64_t changed_ms; /* when the last batch began */
    int64_t names_prune_next_ms;
    size_t names_pruned; /* by the batch at hand */
    /* When the store is not well. */
    bool is_well, state_is_clean, is_unknown /* what is running waits for its answer */;
    int64_t retry_ms, backoff_ms;
};

/* Holding lock. NEVER_MS: no end. */
void committer_wait(struct committer *c, pthread_cond_t *cond, int64_t ms);
struct item *committer_own_item(enum request_kind kind); /* NULL: out of memory */

/* ---- batches (committer_batch.c) ---- */

/* Decide, commit, publish and answer what is running, and what has expired, and names that nobody ever used. */
void batch_run(struct committer *c, struct instant now);
bool expiry_is_due(const struct committer *c, struct instant now);
bool pruning_is_due(const struct committer *c, struct instant now);
/* Write what was observed, and only that. */
void batch_write_observations(struct committer *c);

/* ---- answers (committer_answer.c) ---- */

/* Answer all that is running with c->results, record refusals, free the items; nothing is running then. */
void answer_running(struct committer *c);
void answer_unknown(struct result *res);
void answer_unavailable(struct result *res, const char *detail);
/* One that was parked gave way to others, or is not checked any more because the program ends. Frees it. */
void answer_displaced(struct committer *c, struct item *it);
void answer_unchecked(struct committer *c, struct item *it);
/* The same for one that the watchdog has taken away. */
void answer_overdue(struct committer *c, const struct overdue *o);
void answer_all_queued_unavailable(struct committer *c);

/* ---- loading and recovering (committer_recover.c) ---- */

/* Open and load the store. */
MUST_USE enum err load_all(struct committer *c, struct text *why);
/* Publish the TSIG keys of the state; when some cannot be opened, that is said and they are not there. */
MUST_USE enum err publish_keys(struct committer *c);
/* Something failed before COMMIT (what is running is queued again), or in it (it waits for its answer). */
void store_failed(struct committer *c, enum err e, const char *doing);
/* Try to be well again, when it is time. */
void store_recover(struct committer *c, int64_t mono_ms);
void store_give_up(struct committer *c); /* shut it; closed when the last other user has left */

/* ---- the other threads (committer_watch.c) and what they show (committer_metrics.c) ---- */

void *watchdog_main(void *arg);
void *keeper_main(void *arg);
void keeper_look_at_space(struct committer *c);
void shared_update(struct committer *c);
void shared_problem(struct committer *c, const char *problem); /* NULL: well */
void committer_status(void *self, struct sink_status *out);
void metrics_init(struct committer *c);

#endif
