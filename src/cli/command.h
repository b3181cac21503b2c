/* cli/command.h -- what every subcommand has in common. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum exit_status {
    EXIT_STATUS_DONE = 0,
    EXIT_STATUS_FAILED = 1,
    EXIT_STATUS_USAGE = 2,
    EXIT_STATUS_NOT_FOUND = 3,
    EXIT_STATUS_REFUSED = 4,
    EXIT_STATUS_CONFLICT = 5,
    EXIT_STATUS_UNREACHABLE = 6, /* or 503: try again */
    EXIT_STATUS_CHECK_FAILED = 7,
};

/* The options that stand before or behind any subcommand. */
struct cli {
    const char *config_path; /* -c */
    bool json, yes, quiet;
    const struct command *command; /* the one that runs */
};

struct command {
    const char *words;   /* "serve", "name create" */
    const char *usage;   /* arguments, for --help: "--account A [--label L]" */
    const char *summary; /* one line */
    const char *help;    /* paragraphs and an example, for `riposte WORDS --help` */
    /* argv[0] is the first argument behind the words. Returns an exit_status. */
    int (*run)(const struct cli *cli, int argc, char **argv);
};

/* The commands of one file; ended by a row with words NULL. */
extern const struct command serve_commands[];
extern const struct command setup_commands[];  /* init, check config */
extern const struct command store_commands[];  /* check store, backup */
extern const struct command import_commands[]; /* import acme-dns */
extern const struct command
    admin_commands[]; /* status, reload, account, name, credential, value, token, refusals, trace */

#endif
