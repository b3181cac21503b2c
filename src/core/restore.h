/* core/restore.h -- going back to a backup without bringing back what was taken away since: what two states differ
 * in, and the effects that make one follow the other. Pure logic, by whoever owns both states.
 *
 * "Present" is the state that is to be replaced; decide.state is that of the backup, and becomes the restored one.
 * The two may be of stores that have nothing to do with each other, so ids mean nothing: names are the same when
 * their owner is, credentials when their UUID is, tokens when their hash is, secrets of a credential when their
 * data are, accounts when name and creation are. */
#ifndef CORE_RESTORE_H
#define CORE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/decide.h"

/* ---- looking ---- */

enum restore_fate {
    RESTORE_LOST,    /* is at present, and would be no more */
    RESTORE_REVIVED, /* was taken away since the backup, and would be back */
};
enum restore_kind {
    RESTORE_ACCOUNT,    /* revived: it was deleted or disabled */
    RESTORE_NAME,       /* revived: it was retired */
    RESTORE_CREDENTIAL, /* revived: it was revoked */
    RESTORE_SECRET,     /* of a credential that is in both; revived: it had ended, or ends later again */
    RESTORE_TOKEN,      /* revived: it was revoked, or used */
    RESTORE_ALIAS,      /* revived: it was ended, or stands for another name by now */
    RESTORE_PINNED,     /* a pinned value of a name that is in both */
    RESTORE_RIGHTS,     /* revived: of a credential that is in both, which may do less by now, or for less; or of a
                         * name, which counted for those below it */
    RESTORE_KINDS,
};

#define RESTORE_WHAT_MAX 320

struct restore_finding {
    enum restore_fate fate;
    enum restore_kind kind;
    char what[RESTORE_WHAT_MAX]; /* printable: "web1 (4f1d09aa)", "shop.auth.example.org", "team" */
};

typedef void restore_visit(void *arg, const struct restore_finding *f);

/* Visit all that restoring the backup exactly would lose or revive. ERR_MEMORY is not possible. */
void restore_compare(const struct state *present, const struct state *backup, restore_visit *visit, void *arg);
/* The TSIG keys of live credentials that seal does not open; NULL: none is opened. */
size_t restore_unreadable_keys(const struct state *s, const struct seal_key *seal);

/* ---- restoring ----
 *
 * Entries are begun with import_entry_begin() at decide.seq. The first one is: mark, zones. Then come as many as it
 * takes until keep is done. Serials go into the last one. Errors as those of decide(). */

/* Say that here a backup was restored, whose journal ended so. */
MUST_USE enum err restore_mark(struct decide *d, struct entry *e, const struct effect_restored *mark);
/* Zones that only the present state has, so that their serials go on. Effects point into present. */
MUST_USE enum err restore_zones(struct decide *d, const struct state *present, struct entry *e);

/* How far keeping has got. Zeroed: at its beginning. */
struct restore_keeping {
    unsigned phase;
    uint32_t id;    /* the last one that was looked at in it */
    uint32_t last;  /* of the phase, as it was when that began */
    bool has_begun; /* the phase */
    bool is_done;
};

/* Make what was taken away stay away: revoked credentials, tokens, ended secrets (and the newer ones of the same
 * credential, which its holder has by now), deleted and disabled accounts, retired names, ended aliases, removed
 * pinned values, and what was taken from a credential's rights: actions, kinds, names, networks, time.
 * Names that only the present state has become tombstones, because CNAMEs may point at them. Stops behind the row
 * with which e has `most` effects or more: go on with another entry until k->is_done. */
MUST_USE enum err restore_keep(struct restore_keeping *k, struct decide *d, const struct state *present,
                               size_t most, struct entry *e);

/* One step of every zone's serial, from where it is or, when that is ahead, from where it is at present (NULL:
 * nobody knows). Into the last entry. */
MUST_USE enum err restore_serials(struct decide *d, const struct state *present, struct entry *last);

#endif
