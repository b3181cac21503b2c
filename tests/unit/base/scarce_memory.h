/* Memory that runs out: stand-ins for the functions of the C library, for tests that are linked with --wrap for
 * each (tests/unit/CMakeLists.txt). What shared libraries allocate is not theirs. */
#ifndef TESTS_BASE_SCARCE_MEMORY_H
#define TESTS_BASE_SCARCE_MEMORY_H

#include <stdatomic.h>
#include <stdlib.h>

static struct {
    atomic_int armed;
    atomic_long left; /* allocations that succeed before all others fail */
    atomic_long failed;
} scarce;

static int may_allocate(void)
{
    if (!atomic_load(&scarce.armed) || atomic_fetch_sub(&scarce.left, 1) > 0)
        return 1;
    atomic_fetch_add(&scarce.failed, 1);
    return 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    return may_allocate() ? __real_realloc(block, size) : NULL;
}

void *__wrap_reallocarray(void *block, size_t n, size_t size)
{
    return may_allocate() ? __real_reallocarray(block, n, size) : NULL;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return may_allocate() ? __real_aligned_alloc(align, size) : NULL;
}

/* From the next n allocations on all fail. */
static void scarce_memory(long n)
{
    atomic_store(&scarce.failed, 0);
    atomic_store(&scarce.left, n);
    atomic_store(&scarce.armed, 1);
}

/* There is enough again. Returns how many allocations failed. */
static long scarce_end(void)
{
    atomic_store(&scarce.armed, 0);
    return atomic_load(&scarce.failed);
}

#endif
