#include "cli/setup.h"

#include <stddef.h>

const struct command setup_commands[] = {
    {.words = "init",
     .usage = "ORIGIN --address A ... [--contact MAIL] [--output FILE]",
     .summary = "write a configuration, and say what else is to be done",
     .help = "Writes a complete, commented riposte.yaml (mode 0640) for the zone ORIGIN, and prints the records "
             "that the\n"
             "parent zone needs. A file that is there is never overwritten.\n\n"
             "  --address A     an address of this server as the world reaches it; once for each\n"
             "  --contact MAIL  who looks after the zone; hostmaster@ the parent zone if none\n"
             "  --output FILE   instead of the configuration's usual place; - is the standard output\n\n"
             "  riposte init auth.example.org --address 203.0.113.10 --address 2001:db8::10\n",
     .run = setup_init},
    {.words = "check config",
     .usage = "[-c FILE]",
     .summary = "everything that is wrong with the configuration",
     .help =
         "Reads the file as the server would and prints all errors at once, each with its line and column; exit\n"
         "status 1 when there are any. Sockets are not tried. The server need not run.\n\n"
         "  riposte check config -c /etc/riposte/riposte.yaml\n",
     .run = setup_check_config},
    {.words = NULL},
};
