/* api/listener.h -- one address of the API: its socket, and the daemon of libmicrohttpd behind it.
 *
 * The socket is bound first, with privileges, and listens when the daemon starts: an address whose certificate is
 * not there yet is bound but closed. Serve's thread, but for listener_open(), which the certificates' thread calls
 * too. */
#ifndef API_LISTENER_H
#define API_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "api/http_internal.h"
#include "api/server.h"
#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct listener {
    struct http_listener http;
    struct endpoint at; /* with the port that was really bound */
    enum api_tls tls;
    int fd; /* -1: none */
    bool adopted;
    bool made_path; /* the unix socket's file is ours: remove it at the end */
    struct stat path_stat;
    struct MHD_Daemon *daemon;
    atomic_bool open;
};

/* A new socket at want. On error one line is added to why, and l->fd is -1. ERR_EXISTS: in use; ERR_IO. */
MUST_USE enum err listener_bind(struct listener *l, const struct endpoint *want, struct text *why);
/* The admin socket: mode 0660 and the group, or 0600 when there is no such group. */
MUST_USE enum err listener_bind_admin(struct listener *l, const char *path, const char *group, struct text *why);
/* Use a socket that a service manager has bound. */
void listener_adopt(struct listener *l, int fd, const struct endpoint *at);
/* Where a passed socket is bound. ERR_SYNTAX: it is no stream socket of a family that is served. */
MUST_USE enum err listener_endpoint_of(int fd, struct endpoint *out);

/* Start to listen and serve. connections: a bound for libmicrohttpd, above the server's own. */
MUST_USE enum err listener_open(struct listener *l, unsigned connections, struct text *why);
/* Accept no more; what is connected goes on. */
void listener_quiesce(struct listener *l);
/* End what is connected, close, remove the socket's file. Fine for one that was never opened. */
void listener_close(struct listener *l);

#endif
