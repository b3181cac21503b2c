/* Transactions of the committer. A batch: the end of the journal is checked, then the entries go into it, and those
 * of their effects that do not wait into the state tables. And the folding of what has waited. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

#include "db/sqlite_store.h"

static enum err run(struct apply_stmts *a, enum apply_stmt which)
{
    struct stmt_use u = stmt_begin(a->st[which]);

    return stmt_run(&u);
}

enum err apply_position(struct apply_stmts *a, uint64_t *folded, uint64_t *end)
{
    struct row r = {.st = a->st[STMT_POSITION]};

    if (row_next(&r)) {
        *folded = (uint64_t)row_int_to(&r, INT64_MAX);
        *end = (uint64_t)row_int_to(&r, INT64_MAX);
    } else if (r.err == ERR_OK) {
        r.err = ERR_CORRUPT;
    }
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

static enum err put_entry_whole(struct apply_stmts *a, uint64_t seq, const struct entry *entry)
{
    enum err e = put_entry(a, seq, entry);

    for (size_t i = 0; e == ERR_OK && i < entry->n_effects; i++) {
        if (waiting_sort_of(&entry->effects[i]) == WAITING_SORTS)
            e = effect_write(a, &entry->effects[i]);
    }
    return e;
}

static enum err put_backup(struct apply_stmts *a, int64_t last_backup_s)
{
    struct stmt_use u = stmt_begin(a->st[STMT_BACKUP]);

    stmt_int(&u, last_backup_s);
    return stmt_run_one(&u);
}

static enum err write_all(struct apply_stmts *a, uint64_t after, const struct store_batch *b)
{
    uint64_t folded = 0;
    uint64_t end = 0;
    enum err e = apply_position(a, &folded, &end);

    if (e == ERR_OK && end != after)
        e = ERR_STALE;
    for (size_t i = 0; e == ERR_OK && i < b->n; i++)
        e = put_entry_whole(a, after + 1 + i, b->entries[i]);
    for (size_t i = 0; e == ERR_OK && i < b->n_observations; i++)
        e = put_observation(a, &b->observations[i]);
    if (e == ERR_OK && b->last_backup_s != 0)
        e = put_backup(a, b->last_backup_s);
    return e;
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
    uint64_t folded = 0;
    uint64_t end = 0;

    if (e == ERR_OK)
        return ERR_OK;
    if (e == ERR_BUSY && sqlite3_get_autocommit(a->db) == 0) {
        roll_back(a);
        return ERR_BUSY;
    }
    roll_back(a);
    if (e == ERR_FULL && sqlite3_get_autocommit(a->db) != 0 && apply_position(a, &folded, &end) == ERR_OK &&
        end == after)
        return ERR_FULL;
    return ERR_UNKNOWN;
}

static enum err apply(struct sqlite_store *s, uint64_t after, const struct store_batch *b)
{
    struct apply_stmts *a = &s->apply;
    int64_t before_us;
    enum err e = waiting_reserve(&s->waiting, b->entries, b->n); /* what is committed has to be noted */

    if (e == ERR_OK)
        e = run(a, STMT_BEGIN);
    if (e != ERR_OK)
        return e;
    e = write_all(a, after, b);
    if (e != ERR_OK) {
        roll_back(a);
        return e;
    }
    before_us = clock_mono_us(&clock_system);
    e = commit(a, after);
    s->sync_us = clock_mono_us(&clock_system) - before_us;
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < b->n; i++)
        waiting_note(&s->waiting, b->entries[i], after + 1 + i);
    if (b->last_backup_s != 0)
        atomic_store_explicit(&s->last_backup_s, b->last_backup_s, memory_order_relaxed);
    return ERR_OK;
}

enum err sqlite_apply(struct store *st, uint64_t after, const struct store_batch *b)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    enum err e;

    assert(s->mode == STORE_SERVE && !s->shut);
    log_move_last(s);
    e = apply(s, after, b);
    if (e != ERR_OK && e != ERR_BUSY && e != ERR_STALE)
        s->has_failed = true;
    return e;
}

static enum err fold(struct sqlite_store *s, const struct state *state)
{
    struct apply_stmts *a = &s->apply;
    uint64_t folded = 0;
    uint64_t end = 0;
    size_t n = 0;
    enum err e = run(a, STMT_BEGIN);

    if (e != ERR_OK)
        return e;
    e = apply_position(a, &folded, &end);
    if (e == ERR_OK && end != state_seq(state))
        e = ERR_STALE;
    if (e == ERR_OK)
        e = fold_portion(a, state, &s->waiting, &n);
    if (e != ERR_OK) {
        roll_back(a);
        return e;
    }
    e = commit(a, end);
    if (e == ERR_OK)
        waiting_drop(&s->waiting, n);
    return e;
}

/* Its commit is not flushed: what it writes is in the journal, which is, and the next commit flushes both. */
enum err sqlite_fold(struct store *st, const struct state *state)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    enum err e;

    assert(s->mode == STORE_SERVE && !s->shut && s->is_loaded);
    if (waiting_changes(&s->waiting) == 0)
        return ERR_OK;
    e = conn_exec(s->db, "PRAGMA synchronous=NORMAL");
    if (e == ERR_OK)
        e = fold(s, state);
    if (conn_exec(s->db, "PRAGMA synchronous=FULL") != ERR_OK)
        e = ERR_IO;
    if (e != ERR_OK && e != ERR_BUSY && e != ERR_STALE && e != ERR_MEMORY)
        s->has_failed = true;
    return e;
}
