/* Zones as readers see them, and how the one of longest match is found. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/table_internal.h"

#define SOA_NUMBERS_LEN 20 /* serial, refresh, retry, expire, minimum: RFC 1035 section 3.3.13 */
#define SOA_RDATA_MAX   (2 * NAME_MAX_LEN + SOA_NUMBERS_LEN)

/* ---- one zone ---- */

static size_t soa_encode(uint8_t out[SOA_RDATA_MAX], const struct soa *soa, uint32_t serial)
{
    struct wire_writer w;

    wire_writer_init(&w, out, SOA_RDATA_MAX);
    wire_put_bytes(&w, soa->mname.b, soa->mname.len);
    wire_put_bytes(&w, soa->rname.b, soa->rname.len);
    wire_put_u32(&w, serial);
    wire_put_u32(&w, soa->refresh_s);
    wire_put_u32(&w, soa->retry_s);
    wire_put_u32(&w, soa->expire_s);
    wire_put_u32(&w, soa->minimum_s);
    assert(w.err == ERR_OK);
    return w.len;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

enum err table_zone_new(struct table_zone **out, const struct table_zone_spec *spec)
{
    const struct rrset *caa = &spec->challenge_caa;
    uint8_t soa_rdata[SOA_RDATA_MAX];
    struct rdata soa = {.bytes = soa_rdata, .len = (uint16_t)soa_encode(soa_rdata, spec->soa, spec->serial)};
    size_t caa_len = 0;
    struct table_zone *z;
    uint8_t *at;

    for (size_t i = 0; i < caa->n; i++)
        caa_len += RECORD_HEADER_LEN + (size_t)caa->rdatas[i].len;
    if (caa_len > UINT16_MAX)
        return ERR_RANGE;
    z = malloc(sizeof *z + RECORD_HEADER_LEN + soa.len + caa_len);
    if (z == NULL)
        return ERR_MEMORY;
    *z = (struct table_zone){.id = spec->id,
                             .serial = spec->serial,
                             .negative_ttl_s = min_u32(spec->soa->ttl_s, spec->soa->minimum_s),
                             .soa_len = RECORD_HEADER_LEN + (uint32_t)soa.len,
                             .caa_len = (uint32_t)caa_len,
                             .caa_count = (uint16_t)caa->n};
    name_set(&z->apex, spec->apex->b, spec->apex->len);
    name_fold(&z->apex);
    at = record_put(z->records, RR_SOA, spec->soa->ttl_s, &soa);
    for (size_t i = 0; i < caa->n; i++)
        at = record_put(at, RR_CAA, caa->ttl_s, &caa->rdatas[i]);
    *out = z;
    return ERR_OK;
}

void table_zone_negative(const struct table_zone *z, struct zone_negative *out)
{
    *out = (struct zone_negative){.soa_rdata = z->records + RECORD_HEADER_LEN,
                                  .soa_rdata_len = (uint16_t)(z->soa_len - RECORD_HEADER_LEN),
                                  .ttl_s = z->negative_ttl_s,
                                  .apex_len = z->apex.len};
}

struct answer_ready zone_ready_negative(const struct table_zone *z)
{
    return (struct answer_ready){.records = z->records, .len = z->soa_len, .authorities = 1};
}

uint32_t table_zone_serial(const struct table_zone *z)
{
    return z->serial;
}

uint32_t table_zone_id(const struct table_zone *z)
{
    return z->id;
}

/* ---- all of them ---- */

struct zone_index *zone_index_new(uint32_t n_ids, uint32_t n_zones)
{
    size_t hash_size = 4;
    struct zone_index *x;

    while (hash_size < 2 * (size_t)n_zones)
        hash_size *= 2;
    x = calloc(1, sizeof *x + n_ids * sizeof x->by_id[0] + hash_size * sizeof x->hash[0]);
    if (x == NULL)
        return NULL;
    x->n_ids = n_ids;
    x->hash_mask = (uint32_t)(hash_size - 1);
    x->by_id = (struct zone_ref *)(x + 1);
    x->hash = (uint32_t *)(x->by_id + n_ids);
    return x;
}

struct table_zone *zone_index_get(const struct zone_index *x, uint32_t id)
{
    return id < x->n_ids ? atomic_load_explicit(&x->by_id[id].zone, memory_order_acquire) : NULL;
}

void zone_index_add(struct zone_index *x, const struct table *t, struct table_zone *z)
{
    uint32_t at = (uint32_t)table_hash(t, &z->apex) & x->hash_mask;

    while (x->hash[at] != 0)
        at = (at + 1) & x->hash_mask;
    x->hash[at] = z->id + 1;
    x->lens[z->apex.len / 64] |= UINT64_C(1) << z->apex.len % 64;
    x->n_zones++;
    atomic_store_explicit(&x->by_id[z->id].zone, z, memory_order_release);
}

/* The zone whose apex is the suffix of *folded that begins at pos. */
static const struct table_zone *find_apex(const struct table *t, const struct zone_index *x,
                                          const struct name *folded, size_t pos)
{
    size_t len = folded->len - pos;
    uint32_t at = (uint32_t)name_hash(&t->key, folded->b + pos, len) & x->hash_mask;

    for (; x->hash[at] != 0; at = (at + 1) & x->hash_mask) {
        const struct table_zone *z = zone_index_get(x, x->hash[at] - 1);
        if (z != NULL && z->apex.len == len && memcmp(z->apex.b, folded->b + pos, len) == 0)
            return z;
    }
    return NULL;
}

const struct table_zone *table_find_zone(const struct table *t, const struct name *folded)
{
    const struct zone_index *x = atomic_load_explicit(&t->zones, memory_order_acquire);

    /* From the whole name upwards, so that the first apex found is the longest. */
    for (size_t pos = 0;; pos += 1u + folded->b[pos]) {
        size_t len = folded->len - pos;

        if ((x->lens[len / 64] >> len % 64 & 1) != 0) {
            const struct table_zone *z = find_apex(t, x, folded, pos);
            if (z != NULL)
                return z;
        }
        if (len == 1)
            return NULL; /* that was the root */
    }
}

const struct table_zone *table_node_zone(const struct table *t, const struct node *n)
{
    return zone_index_get(atomic_load_explicit(&t->zones, memory_order_acquire), n->zone);
}
