/* core/account_url.h -- the URL of an ACME account, as the CA gave it in the Location of newAccount (RFC 8555
 * section 7.3). It is hashed and compared octet by octet: nothing normalises it. Plain data, any thread. */
#ifndef CORE_ACCOUNT_URL_H
#define CORE_ACCOUNT_URL_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/text_fault.h"

#define ACCOUNT_URL_LEN_MAX 1024 /* our bound: those in use have 40 to 90 */

/* ERR_OK: "https://" in any case and a host (RFC 8555 section 6.1), all in printable ASCII without blanks.
 * ERR_SYNTAX: something else. ERR_RANGE: over ACCOUNT_URL_LEN_MAX octets. */
MUST_USE enum err account_url_check(const char *url, size_t len, struct text_fault *fault);

#endif
