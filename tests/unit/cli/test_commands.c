#include "cli/commands.h"

#include "base/attr.h"
#include "cli/capture.h"

static const struct command *find(const char *const *argv, int argc, int *used)
{
    return commands_find(argc, (char **)(uintptr_t)argv, used);
}

static void a_command_is_found_by_all_of_its_words(void **state)
{
    static const struct {
        const char *argv[4];
        int argc, used;
        const char *words;
    } rows[] = {
        {{"status"}, 1, 1, "status"},
        {{"name", "create", "--label", "x"}, 4, 2, "name create"},
        {{"check", "config"}, 2, 2, "check config"},
        {{"check", "store", "x"}, 3, 2, "check store"},
        {{"name"}, 1, 0, NULL},
        {{"name", "creat"}, 2, 0, NULL},
        {{"name", "created"}, 2, 0, NULL},
        {{"create", "name"}, 2, 0, NULL},
        {{"stat"}, 1, 0, NULL},
        {{""}, 1, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int used = 99;
        const struct command *c = find(rows[i].argv, rows[i].argc, &used);

        assert_int_equal(used, rows[i].used);
        if (rows[i].words == NULL)
            assert_null(c);
        else
            assert_string_equal(c->words, rows[i].words);
    }
}

static void an_unknown_command_gets_the_nearest_or_the_group(void **state)
{
    static const struct {
        const char *argv[2];
        int argc;
        const char *says;
    } rows[] = {
        {{"statsu"}, 1, "riposte: no command \"statsu\"; did you mean \"status\"?\nriposte --help lists them\n"},
        {{"acount", "list"}, 2, "no command \"acount list\"; did you mean \"account list\"?\n"},
        {{"name", "lits"}, 2, "no command \"name lits\"; did you mean \"name list\"?\n  riposte name list ["},
        {{"credential"}, 1, "  riposte credential rotate CRED"},
        {{"zzzzzzzz"}, 1, "riposte: no command \"zzzzzzzz\"\nriposte --help lists them\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct capture said;

        capture_begin(&said, stdout);
        commands_explain_unknown(stdout, rows[i].argc, (char **)(uintptr_t)rows[i].argv);
        assert_non_null(strstr(capture_end(&said), rows[i].says));
    }
}

static bool is_line_of_command(const char *line)
{
    return strncmp(line, "  ", 2) == 0 && line[2] != ' ';
}

static void the_overview_has_every_command_once(void **state)
{
    struct capture said;
    size_t n = 0, lines = 0;

    (void)state;
    capture_begin(&said, stdout);
    commands_print_overview(stdout);
    (void)capture_end(&said);
    for (; commands_at(n) != NULL; n++) {
        char line[256];
        const char *at;

        (void)snprintf(line, sizeof line, "\n  %-20s %s\n", commands_at(n)->words, commands_at(n)->summary);
        at = strstr(said.text, line);
        assert_non_null(at);
        assert_null(strstr(at + 1, line));
    }
    for (const char *line = said.text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        lines += is_line_of_command(line);
    }
    assert_int_equal(lines, n);
}

static void the_groups_of_the_overview_have_titles(void **state)
{
    static const char *const parts[] = {
        "\n\nSetting up\n  init ", "\n\nAccounts, names and values\n  account list ", "\n\nFinding out\n  check "};
    struct capture said;

    (void)state;
    capture_begin(&said, stdout);
    commands_print_overview(stdout);
    (void)capture_end(&said);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_non_null(strstr(said.text, parts[i]));
}

static void help_begins_with_the_usage(void **state)
{
    const char *const argv[] = {"name", "create"};
    struct capture said;
    int used;

    (void)state;
    capture_begin(&said, stdout);
    commands_print_help(stdout, find(argv, 2, &used));
    (void)capture_end(&said);
    assert_memory_equal(said.text, "usage: riposte name create --account A", 38);
    assert_non_null(strstr(said.text, "\n\nmake a challenge name\n\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_found_by_all_of_its_words),
        cmocka_unit_test(an_unknown_command_gets_the_nearest_or_the_group),
        cmocka_unit_test(the_overview_has_every_command_once),
        cmocka_unit_test(the_groups_of_the_overview_have_titles),
        cmocka_unit_test(help_begins_with_the_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
