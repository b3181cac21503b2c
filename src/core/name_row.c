#include "core/name_row.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/claim_codec.h"
#include "core/value_set.h"

struct extra {
    int64_t created_s, retired_s;
    uint32_t domains_len;
    uint16_t n_domains;
};

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

/* ---- making ---- */

/* Only the second of creation fits the node's 32 bits, until 2106. */
static bool needs_extra(const struct row_spec *spec)
{
    return spec->retired_s != 0 || spec->n_domains > 0 || spec->created_s < 0 || spec->created_s > UINT32_MAX;
}

static bool has_capitals(const struct row_spec *spec)
{
    return memcmp(spec->labels, spec->cased, spec->labels_len) != 0;
}

static uint8_t *put_extra(uint8_t *at, const struct row_spec *spec)
{
    struct extra extra = {
        .created_s = spec->created_s,
        .retired_s = spec->retired_s,
        .domains_len = spec->domains_len,
        .n_domains = spec->n_domains,
    };

    return put_bytes(put_bytes(at, &extra, sizeof extra), spec->domains, spec->domains_len);
}

static size_t tail_room(const struct row_spec *spec)
{
    return spec->labels_len + sizeof(struct extra) + spec->domains_len + sizeof spec->expiry_place +
           claims_room(spec->values);
}

/* Room for octets that will be needed again and again: kept. */
static enum err row_room_reserve(struct row_room *room, size_t octets)
{
    size_t cap = room->cap > 0 ? room->cap : 512;
    uint8_t *grown;

    if (octets <= room->cap)
        return ERR_OK;
    while (cap < octets)
        cap *= 2;
    grown = realloc(room->octets, cap);
    if (grown == NULL)
        return ERR_MEMORY;
    room->octets = grown;
    room->cap = cap;
    return ERR_OK;
}

/* The tail without the number of its octets; 0 octets: there is none. */
static enum err make_tail(struct row_room *room, const struct row_spec *spec, size_t *len)
{
    uint8_t *at;
    enum err e = row_room_reserve(room, tail_room(spec));

    if (e != ERR_OK)
        return e;
    at = room->octets;
    if (has_capitals(spec))
        at = put_bytes(at, spec->cased, spec->labels_len);
    if (needs_extra(spec))
        at = put_extra(at, spec);
    if (spec->values->n > 0) {
        at = put_bytes(at, &spec->expiry_place, sizeof spec->expiry_place);
        at = claims_put(at, spec->values, spec->created_s);
    }
    *len = (size_t)(at - room->octets);
    return ERR_OK;
}

static uint8_t row_flags_of(const struct row_spec *spec, size_t tail)
{
    return (uint8_t)((spec->subtree ? ROW_SUBTREE : 0) | (has_capitals(spec) ? ROW_CASE : 0) |
                     (tail > 0 ? ROW_TAIL : 0) | (needs_extra(spec) ? ROW_EXTRA : 0));
}

/* Whether the records that vs was read from have this TTL: then they can be copied. */
static bool has_kept_records(const struct value_set *vs, uint32_t ttl_s)
{
    uint8_t record[RECORD_HEADER_LEN];

    if (vs->kept_records == NULL)
        return false;
    (void)record_put(record, RR_TXT, ttl_s, &(struct rdata){.len = 0});
    return memcmp(vs->kept_records, record, RECORD_HEADER_LEN - sizeof(uint16_t)) == 0;
}

/* The octets of the records from the value at i on, older ones behind it, that stand side by side where they were
 * read from; *left: of how many values. 0: none, it is new. */
static size_t kept_run(const struct value_set *vs, size_t i, size_t *left)
{
    const uint8_t *first = vs->values[i].rdata;
    size_t len = 0;

    for (*left = i + 1; *left > 0; (*left)--) {
        const struct value *v = &vs->values[*left - 1];

        if (!v->is_kept || v->rdata != first + len)
            break;
        len += value_octets(v->rdlen);
    }
    return len;
}

static uint8_t *put_records(uint8_t *at, const struct row_spec *spec)
{
    const struct value_set *vs = spec->values;
    bool has_kept = has_kept_records(vs, spec->ttl_s);
    size_t left = vs->n;

    while (left > 0) {
        const struct value *v = &vs->values[left - 1];
        size_t len = has_kept ? kept_run(vs, left - 1, &left) : 0;

        if (len > 0) {
            at = put_bytes(at, v->rdata - RECORD_HEADER_LEN, len);
            continue;
        }
        at = record_put(at, RR_TXT, spec->ttl_s, &(struct rdata){.bytes = v->rdata, .len = v->rdlen});
        left--;
    }
    return at;
}

enum err row_new(struct node **out, struct slab *slab, struct row_room *room, const struct row_spec *spec)
{
    const struct value_set *vs = spec->values;
    struct node_set set = {.len = vs->octets, .type = RR_TXT, .count = (uint16_t)vs->n};
    size_t n_sets = vs->n > 0 ? 1 : 0; /* without values it exists all the same: NODATA, not NXDOMAIN */
    size_t rest = node_rest(spec->labels_len, vs->octets);
    uint8_t tail_len[VARINT_MAX], *at;
    size_t tail = 0, tail_len_len;
    struct node *n;
    enum err e;

    if (vs->octets > UINT16_MAX || vs->n > UINT16_MAX)
        return ERR_RANGE;
    e = make_tail(room, spec, &tail);
    if (e != ERR_OK)
        return e;
    tail_len_len = tail > 0 ? (size_t)(varint_put(tail_len, tail) - tail_len) : 0;
    n = slab_take(slab, sizeof *n + n_sets * sizeof set + rest + tail_len_len + tail);
    if (n == NULL)
        return ERR_MEMORY;
    *n = (struct node){
        .zone = spec->zone,
        .id = spec->id,
        .account = spec->account,
        .created_s = needs_extra(spec) ? 0 : (uint32_t)spec->created_s,
        .n_sets = (uint8_t)n_sets,
        .name_len = (uint8_t)spec->labels_len,
        .flags = value_set_all_pinned(vs) ? NODE_CHALLENGE | NODE_PINNED : NODE_CHALLENGE,
        .row_flags = row_flags_of(spec, tail),
    };
    at = put_bytes((uint8_t *)n->sets, &set, n_sets * sizeof set);
    at = put_records(put_bytes(at, spec->labels, spec->labels_len), spec);
    assert(at == node_name(n) + spec->labels_len + vs->octets);
    at = (uint8_t *)(uintptr_t)node_name(n) + rest;
    at = put_bytes(at, tail_len, tail_len_len);
    put_bytes(at, room->octets, tail);
    *out = n;
    return ERR_OK;
}

void row_room_fini(struct row_room *room)
{
    free(room->octets);
    *room = (struct row_room){0};
}

/* ---- reading ---- */

static uint32_t records_len(const struct node *row)
{
    return row->n_sets > 0 ? row->sets[0].len : 0;
}

struct tail {
    const uint8_t *at;
    size_t len;
};

static struct tail tail_of(const struct node *row)
{
    const uint8_t *at = node_name(row) + node_rest(row->name_len, records_len(row));
    uint64_t len = 0;

    if ((row->row_flags & ROW_TAIL) != 0)
        at = varint_get(at, &len);
    return (struct tail){.at = at, .len = (size_t)len};
}

size_t row_size(const struct node *row)
{
    struct tail tail = tail_of(row);

    return (size_t)(tail.at - (const uint8_t *)row) + tail.len;
}

const uint8_t *row_cased_labels(const struct node *row)
{
    return (row->row_flags & ROW_CASE) != 0 ? tail_of(row).at : node_name(row);
}

/* All zero when the row has none; what stands behind it is *at. */
static struct extra extra_of(const struct node *row, const uint8_t **at)
{
    struct extra extra = {.created_s = row->created_s};

    *at = tail_of(row).at;
    if ((row->row_flags & ROW_CASE) != 0)
        *at += row->name_len;
    if ((row->row_flags & ROW_EXTRA) != 0) {
        memcpy(&extra, *at, sizeof extra);
        *at += sizeof extra;
    }
    return extra;
}

/* The place in the index of expiries, and the claims behind it. */
static const uint8_t *claims_of(const struct node *row)
{
    const uint8_t *at;
    struct extra extra = extra_of(row, &at);

    return at + extra.domains_len;
}

uint32_t row_expiry_place(const struct node *row)
{
    uint32_t place = 0;

    if (row->n_sets > 0)
        memcpy(&place, claims_of(row), sizeof place);
    return place;
}

void row_set_expiry_place(struct node *row, uint32_t place)
{
    assert(row->n_sets > 0);
    memcpy((void *)(uintptr_t)claims_of(row), &place, sizeof place); /* the row is the caller's */
}

static uint16_t u16_at(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof v);
    return be16toh(v);
}

void row_values(const struct node *row, struct value_set *vs)
{
    const uint8_t *at = node_name(row) + row->name_len;

    vs->n = row->n_sets > 0 ? row->sets[0].count : 0;
    vs->octets = (uint32_t)records_len(row);
    vs->n_claims = 0;
    vs->n_pinned = 0;
    vs->kept_claims = NULL;
    vs->kept_records = vs->n > 0 ? at : NULL;
    assert(vs->n <= vs->cap_values);
    for (size_t i = vs->n; i-- > 0;) {
        uint16_t rdlen = u16_at(at + RECORD_HEADER_LEN - sizeof rdlen);

        vs->values[i] = (struct value){.rdata = at + RECORD_HEADER_LEN, .rdlen = rdlen, .is_kept = true};
        at += value_octets(rdlen);
    }
    if (vs->n > 0)
        claims_get(claims_of(row) + sizeof(uint32_t), vs, name_created_s(entry_of(row)));
}

void row_link(const struct node *row, struct value_set *vs)
{
    const uint8_t *at = node_name(row) + row->name_len;

    for (size_t i = vs->n; i-- > 0;) {
        vs->values[i].rdata = at + RECORD_HEADER_LEN;
        vs->values[i].is_kept = true;
        at += value_octets(vs->values[i].rdlen);
    }
    vs->kept_records = vs->n > 0 ? node_name(row) + row->name_len : NULL;
    vs->kept_claims = vs->n > 0 ? claims_of(row) + sizeof(uint32_t) : NULL;
}

void row_read(const struct node *row, struct row_spec *out)
{
    const uint8_t *domains;
    struct extra extra = extra_of(row, &domains);

    *out = (struct row_spec){
        .id = row->id,
        .account = row->account,
        .zone = row->zone,
        .expiry_place = row_expiry_place(row),
        .created_s = extra.created_s,
        .retired_s = extra.retired_s,
        .subtree = (row->row_flags & ROW_SUBTREE) != 0,
        .n_domains = extra.n_domains,
        .domains_len = extra.domains_len,
        .domains = (const char *)domains,
        .labels = node_name(row),
        .cased = row_cased_labels(row),
        .labels_len = row->name_len,
    };
}

/* ---- for those outside, who know it as struct name_entry ---- */

uint32_t name_id(const struct name_entry *n)
{
    return row_of(n)->id;
}

uint32_t name_account(const struct name_entry *n)
{
    return row_of(n)->account;
}

uint32_t name_zone(const struct name_entry *n)
{
    return zone_of_table_id(row_of(n)->zone);
}

int64_t name_created_s(const struct name_entry *n)
{
    const uint8_t *behind;

    return extra_of(row_of(n), &behind).created_s;
}

int64_t name_retired_s(const struct name_entry *n)
{
    const uint8_t *behind;

    return (row_of(n)->row_flags & ROW_EXTRA) != 0 ? extra_of(row_of(n), &behind).retired_s : 0;
}

bool name_has_subtree(const struct name_entry *n)
{
    return (row_of(n)->row_flags & ROW_SUBTREE) != 0;
}

size_t name_n_domains(const struct name_entry *n)
{
    const uint8_t *behind;

    return extra_of(row_of(n), &behind).n_domains;
}

const char *name_domain(const struct name_entry *n, size_t i)
{
    const uint8_t *at;

    (void)extra_of(row_of(n), &at);
    for (; i > 0; i--)
        at += strlen((const char *)at) + 1;
    return (const char *)at;
}

uint32_t name_n_values(const struct name_entry *n)
{
    return row_of(n)->n_sets > 0 ? row_of(n)->sets[0].count : 0u;
}

uint32_t name_octets(const struct name_entry *n)
{
    return records_len(row_of(n));
}
