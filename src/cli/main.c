/* The one program: reads the options that all commands have in common, finds the one that is meant, and runs it. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "cli/commands.h"
#include "cli/config.h"

#define ARGS_MAX 512 /* dehydrated hands three to its hook for each of up to 100 domains */

/* What the arguments in front of and behind a command say. */
struct common {
    struct cli cli;
    bool help, version;
    char *rest[ARGS_MAX + 1]; /* what is left */
    int n_rest;
};

/* An option with a value that all commands have in common. */
struct common_option {
    const char *name;
    const char *wants;             /* "a file" */
    size_t at;                     /* of a const char * in struct cli */
    const char *const *not_behind; /* first words of commands that have one of this name themselves; NULL: none */
};

static const char *const importers[] = {"import", NULL};
static const char *const clients[] = {"client", "hook", NULL};

static const struct common_option common_options[] = {
    {"-c", "a file", offsetof(struct cli, config_path), NULL},
    {"--config", "a file", offsetof(struct cli, config_path), importers}, /* of the program that is left behind */
    {"--url", "a URL", offsetof(struct cli, url), clients},
    {"--token-file", "a file", offsetof(struct cli, token_file), clients},
    {"--ca-file", "a file", offsetof(struct cli, ca_file), clients},
};

static bool belongs_to_command(const struct common *c, const struct common_option *o)
{
    for (const char *const *word = o->not_behind; c->n_rest > 0 && word != NULL && *word != NULL; word++) {
        if (strcmp(c->rest[0], *word) == 0)
            return true;
    }
    return false;
}

/* The one that text is, as "--name" or "--name=value"; NULL: none. */
static const struct common_option *find_common_option(const struct common *c, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(common_options); i++) {
        const struct common_option *o = &common_options[i];
        size_t len = strlen(o->name);
        bool is_it = strncmp(text, o->name, len) == 0 && (text[len] == '\0' || (text[len] == '=' && len > 2));

        if (is_it && !belongs_to_command(c, o))
            return o;
    }
    return NULL;
}

static void set_common_option(struct cli *cli, const struct common_option *o, const char *value)
{
    memcpy((char *)cli + o->at, &value, sizeof value); /* a const char * stands there */
    cli->config_is_said = cli->config_is_said || o->at == offsetof(struct cli, config_path);
}

/* Take an option that all commands have in common out of argv at *i. False: it is none of them, or its value is
 * missing. */
static bool take_common_option(struct common *c, int *i, int argc, char **argv)
{
    const char *a = argv[*i];
    const struct common_option *o = find_common_option(c, a);
    const char *equals = strchr(a, '=');

    if (o != NULL && a[strlen(o->name)] == '=')
        set_common_option(&c->cli, o, equals + 1);
    else if (o != NULL && *i + 1 < argc)
        set_common_option(&c->cli, o, argv[++*i]);
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
        if (!only_rest && find_common_option(c, argv[i]) != NULL) {
            fprintf(stderr, "riposte: %s needs %s\n", argv[i], find_common_option(c, argv[i])->wants);
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
