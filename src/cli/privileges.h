/* cli/privileges.h -- from root to the service's user, after the sockets are bound. Main thread, before other
 * threads. */
#ifndef CLI_PRIVILEGES_H
#define CLI_PRIVILEGES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

/* Make the folder of path if it is missing (one level, mode), owned by user when started as root. ERR_IO: *why says
 * what. */
MUST_USE enum err privileges_make_folder(const char *path, unsigned mode, const char *user, struct text *why);

/* Become user for good (groups, gid, uid), and give up every capability. Root with user "" stays what it is; who is
 * not root stays itself without capabilities. ERR_NOT_FOUND: there is no such user; ERR_IO: the system refused.
 * *why says what and what to do. */
MUST_USE enum err privileges_drop(const char *user, struct text *why);

#endif
