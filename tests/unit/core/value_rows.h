/* tests/unit/core/value_rows.h -- short ways to add claims to a value set. */
#ifndef TESTS_CORE_VALUE_ROWS_H
#define TESTS_CORE_VALUE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/value_set.h"

struct spec { /* of one claim */
    uint32_t credential;
    uint32_t slot;
    uint64_t order;
    uint8_t network; /* 192.0.2.network */
    bool pinned;
    const char *text;
};

#define KEPT_MAX 1500

/* The rdata of a text, which stays: a set does not own its values' octets. */
static inline struct rdata kept_rdata(const char *text)
{
    static uint8_t kept[KEPT_MAX][600];
    static struct rdata rdatas[KEPT_MAX];
    uint8_t rdata[600];
    uint16_t len = (uint16_t)value_encode_text(rdata, text, strlen(text));
    size_t i = 0;

    while (rdatas[i].bytes != NULL && (rdatas[i].len != len || memcmp(rdatas[i].bytes, rdata, len) != 0))
        i++;
    assert_in_range(i, 0, KEPT_MAX - 2);
    memcpy(kept[i], rdata, len);
    rdatas[i] = (struct rdata){.bytes = kept[i], .len = len};
    return rdatas[i];
}

static inline struct effect_claim claim_of(const struct spec *s)
{
    return (struct effect_claim){
        .name = 1,
        .credential = s->credential,
        .slot = s->slot,
        .order = s->order,
        .added_s = (int64_t)s->order,
        .network = {.family = ADDR_V4, .b = {192, 0, 2, s->network}},
        .pinned = s->pinned,
        .rdata = kept_rdata(s->text),
    };
}

static inline enum err try_add(struct value_set *vs, struct spec s, bool *changed)
{
    struct effect_claim c = claim_of(&s);

    return value_set_add(vs, &c, changed);
}

static inline bool add(struct value_set *vs, struct spec s)
{
    bool changed = false;

    assert_int_equal(try_add(vs, s, &changed), ERR_OK);
    return changed;
}

static inline struct value *find(const struct value_set *vs, const char *text)
{
    uint8_t rdata[600];

    return value_set_find(vs, rdata, value_encode_text(rdata, text, strlen(text)));
}

/* "a b c" for the values' texts, oldest first. */
static inline void assert_texts(const struct value_set *vs, const char *expected)
{
    char got[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < vs->n; i++) {
        at += value_decode_text(got + at, vs->values[i].rdata, vs->values[i].rdlen);
        got[at++] = ' ';
    }
    got[at > 0 ? at - 1 : 0] = '\0';
    assert_string_equal(got, expected);
}

#endif
