/* api/deadline.h -- an end for every connection that is too slow, however busy it looks. Any thread.
 *
 * libmicrohttpd's own time-out counts inactivity only: one octet a second outlives it, in a header, a body, a TLS
 * handshake or a reply that is read slowly. Here each connection has a moment after which its socket is shut down,
 * which the library then sees as a peer that left. One thread looks four times a second while there are
 * connections, else it sleeps. */
#ifndef API_DEADLINE_H
#define API_DEADLINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"

#define DEADLINE_NONE INT64_MAX

/* Whom a connection waits for. */
enum deadline_turn {
    TURN_CLIENT, /* to send a request, or the rest of one */
    TURN_SERVER, /* the request is there: to answer it, and have the answer read */
    TURN_OVER,   /* deadlines_give_up() came while it was the client's */
};

/* Part of what its owner keeps about a connection. */
struct deadline {
    _Atomic int64_t at_mono_ms; /* DEADLINE_NONE: none now */
    _Atomic int turn;           /* enum deadline_turn */
    int fd;
    bool passed;
    struct deadline *prev, *next;
};

struct deadlines;

/* Start the thread. ERR_MEMORY. */
MUST_USE enum err deadlines_new(struct deadlines **out, const struct clock *clock);
void deadlines_free(struct deadlines *ds); /* every deadline is removed already; NULL is fine */
/* Watch fd from now on: *d is the list's until deadlines_remove(), which must come before fd is closed. */
void deadlines_add(struct deadlines *ds, struct deadline *d, int fd, int64_t at_mono_ms);
void deadlines_remove(struct deadlines *ds, struct deadline *d);
/* Without lock: the next look counts. */
void deadline_set(struct deadline *d, int64_t at_mono_ms);
/* Only ever earlier. */
void deadline_shorten(struct deadline *d, int64_t at_mono_ms);
/* The request is there whole. False: the connection was given up before, and the request must not be carried out.
 */
MUST_USE bool deadline_take_turn(struct deadline *d);
void deadline_give_turn(struct deadline *d); /* it has been answered */
/* The server stops: shut down every connection whose client has the turn, now and when one is added. */
void deadlines_give_up(struct deadlines *ds);
/* What the thread does at each look: shut down what is over. For tests with a clock of their own. */
void deadlines_check(struct deadlines *ds, int64_t mono_ms);
uint64_t deadlines_passed(const struct deadlines *ds); /* how many connections were ended */

#endif
