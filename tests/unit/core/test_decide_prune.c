#include "core/decide_fixture.h"

#define LONG ((int64_t)90 * DAY)

static struct holder register_stranger(struct world *w)
{
    struct request r = request_of(w, REQUEST_REGISTER, AUTH_NONE);

    assert_done(w, &r);
    return holder_of_result(w);
}

struct label {
    char text[64];
};

static struct label label_of(const struct world *w, uint32_t name)
{
    const struct name_entry *n = state_name(w->s, name);
    struct label label = {""};
    struct name owner;

    name_owner(w->s, n, &owner);
    memcpy(label.text, owner.b + 1, owner.b[0]);
    return label;
}

/* How many names were retired. */
static size_t prune(struct world *w)
{
    struct request r = request_of(w, REQUEST_PRUNE, AUTH_SERVER);

    assert_done(w, &r);
    return w->res.is_change ? effects_of(w, EFFECT_NAME_RETIRED) : 0;
}

static bool is_retired(const struct world *w, const struct holder *h)
{
    return name_retired_s(state_name(w->s, h->name)) != 0;
}

static struct world *pruning_world(void)
{
    struct world *w = world_new();

    w->settings.registration.rate.amount = 0;
    w->settings.registration.prune_unused_s = LONG;
    return w;
}

static void a_name_that_nobody_used_becomes_a_tombstone(void **state)
{
    struct world *w = pruning_world();
    struct holder h = register_stranger(w);

    (void)state;
    later(w, LONG - 1);
    assert_int_equal(prune(w), 0);
    later(w, 1);
    assert_int_equal(prune(w), 1);
    assert_int_equal(name_retired_s(state_name(w->s, h.name)), w->d.now_s);
    assert_int_equal(state_counts(w->s).names_unclaimed, 0);
    assert_int_equal(effects_of(w, EFFECT_ZONE_SERIAL), 1);
    assert_int_equal(add(w, &h, label_of(w, h.name).text, challenge_of("late", 1).text), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_int_equal(prune(w), 0);
    world_free(w);
}

static void it_is_off_by_default(void **state)
{
    struct world *w = pruning_world();
    struct holder h = register_stranger(w);

    (void)state;
    w->settings.registration.prune_unused_s = 0;
    later(w, 1000 * LONG);
    assert_int_equal(prune(w), 0);
    assert_false(is_retired(w, &h));
    world_free(w);
}

/* ---- what is spared ---- */

static void use_it(struct world *w, struct holder *h)
{
    assert_int_equal(add(w, h, label_of(w, h->name).text, challenge_of("used", 1).text), REFUSAL_NONE);
    assert_int_equal(remove_value(w, h, label_of(w, h->name).text, challenge_of("used", 1).text), REFUSAL_NONE);
}

static void only_look(struct world *w, struct holder *h)
{
    struct request r = request_by(w, REQUEST_LOOK, h);

    assert_done(w, &r);
}

static void let_the_administrator_add(struct world *w, struct holder *h)
{
    struct challenge value = challenge_of("admin", 1);
    struct label label = label_of(w, h->name);
    struct value_text v = text_of(value.text);
    struct request r = values_request(request_of(w, REQUEST_VALUE_ADD, AUTH_LOCAL), label.text, &v, 1);

    assert_done(w, &r);
}

static void give_it_a_domain(struct world *w, struct holder *h)
{
    static const char *const domains[] = {"shop.example.com"};
    struct label label = label_of(w, h->name);
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);

    r.u.name.name = ref_of(NAME_REF_ANY, label.text);
    r.u.name.n_domains_add = 1;
    r.u.name.domains_add = domains;
    assert_done(w, &r);
}

static void give_it_another_credential(struct world *w, struct holder *h)
{
    (void)make_holder(w, label_of(w, h->name).text, "second");
}

static void move_it(struct world *w, struct holder *h)
{
    struct label label = label_of(w, h->name);
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);

    (void)make_account(w, "infra");
    r.u.name.name = ref_of(NAME_REF_ANY, label.text);
    r.u.name.account = "infra";
    assert_done(w, &r);
}

static void whatever_was_used_or_touched_is_spared(void **state)
{
    static const struct {
        const char *what;
        void (*touch)(struct world *w, struct holder *h);
    } rows[] = {
        {"a value that came and went", use_it},
        {"a use without a change", only_look},
        {"a value of the administrator's", let_the_administrator_add},
        {"a domain", give_it_a_domain},
        {"a second credential", give_it_another_credential},
        {"another account", move_it},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = pruning_world();
        struct holder h = register_stranger(w);
        struct holder other = register_stranger(w);
        print_message("%s\n", rows[i].what);
        rows[i].touch(w, &h);
        later(w, LONG);
        assert_int_equal(prune(w), 1);
        assert_false(is_retired(w, &h));
        assert_true(is_retired(w, &other));
        world_free(w);
    }
}

static void names_of_administrators_and_tokens_are_spared(void **state)
{
    struct world *w = pruning_world();
    struct request r = request_of(w, REQUEST_TOKEN_CREATE, AUTH_LOCAL);

    (void)state;
    (void)make_account(w, "infra");
    (void)make_name(w, "infra", "quiet");
    r.u.token = (struct request_token){.account = "infra"};
    assert_done(w, &r);
    {
        struct request with_token = request_of(w, REQUEST_REGISTER, AUTH_TOKEN);
        memcpy(with_token.caller.secret, w->res.secret, sizeof w->res.secret);
        assert_done(w, &with_token);
    }
    later(w, 10 * LONG);
    assert_int_equal(prune(w), 0);
    world_free(w);
}

static void many_are_retired_some_at_a_time(void **state)
{
    struct world *w = pruning_world();

    (void)state;
    for (unsigned i = 0; i < PRUNE_NAMES_MAX + 7; i++)
        (void)register_stranger(w);
    later(w, LONG);
    assert_int_equal(prune(w), PRUNE_NAMES_MAX);
    assert_int_equal(prune(w), 7);
    assert_int_equal(prune(w), 0);
    assert_int_equal(state_counts(w->s).tombstones, PRUNE_NAMES_MAX + 7);
    world_free(w);
}

static void only_the_server_prunes(void **state)
{
    struct world *w = pruning_world();
    struct holder h = register_stranger(w);
    struct request r = request_by(w, REQUEST_PRUNE, &h);

    (void)state;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    world_free(w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_nobody_used_becomes_a_tombstone),
        cmocka_unit_test(it_is_off_by_default),
        cmocka_unit_test(whatever_was_used_or_touched_is_spared),
        cmocka_unit_test(names_of_administrators_and_tokens_are_spared),
        cmocka_unit_test(many_are_retired_some_at_a_time),
        cmocka_unit_test(only_the_server_prunes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
