#include "db/sqlite_cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MIN   4096
#define INT_OCTETS  (1 + sizeof(int64_t))
#define HEAD_OCTETS (1 + sizeof(uint32_t)) /* of what has a length */

/* Apart, so that the usual case is a comparison. */
static enum err grow(struct cells *c, size_t octets)
{
    size_t cap = c->cap > 0 ? c->cap : CELLS_MIN;
    uint8_t *grown;

    if (octets > SIZE_MAX / 4 - c->len)
        return ERR_MEMORY;
    while (cap - c->len < octets)
        cap *= 2;
    grown = realloc(c->bytes, cap);
    if (grown == NULL)
        return ERR_MEMORY;
    c->bytes = grown;
    c->cap = cap;
    return ERR_OK;
}

enum err cells_reserve(struct cells *c, size_t octets)
{
    return octets <= c->cap - c->len ? ERR_OK : grow(c, octets);
}

enum err cells_put_int(struct cells *c, int64_t v)
{
    enum err e = cells_reserve(c, INT_OCTETS);

    if (e != ERR_OK)
        return e;
    c->bytes[c->len] = CELL_INT;
    memcpy(c->bytes + c->len + 1, &v, sizeof v);
    c->len += INT_OCTETS;
    return ERR_OK;
}

enum err cells_put_bytes(struct cells *c, enum cell_type type, const void *bytes, size_t len)
{
    uint32_t len32 = (uint32_t)len;
    enum err e = cells_reserve(c, HEAD_OCTETS + len + 1);
    uint8_t *at;

    assert(len <= UINT32_MAX);
    if (e != ERR_OK)
        return e;
    at = c->bytes + c->len;
    at[0] = (uint8_t)type;
    memcpy(at + 1, &len32, sizeof len32);
    if (len > 0)
        memcpy(at + HEAD_OCTETS, bytes, len);
    c->len += HEAD_OCTETS + len;
    if (type == CELL_TEXT)
        c->bytes[c->len++] = 0;
    return ERR_OK;
}

enum err cells_put_cells(struct cells *c, const struct cells *more)
{
    enum err e = cells_reserve(c, more->len);

    if (e != ERR_OK || more->len == 0)
        return e;
    memcpy(c->bytes + c->len, more->bytes, more->len);
    c->len += more->len;
    return ERR_OK;
}

void cells_set_int(struct cells *c, size_t at, int64_t v)
{
    assert(at + INT_OCTETS <= c->len && c->bytes[at] == CELL_INT);
    memcpy(c->bytes + at + 1, &v, sizeof v);
}

void cells_fini(struct cells *c)
{
    free(c->bytes);
    *c = (struct cells){0};
}

/* ---- reading ---- */

bool cell_take_int(struct cell_walk *w, int64_t *out)
{
    if ((size_t)(w->end - w->at) < INT_OCTETS || w->at[0] != CELL_INT)
        return false;
    memcpy(out, w->at + 1, sizeof *out);
    w->at += INT_OCTETS;
    return true;
}

bool cell_take_bytes(struct cell_walk *w, enum cell_type type, const uint8_t **bytes, size_t *len)
{
    size_t left = (size_t)(w->end - w->at);
    size_t nul = type == CELL_TEXT ? 1 : 0;
    uint32_t len32;

    if (left < HEAD_OCTETS + nul || w->at[0] != type)
        return false;
    memcpy(&len32, w->at + 1, sizeof len32);
    if (len32 > left - HEAD_OCTETS - nul)
        return false;
    *bytes = w->at + HEAD_OCTETS;
    *len = len32;
    w->at += HEAD_OCTETS + len32 + nul;
    return true;
}
