/* riposte apply: accounts, names and credentials as a file says. The plan is asked for first and shown; what is
 * done then is that plan, or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/accounts_file.h"
#include "cli/admin.h"
#include "cli/show.h"

#define REPORT_MAX   ((size_t)1 << 20)
#define PATH_MAX_LEN 256
#define SECRETS_MODE 0600

struct applying {
    const struct cli *cli;
    struct args args;
    struct accounts_file *file;
    struct client *client;
    const char *secrets_path; /* NULL: they are printed */
    int secrets_fd;           /* -1: none yet */
};

/* ---- showing the plan ---- */

struct counts {
    size_t made, changed, ended, secrets, domains;
};

static bool is_word(const json_t *step, const char *member, const char *word)
{
    return strcmp(show_text(step, member), word) == 0;
}

static struct counts count_steps(const json_t *steps)
{
    struct counts n = {0};
    json_t *step;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        bool is_new = is_word(step, "action", "create");
        n.made += is_new ? 1u : 0u;
        n.changed += is_word(step, "action", "change") ? 1u : 0u;
        n.secrets += is_new && is_word(step, "what", "credential") ? 1u : 0u;
        n.domains += json_array_size(json_object_get(step, "domains"));
    }
    n.ended = json_array_size(steps) - n.made - n.changed;
    return n;
}

/* Text of the file or the server, in which there may be anything: control characters are shown as '?'. */
static void put_plain(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' || *text == '\x7f' ? '?' : *text, to);
}

static void show_changes(FILE *to, const json_t *step)
{
    const json_t *changes = json_object_get(step, "changes");
    json_t *change;
    size_t i;

    json_array_foreach(changes, i, change)
    {
        fprintf(to, "      %-13s", show_text(change, "member"));
        if (json_is_string(json_object_get(change, "from"))) {
            put_plain(to, show_text(change, "from")[0] != '\0' ? show_text(change, "from") : "none");
            fputs("  ->  ", to);
        }
        put_plain(to, show_text(change, "to")[0] != '\0' ? show_text(change, "to") : "none");
        fputc('\n', to);
    }
}

static void show_step(FILE *to, const json_t *step)
{
    const char *what = show_text(step, "what");
    bool is_end = is_word(step, "action", "retire") || is_word(step, "action", "revoke");
    int64_t values = show_int(step, "values");

    fprintf(to, "  %c %s ", is_word(step, "action", "create") ? '+' : is_end ? '-' : '~', what);
    put_plain(to, show_text(step, strcmp(what, "credential") == 0 ? "label" : what));
    if (json_is_string(json_object_get(step, "credential")))
        fprintf(to, " (%s)", show_text(step, "credential"));
    if (is_end)
        fprintf(to, ": %s for good", is_word(step, "action", "retire") ? "is retired" : "is revoked");
    if (values > 0)
        fprintf(to, ", with %lld live value%s", (long long)values, values == 1 ? "" : "s");
    fputc('\n', to);
    show_changes(to, step);
}

/* As a difference: + comes, ~ becomes another, - goes. */
static void show_plan(FILE *to, const json_t *plan)
{
    const json_t *steps = json_object_get(plan, "steps");
    struct counts n = count_steps(steps);
    const char *account = "";
    json_t *step;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        if (i == 0 || strcmp(account, show_text(step, "account")) != 0) {
            account = show_text(step, "account");
            fputs("in account ", to);
            put_plain(to, account);
            fputs(":\n", to);
        }
        show_step(to, step);
    }
    fprintf(to, "%zu to make, %zu to change, %zu to retire or revoke; %lld as the file says already\n", n.made,
            n.changed, n.ended, (long long)show_int(plan, "unchanged"));
}

/* ---- what comes of it ---- */

/* What somebody has to create at the domains' own DNS providers. */
static void show_cnames(const json_t *steps)
{
    json_t *step, *domain;
    size_t i, k;

    puts("create at the domains' DNS providers, if they are not there yet:");
    json_array_foreach(steps, i, step)
    {
        const json_t *domains = json_object_get(step, "domains");
        json_array_foreach(domains, k, domain)
            printf("  _acme-challenge.%s. IN CNAME %s.\n", json_string_value(domain), show_text(step, "name"));
    }
}

static void show_secrets(const json_t *secrets)
{
    static const char *const headings[] = {"ACCOUNT", "LABEL", "ID", "NAMES", "KIND", "SECRET", NULL};
    char joined[SHOW_LIST_MAX];
    struct show_table t;
    json_t *one;
    size_t i;

    puts("secrets, shown only now:");
    show_table_init(&t, headings);
    json_array_foreach(secrets, i, one)
    {
        show_cell(&t, show_text(one, "account"));
        show_cell(&t, show_text(one, "label"));
        show_cell(&t, show_text(one, "credential"));
        show_cell(&t, show_joined(json_object_get(one, "names"), joined, sizeof joined));
        show_cell(&t, json_is_true(json_object_get(one, "tsig")) ? "TSIG key" : "secret");
        show_cell(&t, show_text(one, "secret"));
    }
    show_table_end(&t, "none");
}

/* Write them where they were asked for. If that fails, they must not be lost: then they are printed. */
static int keep_secrets(struct applying *a, const json_t *secrets)
{
    if (json_dumpfd(secrets, a->secrets_fd, JSON_INDENT(2)) == 0 && write(a->secrets_fd, "\n", 1) == 1 &&
        fsync(a->secrets_fd) == 0) {
        if (!a->cli->quiet)
            fprintf(stderr, "%zu secret%s in %s (mode 0600); nothing else has them\n", json_array_size(secrets),
                    json_array_size(secrets) == 1 ? "" : "s", a->secrets_path);
        return EXIT_STATUS_DONE;
    }
    fprintf(stderr, "riposte apply: %s: %s; so the secrets follow here\n", a->secrets_path, strerror(errno));
    show_secrets(secrets);
    return EXIT_STATUS_FAILED;
}

static int show_done(struct applying *a, json_t *reply)
{
    const json_t *steps = json_object_get(reply, "steps");
    const json_t *secrets = json_object_get(reply, "secrets");
    struct counts n = count_steps(steps);
    int result = EXIT_STATUS_DONE;

    if (a->secrets_fd >= 0 && json_array_size(secrets) > 0) {
        result = keep_secrets(a, secrets);
        (void)json_object_set_new(reply, "secrets", json_array());
        secrets = json_object_get(reply, "secrets");
    }
    if (a->cli->json) {
        show_json(json_incref(reply));
        return result;
    }
    if (!a->cli->quiet)
        printf("done: %zu made, %zu changed, %zu retired or revoked\n", n.made, n.changed, n.ended);
    if (!a->cli->quiet && n.domains > 0)
        show_cnames(steps);
    if (json_array_size(secrets) > 0)
        show_secrets(secrets);
    return result;
}

/* ---- a place for the secrets ---- */

/* They are shown once: before anything is done it must be clear where. */
static int prepare_secrets(struct applying *a, size_t n)
{
    if (n == 0)
        return EXIT_STATUS_DONE;
    if (a->secrets_path == NULL) {
        if (a->cli->json || isatty(STDOUT_FILENO))
            return EXIT_STATUS_DONE;
        fprintf(stderr,
                "riposte apply: %zu credential%s would be made, whose secrets are shown once; nothing was done\n"
                "  say where they go: --secrets FILE, which is made with mode 0600, or --json to have them in the "
                "output\n",
                n, n == 1 ? "" : "s");
        return EXIT_STATUS_USAGE;
    }
    a->secrets_fd = open(a->secrets_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SECRETS_MODE);
    if (a->secrets_fd >= 0)
        return EXIT_STATUS_DONE;
    fprintf(stderr, "riposte apply: %s: %s; nothing was done\n%s", a->secrets_path, strerror(errno),
            errno == EEXIST ? "  the secrets of an earlier time are not overwritten: name another file\n" : "");
    return EXIT_STATUS_FAILED;
}

/* Nothing was made: an empty file would only be in the way. */
static void drop_secrets(struct applying *a)
{
    if (a->secrets_fd < 0)
        return;
    (void)unlink(a->secrets_path);
    (void)close(a->secrets_fd);
    a->secrets_fd = -1;
}

/* ---- the calls ---- */

static bool place(void *arg, const char *detail, char *out, size_t cap)
{
    const struct applying *a = arg;
    char found[ACCOUNTS_PLACE_MAX];
    bool is_known = accounts_file_place(a->file, detail, found);

    if (is_known)
        (void)snprintf(out, cap, "%s", found);
    return is_known;
}

/* expect: the id of a plan, then it is carried out; NULL: it is only made. */
static int call(struct applying *a, const char *expect, json_t **reply)
{
    char path[PATH_MAX_LEN];

    (void)snprintf(path, sizeof path, "/v1/apply?prune=%d&force=%d%s%.64s", args_flag(&a->args, "--prune"),
                   args_flag(&a->args, "--force"), expect != NULL ? "&expect=" : "&plan=1",
                   expect != NULL ? expect : "");
    return client_call(a->client, "POST", path, accounts_file_body(a->file), reply);
}

static int carry_out(struct applying *a, const json_t *plan)
{
    struct counts n = count_steps(json_object_get(plan, "steps"));
    json_t *reply = NULL;
    int result = prepare_secrets(a, n.secrets);

    if (result != EXIT_STATUS_DONE)
        return result;
    if (!admin_confirm(a->cli, "do this?%s",
                       n.ended > 0 ? " What is retired or revoked does not come back." : "")) {
        drop_secrets(a);
        return EXIT_STATUS_FAILED;
    }
    result = call(a, show_text(plan, "plan"), &reply);
    if (result == EXIT_STATUS_DONE)
        result = show_done(a, reply);
    else
        drop_secrets(a);
    json_decref(reply);
    return result;
}

static int plan_and_apply(struct applying *a)
{
    json_t *plan = NULL;
    int result = call(a, NULL, &plan);
    bool is_empty = json_array_size(json_object_get(plan, "steps")) == 0;

    if (result != EXIT_STATUS_DONE)
        return result;
    if (a->cli->json && (is_empty || args_flag(&a->args, "--plan")))
        show_json(json_incref(plan));
    else if (is_empty && !a->cli->quiet)
        printf("nothing to do: %lld as the file says\n", (long long)show_int(plan, "unchanged"));
    else if (!is_empty && !(a->cli->quiet && a->cli->yes))
        show_plan(a->cli->json ? stderr : stdout, plan);
    if (!is_empty && !args_flag(&a->args, "--plan")) {
        (void)fflush(stdout); /* before the question, which goes elsewhere */
        result = carry_out(a, plan);
    }
    json_decref(plan);
    return result;
}

static int load(struct applying *a, const char *path)
{
    struct text report;
    enum err e;

    text_init(&report, REPORT_MAX);
    e = accounts_file_load(&a->file, path, &report);
    fputs(report.bytes, stderr);
    if (e != ERR_OK && report.len == 0)
        fprintf(stderr, "riposte apply: %s: %s\n", path, err_text(e));
    else if (a->file == NULL)
        fprintf(stderr, "riposte apply: nothing was done\n");
    text_fini(&report);
    return a->file != NULL ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

static int run_apply(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--prune", OPTION_FLAG}, {"--force", OPTION_FLAG}, {"--plan", OPTION_FLAG}, {"--secrets", OPTION_TEXT}};
    struct applying a = {.cli = cli, .secrets_fd = -1};
    int result;

    if (!args_parse(&a.args, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_flag(&a.args, "--force") && !args_flag(&a.args, "--prune"))
        return args_refuse(&a.args, "--force is for names that --prune retires");
    a.secrets_path = args_text(&a.args, "--secrets");
    result = load(&a, a.args.rest[0]);
    if (result == EXIT_STATUS_DONE)
        a.client = client_new(cli);
    if (a.client != NULL) {
        client_set_place(a.client, place, &a);
        result = plan_and_apply(&a);
    } else if (result == EXIT_STATUS_DONE) {
        result = EXIT_STATUS_FAILED;
    }
    client_free(a.client);
    accounts_file_free(a.file);
    if (a.secrets_fd >= 0)
        (void)close(a.secrets_fd);
    return result;
}

const struct command apply_commands[] = {
    {"apply", "FILE [--plan] [--prune] [--force] [--secrets FILE]",
     "make accounts, names and credentials be as a file says",
     "FILE is YAML (- reads the standard input); accounts.yaml.example, which comes with the documentation, "
     "explains "
     "every\n"
     "key. The plan is shown, and asked about unless --yes is given; then all of it is done, or nothing. What the "
     "file "
     "does\n"
     "not say stays as it is, and applying it again finds nothing to do. --plan stops behind the plan.\n\n"
     "--prune also retires names and revokes credentials that the accounts of the file have and the file does not; "
     "accounts\n"
     "that are not in the file are left alone. Names with live values are refused unless --force is given.\n\n"
     "Secrets of new credentials go into the file that --secrets names (made with mode 0600, never overwritten), "
     "or "
     "are\n"
     "printed, once. Credentials that are there keep theirs.\n\n"
     "    riposte apply accounts.yaml --secrets /root/new-secrets.json\n",
     run_apply},
    {NULL, NULL, NULL, NULL, NULL},
};
