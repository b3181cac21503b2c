/* api/limits.h -- how many connections there are, in total and for each client (a /32 or a /56). Any thread.
 *
 * The server of connections asks twice: before it takes one (limits_refuse), and when it has one (limits_opened,
 * then limits_closed once). Threads that ask at the same moment may pass the limit by one each. */
#ifndef API_LIMITS_H
#define API_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"

struct limits;

enum limit_hit { LIMIT_NONE, LIMIT_TOTAL, LIMIT_CLIENT };

/* What a connection is counted as. */
enum limit_class {
    LIMIT_CLASS_CLIENT, /* in total and for its prefix */
    LIMIT_CLASS_PROXY,  /* a trusted proxy or a local socket: in total only, many clients share it */
};

/* total: at least 1; one client gets a quarter of it, at least 1. ERR_MEMORY, ERR_CRYPTO. */
MUST_USE enum err limits_new(struct limits **out, uint32_t total);
void limits_free(struct limits *l); /* NULL is fine */
/* Whether a new connection is over a limit; then it is counted as refused. */
enum limit_hit limits_refuse(struct limits *l, const struct addr *client, enum limit_class class);
void limits_opened(struct limits *l, const struct addr *client, enum limit_class class);
/* With what limits_opened() was given. */
void limits_closed(struct limits *l, const struct addr *client, enum limit_class class);

struct limit_counts {
    uint32_t open;
    uint64_t accepted, refused_total, refused_client;
};
struct limit_counts limits_counts(struct limits *l);

#endif
