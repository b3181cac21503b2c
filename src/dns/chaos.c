#include "dns/chaos.h"

#include <assert.h>
#include <string.h>

#include "core/rr.h"

enum chaos_topic { TOPIC_IDENTITY, TOPIC_VERSION, TOPIC_NONE };

/* Wire form, lower case. */
static const struct chaos_name {
    const char *wire;
    enum chaos_topic topic;
} chaos_names[] = {
    {"\002id\006server", TOPIC_IDENTITY},
    {"\010hostname\004bind", TOPIC_IDENTITY},
    {"\007version\004bind", TOPIC_VERSION},
    {"\007version\006server", TOPIC_VERSION},
};

static enum chaos_topic topic_of(const struct name *n)
{
    for (size_t i = 0; i < ARRAY_LEN(chaos_names); i++) {
        size_t len = strlen(chaos_names[i].wire) + 1; /* the NUL is the root label */

        if (n->len == len && memcmp(n->b, chaos_names[i].wire, len) == 0)
            return chaos_names[i].topic;
    }
    return TOPIC_NONE;
}

void chaos_answer(struct reply *r, const char *identity, size_t len)
{
    enum chaos_topic topic = topic_of(&r->q->name);
    uint8_t record[RR_FIXED + 1 + UINT8_MAX] = {QNAME_POINTER >> 8, DNS_HEADER_LEN, 0, RR_TXT, 0, CLASS_CH};
    struct answer_set set = {.records = record, .count = 1, .type = RR_TXT};

    assert(len <= UINT8_MAX);
    if (topic == TOPIC_NONE) {
        reply_fail(r, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
        return;
    }
    if (topic == TOPIC_VERSION || len == 0 || (r->q->qtype != RR_TXT && r->q->qtype != RR_ANY)) {
        reply_fail(r, RCODE_REFUSED, EDE_PROHIBITED);
        return;
    }
    /* TTL 0 is there already; RDLENGTH, then one character-string. */
    record[RR_FIXED - 2] = (uint8_t)((len + 1) >> 8);
    record[RR_FIXED - 1] = (uint8_t)(len + 1);
    record[RR_FIXED] = (uint8_t)len;
    memcpy(record + RR_FIXED + 1, identity, len);
    set.len = (uint32_t)(RR_FIXED + 1 + len);
    (void)reply_put_set(r, &set);
}
