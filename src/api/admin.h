/* api/admin.h -- the rows of the admin socket's API, for `riposte` on the same machine. */
#ifndef API_ADMIN_H
#define API_ADMIN_H

#include <stddef.h>

#include "api/router.h"

extern const struct route admin_routes[];
extern const size_t admin_routes_count;

/* Remove the copies of backups that were under way when a server ended, from the folder of the store. Before the
 * admin socket is open. */
void admin_backup_sweep(const char *store_path);

#endif
