/* cli/config_impl.h -- what the files of the configuration share: a config in the making. Not for others. */
#ifndef CLI_CONFIG_IMPL_H
#define CLI_CONFIG_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "cli/config.h"
#include "cli/config_errors.h"
#include "cli/config_raw.h"
#include "cli/config_schema.h"
#include "cli/config_tree.h"

struct config_name_server {
    struct name name;
    const struct addr *addresses;
    size_t n_addresses;
};

struct config_zone {
    struct name origin; /* folded; len 0 when it could not be read: nothing else is checked then */
    struct name rname;
    struct config_name_server *servers;
    size_t n_servers;
    const char *const *records;
    size_t n_records;
    const char *const *caa;
    size_t n_caa;
    enum challenge_caa challenge_caa;
    uint32_t negative_ttl_s;
    uint32_t soa_minimum_s;
};

enum config_plaintext { CONFIG_PLAINTEXT_REFUSE, CONFIG_PLAINTEXT_ALLOW };

struct config_listen {
    struct endpoint at; /* kind 0 when it could not be read */
    const int *serves;
    size_t n_serves;
    enum api_tls tls;
    const char *certificate, *key;
    enum config_plaintext plaintext;
};

struct config_impl {
    struct config config; /* what everybody else sees; config.impl points back here */
    struct arena arena;   /* everything that is pointed at from here */
    struct config_node *root;
    struct config_errors errors;
    uint32_t value_ttl_s, pinned_ttl_s;
    size_t max_response;
    const char *identity;
    const char *admin_group;
    struct config_zone *zones;
    size_t n_zones;
    struct config_listen *listen;
    size_t n_listen;
};

/* config_decode.c: decode every row of a group whose texts are at raw into out; prefix is the path of the mapping
 * ("" for the file, "zones[0]"). What the file does not say gets its default; what is wrong becomes an error.
 * ERR_MEMORY. */
MUST_USE enum err config_decode_group(struct config_impl *c, enum config_group group, const char *prefix,
                                      const void *raw, void *out);
/* The row of a path; there is one. */
const struct config_row *config_row_find(const char *path);
/* One text as the row says, for lists one element. ERR_SYNTAX with a sentence in *why: not acceptable; ERR_MEMORY.
 * Texts go to arena. */
MUST_USE enum err config_decode_text(const struct config_row *row, struct arena *arena, const char *text, void *out,
                                     struct text *why);

/* config_zone.c: from c->zones to c->config.settings.zones, with all that can be wrong about zones. ERR_MEMORY. */
MUST_USE enum err config_zones_make(struct config_impl *c);

/* config_checks.c: what spans several keys outside of the zones, and the last steps from decoded texts to what
 * others use. ERR_MEMORY. */
MUST_USE enum err config_finish(struct config_impl *c);

/* config.c: as config_load(), from memory; name stands for the path in messages. */
MUST_USE enum err config_parse(struct config **out, const char *name, const char *bytes, size_t len,
                               struct text *report, unsigned *n_errors);
/* The rows of a group whose values differ between two structures of that group, as paths with ", " between; only
 * those that need a restart, or all. */
void config_group_differences(enum config_group group, const void *a, const void *b, bool only_after_restart,
                              struct text *out);

#endif
