/* /v1/names/{name}, and making one; lists are in admin_name_list.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"

#define ALIASES_SHOWN 256 /* of one name; more than there can be */

static json_t *json_domains(const struct name_entry *n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < name_n_domains(n); i++) {
        if (json_array_append_new(list, json_string(name_domain(n, i))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int compare_ids(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* In the order in which they were made. */
static json_t *json_aliases(const struct state *s, const struct name_entry *n)
{
    json_t *list = json_array();
    uint32_t ids[ALIASES_SHOWN];
    size_t n_ids = state_aliases_of(s, name_id(n), ids, ARRAY_LEN(ids));
    char text[NAME_TEXT_MAX];

    n_ids = n_ids < ARRAY_LEN(ids) ? n_ids : ARRAY_LEN(ids);
    qsort(ids, n_ids, sizeof ids[0], compare_ids);
    for (size_t i = 0; i < n_ids; i++) {
        if (json_array_append_new(list, json_string(name_format(&state_alias(s, ids[i])->fqdn, text))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *admin_json_name(struct http_request *rq, const struct state *s, const struct name_entry *n)
{
    json_t *object = json_object();

    if (json_put(object, "name", json_owner(s, n)) && json_put(object, "label", json_label(s, n)) &&
        json_put(object, "account", json_account(s, name_account(n))) &&
        json_put(object, "domains", json_domains(n)) && json_put(object, "aliases", json_aliases(s, n)) &&
        json_put(object, "subtree", json_boolean(name_has_subtree(n))) &&
        json_put(object, "created", json_time(name_created_s(n))) &&
        json_put(object, "retired", json_time(name_retired_s(n))) &&
        json_put(object, "values", json_integer((json_int_t)name_n_values(n))) &&
        json_put(object, "octets", json_integer((json_int_t)name_octets(n))) &&
        json_put(object, "budget", json_integer((json_int_t)http_values_budget(rq))))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

static void look_at_one(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct name_entry *n = admin_find_name(rq, result, state);

    if (n != NULL)
        http_reply_json(rq, 200, admin_json_name(rq, state, n));
}

void admin_name_show(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_NAMES, look_at_one, NULL);
}

/* ---- changes ---- */

static void fill_new(struct http_request *rq, struct request *r, const struct body *b)
{
    struct request_name *name = &r->u.name;

    (void)rq;
    name->account = body_needed(b, "account");
    name->zone = body_text(b, "zone");
    name->label = body_text(b, "label");
    name->domains_add = body_texts(b, "domains", &name->n_domains_add);
    name->subtree = body_flag(b, "subtree", false);
    name->has_subtree = true;
    name->revive = body_flag(b, "revive", false);
}

static void look_at_made(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct name_entry *n;
    char text[NAME_TEXT_MAX];
    struct name owner;

    if (admin_refuse_undone(rq, result, state))
        return;
    n = state_name(state, result->name);
    name_owner(state, n, &owner); /* its labels are what label_parse() takes: nothing to escape in a path */
    admin_reply_created(rq, admin_json_name(rq, state, n), "/v1/names/", name_format(&owner, text));
}

void admin_name_create(struct http_request *rq)
{
    static const char *const members[] = {"account", "zone", "label", "domains", "subtree", "revive"};
    static const struct admin_change create = {REQUEST_NAME_CREATE, members, ARRAY_LEN(members), fill_new,
                                               look_at_made};

    admin_submit(rq, &create);
}

static void fill_set(struct http_request *rq, struct request *r, const struct body *b)
{
    static const char *const lists[] = {"add", "remove"};
    struct request_name *name = &r->u.name;
    struct body domains, aliases;

    name->name = admin_param_name(rq, &r->arena, b->problem);
    name->account = body_text(b, "account");
    name->has_subtree = body_has(b, "subtree");
    name->subtree = body_flag(b, "subtree", false);
    if (body_object(b, &domains, "domains", lists, ARRAY_LEN(lists))) {
        name->domains_add = body_texts(&domains, "add", &name->n_domains_add);
        name->domains_remove = body_texts(&domains, "remove", &name->n_domains_remove);
    }
    if (body_object(b, &aliases, "aliases", lists, ARRAY_LEN(lists))) {
        name->aliases_add = body_texts(&aliases, "add", &name->n_aliases_add);
        name->aliases_remove = body_texts(&aliases, "remove", &name->n_aliases_remove);
    }
}

static void look_at_done(struct http_request *rq, const struct result *result, const struct state *state)
{
    if (!admin_refuse_undone(rq, result, state))
        http_reply_json(rq, 200, admin_json_name(rq, state, state_name(state, result->name)));
}

void admin_name_patch(struct http_request *rq)
{
    static const char *const members[] = {"account", "domains", "aliases", "subtree"};
    static const struct admin_change set = {REQUEST_NAME_SET, members, ARRAY_LEN(members), fill_set, look_at_done};

    admin_submit(rq, &set);
}

static void fill_delete(struct http_request *rq, struct request *r, const struct body *b)
{
    r->u.name.name = admin_param_name(rq, &r->arena, b->problem);
    r->u.name.force = query_flag("force", http_query(rq, "force"), b->problem);
}

static void look_at_gone(struct http_request *rq, const struct result *result, const struct state *state)
{
    (void)state;
    if (!admin_refuse_result(rq, result))
        http_reply_empty(rq, 204);
}

void admin_name_delete(struct http_request *rq)
{
    static const struct admin_change delete = {REQUEST_NAME_DELETE, NULL, 0, fill_delete, look_at_gone};

    admin_submit(rq, &delete);
}
