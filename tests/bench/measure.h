/* tests/bench/measure.h -- what all the load generators need: time, random numbers, latencies, CPU time of others.
 * Any thread; nothing here keeps state of its own. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NS_PER_S  1000000000u
#define NS_PER_MS 1000000u
#define NS_PER_US 1000u

/* Say why on stderr, with errno's text for die_errno(), and exit with status 1: a measurement either stands or is
 * not made. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die_errno(const char *what);

uint64_t now_ns(void); /* CLOCK_MONOTONIC */

struct sockaddr_in loopback(uint16_t port);

/* The same numbers on every machine: splitmix64, by Sebastiano Vigna. */
uint64_t mix64(uint64_t x);
uint64_t random_next(uint64_t *state);

/* ---- latencies in buckets that grow by about 3 % ---- */

#define HISTOGRAM_BUCKETS 1024

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t n;
    uint64_t most_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The latency that a share of all (0.5, 0.999) did not exceed, in microseconds, to the width of a bucket. */
double histogram_us(const struct histogram *h, double share);
/* The share that took longer than so many ns. */
double histogram_above(const struct histogram *h, uint64_t ns);
/* As members of a JSON object, without a comma at the end: p50_us, p99_us, p999_us, most_us. */
void latency_print(FILE *out, const struct histogram *h);

/* ---- CPU time ---- */

#define PROCESSES_MAX 16

/* Processes that are watched from outside, all threads of each. */
struct processes {
    pid_t pids[PROCESSES_MAX];
    unsigned n;
};

/* "123,456"; die()s when it is something else. */
void processes_parse(struct processes *p, const char *text);

struct cpu_reading {
    uint64_t at_ns;
    uint64_t watched_ns;         /* on a core, by the scheduler's count */
    uint64_t user_ms, kernel_ms; /* of the watched, from the timer's ticks: coarse */
    uint64_t own_ns;             /* of this process */
    uint64_t machine_ms;         /* all cores busy, from the timer's ticks: coarse */
};

void cpu_read(struct cpu_reading *r, const struct processes *watched);
/* The difference of two readings as members of a JSON object, with a comma at the end: seconds, cpu_ns, user_ms,
 * kernel_ms, own_cpus, and other_cpus: what else ran on the machine meanwhile, in cores. */
void cpu_print(FILE *out, const struct cpu_reading *from, const struct cpu_reading *to);

#endif
