/* /v1/refusals: what was refused lately. */
#include <stdio.h>
#include <string.h>

#include "api/admin_internal.h"
#include "core/door.h"
#include "core/resolve.h"

#define US_PER_S  INT64_C(1000000)
#define PLACE_MAX 64 /* of a page in the refusals: time and request */

static json_t *json_refusal(const struct state *s, const struct refusal_record *r)
{
    json_t *object = json_object();

    if (json_put(object, "time", json_time_us(r->time_us)) &&
        json_put(object, "door", json_string(door_word(r->door))) &&
        json_put(object, "from", json_addr(&r->client)) && json_put(object, "who", json_string(r->who)) &&
        json_put(object, "account", json_account(s, r->account)) &&
        json_put(object, "name", json_string(r->name)) &&
        json_put(object, "reason", json_string(refusal_word(r->reason))) &&
        json_put(object, "detail", json_string(r->detail)) &&
        json_put(object, "request", json_string(r->request_id)))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- refusals ---- */

struct refusal_list {
    struct refusal_record *records; /* newest first */
    size_t n;
    const char *after, *request, *account;
    size_t limit;
};

/* What `next` says of a record: its time and request, which stay with it while others come in. */
static void format_place(char out[PLACE_MAX], const struct refusal_record *r)
{
    (void)snprintf(out, PLACE_MAX, "%lld-%s", (long long)r->time_us, r->request_id);
}

/* The first record of the page. One that has left the ring took all older ones with it. */
static size_t find_begin(const struct refusal_list *list)
{
    char place[PLACE_MAX];

    if (list->after == NULL)
        return 0;
    for (size_t i = 0; i < list->n; i++) {
        format_place(place, &list->records[i]);
        if (strcmp(place, list->after) == 0)
            return i + 1;
    }
    return list->n;
}

static json_t *json_list(json_t *items, const struct refusal_record *last, bool more)
{
    json_t *list = json_object();
    char place[PLACE_MAX];
    bool is_whole = json_put(list, "items", items);

    if (is_whole && more) {
        format_place(place, last);
        is_whole = json_put(list, "next", json_string(place));
    }
    if (is_whole)
        return list;
    json_decref(list);
    return NULL;
}

/* A holder sees what was refused to its credential. */
static bool is_shown(const struct refusal_record *r, const struct viewer *v)
{
    return v->sees_all || r->credential == v->credential->id;
}

static json_t *json_refusals(const struct refusal_list *list, const struct viewer *v, const struct state *s,
                             const struct account *account)
{
    const struct refusal_record *last = NULL;
    json_t *items = json_array();
    bool more = false;

    for (size_t i = find_begin(list); i < list->n && !more; i++) {
        const struct refusal_record *r = &list->records[i];
        if (!is_shown(r, v) || (account != NULL && r->account != account->id) ||
            (list->request != NULL && strcmp(r->request_id, list->request) != 0))
            continue;
        more = json_array_size(items) == list->limit;
        if (more)
            break;
        last = r;
        if (json_array_append_new(items, json_refusal(s, r)) != 0) {
            json_decref(items);
            return NULL;
        }
    }
    return json_list(items, last, more);
}

static void look_at_refusals(struct http_request *rq, const struct result *result, const struct state *state)
{
    const struct refusal_list *list = http_user(rq);
    const struct account *account = NULL;
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state))
        return;
    if (list->account != NULL) {
        account = state_resolve_account(state, &v, list->account);
        if (account == NULL) {
            admin_refuse_missing(rq, "there is no such account", "riposte account list shows all accounts");
            return;
        }
    }
    http_reply_json(rq, 200, json_refusals(list, &v, state, account));
}

void admin_refusals(struct http_request *rq)
{
    struct refusal_list *list = arena_alloc(http_arena(rq), sizeof *list);
    struct problem problem = {.reason = REFUSAL_NONE};
    struct page page;
    int64_t since_s;

    if (admin_refuse_nobody(rq))
        return;
    if (list == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return;
    }
    page_init(&page, http_query(rq, "limit"), NULL, &problem);
    list->limit = page.limit;
    page_fini(&page);
    list->after = admin_query(rq, "after", http_arena(rq), &problem);
    list->request = admin_query(rq, "request", http_arena(rq), &problem);
    list->account = admin_query(rq, "account", http_arena(rq), &problem);
    since_s = query_time("since", http_query(rq, "since"), 0, &problem);
    list->records = arena_alloc(http_arena(rq), REFUSALS_MAX * sizeof *list->records);
    if (list->records == NULL)
        problem_say(&problem, REFUSAL_FULL, "out of memory");
    if (admin_refuse_problem(rq, &problem))
        return;
    list->n = refusals_read(http_services(rq)->refusals, since_s * US_PER_S, list->records, REFUSALS_MAX);
    http_set_user(rq, list);
    admin_inspect(rq, LOOK_AT_OWN, look_at_refusals, NULL);
}
