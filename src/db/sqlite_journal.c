/* Reading the journal, on a connection of its own, and pruning it. */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite_store.h"

#define PORTION                                                                                                    \
    "500" /* rows a transaction: a reader that stays does not keep the write-ahead log from being emptied */

/* The first position at or after `from` whose time is at least since_s, end + 1 when there is none: times never go
 * back, so it is found by halving. */
static enum err first_since(sqlite3 *db, int64_t since_s, uint64_t *out)
{
    struct row r = {0};
    int64_t low = 0;
    int64_t high = 0;
    enum err e = conn_number(db, "SELECT min(seq) FROM journal", 1, &low);

    if (e == ERR_OK)
        e = conn_number(db, "SELECT max(seq) + 1 FROM journal", 1, &high);
    if (e == ERR_OK)
        e = conn_prepare(db, "SELECT time_s FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1", &r.st);
    while (e == ERR_OK && low < high) {
        int64_t middle = low + (high - low) / 2;
        e = sqlite_err(sqlite3_bind_int64(r.st, 1, middle));
        if (e == ERR_OK && row_next(&r) && row_int(&r) < since_s)
            low = middle + 1;
        else
            high = middle;
        (void)sqlite3_reset(r.st); /* r.err has it */
        if (e == ERR_OK)
            e = r.err;
    }
    (void)sqlite3_finalize(r.st);
    *out = (uint64_t)low;
    return e;
}

enum err journal_row(struct row *r, struct entry *e)
{
    const char *id;
    const uint8_t *bytes;
    uint32_t format;
    size_t len;

    e->seq = (uint64_t)row_int_to(r, INT64_MAX);
    e->time_s = row_int(r);
    e->account = row_u32(r);
    e->credential = row_u32(r);
    e->door = (enum door)row_int_to(r, DOOR_COUNT - 1);
    row_addr(r, &e->client);
    id = row_text(r);
    len = strlen(id);
    if (len > REQUEST_ID_LEN)
        r->err = ERR_CORRUPT;
    else
        memcpy(e->request_id, id, len + 1);
    format = row_u32(r);
    bytes = row_blob(r, &len);
    return r->err == ERR_OK ? effects_decode(e, format, bytes, len) : r->err;
}

static bool effect_is_on_name(const struct effect *f, uint32_t name)
{
    switch (f->kind) {
    case EFFECT_CLAIM_ADDED:
    case EFFECT_CLAIM_RENEWED:
    case EFFECT_CLAIM_REMOVED:
    case EFFECT_CLAIM_EVICTED:
    case EFFECT_CLAIM_EXPIRED:
        return f->u.claim.name == name;
    case EFFECT_NAME_MADE:
    case EFFECT_NAME_SET:
    case EFFECT_NAME_RETIRED:
    case EFFECT_NAME_REVIVED:
        return f->u.name->id == name;
    case EFFECT_GRANT_MADE:
    case EFFECT_GRANT_ENDED:
        return f->u.grant.name == name;
    case EFFECT_ALIAS_MADE:
    case EFFECT_ALIAS_ENDED:
        return f->u.alias->name == name;
    case EFFECT_CREDENTIAL_MADE:
    case EFFECT_CREDENTIAL_SET:
    case EFFECT_CREDENTIAL_REVOKED: /* who may act on it */
        for (size_t i = 0; i < f->u.credential->n_names; i++) {
            if (f->u.credential->names[i] == name)
                return true;
        }
        return false;
    case EFFECT_ACCOUNT_MADE:
    case EFFECT_ACCOUNT_SET:
    case EFFECT_ACCOUNT_DELETED:
    case EFFECT_SECRET_ADDED:
    case EFFECT_SECRET_SET:
    case EFFECT_SECRET_ENDED:
    case EFFECT_TOKEN_MADE:
    case EFFECT_TOKEN_USED:
    case EFFECT_TOKEN_REVOKED:
    case EFFECT_ZONE_SET:
    case EFFECT_ZONE_REMOVED:
    case EFFECT_ALIAS_SERIAL:
    case EFFECT_ZONE_SERIAL:
    case EFFECT_RESTORED:
        return false;
    }
    return false;
}

/* Made by the credential, or about its own row or secrets: what an administrator did to it belongs to its story. */
static bool entry_is_of_credential(const struct entry *e, uint32_t credential)
{
    if (e->credential == credential)
        return true;
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct effect *f = &e->effects[i];
        if (f->kind >= EFFECT_CREDENTIAL_MADE && f->kind <= EFFECT_CREDENTIAL_REVOKED &&
            f->u.credential->id == credential)
            return true;
        if (f->kind >= EFFECT_SECRET_ADDED && f->kind <= EFFECT_SECRET_ENDED &&
            f->u.secret.credential == credential)
            return true;
    }
    return false;
}

static bool entry_is_of_account(const struct entry *e, uint32_t account)
{
    if (e->account == account)
        return true;
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct effect *f = &e->effects[i];
        if (f->kind >= EFFECT_ACCOUNT_MADE && f->kind <= EFFECT_ACCOUNT_DELETED && f->u.account.id == account)
            return true;
    }
    return false;
}

static bool entry_is_on_name(const struct entry *e, uint32_t name)
{
    for (size_t i = 0; i < e->n_effects; i++) {
        if (effect_is_on_name(&e->effects[i], name))
            return true;
    }
    return false;
}

static bool passes(const struct journal_filter *f, const struct entry *e)
{
    return (f->name == 0 || entry_is_on_name(e, f->name)) &&
           (f->account == 0 || entry_is_of_account(e, f->account)) &&
           (f->credential == 0 || entry_is_of_credential(e, f->credential)) &&
           (f->request_id == NULL || strcmp(e->request_id, f->request_id) == 0);
}

/* A reading under way. */
struct reading {
    const struct journal_filter *f;
    uint64_t at; /* the position that was looked at last */
    uint64_t looked_at;
};

/* Visit one portion after where the reading is; *more says whether there may be another. */
static enum err visit_portion(sqlite3_stmt *st, struct reading *reading, journal_visit *visit, void *arg,
                              bool *more)
{
    const struct journal_filter *f = reading->f;
    struct row r = {.st = st};
    enum err e = sqlite_err(sqlite3_bind_int64(st, 1, (int64_t)reading->at));

    *more = false;
    while (e == ERR_OK && (f->max_visits == 0 || reading->looked_at < f->max_visits) && row_next(&r)) {
        struct entry entry;
        entry_init(&entry);
        e = journal_row(&r, &entry);
        reading->at = entry.seq;
        reading->looked_at++;
        *more = e == ERR_OK && (!passes(f, &entry) || visit(arg, &entry));
        entry_fini(&entry);
        if (!*more)
            break;
    }
    *more = *more && (f->max_visits == 0 || reading->looked_at < f->max_visits);
    (void)sqlite3_reset(st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

/* The position after which to read. */
static enum err find_start(sqlite3 *db, const struct journal_filter *f, uint64_t *after)
{
    uint64_t end = 0;
    uint64_t first = 0;
    int64_t time_s;
    enum err e = conn_position(db, &end, &time_s);

    *after = f->after_seq < INT64_MAX ? f->after_seq : INT64_MAX;
    if (e == ERR_OK && f->max_scan > 0 && end > f->max_scan && *after < end - f->max_scan)
        *after = end - f->max_scan;
    if (e == ERR_OK && f->since_s > 0) {
        e = first_since(db, f->since_s, &first);
        if (e == ERR_OK && first > 0 && *after < first - 1)
            *after = first - 1;
    }
    return e;
}

enum err sqlite_journal(struct store *st, const struct journal_filter *f, journal_visit *visit, void *arg)
{
    const struct sqlite_store *s = (const struct sqlite_store *)st;
    sqlite3 *db;
    sqlite3_stmt *read = NULL;
    struct reading reading = {.f = f};
    bool more = true;
    int rc;
    enum err e = conn_open(&db, s->path, CONN_READ, &rc);

    if (e == ERR_OK)
        e = find_start(db, f, &reading.at);
    if (e == ERR_OK)
        e = conn_prepare(db, "SELECT " JOURNAL_COLUMNS " FROM journal WHERE seq > ? ORDER BY seq LIMIT " PORTION,
                         &read);
    while (e == ERR_OK && more)
        e = visit_portion(read, &reading, visit, arg, &more);
    if (f->reached != NULL)
        *f->reached = reading.at;
    (void)sqlite3_finalize(read); /* e has it */
    conn_close(&db);
    return e;
}

enum err sqlite_prune(struct store *st, int64_t before_s, uint64_t most, uint64_t *pruned)
{
    struct sqlite_store *s = (struct sqlite_store *)st;
    sqlite3_stmt *delete = NULL;
    int64_t low = 0;
    int64_t folded = 0;
    uint64_t first = 0;
    enum err e = conn_number(s->db, "SELECT min(seq) FROM journal", 0, &low);

    *pruned = 0;
    if (e == ERR_OK)
        e = conn_number(s->db, "SELECT seq FROM meta", 0, &folded);
    if (e == ERR_OK)
        e = first_since(s->db, before_s, &first);
    if (first > (uint64_t)folded + 1)
        first = (uint64_t)folded + 1;
    if (e != ERR_OK || first <= (uint64_t)low)
        return e;
    if (first - (uint64_t)low > most)
        first = (uint64_t)low + most;
    e = conn_prepare(s->db, "DELETE FROM journal WHERE seq < ?", &delete);
    if (e == ERR_OK) {
        struct stmt_use u = stmt_begin(delete);
        stmt_int(&u, (int64_t)first);
        e = stmt_run(&u);
        if (e == ERR_OK)
            *pruned = (uint64_t)sqlite3_changes64(s->db);
        else if (e != ERR_BUSY)
            e = ERR_UNKNOWN; /* it commits by itself, so its error may be that of the commit */
    }
    (void)sqlite3_finalize(delete); /* e has it */
    return e;
}
