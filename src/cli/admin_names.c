/* name … and value … */
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/admin.h"
#include "cli/show.h"

#define VALUES_AT_ONCE 64

static void print_cnames(const json_t *name)
{
    size_t i;
    json_t *domain;

    json_array_foreach(json_object_get(name, "domains"), i, domain)
        printf("CNAME   _acme-challenge.%s. IN CNAME %s.\n", json_string_value(domain), show_text(name, "name"));
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

void admin_show_values(const json_t *values)
{
    static const char *const headings[] = {"VALUE", "BY", "ADDED", "EXPIRES", "FROM", "DOOR", NULL};
    struct show_table t;
    size_t i, k;
    json_t *value, *claim;

    show_table_init(&t, headings);
    json_array_foreach(json_object_get(values, "items"), i, value)
    {
        json_array_foreach(json_object_get(value, "claims"), k, claim)
        {
            const char *expires = show_text(claim, "expires");
            char shown[SHOW_VALUE_MAX], age[SHOW_AGE_MAX], label[SHOW_LABEL_MAX];

            show_cell(&t, k == 0 ? show_value(show_text(value, "value"), shown) : " ");
            show_cell(&t, show_label(claim, label));
            show_cell(&t, show_age(show_text(claim, "added"), age));
            show_cell(&t, json_is_true(json_object_get(claim, "pinned")) ? "pinned"
                          : expires[0] != '\0'                           ? show_age(expires, age)
                                                                         : "never");
            show_cell(&t, show_text(claim, "from"));
            show_cell(&t, show_text(claim, "door"));
        }
    }
    show_table_end(&t, "no values");
}

static int show_credentials_of(const struct cli *cli, const char *owner)
{
    static const char *const headings[] = {"CREDENTIAL", "ID", "MAY", "NETWORKS", "LAST USED", NULL};
    const struct cli as_text = {.config_path = cli->config_path, .command = cli->command};
    const char *texts[] = {owner};
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

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
    print_cnames(name);
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
        print_cnames(name);
        if (json_array_size(json_object_get(name, "domains")) == 0)
            printf("CNAME   _acme-challenge.YOUR.DOMAIN. IN CNAME %s.\n", show_text(name, "name"));
    }
    json_decref(name);
    return result;
}

/* "+D" adds, "-D" removes, "D" adds. */
static json_t *domains_body(const struct args *a)
{
    json_t *add = json_array(), *take = json_array();
    size_t n = args_list_len(a, "--domain");

    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *text = args_list_at(a, "--domain", i, &len);
        bool is_signed = text[0] == '+' || text[0] == '-';

        (void)json_array_append_new(text[0] == '-' ? take : add, json_stringn(text + is_signed, len - is_signed));
    }
    return json_pack("{s:o, s:o}", "add", add, "remove", take);
}

int run_name_set(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--domain", OPTION_LIST}, {"--subtree", OPTION_TEXT}, {"--account", OPTION_TEXT}};
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
    if (subtree == NULL && args_text(&a, "--domain") == NULL && args_text(&a, "--account") == NULL)
        return args_refuse(&a, "what is to change?");
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    if (args_text(&a, "--domain") != NULL)
        (void)json_object_set_new(body, "domains", domains_body(&a));
    if (subtree != NULL)
        (void)json_object_set_new(body, "subtree", json_boolean(strcmp(subtree, "yes") == 0));
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_ask(cli, "PATCH", &path, body, &name);
    if (name != NULL && !cli->quiet) {
        printf("name    %s   account %s\n", show_text(name, "name"), show_text(name, "account"));
        print_cnames(name);
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

/* ---- values ---- */

int run_value_list(const struct cli *cli, int argc, char **argv)
{
    return admin_show(cli, "/v1/names/%/values", admin_show_values, argc, argv);
}

static void show_added(const json_t *reply)
{
    printf("added %lld, renewed %lld; serial %lld\n", (long long)show_int(reply, "added"),
           (long long)show_int(reply, "renewed"), (long long)show_int(reply, "serial"));
    if (show_int(reply, "evicted-young") > 0)
        printf(
            "WARNING: %lld values younger than values.grace had to go: somebody's certificate is about to fail.\n"
            "  values.max-response can be raised\n",
            (long long)show_int(reply, "evicted-young"));
}

/* The arguments behind the name, each as {"value": …} with what --lifetime says. NULL: one is not UTF-8. */
static json_t *new_values(const struct args *a)
{
    json_t *list = json_array();

    for (size_t i = 1; i < a->n_rest; i++) {
        json_t *one = json_pack("{s:s}", "value", a->rest[i]);

        if (one == NULL) {
            (void)args_refuse(a, "\"%s\" is not UTF-8", a->rest[i]);
            json_decref(list);
            return NULL;
        }
        admin_put_text(one, "lifetime", a, "--lifetime");
        (void)json_array_append_new(list, one);
    }
    return list;
}

int run_value_add(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--lifetime", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *list, *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 2, VALUES_AT_ONCE + 1, argc, argv))
        return EXIT_STATUS_USAGE;
    list = new_values(&a);
    if (list == NULL)
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_ask(cli, "POST", &path, json_pack("{s:o}", "values", list), &reply);
    if (reply != NULL && !cli->quiet)
        show_added(reply);
    json_decref(reply);
    return result;
}

int run_value_remove(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--all", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *list, *reply = NULL;
    bool is_all;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 1, VALUES_AT_ONCE + 1, argc, argv))
        return EXIT_STATUS_USAGE;
    is_all = args_flag(&a, "--all");
    if (is_all != (a.n_rest == 1))
        return args_refuse(&a, "name the values, or --all");
    list = json_array();
    for (size_t i = 1; i < a.n_rest; i++)
        (void)json_array_append_new(list, json_string(a.rest[i]));
    admin_path(&path, is_all ? "/v1/names/%/values?all=1" : "/v1/names/%/values", a.rest);
    result = admin_ask(cli, "DELETE", &path, is_all ? NULL : json_pack("{s:O}", "values", list), &reply);
    json_decref(list);
    if (reply != NULL && !cli->quiet)
        printf("removed %lld\n", (long long)show_int(reply, "removed"));
    json_decref(reply);
    return result;
}
