/* A claim is: two octets of marks, its slot, the position of its order, and, each only when the marks say so,
 * credential, place of its order, when it was added, its lifetime and the address. Most claims of a name come from
 * the same client one after the other, and nearly all live equally long: so numbers are differences to the claim
 * before (but for slot and place), and what is the same is left out. The marks also say which claim is the last of
 * its value. An ordinary claim of an IPv4 client takes 15 to 22 octets, each further one of the same client 5 to 9.
 */
#include "core/claim_codec.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define PLACE_BITS 16 /* of an order: the place in its entry; the rest is the position of that */

/* Of the first octet. */
#define HEAD_DOOR_MASK 0x07
#define HEAD_PINNED    0x08
#define HEAD_LAST      0x10 /* of its value */
#define HEAD_ADDRESS   5    /* its kind is above */

/* Of the second: these are there. */
#define HAS_CREDENTIAL 0x01
#define HAS_PLACE      0x02
#define HAS_ADDED      0x04
#define HAS_LIFETIME   0x08

enum address_kind { ADDRESS_NONE, ADDRESS_LOCAL, ADDRESS_V4, ADDRESS_V6, ADDRESS_V6_HALF, ADDRESS_SAME };

#define V6_HALF 8 /* octets; the network of a client is kept, the rest is zeros */

#define CLAIM_MAX (2 + 6 * VARINT_MAX + sizeof((struct addr){0}.b))

_Static_assert(CLAIM_MAX <= UINT8_MAX, "the length of a claim has 8 bits");

_Static_assert(DOOR_COUNT <= HEAD_DOOR_MASK + 1, "the head has room for all doors");

/* ---- numbers ---- */

uint8_t *varint_put(uint8_t *at, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *at++ = (uint8_t)(v | 0x80);
    *at++ = (uint8_t)v;
    return at;
}

const uint8_t *varint_get(const uint8_t *at, uint64_t *out)
{
    uint64_t v = *at & 0x7f;

    for (unsigned shift = 7; (*at++ & 0x80) != 0; shift += 7)
        v |= (uint64_t)(*at & 0x7f) << shift;
    *out = v;
    return at;
}

/* Differences, of either sign, modulo 2^64: small ones are short. */
static uint64_t difference(uint64_t from, uint64_t to)
{
    uint64_t d = to - from;

    return d << 1 ^ (0 - (d >> 63));
}

static uint64_t differing(uint64_t from, uint64_t difference)
{
    return from + (difference >> 1 ^ (0 - (difference & 1)));
}

/* ---- addresses ---- */

static enum address_kind kind_of(const struct addr *a, const struct addr *before)
{
    static const uint8_t zeros[V6_HALF] = {0};

    if (memcmp(a, before, sizeof *a) == 0)
        return ADDRESS_SAME;
    switch (a->family) {
    case ADDR_LOCAL:
        return ADDRESS_LOCAL;
    case ADDR_V4:
        return ADDRESS_V4;
    case ADDR_V6:
        return memcmp(a->b + V6_HALF, zeros, V6_HALF) == 0 ? ADDRESS_V6_HALF : ADDRESS_V6;
    default:
        return ADDRESS_NONE;
    }
}

/* Not of ADDRESS_SAME. */
static const struct {
    uint8_t family;
    uint8_t octets;
} addresses[] = {
    [ADDRESS_NONE] = {ADDR_NONE, 0}, [ADDRESS_LOCAL] = {ADDR_LOCAL, 0},      [ADDRESS_V4] = {ADDR_V4, 4},
    [ADDRESS_V6] = {ADDR_V6, 16},    [ADDRESS_V6_HALF] = {ADDR_V6, V6_HALF},
};

static uint8_t *address_put(uint8_t *at, const struct addr *a, enum address_kind kind)
{
    if (kind == ADDRESS_SAME)
        return at;
    memcpy(at, a->b, addresses[kind].octets);
    return at + addresses[kind].octets;
}

/* *a begins as the address of the claim before. */
static const uint8_t *address_get(const uint8_t *at, struct addr *a, unsigned kind)
{
    if (kind == ADDRESS_SAME)
        return at;
    *a = (struct addr){.family = addresses[kind].family};
    memcpy(a->b, at, addresses[kind].octets);
    return at + addresses[kind].octets;
}

/* ---- claims ---- */

#define PLACE_MASK ((UINT64_C(1) << PLACE_BITS) - 1)

static uint64_t lifetime_of(const struct claim *c)
{
    return (uint64_t)c->expires_s - (uint64_t)c->added_s;
}

/* What the first claim is a difference to. */
static struct claim claim_before(int64_t near_s)
{
    return (struct claim){.added_s = near_s, .expires_s = near_s};
}

static uint8_t *claim_put(uint8_t *at, const struct claim *c, const struct claim *before, bool is_last)
{
    enum address_kind kind = kind_of(&c->network, &before->network);
    uint64_t credential = difference(before->credential, c->credential);
    uint64_t place = c->order & PLACE_MASK;
    uint64_t added = difference((uint64_t)before->added_s, (uint64_t)c->added_s);
    uint64_t lifetime = difference(lifetime_of(before), lifetime_of(c));

    *at++ = (uint8_t)(c->door | (c->pinned ? HEAD_PINNED : 0) | (is_last ? HEAD_LAST : 0) |
                      (unsigned)kind << HEAD_ADDRESS);
    *at++ = (uint8_t)((credential != 0 ? HAS_CREDENTIAL : 0) | (place != 0 ? HAS_PLACE : 0) |
                      (added != 0 ? HAS_ADDED : 0) | (lifetime != 0 ? HAS_LIFETIME : 0));
    at = varint_put(at, c->slot);
    at = varint_put(at, difference(before->order >> PLACE_BITS, c->order >> PLACE_BITS));
    if (credential != 0)
        at = varint_put(at, credential);
    if (place != 0)
        at = varint_put(at, place);
    if (added != 0)
        at = varint_put(at, added);
    if (lifetime != 0)
        at = varint_put(at, lifetime);
    return address_put(at, &c->network, kind);
}

/* What is not as in the claim before, as which *c begins. */
static const uint8_t *differences_get(const uint8_t *at, uint8_t has, struct claim *c)
{
    uint64_t credential = 0, place = 0, added = 0, lifetime = 0;

    if ((has & HAS_CREDENTIAL) != 0)
        at = varint_get(at, &credential);
    if ((has & HAS_PLACE) != 0)
        at = varint_get(at, &place);
    if ((has & HAS_ADDED) != 0)
        at = varint_get(at, &added);
    if ((has & HAS_LIFETIME) != 0)
        at = varint_get(at, &lifetime);
    lifetime = differing(lifetime_of(c), lifetime);
    added = differing((uint64_t)c->added_s, added);
    c->credential = (uint32_t)differing(c->credential, credential);
    c->order |= place;
    c->added_s = (int64_t)added;
    c->expires_s = (int64_t)(added + lifetime);
    return at;
}

static const uint8_t *claim_get(const uint8_t *at, struct claim *c, const struct claim *before, bool *is_last)
{
    uint8_t head = *at++;
    uint8_t has = *at++;
    uint64_t slot, position;

    at = varint_get(at, &slot);
    at = varint_get(at, &position);
    *c = *before;
    c->slot = (uint32_t)slot;
    c->order = differing(before->order >> PLACE_BITS, position) << PLACE_BITS;
    if (has != 0)
        at = differences_get(at, has, c);
    c->door = head & HEAD_DOOR_MASK;
    c->pinned = (head & HEAD_PINNED) != 0;
    *is_last = (head & HEAD_LAST) != 0;
    return address_get(at, &c->network, head >> HEAD_ADDRESS);
}

size_t claims_room(const struct value_set *vs)
{
    return vs->n_claims * CLAIM_MAX;
}

/* Where the claims that are copied next begin and end in what is kept. */
struct run {
    uint32_t from, to;
};

static uint8_t *run_put(uint8_t *at, const struct value_set *vs, const struct run *run)
{
    size_t len = run->to - run->from;

    if (len > 0)
        memcpy(at, vs->kept_claims + run->from, len);
    return at + len;
}

/* Whether it can be copied: it is the same, and so is the claim before it, of which it was the next one. */
static bool is_kept(const struct value_set *vs, const struct claim *c, uint32_t kept_end, bool is_last)
{
    return c->kept_at == kept_end && c->kept_len > 0 && vs->kept_claims != NULL &&
           ((vs->kept_claims[kept_end] & HEAD_LAST) != 0) == is_last;
}

uint8_t *claims_put(uint8_t *at, struct value_set *vs, int64_t near_s)
{
    const uint8_t *begin = at;
    struct claim first = claim_before(near_s);
    const struct claim *before = &first;
    uint32_t kept_end = 0; /* of the claim before; the first one begins at 0 */
    struct run run = {0, 0};

    for (size_t i = vs->n; i-- > 0;) {
        struct claim *c = vs->values[i].claims;
        const struct claim *last = c + vs->values[i].n_claims - 1;

        for (; c <= last; before = c++) {
            bool can_copy = is_kept(vs, c, kept_end, c == last);
            const uint8_t *here = at + (run.to - run.from);

            kept_end = c->kept_len > 0 ? c->kept_at + c->kept_len : UINT32_MAX;
            if (can_copy && run.to == c->kept_at) {
                run.to = kept_end;
            } else if (can_copy) {
                at = run_put(at, vs, &run);
                run = (struct run){c->kept_at, kept_end};
            } else {
                at = run_put(at, vs, &run);
                run = (struct run){0, 0};
                at = claim_put(at, c, before, c == last);
                c->kept_len = (uint8_t)(at - here);
            }
            c->kept_at = (uint32_t)(here - begin);
        }
    }
    return run_put(at, vs, &run);
}

void claims_get(const uint8_t *at, struct value_set *vs, int64_t near_s)
{
    struct claim first = claim_before(near_s);
    const struct claim *before = &first;
    const uint8_t *begin = at;
    struct claim *c = vs->claims;
    uint32_t n_pinned = 0;

    for (size_t i = vs->n; i-- > 0;) {
        struct value *v = &vs->values[i];

        v->claims = c;
        v->n_claims = 0;
        for (bool is_last = false; !is_last; before = c++) {
            const uint8_t *here = at;

            assert(c < vs->claims + vs->cap_claims);
            at = claim_get(here, c, before, &is_last);
            c->kept_at = (uint32_t)(here - begin);
            c->kept_len = (uint8_t)(at - here);
            n_pinned += c->pinned ? 1u : 0u;
            v->n_claims++;
        }
    }
    vs->n_claims = (uint32_t)(c - vs->claims);
    vs->n_pinned = n_pinned;
    vs->kept_claims = begin;
}
