#include "cli/check_facts.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/show.h"

#define PATH_LEN_MAX 4096

void check_facts_init(struct check_facts *f, const struct cli *cli, const struct check_here *here)
{
    *f = (struct check_facts){.here = here, .is_remote = client_remote_url(cli) != NULL};
    if (!f->is_remote && !cli->config_is_said && access(cli->config_path, F_OK) != 0)
        return;
    f->client = client_new(cli);
    if (f->client != NULL)
        client_expect_missing(f->client);
}

void check_facts_fini(struct check_facts *f)
{
    client_free(f->client);
    f->client = NULL;
}

/* GET; *out is given on EXIT_STATUS_DONE. Takes the path's parts: before, an escaped text, behind. */
static int get(struct check_facts *f, const char *before, const char *text, const char *behind, json_t **out)
{
    struct text path;
    int result = EXIT_STATUS_UNREACHABLE;

    *out = NULL;
    if (f->client == NULL || f->is_off)
        return result;
    text_init(&path, PATH_LEN_MAX);
    text_put(&path, before);
    client_escape(&path, text, strlen(text));
    text_put(&path, behind);
    if (path.err == ERR_OK)
        result = client_call(f->client, "GET", path.bytes, NULL, out);
    text_fini(&path);
    f->is_off = result != EXIT_STATUS_DONE && result != EXIT_STATUS_NOT_FOUND;
    return result;
}

/* ---- values ---- */

static void take_claim(const json_t *claim, struct check_fact *out)
{
    int64_t added_s = show_parse_time(show_text(claim, "added"));
    char label[SHOW_LABEL_MAX];

    if (added_s <= out->newest_s)
        return;
    out->newest_s = added_s;
    (void)snprintf(out->newest_by, sizeof(out->newest_by), "%s", show_label(claim, label));
}

static void look_at_values(struct check_facts *f, const char *name, struct check_fact *out)
{
    json_t *reply, *item, *claim;
    size_t i, k;

    if (get(f, "/v1/names/", name, "/values", &reply) != EXIT_STATUS_DONE)
        return;
    out->n_values = json_array_size(json_object_get(reply, "items"));
    json_array_foreach(json_object_get(reply, "items"), i, item)
    {
        json_array_foreach(json_object_get(item, "claims"), k, claim) take_claim(claim, out);
    }
    json_decref(reply);
}

/* ---- questions ---- */

/* Our own checks and hooks ask, too. */
static bool is_own(const struct check_here *here, const char *from)
{
    struct addr addr;

    if (addr_parse(&addr, from, strlen(from)) != ERR_OK || addr_is_loopback(&addr))
        return true;
    for (size_t z = 0; z < here->n_zones; z++) {
        for (size_t i = 0; i < here->zones[z].n_servers; i++) {
            const struct check_own_server *s = &here->zones[z].servers[i];

            for (size_t k = 0; k < s->n_addrs; k++) {
                if (addr_equal(&s->addrs[k], &addr))
                    return true;
            }
        }
    }
    return false;
}

static void look_at_trace(struct check_facts *f, const char *name, struct check_fact *out)
{
    char since[CLOCK_TEXT_MAX], behind[CLOCK_TEXT_MAX + 16];
    json_t *reply, *item;
    size_t i;

    if (f->is_remote || out->newest_s == 0) /* of a remote server it is not known which questions are ours */
        return;
    (void)snprintf(behind, sizeof(behind), "/trace?since=%s", clock_format_rfc3339(out->newest_s, since));
    if (get(f, "/v1/names/", name, behind, &reply) != EXIT_STATUS_DONE)
        return;
    out->is_traced = true;
    json_array_foreach(json_object_get(reply, "items"), i, item)
    {
        if (strcmp(show_text(item, "kind"), "question") == 0 && strcmp(show_text(item, "type"), "TXT") == 0 &&
            !is_own(f->here, show_text(item, "from")))
            out->questions++;
    }
    json_decref(reply);
}

/* ---- what the engine asks ---- */

static void take_aliases(const json_t *reply, struct check_fact *out)
{
    json_t *alias;
    size_t i;

    json_array_foreach(json_object_get(reply, "aliases"), i, alias)
    {
        const char *text = json_string_value(alias);

        if (text != NULL && out->n_aliases < CHECK_ALIASES_MAX &&
            name_parse(&out->aliases[out->n_aliases], text, strlen(text)) == ERR_OK)
            out->n_aliases++;
    }
}

static void look(void *self, const char *what, struct check_fact *out)
{
    struct check_facts *f = self;
    json_t *reply;
    int result = get(f, "/v1/names/", what, "", &reply);
    const char *name = show_text(reply, "name");

    memset(out, 0, sizeof(*out));
    if (result == EXIT_STATUS_NOT_FOUND && !f->is_remote) /* who is remote may just not see it */
        out->knowledge = CHECK_MISSING;
    if (result == EXIT_STATUS_DONE && show_text(reply, "retired")[0] != '\0') {
        out->knowledge = CHECK_MISSING;
    } else if (result == EXIT_STATUS_DONE && name_parse(&out->name, name, strlen(name)) == ERR_OK) {
        out->knowledge = CHECK_FOUND;
        take_aliases(reply, out);
        look_at_values(f, name, out);
        look_at_trace(f, name, out);
    }
    json_decref(reply);
}

static bool serial(void *self, const struct name *apex, uint32_t *out)
{
    struct check_facts *f = self;
    char origin[NAME_TEXT_MAX];
    json_t *reply, *zone;
    bool found = false;
    size_t i;

    if (get(f, "/v1/server", "", "", &reply) != EXIT_STATUS_DONE)
        return false;
    (void)name_format(apex, origin);
    json_array_foreach(json_object_get(reply, "zones"), i, zone)
    {
        if (strcasecmp(show_text(zone, "origin"), origin) != 0)
            continue;
        *out = (uint32_t)show_int(zone, "serial");
        found = true;
    }
    json_decref(reply);
    return found;
}

struct check_source check_facts_source(struct check_facts *f)
{
    return (struct check_source){.look = look, .serial = serial, .self = f};
}
