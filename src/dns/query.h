/* dns/query.h -- read one DNS query from the network: bounded, in one pass, without allocation (RFC 1035
 * section 4.1, RFC 6891). Every byte is hostile. DNS threads; plain data. */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/name.h"

#define DNS_HEADER_LEN    12
#define QUESTION_TAIL     4   /* QTYPE and QCLASS, RFC 1035 section 4.1.2 */
#define DNS_UDP_PLAIN_MAX 512 /* RFC 1035 section 2.3.4 */
#define DNS_MESSAGE_MAX   65535
#define DNS_UDP_READ_MAX  4096 /* larger datagrams are cut on read and so FORMERR */

enum dns_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6, /* RFC 2136 section 2.2, like the four below */
    RCODE_YXRRSET = 7,
    RCODE_NXRRSET = 8,
    RCODE_NOTAUTH = 9,
    RCODE_NOTZONE = 10,
    RCODE_BADVERS = 16 /* extended, RFC 6891 section 6.1.3 */
};

enum dns_opcode { OPCODE_QUERY = 0, OPCODE_UPDATE = 5 };

enum query_verdict {
    QUERY_DROP,   /* say nothing: under 12 octets, or QR=1 */
    QUERY_ERROR,  /* rcode says what to answer */
    QUERY_LOOKUP, /* an ordinary question of class IN or ANY: name is ready to be hashed and looked up */
    QUERY_CHAOS,  /* class CH */
    QUERY_UPDATE, /* an UPDATE (RFC 2136): the question is its zone section; no more than the form has been looked
                     at */
};

struct query {
    enum query_verdict verdict;
    uint16_t rcode;    /* QUERY_ERROR: enum dns_rcode */
    uint16_t ede;      /* extended DNS error to send along (RFC 8914); EDE_NONE */
    bool has_question; /* the question was read whole and is to come back, octet for octet */
    bool mixed_case;   /* an upper-case letter in the question name */
    bool edns, dnssec_ok, nsid;
    bool usual; /* a QUERY_LOOKUP for one of the types that nearly all are for, in class IN, unsigned, and with
                   nothing to be said in OPT: answered the short way */
    uint8_t edns_version;
    uint16_t tsig_at, tsig_len; /* the TSIG record, last and alone: where in the message, and its octets; 0: none */
    uint16_t edns_size;         /* as announced, at least 512; 512 without EDNS */
    uint16_t qtype, qclass;
    uint16_t question_len; /* octets of the question section as it came: name + 4 */
    uint64_t hash;         /* filled in by the caller from table_hash() */
    const void *slot;      /* the same from table_prefetch(); NULL: not to be looked for */
    struct name name;      /* folded */
};

#define EDE_NONE 0xffff
enum ede_code {
    EDE_NOT_READY = 14,
    EDE_PROHIBITED = 18,
    EDE_NOT_AUTHORITATIVE = 20,
    EDE_NOT_SUPPORTED = 21,
    EDE_INVALID_QUERY_TYPE = 30
};

enum query_transport { QUERY_UDP, QUERY_TCP };

/* Read the message of len octets. q is filled in any case. buf has at least NAME_PAD readable octets behind len. */
void query_parse(struct query *q, const uint8_t *msg, size_t len, enum query_transport transport);

/* The message that q was read from is not well formed after all: FORMERR. */
void query_spoil(struct query *q);

#endif
