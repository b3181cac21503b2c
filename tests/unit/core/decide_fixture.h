/* A server's state with one zone, and people who ask for changes: what the tests of decide() share. Each change
 * that is done is also encoded, decoded and folded into a second state, which must end like the first. */
#ifndef TEST_CORE_DECIDE_FIXTURE_H
#define TEST_CORE_DECIDE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "core/decide.h"
#include "core/value_set.h"

#define NOW  1800000000
#define HOUR 3600
#define DAY  (24 * HOUR)

struct world {
    struct state *s, *replica;
    struct zone_spec zones[2];
    struct settings settings;
    struct decide d;
    struct entry e;     /* of the last request */
    struct result res;  /* of the last request */
    struct addr client; /* of the next request */
    bool client_unknown;
    uint64_t seq;
};

/* Somebody with a credential. */
struct holder {
    uint32_t id, name;
    struct uuid uuid;
    char uuid_text[UUID_TEXT_LEN + 1];
    char secret[SECRET_TEXT_LEN + 1];
};

static inline struct name name_of(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static inline struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

static inline struct net net_of(const char *text)
{
    struct net n;

    assert_int_equal(net_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static inline struct zone_spec zone_of(const char *apex)
{
    return (struct zone_spec){
        .apex = name_of(apex),
        .soa = {.mname = name_of("ns1.example.net"), .rname = name_of("hostmaster.example.net"), .refresh_s = 7200},
        .pinned_ttl_s = 300,
    };
}

static inline struct request request_of(const struct world *w, enum request_kind kind, enum auth_kind auth)
{
    struct request r = {.kind = kind};

    r.caller.door = auth == AUTH_LOCAL ? DOOR_ADMIN : auth == AUTH_SERVER ? DOOR_SERVER : DOOR_ACMEDNS;
    r.caller.auth = auth;
    r.caller.client = w->client;
    r.caller.client_unknown = w->client_unknown;
    memcpy(r.caller.request_id, "7Q2K-0M1D", sizeof r.caller.request_id);
    return r;
}

static inline struct request request_by(const struct world *w, enum request_kind kind, const struct holder *h)
{
    struct request r = request_of(w, kind, AUTH_SECRET);

    r.caller.credential = h->uuid;
    memcpy(r.caller.secret, h->secret, sizeof h->secret);
    return r;
}

/* What a reader of the journal would do with the entry. */
static inline void replay(struct world *w, const struct entry *e)
{
    struct entry copy;
    uint8_t *bytes;
    size_t len;

    assert_int_equal(effects_encode(e, &bytes, &len), ERR_OK);
    entry_init(&copy);
    assert_int_equal(effects_decode(&copy, EFFECT_FORMAT, bytes, len), ERR_OK);
    assert_int_equal(copy.n_effects, e->n_effects);
    for (size_t i = 0; i < copy.n_effects; i++)
        assert_int_equal(state_fold(w->replica, e->seq, &copy.effects[i]), ERR_OK);
    entry_fini(&copy);
    free(bytes);
}

/* Decide, and finish the batch of one. */
static inline enum err try_decide(struct world *w, const struct request *r)
{
    enum err e;

    state_forget_rows(w->s); /* of the batch before */
    state_forget_rows(w->replica);
    entry_fini(&w->e);
    w->d.seq = w->seq + 1;
    e = decide(&w->d, r, &w->e, &w->res);
    if (e != ERR_OK)
        return e;
    if (w->res.outcome != OUTCOME_DONE) {
        assert_int_equal(w->e.n_effects, 0);
        assert_int_not_equal(w->res.refusal, REFUSAL_NONE);
        assert_true(w->res.detail[0] != '\0');
        assert_true(w->res.detail[strlen(w->res.detail) - 1] != '.');
        assert_string_equal(w->res.secret, "");
        return ERR_OK;
    }
    assert_string_equal(w->res.detail, "");
    assert_string_equal(w->res.hint, "");
    assert_int_equal(w->res.is_change, w->e.n_effects > 0);
    if (!w->res.is_change)
        return ERR_OK;
    w->seq++;
    assert_int_equal(w->e.seq, w->seq);
    assert_int_equal(decide_serials(&w->d, &w->e), ERR_OK);
    state_set_position(w->s, w->seq, w->d.journal_s);
    replay(w, &w->e);
    return ERR_OK;
}

/* REFUSAL_NONE: done. */
static inline enum refusal ask(struct world *w, const struct request *r)
{
    assert_int_equal(try_decide(w, r), ERR_OK);
    return w->res.refusal;
}

#define assert_done(w, r)          assert_string_equal(refusal_word(ask(w, r)), refusal_word(REFUSAL_NONE))
#define assert_refused(w, r, with) assert_string_equal(refusal_word(ask(w, r)), refusal_word(with))

static inline size_t effects_of(const struct world *w, enum effect_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < w->e.n_effects; i++)
        n += w->e.effects[i].kind == kind ? 1u : 0u;
    return n;
}

static inline void later(struct world *w, int64_t s)
{
    w->d.now_s += s;
    w->d.journal_s += s;
    w->d.mono_ms += s * 1000;
}

/* From now on, all that is there is older than the grace. */
static inline void age_all(struct world *w)
{
    w->d.old_before = (w->seq + 1) << CLAIM_ORDER_SHIFT;
}

static inline enum refusal configure(struct world *w, const struct settings *set)
{
    struct request r = request_of(w, REQUEST_CONFIGURE, AUTH_SERVER);

    r.u.configure = set;
    return ask(w, &r);
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    assert_int_equal(crypto_init(), ERR_OK);
    assert_int_equal(state_new(&w->s, NULL), ERR_OK);
    assert_int_equal(state_new(&w->replica, NULL), ERR_OK);
    entry_init(&w->e);
    w->client = addr_of("192.0.2.77");
    w->zones[0] = zone_of("auth.example.org");
    w->settings = (struct settings){
        .zones = w->zones,
        .n_zones = 1,
        .values = {.lifetime_s = 72 * HOUR, .grace_s = HOUR, .budget = 3584, .accept = ACCEPT_CHALLENGE},
        .registration = {.allow = REGISTRATION_ANYONE, .rate = {.amount = 10, .per_s = 60}},
        .limits = {.changes = {.amount = 10, .per_s = 1}, .names = 1000, .names_unclaimed = 10000},
    };
    w->d = (struct decide){.state = w->s,
                           .settings = &w->settings,
                           .now_s = NOW,
                           .journal_s = NOW,
                           .mono_ms = 1000000,
                           .random = crypto_random};
    assert_int_equal(bucket_table_new(&w->d.registrations, 64), ERR_OK);
    assert_int_equal(bucket_table_new(&w->d.failures, 64), ERR_OK);
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    return w;
}

static inline void world_free(struct world *w)
{
    struct state_counts a = state_counts(w->s), b = state_counts(w->replica);

    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(state_last_secret(w->s), state_last_secret(w->replica));
    entry_fini(&w->e);
    state_free(w->s);
    state_free(w->replica);
    bucket_table_free(w->d.registrations);
    bucket_table_free(w->d.failures);
    free(w);
}

static inline struct name_ref ref_of(enum name_ref_kind kind, const char *text)
{
    return (struct name_ref){.kind = kind, .text = text, .len = strlen(text)};
}

static inline uint32_t account_of_name(struct world *w, const char *name)
{
    const struct account *a = state_account_by_name(w->s, name, strlen(name));

    assert_non_null(a);
    return a->id;
}

static inline uint32_t make_account(struct world *w, const char *name)
{
    struct request r = request_of(w, REQUEST_ACCOUNT_CREATE, AUTH_LOCAL);

    r.u.account.name = name;
    assert_done(w, &r);
    return w->res.account;
}

static inline uint32_t make_name(struct world *w, const char *account, const char *label)
{
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);

    r.u.name.account = account;
    r.u.name.label = label;
    assert_done(w, &r);
    return w->res.name;
}

/* What is known of the credential that the last request made. */
static inline struct holder holder_of_result(const struct world *w)
{
    const struct credential *cred = state_credential(w->s, w->res.credential);
    struct holder h = {.id = w->res.credential, .uuid = cred->uuid, .name = w->res.name};

    (void)uuid_format(&h.uuid, h.uuid_text);
    assert_int_equal(strlen(w->res.secret), SECRET_TEXT_LEN);
    memcpy(h.secret, w->res.secret, sizeof h.secret);
    return h;
}

static inline struct request credential_request(const struct world *w, const char *label,
                                                const struct name_ref *name)
{
    struct request r = request_of(w, REQUEST_CREDENTIAL_CREATE, AUTH_LOCAL);

    r.u.credential.label = label;
    r.u.credential.n_names = 1;
    r.u.credential.names = name;
    return r;
}

static inline struct holder make_holder(struct world *w, const char *name, const char *label)
{
    struct name_ref ref = ref_of(NAME_REF_ANY, name);
    struct request r = credential_request(w, label, &ref);

    assert_done(w, &r);
    return holder_of_result(w);
}

/* The holder, with these actions and kinds from now on. */
static inline void empower(struct world *w, const struct holder *h, unsigned actions, unsigned kinds)
{
    struct request r = request_of(w, REQUEST_CREDENTIAL_SET, AUTH_LOCAL);

    r.u.credential.credential.text = h->uuid_text;
    r.u.credential.has_actions = true;
    r.u.credential.actions = actions;
    r.u.credential.kinds = kinds;
    assert_done(w, &r);
}

/* A challenge value that is one of a kind. */
struct challenge {
    char text[VALUE_CHALLENGE_LEN + 1];
};

static inline struct challenge challenge_of(const char *who, unsigned number)
{
    struct challenge ch;
    char head[32];
    size_t len = (size_t)snprintf(head, sizeof head, "%s-%u_", who, number);

    assert_true(len < sizeof head);
    memset(ch.text, 'x', VALUE_CHALLENGE_LEN);
    memcpy(ch.text, head, len);
    ch.text[VALUE_CHALLENGE_LEN] = '\0';
    return ch;
}

static inline struct value_text text_of(const char *text)
{
    return (struct value_text){.text = text, .len = strlen(text), .lifetime_s = -1};
}

static inline struct request values_request(struct request r, const char *name, const struct value_text *values,
                                            size_t n)
{
    r.u.values = (struct request_values){.name = ref_of(NAME_REF_ANY, name), .n = n, .values = values};
    return r;
}

static inline enum refusal add(struct world *w, const struct holder *h, const char *name, const char *text)
{
    struct value_text v = text_of(text);
    struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, h), name, &v, 1);

    return ask(w, &r);
}

static inline enum refusal remove_value(struct world *w, const struct holder *h, const char *name, const char *text)
{
    struct value_text v = text_of(text);
    struct request r = values_request(request_by(w, REQUEST_VALUE_REMOVE, h), name, &v, 1);

    return ask(w, &r);
}

static inline const struct value *value_at(const struct world *w, uint32_t name, const char *text)
{
    uint8_t rdata[2048];
    size_t len = strlen(text);

    assert_true(len < 1024);
    return value_set_find(name_values(w->s, state_name(w->s, name)), rdata, value_encode_text(rdata, text, len));
}

static inline bool is_served(const struct world *w, uint32_t name, const char *text)
{
    return value_at(w, name, text) != NULL;
}

static inline size_t values_at(const struct world *w, uint32_t name)
{
    return name_n_values(state_name(w->s, name));
}

#endif
