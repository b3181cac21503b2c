/* cli/args.h -- the arguments of a subcommand: options from a table, and what is left. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "cli/command.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST /* repeated, or separated by commas */ };

struct option_spec {
    const char *name; /* "--account" */
    enum option_kind kind;
};

#define ARGS_OPTIONS_MAX 16
#define ARGS_VALUES_MAX  128

struct args {
    const struct command *command; /* for messages */
    const struct option_spec *specs;
    size_t n_specs;
    const char *texts[ARGS_OPTIONS_MAX]; /* by place in specs; "" for a flag that was given */
    struct {
        size_t spec;
        const char *text;
        size_t len;
    } list[ARGS_VALUES_MAX];
    size_t n_list;
    const char *rest[ARGS_VALUES_MAX];
    size_t n_rest;
};

/* Read argv; between min_rest and max_rest arguments must be left. Behind "--" there are no options, so that a
 * value may begin with hyphens. False: the usage was wrong and has been explained on stderr. Borrows all of them.
 */
MUST_USE bool args_parse(struct args *a, const struct command *command, const struct option_spec *specs,
                         size_t n_specs, size_t min_rest, size_t max_rest, int argc, char **argv);
/* Say what is wrong with the arguments, and the usage, on stderr. Returns EXIT_STATUS_USAGE. */
int args_refuse(const struct args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* NULL when the option was not given. */
const char *args_text(const struct args *a, const char *option);
bool args_flag(const struct args *a, const char *option);
size_t args_list_len(const struct args *a, const char *option);
/* The i-th of the list; *len bytes, not NUL-terminated. */
const char *args_list_at(const struct args *a, const char *option, size_t i, size_t *len);
/* A time in the past ("1h" ago) or in the future ("90d" from now; also "2027-01-31" and RFC 3339) as Unix seconds.
 * False: it is neither, which has been explained. */
MUST_USE bool args_time(const struct args *a, const char *option, int direction, int64_t *out);

#endif
