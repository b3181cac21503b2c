#include "api/http_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"

const struct api_services *http_services(const struct http_request *rq)
{
    return &rq->host->services;
}

const char *http_method(const struct http_request *rq)
{
    return rq->method;
}

const char *http_path(const struct http_request *rq)
{
    return rq->path;
}

const char *http_request_id(const struct http_request *rq)
{
    return rq->id;
}

bool http_is_local(const struct http_request *rq)
{
    return rq->conn->listener->is_admin;
}

const struct addr *http_client(const struct http_request *rq)
{
    return &rq->client.addr;
}

uid_t http_peer_uid(const struct http_request *rq)
{
    return rq->conn->peer_uid;
}

const char *http_base_url(const struct http_request *rq)
{
    return rq->tuning->base_url;
}

enum registration_allow http_registration(const struct http_request *rq)
{
    return rq->tuning->registration;
}

size_t http_values_budget(const struct http_request *rq)
{
    return rq->tuning->values_budget;
}

const char *http_header(const struct http_request *rq, const char *name, size_t *len)
{
    const char *value = NULL;

    if (MHD_lookup_connection_value_n(rq->mhd, MHD_HEADER_KIND, name, strlen(name), &value, len) != MHD_YES ||
        value == NULL)
        return NULL;
    while (*len > 0 && (value[0] == ' ' || value[0] == '\t')) {
        value++;
        (*len)--;
    }
    while (*len > 0 && (value[*len - 1] == ' ' || value[*len - 1] == '\t'))
        (*len)--;
    return value;
}

const char *http_param(struct http_request *rq, const char *name, size_t *len)
{
    for (size_t i = 0; i < rq->match.n_params; i++) {
        const struct route_param *p = &rq->match.params[i];
        char *text;
        if (p->name_len != strlen(name) || memcmp(p->name, name, p->name_len) != 0)
            continue;
        text = arena_copy(&rq->arena, p->raw, p->raw_len);
        if (text == NULL)
            return NULL;
        *len = route_percent_decode(text, p->raw_len);
        text[*len] = '\0';
        return text;
    }
    return NULL;
}

const char *http_query(struct http_request *rq, const char *name)
{
    const char *value = NULL;
    size_t len = 0;
    char *text;

    if (MHD_lookup_connection_value_n(rq->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, &len) != MHD_YES)
        return NULL;
    if (value == NULL)
        return "";
    text = arena_copy(&rq->arena, value, len);
    if (text != NULL)
        text[route_percent_decode(text, len)] = '\0';
    return text;
}

const char *http_body(const struct http_request *rq, size_t *len)
{
    *len = rq->body_len;
    return rq->body;
}

/* jansson itself goes 2048 deep on the stack of a server's thread. */
static bool is_too_deep(const char *text, size_t len)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '{' || c == '[') && ++depth > HTTP_JSON_DEPTH_MAX) {
            return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

json_t *http_body_json(struct http_request *rq)
{
    json_error_t error;
    json_t *value;

    if (is_too_deep(rq->body, rq->body_len)) {
        http_reply_problem(rq, REFUSAL_MALFORMED, "the JSON is nested too deeply", NULL);
        return NULL;
    }
    value = json_loadb(rq->body, rq->body_len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        http_reply_problem(rq, REFUSAL_MALFORMED, error.text, NULL);
    return value;
}

struct arena *http_arena(struct http_request *rq)
{
    return &rq->arena;
}

void http_set_user(struct http_request *rq, void *user)
{
    rq->user = user;
}

void *http_user(const struct http_request *rq)
{
    return rq->user;
}

static void copy_cut(char *out, size_t cap, const char *text)
{
    size_t len = text != NULL ? strnlen(text, cap - 1) : 0;

    if (len > 0)
        memcpy(out, text, len);
    out[len] = '\0';
}

static void complete_and_record(struct http_request *rq, struct refusal_record *record, const char *detail)
{
    record->time_us = clock_real_us(rq->host->clock);
    record->client = rq->client.addr;
    memcpy(record->request_id, rq->id, sizeof rq->id);
    copy_cut(record->detail, sizeof record->detail, detail);
    refusals_add(rq->host->services.refusals, record);
}

void http_record_refusal(struct http_request *rq, enum door door, enum refusal reason, const char *who,
                         const char *name, const char *detail)
{
    struct refusal_record record = {.door = door, .reason = reason};

    copy_cut(record.who, sizeof record.who, who);
    copy_cut(record.name, sizeof record.name, name);
    complete_and_record(rq, &record, detail);
}

void http_record_refusal_of(struct http_request *rq, enum door door, enum refusal reason,
                            const struct credential *credential, const char *detail)
{
    struct refusal_record record = {
        .door = door, .reason = reason, .account = credential->account, .credential = credential->id};
    char id[UUID_TEXT_LEN + 1];

    copy_cut(record.who, sizeof record.who,
             credential_label(credential)[0] != '\0' ? credential_label(credential)
                                                     : uuid_format(&credential->uuid, id));
    complete_and_record(rq, &record, detail);
}
