/* credential … */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/show.h"

/* ---- what clients store ---- */

static json_t *as_acmedns(const json_t *c, const json_t *name)
{
    return json_pack("{s:O, s:O, s:O, s:O, s:O}", "username", json_object_get(c, "credential"), "password",
                     json_object_get(c, "secret"), "fulldomain", json_object_get(name, "name"), "subdomain",
                     json_object_get(name, "label"), "allowfrom", json_object_get(c, "networks"));
}

/* goacmedns: a map of domains; it serves lego, Traefik, cert-manager and Caddy. */
static json_t *as_lego(const json_t *c, const json_t *name, const char *base_url)
{
    json_t *map = json_object();
    json_t *account =
        json_pack("{s:O, s:O, s:O, s:O, s:s}", "fulldomain", json_object_get(name, "name"), "subdomain",
                  json_object_get(name, "label"), "username", json_object_get(c, "credential"), "password",
                  json_object_get(c, "secret"), "server_url", base_url);
    const json_t *domains = json_object_get(name, "domains");
    size_t i;
    json_t *domain;

    json_array_foreach(domains, i, domain)(void) json_object_set(map, json_string_value(domain), account);
    if (json_array_size(domains) == 0)
        (void)json_object_set(map, "YOUR.DOMAIN", account);
    json_decref(account);
    return map;
}

static void print_env(const json_t *c, const json_t *name, const char *base_url)
{
    printf("ACMEDNS_BASE_URL='%s'\nACMEDNS_USERNAME='%s'\nACMEDNS_PASSWORD='%s'\nACMEDNS_SUBDOMAIN='%s'\n"
           "ACMEDNS_FULLDOMAIN='%s'\n",
           base_url, show_text(c, "credential"), show_text(c, "secret"), show_text(name, "label"),
           show_text(name, "name"));
}

static bool is_form(const char *form)
{
    return strcmp(form, "lego") == 0 || strcmp(form, "acme-dns") == 0 || strcmp(form, "env") == 0;
}

/* The first name of a credential, in full. */
static int get_name(const struct cli *cli, const json_t *c, json_t **name)
{
    const char *owner = json_string_value(json_array_get(json_object_get(c, "names"), 0));
    const char *texts[] = {owner != NULL ? owner : ""};
    struct text path;
    int result;

    admin_path(&path, "/v1/names/%", texts);
    result = admin_call(cli, "GET", &path, NULL, name);
    text_fini(&path);
    return result;
}

static int get_base_url(const struct cli *cli, json_t **server)
{
    struct text path;
    int result;

    admin_path(&path, "/v1/server", NULL);
    result = admin_call(cli, "GET", &path, NULL, server);
    text_fini(&path);
    return result;
}

/* Print a credential whose secret is known only now. */
static int print_new_secret(const struct cli *cli, const json_t *c, const char *form)
{
    json_t *name = NULL, *server = NULL;
    int result = get_name(cli, c, &name);

    if (result == EXIT_STATUS_DONE)
        result = get_base_url(cli, &server);
    if (result != EXIT_STATUS_DONE) {
        /* The secret must not be lost for a failure to look nice. */
        fprintf(stderr, "riposte: made %s, secret %s\n", show_text(c, "credential"), show_text(c, "secret"));
    } else if (strcmp(form, "lego") == 0) {
        show_json(as_lego(c, name, show_text(server, "base-url")));
    } else if (strcmp(form, "acme-dns") == 0) {
        show_json(as_acmedns(c, name));
    } else {
        print_env(c, name, show_text(server, "base-url"));
    }
    json_decref(name);
    json_decref(server);
    return result;
}

static void show_credential(const json_t *c)
{
    const json_t *used = json_object_get(c, "last-used");
    char joined[SHOW_CELL_MAX], age[SHOW_AGE_MAX];

    printf("credential  %s  %s  account %s%s\n", show_text(c, "credential"), show_text(c, "label"),
           show_text(c, "account"), json_is_string(json_object_get(c, "revoked")) ? "  REVOKED" : "");
    printf("names       %s\n", show_joined(json_object_get(c, "names"), joined, sizeof(joined)));
    printf("may         %s\n", show_joined(json_object_get(c, "actions"), joined, sizeof(joined)));
    printf("networks    %s\n", json_array_size(json_object_get(c, "networks")) == 0
                                   ? "any"
                                   : show_joined(json_object_get(c, "networks"), joined, sizeof(joined)));
    printf("expires     %s\n", show_age(show_text(c, "expires"), age));
    if (json_is_object(used))
        printf("last used   %s from %s (%s)\n", show_age(show_text(used, "time"), age), show_text(used, "from"),
               show_text(used, "door"));
    else
        puts("last used   never");
    if (json_is_string(json_object_get(c, "secret")))
        printf("secret      %s   (shown only now)\n", show_text(c, "secret"));
}

/* ---- which one ---- */

/* The path of the credential in the first argument, with --name when it was given, and more of the query. */
static void credential_path(struct text *path, const struct args *a, const char *below, const char *query)
{
    const char *name = args_text(a, "--name");

    text_init(path, 4096);
    text_put(path, "/v1/credentials/");
    client_escape(path, a->rest[0], strlen(a->rest[0]));
    text_put(path, below);
    text_printf(path, "?%s", query);
    if (name != NULL) {
        text_put(path, "&name=");
        client_escape(path, name, strlen(name));
    }
}

int run_credential_list(const struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "[--name N] [--account A] [--unused] [--revoked]";
    static const struct option_spec options[] = {
        {"--name", OPTION_TEXT}, {"--account", OPTION_TEXT}, {"--unused", OPTION_FLAG}, {"--revoked", OPTION_FLAG}};
    static const char *const headings[] = {"LABEL", "ID", "ACCOUNT", "NAMES", "MAY", "LAST USED", "STATE", NULL};
    static const char *const filters[] = {"--name", "--account"};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, "credential list", usage, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    text_init(&path, 4096);
    text_printf(&path, "/v1/credentials?unused=%d&revoked=%d", args_flag(&a, "--unused"),
                args_flag(&a, "--revoked"));
    for (i = 0; i < ARRAY_LEN(filters); i++) {
        const char *text = args_text(&a, filters[i]);

        if (text == NULL)
            continue;
        text_printf(&path, "&%s=", filters[i] + 2);
        client_escape(&path, text, strlen(text));
    }
    result = admin_list(cli, &path, &items);
    text_fini(&path);
    if (result != EXIT_STATUS_DONE || cli->json) {
        if (items != NULL)
            show_json(items);
        return result;
    }
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char joined[SHOW_CELL_MAX], age[SHOW_AGE_MAX];

        show_cell(&t, show_text(one, "label"));
        show_cell(&t, show_text(one, "credential"));
        show_cell(&t, show_text(one, "account"));
        show_cell(&t, show_joined(json_object_get(one, "names"), joined, sizeof(joined)));
        show_cell(&t, show_joined(json_object_get(one, "actions"), joined, sizeof(joined)));
        show_cell(&t, json_is_object(json_object_get(one, "last-used"))
                          ? show_age(show_text(json_object_get(one, "last-used"), "time"), age)
                          : "never");
        show_cell(&t, json_is_string(json_object_get(one, "revoked")) ? "revoked" : "ok");
    }
    show_table_end(&t, "no credentials; riposte credential create makes one");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

int run_credential_show(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--name", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *c = NULL;
    int result;

    if (!args_parse(&a, "credential show", "CRED [--name N]", options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    credential_path(&path, &a, "", "");
    result = admin_call(cli, "GET", &path, NULL, &c);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(c);
        return result;
    }
    if (result == EXIT_STATUS_DONE)
        show_credential(c);
    json_decref(c);
    return result;
}

/* Show what a create or rotate gave, in the form that was asked for. Takes c. */
static int show_made(const struct cli *cli, json_t *c, const char *form)
{
    int result = EXIT_STATUS_DONE;

    if (form != NULL) {
        result = print_new_secret(cli, c, form);
        json_decref(c);
    } else if (cli->json) {
        show_json(c);
    } else {
        show_credential(c);
        json_decref(c);
    }
    return result;
}

static bool form_is_wrong(const struct args *a)
{
    const char *form = args_text(a, "--as");

    if (form == NULL || is_form(form))
        return false;
    fprintf(stderr, "riposte %s: --as \"%s\" is not one of: lego, acme-dns, env\n", a->command, form);
    return true;
}

int run_credential_create(const struct cli *cli, int argc, char **argv)
{
    static const char usage[] =
        "--name N[,N…] [--label TEXT] [--actions add,remove,read] [--networks NET,…] [--expires 90d] [--as FORM]";
    static const struct option_spec options[] = {{"--name", OPTION_LIST},    {"--label", OPTION_TEXT},
                                                 {"--actions", OPTION_LIST}, {"--networks", OPTION_LIST},
                                                 {"--expires", OPTION_TEXT}, {"--as", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *c = NULL;
    int result;

    if (!args_parse(&a, "credential create", usage, options, ARRAY_LEN(options), 0, 0, argc, argv) ||
        form_is_wrong(&a))
        return EXIT_STATUS_USAGE;
    if (args_list_len(&a, "--name") == 0) {
        fprintf(
            stderr,
            "riposte credential create: for which name? --name is needed\nusage: riposte credential create %s\n",
            usage);
        return EXIT_STATUS_USAGE;
    }
    body = json_object();
    admin_put_list(body, "names", &a, "--name");
    admin_put_text(body, "label", &a, "--label");
    admin_put_list(body, "actions", &a, "--actions");
    admin_put_list(body, "networks", &a, "--networks");
    if (!admin_put_time(body, "expires", &a, "--expires")) {
        json_decref(body);
        return EXIT_STATUS_USAGE;
    }
    admin_path(&path, "/v1/credentials", NULL);
    result = admin_call(cli, "POST", &path, body, &c);
    text_fini(&path);
    return result == EXIT_STATUS_DONE ? show_made(cli, c, args_text(&a, "--as")) : result;
}

int run_credential_set(const struct cli *cli, int argc, char **argv)
{
    static const char usage[] =
        "CRED [--name N] [--label TEXT] [--names N,…] [--actions …] [--networks NET,…] [--expires T]";
    static const struct option_spec options[] = {{"--name", OPTION_TEXT},     {"--label", OPTION_TEXT},
                                                 {"--names", OPTION_LIST},    {"--actions", OPTION_LIST},
                                                 {"--networks", OPTION_LIST}, {"--expires", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *c = NULL;
    int result;

    if (!args_parse(&a, "credential set", usage, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    body = json_object();
    admin_put_text(body, "label", &a, "--label");
    admin_put_list(body, "names", &a, "--names");
    admin_put_list(body, "actions", &a, "--actions");
    admin_put_list(body, "networks", &a, "--networks");
    if (!admin_put_time(body, "expires", &a, "--expires")) {
        json_decref(body);
        return EXIT_STATUS_USAGE;
    }
    credential_path(&path, &a, "", "");
    result = admin_call(cli, "PATCH", &path, body, &c);
    text_fini(&path);
    return result == EXIT_STATUS_DONE ? show_made(cli, c, NULL) : result;
}

int run_credential_rotate(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--name", OPTION_TEXT}, {"--overlap", OPTION_TEXT}, {"--as", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *c = NULL;
    int result;

    if (!args_parse(&a, "credential rotate", "CRED [--name N] [--overlap 24h] [--as FORM]", options,
                    ARRAY_LEN(options), 1, 1, argc, argv) ||
        form_is_wrong(&a))
        return EXIT_STATUS_USAGE;
    body = json_object();
    admin_put_text(body, "overlap", &a, "--overlap");
    credential_path(&path, &a, "/rotate", "");
    result = admin_call(cli, "POST", &path, body, &c);
    text_fini(&path);
    return result == EXIT_STATUS_DONE ? show_made(cli, c, args_text(&a, "--as")) : result;
}

int run_credential_revoke(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--name", OPTION_TEXT}, {"--with-values", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *reply = NULL;
    int64_t left;
    int result;

    if (!args_parse(&a, "credential revoke", "CRED [--name N] [--with-values]", options, ARRAY_LEN(options), 1, 1,
                    argc, argv))
        return EXIT_STATUS_USAGE;
    credential_path(&path, &a, "", args_flag(&a, "--with-values") ? "with-values=1" : "");
    result = admin_call(cli, "DELETE", &path, NULL, &reply);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(reply);
        return result;
    }
    left = show_int(reply, "live-values");
    if (result == EXIT_STATUS_DONE && !cli->quiet) {
        printf("revoked %s (%s)\n", show_text(reply, "label"), show_text(reply, "credential"));
        if (left > 0)
            printf("its %lld live value%s left in place; --with-values removes what it added\n", (long long)left,
                   left == 1 ? " was" : "s were");
        puts("Certificates that it may have obtained are NOT revoked: look for them in the certificate "
             "transparency logs.");
    }
    json_decref(reply);
    return result;
}
