/* core/restore_internal.h -- finding a row of one state in another; for restore.c and restore_keep.c only. */
#ifndef CORE_RESTORE_INTERNAL_H
#define CORE_RESTORE_INTERNAL_H

#include <stdbool.h>

#include "core/state.h"

/* NULL: not there. */
const struct account *restore_account_in(const struct state *s, const struct account *a);
/* What is n in the state `of`. */
const struct name_entry *restore_name_in(const struct state *s, const struct state *of, const struct name_entry *n);

/* The same secret of a credential of s. False: there is none. */
bool restore_secret_in(const struct state *s, const struct credential *cred, const struct secret *secret,
                       struct secret *out);

/* The alias of the same domain name for the same name. */
const struct alias *restore_alias_in(const struct state *s, const struct state *of, const struct alias *a);

/* True when the same secret would work for longer than it does at present. */
bool restore_secret_ends_later(const struct secret *backup, const struct secret *present);
/* True when the credential of the backup may do more than it may at present, or for longer. Then the row, which is
 * that of the backup (NULL: nothing is written), becomes what both allow; where networks are others, those of the
 * present. The row then points into the present state. */
bool restore_narrow(const struct state *backup, const struct credential *b, const struct state *present,
                    const struct credential *p, struct effect_credential *row);
/* True when the name has the value of another state too, and pinned. */
bool restore_is_pinned_in(const struct state *s, const struct name_entry *n, const struct value *v);

#endif
