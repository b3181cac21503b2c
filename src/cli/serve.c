/* `riposte serve`: build every object, connect them, run, tear down.
 *
 * Sockets are bound first, while there may be privileges; then the store is loaded; only then do threads answer.
 * What arrives in between waits in the sockets, so nothing is ever answered NXDOMAIN because it was not loaded yet.
 */
#include "cli/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "cli/activation.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/key_file.h"
#include "cli/privileges.h"

#define WHY_MAX           ((size_t)64 << 10)
#define API_STOP_WAIT_MS  5000
#define RUN_FOLDER_MODE   0755
#define STORE_FOLDER_MODE 0700

/* ---- errors at start, for people ---- */

/* Say what is wrong with a key; the first line gets the place in the file, later lines are indented advice as they
 * are. A line about the admin socket is about that key, whoever says it. */
static void complain(const struct config *c, const char *key, const struct text *why)
{
    const char *line = why->bytes;

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        const char *about = c->api.admin_socket != NULL
                                ? memmem(line, len, c->api.admin_socket, strlen(c->api.admin_socket))
                                : NULL;
        const char *at_key = about != NULL ? "admin.socket" : key;
        unsigned at_line = 0, column = 0;

        config_where(c, at_key, &at_line, &column);
        if (line[0] == ' ')
            fprintf(stderr, "%.*s\n", (int)len, line);
        else if (at_line > 0)
            fprintf(stderr, "%s:%u:%u: %s: %.*s\n", c->path, at_line, column, at_key, (int)len, line);
        else
            fprintf(stderr, "%s: %s: %.*s\n", c->path, at_key, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static enum err load_config(struct serving *s)
{
    struct text report;
    unsigned errors = 0;
    enum err e;

    text_init(&report, WHY_MAX);
    e = config_load(&s->config, s->config_path, &report, &errors);
    s->started = s->config;
    if (e != ERR_OK) {
        fputs(report.bytes, stderr);
        if (errors > 0)
            fprintf(stderr, "riposte: %u error%s in %s, not started\n", errors, errors == 1 ? "" : "s",
                    s->config_path);
        else
            fprintf(stderr, "riposte: not started\n");
    }
    text_fini(&report);
    return e;
}

/* ---- bind ---- */

static enum err bind_all(struct serving *s)
{
    const struct config *c = s->config;
    struct activation activated;
    struct dns_passed dns_passed;
    struct api_passed api_passed;
    struct text why;
    enum err e;
    enum err worst = ERR_OK;

    text_init(&why, WHY_MAX);
    e = activation_take(&activated, &why);
    if (e != ERR_OK) {
        fprintf(stderr, "riposte: %s\n", why.bytes);
        text_fini(&why);
        return e;
    }
    dns_passed = (struct dns_passed){activated.dns, activated.n_dns};
    e = dns_server_bind(&s->dns, &c->dns, &dns_passed, &why);
    if (e != ERR_OK) {
        complain(c, "dns.listen", &why);
        worst = e;
    }
    text_fini(&why);
    if (c->api.admin_socket != NULL &&
        privileges_make_folder(c->api.admin_socket, RUN_FOLDER_MODE, c->user, &why) != ERR_OK) {
        complain(c, "admin.socket", &why);
        worst = ERR_IO;
    }
    text_fini(&why);
    api_passed = (struct api_passed){activated.api, activated.n_api};
    e = api_server_bind(&s->api, &c->api, &api_passed, &why);
    if (e != ERR_OK) {
        complain(c, "api.listen", &why);
        worst = e;
    }
    text_fini(&why);
    if (worst != ERR_OK)
        fprintf(stderr, "riposte: not started\n");
    return worst;
}

/* ---- run ---- */

static enum err open_store(void *arg, struct store **out, struct text *why)
{
    const struct serving *s = arg;

    return store_open_sqlite(out, s->started->store_path, STORE_SERVE, why);
}

static enum err start_committer(struct serving *s)
{
    const struct committer_options options = {
        .open = open_store,
        .open_arg = s,
        .path = s->started->store_path,
        .clock = &clock_system,
        .slot = &s->slot,
        .seal = &s->seal,
        .keys = s->keys,
        .refusals = s->refusals,
        .commit_timeout_ms = s->config->commit_timeout_ms,
        .journal_keep_s = s->config->journal_keep_s,
    };
    struct text why;
    enum err e;

    text_init(&why, WHY_MAX);
    e = committer_start(&s->committer, &options, &s->config->settings, &why);
    if (e != ERR_OK)
        fprintf(stderr, "riposte: store %s: %s\nriposte: not started\n", s->started->store_path, why.bytes);
    text_fini(&why);
    return e;
}

static enum err control_reload(void *self, struct text *report)
{
    return serve_reload(self, report);
}

static enum err control_describe(void *self, struct text *json)
{
    return serve_describe(self, json);
}

static enum err control_check(void *self, const struct api_check *what, struct text *json)
{
    return serve_check(self, what, json);
}

static void control_metrics(void *self, struct text *out)
{
    serve_metrics(self, out);
}

static enum err start_doors(struct serving *s)
{
    const struct change_sink sink = committer_sink(s->committer);
    const struct api_control control = {.reload = control_reload,
                                        .describe = control_describe,
                                        .check = control_check,
                                        .metrics = control_metrics,
                                        .self = s};
    struct text why;
    enum err e;

    text_init(&why, WHY_MAX);
    e = trace_new(&s->trace, s->config->trace_records, dns_server_threads(s->dns), &s->slot.name_key);
    if (e == ERR_OK)
        e = dns_server_start(
            s->dns, &(struct dns_backing){.slot = &s->slot, .trace = s->trace, .keys = s->keys, .sink = &sink});
    if (e == ERR_OK)
        e = api_server_start(s->api, &sink, s->refusals, s->trace, &control, &why);
    if (e != ERR_OK && why.len > 0)
        complain(s->config, "api.listen", &why);
    else if (e != ERR_OK)
        fprintf(stderr, "riposte: cannot start the listeners: %s\n", err_text(e));
    text_fini(&why);
    return e;
}

static enum err load_key(struct serving *s)
{
    struct text path, why;
    enum err e;

    text_init(&path, WHY_MAX);
    text_init(&why, WHY_MAX);
    e = key_file_path(&path, s->config->store_key, s->config->store_path);
    if (e == ERR_OK)
        e = key_file_load(&s->seal, path.bytes, &why);
    if (e != ERR_OK) {
        complain(s->config, "store.key", &why);
        fprintf(stderr, "riposte: not started\n");
    }
    text_fini(&why);
    text_fini(&path);
    return e;
}

static enum err start_all(struct serving *s)
{
    struct text why;
    enum err e;

    text_init(&why, WHY_MAX);
    e = privileges_make_folder(s->config->store_path, STORE_FOLDER_MODE, s->config->user, &why);
    if (e == ERR_OK)
        e = privileges_drop(s->config->user, &why);
    if (e != ERR_OK)
        fprintf(stderr, "riposte: %s\nriposte: not started\n", why.bytes);
    text_fini(&why);
    if (e == ERR_OK)
        e = load_key(s);
    if (e == ERR_OK)
        e = keyring_new(&s->keys);
    if (e == ERR_OK)
        e = table_slot_init(&s->slot);
    if (e == ERR_OK)
        e = refusals_new(&s->refusals);
    if (e == ERR_OK)
        e = start_committer(s);
    if (e == ERR_OK)
        e = start_doors(s);
    return e;
}

static void stop_all(struct serving *s)
{
    activation_notify("STOPPING=1");
    atomic_store(&s->is_stopping, true); /* checks under way end */
    if (s->api != NULL)
        api_server_stop(s->api, API_STOP_WAIT_MS);
    if (s->dns != NULL)
        dns_server_stop(s->dns);
    if (s->committer != NULL)
        committer_stop(s->committer);
    keyring_free(s->keys);
    crypto_wipe(&s->seal, sizeof(s->seal));
    trace_free(s->trace);
    refusals_free(s->refusals);
    if (s->previous != s->started)
        config_free(s->previous);
    if (s->config != s->started)
        config_free(s->config);
    config_free(s->started);
    (void)pthread_mutex_destroy(&s->reload_lock);
}

static void reload_by_signal(struct serving *s)
{
    struct text report;
    char message[64];
    enum err e;

    (void)snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)clock_mono_us(&clock_system));
    activation_notify(message);
    text_init(&report, WHY_MAX);
    e = serve_reload(s, &report);
    /* Nobody waits for a signal's outcome but the log; `riposte reload` shows the same text to whoever asked. */
    if (e == ERR_OK)
        log_event(LOG_INFO, "reloaded", log_str("notes", report.len > 0 ? report.bytes : "none"));
    else
        log_event(LOG_ERROR, "reload-failed", log_str("file", s->config_path), log_str("errors", report.bytes));
    text_fini(&report);
    activation_notify("READY=1");
}

static void wait_for_the_end(struct serving *s, const sigset_t *signals)
{
    for (;;) {
        int number = 0;

        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP) {
            log_event(LOG_INFO, "stopping", log_str("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
            return;
        }
        reload_by_signal(s);
    }
}

static void log_start(const struct serving *s)
{
    struct dns_listener_status at[ACTIVATION_MAX];
    char text[ENDPOINT_TEXT_MAX];
    size_t n = dns_server_listeners(s->dns, at, ARRAY_LEN(at));

    for (size_t i = 0; i < n; i++)
        log_event(LOG_INFO, "listening", log_str("for", "dns"), log_str("at", endpoint_format(&at[i].at, text)),
                  log_int("workers", at[i].workers));
    log_event(LOG_INFO, "ready", log_str("version", RIPOSTE_VERSION), log_str("config", s->config_path),
              log_ms("after", (clock_mono_ms(&clock_system) - s->started_mono_ms) * 1000));
}

/* Signals are handled by the main thread alone: blocked before any other thread exists. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int run_serve(const struct cli *cli, int argc, char **argv)
{
    struct serving s = {.config_path = cli->config_path};
    struct args a;
    sigset_t signals;
    enum err e;

    if (!args_parse(&a, cli->command, NULL, 0, 0, 0, argc, argv))
        return EXIT_STATUS_USAGE;
    block_signals(&signals);
    s.started_real_s = clock_real_s(&clock_system);
    s.started_mono_ms = clock_mono_ms(&clock_system);
    if (pthread_mutex_init(&s.reload_lock, NULL) != 0)
        return EXIT_STATUS_FAILED;
    e = crypto_init();
    if (e != ERR_OK)
        fprintf(stderr, "riposte: the cryptographic library cannot be used: %s\n", err_text(e));
    if (e == ERR_OK)
        e = load_config(&s);
    if (e == ERR_OK) {
        log_configure(s.config->log_level, s.config->log_format);
        e = bind_all(&s);
    }
    if (e == ERR_OK)
        e = start_all(&s);
    if (e == ERR_OK) {
        log_start(&s);
        activation_notify("READY=1");
        wait_for_the_end(&s, &signals);
    }
    stop_all(&s);
    if (e == ERR_OK)
        log_event(LOG_INFO, "stopped", log_int("pid", getpid()));
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

const struct command serve_commands[] = {
    {"serve", "", "run the server in the foreground",
     "Reads the configuration, binds, loads the store, and answers until SIGTERM or SIGINT.\n"
     "SIGHUP reads the configuration again; `riposte reload` does the same and shows the errors.\n\n"
     "    riposte serve -c /etc/riposte/riposte.yaml\n",
     run_serve},
    {NULL, NULL, NULL, NULL, NULL},
};
