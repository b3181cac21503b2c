#include "cli/commands.h"

#include <string.h>

#include "base/attr.h"
#include "base/text.h"

#define COMMANDS_MAX     128
#define COMMAND_TEXT_MAX 64

static const struct command *const tables[] = {serve_commands, setup_commands, store_commands, import_commands,
                                               admin_commands};

/* The i-th of all, NULL behind the last. */
static const struct command *command_at(size_t i)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const struct command *c = tables[t]; c->words != NULL; c++) {
            if (i-- == 0)
                return c;
        }
    }
    return NULL;
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

const struct command *commands_find(int argc, char **argv, int *used)
{
    const struct command *c;

    *used = 0;
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        *used = match_words(c, argc, argv);
        if (*used > 0)
            break;
    }
    return c;
}

void commands_print_overview(FILE *to)
{
    const struct command *c;

    fputs("riposte " RIPOSTE_VERSION ": an authoritative DNS server for ACME DNS-01 challenges\n\n"
          "usage: riposte [-c FILE] [--json] [--yes] [--quiet] COMMAND …\n\n",
          to);
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        fprintf(to, "  %-20s %s\n", c->words, c->summary);
    fputs("\n  riposte COMMAND --help   explains one of them; riposte --version prints the version\n"
          "  first steps: riposte init ORIGIN --address A, then riposte serve\n",
          to);
}

void commands_print_help(FILE *to, const struct command *c)
{
    fprintf(to, "usage: riposte %s%s%s\n\n%s\n", c->words, c->usage[0] != '\0' ? " " : "", c->usage, c->summary);
    if (c->help[0] != '\0')
        fprintf(to, "\n%s", c->help);
}

size_t commands_print_group(FILE *to, const char *first_word)
{
    const struct command *c;
    size_t n = 0;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        size_t len = strcspn(c->words, " ");

        if (strlen(first_word) != len || strncmp(c->words, first_word, len) != 0)
            continue;
        fprintf(to, "  riposte %s%s%s\n", c->words, c->usage[0] != '\0' ? " " : "", c->usage);
        n++;
    }
    return n;
}

static const char *nearest_command(int argc, char **argv)
{
    const char *candidates[COMMANDS_MAX];
    char typed[COMMAND_TEXT_MAX];
    size_t n = 0;
    const char *nearest;

    for (; n < COMMANDS_MAX && command_at(n) != NULL; n++)
        candidates[n] = command_at(n)->words;
    (void)snprintf(typed, sizeof(typed), "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    nearest = text_nearest(typed, candidates, n);
    return nearest != NULL ? nearest : text_nearest(argv[0], candidates, n);
}

void commands_explain_unknown(FILE *to, int argc, char **argv)
{
    const char *nearest = nearest_command(argc, argv);

    fprintf(to, "riposte: no command \"%s%s%s\"", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    if (nearest != NULL)
        fprintf(to, "; did you mean \"%s\"?", nearest);
    fputc('\n', to);
    if (commands_print_group(to, argv[0]) == 0)
        fputs("riposte --help lists them\n", to);
}
