#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/quantity.h"

#define V4_BITS     32
#define V6_BITS     128
#define V4_BYTES    4
#define MAPPED_BITS 96 /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */
#define PORT_MAX    65535

static const char unix_scheme[] = "unix:";
#define UNIX_SCHEME_LEN (sizeof unix_scheme - 1)

static bool is_v4_mapped(const uint8_t b[16])
{
    static const uint8_t prefix[MAPPED_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(b, prefix, sizeof prefix) == 0;
}

static unsigned family_bits(uint8_t family)
{
    if (family == ADDR_V4)
        return V4_BITS;
    return family == ADDR_V6 ? V6_BITS : 0;
}

/* b may lie inside of *a, as in the function below. */
static void addr_set_v4(struct addr *a, const void *b)
{
    struct addr v4 = {.family = ADDR_V4};

    memcpy(v4.b, b, V4_BYTES);
    *a = v4;
}

static void addr_set_v6(struct addr *a, const uint8_t b[16])
{
    if (is_v4_mapped(b)) {
        addr_set_v4(a, b + MAPPED_BITS / 8);
        return;
    }
    a->family = ADDR_V6;
    memmove(a->b, b, sizeof a->b);
}

/* As addr_parse(), but an IPv4-mapped address stays the IPv6 address that it was written as. */
static enum err parse_as_written(struct addr *out, const char *text, size_t len)
{
    char copy[ADDR_TEXT_MAX];
    struct addr a = {.family = ADDR_NONE};

    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return ERR_SYNTAX;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, a.b) == 1)
        a.family = ADDR_V4;
    else if (inet_pton(AF_INET6, copy, a.b) == 1)
        a.family = ADDR_V6;
    else
        return ERR_SYNTAX;
    *out = a;
    return ERR_OK;
}

enum err addr_parse(struct addr *out, const char *text, size_t len)
{
    struct addr a;
    enum err e = parse_as_written(&a, text, len);

    if (e != ERR_OK)
        return e;
    if (a.family == ADDR_V6)
        addr_set_v6(out, a.b);
    else
        *out = a;
    return ERR_OK;
}

const char *addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    const char *fixed = a->family == ADDR_LOCAL ? "local" : "-";

    if (a->family == ADDR_V4 && inet_ntop(AF_INET, a->b, out, ADDR_TEXT_MAX) != NULL)
        return out;
    if (a->family == ADDR_V6 && inet_ntop(AF_INET6, a->b, out, ADDR_TEXT_MAX) != NULL)
        return out;
    (void)snprintf(out, ADDR_TEXT_MAX, "%s", fixed);
    return out;
}

void addr_from_sockaddr(struct addr *out, uint16_t *port, const struct sockaddr *sa)
{
    uint16_t net_port = 0;

    *out = (struct addr){.family = ADDR_NONE};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *sin = (const void *)sa;
        addr_set_v4(out, &sin->sin_addr);
        net_port = sin->sin_port;
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const void *)sa;
        addr_set_v6(out, sin6->sin6_addr.s6_addr);
        net_port = sin6->sin6_port;
    } else if (sa->sa_family == AF_UNIX) {
        out->family = ADDR_LOCAL;
    }
    if (port != NULL)
        *port = ntohs(net_port);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->b, b->b, sizeof a->b) == 0;
}

struct addr addr_prefix(const struct addr *a, unsigned bits_v4, unsigned bits_v6)
{
    struct addr p = *a;
    unsigned keep = a->family == ADDR_V4 ? bits_v4 : bits_v6;

    for (unsigned bit = keep - keep % 8; bit < family_bits(a->family); bit += 8) {
        unsigned left = bit < keep ? keep - bit : 0; /* bits of this byte to keep: 0 to 7 */
        p.b[bit / 8] = (uint8_t)(p.b[bit / 8] & (0xff00u >> left));
    }
    return p;
}

/* True when the first bits of a and b are equal; both of the same family, which has that many. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> bits % 8);

    if (memcmp(a, b, whole) != 0)
        return false;
    return bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

bool net_contains(const struct net *n, const struct addr *a)
{
    unsigned bits = family_bits(a->family);

    if (bits == 0 || n->addr.family != a->family || n->prefix_len > bits)
        return false;
    return same_prefix(n->addr.b, a->b, n->prefix_len);
}

bool net_any_contains(const struct net *nets, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (net_contains(&nets[i], a))
            return true;
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    static const struct net nets[] = {
        {{ADDR_V4, {127}}, 8},
        {{ADDR_V6, {[15] = 1}}, V6_BITS},
    };

    return a->family == ADDR_LOCAL || net_any_contains(nets, ARRAY_LEN(nets), a);
}

bool addr_is_private(const struct addr *a)
{
    static const struct net nets[] = {
        {{ADDR_V4, {10}}, 8},          /* RFC 1918 section 3 */
        {{ADDR_V4, {172, 16}}, 12},    /* the same */
        {{ADDR_V4, {192, 168}}, 16},   /* the same */
        {{ADDR_V4, {100, 64}}, 10},    /* RFC 6598 section 7 */
        {{ADDR_V4, {169, 254}}, 16},   /* RFC 3927 */
        {{ADDR_V6, {0xfc}}, 7},        /* RFC 4193 section 3.1 */
        {{ADDR_V6, {0xfe, 0x80}}, 10}, /* RFC 4291 section 2.5.6 */
    };

    return addr_is_loopback(a) || net_any_contains(nets, ARRAY_LEN(nets), a);
}

enum err net_parse(struct net *out, const char *text, size_t len)
{
    const char *slash = len > 0 ? memchr(text, '/', len) : NULL;
    struct net n;
    uint64_t bits;
    size_t addr_len;

    if (slash == NULL)
        return ERR_SYNTAX;
    addr_len = (size_t)(slash - text);
    if (parse_as_written(&n.addr, text, addr_len) != ERR_OK ||
        quantity_parse_uint(&bits, slash + 1, len - addr_len - 1, family_bits(n.addr.family)) != ERR_OK)
        return ERR_SYNTAX;
    if (n.addr.family == ADDR_V6 && bits >= MAPPED_BITS && is_v4_mapped(n.addr.b)) {
        addr_set_v6(&n.addr, n.addr.b);
        bits -= MAPPED_BITS;
    }
    n.prefix_len = (uint8_t)bits;
    *out = n;
    return ERR_OK;
}

const char *net_format(const struct net *n, char out[NET_TEXT_MAX])
{
    char addr[ADDR_TEXT_MAX];

    (void)snprintf(out, NET_TEXT_MAX, "%s/%u", addr_format(&n->addr, addr), (unsigned)n->prefix_len);
    return out;
}

static enum err parse_unix(struct endpoint *out, const char *path, size_t len)
{
    if (len == 0 || path[0] != '/' || memchr(path, '\0', len) != NULL)
        return ERR_SYNTAX;
    if (len >= sizeof out->path)
        return ERR_RANGE;
    *out = (struct endpoint){.kind = ENDPOINT_UNIX};
    memcpy(out->path, path, len);
    return ERR_OK;
}

enum err endpoint_parse(struct endpoint *out, const char *text, size_t len)
{
    struct endpoint ep = {.kind = ENDPOINT_IP};
    const char *host = text;
    const char *colon;
    size_t host_len;
    bool bracketed;
    uint64_t port;
    enum err e;

    if (len >= UNIX_SCHEME_LEN && memcmp(text, unix_scheme, UNIX_SCHEME_LEN) == 0)
        return parse_unix(out, text + UNIX_SCHEME_LEN, len - UNIX_SCHEME_LEN);
    colon = len > 0 ? memrchr(text, ':', len) : NULL;
    if (colon == NULL)
        return ERR_SYNTAX;
    host_len = (size_t)(colon - text);
    bracketed = host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']';
    if (bracketed) {
        host++;
        host_len -= 2;
    }
    /* Brackets exactly where there are colons: 2001:db8::1:53 would be an address as well as one with a port. */
    if (host_len == 0 || (memchr(host, ':', host_len) != NULL) != bracketed)
        return ERR_SYNTAX;
    e = addr_parse(&ep.addr, host, host_len);
    if (e == ERR_OK)
        e = quantity_parse_uint(&port, colon + 1, len - (size_t)(colon + 1 - text), PORT_MAX);
    if (e != ERR_OK)
        return e;
    ep.port = (uint16_t)port;
    *out = ep;
    return ERR_OK;
}

const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
    char addr[ADDR_TEXT_MAX];

    if (e->kind == ENDPOINT_UNIX)
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "%s%s", unix_scheme, e->path);
    else
        (void)snprintf(out, ENDPOINT_TEXT_MAX, e->addr.family == ADDR_V6 ? "[%s]:%u" : "%s:%u",
                       addr_format(&e->addr, addr), (unsigned)e->port);
    return out;
}

bool endpoint_is_wildcard(const struct endpoint *e)
{
    static const uint8_t zero[16] = {0};

    return e->kind == ENDPOINT_IP && family_bits(e->addr.family) != 0 && memcmp(e->addr.b, zero, sizeof zero) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == ENDPOINT_UNIX)
        return strcmp(a->path, b->path) == 0;
    return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *sa)
{
    memset(sa, 0, sizeof *sa);
    if (e->kind == ENDPOINT_UNIX) {
        struct sockaddr_un *sun = (void *)sa;
        static_assert(sizeof sun->sun_path == sizeof e->path, "ENDPOINT_PATH_MAX is sockaddr_un's");
        sun->sun_family = AF_UNIX;
        memcpy(sun->sun_path, e->path, sizeof e->path);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(e->path) + 1);
    }
    if (e->addr.family == ADDR_V6) {
        struct sockaddr_in6 *sin6 = (void *)sa;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(e->port);
        memcpy(&sin6->sin6_addr, e->addr.b, sizeof sin6->sin6_addr);
        return sizeof *sin6;
    }
    assert(e->addr.family == ADDR_V4);
    struct sockaddr_in *sin = (void *)sa;
    sin->sin_family = AF_INET;
    sin->sin_port = htons(e->port);
    memcpy(&sin->sin_addr, e->addr.b, sizeof sin->sin_addr);
    return sizeof *sin;
}
