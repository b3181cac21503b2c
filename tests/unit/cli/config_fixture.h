/* Loading configurations from texts, for the tests of src/cli/config*.c. Each test program includes it once. */
#ifndef TEST_CLI_CONFIG_FIXTURE_H
#define TEST_CLI_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_impl.h"

#define REPORT_MAX ((size_t)1 << 20)

/* Four lines that files here begin with; what a case is about begins in line 5. */
#define ZONE                                                                                                       \
    "zones:\n"                                                                                                     \
    "  - origin: auth.example.org\n"                                                                               \
    "    contact: hostmaster@example.org\n"                                                                        \
    "    name-servers: [{name: ns1.example.net}]\n"

/* A configuration that must be accepted. */
static inline struct config *load(const char *yaml)
{
    struct config *c = NULL;
    struct text report;
    unsigned n = 0;
    enum err e;

    text_init(&report, REPORT_MAX);
    e = config_parse(&c, "f", yaml, strlen(yaml), &report, &n);
    if (e != ERR_OK)
        print_error("%s", report.bytes);
    assert_int_equal(e, ERR_OK);
    assert_string_equal(report.bytes, "");
    assert_int_equal(n, 0);
    text_fini(&report);
    return c;
}

/* The report of a file that must not be accepted; caller frees. */
static inline char *report_of(const char *yaml, size_t len, unsigned *n)
{
    struct config *c = NULL;
    struct text report;
    char *text;

    text_init(&report, REPORT_MAX);
    assert_int_equal(config_parse(&c, "f", yaml, len, &report, n), ERR_SYNTAX);
    assert_null(c);
    text = text_give(&report);
    assert_non_null(text);
    return text;
}

/* Exactly these errors, and as many as are counted. */
static inline void assert_report(const char *yaml, const char *expected)
{
    unsigned n = 0, lines = 0;
    char *report = report_of(yaml, strlen(yaml), &n);

    if (strcmp(report, expected) != 0)
        print_error("for:\n%swanted:\n%sgot:\n%s", yaml, expected, report);
    assert_string_equal(report, expected);
    for (const char *p = report; *p != '\0'; p++)
        lines += *p == '\n' && p[1] != ' ';
    assert_int_equal(n, lines);
    free(report);
}

#endif
