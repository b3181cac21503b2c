#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "core/state_internal.h"
#include "core/value_set.h"

/* ---- life ---- */

/* The administrator has no rows: whoever reaches the admin socket is account 0 with credential 0. Its nil UUID is
 * in no index, so nobody can claim to be it over the network. */
static enum err make_administrator(struct state *s)
{
    static const char who[] = "administrator";

    s->admin = calloc(1, sizeof *s->admin + sizeof who);
    if (s->admin == NULL)
        return ERR_MEMORY;
    memcpy(s->admin->name, who, sizeof who);
    return make_admin_credential(s, who);
}

static enum err make_table(struct state *s, const struct siphash_key *name_key)
{
    struct siphash_key by_lot;
    enum err e = ERR_OK;

    if (name_key == NULL)
        e = crypto_random(&by_lot, sizeof by_lot);
    return e == ERR_OK ? table_new(&s->table, name_key != NULL ? name_key : &by_lot) : e;
}

enum err state_new(struct state **out, const struct siphash_key *name_key)
{
    struct state *s = calloc(1, sizeof *s);
    enum err e = s != NULL ? crypto_random(&s->key, sizeof s->key) : ERR_MEMORY;

    *out = NULL;
    if (e == ERR_OK)
        e = make_table(s, name_key);
    if (e == ERR_OK)
        e = state_names_init(s);
    if (e == ERR_OK)
        e = slab_new(&s->rows);
    if (e == ERR_OK)
        e = make_administrator(s);
    if (e != ERR_OK) {
        state_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

static void account_free(void *row)
{
    struct account *a = row;

    free(a->note);
    free(a);
}

void state_free(struct state *s)
{
    if (s == NULL)
        return;
    ids_fini(&s->accounts, account_free);
    state_names_fini(s);
    credentials_fini(s);
    ids_fini(&s->tokens, token_free);
    ids_fini(&s->zones, zone_row_free);
    index_fini(&s->by_account_name);
    index_fini(&s->by_owner);
    index_fini(&s->by_domain);
    index_fini(&s->by_uuid);
    index_fini(&s->by_token);
    index_fini(&s->by_apex);
    free(s->admin);
    free(s->grants);
    aliases_fini(s);
    expiry_fini(&s->expiry);
    if (!s->table_is_given)
        table_free(s->table);
    crypto_wipe(&s->key, sizeof s->key);
    free(s);
}

struct table *state_table(const struct state *s)
{
    return s->table;
}

struct table *state_give_table(struct state *s)
{
    s->table_is_given = true;
    return s->table;
}

/* ---- hashes ---- */

uint64_t hash_bytes(const struct state *s, const void *bytes, size_t len)
{
    return siphash13(&s->key, bytes, len);
}

uint64_t hash_owner(const struct state *s, const struct name *owner)
{
    struct name folded = *owner;

    name_fold(&folded);
    return hash_bytes(s, folded.b, folded.len);
}

uint64_t hash_text(const struct state *s, const char *text, size_t len)
{
    uint8_t folded[NAME_MAX_LEN];

    if (len > sizeof folded)
        len = sizeof folded;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
    }
    return hash_bytes(s, folded, len);
}

/* ---- looking ---- */

struct account *state_account(const struct state *s, uint32_t id)
{
    return id == ACCOUNT_ADMIN ? s->admin : ids_get(&s->accounts, id);
}

struct account *state_account_by_name(const struct state *s, const char *name, size_t len)
{
    struct index_walk w = index_walk(&s->by_account_name, hash_bytes(s, name, len));

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        struct account *a = state_account(s, id);

        if (strlen(a->name) == len && memcmp(a->name, name, len) == 0)
            return a;
    }
    return NULL;
}

const struct credential *state_credential(const struct state *s, uint32_t id)
{
    uint32_t ref = refs_get(&s->credentials, id);

    if (id == CREDENTIAL_ADMIN)
        return s->admin_credential;
    return ref != 0 ? slab_at(s->rows, ref) : NULL;
}

const struct credential *state_credential_by_uuid(const struct state *s, const struct uuid *uuid)
{
    struct index_walk w = index_walk(&s->by_uuid, hash_bytes(s, uuid->b, sizeof uuid->b));

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        const struct credential *c = state_credential(s, id);

        if (uuid_equal(&c->uuid, uuid))
            return c;
    }
    return NULL;
}

struct token *state_token(const struct state *s, uint32_t id)
{
    return ids_get(&s->tokens, id);
}

struct token *state_token_by_hash(const struct state *s, const uint8_t sha256[32])
{
    struct index_walk w = index_walk(&s->by_token, hash_bytes(s, sha256, SHA256_LEN));

    for (uint32_t id = index_next(&w); id != 0; id = index_next(&w)) {
        struct token *t = state_token(s, id);

        if (crypto_equal(t->sha256, sha256, SHA256_LEN))
            return t;
    }
    return NULL;
}

bool state_is_granted(const struct state *s, uint32_t name, uint32_t account)
{
    for (size_t i = 0; i < s->n_grants; i++)
        if (s->grants[i].name == name && s->grants[i].account == account)
            return true;
    return false;
}

uint32_t state_last_account(const struct state *s)
{
    return s->accounts.last;
}

uint32_t state_last_name(const struct state *s)
{
    return s->names.last;
}

uint32_t state_last_credential(const struct state *s)
{
    return s->credentials.last;
}

uint32_t state_last_secret(const struct state *s)
{
    return s->last_secret;
}

uint32_t state_last_token(const struct state *s)
{
    return s->tokens.last;
}

uint32_t state_last_zone(const struct state *s)
{
    return s->zones.last;
}

uint64_t state_seq(const struct state *s)
{
    return s->seq;
}

int64_t state_time_s(const struct state *s)
{
    return s->time_s;
}

void state_set_position(struct state *s, uint64_t seq, int64_t time_s)
{
    s->seq = seq;
    if (time_s > s->time_s)
        s->time_s = time_s;
    if (s->positioned)
        return;
    s->positioned = true;
    /* Loading has ended: the serials that came with the zones stand for all that was folded up to here. */
    for (uint32_t id = 1; id <= s->zones.last; id++)
        if (state_zone(s, id)->serial != 0)
            state_zone(s, id)->served_changed = false;
    for (size_t i = 0; i < s->n_aliases; i++)
        if (s->aliases[i]->a.serial != 0)
            s->aliases[i]->served_changed = false;
}

struct state_counts state_counts(const struct state *s)
{
    return s->counts;
}
