/* refusals and trace: looking at what happened. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/show.h"

#define SINCE_DEFAULT_S 3600
#define CLOCK_PART      11 /* where "02:58:41" begins in an RFC 3339 time */
#define CLOCK_WIDTH     16 /* with microseconds and the Z */

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
    static const char usage[] = "[--since 1h] [--account A] [--request ID]";
    static const struct option_spec options[] = {
        {"--since", OPTION_TEXT}, {"--account", OPTION_TEXT}, {"--request", OPTION_TEXT}};
    static const char *const headings[] = {"WHEN", "DOOR", "FROM", "CREDENTIAL", "NAME", "REASON", "REQUEST", NULL};
    static const char *const filters[] = {"--account", "--request"};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, "refusals", usage, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/refusals?", NULL);
    if (!put_since(&path, &a)) {
        text_fini(&path);
        return EXIT_STATUS_USAGE;
    }
    for (i = 0; i < ARRAY_LEN(filters); i++) {
        const char *text = args_text(&a, filters[i]);

        if (text == NULL)
            continue;
        text_printf(&path, "&%s=", filters[i] + 2);
        client_escape(&path, text, strlen(text));
    }
    result = admin_list(cli, &path, &items);
    text_fini(&path);
    if (result != EXIT_STATUS_DONE || cli->json) {
        if (items != NULL)
            show_json(items);
        return result;
    }
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char text[SHOW_CELL_MAX];
        const char *account = show_text(one, "account");

        show_cell(&t, show_text(one, "time"));
        show_cell(&t, show_text(one, "door"));
        show_cell(&t, show_text(one, "from"));
        (void)snprintf(text, sizeof(text), account[0] != '\0' ? "%s (%s)" : "%s", show_text(one, "who"), account);
        show_cell(&t, text);
        show_cell(&t, show_text(one, "name"));
        (void)snprintf(text, sizeof(text), "%s: %s", show_text(one, "reason"), show_text(one, "detail"));
        show_cell(&t, text);
        show_cell(&t, show_text(one, "request"));
    }
    show_table_end(&t, "nothing was refused in that time");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

/* The time of day of an item. */
static const char *clock_part(const json_t *item)
{
    const char *time = show_text(item, "time");

    return strlen(time) > CLOCK_PART ? time + CLOCK_PART : time;
}

static void show_question(const json_t *q)
{
    const char *rcode = show_text(q, "rcode");
    int64_t records = show_int(q, "records");
    char told[64];

    if (strcmp(rcode, "NOERROR") == 0 && records == 0)
        (void)snprintf(told, sizeof(told), "NODATA");
    else
        (void)snprintf(told, sizeof(told), "%s, %lld record%s", rcode, (long long)records, records == 1 ? "" : "s");
    printf("%-*s  %-22s %s %-5lld %s%s  %s%s, serial %lld\n", CLOCK_WIDTH, clock_part(q), show_text(q, "from"),
           show_text(q, "transport"), (long long)show_int(q, "edns-size"), show_text(q, "type"),
           json_is_true(json_object_get(q, "case-mixed")) ? " 0x20" : "", told,
           json_is_true(json_object_get(q, "truncated")) ? ", truncated" : "", (long long)show_int(q, "serial"));
}

static void show_change(const json_t *c)
{
    size_t i;
    json_t *effect;

    json_array_foreach(json_object_get(c, "effects"), i, effect)
    {
        char value[64];

        printf("%-*s  %-22s %s %s %s (change %lld, %s)\n", CLOCK_WIDTH, clock_part(c), show_text(c, "from"),
               show_text(c, "label"), show_text(effect, "what"),
               show_value(show_text(effect, "value"), value, sizeof(value)), (long long)show_int(c, "change"),
               show_text(c, "door"));
    }
}

int run_trace(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--since", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *trace = NULL, *items, *one;
    size_t i, questions = 0;
    int result;

    if (!args_parse(&a, "trace", "NAME [--since 1h]", options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%/trace?", a.rest);
    if (!put_since(&path, &a)) {
        text_fini(&path);
        return EXIT_STATUS_USAGE;
    }
    result = admin_call(cli, "GET", &path, NULL, &trace);
    text_fini(&path);
    if (result != EXIT_STATUS_DONE)
        return result;
    if (cli->json) {
        show_json(trace);
        return EXIT_STATUS_DONE;
    }
    items = json_object_get(trace, "items");
    printf("%s (UTC)\n", show_text(trace, "name"));
    json_array_foreach(items, i, one)
    {
        if (strcmp(show_text(one, "kind"), "question") == 0) {
            show_question(one);
            questions++;
        } else {
            show_change(one);
        }
    }
    if (questions == 0)
        puts("Nobody asked in that time: then it is the delegation, glue, a firewall, or CAA at the domain, never "
             "the value.");
    json_decref(trace);
    return EXIT_STATUS_DONE;
}
