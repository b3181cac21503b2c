/* What holds for every path: acme-dns's replies where no handler is asked, CORS, ambiguous requests, sizes,
 * deadlines. */
#include "api_fixture.h"

const struct route admin_routes[1];
const size_t admin_routes_count;

static void assert_text(const struct reply *r, int status, const char *body)
{
    assert_int_equal(r->status, status);
    assert_string_equal(r->body, body);
    assert_string_equal(reply_header(r, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(reply_header(r, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(reply_header(r, "Vary"), "Origin");
    assert_non_null(reply_header(r, "Riposte-Request"));
}

static void paths_that_do_not_exist_are_404_as_in_acme_dns(void **state)
{
    static const char *const paths[] = {
        "/",         "/nothing",   "/updates",   "/update/x",
        "/r/update", "/r//update", "/update%2F", "/live/x/y/z/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o"};
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_text(exchange(f, "POST", paths[i], "", "{}"), 404, "404 page not found\n");
    assert_text(exchange(f, "GET", "/update/", "", NULL), 404, "404 page not found\n"); /* no GET row is like it */
    fixture_free(f);
}

static void other_methods_are_405_with_a_sorted_allow(void **state)
{
    static const struct {
        const char *method, *path, *allow;
    } rows[] = {
        {"GET", "/update", "OPTIONS, POST"},      {"PUT", "/register", "OPTIONS, POST"},
        {"POST", "/health", "GET, OPTIONS"},      {"DELETE", "/r/x/update", "OPTIONS, POST"},
        {"PATCH", "/r/x/health", "GET, OPTIONS"},
    };
    struct fixture *f = fixture_started();
    struct reply *r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = exchange(f, rows[i].method, rows[i].path, "", NULL);
        assert_text(r, 405, "Method Not Allowed\n");
        assert_string_equal(reply_header(r, "Allow"), rows[i].allow);
    }
    r = exchange(f, "HEAD", "/health", "Connection: close\r\n", NULL);
    assert_int_equal(r->status, 405);
    assert_int_equal(r->body_len, 0);
    assert_string_equal(reply_header(r, "Allow"), "GET, OPTIONS");
    fixture_free(f);
}

static void nearly_right_paths_are_redirected(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *location;
    } rows[] = {
        {"POST", "/update/", 307, "/update"},
        {"POST", "/UPDATE", 307, "/update"},
        {"POST", "/./update", 307, "/update"},
        {"POST", "/x/../update//", 307, "/update"},
        {"POST", "/Register/?a=b", 307, "/register?a=b"},
        {"POST", "/r/AbC/UPDATE", 307, "/r/AbC/update"},
        {"GET", "/health/", 301, "/health"},
        {"GET", "/Health", 301, "/health"},
    };
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply *r = exchange(f, rows[i].method, rows[i].path, "", rows[i].status == 307 ? "{}" : NULL);
        assert_int_equal(r->status, rows[i].status);
        assert_string_equal(reply_header(r, "Location"), rows[i].location);
        assert_string_equal(reply_header(r, "Vary"), "Origin");
        if (rows[i].status == 307) {
            assert_int_equal(r->body_len, 0);
            assert_null(reply_header(r, "Content-Type"));
        }
    }
    assert_string_equal(exchange(f, "GET", "/r/\"'><b>&/health/", "", NULL)->body,
                        "<a href=\"/r/&#34;&#39;&#62;&#60;b&#62;&#38;/health\">Moved Permanently</a>.\n\n");
    assert_int_equal(exchange(f, "GET", "//health", "", NULL)->status, 200); /* at the start: in place */
    assert_int_equal(exchange(f, "GET", "/%68ealth", "", NULL)->status, 200);
    assert_int_equal(exchange(f, "GET", "http://localhost/health", "", NULL)->status, 200);
    fixture_free(f);
}

static void options_without_a_preflight_lists_methods(void **state)
{
    struct fixture *f = fixture_started();
    struct reply *r = exchange(f, "OPTIONS", "/update", "", NULL);

    (void)state;
    assert_int_equal(r->status, 200);
    assert_int_equal(r->body_len, 0);
    assert_string_equal(reply_header(r, "Allow"), "OPTIONS, POST");
    assert_int_equal(exchange(f, "OPTIONS", "/nothing", "", NULL)->status, 404);
    assert_int_equal(exchange(f, "OPTIONS", "*", "", NULL)->status, 200);
    fixture_free(f);
}

#define PREFLIGHT "Origin: https://ui.example\r\nAccess-Control-Request-Method: POST\r\n"

static void a_preflight_is_answered_by_the_list_of_origins(void **state)
{
    static const char *const all[] = {"*"};
    static const char *const one[] = {"https://UI.example"};
    struct fixture *f = fixture_started();
    struct reply *r = exchange(f, "OPTIONS", "/register", PREFLIGHT, NULL);

    (void)state;
    assert_int_equal(r->status, 204); /* nobody is allowed by default */
    assert_string_equal(reply_header(r, "Vary"),
                        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    assert_null(reply_header(r, "Access-Control-Allow-Origin"));
    assert_null(reply_header(r, "Content-Length"));

    f->settings.cors_origins = all;
    f->settings.n_cors_origins = 1;
    api_server_retune(f->server, &f->settings);
    r = exchange(f, "OPTIONS", "/register", PREFLIGHT "Access-Control-Request-Headers: content-type\r\n", NULL);
    assert_int_equal(r->status, 204);
    assert_string_equal(reply_header(r, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(reply_header(r, "Access-Control-Allow-Methods"), "POST");
    assert_string_equal(reply_header(r, "Access-Control-Allow-Headers"), "content-type");
    r = exchange(f, "OPTIONS", "/update", PREFLIGHT "Access-Control-Request-Headers: x-api-user,x-api-key\r\n",
                 NULL);
    assert_int_equal(r->status, 204);
    assert_null(reply_header(r, "Access-Control-Allow-Origin"));

    f->settings.cors_origins = one;
    api_server_retune(f->server, &f->settings);
    r = exchange(f, "POST", "/register", "Origin: https://ui.example\r\n", "{}");
    assert_int_equal(r->status, 201);
    assert_string_equal(reply_header(r, "Access-Control-Allow-Origin"), "https://ui.example");
    assert_string_equal(reply_header(r, "Vary"), "Origin");
    r = exchange(f, "POST", "/register", "Origin: https://evil.example\r\n", "{}");
    assert_null(reply_header(r, "Access-Control-Allow-Origin"));
    fixture_free(f);
}

static void health_says_what_is_wrong(void **state)
{
    struct fixture *f = fixture_started();
    struct reply *r = exchange(f, "GET", "/health", "", NULL);

    (void)state;
    assert_int_equal(r->status, 200);
    assert_int_equal(r->body_len, 0);
    assert_null(reply_header(r, "Content-Type"));
    assert_int_equal(exchange(f, "GET", "/r/whatever/health", "", NULL)->status, 200);
    pthread_mutex_lock(&f->lock);
    f->status.store_ok = false;
    (void)snprintf(f->status.store_problem, sizeof f->status.store_problem, "disk I/O error");
    pthread_mutex_unlock(&f->lock);
    r = exchange(f, "GET", "/health", "", NULL);
    assert_int_equal(r->status, 503);
    assert_string_equal(r->body, "store: disk I/O error\n");
    assert_int_equal(exchange(f, "GET", "/live", "", NULL)->status, 200);
    fixture_free(f);
}

static void an_address_serves_what_it_is_told_to(void **state)
{
    struct fixture *f = fixture_new();

    (void)state;
    f->listen[0].serves = SERVES_ACMEDNS;
    fixture_start(f);
    assert_int_equal(exchange(f, "GET", "/metrics", "", NULL)->status, 404);
    assert_int_equal(exchange(f, "GET", "/live", "", NULL)->status, 404);
    assert_int_equal(exchange(f, "GET", "/health", "", NULL)->status, 200); /* acme-dns has it */
    fixture_free(f);
}

static void metrics_count_requests_by_route_and_code(void **state)
{
    struct fixture *f = fixture_started();
    struct reply *r;

    (void)state;
    assert_int_equal(exchange(f, "POST", "/register", "", "{}")->status, 201);
    assert_int_equal(exchange(f, "POST", "/register", "", "[")->status, 400);
    r = exchange(f, "GET", "/metrics", "", NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(reply_header(r, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(r->body, "riposte_http_requests_total{route=\"register\",code=\"201\"} 1\n"));
    assert_non_null(strstr(r->body, "riposte_http_requests_total{route=\"register\",code=\"400\"} 1\n"));
    assert_non_null(strstr(r->body, "riposte_http_connections_accepted_total 3\n"));
    fixture_free(f);
}

/* ---- ambiguous requests ---- */

#define START "POST /register HTTP/1.1\r\nHost: x\r\n"

static void ambiguous_requests_are_refused_and_their_connection_closed(void **state)
{
    static const char *const requests[] = {
        START "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        START "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        START "Transfer-Encoding: gzip\r\n\r\n",
        START "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        START "Host: y\r\nContent-Length: 2\r\n\r\n{}",
        START "X-Api-User: a\r\nX-Api-User: b\r\nContent-Length: 2\r\n\r\n{}",
        START "X-Api-Key: a\r\nX-Api-Key: a\r\nContent-Length: 2\r\n\r\n{}",
        START "X-Other: a\001b\r\nContent-Length: 2\r\n\r\n{}",
        START "Content-Length : 2\r\n\r\n{}",
        "POST /register HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        START "Content-Length: -2\r\n\r\n{}",
    };
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        static struct reply r;
        char byte;
        int fd = client_connect(fixture_port(f, 0));
        assert_true(fd >= 0);
        client_send(fd, requests[i], strlen(requests[i]));
        client_read(fd, &r);
        if (r.status != 400)
            fail_msg("request %zu: status %d", i, r.status);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        (void)close(fd);
    }
    assert_int_equal(f->submitted, 0);
    fixture_free(f);
}

static void a_chunked_body_is_a_body(void **state)
{
    static const char request[] = START "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                                        "3\r\n{\"a\r\n5\r\n\": 1}\r\n0\r\n\r\n";
    struct fixture *f = fixture_started();

    (void)state;
    assert_int_equal(exchange_raw(fixture_port(f, 0), request, sizeof request - 1)->status, 201);
    fixture_free(f);
}

/* ---- sizes ---- */

static struct reply *post_blanks(struct fixture *f, size_t len)
{
    char *body = malloc(len + 256);
    struct reply *r;
    int head;

    assert_non_null(body);
    head = snprintf(body, 256, START "Connection: close\r\nContent-Length: %zu\r\n\r\n", len);
    memset(body + head, ' ', len);
    memcpy(body + head, "{}", 2);
    r = exchange_raw(fixture_port(f, 0), body, (size_t)head + len);
    free(body);
    return r;
}

static void bodies_are_bounded(void **state)
{
    static const struct {
        size_t len;
        int status;
    } rows[] = {{1024, 201}, {1025, 201}, {4096, 201}, {4097, 413}, {60000, 413}, {900000, 413}, {50000000, 413}};
    struct fixture *f = fixture_started();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply *r = post_blanks(f, rows[i].len);
        /* what is beyond all measure may be cut off before the client has read the reply */
        if (r->status != rows[i].status && !(rows[i].len > 1000000 && r->status == 0))
            fail_msg("%zu octets: status %d", rows[i].len, r->status);
        if (r->status == 413)
            assert_string_equal(r->body, "{\"error\": \"request_too_large\"}");
    }
    assert_int_equal(refusals_of(f, REFUSAL_TOO_LARGE), 4);
    assert_int_equal(exchange(f, "GET", "/health", "", NULL)->status, 200);
    fixture_free(f);
}

static void a_chunked_body_is_bounded_too(void **state)
{
    static char request[8192];
    struct fixture *f = fixture_started();
    int head = snprintf(request, sizeof request,
                        START "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1400\r\n{}");

    (void)state;
    memset(request + head, ' ', 0x1400 - 2);
    memcpy(request + head + 0x1400 - 2, "\r\n0\r\n\r\n", 8);
    assert_int_equal(exchange_raw(fixture_port(f, 0), request, (size_t)head + 0x1400 + 5)->status, 413);
    fixture_free(f);
}

static void headers_are_bounded(void **state)
{
    static char request[40000];
    struct fixture *f = fixture_started();
    int head = snprintf(request, sizeof request, "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ");

    (void)state;
    memset(request + head, 'a', 20000);
    memcpy(request + head + 20000, "\r\n\r\n", 5);
    assert_int_equal(exchange_raw(fixture_port(f, 0), request, (size_t)head + 20004)->status, 431);
    fixture_free(f);
}

/* ---- deadlines ---- */

/* Milliseconds until the server hangs up on somebody who sends one byte of text every 100 ms. */
static int64_t drip(uint16_t port, const char *text, size_t len)
{
    int64_t start = clock_mono_ms(&clock_system);
    int fd = client_connect(port);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;

    assert_true(fd >= 0);
    for (size_t i = 0; clock_mono_ms(&clock_system) - start < PATIENCE_S * 1000; i++) {
        if (send(fd, &text[i % len], 1, MSG_NOSIGNAL) != 1)
            break;
        if (poll(&p, 1, 100) > 0 && recv(fd, &byte, 1, 0) <= 0)
            break;
    }
    (void)close(fd);
    return clock_mono_ms(&clock_system) - start;
}

static void a_request_that_drips_is_ended_at_its_deadline(void **state)
{
    static const char *const drips[] = {
        "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\r\n",
        "aaaaaaaaa"};
    struct fixture *f = fixture_new();

    (void)state;
    f->settings.request_timeout_ms = 700;
    fixture_start(f);
    for (size_t i = 0; i < ARRAY_LEN(drips); i++) {
        int64_t ms = drip(fixture_port(f, 0), drips[i], strlen(drips[i]));
        if (ms < 500 || ms > 3000)
            fail_msg("drip %zu ended after %d ms", i, (int)ms);
    }
    assert_int_equal(exchange(f, "GET", "/health", "", NULL)->status, 200);
    fixture_free(f);
}

static void a_change_may_take_longer_than_the_request(void **state)
{
    static const char request[] = START "Content-Length: 2\r\n\r\n{}";
    static struct reply r;
    struct fixture *f = fixture_new();
    int fd;

    (void)state;
    f->settings.request_timeout_ms = 300;
    fixture_start(f);
    fixture_hold(f, true);
    fd = client_connect(fixture_port(f, 0));
    client_send(fd, request, sizeof request - 1);
    fixture_wait_submitted(f, 1);
    (void)usleep(1200 * 1000); /* the deadline's own thread runs on the real clock */
    fixture_hold(f, false);
    client_read(fd, &r);
    assert_int_equal(r.status, 201);
    (void)close(fd);
    fixture_free(f);
}

static void a_client_that_leaves_while_its_change_is_under_way_harms_nobody(void **state)
{
    static const char request[] = START "Content-Length: 2\r\n\r\n{}";
    struct fixture *f = fixture_started();

    (void)state;
    fixture_hold(f, true);
    for (int i = 0; i < 20; i++) {
        const struct linger reset = {.l_onoff = 1};
        int fd = client_connect(fixture_port(f, 0));
        client_send(fd, request, sizeof request - 1);
        if (i % 2 == 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        fixture_wait_submitted(f, (size_t)i + 1);
        (void)close(fd);
    }
    fixture_hold(f, false);
    assert_int_equal(exchange(f, "POST", "/register", "", "{}")->status, 201);
    fixture_free(f);
}

/* Requests that are done together are resumed by the first of them. Here its client has left. */
static void changes_that_are_done_at_once_are_all_answered(void **state)
{
    static const char request[] = START "Content-Length: 2\r\n\r\n{}";
    enum { CLIENTS = 40, ROUNDS = 5 };
    static struct reply r;
    struct fixture *f = fixture_started();
    int fds[CLIENTS];

    (void)state;
    for (size_t i = 0; i < CLIENTS; i++)
        fds[i] = client_connect(fixture_port(f, 0));
    for (size_t round = 0; round < ROUNDS; round++) {
        fixture_hold(f, true);
        for (size_t i = 0; i < CLIENTS; i++) {
            client_send(fds[i], request, sizeof request - 1);
            fixture_wait_submitted(f, round * CLIENTS + i + 1);
        }
        (void)close(fds[0]);
        (void)close(fds[round + 1]);
        fixture_hold(f, false);
        for (size_t i = 1; i < CLIENTS; i++) {
            if (i == round + 1)
                continue;
            client_read(fds[i], &r);
            assert_int_equal(r.status, 201);
        }
        fds[0] = client_connect(fixture_port(f, 0));
        fds[round + 1] = client_connect(fixture_port(f, 0));
    }
    for (size_t i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    fixture_free(f);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char requests[] = START "Content-Length: 2\r\n\r\n{}GET /health HTTP/1.1\r\nHost: x\r\n\r\n" START
                                         "Content-Length: 1\r\nConnection: close\r\n\r\n[";
    struct fixture *f = fixture_started();
    char got[8192];
    size_t len = 0;
    ssize_t n;
    int fd = client_connect(fixture_port(f, 0));

    (void)state;
    client_send(fd, requests, sizeof requests - 1);
    while ((n = recv(fd, got + len, sizeof got - 1 - len, 0)) > 0)
        len += (size_t)n;
    got[len] = '\0';
    assert_int_equal(strncmp(got, "HTTP/1.1 201", 12), 0);
    assert_non_null(strstr(got, "HTTP/1.1 200"));
    assert_non_null(strstr(strstr(got, "HTTP/1.1 200"), "HTTP/1.1 400"));
    (void)close(fd);
    fixture_free(f);
}

/* ---- who the client is ---- */

static void the_client_behind_a_trusted_proxy_is_who_counts(void **state)
{
    struct net loopback = net_of("127.0.0.1/32");
    struct fixture *f = fixture_new();
    struct account_text a;
    struct reply *r;
    char headers[512], body[256];

    (void)state;
    f->settings.trusted_proxies = &loopback;
    f->settings.n_trusted_proxies = 1;
    fixture_start(f);
    a = register_account(f, "{\"allowfrom\":[\"198.51.100.0/24\"]}");
    (void)snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%.43s\"}", a.subdomain,
                   "ztdi0123456789012345678901234567890123-_5R1");
    (void)snprintf(headers, sizeof headers,
                   "X-Api-User: %s\r\nX-Api-Key: %s\r\nX-Forwarded-For: 192.0.2.9, 198.51.100.7\r\n", a.username,
                   a.password);
    assert_int_equal(exchange(f, "POST", "/update", headers, body)->status, 200);
    (void)snprintf(headers, sizeof headers,
                   "X-Api-User: %s\r\nX-Api-Key: %s\r\nX-Forwarded-For: 198.51.100.7, 192.0.2.9\r\n", a.username,
                   a.password);
    r = exchange(f, "POST", "/update", headers, body);
    assert_int_equal(r->status, 401);
    assert_string_equal(reply_header(r, "Riposte-Refused"), "network");
    f->settings.n_trusted_proxies = 0;
    api_server_retune(f->server, &f->settings);
    (void)snprintf(headers, sizeof headers, "X-Api-User: %s\r\nX-Api-Key: %s\r\nX-Forwarded-For: 198.51.100.7\r\n",
                   a.username, a.password);
    assert_int_equal(exchange(f, "POST", "/update", headers, body)->status, 401);
    fixture_free(f);
}

static void request_ids_differ(void **state)
{
    struct fixture *f = fixture_started();
    char first[16];

    (void)state;
    (void)snprintf(first, sizeof first, "%s",
                   reply_header(exchange(f, "GET", "/health", "", NULL), "Riposte-Request"));
    assert_string_not_equal(reply_header(exchange(f, "GET", "/health", "", NULL), "Riposte-Request"), first);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_that_do_not_exist_are_404_as_in_acme_dns),
        cmocka_unit_test(other_methods_are_405_with_a_sorted_allow),
        cmocka_unit_test(nearly_right_paths_are_redirected),
        cmocka_unit_test(options_without_a_preflight_lists_methods),
        cmocka_unit_test(a_preflight_is_answered_by_the_list_of_origins),
        cmocka_unit_test(health_says_what_is_wrong),
        cmocka_unit_test(an_address_serves_what_it_is_told_to),
        cmocka_unit_test(metrics_count_requests_by_route_and_code),
        cmocka_unit_test(ambiguous_requests_are_refused_and_their_connection_closed),
        cmocka_unit_test(a_chunked_body_is_a_body),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(a_chunked_body_is_bounded_too),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(a_request_that_drips_is_ended_at_its_deadline),
        cmocka_unit_test(a_change_may_take_longer_than_the_request),
        cmocka_unit_test(a_client_that_leaves_while_its_change_is_under_way_harms_nobody),
        cmocka_unit_test(changes_that_are_done_at_once_are_all_answered),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(the_client_behind_a_trusted_proxy_is_who_counts),
        cmocka_unit_test(request_ids_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
