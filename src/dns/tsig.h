/* dns/tsig.h -- transaction signatures (RFC 8945): reading and checking the TSIG record of a message, signing the
 * reply. The record has been found by query_parse(), which refuses one that is not the last or not alone. Knows no
 * sockets. DNS threads inside a read section, off the fast path; what signs a reply is plain data and goes to any
 * thread. Allocates (OpenSSL). */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/hmac.h"
#include "base/uuid.h"
#include "core/keyring.h"
#include "core/name.h"

#define TSIG_FIXED_LEN                                                                                             \
    26 /* of a record: type to RDLENGTH, time, fudge, MAC size, original id, error, other length */
#define TSIG_OTHER_MAX  6 /* the server's time, with BADTIME */
/* Of the records that we write with a MAC; the longest algorithm name is hmac-md5.sig-alg.reg.int. */
#define TSIG_SIGNED_MAX (NAME_MAX_LEN + 26 + TSIG_FIXED_LEN + HMAC_LEN_MAX + TSIG_OTHER_MAX)

enum tsig_error { /* numbers of RFC 8945 section 5.2 */
                  TSIG_NOERROR = 0,
                  TSIG_BADSIG = 16,
                  TSIG_BADKEY = 17,
                  TSIG_BADTIME = 18,
                  TSIG_BADTRUNC = 22,
};

enum tsig_legacy { TSIG_LEGACY_REFUSE, TSIG_LEGACY_ALLOW }; /* hmac-md5, -sha1, -sha224 */

/* What is known of the signature of a message, and all that signing its reply takes. Holds a key: wipe it. */
struct tsig {
    enum tsig_error error;
    bool is_signed;            /* the reply carries a MAC: the key is known and was proved */
    struct uuid credential;    /* with is_signed */
    uint32_t secret;           /* with is_signed: id of the one that proved it */
    enum hmac_algorithm hmac;  /* with is_signed */
    uint8_t key[TSIG_KEY_LEN]; /* with is_signed */
    struct name key_name;      /* folded */
    struct name algorithm;     /* folded */
    uint64_t time_s;           /* of the request; 48 bits */
    uint16_t fudge_s;
    uint16_t original_id;
    uint8_t mac[HMAC_LEN_MAX]; /* of the request, as it came */
    size_t mac_len;
};

struct tsig_check {
    const struct keyring *keys; /* NULL: there are none */
    enum tsig_legacy legacy;
    int64_t now_s;
};

/* Check the TSIG record of tsig_len octets at msg[tsig_at]; msg and tsig_at as in struct query. The header's bytes
 * in msg are not changed. *out is set: its error says what to answer, BADKEY and BADSIG without a MAC, BADTIME and
 * BADTRUNC with one. False: the record is not well formed, or its MAC has an impossible length: FORMERR
 * (RFC 8945 sections 5.1, 5.2.2.1). */
MUST_USE bool tsig_check(struct tsig *out, const uint8_t *msg, size_t tsig_at, size_t tsig_len,
                         const struct tsig_check *how);
void tsig_wipe(struct tsig *t);

/* Octets of the record that tsig_sign() will append. */
size_t tsig_reply_len(const struct tsig *t);
/* Append the TSIG record to the finished reply of len octets, which has room for it, and count it in the header;
 * returns the new length. Without a MAC when !t->is_signed. 0: the MAC could not be computed, so that there is
 * nothing that may be said. */
size_t tsig_sign(const struct tsig *t, uint8_t *msg, size_t len, int64_t now_s);

#endif
