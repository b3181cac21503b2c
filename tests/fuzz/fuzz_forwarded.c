/* X-Forwarded-For from hostile octets, a header line a line, behind a trusted and a strange peer. What stands left
 * of the address that was found, or of what could not be read, was sent by the client and changes nothing. */
#include "fuzz.h"

#include <string.h>

#include "api/proxy.h"

#define LINES_MAX 8

static const struct net trusted[] = {
    {{ADDR_V4, {192, 0, 2}}, 24},
    {{ADDR_V6, {0x20, 0x01, 0x0d, 0xb8}}, 32},
};

static const struct addr peer = {ADDR_V4, {192, 0, 2, 1}};
static const struct addr stranger = {ADDR_V4, {198, 51, 100, 1}};

static bool same(const struct proxy_client *a, const struct proxy_client *b)
{
    return a->unknown == b->unknown && addr_equal(&a->addr, &b->addr);
}

static size_t split(struct forwarded lines[LINES_MAX], const char *text, size_t len)
{
    size_t n = 0;

    while (n < LINES_MAX) {
        const char *end = memchr(text, '\n', len);
        size_t line = end != NULL ? (size_t)(end - text) : len;
        lines[n++] = (struct forwarded){text, line};
        if (end == NULL)
            break;
        text = end + 1;
        len -= line + 1;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct forwarded lines[LINES_MAX + 1] = {{"203.0.113.9, ::1, junk", 22}};
    size_t n = split(lines + 1, (const char *)data, len);
    struct proxy_client found = proxy_client(&peer, lines + 1, n, trusted, ARRAY_LEN(trusted));
    struct proxy_client longer = proxy_client(&peer, lines, n + 1, trusted, ARRAY_LEN(trusted));
    struct proxy_client untrusted = proxy_client(&stranger, lines + 1, n, trusted, ARRAY_LEN(trusted));

    FUZZ_CHECK(found.addr.family == ADDR_V4 || found.addr.family == ADDR_V6 || found.unknown);
    if (found.unknown)
        FUZZ_CHECK(found.addr.family == ADDR_NONE);
    if (found.unknown || !net_any_contains(trusted, ARRAY_LEN(trusted), &found.addr))
        FUZZ_CHECK(same(&found, &longer));
    FUZZ_CHECK(untrusted.unknown && addr_equal(&untrusted.addr, &stranger));
    return 0;
}
