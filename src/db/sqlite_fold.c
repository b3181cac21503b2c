/* Bringing the state tables up to the journal, and a state that was read from tables that are behind.
 *
 * A change is durable when it is in the journal. Claims and serials, of which nearly all changes consist, are
 * folded into their tables later and many at a time: a lone change then writes one page and not five, and what many
 * changes do to one row is one write. meta.seq says how far the tables are; what is behind it in the journal is the
 * tail. Effects of every other kind are folded in the transaction that brings them, with the tail before them, so
 * that rows that others refer to are always there. */
#include <stdlib.h>

#include "db/sqlite_store.h"

#define PORTION 512 /* entries that are in memory at once; also in the SQL of STMT_TAIL */

enum row_sort { ROW_ZONE_SERIAL, ROW_ALIAS_SERIAL, ROW_CLAIM };

/* What an effect does to a row that many effects follow each other on. */
struct row_change {
    enum row_sort sort;
    uint32_t id, slot;
    size_t place; /* among all of the portion */
    const struct effect *f;
};

struct portion {
    struct entry entries[PORTION];
    size_t n;
    struct row_change *changes;
    size_t n_changes, cap_changes;
};

static bool describe(struct row_change *c, const struct effect *f)
{
    c->f = f;
    if (effect_is_of_claim(f->kind)) {
        c->sort = ROW_CLAIM;
        c->id = f->u.claim.name;
        c->slot = f->u.claim.slot;
        return true;
    }
    if (f->kind != EFFECT_ZONE_SERIAL && f->kind != EFFECT_ALIAS_SERIAL)
        return false;
    c->sort = f->kind == EFFECT_ZONE_SERIAL ? ROW_ZONE_SERIAL : ROW_ALIAS_SERIAL;
    c->id = f->u.serial.zone;
    return true;
}

bool fold_can_wait(const struct entry *e)
{
    struct row_change ignored = {0};

    for (size_t i = 0; i < e->n_effects; i++) {
        if (!describe(&ignored, &e->effects[i]))
            return false;
    }
    return true;
}

/* By row, and for each row in their order. */
static int compare_changes(const void *a, const void *b)
{
    const struct row_change *x = a;
    const struct row_change *y = b;

    if (x->sort != y->sort)
        return x->sort < y->sort ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static bool is_same_row(const struct row_change *a, const struct row_change *b)
{
    return a->sort == b->sort && a->id == b->id && a->slot == b->slot;
}

static bool is_end(enum effect_kind k)
{
    return k == EFFECT_CLAIM_REMOVED || k == EFFECT_CLAIM_EVICTED || k == EFFECT_CLAIM_EXPIRED;
}

/* Take down what an entry does to such rows, and write the rest of it. Those may change places: no other effect
 * writes their columns, but for the row that it makes. */
static enum err take_entry(struct apply_stmts *a, struct portion *p, const struct entry *entry)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < entry->n_effects; i++) {
        struct row_change c = {.place = p->n_changes};
        void *grown = p->changes;

        if (!describe(&c, &entry->effects[i])) {
            e = effect_write(a, &entry->effects[i]);
            continue;
        }
        e = array_reserve(&grown, &p->cap_changes, p->n_changes + 1, sizeof *p->changes);
        p->changes = grown;
        if (e == ERR_OK)
            p->changes[p->n_changes++] = c;
    }
    return e;
}

/* Each row once, as its last change has it, in the order of the keys. */
static enum err write_rows(struct apply_stmts *a, struct portion *p)
{
    enum err e = ERR_OK;

    if (p->n_changes > 1)
        qsort(p->changes, p->n_changes, sizeof *p->changes, compare_changes);
    for (size_t i = 0, last; e == ERR_OK && i < p->n_changes; i = last + 1) {
        for (last = i; last + 1 < p->n_changes && is_same_row(&p->changes[i], &p->changes[last + 1]);)
            last++;
        if (p->changes[i].f->kind == EFFECT_CLAIM_ADDED && is_end(p->changes[last].f->kind))
            continue; /* came and went */
        e = effect_write(a, p->changes[last].f);
    }
    return e;
}

/* The next entries of the tail. */
static enum err read_portion(struct apply_stmts *a, struct portion *p, uint64_t after)
{
    struct row r = {.st = a->st[STMT_TAIL]};
    enum err e = sqlite_err(sqlite3_bind_int64(r.st, 1, (int64_t)after));

    p->n = 0;
    p->n_changes = 0;
    while (e == ERR_OK && p->n < PORTION && row_next(&r)) {
        entry_init(&p->entries[p->n]);
        e = journal_row(&r, &p->entries[p->n++]);
    }
    (void)sqlite3_reset(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

static void end_portion(struct portion *p)
{
    for (size_t i = 0; i < p->n; i++)
        entry_fini(&p->entries[i]);
    p->n = 0;
}

static enum err fold_portion(struct apply_stmts *a, struct portion *p, uint64_t *seq, int64_t *time_s)
{
    enum err e = read_portion(a, p, *seq);

    for (size_t i = 0; e == ERR_OK && i < p->n; i++)
        e = take_entry(a, p, &p->entries[i]);
    if (e == ERR_OK)
        e = write_rows(a, p);
    if (e == ERR_OK && p->n > 0) {
        *seq = p->entries[p->n - 1].seq;
        *time_s = p->entries[p->n - 1].time_s;
    }
    return e;
}

enum err fold_tail(struct apply_stmts *a, uint64_t folded, int64_t last_backup_s)
{
    struct portion *p = malloc(sizeof *p);
    int64_t time_s = 0; /* the greater of it and what is stored */
    bool more = true;
    enum err e = ERR_OK;

    if (p == NULL)
        return ERR_MEMORY;
    *p = (struct portion){.changes = NULL};
    while (e == ERR_OK && more) {
        e = fold_portion(a, p, &folded, &time_s);
        more = p->n == PORTION;
        end_portion(p);
    }
    free(p->changes);
    free(p);
    if (e == ERR_OK) {
        struct stmt_use u = stmt_begin(a->st[STMT_META]);
        stmt_int(&u, (int64_t)folded);
        stmt_int(&u, time_s);
        stmt_int(&u, last_backup_s);
        e = stmt_run_one(&u);
    }
    return e;
}

enum err sqlite_replay(sqlite3 *db, struct state *s)
{
    struct row r = {0};
    enum err e = conn_prepare(db,
                              "SELECT " JOURNAL_COLUMNS " FROM journal WHERE seq > (SELECT seq FROM meta)"
                              " ORDER BY seq",
                              &r.st);

    while (e == ERR_OK && row_next(&r)) {
        struct entry entry;

        entry_init(&entry);
        e = journal_row(&r, &entry);
        for (size_t i = 0; e == ERR_OK && i < entry.n_effects; i++)
            e = state_fold(s, entry.seq, &entry.effects[i]);
        entry_fini(&entry);
    }
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}
