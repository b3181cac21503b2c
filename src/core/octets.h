/* core/octets.h -- names, sixteen octets at a time; the compiler makes the best of it on every processor. Plain
 * data, any thread. */
#ifndef CORE_OCTETS_H
#define CORE_OCTETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define OCTETS_STEP 16

typedef uint8_t octets16 __attribute__((vector_size(OCTETS_STEP)));

static inline octets16 octets_load(const uint8_t *at)
{
    octets16 v;

    memcpy(&v, at, sizeof v);
    return v;
}

static inline void octets_store(uint8_t *at, octets16 v)
{
    memcpy(at, &v, sizeof v);
}

/* All bits of each octet that is an ASCII capital. Length octets are below 'A', so a whole name on the wire can be
 * looked at without regard to its labels. */
static inline octets16 octets_capitals(octets16 v)
{
    return (octets16)((octets16)(v - 'A') < 26);
}

/* In lower case, RFC 4343 section 3. */
static inline octets16 octets_fold(octets16 v)
{
    return v | (octets_capitals(v) & 0x20);
}

static inline bool octets_any(octets16 v)
{
    uint64_t halves[2];

    memcpy(halves, &v, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

#endif
