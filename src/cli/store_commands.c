/* check store and backup. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/quantity.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/config.h"
#include "cli/show.h"
#include "db/store.h"

#define REPORT_MAX       ((size_t)1 << 20)
#define PATH_TEXT_MAX    4096
#define BACKUP_FILE_MODE 0600

/* The store's path in the configuration. False: it cannot be known, which has been explained. */
static bool find_store(const struct cli *cli, struct config **config)
{
    struct text report;
    unsigned errors = 0;
    enum err e;

    text_init(&report, REPORT_MAX);
    e = config_load(config, cli->config_path, &report, &errors);
    if (e != ERR_OK)
        fprintf(stderr, "%sriposte: %s says where the store is: it has to be mended first\n", report.bytes,
                cli->config_path);
    text_fini(&report);
    return e == ERR_OK;
}

static void show_checked(const struct cli *cli, const char *path, enum err e, const char *report)
{
    if (cli->json) {
        show_json(json_pack("{s:s, s:b, s:s}", "store", path, "ok", e == ERR_OK, "report", report));
        return;
    }
    if (!cli->quiet || e != ERR_OK)
        fputs(report, e == ERR_OK ? stdout : stderr);
    if (!cli->quiet && e == ERR_OK)
        printf("%s: good (integrity, foreign keys, state as the journal says)\n", path);
    if (e == ERR_CORRUPT)
        fprintf(stderr, "%s is damaged: keep a copy of it, and start from the newest backup\n", path);
}

static int run_check_store(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct config *config = NULL;
    struct text report;
    enum err e;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    if (!find_store(cli, &config))
        return EXIT_STATUS_FAILED;
    text_init(&report, REPORT_MAX);
    e = store_check_sqlite(config->store_path, &report);
    show_checked(cli, config->store_path, e, report.bytes);
    text_fini(&report);
    config_free(config);
    if (e == ERR_OK)
        return EXIT_STATUS_DONE;
    return e == ERR_CORRUPT ? EXIT_STATUS_CHECK_FAILED : EXIT_STATUS_FAILED;
}

/* Make what was written durable under its name, or leave nothing. */
static int finish_backup(int fd, const char *temporary, const char *path)
{
    if (fsync(fd) == 0 && link(temporary, path) == 0) {
        (void)unlink(temporary);
        return EXIT_STATUS_DONE;
    }
    fprintf(stderr, "riposte backup: cannot write %s: %s\n", path, strerror(errno));
    return EXIT_STATUS_FAILED;
}

/* What a header counts. */
static uint64_t number(const char *text)
{
    uint64_t n = 0;

    return quantity_parse_uint(&n, text, strlen(text), INT64_MAX) == ERR_OK ? n : 0;
}

static void show_backup(const struct cli *cli, const struct client *c, const char *path, int64_t octets)
{
    const char *changes = client_header(c, "Riposte-Changes"), *names = client_header(c, "Riposte-Names");
    char size[QUANTITY_TEXT_MAX];

    if (cli->json)
        show_json(json_pack("{s:s, s:I, s:I, s:I}", "file", path, "changes", (json_int_t)number(changes), "names",
                            (json_int_t)number(names), "octets", (json_int_t)octets));
    else if (!cli->quiet)
        printf("%s change%s, %s name%s, %s, verified (integrity, journal folds to state)\n", changes,
               strcmp(changes, "1") == 0 ? "" : "s", names, strcmp(names, "1") == 0 ? "" : "s",
               quantity_format_size((uint64_t)octets, size));
}

static int download_backup(const struct cli *cli, const char *path)
{
    char temporary[PATH_TEXT_MAX];
    struct client *c = client_new(cli);
    int result = EXIT_STATUS_FAILED;
    int fd;

    if (c == NULL)
        return EXIT_STATUS_FAILED;
    (void)snprintf(temporary, sizeof(temporary), "%s.part", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, BACKUP_FILE_MODE);
    if (fd < 0) {
        fprintf(stderr, "riposte backup: cannot make %s: %s\n", temporary, strerror(errno));
        client_free(c);
        return EXIT_STATUS_FAILED;
    }
    result = client_download(c, "POST", "/v1/backup", fd);
    if (result == EXIT_STATUS_DONE)
        result = finish_backup(fd, temporary, path);
    if (result != EXIT_STATUS_DONE)
        (void)unlink(temporary);
    else
        show_backup(cli, c, path, (int64_t)lseek(fd, 0, SEEK_END));
    close(fd);
    client_free(c);
    return result;
}

static int run_backup(const struct cli *cli, int argc, char **argv)
{
    struct args a;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (strlen(a.rest[0]) + sizeof(".part") > PATH_TEXT_MAX) {
        fputs("riposte backup: the path is too long\n", stderr);
        return EXIT_STATUS_USAGE;
    }
    if (access(a.rest[0], F_OK) == 0) {
        fprintf(stderr, "riposte backup: %s is there already; a backup never overwrites\n", a.rest[0]);
        return EXIT_STATUS_CONFLICT;
    }
    return download_backup(cli, a.rest[0]);
}

const struct command store_commands[] = {
    {"check store", "", "look for damage in the database",
     "Integrity, foreign keys, and that the state is what the journal says. Works while the server runs.\n\n"
     "    riposte check store\n",
     run_check_store},
    {"backup", "FILE", "a verified copy of the running server's database",
     "Taken while the server works, checked, and then written to FILE, which must not exist.\n"
     "Registrations, values and the journal are in it; a copy of the file by other means may be torn.\n\n"
     "    riposte backup /backup/riposte-$(date +%F).db\n",
     run_backup},
    {NULL, NULL, NULL, NULL, NULL},
};
