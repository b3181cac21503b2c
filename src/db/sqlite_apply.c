/* One transaction of the committer: the end of the journal is checked, then the effects of each entry go into the
 * state tables and the entry into the journal. */
#include <assert.h>
#include <stdlib.h>

#include "db/sqlite_store.h"

static enum err run(struct apply_stmts *a, enum apply_stmt which)
{
    struct stmt_use u = stmt_begin(a->st[which]);

    return stmt_run(&u);
}

static enum err read_position(struct apply_stmts *a, uint64_t *seq)
{
    struct row r = {.st = a->st[STMT_POSITION]};

    if (row_next(&r))
        *seq = (uint64_t)row_int_to(&r, INT64_MAX);
    else if (r.err == ERR_OK)
        r.err = ERR_CORRUPT;
    (void)sqlite3_reset(r.st); /* r.err has it */
    return r.err;
}

static enum err put_entry(struct apply_stmts *a, uint64_t seq, const struct entry *e)
{
    struct stmt_use u = stmt_begin(a->st[STMT_JOURNAL]);
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = effects_encode(e, &bytes, &len);

    if (err != ERR_OK)
        return err;
    stmt_int(&u, (int64_t)seq);
    stmt_int(&u, e->time_s);
    stmt_int(&u, e->account);
    stmt_int(&u, e->credential);
    stmt_int(&u, e->door);
    stmt_addr(&u, &e->client);
    stmt_text(&u, e->request_id);
    stmt_int(&u, EFFECT_FORMAT);
    stmt_blob(&u, bytes, len);
    err = stmt_run(&u);
    free(bytes);
    return err;
}

static enum err put_observation(struct apply_stmts *a, const struct observation *o)
{
    struct stmt_use u = stmt_begin(a->st[STMT_OBSERVE]);

    stmt_int(&u, o->credential);
    stmt_int(&u, o->last_used_s);
    stmt_addr(&u, &o->from);
    stmt_int(&u, o->door);
    return stmt_run(&u);
}

static enum err put_meta(struct apply_stmts *a, uint64_t after, const struct store_batch *b)
{
    struct stmt_use u = stmt_begin(a->st[STMT_META]);

    stmt_int(&u, (int64_t)(after + b->n));
    stmt_int(&u, b->n > 0 ? b->entries[b->n - 1]->time_s : 0); /* the greater of it and what is stored */
    stmt_int(&u, b->last_backup_s);
    return stmt_run_one(&u);
}

static enum err write_all(struct apply_stmts *a, uint64_t after, const struct store_batch *b)
{
    uint64_t end = 0;
    enum err e = read_position(a, &end);

    if (e == ERR_OK && end != after)
        e = ERR_STALE;
    for (size_t i = 0; e == ERR_OK && i < b->n; i++) {
        const struct entry *entry = b->entries[i];
        for (size_t k = 0; e == ERR_OK && k < entry->n_effects; k++)
            e = effect_write(a, &entry->effects[k]);
        if (e == ERR_OK)
            e = put_entry(a, after + 1 + i, entry);
    }
    for (size_t i = 0; e == ERR_OK && i < b->n_observations; i++)
        e = put_observation(a, &b->observations[i]);
    return e == ERR_OK ? put_meta(a, after, b) : e;
}

/* End a transaction that wrote nothing for good. Should even this fail, the next BEGIN fails too. */
static void roll_back(struct apply_stmts *a)
{
    if (sqlite3_get_autocommit(a->db) == 0 && run(a, STMT_ROLLBACK) != ERR_OK)
        return;
}

/* COMMIT, and what its error means. A full disk is told by the write of a page, and the page that makes a
 * transaction valid is the last one: what is not there now will never be. After any other error nobody can tell. */
static enum err commit(struct apply_stmts *a, uint64_t after)
{
    enum err e = run(a, STMT_COMMIT);
    uint64_t end = 0;

    if (e == ERR_OK)
        return ERR_OK;
    if (e == ERR_BUSY && sqlite3_get_autocommit(a->db) == 0) {
        roll_back(a);
        return ERR_BUSY;
    }
    roll_back(a);
    if (e == ERR_FULL && sqlite3_get_autocommit(a->db) != 0 && read_position(a, &end) == ERR_OK && end == after)
        return ERR_FULL;
    return ERR_UNKNOWN;
}

enum err sqlite_apply(struct store *st, uint64_t after, const struct store_batch *b)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    struct apply_stmts *a = &s->apply;
    enum err e;

    assert(s->mode == STORE_SERVE && !s->shut);
    e = run(a, STMT_BEGIN);
    if (e != ERR_OK)
        return e;
    e = write_all(a, after, b);
    if (e != ERR_OK) {
        roll_back(a);
        return e;
    }
    e = commit(a, after);
    if (e == ERR_OK && b->last_backup_s != 0)
        atomic_store_explicit(&s->last_backup_s, b->last_backup_s, memory_order_relaxed);
    return e;
}
