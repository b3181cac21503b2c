/* riposte restore: a backup in the place of the store. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/key_file.h"
#include "cli/privileges.h"
#include "cli/show.h"
#include "db/restore.h"

#define REPORT_MAX        ((size_t)1 << 20)
#define PATH_TEXT_MAX     4096
#define STORE_FOLDER_MODE 0700
#define LISTED_MAX        200000 /* more than these are counted only */
#define NAMED_MAX         5      /* of each sort, without --list */
#define FATES             2

struct found {
    enum restore_fate fate;
    enum restore_kind kind;
    char *what;
};

struct restore {
    const struct cli *cli;
    const char *file;
    enum restore_mode mode;
    int fd;
    struct config *config;
    struct seal_key key;
    bool has_key;
    struct text key_path, key_why; /* why: the key cannot be read */
    struct found *found;
    size_t n_found, cap_found;
    size_t counts[FATES][RESTORE_KINDS];
    bool no_memory;
    struct restore_report report;
};

/* ---- what is found ---- */

static void note(void *arg, const struct restore_finding *f)
{
    struct restore *r = arg;
    struct found *grown;

    r->counts[f->fate][f->kind]++;
    if (r->n_found >= LISTED_MAX || r->no_memory)
        return;
    if (r->n_found == r->cap_found) {
        size_t cap = r->cap_found > 0 ? r->cap_found * 2 : 64;
        grown = reallocarray(r->found, cap, sizeof *grown);
        if (grown != NULL) {
            r->found = grown;
            r->cap_found = cap;
        }
        r->no_memory = grown == NULL;
    }
    if (!r->no_memory) {
        r->found[r->n_found] = (struct found){.fate = f->fate, .kind = f->kind, .what = strdup(f->what)};
        r->no_memory = r->found[r->n_found].what == NULL;
        r->n_found += r->no_memory ? 0 : 1;
    }
}

static size_t count_of(const struct restore *r, enum restore_fate fate)
{
    size_t n = 0;

    for (size_t k = 0; k < RESTORE_KINDS; k++)
        n += r->counts[fate][k];
    return n;
}

/* ---- telling ---- */

static const struct {
    const char *word, *lost[2], *revived[2]; /* one, several */
} kinds[RESTORE_KINDS] = {
    [RESTORE_ACCOUNT] = {"account",
                         {"account", "accounts"},
                         {"deleted or disabled account", "deleted or disabled accounts"}},
    [RESTORE_NAME] = {"name", {"name", "names"}, {"retired name", "retired names"}},
    [RESTORE_CREDENTIAL] = {"credential",
                            {"credential", "credentials"},
                            {"revoked credential", "revoked credentials"}},
    [RESTORE_SECRET] = {"secret", {"newer secret", "newer secrets"}, {"replaced secret", "replaced secrets"}},
    [RESTORE_TOKEN] = {"token", {"token", "tokens"}, {"revoked or used token", "revoked or used tokens"}},
    [RESTORE_ALIAS] = {"alias", {"alias", "aliases"}, {"ended alias", "ended aliases"}},
    [RESTORE_PINNED] = {"pinned-value",
                        {"pinned value", "pinned values"},
                        {"removed pinned value", "removed pinned values"}},
    [RESTORE_RIGHTS] = {"rights",
                        {"right", "rights"},
                        {"wider right than at present", "wider rights than at present"}},
};

static const char *when(int64_t real_s, char out[SHOW_WHEN_MAX])
{
    char text[CLOCK_TEXT_MAX];

    return real_s > 0 ? show_when(clock_format_rfc3339(real_s, text), out) : "empty";
}

static void print_present(const struct restore *r)
{
    const struct restore_report *rep = &r->report;
    char text[SHOW_WHEN_MAX];

    printf("this backup ends at change %" PRIu64 " (%s); ", rep->backup_seq, when(rep->backup_s, text));
    switch (rep->present) {
    case RESTORE_PRESENT_READ:
        printf("the present store is readable and ends at %" PRIu64 ".", rep->present_seq);
        break;
    case RESTORE_PRESENT_MISSING:
        printf("there is no store at %s.\n", r->config->store_path);
        break;
    case RESTORE_PRESENT_UNREADABLE:
        printf("the present store cannot be read: %s.\n", rep->present_why.bytes);
        break;
    }
}

/* "2 revoked credentials: web1 (4f1d09aa), old-router (9aa0c3d1)" */
static void print_revived(const struct restore *r, enum restore_kind kind)
{
    size_t n = r->counts[RESTORE_REVIVED][kind], named = 0;

    printf("  REVIVE   %zu %s:", n, kinds[kind].revived[n == 1 ? 0 : 1]);
    for (size_t i = 0; i < r->n_found && named < NAMED_MAX; i++)
        if (r->found[i].fate == RESTORE_REVIVED && r->found[i].kind == kind)
            printf("%s %s", named++ > 0 ? "," : "", r->found[i].what);
    if (n > named)
        printf(" and %zu more", n - named);
    puts("");
}

static void print_lost(const struct restore *r)
{
    const char *between = "  lose     ";

    for (size_t k = 0; k < RESTORE_KINDS; k++) {
        size_t n = r->counts[RESTORE_LOST][k];
        if (n > 0)
            printf("%s%zu %s", between, n, kinds[k].lost[n == 1 ? 0 : 1]);
        if (n > 0)
            between = ", ";
    }
    printf("   (riposte restore --list %s shows them)\n", r->file);
}

static void print_list(const struct restore *r)
{
    for (enum restore_fate fate = RESTORE_LOST; fate <= RESTORE_REVIVED; fate++)
        for (size_t i = 0; i < r->n_found; i++) {
            const struct found *f = &r->found[i];
            if (f->fate == fate)
                printf("  %-8s %s %s\n", fate == RESTORE_LOST ? "lose" : "REVIVE",
                       fate == RESTORE_LOST ? kinds[f->kind].lost[0] : kinds[f->kind].revived[0], f->what);
        }
    if (count_of(r, RESTORE_LOST) + count_of(r, RESTORE_REVIVED) > r->n_found)
        printf("  and %zu more\n", count_of(r, RESTORE_LOST) + count_of(r, RESTORE_REVIVED) - r->n_found);
}

static void print_differences(const struct restore *r)
{
    if (r->report.present != RESTORE_PRESENT_READ)
        return;
    if (count_of(r, RESTORE_LOST) + count_of(r, RESTORE_REVIVED) == 0) {
        puts(" Restoring loses and revives nothing.");
        return;
    }
    puts(" Restoring would");
    if (r->mode == RESTORE_LOOK) {
        print_list(r);
        return;
    }
    if (count_of(r, RESTORE_LOST) > 0)
        print_lost(r);
    for (size_t k = 0; k < RESTORE_KINDS; k++)
        if (r->counts[RESTORE_REVIVED][k] > 0)
            print_revived(r, (enum restore_kind)k);
}

static void print_restored(const struct restore *r)
{
    const struct restore_report *rep = &r->report;

    printf("restored %zu name%s and %zu credential%s", rep->names, rep->names == 1 ? "" : "s", rep->credentials,
           rep->credentials == 1 ? "" : "s");
    if (r->mode == RESTORE_KEEP)
        printf("; what was revoked, retired or replaced since stays so");
    printf(". Changes go on from %" PRIu64 ", serials from where they are, never back.\n", rep->next_seq);
    if (rep->kept.len > 0)
        printf("the store of before is kept: %s\n", rep->kept.bytes);
    puts("now start the server");
}

/* What may be wrong with the result, for people in any case. */
static void print_warnings(const struct restore *r)
{
    const struct restore_report *rep = &r->report;

    if (!rep->restored)
        return;
    if (rep->present != RESTORE_PRESENT_READ)
        fputs("riposte restore: warning: what was revoked or retired since the backup could not be kept, and is "
              "live again: revoke it again before the server starts to be used\n",
              stderr);
    if (rep->unreadable_keys > 0)
        fprintf(stderr,
                "riposte restore: warning: %zu TSIG key%s cannot be opened with %s%s%s: put the key file of then "
                "there, or give new keys: riposte credential rotate ... --tsig\n",
                rep->unreadable_keys, rep->unreadable_keys == 1 ? "" : "s", r->key_path.bytes,
                r->key_why.len > 0 ? ", " : "", r->key_why.bytes);
}

static json_t *json_found(const struct restore *r, enum restore_fate fate)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_found; i++)
        if (r->found[i].fate == fate)
            (void)json_array_append_new(
                list, json_pack("{s:s, s:s}", "kind", kinds[r->found[i].kind].word, "what", r->found[i].what));
    return list;
}

static json_t *json_when(int64_t real_s)
{
    char text[CLOCK_TEXT_MAX];

    return real_s > 0 ? json_string(clock_format_rfc3339(real_s, text)) : json_null();
}

static void print_json(const struct restore *r)
{
    static const char *const present[] = {[RESTORE_PRESENT_MISSING] = "missing",
                                          [RESTORE_PRESENT_UNREADABLE] = "unreadable",
                                          [RESTORE_PRESENT_READ] = "readable"};
    const struct restore_report *rep = &r->report;

    show_json(json_pack("{s:b, s:{s:I, s:o}, s:{s:s, s:I, s:o, s:s}, s:I, s:o, s:o, s:I, s:I, s:I, s:s}",
                        "restored", rep->restored, "backup", "change", (json_int_t)rep->backup_seq, "time",
                        json_when(rep->backup_s), "present", "state", present[rep->present], "change",
                        (json_int_t)rep->present_seq, "time", json_when(rep->present_s), "why",
                        rep->present_why.bytes, "next-change", (json_int_t)rep->next_seq, "lose",
                        json_found(r, RESTORE_LOST), "revive", json_found(r, RESTORE_REVIVED), "names",
                        (json_int_t)rep->names, "credentials", (json_int_t)rep->credentials, "unreadable-keys",
                        (json_int_t)rep->unreadable_keys, "kept", rep->kept.bytes));
}

static int tell(const struct restore *r)
{
    const struct restore_report *rep = &r->report;

    if (r->no_memory)
        fputs("riposte restore: out of memory: the list is not whole\n", stderr);
    if (r->cli->json) {
        print_json(r);
    } else if (!r->cli->quiet || !rep->restored) {
        print_present(r);
        print_differences(r);
        if (rep->restored)
            print_restored(r);
    }
    print_warnings(r);
    if (!rep->needs_choice)
        return EXIT_STATUS_DONE;
    (void)fflush(stdout);
    fprintf(stderr,
            "choose: --keep-revocations (recommended) or --exactly. The serial will go on from %" PRIu64
            ", never back.\n",
            rep->next_seq);
    return EXIT_STATUS_CONFLICT;
}

/* ---- the backup ---- */

/* A database that stands alone: one with a log beside it is a server's, or of one that was killed. */
static int open_backup(struct restore *r)
{
    static const char *const logs[] = {"-wal", "-journal"};
    char beside[PATH_TEXT_MAX];
    struct stat sb;

    r->fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &sb) != 0) {
        int status = errno == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_FAILED;

        fprintf(stderr, "riposte restore: cannot read %s: %s\n", r->file, strerror(errno));
        return status;
    }
    if (!S_ISREG(sb.st_mode)) {
        fprintf(stderr, "riposte restore: %s is not a file\n", r->file);
        return EXIT_STATUS_FAILED;
    }
    for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
        if (snprintf(beside, sizeof beside, "%s%s", r->file, logs[i]) >= (int)sizeof beside ||
            stat(beside, &sb) != 0 || sb.st_size == 0)
            continue;
        fprintf(stderr,
                "riposte restore: beside %s is %s: it is the database of a server, and its newest changes are in "
                "there. Name a backup that riposte backup made\n",
                r->file, beside);
        return EXIT_STATUS_FAILED;
    }
    return EXIT_STATUS_DONE;
}

/* ---- the command ---- */

static bool load_config(struct restore *r)
{
    struct text errors;
    unsigned n = 0;
    enum err e;

    text_init(&errors, REPORT_MAX);
    e = config_load(&r->config, r->cli->config_path, &errors, &n);
    if (e != ERR_OK)
        fprintf(stderr, "%sriposte restore: %s says where the store is: it has to be mended first\n", errors.bytes,
                r->cli->config_path);
    text_fini(&errors);
    return e == ERR_OK;
}

/* The key as it is: none is made here. */
static void load_key(struct restore *r)
{
    enum err e = key_file_path(&r->key_path, r->config->store_key, r->config->store_path);

    if (e == ERR_OK && access(r->key_path.bytes, F_OK) != 0)
        text_printf(&r->key_why, "which cannot be found: %s", strerror(errno));
    else if (e == ERR_OK)
        r->has_key = key_file_load(&r->key, r->key_path.bytes, &r->key_why) == ERR_OK;
}

/* Become whom the store belongs to; the backup was opened before. */
static enum err become_owner(struct restore *r, struct text *why)
{
    enum err e = ERR_OK;

    if (r->mode != RESTORE_LOOK)
        e = privileges_make_folder(r->config->store_path, STORE_FOLDER_MODE, r->config->user, why);
    return e == ERR_OK ? privileges_drop(r->config->user, why) : e;
}

static int status_of(enum err e)
{
    return e == ERR_BUSY || e == ERR_STALE ? EXIT_STATUS_CONFLICT : EXIT_STATUS_FAILED;
}

static void explain(const struct restore *r, enum err e, const char *why)
{
    size_t len = strlen(why);

    fprintf(stderr, "riposte restore: %s%s", why, len > 0 && why[len - 1] == '\n' ? "" : "\n");
    if (e == ERR_BUSY && r->mode != RESTORE_LOOK)
        fprintf(stderr, "    while it runs, this only looks: riposte restore --list %s\n", r->file);
    if (e == ERR_STALE)
        fputs("    to go on without: --exactly\n", stderr);
}

static int restore(struct restore *r)
{
    struct restore_options o = {.store_path = r->config->store_path,
                                .backup_path = r->file,
                                .backup_fd = r->fd,
                                .mode = r->mode,
                                .clock = &clock_system,
                                .visit = note,
                                .visit_arg = r};
    struct text why;
    int status;
    enum err e;

    text_init(&why, REPORT_MAX);
    e = become_owner(r, &why);
    if (e == ERR_OK) {
        load_key(r);
        o.seal = r->has_key ? &r->key : NULL;
        e = store_restore(&o, &r->report, &why);
    }
    if (e != ERR_OK)
        explain(r, e, why.bytes);
    text_fini(&why);
    status = e == ERR_OK ? tell(r) : status_of(e);
    return status;
}

static int work(struct restore *r)
{
    int status;

    if (!load_config(r))
        return EXIT_STATUS_FAILED;
    if (crypto_init() != ERR_OK) {
        fputs("riposte restore: the cryptographic library does not work\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    status = open_backup(r);
    return status == EXIT_STATUS_DONE ? restore(r) : status;
}

static int run_restore(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec specs[] = {
        {"--keep-revocations", OPTION_FLAG}, {"--exactly", OPTION_FLAG}, {"--list", OPTION_FLAG}};
    struct restore r = {.cli = cli, .fd = -1, .mode = RESTORE_ASK};
    unsigned given = 0;
    struct args a;
    int status;

    if (!args_parse(&a, cli->command, specs, ARRAY_LEN(specs), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        given += args_flag(&a, specs[i].name) ? 1u : 0u;
    if (given > 1)
        return args_refuse(&a, "--keep-revocations, --exactly and --list exclude each other");
    if (args_flag(&a, "--keep-revocations"))
        r.mode = RESTORE_KEEP;
    else if (args_flag(&a, "--exactly"))
        r.mode = RESTORE_EXACTLY;
    else if (args_flag(&a, "--list"))
        r.mode = RESTORE_LOOK;
    r.file = a.rest[0];
    text_init(&r.key_path, PATH_TEXT_MAX);
    text_init(&r.key_why, PATH_TEXT_MAX);
    text_init(&r.report.present_why, REPORT_MAX);
    text_init(&r.report.kept, PATH_TEXT_MAX + 64);
    status = work(&r);
    for (size_t i = 0; i < r.n_found; i++)
        free(r.found[i].what);
    free(r.found);
    crypto_wipe(&r.key, sizeof r.key);
    text_fini(&r.key_path);
    text_fini(&r.key_why);
    text_fini(&r.report.present_why);
    text_fini(&r.report.kept);
    config_free(r.config);
    if (r.fd >= 0)
        (void)close(r.fd); /* only read */
    return status;
}

const struct command restore_commands[] = {
    {"restore", "FILE [--keep-revocations | --exactly | --list]", "put a backup in the place of the store",
     "The server must not run. The new store is made from FILE beside the present one, checked, and takes its "
     "place\n"
     "in one step; the present one is kept as riposte.db.before-restore-TIME. Positions in the journal and serials "
     "of\n"
     "zones go on, never back. When something in the present store would be lost or come back, or it cannot be "
     "read,\n"
     "nothing is done until one of these is given:\n\n"
     "  --keep-revocations  revoked credentials and tokens, replaced secrets, deleted or disabled accounts, "
     "retired\n"
     "                      names, ended aliases, removed pinned values and narrowed rights stay so; names that "
     "are not in FILE "
     "are\n"
     "                      retired, so that nobody else gets them while CNAMEs point there\n"
     "  --exactly           as it was then, with all of that live again\n"
     "  --list              only show what would be lost and what would come back; the server may run\n\n"
     "  riposte restore /backup/riposte-2026-11-14.db --keep-revocations\n",
     run_restore},
    {NULL, NULL, NULL, NULL, NULL},
};
