/* dns/tcp_limits.h -- the limits of a TCP thread that depend on how much there is to do, as pure functions. */
#ifndef DNS_TCP_LIMITS_H
#define DNS_TCP_LIMITS_H

#include <stdint.h>

#define TCP_ACCEPTS_MOST 64 /* then others have their turn */

/* How many connections to accept in one go, after so many events of other connections: one, since what is closed
 * now leaves its memory in the processor's caches for the one that is accepted next; but one for some events more,
 * since those may be long. */
unsigned tcp_accepts_now(uint64_t events);
/* The idle time with `open` of `most` connections in use. */
int64_t tcp_idle_now_ms(int64_t idle_ms, uint32_t open, uint32_t most);

#endif
