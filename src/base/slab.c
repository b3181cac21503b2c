/* Regions are aligned to their size, so that a block finds its region's header by masking its address. What one
 * region cannot hold gets several, one after the other. */
#include "base/slab.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#else /* blocks that are not taken can be touched without anybody noticing */
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define GRANULE       8u
#define REGION_BITS   21u
#define REGION_SIZE   ((size_t)1 << REGION_BITS)
#define REGIONS_MAX   ((size_t)1 << (32 - (REGION_BITS - 3))) /* as many as references have numbers for */
#define REGIONS_PLAIN 8u /* then there is so much that its pages are looked for in vain: larger ones */
#define HEADER_SIZE   64u
#define ROOM          (REGION_SIZE - HEADER_SIZE)
#define EXACT_MAX     1024u /* sizes up to it have a class each */
#define EXACT         (EXACT_MAX / GRANULE)
#define STEPS         8u /* above: so many classes from one power of 2 to the next */
#define CLASSES       (EXACT + STEPS * (REGION_BITS - 10))
#define BITMAP_WORDS  ((CLASSES + 63) / 64)

_Static_assert(EXACT_MAX == 1u << 10, "the classes above begin at 2^10");

struct region {
    size_t number; /* its place in slab.regions */
};

/* A block that is not taken. */
struct spare {
    struct spare *next;
};

struct slab {
    struct region **regions; /* by number; a larger one has several; NULL: none any more */
    size_t n_regions, cap_regions;
    uint8_t *at, *end; /* what has not been cut yet of the newest ordinary region */
    struct spare *spare[CLASSES];
    uint64_t has_spare[BITMAP_WORDS]; /* a bit for each class */
    size_t octets;
};

/* ---- classes ---- */

/* The smallest class whose blocks hold size octets. */
static size_t class_of(size_t size)
{
    unsigned bits;

    if (size <= EXACT_MAX)
        return (size + GRANULE - 1) / GRANULE - 1;
    bits = 63u - (unsigned)__builtin_clzll(size - 1); /* 2^bits < size <= 2^(bits + 1) */
    return EXACT + (bits - 10u) * STEPS + (((size - 1) >> (bits - 3u)) & (STEPS - 1u));
}

static size_t class_size(size_t class)
{
    size_t step;

    assert(class < CLASSES);
    if (class < EXACT)
        return (class + 1) * GRANULE;
    class -= EXACT;
    step = (size_t)EXACT_MAX / STEPS << (class / STEPS);
    return ((size_t)EXACT_MAX << (class / STEPS)) + (class % STEPS + 1) * step;
}

static void put_spare(struct slab *s, void *block, size_t class)
{
    struct spare *b = block;

    ASAN_UNPOISON_MEMORY_REGION(b, sizeof *b);
    b->next = s->spare[class];
    s->spare[class] = b;
    s->has_spare[class / 64] |= UINT64_C(1) << (class % 64);
    ASAN_POISON_MEMORY_REGION(block, class_size(class));
}

static void *get_spare(struct slab *s, size_t class)
{
    struct spare *b = s->spare[class];

    ASAN_UNPOISON_MEMORY_REGION(b, sizeof *b);
    s->spare[class] = b->next;
    if (b->next == NULL)
        s->has_spare[class / 64] &= ~(UINT64_C(1) << (class % 64));
    return b;
}

/* The first class from `from` on that has a spare block; CLASSES: none has. */
static size_t next_spare_class(const struct slab *s, size_t from)
{
    for (size_t w = from / 64; w < BITMAP_WORDS; w++) {
        uint64_t bits = s->has_spare[w];

        if (w == from / 64)
            bits &= UINT64_MAX << (from % 64);
        if (bits != 0)
            return w * 64 + (size_t)__builtin_ctzll(bits);
    }
    return CLASSES;
}

/* Keep size octets, a multiple of 8, in as few blocks as there are classes for. */
static void put_remainder(struct slab *s, uint8_t *at, size_t size)
{
    while (size > 0) {
        size_t class = class_of(size);

        if (class_size(class) > size)
            class --;
        put_spare(s, at, class);
        at += class_size(class);
        size -= class_size(class);
    }
}

/* ---- regions ---- */

/* The first of n numbers in a row that no region has; what larger ones left behind is used again. */
static MUST_USE enum err find_numbers(struct slab *s, size_t n, size_t *first)
{
    size_t cap = s->cap_regions > 0 ? s->cap_regions : 16;
    size_t run = 0;
    struct region **grown;

    for (size_t i = 0; n > 1 && i < s->n_regions; i++) {
        run = s->regions[i] == NULL ? run + 1 : 0;
        if (run == n) {
            *first = i + 1 - n;
            return ERR_OK;
        }
    }
    *first = s->n_regions;
    if (s->n_regions + n > REGIONS_MAX)
        return ERR_MEMORY;
    while (cap < s->n_regions + n)
        cap *= 2;
    if (cap == s->cap_regions)
        return ERR_OK;
    grown = reallocarray(s->regions, cap, sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    s->regions = grown;
    s->cap_regions = cap;
    return ERR_OK;
}

/* A region of n times the ordinary size. NULL: out of memory or numbers. */
static struct region *add_region(struct slab *s, size_t n)
{
    size_t first = 0;
    struct region *r;

    if (find_numbers(s, n, &first) != ERR_OK)
        return NULL;
    r = aligned_alloc(REGION_SIZE, n * REGION_SIZE);
    if (r == NULL)
        return NULL;
    if (first >= REGIONS_PLAIN)
        (void)madvise(r, n * REGION_SIZE, MADV_HUGEPAGE); /* the same memory without it, only slower */
    r->number = first;
    for (size_t i = first; i < first + n; i++)
        s->regions[i] = r;
    if (s->n_regions < first + n)
        s->n_regions = first + n;
    ASAN_POISON_MEMORY_REGION((uint8_t *)r + HEADER_SIZE, n * REGION_SIZE - HEADER_SIZE);
    return r;
}

static struct region *region_of(const void *block)
{
    return (struct region *)((uintptr_t)block & ~(uintptr_t)(REGION_SIZE - 1));
}

static size_t regions_for(size_t size)
{
    return (size + HEADER_SIZE + REGION_SIZE - 1) / REGION_SIZE;
}

/* ---- blocks ---- */

/* The last class is as large as a region, which has a header too. */
static bool is_large(size_t size)
{
    return size > ROOM || class_of(size) == CLASSES - 1;
}

static size_t rounded(size_t size)
{
    return is_large(size) ? regions_for(size) * REGION_SIZE : class_size(class_of(size));
}

static void *take_large(struct slab *s, size_t size)
{
    struct region *r = size <= REGIONS_MAX * REGION_SIZE - HEADER_SIZE ? add_region(s, regions_for(size)) : NULL;

    return r != NULL ? (uint8_t *)r + HEADER_SIZE : NULL;
}

static void give_large(struct slab *s, struct region *r, size_t size)
{
    size_t first = r->number;

    ASAN_UNPOISON_MEMORY_REGION(r, regions_for(size) * REGION_SIZE);
    for (size_t i = first; i < first + regions_for(size); i++)
        s->regions[i] = NULL;
    free(r);
}

/* Cut a block from what is left of the newest region, from a larger spare one, or from a new region. */
static void *cut(struct slab *s, size_t class)
{
    size_t size = class_size(class);
    size_t other;
    struct region *r;
    uint8_t *block;

    if (s->at == NULL || (size_t)(s->end - s->at) < size) {
        other = next_spare_class(s, class + 1);
        if (other < CLASSES) {
            block = get_spare(s, other);
            put_remainder(s, block + size, class_size(other) - size);
            return block;
        }
        r = add_region(s, 1);
        if (r == NULL)
            return NULL;
        if (s->at != NULL)
            put_remainder(s, s->at, (size_t)(s->end - s->at));
        s->at = (uint8_t *)r + HEADER_SIZE;
        s->end = (uint8_t *)r + REGION_SIZE;
    }
    block = s->at;
    s->at += size;
    return block;
}

void *slab_take(struct slab *s, size_t size)
{
    size_t class;
    void *block;

    assert(size > 0);
    if (is_large(size)) {
        block = take_large(s, size);
    } else {
        class = class_of(size);
        block = s->spare[class] != NULL ? get_spare(s, class) : cut(s, class);
    }
    if (block == NULL)
        return NULL;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    s->octets += rounded(size);
    return block;
}

void slab_give(struct slab *s, void *block, size_t size)
{
    if (block == NULL)
        return;
    s->octets -= rounded(size);
    if (is_large(size))
        give_large(s, region_of(block), size);
    else
        put_spare(s, block, class_of(size));
}

uint32_t slab_ref(const void *block)
{
    const struct region *r = region_of(block);

    return (uint32_t)(r->number * (REGION_SIZE / GRANULE) + ((uintptr_t)block - (uintptr_t)r) / GRANULE);
}

void *slab_at(const struct slab *s, uint32_t ref)
{
    uint8_t *r = (uint8_t *)s->regions[ref / (REGION_SIZE / GRANULE)];

    return r + ref % (REGION_SIZE / GRANULE) * GRANULE;
}

size_t slab_octets(const struct slab *s)
{
    return s->octets;
}

/* ---- life ---- */

enum err slab_new(struct slab **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? ERR_OK : ERR_MEMORY;
}

void slab_free(struct slab *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_regions; i++) {
        struct region *r = s->regions[i];

        /* A larger one has several numbers; its last comes last. */
        if (r != NULL && (i + 1 == s->n_regions || s->regions[i + 1] != r))
            free(r); /* the sanitizer's marks go with it */
    }
    free(s->regions);
    free(s);
}
