/* What YAML itself refuses, and the environment in values. */
#include "cli/config_fixture.h"

/* ---- YAML itself ---- */

static void yaml_errors_have_a_place_and_a_hint(void **state)
{
    static const struct {
        const char *yaml;
        const char *expected; /* a part of the report */
    } rows[] = {
        {"dns:\n  listen: [::1]:53\n",
         "f:2:12: YAML: did not find expected node content; addresses are always quoted"},
        {"dns:\n  listen:\n    - [::1]:53\n",
         "f:3:8: YAML: did not find expected node content; addresses are always"},
        {"dns:\n  listen: [\"x\", [2001:db8::1]:53]\n", "f:2:17: a list stands where a key is wanted; is a quote "
                                                        "missing? Addresses are always quoted: \"[::1]:53\"\n"},
        {"a: [::1/128]\n", "f:1:5: YAML: did not find expected node content; addresses are always quoted"},
        {"dns:\n\tworkers: 1\n", "f:2:1: YAML: found character that cannot start any token; YAML is indented with"},
        {"r:\n  - @ 300 IN A 192.0.2.1\n", "f:2:5: YAML: found character that cannot start any token; a text that"},
        {"a: b: c\n",
         "f:1:5: YAML: mapping values are not allowed in this context; a text with \": \" in it is quoted"},
        {"a: \"open\nb: c\n", "f:1:4: YAML: this quote is never closed\n"},
        {"o: {a: ${X}}\n", "f:1:9: YAML: did not find expected ',' or '}'; quote it: \"${NAME}\"\n"},
        {"a: \"x\xff\"\n", "f:1:6: YAML: invalid leading UTF-8 octet\n"},
        {"", "f:1:1: the file is empty; the smallest file has zones with one origin, contact and name server\n"},
        {"# nothing\n", "f:1:1: the file is empty"},
        {"- a\n", "f:1:1: keys are wanted here, such as \"zones:\""},
        {"a: &x 1\n", "f:1:4: anchors (&name) are not used in this file"},
        {"a: &x [b]\n", "f:1:4: anchors (&name) are not used in this file"},
        {"a: 1\nb: *x\n", "f:2:4: aliases (*name) are not used in this file"},
        {"a: !!str 1\n", "f:1:4: tags (!name) are not used in this file"},
        {"trace: 1\n---\ntrace: 2\n", "f:2:1: a second document begins here (---); there is one only\n"},
        {"a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "f:1:15: nested deeper than 12 levels\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned n;
        char *report = report_of(rows[i].yaml, strlen(rows[i].yaml), &n);

        if (strstr(report, rows[i].expected) == NULL)
            print_error("wanted %s\ngot %s", rows[i].expected, report);
        assert_non_null(strstr(report, rows[i].expected));
        assert_true(n >= 1);
        free(report);
    }
}

static void a_billion_laughs_stay_small(void **state)
{
    unsigned n;
    char *report = report_of("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 40, &n);

    (void)state;
    assert_non_null(strstr(report, "f:2:8: aliases (*name)"));
    free(report);
}

static void a_file_over_a_mebibyte_is_refused(void **state)
{
    char *big = malloc(CONFIG_FILE_MAX + 1);
    unsigned n;
    char *report;

    (void)state;
    assert_non_null(big);
    memset(big, '#', CONFIG_FILE_MAX + 1);
    report = report_of(big, CONFIG_FILE_MAX + 1, &n);
    assert_string_equal(report, "f: the file is larger than 1048576 octets\n");
    free(report);
    report = report_of(big, CONFIG_FILE_MAX, &n);
    assert_non_null(strstr(report, "the file is empty"));
    free(report);
    free(big);
}

static void very_many_errors_are_counted_and_the_first_shown(void **state)
{
    struct text yaml;
    unsigned n;
    char *report;

    (void)state;
    text_init(&yaml, CONFIG_FILE_MAX);
    text_put(&yaml, ZONE);
    for (int i = 0; i < 2000; i++)
        text_printf(&yaml, "unknown%d: 1\n", i);
    assert_int_equal(yaml.err, ERR_OK);
    report = report_of(yaml.bytes, yaml.len, &n);
    assert_int_equal(n, 2000);
    assert_non_null(strstr(report, "f: and 1500 more\n"));
    free(report);
    text_fini(&yaml);
}

/* ---- environment ---- */

static void variables_are_replaced(void **state)
{
    struct config *c;

    (void)state;
    (void)setenv("RT_ZONE", "auth.example.org", 1);
    (void)setenv("RT_EMPTY", "", 1);
    (void)setenv("RT_PATH", "/srv/\xc3\xa9t\xc3\xa9/\"x\\y: #z", 1);
    (void)unsetenv("RT_NOT");
    c = load("zones:\n"
             "  - origin: ${RT_ZONE}\n"
             "    contact: hostmaster@example.org\n"
             "    name-servers: [{name: \"ns1.${RT_ZONE}\", addresses: [\"${RT_NOT:-192.0.2.1}\"]}]\n"
             "user: ${RT_EMPTY}\n"
             "dns: {identity: \"$$${RT_EMPTY:-a}$$b\"}\n"
             "store: {path: \"${RT_PATH}\"}\n");
    assert_string_equal(c->user, "");
    assert_string_equal(c->dns.identity, "$a$b");
    assert_string_equal(c->store_path, "/srv/\xc3\xa9t\xc3\xa9/\"x\\y: #z");
    assert_int_equal(c->settings.zones[0].n_records, 2);
    config_free(c);
}

static void variables_that_cannot_be_replaced_are_errors(void **state)
{
    static const struct {
        const char *value;
        const char *expected;
    } rows[] = {
        {"${RT_NOT}", "f:5:7: user: ${RT_NOT} is not set; set it in the environment, or write ${RT_NOT:-text}\n"},
        {"a$b", "f:5:7: user: a dollar is written $$, and a variable ${NAME}\n"},
        {"a$", "f:5:7: user: a dollar is written $$, and a variable ${NAME}\n"},
        {"${RT_NOT", "f:5:7: user: the ${ has no }\n"},
        {"${}", "f:5:7: user: \"\" between ${ and }: only ${NAME} and ${NAME:-text} are known\n"},
        {"${A-b}", "f:5:7: user: \"A-b\" between ${ and }: only ${NAME} and ${NAME:-text} are known\n"},
        {"${RT_BAD}", "f:5:7: user: ${RT_BAD} is not UTF-8 text\n"},
    };

    (void)state;
    (void)unsetenv("RT_NOT");
    (void)setenv("RT_BAD", "\xff", 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[1024];

        (void)snprintf(yaml, sizeof(yaml), "%suser: \"%s\"\n", ZONE, rows[i].value);
        assert_report(yaml, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_errors_have_a_place_and_a_hint),
        cmocka_unit_test(a_billion_laughs_stay_small),
        cmocka_unit_test(a_file_over_a_mebibyte_is_refused),
        cmocka_unit_test(very_many_errors_are_counted_and_the_first_shown),
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(variables_that_cannot_be_replaced_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
