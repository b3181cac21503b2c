/* Reading acme-dns's database. Its columns are found by name: versions and forks have further ones, in any order.
 * The password is stored as a blob by one driver and as text by others. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "db/import_acmedns_internal.h"
#include "db/sqlite_conn.h"

#define SOURCE_ARENA_MAX ((size_t)4 << 30)

int import_text_compare(const struct import_text *a, const struct import_text *b)
{
    size_t least = a->len < b->len ? a->len : b->len;
    int order = least > 0 ? memcmp(a->text, b->text, least) : 0;

    if (order != 0 || a->len == b->len)
        return order;
    return a->len < b->len ? -1 : 1;
}

/* A column as octets, text or blob alike, copied; text NULL for SQL NULL. */
static MUST_USE enum err copy_column(struct acmedns_source *src, sqlite3_stmt *st, int column,
                                     struct import_text *out)
{
    const void *bytes;

    *out = (struct import_text){0};
    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return ERR_OK;
    bytes = sqlite3_column_type(st, column) == SQLITE_BLOB ? sqlite3_column_blob(st, column)
                                                           : (const void *)sqlite3_column_text(st, column);
    out->len = (size_t)sqlite3_column_bytes(st, column);
    if (bytes == NULL && out->len > 0)
        return ERR_MEMORY;
    out->text = arena_copy(&src->arena, bytes != NULL ? bytes : "", out->len);
    return out->text != NULL ? ERR_OK : ERR_MEMORY;
}

static MUST_USE enum err read_record(struct acmedns_source *src, sqlite3_stmt *st)
{
    struct acmedns_record *r;
    enum err e = src->n_records < ACMEDNS_ROWS_MAX ? ERR_OK : ERR_FULL;

    if (e == ERR_OK)
        e = array_reserve((void **)&src->records, &src->cap_records, src->n_records + 1, sizeof *src->records);
    if (e != ERR_OK)
        return e;
    r = &src->records[src->n_records++];
    e = copy_column(src, st, 0, &r->username);
    if (e == ERR_OK)
        e = copy_column(src, st, 1, &r->password);
    if (e == ERR_OK)
        e = copy_column(src, st, 2, &r->subdomain);
    return e == ERR_OK ? copy_column(src, st, 3, &r->allowfrom) : e;
}

static MUST_USE enum err read_value(struct acmedns_source *src, sqlite3_stmt *st)
{
    struct acmedns_value *v;
    enum err e = src->n_values < ACMEDNS_ROWS_MAX ? ERR_OK : ERR_FULL;

    if (sqlite3_column_bytes(st, 1) == 0) {
        src->n_empty++;
        return ERR_OK;
    }
    if (e == ERR_OK)
        e = array_reserve((void **)&src->values, &src->cap_values, src->n_values + 1, sizeof *src->values);
    if (e != ERR_OK)
        return e;
    v = &src->values[src->n_values];
    v->place = src->n_values++;
    e = copy_column(src, st, 0, &v->subdomain);
    return e == ERR_OK ? copy_column(src, st, 1, &v->value) : e;
}

static MUST_USE enum err read_rows(struct acmedns_source *src, sqlite3 *db, const char *sql,
                                   enum err (*read)(struct acmedns_source *src, sqlite3_stmt *st))
{
    sqlite3_stmt *st = NULL;
    enum err e = conn_prepare(db, sql, &st);

    while (e == ERR_OK) {
        int rc = sqlite3_step(st);
        if (rc != SQLITE_ROW) {
            e = sqlite_err(rc);
            break;
        }
        e = read(src, st);
    }
    (void)sqlite3_finalize(st); /* e has it */
    return e;
}

/* Whether a table has a column; names are compared as SQL does, without regard to case. */
static MUST_USE enum err has_column(sqlite3 *db, const char *table, const char *column, bool *has)
{
    sqlite3_stmt *st = NULL;
    enum err e = conn_prepare(db, "SELECT count(*) FROM pragma_table_info(?) WHERE name = ? COLLATE NOCASE", &st);

    *has = false;
    if (e == ERR_OK) {
        struct stmt_use u = stmt_begin(st);
        int rc;
        stmt_text(&u, table);
        stmt_text(&u, column);
        rc = u.rc == SQLITE_OK ? sqlite3_step(st) : u.rc;
        *has = rc == SQLITE_ROW && sqlite3_column_int(st, 0) > 0;
        e = sqlite_err(rc);
    }
    (void)sqlite3_finalize(st);
    return e;
}

static MUST_USE enum err find_columns(sqlite3 *db, struct text *why)
{
    static const char *const needed[] = {"Username", "Password", "Subdomain", "AllowFrom"};
    bool has;

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        enum err e = has_column(db, "records", needed[i], &has);
        if (e != ERR_OK)
            return e;
        if (!has) {
            text_printf(why, "it has no table records with a column %s, so it is no database of acme-dns",
                        needed[i]);
            return ERR_CORRUPT;
        }
    }
    return ERR_OK;
}

/* The oldest first: forks have InsertDate in the place of LastUpdate. A file of version 0.1 has no such table yet.
 */
static MUST_USE enum err read_values(struct acmedns_source *src, sqlite3 *db)
{
    static const struct {
        const char *column, *sql;
    } variants[] = {
        {"LastUpdate", "SELECT Subdomain, Value FROM txt ORDER BY LastUpdate, rowid"},
        {"InsertDate", "SELECT Subdomain, Value FROM txt ORDER BY InsertDate, rowid"},
        {"Value", "SELECT Subdomain, Value FROM txt ORDER BY rowid"},
    };

    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        bool has;
        enum err e = has_column(db, "txt", variants[i].column, &has);
        if (e != ERR_OK)
            return e;
        if (has)
            return read_rows(src, db, variants[i].sql, read_value);
    }
    return ERR_OK;
}

static int compare_values(const void *a, const void *b)
{
    const struct acmedns_value *x = a;
    const struct acmedns_value *y = b;
    int order = import_text_compare(&x->subdomain, &y->subdomain);

    if (order != 0)
        return order;
    return x->place < y->place ? -1 : 1;
}

/* In one transaction, so that accounts and values are of the same moment. */
static MUST_USE enum err read_all(struct acmedns_source *src, sqlite3 *db, struct text *why)
{
    enum err e = conn_exec(db, "BEGIN");

    if (e == ERR_OK)
        e = find_columns(db, why);
    if (e == ERR_OK)
        e = read_rows(src, db, "SELECT Username, Password, Subdomain, AllowFrom FROM records ORDER BY rowid",
                      read_record);
    if (e == ERR_OK)
        e = read_values(src, db);
    if (e == ERR_FULL)
        text_printf(why, "it has more than %d rows", ACMEDNS_ROWS_MAX);
    else if (e != ERR_OK && why->len == 0)
        text_put(why, e == ERR_MEMORY ? err_text(e) : sqlite3_errmsg(db));
    if (e == ERR_OK && src->n_values > 0)
        qsort(src->values, src->n_values, sizeof *src->values, compare_values);
    return e;
}

enum err acmedns_source_open(struct acmedns_source **out, const char *path, const char *shown, struct text *why)
{
    struct acmedns_source *src = calloc(1, sizeof *src);
    char resolved[PATH_MAX];
    struct text reason;
    sqlite3 *db = NULL;
    int rc = SQLITE_OK;
    enum err e = src != NULL ? ERR_OK : ERR_MEMORY;

    *out = NULL;
    text_init(&reason, IMPORT_NOTES_MAX);
    if (e == ERR_OK) {
        arena_init(&src->arena, SOURCE_ARENA_MAX);
        e = realpath(path, resolved) != NULL ? ERR_OK : ERR_IO;
    }
    if (e == ERR_OK)
        e = conn_open(&db, resolved, CONN_READ, &rc);
    if (e == ERR_OK)
        e = read_all(src, db, &reason);
    else
        text_printf(&reason, "%s",
                    e == ERR_IO && rc == SQLITE_OK ? "there is no such file, or it cannot be reached"
                                                   : sqlite3_errstr(rc));
    conn_close(&db);
    if (e == ERR_OK)
        *out = src;
    else {
        text_printf(why, "cannot read %s: %s", shown, reason.bytes);
        acmedns_source_free(src);
    }
    text_fini(&reason);
    return e;
}

void acmedns_source_free(struct acmedns_source *src)
{
    if (src == NULL)
        return;
    arena_fini(&src->arena);
    free(src->records);
    free(src->values);
    free(src);
}
