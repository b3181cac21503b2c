#include "api/httpreq.h"

#include <stdio.h>
#include <string.h>

#include "api/credential.h"
#include "api/http.h"
#include "base/base64url.h"
#include "base/crypto.h"
#include "core/domain.h"

#define DIGEST_TEXT_LEN 43 /* SHA-256 in base64url */

static const char challenge_label[] = "_acme-challenge.";

/* What a body asks for. The texts are the body's. */
struct asked {
    const char *member;                                  /* "fqdn" or "domain": how the name was given */
    const char *name;                                    /* as given */
    char owner[sizeof challenge_label + DOMAIN_LEN_MAX]; /* of a domain; "": name is the owner */
    const char *value;
    char digest[DIGEST_TEXT_LEN + 1]; /* RAW mode: value points here */
};

/* What is said when it is done, in the request's memory. */
struct echo {
    const char *member, *name, *value;
};

/* ---- refusals ---- */

static void reply_malformed(struct http_request *rq, const char *detail)
{
    http_record_refusal(rq, DOOR_HTTPREQ, REFUSAL_MALFORMED, NULL, NULL, detail);
    http_reply_problem(rq, REFUSAL_MALFORMED, detail, NULL);
}

/* The same for a wrong secret and for no such credential. */
static void reply_unauthenticated(struct http_request *rq)
{
    http_reply_problem(rq, REFUSAL_UNAUTHENTICATED,
                       "the user must be the id of a credential (a UUID), and the password its secret", NULL);
    http_reply_header(rq, "WWW-Authenticate", "Basic realm=\"riposte\""); /* RFC 9110 section 15.5.2 */
}

/* ---- the body ---- */

static const char *member_of(const json_t *body, const char *key)
{
    return json_string_value(json_object_get(body, key));
}

/* RFC 8555 section 8.1: a token, a dot, a thumbprint, the former and the latter base64url. */
static bool is_key_authorization(const char *text)
{
    const char *dot = strchr(text, '.');

    return dot != NULL && dot != text && dot[1] != '\0' && base64url_is_text(text, (size_t)(dot - text)) &&
           base64url_is_text(dot + 1, strlen(dot + 1));
}

/* ERR_SYNTAX: *problem says what is wrong. ERR_CRYPTO. */
static enum err read_raw(struct asked *out, const char **problem, const char *domain, const char *key_auth)
{
    uint8_t digest[SHA256_LEN];
    char normalised[DOMAIN_TEXT_MAX];
    enum err e;

    if (domain_normalise(normalised, domain, strlen(domain)) != ERR_OK) {
        *problem = "\"domain\" is no domain name";
        return ERR_SYNTAX;
    }
    if (!is_key_authorization(key_auth)) {
        *problem = "\"keyAuth\" is no key authorization, TOKEN.THUMBPRINT (RFC 8555 section 8.1)";
        return ERR_SYNTAX;
    }
    e = crypto_sha256(digest, key_auth, strlen(key_auth));
    if (e != ERR_OK)
        return e;
    (void)base64url_encode(out->digest, digest, sizeof digest);
    (void)snprintf(out->owner, sizeof out->owner, "%s%s", challenge_label, normalised);
    out->member = "domain";
    out->name = domain;
    out->value = out->digest;
    return ERR_OK;
}

/* As read_raw(). */
static enum err read_asked(struct asked *out, const char **problem, const json_t *body)
{
    const char *fqdn = member_of(body, "fqdn"), *value = member_of(body, "value");
    const char *domain = member_of(body, "domain"), *key_auth = member_of(body, "keyAuth");

    *out = (struct asked){.member = "fqdn", .name = fqdn, .value = value};
    if (fqdn != NULL && value != NULL)
        return ERR_OK;
    if (domain != NULL && key_auth != NULL)
        return read_raw(out, problem, domain, key_auth);
    *problem = "the body needs \"fqdn\" and \"value\", or in RAW mode \"domain\" and \"keyAuth\", all strings";
    return ERR_SYNTAX;
}

static MUST_USE enum err keep_echo(struct http_request *rq, const struct asked *asked)
{
    struct arena *arena = http_arena(rq);
    struct echo *echo = arena_alloc(arena, sizeof *echo);

    if (echo == NULL)
        return ERR_MEMORY;
    echo->member = asked->member;
    echo->name = arena_copy(arena, asked->name, strlen(asked->name));
    echo->value = arena_copy(arena, asked->value, strlen(asked->value));
    http_set_user(rq, echo);
    return echo->name != NULL && echo->value != NULL ? ERR_OK : ERR_MEMORY;
}

/* Copied: the request may outlive the body. */
static MUST_USE enum err fill(struct request *r, const struct asked *asked)
{
    const char *owner = asked->owner[0] != '\0' ? asked->owner : asked->name;
    struct name_ref name = {NAME_REF_FQDN, arena_copy(&r->arena, owner, strlen(owner)), strlen(owner)};
    const char *value = arena_copy(&r->arena, asked->value, strlen(asked->value));

    if (name.text == NULL || value == NULL)
        return ERR_MEMORY;
    return request_set_value(r, &name, value, strlen(value));
}

/* False: the reply is set. */
static bool decode(struct http_request *rq, struct request *r)
{
    json_t *body = http_body_json(rq);
    const char *problem = NULL;
    struct asked asked;
    enum err e;

    if (body == NULL) {
        http_record_refusal(rq, DOOR_HTTPREQ, REFUSAL_MALFORMED, NULL, NULL, "the body is not JSON");
        return false;
    }
    e = read_asked(&asked, &problem, body);
    if (e == ERR_OK)
        e = keep_echo(rq, &asked);
    if (e == ERR_OK)
        e = fill(r, &asked);
    json_decref(body);
    if (e == ERR_SYNTAX)
        reply_malformed(rq, problem);
    else if (e != ERR_OK)
        http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, "out of memory", NULL);
    return e == ERR_OK;
}

/* ---- POST /present, POST /cleanup ---- */

static void answer(struct http_request *rq, const struct result *result)
{
    const struct echo *echo = http_user(rq);

    if (result->outcome == OUTCOME_DONE) {
        http_reply_json(rq, 200, json_pack("{s:s, s:s}", echo->member, echo->name, "value", echo->value));
        http_reply_eviction(rq, result);
    } else if (result->refusal == REFUSAL_UNAUTHENTICATED) {
        reply_unauthenticated(rq);
    } else {
        http_reply_refused(rq, result);
    }
}

static void handle(struct http_request *rq, enum request_kind kind)
{
    struct request *r = http_change(rq, kind, DOOR_HTTPREQ);

    if (r == NULL)
        return;
    r->caller.auth = AUTH_NONE; /* on whatever socket: this door knows credentials only */
    if (!credential_take_basic(rq, &r->caller)) {
        request_free(r);
        reply_unauthenticated(rq);
        return;
    }
    if (!decode(rq, r)) {
        request_free(r);
        return;
    }
    http_submit(rq, r, NULL, answer);
}

static void handle_present(struct http_request *rq)
{
    handle(rq, REQUEST_VALUE_ADD);
}

static void handle_cleanup(struct http_request *rq)
{
    handle(rq, REQUEST_VALUE_REMOVE);
}

/* Below /r/ too: who has that base URL from a registration need not know that it is not needed here. */
static const struct route rows[] = {
    {"POST", "/present", SERVES_HTTPREQ, GROUP_HTTPREQ, 0, 0, handle_present},
    {"POST", "/r/{token}/present", SERVES_HTTPREQ, GROUP_HTTPREQ, 0, 0, handle_present},
    {"POST", "/cleanup", SERVES_HTTPREQ, GROUP_HTTPREQ, 0, 0, handle_cleanup},
    {"POST", "/r/{token}/cleanup", SERVES_HTTPREQ, GROUP_HTTPREQ, 0, 0, handle_cleanup},
};

const struct route_table httpreq_routes = {rows, ARRAY_LEN(rows)};
