/* /v1/names/{name}/values */
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "core/door.h"
#include "core/value_set.h"

/* ---- reading ---- */

static json_t *json_claim(const struct state *s, const struct claim *claim)
{
    json_t *object = json_object();

    if (json_put_credential(object, s, claim->credential) &&
        json_put(object, "door", json_string(door_word((enum door)claim->door))) &&
        json_put(object, "from", json_client_network(&claim->network)) &&
        json_put(object, "added", json_time(claim->added_s)) &&
        json_put(object, "expires", json_time(claim->expires_s)) &&
        json_put(object, "pinned", json_boolean(claim->pinned)))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_claims(const struct state *s, const struct value *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_claims; i++) {
        if (json_array_append_new(list, json_claim(s, &v->claims[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *admin_json_value(const uint8_t *rdata, size_t rdlen)
{
    char *text = malloc(rdlen + 1);
    json_t *string = NULL;

    if (text != NULL)
        string = json_bytes(text, value_decode_text(text, rdata, rdlen));
    free(text);
    return string;
}

static json_t *json_value(const struct state *s, const struct value *v)
{
    json_t *object = json_object();

    if (json_put(object, "value", admin_json_value(v->rdata, v->rdlen)) &&
        json_put(object, "claims", json_claims(s, v)))
        return object;
    json_decref(object);
    return NULL;
}

/* Newest first; the set has the oldest first. */
static json_t *json_items(const struct state *s, const struct value_set *vs)
{
    json_t *list = json_array();

    for (size_t i = vs->n; i > 0; i--) {
        if (json_array_append_new(list, json_value(s, &vs->values[i - 1])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The texts alone, as DNS has them. Newest first. */
static json_t *json_texts(const struct value_set *vs)
{
    json_t *list = json_array();

    for (size_t i = vs->n; i > 0; i--) {
        const struct value *v = &vs->values[i - 1];
        if (json_array_append_new(list, admin_json_value(v->rdata, v->rdlen)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_values(struct http_request *rq, const struct state *s, const struct name_entry *n)
{
    json_t *object = json_object();

    if (json_put(object, "name", json_owner(s, n)) &&
        json_put(object, "octets", json_integer((json_int_t)name_octets(n))) &&
        json_put(object, "budget", json_integer((json_int_t)http_values_budget(rq))) &&
        json_put(object, "serial", json_integer((json_int_t)state_zone(s, name_zone(n))->serial)) &&
        json_put(object, "values", json_texts(name_values(s, n))) &&
        json_put(object, "items", json_items(s, name_values(s, n))))
        return object;
    json_decref(object);
    return NULL;
}

static void look_at_list(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct name_entry *n = admin_find_name(rq, result, state);

    if (n != NULL)
        http_reply_json(rq, 200, json_values(rq, state, n));
}

void admin_value_list(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_NAMES, look_at_list, NULL);
}

/* ---- changes ---- */

/* The elements of "values"; NULL: not there, or a problem. */
static const json_t *find_values(const struct body *b)
{
    const json_t *list = b->object != NULL && !problem_is(b->problem) ? json_object_get(b->object, "values") : NULL;

    if (list != NULL && !json_is_array(list)) {
        problem_say(b->problem, REFUSAL_MALFORMED, "values: a list is wanted");
        return NULL;
    }
    return list;
}

static struct value_text *make_values(const struct body *b, size_t n)
{
    struct value_text *values = arena_alloc(b->arena, (n + 1) * sizeof *values);

    if (values == NULL)
        problem_say(b->problem, REFUSAL_FULL, "out of memory");
    return values;
}

/* What is said of a value beside its text. */
static void read_wishes(struct value_text *out, const struct body *b)
{
    out->lifetime_s = body_duration_s(b, "lifetime", -1);
    out->pinned = body_flag(b, "pinned", false);
    if (out->lifetime_s == 0) /* which would mean for ever */
        problem_say(b->problem, REFUSAL_MALFORMED, "%slifetime: at least 1s; what is to stay is pinned", b->where);
}

static void read_value(struct value_text *out, const struct body *list, const json_t *item)
{
    static const char *const members[] = {"value", "lifetime", "pinned"};
    struct body b;

    if (!json_is_object(item)) {
        problem_say(list->problem, REFUSAL_MALFORMED, "values: each is an object, {\"value\": \"TEXT\"}");
        return;
    }
    body_init(&b, item, list->arena, list->problem, members, ARRAY_LEN(members));
    b.where = "values[].";
    out->text = body_needed(&b, "value");
    out->len = out->text != NULL ? strlen(out->text) : 0;
    read_wishes(out, &b);
}

static void fill_added(struct http_request *rq, struct request *r, const struct body *b)
{
    const json_t *list = find_values(b);
    size_t n = json_array_size(list);
    struct value_text *values = make_values(b, n);

    for (size_t i = 0; values != NULL && i < n; i++)
        read_value(&values[i], b, json_array_get(list, i));
    r->u.values = (struct request_values){
        .name = admin_param_name(rq, &r->arena, b->problem), .n = values != NULL ? n : 0, .values = values};
}

static void fill_removed(struct http_request *rq, struct request *r, const struct body *b)
{
    bool mine = query_flag("mine", http_query(rq, "mine"), b->problem);
    bool all = query_flag("all", http_query(rq, "all"), b->problem) || mine;
    size_t n;
    const char *const *texts = body_texts(b, "values", &n);
    struct value_text *values = make_values(b, n);

    for (size_t i = 0; values != NULL && i < n; i++)
        values[i] = (struct value_text){.text = texts[i], .len = strlen(texts[i]), .lifetime_s = -1};
    if (all && n > 0)
        problem_say(b->problem, REFUSAL_MALFORMED, "either all of them, or those in values");
    r->u.values = (struct request_values){.name = admin_param_name(rq, &r->arena, b->problem),
                                          .n = values != NULL ? n : 0,
                                          .values = values,
                                          .all = all,
                                          .mine = mine};
}

/* The one in the path. */
static struct value_text *read_text(struct http_request *rq, struct request *r, const struct body *b)
{
    struct value_text *value = make_values(b, 1);
    const char *text = admin_param(rq, "text", &r->arena, b->problem);

    r->u.values = (struct request_values){.name = admin_param_name(rq, &r->arena, b->problem)};
    if (value == NULL || text == NULL)
        return NULL;
    *value = (struct value_text){.text = text, .len = strlen(text), .lifetime_s = -1};
    r->u.values.n = 1;
    r->u.values.values = value;
    return value;
}

static void fill_put(struct http_request *rq, struct request *r, const struct body *b)
{
    struct value_text *value = read_text(rq, r, b);

    if (value != NULL)
        read_wishes(value, b);
}

static void fill_deleted(struct http_request *rq, struct request *r, const struct body *b)
{
    (void)read_text(rq, r, b);
}

/* The distinct values that had to give way. */
static json_t *json_evicted(const struct result *result)
{
    const struct entry *e = result->entry;
    json_t *list = json_array();

    for (size_t i = 0; e != NULL && i < e->n_effects; i++) {
        const struct effect *f = &e->effects[i];
        const struct effect *before = i > 0 ? &e->effects[i - 1] : NULL;
        if (f->kind != EFFECT_CLAIM_EVICTED)
            continue;
        if (before != NULL && before->kind == EFFECT_CLAIM_EVICTED && /* another claim on the same value */
            before->u.claim.rdata.len == f->u.claim.rdata.len &&
            memcmp(before->u.claim.rdata.bytes, f->u.claim.rdata.bytes, f->u.claim.rdata.len) == 0)
            continue;
        if (json_array_append_new(list, admin_json_value(f->u.claim.rdata.bytes, f->u.claim.rdata.len)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The values as they are now, and what the change has done. */
static json_t *json_done(const struct result *result, const struct state *s)
{
    json_t *object = json_object();
    const struct name_entry *n = state_name(s, result->name);
    const struct {
        const char *member;
        unsigned n;
    } counts[] = {{"added", result->added},
                  {"renewed", result->renewed},
                  {"removed", result->removed},
                  {"evicted-young", result->evicted_young}};
    bool is_whole = json_put(object, "values", json_texts(name_values(s, n))) &&
                    json_put(object, "evicted", json_evicted(result));

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        is_whole = is_whole && json_put(object, counts[i].member, json_integer((json_int_t)counts[i].n));
    if (is_whole && json_put(object, "serial", json_integer((json_int_t)result->serial)) &&
        json_put(object, "change", result->seq > 0 ? json_integer((json_int_t)result->seq) : json_null()))
        return object;
    json_decref(object);
    return NULL;
}

static void look_at_done(struct http_request *rq, const struct result *result, const struct state *state)
{
    if (admin_refuse_undone(rq, result, state))
        return;
    http_reply_json(rq, 200, json_done(result, state));
    http_reply_eviction(rq, result);
}

static void look_at_put(struct http_request *rq, const struct result *result, const struct state *state)
{
    if (admin_refuse_undone(rq, result, state))
        return;
    http_reply_json(rq, result->added > 0 ? 201 : 200, json_done(result, state));
    http_reply_eviction(rq, result);
}

static void look_at_gone(struct http_request *rq, const struct result *result, const struct state *unused)
{
    (void)unused;
    if (!admin_refuse_result(rq, result))
        http_reply_empty(rq, 204);
}

static const char *const members[] = {"values"};

void admin_value_add(struct http_request *rq)
{
    static const struct admin_change add = {REQUEST_VALUE_ADD, members, ARRAY_LEN(members), fill_added,
                                            look_at_done};

    admin_submit(rq, &add);
}

void admin_value_remove(struct http_request *rq)
{
    static const struct admin_change remove = {REQUEST_VALUE_REMOVE, members, ARRAY_LEN(members), fill_removed,
                                               look_at_done};

    admin_submit(rq, &remove);
}

void admin_value_put(struct http_request *rq)
{
    static const char *const wishes[] = {"lifetime", "pinned"};
    static const struct admin_change put = {REQUEST_VALUE_ADD, wishes, ARRAY_LEN(wishes), fill_put, look_at_put};

    admin_submit(rq, &put);
}

void admin_value_delete(struct http_request *rq)
{
    static const struct admin_change delete = {REQUEST_VALUE_REMOVE, NULL, 0, fill_deleted, look_at_gone};

    admin_submit(rq, &delete);
}
