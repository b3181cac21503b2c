/* cli/setup.h -- the commands that need no server: their run functions, for the rows in setup.c. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "base/text.h"
#include "cli/command.h"

/* Write a new configuration, readable by the service and by nobody else, and say so with the remark (NULL: say
 * nothing). Returns an exit_status; command is for messages. init.c */
int setup_write_file(const char *command, const char *path, const struct text *file, const char *remark);
int setup_init(const struct cli *cli, int argc, char **argv);         /* init.c */
int setup_check_config(const struct cli *cli, int argc, char **argv); /* check_config.c */

#endif
