/* cli/client_storage.h -- the credentials of an ACME host, in the file that goacmedns keeps: a map of domains to
 * accounts, which lego, Traefik, Caddy and acme-dns's own clients read and write too. One thread; blocks on files.
 *
 *   {"shop.example.com": {"fulldomain": "8e57….auth.example.org", "subdomain": "8e57…", "username": "…",
 *                         "password": "…", "server_url": "https://auth.example.org", "allowfrom": []}}
 *
 * What is in the file is never lost: members that are not known are kept, a file that cannot be read is not
 * written, and a change goes to a new file in the same folder, which then takes the place of the old one. */
#ifndef CLI_CLIENT_STORAGE_H
#define CLI_CLIENT_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/name.h"

#define CLIENT_STORAGE_MAX         ((size_t)4 << 20) /* octets of the file */
#define CLIENT_STORAGE_NESTING_MAX 16
#define CLIENT_STORAGE_LOCK_MS     30000 /* how long another run is waited for */

struct client_storage;

/* One account, as it stands in the file. Borrowed from the storage until it is changed or closed. */
struct client_account {
    const char *domain;     /* as in the file */
    const char *fulldomain; /* where the CNAME points; a domain name */
    const char *subdomain, *username, *password;
    const char *server_url; /* "" when the file does not say */
    const json_t *json;     /* all of it */
};

/* Read the file. *why gets a sentence when it is not ERR_OK. ERR_NOT_FOUND: there is none; ERR_SYNTAX: it is not
 * such a map, or too large; ERR_IO; ERR_MEMORY. */
MUST_USE enum err client_storage_open(struct client_storage **out, const char *path, struct text *why);
/* The same, to be changed: holds the lock PATH.lock until it is closed, so that two runs do not meet; makes the
 * folder (one level) and makes sure that a file can be written there. A missing file is an empty map. ERR_BUSY:
 * another run has the lock for too long. */
MUST_USE enum err client_storage_edit(struct client_storage **out, const char *path, struct text *why);
void client_storage_close(struct client_storage *s); /* wipes the secrets; NULL is fine */

/* Add an account and make it safe on the disk, mode 0600, with the owner that the file had. Only after
 * client_storage_edit(), once. The file is read again, since other programs know no lock. Takes account. On an
 * error the file is as it was: ERR_EXISTS: the domain is there by now; ERR_SYNTAX: account is none, or the file
 * is none any more. */
MUST_USE enum err client_storage_put(struct client_storage *s, const char *domain, json_t *account,
                                     struct text *why);

size_t client_storage_count(const struct client_storage *s);
/* The i-th, in the order of the file. */
void client_storage_at(const struct client_storage *s, size_t i, struct client_account *out);
/* The account of a domain (as domain_normalise() gives it). False: there is none. */
bool client_storage_find(const struct client_storage *s, const char *domain, struct client_account *out);
/* The account of a domain, or else of the nearest one above it that has one. */
bool client_storage_find_nearest(const struct client_storage *s, const char *domain, struct client_account *out);
/* The first account whose CNAMEs point at name. */
bool client_storage_find_target(const struct client_storage *s, const struct name *name,
                                struct client_account *out);

/* Whether others than its owner may read the file. */
bool client_storage_is_open_to_others(const struct client_storage *s);
/* Where it really is, behind symbolic links. */
const char *client_storage_path(const struct client_storage *s);

/* Read such a map from len octets; any octets. Gives the map. ERR_SYNTAX, ERR_MEMORY. */
MUST_USE enum err client_storage_parse(json_t **out, const char *bytes, size_t len, struct text *why);

#endif
