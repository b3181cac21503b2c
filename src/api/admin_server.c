/* /v1/server and /v1/reload: both block, each on a thread of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_internal.h"
#include "base/clock.h"
#include "core/name.h"

#define DESCRIPTION_MAX ((size_t)1 << 20)
#define REPORT_MAX      ((size_t)256 << 10)
#define ZONES_SHOWN     1024

/* ---- the server ---- */

static json_t *json_zone(const struct zone_state *zone, uint64_t names, uint64_t values)
{
    json_t *object = json_object();
    char text[NAME_TEXT_MAX];

    if (json_put(object, "origin", json_string(name_format(&zone->spec.apex, text))) &&
        json_put(object, "serial", json_integer((json_int_t)zone->serial)) &&
        json_put(object, "names", json_integer((json_int_t)names)) &&
        json_put(object, "values", json_integer((json_int_t)values)))
        return object;
    json_decref(object);
    return NULL;
}

/* What one zone holds, counted portion by portion. */
struct zone_count {
    uint32_t zone;
    uint64_t names, values;
};

struct seen {
    json_t *zones, *counts, *lapsing; /* NULL: no memory */
    int64_t now_s;
    uint32_t at; /* the name that was counted last */
    bool is_counted;
    size_t n_zones;
    struct zone_count of[ZONES_SHOWN];
};

static struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);

    if (seen == NULL)
        return NULL;
    seen->lapsing = json_array();
    seen->now_s = clock_real_s(&clock_system);
    return seen;
}

static void seen_free(struct seen *seen)
{
    if (seen == NULL)
        return;
    json_decref(seen->zones);
    json_decref(seen->counts);
    json_decref(seen->lapsing);
    free(seen);
}

static struct zone_count *count_of(struct seen *seen, uint32_t zone)
{
    for (size_t i = 0; i < seen->n_zones; i++)
        if (seen->of[i].zone == zone)
            return &seen->of[i];
    if (seen->n_zones == ARRAY_LEN(seen->of))
        return NULL;
    seen->of[seen->n_zones] = (struct zone_count){.zone = zone};
    return &seen->of[seen->n_zones++];
}

/* The next portion of the names. */
static void look_at_names(void *arg, const struct viewer *unused, const struct state *state)
{
    struct seen *seen = arg;

    (void)unused;
    for (uint32_t visits = 0; visits < PAGE_VISITS_MAX && seen->at < state_last_name(state); visits++) {
        const struct name_entry *n = state_name(state, ++seen->at);
        struct zone_count *count = n != NULL && name_retired_s(n) == 0 ? count_of(seen, name_zone(n)) : NULL;
        if (count == NULL)
            continue;
        count->names++;
        count->values += name_n_values(n);
        if (!admin_note_lapsing(seen->lapsing, state, n, seen->now_s)) {
            json_decref(seen->lapsing);
            seen->lapsing = NULL;
        }
    }
    seen->is_counted = seen->at >= state_last_name(state);
}

static json_t *json_counts(const struct state *s)
{
    struct state_counts c = state_counts(s);
    const struct {
        const char *member;
        uint64_t n;
    } counts[] = {
        {"accounts", c.accounts},
        {"names", c.names},
        {"tombstones", c.tombstones},
        {"values", c.values},
        {"claims", c.claims},
        {"pinned", c.pinned},
        {"tokens", c.tokens},
        {"credentials", c.credentials},
        {"names-unclaimed", c.names_unclaimed},
        {"secrets-bcrypt", c.secrets_bcrypt},
    };
    json_t *object = json_object();

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (!json_put(object, counts[i].member, json_integer((json_int_t)counts[i].n))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *json_zones(struct seen *seen, const struct state *s)
{
    json_t *list = json_array();

    for (uint32_t id = 1; id <= state_last_zone(s); id++) {
        const struct zone_state *zone = state_zone(s, id);
        const struct zone_count *count;
        if (zone == NULL || zone->removed)
            continue;
        count = count_of(seen, id);
        if (json_array_append_new(
                list, json_zone(zone, count != NULL ? count->names : 0, count != NULL ? count->values : 0)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static void look_at_server(void *arg, const struct viewer *unused, const struct state *state)
{
    struct seen *seen = arg;

    (void)unused;
    seen->zones = json_zones(seen, state);
    seen->counts = json_counts(state);
}

static json_t *json_store(const struct sink_status *st)
{
    json_t *object = json_object();

    if (json_put(object, "path", json_bytes(st->store_path, strlen(st->store_path))) &&
        json_put(object, "ok", json_boolean(st->store_ok)) &&
        json_put(object, "problem", json_bytes(st->store_problem, strlen(st->store_problem))) &&
        json_put(object, "octets", json_integer((json_int_t)st->store_octets)) &&
        json_put(object, "free-octets", json_integer((json_int_t)st->free_octets)) &&
        json_put(object, "last-backup", json_time(st->last_backup_s)) &&
        json_put(object, "changes", json_integer((json_int_t)st->seq)) &&
        json_put(object, "registration-paused", json_boolean(st->registration_paused)))
        return object;
    json_decref(object);
    return NULL;
}

/* What the program says of its parts; an empty object when it says nothing. NULL: no memory. */
static json_t *describe(const struct api_control *control)
{
    json_t *object = NULL;
    struct text text;

    if (control->describe == NULL)
        return json_object();
    text_init(&text, DESCRIPTION_MAX);
    if (control->describe(control->self, &text) == ERR_OK)
        object = json_loadb(text.bytes, text.len, 0, NULL);
    text_fini(&text);
    return object;
}

/* The zones with their counts. False: the caller is refused, or the committer does not answer; the reply is set. */
static bool look_around(struct http_request *rq, struct seen *seen)
{
    bool goes_on = true;

    while (goes_on && !seen->is_counted)
        goes_on = admin_look_now(rq, LOOK_AT_SERVER, look_at_names, seen);
    return goes_on && admin_look_now(rq, LOOK_AT_SERVER, look_at_server, seen);
}

static void show_server(struct http_request *rq)
{
    const struct api_services *sv = http_services(rq);
    struct seen *seen = seen_new();
    struct sink_status st;
    json_t *object;
    bool has_seen = seen != NULL && look_around(rq, seen);
    bool is_whole;

    /* People on the admin socket look here most when the committer does not answer: they are told the rest. */
    if (seen != NULL && !has_seen && !http_is_local(rq)) {
        seen_free(seen);
        return;
    }
    object = describe(&sv->control);
    sv->sink.status(sv->sink.self, &st);
    is_whole = seen != NULL && json_put(object, "base-url", json_string(http_base_url(rq))) &&
               json_put(object, "ready", json_boolean(st.ready)) && json_put(object, "store", json_store(&st)) &&
               json_put(object, "zones", has_seen ? json_incref(seen->zones) : json_array()) &&
               json_put(object, "counts", has_seen ? json_incref(seen->counts) : json_null()) &&
               json_put(object, "lapsing", json_incref(seen->lapsing));
    seen_free(seen);
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(rq, 200, object);
}

void admin_server_show(struct http_request *rq)
{
    admin_offload(rq, LOOK_AT_SERVER, show_server);
}

/* ---- reload ---- */

/* A problem that has the whole report beside its first line. */
static void reply_report(struct http_request *rq, unsigned status, enum refusal reason, const struct text *report)
{
    size_t line = strcspn(report->bytes, "\n");
    json_t *problem = json_object();
    struct text text;
    char *dumped = NULL;
    char type[64];

    (void)snprintf(type, sizeof type, "/problems/%s", refusal_word(reason));
    if (json_put(problem, "type", json_string(type)) &&
        json_put(problem, "title", json_string(refusal_title(reason))) &&
        json_put(problem, "status", json_integer((json_int_t)status)) &&
        json_put(problem, "detail", json_bytes(report->bytes, line)) &&
        json_put(problem, "instance", json_string(http_request_id(rq))) &&
        json_put(problem, "errors", json_bytes(report->bytes, report->len)))
        dumped = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    text_init(&text, dumped != NULL ? strlen(dumped) : 0);
    text_put(&text,
             dumped != NULL ? dumped : "\n"); /* without memory the text fails too, and so the reply is 503 */
    free(dumped);
    http_reply_text(rq, status, HTTP_TYPE_PROBLEM, &text);
}

static void reply_reloaded(struct http_request *rq, const struct text *report)
{
    json_t *object = json_object();

    if (!json_put(object, "notes", json_bytes(report->bytes, report->len))) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(rq, 200, object);
}

static void reload(struct http_request *rq)
{
    const struct api_control *control = &http_services(rq)->control;
    struct text report;
    enum err e;

    text_init(&report, REPORT_MAX);
    e = control->reload(control->self, &report);
    if (e == ERR_OK) {
        reply_reloaded(rq, &report);
    } else if (e == ERR_FULL || e == ERR_CLOSED || e == ERR_MEMORY) {
        http_reply_problem(rq, REFUSAL_STORE_UNAVAILABLE, report.bytes, NULL);
    } else if (e == ERR_UNKNOWN) {
        http_reply_problem(rq, REFUSAL_OUTCOME_UNKNOWN, report.bytes, NULL);
    } else {
        http_record_refusal(rq, DOOR_ADMIN, REFUSAL_MALFORMED, "administrator", NULL,
                            "the configuration has errors");
        reply_report(rq, 422, REFUSAL_MALFORMED, &report);
    }
    text_fini(&report);
}

void admin_reload(struct http_request *rq)
{
    if (http_services(rq)->control.reload == NULL)
        http_reply_problem(rq, REFUSAL_NOT_FOUND, "this server has no configuration to read again", NULL);
    else
        http_offload(rq, reload);
}
