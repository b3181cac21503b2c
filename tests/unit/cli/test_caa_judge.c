#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/check_internal.h"
#include "cli/findings.h"

#define SET_MAX 4

struct one {
    uint8_t flags;
    const char *tag, *value;
};

static void make(uint8_t out[300], struct rdata *rdata, const struct one *one)
{
    size_t tag_len = strlen(one->tag), value_len = strlen(one->value);

    out[0] = one->flags;
    out[1] = (uint8_t)tag_len;
    memcpy(out + 2, one->tag, tag_len);
    memcpy(out + 2 + tag_len, one->value, value_len);
    *rdata = (struct rdata){out, (uint16_t)(2 + tag_len + value_len)};
}

static struct caa_judgement judge(const struct one *set, size_t n, const char *ca, enum check_wildcard wildcard)
{
    uint8_t bytes[SET_MAX][300];
    struct rdata rdatas[SET_MAX];
    struct authority_names names;
    struct caa_judgement j;

    assert_int_equal(authority_find(&names, ca), ERR_OK);
    for (size_t i = 0; i < n; i++)
        make(bytes[i], &rdatas[i], &set[i]);
    caa_judge(&j, rdatas, n, &names, wildcard);
    return j;
}

static void a_set_permits_whom_it_names(void **state)
{
    static const struct {
        struct one set[SET_MAX];
        size_t n;
        const char *ca;
        enum caa_verdict plain, wildcard;
    } rows[] = {
        {{{0, "issue", "letsencrypt.org"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "ISSUE", " LetsEncrypt.org "}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "issue", "letsencrypt.org"}}, 1, "zerossl", CAA_FORBIDDEN, CAA_FORBIDDEN},
        {{{0, "issue", "comodoca.com"}}, 1, "zerossl", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "issue", "ca.example.net"}}, 1, "ca.example.net", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "issue", ";"}}, 1, "letsencrypt", CAA_FORBIDDEN, CAA_FORBIDDEN},
        {{{0, "issue", ""}}, 1, "letsencrypt", CAA_FORBIDDEN, CAA_FORBIDDEN},
        {{{0, "issue", "pki.goog"}, {0, "issue", "letsencrypt.org"}},
         2,
         "letsencrypt",
         CAA_PERMITTED,
         CAA_PERMITTED},
        {{{0, "issue", "letsencrypt.org"}, {0, "issuewild", "pki.goog"}},
         2,
         "letsencrypt",
         CAA_PERMITTED,
         CAA_FORBIDDEN},
        {{{0, "issue", ";"}, {0, "issuewild", "letsencrypt.org"}}, 2, "letsencrypt", CAA_FORBIDDEN, CAA_PERMITTED},
        {{{0, "issuewild", ";"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_FORBIDDEN},
        {{{0, "iodef", "mailto:a@b"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "future", "x"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
        {{{128, "future", "x"}, {0, "issue", "letsencrypt.org"}}, 2, "letsencrypt", CAA_CRITICAL, CAA_CRITICAL},
        {{{1, "future", "x"}}, 1, "letsencrypt", CAA_CRITICAL, CAA_CRITICAL},
        {{{128, "issue", "letsencrypt.org"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
        {{{0, "issue", "letsencrypt.org; validationmethods=dns-01"}},
         1,
         "letsencrypt",
         CAA_PERMITTED,
         CAA_PERMITTED},
        {{{0, "issue", "letsencrypt.org;validationmethods=http-01, dns-01 "}},
         1,
         "letsencrypt",
         CAA_PERMITTED,
         CAA_PERMITTED},
        {{{0, "issue", "letsencrypt.org; validationmethods=http-01"}}, 1, "letsencrypt", CAA_METHOD, CAA_METHOD},
        {{{0, "issue", "letsencrypt.org; validationmethods="}}, 1, "letsencrypt", CAA_METHOD, CAA_METHOD},
        {{{0, "issue", "letsencrypt.org; validationmethods=dns-01; validationmethods=dns-01"}},
         1,
         "letsencrypt",
         CAA_BROKEN,
         CAA_BROKEN},
        {{{0, "issue", "letsencrypt.org; accounturi=a; accounturi=a"}}, 1, "letsencrypt", CAA_BROKEN, CAA_BROKEN},
        {{{0, "issue", "letsencrypt.org; what"}}, 1, "letsencrypt", CAA_BROKEN, CAA_BROKEN},
        {{{0, "issue", "letsencrypt.org; policy=ev;"}}, 1, "letsencrypt", CAA_PERMITTED, CAA_PERMITTED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(judge(rows[i].set, rows[i].n, rows[i].ca, CHECK_PLAIN).verdict, rows[i].plain);
        assert_int_equal(judge(rows[i].set, rows[i].n, rows[i].ca, CHECK_WILDCARD).verdict, rows[i].wildcard);
    }
}

static void the_deciding_record_and_its_account_are_told(void **state)
{
    const struct one set[] = {{0, "issue", "pki.goog"}, {0, "issue", "letsencrypt.org; accounturi=https://a/1"}};
    struct caa_judgement j = judge(set, 2, "letsencrypt", CHECK_PLAIN);

    (void)state;
    assert_string_equal(j.record, "0 issue \"letsencrypt.org; accounturi=https://a/1\"");
    assert_string_equal(j.account, "https://a/1");
    j = judge(set, 1, "letsencrypt", CHECK_PLAIN);
    assert_string_equal(j.record, "0 issue \"pki.goog\"");
    assert_string_equal(j.account, "");
}

static void broken_rdata_permits_and_forbids_nothing(void **state)
{
    static const struct rdata broken[] = {{(const uint8_t *)"", 0},
                                          {(const uint8_t *)"\0", 1},
                                          {(const uint8_t *)"\0\0", 2},
                                          {(const uint8_t *)"\0\5iss", 5}};
    struct authority_names names;
    struct caa_judgement j;

    (void)state;
    assert_int_equal(authority_find(&names, "letsencrypt"), ERR_OK);
    caa_judge(&j, broken, ARRAY_LEN(broken), &names, CHECK_PLAIN);
    assert_int_equal(j.verdict, CAA_PERMITTED);
    assert_string_equal(j.record, "");
}

static void authorities_are_found_by_word_and_by_name(void **state)
{
    static const struct {
        const char *text, *first; /* NULL: refused */
    } rows[] = {{"letsencrypt", "letsencrypt.org"},
                {"LE", "letsencrypt.org"},
                {"letsencrypt.org", "letsencrypt.org"},
                {"ZeroSSL", "sectigo.com"},
                {"google", "pki.goog"},
                {"amazonaws.com", "amazon.com"},
                {"ca.example", "ca.example"},
                {"nobody", NULL},
                {"", NULL},
                {"a b.c", NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority_names names;
        enum err e = authority_find(&names, rows[i].text);

        assert_int_equal(e, rows[i].first != NULL ? ERR_OK : ERR_SYNTAX);
        if (rows[i].first != NULL)
            assert_string_equal(names.names[0], rows[i].first);
    }
}

static void findings_keep_what_was_said_and_nothing_that_a_terminal_could_take_for_orders(void **state)
{
    struct findings f;
    json_t *list;

    (void)state;
    findings_init(&f);
    finding_fix(&f, "of nothing"); /* there is none yet */
    finding_ok(&f, "cname", "all is well");
    finding_fail(&f, "caa", "bad \033[2J %s", "\xff\n");
    finding_fix(&f, "mend it");
    finding_fix(&f, "mend %s", "that");
    finding_see(&f, "dig");
    assert_int_equal(f.n, 2);
    assert_int_equal(f.failures, 1);
    assert_string_equal(f.items[1].detail, "bad ?[2J ??");
    assert_string_equal(f.items[1].fix, "mend that");
    list = findings_json(&f);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "level")), "fail");
    assert_null(json_object_get(json_array_get(list, 0), "fix"));
    json_decref(list);
    for (size_t i = 0; i < FINDINGS_MAX + 10; i++)
        finding_fail(&f, "caa", "%zu", i);
    assert_int_equal(f.n, FINDINGS_MAX);
    assert_int_equal(f.failures, FINDINGS_MAX + 11);
    findings_fini(&f);
    assert_int_equal(f.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_permits_whom_it_names),
        cmocka_unit_test(the_deciding_record_and_its_account_are_told),
        cmocka_unit_test(broken_rdata_permits_and_forbids_nothing),
        cmocka_unit_test(authorities_are_found_by_word_and_by_name),
        cmocka_unit_test(findings_keep_what_was_said_and_nothing_that_a_terminal_could_take_for_orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
