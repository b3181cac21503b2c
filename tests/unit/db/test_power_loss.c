/* The SQLite store when the power goes: at every step of a short life, whatever part of the unsynced writes reached
 * the disk, what is found afterwards is sound and has all that was acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "db/sound.h"
#include "db/vfs_power.h"

struct fixture {
    struct temp_dir dir;
    char path[128];
    struct vfs_power power;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    temp_dir_make(&f->dir);
    temp_path(&f->dir, f->path, "riposte.db");
    vfs_power_register(&f->power);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vfs_power_unregister(&f->power);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

#define CUT_STEP 97 /* all of them, which hold too, take minutes */

struct life {
    uint64_t acknowledged;
    unsigned unknown; /* commits */
};

/* Apply what is left of the scenario to an open store, with checkpoints in between; what ended it. */
static enum err apply_rest(struct store *st, struct life *l)
{
    enum err e = ERR_OK;

    while (e == ERR_OK && l->acknowledged < SCENARIO_LEN) {
        e = apply_scenario(st, l->acknowledged + 1);
        if (e == ERR_OK)
            l->acknowledged++;
        if (e == ERR_OK && l->acknowledged % 5 == 0)
            (void)!st->ops->checkpoint(st); /* its failure is no one's loss */
        if (e == ERR_OK && l->acknowledged % 3 == 0)
            (void)!fold_all(st); /* likewise */
    }
    return e;
}

/* Open the store and go on where it ends, as a committer does, until the scenario is done or the power is off. */
static void live(struct fixture *f, struct life *l)
{
    for (unsigned attempts = 0; l->acknowledged < SCENARIO_LEN && attempts < 4 && !f->power.off; attempts++) {
        struct store *st = NULL;
        enum err e = try_open(&st, f->path);
        struct state *s;
        if (e != ERR_OK)
            continue;
        s = load_state(st);
        assert_in_range(state_seq(s), l->acknowledged, l->acknowledged + 1);
        l->acknowledged = state_seq(s);
        state_free(s);
        e = apply_rest(st, l);
        l->unknown += e == ERR_UNKNOWN;
        st->ops->close(st);
    }
}

static struct life cut_power(struct fixture *f, long at, long failing_sync, enum survivors who, unsigned *seed)
{
    struct life l = {0};
    uint64_t end;

    vfs_power_reset(&f->power);
    remove_files(f->path);
    f->power.until = at;
    f->power.until_sync_fails = failing_sync;
    live(f, &l);
    if (!f->power.off)
        return l;
    vfs_power_settle(&f->power, who, seed);
    vfs_power_reset(&f->power);
    end = assert_is_sound(f->path);
    if (end < l.acknowledged || end > l.acknowledged + 1)
        fail_msg("cut at %ld, sync %ld fails, survivors %d: %u acknowledged, %u found", at, failing_sync, (int)who,
                 (unsigned)l.acknowledged, (unsigned)end);
    return l;
}

/* How many operations and syncs an undisturbed life has. */
static void measure(struct fixture *f, long *ops, long *syncs)
{
    unsigned seed = 1;
    struct life l = cut_power(f, 0, 0, SURVIVE_ALL, &seed);

    assert_int_equal(l.acknowledged, SCENARIO_LEN);
    *ops = f->power.ops;
    *syncs = f->power.syncs;
}

static void what_was_acknowledged_before_a_power_cut_is_there(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 20260101;
    long ops, syncs;

    measure(f, &ops, &syncs);
    print_message("%ld operations, %ld syncs\n", ops, syncs);
    for (long at = 1; at <= ops; at += 2)
        (void)cut_power(f, at, 0, (enum survivors)(rand_r(&seed) % SURVIVORS), &seed);
}

static void a_sync_that_fails_before_the_power_cut_loses_nothing_either(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 4711;
    long ops, syncs;
    unsigned unknown = 0;

    measure(f, &ops, &syncs);
    for (long sync = 1; sync <= syncs; sync++)
        for (long at = 1 + sync * 31 % CUT_STEP; at <= ops + 40; at += CUT_STEP)
            unknown += cut_power(f, at, sync, SURVIVE_SOME_SECTORS, &seed).unknown;
    assert_true(unknown > 0);
}

int main(void)
{
#define WITH_POWER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_POWER(what_was_acknowledged_before_a_power_cut_is_there),
        WITH_POWER(a_sync_that_fails_before_the_power_cut_loses_nothing_either),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
