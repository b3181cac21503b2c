/* CAA: the closest set from the domain upwards (RFC 8659 section 3), as every authoritative server tells it, and
 * what it permits. */
#include <stdlib.h>
#include <string.h>

#include "cli/check_internal.h"

#define CHASE_MAX   8
#define TLD_ENOUGH  2 /* of the servers of a top-level domain */
#define RECORDS_MAX 64

/* What was found at one name. */
enum caa_place { CAA_NOTHING, CAA_SET, CAA_ALIAS, CAA_TROUBLE };

struct climb {
    struct check *c;
    const char *domain;
    enum check_wildcard wildcard;
    struct check_answers answers;
    size_t first; /* place of the first answer */
};

/* ---- one name ---- */

static size_t records_of(const struct lookup_reply *r, const struct name *name, struct rdata out[RECORDS_MAX])
{
    const struct lookup_record *rec;
    size_t at = 0, n = 0;

    while (n < RECORDS_MAX && (rec = lookup_next(r, LOOKUP_ANSWER, name, RR_CAA, &at)) != NULL)
        out[n++] = (struct rdata){rec->rdata, rec->rdata_len};
    return n;
}

static bool has_record(const struct rdata *set, size_t n, const struct rdata *one)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i].len == one->len && memcmp(set[i].bytes, one->bytes, one->len) == 0)
            return true;
    }
    return false;
}

static bool sets_are_same(const struct lookup_reply *a, const struct lookup_reply *b, const struct name *name)
{
    struct rdata of_a[RECORDS_MAX], of_b[RECORDS_MAX];
    size_t n_a = records_of(a, name, of_a), n_b = records_of(b, name, of_b);

    for (size_t i = 0; i < n_a; i++) {
        if (!has_record(of_b, n_b, &of_a[i]))
            return false;
    }
    return n_a == n_b;
}

/* A referral, or an answer by somebody who does not have the zone. */
static bool is_lame(const struct lookup_reply *r)
{
    return !r->aa;
}

static bool is_good(const struct lookup_reply *r)
{
    return (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN) && !is_lame(r);
}

static void report_bad(struct climb *cl, const struct check_answer *a, const struct name *name)
{
    char server[CHECK_SERVER_MAX], rcode[LOOKUP_RCODE_TEXT_MAX], text[NAME_TEXT_MAX];
    bool is_error = a->reply->rcode != RCODE_NOERROR && a->reply->rcode != RCODE_NXDOMAIN;

    finding_fail(cl->c->findings, "caa", "CAA: %s answers %s for %s", check_server_text(a->at, a->server, server),
                 is_error ? lookup_rcode_format(a->reply->rcode, rcode) : "without authority (no AA)",
                 name_format(name, text));
    finding_fix(cl->c->findings,
                "an authority that cannot learn whether there are CAA records must not issue (RFC 8659 section 3): "
                "the server has to be mended, or this domain left out of the certificate");
    check_see(cl->c, a->at, name, RR_CAA, LOOKUP_AUTO);
}

/* Compare what the servers said. False: trouble, which has been reported. */
static bool judge_answers(struct climb *cl, const struct name *name)
{
    bool is_fine = cl->answers.n_answered > 0;
    bool has_first = false;

    for (size_t i = 0; i < cl->answers.n; i++) {
        const struct check_answer *a = &cl->answers.items[i];
        char server[CHECK_SERVER_MAX], text[NAME_TEXT_MAX];

        if (a->reply == NULL)
            continue;
        if (!is_good(a->reply)) {
            report_bad(cl, a, name);
            is_fine = false;
            continue;
        }
        if (!has_first)
            cl->first = i;
        has_first = true;
        if (sets_are_same(a->reply, cl->answers.items[cl->first].reply, name))
            continue;
        finding_fail(cl->c->findings, "caa", "CAA: %s has other records for %s than the servers before it",
                     check_server_text(a->at, a->server, server), name_format(name, text));
        finding_fix(cl->c->findings,
                    "look whether the zone's transfer to it works, and wait until it is up to date");
        check_see(cl->c, a->at, name, RR_CAA, LOOKUP_AUTO);
    }
    return is_fine && has_first;
}

static enum caa_place place_of(const struct lookup_reply *r, const struct name *name, struct name *next)
{
    const struct lookup_record *cname;
    size_t at = 0;

    if (lookup_next(r, LOOKUP_ANSWER, name, RR_CAA, &at) != NULL)
        return CAA_SET;
    at = 0;
    cname = lookup_next(r, LOOKUP_ANSWER, name, RR_CNAME, &at);
    if (cname == NULL)
        return CAA_NOTHING;
    *next = cname->target;
    return CAA_ALIAS;
}

/* Ask about one name; the answers stay in cl. */
static enum caa_place ask_name(struct climb *cl, const struct name *name, struct name *next)
{
    char why[CHECK_WHY_MAX], text[NAME_TEXT_MAX], apex[NAME_TEXT_MAX];
    const struct lookup_zone *zone = check_zone_of(cl->c, name, why);

    check_answers_fini(&cl->answers);
    if (zone == NULL) {
        finding_fail(cl->c->findings, "caa", "CAA: the servers of %s cannot be found: %s", name_format(name, text),
                     why);
        return CAA_TROUBLE;
    }
    check_ask_all(cl->c, "caa", zone, name, RR_CAA, LOOKUP_AUTO,
                  name_labels(&zone->apex) < 2 ? TLD_ENOUGH : LOOKUP_SERVERS_MAX, &cl->answers);
    if (cl->answers.n_answered == 0)
        finding_fail(cl->c->findings, "caa", "CAA: no server of %s answers for %s", name_format(&zone->apex, apex),
                     name_format(name, text));
    if (!judge_answers(cl, name))
        return CAA_TROUBLE;
    return place_of(cl->answers.items[cl->first].reply, name, next);
}

/* One name of the climb, its CNAMEs followed; *at is where the set is. */
static enum caa_place ask_following(struct climb *cl, const struct name *name, struct name *at)
{
    char text[NAME_TEXT_MAX];
    struct name next = *name;

    for (unsigned i = 0; i < CHASE_MAX; i++) {
        enum caa_place place;

        *at = next;
        place = ask_name(cl, at, &next);
        if (place != CAA_ALIAS)
            return place;
    }
    finding_fail(cl->c->findings, "caa", "CAA: more than %d CNAMEs from %s on", CHASE_MAX, name_format(name, text));
    return CAA_TROUBLE;
}

/* ---- the verdict ---- */

static void report_forbidden(struct climb *cl, const struct caa_judgement *j, const char *where)
{
    const char *tag = cl->wildcard == CHECK_WILDCARD ? "issuewild" : "issue";
    const char *ca = cl->c->ca.names[0];

    switch (j->verdict) {
    case CAA_CRITICAL:
        finding_fail(cl->c->findings, "caa",
                     "CAA: %s has  %s : critical, and not known to authorities: none may issue", where, j->record);
        finding_fix(cl->c->findings, "remove that record, or its critical flag (128)");
        break;
    case CAA_METHOD:
        finding_fail(cl->c->findings, "caa", "CAA: %s has  %s : %s may issue, but not through DNS", where,
                     j->record, ca);
        finding_fix(cl->c->findings, "add dns-01 to its validationmethods (RFC 8657 section 4)");
        break;
    case CAA_BROKEN:
        finding_fail(cl->c->findings, "caa",
                     "CAA: %s has  %s : parameters that are there twice or cannot be read permit nothing", where,
                     j->record);
        finding_fix(cl->c->findings, "one accounturi and one validationmethods at most for each record (RFC 8657)");
        break;
    case CAA_PERMITTED:
    case CAA_FORBIDDEN:
        finding_fail(cl->c->findings, "caa", "CAA: %s has  %s  (closest set, from %s upwards): %s may not issue%s",
                     where, j->record, cl->domain, ca, cl->wildcard == CHECK_WILDCARD ? " wildcards" : "");
        finding_fix(cl->c->findings, "add at %s:   0 %s \"%s\"     or use an authority that is named there", where,
                    tag, ca);
        break;
    }
}

static void judge_set(struct climb *cl, const struct name *at)
{
    struct rdata set[RECORDS_MAX];
    size_t n = records_of(cl->answers.items[cl->first].reply, at, set);
    struct caa_judgement j, other;
    char where[NAME_TEXT_MAX];

    (void)name_format(at, where);
    caa_judge(&j, set, n, &cl->c->ca, cl->wildcard);
    if (j.verdict != CAA_PERMITTED) {
        report_forbidden(cl, &j, where);
        check_see(cl->c, cl->answers.items[cl->first].at, at, RR_CAA, LOOKUP_AUTO);
        return;
    }
    finding_ok(cl->c->findings, "caa", "CAA: %s has  %s  (closest set): %s may issue", where,
               j.record[0] != '\0' ? j.record : "no restriction of this kind", cl->c->ca.names[0]);
    if (j.account[0] != '\0')
        finding_note(cl->c->findings, "caa", "CAA: only for the ACME account %s : is it the client's?", j.account);
    caa_judge(&other, set, n, &cl->c->ca, CHECK_WILDCARD);
    if (cl->wildcard == CHECK_PLAIN && other.verdict != CAA_PERMITTED)
        finding_note(cl->c->findings, "caa", "CAA: but not for *.%s:  %s", cl->domain, other.record);
}

void check_caa(struct check *c, const char *domain, enum check_wildcard wildcard)
{
    struct climb *cl = calloc(1, sizeof(*cl));
    enum caa_place place = CAA_NOTHING;
    struct name name, at;

    if (cl == NULL || name_parse(&name, domain, strlen(domain)) != ERR_OK) {
        c->findings->err = ERR_MEMORY;
        free(cl);
        return;
    }
    *cl = (struct climb){.c = c, .domain = domain, .wildcard = wildcard};
    for (; name.len > 1 && place == CAA_NOTHING; name_strip(&name, &name, 1))
        place = ask_following(cl, &name, &at);
    if (place == CAA_SET)
        judge_set(cl, &at);
    else if (place == CAA_NOTHING)
        finding_ok(c->findings, "caa", "CAA: no records from %s upwards: every authority may issue", domain);
    check_answers_fini(&cl->answers);
    free(cl);
}
