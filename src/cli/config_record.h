/* cli/config_record.h -- one static record from its presentation format (RFC 1035 section 5.1), by ldns. One owner
 * thread.
 *
 * ldns is lenient where people make mistakes: it wraps numbers, closes open quotes, takes what follows a ; for a
 * comment. What it would bend is refused here before or after it. */
#ifndef CLI_CONFIG_RECORD_H
#define CLI_CONFIG_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/rr.h"

#define CONFIG_RECORD_TTL_DEFAULT_S 3600
#define CONFIG_RECORD_TTL_MAX_S     604800 /* a week; more is a slip of the finger, RFC 8767 section 4 */

struct config_record {
    struct record record;
    struct rdata canonical; /* the data with names in lower case, RFC 4034 section 6.2: to sort and to compare */
    const char *path;       /* where it was said */
    size_t order;           /* in the file */
};

/* "www 300 IN A 192.0.2.1": owner, TTL and class (both may be missing, in any order), type, data; names without
 * final dot are below origin. Fills record and canonical, whose bytes go to arena; says nothing about the record's
 * place in the zone. ERR_SYNTAX with a sentence in *why; ERR_MEMORY. */
MUST_USE enum err config_record_parse(struct config_record *out, struct arena *arena, const char *text,
                                      const struct name *origin, struct text *why);
/* The data alone, of a type that ldns knows; owner and TTL are left to the caller. Errors as above. */
MUST_USE enum err config_record_parse_data(struct config_record *out, struct arena *arena, uint16_t type,
                                           const char *text, const struct name *origin, struct text *why);
/* Data of which the octets are known: an address, or one name. ERR_MEMORY. */
MUST_USE enum err config_record_set_address(struct config_record *out, struct arena *arena, uint16_t type,
                                            const uint8_t *bytes, size_t len);
MUST_USE enum err config_record_set_name(struct config_record *out, struct arena *arena, uint16_t type,
                                         const struct name *name);

/* Canonical order of owners (RFC 4034 section 6.1), then by type, then by canonical data, then as in the file. */
int config_record_compare(const struct config_record *a, const struct config_record *b);

#endif
