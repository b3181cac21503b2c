/* /v1/credentials */
#include <stdio.h>
#include <string.h>

#include "api/admin_internal.h"
#include "base/uuid.h"
#include "core/door.h"
#include "core/resolve.h"
#include "core/value_set.h"

#define CREDENTIAL_PARTS    16
#define COMPARISONS_A_VISIT 16
#define SHOWN_MAX           80

/* ---- as it is shown ---- */

static const char *secret_word(uint8_t kind)
{
    switch (kind) {
    case SECRET_SHA256:
        return "sha256";
    case SECRET_BCRYPT:
        return "bcrypt";
    case SECRET_TSIG:
        return "tsig";
    default:
        return "unknown";
    }
}

static json_t *json_secret(const struct secret *secret)
{
    json_t *object = json_object();

    if (json_put(object, "kind", json_string(secret_word(secret->kind))) &&
        json_put(object, "starts", json_time(secret->starts_s)) &&
        json_put(object, "ends", json_time(secret->ends_s)))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_secrets(const struct state *s, const struct credential *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < credential_n_secrets(c); i++) {
        const struct secret secret = credential_secret(s, c, i);
        if (json_array_append_new(list, json_secret(&secret)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *admin_json_scope(const struct state *s, const struct viewer *v, const struct credential *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < credential_n_names(c); i++) {
        const struct name_entry *n = state_name(s, credential_names(c)[i]);
        if (n != NULL && viewer_sees_name(v, s, n) && json_array_append_new(list, json_owner(s, n)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_last_used(const struct credential *c)
{
    const struct credential_use use = credential_last_use(c);
    json_t *object;

    if (use.at_s == 0)
        return json_null();
    object = json_object();
    if (json_put(object, "time", json_time(use.at_s)) && json_put(object, "from", json_addr(&use.from)) &&
        json_put(object, "door", json_string(door_word((enum door)use.door))))
        return object;
    json_decref(object);
    return NULL;
}

static bool put_rights(json_t *object, const struct state *s, const struct viewer *v, const struct credential *c)
{
    /* Networks that came from elsewhere and cannot be read let nobody in; that must not look like "from
     * everywhere". */
    return json_put(object, "account", json_account(s, c->account)) &&
           json_put(object, "names", admin_json_scope(s, v, c)) &&
           json_put(object, "actions", json_actions(credential_actions(c))) &&
           json_put(object, "kinds", json_kinds(credential_kinds(c))) &&
           json_put(object, "networks", json_nets(credential_networks(c), credential_n_networks(c))) &&
           (!credential_networks_invalid(c) || json_put(object, "networks-invalid", json_true()));
}

json_t *admin_json_credential(const struct state *s, const struct viewer *v, const struct credential *c)
{
    json_t *object = json_object();

    if (json_put_credential(object, s, c->id) && put_rights(object, s, v, c) &&
        json_put(object, "created", json_time(credential_created_s(s, c))) &&
        json_put(object, "expires", json_time(credential_expires_s(c))) &&
        json_put(object, "revoked", json_time(credential_revoked_s(c))) &&
        json_put(object, "last-used", json_last_used(c)) && json_put(object, "secrets", json_secrets(s, c)))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

struct credential_filter {
    uint32_t name;    /* 0: any */
    uint32_t account; /* 0: any */
    bool unused, revoked;
};

/* ?name= &account= &unused= &revoked=; false: the reply is set. */
static bool read_filter(struct credential_filter *f, struct http_request *rq, const struct viewer *v,
                        const struct state *s, struct problem *problem)
{
    const char *name = admin_query(rq, "name", http_arena(rq), problem);
    const char *account = admin_query(rq, "account", http_arena(rq), problem);
    const struct account *a = account != NULL ? state_resolve_account(s, v, account) : NULL;
    struct result why;

    *f = (struct credential_filter){.account = a != NULL ? a->id : 0};
    f->unused = query_flag("unused", http_query(rq, "unused"), problem);
    f->revoked = query_flag("revoked", http_query(rq, "revoked"), problem);
    if (account != NULL && a == NULL)
        problem_say(problem, REFUSAL_NOT_FOUND, "there is no account \"%.*s\"", SHOWN_MAX, account);
    if (admin_refuse_problem(rq, problem))
        return false;
    if (name != NULL) {
        struct name_ref ref = {NAME_REF_ANY, name, strlen(name)};
        const struct name_entry *n = state_resolve_name(s, v, &ref, &why);
        if (n == NULL) {
            admin_reply_refused(rq, &why);
            return false;
        }
        f->name = name_id(n);
    }
    return true;
}

static bool passes(const struct credential_filter *f, const struct credential *c)
{
    bool is_for_name = f->name == 0;

    for (size_t i = 0; !is_for_name && i < credential_n_names(c); i++)
        is_for_name = credential_names(c)[i] == f->name;
    return is_for_name && (f->account == 0 || c->account == f->account) &&
           (f->revoked || credential_revoked_s(c) == 0) && (!f->unused || credential_last_used_s(c) == 0);
}

/* Without `manage` there is one at most; no need to look at all. */
static void add_own(struct page *page, const struct credential_filter *f, const struct viewer *v,
                    const struct state *s)
{
    const struct credential *own = v->credential;

    if (own->id > page->at && passes(f, own) && page_jump(page, own->id))
        page_add(page, admin_json_credential(s, v, own),
                 CREDENTIAL_PARTS + credential_n_names(own) + credential_n_networks(own));
}

static void add_all(struct page *page, const struct credential_filter *f, const struct viewer *v,
                    const struct state *s)
{
    for (uint32_t id; (id = page_next(page, state_last_credential(s))) != 0;) {
        const struct credential *c = state_credential(s, id);
        if (c == NULL || !passes(f, c))
            continue;
        if (!v->sees_all) /* comparing two scopes is work, too */
            page->visits +=
                (uint32_t)(credential_n_names(c) * credential_n_names(v->credential) / COMPARISONS_A_VISIT);
        if (viewer_sees_credential(v, s, c))
            page_add(page, admin_json_credential(s, v, c),
                     CREDENTIAL_PARTS + credential_n_names(c) + credential_n_networks(c));
    }
}

static void look_at_list(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct credential_filter f;
    struct viewer v;
    struct page page;

    if (!admin_viewer(&v, rq, result, state))
        return;
    page_init(&page, http_query(rq, "limit"), http_query(rq, "after"), &problem);
    if (!read_filter(&f, rq, &v, state, &problem)) {
        page_fini(&page);
        return;
    }
    if (v.sees_all || (credential_actions(v.credential) & ACTION_MANAGE) != 0)
        add_all(&page, &f, &v, state);
    else
        add_own(&page, &f, &v, state);
    http_reply_json(rq, 200, page_give(&page));
}

void admin_credential_list(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_OWN, look_at_list, NULL);
}

/* The one in the path: a UUID, or a label with ?name=. */
static struct credential_ref read_ref(struct http_request *rq, struct arena *arena, struct problem *problem)
{
    const char *name = admin_query(rq, "name", arena, problem);

    return (struct credential_ref){.text = admin_param(rq, "credential", arena, problem),
                                   .name = {NAME_REF_ANY, name, name != NULL ? strlen(name) : 0}};
}

static void look_at_one(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct credential_ref ref = read_ref(rq, http_arena(rq), &problem);
    const struct credential *c;
    struct result why;
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state) || admin_refuse_problem(rq, &problem))
        return;
    c = state_resolve_credential(state, &v, &ref, &why);
    if (c == NULL)
        admin_reply_refused(rq, &why);
    else
        http_reply_json(rq, 200, admin_json_credential(state, &v, c));
}

void admin_credential_show(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_OWN, look_at_one, NULL);
}

/* ---- changes ---- */

void admin_read_rights(struct request_credential *c, const struct body *b)
{
    c->label = body_text(b, "label");
    c->has_names = body_has(b, "names");
    c->names = body_names(b, "names", &c->n_names);
    c->has_actions = body_has(b, "actions");
    c->actions = body_actions(b, "actions");
    c->kinds = body_kinds(b, "kinds");
    c->has_networks = body_has(b, "networks");
    c->networks = body_nets(b, "networks", &c->n_networks);
    c->has_expires = body_has(b, "expires");
    c->expires_s = body_time(b, "expires");
}

static void fill_new(struct http_request *rq, struct request *r, const struct body *b)
{
    (void)rq;
    r->u.credential.account = body_text(b, "account");
    r->u.credential.tsig = body_flag(b, "tsig", false);
    admin_read_rights(&r->u.credential, b);
}

/* The credential of a result, with its secret when there is a new one. */
static json_t *json_result(const struct state *s, const struct result *result)
{
    static const struct viewer everything = {.sees_all = true}; /* who made it knows what it is for */
    json_t *object = admin_json_credential(s, &everything, state_credential(s, result->credential));

    if (object == NULL || result->secret[0] == '\0' || json_put(object, "secret", json_string(result->secret)))
        return object;
    json_decref(object);
    return NULL;
}

static void look_at_made(struct http_request *rq, const struct result *result, const struct state *state)
{
    char uuid[UUID_TEXT_LEN + 1];

    if (admin_refuse_undone(rq, result, state))
        return;
    uuid_format(&state_credential(state, result->credential)->uuid, uuid);
    admin_reply_created(rq, json_result(state, result), "/v1/credentials/", uuid);
}

static void look_at_done(struct http_request *rq, const struct result *result, const struct state *state)
{
    if (!admin_refuse_undone(rq, result, state))
        http_reply_json(rq, 200, json_result(state, result));
}

void admin_credential_create(struct http_request *rq)
{
    static const char *const members[] = {"account", "label",    "names",   "actions",
                                          "kinds",   "networks", "expires", "tsig"};
    static const struct admin_change create = {REQUEST_CREDENTIAL_CREATE, members, ARRAY_LEN(members), fill_new,
                                               look_at_made};

    admin_submit(rq, &create);
}

static bool is_signed(const struct name_ref *name)
{
    return name->len > 0 && (name->text[0] == '+' || name->text[0] == '-');
}

/* "names" is the whole new scope, or only what changes in it: "+NAME" comes, "-NAME" goes. */
static void split_names(struct request_credential *c, const struct body *b)
{
    struct name_ref *come = arena_alloc(b->arena, (c->n_names + 1) * sizeof *come);
    struct name_ref *go = arena_alloc(b->arena, (c->n_names + 1) * sizeof *go);
    size_t n_come = 0, n_go = 0;

    if (come == NULL || go == NULL) {
        problem_say(b->problem, REFUSAL_FULL, "out of memory");
        return;
    }
    for (size_t i = 0; i < c->n_names; i++) {
        struct name_ref name = c->names[i];
        if (!is_signed(&name)) {
            problem_say(b->problem, REFUSAL_MALFORMED,
                        "names: either all of them, or changes only, each with + or -");
            return;
        }
        name.text++;
        name.len--;
        if (name.text[-1] == '+')
            come[n_come++] = name;
        else
            go[n_go++] = name;
    }
    c->has_names = false;
    c->names = come;
    c->n_names = n_come;
    c->names_remove = go;
    c->n_names_remove = n_go;
}

static void fill_set(struct http_request *rq, struct request *r, const struct body *b)
{
    struct request_credential *c = &r->u.credential;
    bool is_change = false;

    c->credential = read_ref(rq, &r->arena, b->problem);
    admin_read_rights(c, b);
    for (size_t i = 0; i < c->n_names; i++)
        is_change = is_change || is_signed(&c->names[i]);
    if (is_change)
        split_names(c, b);
}

void admin_credential_patch(struct http_request *rq)
{
    static const char *const members[] = {"label", "names", "actions", "kinds", "networks", "expires"};
    static const struct admin_change set = {REQUEST_CREDENTIAL_SET, members, ARRAY_LEN(members), fill_set,
                                            look_at_done};

    admin_submit(rq, &set);
}

static void fill_rotate(struct http_request *rq, struct request *r, const struct body *b)
{
    r->u.credential.credential = read_ref(rq, &r->arena, b->problem);
    r->u.credential.overlap_s = body_duration_s(b, "overlap", 0);
    r->u.credential.tsig = body_flag(b, "tsig", false);
}

void admin_credential_rotate(struct http_request *rq)
{
    static const char *const members[] = {"overlap", "tsig"};
    static const struct admin_change rotate = {REQUEST_CREDENTIAL_ROTATE, members, ARRAY_LEN(members), fill_rotate,
                                               look_at_done};

    admin_submit(rq, &rotate);
}

/* ---- revoking ---- */

static void fill_revoke(struct http_request *rq, struct request *r, const struct body *b)
{
    r->u.credential.credential = read_ref(rq, &r->arena, b->problem);
    r->u.credential.with_values = query_flag("with-values", http_query(rq, "with-values"), b->problem);
}

/* Values of the names in its scope on which it still has a claim. */
static size_t count_live_values(const struct state *s, const struct credential *c)
{
    size_t n = 0;

    for (size_t i = 0; i < credential_n_names(c); i++) {
        const struct name_entry *name = state_name(s, credential_names(c)[i]);
        const struct value_set *vs = name != NULL ? name_values(s, name) : NULL;

        for (size_t k = 0; vs != NULL && k < vs->n; k++)
            n += value_claim_of(&vs->values[k], c->id) != NULL ? 1u : 0u;
    }
    return n;
}

static void look_at_revoked(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct credential *c;
    json_t *object;
    bool is_whole;

    if (admin_refuse_undone(rq, result, state))
        return;
    c = state_credential(state, result->credential);
    object = json_object();
    is_whole = json_put_credential(object, state, c->id) && json_put(object, "last-used", json_last_used(c)) &&
               json_put(object, "live-values", json_integer((json_int_t)count_live_values(state, c))) &&
               json_put(object, "removed", json_integer((json_int_t)result->removed));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(rq, 200, object);
}

void admin_credential_delete(struct http_request *rq)
{
    static const struct admin_change revoke = {REQUEST_CREDENTIAL_REVOKE, NULL, 0, fill_revoke, look_at_revoked};

    admin_submit(rq, &revoke);
}
