/* refusals and trace: looking at what happened. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/admin_follow.h"
#include "cli/show.h"

#define SINCE_DEFAULT_S 3600

/* What is asked for, now or again and again. */
struct watch {
    const struct cli *cli;
    const struct args *args;
};

/* The moment of --since, an hour ago when it was not given. False: it is none, which has been explained. */
static bool find_since(const struct args *a, int64_t *since_s)
{
    *since_s = clock_real_s(&clock_system) - SINCE_DEFAULT_S;
    return args_text(a, "--since") == NULL || args_time(a, "--since", -1, since_s);
}

/* Append since=TIME to a path that ends in '?' or '&'. */
static void put_since(struct text *path, int64_t since_s)
{
    char text[CLOCK_TEXT_MAX];

    text_put(path, "since=");
    clock_format_rfc3339(since_s, text);
    client_escape(path, text, strlen(text));
}

/* ---- refusals ---- */

static void refusals_path(struct text *path, const struct args *a, int64_t since_s)
{
    admin_path(path, "/v1/refusals?", NULL);
    put_since(path, since_s);
    admin_put_query(path, a, "--account");
    admin_put_query(path, a, "--request");
}

static int get_refusals(void *arg, int64_t since_s, json_t **items)
{
    const struct watch *w = arg;
    struct cli as_text = *w->cli;
    struct text path;

    as_text.json = false;
    refusals_path(&path, w->args, since_s);
    return admin_list(&as_text, &path, items);
}

static void add_refusal(struct show_table *t, const json_t *one)
{
    const char *account = show_text(one, "account");
    char when[SHOW_WHEN_MAX];

    show_cell(t, show_when(show_text(one, "time"), when));
    show_cell(t, show_text(one, "door"));
    show_cell(t, show_text(one, "from"));
    show_cell_format(t, account[0] != '\0' ? "%s (%s)" : "%s", show_text(one, "who"), account);
    show_cell(t, show_text(one, "name"));
    show_cell_format(t, "%s: %s", show_text(one, "reason"), show_text(one, "detail"));
    show_cell(t, show_text(one, "request"));
}

int run_refusals(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--since", OPTION_TEXT},
                                                 {"--account", OPTION_TEXT},
                                                 {"--request", OPTION_TEXT},
                                                 {"--follow", OPTION_FLAG}};
    static const char *const headings[] = {"WHEN (UTC)", "DOOR",   "FROM",    "CREDENTIAL",
                                           "NAME",       "REASON", "REQUEST", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    int64_t since_s;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv) || !find_since(&a, &since_s))
        return EXIT_STATUS_USAGE;
    if (args_flag(&a, "--follow"))
        return admin_follow(&(struct follow){.cli = cli,
                                             .get = get_refusals,
                                             .put = add_refusal,
                                             .arg = &(struct watch){cli, &a},
                                             .headings = headings,
                                             .newest_first = true},
                            since_s);
    refusals_path(&path, &a, since_s);
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one) add_refusal(&t, one);
    show_table_end(&t, "nothing was refused in that time");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

/* ---- trace ---- */

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
    show_cell_format(t, "%s%s%s%s", show_text(q, "type"),
                     json_is_true(json_object_get(q, "case-mixed")) ? " 0x20" : "",
                     json_is_string(json_object_get(q, "alias")) ? " at " : "", show_text(q, "alias"));
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

static bool is_question(const json_t *item)
{
    return strcmp(show_text(item, "kind"), "question") == 0;
}

static void add_event(struct show_table *t, const json_t *item)
{
    if (is_question(item))
        add_question(t, item);
    else
        add_change(t, item);
}

static void trace_path(struct text *path, const struct args *a, int64_t since_s)
{
    admin_path(path, "/v1/names/%/trace?", a->rest);
    put_since(path, since_s);
}

static int get_trace(void *arg, int64_t since_s, json_t **items)
{
    const struct watch *w = arg;
    struct text path;
    json_t *trace = NULL;
    int result;

    trace_path(&path, w->args, since_s);
    result = admin_call(w->cli, "GET", &path, NULL, &trace);
    *items = json_incref(json_object_get(trace, "items"));
    json_decref(trace);
    return result;
}

static void show_trace(const json_t *trace, const char *const *headings)
{
    struct show_table t;
    size_t i, questions = 0;
    json_t *one;

    printf("%s\n", show_text(trace, "name"));
    show_table_init(&t, headings);
    json_array_foreach(json_object_get(trace, "items"), i, one)
    {
        add_event(&t, one);
        questions += is_question(one);
    }
    show_table_end(&t, "nothing was changed in that time");
    if (questions == 0)
        puts("Nobody asked in that time (questions are remembered since the start of the server): then it is the\n"
             "delegation, glue, a firewall, or CAA at the domain, never the value.");
}

int run_trace(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--since", OPTION_TEXT}, {"--follow", OPTION_FLAG}};
    static const char *const headings[] = {"WHEN (UTC)", "FROM", "BY", "ASKED OR DONE", "TOLD", NULL};
    struct args a;
    struct text path;
    json_t *trace = NULL;
    int64_t since_s;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv) || !find_since(&a, &since_s))
        return EXIT_STATUS_USAGE;
    if (args_flag(&a, "--follow"))
        return admin_follow(&(struct follow){.cli = cli,
                                             .get = get_trace,
                                             .put = add_event,
                                             .arg = &(struct watch){cli, &a},
                                             .headings = headings},
                            since_s);
    trace_path(&path, &a, since_s);
    result = admin_ask(cli, "GET", &path, NULL, &trace);
    if (trace != NULL)
        show_trace(trace, headings);
    json_decref(trace);
    return result;
}
