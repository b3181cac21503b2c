#include "api/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <gnutls/x509.h>

#include "base/crypto.h"
#include "base/log.h"

#define CHAIN_MAX  16 /* certificates in a file */
#define FILE_MAX   ((size_t)1 << 20)
#define KEY_ID_MAX 64

struct tls_pair {
    _Atomic unsigned users;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_len;
    gnutls_privkey_t key;
    int64_t expires_s; /* of the leaf */
};

/* What tells a new file from an old one. */
struct stamp {
    bool there;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

struct stamps {
    struct stamp certificate, key;
};

struct tls_store {
    const struct clock *clock;
    char *certificate, *key;
    struct stamps loaded; /* of the last files that were looked into; checking thread only */
    bool failed;          /* they could not be used */
    bool warned;          /* and that has been said */
    pthread_mutex_t lock; /* of what follows */
    struct tls_pair *pair;
    char problem[200];
};

enum err tls_store_new(struct tls_store **out, const char *certificate, const char *key, const struct clock *clock)
{
    struct tls_store *ts = calloc(1, sizeof *ts);

    if (ts == NULL)
        return ERR_MEMORY;
    ts->clock = clock;
    ts->certificate = strdup(certificate);
    ts->key = strdup(key);
    if (ts->certificate == NULL || ts->key == NULL || pthread_mutex_init(&ts->lock, NULL) != 0) {
        free(ts->certificate);
        free(ts->key);
        free(ts);
        return ERR_MEMORY;
    }
    *out = ts;
    return ERR_OK;
}

void tls_store_free(struct tls_store *ts)
{
    if (ts == NULL)
        return;
    tls_pair_release(ts->pair);
    (void)pthread_mutex_destroy(&ts->lock);
    free(ts->certificate);
    free(ts->key);
    free(ts);
}

void tls_pair_release(struct tls_pair *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->users, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < p->chain_len; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key != NULL)
        gnutls_privkey_deinit(p->key);
    free(p);
}

struct tls_pair *tls_store_acquire(struct tls_store *ts)
{
    struct tls_pair *p;

    pthread_mutex_lock(&ts->lock);
    p = ts->pair;
    if (p != NULL)
        atomic_fetch_add_explicit(&p->users, 1, memory_order_relaxed);
    pthread_mutex_unlock(&ts->lock);
    return p;
}

gnutls_pcert_st *tls_pair_chain(struct tls_pair *p, unsigned *len)
{
    *len = p->chain_len;
    return p->chain;
}

gnutls_privkey_t tls_pair_key(const struct tls_pair *p)
{
    return p->key;
}

/* ---- reading ---- */

static struct stamp stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct stamp){.there = false};
    return (struct stamp){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static struct stamps stamps_of(const struct tls_store *ts)
{
    return (struct stamps){stamp_of(ts->certificate), stamp_of(ts->key)};
}

static enum err read_file(gnutls_datum_t *out, const char *path, struct text *why)
{
    FILE *f = fopen(path, "re");
    int errnum = errno;
    enum err e = ERR_OK;
    size_t len;

    if (f == NULL) {
        text_printf(why, "cannot read %s: %s", path, strerrordesc_np(errnum));
        return errnum == ENOENT || errnum == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    }
    out->data = malloc(FILE_MAX + 1);
    len = out->data != NULL ? fread(out->data, 1, FILE_MAX + 1, f) : 0;
    if (out->data == NULL)
        e = ERR_MEMORY;
    else if (ferror(f) != 0 || len > FILE_MAX)
        e = ERR_IO;
    if (e != ERR_OK)
        text_printf(why, "cannot read %s: %s", path, len > FILE_MAX ? "it is too large" : err_text(e));
    out->size = (unsigned)len;
    (void)fclose(f);
    return e;
}

static void wipe_file(gnutls_datum_t *file)
{
    if (file->data != NULL)
        crypto_wipe(file->data, file->size);
    free(file->data);
    file->data = NULL;
}

/* The chain, and of its first certificate the expiry and the id of its public key. */
static enum err load_chain(struct tls_pair *p, uint8_t id[KEY_ID_MAX], size_t *id_len, const char *path,
                           const gnutls_datum_t *file, struct text *why)
{
    gnutls_x509_crt_t leaf = NULL;
    int rc;

    p->chain_len = CHAIN_MAX;
    rc = gnutls_pcert_list_import_x509_raw(p->chain, &p->chain_len, file, GNUTLS_X509_FMT_PEM, 0);
    if (rc < 0 || p->chain_len == 0) {
        p->chain_len = 0;
        text_printf(why, "%s is no PEM certificate chain: %s", path, gnutls_strerror(rc));
        return rc == GNUTLS_E_MEMORY_ERROR ? ERR_MEMORY : ERR_SYNTAX;
    }
    rc = gnutls_pcert_export_x509(&p->chain[0], &leaf);
    if (rc < 0) {
        text_printf(why, "%s cannot be used: %s", path, gnutls_strerror(rc));
        return ERR_SYNTAX;
    }
    p->expires_s = (int64_t)gnutls_x509_crt_get_expiration_time(leaf);
    rc = gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, id, id_len);
    gnutls_x509_crt_deinit(leaf);
    if (rc < 0)
        text_printf(why, "%s cannot be used: %s", path, gnutls_strerror(rc));
    return rc < 0 ? ERR_SYNTAX : ERR_OK;
}

static enum err load_key(struct tls_pair *p, uint8_t id[KEY_ID_MAX], size_t *id_len, const char *path,
                         const gnutls_datum_t *file, struct text *why)
{
    gnutls_pubkey_t public = NULL;
    int rc = gnutls_privkey_init(&p->key);

    if (rc < 0)
        return ERR_MEMORY;
    rc = gnutls_privkey_import_x509_raw(p->key, file, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_init(&public);
    if (rc >= 0)
        rc = gnutls_pubkey_import_privkey(public, p->key, 0, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, id, id_len);
    if (public != NULL)
        gnutls_pubkey_deinit(public);
    if (rc < 0)
        text_printf(why, "%s is no PEM private key without password: %s", path, gnutls_strerror(rc));
    return rc < 0 ? ERR_SYNTAX : ERR_OK;
}

static enum err pair_build(struct tls_pair *p, const struct tls_store *ts, const gnutls_datum_t *certificate,
                           const gnutls_datum_t *key, struct text *why)
{
    uint8_t ids[2][KEY_ID_MAX];
    size_t lens[2] = {KEY_ID_MAX, KEY_ID_MAX};
    enum err e = load_chain(p, ids[0], &lens[0], ts->certificate, certificate, why);

    if (e == ERR_OK)
        e = load_key(p, ids[1], &lens[1], ts->key, key, why);
    if (e == ERR_OK && (lens[0] != lens[1] || memcmp(ids[0], ids[1], lens[0]) != 0)) {
        text_printf(why, "the key in %s is not that of the certificate in %s", ts->key, ts->certificate);
        e = ERR_RANGE;
    }
    return e;
}

/* Give a pair made of what the files hold now. */
static enum err pair_read(struct tls_pair **out, const struct tls_store *ts, struct text *why)
{
    gnutls_datum_t certificate = {NULL, 0};
    gnutls_datum_t key = {NULL, 0};
    struct tls_pair *p = calloc(1, sizeof *p);
    enum err e = p != NULL ? ERR_OK : ERR_MEMORY;

    if (e == ERR_OK) {
        atomic_init(&p->users, 1);
        e = read_file(&certificate, ts->certificate, why);
    }
    if (e == ERR_OK)
        e = read_file(&key, ts->key, why);
    if (e == ERR_OK)
        e = pair_build(p, ts, &certificate, &key, why);
    wipe_file(&certificate);
    wipe_file(&key);
    if (e == ERR_OK)
        *out = p;
    else
        tls_pair_release(p);
    return e;
}

/* ---- using ---- */

static void set_problem(struct tls_store *ts, const char *problem)
{
    pthread_mutex_lock(&ts->lock);
    (void)snprintf(ts->problem, sizeof ts->problem, "%s", problem);
    pthread_mutex_unlock(&ts->lock);
}

/* Put p in use; takes it. Returns whether there was none before. */
static bool put_in_use(struct tls_store *ts, struct tls_pair *p)
{
    bool expired = p->expires_s <= clock_real_s(ts->clock);
    struct tls_pair *old;

    pthread_mutex_lock(&ts->lock);
    old = ts->pair;
    ts->pair = p;
    (void)snprintf(ts->problem, sizeof ts->problem, "%s", expired ? "the certificate has expired" : "");
    pthread_mutex_unlock(&ts->lock);
    if (expired)
        log_event(LOG_WARN, "certificate-expired", log_str("certificate", ts->certificate));
    tls_pair_release(old);
    return old == NULL;
}

enum err tls_store_load(struct tls_store *ts, struct text *why)
{
    struct tls_pair *p;
    enum err e;

    ts->loaded = stamps_of(ts);
    e = pair_read(&p, ts, why);
    if (e == ERR_OK)
        (void)put_in_use(ts, p);
    else
        set_problem(ts, why->bytes);
    return e;
}

/* False: the pair in use is better. */
static bool is_better(struct tls_store *ts, const struct tls_pair *p, struct text *why)
{
    int64_t now_s = clock_real_s(ts->clock);
    struct tls_pair *used = tls_store_acquire(ts);
    bool better = used == NULL || p->expires_s > now_s || used->expires_s <= now_s;

    tls_pair_release(used);
    if (!better)
        text_printf(why, "the certificate in %s has expired", ts->certificate);
    return better;
}

static void warn_once(struct tls_store *ts, const char *why)
{
    set_problem(ts, why);
    if (ts->failed && !ts->warned) {
        log_event(LOG_WARN, "certificate-not-used", log_str("certificate", ts->certificate),
                  log_str("reason", why));
        ts->warned = true;
    }
    ts->failed = true;
}

bool tls_store_check(struct tls_store *ts)
{
    struct stamps now = stamps_of(ts);
    bool same = stamp_equal(&now.certificate, &ts->loaded.certificate) && stamp_equal(&now.key, &ts->loaded.key);
    struct tls_pair *p = NULL;
    struct text why;
    bool opened = false;

    if (same && (!ts->failed || ts->warned))
        return false;
    if (!now.certificate.there || !now.key.there)
        return false; /* being replaced, or not there yet */
    if (!same)
        ts->warned = ts->failed = false;
    ts->loaded = now;
    text_init(&why, 1024);
    if (pair_read(&p, ts, &why) != ERR_OK) {
        warn_once(ts, why.bytes);
    } else if (!is_better(ts, p, &why)) {
        tls_pair_release(p);
        warn_once(ts, why.bytes);
    } else {
        ts->failed = ts->warned = false;
        opened = put_in_use(ts, p);
        log_event(LOG_INFO, "certificate-loaded", log_str("certificate", ts->certificate),
                  log_int("expires", p->expires_s));
    }
    text_fini(&why);
    return opened;
}

void tls_store_status(struct tls_store *ts, struct tls_status *out)
{
    int64_t now_s = clock_real_s(ts->clock);

    *out = (struct tls_status){0};
    pthread_mutex_lock(&ts->lock);
    out->present = ts->pair != NULL;
    out->expires_s = ts->pair != NULL ? ts->pair->expires_s : 0;
    memcpy(out->problem, ts->problem, sizeof out->problem);
    pthread_mutex_unlock(&ts->lock);
    if (out->present && out->problem[0] == '\0' && out->expires_s <= now_s)
        (void)snprintf(out->problem, sizeof out->problem, "the certificate has expired");
}
