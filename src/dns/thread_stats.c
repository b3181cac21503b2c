#include "dns/thread_stats.h"

uint64_t thread_stats_questions(const struct thread_stats *st)
{
    uint64_t sum = 0;

    for (size_t transport = QUERY_UDP; transport <= QUERY_TCP; transport++)
        for (size_t type = 0; type < COUNT_TYPES; type++)
            sum += dns_counted(&st->counters.by_type[transport][type]);
    return sum;
}

void thread_stats_note_source(struct thread_stats *st, const struct sockaddr *from)
{
    struct addr source;

    if (st->seen == SOURCE_SEVERAL)
        return;
    addr_from_sockaddr(&source, NULL, from);
    if (st->seen == SOURCE_NONE) {
        st->first_source = source;
        __atomic_store_n(&st->seen, SOURCE_ONE, __ATOMIC_RELEASE);
    } else if (!addr_equal(&source, &st->first_source)) {
        __atomic_store_n(&st->seen, SOURCE_SEVERAL, __ATOMIC_RELEASE);
    }
}

enum source_seen thread_stats_sources(const struct thread_stats *st, struct addr *first)
{
    enum source_seen seen = __atomic_load_n(&st->seen, __ATOMIC_ACQUIRE);

    if (seen != SOURCE_NONE)
        *first = st->first_source;
    return seen;
}
