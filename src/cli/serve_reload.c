/* Reload: the new configuration is read and checked whole; the zones and the rules of deciding go through the
 * committer like any change; only when that is done do the other parts take their new values. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/serve.h"

/* What the thread that reloads waits for. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    struct result result;
};

static void answered(void *arg, const struct result *result, const struct state *state)
{
    struct waiting *w = arg;

    (void)state;
    pthread_mutex_lock(&w->lock);
    w->result = *result;
    w->is_answered = true;
    pthread_cond_signal(&w->answered);
    pthread_mutex_unlock(&w->lock);
}

static enum err submit_and_wait(const struct change_sink *sink, struct request *r, struct waiting *w)
{
    enum err e = sink->submit(sink->self, r, answered, w);

    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&w->lock);
    while (!w->is_answered)
        pthread_cond_wait(&w->answered, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return ERR_OK;
}

/* Bring zones and rules into force; ERR_OK only when it is done. */
static enum err configure(struct serving *s, const struct config *next, struct text *report)
{
    const struct change_sink sink = committer_sink(s->committer);
    struct request *r = request_new(REQUEST_CONFIGURE, DOOR_SERVER);
    struct waiting w = {.is_answered = false};
    enum err e;

    if (r == NULL)
        return ERR_MEMORY;
    r->caller.auth = AUTH_SERVER;
    r->u.configure = &next->settings;
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.answered, NULL);
    e = submit_and_wait(&sink, r, &w);
    if (e != ERR_OK) {
        request_free(r);
        text_printf(report, "the server cannot take changes now: %s\n", err_text(e));
    } else if (w.result.outcome != OUTCOME_DONE) {
        text_printf(report, "%s: %s\n", refusal_word(w.result.refusal), w.result.detail);
        if (w.result.hint[0] != '\0')
            text_printf(report, "    %s\n", w.result.hint);
        e = w.result.outcome == OUTCOME_UNKNOWN ? ERR_UNKNOWN : ERR_EXISTS;
    }
    (void)pthread_cond_destroy(&w.answered);
    (void)pthread_mutex_destroy(&w.lock);
    return e;
}

static void put_into_force(struct serving *s, struct config *next, struct text *report)
{
    struct text differences;

    text_init(&differences, 4096);
    config_restart_differences(s->started, next, &differences);
    if (differences.len > 0)
        text_printf(report, "note: takes effect only after a restart: %s\n", differences.bytes);
    text_fini(&differences);
    log_configure(next->log_level, next->log_format);
    committer_retune(s->committer, next->commit_timeout_ms, next->journal_keep_s);
    dns_server_retune(s->dns, &next->dns);
    api_server_retune(s->api, &next->api);
    /* Requests in flight may look at the configuration before this one, but not at the one before that. */
    if (s->previous != s->started)
        config_free(s->previous);
    s->previous = s->config;
    s->config = next;
}

enum err serve_reload(struct serving *s, struct text *report)
{
    struct config *next = NULL;
    unsigned errors = 0;
    enum err e;

    pthread_mutex_lock(&s->reload_lock);
    e = config_load(&next, s->config_path, report, &errors);
    if (e == ERR_OK) {
        e = configure(s, next, report);
        if (e == ERR_OK)
            put_into_force(s, next, report);
        else if (e != ERR_UNKNOWN)
            config_free(next);
        /* After an unknown outcome the committer may already decide by the new settings: they stay in memory for
         * good. */
    }
    pthread_mutex_unlock(&s->reload_lock);
    return e;
}
