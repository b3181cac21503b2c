#include "cli/hook.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64url.h"
#include "base/clock.h"

#define REMOVE_MS 5000 /* kept back for taking away what was added, when something fails; or a quarter */
#define PAUSE_MS  1000
#define NO_DNS    "--no-dns"

/* One challenge on its way. */
struct item {
    const struct hook_challenge *challenge;
    struct client_account account;
    char domain[DOMAIN_TEXT_MAX]; /* "": the client named the target and followed the CNAME itself */
    struct name target;           /* where the value is */
    struct name seen_at;          /* where it is looked for: target, or the challenge name when that is a zone */
    bool is_added;
};

struct run {
    const struct hook *hook;
    struct client_storage *storage;
    struct lookup *lookup; /* NULL: there is no resolver */
    struct item *items;
    size_t n;
    int64_t begun_ms;
};

int hook_refuse(const char *format, ...)
{
    va_list args;

    fputs("riposte hook: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_STATUS_FAILED;
}

/* ---- arguments ---- */

/* How many arguments from the first on are options of ours, with their values. */
static int count_options(int argc, char **argv)
{
    int i = 0;

    while (i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0')
        i += strchr(argv[i], '=') != NULL || strcmp(argv[i], NO_DNS) == 0 ? 1 : 2;
    return i < argc ? i : argc;
}

bool hook_take(struct hook *h, const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {CLIENT_OPTIONS, {"--timeout", OPTION_TEXT}, {NO_DNS, OPTION_FLAG}};
    int used = count_options(argc, argv);
    int64_t timeout_ms;
    struct args a;

    memset(h, 0, sizeof(*h));
    h->cli = cli;
    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, used, argv) ||
        !client_options_take(&h->options, &a) || !client_duration(&a, "--timeout", HOOK_TIMEOUT_MS, &timeout_ms))
        return false;
    h->deadline_ms = clock_mono_ms(&clock_system) + timeout_ms;
    h->work_until_ms = h->deadline_ms - (timeout_ms / 4 < REMOVE_MS ? timeout_ms / 4 : REMOVE_MS);
    h->asks_no_dns = args_flag(&a, NO_DNS);
    h->argc = argc - used;
    h->argv = argv + used;
    return true;
}

bool hook_set_value(struct hook_challenge *c, const char *value)
{
    if (strlen(value) != CLIENT_CHALLENGE_LEN || !base64url_is_text(value, CLIENT_CHALLENGE_LEN)) {
        (void)hook_refuse("this is no challenge value: it has %zu characters instead of 43 of base64url (RFC 8555 "
                          "section 8.4)",
                          strlen(value));
        return false;
    }
    memcpy(c->value, value, CLIENT_CHALLENGE_LEN + 1);
    return true;
}

/* ---- which account ---- */

static bool find_account(const struct run *r, struct item *it)
{
    const char *said = it->challenge->domain;
    struct name name;

    if (name_parse(&name, said, strlen(said)) == ERR_OK &&
        client_storage_find_target(r->storage, &name, &it->account)) {
        it->target = it->seen_at = name;
        return true;
    }
    if (domain_normalise(it->domain, said, strlen(said)) != ERR_OK) {
        (void)hook_refuse("\"%s\" is no domain", said);
        return false;
    }
    if (!client_storage_find_nearest(r->storage, it->domain, &it->account)) {
        (void)hook_refuse("there is no credential for %s in %s\n  riposte client register %s makes one", it->domain,
                          client_storage_path(r->storage), it->domain);
        return false;
    }
    if (name_parse(&it->target, it->account.fulldomain, strlen(it->account.fulldomain)) != ERR_OK)
        return false;
    it->seen_at = it->target;
    return true;
}

static struct client_server server_of(const struct run *r, const struct item *it, int64_t deadline_ms)
{
    return (struct client_server){.url = client_url(&r->hook->options, &it->account),
                                  .ca_file = r->hook->options.ca_file,
                                  .deadline_ms = deadline_ms,
                                  .account = &it->account};
}

/* ---- before: the CNAMEs ---- */

/* An account of a domain above was taken: say where one of its own comes from. */
static void explain_borrowed(const struct run *r, const struct item *it)
{
    char own[DOMAIN_TEXT_MAX];

    if (domain_normalise(own, it->account.domain, strlen(it->account.domain)) == ERR_OK &&
        strcmp(own, it->domain) != 0)
        fprintf(stderr,
                "  %s has no entry for %s, so the one of %s was taken; riposte client register %s makes its own\n",
                client_storage_path(r->storage), it->domain, own, it->domain);
}

static void wait_a_little(int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_mono_ms(&clock_system);
    struct timespec pause = {.tv_sec = PAUSE_MS / 1000};

    if (left_ms < PAUSE_MS)
        pause = (struct timespec){.tv_nsec = left_ms > 0 ? (long)left_ms * 1000000L : 1};
    (void)nanosleep(&pause, NULL);
}

/* False: it is not there, which has been explained. One that some servers have already is waited for. */
static bool check_pointing(const struct run *r, struct item *it)
{
    int64_t until_ms = r->hook->work_until_ms;
    struct pointing p, next;
    bool good;

    pointing_look(&p, r->lookup, it->domain, &it->target);
    while (p.state == POINTING_PARTLY && clock_mono_ms(&clock_system) < until_ms) {
        wait_a_little(until_ms);
        pointing_look(&next, r->lookup, it->domain, &it->target);
        if (next.state == POINTING_UNKNOWN) { /* the time was over before they answered: what was seen counts */
            pointing_fini(&next);
            continue;
        }
        pointing_fini(&p);
        p = next;
    }
    good = p.state == POINTING_RIGHT || p.state == POINTING_DELEGATED || p.state == POINTING_UNKNOWN;
    if (p.state == POINTING_DELEGATED)
        it->seen_at = p.challenge;
    if (p.state == POINTING_UNKNOWN && !r->hook->cli->quiet)
        fprintf(stderr, "riposte hook: note: whether the CNAME of %s is there cannot be told from here: %s\n",
                it->domain, p.fault.bytes);
    if (!good) {
        client_explain("hook", &p.fault, &p.fix, p.dig);
        explain_borrowed(r, it);
    }
    pointing_fini(&p);
    return good;
}

static bool check_all(struct run *r)
{
    for (size_t i = 0; i < r->n && r->lookup != NULL; i++) {
        struct item *it = &r->items[i];
        size_t same = 0;

        if (it->domain[0] == '\0')
            continue;
        while (strcmp(r->items[same].domain, it->domain) != 0)
            same++;
        if (same < i) /* the domain and its wildcard have one CNAME */
            it->seen_at = r->items[same].seen_at;
        else if (!check_pointing(r, it))
            return false;
    }
    return true;
}

/* ---- the change, and after it ---- */

/* One that cannot be reached is asked again while there is time: it may be starting, and no client tries twice. */
static enum client_outcome try_to_add(const struct run *r, struct item *it, struct text *why)
{
    struct client_server server = server_of(r, it, r->hook->work_until_ms);
    enum client_outcome outcome = client_server_add(&server, it->challenge->value, why);

    while (outcome == CLIENT_UNREACHABLE && clock_mono_ms(&clock_system) + PAUSE_MS < server.deadline_ms) {
        it->is_added = true; /* perhaps, and if not it does no harm to take it back */
        text_fini(why);
        wait_a_little(server.deadline_ms);
        outcome = client_server_add(&server, it->challenge->value, why);
    }
    it->is_added = it->is_added || outcome == CLIENT_DONE || outcome == CLIENT_UNREACHABLE;
    return outcome;
}

static bool add_value(const struct run *r, struct item *it)
{
    enum client_outcome outcome;
    struct text why;

    if (client_url(&r->hook->options, &it->account) == NULL) {
        (void)hook_refuse("%s does not say which server the credential of %s is for; --server or "
                          "RIPOSTE_CLIENT_SERVER names it",
                          client_storage_path(r->storage), it->account.domain);
        return false;
    }
    text_init(&why, CLIENT_WHY_MAX);
    outcome = try_to_add(r, it, &why);
    if (outcome != CLIENT_DONE)
        (void)hook_refuse("the value for %s was not added: %s\n  try it out:  riposte client test %s",
                          it->challenge->domain, why.bytes, it->account.domain);
    text_fini(&why);
    return outcome == CLIENT_DONE;
}

/* What certbot hands over to its clean-up (CERTBOT_AUTH_OUTPUT); the value is public, and must be in it. */
static void show_added(const struct run *r, const struct item *it, const struct visible *v)
{
    char seen_at[NAME_TEXT_MAX];

    printf("hook: added value %s at %s; ", it->challenge->value, name_format(&it->seen_at, seen_at));
    if (v->state == VISIBLE_YES && !v->by_resolver)
        printf("visible at %zu of %zu name servers", v->seen, v->servers);
    else if (v->state == VISIBLE_YES)
        fputs("the resolver shows it", stdout);
    else
        fputs(r->hook->asks_no_dns ? "nobody was asked whether it is visible"
                                   : "nobody could be asked whether it is visible",
              stdout);
    printf(" after %.1f s\n", (double)(clock_mono_ms(&clock_system) - r->begun_ms) / 1000);
}

static bool see_value(const struct run *r, const struct item *it)
{
    struct visible v = {.state = VISIBLE_UNKNOWN};
    bool good;

    if (r->lookup != NULL)
        visible_wait(&v, r->lookup, &it->seen_at, it->challenge->value, r->hook->work_until_ms);
    good = v.state != VISIBLE_NO;
    if (good) {
        show_added(r, it, &v);
    } else {
        (void)hook_refuse(
            "the server has taken the value, but not all its name servers answer with it (%zu of %zu)", v.seen,
            v.servers);
        fprintf(stderr, "  %s\n%s%s%s", v.fault.bytes, v.dig[0] != '\0' ? "  see it:  " : "", v.dig,
                v.dig[0] != '\0' ? "\n" : "");
    }
    if (r->lookup != NULL)
        visible_fini(&v);
    return good;
}

/* Take away what was added before something failed. */
static void take_back(const struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct item *it = &r->items[i];
        struct client_server server = server_of(r, it, r->hook->deadline_ms);
        struct text why;

        if (!it->is_added)
            continue;
        text_init(&why, CLIENT_WHY_MAX);
        (void)!client_server_remove(&server, it->challenge->value, &why); /* the failure was said already */
        text_fini(&why);
    }
}

/* ---- the run ---- */

static void run_fini(struct run *r)
{
    client_storage_close(r->storage);
    free(r->lookup);
    free(r->items);
}

/* False: explained. */
static bool run_init(struct run *r, const struct hook *h, const struct hook_challenge *challenges, size_t n)
{
    int status;

    memset(r, 0, sizeof(*r));
    r->hook = h;
    r->begun_ms = clock_mono_ms(&clock_system);
    r->items = calloc(n, sizeof(*r->items));
    r->lookup = malloc(sizeof(*r->lookup));
    if (r->items == NULL || r->lookup == NULL) {
        (void)hook_refuse("no memory");
        return false;
    }
    if (h->asks_no_dns || lookup_init(r->lookup, h->options.resolvers, h->options.n_resolvers) != ERR_OK) {
        free(r->lookup);
        r->lookup = NULL;
    } else {
        r->lookup->deadline_ms = h->work_until_ms;
    }
    r->storage = client_open(&h->options, h->cli, &status);
    for (size_t i = 0; r->storage != NULL && i < n; i++) {
        r->items[i].challenge = &challenges[i];
        if (!find_account(r, &r->items[i]))
            return false;
        r->n++;
    }
    return r->storage != NULL;
}

/* certbot tells an addition from a clean-up by what the addition printed: something of this value in any case. */
static void show_failure(const struct hook_challenge *challenges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("hook: value %s was not added for %s\n", challenges[i].value, challenges[i].domain);
}

int hook_add(const struct hook *h, const struct hook_challenge *challenges, size_t n)
{
    struct run r;
    bool good = run_init(&r, h, challenges, n) && check_all(&r);

    for (size_t i = 0; good && i < n; i++)
        good = add_value(&r, &r.items[i]);
    for (size_t i = 0; good && i < n; i++)
        good = see_value(&r, &r.items[i]);
    if (!good) {
        take_back(&r);
        show_failure(challenges, n);
    }
    run_fini(&r);
    return good ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

static void remove_value(const struct run *r, const struct item *it)
{
    struct client_server server = server_of(r, it, r->hook->deadline_ms);
    enum client_outcome outcome;
    struct text why;

    if (server.url == NULL)
        return;
    text_init(&why, CLIENT_WHY_MAX);
    outcome = client_server_remove(&server, it->challenge->value, &why);
    if (outcome == CLIENT_DONE && !r->hook->cli->quiet)
        printf("hook: removed value %s at %s\n", it->challenge->value, it->account.fulldomain);
    else if (outcome == CLIENT_REFUSED || outcome == CLIENT_UNREACHABLE)
        fprintf(stderr, "riposte hook: note: the value %s was not removed: %s\n  it ends by itself\n",
                it->challenge->value, why.bytes);
    text_fini(&why);
}

int hook_remove(const struct hook *h, const struct hook_challenge *challenges, size_t n)
{
    struct run r;

    if (run_init(&r, h, challenges, n)) {
        for (size_t i = 0; i < n; i++)
            remove_value(&r, &r.items[i]);
    }
    run_fini(&r);
    return EXIT_STATUS_DONE;
}
