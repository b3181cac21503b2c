/* A claim is: credential, slot, position and place of its order, added, expires, a head, the address. The position,
 * of which the order is made, is a difference to the claim before; claims that expire say when after they were
 * added. The head says which claim is the last of its value. An ordinary claim of an IPv4 client takes 15 to 21
 * octets. */
#include "core/claim_codec.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define PLACE_BITS 16 /* of an order: the place in its entry; the rest is the position of that */

/* Of the head. */
#define HEAD_DOOR_MASK 0x07
#define HEAD_PINNED    0x08
#define HEAD_LAST      0x10 /* of its value */
#define HEAD_ADDRESS   5    /* its kind is above */

enum address_kind { ADDRESS_NONE, ADDRESS_LOCAL, ADDRESS_V4, ADDRESS_V6, ADDRESS_V6_HALF };

#define V6_HALF 8 /* octets; the network of a client is kept, the rest is zeros */

#define CLAIM_MAX (6 * VARINT_MAX + 1 + sizeof((struct addr){0}.b))

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
    uint64_t v = 0;
    unsigned shift = 0;

    for (; (*at & 0x80) != 0; shift += 7)
        v |= (uint64_t)(*at++ & 0x7f) << shift;
    *out = v | (uint64_t)*at++ << shift;
    return at;
}

/* Differences, of either sign, modulo 2^64: small ones are short. */
static uint8_t *difference_put(uint8_t *at, uint64_t from, uint64_t to)
{
    uint64_t d = to - from;

    return varint_put(at, d << 1 ^ (0 - (d >> 63)));
}

static const uint8_t *difference_get(const uint8_t *at, uint64_t from, uint64_t *to)
{
    uint64_t v;

    at = varint_get(at, &v);
    *to = from + (v >> 1 ^ (0 - (v & 1)));
    return at;
}

static const uint8_t *u32_get(const uint8_t *at, uint32_t *out)
{
    uint64_t v;

    at = varint_get(at, &v);
    *out = (uint32_t)v;
    return at;
}

/* ---- addresses ---- */

static enum address_kind kind_of(const struct addr *a)
{
    static const uint8_t zeros[V6_HALF] = {0};

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

static const struct {
    uint8_t family;
    uint8_t octets;
} addresses[] = {
    [ADDRESS_NONE] = {ADDR_NONE, 0}, [ADDRESS_LOCAL] = {ADDR_LOCAL, 0},      [ADDRESS_V4] = {ADDR_V4, 4},
    [ADDRESS_V6] = {ADDR_V6, 16},    [ADDRESS_V6_HALF] = {ADDR_V6, V6_HALF},
};

/* ---- claims ---- */

static uint8_t *claim_put(uint8_t *at, const struct claim *c, bool is_last, int64_t near_s, uint64_t *position)
{
    enum address_kind kind = kind_of(&c->network);

    at = varint_put(at, c->credential);
    at = varint_put(at, c->slot);
    at = difference_put(at, *position, c->order >> PLACE_BITS);
    at = varint_put(at, c->order & ((1u << PLACE_BITS) - 1));
    at = difference_put(at, (uint64_t)near_s, (uint64_t)c->added_s);
    at = difference_put(at, (uint64_t)c->added_s, (uint64_t)c->expires_s);
    *at++ = (uint8_t)(c->door | (c->pinned ? HEAD_PINNED : 0) | (is_last ? HEAD_LAST : 0) |
                      (unsigned)kind << HEAD_ADDRESS);
    memcpy(at, c->network.b, addresses[kind].octets);
    *position = c->order >> PLACE_BITS;
    return at + addresses[kind].octets;
}

static const uint8_t *claim_get(const uint8_t *at, struct claim *c, bool *is_last, int64_t near_s,
                                uint64_t *position)
{
    uint64_t place, added, expires;
    uint8_t head;

    *c = (struct claim){.credential = 0};
    at = u32_get(at, &c->credential);
    at = u32_get(at, &c->slot);
    at = difference_get(at, *position, position);
    at = varint_get(at, &place);
    at = difference_get(at, (uint64_t)near_s, &added);
    at = difference_get(at, added, &expires);
    head = *at++;
    c->order = *position << PLACE_BITS | place;
    c->added_s = (int64_t)added;
    c->expires_s = (int64_t)expires;
    c->door = head & HEAD_DOOR_MASK;
    c->pinned = (head & HEAD_PINNED) != 0;
    *is_last = (head & HEAD_LAST) != 0;
    c->network.family = addresses[head >> HEAD_ADDRESS].family;
    memcpy(c->network.b, at, addresses[head >> HEAD_ADDRESS].octets);
    return at + addresses[head >> HEAD_ADDRESS].octets;
}

size_t claims_room(const struct value_set *vs)
{
    return vs->n_claims * CLAIM_MAX;
}

uint8_t *claims_put(uint8_t *at, const struct value_set *vs, int64_t near_s)
{
    uint64_t position = 0;

    for (size_t i = vs->n; i-- > 0;) {
        const struct value *v = &vs->values[i];

        for (size_t k = 0; k < v->n_claims; k++)
            at = claim_put(at, &v->claims[k], k + 1 == v->n_claims, near_s, &position);
    }
    return at;
}

void claims_get(const uint8_t *at, struct value_set *vs, int64_t near_s)
{
    uint64_t position = 0;

    vs->n_claims = 0;
    for (size_t i = vs->n; i-- > 0;) {
        struct value *v = &vs->values[i];
        bool is_last = false;

        v->claims = vs->claims + vs->n_claims;
        while (!is_last) {
            assert(vs->n_claims < vs->cap_claims);
            at = claim_get(at, &vs->claims[vs->n_claims++], &is_last, near_s, &position);
        }
        v->n_claims = (uint32_t)(vs->claims + vs->n_claims - v->claims);
    }
}
