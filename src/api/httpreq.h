/* api/httpreq.h -- the httpreq door: POST /present and POST /cleanup, as lego's provider httpreq speaks them, and
 * with it Traefik, cert-manager's webhooks of that contract and acme.sh's dns_acmeproxy. Basic authentication with
 * the id and the secret of a credential.
 *
 * Body, all strings, other members ignored:
 *   {"fqdn": "NAME.", "value": "DIGEST"}                         the default mode
 *   {"domain": "D", "token": "…", "keyAuth": "TOKEN.THUMBPRINT"} RAW mode: the digest is made here (RFC 8555
 *                                                                section 8.4), the name is _acme-challenge.D
 * The name is the owner of a name in the credential's scope, which is where the CNAME points, or _acme-challenge.D
 * with a domain D of one.
 *
 * /present is answered when the value is served, /cleanup when this credential's claim on it has ended; that there
 * was none is no error, since clients clean up also what they never managed to present. Both echo the name as sent
 * and the value: {"fqdn": "NAME.", "value": "DIGEST"} or {"domain": "D", "value": "DIGEST"}. acme.sh takes the
 * value in double quotes for success, whatever the status, so no refusal has it so.
 *
 * Refusals are problem documents (RFC 9457) with the statuses of http_status_of(): lego and acme.sh show people the
 * body as it is. Who has not proved a credential is told only that. */
#ifndef API_HTTPREQ_H
#define API_HTTPREQ_H

#include "api/router.h"

extern const struct route_table httpreq_routes;

#endif
