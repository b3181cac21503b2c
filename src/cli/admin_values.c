/* value … */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/show.h"

#define VALUES_AT_ONCE 64

/* ---- showing ---- */

static void add_claims(struct show_table *t, const json_t *value)
{
    size_t k;
    json_t *claim;

    json_array_foreach(json_object_get(value, "claims"), k, claim)
    {
        const char *expires = show_text(claim, "expires");
        char shown[SHOW_VALUE_MAX], age[SHOW_AGE_MAX], label[SHOW_LABEL_MAX];

        show_cell(t, k == 0 ? show_value(show_text(value, "value"), shown) : " ");
        show_cell(t, show_label(claim, label));
        show_cell(t, show_age(show_text(claim, "added"), age));
        show_cell(t, json_is_true(json_object_get(claim, "pinned")) ? "pinned"
                     : expires[0] != '\0'                           ? show_age(expires, age)
                                                                    : "never");
        show_cell(t, show_text(claim, "from"));
        show_cell(t, show_text(claim, "door"));
    }
}

bool admin_value_is_pinned(const json_t *value)
{
    size_t k;
    json_t *claim;

    json_array_foreach(json_object_get(value, "claims"), k, claim)
    {
        if (json_is_true(json_object_get(claim, "pinned")))
            return true;
    }
    return false;
}

/* Pinned values in full, since value unpin wants them so, and those that no authority takes for long any more. */
static void show_pinned(const json_t *values)
{
    size_t i, n = 0;
    json_t *value;

    json_array_foreach(json_object_get(values, "items"), i, value)
    {
        if (!admin_value_is_pinned(value))
            continue;
        printf("%s  %s\n", n == 0 ? "\npinned:\n" : "", show_text(value, "value"));
        admin_warn_of_persist(stdout, show_text(value, "value"));
        n++;
    }
}

void admin_show_values(const json_t *values)
{
    static const char *const headings[] = {"VALUE", "BY", "ADDED", "EXPIRES", "FROM", "DOOR", NULL};
    struct show_table t;
    size_t i;
    json_t *value;

    show_table_init(&t, headings);
    json_array_foreach(json_object_get(values, "items"), i, value) add_claims(&t, value);
    show_table_end(&t, "no values");
    show_pinned(values);
}

int run_value_list(const struct cli *cli, int argc, char **argv)
{
    return admin_show(cli, "/v1/names/%/values", admin_show_values, argc, argv);
}

/* ---- changing ---- */

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

/* ---- pinning ---- */

int admin_pin(const struct cli *cli, const char *name, const char *value, json_t **reply)
{
    json_t *one = json_pack("{s:s, s:b}", "value", value, "pinned", 1);
    const char *texts[] = {name};
    struct text path;

    *reply = NULL;
    if (one == NULL) {
        fputs("riposte: the text is not UTF-8\n", stderr);
        return EXIT_STATUS_USAGE;
    }
    admin_path(&path, "/v1/names/%/values", texts);
    return admin_ask(cli, "POST", &path, json_pack("{s:[o]}", "values", one), reply);
}

int run_value_pin(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    json_t *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 2, 2, argc, argv))
        return EXIT_STATUS_USAGE;
    result = admin_pin(cli, a.rest[0], a.rest[1], &reply);
    if (reply != NULL && !cli->quiet) {
        printf("%s; serial %lld\n", show_int(reply, "added") > 0 ? "pinned" : "was there, and is pinned",
               (long long)show_int(reply, "serial"));
        admin_warn_of_persist(stderr, a.rest[1]);
    }
    json_decref(reply);
    return result;
}

/* EXIT_STATUS_DONE when value is pinned at name; it has been explained when not. */
static int look_for_pinned(const struct cli *cli, const struct args *a)
{
    struct text path;
    json_t *values = NULL, *value;
    size_t i;
    int result;

    admin_path(&path, "/v1/names/%/values", a->rest);
    result = admin_call(cli, "GET", &path, NULL, &values);
    if (result != EXIT_STATUS_DONE)
        return result;
    result = EXIT_STATUS_NOT_FOUND;
    json_array_foreach(json_object_get(values, "items"), i, value)
    {
        if (strcmp(show_text(value, "value"), a->rest[1]) == 0 && admin_value_is_pinned(value))
            result = EXIT_STATUS_DONE;
    }
    if (result != EXIT_STATUS_DONE)
        fprintf(stderr, "riposte value unpin: that text is not pinned at %s; riposte value list %s shows what is\n",
                a->rest[0], a->rest[0]);
    json_decref(values);
    return result;
}

int run_value_unpin(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 2, 2, argc, argv))
        return EXIT_STATUS_USAGE;
    result = look_for_pinned(cli, &a);
    if (result != EXIT_STATUS_DONE)
        return result;
    admin_path(&path, "/v1/names/%/values", a.rest);
    result = admin_ask(cli, "DELETE", &path, json_pack("{s:[s]}", "values", a.rest[1]), &reply);
    if (reply != NULL && !cli->quiet)
        printf("removed; serial %lld\n", (long long)show_int(reply, "serial"));
    json_decref(reply);
    return result;
}
