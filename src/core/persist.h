/* core/persist.h -- the TXT record of dns-persist-01: a standing permission for one ACME account to get
 * certificates for a domain, read by the CA at "_validation-persist.<domain>" (through CNAMEs). Plain data, any
 * thread.
 *
 *     letsencrypt.org; accounturi=https://ca.example/acct/123; policy=wildcard; persistUntil=1798761600
 *
 * The syntax is that of a CAA issue-value (RFC 8659 section 4.2). Two forms are published, and they differ in what
 * accounturi is: the account's URL, which stands in the open (draft-ietf-acme-dns-persist-00, -01; Baseline
 * Requirements 3.2.2.4.22), or since -02 only a hash of it with the domain and the account's key, see
 * persist_hash.h. A CA takes the one or the other. With the open form one record at a CNAME target shared by many
 * domains permits all of them, with the hashed form only the domain that was hashed. */
#ifndef CORE_PERSIST_H
#define CORE_PERSIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/text_fault.h"

#define PERSIST_OWNER_LABEL    "_validation-persist"
#define PERSIST_ISSUER_LEN_MAX 253
#define PERSIST_DOMAIN_LEN_MAX 233  /* with the label and a dot in front 253 (RFC 1035 section 2.3.4) */
#define PERSIST_URI_LEN_MAX    1024 /* our bound; accounturi in use is 45 to 140 */
#define PERSIST_URI_TEXT_MAX   (PERSIST_URI_LEN_MAX + 1)
#define PERSIST_PARAMETERS_MAX 16   /* in a record that is read: three are defined */
#define PERSIST_LEN_MAX        2048 /* a record that is read; one that is built is shorter */
#define PERSIST_TEXT_MAX       (PERSIST_LEN_MAX + 1)

#define PERSIST_NO_END      (-1)
#define PERSIST_UNTIL_MAX_S INT64_C(253402300799) /* the end of the year 9999, the last that dates can say */

enum persist_policy {
    PERSIST_POLICY_NONE,     /* good for the domain alone */
    PERSIST_POLICY_WILDCARD, /* and for everything below it, with wildcards */
    PERSIST_POLICY_UNKNOWN,  /* another text: CAs treat it as if it were not there */
};

enum persist_form {
    PERSIST_FORM_OPEN,   /* accounturi is a URI of the account: -00 and -01 */
    PERSIST_FORM_HASHED, /* a hashed one: -02 */
};

/* A record in its parts. The texts are pointer and length, and point into the caller's. */
struct persist {
    const char *issuer; /* "letsencrypt.org": what the CA calls itself in CAA records */
    size_t issuer_len;
    const char *account_uri;
    size_t account_uri_len;
    enum persist_form form;
    enum persist_policy policy;
    int64_t until_s; /* Unix time from which on no CA takes it; PERSIST_NO_END */
};

/* Write the record for p into out, NUL-terminated, in the one spelling of the drafts' examples; p->form is not
 * looked at, the URI says it. *len is its length: over 255 octets it goes out as several character-strings. policy
 * is not PERSIST_POLICY_UNKNOWN. ERR_SYNTAX: the issuer is no domain name in lower case without final dot, or the
 * URI is none, or has a blank, a semicolon or an octet that is not printable ASCII; ERR_RANGE: one of them is too
 * long, or until_s is negative and not PERSIST_NO_END, or after PERSIST_UNTIL_MAX_S. *fault counts inside the part.
 * out is then unspecified. */
MUST_USE enum err persist_build(char out[PERSIST_TEXT_MAX], size_t *len, const struct persist *p,
                                struct text_fault *fault);

/* Take the text of a record apart (its character-strings joined), as strictly as the strictest CA: tags in any
 * case, blanks and tabs around each part, parameters with unknown tags skipped. *out points into text. ERR_SYNTAX:
 * no issuer or one that is not as above; an empty parameter, such as behind a semicolon at the end; one without
 * "="; a tag that is not of letters, digits and inner hyphens; a value with a blank or an octet that is not
 * printable ASCII; any tag twice; no accounturi, or one that is no URI; persistUntil that is no decimal number.
 * ERR_RANGE: longer than the bounds above, more parameters, or a number over INT64_MAX. *fault counts in text.
 * After an error *out is unspecified. */
MUST_USE enum err persist_parse(struct persist *out, const char *text, size_t len, struct text_fault *fault);

#define PERSIST_SOON_S INT64_C(2592000) /* 30 days: in time to change a record by hand */

enum persist_term {
    PERSIST_TERM_STANDS,
    PERSIST_TERM_ENDS_SOON, /* a warning is due */
    PERSIST_TERM_ENDED,
};
/* How p stands at now_s: it has ended when now_s is until_s or later, ends soon when that is at most within_s
 * (0 or more) away. */
enum persist_term persist_term(const struct persist *p, int64_t now_s, int64_t within_s);

#endif
