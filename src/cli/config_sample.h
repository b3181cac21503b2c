/* cli/config_sample.h -- a whole, commented riposte.yaml, written from the rows: etc/riposte.yaml is this with the
 * examples, `riposte init` writes this with what it was told, so the two cannot drift. */
#ifndef CLI_CONFIG_SAMPLE_H
#define CLI_CONFIG_SAMPLE_H

#include <stddef.h>

#include "base/text.h"

/* What stands in the place of a default or an example. */
struct config_sample_value {
    const char *path; /* of a row: "zones[].origin" */
    const char *text; /* a list's items with blanks between */
};

/* Append the file; values may be NULL when n is 0. */
void config_sample_write(const struct config_sample_value *values, size_t n, struct text *out);

#endif
