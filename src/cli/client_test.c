/* client test: the whole way of a value, with the host's own credential, before a certificate authority walks it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "cli/client_commands.h"
#include "cli/findings.h"
#include "cli/show.h"

#define WAIT_DEFAULT_MS ((int64_t)30 * 1000)
#define HTTP_MS         30000

struct test {
    const struct cli *cli;
    struct client_options options;
    struct lookup *lookup; /* NULL: there is no resolver */
    int64_t wait_ms;
    struct client_account account;
    struct name target;
    const char *url;
    char domain[DOMAIN_TEXT_MAX];
    struct findings findings;
};

static struct client_server server_of(const struct test *t)
{
    return (struct client_server){.url = t->url,
                                  .ca_file = t->options.ca_file,
                                  .deadline_ms = clock_mono_ms(&clock_system) + HTTP_MS,
                                  .account = &t->account};
}

/* A text of several lines, as client_server.h gives them: the first is what is wrong, the rest what to do. */
static void add_failure(struct test *t, const char *about, const struct text *why)
{
    size_t len = strcspn(why->bytes, "\n");
    const char *rest = why->bytes + len;

    finding_fail(&t->findings, about, "%.*s", (int)len, why->bytes);
    while (*rest == '\n' || *rest == ' ')
        rest++;
    len = strcspn(rest, "\n");
    if (len > 0)
        finding_fix(&t->findings, "%.*s", (int)len, rest);
}

/* ---- the server and the credential ---- */

static bool has_name(const json_t *self, const struct name *target)
{
    const json_t *names = json_object_get(self, "names");
    struct name name;
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(self, "actions"), i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), "administer") == 0)
            return true; /* of all names */
    }

    json_array_foreach(names, i, one)
    {
        const char *text = json_string_value(one);

        if (text != NULL && name_parse(&name, text, strlen(text)) == ERR_OK &&
            name_is_at_or_below(target,
                                &name)) /* a subtree is a matter of the name; the server has the last word */
            return true;
    }
    return false;
}

/* "web2, account infra" */
static const char *who(const json_t *self, char out[SHOW_LIST_MAX])
{
    char label[SHOW_LABEL_MAX];

    (void)snprintf(out, SHOW_LIST_MAX, "%s, account %s", show_label(self, label), show_text(self, "account"));
    return out;
}

/* The server knows the credential and says why it would refuse it all the same (INTERFACE section 5.5). */
static void explain_refused(struct test *t, const json_t *self)
{
    const char *reason = show_text(self, "refused");
    char text[SHOW_LIST_MAX], networks[SHOW_LIST_MAX];

    if (strcmp(reason, "network") == 0)
        finding_fail(
            &t->findings, "credential",
            "the server knows this credential (%s) but refuses it: your address %s is not in its networks %s",
            who(self, text), show_text(self, "address"),
            show_joined(json_object_get(self, "networks"), networks, sizeof(networks)));
    else
        finding_fail(&t->findings, "credential", "the server knows this credential (%s) but refuses it: %s",
                     who(self, text), show_text(self, "detail")[0] != '\0' ? show_text(self, "detail") : reason);
    if (show_text(self, "hint")[0] != '\0')
        finding_fix(&t->findings, "an administrator can change it:  %s", show_text(self, "hint"));
}

static void judge_self(struct test *t, const json_t *self)
{
    char text[SHOW_LIST_MAX];

    if (show_text(self, "refused")[0] != '\0') {
        explain_refused(t, self);
    } else if (!has_name(self, &t->target)) {
        finding_fail(&t->findings, "credential", "this credential (%s) is not for %s, but for %s", who(self, text),
                     t->account.fulldomain,
                     show_joined(json_object_get(self, "names"), (char[SHOW_LIST_MAX]){0}, SHOW_LIST_MAX));
        finding_fix(&t->findings, "an administrator can change it:  riposte credential set %s --names +%s",
                    t->account.username, t->account.fulldomain);
    } else {
        finding_ok(&t->findings, "credential", "%s knows this credential (%s) and lets it in from %s", t->url,
                   who(self, text), show_text(self, "address"));
    }
}

/* True: a change may be tried. */
static bool test_server(struct test *t)
{
    struct client_server server = server_of(t);
    size_t failures = t->findings.failures;
    json_t *self = NULL;
    struct text why;

    text_init(&why, CLIENT_WHY_MAX);
    switch (client_server_self(&server, &self, &why)) {
    case CLIENT_DONE:
        judge_self(t, self);
        break;
    case CLIENT_NO_DOOR:
        finding_note(
            &t->findings, "credential",
            "%s answers, but has no /v1/self there: what it thinks of this credential shows when a value is "
            "added",
            t->url);
        break;
    case CLIENT_REFUSED:
        add_failure(t, "credential", &why);
        break;
    case CLIENT_UNREACHABLE:
        add_failure(t, "server", &why);
        break;
    }
    json_decref(self);
    text_fini(&why);
    return t->findings.failures == failures;
}

/* ---- the CNAME ---- */

static void test_pointing(struct test *t)
{
    struct pointing p;
    struct text at;

    pointing_look(&p, t->lookup, t->domain, &t->target);
    text_init(&at, CLIENT_WHY_MAX);
    client_put_servers(&at, p.right, p.servers, &p.zone);
    switch (p.state) {
    case POINTING_RIGHT:
        finding_ok(&t->findings, "cname", "%s%s -> %s%s, %s%s", CLIENT_CHALLENGE_LABEL, t->domain,
                   t->account.fulldomain, p.hops > 0 ? " (behind another CNAME)" : "",
                   p.by_resolver    ? "says the resolver"
                   : p.servers == 0 ? "the same name"
                                    : "at ",
                   p.by_resolver || p.servers == 0 ? "" : at.bytes);
        break;
    case POINTING_DELEGATED:
        finding_ok(&t->findings, "cname", "%s%s is a zone of its own, and needs no CNAME", CLIENT_CHALLENGE_LABEL,
                   t->domain);
        break;
    case POINTING_PARTLY:
    case POINTING_WRONG:
        finding_fail(&t->findings, "cname", "%s%s%s", p.fault.bytes,
                     p.state == POINTING_PARTLY ? "; right at " : "", p.state == POINTING_PARTLY ? at.bytes : "");
        if (p.fix.len > 0)
            finding_fix(&t->findings, "%s", p.fix.bytes);
        if (p.dig[0] != '\0')
            finding_see(&t->findings, "%s", p.dig);
        break;
    case POINTING_UNKNOWN:
        finding_note(&t->findings, "cname", "whether the CNAME is there cannot be told from here: %s",
                     p.fault.bytes);
        break;
    }
    if (p.state == POINTING_RIGHT && p.silent > 0)
        finding_note(&t->findings, "cname", "%zu of the servers did not answer this machine", p.silent);
    text_fini(&at);
    pointing_fini(&p);
}

/* ---- a value ---- */

/* 43 characters that no authority has asked for. */
static bool make_value(char out[CLIENT_CHALLENGE_LEN + 1])
{
    uint8_t random[SHA256_LEN];

    if (crypto_random(random, sizeof(random)) != ERR_OK)
        return false;
    (void)base64url_encode(out, random, sizeof(random));
    return true;
}

static void see_value(struct test *t, const char *value)
{
    int64_t begun_ms = clock_mono_ms(&clock_system);
    struct visible v;
    struct text at;

    visible_wait(&v, t->lookup, &t->target, value, begun_ms + t->wait_ms);
    text_init(&at, CLIENT_WHY_MAX);
    client_put_servers(&at, v.seen, v.servers, &v.zone);
    if (v.state == VISIBLE_YES) {
        finding_ok(&t->findings, "value", "a value that was added is visible at %s after %.1f s",
                   v.by_resolver ? "the resolver" : at.bytes,
                   (double)(clock_mono_ms(&clock_system) - begun_ms) / 1000);
    } else if (v.state == VISIBLE_NO) {
        finding_fail(&t->findings, "value", "%s; seen at %s", v.fault.bytes, at.bytes);
        if (v.dig[0] != '\0')
            finding_see(&t->findings, "%s", v.dig);
    } else {
        finding_note(&t->findings, "value", "whether the value is visible cannot be told from here: %s",
                     v.fault.bytes);
    }
    text_fini(&at);
    visible_fini(&v);
}

/* Only where it can be removed: that is asked first, with a value that is not there. */
static void test_value(struct test *t)
{
    char value[CLIENT_CHALLENGE_LEN + 1];
    struct client_server server = server_of(t);
    enum client_outcome outcome;
    struct text why;

    text_init(&why, CLIENT_WHY_MAX);
    if (!make_value(value)) {
        finding_fail(&t->findings, "value", "there are no random numbers");
        text_fini(&why);
        return;
    }
    outcome = client_server_remove(&server, value, &why);
    if (outcome == CLIENT_NO_DOOR) {
        finding_note(&t->findings, "value", "not tried: %s has no way to remove a value (/cleanup or /delete)",
                     t->url);
    } else if (outcome != CLIENT_DONE) {
        finding_note(&t->findings, "value", "not tried, since it could not be removed: %.*s",
                     (int)strcspn(why.bytes, "\n"), why.bytes);
    } else if (client_server_add(&server, value, &why) != CLIENT_DONE) {
        add_failure(t, "value", &why);
    } else {
        if (t->lookup != NULL)
            see_value(t, value);
        server = server_of(t); /* with time of its own: waiting may have used up the other */
        if (client_server_remove(&server, value, &why) != CLIENT_DONE)
            add_failure(t, "value", &why);
    }
    text_fini(&why);
}

/* ---- the command ---- */

static void test_domain(struct test *t)
{
    bool may_change = false;

    findings_init(&t->findings);
    t->url = client_url(&t->options, &t->account);
    if (name_parse(&t->target, t->account.fulldomain, strlen(t->account.fulldomain)) != ERR_OK)
        finding_fail(&t->findings, "credential", "%s is no domain name", t->account.fulldomain);
    else if (t->url == NULL)
        finding_fail(&t->findings, "server",
                     "the file does not say which server the credential is for; --server "
                     "names it");
    else
        may_change = test_server(t);
    if (t->findings.failures > 0 && !may_change && t->target.len == 0)
        return;
    if (t->lookup != NULL)
        test_pointing(t);
    else
        finding_note(&t->findings, "cname", "/etc/resolv.conf names no resolver: DNS is not looked at");
    if (may_change)
        test_value(t);
}

static json_t *findings_as_json(const struct test *t)
{
    json_t *items = json_array();

    for (size_t i = 0; i < t->findings.n; i++) {
        const struct finding *f = &t->findings.items[i];

        (void)json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "level", finding_word(f->level),
                                                     "about", f->about, "detail", f->detail, "fix", f->fix, "dig",
                                                     f->see));
    }
    return json_pack("{s:s, s:b, s:o}", "domain", t->domain, "ok", t->findings.failures == 0, "findings", items);
}

/* Test one and show what was found. Returns whether nothing failed. */
static bool test_and_show(struct test *t, json_t *json)
{
    bool good;

    test_domain(t);
    good = t->findings.failures == 0 && t->findings.err == ERR_OK;
    if (t->cli->json) {
        (void)json_array_append_new(json, findings_as_json(t));
    } else {
        printf("%s\n", t->domain);
        findings_print(&t->findings, stdout);
        (void)fflush(stdout);
    }
    findings_fini(&t->findings);
    return good;
}

static int show_end(const struct test *t, json_t *json, size_t domains, size_t bad)
{
    if (t->cli->json)
        show_json(json_pack("{s:b, s:O}", "ok", bad == 0, "domains", json));
    else if (bad > 0 && domains > 1)
        printf("%zu of %zu domains failed\n", bad, domains);
    return bad == 0 ? EXIT_STATUS_DONE : EXIT_STATUS_CHECK_FAILED;
}

/* Those that are named must be there. */
static int test_named(struct test *t, const struct client_storage *s, const struct args *a, json_t *json)
{
    size_t bad = 0;

    for (size_t i = 0; i < a->n_rest; i++) {
        if (domain_normalise(t->domain, a->rest[i], strlen(a->rest[i])) != ERR_OK)
            return args_refuse(a, "\"%s\" is no domain such as shop.example.com", a->rest[i]);
        if (!client_storage_find(s, t->domain, &t->account)) {
            fprintf(stderr,
                    "riposte client test: %s has no credential for %s\n  riposte client register %s makes one\n",
                    client_storage_path(s), t->domain, t->domain);
            return EXIT_STATUS_NOT_FOUND;
        }
    }
    for (size_t i = 0; i < a->n_rest; i++) {
        if (domain_normalise(t->domain, a->rest[i], strlen(a->rest[i])) == ERR_OK &&
            client_storage_find(s, t->domain, &t->account))
            bad += !test_and_show(t, json);
    }
    return show_end(t, json, a->n_rest, bad);
}

static int test_all(struct test *t, const struct client_storage *s, json_t *json)
{
    size_t n = client_storage_count(s), bad = 0;

    for (size_t i = 0; i < n; i++) {
        client_storage_at(s, i, &t->account);
        if (domain_normalise(t->domain, t->account.domain, strlen(t->account.domain)) == ERR_OK) {
            bad += !test_and_show(t, json);
        } else if (!t->cli->quiet) {
            fprintf(stderr, "riposte: warning: an entry of %s is for no domain, and was left out\n",
                    client_storage_path(s));
        }
    }
    if (n == 0)
        fprintf(stderr, "riposte client test: there are no credentials in %s\n", client_storage_path(s));
    return n == 0 ? EXIT_STATUS_NOT_FOUND : show_end(t, json, n, bad);
}

int run_client_test(const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {CLIENT_OPTIONS, {"--wait", OPTION_TEXT}};
    struct test *t = calloc(1, sizeof(*t));
    struct client_storage *s;
    int status = EXIT_STATUS_USAGE;
    json_t *json = json_array();
    struct args a;

    if (t == NULL || json == NULL)
        fputs("riposte client test: no memory\n", stderr);
    else if (args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, ARGS_VALUES_MAX, argc, argv) &&
             client_options_take(&t->options, &a) && client_duration(&a, "--wait", WAIT_DEFAULT_MS, &t->wait_ms)) {
        t->cli = cli;
        t->lookup = malloc(sizeof(*t->lookup));
        if (t->lookup != NULL && lookup_init(t->lookup, t->options.resolvers, t->options.n_resolvers) != ERR_OK) {
            free(t->lookup);
            t->lookup = NULL;
        }
        s = client_open(&t->options, cli, &status);
        if (s != NULL)
            status = a.n_rest > 0 ? test_named(t, s, &a, json) : test_all(t, s, json);
        client_storage_close(s);
    }
    if (t != NULL)
        free(t->lookup);
    free(t);
    json_decref(json);
    return status;
}
