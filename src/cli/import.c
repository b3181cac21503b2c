/* riposte import acme-dns: from the files of acme-dns to a store and a configuration. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/config_impl.h"
#include "cli/privileges.h"
#include "cli/script.h"
#include "cli/setup.h"
#include "cli/show.h"
#include "db/import_acmedns.h"

#define REPORT_MAX        ((size_t)1 << 20)
#define STORE_FOLDER_MODE 0700
#define INDENT            "         "

struct import {
    const struct cli *cli;
    const char *db, *config_path, *zone, *account;
    bool is_dry;
    struct config *config;
    bool is_converted; /* config is what acme-dns's was turned into, and is to be written */
    struct text yaml;  /* that */
    struct text fate;  /* what became of each key of acme-dns's, a line each; "" without --config */
    struct import_acmedns_report report;
};

/* ---- which configuration ---- */

static bool convert_config(struct import *im)
{
    const struct script script = {.command = "import",
                                  .name = "acme-dns-config",
                                  .needs = "--config needs python3 >= 3.11",
                                  .args = {im->config_path}};
    struct text errors;
    unsigned n = 0;
    bool is_good;

    text_init(&errors, REPORT_MAX);
    is_good = script_run(&script, &im->yaml, &im->fate);
    if (is_good && !im->is_converted)
        goto done; /* there is a configuration already: this was for the report only */
    if (is_good && config_parse(&im->config, "converted", im->yaml.bytes, im->yaml.len, &errors, &n) != ERR_OK) {
        fprintf(
            stderr,
            "%sriposte import: what was made of %s is not a configuration yet. Write it to a file, mend it, and "
            "import with -c FILE:\n" INDENT RIPOSTE_LIBEXECDIR "/acme-dns-config %s\n",
            errors.bytes, im->config_path, im->config_path);
        is_good = false;
    }
done:
    text_fini(&errors);
    return is_good;
}

static bool load_config(struct import *im)
{
    struct text errors;
    unsigned n = 0;
    enum err e;

    im->is_converted = im->config_path != NULL && access(im->cli->config_path, F_OK) != 0;
    if (im->config_path != NULL && !convert_config(im))
        return false;
    if (im->is_converted)
        return true;
    text_init(&errors, REPORT_MAX);
    e = config_load(&im->config, im->cli->config_path, &errors, &n);
    if (e != ERR_OK)
        fprintf(stderr, "%sriposte import: %s has to be mended first\n", errors.bytes, im->cli->config_path);
    text_fini(&errors);
    return e == ERR_OK;
}

/* ---- importing ---- */

static int status_of(enum err e)
{
    if (e == ERR_BUSY)
        return EXIT_STATUS_CONFLICT;
    return e == ERR_NOT_FOUND ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_FAILED;
}

/* Write what only root may, and become whom the store belongs to. */
static int prepare(struct import *im)
{
    struct text why;
    enum err e;

    if (im->is_dry)
        return EXIT_STATUS_DONE;
    if (im->is_converted) {
        int status = setup_write_file("import", im->cli->config_path, &im->yaml, "; every key: man riposte.yaml");

        if (status != EXIT_STATUS_DONE)
            return status;
    }
    text_init(&why, REPORT_MAX);
    e = privileges_make_folder(im->config->store_path, STORE_FOLDER_MODE, im->config->user, &why);
    if (e == ERR_OK)
        e = privileges_drop(im->config->user, &why);
    if (e != ERR_OK)
        fprintf(stderr, "riposte import: %s\n", why.bytes);
    text_fini(&why);
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

static int import(struct import *im, const struct acmedns_source *src)
{
    const struct import_acmedns_options options = {
        .store_path = im->config->store_path,
        .settings = &im->config->settings,
        .clock = &clock_system,
        .zone = im->zone,
        .account = im->account,
        .mode = im->is_dry ? IMPORT_DRY_RUN : IMPORT_FOR_GOOD,
    };
    struct text why;
    int status = prepare(im);
    enum err e;

    if (status != EXIT_STATUS_DONE)
        return status;
    text_init(&why, REPORT_MAX);
    e = import_acmedns(src, &options, &im->report, &why);
    if (e != ERR_OK)
        fprintf(stderr, "riposte import: %s\n", why.bytes);
    text_fini(&why);
    return e == ERR_OK ? EXIT_STATUS_DONE : status_of(e);
}

/* ---- telling ---- */

/* The lines of a text, the first one behind the word, the others below it. */
static void print_lines(const char *word, const char *lines)
{
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");

        printf("%-9s%.*s\n", word, (int)len, lines);
        word = "";
        lines += len + (lines[len] == '\n');
    }
}

static void print_counts(const struct import *im)
{
    const struct import_acmedns_report *r = &im->report;
    char apex[NAME_TEXT_MAX];

    printf("zone     %s: %zu account%s, %zu with allowfrom",
           im->zone != NULL ? im->zone : name_format(&im->config->settings.zones[0].apex, apex), r->imported,
           r->imported == 1 ? "" : "s", r->with_networks);
    if (r->present > 0)
        printf("; %zu %s here already and left as they are", r->present, r->present == 1 ? "is" : "are");
    printf("\nvalues   %zu taken; %zu slot%s empty", r->values_taken, r->values_empty,
           r->values_empty == 1 ? " is" : "s are");
    if (r->values_doubled > 0)
        printf("; %zu twice", r->values_doubled);
    if (r->values_refused > 0)
        printf("; %zu left out (no challenge values, or too many)", r->values_refused);
    puts("");
    if (r->refused > 0)
        printf("refused  %zu record%s not imported\n", r->refused, r->refused == 1 ? "" : "s");
    if (r->denied > 0)
        printf("denied   %zu account%s imported as denied, because the networks cannot be read\n", r->denied,
               r->denied == 1 ? "" : "s");
    if (r->orphans > 0)
        printf("orphans  %zu value%s without an account not imported\n", r->orphans, r->orphans == 1 ? "" : "s");
}

static void print_text_report(const struct import *im)
{
    const struct import_acmedns_report *r = &im->report;

    if (r->imported == 0 && r->refused == 0)
        printf("nothing to do: %zu account%s present, 0 changed\n", r->present, r->present == 1 ? "" : "s");
    else
        print_counts(im);
    print_lines("notes", r->notes.bytes);
    if (r->notes_left_out > 0)
        printf(INDENT "and %zu more\n", r->notes_left_out);
    print_lines("config", im->fate.bytes);
    if (im->config_path != NULL && !im->is_converted)
        printf(INDENT "%s is there already and is used as it is\n", im->cli->config_path);
    if (im->is_dry)
        puts("nothing was written. Run without --dry-run, then: stop acme-dns, start riposte. Way back: stop "
             "riposte, "
             "start acme-dns; its files were only read.");
    else if (r->imported > 0)
        puts("Next: stop acme-dns, start riposte. Way back: stop riposte, start acme-dns; its files were only "
             "read.");
}

static void print_json_report(const struct import *im)
{
    const struct import_acmedns_report *r = &im->report;
    const struct {
        const char *member;
        size_t n;
    } counts[] = {
        {"records", r->records},
        {"imported", r->imported},
        {"present", r->present},
        {"refused", r->refused},
        {"with-networks", r->with_networks},
        {"denied", r->denied},
        {"networks-left-out", r->partial},
        {"values-taken", r->values_taken},
        {"values-doubled", r->values_doubled},
        {"values-left-out", r->values_refused},
        {"values-empty", r->values_empty},
        {"values-without-account", r->orphans},
        {"notes-left-out", r->notes_left_out},
    };
    json_t *object = json_object();

    (void)json_object_set_new(object, "dry-run", json_boolean(im->is_dry));
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        (void)json_object_set_new(object, counts[i].member, json_integer((json_int_t)counts[i].n));
    (void)json_object_set_new(object, "notes", json_string(r->notes.bytes));
    (void)json_object_set_new(object, "config", json_string(im->fate.bytes));
    show_json(object);
}

/* ---- the source ---- */

/* A name in URL form or in key = value form of libpq, as acme-dns's configuration has it. */
static bool is_postgres(const char *db)
{
    return strncmp(db, "postgres://", strlen("postgres://")) == 0 ||
           strncmp(db, "postgresql://", strlen("postgresql://")) == 0;
}

/* postgres://user:PASSWORD@host/… */
static bool has_password(const char *url)
{
    const char *user = strstr(url, "://") + strlen("://");
    size_t len = strcspn(user, "@/");

    return user[len] == '@' && memchr(user, ':', len) != NULL;
}

static struct acmedns_source *open_file(const char *path, const char *shown)
{
    struct acmedns_source *src = NULL;
    struct text why;

    text_init(&why, REPORT_MAX);
    if (acmedns_source_open(&src, path, shown, &why) != ERR_OK)
        fprintf(stderr, "riposte import: %s\n", why.bytes);
    text_fini(&why);
    return src;
}

/* By way of an SQLite file that lives as long as it is read. */
static struct acmedns_source *open_postgres(const char *url)
{
    char folder[] = "/tmp/riposte-import-XXXXXX";
    char path[sizeof folder + sizeof "/acme-dns.db"];
    const struct script script = {.command = "import",
                                  .name = "acme-dns-postgres",
                                  .needs = "reading PostgreSQL needs python3 and python3-psycopg2",
                                  .args = {url, path}};
    struct acmedns_source *src = NULL;
    struct text out, report;

    if (has_password(url))
        fputs("note: a password in an argument is seen by everybody on this machine; leave it out, and give it in "
              "PGPASSWORD or ~/.pgpass\n",
              stderr);
    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "riposte import: cannot make a folder in /tmp: %s\n", strerror(errno));
        return NULL;
    }
    (void)snprintf(path, sizeof path, "%s/acme-dns.db", folder);
    text_init(&out, REPORT_MAX);
    text_init(&report, REPORT_MAX);
    if (script_run(&script, &out, &report))
        src = open_file(path, "what came from PostgreSQL");
    text_fini(&out);
    text_fini(&report);
    (void)unlink(path); /* not there after a failure */
    (void)rmdir(folder);
    return src;
}

/* ---- the command ---- */

static int work(struct import *im)
{
    struct acmedns_source *src;
    int status;

    if (!load_config(im))
        return EXIT_STATUS_FAILED;
    if (crypto_init() != ERR_OK) {
        fputs("riposte import: the cryptographic library does not work\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    src = is_postgres(im->db) ? open_postgres(im->db) : open_file(im->db, im->db);
    if (src == NULL)
        return EXIT_STATUS_FAILED;
    status = import(im, src);
    acmedns_source_free(src);
    if (status == EXIT_STATUS_DONE && im->cli->json)
        print_json_report(im);
    else if (status == EXIT_STATUS_DONE && !im->cli->quiet)
        print_text_report(im);
    return status;
}

static int run_import(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec specs[] = {{"--db", OPTION_TEXT},
                                               {"--config", OPTION_TEXT},
                                               {"--zone", OPTION_TEXT},
                                               {"--account", OPTION_TEXT},
                                               {"--dry-run", OPTION_FLAG}};
    struct import im = {.cli = cli};
    struct args a;
    int status;

    if (!args_parse(&a, cli->command, specs, ARRAY_LEN(specs), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    im.db = args_text(&a, "--db");
    im.config_path = args_text(&a, "--config");
    im.zone = args_text(&a, "--zone");
    im.account = args_text(&a, "--account");
    im.is_dry = args_flag(&a, "--dry-run");
    if (im.db == NULL)
        return args_refuse(&a, "from which database? --db is needed");
    text_init(&im.yaml, CONFIG_FILE_MAX);
    text_init(&im.fate, REPORT_MAX);
    text_init(&im.report.notes, IMPORT_NOTES_MAX);
    status = work(&im);
    config_free(im.config);
    text_fini(&im.yaml);
    text_fini(&im.fate);
    text_fini(&im.report.notes);
    return status;
}

const struct command import_commands[] = {
    {"import acme-dns", "--db FILE|URL [--config FILE] [--zone ORIGIN] [--account A] [--dry-run]",
     "take over the accounts of acme-dns, and its configuration",
     "Reads acme-dns's database, SQLite or PostgreSQL (never writes it), and makes an account, a name, a "
     "credential and the live\n"
     "values of each record: clients go on with what they have. All of it or nothing; what is here already stays "
     "as\n"
     "it is, so it can be run again. The server must not run, except with --dry-run.\n\n"
     "  --db FILE|URL   acme-dns's database, such as /var/lib/acme-dns/acme-dns.db or "
     "postgres://user@host/acmedns\n"
     "  --config FILE   acme-dns's configuration: becomes riposte.yaml when there is none yet (python3 >= 3.11)\n"
     "  --zone ORIGIN   where the names go; the first zone of the configuration if none\n"
     "  --account A     all names into one account; an account for each if none\n"
     "  --dry-run       only say what would be done\n\n"
     "  riposte import acme-dns --db /var/lib/acme-dns/acme-dns.db --config /etc/acme-dns/config.cfg --dry-run\n",
     run_import},
    {NULL, NULL, NULL, NULL, NULL},
};
