/* core/refusals.h -- the last refusals, for `riposte refusals`; in memory only. Fixed records in a ring.
 *
 * Any thread may write and read: a writer takes a place with one atomic step and marks it while writing, a reader
 * skips a place that changes under its eyes. No lock, no allocation. Recording also counts (per reason and door)
 * and logs. */
#ifndef CORE_REFUSALS_H
#define CORE_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "core/change.h"

#define REFUSALS_MAX 4096

struct refusal_record {
    int64_t time_us;
    enum door door;
    enum refusal reason;
    struct addr client;
    uint32_t account, credential; /* 0: not known */
    char request_id[REQUEST_ID_LEN + 1];
    char who[40];  /* label, or the id that was offered; printable, may be cut */
    char name[64]; /* the name or label asked for; may be cut */
    char detail[256];
};

struct refusals;

MUST_USE enum err refusals_new(struct refusals **out);
void refusals_free(struct refusals *rs);
/* Keep, count and log (info level, at most some lines a second; the ring has all). Bytes of who, name and detail
 * that are not printable ASCII are replaced by '?'. */
void refusals_add(struct refusals *rs, const struct refusal_record *r);
/* Copy up to cap records, newest first, not older than since_us. */
size_t refusals_read(const struct refusals *rs, int64_t since_us, struct refusal_record *out, size_t cap);
struct metrics_source refusals_metrics(struct refusals *rs); /* riposte_refusals_total{reason,door} */

#endif
