/* Bringing the state tables up to the journal, and a state that was read from tables that are behind.
 *
 * A change is durable when it is in the journal. Claims and serials, of which nearly all changes consist, are
 * folded into their tables later and many at a time: a lone change then writes one page and not five, and what many
 * changes do to one row is one write. meta.seq says how far these tables are; what is behind it in the journal is
 * the tail. Effects of every other kind are written in the transaction that brings them, so that rows that others
 * refer to are always there: they are in the tables, and of the tail only the claims and serials count. */
#include <stdlib.h>

#include "db/sqlite_store.h"

#define PORTION      512 /* entries that are in memory at once; also in the SQL of STMT_TAIL */
#define PORTION_ROWS 512 /* changes of rows, after which no entry is added to a portion */

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
    bool more; /* behind it */
    struct row_change *changes;
    size_t n_changes, cap_changes;
};

bool effect_waits(const struct effect *f)
{
    return effect_is_of_claim(f->kind) || f->kind == EFFECT_ZONE_SERIAL || f->kind == EFFECT_ALIAS_SERIAL;
}

static void describe(struct row_change *c, const struct effect *f)
{
    c->f = f;
    if (effect_is_of_claim(f->kind)) {
        c->sort = ROW_CLAIM;
        c->id = f->u.claim.name;
        c->slot = f->u.claim.slot;
    } else {
        c->sort = f->kind == EFFECT_ZONE_SERIAL ? ROW_ZONE_SERIAL : ROW_ALIAS_SERIAL;
        c->id = f->u.serial.zone;
    }
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

/* Take down what an entry does to such rows. */
static enum err take_entry(struct portion *p, const struct entry *entry)
{
    for (size_t i = 0; i < entry->n_effects; i++) {
        void *grown = p->changes;
        enum err e;

        if (!effect_waits(&entry->effects[i]))
            continue;
        e = array_reserve(&grown, &p->cap_changes, p->n_changes + 1, sizeof *p->changes);
        p->changes = grown;
        if (e != ERR_OK)
            return e;
        p->changes[p->n_changes] = (struct row_change){.place = p->n_changes};
        describe(&p->changes[p->n_changes++], &entry->effects[i]);
    }
    return ERR_OK;
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

/* The next entries of the tail, with what they change. */
static enum err read_portion(struct apply_stmts *a, struct portion *p, uint64_t after)
{
    struct row r = {.st = a->st[STMT_TAIL]};
    enum err e = sqlite_err(sqlite3_bind_int64(r.st, 1, (int64_t)after));

    p->n = 0;
    p->n_changes = 0;
    p->more = true;
    while (e == ERR_OK && p->n < PORTION && p->n_changes < PORTION_ROWS && (p->more = row_next(&r))) {
        struct entry *entry = &p->entries[p->n++];

        entry_init(entry);
        e = journal_row(&r, entry);
        if (e == ERR_OK)
            e = take_entry(p, entry);
    }
    (void)sqlite3_reset(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

static void end_portion(struct portion *p)
{
    for (size_t i = 0; i < p->n; i++)
        entry_fini(&p->entries[i]);
    free(p->changes);
    free(p);
}

/* Say how far the tables are. */
static enum err note_position(struct apply_stmts *a, const struct entry *last)
{
    struct stmt_use u = stmt_begin(a->st[STMT_META]);

    stmt_int(&u, (int64_t)last->seq);
    stmt_int(&u, last->time_s); /* the greater of it and what is stored */
    return stmt_run_one(&u);
}

enum err fold_portion(struct apply_stmts *a, uint64_t *folded, size_t *changes, bool *more)
{
    struct portion *p = malloc(sizeof *p);
    enum err e;

    *changes = 0;
    *more = false;
    if (p == NULL)
        return ERR_MEMORY;
    *p = (struct portion){.changes = NULL};
    e = read_portion(a, p, *folded);
    if (e == ERR_OK)
        e = write_rows(a, p);
    if (e == ERR_OK && p->n > 0)
        e = note_position(a, &p->entries[p->n - 1]);
    if (e == ERR_OK && p->n > 0) {
        *folded = p->entries[p->n - 1].seq;
        *changes = p->n_changes;
        *more = p->more;
    }
    end_portion(p);
    return e;
}

enum err fold_tail(struct apply_stmts *a, uint64_t folded)
{
    enum err e = ERR_OK;
    size_t changes;

    for (bool more = true; e == ERR_OK && more;)
        e = fold_portion(a, &folded, &changes, &more);
    return e;
}

/* An alias may have ended since. */
static bool is_to_be_replayed(const struct state *s, const struct effect *f)
{
    return effect_waits(f) && (f->kind != EFFECT_ALIAS_SERIAL || state_alias(s, f->u.serial.zone) != NULL);
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
        for (size_t i = 0; e == ERR_OK && i < entry.n_effects; i++) {
            if (is_to_be_replayed(s, &entry.effects[i]))
                e = state_fold(s, entry.seq, &entry.effects[i]);
        }
        entry_fini(&entry);
    }
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}
