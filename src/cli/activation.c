#include "cli/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/quantity.h"

#define DNS_SOCKET_NAME "riposte-dns"

static bool number_from_env(const char *variable, uint64_t max, uint64_t *out)
{
    const char *text = getenv(variable);

    return text != NULL && quantity_parse_uint(out, text, strlen(text), max) == ERR_OK;
}

/* The i-th of the colon-separated names; *len is 0 when there are fewer. */
static const char *name_at(const char *names, size_t i, size_t *len)
{
    while (i > 0 && *names != '\0') {
        if (*names == ':')
            i--;
        names++;
    }
    *len = strcspn(names, ":");
    return names;
}

static uint16_t local_port(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    struct addr addr;
    uint16_t port = 0;

    memset(&sa, 0, sizeof(sa));
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        addr_from_sockaddr(&addr, &port, (const struct sockaddr *)&sa);
    return port;
}

static bool is_on_a_dns_port(const struct activation *a, int fd)
{
    uint16_t port = local_port(fd);

    for (size_t i = 0; i < a->n_dns && port != 0; i++) {
        if (local_port(a->dns[i]) == port)
            return true;
    }
    return false;
}

static enum err socket_type(int fd, int *type)
{
    socklen_t len = sizeof(*type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, type, &len) != 0)
        return ERR_SYNTAX;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return ERR_SYNTAX;
    return ERR_OK;
}

/* Datagram sockets first: an unnamed stream is told apart by their ports. */
static enum err sort_sockets(struct activation *out, size_t n, const char *names, int wanted_type, struct text *why)
{
    for (size_t i = 0; i < n; i++) {
        int fd = ACTIVATION_FIRST_FD + (int)i;
        size_t name_len;
        const char *name = name_at(names, i, &name_len);
        int type = 0;

        if (socket_type(fd, &type) != ERR_OK) {
            text_printf(why, "descriptor %d, passed by the service manager, is not a socket: %s", fd,
                        strerror(errno));
            return ERR_SYNTAX;
        }
        if (type != wanted_type)
            continue;
        if (type == SOCK_DGRAM || text_equal_nocase(name, name_len, DNS_SOCKET_NAME, strlen(DNS_SOCKET_NAME)) ||
            is_on_a_dns_port(out, fd))
            out->dns[out->n_dns++] = fd;
        else
            out->api[out->n_api++] = fd;
    }
    return ERR_OK;
}

enum err activation_take(struct activation *out, struct text *why)
{
    uint64_t pid = 0, n = 0;
    const char *names = getenv("LISTEN_FDNAMES");
    char *kept = NULL;
    enum err e = ERR_OK;

    memset(out, 0, sizeof(*out));
    if (getenv("LISTEN_FDS") == NULL)
        return ERR_OK;
    if (!number_from_env("LISTEN_PID", INT32_MAX, &pid) || !number_from_env("LISTEN_FDS", INT32_MAX, &n)) {
        text_put(why, "LISTEN_PID or LISTEN_FDS in the environment is not a number");
        return ERR_SYNTAX;
    }
    if (pid != (uint64_t)getpid())
        return ERR_OK; /* meant for another process */
    if (n > ACTIVATION_MAX) {
        text_printf(why, "%llu sockets were passed by the service manager; at most %d are taken",
                    (unsigned long long)n, ACTIVATION_MAX);
        return ERR_RANGE;
    }
    kept = strdup(names != NULL ? names : "");
    if (kept == NULL)
        return ERR_MEMORY;
    e = sort_sockets(out, (size_t)n, kept, SOCK_DGRAM, why);
    if (e == ERR_OK)
        e = sort_sockets(out, (size_t)n, kept, SOCK_STREAM, why);
    free(kept);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return e;
}

void activation_notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = path != NULL ? strlen(path) : 0;
    int fd;

    if (len < 2 || len >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(sa.sun_path, path, len);
    if (path[0] == '@')
        sa.sun_path[0] = '\0'; /* a name in the abstract space */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* A manager that does not listen is not our trouble: there is nobody to tell. */
    (void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&sa,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}
