#include "db/sqlite_tail.h"

#include <stdlib.h>

#include "db/sqlite_store.h"

#define ARENA_MAX (SIZE_MAX / 2)

/* ---- reading ---- */

static bool is_end(enum effect_kind k)
{
    return k == EFFECT_CLAIM_REMOVED || k == EFFECT_CLAIM_EVICTED || k == EFFECT_CLAIM_EXPIRED;
}

/* Its entry goes away. */
static enum err keep_claim(struct tail *t, const struct effect_claim *c, const struct effect_claim **out)
{
    struct effect_claim *kept = arena_alloc(&t->arena, sizeof *kept);
    const char *rdata = arena_copy(&t->arena, c->rdata.bytes, c->rdata.len);

    if (kept == NULL || rdata == NULL)
        return ERR_MEMORY;
    *kept = *c;
    kept->rdata.bytes = (const uint8_t *)rdata;
    *out = kept;
    return ERR_OK;
}

static enum err take_effect(struct tail *t, const struct effect *f)
{
    struct tail_change change = {.sort = waiting_sort_of(f), .place = t->n};
    void *grown = t->changes;
    enum err e = ERR_OK;

    if (change.sort == WAITING_SORTS)
        return ERR_OK;
    if (change.sort == WAITING_CLAIMS) {
        change.id = f->u.claim.name;
        change.slot = f->u.claim.slot;
        if (!is_end(f->kind))
            e = keep_claim(t, &f->u.claim, &change.claim);
    } else {
        change.id = f->u.serial.zone;
        change.serial = f->u.serial.serial;
    }
    if (change.id > t->last_id[change.sort])
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        e = array_reserve(&grown, &t->cap, t->n + 1, sizeof *t->changes);
    t->changes = grown;
    if (e == ERR_OK)
        t->changes[t->n++] = change;
    return e;
}

static enum err take_row(struct tail *t, struct row *r, struct waiting *waiting)
{
    struct entry entry;
    const struct entry *one = &entry;
    enum err e;

    entry_init(&entry);
    e = journal_row(r, &entry);
    for (size_t i = 0; e == ERR_OK && i < entry.n_effects; i++)
        e = take_effect(t, &entry.effects[i]);
    if (e == ERR_OK && waiting != NULL)
        e = waiting_reserve(waiting, &one, 1);
    if (e == ERR_OK && waiting != NULL)
        waiting_note(waiting, &entry, entry.seq);
    entry_fini(&entry);
    return e;
}

/* ---- order ---- */

static int compare_rows(const struct tail_change *x, const struct tail_change *y)
{
    if (x->sort != y->sort)
        return x->sort < y->sort ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return 0;
}

static int compare_changes(const void *a, const void *b)
{
    const struct tail_change *x = a;
    const struct tail_change *y = b;
    int order = compare_rows(x, y);

    return order != 0 ? order : x->place < y->place ? -1 : 1;
}

/* Of each row the last change. */
static void keep_last(struct tail *t)
{
    size_t n = 0;

    if (t->n > 1)
        qsort(t->changes, t->n, sizeof *t->changes, compare_changes);
    for (size_t i = 0; i < t->n; i++) {
        if (i + 1 < t->n && compare_rows(&t->changes[i], &t->changes[i + 1]) == 0)
            continue;
        t->changes[n++] = t->changes[i];
    }
    t->n = n;
    while (t->at < n && t->changes[t->at].sort != WAITING_CLAIMS)
        t->at++;
}

static enum err find_last_ids(struct tail *t, sqlite3 *db)
{
    static const char *const sql[WAITING_SORTS] = {
        [WAITING_ZONE_SERIAL] = "SELECT max(id) FROM zones",
        [WAITING_ALIAS_SERIAL] = "SELECT max(id) FROM aliases",
        [WAITING_CLAIMS] = "SELECT max(id) FROM names",
    };
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < WAITING_SORTS; i++) {
        int64_t id = 0;

        e = conn_number(db, sql[i], 0, &id);
        t->last_id[i] = id > 0 && id <= UINT32_MAX ? (uint32_t)id : 0;
    }
    return e;
}

enum err tail_read(struct tail *t, sqlite3 *db, struct waiting *waiting)
{
    struct row r = {0};
    enum err e;

    *t = (struct tail){.changes = NULL};
    arena_init(&t->arena, ARENA_MAX);
    e = find_last_ids(t, db);
    if (e == ERR_OK)
        e = conn_prepare(
            db, "SELECT " JOURNAL_COLUMNS " FROM journal WHERE seq > (SELECT seq FROM meta) ORDER BY seq", &r.st);
    while (e == ERR_OK && row_next(&r))
        e = take_row(t, &r, waiting);
    (void)sqlite3_finalize(r.st); /* r.err has it */
    if (e == ERR_OK)
        e = r.err;
    if (e == ERR_OK)
        keep_last(t);
    return e;
}

/* ---- laying over ---- */

static enum err add_claim(struct claim_list *l, const struct effect_claim *c)
{
    void *grown = l->claims;
    enum err e = array_reserve(&grown, &l->cap, l->n + 1, sizeof *l->claims);

    l->claims = grown;
    if (e == ERR_OK)
        l->claims[l->n++] = *c;
    return e;
}

static bool is_of_name(const struct tail *t, uint32_t name)
{
    return t->at < t->n && t->changes[t->at].id == name;
}

enum err tail_lay_over(struct tail *t, uint32_t name, struct entry *held, struct claim_list *out)
{
    enum err e = ERR_OK;
    size_t i = 0;

    out->n = 0;
    if (is_of_name(t, name))
        claims_sort(held);
    for (; e == ERR_OK && is_of_name(t, name); t->at++) {
        const struct tail_change *c = &t->changes[t->at];

        for (; e == ERR_OK && i < held->n_effects && held->effects[i].u.claim.slot < c->slot; i++)
            e = add_claim(out, &held->effects[i].u.claim);
        if (i < held->n_effects && held->effects[i].u.claim.slot == c->slot)
            i++;
        if (e == ERR_OK && c->claim != NULL)
            e = add_claim(out, c->claim);
    }
    for (; e == ERR_OK && i < held->n_effects; i++)
        e = add_claim(out, &held->effects[i].u.claim);
    return e;
}

enum err tail_fold_serials(const struct tail *t, struct state *s, uint64_t seq)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < t->n && t->changes[i].sort != WAITING_CLAIMS; i++) {
        const struct tail_change *c = &t->changes[i];
        bool is_alias = c->sort == WAITING_ALIAS_SERIAL;
        struct effect f = {.kind = is_alias ? EFFECT_ALIAS_SERIAL : EFFECT_ZONE_SERIAL,
                           .u.serial = {.zone = c->id, .serial = c->serial}};

        if (!is_alias || state_alias(s, c->id) != NULL)
            e = state_fold(s, seq, &f);
    }
    return e;
}

void tail_fini(struct tail *t)
{
    free(t->changes);
    arena_fini(&t->arena);
    *t = (struct tail){.changes = NULL};
}
