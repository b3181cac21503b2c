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

size_t edns_len(const struct edns_reply *e)
{
    size_t len = EDNS_FIXED_LEN;

    if (e->nsid != NULL)
        len += EDNS_OPTION_FIXED + e->nsid_len;
    if (e->ede != EDE_NONE)
        len += EDNS_EDE_LEN;
    return len;
}

static void options_put(struct wire_writer *w, const struct edns_reply *e)
{
    if (e->nsid != NULL) {
        wire_put_u16(w, EDNS_OPTION_NSID);
        wire_put_u16(w, (uint16_t)e->nsid_len);
        wire_put_bytes(w, e->nsid, e->nsid_len);
    }
    if (e->ede != EDE_NONE) {
        wire_put_u16(w, EDNS_OPTION_EDE);
        wire_put_u16(w, sizeof e->ede);
        wire_put_u16(w, e->ede);
    }
}

size_t edns_put(uint8_t *at, const struct edns_reply *e)
{
    size_t len = edns_len(e);
    size_t options_len = len - EDNS_FIXED_LEN;
    const uint8_t opt[EDNS_FIXED_LEN] = {0, /* the root */
                                         0,
                                         RR_OPT,
                                         (uint8_t)(e->udp_size >> 8),
                                         (uint8_t)e->udp_size,
                                         (uint8_t)(e->rcode >> 4),
                                         EDNS_VERSION,
                                         e->dnssec_ok ? FLAG_DO >> 8 : 0, /* RFC 6840 section 5.6 */
                                         0,
                                         (uint8_t)(options_len >> 8),
                                         (uint8_t)options_len};
    struct wire_writer w;

    assert(e->nsid_len <= EDNS_NSID_MAX);
    memcpy(at, opt, sizeof opt);
    if (options_len == 0)
        return len;
    wire_writer_init(&w, at + EDNS_FIXED_LEN, options_len);
    options_put(&w, e);
    assert(w.err == ERR_OK && w.len == options_len);
    return len;
}
