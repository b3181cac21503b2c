/* `riposte check zone` and `riposte check domain`: the engine's findings for people and for scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/quantity.h"
#include "cli/args.h"
#include "cli/check.h"
#include "cli/check_facts.h"
#include "cli/config.h"
#include "cli/show.h"

#define REPORT_MAX   ((size_t)256 << 10)
#define WHY_MAX      1024
#define ONE_CHECK_MS (5 * 60 * 1000) /* for one zone or domain, however many servers are silent */
#define WAIT_MAX_MS  (24LL * 3600 * 1000)
#define AGAIN_MS     5000 /* between two rounds of --wait */

/* Everything of one run. */
struct run {
    const struct cli *cli;
    struct config *config; /* NULL: there is none here */
    struct check_here here;
    struct check_facts facts;
    struct findings findings;
    struct check check;
    bool is_started; /* check is to be finished */
    bool shows_progress;
    json_t *checks;            /* --json */
    size_t n_checks, n_failed; /* zones or domains */
    size_t n_failures;         /* findings */
};

/* ---- before and after ---- */

static void show_progress(void *arg, const char *what)
{
    (void)arg;
    fprintf(stderr, "\r\033[K  ... %.100s", what);
    (void)fflush(stderr);
}

static void end_progress(const struct run *r)
{
    if (r->shows_progress)
        fputs("\r\033[K", stderr);
}

/* The configuration, when there is one to be had. False: it is needed, and that there is none was explained. */
static bool load_config(struct run *r, bool is_needed)
{
    struct text report;
    unsigned errors = 0;
    enum err e;

    if (!is_needed && client_remote_url(r->cli) != NULL)
        return true; /* that of another server says nothing about the one that is asked */
    text_init(&report, REPORT_MAX);
    e = config_load(&r->config, r->cli->config_path, &report, &errors);
    if (e != ERR_OK && (is_needed || r->cli->config_is_said))
        fputs(report.bytes, stderr);
    text_fini(&report);
    return e == ERR_OK || !(is_needed || r->cli->config_is_said);
}

/* Without resolvers nothing can be found. */
static enum err start_check(struct run *r)
{
    const struct config *c = r->config;
    enum err e = check_init(&r->check, c != NULL ? c->check.resolvers : NULL, c != NULL ? c->check.n_resolvers : 0,
                            &r->here, &r->findings);

    r->is_started = true;
    if (e == ERR_NOT_FOUND)
        fputs("riposte: /etc/resolv.conf names no resolver that can be used; name some in check.resolvers\n",
              stderr);
    r->check.source = check_facts_source(&r->facts);
    if (r->shows_progress)
        r->check.progress = show_progress;
    return e;
}

/* An exit_status; other than EXIT_STATUS_DONE it has been explained. */
static int start(struct run *r, const struct cli *cli, bool needs_config)
{
    enum err e = crypto_init();

    *r = (struct run){.cli = cli, .checks = json_array()};
    r->shows_progress = !cli->json && !cli->quiet && isatty(STDERR_FILENO) != 0;
    findings_init(&r->findings);
    if (e == ERR_OK && !load_config(r, needs_config))
        return EXIT_STATUS_FAILED;
    if (e == ERR_OK && r->config != NULL)
        e = check_here_init(&r->here, &r->config->settings);
    if (e == ERR_OK) {
        check_facts_init(&r->facts, cli, &r->here);
        e = start_check(r);
    }
    if (e == ERR_OK)
        return EXIT_STATUS_DONE;
    if (e != ERR_NOT_FOUND)
        fprintf(stderr, "riposte: %s\n", err_text(e));
    return EXIT_STATUS_FAILED;
}

static void finish(struct run *r)
{
    if (r->is_started)
        check_fini(&r->check);
    check_facts_fini(&r->facts);
    findings_fini(&r->findings);
    check_here_fini(&r->here);
    config_free(r->config);
    json_decref(r->checks);
}

/* ---- showing ---- */

static bool is_good(const struct findings *f)
{
    return f->failures == 0 && f->err == ERR_OK;
}

static void keep_json(struct run *r, const char *member, const char *about)
{
    json_t *one = json_pack("{s:s, s:b, s:o*}", member, about, "ok", is_good(&r->findings), "findings",
                            findings_json(&r->findings));

    (void)json_array_append_new(r->checks, one);
}

/* What was found about one zone or domain. */
static void show_one(struct run *r, const char *member, const char *about)
{
    end_progress(r);
    r->n_checks++;
    r->n_failed += !is_good(&r->findings);
    r->n_failures += r->findings.failures + (r->findings.err != ERR_OK);
    if (r->cli->json) {
        keep_json(r, member, about);
    } else if (!r->cli->quiet || !is_good(&r->findings)) {
        puts(about);
        findings_print(&r->findings, stdout);
        (void)fflush(stdout);
    }
}

/* One line for each, as for the many names of a certificate. */
static void show_line(struct run *r, const char *about)
{
    const struct findings *f = &r->findings;

    end_progress(r);
    r->n_checks++;
    r->n_failed += !is_good(f);
    r->n_failures += f->failures;
    if (r->cli->json) {
        keep_json(r, "domain", about);
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->items[i].level != FINDING_FAIL)
            continue;
        printf("FAIL  %s: %s%s%s\n", about, f->items[i].detail, f->items[i].fix != NULL ? "; " : "",
               f->items[i].fix != NULL ? f->items[i].fix : "");
        break;
    }
    if (is_good(f) && !r->cli->quiet)
        printf("ok    %s\n", about);
    (void)fflush(stdout);
}

static int end_run(struct run *r, bool by_domain)
{
    if (r->cli->json) {
        show_json(json_pack("{s:b, s:I, s:O}", "ok", r->n_failed == 0, "failures", (json_int_t)r->n_failures,
                            "checks", r->checks));
    } else if (by_domain) {
        if (!r->cli->quiet || r->n_failed > 0)
            printf("%zu ok, %zu FAIL\n", r->n_checks - r->n_failed, r->n_failed);
    } else if (r->n_failures > 0) {
        printf("%zu failure%s\n", r->n_failures, r->n_failures == 1 ? "" : "s");
    } else if (!r->cli->quiet) {
        puts("no failures");
    }
    return r->n_failed > 0 ? EXIT_STATUS_CHECK_FAILED : EXIT_STATUS_DONE;
}

/* ---- check zone ---- */

static void begin_one(struct run *r)
{
    findings_fini(&r->findings);
    check_again(&r->check);
    r->check.lookup.deadline_ms = clock_mono_ms(&clock_system) + ONE_CHECK_MS;
}

/* The zone of that origin; NULL: there is none, which has been explained. */
static const struct check_own_zone *find_zone(const struct run *r, const char *origin)
{
    struct name name, text_name;
    char text[NAME_TEXT_MAX];

    if (name_parse(&name, origin, strlen(origin)) == ERR_OK) {
        for (size_t i = 0; i < r->here.n_zones; i++) {
            if (name_equal(&r->here.zones[i].apex, &name))
                return &r->here.zones[i];
        }
    }
    fprintf(stderr, "riposte check zone: %s is no zone of %s; there %s:", origin, r->cli->config_path,
            r->here.n_zones == 1 ? "is" : "are");
    for (size_t i = 0; i < r->here.n_zones; i++) {
        text_name = r->here.zones[i].apex;
        fprintf(stderr, " %s", name_format(&text_name, text));
    }
    fputc('\n', stderr);
    return NULL;
}

static void check_one_zone(struct run *r, const struct check_own_zone *zone)
{
    char apex[NAME_TEXT_MAX];

    begin_one(r);
    check_zone(&r->check, zone);
    show_one(r, "zone", name_format(&zone->apex, apex));
}

static int run_check_zone(const struct cli *cli, int argc, char **argv)
{
    const struct check_own_zone *one = NULL;
    struct args a;
    struct run r;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    result = start(&r, cli, true);
    if (result == EXIT_STATUS_DONE && a.n_rest > 0) {
        one = find_zone(&r, a.rest[0]);
        result = one != NULL ? EXIT_STATUS_DONE : EXIT_STATUS_NOT_FOUND;
    }
    if (result == EXIT_STATUS_DONE) {
        for (size_t i = 0; i < r.here.n_zones; i++) {
            if (one == NULL || one == &r.here.zones[i])
                check_one_zone(&r, &r.here.zones[i]);
        }
        result = end_run(&r, false);
    }
    finish(&r);
    return result;
}

/* ---- check domain ---- */

struct domains {
    const char *certificate;
    struct certificate_names names; /* of --certificate */
    int64_t until_ms;               /* --wait; 0: once */
};

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Once, or again and again until it is good or the time is over. */
static void check_until_good(struct run *r, const char *domain, enum check_wildcard wildcard, int64_t until_ms)
{
    for (;;) {
        int64_t left;

        begin_one(r);
        check_domain(&r->check, domain, wildcard);
        left = until_ms - clock_mono_ms(&clock_system);
        if (is_good(&r->findings) || left <= 0)
            return;
        if (r->shows_progress)
            show_progress(NULL, "not yet; looking again soon");
        sleep_ms(left < AGAIN_MS ? left : AGAIN_MS);
    }
}

/* text: "shop.example.com", "*.example.com". False: it is no domain. */
static bool check_one_domain(struct run *r, const struct domains *d, const char *text)
{
    enum check_wildcard wildcard = strncmp(text, "*.", 2) == 0 ? CHECK_WILDCARD : CHECK_PLAIN;
    char domain[DOMAIN_TEXT_MAX], about[DOMAIN_TEXT_MAX + 2];

    if (domain_normalise(domain, text, strlen(text)) != ERR_OK) {
        fprintf(stderr, "riposte check domain: \"%s\" is no domain name\n", text);
        return false;
    }
    (void)snprintf(about, sizeof(about), "%s%s", wildcard == CHECK_WILDCARD ? "*." : "", domain);
    check_until_good(r, domain, wildcard, d->until_ms);
    if (d->certificate != NULL)
        show_line(r, about);
    else
        show_one(r, "domain", about);
    return true;
}

static int check_all_domains(struct run *r, const struct domains *d, const struct args *a)
{
    bool is_fine = true;
    int result;

    for (size_t i = 0; i < a->n_rest; i++)
        is_fine = check_one_domain(r, d, a->rest[i]) && is_fine;
    for (size_t i = 0; i < d->names.n; i++)
        is_fine = check_one_domain(r, d, d->names.names[i]) && is_fine;
    if (d->names.n_others > 0 && !r->cli->quiet)
        fprintf(
            stderr,
            "riposte check domain: %zu other name%s in the certificate (addresses and the like) cannot be had with "
            "dns-01\n",
            d->names.n_others, d->names.n_others == 1 ? "" : "s");
    result = end_run(r, d->certificate != NULL);
    return is_fine ? result : EXIT_STATUS_USAGE;
}

/* The options. An exit_status; other than EXIT_STATUS_DONE it has been explained. */
static int take_domains(struct domains *d, const struct args *a)
{
    const char *wait = args_text(a, "--wait");
    struct text why;
    int64_t wait_ms = 0;
    enum err e = ERR_OK;

    *d = (struct domains){.certificate = args_text(a, "--certificate")};
    if (a->n_rest == 0 && d->certificate == NULL)
        return args_refuse(a, "which domain? Name one, or --certificate FILE");
    if (wait != NULL && (quantity_parse_duration_ms(&wait_ms, wait, strlen(wait)) != ERR_OK || wait_ms < 0 ||
                         wait_ms > WAIT_MAX_MS))
        return args_refuse(a, "--wait: a time is wanted, at most 24h: 60s, 5m");
    if (wait_ms > 0)
        d->until_ms = clock_mono_ms(&clock_system) + wait_ms;
    text_init(&why, WHY_MAX);
    if (d->certificate != NULL)
        e = certificate_names_load(&d->names, d->certificate, &why);
    if (e != ERR_OK)
        fprintf(stderr, "riposte check domain: %s\n", e == ERR_MEMORY ? err_text(e) : why.bytes);
    text_fini(&why);
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

/* Whose permission is looked for. False: explained. */
static bool find_authority(struct run *r, const struct args *a)
{
    const char *ca = args_text(a, "--ca");

    if (ca == NULL)
        ca = r->config != NULL ? r->config->check.ca : "letsencrypt.org";
    if (authority_find(&r->check.ca, ca) == ERR_OK)
        return true;
    (void)args_refuse(
        a, "--ca: \"%s\" is not known; one of " AUTHORITY_WORDS ", or a CAA name such as letsencrypt.org", ca);
    return false;
}

static int run_check_domain(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--certificate", OPTION_TEXT}, {"--ca", OPTION_TEXT}, {"--wait", OPTION_TEXT}};
    struct args a;
    struct domains d;
    struct run r;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, ARGS_VALUES_MAX, argc, argv))
        return EXIT_STATUS_USAGE;
    result = take_domains(&d, &a);
    if (result == EXIT_STATUS_DONE) {
        result = start(&r, cli, false);
        if (result == EXIT_STATUS_DONE)
            result = find_authority(&r, &a) ? check_all_domains(&r, &d, &a) : EXIT_STATUS_USAGE;
        finish(&r);
    }
    certificate_names_fini(&d.names);
    return result;
}

const struct command check_commands[] = {
    {"check zone", "[ORIGIN]", "whether the world finds this server: delegation, glue, TCP",
     "Asks the parent zone's servers for the delegation and its glue, each address of the configuration over UDP "
     "and TCP, and a\n"
     "resolver, and says what is not as the configuration has it, and what to do. All zones without ORIGIN. Exit "
     "status 7\n"
     "when something is wrong.\n\n"
     "    riposte check zone auth.example.org\n",
     run_check_zone},
    {"check domain", "DOMAIN… [--certificate FILE] [--ca NAME] [--wait 60s]",
     "whether a certificate for a domain could be had",
     "Follows the CNAME of _acme-challenge.DOMAIN at every authoritative server, looks at what is served where it "
     "ends, over UDP\n"
     "and TCP, at the CAA records from DOMAIN upwards, and through the resolvers in check.resolvers also at "
     "DNSSEC. Exit status 7\n"
     "when something is wrong. A wildcard is named as '*.example.com'.\n\n"
     "  --certificate FILE  every domain of a certificate (PEM), a line each\n"
     "  --ca NAME           whose permission is looked for: " AUTHORITY_WORDS ",\n"
     "                      or a CAA name; check.ca if none\n"
     "  --wait 60s          look again until all is well, at most for so long\n\n"
     "    riposte check domain shop.example.com --ca zerossl --wait 5m\n",
     run_check_domain},
    {NULL, NULL, NULL, NULL, NULL},
};
