#include "cli/commands.h"

#include <string.h>

#include "base/attr.h"
#include "base/text.h"

#define COMMANDS_MAX     128
#define COMMAND_TEXT_MAX 64
#define GROUP_WORDS_MAX  8

static const struct command *const tables[] = {
    serve_commands, setup_commands, check_commands,      store_commands,  import_commands, restore_commands,
    admin_commands, apply_commands, completion_commands, client_commands, hook_commands};

/* How the overview puts them together: by their first words, in this order. Those of no group come last. */
struct group {
    const char *title;
    const char *const words[GROUP_WORDS_MAX];
};

static const struct group groups[] = {
    {"Setting up", {"init", "serve", "reload", "status", "import", "completion"}},
    {"Accounts, names and values", {"account", "name", "value", "apply"}},
    {"Credentials and tokens", {"credential", "token"}},
    {"Finding out", {"check", "refusals", "trace", "journal"}},
    {"Keeping the data", {"backup", "restore"}},
    {"On the machines that get certificates", {"client", "hook"}},
};

const struct command *commands_at(size_t i)
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
    for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
        *used = match_words(c, argc, argv);
        if (*used > 0)
            break;
    }
    return c;
}

static bool is_first_word(const struct command *c, const char *word)
{
    size_t len = strcspn(c->words, " ");

    return strlen(word) == len && strncmp(c->words, word, len) == 0;
}

static bool is_in_group(const struct command *c, const struct group *g)
{
    for (size_t i = 0; i < GROUP_WORDS_MAX && g->words[i] != NULL; i++) {
        if (is_first_word(c, g->words[i]))
            return true;
    }
    return false;
}

static void print_summary(FILE *to, const struct command *c)
{
    fprintf(to, "  %-20s %s\n", c->words, c->summary);
}

/* In the order of the group's words. */
static void print_group(FILE *to, const struct group *g)
{
    const struct command *c;

    fprintf(to, "\n%s\n", g->title);
    for (size_t k = 0; k < GROUP_WORDS_MAX && g->words[k] != NULL; k++) {
        for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
            if (is_first_word(c, g->words[k]))
                print_summary(to, c);
        }
    }
}

/* Those that no group has a word of. */
static void print_others(FILE *to)
{
    const struct command *c;
    size_t n = 0;

    for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
        size_t g = 0;

        while (g < ARRAY_LEN(groups) && !is_in_group(c, &groups[g]))
            g++;
        if (g < ARRAY_LEN(groups))
            continue;
        if (n++ == 0)
            fputs("\nMore\n", to);
        print_summary(to, c);
    }
}

void commands_print_overview(FILE *to)
{
    fputs("riposte " RIPOSTE_VERSION ": an authoritative DNS server for ACME DNS-01 challenges\n\n"
          "usage: riposte [-c FILE] [--json] [--yes] [--quiet] [--url URL --token-file FILE] COMMAND …\n",
          to);
    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        print_group(to, &groups[g]);
    print_others(to);
    fputs("\nriposte COMMAND --help explains one of them with an example; riposte --version prints the version.\n"
          "First steps: riposte init ORIGIN --address A, then riposte serve.\n"
          "A server elsewhere is named with --url, or RIPOSTE_URL, and RIPOSTE_TOKEN_FILE: see riposte(8).\n",
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

    for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
        if (!is_first_word(c, first_word))
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

    for (; n < COMMANDS_MAX && commands_at(n) != NULL; n++)
        candidates[n] = commands_at(n)->words;
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
