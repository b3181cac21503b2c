/* The order of a restore: copy, verify, load, compare, decide, write, verify again, swap. */
#include "db/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "core/import.h"
#include "db/sqlite_restore.h"

#define ENTRY_EFFECTS 4000 /* enough for any number of rows to become few entries */
#define REPORT_OCTETS ((size_t)64 << 10)

struct restoring {
    const struct restore_options *o;
    struct restore_report *report;
    struct text *why;
    char path[STORE_PATH_MAX];   /* of the store */
    char made[RESTORE_PATH_MAX]; /* the new file beside it */
    char kept[RESTORE_PATH_MAX]; /* the name of the present store afterwards */
    int lock_fd;
    struct store *store;           /* made */
    struct state *state, *present; /* present NULL: there is none that can be read */
    size_t findings;
    struct entry **entries;
    size_t n_entries, cap_entries;
    uint64_t after; /* the entries follow this position */
    struct decide d;
};

static bool is_for_good(const struct restoring *r)
{
    return r->o->mode != RESTORE_LOOK;
}

/* ---- where ---- */

static MUST_USE enum err name_files(struct restoring *r)
{
    time_t now = (time_t)clock_real_s(r->o->clock);
    char stamp[32] = "";
    struct tm tm;
    enum err e = store_path_resolve(r->path, r->o->store_path, r->why);

    if (e != ERR_OK)
        return e;
    if (gmtime_r(&now, &tm) != NULL)
        (void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    (void)snprintf(r->kept, sizeof r->kept, "%s.before-restore-%s", r->path, stamp);
    if (is_for_good(r)) /* under the lock: always the same, so that what a killed one left does not pile up */
        (void)snprintf(r->made, sizeof r->made, "%s.restoring", r->path);
    else
        (void)snprintf(r->made, sizeof r->made, "%s.looking-%ld", r->path, (long)getpid());
    return ERR_OK;
}

static MUST_USE enum err see_that_it_is_another_file(const struct restoring *r)
{
    struct stat store, backup;

    if (lstat(r->path, &store) != 0 || fstat(r->o->backup_fd, &backup) != 0 || store.st_dev != backup.st_dev ||
        store.st_ino != backup.st_ino)
        return ERR_OK;
    text_printf(r->why, "%s is the store itself; name a backup", r->o->backup_path);
    return ERR_RANGE;
}

/* ---- the backup ---- */

static MUST_USE enum err verify(struct restoring *r, const char *what)
{
    struct text report;
    enum err e;

    text_init(&report, REPORT_OCTETS);
    e = sqlite_check_db(((struct sqlite_store *)r->store)->db, &report);
    if (e != ERR_OK)
        text_printf(r->why, "%s is not sound, so nothing was restored:\n%s", what, report.bytes);
    text_fini(&report);
    return e;
}

/* Whether it is a store at all, said by its own name; one of an older version is brought up to date when the copy
 * is opened. */
static MUST_USE enum err look_at_copy(const struct restoring *r)
{
    int64_t version = 0;
    sqlite3 *db;
    int rc;
    enum err e = conn_open(&db, r->made, CONN_READ, &rc);

    if (e == ERR_OK)
        e = schema_look(db, r->o->backup_path, &store_migrations, &version, r->why);
    else
        text_printf(r->why, "cannot open the copy of %s: %s", r->o->backup_path, sqlite3_errstr(rc));
    if (e == ERR_OK && version == 0) {
        text_printf(r->why, "%s is empty; name a backup", r->o->backup_path);
        e = ERR_CORRUPT;
    }
    conn_close(&db);
    return e;
}

/* Positions that its tables wait with have no meaning behind the new beginning. */
static MUST_USE enum err fold_all(const struct restoring *r)
{
    enum err e = ERR_OK;

    while (e == ERR_OK && r->store->ops->unfolded(r->store) > 0)
        e = r->store->ops->fold(r->store, r->state);
    if (e != ERR_OK)
        text_printf(r->why, "%s could not be written: %s", r->made, err_text(e));
    return e == ERR_UNKNOWN ? ERR_IO : e;
}

static MUST_USE enum err take_backup(struct restoring *r)
{
    enum err e = restore_copy(r->o->backup_fd, r->o->backup_path, r->made, r->why);

    if (e == ERR_OK)
        e = look_at_copy(r);
    if (e != ERR_OK)
        return e;
    e = store_open_sqlite(&r->store, r->made, STORE_SERVE, r->why);
    if (e != ERR_OK) { /* it speaks of the copy */
        text_printf(r->why, " (this is the copy of %s)", r->o->backup_path);
        return e;
    }
    e = verify(r, r->o->backup_path);
    if (e == ERR_OK)
        e = state_new(&r->state, NULL);
    if (e == ERR_OK)
        e = r->store->ops->load(r->store, r->state, &(struct store_progress){0}, r->why);
    if (e == ERR_OK)
        e = fold_all(r);
    if (e != ERR_OK)
        return e;
    r->report->backup_seq = state_seq(r->state);
    r->report->backup_s = state_time_s(r->state);
    return ERR_OK;
}

/* ---- the present store ---- */

static MUST_USE enum err read_present(struct restoring *r)
{
    struct restore_report *rep = r->report;
    struct store *st = NULL;
    struct stat sb;
    enum err e;

    rep->present = RESTORE_PRESENT_MISSING;
    if (lstat(r->path, &sb) != 0 && errno == ENOENT)
        return ERR_OK;
    e = store_open_sqlite(&st, r->path, STORE_READ, &rep->present_why);
    if (e == ERR_OK)
        e = state_new(&r->present, NULL);
    if (e == ERR_OK)
        e = st->ops->load(st, r->present, &(struct store_progress){0}, &rep->present_why);
    if (st != NULL)
        st->ops->close(st);
    if (e == ERR_OK) {
        rep->present = RESTORE_PRESENT_READ;
        rep->present_seq = state_seq(r->present);
        rep->present_s = state_time_s(r->present);
        return ERR_OK;
    }
    state_free(r->present);
    r->present = NULL;
    rep->present = RESTORE_PRESENT_UNREADABLE;
    if (e != ERR_MEMORY && e != ERR_CRYPTO)
        return ERR_OK;
    text_put(r->why, err_text(e)); /* another try may read it, so it is not given up for lost */
    return e;
}

static void count_finding(void *arg, const struct restore_finding *f)
{
    struct restoring *r = arg;

    r->findings++;
    r->o->visit(r->o->visit_arg, f);
}

/* ---- what becomes of it ---- */

static MUST_USE enum err open_entry(struct restoring *r)
{
    enum err err = array_reserve((void **)&r->entries, &r->cap_entries, r->n_entries + 1, sizeof(struct entry *));
    struct entry *e = err == ERR_OK ? calloc(1, sizeof *e) : NULL;

    if (e == NULL)
        return ERR_MEMORY;
    entry_init(e);
    r->entries[r->n_entries++] = e;
    r->d.seq = r->after + r->n_entries;
    import_entry_begin(e, &r->d);
    e->time_s = r->d.journal_s;
    return ERR_OK;
}

static void begin(struct restoring *r)
{
    const struct restore_report *rep = r->report;
    int64_t journal_s = clock_real_s(r->o->clock);

    r->after = rep->backup_seq > rep->present_seq ? rep->backup_seq : rep->present_seq;
    if (journal_s < rep->backup_s)
        journal_s = rep->backup_s;
    if (journal_s < rep->present_s)
        journal_s = rep->present_s;
    r->d = (struct decide){.state = r->state,
                           .now_s = clock_real_s(r->o->clock),
                           .journal_s = journal_s,
                           .mono_ms = clock_mono_ms(r->o->clock),
                           .random = crypto_random};
}

static MUST_USE enum err decide_all(struct restoring *r)
{
    const struct restore_report *rep = r->report;
    const struct effect_restored mark = {
        .ended_seq = rep->backup_seq, .ended_s = rep->backup_s, .exactly = r->o->mode == RESTORE_EXACTLY};
    struct restore_keeping keeping = {.is_done = r->o->mode == RESTORE_EXACTLY || r->present == NULL};
    enum err e = open_entry(r);

    if (e == ERR_OK)
        e = restore_mark(&r->d, r->entries[0], &mark);
    if (e == ERR_OK && r->present != NULL)
        e = restore_zones(&r->d, r->present, r->entries[0]);
    while (e == ERR_OK && !keeping.is_done) {
        e = restore_keep(&keeping, &r->d, r->present, ENTRY_EFFECTS, r->entries[r->n_entries - 1]);
        if (e == ERR_OK && !keeping.is_done)
            e = open_entry(r);
    }
    if (e == ERR_OK)
        e = restore_serials(&r->d, r->present, r->entries[r->n_entries - 1]);
    if (e != ERR_OK)
        text_put(r->why, err_text(e));
    return e;
}

static MUST_USE enum err write_all(struct restoring *r)
{
    const struct store_batch b = {.entries = (const struct entry *const *)r->entries, .n = r->n_entries};
    enum err e = restore_restart(((struct sqlite_store *)r->store)->db, r->after, r->d.journal_s);

    if (e == ERR_OK)
        e = r->store->ops->apply(r->store, r->after, &b);
    if (e == ERR_OK)
        return verify(r, "the restored store");
    text_printf(r->why, "%s could not be written: %s%s; nothing was restored", r->made,
                e == ERR_FULL ? "the disk is full: " : "", err_text(e));
    return e == ERR_UNKNOWN ? ERR_IO : e;
}

static void close_made(struct restoring *r)
{
    if (r->store != NULL)
        r->store->ops->close(r->store);
    r->store = NULL;
}

static MUST_USE enum err make(struct restoring *r)
{
    struct restore_report *rep = r->report;
    struct state_counts counts;
    enum err e;

    begin(r);
    e = decide_all(r);
    if (e == ERR_OK)
        e = write_all(r);
    if (e != ERR_OK)
        return e;
    counts = state_counts(r->state);
    rep->names = counts.names;
    rep->credentials = counts.credentials;
    rep->next_seq = r->after + 1;
    rep->unreadable_keys = restore_unreadable_keys(r->state, r->o->seal);
    close_made(r);
    e = restore_swap(r->made, r->path, r->kept, r->why);
    rep->restored = e == ERR_OK || e == ERR_UNKNOWN;
    if (rep->restored && rep->present != RESTORE_PRESENT_MISSING)
        text_put(&rep->kept, r->kept);
    return e;
}

/* ---- all ---- */

static MUST_USE enum err look(struct restoring *r)
{
    enum err e = take_backup(r);

    if (e == ERR_OK)
        e = read_present(r);
    if (e == ERR_OK && r->present != NULL)
        restore_compare(r->present, r->state, count_finding, r);
    r->report->next_seq =
        (r->report->backup_seq > r->report->present_seq ? r->report->backup_seq : r->report->present_seq) + 1;
    r->report->needs_choice = r->o->mode == RESTORE_ASK && r->findings > 0;
    return e;
}

static void fini(struct restoring *r)
{
    close_made(r);
    if (r->made[0] != '\0')
        restore_unlink(r->made);
    for (size_t i = 0; i < r->n_entries; i++) {
        entry_fini(r->entries[i]);
        free(r->entries[i]);
    }
    free(r->entries);
    state_free(r->state);
    state_free(r->present);
    store_lock_release(&r->lock_fd);
}

enum err store_restore(const struct restore_options *o, struct restore_report *out, struct text *why)
{
    struct restoring r = {.o = o, .report = out, .why = why, .lock_fd = -1};
    enum err e = name_files(&r);

    if (e == ERR_OK && is_for_good(&r))
        e = store_lock_acquire(&r.lock_fd, r.path, why);
    if (e != ERR_OK)
        r.made[0] = '\0'; /* another one may be at work on it */
    if (e == ERR_OK)
        e = see_that_it_is_another_file(&r);
    if (e == ERR_OK)
        e = look(&r);
    if (e == ERR_OK && (o->mode == RESTORE_KEEP || o->mode == RESTORE_ASK) &&
        out->present == RESTORE_PRESENT_UNREADABLE) {
        text_printf(why, "what was revoked cannot be kept, because the present store cannot be read: %s",
                    out->present_why.bytes);
        e = ERR_STALE;
    }
    if (e == ERR_OK && is_for_good(&r) && !out->needs_choice)
        e = make(&r);
    if (e != ERR_OK && why->len == 0)
        text_put(why, err_text(e));
    fini(&r);
    return e;
}
