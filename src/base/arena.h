/* base/arena.h -- memory that is freed as one piece. One owner thread. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    unsigned char *at; /* what is free: of the newest block, or of what the caller lent */
    size_t left;
    size_t total; /* bytes handed out */
    size_t max;   /* total never passes it */
};

void arena_init(struct arena *a, size_t max);
/* The same, with len bytes at first, aligned for any type, to be used up before anything is allocated. They are the
 * caller's and must be there until arena_fini(). */
void arena_init_with(struct arena *a, size_t max, void *first, size_t len);
void arena_fini(struct arena *a); /* frees all; the arena is then as after arena_init */
/* size bytes, zeroed and aligned for any type, valid until arena_fini(); NULL: out of memory or past max. */
MUST_USE void *arena_alloc(struct arena *a, size_t size);
/* A copy of len bytes with a NUL behind them; NULL as above. */
MUST_USE char *arena_copy(struct arena *a, const void *bytes, size_t len);

#endif
