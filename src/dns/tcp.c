#include "dns/tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "base/clock.h"
#include "dns/tcp_clients.h"
#include "dns/tcp_limits.h"
#include "dns/tcp_stream.h"
#include "dns/thread.h"

#define ACCEPT_PAUSE_MS  200 /* without descriptors */
#define EVICT_SEARCH     16  /* connections looked at for an idle one */
#define CLIENT_SHARE     4   /* 1/4 of the connections for one client */
#define NEVER_MS         INT64_MAX
#define TIMER_STEP_MS    10 /* so that near deadlines share a wake-up */
#define STOP_DEADLINE_MS 1000
#define STOP_READS       64 /* for what is in a socket when the thread is to stop */
#define SPARE_PATH       "/dev/null"

struct tcp_conn {
    TAILQ_ENTRY(tcp_conn) link; /* in conns */
    struct tcp_thread *owner;
    struct tcp_client *client;
    struct event event;
    short waiting_for; /* EV_READ or EV_WRITE; 0: neither */
    int64_t active_ms; /* the idle time counts from here */
    struct tcp_stream stream;
};

struct tcp_listener {
    struct tcp_thread *owner;
    struct event event;
    int fd;
    size_t index;         /* of the address */
    uint64_t events_seen; /* of the thread's, when connections were last accepted here */
};

struct tcp_thread {
    struct tcp_spec spec;
    pthread_t thread;
    struct event_base *base;
    int wake_fd;     /* eventfd: stop, look at the deadlines, or there is mail */
    uint64_t events; /* so far */
    int64_t now_ms;  /* when the callback under way began; monotonic */
    struct update_mail mail;
    bool has_mail; /* mail is initialised */
    atomic_bool stop;
    struct event wake_event, idle_timer, pause_timer;
    int64_t idle_timer_ms; /* when it is to go off; NEVER_MS: it is not set */
    struct tcp_listener *listeners;
    size_t n_listeners;
    int spare_fd;
    bool stopping;
    TAILQ_HEAD(tcp_conns, tcp_conn) conns; /* the one that has been inactive longest first */
    uint32_t open;
    struct tcp_clients *clients;
    struct tcp_desk desk;
};

static struct timeval ms_to_timeval(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static struct dns_counters *counters(const struct tcp_thread *t)
{
    return &t->spec.stats->counters;
}

static void open_show(struct tcp_thread *t)
{
    __atomic_store_n(&counters(t)->tcp_open, t->open, __ATOMIC_RELAXED); /* other threads read it */
}

/* Every callback is a read section: the thread is offline while libevent polls, which has no hook of its own for
 * that. */
static void section_begin(struct tcp_thread *t)
{
    rcu_thread_online();
    t->events++;
    t->now_ms = clock_mono_ms(&clock_system);
    answerer_refresh(&t->desk.answerer, t->spec.slot, t->spec.tuning);
}

static void section_end(void)
{
    rcu_thread_offline();
}

/* ---- connections ---- */

static void conn_close(struct tcp_conn *c)
{
    struct tcp_thread *t = c->owner;

    if (c->waiting_for != 0)
        (void)event_del(&c->event); /* fails only for events that were never assigned */
    TAILQ_REMOVE(&t->conns, c, link);
    tcp_clients_leave(t->clients, c->client);
    t->open--;
    open_show(t);
    tcp_stream_fini(&c->stream);
    free(c);
    if (t->stopping && t->open == 0)
        (void)event_base_loopbreak(t->base);
}

static int64_t idle_now_ms(const struct tcp_thread *t)
{
    const struct dns_tuning *tuning = dns_tuning_read(t->spec.tuning);

    return tcp_idle_now_ms(tuning->tcp_idle_ms, t->open, tuning->tcp_connections);
}

static void conn_touch(struct tcp_conn *c)
{
    struct tcp_conns *conns = &c->owner->conns;

    c->active_ms = c->owner->now_ms;
    TAILQ_REMOVE(conns, c, link);
    TAILQ_INSERT_TAIL(conns, c, link);
}

/* Wake up when the connection at the head of the list is due, or before: whoever comes to the head later is due
 * later, unless the idle time shrinks. */
static void idle_timer_arm(struct tcp_thread *t)
{
    const struct tcp_conn *head = TAILQ_FIRST(&t->conns);
    struct timeval after;
    int64_t due_ms;

    if (head == NULL || t->stopping)
        return;
    due_ms = head->active_ms + idle_now_ms(t);
    if (due_ms < t->now_ms + TIMER_STEP_MS)
        due_ms = t->now_ms + TIMER_STEP_MS;
    if (t->idle_timer_ms <= due_ms)
        return;
    after = ms_to_timeval(due_ms - t->now_ms);
    if (evtimer_add(&t->idle_timer, &after) == 0) /* without memory: the next accept tries again */
        t->idle_timer_ms = due_ms;
}

static void on_idle_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_thread *t = arg;
    struct tcp_conn *head;

    (void)fd;
    (void)what;
    section_begin(t);
    while ((head = TAILQ_FIRST(&t->conns)) != NULL && head->active_ms + idle_now_ms(t) <= t->now_ms) {
        if (head->stream.waiting != NULL) { /* it is we who are slow; the sink bounds that */
            conn_touch(head);
            continue;
        }
        dns_count(&counters(t)->tcp_timeouts);
        conn_close(head);
    }
    t->idle_timer_ms = NEVER_MS;
    idle_timer_arm(t);
    section_end();
}

static void on_conn(evutil_socket_t fd, short what, void *arg);

/* ERR_MEMORY: the loop cannot watch the connection. */
static enum err conn_wait(struct tcp_conn *c, short what)
{
    if (c->waiting_for == what)
        return ERR_OK;
    if (c->waiting_for != 0)
        (void)event_del(&c->event);
    c->waiting_for = 0;
    if (what == 0)
        return ERR_OK;
    if (event_assign(&c->event, c->owner->base, c->stream.fd, (short)(what | EV_PERSIST), on_conn, c) != 0 ||
        event_add(&c->event, NULL) != 0)
        return ERR_MEMORY;
    c->waiting_for = what;
    return ERR_OK;
}

/* Do what the stream asks for; c may be gone afterwards. */
static void conn_obey(struct tcp_conn *c, enum tcp_wish wish)
{
    static const short events[] = {[TCP_WANTS_READ] = EV_READ, [TCP_WANTS_WRITE] = EV_WRITE, [TCP_WANTS_MAIL] = 0};

    if (wish == TCP_WANTS_CLOSE || conn_wait(c, events[wish]) != ERR_OK)
        conn_close(c);
}

static enum tcp_wish conn_serve(struct tcp_conn *c)
{
    struct tcp_thread *t = c->owner;
    uint64_t before = c->stream.queries;
    bool writes = c->stream.out.len > 0;
    enum tcp_wish wish = writes ? tcp_stream_write(&c->stream, &t->desk) : tcp_stream_read(&c->stream, &t->desk);

    if (c->stream.queries > before || (writes && wish == TCP_WANTS_READ))
        conn_touch(c);
    return wish;
}

/* The thread is to stop: answer what the kernel has received for c, then close it as soon as its output is taken.
 */
static void conn_finish(struct tcp_conn *c, enum tcp_wish wish)
{
    for (unsigned i = 0; i < STOP_READS && wish == TCP_WANTS_READ; i++) {
        uint64_t before = c->stream.queries;
        size_t kept = c->stream.in.len;

        wish = conn_serve(c);
        if (c->stream.queries == before && c->stream.in.len == kept)
            break;
    }
    conn_obey(c, wish == TCP_WANTS_READ ? TCP_WANTS_CLOSE : wish);
}

static void on_conn(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_conn *c = arg;
    struct tcp_thread *t = c->owner;
    enum tcp_wish wish;

    (void)fd;
    (void)what;
    section_begin(t);
    wish = conn_serve(c);
    if (t->stopping)
        conn_finish(c, wish);
    else
        conn_obey(c, wish);
    section_end();
}

/* ---- accepting ---- */

/* Make room for one connection more by closing the one that has been idle longest. */
static bool evict_idle(struct tcp_thread *t)
{
    struct tcp_conn *c = TAILQ_FIRST(&t->conns);

    for (unsigned i = 0; c != NULL && i < EVICT_SEARCH; i++, c = TAILQ_NEXT(c, link)) {
        if (!tcp_stream_is_idle(&c->stream))
            continue;
        dns_count(&counters(t)->tcp_timeouts);
        conn_close(c);
        return true;
    }
    return false;
}

/* ERR_FULL, ERR_MEMORY: fd stays the caller's. */
static enum err conn_open(struct tcp_thread *t, int fd, size_t listener, const struct sockaddr_storage *from)
{
    uint32_t most = dns_tuning_read(t->spec.tuning)->tcp_connections;
    uint32_t client_most = most / CLIENT_SHARE > 0 ? most / CLIENT_SHARE : 1;
    struct tcp_client *client;
    struct tcp_conn *c;
    struct addr peer;
    enum err e;

    addr_from_sockaddr(&peer, NULL, (const struct sockaddr *)from);
    e = tcp_clients_enter(&client, t->clients, &peer, client_most);
    if (e == ERR_OK && t->open >= most && !evict_idle(t))
        e = ERR_FULL;
    c = e == ERR_OK ? calloc(1, sizeof *c) : NULL;
    if (e == ERR_OK && c == NULL)
        e = ERR_MEMORY;
    if (e != ERR_OK) {
        tcp_clients_leave(t->clients, client);
        return e;
    }
    c->owner = t;
    c->client = client;
    tcp_stream_init(&c->stream, fd, (uint8_t)listener, from);
    c->active_ms = t->now_ms;
    TAILQ_INSERT_TAIL(&t->conns, c, link);
    t->open++;
    open_show(t);
    dns_count(&counters(t)->tcp_connections);
    thread_stats_note_source(t->spec.stats, (const struct sockaddr *)from);
    conn_obey(c, conn_serve(c)); /* the first question has mostly come (bind.c): no event needs to say so */
    return ERR_OK;
}

static void listeners_pause(struct tcp_thread *t)
{
    struct timeval after = ms_to_timeval(ACCEPT_PAUSE_MS);

    if (evtimer_add(&t->pause_timer, &after) != 0)
        return; /* better to be woken too often than never again */
    for (size_t i = 0; i < t->n_listeners; i++)
        (void)event_del(&t->listeners[i].event);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_thread *t = arg;
    bool failed = false;

    (void)fd;
    (void)what;
    if (t->stopping)
        return;
    if (t->spare_fd < 0)
        t->spare_fd = open(SPARE_PATH, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < t->n_listeners; i++)
        failed = event_add(&t->listeners[i].event, NULL) != 0 || failed;
    if (failed)
        listeners_pause(t);
}

/* No descriptor is left. Level-triggered, the waiting connection would wake us for ever: take it with the spare one
 * and close it, so that its client learns it now, and accept none for a moment. */
static void accept_without_descriptors(struct tcp_thread *t, int listen_fd)
{
    int fd;

    if (t->spare_fd >= 0)
        (void)close(t->spare_fd); /* /dev/null */
    fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        dns_count(&counters(t)->tcp_refused);
        (void)close(fd); /* refused */
    }
    t->spare_fd = open(SPARE_PATH, O_RDONLY | O_CLOEXEC);
    if (!t->stopping)
        listeners_pause(t);
}

/* Accept one connection; false when there is none, or none can be had for the moment. */
static bool accept_one(struct tcp_listener *l)
{
    struct tcp_thread *t = l->owner;
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        accept_without_descriptors(t, l->fd);
        return false;
    }
    if (fd < 0)
        return errno != EAGAIN; /* others concern the one connection: accept(2), "Error handling" */
    if (conn_open(t, fd, l->index, &from) != ERR_OK) {
        dns_count(&counters(t)->tcp_refused);
        (void)close(fd); /* refused */
    }
    return true;
}

static void accept_some(struct tcp_listener *l, unsigned most)
{
    for (unsigned i = 0; i < most && accept_one(l); i++)
        ;
}

static void on_listener(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_listener *l = arg;
    struct tcp_thread *t = l->owner;

    (void)fd;
    (void)what;
    section_begin(t);
    accept_some(l, tcp_accepts_now(t->events - l->events_seen));
    l->events_seen = t->events;
    idle_timer_arm(t);
    section_end();
}

/* ---- stopping ---- */

static void on_stop_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_thread *t = arg;

    (void)fd;
    (void)what;
    (void)event_base_loopbreak(t->base);
}

/* Take in what waits at the listeners, answer what was received, and stay only for output that is not taken yet. */
static void begin_stop(struct tcp_thread *t)
{
    struct timeval after = ms_to_timeval(STOP_DEADLINE_MS);
    struct tcp_conn *next;

    for (size_t i = 0; i < t->n_listeners; i++) {
        (void)event_del(&t->listeners[i].event);
        accept_some(&t->listeners[i], TCP_ACCEPTS_MOST);
    }
    t->stopping = true;
    (void)evtimer_del(&t->idle_timer);
    (void)evtimer_del(&t->pause_timer);
    for (struct tcp_conn *c = TAILQ_FIRST(&t->conns); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        conn_finish(c, c->stream.out.len > 0 ? TCP_WANTS_WRITE : TCP_WANTS_READ);
    }
    if (t->open == 0 || event_base_once(t->base, -1, EV_TIMEOUT, on_stop_deadline, t, &after) != 0)
        (void)event_base_loopbreak(t->base);
}

static void deliver_mail(struct tcp_thread *t)
{
    struct update *u = update_mail_take(&t->mail);

    while (u != NULL) {
        struct update *next = u->next;
        struct tcp_stream *s = u->conn;

        if (s == NULL) {
            update_free(u);
        } else {
            struct tcp_conn *c = (struct tcp_conn *)(void *)((char *)s - offsetof(struct tcp_conn, stream));
            enum tcp_wish wish = tcp_stream_deliver(s, &t->desk, u);

            conn_touch(c);
            conn_obey(c, wish);
        }
        u = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_thread *t = arg;
    eventfd_t times;

    (void)what;
    (void)eventfd_read(fd, &times); /* it is readable, or somebody was quicker: nobody else reads it */
    section_begin(t);
    deliver_mail(t);
    if (!t->stopping && atomic_load_explicit(&t->stop, memory_order_acquire))
        begin_stop(t);
    else
        idle_timer_arm(t);
    section_end();
}

/* ---- the thread ---- */

static void *tcp_main(void *arg)
{
    struct tcp_thread *t = arg;
    struct tcp_conn *c;

    rcu_register_thread();
    rcu_thread_offline();
    (void)event_base_dispatch(t->base); /* ends by loopbreak; were polling to fail, closing all is right as well */
    while ((c = TAILQ_FIRST(&t->conns)) != NULL)
        conn_close(c);
    rcu_unregister_thread();
    return NULL;
}

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    /* Only its thread touches the base (others write to the eventfd): no locks. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static enum err listeners_add(struct tcp_thread *t)
{
    const struct bound *b = t->spec.bound;

    t->listeners = calloc(b->n_sockets + 1, sizeof *t->listeners);
    if (t->listeners == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->n_sockets; i++) {
        struct tcp_listener *l = &t->listeners[t->n_listeners];

        if (b->sockets[i].proto != IP_PROTO_TCP)
            continue;
        *l = (struct tcp_listener){.owner = t, .fd = b->sockets[i].fd, .index = b->sockets[i].listener};
        if (event_assign(&l->event, t->base, l->fd, EV_READ | EV_PERSIST, on_listener, l) != 0 ||
            event_add(&l->event, NULL) != 0)
            return ERR_MEMORY;
        t->n_listeners++;
    }
    return ERR_OK;
}

/* Everything but the thread. */
static enum err tcp_prepare(struct tcp_thread *t)
{
    enum err e = tcp_clients_new(&t->clients);

    if (e != ERR_OK)
        return e;
    t->spare_fd = open(SPARE_PATH, O_RDONLY | O_CLOEXEC);
    t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (t->spare_fd < 0 || t->wake_fd < 0)
        return ERR_IO;
    if (update_mail_init(&t->mail, t->wake_fd) != ERR_OK)
        return ERR_MEMORY;
    t->has_mail = true;
    t->base = base_new();
    if (t->base == NULL)
        return ERR_MEMORY;
    if (evtimer_assign(&t->idle_timer, t->base, on_idle_timer, t) != 0 ||
        evtimer_assign(&t->pause_timer, t->base, on_pause_over, t) != 0 ||
        event_assign(&t->wake_event, t->base, t->wake_fd, EV_READ | EV_PERSIST, on_wake, t) != 0 ||
        event_add(&t->wake_event, NULL) != 0)
        return ERR_MEMORY;
    return listeners_add(t);
}

static void tcp_free(struct tcp_thread *t)
{
    if (t->base != NULL)
        event_base_free(t->base); /* the events in it are parts of t */
    if (t->has_mail)
        update_mail_fini(&t->mail);
    if (t->wake_fd >= 0)
        (void)close(t->wake_fd);
    if (t->spare_fd >= 0)
        (void)close(t->spare_fd);
    tcp_clients_free(t->clients);
    free(t->listeners);
    free(t);
}

enum err tcp_thread_start(struct tcp_thread **out, const struct tcp_spec *spec)
{
    struct tcp_thread *t = calloc(1, sizeof *t);
    enum err e;

    *out = NULL;
    if (t == NULL)
        return ERR_MEMORY;
    t->spec = *spec;
    t->wake_fd = -1;
    t->spare_fd = -1;
    t->idle_timer_ms = NEVER_MS;
    atomic_init(&t->stop, false);
    TAILQ_INIT(&t->conns);
    t->desk.answerer.keys = spec->keys;
    t->desk.answerer.updates = spec->updates;
    t->desk.mail = &t->mail;
    t->desk.answerer.trace = spec->trace;
    t->desk.answerer.counters = &spec->stats->counters;
    t->desk.questions = spec->questions;
    e = tcp_prepare(t);
    if (e == ERR_OK)
        e = dns_thread_start(&t->thread, "dns-tcp", tcp_main, t);
    if (e != ERR_OK) {
        tcp_free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void tcp_thread_retune(struct tcp_thread *t)
{
    (void)eventfd_write(t->wake_fd, 1); /* fails only when it is readable anyway */
}

void tcp_thread_stop(struct tcp_thread *t)
{
    if (t == NULL)
        return;
    atomic_store_explicit(&t->stop, true, memory_order_release);
    (void)eventfd_write(t->wake_fd, 1);  /* as above */
    (void)pthread_join(t->thread, NULL); /* ours, joinable, joined once */
    tcp_free(t);
}
