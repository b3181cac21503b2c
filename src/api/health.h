/* api/health.h -- GET /live, which answers while the process does, and GET /health, which says whether it can do
 * its work: 200 with an empty body, as acme-dns has it, or 503 with a line for each thing that is wrong. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/router.h"

extern const struct route_table health_routes;

#endif
