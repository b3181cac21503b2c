#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "core/effect.h"

static struct name name_from(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

/* ---- rows with something in every field; what they point at is static ---- */

static const uint8_t txt[] = {3, 'a', 'b', 'c'};
static const uint8_t octets[] = {0, 1, 0xff, 0};
static const char *const domains[] = {"shop.example.com", ""};
static const struct net nets[] = {
    {.addr = {.family = ADDR_V4, .b = {192, 0, 2, 1}}, .prefix_len = 32},
    {.addr = {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8}}, .prefix_len = 0},
};
static const uint32_t ids[] = {1, UINT32_MAX};

static struct effect_claim full_claim(void)
{
    return (struct effect_claim){.name = 1,
                                 .credential = 2,
                                 .slot = 3,
                                 .order = UINT64_MAX,
                                 .added_s = -5,
                                 .expires_s = INT64_MAX,
                                 .network = {.family = ADDR_V6, .b = {1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                 .door = DOOR_UPDATE,
                                 .pinned = true,
                                 .rdata = {.bytes = txt, .len = sizeof txt}};
}

static struct effect_name full_name(void)
{
    return (struct effect_name){.id = 4,
                                .account = 5,
                                .zone = 6,
                                .owner = name_from("MiXed.auth.example.org"),
                                .created_s = 7,
                                .retired_s = 8,
                                .subtree = true,
                                .n_domains = ARRAY_LEN(domains),
                                .domains = domains};
}

static struct effect_account full_account(void)
{
    return (struct effect_account){.id = 9,
                                   .name = "team",
                                   .note = "n\xc3\xb6te",
                                   .created_s = 10,
                                   .deleted_s = 11,
                                   .names_max = 12,
                                   .disabled = true,
                                   .unclaimed = false};
}

static struct effect_credential full_credential(void)
{
    return (struct effect_credential){.id = 13,
                                      .uuid = {.b = {1, 2, 3, [15] = 16}},
                                      .account = 14,
                                      .label = "web1",
                                      .actions = ACTION_ADD | ACTION_ADMINISTER,
                                      .kinds = VALUE_KIND_PINNED,
                                      .n_networks = ARRAY_LEN(nets),
                                      .networks = nets,
                                      .allowfrom = "[]",
                                      .networks_invalid = true,
                                      .created_s = 15,
                                      .expires_s = 16,
                                      .revoked_s = 17,
                                      .n_names = ARRAY_LEN(ids),
                                      .names = ids};
}

static struct effect_secret full_secret(void)
{
    return (struct effect_secret){.id = 18,
                                  .credential = 19,
                                  .kind = SECRET_TSIG,
                                  .len = sizeof octets,
                                  .data = octets,
                                  .starts_s = 20,
                                  .ends_s = 21};
}

static struct effect_token full_token(void)
{
    return (struct effect_token){.id = 22,
                                 .account = 23,
                                 .sha256 = {24, [31] = 25},
                                 .created_s = 26,
                                 .expires_s = 27,
                                 .revoked_s = 28,
                                 .count_max = 29,
                                 .used = 30,
                                 .n_networks = 1,
                                 .networks = nets,
                                 .labels = "web*"};
}

static struct effect_alias full_alias(void)
{
    return (struct effect_alias){
        .id = 31, .name = 32, .fqdn = name_from("_acme-challenge.example.com"), .served = true};
}

static struct record records[2]; /* filled by full_zone(): names are no constants */

static struct effect_zone full_zone(void)
{
    records[0] = (struct record){
        .owner = name_from("auth.example.org"), .type = 2, .ttl_s = 33, .rdata = {.bytes = octets, .len = 4}};
    records[1] =
        (struct record){.owner = name_from("."), .type = 65535, .ttl_s = 34, .rdata = {.bytes = octets, .len = 0}};
    return (struct effect_zone){.id = 35,
                                .spec = {.apex = name_from("auth.example.org"),
                                         .soa = {.mname = name_from("ns.example.org"),
                                                 .rname = name_from("."),
                                                 .refresh_s = 1,
                                                 .retry_s = 2,
                                                 .expire_s = 3,
                                                 .minimum_s = 4,
                                                 .ttl_s = 5},
                                         .records = records,
                                         .n_records = 2,
                                         .challenge_caa = CHALLENGE_CAA_DENY,
                                         .value_ttl_s = 6,
                                         .pinned_ttl_s = 7}};
}

/* All rows in one place; the effects of an entry may point into it while it lives. */
struct rows {
    struct effect_name name;
    struct effect_credential credential;
    struct effect_token token;
    struct effect_alias alias;
    struct effect_zone zone;
    struct effect_zone removed;
};

static const enum effect_kind kinds[] = {
    EFFECT_CLAIM_ADDED,     EFFECT_CLAIM_RENEWED,  EFFECT_CLAIM_REMOVED,      EFFECT_CLAIM_EVICTED,
    EFFECT_CLAIM_EXPIRED,   EFFECT_NAME_MADE,      EFFECT_NAME_SET,           EFFECT_NAME_RETIRED,
    EFFECT_NAME_REVIVED,    EFFECT_ACCOUNT_MADE,   EFFECT_ACCOUNT_SET,        EFFECT_ACCOUNT_DELETED,
    EFFECT_CREDENTIAL_MADE, EFFECT_CREDENTIAL_SET, EFFECT_CREDENTIAL_REVOKED, EFFECT_SECRET_ADDED,
    EFFECT_SECRET_SET,      EFFECT_SECRET_ENDED,   EFFECT_GRANT_MADE,         EFFECT_GRANT_ENDED,
    EFFECT_TOKEN_MADE,      EFFECT_TOKEN_USED,     EFFECT_TOKEN_REVOKED,      EFFECT_ALIAS_MADE,
    EFFECT_ALIAS_ENDED,     EFFECT_ZONE_SET,       EFFECT_ZONE_REMOVED,       EFFECT_ZONE_SERIAL,
    EFFECT_ALIAS_SERIAL,    EFFECT_RESTORED,
};

static struct effect effect_of(struct rows *rows, unsigned kind)
{
    struct effect f = {.kind = (enum effect_kind)kind};

    if (kind <= EFFECT_CLAIM_EXPIRED)
        f.u.claim = full_claim();
    else if (kind <= EFFECT_NAME_REVIVED)
        f.u.name = &rows->name;
    else if (kind <= EFFECT_ACCOUNT_DELETED)
        f.u.account = full_account();
    else if (kind <= EFFECT_CREDENTIAL_REVOKED)
        f.u.credential = &rows->credential;
    else if (kind <= EFFECT_SECRET_ENDED)
        f.u.secret = full_secret();
    else if (kind <= EFFECT_GRANT_ENDED)
        f.u.grant = (struct effect_grant){.name = 36, .account = 37};
    else if (kind <= EFFECT_TOKEN_REVOKED)
        f.u.token = &rows->token;
    else if (kind <= EFFECT_ALIAS_ENDED)
        f.u.alias = &rows->alias;
    else if (kind == EFFECT_ZONE_SERIAL || kind == EFFECT_ALIAS_SERIAL)
        f.u.serial = (struct effect_serial){.zone = 39, .serial = 40};
    else if (kind == EFFECT_RESTORED)
        f.u.restored = (struct effect_restored){.ended_seq = 41, .ended_s = 42, .exactly = true};
    else
        f.u.zone = kind == EFFECT_ZONE_SET ? &rows->zone : &rows->removed;
    return f;
}

static void fill_rows(struct rows *rows)
{
    rows->name = full_name();
    rows->credential = full_credential();
    rows->token = full_token();
    rows->alias = full_alias();
    rows->zone = full_zone();
    rows->removed = (struct effect_zone){.id = 38};
}

/* An entry with one effect of every kind. */
static void full_entry(struct entry *e, struct rows *rows)
{
    fill_rows(rows);
    entry_init(e);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct effect f = effect_of(rows, kinds[i]);

        assert_int_equal(entry_add(e, &f), ERR_OK);
    }
}

/* ---- entries ---- */

static void every_kind_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_string_not_equal(effect_word(kinds[i]), "unknown");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(effect_word(kinds[i]), effect_word(kinds[k]));
    }
    assert_string_equal(effect_word(EFFECT_CLAIM_ADDED), "value-added");
    assert_string_equal(effect_word((enum effect_kind)6), "unknown");
    assert_string_equal(effect_word((enum effect_kind)1000), "unknown");
}

static void an_entry_takes_any_number_of_effects_and_is_empty_after_its_end(void **state)
{
    struct entry e;
    struct effect f = {.kind = EFFECT_ZONE_SERIAL};

    (void)state;
    entry_init(&e);
    assert_int_equal(e.n_effects, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        f.u.serial.serial = i;
        assert_int_equal(entry_add(&e, &f), ERR_OK);
    }
    assert_int_equal(e.n_effects, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(e.effects[i].u.serial.serial, i);
    entry_fini(&e);
    assert_int_equal(e.n_effects, 0);
    assert_null(e.effects);
    assert_int_equal(e.arena.total, 0);
}

/* ---- the encoding ---- */

static void assert_same_claim(const struct effect_claim *a, const struct effect_claim *b)
{
    assert_int_equal(a->name, b->name);
    assert_int_equal(a->credential, b->credential);
    assert_int_equal(a->slot, b->slot);
    assert_int_equal(a->order, b->order);
    assert_int_equal(a->added_s, b->added_s);
    assert_int_equal(a->expires_s, b->expires_s);
    assert_memory_equal(&a->network, &b->network, sizeof a->network);
    assert_int_equal(a->door, b->door);
    assert_int_equal(a->pinned, b->pinned);
    assert_int_equal(a->rdata.len, b->rdata.len);
    assert_memory_equal(a->rdata.bytes, b->rdata.bytes, a->rdata.len);
}

static void assert_same_name(const struct effect_name *a, const struct effect_name *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->account, b->account);
    assert_int_equal(a->zone, b->zone);
    assert_memory_equal(&a->owner, &b->owner, sizeof a->owner);
    assert_int_equal(a->created_s, b->created_s);
    assert_int_equal(a->retired_s, b->retired_s);
    assert_int_equal(a->subtree, b->subtree);
    assert_int_equal(a->n_domains, b->n_domains);
    for (size_t i = 0; i < a->n_domains; i++)
        assert_string_equal(a->domains[i], b->domains[i]);
}

static void assert_same_credential(const struct effect_credential *a, const struct effect_credential *b)
{
    assert_int_equal(a->id, b->id);
    assert_true(uuid_equal(&a->uuid, &b->uuid));
    assert_int_equal(a->account, b->account);
    assert_string_equal(a->label, b->label);
    assert_int_equal(a->actions, b->actions);
    assert_int_equal(a->kinds, b->kinds);
    assert_int_equal(a->n_networks, b->n_networks);
    assert_memory_equal(a->networks, b->networks, a->n_networks * sizeof *a->networks);
    assert_string_equal(a->allowfrom, b->allowfrom);
    assert_int_equal(a->networks_invalid, b->networks_invalid);
    assert_int_equal(a->created_s, b->created_s);
    assert_int_equal(a->expires_s, b->expires_s);
    assert_int_equal(a->revoked_s, b->revoked_s);
    assert_int_equal(a->n_names, b->n_names);
    assert_memory_equal(a->names, b->names, a->n_names * sizeof *a->names);
}

static void assert_same_zone(const struct effect_zone *a, const struct effect_zone *b)
{
    assert_int_equal(a->id, b->id);
    assert_true(memcmp(&a->spec.apex, &b->spec.apex, sizeof a->spec.apex) == 0);
    assert_memory_equal(&a->spec.soa.mname, &b->spec.soa.mname, sizeof(struct name));
    assert_memory_equal(&a->spec.soa.rname, &b->spec.soa.rname, sizeof(struct name));
    assert_int_equal(a->spec.soa.refresh_s, b->spec.soa.refresh_s);
    assert_int_equal(a->spec.soa.retry_s, b->spec.soa.retry_s);
    assert_int_equal(a->spec.soa.expire_s, b->spec.soa.expire_s);
    assert_int_equal(a->spec.soa.minimum_s, b->spec.soa.minimum_s);
    assert_int_equal(a->spec.soa.ttl_s, b->spec.soa.ttl_s);
    assert_int_equal(a->spec.challenge_caa, b->spec.challenge_caa);
    assert_int_equal(a->spec.value_ttl_s, b->spec.value_ttl_s);
    assert_int_equal(a->spec.pinned_ttl_s, b->spec.pinned_ttl_s);
    assert_int_equal(a->spec.n_records, b->spec.n_records);
    for (size_t i = 0; i < a->spec.n_records; i++) {
        const struct record *x = &a->spec.records[i];
        const struct record *y = &b->spec.records[i];

        assert_memory_equal(&x->owner, &y->owner, sizeof x->owner);
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->ttl_s, y->ttl_s);
        assert_int_equal(x->rdata.len, y->rdata.len);
        assert_memory_equal(x->rdata.bytes, y->rdata.bytes, x->rdata.len);
    }
}

static void assert_same_small(const struct effect *a, const struct effect *b)
{
    unsigned kind = a->kind;

    if (kind >= EFFECT_ACCOUNT_MADE && kind <= EFFECT_ACCOUNT_DELETED) {
        assert_int_equal(a->u.account.id, b->u.account.id);
        assert_string_equal(a->u.account.name, b->u.account.name);
        assert_string_equal(a->u.account.note, b->u.account.note);
        assert_int_equal(a->u.account.created_s, b->u.account.created_s);
        assert_int_equal(a->u.account.deleted_s, b->u.account.deleted_s);
        assert_int_equal(a->u.account.names_max, b->u.account.names_max);
        assert_int_equal(a->u.account.disabled, b->u.account.disabled);
        assert_int_equal(a->u.account.unclaimed, b->u.account.unclaimed);
    } else if (kind >= EFFECT_SECRET_ADDED && kind <= EFFECT_SECRET_ENDED) {
        assert_int_equal(a->u.secret.id, b->u.secret.id);
        assert_int_equal(a->u.secret.credential, b->u.secret.credential);
        assert_int_equal(a->u.secret.kind, b->u.secret.kind);
        assert_int_equal(a->u.secret.len, b->u.secret.len);
        assert_memory_equal(a->u.secret.data, b->u.secret.data, a->u.secret.len);
        assert_int_equal(a->u.secret.starts_s, b->u.secret.starts_s);
        assert_int_equal(a->u.secret.ends_s, b->u.secret.ends_s);
    } else if (kind >= EFFECT_GRANT_MADE && kind <= EFFECT_GRANT_ENDED) {
        assert_memory_equal(&a->u.grant, &b->u.grant, sizeof a->u.grant);
    } else if (kind >= EFFECT_TOKEN_MADE && kind <= EFFECT_TOKEN_REVOKED) {
        assert_int_equal(a->u.token->id, b->u.token->id);
        assert_int_equal(a->u.token->account, b->u.token->account);
        assert_memory_equal(a->u.token->sha256, b->u.token->sha256, 32);
        assert_int_equal(a->u.token->created_s, b->u.token->created_s);
        assert_int_equal(a->u.token->expires_s, b->u.token->expires_s);
        assert_int_equal(a->u.token->revoked_s, b->u.token->revoked_s);
        assert_int_equal(a->u.token->count_max, b->u.token->count_max);
        assert_int_equal(a->u.token->used, b->u.token->used);
        assert_int_equal(a->u.token->n_networks, b->u.token->n_networks);
        assert_memory_equal(a->u.token->networks, b->u.token->networks, sizeof *nets);
        assert_string_equal(a->u.token->labels, b->u.token->labels);
    } else if (kind >= EFFECT_ALIAS_MADE && kind <= EFFECT_ALIAS_ENDED) {
        assert_int_equal(a->u.alias->id, b->u.alias->id);
        assert_int_equal(a->u.alias->name, b->u.alias->name);
        assert_memory_equal(&a->u.alias->fqdn, &b->u.alias->fqdn, sizeof(struct name));
        assert_int_equal(a->u.alias->served, b->u.alias->served);
    } else if (kind == EFFECT_RESTORED) {
        assert_int_equal(a->u.restored.ended_seq, b->u.restored.ended_seq);
        assert_int_equal(a->u.restored.ended_s, b->u.restored.ended_s);
        assert_int_equal(a->u.restored.exactly, b->u.restored.exactly);
    } else {
        assert_true(kind == EFFECT_ZONE_SERIAL || kind == EFFECT_ALIAS_SERIAL);
        assert_memory_equal(&a->u.serial, &b->u.serial, sizeof a->u.serial);
    }
}

static void assert_same_effect(const struct effect *a, const struct effect *b)
{
    assert_int_equal(a->kind, b->kind);
    if (a->kind <= EFFECT_CLAIM_EXPIRED)
        assert_same_claim(&a->u.claim, &b->u.claim);
    else if (a->kind <= EFFECT_NAME_REVIVED)
        assert_same_name(a->u.name, b->u.name);
    else if (a->kind >= EFFECT_CREDENTIAL_MADE && a->kind <= EFFECT_CREDENTIAL_REVOKED)
        assert_same_credential(a->u.credential, b->u.credential);
    else if (a->kind == EFFECT_ZONE_SET || a->kind == EFFECT_ZONE_REMOVED)
        assert_same_zone(a->u.zone, b->u.zone);
    else
        assert_same_small(a, b);
}

static void what_was_encoded_is_decoded(void **state)
{
    struct entry e, back;
    struct rows rows;
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    full_entry(&e, &rows);
    entry_init(&back);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    assert_int_equal(effects_decode(&back, EFFECT_FORMAT, bytes, len), ERR_OK);
    assert_int_equal(back.n_effects, e.n_effects);
    for (size_t i = 0; i < e.n_effects; i++)
        assert_same_effect(&e.effects[i], &back.effects[i]);
    free(bytes);
    entry_fini(&e);
    entry_fini(&back);
}

static void no_effects_are_an_encoding_too(void **state)
{
    struct entry e, back;
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    entry_init(&e);
    entry_init(&back);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    assert_int_equal(effects_decode(&back, EFFECT_FORMAT, bytes, len), ERR_OK);
    assert_int_equal(back.n_effects, 0);
    assert_int_equal(effects_decode(&back, EFFECT_FORMAT, NULL, 0), ERR_CORRUPT);
    free(bytes);
    entry_fini(&e);
    entry_fini(&back);
}

/* Decode a copy of exactly len bytes, so that the sanitizer sees a read past its end. */
static enum err decode_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct entry e;
    enum err err;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    entry_init(&e);
    err = effects_decode(&e, EFFECT_FORMAT, copy, len);
    if (err != ERR_OK)
        assert_int_equal(e.n_effects, 0);
    entry_fini(&e);
    free(copy);
    return err;
}

static void every_truncation_and_every_surplus_is_corrupt(void **state)
{
    struct entry e;
    struct rows rows;
    uint8_t *bytes = NULL;
    uint8_t *longer;
    size_t len = 0;

    (void)state;
    full_entry(&e, &rows);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(decode_copy(bytes, cut), ERR_CORRUPT);
    longer = calloc(1, len + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, len);
    assert_int_equal(decode_copy(longer, len), ERR_OK);
    assert_int_equal(decode_copy(longer, len + 1), ERR_CORRUPT);
    free(longer);
    free(bytes);
    entry_fini(&e);
}

static void other_formats_and_kinds_are_of_another_version(void **state)
{
    static const uint8_t one_of_kind_6[] = {0, 0, 0, 1, 0, 6};
    static const uint8_t one_of_kind_999[] = {0, 0, 0, 1, 3, 231};
    static const uint8_t none[] = {0, 0, 0, 0};
    struct entry e;

    (void)state;
    assert_int_equal(decode_copy(one_of_kind_6, sizeof one_of_kind_6), ERR_VERSION);
    assert_int_equal(decode_copy(one_of_kind_999, sizeof one_of_kind_999), ERR_VERSION);
    entry_init(&e);
    assert_int_equal(effects_decode(&e, EFFECT_FORMAT + 1, none, sizeof none), ERR_VERSION);
    assert_int_equal(effects_decode(&e, 0, none, sizeof none), ERR_VERSION);
    entry_fini(&e);
}

/* Encode one effect, change its bytes at `at` (from the end when negative) to v, and decode. */
static enum err decode_changed(const struct effect *f, int at, uint8_t v)
{
    struct entry e;
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err;

    entry_init(&e);
    assert_int_equal(entry_add(&e, f), ERR_OK);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    bytes[at >= 0 ? (size_t)at : len - (size_t)-at] = v;
    err = decode_copy(bytes, len);
    free(bytes);
    entry_fini(&e);
    return err;
}

static void odd_content_is_corrupt(void **state)
{
    /* The count and the kind take 6 octets. */
    static const struct {
        enum effect_kind kind;
        int at;
        uint8_t v;
    } table[] = {
        {EFFECT_CLAIM_ADDED, 42, 5},          /* no family of addresses */
        {EFFECT_CLAIM_ADDED, -8, DOOR_COUNT}, /* no door */
        {EFFECT_CLAIM_ADDED, -7, 2},          /* no bool */
        {EFFECT_CLAIM_ADDED, -4, 4},          /* a character-string past the end */
        {EFFECT_CLAIM_ADDED, -4, 2},          /* one that ends before it, and the next past it */
        {EFFECT_NAME_MADE, 19, 64},           /* a label of 64 octets */
        {EFFECT_NAME_MADE, 19, 4},            /* labels that end elsewhere */
        {EFFECT_NAME_MADE, 19, 0},            /* the root before the end */
        {EFFECT_NAME_MADE, 19, 0xc0},         /* a compression pointer */
        {EFFECT_NAME_MADE, -5, 0},            /* a NUL inside of a domain */
        {EFFECT_CREDENTIAL_MADE, -1, 0},      /* fine: an id; the row below is the control */
        {EFFECT_ACCOUNT_MADE, -2, 3},         /* no bool */
        {EFFECT_SECRET_ADDED, 14, 4},         /* no kind */
        {EFFECT_TOKEN_MADE, -9, 129},         /* a prefix of 129 bits */
    };
    struct rows rows;

    (void)state;
    fill_rows(&rows);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct effect f = effect_of(&rows, table[i].kind);
        enum err expected = table[i].kind == EFFECT_CREDENTIAL_MADE ? ERR_OK : ERR_CORRUPT;

        if (decode_changed(&f, table[i].at, table[i].v) != expected)
            fail_msg("row %zu", i);
    }
}

static void a_count_is_believed_only_as_far_as_there_are_octets(void **state)
{
    /* A credential up to its networks, of which it says to have 4 billion. */
    static const uint8_t credential[] = {
        0,    0,    0,    1,    0, 30, 0, 0, 0, 1,  [10] = 1, [26] = 0, 0, 0, 1, /* uuid, account */
        0,    0,    0,    0,    0, 0,  0, 1, 0, 0,  0,        1,                 /* label, actions, kinds */
        0xff, 0xff, 0xff, 0xff, 4, 1,  2, 3, 4, 32,
    };
    struct entry e;

    (void)state;
    entry_init(&e);
    assert_int_equal(effects_decode(&e, EFFECT_FORMAT, credential, sizeof credential), ERR_CORRUPT);
    assert_in_range(e.arena.total, 0, 1024);
    entry_fini(&e);
}

static void whatever_is_accepted_is_encoded_as_it_came(void **state)
{
    struct siphash_key key = {1, 2};
    struct entry e;
    struct rows rows;
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    full_entry(&e, &rows);
    assert_int_equal(effects_encode(&e, &bytes, &len), ERR_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t r = siphash13(&key, (const uint8_t *)&i, sizeof i);
        uint8_t *changed = malloc(len);
        struct entry back;

        assert_non_null(changed);
        memcpy(changed, bytes, len);
        for (unsigned k = 0; k <= r % 3; k++)
            changed[(r >> (8 + 12 * k)) % len] = (uint8_t)(r >> (40 + 8 * k));
        entry_init(&back);
        if (effects_decode(&back, EFFECT_FORMAT, changed, len) == ERR_OK) {
            uint8_t *again = NULL;
            size_t again_len = 0;

            assert_int_equal(effects_encode(&back, &again, &again_len), ERR_OK);
            assert_int_equal(again_len, len);
            assert_memory_equal(again, changed, len);
            free(again);
        }
        entry_fini(&back);
        free(changed);
    }
    free(bytes);
    entry_fini(&e);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_word_of_its_own),
        cmocka_unit_test(an_entry_takes_any_number_of_effects_and_is_empty_after_its_end),
        cmocka_unit_test(what_was_encoded_is_decoded),
        cmocka_unit_test(no_effects_are_an_encoding_too),
        cmocka_unit_test(every_truncation_and_every_surplus_is_corrupt),
        cmocka_unit_test(other_formats_and_kinds_are_of_another_version),
        cmocka_unit_test(odd_content_is_corrupt),
        cmocka_unit_test(a_count_is_believed_only_as_far_as_there_are_octets),
        cmocka_unit_test(whatever_is_accepted_is_encoded_as_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
