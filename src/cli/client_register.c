/* client register: a name and a credential for each domain, stored before anything else can fail, and then the wait
 * for the CNAMEs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "cli/client_commands.h"
#include "cli/show.h"

#define DOMAINS_MAX     ARGS_VALUES_MAX
#define TOKEN_MAX       128
#define WAIT_DEFAULT_MS ((int64_t)10 * 60 * 1000)
#define PAUSE_MS        3000
#define OTHERS          077
#define REGISTER_MS     35000 /* for one POST; fetch() ends it before */

struct domain_state {
    char domain[DOMAIN_TEXT_MAX];
    struct name target;
    char fulldomain[NAME_TEXT_MAX];
    bool is_new, is_pointed;
    size_t last_right, last_servers; /* what was shown of the progress */
};

struct registration {
    const struct cli *cli;
    struct client_options options;
    const char *server; /* for domains that are new */
    char token[TOKEN_MAX + 2];
    json_t *networks;
    int64_t wait_ms;
    struct domain_state *domains;
    size_t n;
};

/* ---- arguments ---- */

/* The first line of the file. */
static bool read_token(struct registration *r, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    ssize_t n = fd >= 0 ? read(fd, r->token, sizeof(r->token) - 1) : -1;
    size_t len;

    if (n < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "riposte client register: cannot read %s: %s\n", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    (void)close(fd);
    if (S_ISREG(st.st_mode) && (st.st_mode & OTHERS) != 0 && !r->cli->quiet)
        fprintf(stderr, "riposte: warning: others can read the token in %s: chmod 600 %s\n", path, path);
    r->token[n] = '\0';
    len = strcspn(r->token, "\r\n");
    r->token[len] = '\0';
    if (len > 0 && len <= TOKEN_MAX && base64url_is_text(r->token, len))
        return true;
    fprintf(stderr, "riposte client register: %s does not hold a registration token (rpt_…) in its first line\n",
            path);
    return false;
}

static bool take_networks(struct registration *r, const struct args *a)
{
    r->networks = json_array();
    for (size_t i = 0; i < args_list_len(a, "--networks"); i++) {
        size_t len;
        const char *text = args_list_at(a, "--networks", i, &len);
        struct net net;

        if (net_parse(&net, text, len) != ERR_OK) {
            (void)args_refuse(a, "--networks \"%.*s\" is no network; a single address is ADDRESS/32 or ADDRESS/128",
                              (int)len, text);
            return false;
        }
        (void)json_array_append_new(r->networks, json_stringn(text, len));
    }
    return true;
}

static bool take_domains(struct registration *r, const struct args *a)
{
    r->domains = calloc(DOMAINS_MAX, sizeof(*r->domains));
    for (size_t i = 0; r->domains != NULL && i < a->n_rest; i++) {
        char *domain = r->domains[r->n].domain;
        size_t same = 0;

        if (domain_normalise(domain, a->rest[i], strlen(a->rest[i])) != ERR_OK) {
            (void)args_refuse(a, "\"%s\" is no domain such as shop.example.com", a->rest[i]);
            return false;
        }
        while (strcmp(r->domains[same].domain, domain) != 0)
            same++;
        r->n += same == r->n; /* the domain and its wildcard are one */
    }
    return r->domains != NULL;
}

/* The server that all accounts in the file have in common. Borrowed from s; NULL: there is none. */
static const char *common_server(const struct client_storage *s)
{
    const char *common = NULL;

    for (size_t i = 0; i < client_storage_count(s); i++) {
        struct client_account account;

        client_storage_at(s, i, &account);
        if (account.server_url[0] == '\0' || (common != NULL && strcmp(common, account.server_url) != 0))
            return NULL;
        common = account.server_url;
    }
    return common;
}

/* ---- one domain ---- */

/* The credential must not be lost, whatever happens to the file. */
static void show_unsaved(const char *domain, const json_t *account)
{
    json_t *map = json_object();
    char *text;

    (void)json_object_set(map, domain, (json_t *)(uintptr_t)account);
    text = json_dumps(map, JSON_INDENT(2));
    if (text != NULL)
        fprintf(stderr, "riposte: the credential that was made just now; put it into the file by hand:\n%s\n",
                text);
    free(text);
    json_decref(map);
}

static bool remember(struct domain_state *d, const struct client_account *account)
{
    (void)snprintf(d->fulldomain, sizeof(d->fulldomain), "%s", account->fulldomain);
    return name_parse(&d->target, d->fulldomain, strlen(d->fulldomain)) == ERR_OK;
}

/* Register a domain that has no account, and store what comes. s holds the lock and has its new file ready. */
static int make_account(struct registration *r, struct domain_state *d, struct client_storage *s)
{
    const char *url = r->server != NULL ? r->server : common_server(s);
    struct client_server server = {
        .url = url, .ca_file = r->options.ca_file, .deadline_ms = clock_mono_ms(&clock_system) + REGISTER_MS};
    struct client_account account;
    enum client_outcome outcome;
    json_t *reply = NULL;
    struct text why;
    int status = EXIT_STATUS_DONE;

    if (url == NULL) {
        fprintf(stderr, "riposte client register: which server? --server https://auth.example.org names it\n");
        return EXIT_STATUS_USAGE;
    }
    text_init(&why, CLIENT_WHY_MAX);
    outcome = client_server_register(&server, r->token[0] != '\0' ? r->token : NULL, r->networks, &reply, &why);
    if (outcome != CLIENT_DONE) {
        fprintf(stderr, "riposte client register: no name for %s: %s\n", d->domain, why.bytes);
        status = outcome == CLIENT_UNREACHABLE ? EXIT_STATUS_UNREACHABLE : EXIT_STATUS_REFUSED;
    } else {
        (void)json_object_set_new(reply, "server_url", json_string(url));
        if (client_storage_put(s, d->domain, json_incref(reply), &why) != ERR_OK) {
            fprintf(stderr, "riposte client register: %s\n", why.len > 0 ? why.bytes : "no memory");
            show_unsaved(d->domain, reply);
            status = EXIT_STATUS_FAILED;
        } else if (!client_storage_find(s, d->domain, &account) || !remember(d, &account)) {
            status = EXIT_STATUS_FAILED;
        } else {
            d->is_new = true;
        }
    }
    json_decref(reply);
    text_fini(&why);
    return status;
}

/* With signals held back: between the server's reply and the disk there is nothing that may end this. */
static int obtain(struct registration *r, struct domain_state *d)
{
    struct client_storage *s = NULL;
    struct client_account account;
    sigset_t held, before;
    struct text why;
    int status = EXIT_STATUS_DONE;
    enum err e;

    text_init(&why, CLIENT_WHY_MAX);
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    e = client_storage_edit(&s, r->options.storage, &why);
    (void)sigprocmask(SIG_BLOCK, &held, &before);
    if (e != ERR_OK) {
        fprintf(stderr, "riposte client register: %s\n  nothing was registered for %s\n",
                why.len > 0 ? why.bytes : err_text(e), d->domain);
        status = EXIT_STATUS_FAILED;
    } else if (client_storage_find(s, d->domain, &account)) {
        status = remember(d, &account) ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
    } else {
        status = make_account(r, d, s);
    }
    if (status == EXIT_STATUS_DONE && !r->cli->json && d->is_new)
        printf("saved credential for %s in %s (mode 0600)\n", d->domain, client_storage_path(s));
    else if (status == EXIT_STATUS_DONE && !r->cli->json && !r->cli->quiet)
        printf("%s has a credential in %s already\n", d->domain, client_storage_path(s));
    client_storage_close(s);
    (void)fflush(stdout);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    text_fini(&why);
    return status;
}

/* ---- the wait ---- */

/* One line that follows what is seen; on a terminal it is written over. */
static void show_progress(const struct registration *r, struct domain_state *d, const struct pointing *p)
{
    struct text line;

    if (r->cli->quiet || r->cli->json || (p->right == d->last_right && p->servers == d->last_servers))
        return;
    d->last_right = p->right;
    d->last_servers = p->servers;
    text_init(&line, CLIENT_WHY_MAX);
    if (p->servers > 0)
        client_put_servers(&line, p->right, p->servers, &p->zone);
    fprintf(stderr, "  " CLIENT_CHALLENGE_LABEL "%s: seen at %s\n", d->domain,
            line.len > 0 ? line.bytes : "no server yet");
    text_fini(&line);
}

static bool look_at_domain(const struct registration *r, struct domain_state *d, struct lookup *l, bool is_last)
{
    struct pointing p;
    struct text seen;

    pointing_look(&p, l, d->domain, &d->target);
    d->is_pointed = p.state == POINTING_RIGHT || p.state == POINTING_DELEGATED;
    text_init(&seen, CLIENT_WHY_MAX);
    if (d->is_pointed && !r->cli->json) {
        if (p.by_resolver || p.servers == 0)
            text_put(&seen, "the resolver");
        else
            client_put_servers(&seen, p.right > 0 ? p.right : p.servers, p.servers, &p.zone);
        printf(CLIENT_CHALLENGE_LABEL "%s is there: seen at %s\n", d->domain, seen.bytes);
        (void)fflush(stdout);
    } else if (is_last && !d->is_pointed) {
        client_explain("client register", &p.fault, &p.fix, p.dig);
    } else if (!d->is_pointed) {
        show_progress(r, d, &p);
    }
    text_fini(&seen);
    pointing_fini(&p);
    return d->is_pointed;
}

/* Until all CNAMEs are there or the time is over. */
static int wait_for_cnames(struct registration *r)
{
    int64_t begun_ms = clock_mono_ms(&clock_system), until_ms = begun_ms + r->wait_ms;
    struct timespec pause = {.tv_sec = PAUSE_MS / 1000};
    struct lookup *l = malloc(sizeof(*l));
    size_t missing = r->n;

    if (l == NULL)
        return EXIT_STATUS_FAILED;
    if (lookup_init(l, r->options.resolvers, r->options.n_resolvers) != ERR_OK) {
        fprintf(stderr, "riposte client register: /etc/resolv.conf names no resolver; look later with "
                        "riposte client test\n");
        free(l);
        return EXIT_STATUS_CHECK_FAILED;
    }
    if (!r->cli->quiet && !r->cli->json)
        fprintf(stderr, "waiting for %s (Ctrl-C is fine, nothing is lost) …\n", r->n > 1 ? "them" : "it");
    while (missing > 0) {
        bool is_last = clock_mono_ms(&clock_system) + PAUSE_MS >= until_ms;

        missing = 0;
        for (size_t i = 0; i < r->n; i++)
            missing += !r->domains[i].is_pointed && !look_at_domain(r, &r->domains[i], l, is_last);
        if (is_last)
            break;
        if (missing > 0)
            (void)nanosleep(&pause, NULL);
    }
    if (missing > 0 && !r->cli->quiet)
        fprintf(stderr, "  nothing is lost: when the CNAME is there, riposte client test says so\n");
    free(l);
    return missing == 0 ? EXIT_STATUS_DONE : EXIT_STATUS_CHECK_FAILED;
}

/* ---- the command ---- */

static void print_json(const struct registration *r)
{
    json_t *items = json_array();

    for (size_t i = 0; i < r->n; i++) {
        const struct domain_state *d = &r->domains[i];

        (void)json_array_append_new(items, json_pack("{s:s, s:s, s:s+, s:b, s:b}", "domain", d->domain, "name",
                                                     d->fulldomain, "cname", CLIENT_CHALLENGE_LABEL, d->domain,
                                                     "new", d->is_new, "pointed", d->is_pointed));
    }
    show_json(json_pack("{s:o}", "items", items));
}

static int register_all(struct registration *r)
{
    int status = EXIT_STATUS_DONE;
    size_t done = 0;

    for (; done < r->n && status == EXIT_STATUS_DONE; done += status == EXIT_STATUS_DONE)
        status = obtain(r, &r->domains[done]);
    r->n = done; /* what there is of them is shown and waited for in any case */
    if (done > 0 && !r->cli->json) {
        printf("create at your DNS provider:\n");
        for (size_t i = 0; i < done; i++)
            printf("  " CLIENT_CHALLENGE_LABEL "%s. IN CNAME %s.\n", r->domains[i].domain,
                   r->domains[i].fulldomain);
        (void)fflush(stdout);
    }
    if (status == EXIT_STATUS_DONE && r->wait_ms > 0)
        status = wait_for_cnames(r);
    if (done > 0 && r->cli->json)
        print_json(r);
    return status;
}

int run_client_register(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        CLIENT_OPTIONS, {"--token-file", OPTION_TEXT}, {"--networks", OPTION_LIST}, {"--wait", OPTION_TEXT}};
    struct registration r = {.cli = cli};
    int status = EXIT_STATUS_USAGE;
    struct args a;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, ARGS_VALUES_MAX, argc, argv))
        return EXIT_STATUS_USAGE;
    if (a.n_rest == 0)
        return args_refuse(&a, "which domain? for example shop.example.com");
    if (client_options_take(&r.options, &a) && client_duration(&a, "--wait", WAIT_DEFAULT_MS, &r.wait_ms) &&
        take_networks(&r, &a) && take_domains(&r, &a)) {
        r.server = r.options.server != NULL ? r.options.server : r.options.server_else;
        status = args_text(&a, "--token-file") == NULL || read_token(&r, args_text(&a, "--token-file"))
                     ? register_all(&r)
                     : EXIT_STATUS_FAILED;
    }
    crypto_wipe(r.token, sizeof(r.token));
    json_decref(r.networks);
    free(r.domains);
    return status;
}
