/* The claims of all values are one array, those of a value side by side and in their order, so that its age is the
 * order of the last. */
#include "core/value_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"

#define STRING_MAX 255 /* octets of one character-string, RFC 1035 section 3.3 */

/* ---- looking ---- */

/* The last octets of RDATA as a number: of most values they are others, and comparing them is no call. */
static uint64_t octets_at(const uint8_t *at)
{
    uint64_t octets;

    memcpy(&octets, at, sizeof octets);
    return octets;
}

static struct value *find_short(const struct value_set *vs, const uint8_t *rdata, size_t rdlen)
{
    for (size_t i = 0; i < vs->n; i++)
        if (vs->values[i].rdlen == rdlen && memcmp(vs->values[i].rdata, rdata, rdlen) == 0)
            return &vs->values[i];
    return NULL;
}

struct value *value_set_find(const struct value_set *vs, const uint8_t *rdata, size_t rdlen)
{
    uint64_t last;
    size_t at;

    if (rdlen < sizeof last)
        return find_short(vs, rdata, rdlen);
    at = rdlen - sizeof last;
    last = octets_at(rdata + at);
    for (size_t i = 0; i < vs->n; i++) {
        struct value *v = &vs->values[i];

        if (v->rdlen == rdlen && octets_at(v->rdata + at) == last && memcmp(v->rdata, rdata, at) == 0)
            return v;
    }
    return NULL;
}

static struct value *value_with(const struct value_set *vs, const struct claim *claim)
{
    struct value *v = vs->values;

    while (claim < v->claims || claim >= v->claims + v->n_claims)
        v++;
    return v;
}

struct claim *value_set_claim(const struct value_set *vs, uint32_t slot, struct value **on)
{
    for (size_t k = 0; k < vs->n_claims; k++) {
        struct claim *claim = &vs->claims[k];

        if (claim->slot != slot)
            continue;
        if (on != NULL)
            *on = value_with(vs, claim);
        return claim;
    }
    return NULL;
}

struct claim *value_claim_of(const struct value *v, uint32_t credential)
{
    for (size_t k = 0; k < v->n_claims; k++)
        if (v->claims[k].credential == credential)
            return &v->claims[k];
    return NULL;
}

/* The slots in use out of 64 from base on, as bits. */
static uint64_t slots_used(const struct value_set *vs, uint32_t base)
{
    uint64_t used = 0;

    for (size_t k = 0; k < vs->n_claims; k++)
        if (vs->claims[k].slot - base < 64) /* modulo 2^32: also when it is below */
            used |= UINT64_C(1) << (vs->claims[k].slot - base);
    return used;
}

uint32_t value_set_free_slot(const struct value_set *vs)
{
    for (uint32_t base = 0;; base += 64) { /* ends: there are fewer claims than numbers */
        uint64_t used = slots_used(vs, base);

        if (used != UINT64_MAX)
            return base + (uint32_t)__builtin_ctzll(~used);
    }
}

const struct claim *value_newest_claim(const struct value *v)
{
    return &v->claims[v->n_claims - 1];
}

bool value_is_pinned(const struct value *v)
{
    for (size_t k = 0; k < v->n_claims; k++)
        if (v->claims[k].pinned)
            return true;
    return false;
}

bool value_set_all_pinned(const struct value_set *vs)
{
    if (vs->n_pinned < vs->n)
        return false;
    for (size_t i = 0; i < vs->n; i++)
        if (!value_is_pinned(&vs->values[i]))
            return false;
    return vs->n > 0;
}

size_t value_set_pinned_values(const struct value_set *vs)
{
    size_t n = 0;

    for (size_t i = 0; i < vs->n && vs->n_pinned > 0; i++)
        n += value_is_pinned(&vs->values[i]) ? 1u : 0u;
    return n;
}

size_t value_set_pinned_octets(const struct value_set *vs)
{
    size_t octets = 0;

    for (size_t i = 0; i < vs->n && vs->n_pinned > 0; i++)
        if (value_is_pinned(&vs->values[i]))
            octets += value_octets(vs->values[i].rdlen);
    return octets;
}

/* ---- folding ---- */

void value_set_fini(struct value_set *vs)
{
    free(vs->values);
    free(vs->claims);
    free(vs->holders);
    *vs = (struct value_set){0};
}

void value_set_clear(struct value_set *vs)
{
    vs->n = 0;
    vs->n_claims = 0;
    vs->n_pinned = 0;
    vs->octets = 0;
    vs->kept_claims = NULL;
    vs->kept_records = NULL;
}

static enum err reserve_values(struct value_set *vs, uint32_t n)
{
    uint32_t cap = n + n / 2;
    struct value *grown;
    uint64_t *holders;

    if (n <= vs->cap_values)
        return ERR_OK;
    grown = reallocarray(vs->values, cap, sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    vs->values = grown;
    holders = reallocarray(vs->holders, cap, sizeof *holders);
    if (holders == NULL)
        return ERR_MEMORY;
    vs->holders = holders;
    vs->cap_values = cap;
    return ERR_OK;
}

static enum err reserve_claims(struct value_set *vs, uint32_t n)
{
    uint32_t cap = n + n / 2;
    struct claim *grown;

    if (n <= vs->cap_claims)
        return ERR_OK;
    grown = malloc(cap * sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    if (vs->n_claims > 0)
        memcpy(grown, vs->claims, vs->n_claims * sizeof *grown);
    for (size_t i = 0; i < vs->n; i++)
        vs->values[i].claims = grown + (vs->values[i].claims - vs->claims);
    free(vs->claims);
    vs->claims = grown;
    vs->cap_claims = cap;
    return ERR_OK;
}

enum err value_set_reserve(struct value_set *vs, uint32_t values, uint32_t claims)
{
    enum err e = reserve_values(vs, values);

    return e == ERR_OK ? reserve_claims(vs, claims) : e;
}

/* Make room for one at `at` of the claims, or close the gap there, and tell the values whose claims move. */
static void open_gap(struct value_set *vs, struct claim *at)
{
    memmove(at + 1, at, (size_t)(vs->claims + vs->n_claims - at) * sizeof *at);
    vs->n_claims++;
    for (size_t i = 0; i < vs->n; i++)
        if (vs->values[i].claims >= at)
            vs->values[i].claims++;
}

static void close_gap(struct value_set *vs, struct claim *at)
{
    vs->n_claims--;
    memmove(at, at + 1, (size_t)(vs->claims + vs->n_claims - at) * sizeof *at);
    for (size_t i = 0; i < vs->n; i++)
        if (vs->values[i].claims > at)
            vs->values[i].claims--;
}

/* Move the claim at k to where its order belongs. */
static void place_claim(struct value *v, size_t k)
{
    struct claim moved = v->claims[k];

    for (; k > 0 && v->claims[k - 1].order > moved.order; k--)
        v->claims[k] = v->claims[k - 1];
    for (; k + 1 < v->n_claims && v->claims[k + 1].order < moved.order; k++)
        v->claims[k] = v->claims[k + 1];
    v->claims[k] = moved;
}

static uint64_t value_order(const struct value *v)
{
    return value_newest_claim(v)->order;
}

/* Move the value at i to where its newest claim belongs. */
static void place_value(struct value_set *vs, size_t i)
{
    struct value moved = vs->values[i];
    uint64_t order = value_order(&moved);

    for (; i > 0 && value_order(&vs->values[i - 1]) > order; i--)
        vs->values[i] = vs->values[i - 1];
    for (; i + 1 < vs->n && value_order(&vs->values[i + 1]) < order; i++)
        vs->values[i] = vs->values[i + 1];
    vs->values[i] = moved;
}

static struct claim claim_of_effect(const struct effect_claim *c)
{
    return (struct claim){
        .credential = c->credential,
        .slot = c->slot,
        .order = c->order,
        .added_s = c->added_s,
        .expires_s = c->expires_s,
        .network = c->network,
        .door = c->door,
        .pinned = c->pinned,
    };
}

static void add_claim(struct value_set *vs, struct value *v, const struct effect_claim *c)
{
    vs->n_pinned += c->pinned ? 1u : 0u;
    open_gap(vs, v->claims + v->n_claims);
    v->claims[v->n_claims++] = claim_of_effect(c);
    place_claim(v, v->n_claims - 1);
    place_value(vs, (size_t)(v - vs->values));
}

static void add_value(struct value_set *vs, const struct effect_claim *c)
{
    struct value *v = &vs->values[vs->n++];

    vs->n_pinned += c->pinned ? 1u : 0u;
    *v = (struct value){
        .rdata = c->rdata.bytes, .rdlen = c->rdata.len, .claims = vs->claims + vs->n_claims++, .n_claims = 1};
    v->claims[0] = claim_of_effect(c);
    vs->octets += (uint32_t)value_octets(v->rdlen);
    place_value(vs, vs->n - 1);
}

enum err value_set_add(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed)
{
    struct value *on = NULL;
    struct value *v;
    struct claim *claim;

    *distinct_changed = false;
    if (!value_rdata_is_valid(c->rdata.bytes, c->rdata.len))
        return ERR_CORRUPT;
    if (value_set_reserve(vs, vs->n + 1, vs->n_claims + 1) != ERR_OK)
        return ERR_MEMORY;
    claim = value_set_claim(vs, c->slot, &on);
    v = value_set_find(vs, c->rdata.bytes, c->rdata.len);
    if (claim != NULL) {
        if (v != on || claim->credential != c->credential)
            return ERR_CORRUPT;
        vs->n_pinned += (c->pinned ? 1u : 0u) - (claim->pinned ? 1u : 0u);
        *claim = claim_of_effect(c);
        place_claim(on, (size_t)(claim - on->claims));
        place_value(vs, (size_t)(on - vs->values));
        return ERR_OK;
    }
    if (v == NULL) {
        *distinct_changed = true;
        add_value(vs, c);
        return ERR_OK;
    }
    if (value_claim_of(v, c->credential) != NULL)
        return ERR_CORRUPT;
    add_claim(vs, v, c);
    return ERR_OK;
}

static void drop_value(struct value_set *vs, size_t i)
{
    vs->octets -= (uint32_t)value_octets(vs->values[i].rdlen);
    vs->n--;
    memmove(&vs->values[i], &vs->values[i + 1], (vs->n - i) * sizeof *vs->values);
}

enum err value_set_end(struct value_set *vs, uint32_t slot, bool *distinct_changed)
{
    struct value *on = NULL;
    struct claim *claim = value_set_claim(vs, slot, &on);

    *distinct_changed = false;
    if (claim == NULL)
        return ERR_CORRUPT;
    on->n_claims--;
    vs->n_pinned -= claim->pinned ? 1u : 0u;
    close_gap(vs, claim);
    if (on->n_claims == 0) {
        *distinct_changed = true;
        drop_value(vs, (size_t)(on - vs->values));
        return ERR_OK;
    }
    place_value(vs, (size_t)(on - vs->values)); /* without its newest claim it is older than it was */
    return ERR_OK;
}

/* ---- eviction ---- */

/* The holder of a value is the credential of its newest claim, from that claim's network: the one who wanted it
 * last. Its octets count to that holder alone, so that the holders' shares add up to the set. */
enum holder_level { HOLDER_ACCOUNT, HOLDER_CREDENTIAL, HOLDER_NETWORK };

/* Of a value that is another's than the victim's, at a level that was decided already. */
#define HOLDER_OUT UINT64_MAX

static uint32_t credential_of(const struct value *v)
{
    return value_newest_claim(v)->credential;
}

/* Begin with all values and the accounts of their holders. */
static void list_accounts(const struct value_set *vs, const struct eviction_rules *rules)
{
    for (size_t i = 0; i < vs->n; i++)
        vs->holders[i] = i > 0 && credential_of(&vs->values[i]) == credential_of(&vs->values[i - 1])
                             ? vs->holders[i - 1]
                             : rules->account_of(rules->arg, credential_of(&vs->values[i]));
}

/* Go on with the values that the victim's holder has, by credential. */
static void narrow_holders(const struct value_set *vs, const struct value *victim)
{
    uint64_t holder = vs->holders[victim - vs->values];

    for (size_t i = 0; i < vs->n; i++)
        vs->holders[i] = vs->holders[i] == holder ? credential_of(&vs->values[i]) : HOLDER_OUT;
}

static bool same_holder(const struct value_set *vs, size_t a, size_t b, enum holder_level level)
{
    return vs->holders[a] == vs->holders[b] &&
           (level < HOLDER_NETWORK ||
            addr_equal(&value_newest_claim(&vs->values[a])->network, &value_newest_claim(&vs->values[b])->network));
}

/* Nearly always. */
static bool has_one_holder(const struct value_set *vs)
{
    const struct claim *first = value_newest_claim(&vs->values[0]);

    for (size_t i = 1; i < vs->n; i++) {
        const struct claim *c = value_newest_claim(&vs->values[i]);

        if (c->credential != first->credential || !addr_equal(&c->network, &first->network))
            return false;
    }
    return true;
}

static bool may_be_evicted(const struct eviction_rules *rules, const struct value *v)
{
    return value_order(v) < rules->added_from && !value_is_pinned(v);
}

/* What the holder of the value at `of` holds of the set: also what is pinned, and what is being added. */
static size_t held_octets(const struct value_set *vs, size_t of, enum holder_level level)
{
    size_t octets = 0;

    for (size_t i = 0; i < vs->n; i++)
        if (same_holder(vs, of, i, level))
            octets += value_octets(vs->values[i].rdlen);
    return octets;
}

/* The oldest value that may go of the largest holder at a level, among the values that are not out. Equal holders:
 * the one whose value is older, which is the one met first. Quadratic in the number of values at worst, for sets of
 * as many holders; of one holder it is linear. */
static const struct value *oldest_of_largest(const struct value_set *vs, const struct eviction_rules *rules,
                                             enum holder_level level)
{
    size_t best = vs->n;
    size_t best_octets = 0;

    for (size_t i = 0; i < vs->n; i++) {
        size_t octets;

        if (vs->holders[i] == HOLDER_OUT || !may_be_evicted(rules, &vs->values[i]) ||
            (best < vs->n && same_holder(vs, best, i, level)))
            continue;
        octets = held_octets(vs, i, level);
        if (octets > best_octets) {
            best = i;
            best_octets = octets;
        }
        if (best_octets >= vs->octets - best_octets)
            break; /* no other holder can have more */
    }
    return best < vs->n ? &vs->values[best] : NULL;
}

static const struct value *oldest(const struct value_set *vs, const struct eviction_rules *rules)
{
    for (size_t i = 0; i < vs->n; i++)
        if (may_be_evicted(rules, &vs->values[i]))
            return &vs->values[i];
    return NULL;
}

const struct value *value_set_victim(const struct value_set *vs, const struct eviction_rules *rules, bool *young)
{
    const struct value *victim = NULL;

    *young = false;
    if (vs->octets <= rules->budget)
        return NULL;
    for (size_t i = 0; i < vs->n && value_order(&vs->values[i]) < rules->old_before; i++)
        if (may_be_evicted(rules, &vs->values[i]))
            return &vs->values[i];
    if (has_one_holder(vs)) {
        victim = oldest(vs, rules);
        *young = victim != NULL;
        return victim;
    }
    list_accounts(vs, rules);
    victim = oldest_of_largest(vs, rules, HOLDER_ACCOUNT);
    if (victim == NULL)
        return NULL;
    narrow_holders(vs, victim);
    victim = oldest_of_largest(vs, rules, HOLDER_CREDENTIAL);
    narrow_holders(vs, victim);
    victim = oldest_of_largest(vs, rules, HOLDER_NETWORK);
    *young = true;
    return victim;
}

/* ---- text ---- */

size_t value_encode_text(uint8_t *out, const char *text, size_t len)
{
    size_t put = 0;

    do {
        size_t part = len < STRING_MAX ? len : STRING_MAX;

        out[put++] = (uint8_t)part;
        if (part > 0)
            memcpy(out + put, text, part);
        put += part;
        text += part;
        len -= part;
    } while (len > 0);
    return put;
}

size_t value_decode_text(char *out, const uint8_t *rdata, size_t rdlen)
{
    size_t put = 0;

    for (size_t at = 0; at < rdlen;) {
        size_t part = rdata[at++];

        if (part > rdlen - at)
            part = rdlen - at; /* not valid; then what there is */
        memcpy(out + put, rdata + at, part);
        put += part;
        at += part;
    }
    return put;
}

bool value_rdata_is_valid(const uint8_t *rdata, size_t rdlen)
{
    size_t at = 0;

    while (at < rdlen)
        at += 1 + (size_t)rdata[at];
    return rdlen > 0 && at == rdlen;
}

bool value_is_challenge(const char *text, size_t len)
{
    return len == VALUE_CHALLENGE_LEN && base64url_is_text(text, len);
}
