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

static void the_overview_has_every_command_and_each_explains_itself(void **state)
{
    static const char *const some[] = {"serve", "init", "check store", "backup", "reload", "token revoke", "trace"};
    struct capture said;

    (void)state;
    capture_begin(&said, stdout);
    commands_print_overview(stdout);
    (void)capture_end(&said);
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        assert_non_null(strstr(said.text, some[i]));
    for (const char *line = strstr(said.text, "\n  "); line != NULL && line[3] != ' ';
         line = strstr(line + 1, "\n  ")) {
        char words[64];
        char *argv[2] = {words, NULL};
        char *blank;
        int used;

        if (strncmp(line + 3, "riposte", 7) == 0)
            break; /* the notes at the end */
        (void)snprintf(words, sizeof(words), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        *strstr(words, "  ") = '\0';
        blank = strchr(words, ' ');
        if (blank != NULL) {
            *blank = '\0';
            argv[1] = blank + 1;
        }
        assert_non_null(commands_find(blank != NULL ? 2 : 1, argv, &used));
    }
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
        cmocka_unit_test(the_overview_has_every_command_and_each_explains_itself),
        cmocka_unit_test(help_begins_with_the_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
