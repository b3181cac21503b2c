/* cli/import_config.h -- acme-dns's configuration as a riposte.yaml, by the script acme-dns-config. */
#ifndef CLI_IMPORT_CONFIG_H
#define CLI_IMPORT_CONFIG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/text.h"

/* Run the script on path. yaml is the file, report has a line for what became of each key. False: it could not be
 * done, which has been explained on stderr. */
MUST_USE bool import_config_convert(const char *path, struct text *yaml, struct text *report);

#endif
