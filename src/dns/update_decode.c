/* The sections of an UPDATE (RFC 2136 section 2) as a request. All that depends on the message alone is judged
 * here; what depends on the state (prerequisites, scope) is the committer's to say, at its place in the order. */
#include <string.h>

#include "base/wire.h"
#include "core/rr.h"
#include "core/value_set.h"
#include "dns/update.h"

#define NSCOUNT_AT 8
#define ANCOUNT_AT 6

/* One record as it came. */
struct update_record {
    struct name owner;
    uint16_t type, class;
    uint32_t ttl_s;
    const uint8_t *rdata;
    uint16_t rdlen;
};

static uint16_t load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static bool record_read(struct update_record *rec, struct wire_reader *r)
{
    if (name_decode(r, &rec->owner) != ERR_OK)
        return false;
    rec->type = wire_get_u16(r);
    rec->class = wire_get_u16(r);
    rec->ttl_s = wire_get_u32(r);
    rec->rdlen = wire_get_u16(r);
    rec->rdata = wire_get_bytes(r, rec->rdlen);
    return r->err == ERR_OK;
}

/* QTYPEs and meta types (RFC 6895 section 3.1), which no record can have; ANY is asked for apart. */
static bool is_meta(uint16_t type)
{
    return type == 0 || type == RR_OPT || type == RR_TKEY || type == RR_TSIG || type == RR_IXFR ||
           type == RR_AXFR || type == RR_MAILB || type == RR_MAILA;
}

static const struct name *keep_name(struct arena *arena, const struct name *n)
{
    struct name *copy = arena_alloc(arena, sizeof *copy);

    if (copy == NULL)
        return NULL;
    *copy = *n;
    name_fold(copy);
    return copy;
}

static bool keep_rdata(struct rdata *out, struct arena *arena, const struct update_record *rec)
{
    out->len = rec->rdlen;
    out->bytes = (const uint8_t *)arena_copy(arena, rec->rdata, rec->rdlen);
    return out->bytes != NULL;
}

/* ---- prerequisites: sections 2.4 and 3.2.5 ---- */

static enum dns_rcode condition_decode(struct update_condition *c, struct arena *arena,
                                       const struct update_record *rec)
{
    if (rec->ttl_s != 0 || is_meta(rec->type))
        return RCODE_FORMERR;
    c->type = rec->type;
    if (rec->class == CLASS_IN) {
        if (rec->type == RR_ANY)
            return RCODE_FORMERR;
        if (rec->type != RR_TXT)
            return RCODE_REFUSED; /* names inside of data may be compressed: only TXT is compared */
        if (!value_rdata_is_valid(rec->rdata, rec->rdlen))
            return RCODE_FORMERR;
        c->kind = CONDITION_RECORD_EXISTS;
        return keep_rdata(&c->rdata, arena, rec) ? RCODE_NOERROR : RCODE_SERVFAIL;
    }
    if (rec->rdlen != 0 || (rec->class != CLASS_ANY && rec->class != CLASS_NONE))
        return RCODE_FORMERR;
    if (rec->type == RR_ANY)
        c->kind = rec->class == CLASS_ANY ? CONDITION_NAME_IN_USE : CONDITION_NAME_NOT_IN_USE;
    else
        c->kind = rec->class == CLASS_ANY ? CONDITION_SET_EXISTS : CONDITION_SET_ABSENT;
    return RCODE_NOERROR;
}

/* ---- updates: sections 2.5 and 3.4.1.3 ---- */

/* The value of a TXT record. */
static enum dns_rcode value_decode(struct update_op *op, struct arena *arena, const struct update_record *rec)
{
    char *text;

    if (!value_rdata_is_valid(rec->rdata, rec->rdlen))
        return RCODE_FORMERR;
    text = arena_alloc(arena, rec->rdlen);
    if (text == NULL)
        return RCODE_SERVFAIL;
    op->value =
        (struct value_text){.text = text, .len = value_decode_text(text, rec->rdata, rec->rdlen), .lifetime_s = -1};
    return RCODE_NOERROR;
}

static enum dns_rcode op_decode(struct update_op *op, struct arena *arena, const struct update_record *rec)
{
    if (is_meta(rec->type))
        return RCODE_FORMERR;
    switch (rec->class) {
    case CLASS_IN:
        if (rec->type == RR_ANY)
            return RCODE_FORMERR;
        op->kind = UPDATE_ADD;
        break;
    case CLASS_NONE:
        if (rec->ttl_s != 0 || rec->type == RR_ANY)
            return RCODE_FORMERR;
        op->kind = UPDATE_REMOVE;
        break;
    case CLASS_ANY:
        if (rec->ttl_s != 0 || rec->rdlen != 0)
            return RCODE_FORMERR;
        op->kind = UPDATE_REMOVE_SET;
        return rec->type == RR_TXT || rec->type == RR_ANY ? RCODE_NOERROR : RCODE_REFUSED;
    default:
        return RCODE_FORMERR;
    }
    return rec->type == RR_TXT ? value_decode(op, arena, rec) : RCODE_REFUSED;
}

/* ---- sections ---- */

/* A form error says more than that a thing is not done here, and ends the reading; the first of the others stays.
 */
static bool goes_on(enum dns_rcode *all, enum dns_rcode one)
{
    if (*all == RCODE_NOERROR || one == RCODE_FORMERR || one == RCODE_SERVFAIL)
        *all = one;
    return *all != RCODE_FORMERR && *all != RCODE_SERVFAIL;
}

enum dns_rcode update_decode(struct request *r, const struct query *q, const uint8_t *msg, size_t len)
{
    struct request_update *u = &r->u.update;
    size_t n_conditions = load_u16(msg + ANCOUNT_AT), n_ops = load_u16(msg + NSCOUNT_AT);
    struct update_condition *conditions;
    struct update_op *ops;
    enum dns_rcode rcode = RCODE_NOERROR;
    struct wire_reader reader;

    if (n_conditions > UPDATE_CONDITIONS_MAX || n_ops > UPDATE_OPS_MAX)
        return RCODE_REFUSED;
    conditions = arena_alloc(&r->arena, (n_conditions + 1) * sizeof *conditions);
    ops = arena_alloc(&r->arena, (n_ops + 1) * sizeof *ops);
    if (conditions == NULL || ops == NULL)
        return RCODE_SERVFAIL;
    *u =
        (struct request_update){.n_conditions = n_conditions, .conditions = conditions, .n_ops = n_ops, .ops = ops};
    wire_reader_init(&reader, msg, len);
    reader.pos = DNS_HEADER_LEN + (size_t)q->question_len;
    for (size_t i = 0; i < n_conditions + n_ops; i++) {
        struct update_record rec;
        const struct name *owner;
        enum dns_rcode one = RCODE_FORMERR;

        if (!record_read(&rec, &reader))
            return RCODE_FORMERR;
        owner = keep_name(&r->arena, &rec.owner);
        if (owner == NULL)
            return RCODE_SERVFAIL;
        if (i < n_conditions) {
            conditions[i] = (struct update_condition){.owner = owner};
            one = condition_decode(&conditions[i], &r->arena, &rec);
        } else {
            ops[i - n_conditions] = (struct update_op){.owner = owner};
            one = op_decode(&ops[i - n_conditions], &r->arena, &rec);
        }
        if (one != RCODE_FORMERR && !name_is_at_or_below(owner, &q->name))
            one = RCODE_NOTZONE;
        if (!goes_on(&rcode, one))
            return rcode;
    }
    return rcode;
}
