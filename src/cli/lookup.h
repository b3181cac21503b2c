/* cli/lookup.h -- a small DNS client, for checks and hooks; never used to answer a query.
 *
 * It asks one server one question and waits, or finds the servers of a zone through a resolver. Octets from the
 * network go through our own bounded reader only. Blocks; one thread for one struct lookup, any number of them. */
#ifndef CLI_LOOKUP_H
#define CLI_LOOKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "core/name.h"
#include "core/rr.h"

#define LOOKUP_PORT          53
#define LOOKUP_RESOLVERS_MAX 8
#define LOOKUP_RECORDS_MAX   2048 /* in one reply; a message with more is malformed to us */
#define LOOKUP_TIMEOUT_MS    3000 /* for one question to one server, repetitions included */
#define LOOKUP_UDP_SIZE      1232 /* announced; also what a resolver of an authority announces */
#define LOOKUP_NAMES_MAX     16   /* name servers of a zone that are looked at */
#define LOOKUP_SERVERS_MAX   32   /* their addresses */

struct lookup_server {
    struct addr addr;
    uint16_t port;
};

/* "192.0.2.1:53" or "[2001:db8::1]:53", without ":53" when that is the port. Returns out. */
#define LOOKUP_SERVER_TEXT_MAX (ADDR_TEXT_MAX + 8)
const char *lookup_server_format(const struct lookup_server *s, char out[LOOKUP_SERVER_TEXT_MAX]);
/* "9.9.9.9", "9.9.9.9:53", "2620:fe::fe", "[2620:fe::fe]:53". ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err lookup_server_parse(struct lookup_server *out, const char *text, size_t len);

/* ---- what is asked, and what came back ---- */

enum lookup_way {
    LOOKUP_AUTO, /* UDP, and TCP when the answer was truncated */
    LOOKUP_UDP,  /* UDP alone: the reply may be truncated */
    LOOKUP_TCP,
};

enum lookup_flag {
    LOOKUP_RD = 1, /* recursion desired: for resolvers */
    LOOKUP_CD = 2, /* checking disabled: a validating resolver gives what does not validate, too */
    LOOKUP_AD = 4, /* "tell me whether it validated", RFC 6840 section 5.7 */
    LOOKUP_DO = 8, /* signatures, please */
};

struct lookup_question {
    struct name name;
    uint16_t type;
    enum lookup_way way;
    unsigned flags; /* enum lookup_flag */
};

enum lookup_result {
    LOOKUP_ANSWERED = 0, /* whatever the RCODE */
    LOOKUP_TIMED_OUT,    /* nothing came */
    LOOKUP_CLOSED,       /* the port is closed, or the connection was closed before the answer */
    LOOKUP_NO_ROUTE,     /* this machine has no way there: no IPv6, for instance. Says nothing about the server */
    LOOKUP_MALFORMED,    /* something came that is no answer to the question */
    LOOKUP_OUT_OF_TIME,  /* the deadline for everything is over, or the stop flag is set: not asked any more */
    LOOKUP_FAILED,       /* no memory, no socket */
};

/* "timed out after 3 s", …; static. */
const char *lookup_result_text(enum lookup_result r);

enum lookup_section { LOOKUP_ANSWER, LOOKUP_AUTHORITY, LOOKUP_ADDITIONAL };

struct lookup_record {
    struct name owner; /* folded: of names that point into the question the case says nothing */
    uint16_t type;
    uint8_t section; /* enum lookup_section */
    uint32_t ttl_s;
    const uint8_t *rdata; /* inside the reply; names in it may be compressed: see target */
    uint16_t rdata_len;
    struct name target; /* folded; of NS, CNAME, DNAME and PTR; MNAME of a SOA; len 0 for other types */
    uint32_t serial;    /* of a SOA */
    uint32_t minimum_s; /* of a SOA */
};

struct lookup_reply {
    uint16_t rcode; /* with the upper bits of EDNS */
    bool aa, tc, ra, ad;
    bool over_tcp;
    bool case_kept; /* the question came back octet for octet (0x20) */
    uint32_t took_ms;
    size_t n;                     /* OPT is not among them; class IN only */
    struct lookup_record *record; /* n of them, answer first */
    uint8_t *message;             /* what rdata points into */
};

void lookup_reply_free(struct lookup_reply *r); /* NULL is fine */

/* Read a message that came for a question; id in host order. Any octets. LOOKUP_ANSWERED, and *out is given (it has
 * its own copy of the message); LOOKUP_MALFORMED: no answer to that question, or what it says does not hold
 * together; LOOKUP_FAILED: no memory. */
MUST_USE enum lookup_result lookup_parse(struct lookup_reply **out, const uint8_t *message, size_t len, uint16_t id,
                                         const struct lookup_question *q);

/* The next record of a section with that type (RR_ANY: any) and owner (NULL: any), from place *at on; *at moves
 * behind it. NULL: no more. Start with *at 0. */
const struct lookup_record *lookup_next(const struct lookup_reply *r, enum lookup_section section,
                                        const struct name *owner, uint16_t type, size_t *at);
/* The A or AAAA record's address. ERR_SYNTAX: it is neither, or of the wrong length. */
MUST_USE enum err lookup_address(const struct lookup_record *r, struct addr *out);
/* The character-strings of a TXT record, joined as authorities do; false: it is none, its strings do not fill it,
 * or it is longer than cap. No NUL. */
MUST_USE bool lookup_txt(const struct lookup_record *r, char *out, size_t cap, size_t *len);
/* "NOERROR", "SERVFAIL", "RCODE17". Returns out. */
#define LOOKUP_RCODE_TEXT_MAX 12
const char *lookup_rcode_format(uint16_t rcode, char out[LOOKUP_RCODE_TEXT_MAX]);

/* ---- asking ---- */

struct lookup {
    struct lookup_server resolvers[LOOKUP_RESOLVERS_MAX]; /* asked in this order until one answers */
    size_t n_resolvers;
    int64_t deadline_ms;     /* clock_mono_ms() of clock_system: nothing is waited for longer; 0: none */
    const atomic_bool *stop; /* when it becomes true all waiting ends soon; NULL: never */
    uint32_t timeout_ms;     /* for one question to one server */
    uint64_t asked;          /* questions so far, for progress */
    struct lookup_silent {   /* what server did not answer such a question twice is not waited for a
                              third time */
        struct lookup_server server;
        uint16_t type;
        uint8_t way;
        uint8_t times;
        uint8_t result;
    } silent[LOOKUP_SERVERS_MAX];
    size_t n_silent;
};

/* With the given resolvers; n 0: those in /etc/resolv.conf. No deadline. crypto_init() must have been
 * called. ERR_NOT_FOUND: the system has none that can be used; l is usable for lookup_ask() only. */
MUST_USE enum err lookup_init(struct lookup *l, const struct lookup_server *resolvers, size_t n);
/* Forget who did not answer, before another round. */
void lookup_forget(struct lookup *l);
/* The `nameserver` lines of a file, at most cap; returns how many. Lines that cannot be used (a scope, nonsense)
 * are left out. */
size_t lookup_system_resolvers(const char *path, struct lookup_server *out, size_t cap);

/* Ask one server; *out is given when LOOKUP_ANSWERED, else NULL. UDP is repeated once with another id and port.
 * Without EDNS once more when the server says FORMERR or NOTIMP. */
MUST_USE enum lookup_result lookup_ask(struct lookup *l, const struct lookup_server *server,
                                       const struct lookup_question *q, struct lookup_reply **out);
/* Ask the resolvers (RD is added). The first answer that is neither SERVFAIL nor REFUSED counts; when there is
 * none, the last one. */
MUST_USE enum lookup_result lookup_resolve(struct lookup *l, const struct name *name, uint16_t type, unsigned flags,
                                           struct lookup_reply **out);

/* ---- who answers for a name ---- */

struct lookup_zone {
    struct name apex;
    size_t n_names;
    struct name names[LOOKUP_NAMES_MAX]; /* the name servers, as the resolver knows them */
    bool has_address[LOOKUP_NAMES_MAX];  /* false: no address was found for that name server */
    size_t n_servers;
    struct {
        struct lookup_server at;
        size_t name;               /* index in names */
    } servers[LOOKUP_SERVERS_MAX]; /* every address once */
};

/* The apex of the zone that a name lies in (the name itself when it is one), through the resolvers. On trouble *why
 * (of why_cap octets) says which question failed and how. A zone that does not answer is passed over: then the one
 * above it is found, whose servers answer with a referral. */
MUST_USE enum lookup_result lookup_find_apex(struct lookup *l, const struct name *name, struct name *apex,
                                             char *why, size_t why_cap);
/* The servers of the zone with that apex, through the resolvers. LOOKUP_ANSWERED: there is one address at least. */
MUST_USE enum lookup_result lookup_find_servers(struct lookup *l, const struct name *apex, struct lookup_zone *out,
                                                char *why, size_t why_cap);
/* Add an address of the zone's name-th server, unless it is there, or there are LOOKUP_SERVERS_MAX. */
void lookup_add_server(struct lookup_zone *zone, size_t name, const struct addr *addr);
/* Both. */
MUST_USE enum lookup_result lookup_find_zone(struct lookup *l, const struct name *name, struct lookup_zone *out,
                                             char *why, size_t why_cap);
/* Only the addresses of a host, A and AAAA, through the resolvers; *n of them, at most cap. */
MUST_USE enum lookup_result lookup_host(struct lookup *l, const struct name *host, struct addr *out, size_t cap,
                                        size_t *n);

#endif
