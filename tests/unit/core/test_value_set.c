#include "core/value_rows.h"

#include <stdlib.h>

/* ---- folding ---- */

static void adding_a_new_value_changes_the_set_and_counts_its_octets(void **state)
{
    struct value_set vs = {0};

    (void)state;
    assert_true(add(&vs, (struct spec){1, 0, 10, 1, false, "a"}));
    assert_true(add(&vs, (struct spec){1, 1, 11, 1, false, "bb"}));
    assert_int_equal(vs.octets, (12 + 2) + (12 + 3));
    assert_texts(&vs, "a bb");
    value_set_fini(&vs);
    assert_int_equal(vs.n, 0);
    assert_int_equal(vs.octets, 0);
}

static void a_second_credential_adds_a_claim_and_no_value(void **state)
{
    struct value_set vs = {0};

    (void)state;
    add(&vs, (struct spec){1, 0, 10, 1, false, "a"});
    assert_false(add(&vs, (struct spec){2, 1, 11, 2, false, "a"}));
    assert_int_equal(vs.n, 1);
    assert_int_equal(vs.values[0].n_claims, 2);
    assert_int_equal(value_claim_of(&vs.values[0], 2)->slot, 1);
    assert_null(value_claim_of(&vs.values[0], 3));
    assert_int_equal(value_newest_claim(&vs.values[0])->credential, 2);
    value_set_fini(&vs);
}

static void renewing_makes_a_value_the_newest_and_changes_nothing_else(void **state)
{
    struct value_set vs = {0};
    struct value *on = NULL;

    (void)state;
    add(&vs, (struct spec){1, 0, 10, 1, false, "a"});
    add(&vs, (struct spec){1, 1, 11, 1, false, "b"});
    add(&vs, (struct spec){1, 2, 12, 1, false, "c"});
    assert_false(add(&vs, (struct spec){1, 0, 13, 9, true, "a"}));
    assert_texts(&vs, "b c a");
    assert_int_equal(value_set_claim(&vs, 0, &on)->order, 13);
    assert_int_equal(value_set_claim(&vs, 0, NULL)->network.b[3], 9);
    assert_true(value_is_pinned(on));
    value_set_fini(&vs);
}

static void claims_loaded_out_of_order_end_up_in_order(void **state)
{
    struct value_set vs = {0};

    (void)state;
    add(&vs, (struct spec){1, 0, 30, 1, false, "a"});
    add(&vs, (struct spec){1, 1, 10, 1, false, "b"});
    add(&vs, (struct spec){2, 2, 20, 1, false, "b"});
    add(&vs, (struct spec){3, 3, 5, 1, false, "a"});
    assert_texts(&vs, "b a");
    assert_int_equal(value_newest_claim(&vs.values[1])->order, 30);
    value_set_fini(&vs);
}

static void a_value_without_its_newest_claim_is_as_old_as_the_next(void **state)
{
    struct value_set vs = {0};
    bool changed = true;

    (void)state;
    add(&vs, (struct spec){1, 0, 10, 1, false, "a"});
    add(&vs, (struct spec){1, 1, 11, 1, false, "b"});
    add(&vs, (struct spec){2, 2, 12, 1, false, "a"});
    assert_texts(&vs, "b a");
    assert_int_equal(value_set_end(&vs, 2, &changed), ERR_OK);
    assert_false(changed);
    assert_texts(&vs, "a b");
    value_set_fini(&vs);
}

static void a_value_goes_with_its_last_claim(void **state)
{
    struct value_set vs = {0};
    bool changed = false;

    (void)state;
    add(&vs, (struct spec){1, 0, 10, 1, false, "a"});
    add(&vs, (struct spec){1, 1, 11, 1, false, "b"});
    assert_int_equal(value_set_end(&vs, 0, &changed), ERR_OK);
    assert_true(changed);
    assert_texts(&vs, "b");
    assert_null(find(&vs, "a"));
    assert_int_equal(vs.octets, 14);
    assert_int_equal(value_set_end(&vs, 1, &changed), ERR_OK);
    assert_int_equal(vs.octets, 0);
    assert_int_equal(vs.n, 0);
    assert_int_equal(vs.n_claims, 0);
    value_set_fini(&vs);
}

static void what_does_not_fit_the_set_is_corrupt_and_leaves_it(void **state)
{
    static const struct spec rows[] = {
        {1, 0, 20, 1, false, "b"}, /* the slot is of a claim on another value */
        {2, 0, 20, 1, false, "a"}, /* … of another credential */
        {1, 7, 20, 1, false, "a"}, /* the credential has its claim in another slot */
    };
    uint8_t cut[] = {3, 'a', 'b'};
    struct effect_claim odd = {.slot = 9, .rdata = {.bytes = cut, .len = sizeof cut}};
    struct effect_claim empty = {.slot = 9, .rdata = {.bytes = cut, .len = 0}};
    struct value_set vs = {0};
    bool changed;

    (void)state;
    add(&vs, (struct spec){1, 0, 10, 1, false, "a"});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(try_add(&vs, rows[i], &changed), ERR_CORRUPT);
    assert_int_equal(value_set_add(&vs, &odd, &changed), ERR_CORRUPT);
    assert_int_equal(value_set_add(&vs, &empty, &changed), ERR_CORRUPT);
    assert_int_equal(value_set_end(&vs, 1, &changed), ERR_CORRUPT);
    assert_texts(&vs, "a");
    assert_int_equal(vs.values[0].claims[0].order, 10);
    value_set_fini(&vs);
}

static void the_free_slot_is_the_smallest_one(void **state)
{
    struct value_set vs = {0};
    bool changed;

    (void)state;
    assert_int_equal(value_set_free_slot(&vs), 0);
    for (uint32_t i = 0; i < 130; i++) {
        assert_int_equal(value_set_free_slot(&vs), i);
        add(&vs, (struct spec){i, i, i, 1, false, "a"});
    }
    assert_int_equal(value_set_end(&vs, 127, &changed), ERR_OK);
    assert_int_equal(value_set_end(&vs, 3, &changed), ERR_OK);
    assert_int_equal(value_set_free_slot(&vs), 3);
    add(&vs, (struct spec){3, 3, 200, 1, false, "a"});
    assert_int_equal(value_set_free_slot(&vs), 127);
    value_set_fini(&vs);
}

/* ---- text ---- */

static void text_goes_into_strings_of_255_octets_and_back(void **state)
{
    static const struct {
        size_t len, rdlen;
    } rows[] = {{0, 1}, {1, 2}, {43, 44}, {255, 256}, {256, 258}, {510, 512}, {511, 514}, {4000, 4016}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = rows[i].len;
        char *text = malloc(len + 1);
        uint8_t *rdata = malloc(len + len / 255 + 1);
        char *back = malloc(rows[i].rdlen);

        for (size_t k = 0; k < len; k++)
            text[k] = (char)('a' + k % 26);
        assert_int_equal(value_encode_text(rdata, text, len), rows[i].rdlen);
        assert_true(value_rdata_is_valid(rdata, rows[i].rdlen));
        assert_int_equal(value_decode_text(back, rdata, rows[i].rdlen), len);
        assert_memory_equal(back, text, len);
        free(text);
        free(rdata);
        free(back);
    }
}

static void rdata_must_be_whole_character_strings(void **state)
{
    static const struct {
        uint8_t rdata[4];
        size_t len;
        bool valid;
    } rows[] = {
        {{0}, 0, false},        {{0}, 1, true},       {{1, 'a'}, 2, true},
        {{1, 'a', 0}, 3, true}, {{2, 'a'}, 2, false}, {{1, 'a', 1}, 3, false},
    };
    char out[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(value_rdata_is_valid(rows[i].rdata, rows[i].len), rows[i].valid);
        assert_true(value_decode_text(out, rows[i].rdata, rows[i].len) <= rows[i].len);
    }
}

static void a_challenge_value_is_43_base64url_characters(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", true},
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEu-_", true},
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX", false},
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX00", false},
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX=", false},
        {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEu+0", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(value_is_challenge(rows[i].text, strlen(rows[i].text)), rows[i].is);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_a_new_value_changes_the_set_and_counts_its_octets),
        cmocka_unit_test(a_second_credential_adds_a_claim_and_no_value),
        cmocka_unit_test(renewing_makes_a_value_the_newest_and_changes_nothing_else),
        cmocka_unit_test(claims_loaded_out_of_order_end_up_in_order),
        cmocka_unit_test(a_value_without_its_newest_claim_is_as_old_as_the_next),
        cmocka_unit_test(a_value_goes_with_its_last_claim),
        cmocka_unit_test(what_does_not_fit_the_set_is_corrupt_and_leaves_it),
        cmocka_unit_test(the_free_slot_is_the_smallest_one),
        cmocka_unit_test(text_goes_into_strings_of_255_octets_and_back),
        cmocka_unit_test(rdata_must_be_whole_character_strings),
        cmocka_unit_test(a_challenge_value_is_43_base64url_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
