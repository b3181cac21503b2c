/* tests/bench/options.h -- what the bench's programs are told on the command line: a row for each option, from
 * which the reading and the usage come. Whatever is wrong ends the program and says what would be right. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MOST 16 /* rows of one program */

/* What an option takes, and so what its row points at. */
enum option_kind {
    OPTION_FLAG,    /* nothing; bool */
    OPTION_PORT,    /* uint16_t */
    OPTION_COUNT,   /* unsigned */
    OPTION_NUMBER,  /* uint64_t */
    OPTION_SECONDS, /* double */
    OPTION_TEXT,    /* const char *, into argv */
    OPTION_PIDS,    /* struct processes */
};

enum option_need { OPTION_MAY, OPTION_MUST };

struct option_row {
    const char *name; /* with its dashes */
    const char *word; /* what it takes, for the usage; NULL for a flag */
    enum option_kind kind;
    void *to;             /* keeps what was there when the option is not given */
    uint64_t least, most; /* of a count or number */
    enum option_need need;
};

/* Rows that several programs have, all with the same words. */
#define OPTION_ROW_PORT(to)                                                                                        \
    {                                                                                                              \
        "--port", "N", OPTION_PORT, (to), 1, UINT16_MAX, OPTION_MUST                                               \
    }
#define OPTION_ROW_SECONDS(to)                                                                                     \
    {                                                                                                              \
        "--seconds", "S", OPTION_SECONDS, (to), 0, 0, OPTION_MAY                                                   \
    }
#define OPTION_ROW_WARM(to)                                                                                        \
    {                                                                                                              \
        "--warm", "S", OPTION_SECONDS, (to), 0, 0, OPTION_MAY                                                      \
    }
#define OPTION_ROW_PIDS(to)                                                                                        \
    {                                                                                                              \
        "--pids", "PID,…", OPTION_PIDS, (to), 0, 0, OPTION_MAY                                                     \
    }

/* Read the command line of a program by n rows. die()s with the usage when an option is unknown, one that must be
 * there is missing, or something stands behind them. */
void options_read(const struct option_row *rows, size_t n, int argc, char **argv);

/* A decimal number from least to most, else die() with the option's name. */
uint64_t option_number(const char *name, const char *text, uint64_t least, uint64_t most);
double option_seconds(const char *name, const char *text); /* such as 0.5; more than 0, at most an hour */

#endif
