/* core/resolve.h -- which name or credential people mean, for those who only look; a change finds them by the same
 * rules. Where the state may be read: the committer's thread. */
#ifndef CORE_RESOLVE_H
#define CORE_RESOLVE_H

#include "core/change.h"
#include "core/state.h"
#include "core/viewer.h"

/* Among the names that the viewer sees. NULL: there is none, or more than one: *why says so (refusal, detail,
 * hint). Who sees all finds a retired name, and one whose zone is gone, by its whole name. */
const struct name_entry *state_resolve_name(const struct state *s, const struct viewer *v,
                                            const struct name_ref *ref, struct result *why);

/* By UUID, or by the label that it has at a name; among those that the viewer sees. A revoked one is found by its
 * UUID. NULL: as above. */
const struct credential *state_resolve_credential(const struct state *s, const struct viewer *v,
                                                  const struct credential_ref *ref, struct result *why);

/* An account of this name, deleted ones too; NULL: there is none that the viewer sees. */
const struct account *state_resolve_account(const struct state *s, const struct viewer *v, const char *name);

#endif
