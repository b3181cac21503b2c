#include "core/account_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crypto.h"
#include "core/account_url.h"

static int setup(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

/* The first is the example of the draft; the others were computed with Python's hashlib and base64. */
static void a_label_is_base32_of_ten_octets_of_the_urls_hash(void **state)
{
    static const struct {
        const char *url, *label, *prefix;
    } rows[] = {
        {"https://example.com/acme/acct/ExampleAccount", "_ujmmovf2vn55tgye", "_ujmmovf2vn55tgye._acme-challenge"},
        {"https://ca.example/acct/123", "_h5zlfqoi7m5jaytl", "_h5zlfqoi7m5jaytl._acme-challenge"},
        {"https://acme-v02.api.letsencrypt.org/acme/acct/1234567890", "_rhuccyogo34zlvsj",
         "_rhuccyogo34zlvsj._acme-challenge"},
        {"https://localhost:14000/my-account/1;a?b=c#d", "_jxm4cgmxv7nqbuvk", "_jxm4cgmxv7nqbuvk._acme-challenge"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct account_label out;
        struct text_fault fault;
        assert_int_equal(account_label_from_url(&out, rows[i].url, strlen(rows[i].url), &fault), ERR_OK);
        assert_string_equal(out.label, rows[i].label);
        assert_string_equal(out.prefix, rows[i].prefix);
        assert_int_equal(strlen(out.label), ACCOUNT_LABEL_LEN);
        assert_int_equal(strlen(out.prefix), ACCOUNT_PREFIX_LEN);
    }
    assert_int_equal(ACCOUNT_PREFIX_LEN + 1 + ACCOUNT_DOMAIN_LEN_MAX, 253);
}

static void every_octet_of_the_url_counts_and_it_needs_no_nul(void **state)
{
    static const char url[] = "https://example.com/acme/acct/ExampleAccountant";
    struct account_label out, other;
    struct text_fault fault;

    (void)state;
    assert_int_equal(account_label_from_url(&out, url, sizeof url - 4, &fault), ERR_OK);
    assert_string_equal(out.label, "_ujmmovf2vn55tgye");
    assert_int_equal(account_label_from_url(&other, "https://example.com/acme/acct/exampleaccount", 44, &fault),
                     ERR_OK);
    assert_string_not_equal(out.label, other.label);
    assert_int_equal(account_label_from_url(&other, "HTTPS://example.com/acme/acct/ExampleAccount", 44, &fault),
                     ERR_OK);
    assert_string_not_equal(out.label, other.label);
}

static void what_is_no_account_url_is_refused_with_the_place(void **state)
{
    static const struct {
        const char *url;
        const char *what;
        size_t offset;
    } rows[] = {
        {"", "nothing", 0},
        {"http://ca.example/acct/1", "no https://", 0},
        {"ca.example/acct/1", "no https://", 0},
        {"https:/ca.example", "no https://", 0},
        {"https:", "no https://", 0},
        {"https://", "no host", 8},
        {"https:///acct/1", "no host", 8},
        {"https://?a", "no host", 8},
        {"https://#a", "no host", 8},
        {"https://ca.example/acct/1 ", "a blank", 25},
        {" https://ca.example/acct/1", "a blank", 0},
        {"https://ca.example/\tacct/1", "a blank", 19},
        {"https://ca.example/acct/1\n", "an octet that is not printable ASCII", 25},
        {"https://ca.example/acct/1\x7f", "an octet that is not printable ASCII", 25},
        {"https://b\xc3\xbc.example/1", "an octet that is not printable ASCII", 9},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct account_label out;
        struct text_fault fault = {0};
        assert_int_equal(account_label_from_url(&out, rows[i].url, strlen(rows[i].url), &fault), ERR_SYNTAX);
        assert_string_equal(fault.part, "account URL");
        assert_string_equal(fault.what, rows[i].what);
        assert_int_equal(fault.offset, rows[i].offset);
        assert_non_null(strstr(fault.accepted, "https://"));
    }
}

static void a_url_has_at_most_1024_octets(void **state)
{
    char url[ACCOUNT_URL_LEN_MAX + 1] = "https://ca.example/";
    struct account_label out;
    struct text_fault fault = {.part = "untouched"};

    (void)state;
    memset(url + 19, 'a', sizeof url - 19);
    assert_int_equal(account_label_from_url(&out, url, ACCOUNT_URL_LEN_MAX, &fault), ERR_OK);
    assert_string_equal(fault.part, "untouched");
    assert_int_equal(account_label_from_url(&out, url, ACCOUNT_URL_LEN_MAX + 1, &fault), ERR_RANGE);
    assert_string_equal(fault.what, "too long");
    assert_int_equal(fault.offset, ACCOUNT_URL_LEN_MAX);
}

static void a_fault_is_told_in_one_line_with_characters_from_one(void **state)
{
    struct account_label out;
    struct text_fault fault;
    char text[TEXT_FAULT_TEXT_MAX];

    (void)state;
    assert_int_equal(account_label_from_url(&out, "http://ca.example/1", 19, &fault), ERR_SYNTAX);
    assert_string_equal(
        text_fault_format(&fault, text),
        "account URL: no https:// at character 1; accepted: the https:// URL that the CA gave to the "
        "account (Location of newAccount), exactly as it is, in at most 1024 printable ASCII "
        "characters without blanks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_base32_of_ten_octets_of_the_urls_hash),
        cmocka_unit_test(every_octet_of_the_url_counts_and_it_needs_no_nul),
        cmocka_unit_test(what_is_no_account_url_is_refused_with_the_place),
        cmocka_unit_test(a_url_has_at_most_1024_octets),
        cmocka_unit_test(a_fault_is_told_in_one_line_with_characters_from_one),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
