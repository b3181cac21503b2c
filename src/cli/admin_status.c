#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "cli/admin.h"
#include "cli/show.h"

static void show_zones(const json_t *server)
{
    size_t i;
    json_t *zone;

    json_array_foreach(json_object_get(server, "zones"), i, zone)
        printf("zone      %s  serial %lld  names %lld  values %lld\n", show_text(zone, "origin"),
               (long long)show_int(zone, "serial"), (long long)show_int(zone, "names"),
               (long long)show_int(zone, "values"));
}

static void show_listeners(const json_t *server)
{
    size_t i;
    json_t *at;
    char serves[SHOW_LIST_MAX];

    json_array_foreach(json_object_get(server, "dns"), i, at)
    {
        bool udp = json_is_true(json_object_get(at, "udp")), tcp = json_is_true(json_object_get(at, "tcp"));

        printf("dns       %s %s%s%s ok  %lld worker%s  %lld question%s%s\n", show_text(at, "address"),
               udp ? "udp" : "", udp && tcp ? "+" : "", tcp ? "tcp" : "", (long long)show_int(at, "workers"),
               show_int(at, "workers") == 1 ? "" : "s", (long long)show_int(at, "questions"),
               show_int(at, "questions") == 1 ? "" : "s",
               json_is_true(json_object_get(at, "activated")) ? "  (sockets from systemd)" : "");
    }
    json_array_foreach(json_object_get(server, "api"), i, at)
    {
        const char *problem = show_text(at, "problem");

        printf("api       %s %s %s (%s)%s%s\n", show_text(at, "address"),
               json_is_true(json_object_get(at, "tls")) ? "https" : "http",
               json_is_true(json_object_get(at, "open")) ? "ok" : "CLOSED",
               show_joined(json_object_get(at, "serves"), serves, sizeof(serves)), problem[0] != '\0' ? "  " : "",
               problem);
    }
}

static const char *registration_text(const char *allow)
{
    if (strcmp(allow, "token") == 0)
        return "who has a token (riposte token create)";
    if (strcmp(allow, "networks") == 0)
        return "clients of registration.networks, and who has a token";
    if (strcmp(allow, "anyone") == 0)
        return "anyone (registration.allow)";
    return "nobody (registration.allow is none); hand out names with: riposte name create";
}

/* Only as long as there are some: who never had to do with acme-dns does not see it. */
static void show_imported(const json_t *server)
{
    long long slow = (long long)show_int(json_object_get(server, "counts"), "secrets-bcrypt");

    if (slow > 0)
        printf("imported  %lld secret%s from acme-dns not used yet (riposte credential list --unused)\n", slow,
               slow == 1 ? "" : "s");
}

static void show_store(const json_t *server)
{
    const json_t *store = json_object_get(server, "store");
    char size[QUANTITY_TEXT_MAX], room[QUANTITY_TEXT_MAX], age[SHOW_AGE_MAX];
    const char *backup = show_text(store, "last-backup");
    bool is_ok = json_is_true(json_object_get(store, "ok"));

    printf("store     %s %s, %s, %s free, %lld change%s, last backup: %s\n", show_text(store, "path"),
           is_ok ? "ok" : "FAILS", quantity_format_size((uint64_t)show_int(store, "octets"), size),
           quantity_format_size((uint64_t)show_int(store, "free-octets"), room),
           (long long)show_int(store, "changes"), show_int(store, "changes") == 1 ? "" : "s",
           backup[0] != '\0' ? show_age(backup, age) : "never");
    if (!is_ok)
        printf("WARNING   the store cannot be written: %s. DNS goes on from memory; changes are answered 503\n",
               show_text(store, "problem"));
    if (json_is_true(json_object_get(store, "registration-paused")))
        puts("WARNING   free space is below limits.free-space: no registrations and no new names until there is "
             "more");
}

/* Records of dns-persist-01 that somebody should replace. */
static void show_lapsing(const json_t *server)
{
    char age[SHOW_AGE_MAX];
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(server, "lapsing"), i, one)
        printf("WARNING   the dns-persist record at %s for %s %s %s: riposte value list %s\n",
               show_text(one, "name"), show_text(one, "issuer"),
               show_parse_time(show_text(one, "until")) > clock_real_s(&clock_system) ? "lapses" : "lapsed",
               show_age(show_text(one, "until"), age), show_text(one, "name"));
}

int run_status(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *server = NULL;
    const char *hidden;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/server", NULL);
    result = admin_ask(cli, "GET", &path, NULL, &server);
    if (server == NULL)
        return result;
    printf("riposte %s, up %lld s, ready\n", show_text(server, "version"),
           (long long)show_int(server, "uptime-seconds"));
    show_zones(server);
    show_listeners(server);
    printf("register  %s\n", registration_text(show_text(server, "registration")));
    show_store(server);
    show_imported(server);
    show_lapsing(server);
    hidden = show_text(server, "sources-hidden-behind");
    if (hidden[0] != '\0')
        printf("WARNING   every question so far came from %s: source addresses are hidden by a translation\n",
               hidden);
    json_decref(server);
    return EXIT_STATUS_DONE;
}

int run_reload(const struct cli *cli, int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, "/v1/reload", NULL);
    result = admin_ask(cli, "POST", &path, NULL, &reply);
    if (reply != NULL && !cli->quiet)
        printf("%sreloaded\n", show_text(reply, "notes"));
    else if (result != EXIT_STATUS_DONE)
        fputs("riposte: nothing was changed\n", stderr);
    json_decref(reply);
    return result;
}
