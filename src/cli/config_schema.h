/* cli/config_schema.h -- one row an option: key, type, unit, range, default, when it applies, and a sentence. Const
 * data.
 *
 * What decodes the file, the commented sample (etc/riposte.yaml, `riposte init`) and the manual page all follow
 * these rows; config_raw.c says the same keys to libcyaml, and a unit test holds all four together. */
#ifndef CLI_CONFIG_SCHEMA_H
#define CLI_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Which structure a row's offsets are in. */
enum config_group {
    CONFIG_GROUP_FILE,        /* struct raw_config -> struct config_impl */
    CONFIG_GROUP_ZONE,        /* struct raw_zone -> struct config_zone */
    CONFIG_GROUP_NAME_SERVER, /* struct raw_name_server -> struct config_name_server */
    CONFIG_GROUP_LISTEN,      /* struct raw_listen -> struct config_listen */
};

/* What a text must be, and what becomes of it. min and max are in the unit that is named here. */
enum config_kind {
    CONFIG_SECTION,  /* a mapping; nothing to decode */
    CONFIG_SECTIONS, /* a list of mappings */
    CONFIG_TIME_S,   /* an integer of seconds; min and max in ms */
    CONFIG_TIME_MS,  /* an integer of milliseconds */
    CONFIG_SIZE,     /* an integer of octets */
    CONFIG_COUNT,    /* an integer */
    CONFIG_RATE,     /* struct rate; max bounds the amount */
    CONFIG_WORD,     /* one of words, as an int */
    CONFIG_TEXT,     /* const char *, printable, min to max octets */
    CONFIG_PATH,     /* const char *, from /, min to max octets; "" when min is 0 */
    CONFIG_URL,      /* const char *, http or https, or "" */
    CONFIG_ORIGIN,   /* const char *: a web origin (RFC 6454), or "*" */
    CONFIG_ZONE,     /* struct name, an apex */
    CONFIG_HOST,     /* struct name, of a host */
    CONFIG_MAIL,     /* struct name, as in SOA RNAME */
    CONFIG_ADDRESS,  /* struct addr */
    CONFIG_IP_PORT,  /* struct endpoint, never a unix socket */
    CONFIG_ENDPOINT, /* struct endpoint */
    CONFIG_NETWORK,  /* struct net */
    CONFIG_RESOLVER, /* struct lookup_server: an address, with a port or without */
};

enum config_applies { CONFIG_ON_RELOAD, CONFIG_AFTER_RESTART };

struct config_word {
    const char *word; /* NULL ends the list */
    int value;
    bool is_later; /* a word of a later version, known only so that it can be refused kindly */
};

struct config_row {
    const char *path; /* "values.lifetime"; lists end in "[]", parts of lists of mappings have it inside */
    enum config_group group;
    enum config_kind kind;
    enum config_applies applies;
    uint64_t min, max;
    const char
        *fallback; /* the default as text, a list's with blanks between; NULL: the key is required (or a section) */
    const char *example; /* what the sample shows when there is no default */
    const struct config_word *words;
    const char *help; /* sentences; a line break begins a paragraph, one with a blank behind it is kept as it is */
    size_t raw_offset, raw_count_offset;
    size_t out_offset, out_size, out_count_offset; /* *_count_offset: of lists */
};

extern const struct config_row config_rows[];
extern const size_t config_rows_n;

/* A key of later versions, or of none, with what to say about it; NULL when there is nothing special to say. path
 * is without indices: "store.key", "zones[].dnssec". */
const char *config_later_key(const char *path);

bool config_row_is_section(const struct config_row *row);
bool config_row_is_list(const struct config_row *row); /* of texts */
/* The key behind the last dot, without brackets; *len gets its length. */
const char *config_row_key(const struct config_row *row, size_t *len);
/* Type and range for people: "time, 0s to 3650d", "one of: none, deny", "list of networks". */
void config_row_describe(const struct config_row *row, struct text *out);
/* The default as it is written in the file: "72h", "\"\"", "[\"0.0.0.0:53\", \"[::]:53\"]"; given (blanks between,
 * for lists) instead of the default when it is not NULL. */
void config_row_put_value(const struct config_row *row, const char *given, struct text *out);

#endif
