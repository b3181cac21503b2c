#include "cli/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/crypto.h"

#define AUTH_MAX  ((size_t)512) /* of user and secret together */
#define SHOWN_MAX 200           /* octets of a URL */

static const char *const kept_names[FETCH_KEPT] = {"Riposte-Request", "Riposte-Refused", "Riposte-Changes",
                                                   "Riposte-Names",   "Retry-After",     "Location",
                                                   "Content-Type"};

/* One that is under way. */
struct transfer {
    const struct fetch_request *request;
    struct fetch_reply *reply;
    struct text *why;
    CURL *curl;
    CURLU *url;
    char *host; /* of url, for what is said */
    struct curl_slist *headers;
    bool is_plain;    /* http, over a network */
    bool sink_failed; /* the sink refused */
    char error[CURL_ERROR_SIZE];
};

/* ---- what is sent ---- */

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static enum fetch_trouble refuse(struct transfer *t, enum fetch_trouble trouble, const char *reason)
{
    text_put(t->why, reason);
    return trouble;
}

static enum fetch_trouble add_header(struct transfer *t, const char *line)
{
    struct curl_slist *longer;

    if (!is_clean(line) || strlen(line) > FETCH_HEADER_MAX)
        return refuse(t, FETCH_BAD_REQUEST, "a header that would be sent is too long or has control characters");
    longer = curl_slist_append(t->headers, line);
    if (longer == NULL)
        return refuse(t, FETCH_MEMORY, "no memory");
    t->headers = longer;
    return FETCH_DONE;
}

static enum fetch_trouble add_pair(struct transfer *t, const char *before, const char *value)
{
    char line[FETCH_HEADER_MAX + 2];
    enum fetch_trouble trouble;

    (void)snprintf(line, sizeof line, "%s%s", before, value);
    trouble = add_header(t, line);
    crypto_wipe(line, sizeof line);
    return trouble;
}

static enum fetch_trouble add_basic(struct transfer *t)
{
    const struct fetch_request *r = t->request;
    char pair[AUTH_MAX + 2], encoded[4 * (AUTH_MAX + 4) / 3 + 8];
    enum fetch_trouble trouble;
    int len = snprintf(pair, sizeof pair, "%s:%s", r->user, r->secret);

    (void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)pair, len);
    trouble = add_pair(t, "Authorization: Basic ", encoded);
    crypto_wipe(pair, sizeof pair);
    crypto_wipe(encoded, sizeof encoded);
    return trouble;
}

static enum fetch_trouble add_bearer(struct transfer *t)
{
    const struct fetch_request *r = t->request;
    char token[AUTH_MAX + 2];
    enum fetch_trouble trouble;

    (void)snprintf(token, sizeof token, "%s.%s", r->user, r->secret);
    trouble = add_pair(t, "Authorization: Bearer ", token);
    crypto_wipe(token, sizeof token);
    return trouble;
}

static enum fetch_trouble add_acmedns(struct transfer *t)
{
    enum fetch_trouble trouble = add_pair(t, "X-Api-User: ", t->request->user);

    return trouble == FETCH_DONE ? add_pair(t, "X-Api-Key: ", t->request->secret) : trouble;
}

static enum fetch_trouble add_auth(struct transfer *t)
{
    static enum fetch_trouble (*const add[])(struct transfer *) = {
        [FETCH_AUTH_BEARER] = add_bearer, [FETCH_AUTH_BASIC] = add_basic, [FETCH_AUTH_ACMEDNS] = add_acmedns};
    const struct fetch_request *r = t->request;

    if (r->auth == FETCH_AUTH_NONE)
        return FETCH_DONE;
    if (r->user == NULL || r->secret == NULL || strlen(r->user) + strlen(r->secret) > AUTH_MAX)
        return refuse(t, FETCH_BAD_REQUEST, "an id or secret is missing or too long");
    return add[r->auth](t);
}

static enum fetch_trouble add_headers(struct transfer *t)
{
    const struct fetch_request *r = t->request;
    enum fetch_trouble trouble = add_header(t, "Expect:"); /* no waiting for 100 */
    bool says_type = false;

    for (size_t i = 0; trouble == FETCH_DONE && i < r->n_headers; i++) {
        says_type = says_type || strncasecmp(r->headers[i], "Content-Type:", strlen("Content-Type:")) == 0;
        trouble = add_header(t, r->headers[i]);
    }
    if (trouble == FETCH_DONE && r->body != NULL && !says_type)
        trouble = add_header(t, "Content-Type: application/json");
    return trouble == FETCH_DONE ? add_auth(t) : trouble;
}

/* ---- where it goes ---- */

/* Host of a URL as text, "[::1]" without its brackets; "localhost" is one: libcurl never asks DNS for it (RFC 6761
 * section 6.3). */
static bool is_loopback_host(const char *host)
{
    size_t len = strlen(host);
    struct addr addr;

    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (addr_parse(&addr, host, len) == ERR_OK)
        return addr_is_loopback(&addr);
    return strcasecmp(host, "localhost") == 0;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return there;
}

/* Only what stands in front of the path is shown, since a path can have a token in it, and nothing at all of what
 * might have a password. */
static void say_no_url(struct text *why, const char *text)
{
    const char *host = strstr(text, "://");
    size_t len;

    host = host != NULL ? host + 3 : text;
    len = (size_t)(host - text) + strcspn(host, "/?#");
    if (!is_clean(text) || strchr(text, '@') != NULL)
        text_put(why, "what was given is not a URL such as https://auth.example.org");
    else
        text_printf(why, "\"%.*s%s\" is not a URL such as https://auth.example.org",
                    len < SHOWN_MAX ? (int)len : SHOWN_MAX, text, text[len] != '\0' ? "/..." : "");
}

/* Take text apart. False: it is no URL for us, and *why says so. *host (curl_free) and *is_plain are set. */
static bool parse_url(CURLU *url, const char *text, char **host, bool *is_plain, struct text *why)
{
    char *scheme = NULL;
    bool good = strlen(text) < FETCH_URL_MAX && is_clean(text) && strchr(text, ' ') == NULL &&
                strstr(text, ":///") == NULL && /* libcurl would take what follows for the host */
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) &&
                curl_url_get(url, CURLUPART_HOST, host, 0) == CURLUE_OK;

    if (!good) {
        say_no_url(why, text);
    } else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) || strchr(text, '#') != NULL) {
        text_put(why, "a URL has no user, password or fragment here: secrets come from a file");
        good = false;
    }
    *is_plain = good && strcmp(scheme, "http") == 0;
    curl_free(scheme);
    return good;
}

bool fetch_is_base_url(const char *text, struct text *why)
{
    CURLU *url = curl_url();
    char *host = NULL;
    bool is_plain = false;
    bool good = url != NULL && parse_url(url, text, &host, &is_plain, why);

    if (url == NULL)
        text_put(why, "no memory");
    if (good && (has_part(url, CURLUPART_QUERY) || strchr(text, '?') != NULL)) {
        text_put(why, "a URL with a query cannot be the base of others");
        good = false;
    }
    curl_free(host);
    curl_url_cleanup(url);
    return good;
}

static enum fetch_trouble check_url(struct transfer *t)
{
    const struct fetch_request *r = t->request;

    if (!parse_url(t->url, r->url, &t->host, &t->is_plain, t->why))
        return FETCH_BAD_REQUEST;
    if (r->unix_socket != NULL)
        t->is_plain = false;
    if (!t->is_plain || is_loopback_host(t->host) || (r->auth == FETCH_AUTH_NONE && !r->is_secret))
        return FETCH_DONE;
    text_printf(t->why,
                "the secret would go to %s in the clear, for everybody on the way to read: not sent; use "
                "https://, or http:// with a loopback address",
                t->host);
    return FETCH_PLAINTEXT;
}

/* ---- what comes back ---- */

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    const struct fetch_request *r = t->request;
    size_t len = size * n;
    long status = 0;

    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (r->sink != NULL && status >= 200 && status < 300) {
        t->sink_failed = r->sink(r->sink_arg, bytes, len) != ERR_OK;
        return t->sink_failed ? 0 : len;
    }
    text_put_bytes(&t->reply->body, bytes, len);
    return t->reply->body.err == ERR_OK ? len : 0;
}

static void keep_header(struct fetch_reply *reply, size_t i, const char *value, size_t len)
{
    while (len > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        len--;
    }
    while (len > 0 && strchr("\r\n \t", value[len - 1]) != NULL)
        len--;
    (void)snprintf(reply->kept[i], sizeof reply->kept[i], "%.*s", (int)len, value);
    for (char *c = reply->kept[i]; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
}

static size_t take_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;

    for (size_t i = 0; i < FETCH_KEPT; i++) {
        size_t name_len = strlen(kept_names[i]);

        if (len > name_len && bytes[name_len] == ':' && text_equal_nocase(bytes, name_len, kept_names[i], name_len))
            keep_header(t->reply, i, bytes + name_len + 1, len - name_len - 1);
    }
    return len;
}

const char *fetch_header(const struct fetch_reply *reply, const char *name)
{
    for (size_t i = 0; i < FETCH_KEPT; i++) {
        if (strcasecmp(name, kept_names[i]) == 0)
            return reply->kept[i];
    }
    return "";
}

void fetch_fini(struct fetch_reply *reply)
{
    if (reply->body.cap > 0)
        crypto_wipe(reply->body.bytes, reply->body.len);
    text_fini(&reply->body);
}

/* ---- the exchange ---- */

static bool set_transport(struct transfer *t)
{
    const struct fetch_request *r = t->request;
    long connect_s = r->connect_s != 0 ? r->connect_s : FETCH_CONNECT_S;
    long total_s = r->total_s == FETCH_TOTAL_UNLIMITED ? 0 : r->total_s != 0 ? r->total_s : FETCH_TOTAL_S;
    bool set = curl_easy_setopt(t->curl, CURLOPT_CURLU, t->url) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, connect_s) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, total_s) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK && /* no waiting for a slow resolver */
               curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK;

    /* A proxy of the environment is for https alone, where it sees nothing. */
    if (set && (t->is_plain || r->unix_socket != NULL))
        set = curl_easy_setopt(t->curl, CURLOPT_PROXY, "") == CURLE_OK;
    if (set && r->unix_socket != NULL)
        set = curl_easy_setopt(t->curl, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket) == CURLE_OK;
    if (set && r->ca_file != NULL) /* and none but it */
        set = curl_easy_setopt(t->curl, CURLOPT_CAINFO, r->ca_file) == CURLE_OK &&
              curl_easy_setopt(t->curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    return set;
}

static bool set_message(struct transfer *t)
{
    const struct fetch_request *r = t->request;
    bool set = curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "riposte/" RIPOSTE_VERSION) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, t) == CURLE_OK;

    if (set && r->body != NULL)
        set = curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len) == CURLE_OK &&
              curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, r->body) == CURLE_OK;
    if (set && r->method != NULL)
        set = curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK;
    return set;
}

/* Why no connection was made, as libcurl knows it. */
static void say_connect(struct transfer *t)
{
    long os_errno = 0;

    (void)curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &os_errno);
    if (t->request->unix_socket != NULL)
        text_printf(t->why, "no server answers at %s", t->request->unix_socket);
    else if (os_errno == ECONNREFUSED)
        text_printf(t->why, "%s refuses the connection: nothing listens there (%s)", t->host, t->error);
    else
        text_printf(t->why, "cannot connect to %s: %s", t->host, t->error);
}

static void say_tls(struct transfer *t)
{
    text_printf(t->why, "TLS with %s failed: %s", t->host, t->error);
    if (t->request->ca_file != NULL)
        text_printf(t->why, " (trusted are the authorities in %s)", t->request->ca_file);
}

static enum fetch_trouble explain(struct transfer *t, CURLcode code)
{
    const struct fetch_request *r = t->request;
    const char *peer = r->unix_socket != NULL ? r->unix_socket : t->host;

    if (t->sink_failed)
        return FETCH_SINK;
    if (t->error[0] == '\0')
        (void)snprintf(t->error, sizeof t->error, "%s", curl_easy_strerror(code));
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        text_printf(t->why, "%s has no address: %s", t->host, t->error);
        return FETCH_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        say_connect(t);
        return FETCH_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        say_tls(t);
        return FETCH_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        text_printf(t->why, "%s took too long: %s", peer, t->error);
        return FETCH_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return refuse(t, FETCH_MEMORY, "no memory");
    default:
        break;
    }
    if (t->reply->body.err == ERR_FULL) {
        text_printf(t->why, "the reply of %s is larger than %zu octets", peer, t->reply->body.max);
        return FETCH_TOO_LARGE;
    }
    text_printf(t->why, "talking to %s failed: %s", peer, t->error);
    return FETCH_BROKEN;
}

static enum fetch_trouble perform(struct transfer *t)
{
    enum fetch_trouble trouble = check_url(t);
    CURLcode code;
    long status = 0;

    if (trouble == FETCH_DONE)
        trouble = add_headers(t);
    if (trouble != FETCH_DONE)
        return trouble;
    if (!set_transport(t) || !set_message(t))
        return refuse(t, FETCH_MEMORY, "libcurl does not take the request");
    code = curl_easy_perform(t->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        return explain(t, code);
    t->reply->status = (int)status;
    return FETCH_DONE;
}

enum fetch_trouble fetch(struct fetch_reply *out, const struct fetch_request *r, struct text *why)
{
    struct transfer t = {.request = r, .reply = out, .why = why};
    enum fetch_trouble trouble = FETCH_MEMORY;

    memset(out, 0, sizeof *out);
    text_init(&out->body, r->reply_max != 0 ? r->reply_max : FETCH_REPLY_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        t.curl = curl_easy_init();
        t.url = curl_url();
    }
    if (t.curl != NULL && t.url != NULL)
        trouble = perform(&t);
    else
        text_put(why, "libcurl cannot be used");
    for (struct curl_slist *h = t.headers; h != NULL; h = h->next)
        crypto_wipe(h->data, strlen(h->data));
    curl_slist_free_all(t.headers);
    curl_easy_cleanup(t.curl);
    curl_url_cleanup(t.url);
    curl_free(t.host);
    return trouble;
}
