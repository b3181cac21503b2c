/* journal: the changes in order. A page at a time, so that a year of them needs no more memory than an hour. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/show.h"

#define PAGE_LIMIT      "500"
#define PATH_MAX_LEN    8192
#define WAIT_S          50 /* the server waits at most 60 */
#define SINCE_DEFAULT_S 86400

struct reading {
    const struct cli *cli;
    struct text path; /* without the place in the journal */
    bool follows;
    bool is_first; /* item, of a JSON array */
    int64_t after; /* the position up to which it was read; -1: not begun */
    struct show_table table;
};

/* ---- what is asked for ---- */

/* Append since= when there is something to say. False: it is neither a time nor a number, which has been explained.
 */
static bool put_since(struct text *path, const struct args *a)
{
    const char *since = args_text(a, "--since");
    bool is_filtered = args_text(a, "--name") != NULL || args_text(a, "--account") != NULL ||
                       args_text(a, "--credential") != NULL || args_text(a, "--request") != NULL;
    int64_t since_s = clock_real_s(&clock_system) - SINCE_DEFAULT_S;
    char text[CLOCK_TEXT_MAX];

    if (since == NULL && is_filtered)
        return true;
    if (since != NULL && since[0] != '\0' && strspn(since, "0123456789") == strlen(since)) {
        admin_put_query(path, a, "--since");
        return true;
    }
    if (since != NULL && !args_time(a, "--since", -1, &since_s))
        return false;
    text_put(path, "&since=");
    clock_format_rfc3339(since_s, text);
    client_escape(path, text, strlen(text));
    return true;
}

static void page_path(struct text *out, const struct reading *r)
{
    text_init(out, PATH_MAX_LEN);
    text_put(out, r->path.bytes);
    if (r->after >= 0)
        text_printf(out, "&after=%lld", (long long)r->after);
    if (r->follows)
        text_printf(out, "&wait=%ds", WAIT_S);
}

/* ---- showing ---- */

static void put_part(struct text *t, const char *before, const char *part)
{
    if (part[0] != '\0')
        text_printf(t, "%s%s", before, part);
}

/* What an effect did and to what, on one line. */
static void describe(struct text *t, const json_t *effect)
{
    char label[SHOW_LABEL_MAX], value[SHOW_VALUE_MAX];

    text_put(t, show_text(effect, "what"));
    put_part(t, " ", show_value(show_text(effect, "value"), value));
    if (json_object_get(effect, "label") != NULL)
        put_part(t, " ", show_label(effect, label));
    put_part(t, " ", show_text(effect, "credential"));
    put_part(t, " ", show_text(effect, "alias"));
    if (json_is_integer(json_object_get(effect, "token")))
        text_printf(t, " %lld", (long long)show_int(effect, "token"));
    put_part(t, show_text(effect, "value")[0] != '\0' ? " at " : " ", show_text(effect, "name"));
    put_part(t, " ", show_text(effect, "zone"));
    if (json_is_integer(json_object_get(effect, "serial")))
        text_printf(t, " serial %lld", (long long)show_int(effect, "serial"));
    put_part(t, " account ", show_text(effect, "account"));
}

static void add_rows(struct show_table *t, const json_t *entry)
{
    const char *account = show_text(entry, "account");
    size_t i;
    json_t *effect;

    json_array_foreach(json_object_get(entry, "effects"), i, effect)
    {
        char when[SHOW_WHEN_MAX], label[SHOW_LABEL_MAX];
        struct text what;

        text_init(&what, PATH_MAX_LEN);
        describe(&what, effect);
        show_cell_int(t, show_int(entry, "change"));
        show_cell(t, show_when(show_text(entry, "time"), when));
        show_cell(t, show_text(entry, "door"));
        show_cell(t, show_text(entry, "from"));
        show_cell_format(t, account[0] != '\0' ? "%s (%s)" : "%s", show_label(entry, label), account);
        show_cell(t, show_text(entry, "request"));
        show_cell(t, what.bytes);
        text_fini(&what);
    }
}

/* With --json an array, or with --follow, which has no end, an object a line. */
static void show_entry(struct reading *r, const json_t *entry)
{
    if (!r->cli->json) {
        add_rows(&r->table, entry);
    } else if (r->follows) {
        show_json_line(entry);
    } else {
        fputs(r->is_first ? "[\n" : ",\n", stdout);
        (void)json_dumpf(entry, stdout, JSON_COMPACT);
        r->is_first = false;
    }
}

/* ---- reading ---- */

/* One page. *more: there is another one. */
static int read_page(struct reading *r, struct client *c, bool *more)
{
    struct text path;
    json_t *page = NULL, *entry;
    size_t i;
    int result = EXIT_STATUS_USAGE;

    page_path(&path, r);
    if (path.err != ERR_OK)
        fputs("riposte: an argument is too long\n", stderr);
    else
        result = client_wait(c, "GET", path.bytes, r->follows ? WAIT_S : 0, &page);
    text_fini(&path);
    json_array_foreach(json_object_get(page, "items"), i, entry) show_entry(r, entry);
    show_table_flush(&r->table);
    r->after = show_int(page, "position");
    *more = r->follows || show_text(page, "next")[0] != '\0';
    json_decref(page);
    return result;
}

static int read_journal(struct reading *r)
{
    static const char *const headings[] = {"CHANGE", "WHEN (UTC)", "DOOR", "FROM", "BY", "REQUEST", "WHAT", NULL};
    struct client *c = client_new(r->cli);
    int result = EXIT_STATUS_DONE;
    bool more = true;

    if (c == NULL)
        return EXIT_STATUS_FAILED;
    show_table_init(&r->table, headings);
    while (result == EXIT_STATUS_DONE && more)
        result = read_page(r, c, &more);
    client_free(c);
    if (r->cli->json && !r->follows && result == EXIT_STATUS_DONE)
        puts(r->is_first ? "[]" : "\n]");
    show_table_end(&r->table,
                   !r->cli->json && result == EXIT_STATUS_DONE ? "nothing was changed in that time" : NULL);
    return result;
}

int run_journal(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--since", OPTION_TEXT},   {"--name", OPTION_TEXT},
                                                 {"--account", OPTION_TEXT}, {"--credential", OPTION_TEXT},
                                                 {"--request", OPTION_TEXT}, {"--follow", OPTION_FLAG}};
    struct reading r = {.cli = cli, .is_first = true, .after = -1};
    struct args a;
    int result = EXIT_STATUS_USAGE;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    r.follows = args_flag(&a, "--follow");
    admin_path(&r.path, "/v1/journal?limit=" PAGE_LIMIT, NULL);
    admin_put_query(&r.path, &a, "--name");
    admin_put_query(&r.path, &a, "--account");
    admin_put_query(&r.path, &a, "--credential");
    admin_put_query(&r.path, &a, "--request");
    if (put_since(&r.path, &a))
        result = read_journal(&r);
    text_fini(&r.path);
    return result;
}
