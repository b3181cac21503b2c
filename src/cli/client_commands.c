/* The commands on a host that gets certificates: client …; the hooks are in hook.c. */
#include "cli/client_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/quantity.h"
#include "cli/fetch.h"
#include "cli/show.h"

/* ---- options ---- */

/* Of the environment; NULL when it is not set, or empty. */
static const char *from_environment(const char *name)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *first_of(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

static bool take_resolvers(struct client_options *o, const struct args *a)
{
    o->n_resolvers = 0;
    for (size_t i = 0; i < args_list_len(a, "--resolver"); i++) {
        size_t len;
        const char *text = args_list_at(a, "--resolver", i, &len);

        if (o->n_resolvers == LOOKUP_RESOLVERS_MAX) {
            (void)args_refuse(a, "more than %d resolvers", LOOKUP_RESOLVERS_MAX);
            return false;
        }
        if (lookup_server_parse(&o->resolvers[o->n_resolvers++], text, len) != ERR_OK) {
            (void)args_refuse(a, "--resolver \"%.*s\" is not an address such as 9.9.9.9 or [2620:fe::fe]:53",
                              (int)len, text);
            return false;
        }
    }
    return true;
}

bool client_options_take(struct client_options *o, const struct args *a)
{
    struct text why;
    bool good = take_resolvers(o, a);

    o->storage = first_of(first_of(args_text(a, "--storage"), from_environment("RIPOSTE_CLIENT_STORAGE")),
                          CLIENT_STORAGE_PATH);
    o->server = args_text(a, "--server");
    o->server_else = from_environment("RIPOSTE_CLIENT_SERVER");
    o->ca_file = first_of(args_text(a, "--ca-file"), from_environment("RIPOSTE_CA_FILE"));
    text_init(&why, CLIENT_WHY_MAX);
    if (good && ((o->server != NULL && !fetch_is_base_url(o->server, &why)) ||
                 (o->server_else != NULL && !fetch_is_base_url(o->server_else, &why)))) {
        (void)args_refuse(a, "%s: %s", o->server != NULL ? "--server" : "RIPOSTE_CLIENT_SERVER", why.bytes);
        good = false;
    }
    text_fini(&why);
    if (good && crypto_init() != ERR_OK) {
        fprintf(stderr, "riposte: the cryptographic library cannot be used\n");
        good = false;
    }
    return good;
}

bool client_duration(const struct args *a, const char *option, int64_t fallback_ms, int64_t *out)
{
    const char *text = args_text(a, option);

    *out = fallback_ms;
    if (text == NULL || quantity_parse_duration_ms(out, text, strlen(text)) == ERR_OK)
        return true;
    (void)args_refuse(a, "%s \"%s\" is not a time such as 60s or 10m", option, text);
    return false;
}

/* ---- what they share ---- */

struct client_storage *client_open(const struct client_options *o, const struct cli *cli, int *status)
{
    struct client_storage *s = NULL;
    struct text why;
    enum err e;

    text_init(&why, CLIENT_WHY_MAX);
    e = client_storage_open(&s, o->storage, &why);
    *status = e == ERR_OK ? EXIT_STATUS_DONE : e == ERR_NOT_FOUND ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_FAILED;
    if (e == ERR_NOT_FOUND)
        fprintf(stderr,
                "riposte: there are no credentials here: %s\n"
                "  riposte client register DOMAIN makes the first; --storage names another file\n",
                why.bytes);
    else if (e != ERR_OK)
        fprintf(stderr, "riposte: %s\n", why.len > 0 ? why.bytes : err_text(e));
    else if (client_storage_is_open_to_others(s) && !cli->quiet)
        fprintf(stderr, "riposte: warning: others can read the secrets in %s: chmod 600 %s\n",
                client_storage_path(s), client_storage_path(s));
    text_fini(&why);
    return s;
}

const char *client_url(const struct client_options *o, const struct client_account *account)
{
    if (o->server != NULL)
        return o->server;
    return account->server_url[0] != '\0' ? account->server_url : o->server_else;
}

void client_put_servers(struct text *out, size_t good, size_t all, const struct name *zone)
{
    struct name folded = *zone; /* resolvers play with its case (0x20) */
    char text[NAME_TEXT_MAX];

    name_fold(&folded);
    (void)name_format(&folded, text);
    if (good == all && all == 1)
        text_printf(out, "the server of %s", text);
    else if (good == all)
        text_printf(out, "all %zu servers of %s", all, text);
    else
        text_printf(out, "%zu of %zu servers of %s", good, all, text);
}

void client_explain(const char *command, const struct text *fault, const struct text *fix, const char *dig)
{
    fprintf(stderr, "riposte %s: %s\n", command, fault->bytes);
    if (fix != NULL && fix->len > 0)
        fprintf(stderr, "  %s\n", fix->bytes);
    if (dig[0] != '\0')
        fprintf(stderr, "  see it:  %s\n", dig);
}

/* ---- client list ---- */

static json_t *list_item(const struct client_account *account)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "domain", account->domain, "name", account->fulldomain,
                     "subdomain", account->subdomain, "credential", account->username, "server",
                     account->server_url, "cname", account->fulldomain);
}

static void list_as_json(const struct client_storage *s)
{
    json_t *items = json_array();

    for (size_t i = 0; i < client_storage_count(s); i++) {
        struct client_account account;

        client_storage_at(s, i, &account);
        (void)json_array_append_new(items, list_item(&account));
    }
    show_json(json_pack("{s:o}", "items", items));
}

static int run_client_list(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {CLIENT_OPTIONS};
    static const char *const headings[] = {"DOMAIN", "NAME", "CREDENTIAL", "SERVER", NULL};
    struct client_options o;
    struct client_storage *s;
    struct show_table t;
    struct args a;
    int status;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv) ||
        !client_options_take(&o, &a))
        return EXIT_STATUS_USAGE;
    s = client_open(&o, cli, &status);
    if (s == NULL)
        return status;
    if (cli->json) {
        list_as_json(s);
    } else {
        show_table_init(&t, headings);
        for (size_t i = 0; i < client_storage_count(s); i++) {
            struct client_account account;

            client_storage_at(s, i, &account);
            show_cell(&t, account.domain);
            show_cell(&t, account.fulldomain);
            show_cell(&t, account.username);
            show_cell(&t, account.server_url);
        }
        show_table_end(&t, "no credentials; riposte client register makes one");
    }
    client_storage_close(s);
    return EXIT_STATUS_DONE;
}

#define STORAGE_HELP                                                                                               \
    "The credentials are in /etc/riposte/client.json (--storage FILE, or RIPOSTE_CLIENT_STORAGE): the file of\n"   \
    "lego, Traefik and acme-dns's own clients, so that a host can go on with any of them.\n"

const struct command client_commands[] = {
    {"client register",
     "DOMAIN… [--server URL] [--token-file FILE] [--networks NET,…] [--wait TIME] [--storage FILE] [--ca-file "
     "FILE] "
     "[--resolver ADDRESS,…]",
     "on a host: get a name and a credential for domains, and wait for the CNAMEs",
     "Asks the server for a name for each domain, stores the credential at once, prints the CNAME to create at "
     "the\n"
     "DNS provider, and waits (10m, or --wait; 0s: not at all) until all name servers of the domain have it. "
     "Ctrl-C\n"
     "is fine: nothing is lost, and riposte client test looks again. A domain that has a credential gets no other\n"
     "one; its CNAME is looked at.\n\n"
     "URL is the base URL of the server; it is stored with the credential, and needs to be said only for the "
     "first.\n"
     "FILE has a registration token (riposte token create), if the server wants one. NET,… are the networks from\n"
     "which the credential may be used.\n\n" STORAGE_HELP "\n"
     "example: riposte client register shop.example.com --server https://auth.example.org --token-file token\n",
     run_client_register},
    {"client test",
     "[DOMAIN…] [--wait TIME] [--server URL] [--storage FILE] [--ca-file FILE] [--resolver ADDRESS,…]",
     "on a host: try out its credentials, the CNAMEs, and a value from end to end",
     "For each domain (all, unless some are named): does the server know the credential and let it in from here; "
     "do\n"
     "all name servers of the domain have the CNAME; and does a value that is added appear at all name servers of\n"
     "the responder (within 30s, or --wait)? The value is removed again; where the server cannot remove values, "
     "none\n"
     "is added. Nothing is asked of a certificate authority. Exit status 7 when something failed.\n\n" STORAGE_HELP
     "\nexample: riposte client test shop.example.com\n",
     run_client_test},
    {"client list", "[--storage FILE]", "on a host: its domains, names and credentials, without the secrets",
     STORAGE_HELP, run_client_list},
    {NULL, NULL, NULL, NULL, NULL},
};
