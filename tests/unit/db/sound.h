/* What tests of a failing disk ask of a store that has lived through the scenario. */
#ifndef TESTS_DB_SOUND_H
#define TESTS_DB_SOUND_H

#include <errno.h>

#include "db/scenario.h"
#include "db/sqlite_store.h"
#include "db/state_dump.h"

/* The store at path with all that lies beside it. */
static inline void remove_files(const char *store)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[160];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        (void)snprintf(path, sizeof path, "%s%s", store, suffixes[i]);
        if (unlink(path) != 0)
            assert_int_equal(errno, ENOENT);
    }
}

static inline enum err try_open(struct store **st, const char *path)
{
    struct text why;
    enum err e;

    text_init(&why, 1000);
    e = store_open_sqlite(st, path, STORE_SERVE, &why);
    if (e != ERR_OK)
        assert_true(why.len > 0); /* people are told */
    text_fini(&why);
    return e;
}

/* What is at path: sound, and the fold of the first entries; returns how many. */
static inline uint64_t assert_is_sound(const char *path)
{
    struct store *st = open_store(path, STORE_SERVE);
    struct state *loaded = load_state(st);
    struct state *folded = NULL;
    struct text x, y, report;
    uint64_t end = state_seq(loaded);

    assert_int_equal(state_new(&folded, NULL), ERR_OK);
    for (uint64_t seq = 1; seq <= end; seq++) {
        struct entry e;
        scenario_entry(&e, seq);
        fold_entry(folded, &e);
        entry_fini(&e);
    }
    text_init(&x, 1 << 20);
    text_init(&y, 1 << 20);
    text_init(&report, 1 << 16);
    dump_state(&x, loaded, DUMP_STATE);
    dump_state(&y, folded, DUMP_STATE);
    assert_string_equal(x.bytes, y.bytes);
    st->ops->close(st);
    if (store_check_sqlite(path, &report) != ERR_OK)
        fail_msg("%s", report.bytes);
    text_fini(&x);
    text_fini(&y);
    text_fini(&report);
    state_free(loaded);
    state_free(folded);
    return end;
}

#endif
