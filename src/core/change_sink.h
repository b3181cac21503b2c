/* core/change_sink.h -- where doors leave their requests, and where they look. src/db provides it, serve connects
 * it. */
#ifndef CORE_CHANGE_SINK_H
#define CORE_CHANGE_SINK_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/change.h"
#include "core/effect.h"

/* What can be said about the store and the committer at any moment; any thread. */
struct sink_status {
    bool ready;              /* loaded and taking changes */
    bool store_ok;           /* the last commit worked */
    char store_problem[160]; /* "" when ok */
    char store_path[256];
    uint64_t store_octets, free_octets;
    bool registration_paused; /* free space is below limits.free-space */
    int64_t last_backup_s;    /* 0: never */
    uint64_t seq;
};

/* Called for journal entries in order; returning false ends the reading. e is valid during the call. */
typedef bool journal_visit(void *arg, const struct entry *e);

struct journal_filter {
    uint64_t after_seq;
    int64_t since_s;
    uint32_t name;          /* 0: all; entries with an effect on this name id */
    uint32_t account;       /* 0: all */
    uint32_t credential;    /* 0: all */
    const char *request_id; /* NULL: all */
    uint64_t max_scan;      /* entries looked at, newest first window; 0: no bound */
    uint64_t max_visits;    /* entries looked at from where it begins; 0: no bound */
    uint64_t *reached; /* the position of the entry looked at last, after_seq when there was none; may be NULL */
};

struct change_sink {
    /* Returns ERR_OK: r is taken, and done(arg, result, state) follows exactly once.
     * result says: done (durable, and every DNS worker answers with it); refused, with the reason (nothing has
     * happened and never will); or unknown (the store failed in the middle: it may be there after the next start; a
     * repeat is harmless). Returns an error (ERR_FULL: queue is full, ERR_CLOSED: shutting down): the caller keeps
     * r and done is never called. Any thread; does not block. */
    MUST_USE enum err (*submit)(void *self, struct request *r, change_done *done, void *arg);
    /* Call look(arg, state) on the committer's thread, soon; state may be read during the call. ERR_FULL,
     * ERR_CLOSED: it will not be called. Any thread; does not block. */
    MUST_USE enum err (*inspect)(void *self, void (*look)(void *arg, const struct state *state), void *arg);
    /* Read the journal from disk, on the caller's thread; may block. ERR_IO, ERR_CORRUPT. */
    MUST_USE enum err (*journal)(void *self, const struct journal_filter *f, journal_visit *visit, void *arg);
    /* Write a verified copy of the store to path (must not exist), on the caller's thread; blocks for long. On
     * error *why has a sentence. entries and names are counts of what was copied. */
    MUST_USE enum err (*backup)(void *self, const char *path, uint64_t *entries, uint64_t *names, struct text *why);
    void (*status)(void *self, struct sink_status *out);
    void *self;
};

#endif
