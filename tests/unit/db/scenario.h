/* Journal entries for tests of the store: fourteen of them, in which every kind of effect occurs, made to fit one
 * after the other; and a temporary directory to store them in. */
#ifndef TESTS_DB_SCENARIO_H
#define TESTS_DB_SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/effect.h"
#include "core/state.h"
#include "core/value_set.h"
#include "db/store.h"

#define TIME_0       1750000000
#define SCENARIO_LEN 14

struct temp_dir {
    char path[64];
};

static inline void temp_dir_make(struct temp_dir *d)
{
    (void)snprintf(d->path, sizeof d->path, "/tmp/riposte-db-XXXXXX");
    assert_non_null(mkdtemp(d->path));
}

static inline const char *temp_path(const struct temp_dir *d, char out[128], const char *name)
{
    (void)snprintf(out, 128, "%s/%s", d->path, name);
    return out;
}

static inline void temp_dir_remove(struct temp_dir *d)
{
    DIR *dir = opendir(d->path);
    struct dirent *one;
    char path[sizeof d->path + sizeof one->d_name + 1];

    assert_non_null(dir);
    while ((one = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", d->path, one->d_name);
        if (one->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(dir);
    assert_int_equal(rmdir(d->path), 0);
}

static inline struct name parse_name(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static inline struct addr parse_addr(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, text, strlen(text)), ERR_OK);
    return a;
}

static inline void *room(struct entry *e, size_t size)
{
    void *p = arena_alloc(&e->arena, size);

    assert_non_null(p);
    return p;
}

static inline void add_effect(struct entry *e, struct effect f)
{
    assert_int_equal(entry_add(e, &f), ERR_OK);
}

static inline struct rdata txt(struct entry *e, const char *text)
{
    size_t len = strlen(text);
    uint8_t *bytes = room(e, len + len / 255 + 1);
    size_t rdlen = value_encode_text(bytes, text, len);

    return (struct rdata){.bytes = bytes, .len = (uint16_t)rdlen};
}

static inline void add_zone(struct entry *e, enum effect_kind kind, uint32_t id, const char *apex, size_t n_records)
{
    struct effect_zone *z = room(e, sizeof *z);
    struct record *records = room(e, (n_records + 1) * sizeof *records);

    z->id = id;
    z->spec.apex = parse_name(apex);
    z->spec.soa = (struct soa){.mname = parse_name("ns1.example.net"),
                               .rname = parse_name("host.example.net"),
                               .refresh_s = 7200,
                               .retry_s = 3600,
                               .expire_s = 1209600,
                               .minimum_s = 300,
                               .ttl_s = id};
    z->spec.challenge_caa = id % 2 == 0 ? CHALLENGE_CAA_DENY : CHALLENGE_CAA_NONE;
    z->spec.value_ttl_s = 1;
    z->spec.pinned_ttl_s = 60;
    for (size_t i = 0; i < n_records; i++) {
        uint8_t *address = room(e, 4);
        address[0] = 192;
        address[2] = 2;
        address[3] = (uint8_t)i;
        records[i] = (struct record){.owner = z->spec.apex, .type = RR_A, .ttl_s = 3600, .rdata = {address, 4}};
    }
    z->spec.records = records;
    z->spec.n_records = n_records;
    add_effect(e, (struct effect){.kind = kind, .u.zone = z});
}

static inline void add_serial(struct entry *e, uint32_t zone, uint32_t serial)
{
    add_effect(e, (struct effect){.kind = EFFECT_ZONE_SERIAL, .u.serial = {.zone = zone, .serial = serial}});
}

static inline void add_account(struct entry *e, enum effect_kind kind, uint32_t id, const char *name,
                               int64_t deleted_s)
{
    add_effect(e, (struct effect){.kind = kind,
                                  .u.account = {.id = id,
                                                .name = name,
                                                .note = "a note",
                                                .created_s = TIME_0,
                                                .deleted_s = deleted_s,
                                                .names_max = id,
                                                .disabled = id == 2,
                                                .unclaimed = id == 3}});
}

static inline void add_name(struct entry *e, enum effect_kind kind, uint32_t id, uint32_t account,
                            const char *owner, int64_t retired_s, size_t n_domains)
{
    static const char *const domains[] = {"shop.example.com", "example.org", "a.example"};
    struct effect_name *n = room(e, sizeof *n);

    *n = (struct effect_name){.id = id,
                              .account = account,
                              .zone = 1,
                              .owner = parse_name(owner),
                              .created_s = TIME_0 + id,
                              .retired_s = retired_s,
                              .subtree = id == 2,
                              .n_domains = n_domains,
                              .domains = domains};
    add_effect(e, (struct effect){.kind = kind, .u.name = n});
}

static inline void add_credential(struct entry *e, enum effect_kind kind, uint32_t id, const char *label,
                                  size_t n_networks, int64_t revoked_s)
{
    static const uint32_t names[] = {1, 2};
    struct effect_credential *c = room(e, sizeof *c);
    struct net *nets = room(e, 3 * sizeof *nets);

    nets[0] = (struct net){.addr = parse_addr("192.0.2.7"), .prefix_len = 24}; /* host bits are kept */
    nets[1] = (struct net){.addr = parse_addr("2001:db8::1"), .prefix_len = 48};
    nets[2] = (struct net){.addr = parse_addr("0.0.0.0"), .prefix_len = 0};
    *c = (struct effect_credential){.id = id,
                                    .account = 1,
                                    .label = label,
                                    .actions = ACTION_ADD | ACTION_REMOVE,
                                    .kinds = VALUE_KIND_CHALLENGE,
                                    .n_networks = n_networks,
                                    .networks = nets,
                                    .allowfrom = n_networks > 0 ? "[\"192.0.2.7/24\"]" : "",
                                    .networks_invalid = id == 2,
                                    .created_s = TIME_0,
                                    .expires_s = TIME_0 + 1000,
                                    .revoked_s = revoked_s,
                                    .n_names = id == 1 ? 2 : 1,
                                    .names = names};
    memset(c->uuid.b, (int)id, sizeof c->uuid.b);
    add_effect(e, (struct effect){.kind = kind, .u.credential = c});
}

static inline void add_secret(struct entry *e, enum effect_kind kind, uint32_t id, uint32_t credential,
                              int64_t ends_s)
{
    uint8_t *data = room(e, 32);

    memset(data, 0x40 + (int)id, 32);
    add_effect(e, (struct effect){.kind = kind,
                                  .u.secret = {.id = id,
                                               .credential = credential,
                                               .kind = SECRET_SHA256,
                                               .len = 32,
                                               .data = data,
                                               .starts_s = TIME_0,
                                               .ends_s = ends_s}});
}

static inline void add_token(struct entry *e, enum effect_kind kind, uint32_t id, uint32_t used, int64_t revoked_s)
{
    struct effect_token *t = room(e, sizeof *t);
    struct net *nets = room(e, sizeof *nets);

    nets[0] = (struct net){.addr = parse_addr("10.0.0.0"), .prefix_len = 8};
    *t = (struct effect_token){.id = id,
                               .account = 1,
                               .created_s = TIME_0,
                               .expires_s = TIME_0 + 9,
                               .used = used,
                               .revoked_s = revoked_s,
                               .count_max = 5,
                               .n_networks = 1,
                               .networks = nets,
                               .labels = "web*"};
    memset(t->sha256, (int)id, sizeof t->sha256);
    add_effect(e, (struct effect){.kind = kind, .u.token = t});
}

static inline void add_alias(struct entry *e, enum effect_kind kind, uint32_t id, const char *fqdn)
{
    struct effect_alias *a = room(e, sizeof *a);

    *a = (struct effect_alias){.id = id, .name = 1, .fqdn = parse_name(fqdn), .served = id == 2};
    add_effect(e, (struct effect){.kind = kind, .u.alias = a});
}

static inline void add_claim(struct entry *e, enum effect_kind kind, uint32_t name, uint32_t slot,
                             uint32_t credential, const char *text)
{
    bool pinned = text[0] == 'p';

    add_effect(e, (struct effect){.kind = kind,
                                  .u.claim = {.name = name,
                                              .credential = credential,
                                              .slot = slot,
                                              .order = e->seq << CLAIM_ORDER_SHIFT | e->n_effects,
                                              .added_s = e->time_s,
                                              .expires_s = pinned ? 0 : e->time_s + 3600,
                                              .network = parse_addr(slot % 2 == 0 ? "192.0.2.9" : "2001:db8::"),
                                              .door = DOOR_V1,
                                              .pinned = pinned,
                                              .rdata = txt(e, text)}});
}

static inline void add_grant(struct entry *e, enum effect_kind kind, uint32_t account)
{
    add_effect(e, (struct effect){.kind = kind, .u.grant = {.name = 1, .account = account}});
}

/* The entry at position seq, 1..SCENARIO_LEN; the caller finishes it. */
static inline void scenario_entry(struct entry *e, uint64_t seq)
{
    static const char long_text[] =
        "p0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "89012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123";

    entry_init(e);
    e->seq = seq;
    e->time_s = TIME_0 + (int64_t)seq * 10;
    e->door = seq % 2 == 0 ? DOOR_ACMEDNS : DOOR_ADMIN;
    e->client = seq % 3 == 0   ? parse_addr("2001:db8::9")
                : seq % 3 == 1 ? parse_addr("192.0.2.9")
                               : (struct addr){.family = ADDR_LOCAL};
    (void)snprintf(e->request_id, sizeof e->request_id, "7Q2K-%04u", (unsigned)seq % 10000);
    if (seq > 6)
        e->account = e->credential = 1;
    switch (seq) {
    case 1:
        add_zone(e, EFFECT_ZONE_SET, 1, "auth.example.org", 3);
        add_serial(e, 1, 100);
        break;
    case 2:
        add_account(e, EFFECT_ACCOUNT_MADE, 1, "infra", 0);
        add_account(e, EFFECT_ACCOUNT_MADE, 2, "shop", 0);
        break;
    case 3:
        add_name(e, EFFECT_NAME_MADE, 1, 1, "Web.auth.example.org", 0, 2);
        add_name(e, EFFECT_NAME_MADE, 2, 2, "db.auth.example.org", 0, 0);
        add_serial(e, 1, 101);
        break;
    case 4:
        add_credential(e, EFFECT_CREDENTIAL_MADE, 1, "web1", 3, 0);
        add_secret(e, EFFECT_SECRET_ADDED, 1, 1, 0);
        add_secret(e, EFFECT_SECRET_ADDED, 2, 1, TIME_0 + 50);
        break;
    case 5:
        add_credential(e, EFFECT_CREDENTIAL_MADE, 2, "web2", 0, 0);
        add_secret(e, EFFECT_SECRET_ADDED, 3, 2, 0);
        add_token(e, EFFECT_TOKEN_MADE, 1, 0, 0);
        add_grant(e, EFFECT_GRANT_MADE, 2);
        add_alias(e, EFFECT_ALIAS_MADE, 1, "_acme-challenge.shop.example.com");
        add_alias(e, EFFECT_ALIAS_MADE, 2, "_acme-challenge.example.com");
        add_effect(e, (struct effect){.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = 1, .serial = 4000000000u}});
        break;
    case 6:
        add_claim(e, EFFECT_CLAIM_ADDED, 1, 0, 1, "first");
        add_claim(e, EFFECT_CLAIM_ADDED, 1, 1, 2, "first"); /* another claim on the same value */
        add_claim(e, EFFECT_CLAIM_ADDED, 1, 2, 1, "second");
        add_claim(e, EFFECT_CLAIM_ADDED, 1, 3, 1, "third");
        add_claim(e, EFFECT_CLAIM_ADDED, 2, 0, 0, long_text);
        add_serial(e, 1, 102);
        break;
    case 7:
        add_claim(e, EFFECT_CLAIM_RENEWED, 1, 0, 1, "first");
        add_claim(e, EFFECT_CLAIM_EVICTED, 1, 2, 1, "second");
        add_claim(e, EFFECT_CLAIM_ADDED, 1, 2, 1, "in the place of the second");
        break;
    case 8:
        add_claim(e, EFFECT_CLAIM_REMOVED, 1, 1, 2, "first");
        add_claim(e, EFFECT_CLAIM_EXPIRED, 1, 3, 1, "third");
        add_serial(e, 1, 103);
        break;
    case 9:
        add_name(e, EFFECT_NAME_SET, 1, 2, "WEB.auth.example.org", 0, 3);
        add_name(e, EFFECT_NAME_MADE, 3, 1, "old.auth.example.org", 0, 1);
        add_name(e, EFFECT_NAME_MADE, 4, 1, "back.auth.example.org", TIME_0 + 5, 0);
        add_account(e, EFFECT_ACCOUNT_SET, 2, "shop", 0);
        break;
    case 10:
        add_name(e, EFFECT_NAME_RETIRED, 3, 1, "old.auth.example.org", e->time_s, 0);
        add_name(e, EFFECT_NAME_REVIVED, 4, 2, "back.auth.example.org", 0, 1);
        add_account(e, EFFECT_ACCOUNT_MADE, 3, "gone", 0);
        add_serial(e, 1, 104);
        break;
    case 11:
        add_account(e, EFFECT_ACCOUNT_DELETED, 3, "gone", e->time_s);
        add_account(e, EFFECT_ACCOUNT_MADE, 4, "gone", 0); /* the name is free again */
        add_credential(e, EFFECT_CREDENTIAL_SET, 1, "web-one", 1, 0);
        add_secret(e, EFFECT_SECRET_SET, 2, 1, TIME_0 + 77);
        add_secret(e, EFFECT_SECRET_ENDED, 3, 2, 0); /* the highest: its number is not given out again */
        break;
    case 12:
        add_credential(e, EFFECT_CREDENTIAL_REVOKED, 2, "web2", 0, e->time_s);
        add_grant(e, EFFECT_GRANT_ENDED, 2);
        add_grant(e, EFFECT_GRANT_MADE, 4);
        add_token(e, EFFECT_TOKEN_USED, 1, 1, 0);
        add_token(e, EFFECT_TOKEN_MADE, 2, 0, 0);
        break;
    case 13:
        add_token(e, EFFECT_TOKEN_REVOKED, 2, 0, e->time_s);
        add_alias(e, EFFECT_ALIAS_ENDED, 2, "_acme-challenge.example.com");
        add_zone(e, EFFECT_ZONE_SET, 1, "auth.example.org", 2);
        add_zone(e, EFFECT_ZONE_SET, 2, "other.example", 1);
        add_serial(e, 1, 105);
        add_serial(e, 2, 7);
        break;
    default: /* 14 */
        add_zone(e, EFFECT_ZONE_REMOVED, 2, "other.example", 1);
        break;
    }
}

/* Fold the entry into s. */
static inline void fold_entry(struct state *s, const struct entry *e)
{
    for (size_t i = 0; i < e->n_effects; i++)
        assert_int_equal(state_fold(s, e->seq, &e->effects[i]), ERR_OK);
    state_set_position(s, e->seq, e->time_s);
}

/* Apply the entry at position seq of the scenario. */
static inline enum err apply_scenario(struct store *st, uint64_t seq)
{
    struct entry e;
    const struct entry *entries = &e;
    struct store_batch b = {.entries = &entries, .n = 1};
    enum err err;

    scenario_entry(&e, seq);
    err = st->ops->apply(st, seq - 1, &b);
    entry_fini(&e);
    return err;
}

static inline struct store *open_store(const char *path, enum store_open_mode mode)
{
    struct store *st = NULL;
    struct text why;
    enum err e;

    text_init(&why, 1000);
    e = store_open_sqlite(&st, path, mode, &why);
    if (e != ERR_OK)
        print_message("%s\n", why.bytes);
    text_fini(&why);
    assert_int_equal(e, ERR_OK);
    return st;
}

static inline struct state *load_state(struct store *st)
{
    struct state *s = NULL;
    struct text why;
    enum err e;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    text_init(&why, 1000);
    e = st->ops->load(st, s, NULL, &why);
    if (e != ERR_OK)
        print_message("%s\n", why.bytes);
    text_fini(&why);
    assert_int_equal(e, ERR_OK);
    return s;
}

/* Load the store and bring its tables up to the journal; what kept us from it. */
static inline enum err fold_all(struct store *st)
{
    struct state *s = NULL;
    struct text why;
    enum err e;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    text_init(&why, 1000);
    e = st->ops->load(st, s, NULL, &why);
    while (e == ERR_OK && st->ops->unfolded(st) > 0)
        e = st->ops->fold(st, s);
    text_fini(&why);
    state_free(s);
    return e;
}

#endif
