/* cli/config.h -- riposte.yaml, read and checked. One row per option in config_schema.c says key, type, unit,
 * range, default and sentence; parser, sample and manual page are held against it by tests. A config is const once
 * made; any thread. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/lookup.h"
#include "core/settings.h"
#include "dns/server.h"

struct config_impl;

struct config {
    const char *path; /* of the file, as given */
    struct settings settings;
    struct dns_settings dns;
    struct api_settings api;
    int64_t commit_timeout_ms;
    const char *store_path;
    const char *store_key;  /* "": the file `key` beside the database */
    int64_t journal_keep_s; /* 0: for ever */
    const char *user;       /* "": stay who we are */
    enum log_level log_level;
    enum log_format log_format;
    size_t trace_records;
    struct {
        const struct lookup_server *resolvers; /* at most LOOKUP_RESOLVERS_MAX; none: the system's */
        size_t n_resolvers;
        const char *ca;
    } check;
    struct config_impl *impl; /* memory and positions */
};

#define CONFIG_PATH_DEFAULT RIPOSTE_SYSCONFDIR "/riposte/riposte.yaml"

/* Read the file, all of it; on errors *report has every one, sorted by line, each as
 * "riposte.yaml:30:13: values.lifetime: \"24\": a time needs a unit: 24h, 30m, 45s\n" (the file as given by path),
 * and *n_errors counts them; nothing is given then. Sockets are not tried. ERR_SYNTAX: errors in the file; ERR_IO:
 * it cannot be read; ERR_MEMORY. */
MUST_USE enum err config_load(struct config **out, const char *path, struct text *report, unsigned *n_errors);
void config_free(struct config *c);

/* Where a key stands, such as "dns.listen[0]"; the nearest one above it that is in the file; line 0 when the file
 * does not have it at all. */
void config_where(const struct config *c, const char *key, unsigned *line, unsigned *column);

/* Keys that need a restart and differ, as "dns.listen, store.path"; "" when none. */
void config_restart_differences(const struct config *running, const struct config *next, struct text *out);

#endif
