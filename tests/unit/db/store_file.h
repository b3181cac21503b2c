/* A folder of its own with room for a store, on a disk that can be made to fail. */
#ifndef TESTS_DB_STORE_FILE_H
#define TESTS_DB_STORE_FILE_H

#include <stdlib.h>

#include "db/scenario.h"
#include "db/vfs_fail.h"

struct fixture {
    struct temp_dir dir;
    char path[128]; /* where no file is yet */
    struct vfs_fail vfs;
};

static inline int store_file_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    temp_dir_make(&f->dir);
    temp_path(&f->dir, f->path, "riposte.db");
    vfs_fail_register(&f->vfs);
    *state = f;
    return 0;
}

static inline int store_file_tear_down(void **state)
{
    struct fixture *f = *state;

    vfs_fail_unregister(&f->vfs);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

#endif
