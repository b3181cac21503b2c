/* api/cors.h -- which web pages may call the API from a browser (the Fetch standard's CORS protocol), with the
 * answers of acme-dns 1.1, but for one thing: an empty list of origins allows none, where acme-dns allows all. Any
 * thread. */
#ifndef API_CORS_H
#define API_CORS_H

#include <stdbool.h>
#include <stddef.h>

struct cors_rules {
    const char *const *origins; /* "*": all; one '*' inside stands for anything */
    size_t n;
};

/* Text of a request, not NUL-terminated; text NULL: there was none. */
struct cors_text {
    const char *text;
    size_t len;
};

struct cors_question {
    struct cors_text origin;
    struct cors_text method;  /* the request's; of a preflight: what it asks for */
    struct cors_text headers; /* of a preflight: Access-Control-Request-Headers */
};

enum cors_answer {
    CORS_NONE,   /* no allow headers */
    CORS_ORIGIN, /* Access-Control-Allow-Origin with the question's origin */
    CORS_ALL,    /* Access-Control-Allow-Origin: * */
};

/* For an ordinary request. */
enum cors_answer cors_actual(const struct cors_rules *rules, const struct cors_question *q);
/* For a preflight: other than CORS_NONE, Allow-Methods is the method and Allow-Headers are the headers asked for
 * (none when none were). Headers beyond Accept, Content-Type, Origin and X-Requested-With are not allowed, and so
 * no page of another origin can send X-Api-Key. */
enum cors_answer cors_preflight(const struct cors_rules *rules, const struct cors_question *q);

#endif
