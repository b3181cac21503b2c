#include "base/wire.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

void wire_reader_init(struct wire_reader *r, const uint8_t *start, size_t len)
{
    static const uint8_t nothing[1] = {0};

    assert(start != NULL || len == 0);
    /* wire_get_bytes(r, 0) must not be NULL while there is no error. */
    r->start = start != NULL ? start : nothing;
    r->len = len;
    r->pos = 0;
    r->err = ERR_OK;
}

size_t wire_left(const struct wire_reader *r)
{
    return r->err == ERR_OK ? r->len - r->pos : 0;
}

void wire_fail(struct wire_reader *r, enum err e)
{
    if (r->err == ERR_OK)
        r->err = e;
}

const uint8_t *wire_get_bytes(struct wire_reader *r, size_t len)
{
    const uint8_t *at;

    if (r->err != ERR_OK)
        return NULL;
    if (r->len - r->pos < len) {
        r->err = ERR_SHORT;
        return NULL;
    }
    at = r->start + r->pos;
    r->pos += len;
    return at;
}

uint8_t wire_get_u8(struct wire_reader *r)
{
    const uint8_t *at = wire_get_bytes(r, 1);

    return at != NULL ? *at : 0;
}

uint16_t wire_get_u16(struct wire_reader *r)
{
    const uint8_t *at = wire_get_bytes(r, sizeof(uint16_t));
    uint16_t v = 0;

    if (at != NULL)
        memcpy(&v, at, sizeof v);
    return be16toh(v);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
    const uint8_t *at = wire_get_bytes(r, sizeof(uint32_t));
    uint32_t v = 0;

    if (at != NULL)
        memcpy(&v, at, sizeof v);
    return be32toh(v);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
    const uint8_t *at = wire_get_bytes(r, sizeof(uint64_t));
    uint64_t v = 0;

    if (at != NULL)
        memcpy(&v, at, sizeof v);
    return be64toh(v);
}

void wire_writer_init(struct wire_writer *w, uint8_t *start, size_t cap)
{
    assert(start != NULL || cap == 0);
    w->start = start;
    w->cap = cap;
    w->len = 0;
    w->err = ERR_OK;
}

void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t len)
{
    if (w->err != ERR_OK)
        return;
    if (w->cap - w->len < len) {
        w->err = ERR_FULL;
        return;
    }
    if (len == 0)
        return; /* memcpy wants pointers even then */
    memcpy(w->start + w->len, bytes, len);
    w->len += len;
}

void wire_put_u8(struct wire_writer *w, uint8_t v)
{
    wire_put_bytes(w, &v, sizeof v);
}

void wire_put_u16(struct wire_writer *w, uint16_t v)
{
    uint16_t be = htobe16(v);

    wire_put_bytes(w, &be, sizeof be);
}

void wire_put_u32(struct wire_writer *w, uint32_t v)
{
    uint32_t be = htobe32(v);

    wire_put_bytes(w, &be, sizeof be);
}

void wire_put_u64(struct wire_writer *w, uint64_t v)
{
    uint64_t be = htobe64(v);

    wire_put_bytes(w, &be, sizeof be);
}

void wire_patch_u16(struct wire_writer *w, size_t pos, uint16_t v)
{
    uint16_t be = htobe16(v);

    if (w->err != ERR_OK || pos > w->len || w->len - pos < sizeof be)
        return;
    memcpy(w->start + pos, &be, sizeof be);
}

struct wire_mark wire_mark(const struct wire_writer *w)
{
    return (struct wire_mark){.len = w->len, .err = w->err};
}

enum err wire_keep_or_rewind(struct wire_writer *w, struct wire_mark before)
{
    enum err e = w->err;

    if (e != ERR_OK) {
        w->len = before.len;
        w->err = before.err;
    }
    return e;
}
