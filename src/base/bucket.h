/* base/bucket.h -- token buckets, alone and in a bounded table by client prefix. One owner thread. */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/quantity.h"

/* `rate` in the long run, `burst` at once. Starts full. */
struct bucket {
    int64_t level_milli; /* thousandths of a token */
    int64_t last_mono_ms;
    uint32_t rest; /* of the last refill, below one thousandth: in parts of rate.per_s */
};

void bucket_init(struct bucket *b, uint32_t burst, int64_t mono_ms);
/* Take one token; false when there is none, and *retry_s (may be NULL) is then the whole seconds until there is
 * one. A rate of 0 never refuses. */
bool bucket_take(struct bucket *b, struct rate rate, uint32_t burst, int64_t mono_ms, uint32_t *retry_s);

/* Buckets by address prefix, at most cap of them; when full, the one that was used longest ago is given up. */
struct bucket_table;
MUST_USE enum err bucket_table_new(struct bucket_table **out, size_t cap);
void bucket_table_free(struct bucket_table *t);
bool bucket_table_take(struct bucket_table *t, const struct addr *prefix, struct rate rate, uint32_t burst,
                       int64_t mono_ms, uint32_t *retry_s);

#endif
