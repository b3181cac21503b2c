#include "core/name_row.h"

#include "core/rows.h"
#include "core/value_rows.h"

#include <stdio.h>

#define DAY_S 86400

struct made {
    struct slab *slab;
    struct row_room room;
};

static struct made begin(void)
{
    struct made m = {0};

    assert_int_equal(slab_new(&m.slab), ERR_OK);
    return m;
}

static void end(struct made *m)
{
    row_room_fini(&m->room);
    slab_free(m->slab);
}

static struct node *make(struct made *m, const struct row_spec *spec)
{
    struct node *row = NULL;

    assert_int_equal(row_new(&row, m->slab, &m->room, spec), ERR_OK);
    return row;
}

static const uint8_t labels[] = "\44f0e1d2c3-aaaa-bbbb-cccc-0123456789ab"; /* as of a registration: 37 octets */

static struct row_spec spec_with(struct value_set *vs)
{
    return (struct row_spec){.id = 7,
                             .account = 3,
                             .zone = table_id_of_zone(1),
                             .created_s = 1800000000,
                             .domains = "",
                             .labels = labels,
                             .cased = labels,
                             .labels_len = sizeof labels - 1,
                             .values = vs};
}

/* Two values as a certificate for apex and wildcard needs them. */
static void add_two(struct value_set *vs)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct spec s = {.credential = 900000,
                         .slot = i,
                         .order = (uint64_t)(4000000 + i) << 16,
                         .network = 1,
                         .text = i == 0 ? "0123456789012345678901234567890123456789012"
                                        : "1123456789012345678901234567890123456789012"};
        struct effect_claim c = claim_of(&s);
        bool changed;

        c.added_s = 1800000000 + 30 * DAY_S;
        c.expires_s = c.added_s + 3 * DAY_S;
        c.door = DOOR_ACMEDNS;
        assert_int_equal(value_set_add(vs, &c, &changed), ERR_OK);
    }
}

static void an_idle_name_takes_64_octets_and_two_values_take_at_most_168_more(void **state)
{
    struct value_set vs = {0};
    struct row_spec spec = spec_with(&vs);
    struct made m = begin();

    (void)state;
    (void)make(&m, &spec);
    assert_int_equal(slab_octets(m.slab), 64);
    add_two(&vs);
    (void)make(&m, &spec);
    assert_in_range(slab_octets(m.slab), 64 + 181, 64 + 64 + 168);
    value_set_fini(&vs);
    end(&m);
}

static void assert_same_values(const struct value_set *a, const struct value_set *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->octets, b->octets);
    for (uint32_t i = 0; i < a->n; i++) {
        assert_int_equal(a->values[i].rdlen, b->values[i].rdlen);
        assert_memory_equal(a->values[i].rdata, b->values[i].rdata, a->values[i].rdlen);
        assert_int_equal(a->values[i].n_claims, b->values[i].n_claims);
        for (uint32_t k = 0; k < a->values[i].n_claims; k++)
            assert_true(a->values[i].claims[k].order == b->values[i].claims[k].order);
    }
}

enum detail { CAPITALS = 1, RETIRED = 2, DOMAINS = 4, SUBTREE = 8, OLD = 16, VALUES = 32, DETAILS = 64 };

static struct row_spec spec_of_details(unsigned details, struct value_set *vs)
{
    static const uint8_t cased[] = "\44F0e1D2c3-aaaa-BBBB-cccc-0123456789AB";
    static const char domains[] = "shop.example.com\0www.example.com\0"
                                  "a";
    struct row_spec spec = spec_with(vs);

    if ((details & CAPITALS) != 0)
        spec.cased = cased;
    if ((details & RETIRED) != 0)
        spec.retired_s = 1800000001;
    if ((details & DOMAINS) != 0) {
        spec.domains = domains;
        spec.domains_len = sizeof domains;
        spec.n_domains = 3;
    }
    spec.subtree = (details & SUBTREE) != 0;
    if ((details & OLD) != 0)
        spec.created_s = -5;
    return spec;
}

/* Every two and more of what a name may have at once. */
static void whatever_a_name_has_comes_back(void **state)
{
    struct value_set none = {0}, two = {0}, got = {0};

    (void)state;
    add_two(&two);
    assert_int_equal(value_set_reserve(&got, 2, 2), ERR_OK);
    for (unsigned details = 0; details < DETAILS; details++) {
        struct value_set *vs = (details & VALUES) != 0 ? &two : &none;
        struct row_spec spec = spec_of_details(details, vs), read;
        struct made m = begin();
        struct node *row;
        const struct name_entry *n;

        spec.expiry_place = (details & VALUES) != 0 ? 12345 : 0;
        row = make(&m, &spec);
        n = entry_of(row);
        assert_int_equal((row_size(row) + 7) / 8 * 8, slab_octets(m.slab));
        row_read(row, &read);
        row_values(row, &got);
        assert_same_values(&got, vs);
        assert_int_equal(read.expiry_place, spec.expiry_place);
        assert_int_equal(name_id(n), 7);
        assert_int_equal(name_account(n), 3);
        assert_int_equal(name_zone(n), 1);
        assert_true(name_created_s(n) == spec.created_s && name_retired_s(n) == spec.retired_s);
        assert_int_equal(name_has_subtree(n), spec.subtree);
        assert_int_equal(name_n_values(n), vs->n);
        assert_int_equal(name_octets(n), vs->octets);
        assert_int_equal(name_n_domains(n), spec.n_domains);
        if (spec.n_domains > 0)
            assert_string_equal(name_domain(n, 1), "www.example.com");
        assert_memory_equal(read.labels, labels, read.labels_len);
        assert_memory_equal(row_cased_labels(row), spec.cased, spec.labels_len);
        assert_int_equal(row_is_single_label(row), true);
        if (spec.expiry_place != 0) {
            row_set_expiry_place(row, UINT32_MAX);
            assert_int_equal(row_expiry_place(row), UINT32_MAX);
        }
        end(&m);
    }
    value_set_fini(&two);
    value_set_fini(&got);
}

static void more_records_than_an_answer_may_have_are_refused(void **state)
{
    struct value_set vs = {0};
    struct row_spec spec = spec_with(&vs);
    struct made m = begin();
    struct node *row = NULL;
    char text[256];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (uint32_t i = 0; vs.octets <= UINT16_MAX; i++) {
        text[0] = (char)('a' + i % 26);
        text[1] = (char)('a' + i / 26);
        text[255] = '\0';
        add(&vs, (struct spec){.credential = 1, .slot = i, .order = i + 1, .network = 1, .text = text});
    }
    assert_int_equal(row_new(&row, m.slab, &m.room, &spec), ERR_RANGE);
    assert_null(row);
    assert_int_equal(slab_octets(m.slab), 0);
    value_set_fini(&vs);
    end(&m);
}

/* ---- in the state ---- */

static void what_was_asked_for_can_be_read_until_the_next_staging(void **state)
{
    struct state *s = small_state();
    const struct name_entry *before = state_name(s, 1);

    (void)state;
    state_set_position(s, 1, 1000);
    assert_int_equal(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "v"), ERR_OK);
    assert_int_equal(name_n_values(before), 0); /* as it was */
    assert_int_equal(name_n_values(state_name(s, 1)), 1);
    state_free(s);
}

/* Each name has one row, in whatever way it came into the table. */
static void a_state_has_no_more_octets_than_its_names(void **state)
{
    struct state *s = small_state();
    struct table_batch *b = NULL;

    (void)state;
    for (uint32_t id = 2; id <= 500; id++) {
        char owner[64];

        (void)snprintf(owner, sizeof owner, "%036u.auth.example.org", id);
        assert_int_equal(fold_name(s, EFFECT_NAME_MADE, name_row(id, 1, 1, owner)), ERR_OK);
    }
    assert_int_equal(state_fill(s), ERR_OK);
    state_set_position(s, 1, 1000);
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t id = 1; id <= 500; id++)
            assert_int_equal(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(id, 1, round, 10 + round),
                                        round == 0   ? "a"
                                        : round == 1 ? "b"
                                                     : "c"),
                             ERR_OK);
        for (uint32_t id = 1; id <= 500; id++)
            assert_int_equal(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(id, 1, round, 10 + round),
                                        round == 0   ? "a"
                                        : round == 1 ? "b"
                                                     : "c"),
                             ERR_OK);
        assert_int_equal(table_batch_new(&b, state_table(s)), ERR_OK);
        assert_int_equal(state_stage(s, b), ERR_OK);
        table_batch_publish(b);
        table_reclaim(state_table(s));
        assert_int_equal(slab_octets(table_slab(state_table(s))), 499 * 64 + 40);
    }
    state_free(s);
}

static void filling_is_the_same_as_staging(void **state)
{
    struct state *filled = small_state();
    struct name apex = name_from("auth.example.org"), a = name_from("A.auth.example.org");
    struct name deep = name_from("x.deep.auth.example.org"), between = name_from("deep.auth.example.org");
    struct name tomb = name_from("tomb.auth.example.org"), alias = name_from("_acme-challenge.example.com");
    struct effect_name retired = name_row(3, 1, 1, "tomb.auth.example.org");
    const struct table *t = state_table(filled);

    (void)state;
    retired.retired_s = 50;
    assert_int_equal(fold_name(filled, EFFECT_NAME_MADE, name_row(2, 1, 1, "x.deep.auth.example.org")), ERR_OK);
    assert_int_equal(fold_name(filled, EFFECT_NAME_MADE, retired), ERR_OK);
    assert_int_equal(fold_alias(filled, EFFECT_ALIAS_MADE,
                                (struct effect_alias){.id = 1, .name = 1, .fqdn = alias, .served = true}),
                     ERR_OK);
    assert_int_equal(state_fill(filled), ERR_OK);
    state_set_position(filled, 1, 1000);
    name_fold(&a);
    assert_non_null(table_find(t, &apex, table_hash(t, &apex)));
    assert_ptr_equal(table_find(t, &a, table_hash(t, &a)), row_of(state_name(filled, 1)));
    assert_non_null(table_find(t, &deep, table_hash(t, &deep)));
    assert_non_null(table_find(t, &between, table_hash(t, &between))); /* an empty non-terminal */
    assert_non_null(table_find(t, &alias, table_hash(t, &alias)));
    assert_null(table_find(t, &tomb, table_hash(t, &tomb)));
    for (uint32_t id = 1; id <= 3; id++) {
        struct name owner;

        name_owner(filled, state_name(filled, id), &owner);
        assert_int_equal(name_id(state_name_by_owner(filled, &owner)), id);
    }
    state_free(filled);
}

static void two_names_of_one_owner_are_found_out(void **state)
{
    struct state *s = small_state();
    struct effect_name twice = name_row(2, 1, 1, "A.auth.example.org");

    (void)state;
    assert_int_equal(state_load_name(s, &twice, NULL, 0), ERR_OK); /* nobody looks yet */
    assert_int_equal(state_fill(s), ERR_CORRUPT);
    state_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_name_takes_64_octets_and_two_values_take_at_most_168_more),
        cmocka_unit_test(whatever_a_name_has_comes_back),
        cmocka_unit_test(more_records_than_an_answer_may_have_are_refused),
        cmocka_unit_test(what_was_asked_for_can_be_read_until_the_next_staging),
        cmocka_unit_test(a_state_has_no_more_octets_than_its_names),
        cmocka_unit_test(filling_is_the_same_as_staging),
        cmocka_unit_test(two_names_of_one_owner_are_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
