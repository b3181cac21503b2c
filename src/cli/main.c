/* The one program: finds the subcommand, reads the options that all have in common, and runs it. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/config.h"

#define ARGS_MAX         256
#define COMMANDS_MAX     128
#define COMMAND_TEXT_MAX 64

static const struct command *const tables[] = {serve_commands, setup_commands, store_commands, admin_commands};

static void print_overview(FILE *to)
{
    fputs("riposte " RIPOSTE_VERSION ": an authoritative DNS server for ACME DNS-01 challenges\n\n"
          "usage: riposte [-c FILE] [--json] [--yes] [--quiet] COMMAND …\n\n",
          to);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct command *c = tables[t]; c->words != NULL; c++)
            fprintf(to, "  %-20s %s\n", c->words, c->summary);
    }
    fputs("\n  riposte COMMAND --help   explains one of them; riposte --version prints the version\n"
          "  first steps: riposte init ORIGIN --address A, then riposte serve\n",
          to);
}

static void print_help(const struct command *c)
{
    printf("usage: riposte %s %s\n\n%s\n", c->words, c->usage, c->summary);
    if (c->help[0] != '\0')
        printf("\n%s", c->help);
}

/* How many of the arguments the words of c are; 0 when they are not its words. */
static int match_words(const struct command *c, int argc, char **argv)
{
    const char *words = c->words;
    int used = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        if (used >= argc || strlen(argv[used]) != len || strncmp(argv[used], words, len) != 0)
            return 0;
        used++;
        words += len + (words[len] == ' ');
    }
    return used;
}

static const struct command *find_command(int argc, char **argv, int *used)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct command *c = tables[t]; c->words != NULL; c++) {
            *used = match_words(c, argc, argv);
            if (*used > 0)
                return c;
        }
    }
    return NULL;
}

/* Say that there is no such command, and which is near or which begin the same. */
static int report_unknown(int argc, char **argv)
{
    const char *candidates[COMMANDS_MAX];
    char typed[COMMAND_TEXT_MAX];
    size_t n = 0, begin = 0;
    const char *nearest;

    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct command *c = tables[t]; c->words != NULL && n < COMMANDS_MAX; c++) {
            size_t first = strcspn(c->words, " ");

            candidates[n++] = c->words;
            if (strlen(argv[0]) == first && strncmp(c->words, argv[0], first) == 0) {
                if (begin++ == 0)
                    fprintf(stderr, "riposte %s: %s; there is:\n", argv[0],
                            argc > 1 ? "no such command" : "needs a second word");
                fprintf(stderr, "  riposte %s %s\n", c->words, c->usage);
            }
        }
    }
    if (begin > 0)
        return EXIT_STATUS_USAGE;
    (void)snprintf(typed, sizeof(typed), argc > 1 ? "%s %s" : "%s", argv[0], argc > 1 ? argv[1] : "");
    nearest = text_nearest(typed, candidates, n);
    if (nearest == NULL)
        nearest = text_nearest(argv[0], candidates, n);
    fprintf(stderr, "riposte: no command \"%s\"", argv[0]);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?", nearest);
    fputs("\nriposte --help lists them\n", stderr);
    return EXIT_STATUS_USAGE;
}

/* Take the options that all commands have in common out of argv, wherever they stand before a "--". What is left is
 * written to rest, at most ARGS_MAX; returns how many, or -1 when an option is wrong. */
static int take_common_options(struct cli *cli, bool *help, bool *version, int argc, char **argv, char **rest)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];

        if (strcmp(a, "--") == 0) {
            /* The command sees it too: what follows is no option of its own either. */
            for (i += n == 0 ? 1 : 0; i < argc && n < ARGS_MAX; i++)
                rest[n++] = argv[i];
            break;
        }
        if (strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0) {
            if (++i >= argc) {
                fprintf(stderr, "riposte: %s needs a file\n", a);
                return -1;
            }
            cli->config_path = argv[i];
        } else if (strcmp(a, "--json") == 0) {
            cli->json = true;
        } else if (strcmp(a, "--yes") == 0) {
            cli->yes = true;
        } else if (strcmp(a, "--quiet") == 0) {
            cli->quiet = true;
        } else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            *help = true;
        } else if (strcmp(a, "--version") == 0) {
            *version = true;
        } else if (n < ARGS_MAX) {
            rest[n++] = argv[i];
        } else {
            fprintf(stderr, "riposte: more than %d arguments\n", ARGS_MAX);
            return -1;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    struct cli cli = {.config_path = CONFIG_PATH_DEFAULT};
    bool help = false, version = false;
    char *rest[ARGS_MAX + 1] = {NULL};
    int used = 0;
    int n = take_common_options(&cli, &help, &version, argc, argv, rest);
    const struct command *c;

    if (n < 0)
        return EXIT_STATUS_USAGE;
    if (version) {
        puts("riposte " RIPOSTE_VERSION);
        return EXIT_STATUS_DONE;
    }
    if (n == 0 || (n == 1 && strcmp(rest[0], "help") == 0)) {
        print_overview(help || n == 1 ? stdout : stderr);
        return help || n == 1 ? EXIT_STATUS_DONE : EXIT_STATUS_USAGE;
    }
    c = find_command(n, rest, &used);
    if (c == NULL)
        return report_unknown(n, rest);
    if (help) {
        print_help(c);
        return EXIT_STATUS_DONE;
    }
    return c->run(&cli, n - used, rest + used);
}
