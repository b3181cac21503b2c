/* cli/fetch.h -- one HTTP or HTTPS request and its whole reply, for commands that talk to a server. Any thread;
 * blocks for as long as the request says. Everything that can go wrong is said in words.
 *
 * What never happens: following a redirect, another scheme than http and https, a certificate that is not checked,
 * and a secret that goes over plain HTTP to another machine. */
#ifndef CLI_FETCH_H
#define CLI_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

#define FETCH_CONNECT_S       10 /* for the address, the connection and TLS */
#define FETCH_TOTAL_S         30
#define FETCH_TOTAL_UNLIMITED (-1)
#define FETCH_REPLY_MAX       ((size_t)1 << 20)
#define FETCH_URL_MAX         8192
#define FETCH_HEADERS_MAX     8
#define FETCH_HEADER_MAX      1024 /* of a header that is sent, with its name */

/* How the secret goes along. With any but FETCH_AUTH_NONE, plain HTTP is for loopback addresses only. */
enum fetch_auth {
    FETCH_AUTH_NONE,
    FETCH_AUTH_BEARER,  /* Authorization: Bearer USER.SECRET */
    FETCH_AUTH_BASIC,   /* Authorization: Basic … (RFC 7617) */
    FETCH_AUTH_ACMEDNS, /* X-Api-User and X-Api-Key */
};

/* All is borrowed. What is 0 or NULL is as said. */
struct fetch_request {
    const char *method;         /* NULL: GET, or POST with a body */
    const char *url;            /* "https://auth.example.org/v1/self": no user, no fragment */
    const char *unix_socket;    /* path; then the url only says what Host is, and nothing is too plain */
    const char *const *headers; /* "Name: value", n_headers of them */
    size_t n_headers;
    enum fetch_auth auth;
    const char *user, *secret;
    bool is_secret;   /* url or body hold a secret: as with auth, never plainly over a network */
    const char *body; /* NULL: none; sent as application/json unless a header says otherwise */
    size_t body_len;
    const char *ca_file; /* PEM; NULL: the authorities that the system trusts */
    int connect_s;       /* 0: FETCH_CONNECT_S */
    int total_s;         /* 0: FETCH_TOTAL_S */
    size_t reply_max;    /* octets; 0: FETCH_REPLY_MAX */
    /* Takes the body of a reply with status 200..299 as it comes, instead of fetch_reply.body. An error ends the
     * transfer with FETCH_SINK; NULL: none. */
    enum err (*sink)(void *arg, const void *bytes, size_t len);
    void *sink_arg;
};

enum fetch_trouble {
    FETCH_DONE,        /* there is a reply, whatever its status */
    FETCH_BAD_REQUEST, /* a URL or header that is not sent */
    FETCH_PLAINTEXT,   /* a secret would have gone over a network in the clear: not sent */
    FETCH_RESOLVE,     /* the host's name has no address */
    FETCH_CONNECT,     /* no connection: refused, unreachable, no such socket */
    FETCH_TLS,         /* a certificate that is not trusted or not of that host, or no TLS there */
    FETCH_TIMEOUT,
    FETCH_TOO_LARGE, /* more than reply_max octets */
    FETCH_SINK,      /* the sink refused */
    FETCH_BROKEN,    /* the connection ended early, or what came is no HTTP */
    FETCH_MEMORY,
};

#define FETCH_KEPT           7
#define FETCH_KEPT_VALUE_MAX 512

struct fetch_reply {
    int status;       /* HTTP; 0 when there was none */
    struct text body; /* wiped by fetch_fini() */
    char kept[FETCH_KEPT][FETCH_KEPT_VALUE_MAX];
};

/* Send r and wait for the reply. out is made anew and is to be finished in any case. Unless FETCH_DONE, *why gets
 * one sentence without a full stop or line feed, such as "auth.example.org has no address: …"; it never has the
 * secret in it. */
MUST_USE enum fetch_trouble fetch(struct fetch_reply *out, const struct fetch_request *r, struct text *why);
void fetch_fini(struct fetch_reply *reply);
/* A header of the reply, "" when it was not there: Riposte-Request, Riposte-Refused, Riposte-Changes,
 * Riposte-Names, Retry-After, Location or Content-Type. */
const char *fetch_header(const struct fetch_reply *reply, const char *name);

/* Whether text is an http or https URL with a host and without user, query and fragment, as the base of others;
 * when not, *why has a sentence. */
MUST_USE bool fetch_is_base_url(const char *text, struct text *why);

#endif
