#include "dns/tuning.h"

#include <string.h>
#include <urcu-qsbr.h>

static void fill(struct dns_tuning *t, const struct dns_settings *settings)
{
    *t = (struct dns_tuning){
        .udp_size = settings->udp_size,
        .identity_len = strnlen(settings->identity, sizeof settings->identity),
        .tcp_connections = settings->tcp_connections,
        .tcp_idle_ms = settings->tcp_idle_ms,
        .tsig_legacy = settings->tsig_legacy,
    };
    memcpy(t->identity, settings->identity, t->identity_len);
}

void dns_tuning_init(struct dns_tuning_slot *slot, const struct dns_settings *settings)
{
    fill(&slot->places[0], settings);
    slot->current = &slot->places[0];
}

void dns_tuning_replace(struct dns_tuning_slot *slot, const struct dns_settings *settings)
{
    struct dns_tuning *next = slot->current == &slot->places[0] ? &slot->places[1] : &slot->places[0];

    fill(next, settings);
    rcu_assign_pointer(slot->current, next);
    synchronize_rcu();
}

const struct dns_tuning *dns_tuning_read(const struct dns_tuning_slot *slot)
{
    return rcu_dereference(slot->current);
}
