#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/fetch.h"
#include "cli/token_file.h"

#define REPLY_MAX      ((size_t)256 << 20)
#define CONNECT_HERE_S 5
#define WHY_MAX        4096
#define SHOWN_MAX      200 /* octets of a reply that is no problem document */
#define SOCKET_DEFAULT "/run/riposte/admin.sock"

#define STATUS_NO_CONTENT      204
#define STATUS_UNAUTHENTICATED 401
#define STATUS_FORBIDDEN       403
#define STATUS_NOT_FOUND       404
#define PLACE_MAX              320

struct client {
    const char *command; /* for messages */
    char *socket;        /* NULL: the server is at url */
    char *url;           /* without a slash at its end */
    const char *ca_file; /* borrowed; NULL: the system's */
    struct token_file token;
    int unusable; /* an exit_status: there is no calling, which has been explained; 0: fine */
    struct fetch_reply reply;
    bool missing_is_fine; /* client_expect_missing() */
    int fd;               /* of client_download() */
    client_place *place;
    void *place_arg;
    int write_errno;
};

/* ---- where the server is ---- */

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
        fprintf(stderr,
                "%sriposte: %s says where the server is: it has to be mended first; a server elsewhere is named "
                "with --url\n",
                report.bytes, cli->config_path);
    config_free(config);
    text_fini(&report);
    return socket;
}

/* What an option or, when it was not given, the environment says; NULL: neither. */
static const char *said(const char *option, const char *variable)
{
    const char *text = option != NULL ? option : getenv(variable);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *client_remote_url(const struct cli *cli)
{
    return said(cli->url, cli->config_is_said ? "" : "RIPOSTE_URL");
}

/* Read what a remote call needs. An exit_status; other than EXIT_STATUS_DONE it has been explained. */
static int prepare_remote(struct client *c, const struct cli *cli, const char *url)
{
    const char *token_file = said(cli->token_file, "RIPOSTE_TOKEN_FILE");
    struct text why;
    int result = EXIT_STATUS_USAGE;
    size_t len = strlen(url);

    c->ca_file = said(cli->ca_file, "RIPOSTE_CA_FILE");
    text_init(&why, WHY_MAX);
    if (!fetch_is_base_url(url, &why))
        fprintf(stderr, "riposte: --url: %s\n", why.bytes);
    else if (token_file == NULL)
        fputs("riposte: with which credential? --token-file FILE, or RIPOSTE_TOKEN_FILE, names a file with its "
              "ID.SECRET\n",
              stderr);
    else if (token_file_load(&c->token, token_file, &why) != ERR_OK)
        fprintf(stderr, "riposte: %s\n", why.bytes);
    else
        result = EXIT_STATUS_DONE;
    text_fini(&why);
    while (len > 0 && url[len - 1] == '/')
        len--;
    c->url = strndup(url, len);
    return c->url != NULL ? result : EXIT_STATUS_FAILED;
}

struct client *client_new(const struct cli *cli)
{
    const char *url = client_remote_url(cli);
    struct client *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    text_init(&c->reply.body, REPLY_MAX);
    c->command = cli->command->words;
    if (url != NULL) {
        c->unusable = prepare_remote(c, cli, url);
        return c;
    }
    if (cli->token_file != NULL || cli->ca_file != NULL) {
        fputs("riposte: --token-file and --ca-file are for a server at a URL: --url or RIPOSTE_URL is needed\n",
              stderr);
        c->unusable = EXIT_STATUS_USAGE;
        return c;
    }
    c->socket = find_socket(cli);
    if (c->socket != NULL)
        return c;
    client_free(c);
    return NULL;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    fetch_fini(&c->reply);
    token_file_wipe(&c->token);
    free(c->socket);
    free(c->url);
    free(c);
}

/* ---- replies ---- */

static int status_to_exit(int status)
{
    if (status >= 200 && status < 300)
        return EXIT_STATUS_DONE;
    if (status == STATUS_NOT_FOUND)
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

/* Control characters of whoever answers do not reach the terminal; line feeds do, where several lines are meant. */
static void print_text(const char *text, size_t len, const char *allowed)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        fputc((c < ' ' && strchr(allowed, c) == NULL) || c == 0x7f ? '?' : c, stderr);
    }
}

static void print_line(const char *before, const char *text)
{
    fputs(before, stderr);
    print_text(text, strlen(text), "");
    fputc('\n', stderr);
}

/* A reply that is not of the form that riposte has: another server, or a proxy in front of it. */
static void explain_foreign(const struct client *c)
{
    size_t len = c->reply.body.len < SHOWN_MAX ? c->reply.body.len : SHOWN_MAX;
    const char *location = fetch_header(&c->reply, "Location");

    fprintf(stderr, "riposte: %s answered %d", c->socket != NULL ? "the server" : c->url, c->reply.status);
    if (c->reply.status >= 300 && c->reply.status < 400 && location[0] != '\0') {
        print_line(", which leads to ", location);
        fputs("  secrets do not follow redirects: name the right place with --url\n", stderr);
        return;
    }
    fputs(len > 0 ? ": " : "", stderr);
    print_text(c->reply.body.bytes, len, "");
    fputs(
        "\n  that is no answer of riposte's /v1; is the URL right, and does that address serve v1 (api.listen)?\n",
        stderr);
}

static void print_detail(const struct client *c, const char *detail)
{
    char place[PLACE_MAX];
    char before[PLACE_MAX + sizeof ": "];

    if (c->place == NULL || !c->place(c->place_arg, detail, place, sizeof place))
        (void)snprintf(place, sizeof place, "riposte");
    (void)snprintf(before, sizeof before, "%s: ", place);
    print_line(before, detail);
}

/* What a status means that is not riposte's own: whether it is worth while to try again. */
static int foreign_to_exit(int status)
{
    return status >= 502 && status <= 504 ? EXIT_STATUS_UNREACHABLE : EXIT_STATUS_FAILED;
}

/* What a credential cannot know by itself. */
static void explain_scope(const struct client *c)
{
    const char *request = fetch_header(&c->reply, "Riposte-Request");

    if (c->socket != NULL)
        return;
    if ((c->reply.status == STATUS_UNAUTHENTICATED || c->reply.status == STATUS_FORBIDDEN) && request[0] != '\0')
        print_line("  an administrator can see more: riposte refusals --request ", request);
    else if (c->reply.status == STATUS_NOT_FOUND)
        fputs("  what is out of a credential's scope looks to it like what is not there\n", stderr);
}

/* Print a problem document: the thing, the reason, the way out. Returns an exit_status. */
static int explain_problem(const struct client *c)
{
    json_t *problem = json_loadb(c->reply.body.bytes, c->reply.body.len, 0, NULL);
    const char *errors = member(problem, "errors");

    if (problem == NULL || member(problem, "title")[0] == '\0') {
        json_decref(problem);
        explain_foreign(c);
        return foreign_to_exit(c->reply.status);
    }
    if (errors[0] != '\0')
        print_text(errors, strlen(errors), "\n");
    else /* the title says the same of every problem of its kind */
        print_detail(c, member(problem, member(problem, "detail")[0] != '\0' ? "detail" : "title"));
    if (member(problem, "hint")[0] != '\0')
        print_line("  ", member(problem, "hint"));
    explain_scope(c);
    json_decref(problem);
    return status_to_exit(c->reply.status);
}

/* ---- trouble ---- */

static int trouble_to_exit(enum fetch_trouble trouble)
{
    switch (trouble) {
    case FETCH_DONE:
        return EXIT_STATUS_DONE;
    case FETCH_BAD_REQUEST:
    case FETCH_PLAINTEXT:
        return EXIT_STATUS_USAGE;
    case FETCH_RESOLVE:
    case FETCH_CONNECT:
    case FETCH_TIMEOUT:
    case FETCH_BROKEN:
        return EXIT_STATUS_UNREACHABLE;
    case FETCH_TLS:
    case FETCH_TOO_LARGE:
    case FETCH_SINK:
    case FETCH_MEMORY:
        break;
    }
    return EXIT_STATUS_FAILED;
}

static int explain_trouble(const struct client *c, enum fetch_trouble trouble, const char *why)
{
    bool is_socket = c->socket != NULL && trouble == FETCH_CONNECT;

    if (trouble == FETCH_DONE)
        return EXIT_STATUS_DONE;
    if (trouble == FETCH_SINK) {
        fprintf(stderr, "riposte: cannot write the file: %s\n", strerror(c->write_errno));
        return EXIT_STATUS_FAILED;
    }
    if (is_socket && access(c->socket, F_OK) == 0 && access(c->socket, W_OK) != 0) {
        fprintf(stderr,
                "riposte: no permission for the admin socket %s\n"
                "  run this as root, or join the group that admin.group names\n",
                c->socket);
        return EXIT_STATUS_REFUSED;
    }
    fprintf(stderr, "riposte: %s\n", why);
    if (is_socket)
        fputs("  is it running? systemctl status riposte; another configuration is named with -c FILE, a server "
              "elsewhere with --url\n",
              stderr);
    else if (trouble == FETCH_TLS && c->ca_file == NULL)
        fputs("  an authority of your own is named with --ca-file FILE\n", stderr);
    return trouble_to_exit(trouble);
}

/* ---- calls ---- */

static enum err write_out(void *arg, const void *bytes, size_t len)
{
    struct client *c = arg;
    const char *from = bytes;
    size_t done = 0;

    while (done < len) {
        ssize_t written = write(c->fd, from + done, len - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            c->write_errno = errno;
            return ERR_IO;
        }
        done += (size_t)written;
    }
    return ERR_OK;
}

/* What only the server's own machine may do (api/admin.c). False: it was explained. */
static bool is_for_all(const struct client *c, const char *path)
{
    static const char *const here_only[] = {"/v1/reload", "/v1/backup"};

    for (size_t i = 0; i < ARRAY_LEN(here_only) && c->socket == NULL; i++) {
        if (strcmp(path, here_only[i]) != 0)
            continue;
        fprintf(
            stderr,
            "riposte: %s goes over the admin socket only: run it on the server's own machine, without --url and "
            "RIPOSTE_URL\n",
            c->command);
        return false;
    }
    return true;
}

/* Send, receive, and explain what is no success. r has what is not the same for all. */
static int exchange(struct client *c, const char *path, struct fetch_request *r)
{
    struct text url, why;
    enum fetch_trouble trouble = FETCH_BAD_REQUEST;
    int result = c->unusable;

    if (result == EXIT_STATUS_DONE && !is_for_all(c, path))
        result = EXIT_STATUS_USAGE;
    if (result != EXIT_STATUS_DONE)
        return result;
    text_init(&url, FETCH_URL_MAX);
    text_init(&why, WHY_MAX);
    text_printf(&url, "%s%s", c->socket != NULL ? "http://riposte" : c->url, path);
    r->url = url.bytes;
    r->unix_socket = c->socket;
    r->connect_s = c->socket != NULL ? CONNECT_HERE_S : 0;
    r->ca_file = c->ca_file;
    r->reply_max = REPLY_MAX;
    if (c->socket == NULL) {
        r->auth = FETCH_AUTH_BEARER;
        r->user = c->token.id;
        r->secret = c->token.secret;
    }
    fetch_fini(&c->reply);
    c->write_errno = 0;
    if (url.err == ERR_OK)
        trouble = fetch(&c->reply, r, &why);
    else
        text_put(&why, "an argument is too long");
    result = explain_trouble(c, trouble, why.bytes);
    text_fini(&url);
    text_fini(&why);
    return result;
}

static int call(struct client *c, const char *path, struct fetch_request *r, json_t **out)
{
    json_error_t error;
    int result = exchange(c, path, r);

    if (out != NULL)
        *out = NULL;
    if (result != EXIT_STATUS_DONE)
        return result;
    result = status_to_exit(c->reply.status);
    if (result == EXIT_STATUS_NOT_FOUND && c->missing_is_fine)
        return result;
    if (result != EXIT_STATUS_DONE)
        return explain_problem(c);
    if (out == NULL || c->reply.status == STATUS_NO_CONTENT || c->reply.body.len == 0)
        return EXIT_STATUS_DONE;
    *out = json_loadb(c->reply.body.bytes, c->reply.body.len, 0, &error);
    if (*out != NULL)
        return EXIT_STATUS_DONE;
    fprintf(stderr, "riposte: the server's reply cannot be read: %s\n", error.text);
    return EXIT_STATUS_FAILED;
}

int client_call(struct client *c, const char *method, const char *path, json_t *body, json_t **out)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct fetch_request r = {.method = method, .body = text, .body_len = text != NULL ? strlen(text) : 0};
    int result;

    json_decref(body);
    /* What the server does here may take as long as its disk and its configuration say; it has its own bounds. */
    r.total_s = c->socket != NULL ? FETCH_TOTAL_UNLIMITED : FETCH_TOTAL_S;
    result = call(c, path, &r, out);
    free(text);
    return result;
}

void client_set_place(struct client *c, client_place *place, void *arg)
{
    c->place = place;
    c->place_arg = arg;
}

int client_wait(struct client *c, const char *method, const char *path, int wait_s, json_t **out)
{
    struct fetch_request r = {.method = method, .total_s = wait_s + FETCH_TOTAL_S};

    return call(c, path, &r, out);
}

int client_download(struct client *c, const char *method, const char *path, int fd)
{
    struct fetch_request r = {.method = method, .total_s = FETCH_TOTAL_UNLIMITED, .sink = write_out, .sink_arg = c};
    int result;

    c->fd = fd;
    result = call(c, path, &r, NULL);
    c->fd = -1;
    return result;
}

void client_expect_missing(struct client *c)
{
    c->missing_is_fine = true;
}

const char *client_header(const struct client *c, const char *name)
{
    return fetch_header(&c->reply, name);
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
