/* Replies: octets from the network become records, or nothing. Everything is read with base/wire.h and core/name.h,
 * which end where the message ends. */
#include "cli/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

#define HEADER_LEN     12
#define RECORD_LEN_MIN 11 /* root owner, type, class, TTL, RDLENGTH */
#define FLAG_QR        0x8000u
#define OPCODE_MASK    0x7800u
#define FLAG_AA        0x0400u
#define FLAG_TC        0x0200u
#define FLAG_RA        0x0080u
#define FLAG_AD        0x0020u
#define RCODE_MASK     0x000fu
#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3

void lookup_reply_free(struct lookup_reply *r)
{
    if (r == NULL)
        return;
    free(r->record);
    free(r->message);
    free(r);
}

/* The question must be the one that was asked, whatever its case; errors may come without it (RFC 8906 section 8).
 */
static bool read_question(struct wire_reader *in, unsigned count, const struct lookup_question *q,
                          struct lookup_reply *r)
{
    struct name name;
    uint16_t type, class;

    if (count == 0)
        return r->rcode != RCODE_NOERROR && r->rcode != RCODE_NXDOMAIN;
    if (count != 1 || name_decode(in, &name) != ERR_OK)
        return false;
    type = wire_get_u16(in);
    class = wire_get_u16(in);
    if (in->err != ERR_OK || type != q->type || class != CLASS_IN || !name_equal(&name, &q->name))
        return false;
    r->case_kept = memcmp(name.b, q->name.b, name.len) == 0;
    return true;
}

/* The names and numbers inside of RDATA that is left to read in *in, which must fill it. */
static bool read_inside(struct wire_reader in, struct lookup_record *rec)
{
    size_t end = in.pos + rec->rdata_len;
    struct name rname;

    switch (rec->type) {
    case RR_NS:
    case RR_CNAME:
    case RR_DNAME:
    case RR_PTR:
        return name_decode(&in, &rec->target) == ERR_OK && in.pos == end;
    case RR_SOA:
        if (name_decode(&in, &rec->target) != ERR_OK || name_decode(&in, &rname) != ERR_OK)
            return false;
        rec->serial = wire_get_u32(&in);
        (void)wire_get_u32(&in); /* refresh, retry, expire */
        (void)wire_get_u32(&in);
        (void)wire_get_u32(&in);
        rec->minimum_s = wire_get_u32(&in);
        return in.err == ERR_OK && in.pos == end;
    default:
        return true;
    }
}

/* One record; what is not of class IN is passed over (*keep false), after the OPT record has given its bits. */
static bool read_record(struct wire_reader *in, struct lookup_reply *r, struct lookup_record *rec, bool *keep)
{
    uint16_t class;
    struct wire_reader inside;

    memset(rec, 0, sizeof(*rec));
    if (name_decode(in, &rec->owner) != ERR_OK)
        return false;
    rec->type = wire_get_u16(in);
    class = wire_get_u16(in);
    rec->ttl_s = wire_get_u32(in);
    rec->rdata_len = wire_get_u16(in);
    inside = *in;
    rec->rdata = wire_get_bytes(in, rec->rdata_len);
    if (in->err != ERR_OK)
        return false;
    *keep = rec->type != RR_OPT && class == CLASS_IN;
    if (rec->type == RR_OPT)
        r->rcode = (uint16_t)(r->rcode | (rec->ttl_s >> 24) << 4); /* RFC 6891 section 6.1.3 */
    if (rec->ttl_s > INT32_MAX)
        rec->ttl_s = 0; /* RFC 2181 section 8 */
    if (*keep && !read_inside(inside, rec))
        return false;
    name_fold(&rec->owner);
    if (rec->target.len > 0)
        name_fold(&rec->target);
    return true;
}

static bool read_records(struct wire_reader *in, struct lookup_reply *r, const unsigned counts[3])
{
    size_t total = (size_t)counts[0] + counts[1] + counts[2];

    if (total > LOOKUP_RECORDS_MAX || total > wire_left(in) / RECORD_LEN_MIN)
        return false;
    for (unsigned section = 0; section < 3; section++) {
        for (unsigned i = 0; i < counts[section]; i++) {
            bool keep = false;

            if (!read_record(in, r, &r->record[r->n], &keep))
                return false;
            r->record[r->n].section = (uint8_t)section;
            r->n += keep;
        }
    }
    return true;
}

static bool read_message(struct lookup_reply *r, size_t len, uint16_t id, const struct lookup_question *q)
{
    struct wire_reader in;
    unsigned counts[4];
    uint16_t flags, got_id;

    wire_reader_init(&in, r->message, len);
    got_id = wire_get_u16(&in);
    flags = wire_get_u16(&in);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        counts[i] = wire_get_u16(&in);
    if (in.err != ERR_OK || got_id != id || (flags & FLAG_QR) == 0 || (flags & OPCODE_MASK) != 0)
        return false;
    r->aa = (flags & FLAG_AA) != 0;
    r->tc = (flags & FLAG_TC) != 0;
    r->ra = (flags & FLAG_RA) != 0;
    r->ad = (flags & FLAG_AD) != 0;
    r->rcode = flags & RCODE_MASK;
    if (!read_question(&in, counts[0], q, r))
        return false;
    /* Of a truncated message only that it is truncated counts; some are cut inside of a record. */
    return read_records(&in, r, counts + 1) || r->tc;
}

enum lookup_result lookup_parse(struct lookup_reply **out, const uint8_t *message, size_t len, uint16_t id,
                                const struct lookup_question *q)
{
    struct lookup_reply *r = NULL;
    size_t most;

    *out = NULL;
    if (len < HEADER_LEN || len > UINT16_MAX)
        return LOOKUP_MALFORMED;
    most = (len - HEADER_LEN) / RECORD_LEN_MIN;
    most = most > LOOKUP_RECORDS_MAX ? LOOKUP_RECORDS_MAX : most;
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        return LOOKUP_FAILED;
    r->message = malloc(len);
    r->record = calloc(most + 1, sizeof(*r->record));
    if (r->message == NULL || r->record == NULL) {
        lookup_reply_free(r);
        return LOOKUP_FAILED;
    }
    memcpy(r->message, message, len);
    if (!read_message(r, len, id, q)) {
        lookup_reply_free(r);
        return LOOKUP_MALFORMED;
    }
    *out = r;
    return LOOKUP_ANSWERED;
}

/* ---- looking into it ---- */

const struct lookup_record *lookup_next(const struct lookup_reply *r, enum lookup_section section,
                                        const struct name *owner, uint16_t type, size_t *at)
{
    while (*at < r->n) {
        const struct lookup_record *rec = &r->record[(*at)++];

        if (rec->section == section && (type == RR_ANY || rec->type == type) &&
            (owner == NULL || name_equal(&rec->owner, owner)))
            return rec;
    }
    return NULL;
}

enum err lookup_address(const struct lookup_record *r, struct addr *out)
{
    size_t len = r->type == RR_A ? 4 : 16;

    memset(out, 0, sizeof(*out));
    if ((r->type != RR_A && r->type != RR_AAAA) || r->rdata_len != len)
        return ERR_SYNTAX;
    out->family = r->type == RR_A ? ADDR_V4 : ADDR_V6;
    memcpy(out->b, r->rdata, len);
    return ERR_OK;
}

bool lookup_txt(const struct lookup_record *r, char *out, size_t cap, size_t *len)
{
    struct wire_reader in;

    *len = 0;
    if (r->type != RR_TXT || r->rdata_len == 0)
        return false;
    wire_reader_init(&in, r->rdata, r->rdata_len);
    while (wire_left(&in) > 0) {
        uint8_t n = wire_get_u8(&in);
        const uint8_t *bytes = wire_get_bytes(&in, n);

        if (in.err != ERR_OK || n > cap - *len)
            return false;
        memcpy(out + *len, bytes, n);
        *len += n;
    }
    return true;
}

const char *lookup_rcode_format(uint16_t rcode, char out[LOOKUP_RCODE_TEXT_MAX])
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};

    if (rcode < ARRAY_LEN(names))
        (void)snprintf(out, LOOKUP_RCODE_TEXT_MAX, "%s", names[rcode]);
    else
        (void)snprintf(out, LOOKUP_RCODE_TEXT_MAX, "RCODE%u", (unsigned)rcode);
    return out;
}

const char *lookup_result_text(enum lookup_result r)
{
    switch (r) {
    case LOOKUP_ANSWERED:
        return "answered";
    case LOOKUP_TIMED_OUT:
        return "timed out after 3 s";
    case LOOKUP_CLOSED:
        return "refused the connection: nothing listens there, or a firewall rejects it";
    case LOOKUP_NO_ROUTE:
        return "cannot be reached from this machine: it has no way there";
    case LOOKUP_MALFORMED:
        return "sent something that is no answer to the question";
    case LOOKUP_OUT_OF_TIME:
        return "was not asked: the time for the check was over";
    case LOOKUP_FAILED:
        return "could not be asked: no memory or no socket on this machine";
    }
    return "failed";
}
