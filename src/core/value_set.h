/* core/value_set.h -- the FIFO of a name: distinct TXT values, each with the claims of those who added it, bounded
 * by the size of the answer that carries them. It is made of a name's row to be looked at or changed, and is put
 * into a row again. Committer's thread. */
#ifndef CORE_VALUE_SET_H
#define CORE_VALUE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/state.h"

#define VALUE_RR_FIXED 12 /* pointer, type, class, TTL and RDLENGTH of one record (RFC 1035 section 3.2.1) */

static inline size_t value_octets(size_t rdlen)
{
    return VALUE_RR_FIXED + rdlen;
}

/* A zeroed one is empty. The octets of values belong to whoever gave them: a row, or the effect that adds them. */
void value_set_fini(struct value_set *vs);
void value_set_clear(struct value_set *vs); /* empty, with its room */
/* Room for so many in all. ERR_MEMORY: vs is as it was. */
MUST_USE enum err value_set_reserve(struct value_set *vs, uint32_t values, uint32_t claims);
struct value *value_set_find(const struct value_set *vs, const uint8_t *rdata, size_t rdlen);
/* The claim with a slot, and the value that it is on; NULL: none. */
struct claim *value_set_claim(const struct value_set *vs, uint32_t slot, struct value **on);
/* The claim of a credential on a value, NULL: none. */
struct claim *value_claim_of(const struct value *v, uint32_t credential);
uint32_t value_set_free_slot(const struct value_set *vs); /* the smallest that no claim has, from 0 */
/* The newest claim of a value: its holder is the value's holder, its order the value's age. */
const struct claim *value_newest_claim(const struct value *v);
bool value_is_pinned(const struct value *v);           /* by at least one claim */
bool value_set_all_pinned(const struct value_set *vs); /* there are values, and all are */
size_t value_set_pinned_values(const struct value_set *vs);

/* Fold EFFECT_CLAIM_ADDED (a slot that is free) or _RENEWED (the slot of that claim). *distinct_changed: the
 * served set is another one now. ERR_MEMORY. ERR_CORRUPT: the slot is of a claim on another value or of another
 * credential, the credential has a claim on the value in another slot, or the rdata are not character-strings. */
MUST_USE enum err value_set_add(struct value_set *vs, const struct effect_claim *c, bool *distinct_changed);
/* Fold the end of a claim by slot; the value goes with its last claim. ERR_CORRUPT: there is none. */
MUST_USE enum err value_set_end(struct value_set *vs, uint32_t slot, bool *distinct_changed);

struct eviction_rules {
    size_t budget;
    uint64_t old_before; /* claims of a smaller order are older than the grace */
    uint64_t
        added_from; /* values of this order or later are being added and never the victims; UINT64_MAX: none are */
    /* The account of a credential. */
    uint32_t (*account_of)(const void *arg, uint32_t credential);
    const void *arg;
};
/* The value to evict next so that the set comes down to its budget, by the design's rule: first the oldest that is
 * older than the grace, whoever holds it; when all are younger, the oldest of the largest holder, compared by
 * account, in it by credential, in it by client network, by octets; of equal holders the older. Values with a
 * pinned claim are never chosen. NULL: the set is within its budget, or nothing may be evicted. *young: the victim
 * was younger than the grace. */
const struct value *value_set_victim(const struct value_set *vs, const struct eviction_rules *rules, bool *young);
size_t value_set_pinned_octets(const struct value_set *vs);

/* Text to character-strings of at most 255 octets (RFC 1035 section 3.3.14); out has room for len + len / 255 + 1
 * bytes; returns the RDLENGTH. An empty text is one empty string. */
size_t value_encode_text(uint8_t *out, const char *text, size_t len);
/* The strings joined; out has room for rdlen bytes; returns the length. */
size_t value_decode_text(char *out, const uint8_t *rdata, size_t rdlen);
/* True when rdata is character-strings, at least one, that end where it ends. */
bool value_rdata_is_valid(const uint8_t *rdata, size_t rdlen);

#define VALUE_CHALLENGE_LEN 43 /* base64url of a SHA-256, RFC 8555 section 8.4 */
bool value_is_challenge(const char *text, size_t len);

#endif
