/* tests/bench/message.h -- writing DNS messages. What does not fit ends the program. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct message {
    uint8_t *out;
    size_t cap, len;
};

void put_u8(struct message *m, unsigned v);
void put_u16(struct message *m, unsigned v);
void put_u32(struct message *m, uint32_t v);
void put_bytes(struct message *m, const void *bytes, size_t len);
/* A name in presentation format without escapes; a final dot may be there or not. */
void put_name(struct message *m, const char *name);

#endif
