/* api/http_headers.h -- the headers of a request that the server itself looks at, and the checks of ambiguous
 * requests that libmicrohttpd 0.9.75 lacks even when it is told to be strict.
 *
 * A request that two programs on its way may read differently is how one client's bytes become another's request,
 * so it is refused (400) and its connection closed: Transfer-Encoding beside Content-Length (RFC 9112 section 6.1),
 * an encoding other than chunked, headers doubled that must be single, bytes in names and values that RFC 9110
 * sections 5.1 and 5.5 do not allow, folded lines (RFC 9112 section 5.2), blanks and NULs in the request line.
 *
 * The library joins a folded line to the *name* of its header ("Content-Length:", " 2" become "Content-Length2"
 * with nothing), ends every text at a NUL, and all headers at a line that begins with a colon. In what it gives
 * that cannot be seen, but in where it lies: lines are taken apart in the buffer into which they were read, so
 * names and values that nothing was done to lie there one behind the other, up to the end of the header. */
#ifndef API_HTTP_HEADERS_H
#define API_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "api/proxy.h"

#define FORWARDED_MAX 8 /* header lines; of more, only the last count, which are the right-most */

/* Blanks at both ends removed; text NULL: not there. */
struct header_text {
    const char *text;
    size_t len;
};

struct http_headers {
    struct header_text content_length, transfer_encoding, host;
    struct header_text api_user, api_key, authorization;
    struct header_text origin, cors_method, cors_headers;
    struct forwarded forwarded[FORWARDED_MAX];
    size_t n_forwarded;
    const char *problem; /* NULL, or why the request is refused: static text */
};

/* method and version as the library gives them. */
void http_headers_read(struct http_headers *out, struct MHD_Connection *c, const char *method, const char *version);
/* One header line; http_headers_finish() after the last. Both are what http_headers_read() does, beside its look at
 * the places. */
void http_headers_take(struct http_headers *h, const char *name, size_t name_len, const char *value,
                       size_t value_len);
void http_headers_finish(struct http_headers *h, const char *version);

/* The request line, which libmicrohttpd shows in two steps: the target as it was sent, with its query, before it
 * takes that apart in place; then method and version. */
struct request_line {
    const char *end; /* of the target; an address to compare with */
    bool has_blanks;
};
void request_line_read(struct request_line *l, const char *target);
/* Static text; NULL: it has none. */
const char *request_line_problem(const struct request_line *l, const char *method, const char *version);

/* Octets that Content-Length announces; 0 without one, UINT64_MAX for more than fits. */
uint64_t http_headers_body_len(const struct http_headers *h);

#endif
