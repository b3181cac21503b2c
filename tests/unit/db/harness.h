/* A committer for tests: one zone, registration open, a store in a temporary directory, and requests that wait for
 * their result. */
#ifndef TESTS_DB_HARNESS_H
#define TESTS_DB_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/answer_set.h"
#include "db/committer.h"
#include "db/scenario.h"
#include "db/vfs_fail.h"

#define VALUE_LEN 43

/* A clock that several threads may look at while a test moves it. */
struct test_clock {
    _Atomic int64_t real_us, mono_us;
};

static inline int64_t test_real_us(void *self)
{
    return atomic_load(&((struct test_clock *)self)->real_us);
}

static inline int64_t test_mono_us(void *self)
{
    return atomic_load(&((struct test_clock *)self)->mono_us);
}

static inline void test_clock_advance_s(struct test_clock *t, int64_t s)
{
    (void)atomic_fetch_add(&t->real_us, s * 1000000);
    (void)atomic_fetch_add(&t->mono_us, s * 1000000);
}

struct harness {
    struct temp_dir dir;
    char path[128];
    struct vfs_fail vfs;
    struct test_clock fake;
    struct clock clock;
    struct table_slot slot;
    struct refusals *refusals;
    struct zone_spec zone;
    struct record ns;
    uint8_t ns_rdata[32];
    struct settings settings;
    struct committer_options options;
    struct committer *c;
    struct change_sink sink;
};

/* One request on its way. Lives until wait_for() has returned. */
struct waiting {
    struct harness *h;
    atomic_bool answered;
    atomic_int calls;
    struct result result;
    bool had_state;
    bool dns_has_it; /* the name had a TXT RRset with this many values when the answer came */
    const char *owner;
    unsigned txt_count;
};

static inline enum err harness_open(void *arg, struct store **out, struct text *why)
{
    return store_open_sqlite(out, ((struct harness *)arg)->path, STORE_SERVE, why);
}

static inline int harness_set_up(void **state)
{
    struct harness *h = calloc(1, sizeof *h);
    struct name ns;

    assert_non_null(h);
    temp_dir_make(&h->dir);
    temp_path(&h->dir, h->path, "riposte.db");
    vfs_fail_register(&h->vfs);
    atomic_store(&h->fake.real_us, (int64_t)TIME_0 * 1000000);
    atomic_store(&h->fake.mono_us, (int64_t)1000 * 1000000);
    h->clock = clock_system;
    assert_int_equal(refusals_new(&h->refusals), ERR_OK);
    h->zone.apex = parse_name("auth.example.org");
    h->zone.soa = (struct soa){.mname = parse_name("ns.example.org"),
                               .rname = parse_name("host.example.org"),
                               .refresh_s = 7200,
                               .retry_s = 3600,
                               .expire_s = 1209600,
                               .minimum_s = 300};
    ns = parse_name("ns.example.org");
    memcpy(h->ns_rdata, ns.b, ns.len);
    h->ns = (struct record){.owner = h->zone.apex, .type = RR_NS, .ttl_s = 3600, .rdata = {h->ns_rdata, ns.len}};
    h->zone.records = &h->ns;
    h->zone.n_records = 1;
    h->settings = (struct settings){
        .zones = &h->zone,
        .n_zones = 1,
        .values = {.lifetime_s = 72 * 3600, .grace_s = 3600, .budget = 3584, .accept = ACCEPT_CHALLENGE},
        .registration = {.allow = REGISTRATION_ANYONE, .rate = {0, 1}},
        .limits = {.changes = {0, 1}, .names = 1000, .names_unclaimed = 1000, .free_space = 0},
    };
    h->options = (struct committer_options){.open = harness_open,
                                            .open_arg = h,
                                            .path = h->path,
                                            .clock = &h->clock,
                                            .slot = &h->slot,
                                            .refusals = h->refusals,
                                            .commit_timeout_ms = 10000,
                                            .journal_keep_s = 0};
    *state = h;
    return 0;
}

static inline void harness_use_fake_clock(struct harness *h)
{
    h->clock = (struct clock){.real_us = test_real_us, .mono_us = test_mono_us, .self = &h->fake};
}

static inline void harness_start(struct harness *h)
{
    struct text why;
    enum err e;

    text_init(&why, 1000);
    e = committer_start(&h->c, &h->options, &h->settings, &why);
    if (e != ERR_OK)
        print_message("%s\n", why.bytes);
    assert_int_equal(e, ERR_OK);
    text_fini(&why);
    h->sink = committer_sink(h->c);
}

static inline void harness_stop(struct harness *h)
{
    if (h->c != NULL)
        committer_stop(h->c);
    h->c = NULL;
}

static inline int harness_tear_down(void **state)
{
    struct harness *h = *state;

    vfs_fail_disarm(&h->vfs);
    atomic_store(&h->vfs.hang, 0);
    harness_stop(h);
    vfs_fail_unregister(&h->vfs);
    refusals_free(h->refusals);
    temp_dir_remove(&h->dir);
    free(h);
    return 0;
}

/* How many TXT values DNS gives for owner; -1: there is no such name. Only on the committer's thread, in a
 * callback, or when nothing is going on: elsewhere the table may not be read without being registered. */
static inline int dns_txt_count(const struct harness *h, const char *owner)
{
    const struct table *t = table_slot_read(&h->slot);
    struct name n = parse_name(owner);
    struct answer_set set;
    const struct node *node;

    if (t == NULL)
        return -1;
    name_fold(&n);
    node = table_find(t, &n, table_hash(t, &n));
    if (node == NULL)
        return -1;
    return node_find_set(t, node, RR_TXT, &set) ? set.count : 0;
}

static inline void note_answer(void *arg, const struct result *result, const struct state *state)
{
    struct waiting *w = arg;

    w->result = *result;
    w->had_state = state != NULL;
    if (w->owner != NULL && state != NULL)
        w->dns_has_it = dns_txt_count(w->h, w->owner) == (int)w->txt_count;
    atomic_fetch_add(&w->calls, 1);
    atomic_store(&w->answered, true);
}

static inline void pause_ms(int ms)
{
    fail_sleep(ms * 1000);
}

static inline void wait_for(struct waiting *w)
{
    for (int i = 0; i < 20000 && !atomic_load(&w->answered); i++)
        pause_ms(1);
    assert_true(atomic_load(&w->answered));
    assert_int_equal(atomic_load(&w->calls), 1);
}

static inline void submit(struct harness *h, struct request *r, struct waiting *w)
{
    w->h = h;
    assert_int_equal(h->sink.submit(h->sink.self, r, note_answer, w), ERR_OK);
}

static inline struct result run(struct harness *h, struct request *r)
{
    struct waiting w = {0};

    submit(h, r, &w);
    wait_for(&w);
    return w.result;
}

static inline struct request *local_request(enum request_kind kind)
{
    struct request *r = request_new(kind, DOOR_ADMIN);

    assert_non_null(r);
    r->caller.auth = AUTH_LOCAL;
    r->caller.client.family = ADDR_LOCAL;
    memcpy(r->caller.request_id, "7Q2K-0M1D", sizeof "7Q2K-0M1D");
    return r;
}

static inline struct name_ref owner_ref(const char *owner)
{
    return (struct name_ref){.kind = NAME_REF_OWNER, .text = owner, .len = strlen(owner)};
}

/* Add the n-th value to owner, as the administrator. */
static inline struct request *add_request(const char *owner, unsigned n)
{
    struct request *r = local_request(REQUEST_VALUE_ADD);
    struct value_text *v = arena_alloc(&r->arena, sizeof *v);
    char text[VALUE_LEN + 1];

    assert_non_null(v);
    (void)snprintf(text, sizeof text, "%043u", n);
    *v = (struct value_text){.text = arena_copy(&r->arena, text, VALUE_LEN), .len = VALUE_LEN, .lifetime_s = -1};
    assert_non_null(v->text);
    r->u.values = (struct request_values){.name = owner_ref(owner), .n = 1, .values = v};
    return r;
}

static inline void assert_done(struct result res)
{
    if (res.outcome != OUTCOME_DONE)
        fail_msg("%s: %s", refusal_word(res.refusal), res.detail);
}

/* Account "infra" with names "w0" … in it. */
static inline void make_names(struct harness *h, unsigned n)
{
    struct request *r = local_request(REQUEST_ACCOUNT_CREATE);

    r->u.account.name = "infra";
    assert_done(run(h, r));
    for (unsigned i = 0; i < n; i++) {
        char label[16];
        r = local_request(REQUEST_NAME_CREATE);
        (void)snprintf(label, sizeof label, "w%u", i);
        r->u.name.account = "infra";
        r->u.name.label = arena_copy(&r->arena, label, strlen(label));
        assert_done(run(h, r));
    }
}

static inline struct result make_credential(struct harness *h, const char *owner, const char *label)
{
    struct request *r = local_request(REQUEST_CREDENTIAL_CREATE);
    struct name_ref *name = arena_alloc(&r->arena, sizeof *name);

    assert_non_null(name);
    *name = owner_ref(owner);
    r->u.credential.label = label;
    r->u.credential.names = name;
    r->u.credential.n_names = 1;
    return run(h, r);
}

struct seen_state {
    atomic_bool seen;
    void (*look)(struct seen_state *s, const struct state *state);
    uint64_t number;
    struct uuid uuid;
    uint32_t id;
};

static inline void see_state(void *arg, const struct state *state)
{
    struct seen_state *s = arg;

    s->look(s, state);
    atomic_store(&s->seen, true);
}

static inline void look_at(struct harness *h, struct seen_state *s)
{
    assert_int_equal(h->sink.inspect(h->sink.self, see_state, s), ERR_OK);
    for (int i = 0; i < 20000 && !atomic_load(&s->seen); i++)
        pause_ms(1);
    assert_true(atomic_load(&s->seen));
}

static inline void count_values(struct seen_state *s, const struct state *state)
{
    s->number = state_counts(state).values;
}

static inline uint64_t values_in_state(struct harness *h)
{
    struct seen_state s = {.look = count_values};

    look_at(h, &s);
    return s.number;
}

static inline struct sink_status status_of(struct harness *h)
{
    struct sink_status s;

    h->sink.status(h->sink.self, &s);
    return s;
}

#endif
