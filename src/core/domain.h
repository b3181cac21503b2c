/* core/domain.h -- the domains that certificates are for, in the one form in which they are kept and compared:
 * lower case, no final dot, without "*." and "_acme-challenge.". Plain data, any thread. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

/* With "_acme-challenge." in front it must still be a domain name of 253 characters (RFC 1035 section 2.3.4). */
#define DOMAIN_LEN_MAX  237
#define DOMAIN_TEXT_MAX (DOMAIN_LEN_MAX + 1) /* with the NUL */

/* "D", "*.D" and "_acme-challenge.D" in any case, with or without a final dot, give D, NUL-terminated. D's labels
 * are 1 to 63 letters, digits, hyphens (not first or last) and underscores (RFC 5890 section 2.3.1, and what is in
 * use): an internationalized domain comes as its A-labels. ERR_SYNTAX, ERR_RANGE; out is then unspecified. */
MUST_USE enum err domain_normalise(char out[DOMAIN_TEXT_MAX], const char *text, size_t len);

#endif
