/* api/router.h -- which handler answers a method and a path. Pure functions on constant rows, any thread.
 *
 * Paths come as the client sent them, percent-encoded; they are split at '/' first and each segment is decoded
 * then, so an encoded slash stays inside its segment. What does not match is treated as acme-dns treats it: a
 * trailing slash, another case, "." and "..", doubled slashes inside are redirected to the row's own path (301 for
 * GET, else 307), but only to rows of the same method. Slashes doubled at the start are answered in place: clients
 * whose base URL ends in a slash ask for
 * "//register", and curl in a hand-written hook follows no redirect. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct http_request;

/* Handlers run on a thread of the HTTP server and must not block; see api/http.h for what they may do. */
typedef void route_handler(struct http_request *rq);

/* What requests are counted as. */
enum route_group {
    GROUP_OTHER,
    GROUP_REGISTER,
    GROUP_UPDATE,
    GROUP_DELETE,
    GROUP_HTTPREQ,
    GROUP_HEALTH,
    GROUP_METRICS,
    GROUP_ADMIN, /* /v1 on the admin socket */
    GROUP_V1,    /* /v1 elsewhere: rows have GROUP_ADMIN */
    GROUP_COUNT
};

enum route_flag {
    ROUTE_REGISTRATION = 1, /* only there while registration is open to somebody */
};

struct route {
    const char *method;
    const char
        *pattern;    /* "/v1/names/{name}/values": literal segments, and names in braces that match one segment */
    unsigned serves; /* enum api_serves: listeners with any of these have this row */
    enum route_group group;
    unsigned flags;  /* enum route_flag */
    size_t max_body; /* octets; 0: api.max-body; elsewhere than on the admin socket, few at a time may have more */
    route_handler *handle;
};

struct route_table {
    const struct route *rows;
    size_t n;
};

#define ROUTE_PARAMS_MAX   4
#define ROUTE_SEGMENTS_MAX 16
#define ROUTE_ALLOW_MAX    64

struct route_param {
    const char *name; /* in the pattern, without braces */
    size_t name_len;
    const char *raw; /* in the path, still percent-encoded */
    size_t raw_len;
};

enum route_outcome {
    ROUTE_FOUND,       /* route and params */
    ROUTE_REDIRECT,    /* location: write it with route_format_location() */
    ROUTE_OPTIONS,     /* an OPTIONS request for a path that exists: allow */
    ROUTE_NOT_ALLOWED, /* the path exists for other methods: allow */
    ROUTE_NOT_FOUND,
};

struct route_match {
    enum route_outcome outcome;
    const struct route *route; /* FOUND, REDIRECT */
    size_t n_params;
    struct route_param params[ROUTE_PARAMS_MAX];
    char allow[ROUTE_ALLOW_MAX]; /* "OPTIONS, POST": sorted; OPTIONS, NOT_ALLOWED */
};

/* serves: of the listener; flags: enum route_flag that hold now. path keeps its place in memory as long as the
 * match. */
void route_find(struct route_match *out, const struct route_table *tables, size_t n_tables, unsigned serves,
                unsigned flags, const char *method, const char *path);
/* The path to redirect to, NUL-terminated; false when it does not fit. */
bool route_format_location(const struct route_match *m, char *out, size_t cap);

/* Decode %XX in len bytes at text in place; a percent sign that starts no such thing stays. Returns the new length.
 */
size_t route_percent_decode(char *text, size_t len);

#endif
