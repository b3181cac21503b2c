/* cli/config_raw.h -- riposte.yaml as libcyaml gives it: the shape of the file with every value still a text.
 *
 * The schema here says which keys there are and which of them are texts, lists and mappings, nothing else:
 * libcyaml 1.3.1 reads `12x` as 12 and `perhaps` as true, so what a text means is the business of the table in
 * config_schema.c. One owner thread. */
#ifndef CLI_CONFIG_RAW_H
#define CLI_CONFIG_RAW_H

#include <cyaml/cyaml.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/config_errors.h"
#include "cli/config_tree.h"

/* Texts are NULL, and lists empty, where the file says nothing. A list and its count are named as libcyaml's macros
 * want it. */

struct raw_name_server {
    char *name;
    char **addresses;
    uint32_t addresses_count;
};

struct raw_zone {
    char *origin, *contact;
    struct raw_name_server *name_servers;
    uint32_t name_servers_count;
    char **records;
    uint32_t records_count;
    char **caa;
    uint32_t caa_count;
    char *challenge_caa, *negative_ttl, *soa_minimum;
};

struct raw_listen {
    char *address;
    char **serves;
    uint32_t serves_count;
    char *tls, *certificate, *key, *plaintext;
};

struct raw_config {
    struct raw_zone *zones;
    uint32_t zones_count;
    struct {
        char *ttl, *pinned_ttl, *lifetime, *grace, *max_response, *accept;
    } values;
    struct {
        char **listen;
        uint32_t listen_count;
        char *workers, *udp_size, *identity, *tcp_connections, *tcp_idle, *tsig_legacy;
    } dns;
    struct {
        struct raw_listen *listen;
        uint32_t listen_count;
        char *base_url;
        char **trusted_proxies;
        uint32_t trusted_proxies_count;
        char **cors_origins;
        uint32_t cors_origins_count;
        char *max_body, *request_timeout, *commit_timeout, *connections;
    } api;
    struct {
        char *allow;
        char **networks;
        uint32_t networks_count;
        char *rate, *prune_unused;
    } registration;
    struct {
        char *changes, *names, *names_unclaimed, *free_space;
    } limits;
    struct {
        char *path, *key, *journal;
    } store;
    struct {
        char *socket, *group;
    } admin;
    char *user;
    struct {
        char *level, *format;
    } log;
    char *trace;
    struct {
        char **resolvers;
        uint32_t resolvers_count;
        char *ca;
    } check;
};

/* The mapping at the root of the file. */
extern const cyaml_schema_value_t config_raw_schema;

/* Hold the tree against the schema: unknown and doubled keys, lists where texts are wanted, and so on become errors
 * and are taken out of the way; ${NAME} in texts is replaced from the environment. Afterwards the tree fits the
 * schema. ERR_MEMORY. */
MUST_USE enum err config_shape_check(struct config_node *root, struct arena *arena, struct config_errors *errors);

/* Give what libcyaml makes of a tree that config_shape_check() has been over. ERR_MEMORY; ERR_CORRUPT: libcyaml
 * refuses it nevertheless, which would be our own mistake. */
MUST_USE enum err config_raw_load(struct raw_config **out, const struct config_node *root);
void config_raw_free(struct raw_config *raw); /* NULL is fine */

#endif
