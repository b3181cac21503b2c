/* db/restore.h -- putting a backup in the place of the store.
 *
 * The new store is made beside the present one, verified, flushed, and then takes its name in one step; the present
 * one is kept. Until that step nothing has changed. It has a new store id, and its journal begins with an entry
 * that says what was done; positions and serials go on from those of the present store. One thread; blocks for the
 * disk.
 */
#ifndef DB_RESTORE_H
#define DB_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/seal.h"
#include "base/text.h"
#include "core/restore.h"

enum restore_mode {
    RESTORE_LOOK,    /* only compare; the store may be served meanwhile */
    RESTORE_ASK,     /* restore if nothing would be lost or revived, as far as can be known */
    RESTORE_KEEP,    /* what was taken away since the backup stays away */
    RESTORE_EXACTLY, /* as it was */
};

struct restore_options {
    const char *store_path;
    const char *backup_path; /* for messages */
    int backup_fd;           /* open for reading: it may be readable for others than who owns the store */
    enum restore_mode mode;
    const struct clock *clock;
    const struct seal_key *seal; /* NULL: there is none */
    restore_visit *visit;        /* what would be lost or revived */
    void *visit_arg;
};

enum restore_present { RESTORE_PRESENT_MISSING, RESTORE_PRESENT_UNREADABLE, RESTORE_PRESENT_READ };

struct restore_report {
    enum restore_present present;
    struct text present_why; /* UNREADABLE: why; init and fini by the caller */
    uint64_t backup_seq, present_seq, next_seq;
    int64_t backup_s, present_s;
    bool needs_choice;         /* RESTORE_ASK: there are findings, so nothing was done */
    bool restored;             /* the rest is only then of use */
    size_t names, credentials; /* in the restored store, live */
    size_t unreadable_keys;    /* TSIG keys that were sealed with another key */
    struct text kept; /* where the store of before is, "" when there was none; init and fini by the caller */
};

/* Restore, or look. On error *why is for people, and the store is as it was. ERR_BUSY: it is served; ERR_CORRUPT,
 * ERR_VERSION, ERR_IO, ERR_FULL, ERR_MEMORY; ERR_RANGE: the backup is the store itself; ERR_STALE: RESTORE_KEEP or
 * _ASK, and the present store cannot be read; ERR_UNKNOWN: the new store is there, but the directory could not be
 * flushed.
 */
MUST_USE enum err store_restore(const struct restore_options *o, struct restore_report *out, struct text *why);

#endif
