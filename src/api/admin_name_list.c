/* GET /v1/names
 *
 * The idle ones are found in several short looks: names that have no newer claim, then portion by portion the
 * credentials that were used since, which takes the names in their scope out again. A name is idle only when nobody
 * who may change it has changed anything: values expire after days, so their absence alone says nothing about a
 * host that renews every two months. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "base/clock.h"
#include "core/domain.h"
#include "core/resolve.h"
#include "core/value_set.h"

#define NAME_PARTS  12
#define SHOWN_MAX   80
#define IDLE_MAX_S  UINT32_MAX
#define NEVER_NEWER INT64_MAX

struct name_filter {
    bool by_account, by_domain, retired;
    uint32_t account;
    char domain[DOMAIN_TEXT_MAX];
    int64_t idle_since_s; /* NEVER_NEWER: idle or not */
};

static void filter_account(struct name_filter *f, struct http_request *rq, const struct viewer *v,
                           const struct state *s, struct problem *problem)
{
    const char *name = admin_query(rq, "account", http_arena(rq), problem);
    const struct account *a;

    f->by_account = name != NULL;
    if (name == NULL)
        return;
    a = state_resolve_account(s, v, name);
    if (a != NULL) {
        f->account = a->id;
        return;
    }
    problem_say(problem, REFUSAL_NOT_FOUND, "there is no account \"%.*s\"", SHOWN_MAX, name);
    (void)snprintf(problem->hint, sizeof problem->hint, "riposte account list shows all accounts");
}

static void filter_domain(struct name_filter *f, struct http_request *rq, struct problem *problem)
{
    const char *domain = admin_query(rq, "domain", http_arena(rq), problem);

    f->by_domain = domain != NULL;
    if (domain != NULL && domain_normalise(f->domain, domain, strlen(domain)) != ERR_OK)
        problem_say(problem, REFUSAL_MALFORMED, "\"%.*s\" is not a domain that a certificate can be for", SHOWN_MAX,
                    domain);
}

/* ?account= &domain= &retired= &idle= */
static void filter_read(struct name_filter *f, struct http_request *rq, const struct viewer *v,
                        const struct state *s, struct problem *problem)
{
    const char *idle = http_query(rq, "idle");

    *f = (struct name_filter){.idle_since_s = NEVER_NEWER};
    f->retired = query_flag("retired", http_query(rq, "retired"), problem);
    filter_account(f, rq, v, s, problem);
    filter_domain(f, rq, problem);
    if (idle != NULL)
        f->idle_since_s = clock_real_s(&clock_system) - (int64_t)query_number("idle", idle, 0, IDLE_MAX_S, problem);
}

static bool lists_domain(const struct name_entry *n, const char *domain)
{
    for (size_t i = 0; i < name_n_domains(n); i++)
        if (strcmp(name_domain(n, i), domain) == 0)
            return true;
    return false;
}

static bool has_newer_claim(const struct state *s, const struct name_entry *n, int64_t than_s)
{
    const struct value_set *vs = name_values(s, n);

    /* The newest by order is the last. */
    return vs->n > 0 && value_newest_claim(&vs->values[vs->n - 1])->added_s > than_s;
}

static bool passes(const struct state *s, const struct name_filter *f, const struct name_entry *n)
{
    return n != NULL && (f->retired || name_retired_s(n) == 0) &&
           (!f->by_account || name_account(n) == f->account) && (!f->by_domain || lists_domain(n, f->domain)) &&
           name_created_s(n) <= f->idle_since_s && !has_newer_claim(s, n, f->idle_since_s);
}

/* ---- all that pass, in one look ---- */

static void add_name(struct http_request *rq, struct page *page, const struct state *s, const struct name_entry *n)
{
    page_add(page, admin_json_name(rq, s, n), NAME_PARTS + name_n_domains(n));
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t ia = *(const uint32_t *)a, ib = *(const uint32_t *)b;

    return (ia > ib) - (ia < ib);
}

/* Where to look for names: at all of them, or at some whose ids are known. */
struct name_ids {
    bool all;
    size_t n;
    uint32_t *ids; /* ascending */
};

/* Live names that list a domain, and those in the scope of who looks, are found without looking at all names.
 * False: no memory. */
static bool ids_find(struct name_ids *where, struct http_request *rq, const struct viewer *v, const struct state *s,
                     const struct name_filter *f)
{
    const struct credential *c = v->credential;

    *where = (struct name_ids){.all = v->sees_all && (!f->by_domain || f->retired)};
    if (where->all)
        return true;
    where->n =
        v->sees_all ? state_names_by_domain(s, f->domain, strlen(f->domain), NULL, 0) : credential_n_names(c);
    where->ids = arena_alloc(http_arena(rq), (where->n + 1) * sizeof *where->ids);
    if (where->ids == NULL)
        return false;
    memset(where->ids, 0, (where->n + 1) * sizeof *where->ids);
    if (v->sees_all)
        (void)state_names_by_domain(s, f->domain, strlen(f->domain), where->ids, where->n);
    else if (where->n > 0)
        memcpy(where->ids, credential_names(c), where->n * sizeof *where->ids);
    qsort(where->ids, where->n, sizeof *where->ids, compare_ids);
    return true;
}

/* The next name of a page; 0: the page ends here. */
static uint32_t ids_next(const struct name_ids *where, struct page *page, const struct state *s)
{
    if (where->all)
        return page_next(page, state_last_name(s));
    for (size_t i = 0; i < where->n; i++)
        if (where->ids[i] > page->at)
            return page_jump(page, where->ids[i]) ? where->ids[i] : 0;
    return 0;
}

static void look_at_list(struct http_request *rq, const struct result *result, const struct state *state)
{
    struct problem problem = {.reason = REFUSAL_NONE};
    struct name_ids where = {0};
    struct name_filter f;
    struct viewer v;
    struct page page;

    if (!admin_viewer(&v, rq, result, state))
        return;
    filter_read(&f, rq, &v, state, &problem);
    page_init(&page, http_query(rq, "limit"), http_query(rq, "after"), &problem);
    if (!problem_is(&problem) && !ids_find(&where, rq, &v, state, &f))
        problem_say(&problem, REFUSAL_FULL, "out of memory");
    if (admin_refuse_problem(rq, &problem)) {
        page_fini(&page);
        return;
    }
    for (uint32_t id; (id = ids_next(&where, &page, state)) != 0;)
        if (passes(state, &f, state_name(state, id)) && viewer_sees_name(&v, state, state_name(state, id)))
            add_name(rq, &page, state, state_name(state, id));
    http_reply_json(rq, 200, page_give(&page));
}

/* ---- idle ones ---- */

struct idle {
    struct http_request *rq;
    struct name_filter filter;
    struct page page;
    struct problem problem;
    uint32_t ids[PAGE_MAX]; /* ascending; page.n of them */
    bool used[PAGE_MAX];
    uint32_t credential; /* looked at last */
    uint32_t last_credential;
};

static void collect(void *arg, const struct viewer *v, const struct state *state)
{
    struct idle *idle = arg;
    struct name_ids where = {0};

    filter_read(&idle->filter, idle->rq, v, state, &idle->problem);
    page_init(&idle->page, http_query(idle->rq, "limit"), http_query(idle->rq, "after"), &idle->problem);
    if (!problem_is(&idle->problem) && !ids_find(&where, idle->rq, v, state, &idle->filter))
        problem_say(&idle->problem, REFUSAL_FULL, "out of memory");
    if (problem_is(&idle->problem))
        return;
    for (uint32_t id; (id = ids_next(&where, &idle->page, state)) != 0;)
        if (passes(state, &idle->filter, state_name(state, id)) &&
            viewer_sees_name(v, state, state_name(state, id)))
            idle->ids[idle->page.n++] = id;
    idle->last_credential = state_last_credential(state);
}

static void mark_used(struct idle *idle, const struct credential *c)
{
    for (size_t i = 0; i < credential_n_names(c); i++) {
        const uint32_t *found =
            bsearch(&credential_names(c)[i], idle->ids, idle->page.n, sizeof idle->ids[0], compare_ids);
        if (found != NULL)
            idle->used[found - idle->ids] = true;
    }
}

/* The next portion of the credentials. */
static void look_at_uses(void *arg, const struct viewer *unused, const struct state *state)
{
    struct idle *idle = arg;
    uint32_t end = idle->last_credential;

    (void)unused;
    if (end - idle->credential > PAGE_VISITS_MAX)
        end = idle->credential + PAGE_VISITS_MAX;
    while (idle->credential < end) {
        const struct credential *c = state_credential(state, ++idle->credential);
        if (c != NULL && credential_last_used_s(c) > idle->filter.idle_since_s)
            mark_used(idle, c);
    }
}

static void show_rest(void *arg, const struct viewer *v, const struct state *state)
{
    struct idle *idle = arg;
    size_t n = idle->page.n;

    idle->page.n = 0;
    for (size_t i = 0; i < n && idle->page.items != NULL; i++) {
        const struct name_entry *name = state_name(state, idle->ids[i]);
        if (!idle->used[i] && name != NULL && viewer_sees_name(v, state, name))
            add_name(idle->rq, &idle->page, state, name);
    }
}

/* False: the reply is set. */
static bool look(struct idle *idle, admin_look *at)
{
    return admin_look_now(idle->rq, LOOK_AT_NAMES, at, idle) && !admin_refuse_problem(idle->rq, &idle->problem);
}

static void find_idle(struct http_request *rq)
{
    struct idle *idle = calloc(1, sizeof *idle);
    bool goes_on;

    if (idle == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return;
    }
    idle->rq = rq;
    goes_on = look(idle, collect);
    while (goes_on && idle->credential < idle->last_credential)
        goes_on = look(idle, look_at_uses);
    if (goes_on && look(idle, show_rest))
        http_reply_json(rq, 200, page_give(&idle->page));
    page_fini(&idle->page);
    free(idle);
}

void admin_name_list(struct http_request *rq)
{
    if (http_query(rq, "idle") != NULL)
        admin_offload(rq, LOOK_AT_NAMES, find_idle);
    else
        admin_inspect(rq, LOOK_AT_NAMES, look_at_list, NULL);
}
