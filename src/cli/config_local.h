/* cli/config_local.h -- the addresses of this machine. */
#ifndef CLI_CONFIG_LOCAL_H
#define CLI_CONFIG_LOCAL_H

#include <stddef.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"

enum config_local { CONFIG_LOCAL_YES, CONFIG_LOCAL_NO, CONFIG_LOCAL_UNKNOWN };

/* Does a belong to an interface of this machine? Unknown when the system does not tell. Any thread. */
enum config_local config_address_is_local(const struct addr *a);

#endif
