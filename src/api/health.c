#include "api/health.h"

#include "api/http.h"
#include "base/attr.h"

#define HEALTH_TEXT_MAX 8192
#define LISTENERS_MAX   64

static void put_store(struct text *out, const struct api_services *sv)
{
    struct sink_status st;

    sv->sink.status(sv->sink.self, &st);
    if (!st.ready)
        text_put(out, "starting: the store is being loaded\n");
    else if (!st.store_ok)
        text_printf(out, "store: %s\n", st.store_problem[0] != '\0' ? st.store_problem : "the last commit failed");
}

static void put_listeners(struct text *out, const struct api_services *sv)
{
    struct api_listener_status listeners[LISTENERS_MAX];
    size_t n = api_server_listeners(sv->server, listeners, LISTENERS_MAX);
    char at[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < n; i++)
        if (!listeners[i].open)
            text_printf(out, "api %s is closed: %s\n", endpoint_format(&listeners[i].at, at), listeners[i].problem);
}

static void handle_health(struct http_request *rq)
{
    const struct api_services *sv = http_services(rq);
    struct text wrong;

    text_init(&wrong, HEALTH_TEXT_MAX);
    put_store(&wrong, sv);
    put_listeners(&wrong, sv);
    if (wrong.len == 0 && wrong.err == ERR_OK)
        http_reply_empty(rq, 200);
    else
        http_reply_text(rq, 503, HTTP_TYPE_TEXT, &wrong);
    text_fini(&wrong);
}

static void handle_live(struct http_request *rq)
{
    http_reply_empty(rq, 200);
}

static const struct route rows[] = {
    {"GET", "/health", SERVES_ACMEDNS | SERVES_HEALTH, GROUP_HEALTH, 0, 0, handle_health},
    {"GET", "/r/{token}/health", SERVES_ACMEDNS | SERVES_HEALTH, GROUP_HEALTH, 0, 0, handle_health},
    {"GET", "/live", SERVES_HEALTH, GROUP_HEALTH, 0, 0, handle_live},
};

const struct route_table health_routes = {rows, ARRAY_LEN(rows)};
