#include "core/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/text.h"
#include "core/import.h"
#include "core/restore.h"

#define OK(e) assert_int_equal((e), ERR_OK)
#define NOW   1800000000
#define PIN   "authority; accounturi=https://a.example/1"

/* ---- findings as text ---- */

static void put_finding(void *arg, const struct restore_finding *f)
{
    static const char *const kinds[RESTORE_KINDS] = {"account", "name",  "credential", "secret",
                                                     "token",   "alias", "pinned",     "rights"};

    text_printf(arg, "%s %s %s\n", f->fate == RESTORE_LOST ? "lost" : "revived", kinds[f->kind], f->what);
}

static void assert_findings(const struct state *present, const struct state *backup, const char *expected)
{
    struct text found;

    text_init(&found, 10000);
    restore_compare(present, backup, put_finding, &found);
    assert_string_equal(found.bytes, expected);
    text_fini(&found);
}

/* ---- two states that were one ---- */

struct pair {
    struct state *present, *backup, *replica; /* replica: what a reader of the journal arrives at */
    struct decide d;
    struct entry e;
    size_t entries;
};

static const uint32_t first_names[] = {1};

/* The first credential as it is in the backup. */
static struct effect_credential first_row(void)
{
    struct effect_credential row = credential_row(1, 1);

    row.actions |= ACTION_REMOVE;
    row.names = first_names;
    row.n_names = ARRAY_LEN(first_names);
    return row;
}

/* small_state() and: account 2 "other", name 2, a pinned value at it, credential 2, a secret each, a token, an
 * alias. */
static struct state *full_state(void)
{
    struct state *s = small_state();
    struct effect_token token = {.id = 1, .account = 1, .sha256 = {1}, .created_s = 100, .labels = ""};
    struct effect_credential second = credential_row(2, 2);
    struct effect_secret secret = secret_row(2, SECRET_SHA256, "second secret");
    struct effect_name with_subtree = name_row(2, 2, 1, "b.auth.example.org");
    struct effect_claim pin = claim_row(2, 2, 0, 1 << CLAIM_ORDER_SHIFT);
    struct effect_alias alias = {.id = 1, .name = 1, .fqdn = name_from("_acme-challenge.example.com")};

    with_subtree.subtree = true;
    second.label = "";
    secret.credential = 2;
    pin.pinned = true;
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(2, "other")));
    OK(fold_name(s, EFFECT_NAME_MADE, with_subtree));
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, first_row()));
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, second));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(1, SECRET_SHA256, "first secret")));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret));
    OK(fold_token(s, EFFECT_TOKEN_MADE, token));
    OK(fold_alias(s, EFFECT_ALIAS_MADE, alias));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, pin, PIN));
    OK(fold_serial(s, 1, 1000));
    state_set_position(s, 10, NOW);
    return s;
}

static void pair_init(struct pair *p)
{
    *p = (struct pair){.present = full_state(), .backup = full_state(), .replica = full_state()};
    OK(crypto_init());
    p->d = (struct decide){.state = p->backup, .now_s = NOW, .journal_s = NOW, .seq = 20, .random = crypto_random};
    entry_init(&p->e);
}

static void pair_free(struct pair *p)
{
    entry_fini(&p->e);
    state_free(p->present);
    state_free(p->backup);
    state_free(p->replica);
}

static void fold_entry(struct pair *p)
{
    uint8_t *bytes;
    size_t len;
    struct entry copy;

    entry_init(&copy);
    OK(effects_encode(&p->e, &bytes, &len));
    OK(effects_decode(&copy, EFFECT_FORMAT, bytes, len));
    for (size_t i = 0; i < copy.n_effects; i++)
        OK(state_fold(p->replica, p->d.seq, &copy.effects[i]));
    entry_fini(&copy);
    free(bytes);
    p->entries++;
}

/* Restore with as many entries as it takes when each has room for `most` effects. */
static void keep(struct pair *p, size_t most)
{
    struct restore_keeping k = {0};

    import_entry_begin(&p->e, &p->d);
    OK(restore_zones(&p->d, p->present, &p->e));
    for (int rounds = 0; !k.is_done; rounds++) {
        assert_true(rounds < 100);
        if (rounds > 0) {
            fold_entry(p);
            entry_fini(&p->e);
            p->d.seq++;
            import_entry_begin(&p->e, &p->d);
        }
        OK(restore_keep(&k, &p->d, p->present, p->e.n_effects + most, &p->e));
    }
    OK(restore_serials(&p->d, p->present, &p->e));
    fold_entry(p);
}

/* ---- what happened since the backup ---- */

static void nothing(struct state *s)
{
    (void)s;
}

static void revoke(struct state *s)
{
    struct effect_credential row = credential_row(1, 1);

    row.revoked_s = 500;
    OK(fold_credential(s, EFFECT_CREDENTIAL_REVOKED, row));
}

static void revoke_without_label(struct state *s)
{
    struct effect_credential row = credential_row(2, 2);

    row.label = "";
    row.revoked_s = 500;
    OK(fold_credential(s, EFFECT_CREDENTIAL_REVOKED, row));
}

static void make_credential(struct state *s)
{
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(3, 1)));
}

static void rotate(struct state *s)
{
    OK(fold_secret(s, EFFECT_SECRET_ENDED, secret_row(1, SECRET_SHA256, "first secret")));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(3, SECRET_SHA256, "third secret")));
}

static void rotate_with_overlap(struct state *s)
{
    struct effect_secret first = secret_row(1, SECRET_SHA256, "first secret");

    first.ends_s = 700;
    OK(fold_secret(s, EFFECT_SECRET_SET, first));
    OK(fold_secret(s, EFFECT_SECRET_ADDED, secret_row(3, SECRET_SHA256, "third secret")));
}

static void take_actions(struct state *s)
{
    struct effect_credential row = first_row();

    row.actions &= ~(unsigned)ACTION_REMOVE;
    row.kinds = 0;
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
}

static void take_names(struct state *s)
{
    struct effect_credential row = first_row();

    row.n_names = 0;
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
}

static const struct net narrow_net = {{ADDR_V4, {192, 0, 2, 7}}, 32};

static void take_networks_and_time(struct state *s)
{
    struct effect_credential row = first_row();

    row.networks = &narrow_net;
    row.n_networks = 1;
    row.expires_s = NOW + 5;
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
}

static void take_networks_that_cannot_be_read(struct state *s)
{
    struct effect_credential row = first_row();

    row.n_networks = 0;
    row.networks_invalid = true;
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
}

static void take_subtree(struct state *s)
{
    OK(fold_name(s, EFFECT_NAME_SET, name_row(2, 2, 1, "b.auth.example.org")));
}

static void give_actions(struct state *s)
{
    struct effect_credential row = first_row();

    row.actions |= ACTION_MANAGE;
    OK(fold_credential(s, EFFECT_CREDENTIAL_SET, row));
}

static void retire(struct state *s)
{
    struct effect_name row = name_row(1, 1, 1, "a.auth.example.org");
    struct effect_alias alias = {.id = 1, .name = 1, .fqdn = name_from("_acme-challenge.example.com")};

    row.retired_s = 500;
    OK(fold_alias(s, EFFECT_ALIAS_ENDED, alias));
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
}

static void move(struct state *s)
{
    OK(fold_name(s, EFFECT_NAME_SET, name_row(1, 2, 1, "a.auth.example.org")));
}

static void make_name(struct state *s)
{
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(3, 1, 1, "c.auth.example.org")));
}

static void make_name_of_a_new_account(struct state *s)
{
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, account_row(3, "young")));
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(3, 3, 1, "c.auth.example.org")));
}

static void make_and_retire_name(struct state *s)
{
    struct effect_name row = name_row(3, 1, 1, "c.auth.example.org");

    OK(fold_name(s, EFFECT_NAME_MADE, row));
    row.retired_s = 500;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
}

static void set_token(struct state *s, uint32_t used, int64_t revoked_s)
{
    struct effect_token row = {.id = 1, .account = 1, .sha256 = {1}, .created_s = 100, .labels = ""};

    row.used = used;
    row.revoked_s = revoked_s;
    OK(fold_token(s, revoked_s != 0 ? EFFECT_TOKEN_REVOKED : EFFECT_TOKEN_USED, row));
}

static void use_token(struct state *s)
{
    set_token(s, 3, 0);
}

static void revoke_token(struct state *s)
{
    set_token(s, 3, 500);
}

static void disable(struct state *s)
{
    struct effect_account row = account_row(1, "team");

    row.disabled = true;
    OK(fold_account(s, EFFECT_ACCOUNT_SET, row));
}

/* The deleted one leaves its name to another. */
static void delete_account(struct state *s)
{
    struct effect_account row = account_row(1, "team");
    struct effect_account again = account_row(3, "team");

    retire(s);
    row.deleted_s = 500;
    again.created_s = 600;
    OK(fold_account(s, EFFECT_ACCOUNT_DELETED, row));
    OK(fold_account(s, EFFECT_ACCOUNT_MADE, again));
}

static void unpin(struct state *s)
{
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(2, 2, 0, 0), PIN));
}

static void pin_another(struct state *s)
{
    struct effect_claim pin = claim_row(2, 2, 1, 2 << CLAIM_ORDER_SHIFT);

    pin.pinned = true;
    OK(fold_value(s, EFFECT_CLAIM_ADDED, pin, "other; accounturi=https://b.example/2"));
}

static void end_alias(struct state *s)
{
    struct effect_alias alias = {.id = 1, .name = 1, .fqdn = name_from("_acme-challenge.example.com")};

    OK(fold_alias(s, EFFECT_ALIAS_ENDED, alias));
}

static void point_alias_elsewhere(struct state *s)
{
    struct effect_alias alias = {.id = 2, .name = 2, .fqdn = name_from("_acme-challenge.example.com")};

    end_alias(s);
    OK(fold_alias(s, EFFECT_ALIAS_MADE, alias));
}

/* ---- what must hold in the restored state ---- */

static void is_revoked(const struct state *s)
{
    assert_int_equal(credential_revoked_s(state_credential(s, 1)), 500);
    assert_int_equal(credential_revoked_s(state_credential(s, 2)), 0);
}

static void has_less_actions(const struct state *s)
{
    const struct credential *c = state_credential(s, 1);

    assert_int_equal(credential_actions(c), ACTION_ADD);
    assert_int_equal(credential_kinds(c), 0);
    assert_int_equal(credential_n_names(c), 1);
    assert_int_equal(credential_n_secrets(c), 1);
    assert_int_equal(credential_expires_s(c), 0);
}

static void has_no_names(const struct state *s)
{
    assert_int_equal(credential_n_names(state_credential(s, 1)), 0);
    assert_int_equal(credential_actions(state_credential(s, 1)), ACTION_ADD | ACTION_REMOVE);
}

static void has_less_networks_and_time(const struct state *s)
{
    const struct credential *c = state_credential(s, 1);

    assert_int_equal(credential_n_networks(c), 1);
    assert_int_equal(credential_networks(c)[0].prefix_len, 32);
    assert_int_equal(credential_networks(c)[0].addr.b[3], 7);
    assert_int_equal(credential_expires_s(c), NOW + 5);
}

static void is_denied_everywhere(const struct state *s)
{
    assert_true(credential_networks_invalid(state_credential(s, 1)));
}

static void counts_for_itself_only(const struct state *s)
{
    assert_false(name_has_subtree(state_name(s, 2)));
    assert_int_equal(name_account(state_name(s, 2)), 2);
}

static void has_the_actions_of_the_backup(const struct state *s)
{
    assert_int_equal(credential_actions(state_credential(s, 1)) & ACTION_MANAGE, 0);
}

static void second_is_revoked(const struct state *s)
{
    assert_int_equal(credential_revoked_s(state_credential(s, 2)), 500);
}

static void has_no_third_credential(const struct state *s)
{
    assert_null(state_credential(s, 3));
}

static void has_the_new_secret_only(const struct state *s)
{
    const struct credential *c = state_credential(s, 1);

    assert_int_equal(credential_n_secrets(c), 1);
    assert_memory_equal(credential_secret(s, c, 0).data, "third secret", 12);
    assert_int_equal(credential_n_secrets(state_credential(s, 2)), 1);
}

static void the_old_secret_ends(const struct state *s)
{
    const struct credential *c = state_credential(s, 1);

    assert_int_equal(credential_n_secrets(c), 2);
    assert_int_equal(credential_secret(s, c, 0).ends_s, 700);
    assert_int_equal(credential_secret(s, c, 1).ends_s, 0);
}

static void first_name_is_retired(const struct state *s)
{
    assert_int_equal(name_retired_s(state_name(s, 1)), 500);
    assert_int_equal(name_retired_s(state_name(s, 2)), 0);
    assert_null(state_alias(s, 1));
}

static void first_name_is_of_the_other(const struct state *s)
{
    assert_int_equal(name_account(state_name(s, 1)), 2);
    assert_int_equal(name_retired_s(state_name(s, 1)), 0);
}

static void third_name_is_retired_now(const struct state *s)
{
    assert_int_equal(name_retired_s(state_name(s, 3)), NOW);
    assert_int_equal(name_account(state_name(s, 3)), 1);
}

static void third_name_is_the_administrators(const struct state *s)
{
    assert_int_equal(name_retired_s(state_name(s, 3)), NOW);
    assert_int_equal(name_account(state_name(s, 3)), ACCOUNT_ADMIN);
}

static void third_name_was_retired_then(const struct state *s)
{
    assert_int_equal(name_retired_s(state_name(s, 3)), 500);
}

static void token_is_used(const struct state *s)
{
    assert_int_equal(state_token(s, 1)->used, 3);
    assert_int_equal(state_token(s, 1)->revoked_s, 0);
}

static void token_is_revoked(const struct state *s)
{
    assert_int_equal(state_token(s, 1)->revoked_s, 500);
}

static void is_disabled(const struct state *s)
{
    assert_true(state_account(s, 1)->disabled);
    assert_false(state_account(s, 2)->disabled);
}

static void is_deleted(const struct state *s)
{
    assert_int_equal(state_account(s, 1)->deleted_s, 500);
    first_name_is_retired(s);
}

static void has_no_pinned_value(const struct state *s)
{
    assert_int_equal(state_counts(s).pinned, 0);
}

static void has_its_pinned_value(const struct state *s)
{
    assert_int_equal(state_counts(s).pinned, 1);
}

static void has_no_alias(const struct state *s)
{
    assert_null(state_alias(s, 1));
}

static void is_as_it_was(const struct state *s)
{
    struct state_counts c = state_counts(s);

    assert_int_equal(c.names, 2);
    assert_int_equal(c.tombstones, 0);
    assert_int_equal(c.credentials, 2);
    assert_int_equal(c.tokens, 1);
    assert_int_equal(c.pinned, 1);
    assert_non_null(state_alias(s, 1));
}

static const struct since {
    const char *what;
    void (*since)(struct state *present);
    const char *findings;
    void (*kept)(const struct state *restored);
} rows[] = {
    {"nothing", nothing, "", is_as_it_was},
    {"a revocation", revoke, "revived credential web (01000700)\n", is_revoked},
    {"a revocation without label", revoke_without_label,
     "revived credential 02000700-0000-0000-0000-000000000000\n", second_is_revoked},
    {"a new credential", make_credential, "lost credential web (03000700)\n", has_no_third_credential},
    {"a rotation", rotate, "revived secret web (01000700)\nlost secret web (01000700)\n", has_the_new_secret_only},
    {"a rotation with overlap", rotate_with_overlap, "revived secret web (01000700)\nlost secret web (01000700)\n",
     the_old_secret_ends},
    {"less actions and kinds", take_actions, "revived rights web (01000700)\n", has_less_actions},
    {"less names", take_names, "revived rights web (01000700)\n", has_no_names},
    {"less networks and time", take_networks_and_time, "revived rights web (01000700)\n",
     has_less_networks_and_time},
    {"networks that cannot be read", take_networks_that_cannot_be_read, "revived rights web (01000700)\n",
     is_denied_everywhere},
    {"a name that counts for those below it no more", take_subtree, "revived rights b.auth.example.org\n",
     counts_for_itself_only},
    {"more actions", give_actions, "", has_the_actions_of_the_backup},
    {"a retired name", retire, "revived name a.auth.example.org\nrevived alias _acme-challenge.example.com\n",
     first_name_is_retired},
    {"a name that moved", move, "", first_name_is_of_the_other},
    {"a new name", make_name, "lost name c.auth.example.org\n", third_name_is_retired_now},
    {"a new name of a new account", make_name_of_a_new_account,
     "lost name c.auth.example.org\nlost account young\n", third_name_is_the_administrators},
    {"a name that came and went", make_and_retire_name, "", third_name_was_retired_then},
    {"a use of a token", use_token, "revived token 1 of team\n", token_is_used},
    {"a revoked token", revoke_token, "revived token 1 of team\n", token_is_revoked},
    {"a disabled account", disable, "revived account team\n", is_disabled},
    {"a deleted account whose name another has", delete_account,
     "revived name a.auth.example.org\nrevived alias _acme-challenge.example.com\nrevived account team\n"
     "lost account team\n",
     is_deleted},
    {"an unpinned value", unpin, "revived pinned \"" PIN "\" at b.auth.example.org\n", has_no_pinned_value},
    {"another pinned value", pin_another,
     "lost pinned \"other; accounturi=https://b.example/2\" at b.auth.example.org\n", has_its_pinned_value},
    {"an ended alias", end_alias, "revived alias _acme-challenge.example.com\n", has_no_alias},
    {"an alias that stands for another name", point_alias_elsewhere,
     "revived alias _acme-challenge.example.com\nlost alias _acme-challenge.example.com\n", has_no_alias},
};

static void what_would_be_lost_or_revived_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair p;

        pair_init(&p);
        rows[i].since(p.present);
        print_message("%s\n", rows[i].what);
        assert_findings(p.present, p.backup, rows[i].findings);
        pair_free(&p);
    }
}

static void what_was_taken_away_stays_away(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair p;
        struct state_counts a, b;

        pair_init(&p);
        rows[i].since(p.present);
        print_message("%s\n", rows[i].what);
        keep(&p, 4000);
        rows[i].kept(p.backup);
        rows[i].kept(p.replica);
        a = state_counts(p.backup);
        b = state_counts(p.replica);
        assert_memory_equal(&a, &b, sizeof a);
        assert_int_equal(p.entries, 1);
        pair_free(&p);
    }
}

static void all_of_it_at_once_may_take_many_entries(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p);
    rotate(p.present);
    revoke_without_label(p.present);
    make_name(p.present);
    revoke_token(p.present);
    unpin(p.present);
    keep(&p, 1);
    has_the_new_secret_only(p.replica);
    second_is_revoked(p.replica);
    third_name_is_retired_now(p.replica);
    token_is_revoked(p.replica);
    has_no_pinned_value(p.replica);
    assert_true(p.entries > 4);
    pair_free(&p);
}

static void keeping_again_changes_nothing(void **state)
{
    struct pair p;
    struct restore_keeping k = {0};

    (void)state;
    pair_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].since == rotate || rows[i].since == make_name || rows[i].since == unpin ||
            rows[i].since == disable)
            rows[i].since(p.present);
    keep(&p, 4000);
    entry_fini(&p.e);
    import_entry_begin(&p.e, &p.d);
    OK(restore_keep(&k, &p.d, p.present, 4000, &p.e));
    assert_true(k.is_done);
    assert_int_equal(p.e.n_effects, 0);
    pair_free(&p);
}

/* ---- stores that have nothing to do with each other ---- */

static void ids_of_another_store_mean_nothing(void **state)
{
    struct pair p;
    struct effect_credential mine = credential_row(1, 1);
    struct effect_account account = account_row(1, "strangers");

    (void)state;
    pair_init(&p);
    state_free(p.present);
    OK(state_new(&p.present, NULL));
    account.deleted_s = 5;
    mine.uuid.b[15] = 1;
    mine.revoked_s = 5;
    OK(fold_zone(p.present, EFFECT_ZONE_SET, zone_row_of(1, "elsewhere.example")));
    OK(fold_account(p.present, EFFECT_ACCOUNT_MADE, account));
    OK(fold_credential(p.present, EFFECT_CREDENTIAL_MADE, mine));
    assert_findings(p.present, p.backup, "");
    keep(&p, 4000);
    is_as_it_was(p.replica);
    assert_int_equal(state_account(p.replica, 1)->deleted_s, 0);
    pair_free(&p);
}

/* ---- serials ---- */

static void serials_go_on_from_the_higher_one(void **state)
{
    static const struct {
        uint32_t present, after;
        int64_t now_s;
    } serials[] = {
        {900, 1001, 5}, /* the backup's is 1000 */
        {5000, 5001, 5},        {5000, 9000, 9000}, {5000, 5000 + (1u << 30), 1700000000},
        {0x80000400u, 1001, 5}, /* behind 1000 by RFC 1982 section 3.2 */
        {0, 1001, 5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
        struct pair p;

        pair_init(&p);
        OK(fold_serial(p.present, 1, serials[i].present));
        p.d.now_s = serials[i].now_s;
        OK(restore_serials(&p.d, p.present, &p.e));
        assert_int_equal(state_zone(p.backup, 1)->serial, serials[i].after);
        pair_free(&p);
    }
}

static void without_a_present_state_serials_still_step(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p);
    p.d.now_s = 5;
    OK(restore_serials(&p.d, NULL, &p.e));
    assert_int_equal(state_zone(p.backup, 1)->serial, 1001);
    pair_free(&p);
}

static void zones_of_the_present_state_come_along_with_their_serials(void **state)
{
    struct pair p;
    struct effect_zone gone = zone_row_of(3, "gone.example");

    (void)state;
    pair_init(&p);
    OK(fold_zone(p.present, EFFECT_ZONE_SET, zone_row_of(2, "second.example")));
    OK(fold_serial(p.present, 2, 4000000000u));
    OK(fold_zone(p.present, EFFECT_ZONE_SET, gone));
    OK(fold_serial(p.present, 3, 4000000007u));
    OK(fold_zone(p.present, EFFECT_ZONE_REMOVED, gone));
    OK(fold_name(p.present, EFFECT_NAME_MADE, name_row(3, 1, 2, "x.second.example")));
    keep(&p, 4000);
    assert_int_equal(state_zone(p.replica, 2)->serial, 4000000001u);
    assert_int_equal(state_zone(p.replica, 3)->serial, 4000000008u);
    assert_true(state_zone(p.replica, 3)->removed);
    assert_int_equal(name_zone(state_name(p.replica, 3)), 2);
    assert_true(name_retired_s(state_name(p.replica, 3)) != 0);
    pair_free(&p);
}

static void a_served_alias_goes_on_like_a_zone(void **state)
{
    struct pair p;
    struct effect_alias alias = {
        .id = 2, .name = 2, .fqdn = name_from("_acme-challenge.shop.example"), .served = true};
    struct effect serial = {.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = 2, .serial = 4000000000u}};

    (void)state;
    pair_init(&p);
    OK(fold_alias(p.present, EFFECT_ALIAS_MADE, alias));
    OK(fold_alias(p.backup, EFFECT_ALIAS_MADE, alias));
    OK(state_fold(p.present, 1, &serial));
    OK(restore_serials(&p.d, p.present, &p.e));
    assert_int_equal(state_alias(p.backup, 2)->serial, 4000000001u);
    pair_free(&p);
}

static void the_mark_says_where_the_backup_ended(void **state)
{
    struct pair p;
    const struct effect_restored mark = {.ended_seq = 17, .ended_s = 18, .exactly = true};

    (void)state;
    pair_init(&p);
    OK(restore_mark(&p.d, &p.e, &mark));
    assert_int_equal(p.e.n_effects, 1);
    assert_int_equal(p.e.effects[0].kind, EFFECT_RESTORED);
    assert_int_equal(p.e.effects[0].u.restored.ended_seq, 17);
    is_as_it_was(p.backup);
    pair_free(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_be_lost_or_revived_is_told),
        cmocka_unit_test(what_was_taken_away_stays_away),
        cmocka_unit_test(all_of_it_at_once_may_take_many_entries),
        cmocka_unit_test(keeping_again_changes_nothing),
        cmocka_unit_test(ids_of_another_store_mean_nothing),
        cmocka_unit_test(serials_go_on_from_the_higher_one),
        cmocka_unit_test(without_a_present_state_serials_still_step),
        cmocka_unit_test(zones_of_the_present_state_come_along_with_their_serials),
        cmocka_unit_test(a_served_alias_goes_on_like_a_zone),
        cmocka_unit_test(the_mark_says_where_the_backup_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
