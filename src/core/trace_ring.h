/* core/trace_ring.h -- the writing side of the trace, and how it lies in memory.
 *
 * Each slot is a sequence lock of its own: the owner makes the stamp odd, writes the words, and makes it the next
 * even number. Words are stored with release and loaded with acquire order: a reader that sees a new word also
 * sees, at its second look, that the stamp has moved on. On x86-64 all of these are plain moves.
 *
 * A record goes into its words by shifts, and by code in a header, so that it is never put together in memory: it
 * is written for nearly every question. */
#ifndef CORE_TRACE_RING_H
#define CORE_TRACE_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "core/trace.h"

#define TRACE_LINE 64

enum trace_word {
    TRACE_WORD_STAMP, /* odd while the others are being written; 0: never written */
    TRACE_WORD_TIME,
    TRACE_WORD_HASH,
    TRACE_WORD_CLIENT, /* and the next one */
    TRACE_WORD_QUESTION = TRACE_WORD_CLIENT + 2,
    TRACE_WORD_ANSWER,
    TRACE_WORDS
};

struct trace_slot {
    _Alignas(TRACE_LINE) _Atomic uint64_t words[TRACE_WORDS];
};

struct trace_ring {
    _Alignas(TRACE_LINE) struct trace_slot *slots;
    size_t n_slots;
    size_t next;    /* owner's: the slot to be written */
    uint64_t stamp; /* owner's: of the newest record, even */
};

static inline uint64_t trace_pack_question(const struct trace_record *rec)
{
    return rec->serial | (uint64_t)rec->port << 32 | (uint64_t)rec->qtype << 48;
}

static inline uint64_t trace_pack_answer(const struct trace_record *rec)
{
    return rec->edns_size | (uint64_t)rec->count << 16 | (uint64_t)rec->rcode << 32 | (uint64_t)rec->flags << 40 |
           (uint64_t)rec->listener << 48;
}

static inline void trace_word_put(struct trace_slot *s, enum trace_word i, uint64_t v)
{
    atomic_store_explicit(&s->words[i], v, memory_order_release);
}

/* Owner thread; r NULL: does nothing. */
static ALWAYS_INLINE void trace_add(struct trace_ring *r, const struct trace_record *rec)
{
    uint64_t client, client_rest;
    struct trace_slot *s;

    if (r == NULL)
        return;
    s = &r->slots[r->next];
    r->next = r->next + 1 < r->n_slots ? r->next + 1 : 0;
    memcpy(&client, rec->client, sizeof client);
    memcpy(&client_rest, rec->client + sizeof client, sizeof client_rest);
    atomic_store_explicit(&s->words[TRACE_WORD_STAMP], r->stamp + 1, memory_order_relaxed);
    trace_word_put(s, TRACE_WORD_TIME, (uint64_t)rec->time_us);
    trace_word_put(s, TRACE_WORD_HASH, rec->name_hash);
    trace_word_put(s, TRACE_WORD_CLIENT, client);
    trace_word_put(s, TRACE_WORD_CLIENT + 1, client_rest);
    trace_word_put(s, TRACE_WORD_QUESTION, trace_pack_question(rec));
    trace_word_put(s, TRACE_WORD_ANSWER, trace_pack_answer(rec));
    r->stamp += 2;
    trace_word_put(s, TRACE_WORD_STAMP, r->stamp);
}

#endif
