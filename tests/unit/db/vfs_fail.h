/* A layer over SQLite's file system that fails on demand: the n-th write, sync, truncation or read, once or from
 * then on; or that makes each sync slow. Registered as the default, so that the code under test need not know. */
#ifndef TESTS_DB_VFS_FAIL_H
#define TESTS_DB_VFS_FAIL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

enum vfs_op { VFS_WRITE = 1, VFS_SYNC = 2, VFS_TRUNCATE = 4, VFS_READ = 8 };

struct vfs_fail {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    atomic_int countdown; /* to the operation that fails; 0: none */
    atomic_int ops;       /* enum vfs_op that count */
    atomic_int rc;        /* of the failure */
    atomic_int lasting;   /* 1: all that follow fail too, until disarmed */
    atomic_int failed;    /* how many did */
    atomic_int sync_us;   /* each sync takes as long */
    atomic_int hang;      /* syncs wait until it is 0 */
    atomic_int syncs;
};

struct vfs_fail_file {
    sqlite3_file base;
    struct vfs_fail *owner;
    sqlite3_file *real; /* behind this structure */
};

static inline sqlite3_file *fail_real(sqlite3_file *f)
{
    return ((struct vfs_fail_file *)f)->real;
}

static inline int fail_now(sqlite3_file *f, enum vfs_op op)
{
    struct vfs_fail *v = ((struct vfs_fail_file *)f)->owner;
    int left;

    if ((atomic_load(&v->ops) & (int)op) == 0 || atomic_load(&v->countdown) == 0)
        return SQLITE_OK;
    left = atomic_load(&v->countdown);
    if (left > 1) {
        atomic_store(&v->countdown, left - 1);
        return SQLITE_OK;
    }
    if (!atomic_load(&v->lasting))
        atomic_store(&v->countdown, 0);
    atomic_fetch_add(&v->failed, 1);
    return atomic_load(&v->rc);
}

static inline int fail_close(sqlite3_file *f)
{
    return fail_real(f)->pMethods->xClose(fail_real(f));
}

static inline int fail_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = fail_now(f, VFS_READ);

    return rc == SQLITE_OK ? fail_real(f)->pMethods->xRead(fail_real(f), p, n, at) : rc;
}

static inline int fail_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = fail_now(f, VFS_WRITE);

    if (rc == SQLITE_OK)
        return fail_real(f)->pMethods->xWrite(fail_real(f), p, n, at);
    if (n > 1 && fail_real(f)->pMethods->xWrite(fail_real(f), p, n / 2, at) != SQLITE_OK) /* a torn write */
        return SQLITE_IOERR_WRITE;
    return rc;
}

static inline int fail_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fail_now(f, VFS_TRUNCATE);

    return rc == SQLITE_OK ? fail_real(f)->pMethods->xTruncate(fail_real(f), size) : rc;
}

static inline void fail_sleep(int us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = (us % 1000000) * 1000L};

    (void)nanosleep(&ts, NULL);
}

static inline int fail_sync(sqlite3_file *f, int flags)
{
    struct vfs_fail *v = ((struct vfs_fail_file *)f)->owner;
    int rc = fail_now(f, VFS_SYNC);

    atomic_fetch_add(&v->syncs, 1);
    if (atomic_load(&v->sync_us) > 0)
        fail_sleep(atomic_load(&v->sync_us));
    while (atomic_load(&v->hang) != 0)
        fail_sleep(1000);
    (void)flags;
    return rc; /* the machine stays up: what was written is there without flushing it */
}

static inline int fail_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return fail_real(f)->pMethods->xFileSize(fail_real(f), size);
}

static inline int fail_lock(sqlite3_file *f, int level)
{
    return fail_real(f)->pMethods->xLock(fail_real(f), level);
}

static inline int fail_unlock(sqlite3_file *f, int level)
{
    return fail_real(f)->pMethods->xUnlock(fail_real(f), level);
}

static inline int fail_reserved(sqlite3_file *f, int *out)
{
    return fail_real(f)->pMethods->xCheckReservedLock(fail_real(f), out);
}

static inline int fail_control(sqlite3_file *f, int op, void *arg)
{
    return fail_real(f)->pMethods->xFileControl(fail_real(f), op, arg);
}

static inline int fail_sector(sqlite3_file *f)
{
    return fail_real(f)->pMethods->xSectorSize(fail_real(f));
}

static inline int fail_traits(sqlite3_file *f)
{
    return fail_real(f)->pMethods->xDeviceCharacteristics(fail_real(f));
}

static inline int fail_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return fail_real(f)->pMethods->xShmMap(fail_real(f), page, size, extend, out);
}

static inline int fail_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return fail_real(f)->pMethods->xShmLock(fail_real(f), at, n, flags);
}

static inline void fail_shm_barrier(sqlite3_file *f)
{
    fail_real(f)->pMethods->xShmBarrier(fail_real(f));
}

static inline int fail_shm_unmap(sqlite3_file *f, int remove)
{
    return fail_real(f)->pMethods->xShmUnmap(fail_real(f), remove);
}

static inline int fail_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = fail_close,
        .xRead = fail_read,
        .xWrite = fail_write,
        .xTruncate = fail_truncate,
        .xSync = fail_sync,
        .xFileSize = fail_size,
        .xLock = fail_lock,
        .xUnlock = fail_unlock,
        .xCheckReservedLock = fail_reserved,
        .xFileControl = fail_control,
        .xSectorSize = fail_sector,
        .xDeviceCharacteristics = fail_traits,
        .xShmMap = fail_shm_map,
        .xShmLock = fail_shm_lock,
        .xShmBarrier = fail_shm_barrier,
        .xShmUnmap = fail_shm_unmap,
    };
    struct vfs_fail *v = vfs->pAppData;
    struct vfs_fail_file *file = (struct vfs_fail_file *)f;
    int rc;

    file->owner = v;
    file->real = (sqlite3_file *)(void *)(file + 1);
    memset(file->real, 0, (size_t)v->real->szOsFile);
    rc = v->real->xOpen(v->real, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods != NULL ? &methods : NULL;
    return rc;
}

static inline void vfs_fail_register(struct vfs_fail *v)
{
    memset(v, 0, sizeof *v);
    v->real = sqlite3_vfs_find(NULL);
    v->vfs = *v->real;
    v->vfs.pNext = NULL;
    v->vfs.zName = "fail";
    v->vfs.szOsFile = (int)sizeof(struct vfs_fail_file) + v->real->szOsFile;
    v->vfs.pAppData = v;
    v->vfs.xOpen = fail_open;
    (void)sqlite3_vfs_register(&v->vfs, 1);
}

static inline void vfs_fail_unregister(struct vfs_fail *v)
{
    (void)sqlite3_vfs_unregister(&v->vfs);
    (void)sqlite3_vfs_register(v->real, 1);
}

/* Fail the n-th of ops with rc. */
static inline void vfs_fail_arm(struct vfs_fail *v, int n, int ops, int rc, int lasting)
{
    atomic_store(&v->failed, 0);
    atomic_store(&v->ops, ops);
    atomic_store(&v->rc, rc);
    atomic_store(&v->lasting, lasting);
    atomic_store(&v->countdown, n);
}

static inline void vfs_fail_disarm(struct vfs_fail *v)
{
    atomic_store(&v->countdown, 0);
}

#endif
