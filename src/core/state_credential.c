/* Credentials with their secrets: rows by reference, folding, and the notes of their use. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "core/credential_row.h"
#include "core/state_internal.h"

/* ---- rows ---- */

static void give_row(struct state *s, struct credential *row)
{
    size_t octets = credential_row_octets(row);

    crypto_wipe(row, octets);
    slab_give(s->rows, row, octets);
}

/* NULL: out of memory. */
static struct credential *take_row(struct state *s, const struct credential_parts *p)
{
    struct credential *row = slab_take(s->rows, credential_row_size(p));

    if (row != NULL)
        credential_row_put(row, p);
    return row;
}

static struct credential *credential_row_of(const struct state *s, uint32_t id)
{
    uint32_t ref = refs_get(&s->credentials, id);

    return ref != 0 ? slab_at(s->rows, ref) : NULL;
}

#define FIRST_OUTDATED 64

/* Room for one more. */
static MUST_USE enum err outdated_reserve(struct outdated *o)
{
    size_t cap = o->cap > 0 ? o->cap * 2 : FIRST_OUTDATED;
    struct credential **grown;

    if (o->n < o->cap)
        return ERR_OK;
    grown = reallocarray(o->rows, cap, sizeof(struct credential *));
    if (grown == NULL)
        return ERR_MEMORY;
    o->rows = grown;
    o->cap = cap;
    return ERR_OK;
}

/* Put a row of the parts, some of which may be the old one's, in the place of that. */
static MUST_USE enum err replace_row(struct state *s, struct credential *old, const struct credential_parts *p)
{
    struct credential *row;
    enum err e = outdated_reserve(&s->outdated);

    if (e != ERR_OK)
        return e;
    row = take_row(s, p);
    if (row == NULL)
        return ERR_MEMORY;
    refs_set(&s->credentials, p->id, slab_ref(row));
    s->outdated.rows[s->outdated.n++] = old;
    return ERR_OK;
}

void state_forget_rows(struct state *s)
{
    while (s->outdated.n > 0)
        give_row(s, s->outdated.rows[--s->outdated.n]);
}

enum err make_admin_credential(struct state *s, const char *label)
{
    s->admin_credential =
        take_row(s, &(struct credential_parts){.id = CREDENTIAL_ADMIN,
                                               .account = ACCOUNT_ADMIN,
                                               .actions = ACTION_ADD | ACTION_REMOVE | ACTION_READ | ACTION_MANAGE |
                                                          ACTION_ADMINISTER,
                                               .kinds = VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED,
                                               .label = label,
                                               .allowfrom = ""});
    return s->admin_credential != NULL ? ERR_OK : ERR_MEMORY;
}

void credentials_fini(struct state *s)
{
    state_forget_rows(s);
    free(s->outdated.rows);
    for (uint32_t id = 1; id <= s->credentials.last; id++) {
        struct credential *row = credential_row_of(s, id);

        crypto_wipe(row, credential_row_octets(row));
    }
    refs_fini(&s->credentials);
    slab_free(s->rows);
}

/* ---- what is derived ---- */

static int64_t first_name_created_s(const struct state *s, const uint32_t *names, size_t n)
{
    return n > 0 ? name_created_s(state_name(s, names[0])) : 0;
}

static int64_t its_name_created_s(const struct state *s, const struct credential *c)
{
    return first_name_created_s(s, credential_names(c), credential_n_names(c));
}

int64_t credential_created_s(const struct state *s, const struct credential *c)
{
    return credential_row_created_s(c, its_name_created_s(s, c));
}

struct secret credential_secret(const struct state *s, const struct credential *c, size_t i)
{
    return credential_row_secret(c, i, its_name_created_s(s, c));
}

/* ---- a change under way ---- */

#define SECRETS_FEW 9 /* as many as there may be, and one more */

/* What the row is to become; begins as what it is. */
struct change {
    struct credential_parts p;
    struct secret few[SECRETS_FEW], *secrets; /* those of p, with room for one more; the data are the row's */
};

static MUST_USE enum err change_begin(struct change *ch, const struct state *s, const struct credential *c)
{
    size_t n = credential_n_secrets(c) + 1U;

    ch->secrets = n <= SECRETS_FEW ? ch->few : calloc(n, sizeof *ch->secrets);
    if (ch->secrets == NULL)
        return ERR_MEMORY;
    credential_row_parts(&ch->p, c, its_name_created_s(s, c), ch->secrets);
    return ERR_OK;
}

static void change_end(struct change *ch)
{
    if (ch->secrets != ch->few)
        free(ch->secrets);
}

static void count_parts(struct state *s, const struct credential_parts *p, int by)
{
    if (p->revoked_s != 0)
        return;
    s->counts.credentials += (uint64_t)by;
    for (size_t i = 0; i < p->n_secrets; i++)
        if (p->secrets[i].kind == SECRET_BCRYPT)
            s->counts.secrets_bcrypt += (uint64_t)by;
}

/* ---- folding credentials ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static bool credential_row_is_sound(const struct state *s, const struct effect_credential *row)
{
    for (size_t i = 0; i < row->n_names; i++)
        if (state_name(s, row->names[i]) == NULL)
            return false;
    return state_account(s, row->account) != NULL && row->actions <= UINT8_MAX && row->kinds <= UINT8_MAX;
}

/* Everything but the secrets and the last use. */
static void set_parts(const struct state *s, struct credential_parts *p, const struct effect_credential *row)
{
    p->id = row->id;
    p->uuid = row->uuid;
    p->account = row->account;
    p->actions = (uint8_t)row->actions;
    p->kinds = (uint8_t)row->kinds;
    p->networks_invalid = row->networks_invalid;
    p->label = or_empty(row->label);
    p->allowfrom = or_empty(row->allowfrom);
    p->names = row->names;
    p->n_names = row->n_names;
    p->networks = row->networks;
    p->n_networks = row->n_networks;
    p->created_s = row->created_s;
    p->expires_s = row->expires_s;
    p->revoked_s = row->revoked_s;
    p->name_created_s = first_name_created_s(s, row->names, row->n_names);
}

enum err state_expect_credentials(struct state *s, uint32_t n)
{
    return index_reserve(&s->by_uuid, n);
}

enum err fold_credential_made(struct state *s, const struct effect *f)
{
    const struct effect_credential *row = f->u.credential;
    struct credential_parts p = {0};
    struct credential *c;
    enum err e;

    if (row->id == 0 || row->id != s->credentials.last + 1 || !credential_row_is_sound(s, row) ||
        uuid_is_nil(&row->uuid) || state_credential_by_uuid(s, &row->uuid) != NULL)
        return ERR_CORRUPT;
    set_parts(s, &p, row);
    c = take_row(s, &p);
    if (c == NULL)
        return ERR_MEMORY;
    e = refs_append(&s->credentials, slab_ref(c));
    if (e != ERR_OK) {
        give_row(s, c);
        return e;
    }
    count_parts(s, &p, 1);
    return index_put(&s->by_uuid, hash_bytes(s, c->uuid.b, sizeof c->uuid.b), c->id);
}

enum err fold_credential_set(struct state *s, const struct effect *f)
{
    const struct effect_credential *row = f->u.credential;
    struct credential *c = credential_row_of(s, row->id);
    struct change ch;
    enum err e;

    if (c == NULL || !credential_row_is_sound(s, row) || !uuid_equal(&c->uuid, &row->uuid))
        return ERR_CORRUPT;
    e = change_begin(&ch, s, c);
    if (e != ERR_OK)
        return e;
    count_parts(s, &ch.p, -1);
    set_parts(s, &ch.p, row);
    count_parts(s, &ch.p, 1);
    e = replace_row(s, c, &ch.p);
    change_end(&ch);
    return e;
}

/* ---- folding secrets ---- */

/* Where the secret of an id is among those of the parts, or would be. */
static size_t place_of(const struct credential_parts *p, uint32_t id)
{
    size_t i = 0;

    while (i < p->n_secrets && p->secrets[i].id < id)
        i++;
    return i;
}

enum secret_change { SECRET_IS_ADDED, SECRET_IS_SET, SECRET_IS_DROPPED };

/* The secrets of ch with the one of the row. ERR_CORRUPT: it is not there. */
static MUST_USE enum err change_secrets(struct change *ch, const struct effect_secret *row, enum secret_change what)
{
    struct credential_parts *p = &ch->p;
    size_t at = place_of(p, row->id);
    bool is_there = at < p->n_secrets && p->secrets[at].id == row->id;

    if (is_there != (what != SECRET_IS_ADDED) || row->len > SECRET_DATA_MAX)
        return ERR_CORRUPT;
    if (what == SECRET_IS_DROPPED) {
        memmove(&ch->secrets[at], &ch->secrets[at + 1], (--p->n_secrets - at) * sizeof *ch->secrets);
        return ERR_OK;
    }
    if (what == SECRET_IS_ADDED)
        memmove(&ch->secrets[at + 1], &ch->secrets[at], (p->n_secrets++ - at) * sizeof *ch->secrets);
    ch->secrets[at] = (struct secret){.id = row->id,
                                      .len = row->len,
                                      .kind = row->kind,
                                      .data = row->data,
                                      .starts_s = row->starts_s,
                                      .ends_s = row->ends_s};
    return ERR_OK;
}

static MUST_USE enum err change_secret(struct state *s, const struct effect_secret *row, enum secret_change what)
{
    struct credential *c = credential_row_of(s, row->credential);
    struct change ch;
    enum err e = c != NULL ? change_begin(&ch, s, c) : ERR_CORRUPT;

    if (e != ERR_OK)
        return e;
    count_parts(s, &ch.p, -1);
    e = change_secrets(&ch, row, what);
    count_parts(s, &ch.p, 1);
    if (e == ERR_OK)
        e = replace_row(s, c, &ch.p);
    change_end(&ch);
    return e;
}

enum err fold_secret_added(struct state *s, const struct effect *f)
{
    const struct effect_secret *row = &f->u.secret;

    /* Ids go up, but with holes when loading: ended secrets need not be kept anywhere. */
    if (credential_row_of(s, row->credential) == NULL || row->id <= s->last_secret)
        return ERR_CORRUPT;
    s->last_secret = row->id;
    return change_secret(s, row, SECRET_IS_ADDED);
}

enum err fold_secret_set(struct state *s, const struct effect *f)
{
    return change_secret(s, &f->u.secret, SECRET_IS_SET);
}

enum err fold_secret_ended(struct state *s, const struct effect *f)
{
    return change_secret(s, &f->u.secret, SECRET_IS_DROPPED);
}

/* ---- observations ---- */

enum err state_observe(struct state *s, uint32_t credential, const struct credential_use *use)
{
    struct credential *c = credential_row_of(s, credential);
    struct change ch;
    enum err e = ERR_OK;

    assert(c != NULL);
    if (!credential_row_use(c, use)) {
        e = change_begin(&ch, s, c);
        if (e != ERR_OK)
            return e;
        ch.p.last_use = *use;
        e = replace_row(s, c, &ch.p);
        change_end(&ch);
    }
    if (e == ERR_OK)
        refs_mark(&s->credentials, credential);
    return e;
}

bool state_is_observed(const struct state *s, uint32_t credential)
{
    return refs_is_marked(&s->credentials, credential);
}

void state_observation_stored(struct state *s, uint32_t credential)
{
    refs_unmark(&s->credentials, credential);
}
