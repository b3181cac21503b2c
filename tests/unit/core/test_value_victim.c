/* The FIFO: who has to go, by example and against a naive model. */
#include "core/value_rows.h"

/* ---- eviction ---- */

static uint32_t account_by_tens(const void *arg, uint32_t credential)
{
    (void)arg;
    return credential / 10;
}

static struct eviction_rules rules_of(size_t budget, uint64_t old_before, uint64_t added_from)
{
    return (struct eviction_rules){
        .budget = budget, .old_before = old_before, .added_from = added_from, .account_of = account_by_tens};
}

/* Add c and evict as long as something has to go; returns how many went, *young of them before their time. */
static size_t add_and_evict(struct value_set *vs, struct spec c, size_t budget, uint64_t old_before, size_t *young)
{
    size_t n = 0;

    c.slot = value_set_free_slot(vs);
    add(vs, c);
    for (;;) {
        struct eviction_rules rules = rules_of(budget, old_before, c.order);
        bool is_young;
        const struct value *victim = value_set_victim(vs, &rules, &is_young);
        bool changed = false;

        if (victim == NULL)
            return n;
        *young += is_young ? 1 : 0;
        n++;
        while (!changed)
            assert_int_equal(value_set_end(vs, victim->claims[0].slot, &changed), ERR_OK);
    }
}

#define BUDGET_64 ((size_t)64 * (12 + 44)) /* the default: 64 challenge values */

static char *challenge(char out[44], unsigned n)
{
    memset(out, 'x', 43);
    for (int i = 42; n > 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    out[43] = '\0';
    return out;
}

static void a_set_within_its_budget_has_no_victim(void **state)
{
    struct value_set vs = {0};
    char text[44];
    size_t young = 0;

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(add_and_evict(&vs, (struct spec){.credential = 1, .order = i, .text = challenge(text, i)},
                                       BUDGET_64, 1000, &young),
                         0);
    assert_int_equal(vs.n, 64);
    assert_int_equal(vs.octets, BUDGET_64);
    value_set_fini(&vs);
}

static void stale_values_of_31_holders_give_way_to_one_who_adds_20(void **state)
{
    struct value_set vs = {0};
    char text[44];
    size_t young = 0;

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        add_and_evict(&vs, (struct spec){.credential = 10 * (i % 31), .order = i, .text = challenge(text, i)},
                      BUDGET_64, 0, &young);
    for (unsigned i = 100; i < 120; i++)
        add_and_evict(&vs, (struct spec){.credential = 500, .order = i, .text = challenge(text, i)}, BUDGET_64, 64,
                      &young);
    assert_int_equal(young, 0);
    assert_int_equal(vs.n, 64);
    for (unsigned i = 100; i < 120; i++)
        assert_non_null(find(&vs, challenge(text, i)));
    assert_null(find(&vs, challenge(text, 19)));
    assert_non_null(find(&vs, challenge(text, 20)));
    value_set_fini(&vs);
}

static void of_40_hosts_behind_one_credential_the_noisy_one_loses_its_own(void **state)
{
    struct value_set vs = {0};
    char text[44];
    size_t young = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        add_and_evict(
            &vs, (struct spec){.credential = 1, .order = i, .network = (uint8_t)i, .text = challenge(text, i + 1)},
            BUDGET_64, 0, &young);
    for (unsigned i = 100; i < 300; i++)
        add_and_evict(&vs, (struct spec){.credential = 1, .order = i, .network = 200, .text = challenge(text, i)},
                      BUDGET_64, 0, &young);
    assert_int_equal(young, 200 - 24);
    for (unsigned i = 0; i < 40; i++)
        assert_non_null(find(&vs, challenge(text, i + 1)));
    for (unsigned i = 276; i < 300; i++)
        assert_non_null(find(&vs, challenge(text, i)));
    value_set_fini(&vs);
}

struct victim_row {
    const char *what;
    struct spec claims[8]; /* until text is NULL; slots are their places */
    uint64_t added_from;   /* 0: none is being added */
    size_t budget;
    uint64_t old_before;
    const char *victim; /* NULL: none */
    bool young;
};

static const struct victim_row victim_rows[] = {
    {"within the budget", {{1, 0, 1, 1, false, "a"}}, 0, 14, 100, NULL, false},
    {"the oldest stale one, whoever holds it",
     {{1, 0, 1, 1, false, "a"}, {20, 0, 2, 1, false, "b"}, {20, 0, 3, 1, false, "c"}},
     0,
     30,
     3,
     "a",
     false},
    {"a pinned stale one stays",
     {{1, 0, 1, 1, true, "a"}, {20, 0, 2, 1, false, "b"}, {20, 0, 3, 1, false, "c"}},
     0,
     30,
     3,
     "b",
     false},
    {"pinned by one of its claims is pinned",
     {{1, 0, 1, 1, false, "a"}, {2, 0, 2, 1, true, "a"}, {20, 0, 3, 1, false, "b"}},
     0,
     20,
     9,
     "b",
     false},
    {"a renewed value is young",
     {{1, 0, 1, 1, false, "a"}, {2, 0, 5, 1, false, "a"}, {3, 0, 2, 1, false, "b"}},
     0,
     20,
     3,
     "b",
     false},
    {"only pinned ones and the one being added",
     {{1, 0, 1, 1, true, "a"}, {1, 0, 2, 1, false, "b"}},
     2,
     10,
     9,
     NULL,
     false},
    {"those being added are spared though their holder is the largest",
     {{1, 0, 1, 1, false, "a"}, {20, 0, 2, 1, false, "b"}, {20, 0, 3, 1, false, "c"}},
     2,
     30,
     0,
     "a",
     true},
    {"the largest account, though its credentials are small",
     {{30, 0, 1, 1, false, "a"},
      {10, 0, 2, 1, false, "b"},
      {11, 0, 3, 1, false, "c"},
      {12, 0, 4, 1, false, "d"},
      {30, 0, 5, 1, false, "e"}},
     0,
     50,
     0,
     "b",
     true},
    {"by octets, not by number",
     {{10, 0, 1, 1, false, "a"}, {10, 0, 2, 1, false, "b"}, {20, 0, 3, 1, false, "cccccccccccccccccccccccccccccc"}},
     0,
     60,
     0,
     "cccccccccccccccccccccccccccccc",
     true},
    {"in the account the largest credential",
     {{10, 0, 1, 1, false, "a"}, {11, 0, 2, 1, false, "b"}, {11, 0, 3, 2, false, "c"}, {20, 0, 4, 1, false, "d"}},
     0,
     50,
     0,
     "b",
     true},
    {"in the credential the largest network",
     {{10, 0, 1, 1, false, "a"}, {10, 0, 2, 2, false, "b"}, {10, 0, 3, 2, false, "c"}},
     0,
     30,
     0,
     "b",
     true},
    {"of equal holders the older", {{20, 0, 1, 1, false, "b"}, {10, 0, 2, 1, false, "a"}}, 0, 20, 0, "b", true},
    {"a value is held by its newest claim",
     {{10, 0, 1, 1, false, "a"}, {20, 0, 2, 1, false, "b"}, {10, 0, 3, 1, false, "c"}, {20, 0, 4, 1, false, "a"}},
     0,
     30,
     0,
     "b",
     true},
    {"pinned octets count to their holder",
     {{20, 0, 1, 1, false, "b"}, {10, 0, 2, 1, true, "p"}, {10, 0, 3, 1, false, "a"}},
     0,
     30,
     0,
     "a",
     true},
    {"the largest holder has pinned ones only: the next",
     {{10, 0, 1, 1, true, "p"}, {10, 0, 2, 1, true, "q"}, {20, 0, 3, 1, false, "b"}},
     0,
     30,
     0,
     "b",
     true},
};

static void the_victim_is_the_one_that_the_rules_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(victim_rows); i++) {
        const struct victim_row *row = &victim_rows[i];
        struct value_set vs = {0};
        struct eviction_rules rules;
        const struct value *victim;
        bool young = true;

        for (uint32_t k = 0; k < ARRAY_LEN(row->claims) && row->claims[k].text != NULL; k++) {
            struct spec s = row->claims[k];

            s.slot = k;
            add(&vs, s);
        }
        rules = rules_of(row->budget, row->old_before, row->added_from != 0 ? row->added_from : UINT64_MAX);
        victim = value_set_victim(&vs, &rules, &young);
        if (victim != (row->victim != NULL ? find(&vs, row->victim) : NULL) || young != row->young)
            fail_msg("%s", row->what);
        value_set_fini(&vs);
    }
}

static void pinned_octets_are_those_of_pinned_values(void **state)
{
    struct value_set vs = {0};

    (void)state;
    add(&vs, (struct spec){1, 0, 1, 1, false, "a"});
    add(&vs, (struct spec){1, 1, 2, 1, true, "bbbb"});
    add(&vs, (struct spec){2, 2, 3, 1, true, "a"});
    assert_int_equal(value_set_pinned_octets(&vs), (12 + 5) + (12 + 2));
    value_set_fini(&vs);
}

/* ---- against a naive model: a list of claims, from which everything is worked out anew ---- */

#define MODEL_MAX   400
#define MODEL_TEXTS 40

struct model {
    struct spec claims[MODEL_MAX];
    unsigned text[MODEL_MAX]; /* which one */
    size_t n;
};

static char model_texts[MODEL_TEXTS][48]; /* made once, of lengths 1 to 47 */

static uint64_t model_order(const struct model *m, unsigned text)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < m->n; i++)
        if (m->text[i] == text && m->claims[i].order > newest)
            newest = m->claims[i].order;
    return newest;
}

static const struct spec *model_holder(const struct model *m, unsigned text)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->text[i] == text && m->claims[i].order == model_order(m, text))
            return &m->claims[i];
    return NULL;
}

static bool model_pinned(const struct model *m, unsigned text)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->text[i] == text && m->claims[i].pinned)
            return true;
    return false;
}

static size_t model_octets(const struct model *m, unsigned text)
{
    return model_holder(m, text) != NULL ? 13 + strlen(model_texts[text]) : 0;
}

static uint32_t model_free_slot(const struct model *m)
{
    for (uint32_t slot = 0;; slot++) {
        bool used = false;

        for (size_t i = 0; i < m->n; i++)
            used = used || m->claims[i].slot == slot;
        if (!used)
            return slot;
    }
}

/* The key of a text's holder down to a level. */
static uint64_t model_key(const struct model *m, unsigned text, int level)
{
    const struct spec *h = model_holder(m, text);
    uint64_t key = h->credential / 10;

    if (level >= 1)
        key = key << 16 | h->credential;
    if (level >= 2)
        key = key << 8 | h->network;
    return key;
}

/* The text to evict, or MODEL_TEXTS. */
static unsigned model_victim(const struct model *m, size_t budget, uint64_t old_before, uint64_t added_from,
                             bool *young)
{
    bool in[MODEL_TEXTS];
    size_t total = 0;
    unsigned victim = MODEL_TEXTS;

    for (unsigned t = 0; t < MODEL_TEXTS; t++) {
        in[t] = model_holder(m, t) != NULL;
        total += model_octets(m, t);
    }
    *young = false;
    if (total <= budget)
        return MODEL_TEXTS;
    for (unsigned t = 0; t < MODEL_TEXTS; t++)
        if (in[t] && model_order(m, t) < added_from && !model_pinned(m, t) && model_order(m, t) < old_before &&
            (victim == MODEL_TEXTS || model_order(m, t) < model_order(m, victim)))
            victim = t;
    if (victim != MODEL_TEXTS)
        return victim;
    for (int level = 0; level < 3; level++) {
        size_t best = 0;

        victim = MODEL_TEXTS;
        for (unsigned t = 0; t < MODEL_TEXTS; t++) {
            size_t held = 0;

            if (!in[t] || model_order(m, t) >= added_from || model_pinned(m, t))
                continue;
            for (unsigned u = 0; u < MODEL_TEXTS; u++)
                if (model_holder(m, u) != NULL && model_key(m, u, level) == model_key(m, t, level))
                    held += model_octets(m, u);
            if (held > best || (held == best && model_order(m, t) < model_order(m, victim))) {
                best = held;
                victim = t;
            }
        }
        if (victim == MODEL_TEXTS)
            return MODEL_TEXTS;
        for (unsigned t = 0; t < MODEL_TEXTS; t++)
            in[t] = in[t] && model_key(m, t, level) == model_key(m, victim, level);
    }
    *young = true;
    return victim;
}

static void model_end(struct model *m, size_t i)
{
    m->n--;
    memmove(&m->claims[i], &m->claims[i + 1], (m->n - i) * sizeof m->claims[0]);
    memmove(&m->text[i], &m->text[i + 1], (m->n - i) * sizeof m->text[0]);
}

static void assert_same(const struct model *m, const struct value_set *vs)
{
    size_t texts = 0, octets = 0, claims = 0;
    uint64_t before = 0;

    for (unsigned t = 0; t < MODEL_TEXTS; t++) {
        texts += model_holder(m, t) != NULL ? 1 : 0;
        octets += model_octets(m, t);
        assert_int_equal(find(vs, model_texts[t]) != NULL, model_holder(m, t) != NULL);
        if (model_holder(m, t) != NULL)
            assert_int_equal(value_newest_claim(find(vs, model_texts[t]))->slot, model_holder(m, t)->slot);
    }
    assert_int_equal(vs->n, texts);
    assert_int_equal(vs->octets, octets);
    for (size_t i = 0; i < vs->n; i++) {
        assert_true(value_newest_claim(&vs->values[i])->order > before);
        before = value_newest_claim(&vs->values[i])->order;
        claims += vs->values[i].n_claims;
    }
    assert_int_equal(claims, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const struct claim *c = value_set_claim(vs, m->claims[i].slot, NULL);

        assert_non_null(c);
        assert_int_equal(c->order, m->claims[i].order);
        assert_int_equal(c->credential, m->claims[i].credential);
    }
    assert_int_equal(value_set_free_slot(vs), model_free_slot(m));
}

/* A fixed sequence: a failure comes again. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void model_add(struct model *m, struct value_set *vs, uint64_t order, uint64_t *seed)
{
    unsigned text = next_random(seed) % MODEL_TEXTS;
    struct spec s = {
        .credential = next_random(seed) % 24,
        .order = order,
        .network = (uint8_t)(next_random(seed) % 3),
        .pinned = next_random(seed) % 12 == 0,
        .text = model_texts[text],
    };
    size_t at = m->n;

    for (size_t i = 0; i < m->n; i++)
        if (m->text[i] == text && m->claims[i].credential == s.credential)
            at = i;
    s.slot = at < m->n ? m->claims[at].slot : model_free_slot(m);
    assert_int_equal(add(vs, s), model_holder(m, text) == NULL);
    m->claims[at] = s;
    m->text[at] = text;
    m->n += at == m->n ? 1 : 0;
}

static void model_evict(struct model *m, struct value_set *vs, uint64_t order, uint64_t *seed)
{
    uint64_t grace = next_random(seed) % 100;
    uint64_t old_before = order > grace ? order - grace : 0;
    uint64_t added_from = order - next_random(seed) % 8;
    size_t budget = 300 + next_random(seed) % 600;

    for (;;) {
        struct eviction_rules rules = rules_of(budget, old_before, added_from);
        bool young, model_young, changed;
        const struct value *victim = value_set_victim(vs, &rules, &young);
        unsigned expected = model_victim(m, budget, old_before, added_from, &model_young);

        assert_ptr_equal(victim, expected < MODEL_TEXTS ? find(vs, model_texts[expected]) : NULL);
        assert_int_equal(young, model_young);
        if (victim == NULL)
            return;
        for (size_t i = m->n; i-- > 0;) {
            if (m->text[i] != expected)
                continue;
            assert_int_equal(value_set_end(vs, m->claims[i].slot, &changed), ERR_OK);
            model_end(m, i);
        }
    }
}

static void the_fifo_does_what_a_naive_model_does(void **state)
{
    uint64_t seed = 20261121;

    (void)state;
    for (unsigned t = 0; t < MODEL_TEXTS; t++)
        memset(model_texts[t], (int)('0' + t), t + 1);
    for (unsigned round = 0; round < 20; round++) {
        static struct model m;
        struct value_set vs = {0};

        m.n = 0;
        for (uint64_t order = 1; order < 150; order++) {
            unsigned what = next_random(&seed) % 10;
            bool changed;

            if (what < 7 && m.n < MODEL_MAX) {
                model_add(&m, &vs, order, &seed);
            } else if (what < 9 && m.n > 0) {
                size_t i = next_random(&seed) % m.n;
                unsigned text = m.text[i];

                assert_int_equal(value_set_end(&vs, m.claims[i].slot, &changed), ERR_OK);
                model_end(&m, i);
                assert_int_equal(changed, model_holder(&m, text) == NULL);
            } else {
                model_evict(&m, &vs, order, &seed);
            }
            assert_same(&m, &vs);
        }
        value_set_fini(&vs);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_within_its_budget_has_no_victim),
        cmocka_unit_test(stale_values_of_31_holders_give_way_to_one_who_adds_20),
        cmocka_unit_test(of_40_hosts_behind_one_credential_the_noisy_one_loses_its_own),
        cmocka_unit_test(the_victim_is_the_one_that_the_rules_say),
        cmocka_unit_test(pinned_octets_are_those_of_pinned_values),
        cmocka_unit_test(the_fifo_does_what_a_naive_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
