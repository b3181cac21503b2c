/* tests/unit/core/rows.h -- short ways to make the rows of effects and to fold them, for tests of the state. */
#ifndef TESTS_CORE_ROWS_H
#define TESTS_CORE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/state.h"
#include "core/value_set.h"

static inline struct name name_from(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static inline enum err fold_name(struct state *s, enum effect_kind kind, struct effect_name row)
{
    struct effect f = {.kind = kind, .u.name = &row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_account(struct state *s, enum effect_kind kind, struct effect_account row)
{
    struct effect f = {.kind = kind, .u.account = row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_credential(struct state *s, enum effect_kind kind, struct effect_credential row)
{
    struct effect f = {.kind = kind, .u.credential = &row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_secret(struct state *s, enum effect_kind kind, struct effect_secret row)
{
    struct effect f = {.kind = kind, .u.secret = row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_token(struct state *s, enum effect_kind kind, struct effect_token row)
{
    struct effect f = {.kind = kind, .u.token = &row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_grant(struct state *s, enum effect_kind kind, uint32_t name, uint32_t account)
{
    struct effect f = {.kind = kind, .u.grant = {.name = name, .account = account}};

    return state_fold(s, 0, &f);
}

static inline enum err fold_alias(struct state *s, enum effect_kind kind, struct effect_alias row)
{
    struct effect f = {.kind = kind, .u.alias = &row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_zone(struct state *s, enum effect_kind kind, struct effect_zone row)
{
    struct effect f = {.kind = kind, .u.zone = &row};

    return state_fold(s, 0, &f);
}

static inline enum err fold_serial(struct state *s, uint32_t zone, uint32_t serial)
{
    struct effect f = {.kind = EFFECT_ZONE_SERIAL, .u.serial = {.zone = zone, .serial = serial}};

    return state_fold(s, 0, &f);
}

static inline enum err fold_value(struct state *s, enum effect_kind kind, struct effect_claim row, const char *text)
{
    uint8_t rdata[300];
    struct effect f = {.kind = kind, .u.claim = row};

    f.u.claim.rdata.len = (uint16_t)value_encode_text(rdata, text, strlen(text));
    f.u.claim.rdata.bytes = rdata;
    return state_fold(s, 0, &f);
}

static inline struct effect_zone zone_row_of(uint32_t id, const char *apex)
{
    return (struct effect_zone){
        .id = id,
        .spec = {.apex = name_from(apex),
                 .soa = {.mname = name_from("ns1.example.net"),
                         .rname = name_from("hostmaster.example.net"),
                         .refresh_s = 3600,
                         .retry_s = 600,
                         .expire_s = 86400,
                         .minimum_s = 300},
                 .value_ttl_s = 0,
                 .pinned_ttl_s = 300},
    };
}

static inline struct effect_account account_row(uint32_t id, const char *name)
{
    return (struct effect_account){.id = id, .name = name, .note = "", .created_s = 100};
}

static inline struct effect_name name_row(uint32_t id, uint32_t account, uint32_t zone, const char *owner)
{
    return (struct effect_name){
        .id = id, .account = account, .zone = zone, .owner = name_from(owner), .created_s = 100};
}

static inline struct effect_credential credential_row(uint32_t id, uint32_t account)
{
    return (struct effect_credential){
        .id = id,
        .uuid = {.b = {(uint8_t)id, (uint8_t)(id >> 8), 7}},
        .account = account,
        .label = "web",
        .actions = ACTION_ADD,
        .kinds = VALUE_KIND_CHALLENGE,
        .allowfrom = "",
    };
}

static inline struct effect_claim claim_row(uint32_t name, uint32_t credential, uint32_t slot, uint64_t order)
{
    return (struct effect_claim){
        .name = name,
        .credential = credential,
        .slot = slot,
        .order = order,
        .added_s = (int64_t)order,
        .network = {.family = ADDR_V4, .b = {192, 0, 2, 1}},
        .door = DOOR_ACMEDNS,
    };
}

static inline struct effect_secret secret_row(uint32_t id, uint8_t kind, const char *data)
{
    return (struct effect_secret){
        .id = id, .credential = 1, .kind = kind, .len = (uint16_t)strlen(data), .data = (const uint8_t *)data};
}

/* A state with zone 1 "auth.example.org", account 1 "team", name 1 "a.auth.example.org", credential 1. */
static inline struct state *small_state(void)
{
    struct state *s = NULL;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    assert_int_equal(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")), ERR_OK);
    assert_int_equal(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(1, "team")), ERR_OK);
    assert_int_equal(fold_name(s, EFFECT_NAME_MADE, name_row(1, 1, 1, "a.auth.example.org")), ERR_OK);
    assert_int_equal(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(1, 1)), ERR_OK);
    return s;
}

#endif
