/* The schema, as migrations from an empty file: each step is one transaction, forward only. Whoever wants back
 * restores the copy that was made before the first step.
 *
 * Tables are STRICT. Lists that belong to a row (domains, names in a scope, static records) are tables keyed by the
 * row and a place. The claims of a name, which change most, are one row, written once for many changes. Rows whose
 * ids must not be given out again stay: accounts, names, credentials and tokens with their times; secrets and
 * aliases with `ended`. Account 0 and credential 0 are the administrator, so that every reference has something to
 * refer to. References are looked at by `riposte check store`; the committer's connection does not enforce them. */
#include "db/sqlite_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define PATH_WITH_VERSION_MAX (STORE_PATH_MAX + 24)

static const char *const version_1[] = {
    "CREATE TABLE meta ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " store_id BLOB NOT NULL CHECK (length(store_id) = 16)," /* with seq: a position */
    " created_s INTEGER NOT NULL,"
    " seq INTEGER NOT NULL," /* the state tables have all of the journal up to here (sqlite_fold.c) */
    " time_s INTEGER NOT NULL,"
    " last_backup_s INTEGER NOT NULL,"
    " program TEXT NOT NULL" /* the first version of riposte that reads this schema */
    ") STRICT",
    "CREATE TABLE accounts ("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT NOT NULL, created_s INTEGER NOT NULL,"
    " deleted_s INTEGER NOT NULL, names_max INTEGER NOT NULL, disabled INTEGER NOT NULL, unclaimed INTEGER NOT NULL"
    ") STRICT",
    "CREATE UNIQUE INDEX accounts_by_name ON accounts (name) WHERE deleted_s = 0",
    "CREATE TABLE zones ("
    " id INTEGER PRIMARY KEY, removed INTEGER NOT NULL, apex BLOB NOT NULL, serial INTEGER NOT NULL,"
    " mname BLOB NOT NULL, rname BLOB NOT NULL, refresh_s INTEGER NOT NULL, retry_s INTEGER NOT NULL,"
    " expire_s INTEGER NOT NULL, minimum_s INTEGER NOT NULL, ttl_s INTEGER NOT NULL, challenge_caa INTEGER NOT "
    "NULL,"
    " value_ttl_s INTEGER NOT NULL, pinned_ttl_s INTEGER NOT NULL"
    ") STRICT",
    "CREATE UNIQUE INDEX zones_by_apex ON zones (apex) WHERE removed = 0",
    "CREATE TABLE zone_records ("
    " zone INTEGER NOT NULL REFERENCES zones, place INTEGER NOT NULL, owner BLOB NOT NULL, type INTEGER NOT NULL,"
    " ttl_s INTEGER NOT NULL, rdata BLOB NOT NULL, PRIMARY KEY (zone, place)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE names ("
    " id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, zone INTEGER NOT NULL REFERENCES zones,"
    " owner BLOB NOT NULL,"         /* wire form, case as registered */
    " folded BLOB NOT NULL UNIQUE," /* the same in lower case; tombstones (retired_s > 0) keep theirs */
    " created_s INTEGER NOT NULL, retired_s INTEGER NOT NULL, subtree INTEGER NOT NULL"
    ") STRICT",
    "CREATE TABLE name_domains ("
    " name INTEGER NOT NULL REFERENCES names, place INTEGER NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (name, "
    "place)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE credentials ("
    " id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),"
    " account INTEGER NOT NULL REFERENCES accounts, label TEXT NOT NULL, actions INTEGER NOT NULL,"
    " kinds INTEGER NOT NULL, networks TEXT NOT NULL, allowfrom TEXT NOT NULL, networks_invalid INTEGER NOT NULL,"
    " created_s INTEGER NOT NULL, expires_s INTEGER NOT NULL, revoked_s INTEGER NOT NULL"
    ") STRICT",
    "CREATE TABLE credential_names ("
    " credential INTEGER NOT NULL REFERENCES credentials, place INTEGER NOT NULL,"
    " name INTEGER NOT NULL REFERENCES names, PRIMARY KEY (credential, place)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE secrets ("
    " id INTEGER PRIMARY KEY, credential INTEGER NOT NULL REFERENCES credentials, kind INTEGER NOT NULL,"
    " data BLOB NOT NULL," /* emptied when it ends */
    " starts_s INTEGER NOT NULL, ends_s INTEGER NOT NULL, ended INTEGER NOT NULL"
    ") STRICT",
    "CREATE TABLE grants ("
    " name INTEGER NOT NULL REFERENCES names, account INTEGER NOT NULL REFERENCES accounts, PRIMARY KEY (name, "
    "account)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE tokens ("
    " id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,"
    " sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), created_s INTEGER NOT NULL, expires_s INTEGER NOT "
    "NULL,"
    " revoked_s INTEGER NOT NULL, count_max INTEGER NOT NULL, used INTEGER NOT NULL, networks TEXT NOT NULL,"
    " labels TEXT NOT NULL"
    ") STRICT",
    "CREATE TABLE aliases ("
    " id INTEGER PRIMARY KEY, name INTEGER NOT NULL REFERENCES names, fqdn BLOB NOT NULL, served INTEGER NOT NULL,"
    " serial INTEGER NOT NULL, ended INTEGER NOT NULL"
    ") STRICT",
    "CREATE TABLE claims ("
    " name INTEGER PRIMARY KEY REFERENCES names,"
    " format INTEGER NOT NULL, held BLOB NOT NULL" /* as of a journal entry that adds all of them (sqlite_claims.c)
                                                    */
    ") STRICT",
    "CREATE TABLE journal ("
    " seq INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, account INTEGER NOT NULL REFERENCES accounts,"
    " credential INTEGER NOT NULL REFERENCES credentials, door INTEGER NOT NULL, client BLOB NOT NULL,"
    " request_id TEXT NOT NULL, format INTEGER NOT NULL, effects BLOB NOT NULL"
    ") STRICT",
    /* Not part of the state: what was seen, written now and then. */
    "CREATE TABLE observations ("
    " credential INTEGER PRIMARY KEY REFERENCES credentials, last_used_s INTEGER NOT NULL, last_from BLOB NOT NULL,"
    " door INTEGER NOT NULL"
    ") STRICT",
    "INSERT INTO accounts VALUES (0, 'administrator', '', 0, 0, 0, 0, 0)",
    "INSERT INTO credentials VALUES (0, zeroblob(16), 0, 'administrator', 31, 3, '', '', 0, 0, 0, 0)",
    "INSERT INTO meta VALUES (1, randomblob(16), unixepoch(), 0, 0, 0, '')",
};

static const struct migration steps[] = {
    {.sql = version_1, .n = ARRAY_LEN(version_1), .since = "0.1.0"},
};

const struct migrations store_migrations = {.steps = steps, .n = ARRAY_LEN(steps)};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* path.vN: the copy that is kept before a migration from version N. */
static void copy_path(char out[PATH_WITH_VERSION_MAX], const char *path, int64_t version)
{
    (void)snprintf(out, PATH_WITH_VERSION_MAX, "%s.v%" PRId64, path, version);
}

/* "riposte.db has version 5, this program knows up to 4. Use 1.1.0 or later, or go back with: …" */
static enum err say_too_new(sqlite3 *db, const char *path, int64_t version, int64_t known, struct text *why)
{
    char copy[PATH_WITH_VERSION_MAX];
    sqlite3_stmt *st = NULL;
    const unsigned char *program = NULL;

    text_printf(why, "%s has version %" PRId64 ", this program knows up to %" PRId64 ". Use ", base_name(path),
                version, known);
    if (sqlite3_prepare_v2(db, "SELECT program FROM meta", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        program = sqlite3_column_text(st, 0);
    text_put(why, program != NULL && program[0] != '\0' ? (const char *)program : "the program that wrote it");
    (void)sqlite3_finalize(st); /* without the name of that program the sentence is still right */
    text_put(why, " or later");
    copy_path(copy, path, known);
    if (access(copy, F_OK) == 0)
        text_printf(why, ", or go back with: riposte restore --exactly %s", base_name(copy));
    return ERR_VERSION;
}

enum err schema_look(sqlite3 *db, const char *path, const struct migrations *m, int64_t *version, struct text *why)
{
    int64_t application = 0;
    int64_t objects = 0;
    enum err e = conn_number(db, "PRAGMA user_version", 0, version);

    if (e == ERR_OK)
        e = conn_number(db, "PRAGMA application_id", 0, &application);
    if (e == ERR_OK)
        e = conn_number(db, "SELECT count(*) FROM sqlite_schema", 0, &objects);
    if (e != ERR_OK) {
        text_printf(why, "cannot read %s: %s", path, sqlite3_errmsg(db));
        if (e == ERR_CORRUPT)
            text_put(why, ". It is damaged or not a store of riposte; restore a backup, or name another file");
        return e;
    }
    if (application == 0 && objects == 0 && *version == 0)
        return ERR_OK; /* new */
    if (application != STORE_APPLICATION_ID || *version < 1) {
        text_printf(why, "%s is a database, but not a store of riposte; name another file", path);
        return ERR_CORRUPT;
    }
    if (*version > (int64_t)m->n)
        return say_too_new(db, path, *version, (int64_t)m->n, why);
    return ERR_OK;
}

static enum err set_number(sqlite3 *db, const char *pragma, int64_t v)
{
    char sql[64];

    (void)snprintf(sql, sizeof sql, "PRAGMA %s=%" PRId64, pragma, v); /* a pragma takes no bound values */
    return conn_exec(db, sql);
}

static enum err set_program(sqlite3 *db, const char *program)
{
    sqlite3_stmt *st;
    enum err e = conn_prepare(db, "UPDATE meta SET program = ?", &st);

    if (e == ERR_OK) {
        struct stmt_use u = stmt_begin(st);
        stmt_text(&u, program);
        e = stmt_run_one(&u);
    }
    (void)sqlite3_finalize(st); /* stmt_run_one() has told */
    return e;
}

static enum err run_step(sqlite3 *db, const char *path, const struct migration *step, int64_t to, struct text *why)
{
    enum err e = conn_exec(db, "BEGIN IMMEDIATE");

    for (size_t i = 0; e == ERR_OK && i < step->n; i++)
        e = conn_exec(db, step->sql[i]);
    if (e == ERR_OK)
        e = set_program(db, step->since);
    if (e == ERR_OK)
        e = set_number(db, "application_id", STORE_APPLICATION_ID);
    if (e == ERR_OK)
        e = set_number(db, "user_version", to);
    if (e == ERR_OK)
        e = conn_exec(db, "COMMIT");
    if (e == ERR_OK)
        return ERR_OK;
    text_printf(why, "cannot bring %s to store version %" PRId64 ": %s", path, to, sqlite3_errmsg(db));
    if (sqlite3_get_autocommit(db) == 0 && conn_exec(db, "ROLLBACK") != ERR_OK)
        return e; /* the first error says it; closing the connection rolls back */
    return e;
}

/* One of an earlier migration is replaced: the present file is of the same version and newer. */
static enum err keep_copy(const char *path, int64_t version, struct text *why)
{
    char copy[PATH_WITH_VERSION_MAX];

    copy_path(copy, path, version);
    return sqlite_copy_file(path, copy, COPY_REPLACE, why);
}

enum err schema_migrate(sqlite3 *db, const char *path, const struct migrations *m, int64_t version,
                        struct text *why)
{
    enum err e;

    assert(version >= 0 && version <= (int64_t)m->n);
    if (version == (int64_t)m->n)
        return ERR_OK;
    if (version > 0 && (e = keep_copy(path, version, why)) != ERR_OK)
        return e;
    for (int64_t v = version; v < (int64_t)m->n; v++) {
        e = run_step(db, path, &m->steps[v], v + 1, why);
        if (e != ERR_OK)
            return e;
    }
    if (version > 0)
        log_event(LOG_INFO, "store-migrated", log_str("path", path), log_int("from", version),
                  log_int("to", (int64_t)m->n));
    return ERR_OK;
}
