/* api/credential.h -- the id and the secret of a credential, where each dialect puts them in a request's headers.
 *
 * All functions look at the shape only: whether the secret is right is known to the committer. What cannot be
 * right is recorded as a refusal of caller's door, with what it looks like, because that is how an operator finds
 * out what a client was given; nobody else is told. On a thread of the HTTP server. */
#ifndef API_CREDENTIAL_H
#define API_CREDENTIAL_H

#include <stdbool.h>

#include "api/http.h"
#include "base/attr.h"
#include "core/change.h"

/* X-Api-User and X-Api-Key, as acme-dns has them. False: they cannot be right; the caller replies. */
MUST_USE bool credential_take_api_key(struct http_request *rq, struct caller *caller);
/* Authorization: Basic (RFC 7617) with the id as user and the secret as password. False: as above. */
MUST_USE bool credential_take_basic(struct http_request *rq, struct caller *caller);
/* Authorization: Bearer ID.SECRET (RFC 6750), or basic as above. False: as above. */
MUST_USE bool credential_take_bearer(struct http_request *rq, struct caller *caller);

#endif
