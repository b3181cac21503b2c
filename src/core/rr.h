/* core/rr.h -- resource records and RRsets as the writing side holds them, and their types' names. Plain data. */
#ifndef CORE_RR_H
#define CORE_RR_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/name.h"

enum rr_type { /* the ones that the program itself speaks of; any 16-bit number may occur */
               RR_A = 1,
               RR_NS = 2,
               RR_CNAME = 5,
               RR_SOA = 6,
               RR_PTR = 12,
               RR_HINFO = 13,
               RR_MX = 15,
               RR_TXT = 16,
               RR_AAAA = 28,
               RR_SRV = 33,
               RR_DNAME = 39,
               RR_OPT = 41,
               RR_DS = 43,
               RR_RRSIG = 46,
               RR_NSEC = 47,
               RR_DNSKEY = 48,
               RR_NSEC3 = 50,
               RR_SVCB = 64,
               RR_HTTPS = 65,
               RR_NXNAME = 128,
               RR_TKEY = 249,
               RR_TSIG = 250,
               RR_IXFR = 251,
               RR_AXFR = 252,
               RR_MAILB = 253,
               RR_MAILA = 254,
               RR_ANY = 255,
               RR_CAA = 257,
};

enum rr_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_HS = 4, CLASS_NONE = 254, CLASS_ANY = 255 };

#define RR_TYPE_TEXT_MAX 12
/* "TXT", or "TYPE1234" (RFC 3597 section 5). Returns out. */
const char *rr_type_format(uint16_t type, char out[RR_TYPE_TEXT_MAX]);
/* Known mnemonics and TYPE1234, without regard to case. ERR_SYNTAX. */
MUST_USE enum err rr_type_parse(uint16_t *out, const char *text, size_t len);

struct rdata {
    const uint8_t *bytes; /* borrowed */
    uint16_t len;
};

struct rrset {
    uint16_t type;
    uint32_t ttl_s;
    size_t n;
    const struct rdata *rdatas; /* n of them, distinct */
};

/* One static record; rdata uncompressed, case kept. */
struct record {
    struct name owner; /* folded */
    uint16_t type;
    uint32_t ttl_s;
    struct rdata rdata;
};

struct soa {
    struct name mname;
    struct name rname;
    uint32_t refresh_s, retry_s, expire_s, minimum_s;
    uint32_t ttl_s; /* of the SOA record: with minimum_s this bounds negative caching, RFC 2308 section 3 */
};

#endif
