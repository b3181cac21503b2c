/* db/import_acmedns.h -- moving from acme-dns: what its SQLite database has becomes accounts of a store.
 *
 * The source is read whole, as it is at one moment, and never written; then everything is decided on the loaded
 * state and made durable in one transaction. One thread. */
#ifndef DB_IMPORT_ACMEDNS_H
#define DB_IMPORT_ACMEDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "core/settings.h"

struct acmedns_source;

/* Read the database at path: every variant of acme-dns's schema that is known (1.0 to 2.x, also those that were
 * migrated from 0.1, and forks with further columns). On error *why is a sentence for people, in which it is called
 * shown. ERR_IO: it cannot be
 * read; ERR_BUSY: somebody is writing; ERR_CORRUPT: it is damaged, or no database of acme-dns; ERR_FULL: it has
 * more than MAX; ERR_MEMORY. */
#define ACMEDNS_ROWS_MAX 4000000
MUST_USE enum err acmedns_source_open(struct acmedns_source **out, const char *path, const char *shown,
                                      struct text *why);
void acmedns_source_free(struct acmedns_source *src); /* NULL is fine */

enum import_mode { IMPORT_FOR_GOOD, IMPORT_DRY_RUN };

struct import_acmedns_options {
    const char *store_path;
    const struct settings *settings;
    const struct clock *clock;
    const char *zone;    /* apex; NULL: the first of the settings */
    const char *account; /* all into this one; NULL: an account each */
    enum import_mode mode;
};

struct import_acmedns_report {
    size_t records;           /* in the source */
    size_t imported, present; /* accounts made now; there already, and left alone */
    size_t refused;           /* not imported: see notes */
    size_t with_networks;     /* of those imported */
    size_t denied, partial;   /* of those: no network, or not all of them, could be read */
    size_t values_taken, values_doubled, values_refused, values_empty;
    size_t orphans;        /* values of no account: not imported */
    struct text notes;     /* a line for each that needs somebody's attention; init and fini by the caller */
    size_t notes_left_out; /* did not fit */
};

#define IMPORT_NOTES_MAX ((size_t)64 << 10)

/* Import, all or nothing; with IMPORT_DRY_RUN nothing is written, and a store that is not there yet is an empty
 * one. On error *why is for people, and nothing has changed. ERR_BUSY: the store is served; ERR_NOT_FOUND: no such
 * zone; ERR_RANGE: the zones of the settings do not go with the store; ERR_UNKNOWN: the disk failed in the middle:
 * import again; and those of store_open_sqlite() and its load and apply. */
MUST_USE enum err import_acmedns(const struct acmedns_source *src, const struct import_acmedns_options *o,
                                 struct import_acmedns_report *out, struct text *why);

#endif
