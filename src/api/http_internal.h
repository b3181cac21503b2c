/* api/http_internal.h -- the insides of the HTTP server, for the files that make it up. Handlers use api/http.h. */
#ifndef API_HTTP_INTERNAL_H
#define API_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <microhttpd.h>

#include "api/deadline.h"
#include "api/http.h"
#include "api/http_headers.h"
#include "api/limits.h"
#include "api/metrics.h"
#include "api/proxy.h"
#include "api/request_id.h"
#include "api/router.h"
#include "api/tls.h"
#include "api/tuning.h"
#include "base/clock.h"

#define HTTP_IDLE_S 10                 /* of a connection between requests, and within one without a byte */
#define HTTP_MEMORY ((size_t)12 << 10) /* a connection's, in libmicrohttpd: bounds the header */
#define HTTP_DRAIN_MAX                                                                                             \
    ((size_t)1 << 20) /* of a body that is too large: read on, so that the client sees the 413                     \
                       */
#define HTTP_BODY_INLINE 1024
#define HTTP_ARENA_FIRST 512
#define HTTP_QUERY_MAX   256 /* kept for redirects */
#define HTTP_TABLES_MAX  8
#define HTTP_ARENA_MAX   ((size_t)8 << 20)
#define HTTP_ADMIN_BODY  HTTP_LARGE_BODY
#define HTTP_LARGE_MAX   8 /* bodies over api.max-body at a time: who sends one is not known yet */

/* All listeners share one. */
struct http_host {
    const struct clock *clock;
    struct api_services services;
    struct tuning_slot tuning;
    struct request_ids ids;
    struct limits *limits;
    struct deadlines *deadlines;
    struct proxy_warnings proxy_warnings;
    struct route_table tables[HTTP_TABLES_MAX];
    size_t n_tables;
    struct http_counters counters;
    atomic_bool stopping; /* replies close their connection */
    atomic_size_t active; /* requests, from their header to the end of their reply; 0 is told under the lock */

    pthread_mutex_t lock; /* of what follows; never held over a call of libmicrohttpd */
    pthread_cond_t changed;
    size_t offloads;
    size_t large_bodies;
    bool stopped;                 /* nothing waits any more */
    struct http_request *waiting; /* suspended ones */
    size_t resuming;              /* calls that resume what is not linked any more, or will not be soon */
    struct http_request *parked;  /* of them: those of http_park() */
    size_t n_parked;              /* with those that are about to be */
    pthread_cond_t park_changed;
    pthread_t parker;
    bool has_parker;
};

/* What libmicrohttpd's callbacks of one listener get. */
struct http_listener {
    struct http_host *host;
    unsigned serves; /* enum api_serves */
    bool is_unix;
    bool is_admin;                       /* the admin socket: own limits, its peers are checked */
    bool group_may;                      /* admin: the file mode lets the group in, so whoever got in may */
    struct tls_store *tls;               /* NULL: plain */
    _Atomic(struct http_request *) done; /* a stack of requests that are still to be resumed, see http_wait.c */
};

struct http_connection {
    struct http_listener *listener;
    struct deadline deadline;
    struct addr peer;
    uid_t peer_uid;
    bool refused; /* admin socket: this peer may do nothing */
    enum limit_class class;
    bool counted;
    struct tls_pair *pair;      /* that the handshake got */
    struct http_request *spare; /* memory of the request before, for the next one; NULL: none */
    /* Of the request that is being read: */
    struct tuning *tuning; /* until the request takes it over; NULL: it has, or there was none */
    struct request_line line;
    char query[HTTP_QUERY_MAX]; /* with '?'; "" when none or too long */
};

struct http_reply {
    unsigned status; /* 0: none yet */
    const char *type;
    const char *body;
    size_t len;
    struct text text; /* holds the body of http_reply_text() */
    bool is_file;     /* http_reply_file(): len octets of fd, which is the reply's until it is sent */
    int fd;
    json_t *json;
    bool close;
    size_t n_headers;
    struct {
        const char *name, *value;
    } headers[HTTP_REPLY_HEADERS_MAX];
};

/* Who may touch a request. */
enum http_phase {
    HTTP_READING, /* server's thread */
    HTTP_WAITING, /* nobody: it is in the waiting list; whoever leaves this phase first has it */
    HTTP_LOOKING, /* committer's thread, or that of http_offload() */
    HTTP_READY,   /* server's thread */
};

struct http_request {
    struct http_host *host;
    struct http_connection *conn;
    struct MHD_Connection *mhd;
    const char *method, *path; /* libmicrohttpd's, until the end */
    struct tuning *tuning;
    char id[REQUEST_ID_LEN + 1];
    struct http_headers headers;
    struct proxy_client client;
    struct route_match match;
    int64_t began_us;

    size_t body_max, body_len, body_cap, drained;
    bool too_large;
    bool is_large;       /* counted in host.large_bodies */
    bool too_many_large; /* no room for one more */
    char *body;          /* inline or malloc'ed */

    _Atomic unsigned users; /* libmicrohttpd, and a change that is under way */
    _Atomic int phase;      /* enum http_phase */
    bool suspended;
    bool queued;       /* the reply is on its way */
    bool is_offloaded; /* cannot be given up */
    bool is_change;    /* waits for http_submit() */
    bool has_result;
    http_look *look;
    http_answer *answer;
    void (*work)(struct http_request *rq);
    struct http_request *prev, *next; /* in the waiting list */
    struct http_request *below;       /* in the stack of its listener */
    bool is_lowest;                   /* it was: its resumption is that of all who came after it */
    bool is_parking;                  /* work has called http_park() */
    uint64_t park_seq;
    int64_t park_until_ms;
    struct http_request *next_parked;

    void *user;
    struct arena arena;
    struct http_reply reply;

    /* What comes now is not zeroed for each request: it is written before it is read. */
    struct result result; /* where has_result */
    char body_inline[HTTP_BODY_INLINE];
    alignas(max_align_t) unsigned char arena_first[HTTP_ARENA_FIRST];
};

/* ---- http.c: libmicrohttpd's callbacks; cls is a struct http_listener ---- */

enum MHD_Result http_on_accept(void *cls, const struct sockaddr *sa, socklen_t len);
void http_on_connection(void *cls, struct MHD_Connection *c, void **context,
                        enum MHD_ConnectionNotificationCode code);
void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *c);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_len, void **context);
void http_on_completed(void *cls, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode code);
int http_on_handshake(gnutls_session_t session, const gnutls_datum_t *rdns, int n_rdns,
                      const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
                      unsigned int *chain_len, gnutls_privkey_t *key);

MUST_USE enum err http_host_init(struct http_host *h, const struct api_settings *settings,
                                 const struct clock *clock);
void http_host_fini(struct http_host *h);
/* Until no request is active, or for wait_ms: true when none is. */
bool http_host_wait_idle(struct http_host *h, int64_t wait_ms);

/* ---- http_body.c ---- */

void http_body_begin(struct http_request *rq); /* once its route is known */
/* Some more of it; MHD_NO: the connection is to be closed. */
enum MHD_Result http_body_take(struct http_request *rq, const char *bytes, size_t len);
void http_body_end(struct http_request *rq); /* gives back its place among the large ones */
void http_body_free(struct http_request *rq);
void http_reply_too_large(struct http_request *rq);

/* ---- http_wait.c ---- */

/* The request's own thread has come back to it, for its reply or its end: resume those that are done as well. */
void http_resume_others(struct http_request *rq);

/* Answer 503 in place of every change that is still waited for, and wait for work that cannot be given up. After it
 * no connection is suspended, and none will be. */
void http_give_up_waiting(struct http_host *h);
/* One user less. True: that was the last one, what it held is freed, and the memory itself is the caller's. */
MUST_USE bool http_request_release(struct http_request *rq);

/* ---- http_reply.c ---- */

void http_reply_free(struct http_reply *r);
/* Hand the reply to libmicrohttpd; MHD_NO: the connection is to be closed. */
enum MHD_Result http_reply_send(struct http_request *rq);

#endif
