/* The server as a whole: starting, stopping, many clients, limits, unix sockets, passed sockets, rows that wait. */
#include "api_fixture.h"

#include <sched.h>
#include <sys/stat.h>

#define BLOCK_MS 100
#define STALL_MS 3000 /* the stalls are as long as HTTP_IDLE_S */

/* ---- rows as an admin handler writes them ---- */

static void handle_ping(struct http_request *rq)
{
    http_reply_json(rq, 200, json_pack("{s:s, s:i}", "pong", http_request_id(rq), "uid", (int)http_peer_uid(rq)));
}

static void look_at_accounts(struct http_request *rq, const struct result *result, const struct state *state)
{
    assert_null(result);
    http_set_user(rq, arena_copy(http_arena(rq), "seen", 4));
    http_reply_json(rq, 200, json_pack("{s:i}", "accounts", (int)state_counts(state).accounts));
}

static void handle_accounts(struct http_request *rq)
{
    http_inspect(rq, look_at_accounts, NULL);
}

static void answer_created(struct http_request *rq, const struct result *result)
{
    if (result->outcome == OUTCOME_DONE)
        http_reply_json(rq, 201, json_pack("{s:i}", "account", (int)result->account));
    else
        http_reply_refused(rq, result);
}

static void handle_create(struct http_request *rq)
{
    struct request *r = http_change(rq, REQUEST_ACCOUNT_CREATE, DOOR_ADMIN);
    size_t len = 0;
    const char *name = http_param(rq, "account", &len);

    assert_non_null(r);
    r->u.account.name = arena_copy(&r->arena, name, len);
    http_submit(rq, r, NULL, answer_created);
}

static void handle_echo(struct http_request *rq)
{
    json_t *body = http_body_json(rq);

    if (body != NULL)
        http_reply_json(rq, 200, json_pack("{s:o, s:s?}", "body", body, "q", http_query(rq, "q")));
}

static void work_slowly(struct http_request *rq)
{
    (void)usleep(200 * 1000);
    http_reply_literal(rq, 200, HTTP_TYPE_TEXT, "slow\n");
}

static void handle_slow(struct http_request *rq)
{
    http_offload(rq, work_slowly);
}

/* On a thread of the server, as no handler may. */
static void handle_block(struct http_request *rq)
{
    (void)usleep(BLOCK_MS * 1000);
    http_reply_empty(rq, 204);
}

static void handle_nothing(struct http_request *rq)
{
    (void)rq;
}

const struct route admin_routes[] = {
    {"GET", "/v1/ping", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_ping},
    {"GET", "/v1/accounts", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_accounts},
    {"PUT", "/v1/accounts/{account}", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_create},
    {"POST", "/v1/echo", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_echo},
    {"GET", "/v1/slow", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_slow},
    {"GET", "/v1/block", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_block},
    {"GET", "/v1/nothing", SERVES_ADMIN, GROUP_ADMIN, 0, 0, handle_nothing},
};
const size_t admin_routes_count = ARRAY_LEN(admin_routes);

static struct fixture *with_admin_socket(void)
{
    struct fixture *f = fixture_new();

    f->settings.admin_socket = f->path;
    fixture_start(f);
    return f;
}

static struct reply *ask_admin(const struct fixture *f, const char *method, const char *path, const char *body)
{
    static struct reply r;
    char text[4096];
    int fd = client_connect_unix(f->path);

    assert_true(fd >= 0);
    (void)snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: riposte\r\nContent-Length: %zu\r\n\r\n%s", method,
                   path, strlen(body), body);
    client_send(fd, text, strlen(text));
    client_read(fd, &r);
    (void)close(fd);
    return &r;
}

/* ---- the admin socket ---- */

static void handlers_answer_look_change_and_offload(void **state)
{
    struct fixture *f = with_admin_socket();
    struct reply *r;
    char want[64];

    (void)state;
    r = ask_admin(f, "GET", "/v1/ping", "");
    assert_int_equal(r->status, 200);
    assert_string_equal(reply_header(r, "Content-Type"), "application/json");
    (void)snprintf(want, sizeof want, "{\"pong\":\"%s\",\"uid\":%d}", reply_header(r, "Riposte-Request"),
                   (int)getuid());
    assert_string_equal(r->body, want);
    assert_string_equal(ask_admin(f, "GET", "/v1/accounts", "")->body, "{\"accounts\":0}");
    r = ask_admin(f, "PUT", "/v1/accounts/te%61m", "");
    assert_int_equal(r->status, 201);
    assert_string_equal(r->body, "{\"account\":1}");
    assert_non_null(state_account_by_name(f->w->s, "team", 4));
    r = ask_admin(f, "PUT", "/v1/accounts/Not%20A%2FName", "");
    assert_int_equal(r->status, http_status_of(REFUSAL_MALFORMED));
    assert_string_equal(reply_header(r, "Content-Type"), "application/problem+json");
    assert_non_null(strstr(r->body, "\"type\":\"/problems/malformed\""));
    assert_non_null(strstr(r->body, "\"detail\":\"\\\"Not A/Name\\\""));
    assert_string_equal(ask_admin(f, "GET", "/v1/slow", "")->body, "slow\n");
    assert_int_equal(ask_admin(f, "GET", "/v1/nothing", "")->status, 500);
    assert_int_equal(ask_admin(f, "GET", "/health", "")->status, 200);
    assert_int_equal(ask_admin(f, "POST", "/update", "{}")->status, 404);
    fixture_free(f);
}

static void bodies_of_handlers_are_strict_json(void **state)
{
    static const char *const bad[] = {
        "",     "{",       "{\"a\":1,\"a\":2}",
        "{} x", "nothing", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"};
    struct fixture *f = with_admin_socket();

    (void)state;
    assert_string_equal(ask_admin(f, "POST", "/v1/echo?q=a%2Fb+c&r", "{\"x\":[1,\"]\"]}")->body,
                        "{\"body\":{\"x\":[1,\"]\"]},\"q\":\"a/b c\"}");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct reply *r = ask_admin(f, "POST", "/v1/echo", bad[i]);
        assert_int_equal(r->status, 400);
        assert_string_equal(reply_header(r, "Content-Type"), "application/problem+json");
        assert_non_null(strstr(r->body, "/problems/malformed"));
    }
    fixture_free(f);
}

static void a_look_that_nobody_takes_is_503(void **state)
{
    struct fixture *f = with_admin_socket();
    struct reply *r;

    (void)state;
    fixture_refuse_to_take(f, ERR_CLOSED);
    r = ask_admin(f, "GET", "/v1/accounts", "");
    assert_int_equal(r->status, 503);
    assert_non_null(reply_header(r, "Retry-After"));
    fixture_free(f);
}

static void blocking_work_holds_up_nobody(void **state)
{
    struct fixture *f = with_admin_socket();
    static const char request[] = "GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n";
    static struct reply r;
    int fds[4];
    int64_t start;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_connect_unix(f->path);
        client_send(fds[i], request, sizeof request - 1);
    }
    start = clock_mono_ms(&clock_system);
    assert_int_equal(ask_admin(f, "GET", "/v1/ping", "")->status, 200);
    assert_true(clock_mono_ms(&clock_system) - start < 150);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        client_read(fds[i], &r);
        assert_string_equal(r.body, "slow\n");
        (void)close(fds[i]);
    }
    assert_true(clock_mono_ms(&clock_system) - start < 700); /* not one after the other */
    fixture_free(f);
}

static void the_admin_socket_is_not_for_everybody(void **state)
{
    struct fixture *f = with_admin_socket();
    struct stat st;

    (void)state;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* no group was named */
    fixture_free(f);

    f = fixture_new();
    f->settings.admin_socket = f->path;
    f->settings.admin_group = "root";
    fixture_start(f);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, getuid() == 0 ? 0660 : 0600);
    fixture_free(f);
    assert_int_equal(access("/tmp/riposte-api-none", F_OK), -1);
}

static void the_admin_socket_file_goes_with_the_server(void **state)
{
    struct fixture *f = with_admin_socket();
    char path[64];

    (void)state;
    memcpy(path, f->path, sizeof path);
    assert_int_equal(access(path, F_OK), 0);
    fixture_free(f);
    assert_int_equal(access(path, F_OK), -1);
}

static enum err try_bind(struct fixture *f, const struct api_passed *passed, struct text *why)
{
    struct api_server *second = NULL;
    enum err e = api_server_bind(&second, &f->settings, passed, why);

    api_server_stop(second, 0);
    return e;
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
    struct fixture *f = with_admin_socket();
    struct fixture *g = fixture_new();
    struct text why;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd;

    (void)state;
    text_init(&why, 4096);
    g->settings.admin_socket = f->path;
    assert_int_equal(try_bind(g, NULL, &why), ERR_EXISTS);
    assert_non_null(strstr(why.bytes, "address already in use\n    another program answers"));
    assert_int_equal(ask_admin(f, "GET", "/v1/ping", "")->status, 200); /* untouched */
    fixture_free(f);

    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", g->path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    (void)close(fd); /* the file stays, nobody answers */
    g->settings.admin_socket = g->path;
    assert_int_equal(try_bind(g, NULL, &why), ERR_OK);
    text_fini(&why);
    fixture_free(g);
}

/* ---- binding ---- */

static void problems_of_all_addresses_are_told_at_once(void **state)
{
    struct fixture *f = fixture_started();
    struct fixture *g = fixture_new();
    char want[128];
    struct text why;

    (void)state;
    text_init(&why, 4096);
    g->listen[0].at.port = fixture_port(f, 0);
    g->listen[1] = g->listen[0];
    assert_int_equal(endpoint_parse(&g->listen[1].at, "unix:/nowhere/at/all.sock", 25), ERR_OK);
    g->settings.n_listen = 2;
    assert_int_equal(try_bind(g, NULL, &why), ERR_EXISTS);
    (void)snprintf(want, sizeof want, "cannot bind TCP 127.0.0.1:%u: address already in use\n",
                   g->listen[0].at.port);
    assert_non_null(strstr(why.bytes, want));
    (void)snprintf(want, sizeof want, "    127.0.0.1:%u is held by another line of this configuration: remove one",
                   g->listen[0].at.port); /* by this process */
    assert_non_null(strstr(why.bytes, want));
    assert_non_null(strstr(why.bytes, "cannot bind unix:/nowhere/at/all.sock: No such file or directory\n"));
    text_fini(&why);
    fixture_free(g);
    fixture_free(f);
}

static int bound_socket(struct endpoint *at)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    *at = (struct endpoint){.kind = ENDPOINT_IP};
    addr_from_sockaddr(&at->addr, &at->port, (struct sockaddr *)&sa);
    return fd;
}

static void passed_sockets_must_be_the_configured_ones(void **state)
{
    struct fixture *f = fixture_new();
    struct text why;
    int fd = bound_socket(&f->listen[0].at);
    struct api_passed passed = {&fd, 1};
    const struct change_sink sink = {
        .submit = fixture_submit, .inspect = fixture_inspect, .status = fixture_status, .self = f};
    const struct api_control control = {.self = f};

    (void)state;
    text_init(&why, 4096);
    assert_int_equal(api_server_bind(&f->server, &f->settings, &passed, &why), ERR_OK);
    assert_int_equal(api_server_start(f->server, &sink, f->refusals, NULL, &control, &why), ERR_OK);
    assert_int_equal(exchange(f, "POST", "/register", "", "{}")->status, 201);
    fixture_free(f);

    f = fixture_new();
    fd = bound_socket(&f->listen[1].at);
    assert_int_equal(endpoint_parse(&f->listen[0].at, "127.0.0.1:1", 11), ERR_OK);
    assert_int_equal(try_bind(f, &passed, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.bytes, "api.listen names 127.0.0.1:1, systemd passed 127.0.0.1:"));
    assert_non_null(strstr(why.bytes, "add ListenStream=127.0.0.1:1 to riposte-api.socket, or remove the line\n"));
    assert_non_null(strstr(why.bytes, "which api.listen does not name: add it there"));
    text_fini(&why);
    (void)close(fd);
    fixture_free(f);
}

static void an_api_socket_may_be_a_unix_socket(void **state)
{
    struct fixture *f = fixture_new();
    struct account_text a;
    struct reply *r;
    char body[256], request[1024];
    static struct reply got;
    int fd;

    (void)state;
    f->listen[1] = f->listen[0];
    f->listen[1].at = (struct endpoint){.kind = ENDPOINT_UNIX};
    (void)snprintf(f->listen[1].at.path, sizeof f->listen[1].at.path, "%s", f->path);
    f->settings.n_listen = 2;
    fixture_start(f);
    a = register_account(f, "{\"allowfrom\":[\"198.51.100.0/24\"]}");
    (void)snprintf(body, sizeof body,
                   "{\"subdomain\":\"%s\",\"txt\":\"ztdi0123456789012345678901234567890123-_5R1\"}", a.subdomain);
    (void)snprintf(
        request, sizeof request,
        "POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\nX-Forwarded-For: 198.51.100.3\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        a.username, a.password, strlen(body), body);
    fd = client_connect_unix(f->path);
    assert_true(fd >= 0);
    client_send(fd, request, strlen(request));
    client_read(fd, &got);
    assert_int_equal(got.status, 200); /* whoever may connect to the socket is a trusted proxy */
    (void)close(fd);
    r = exchange(f, "GET", "/health", "", NULL);
    assert_int_equal(r->status, 200);
    fixture_free(f);
}

/* ---- many clients ---- */

/* True: the server answers on it. */
static bool answers_on(int fd)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    static struct reply r;

    client_send(fd, request, sizeof request - 1);
    client_read(fd, &r);
    return r.status == 200;
}

/* libmicrohttpd's own epoll loop stalls until a time-out when exactly 128 connections of a thread, or a multiple,
 * are ready at once and nothing else happens. So: one thread, which a handler keeps busy until all clients have
 * sent their request. */
static void keep_alive_clients(struct fixture *f, size_t n)
{
    static const char block[] = "GET /v1/block HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char request[] = "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    static struct reply r;
    int *fds = calloc(n, sizeof *fds);
    int blocker = client_connect(fixture_port(f, 0));
    int64_t start;

    assert_non_null(fds);
    for (size_t i = 0; i < n; i++) {
        fds[i] = client_connect(fixture_port(f, 0));
        assert_true(fds[i] >= 0 && answers_on(fds[i])); /* the server has accepted it */
    }
    for (int round = 0; round < 2; round++) {
        start = clock_mono_ms(&clock_system);
        client_send(blocker, block, sizeof block - 1);
        (void)usleep(BLOCK_MS / 4 * 1000);
        for (size_t i = 0; i < n; i++)
            client_send(fds[i], request, sizeof request - 1);
        client_read(blocker, &r);
        assert_int_equal(r.status, 204);
        for (size_t i = 0; i < n; i++) {
            client_read(fds[i], &r);
            assert_int_equal(r.status, 201);
        }
        if (clock_mono_ms(&clock_system) - start > STALL_MS)
            fail_msg("%zu clients waited %d ms", n, (int)(clock_mono_ms(&clock_system) - start));
    }
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    (void)close(blocker);
    free(fds);
}

static void keep_alive_clients_at_multiples_of_128_do_not_stall(void **state)
{
    static const size_t counts[] = {126, 127, 128, 129,
                                    254, 255, 256, 257}; /* the blocker may be ready too, or not */
    struct fixture *f = fixture_new();
    cpu_set_t before, one;

    (void)state;
    f->settings.connections = 4096; /* one client may have a quarter */
    f->w->settings.limits.names_unclaimed = 100000;
    f->listen[0].serves |= SERVES_ADMIN;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0); /* so that the server has one thread */
    fixture_start(f);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        keep_alive_clients(f, counts[i]);
    fixture_free(f);
}

static size_t count_served(struct fixture *f, int *fds, size_t n)
{
    size_t served = 0;

    for (size_t i = 0; i < n; i++) {
        fds[i] = client_connect(fixture_port(f, 0));
        assert_true(fds[i] >= 0);
        served += answers_on(fds[i]) ? 1u : 0u;
    }
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    return served;
}

static void one_client_gets_a_quarter_of_the_connections(void **state)
{
    struct net loopback = net_of("127.0.0.0/8");
    struct fixture *f = fixture_new();
    int fds[50];

    (void)state;
    f->settings.connections = 40;
    f->settings.trusted_proxies = &loopback;
    fixture_start(f);
    assert_int_equal(count_served(f, fds, 30), 10);
    f->settings.n_trusted_proxies = 1; /* a trusted proxy is many clients */
    api_server_retune(f->server, &f->settings);
    for (int i = 0; i < 100 && count_served(f, fds, 1) == 0; i++)
        (void)usleep(10000); /* until the server has seen that the others have gone */
    (void)usleep(200 * 1000);
    assert_int_equal(count_served(f, fds, 50), 40);
    fixture_free(f);
}

/* ---- stopping ---- */

static void *stop_it(void *arg)
{
    struct fixture *f = arg;

    api_server_stop(f->server, 5000);
    f->server = NULL;
    return NULL;
}

static void stopping_answers_what_is_in_flight(void **state)
{
    static const char request[] = "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    static struct reply r;
    struct fixture *f = fixture_started();
    uint16_t port = fixture_port(f, 0);
    int fds[20];
    int idle = client_connect(port);
    pthread_t stopper;

    (void)state;
    fixture_hold(f, true);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_connect(port);
        client_send(fds[i], request, sizeof request - 1);
    }
    fixture_wait_submitted(f, ARRAY_LEN(fds));
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, f), 0);
    (void)usleep(100 * 1000);
    fixture_hold(f, false);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        client_read(fds[i], &r);
        assert_int_equal(r.status, 201);
        assert_string_equal(reply_header(&r, "Connection"), "close");
        (void)close(fds[i]);
    }
    (void)pthread_join(stopper, NULL);
    assert_int_equal(client_connect(port), -1);
    (void)close(idle);
    fixture_free(f);
}

static void stopping_gives_up_what_takes_too_long(void **state)
{
    static const char request[] = "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    static struct reply r;
    struct fixture *f = fixture_started();
    int fds[5];
    int64_t start;

    (void)state;
    fixture_hold(f, true);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_connect(fixture_port(f, 0));
        client_send(fds[i], request, sizeof request - 1);
    }
    fixture_wait_submitted(f, ARRAY_LEN(fds));
    start = clock_mono_ms(&clock_system);
    api_server_stop(f->server, 100);
    f->server = NULL;
    assert_true(clock_mono_ms(&clock_system) - start < 3000);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        client_read(fds[i], &r);
        assert_int_equal(r.status, 503);
        assert_string_equal(r.body, "{\"error\": \"db_error\"}");
        (void)close(fds[i]);
    }
    fixture_free(f); /* decides them now: their callbacks come after the server has gone */
}

static void stopping_waits_for_offloaded_work(void **state)
{
    static const char request[] = "GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n";
    static struct reply r;
    struct fixture *f = with_admin_socket();
    int fd = client_connect_unix(f->path);

    (void)state;
    client_send(fd, request, sizeof request - 1);
    (void)usleep(50 * 1000);
    api_server_stop(f->server, 0);
    f->server = NULL;
    client_read(fd, &r);
    assert_string_equal(r.body, "slow\n");
    (void)close(fd);
    fixture_free(f);
}

static void a_server_that_never_started_can_be_stopped(void **state)
{
    struct fixture *f = fixture_new();
    struct text why;

    (void)state;
    text_init(&why, 1024);
    assert_int_equal(api_server_bind(&f->server, &f->settings, NULL, &why), ERR_OK);
    api_server_stop(f->server, 1000);
    api_server_stop(NULL, 1000);
    f->server = NULL;
    text_fini(&why);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_answer_look_change_and_offload),
        cmocka_unit_test(bodies_of_handlers_are_strict_json),
        cmocka_unit_test(a_look_that_nobody_takes_is_503),
        cmocka_unit_test(blocking_work_holds_up_nobody),
        cmocka_unit_test(the_admin_socket_is_not_for_everybody),
        cmocka_unit_test(the_admin_socket_file_goes_with_the_server),
        cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(problems_of_all_addresses_are_told_at_once),
        cmocka_unit_test(passed_sockets_must_be_the_configured_ones),
        cmocka_unit_test(an_api_socket_may_be_a_unix_socket),
        cmocka_unit_test(keep_alive_clients_at_multiples_of_128_do_not_stall),
        cmocka_unit_test(one_client_gets_a_quarter_of_the_connections),
        cmocka_unit_test(stopping_answers_what_is_in_flight),
        cmocka_unit_test(stopping_gives_up_what_takes_too_long),
        cmocka_unit_test(stopping_waits_for_offloaded_work),
        cmocka_unit_test(a_server_that_never_started_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
