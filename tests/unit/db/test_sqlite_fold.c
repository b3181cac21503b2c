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

#define WAITING_TO 8 /* entries 6 to 8 of the scenario have claims and serials only, those before have some */
#define HOLDERS    2 /* names that have claims then */

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

static void assert_tables(const char *path, int64_t seq, int64_t holders)
{
    assert_int_equal(number(path, "SELECT seq FROM meta"), seq);
    assert_int_equal(number(path, "SELECT count(*) FROM claims"), holders);
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

static void folding_writes_what_the_state_has(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct state *s = load_state(st);

    assert_int_equal(st->ops->fold(st, s), ERR_OK);
    assert_int_equal(st->ops->unfolded(st), 0);
    assert_tables(f->path, WAITING_TO, HOLDERS);
    assert_int_equal(number(f->path, "SELECT serial FROM zones WHERE id = 1"), 103);
    assert_int_equal(number(f->path, "SELECT serial FROM aliases WHERE id = 1"), 4000000000);
    assert_loads(st, WAITING_TO);
    assert_good(f->path);
    assert_int_equal(st->ops->fold(st, s), ERR_OK); /* nothing is left to do */
    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    state_free(s);
    st->ops->close(st);
    assert_good(f->path);
}

static void a_state_of_another_position_is_not_folded(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct state *s = load_state(st);

    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    assert_int_equal(st->ops->fold(st, s), ERR_STALE);
    assert_tables(f->path, 0, 0);
    state_free(s);
    st->ops->close(st);
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
    assert_int_equal(fold_all(st), ERR_OK);
    assert_tables(f->path, SCENARIO_LEN, HOLDERS);
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

static void a_backup_has_what_waits_as_the_store_has_it(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct store *copied;
    uint64_t entries, names;
    struct text why;
    char copy[128];

    text_init(&why, 1000);
    temp_path(&f->dir, copy, "backup.db");
    assert_int_equal(st->ops->backup(st, copy, &entries, &names, &why), ERR_OK);
    assert_int_equal(entries, WAITING_TO);
    copied = open_store(copy, STORE_READ);
    assert_loads(copied, WAITING_TO);
    copied->ops->close(copied);
    st->ops->close(st);
    text_fini(&why);
}

static void pruning_keeps_what_the_tables_do_not_have(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    uint64_t pruned;

    assert_int_equal(st->ops->prune(st, TIME_0 + 1000, 100, &pruned), ERR_OK);
    assert_int_equal(pruned, 0);
    assert_int_equal(fold_all(st), ERR_OK);
    assert_int_equal(apply_scenario(st, WAITING_TO + 1), ERR_OK);
    assert_int_equal(st->ops->prune(st, TIME_0 + 1000, 100, &pruned), ERR_OK);
    assert_int_equal(pruned, WAITING_TO);
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

static void apply_entry(struct store *st, struct entry *e)
{
    const struct entry *list = e;

    assert_int_equal(st->ops->apply(st, e->seq - 1, &(struct store_batch){.entries = &list, .n = 1}), ERR_OK);
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
            assert_int_equal(fold_all(st), ERR_OK);
        entry_fini(&e[i]);
    }
    assert_int_equal(number(f->path, "SELECT count(*) FROM claims WHERE name = 2"), 1);
    assert_int_equal(number(f->path, "SELECT retired_s FROM names WHERE id = 2"), TIME_0 + 300);
    assert_loads_as(st, s);
    assert_good(f->path);
    assert_int_equal(st->ops->fold(st, s), ERR_OK);
    assert_int_equal(number(f->path, "SELECT count(*) FROM claims WHERE name = 2"), 0);
    assert_loads_as(st, s);
    assert_good(f->path);
    st->ops->close(st);
    state_free(s);
}

/* The state has the oldest value first: one that is renewed comes to the end, whatever its slot. */
static void a_row_in_another_order_than_its_slots_is_laid_over_too(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct state *s = fold_scenario(WAITING_TO);

    for (unsigned i = 0; i < 2; i++) {
        struct entry e;

        begin_behind(&e);
        e.seq += i;
        add_claim(&e, EFFECT_CLAIM_RENEWED, 1, 0, 1, "first");
        fold_entry(s, &e);
        apply_entry(st, &e);
        if (i == 0)
            assert_int_equal(fold_all(st), ERR_OK);
    }
    assert_loads_as(st, s);
    assert_good(f->path);
    state_free(s);
    st->ops->close(st);
}

static void claims_of_the_journal_on_no_name_or_of_no_credential_are_damage(void **state)
{
    static const struct {
        uint32_t name, credential;
        const char *where;
    } rows[] = {{5, 1, "table journal is damaged"}, {1, 77, "table names is damaged"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store *st;
        struct state *s = NULL;
        struct text why;
        struct entry e;

        remove_files(f->path);
        st = begin(f);
        begin_behind(&e);
        add_claim(&e, EFFECT_CLAIM_ADDED, rows[i].name, 9, rows[i].credential, "of nobody");
        apply_entry(st, &e);
        text_init(&why, 1000);
        assert_int_equal(state_new(&s, NULL), ERR_OK);
        assert_int_equal(st->ops->load(st, s, NULL, &why), ERR_CORRUPT);
        assert_non_null(strstr(why.bytes, rows[i].where));
        text_fini(&why);
        state_free(s);
        st->ops->close(st);
    }
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

#define MANY      300 /* names, behind those of the scenario */
#define FIRST_NEW 3
#define ROUNDS    4

/* Names in one entry, and then rounds in which each gets a claim, or loses one of two rounds before. */
static struct state *begin_with_many(struct store *st)
{
    struct state *s = fold_scenario(WAITING_TO);

    for (unsigned round = 0; round <= ROUNDS; round++) {
        struct entry e;

        begin_behind(&e);
        e.seq += round;
        for (uint32_t i = 0; i < MANY; i++) {
            char owner[64], text[64];

            (void)snprintf(owner, sizeof owner, "many%u.auth.example.org", i);
            (void)snprintf(text, sizeof text, "value of round %u", round);
            if (round == 0)
                add_name(&e, EFFECT_NAME_MADE, FIRST_NEW + i, 1, owner, 0, 0);
            else if (round <= 2 || i % 2 == 0)
                add_claim(&e, EFFECT_CLAIM_ADDED, FIRST_NEW + i, round, 1, text);
            else
                add_claim(&e, EFFECT_CLAIM_REMOVED, FIRST_NEW + i, round - 2, 1, "");
        }
        fold_entry(s, &e);
        apply_entry(st, &e);
    }
    return s;
}

/* Rows are folded one after the other, each as it is by then; a crash may come after each portion, and changes. */
static void folding_goes_in_portions_and_each_leaves_a_store_that_is_right(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct store *reader = open_store(f->path, STORE_READ); /* st itself would begin to fold from the start again */
    struct state *s = begin_with_many(st);
    uint64_t before = WAITING_TO + 1 + ROUNDS;
    unsigned portions = 0;

    state_free(load_state(st)); /* as a server does before anything else: what waits is known */
    while (st->ops->unfolded(st) > 0 && portions < 10) {
        uint64_t unfolded = st->ops->unfolded(st);
        struct entry e;

        assert_int_equal(st->ops->fold(st, s), ERR_OK);
        assert_true(st->ops->unfolded(st) <= unfolded); /* one entry had the first changes of many */
        portions++;
        assert_loads_as(reader, s);
        assert_good(f->path);
        if (portions > 2)
            continue;
        begin_behind(&e); /* one that was folded, and one that waits */
        e.seq = ++before;
        add_claim(&e, EFFECT_CLAIM_ADDED, FIRST_NEW, 7 + portions, 1, portions == 1 ? "while" : "it is folded");
        add_claim(&e, EFFECT_CLAIM_REMOVED, FIRST_NEW + MANY - 2, portions, 1, "");
        fold_entry(s, &e);
        apply_entry(st, &e);
        assert_loads_as(reader, s);
        assert_good(f->path);
    }
    assert_in_range(portions, 3, 6);
    assert_int_equal(number(f->path, "SELECT seq FROM meta"), before);
    state_free(s);
    reader->ops->close(reader);
    st->ops->close(st);
}

static void the_tables_are_said_to_be_as_far_as_the_first_row_that_waits(void **state)
{
    struct fixture *f = *state;
    struct store *st = begin(f);
    struct state *s = begin_with_many(st);
    uint64_t pruned;

    state_free(load_state(st));
    assert_int_equal(st->ops->fold(st, s),
                     ERR_OK); /* the scenario's, and some that wait since the round after it */
    assert_int_equal(number(f->path, "SELECT seq FROM meta"), WAITING_TO + 1);
    assert_in_range(st->ops->unfolded(st), ROUNDS * MANY, ROUNDS * MANY + 1);
    assert_int_equal(st->ops->prune(st, TIME_0 + 1000, 5000, &pruned), ERR_OK);
    assert_int_equal(pruned, WAITING_TO + 1);
    assert_loads_as(st, s);
    state_free(s);
    st->ops->close(st);
}

/* As of a server that registers names and nothing else. */
static void entries_that_leave_nothing_waiting_count_too(void **state)
{
    struct fixture *f = *state;
    struct store *st = open_store(f->path, STORE_SERVE);
    struct state *s;

    for (uint64_t seq = 1; seq <= 2; seq++)
        assert_int_equal(apply_scenario(st, seq), ERR_OK);
    assert_int_equal(fold_all(st), ERR_OK);
    s = fold_scenario(2);
    for (unsigned i = 0; i < 3; i++) {
        struct entry e;

        begin_behind(&e);
        e.seq = 3 + i;
        add_account(&e, EFFECT_ACCOUNT_SET, 2, "shop", 0);
        fold_entry(s, &e);
        apply_entry(st, &e);
    }
    assert_int_equal(st->ops->unfolded(st), 3);
    assert_int_equal(st->ops->fold(st, s), ERR_OK);
    assert_int_equal(st->ops->unfolded(st), 0);
    assert_int_equal(number(f->path, "SELECT seq FROM meta"), 5);
    state_free(s);
    st->ops->close(st);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, store_file_set_up, store_file_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_DIR(claims_and_serials_wait_in_the_journal_and_are_loaded_from_there),
        WITH_DIR(folding_writes_what_the_state_has),
        WITH_DIR(a_state_of_another_position_is_not_folded),
        WITH_DIR(other_effects_are_in_their_tables_at_once_and_claims_go_on_waiting),
        WITH_DIR(a_backup_is_noted_without_folding),
        WITH_DIR(a_server_that_was_killed_goes_on_from_the_journal),
        WITH_DIR(a_backup_has_what_waits_as_the_store_has_it),
        WITH_DIR(pruning_keeps_what_the_tables_do_not_have),
        WITH_DIR(what_ended_since_the_tables_were_written_is_loaded_as_it_ended),
        WITH_DIR(a_row_in_another_order_than_its_slots_is_laid_over_too),
        WITH_DIR(claims_of_the_journal_on_no_name_or_of_no_credential_are_damage),
        WITH_DIR(tables_that_say_they_are_further_than_they_are_are_found),
        WITH_DIR(folding_goes_in_portions_and_each_leaves_a_store_that_is_right),
        WITH_DIR(the_tables_are_said_to_be_as_far_as_the_first_row_that_waits),
        WITH_DIR(entries_that_leave_nothing_waiting_count_too),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
