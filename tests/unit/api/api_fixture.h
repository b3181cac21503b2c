/* An API server on a free loopback port over a sink that decides on a state in memory, and raw sockets to speak to
 * it: what the tests of src/api share. Nothing is stored; a change is done when a thread of the fixture has decided
 * it. */
#ifndef TEST_API_FIXTURE_H
#define TEST_API_FIXTURE_H

#include "core/decide_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/admin.h"
#include "api/http.h"
#include "api/server.h"
#include "base/clock.h"
#include "base/log.h"

#define REPLY_CAP  65536
#define PATIENCE_S 20

/* What waits for the fixture's thread: a change, or somebody who wants to look. */
struct waiting {
    struct request *r;
    change_done *done;
    void (*look)(void *arg, const struct state *state);
    void *arg;
    struct waiting *next;
};

struct fixture {
    struct world *w;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiting *first, **last;
    bool hold, end;    /* hold: take changes, but do not decide them */
    bool hold_journal; /* who reads it stays in there */
    size_t in_journal;
    enum err submit_error; /* what submit and inspect say instead of taking */
    bool has_forced;
    struct result forced; /* what becomes of the next change */
    size_t submitted;
    struct sink_status status;

    struct refusals *refusals;
    struct api_listen listen[4];
    struct api_settings settings;
    struct api_server *server;
    char path[64]; /* of unix sockets and files */
};

static inline enum err fixture_queue(struct fixture *f, struct waiting item)
{
    struct waiting *x = malloc(sizeof *x);
    enum err e;

    if (x == NULL)
        return ERR_MEMORY;
    *x = item;
    x->next = NULL;
    pthread_mutex_lock(&f->lock);
    e = f->submit_error;
    if (e == ERR_OK) {
        *f->last = x;
        f->last = &x->next;
        f->submitted += x->r != NULL ? 1u : 0u;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    if (e != ERR_OK)
        free(x);
    return e;
}

static inline enum err fixture_submit(void *self, struct request *r, change_done *done, void *arg)
{
    return fixture_queue(self, (struct waiting){.r = r, .done = done, .arg = arg});
}

static inline enum err fixture_inspect(void *self, void (*look)(void *arg, const struct state *state), void *arg)
{
    return fixture_queue(self, (struct waiting){.look = look, .arg = arg});
}

/* An empty journal: there is nothing up to where status says that it ends. */
static inline enum err fixture_journal(void *self, const struct journal_filter *filter, journal_visit *visit,
                                       void *arg)
{
    struct fixture *f = self;

    (void)visit, (void)arg;
    pthread_mutex_lock(&f->lock);
    f->in_journal++;
    pthread_cond_broadcast(&f->changed);
    while (f->hold_journal)
        pthread_cond_wait(&f->changed, &f->lock);
    f->in_journal--;
    if (filter->reached != NULL)
        *filter->reached = filter->after_seq > f->status.seq ? filter->after_seq : f->status.seq;
    pthread_mutex_unlock(&f->lock);
    return ERR_OK;
}

static inline void fixture_status(void *self, struct sink_status *out)
{
    struct fixture *f = self;

    pthread_mutex_lock(&f->lock);
    *out = f->status;
    pthread_mutex_unlock(&f->lock);
}

/* As the committer does it, without a store. */
static inline void fixture_decide(struct fixture *f, struct waiting *x)
{
    struct result res;
    bool forced;

    if (x->look != NULL) {
        x->look(x->arg, f->w->s);
        return;
    }
    pthread_mutex_lock(&f->lock);
    forced = f->has_forced;
    f->has_forced = false;
    res = f->forced;
    pthread_mutex_unlock(&f->lock);
    if (!forced) {
        entry_fini(&f->w->e);
        f->w->d.seq = ++f->w->seq;
        if (decide(&f->w->d, x->r, &f->w->e, &res) != ERR_OK)
            abort();
    }
    x->done(x->arg, &res, f->w->s);
    request_free(x->r);
}

static inline void *fixture_run(void *arg)
{
    struct fixture *f = arg;

    pthread_mutex_lock(&f->lock);
    for (;;) {
        struct waiting *x = f->first;
        if (x == NULL && f->end)
            break;
        if (x == NULL || (f->hold && !f->end)) {
            pthread_cond_wait(&f->changed, &f->lock);
            continue;
        }
        f->first = x->next;
        if (f->first == NULL)
            f->last = &f->first;
        pthread_mutex_unlock(&f->lock);
        fixture_decide(f, x);
        free(x);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static inline void fixture_hold(struct fixture *f, bool hold)
{
    pthread_mutex_lock(&f->lock);
    f->hold = hold;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static inline void fixture_force(struct fixture *f, enum outcome outcome, enum refusal reason, bool authenticated)
{
    pthread_mutex_lock(&f->lock);
    f->has_forced = true;
    f->forced = (struct result){.outcome = outcome, .refusal = reason, .authenticated = authenticated};
    pthread_mutex_unlock(&f->lock);
}

static inline void fixture_refuse_to_take(struct fixture *f, enum err e)
{
    pthread_mutex_lock(&f->lock);
    f->submit_error = e;
    pthread_mutex_unlock(&f->lock);
}

static inline void fixture_hold_journal(struct fixture *f, bool hold)
{
    pthread_mutex_lock(&f->lock);
    f->hold_journal = hold;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* Until a count of the fixture has become n. */
static inline void fixture_wait_count(struct fixture *f, const size_t *count, size_t n)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&f->lock);
    while (*count < n)
        assert_int_equal(pthread_cond_timedwait(&f->changed, &f->lock, &until), 0);
    pthread_mutex_unlock(&f->lock);
}

static inline void fixture_wait_submitted(struct fixture *f, size_t n)
{
    fixture_wait_count(f, &f->submitted, n);
}

static inline size_t fixture_submitted(struct fixture *f)
{
    size_t n;

    pthread_mutex_lock(&f->lock);
    n = f->submitted;
    pthread_mutex_unlock(&f->lock);
    return n;
}

static inline void fixture_metrics(void *self, struct text *out)
{
    struct fixture *f = self;
    struct metrics_source m = api_server_metrics(f->server);

    m.collect(m.self, out);
}

/* Everything but the server: change f->settings, then fixture_start(). */
static inline struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    f->w = world_new();
    f->w->settings.registration.rate.amount = 0;
    f->last = &f->first;
    assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&f->changed, NULL), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, fixture_run, f), 0);
    assert_int_equal(refusals_new(&f->refusals), ERR_OK);
    (void)snprintf(f->path, sizeof f->path, "/tmp/riposte-api-%d-%lx", (int)getpid(), (unsigned long)(uintptr_t)f);
    f->status = (struct sink_status){.ready = true, .store_ok = true};
    assert_int_equal(endpoint_parse(&f->listen[0].at, "127.0.0.1:0", 11), ERR_OK);
    f->listen[0].serves = SERVES_ACMEDNS | SERVES_HEALTH | SERVES_METRICS;
    f->settings = (struct api_settings){
        .listen = f->listen,
        .n_listen = 1,
        .connections = 2000,
        .base_url = "",
        .max_body = 4096,
        .request_timeout_ms = 15000,
        .registration = REGISTRATION_ANYONE,
    };
    return f;
}

static inline void fixture_start(struct fixture *f)
{
    const struct change_sink sink = {.submit = fixture_submit,
                                     .inspect = fixture_inspect,
                                     .journal = fixture_journal,
                                     .status = fixture_status,
                                     .self = f};
    const struct api_control control = {.metrics = fixture_metrics, .self = f};
    struct text why;

    text_init(&why, 4096);
    if (api_server_bind(&f->server, &f->settings, NULL, &why) != ERR_OK ||
        api_server_start(f->server, &sink, f->refusals, NULL, &control, &why) != ERR_OK)
        fail_msg("the server does not start: %s", why.bytes);
    text_fini(&why);
}

static inline struct fixture *fixture_started(void)
{
    struct fixture *f = fixture_new();

    fixture_start(f);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    api_server_stop(f->server, 2000);
    pthread_mutex_lock(&f->lock);
    f->end = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->thread, NULL);
    refusals_free(f->refusals);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->lock);
    entry_fini(&f->w->e);
    state_free(f->w->s);
    state_free(f->w->replica);
    bucket_table_free(f->w->d.registrations);
    bucket_table_free(f->w->d.failures);
    free(f->w);
    free(f);
}

static inline uint16_t fixture_port(const struct fixture *f, size_t listener)
{
    struct api_listener_status st[8];

    assert_true(api_server_listeners(f->server, st, 8) > listener);
    return st[listener].at.port;
}

/* How many refusals of that reason are on record. */
static inline size_t refusals_of(const struct fixture *f, enum refusal reason)
{
    static struct refusal_record records[256];
    size_t n = refusals_read(f->refusals, 0, records, 256);
    size_t of = 0;

    for (size_t i = 0; i < n; i++)
        of += records[i].reason == reason ? 1u : 0u;
    return of;
}

static inline const char *last_detail(const struct fixture *f)
{
    static struct refusal_record record;

    return refusals_read(f->refusals, 0, &record, 1) == 1 ? record.detail : "";
}

/* ---- a client ---- */

static inline void set_patience(int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
}

static inline int client_connect(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    set_patience(fd);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static inline int client_connect_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    set_patience(fd);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static inline void client_send(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server has closed: seen when reading */
        text += n;
        len -= (size_t)n;
    }
}

struct reply {
    int status; /* 0: none came */
    char bytes[REPLY_CAP];
    size_t len;
    const char *body;
    size_t body_len;
};

/* A header's value, in a buffer of the caller's thread; NULL: not there. nth from 0. */
static inline const char *reply_header(const struct reply *r, const char *name)
{
    static _Thread_local char value[1024];
    size_t len = strlen(name);
    const char *line = strstr(r->bytes, "\r\n");

    while (line != NULL && line + 2 < r->body) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *v = line + len + 1;
            v += strspn(v, " ");
            (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(v, "\r"), v);
            return value;
        }
        line = strstr(line, "\r\n");
    }
    return NULL;
}

/* Read one reply, to its announced end or the connection's. */
static inline void client_read(int fd, struct reply *r)
{
    size_t announced = SIZE_MAX;

    memset(r, 0, offsetof(struct reply, bytes));
    r->len = 0;
    r->bytes[0] = '\0';
    r->body = NULL;
    r->body_len = 0;
    for (;;) {
        const char *end = strstr(r->bytes, "\r\n\r\n");
        ssize_t n;
        if (end != NULL && r->body == NULL) {
            const char *length;
            r->body = end + 4;
            r->status = atoi(r->bytes + strlen("HTTP/1.1 "));
            length = reply_header(r, "Content-Length");
            announced = r->status == 204 || r->status == 304 ? 0
                        : length != NULL                     ? strtoul(length, NULL, 10)
                                                             : SIZE_MAX;
        }
        if (r->body != NULL) {
            r->body_len = r->len - (size_t)(r->body - r->bytes);
            if (r->body_len >= announced)
                return;
        }
        n = recv(fd, r->bytes + r->len, REPLY_CAP - 1 - r->len, 0);
        if (n <= 0)
            return;
        r->len += (size_t)n;
        r->bytes[r->len] = '\0';
    }
}

/* One request on a connection of its own. */
static inline struct reply *exchange_raw(uint16_t port, const char *text, size_t len)
{
    static struct reply r;
    int fd = client_connect(port);

    assert_true(fd >= 0);
    client_send(fd, text, len);
    client_read(fd, &r);
    (void)close(fd);
    return &r;
}

/* headers: lines that end in CRLF each, or "". */
static inline struct reply *exchange(const struct fixture *f, const char *method, const char *path,
                                     const char *headers, const char *body)
{
    static char text[REPLY_CAP];
    int len;

    len = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, headers);
    if (body != NULL)
        len += snprintf(text + len, sizeof text - (size_t)len, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    else
        len += snprintf(text + len, sizeof text - (size_t)len, "\r\n");
    assert_true(len > 0 && (size_t)len < sizeof text);
    return exchange_raw(fixture_port(f, 0), text, (size_t)len);
}

/* What /register has given. */
struct account_text {
    char username[37], password[41], fulldomain[256], subdomain[64];
};

static inline void json_member(const char *json, const char *key, char *out, size_t cap)
{
    char quoted[64];
    const char *at;

    (void)snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
    at = strstr(json, quoted);
    assert_non_null(at);
    at += strlen(quoted);
    (void)snprintf(out, cap, "%.*s", (int)strcspn(at, "\""), at);
}

static inline struct account_text register_account(const struct fixture *f, const char *body)
{
    struct account_text a;
    struct reply *r = exchange(f, "POST", "/register", "", body);

    assert_int_equal(r->status, 201);
    json_member(r->body, "username", a.username, sizeof a.username);
    json_member(r->body, "password", a.password, sizeof a.password);
    json_member(r->body, "fulldomain", a.fulldomain, sizeof a.fulldomain);
    json_member(r->body, "subdomain", a.subdomain, sizeof a.subdomain);
    return a;
}

static inline struct reply *post_update(const struct fixture *f, const char *path, const char *user,
                                        const char *key, const char *body)
{
    char headers[512];

    (void)snprintf(headers, sizeof headers, "X-Api-User: %s\r\nX-Api-Key: %s\r\n", user, key);
    return exchange(f, "POST", path, headers, body);
}

#endif
