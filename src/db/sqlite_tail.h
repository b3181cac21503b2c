/* db/sqlite_tail.h -- what the journal has and the tables may not have yet: of all that waits behind meta.seq the
 * last change of each row, to be laid over what is read from the tables. It does not matter which of these changes
 * a row has already: the last one says all of what it is about, and comes last here too. Inside src/db only. */
#ifndef DB_SQLITE_TAIL_H
#define DB_SQLITE_TAIL_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "core/effect.h"
#include "core/state.h"
#include "db/sqlite_waiting.h"

struct tail_change {
    enum waiting_sort sort;
    uint32_t id, slot;
    uint32_t serial;                  /* of a zone or an alias */
    const struct effect_claim *claim; /* of a name's claims the one in the slot; NULL: it has ended */
    size_t place;                     /* among all that were read */
};

/* As large as the largest until now; who has it frees the claims. */
struct claim_list {
    struct effect_claim *claims;
    size_t n, cap;
};

struct tail {
    struct tail_change *changes; /* by sort, id and slot */
    size_t n, cap;
    size_t at;                       /* tail_lay_over() has come so far */
    uint32_t last_id[WAITING_SORTS]; /* of a zone, alias or name that there is */
    struct arena arena;              /* of the claims */
};

/* Read it; waiting (NULL: nobody folds) is to have what it says. In the transaction that the tables are read in.
 * tail_fini() is due also after an error: as of journal_row(), ERR_MEMORY. */
MUST_USE enum err tail_read(struct tail *t, sqlite3 *db, struct waiting *waiting);
/* The claims of a name: what its row holds, which is put in the order of slots, with its changes laid over it. They
 * point into held and the tail. Names are asked for in the order of their ids. ERR_MEMORY. */
MUST_USE enum err tail_lay_over(struct tail *t, uint32_t name, struct entry *held, struct claim_list *out);
/* Fold the serials. Aliases that have ended need none. Errors as of state_fold(). */
MUST_USE enum err tail_fold_serials(const struct tail *t, struct state *s, uint64_t seq);
void tail_fini(struct tail *t);

#endif
