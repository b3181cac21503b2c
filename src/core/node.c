/* Nodes: what there is at one owner name, as it goes onto the wire. */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/name_row.h"
#include "core/octets.h"
#include "core/table_internal.h"

#define QUESTION_POINTER 0xc00c /* to octet 12, where the question's name begins: RFC 1035 section 4.1.4 */
#define RECORD_FIXED_LEN 10     /* type, class, TTL and RDLENGTH */
#define RRSET_MAX        65535
#define SETS_MAX         UINT8_MAX

static uint8_t *put_u16(uint8_t *at, uint16_t v)
{
    v = htobe16(v);
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

static uint8_t *put_u32(uint8_t *at, uint32_t v)
{
    v = htobe32(v);
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

/* What follows a record's owner. */
static uint8_t *put_rest(uint8_t *at, uint16_t type, uint32_t ttl_s, const struct rdata *rdata)
{
    at = put_u16(at, type);
    at = put_u16(at, CLASS_IN);
    at = put_u32(at, ttl_s);
    at = put_u16(at, rdata->len);
    return put_bytes(at, rdata->bytes, rdata->len);
}

uint8_t *record_put(uint8_t *at, uint16_t type, uint32_t ttl_s, const struct rdata *rdata)
{
    at = put_u16(at, QUESTION_POINTER);
    return put_rest(at, type, ttl_s, rdata);
}

/* ---- sizes ---- */

/* Behind the records, of the additional ones. */
struct additional {
    uint16_t len; /* octets */
    uint16_t count;
};

static struct additional additional_at(const uint8_t *at)
{
    struct additional a;

    memcpy(&a, at, sizeof a);
    return a;
}

size_t node_data_len(const struct node *n)
{
    size_t len = 0;

    for (size_t i = 0; i < n->n_sets; i++)
        len += n->sets[i].len;
    if ((n->flags & NODE_ADDITIONAL) != 0)
        len += sizeof(struct additional) + additional_at(node_name(n) + n->name_len + len).len;
    return len;
}

size_t node_rest(size_t name_len, size_t data_len)
{
    return name_len + data_len < OCTETS_STEP ? OCTETS_STEP : name_len + data_len;
}

static size_t block_size(size_t n_sets, size_t name_len, size_t data_len)
{
    return sizeof(struct node) + n_sets * sizeof(struct node_set) + node_rest(name_len, data_len);
}

size_t node_size(const struct node *n)
{
    return n->id != 0 ? row_size(n) : block_size(n->n_sets, n->name_len, node_data_len(n));
}

size_t node_footprint(const struct node *n)
{
    /* glibc: 8 octets a block, multiples of 16. */
    return n->id != 0 ? (node_size(n) + 7) / 8 * 8 : (node_size(n) + 8 + 15) / 16 * 16;
}

/* ---- making ---- */

static enum err measure_set(struct node_set *out, const struct rrset *set)
{
    size_t len = 0;

    if (set->n > UINT16_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < set->n; i++) {
        len += RECORD_HEADER_LEN + set->rdatas[i].len;
        if (len > RRSET_MAX)
            return ERR_RANGE;
    }
    *out = (struct node_set){.len = (uint32_t)len, .type = set->type, .count = (uint16_t)set->n};
    return ERR_OK;
}

static enum err measure_additional(struct additional *out, const struct node_spec *spec)
{
    size_t len = 0;

    for (size_t i = 0; i < spec->n_additional; i++) {
        const struct record *r = &spec->additional[i];
        len += r->owner.len + RECORD_FIXED_LEN + (size_t)r->rdata.len;
        if (len > RRSET_MAX)
            return ERR_RANGE;
    }
    *out = (struct additional){.len = (uint16_t)len, .count = (uint16_t)spec->n_additional};
    return ERR_OK;
}

/* The sets in the order in which they are put: without those that have no records, as there is no such RRset; that
 * of NS last, since what is additional belongs to it. */
static enum err order_sets(const struct rrset *order[SETS_MAX], size_t *n, const struct node_spec *spec)
{
    const struct rrset *ns = NULL;

    *n = 0;
    for (size_t i = 0; i < spec->n_sets; i++) {
        if (spec->sets[i].n == 0)
            continue;
        if (spec->sets[i].type == RR_NS && ns == NULL)
            ns = &spec->sets[i];
        else if (*n == SETS_MAX - 1) /* one is for NS */
            return ERR_RANGE;
        else
            order[(*n)++] = &spec->sets[i];
    }
    if (ns != NULL)
        order[(*n)++] = ns;
    return ERR_OK;
}

/* Octets of the records of all sets, whose heads are filled in. */
static enum err measure(struct node_set sets[SETS_MAX], const struct rrset *const order[], size_t n, size_t *data)
{
    enum err e = ERR_OK;

    *data = 0;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        e = measure_set(&sets[i], order[i]);
        if (e == ERR_OK)
            *data += sets[i].len;
    }
    return e;
}

static uint8_t *put_additional(uint8_t *at, const struct additional *head, const struct node_spec *spec)
{
    at = put_bytes(at, head, sizeof *head);
    for (size_t i = 0; i < spec->n_additional; i++) {
        const struct record *r = &spec->additional[i];
        at = put_bytes(at, r->owner.b, r->owner.len);
        at = put_rest(at, r->type, r->ttl_s, &r->rdata);
    }
    return at;
}

enum err node_new(struct node **out, const struct node_spec *spec)
{
    const struct rrset *order[SETS_MAX];
    struct node_set sets[SETS_MAX];
    struct node head = {.zone = spec->zone, .name_len = spec->owner->len, .flags = (uint8_t)spec->flags};
    struct additional additional = {.len = 0};
    struct name owner = *spec->owner;
    struct node *n;
    size_t n_sets = 0, data = 0;
    uint8_t *at;
    enum err e;

    assert(spec->owner->len > 0 && spec->flags < NODE_ADDITIONAL);
    e = order_sets(order, &n_sets, spec);
    if (e == ERR_OK)
        e = measure(sets, order, n_sets, &data);
    if (e == ERR_OK)
        e = measure_additional(&additional, spec);
    if (e != ERR_OK)
        return e;
    head.n_sets = (uint8_t)n_sets;
    if (additional.count > 0 && n_sets > 0 && sets[n_sets - 1].type == RR_NS) {
        head.flags |= NODE_ADDITIONAL;
        data += sizeof additional + additional.len;
    }
    n = malloc(block_size(n_sets, head.name_len, data));
    if (n == NULL)
        return ERR_MEMORY;
    memcpy(n, &head, sizeof head);
    name_fold(&owner);
    at = put_bytes((uint8_t *)n->sets, sets, n_sets * sizeof sets[0]);
    at = put_bytes(at, owner.b, owner.len);
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < order[i]->n; j++)
            at = record_put(at, order[i]->type, order[i]->ttl_s, &order[i]->rdatas[j]);
    if ((head.flags & NODE_ADDITIONAL) != 0)
        at = put_additional(at, &additional, spec);
    assert(at == node_name(n) + n->name_len + data);
    *out = n;
    return ERR_OK;
}

void node_free(struct node *n)
{
    free(n);
}

struct node *node_new_trimmed(const struct node *staged, size_t name_len)
{
    size_t data = node_data_len(staged);
    struct node *n = malloc(block_size(staged->n_sets, name_len, data));
    uint8_t *at;

    if (n == NULL)
        return NULL;
    memcpy(n, staged, sizeof *n + staged->n_sets * sizeof n->sets[0]);
    n->name_len = (uint8_t)name_len;
    at = put_bytes((uint8_t *)&n->sets[n->n_sets], node_name(staged), name_len);
    put_bytes(at, node_name(staged) + staged->name_len, data);
    return n;
}

struct node *node_new_empty(const struct name *owner, size_t name_len, uint32_t zone)
{
    struct node *n = malloc(block_size(0, name_len, 0));

    if (n == NULL)
        return NULL;
    *n = (struct node){.zone = zone, .name_len = (uint8_t)name_len, .flags = NODE_EMPTY};
    put_bytes((uint8_t *)n->sets, owner->b, name_len);
    return n;
}

/* ---- names ---- */

void node_owner(const struct node *n, const struct table_zone *z, struct name *out)
{
    uint8_t wire[NAME_MAX_LEN];

    memcpy(wire, node_name(n), n->name_len);
    memcpy(wire + n->name_len, z->apex.b, z->apex.len);
    name_set(out, wire, (size_t)n->name_len + z->apex.len);
}

/* ---- reading ---- */

/* A set of the node, whose records begin at data. */
static inline void give_set(const struct node *n, const struct node_set *set, const uint8_t *data,
                            struct answer_set *out)
{
    *out = (struct answer_set){.records = data, .len = set->len, .count = set->count, .type = set->type};
    if (set->type == RR_NS && (n->flags & NODE_ADDITIONAL) != 0) {
        struct additional additional = additional_at(data + set->len);

        out->additional = data + set->len + sizeof additional;
        out->additional_len = additional.len;
        out->additional_count = additional.count;
    }
}

static inline bool find_own_set(const struct node *n, uint16_t type, struct answer_set *out)
{
    const uint8_t *data = node_name(n) + n->name_len;

    for (const struct node_set *set = n->sets; set < n->sets + n->n_sets; set++) {
        if (set->type == type) {
            give_set(n, set, data, out);
            return true;
        }
        data += set->len;
    }
    return false;
}

static bool give_soa(const struct table_zone *z, struct answer_set *out)
{
    *out = (struct answer_set){.records = z->records, .len = z->soa_len, .count = 1, .type = RR_SOA};
    return true;
}

static bool give_challenge_caa(const struct table_zone *z, struct answer_set *out)
{
    *out = (struct answer_set){
        .records = z->records + z->soa_len, .len = z->caa_len, .count = z->caa_count, .type = RR_CAA};
    return z->caa_count > 0;
}

bool node_find_set(const struct table *t, const struct node *n, uint16_t type, struct answer_set *out)
{
    if (find_own_set(n, type, out))
        return true;
    if (type == RR_CAA && (n->flags & NODE_CHALLENGE) != 0)
        return give_challenge_caa(table_node_zone(t, n), out);
    if (type == RR_SOA && (n->flags & NODE_APEX) != 0)
        return give_soa(table_node_zone(t, n), out);
    return false;
}

bool node_any_set(const struct table *t, const struct node *n, struct answer_set *out)
{
    if (find_own_set(n, RR_TXT, out))
        return true;
    if (n->n_sets > 0) {
        give_set(n, &n->sets[0], node_name(n) + n->name_len, out);
        return true;
    }
    return node_find_set(t, n, RR_SOA, out) || node_find_set(t, n, RR_CAA, out);
}

struct answer_ready node_ready(const struct node *n, const struct table_zone *z, uint16_t type)
{
    const uint8_t *data = node_name(n) + n->name_len;

    for (const struct node_set *set = n->sets; set < n->sets + n->n_sets; set++) {
        if (set->type == type)
            return (struct answer_ready){
                .records = type == RR_NS && (n->flags & NODE_ADDITIONAL) != 0 ? NULL : data,
                .len = set->len,
                .answers = set->count,
            };
        if (set->type == RR_CNAME)
            return (struct answer_ready){.records = NULL};
        data += set->len;
    }
    if (type == RR_CAA && (n->flags & NODE_CHALLENGE) != 0 && z->caa_count > 0)
        return (struct answer_ready){
            .records = z->records + z->soa_len, .len = z->caa_len, .answers = z->caa_count};
    if (type == RR_SOA && (n->flags & NODE_APEX) != 0)
        return (struct answer_ready){.records = z->records, .len = z->soa_len, .answers = 1};
    return zone_ready_negative(z);
}

unsigned node_flags(const struct node *n)
{
    return n->flags & ~(unsigned)(NODE_EMPTY | NODE_ADDITIONAL);
}
