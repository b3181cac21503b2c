#include "api/proxy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define WARNING_INTERVAL_MS ((int64_t)3600 * 1000)
#define WARNING_TEXT_MAX    400

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "192.0.2.1", "2001:db8::1", and as some proxies write it "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711".
 */
static enum err parse_element(struct addr *out, const char *text, size_t len)
{
    const char *end;
    const char *colon;

    while (len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    if (len > 0 && text[0] == '[') {
        end = memchr(text, ']', len);
        return end == NULL ? ERR_SYNTAX : addr_parse(out, text + 1, (size_t)(end - text) - 1);
    }
    colon = memchr(text, ':', len);
    if (colon != NULL && memchr(colon + 1, ':', len - (size_t)(colon - text) - 1) == NULL)
        len = (size_t)(colon - text); /* one colon: an IPv4 address with a port */
    return addr_parse(out, text, len);
}

bool proxy_is_trusted(const struct addr *peer, const struct net *nets, size_t n_nets)
{
    return peer->family == ADDR_LOCAL || net_any_contains(nets, n_nets, peer);
}

/* Read one line from its right end. True: *found is the client, or cannot be known; false: only trusted proxies so
 * far. */
static bool search_line(struct proxy_client *found, const struct forwarded *line, const struct net *nets,
                        size_t n_nets)
{
    size_t end = line->len;

    for (;;) {
        size_t start = end;
        while (start > 0 && line->text[start - 1] != ',')
            start--;
        if (parse_element(&found->addr, line->text + start, end - start) != ERR_OK) {
            *found = (struct proxy_client){.unknown = true};
            return true;
        }
        if (!net_any_contains(nets, n_nets, &found->addr))
            return true;
        if (start == 0)
            return false;
        end = start - 1;
    }
}

struct proxy_client proxy_client(const struct addr *peer, const struct forwarded *lines, size_t n_lines,
                                 const struct net *nets, size_t n_nets)
{
    struct proxy_client client = {.addr = *peer, .unknown = false};

    if (n_lines == 0)
        return client;
    if (!proxy_is_trusted(peer, nets, n_nets)) {
        client.unknown = true;
        return client;
    }
    for (size_t i = n_lines; i > 0; i--)
        if (search_line(&client, &lines[i - 1], nets, n_nets))
            break;
    return client; /* all were trusted: the left-most, a proxy that speaks for itself */
}

enum err proxy_warnings_init(struct proxy_warnings *w)
{
    w->n = 0;
    return pthread_mutex_init(&w->lock, NULL) == 0 ? ERR_OK : ERR_MEMORY;
}

void proxy_warnings_fini(struct proxy_warnings *w)
{
    (void)pthread_mutex_destroy(&w->lock);
}

/* NULL: too many already. */
static struct proxy_warning *find(struct proxy_warnings *w, const struct addr *peer, int64_t mono_ms)
{
    for (size_t i = 0; i < w->n; i++)
        if (addr_equal(&w->peers[i].peer, peer))
            return &w->peers[i];
    if (w->n == PROXY_WARNINGS_MAX)
        return NULL;
    w->peers[w->n] = (struct proxy_warning){.peer = *peer, .next_mono_ms = mono_ms};
    return &w->peers[w->n++];
}

bool proxy_warnings_note(struct proxy_warnings *w, const struct addr *peer, int64_t mono_ms, uint64_t *requests)
{
    struct proxy_warning *p;
    bool now = false;

    pthread_mutex_lock(&w->lock);
    p = find(w, peer, mono_ms);
    if (p != NULL) {
        p->requests++;
        now = mono_ms >= p->next_mono_ms;
    }
    if (now) {
        *requests = p->requests;
        p->requests = 0;
        p->next_mono_ms = mono_ms + WARNING_INTERVAL_MS;
    }
    pthread_mutex_unlock(&w->lock);
    return now;
}

void proxy_warn(struct proxy_warnings *w, const struct addr *peer, int64_t mono_ms)
{
    char at[ADDR_TEXT_MAX];
    char text[WARNING_TEXT_MAX];
    uint64_t requests;

    if (!addr_is_loopback(peer) && !addr_is_private(peer))
        return;
    if (!proxy_warnings_note(w, peer, mono_ms, &requests))
        return;
    addr_format(peer, at);
    (void)snprintf(
        text, sizeof text,
        "%" PRIu64 " request%s came through %s with X-Forwarded-For, but %s/%d is not in "
        "api.trusted-proxies: networks of credentials are compared with %s, and registration by network is "
        "refused for them",
        requests, requests == 1 ? "" : "s", at, at, peer->family == ADDR_V4 ? 32 : 128, at);
    log_event(LOG_WARN, "proxy-not-trusted", log_str("text", text));
}
