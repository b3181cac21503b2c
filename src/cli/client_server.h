/* cli/client_server.h -- what an ACME host asks of the server with its own credential: to add and to remove a
 * value, who it is, and a new name. One thread; blocks no longer than the deadline.
 *
 * The server may be Riposte or acme-dns itself. A value is added through httpreq (/present), since its refusals say
 * why and /cleanup removes; where that is not served, through acme-dns (/update), and removed by /delete, which
 * forks of acme-dns and Riposte have. */
#ifndef CLI_CLIENT_SERVER_H
#define CLI_CLIENT_SERVER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/text.h"
#include "cli/client_storage.h"

enum client_outcome {
    CLIENT_DONE,
    CLIENT_REFUSED,     /* the server said no; *why says why and what to do, over several lines */
    CLIENT_UNREACHABLE, /* no answer, or one that says to try again; *why says which */
    CLIENT_NO_DOOR,     /* the server has nothing of the kind */
};

struct client_server {
    const char *url;     /* base URL */
    const char *ca_file; /* NULL: the system's authorities */
    int64_t deadline_ms; /* clock_mono_ms(); when less than a second is left, that second is taken anyway */
    const struct client_account *account;
};

/* *why is appended to, unless CLIENT_DONE and CLIENT_NO_DOOR. */
MUST_USE enum client_outcome client_server_add(const struct client_server *s, const char *value, struct text *why);
/* That the value is not there is no error. CLIENT_NO_DOOR: a server that cannot remove. */
MUST_USE enum client_outcome client_server_remove(const struct client_server *s, const char *value,
                                                  struct text *why);
/* GET /v1/self; gives *self when CLIENT_DONE. */
MUST_USE enum client_outcome client_server_self(const struct client_server *s, json_t **self, struct text *why);

/* POST /register, below /r/TOKEN when token is not NULL; s->account is not looked at. allowfrom is borrowed, NULL:
 * none. Gives the reply as it came, an object, when CLIENT_DONE. */
MUST_USE enum client_outcome client_server_register(const struct client_server *s, const char *token,
                                                    const json_t *allowfrom, json_t **account, struct text *why);

#endif
