/* /v1/names/{name}/trace: the questions for a name and the changes of it, merged by time.
 *
 * Three steps on a thread that may wait: find the name; read the questions from memory and the journal from disk;
 * look up who made the changes. A name that was never made can be traced too: then somebody asks for what nobody
 * has set up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "core/door.h"
#include "core/resolve.h"
#include "core/rr.h"
#include "core/value_set.h"

#define US_PER_S      INT64_C(1000000)
#define QUESTIONS_MAX 10000
#define CHANGES_MAX   10000
#define SCAN_MAX      1000000 /* entries of the journal, newest ones */
#define RCODE_MAX     16
#define PLACES_MAX    256 /* at aliases, of one name */

struct change {
    int64_t time_us;
    uint32_t credential;
    enum door door;
    json_t *item; /* without who */
};

struct tracing {
    struct http_request *rq;
    struct problem problem;
    int64_t since_s;
    struct name_ref ref;
    bool is_missing;
    struct result why;   /* is_missing */
    struct name owner;   /* case as registered */
    uint32_t name;       /* 0: never made */
    struct name *places; /* its owners at aliases; room for PLACES_MAX */
    size_t n_places;
    struct trace_record *questions;
    size_t n_questions;
    struct change *changes; /* a ring: the oldest is at first */
    size_t n_changes, first;
    bool no_memory;
};

/* ---- finding the name ---- */

static void find(void *arg, const struct viewer *v, const struct state *state)
{
    struct tracing *t = arg;
    const struct name_entry *n = state_resolve_name(state, v, &t->ref, &t->why);

    if (n != NULL) {
        t->name = name_id(n);
        name_owner(state, n, &t->owner);
        t->n_places = state_alias_places(state, n, t->places, PLACES_MAX);
        return;
    }
    t->is_missing = !v->sees_all || t->why.refusal != REFUSAL_NOT_FOUND ||
                    name_parse(&t->owner, t->ref.text, t->ref.len) != ERR_OK ||
                    (state_zone_of(state, &t->owner) == NULL && state_alias_over(state, &t->owner) == NULL);
}

/* ---- questions ---- */

static const char *rcode_format(const struct trace_record *r, char out[RCODE_MAX])
{
    static const char *const words[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

    if ((r->flags & TRACE_NXDOMAIN) != 0)
        return words[3];
    if (r->rcode < ARRAY_LEN(words))
        return words[r->rcode];
    (void)snprintf(out, RCODE_MAX, "RCODE%u", (unsigned)r->rcode);
    return out;
}

/* Which of the aliases' owners the question was for; NULL: the name's own. */
static const struct name *place_of(const struct tracing *t, const struct trace_record *r)
{
    const struct trace *trace = http_services(t->rq)->trace;

    for (size_t i = 0; i < t->n_places; i++)
        if (trace_name_hash(trace, &t->places[i]) == r->name_hash)
            return &t->places[i];
    return NULL;
}

static json_t *json_question(const struct tracing *t, const struct trace_record *r)
{
    struct addr from = {.family = (r->flags & TRACE_V6) != 0 ? ADDR_V6 : ADDR_V4};
    char type[RR_TYPE_TEXT_MAX], rcode[RCODE_MAX], text[NAME_TEXT_MAX];
    const struct name *place = place_of(t, r);
    json_t *object = json_object();

    memcpy(from.b, r->client, from.family == ADDR_V6 ? 16 : 4);
    if (json_put(object, "kind", json_string("question")) && json_put(object, "time", json_time_us(r->time_us)) &&
        json_put(object, "from", json_addr(&from)) && json_put(object, "port", json_integer((json_int_t)r->port)) &&
        json_put(object, "transport", json_string((r->flags & TRACE_TCP) != 0 ? "tcp" : "udp")) &&
        json_put(object, "edns-size",
                 (r->flags & TRACE_EDNS) != 0 ? json_integer((json_int_t)r->edns_size) : json_null()) &&
        json_put(object, "type", json_string(rr_type_format(r->qtype, type))) &&
        json_put(object, "case-mixed", json_boolean((r->flags & TRACE_MIXED_CASE) != 0)) &&
        json_put(object, "rcode", json_string(rcode_format(r, rcode))) &&
        json_put(object, "records", json_integer((json_int_t)r->count)) &&
        json_put(object, "truncated", json_boolean((r->flags & TRACE_TRUNCATED) != 0)) &&
        json_put(object, "serial", json_integer((json_int_t)r->serial)) &&
        json_put(object, "at", json_integer((json_int_t)r->listener)) &&
        (place == NULL || json_put(object, "alias", json_string(name_format(place, text)))))
        return object;
    json_decref(object);
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;

    return x->time_us < y->time_us ? -1 : x->time_us > y->time_us;
}

/* The questions for one more owner; the newest ones of all are kept, oldest first. */
static void read_more(struct tracing *t, const struct trace *trace, const struct name *folded)
{
    size_t more = trace_read(trace, trace_name_hash(trace, folded), t->since_s * US_PER_S,
                             t->questions + t->n_questions, QUESTIONS_MAX);

    if (more == 0)
        return;
    t->n_questions += more;
    qsort(t->questions, t->n_questions, sizeof *t->questions, by_time);
    if (t->n_questions > QUESTIONS_MAX) {
        memmove(t->questions, t->questions + t->n_questions - QUESTIONS_MAX, QUESTIONS_MAX * sizeof *t->questions);
        t->n_questions = QUESTIONS_MAX;
    }
}

static void read_questions(struct tracing *t)
{
    const struct trace *trace = http_services(t->rq)->trace;
    size_t room = t->n_places > 0 ? 2 * QUESTIONS_MAX : QUESTIONS_MAX;
    struct name folded = t->owner;

    if (trace == NULL)
        return;
    t->questions = calloc(room, sizeof *t->questions);
    t->no_memory = t->questions == NULL;
    if (t->no_memory)
        return;
    name_fold(&folded);
    t->n_questions =
        trace_read(trace, trace_name_hash(trace, &folded), t->since_s * US_PER_S, t->questions, QUESTIONS_MAX);
    for (size_t i = 0; i < t->n_places; i++)
        read_more(t, trace, &t->places[i]);
}

/* ---- changes ---- */

static json_t *json_effects(const struct entry *e, uint32_t name)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_effects; i++) {
        if (!admin_effect_is_on(&e->effects[i], name))
            continue;
        if (json_array_append_new(list, admin_json_effect(&e->effects[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_change(const struct entry *e, uint32_t name)
{
    json_t *object = json_object();

    if (json_put(object, "kind", json_string("change")) && json_put(object, "time", json_time(e->time_s)) &&
        json_put(object, "change", json_integer((json_int_t)e->seq)) &&
        json_put(object, "door", json_string(door_word(e->door))) &&
        json_put(object, "from", json_addr(&e->client)) &&
        json_put(object, "request", json_string(e->request_id)) &&
        json_put(object, "effects", json_effects(e, name)))
        return object;
    json_decref(object);
    return NULL;
}

/* Keep the newest CHANGES_MAX. */
static bool visit_entry(void *arg, const struct entry *e)
{
    struct tracing *t = arg;
    size_t at = t->n_changes;
    json_t *item = json_change(e, t->name);

    t->no_memory = item == NULL;
    if (t->no_memory)
        return false;
    if (t->n_changes == CHANGES_MAX) {
        at = t->first;
        t->first = (t->first + 1) % CHANGES_MAX;
        json_decref(t->changes[at].item);
    } else {
        t->n_changes++;
    }
    t->changes[at] = (struct change){e->time_s * US_PER_S, e->credential, e->door, item};
    return true;
}

static enum err read_changes(struct tracing *t)
{
    const struct change_sink *sink = &http_services(t->rq)->sink;
    struct journal_filter filter = {.since_s = t->since_s, .name = t->name, .max_scan = SCAN_MAX};

    if (t->name == 0)
        return ERR_OK;
    t->changes = calloc(CHANGES_MAX, sizeof *t->changes);
    t->no_memory = t->changes == NULL;
    return t->no_memory ? ERR_MEMORY : sink->journal(sink->self, &filter, visit_entry, t);
}

/* Who made the changes. */
static void name_makers(void *arg, const struct viewer *unused, const struct state *state)
{
    struct tracing *t = arg;

    (void)unused;
    for (size_t i = 0; i < t->n_changes; i++)
        if (!admin_put_maker(t->changes[i].item, state, t->changes[i].credential, t->changes[i].door))
            t->no_memory = true;
}

/* ---- both ---- */

/* Changes know their second only; in that second they stand before the questions, which may have seen them. */
static json_t *json_items(struct tracing *t)
{
    json_t *list = json_array();
    size_t q = 0, c = 0;

    while (q < t->n_questions || c < t->n_changes) {
        struct change *change = c < t->n_changes ? &t->changes[(t->first + c) % CHANGES_MAX] : NULL;
        json_t *item;
        if (change != NULL && (q == t->n_questions || change->time_us <= t->questions[q].time_us)) {
            item = json_incref(change->item);
            c++;
        } else {
            item = json_question(t, &t->questions[q++]);
        }
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static void reply_trace(struct tracing *t)
{
    json_t *object = json_object();
    char text[NAME_TEXT_MAX];

    if (t->no_memory || !json_put(object, "name", json_string(name_format(&t->owner, text))) ||
        !json_put(object, "items", json_items(t))) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(t->rq, 200, object);
}

/* False: the reply is set. */
static bool find_name_of(struct tracing *t)
{
    t->since_s = query_time("since", http_query(t->rq, "since"), 0, &t->problem);
    t->ref = admin_param_name(t->rq, http_arena(t->rq), &t->problem);
    if (admin_refuse_problem(t->rq, &t->problem))
        return false;
    if (!admin_look_now(t->rq, LOOK_AT_NAMES, find, t))
        return false;
    if (t->is_missing)
        admin_reply_refused(t->rq, &t->why);
    return !t->is_missing;
}

static void trace(struct http_request *rq)
{
    struct tracing t = {.rq = rq, .places = calloc(PLACES_MAX, sizeof(struct name))};
    enum err e = ERR_OK;

    if (t.places == NULL)
        http_reply_json(rq, 200, NULL);
    else if (find_name_of(&t)) {
        read_questions(&t);
        e = read_changes(&t);
        if (e != ERR_OK && !t.no_memory)
            http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, "the journal cannot be read", "riposte check store");
        else if (t.n_changes == 0 || admin_look_now(rq, LOOK_AT_NAMES, name_makers, &t))
            reply_trace(&t);
    }
    for (size_t i = 0; i < t.n_changes; i++)
        json_decref(t.changes[i].item);
    free(t.changes);
    free(t.questions);
    free(t.places);
}

void admin_trace(struct http_request *rq)
{
    admin_offload(rq, LOOK_AT_NAMES, trace);
}
