/* cli/client.h -- calls to the running server over its admin socket. One thread. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/text.h"
#include "cli/command.h"

struct client;

/* Find the admin socket in the configuration. NULL: it cannot be found; that has been explained on stderr. */
MUST_USE struct client *client_new(const struct cli *cli);
void client_free(struct client *c); /* NULL is fine */

/* One call. body is taken (NULL: none). On EXIT_STATUS_DONE *out is the reply's JSON (caller decrefs), or NULL when
 * it had none; else an exit_status that says what kind of trouble it was, which has been explained on stderr. out
 * may be NULL. */
MUST_USE int client_call(struct client *c, const char *method, const char *path, json_t *body, json_t **out);
/* The same, the reply's body goes to the file descriptor; headers named are kept for client_header(). */
MUST_USE int client_download(struct client *c, const char *method, const char *path, int fd);
/* A header of the last reply, "" when there was none. */
const char *client_header(const struct client *c, const char *name);

/* Append s, percent-encoded as one path segment or query value (RFC 3986 section 2.3). */
void client_escape(struct text *path, const char *s, size_t len);

#endif
