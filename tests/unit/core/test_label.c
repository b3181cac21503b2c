#include "base/crypto.h"
#include "core/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/effect.h"

static const char *spaced(size_t len)
{
    static const char many[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 65 */

    return many + sizeof many - 1 - len;
}

static void labels_are_one_to_four_and_become_lower_case(void **state)
{
    const struct {
        const char *text, *out;
        enum err err;
    } rows[] = {
        {"Shop-1_x", "shop-1_x", ERR_OK}, {"A.b.C.d", "a.b.c.d", ERR_OK}, {spaced(63), spaced(63), ERR_OK},
        {spaced(64), "", ERR_RANGE},      {"a.b.c.d.e", "", ERR_RANGE},   {"", "", ERR_SYNTAX},
        {".a", "", ERR_SYNTAX},           {"a.", "", ERR_SYNTAX},         {"a..b", "", ERR_SYNTAX},
        {"a*", "", ERR_SYNTAX},           {"a b", "", ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[LABELS_TEXT_MAX];
        assert_int_equal(label_parse(out, rows[i].text, strlen(rows[i].text)), rows[i].err);
        if (rows[i].err == ERR_OK)
            assert_string_equal(out, rows[i].out);
    }
}

static void four_long_labels_fit_and_no_more(void **state)
{
    char text[300];
    char out[LABELS_TEXT_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 63; i < sizeof text; i += 64)
        text[i] = '.';
    assert_int_equal(label_parse(out, text, 255), ERR_OK);
    assert_int_equal(strlen(out), 255);
    assert_int_equal(label_parse(out, text, 256), ERR_RANGE);
    assert_int_equal(label_parse(out, text, sizeof text), ERR_RANGE);
}

static void patterns_are_labels_with_asterisks_and_question_marks(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"", true},
        {"*", true},
        {"shop-*", true},
        {"shop-??", true},
        {"*.shop", true},
        {"*.*.*.*", true},
        {"web1", true},
        {"*******", true},   /* 56 characters */
        {"********", false}, /* 64 */
        {"*.*.*.*.*", false},
        {"a%", false},
        {"a..b", false},
        {".", false},
        {"********************************.*", false},
    };
    char long_one[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(label_is_pattern(rows[i].text, strlen(rows[i].text)), rows[i].is);
    memset(long_one, 'a', sizeof long_one);
    assert_false(label_is_pattern(long_one, sizeof long_one));
}

/* 0, 1, 2, … 255 and again, each call beginning at another number. */
static enum err counting(void *out, size_t len)
{
    static uint8_t next;

    next++;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = next++;
    return ERR_OK;
}

static enum err failing(void *out, size_t len)
{
    memset(out, 0, len);
    return ERR_CRYPTO;
}

static void generated_labels_use_all_characters_and_only_clear_ones(void **state)
{
    char seen[256] = {0};
    size_t different = 0;
    char out[LABEL_GENERATED_LEN + 1];

    (void)state;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(label_generate(out, counting), ERR_OK);
        assert_int_equal(strlen(out), LABEL_GENERATED_LEN);
        for (size_t k = 0; k < LABEL_GENERATED_LEN; k++)
            seen[(uint8_t)out[k]] = 1;
    }
    for (size_t i = 0; i < sizeof seen; i++)
        different += (size_t)seen[i];
    assert_int_equal(different, 31);
    for (const char *p = "01ilo"; *p != '\0'; p++)
        assert_int_equal(seen[(uint8_t)*p], 0);
}

static void a_generated_account_name_is_one(void **state)
{
    char out[ACCOUNT_GENERATED_LEN + 1];

    (void)state;
    assert_int_equal(label_generate_account(out, counting), ERR_OK);
    assert_int_equal(strlen(out), ACCOUNT_GENERATED_LEN);
    assert_true(label_is_account_name(out, strlen(out)));
}

static void without_randomness_there_is_no_label(void **state)
{
    char out[ACCOUNT_GENERATED_LEN + 1];

    (void)state;
    assert_int_equal(label_generate(out, failing), ERR_CRYPTO);
    assert_int_equal(label_generate_account(out, failing), ERR_CRYPTO);
}

static void words_of_people_are_checked(void **state)
{
    const struct {
        const char *text;
        bool account, credential;
    } rows[] = {
        {"web1", true, true},
        {"Web1", false, true},
        {"-a", false, true},
        {"_a", false, true},
        {"a.b-c_d", true, true},
        {"", false, false},
        {"a b", false, false},
        {"a/b", false, false},
        {spaced(63), true, true},
        {spaced(64), false, false},
        {"1b9c0000-0000-4000-8000-000000000001", true, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(label_is_account_name(rows[i].text, strlen(rows[i].text)), rows[i].account);
        assert_int_equal(label_is_credential_label(rows[i].text, strlen(rows[i].text)), rows[i].credential);
    }
}

static enum err no_random(void *out, size_t len)
{
    (void)out;
    (void)len;
    return ERR_CRYPTO;
}

static void labels_are_generated_like_a_pattern(void **state)
{
    static const struct {
        const char *pattern;
        const char *shape; /* '#': a generated character */
    } rows[] = {
        {"Web1", "web1"},
        {"web-?", "web-#"},
        {"web-*", "web-########"},
        {"?*.Team", "#########.team"},
        {"*x*", "########x########"},
    };
    char out[LABELS_TEXT_MAX], again[LABELS_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(label_generate_like(out, rows[i].pattern, crypto_random), ERR_OK);
        assert_int_equal(strlen(out), strlen(rows[i].shape));
        for (size_t k = 0; out[k] != '\0'; k++) {
            if (rows[i].shape[k] == '#')
                assert_non_null(strchr("abcdefghjkmnpqrstuvwxyz23456789", out[k]));
            else
                assert_int_equal(out[k], rows[i].shape[k]);
        }
        assert_int_equal(label_parse(again, out, strlen(out)), ERR_OK);
    }
    assert_int_equal(label_generate_like(out, "a*", crypto_random), ERR_OK);
    assert_int_equal(label_generate_like(again, "a*", crypto_random), ERR_OK);
    assert_string_not_equal(out, again);
    assert_int_equal(label_generate_like(out, "", crypto_random), ERR_SYNTAX);
    assert_int_equal(label_generate_like(out, "a..b", crypto_random), ERR_SYNTAX);
    assert_int_equal(label_generate_like(out, "a*", no_random), ERR_CRYPTO);
    assert_int_equal(label_generate_like(out, "web1", no_random), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_one_to_four_and_become_lower_case),
        cmocka_unit_test(four_long_labels_fit_and_no_more),
        cmocka_unit_test(patterns_are_labels_with_asterisks_and_question_marks),
        cmocka_unit_test(labels_are_generated_like_a_pattern),
        cmocka_unit_test(generated_labels_use_all_characters_and_only_clear_ones),
        cmocka_unit_test(a_generated_account_name_is_one),
        cmocka_unit_test(without_randomness_there_is_no_label),
        cmocka_unit_test(words_of_people_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
