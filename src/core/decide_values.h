/* core/decide_values.h -- adding values to a name and taking them away, as VALUE_ADD, VALUE_REMOVE and UPDATE share
 * it; for decide_values.c and decide_update.c only. Halves of a decision as in decide_internal.h. */
#ifndef CORE_DECIDE_VALUES_H
#define CORE_DECIDE_VALUES_H

#include "core/decide_internal.h"

/* One value of a request, read. */
struct wanted {
    struct rdata rdata;
    int64_t expires_s;
    bool pinned;
};

struct wanted_values {
    size_t n; /* distinct ones */
    struct wanted *values;
};

/* ---- looking; each may refuse ---- */

/* Read a value that is to be added. */
MUST_USE enum err wanted_read(struct deciding *c, struct wanted *out, const struct value_text *v);
/* Put a value among those that were read, which have room; one that is there already only takes the later wishes.
 */
void wanted_put(struct wanted_values *all, const struct wanted *w);
/* Whether all of them fit beside each other and beside what is pinned, which is never evicted; false: refused. */
bool wanted_fit(struct deciding *c, const struct name_entry *n, const struct wanted_values *all);
/* The RDATA of a value that is to be removed. */
MUST_USE enum err removal_read(struct deciding *c, struct rdata *out, const struct value_text *v);
/* Whether the caller may end a value that is there; false: refused. */
bool value_is_removable(struct deciding *c, const struct value *v, const struct claim_filter *reach);

/* ---- doing ---- */

/* Add one value, or renew the caller's claim on it. place: its number in the request, which is part of its age. */
MUST_USE enum err wanted_add(struct deciding *c, uint32_t name, const struct wanted *w, size_t place);
/* Evict until the name is within its budget; what the request added stays. */
MUST_USE enum err values_evict(struct deciding *c, uint32_t name);

#endif
