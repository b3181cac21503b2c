/* base/holder.h -- who holds a UDP or TCP port of this machine, read from /proc: for the message about a bind that
 * failed. Best effort and bounded; what belongs to other users is seen without the process. Start-up only: reads
 * many files. */
#ifndef BASE_HOLDER_H
#define BASE_HOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/addr.h"

enum ip_proto { IP_PROTO_UDP, IP_PROTO_TCP };

#define HOLDER_NAME_MAX 32

struct holder {
    struct endpoint at;
    pid_t pid;                  /* 0: not visible to this user */
    char name[HOLDER_NAME_MAX]; /* of the process, printable ASCII; "" with pid 0 */
};

/* Fill out with the sockets that stand in the way of binding want: same port, and the same address or a wildcard on
 * either side. Returns how many, at most cap. */
size_t holder_find(struct holder *out, size_t cap, enum ip_proto proto, const struct endpoint *want);

#endif
