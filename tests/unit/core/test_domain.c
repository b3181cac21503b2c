#include "core/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void all_spellings_of_a_domain_become_one(void **state)
{
    static const struct {
        const char *text, *domain;
    } rows[] = {
        {"shop.example.com", "shop.example.com"},
        {"Shop.EXAMPLE.com.", "shop.example.com"},
        {"*.shop.example.com", "shop.example.com"},
        {"*.shop.example.com.", "shop.example.com"},
        {"_acme-challenge.shop.example.com", "shop.example.com"},
        {"_ACME-Challenge.shop.example.com.", "shop.example.com"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"localhost", "localhost"},
        {"1.2", "1.2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[DOMAIN_TEXT_MAX];
        assert_int_equal(domain_normalise(out, rows[i].text, strlen(rows[i].text)), ERR_OK);
        assert_string_equal(out, rows[i].domain);
        assert_int_equal(domain_normalise(out, out, strlen(out)), ERR_OK); /* what is normal stays */
        assert_string_equal(out, rows[i].domain);
    }
}

static void what_no_certificate_is_for_is_a_syntax_error(void **state)
{
    static const char *const rows[] = {
        "",     ".",    "*.",   "*",     "_acme-challenge.",  "a..b", ".a",    "a.*.b", "*.*.a",
        "-a.b", "a-.b", "a.b-", "a b.c", "b\xc3\xbc.example", "a/b",  "a\\.b", "a:b",   "*._acme-challenge..",
        "a..",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[DOMAIN_TEXT_MAX];
        assert_int_equal(domain_normalise(out, rows[i], strlen(rows[i])), ERR_SYNTAX);
    }
}

static void labels_and_domains_have_room_for_the_challenge_label(void **state)
{
    char text[400];
    char out[DOMAIN_TEXT_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(domain_normalise(out, text, 63), ERR_OK);
    assert_int_equal(domain_normalise(out, text, 64), ERR_RANGE);
    for (size_t i = 50; i < sizeof text; i += 50)
        text[i] = '.';
    assert_int_equal(domain_normalise(out, text, DOMAIN_LEN_MAX), ERR_OK);
    assert_int_equal(strlen(out), DOMAIN_LEN_MAX);
    assert_int_equal(domain_normalise(out, text, DOMAIN_LEN_MAX + 1), ERR_RANGE);
    assert_int_equal(domain_normalise(out, text, sizeof text), ERR_RANGE);
}

static void text_needs_no_nul_and_a_nul_is_no_character(void **state)
{
    char out[DOMAIN_TEXT_MAX];

    (void)state;
    assert_int_equal(domain_normalise(out, "a.bcd", 3), ERR_OK);
    assert_string_equal(out, "a.b");
    assert_int_equal(domain_normalise(out, "a\0b", 3), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spellings_of_a_domain_become_one),
        cmocka_unit_test(what_no_certificate_is_for_is_a_syntax_error),
        cmocka_unit_test(labels_and_domains_have_room_for_the_challenge_label),
        cmocka_unit_test(text_needs_no_nul_and_a_nul_is_no_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
