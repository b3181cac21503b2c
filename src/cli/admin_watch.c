/* refusals and trace: looking at what happened. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/show.h"

#define SINCE_DEFAULT_S 3600

/* Append since=TIME to a path that ends in '?' or '&'. */
static bool put_since(struct text *path, const struct args *a)
{
    char text[CLOCK_TEXT_MAX];
    int64_t since = clock_real_s(&clock_system) - SINCE_DEFAULT_S;

    if (args_text(a, "--since") != NULL && !args_time(a, "--since", -1, &since))
        return false;
    text_put(path, "since=");
    clock_format_rfc3339(since, text);
    client_escape(path, text, strlen(text));
    return true;
}

int run_refusals(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--since", OPTION_TEXT}, {"--account", OPTION_TEXT}, {"--request", OPTION_TEXT}};
    static const char *const headings[] = {"WHEN (UTC)", "DOOR",   "FROM",    "CREDENTIAL",
                                           "NAME",       "REASON", "REQUEST", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/refusals?", NULL);
    if (!put_since(&path, &a)) {
        text_fini(&path);
        return EXIT_STATUS_USAGE;
    }
    admin_put_query(&path, &a, "--account");
    admin_put_query(&path, &a, "--request");
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char when[SHOW_WHEN_MAX];
        const char *account = show_text(one, "account");

        show_cell(&t, show_when(show_text(one, "time"), when));
        show_cell(&t, show_text(one, "door"));
        show_cell(&t, show_text(one, "from"));
        show_cell_format(&t, account[0] != '\0' ? "%s (%s)" : "%s", show_text(one, "who"), account);
        show_cell(&t, show_text(one, "name"));
        show_cell_format(&t, "%s: %s", show_text(one, "reason"), show_text(one, "detail"));
        show_cell(&t, show_text(one, "request"));
    }
    show_table_end(&t, "nothing was refused in that time");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

static void add_question(struct show_table *t, const json_t *q)
{
    const char *rcode = show_text(q, "rcode");
    int64_t records = show_int(q, "records");
    char when[SHOW_WHEN_MAX];

    show_cell(t, show_when(show_text(q, "time"), when));
    show_cell(t, show_text(q, "from"));
    if (json_is_integer(json_object_get(q, "edns-size")))
        show_cell_format(t, "%s %lld", show_text(q, "transport"), (long long)show_int(q, "edns-size"));
    else
        show_cell(t, show_text(q, "transport"));
    show_cell_format(t, "%s%s", show_text(q, "type"),
                     json_is_true(json_object_get(q, "case-mixed")) ? " 0x20" : "");
    if (strcmp(rcode, "NOERROR") == 0 && records == 0)
        show_cell_format(t, "NODATA, serial %lld", (long long)show_int(q, "serial"));
    else
        show_cell_format(t, "%s, %lld record%s%s, serial %lld", rcode, (long long)records, records == 1 ? "" : "s",
                         json_is_true(json_object_get(q, "truncated")) ? ", truncated" : "",
                         (long long)show_int(q, "serial"));
}

static void add_change(struct show_table *t, const json_t *c)
{
    size_t i;
    json_t *effect;

    json_array_foreach(json_object_get(c, "effects"), i, effect)
    {
        char when[SHOW_WHEN_MAX], label[SHOW_LABEL_MAX], value[SHOW_VALUE_MAX];
        const char *text = show_text(effect, "value");

        show_cell(t, show_when(show_text(c, "time"), when));
        show_cell(t, show_text(c, "from"));
        show_cell_format(t, "%s %s", show_text(c, "door"), show_label(c, label));
        show_cell_format(t, "%s%s%s", show_text(effect, "what"), text[0] != '\0' ? " " : "",
                         show_value(text, value));
        show_cell_format(t, "change %lld", (long long)show_int(c, "change"));
    }
}

int run_trace(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--since", OPTION_TEXT}};
    static const char *const headings[] = {"WHEN (UTC)", "FROM", "BY", "ASKED OR DONE", "TOLD", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *trace = NULL, *one;
    size_t i, questions = 0;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%/trace?", a.rest);
    if (!put_since(&path, &a)) {
        text_fini(&path);
        return EXIT_STATUS_USAGE;
    }
    result = admin_ask(cli, "GET", &path, NULL, &trace);
    if (trace == NULL)
        return result;
    printf("%s\n", show_text(trace, "name"));
    show_table_init(&t, headings);
    json_array_foreach(json_object_get(trace, "items"), i, one)
    {
        if (strcmp(show_text(one, "kind"), "question") == 0) {
            add_question(&t, one);
            questions++;
        } else {
            add_change(&t, one);
        }
    }
    show_table_end(&t, "nothing was changed in that time");
    if (questions == 0)
        puts("Nobody asked in that time (questions are remembered since the start of the server): then it is the\n"
             "delegation, glue, a firewall, or CAA at the domain, never the value.");
    json_decref(trace);
    return EXIT_STATUS_DONE;
}
