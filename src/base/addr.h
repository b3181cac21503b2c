/* base/addr.h -- IP addresses, networks (CIDR) and the places that sockets are bound to. Plain data, any thread. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"

enum addr_family {
    ADDR_NONE = 0,  /* no address, or one that is not known */
    ADDR_V4 = 4,    /* b[0..3] */
    ADDR_V6 = 6,    /* b[0..15]; never a v4-mapped one, those are V4 */
    ADDR_LOCAL = 1, /* the peer of a unix socket */
};

struct addr {
    uint8_t family; /* enum addr_family */
    uint8_t b[16];  /* network order; unused bytes are 0, so that addresses compare with memcmp */
};

#define ADDR_TEXT_MAX 46 /* with the NUL */

/* "192.0.2.1" or "2001:db8::1", nothing around it, no zone id. ::ffff:a.b.c.d gives the V4 address. ERR_SYNTAX. */
MUST_USE enum err addr_parse(struct addr *out, const char *text, size_t len);
/* NUL-terminated; "-" for ADDR_NONE, "local" for ADDR_LOCAL. Returns out. */
const char *addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);
/* ADDR_NONE for families that are neither IP nor unix. port may be NULL; 0 when there is none. */
void addr_from_sockaddr(struct addr *out, uint16_t *port, const struct sockaddr *sa);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Keep the first bits_v4 or bits_v6 bits, clear the others: the "client network" of limits and fairness. */
struct addr addr_prefix(const struct addr *a, unsigned bits_v4, unsigned bits_v6);
/* 127.0.0.0/8, ::1 and ADDR_LOCAL. */
bool addr_is_loopback(const struct addr *a);
/* RFC 1918, RFC 4193, RFC 6598, link-local and loopback: addresses that many clients may share behind a
 * translation. */
bool addr_is_private(const struct addr *a);

struct net {
    struct addr addr; /* host bits as given */
    uint8_t prefix_len;
};

#define NET_TEXT_MAX (ADDR_TEXT_MAX + 4)

/* "192.0.2.0/24" as Go's net.ParseCIDR takes it: an address and a decimal prefix length without leading zeros or
 * blanks, host bits allowed, no zone id; an IPv4-mapped IPv6 network of /96 or longer is the IPv4 network.
 * ERR_SYNTAX. */
MUST_USE enum err net_parse(struct net *out, const char *text, size_t len);
const char *net_format(const struct net *n, char out[NET_TEXT_MAX]);
/* False for ADDR_NONE and ADDR_LOCAL, which are in no network. */
bool net_contains(const struct net *n, const struct addr *a);
/* True when any of n nets contains a. */
bool net_any_contains(const struct net *nets, size_t n, const struct addr *a);

enum endpoint_kind { ENDPOINT_IP = 1, ENDPOINT_UNIX };

#define ENDPOINT_PATH_MAX 108 /* sockaddr_un's, with the NUL */
#define ENDPOINT_TEXT_MAX (ENDPOINT_PATH_MAX + 8)

/* Where a socket listens. */
struct endpoint {
    enum endpoint_kind kind;
    struct addr addr; /* ENDPOINT_IP */
    uint16_t port;    /* ENDPOINT_IP; 0 asks the kernel for a free one (tests) */
    char path[ENDPOINT_PATH_MAX];
};

/* "192.0.2.1:53", "[2001:db8::1]:53" or "unix:/path". ERR_SYNTAX; ERR_RANGE: port over 65535 or path too long. */
MUST_USE enum err endpoint_parse(struct endpoint *out, const char *text, size_t len);
const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX]);
bool endpoint_is_wildcard(const struct endpoint *e); /* 0.0.0.0 or :: */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Fill sa; returns the length for bind(). */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *sa);

#endif
