/* tests/unit/core/table_fixture.h -- short ways to fill a table and to ask it; for the tests of core/table.h only.
 */
#ifndef TESTS_TABLE_FIXTURE_H
#define TESTS_TABLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "core/answer_set.h"
#include "core/name.h"
#include "core/rr.h"
#include "core/table.h"

static inline struct name name_of(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static inline int prepare_crypto(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static const struct siphash_key fixture_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static inline struct table *new_table(void)
{
    struct table *t = NULL;

    assert_int_equal(table_new(&t, &fixture_key), ERR_OK);
    return t;
}

static inline struct table_batch *new_batch(struct table *t)
{
    struct table_batch *b = NULL;

    assert_int_equal(table_batch_new(&b, t), ERR_OK);
    return b;
}

/* SOA TTL 0, MINIMUM 300; challenge CAA when caa is not NULL (its RDATA as a string). */
static inline enum err try_put_zone(struct table_batch *b, uint32_t id, const char *apex, uint32_t serial,
                                    const char *caa)
{
    struct name n = name_of(apex);
    struct soa soa = {.mname = name_of("ns1.example.net"),
                      .rname = name_of("admin.example.net"),
                      .refresh_s = 1,
                      .retry_s = 2,
                      .expire_s = 3,
                      .minimum_s = 300,
                      .ttl_s = 0};
    struct rdata rdata = {.bytes = (const uint8_t *)caa, .len = caa != NULL ? (uint16_t)strlen(caa) : 0};
    struct table_zone_spec spec = {.id = id, .apex = &n, .soa = &soa, .serial = serial};

    spec.challenge_caa = (struct rrset){.type = RR_CAA, .ttl_s = 7, .n = caa != NULL, .rdatas = &rdata};
    return table_batch_put_zone(b, &spec);
}

static inline void put_zone(struct table_batch *b, uint32_t id, const char *apex, uint32_t serial)
{
    assert_int_equal(try_put_zone(b, id, apex, serial, NULL), ERR_OK);
}

/* A node with TXT records of these RDATA strings; text NULL: a name without RRsets. */
static inline struct node *txt_node(uint32_t zone, const struct name *owner, unsigned flags, const char *text)
{
    struct rdata rdata = {.bytes = (const uint8_t *)text, .len = text != NULL ? (uint16_t)strlen(text) : 0};
    struct rrset set = {.type = RR_TXT, .n = 1, .rdatas = &rdata};
    struct node_spec spec = {.owner = owner, .zone = zone, .flags = flags, .sets = &set, .n_sets = text != NULL};
    struct node *n = NULL;

    assert_int_equal(node_new(&n, &spec), ERR_OK);
    return n;
}

static inline void put(struct table_batch *b, uint32_t zone, const char *owner, const char *text)
{
    struct name n = name_of(owner);

    assert_int_equal(table_batch_put(b, txt_node(zone, &n, 0, text)), ERR_OK);
}

static inline void take(struct table_batch *b, const char *owner)
{
    struct name n = name_of(owner);

    assert_int_equal(table_batch_remove(b, &n), ERR_OK);
}

static inline const struct node *find_name(const struct table *t, const struct name *folded)
{
    uint64_t hash = table_hash(t, folded);

    table_prefetch_node(table_prefetch(t, hash));
    return table_find(t, folded, hash);
}

static inline const struct node *find(const struct table *t, const char *owner)
{
    struct name n = name_of(owner);

    name_fold(&n);
    return find_name(t, &n);
}

static inline void assert_txt(const struct table *t, const char *owner, const char *text)
{
    const struct node *n = find(t, owner);
    struct answer_set set;

    assert_non_null(n);
    if (text == NULL) {
        assert_false(node_find_set(t, n, RR_TXT, &set));
        return;
    }
    assert_true(node_find_set(t, n, RR_TXT, &set));
    assert_int_equal(set.count, 1);
    assert_int_equal(set.len, 12 + strlen(text));
    assert_memory_equal(set.records + 12, text, strlen(text));
}

#endif
