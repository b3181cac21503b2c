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

#define WAITING_TO  8 /* entries 6 to 8 of the scenario have claims and serials only, those before have some */
#define CLAIMS_THEN 3

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

/* load() gives the same state. */
static void assert_loads_as(struct store *st, const struct state *folded)
{
    struct state *loaded = load_state(st);
    struct text x, y;

    assert_int_equal(state_seq(loaded), state_seq(folded));
    assert_int_equal(state_time_s(loaded), state_time_s(folded));
    text_init(&x, 1 << 20);
    text_init(&y, 1 << 20);
    dump_state(&x, loaded, DUMP_STATE);
    dump_state(&y, folded, DUMP_STATE);
    assert_string_equal(x.bytes, y.bytes);
    text_fini(&x);
    text_fini(&y);
    state_free(loaded);
}

/* The fold of the first entries. */
static struct state *fold_scenario(uint64_t entries)
{
    struct state *s = NULL;

    assert_int_equal(state_new(&s, NULL), ERR_OK);
    for (uint64_t seq = 1; seq <= entries; seq++) {
        struct entry e;
        scenario_entry(&e, seq);
        fold_entry(s, &e);
        entry_fini(&e);
    }
    return s;
}

static void assert_loads(struct store *st, uint64_t entries)
{
    struct state *s = fold_scenario(entries);

    assert_loads_as(st, s);
    state_free(s);
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

    assert_tables(f->path, 0, 0);
    assert_int_equal(number(f->path, "SELECT serial FROM zones WHERE id = 1"), 0);
    assert_int_equal(number(f->path, "SELECT count(*) FROM names"), 2);
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

static void other_effects_are_in_their_tables_at_once_and_claims_go_on_waiting(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    for (uint64_t seq = WAITING_TO + 1; seq <= SCENARIO_LEN; seq++) {
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
        assert_tables(f->path, 0, 0);
        assert_loads(st, seq);
        assert_good(f->path);
    }
    assert_int_equal(number(f->path, "SELECT count(*) FROM names"), 4);
    assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_tables(f->path, SCENARIO_LEN, CLAIMS_THEN);
    assert_loads(st, SCENARIO_LEN);
    assert_good(f->path);
    st->ops->close(st);
}

static void a_backup_is_noted_without_folding(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);

    assert_int_equal(st->ops->apply(st, WAITING_TO, &(struct store_batch){.last_backup_s = TIME_0}), ERR_OK);
    assert_tables(f->path, 0, 0);
    assert_int_equal(number(f->path, "SELECT last_backup_s FROM meta"), TIME_0);
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
    assert_tables(copy, 0, 0);
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
    assert_tables(f->path, 0, 0); /* which is still served */
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

/* The tables have a claim on a name and know that it has been retired, and an alias that has ended, and the journal
 * how it came to that. */
static void what_ended_since_the_tables_were_written_is_loaded_as_it_ended(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct state *s = fold_scenario(WAITING_TO);
    struct entry e[2];

    for (size_t i = 0; i < ARRAY_LEN(e); i++) {
        const struct entry *list = &e[i];

        begin_behind(&e[i]);
        e[i].seq += i;
        if (i == 0) {
            add_claim(&e[i], EFFECT_CLAIM_ADDED, 2, 1, 1, "soon gone");
        } else {
            add_claim(&e[i], EFFECT_CLAIM_REMOVED, 2, 0, 0, "");
            add_claim(&e[i], EFFECT_CLAIM_REMOVED, 2, 1, 1, "soon gone");
            add_effect(&e[i], (struct effect){.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = 1, .serial = 5}});
            add_effect(&e[i], (struct effect){.kind = EFFECT_ALIAS_SERIAL, .u.serial = {.zone = 2, .serial = 5}});
            add_name(&e[i], EFFECT_NAME_RETIRED, 2, 2, "db.auth.example.org", e[i].time_s, 0);
            add_alias(&e[i], EFFECT_ALIAS_ENDED, 2, "_acme-challenge.example.com");
        }
        fold_entry(s, &e[i]);
        assert_int_equal(st->ops->apply(st, e[i].seq - 1, &(struct store_batch){.entries = &list, .n = 1}), ERR_OK);
        if (i == 0)
            assert_int_equal(st->ops->fold(st), ERR_OK);
        entry_fini(&e[i]);
    }
    assert_int_equal(number(f->path, "SELECT count(*) FROM claims WHERE name = 2"), 2);
    assert_int_equal(number(f->path, "SELECT retired_s FROM names WHERE id = 2"), TIME_0 + 300);
    assert_loads_as(st, s);
    assert_good(f->path);
    assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_loads_as(st, s);
    assert_good(f->path);
    st->ops->close(st);
    state_free(s);
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
    assert_tables(f->path, 0, 0);
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

static void folding_goes_in_portions_and_pruning_only_so_far(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    uint64_t end = WAITING_TO;
    uint64_t pruned;
    int64_t folded;
    struct state *s;

    for (unsigned i = 0; i < 10; i++, end += MANY)
        apply_many(st, end);
    assert_in_range(st->ops->unfolded(st), 10 * MANY, 10 * MANY + 30);
    assert_int_equal(st->ops->fold(st), ERR_OK);
    folded = number(f->path, "SELECT seq FROM meta");
    assert_in_range(folded, 300, 600);
    assert_in_range(st->ops->unfolded(st), 10 * MANY - 600, 10 * MANY - 300);
    assert_int_equal(st->ops->prune(st, TIME_0 + 1000, 5000, &pruned), ERR_OK); /* folds once more */
    assert_in_range(pruned, folded + 300, folded + 600);
    assert_int_equal(number(f->path, "SELECT min(seq) FROM journal"), pruned + 1);
    assert_int_equal(number(f->path, "SELECT seq FROM meta"), pruned);
    while (st->ops->unfolded(st) > 0)
        assert_int_equal(st->ops->fold(st), ERR_OK);
    assert_tables(f->path, (int64_t)end, CLAIMS_THEN);
    s = load_state(st);
    assert_int_equal(state_seq(s), end);
    state_free(s);
    st->ops->close(st);
    assert_good(f->path);
}

/* As when many values expire in one second: few entries, and as much to fold as of many. */
static void what_is_to_be_folded_is_counted_by_what_changed_and_not_by_entries(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct entry e;

    begin_behind(&e);
    for (unsigned i = 0; i < 600; i++)
        add_claim(&e, EFFECT_CLAIM_RENEWED, 1, 0, 1, "first");
    apply_behind(st, &e);
    assert_in_range(st->ops->unfolded(st), 600, 630);
    assert_int_equal(st->ops->fold(st), ERR_OK); /* an entry is not divided */
    assert_int_equal(st->ops->unfolded(st), 0);
    st->ops->close(st);
    assert_good(f->path);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(claims_and_serials_wait_in_the_journal_and_are_loaded_from_there),
        WITH_DIR(folding_writes_each_row_as_its_last_change_has_it),
        WITH_DIR(other_effects_are_in_their_tables_at_once_and_claims_go_on_waiting),
        WITH_DIR(a_backup_is_noted_without_folding),
        WITH_DIR(a_store_that_was_closed_has_all_of_it_in_its_tables),
        WITH_DIR(a_server_that_was_killed_goes_on_from_the_journal),
        WITH_DIR(a_backup_has_all_of_it_in_its_tables),
        WITH_DIR(pruning_keeps_what_the_tables_do_not_have),
        WITH_DIR(what_ended_since_the_tables_were_written_is_loaded_as_it_ended),
        WITH_DIR(an_end_of_what_was_never_there_is_found_when_it_is_folded),
        WITH_DIR(tables_that_say_they_are_further_than_they_are_are_found),
        WITH_DIR(what_is_to_be_folded_is_counted_by_what_changed_and_not_by_entries),
        WITH_DIR(folding_goes_in_portions_and_pruning_only_so_far),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
