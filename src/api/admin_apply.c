/* /v1/apply: accounts with their names and credentials, as a whole.
 *
 * The body is far larger than any other, so it is read only when who sends it is known to administer the server. */
#include <string.h>

#include "api/admin_internal.h"
#include "base/uuid.h"
#include "core/apply.h"

static const char *const members[] = {"accounts"};
static const char *const account_members[] = {"account", "note", "disabled", "limits", "names", "credentials"};
static const char *const limit_members[] = {"names"};
static const char *const name_members[] = {"label", "name", "zone", "domains", "subtree"};
static const char *const credential_members[] = {"label",    "names",   "actions", "kinds",
                                                 "networks", "expires", "tsig"};

/* ---- the request ---- */

/* Room for the rows of a list; NULL: it is empty, or a problem. */
static void *make_rows(const struct body *b, const char *member, size_t max, size_t size, size_t *n)
{
    void *rows;

    *n = body_list(b, member);
    if (*n == 0)
        return NULL;
    if (*n > max) {
        problem_say(b->problem, REFUSAL_TOO_LARGE, "%s%s: %zu of them; at most %zu are possible at once", b->where,
                    member, *n, max);
        return NULL;
    }
    rows = arena_alloc(b->arena, *n * size);
    if (rows == NULL)
        problem_say(b->problem, REFUSAL_FULL, "out of memory");
    return rows;
}

static void read_name(struct request_name *n, const struct body *b)
{
    const char *whole = body_text(b, "name");

    n->label = body_text(b, "label");
    n->zone = body_text(b, "zone");
    n->name = (struct name_ref){NAME_REF_OWNER, whole, whole != NULL ? strlen(whole) : 0};
    n->has_domains = body_has(b, "domains");
    n->domains_add = body_texts(b, "domains", &n->n_domains_add);
    n->has_subtree = body_has(b, "subtree");
    n->subtree = body_flag(b, "subtree", false);
}

static void read_names(struct apply_account *a, const struct body *b)
{
    struct request_name *rows = make_rows(b, "names", APPLY_NAMES_MAX, sizeof *rows, &a->n_names);
    struct body item;

    for (size_t i = 0; rows != NULL && i < a->n_names; i++) {
        if (!body_item(b, &item, "names", i, name_members, ARRAY_LEN(name_members)))
            return;
        read_name(&rows[i], &item);
    }
    a->names = rows;
}

static void read_credentials(struct apply_account *a, const struct body *b)
{
    struct request_credential *rows =
        make_rows(b, "credentials", APPLY_CREDENTIALS_MAX, sizeof *rows, &a->n_credentials);
    struct body item;

    for (size_t i = 0; rows != NULL && i < a->n_credentials; i++) {
        if (!body_item(b, &item, "credentials", i, credential_members, ARRAY_LEN(credential_members)))
            return;
        admin_read_rights(&rows[i], &item);
        rows[i].tsig = body_flag(&item, "tsig", false);
    }
    a->credentials = rows;
}

static void read_account(struct apply_account *a, const struct body *b)
{
    struct body limits;

    a->account.name = body_needed(b, "account");
    a->account.has_note = body_has(b, "note");
    a->account.note = body_text(b, "note");
    a->account.has_disabled = body_has(b, "disabled");
    a->account.disabled = body_flag(b, "disabled", false);
    if (body_object(b, &limits, "limits", limit_members, ARRAY_LEN(limit_members))) {
        a->account.has_names_max = body_has(&limits, "names");
        a->account.names_max = body_u32(&limits, "names", 1);
    }
    read_names(a, b);
    read_credentials(a, b);
}

static void fill(struct http_request *rq, struct request *r, const struct body *b)
{
    struct request_apply *apply = &r->u.apply;
    struct apply_account *rows = make_rows(b, "accounts", APPLY_ACCOUNTS_MAX, sizeof *rows, &apply->n_accounts);
    struct body item;

    for (size_t i = 0; rows != NULL && i < apply->n_accounts; i++) {
        if (!body_item(b, &item, "accounts", i, account_members, ARRAY_LEN(account_members)))
            return;
        read_account(&rows[i], &item);
    }
    if (!body_has(b, "accounts"))
        problem_say(b->problem, REFUSAL_MALFORMED, "accounts is needed");
    apply->accounts = rows;
    apply->mode = query_flag("plan", http_query(rq, "plan"), b->problem) ? APPLY_PLAN_ONLY : APPLY_FOR_GOOD;
    apply->prune = query_flag("prune", http_query(rq, "prune"), b->problem);
    apply->force = query_flag("force", http_query(rq, "force"), b->problem);
    apply->expected = admin_query(rq, "expect", b->arena, b->problem);
    apply->plan = apply_plan_new();
    if (apply->plan == NULL)
        problem_say(b->problem, REFUSAL_FULL, "out of memory");
}

/* ---- the reply ---- */

static json_t *json_text_or_null(const char *text)
{
    return text != NULL ? json_bytes(text, strlen(text)) : json_null();
}

/* item, appended to a list; false: no memory. Takes item. */
static bool append(json_t *list, json_t *item, bool is_whole)
{
    if (is_whole)
        return json_array_append_new(list, item) == 0;
    json_decref(item);
    return false;
}

static json_t *json_changes(const struct apply_step *step)
{
    json_t *list = json_array();

    for (const struct apply_change *change = step->first; change != NULL; change = change->next) {
        json_t *item = json_object();
        bool is_whole = json_put(item, "member", json_string(change->member)) &&
                        json_put(item, "from", json_text_or_null(change->from)) &&
                        json_put(item, "to", json_text_or_null(change->to));
        if (!append(list, item, is_whole)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_domains(const struct apply_step *step)
{
    json_t *list = json_array();

    for (size_t i = 0; i < step->n_domains; i++) {
        if (json_array_append_new(list, json_string(step->domains[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool put_thing(json_t *item, const struct apply_step *step)
{
    char uuid[UUID_TEXT_LEN + 1];

    if (step->thing == APPLY_NAME)
        return json_put(item, "name", json_text_or_null(step->name)) &&
               json_put(item, "domains", json_domains(step)) &&
               (step->action != APPLY_RETIRE || json_put(item, "values", json_integer((json_int_t)step->values)));
    if (step->thing == APPLY_CREDENTIAL)
        return json_put(item, "label", json_text_or_null(step->label)) &&
               json_put(item, "credential",
                        uuid_is_nil(&step->uuid) ? json_null() : json_string(uuid_format(&step->uuid, uuid)));
    return true;
}

static json_t *json_steps(const struct apply_plan *plan)
{
    json_t *list = json_array();

    for (const struct apply_step *step = plan->first; step != NULL; step = step->next) {
        json_t *item = json_object();
        bool is_whole = json_put(item, "action", json_string(apply_action_word(step->action))) &&
                        json_put(item, "what", json_string(apply_thing_word(step->thing))) &&
                        json_put(item, "account", json_text_or_null(step->account)) && put_thing(item, step) &&
                        json_put(item, "changes", json_changes(step));
        if (!append(list, item, is_whole)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* What is shown once. */
static json_t *json_made_secrets(const struct apply_plan *plan, const struct state *s)
{
    static const struct viewer everything = {.sees_all = true};
    json_t *list = json_array();

    for (const struct apply_step *step = plan->first; step != NULL; step = step->next) {
        const struct credential *c = step->secret[0] != '\0' ? state_credential_by_uuid(s, &step->uuid) : NULL;
        json_t *item;
        bool is_whole;
        if (c == NULL)
            continue;
        item = json_object();
        is_whole = json_put(item, "account", json_account(s, c->account)) && json_put_credential(item, s, c->id) &&
                   json_put(item, "names", admin_json_scope(s, &everything, c)) &&
                   json_put(item, "tsig", json_boolean(step->is_tsig)) &&
                   json_put(item, "secret", json_string(step->secret));
        if (!append(list, item, is_whole)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static void look_at_applied(struct http_request *rq, const struct result *result, const struct state *state)
{
    json_t *object;
    bool is_whole;

    if (admin_refuse_undone(rq, result, state))
        return;
    object = json_object();
    is_whole = json_put(object, "plan", json_string(result->plan->id)) &&
               json_put(object, "steps", json_steps(result->plan)) &&
               json_put(object, "unchanged", json_integer((json_int_t)result->plan->unchanged)) &&
               json_put(object, "secrets", json_made_secrets(result->plan, state)) &&
               json_put(object, "change", result->is_change ? json_integer((json_int_t)result->seq) : json_null());
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(rq, 200, object);
}

static const struct admin_change apply = {REQUEST_APPLY, members, ARRAY_LEN(members), fill, look_at_applied};

static void look_who_it_is(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct viewer v;

    if (admin_viewer(&v, rq, result, state))
        http_set_user(rq, (void *)(uintptr_t)&apply);
}

static void read_and_apply(struct http_request *rq, const struct result *unused)
{
    (void)unused;
    admin_submit(rq, http_user(rq));
}

void admin_apply(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SERVER, look_who_it_is, read_and_apply);
}
