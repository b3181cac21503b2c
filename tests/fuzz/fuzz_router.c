/* Paths from hostile octets, through the rows of all doors: "METHOD PATH", with whatever follows. A redirect leads
 * to the row that it names, and not to another redirect. */
#include "fuzz.h"

#include <string.h>

#include "api/acmedns.h"
#include "api/admin.h"
#include "api/health.h"
#include "api/metrics.h"
#include "api/server.h"

#define LOCATION_MAX 65536

static void find(struct route_match *m, const char *method, const char *path)
{
    const struct route_table tables[] = {
        acmedns_routes, health_routes, metrics_routes, {admin_routes, admin_routes_count}};

    route_find(m, tables, ARRAY_LEN(tables), SERVES_ACMEDNS | SERVES_HEALTH | SERVES_METRICS | SERVES_ADMIN,
               ROUTE_REGISTRATION, method, path);
}

static void check_params(const struct route_match *m, const char *path)
{
    char *decoded = malloc(strlen(path) + 1);

    FUZZ_CHECK(decoded != NULL);
    for (size_t i = 0; i < m->n_params; i++) {
        const struct route_param *p = &m->params[i];
        FUZZ_CHECK(p->raw >= path && p->raw + p->raw_len <= path + strlen(path) && p->raw_len > 0);
        FUZZ_CHECK(memchr(p->raw, '/', p->raw_len) == NULL);
        memcpy(decoded, p->raw, p->raw_len);
        FUZZ_CHECK(route_percent_decode(decoded, p->raw_len) <= p->raw_len);
    }
    free(decoded);
}

static void check_redirect(const struct route_match *m, const char *method)
{
    char *location = malloc(LOCATION_MAX);
    struct route_match target;

    FUZZ_CHECK(location != NULL);
    if (route_format_location(m, location, LOCATION_MAX)) {
        find(&target, method, location);
        FUZZ_CHECK(target.outcome == ROUTE_FOUND && target.route == m->route);
    }
    free(location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    struct route_match m;
    char *path;

    FUZZ_CHECK(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    path = strchr(text, ' ');
    if (path != NULL) {
        *path++ = '\0';
        find(&m, text, path);
        if (m.outcome == ROUTE_FOUND || m.outcome == ROUTE_REDIRECT)
            check_params(&m, path);
        if (m.outcome == ROUTE_REDIRECT)
            check_redirect(&m, text);
        if (m.outcome == ROUTE_OPTIONS || m.outcome == ROUTE_NOT_ALLOWED)
            FUZZ_CHECK(m.allow[0] != '\0' && strlen(m.allow) < ROUTE_ALLOW_MAX);
    }
    free(text);
    return 0;
}
