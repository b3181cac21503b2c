/* cli/setup.h -- the commands that need no server: their run functions, for the rows in setup.c. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/command.h"

int setup_init(const struct cli *cli, int argc, char **argv);         /* init.c */
int setup_check_config(const struct cli *cli, int argc, char **argv); /* check_config.c */

#endif
