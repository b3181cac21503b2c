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

int run_name_list(const struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "[--account A] [--domain D] [--idle 90d] [--retired]";
    static const struct option_spec options[] = {
        {"--account", OPTION_TEXT}, {"--domain", OPTION_TEXT}, {"--idle", OPTION_TEXT}, {"--retired", OPTION_FLAG}};
    static const char *const headings[] = {"NAME", "ACCOUNT", "VALUES", "MADE", "DOMAINS", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    const char *idle;
    int64_t idle_ms = 0;
    size_t i;
    int result;

    if (!args_parse(&a, "name list", usage, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    idle = args_text(&a, "--idle");
    if (idle != NULL && quantity_parse_duration_ms(&idle_ms, idle, strlen(idle)) != ERR_OK) {
        fprintf(stderr, "riposte name list: --idle \"%s\": a time needs a unit: 90d, 24h, 30m\n", idle);
        return EXIT_STATUS_USAGE;
    }
    text_init(&path, 4096);
    text_printf(&path, "/v1/names?retired=%d", args_flag(&a, "--retired"));
    if (idle != NULL)
        text_printf(&path, "&idle=%lld", (long long)(idle_ms / 1000));
    if (args_text(&a, "--account") != NULL) {
        text_put(&path, "&account=");
        client_escape(&path, args_text(&a, "--account"), strlen(args_text(&a, "--account")));
    }
    if (args_text(&a, "--domain") != NULL) {
        text_put(&path, "&domain=");
        client_escape(&path, args_text(&a, "--domain"), strlen(args_text(&a, "--domain")));
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
        char age[SHOW_AGE_MAX], domains[SHOW_CELL_MAX];

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
            char shown[SHOW_CELL_MAX], age[SHOW_AGE_MAX];
            const char *label = show_text(claim, "label");

            show_cell(&t, k == 0 ? show_value(show_text(value, "value"), shown, sizeof(shown)) : "");
            show_cell(&t, label[0] != '\0' ? label : show_text(claim, "credential"));
            show_cell(&t, show_age(show_text(claim, "added"), age));
            show_cell(&t, json_is_true(json_object_get(claim, "pinned"))
                              ? "pinned"
                              : show_age(show_text(claim, "expires"), age));
            show_cell(&t, show_text(claim, "from"));
            show_cell(&t, show_text(claim, "door"));
        }
    }
    show_table_end(&t, "no values");
}

static int show_credentials_of(const struct cli *cli, const char *owner)
{
    static const char *const headings[] = {"CREDENTIAL", "ID", "MAY", "NETWORKS", "LAST USED", NULL};
    const char *texts[] = {owner};
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    admin_path(&path, "/v1/credentials?name=%", texts);
    result = admin_list(cli, &path, &items);
    text_fini(&path);
    if (result != EXIT_STATUS_DONE)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        const json_t *used = json_object_get(one, "last-used");
        char actions[SHOW_CELL_MAX], networks[SHOW_CELL_MAX], age[SHOW_AGE_MAX], last[SHOW_CELL_MAX];

        show_cell(&t, show_text(one, "label"));
        show_cell(&t, show_text(one, "credential"));
        show_cell(&t, show_joined(json_object_get(one, "actions"), actions, sizeof(actions)));
        show_cell(&t, json_array_size(json_object_get(one, "networks")) == 0
                          ? "any"
                          : show_joined(json_object_get(one, "networks"), networks, sizeof(networks)));
        if (json_is_object(used))
            (void)snprintf(last, sizeof(last), "%s from %s (%s)", show_age(show_text(used, "time"), age),
                           show_text(used, "from"), show_text(used, "door"));
        else
            (void)snprintf(last, sizeof(last), "never");
        show_cell(&t, last);
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

    if (!args_parse(&a, "name show", "NAME", NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &name);
    text_fini(&path);
    if (result != EXIT_STATUS_DONE)
        return result;
    if (cli->json) {
        show_json(name);
        return EXIT_STATUS_DONE;
    }
    printf("name    %s   account %s%s\n", show_text(name, "name"), show_text(name, "account"),
           json_is_string(json_object_get(name, "retired")) ? "   RETIRED" : "");
    print_cnames(name);
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &values);
    text_fini(&path);
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

int run_name_create(const struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "--account A [--label L] [--zone Z] [--domain D,…] [--revive]";
    static const struct option_spec options[] = {{"--account", OPTION_TEXT},
                                                 {"--label", OPTION_TEXT},
                                                 {"--zone", OPTION_TEXT},
                                                 {"--domain", OPTION_LIST},
                                                 {"--revive", OPTION_FLAG}};
    struct args a;
    struct text path;
    json_t *body, *name = NULL;
    int result;

    if (!args_parse(&a, "name create", usage, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_text(&a, "--account") == NULL) {
        fprintf(stderr, "riposte name create: whose is it? --account is needed\nusage: riposte name create %s\n",
                usage);
        return EXIT_STATUS_USAGE;
    }
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    admin_put_text(body, "label", &a, "--label");
    admin_put_text(body, "zone", &a, "--zone");
    admin_put_list(body, "domains", &a, "--domain");
    if (args_flag(&a, "--revive"))
        (void)json_object_set_new(body, "revive", json_true());
    admin_path(&path, "/v1/names", NULL);
    result = admin_call(cli, "POST", &path, body, &name);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(name);
        return result;
    }
    if (result == EXIT_STATUS_DONE) {
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
    static const char usage[] = "NAME [--domain +D,-D] [--subtree yes|no] [--account A]";
    static const struct option_spec options[] = {
        {"--domain", OPTION_LIST}, {"--subtree", OPTION_TEXT}, {"--account", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *name = NULL;
    const char *subtree;
    int result;

    if (!args_parse(&a, "name set", usage, options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    subtree = args_text(&a, "--subtree");
    if (subtree != NULL && strcmp(subtree, "yes") != 0 && strcmp(subtree, "no") != 0) {
        fprintf(stderr, "riposte name set: --subtree \"%s\": yes or no\n", subtree);
        return EXIT_STATUS_USAGE;
    }
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    if (args_text(&a, "--domain") != NULL)
        (void)json_object_set_new(body, "domains", domains_body(&a));
    if (subtree != NULL)
        (void)json_object_set_new(body, "subtree", json_boolean(strcmp(subtree, "yes") == 0));
    admin_path(&path, "/v1/names/%", a.rest);
    result = admin_call(cli, "PATCH", &path, body, &name);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(name);
        return result;
    }
    if (result == EXIT_STATUS_DONE && !cli->quiet) {
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
    int result;

    if (!args_parse(&a, "name delete", "NAME [--force]", options, ARRAY_LEN(options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (!admin_confirm(cli, "Retire this name for good? CNAMEs that point at it will lead nowhere."))
        return EXIT_STATUS_FAILED;
    admin_path(&path, args_flag(&a, "--force") ? "/v1/names/%?force=1" : "/v1/names/%", a.rest);
    result = admin_call(cli, "DELETE", &path, NULL, NULL);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && !cli->quiet)
        printf("retired %s; remove the CNAMEs that point at it\n", a.rest[0]);
    return result;
}

/* ---- values ---- */

int run_value_list(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *values = NULL;
    int result;

    if (!args_parse(&a, "value list", "NAME", NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_call(cli, "GET", &path, NULL, &values);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(values);
        return result;
    }
    if (result == EXIT_STATUS_DONE)
        admin_show_values(values);
    json_decref(values);
    return result;
}

int run_value_add(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--lifetime", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *list = json_array(), *reply = NULL;
    int result;

    if (!args_parse(&a, "value add", "NAME TEXT… [--lifetime 72h]", options, ARRAY_LEN(options), 2,
                    VALUES_AT_ONCE + 1, argc, argv)) {
        json_decref(list);
        return EXIT_STATUS_USAGE;
    }
    for (size_t i = 1; i < a.n_rest; i++) {
        json_t *one = json_pack("{s:s}", "value", a.rest[i]);

        if (one == NULL) {
            fprintf(stderr, "riposte value add: \"%s\" is not UTF-8\n", a.rest[i]);
            json_decref(list);
            return EXIT_STATUS_USAGE;
        }
        admin_put_text(one, "lifetime", &a, "--lifetime");
        (void)json_array_append_new(list, one);
    }
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_call(cli, "POST", &path, json_pack("{s:o}", "values", list), &reply);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(reply);
        return result;
    }
    if (result == EXIT_STATUS_DONE && !cli->quiet) {
        printf("added %lld, renewed %lld; serial %lld\n", (long long)show_int(reply, "added"),
               (long long)show_int(reply, "renewed"), (long long)show_int(reply, "serial"));
        if (show_int(reply, "evicted-young") > 0)
            printf("WARNING: %lld values younger than values.grace had to go: somebody's certificate is about to "
                   "fail.\n"
                   "  values.max-response can be raised\n",
                   (long long)show_int(reply, "evicted-young"));
    }
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

    if (!args_parse(&a, "value remove", "NAME TEXT…|--all", options, ARRAY_LEN(options), 1, VALUES_AT_ONCE + 1,
                    argc, argv))
        return EXIT_STATUS_USAGE;
    is_all = args_flag(&a, "--all");
    if (is_all != (a.n_rest == 1)) {
        fputs("riposte value remove: name the values, or --all\n", stderr);
        return EXIT_STATUS_USAGE;
    }
    list = json_array();
    for (size_t i = 1; i < a.n_rest; i++)
        (void)json_array_append_new(list, json_string(a.rest[i]));
    admin_path(&path, is_all ? "/v1/names/%/values?all=1" : "/v1/names/%/values", a.rest);
    result = admin_call(cli, "DELETE", &path, is_all ? NULL : json_pack("{s:O}", "values", list), &reply);
    json_decref(list);
    text_fini(&path);
    if (result == EXIT_STATUS_DONE && cli->json) {
        show_json(reply);
        return result;
    }
    if (result == EXIT_STATUS_DONE && !cli->quiet)
        printf("removed %lld\n", (long long)show_int(reply, "removed"));
    json_decref(reply);
    return result;
}
