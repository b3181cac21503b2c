/* core/persist_parts.h -- the checks that building, reading and hashing of dns-persist-01 records share. Plain
 * data, any thread. */
#ifndef CORE_PERSIST_PARTS_H
#define CORE_PERSIST_PARTS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/text_fault.h"

/* One part of a record, and how faults in it are told. */
struct persist_part {
    const char *name; /* static */
    const char *bytes;
    size_t len;
    size_t at;            /* offset of bytes in the text that faults count in */
    size_t max;           /* octets */
    const char *accepted; /* static; NULL, but not for a value: the usual words for it */
};

/* A domain name as the drafts want it (draft-ietf-acme-dns-persist-02 sections 3.1, 9.2): labels of 1 to 63
 * lower-case letters, digits and inner hyphens, without final dot. ERR_SYNTAX; ERR_RANGE: over max, or a label
 * over 63. */
MUST_USE enum err persist_check_domain(struct persist_part p, struct text_fault *fault);
/* A URI: scheme, colon and more (RFC 3986 section 3), of the characters that a value may have.
 * ERR_SYNTAX; ERR_RANGE: over max. */
MUST_USE enum err persist_check_uri(struct persist_part p, struct text_fault *fault);
/* Only characters that a value may have: 0x21 to 0x3A and 0x3C to 0x7E (RFC 8659 section 4.2); may be empty.
 * ERR_SYNTAX. */
MUST_USE enum err persist_check_value(struct persist_part p, struct text_fault *fault);

#endif
