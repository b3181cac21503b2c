#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

bool fd_write_all(int fd, const void *bytes, size_t len)
{
    const char *rest = bytes;

    while (len > 0) {
        ssize_t n = write(fd, rest, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        rest += n;
        len -= (size_t)n;
    }
    return true;
}
