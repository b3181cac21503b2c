/* Folding who may do what, but for credentials: tokens, grants. */
#include "core/state_internal.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(alignof(struct net) == 1, "networks lie behind anything in the blocks below");

/* A text and its NUL to *at, which moves behind them; returns where it is. */
static char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *put = *at;

    memcpy(put, text, size);
    *at += size;
    return put;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* ---- tokens ---- */

void token_free(void *row)
{
    struct token *t = row;

    free(t->networks);
    free(t);
}

static void count_token(struct state *s, const struct token *t, int by)
{
    if (t->revoked_s == 0)
        s->counts.tokens += (uint64_t)by;
}

/* Networks and labels are one block, which begins with the networks. */
static enum err set_token(struct token *t, const struct effect_token *row)
{
    size_t networks_size = row->n_networks * sizeof *row->networks;
    const char *labels = or_empty(row->labels);
    char *block = malloc(networks_size + strlen(labels) + 1);
    char *at;

    if (block == NULL)
        return ERR_MEMORY;
    free(t->networks);
    if (networks_size > 0)
        memcpy(block, row->networks, networks_size);
    at = block + networks_size;
    t->account = row->account;
    t->networks = (struct net *)(void *)block;
    t->n_networks = row->n_networks;
    t->labels = put_text(&at, labels);
    t->created_s = row->created_s;
    t->expires_s = row->expires_s;
    t->revoked_s = row->revoked_s;
    t->count_max = row->count_max;
    t->used = row->used;
    return ERR_OK;
}

enum err fold_token_made(struct state *s, const struct effect *f)
{
    const struct effect_token *row = f->u.token;
    struct token *t;
    enum err e;

    if (row->id == 0 || row->id != s->tokens.last + 1 || state_account(s, row->account) == NULL ||
        state_token_by_hash(s, row->sha256) != NULL)
        return ERR_CORRUPT;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_MEMORY;
    t->id = row->id;
    memcpy(t->sha256, row->sha256, sizeof t->sha256);
    e = set_token(t, row);
    if (e == ERR_OK)
        e = ids_append(&s->tokens, t);
    if (e != ERR_OK) {
        token_free(t);
        return e;
    }
    count_token(s, t, 1);
    return index_put(&s->by_token, hash_bytes(s, t->sha256, sizeof t->sha256), t->id);
}

enum err fold_token_set(struct state *s, const struct effect *f)
{
    const struct effect_token *row = f->u.token;
    struct token *t = ids_get(&s->tokens, row->id);
    enum err e;

    if (t == NULL || state_account(s, row->account) == NULL ||
        memcmp(t->sha256, row->sha256, sizeof t->sha256) != 0)
        return ERR_CORRUPT;
    count_token(s, t, -1);
    e = set_token(t, row);
    if (e == ERR_OK)
        count_token(s, t, 1);
    return e;
}

/* ---- grants: few, made by people ---- */

#define FIRST_ROWS 16

/* Room for one more of size bytes behind n in *rows. */
static enum err make_room(void **rows, size_t n, size_t *cap, size_t size)
{
    size_t grown_cap = *cap > 0 ? *cap * 2 : FIRST_ROWS;
    void *grown;

    if (n < *cap)
        return ERR_OK;
    grown = reallocarray(*rows, grown_cap, size);
    if (grown == NULL)
        return ERR_MEMORY;
    *rows = grown;
    *cap = grown_cap;
    return ERR_OK;
}

enum err fold_grant_made(struct state *s, const struct effect *f)
{
    const struct effect_grant *row = &f->u.grant;
    void *rows = s->grants;
    enum err e;

    if (state_name(s, row->name) == NULL || state_account(s, row->account) == NULL ||
        state_is_granted(s, row->name, row->account))
        return ERR_CORRUPT;
    e = make_room(&rows, s->n_grants, &s->cap_grants, sizeof *s->grants);
    s->grants = rows;
    if (e == ERR_OK)
        s->grants[s->n_grants++] = (struct grant){.name = row->name, .account = row->account};
    return e;
}

enum err fold_grant_ended(struct state *s, const struct effect *f)
{
    const struct effect_grant *row = &f->u.grant;

    for (size_t i = 0; i < s->n_grants; i++) {
        if (s->grants[i].name != row->name || s->grants[i].account != row->account)
            continue;
        s->grants[i] = s->grants[--s->n_grants];
        return ERR_OK;
    }
    return ERR_CORRUPT;
}
