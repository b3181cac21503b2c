/* Looking a store through: what SQLite can tell (pages, references), that it can be loaded, that the journal has no
 * holes and can be read, and that the state is what the journal folds to. The last by writing all effects into an
 * empty store of its own and comparing table by table, and claims and serials, of which the tables may have any
 * that are not older than they say, with the state that was loaded; possible as long as nothing was pruned. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite_check.h"

/* ---- what SQLite can tell ---- */

static enum err check_integrity(sqlite3 *db, struct findings *f)
{
    struct row r = {0};
    enum err e = conn_prepare(db, "PRAGMA integrity_check(20)", &r.st);

    while (e == ERR_OK && row_next(&r)) {
        const char *text = row_text(&r);
        if (strcmp(text, "ok") != 0 && check_find(f))
            text_printf(f->report, "integrity: %s\n", text);
    }
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

static enum err check_references(sqlite3 *db, struct findings *f)
{
    struct row r = {0};
    enum err e = conn_prepare(db, "PRAGMA foreign_key_check", &r.st);

    while (e == ERR_OK && row_next(&r)) {
        const char *table = row_text(&r);
        int64_t row = row_int(&r);
        const char *parent = row_text(&r);
        if (check_find(f))
            text_printf(f->report, "references: row %" PRId64 " of %s refers to a row of %s that is not there\n",
                        row, table, parent);
    }
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

/* ---- that it can be loaded ---- */

/* *s: NULL when it cannot. */
static enum err check_load(sqlite3 *db, struct state **s, struct findings *f)
{
    struct text why;
    enum err e = state_new(s, NULL);

    if (e != ERR_OK)
        return e;
    text_init(&why, 1000);
    e = sqlite_load_from(db, *s, NULL, NULL, &why);
    if (e == ERR_CORRUPT && check_find(f))
        text_printf(f->report, "state: %s\n", why.bytes);
    text_fini(&why);
    if (e == ERR_OK)
        return ERR_OK;
    state_free(*s);
    *s = NULL;
    return e == ERR_CORRUPT ? ERR_OK : e;
}

/* ---- the journal ---- */

struct replay {
    sqlite3 *db; /* NULL: the journal does not begin at its beginning */
    struct apply_stmts stmts;
    sqlite3_stmt *put_claim, *end_claim;
};

/* Claims one by one, each as the effect that adds it. */
static enum err replay_claims(struct replay *p)
{
    enum err e = conn_exec(p->db, "CREATE TABLE replayed (name INTEGER NOT NULL, slot INTEGER NOT NULL,"
                                  " made BLOB NOT NULL, PRIMARY KEY (name, slot)) STRICT, WITHOUT ROWID");

    if (e == ERR_OK)
        e = conn_prepare(p->db, "INSERT OR REPLACE INTO replayed (name, slot, made) VALUES (?, ?, ?)",
                         &p->put_claim);
    if (e == ERR_OK)
        e = conn_prepare(p->db, "DELETE FROM replayed WHERE name = ? AND slot = ?", &p->end_claim);
    return e;
}

static enum err replay_open(struct replay *p)
{
    struct text why;
    int rc;
    enum err e = conn_open(&p->db, "", CONN_SCRATCH, &rc);

    text_init(&why, 1000);
    if (e == ERR_OK)
        e = schema_migrate(p->db, "", &store_migrations, 0, &why);
    if (e == ERR_OK)
        e = apply_stmts_init(&p->stmts, p->db);
    if (e == ERR_OK)
        e = replay_claims(p);
    if (e == ERR_OK)
        e = conn_exec(p->db, "BEGIN");
    text_fini(&why);
    return e;
}

static void replay_close(struct replay *p)
{
    apply_stmts_fini(&p->stmts);
    (void)sqlite3_finalize(p->put_claim); /* say again what their last step said; NULL is fine */
    (void)sqlite3_finalize(p->end_claim);
    p->put_claim = p->end_claim = NULL;
    conn_close(&p->db);
}

static enum err put_claim(struct replay *p, const struct effect_claim *c)
{
    struct stmt_use u = stmt_begin(p->put_claim);
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err e = check_encode_claim(c, &bytes, &len);

    if (e != ERR_OK)
        return e;
    stmt_int(&u, c->name);
    stmt_int(&u, c->slot);
    stmt_blob(&u, bytes, len);
    e = stmt_run(&u);
    free(bytes);
    return e;
}

static enum err end_claim(struct replay *p, const struct effect_claim *c)
{
    struct stmt_use u = stmt_begin(p->end_claim);

    stmt_int(&u, c->name);
    stmt_int(&u, c->slot);
    return stmt_run_one(&u);
}

static enum err replay_effect(struct replay *p, const struct effect *f)
{
    if (!effect_is_of_claim(f->kind))
        return effect_write(&p->stmts, f);
    return f->kind == EFFECT_CLAIM_ADDED || f->kind == EFFECT_CLAIM_RENEWED ? put_claim(p, &f->u.claim)
                                                                            : end_claim(p, &f->u.claim);
}

/* ERR_CORRUPT and ERR_VERSION end the replay but not the looking. */
static enum err replay_entry(struct replay *p, const struct entry *e, struct findings *f)
{
    for (size_t i = 0; p->db != NULL && i < e->n_effects; i++) {
        enum err err = replay_effect(p, &e->effects[i]);

        if (err == ERR_OK)
            continue;
        if (err != ERR_CORRUPT && err != ERR_VERSION)
            return err;
        if (check_find(f))
            text_printf(f->report,
                        "journal: change %" PRIu64 ": its effect %zu (%s) does not fit those before it\n", e->seq,
                        i + 1, effect_word(e->effects[i].kind));
        replay_close(p);
    }
    return ERR_OK;
}

struct walk {
    uint64_t seq;
    int64_t time_s;
};

/* Positions of a restored store go on from where the one before it ended. */
static bool is_after_gap(const struct entry *e, uint64_t before)
{
    return e->n_effects > 0 && e->effects[0].kind == EFFECT_RESTORED &&
           e->effects[0].u.restored.ended_seq == before && e->seq > before;
}

static enum err check_entry(struct row *r, struct walk *w, struct replay *p, struct findings *f)
{
    struct entry entry;
    enum err e;

    entry_init(&entry);
    e = journal_row(r, &entry);
    if (entry.seq != w->seq + 1 && w->seq != 0 && !is_after_gap(&entry, w->seq) && check_find(f))
        text_printf(f->report, "journal: after change %" PRIu64 " comes %" PRIu64 "\n", w->seq, entry.seq);
    if (entry.time_s < w->time_s && check_find(f))
        text_printf(f->report, "journal: change %" PRIu64 " is older than the one before it\n", entry.seq);
    w->seq = entry.seq;
    w->time_s = entry.time_s > w->time_s ? entry.time_s : w->time_s;
    if (e == ERR_OK) {
        e = replay_entry(p, &entry, f);
    } else if (e == ERR_CORRUPT || e == ERR_VERSION) {
        if (check_find(f))
            text_printf(f->report, "journal: change %" PRIu64 " cannot be read: %s\n", entry.seq, err_text(e));
        replay_close(p);
        r->err = ERR_OK; /* the next row is another one */
        e = ERR_OK;
    }
    entry_fini(&entry);
    return e;
}

static enum err check_journal(sqlite3 *db, struct replay *p, struct findings *f)
{
    struct row r = {0};
    struct walk w = {0};
    uint64_t end = 0;
    int64_t time_s = 0;
    enum err e = conn_position(db, &end, &time_s);

    if (e == ERR_OK)
        e = conn_prepare(db, "SELECT " JOURNAL_COLUMNS " FROM journal ORDER BY seq", &r.st);
    while (e == ERR_OK && row_next(&r))
        e = check_entry(&r, &w, p, f);
    (void)sqlite3_finalize(r.st); /* r.err has it */
    if (e == ERR_OK)
        e = r.err;
    if (e == ERR_OK && w.seq != 0 && w.seq != end && check_find(f))
        text_printf(f->report, "journal: it ends at change %" PRIu64 ", but should end at %" PRIu64 "\n", w.seq,
                    end);
    if (e == ERR_OK && w.time_s > time_s && check_find(f))
        text_printf(f->report, "journal: its last change is newer than the store says\n");
    return e;
}

/* ---- state tables against the replay ---- */

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
    int type = sqlite3_column_type(a, i);
    const void *x;
    const void *y;
    int len;

    if (type != sqlite3_column_type(b, i))
        return false;
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(a, i) == sqlite3_column_int64(b, i);
    x = sqlite3_column_blob(a, i);
    y = sqlite3_column_blob(b, i);
    len = sqlite3_column_bytes(a, i);
    return len == sqlite3_column_bytes(b, i) &&
           (len == 0 || (x != NULL && y != NULL && memcmp(x, y, (size_t)len) == 0));
}

static bool same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
    int n = sqlite3_column_count(a);

    if (n != sqlite3_column_count(b))
        return false;
    for (int i = 0; i < n; i++) {
        if (!same_column(a, b, i))
            return false;
    }
    return true;
}

/* The key columns of all tables are the first, and numbers. Less than 0: a comes first. */
static int compare_keys(sqlite3_stmt *a, sqlite3_stmt *b, int n_keys)
{
    for (int i = 0; i < n_keys; i++) {
        int64_t x = sqlite3_column_int64(a, i);
        int64_t y = sqlite3_column_int64(b, i);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

struct compared {
    const char *table;
    const char *sql;
    int n_keys;
};

static void say_row(struct findings *f, const struct compared *t, sqlite3_stmt *st, const char *what)
{
    if (!check_find(f))
        return;
    text_printf(f->report, "fold: %s: row %" PRId64, t->table, (int64_t)sqlite3_column_int64(st, 0));
    if (t->n_keys > 1)
        text_printf(f->report, "/%" PRId64, (int64_t)sqlite3_column_int64(st, 1));
    text_printf(f->report, " %s\n", what);
}

/* Walk both tables in the order of their keys. */
static void merge(const struct compared *t, struct row *stored, struct row *folded, struct findings *f)
{
    bool has_stored = row_next(stored);
    bool has_folded = row_next(folded);

    while (has_stored || has_folded) {
        int order = !has_folded ? -1 : !has_stored ? 1 : compare_keys(stored->st, folded->st, t->n_keys);
        if (order < 0)
            say_row(f, t, stored->st, "is not in the journal");
        else if (order > 0)
            say_row(f, t, folded->st, "of the journal is missing");
        else if (!same_row(stored->st, folded->st))
            say_row(f, t, stored->st, "is not as the journal says");
        if (order <= 0)
            has_stored = row_next(stored);
        if (order >= 0)
            has_folded = row_next(folded);
    }
}

static enum err compare_table(sqlite3 *db, sqlite3 *replayed, const struct compared *t, struct findings *f)
{
    struct row stored = {0};
    struct row folded = {0};
    enum err e = conn_prepare(db, t->sql, &stored.st);

    if (e == ERR_OK)
        e = conn_prepare(replayed, t->sql, &folded.st);
    if (e == ERR_OK)
        merge(t, &stored, &folded, f);
    (void)sqlite3_finalize(stored.st); /* err has it */
    (void)sqlite3_finalize(folded.st);
    if (e == ERR_OK)
        e = stored.err;
    return e != ERR_OK ? e : folded.err;
}

#define WHOLE_1(table)                                                                                             \
    {                                                                                                              \
        table, "SELECT * FROM " table " ORDER BY 1", 1                                                             \
    }
#define WHOLE_2(table)                                                                                             \
    {                                                                                                              \
        table, "SELECT * FROM " table " ORDER BY 1, 2", 2                                                          \
    }

static enum err compare_tables(sqlite3 *db, sqlite3 *replayed, struct findings *f)
{
    static const struct compared tables[] = {
        {"zones",
         "SELECT id, removed, apex, mname, rname, refresh_s, retry_s, expire_s, minimum_s, ttl_s, challenge_caa,"
         " value_ttl_s, pinned_ttl_s FROM zones ORDER BY id",
         1},
        {"aliases", "SELECT id, name, fqdn, served, ended FROM aliases ORDER BY id", 1},
        WHOLE_2("zone_records"),
        WHOLE_1("accounts"),
        WHOLE_1("names"),
        WHOLE_2("name_domains"),
        WHOLE_1("credentials"),
        WHOLE_2("credential_names"),
        WHOLE_1("secrets"),
        WHOLE_2("grants"),
        WHOLE_1("tokens"),
    };
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(tables); i++)
        e = compare_table(db, replayed, &tables[i], f);
    return e;
}

/* ---- all ---- */

/* True when the journal reaches back to the first change. */
static enum err journal_is_complete(sqlite3 *db, int64_t folded, bool *complete)
{
    int64_t first = 0;
    enum err e = conn_number(db, "SELECT min(seq) FROM journal", 0, &first);

    *complete = first == 1 || (first == 0 && folded == 0);
    return e;
}

/* s: the state that was loaded; NULL: it could not be. */
static enum err check_fold(sqlite3 *db, const struct state *s, struct text *report, unsigned *n)
{
    struct findings journal = {.report = report};
    struct findings tables = {.report = report};
    struct replay p = {0};
    int64_t folded = 0;
    bool complete = false;
    enum err e = conn_number(db, "SELECT seq FROM meta", 0, &folded);

    if (e == ERR_OK)
        e = journal_is_complete(db, folded, &complete);
    if (e == ERR_OK && complete)
        e = replay_open(&p);
    if (e == ERR_OK)
        e = check_journal(db, &p, &journal);
    if (e == ERR_OK && p.db != NULL)
        e = compare_tables(db, p.db, &tables);
    if (e == ERR_OK && p.db != NULL && s != NULL)
        e = check_state(s, p.db, &tables);
    replay_close(&p);
    *n += journal.n + tables.n;
    return e;
}

/* Damage that stops a part is a finding; what is left is looked at all the same. */
static enum err note_damage(sqlite3 *db, const char *part, enum err e, struct text *report, unsigned *n)
{
    if (e != ERR_CORRUPT)
        return e;
    text_printf(report, "%s: cannot go on: %s\n", part, sqlite3_errmsg(db));
    (*n)++;
    return ERR_OK;
}

/* All parts, of one moment. *n: findings. */
static enum err check_all(sqlite3 *db, struct text *report, unsigned *n)
{
    struct findings integrity = {.report = report};
    struct findings references = {.report = report};
    struct findings loading = {.report = report};
    struct state *s = NULL;
    enum err e = note_damage(db, "integrity", check_integrity(db, &integrity), report, n);

    if (e == ERR_OK)
        e = note_damage(db, "references", check_references(db, &references), report, n);
    if (e == ERR_OK)
        e = note_damage(db, "state", check_load(db, &s, &loading), report, n);
    if (e == ERR_OK)
        e = note_damage(db, "journal", check_fold(db, s, report, n), report, n);
    *n += integrity.n + references.n + loading.n;
    state_free(s);
    return e;
}

enum err sqlite_check_db(sqlite3 *db, struct text *report)
{
    unsigned n = 0;
    enum err e = conn_exec(db, "BEGIN");

    if (e == ERR_OK)
        e = check_all(db, report, &n);
    if (sqlite3_get_autocommit(db) == 0 && conn_exec(db, "ROLLBACK") != ERR_OK && e == ERR_OK)
        e = ERR_IO;
    if (e != ERR_OK) {
        text_printf(report, "could not look at all of it: %s\n",
                    e == ERR_MEMORY ? err_text(e) : sqlite3_errmsg(db));
        return e;
    }
    return n > 0 ? ERR_CORRUPT : ERR_OK;
}

enum err store_check_sqlite(const char *path, struct text *report)
{
    struct store *st = NULL;
    enum err e = store_open_sqlite(&st, path, STORE_READ, report);

    if (e != ERR_OK) {
        text_put_char(report, '\n');
        return e;
    }
    e = sqlite_check_db(((struct sqlite_store *)st)->db, report);
    st->ops->close(st);
    return e;
}
