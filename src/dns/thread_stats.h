/* dns/thread_stats.h -- what the server keeps about each of its threads: written by that thread alone, read by any.
 * It lives as long as the server, so that metrics and status may be asked for at any time. */
#ifndef DNS_THREAD_STATS_H
#define DNS_THREAD_STATS_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "dns/counters.h"

enum source_seen { SOURCE_NONE, SOURCE_ONE, SOURCE_SEVERAL };

struct thread_stats {
    struct dns_counters counters;
    struct addr first_source; /* written once, before seen becomes SOURCE_ONE */
    enum source_seen seen;
};

/* Questions answered: the sum of by_type. Any thread. */
uint64_t thread_stats_questions(const struct thread_stats *st);

/* Remember the first source, and whether there was another. Owner thread; once a batch or connection is enough. */
void thread_stats_note_source(struct thread_stats *st, const struct sockaddr *from);
/* What was seen so far; *first is set unless SOURCE_NONE. Any thread. */
enum source_seen thread_stats_sources(const struct thread_stats *st, struct addr *first);

#endif
