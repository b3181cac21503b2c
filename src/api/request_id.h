/* api/request_id.h -- the id of a request as people read it aloud: "7Q2K-0M1D", Crockford's base32. Any thread.
 *
 * Ids are a counter, spread over the 40 bits that eight characters hold by an odd factor and a random start: unique
 * in one run of the program, and not in an order from which the number of requests could be read. */
#ifndef API_REQUEST_ID_H
#define API_REQUEST_ID_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/effect.h"

struct request_ids {
    _Atomic uint64_t next;
    uint64_t start;
};

/* ERR_CRYPTO: no randomness. */
MUST_USE enum err request_ids_init(struct request_ids *ids);
void request_ids_take(struct request_ids *ids, char out[REQUEST_ID_LEN + 1]);

#endif
