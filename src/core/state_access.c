/* Folding who may do what: credentials with their secrets, tokens, grants. */
#include "core/state_internal.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

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

/* ---- credentials ----
 *
 * What a credential's row points at is one block, made anew whenever something in it changes: the secrets, the
 * names, the networks, the secrets' data, the texts. */

/* What goes into a block, wherever it is now. */
struct parts {
    const struct secret *secrets;
    const uint32_t *names;
    const struct net *networks;
    const char *label, *allowfrom;
    size_t n_secrets, n_names, n_networks;
};

static struct parts parts_of(const struct credential *c)
{
    return (struct parts){
        .secrets = c->secrets,
        .names = c->names,
        .networks = c->networks,
        .label = c->label,
        .allowfrom = c->allowfrom,
        .n_secrets = c->n_secrets,
        .n_names = c->n_names,
        .n_networks = c->n_networks,
    };
}

static size_t block_octets(const struct parts *p)
{
    size_t octets = p->n_secrets * sizeof *p->secrets + p->n_names * sizeof *p->names +
                    p->n_networks * sizeof *p->networks + strlen(p->label) + 1 + strlen(p->allowfrom) + 1;

    for (size_t i = 0; i < p->n_secrets; i++)
        octets += p->secrets[i].len;
    return octets;
}

static void free_block(struct credential *c)
{
    struct parts p = parts_of(c);

    if (c->secrets == NULL)
        return;
    crypto_wipe(c->secrets, block_octets(&p));
    free(c->secrets); /* all of the block */
}

static void *put_bytes(char **at, const void *bytes, size_t len)
{
    void *put = *at;

    if (len > 0)
        memcpy(put, bytes, len);
    *at += len;
    return put;
}

/* Put copies of the parts, some of which may be c's own, in the place of what c has. */
static enum err set_parts(struct credential *c, const struct parts *p)
{
    struct credential to = {.secrets = malloc(block_octets(p))};
    char *at = (char *)to.secrets;

    if (to.secrets == NULL)
        return ERR_MEMORY;
    (void)put_bytes(&at, p->secrets, p->n_secrets * sizeof *p->secrets);
    to.names = put_bytes(&at, p->names, p->n_names * sizeof *p->names);
    to.networks = put_bytes(&at, p->networks, p->n_networks * sizeof *p->networks);
    for (size_t i = 0; i < p->n_secrets; i++)
        to.secrets[i].data = put_bytes(&at, p->secrets[i].data, p->secrets[i].len);
    to.label = put_text(&at, p->label);
    to.allowfrom = put_text(&at, p->allowfrom);
    free_block(c);
    c->secrets = to.secrets;
    c->names = to.names;
    c->networks = to.networks;
    c->label = to.label;
    c->allowfrom = to.allowfrom;
    c->n_secrets = (uint32_t)p->n_secrets; /* a row is far smaller than 4 GiB */
    c->n_names = (uint32_t)p->n_names;
    c->n_networks = (uint32_t)p->n_networks;
    return ERR_OK;
}

void credential_free(void *row)
{
    struct credential *c = row;

    free_block(c);
    free(c);
}

static void count_credential(struct state *s, const struct credential *c, int by)
{
    if (c->revoked_s != 0)
        return;
    s->counts.credentials += (uint64_t)by;
    for (size_t i = 0; i < c->n_secrets; i++)
        if (c->secrets[i].kind == SECRET_BCRYPT)
            s->counts.secrets_bcrypt += (uint64_t)by;
}

static bool credential_row_is_sound(const struct state *s, const struct effect_credential *row)
{
    for (size_t i = 0; i < row->n_names; i++)
        if (state_name(s, row->names[i]) == NULL)
            return false;
    return state_account(s, row->account) != NULL && row->actions <= UINT8_MAX && row->kinds <= UINT8_MAX;
}

/* Put the row's content in the place of what c has; the secrets stay. */
static enum err set_credential(struct credential *c, const struct effect_credential *row)
{
    struct parts p = parts_of(c);
    enum err e;

    p.names = row->names;
    p.n_names = row->n_names;
    p.networks = row->networks;
    p.n_networks = row->n_networks;
    p.label = or_empty(row->label);
    p.allowfrom = or_empty(row->allowfrom);
    e = set_parts(c, &p);
    if (e != ERR_OK)
        return e;
    c->account = row->account;
    c->actions = (uint8_t)row->actions;
    c->kinds = (uint8_t)row->kinds;
    c->networks_invalid = row->networks_invalid;
    c->created_s = row->created_s;
    c->expires_s = row->expires_s;
    c->revoked_s = row->revoked_s;
    return ERR_OK;
}

enum err fold_credential_made(struct state *s, const struct effect *f)
{
    const struct effect_credential *row = f->u.credential;
    struct credential *c;
    enum err e;

    if (row->id == 0 || row->id != s->credentials.last + 1 || !credential_row_is_sound(s, row) ||
        uuid_is_nil(&row->uuid) || state_credential_by_uuid(s, &row->uuid) != NULL)
        return ERR_CORRUPT;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_MEMORY;
    c->id = row->id;
    c->uuid = row->uuid;
    e = set_credential(c, row);
    if (e == ERR_OK)
        e = ids_append(&s->credentials, c);
    if (e != ERR_OK) {
        credential_free(c);
        return e;
    }
    count_credential(s, c, 1);
    return index_put(&s->by_uuid, hash_bytes(s, c->uuid.b, sizeof c->uuid.b), c->id);
}

enum err fold_credential_set(struct state *s, const struct effect *f)
{
    const struct effect_credential *row = f->u.credential;
    struct credential *c = ids_get(&s->credentials, row->id);
    enum err e;

    if (c == NULL || !credential_row_is_sound(s, row) || !uuid_equal(&c->uuid, &row->uuid))
        return ERR_CORRUPT;
    count_credential(s, c, -1);
    e = set_credential(c, row);
    if (e == ERR_OK)
        count_credential(s, c, 1);
    return e;
}

/* ---- secrets ---- */

static struct secret *secret_of(const struct credential *c, uint32_t id)
{
    for (size_t i = 0; i < c->n_secrets; i++)
        if (c->secrets[i].id == id)
            return &c->secrets[i];
    return NULL;
}

enum secret_fate { SECRET_KEPT, SECRET_DROPPED };

/* Put row in the place of the secret of its id, or nothing. Secrets are in the order of their ids. */
static enum err change_secret(struct state *s, struct credential *c, const struct effect_secret *row,
                              enum secret_fate fate)
{
    struct parts p = parts_of(c);
    struct secret *secrets = calloc(c->n_secrets + 1U, sizeof *secrets);
    enum err e;

    if (secrets == NULL)
        return ERR_MEMORY;
    p.secrets = secrets;
    p.n_secrets = 0;
    for (size_t i = 0; i < c->n_secrets; i++)
        if (c->secrets[i].id < row->id)
            secrets[p.n_secrets++] = c->secrets[i];
    if (fate == SECRET_KEPT)
        secrets[p.n_secrets++] = (struct secret){.id = row->id,
                                                 .len = row->len,
                                                 .kind = row->kind,
                                                 .data = row->data,
                                                 .starts_s = row->starts_s,
                                                 .ends_s = row->ends_s};
    for (size_t i = 0; i < c->n_secrets; i++)
        if (c->secrets[i].id > row->id)
            secrets[p.n_secrets++] = c->secrets[i];
    count_credential(s, c, -1);
    e = row->len <= SECRET_DATA_MAX ? set_parts(c, &p) : ERR_CORRUPT;
    count_credential(s, c, 1);
    free(secrets); /* the data are elsewhere */
    return e;
}

enum err fold_secret_added(struct state *s, const struct effect *f)
{
    const struct effect_secret *row = &f->u.secret;
    struct credential *c = ids_get(&s->credentials, row->credential);

    /* Ids go up, but with holes when loading: ended secrets need not be kept anywhere. */
    if (c == NULL || row->id <= s->last_secret)
        return ERR_CORRUPT;
    s->last_secret = row->id;
    return change_secret(s, c, row, SECRET_KEPT);
}

enum err fold_secret_set(struct state *s, const struct effect *f)
{
    const struct effect_secret *row = &f->u.secret;
    struct credential *c = ids_get(&s->credentials, row->credential);

    return c != NULL && secret_of(c, row->id) != NULL ? change_secret(s, c, row, SECRET_KEPT) : ERR_CORRUPT;
}

enum err fold_secret_ended(struct state *s, const struct effect *f)
{
    const struct effect_secret *row = &f->u.secret;
    struct credential *c = ids_get(&s->credentials, row->credential);

    return c != NULL && secret_of(c, row->id) != NULL ? change_secret(s, c, row, SECRET_DROPPED) : ERR_CORRUPT;
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
