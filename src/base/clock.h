/* base/clock.h -- the time, as something that tests can replace. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*real_us)(void *self); /* microseconds since 1970, UTC; may jump */
    int64_t (*mono_us)(void *self); /* microseconds since some start; never goes back, goes on while suspended */
    void *self;
};

extern const struct clock clock_system;

int64_t clock_real_s(const struct clock *c);
int64_t clock_real_us(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);
int64_t clock_mono_us(const struct clock *c);

/* A clock that stands still until told: for tests. */
struct clock_fake {
    int64_t real_us;
    int64_t mono_us;
};
struct clock clock_fake_of(struct clock_fake *f);           /* keeps f */
void clock_fake_advance_s(struct clock_fake *f, int64_t s); /* both */

#define CLOCK_TEXT_MAX 32
/* RFC 3339 in UTC, "2026-11-21T02:58:41Z"; returns out. */
const char *clock_format_rfc3339(int64_t real_s, char out[CLOCK_TEXT_MAX]);

#endif
