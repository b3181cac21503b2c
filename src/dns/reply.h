/* dns/reply.h -- one response while it is composed, in the buffer that holds its query: header and question stay
 * where they are, records are put behind them, header and OPT record are written last. The room for the OPT record
 * is set aside from the start, so that whatever fits when it is put fits in the end. Private to src/dns; DNS
 * threads inside a read section. */
#ifndef DNS_REPLY_H
#define DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/answer_set.h"
#include "dns/edns.h"
#include "dns/query.h"

#define QNAME_POINTER 0xc000 /* with DNS_HEADER_LEN: the question's name, RFC 1035 section 4.1.4 */
#define POINTER_MAX   0x3fff
#define RR_FIXED      12 /* a pointer as owner, type, class, TTL and RDLENGTH */

/* Third and fourth octet of the header as one number: RFC 1035 section 4.1.1, RFC 4035 section 3.1.6 for CD. */
#define HEADER_QR     0x8000
#define HEADER_OPCODE 0x7800
#define HEADER_AA     0x0400
#define HEADER_TC     0x0200
#define HEADER_RD     0x0100
#define HEADER_CD     0x0010
#define HEADER_RCODE  0x000f

struct reply {
    const struct query *q; /* borrowed until the end */
    uint8_t *msg;
    size_t len;                                 /* header, question and the records so far */
    size_t room;                                /* len never passes it */
    size_t limit;                               /* room and the OPT record */
    uint16_t answers, authorities, additionals; /* additionals without OPT */
    bool authoritative;                         /* cleared by reply_fail() */
    bool truncated;                             /* nothing more can be put */
    struct edns_reply edns;                     /* its rcode and ede are the reply's, with EDNS or without */
    enum query_transport transport;
};

/* What a server says of itself in every reply. Constant while a reply is composed. */
struct reply_settings {
    uint16_t udp_size;    /* at least DNS_UDP_PLAIN_MAX */
    const char *identity; /* borrowed; at most EDNS_NSID_MAX octets */
    size_t identity_len;
};

/* Octets that the reply to q may have; cap as in answer_compose(). */
size_t reply_limit(const struct query *q, enum query_transport transport, const struct reply_settings *settings,
                   size_t cap);

/* Begin the reply to q, whose message is at msg. cap as in answer_compose(). */
void reply_begin(struct reply *r, const struct query *q, enum query_transport transport,
                 const struct reply_settings *settings, uint8_t *msg, size_t cap);

/* Leave len octets free behind the message, within what the client takes: for a TSIG record, which may be needed
 * even where nothing else fits. At most TSIG_SIGNED_MAX (dns/tsig.h), and before anything is put. False: not even a
 * reply without records and with so much behind it fits in what a client without EDNS takes; then the limit is
 * larger, so that it does. */
bool reply_set_aside(struct reply *r, size_t len);

/* Put the records of set, which are owned by the question's name, and its additional ones when they fit as well
 * (RFC 2181 section 9). False: the set does not fit, and reply_overflow() has been called. */
bool reply_put_set(struct reply *r, const struct answer_set *set);
/* The same for records owned by the name at message octet owner_at, which is at most POINTER_MAX; without
 * additional. */
bool reply_put_set_at(struct reply *r, const struct answer_set *set, size_t owner_at);
/* Put the SOA of a zone into the authority section (RFC 2308 section 3). name_end: the message octet behind the
 * root label of a name in that zone, which lends its last labels to the SOA's owner. */
void reply_put_negative(struct reply *r, const struct table_zone *zone, size_t name_end);
/* Something required does not fit: over UDP drop every record and set TC (RFC 6891 section 7); over TCP, where
 * asking again would not help, SERVFAIL. */
void reply_overflow(struct reply *r);
/* An error: no records, AA clear. ede is sent when there is EDNS and room; EDE_NONE. */
void reply_fail(struct reply *r, enum dns_rcode rcode, uint16_t ede);
/* After reply_begin(), when a response stands in the buffer already: take its RCODE and AA, to say the same with
 * less. */
void reply_resume(struct reply *r);
/* Write header and OPT record; returns the length of the message. */
size_t reply_finish(struct reply *r);

#endif
