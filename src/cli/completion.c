/* completion: what shells ask for when the tab key is pressed. The scripts are written from the table of commands:
 * the options of a command, and whether each takes a value, are read out of its usage, which people read too. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "cli/args.h"
#include "cli/commands.h"

/* The options that all commands have in common. */
static const char common_usage[] = "[-c FILE] [--config FILE] [--json] [--yes] [--quiet] [--help] [--url URL] "
                                   "[--token-file FILE] [--ca-file FILE]";

/* One word of a usage that matters here. */
struct usage_word {
    const char *option; /* "--name", not NUL-terminated; NULL: an argument */
    size_t option_len;
    const char *value; /* "FILE" or "yes|no": of the option, or the argument itself; len 0: it takes none */
    size_t value_len;
};

/* ---- reading a usage ---- */

static size_t skip(const char *at, const char *of)
{
    return strspn(at, of);
}

/* The next word behind *at, which moves behind it. False: there is none. */
static bool next_word(struct usage_word *w, const char **at)
{
    static const char option_octets[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    memset(w, 0, sizeof *w);
    *at += skip(*at, "[]| ");
    if (**at == '\0')
        return false;
    if ((*at)[0] == '-') {
        w->option = *at;
        w->option_len = strspn(*at, option_octets);
        *at += w->option_len;
        if (**at != ' ' || strchr("[-|", (*at)[1]) != NULL) /* strchr finds the NUL too */
            return true;
        ++*at;
    }
    w->value = *at;
    w->value_len = strcspn(*at, w->option != NULL ? "] " : "[] ");
    *at += w->value_len;
    return true;
}

/* Words to choose from, as "yes|no" or "add,remove,read". */
static bool is_choice(const struct usage_word *w)
{
    static const char octets[] = "abcdefghijklmnopqrstuvwxyz0123456789-.|,";

    return w->value_len > 0 && strspn(w->value, octets) >= w->value_len &&
           (memchr(w->value, '|', w->value_len) != NULL || memchr(w->value, ',', w->value_len) != NULL);
}

static bool is_file(const struct usage_word *w)
{
    return (w->value_len >= 4 && strncmp(w->value, "FILE", 4) == 0) || (w->value_len == 1 && w->value[0] == 'F');
}

static void put_choice(FILE *to, const struct usage_word *w)
{
    for (size_t i = 0; i < w->value_len; i++)
        fputc(w->value[i] == '|' || w->value[i] == ',' ? ' ' : w->value[i], to);
}

/* ---- writing ---- */

static void put_options(FILE *to, const char *usage)
{
    struct usage_word w;
    const char *before = "";

    while (next_word(&w, &usage)) {
        if (w.option == NULL)
            continue;
        fprintf(to, "%s%.*s", before, (int)w.option_len, w.option);
        before = " ";
    }
}

/* What comes behind each option that takes a value, and in the place of an argument, as branches of a case. The
 * pattern of a branch is the option, or "rest". */
static void put_values(FILE *to, const char *usage, const char *indent)
{
    struct usage_word w;

    while (next_word(&w, &usage)) {
        bool has_choice = is_choice(&w);

        if (w.value_len == 0 || (w.option == NULL && !has_choice && !is_file(&w)))
            continue;
        fprintf(to, "%s%.*s) value=1 files=%s choices='", indent, w.option != NULL ? (int)w.option_len : 4,
                w.option != NULL ? w.option : "rest", is_file(&w) ? "1" : "");
        if (has_choice)
            put_choice(to, &w);
        fputs("' ;;\n", to);
    }
}

static void put_command(FILE *to, const struct command *c)
{
    fprintf(to, "    '%s '*)\n      flags='", c->words);
    put_options(to, c->usage);
    fputs("'\n      case \"$what\" in\n", to);
    put_values(to, c->usage, "        ");
    fputs("      esac\n      ;;\n", to);
}

/* Has a command before the i-th the same first word? */
static bool is_repeated(size_t i)
{
    const char *words = commands_at(i)->words;
    size_t len = strcspn(words, " ");

    for (size_t k = 0; k < i; k++) {
        if (strncmp(commands_at(k)->words, words, len + (words[len] == ' ')) == 0)
            return true;
    }
    return false;
}

/* The words that may come first, and behind each the second ones. */
static void put_words(FILE *to)
{
    const struct command *c;

    fputs("    ' ') choices='help", to);
    for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
        if (!is_repeated(i))
            fprintf(to, " %.*s", (int)strcspn(c->words, " "), c->words);
    }
    fputs("' ;;\n", to);
    for (size_t i = 0; (c = commands_at(i)) != NULL; i++) {
        size_t len = strcspn(c->words, " ");

        if (c->words[len] == '\0' || is_repeated(i))
            continue;
        fprintf(to, "    '%.*s ') choices='", (int)len, c->words);
        for (size_t k = i; commands_at(k) != NULL; k++) {
            const char *words = commands_at(k)->words;

            if (strncmp(words, c->words, len + 1) == 0)
                fprintf(to, "%s%s", k == i ? "" : " ", words + len + 1);
        }
        fputs("' ;;\n", to);
    }
}

/* The part that both shells understand: from cmd and what it sets flags (the options), choices (words for this
 * place), files (there are some), and value (what takes one). */
static void put_table(FILE *to)
{
    const struct command *c;

    fputs("_riposte_table() {\n  flags= choices= files= value=\n  case \"$cmd \" in\n", to);
    put_words(to);
    for (size_t i = 0; (c = commands_at(i)) != NULL; i++)
        put_command(to, c);
    fputs("  esac\n  case \"$what\" in\n", to);
    put_values(to, common_usage, "    ");
    fputs("  esac\n  flags=\"$flags ", to);
    put_options(to, common_usage);
    fputs("\"\n}\n\n", to);
}

/* Each word in front of the cursor -> cmd (the words of the command, and its arguments) and what (the option whose
 * value is wanted, or rest). An option that takes no value leaves the place to an argument. */
static const char read_word[] =
    "    case \"$word\" in\n"
    "      -c|--config|--url|--token-file|--ca-file) skip=1 what=$word ;;\n"
    "      -*) skip= what=$word ;;\n"
    "      *)\n"
    "        if [ -z \"$skip\" ] && ! { [ \"$word\" = help ] && [ -z \"$cmd\" ]; }; then\n"
    "          cmd=\"$cmd${cmd:+ }$word\"\n"
    "        fi\n"
    "        skip= what=rest ;;\n"
    "    esac\n";
static const char look_up[] = "  _riposte_table\n"
                              "  if [ -z \"$value\" ] && [ \"$what\" != rest ]; then\n"
                              "    what=rest\n"
                              "    _riposte_table\n"
                              "  fi\n";

static void print_bash(FILE *to)
{
    fputs("# bash completion for riposte, made by: riposte completion bash\n\n", to);
    put_table(to);
    fputs("_riposte() {\n"
          "  local cmd= skip= what=rest word flags choices files value i\n"
          "  local current=${COMP_WORDS[COMP_CWORD]}\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    word=${COMP_WORDS[i]}\n",
          to);
    fputs(read_word, to);
    fputs("  done\n", to);
    fputs(look_up, to);
    fputs("  COMPREPLY=()\n"
          "  if [[ $current == -* && $what == rest ]]; then\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
          "  elif [[ -n $files ]]; then\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "  elif [[ -n $choices ]]; then\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\")\n"
          "  fi\n"
          "}\n"
          "complete -F _riposte riposte\n",
          to);
}

static void print_zsh(FILE *to)
{
    fputs("#compdef riposte\n# zsh completion for riposte, made by: riposte completion zsh\n\n", to);
    put_table(to);
    fputs("_riposte() {\n"
          "  emulate -L zsh\n"
          "  local cmd= skip= what=rest word flags choices files value\n"
          "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n",
          to);
    fputs(read_word, to);
    fputs("  done\n", to);
    fputs(look_up, to);
    fputs("  if [[ $PREFIX == -* && $what == rest ]]; then\n"
          "    compadd -- ${=flags}\n"
          "  elif [[ -n $files ]]; then\n"
          "    _files\n"
          "  elif [[ -n $choices ]]; then\n"
          "    compadd -- ${=choices}\n"
          "  fi\n"
          "}\n\n"
          "if [[ $funcstack[1] == _riposte ]]; then\n"
          "  _riposte \"$@\"\n"
          "else\n"
          "  compdef _riposte riposte\n"
          "fi\n",
          to);
}

static int run_completion(const struct cli *cli, int argc, char **argv)
{
    struct args a;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (strcmp(a.rest[0], "bash") == 0)
        print_bash(stdout);
    else if (strcmp(a.rest[0], "zsh") == 0)
        print_zsh(stdout);
    else
        return args_refuse(&a, "no completion for \"%s\"; there is one for bash and one for zsh", a.rest[0]);
    return EXIT_STATUS_DONE;
}

const struct command completion_commands[] = {
    {"completion", "bash|zsh", "a script that completes commands and options in a shell",
     "An installed riposte has its scripts where both shells look for them. For a shell that is open already:\n\n"
     "    source <(riposte completion bash)\n",
     run_completion},
    {NULL, NULL, NULL, NULL, NULL},
};
