/* api/acmedns.h -- the acme-dns door: POST /register and POST /update, byte for byte as acme-dns 1.1 answers them,
 * so that every client and every stored credential works unchanged. /health, which it shares, is in api/health.h.
 * POST /delete is not acme-dns's, but that of its forks: headers, body and reply of /update, and the credential's
 * claim on that value ends; that there was none is no error.
 *
 * Where clients show people what the server said, the body of a refused registration says more than acme-dns could:
 *   403 registration_token_required      registration.allow is token: the base URL needs /r/TOKEN
 *   403 registering_from_ip_not_allowed  this network may not register (the word of acme-dns pull request 392)
 *   401 invalid_registration_token       no such token, or it was revoked; 403 registration_token_expired
 *   403 quota_exceeded                   the token, its account or the server has no names left to give
 *   429 rate_limit_exceeded              too many registrations from this network (the word of ZPascal's fork)
 *   503 registration_paused              the disk is nearly full; values still work
 *   503 db_error                         not applied, or not known whether: a repeat is harmless (acme-dns: 500)
 * /update and /delete say what acme-dns says: 401 forbidden for whatever is wrong with who is asking, for which
 * name, or to remove whose value; 400 bad_txt and bad_subdomain; but 503 for the store, as above, and 429 for an
 * account that makes too many changes. */
#ifndef API_ACMEDNS_H
#define API_ACMEDNS_H

#include "api/router.h"

extern const struct route_table acmedns_routes;

#endif
