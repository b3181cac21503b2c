/* credential … */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
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

/* What stands in a Caddyfile, in tls or acme_dns. */
static void print_caddy(const json_t *c, const json_t *name, const char *base_url)
{
    printf("dns acmedns {\n\tusername %s\n\tpassword %s\n\tsubdomain %s\n\tserver_url %s\n}\n",
           show_text(c, "credential"), show_text(c, "secret"), show_text(name, "label"), base_url);
}

static void print_env(const json_t *c, const json_t *name, const char *base_url)
{
    printf("ACMEDNS_BASE_URL='%s'\nACMEDNS_USERNAME='%s'\nACMEDNS_PASSWORD='%s'\nACMEDNS_SUBDOMAIN='%s'\n"
           "ACMEDNS_FULLDOMAIN='%s'\n",
           base_url, show_text(c, "credential"), show_text(c, "secret"), show_text(name, "label"),
           show_text(name, "name"));
}

/* What lego's provider httpreq, and with it Traefik, takes from its environment. */
static void print_httpreq(const json_t *c, const char *base_url)
{
    printf("HTTPREQ_ENDPOINT='%s'\nHTTPREQ_USERNAME='%s'\nHTTPREQ_PASSWORD='%s'\n", base_url,
           show_text(c, "credential"), show_text(c, "secret"));
}

/* A form of --as. */
struct form {
    const char *word;
    bool is_json;
    void (*print)(const json_t *c, const json_t *name, const json_t *server);
};

#define FORM_RFC2136 "rfc2136" /* a TSIG key is what this form stores; the others have no use for one */

static void form_acmedns(const json_t *c, const json_t *name, const json_t *server)
{
    (void)server;
    show_json(as_acmedns(c, name));
}

static void form_map(const json_t *c, const json_t *name, const json_t *server)
{
    show_json(as_lego(c, name, show_text(server, "base-url")));
}

static void form_caddy(const json_t *c, const json_t *name, const json_t *server)
{
    print_caddy(c, name, show_text(server, "base-url"));
}

static void form_httpreq(const json_t *c, const json_t *name, const json_t *server)
{
    (void)name;
    print_httpreq(c, show_text(server, "base-url"));
}

static void form_env(const json_t *c, const json_t *name, const json_t *server)
{
    print_env(c, name, show_text(server, "base-url"));
}

static const struct form forms[] = {
    {"acme-dns", true, form_acmedns}, {"lego", true, form_map},
    {"cert-manager", true, form_map}, {"caddy", false, form_caddy},
    {"acme.sh", false, form_env},     {"env", false, form_env},
    {"httpreq", false, form_httpreq}, {FORM_RFC2136, false, show_rfc2136},
};

static const struct form *find_form(const char *word)
{
    for (size_t i = 0; word != NULL && i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].word, word) == 0)
            return &forms[i];
    }
    return NULL;
}

/* The first name of a credential, in full. */
static int get_name(const struct cli *cli, const json_t *c, json_t **name)
{
    const char *owner = json_string_value(json_array_get(json_object_get(c, "names"), 0));
    const char *texts[] = {owner != NULL ? owner : ""};
    struct text path;

    admin_path(&path, "/v1/names/%", texts);
    return admin_call(cli, "GET", &path, NULL, name);
}

/* What forms say of the server. At a URL that is where clients reach it, and a credential need not see more. */
static int get_server(const struct cli *cli, json_t **server)
{
    struct text path;

    if (client_remote_url(cli) != NULL) {
        *server = json_pack("{s:s}", "base-url", client_remote_url(cli));
        return EXIT_STATUS_DONE;
    }
    admin_path(&path, "/v1/server", NULL);
    return admin_call(cli, "GET", &path, NULL, server);
}

/* Without api.base-url the server can only tell the address that it listens on. */
static void warn_of_local_url(const struct cli *cli, const char *base_url)
{
    static const char *const local[] = {"//127.", "//[::1]", "//localhost", "//0.0.0.0", "//[::]", "unix:"};

    for (size_t i = 0; i < ARRAY_LEN(local) && !cli->quiet; i++) {
        if (strstr(base_url, local[i]) != NULL)
            fprintf(
                stderr,
                "note: the clients of other machines cannot reach %s; set api.base-url to what they can reach\n",
                base_url);
    }
}

/* These forms are about one name. With the others the credential is for all of its names as it is printed. */
static void note_other_names(const struct cli *cli, const json_t *c, const json_t *name, const struct form *form)
{
    size_t n = json_array_size(json_object_get(c, "names"));

    if (n > 1 && form->print != form_httpreq && form->print != show_rfc2136 && !cli->quiet)
        fprintf(stderr,
                "note: this is for %s only, the first of %zu names; the secret is the same for all of them\n",
                show_text(name, "name"), n);
}

/* Print a credential whose secret is known only now. */
static int print_new_secret(const struct cli *cli, const json_t *c, const struct form *form)
{
    json_t *name = NULL, *server = NULL;
    int result = get_name(cli, c, &name);
    const char *base_url;

    if (result == EXIT_STATUS_DONE)
        result = get_server(cli, &server);
    base_url = show_text(server, "base-url");
    if (result != EXIT_STATUS_DONE) {
        /* The secret must not be lost for a failure to look nice. */
        fprintf(stderr, "riposte: made %s, secret %s\n", show_text(c, "credential"), show_text(c, "secret"));
    } else {
        form->print(c, name, server);
        if (form->print != form_acmedns && form->print != show_rfc2136)
            warn_of_local_url(cli, base_url);
        note_other_names(cli, c, name, form);
    }
    json_decref(name);
    json_decref(server);
    return result;
}

static const char *state_word(const json_t *c)
{
    int64_t expires_s = show_parse_time(show_text(c, "expires"));

    if (json_is_string(json_object_get(c, "revoked")))
        return "revoked";
    return expires_s != 0 && expires_s <= clock_real_s(&clock_system) ? "expired" : "ok";
}

static void show_last_use(const char *word, const json_t *used)
{
    char age[SHOW_AGE_MAX];

    if (json_is_object(used))
        printf("%s%s from %s (%s)\n", word, show_age(show_text(used, "time"), age), show_text(used, "from"),
               show_text(used, "door"));
    else
        printf("%snever\n", word);
}

static void show_credential(const json_t *c)
{
    const json_t *used = json_object_get(c, "last-used");
    const char *expires = show_text(c, "expires");
    char joined[SHOW_LIST_MAX], age[SHOW_AGE_MAX];

    printf("credential  %s%s%s  account %s%s\n", show_text(c, "credential"),
           show_text(c, "label")[0] != '\0' ? "  " : "", show_text(c, "label"), show_text(c, "account"),
           json_is_string(json_object_get(c, "revoked")) ? "  REVOKED" : "");
    printf("names       %s\n", show_joined(json_object_get(c, "names"), joined, sizeof(joined)));
    printf("may         %s\n", show_joined(json_object_get(c, "actions"), joined, sizeof(joined)));
    printf("kinds       %s\n", show_joined(json_object_get(c, "kinds"), joined, sizeof(joined)));
    printf("networks    %s\n", show_networks(c, joined));
    printf("expires     %s\n", expires[0] != '\0' ? show_age(expires, age) : "never");
    show_last_use("last used   ", used);
    if (json_is_string(json_object_get(c, "secret")))
        printf("secret      %s   (shown only now)\n", show_text(c, "secret"));
}

/* ---- which one ---- */

/* The path of the credential in the first argument, with --name when it was given, and more of the query. */
static void credential_path(struct text *path, const struct args *a, const char *below, const char *query)
{
    admin_path(path, "/v1/credentials/%", a->rest);
    text_printf(path, "%s?%s", below, query);
    admin_put_query(path, a, "--name");
}

int run_credential_list(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--name", OPTION_TEXT}, {"--account", OPTION_TEXT}, {"--unused", OPTION_FLAG}, {"--revoked", OPTION_FLAG}};
    static const char *const headings[] = {"LABEL",    "ID",        "ACCOUNT", "NAMES", "MAY",
                                           "NETWORKS", "LAST USED", "STATE",   NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/credentials?", NULL);
    text_printf(&path, "unused=%d&revoked=%d", args_flag(&a, "--unused"), args_flag(&a, "--revoked"));
    admin_put_query(&path, &a, "--name");
    admin_put_query(&path, &a, "--account");
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        const json_t *used = json_object_get(one, "last-used");
        char joined[SHOW_LIST_MAX], age[SHOW_AGE_MAX];

        show_cell(&t, show_text(one, "label"));
        show_cell(&t, show_text(one, "credential"));
        show_cell(&t, show_text(one, "account"));
        show_cell(&t, show_joined(json_object_get(one, "names"), joined, sizeof(joined)));
        show_cell(&t, show_joined(json_object_get(one, "actions"), joined, sizeof(joined)));
        show_cell(&t, show_networks(one, joined));
        show_cell(&t, json_is_object(used) ? show_age(show_text(used, "time"), age) : "never");
        show_cell(&t, state_word(one));
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

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    credential_path(&path, &a, "", "");
    result = admin_ask(cli, "GET", &path, NULL, &c);
    if (c != NULL)
        show_credential(c);
    json_decref(c);
    return result;
}

/* Make the call that gives a secret, and show it in the form that was asked for. */
static int call_for_secret(const struct cli *cli, const struct args *a, struct text *path, json_t *body)
{
    const struct form *form = find_form(args_text(a, "--as"));
    json_t *c = NULL;
    int result = form != NULL ? admin_call(cli, "POST", path, body, &c) : admin_ask(cli, "POST", path, body, &c);

    if (c != NULL && form != NULL)
        result = print_new_secret(cli, c, form);
    else if (c != NULL)
        show_credential(c);
    json_decref(c);
    return result;
}

static bool form_is_wrong(const struct cli *cli, const struct args *a)
{
    const char *word = args_text(a, "--as");
    const struct form *form = find_form(word);

    if (word != NULL && form == NULL)
        (void)args_refuse(a,
                          "--as \"%s\" is not one of: lego, cert-manager, caddy, acme-dns, acme.sh, httpreq, "
                          "rfc2136, env",
                          word);
    else if (form != NULL && !form->is_json && cli->json)
        (void)args_refuse(a, "--as %s is no JSON; leave out one of the two", word);
    else
        return false;
    return true;
}

/* --tsig and --as must be about the same kind of secret; says so. */
static bool tsig_contradicts(const struct args *a)
{
    const char *form = args_text(a, "--as");

    if (!args_flag(a, "--tsig") || form == NULL || strcmp(form, FORM_RFC2136) == 0)
        return false;
    (void)args_refuse(a, "--tsig makes a TSIG key, which --as %s cannot show; use --as rfc2136", form);
    return true;
}

static void put_tsig(json_t *body, const struct args *a)
{
    const char *form = args_text(a, "--as");

    if (args_flag(a, "--tsig") || (form != NULL && strcmp(form, FORM_RFC2136) == 0))
        (void)json_object_set_new(body, "tsig", json_true());
}

/* The members that options give to a new or changed credential. NULL: a time cannot be read. */
static json_t *rights_body(const struct args *a, const char *names_option)
{
    json_t *body = json_object();

    admin_put_list(body, "names", a, names_option);
    admin_put_text(body, "label", a, "--label");
    admin_put_list(body, "actions", a, "--actions");
    admin_put_list(body, "kinds", a, "--kinds");
    admin_put_list(body, "networks", a, "--networks");
    if (admin_put_time(body, "expires", a, "--expires"))
        return body;
    json_decref(body);
    return NULL;
}

int run_credential_create(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--name", OPTION_LIST},     {"--label", OPTION_TEXT},
                                                 {"--actions", OPTION_LIST},  {"--kinds", OPTION_LIST},
                                                 {"--networks", OPTION_LIST}, {"--expires", OPTION_TEXT},
                                                 {"--tsig", OPTION_FLAG},     {"--as", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv) || form_is_wrong(cli, &a) ||
        tsig_contradicts(&a))
        return EXIT_STATUS_USAGE;
    if (args_list_len(&a, "--name") == 0)
        return args_refuse(&a, "for which name? --name is needed");
    body = rights_body(&a, "--name");
    if (body == NULL)
        return EXIT_STATUS_USAGE;
    put_tsig(body, &a);
    admin_path(&path, "/v1/credentials", NULL);
    return call_for_secret(cli, &a, &path, body);
}

int run_credential_set(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--name", OPTION_TEXT},   {"--label", OPTION_TEXT},
                                                 {"--names", OPTION_LIST},  {"--actions", OPTION_LIST},
                                                 {"--kinds", OPTION_LIST},  {"--networks", OPTION_LIST},
                                                 {"--expires", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *c = NULL;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    body = rights_body(&a, "--names");
    if (body == NULL)
        return EXIT_STATUS_USAGE;
    if (json_object_size(body) == 0) {
        json_decref(body);
        return args_refuse(&a, "what is to change?");
    }
    credential_path(&path, &a, "", "");
    result = admin_ask(cli, "PATCH", &path, body, &c);
    if (c != NULL && !cli->quiet)
        show_credential(c);
    json_decref(c);
    return result;
}

int run_credential_rotate(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--name", OPTION_TEXT}, {"--overlap", OPTION_TEXT}, {"--tsig", OPTION_FLAG}, {"--as", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv) || form_is_wrong(cli, &a) ||
        tsig_contradicts(&a))
        return EXIT_STATUS_USAGE;
    body = json_object();
    admin_put_text(body, "overlap", &a, "--overlap");
    put_tsig(body, &a);
    credential_path(&path, &a, "/rotate", "");
    return call_for_secret(cli, &a, &path, body);
}

int run_credential_revoke(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--name", OPTION_TEXT}, {"--with-values", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *reply = NULL;
    char label[SHOW_LABEL_MAX];
    int64_t left;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    credential_path(&path, &a, "", args_flag(&a, "--with-values") ? "with-values=1" : "");
    result = admin_ask(cli, "DELETE", &path, NULL, &reply);
    left = show_int(reply, "live-values");
    if (reply != NULL && !cli->quiet) {
        printf("revoked %s (%s)\n", show_label(reply, label), show_text(reply, "credential"));
        show_last_use("last used: ", json_object_get(reply, "last-used"));
        if (left > 0)
            printf("its %lld live value%s left in place; riposte credential revoke %s --with-values removes %s\n",
                   (long long)left, left == 1 ? " was" : "s were", show_text(reply, "credential"),
                   left == 1 ? "it" : "them");
        printf("what it did: riposte journal --credential %s\n", show_text(reply, "credential"));
        puts("Certificates that it may have obtained are NOT revoked: look for them in the certificate "
             "transparency logs.");
    }
    json_decref(reply);
    return result;
}
