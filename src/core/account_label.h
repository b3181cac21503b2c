/* core/account_label.h -- the label of an ACME account in front of "_acme-challenge" for the challenge
 * dns-account-01 (draft-ietf-acme-dns-account-label, in which versions 00 to 02 agree; Baseline
 * Requirements 3.2.2.4.21). Each account validates a domain at a name of its own, and so has a CNAME of its own
 * there:
 *
 *     _ujmmovf2vn55tgye._acme-challenge.example.com. IN CNAME <challenge name>.
 *
 * Experiments of 2024 had "_acme-challenge_<label>"; nothing asks for that any more. Any thread after
 * crypto_init(). */
#ifndef CORE_ACCOUNT_LABEL_H
#define CORE_ACCOUNT_LABEL_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/text_fault.h"

#define ACCOUNT_LABEL_LEN      17  /* "_" and the base32 of 80 bits */
#define ACCOUNT_PREFIX_LEN     33  /* that, a dot and "_acme-challenge" */
#define ACCOUNT_DOMAIN_LEN_MAX 219 /* a longer domain has no room for the prefix in 253 characters */

struct account_label {
    char label[ACCOUNT_LABEL_LEN + 1];   /* "_ujmmovf2vn55tgye" */
    char prefix[ACCOUNT_PREFIX_LEN + 1]; /* "_ujmmovf2vn55tgye._acme-challenge": a dot and the domain follow */
};

/* "_", then base32 in lower case (RFC 4648 section 6) of the first 10 octets of the URL's SHA-256. The label
 * outlives a change of the account's key. ERR_SYNTAX, ERR_RANGE: not the URL of an account, see
 * account_url_check(). ERR_CRYPTO. After an error *out is unspecified. */
MUST_USE enum err account_label_from_url(struct account_label *out, const char *url, size_t len,
                                         struct text_fault *fault);

#endif
