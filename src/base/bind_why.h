/* base/bind_why.h -- tell a person why an address could not be bound, and the way out. Start-up only. */
#ifndef BASE_BIND_WHY_H
#define BASE_BIND_WHY_H

#include "base/addr.h"
#include "base/holder.h"
#include "base/text.h"

/* Where the configuration lists addresses, and what stands there around each of them. */
struct bind_key {
    const char *path; /* "dns.listen" */
    const char *before, *after;
};

/* Append "cannot bind UDP 0.0.0.0:53: address already in use\n" and lines indented by four blanks. want is of the
 * kind ENDPOINT_IP. errnum is errno of the call that failed. */
void bind_why(struct text *why, const struct bind_key *key, enum ip_proto proto, const struct endpoint *want,
              int errnum);

#endif
