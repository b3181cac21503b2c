#include "api/credential.h"

#include <stdio.h>
#include <string.h>

#include "api/http_internal.h"
#include "base/base64.h"
#include "base/base64url.h"
#include "base/crypto.h"
#include "base/text.h"

#define DETAIL_MAX 128
#define BASIC_MAX  256 /* octets of "user:password"; what a credential has is 77 to 86 */

/* What a client sent; text NULL: nothing. */
struct presented {
    const char *user_word; /* what people call the field with the user */
    const char *key_word;
    struct header_text user, key;
};

/* What is wrong with the shape of a key, for people who look for the reason; the key itself is not shown. NULL:
 * nothing. */
static const char *describe_key(char out[DETAIL_MAX], const struct presented *p)
{
    const struct header_text *key = &p->key;
    struct uuid uuid;

    if (key->text == NULL) {
        (void)snprintf(out, DETAIL_MAX, "no %s", p->key_word);
        return out;
    }
    if (key->len >= 4 && memcmp(key->text, "$2", 2) == 0) {
        (void)snprintf(out, DETAIL_MAX,
                       "%zu characters, starts \"%.4s\": this is the stored hash, not the password", key->len,
                       "$2a$");
        memcpy(strstr(out, "$2a$"), key->text, 4);
        return out;
    }
    if (uuid_parse(&uuid, key->text, key->len) == ERR_OK)
        return "the key is a UUID: this is the username or the subdomain, not the password";
    if (key->len != SECRET_TEXT_LEN) {
        (void)snprintf(out, DETAIL_MAX, "%zu characters instead of %d", key->len, SECRET_TEXT_LEN);
        return out;
    }
    return base64url_is_text(key->text, key->len) ? NULL : "a character that no password has";
}

static const char *describe_user(char out[DETAIL_MAX], const struct presented *p)
{
    if (p->user.text == NULL)
        (void)snprintf(out, DETAIL_MAX, "no %s", p->user_word);
    else
        (void)snprintf(out, DETAIL_MAX, "%s is no UUID: %zu characters", p->user_word, p->user.len);
    return out;
}

static void record(struct http_request *rq, enum door door, const struct presented *p, const char *problem)
{
    char who[UUID_TEXT_LEN + 4];

    (void)snprintf(who, sizeof who, "%.*s", (int)(p->user.len < UUID_TEXT_LEN ? p->user.len : UUID_TEXT_LEN),
                   p->user.text != NULL ? p->user.text : "");
    http_record_refusal(rq, door, REFUSAL_UNAUTHENTICATED, who, NULL, problem);
}

static bool take(struct http_request *rq, struct caller *caller, const struct presented *p)
{
    char detail[DETAIL_MAX];
    const char *problem = NULL;

    if (p->user.text == NULL || uuid_parse(&caller->credential, p->user.text, p->user.len) != ERR_OK)
        problem = describe_user(detail, p);
    else
        problem = describe_key(detail, p);
    if (problem != NULL) {
        record(rq, caller->door, p, problem);
        return false;
    }
    caller->auth = AUTH_SECRET;
    memcpy(caller->secret, p->key.text, SECRET_TEXT_LEN);
    caller->secret[SECRET_TEXT_LEN] = '\0';
    return true;
}

bool credential_take_api_key(struct http_request *rq, struct caller *caller)
{
    const struct presented p = {"X-Api-User", "X-Api-Key", rq->headers.api_user, rq->headers.api_key};

    return take(rq, caller, &p);
}

/* ---- basic authentication ---- */

/* What stands behind the scheme; false: another scheme, or nothing. */
static bool find_scheme(struct header_text *out, const struct header_text *authorization, const char *scheme)
{
    size_t at = strlen(scheme);

    if (authorization->text == NULL || authorization->len <= at ||
        !text_equal_nocase(authorization->text, at, scheme, at) || authorization->text[at] != ' ')
        return false;
    while (at < authorization->len && authorization->text[at] == ' ')
        at++;
    *out = (struct header_text){authorization->text + at, authorization->len - at};
    return true;
}

/* RFC 7617 section 2: no control characters; and nothing that could end the text where it is shown. */
static bool has_controls(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < ' ' || bytes[i] == 0x7f)
            return true;
    return false;
}

/* Decode user and password, which then point into plain. NULL, or what is wrong. */
static const char *decode_basic(struct presented *p, uint8_t plain[BASIC_MAX],
                                const struct header_text *authorization)
{
    struct header_text encoded;
    const uint8_t *colon;
    size_t len, user_len;

    if (authorization->text == NULL)
        return "no Authorization: this door wants basic authentication";
    if (!find_scheme(&encoded, authorization, "Basic"))
        return "Authorization is not of the scheme Basic";
    switch ((int)base64_decode(plain, &len, BASIC_MAX, encoded.text, encoded.len)) {
    case ERR_OK:
        break;
    case ERR_FULL:
        return "Authorization has more octets than a user and a password";
    default:
        return "Authorization is no base64";
    }
    if (has_controls(plain, len))
        return "Authorization has control characters";
    colon = memchr(plain, ':', len);
    if (colon == NULL)
        return "Authorization has no colon between user and password";
    user_len = (size_t)(colon - plain);
    p->user = (struct header_text){(const char *)plain, user_len};
    p->key = (struct header_text){(const char *)colon + 1, len - user_len - 1};
    return NULL;
}

bool credential_take_basic(struct http_request *rq, struct caller *caller)
{
    struct presented p = {.user_word = "the user", .key_word = "password"};
    uint8_t plain[BASIC_MAX];
    const char *problem = decode_basic(&p, plain, &rq->headers.authorization);
    bool taken = false;

    if (problem != NULL)
        http_record_refusal(rq, caller->door, REFUSAL_UNAUTHENTICATED, NULL, NULL, problem);
    else
        taken = take(rq, caller, &p);
    crypto_wipe(plain, sizeof plain);
    return taken;
}

/* ---- bearer ---- */

bool credential_take_bearer(struct http_request *rq, struct caller *caller)
{
    struct presented p = {.user_word = "the id", .key_word = "secret"};
    struct header_text token;
    const char *dot;

    if (!find_scheme(&token, &rq->headers.authorization, "Bearer"))
        return credential_take_basic(rq, caller);
    dot = memchr(token.text, '.', token.len);
    if (dot == NULL) {
        http_record_refusal(rq, caller->door, REFUSAL_UNAUTHENTICATED, NULL, NULL,
                            "the bearer token has no dot between id and secret");
        return false;
    }
    p.user = (struct header_text){token.text, (size_t)(dot - token.text)};
    p.key = (struct header_text){dot + 1, token.len - p.user.len - 1};
    return take(rq, caller, &p);
}
