#include "db/sqlite_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define VALUE_OCTETS_MAX (32 << 20) /* a row: the effects of the largest entry */
#define SQL_OCTETS_MAX   (64 << 10) /* a statement of ours */
#define NETS_TEXT_MAX    ((size_t)1 << 20)

enum err sqlite_err(int rc)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return ERR_MEMORY;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: /* our state says that the rows fit: then the rows are wrong */
    case SQLITE_MISMATCH:
        return ERR_CORRUPT;
    default: /* IOERR, READONLY, CANTOPEN, PERM, AUTH: the file cannot be used as it should */
        return ERR_IO;
    }
}

/* As SQLite's own page on untrusted databases advises: nothing in the file may run code of its own. */
static int harden(sqlite3 *db)
{
    static const struct {
        int option, on;
    } rows[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int rc = sqlite3_db_config(db, rows[i].option, rows[i].on, (int *)NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_OCTETS_MAX); /* these give the old limit, not an error */
    (void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SQL_OCTETS_MAX);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    return sqlite3_busy_timeout(db, SQLITE_BUSY_MS);
}

static int run_all(sqlite3 *db, const char *const *sql, size_t n)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = sqlite3_exec(db, sql[i], NULL, NULL, NULL);
    return rc;
}

static int configure(sqlite3 *db, enum conn_mode mode)
{
    static const char *const every[] = {"PRAGMA cell_size_check=ON", "PRAGMA mmap_size=0"};
    /* FULL: a commit that was answered outlives a power cut (with NORMAL it may not). Checkpoints are made from
     * another connection, so that no commit waits for one; the log's file is cut back after an unusual peak.
     * Foreign keys are not enforced: what is written is the fold of effects that the state has taken, and looking
     * up two more rows for each costs as much as writing it. `riposte check store` looks at all of them. */
    static const char *const write[] = {"PRAGMA cache_size=-16384", "PRAGMA synchronous=FULL",
                                        "PRAGMA wal_autocheckpoint=0", "PRAGMA journal_size_limit=67108864"};
    static const char *const scratch[] = {"PRAGMA foreign_keys=ON", "PRAGMA synchronous=OFF",
                                          "PRAGMA cache_size=-16384"};
    static const char *const read[] = {"PRAGMA query_only=ON"};
    int rc = run_all(db, every, ARRAY_LEN(every));

    if (rc != SQLITE_OK)
        return rc;
    if (mode == CONN_WRITE)
        return run_all(db, write, ARRAY_LEN(write));
    if (mode == CONN_SCRATCH)
        return run_all(db, scratch, ARRAY_LEN(scratch));
    return run_all(db, read, ARRAY_LEN(read));
}

enum err conn_open(sqlite3 **db, const char *path, enum conn_mode mode, int *rc)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;

    flags |= mode == CONN_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (mode == CONN_SCRATCH && path[0] == '\0')
        flags |= SQLITE_OPEN_CREATE;
    *db = NULL;
    *rc = sqlite3_open_v2(path, db, flags, NULL);
    if (*rc == SQLITE_OK)
        *rc = harden(*db);
    if (*rc == SQLITE_OK)
        *rc = configure(*db, mode);
    if (*rc != SQLITE_OK)
        conn_close(db);
    return sqlite_err(*rc);
}

void conn_close(sqlite3 **db)
{
    (void)sqlite3_close_v2(*db); /* fails for misuse only; NULL is fine */
    *db = NULL;
}

enum err conn_exec(sqlite3 *db, const char *sql)
{
    return sqlite_err(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

enum err conn_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    *out = NULL;
    return sqlite_err(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

enum err conn_number(sqlite3 *db, const char *sql, int64_t fallback, int64_t *out)
{
    struct row r = {0};
    enum err e = conn_prepare(db, sql, &r.st);

    *out = fallback;
    if (e == ERR_OK && row_next(&r) && sqlite3_column_type(r.st, 0) != SQLITE_NULL)
        *out = row_int(&r);
    (void)sqlite3_finalize(r.st); /* says again what row_next() said */
    return e != ERR_OK ? e : r.err;
}

enum err conn_position(sqlite3 *db, uint64_t *seq, int64_t *time_s)
{
    struct row r = {0};
    enum err e =
        conn_prepare(db,
                     "SELECT max(m.seq, coalesce(j.seq, 0)), max(m.time_s, coalesce(j.time_s, 0)) FROM meta m"
                     " LEFT JOIN (SELECT seq, time_s FROM journal ORDER BY seq DESC LIMIT 1) j",
                     &r.st);

    if (e == ERR_OK && row_next(&r)) {
        *seq = (uint64_t)row_int_to(&r, INT64_MAX);
        *time_s = row_int(&r);
    } else if (e == ERR_OK && r.err == ERR_OK) {
        r.err = ERR_CORRUPT; /* the row is made with the table */
    }
    (void)sqlite3_finalize(r.st);
    return e != ERR_OK ? e : r.err;
}

struct stmt_use stmt_begin(sqlite3_stmt *st)
{
    return (struct stmt_use){.st = st};
}

void stmt_int(struct stmt_use *u, int64_t v)
{
    if (u->rc == SQLITE_OK)
        u->rc = sqlite3_bind_int64(u->st, ++u->at, v);
}

void stmt_blob(struct stmt_use *u, const void *bytes, size_t len)
{
    if (u->rc != SQLITE_OK)
        return;
    if (len == 0)
        u->rc = sqlite3_bind_zeroblob(u->st, ++u->at, 0); /* a NULL pointer would bind NULL */
    else
        u->rc = sqlite3_bind_blob64(u->st, ++u->at, bytes, len, SQLITE_STATIC);
}

void stmt_text(struct stmt_use *u, const char *text)
{
    if (u->rc == SQLITE_OK)
        u->rc = sqlite3_bind_text(u->st, ++u->at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

void stmt_name(struct stmt_use *u, const struct name *n)
{
    stmt_blob(u, n->b, n->len);
}

static size_t addr_octets(uint8_t family)
{
    switch (family) {
    case ADDR_V4:
        return 4;
    case ADDR_V6:
        return 16;
    case ADDR_LOCAL:
        return 1;
    default:
        return 0;
    }
}

void stmt_addr(struct stmt_use *u, const struct addr *a)
{
    stmt_blob(u, a->b, addr_octets(a->family)); /* the octet of a local address is 0 */
}

void stmt_nets(struct stmt_use *u, const struct net *nets, size_t n)
{
    struct text t;
    char one[NET_TEXT_MAX];

    if (u->rc != SQLITE_OK)
        return;
    text_init(&t, NETS_TEXT_MAX);
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s", i > 0 ? " " : "", net_format(&nets[i], one));
    if (t.err != ERR_OK)
        u->rc = t.err == ERR_MEMORY ? SQLITE_NOMEM : SQLITE_TOOBIG;
    else
        u->rc = sqlite3_bind_text64(u->st, ++u->at, t.bytes, t.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    text_fini(&t);
}

enum err stmt_run(struct stmt_use *u)
{
    int rc;

    if (u->rc == SQLITE_OK) {
        rc = sqlite3_step(u->st);
        u->rc = rc == SQLITE_DONE ? SQLITE_OK : rc == SQLITE_ROW ? SQLITE_MISUSE : rc;
    }
    (void)sqlite3_reset(u->st); /* says again what the step said */
    (void)sqlite3_clear_bindings(u->st);
    return sqlite_err(u->rc);
}

enum err stmt_run_one(struct stmt_use *u)
{
    enum err e = stmt_run(u);

    if (e == ERR_OK && sqlite3_changes64(sqlite3_db_handle(u->st)) != 1)
        return ERR_CORRUPT;
    return e;
}

bool row_next(struct row *r)
{
    int rc;

    r->at = 0;
    if (r->err != ERR_OK)
        return false;
    rc = sqlite3_step(r->st);
    if (rc != SQLITE_ROW)
        r->err = sqlite_err(rc);
    return rc == SQLITE_ROW;
}

/* A packed column that is not what is asked for. */
static void has_no_such_cell(struct row *r)
{
    if (r->err == ERR_OK)
        r->err = ERR_CORRUPT;
}

int64_t row_int(struct row *r)
{
    int64_t v = 0;

    if (r->st == NULL) {
        if (!cell_take_int(&r->cells, &v))
            has_no_such_cell(r);
        return v;
    }
    return sqlite3_column_int64(r->st, r->at++);
}

int64_t row_int_to(struct row *r, int64_t max)
{
    int64_t v = row_int(r);

    if (v >= 0 && v <= max)
        return v;
    r->err = ERR_CORRUPT;
    return 0;
}

uint32_t row_u32(struct row *r)
{
    return (uint32_t)row_int_to(r, UINT32_MAX);
}

bool row_bool(struct row *r)
{
    return row_int_to(r, 1) != 0;
}

static const uint8_t *packed_bytes(struct row *r, enum cell_type type, size_t *len)
{
    const uint8_t *bytes = NULL;

    *len = 0;
    if (!cell_take_bytes(&r->cells, type, &bytes, len))
        has_no_such_cell(r);
    return bytes;
}

const uint8_t *row_blob(struct row *r, size_t *len)
{
    const void *bytes;

    if (r->st == NULL)
        return packed_bytes(r, CELL_BLOB, len);
    bytes = sqlite3_column_blob(r->st, r->at);
    *len = (size_t)sqlite3_column_bytes(r->st, r->at++); /* in this order, as the manual demands */
    if (bytes == NULL && *len > 0) {
        r->err = ERR_MEMORY;
        *len = 0;
    }
    return bytes;
}

static const char *stepped_text(struct row *r, size_t *len)
{
    const char *text = (const char *)sqlite3_column_text(r->st, r->at);

    *len = (size_t)sqlite3_column_bytes(r->st, r->at++);
    if (text == NULL)
        r->err = ERR_MEMORY; /* columns are NOT NULL */
    return text;
}

const char *row_text(struct row *r)
{
    size_t len;
    const char *text = r->st != NULL ? stepped_text(r, &len) : (const char *)packed_bytes(r, CELL_TEXT, &len);

    if (text == NULL)
        return "";
    if (strlen(text) != len)
        r->err = ERR_CORRUPT;
    return text;
}

/* Labels that fill exactly len octets, up to and with the root label (RFC 1035 section 3.1). */
static bool is_wire_name(const uint8_t *wire, size_t len)
{
    size_t at = 0;

    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    while (at < len && wire[at] != 0) {
        if (wire[at] > NAME_LABEL_MAX)
            return false;
        at += 1U + wire[at];
    }
    return at + 1 == len;
}

void row_name(struct row *r, struct name *out)
{
    size_t len;
    const uint8_t *wire = row_blob(r, &len);

    if (wire != NULL && is_wire_name(wire, len)) {
        name_set(out, wire, len);
        return;
    }
    *out = (struct name){.len = 0};
    if (r->err == ERR_OK)
        r->err = ERR_CORRUPT;
}

void row_addr(struct row *r, struct addr *out)
{
    static const uint8_t families[] = {ADDR_NONE, ADDR_LOCAL, ADDR_V4, ADDR_V6};
    size_t len;
    const uint8_t *bytes = row_blob(r, &len);

    *out = (struct addr){.family = ADDR_NONE};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (addr_octets(families[i]) != len)
            continue;
        out->family = families[i];
        if (len > 0)
            memcpy(out->b, bytes, len);
        return;
    }
    r->err = ERR_CORRUPT;
}

size_t row_nets(struct row *r, struct net **nets, size_t *cap)
{
    const char *text = row_text(r);
    size_t n = 0;

    while (r->err == ERR_OK && *text != '\0') {
        size_t len = strcspn(text, " ");
        void *grown = *nets;

        r->err = array_reserve(&grown, cap, n + 1, sizeof **nets);
        *nets = grown;
        if (r->err == ERR_OK && net_parse(&(*nets)[n++], text, len) != ERR_OK)
            r->err = ERR_CORRUPT;
        text += len;
        text += *text == ' ' ? 1 : 0;
    }
    return r->err == ERR_OK ? n : 0;
}

enum err array_reserve(void **array, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap < 8 ? 8 : *cap;
    void *grown;

    if (n <= *cap)
        return ERR_OK;
    while (want < n)
        want *= 2;
    grown = reallocarray(*array, want, size);
    if (grown == NULL)
        return ERR_MEMORY;
    *array = grown;
    *cap = want;
    return ERR_OK;
}
