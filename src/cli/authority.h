/* cli/authority.h -- certificate authorities and the names that stand for them in CAA records (RFC 8659 section
 * 4.2). Plain data, any thread. */
#ifndef CLI_AUTHORITY_H
#define CLI_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define AUTHORITY_NAMES_MAX 8
#define AUTHORITY_WORDS                                                                                            \
    "letsencrypt, zerossl, sectigo, google, ssl.com, digicert, amazon, globalsign, buypass, actalis, certum, "     \
    "harica"

struct authority_names {
    size_t n;
    const char
        *names[AUTHORITY_NAMES_MAX]; /* any of them in a record is a permission; the first is the one to add */
};

/* text: a word such as "zerossl", or a CAA name; names that are not known are taken as they are and borrowed.
 * ERR_SYNTAX: neither: no known word, and no domain name with a dot in it. */
MUST_USE enum err authority_find(struct authority_names *out, const char *text);
/* Is the name one of them? Without regard to case. */
bool authority_has(const struct authority_names *a, const char *name, size_t len);

#endif
