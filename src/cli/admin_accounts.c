/* account … and token … */
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/admin.h"
#include "cli/show.h"

static const struct option_spec account_options[] = {{"--names", OPTION_TEXT}, {"--note", OPTION_TEXT}};

static void show_account(const json_t *a)
{
    const json_t *limit = json_object_get(json_object_get(a, "limits"), "names");
    char age[SHOW_AGE_MAX];

    printf("account  %s%s%s\n", show_text(a, "account"),
           json_is_true(json_object_get(a, "disabled")) ? "  DISABLED" : "",
           json_is_string(json_object_get(a, "deleted")) ? "  deleted" : "");
    if (show_text(a, "note")[0] != '\0')
        printf("note     %s\n", show_text(a, "note"));
    printf("names    %lld", (long long)show_int(a, "names"));
    if (json_is_integer(limit))
        printf(" of at most %lld", (long long)json_integer_value(limit));
    printf("\nmade     %s%s\n", show_age(show_text(a, "created"), age),
           json_is_true(json_object_get(a, "unclaimed")) ? " by a registration without token" : "");
}

int run_account_list(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--all", OPTION_FLAG}};
    static const char *const headings[] = {"ACCOUNT", "NAMES", "MADE", "STATE", "NOTE", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, args_flag(&a, "--all") ? "/v1/accounts?deleted=1" : "/v1/accounts", NULL);
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char age[SHOW_AGE_MAX];

        show_cell(&t, show_text(one, "account"));
        show_cell_int(&t, show_int(one, "names"));
        show_cell(&t, show_age(show_text(one, "created"), age));
        show_cell(&t, json_is_string(json_object_get(one, "deleted"))  ? "deleted"
                      : json_is_true(json_object_get(one, "disabled")) ? "disabled"
                                                                       : "ok");
        show_cell(&t, show_text(one, "note"));
    }
    show_table_end(&t, "no accounts yet; riposte account create makes one");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

/* Send body for the account named by the first argument and show what comes back. */
static int call_account(const struct cli *cli, const struct args *a, const char *method, json_t *body)
{
    struct text path;
    json_t *reply = NULL;
    int result;

    admin_path(&path, "/v1/accounts/%", a->rest);
    result = admin_ask(cli, method, &path, body, &reply);
    if (reply != NULL && !cli->quiet)
        show_account(reply);
    json_decref(reply);
    return result;
}

int run_account_show(const struct cli *cli, int argc, char **argv)
{
    struct args a;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    return call_account(cli, &a, "GET", NULL);
}

/* The members of an account that options name; NULL: an option is wrong. */
static json_t *account_body(const struct args *a)
{
    const char *names = args_text(a, "--names");
    json_t *body = json_object();
    uint64_t n;

    admin_put_text(body, "note", a, "--note");
    if (names == NULL)
        return body;
    if (quantity_parse_uint(&n, names, strlen(names), UINT32_MAX) != ERR_OK) {
        (void)args_refuse(a, "--names \"%s\": a number is wanted", names);
        json_decref(body);
        return NULL;
    }
    (void)json_object_set_new(body, "limits", json_pack("{s:I}", "names", (json_int_t)n));
    return body;
}

int run_account_create(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    json_t *body;

    if (!args_parse(&a, cli->command, account_options, ARRAY_LEN(account_options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    body = account_body(&a);
    return body != NULL ? call_account(cli, &a, "PUT", body) : EXIT_STATUS_USAGE;
}

int run_account_set(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    json_t *body;

    if (!args_parse(&a, cli->command, account_options, ARRAY_LEN(account_options), 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_text(&a, "--names") == NULL && args_text(&a, "--note") == NULL)
        return args_refuse(&a, "what is to change?");
    body = account_body(&a);
    return body != NULL ? call_account(cli, &a, "PATCH", body) : EXIT_STATUS_USAGE;
}

static int set_disabled(const struct cli *cli, int disabled, int argc, char **argv)
{
    struct args a;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    return call_account(cli, &a, "PATCH", json_pack("{s:b}", "disabled", disabled));
}

int run_account_disable(const struct cli *cli, int argc, char **argv)
{
    return set_disabled(cli, 1, argc, argv);
}

int run_account_enable(const struct cli *cli, int argc, char **argv)
{
    return set_disabled(cli, 0, argc, argv);
}

int run_account_delete(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    result = call_account(cli, &a, "DELETE", NULL);
    if (result == EXIT_STATUS_DONE && !cli->quiet && !cli->json)
        printf("deleted account %s\n", a.rest[0]);
    return result;
}

/* ---- tokens ---- */

static void show_token(const json_t *t)
{
    char age[SHOW_AGE_MAX], networks[SHOW_LIST_MAX];
    int64_t count = show_int(t, "count");
    bool expires = json_is_string(json_object_get(t, "expires"));

    printf("token     %lld  account %s%s\n", (long long)show_int(t, "token"), show_text(t, "account"),
           json_is_string(json_object_get(t, "revoked")) ? "  REVOKED" : "");
    printf("used      %lld times", (long long)show_int(t, "used"));
    if (count > 0)
        printf(" of at most %lld", (long long)count);
    printf("\nexpires   %s\nnetworks  %s\n", expires ? show_age(show_text(t, "expires"), age) : "never",
           show_networks(t, networks));
    if (show_text(t, "labels")[0] != '\0')
        printf("labels    %s\n", show_text(t, "labels"));
}

int run_token_list(const struct cli *cli, int argc, char **argv)
{
    static const char *const headings[] = {"TOKEN", "ACCOUNT", "USED", "OF", "EXPIRES", "STATE", NULL};
    struct args a;
    struct text path;
    struct show_table t;
    json_t *items = NULL, *one;
    size_t i;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/tokens", NULL);
    result = admin_list(cli, &path, &items);
    if (items == NULL)
        return result;
    show_table_init(&t, headings);
    json_array_foreach(items, i, one)
    {
        char age[SHOW_AGE_MAX];

        show_cell_int(&t, show_int(one, "token"));
        show_cell(&t, show_text(one, "account"));
        show_cell_int(&t, show_int(one, "used"));
        if (show_int(one, "count") > 0)
            show_cell_int(&t, show_int(one, "count"));
        else
            show_cell(&t, "");
        show_cell(&t, json_is_string(json_object_get(one, "expires")) ? show_age(show_text(one, "expires"), age)
                                                                      : "never");
        show_cell(&t, json_is_string(json_object_get(one, "revoked")) ? "revoked" : "ok");
    }
    show_table_end(&t, "no registration tokens; riposte token create makes one");
    json_decref(items);
    return EXIT_STATUS_DONE;
}

int run_token_show(const struct cli *cli, int argc, char **argv)
{
    return admin_show(cli, "/v1/tokens/%", show_token, argc, argv);
}

int run_token_create(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {{"--account", OPTION_TEXT},
                                                 {"--count", OPTION_TEXT},
                                                 {"--expires", OPTION_TEXT},
                                                 {"--networks", OPTION_LIST},
                                                 {"--labels", OPTION_TEXT}};
    struct args a;
    struct text path;
    json_t *body, *reply = NULL;
    const char *count;
    uint64_t n = 0;
    int result;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    if (args_text(&a, "--account") == NULL)
        return args_refuse(&a, "whose names are to be registered with it? --account is needed");
    count = args_text(&a, "--count");
    if (count != NULL && quantity_parse_uint(&n, count, strlen(count), UINT32_MAX) != ERR_OK)
        return args_refuse(&a, "--count \"%s\": a number is wanted", count);
    body = json_object();
    admin_put_text(body, "account", &a, "--account");
    if (count != NULL)
        (void)json_object_set_new(body, "count", json_integer((json_int_t)n));
    admin_put_list(body, "networks", &a, "--networks");
    admin_put_text(body, "labels", &a, "--labels");
    if (!admin_put_time(body, "expires", &a, "--expires")) {
        json_decref(body);
        return EXIT_STATUS_USAGE;
    }
    admin_path(&path, "/v1/tokens", NULL);
    result = admin_ask(cli, "POST", &path, body, &reply);
    if (reply != NULL)
        printf("%s\n", show_text(reply, "secret"));
    if (reply != NULL && !cli->quiet)
        fprintf(stderr,
                "This is shown only now. A client's base URL with it: BASE/r/%s\n"
                "  registration.allow must be token, networks or anyone for it to work\n",
                show_text(reply, "secret"));
    json_decref(reply);
    return result;
}

int run_token_revoke(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/tokens/%", a.rest);
    result = admin_ask(cli, "DELETE", &path, NULL, &reply);
    if (result == EXIT_STATUS_DONE && !cli->quiet && !cli->json)
        printf("revoked token %s; names that were registered with it stay\n", a.rest[0]);
    json_decref(reply);
    return result;
}
