#include "cli/client_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/fetch.h"

#define STATUS_UNAUTHORIZED 401
#define STATUS_FORBIDDEN    403
#define STATUS_NOT_FOUND    404
#define STATUS_NOT_ALLOWED  405
#define STATUS_RATE         429
#define REPLY_MAX           ((size_t)64 << 10)
#define SHOWN_MAX           400 /* octets of what a server said, in a message */

/* ---- one request ---- */

struct call {
    const struct client_server *server;
    struct fetch_request request;
    struct fetch_reply reply;
    struct text url;
    char *body;
};

static void call_init(struct call *c, const struct client_server *s, const char *path)
{
    int64_t left_ms = s->deadline_ms - clock_mono_ms(&clock_system);
    size_t len = strlen(s->url);

    memset(c, 0, sizeof(*c));
    c->server = s;
    while (len > 0 && s->url[len - 1] == '/')
        len--;
    text_init(&c->url, FETCH_URL_MAX);
    text_put_bytes(&c->url, s->url, len);
    text_put(&c->url, path);
    c->request = (struct fetch_request){.ca_file = s->ca_file, .reply_max = REPLY_MAX};
    c->request.total_s = left_ms < 1000                   ? 1
                         : left_ms / 1000 > FETCH_TOTAL_S ? FETCH_TOTAL_S
                                                          : (int)(left_ms / 1000);
    c->request.connect_s = c->request.total_s < FETCH_CONNECT_S ? c->request.total_s : FETCH_CONNECT_S;
}

static void call_fini(struct call *c)
{
    if (c->body != NULL)
        crypto_wipe(c->body, strlen(c->body));
    free(c->body);
    crypto_wipe(c->url.bytes, c->url.len);
    text_fini(&c->url);
    fetch_fini(&c->reply);
}

static void call_authenticate(struct call *c, enum fetch_auth auth)
{
    c->request.auth = auth;
    c->request.user = c->server->account->username;
    c->request.secret = c->server->account->password;
}

/* What is said by a server is shown without control characters, and not at any length. */
static void put_clean(struct text *out, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i] != '\0'; i++)
        text_put_char(out, (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* What the server's administrator can look up. */
static void put_request(const struct call *c, struct text *why)
{
    const char *id = fetch_header(&c->reply, "Riposte-Request");

    if (id[0] != '\0')
        text_printf(why, "\n  request %s; on the server:  riposte refusals --request %s", id, id);
}

/* A reply that is not a success: the reason, the way out. */
static void explain(const struct call *c, struct text *why)
{
    json_t *problem = json_loadb(c->reply.body.bytes, c->reply.body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *reason = fetch_header(&c->reply, "Riposte-Refused");
    const char *detail = member(problem, "detail")[0] != '\0'  ? member(problem, "detail")
                         : member(problem, "title")[0] != '\0' ? member(problem, "title")
                                                               : member(problem, "error");

    text_printf(why, "%s answers %d: ", c->server->url, c->reply.status);
    put_clean(why, problem != NULL ? detail : c->reply.body.bytes, SHOWN_MAX);
    if (reason[0] != '\0' && member(problem, "detail")[0] == '\0')
        text_printf(why, " (%s)", reason);
    if (member(problem, "hint")[0] != '\0') {
        text_put(why, "\n  an administrator of the server can change it:  ");
        put_clean(why, member(problem, "hint"), SHOWN_MAX);
    }
    put_request(c, why);
    json_decref(problem);
}

static enum client_outcome perform(struct call *c, struct text *why)
{
    enum fetch_trouble trouble;
    int status;

    if (c->url.err != ERR_OK) {
        text_put(why, "the URL of the server is too long");
        return CLIENT_REFUSED;
    }
    c->request.url = c->url.bytes;
    trouble = fetch(&c->reply, &c->request, why);
    if (trouble == FETCH_PLAINTEXT || trouble == FETCH_BAD_REQUEST)
        return CLIENT_REFUSED; /* trying again does not help */
    if (trouble != FETCH_DONE)
        return CLIENT_UNREACHABLE;
    status = c->reply.status;
    if (status >= 200 && status < 300)
        return CLIENT_DONE;
    if (status == STATUS_NOT_FOUND || status == STATUS_NOT_ALLOWED)
        return CLIENT_NO_DOOR;
    explain(c, why);
    return status >= 500 || status == STATUS_RATE ? CLIENT_UNREACHABLE : CLIENT_REFUSED;
}

/* Send a body; takes it. */
static enum client_outcome post(struct call *c, json_t *body, struct text *why)
{
    c->body = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (c->body == NULL) {
        text_put(why, "no memory");
        return CLIENT_REFUSED;
    }
    c->request.method = "POST";
    c->request.body = c->body;
    c->request.body_len = strlen(c->body);
    return perform(c, why);
}

/* ---- values ---- */

static enum client_outcome post_httpreq(const struct client_server *s, const char *path, const char *value,
                                        struct text *why)
{
    const char *name = s->account->fulldomain;
    size_t len = strlen(name);
    struct call c;
    enum client_outcome outcome;

    call_init(&c, s, path);
    call_authenticate(&c, FETCH_AUTH_BASIC);
    outcome =
        post(&c, json_pack("{s:s+, s:s}", "fqdn", name, len > 0 && name[len - 1] == '.' ? "" : ".", "value", value),
             why);
    call_fini(&c);
    return outcome;
}

static enum client_outcome post_acmedns(const struct client_server *s, const char *path, const char *value,
                                        struct text *why)
{
    struct call c;
    enum client_outcome outcome;

    call_init(&c, s, path);
    call_authenticate(&c, FETCH_AUTH_ACMEDNS);
    outcome = post(&c, json_pack("{s:s, s:s}", "subdomain", s->account->subdomain, "txt", value), why);
    call_fini(&c);
    return outcome;
}

enum client_outcome client_server_add(const struct client_server *s, const char *value, struct text *why)
{
    enum client_outcome outcome = post_httpreq(s, "/present", value, why);

    if (outcome == CLIENT_NO_DOOR)
        outcome = post_acmedns(s, "/update", value, why);
    if (outcome == CLIENT_NO_DOOR) {
        text_printf(why,
                    "%s has neither /present nor /update: it is no server for challenge values, or its base "
                    "URL has a path that is missing here",
                    s->url);
        outcome = CLIENT_REFUSED;
    }
    return outcome;
}

enum client_outcome client_server_remove(const struct client_server *s, const char *value, struct text *why)
{
    enum client_outcome outcome = post_httpreq(s, "/cleanup", value, why);

    return outcome == CLIENT_NO_DOOR ? post_acmedns(s, "/delete", value, why) : outcome;
}

/* ---- who am I ---- */

enum client_outcome client_server_self(const struct client_server *s, json_t **self, struct text *why)
{
    enum client_outcome outcome;
    struct call c;

    *self = NULL;
    call_init(&c, s, "/v1/self");
    call_authenticate(&c, FETCH_AUTH_BASIC);
    outcome = perform(&c, why);
    if (outcome == CLIENT_DONE) {
        *self = json_loadb(c.reply.body.bytes, c.reply.body.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*self)) {
            json_decref(*self);
            *self = NULL;
            outcome = CLIENT_NO_DOOR; /* something else answers at that path */
        }
    }
    call_fini(&c);
    return outcome;
}

/* ---- a new name ---- */

/* What the words of a refused registration mean for who reads them. */
static const struct {
    const char *word, *meaning;
} registration_words[] = {
    {"registration_token_required",
     "it gives names to holders of a registration token only\n  an administrator of the server makes one:  riposte "
     "token create --account A; put it into a file, and name that with --token-file"},
    {"invalid_registration_token", "it does not know this registration token, or it was revoked"},
    {"registration_token_expired", "the registration token is over; an administrator of the server makes another"},
    {"registering_from_ip_not_allowed", "it gives no names to this machine's network, or to nobody\n  an "
                                        "administrator of the server can make the name: "
                                        " riposte name create, and riposte credential create --as lego"},
    {"account_disabled", "the account of this registration token is disabled"},
    {"quota_exceeded", "the token, its account or the server has no names left to give"},
    {"rate_limit_exceeded", "too many registrations from this network; try again in a while"},
    {"invalid_allowfrom_cidr", "it does not take one of the networks"},
};

static void explain_registration(const struct call *c, struct text *why)
{
    json_t *reply = json_loadb(c->reply.body.bytes, c->reply.body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *word = member(reply, "error");
    bool known = false;

    text_fini(why); /* what it said, in words that say more */
    for (size_t i = 0; i < ARRAY_LEN(registration_words) && !known; i++) {
        known = strcmp(word, registration_words[i].word) == 0;
        if (known)
            text_printf(why, "%s answers %d: %s", c->server->url, c->reply.status, registration_words[i].meaning);
    }
    if (known)
        put_request(c, why);
    else
        explain(c, why);
    json_decref(reply);
}

enum client_outcome client_server_register(const struct client_server *s, const char *token,
                                           const json_t *allowfrom, json_t **account, struct text *why)
{
    struct text path;
    struct call c;
    enum client_outcome outcome;
    json_t *body = json_object();

    *account = NULL;
    text_init(&path, FETCH_URL_MAX);
    text_printf(&path, "%s%s/register", token != NULL ? "/r/" : "", token != NULL ? token : "");
    call_init(&c, s, path.bytes);
    c.request.is_secret = true; /* the token, and the secret that comes back */
    if (allowfrom != NULL && json_array_size(allowfrom) > 0)
        (void)json_object_set_new(body, "allowfrom", json_deep_copy(allowfrom));
    outcome = post(&c, body, why);
    if (outcome == CLIENT_NO_DOOR)
        text_printf(why,
                    "%s has no /register: it gives no names to anybody, or its base URL has a path that is missing "
                    "here\n  an administrator of the server can make the name:  riposte name create, and riposte "
                    "credential create --as lego, whose output belongs into the file",
                    s->url);
    else if (outcome != CLIENT_DONE && c.reply.status != 0)
        explain_registration(&c, why);
    if (outcome == CLIENT_DONE) {
        *account = json_loadb(c.reply.body.bytes, c.reply.body.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*account)) {
            text_printf(why, "%s answers %d, but not with an account", s->url, c.reply.status);
            json_decref(*account);
            *account = NULL;
            outcome = CLIENT_REFUSED;
        }
    }
    call_fini(&c);
    crypto_wipe(path.bytes, path.len);
    text_fini(&path);
    return outcome;
}
