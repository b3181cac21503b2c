#include "api/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bind_why.h"
#include "base/log.h"

#define THREADS_MAX       4 /* of one listener: handshakes are what they are for */
#define ADMIN_CONNECTIONS 64
#define GROUP_BUFFER      16384
#define MODE_EVERYBODY    0666 /* an API socket is as open as a loopback port: requests carry credentials */
#define MODE_GROUP        0660
#define MODE_OWNER        0600

/* ---- binding ---- */

static void put_socket_file_problem(struct text *why, const struct endpoint *want, int errnum)
{
    char at[ENDPOINT_TEXT_MAX];
    const char *said = errnum == EADDRINUSE ? "address already in use" : strerrordesc_np(errnum);

    text_printf(why, "cannot bind %s: %s\n", endpoint_format(want, at), said);
    if (errnum == EADDRINUSE)
        text_put(why, "    another program answers on this socket; is the server running already?\n");
    else if (errnum == ENOENT)
        text_put(why, "    the directory must exist already; systemd makes it with RuntimeDirectory=\n");
}

static enum err bind_failed(const struct endpoint *want, int errnum, struct text *why)
{
    static const struct bind_key listen_key = {.path = "api.listen", .before = "{ address: ", .after = " }"};

    if (want->kind == ENDPOINT_IP)
        bind_why(why, &listen_key, IP_PROTO_TCP, want, errnum);
    else
        put_socket_file_problem(why, want, errnum);
    return errnum == EADDRINUSE ? ERR_EXISTS : ERR_IO;
}

/* A file of a socket nobody listens on was left by a server that did not end well. */
static void remove_stale(const struct endpoint *want)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(want, &sa);
    struct stat st;
    int fd;

    if (lstat(want->path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno == ECONNREFUSED)
        (void)unlink(want->path);
    (void)close(fd);
}

static int set_options(int fd, const struct endpoint *want)
{
    const int on = 1;

    if (want->kind != ENDPOINT_IP)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (want->addr.family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    if (endpoint_is_wildcard(want))
        return 0;
    /* So that a floating address may come later. It also works without: a refusal is no error. */
    if (want->addr.family == ADDR_V6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
    return 0;
}

/* The port that the kernel chose; else as wanted. */
static void learn_endpoint(struct listener *l, const struct endpoint *want)
{
    l->at = *want;
    if (want->kind == ENDPOINT_IP && want->port == 0 && listener_endpoint_of(l->fd, &l->at) != ERR_OK)
        l->at = *want;
}

static enum err bind_mode(struct listener *l, const struct endpoint *want, mode_t mode, struct text *why)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(want, &sa);
    int fd;
    int errnum;

    l->fd = -1;
    l->at = *want;
    if (want->kind == ENDPOINT_UNIX)
        remove_stale(want);
    fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bind_failed(want, errno, why);
    if (set_options(fd, want) != 0 || bind(fd, (struct sockaddr *)&sa, len) != 0) {
        errnum = errno;
        (void)close(fd);
        return bind_failed(want, errnum, why);
    }
    l->fd = fd;
    if (want->kind == ENDPOINT_UNIX) { /* before listen(), so nobody can be in yet */
        l->made_path = chmod(want->path, mode) == 0 && stat(want->path, &l->path_stat) == 0;
        if (!l->made_path) {
            errnum = errno;
            (void)unlink(want->path);
            (void)close(fd);
            l->fd = -1;
            return bind_failed(want, errnum, why);
        }
    }
    learn_endpoint(l, want);
    return ERR_OK;
}

enum err listener_bind(struct listener *l, const struct endpoint *want, struct text *why)
{
    return bind_mode(l, want, MODE_EVERYBODY, why);
}

/* False: there is no such group. */
static bool find_group(const char *name, gid_t *gid)
{
    char *buffer = malloc(GROUP_BUFFER);
    struct group row;
    struct group *found = NULL;

    if (name != NULL && name[0] != '\0' && buffer != NULL &&
        getgrnam_r(name, &row, buffer, GROUP_BUFFER, &found) == 0 && found != NULL)
        *gid = found->gr_gid;
    free(buffer);
    return found != NULL;
}

enum err listener_bind_admin(struct listener *l, const char *path, const char *group, struct text *why)
{
    struct endpoint want = {.kind = ENDPOINT_UNIX};
    gid_t gid = 0;
    enum err e;

    if (strlen(path) >= sizeof want.path) {
        text_printf(why, "cannot bind unix:%s: the path is too long for a socket\n", path);
        return ERR_RANGE;
    }
    memcpy(want.path, path, strlen(path) + 1);
    e = bind_mode(l, &want, MODE_OWNER, why);
    if (e != ERR_OK || !find_group(group, &gid))
        return e;
    /* Without the right to give it to the group, the socket stays with root and the server's user. */
    if (chown(path, (uid_t)-1, gid) == 0 && chmod(path, MODE_GROUP) == 0)
        l->http.group_may = true;
    else
        log_event(LOG_INFO, "admin-socket-without-group", log_str("group", group), log_errno("reason", errno));
    return ERR_OK;
}

void listener_adopt(struct listener *l, int fd, const struct endpoint *at)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    l->fd = fd;
    l->at = *at;
    l->adopted = true;
}

enum err listener_endpoint_of(int fd, struct endpoint *out)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    int type = 0;
    socklen_t type_len = sizeof type;

    *out = (struct endpoint){0};
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 || type != SOCK_STREAM ||
        getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return ERR_SYNTAX;
    if (sa.ss_family == AF_UNIX) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&sa;
        out->kind = ENDPOINT_UNIX;
        (void)snprintf(out->path, sizeof out->path, "%.*s", (int)(sizeof un->sun_path - 1), un->sun_path);
        return out->path[0] == '/' ? ERR_OK : ERR_SYNTAX;
    }
    out->kind = ENDPOINT_IP;
    addr_from_sockaddr(&out->addr, &out->port, (struct sockaddr *)&sa);
    return out->addr.family == ADDR_V4 || out->addr.family == ADDR_V6 ? ERR_OK : ERR_SYNTAX;
}

/* ---- serving ---- */

/* What libmicrohttpd has to say is of interest to us only. */
static void __attribute__((format(printf, 2, 0))) log_library(void *cls, const char *format, va_list args)
{
    char line[512];

    (void)cls;
    if (!log_is_on(LOG_DEBUG))
        return;
    (void)vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", log_str("text", line));
}

/* Paths and arguments are decoded by the router, after they are split. */
static size_t leave_escaped(void *cls, struct MHD_Connection *c, char *s)
{
    (void)cls, (void)c;
    return strlen(s);
}

/* Without handshakes one thread answers far more requests than the committer takes; a second one only takes cores
 * from it. */
static unsigned thread_count(const struct listener *l)
{
    cpu_set_t allowed; /* those that this process may use: a container's or a unit's share, not the machine */
    int cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;

    if (l->tls == API_TLS_NONE || cores < 2)
        return 1;
    return cores < THREADS_MAX ? (unsigned)cores : THREADS_MAX;
}

/* poll(), and never the library's epoll: that one stalls for seconds at 128 ready connections and multiples of it.
 */
static struct MHD_Daemon *start_daemon(struct listener *l, unsigned connections)
{
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    unsigned threads = thread_count(l);
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)http_on_handshake},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem pool_options[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (l->tls == API_TLS_NONE)
        tls_options[0].option = MHD_OPTION_END;
    else
        flags |= MHD_USE_TLS;
    if (threads < 2)
        pool_options[0].option = MHD_OPTION_END;
    return MHD_start_daemon(flags, 0, http_on_accept, &l->http, http_on_request, &l->http, /* */
                            MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,                 /* */
                            MHD_OPTION_LISTEN_SOCKET, l->fd,                               /* */
                            MHD_OPTION_CONNECTION_LIMIT, connections + threads,            /* */
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,          /* */
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY,               /* */
                            MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, &l->http,    /* */
                            MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, &l->http,      /* */
                            MHD_OPTION_URI_LOG_CALLBACK, http_on_uri, &l->http,            /* */
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,             /* */
                            MHD_OPTION_ARRAY, tls_options,                                 /* */
                            MHD_OPTION_ARRAY, pool_options,                                /* */
                            MHD_OPTION_END);
}

enum err listener_open(struct listener *l, unsigned connections, struct text *why)
{
    char at[ENDPOINT_TEXT_MAX];

    endpoint_format(&l->at, at);
    if (!l->adopted && listen(l->fd, SOMAXCONN) != 0) {
        text_printf(why, "cannot listen on %s: %s\n", at, strerrordesc_np(errno));
        return errno == EADDRINUSE ? ERR_EXISTS : ERR_IO;
    }
    l->daemon = start_daemon(l, l->http.is_admin ? ADMIN_CONNECTIONS : connections);
    if (l->daemon == NULL) {
        text_printf(why, "cannot start the HTTP server on %s\n", at);
        return ERR_IO;
    }
    atomic_store_explicit(&l->open, true, memory_order_release);
    return ERR_OK;
}

void listener_quiesce(struct listener *l)
{
    if (l->daemon == NULL)
        return;
    (void)MHD_quiesce_daemon(l->daemon); /* gives the socket back; it is closed with the listener */
    atomic_store_explicit(&l->open, false, memory_order_release);
}

void listener_close(struct listener *l)
{
    struct stat st;

    if (atomic_load_explicit(&l->open, memory_order_acquire))
        listener_quiesce(l); /* else the library closes the socket, and so do we */
    if (l->daemon != NULL)
        MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
    /* Only the file that was made here: a newer server may have put its own in the place. */
    if (l->made_path && lstat(l->at.path, &st) == 0 && st.st_ino == l->path_stat.st_ino &&
        st.st_dev == l->path_stat.st_dev)
        (void)unlink(l->at.path);
    l->made_path = false;
}
