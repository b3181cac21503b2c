/* api/tls.h -- the certificate of one HTTPS address: read from two files, checked, and replaced when they change.
 *
 * GnuTLS, because libmicrohttpd's TLS is that. A store has at most one pair in use; handshakes hold on to the pair
 * that they were given, so a replacement waits for nobody and drops no connection. Any thread; reading files
 * blocks, so tls_store_check belongs on a thread that may. */
#ifndef API_TLS_H
#define API_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

/* TLS 1.2 and 1.3 only. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_pair; /* a chain and its key, immutable */

struct tls_store;

/* paths are copied. ERR_MEMORY. */
MUST_USE enum err tls_store_new(struct tls_store **out, const char *certificate, const char *key,
                                const struct clock *clock);
void tls_store_free(struct tls_store *ts); /* NULL is fine; pairs live on until they are released */
/* Read the files for the first time. ERR_NOT_FOUND: one of them is not there (yet), tls_store_check() will find it.
 * ERR_IO: it cannot be read; ERR_SYNTAX: it is no PEM of a certificate or key; ERR_RANGE: key and certificate do
 * not belong together; ERR_MEMORY. *why is a sentence in every case. An expired certificate is taken, with a
 * warning: clients refuse it, but an administrator on the machine can still reach the server. */
MUST_USE enum err tls_store_load(struct tls_store *ts, struct text *why);
/* Read them again when they have changed since. A pair that cannot be used, or that has expired while the one in
 * use has not, leaves the old one in use; that is warned about once, and at the second look only, because renewal
 * programs replace one file after the other. Returns true when there is a pair now and was none before. */
bool tls_store_check(struct tls_store *ts);

struct tls_status {
    bool present;
    int64_t expires_s; /* of the pair in use; 0: none */
    char problem[200]; /* "" */
};
void tls_store_status(struct tls_store *ts, struct tls_status *out);

/* The pair in use, for a handshake; NULL: none. Give it back with tls_pair_release(). */
struct tls_pair *tls_store_acquire(struct tls_store *ts);
void tls_pair_release(struct tls_pair *p); /* NULL is fine */
gnutls_pcert_st *tls_pair_chain(struct tls_pair *p, unsigned *len);
gnutls_privkey_t tls_pair_key(const struct tls_pair *p);

#endif
