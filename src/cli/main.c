/* The one program: reads the options that all commands have in common, finds the one that is meant, and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/config.h"

#define ARGS_MAX 256

/* What the arguments in front of and behind a command say. */
struct common {
    struct cli cli;
    bool help, version;
    char *rest[ARGS_MAX + 1]; /* what is left */
    int n_rest;
};

/* Where the configuration is. An importer's --config is of the program that is left behind. */
static bool is_config_option(const struct common *c, const char *option)
{
    bool has_own = c->n_rest > 0 && strcmp(c->rest[0], "import") == 0;

    return strcmp(option, "-c") == 0 || (strcmp(option, "--config") == 0 && !has_own);
}

/* Take an option that all commands have in common out of argv at *i. False: it is none of them. */
static bool take_common_option(struct common *c, int *i, int argc, char **argv)
{
    const char *a = argv[*i];

    if (is_config_option(c, a) && *i + 1 < argc)
        c->cli.config_path = argv[++*i];
    else if (strncmp(a, "--config=", strlen("--config=")) == 0 && is_config_option(c, "--config"))
        c->cli.config_path = a + strlen("--config=");
    else if (strcmp(a, "--json") == 0)
        c->cli.json = true;
    else if (strcmp(a, "--yes") == 0)
        c->cli.yes = true;
    else if (strcmp(a, "--quiet") == 0)
        c->cli.quiet = true;
    else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
        c->help = true;
    else if (strcmp(a, "--version") == 0)
        c->version = true;
    else
        return false;
    return true;
}

/* They may stand anywhere before a "--", which the command sees too: what follows is no option of its own either.
 * False: the usage was wrong and has been explained. */
static bool take_arguments(struct common *c, int argc, char **argv)
{
    bool only_rest = false;

    for (int i = 1; i < argc; i++) {
        if (!only_rest && take_common_option(c, &i, argc, argv))
            continue;
        if (!only_rest && is_config_option(c, argv[i])) {
            fprintf(stderr, "riposte: %s needs a file\n", argv[i]);
            return false;
        }
        if (!only_rest && strcmp(argv[i], "--") == 0) {
            only_rest = true;
            if (c->n_rest == 0)
                continue;
        }
        if (c->n_rest == ARGS_MAX) {
            fprintf(stderr, "riposte: more than %d arguments\n", ARGS_MAX);
            return false;
        }
        c->rest[c->n_rest++] = argv[i];
    }
    return true;
}

static int explain(struct common *c)
{
    int used = 0;
    const struct command *command = commands_find(c->n_rest, c->rest, &used);

    if (c->n_rest == 0) {
        commands_print_overview(stdout);
    } else if (command != NULL) {
        commands_print_help(stdout, command);
    } else if (commands_print_group(stdout, c->rest[0]) == 0) {
        commands_explain_unknown(stderr, c->n_rest, c->rest);
        return EXIT_STATUS_USAGE;
    }
    return EXIT_STATUS_DONE;
}

int main(int argc, char **argv)
{
    struct common c = {.cli = {.config_path = CONFIG_PATH_DEFAULT}};
    int used = 0;

    if (!take_arguments(&c, argc, argv))
        return EXIT_STATUS_USAGE;
    if (c.version) {
        puts("riposte " RIPOSTE_VERSION);
        return EXIT_STATUS_DONE;
    }
    if (c.n_rest > 0 && strcmp(c.rest[0], "help") == 0) {
        c.help = true;
        memmove(c.rest, c.rest + 1, (size_t)c.n_rest * sizeof(c.rest[0]));
        c.n_rest--;
    }
    if (c.help)
        return explain(&c);
    if (c.n_rest == 0) {
        commands_print_overview(stderr);
        return EXIT_STATUS_USAGE;
    }
    c.cli.command = commands_find(c.n_rest, c.rest, &used);
    if (c.cli.command == NULL) {
        commands_explain_unknown(stderr, c.n_rest, c.rest);
        return EXIT_STATUS_USAGE;
    }
    return c.cli.command->run(&c.cli, c.n_rest - used, c.rest + used);
}
