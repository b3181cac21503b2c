/* dns/usual.h -- the short way: a usual question that has its answer ready in the table. DNS threads, inside a read
 * section; private to src/dns.
 *
 * It says nothing that the long way of dns/answer.c would not say octet for octet (tests/unit/dns/test_usual.c
 * holds them together), and leaves to it whatever is not that simple: what does not fit, CNAMEs, additional
 * records. It is a third of the work, because nothing has to be remembered between its steps. */
#ifndef DNS_USUAL_H
#define DNS_USUAL_H

#include <stddef.h>
#include <stdint.h>

#include "dns/answer.h"

/* Answer q, which is usual, like answer_compose(), with a table. 0: nothing was done, take the long way. */
size_t usual_answer(struct answerer *a, const struct query *q, const struct answer_peer *peer, uint8_t *msg,
                    size_t cap);

#endif
