/* db/sqlite_waiting.h -- the rows whose newest state only the journal has, in the order of the first change that
 * each of them waits with: what is to be folded, and in which order. Inside src/db only; one owner thread. */
#ifndef DB_SQLITE_WAITING_H
#define DB_SQLITE_WAITING_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/effect.h"

enum waiting_sort { WAITING_ZONE_SERIAL, WAITING_ALIAS_SERIAL, WAITING_CLAIMS /* of a name */, WAITING_SORTS };

struct waiting_row {
    enum waiting_sort sort;
    uint32_t id;     /* of the zone, alias or name */
    uint64_t seq;    /* of the first change that is not folded */
    uint64_t before; /* so many changes were counted before it */
};

struct waiting {
    struct waiting_row *rows; /* a ring */
    size_t first, n, cap;
    uint8_t *marks[WAITING_SORTS]; /* a bit for each id: it is among the rows */
    size_t n_marks[WAITING_SORTS]; /* octets */
    uint64_t counted, folded;      /* changes */
};

/* What a change of the kind waits with. WAITING_SORTS: it does not wait, but is written with its entry. */
enum waiting_sort waiting_sort_of(const struct effect *f);
/* Room for the changes of n entries. ERR_MEMORY. */
MUST_USE enum err waiting_reserve(struct waiting *w, const struct entry *const *entries, size_t n);
/* Note the changes of an entry at position seq, for which there is room. */
void waiting_note(struct waiting *w, const struct entry *e, uint64_t seq);
/* i is below w->n. */
const struct waiting_row *waiting_at(const struct waiting *w, size_t i);
/* The first n rows have been folded. */
void waiting_drop(struct waiting *w, size_t n);
uint64_t waiting_changes(const struct waiting *w); /* in the journal from the first waiting row's on */
void waiting_fini(struct waiting *w);

#endif
