/* An array of pointers by hash, open addressing, at most half full. Entries never move inside an array and none is
 * taken out (a credential without keys keeps an empty entry), so that a reader cannot miss one; growing replaces
 * the array. */
#include "core/keyring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "base/crypto.h"
#include "base/siphash.h"

#define SLOTS_FIRST 64

struct slots {
    size_t cap; /* a power of 2 */
    size_t used;
    _Atomic(struct keyring_entry *) at[];
};

struct keyring {
    struct siphash_key hash;
    _Atomic(struct slots *) current;
    struct slots *grown;          /* staged: takes the place of current; NULL: there is room */
    struct keyring_entry *staged; /* list by next */
    bool replaces_all;            /* what is in current and not staged goes */
    struct slots *garbage_slots;
    struct keyring_entry *garbage; /* list by next */
};

/* ---- entries ---- */

static void entry_wipe(struct keyring_entry *e)
{
    crypto_wipe(e, sizeof *e + e->n * sizeof e->keys[0]);
    free(e);
}

static void list_wipe(struct keyring_entry **list)
{
    while (*list != NULL) {
        struct keyring_entry *e = *list;

        *list = e->next;
        entry_wipe(e);
    }
}

/* The keys of a credential as the state has them; *unreadable counts those that could not be opened. ERR_MEMORY. */
static enum err entry_new(struct keyring_entry **out, const struct seal_key *seal, const struct state *s,
                          const struct credential *cred, size_t *unreadable)
{
    struct keyring_entry *e = calloc(1, sizeof *e + credential_n_secrets(cred) * sizeof e->keys[0]);

    *out = e;
    if (e == NULL)
        return ERR_MEMORY;
    e->credential = cred->uuid;
    for (size_t i = 0; i < credential_n_secrets(cred); i++) {
        const struct secret secret = credential_secret(s, cred, i);
        struct keyring_key *key = &e->keys[e->n];

        if (secret.kind != SECRET_TSIG)
            continue;
        if (seal == NULL || tsig_key_open(key->bytes, seal, &cred->uuid, secret.data, secret.len) != ERR_OK) {
            (*unreadable)++;
            continue;
        }
        key->secret = secret.id;
        key->starts_s = secret.starts_s;
        key->ends_s = secret.ends_s;
        e->n++;
    }
    return ERR_OK;
}

static bool has_tsig(const struct state *s, const struct credential *cred)
{
    for (size_t i = 0; i < credential_n_secrets(cred); i++)
        if (credential_secret(s, cred, i).kind == SECRET_TSIG)
            return true;
    return false;
}

/* ---- arrays ---- */

static struct slots *slots_new(size_t cap)
{
    struct slots *s = calloc(1, sizeof *s + cap * sizeof s->at[0]);

    if (s != NULL)
        s->cap = cap;
    return s;
}

static size_t slot_of(const struct keyring *k, const struct slots *s, const struct uuid *credential)
{
    size_t i = siphash13(&k->hash, credential->b, sizeof credential->b) & (s->cap - 1);

    for (;; i = (i + 1) & (s->cap - 1)) {
        const struct keyring_entry *e = atomic_load_explicit(&s->at[i], memory_order_acquire);

        if (e == NULL || uuid_equal(&e->credential, credential))
            return i;
    }
}

/* Put e; gives what it replaces. */
static struct keyring_entry *slots_put(const struct keyring *k, struct slots *s, struct keyring_entry *e)
{
    size_t i = slot_of(k, s, &e->credential);
    struct keyring_entry *before = atomic_exchange_explicit(&s->at[i], e, memory_order_acq_rel);

    s->used += before == NULL ? 1u : 0u;
    assert(s->used < s->cap);
    return before;
}

enum err keyring_new(struct keyring **out)
{
    struct keyring *k = calloc(1, sizeof *k);
    struct slots *s = slots_new(SLOTS_FIRST);
    enum err e = k != NULL && s != NULL ? crypto_random(&k->hash, sizeof k->hash) : ERR_MEMORY;

    *out = NULL;
    if (e != ERR_OK) {
        free(k);
        free(s);
        return e;
    }
    atomic_init(&k->current, s);
    *out = k;
    return ERR_OK;
}

static void free_garbage(struct keyring *k)
{
    list_wipe(&k->garbage);
    free(k->garbage_slots);
    k->garbage_slots = NULL;
}

void keyring_free(struct keyring *k)
{
    struct slots *s;

    if (k == NULL)
        return;
    keyring_unstage(k);
    free_garbage(k);
    s = atomic_load_explicit(&k->current, memory_order_relaxed);
    for (size_t i = 0; i < s->cap; i++) {
        struct keyring_entry *e = atomic_load_explicit(&s->at[i], memory_order_relaxed);

        if (e != NULL)
            entry_wipe(e);
    }
    free(s);
    crypto_wipe(&k->hash, sizeof k->hash);
    free(k);
}

/* ---- staging ---- */

static enum err stage_credential(struct keyring *k, const struct seal_key *seal, const struct state *s,
                                 const struct credential *cred, size_t *unreadable)
{
    struct keyring_entry *e;
    enum err err;

    for (e = k->staged; e != NULL; e = e->next)
        if (uuid_equal(&e->credential, &cred->uuid))
            return ERR_OK; /* several effects of a batch concern it: the state has them all */
    err = entry_new(&e, seal, s, cred, unreadable);
    if (err != ERR_OK)
        return err;
    e->next = k->staged;
    k->staged = e;
    return ERR_OK;
}

/* Room for n entries more than `used`, at most half full. */
static enum err stage_room(struct keyring *k, size_t used, size_t n)
{
    size_t cap = SLOTS_FIRST;

    while (cap < 2 * (used + n))
        cap *= 2;
    if (cap <= atomic_load_explicit(&k->current, memory_order_relaxed)->cap && !k->replaces_all)
        return ERR_OK;
    k->grown = slots_new(cap);
    return k->grown != NULL ? ERR_OK : ERR_MEMORY;
}

static bool is_about_secret(const struct effect *f)
{
    return f->kind == EFFECT_SECRET_ADDED || f->kind == EFFECT_SECRET_SET || f->kind == EFFECT_SECRET_ENDED;
}

enum err keyring_stage(struct keyring *k, const struct seal_key *seal, const struct state *s,
                       const struct entry *const *entries, size_t n)
{
    size_t staged = 0, unreadable = 0; /* at start it was said which cannot be opened */
    enum err e = ERR_OK;

    assert(k->staged == NULL && k->grown == NULL);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; e == ERR_OK && j < entries[i]->n_effects; j++) {
            const struct effect *f = &entries[i]->effects[j];

            if (!is_about_secret(f) || f->u.secret.kind != SECRET_TSIG)
                continue;
            e = stage_credential(k, seal, s, state_credential(s, f->u.secret.credential), &unreadable);
            staged++;
        }
    }
    if (e == ERR_OK && staged > 0)
        e = stage_room(k, atomic_load_explicit(&k->current, memory_order_relaxed)->used, staged);
    if (e != ERR_OK)
        keyring_unstage(k);
    return e;
}

enum err keyring_stage_all(struct keyring *k, const struct seal_key *seal, const struct state *s,
                           size_t *unreadable)
{
    size_t staged = 0;
    enum err e = ERR_OK;

    assert(k->staged == NULL && k->grown == NULL);
    *unreadable = 0;
    k->replaces_all = true;
    for (uint32_t id = 1; e == ERR_OK && id <= state_last_credential(s); id++) {
        const struct credential *cred = state_credential(s, id);
        struct keyring_entry *made;

        if (cred == NULL || !has_tsig(s, cred))
            continue;
        e = entry_new(&made, seal, s, cred, unreadable);
        if (e != ERR_OK)
            break;
        made->next = k->staged;
        k->staged = made;
        staged++;
    }
    if (e == ERR_OK)
        e = stage_room(k, 0, staged);
    if (e != ERR_OK)
        keyring_unstage(k);
    return e;
}

void keyring_unstage(struct keyring *k)
{
    list_wipe(&k->staged);
    free(k->grown);
    k->grown = NULL;
    k->replaces_all = false;
}

/* ---- publishing ---- */

static void discard(struct keyring *k, struct keyring_entry *e)
{
    if (e == NULL)
        return;
    e->next = k->garbage;
    k->garbage = e;
}

/* What is in the old array goes into the new one, or goes. */
static void carry_over(struct keyring *k, const struct slots *from)
{
    for (size_t i = 0; i < from->cap; i++) {
        struct keyring_entry *e = atomic_load_explicit(&from->at[i], memory_order_relaxed);

        if (e == NULL)
            continue;
        if (k->replaces_all)
            discard(k, e);
        else
            (void)slots_put(k, k->grown, e); /* the new array was empty */
    }
}

void keyring_publish(struct keyring *k)
{
    struct slots *now = atomic_load_explicit(&k->current, memory_order_relaxed);
    struct slots *into = k->grown != NULL ? k->grown : now;

    if (k->grown != NULL)
        carry_over(k, now);
    while (k->staged != NULL) {
        struct keyring_entry *e = k->staged;

        k->staged = e->next;
        discard(k, slots_put(k, into, e));
    }
    if (k->grown != NULL) {
        assert(k->garbage_slots == NULL); /* reclaimed after every publication */
        atomic_store_explicit(&k->current, k->grown, memory_order_release);
        k->garbage_slots = now;
    }
    k->grown = NULL;
    k->replaces_all = false;
}

void keyring_reclaim(struct keyring *k)
{
    if (k->garbage == NULL && k->garbage_slots == NULL)
        return;
    synchronize_rcu();
    free_garbage(k);
}

/* ---- reading ---- */

const struct keyring_entry *keyring_find(const struct keyring *k, const struct uuid *credential)
{
    struct slots *s = atomic_load_explicit(&k->current, memory_order_acquire);

    return atomic_load_explicit(&s->at[slot_of(k, s, credential)], memory_order_acquire);
}

bool keyring_key_is_live(const struct keyring_key *key, int64_t now_s)
{
    return key->starts_s <= now_s && (key->ends_s == 0 || key->ends_s > now_s);
}
