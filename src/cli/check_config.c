/* `riposte check config`: everything that is wrong with the file, or one line that says what it makes. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/config.h"
#include "cli/config_local.h"
#include "cli/setup.h"

#define REPORT_MAX ((size_t)1 << 20)

/* Addresses that cannot be bound here; systemd or a later interface may still bring them, so it is not an error. */
static void put_notes(const struct config *c, struct text *out)
{
    char at[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < c->dns.n_listen; i++) {
        const struct endpoint *e = &c->dns.listen[i];
        char key[64];
        unsigned line, column;

        if (endpoint_is_wildcard(e) || config_address_is_local(&e->addr) != CONFIG_LOCAL_NO)
            continue;
        (void)snprintf(key, sizeof(key), "dns.listen[%zu]", i);
        config_where(c, key, &line, &column);
        text_printf(out, "%s:%u:%u: note: %s: %s is no address of this machine at present\n", c->path, line, column,
                    key, endpoint_format(e, at));
    }
}

static void put_summary(const struct config *c, struct text *out)
{
    char name[NAME_TEXT_MAX];

    text_printf(out, "%s: good: zone%s", c->path, c->settings.n_zones == 1 ? "" : "s");
    for (size_t i = 0; i < c->settings.n_zones && i < 5; i++)
        text_printf(out, "%s %s", i > 0 ? "," : "", name_format(&c->settings.zones[i].apex, name));
    if (c->settings.n_zones > 5)
        text_printf(out, " and %zu more", c->settings.n_zones - 5);
    text_printf(out, "; %zu address%s for DNS, %zu for the API\n", c->dns.n_listen,
                c->dns.n_listen == 1 ? "" : "es", c->api.n_listen);
}

/* The lines of a report, with the indented ones joined to theirs, as a list. */
static json_t *lines_of(const char *report)
{
    json_t *list = json_array();

    while (*report != '\0') {
        const char *end = strchr(report, '\n');

        while (end != NULL && end[1] == ' ')
            end = strchr(end + 1, '\n');
        if (end == NULL)
            end = report + strlen(report);
        (void)json_array_append_new(list, json_stringn(report, (size_t)(end - report)));
        report = end + (*end == '\n');
    }
    return list;
}

static void print_json(bool is_good, const char *errors, const char *notes)
{
    json_t *root =
        json_pack("{s:b, s:o, s:o}", "ok", is_good, "errors", lines_of(errors), "notes", lines_of(notes));

    if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0)
        fprintf(stderr, "riposte check config: out of memory\n");
    puts("");
    json_decref(root);
}

static void print_text(const struct cli *cli, const struct config *c, const char *errors, unsigned n,
                       const char *notes)
{
    struct text summary;

    fputs(errors, stdout);
    if (c == NULL && n > 0)
        printf("%u error%s\n", n, n == 1 ? "" : "s");
    if (c == NULL || cli->quiet)
        return;
    text_init(&summary, REPORT_MAX);
    put_summary(c, &summary);
    printf("%s%s", notes, summary.bytes);
    text_fini(&summary);
}

int setup_check_config(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct config *c = NULL;
    struct text errors, notes;
    unsigned n = 0;
    enum err e;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    text_init(&errors, REPORT_MAX);
    text_init(&notes, REPORT_MAX);
    e = config_load(&c, cli->config_path, &errors, &n);
    if (e == ERR_OK)
        put_notes(c, &notes);
    if (cli->json)
        print_json(e == ERR_OK, errors.bytes, notes.bytes);
    else
        print_text(cli, c, errors.bytes, n, notes.bytes);
    config_free(c);
    text_fini(&errors);
    text_fini(&notes);
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}
