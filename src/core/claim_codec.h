/* core/claim_codec.h -- the claims of a name's values in as few octets as they need, as they are kept in its row.
 * Not a format of anything outside the process; plain data, any thread. */
#ifndef CORE_CLAIM_CODEC_H
#define CORE_CLAIM_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/value_set.h"

/* Numbers of 7 bits an octet, the lowest first, the 8th saying that more follow. */
#define VARINT_MAX 10                         /* octets of the longest */
uint8_t *varint_put(uint8_t *at, uint64_t v); /* returns what is behind it */
const uint8_t *varint_get(const uint8_t *at, uint64_t *out);

/* Octets that claims_put() takes at most. */
size_t claims_room(const struct value_set *vs);
/* The claims of all values, of the newest value first; times are kept as differences to near_s. What vs still has
 * as it was read (vs->kept_claims, with the same near_s) is copied; where it stands now is noted in the claims.
 * Returns what is behind them. */
uint8_t *claims_put(uint8_t *at, struct value_set *vs, int64_t near_s);
/* Put them into vs, which has the values that they are of, without claims, and room for all of them. They stay at
 * `at` as long as vs is to be put again: vs->kept_claims. */
void claims_get(const uint8_t *at, struct value_set *vs, int64_t near_s);

#endif
