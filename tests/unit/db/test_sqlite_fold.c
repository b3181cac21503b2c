/* Claims and serials wait in the journal until there are many: nobody may see that but who looks into the tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "db/scenario.h"
#include "db/sound.h"
#include "db/sqlite_store.h"
#include "db/store_file.h"

#define WAITING_FROM 6 /* entries 6 to 8 of the scenario have claims and serials only */
#define WAITING_TO   8
#define CLAIMS_THEN  3

/* As another program sees it. */
static int64_t number(const char *path, const char *sql)
{
    sqlite3 *db;
    int64_t n;
    int rc;

    assert_int_equal(conn_open(&db, path, CONN_READ, &rc), ERR_OK);
    assert_int_equal(conn_number(db, sql, -1, &n), ERR_OK);
    conn_close(&db);
    return n;
}

static void assert_tables(const char *path, int64_t seq, int64_t claims)
{
    assert_int_equal(number(path, "SELECT seq FROM meta"), seq);
    assert_int_equal(number(path, "SELECT count(*) FROM claims"), claims);
}

/* What load() gives is the fold of the first entries. */
static void assert_loads(struct store *st, uint64_t entries)
{
    struct state *loaded = load_state(st);
    struct state *folded = NULL;
    struct text x, y;

    assert_int_equal(state_new(&folded, NULL), ERR_OK);
    for (uint64_t seq = 1; seq <= entries; seq++) {
        struct entry e;
        scenario_entry(&e, seq);
        fold_entry(folded, &e);
        entry_fini(&e);
    }
    assert_int_equal(state_seq(loaded), entries);
    assert_int_equal(state_time_s(loaded), state_time_s(folded));
    text_init(&x, 1 << 20);
    text_init(&y, 1 << 20);
    dump_state(&x, loaded, DUMP_STATE);
    dump_state(&y, folded, DUMP_STATE);
    assert_string_equal(x.bytes, y.bytes);
    text_fini(&x);
    text_fini(&y);
    state_free(loaded);
    state_free(folded);
}

static void assert_good(const char *path)
{
    struct text report;

    text_init(&report, 1 << 16);
    if (store_check_sqlite(path, &report) != ERR_OK)
        fail_msg("%s", report.bytes);
    text_fini(&report);
}

static struct store *begin(const struct fixture *f)
{
    struct store *st = open_store(f->path, STORE_SERVE);

    for (uint64_t seq = 1; seq <= WAITING_TO; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    return st;
}

static void claims_and_serials_wait_in_the_journal_and_are_loaded_from_there(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct store *reader = open_store(f->path, STORE_READ);

    assert_tables(f->path, WAITING_FROM - 1, 0);
    assert_int_equal(number(f->path, "SELECT serial FROM zones WHERE id = 1"), 101);
    assert_loads(st, WAITING_TO);
    assert_loads(reader, WAITING_TO);
    assert_good(f->path);
    reader->ops->close(reader);
    st->ops->close(st);
}

static void folding_writes_each_row_as_its_last_change_has_it(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_tables(f->path, WAITING_TO, CLAIMS_THEN);
    assert_int_equal(number(f->path, "SELECT serial FROM zones WHERE id = 1"), 103);
    assert_int_equal(number(f->path, "SELECT place >> 16 FROM claims WHERE name = 1 AND slot = 0"), 7);
    assert_loads(st, WAITING_TO);
    assert_good(f->path);
    assert_int_equal(st->ops->fold(st), ERR_OK); /* nothing is left to do */
    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    st->ops->close(st);
    assert_good(f->path);
}

static void an_entry_with_other_effects_brings_the_tables_up_to_itself(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    assert_tables(f->path, WAITING_TO + 1, CLAIMS_THEN);
    assert_good(f->path);
    st->ops->close(st);
}

static void a_batch_of_nothing_writes_and_so_folds(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    assert_int_equal(st->ops->apply(st, WAITING_TO, &(struct store_batch){0}), ERR_OK);
    assert_tables(f->path, WAITING_TO, CLAIMS_THEN);
    st->ops->close(st);
}

static void a_store_that_was_closed_has_all_of_it_in_its_tables(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    st->ops->close(st);
    assert_tables(f->path, WAITING_TO, CLAIMS_THEN);
    assert_good(f->path);
}

static void a_server_that_was_killed_goes_on_from_the_journal(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct text why;
    char copy[128];

    text_init(&why, 1000);
    temp_path(&f->dir, copy, "killed.db");
    assert_int_equal(sqlite_copy_file(f->path, copy, COPY_REFUSE, &why), ERR_OK); /* every page as it was */
    st->ops->close(st);
    assert_tables(copy, WAITING_FROM - 1, 0);
    st = open_store(copy, STORE_SERVE);
    assert_loads(st, WAITING_TO);
    for (uint64_t seq = WAITING_TO + 1; seq <= SCENARIO_LEN; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_loads(st, SCENARIO_LEN);
    st->ops->close(st);
    assert_good(copy);
    text_fini(&why);
}

static void a_backup_has_all_of_it_in_its_tables(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    uint64_t entries, names;
    struct text why;
    char copy[128];

    text_init(&why, 1000);
    temp_path(&f->dir, copy, "backup.db");
    assert_int_equal(st->ops->backup(st, copy, &entries, &names, &why), ERR_OK);
    assert_int_equal(entries, WAITING_TO);
    assert_tables(copy, WAITING_TO, CLAIMS_THEN);
    assert_tables(f->path, WAITING_FROM - 1, 0); /* which is still served */
    st->ops->close(st);
    text_fini(&why);
}

static void pruning_keeps_what_the_tables_do_not_have(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    uint64_t pruned;

    assert_int_equal(st->ops->prune(st, TIME_0 + 1000, 100, &pruned), ERR_OK);
    assert_int_equal(pruned, WAITING_TO);
    assert_loads(st, WAITING_TO);
    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    assert_loads(st, WAITING_TO + 1);
    st->ops->close(st);
    assert_good(f->path);
}

/* An entry behind those of begin(). */
static void begin_behind(struct entry *e)
{
    entry_init(e);
    e->seq = WAITING_TO + 1;
    e->time_s = TIME_0 + 300;
}

static void apply_behind(struct store *st, struct entry *e)
{
    const struct entry *list = e;

    assert_int_equal(st->ops->apply(st, WAITING_TO, &(struct store_batch){.entries = &list, .n = 1}), ERR_OK);
    entry_fini(e);
}

static void an_end_of_what_was_never_there_is_found_when_it_is_folded(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct entry e;

    begin_behind(&e);
    add_claim(&e, EFFECT_CLAIM_REMOVED, 1, 7, 1, "never added");
    apply_behind(st, &e);
    assert_int_equal(st->ops->fold(st), ERR_CORRUPT);
    assert_tables(f->path, WAITING_FROM - 1, 0);
    st->ops->close(st);
}

static void tables_that_say_they_are_further_than_they_are_are_found(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct text report;

    text_init(&report, 1 << 16);
    assert_int_equal(conn_exec(((struct sqlite_store *)st)->db, "UPDATE meta SET seq = 8"), ERR_OK);
    assert_int_equal(store_check_sqlite(f->path, &report), ERR_CORRUPT);
    assert_non_null(strstr(report.bytes, "fold: claims: row 1/0 of the journal is missing"));
    st->ops->close(st);
    text_fini(&report);
}

#define MANY 200

/* A batch of renewals of one claim. */
static void apply_many(struct store *st, uint64_t after)
{
    struct entry *entries = calloc(MANY, sizeof *entries);
    const struct entry *list[MANY];

    assert_non_null(entries);
    for (unsigned i = 0; i < MANY; i++) {
        entry_init(&entries[i]);
        entries[i].seq = after + 1 + i;
        entries[i].time_s = TIME_0 + 300;
        add_claim(&entries[i], EFFECT_CLAIM_RENEWED, 1, 0, 1, "first");
        list[i] = &entries[i];
    }
    assert_int_equal(st->ops->apply(st, after, &(struct store_batch){.entries = list, .n = MANY}), ERR_OK);
    for (unsigned i = 0; i < MANY; i++)
        entry_fini(&entries[i]);
    free(entries);
}

static void folding_is_due_after_some_hundred_changes_and_not_left_out_for_long(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    uint64_t end = WAITING_TO;
    struct state *s;

    assert_false(st->ops->is_fold_due(st));
    for (unsigned i = 0; i < 3; i++, end += MANY)
        apply_many(st, end);
    assert_true(st->ops->is_fold_due(st));
    for (unsigned i = 0; i < 50; i++, end += MANY)
        apply_many(st, end);
    assert_in_range(number(f->path, "SELECT seq FROM meta"), end - 5000, end); /* nobody has called fold() */
    assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_false(st->ops->is_fold_due(st));
    assert_tables(f->path, (int64_t)end, CLAIMS_THEN);
    s = load_state(st);
    assert_int_equal(state_seq(s), end);
    state_free(s);
    st->ops->close(st);
    assert_good(f->path);
}

/* As when many values expire in one second: few entries, and as much to fold as of many. */
static void folding_is_due_by_what_changed_and_not_by_entries(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct entry e;

    begin_behind(&e);
    for (unsigned i = 0; i < 600; i++)
        add_claim(&e, EFFECT_CLAIM_RENEWED, 1, 0, 1, "first");
    apply_behind(st, &e);
    assert_true(st->ops->is_fold_due(st));
    assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_false(st->ops->is_fold_due(st));
    st->ops->close(st);
    assert_good(f->path);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(claims_and_serials_wait_in_the_journal_and_are_loaded_from_there),
        WITH_DIR(folding_writes_each_row_as_its_last_change_has_it),
        WITH_DIR(an_entry_with_other_effects_brings_the_tables_up_to_itself),
        WITH_DIR(a_batch_of_nothing_writes_and_so_folds),
        WITH_DIR(a_store_that_was_closed_has_all_of_it_in_its_tables),
        WITH_DIR(a_server_that_was_killed_goes_on_from_the_journal),
        WITH_DIR(a_backup_has_all_of_it_in_its_tables),
        WITH_DIR(pruning_keeps_what_the_tables_do_not_have),
        WITH_DIR(an_end_of_what_was_never_there_is_found_when_it_is_folded),
        WITH_DIR(tables_that_say_they_are_further_than_they_are_are_found),
        WITH_DIR(folding_is_due_by_what_changed_and_not_by_entries),
        WITH_DIR(folding_is_due_after_some_hundred_changes_and_not_left_out_for_long),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
