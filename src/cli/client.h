/* cli/client.h -- calls to a running server: over its admin socket, or over /v1 at a URL with a credential's secret
 * from a file. One thread. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/text.h"
#include "cli/command.h"

struct client;

/* Where the server is: at cli->url or the environment's RIPOSTE_URL, else at the admin socket that the
 * configuration says. What is said on the command line goes before the environment, and there a configuration is a
 * place too. NULL: it cannot be found; that has been explained on stderr. */
MUST_USE struct client *client_new(const struct cli *cli);
void client_free(struct client *c); /* NULL is fine */
/* The URL of the server that client_new() would talk to, as it was said; NULL: over the admin socket. */
const char *client_remote_url(const struct cli *cli);

/* One call. body is taken (NULL: none). On EXIT_STATUS_DONE *out is the reply's JSON (caller decrefs), or NULL when
 * it had none; else an exit_status that says what kind of trouble it was, which has been explained on stderr. out
 * may be NULL. */
MUST_USE int client_call(struct client *c, const char *method, const char *path, json_t *body, json_t **out);
/* The same, for a reply that comes late: it may take wait_s seconds longer than others. */
MUST_USE int client_wait(struct client *c, const char *method, const char *path, int wait_s, json_t **out);
/* The same, the reply's body goes to the file descriptor, however long that takes. */
MUST_USE int client_download(struct client *c, const char *method, const char *path, int fd);
/* From now on a 404 is not explained: it is the answer to whether there is such a thing. */
void client_expect_missing(struct client *c);
/* From now on, what place() writes stands before the detail of a problem, in the place of "riposte": a file with
 * its line, if the detail is about that. False: it does not know. NULL: never. */
typedef bool client_place(void *arg, const char *detail, char *out, size_t cap);
void client_set_place(struct client *c, client_place *place, void *arg);
/* A header of the last reply, "" when there was none; see fetch_header(). */
const char *client_header(const struct client *c, const char *name);

/* Append s, percent-encoded as one path segment or query value (RFC 3986 section 2.3). */
void client_escape(struct text *path, const char *s, size_t len);

#endif
