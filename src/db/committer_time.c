/* The committer's idea of time. Journal time is the real clock, but never goes back. Ages are never computed from
 * it: how long ago a position of the journal was is known from marks by the monotonic clock.
 *
 * Once the clock was far ahead, journal time stands still until the clock is there again. What ends by a time
 * (values, credentials, secrets, the journal's oldest entries) is judged by the clock itself, else the one mistake
 * would end or keep everything; steps back of less than a day, which are ordinary, are not followed. */
#include "base/log.h"
#include "db/committer_internal.h"

#define DAY_S            ((int64_t)24 * 3600)
#define JUMP_US          ((int64_t)60 * 1000000)
#define MARK_INTERVAL_MS ((int64_t)100) /* at least, for graces of seconds */
#define MARKS_A_GRACE    128            /* at most: fewer than MARKS_MAX are ever needed */
#define SEED_MARKS       128
#define GATHER_MAX_US    ((int64_t)20 * US_PER_MS)
#define OTHERS_WORK      3                     /* times the committer's: what HTTP and the clients do meanwhile */
#define FOLD_PORTION     512                   /* changes, which take a few milliseconds */
#define FOLD_MOST        ((uint64_t)128 << 10) /* changes: a start after a crash replays them in less than a second */
#define FOLD_QUIET_MS    50

/* At a start nobody knows what the clock did while no server ran: one that is far from the journal counts as having
 * jumped. */
static bool is_surprising(int64_t real_s, int64_t journal_s)
{
    return journal_s != 0 && (real_s - journal_s > DAY_S || journal_s - real_s > DAY_S);
}

struct instant time_look(struct committer *c)
{
    int64_t real_us = clock_real_us(c->o.clock);
    int64_t mono_us = clock_mono_us(c->o.clock);
    int64_t offset_us = real_us - mono_us;
    int64_t moved_us = offset_us - c->time.offset_us;
    struct instant now = {.mono_ms = mono_us / US_PER_MS, .real_s = clock_real_s(c->o.clock)};

    if (!c->time.known && is_surprising(now.real_s, state_time_s(c->state)))
        c->time.expiry_pause_ms = now.mono_ms + EXPIRY_PAUSE_MS;
    if (c->time.known && (moved_us > JUMP_US || moved_us < -JUMP_US)) {
        c->time.expiry_pause_ms = now.mono_ms + EXPIRY_PAUSE_MS;
        log_event(LOG_WARN, "clock-jumped", log_int("seconds", moved_us / 1000000),
                  log_str("effect", "no value expires for an hour"));
    }
    c->time.known = true;
    c->time.offset_us = offset_us;
    now.journal_s = now.real_s > state_time_s(c->state) ? now.real_s : state_time_s(c->state);
    if (now.journal_s - now.real_s < DAY_S)
        now.real_s = now.journal_s;
    return now;
}

/* Those that one commit answers come back together: let them gather, else they split into two cohorts that wait for
 * each other's syncs. That saves a sync. But with a quick disk or much to do two cohorts are better than one: while
 * the one is committed, HTTP and its clients work on the other. So it is waited for as long as the sync took more
 * than that work, at most. Mostly all come back, which ends the waiting. A lone change waits for nobody. */
int64_t gather_us(size_t n, int64_t batch_us, int64_t sync_us)
{
    int64_t work_us = batch_us > sync_us ? batch_us - sync_us : 0;
    int64_t wait_us = sync_us - OTHERS_WORK * work_us;

    if (n < 2 || wait_us <= 0)
        return 0;
    return wait_us < GATHER_MAX_US ? wait_us : GATHER_MAX_US;
}

/* Folding waits for a quiet moment, and is done in portions between which whoever comes is served; until so much
 * has gathered that it has to go on beside the changes. */
int64_t fold_due_ms(uint64_t unfolded, int64_t changed_ms)
{
    if (unfolded < FOLD_PORTION)
        return NEVER_MS;
    return unfolded < FOLD_MOST ? changed_ms + FOLD_QUIET_MS : changed_ms;
}

static int64_t interval_ms(int64_t grace_s)
{
    int64_t share = grace_s * MS_PER_S / MARKS_A_GRACE;

    return share > MARK_INTERVAL_MS ? share : MARK_INTERVAL_MS;
}

static void drop_first(struct ages *a)
{
    a->n--;
    for (size_t i = 0; i < a->n; i++)
        a->marks[i] = a->marks[i + 1];
}

static void push(struct ages *a, struct age_mark mark)
{
    if (a->n == MARKS_MAX)
        drop_first(a); /* then what it proved to be old counts as young for a while: the careful side */
    a->marks[a->n++] = mark;
}

void ages_note(struct ages *a, int64_t mono_ms, uint64_t seq)
{
    a->last = (struct age_mark){.mono_ms = mono_ms, .seq = seq};
}

uint64_t ages_old_before(struct ages *a, int64_t mono_ms, int64_t grace_s)
{
    int64_t old_ms = mono_ms - grace_s * MS_PER_S;
    const struct age_mark *newest = a->n > 0 ? &a->marks[a->n - 1] : NULL;

    if (newest == NULL ||
        (a->last.seq > newest->seq && (a->last.mono_ms - newest->mono_ms >= interval_ms(grace_s) ||
                                       mono_ms - a->last.mono_ms >= interval_ms(grace_s))))
        push(a, a->last);
    while (a->n > 1 && a->marks[1].mono_ms <= old_ms)
        drop_first(a);
    if (a->n == 0 || a->marks[0].mono_ms > old_ms)
        return 0;
    return (a->marks[0].seq + 1) << CLAIM_ORDER_SHIFT;
}

/* The newest position among claims whose age, in intervals, is i (all older ones: the last). */
static void look_at_claims(const struct value_set *vs, struct instant now, int64_t step_s,
                           uint64_t newest[SEED_MARKS])
{
    for (size_t i = 0; i < vs->n; i++) {
        const struct value *v = &vs->values[i];
        for (size_t k = 0; k < v->n_claims; k++) {
            int64_t age_s = now.real_s - v->claims[k].added_s;
            int64_t place = age_s > 0 ? age_s / step_s : 0;
            uint64_t seq = v->claims[k].order >> CLAIM_ORDER_SHIFT;
            if (place >= SEED_MARKS)
                place = SEED_MARKS - 1;
            if (seq > newest[place])
                newest[place] = seq;
        }
    }
}

void ages_seed(struct ages *a, const struct state *s, struct instant now, int64_t grace_s)
{
    uint64_t newest[SEED_MARKS] = {0};
    int64_t step_s = interval_ms(grace_s) * 2 / MS_PER_S; /* two graces and more in all */
    uint64_t seq = 0;

    *a = (struct ages){0};
    if (step_s == 0)
        step_s = 1;
    for (uint32_t id = 1; id <= state_last_name(s); id++)
        look_at_claims(name_values(s, state_name(s, id)), now, step_s, newest);
    for (size_t i = SEED_MARKS; i > 0; i--) {
        if (newest[i - 1] <= seq)
            continue;
        seq = newest[i - 1];
        push(a, (struct age_mark){.mono_ms = now.mono_ms - (int64_t)(i - 1) * step_s * MS_PER_S, .seq = seq});
    }
    ages_note(a, now.mono_ms, state_seq(s));
}
