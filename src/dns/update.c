#include "dns/update.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "dns/reply.h"

#define PENDING_MAX 4096
#define REPLAY_SETS 16384 /* a power of 2 */
#define REPLAY_WAYS 4
#define REPLAY_TAG  16 /* octets of a MAC: as many as the shortest that is accepted has */
#define RCODES      (RCODE_NOTZONE + 1)
#define LABELS_MAX  64
#define REPORTS_A_S 10 /* refused signatures that are told */

/* A message that was accepted, known by its MAC. */
struct replay {
    uint8_t tag[REPLAY_TAG];
    int64_t until_s; /* its signature is stale after this second; 0: free */
    bool is_done;    /* else it is under way */
    uint8_t rcode;
};

struct update_door {
    struct change_sink sink;
    pthread_mutex_t lock;
    pthread_cond_t settled;
    /* Guarded by lock: */
    size_t pending;
    bool closed;
    struct replay (*replays)[REPLAY_WAYS];
    uint64_t answered[RCODES], repeated;
    int64_t reports_s; /* the second in which `reports` were made */
    unsigned reports;
};

/* ---- the mail of a TCP thread ---- */

enum err update_mail_init(struct update_mail *m, int wake_fd)
{
    *m = (struct update_mail){.wake_fd = wake_fd};
    return pthread_mutex_init(&m->lock, NULL) == 0 ? ERR_OK : ERR_MEMORY;
}

static void mail_put(struct update_mail *m, struct update *u)
{
    u->next = NULL;
    (void)pthread_mutex_lock(&m->lock); /* plain mutexes fail for misuse only */
    if (m->last != NULL)
        m->last->next = u;
    else
        m->first = u;
    m->last = u;
    (void)pthread_mutex_unlock(&m->lock);
    (void)eventfd_write(m->wake_fd, 1); /* fails only when it is readable anyway */
}

struct update *update_mail_take(struct update_mail *m)
{
    struct update *list;

    (void)pthread_mutex_lock(&m->lock);
    list = m->first;
    m->first = m->last = NULL;
    (void)pthread_mutex_unlock(&m->lock);
    return list;
}

void update_mail_fini(struct update_mail *m)
{
    struct update *u = update_mail_take(m);

    while (u != NULL) {
        struct update *next = u->next;

        update_free(u);
        u = next;
    }
    (void)pthread_mutex_destroy(&m->lock);
}

void update_free(struct update *u)
{
    if (u == NULL)
        return;
    tsig_wipe(&u->tsig);
    free(u);
}

/* ---- the door ---- */

enum err update_door_new(struct update_door **out, const struct change_sink *sink)
{
    struct update_door *d = calloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL)
        return ERR_MEMORY;
    d->sink = *sink;
    d->replays = calloc(REPLAY_SETS, sizeof *d->replays); /* memory that nobody touches is not taken */
    if (d->replays == NULL || pthread_mutex_init(&d->lock, NULL) != 0) {
        free(d->replays);
        free(d);
        return ERR_MEMORY;
    }
    if (pthread_cond_init(&d->settled, NULL) != 0) {
        (void)pthread_mutex_destroy(&d->lock);
        free(d->replays);
        free(d);
        return ERR_MEMORY;
    }
    *out = d;
    return ERR_OK;
}

void update_door_close(struct update_door *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->closed = true;
    while (d->pending > 0)
        (void)pthread_cond_wait(&d->settled, &d->lock);
    (void)pthread_mutex_unlock(&d->lock);
}

void update_door_free(struct update_door *d)
{
    if (d == NULL)
        return;
    assert(d->pending == 0);
    (void)pthread_cond_destroy(&d->settled);
    (void)pthread_mutex_destroy(&d->lock);
    free(d->replays);
    free(d);
}

void update_count(struct update_door *d, enum dns_rcode rcode)
{
    if (d == NULL)
        return;
    (void)pthread_mutex_lock(&d->lock);
    if ((unsigned)rcode < RCODES)
        d->answered[rcode]++;
    (void)pthread_mutex_unlock(&d->lock);
}

void update_door_metrics(struct update_door *d, struct text *out)
{
    static const char name[] = "riposte_dns_updates_total";
    static const char *const words[RCODES] = {
        [RCODE_NOERROR] = "NOERROR",   [RCODE_FORMERR] = "FORMERR", [RCODE_SERVFAIL] = "SERVFAIL",
        [RCODE_NXDOMAIN] = "NXDOMAIN", [RCODE_REFUSED] = "REFUSED", [RCODE_YXDOMAIN] = "YXDOMAIN",
        [RCODE_YXRRSET] = "YXRRSET",   [RCODE_NXRRSET] = "NXRRSET", [RCODE_NOTAUTH] = "NOTAUTH",
        [RCODE_NOTZONE] = "NOTZONE",
    };
    uint64_t answered[RCODES], repeated;
    char labels[LABELS_MAX];

    (void)pthread_mutex_lock(&d->lock);
    memcpy(answered, d->answered, sizeof answered);
    repeated = d->repeated;
    (void)pthread_mutex_unlock(&d->lock);
    metrics_head(out, name, METRIC_COUNTER, "DNS UPDATE messages answered, by response code.");
    for (size_t i = 0; i < RCODES; i++) {
        if (words[i] == NULL)
            continue;
        (void)snprintf(labels, sizeof labels, "rcode=\"%s\"", words[i]);
        metrics_sample_u64(out, name, labels, answered[i]);
    }
    metrics_head(out, "riposte_dns_updates_repeated_total", METRIC_COUNTER,
                 "DNS UPDATE messages that came again and were not applied a second time.");
    metrics_sample_u64(out, "riposte_dns_updates_repeated_total", "", repeated);
}

/* ---- messages that come again; holding lock ---- */

static struct replay *replay_find(struct update_door *d, const struct tsig *t)
{
    struct replay *set;
    uint32_t hash;

    memcpy(&hash, t->mac, sizeof hash); /* a MAC is as good as random */
    set = d->replays[hash & (REPLAY_SETS - 1)];
    for (size_t i = 0; i < REPLAY_WAYS; i++)
        if (set[i].until_s != 0 && memcmp(set[i].tag, t->mac, REPLAY_TAG) == 0)
            return &set[i];
    return NULL;
}

/* Remember the message as under way; a place that is free or stale, else the one that is stale first. */
static void replay_add(struct update_door *d, const struct tsig *t, int64_t now_s)
{
    struct replay *place = NULL;
    struct replay *set;
    uint32_t hash;

    memcpy(&hash, t->mac, sizeof hash);
    set = d->replays[hash & (REPLAY_SETS - 1)];
    for (size_t i = 0; i < REPLAY_WAYS; i++) {
        bool is_free = set[i].until_s < now_s;

        if (is_free || (set[i].is_done && (place == NULL || set[i].until_s < place->until_s)))
            place = &set[i];
        if (is_free)
            break;
    }
    if (place == NULL)
        return; /* all of them under way: more than the door takes, but for the hash's whim */
    *place = (struct replay){.until_s = (int64_t)t->time_s + t->fudge_s + 1};
    memcpy(place->tag, t->mac, REPLAY_TAG);
}

static void replay_end(struct update_door *d, const struct tsig *t, enum dns_rcode rcode)
{
    struct replay *r = replay_find(d, t);

    if (r == NULL)
        return;
    if (rcode == RCODE_SERVFAIL) { /* to be tried again */
        *r = (struct replay){0};
        return;
    }
    r->is_done = true;
    r->rcode = (uint8_t)rcode;
}

/* ---- replies ---- */

/* One table for all: what became of the request, as DNS says it. */
static enum dns_rcode rcode_of(const struct result *res)
{
    static const enum dns_rcode of_conditions[] = {
        [CONDITION_NAME_IN_USE] = RCODE_NXDOMAIN,  [CONDITION_NAME_NOT_IN_USE] = RCODE_YXDOMAIN,
        [CONDITION_SET_EXISTS] = RCODE_NXRRSET,    [CONDITION_SET_ABSENT] = RCODE_YXRRSET,
        [CONDITION_RECORD_EXISTS] = RCODE_NXRRSET,
    };

    if (res->outcome == OUTCOME_DONE)
        return RCODE_NOERROR;
    if (res->outcome == OUTCOME_UNKNOWN)
        return RCODE_SERVFAIL;
    if (res->condition_failed)
        return of_conditions[res->condition];
    switch ((int)res->refusal) {
    case REFUSAL_STORE_UNAVAILABLE:
    case REFUSAL_OUTCOME_UNKNOWN:
    case REFUSAL_FULL:
    case REFUSAL_STARTING:
    case REFUSAL_RATE:
        return RCODE_SERVFAIL; /* later it may work */
    default:
        return RCODE_REFUSED;
    }
}

/* Make u->msg, which holds the header and the zone section, the signed reply; u->len 0: it cannot be signed. */
static void reply_make(struct update *u, enum dns_rcode rcode)
{
    const struct reply_settings settings = {.udp_size = u->udp_size, .identity = ""};
    struct reply r;

    u->query.nsid = false;
    reply_begin(&r, &u->query, u->transport, &settings, u->msg, sizeof u->msg);
    (void)reply_set_aside(&r,
                          tsig_reply_len(&u->tsig)); /* when it makes the limit larger, it is still within msg */
    if (rcode != RCODE_NOERROR)
        reply_fail(&r, rcode, EDE_NONE);
    u->len = tsig_sign(&u->tsig, u->msg, reply_finish(&r), clock_real_s(&clock_system));
}

/* Never blocks: a reply that the kernel does not take at once is lost, as any over UDP may be; the client asks
 * again, and is answered from what the door remembers. */
static void send_udp(struct update *u)
{
    struct iovec iov = {.iov_base = u->msg, .iov_len = u->len};
    struct msghdr hdr = {.msg_name = &u->to, .msg_namelen = u->to_len, .msg_iov = &iov, .msg_iovlen = 1};

    if (u->control_len > 0) {
        hdr.msg_control = u->control;
        hdr.msg_controllen = u->control_len;
    }
    (void)sendmsg(u->fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One of those that were taken is done with; d may be gone afterwards. */
static void settle(struct update_door *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->pending--;
    if (d->pending == 0)
        (void)pthread_cond_broadcast(&d->settled);
    (void)pthread_mutex_unlock(&d->lock);
}

/* The committer's thread, or its watchdog. */
static void on_decided(void *arg, const struct result *res, const struct state *state)
{
    struct update *u = arg;
    struct update_door *d = u->door;
    enum dns_rcode rcode = rcode_of(res);

    (void)state;
    reply_make(u, rcode);
    (void)pthread_mutex_lock(&d->lock);
    replay_end(d, &u->tsig, rcode);
    d->answered[rcode]++;
    (void)pthread_mutex_unlock(&d->lock);
    if (u->mail != NULL) {
        mail_put(u->mail, u);
    } else {
        if (u->len > 0)
            send_udp(u);
        update_free(u);
    }
    settle(d);
}

/* ---- taking ---- */

/* Whether the message is a new one, and there is room for it; *rcode otherwise, as in update_take(). */
static enum update_fate admit(struct update_door *d, const struct update_message *m, enum dns_rcode *rcode)
{
    enum update_fate fate = UPDATE_ANSWER_LATER;
    const struct replay *r;

    (void)pthread_mutex_lock(&d->lock);
    r = replay_find(d, m->tsig);
    *rcode = RCODE_SERVFAIL;
    if (r != NULL && r->is_done) {
        fate = UPDATE_ANSWER_NOW;
        *rcode = (enum dns_rcode)r->rcode;
    } else if (r != NULL) {
        fate = m->transport == QUERY_UDP ? UPDATE_SILENCE : UPDATE_ANSWER_NOW;
    } else if (d->closed || d->pending >= PENDING_MAX) {
        fate = UPDATE_ANSWER_NOW;
    } else {
        replay_add(d, m->tsig, m->now_s);
        d->pending++;
    }
    d->repeated += r != NULL ? 1u : 0u;
    (void)pthread_mutex_unlock(&d->lock);
    return fate;
}

/* Undo admit(): the message was not taken after all. */
static void give_up(struct update_door *d, const struct update_message *m)
{
    (void)pthread_mutex_lock(&d->lock);
    replay_end(d, m->tsig, RCODE_SERVFAIL);
    (void)pthread_mutex_unlock(&d->lock);
    settle(d);
}

static struct update *update_new(struct update_door *d, const struct update_message *m)
{
    struct update *u = calloc(1, sizeof *u);

    if (u == NULL)
        return NULL;
    u->door = d;
    u->query = *m->query;
    u->tsig = *m->tsig;
    u->udp_size = m->udp_size;
    u->transport = m->transport;
    memcpy(u->msg, m->msg, DNS_HEADER_LEN + (size_t)m->query->question_len);
    return u;
}

static void set_caller(struct caller *caller, const struct update_message *m)
{
    caller->auth = AUTH_TSIG;
    caller->credential = m->tsig->credential;
    caller->tsig_secret = m->tsig->secret;
    addr_from_sockaddr(&caller->client, NULL, m->from);
}

/* The id of the message, so that who has a packet trace finds it in the journal. */
static void set_request_id(struct caller *caller, const uint8_t *msg)
{
    (void)snprintf(caller->request_id, sizeof caller->request_id, "dns-%u", (unsigned)(msg[0] << 8 | msg[1]));
}

/* ---- refused signatures ---- */

static void on_reported(void *arg, const struct result *res, const struct state *state)
{
    struct update_door *d = arg;

    (void)res;
    (void)state;
    settle(d);
}

/* What people look for. */
static const char *problem_of(enum tsig_error error)
{
    switch (error) {
    case TSIG_BADSIG:
        return "the TSIG signature does not fit: the client has another secret (BADSIG)";
    case TSIG_BADKEY:
        return "no TSIG key has that name, or its algorithm is not allowed (BADKEY): see dns.tsig-legacy";
    case TSIG_BADTIME:
        return "the client's clock is too far from this server's (BADTIME)";
    case TSIG_BADTRUNC:
        return "the TSIG signature is truncated (BADTRUNC)";
    case TSIG_NOERROR:
        break;
    }
    return "";
}

static bool may_report(struct update_door *d, int64_t now_s)
{
    bool may;

    (void)pthread_mutex_lock(&d->lock);
    if (d->reports_s != now_s) {
        d->reports_s = now_s;
        d->reports = 0;
    }
    may = !d->closed && d->reports < REPORTS_A_S;
    if (may) {
        d->reports++;
        d->pending++;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return may;
}

void update_report(struct update_door *d, const struct update_message *m)
{
    struct request *r;
    size_t len;
    const char *label;

    if (d == NULL || !may_report(d, m->now_s))
        return;
    r = request_new(REQUEST_UPDATE, DOOR_UPDATE);
    if (r != NULL) {
        label = (const char *)name_first_label(&m->tsig->key_name, &len);
        set_caller(&r->caller, m);
        if (!m->tsig->is_signed && uuid_parse(&r->caller.credential, label, len) != ERR_OK)
            r->caller.credential = (struct uuid){{0}};
        r->caller.tsig_problem = problem_of(m->tsig->error);
        set_request_id(&r->caller, m->msg);
        if (d->sink.submit(d->sink.self, r, on_reported, d) == ERR_OK)
            return;
    }
    request_free(r);
    settle(d);
}

enum update_fate update_take(struct update_door *d, const struct update_message *m, enum dns_rcode *rcode)
{
    enum update_fate fate = admit(d, m, rcode);
    struct request *r = NULL;
    struct update *u = NULL;

    if (fate != UPDATE_ANSWER_LATER)
        return fate;
    *rcode = RCODE_SERVFAIL;
    r = request_new(REQUEST_UPDATE, DOOR_UPDATE);
    u = update_new(d, m);
    if (r != NULL && u != NULL)
        *rcode = update_decode(r, m->query, m->msg, m->query->tsig_at);
    if (r != NULL && u != NULL && *rcode == RCODE_NOERROR) {
        set_caller(&r->caller, m);
        set_request_id(&r->caller, m->msg);
        m->route(m->route_arg, u);
        if (d->sink.submit(d->sink.self, r, on_decided, u) == ERR_OK)
            return UPDATE_ANSWER_LATER;
        *rcode = RCODE_SERVFAIL;
        if (m->unroute != NULL)
            m->unroute(m->route_arg, u);
    }
    request_free(r);
    update_free(u);
    give_up(d, m);
    return UPDATE_ANSWER_NOW;
}
