/* GET /v1/journal: changes in order.
 *
 * Three steps on a thread that may wait: find what is asked for and what the caller sees; read the journal from
 * disk; put the names to the ids. A holder gets the effects on the names in its scope, those on its own credential,
 * and all of what it has done itself. With `wait`, a page without items is not sent: the request is parked until
 * the journal has grown, and the three steps are done again, so that who has been revoked meanwhile sees nothing
 * any more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "base/uuid.h"
#include "core/door.h"
#include "core/resolve.h"

#define SCAN_MAX    100000 /* entries of the journal for one page */
#define WAIT_MAX_MS 60000
#define SHOWN_MAX   80

enum blank_kind { BLANK_NAME, BLANK_CREDENTIAL, BLANK_ACCOUNT, BLANK_ZONE, BLANK_ALIAS };

/* An id in an item, whose text is the state's to tell. */
struct blank {
    json_t *object;     /* in the page */
    const char *member; /* static */
    enum blank_kind what;
    uint32_t id;
};

/* What stays while a request is parked. */
struct followed {
    uint64_t after;
    int64_t until_ms; /* 0: never waited */
};

struct reading {
    struct http_request *rq;
    struct problem problem;
    struct journal_filter filter;
    uint64_t reached;  /* the position up to which it was read */
    struct result why; /* what was asked for and is not there */
    bool is_missing;
    /* Who looks: its own credential, and the names in its scope, ascending. */
    bool sees_all;
    uint32_t credential;
    size_t n_scope;
    uint32_t *scope;

    size_t limit, parts;
    json_t *items;
    struct maker *makers; /* one an item */
    size_t n_blanks, cap_blanks;
    struct blank *blanks;
    bool no_memory;
};

/* Who made an entry. */
struct maker {
    uint32_t credential, account;
    enum door door;
};

/* ---- what is asked for ---- */

static int compare_ids(const void *a, const void *b)
{
    uint32_t ia = *(const uint32_t *)a, ib = *(const uint32_t *)b;

    return (ia > ib) - (ia < ib);
}

static void find_scope(struct reading *r, const struct viewer *v, const struct state *s)
{
    const struct credential *c = v->credential;

    r->sees_all = v->sees_all;
    r->credential = c != NULL ? c->id : CREDENTIAL_ADMIN;
    r->n_scope = 0;
    if (r->sees_all)
        return;
    r->scope = arena_alloc(http_arena(r->rq), (credential_n_names(c) + 1) * sizeof *r->scope);
    r->no_memory = r->scope == NULL;
    for (size_t i = 0; !r->no_memory && i < credential_n_names(c); i++) {
        const struct name_entry *n = state_name(s, credential_names(c)[i]);
        if (n != NULL && viewer_sees_name(v, s, n))
            r->scope[r->n_scope++] = name_id(n);
    }
    if (!r->no_memory)
        qsort(r->scope, r->n_scope, sizeof *r->scope, compare_ids);
}

static void find_name(struct reading *r, const struct viewer *v, const struct state *s)
{
    const char *text = admin_query(r->rq, "name", http_arena(r->rq), &r->problem);
    const struct name_entry *n;

    if (text == NULL)
        return;
    n = state_resolve_name(s, v, &(struct name_ref){NAME_REF_ANY, text, strlen(text)}, &r->why);
    r->is_missing = n == NULL;
    r->filter.name = n != NULL ? name_id(n) : 0;
}

static void find_account(struct reading *r, const struct viewer *v, const struct state *s)
{
    const char *text = admin_query(r->rq, "account", http_arena(r->rq), &r->problem);
    const struct account *a = text != NULL ? state_resolve_account(s, v, text) : NULL;

    if (text != NULL && a == NULL)
        problem_say(&r->problem, REFUSAL_NOT_FOUND, "there is no account \"%.*s\"", SHOWN_MAX, text);
    r->filter.account = a != NULL ? a->id : 0;
}

static void find_credential(struct reading *r, const struct viewer *v, const struct state *s)
{
    struct credential_ref ref = {.text = admin_query(r->rq, "credential", http_arena(r->rq), &r->problem)};
    const struct credential *c;

    if (ref.text == NULL || r->is_missing)
        return;
    c = state_resolve_credential(s, v, &ref, &r->why);
    r->is_missing = c == NULL;
    r->filter.credential = c != NULL ? c->id : 0;
}

static void find(void *arg, const struct viewer *v, const struct state *state)
{
    struct reading *r = arg;

    find_scope(r, v, state);
    find_name(r, v, state);
    find_account(r, v, state);
    find_credential(r, v, state);
}

/* ?since= is a time, or the number of a change, after which to begin. */
static void read_since(struct reading *r)
{
    const char *text = http_query(r->rq, "since");

    if (text == NULL)
        return;
    if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text))
        r->filter.after_seq = query_number("since", text, 0, INT64_MAX, &r->problem);
    else
        r->filter.since_s = query_time("since", text, 0, &r->problem);
}

static int64_t read_wait_ms(struct reading *r)
{
    const char *text = http_query(r->rq, "wait");
    int64_t ms = 0;

    if (text != NULL && (quantity_parse_duration_ms(&ms, text, strlen(text)) != ERR_OK || ms > WAIT_MAX_MS))
        problem_say(&r->problem, REFUSAL_MALFORMED, "wait: \"%.*s\" is not a time of at most 60s", SHOWN_MAX, text);
    return ms;
}

/* What stays from one call to the next; NULL: the reply is set. */
static struct followed *read_query(struct reading *r)
{
    struct followed *f = http_user(r->rq);
    struct page page;
    uint64_t after;

    read_since(r);
    page_init(&page, http_query(r->rq, "limit"), NULL, &r->problem);
    r->limit = page.limit;
    page_fini(&page);
    r->filter.request_id = admin_query(r->rq, "request", http_arena(r->rq), &r->problem);
    after = query_number("after", http_query(r->rq, "after"), 0, INT64_MAX, &r->problem);
    if (f == NULL) {
        int64_t wait_ms = read_wait_ms(r);
        f = arena_alloc(http_arena(r->rq), sizeof *f);
        if (f == NULL)
            problem_say(&r->problem, REFUSAL_FULL, "out of memory");
        else
            *f = (struct followed){.after = after,
                                   .until_ms = wait_ms > 0 ? clock_mono_ms(&clock_system) + wait_ms : 0};
        http_set_user(r->rq, f);
    }
    if (admin_refuse_problem(r->rq, &r->problem))
        return NULL;
    if (r->filter.after_seq < f->after)
        r->filter.after_seq = f->after;
    return f;
}

/* ---- reading ---- */

static void leave_blank(struct reading *r, json_t *object, const char *member, enum blank_kind what, uint32_t id)
{
    if (r->n_blanks == r->cap_blanks) {
        size_t cap = r->cap_blanks > 0 ? r->cap_blanks * 2 : 64;
        struct blank *grown = reallocarray(r->blanks, cap, sizeof *grown);
        if (grown == NULL) {
            r->no_memory = true;
            return;
        }
        r->blanks = grown;
        r->cap_blanks = cap;
    }
    r->blanks[r->n_blanks++] = (struct blank){.object = object, .member = member, .what = what, .id = id};
}

static bool put_owner(json_t *object, const char *member, const struct name *n)
{
    char text[NAME_TEXT_MAX];

    return json_put(object, member, json_string(name_format(n, text)));
}

static bool put_uuid(json_t *object, const struct uuid *u, const char *label)
{
    char text[UUID_TEXT_LEN + 1];

    return json_put(object, "credential", json_string(uuid_format(u, text))) &&
           json_put(object, "label", json_bytes(label, strlen(label)));
}

/* What an effect is about, beside the word and the value. False: no memory. */
static bool put_subject(struct reading *r, json_t *object, const struct effect *f)
{
    switch (f->kind) {
    case EFFECT_CLAIM_ADDED:
    case EFFECT_CLAIM_RENEWED:
    case EFFECT_CLAIM_REMOVED:
    case EFFECT_CLAIM_EVICTED:
    case EFFECT_CLAIM_EXPIRED:
        leave_blank(r, object, "name", BLANK_NAME, f->u.claim.name);
        leave_blank(r, object, "holder", BLANK_CREDENTIAL, f->u.claim.credential);
        return true;
    case EFFECT_NAME_MADE:
    case EFFECT_NAME_SET:
    case EFFECT_NAME_RETIRED:
    case EFFECT_NAME_REVIVED:
        leave_blank(r, object, "account", BLANK_ACCOUNT, f->u.name->account);
        return put_owner(object, "name", &f->u.name->owner);
    case EFFECT_ACCOUNT_MADE:
    case EFFECT_ACCOUNT_SET:
    case EFFECT_ACCOUNT_DELETED:
        return json_put(object, "account", json_string(f->u.account.name));
    case EFFECT_CREDENTIAL_MADE:
    case EFFECT_CREDENTIAL_SET:
    case EFFECT_CREDENTIAL_REVOKED:
        return put_uuid(object, &f->u.credential->uuid, f->u.credential->label);
    case EFFECT_SECRET_ADDED:
    case EFFECT_SECRET_SET:
    case EFFECT_SECRET_ENDED:
        leave_blank(r, object, "credential", BLANK_CREDENTIAL, f->u.secret.credential);
        return true;
    case EFFECT_GRANT_MADE:
    case EFFECT_GRANT_ENDED:
        leave_blank(r, object, "name", BLANK_NAME, f->u.grant.name);
        leave_blank(r, object, "account", BLANK_ACCOUNT, f->u.grant.account);
        return true;
    case EFFECT_TOKEN_MADE:
    case EFFECT_TOKEN_USED:
    case EFFECT_TOKEN_REVOKED:
        leave_blank(r, object, "account", BLANK_ACCOUNT, f->u.token->account);
        return json_put(object, "token", json_integer((json_int_t)f->u.token->id));
    case EFFECT_ALIAS_MADE:
    case EFFECT_ALIAS_ENDED:
        leave_blank(r, object, "name", BLANK_NAME, f->u.alias->name);
        return put_owner(object, "alias", &f->u.alias->fqdn);
    case EFFECT_ZONE_SET:
        return put_owner(object, "zone", &f->u.zone->spec.apex);
    case EFFECT_ZONE_REMOVED:
        leave_blank(r, object, "zone", BLANK_ZONE, f->u.zone->id);
        return true;
    case EFFECT_ALIAS_SERIAL:
        leave_blank(r, object, "alias", BLANK_ALIAS, f->u.serial.zone);
        return json_put(object, "serial", json_integer((json_int_t)f->u.serial.serial));
    case EFFECT_ZONE_SERIAL:
        leave_blank(r, object, "zone", BLANK_ZONE, f->u.serial.zone);
        return json_put(object, "serial", json_integer((json_int_t)f->u.serial.serial));
    case EFFECT_RESTORED:
        return json_put(object, "backup-change", json_integer((json_int_t)f->u.restored.ended_seq)) &&
               json_put(object, "backup-time", json_time(f->u.restored.ended_s));
    }
    return true;
}

static bool is_about_own_credential(const struct reading *r, const struct effect *f)
{
    if (f->kind >= EFFECT_CREDENTIAL_MADE && f->kind <= EFFECT_CREDENTIAL_REVOKED)
        return f->u.credential->id == r->credential;
    return f->kind >= EFFECT_SECRET_ADDED && f->kind <= EFFECT_SECRET_ENDED &&
           f->u.secret.credential == r->credential;
}

static bool shows(const struct reading *r, const struct entry *e, const struct effect *f)
{
    size_t n;
    const uint32_t *names = admin_effect_names(f, &n);

    if (f->kind == EFFECT_ALIAS_SERIAL) /* of whatever alias its batch changed */
        return r->sees_all;
    if (r->sees_all || e->credential == r->credential || is_about_own_credential(r, f))
        return true;
    for (size_t i = 0; i < n; i++)
        if (bsearch(&names[i], r->scope, r->n_scope, sizeof *r->scope, compare_ids) != NULL)
            return true;
    return false;
}

static json_t *json_effects(struct reading *r, const struct entry *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_effects; i++) {
        json_t *object;
        if (!shows(r, e, &e->effects[i]))
            continue;
        object = admin_json_effect(&e->effects[i]);
        r->parts++;
        if ((object != NULL && !put_subject(r, object, &e->effects[i])) ||
            json_array_append_new(list, object) != 0) {
            r->no_memory = true;
            break;
        }
    }
    return list;
}

static json_t *json_entry(const struct entry *e, json_t *effects)
{
    json_t *object = json_object();

    if (json_put(object, "change", json_integer((json_int_t)e->seq)) &&
        json_put(object, "time", json_time(e->time_s)) &&
        json_put(object, "door", json_string(door_word(e->door))) &&
        json_put(object, "from", json_addr(&e->client)) &&
        json_put(object, "request", json_string(e->request_id)) && json_object_set(object, "effects", effects) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static bool visit_entry(void *arg, const struct entry *e)
{
    struct reading *r = arg;
    size_t n = json_array_size(r->items);
    json_t *effects = json_effects(r, e);

    if (json_array_size(effects) > 0 && !r->no_memory) {
        r->makers[n] = (struct maker){e->credential, e->account, e->door};
        r->no_memory = json_array_append_new(r->items, json_entry(e, effects)) != 0;
    }
    json_decref(effects);
    return !r->no_memory && json_array_size(r->items) < r->limit && r->parts < PAGE_PARTS_MAX;
}

/* False: the reply is set. */
static bool read_entries(struct reading *r)
{
    const struct change_sink *sink = &http_services(r->rq)->sink;
    enum err e;

    r->reached = r->filter.after_seq;
    r->filter.max_visits = SCAN_MAX;
    r->filter.reached = &r->reached;
    r->items = json_array();
    r->makers = calloc(r->limit, sizeof *r->makers);
    r->no_memory = r->items == NULL || r->makers == NULL;
    e = r->no_memory ? ERR_MEMORY : sink->journal(sink->self, &r->filter, visit_entry, r);
    if (r->no_memory || e == ERR_MEMORY)
        http_reply_problem(r->rq, REFUSAL_FULL, "out of memory", NULL);
    else if (e != ERR_OK)
        http_reply_problem(r->rq, REFUSAL_STORE_UNAVAILABLE, "the journal cannot be read", "riposte check store");
    return !r->no_memory && e == ERR_OK;
}

/* ---- putting names to ids ---- */

static json_t *json_zone(const struct state *s, uint32_t id)
{
    const struct zone_state *zone = state_zone(s, id);
    char text[NAME_TEXT_MAX];

    return zone != NULL ? json_string(name_format(&zone->spec.apex, text)) : json_null();
}

static json_t *json_of_blank(const struct state *s, const struct blank *b)
{
    const struct name_entry *n;
    const struct credential *c;
    const struct alias *alias;
    char uuid[UUID_TEXT_LEN + 1], fqdn[NAME_TEXT_MAX];

    switch (b->what) {
    case BLANK_NAME:
        n = state_name(s, b->id);
        return n != NULL ? json_owner(s, n) : json_null();
    case BLANK_CREDENTIAL:
        c = b->id != CREDENTIAL_ADMIN ? state_credential(s, b->id) : NULL;
        return c != NULL ? json_string(uuid_format(&c->uuid, uuid)) : json_null();
    case BLANK_ACCOUNT:
        return json_account(s, b->id);
    case BLANK_ZONE:
        return json_zone(s, b->id);
    case BLANK_ALIAS:
        alias = state_alias(s, b->id);
        return alias != NULL ? json_string(name_format(&alias->fqdn, fqdn)) : json_null();
    }
    return json_null();
}

static void fill_blanks(void *arg, const struct viewer *unused, const struct state *state)
{
    struct reading *r = arg;

    (void)unused;
    for (size_t i = 0; i < r->n_blanks && !r->no_memory; i++)
        r->no_memory = !json_put(r->blanks[i].object, r->blanks[i].member, json_of_blank(state, &r->blanks[i]));
    for (size_t i = 0; i < json_array_size(r->items) && !r->no_memory; i++) {
        json_t *item = json_array_get(r->items, i);
        r->no_memory = !admin_put_maker(item, state, r->makers[i].credential, r->makers[i].door) ||
                       !json_put(item, "account", json_account(state, r->makers[i].account));
    }
}

/* ---- the page ---- */

/* {"items", "position", "next"?}: position is where to go on when there is more, now or later. */
static void reply_page(struct reading *r)
{
    const struct change_sink *sink = &http_services(r->rq)->sink;
    json_t *object = json_object();
    struct sink_status st;
    char next[24];
    bool is_whole;

    sink->status(sink->self, &st);
    (void)snprintf(next, sizeof next, "%" PRIu64, r->reached);
    is_whole = !r->no_memory && json_object_set(object, "items", r->items) == 0 &&
               json_put(object, "position", json_integer((json_int_t)r->reached)) &&
               (r->reached >= st.seq || json_put(object, "next", json_string(next)));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(r->rq, 200, object);
}

/* There is nothing yet. True: it is waited for, or cannot be, and the reply is set. */
static bool is_waiting(struct reading *r, const struct followed *f)
{
    enum err e = f->until_ms != 0 ? http_park(r->rq, f->after, f->until_ms) : ERR_CLOSED;

    if (e == ERR_FULL)
        http_reply_problem(r->rq, REFUSAL_FULL, "too many wait for the journal already", "ask without wait");
    return e != ERR_CLOSED;
}

static void read_page(struct reading *r)
{
    struct followed *f = read_query(r);

    if (f == NULL || !admin_look_now(r->rq, LOOK_AT_NAMES, find, r) || admin_refuse_problem(r->rq, &r->problem))
        return;
    if (r->is_missing) {
        admin_reply_refused(r->rq, &r->why);
        return;
    }
    if (!read_entries(r))
        return;
    f->after = r->reached;
    if (json_array_size(r->items) == 0 && is_waiting(r, f))
        return;
    if (json_array_size(r->items) == 0 || admin_look_now(r->rq, LOOK_AT_NAMES, fill_blanks, r))
        reply_page(r);
}

static void show_journal(struct http_request *rq)
{
    struct reading r = {.rq = rq};

    read_page(&r);
    json_decref(r.items);
    free(r.makers);
    free(r.blanks);
}

void admin_journal(struct http_request *rq)
{
    admin_offload(rq, LOOK_AT_NAMES, show_journal);
}
