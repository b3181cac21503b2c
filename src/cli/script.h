/* cli/script.h -- run one of the Python scripts that come with the program. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/text.h"

#define SCRIPT_ARGS_MAX 4

struct script {
    const char *command; /* for messages: "import" */
    const char *name;    /* "acme-dns-config" */
    const char *needs;   /* what is missing when there is no Python: "--config needs python3 >= 3.11" */
    const char *args[SCRIPT_ARGS_MAX]; /* ended by NULL */
};

/* Run it to its end. out and report (of what it says on stderr) are initialised by the caller. False: it is not
 * there, could not be run, or ended with another status than 0; that, or what it said, has been explained on
 * stderr. Blocks. */
MUST_USE bool script_run(const struct script *s, struct text *out, struct text *report);

#endif
