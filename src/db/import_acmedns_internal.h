/* db/import_acmedns_internal.h -- what the importer's files share; for import_acmedns*.c only. */
#ifndef DB_IMPORT_ACMEDNS_INTERNAL_H
#define DB_IMPORT_ACMEDNS_INTERNAL_H

#include "base/arena.h"
#include "core/import.h"
#include "db/import_acmedns.h"

/* One row of `records`. Texts are what is stored, whatever it is. */
struct acmedns_record {
    struct import_text username, password, subdomain;
    struct import_text allowfrom; /* text NULL: SQL NULL */
};

/* One row of `txt` that has a value. */
struct acmedns_value {
    struct import_text subdomain, value;
    size_t place; /* by (LastUpdate, rowid) over all */
};

struct acmedns_source {
    struct arena arena;
    struct acmedns_record *records;
    size_t n_records, cap_records;
    struct acmedns_value *values; /* by subdomain, then place */
    size_t n_values, cap_values;
    size_t n_empty; /* rows of `txt` without a value */
};

/* By octets, the shorter first. */
int import_text_compare(const struct import_text *a, const struct import_text *b);

/* What acme-dns keeps of a client's networks: a JSON array of texts. */
enum allowfrom_kind {
    ALLOWFROM_OPEN,    /* an empty list: from anywhere */
    ALLOWFROM_LIST,    /* at least one network could be read */
    ALLOWFROM_NONE,    /* entries, but none is a network: acme-dns lets everybody in, which nobody meant */
    ALLOWFROM_GARBAGE, /* NULL, empty or no such array: acme-dns refuses the login */
};

struct allowfrom {
    enum allowfrom_kind kind;
    size_t n_networks;
    struct net networks[IMPORT_NETWORKS_MAX];
    size_t n_bad;                  /* entries that are no network */
    char bad[128];                 /* the first of them, printable, may be cut */
    char suggestion[NET_TEXT_MAX]; /* the network that it probably means; "": no idea */
};

void allowfrom_parse(struct allowfrom *out, const struct import_text *text);

#endif
