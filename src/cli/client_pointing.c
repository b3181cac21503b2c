#include "cli/client_pointing.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_LABEL "_acme-challenge"
#define RCODE_NOERROR   0
#define RCODE_NXDOMAIN  3
#define WHY_MAX         512
#define TXT_SHOWN_MAX   64 /* octets of somebody's TXT record in a message */

/* What a name server says about one CNAME; the later ones outweigh the earlier when its addresses differ. */
enum word { WORD_NONE, WORD_SILENT, WORD_RIGHT, WORD_ELSEWHERE, WORD_DELEGATED, WORD_WRONG };

/* One hop: the servers of a zone, asked for the CNAME at a name of it. */
struct hop {
    struct lookup *lookup;
    struct lookup_zone zone;
    struct name at; /* the name that is asked for */
    const struct name *target;
    struct name next;         /* where the first CNAME that is not to target points; len 0: none was seen */
    struct text *fault, *fix; /* about the first server that says something else */
    char *dig;
};

/* ---- what a server says ---- */

/* In lower case: resolvers play with it (0x20), and people need not. */
static const char *show(const struct name *n, char out[NAME_TEXT_MAX])
{
    struct name folded = *n;

    name_fold(&folded);
    return name_format(&folded, out);
}

static void put_name(struct text *out, const struct name *n)
{
    char text[NAME_TEXT_MAX];

    text_put(out, show(n, text));
}

/* "ns1.provider.net", and its address too when it has several. */
static void put_server(struct text *out, const struct hop *h, size_t i)
{
    char at[LOOKUP_SERVER_TEXT_MAX];

    put_name(out, &h->zone.names[h->zone.servers[i].name]);
    for (size_t k = 0; k < h->zone.n_servers; k++) {
        if (k != i && h->zone.servers[k].name == h->zone.servers[i].name) {
            text_printf(out, " (%s)", lookup_server_format(&h->zone.servers[i].at, at));
            return;
        }
    }
}

static void put_dig(const struct hop *h, size_t i, const char *type)
{
    char server[NAME_TEXT_MAX], name[NAME_TEXT_MAX];

    if (h->dig[0] == '\0' &&
        strlen(show(&h->zone.names[h->zone.servers[i].name], server)) + strlen(show(&h->at, name)) <
            NAME_TEXT_MAX - 32)
        (void)snprintf(h->dig, NAME_TEXT_MAX, "dig +norec @%.480s %.480s %s", server, name, type);
}

/* "_acme-challenge.shop.example.com has no CNAME to 8e57….auth.example.org (ns1.provider.net answers: " */
static void begin_fault(struct hop *h, size_t i)
{
    put_name(h->fault, &h->at);
    text_put(h->fault, " has no CNAME to ");
    put_name(h->fault, h->target);
    text_put(h->fault, " (");
    put_server(h->fault, h, i);
    text_put(h->fault, " answers: ");
}

static void put_record(struct text *out, const struct name *at, const struct name *target)
{
    put_name(out, at);
    text_put(out, ". IN CNAME ");
    put_name(out, target);
    text_put_char(out, '.');
}

/* The start of a TXT record's text, as much as is good for a message. */
static void put_txt(struct text *out, const struct lookup_record *r)
{
    char text[4096];
    size_t len = 0;

    if (!lookup_txt(r, text, sizeof(text), &len))
        len = 0;
    text_put(out, "TXT \"");
    for (size_t i = 0; i < len && i < TXT_SHOWN_MAX; i++)
        text_put_char(out, text[i] < ' ' || text[i] > '~' || text[i] == '"' ? '?' : text[i]);
    text_printf(out, "%s\", TTL %u", len > TXT_SHOWN_MAX ? "…" : "", r->ttl_s);
}

/* There is no CNAME: say what there is instead. */
static void explain_missing(struct hop *h, size_t i, const struct lookup_reply *cname)
{
    struct lookup_question q = {.name = h->at, .type = RR_TXT};
    const struct lookup_record *txt = NULL;
    struct lookup_reply *reply = NULL;
    size_t at = 0;

    begin_fault(h, i);
    put_dig(h, i, "ANY");
    if (cname->rcode == RCODE_NXDOMAIN) {
        text_put(h->fault, "there is no such name)");
        text_put(h->fix, "create it at the DNS provider of ");
        put_name(h->fix, &h->zone.apex);
        text_put(h->fix, ":  ");
        put_record(h->fix, &h->at, h->target);
        return;
    }
    if (lookup_ask(h->lookup, &h->zone.servers[i].at, &q, &reply) == LOOKUP_ANSWERED)
        txt = lookup_next(reply, LOOKUP_ANSWER, &h->at, RR_TXT, &at);
    if (txt != NULL) {
        put_txt(h->fault, txt);
        text_put_char(h->fault, ')');
        text_put(h->fix,
                 "a TXT record stands where the CNAME must be; some providers hide it in their panel. Remove "
                 "it, then add the CNAME:  ");
    } else {
        text_put(h->fault, "no CNAME, but there is something of another type, or below it)");
        text_put(h->fix, "if it is another record, remove it; then add the CNAME:  ");
    }
    put_record(h->fix, &h->at, h->target);
    lookup_reply_free(reply);
}

/* A CNAME to somewhere else. The commonest mistake is a missing final dot, which makes the name relative. */
static void explain_elsewhere(struct hop *h, size_t i, const struct lookup_record *cname)
{
    struct name without = cname->target;
    unsigned labels = name_labels(&cname->target), of_target = name_labels(h->target);

    begin_fault(h, i);
    put_dig(h, i, "CNAME");
    text_put(h->fault, "CNAME ");
    put_name(h->fault, &cname->target);
    text_printf(h->fault, ", TTL %u)", cname->ttl_s);
    if (labels > of_target && name_is_at_or_below(&cname->target, &h->zone.apex)) {
        struct name front = *h->target;
        size_t len = (size_t)front.len - 1; /* without the root label */

        if (without.len > len) {
            name_fold(&front);
            name_fold(&without);
            if (memcmp(front.b, without.b, len) == 0)
                text_put(h->fix, "the final dot is missing in the record, so the zone's name was added to it; ");
        }
    }
    text_put(h->fix, "change it to:  ");
    put_record(h->fix, &h->at, h->target);
}

static void explain_rcode(struct hop *h, size_t i, const struct lookup_reply *reply)
{
    char rcode[LOOKUP_RCODE_TEXT_MAX];

    begin_fault(h, i);
    put_dig(h, i, "CNAME");
    text_printf(h->fault, "%s%s)", lookup_rcode_format(reply->rcode, rcode),
                reply->rcode == RCODE_NOERROR ? " without authority" : "");
    text_put(h->fix, "this server is named for ");
    put_name(h->fix, &h->zone.apex);
    text_put(h->fix,
             " but does not answer for it, and authorities ask any of them: mend it, or take it from the NS "
             "records");
}

/* A referral to servers of the challenge name itself. */
static bool is_delegation(const struct hop *h, const struct lookup_reply *reply)
{
    size_t at = 0;

    return reply->rcode == RCODE_NOERROR && !reply->aa &&
           lookup_next(reply, LOOKUP_AUTHORITY, &h->at, RR_NS, &at) != NULL;
}

static enum word read_reply(struct hop *h, size_t i, const struct lookup_reply *reply)
{
    size_t at = 0;
    const struct lookup_record *cname = lookup_next(reply, LOOKUP_ANSWER, &h->at, RR_CNAME, &at);
    enum word word = WORD_WRONG;

    if (cname != NULL && name_equal(&cname->target, h->target))
        return WORD_RIGHT;
    if (cname == NULL && is_delegation(h, reply))
        return WORD_DELEGATED;
    if (cname != NULL && h->next.len == 0)
        h->next = cname->target;
    if (cname != NULL && name_equal(&cname->target, &h->next))
        word = WORD_ELSEWHERE;
    if (h->fault->len > 0)
        return word; /* one is explained already */
    if (cname != NULL)
        explain_elsewhere(h, i, cname);
    else if (reply->rcode == RCODE_NXDOMAIN || (reply->rcode == RCODE_NOERROR && reply->aa))
        explain_missing(h, i, reply);
    else
        explain_rcode(h, i, reply);
    return word;
}

static enum word ask_server(struct hop *h, size_t i)
{
    struct lookup_question q = {.name = h->at, .type = RR_CNAME};
    struct lookup_reply *reply = NULL;
    enum lookup_result r = lookup_ask(h->lookup, &h->zone.servers[i].at, &q, &reply);
    enum word word = r == LOOKUP_ANSWERED ? read_reply(h, i, reply) : WORD_SILENT;

    lookup_reply_free(reply);
    return r == LOOKUP_NO_ROUTE ? WORD_NONE : word; /* says nothing about the server */
}

/* ---- the hops ---- */

struct words {
    size_t n[WORD_WRONG + 1];
    size_t answered;
};

static void count_words(struct hop *h, struct words *w)
{
    enum word of[LOOKUP_NAMES_MAX] = {WORD_NONE};

    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < h->zone.n_servers; i++) {
        enum word word = ask_server(h, i);

        if (word > of[h->zone.servers[i].name])
            of[h->zone.servers[i].name] = word;
    }
    for (size_t i = 0; i < h->zone.n_names; i++) {
        w->n[of[i]]++;
        w->answered += of[i] > WORD_SILENT;
    }
}

/* No server answers: what does the resolver say? It may go ways that are closed to us. */
static void ask_resolver(struct pointing *p, struct lookup *l, const struct name *target)
{
    struct name at = p->challenge;

    p->by_resolver = true;
    for (unsigned hops = 0; hops < POINTING_HOPS_MAX; hops++) {
        struct lookup_reply *reply = NULL;
        const struct lookup_record *cname;
        size_t place = 0;
        enum lookup_result r = lookup_resolve(l, &at, RR_CNAME, 0, &reply);

        if (r != LOOKUP_ANSWERED || (reply->rcode != RCODE_NOERROR && reply->rcode != RCODE_NXDOMAIN)) {
            lookup_reply_free(reply);
            p->state = POINTING_UNKNOWN;
            return;
        }
        cname = lookup_next(reply, LOOKUP_ANSWER, &at, RR_CNAME, &place);
        p->state = cname != NULL && name_equal(&cname->target, target) ? POINTING_RIGHT : POINTING_WRONG;
        if (cname != NULL)
            at = cname->target;
        lookup_reply_free(reply);
        if (cname == NULL || p->state == POINTING_RIGHT)
            break;
    }
    if (p->state == POINTING_WRONG) {
        put_name(&p->fault, &p->challenge);
        text_put(&p->fault, " has no CNAME to ");
        put_name(&p->fault, target);
        text_put(&p->fault, ", says the resolver (the name servers of ");
        put_name(&p->fault, &p->zone);
        text_put(&p->fault, " cannot be reached from here)");
        text_put(&p->fix, "create it at the DNS provider:  ");
        put_record(&p->fix, &p->challenge, target);
    }
}

/* What the words of all servers amount to. False: on to the next hop. */
static bool judge(struct pointing *p, const struct words *w)
{
    p->servers = w->answered + w->n[WORD_SILENT];
    p->right = w->n[WORD_RIGHT];
    p->silent = w->n[WORD_SILENT];
    if (w->n[WORD_RIGHT] > 0)
        p->state = w->n[WORD_RIGHT] == w->answered ? POINTING_RIGHT : POINTING_PARTLY;
    else if (w->n[WORD_DELEGATED] == w->answered && p->hops == 0)
        p->state = POINTING_DELEGATED;
    else if (w->n[WORD_ELSEWHERE] == w->answered && p->hops < POINTING_HOPS_MAX)
        return false;
    else
        p->state = POINTING_WRONG;
    if (p->state == POINTING_RIGHT || p->state == POINTING_DELEGATED) {
        text_fini(&p->fault); /* what was said of a hop that went on */
        text_fini(&p->fix);
        p->dig[0] = '\0';
    } else if (p->fault.len == 0) {
        text_put(&p->fault, "the name servers of ");
        put_name(&p->fault, &p->zone);
        text_put(&p->fault, " do not agree about ");
        put_name(&p->fault, &p->challenge);
    }
    return true;
}

/* One hop. True: the state is known. */
static bool look_at_hop(struct pointing *p, struct hop *h, const struct name *below)
{
    char why[WHY_MAX];
    struct words w;
    enum lookup_result r = lookup_find_zone(h->lookup, below, &h->zone, why, sizeof(why));

    p->zone = h->zone.apex;
    if (r != LOOKUP_ANSWERED) {
        /* Which server answers for a target behind the first is for others to say; ours is not among them. */
        if (p->hops > 0) {
            p->state = POINTING_WRONG;
            return true;
        }
        text_printf(&p->fault, "the name servers of the domain cannot be found: %s", why);
        p->state = POINTING_UNKNOWN;
        return true;
    }
    count_words(h, &w);
    if (w.answered > 0)
        return judge(p, &w);
    p->servers = p->silent = w.n[WORD_SILENT];
    ask_resolver(p, h->lookup, h->target);
    if (p->state == POINTING_UNKNOWN) {
        text_put(&p->fault, "none of the name servers of ");
        put_name(&p->fault, &p->zone);
        text_put(&p->fault, " answers this machine");
    }
    return true;
}

void pointing_look(struct pointing *out, struct lookup *l, const char *domain, const struct name *target)
{
    struct hop h = {.lookup = l, .target = target, .fault = &out->fault, .fix = &out->fix, .dig = out->dig};
    struct name below;

    memset(out, 0, sizeof(*out));
    text_init(&out->fault, POINTING_FAULT_MAX);
    text_init(&out->fix, POINTING_FAULT_MAX);
    out->state = POINTING_UNKNOWN;
    if (name_parse(&below, domain, strlen(domain)) != ERR_OK ||
        name_prepend(&out->challenge, CHALLENGE_LABEL, strlen(CHALLENGE_LABEL), &below) != ERR_OK) {
        text_printf(&out->fault, "%s is too long for a domain", domain);
        out->state = POINTING_WRONG;
        return;
    }
    h.at = out->challenge;
    if (name_equal(&h.at, target)) { /* a domain inside the responder's own zone */
        out->zone = below;
        out->state = POINTING_RIGHT;
        return;
    }
    lookup_forget(l);
    while (!look_at_hop(out, &h, &below)) {
        below = h.at = h.next;
        h.next.len = 0;
        out->hops++;
    }
}

void pointing_fini(struct pointing *p)
{
    text_fini(&p->fault);
    text_fini(&p->fix);
}
