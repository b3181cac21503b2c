#include "message.h"

#include <string.h>

#include "measure.h"

#define LABEL_MOST 63

void put_bytes(struct message *m, const void *bytes, size_t len)
{
    if (len > m->cap - m->len)
        die("a message does not fit in %zu octets", m->cap);
    memcpy(m->out + m->len, bytes, len);
    m->len += len;
}

void put_u8(struct message *m, unsigned v)
{
    put_bytes(m, &(uint8_t){(uint8_t)v}, 1);
}

void put_u16(struct message *m, unsigned v)
{
    put_u8(m, v >> 8);
    put_u8(m, v & 0xff);
}

void put_u32(struct message *m, uint32_t v)
{
    put_u16(m, v >> 16);
    put_u16(m, v & 0xffff);
}

void put_name(struct message *m, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");

        if (len == 0 || len > LABEL_MOST)
            die("\"%s\" is no name", name);
        put_u8(m, (unsigned)len);
        put_bytes(m, name, len);
        name += len;
        name += *name == '.' ? 1 : 0;
    }
    put_u8(m, 0);
}
