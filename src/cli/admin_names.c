/* name … */
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/admin.h"
#include "cli/show.h"

/* How each domain, and each alias, is pointed here. */
static void print_pointers(const json_t *name)
{
    size_t i;
    json_t *domain, *alias;

    json_array_foreach(json_object_get(name, "domains"), i, domain)
        printf("CNAME   _acme-challenge.%s. IN CNAME %s.\n", json_string_value(domain), show_text(name, "name"));
    json_array_foreach(json_object_get(name, "aliases"), i, alias)
        printf("alias   %s   (to be delegated by NS to the name servers of the zone)\n", json_string_value(alias));
    if (json_is_true(json_object_get(name, "subtree")))
        puts("subtree yes: its credentials may change the names below it");
}

/* Append "&idle=SECONDS" when --idle was given. False: it is no time, which has been explained. */
static bool put_idle(struct text *path, const struct args *a)
{
    const char *idle = args_text(a, "--idle");
    int64_t idle_ms = 0;

    if (idle == NULL)
        return true;
    if (quantity_parse_duration_ms(&idle_ms, idle, strlen(idle)) != ERR_OK) {
        (void)args_refuse(a, "--idle \"%s\": a time needs a unit: 90d, 24h, 30m", idle);
        return false;
    }
    text_printf(path, "&idle=%lld", (long long)(idle_ms / 1000));
    return true;
}

int run_name_list(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--account", OPTION_TEXT}, {"--domain", OPTION_TEXT}, {"--idle", OPTION_TEXT}, {"--retired", OPTION_FLAG}};
    static const char *const headings[] = {"NAME", "ACCOUNT", "VALUES", "MADE", "DOMAINS", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, args_flag(&a, "--retired") ? "/v1/names?retired=1" : "/v1/names?retired=0", NULL);
    if (!put_idle(&path, &a)) {
        text_fini(&path);
        return EXIT_STATUS_USAGE;
    }
    admin_put_query(&path, &a, "--account");
    admin_put_query(&path, &a, "--domain");
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char age[SHOW_AGE_MAX], domains[SHOW_LIST_MAX];

        show_cell(&t, show_text(one, "name"));
        show_cell(&t, show_text(one, "account"));
        if (json_is_string(json_object_get(one, "retired")))
            show_cell(&t, "retired");
        else
            show_cell_int(&t, show_int(one, "values"));
        show_cell(&t, show_age(show_text(one, "created"), age));
        show_cell(&t, show_joined(json_object_get(one, "domains"), domains, sizeof(domains)));
    }
    show_table_end(&t, "no names; riposte name create makes one");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

static int show_credentials_of(const struct cli *cli, const char *owner)
{
    static const char *const headings[] = {"CREDENTIAL", "ID", "MAY", "NETWORKS", "LAST USED", NULL};
    struct cli as_text = *cli;
    const char *texts[] = {owner};
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    as_text.json = false;
    admin_path(&path, "/v1/credentials?name=%", texts);
    result = admin_list(&as_text, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        const json_t *used = json_object_get(one, "last-used");
        char joined[SHOW_LIST_MAX], age[SHOW_AGE_MAX];

        show_cell(&t, show_text(one, "label"));
        show_cell(&t, show_text(one, "credential"));
        show_cell(&t, show_joined(json_object_get(one, "actions"), joined, sizeof(joined)));
        show_cell(&t, show_networks(one, joined));
        if (json_is_object(used))
            show_cell_format(&t, "%s from %s (%s)", show_age(show_text(used, "time"), age), show_text(used, "from"),
                             show_text(used, "door"));
        else
            show_cell(&t, "never");
    }
    puts("");
    show_table_end(&t, "no credentials; riposte credential create makes one");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

int run_name_show(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *name = NULL, *values = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_ask(cli, "GET", &path, NULL, &name);
    if (name == NULL)
        return result;
    printf("name    %s   account %s%s\n", show_text(name, "name"), show_text(name, "account"),
           json_is_string(json_object_get(name, "retired")) ? "   RETIRED" : "");
    print_pointers(name);
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &values);
    if (result == EXIT_STATUS_DONE) {
        printf("values  %zu (%lld octets of %lld)\n\n", json_array_size(json_object_get(values, "items")),
               (long long)show_int(values, "octets"), (long long)show_int(values, "budget"));
        admin_show_values(values);
        result = show_credentials_of(cli, show_text(name, "name"));
    }
    json_decref(values);
    json_decref(name);
    return result;
}

/* Make the account if it is not there; one that is stays as it is. */
static int create_account(const struct cli *cli, const char *account)
{
    const char *texts[] = {account};
    struct text path;

    admin_path(&path, "/v1/accounts/%", texts);
    return admin_call(cli, "PUT", &path, json_object(), NULL);
}

int run_name_create(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--account", OPTION_TEXT}, {"--create-account", OPTION_FLAG},
                                                 {"--label", OPTION_TEXT},   {"--zone", OPTION_TEXT},
                                                 {"--domain", OPTION_LIST},  {"--revive", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *body, *name = NULL;
    int result = EXIT_STATUS_DONE;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_text(&a, "--account") == NULL)
        return args_refuse(&a, "whose is it? --account is needed");
    if (args_flag(&a, "--create-account"))
        result = create_account(cli, args_text(&a, "--account"));
    if (result != EXIT_STATUS_DONE)
        return result;
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    admin_put_text(body, "label", &a, "--label");
    admin_put_text(body, "zone", &a, "--zone");
    admin_put_list(body, "domains", &a, "--domain");
    if (args_flag(&a, "--revive"))
        (void)json_object_set_new(body, "revive", json_true());
    admin_path(&path, "/v1/names", NULL);
    result = admin_ask(cli, "POST", &path, body, &name);
    if (name != NULL) {
        printf("name    %s%s\n", show_text(name, "name"),
               args_text(&a, "--label") == NULL ? "   (label generated; --label to choose)" : "");
        print_pointers(name);
        if (json_array_size(json_object_get(name, "domains")) == 0)
            printf("CNAME   _acme-challenge.YOUR.DOMAIN. IN CNAME %s.\n", show_text(name, "name"));
    }
    json_decref(name);
    return result;
}

/* "+D" adds, "-D" removes, "D" adds. */
static json_t *changes_body(const struct args *a, const char *option)
{
    json_t *add = json_array(), *take = json_array();
    size_t n = args_list_len(a, option);

    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *text = args_list_at(a, option, i, &len);
        bool is_signed = text[0] == '+' || text[0] == '-';

        (void)json_array_append_new(text[0] == '-' ? take : add, json_stringn(text + is_signed, len - is_signed));
    }
    return json_pack("{s:o, s:o}", "add", add, "remove", take);
}

int run_name_set(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--domain", OPTION_LIST},
                                                 {"--alias", OPTION_LIST},
                                                 {"--subtree", OPTION_TEXT},
                                                 {"--account", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *name = NULL;
    const char *subtree;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    subtree = args_text(&a, "--subtree");
    if (subtree != NULL && strcmp(subtree, "yes") != 0 && strcmp(subtree, "no") != 0)
        return args_refuse(&a, "--subtree \"%s\": yes or no", subtree);
    if (subtree == NULL && args_text(&a, "--domain") == NULL && args_text(&a, "--alias") == NULL &&
        args_text(&a, "--account") == NULL)
        return args_refuse(&a, "what is to change?");
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    if (args_text(&a, "--domain") != NULL)
        (void)json_object_set_new(body, "domains", changes_body(&a, "--domain"));
    if (args_text(&a, "--alias") != NULL)
        (void)json_object_set_new(body, "aliases", changes_body(&a, "--alias"));
    if (subtree != NULL)
        (void)json_object_set_new(body, "subtree", json_boolean(strcmp(subtree, "yes") == 0));
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_ask(cli, "PATCH", &path, body, &name);
    if (name != NULL && !cli->quiet) {
        printf("name    %s   account %s\n", show_text(name, "name"), show_text(name, "account"));
        print_pointers(name);
    }
    json_decref(name);
    return result;
}

int run_name_delete(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--force", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *name = NULL, *reply = NULL;
    const char *owner[1];
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &name);
    if (result != EXIT_STATUS_DONE)
        return result;
    owner[0] = show_text(name, "name");
    if (!admin_confirm(cli, "retire %s of account %s for good? CNAMEs that point at it will lead nowhere.",
                       owner[0], show_text(name, "account"))) {
        json_decref(name);
        return EXIT_STATUS_FAILED;
    }
    admin_path(&path, args_flag(&a, "--force") ? "/v1/names/%?force=1" : "/v1/names/%", owner);
    result = admin_ask(cli, "DELETE", &path, NULL, &reply);
    if (result == EXIT_STATUS_DONE && !cli->quiet && !cli->json)
        printf("retired %s; remove the CNAMEs that point at it\n", owner[0]);
    json_decref(reply);
    json_decref(name);
    return result;
}
