/* POST /v1/checks: could a certificate for a domain be had? Only for domains that are declared at a name in the
 * caller's scope: a server that asks whatever name servers it is told to would be a tool for others. The work is
 * the program's (api_control.check); it waits for strangers, so it has a thread of its own. */
#include <stdio.h>
#include <string.h>

#include "api/admin_internal.h"
#include "core/domain.h"
#include "core/resolve.h"

#define FINDINGS_MAX  ((size_t)1 << 20)
#define ALIASES_MAX   16
#define MAKER_MAX     256
#define CHALLENGE     "_acme-challenge."
#define CHALLENGE_MAX (DOMAIN_TEXT_MAX + sizeof(CHALLENGE))

struct checking {
    struct http_request *rq;
    const char *ca;
    struct problem problem;
    char domain[DOMAIN_TEXT_MAX];
    char challenge[CHALLENGE_MAX];
    bool is_wildcard;
    struct result why; /* the name is not there */
    bool is_found;
    uint32_t name_id;
    struct name name;
    struct name aliases[ALIASES_MAX];
    char newest_by[MAKER_MAX];
    struct api_check what;
};

/* ---- the body ---- */

static void read_body(struct checking *c)
{
    static const char *const members[] = {"domain", "ca"};
    struct http_request *rq = c->rq;
    const char *domain;
    struct body body;
    json_t *json;

    json = http_body_json(rq);
    if (json == NULL) {
        problem_say(&c->problem, REFUSAL_MALFORMED, "the body cannot be read as JSON");
        return;
    }
    body_init(&body, json, http_arena(rq), &c->problem, members, ARRAY_LEN(members));
    domain = body_needed(&body, "domain");
    c->ca = body_text(&body, "ca");
    json_decref(json);
    if (domain == NULL)
        return;
    c->is_wildcard = strncmp(domain, "*.", 2) == 0;
    if (domain_normalise(c->domain, domain, strlen(domain)) != ERR_OK)
        problem_say(&c->problem, REFUSAL_MALFORMED, "domain: this is no domain name");
    else
        (void)snprintf(c->challenge, sizeof c->challenge, CHALLENGE "%s", c->domain);
}

/* ---- the name ---- */

static void take_newest(struct checking *c, const struct state *state, const struct claim *claim)
{
    const struct credential *cred = state_credential(state, claim->credential);

    if (claim->added_s <= c->what.newest_s)
        return;
    c->what.newest_s = claim->added_s;
    (void)snprintf(c->newest_by, sizeof c->newest_by, "%s", cred != NULL ? credential_label(cred) : "");
}

static void take_values(struct checking *c, const struct state *state, const struct name_entry *n)
{
    const struct value_set *vs = name_values(state, n);

    c->what.n_values = vs->n;
    c->what.newest_s = 0;
    c->newest_by[0] = '\0';
    for (size_t i = 0; i < vs->n; i++) {
        const struct value *v = &vs->values[i];
        for (size_t k = 0; k < v->n_claims; k++)
            take_newest(c, state, &v->claims[k]);
    }
}

static void take_aliases(struct checking *c, const struct state *state, const struct name_entry *n)
{
    uint32_t ids[ALIASES_MAX];
    size_t n_ids = state_aliases_of(state, name_id(n), ids, ARRAY_LEN(ids));

    c->what.n_aliases = n_ids < ARRAY_LEN(ids) ? n_ids : ARRAY_LEN(ids);
    for (size_t i = 0; i < c->what.n_aliases; i++)
        c->aliases[i] = state_alias(state, ids[i])->fqdn;
}

/* The name that has the domain; who asks for another's hears that there is none. */
static void find(void *arg, const struct viewer *v, const struct state *state)
{
    struct checking *c = arg;
    const struct name_ref ref = {NAME_REF_FQDN, c->challenge, strlen(c->challenge)};
    const struct name_entry *n;

    c->what.is_trusted = v->sees_all;
    if (problem_is(&c->problem))
        return;
    n = state_resolve_name(state, v, &ref, &c->why);
    c->is_found = n != NULL && name_retired_s(n) == 0;
    if (!c->is_found)
        return;
    c->name_id = name_id(n);
    name_owner(state, n, &c->name);
    take_values(c, state, n);
    take_aliases(c, state, n);
}

static void look_again(void *arg, const struct viewer *unused, const struct state *state)
{
    struct checking *c = arg;
    const struct name_entry *n = state_name(state, c->name_id);

    (void)unused;
    if (n != NULL && name_retired_s(n) == 0)
        take_values(c, state, n);
}

/* When the committer is busy with a disk, what was known before has to do; the reply is set anew at the end. */
static void refresh(void *arg)
{
    struct checking *c = arg;

    (void)!admin_look_now(c->rq, LOOK_AT_NAMES, look_again, c);
}

/* ---- the reply ---- */

/* {"domain", "name", "ok", "findings"} */
static json_t *make_reply(const struct checking *c, const struct text *findings)
{
    json_t *object = json_loadb(findings->bytes, findings->len, 0, NULL);
    char domain[DOMAIN_TEXT_MAX + 2], name[NAME_TEXT_MAX];

    (void)snprintf(domain, sizeof domain, "%s%s", c->is_wildcard ? "*." : "", c->domain);
    if (json_put(object, "domain", json_string(domain)) &&
        json_put(object, "name", json_string(name_format(&c->name, name))))
        return object;
    json_decref(object);
    return NULL;
}

static void check(struct checking *c)
{
    const struct api_control *control = &http_services(c->rq)->control;
    struct text findings;
    enum err e;

    text_init(&findings, FINDINGS_MAX);
    e = control->check(control->self, &c->what, &findings);
    if (e == ERR_OK) {
        http_reply_json(c->rq, 200, make_reply(c, &findings));
    } else if (e == ERR_SYNTAX) {
        http_reply_problem(c->rq, REFUSAL_MALFORMED, findings.bytes, NULL);
    } else {
        http_reply_problem(c->rq, REFUSAL_FULL,
                           e == ERR_FULL ? "too many checks are under way" : "the check could not be made", NULL);
    }
    text_fini(&findings);
}

static void reply_missing(struct checking *c)
{
    char detail[RESULT_DETAIL_MAX];

    (void)snprintf(detail, sizeof detail, "there is no name with the domain %.200s", c->domain);
    admin_refuse_missing(
        c->rq, detail,
        "only domains that are declared at a name in the scope are checked: \"domains\" of /v1/names");
}

static void work(struct http_request *rq)
{
    struct checking *c = arena_alloc(http_arena(rq), sizeof *c);

    if (c == NULL) {
        http_reply_problem(rq, REFUSAL_FULL, "out of memory", NULL);
        return;
    }
    memset(c, 0, sizeof *c);
    c->rq = rq;
    read_body(c);
    if (!admin_look_now(rq, LOOK_AT_NAMES, find, c) || admin_refuse_problem(rq, &c->problem))
        return;
    if (!c->is_found) {
        reply_missing(c);
        return;
    }
    c->what.domain = c->domain;
    c->what.is_wildcard = c->is_wildcard;
    c->what.ca = c->ca;
    c->what.name = &c->name;
    c->what.aliases = c->aliases;
    c->what.newest_by = c->newest_by;
    c->what.refresh = refresh;
    c->what.arg = c;
    check(c);
}

void admin_check(struct http_request *rq)
{
    if (http_services(rq)->control.check == NULL)
        http_reply_problem(rq, REFUSAL_NOT_FOUND, "this server does not check domains", NULL);
    else
        admin_offload(rq, LOOK_AT_NAMES, work);
}
