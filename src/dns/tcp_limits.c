#include "dns/tcp_limits.h"

#define EVENTS_AN_ACCEPT 8 /* one connection more is accepted for so many other events */
#define IDLE_LEAST_SHARE 8

int64_t tcp_idle_now_ms(int64_t idle_ms, uint32_t open, uint32_t most)
{
    uint32_t half = most / 2;
    int64_t left = most > open ? (int64_t)(most - open) : 0;
    int64_t shrunk;

    if (open <= half)
        return idle_ms;
    shrunk = most > 0 ? idle_ms * left / (most - half) : 0;
    return shrunk > idle_ms / IDLE_LEAST_SHARE ? shrunk : idle_ms / IDLE_LEAST_SHARE;
}

unsigned tcp_accepts_now(uint64_t events)
{
    uint64_t share = 1 + events / EVENTS_AN_ACCEPT;

    return share < TCP_ACCEPTS_MOST ? (unsigned)share : TCP_ACCEPTS_MOST;
}
