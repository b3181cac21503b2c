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
    bool config_is_said;     /* it is not the default */
    /* Where the server is, when it is not asked over its admin socket: --url, --token-file, --ca-file; NULL: not
     * said. Commands that have options of these names themselves (client, hook) find them among their arguments. */
    const char *url, *token_file, *ca_file;
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
extern const struct command check_commands[];  /* check zone, check domain */
extern const struct command store_commands[];  /* check store, backup */
extern const struct command import_commands[]; /* import acme-dns */
extern const struct command apply_commands[];
extern const struct command restore_commands[];
extern const struct command
    admin_commands[]; /* status, reload, account, name, credential, value, token, journal, refusals, trace */
extern const struct command completion_commands[];

extern const struct command client_commands[]; /* client …: on the machines that get certificates */
extern const struct command hook_commands[];   /* hook …: what ACME clients call there */

#endif
