/* core/octets.h -- names, sixteen octets at a time; the compiler makes the best of it on every processor. Plain
 * data, any thread. */
#ifndef CORE_OCTETS_H
#define CORE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OCTETS_STEP 16

typedef uint8_t octets16 __attribute__((vector_size(OCTETS_STEP)));
typedef int8_t octets16_signed __attribute__((vector_size(OCTETS_STEP)));

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
    /* Of signed octets processors have a "less than": from -128 on, there are 26 of them. */
    return (octets16)((octets16_signed)(v + (uint8_t)(128 - 'A')) < INT8_MIN + 26);
}

/* In lower case, RFC 4343 section 3. */
static inline octets16 octets_fold(octets16 v)
{
    return v | (octets_capitals(v) & 0x20);
}

/* The first n octets of v, 0 to 16, followed by zeros. */
static inline octets16 octets_first(octets16 v, size_t n)
{
    static const uint8_t keep[2 * OCTETS_STEP] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return v & octets_load(keep + OCTETS_STEP - n);
}

static inline bool octets_any(octets16 v)
{
    uint64_t halves[2];

    memcpy(halves, &v, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

#endif
