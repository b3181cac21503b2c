/* Bringing the state tables up to the journal.
 *
 * A change is durable when it is in the journal. Claims and serials, of which nearly all changes consist, are
 * folded into their tables later: a lone change then writes one page and not five, and what many changes do to one
 * row is one write. Effects of every other kind are written in the transaction that brings them, so that rows that
 * others refer to are always there.
 *
 * A row is folded by writing what the state has, whatever else waits; the row that waits for longest comes first.
 * meta.seq is the position before the first change that any row waits with, so a row may be newer than it, and
 * whoever reads the tables lays the changes behind meta.seq over them (db/sqlite_tail.h). */
#include <assert.h>

#include "db/sqlite_store.h"

/* A portion takes a millisecond or two. */
#define PORTION_ROWS   128
#define PORTION_CLAIMS 2048

static enum err write_serial(struct apply_stmts *a, const struct state *s, const struct waiting_row *row)
{
    struct effect f = {.kind = EFFECT_ZONE_SERIAL, .u.serial = {.zone = row->id}};

    if (row->sort == WAITING_ZONE_SERIAL) {
        f.u.serial.serial = state_zone(s, row->id)->serial;
    } else {
        const struct alias *alias = state_alias(s, row->id);

        if (alias == NULL)
            return ERR_OK; /* it has ended */
        f.kind = EFFECT_ALIAS_SERIAL;
        f.u.serial.serial = alias->serial;
    }
    return effect_write(a, &f);
}

/* *n: so many of the first rows. */
static enum err write_rows(struct apply_stmts *a, const struct state *s, const struct waiting *w, size_t *n)
{
    enum err e = ERR_OK;
    size_t claims = 0;

    for (*n = 0; e == ERR_OK && *n < w->n && *n < PORTION_ROWS && claims < PORTION_CLAIMS; ++*n) {
        const struct waiting_row *row = waiting_at(w, *n);
        size_t some = 0;

        e = row->sort == WAITING_CLAIMS ? claims_write(a, s, row->id, &some) : write_serial(a, s, row);
        claims += some;
    }
    return e;
}

/* Say how far the tables are, n of the rows having been written. The time is of use where no entry follows. */
static enum err note_position(struct apply_stmts *a, const struct state *s, const struct waiting *w, size_t n)
{
    struct stmt_use u = stmt_begin(a->st[STMT_META]);
    bool is_all = n == w->n;

    stmt_int(&u, (int64_t)(is_all ? state_seq(s) : waiting_at(w, n)->seq - 1));
    stmt_int(&u, is_all ? state_time_s(s) : 0); /* the greater of it and what is stored */
    return stmt_run_one(&u);
}

enum err fold_portion(struct apply_stmts *a, const struct state *s, const struct waiting *w, size_t *n)
{
    enum err e = write_rows(a, s, w, n);

    return e == ERR_OK ? note_position(a, s, w, *n) : e;
}
