/* What the caller lent comes first, then blocks in a list, newest first; only the newest is allocated from. What
 * does not fit into its rest gets a new block. Memory is zeroed when it is handed out: most arenas use little of a
 * block. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 4000 /* with its header and malloc's inside one page */

struct arena_block {
    struct arena_block *next;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_init_with(struct arena *a, size_t max, void *first, size_t len)
{
    *a = (struct arena){.max = max, .at = first, .left = len};
}

void arena_fini(struct arena *a)
{
    struct arena_block *next;

    for (struct arena_block *b = a->blocks; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    arena_init(a, a->max);
}

static bool add_block(struct arena *a, size_t at_least)
{
    size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
    struct arena_block *b;

    if (size > SIZE_MAX - sizeof *b)
        return false;
    b = malloc(sizeof *b + size);
    if (b == NULL)
        return false;
    b->next = a->blocks;
    a->blocks = b;
    a->at = b->bytes;
    a->left = size;
    return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t padded;
    void *given;

    if (size == 0)
        size = 1; /* so that it is a pointer of its own */
    if (size > a->max - a->total || size > SIZE_MAX - align)
        return NULL;
    padded = (size + align - 1) / align * align;
    if (a->left < padded && !add_block(a, padded))
        return NULL;
    given = memset(a->at, 0, size);
    a->at += padded;
    a->left -= padded;
    a->total += size;
    return given;
}

char *arena_copy(struct arena *a, const void *bytes, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

    if (copy != NULL && len > 0)
        memcpy(copy, bytes, len); /* the NUL is there: what the arena gives is zeroed */
    return copy;
}
