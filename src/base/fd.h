/* base/fd.h -- files by their descriptor. Any thread. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Write all len bytes, however often that takes. False: errno says why, and a part may be there. fd blocks. */
MUST_USE bool fd_write_all(int fd, const void *bytes, size_t len);

#endif
