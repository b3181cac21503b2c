/* What REQUEST_APPLY plans and does. Every request is first planned and then done, and the two must tell the same.
 */
#include "decide_fixture.h"

#include "base/seal.h"
#include "core/apply.h"

#define ROWS_MAX      8
#define DOMAINS_SHOWN 60

/* One request, with room for its rows. */
struct sheet {
    struct apply_account accounts[ROWS_MAX];
    struct request_name names[ROWS_MAX][ROWS_MAX];
    struct request_credential credentials[ROWS_MAX][ROWS_MAX];
    struct name_ref refs[ROWS_MAX][ROWS_MAX][ROWS_MAX];
    struct request_apply apply;
    struct apply_plan *plan;
};

static struct sheet *sheet_new(void)
{
    struct sheet *sh = calloc(1, sizeof *sh);

    assert_non_null(sh);
    sh->plan = apply_plan_new();
    assert_non_null(sh->plan);
    sh->apply.mode = APPLY_FOR_GOOD;
    return sh;
}

static void sheet_free(struct sheet *sh)
{
    apply_plan_free(sh->plan);
    free(sh);
}

static struct apply_account *put_account(struct sheet *sh, const char *name)
{
    struct apply_account *a = &sh->accounts[sh->apply.n_accounts];

    assert_true(sh->apply.n_accounts < ROWS_MAX);
    a->account.name = name;
    a->names = sh->names[sh->apply.n_accounts];
    a->credentials = sh->credentials[sh->apply.n_accounts];
    sh->apply.n_accounts++;
    return a;
}

static struct request_name *put_name(struct sheet *sh, const char *label)
{
    size_t i = sh->apply.n_accounts - 1;
    struct request_name *n = &sh->names[i][sh->accounts[i].n_names];

    assert_true(sh->accounts[i].n_names < ROWS_MAX);
    sh->accounts[i].n_names++;
    n->label = label;
    return n;
}

static struct request_credential *put_credential(struct sheet *sh, const char *label, const char *name)
{
    size_t i = sh->apply.n_accounts - 1, k = sh->accounts[i].n_credentials++;
    struct request_credential *cred = &sh->credentials[i][k];

    assert_true(k < ROWS_MAX);
    cred->label = label;
    cred->has_names = name != NULL;
    cred->names = sh->refs[i][k];
    if (name != NULL)
        sh->refs[i][k][cred->n_names++] = ref_of(NAME_REF_ANY, name);
    return cred;
}

static struct request request_with(struct world *w, struct sheet *sh, enum apply_mode mode)
{
    struct request r = request_of(w, REQUEST_APPLY, AUTH_LOCAL);

    sh->apply.accounts = sh->accounts;
    sh->apply.mode = mode;
    sh->apply.plan = sh->plan;
    r.u.apply = sh->apply;
    return r;
}

static enum refusal run(struct world *w, struct sheet *sh, enum apply_mode mode)
{
    struct request r = request_with(w, sh, mode);

    return ask(w, &r);
}

/* Plan, then do; both must say the same, and a plan changes nothing. Returns the number of steps. */
static size_t apply(struct world *w, struct sheet *sh)
{
    char id[APPLY_ID_LEN + 1];
    struct state_counts before = state_counts(w->s), after;
    size_t n;

    assert_int_equal(run(w, sh, APPLY_PLAN_ONLY), REFUSAL_NONE);
    after = state_counts(w->s);
    assert_memory_equal(&before, &after, sizeof before);
    assert_false(w->res.is_change);
    assert_int_equal(w->e.n_effects, 0);
    assert_ptr_equal(w->res.plan, sh->plan);
    for (const struct apply_step *step = sh->plan->first; step != NULL; step = step->next)
        assert_string_equal(step->secret, "");
    memcpy(id, sh->plan->id, sizeof id);
    n = sh->plan->n;
    sh->apply.expected = id; /* refused if the deed were another */
    assert_int_equal(run(w, sh, APPLY_FOR_GOOD), REFUSAL_NONE);
    sh->apply.expected = NULL;
    assert_int_equal(sh->plan->n, n);
    assert_string_equal(sh->plan->id, id);
    assert_int_equal(w->res.is_change, n > 0);
    return n;
}

static void assert_nothing_left(struct world *w, struct sheet *sh)
{
    assert_int_equal(apply(w, sh), 0);
    assert_null(sh->plan->first);
}

#define assert_apply_refused(w, sh, why, at)                                                                       \
    do {                                                                                                           \
        struct state_counts was = state_counts((w)->s), is;                                                        \
        assert_string_equal(refusal_word(run(w, sh, APPLY_FOR_GOOD)), refusal_word(why));                          \
        assert_memory_equal((w)->res.detail, at ": ", strlen(at ": "));                                            \
        assert_null((w)->res.plan);                                                                                \
        is = state_counts((w)->s);                                                                                 \
        assert_memory_equal(&was, &is, sizeof was);                                                                \
        assert_string_equal(refusal_word(run(w, sh, APPLY_PLAN_ONLY)), refusal_word(why));                         \
    } while (0)

static const struct apply_step *step_at(const struct sheet *sh, size_t i)
{
    const struct apply_step *step = sh->plan->first;

    while (i-- > 0 && step != NULL)
        step = step->next;
    assert_non_null(step);
    return step;
}

static const struct apply_change *change_of(const struct apply_step *step, const char *member)
{
    for (const struct apply_change *change = step->first; change != NULL; change = change->next)
        if (strcmp(change->member, member) == 0)
            return change;
    return NULL;
}

static const struct name_entry *name_at(const struct world *w, const char *owner)
{
    struct name n = name_of(owner);

    return state_name_by_owner(w->s, &n);
}

static const struct credential *credential_of_step(const struct world *w, const struct apply_step *step)
{
    const struct credential *cred = state_credential_by_uuid(w->s, &step->uuid);

    assert_non_null(cred);
    return cred;
}

/* A team with two names and two credentials. */
static struct sheet *shop(void)
{
    static const char *const domains[] = {"*.Shop.example.com", "shop.example.com", "pay.example.com."};
    static struct net office;
    struct sheet *sh = sheet_new();
    struct apply_account *a = put_account(sh, "shop-team");
    struct request_name *n;
    struct request_credential *cred;

    a->account.has_note = true;
    a->account.note = "Web shop";
    a->account.has_names_max = true;
    a->account.names_max = 50;
    n = put_name(sh, "Shop");
    n->has_domains = true;
    n->n_domains_add = ARRAY_LEN(domains);
    n->domains_add = domains;
    n = put_name(sh, NULL);
    n->name = ref_of(NAME_REF_OWNER, "stage.shop.AUTH.example.org.");
    n->has_subtree = n->subtree = true;
    cred = put_credential(sh, "web1", "shop");
    office = net_of("198.51.100.0/24");
    cred->has_networks = true;
    cred->n_networks = 1;
    cred->networks = &office;
    cred->has_expires = true;
    cred->expires_s = NOW + 90 * DAY;
    cred = put_credential(sh, "both", "shop.auth.example.org");
    sh->refs[0][1][cred->n_names++] = ref_of(NAME_REF_ANY, "stage.shop");
    cred->has_actions = true;
    cred->actions = ACTION_READ;
    return sh;
}

/* ---- making ---- */

static void apply_makes_what_is_not_there_with_a_secret_for_each_credential(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();
    const struct name_entry *n;
    const struct credential *cred;
    struct holder h = {0};

    (void)state;
    assert_int_equal(apply(w, sh), 5);
    assert_string_equal(state_account(w->s, account_of_name(w, "shop-team"))->note, "Web shop");
    assert_int_equal(state_account(w->s, account_of_name(w, "shop-team"))->names_max, 50);
    n = name_at(w, "shop.auth.example.org");
    assert_int_equal(name_n_domains(n), 2); /* normalised, once each */
    assert_string_equal(name_domain(n, 0), "shop.example.com");
    assert_string_equal(name_domain(n, 1), "pay.example.com");
    assert_false(name_has_subtree(n));
    assert_true(name_has_subtree(name_at(w, "stage.shop.auth.example.org")));
    assert_int_equal(step_at(sh, 1)->n_domains, 2);
    assert_string_equal(step_at(sh, 2)->name, "stage.shop.auth.example.org");
    cred = credential_of_step(w, step_at(sh, 3));
    assert_int_equal(credential_actions(cred), ACTION_ADD | ACTION_REMOVE | ACTION_READ);
    assert_int_equal(credential_n_networks(cred), 1);
    assert_int_equal(credential_expires_s(cred), NOW + 90 * DAY);
    cred = credential_of_step(w, step_at(sh, 4));
    assert_int_equal(credential_n_names(cred), 2);
    assert_int_equal(credential_actions(cred), ACTION_READ);
    assert_string_not_equal(step_at(sh, 3)->secret, step_at(sh, 4)->secret);
    h.uuid = step_at(sh, 3)->uuid;
    memcpy(h.secret, step_at(sh, 3)->secret, sizeof h.secret);
    w->client = addr_of("198.51.100.7");
    assert_int_equal(add(w, &h, "shop.example.com", challenge_of("a", 1).text), REFUSAL_NONE);
    w->client = addr_of("192.0.2.1");
    assert_int_equal(add(w, &h, "shop.example.com", challenge_of("a", 2).text), REFUSAL_NETWORK);
    sheet_free(sh);
    world_free(w);
}

static void applying_again_finds_nothing_to_do(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();

    (void)state;
    (void)apply(w, sh);
    assert_nothing_left(w, sh);
    assert_int_equal(sh->plan->unchanged, 5);
    later(w, 200 * DAY); /* the end that the file says has passed, and is no news */
    assert_nothing_left(w, sh);
    sh->apply.prune = true;
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void many_accounts_are_one_entry(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();
    uint64_t seq;

    (void)state;
    put_account(sh, "other");
    put_name(sh, "other");
    put_credential(sh, "web1", NULL); /* the only name; the label of another account's is no matter */
    seq = w->seq;
    assert_int_equal(apply(w, sh), 8);
    assert_int_equal(w->seq, seq + 1);
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void an_empty_request_does_nothing(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();

    (void)state;
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void a_tsig_key_is_made_where_it_is_asked_for_and_only_then(void **state)
{
    static struct seal_key seal;
    struct world *w = world_new();
    struct sheet *sh = sheet_new();
    const struct credential *cred;

    (void)state;
    put_account(sh, "team");
    put_name(sh, "one");
    put_credential(sh, "router", NULL)->tsig = true;
    assert_apply_refused(w, sh, REFUSAL_CONFLICT, "accounts[0].credentials[0]"); /* no key to seal it with */
    w->d.seal = &seal;
    assert_int_equal(apply(w, sh), 3);
    cred = credential_of_step(w, step_at(sh, 2));
    assert_int_equal(credential_n_secrets(cred), 1);
    assert_int_equal(credential_secret(w->s, cred, 0).kind, SECRET_TSIG);
    assert_int_equal(strlen(step_at(sh, 2)->secret), 44); /* 256 bits in base64 */
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

/* ---- changing ---- */

static void differences_become_changes_and_the_rest_stays(void **state)
{
    static const char *const domains[] = {"pay.example.com", "new.example.com"};
    struct world *w = world_new();
    struct sheet *sh = shop();
    struct uuid before;

    (void)state;
    (void)apply(w, sh);
    before = step_at(sh, 3)->uuid;
    sh->accounts[0].account.note = "Shop and pay";
    sh->names[0][0].domains_add = domains;
    sh->names[0][0].n_domains_add = 2;
    sh->names[0][1].subtree = false;
    sh->credentials[0][0].n_networks = 0;
    sh->credentials[0][0].expires_s = 0;
    sh->credentials[0][1].n_names = 1;
    assert_int_equal(apply(w, sh), 5);
    assert_string_equal(change_of(step_at(sh, 0), "note")->from, "Web shop");
    assert_string_equal(change_of(step_at(sh, 0), "note")->to, "Shop and pay");
    assert_null(change_of(step_at(sh, 0), "limits.names"));
    assert_string_equal(change_of(step_at(sh, 1), "domains")->from, "shop.example.com, pay.example.com");
    assert_string_equal(change_of(step_at(sh, 1), "domains")->to, "pay.example.com, new.example.com");
    assert_int_equal(step_at(sh, 1)->n_domains, 1); /* one CNAME to make */
    assert_string_equal(step_at(sh, 1)->domains[0], "new.example.com");
    assert_string_equal(change_of(step_at(sh, 2), "subtree")->to, "no");
    assert_string_equal(change_of(step_at(sh, 3), "networks")->from, "198.51.100.0/24");
    assert_string_equal(change_of(step_at(sh, 3), "networks")->to, "any");
    assert_string_equal(change_of(step_at(sh, 3), "expires")->to, "never");
    assert_true(uuid_equal(&step_at(sh, 3)->uuid, &before));
    assert_string_equal(step_at(sh, 3)->secret, ""); /* it has one */
    assert_string_equal(change_of(step_at(sh, 4), "names")->to, "shop.auth.example.org");
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void what_a_row_leaves_out_stays_as_it_is(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop(), *bare = sheet_new();

    (void)state;
    (void)apply(w, sh);
    put_account(bare, "shop-team");
    put_name(bare, "shop");
    put_name(bare, "stage.shop");
    put_credential(bare, "web1", NULL);
    assert_nothing_left(w, bare);
    sheet_free(sh);
    sheet_free(bare);
    world_free(w);
}

static void the_order_of_domains_and_names_is_no_difference(void **state)
{
    static const char *const turned[] = {"pay.example.com", "shop.example.com"};
    struct world *w = world_new();
    struct sheet *sh = shop();

    (void)state;
    (void)apply(w, sh);
    sh->names[0][0].domains_add = turned;
    sh->names[0][0].n_domains_add = 2;
    sh->refs[0][1][0] = ref_of(NAME_REF_ANY, "stage.shop");
    sh->refs[0][1][1] = ref_of(NAME_REF_ANY, "SHOP");
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void a_revoked_credential_is_made_anew_with_another_secret(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();
    struct request r = request_of(w, REQUEST_CREDENTIAL_REVOKE, AUTH_LOCAL);
    char uuid[UUID_TEXT_LEN + 1];
    struct uuid old;

    (void)state;
    (void)apply(w, sh);
    old = step_at(sh, 3)->uuid;
    r.u.credential.credential.text = uuid_format(&old, uuid);
    assert_done(w, &r);
    assert_int_equal(apply(w, sh), 1);
    assert_int_equal(step_at(sh, 0)->action, APPLY_CREATE);
    assert_false(uuid_equal(&step_at(sh, 0)->uuid, &old));
    assert_int_not_equal(credential_revoked_s(state_credential_by_uuid(w->s, &old)), 0);
    sheet_free(sh);
    world_free(w);
}

static void a_plan_that_has_become_another_is_refused(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();
    char id[APPLY_ID_LEN + 1];

    (void)state;
    assert_int_equal(run(w, sh, APPLY_PLAN_ONLY), REFUSAL_NONE);
    memcpy(id, sh->plan->id, sizeof id);
    make_account(w, "shop-team"); /* somebody was quicker */
    sh->apply.expected = id;
    assert_int_equal(run(w, sh, APPLY_FOR_GOOD), REFUSAL_CONFLICT);
    assert_null(name_at(w, "shop.auth.example.org"));
    sheet_free(sh);
    world_free(w);
}

/* ---- all or nothing ---- */

static void put_good_account(struct sheet *sh)
{
    put_account(sh, "good");
    put_name(sh, "good");
    put_credential(sh, "web1", NULL);
}

static void a_refused_last_row_leaves_nothing_behind(void **state)
{
    static const char *const bad_domain[] = {"not a domain"};
    static const struct {
        const char *name;
        enum refusal why;
        const char *at;
    } rows[] = {
        {"account name", REFUSAL_MALFORMED, "accounts[1].account: "},
        {"doubled account", REFUSAL_CONFLICT, "accounts[1].account: "},
        {"control in note", REFUSAL_MALFORMED, "accounts[1]: "},
        {"bad label", REFUSAL_BAD_LABEL, "accounts[1].names[0]: "},
        {"no label", REFUSAL_MALFORMED, "accounts[1].names[0]: "},
        {"both", REFUSAL_MALFORMED, "accounts[1].names[0]: "},
        {"zone", REFUSAL_NOT_FOUND, "accounts[1].names[0]: "},
        {"not below a zone", REFUSAL_NOT_FOUND, "accounts[1].names[0]: "},
        {"apex", REFUSAL_NOT_FOUND, "accounts[1].names[0]: "},
        {"domain", REFUSAL_MALFORMED, "accounts[1].names[0]: "},
        {"doubled name", REFUSAL_CONFLICT, "accounts[1].names[0]: "},
        {"below a name of the file", REFUSAL_LABEL_TAKEN, "accounts[1].names[0]: "},
        {"somebody's", REFUSAL_LABEL_TAKEN, "accounts[1].names[0]: "},
        {"below somebody's", REFUSAL_LABEL_TAKEN, "accounts[1].names[0]: "},
        {"above somebody's", REFUSAL_LABEL_TAKEN, "accounts[1].names[0]: "},
        {"retired", REFUSAL_LABEL_RETIRED, "accounts[1].names[0]: "},
        {"above somebody's retired", REFUSAL_LABEL_RETIRED, "accounts[1].names[0]: "},
        {"quota", REFUSAL_QUOTA, "accounts[1].names: "},
        {"no credential label", REFUSAL_MALFORMED, "accounts[1].credentials[0]: "},
        {"credential label", REFUSAL_BAD_LABEL, "accounts[1].credentials[0]: "},
        {"doubled credential", REFUSAL_CONFLICT, "accounts[1].credentials[1].label: "},
        {"no such name", REFUSAL_NOT_FOUND, "accounts[1].credentials[0]: "},
        {"another account's name", REFUSAL_NOT_FOUND, "accounts[1].credentials[0]: "},
        {"several names", REFUSAL_MALFORMED, "accounts[1].credentials[0]: "},
        {"no names", REFUSAL_MALFORMED, "accounts[1].credentials[0]: "},
        {"past", REFUSAL_MALFORMED, "accounts[1].credentials[0]: "},
        {"no action", REFUSAL_MALFORMED, "accounts[1].credentials[0]: "},
    };
    struct world *w = world_new();
    struct request del = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);

    (void)state;
    make_account(w, "mallory");
    make_name(w, "mallory", "taken");
    make_name(w, "mallory", "deep.high");
    make_name(w, "mallory", "gone");
    del.u.name.name = ref_of(NAME_REF_ANY, "gone");
    assert_done(w, &del);
    make_name(w, "mallory", "deep.old");
    del.u.name.name = ref_of(NAME_REF_ANY, "deep.old");
    assert_done(w, &del);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sheet *sh = sheet_new();
        struct apply_account *a;
        struct request_name *n;
        struct request_credential *cred;
        struct state_counts was = state_counts(w->s), is;

        put_good_account(sh);
        a = put_account(sh, "bad");
        n = put_name(sh, "bad");
        cred = put_credential(sh, "web1", "bad");
        switch (i) {
        case 0:
            a->account.name = "No Name";
            break;
        case 1:
            a->account.name = "good";
            break;
        case 2:
            a->account.has_note = true;
            a->account.note = "a\nb";
            break;
        case 3:
            n->label = "b d";
            break;
        case 4:
            n->label = NULL;
            break;
        case 5:
            n->name = ref_of(NAME_REF_OWNER, "bad.auth.example.org");
            break;
        case 6:
            n->zone = "auth.example.net";
            break;
        case 7:
            n->label = NULL;
            n->name = ref_of(NAME_REF_OWNER, "bad.example.org");
            break;
        case 8:
            n->label = NULL;
            n->name = ref_of(NAME_REF_OWNER, "auth.example.org");
            break;
        case 9:
            n->has_domains = true;
            n->n_domains_add = 1;
            n->domains_add = bad_domain;
            break;
        case 10:
            n->label = "GOOD";
            break;
        case 11:
            n->label = "sub.good";
            break;
        case 12:
            n->label = "taken";
            break;
        case 13:
            n->label = "sub.taken";
            break;
        case 14:
            n->label = "high";
            break;
        case 15:
            n->label = "gone";
            break;
        case 16:
            n->label = "old";
            break;
        case 17:
            put_name(sh, "worse");
            a->account.has_names_max = true;
            a->account.names_max = 1;
            break;
        case 18:
            cred->label = NULL;
            break;
        case 19:
            cred->label = "a b";
            break;
        case 20:
            put_credential(sh, "web1", "bad");
            break;
        case 21:
            sh->refs[1][0][0] = ref_of(NAME_REF_ANY, "nobody");
            break;
        case 22:
            sh->refs[1][0][0] = ref_of(NAME_REF_ANY, "good");
            break;
        case 23:
            put_name(sh, "worse");
            cred->has_names = false;
            cred->n_names = 0;
            break;
        case 24:
            cred->n_names = 0;
            break;
        case 25:
            cred->has_expires = true;
            cred->expires_s = NOW - 1;
            break;
        default:
            cred->has_actions = true;
            break;
        }
        print_message("%s\n", rows[i].name);
        assert_string_equal(refusal_word(run(w, sh, APPLY_PLAN_ONLY)), refusal_word(rows[i].why));
        assert_string_equal(refusal_word(run(w, sh, APPLY_FOR_GOOD)), refusal_word(rows[i].why));
        assert_memory_equal(w->res.detail, rows[i].at, strlen(rows[i].at));
        is = state_counts(w->s);
        assert_memory_equal(&was, &is, sizeof was);
        sheet_free(sh);
    }
    world_free(w);
}

static void too_many_rows_are_refused_before_they_are_read(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();

    (void)state;
    put_account(sh, "team");
    sh->accounts[0].n_names = APPLY_NAMES_MAX + 1; /* beyond what is there: reading it would be seen */
    assert_apply_refused(w, sh, REFUSAL_TOO_LARGE, "accounts");
    sh->accounts[0].n_names = 0;
    sh->accounts[0].n_credentials = APPLY_CREDENTIALS_MAX + 1;
    assert_apply_refused(w, sh, REFUSAL_TOO_LARGE, "accounts");
    sheet_free(sh);
    world_free(w);
}

static void labels_that_are_there_twice_are_refused_with_the_way_out(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();

    (void)state;
    make_account(w, "team");
    make_name(w, "team", "one");
    make_name(w, "team", "two");
    make_holder(w, "one", "web1");
    make_holder(w, "two", "web1");
    put_account(sh, "team");
    put_name(sh, "one");
    put_credential(sh, "web1", NULL);
    assert_apply_refused(w, sh, REFUSAL_CONFLICT, "accounts[0].credentials[0]");
    assert_non_null(strstr(w->res.hint, "--label"));
    sheet_free(sh);
    world_free(w);
}

static void an_account_over_its_limit_may_stay_but_not_grow(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();

    (void)state;
    make_account(w, "team");
    make_name(w, "team", "one");
    make_name(w, "team", "two");
    put_account(sh, "team")->account =
        (struct request_account){.name = "team", .has_names_max = true, .names_max = 1};
    put_name(sh, "one");
    put_name(sh, "two");
    assert_int_equal(apply(w, sh), 1);
    put_name(sh, "three");
    assert_apply_refused(w, sh, REFUSAL_QUOTA, "accounts[0].names");
    sh->accounts[0].n_names = 1; /* with prune, what goes makes room */
    sh->names[0][0].label = "three";
    sh->apply.prune = true;
    assert_int_equal(apply(w, sh), 3);
    sheet_free(sh);
    world_free(w);
}

static void no_space_refuses_new_names_only(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = shop();

    (void)state;
    w->d.no_space = true;
    assert_apply_refused(w, sh, REFUSAL_FULL, "accounts[0].names[0]");
    w->d.no_space = false;
    (void)apply(w, sh);
    w->d.no_space = true;
    sh->accounts[0].account.note = "another";
    assert_int_equal(apply(w, sh), 1);
    sheet_free(sh);
    world_free(w);
}

/* ---- pruning ---- */

static void prune_retires_and_revokes_in_listed_accounts_only(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();
    struct holder stays, goes;

    (void)state;
    make_account(w, "team");
    make_account(w, "others");
    make_name(w, "team", "keep");
    make_name(w, "team", "drop");
    make_name(w, "others", "theirs");
    stays = make_holder(w, "keep", "web1");
    goes = make_holder(w, "keep", "web2");
    make_holder(w, "theirs", "web3");
    put_account(sh, "team");
    put_name(sh, "keep");
    put_credential(sh, "web1", NULL);
    assert_nothing_left(w, sh); /* without prune */
    sh->apply.prune = true;
    assert_int_equal(apply(w, sh), 2);
    assert_int_equal(step_at(sh, 0)->action, APPLY_RETIRE);
    assert_string_equal(step_at(sh, 0)->name, "drop.auth.example.org");
    assert_int_equal(step_at(sh, 1)->action, APPLY_REVOKE);
    assert_string_equal(step_at(sh, 1)->label, "web2");
    assert_int_not_equal(name_retired_s(name_at(w, "drop.auth.example.org")), 0);
    assert_int_equal(name_retired_s(name_at(w, "theirs.auth.example.org")), 0);
    assert_int_equal(add(w, &stays, "keep", challenge_of("a", 1).text), REFUSAL_NONE);
    assert_int_equal(add(w, &goes, "keep", challenge_of("a", 2).text), REFUSAL_REVOKED);
    assert_nothing_left(w, sh);
    sheet_free(sh);
    world_free(w);
}

static void prune_refuses_a_name_in_use_unless_forced(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();
    struct holder h;

    (void)state;
    make_account(w, "team");
    make_name(w, "team", "drop");
    h = make_holder(w, "drop", "web1");
    assert_int_equal(add(w, &h, "drop", challenge_of("a", 1).text), REFUSAL_NONE);
    put_account(sh, "team");
    sh->apply.prune = true;
    assert_apply_refused(w, sh, REFUSAL_NAME_IN_USE, "accounts[0]");
    assert_non_null(strstr(w->res.detail, "drop.auth.example.org"));
    sh->apply.force = true;
    assert_int_equal(apply(w, sh), 2);
    assert_int_equal(step_at(sh, 0)->values, 1);
    assert_int_equal(effects_of(w, EFFECT_CLAIM_REMOVED), 1);
    assert_int_equal(state_counts(w->s).values, 0);
    sheet_free(sh);
    world_free(w);
}

/* ---- who ---- */

static void only_administrators_apply_and_not_themselves_away(void **state)
{
    struct world *w = world_new();
    struct sheet *sh = sheet_new();
    struct holder h;
    struct request r;

    (void)state;
    make_account(w, "team");
    make_name(w, "team", "one");
    h = make_holder(w, "one", "root");
    put_account(sh, "team");
    put_name(sh, "one");
    sh->apply.prune = true;
    r = request_by(w, REQUEST_APPLY, &h);
    r.u.apply = request_with(w, sh, APPLY_FOR_GOOD).u.apply;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    empower(w, &h, ACTION_ADD | ACTION_ADMINISTER, 0);
    assert_refused(w, &r, REFUSAL_CONFLICT);
    put_credential(sh, "root", NULL)->has_actions = true;
    sh->credentials[0][0].actions = ACTION_ADD | ACTION_ADMINISTER; /* as it is: nothing is granted */
    r.u.apply = request_with(w, sh, APPLY_FOR_GOOD).u.apply;
    assert_done(w, &r);
    assert_false(w->res.is_change);
    sh->credentials[0][0].actions = ACTION_ADMINISTER;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    put_credential(sh, "more", NULL)->has_actions = true;
    sh->credentials[0][0].actions = ACTION_ADD | ACTION_ADMINISTER;
    sh->credentials[0][1].actions = ACTION_ADMINISTER;
    r.u.apply = request_with(w, sh, APPLY_FOR_GOOD).u.apply;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    sheet_free(sh);
    world_free(w);
}

/* ---- the plan itself ---- */

static void a_plan_may_be_made_again_and_long_lists_are_cut(void **state)
{
    static char texts[DOMAINS_SHOWN][64];
    static const char *domains[DOMAINS_SHOWN];
    struct world *w = world_new();
    struct sheet *sh = sheet_new();
    const struct apply_change *change;

    (void)state;
    for (size_t i = 0; i < DOMAINS_SHOWN; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "host-%zu.department.example.com", i);
        domains[i] = texts[i];
    }
    put_account(sh, "team");
    put_name(sh, "one")->has_domains = true;
    sh->names[0][0].n_domains_add = DOMAINS_SHOWN;
    sh->names[0][0].domains_add = domains;
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(w, sh, APPLY_PLAN_ONLY), REFUSAL_NONE);
    assert_int_equal(sh->plan->n, 2);
    change = change_of(step_at(sh, 1), "domains");
    assert_non_null(change);
    assert_null(change->from);
    assert_non_null(strstr(change->to, " and "));
    assert_non_null(strstr(change->to, " more"));
    assert_int_equal(step_at(sh, 1)->n_domains, DOMAINS_SHOWN);
    (void)apply(w, sh);
    assert_int_equal(name_n_domains(name_at(w, "one.auth.example.org")), DOMAINS_SHOWN);
    sheet_free(sh);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_makes_what_is_not_there_with_a_secret_for_each_credential),
        cmocka_unit_test(applying_again_finds_nothing_to_do),
        cmocka_unit_test(many_accounts_are_one_entry),
        cmocka_unit_test(an_empty_request_does_nothing),
        cmocka_unit_test(a_tsig_key_is_made_where_it_is_asked_for_and_only_then),
        cmocka_unit_test(differences_become_changes_and_the_rest_stays),
        cmocka_unit_test(what_a_row_leaves_out_stays_as_it_is),
        cmocka_unit_test(the_order_of_domains_and_names_is_no_difference),
        cmocka_unit_test(a_revoked_credential_is_made_anew_with_another_secret),
        cmocka_unit_test(a_plan_that_has_become_another_is_refused),
        cmocka_unit_test(a_refused_last_row_leaves_nothing_behind),
        cmocka_unit_test(too_many_rows_are_refused_before_they_are_read),
        cmocka_unit_test(labels_that_are_there_twice_are_refused_with_the_way_out),
        cmocka_unit_test(an_account_over_its_limit_may_stay_but_not_grow),
        cmocka_unit_test(no_space_refuses_new_names_only),
        cmocka_unit_test(prune_retires_and_revokes_in_listed_accounts_only),
        cmocka_unit_test(prune_refuses_a_name_in_use_unless_forced),
        cmocka_unit_test(only_administrators_apply_and_not_themselves_away),
        cmocka_unit_test(a_plan_may_be_made_again_and_long_lists_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
