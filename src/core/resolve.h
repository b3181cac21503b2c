/* core/resolve.h -- which name or credential people mean, for those who only look; a change finds them by the same
 * rules. Where the state may be read: the committer's thread. */
#ifndef CORE_RESOLVE_H
#define CORE_RESOLVE_H

#include "core/change.h"
#include "core/state.h"

/* NULL: there is none, or more than one: *why says so (refusal, detail, hint). A retired name, and one whose zone
 * is gone, is found by its whole name only. */
const struct name_entry *state_resolve_name(const struct state *s, const struct name_ref *ref, struct result *why);

/* By UUID, or by the label that it has at a name. A revoked one is found by its UUID. NULL: as above. */
const struct credential *state_resolve_credential(const struct state *s, const struct credential_ref *ref,
                                                  struct result *why);

#endif
