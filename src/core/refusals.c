/* A place of the ring is a sequence lock: a writer that has drawn ticket t marks its place 2t+1, writes the record
 * as atomic words, and marks it 2t+2. Words are stored with release and loaded with acquire order: a reader that
 * has seen a word of a newer record also sees that record's mark, and drops what it has copied. A writer that was
 * overtaken by a whole round of the ring gives its record up; it is still counted. */
#include "core/refusals.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bucket.h"
#include "base/clock.h"
#include "base/log.h"

#define RECORD_WORDS ((sizeof(struct refusal_record) + sizeof(uint64_t) - 1) / sizeof(uint64_t))

/* Lines in the log: a burst is shown whole, a flood is not. */
#define LOG_BURST 200
static const struct rate log_rate = {.amount = 20, .per_s = 1};

struct place {
    _Atomic uint64_t mark;
    _Atomic uint64_t words[RECORD_WORDS];
};

struct refusals {
    _Atomic uint64_t next; /* ticket */
    _Atomic uint64_t counts[REFUSAL_COUNT][DOOR_COUNT];
    atomic_flag log_busy; /* guards log_bucket; who does not get it does not log */
    struct bucket log_bucket;
    _Atomic uint64_t log_held_back;
    struct place places[REFUSALS_MAX];
};

enum err refusals_new(struct refusals **out)
{
    struct refusals *rs = calloc(1, sizeof *rs);

    if (rs == NULL)
        return ERR_MEMORY;
    atomic_flag_clear(&rs->log_busy);
    bucket_init(&rs->log_bucket, LOG_BURST, clock_mono_ms(&clock_system));
    *out = rs;
    return ERR_OK;
}

void refusals_free(struct refusals *rs)
{
    free(rs);
}

/* Ends in a NUL, which it may not have had, and has printable ASCII only. */
static void make_printable(char *text, size_t cap)
{
    text[cap - 1] = '\0';
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void keep(struct refusals *rs, const struct refusal_record *r)
{
    uint64_t ticket = atomic_fetch_add_explicit(&rs->next, 1, memory_order_relaxed);
    struct place *p = &rs->places[ticket % REFUSALS_MAX];
    uint64_t mark = atomic_load_explicit(&p->mark, memory_order_relaxed);
    uint64_t words[RECORD_WORDS] = {0};

    if (mark % 2 != 0 || mark > 2 * ticket)
        return;
    if (!atomic_compare_exchange_strong_explicit(&p->mark, &mark, 2 * ticket + 1, memory_order_acquire,
                                                 memory_order_relaxed))
        return;
    memcpy(words, r, sizeof *r);
    for (size_t i = 0; i < RECORD_WORDS; i++)
        atomic_store_explicit(&p->words[i], words[i], memory_order_release);
    atomic_store_explicit(&p->mark, 2 * ticket + 2, memory_order_release);
}

/* False: too many lines already, or another thread is just asking. */
static bool log_has_room(struct refusals *rs)
{
    bool room = false;

    if (!log_is_on(LOG_INFO))
        return false;
    if (!atomic_flag_test_and_set_explicit(&rs->log_busy, memory_order_acquire)) {
        room = bucket_take(&rs->log_bucket, log_rate, LOG_BURST, clock_mono_ms(&clock_system), NULL);
        atomic_flag_clear_explicit(&rs->log_busy, memory_order_release);
    }
    if (!room)
        atomic_fetch_add_explicit(&rs->log_held_back, 1, memory_order_relaxed);
    return room;
}

void refusals_add(struct refusals *rs, const struct refusal_record *r)
{
    struct refusal_record copy = *r;
    uint64_t held_back;

    assert((unsigned)r->reason < REFUSAL_COUNT && (unsigned)r->door < DOOR_COUNT);
    make_printable(copy.request_id, sizeof copy.request_id);
    make_printable(copy.who, sizeof copy.who);
    make_printable(copy.name, sizeof copy.name);
    make_printable(copy.detail, sizeof copy.detail);
    keep(rs, &copy);
    atomic_fetch_add_explicit(&rs->counts[r->reason][r->door], 1, memory_order_relaxed);
    if (!log_has_room(rs))
        return;
    held_back = atomic_exchange_explicit(&rs->log_held_back, 0, memory_order_relaxed);
    log_event(LOG_INFO, "refused", log_str("reason", refusal_word(copy.reason)),
              log_str("door", door_word(copy.door)), log_addr("from", &copy.client),
              log_str("credential", copy.who), log_str("name", copy.name), log_str("detail", copy.detail),
              log_str("request", copy.request_id), log_int("held_back", (int64_t)held_back));
}

/* Copy the record of a ticket; false when it is being written, was given up, or has been replaced. */
static bool read_place(const struct place *p, uint64_t ticket, struct refusal_record *out)
{
    uint64_t words[RECORD_WORDS];

    if (atomic_load_explicit(&p->mark, memory_order_acquire) != 2 * ticket + 2)
        return false;
    for (size_t i = 0; i < RECORD_WORDS; i++)
        words[i] = atomic_load_explicit(&p->words[i], memory_order_acquire);
    if (atomic_load_explicit(&p->mark, memory_order_relaxed) != 2 * ticket + 2)
        return false;
    memcpy(out, words, sizeof *out);
    return true;
}

size_t refusals_read(const struct refusals *rs, int64_t since_us, struct refusal_record *out, size_t cap)
{
    uint64_t next = atomic_load_explicit(&rs->next, memory_order_acquire);
    uint64_t oldest = next > REFUSALS_MAX ? next - REFUSALS_MAX : 0;
    size_t n = 0;

    for (uint64_t ticket = next; ticket > oldest && n < cap; ticket--) {
        struct refusal_record r;
        if (read_place(&rs->places[(ticket - 1) % REFUSALS_MAX], ticket - 1, &r) && r.time_us >= since_us)
            out[n++] = r;
    }
    return n;
}

static void collect(void *self, struct text *out)
{
    static const char name[] = "riposte_refusals_total";
    const struct refusals *rs = self;

    metrics_head(out, name, METRIC_COUNTER, "Requests that were refused, by true reason and door.");
    for (size_t reason = 0; reason < REFUSAL_COUNT; reason++) {
        for (size_t door = 0; door < DOOR_COUNT; door++) {
            uint64_t count = atomic_load_explicit(&rs->counts[reason][door], memory_order_relaxed);
            char labels[96];
            if (count == 0)
                continue;
            (void)snprintf(labels, sizeof labels, "reason=\"%s\",door=\"%s\"", refusal_word((enum refusal)reason),
                           door_word((enum door)door));
            metrics_sample_u64(out, name, labels, count);
        }
    }
}

struct metrics_source refusals_metrics(struct refusals *rs)
{
    return (struct metrics_source){.collect = collect, .self = rs};
}
