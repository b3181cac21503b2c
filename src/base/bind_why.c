#include "base/bind_why.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDERS_SHOWN      4
#define ADDRESSES_SHOWN    8
#define PROGRAM_PATH_MAX   256
#define PRIVILEGED_DEFAULT 1024
#define PORT_INSTEAD       5300
#define INDENT             "    "

static const char *proto_text(enum ip_proto proto)
{
    return proto == IP_PROTO_UDP ? "UDP" : "TCP";
}

static void put_reason(struct text *why, int errnum)
{
    const char *reason = strerrordesc_np(errnum);

    if (reason == NULL) {
        text_printf(why, "error %d\n", errnum);
        return;
    }
    text_put_char(why, (char)tolower((unsigned char)reason[0]));
    text_printf(why, "%s\n", reason + 1);
}

static bool is_held(const struct addr *a, const struct holder *held, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (addr_equal(a, &held[i].at.addr))
            return true;
    return false;
}

/* An address that a resolver elsewhere can send to: neither loopback nor of one link only. */
static bool is_reachable(const struct addr *a)
{
    static const struct net link_local = {{ADDR_V6, {0xfe, 0x80}}, 10}; /* RFC 4291 section 2.5.6 */

    return (a->family == ADDR_V4 || a->family == ADDR_V6) && !addr_is_loopback(a) && !net_contains(&link_local, a);
}

/* Write the line "listen: […]" with the addresses of this machine that are not held; false, and nothing, without
 * any. */
static bool put_own_addresses(struct text *why, const struct bind_key *key, uint16_t port,
                              const struct holder *held, size_t n_held)
{
    struct ifaddrs *all = NULL;
    size_t shown = 0;

    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i != NULL && shown < ADDRESSES_SHOWN; i = i->ifa_next) {
        struct endpoint at = {.kind = ENDPOINT_IP, .port = port};
        char text[ENDPOINT_TEXT_MAX];

        if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
            continue;
        addr_from_sockaddr(&at.addr, NULL, i->ifa_addr);
        if (!is_reachable(&at.addr) || is_held(&at.addr, held, n_held))
            continue;
        text_printf(why, "%s%s\"%s\"%s", shown == 0 ? INDENT INDENT "listen: [" : ", ", key->before,
                    endpoint_format(&at, text), key->after);
        shown++;
    }
    freeifaddrs(all);
    if (shown > 0)
        text_put(why, "]\n");
    return shown > 0;
}

static void put_holder(struct text *why, const struct holder *h)
{
    char text[ENDPOINT_TEXT_MAX];

    text_printf(why, INDENT "%s is held by ", endpoint_format(&h->at, text));
    if (h->pid == 0)
        text_put(why, "a process that only root can see (ss -lnptu shows it)");
    else if (h->pid == getpid())
        text_put(why, "another line of this configuration");
    else
        text_printf(why, "%s", h->name);
}

/* Why h stands in the way of want, and the way out unless it is the general one: to name single addresses. True
 * then. */
static bool put_conflict(struct text *why, const struct endpoint *want, const struct holder *h)
{
    char addr[ADDR_TEXT_MAX];

    put_holder(why, h);
    if (h->pid == getpid()) {
        text_put(why, ": remove one of the two\n");
        return false;
    }
    addr_format(&want->addr, addr);
    if (addr_equal(&h->at.addr, &want->addr)) {
        text_put(why, ": stop that program, or give one of the two another address or port\n");
        return false;
    }
    if (!endpoint_is_wildcard(want)) {
        text_printf(why, ", which includes %s: stop that program, or let it listen on single addresses\n", addr);
        return false;
    }
    text_printf(why, ", and %s includes it.", addr);
    return true;
}

static void put_in_use(struct text *why, const struct bind_key *key, enum ip_proto proto,
                       const struct endpoint *want)
{
    struct holder held[HOLDERS_SHOWN];
    size_t n = holder_find(held, HOLDERS_SHOWN, proto, want);
    bool all_narrower = n > 0;

    for (size_t i = 0; i < n; i++) {
        bool narrower = put_conflict(why, want, &held[i]);

        all_narrower = all_narrower && narrower;
        if (narrower && (i + 1 < n || !all_narrower))
            text_put_char(why, '\n');
    }
    if (n == 0)
        text_put(why, INDENT "the holder was not found (ss -lnptu, as root, shows all of them)\n");
    if (!all_narrower)
        return;
    text_put(why, " Name this machine's own addresses instead:\n");
    if (!put_own_addresses(why, key, want->port, held, n))
        text_put(why, INDENT INDENT "(it has none but loopback at the moment)\n");
}

static unsigned first_unprivileged_port(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    unsigned port = PRIVILEGED_DEFAULT;

    if (file == NULL)
        return port;
    if (fscanf(file, "%u", &port) != 1)
        port = PRIVILEGED_DEFAULT;
    (void)fclose(file); /* only read */
    return port;
}

static void put_no_permission(struct text *why, const struct endpoint *want)
{
    unsigned first = first_unprivileged_port();
    char program[PROGRAM_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);

    if (want->port >= first) {
        text_put(why, INDENT "a security policy of this machine forbids it (AppArmor, SELinux or seccomp)\n");
        return;
    }
    program[len < 0 ? 0 : len] = '\0';
    text_printf(
        why,
        INDENT
        "ports below %u need CAP_NET_BIND_SERVICE: start it with systemd (riposte.service has it), or give it "
        "to the program:\n",
        first);
    text_printf(why, INDENT INDENT "setcap cap_net_bind_service=+ep %s\n", len > 0 ? program : "riposte");
    text_printf(why, INDENT "or listen on an unprivileged port, such as %u\n",
                first <= PORT_INSTEAD ? PORT_INSTEAD : first);
}

static void put_not_available(struct text *why, const struct bind_key *key, const struct endpoint *want)
{
    if (endpoint_is_wildcard(want)) {
        text_printf(why, INDENT "IPv%u is switched off on this machine: remove the address from %s\n",
                    (unsigned)want->addr.family, key->path);
        return;
    }
    text_put(why, INDENT "no interface of this machine has that address. It has:\n");
    if (!put_own_addresses(why, key, want->port, NULL, 0))
        text_put(why, INDENT INDENT "(none but loopback at the moment)\n");
}

void bind_why(struct text *why, const struct bind_key *key, enum ip_proto proto, const struct endpoint *want,
              int errnum)
{
    char text[ENDPOINT_TEXT_MAX];

    text_printf(why, "cannot bind %s %s: ", proto_text(proto), endpoint_format(want, text));
    put_reason(why, errnum);
    if (errnum == EADDRINUSE)
        put_in_use(why, key, proto, want);
    else if (errnum == EACCES || errnum == EPERM)
        put_no_permission(why, want);
    else if (errnum == EADDRNOTAVAIL)
        put_not_available(why, key, want);
    else if (errnum == EAFNOSUPPORT)
        text_printf(why, INDENT "this machine has no IPv%u: remove the address from %s\n",
                    (unsigned)want->addr.family, key->path);
    else if (errnum == EINVAL && !is_reachable(&want->addr))
        text_put(why, INDENT "a link-local address belongs to one interface and cannot be named here\n");
    else if (errnum == EMFILE || errnum == ENFILE)
        text_put(why, INDENT "too many open files: raise LimitNOFILE of the service\n");
}
