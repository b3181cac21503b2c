/* A server on loopback with free ports and the small table of world.h, and clients of it. Every wait ends after
 * WAIT_MS. */
#ifndef TESTS_DNS_LISTENING_H
#define TESTS_DNS_LISTENING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "dns/server.h"
#include "dns/world.h"

#define WAIT_MS        5000
#define LISTENS_MAX    4
#define ANSWER_MAX     4096
#define WHY_MAX        8192
#define ANSWER_IS_OURS "8e5700ea-a4bf-41c7-8a77-e990661dcc6a.auth.example.org" /* two values */
#define ANSWER_IS_LONG "8e5700ea-a4bf-41c7-8a77-e99066000064.auth.example.org" /* 64 values */

struct listening {
    struct world world;
    struct table_slot slot;
    struct trace *trace;
    struct dns_settings settings;
    struct endpoint listen[LISTENS_MAX];
    struct dns_server *server;
    struct endpoint at[LISTENS_MAX]; /* with the ports */
};

static inline struct endpoint endpoint_of(const char *text)
{
    struct endpoint e;

    assert_int_equal(endpoint_parse(&e, text, strlen(text)), ERR_OK);
    return e;
}

/* Settings for tests: as many addresses as are given up to NULL. */
static inline void listening_init(struct listening *l, const char *const *listen)
{
    memset(l, 0, sizeof *l);
    assert_int_equal(crypto_init(), ERR_OK);
    world_open(&l->world);
    l->slot.current = l->world.table;
    l->settings = (struct dns_settings){
        .listen = l->listen, .workers = 1, .udp_size = 1232, .tcp_connections = 100, .tcp_idle_ms = WAIT_MS};
    for (size_t i = 0; listen[i] != NULL; i++)
        l->listen[l->settings.n_listen++] = endpoint_of(listen[i]);
}

static inline void listening_bind_passed(struct listening *l, const struct dns_passed *passed)
{
    struct dns_listener_status status[LISTENS_MAX];
    struct text why;

    text_init(&why, WHY_MAX);
    if (dns_server_bind(&l->server, &l->settings, passed, &why) != ERR_OK)
        fail_msg("%s", why.bytes);
    assert_int_equal(why.len, 0);
    text_fini(&why);
    assert_int_equal(dns_server_listeners(l->server, status, LISTENS_MAX), l->settings.n_listen);
    for (size_t i = 0; i < l->settings.n_listen; i++)
        l->at[i] = status[i].at;
}

static inline void listening_bind(struct listening *l)
{
    listening_bind_passed(l, NULL);
}

static inline void listening_start(struct listening *l)
{
    assert_int_equal(trace_new(&l->trace, WORLD_TRACE_SIZE, dns_server_threads(l->server), &world_key), ERR_OK);
    assert_int_equal(dns_server_start(l->server, &(struct dns_backing){.slot = &l->slot, .trace = l->trace}),
                     ERR_OK);
}

static inline void listening_open(struct listening *l, const char *const *listen)
{
    listening_init(l, listen);
    listening_bind(l);
    listening_start(l);
}

static inline void listening_close(struct listening *l)
{
    dns_server_stop(l->server);
    trace_free(l->trace);
    world_close(&l->world);
}

/* The number of a counter in the metrics; name with its labels and a blank. */
static inline unsigned long long listening_metric(struct listening *l, const char *name)
{
    struct metrics_source source = dns_server_metrics(l->server);
    struct text out;
    const char *at;
    unsigned long long value;

    text_init(&out, 1 << 20);
    source.collect(source.self, &out);
    at = strstr(out.bytes, name);
    for (; at != NULL && at != out.bytes && at[-1] != '\n'; at = strstr(at + 1, name))
        ;
    if (at == NULL)
        fail_msg("no metric %s in %s", name, out.bytes);
    value = strtoull(at + strlen(name), NULL, 10);
    text_fini(&out);
    return value;
}

static inline int64_t test_now_ms(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A connected socket to `to`; from, when not NULL, is its own address. */
static inline int client_open_from(int type, const struct endpoint *to, const char *from)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(to, &sa);
    int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (from != NULL) {
        struct sockaddr_in own = {.sin_family = AF_INET};
        assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
        assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
    }
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, len), 0);
    return fd;
}

static inline int client_open(int type, const struct endpoint *to)
{
    return client_open_from(type, to, NULL);
}

/* Write a query for the TXT of name, with an id. Returns its length. */
static inline size_t query_put(uint8_t *msg, const char *name, uint16_t id)
{
    const struct ask ask = {.name = name, .qtype = RR_TXT, .edns = true, .size = ANSWER_MAX};
    size_t len = ask_put(msg, &ask);

    msg[0] = (uint8_t)(id >> 8);
    msg[1] = (uint8_t)id;
    return len;
}

static inline void client_send(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* One datagram, or up to cap octets of a stream: 0 at its end, -1 when nothing came in wait_ms or it was reset. */
static inline ssize_t client_receive(int fd, void *bytes, size_t cap, int wait_ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    return poll(&readable, 1, wait_ms) == 1 ? recv(fd, bytes, cap, 0) : -1;
}

/* The connection has ended: end of stream or reset. */
static inline bool client_is_closed(int fd, int wait_ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char octet;

    return poll(&readable, 1, wait_ms) == 1 && recv(fd, &octet, 1, 0) <= 0;
}

static inline unsigned answer_id(const uint8_t *msg)
{
    return (unsigned)msg[0] << 8 | msg[1];
}

static inline unsigned answer_count(const uint8_t *msg)
{
    return (unsigned)msg[6] << 8 | msg[7];
}

static inline unsigned answer_rcode(const uint8_t *msg)
{
    return msg[3] & 0x0f;
}

static inline bool answer_truncated(const uint8_t *msg)
{
    return (msg[2] & 0x02) != 0;
}

#endif
