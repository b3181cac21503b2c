/* value persist and value account-label: what the ways to validate want that are younger than dns-01. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/admin.h"
#include "cli/show.h"
#include "core/account_label.h"
#include "core/persist.h"
#include "core/persist_hash.h"

#define DAY_S 86400

/* ---- account-label ---- */

int run_value_account_label(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct account_label label;
    struct text_fault fault;
    char why[TEXT_FAULT_TEXT_MAX];
    enum err e;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    e = crypto_init();
    if (e == ERR_OK)
        e = account_label_from_url(&label, a.rest[0], strlen(a.rest[0]), &fault);
    if (e == ERR_SYNTAX || e == ERR_RANGE)
        return args_refuse(&a, "%s", text_fault_format(&fault, why));
    if (e != ERR_OK) {
        fprintf(stderr, "riposte value account-label: %s\n", err_text(e));
        return EXIT_STATUS_FAILED;
    }
    if (cli->json)
        show_json(json_pack("{s:s, s:s}", "label", label.label, "prefix", label.prefix));
    else if (cli->quiet)
        puts(label.label);
    else
        printf("label   %s\nCNAME   %s.YOUR.DOMAIN. IN CNAME NAME.\n", label.label, label.prefix);
    return EXIT_STATUS_DONE;
}

/* ---- how a record stands ---- */

/* "2027-01-31", the day of a moment. */
static const char *format_day(int64_t at_s, char out[CLOCK_TEXT_MAX])
{
    clock_format_rfc3339(at_s, out);
    out[strcspn(out, "T")] = '\0';
    return out;
}

static void warn_of_term(FILE *to, const struct persist *p)
{
    int64_t now_s = clock_real_s(&clock_system);
    char day[CLOCK_TEXT_MAX];

    switch (persist_term(p, now_s, PERSIST_SOON_S)) {
    case PERSIST_TERM_STANDS:
        break;
    case PERSIST_TERM_ENDS_SOON:
        fprintf(to,
                "WARNING: %.*s takes this record until %s only, %lld days from now; riposte value persist pins one "
                "that lasts longer\n",
                (int)p->issuer_len, p->issuer, format_day(p->until_s, day),
                (long long)((p->until_s - now_s) / DAY_S));
        break;
    case PERSIST_TERM_ENDED:
        fprintf(to, "WARNING: %.*s takes this record no more since %s; riposte value unpin removes it\n",
                (int)p->issuer_len, p->issuer, format_day(p->until_s, day));
        break;
    }
}

void admin_warn_of_persist(FILE *to, const char *text)
{
    struct text_fault fault;
    struct persist p;

    if (persist_parse(&p, text, strlen(text), &fault) == ERR_OK)
        warn_of_term(to, &p);
}

/* ---- persist ---- */

/* Writes the account's URI into uri. A URL stands there as it is; with a thumbprint and a prefix it is hashed.
 * False: the arguments are wrong, which has been explained. */
static bool find_uri(char uri[PERSIST_URI_TEXT_MAX], const struct args *a, const char *domain)
{
    const char *url = args_text(a, "--account-uri"), *thumbprint = args_text(a, "--thumbprint");
    const char *prefix = args_text(a, "--hash-prefix");
    struct text_fault fault;
    char why[TEXT_FAULT_TEXT_MAX];
    enum err e;

    if (thumbprint == NULL) {
        if (strlen(url) < PERSIST_URI_TEXT_MAX)
            memcpy(uri, url, strlen(url) + 1);
        else
            (void)args_refuse(a, "--account-uri: longer than %d characters", PERSIST_URI_LEN_MAX);
        return strlen(url) < PERSIST_URI_TEXT_MAX;
    }
    if (domain == NULL) {
        (void)args_refuse(a, "the hash is of one domain, and the name has none or several: which? --domain D");
        return false;
    }
    e = persist_hash_format(
        uri,
        &(struct persist_hash){.prefix = prefix, .domain = domain, .thumbprint = thumbprint, .account_url = url},
        &fault);
    if (e == ERR_SYNTAX || e == ERR_RANGE)
        (void)args_refuse(a, "%s", text_fault_format(&fault, why));
    else if (e != ERR_OK)
        fprintf(stderr, "riposte value persist: %s\n", err_text(e));
    return e == ERR_OK;
}

static bool find_until(const struct args *a, int64_t *until_s)
{
    *until_s = PERSIST_NO_END;
    if (args_text(a, "--until") == NULL)
        return true;
    if (!args_time(a, "--until", 1, until_s))
        return false;
    if (*until_s > clock_real_s(&clock_system))
        return true;
    (void)args_refuse(a, "--until %s is in the past: no authority would take the record", args_text(a, "--until"));
    return false;
}

/* Writes the record that the arguments describe. False: they are wrong, which has been explained. */
static bool build(char record[PERSIST_TEXT_MAX], struct persist *p, const struct args *a, const char *uri)
{
    struct text_fault fault;
    char why[TEXT_FAULT_TEXT_MAX];
    size_t len;

    *p = (struct persist){.issuer = args_text(a, "--issuer"),
                          .issuer_len = strlen(args_text(a, "--issuer")),
                          .account_uri = uri,
                          .account_uri_len = strlen(uri),
                          .policy = args_flag(a, "--wildcard") ? PERSIST_POLICY_WILDCARD : PERSIST_POLICY_NONE};
    if (!find_until(a, &p->until_s))
        return false;
    if (persist_build(record, &len, p, &fault) == ERR_OK)
        return true;
    (void)args_refuse(a, "%s", text_fault_format(&fault, why));
    return false;
}

/* The one domain of the name, or the one that was said; NULL: none or several. */
static const char *only_domain(const struct args *a, const json_t *name)
{
    const json_t *domains = json_object_get(name, "domains");

    if (args_text(a, "--domain") != NULL)
        return args_text(a, "--domain");
    return json_array_size(domains) == 1 ? json_string_value(json_array_get(domains, 0)) : NULL;
}

static bool equals(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* Records of the same account at the same authority, which this one is meant to replace. */
static void note_older(const struct cli *cli, const char *owner, const char *record, const struct persist *p)
{
    const char *texts[] = {owner};
    struct text path;
    json_t *values = NULL, *value;
    size_t i;

    admin_path(&path, "/v1/names/%/values", texts);
    if (admin_call(cli, "GET", &path, NULL, &values) != EXIT_STATUS_DONE)
        return; /* it was said why; the record is pinned */
    json_array_foreach(json_object_get(values, "items"), i, value)
    {
        const char *text = show_text(value, "value");
        struct text_fault fault;
        struct persist other;

        if (strcmp(text, record) != 0 && persist_parse(&other, text, strlen(text), &fault) == ERR_OK &&
            equals(other.issuer, other.issuer_len, p->issuer, p->issuer_len) &&
            equals(other.account_uri, other.account_uri_len, p->account_uri, p->account_uri_len))
            fprintf(stderr, "note: an older record of that account stays until: riposte value unpin %s '%s'\n",
                    owner, text);
    }
    json_decref(values);
}

static void show_record(const json_t *name, const char *record)
{
    const json_t *domains = json_object_get(name, "domains");
    const char *owner = show_text(name, "name");
    size_t i;
    json_t *domain;

    printf("pinned  %s\n", record);
    json_array_foreach(domains, i, domain)
        printf("CNAME   " PERSIST_OWNER_LABEL ".%s. IN CNAME %s.\n", json_string_value(domain), owner);
    if (json_array_size(domains) == 0)
        printf("CNAME   " PERSIST_OWNER_LABEL ".YOUR.DOMAIN. IN CNAME %s.\n", owner);
}

static void warn(const struct cli *cli, const json_t *name, const char *record, const struct persist *p)
{
    size_t n = json_array_size(json_object_get(name, "domains"));

    warn_of_term(stderr, p);
    if (p->form == PERSIST_FORM_OPEN && n > 1)
        fprintf(stderr,
                "note: the record permits that account for each of the %zu domains of %s; a name of its own for a "
                "domain keeps them apart\n",
                n, show_text(name, "name"));
    note_older(cli, show_text(name, "name"), record, p);
}

static int pin_record(const struct cli *cli, const struct args *a, const json_t *name)
{
    char record[PERSIST_TEXT_MAX], uri[PERSIST_URI_TEXT_MAX];
    struct persist p;
    json_t *reply = NULL;
    int result;

    if (!find_uri(uri, a, only_domain(a, name)) || !build(record, &p, a, uri))
        return EXIT_STATUS_USAGE;
    p.form = persist_hash_is_uri(uri, strlen(uri)) ? PERSIST_FORM_HASHED : PERSIST_FORM_OPEN;
    result = admin_pin(cli, show_text(name, "name"), record, &reply);
    if (reply != NULL && !cli->quiet)
        show_record(name, record);
    if (result == EXIT_STATUS_DONE)
        warn(cli, name, record, &p);
    json_decref(reply);
    return result;
}

int run_value_persist(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--issuer", OPTION_TEXT},     {"--account-uri", OPTION_TEXT},
                                                 {"--wildcard", OPTION_FLAG},   {"--until", OPTION_TEXT},
                                                 {"--domain", OPTION_TEXT},     {"--thumbprint", OPTION_TEXT},
                                                 {"--hash-prefix", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *name = NULL;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_text(&a, "--issuer") == NULL || args_text(&a, "--account-uri") == NULL)
        return args_refuse(&a, "which authority and which account there? --issuer and --account-uri are needed");
    if ((args_text(&a, "--thumbprint") == NULL) != (args_text(&a, "--hash-prefix") == NULL))
        return args_refuse(&a, "a hashed account URI needs both --thumbprint and --hash-prefix");
    if (args_text(&a, "--domain") != NULL && args_text(&a, "--thumbprint") == NULL)
        return args_refuse(&a, "--domain is for the hash: it comes with --thumbprint and --hash-prefix");
    if (crypto_init() != ERR_OK) {
        fputs("riposte value persist: OpenSSL cannot be used\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &name);
    if (result == EXIT_STATUS_DONE)
        result = pin_record(cli, &a, name);
    json_decref(name);
    return result;
}
