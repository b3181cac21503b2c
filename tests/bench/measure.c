#include "measure.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SUB_BITS  5 /* 32 buckets each time the latency doubles */
#define SUB_COUNT (1u << SUB_BITS)
#define PATH_ROOM 320 /* /proc/PID/task/NAME/schedstat */
#define LINE_ROOM 1024
#define BASE_TEN  10
#define MS_PER_S  1000u

_Noreturn void die(const char *format, ...)
{
    va_list args;

    (void)fputs("bench: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

_Noreturn void die_errno(const char *what)
{
    die("%s: %s", what, strerror(errno));
}

uint64_t now_ns(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        die_errno("clock_gettime");
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

uint64_t mix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t random_next(uint64_t *state)
{
    *state += 1;
    return mix64(*state);
}

/* ---- latencies ---- */

/* Small numbers have a bucket each; above, the bits behind the leading one pick one of SUB_COUNT. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned shift;

    if (ns < SUB_COUNT)
        return (unsigned)ns;
    shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (shift + 1) * SUB_COUNT + (unsigned)(ns >> shift & (SUB_COUNT - 1));
}

static uint64_t bucket_end_ns(unsigned bucket)
{
    unsigned shift;

    if (bucket < SUB_COUNT)
        return bucket;
    shift = bucket / SUB_COUNT - 1;
    return ((uint64_t)(SUB_COUNT + bucket % SUB_COUNT + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned bucket = bucket_of(ns);

    h->buckets[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
    h->n++;
    if (ns > h->most_ns)
        h->most_ns = ns;
}

double histogram_us(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->n);
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > wanted)
            return (double)(bucket_end_ns(i) < h->most_ns ? bucket_end_ns(i) : h->most_ns) / NS_PER_US;
    }
    return (double)h->most_ns / NS_PER_US;
}

double histogram_above(const struct histogram *h, uint64_t ns)
{
    uint64_t above = 0;

    for (unsigned i = bucket_of(ns) + 1; i < HISTOGRAM_BUCKETS; i++)
        above += h->buckets[i];
    return h->n > 0 ? (double)above / (double)h->n : 0.0;
}

void latency_print(FILE *out, const struct histogram *h)
{
    (void)fprintf(out, "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"most_us\": %.1f",
                  histogram_us(h, 0.5), histogram_us(h, 0.99), histogram_us(h, 0.999), histogram_us(h, 1.0));
}

/* ---- CPU time ---- */

void processes_parse(struct processes *p, const char *text)
{
    p->n = 0;
    while (*text != '\0') {
        char *end = NULL;
        long pid = strtol(text, &end, BASE_TEN);

        if (end == text || (*end != ',' && *end != '\0') || pid <= 0 || pid > INT32_MAX || p->n == PROCESSES_MAX)
            die("--pids is at most %d process ids with commas between them, not \"%s\"", PROCESSES_MAX, text);
        p->pids[p->n++] = (pid_t)pid;
        text = *end == ',' ? end + 1 : end;
    }
}

/* The first line of a file; false when it is gone, as that of a thread that has ended. */
static int read_line(const char *path, char line[LINE_ROOM])
{
    FILE *f = fopen(path, "re");
    int got;

    if (f == NULL)
        return 0;
    got = fgets(line, LINE_ROOM, f) != NULL;
    (void)fclose(f); /* only read */
    return got;
}

static uint64_t ticks_to_ms(uint64_t ticks)
{
    return ticks * MS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Nanoseconds on a core, of every thread that lives. */
static uint64_t threads_ns(pid_t pid)
{
    char path[PATH_ROOM], line[LINE_ROOM];
    struct dirent *entry;
    uint64_t sum = 0;
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    dir = opendir(path);
    if (dir == NULL)
        die("process %d, which is measured, is gone", (int)pid);
    while ((entry = readdir(dir)) != NULL) {
        uint64_t ns = 0;

        (void)snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
        if (entry->d_name[0] != '.' && read_line(path, line) && sscanf(line, "%" SCNu64, &ns) == 1)
            sum += ns;
    }
    (void)closedir(dir); /* only read */
    return sum;
}

/* Fields 14 and 15, counted behind the name in brackets, which may hold anything. */
static void add_ticks(struct cpu_reading *r, pid_t pid)
{
    char path[PATH_ROOM], line[LINE_ROOM];
    uint64_t user = 0, kernel = 0;
    const char *behind;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    behind = read_line(path, line) ? strrchr(line, ')') : NULL;
    if (behind == NULL || sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                                 &user, &kernel) != 2)
        die("process %d, which is measured, is gone", (int)pid);
    r->user_ms += ticks_to_ms(user);
    r->kernel_ms += ticks_to_ms(kernel);
}

/* user nice system idle iowait irq softirq steal: all but the two idle ones. What another machine steals from this
 * one counts as busy: it disturbs as much. */
static uint64_t machine_ms(void)
{
    uint64_t t[8] = {0};
    char line[LINE_ROOM];

    if (!read_line("/proc/stat", line) ||
        sscanf(line,
               "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        die("cannot read /proc/stat");
    return ticks_to_ms(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]);
}

void cpu_read(struct cpu_reading *r, const struct processes *watched)
{
    struct timespec own;

    *r = (struct cpu_reading){.machine_ms = machine_ms()};
    for (unsigned i = 0; i < watched->n; i++) {
        add_ticks(r, watched->pids[i]);
        r->watched_ns += threads_ns(watched->pids[i]);
    }
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own) != 0)
        die_errno("clock_gettime");
    r->own_ns = (uint64_t)own.tv_sec * NS_PER_S + (uint64_t)own.tv_nsec;
    r->at_ns = now_ns();
}

void cpu_print(FILE *out, const struct cpu_reading *from, const struct cpu_reading *to)
{
    double seconds = (double)(to->at_ns - from->at_ns) / NS_PER_S;
    double watched = (double)(to->watched_ns - from->watched_ns) / NS_PER_S;
    double own = (double)(to->own_ns - from->own_ns) / NS_PER_S;
    double all = (double)(to->machine_ms - from->machine_ms) / MS_PER_S;

    (void)fprintf(out,
                  "\"seconds\": %.6f, \"cpu_ns\": %" PRIu64 ", \"user_ms\": %" PRIu64 ", \"kernel_ms\": %" PRIu64
                  ", \"own_cpus\": %.3f, \"other_cpus\": %.3f, ",
                  seconds, to->watched_ns - from->watched_ns, to->user_ms - from->user_ms,
                  to->kernel_ms - from->kernel_ms, own / seconds, (all - watched - own) / seconds);
}
