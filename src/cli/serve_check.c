/* POST /v1/checks: the engine of `riposte check domain` inside of the server. Few at a time, each with a deadline:
 * they wait for strangers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check.h"
#include "cli/serve.h"

#define CHECKS_MAX     2
#define DEADLINE_MS    20000
#define US_PER_S       INT64_C(1000000)
#define QUESTIONS_SEEN 1000 /* of the trace; more are as good */

/* One check, with copies of what a reload could take away. */
struct checking {
    struct serving *s;
    const struct api_check *what;
    struct check_here here;
    struct lookup_server resolvers[LOOKUP_RESOLVERS_MAX];
    size_t n_resolvers;
    char ca[256];
    struct findings findings;
    struct check check;
    bool is_started;
};

/* ---- what is known here ---- */

static bool is_own(const struct check_here *here, const struct addr *a)
{
    if (addr_is_loopback(a))
        return true;
    for (size_t z = 0; z < here->n_zones; z++) {
        for (size_t i = 0; i < here->zones[z].n_servers; i++) {
            const struct check_own_server *own = &here->zones[z].servers[i];

            for (size_t k = 0; k < own->n_addrs; k++) {
                if (addr_equal(&own->addrs[k], a))
                    return true;
            }
        }
    }
    return false;
}

static void count_questions(const struct checking *c, struct check_fact *out)
{
    const struct trace *trace = c->s->trace;
    struct name folded = out->name;
    struct trace_record *records;
    size_t n;

    if (out->newest_s == 0 || trace == NULL || c->s->started->trace_records == 0)
        return;
    records = calloc(QUESTIONS_SEEN, sizeof(*records));
    if (records == NULL)
        return;
    name_fold(&folded);
    n = trace_read(trace, trace_name_hash(trace, &folded), out->newest_s * US_PER_S, records, QUESTIONS_SEEN);
    for (size_t i = 0; i < n; i++) {
        struct addr from = {.family = (records[i].flags & TRACE_V6) != 0 ? ADDR_V6 : ADDR_V4};

        memcpy(from.b, records[i].client, from.family == ADDR_V6 ? 16 : 4);
        out->questions += records[i].qtype == RR_TXT && !is_own(&c->here, &from);
    }
    out->is_traced = true;
    free(records);
}

/* The caller's own name is known; of others nothing is told. */
static void look(void *self, const char *text, struct check_fact *out)
{
    const struct checking *c = self;
    const struct api_check *what = c->what;
    struct name name;

    memset(out, 0, sizeof(*out));
    if (strcmp(text, what->domain) != 0 &&
        (name_parse(&name, text, strlen(text)) != ERR_OK || !name_equal(&name, what->name)))
        return;
    what->refresh(what->arg);
    out->knowledge = CHECK_FOUND;
    out->name = *what->name;
    out->n_values = what->n_values;
    out->newest_s = what->newest_s;
    (void)snprintf(out->newest_by, sizeof(out->newest_by), "%s", what->newest_by);
    while (out->n_aliases < CHECK_ALIASES_MAX && out->n_aliases < what->n_aliases) {
        out->aliases[out->n_aliases] = what->aliases[out->n_aliases];
        out->n_aliases++;
    }
    count_questions(c, out);
}

/* ---- the check ---- */

static enum err prepare(struct checking *c)
{
    struct serving *s = c->s;
    const struct config *config;
    enum err e;

    pthread_mutex_lock(&s->reload_lock);
    config = s->config;
    e = check_here_init(&c->here, &config->settings);
    c->n_resolvers = config->check.n_resolvers;
    memcpy(c->resolvers, config->check.resolvers, c->n_resolvers * sizeof(c->resolvers[0]));
    (void)snprintf(c->ca, sizeof(c->ca), "%s", c->what->ca != NULL ? c->what->ca : config->check.ca);
    pthread_mutex_unlock(&s->reload_lock);
    if (e != ERR_OK)
        return e;
    e = check_init(&c->check, c->resolvers, c->n_resolvers, &c->here, &c->findings);
    c->is_started = true;
    c->check.source = (struct check_source){.look = look, .self = c};
    c->check.is_discreet = !c->what->is_trusted;
    c->check.lookup.stop = &s->is_stopping;
    c->check.lookup.deadline_ms = clock_mono_ms(&clock_system) + DEADLINE_MS;
    return e == ERR_NOT_FOUND ? ERR_OK : e; /* that there is no resolver is among the findings then */
}

static enum err put_reply(const struct checking *c, struct text *json)
{
    json_t *object =
        json_pack("{s:b, s:o}", "ok", c->findings.failures == 0, "findings", findings_json(&c->findings));
    char *dumped = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (dumped == NULL)
        return ERR_MEMORY;
    text_put(json, dumped);
    free(dumped);
    return json->err;
}

static enum err check_now(struct checking *c, struct text *json)
{
    enum err e = prepare(c);

    if (e == ERR_OK && authority_find(&c->check.ca, c->ca) != ERR_OK) {
        text_printf(json, "ca: \"%.100s\" is not known; one of " AUTHORITY_WORDS ", or a CAA name", c->ca);
        e = ERR_SYNTAX;
    }
    if (e == ERR_OK) {
        check_domain(&c->check, c->what->domain, c->what->is_wildcard ? CHECK_WILDCARD : CHECK_PLAIN);
        e = atomic_load(&c->s->is_stopping) ? ERR_CLOSED : put_reply(c, json);
    }
    return e;
}

enum err serve_check(struct serving *s, const struct api_check *what, struct text *json)
{
    struct checking *c = calloc(1, sizeof(*c));
    enum err e = ERR_FULL;

    if (c == NULL)
        return ERR_MEMORY;
    *c = (struct checking){.s = s, .what = what};
    findings_init(&c->findings);
    if (atomic_fetch_add(&s->checks, 1) < CHECKS_MAX)
        e = check_now(c, json);
    (void)atomic_fetch_sub(&s->checks, 1);
    if (c->is_started)
        check_fini(&c->check);
    findings_fini(&c->findings);
    check_here_fini(&c->here);
    free(c);
    return e;
}
