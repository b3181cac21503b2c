#include "cli/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 65536

/* A server for one connection: it reads a request up to its blank line (and what came with it), answers, and
 * closes. */
struct server {
    int listener;
    unsigned port;
    const char *reply; /* NULL: none, until `quiet` is closed */
    size_t reply_len;
    int quiet[2];
    char request[REQUEST_MAX];
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    size_t len = 0;
    char nothing;

    while (fd >= 0 && len < sizeof s->request - 1 && strstr(s->request, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, s->request + len, sizeof s->request - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        s->request[len] = '\0';
    }
    if (fd >= 0 && s->reply != NULL)
        (void)!send(fd, s->reply, s->reply_len, MSG_NOSIGNAL);
    else
        (void)!read(s->quiet[0], &nothing, 1);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static struct server *start(const char *reply, size_t len)
{
    struct server *s = calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof at;

    assert_non_null(s);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &at_len), 0);
    assert_int_equal(pipe(s->quiet), 0);
    s->port = ntohs(at.sin_port);
    s->reply = reply;
    s->reply_len = len;
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

/* From now on nobody writes s->request. */
static void finish(struct server *s)
{
    close(s->quiet[1]);
    assert_int_equal(shutdown(s->listener, SHUT_RDWR), 0); /* ends an accept() that nobody came to */
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    close(s->listener);
    close(s->quiet[0]);
    s->listener = -1;
}

static void stop(struct server *s)
{
    if (s->listener >= 0)
        finish(s);
    free(s);
}

/* Fetch the path from the server; what it says when it fails has `says` in it. */
static enum fetch_trouble ask(const struct server *s, const char *path, struct fetch_request *r,
                              struct fetch_reply *reply, const char *says)
{
    enum fetch_trouble trouble;
    struct text why;
    char url[256];

    text_init(&why, 4096);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", s->port, path);
    r->url = url;
    trouble = fetch(reply, r, &why);
    r->url = NULL;
    assert_non_null(strstr(why.bytes, says));
    assert_int_equal(trouble == FETCH_DONE, why.len == 0);
    assert_null(strstr(why.bytes, "sesame"));
    text_fini(&why);
    return trouble;
}

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n"
                         "riposte-request:  7Q2K-0M1D \r\nRetry-After: 7\r\n\r\nhello";

static void a_reply_has_status_body_and_headers(void **state)
{
    struct server *s = start(ok, sizeof ok - 1);
    struct fetch_request r = {0};
    struct fetch_reply reply;

    (void)state;
    assert_int_equal(ask(s, "/v1/self?a=%2F", &r, &reply, ""), FETCH_DONE);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.bytes, "hello");
    assert_string_equal(fetch_header(&reply, "Riposte-Request"), "7Q2K-0M1D");
    assert_string_equal(fetch_header(&reply, "retry-after"), "7");
    assert_string_equal(fetch_header(&reply, "Location"), "");
    assert_string_equal(fetch_header(&reply, "Something-Else"), "");
    fetch_fini(&reply);
    finish(s);
    assert_memory_equal(s->request, "GET /v1/self?a=%2F HTTP/1.1\r\n", 29);
    assert_null(strstr(s->request, "Authorization"));
    assert_null(strstr(s->request, "Expect"));
    stop(s);
}

static void a_secret_goes_along_in_each_way(void **state)
{
    static const struct {
        enum fetch_auth auth;
        const char *sent;
    } rows[] = {
        {FETCH_AUTH_BEARER, "\r\nAuthorization: Bearer ali.sesame\r\n"},
        {FETCH_AUTH_BASIC, "\r\nAuthorization: Basic YWxpOnNlc2FtZQ==\r\n"},
        {FETCH_AUTH_ACMEDNS, "\r\nX-Api-User: ali\r\nX-Api-Key: sesame\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = start(ok, sizeof ok - 1);
        struct fetch_request r = {.auth = rows[i].auth, .user = "ali", .secret = "sesame"};
        struct fetch_reply reply;

        assert_int_equal(ask(s, "/", &r, &reply, ""), FETCH_DONE);
        finish(s);
        assert_non_null(strstr(s->request, rows[i].sent));
        fetch_fini(&reply);
        stop(s);
    }
}

static void a_body_is_json_unless_a_header_says_otherwise(void **state)
{
    static const char *const other[] = {"Content-Type: text/plain", "X-More: 1"};
    static const struct {
        const char *const *headers;
        size_t n;
        const char *method, *begins, *type;
    } rows[] = {
        {NULL, 0, NULL, "POST / ", "\r\nContent-Type: application/json\r\n"},
        {other, 2, "PATCH", "PATCH / ", "\r\nContent-Type: text/plain\r\nX-More: 1\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = start(ok, sizeof ok - 1);
        struct fetch_request r = {.method = rows[i].method,
                                  .headers = rows[i].headers,
                                  .n_headers = rows[i].n,
                                  .body = "{}",
                                  .body_len = 2};
        struct fetch_reply reply;

        assert_int_equal(ask(s, "/", &r, &reply, ""), FETCH_DONE);
        finish(s);
        assert_memory_equal(s->request, rows[i].begins, strlen(rows[i].begins));
        assert_non_null(strstr(s->request, rows[i].type));
        assert_non_null(strstr(s->request, "\r\nContent-Length: 2\r\n"));
        fetch_fini(&reply);
        stop(s);
    }
}

static void a_redirect_is_a_reply_and_not_followed(void **state)
{
    static const char moved[] = "HTTP/1.1 308 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    struct server *s = start(moved, sizeof moved - 1);
    struct fetch_request r = {0};
    struct fetch_reply reply;

    (void)state;
    assert_int_equal(ask(s, "/", &r, &reply, ""), FETCH_DONE);
    assert_int_equal(reply.status, 308);
    assert_string_equal(fetch_header(&reply, "Location"), "http://127.0.0.1:1/");
    fetch_fini(&reply);
    stop(s);
}

static void trouble_is_said_in_words(void **state)
{
    static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    static const char strange[] = "220 mail.example.org ESMTP\r\n";
    static const struct {
        const char *reply;
        size_t len, reply_max;
        enum fetch_trouble trouble;
        const char *says;
    } rows[] = {
        {cut, sizeof cut - 1, 0, FETCH_BROKEN, "talking to 127.0.0.1 failed: "},
        {strange, sizeof strange - 1, 0, FETCH_BROKEN, "talking to 127.0.0.1 failed: "},
        {"", 0, 0, FETCH_BROKEN, "talking to 127.0.0.1 failed: "},
        {ok, sizeof ok - 1, 4, FETCH_TOO_LARGE, "the reply of 127.0.0.1 is larger than 4 octets"},
        {NULL, 0, 0, FETCH_TIMEOUT, "127.0.0.1 took too long: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = start(rows[i].reply, rows[i].len);
        struct fetch_request r = {.total_s = 1, .reply_max = rows[i].reply_max};
        struct fetch_reply reply;

        assert_int_equal(ask(s, "/", &r, &reply, rows[i].says), rows[i].trouble);
        fetch_fini(&reply);
        stop(s);
    }
}

static void tls_where_there_is_none_is_said(void **state)
{
    struct server *s = start(ok, sizeof ok - 1);
    struct fetch_request r = {.ca_file = "/nonexistent/ca.pem"};
    struct fetch_reply reply;
    struct text why;
    char url[64];

    (void)state;
    text_init(&why, 4096);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", s->port);
    r.url = url;
    assert_int_equal(fetch(&reply, &r, &why), FETCH_TLS);
    assert_non_null(strstr(why.bytes, "TLS with 127.0.0.1 failed: "));
    assert_non_null(strstr(why.bytes, "/nonexistent/ca.pem"));
    fetch_fini(&reply);
    text_fini(&why);
    stop(s);
}

/* Nobody listens at port 1, and nothing is sent in most of these. */
static void what_is_not_sent_is_explained(void **state)
{
    static const char *const bad_header[] = {"X-A: b\r\nX-C: d"};
    static const struct {
        struct fetch_request r;
        enum fetch_trouble trouble;
        const char *says;
    } rows[] = {
        {{.url = "http://127.0.0.1:1/"}, FETCH_CONNECT, "127.0.0.1 refuses the connection: nothing listens there"},
        {{.url = "http://riposte/", .unix_socket = "/nonexistent/s"},
         FETCH_CONNECT,
         "no server answers at /nonexistent/s"},
        {{.url = "https://nobody.invalid/"}, FETCH_RESOLVE, "nobody.invalid has no address: "},
        {{.url = "ftp://127.0.0.1/"}, FETCH_BAD_REQUEST, "\"ftp://127.0.0.1/...\" is not a URL such as https://"},
        {{.url = "file:///etc/passwd"}, FETCH_BAD_REQUEST, "is not a URL"},
        {{.url = "127.0.0.1"}, FETCH_BAD_REQUEST, "is not a URL"},
        {{.url = ""}, FETCH_BAD_REQUEST, "is not a URL"},
        {{.url = "https://a b/"}, FETCH_BAD_REQUEST, "is not a URL"},
        {{.url = "https://a\r\nb/"}, FETCH_BAD_REQUEST, "what was given is not a URL"},
        {{.url = "https://ali:sesame@127.0.0.1/"}, FETCH_BAD_REQUEST, "no user, password or fragment"},
        {{.url = "https://ali:sesame@"}, FETCH_BAD_REQUEST, "what was given is not a URL"},
        {{.url = "gopher://127.0.0.1/r/sesame/register"}, FETCH_BAD_REQUEST, "is not a URL"},
        {{.url = "https://127.0.0.1/#x"}, FETCH_BAD_REQUEST, "no user, password or fragment"},
        {{.url = "http://127.0.0.1:1/", .headers = bad_header, .n_headers = 1},
         FETCH_BAD_REQUEST,
         "control characters"},
        {{.url = "http://127.0.0.1:1/", .auth = FETCH_AUTH_BEARER, .user = "ali", .secret = "ses\r\name"},
         FETCH_BAD_REQUEST,
         "control characters"},
        {{.url = "http://127.0.0.1:1/", .auth = FETCH_AUTH_BEARER, .user = "ali"},
         FETCH_BAD_REQUEST,
         "an id or secret is missing"},
        /* the secret stays at home */
        {{.url = "http://192.0.2.1/", .auth = FETCH_AUTH_BASIC, .user = "ali", .secret = "sesame"},
         FETCH_PLAINTEXT,
         "192.0.2.1 in the clear"},
        {{.url = "http://auth.example.org/", .auth = FETCH_AUTH_BEARER, .user = "ali", .secret = "sesame"},
         FETCH_PLAINTEXT,
         "use https://"},
        {{.url = "http://[2001:db8::1]/r/sesame/register", .is_secret = true}, FETCH_PLAINTEXT, "in the clear"},
        {{.url = "http://127.0.0.1.example.org/", .is_secret = true}, FETCH_PLAINTEXT, "in the clear"},
        {{.url = "http://2130706433:1/", .is_secret = true}, FETCH_CONNECT, "refuses"}, /* 127.0.0.1 to libcurl */
        {{.url = "http://[::1]:1/", .is_secret = true}, FETCH_CONNECT, ""},
        {{.url = "http://localhost:1/", .is_secret = true}, FETCH_CONNECT, ""},
        {{.url = "http://127.9.9.9:1/", .is_secret = true}, FETCH_CONNECT, "refuses"},
        {{.url = "http://elsewhere/", .unix_socket = "/nonexistent/s", .is_secret = true},
         FETCH_CONNECT,
         "no server answers"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fetch_reply reply;
        struct text why;

        text_init(&why, 4096);
        assert_int_equal(fetch(&reply, &rows[i].r, &why), rows[i].trouble);
        assert_non_null(strstr(why.bytes, rows[i].says));
        assert_null(strstr(why.bytes, "sesame"));
        assert_int_equal(reply.status, 0);
        fetch_fini(&reply);
        text_fini(&why);
    }
}

static void a_long_header_or_secret_is_refused(void **state)
{
    char lengthy[FETCH_HEADER_MAX + 2];
    const char *headers[] = {lengthy};
    struct fetch_request rows[] = {
        {.url = "http://127.0.0.1:1/", .headers = headers, .n_headers = 1},
        {.url = "http://127.0.0.1:1/", .auth = FETCH_AUTH_BASIC, .user = lengthy, .secret = "s"},
        {.url = "http://127.0.0.1:1/", .auth = FETCH_AUTH_BEARER, .user = "u", .secret = lengthy},
    };

    (void)state;
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fetch_reply reply;
        struct text why;

        text_init(&why, 4096);
        assert_int_equal(fetch(&reply, &rows[i], &why), FETCH_BAD_REQUEST);
        assert_non_null(strstr(why.bytes, "too long"));
        fetch_fini(&reply);
        text_fini(&why);
    }
}

struct taken {
    size_t len;
    enum err err;
};

static enum err take(void *arg, const void *bytes, size_t len)
{
    struct taken *t = arg;

    (void)bytes;
    t->len += len;
    return t->err;
}

static void a_sink_gets_the_body_of_a_success_only(void **state)
{
    static const char refused[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    struct taken t = {0};
    struct fetch_request r = {.sink = take, .sink_arg = &t};
    struct fetch_reply reply;
    struct server *s = start(ok, sizeof ok - 1);

    (void)state;
    assert_int_equal(ask(s, "/", &r, &reply, ""), FETCH_DONE);
    assert_int_equal(t.len, 5);
    assert_int_equal(reply.body.len, 0);
    fetch_fini(&reply);
    stop(s);
    s = start(refused, sizeof refused - 1);
    assert_int_equal(ask(s, "/", &r, &reply, ""), FETCH_DONE);
    assert_int_equal(t.len, 5);
    assert_string_equal(reply.body.bytes, "no");
    fetch_fini(&reply);
    stop(s);
    s = start(ok, sizeof ok - 1);
    t.err = ERR_IO;
    {
        struct text why;
        char url[64];

        text_init(&why, 4096);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", s->port);
        r.url = url;
        assert_int_equal(fetch(&reply, &r, &why), FETCH_SINK);
        text_fini(&why);
    }
    fetch_fini(&reply);
    stop(s);
}

static void the_base_of_urls_has_neither_query_nor_user(void **state)
{
    static const struct {
        const char *url;
        bool good;
    } rows[] = {
        {"https://auth.example.org", true},
        {"https://auth.example.org/", true},
        {"https://auth.example.org:8443/acme", true},
        {"http://[::1]:8053", true},
        {"HTTPS://AUTH.example.org", true},
        {"https://auth.example.org/?x=1", false},
        {"https://auth.example.org/?", false},
        {"https://auth.example.org/#", false},
        {"https://me@auth.example.org/", false},
        {"https:///x", false},
        {"https://", false},
        {"auth.example.org", false},
        {"unix:/run/riposte/api.sock", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text why;

        text_init(&why, 4096);
        assert_int_equal(fetch_is_base_url(rows[i].url, &why), rows[i].good);
        assert_int_equal(why.len == 0, rows[i].good);
        text_fini(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_has_status_body_and_headers),
        cmocka_unit_test(a_secret_goes_along_in_each_way),
        cmocka_unit_test(a_body_is_json_unless_a_header_says_otherwise),
        cmocka_unit_test(a_redirect_is_a_reply_and_not_followed),
        cmocka_unit_test(trouble_is_said_in_words),
        cmocka_unit_test(tls_where_there_is_none_is_said),
        cmocka_unit_test(what_is_not_sent_is_explained),
        cmocka_unit_test(a_long_header_or_secret_is_refused),
        cmocka_unit_test(a_sink_gets_the_body_of_a_success_only),
        cmocka_unit_test(the_base_of_urls_has_neither_query_nor_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
