/* core/authorize.h -- who is asking, and what it may do. The first part of every decision; committer's thread.
 *
 * The order of the checks is part of the interface, because the first one that fails is the reason that is told:
 * the secret, then what is said only to who has it: revoked, disabled, expired, network; then the scope: name,
 * action, kind. */
#ifndef CORE_AUTHORIZE_H
#define CORE_AUTHORIZE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/decide_internal.h"

/* Wrong secrets of one client (/32, /56). Right ones are never counted and never refused for them. */
#define FAILURES_AMOUNT 10 /* a second */
#define FAILURES_BURST  1000

/* Fills c->credential and the ids of the result. May refuse; ERR_CRYPTO. */
MUST_USE enum err authorize_credential(struct deciding *c);
/* The same for a caller whose signature the door has checked: the key must still be the credential's. One that the
 * door has refused is refused here as well, for the record. */
void authorize_tsig(struct deciding *c);
/* The same for a caller with a registration token. *out is NULL when refused. */
MUST_USE enum err authorize_token(struct deciding *c, struct token **out);

bool caller_is_local(const struct deciding *c);    /* the admin socket, or the program itself */
bool caller_administers(const struct deciding *c); /* that, or a credential with `administer` */
bool caller_manages(const struct deciding *c);     /* that, or one with `manage` */

/* False: refused with the reason. */
bool caller_may(struct deciding *c, enum action action);
bool caller_may_use(struct deciding *c, enum value_kind kind);
/* Whether it is known where the caller is: not behind a peer that sends X-Forwarded-For and is no trusted proxy. */
bool client_is_known(struct deciding *c);
/* Whether the caller's address, or its peer's when that is all that is known, is in one of the networks; whose:
 * "its networks". */
bool client_is_in(struct deciding *c, const char *whose, const struct net *nets, size_t n);
/* Count this change against its account's rate (limits.changes). False: refused. */
bool change_is_within_rate(struct deciding *c);

#endif
