#include "api/tuning.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TUNING_MAX ((size_t)1 << 20)

/* "http://127.0.0.1:8053" from the first address; nothing better is known. */
static char *make_base_url(struct arena *arena, const struct api_settings *s)
{
    char at[ENDPOINT_TEXT_MAX];
    struct text url;
    char *copy;

    if (s->base_url != NULL && s->base_url[0] != '\0')
        return arena_copy(arena, s->base_url, strlen(s->base_url));
    text_init(&url, ENDPOINT_TEXT_MAX + 16);
    if (s->n_listen > 0 && s->listen[0].at.kind == ENDPOINT_IP)
        text_printf(&url, "%s://%s", s->listen[0].tls == API_TLS_NONE ? "http" : "https",
                    endpoint_format(&s->listen[0].at, at));
    copy = arena_copy(arena, url.bytes, url.len);
    text_fini(&url);
    return copy;
}

static enum err copy_settings(struct tuning *t, const struct api_settings *s)
{
    struct net *nets = arena_alloc(&t->arena, (s->n_trusted_proxies + 1) * sizeof *nets);
    const char **origins = arena_alloc(&t->arena, (s->n_cors_origins + 1) * sizeof *origins);

    t->base_url = make_base_url(&t->arena, s);
    if (nets == NULL || origins == NULL || t->base_url == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < s->n_trusted_proxies; i++)
        nets[i] = s->trusted_proxies[i];
    for (size_t i = 0; i < s->n_cors_origins; i++) {
        origins[i] = arena_copy(&t->arena, s->cors_origins[i], strlen(s->cors_origins[i]));
        if (origins[i] == NULL)
            return ERR_MEMORY;
    }
    t->trusted_proxies = nets;
    t->n_trusted_proxies = s->n_trusted_proxies;
    t->cors_origins = origins;
    t->n_cors_origins = s->n_cors_origins;
    t->max_body = s->max_body;
    t->request_timeout_ms = s->request_timeout_ms;
    t->registration = s->registration;
    t->values_budget = s->values_budget;
    return ERR_OK;
}

enum err tuning_new(struct tuning **out, const struct api_settings *settings)
{
    struct tuning *t = calloc(1, sizeof *t);
    enum err e;

    if (t == NULL)
        return ERR_MEMORY;
    atomic_init(&t->users, 1);
    arena_init(&t->arena, TUNING_MAX);
    e = copy_settings(t, settings);
    if (e != ERR_OK) {
        tuning_release(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void tuning_release(struct tuning *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) != 1)
        return;
    arena_fini(&t->arena);
    free(t);
}

enum err tuning_slot_init(struct tuning_slot *slot, struct tuning *first)
{
    if (pthread_mutex_init(&slot->lock, NULL) != 0)
        return ERR_MEMORY;
    slot->current = first;
    return ERR_OK;
}

void tuning_slot_fini(struct tuning_slot *slot)
{
    tuning_release(slot->current);
    slot->current = NULL;
    (void)pthread_mutex_destroy(&slot->lock);
}

struct tuning *tuning_acquire(struct tuning_slot *slot)
{
    struct tuning *t;

    pthread_mutex_lock(&slot->lock);
    t = slot->current;
    atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
    pthread_mutex_unlock(&slot->lock);
    return t;
}

void tuning_replace(struct tuning_slot *slot, struct tuning *next)
{
    struct tuning *old;

    pthread_mutex_lock(&slot->lock);
    old = slot->current;
    slot->current = next;
    pthread_mutex_unlock(&slot->lock);
    tuning_release(old);
}
