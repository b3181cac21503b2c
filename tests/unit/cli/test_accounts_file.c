/* The file of riposte apply: what it becomes, and what is said of what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/accounts_file.h"

#define REPORT_MAX ((size_t)1 << 20)

static void assert_becomes(const char *yaml, const char *json)
{
    struct accounts_file *f;
    struct text report;
    json_t *body;
    char *got;

    text_init(&report, REPORT_MAX);
    assert_int_equal(accounts_file_parse(&f, "f", yaml, strlen(yaml), &report), ERR_OK);
    assert_string_equal(report.bytes, "");
    assert_non_null(f);
    body = accounts_file_body(f);
    got = json_dumps(body, JSON_COMPACT);
    assert_string_equal(got, json);
    free(got);
    json_decref(body);
    accounts_file_free(f);
    text_fini(&report);
}

static void assert_wrong_len(const char *yaml, size_t len, const char *expected)
{
    struct accounts_file *f;
    struct text report;

    text_init(&report, REPORT_MAX);
    assert_int_equal(accounts_file_parse(&f, "f", yaml, len, &report), ERR_OK);
    assert_null(f);
    if (strstr(report.bytes, expected) == NULL)
        print_error("wanted %s\ngot %s", expected, report.bytes);
    assert_non_null(strstr(report.bytes, expected));
    text_fini(&report);
}

static void assert_wrong(const char *yaml, const char *expected)
{
    assert_wrong_len(yaml, strlen(yaml), expected);
}

static void every_key_becomes_its_member_of_the_body(void **state)
{
    (void)state;
    assert_becomes("accounts: []\n", "{\"accounts\":[]}");
    assert_becomes(
        "accounts:\n"
        "  - account: shop-team\n"
        "    note: \"\"\n"
        "    disabled: yes\n"
        "    limits: {names: 50}\n"
        "    names:\n"
        "      - {label: shop, zone: auth.example.org, domains: [a.example.com, \"*.b.example.com\"]}\n"
        "      - {name: x.auth.example.org, subtree: false, domains: []}\n"
        "    credentials:\n"
        "      - label: web1\n"
        "        names: [shop]\n"
        "        actions: [add, remove, read, manage, administer]\n"
        "        kinds: [challenge, pinned]\n"
        "        networks: [\"198.51.100.0/24\", \"2001:db8::/32\"]\n"
        "        expires: 2027-01-31\n"
        "        tsig: true\n",
        "{\"accounts\":[{\"account\":\"shop-team\",\"note\":\"\",\"disabled\":true,\"limits\":{\"names\":50},"
        "\"names\":[{\"label\":\"shop\",\"zone\":\"auth.example.org\",\"domains\":[\"a.example.com\","
        "\"*.b.example.com\"]},{\"name\":\"x.auth.example.org\",\"subtree\":false,\"domains\":[]}],"
        "\"credentials\":[{\"label\":\"web1\",\"names\":[\"shop\"],\"actions\":[\"add\",\"remove\","
        "\"read\",\"manage\",\"administer\"],\"kinds\":[\"challenge\",\"pinned\"],\"networks\":"
        "[\"198.51.100.0/24\",\"2001:db8::/32\"],\"expires\":\"2027-01-31T00:00:00Z\",\"tsig\":true}]}]}");
}

static void texts_stay_texts_whatever_yaml_would_take_them_for(void **state)
{
    static const char *const texts[] = {"12", "no", "true", "1e3", "0x10", "2027-01-31", "~", "null", ".5"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char yaml[128], json[128];
        (void)snprintf(yaml, sizeof yaml, "accounts:\n  - account: %s\n", texts[i]);
        (void)snprintf(json, sizeof json, "{\"accounts\":[{\"account\":\"%s\"}]}", texts[i]);
        assert_becomes(yaml, json);
    }
}

static void what_resets_to_a_default_becomes_null(void **state)
{
    (void)state;
    assert_becomes(
        "accounts: [{account: a, limits: {names: default}, credentials: [{label: w, expires: never}]}]\n",
        "{\"accounts\":[{\"account\":\"a\",\"limits\":{\"names\":null},\"credentials\":[{\"label\":\"w\","
        "\"expires\":null}]}]}");
}

static void times_are_dates_or_rfc_3339_and_never_count_from_now(void **state)
{
    static const struct {
        const char *text;
        const char *as; /* NULL: refused */
    } rows[] = {
        {"2027-01-31", "2027-01-31T00:00:00Z"},
        {"2027-01-31T12:30:00Z", "2027-01-31T12:30:00Z"},
        {"90d", NULL},
        {"2027-02-30", NULL},
        {"2027-1-3", NULL},
        {"2027-01-31T25:00:00Z", NULL},
        {"tomorrow", NULL},
        {"1700000000", NULL},
        {"[2027-01-31]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[192], json[192];
        (void)snprintf(yaml, sizeof yaml, "accounts: [{account: a, credentials: [{label: w, expires: %s}]}]\n",
                       rows[i].text);
        (void)snprintf(
            json, sizeof json,
            "{\"accounts\":[{\"account\":\"a\",\"credentials\":[{\"label\":\"w\",\"expires\":\"%s\"}]}]}",
            rows[i].as != NULL ? rows[i].as : "");
        if (rows[i].as != NULL)
            assert_becomes(yaml, json);
        else
            assert_wrong(yaml, "f:1:59: accounts[0].credentials[0].expires: ");
    }
}

static void errors_have_a_line_a_column_and_a_path(void **state)
{
    static const struct {
        const char *yaml;
        const char *expected;
    } rows[] = {
        {"", "f:1:1: the file is empty; the smallest file is \"accounts: []\"\n"},
        {"accounts\n",
         "f:1:1: keys are wanted here, such as \"accounts:\"; the smallest file is \"accounts: []\"\n"},
        {"- a\n", "f:1:1: keys are wanted here"},
        {"{}\n", "f:1:1: \"accounts\" is missing\n"},
        {"accounts:\n", "f:1:10: accounts: says nothing"},
        {"accounts: x\n", "f:1:11: accounts: a list is wanted here: each element begins with \"- \"\n"},
        {"accounts: [x]\n", "f:1:12: accounts[0]: keys are wanted here, such as \"account:\"\n"},
        {"accounts: [{}]\n", "f:1:12: accounts[0]: \"account\" is missing\n"},
        {"acounts: []\n", "f:1:1: unknown key \"acounts\"; did you mean \"accounts\"?\n"},
        {"accounts: []\naccounts: []\n", "f:2:1: accounts: this key is here a second time\n"},
        {"accounts: [{account: a, limits: 5}]\n", "f:1:33: accounts[0].limits: keys are wanted here"},
        {"accounts: [{account: a, limits: {names: 0}}]\n", "\"0\" is not a number from 1 on, or default\n"},
        {"accounts: [{account: a, limits: {names: 4294967296}}]\n", "is not a number from 1 on"},
        {"accounts: [{account: a, disabled: 1}]\n", "f:1:35: accounts[0].disabled: \"1\" is not yes or no\n"},
        {"accounts: [{account: [a]}]\n", "accounts[0].account: a text is wanted here, not a list\n"},
        {"accounts: [{account: {a: b}}]\n", "accounts[0].account: a text is wanted here, not a mapping\n"},
        {"accounts: [{account: a, names: [{domains: [a, ]}, {domains: [[b]]}]}]\n",
         "accounts[0].names[1].domains[0]: a text is wanted here, not a list\n"},
        {"accounts:\n  - account: a\n    names:\n      - domains:\n          -\n",
         "f:5:12: accounts[0].names[0].domains[0]: says nothing\n"},
        {"accounts: [{account: a, credentials: [{label: w, kinds: [all]}]}]\n",
         "accounts[0].credentials[0].kinds[0]: \"all\" is not one of challenge, pinned\n"},
        {"accounts: [{account: a, credentials: [{label: w, networks: [192.0.2.1]}]}]\n",
         "accounts[0].credentials[0].networks[0]: \"192.0.2.1\" is not a network"},
        {"accounts: [{account: \"a\\0b\"}]\n", "f:1:22: accounts[0].account: a NUL cannot be in it\n"},
        {"accounts: &x []\n", "anchors (&name) are not used"},
        {"accounts: *x\n", "aliases (*name) are not used"},
        {"accounts: !x []\n", "tags (!name) are not used"},
        {"accounts: [[[[[[[[[[[[[[]]]]]]]]]]]]]]\n", "nested deeper than 12 levels\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_wrong(rows[i].yaml, rows[i].expected);
}

static void a_file_over_a_mebibyte_is_refused(void **state)
{
    size_t len = ACCOUNTS_FILE_MAX + 1;
    char *bytes = malloc(len);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '#', len);
    assert_wrong_len(bytes, len, "f: the file is larger than 1048576 octets\n");
    free(bytes);
}

static void a_path_of_the_server_is_found_in_the_file(void **state)
{
    static const char yaml[] = "# shop\n"
                               "accounts:\n"
                               "  - account: a\n"
                               "    names:\n"
                               "      - label: one\n"
                               "      - label: two\n"
                               "        domains: [x]\n";
    static const struct {
        const char *detail;
        const char *place; /* NULL: none */
    } rows[] = {
        {"accounts: too many", "f.yaml:3:3"},
        {"accounts[0]: no", "f.yaml:3:5"},
        {"accounts[0].account: no", "f.yaml:3:14"},
        {"accounts[0].names[1]: two is not free: x", "f.yaml:6:9"},
        {"accounts[0].names[1].domains: no", "f.yaml:7:18"},
        {"accounts[0].names[1].zone: no", "f.yaml:6:9"}, /* the nearest that is there */
        {"accounts[7].names: no", "f.yaml:3:3"},
        {"accounts were changed", NULL},
        {"the plan has become another: x", NULL},
        {"accounts[", NULL},
        {"", NULL},
    };
    struct accounts_file *f;
    struct text report;

    (void)state;
    text_init(&report, REPORT_MAX);
    assert_int_equal(accounts_file_parse(&f, "f.yaml", yaml, sizeof yaml - 1, &report), ERR_OK);
    assert_non_null(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char place[ACCOUNTS_PLACE_MAX];
        assert_int_equal(accounts_file_place(f, rows[i].detail, place), rows[i].place != NULL);
        if (rows[i].place != NULL)
            assert_string_equal(place, rows[i].place);
    }
    accounts_file_free(f);
    text_fini(&report);
}

static void loading_says_what_the_system_says(void **state)
{
    char path[] = "/tmp/riposte-accounts-XXXXXX";
    int fd = mkstemp(path);
    struct accounts_file *f;
    struct text report;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "accounts: []\n", 13), 13);
    (void)close(fd);
    text_init(&report, REPORT_MAX);
    assert_int_equal(accounts_file_load(&f, path, &report), ERR_OK);
    assert_non_null(f);
    accounts_file_free(f);
    (void)unlink(path);
    assert_int_equal(accounts_file_load(&f, path, &report), ERR_IO);
    assert_null(f);
    assert_non_null(strstr(report.bytes, ": No such file or directory\n"));
    text_fini(&report);
    text_init(&report, REPORT_MAX);
    assert_int_equal(accounts_file_load(&f, "/dev/zero", &report), ERR_IO); /* bounded */
    assert_non_null(strstr(report.bytes, "larger than 1048576 octets"));
    text_fini(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_becomes_its_member_of_the_body),
        cmocka_unit_test(texts_stay_texts_whatever_yaml_would_take_them_for),
        cmocka_unit_test(what_resets_to_a_default_becomes_null),
        cmocka_unit_test(times_are_dates_or_rfc_3339_and_never_count_from_now),
        cmocka_unit_test(errors_have_a_line_a_column_and_a_path),
        cmocka_unit_test(a_file_over_a_mebibyte_is_refused),
        cmocka_unit_test(a_path_of_the_server_is_found_in_the_file),
        cmocka_unit_test(loading_says_what_the_system_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
