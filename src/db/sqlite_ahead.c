/* One thread fills batches, the other empties them, in turn around a ring. What the reading keeps (struct reader)
 * is the caller's before the thread starts and after it has been joined, and the thread's in between. */
#include "db/sqlite_ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES      16
#define BATCHES_TURN 8                  /* who waits is woken for so many: for each, both threads end on one core */
#define BATCH_OCTETS ((size_t)64 << 10) /* full, from here on */

/* What stands before each row in a batch. */
struct head {
    uint32_t len; /* of the cells behind it */
    uint32_t query;
};

/* ---- reading: one query after the other ---- */

/* The rows of one statement, each packed while SQLite steps to it. */
struct source {
    sqlite3_stmt *st;
    int64_t id;
    struct cells cells; /* of the row at hand */
};

/* The rows of a list, of which one waits for the row that it belongs to. */
struct list {
    struct source source;
    bool waits;
};

struct reader {
    sqlite3 *db;
    ahead_query_at *query_at;
    size_t query;
    bool is_open; /* the query's statements are there */
    struct source rows;
    struct list lists[AHEAD_LISTS];
    struct cells *packed; /* where the statement that is stepped puts its columns */
    enum err packing;     /* why it cannot */
    bool ended;           /* also by err */
    enum err err;
    char said[AHEAD_SAID_MAX];
};

static MUST_USE enum err pack_column(struct cells *out, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    enum cell_type as = type == SQLITE_TEXT ? CELL_TEXT : CELL_BLOB;
    const void *bytes;
    size_t len;

    if (type == SQLITE_INTEGER)
        return cells_put_int(out, sqlite3_value_int64(v));
    if (type != SQLITE_TEXT && type != SQLITE_BLOB)
        return ERR_CORRUPT;
    bytes = sqlite3_value_blob(v); /* of a text too: no NUL is asked for */
    len = (size_t)sqlite3_value_bytes(v);
    return bytes != NULL || len == 0 ? cells_put_bytes(out, as, bytes, len) : ERR_MEMORY;
}

/* The SQL function that packs a row's columns. They come to it all at once and without SQLite's checks of each call
 * from outside, which cost more than the rest of the packing. */
static void pack_columns(sqlite3_context *context, int n, sqlite3_value **columns)
{
    struct reader *r = sqlite3_user_data(context);

    r->packed->len = 0;
    r->packing = ERR_OK;
    for (int i = 0; r->packing == ERR_OK && i < n; i++)
        r->packing = pack_column(r->packed, columns[i]);
    if (r->packing != ERR_OK)
        sqlite3_result_error(context, err_text(r->packing), -1);
}

/* Step to the next row and pack it. */
static enum err source_step(struct reader *r, struct source *s, bool *has_row)
{
    int rc;

    r->packed = &s->cells;
    r->packing = ERR_OK;
    rc = sqlite3_step(s->st);
    *has_row = rc == SQLITE_ROW;
    if (*has_row)
        s->id = sqlite3_column_int64(s->st, 0);
    return r->packing != ERR_OK ? r->packing : sqlite_err(rc);
}

static enum err list_step(struct reader *r, struct list *l)
{
    return source_step(r, &l->source, &l->waits);
}

/* Put how many rows of the list belong to the row at hand, and these, behind it. */
static enum err put_list(struct reader *r, struct list *l, size_t begin, struct cells *out)
{
    size_t at = out->len;
    int64_t n = 0;
    enum err e = cells_put_int(out, 0);

    if (e == ERR_OK && l->waits && l->source.id < r->rows.id)
        return ERR_CORRUPT; /* of nobody */
    while (e == ERR_OK && l->waits && l->source.id == r->rows.id) {
        n++;
        e = cells_put_cells(out, &l->source.cells);
        if (e == ERR_OK && out->len - begin > AHEAD_ROW_MAX)
            e = ERR_MEMORY;
        if (e == ERR_OK)
            e = list_step(r, l);
    }
    if (e == ERR_OK)
        cells_set_int(out, at, n);
    return e;
}

/* Put the row at hand with its lists, or nothing. */
static enum err put_row(struct reader *r, struct cells *out)
{
    struct head head = {.query = (uint32_t)r->query};
    size_t begin = out->len;
    enum err e = cells_reserve(out, sizeof head);

    if (e != ERR_OK)
        return e;
    out->len += sizeof head;
    e = cells_put_cells(out, &r->rows.cells);
    for (size_t i = 0; e == ERR_OK && i < AHEAD_LISTS && r->lists[i].source.st != NULL; i++)
        e = put_list(r, &r->lists[i], begin, out);
    if (e != ERR_OK) {
        out->len = begin;
        return e;
    }
    head.len = (uint32_t)(out->len - begin - sizeof head);
    memcpy(out->bytes + begin, &head, sizeof head);
    return ERR_OK;
}

static void source_close(struct source *s)
{
    (void)sqlite3_finalize(s->st); /* says again what a step has said */
    cells_fini(&s->cells);
    *s = (struct source){0};
}

static void query_close(struct reader *r)
{
    source_close(&r->rows);
    for (size_t i = 0; i < AHEAD_LISTS; i++) {
        source_close(&r->lists[i].source);
        r->lists[i] = (struct list){0};
    }
    r->is_open = false;
}

static enum err query_open(struct reader *r, const struct ahead_query *q)
{
    enum err e = conn_prepare(r->db, q->sql, &r->rows.st);

    for (size_t i = 0; e == ERR_OK && i < AHEAD_LISTS && q->lists[i] != NULL; i++) {
        e = conn_prepare(r->db, q->lists[i], &r->lists[i].source.st);
        if (e == ERR_OK)
            e = list_step(r, &r->lists[i]);
    }
    r->is_open = true;
    return e;
}

/* The query is through. */
static enum err query_end(struct reader *r)
{
    for (size_t i = 0; i < AHEAD_LISTS; i++)
        if (r->lists[i].waits)
            return ERR_CORRUPT; /* left over: of nobody */
    query_close(r);
    r->query++;
    return ERR_OK;
}

/* One step on: a query is opened, or a row is packed, or a query ends. */
static enum err reader_step(struct reader *r, struct cells *out)
{
    const struct ahead_query *q = r->query_at(r->query);
    bool has_row;
    enum err e;

    if (q == NULL) {
        r->ended = true;
        return ERR_OK;
    }
    if (!r->is_open)
        return query_open(r, q);
    e = source_step(r, &r->rows, &has_row);
    if (e != ERR_OK)
        return e;
    return has_row ? put_row(r, out) : query_end(r);
}

/* Fill a batch. What it has been is forgotten, and what it has grown to for one large row is given back. */
static void reader_fill(struct reader *r, struct cells *out)
{
    if (out->cap > 2 * BATCH_OCTETS)
        cells_fini(out);
    out->len = 0;
    if (out->cap == 0)
        r->err = cells_reserve(out, 2 * BATCH_OCTETS);
    while (r->err == ERR_OK && !r->ended && out->len < BATCH_OCTETS) {
        r->err = reader_step(r, out);
        if (r->err != ERR_OK)
            (void)snprintf(r->said, sizeof r->said, "%s", sqlite3_errmsg(r->db)); /* now: it is of the last call */
    }
    r->ended = r->ended || r->err != ERR_OK;
}

/* NULL: there is to be none. */
static enum err set_packer(struct reader *r, void (*pack)(sqlite3_context *, int, sqlite3_value **))
{
    /* A schema may not call it. */
    return sqlite_err(sqlite3_create_function_v2(r->db, AHEAD_PACK, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                                 pack != NULL ? r : NULL, pack, NULL, NULL, NULL));
}

/* ---- the ring ---- */

struct ahead {
    struct reader reader;
    struct cells batches[BATCHES];
    size_t at;             /* the batch that the caller empties */
    struct cell_walk rest; /* of it */
    bool has_read;         /* there was a first batch */
    bool has_thread;
    bool has_no_thread; /* none could be made */
    bool holds;         /* one of the thread's batches */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t emptied, filled;
    /* Guarded by lock. */
    size_t n_full; /* batches from `at` on that are filled and not given back */
    bool is_over;  /* the thread fills no more */
    bool is_asked_to_stop;
};

enum err ahead_new(struct ahead **out, sqlite3 *db, ahead_query_at *query_at)
{
    struct ahead *a = calloc(1, sizeof *a);
    enum err e = ERR_MEMORY;

    *out = NULL;
    if (a == NULL)
        return e;
    a->reader = (struct reader){.db = db, .query_at = query_at};
    e = set_packer(&a->reader, pack_columns);
    if (e != ERR_OK)
        goto no_packer;
    e = ERR_MEMORY;
    if (pthread_mutex_init(&a->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&a->emptied, NULL) != 0)
        goto no_emptied;
    if (pthread_cond_init(&a->filled, NULL) != 0)
        goto no_filled;
    *out = a;
    return ERR_OK;

no_filled:
    (void)pthread_cond_destroy(&a->emptied);
no_emptied:
    (void)pthread_mutex_destroy(&a->lock);
no_lock:
    (void)set_packer(&a->reader, NULL);
no_packer:
    free(a);
    return e;
}

static void *run_reader(void *arg)
{
    struct ahead *a = arg;
    size_t i = a->at;

    (void)pthread_mutex_lock(&a->lock);
    while (!a->is_over) {
        if (a->n_full == BATCHES)
            while (a->n_full > BATCHES - BATCHES_TURN && !a->is_asked_to_stop)
                (void)pthread_cond_wait(&a->emptied, &a->lock);
        if (a->is_asked_to_stop)
            break;
        (void)pthread_mutex_unlock(&a->lock);
        reader_fill(&a->reader, &a->batches[i]);
        (void)pthread_mutex_lock(&a->lock);
        a->n_full += a->batches[i].len > 0;
        i = (i + 1) % BATCHES;
        a->is_over = a->reader.ended;
        if (a->n_full == BATCHES_TURN || a->is_over)
            (void)pthread_cond_signal(&a->filled);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Give back the batch that has been emptied, and wait for the next one. False: there is none. */
static bool take_batch(struct ahead *a)
{
    (void)pthread_mutex_lock(&a->lock);
    if (a->holds) {
        a->n_full--;
        a->at = (a->at + 1) % BATCHES;
        if (a->n_full == BATCHES - BATCHES_TURN)
            (void)pthread_cond_signal(&a->emptied);
    }
    if (a->n_full == 0)
        while (a->n_full < BATCHES_TURN && !a->is_over)
            (void)pthread_cond_wait(&a->filled, &a->lock);
    a->holds = a->n_full > 0;
    (void)pthread_mutex_unlock(&a->lock);
    return a->holds;
}

/* Without a thread. */
static bool fill_batch(struct ahead *a)
{
    if (a->reader.ended)
        return false;
    reader_fill(&a->reader, &a->batches[a->at]);
    return a->batches[a->at].len > 0;
}

static bool next_batch(struct ahead *a)
{
    if (a->has_read && !a->has_thread && !a->has_no_thread && !a->reader.ended) {
        a->has_thread = pthread_create(&a->thread, NULL, run_reader, a) == 0;
        a->has_no_thread = !a->has_thread;
    }
    a->has_read = true;
    return a->has_thread ? take_batch(a) : fill_batch(a);
}

bool ahead_next(struct ahead *a, struct row *r, size_t *query)
{
    struct head head;

    if (a->rest.at == a->rest.end) {
        if (!next_batch(a)) {
            a->rest = (struct cell_walk){0};
            r->err = a->reader.err;
            *query = a->reader.query;
            return false;
        }
        a->rest.at = a->batches[a->at].bytes;
        a->rest.end = a->rest.at + a->batches[a->at].len;
    }
    memcpy(&head, a->rest.at, sizeof head);
    a->rest.at += sizeof head;
    r->cells = (struct cell_walk){.at = a->rest.at, .end = a->rest.at + head.len};
    a->rest.at += head.len;
    *query = head.query;
    return true;
}

const char *ahead_said(const struct ahead *a)
{
    return a->reader.said;
}

void ahead_free(struct ahead **ahead)
{
    struct ahead *a = *ahead;

    *ahead = NULL;
    if (a == NULL)
        return;
    if (a->has_thread) {
        (void)pthread_mutex_lock(&a->lock);
        a->is_asked_to_stop = true;
        (void)pthread_cond_signal(&a->emptied);
        (void)pthread_mutex_unlock(&a->lock);
        (void)pthread_join(a->thread, NULL);
    }
    query_close(&a->reader);
    (void)set_packer(&a->reader, NULL);
    for (size_t i = 0; i < BATCHES; i++)
        cells_fini(&a->batches[i]);
    (void)pthread_cond_destroy(&a->filled);
    (void)pthread_cond_destroy(&a->emptied);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}
