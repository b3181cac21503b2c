/* core/publish_internal.h -- what the parts of staging share: publish.c and publish_zone.c only. Committer's
 * thread. */
#ifndef CORE_PUBLISH_INTERNAL_H
#define CORE_PUBLISH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/state_internal.h"

/* The static part of each zone that changed, and the zone. ERR_MEMORY, and what table.h refuses. */
MUST_USE enum err stage_zones(struct state *s, struct table_batch *b);
/* The zone itself, or an alias of one of its names, with what they have in common. */
MUST_USE enum err put_zone(const struct zone_state *z, const struct name *apex, uint32_t table_id, uint32_t serial,
                           struct table_batch *b);
/* True when a static node stands at the owner, once the batch is published. z may be NULL. */
bool is_static_owner(const struct state *s, const struct zone_state *z, const struct name *folded);
/* True when the place of a name at an alias is there, once the batch is published. */
bool is_alias_owner(const struct state *s, const struct name *owner);
/* The addresses that the zone has for the targets of NS records: resolvers need them to come here at all (RFC 1034
 * section 4.2.1). Returns how many are in out, which has room for all records; a server is listed once, so that
 * there are no more. */
size_t additional_of(struct record *out, const struct zone_spec *spec, const struct rrset *ns);

#endif
