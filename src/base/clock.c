#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define US_PER_S  1000000
#define US_PER_MS 1000
#define NS_PER_US 1000

/* What RFC 3339 can say: years 0000 to 9999. */
#define RFC3339_MIN_S (-62167219200)
#define RFC3339_MAX_S 253402300799

static int64_t read_us(clockid_t id)
{
    struct timespec ts = {0};
    int rc = clock_gettime(id, &ts);

    assert(rc == 0); /* fails only for clocks that the kernel lacks */
    (void)rc;
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / NS_PER_US;
}

static int64_t system_real_us(void *self)
{
    (void)self;
    return read_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *self)
{
    (void)self;
    return read_us(CLOCK_BOOTTIME); /* CLOCK_MONOTONIC stands still while the machine is suspended */
}

const struct clock clock_system = {.real_us = system_real_us, .mono_us = system_mono_us, .self = NULL};

/* Towards minus infinity, so that an instant before 1970 is in the second in which it is. */
static int64_t floor_div(int64_t v, int64_t by)
{
    return v / by - (v % by < 0 ? 1 : 0);
}

int64_t clock_real_us(const struct clock *c)
{
    return c->real_us(c->self);
}

int64_t clock_real_s(const struct clock *c)
{
    return floor_div(clock_real_us(c), US_PER_S);
}

int64_t clock_mono_us(const struct clock *c)
{
    return c->mono_us(c->self);
}

int64_t clock_mono_ms(const struct clock *c)
{
    return floor_div(clock_mono_us(c), US_PER_MS);
}

static int64_t fake_real_us(void *self)
{
    return ((const struct clock_fake *)self)->real_us;
}

static int64_t fake_mono_us(void *self)
{
    return ((const struct clock_fake *)self)->mono_us;
}

struct clock clock_fake_of(struct clock_fake *f)
{
    return (struct clock){.real_us = fake_real_us, .mono_us = fake_mono_us, .self = f};
}

void clock_fake_advance_s(struct clock_fake *f, int64_t s)
{
    f->real_us += s * US_PER_S;
    f->mono_us += s * US_PER_S;
}

const char *clock_format_rfc3339(int64_t real_s, char out[CLOCK_TEXT_MAX])
{
    time_t t = real_s;
    struct tm tm = {0};

    if (real_s < RFC3339_MIN_S)
        t = RFC3339_MIN_S;
    if (real_s > RFC3339_MAX_S)
        t = RFC3339_MAX_S;
    (void)gmtime_r(&t, &tm); /* cannot fail: the year fits */
    /* The remainders change nothing: they show the compiler how long each number is. */
    (void)snprintf(out, CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000,
                   (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return out;
}
