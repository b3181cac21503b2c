/* core/settings.h -- what the configuration says about deciding changes, and about the zones. Plain data; const
 * once made. Owned by whoever made it as one piece (config), replaced as a whole on reload. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/quantity.h"
#include "core/rr.h"

enum challenge_caa { CHALLENGE_CAA_NONE, CHALLENGE_CAA_DENY };

/* The static part of one zone. records hold everything but the SOA: NS, CAA, in-zone addresses, static records;
 * sorted and without duplicates; each at or below the apex; checked by the configuration. */
struct zone_spec {
    struct name apex; /* folded */
    struct soa soa;
    const struct record *records;
    size_t n_records;
    enum challenge_caa challenge_caa;
    uint32_t value_ttl_s;
    uint32_t pinned_ttl_s;
};

enum accept_values { ACCEPT_CHALLENGE, ACCEPT_TEXT };

#define VALUE_RESPONSE_RESERVE 512 /* octets of max-response set aside for CNAME and question at the resolver */

struct value_settings {
    int64_t lifetime_s; /* 0: never */
    int64_t grace_s;
    size_t budget; /* octets: max-response less VALUE_RESPONSE_RESERVE */
    enum accept_values accept;
};

enum registration_allow { REGISTRATION_NONE, REGISTRATION_TOKEN, REGISTRATION_NETWORKS, REGISTRATION_ANYONE };

struct registration_settings {
    enum registration_allow allow;
    const struct net *networks;
    size_t n_networks;
    struct rate rate;       /* per /32, /56 */
    int64_t prune_unused_s; /* 0: never */
};

#define REGISTRATION_BURST 60
#define PRUNE_NAMES_MAX    500 /* in one change */
#define CHANGES_BURST      1000

struct limit_settings {
    struct rate changes; /* per account */
    uint32_t names;      /* per account */
    uint32_t names_unclaimed;
    uint64_t free_space; /* octets */
};

struct settings {
    const struct zone_spec *zones; /* at least one; the first is where registration puts names */
    size_t n_zones;
    struct value_settings values;
    struct registration_settings registration;
    struct limit_settings limits;
};

#endif
