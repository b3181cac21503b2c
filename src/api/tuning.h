/* api/tuning.h -- what of the API's settings may change while it runs: an immutable copy with a count of its users,
 * so that a request keeps the settings with which it began and a reload waits for nobody. */
#ifndef API_TUNING_H
#define API_TUNING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"

struct tuning {
    _Atomic unsigned users;
    struct arena arena;
    const char *base_url; /* never "" and without final slash, but for what the configuration says */
    const struct net *trusted_proxies;
    size_t n_trusted_proxies;
    const char *const *cors_origins;
    size_t n_cors_origins;
    size_t max_body;
    int64_t request_timeout_ms;
    enum registration_allow registration;
    size_t values_budget;
};

/* Copy; gives *out with one user. ERR_MEMORY. */
MUST_USE enum err tuning_new(struct tuning **out, const struct api_settings *settings);
void tuning_release(struct tuning *t); /* NULL is fine; the last user frees */

/* Where the current one is. */
struct tuning_slot {
    pthread_mutex_t lock;
    struct tuning *current;
};
MUST_USE enum err tuning_slot_init(struct tuning_slot *slot, struct tuning *first); /* takes first on success */
void tuning_slot_fini(struct tuning_slot *slot);
struct tuning *tuning_acquire(struct tuning_slot *slot);
void tuning_replace(struct tuning_slot *slot, struct tuning *next); /* takes next */

#endif
