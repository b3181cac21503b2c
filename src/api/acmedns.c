#include "api/acmedns.h"

#include <stdio.h>
#include <string.h>

#include "api/acmedns_json.h"
#include "api/credential.h"
#include "api/http.h"
#include "base/base64url.h"
#include "core/name.h"
#include "core/state.h"

#define REPLY_MAX     ((size_t)1 << 20)
#define DETAIL_MAX    256
#define CHALLENGE_LEN 43 /* SHA-256 in base64url, RFC 8555 section 8.4 */

static void reply_error(struct http_request *rq, unsigned status, const char *word)
{
    struct text body;

    text_init(&body, 128);
    text_printf(&body, "{\"error\": \"%s\"}", word);
    http_reply_text(rq, status, HTTP_TYPE_JSON, &body);
}

/* The store could not take it, or nobody knows. */
static void reply_store_trouble(struct http_request *rq, uint32_t retry_s)
{
    http_reply_literal(rq, 503, HTTP_TYPE_JSON, "{\"error\": \"db_error\"}");
    http_reply_retry_after(rq, retry_s);
}

static void reply_forbidden(struct http_request *rq)
{
    http_reply_literal(rq, 401, HTTP_TYPE_JSON, "{\"error\": \"forbidden\"}");
}

static void put_json_string(struct text *out, const char *text, size_t len)
{
    size_t begin = 0; /* of what needs no escape */

    text_put_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        text_put_bytes(out, text + begin, i - begin);
        begin = i + 1;
        if (c < ' ')
            text_printf(out, "\\u%04x", c);
        else
            text_printf(out, "\\%c", c);
    }
    text_put_bytes(out, text + begin, len - begin);
    text_put_char(out, '"');
}

/* ---- POST /update, POST /delete ---- */

/* What answer_update() needs, in the request's memory. */
struct update {
    bool malformed;   /* the body could not be read */
    const char *echo; /* {"txt": "VALUE"} */
    size_t echo_len;
};

static const char *make_echo(struct arena *arena, const struct acmedns_string *txt, size_t *len)
{
    struct text body;
    char *copy;

    text_init(&body, REPLY_MAX);
    text_put(&body, "{\"txt\": ");
    put_json_string(&body, txt->text, txt->len);
    text_put_char(&body, '}');
    *len = body.len;
    copy = body.err == ERR_OK ? arena_copy(arena, body.bytes, body.len) : NULL;
    text_fini(&body);
    return copy;
}

static void answer_update(struct http_request *rq, const struct result *result)
{
    const struct update *up = http_user(rq);

    if (result->outcome == OUTCOME_DONE) {
        http_reply(rq, 200, HTTP_TYPE_JSON, up->echo, up->echo_len);
        http_reply_eviction(rq, result);
        return;
    }
    switch ((int)result->refusal) {
    case REFUSAL_MALFORMED: /* acme-dns reads such a body as empty; else the value to be removed is empty */
        if (up->malformed)
            reply_forbidden(rq);
        else
            http_reply_literal(rq, 400, HTTP_TYPE_JSON, "{\"error\": \"bad_txt\"}");
        break;
    case REFUSAL_NOT_A_CHALLENGE_VALUE:
    case REFUSAL_VALUE_TOO_LONG:
        http_reply_literal(rq, 400, HTTP_TYPE_JSON, "{\"error\": \"bad_txt\"}");
        break;
    case REFUSAL_BAD_LABEL:
        http_reply_literal(rq, 400, HTTP_TYPE_JSON, "{\"error\": \"bad_subdomain\"}");
        break;
    case REFUSAL_STORE_UNAVAILABLE:
    case REFUSAL_OUTCOME_UNKNOWN:
    case REFUSAL_STARTING:
    case REFUSAL_FULL:
        reply_store_trouble(rq, result->retry_s);
        break;
    case REFUSAL_RATE:
        if (result->authenticated) {
            http_reply_literal(rq, 429, HTTP_TYPE_JSON, "{\"error\": \"rate_limit_exceeded\"}");
            http_reply_retry_after(rq, result->retry_s);
            break;
        }
        reply_forbidden(rq); /* too many wrong secrets: what acme-dns says to each of them */
        break;
    default:
        reply_forbidden(rq);
        break;
    }
    http_reply_reason(rq, result);
}

/* Decode the body into the change. As in acme-dns, a body that cannot be read is an update that is forbidden, and
 * the credential is looked at first. ERR_MEMORY. */
static enum err fill_update(struct http_request *rq, struct request *r)
{
    struct update *up = arena_alloc(http_arena(rq), sizeof *up);
    struct acmedns_update decoded;
    struct name_ref name;
    size_t len;
    const char *body = http_body(rq, &len);
    enum err e = acmedns_update_decode(&decoded, &r->arena, body, len);

    if (e != ERR_OK || up == NULL)
        return ERR_MEMORY;
    if (decoded.txt.text == NULL)
        decoded.txt.text = "";
    if (decoded.subdomain.text == NULL)
        decoded.subdomain.text = "";
    name = (struct name_ref){NAME_REF_SUBDOMAIN, decoded.subdomain.text, decoded.subdomain.len};
    up->echo = make_echo(http_arena(rq), &decoded.txt, &up->echo_len);
    http_set_user(rq, up);
    if (up->echo == NULL || request_set_value(r, &name, decoded.txt.text, decoded.txt.len) != ERR_OK)
        return ERR_MEMORY;
    if (decoded.problem[0] == '\0')
        return ERR_OK;
    up->malformed = true;
    r->u.values.malformed = arena_copy(&r->arena, decoded.problem, strlen(decoded.problem));
    return r->u.values.malformed != NULL ? ERR_OK : ERR_MEMORY;
}

/* Both paths have the same authentication, body and echo. */
static void handle_value(struct http_request *rq, enum request_kind kind)
{
    struct request *r = http_change(rq, kind, DOOR_ACMEDNS);

    if (r == NULL)
        return;
    r->caller.auth = AUTH_NONE; /* on whatever socket: this door knows credentials only */
    if (!credential_take_api_key(rq, &r->caller)) {
        request_free(r);
        reply_forbidden(rq);
        return;
    }
    if (fill_update(rq, r) != ERR_OK) {
        request_free(r);
        reply_store_trouble(rq, 0);
        return;
    }
    http_submit(rq, r, NULL, answer_update);
}

static void handle_update(struct http_request *rq)
{
    handle_value(rq, REQUEST_VALUE_ADD);
}

static void handle_delete(struct http_request *rq)
{
    handle_value(rq, REQUEST_VALUE_REMOVE);
}

/* ---- POST /register ---- */

struct registration {
    const char *allowfrom;
    struct text body; /* of the reply; made on the committer's thread, where the state is */
};

/* The label of the name, as acme-dns calls it: the owner without its zone. */
static void put_subdomain(struct text *out, const struct name *owner, const struct zone_state *zone)
{
    char text[NAME_MAX_LEN];
    size_t end = (size_t)owner->len - zone->spec.apex.len;
    size_t len = 0;

    for (size_t i = 0; i < end; i += 1u + owner->b[i]) {
        if (len > 0)
            text[len++] = '.';
        memcpy(text + len, owner->b + i + 1, owner->b[i]);
        len += owner->b[i];
    }
    put_json_string(out, text, len);
}

/* One line, members in this order and nothing but what is needed between them: acme.sh cuts it apart with sed. */
static void put_registration(struct text *out, const struct result *result, const struct state *state,
                             const char *allowfrom)
{
    const struct credential *cred = state_credential(state, result->credential);
    const struct name_entry *name = state_name(state, result->name);
    const struct zone_state *zone = name != NULL ? state_zone(state, name_zone(name)) : NULL;
    char uuid[UUID_TEXT_LEN + 1];
    char full[NAME_TEXT_MAX];
    struct name owner;

    if (cred == NULL || zone == NULL) {
        out->err = ERR_CORRUPT;
        return;
    }
    name_owner(state, name, &owner);
    name_format(&owner, full);
    text_printf(out, "{\"username\":\"%s\",\"password\":", uuid_format(&cred->uuid, uuid));
    put_json_string(out, result->secret, strlen(result->secret));
    text_put(out, ",\"fulldomain\":");
    put_json_string(out, full, strlen(full));
    text_put(out, ",\"subdomain\":");
    put_subdomain(out, &owner, zone);
    text_printf(out, ",\"allowfrom\":%s}", allowfrom);
}

static void look_at_registration(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct registration *reg = http_user(rq);

    if (result->outcome != OUTCOME_DONE)
        return;
    text_init(&reg->body, REPLY_MAX);
    put_registration(&reg->body, result, state, reg->allowfrom);
    http_reply_text(rq, 201, HTTP_TYPE_JSON, &reg->body);
}

struct refused_registration {
    enum refusal reason;
    unsigned status;
    const char *word;
};

static const struct refused_registration refused_registrations[] = {
    {REFUSAL_REGISTRATION_CLOSED, 403, "registration_token_required"},
    {REFUSAL_NETWORK, 403, "registering_from_ip_not_allowed"},
    {REFUSAL_UNAUTHENTICATED, 401, "invalid_registration_token"},
    {REFUSAL_REVOKED, 401, "invalid_registration_token"},
    {REFUSAL_EXPIRED, 403, "registration_token_expired"},
    {REFUSAL_DISABLED, 403, "account_disabled"},
    {REFUSAL_QUOTA, 403, "quota_exceeded"},
    {REFUSAL_RATE, 429, "rate_limit_exceeded"},
    {REFUSAL_FULL, 503, "registration_paused"},
    {REFUSAL_LABEL_TAKEN, 403, "no_free_label"},
    {REFUSAL_BAD_NETWORK, 400, "invalid_allowfrom_cidr"},
    {REFUSAL_TOO_LARGE, 413, "request_too_large"},
    {REFUSAL_STORE_UNAVAILABLE, 503, "db_error"},
    {REFUSAL_OUTCOME_UNKNOWN, 503, "db_error"},
    {REFUSAL_STARTING, 503, "db_error"},
};

static void answer_registration(struct http_request *rq, const struct result *result)
{
    struct refused_registration said = {result->refusal, 403, "forbidden"};

    for (size_t i = 0; i < ARRAY_LEN(refused_registrations); i++)
        if (refused_registrations[i].reason == result->refusal)
            said = refused_registrations[i];
    reply_error(rq, said.status, said.word);
    if (said.status == 429 || said.status == 503)
        http_reply_retry_after(rq, result->retry_s);
    http_reply_reason(rq, result);
}

/* False: this is no token, and the reply is set. */
static bool take_token(struct http_request *rq, struct caller *caller)
{
    size_t prefix = strlen(TOKEN_PREFIX);
    size_t len = 0;
    const char *token = http_param(rq, "token", &len);

    if (token == NULL) { /* registration without one */
        caller->auth = AUTH_NONE;
        return true;
    }
    if (len != TOKEN_TEXT_LEN || memcmp(token, TOKEN_PREFIX, prefix) != 0 ||
        !base64url_is_text(token + prefix, len - prefix)) {
        http_record_refusal(rq, DOOR_ACMEDNS, REFUSAL_UNAUTHENTICATED, NULL, NULL,
                            "what follows /r/ in the path has not the form of a registration token");
        reply_error(rq, 401, "invalid_registration_token");
        return false;
    }
    caller->auth = AUTH_TOKEN;
    memcpy(caller->secret, token, TOKEN_TEXT_LEN);
    caller->secret[TOKEN_TEXT_LEN] = '\0';
    return true;
}

/* False: the reply is set. */
static bool fill_registration(struct http_request *rq, struct request *r)
{
    struct registration *reg = arena_alloc(http_arena(rq), sizeof *reg);
    struct acmedns_register decoded;
    struct acmedns_string bad;
    size_t len;
    const char *body = http_body(rq, &len);
    enum err e = acmedns_register_decode(&decoded, &bad, &r->arena, body, len);

    if (e == ERR_SYNTAX) {
        http_record_refusal(rq, DOOR_ACMEDNS, REFUSAL_MALFORMED, NULL, NULL, decoded.problem);
        http_reply_literal(rq, 400, HTTP_TYPE_JSON, "{\"error\": \"malformed_json_payload\"}");
        return false;
    }
    if (e == ERR_RANGE) {
        char detail[DETAIL_MAX];
        (void)snprintf(detail, sizeof detail,
                       "allowfrom: \"%.*s\" is no network; a single address is ADDRESS/32 or /128",
                       (int)(bad.len < ADDR_TEXT_MAX ? bad.len : ADDR_TEXT_MAX), bad.text);
        http_record_refusal(rq, DOOR_ACMEDNS, REFUSAL_BAD_NETWORK, NULL, NULL, detail);
        http_reply_literal(rq, 400, HTTP_TYPE_JSON, "{\"error\": \"invalid_allowfrom_cidr\"}");
        return false;
    }
    if (e == ERR_OK && reg != NULL)
        reg->allowfrom = arena_copy(http_arena(rq), decoded.allowfrom, strlen(decoded.allowfrom));
    if (e != ERR_OK || reg == NULL || reg->allowfrom == NULL) {
        reply_store_trouble(rq, 0);
        return false;
    }
    r->u.registration = (struct request_register){
        .n_networks = decoded.n_networks, .networks = decoded.networks, .allowfrom = decoded.allowfrom};
    http_set_user(rq, reg);
    return true;
}

static void handle_register(struct http_request *rq)
{
    struct request *r = http_change(rq, REQUEST_REGISTER, DOOR_ACMEDNS);

    if (r == NULL)
        return;
    if (!take_token(rq, &r->caller) || !fill_registration(rq, r)) {
        request_free(r);
        return;
    }
    http_submit(rq, r, look_at_registration, answer_registration);
}

/* Clients keep the base URL with which they registered, so what stands behind /r/ stops no update, however old it
 * is. */
static const struct route rows[] = {
    {"POST", "/update", SERVES_ACMEDNS, GROUP_UPDATE, 0, 0, handle_update},
    {"POST", "/r/{token}/update", SERVES_ACMEDNS, GROUP_UPDATE, 0, 0, handle_update},
    {"POST", "/delete", SERVES_ACMEDNS, GROUP_DELETE, 0, 0, handle_delete},
    {"POST", "/r/{token}/delete", SERVES_ACMEDNS, GROUP_DELETE, 0, 0, handle_delete},
    {"POST", "/register", SERVES_ACMEDNS, GROUP_REGISTER, ROUTE_REGISTRATION, 0, handle_register},
    {"POST", "/r/{token}/register", SERVES_ACMEDNS, GROUP_REGISTER, ROUTE_REGISTRATION, 0, handle_register},
};

const struct route_table acmedns_routes = {rows, ARRAY_LEN(rows)};
