/* api/server.h -- the HTTP listeners: the acme-dns and httpreq doors, /v1, health, metrics, and the admin socket.
 *
 * libmicrohttpd in poll mode, one daemon a listener, all with one router. Binding and starting are apart, as for
 * DNS. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/text.h"
#include "core/change_sink.h"
#include "core/name.h"
#include "core/refusals.h"
#include "core/settings.h"
#include "core/trace.h"

enum api_serves {
    SERVES_ACMEDNS = 1,
    SERVES_HEALTH = 2,
    SERVES_METRICS = 4,
    SERVES_ADMIN = 8,
    SERVES_HTTPREQ = 16,
    SERVES_V1 = 32
};
enum api_tls { API_TLS_NONE, API_TLS_FILES };

struct api_listen {
    struct endpoint at;
    unsigned serves; /* enum api_serves */
    enum api_tls tls;
    const char *certificate, *key; /* paths; API_TLS_FILES */
};

struct api_settings {
    const struct api_listen *listen;
    size_t n_listen;
    uint32_t connections;     /* in total; a quarter of it for one client */
    const char *admin_socket; /* path, mode 0660; NULL: none */
    const char *admin_group;  /* NULL or not there: root and the server's user only */
    /* What follows may change on reload: */
    const char *base_url; /* "" makes it from the first address */
    const struct net *trusted_proxies;
    size_t n_trusted_proxies;
    const char *const *cors_origins; /* "*" for all */
    size_t n_cors_origins;
    size_t max_body;
    int64_t request_timeout_ms;
    enum registration_allow registration; /* none: /register is 404 as in acme-dns */
    size_t values_budget;                 /* octets of a name's values, told to administrators */
};

/* One listener that a caller may describe. */
struct api_listener_status {
    struct endpoint at;
    bool tls, open;
    unsigned serves;
    char problem[200];             /* why it is not open, or what is wrong with its certificate; "" */
    int64_t certificate_expires_s; /* 0: no TLS */
};

/* A domain to check, and what the state says of the name that it is declared at. All borrowed. */
struct api_check {
    const char *domain; /* normalised */
    bool is_wildcard;
    const char *ca;             /* NULL: the configured one */
    bool is_trusted;            /* an administrator: also servers on private addresses may be asked */
    const struct name *name;    /* the challenge name */
    const struct name *aliases; /* n_aliases of them */
    size_t n_aliases;
    size_t n_values;
    int64_t newest_s;      /* Unix seconds; 0: no value */
    const char *newest_by; /* a label, "": none */
    /* Bring the three above up to date: values may come and go while the check runs. Called from within check(). */
    void (*refresh)(void *arg);
    void *arg;
};

/* What the server itself does for administrators; provided by serve. */
struct api_control {
    /* Read the configuration again and apply it, all or nothing. On error *report has the errors as check config
     * prints them. Blocks; any thread. */
    MUST_USE enum err (*reload)(void *self, struct text *report);
    /* JSON members about the DNS side for /v1/server: an array of listeners and the like, as a JSON object text. */
    MUST_USE enum err (*describe)(void *self, struct text *json);
    /* Could a certificate for a domain be had? Asks servers all over the world: blocks for up to half a minute; any
     * thread. Puts
     * {"ok", "findings"} into *json. ERR_SYNTAX: an authority that is not known, *json has a sentence; ERR_FULL: as
     * many as may be are under way; ERR_CLOSED: the server stops. NULL: not here. */
    MUST_USE enum err (*check)(void *self, const struct api_check *what, struct text *json);
    /* All metrics, Prometheus text. */
    void (*metrics)(void *self, struct text *out);
    void *self;
};

struct api_server;

struct api_passed {
    const int *fds;
    size_t n;
};

MUST_USE enum err api_server_bind(struct api_server **out, const struct api_settings *settings,
                                  const struct api_passed *passed, struct text *why);
MUST_USE enum err api_server_start(struct api_server *s, const struct change_sink *sink, struct refusals *refusals,
                                   struct trace *trace, const struct api_control *control, struct text *why);
/* settings are kept until the next call. */
void api_server_retune(struct api_server *s, const struct api_settings *settings);
size_t api_server_listeners(const struct api_server *s, struct api_listener_status *out, size_t cap);
struct metrics_source api_server_metrics(struct api_server *s);
/* Stop accepting, finish and answer what is in flight (within wait_ms), close. NULL is fine. */
void api_server_stop(struct api_server *s, int64_t wait_ms);

#endif
