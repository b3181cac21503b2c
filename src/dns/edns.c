#include "dns/edns.h"

#include <assert.h>
#include <string.h>

#include "base/wire.h"
#include "core/rr.h"

#define FLAG_DO 0x8000 /* RFC 3225 section 3 */

/* RFC 6891 section 6.1.2. */
static bool options_read(struct query *q, const uint8_t *options, size_t len)
{
    struct wire_reader r;

    wire_reader_init(&r, options, len);
    while (wire_left(&r) > 0) {
        uint16_t code = wire_get_u16(&r);
        uint16_t option_len = wire_get_u16(&r);

        (void)wire_get_bytes(&r, option_len);
        if (r.err == ERR_OK && code == EDNS_OPTION_NSID)
            q->nsid = true; /* its payload is to be ignored, RFC 5001 section 2.1 */
    }
    return r.err == ERR_OK;
}

bool edns_read(struct query *q, const struct edns_opt *opt)
{
    q->edns = true;
    q->edns_size = opt->size < DNS_UDP_PLAIN_MAX ? DNS_UDP_PLAIN_MAX : opt->size; /* RFC 6891 section 6.2.3 */
    q->edns_version = (uint8_t)(opt->flags >> 16);
    q->dnssec_ok = (opt->flags & FLAG_DO) != 0;
    if (opt->options_len == 0 || q->edns_version != EDNS_VERSION)
        return true;
    return options_read(q, opt->options, opt->options_len);
}

/* The fixed octets of an OPT record of version 0, which are noted when it has as many octets of options. */
static ALWAYS_INLINE bool fixed_read(struct query *q, const uint8_t *opt, size_t options_len)
{
    /* Octets 0 to 7 are owner, type, size, extended RCODE, version and DO; 7 to 10 DO again, Z and RDLENGTH. */
    uint64_t head = wire_load_u64(opt);
    uint32_t tail = wire_load_u32(opt + 7);
    uint16_t size = (uint16_t)(head >> 24);

    if (head >> 40 != RR_OPT || (uint8_t)(head >> 8) != EDNS_VERSION || (uint16_t)tail != options_len)
        return false;
    q->edns = true;
    q->edns_size = size < DNS_UDP_PLAIN_MAX ? DNS_UDP_PLAIN_MAX : size;
    q->dnssec_ok = (tail >> 16 & FLAG_DO) != 0;
    return true;
}

bool edns_read_plain(struct query *q, const uint8_t *opt)
{
    return fixed_read(q, opt, 0);
}

/* Well formed, and none of them is for us: resolvers send cookies, client subnets and padding. */
static bool are_options_quiet(const uint8_t *options, size_t len)
{
    while (len >= EDNS_OPTION_FIXED) {
        uint32_t head = wire_load_u32(options); /* code and length */
        size_t option_len = EDNS_OPTION_FIXED + (size_t)(uint16_t)head;

        if (head >> 16 == EDNS_OPTION_NSID || option_len > len)
            return false;
        options += option_len;
        len -= option_len;
    }
    return len == 0;
}

bool edns_read_quiet(struct query *q, const uint8_t *opt, size_t len)
{
    size_t options_len = len < EDNS_FIXED_LEN ? 0 : wire_load_u16(opt + EDNS_FIXED_LEN - sizeof(uint16_t));

    if (len < EDNS_FIXED_LEN + options_len || !are_options_quiet(opt + EDNS_FIXED_LEN, options_len))
        return false;
    return fixed_read(q, opt, options_len);
}

size_t edns_len(const struct edns_reply *e)
{
    size_t len = EDNS_FIXED_LEN;

    if (e->nsid_len > 0)
        len += EDNS_OPTION_FIXED + e->nsid_len;
    if (e->ede != EDE_NONE)
        len += EDNS_EDE_LEN;
    return len;
}

APART static void options_put(uint8_t *at, size_t len, const struct edns_reply *e)
{
    struct wire_writer w;

    assert(e->nsid_len <= EDNS_NSID_MAX);
    wire_writer_init(&w, at, len);
    if (e->nsid_len > 0) {
        wire_put_u16(&w, EDNS_OPTION_NSID);
        wire_put_u16(&w, (uint16_t)e->nsid_len);
        wire_put_bytes(&w, e->nsid, e->nsid_len);
    }
    if (e->ede != EDE_NONE) {
        wire_put_u16(&w, EDNS_OPTION_EDE);
        wire_put_u16(&w, sizeof e->ede);
        wire_put_u16(&w, e->ede);
    }
    assert(w.err == ERR_OK && w.len == len);
}

static ALWAYS_INLINE void put_fixed(uint8_t *at, uint16_t udp_size, unsigned rcode, bool dnssec_ok,
                                    size_t options_len)
{
    uint32_t flags = dnssec_ok ? FLAG_DO : 0; /* RFC 6840 section 5.6 */

    /* Octets 0 to 7, then 7 to 10, as in edns_read_plain(); the root is 0. */
    wire_store_u64(at, (uint64_t)RR_OPT << 40 | (uint64_t)udp_size << 24 | (uint64_t)(rcode >> 4) << 16 |
                           EDNS_VERSION << 8);
    wire_store_u32(at + 7, flags << 16 | (uint32_t)options_len);
}

void edns_put_plain(uint8_t *at, uint16_t udp_size, unsigned rcode, bool dnssec_ok)
{
    put_fixed(at, udp_size, rcode, dnssec_ok, 0);
}

void edns_put_ede(uint8_t *at, uint16_t udp_size, unsigned rcode, bool dnssec_ok, enum ede_code ede)
{
    put_fixed(at, udp_size, rcode, dnssec_ok, EDNS_EDE_LEN);
    wire_store_u32(at + EDNS_FIXED_LEN, (uint32_t)EDNS_OPTION_EDE << 16 | sizeof(uint16_t));
    wire_store_u16(at + EDNS_FIXED_LEN + EDNS_OPTION_FIXED, (uint16_t)ede);
}

size_t edns_put(uint8_t *at, const struct edns_reply *e)
{
    size_t len = edns_len(e);
    size_t options_len = len - EDNS_FIXED_LEN;

    put_fixed(at, e->udp_size, e->rcode, e->dnssec_ok, options_len);
    if (options_len > 0)
        options_put(at + EDNS_FIXED_LEN, options_len, e);
    return len;
}
