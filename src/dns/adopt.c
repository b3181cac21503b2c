/* Socket activation: what the service manager bound and what dns.listen names must be the same, address by address
 * and for UDP and TCP each. A difference is an error that says the line to add: guessing would leave an address
 * unserved. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/bind.h"

#define UNIT           "riposte-dns.socket"
#define HOLDS(have, p) (((have) & (1u << (p))) != 0)

struct passed_socket {
    struct endpoint at;
    enum ip_proto proto;
};

/* Name one passed descriptor; false with a line of *why when it is not a socket that DNS is served on. */
static bool passed_describe(struct passed_socket *out, int fd, struct text *why)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    int type = 0;
    int listening = 0;
    socklen_t int_len = sizeof type;

    out->at = (struct endpoint){.kind = ENDPOINT_IP};
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        addr_from_sockaddr(&out->at.addr, &out->at.port, (const struct sockaddr *)&sa);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0)
        type = 0;
    int_len = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &int_len) != 0)
        listening = 0;
    out->proto = type == SOCK_DGRAM ? IP_PROTO_UDP : IP_PROTO_TCP;
    if ((out->at.addr.family == ADDR_V4 || out->at.addr.family == ADDR_V6) &&
        (type == SOCK_DGRAM || (type == SOCK_STREAM && listening != 0)))
        return true;
    text_printf(why,
                "descriptor %d passed by the service manager is neither a UDP nor a listening TCP socket of an IP "
                "address\n",
                fd);
    return false;
}

/* Index in settings->listen, or n_listen. */
static size_t listener_find(const struct dns_settings *settings, const struct endpoint *at)
{
    size_t i = 0;

    while (i < settings->n_listen && !endpoint_equal(&settings->listen[i], at))
        i++;
    return i;
}

/* UDP and TCP sockets do not want the same: workers block, listeners are polled. The flag belongs to the open file,
 * which the service manager shares; it only polls, so it does not mind. 0, or -1 with errno. */
static int prepare(int fd, const struct passed_socket *s)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    flags = s->proto == IP_PROTO_UDP ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (fcntl(fd, F_SETFL, flags) != 0)
        return -1;
    if (s->proto == IP_PROTO_UDP)
        return bind_udp_options(fd, &s->at);
    bind_tcp_options(fd);
    return 0;
}

static void put_directives(struct text *why, const struct endpoint *at, unsigned protos)
{
    char text[ENDPOINT_TEXT_MAX];

    endpoint_format(at, text);
    if (HOLDS(protos, IP_PROTO_UDP))
        text_printf(why, "ListenDatagram=%s", text);
    if (HOLDS(protos, IP_PROTO_UDP) && HOLDS(protos, IP_PROTO_TCP))
        text_put(why, " and ");
    if (HOLDS(protos, IP_PROTO_TCP))
        text_printf(why, "ListenStream=%s", text);
}

/* What was passed, each address once: "203.0.113.10:53 only". */
static void put_passed(struct text *why, const struct dns_passed *passed)
{
    struct text ignored;
    const char *separator = "";

    text_init(&ignored, 1024);
    for (size_t i = 0; i < passed->n; i++) {
        struct passed_socket s;
        struct passed_socket before;
        char text[ENDPOINT_TEXT_MAX];
        bool repeated = false;

        if (!passed_describe(&s, passed->fds[i], &ignored))
            continue;
        for (size_t k = 0; k < i && !repeated; k++)
            repeated = passed_describe(&before, passed->fds[k], &ignored) && endpoint_equal(&before.at, &s.at);
        if (repeated)
            continue;
        text_printf(why, "%s%s", separator, endpoint_format(&s.at, text));
        separator = ", ";
    }
    text_put(why, *separator == '\0' ? "nothing that fits" : " only");
    text_fini(&ignored);
}

static void put_missing(struct text *why, const struct dns_passed *passed, const struct endpoint *at,
                        unsigned missing)
{
    char text[ENDPOINT_TEXT_MAX];
    bool both = HOLDS(missing, IP_PROTO_UDP) && HOLDS(missing, IP_PROTO_TCP);

    text_printf(why, "dns.listen names %s, systemd passed ", endpoint_format(at, text));
    if (both)
        put_passed(why, passed);
    else
        text_printf(why, "it for %s only", HOLDS(missing, IP_PROTO_UDP) ? "TCP" : "UDP");
    text_put(why, ": add ");
    put_directives(why, at, missing);
    text_put(why, " to " UNIT);
    if (endpoint_is_wildcard(at) && at->addr.family == ADDR_V6)
        text_put(why, " (with BindIPv6Only=ipv6-only beside an IPv4 address)");
    text_put(why, both ? ", or remove the line\n" : "\n");
}

static void put_surplus(struct text *why, const struct passed_socket *s)
{
    char text[ENDPOINT_TEXT_MAX];

    text_printf(why, "systemd passed %s, which dns.listen does not name: add \"%s\" there, or remove ",
                endpoint_format(&s->at, text), text);
    put_directives(why, &s->at, 1u << s->proto);
    text_put(why, " from " UNIT "\n");
}

/* Look at every passed socket: keep it if it is named, else say so. */
static enum err adopt_each(struct bound *b, unsigned *have, const struct dns_settings *settings,
                           const struct dns_passed *passed, struct text *why)
{
    enum err result = ERR_OK;

    for (size_t i = 0; i < passed->n; i++) {
        struct passed_socket s;
        size_t listener;

        if (!passed_describe(&s, passed->fds[i], why)) {
            result = ERR_NOT_FOUND;
            continue;
        }
        listener = listener_find(settings, &s.at);
        if (listener == settings->n_listen) {
            put_surplus(why, &s);
            result = ERR_NOT_FOUND;
        } else if (prepare(passed->fds[i], &s) != 0) {
            text_printf(why, "cannot prepare a socket passed by the service manager: %s\n", strerrordesc_np(errno));
            result = ERR_IO;
        }
        if (listener < settings->n_listen)
            have[listener] |= 1u << s.proto;
        b->sockets[i].listener = listener;
        b->sockets[i].proto = s.proto;
    }
    return result;
}

enum err bind_adopt(struct bound *out, const struct dns_settings *settings, const struct dns_passed *passed,
                    struct text *why)
{
    const unsigned all = 1u << IP_PROTO_UDP | 1u << IP_PROTO_TCP;
    unsigned have[LISTENERS_MAX] = {0};
    enum err result = bind_init(out, settings, passed->n, why);

    if (result != ERR_OK) {
        for (size_t i = 0; i < passed->n; i++)
            (void)close(passed->fds[i]);
        return result;
    }
    out->activated = true;
    out->n_sockets = passed->n;
    for (size_t i = 0; i < passed->n; i++)
        out->sockets[i].fd = passed->fds[i];
    result = adopt_each(out, have, settings, passed, why);
    for (size_t i = 0; i < settings->n_listen; i++) {
        if (have[i] == all)
            continue;
        put_missing(why, passed, &settings->listen[i], all & ~have[i]);
        result = ERR_NOT_FOUND;
    }
    if (result != ERR_OK)
        bind_close(out);
    return result;
}
