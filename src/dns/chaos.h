/* dns/chaos.h -- questions of class CH about the server itself (RFC 4892). DNS threads. */
#ifndef DNS_CHAOS_H
#define DNS_CHAOS_H

#include <stddef.h>

#include "dns/reply.h"

/* Answer r's question of class CH: id.server and hostname.bind with the identity (len octets, 0: none; at most
 * 255), when TXT or ANY is asked for; everything else, the version too, is REFUSED. */
void chaos_answer(struct reply *r, const char *identity, size_t len);

#endif
