/* dns/bind_why.h -- tell a person why an address could not be bound, and the way out. Start-up only. */
#ifndef DNS_BIND_WHY_H
#define DNS_BIND_WHY_H

#include "base/addr.h"
#include "base/text.h"
#include "dns/holder.h"

/* Append "cannot bind UDP 0.0.0.0:53: address already in use\n" and lines indented by four blanks. errnum is errno
 * of the call that failed. */
void bind_why(struct text *why, enum ip_proto proto, const struct endpoint *want, int errnum);

#endif
