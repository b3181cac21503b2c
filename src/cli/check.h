/* cli/check.h -- `riposte check zone` and `check domain`, and the same for POST /v1/checks: what would go wrong
 * when an authority validates, found before it is asked.
 *
 * The engine asks the authoritative servers, all of them, as the many perspectives of an authority do, and puts
 * what it sees into findings. It blocks for as long as check.lookup.deadline_ms allows. One thread for one check.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/authority.h"
#include "cli/findings.h"
#include "cli/lookup.h"
#include "core/domain.h"
#include "core/settings.h"

/* ---- what is meant to be served here ---- */

#define CHECK_ADDRESSES_MAX 16

struct check_own_server {
    struct name name;
    bool is_inside; /* of the zone: the parent has to give its addresses */
    size_t n_addrs;
    struct addr addrs[CHECK_ADDRESSES_MAX]; /* of one that is inside */
};

struct check_own_zone {
    struct name apex;
    size_t n_servers;
    struct check_own_server servers[LOOKUP_NAMES_MAX];
};

struct check_here {
    bool is_known; /* false: no configuration, so what is served here cannot be told */
    size_t n_zones;
    struct check_own_zone *zones;
};

/* Copies what it needs. ERR_MEMORY. */
MUST_USE enum err check_here_init(struct check_here *h, const struct settings *settings);
void check_here_fini(struct check_here *h);
/* The zone that the name lies in; NULL: none. */
const struct check_own_zone *check_here_zone(const struct check_here *h, const struct name *name);

/* ---- what the server says of its state ---- */

enum check_knowledge {
    CHECK_UNKNOWN, /* nobody could be asked, or may not say */
    CHECK_MISSING, /* there is no such name */
    CHECK_FOUND,
};

#define CHECK_BY_MAX      80
#define CHECK_ALIASES_MAX 16

struct check_fact {
    enum check_knowledge knowledge;
    struct name name; /* the challenge name */
    size_t n_values;  /* live, distinct */
    int64_t newest_s; /* Unix seconds; 0: no value */
    char newest_by[CHECK_BY_MAX];
    bool is_traced;     /* questions is known */
    uint64_t questions; /* for TXT, from others than this machine, since the newest value came */
    size_t n_aliases;
    struct name aliases[CHECK_ALIASES_MAX];
};

/* Where facts come from; every function may be NULL. */
struct check_source {
    /* what: a domain, or a challenge name in full. */
    void (*look)(void *self, const char *what, struct check_fact *out);
    /* The serial of a zone as it is served on this machine now. False: not known. */
    bool (*serial)(void *self, const struct name *apex, uint32_t *out);
    void *self;
};

/* ---- a check ---- */

#define CHECK_ZONES_CACHED 32
#define CHECK_TOLD_MAX     64

struct check {
    struct lookup lookup;
    bool has_resolvers; /* given ones, not the system's: they look from elsewhere */
    const struct check_here *here;
    struct check_source source;
    struct authority_names ca;
    bool is_discreet; /* for others than administrators: ask public addresses and our own only, so that nobody can
                       * look into the networks that this machine is in */
    struct findings *findings;
    void (*progress)(void *arg, const char *what); /* NULL: nobody looks */
    void *progress_arg;
    /* ---- the engine's own ---- */
    struct check_cached *cached; /* servers of zones, CHECK_ZONES_CACHED of them */
    size_t n_cached;
    struct check_told { /* whose silence has been reported */
        struct addr addr;
        uint8_t way;
    } told[CHECK_TOLD_MAX];
    size_t n_told;
    struct addr unreachable[CHECK_TOLD_MAX]; /* from this machine */
    size_t n_unreachable;
};

/* resolvers: n of them (0: the system's). here and findings are kept. ERR_MEMORY. ERR_NOT_FOUND: this machine has
 * no resolver. */
MUST_USE enum err check_init(struct check *c, const struct lookup_server *resolvers, size_t n,
                             const struct check_here *here, struct findings *findings);
void check_fini(struct check *c);
/* Forget what was seen (not what was set), for another round. */
void check_again(struct check *c);

/* One zone of this server: its delegation, and its servers as the world sees them. */
void check_zone(struct check *c, const struct check_own_zone *zone);

enum check_wildcard { CHECK_PLAIN, CHECK_WILDCARD };
/* Could a certificate for the domain (normalised; CHECK_WILDCARD: for *.domain) be had? */
void check_domain(struct check *c, const char *domain, enum check_wildcard wildcard);

#endif
