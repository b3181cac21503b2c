/* core/viewer.h -- who looks at the state, and what of it shows. Where the state may be read: the committer's
 * thread.
 *
 * A holder sees what is in its scope: the live names that it lists and may act on, and its own credential; with
 * `manage` also the credentials of others that list one of those names. For everything else the answer is the same
 * as for what is not there. The admin socket and `administer` see all. */
#ifndef CORE_VIEWER_H
#define CORE_VIEWER_H

#include <stdbool.h>

#include "core/state.h"

struct viewer {
    bool sees_all;
    const struct credential *credential; /* NULL: none is needed, the admin socket; of the state */
};

/* Somebody with this credential, whose request for a look was done. */
struct viewer viewer_of(const struct state *s, uint32_t credential);
bool viewer_sees_name(const struct viewer *v, const struct state *s, const struct name_entry *n);
bool viewer_sees_credential(const struct viewer *v, const struct state *s, const struct credential *c);
/* Its own account, which is what it can ask for by name. */
bool viewer_sees_account(const struct viewer *v, const struct account *a);

#endif
