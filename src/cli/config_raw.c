/* The declarative schema, and the way through libcyaml. It gets a copy of the file that our own pass has cleaned:
 * it would stop at the first thing it does not like, without a column, and people want to see everything that is
 * wrong at once. */
#include "cli/config_raw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define RAW_COPY_MAX (CONFIG_FILE_MAX * 16) /* every octet as an escape, and the environment's texts */

#define TEXT(s, key, member)                                                                                       \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, s, member, 0, CYAML_UNLIMITED)
#define TEXTS(s, key, member)                                                                                      \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, s, member, &text_schema, 0, CYAML_UNLIMITED)
#define MAPS(s, key, member, schema)                                                                               \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, s, member, schema, 0, CYAML_UNLIMITED)
/* A section is a part of struct raw_config, so its fields' offsets are those of the whole less its own: an own view
 * each. */
#define SECTION(key, member, fields)                                                                               \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, struct raw_config, member, fields)
#define IN(section) __typeof__(((struct raw_config *)NULL)->section)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t name_server_fields[] = {
    TEXT(struct raw_name_server, "name", name),
    TEXTS(struct raw_name_server, "addresses", addresses),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t name_server_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_name_server, name_server_fields)};

static const cyaml_schema_field_t zone_fields[] = {
    TEXT(struct raw_zone, "origin", origin),
    TEXT(struct raw_zone, "contact", contact),
    MAPS(struct raw_zone, "name-servers", name_servers, &name_server_schema),
    TEXTS(struct raw_zone, "records", records),
    TEXTS(struct raw_zone, "caa", caa),
    TEXT(struct raw_zone, "challenge-caa", challenge_caa),
    TEXT(struct raw_zone, "negative-ttl", negative_ttl),
    TEXT(struct raw_zone, "soa-minimum", soa_minimum),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t zone_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_zone, zone_fields)};

static const cyaml_schema_field_t listen_fields[] = {
    TEXT(struct raw_listen, "address", address),
    TEXTS(struct raw_listen, "serves", serves),
    TEXT(struct raw_listen, "tls", tls),
    TEXT(struct raw_listen, "certificate", certificate),
    TEXT(struct raw_listen, "key", key),
    TEXT(struct raw_listen, "plaintext", plaintext),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t listen_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_listen, listen_fields)};

static const cyaml_schema_field_t values_fields[] = {
    TEXT(IN(values), "ttl", ttl),
    TEXT(IN(values), "pinned-ttl", pinned_ttl),
    TEXT(IN(values), "lifetime", lifetime),
    TEXT(IN(values), "grace", grace),
    TEXT(IN(values), "max-response", max_response),
    TEXT(IN(values), "accept", accept),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t dns_fields[] = {
    TEXTS(IN(dns), "listen", listen),
    TEXT(IN(dns), "workers", workers),
    TEXT(IN(dns), "udp-size", udp_size),
    TEXT(IN(dns), "identity", identity),
    TEXT(IN(dns), "tcp-connections", tcp_connections),
    TEXT(IN(dns), "tcp-idle", tcp_idle),
    TEXT(IN(dns), "tsig-legacy", tsig_legacy),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t api_fields[] = {
    MAPS(IN(api), "listen", listen, &listen_schema),
    TEXT(IN(api), "base-url", base_url),
    TEXTS(IN(api), "trusted-proxies", trusted_proxies),
    TEXTS(IN(api), "cors-origins", cors_origins),
    TEXT(IN(api), "max-body", max_body),
    TEXT(IN(api), "request-timeout", request_timeout),
    TEXT(IN(api), "commit-timeout", commit_timeout),
    TEXT(IN(api), "connections", connections),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t registration_fields[] = {
    TEXT(IN(registration), "allow", allow),
    TEXTS(IN(registration), "networks", networks),
    TEXT(IN(registration), "rate", rate),
    TEXT(IN(registration), "prune-unused", prune_unused),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
    TEXT(IN(limits), "changes", changes),
    TEXT(IN(limits), "names", names),
    TEXT(IN(limits), "names-unclaimed", names_unclaimed),
    TEXT(IN(limits), "free-space", free_space),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t store_fields[] = {
    TEXT(IN(store), "path", path),
    TEXT(IN(store), "key", key),
    TEXT(IN(store), "journal", journal),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t admin_fields[] = {
    TEXT(IN(admin), "socket", socket),
    TEXT(IN(admin), "group", group),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
    TEXT(IN(log), "level", level),
    TEXT(IN(log), "format", format),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t check_fields[] = {
    TEXTS(IN(check), "resolvers", resolvers),
    TEXT(IN(check), "ca", ca),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t root_fields[] = {
    MAPS(struct raw_config, "zones", zones, &zone_schema),
    SECTION("values", values, values_fields),
    SECTION("dns", dns, dns_fields),
    SECTION("api", api, api_fields),
    SECTION("registration", registration, registration_fields),
    SECTION("limits", limits, limits_fields),
    SECTION("store", store, store_fields),
    SECTION("admin", admin, admin_fields),
    TEXT(struct raw_config, "user", user),
    SECTION("log", log, log_fields),
    TEXT(struct raw_config, "trace", trace),
    SECTION("check", check, check_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t config_raw_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, root_fields)};

static const cyaml_config_t cyaml_options = {
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_NO_ALIAS,
};

/* ---- the cleaned copy ---- */

/* One code point of UTF-8 that libyaml (or config_shape_check(), for the environment) has found to be well formed.
 */
static uint32_t take_code_point(const char **p)
{
    const unsigned char *u = (const unsigned char *)*p;
    unsigned more = u[0] >= 0xf0 ? 3 : u[0] >= 0xe0 ? 2 : u[0] >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? u[0] : u[0] & (0x3fu >> more);

    for (unsigned i = 1; i <= more; i++)
        code = code << 6 | (u[i] & 0x3fu);
    *p += 1 + more;
    return code;
}

/* As a double-quoted text (YAML 1.2 section 5.7), in which nothing can be mistaken for anything else. */
static void put_quoted(struct text *t, const char *text, size_t len)
{
    const char *end = text + len;

    text_put_char(t, '"');
    while (text < end) {
        uint32_t code = take_code_point(&text);

        if (code == '"' || code == '\\')
            text_printf(t, "\\%c", (char)code);
        else if (code >= 0x20 && code < 0x7f)
            text_put_char(t, (char)code);
        else
            text_printf(t, "\\U%08x", code);
    }
    text_put_char(t, '"');
}

/* Flow style, so that no indentation matters. As deep as the tree, which is bounded. */
static void put_node(struct text *t, const struct config_node *node)
{
    const char *between = "";

    if (node->kind == CONFIG_NODE_TEXT) {
        put_quoted(t, node->text, node->len);
        return;
    }
    text_put_char(t, node->kind == CONFIG_NODE_MAP ? '{' : '[');
    for (const struct config_node *c = node->first_child; c != NULL; c = c->next) {
        if (c->is_dropped)
            continue;
        text_put(t, between);
        if (node->kind == CONFIG_NODE_MAP)
            text_printf(t, "%s: ", c->key); /* a key of the schema: plain letters and hyphens */
        put_node(t, c);
        between = ",\n";
    }
    text_put_char(t, node->kind == CONFIG_NODE_MAP ? '}' : ']');
}

enum err config_raw_load(struct raw_config **out, const struct config_node *root)
{
    cyaml_data_t *data = NULL;
    struct text copy;
    cyaml_err_t ce;
    enum err e;

    *out = NULL;
    text_init(&copy, RAW_COPY_MAX);
    put_node(&copy, root);
    text_put(&copy, "\n");
    e = copy.err;
    if (e == ERR_OK) {
        ce =
            cyaml_load_data((const uint8_t *)copy.bytes, copy.len, &cyaml_options, &config_raw_schema, &data, NULL);
        if (ce != CYAML_OK)
            e = ce == CYAML_ERR_OOM ? ERR_MEMORY : ERR_CORRUPT;
    }
    text_fini(&copy);
    *out = data;
    return e;
}

void config_raw_free(struct raw_config *raw)
{
    if (raw != NULL)
        (void)cyaml_free(&cyaml_options, &config_raw_schema, raw, 0);
}
