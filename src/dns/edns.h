/* dns/edns.h -- the OPT record, EDNS version 0 (RFC 6891): reading the client's, composing ours. DNS threads; plain
 * data. */
#ifndef DNS_EDNS_H
#define DNS_EDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "dns/query.h"

#define EDNS_VERSION   0
#define EDNS_FIXED_LEN 11 /* owner, type, class, TTL and RDLENGTH of an OPT record */
#define EDNS_TAIL_MAX  (EDNS_FIXED_LEN + EDNS_OPTION_FIXED + EDNS_NSID_MAX + EDNS_EDE_LEN)

#define EDNS_OPTION_FIXED 4                       /* code and length, RFC 6891 section 6.1.2 */
#define EDNS_NSID_MAX     64                      /* octets of identity */
#define EDNS_EDE_LEN      (EDNS_OPTION_FIXED + 2) /* INFO-CODE alone, RFC 8914 section 2 */

enum edns_option { EDNS_OPTION_NSID = 3, EDNS_OPTION_EDE = 15 };

/* An OPT record of a query, split into its fields. */
struct edns_opt {
    uint16_t size;          /* the class field: what the client takes over UDP */
    uint32_t flags;         /* the TTL field: extended RCODE, version, DO and Z */
    const uint8_t *options; /* borrowed */
    uint16_t options_len;
};

/* Note in q what an OPT record says; q->edns is set in any case, since the reply then carries one too (RFC 6891
 * section 7). Unknown options and flags are ignored; options of a version that we do not speak are not looked at.
 * False: an option reaches past the record, or one to three octets are left over. */
MUST_USE bool edns_read(struct query *q, const struct edns_opt *opt);

/* The same for the usual record, of version 0 and without options, whose EDNS_FIXED_LEN octets are at opt. False:
 * it is another one, or no OPT record, and nothing has been noted. */
MUST_USE bool edns_read_plain(struct query *q, const uint8_t *opt);
/* The same for one whose options want no answer, at the beginning of the len octets that are left of the message.
 */
MUST_USE bool edns_read_quiet(struct query *q, const uint8_t *opt, size_t len);

/* What the reply's OPT record says. */
struct edns_reply {
    uint16_t udp_size;
    uint16_t rcode; /* all twelve bits */
    uint16_t ede;   /* EDE_NONE */
    bool dnssec_ok;
    const char *nsid; /* of nsid_len octets, at most EDNS_NSID_MAX; 0: not asked for, or there is none */
    size_t nsid_len;
};

/* Octets that edns_put() will write. */
size_t edns_len(const struct edns_reply *e);
/* Write the record without options: EDNS_FIXED_LEN octets. */
void edns_put_plain(uint8_t *at, uint16_t udp_size, unsigned rcode, bool dnssec_ok);
/* The same with one option, an extended error: EDNS_FIXED_LEN + EDNS_EDE_LEN octets. */
void edns_put_ede(uint8_t *at, uint16_t udp_size, unsigned rcode, bool dnssec_ok, enum ede_code ede);
/* Write the record at `at`, which has room for edns_len() octets; returns their number. */
size_t edns_put(uint8_t *at, const struct edns_reply *e);

#endif
