/* base/wire.h -- bounded reading and writing of binary messages, big-endian (RFC 1035 section 2.3.2).
 *
 * Both remember their first error; after it every call does nothing (reads give 0 or NULL), so that a record is
 * read or written straight down and checked once at its end. Plain data, owned by one thread at a time, no
 * allocation. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

/* Numbers at a place that is known to have the room. */
static inline uint16_t wire_load_u16(const uint8_t *at)
{
    uint16_t be;

    memcpy(&be, at, sizeof be);
    return be16toh(be);
}

static inline uint32_t wire_load_u32(const uint8_t *at)
{
    uint32_t be;

    memcpy(&be, at, sizeof be);
    return be32toh(be);
}

static inline uint64_t wire_load_u64(const uint8_t *at)
{
    uint64_t be;

    memcpy(&be, at, sizeof be);
    return be64toh(be);
}

static inline void wire_store_u16(uint8_t *at, uint16_t v)
{
    v = htobe16(v);
    memcpy(at, &v, sizeof v);
}

static inline void wire_store_u32(uint8_t *at, uint32_t v)
{
    v = htobe32(v);
    memcpy(at, &v, sizeof v);
}

static inline void wire_store_u64(uint8_t *at, uint64_t v)
{
    v = htobe64(v);
    memcpy(at, &v, sizeof v);
}

struct wire_reader {
    const uint8_t *start; /* borrowed for the reader's life */
    size_t len;           /* of the message */
    size_t pos;           /* of the next byte */
    enum err err;         /* ERR_OK, or the first error; ERR_SHORT when the message ended too early */
};

void wire_reader_init(struct wire_reader *r, const uint8_t *start, size_t len);
size_t wire_left(const struct wire_reader *r);     /* 0 after an error */
void wire_fail(struct wire_reader *r, enum err e); /* keeps the first error */

uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* The next len bytes, inside the message; NULL after an error. len 0 gives a pointer that must not be read. */
const uint8_t *wire_get_bytes(struct wire_reader *r, size_t len);

struct wire_writer {
    uint8_t *start; /* borrowed for the writer's life */
    size_t cap;
    size_t len;   /* written so far; never more than cap */
    enum err err; /* ERR_OK or ERR_FULL */
};

struct wire_mark {
    size_t len;
    enum err err;
};

void wire_writer_init(struct wire_writer *w, uint8_t *start, size_t cap);
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u16(struct wire_writer *w, uint16_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t len);
/* Overwrite two bytes that were written at pos; nothing happens when pos + 2 is past what was written. */
void wire_patch_u16(struct wire_writer *w, size_t pos, uint16_t v);

/* Everything between a mark and wire_keep_or_rewind() is written whole or not at all: on error the writer goes back
 * to the mark, length and error state, and the error is returned. */
struct wire_mark wire_mark(const struct wire_writer *w);
MUST_USE enum err wire_keep_or_rewind(struct wire_writer *w, struct wire_mark before);

#endif
