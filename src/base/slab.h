/* base/slab.h -- memory for many small blocks that live long: none of it goes into headers, sizes are rounded to 8
 * octets and no further (up to 1 KiB), and a block can be named by 32 bits.
 *
 * Blocks are cut out of regions of 2 MiB, which are never given back before slab_free(); what is freed is kept by
 * its size for the next block of that size, and cut up for smaller ones before a new region is taken. One thread at
 * a time. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct slab;

MUST_USE enum err slab_new(struct slab **out); /* ERR_MEMORY */
void slab_free(struct slab *s);                /* with all blocks; NULL is fine */

/* A block of size octets (not 0), at a multiple of 8; its content is undefined. NULL: out of memory, or all 32 GiB
 * that references can name are in use. */
void *slab_take(struct slab *s, size_t size);
void slab_give(struct slab *s, void *block, size_t size); /* with the size it was taken with; NULL is fine */

/* What names a block until it is given back; never 0. */
uint32_t slab_ref(const void *block);
void *slab_at(const struct slab *s, uint32_t ref);

size_t slab_octets(const struct slab *s); /* of the blocks that are taken, as rounded */

#endif
