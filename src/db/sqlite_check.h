/* db/sqlite_check.h -- the parts that looking a store through is made of. Inside src/db only. */
#ifndef DB_SQLITE_CHECK_H
#define DB_SQLITE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/sqlite_store.h"

/* What one part of the looking found. */
struct findings {
    struct text *report;
    unsigned n;
};

bool check_find(struct findings *f); /* whether one more is to be said */
/* The encoding of the effect that adds c; free *bytes. ERR_MEMORY. */
MUST_USE enum err check_encode_claim(const struct effect_claim *c, uint8_t **bytes, size_t *len);
/* Compare a state with the zones, aliases and claims of a database that the journal was replayed into; its claims
 * are the table `replayed` (name, slot, made: as of check_encode_claim()). */
MUST_USE enum err check_state(const struct state *s, sqlite3 *replayed, struct findings *f);

#endif
