/* cli/commands.h -- all subcommands in their order: which one is meant, and what can be said when none is. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

#include "cli/command.h"

/* The command whose words argv begins with, and in *used how many arguments they are. NULL: none. */
const struct command *commands_find(int argc, char **argv, int *used);

/* The i-th of all, NULL behind the last. */
const struct command *commands_at(size_t i);

/* All of them, by groups, one a line; and one in full, as `riposte COMMAND --help` shows it. */
void commands_print_overview(FILE *to);
void commands_print_help(FILE *to, const struct command *c);
/* Those whose first word is this, with their arguments. Returns how many there are. */
size_t commands_print_group(FILE *to, const char *first_word);

/* Say that there is no such command, and which begin the same or are near. argc is at least 1. */
void commands_explain_unknown(FILE *to, int argc, char **argv);

#endif
