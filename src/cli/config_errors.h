/* cli/config_errors.h -- what is wrong with a configuration file, all of it, in the order of the file. One owner
 * thread. */
#ifndef CLI_CONFIG_ERRORS_H
#define CLI_CONFIG_ERRORS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

#define CONFIG_ERRORS_KEPT 500 /* the others are only counted */

struct config_error {
    unsigned line, column; /* from 1; line 0: no place in the file */
    const char *text;      /* "values.lifetime: …"; further lines are indented advice */
};

struct config_errors {
    struct arena *arena; /* borrowed for as long as the errors live */
    struct config_error kept[CONFIG_ERRORS_KEPT];
    size_t n_kept;
    unsigned n;   /* all of them */
    enum err err; /* ERR_MEMORY: not even the complaint could be kept */
};

void config_errors_init(struct config_errors *errors, struct arena *arena);
void config_errors_add(struct config_errors *errors, unsigned line, unsigned column, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Sort by line and column, and write each as "PATH:LINE:COLUMN: TEXT\n". */
void config_errors_report(struct config_errors *errors, const char *path, struct text *out);

/* text between double quotes as messages show it: cut at 60 octets, controls and bytes outside ASCII as \xNN. */
#define CONFIG_QUOTED_MAX 256
const char *config_quoted(const char *text, size_t len, char out[CONFIG_QUOTED_MAX]);

#endif
