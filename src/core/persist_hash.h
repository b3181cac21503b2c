/* core/persist_hash.h -- the hashed account URI of dns-persist-01 (draft-ietf-acme-dns-persist-02 section 4.1, item
 * 3):
 *
 *     <accountHashPrefix>sha-256/<base64url of SHA-256(length of domain, domain, thumbprint, account URL)>
 *
 * It binds a record to one account, one of its keys and one domain, and shows none of them. All that goes in is
 * public or may be shared: whoever runs the DNS computes it without the account's key (section 4.5). Any thread
 * after crypto_init(). */
#ifndef CORE_PERSIST_HASH_H
#define CORE_PERSIST_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/persist.h"
#include "core/text_fault.h"

#define PERSIST_THUMBPRINT_LEN 43 /* base64url of a SHA-256 (RFC 7638, as in RFC 8555 section 8.1) */

/* Texts that end in a NUL. */
struct persist_hash {
    const char *prefix; /* "accountHashPrefix" of the CA's directory, as it is: usually with a "/" at its end */
    /* The domain at which the record is asked for, where _validation-persist stands, never the target of a CNAME
     * there; lower case, A-labels, no final dot, at most PERSIST_DOMAIN_LEN_MAX. Or "*": the record is then good
     * for every domain of the account, and shows that they belong together. */
    const char *domain;
    const char *thumbprint;  /* of the account's present key; a CA goes on to accept one of an earlier key */
    const char *account_url; /* see account_url_check() */
};

/* out: the URI, NUL-terminated. ERR_SYNTAX, ERR_RANGE: one of the four is not of its form, *fault counts inside it;
 * ERR_RANGE also for a prefix with which the URI is over PERSIST_URI_LEN_MAX. ERR_CRYPTO. After an error out is
 * unspecified. */
MUST_USE enum err persist_hash_format(char out[PERSIST_URI_TEXT_MAX], const struct persist_hash *in,
                                      struct text_fault *fault);
/* Does a URI end in the name of a hash of at least 256 bits (IANA, Named Information Hash Algorithm Registry), "/"
 * and as many base64url characters as that hash has? */
bool persist_hash_is_uri(const char *uri, size_t len);

#endif
