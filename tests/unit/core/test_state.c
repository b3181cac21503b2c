#include "core/rows.h"

#include <stdio.h>

#include "base/uuid.h"

#define OK(e)      assert_int_equal((e), ERR_OK)
#define CORRUPT(e) assert_int_equal((e), ERR_CORRUPT)

/* ---- the beginning ---- */

static void a_new_state_has_the_administrator_and_nothing_else(void **state)
{
    struct state *s = NULL;
    struct uuid nil = {{0}};
    struct state_counts none = {0};
    struct state_counts counts;

    (void)state;
    OK(state_new(&s, NULL));
    assert_non_null(state_account(s, ACCOUNT_ADMIN));
    assert_int_equal(state_credential(s, CREDENTIAL_ADMIN)->account, ACCOUNT_ADMIN);
    assert_string_equal(credential_label(state_credential(s, CREDENTIAL_ADMIN)), "administrator");
    assert_int_equal(credential_n_secrets(state_credential(s, CREDENTIAL_ADMIN)), 0);
    assert_null(state_credential_by_uuid(s, &nil));
    assert_null(state_account_by_name(s, "administrator", 13));
    assert_null(state_account(s, 1));
    assert_null(state_name(s, 0));
    assert_null(state_zone(s, 1));
    assert_int_equal(state_last_account(s), 0);
    assert_int_equal(state_next_expiry(s), 0);
    assert_int_equal(state_seq(s), 0);
    counts = state_counts(s);
    assert_memory_equal(&counts, &none, sizeof none);
    state_free(s);
    state_free(NULL);
}

static void folding_moves_the_position_and_time_never_goes_back(void **state)
{
    struct state *s = small_state();
    struct effect f = {.kind = EFFECT_ZONE_SERIAL, .u.serial = {.zone = 1, .serial = 5}};

    (void)state;
    OK(state_fold(s, 17, &f));
    assert_int_equal(state_seq(s), 17);
    state_set_position(s, 18, 1000);
    state_set_position(s, 19, 900);
    assert_int_equal(state_seq(s), 19);
    assert_int_equal(state_time_s(s), 1000);
    state_free(s);
}

static void an_unknown_kind_is_corrupt(void **state)
{
    struct state *s = small_state();
    static const int kinds[] = {0, 6, 9, 14, 73, 1000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct effect f = {.kind = (enum effect_kind)kinds[i]};

        CORRUPT(state_fold(s, 1, &f));
    }
    state_free(s);
}

/* ---- accounts ---- */

static void accounts_are_found_by_id_and_name(void **state)
{
    struct state *s = small_state();
    struct effect_account row = account_row(2, "infra");

    (void)state;
    row.note = "the others";
    row.names_max = 7;
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, row));
    assert_ptr_equal(state_account_by_name(s, "infra", 5), state_account(s, 2));
    assert_string_equal(state_account(s, 2)->note, "the others");
    assert_int_equal(state_account(s, 2)->names_max, 7);
    assert_null(state_account_by_name(s, "infr", 4));
    row.note = "";
    row.disabled = true;
    OK(fold_account(s, EFFECT_ACCOUNT_SET, row));
    assert_true(state_account_by_name(s, "infra", 5)->disabled);
    assert_null(state_account(s, 2)->note);
    assert_int_equal(state_last_account(s), 2);
    state_free(s);
}

static void accounts_that_do_not_fit_are_corrupt(void **state)
{
    struct state *s = small_state();
    char longest[ACCOUNT_NAME_MAX + 1];

    (void)state;
    memset(longest, 'a', ACCOUNT_NAME_MAX);
    longest[ACCOUNT_NAME_MAX] = '\0';
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(0, "zero")));
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(1, "again")));
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(3, "gap")));
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_SET, account_row(2, "missing")));
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_SET, account_row(1, "another-name")));
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_SET, account_row(ACCOUNT_ADMIN, "admin")));
    state_free(s);
    s = small_state();
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "team")));
    state_free(s);
    s = small_state();
    CORRUPT(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, longest)));
    state_free(s);
}

static void a_deleted_account_leaves_its_name_to_the_next(void **state)
{
    struct state *s = small_state();
    struct effect_account row = account_row(1, "team");

    (void)state;
    row.deleted_s = 500;
    OK(fold_account(s, EFFECT_ACCOUNT_DELETED, row));
    assert_int_equal(state_account_by_name(s, "team", 4)->deleted_s, 500);
    assert_int_equal(state_counts(s).accounts, 0);
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "team")));
    assert_int_equal(state_account_by_name(s, "team", 4)->id, 2);
    assert_int_equal(state_counts(s).accounts, 1);
    row = account_row(3, "team"); /* as the loader brings a deleted one */
    row.deleted_s = 600;
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, row));
    assert_int_equal(state_account_by_name(s, "team", 4)->id, 2);
    assert_int_equal(state_counts(s).accounts, 1);
    state_free(s);
}

/* ---- names ---- */

static void names_are_found_by_owner_in_any_case(void **state)
{
    struct state *s = small_state();
    struct name upper = name_from("MiXed.AUTH.example.ORG");
    struct name other = name_from("mixed2.auth.example.org");

    (void)state;
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "Mixed.auth.example.org")));
    assert_int_equal(name_id(state_name_by_owner(s, &upper)), 2);
    name_owner(s, state_name(s, 2), &other);
    assert_memory_equal(other.b + 1, "Mixed", 5);
    other = name_from("mixed2.auth.example.org");
    assert_null(state_name_by_owner(s, &other));
    assert_int_equal(state_account(s, 1)->names, 2);
    assert_int_equal(state_last_name(s), 2);
    state_free(s);
}

static void names_that_do_not_fit_are_corrupt(void **state)
{
    struct state *s = small_state();

    (void)state;
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(0, 1, 1, "b.auth.example.org")));
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(3, 1, 1, "b.auth.example.org")));
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "A.auth.example.org"))); /* the owner is there */
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(2, 9, 1, "b.auth.example.org"))); /* no such account */
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 9, "b.auth.example.org"))); /* no such zone */
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "auth.example.org")));   /* an apex */
    CORRUPT(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "b.example.org")));      /* outside */
    CORRUPT(fold_name(s, EFFECT_NAME_SET, name_row(2, 1, 1, "b.auth.example.org")));
    CORRUPT(fold_name(s, EFFECT_NAME_SET, name_row(1, 1, 1, "b.auth.example.org"))); /* another owner */
    assert_int_equal(state_counts(s).names, 1);
    state_free(s);
}

static void retiring_and_reviving_moves_a_name_between_the_counts(void **state)
{
    struct state *s = small_state();
    struct effect_name row = name_row(1, 1, 1, "a.auth.example.org");

    (void)state;
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "other")));
    row.retired_s = 500;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    assert_int_equal(state_counts(s).names, 0);
    assert_int_equal(state_counts(s).tombstones, 1);
    assert_int_equal(state_account(s, 1)->names, 0);
    assert_int_equal(name_retired_s(state_name(s, 1)), 500);
    row.retired_s = 0;
    row.account = 2;
    OK(fold_name(s, EFFECT_NAME_REVIVED, row));
    assert_int_equal(state_counts(s).names, 1);
    assert_int_equal(state_counts(s).tombstones, 0);
    assert_int_equal(state_account(s, 1)->names, 0);
    assert_int_equal(state_account(s, 2)->names, 1);
    state_free(s);
}

static void names_of_unclaimed_accounts_are_counted_apart(void **state)
{
    struct state *s = small_state();
    struct effect_account row = account_row(2, "visitor");
    struct effect_name retired = name_row(4, 2, 1, "d.auth.example.org");

    (void)state;
    row.unclaimed = true;
    retired.retired_s = 400; /* as the loader brings a tombstone */
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, row));
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 2, 1, "b.auth.example.org")));
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(3, 2, 1, "c.auth.example.org")));
    OK(fold_name(s, EFFECT_NAME_MADE, retired));
    assert_int_equal(state_counts(s).names, 3);
    assert_int_equal(state_counts(s).names_unclaimed, 2);
    assert_int_equal(state_counts(s).tombstones, 1);
    OK(fold_name(s, EFFECT_NAME_SET, name_row(3, 1, 1, "c.auth.example.org"))); /* given to account 1 */
    assert_int_equal(state_counts(s).names_unclaimed, 1);
    row.unclaimed = false;
    OK(fold_account(s, EFFECT_ACCOUNT_SET, row));
    assert_int_equal(state_counts(s).names_unclaimed, 0);
    state_free(s);
}

static size_t by_domain(const struct state *s, const char *domain, uint32_t *first)
{
    uint32_t ids[4] = {0};
    size_t n = state_names_by_domain(s, domain, strlen(domain), ids, ARRAY_LEN(ids));

    *first = ids[0];
    return n;
}

static void live_names_are_found_by_their_domains(void **state)
{
    static const char *const both[] = {"shop.example.com", "Example.com"};
    struct state *s = small_state();
    struct effect_name row = name_row(1, 1, 1, "a.auth.example.org");
    struct effect_name second = name_row(2, 1, 1, "b.auth.example.org");
    uint32_t id;

    (void)state;
    row.domains = both;
    row.n_domains = 2;
    second.domains = both;
    second.n_domains = 1;
    OK(fold_name(s, EFFECT_NAME_SET, row));
    OK(fold_name(s, EFFECT_NAME_MADE, second));
    assert_int_equal(by_domain(s, "SHOP.example.com", &id), 2);
    assert_int_equal(by_domain(s, "example.com", &id), 1);
    assert_int_equal(id, 1);
    assert_int_equal(by_domain(s, "xample.com", &id), 0);
    assert_int_equal(state_names_by_domain(s, "shop.example.com", 16, &id, 1), 2);
    assert_int_equal(state_names_by_domain(s, "shop.example.com", 16, NULL, 0), 2);
    row.n_domains = 1;
    OK(fold_name(s, EFFECT_NAME_SET, row));
    assert_int_equal(by_domain(s, "example.com", &id), 0);
    row.retired_s = 9;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    assert_int_equal(by_domain(s, "shop.example.com", &id), 1);
    assert_int_equal(id, 2);
    state_free(s);
}

/* ---- credentials, secrets, tokens ---- */

static void credentials_are_found_by_id_and_uuid_and_keep_their_row(void **state)
{
    static const uint32_t names[] = {1};
    struct net nets[2] = {{.addr = {.family = ADDR_V4, .b = {192, 0, 2, 0}}, .prefix_len = 24},
                          {.addr = {.family = ADDR_V6, .b = {0x20, 1}}, .prefix_len = 16}};
    struct state *s = small_state();
    struct effect_credential row = credential_row(2, 1);
    const struct credential *c;

    (void)state;
    row.names = names;
    row.n_names = 1;
    row.networks = nets;
    row.n_networks = 2;
    row.label = "web1";
    row.allowfrom = "[\"192.0.2.0/24\"]";
    row.expires_s = 77;
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, row));
    c = state_credential_by_uuid(s, &row.uuid);
    assert_ptr_equal(c, state_credential(s, 2));
    assert_string_equal(credential_label(c), "web1");
    assert_string_equal(credential_allowfrom(c), "[\"192.0.2.0/24\"]");
    assert_int_equal(credential_n_names(c), 1);
    assert_int_equal(credential_names(c)[0], 1);
    assert_memory_equal(credential_networks(c), nets, sizeof nets);
    assert_int_equal(credential_expires_s(c), 77);
    assert_int_equal(state_counts(s).credentials, 2);
    OK(state_observe(s, 2, &(struct credential_use){.at_s = 50}));
    row.revoked_s = 60;
    row.n_networks = 0;
    OK(fold_credential(s, EFFECT_CREDENTIAL_REVOKED, row));
    c = state_credential(s, 2);
    assert_int_equal(credential_revoked_s(c), 60);
    assert_int_equal(credential_n_networks(c), 0);
    assert_int_equal(credential_last_used_s(c), 50); /* an observation stays */
    assert_int_equal(state_counts(s).credentials, 1);
    state_free(s);
}

static void credentials_that_do_not_fit_are_corrupt(void **state)
{
    static const uint32_t unknown[] = {1, 2};
    struct state *s = small_state();
    struct effect_credential row = credential_row(2, 1);

    (void)state;
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(0, 1)));
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(3, 1)));
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(2, 9)));
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
    row.uuid = credential_row(1, 1).uuid; /* taken */
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, row));
    row.uuid = (struct uuid){{0}};
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, row));
    row = credential_row(2, 1);
    row.names = unknown;
    row.n_names = 2;
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_MADE, row));
    row = credential_row(1, 1);
    row.uuid.b[0] ^= 1; /* another one's */
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
    CORRUPT(fold_credential(s, EFFECT_CREDENTIAL_SET, credential_row(CREDENTIAL_ADMIN, 1)));
    state_free(s);
}

static void secrets_are_added_replaced_and_dropped(void **state)
{
    struct state *s = small_state();
    const struct credential *c;
    struct effect_secret row = secret_row(1, SECRET_BCRYPT, "crypt");

    (void)state;
    OK(fold_secret(s, EFFECT_SECRET_ADDED, row));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(2, SECRET_TSIG, "sealed")));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(5, SECRET_SHA256, "five"))); /* 3 and 4 ended long ago */
    c = state_credential(s, 1);
    assert_int_equal(credential_n_secrets(c), 3);
    assert_int_equal(state_last_secret(s), 5);
    row = secret_row(1, SECRET_SHA256, "a longer hash");
    row.ends_s = 99;
    OK(fold_secret(s, EFFECT_SECRET_SET, row));
    c = state_credential(s, 1);
    assert_int_equal(credential_secret(s, c, 0).id, 1);
    assert_int_equal(credential_secret(s, c, 0).kind, SECRET_SHA256);
    assert_int_equal(credential_secret(s, c, 0).ends_s, 99);
    assert_int_equal(credential_secret(s, c, 0).len, 13);
    assert_memory_equal(credential_secret(s, c, 0).data, "a longer hash", 13);
    assert_memory_equal(credential_secret(s, c, 1).data, "sealed", 6);
    OK(fold_secret(s, EFFECT_SECRET_ENDED, row));
    c = state_credential(s, 1);
    assert_int_equal(credential_n_secrets(c), 2);
    assert_int_equal(credential_secret(s, c, 0).id, 2);
    assert_memory_equal(credential_secret(s, c, 1).data, "five", 4);
    OK(fold_secret(s, EFFECT_SECRET_ENDED, secret_row(2, SECRET_TSIG, "")));
    OK(fold_secret(s, EFFECT_SECRET_ENDED, secret_row(5, SECRET_TSIG, "")));
    assert_int_equal(credential_n_secrets(state_credential(s, 1)), 0);
    assert_int_equal(state_last_secret(s), 5);
    state_free(s);
}

static void secrets_that_do_not_fit_are_corrupt(void **state)
{
    struct state *s = small_state();
    struct effect_secret nobody = secret_row(1, SECRET_SHA256, "x");
    struct effect_secret long_one = secret_row(2, SECRET_SHA256, "x");
    uint8_t data[SECRET_DATA_MAX + 1] = {0};

    (void)state;
    nobody.credential = 2;
    long_one.data = data;
    long_one.len = sizeof data;
    CORRUPT(fold_secret(s, EFFECT_SECRET_ADDED, nobody));
    nobody.credential = CREDENTIAL_ADMIN;
    CORRUPT(fold_secret(s, EFFECT_SECRET_ADDED, nobody));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(1, SECRET_SHA256, "x")));
    CORRUPT(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(1, SECRET_SHA256, "x")));
    CORRUPT(fold_secret(s, EFFECT_SECRET_SET, secret_row(2, SECRET_SHA256, "x")));
    CORRUPT(fold_secret(s, EFFECT_SECRET_ENDED, secret_row(2, SECRET_SHA256, "x")));
    CORRUPT(fold_secret(s, EFFECT_SECRET_ADDED, long_one));
    state_free(s);
}

static void tokens_are_found_by_hash_and_count_their_uses(void **state)
{
    struct net net = {.addr = {.family = ADDR_V4, .b = {10}}, .prefix_len = 8};
    struct state *s = small_state();
    struct effect_token row = {.id = 1, .account = 1, .sha256 = {1, 2, 3}, .count_max = 5, .labels = "web*"};
    struct effect_token other = {.id = 2, .account = 1, .sha256 = {9}, .labels = ""};

    (void)state;
    row.networks = &net;
    row.n_networks = 1;
    OK(fold_token(s, EFFECT_TOKEN_MADE, row));
    assert_string_equal(state_token_by_hash(s, row.sha256)->labels, "web*");
    assert_int_equal(state_token(s, 1)->networks[0].prefix_len, 8);
    row.used = 1;
    OK(fold_token(s, EFFECT_TOKEN_USED, row));
    assert_int_equal(state_token(s, 1)->used, 1);
    assert_int_equal(state_counts(s).tokens, 1);
    row.revoked_s = 5;
    OK(fold_token(s, EFFECT_TOKEN_REVOKED, row));
    assert_int_equal(state_counts(s).tokens, 0);
    assert_int_equal(state_token_by_hash(s, row.sha256)->revoked_s, 5);
    assert_null(state_token_by_hash(s, other.sha256));
    CORRUPT(fold_token(s, EFFECT_TOKEN_USED, other));
    memcpy(other.sha256, row.sha256, sizeof row.sha256);
    CORRUPT(fold_token(s, EFFECT_TOKEN_MADE, other));
    other.id = 3;
    other.sha256[0] = 7;
    CORRUPT(fold_token(s, EFFECT_TOKEN_MADE, other));
    assert_int_equal(state_last_token(s), 1);
    state_free(s);
}

static void grants_and_aliases_come_and_go(void **state)
{
    struct state *s = small_state();
    struct effect_alias alias = {
        .id = 4, .name = 1, .fqdn = name_from("_acme-challenge.example.com"), .served = true};

    (void)state;
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "guest")));
    OK(fold_grant(s, EFFECT_GRANT_MADE, 1, 2));
    assert_true(state_is_granted(s, 1, 2));
    assert_false(state_is_granted(s, 2, 1));
    CORRUPT(fold_grant(s, EFFECT_GRANT_MADE, 1, 2));
    CORRUPT(fold_grant(s, EFFECT_GRANT_MADE, 2, 2));
    OK(fold_grant(s, EFFECT_GRANT_ENDED, 1, 2));
    assert_false(state_is_granted(s, 1, 2));
    CORRUPT(fold_grant(s, EFFECT_GRANT_ENDED, 1, 2));
    OK(fold_alias(s, EFFECT_ALIAS_MADE, alias));
    assert_true(name_equal(&state_alias(s, 4)->fqdn, &alias.fqdn));
    CORRUPT(fold_alias(s, EFFECT_ALIAS_MADE, alias));
    OK(fold_alias(s, EFFECT_ALIAS_ENDED, alias));
    assert_null(state_alias(s, 4));
    CORRUPT(fold_alias(s, EFFECT_ALIAS_ENDED, alias));
    assert_int_equal(state_last_alias(s), 4);
    state_free(s);
}

/* ---- many rows ---- */

enum { NAMES = 20000, NAMES_A_DOMAIN = 4, DOMAINS = NAMES / NAMES_A_DOMAIN };

/* Name id with its domain, one of DOMAINS; texts are the caller's. */
static struct effect_name nth_name(uint32_t id, char text[40], const char **domain)
{
    struct effect_name row;

    (void)snprintf(text, 40, "n%u.auth.example.org", (unsigned)id);
    row = name_row(id, 1, 1, text);
    (void)snprintf(text, 40, "d%u.example", (unsigned)id % DOMAINS);
    *domain = text;
    row.domains = domain;
    row.n_domains = 1;
    return row;
}

static void assert_names_of_each_domain(const struct state *s, size_t expected)
{
    for (unsigned i = 0; i < DOMAINS; i++) {
        char text[40];
        uint32_t ids[NAMES_A_DOMAIN];

        (void)snprintf(text, sizeof text, "D%u.example", i);
        assert_int_equal(state_names_by_domain(s, text, strlen(text), ids, NAMES_A_DOMAIN), expected);
    }
}

static void every_one_of_many_names_is_found_by_owner_and_by_domain(void **state)
{
    struct state *s = NULL;
    char text[40];
    const char *domain;

    (void)state;
    OK(state_new(&s, NULL));
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(1, "auth.example.org")));
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(1, "team")));
    for (uint32_t id = 1; id <= NAMES; id++)
        OK(fold_name(s, EFFECT_NAME_MADE, nth_name(id, text, &domain)));
    for (uint32_t id = 1; id <= NAMES; id++) {
        struct name owner = nth_name(id, text, &domain).owner;

        assert_int_equal(name_id(state_name_by_owner(s, &owner)), id);
    }
    assert_names_of_each_domain(s, NAMES_A_DOMAIN);
    for (uint32_t id = 1; id <= NAMES - DOMAINS; id++) { /* all but the last of each domain give it up */
        struct effect_name row = nth_name(id, text, &domain);

        row.n_domains = 0;
        OK(fold_name(s, EFFECT_NAME_SET, row));
    }
    assert_names_of_each_domain(s, 1);
    state_free(s);
}

/* The text of the name's i-th value, oldest first. */
static const char *text_of(const struct state *s, uint32_t name, size_t i, char out[300])
{
    const struct value_set *vs = name_values(s, state_name(s, name));

    assert_true(i < vs->n);
    out[value_decode_text(out, vs->values[i].rdata, vs->values[i].rdlen)] = '\0';
    return out;
}

static void values_are_those_of_the_name_that_is_looked_at_after_each_change_of_any(void **state)
{
    struct state *s = small_state();
    char text[300];

    (void)state;
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "b.auth.example.org")));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "one"));
    assert_string_equal(text_of(s, 1, 0, text), "one"); /* not what the effect pointed at, which is gone */
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(2, 1, 0, 11), "two"));
    assert_string_equal(text_of(s, 1, 0, text), "one");
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 12), "three"));
    assert_string_equal(text_of(s, 2, 0, text), "two");
    assert_string_equal(text_of(s, 1, 0, text), "one");
    assert_string_equal(text_of(s, 1, 1, text), "three");
    CORRUPT(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 2, 13), "three")); /* has one of that credential */
    assert_int_equal(name_values(s, state_name(s, 1))->n, 2);
    OK(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 14), "one"));
    assert_string_equal(text_of(s, 1, 1, text), "one");
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 1, 12), "three"));
    assert_string_equal(text_of(s, 1, 0, text), "one");
    assert_int_equal(name_values(s, state_name(s, 1))->n, 1);
    assert_int_equal(name_values(s, state_name(s, 2))->n, 1);
    state_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_state_has_the_administrator_and_nothing_else),
        cmocka_unit_test(values_are_those_of_the_name_that_is_looked_at_after_each_change_of_any),
        cmocka_unit_test(folding_moves_the_position_and_time_never_goes_back),
        cmocka_unit_test(an_unknown_kind_is_corrupt),
        cmocka_unit_test(accounts_are_found_by_id_and_name),
        cmocka_unit_test(accounts_that_do_not_fit_are_corrupt),
        cmocka_unit_test(a_deleted_account_leaves_its_name_to_the_next),
        cmocka_unit_test(names_are_found_by_owner_in_any_case),
        cmocka_unit_test(names_that_do_not_fit_are_corrupt),
        cmocka_unit_test(retiring_and_reviving_moves_a_name_between_the_counts),
        cmocka_unit_test(names_of_unclaimed_accounts_are_counted_apart),
        cmocka_unit_test(live_names_are_found_by_their_domains),
        cmocka_unit_test(credentials_are_found_by_id_and_uuid_and_keep_their_row),
        cmocka_unit_test(credentials_that_do_not_fit_are_corrupt),
        cmocka_unit_test(secrets_are_added_replaced_and_dropped),
        cmocka_unit_test(secrets_that_do_not_fit_are_corrupt),
        cmocka_unit_test(tokens_are_found_by_hash_and_count_their_uses),
        cmocka_unit_test(grants_and_aliases_come_and_go),
        cmocka_unit_test(every_one_of_many_names_is_found_by_owner_and_by_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
