/* api/admin.h -- the rows of the admin socket's API, for `riposte` on the same machine. */
#ifndef API_ADMIN_H
#define API_ADMIN_H

#include <stddef.h>

#include "api/router.h"

extern const struct route admin_routes[];
extern const size_t admin_routes_count;

#endif
