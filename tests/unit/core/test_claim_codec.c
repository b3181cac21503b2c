#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/claim_codec.h"

static void numbers_come_back_and_small_ones_are_short(void **state)
{
    static const struct {
        uint64_t v;
        size_t len;
    } rows[] = {{0, 1},
                {1, 1},
                {127, 1},
                {128, 2},
                {16383, 2},
                {16384, 3},
                {UINT32_MAX, 5},
                {UINT64_C(1) << 62, 9},
                {UINT64_C(1) << 63, 10},
                {UINT64_MAX, VARINT_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[VARINT_MAX];
        uint64_t v = ~rows[i].v;

        assert_int_equal(varint_put(bytes, rows[i].v) - bytes, rows[i].len);
        assert_int_equal(varint_get(bytes, &v) - bytes, rows[i].len);
        assert_true(v == rows[i].v);
    }
}

/* A set of n values with so many claims each. */
static struct value_set make_set(uint32_t n, uint32_t claims_each)
{
    struct value_set vs = {0};

    assert_int_equal(value_set_reserve(&vs, n, n * claims_each), ERR_OK);
    vs.n = n;
    vs.n_claims = n * claims_each;
    for (uint32_t i = 0; i < n; i++)
        vs.values[i] = (struct value){.claims = vs.claims + i * claims_each, .n_claims = claims_each};
    if (vs.n_claims > 0)
        memset(vs.claims, 0, vs.n_claims * sizeof *vs.claims);
    return vs;
}

static void assert_same_claim(const struct claim *a, const struct claim *b)
{
    assert_int_equal(a->credential, b->credential);
    assert_int_equal(a->slot, b->slot);
    assert_true(a->order == b->order);
    assert_true(a->added_s == b->added_s && a->expires_s == b->expires_s);
    assert_memory_equal(&a->network, &b->network, sizeof a->network);
    assert_int_equal(a->door, b->door);
    assert_int_equal(a->pinned, b->pinned);
}

/* Put, get, compare; returns the octets. */
static size_t go_round(struct value_set *vs, int64_t near_s)
{
    size_t room = claims_room(vs);
    uint8_t *bytes = malloc(room + 1);
    struct value_set got = make_set(vs->n, vs->n > 0 ? vs->n_claims / vs->n : 0);
    size_t len;

    assert_non_null(bytes);
    bytes[room] = 0xa5;
    len = (size_t)(claims_put(bytes, vs, near_s) - bytes);
    assert_in_range(len, 0, room);
    assert_int_equal(bytes[room], 0xa5);
    claims_get(bytes, &got, near_s);
    assert_int_equal(got.n_claims, vs->n_claims);
    for (uint32_t i = 0; i < vs->n; i++) {
        assert_int_equal(got.values[i].n_claims, vs->values[i].n_claims);
        for (uint32_t k = 0; k < vs->values[i].n_claims; k++)
            assert_same_claim(&got.values[i].claims[k], &vs->values[i].claims[k]);
    }
    value_set_fini(&got);
    free(bytes);
    return len;
}

static const struct addr addresses[] = {
    {.family = ADDR_NONE},
    {.family = ADDR_LOCAL},
    {.family = ADDR_V4, .b = {192, 0, 2, 7}},
    {.family = ADDR_V4},
    {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}},
    {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}},
    {.family = ADDR_V6},
};

static void every_extreme_of_a_claim_comes_back(void **state)
{
    static const int64_t times[] = {0, 1, -1, 1800000000, INT64_MAX, INT64_MIN};
    static const uint64_t orders[] = {0, 1, UINT16_MAX, UINT64_C(1) << 16, UINT64_C(123456) << 16 | 3, UINT64_MAX};

    (void)state;
    for (size_t t = 0; t < sizeof times / sizeof times[0]; t++) {
        for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
            for (size_t a = 0; a < sizeof addresses / sizeof addresses[0]; a++) {
                struct value_set vs = make_set(2, 1);

                vs.claims[0] = (struct claim){.credential = UINT32_MAX,
                                              .slot = UINT32_MAX,
                                              .order = orders[o],
                                              .added_s = times[t],
                                              .expires_s = times[(t + 1) % 6],
                                              .network = addresses[a],
                                              .door = DOOR_COUNT - 1,
                                              .pinned = true};
                vs.claims[1] = (struct claim){.order = orders[(o + 1) % 6], .added_s = times[(t + 2) % 6]};
                (void)go_round(&vs, times[(t + 3) % 6]);
                value_set_fini(&vs);
            }
        }
    }
}

static void sets_of_every_shape_come_back(void **state)
{
    uint64_t dice = 5;

    (void)state;
    for (uint32_t n = 0; n < 70; n += 7) {
        for (uint32_t each = 1; each < 5; each++) {
            struct value_set vs = make_set(n, each);

            for (uint32_t i = 0; i < vs.n_claims; i++) {
                dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                vs.claims[i] = (struct claim){.credential = (uint32_t)(dice >> 40),
                                              .slot = i,
                                              .order = dice >> 20,
                                              .added_s = (int64_t)(dice >> 33),
                                              .expires_s = (dice & 3) != 0 ? (int64_t)(dice >> 30) : 0,
                                              .network = addresses[(dice >> 35) % 7],
                                              .door = (uint8_t)((dice >> 50) % DOOR_COUNT),
                                              .pinned = (dice & 4) != 0};
            }
            (void)go_round(&vs, 1800000000);
            value_set_fini(&vs);
        }
    }
}

/* What the target of octets a name counts on: a server with a million credentials and some million changes. */
static void an_ordinary_claim_takes_at_most_22_octets_and_the_next_of_its_client_9(void **state)
{
    struct value_set vs = make_set(2, 1);

    (void)state;
    for (uint32_t i = 0; i < 2; i++)
        vs.claims[i] = (struct claim){.credential = 1000000,
                                      .slot = i,
                                      .order = (uint64_t)(5000000 + 100 * i) << 16,
                                      .added_s = 1800000000 + (int64_t)i,
                                      .expires_s = 1800000000 + (int64_t)i + 72 * 3600,
                                      .network = {.family = ADDR_V4, .b = {198, 51, 100, 4}},
                                      .door = DOOR_ACMEDNS};
    assert_in_range(go_round(&vs, 1800000000 - 60 * 86400), 20, 31);
    value_set_fini(&vs);
}

static uint32_t rolled(uint64_t *dice, uint32_t sides)
{
    *dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*dice >> 33) % sides;
}

/* End a claim or add one, of few credentials and values. */
static void change_something(struct value_set *vs, uint64_t *dice, uint64_t order)
{
    static const uint8_t texts[12][2] = {{1, 'a'}, {1, 'b'}, {1, 'c'}, {1, 'd'}, {1, 'e'}, {1, 'f'},
                                         {1, 'g'}, {1, 'h'}, {1, 'i'}, {1, 'j'}, {1, 'k'}, {1, 'l'}};
    struct effect_claim c = {
        .credential = 1 + rolled(dice, 3),
        .order = order << 16 | rolled(dice, 2),
        .added_s = 1000 + (int64_t)(order / 4),
        .expires_s = rolled(dice, 4) > 0 ? 5000 + (int64_t)(order / 4) : 0,
        .network = addresses[rolled(dice, 7)],
        .pinned = rolled(dice, 8) == 0,
        .rdata = {.bytes = texts[rolled(dice, 12)], .len = 2},
    };
    const struct value *v = value_set_find(vs, c.rdata.bytes, c.rdata.len);
    const struct claim *mine = v != NULL ? value_claim_of(v, c.credential) : NULL;
    bool changed;

    c.slot = mine != NULL ? mine->slot : value_set_free_slot(vs);
    if (mine != NULL && rolled(dice, 2) == 0)
        assert_int_equal(value_set_end(vs, c.slot, &changed), ERR_OK);
    else
        assert_int_equal(value_set_add(vs, &c, &changed), ERR_OK);
}

/* Whatever has changed since they were read: what is copied is what would have been made, and it can be copied
 * again. */
static void what_is_kept_is_copied_octet_for_octet(void **state)
{
    struct value_set vs = {0};
    uint8_t *kept = NULL;
    uint64_t dice = 11;

    (void)state;
    for (uint64_t round = 1; round < 3000; round++) {
        for (uint32_t n = rolled(&dice, 4); n > 0; n--)
            change_something(&vs, &dice, 4 * round + n);
        uint8_t *copied = malloc(claims_room(&vs) + 1), *made = malloc(claims_room(&vs) + 1);
        size_t len = (size_t)(claims_put(copied, &vs, 900) - copied);

        vs.kept_claims = NULL;
        assert_int_equal(claims_put(made, &vs, 900) - made, len);
        assert_memory_equal(copied, made, len);
        if (rolled(&dice, 3) == 0) {
            uint32_t pinned = vs.n_pinned;

            claims_get(made, &vs, 900);
            assert_int_equal(vs.n_pinned, pinned);
        }
        vs.kept_claims = made;
        free(kept);
        free(copied);
        kept = made;
    }
    free(kept);
    value_set_fini(&vs);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_and_small_ones_are_short),
        cmocka_unit_test(every_extreme_of_a_claim_comes_back),
        cmocka_unit_test(sets_of_every_shape_come_back),
        cmocka_unit_test(an_ordinary_claim_takes_at_most_22_octets_and_the_next_of_its_client_9),
        cmocka_unit_test(what_is_kept_is_copied_octet_for_octet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
