/* Transactions of the committer. A batch: the end of the journal is checked, then the entries go into it, and their
 * effects, unless that may wait, into the state tables. And the folding of what has waited. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

#include "db/sqlite_store.h"

#define UNFOLDED_MAX 4096 /* a start has no more than that to replay, whoever forgets to fold */

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

/* Whether the batch's effects, and what is in the journal before them, may be folded into the tables later. An
 * empty batch is there to write something. */
static bool may_wait(const struct store_batch *b, uint64_t unfolded)
{
    if (b->n == 0 || b->last_backup_s != 0 || unfolded > UNFOLDED_MAX)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        if (!fold_can_wait(b->entries[i]))
            return false;
    }
    return true;
}

/* Gives whether the tables are behind afterwards. */
static enum err write_all(struct apply_stmts *a, uint64_t after, const struct store_batch *b, bool *is_behind)
{
    uint64_t folded = 0;
    uint64_t end = 0;
    enum err e = apply_position(a, &folded, &end);

    if (e == ERR_OK && end != after)
        e = ERR_STALE;
    for (size_t i = 0; e == ERR_OK && i < b->n; i++)
        e = put_entry(a, after + 1 + i, b->entries[i]);
    for (size_t i = 0; e == ERR_OK && i < b->n_observations; i++)
        e = put_observation(a, &b->observations[i]);
    *is_behind = may_wait(b, after + b->n - folded);
    if (e != ERR_OK || *is_behind)
        return e;
    return fold_tail(a, folded, b->last_backup_s);
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

/* Serials do not count: all of them are few rows. */
static uint64_t count_rows(const struct entry *e)
{
    uint64_t n = 0;

    for (size_t i = 0; i < e->n_effects; i++)
        n += e->effects[i].kind != EFFECT_ZONE_SERIAL && e->effects[i].kind != EFFECT_ALIAS_SERIAL;
    return n;
}

static enum err apply(struct sqlite_store *s, uint64_t after, const struct store_batch *b)
{
    struct apply_stmts *a = &s->apply;
    bool is_behind = false;
    int64_t before_us;
    enum err e = run(a, STMT_BEGIN);

    if (e != ERR_OK)
        return e;
    e = write_all(a, after, b, &is_behind);
    if (e != ERR_OK) {
        roll_back(a);
        return e;
    }
    before_us = clock_mono_us(&clock_system);
    e = commit(a, after);
    s->sync_us = clock_mono_us(&clock_system) - before_us;
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; is_behind && i < b->n; i++)
        s->unfolded += count_rows(b->entries[i]);
    if (!is_behind)
        s->unfolded = 0;
    if (b->last_backup_s != 0)
        atomic_store_explicit(&s->last_backup_s, b->last_backup_s, memory_order_relaxed);
    return ERR_OK;
}

enum err sqlite_apply(struct store *st, uint64_t after, const struct store_batch *b)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    enum err e;

    assert(s->mode == STORE_SERVE && !s->shut);
    e = apply(s, after, b);
    if (e != ERR_OK && e != ERR_BUSY && e != ERR_STALE)
        s->has_failed = true;
    return e;
}

static enum err fold(struct apply_stmts *a)
{
    uint64_t folded = 0;
    uint64_t end = 0;
    enum err e = run(a, STMT_BEGIN);

    if (e != ERR_OK)
        return e;
    e = apply_position(a, &folded, &end);
    if (e == ERR_OK)
        e = fold_tail(a, folded, 0);
    if (e != ERR_OK) {
        roll_back(a);
        return e;
    }
    return commit(a, end);
}

/* Its commit is not flushed: what it writes is in the journal, which is, and the next commit flushes both. */
enum err sqlite_fold(struct store *st)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    enum err e;

    assert(s->mode == STORE_SERVE && !s->shut);
    if (s->unfolded == 0)
        return ERR_OK;
    e = conn_exec(s->db, "PRAGMA synchronous=NORMAL");
    if (e == ERR_OK)
        e = fold(&s->apply);
    if (conn_exec(s->db, "PRAGMA synchronous=FULL") != ERR_OK && (e == ERR_OK || e == ERR_BUSY || e == ERR_FULL))
        e = ERR_IO;
    if (e == ERR_OK)
        s->unfolded = 0;
    else if (e != ERR_BUSY)
        s->has_failed = true;
    return e;
}
