#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/config.h"

#define REPLY_MAX         ((size_t)256 << 20)
#define CONNECT_S         5L
#define SOCKET_DEFAULT    "/run/riposte/admin.sock"
#define HEADER_VALUE_MAX  256
#define HEADERS_KEPT_MAX  4
#define STATUS_NO_CONTENT 204

static const char *const kept_names[HEADERS_KEPT_MAX] = {"Riposte-Request", "Riposte-Changes", "Riposte-Names",
                                                         "Retry-After"};

struct client {
    CURL *curl;
    char *socket;
    char kept[HEADERS_KEPT_MAX][HEADER_VALUE_MAX];
    struct text reply;
    int fd; /* where the body goes; -1: to reply */
    int write_errno;
};

static char *find_socket(const struct cli *cli)
{
    struct config *config = NULL;
    struct text report;
    unsigned errors = 0;
    char *socket = NULL;
    enum err e;

    text_init(&report, (size_t)64 << 10);
    e = config_load(&config, cli->config_path, &report, &errors);
    if (e == ERR_OK && config->api.admin_socket != NULL)
        socket = strdup(config->api.admin_socket);
    else if (e == ERR_IO && access(cli->config_path, F_OK) == 0)
        socket = strdup(SOCKET_DEFAULT); /* members of the admin group need not be able to read the configuration */
    else if (e == ERR_OK)
        fprintf(stderr, "riposte: admin.socket is not set in %s: there is nothing to talk to\n", cli->config_path);
    else
        fprintf(stderr, "%sriposte: %s says where the server is: it has to be mended first\n", report.bytes,
                cli->config_path);
    config_free(config);
    text_fini(&report);
    return socket;
}

struct client *client_new(const struct cli *cli)
{
    struct client *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    text_init(&c->reply, REPLY_MAX);
    c->fd = -1;
    c->socket = find_socket(cli);
    if (c->socket != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        c->curl = curl_easy_init();
    if (c->curl != NULL)
        return c;
    if (c->socket != NULL)
        fputs("riposte: libcurl cannot be used\n", stderr);
    client_free(c);
    return NULL;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    free(c->socket);
    text_fini(&c->reply);
    free(c);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct client *c = arg;
    size_t len = size * n;
    size_t done = 0;
    long status = 0;

    /* What comes with an error is a problem to be explained, not the file. */
    if (c->fd < 0 || curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status >= 300) {
        text_put_bytes(&c->reply, bytes, len);
        return c->reply.err == ERR_OK ? len : 0;
    }
    while (done < len) {
        ssize_t written = write(c->fd, bytes + done, len - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            c->write_errno = errno;
            return 0;
        }
        done += (size_t)written;
    }
    return len;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct client *c = arg;
    size_t len = size * n;

    for (size_t i = 0; i < HEADERS_KEPT_MAX; i++) {
        size_t name_len = strlen(kept_names[i]);
        size_t value_len;

        if (len <= name_len || bytes[name_len] != ':' ||
            !text_equal_nocase(bytes, name_len, kept_names[i], name_len))
            continue;
        bytes += name_len + 1;
        value_len = len - name_len - 1;
        while (value_len > 0 && *bytes == ' ') {
            bytes++;
            value_len--;
        }
        while (value_len > 0 && (bytes[value_len - 1] == '\n' || bytes[value_len - 1] == '\r'))
            value_len--;
        (void)snprintf(c->kept[i], sizeof(c->kept[i]), "%.*s", (int)value_len, bytes);
    }
    return len;
}

static int status_to_exit(long status)
{
    if (status >= 200 && status < 300)
        return EXIT_STATUS_DONE;
    if (status == 404)
        return EXIT_STATUS_NOT_FOUND;
    if (status == 409)
        return EXIT_STATUS_CONFLICT;
    if (status == 503)
        return EXIT_STATUS_UNREACHABLE;
    return status >= 400 && status < 500 ? EXIT_STATUS_REFUSED : EXIT_STATUS_FAILED;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Print a problem document: the thing, the reason, the way out. */
static void explain_problem(const struct client *c, long status)
{
    json_t *problem = json_loadb(c->reply.bytes, c->reply.len, 0, NULL);

    if (problem == NULL) {
        fprintf(stderr, "riposte: the server answered %ld: %.200s\n", status, c->reply.bytes);
        return;
    }
    if (member(problem, "errors")[0] != '\0')
        fprintf(stderr, "%s", member(problem, "errors"));
    else /* the title says the same of every problem of its kind */
        fprintf(stderr, "riposte: %s\n",
                member(problem, member(problem, "detail")[0] != '\0' ? "detail" : "title"));
    if (member(problem, "hint")[0] != '\0')
        fprintf(stderr, "  %s\n", member(problem, "hint"));
    json_decref(problem);
}

static int explain_transport(const struct client *c, CURLcode code)
{
    if (c->write_errno != 0) {
        fprintf(stderr, "riposte: cannot write the file: %s\n", strerror(c->write_errno));
        return EXIT_STATUS_FAILED;
    }
    if (code == CURLE_COULDNT_CONNECT && access(c->socket, F_OK) == 0 && access(c->socket, W_OK) != 0) {
        fprintf(stderr,
                "riposte: no permission for the admin socket %s\n"
                "  run this as root, or join the group that admin.group names\n",
                c->socket);
        return EXIT_STATUS_REFUSED;
    }
    if (code == CURLE_COULDNT_CONNECT)
        fprintf(stderr,
                "riposte: no server answers at %s\n"
                "  is it running? systemctl status riposte; another configuration is named with -c FILE\n",
                c->socket);
    else
        fprintf(stderr, "riposte: talking to the server at %s failed: %s\n", c->socket, curl_easy_strerror(code));
    return EXIT_STATUS_UNREACHABLE;
}

/* Send and receive; *status is the HTTP status when ERR_OK's exit status is returned. */
static int exchange(struct client *c, const char *method, const char *path, const char *body, long *status)
{
    struct curl_slist *headers = NULL;
    struct text url;
    CURLcode code;

    text_init(&url, 8192);
    text_printf(&url, "http://riposte%s", path);
    if (url.err != ERR_OK) {
        text_fini(&url);
        return EXIT_STATUS_USAGE;
    }
    text_fini(&c->reply);
    memset(c->kept, 0, sizeof(c->kept));
    c->write_errno = 0;
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_reset(c->curl);
    (void)curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    (void)curl_easy_setopt(c->curl, CURLOPT_URL, url.bytes);
    (void)curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    (void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
    if (body != NULL) {
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    }
    code = curl_easy_perform(c->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    text_fini(&url);
    return code == CURLE_OK ? EXIT_STATUS_DONE : explain_transport(c, code);
}

int client_call(struct client *c, const char *method, const char *path, json_t *body, json_t **out)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_error_t error;
    long status = 0;
    int result;

    json_decref(body);
    c->fd = -1;
    result = exchange(c, method, path, text, &status);
    free(text);
    if (out != NULL)
        *out = NULL;
    if (result != EXIT_STATUS_DONE)
        return result;
    result = status_to_exit(status);
    if (result != EXIT_STATUS_DONE) {
        explain_problem(c, status);
        return result;
    }
    if (out == NULL || status == STATUS_NO_CONTENT || c->reply.len == 0)
        return EXIT_STATUS_DONE;
    *out = json_loadb(c->reply.bytes, c->reply.len, 0, &error);
    if (*out != NULL)
        return EXIT_STATUS_DONE;
    fprintf(stderr, "riposte: the server's reply cannot be read: %s\n", error.text);
    return EXIT_STATUS_FAILED;
}

int client_download(struct client *c, const char *method, const char *path, int fd)
{
    long status = 0;
    int result;

    c->fd = fd;
    result = exchange(c, method, path, NULL, &status);
    c->fd = -1;
    if (result != EXIT_STATUS_DONE)
        return result;
    result = status_to_exit(status);
    if (result != EXIT_STATUS_DONE)
        explain_problem(c, status);
    return result;
}

const char *client_header(const struct client *c, const char *name)
{
    for (size_t i = 0; i < HEADERS_KEPT_MAX; i++) {
        if (text_equal_nocase(name, strlen(name), kept_names[i], strlen(kept_names[i])))
            return c->kept[i];
    }
    return "";
}

void client_escape(struct text *path, const char *s, size_t len)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < len; i++) {
        if (s[i] != '\0' && strchr(unreserved, s[i]) != NULL)
            text_put_char(path, s[i]);
        else
            text_printf(path, "%%%02X", (unsigned)(unsigned char)s[i]);
    }
}
