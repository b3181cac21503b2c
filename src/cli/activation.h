/* cli/activation.h -- the two small protocols of a service manager, spoken directly: sockets passed at start
 * (LISTEN_FDS, as in sd_listen_fds(3)) and notifications (NOTIFY_SOCKET, as in sd_notify(3)). Main thread. */
#ifndef CLI_ACTIVATION_H
#define CLI_ACTIVATION_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

#define ACTIVATION_MAX      64
#define ACTIVATION_FIRST_FD 3

/* The passed sockets, told apart: datagram sockets and streams named "riposte-dns" (or, unnamed, on the port of a
 * datagram socket) are for DNS, the other streams for the API. */
struct activation {
    int dns[ACTIVATION_MAX];
    size_t n_dns;
    int api[ACTIVATION_MAX];
    size_t n_api;
};

/* Take what was passed to this process and remove the variables from the environment. Nothing passed: both counts
 * are 0. ERR_RANGE: more than ACTIVATION_MAX; ERR_SYNTAX: variables that cannot be read, or a descriptor that is no
 * socket; *why has a sentence. */
MUST_USE enum err activation_take(struct activation *out, struct text *why);

/* Tell the service manager, if there is one: "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…", "STATUS=…".
 */
void activation_notify(const char *message);

#endif
