/* A layer over SQLite's file system that knows what a power cut would leave: for each file what was synced, and the
 * writes since then, any of which may be lost, sector by sector. The files themselves show what the page cache
 * would. A sync that fails is as bad as real ones: what it should have flushed counts as clean and is lost, unless
 * it is written anew; each open file hears of it once. */
#ifndef TESTS_DB_VFS_POWER_H
#define TESTS_DB_VFS_POWER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISK_FILES_MAX 8
#define DISK_SECTOR    512

/* One unsynced step: octets at a place, or with bytes NULL a cut to `at` octets. */
struct disk_step {
    uint8_t *bytes;
    size_t at, len;
};

struct disk_bytes {
    uint8_t *bytes;
    size_t len, cap;
};

struct disk_file {
    char path[256];
    struct disk_bytes synced;
    struct disk_step *steps;
    size_t n_steps, cap_steps;
    bool name_synced; /* a power cut does not take the file away */
    bool deleted, deletion_synced;
    unsigned failed_syncs;
};

struct vfs_power {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t lock; /* guards all below */
    struct disk_file files[DISK_FILES_MAX];
    size_t n_files;
    bool off;              /* nothing reaches the disk any more */
    long until;            /* operations until the power goes off; 0: not by itself */
    long until_sync_fails; /* syncs until one fails; 0: none will */
    long ops, syncs;
};

struct vfs_power_file {
    sqlite3_file base;
    struct vfs_power *owner;
    struct disk_file *file; /* NULL: a temporary one */
    unsigned heard;         /* of its failed syncs */
    sqlite3_file *real;     /* behind this structure */
};

static inline sqlite3_file *power_real(sqlite3_file *f)
{
    return ((struct vfs_power_file *)f)->real;
}

/* ---- what is on the disk ---- */

static inline void disk_extend(struct disk_bytes *b, size_t len)
{
    if (len > b->cap) {
        b->cap = len * 2;
        b->bytes = realloc(b->bytes, b->cap);
        assert_non_null(b->bytes);
    }
    if (len > b->len)
        memset(b->bytes + b->len, 0, len - b->len);
    b->len = len > b->len ? len : b->len;
}

static inline void disk_put(struct disk_bytes *b, size_t at, const uint8_t *bytes, size_t len)
{
    disk_extend(b, at + len);
    memcpy(b->bytes + at, bytes, len);
}

static inline void disk_apply(struct disk_bytes *b, const struct disk_step *s)
{
    if (s->bytes != NULL)
        disk_put(b, s->at, s->bytes, s->len);
    else if (s->at < b->len)
        b->len = s->at;
    else
        disk_extend(b, s->at);
}

static inline void disk_note(struct disk_file *f, const void *bytes, size_t at, size_t len)
{
    struct disk_step s = {.at = at, .len = len};

    if (f->n_steps == f->cap_steps) {
        f->cap_steps = f->cap_steps * 2 + 16;
        f->steps = realloc(f->steps, f->cap_steps * sizeof *f->steps);
        assert_non_null(f->steps);
    }
    if (bytes != NULL) {
        s.bytes = malloc(len + 1);
        assert_non_null(s.bytes);
        memcpy(s.bytes, bytes, len);
    }
    f->steps[f->n_steps++] = s;
}

static inline void disk_forget_steps(struct disk_file *f)
{
    for (size_t i = 0; i < f->n_steps; i++)
        free(f->steps[i].bytes);
    f->n_steps = 0;
}

static inline void disk_flush(struct disk_file *f)
{
    for (size_t i = 0; i < f->n_steps; i++)
        disk_apply(&f->synced, &f->steps[i]);
    disk_forget_steps(f);
}

/* Holding lock. A new one has the content that is there. */
static inline struct disk_file *disk_find(struct vfs_power *v, const char *path)
{
    struct disk_file *f;
    FILE *in;
    int c;

    for (size_t i = 0; i < v->n_files; i++)
        if (strcmp(v->files[i].path, path) == 0)
            return &v->files[i];
    assert_true(v->n_files < DISK_FILES_MAX);
    f = &v->files[v->n_files++];
    memset(f, 0, sizeof *f);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    in = fopen(path, "rb");
    if (in == NULL)
        return f;
    f->name_synced = true;
    while ((c = fgetc(in)) != EOF) {
        uint8_t octet = (uint8_t)c;
        disk_put(&f->synced, f->synced.len, &octet, 1);
    }
    (void)fclose(in);
    return f;
}

/* Holding lock. */
static inline bool power_is_off(struct vfs_power *v)
{
    v->ops++;
    if (v->until > 0 && --v->until == 0)
        v->off = true;
    return v->off;
}

/* Holding lock. All names of the directory: there is one only. */
static inline void disk_flush_names(struct vfs_power *v)
{
    for (size_t i = 0; i < v->n_files; i++) {
        v->files[i].name_synced = v->files[i].name_synced || !v->files[i].deleted;
        v->files[i].deletion_synced = v->files[i].deleted;
    }
}

/* Another file of the same name. */
static inline void disk_make_anew(struct disk_file *f)
{
    disk_forget_steps(f);
    f->synced.len = 0;
    f->name_synced = f->deleted = f->deletion_synced = false;
}

/* ---- the layer ---- */

static inline int power_close(sqlite3_file *f)
{
    return power_real(f)->pMethods->xClose(power_real(f));
}

static inline int power_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return power_real(f)->pMethods->xRead(power_real(f), p, n, at);
}

static inline int power_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct vfs_power_file *file = (struct vfs_power_file *)f;
    int rc = SQLITE_IOERR_WRITE;

    (void)pthread_mutex_lock(&file->owner->lock);
    if (!power_is_off(file->owner)) {
        if (file->file != NULL)
            disk_note(file->file, p, (size_t)at, (size_t)n);
        rc = file->real->pMethods->xWrite(file->real, p, n, at);
    }
    (void)pthread_mutex_unlock(&file->owner->lock);
    return rc;
}

static inline int power_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct vfs_power_file *file = (struct vfs_power_file *)f;
    int rc = SQLITE_IOERR_TRUNCATE;

    (void)pthread_mutex_lock(&file->owner->lock);
    if (!power_is_off(file->owner)) {
        if (file->file != NULL)
            disk_note(file->file, NULL, (size_t)size, 0);
        rc = file->real->pMethods->xTruncate(file->real, size);
    }
    (void)pthread_mutex_unlock(&file->owner->lock);
    return rc;
}

/* Holding lock. */
static inline int disk_sync(struct vfs_power_file *file)
{
    struct vfs_power *v = file->owner;
    struct disk_file *d = file->file;

    if (power_is_off(v))
        return SQLITE_IOERR_FSYNC;
    if (d == NULL)
        return SQLITE_OK;
    v->syncs++;
    if (v->until_sync_fails > 0 && --v->until_sync_fails == 0) {
        disk_forget_steps(d); /* they are clean now, and nowhere */
        d->failed_syncs++;
    } else {
        disk_flush(d);
    }
    if (!d->name_synced)
        disk_flush_names(v); /* as SQLite does with a file that it has made */
    if (file->heard == d->failed_syncs)
        return SQLITE_OK;
    file->heard = d->failed_syncs;
    return SQLITE_IOERR_FSYNC;
}

static inline int power_sync(sqlite3_file *f, int flags)
{
    struct vfs_power_file *file = (struct vfs_power_file *)f;
    int rc;

    (void)flags;
    (void)pthread_mutex_lock(&file->owner->lock);
    rc = disk_sync(file);
    (void)pthread_mutex_unlock(&file->owner->lock);
    return rc;
}

static inline int power_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return power_real(f)->pMethods->xFileSize(power_real(f), size);
}

static inline int power_lock(sqlite3_file *f, int level)
{
    return power_real(f)->pMethods->xLock(power_real(f), level);
}

static inline int power_unlock(sqlite3_file *f, int level)
{
    return power_real(f)->pMethods->xUnlock(power_real(f), level);
}

static inline int power_reserved(sqlite3_file *f, int *out)
{
    return power_real(f)->pMethods->xCheckReservedLock(power_real(f), out);
}

static inline int power_control(sqlite3_file *f, int op, void *arg)
{
    return power_real(f)->pMethods->xFileControl(power_real(f), op, arg);
}

static inline int power_sector(sqlite3_file *f)
{
    return power_real(f)->pMethods->xSectorSize(power_real(f));
}

static inline int power_traits(sqlite3_file *f)
{
    return power_real(f)->pMethods->xDeviceCharacteristics(power_real(f));
}

static inline int power_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return power_real(f)->pMethods->xShmMap(power_real(f), page, size, extend, out);
}

static inline int power_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return power_real(f)->pMethods->xShmLock(power_real(f), at, n, flags);
}

static inline void power_shm_barrier(sqlite3_file *f)
{
    power_real(f)->pMethods->xShmBarrier(power_real(f));
}

static inline int power_shm_unmap(sqlite3_file *f, int remove)
{
    return power_real(f)->pMethods->xShmUnmap(power_real(f), remove);
}

static inline int power_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = power_close,
        .xRead = power_read,
        .xWrite = power_write,
        .xTruncate = power_truncate,
        .xSync = power_sync,
        .xFileSize = power_size,
        .xLock = power_lock,
        .xUnlock = power_unlock,
        .xCheckReservedLock = power_reserved,
        .xFileControl = power_control,
        .xSectorSize = power_sector,
        .xDeviceCharacteristics = power_traits,
        .xShmMap = power_shm_map,
        .xShmLock = power_shm_lock,
        .xShmBarrier = power_shm_barrier,
        .xShmUnmap = power_shm_unmap,
    };
    struct vfs_power *v = vfs->pAppData;
    struct vfs_power_file *file = (struct vfs_power_file *)f;
    int rc;

    file->owner = v;
    file->file = NULL;
    file->real = (sqlite3_file *)(void *)(file + 1);
    memset(file->real, 0, (size_t)v->real->szOsFile);
    (void)pthread_mutex_lock(&v->lock);
    if (name != NULL)
        file->file = disk_find(v, name);
    rc = v->real->xOpen(v->real, name, file->real, flags, out_flags);
    if (rc == SQLITE_OK && file->file != NULL) {
        if (file->file->deleted)
            disk_make_anew(file->file);
        file->heard = file->file->failed_syncs;
    }
    (void)pthread_mutex_unlock(&v->lock);
    file->base.pMethods = file->real->pMethods != NULL ? &methods : NULL;
    return rc;
}

static inline int power_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    struct vfs_power *v = vfs->pAppData;
    int rc = SQLITE_IOERR_DELETE;

    (void)pthread_mutex_lock(&v->lock);
    if (!power_is_off(v)) {
        rc = v->real->xDelete(v->real, name, sync_directory);
        if (rc == SQLITE_OK)
            disk_find(v, name)->deleted = true;
        if (rc == SQLITE_OK && sync_directory)
            disk_flush_names(v);
    }
    (void)pthread_mutex_unlock(&v->lock);
    return rc;
}

static inline void vfs_power_register(struct vfs_power *v)
{
    memset(v, 0, sizeof *v);
    assert_int_equal(pthread_mutex_init(&v->lock, NULL), 0);
    v->real = sqlite3_vfs_find(NULL);
    v->vfs = *v->real;
    v->vfs.pNext = NULL;
    v->vfs.zName = "power";
    v->vfs.szOsFile = (int)sizeof(struct vfs_power_file) + v->real->szOsFile;
    v->vfs.pAppData = v;
    v->vfs.xOpen = power_open;
    v->vfs.xDelete = power_delete;
    (void)sqlite3_vfs_register(&v->vfs, 1);
}

/* All is forgotten and the power is on. */
static inline void vfs_power_reset(struct vfs_power *v)
{
    for (size_t i = 0; i < v->n_files; i++) {
        disk_forget_steps(&v->files[i]);
        free(v->files[i].steps);
        free(v->files[i].synced.bytes);
    }
    v->n_files = 0;
    v->off = false;
    v->until = v->until_sync_fails = v->ops = v->syncs = 0;
}

static inline void vfs_power_unregister(struct vfs_power *v)
{
    vfs_power_reset(v);
    (void)sqlite3_vfs_unregister(&v->vfs);
    (void)sqlite3_vfs_register(v->real, 1);
    (void)pthread_mutex_destroy(&v->lock);
}

static inline void vfs_power_off(struct vfs_power *v)
{
    (void)pthread_mutex_lock(&v->lock);
    v->off = true;
    (void)pthread_mutex_unlock(&v->lock);
}

/* ---- after the cut ---- */

enum survivors { SURVIVE_NONE, SURVIVE_ALL, SURVIVE_SOME_STEPS, SURVIVE_SOME_SECTORS, SURVIVORS };

static inline bool disk_coin(unsigned *seed)
{
    return (rand_r(seed) >> 8 & 1) != 0;
}

static inline void survive_sectors(struct disk_bytes *b, const struct disk_step *s, unsigned *seed)
{
    for (size_t at = s->at, end = s->at + s->len; at < end;) {
        size_t next = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        size_t len = (next < end ? next : end) - at;
        if (disk_coin(seed))
            disk_put(b, at, s->bytes + (at - s->at), len);
        at += len;
    }
}

static inline void survive(struct disk_bytes *b, const struct disk_step *s, enum survivors who, unsigned *seed)
{
    if (who == SURVIVE_SOME_SECTORS && s->bytes != NULL)
        survive_sectors(b, s, seed);
    else if (who == SURVIVE_ALL || (who != SURVIVE_NONE && disk_coin(seed)))
        disk_apply(b, s);
}

/* Make the files what is on the disk when the machine starts again. Nothing has them open. */
static inline void vfs_power_settle(struct vfs_power *v, enum survivors who, unsigned *seed)
{
    for (size_t i = 0; i < v->n_files; i++) {
        struct disk_file *f = &v->files[i];
        bool is_there = f->deleted ? !f->deletion_synced && (who == SURVIVE_NONE || disk_coin(seed))
                                   : f->name_synced || who == SURVIVE_ALL;
        FILE *out;
        if (!is_there) {
            (void)remove(f->path);
            continue;
        }
        for (size_t k = 0; k < f->n_steps; k++)
            survive(&f->synced, &f->steps[k], who, seed);
        out = fopen(f->path, "wb");
        assert_non_null(out);
        assert_int_equal(
            fwrite(f->synced.bytes != NULL ? f->synced.bytes : (const uint8_t *)"", 1, f->synced.len, out),
            f->synced.len);
        assert_int_equal(fclose(out), 0);
    }
}

#endif
